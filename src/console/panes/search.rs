//! Search: answers as one types, and the whole memory beside the list.
//!
//! A request goes out for every change, one at a time: while one is on its way the newest change waits, so a slow hub
//! is never asked for what nobody wants any more. Every request has a generation; an answer older than what is shown
//! is dropped. A query that cannot be read keeps the last good answer on screen.

mod answers;
mod asking;
mod chips;
mod completion;
mod detail;
mod explain;
mod pane;
mod pointer;
mod row;
mod typing;
mod view;

use std::{ops::Range, sync::Arc};

use ratatui::layout::Rect;

use super::super::{
    effect::Ask,
    export::What,
    hyperlink::Hyperlinks,
    layout::Split,
    scene::{Out, Scene},
    widgets::{
        line::Line,
        list::{List, Step},
    },
};
use crate::{
    door::{ListOrder, RecordKind, SearchAnswer, SearchRequest},
    model::{Fault, Id, MemoryFilter, Project, Projects, Time},
};

use asking::Asked;
use completion::Completion;
pub use detail::{Detail, Side};
pub use row::Row;
pub use view::{scrollbar, view_rule};

/// Lines a row takes: title, snippet.
pub const ROW_LINES: usize = 2;

/// The last good answer.
#[derive(Debug, Clone, Default)]
pub struct Found {
    pub query: String,
    pub rows: Vec<Row>,
    pub total: Option<usize>,
    pub total_at_least: bool,
    pub took_ms: f64,
    /// The answer is less than it could be.
    pub degraded: Option<Degraded>,
    /// What else is to be said of it.
    pub remark: Option<String>,
    /// The best score among the rows: what the others' bars are measured by.
    best: f32,
    /// The same of the lexical leg.
    best_lexical: f32,
    next: Option<String>,
    generation: u64,
    /// By meaning too, not by words alone.
    full: bool,
}

/// Why an answer is less than it could be.
#[derive(Debug, Clone, PartialEq)]
pub struct Degraded {
    /// In two words, for the search line.
    pub badge: &'static str,
    pub reason: String,
    /// What this takes from the answer.
    pub missing: &'static str,
}

impl Degraded {
    fn of(answer: &SearchAnswer) -> Option<Degraded> {
        let (badge, missing) = match answer.degraded_mode.as_deref()? {
            "lexical" => ("words only", "what is near in meaning is not found"),
            "scan" => ("scan", "the records were read one by one, in a rough order"),
            "cached" => ("cached", "what changed since then is missing"),
            _ => ("degraded", "it may be less than all"),
        };
        Some(Degraded { badge, reason: answer.degraded_reasons.join("; "), missing })
    }
}

/// What is wrong with the query, and the bytes where, as far as known.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryFault {
    pub at: Option<Range<usize>>,
    pub fault: Fault,
}

#[derive(Debug, Default)]
pub struct Search {
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
    /// The memory whose neighbours were asked for, by its title.
    near: Option<(Id, String)>,
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
    more_asked: Option<u64>,
    waiting: bool,
    /// Enter came before the answer: its first hit is opened when it is there.
    open_when_found: bool,
    stale_since: Option<Time>,
    refreshed_at: Option<Time>,
}

impl Search {
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
            let id = row.id;
            let side = self.detail.as_ref().map_or(Side::Memory, |detail| detail.side);
            self.show(id, if side == Side::Explain { side } else { Side::Memory }, out);
        }
    }

    /// Enter: opens the selected memory; when it is open, the arrows go into it.
    pub fn open(&mut self, out: &mut Out) {
        if self.is_asking() && self.found.as_ref().is_none_or(|found| found.query != self.query.text()) {
            self.open_when_found = true;
            self.end_typing(out);
            return;
        }
        let Some((id, ranked)) = self.selected().map(|row| (row.id, row.score.is_some())) else { return };
        self.end_typing(out);
        if self.detail.as_ref().is_some_and(|detail| detail.id == id && detail.side == Side::Memory) {
            self.reading = true;
            return;
        }
        if ranked {
            let query = self.found.as_ref().map(|found| found.query.clone()).unwrap_or_default();
            out.ask(Ask::Opened { id, query });
        }
        self.show(id, Side::Memory, out);
    }

    pub fn toggle(&mut self, side: Side, out: &mut Out) {
        let Some(row) = self.selected() else { return };
        let id = row.id;
        self.end_typing(out);
        if self.detail.as_ref().is_some_and(|detail| detail.id == id && detail.side == side) {
            self.close_detail();
        } else {
            self.show(id, side, out);
        }
    }

    /// Asks what is near the selected memory in meaning. It is a query like any other: words narrow it, Esc and typing
    /// leave it.
    pub fn related(&mut self, scene: &Scene, out: &mut Out) {
        let Some((id, title)) = self.selected().map(|row| (row.id, row.title.clone())) else { return };
        self.close_detail();
        self.query.set(&format!("like:{id} "));
        self.near = Some((id, title));
        self.chip = None;
        self.completion.clear();
        self.fault = None;
        self.ask(scene, out);
    }

    /// Of what is listed; what is opened from elsewhere is a memory.
    fn record_of(&self, id: Id) -> RecordKind {
        let rows = self.found.as_ref().map_or(&[][..], |found| &found.rows);
        rows.iter().find(|row| row.id == id).map_or(RecordKind::Memory, |row| row.record)
    }

    fn show(&mut self, id: Id, side: Side, out: &mut Out) {
        match &mut self.detail {
            Some(detail) => detail.turn(id, side),
            None => self.detail = Some(Detail::new(id, side)),
        }
        out.ask(match side {
            Side::Memory if self.record_of(id) == RecordKind::Decision => Ask::Decision { id },
            Side::Memory => Ask::Memory { id },
            Side::History => Ask::History { id },
            Side::Explain => {
                let full = self.found.as_ref().is_some_and(|found| found.full);
                Ask::Explain { id, request: SearchRequest { explain: true, ..self.request(None, full) } }
            }
        });
        self.arrange(self.area);
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

    /// What is open was changed: shown anew.
    pub fn saved(&mut self, id: Id, out: &mut Out) {
        if let Some(detail) = &self.detail
            && detail.id == id
        {
            let side = detail.side;
            self.show(id, side, out);
        }
    }

    pub fn drop_row(&mut self, id: Id) {
        if let Some(found) = &mut self.found {
            found.rows.retain(|row| row.id != id);
            if let Some(total) = &mut found.total {
                *total = total.saturating_sub(1);
            }
            self.list.set_len(found.rows.len());
        }
        if self.detail.as_ref().is_some_and(|detail| detail.id == id) {
            self.close_detail();
        }
    }
}
