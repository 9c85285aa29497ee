//! What is held to be so of each component: a finding that may pass by itself counts once it has been so for a while, so
//! that nothing flaps; one that is sure counts at once.

use std::{collections::BTreeMap, time::Duration};

use super::Found;
use crate::{
    door::{Component, Condition},
    model::Time,
};

/// A soft finding, and the recovery from one, counts when every look of this span found it; that is two looks at least.
pub const SOFT_FOR: Duration = Duration::from_secs(5);

/// When a round was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub time: Time,
    /// On a clock that nobody sets.
    pub steady: Duration,
}

/// A component went from one condition to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub name: &'static str,
    /// The condition it left, and since when it was in it.
    pub from: Condition,
    pub from_since: Time,
    /// As it is now.
    pub component: Component,
}

#[derive(Default)]
pub struct Board {
    components: BTreeMap<&'static str, Held>,
}

struct Held {
    component: Component,
    /// What it was turned by was soft.
    soft: bool,
    doubt: Option<Doubt>,
}

/// Another condition than the one that is held, and since when every look finds it.
#[derive(Clone, Copy)]
struct Doubt {
    status: Condition,
    since: Duration,
}

impl Board {
    /// Takes a finding in; the turn it makes. A component that was never looked at before was up.
    pub fn take(&mut self, found: Found, now: Moment) -> Option<Turn> {
        let Found { name, finding, latency } = found;
        let held = self.components.entry(name).or_insert_with(|| Held::new(now.time));
        held.component.latency_ms = latency.as_secs_f64() * 1_000.0;
        held.component.checked_at = now.time;
        let from = (held.component.status, held.component.since);
        if finding.status == from.0 {
            held.doubt = None;
        } else {
            let soft = if finding.status == Condition::Up { held.soft } else { finding.soft };
            if soft && !held.is_confirmed(finding.status, now.steady) {
                return None;
            }
            held.doubt = None;
            held.component.status = finding.status;
            held.component.since = now.time;
        }
        held.soft = finding.soft;
        held.component.cause = finding.cause;
        held.component.note = finding.note;
        held.component.runbook = finding.anchor.map(|anchor| anchor.word().to_owned());
        held.component.events = finding.events.map(str::to_owned);
        let component = held.component.clone();
        (component.status != from.0).then_some(Turn { name, from: from.0, from_since: from.1, component })
    }

    pub fn components(&self) -> BTreeMap<String, Component> {
        self.components.iter().map(|(name, held)| ((*name).to_owned(), held.component.clone())).collect()
    }

    /// Whether some component is not up, or may not be.
    pub fn is_unwell(&self) -> bool {
        self.components.values().any(|held| held.component.status != Condition::Up || held.doubt.is_some())
    }
}

impl Held {
    fn new(now: Time) -> Held {
        let component = Component {
            status: Condition::Up,
            latency_ms: 0.0,
            cause: None,
            note: String::new(),
            since: now,
            checked_at: now,
            runbook: None,
            events: None,
        };
        Held { component, soft: false, doubt: None }
    }

    /// Whether it has been found so for long enough; begins to count where it has not been found so before.
    fn is_confirmed(&mut self, status: Condition, now: Duration) -> bool {
        match self.doubt {
            Some(doubt) if doubt.status == status => now.saturating_sub(doubt.since) >= SOFT_FOR,
            _ => {
                self.doubt = Some(Doubt { status, since: now });
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::Finding, *};
    use crate::door::Anchor;

    fn found(finding: Finding) -> Found {
        Found { name: "part", finding, latency: Duration::from_millis(3) }
    }

    fn at(seconds: u64) -> Moment {
        Moment { time: Time::from_unix_ms(seconds as i64 * 1_000), steady: Duration::from_secs(seconds) }
    }

    fn up() -> Finding {
        Finding::up("fine")
    }

    fn hard() -> Finding {
        Finding::down(Anchor::DiskFull, "full")
    }

    fn slow() -> Finding {
        Finding::degraded(Anchor::DiskSlow, "slow").soft()
    }

    /// The conditions it turned to, and when.
    fn turns(looks: impl IntoIterator<Item = (u64, Finding)>) -> Vec<(u64, Condition)> {
        let mut board = Board::default();
        let turns = looks.into_iter().filter_map(|(second, finding)| {
            board.take(found(finding), at(second)).map(|turn| (second, turn.component.status))
        });
        turns.collect()
    }

    #[test]
    fn what_is_sure_counts_at_once_both_ways() {
        use Condition::{Down, Up};
        assert_eq!(turns([(0, up()), (10, hard()), (12, hard()), (14, up())]), [(10, Down), (14, Up)]);
        assert_eq!(turns([(0, hard())]), [(0, Down)], "also at the first look");
    }

    #[test]
    fn what_may_pass_counts_when_it_has_not_passed() {
        use Condition::{Degraded, Up};
        assert_eq!(turns([(0, slow()), (10, up()), (20, slow()), (30, up())]), [], "once is no pattern");
        assert_eq!(
            turns([(0, up()), (10, slow()), (20, slow()), (30, up()), (40, up())]),
            [(20, Degraded), (40, Up)]
        );
        // Looks that follow each other closely are one.
        assert_eq!(turns([(0, slow()), (1, slow()), (4, slow()), (5, slow())]), [(5, Degraded)]);
        assert_eq!(turns((0..20).map(|n| (n * 10, if n % 2 == 0 { slow() } else { up() }))), []);
    }

    #[test]
    fn a_turn_says_from_where_and_since_when() {
        let mut board = Board::default();
        assert_eq!(board.take(found(up()), at(0)), None);
        let turn = board.take(found(hard()), at(10)).unwrap();
        assert_eq!((turn.from, turn.from_since), (Condition::Up, at(0).time));
        let component = &board.components()["part"];
        assert_eq!(&turn.component, component);
        assert_eq!((component.since, component.latency_ms), (at(10).time, 3.0));
        assert_eq!(component.runbook.as_deref(), Some("disk-full"));
        assert_eq!(board.take(found(hard()), at(20)), None);
        assert_eq!(board.components()["part"].checked_at, at(20).time);
        let turn = board.take(found(up()), at(30)).unwrap();
        assert_eq!((turn.from, turn.from_since), (Condition::Down, at(10).time));
        assert_eq!((turn.component.cause, turn.component.runbook), (None, None));
        assert!(!board.is_unwell());
    }

    #[test]
    fn a_doubt_shows_no_cause_before_it_counts() {
        let mut board = Board::default();
        board.take(found(up()), at(0));
        board.take(found(slow()), at(10));
        let component = &board.components()["part"];
        assert_eq!(
            (component.status, &component.cause, component.note.as_str()),
            (Condition::Up, &None, "fine")
        );
        assert!(board.is_unwell());
    }

    proptest! {
        /// Between two turns of a part that only soft findings touch lies no less than the span they are doubted for.
        #[test]
        fn soft_findings_never_flap(looks in prop::collection::vec((0u64..12, any::<bool>()), 1..80)) {
            let (mut second, mut all) = (0, Vec::new());
            for (wait, is_slow) in looks {
                second += wait;
                all.push((second, if is_slow { slow() } else { up() }));
            }
            let turned = turns(all);
            for pair in turned.windows(2) {
                prop_assert!(pair[1].0 - pair[0].0 >= SOFT_FOR.as_secs());
                prop_assert_ne!(pair[1].1, pair[0].1);
            }
        }
    }
}
