//! What is asked of the hub, and when.

use std::time::Duration;

use super::Search;
use crate::{
    console::{
        effect::Ask,
        scene::{Out, Scene},
    },
    door::{ListRequest, SearchMode, SearchRequest, SuggestRequest},
    model::Time,
};

/// Hits a page; the next is asked for when the selection comes near the end.
const PAGE: usize = 60;
/// Rows from the end at which the next page is asked for.
const AHEAD: usize = 15;
/// While the hub's memories change the shown answer is asked anew, at most this often.
const REFRESH: Duration = Duration::from_millis(500);
/// Completions asked for: as many as a glance takes in.
const OFFERS_MAX: usize = 8;

/// A question on its way.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub generation: u64,
    pub query: String,
    pub full: bool,
}

impl Search {
    pub(super) fn request(&self, cursor: Option<String>, full: bool) -> SearchRequest {
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
    pub(super) fn ask_in_full(&mut self, out: &mut Out) {
        let generation = self.next_question(true);
        out.ask(Ask::Search { generation, request: self.request(None, true) });
    }

    fn next_question(&mut self, full: bool) -> u64 {
        self.generation += 1;
        let generation = self.generation;
        self.asked = Some(Asked { generation, query: self.query.text().to_owned(), full });
        generation
    }

    pub(super) fn suggest(&mut self, scene: &Scene, out: &mut Out) {
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
    pub(super) fn more(&mut self, out: &mut Out) {
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
}
