//! A breaker that many callers share: the machine behind a lock that is held for the length of one step.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Breaker, Outcome, Pass, Refused, State, Turn};

type Now = dyn Fn() -> Duration + Send + Sync;
type Told = dyn Fn(Turn) + Send + Sync;

/// A handle, cheap to clone. `now` is a monotonic clock; `told` hears of every turn, in order, and must not ask the
/// breaker again nor wait.
#[derive(Clone)]
pub struct Shared {
    breaker: Arc<Mutex<Breaker>>,
    now: Arc<Now>,
    told: Arc<Told>,
}

impl Shared {
    pub fn new(
        now: impl Fn() -> Duration + Send + Sync + 'static,
        told: impl Fn(Turn) + Send + Sync + 'static,
    ) -> Shared {
        Shared { breaker: Arc::default(), now: Arc::new(now), told: Arc::new(told) }
    }

    pub fn state(&self) -> State {
        self.lock().state()
    }

    /// Its state, the faults inside its window, and how long until the next probe may go.
    pub fn look(&self, now: Duration) -> (State, usize, Option<Duration>) {
        let breaker = self.lock();
        (breaker.state(), breaker.faults(now), breaker.probe_in(now))
    }

    /// Leave for one call. A permit that is dropped without an outcome counts as given up, so that a caller that was
    /// cancelled cannot keep the probe.
    pub fn ask(&self) -> Result<Permit, Refused> {
        let mut breaker = self.lock();
        // Read under the lock: two callers never hand in their moments in the wrong order.
        let (pass, turn) = breaker.ask((self.now)())?;
        self.tell(turn);
        Ok(Permit { shared: self.clone(), pass: Some(pass) })
    }

    fn end(&self, pass: Pass, outcome: Outcome) {
        let mut breaker = self.lock();
        let turn = breaker.end((self.now)(), pass, outcome);
        self.tell(turn);
    }

    fn tell(&self, turn: Option<Turn>) {
        if let Some(turn) = turn {
            (self.told)(turn);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Breaker> {
        // A step leaves the machine whole or does not touch it.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&self.state()).finish()
    }
}

/// Leave for one call, to be given back with what became of it.
#[derive(Debug)]
pub struct Permit {
    shared: Shared,
    pass: Option<Pass>,
}

impl Permit {
    pub fn is_probe(&self) -> bool {
        self.pass.is_some_and(Pass::is_probe)
    }

    pub fn end(mut self, outcome: Outcome) {
        if let Some(pass) = self.pass.take() {
            self.shared.end(pass, outcome);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.shared.end(pass, Outcome::GivenUp);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    };

    use super::{
        super::{FAILURES_MAX, REST},
        *,
    };
    use crate::model::Code;

    const RACERS: usize = 64;

    /// A clock that stands still until it is moved.
    fn paused() -> (Shared, Arc<AtomicU64>, Arc<Mutex<Vec<&'static str>>>) {
        let (ms, told) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (clock, events) = (Arc::clone(&ms), Arc::clone(&told));
        let shared = Shared::new(
            move || Duration::from_millis(clock.load(Ordering::SeqCst)),
            move |turn| events.lock().unwrap().push(turn.event()),
        );
        (shared, ms, told)
    }

    /// All at once; the permits of those that got one.
    fn race(shared: &Shared) -> Vec<Permit> {
        let start = Barrier::new(RACERS);
        std::thread::scope(|scope| {
            let racers: Vec<_> = (0..RACERS)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        shared.ask().ok()
                    })
                })
                .collect();
            racers.into_iter().filter_map(|racer| racer.join().unwrap()).collect()
        })
    }

    #[test]
    fn of_64_racing_callers_one_gets_the_probe() {
        let (shared, ms, told) = paused();
        assert_eq!(race(&shared).len(), RACERS, "closed, all go through");
        for _ in 0..FAILURES_MAX {
            shared.ask().unwrap().end(Outcome::Fault(Code::Unavailable));
        }
        assert_eq!(race(&shared).len(), 0);
        for round in 1..=20 {
            ms.fetch_add(REST.as_millis() as u64 - 1, Ordering::SeqCst);
            assert_eq!(race(&shared).len(), 0, "round {round}: it still rests");
            ms.fetch_add(1, Ordering::SeqCst);
            let mut probes = race(&shared);
            assert_eq!(probes.len(), 1, "round {round}");
            assert!(probes[0].is_probe());
            assert_eq!(race(&shared).len(), 0, "round {round}: while it is on its way");
            probes.remove(0).end(Outcome::Fault(Code::Timeout));
        }
        ms.fetch_add(REST.as_millis() as u64, Ordering::SeqCst);
        race(&shared).remove(0).end(Outcome::Answered);
        assert_eq!(race(&shared).len(), RACERS);
        let told = told.lock().unwrap();
        assert_eq!(told.iter().filter(|event| **event == "breaker.opened").count(), 21);
        assert_eq!(told.iter().filter(|event| **event == "breaker.half_opened").count(), 21);
        assert_eq!(told.last(), Some(&"breaker.closed"));
    }

    #[test]
    fn a_dropped_probe_comes_back() {
        let (shared, ms, _) = paused();
        for _ in 0..FAILURES_MAX {
            shared.ask().unwrap().end(Outcome::Fault(Code::Unavailable));
        }
        ms.store(REST.as_millis() as u64, Ordering::SeqCst);
        drop(shared.ask().unwrap());
        assert_eq!(shared.state(), State::HalfOpen);
        assert_eq!(race(&shared).len(), 1);
    }
}
