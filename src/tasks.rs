//! How tasks start and end, and what time it is for them.
//!
//! [`Tasks`] is the only place that spawns: every task gets the token that ends it and is awaited at shutdown.
//! [`Clock`] is the only place that reads the clock and makes ids; a test gives a fixed one and moves it by hand.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rayon::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::{oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::model::{Fault, Id, Time, Zone, Zones};

/// The time and fresh ids, from the machine or from a test's hand, and the zone that clocks are read in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    /// One for all clones: whoever picks another zone has picked it for the hub too.
    zones: Arc<RwLock<Zones>>,
}

#[derive(Debug, Clone)]
enum Source {
    System { made: Instant },
    Fixed { now_ms: Arc<AtomicI64>, passed_ms: Arc<AtomicU64>, ids: Arc<AtomicU64>, moved: watch::Sender<()> },
}

impl Clock {
    pub fn system() -> Clock {
        let zones = Zones { machine: Zone::of_machine(), picked: None };
        Clock { source: Source::System { made: Instant::now() }, zones: Arc::new(RwLock::new(zones)) }
    }

    /// Stands still in UTC until [`Clock::advance`] or [`Clock::set`]; its ids count up, so that screens and answers repeat exactly.
    pub fn fixed(now: Time) -> Clock {
        let source = Source::Fixed {
            now_ms: Arc::new(AtomicI64::new(now.unix_ms())),
            passed_ms: Arc::default(),
            ids: Arc::default(),
            moved: watch::Sender::new(()),
        };
        Clock { source, zones: Arc::new(RwLock::new(Zones::UTC)) }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    pub fn now(&self) -> Time {
        match &self.source {
            Source::System { .. } => chrono::Utc::now().into(),
            Source::Fixed { now_ms, .. } => Time::from_unix_ms(now_ms.load(Ordering::SeqCst)),
        }
    }

    /// Since some moment that stays the same, also while the machine sleeps: it goes on when the wall clock is set.
    pub fn steady(&self) -> Duration {
        match &self.source {
            Source::System { .. } => steady(),
            Source::Fixed { passed_ms, .. } => Duration::from_millis(passed_ms.load(Ordering::SeqCst)),
        }
    }

    /// Since the clock was made; never put. A fixed one goes on by what it is advanced.
    pub fn passed(&self) -> Duration {
        match &self.source {
            Source::System { made } => made.elapsed(),
            Source::Fixed { passed_ms, .. } => Duration::from_millis(passed_ms.load(Ordering::SeqCst)),
        }
    }

    /// For who waits for a moment of this clock.
    pub fn alarm(&self) -> Alarm {
        let moved = match &self.source {
            Source::System { .. } => None,
            Source::Fixed { moved, .. } => Some(moved.subscribe()),
        };
        Alarm { clock: self.clone(), moved }
    }

    pub fn zones(&self) -> Zones {
        *self.zones.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The zone in which words such as `yesterday` are meant: the machine's, until another is picked.
    pub fn zone(&self) -> Zone {
        self.zones().home()
    }

    /// Picks the zone, for every clone of this clock; none is the machine's.
    pub fn pick_zone(&self, zone: Option<Zone>) {
        self.zones.write().unwrap_or_else(PoisonError::into_inner).picked = zone;
    }

    /// Moves a fixed clock; the machine's own cannot be moved and stays as it is.
    pub fn advance(&self, span: Duration) {
        if let Source::Fixed { now_ms, passed_ms, moved, .. } = &self.source {
            now_ms.fetch_add(span.as_millis() as i64, Ordering::SeqCst);
            passed_ms.fetch_add(span.as_millis() as u64, Ordering::SeqCst);
            moved.send_replace(());
        }
    }

    /// Puts a fixed clock to another moment, also an earlier one, as a machine's may be put.
    pub fn set(&self, now: Time) {
        if let Source::Fixed { now_ms, moved, .. } = &self.source {
            now_ms.store(now.unix_ms(), Ordering::SeqCst);
            moved.send_replace(());
        }
    }

    /// A fresh id.
    pub fn id(&self) -> Id {
        let mut random = [0; 10];
        match &self.source {
            Source::System { .. } => random.copy_from_slice(&uuid::Uuid::new_v4().into_bytes()[6..]),
            Source::Fixed { ids, .. } => {
                random[2..].copy_from_slice(&ids.fetch_add(1, Ordering::SeqCst).to_be_bytes());
            }
        }
        Id::from_parts(self.now(), random)
    }
}

fn steady() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let found = rustix::time::clock_gettime(clock);
    Duration::new(found.tv_sec as u64, found.tv_nsec as u32)
}

/// Waits for moments of a clock: the machine's come by themselves, a fixed one's when it is moved.
#[derive(Debug)]
pub struct Alarm {
    clock: Clock,
    moved: Option<watch::Receiver<()>>,
}

impl Alarm {
    /// What both clocks say now; a fixed one that is moved from here on ends [`Alarm::wait`].
    pub fn now(&mut self) -> (Time, Duration) {
        if let Some(moved) = &mut self.moved {
            moved.mark_unchanged();
        }
        (self.clock.now(), self.clock.passed())
    }

    /// Until so much has passed since the clock was made, or a fixed one was moved; none is for good.
    pub async fn wait(&mut self, at: Option<Duration>) {
        match (&mut self.moved, at) {
            (Some(moved), _) => {
                if moved.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            (None, Some(at)) => tokio::time::sleep(at.saturating_sub(self.clock.passed())).await,
            (None, None) => std::future::pending().await,
        }
    }
}

/// Runs what blocks (files, sled, a long loop) beside the runtime's own threads. A panic in it is a `bug`.
pub async fn blocking<T, F>(work: F) -> Result<T, Fault>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Fault> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(stopped().cause(error)))
}

fn stopped() -> Fault {
    Fault::bug("a part of the hub stopped in the middle of this request")
        .hint("nothing that was acknowledged is lost; ask again")
}

/// A few threads for work that comes often and is short. More would take turns on the same processors, and each keeps
/// memory of its own: a thousand requests at once are a thousand in a queue, not four hundred threads.
pub struct Crew(ThreadPool);

impl Crew {
    pub fn new(name: &'static str, threads: usize) -> Result<Crew, Fault> {
        let crew = ThreadPoolBuilder::new().num_threads(threads).thread_name(move |n| format!("{name}-{n}"));
        let crew =
            crew.build().map_err(|error| Fault::unavailable("no threads to read with").cause(error))?;
        Ok(Crew(crew))
    }

    /// As [`blocking`], in the order in which it was asked for. What nobody waits for any more is passed over.
    pub async fn run<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Fault> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.0.spawn_fifo(move || {
            if !answer.is_closed() {
                let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(stopped()));
                // Whoever asked may have gone meanwhile.
                answer.send(done).ok();
            }
        });
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

/// A group of tasks that end together.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    token: CancellationToken,
}

impl Tasks {
    pub fn new() -> Tasks {
        Tasks::default()
    }

    /// Cancelled when the group is to end. Every task selects on it.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Starts a task in the group.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.tracker.spawn(task));
    }

    /// Asks all to end and waits for them; `false` when some were still running after `patience`.
    pub async fn end(&self, patience: Duration) -> bool {
        self.token.cancel();
        self.tracker.close();
        tokio::time::timeout(patience, self.tracker.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_repeats_itself() {
        let ids = || {
            let clock = Clock::fixed(Time::from_unix_ms(1_000));
            let first = clock.id();
            clock.advance(Duration::from_secs(1));
            (first, clock.id(), clock.now())
        };
        assert_eq!(ids(), ids());
        assert_eq!(ids().2, Time::from_unix_ms(2_000));
    }

    #[test]
    fn a_clock_that_is_set_goes_on_steadily() {
        let clock = Clock::fixed(Time::from_unix_ms(1_000));
        clock.advance(Duration::from_secs(1));
        clock.set(Time::from_unix_ms(0));
        assert_eq!((clock.now(), clock.steady()), (Time::from_unix_ms(0), Duration::from_secs(1)));
        let machine = Clock::system();
        let before = machine.steady();
        assert!(machine.steady() >= before && before > Duration::ZERO);
    }

    #[tokio::test]
    async fn a_fixed_clock_wakes_who_waits_when_it_is_moved() {
        let clock = Clock::fixed(Time::from_unix_ms(1_000));
        let mut alarm = clock.alarm();
        assert_eq!(alarm.now(), (Time::from_unix_ms(1_000), Duration::ZERO));
        clock.advance(Duration::from_secs(2));
        alarm.wait(Some(Duration::from_secs(9))).await;
        clock.set(Time::from_unix_ms(500));
        alarm.wait(None).await;
        assert_eq!(alarm.now(), (Time::from_unix_ms(500), Duration::from_secs(2)));
    }

    #[tokio::test]
    async fn ending_waits_for_every_task() {
        let tasks = Tasks::new();
        let (done, mut seen) = tokio::sync::mpsc::channel(1);
        let token = tasks.token();
        tasks.spawn(async move {
            token.cancelled().await;
            done.send(()).await.unwrap();
        });
        assert!(tasks.end(Duration::from_secs(5)).await);
        assert!(seen.try_recv().is_ok());
    }
}
