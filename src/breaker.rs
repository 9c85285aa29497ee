//! A circuit breaker: after enough faults a part is left alone for a while, then asked by one probe.
//!
//! ```text
//!             5 faults in 60 s                    30 s later, for one caller
//!   closed ─────────────────────▶ open ─────────────────────────────────▶ half_open
//!     ▲                            ▲                                        │    │
//!     │                            └──────────── the probe fails ───────────┘    │
//!     └───────────────────────────── the probe is answered ──────────────────────┘
//! ```
//!
//! A pure machine: `now` is an argument, measured from any fixed start and never going back (a monotonic clock), and what
//! changed is the answer ([`Turn`]), so that the caller can tell it as an event. Only faults that asking again may help
//! count (`unavailable`, `timeout`); a refusal shows that the part lives. [`Shared`] is the machine behind a lock, with
//! passes that come back by themselves.
//!
//! **Invariant**: between two turns of the breaker at most one probe is on its way; what was asked before a turn says
//! nothing about the state after it.

mod retry;
mod shared;

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

pub use retry::Backoff;
pub use shared::{Permit, Shared};

use crate::model::Code;

/// So many faults open it.
pub const FAILURES_MAX: usize = 5;
/// When they come within this span.
pub const WINDOW: Duration = Duration::from_secs(60);
/// So long after it opened, one probe may ask.
pub const REST: Duration = Duration::from_secs(30);

// A probe that never comes back is given up after another rest: it must not outlast the memory of the faults.
const _: () = assert!(REST.as_millis() <= WINDOW.as_millis());

/// Whether calls go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Closed,
    Open,
    HalfOpen,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Open => "open",
            State::HalfOpen => "half_open",
        }
    }
}

/// The breaker went from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    pub from: State,
    pub to: State,
}

impl Turn {
    /// The event that tells it: `breaker.opened`, `breaker.half_opened`, `breaker.closed`.
    pub fn event(self) -> &'static str {
        match self.to {
            State::Closed => "breaker.closed",
            State::Open => "breaker.opened",
            State::HalfOpen => "breaker.half_opened",
        }
    }
}

/// Leave to make one call. Its number says between which turns it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    number: u64,
    probe: bool,
}

impl Pass {
    pub fn is_probe(self) -> bool {
        self.probe
    }
}

/// No call now; the next probe may go after `retry_in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the circuit is open")]
pub struct Refused {
    pub retry_in: Duration,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Answered,
    Fault(Code),
    /// The caller went away before an answer.
    GivenUp,
}

#[derive(Debug, Clone)]
enum Inner {
    /// When each of the faults came, oldest first.
    Closed {
        faults: VecDeque<Duration>,
    },
    Open {
        since: Duration,
    },
    /// When the probe went out; none while nobody has taken it.
    HalfOpen {
        probe: Option<Duration>,
    },
}

#[derive(Debug, Clone)]
pub struct Breaker {
    inner: Inner,
    /// Rises with every turn and every probe: a pass of an older number decides nothing.
    number: u64,
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker { inner: Inner::Closed { faults: VecDeque::new() }, number: 0 }
    }
}

impl Breaker {
    pub fn state(&self) -> State {
        match self.inner {
            Inner::Closed { .. } => State::Closed,
            Inner::Open { .. } => State::Open,
            Inner::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// Faults inside the window; those that opened it while it is not closed.
    pub fn faults(&self, now: Duration) -> usize {
        match &self.inner {
            Inner::Closed { faults } => {
                faults.iter().filter(|then| now.saturating_sub(**then) < WINDOW).count()
            }
            Inner::Open { .. } | Inner::HalfOpen { .. } => FAILURES_MAX,
        }
    }

    /// While it is open: how long until the next probe may go.
    pub fn probe_in(&self, now: Duration) -> Option<Duration> {
        match &self.inner {
            Inner::Open { since } => Some(REST.saturating_sub(now.saturating_sub(*since))),
            _ => None,
        }
    }

    /// Leave to call now, with the turn that giving it made.
    pub fn ask(&mut self, now: Duration) -> Result<(Pass, Option<Turn>), Refused> {
        let since = match &self.inner {
            Inner::Closed { .. } => return Ok((Pass { number: self.number, probe: false }, None)),
            Inner::Open { since } => Some(*since),
            Inner::HalfOpen { probe } => *probe,
        };
        let rested = since.map_or(REST, |since| now.saturating_sub(since));
        if rested < REST {
            return Err(Refused { retry_in: REST - rested });
        }
        let turn = self.turn(Inner::HalfOpen { probe: Some(now) });
        Ok((Pass { number: self.number, probe: true }, turn))
    }

    /// What became of a call; the turn it made.
    pub fn end(&mut self, now: Duration, pass: Pass, outcome: Outcome) -> Option<Turn> {
        if pass.number != self.number {
            return None;
        }
        let failed = matches!(outcome, Outcome::Fault(code) if code.is_transient());
        match &mut self.inner {
            Inner::Closed { faults } if failed => {
                faults.retain(|then| now.saturating_sub(*then) < WINDOW);
                faults.push_back(now);
                (faults.len() >= FAILURES_MAX).then(|| self.turn(Inner::Open { since: now })).flatten()
            }
            Inner::HalfOpen { probe } if outcome == Outcome::GivenUp => {
                *probe = None;
                None
            }
            Inner::HalfOpen { .. } if failed => self.turn(Inner::Open { since: now }),
            Inner::HalfOpen { .. } => self.turn(Inner::Closed { faults: VecDeque::new() }),
            Inner::Closed { .. } | Inner::Open { .. } => None,
        }
    }

    fn turn(&mut self, inner: Inner) -> Option<Turn> {
        let from = self.state();
        self.inner = inner;
        self.number += 1;
        let to = self.state();
        (from != to).then_some(Turn { from, to })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fail(breaker: &mut Breaker, at: Duration) -> Option<Turn> {
        let (pass, _) = breaker.ask(at).unwrap();
        breaker.end(at, pass, Outcome::Fault(Code::Unavailable))
    }

    fn opened_at(at: Duration) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 0..FAILURES_MAX {
            fail(&mut breaker, at);
        }
        assert_eq!(breaker.state(), State::Open);
        breaker
    }

    #[test]
    fn five_faults_in_a_minute_open_it() {
        let mut breaker = Breaker::default();
        for second in [0, 10, 20, 30] {
            assert_eq!(fail(&mut breaker, s(second)), None);
        }
        let turn = fail(&mut breaker, s(59)).unwrap();
        assert_eq!((turn.from, turn.to, turn.event()), (State::Closed, State::Open, "breaker.opened"));
        assert_eq!(breaker.ask(s(60)).unwrap_err().retry_in, s(29));

        let mut breaker = Breaker::default();
        for second in [0, 15, 30, 45, 60, 75] {
            assert_eq!(fail(&mut breaker, s(second)), None, "never five within 60 s");
        }
        assert!(fail(&mut breaker, s(76)).is_some(), "15 30 45 60 75 and this");
    }

    #[test]
    fn only_what_asking_again_may_help_counts() {
        for code in Code::ALL {
            let mut breaker = Breaker::default();
            for _ in 0..50 {
                let (pass, _) = breaker.ask(s(1)).unwrap_or((Pass { number: u64::MAX, probe: false }, None));
                breaker.end(s(1), pass, Outcome::Fault(code));
            }
            let opens = [Code::Unavailable, Code::Timeout].contains(&code);
            assert_eq!(breaker.state() == State::Open, opens, "{code}");
        }
    }

    #[test]
    fn one_probe_decides() {
        let mut breaker = opened_at(s(100));
        assert!(breaker.ask(s(129)).is_err());
        let (probe, turn) = breaker.ask(s(130)).unwrap();
        assert_eq!(turn.unwrap().event(), "breaker.half_opened");
        assert!(probe.is_probe());
        assert_eq!(breaker.ask(s(131)).unwrap_err().retry_in, s(29), "one is on its way");
        let turn = breaker.end(s(132), probe, Outcome::Fault(Code::Timeout)).unwrap();
        assert_eq!(turn.event(), "breaker.opened");
        assert_eq!(breaker.ask(s(133)).unwrap_err().retry_in, s(29), "another whole rest");
        let (probe, _) = breaker.ask(s(162)).unwrap();
        assert_eq!(breaker.end(s(163), probe, Outcome::Answered).unwrap().event(), "breaker.closed");
        assert_eq!(fail(&mut breaker, s(164)), None, "what was before is forgotten");
    }

    #[test]
    fn a_refusal_shows_that_the_part_lives() {
        let mut breaker = opened_at(s(0));
        let (probe, _) = breaker.ask(s(30)).unwrap();
        breaker.end(s(31), probe, Outcome::Fault(Code::Invalid));
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn a_probe_that_was_given_up_is_free_again() {
        let mut breaker = opened_at(s(0));
        let (probe, _) = breaker.ask(s(30)).unwrap();
        assert_eq!(breaker.end(s(31), probe, Outcome::GivenUp), None);
        let (second, turn) = breaker.ask(s(31)).unwrap();
        assert_eq!((second.is_probe(), turn), (true, None));
        // This one is forgotten altogether.
        assert!(breaker.ask(s(60)).is_err());
        let (third, _) = breaker.ask(s(61)).unwrap();
        assert_eq!(breaker.end(s(62), second, Outcome::Answered), None, "it comes too late to say anything");
        assert_eq!(breaker.state(), State::HalfOpen);
        breaker.end(s(62), third, Outcome::Answered);
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn what_was_asked_before_it_opened_says_nothing_after() {
        let mut breaker = Breaker::default();
        let (early, _) = breaker.ask(s(0)).unwrap();
        for _ in 0..FAILURES_MAX {
            fail(&mut breaker, s(1));
        }
        let (probe, _) = breaker.ask(s(31)).unwrap();
        assert_eq!(breaker.end(s(32), early, Outcome::Answered), None);
        assert_eq!(breaker.state(), State::HalfOpen);
        breaker.end(s(33), probe, Outcome::Answered);
        assert_eq!(breaker.end(s(34), early, Outcome::Fault(Code::Timeout)), None);
    }

    proptest! {
        /// Against the words: whether it opened is five faults in the last minute, of those since it closed.
        #[test]
        fn it_opens_exactly_when_the_words_say(
            calls in prop::collection::vec((0u64..20, prop::sample::select(Code::ALL.to_vec())), 1..60),
        ) {
            let (mut breaker, mut faults, mut now) = (Breaker::default(), Vec::new(), 0);
            for (wait, code) in calls {
                now += wait;
                let (pass, _) = breaker.ask(s(now)).unwrap();
                let turn = breaker.end(s(now), pass, Outcome::Fault(code));
                if matches!(code, Code::Unavailable | Code::Timeout) {
                    faults.push(now);
                }
                let recent = faults.iter().filter(|then| now - **then < 60).count();
                prop_assert_eq!(turn.is_some(), recent >= 5);
                if turn.is_some() {
                    break;
                }
            }
        }
    }
}
