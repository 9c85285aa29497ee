//! What is asked of the hubs, and when.

use std::time::Duration;

use super::{
    Search,
    found::{Found, Part},
};
use crate::{
    console::{
        effect::Ask,
        model::At,
        scene::{Out, Scene},
    },
    door::{ListRequest, SearchMode, SearchRequest, SuggestRequest},
    model::{Fault, Time},
};

/// Hits a page; the next is asked for when the selection comes near the end.
const PAGE: usize = 60;
/// Rows from the end at which the next page is asked for.
const AHEAD: usize = 15;
/// While the hub's memories change the shown answer is asked anew, at most this often.
const REFRESH: Duration = Duration::from_millis(500);
/// Completions asked for: as many as a glance takes in.
const OFFERS_MAX: usize = 8;
/// Once one hub has answered, the others are waited for until so long after the question; what comes later is merged then.
/// Longer, and the list would lag behind the keys.
const OTHERS_PATIENCE: Duration = Duration::from_millis(250);

/// A question on its way.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub generation: u64,
    pub query: String,
    pub full: bool,
    since: Time,
    /// Hubs that have not answered.
    pub awaited: Vec<At>,
    /// Hubs that were not asked: they owe an answer to another question.
    pub passed_over: Vec<At>,
    pub came: Vec<Part>,
    pub failed: Vec<(At, Fault)>,
}

impl Asked {
    /// When what came is shown without the rest.
    fn due(&self) -> Option<Time> {
        (!self.came.is_empty() && !self.awaited.is_empty()).then(|| self.since.plus(OTHERS_PATIENCE))
    }
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

    /// The hubs whose memories are shown, in the fleet's order.
    pub fn scope(&self, scene: &Scene) -> Vec<At> {
        let near = self.near.as_ref().filter(|near| self.query.text().contains(&format!("like:{}", near.id)));
        match (scene.fleet.only(), near) {
            (Some(only), _) => vec![only],
            (None, Some(near)) => vec![near.at],
            (None, None) => scene.fleet.each().map(|(at, _)| at).collect(),
        }
    }

    /// Those of them that are there.
    pub fn live(&self, scene: &Scene) -> Vec<At> {
        self.scope(scene).into_iter().filter(|at| scene.fleet.is_live_at(*at)).collect()
    }

    /// Asks for what is typed now; waits when a question is on its way or no hub is there.
    pub fn ask(&mut self, scene: &Scene, out: &mut Out) {
        self.stale_since = None;
        self.scope = self.scope(scene);
        // One that asks for the meaning of what is no longer typed holds nobody up.
        let on_its_way = self.asked.as_ref().is_some_and(|asked| !asked.full);
        let free = self.live(scene).iter().any(|at| !self.owing.contains_key(at));
        if on_its_way || !free {
            self.waiting = true;
            return;
        }
        self.waiting = false;
        self.refreshed_at = Some(scene.now);
        // What is on screen in full is asked anew in full: it would flicker otherwise.
        let full = self.found.as_ref().is_some_and(|found| found.full && found.query == self.query.text());
        self.put(full, scene, out);
    }

    /// The words have answered: now what they mean.
    pub(super) fn ask_in_full(&mut self, scene: &Scene, out: &mut Out) {
        self.put(true, scene, out);
    }

    /// Puts the question to every hub that is there and owes nothing.
    fn put(&mut self, full: bool, scene: &Scene, out: &mut Out) {
        self.generation += 1;
        let (passed_over, awaited): (Vec<At>, Vec<At>) =
            self.live(scene).into_iter().partition(|at| self.owing.contains_key(at));
        for at in &awaited {
            self.ask_of(*at, self.question(self.generation, full), out);
        }
        self.asked = Some(Asked {
            generation: self.generation,
            query: self.query.text().to_owned(),
            full,
            since: scene.now,
            awaited,
            passed_over,
            came: Vec::new(),
            failed: Vec::new(),
        });
    }

    fn question(&self, generation: u64, full: bool) -> Ask {
        if self.query.text().trim().is_empty() {
            Ask::Recent { generation, request: self.page_after(None) }
        } else {
            Ask::Search { generation, request: self.request(None, full) }
        }
    }

    fn page_after(&self, after: Option<String>) -> ListRequest {
        ListRequest { filter: self.filter(), order: self.order, limit: PAGE, after, ..ListRequest::default() }
    }

    /// A hub that owed an answer is free again: it is asked what the others were asked meanwhile.
    pub(super) fn catch_up(&mut self, at: At, out: &mut Out) {
        let text = self.query.text();
        if let Some(asked) = &mut self.asked {
            if asked.query == text && asked.passed_over.contains(&at) {
                asked.passed_over.retain(|passed| *passed != at);
                asked.awaited.push(at);
                let (generation, full) = (asked.generation, asked.full);
                self.ask_of(at, self.question(generation, full), out);
            }
        } else if let Some(found) = self.found.as_ref().filter(|found| found.query == text)
            && found.late.contains(&at)
        {
            let (generation, full) = (found.generation, found.full);
            self.owing.insert(at, generation);
            self.ask_of(at, self.question(generation, full), out);
        }
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

    /// The next page of every hub that has more and nothing left of what it gave, when the selection comes near the end.
    pub(super) fn more(&mut self, out: &mut Out) {
        let Some(found) = &self.found else { return };
        let near = self.list.selected().is_some_and(|row| row + AHEAD >= found.rows.len());
        if !near || !self.more_asked.is_empty() {
            return;
        }
        let goes_on = |part: &Part| Some((part.at, part.goes_on()?.to_owned()));
        let nexts: Vec<_> = found.parts().iter().filter_map(goes_on).collect();
        let asks: Vec<_> = nexts.into_iter().map(|(at, next)| (at, self.next_page(found, next))).collect();
        for (at, ask) in asks {
            self.more_asked.push(at);
            self.ask_of(at, ask, out);
        }
    }

    fn next_page(&self, found: &Found, next: String) -> Ask {
        let generation = found.generation;
        if found.query.trim().is_empty() {
            Ask::RecentMore { generation, request: self.page_after(Some(next)) }
        } else {
            let request =
                SearchRequest { query: found.query.clone(), ..self.request(Some(next), found.full) };
            Ask::SearchMore { generation, request }
        }
    }

    /// A door is there (again), or its views became ready.
    pub fn hub_is_there(&mut self, at: At, scene: &Scene, out: &mut Out) {
        self.owing.remove(&at);
        self.asked = None;
        self.more_asked.clear();
        self.ask(scene, out);
        if let Some(detail) = self.detail.as_ref().filter(|detail| detail.at == at) {
            let (key, side) = (detail.key(), detail.side);
            if detail.is_empty() {
                self.show(key, side, out);
            }
        }
    }

    /// One hub is shown that was not, or is not any more.
    pub fn shows_changed(&mut self, scene: &Scene, out: &mut Out) {
        if self.scope != self.scope(scene) {
            self.asked = None;
            self.more_asked.clear();
            self.ask(scene, out);
        }
    }

    /// Memories changed: the answer on screen is no longer the newest.
    pub fn memories_changed(&mut self, scene: &Scene) {
        self.stale_since.get_or_insert(scene.now);
    }

    pub fn tick(&mut self, scene: &Scene, out: &mut Out) {
        if self.asked.as_ref().and_then(Asked::due).is_some_and(|due| scene.now >= due) {
            self.settle(scene, out);
        }
        if self.stale_at().is_some_and(|at| scene.now >= at) {
            self.ask(scene, out);
        }
    }

    fn stale_at(&self) -> Option<Time> {
        let stale = self.stale_since?;
        Some(self.refreshed_at.map_or(stale, |at| stale.max(at.plus(REFRESH))))
    }

    /// When time alone makes something happen here.
    pub fn wake(&self, scene: &Scene) -> Option<Time> {
        let stale = self.stale_at().filter(|_| !self.live(scene).is_empty());
        stale.into_iter().chain(self.asked.as_ref().and_then(Asked::due)).min()
    }
}
