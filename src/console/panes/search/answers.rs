//! What became of what was asked: the rows, how they stand, and what is to be said of them.

use std::ops::Range;

use super::{
    Found, QueryFault, Search,
    asking::Asked,
    explain::{Explained, Rank},
    found::{Page, Part},
};
use crate::{
    console::{
        model::At,
        msg::Answer,
        scene::{Out, Scene},
        text,
    },
    door::{SearchAnswer, SuggestAnswer},
    model::{Code, Fault, Id},
    search::query::{Query, Typed},
};

impl Search {
    fn part_came(
        &mut self,
        at: At,
        generation: u64,
        result: Result<Part, Fault>,
        scene: &Scene,
        out: &mut Out,
    ) {
        let current = self.asked.as_mut().filter(|asked| asked.generation == generation);
        let Some(asked) = current.filter(|asked| asked.awaited.contains(&at)) else {
            return self.owed_came(at, generation, result, scene, out);
        };
        asked.awaited.retain(|awaited| *awaited != at);
        match result {
            Ok(part) => asked.came.push(part),
            Err(fault) => asked.failed.push((at, fault)),
        }
        if asked.awaited.is_empty() {
            self.settle(scene, out);
        }
    }

    /// Shows what came of the question; hubs that have not answered owe it.
    pub(super) fn settle(&mut self, scene: &Scene, out: &mut Out) {
        let Some(asked) = self.asked.take() else { return };
        self.owing.extend(asked.awaited.iter().map(|at| (*at, asked.generation)));
        if self.waiting {
            self.ask(scene, out);
        }
        let current = asked.query == self.query.text();
        if asked.came.is_empty() {
            // Not there yet: asked again as soon as it is.
            let wrong = asked.failed.into_iter().find(|(_, fault)| fault.code != Code::Unavailable);
            match wrong {
                Some((_, fault)) if current => {
                    self.fault = Some(QueryFault { at: place(&fault, &asked.query), fault });
                }
                Some(_) => {}
                None => self.waiting |= current,
            }
            return;
        }
        if current {
            self.fault = None;
        }
        let ranked = asked.came.iter().any(Part::is_ranked);
        let full = asked.full;
        let found = self.found_of(asked, scene);
        self.replace(found, out);
        if current && ranked && !full && self.asked.is_none() {
            self.ask_in_full(scene, out);
        }
    }

    /// All that is known of the answer: of a hub that is late, what it said last to the same query.
    fn found_of(&self, asked: Asked, scene: &Scene) -> Found {
        let Asked { generation, query, full, awaited, passed_over, mut came, failed, .. } = asked;
        let late: Vec<At> = awaited.into_iter().chain(passed_over).collect();
        if let Some(old) = self.found.as_ref().filter(|old| !late.is_empty() && old.query == query) {
            came.extend(old.clone().into_parts().into_iter().filter(|part| late.contains(&part.at)));
        }
        let failed = failed.into_iter().map(|(at, fault)| (at, fault.message)).collect();
        Found { query, generation, full, late, failed, ..Found::of(came, |at| named(at, scene)) }
    }

    /// An answer nobody waits for any more: it joins what is shown, if it is to the same question.
    fn owed_came(
        &mut self,
        at: At,
        generation: u64,
        result: Result<Part, Fault>,
        scene: &Scene,
        out: &mut Out,
    ) {
        if self.owing.get(&at) == Some(&generation) {
            self.owing.remove(&at);
        }
        let shown = self.found.as_ref().filter(|found| found.generation == generation);
        if let Some(found) = shown.filter(|found| found.late.contains(&at)).cloned() {
            let (query, full, late) = (found.query.clone(), found.full, found.late.clone());
            let mut failed = found.failed.clone();
            let mut parts = found.into_parts();
            match result {
                Ok(part) => {
                    parts.retain(|known| known.at != at);
                    parts.push(part);
                }
                Err(fault) => failed.push((at, fault.message)),
            }
            let late = late.into_iter().filter(|late| *late != at).collect();
            let found = Found::of(parts, |at| named(at, scene));
            self.replace(Found { query, generation, full, late, failed, ..found }, out);
        }
        self.catch_up(at, out);
        if self.waiting && self.asked.is_none() {
            self.ask(scene, out);
        }
    }

    fn replace(&mut self, mut found: Found, out: &mut Out) {
        // Words alone do not know what the full answer lacked: what it said stands until the next one.
        if let Some(old) = self.found.as_ref().filter(|old| old.full && !found.full && found.total.is_some())
        {
            found.degraded = found.degraded.or_else(|| old.degraded.clone());
        }
        let same_query = self.found.as_ref().is_some_and(|old| old.query == found.query);
        let kept = self.selected().map(|row| row.key()).filter(|_| same_query);
        let row = kept.and_then(|key| found.rows.iter().position(|row| row.key() == key));
        self.more_asked.clear();
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
        let open = self.detail.as_ref().map(|detail| detail.key());
        if open.is_some() && open != self.selected().map(|row| row.key()) {
            self.moved(out);
        }
        let current = self.found.as_ref().is_some_and(|found| found.query == self.query.text());
        if current && std::mem::take(&mut self.open_when_found) {
            self.open(out);
        }
    }

    fn more_came(&mut self, at: At, generation: u64, page: Result<Page, Fault>, out: &mut Out) {
        let Some(found) = self.found.as_mut().filter(|found| found.generation == generation) else { return };
        if !self.more_asked.contains(&at) {
            return;
        }
        self.more_asked.retain(|asked| *asked != at);
        if let Err(fault) = &page {
            found.failed.push((at, fault.message.clone()));
        }
        found.take_more(at, page.ok());
        self.list.set_len(found.rows.len());
        // Another of them may hold it up.
        self.more(out);
    }

    pub fn answer(&mut self, at: At, answer: Answer, scene: &Scene, out: &mut Out) {
        let key = |id: Id| (at, id);
        match answer {
            Answer::Search { generation, result } => {
                let part = result.map(|answer| Part::ranked(at, answer));
                self.part_came(at, generation, part, scene, out);
            }
            Answer::Recent { generation, result } => {
                let part = result.map(|page| Part::listed(at, page, self.order));
                self.part_came(at, generation, part, scene, out);
            }
            Answer::SearchMore { generation, result } => {
                self.more_came(at, generation, result.map(Page::of_hits), out);
            }
            Answer::RecentMore { generation, result } => {
                let page = result.map(|page| Page::of_list(page, self.order));
                self.more_came(at, generation, page, out);
            }
            Answer::Suggest { generation, result } => self.suggested(generation, result),
            Answer::Memory { id, result } => {
                if let Some(detail) = self.detail.as_mut().filter(|detail| detail.key() == key(id)) {
                    detail.memory(result.map(|memory| *memory), scene, out);
                }
            }
            Answer::Decision { id, result } => {
                if let Some(detail) = self.detail.as_mut().filter(|detail| detail.key() == key(id)) {
                    detail.decision(result, scene);
                }
            }
            Answer::Highlighted { id, revision, tokens } => {
                if let Some(detail) = &mut self.detail {
                    detail.coloured(id, revision, tokens, scene);
                }
            }
            Answer::History { id, result } => {
                if let Some(detail) = self.detail.as_mut().filter(|detail| detail.key() == key(id)) {
                    detail.history(result, scene);
                }
            }
            Answer::Explain { id, result } => self.explained(key(id), result, scene),
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

    fn explained(&mut self, key: (At, Id), result: Result<SearchAnswer, Fault>, scene: &Scene) {
        let merged = self.found.as_ref().is_some_and(|found| found.parts().len() > 1);
        let Some(detail) = self.detail.as_mut().filter(|detail| detail.key() == key) else { return };
        let explained = result.map(|answer| {
            let hits: Vec<_> = answer.results.iter().map(|hit| hit.updated_at).collect();
            let at = answer.results.iter().position(|hit| hit.id == key.1);
            let hit = at.and_then(|at| Some((at + 1, answer.results.into_iter().nth(at)?)));
            hit.map_or(Explained::Recent, |(place, hit)| {
                let rank = merged.then(|| Rank { place, hub: named(key.0, scene) });
                Explained::hit(hit, &hits, rank)
            })
        });
        detail.explain(explained, scene);
    }
}

fn named(at: At, scene: &Scene) -> String {
    text::escape_line(scene.fleet.name(at)).into_owned()
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
