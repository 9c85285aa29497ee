//! The last good answer: what each hub said, and all of it as one.

use super::{
    Row,
    merge::{self, Run},
    row,
};
use crate::{
    console::model::At,
    door::{ListOrder, MemoryPage, SearchAnswer},
    search::STILL_CHECKED,
};

/// What one hub answered.
#[derive(Debug, Clone)]
pub struct Part {
    pub at: At,
    /// What is not among [`Found::rows`] yet.
    run: Run<Row>,
    /// Rows that it gave so far.
    given: usize,
    total: Option<usize>,
    total_at_least: bool,
    took_ms: f64,
    degraded: Option<Degraded>,
    remark: Option<String>,
    /// The best score among its rows: what the others' bars are measured by. Of another hub's it says nothing.
    pub best: f32,
    /// The same of the lexical leg.
    pub best_lexical: f32,
}

impl Part {
    fn nothing_of(at: At) -> Part {
        Part {
            at,
            run: Run { rows: Default::default(), next: None },
            given: 0,
            total: None,
            total_at_least: false,
            took_ms: 0.0,
            degraded: None,
            remark: None,
            best: 0.0,
            best_lexical: 0.0,
        }
    }

    pub fn ranked(at: At, answer: SearchAnswer) -> Part {
        let mut part = Part {
            total: Some(answer.total),
            total_at_least: answer.total_at_least,
            took_ms: answer.took_ms,
            degraded: Degraded::of(&answer),
            remark: remark(&answer),
            best: answer.results.iter().map(|hit| hit.score).fold(0.0, f32::max),
            best_lexical: answer.results.iter().map(|hit| hit.legs.lexical).fold(0.0, f32::max),
            ..Part::nothing_of(at)
        };
        part.more(Page::of_hits(answer));
        part
    }

    pub fn listed(at: At, page: MemoryPage, order: ListOrder) -> Part {
        let mut part = Part::nothing_of(at);
        part.more(Page::of_list(page, order));
        part
    }

    /// The next page of the same answer.
    fn more(&mut self, page: Page) {
        for (mut row, worth) in page.rows {
            self.given += 1;
            row.at = self.at;
            row.worth = worth.unwrap_or_else(|| merge::worth(self.given));
            self.run.rows.push_back(row);
        }
        self.run.next = page.next;
    }

    /// Where it goes on, once there is nothing left of what it gave.
    pub fn goes_on(&self) -> Option<&str> {
        self.run.next.as_deref().filter(|_| self.run.is_used_up())
    }

    pub fn is_ranked(&self) -> bool {
        self.total.is_some()
    }
}

/// Rows of one hub in its order, and what they are worth where their place does not say it.
pub struct Page {
    rows: Vec<(Row, Option<f64>)>,
    next: Option<String>,
}

impl Page {
    pub fn of_hits(answer: SearchAnswer) -> Page {
        let rows = answer.results.into_iter().map(|hit| (Row::from(hit), None));
        Page { rows: rows.collect(), next: answer.cursor }
    }

    pub fn of_list(page: MemoryPage, order: ListOrder) -> Page {
        let rows = page.memories.into_iter().map(|memory| {
            let worth = merge::worth_listed(&memory, order);
            (Row::from(memory), Some(worth))
        });
        Page { rows: rows.collect(), next: page.next }
    }
}

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
    /// In the fleet's order.
    pub(super) parts: Vec<Part>,
    /// Hubs that were asked and have not answered yet.
    pub late: Vec<At>,
    /// Hubs that could not answer, and why.
    pub failed: Vec<(At, String)>,
    pub(super) generation: u64,
    /// By meaning too, not by words alone.
    pub(super) full: bool,
}

impl Found {
    /// What the hubs said, as one. `name` is said of what not all of them say.
    pub fn of(mut parts: Vec<Part>, name: impl Fn(At) -> String) -> Found {
        parts.sort_by_key(|part| part.at);
        let total = |part: &Part| part.total;
        let mut found = Found {
            total: parts.iter().filter_map(total).reduce(|all, total| all + total),
            total_at_least: parts.iter().any(|part| part.total_at_least),
            // They worked at the same time.
            took_ms: parts.iter().map(|part| part.took_ms).fold(0.0, f64::max),
            degraded: degraded(&parts, &name),
            remark: remarks(&parts, &name),
            parts,
            ..Found::default()
        };
        found.go_on();
        found
    }

    pub fn part(&self, at: At) -> Option<&Part> {
        self.parts.iter().find(|part| part.at == at)
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The parts as they came, with all their rows.
    pub fn into_parts(mut self) -> Vec<Part> {
        for row in self.rows.into_iter().rev() {
            if let Some(part) = self.parts.iter_mut().find(|part| part.at == row.at) {
                part.run.rows.push_front(row);
            }
        }
        self.parts
    }

    /// The next page of a hub; none: it has no more to give.
    pub fn take_more(&mut self, at: At, page: Option<Page>) {
        let Some(part) = self.parts.iter_mut().find(|part| part.at == at) else { return };
        match page {
            Some(page) => part.more(page),
            None => part.run.next = None,
        }
        self.go_on();
    }

    /// Brings into the list what can stand there by now.
    fn go_on(&mut self) {
        let mut runs: Vec<_> = self.parts.iter_mut().map(|part| &mut part.run).collect();
        self.rows.extend(merge::merge(&mut runs, usize::MAX, |row| row.worth));
        row::tell_apart(&mut self.rows);
    }
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

    pub fn words(&self) -> String {
        let said = [self.reason.as_str(), self.missing].into_iter().filter(|said| !said.is_empty());
        said.collect::<Vec<_>>().join(": ")
    }
}

/// What the answers lack, each said once, with whose it is where that is not all of them.
fn degraded(parts: &[Part], name: &impl Fn(At) -> String) -> Option<Degraded> {
    let first = parts.iter().find_map(|part| part.degraded.as_ref())?;
    if parts.iter().all(|part| part.degraded.as_ref() == Some(first)) {
        return Some(first.clone());
    }
    let said = parts.iter().filter_map(|part| Some((part.at, part.degraded.as_ref()?.words())));
    let badges = parts.iter().filter_map(|part| part.degraded.as_ref()).map(|degraded| degraded.badge);
    let badge = badges.reduce(|one, other| if one == other { one } else { "degraded" })?;
    Some(Degraded { badge, reason: of_hubs(said, name), missing: "" })
}

fn remarks(parts: &[Part], name: &impl Fn(At) -> String) -> Option<String> {
    let first = parts.iter().find_map(|part| part.remark.as_ref())?;
    if parts.iter().all(|part| part.remark.as_ref() == Some(first)) {
        return Some(first.clone());
    }
    Some(of_hubs(parts.iter().filter_map(|part| Some((part.at, part.remark.clone()?))), name))
}

/// `ash, elm: why; oak: why else`.
fn of_hubs(said: impl Iterator<Item = (At, String)>, name: &impl Fn(At) -> String) -> String {
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for (at, why) in said {
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(name(at)),
            None => reasons.push((why, vec![name(at)])),
        }
    }
    let reasons = reasons.into_iter().map(|(why, names)| format!("{}: {why}", names.join(", ")));
    reasons.collect::<Vec<_>>().join("; ")
}

/// What an answer lacks that makes it no less in rank: an index that is only being checked holds all.
fn remark(answer: &SearchAnswer) -> Option<String> {
    let reasons = answer.degraded_reasons.iter().filter(|reason| *reason != STILL_CHECKED);
    let reasons: Vec<&str> = reasons.map(String::as_str).collect();
    (answer.degraded_mode.is_none() && !reasons.is_empty()).then(|| reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{door::Hit, model::Id};

    const NAMES: [&str; 3] = ["ash", "elm", "oak"];

    fn name(at: At) -> String {
        NAMES[usize::from(at.0)].to_owned()
    }

    /// Hits of these ids.
    fn answer(ids: std::ops::RangeInclusive<u8>) -> SearchAnswer {
        let hit = |n: u8| -> Hit {
            serde_json::from_value(serde_json::json!({
                "id": Id::from_bytes([n; 16]), "kind": "memory", "title": format!("hit {n}"), "snippet": "", "score": 1.0,
                "legs": { "lexical": 1.0 }, "matched_terms": [], "type": "note", "project": "_", "status": "active",
                "updated_at": "2026-11-21T14:02:31Z",
            }))
            .unwrap()
        };
        SearchAnswer {
            total: ids.clone().count(),
            results: ids.map(hit).collect(),
            ..SearchAnswer::default()
        }
    }

    fn said(found: &Found) -> Vec<(u16, &str)> {
        found.rows.iter().map(|row| (row.at.0, row.title.as_str())).collect()
    }

    #[test]
    fn totals_are_added_and_one_lower_bound_makes_the_sum_one() {
        let bound = SearchAnswer { total: 10_000, total_at_least: true, took_ms: 9.0, ..answer(4..=4) };
        let one = SearchAnswer { took_ms: 2.0, ..answer(1..=2) };
        let found = Found::of(vec![Part::ranked(At(1), bound), Part::ranked(At(0), one.clone())], name);
        assert_eq!((found.total, found.total_at_least, found.took_ms), (Some(10_002), true, 9.0));
        assert_eq!(said(&found), [(0, "hit 1"), (1, "hit 4"), (0, "hit 2")]);
        let found = Found::of(vec![Part::ranked(At(0), one)], name);
        assert_eq!((found.total, found.total_at_least, found.took_ms), (Some(2), false, 2.0));
        let page = MemoryPage { memories: vec![], next: None };
        assert_eq!(Found::of(vec![Part::listed(At(0), page, ListOrder::Recent)], name).total, None);
    }

    #[test]
    fn what_not_all_lack_is_said_with_whose_it_is() {
        let lacks = |mode: &str, reason: &str| SearchAnswer {
            degraded_mode: Some(mode.into()),
            degraded_reasons: vec![reason.into()],
            ..answer(1..=1)
        };
        let of = |answers: Vec<SearchAnswer>| {
            let parts = answers.into_iter().zip(0..).map(|(answer, at)| Part::ranked(At(at), answer));
            Found::of(parts.collect(), name).degraded.map(|found| (found.badge, found.words()))
        };
        let words = "no model: what is near in meaning is not found";
        assert_eq!(of(vec![answer(1..=1), answer(2..=2)]), None);
        let alike = of(vec![lacks("lexical", "no model"), lacks("lexical", "no model")]);
        assert_eq!(alike, Some(("words only", words.to_owned())));
        let some = of(vec![lacks("lexical", "no model"), answer(1..=1), lacks("lexical", "no model")]);
        assert_eq!(some, Some(("words only", format!("ash, oak: {words}"))));
        let (badge, said) = of(vec![lacks("lexical", "no model"), lacks("scan", "being built")]).unwrap();
        assert_eq!(badge, "degraded");
        assert_eq!(
            said,
            format!("ash: {words}; elm: being built: the records were read one by one, in a rough order")
        );
    }

    #[test]
    fn pages_go_on_where_every_hub_has_told_enough() {
        let more = |ids| SearchAnswer { cursor: Some("more".into()), ..answer(ids) };
        let mut found =
            Found::of(vec![Part::ranked(At(0), more(1..=2)), Part::ranked(At(1), answer(11..=14))], name);
        assert_eq!(said(&found), [(0, "hit 1"), (1, "hit 11"), (0, "hit 2")]);
        let goes_on =
            |found: &Found| found.parts().iter().map(|part| part.goes_on().is_some()).collect::<Vec<_>>();
        assert_eq!(goes_on(&found), [true, false]);
        found.take_more(At(0), Some(Page::of_hits(answer(3..=3))));
        let all = [
            (0, "hit 1"),
            (1, "hit 11"),
            (0, "hit 2"),
            (1, "hit 12"),
            (0, "hit 3"),
            (1, "hit 13"),
            (1, "hit 14"),
        ];
        assert_eq!(said(&found), all);
        assert_eq!(goes_on(&found), [false, false]);
        // Merged anew from its parts it is the same.
        assert_eq!(said(&Found::of(found.clone().into_parts(), name)), all);
        // One that fails to go on does not hold up the other.
        let mut found =
            Found::of(vec![Part::ranked(At(0), more(1..=1)), Part::ranked(At(1), answer(11..=12))], name);
        found.take_more(At(0), None);
        assert_eq!(said(&found), [(0, "hit 1"), (1, "hit 11"), (1, "hit 12")]);
    }
}
