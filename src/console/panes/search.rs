//! Search: answers as one types, and the whole memory beside the list.
//!
//! A request goes out for every change, one at a time: while one is on its way the newest change waits, so a slow hub
//! is never asked for what nobody wants any more. Every request has a generation; an answer older than what is shown
//! is dropped. A query that cannot be read keeps the last good answer on screen.

mod chips;
mod completion;
mod detail;
mod explain;
mod pane;
mod row;
mod view;

use std::{ops::Range, sync::Arc, time::Duration};

use super::super::{
    effect::{Ask, Effect},
    export::What,
    hyperlink::Hyperlinks,
    layout::{Split, inside},
    msg::Answer,
    scene::{Out, Scene},
    widgets::{
        line::Line,
        list::{List, Step},
    },
};
use crate::{
    door::{
        ListOrder, ListRequest, MemoryPage, SearchAnswer, SearchMode, SearchRequest, SuggestAnswer,
        SuggestRequest, Suggestion,
    },
    model::{Code, Fault, Id, MemoryFilter, Project, Projects, Time},
    search::{
        STILL_CHECKED,
        query::{Field, Query, Typed},
    },
};

use completion::Completion;
pub use detail::{Detail, Side};
use explain::Explained;
use ratatui::layout::Rect;
pub use row::Row;
pub use view::{scrollbar, view_rule};

/// Hits a page; the next is asked for when the selection comes near the end.
const PAGE: usize = 60;
/// Rows from the end at which the next page is asked for.
const AHEAD: usize = 15;
/// While the hub's memories change the shown answer is asked anew, at most this often.
const REFRESH: Duration = Duration::from_millis(500);
/// Completions asked for: as many as a glance takes in.
const OFFERS_MAX: usize = 8;
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

/// A question on its way.
#[derive(Debug, Clone)]
struct Asked {
    generation: u64,
    query: String,
    full: bool,
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

    // ── what comes from keys ────────────────────────────────────────────────────────────────────────────────────

    pub fn begin_typing(&mut self) {
        self.open_when_found = false;
        self.typing = true;
        self.reading = false;
        self.chip = None;
    }

    /// Letters are commands again. What was asked is worth finding again, unless it could not be read or names a memory
    /// by its id, which nobody would know it by.
    pub fn end_typing(&mut self, out: &mut Out) {
        if !std::mem::take(&mut self.typing) {
            return;
        }
        self.completion.clear();
        let text = self.query.text().trim();
        let by_id = chips::chips(text).iter().any(|chip| chip.field == Some(Field::Like));
        if !text.is_empty() && self.fault.is_none() && !by_id {
            out.effects.push(Effect::KeepQuery(text.to_owned()));
        }
    }

    /// The query changed: ask.
    pub fn changed(&mut self, scene: &Scene, out: &mut Out) {
        self.fault = None;
        self.chip = None;
        self.completion.changed(&self.query);
        self.ask(scene, out);
        self.suggest(scene, out);
    }

    /// The cursor went elsewhere in the same text.
    pub fn moved_cursor(&mut self, scene: &Scene, out: &mut Out) {
        self.completion.changed(&self.query);
        self.suggest(scene, out);
    }

    /// A former query, to be changed or used as it is.
    pub fn take_query(&mut self, query: &str, scene: &Scene, out: &mut Out) {
        self.begin_typing();
        self.query.set(query);
        self.completion.clear();
        self.changed(scene, out);
    }

    pub fn insert(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        self.query.insert(text);
        self.changed(scene, out);
    }

    /// The rest of what Tab takes.
    pub fn ghost(&self) -> Option<&str> {
        self.completion.ghost(&self.query).filter(|_| self.typing && self.fix().is_none())
    }

    /// What stands in the box under the cursor, and which of it is chosen.
    pub fn popup(&self) -> (Vec<Suggestion>, usize) {
        if !self.typing || self.fix().is_some() {
            return (Vec::new(), 0);
        }
        let (offers, chosen) = self.completion.popup(&self.query);
        (offers.into_iter().cloned().collect(), chosen)
    }

    /// What is wrong, unless it is only half said: while its values are offered, a field without one is no mistake.
    fn shown_fault(&self) -> Option<&QueryFault> {
        let fault = self.fault.as_ref()?;
        let half =
            fault.at.as_ref().is_some_and(|at| at.end == self.query.at()) && !self.popup().0.is_empty();
        Some(fault).filter(|_| !half)
    }

    /// The field that was meant where there is none of that name.
    fn fix(&self) -> Option<Suggestion> {
        let at = self.fault.as_ref()?.at.clone()?;
        let name = self.query.text().get(at.clone())?;
        let colon = self.query.text()[at.end..].starts_with(':');
        let field = Field::near(name).filter(|_| colon && Field::named(name).is_none())?;
        Some(Suggestion {
            text: format!("{}:", field.name()),
            replace: at.start..at.end + 1,
            kind: "fix".to_owned(),
            documents: None,
        })
    }

    pub fn accept_suggestion(&mut self, scene: &Scene, out: &mut Out) -> bool {
        let fix = self.fix();
        let Some(offer) = fix.clone().or_else(|| self.completion.chosen(&self.query).cloned()) else {
            return false;
        };
        if self.query.text().get(offer.replace.clone()).is_none_or(|typed| typed == offer.text) {
            return false;
        }
        self.query.replace(offer.replace, &offer.text);
        if fix.is_some() {
            self.query.end();
        } else if offer.kind != "field" && self.query.at_end() {
            self.query.insert(" ");
        }
        self.completion.clear();
        self.changed(scene, out);
        true
    }

    /// An arrow while typing: in the box where there is something to choose, else in the list.
    pub fn step_typing(&mut self, step: Step, out: &mut Out) {
        if !self.completion.step(step, &self.query) {
            self.step(step, out);
        }
    }

    // ── chips ───────────────────────────────────────────────────────────────────────────────────────────────────

    pub fn has_chips(&self) -> bool {
        !chips::chips(self.query.text()).is_empty()
    }

    pub fn step_chip(&mut self, forward: bool) {
        let count = chips::chips(self.query.text()).len();
        self.chip = match self.chip {
            _ if count == 0 => None,
            None if forward => Some(0),
            None => Some(count - 1),
            Some(at) if forward => Some((at + 1).min(count - 1)),
            Some(at) => Some(at.saturating_sub(1)),
        };
    }

    /// Out of typing, from before the first letter.
    pub fn walk_chips(&mut self, out: &mut Out) -> bool {
        if self.query.at() > 0 || !self.has_chips() {
            return false;
        }
        self.end_typing(out);
        self.chip = Some(0);
        true
    }

    fn chosen_chip(&self) -> Option<chips::Part> {
        chips::chips(self.query.text()).into_iter().nth(self.chip?)
    }

    pub fn remove_chip(&mut self, scene: &Scene, out: &mut Out) {
        let (Some(at), Some(part)) = (self.chip, self.chosen_chip()) else { return };
        self.query.set(&chips::without(self.query.text(), &part.range));
        self.fault = None;
        let left = chips::chips(self.query.text()).len();
        self.chip = left.checked_sub(1).map(|last| at.min(last));
        self.ask(scene, out);
    }

    /// Types on at the end of the chip's value.
    pub fn edit_chip(&mut self, scene: &Scene, out: &mut Out) {
        let Some(part) = self.chosen_chip() else { return };
        self.begin_typing();
        let said = &self.query.text()[part.range.clone()];
        let quote = said.len() > 1 && said.ends_with('"');
        self.query.go_to(part.range.end - usize::from(quote));
        self.suggest(scene, out);
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

    fn show(&mut self, id: Id, side: Side, out: &mut Out) {
        match &mut self.detail {
            Some(detail) => detail.turn(id, side),
            None => self.detail = Some(Detail::new(id, side)),
        }
        out.ask(match side {
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

    // ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────

    fn request(&self, cursor: Option<String>, full: bool) -> SearchRequest {
        SearchRequest {
            query: self.query.text().to_owned(),
            limit: PAGE,
            mode: if full { SearchMode::Hybrid } else { SearchMode::Lexical },
            filter: self.filter(),
            as_you_type: true,
            cursor,
            ..SearchRequest::default()
        }
    }

    /// Asks for what is typed now; waits when a question is on its way or the hub is not there.
    pub fn ask(&mut self, scene: &Scene, out: &mut Out) {
        self.stale_since = None;
        // One that asks for the meaning of what is no longer typed holds nobody up.
        let on_its_way = self.asked.as_ref().is_some_and(|asked| !asked.full);
        if on_its_way || !scene.hub.is_live() {
            self.waiting = true;
            return;
        }
        self.waiting = false;
        self.refreshed_at = Some(scene.now);
        // What is on screen in full is asked anew in full: it would flicker otherwise.
        let full = self.found.as_ref().is_some_and(|found| found.full && found.query == self.query.text());
        let generation = self.next_question(full);
        out.ask(if self.query.text().trim().is_empty() {
            Ask::Recent {
                generation,
                request: ListRequest {
                    filter: self.filter(),
                    order: self.order,
                    limit: PAGE,
                    ..ListRequest::default()
                },
            }
        } else {
            Ask::Search { generation, request: self.request(None, full) }
        });
    }

    /// The words have answered: now what they mean.
    fn ask_in_full(&mut self, out: &mut Out) {
        let generation = self.next_question(true);
        out.ask(Ask::Search { generation, request: self.request(None, true) });
    }

    fn next_question(&mut self, full: bool) -> u64 {
        self.generation += 1;
        let generation = self.generation;
        self.asked = Some(Asked { generation, query: self.query.text().to_owned(), full });
        generation
    }

    fn suggest(&mut self, scene: &Scene, out: &mut Out) {
        let text = self.query.text();
        let before = &text[..self.query.at()];
        if before.is_empty() || before.ends_with(char::is_whitespace) || !scene.hub.is_live() {
            return;
        }
        self.suggest_asked += 1;
        out.ask(Ask::Suggest {
            generation: self.suggest_asked,
            request: SuggestRequest {
                query: text.to_owned(),
                at: Some(self.query.at()),
                filter: self.filter(),
                limit: OFFERS_MAX,
            },
        });
    }

    /// The next page, when the selection comes near the end.
    fn more(&mut self, out: &mut Out) {
        let Some(found) = &self.found else { return };
        let Some(next) = found.next.clone() else { return };
        let near = self.list.selected().is_some_and(|row| row + AHEAD >= found.rows.len());
        if !near || self.more_asked.is_some() {
            return;
        }
        let generation = found.generation;
        self.more_asked = Some(generation);
        out.ask(if found.query.trim().is_empty() {
            let request = ListRequest {
                filter: self.filter(),
                order: self.order,
                limit: PAGE,
                after: Some(next),
                ..ListRequest::default()
            };
            Ask::RecentMore { generation, request }
        } else {
            let request =
                SearchRequest { query: found.query.clone(), ..self.request(Some(next), found.full) };
            Ask::SearchMore { generation, request }
        });
    }

    /// The door is there (again), or its views became ready.
    pub fn hub_is_there(&mut self, scene: &Scene, out: &mut Out) {
        self.asked = None;
        self.more_asked = None;
        self.ask(scene, out);
        if let Some(detail) = &self.detail {
            let (id, side) = (detail.id, detail.side);
            if detail.is_empty() {
                self.show(id, side, out);
            }
        }
    }

    /// Memories changed: the answer on screen is no longer the newest.
    pub fn memories_changed(&mut self, scene: &Scene) {
        self.stale_since.get_or_insert(scene.now);
    }

    pub fn tick(&mut self, scene: &Scene, out: &mut Out) {
        if self.wake().is_some_and(|at| scene.now >= at) {
            self.ask(scene, out);
        }
    }

    /// When time alone makes something happen here.
    pub fn wake(&self) -> Option<Time> {
        let stale = self.stale_since?;
        Some(self.refreshed_at.map_or(stale, |at| stale.max(at.plus(REFRESH))))
    }

    // ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────

    pub fn searched(
        &mut self,
        generation: u64,
        result: Result<SearchAnswer, Fault>,
        scene: &Scene,
        out: &mut Out,
    ) {
        let result = result.map(|answer| Found {
            total: Some(answer.total),
            total_at_least: answer.total_at_least,
            took_ms: answer.took_ms,
            degraded: Degraded::of(&answer),
            remark: remark(&answer),
            next: answer.cursor,
            best_lexical: answer.results.iter().map(|hit| hit.legs.lexical).fold(0.0, f32::max),
            best: answer.results.iter().map(|hit| hit.score).fold(0.0, f32::max),
            rows: answer.results.into_iter().map(Row::from).collect(),
            ..Found::default()
        });
        self.take(generation, result, scene, out);
    }

    pub fn listed(
        &mut self,
        generation: u64,
        result: Result<MemoryPage, Fault>,
        scene: &Scene,
        out: &mut Out,
    ) {
        let result = result.map(|page| Found {
            next: page.next,
            rows: page.memories.into_iter().map(Row::from).collect(),
            ..Found::default()
        });
        self.take(generation, result, scene, out);
    }

    fn take(&mut self, generation: u64, result: Result<Found, Fault>, scene: &Scene, out: &mut Out) {
        let Some(asked) = self.asked.take_if(|asked| asked.generation == generation) else { return };
        let Asked { query, full, .. } = asked;
        if self.waiting {
            self.ask(scene, out);
        }
        let current = query == self.query.text();
        match result {
            Ok(found) => {
                if current {
                    self.fault = None;
                }
                let ranked = found.total.is_some();
                self.replace(Found { query, generation, full, ..found }, out);
                if current && ranked && !full && self.asked.is_none() {
                    self.ask_in_full(out);
                }
            }
            // Not there yet: asked again as soon as it is.
            Err(fault) if fault.code == Code::Unavailable => self.waiting |= current,
            Err(fault) if current => self.fault = Some(QueryFault { at: place(&fault, &query), fault }),
            Err(_) => {}
        }
    }

    fn replace(&mut self, mut found: Found, out: &mut Out) {
        row::tell_apart(&mut found.rows);
        // Words alone do not know what the full answer lacked: what it said stands until the next one.
        if let Some(old) = self.found.as_ref().filter(|old| old.full && !found.full && found.total.is_some())
        {
            found.degraded = found.degraded.or_else(|| old.degraded.clone());
        }
        let same_query = self.found.as_ref().is_some_and(|old| old.query == found.query);
        let kept = self.selected().map(|row| row.id).filter(|_| same_query);
        let row = kept.and_then(|id| found.rows.iter().position(|row| row.id == id));
        self.more_asked = None;
        // When meaning joins the words, whoever has not moved stays at the top. A row that was chosen stays chosen, on
        // the line where it is.
        let settles = found.full && self.found.as_ref().is_some_and(|old| !old.full);
        let row = row.filter(|_| !settles || self.list.selected() != Some(0));
        let line = self.list.selected().unwrap_or(0) - self.list.visible().start;
        self.list.set_len(found.rows.len());
        match row {
            Some(row) if settles => self.list.select_at(row, line),
            row => self.list.select(row.unwrap_or(0)),
        }
        self.found = Some(found);
        let open = self.detail.as_ref().map(|detail| detail.id);
        if open.is_some() && open != self.selected().map(|row| row.id) {
            self.moved(out);
        }
        let current = self.found.as_ref().is_some_and(|found| found.query == self.query.text());
        if current && std::mem::take(&mut self.open_when_found) {
            self.open(out);
        }
    }

    pub fn more_found(&mut self, generation: u64, rows: Result<(Vec<Row>, Option<String>), Fault>) {
        let Some(found) = self.found.as_mut().filter(|found| found.generation == generation) else { return };
        self.more_asked = None;
        match rows {
            Ok((rows, next)) => {
                found.rows.extend(rows);
                row::tell_apart(&mut found.rows);
                found.next = next;
                self.list.set_len(found.rows.len());
            }
            Err(_) => found.next = None,
        }
    }

    pub fn answer(&mut self, answer: Answer, scene: &Scene, out: &mut Out) {
        match answer {
            Answer::Search { generation, result } => self.searched(generation, result, scene, out),
            Answer::Recent { generation, result } => self.listed(generation, result, scene, out),
            Answer::SearchMore { generation, result } => {
                let rows =
                    result.map(|answer| (answer.results.into_iter().map(Row::from).collect(), answer.cursor));
                self.more_found(generation, rows);
            }
            Answer::RecentMore { generation, result } => {
                let rows = result.map(|page| (page.memories.into_iter().map(Row::from).collect(), page.next));
                self.more_found(generation, rows);
            }
            Answer::Suggest { generation, result } => self.suggested(generation, result),
            Answer::Memory { id, result } => {
                if let Some(detail) = self.detail.as_mut().filter(|detail| detail.id == id) {
                    detail.memory(result.map(|memory| *memory), scene, out);
                }
            }
            Answer::Highlighted { id, revision, tokens } => {
                if let Some(detail) = &mut self.detail {
                    detail.coloured(id, revision, tokens, scene);
                }
            }
            Answer::History { id, result } => {
                if let Some(detail) = self.detail.as_mut().filter(|detail| detail.id == id) {
                    detail.history(result, scene);
                }
            }
            Answer::Explain { id, result } => self.explained(id, result, scene),
            _ => {}
        }
    }

    /// One that was overtaken by a newer one says nothing any more.
    fn suggested(&mut self, generation: u64, result: Result<SuggestAnswer, Fault>) {
        let Ok(answer) = result else { return };
        if generation < self.suggested {
            return;
        }
        self.suggested = generation;
        if self.typing {
            self.completion.set(answer.suggestions, &self.query);
        }
    }

    fn explained(&mut self, id: Id, result: Result<SearchAnswer, Fault>, scene: &Scene) {
        let Some(detail) = self.detail.as_mut().filter(|detail| detail.id == id) else { return };
        let explained = result.map(|answer| {
            let hits: Vec<_> = answer.results.iter().map(|hit| hit.updated_at).collect();
            let hit = answer.results.into_iter().find(|hit| hit.id == id);
            hit.map_or(Explained::Recent, |hit| Explained::hit(hit, &hits))
        });
        detail.explain(explained, scene);
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

    // ── place ───────────────────────────────────────────────────────────────────────────────────────────────────

    /// Lines above the list: the query, and the line under it.
    pub const HEAD_LINES: u16 = 2;

    pub fn arrange(&mut self, area: Rect) {
        self.area = area;
        let inner = inside(area);
        let head = Search::HEAD_LINES.min(inner.height);
        let body = Rect { y: inner.y + head, height: inner.height - head, ..inner };
        self.split = Split::of(body, self.detail.is_some());
        self.list.set_height(self.split.list.height as usize / ROW_LINES);
    }

    /// The opened text is laid out for its width, here and not while drawing.
    pub fn lay_out(&mut self, scene: &Scene) {
        let width = self.split.side.width.saturating_sub(2);
        if let Some(detail) = &mut self.detail {
            detail.lay_out(width, scene);
        }
    }
}

impl Search {
    /// A click or wheel inside the pane. A second click on the selected row opens it.
    pub fn click(&mut self, x: u16, y: u16, scene: &Scene, out: &mut Out) {
        let at = (x, y).into();
        if self.split.list.contains(at) {
            self.reading = false;
            self.end_typing(out);
            let line = (y - self.split.list.y) as usize;
            if let Some(row) = self.list.row_at(line, ROW_LINES) {
                if self.list.selected() == Some(row) {
                    self.open(out);
                } else {
                    self.list.select(row);
                    self.moved(out);
                }
            }
        } else if self.detail.is_some() && self.split.side.contains(at) {
            self.end_typing(out);
            self.reading = true;
        } else if !self.typing
            && let Some((chip, on_cross)) = self.chip_at(x, y, scene)
        {
            self.chip = Some(chip);
            if on_cross {
                self.remove_chip(scene, out);
            } else {
                self.edit_chip(scene, out);
            }
        } else if y < self.split.list.y || self.split.list.height == 0 {
            self.begin_typing();
        }
    }

    pub fn wheel(&mut self, x: u16, y: u16, step: Step, out: &mut Out) {
        if let Some(detail) = self.detail.as_mut().filter(|_| self.split.side.contains((x, y).into())) {
            for _ in 0..3 {
                detail.scroll(step, self.split.side.height);
            }
            return;
        }
        let before = self.list.selected();
        self.list.step(step);
        if before != self.list.selected() {
            self.moved(out);
        }
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

/// What an answer lacks that makes it no less in rank: an index that is only being checked holds all.
fn remark(answer: &SearchAnswer) -> Option<String> {
    let reasons = answer.degraded_reasons.iter().filter(|reason| *reason != STILL_CHECKED);
    let reasons: Vec<&str> = reasons.map(String::as_str).collect();
    (answer.degraded_mode.is_none() && !reasons.is_empty()).then(|| reasons.join("; "))
}

/// What of the query a fault points at: as far as the language says itself, else the word at its column.
fn place(fault: &Fault, query: &str) -> Option<Range<usize>> {
    let words = fault.message.split(|c: char| !c.is_alphanumeric());
    let mut after_column = words.skip_while(|word| *word != "column").skip(1);
    let column: usize = after_column.next()?.parse().ok()?;
    let start = query.char_indices().map(|(i, _)| i).chain([query.len()]).nth(column.saturating_sub(1))?;
    match Query::parse(query, Typed::Whole) {
        Err(error) if error.span.start == start => Some(error.span),
        _ => {
            let rest = &query[start..];
            Some(start..start + rest.find(char::is_whitespace).unwrap_or(rest.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_points_into_the_query() {
        let at = |message: &str, query: &str| place(&Fault::invalid(message), query);
        assert_eq!(at("column 3: no end", "a \"b c"), Some(2..6));
        assert_eq!(at("column 2: no end", "é\"b"), Some(2..4));
        assert_eq!(at("column 3: no field", "é tgas:x y"), Some(3..7));
        assert_eq!(at("column 1: no such day", "since:soon y"), Some(0..10));
        assert_eq!(at("the query is long", "a"), None);
    }
}
