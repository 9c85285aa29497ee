//! What several hubs found, as one list.
//!
//! Every hub scores by a measure of its own: what a word is worth depends on how often it stands in that hub's memories,
//! and a score on the best hit there. 0.9 at one hub is not better than 0.6 at another; only places can be compared. Hits
//! are merged by reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): each is worth 1 / (60 + its place at its
//! hub). A list of memories that nothing ranks is merged by its own order, the time.

use std::collections::VecDeque;

use crate::{door::ListOrder, model::Memory};

/// How little the first places differ: with 60 no hub's first hit stands above another's by more than its place.
const DAMPING: f64 = 60.0;

/// What a hit is worth by its place at its hub, the first being 1.
pub fn worth(place: usize) -> f64 {
    1.0 / (DAMPING + place as f64)
}

/// What a memory is worth in a list of this order, as the hubs themselves order it.
pub fn worth_listed(memory: &Memory, order: ListOrder) -> f64 {
    match order {
        ListOrder::Oldest => -(memory.created_at.unix_ms() as f64),
        ListOrder::Recent | ListOrder::Due => memory.updated_at.unix_ms() as f64,
    }
}

/// The rows of one hub that are not in the list yet, those worth most first.
#[derive(Debug, Clone, PartialEq)]
pub struct Run<T> {
    pub rows: VecDeque<T>,
    /// Where the hub goes on, if it has more.
    pub next: Option<String>,
}

impl<T> Run<T> {
    /// More of it has to be asked for before anything else can follow.
    pub fn is_used_up(&self) -> bool {
        self.rows.is_empty() && self.next.is_some()
    }
}

/// Takes at most `limit` rows from the runs, those worth most first; of equals, that of the run that is named first.
/// Ends where a run that goes on is used up: its next row may be worth more than what the others hold.
pub fn merge<T>(runs: &mut [&mut Run<T>], limit: usize, worth: impl Fn(&T) -> f64) -> Vec<T> {
    let mut merged = Vec::new();
    while merged.len() < limit && !runs.iter().any(|run| run.is_used_up()) {
        let heads = runs.iter().enumerate().filter_map(|(at, run)| Some((at, worth(run.rows.front()?))));
        let best = heads.reduce(|best, head| if head.1 > best.1 { head } else { best });
        let Some(row) = best.and_then(|(at, _)| runs[at].rows.pop_front()) else { break };
        merged.push(row);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hits of a hub, as its name and their places.
    fn ranked(hub: &'static str, hits: usize, next: Option<&str>) -> Run<(&'static str, usize)> {
        Run { rows: (1..=hits).map(|place| (hub, place)).collect(), next: next.map(str::to_owned) }
    }

    #[track_caller]
    fn check(mut runs: Vec<Run<(&'static str, usize)>>, limit: usize, expected: &str) -> Vec<usize> {
        let merged = merge(&mut runs.iter_mut().collect::<Vec<_>>(), limit, |(_, place)| worth(*place));
        let said: Vec<_> = merged.iter().map(|(hub, place)| format!("{hub}{place}")).collect();
        assert_eq!(said.join(" "), expected);
        runs.iter().map(|run| run.rows.len()).collect()
    }

    #[test]
    fn places_are_compared_and_of_equals_the_first_hub_goes_first() {
        check(vec![ranked("a", 3, None), ranked("b", 2, None)], 9, "a1 b1 a2 b2 a3");
        check(vec![ranked("b", 1, None), ranked("a", 1, None)], 9, "b1 a1");
    }

    #[test]
    fn a_hub_that_found_nothing_takes_nothing_from_the_others() {
        check(vec![ranked("a", 0, None), ranked("b", 2, None), ranked("c", 1, None)], 9, "b1 c1 b2");
        check(vec![ranked("a", 0, None)], 9, "");
        check(vec![], 9, "");
    }

    #[test]
    fn a_limit_leaves_the_rest_where_it_was() {
        let left = check(vec![ranked("a", 3, None), ranked("b", 3, None)], 3, "a1 b1 a2");
        assert_eq!(left, [1, 2]);
        assert_eq!(check(vec![ranked("a", 1, None)], 0, ""), [1]);
    }

    #[test]
    fn nothing_stands_before_what_a_hub_has_not_told_yet() {
        let left = check(vec![ranked("a", 2, Some("more")), ranked("b", 4, None)], 9, "a1 b1 a2");
        assert_eq!(left, [0, 3], "the second hub's second may come before the first one's third, or not");
        let left = check(vec![ranked("a", 0, Some("more")), ranked("b", 1, None)], 9, "");
        assert_eq!(left, [0, 1]);
    }

    #[test]
    fn a_list_that_nothing_ranks_goes_by_its_time() {
        let run = |times: &[i64]| Run { rows: times.iter().copied().collect(), next: None };
        let (mut a, mut b) = (run(&[90, 20]), run(&[80, 70]));
        assert_eq!(merge(&mut [&mut a, &mut b], 9, |time| *time as f64), [90, 80, 70, 20]);
        let (mut a, mut b) = (run(&[20, 90]), run(&[70, 80]));
        assert_eq!(merge(&mut [&mut a, &mut b], 9, |time| -*time as f64), [20, 70, 80, 90]);
    }
}
