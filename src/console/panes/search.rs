//! Search: answers as one types, and the whole memory beside the list.
//!
//! A request goes out for every change, one at a time: while one is on its way the newest change waits, so a slow hub
//! is never asked for what nobody wants any more. Every request has a generation; an answer older than what is shown
//! is dropped. A query that cannot be read keeps the last good answer on screen.
//!
//! With several hubs shown each of them is asked, and what they find is one list (`merge`); every row knows its hub, and
//! what is asked about it is asked there. One hub is the same with one in the list.

mod answers;
mod asking;
mod chips;
mod completion;
mod detail;
mod explain;
mod found;
pub mod merge;
mod pane;
mod pointer;
mod row;
mod typing;
mod view;

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use ratatui::layout::Rect;

use super::super::{
    effect::{Ask, AskEach},
    export::What,
    hyperlink::Hyperlinks,
    layout::Split,
    model::At,
    scene::{Out, Scene},
    widgets::{
        line::Line,
        list::{List, Step},
    },
};
use crate::{
    door::{ListOrder, RecordKind, SearchRequest},
    model::{Fault, Id, MemoryFilter, Project, Projects, Time},
};

use asking::Asked;
use completion::Completion;
pub use detail::{Detail, Side};
pub use found::{Degraded, Found};
pub use row::Row;
pub use view::{scrollbar, view_rule};

/// Lines a row takes: title, snippet.
pub const ROW_LINES: usize = 2;

/// What is wrong with the query, and the bytes where, as far as known.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryFault {
    pub at: Option<Range<usize>>,
    pub fault: Fault,
}

/// The memory whose neighbours were asked for.
#[derive(Debug, Clone)]
pub struct Near {
    pub at: At,
    pub id: Id,
    pub title: String,
}

#[derive(Debug, Default)]
pub struct Search {
    /// The hub that is chosen: with another the pane begins anew.
    chosen: At,
    pub query: Line,
    /// Letters are text.
    pub typing: bool,
    pub found: Option<Found>,
    pub fault: Option<QueryFault>,
    pub list: List,
    pub detail: Option<Detail>,
    /// The arrows move the opened text, not the list.
    pub reading: bool,
    pub completion: Completion,
    /// The chip one stands on; letters are commands meanwhile.
    pub chip: Option<usize>,
    near: Option<Near>,
    /// Of the list of all; an answer has the order of its ranking.
    pub order: ListOrder,
    pub split: Split,
    pub area: Rect,
    pub project: Option<Project>,
    generation: u64,
    /// Completions: the newest question, and the one whose answer is shown.
    suggest_asked: u64,
    suggested: u64,
    /// On its way, with the query it asks.
    asked: Option<Asked>,
    /// Hubs that owe an answer nobody waits for any more, with its generation: none of them is asked anything new before.
    owing: BTreeMap<At, u64>,
    /// Hubs that were asked for their next page.
    more_asked: Vec<At>,
    /// Those that were asked last, or would have been.
    scope: Vec<At>,
    waiting: bool,
    /// Enter came before the answer: its first hit is opened when it is there.
    open_when_found: bool,
    stale_since: Option<Time>,
    refreshed_at: Option<Time>,
}

impl Search {
    /// With this hub chosen.
    pub fn with(chosen: At) -> Search {
        Search { chosen, ..Search::default() }
    }

    pub fn selected(&self) -> Option<&Row> {
        self.found.as_ref()?.rows.get(self.list.selected()?)
    }

    pub fn is_asking(&self) -> bool {
        self.asked.is_some() || self.waiting
    }

    pub fn projects(&self) -> Projects {
        self.project.clone().map_or(Projects::All, Projects::with_none)
    }

    fn filter(&self) -> MemoryFilter {
        MemoryFilter { projects: self.projects(), ..MemoryFilter::default() }
    }

    pub fn step(&mut self, step: Step, out: &mut Out) {
        if self.reading && !self.typing {
            if let Some(detail) = &mut self.detail {
                detail.scroll(step, self.split.side.height);
            }
            return;
        }
        let before = self.list.selected();
        self.list.step(step);
        if self.list.selected() != before {
            self.moved(out);
        }
    }

    /// Another row is selected: what is open follows.
    fn moved(&mut self, out: &mut Out) {
        self.more(out);
        if self.detail.is_some()
            && let Some(row) = self.selected()
        {
            let key = row.key();
            let side = self.detail.as_ref().map_or(Side::Memory, |detail| detail.side);
            self.show(key, if side == Side::Explain { side } else { Side::Memory }, out);
        }
    }

    /// Enter: opens the selected memory; when it is open, the arrows go into it.
    pub fn open(&mut self, out: &mut Out) {
        if self.is_asking() && self.found.as_ref().is_none_or(|found| found.query != self.query.text()) {
            self.open_when_found = true;
            self.end_typing(out);
            return;
        }
        let Some((key, ranked)) = self.selected().map(|row| (row.key(), row.score.is_some())) else { return };
        self.end_typing(out);
        if self.detail.as_ref().is_some_and(|detail| detail.key() == key && detail.side == Side::Memory) {
            self.reading = true;
            return;
        }
        if ranked {
            let query = self.found.as_ref().map(|found| found.query.clone()).unwrap_or_default();
            let (at, id) = key;
            self.ask_of(at, Ask::Opened { id, query }, out);
        }
        self.show(key, Side::Memory, out);
    }

    pub fn toggle(&mut self, side: Side, out: &mut Out) {
        let Some(row) = self.selected() else { return };
        let key = row.key();
        self.end_typing(out);
        if self.detail.as_ref().is_some_and(|detail| detail.key() == key && detail.side == side) {
            self.close_detail();
        } else {
            self.show(key, side, out);
        }
    }

    /// Asks what is near the selected memory in meaning. It is a query like any other: words narrow it, Esc and typing
    /// leave it. The hub that has the memory is asked alone: no other knows what it means.
    pub fn related(&mut self, scene: &Scene, out: &mut Out) {
        let near = |row: &Row| Near { at: row.at, id: row.id, title: row.title.clone() };
        let Some(near) = self.selected().map(near) else { return };
        self.close_detail();
        self.query.set(&format!("like:{} ", near.id));
        self.near = Some(near);
        self.chip = None;
        self.completion.clear();
        self.fault = None;
        self.ask(scene, out);
    }

    /// Of what is listed; what is opened from elsewhere is a memory.
    fn record_of(&self, key: (At, Id)) -> RecordKind {
        let rows = self.found.as_ref().map_or(&[][..], |found| &found.rows);
        rows.iter().find(|row| row.key() == key).map_or(RecordKind::Memory, |row| row.record)
    }

    fn show(&mut self, key: (At, Id), side: Side, out: &mut Out) {
        let (at, id) = key;
        match &mut self.detail {
            Some(detail) => detail.turn(key, side),
            None => self.detail = Some(Detail::new(key, side)),
        }
        let ask = match side {
            Side::Memory if self.record_of(key) == RecordKind::Decision => Ask::Decision { id },
            Side::Memory => Ask::Memory { id },
            Side::History => Ask::History { id },
            Side::Explain => {
                let full = self.found.as_ref().is_some_and(|found| found.full);
                Ask::Explain { id, request: SearchRequest { explain: true, ..self.request(None, full) } }
            }
        };
        self.ask_of(at, ask, out);
        self.arrange(self.area);
    }

    /// Asks this hub. The chosen one is asked as everything else asks it.
    fn ask_of(&self, at: At, ask: Ask, out: &mut Out) {
        if at == self.chosen {
            out.ask(ask);
        } else {
            out.ask_each(AskEach::Of { at, ask: Box::new(ask) });
        }
    }

    pub fn close_detail(&mut self) {
        self.detail = None;
        self.reading = false;
        self.arrange(self.area);
    }

    /// Esc, one step out. `false` when there was nowhere to go back from.
    pub fn back(&mut self, out: &mut Out) -> bool {
        if self.chip.take().is_some() {
            return true;
        }
        if self.typing {
            if !self.completion.close(&self.query) {
                self.end_typing(out);
            }
        } else if self.reading && self.split.list.height > 0 {
            self.reading = false;
        } else if self.detail.is_some() {
            self.close_detail();
        } else {
            return false;
        }
        true
    }

    /// What is shown, to be asked for whole.
    pub fn all(&self) -> What {
        match &self.found {
            Some(found) if !found.query.trim().is_empty() => What::Search(Box::new(SearchRequest {
                query: found.query.clone(),
                // What the words found is shown for a moment only.
                ..self.request(None, true)
            })),
            _ => What::List(self.filter(), self.order),
        }
    }

    /// Where the links of what is open lead.
    pub fn hyperlinks(&self) -> Arc<Hyperlinks> {
        self.detail.as_ref().map(Detail::hyperlinks).unwrap_or_default()
    }

    /// The other order of the list of all.
    pub fn turn_order(&mut self, scene: &Scene, out: &mut Out) {
        self.order = match self.order {
            ListOrder::Recent => ListOrder::Oldest,
            ListOrder::Oldest | ListOrder::Due => ListOrder::Recent,
        };
        self.list.select(0);
        self.ask(scene, out);
    }

    /// What is open was changed, at the chosen hub: shown anew.
    pub fn saved(&mut self, id: Id, out: &mut Out) {
        let key = (self.chosen, id);
        if let Some(detail) = self.detail.as_ref().filter(|detail| detail.key() == key) {
            let side = detail.side;
            self.show(key, side, out);
        }
    }

    /// It is gone from the chosen hub.
    pub fn drop_row(&mut self, id: Id) {
        let key = (self.chosen, id);
        if let Some(found) = &mut self.found {
            found.rows.retain(|row| row.key() != key);
            if let Some(total) = &mut found.total {
                *total = total.saturating_sub(1);
            }
            self.list.set_len(found.rows.len());
        }
        if self.detail.as_ref().is_some_and(|detail| detail.key() == key) {
            self.close_detail();
        }
    }
}
