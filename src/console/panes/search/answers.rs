//! What became of what was asked: the rows, how they stand, and what is to be said of them.

use std::ops::Range;

use super::{Degraded, Found, QueryFault, Row, Search, asking::Asked, explain::Explained, row};
use crate::{
    console::{
        msg::Answer,
        scene::{Out, Scene},
    },
    door::{MemoryPage, SearchAnswer, SuggestAnswer},
    model::{Code, Fault, Id},
    search::{
        STILL_CHECKED,
        query::{Query, Typed},
    },
};

impl Search {
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
            Answer::Decision { id, result } => {
                if let Some(detail) = self.detail.as_mut().filter(|detail| detail.id == id) {
                    detail.decision(result, scene);
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
