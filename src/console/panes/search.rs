//! Search: answers as one types, and the whole memory beside the list.
//!
//! A request goes out for every change, one at a time: while one is on its way the newest change waits, so a slow hub
//! is never asked for what nobody wants any more. Every request has a generation; an answer older than what is shown
//! is dropped. A query that cannot be read keeps the last good answer on screen.

mod detail;
mod pane;
mod row;
mod view;

use std::time::Duration;

use super::super::{
    effect::Ask,
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
        Explanation, ListRequest, MemoryPage, SearchAnswer, SearchMode, SearchRequest, SuggestRequest,
        Suggestion,
    },
    model::{Code, Fault, Id, MemoryFilter, Project, Projects, Time},
};

pub use detail::{Detail, Side};
use ratatui::layout::Rect;
pub use row::Row;
pub use view::{scrollbar, view_rule};

/// Hits a page; the next is asked for when the selection comes near the end.
const PAGE: usize = 60;
/// Rows from the end at which the next page is asked for.
const AHEAD: usize = 15;
/// While the hub's memories change the shown answer is asked anew, at most this often.
const REFRESH: Duration = Duration::from_millis(500);
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
    /// Why the answer is less than it could be.
    pub degraded: Option<String>,
    /// The best score among the rows: what the others' bars are measured by.
    best: f32,
    /// The same of the lexical leg.
    best_lexical: f32,
    next: Option<String>,
    generation: u64,
    /// By meaning too, not by words alone.
    full: bool,
}

/// A question on its way.
#[derive(Debug, Clone)]
struct Asked {
    generation: u64,
    query: String,
    full: bool,
}

/// What is wrong with the query, and the byte where, as far as known.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryFault {
    pub at: Option<usize>,
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
    pub suggestions: Vec<Suggestion>,
    pub split: Split,
    pub area: Rect,
    pub project: Option<Project>,
    generation: u64,
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
    }

    /// The query changed: ask.
    pub fn changed(&mut self, scene: &Scene, out: &mut Out) {
        self.fault = None;
        self.ask(scene, out);
        self.suggest(scene, out);
    }

    pub fn insert(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        self.query.insert(text);
        self.changed(scene, out);
    }

    /// The rest of the first suggestion, as far as it continues what stands before the cursor.
    pub fn ghost(&self) -> Option<&str> {
        if !self.typing || !self.query.at_end() {
            return None;
        }
        let first = self.suggestions.first()?;
        let typed = self.query.text().get(first.replace.clone())?;
        if first.replace.end != self.query.at() || typed.is_empty() {
            return None;
        }
        first.text.get(typed.len()..).filter(|rest| {
            !rest.is_empty()
                && first.text.is_char_boundary(typed.len())
                && first.text[..typed.len()].to_lowercase() == typed.to_lowercase()
        })
    }

    pub fn accept_suggestion(&mut self, scene: &Scene, out: &mut Out) -> bool {
        let Some(first) = self.suggestions.first().cloned() else { return false };
        if first.replace.end > self.query.text().len()
            || self.query.text().get(first.replace.clone()) == Some(&first.text)
        {
            return false;
        }
        self.query.replace(first.replace, &first.text);
        if first.kind != "field" && self.query.at_end() {
            self.query.insert(" ");
        }
        self.suggestions.clear();
        self.changed(scene, out);
        true
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
            self.typing = false;
            return;
        }
        let Some((id, ranked)) = self.selected().map(|row| (row.id, row.score.is_some())) else { return };
        self.typing = false;
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
        self.typing = false;
        if self.detail.as_ref().is_some_and(|detail| detail.id == id && detail.side == side) {
            self.close_detail();
        } else {
            self.show(id, side, out);
        }
    }

    /// Asks what is near the selected memory in meaning. It is a query like any other: words narrow it, Esc and typing
    /// leave it.
    pub fn related(&mut self, scene: &Scene, out: &mut Out) {
        let Some(id) = self.selected().map(|row| row.id) else { return };
        self.close_detail();
        self.query.set(&format!("like:{id} "));
        self.suggestions.clear();
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
    pub fn back(&mut self) -> bool {
        if self.typing {
            self.typing = false;
            self.suggestions.clear();
        } else if self.reading && self.split.list.height > 0 {
            self.reading = false;
        } else if self.detail.is_some() {
            self.close_detail();
        } else {
            return false;
        }
        true
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
                request: ListRequest { filter: self.filter(), limit: PAGE, ..ListRequest::default() },
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
        if text.trim().is_empty() || text.ends_with(' ') || !scene.hub.is_live() {
            self.suggestions.clear();
            return;
        }
        out.ask(Ask::Suggest {
            generation: self.generation,
            request: SuggestRequest {
                query: text.to_owned(),
                at: Some(self.query.at()),
                filter: self.filter(),
                limit: 6,
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
            degraded: answer.degraded_mode.map(|mode| match answer.degraded_reasons.first() {
                Some(reason) => format!("{mode}: {reason}"),
                None => mode,
            }),
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
            Err(fault) if current => self.fault = Some(QueryFault { at: column(&fault, &query), fault }),
            Err(_) => {}
        }
    }

    fn replace(&mut self, mut found: Found, out: &mut Out) {
        row::tell_apart(&mut found.rows);
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
            Answer::Suggest { result, .. } => self.suggested(result),
            Answer::Memory { id, result } => {
                if let Some(detail) = self.detail.as_mut().filter(|detail| detail.id == id) {
                    detail.memory(result.map(|memory| *memory), scene);
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

    fn suggested(&mut self, result: Result<crate::door::SuggestAnswer, Fault>) {
        // A late answer for an older text would replace what is no longer there.
        let Ok(answer) = result else { return };
        let end = self.query.text().len();
        self.suggestions =
            answer.suggestions.into_iter().filter(|s| self.typing && s.replace.end <= end).collect();
    }

    fn explained(&mut self, id: Id, result: Result<SearchAnswer, Fault>, scene: &Scene) {
        let Some(detail) = self.detail.as_mut().filter(|detail| detail.id == id) else { return };
        let explained = result.map(|answer| {
            answer
                .results
                .into_iter()
                .find(|hit| hit.id == id)
                .map(|hit| (hit.score, hit.matched_terms, hit.explain.unwrap_or_default()))
        });
        match explained {
            Ok(Some((score, terms, explain))) => detail.explain(Ok((score, terms, explain)), scene),
            Ok(None) => detail.explain(
                Ok((
                    0.0,
                    Vec::new(),
                    Explanation {
                        words: vec!["No query ranks it: it is here because it is recent.".into()],
                        terms: Vec::new(),
                    },
                )),
                scene,
            ),
            Err(fault) => detail.explain(Err(fault), scene),
        }
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
    pub fn click(&mut self, x: u16, y: u16, out: &mut Out) {
        let at = (x, y).into();
        if self.split.list.contains(at) {
            self.reading = false;
            self.typing = false;
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
            self.typing = false;
            self.reading = true;
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

/// Where in the query a fault points.
fn column(fault: &Fault, query: &str) -> Option<usize> {
    let words = fault.message.split(|c: char| !c.is_alphanumeric());
    let mut after_column = words.skip_while(|word| *word != "column").skip(1);
    let column: usize = after_column.next()?.parse().ok()?;
    query.char_indices().map(|(i, _)| i).chain([query.len()]).nth(column.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_points_into_the_query() {
        let at = |message: &str, query: &str| column(&Fault::invalid(message), query);
        assert_eq!(at("column 3: no end", "a \"b"), Some(2));
        assert_eq!(at("column 2: no end", "é\"b"), Some(2));
        assert_eq!(at("the query is long", "a"), None);
    }
}
