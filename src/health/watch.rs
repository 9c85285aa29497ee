//! Rounds of probes: all at once, each within its time, and never two of one.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures::{FutureExt, future::join_all};
use tokio::sync::oneshot;

use super::{Finding, Probe};
use crate::{door::Anchor, tasks::Tasks};

/// A probe that has not answered by then is down.
pub const PROBE_PATIENCE: Duration = Duration::from_secs(2);

/// What a probe found, and how long what it looked at took.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub name: &'static str,
    pub finding: Finding,
    pub latency: Duration,
}

/// The probes of one hub. One task owns it.
pub struct Watch {
    probes: Vec<Watched>,
    tasks: Tasks,
}

struct Watched {
    probe: Probe,
    /// A look that has not come back yet.
    running: Option<Running>,
}

struct Running {
    began: Instant,
    answer: oneshot::Receiver<(Finding, Duration)>,
}

impl Watch {
    /// The probes run as tasks of this group and end with it.
    pub fn new(probes: Vec<Probe>, tasks: Tasks) -> Watch {
        let probes = probes.into_iter().map(|probe| Watched { probe, running: None }).collect();
        Watch { probes, tasks }
    }

    /// One round. One that still looks since an earlier round is waited for, and not begun a second time.
    pub async fn look(&mut self) -> Vec<Found> {
        let tasks = &self.tasks;
        join_all(self.probes.iter_mut().map(|watched| watched.look(tasks))).await
    }
}

impl Watched {
    async fn look(&mut self, tasks: &Tasks) -> Found {
        let name = self.probe.name;
        let probe = &self.probe;
        let running = self.running.get_or_insert_with(|| begin(probe, tasks));
        let Ok(answer) = tokio::time::timeout(PROBE_PATIENCE, &mut running.answer).await else {
            let latency = running.began.elapsed().max(PROBE_PATIENCE);
            let finding = Finding::down(
                Anchor::ProbeFails,
                format!("did not answer within {} s", PROBE_PATIENCE.as_secs()),
            );
            return Found { name, finding, latency };
        };
        let began = running.began;
        self.running = None;
        let (finding, took) = answer.unwrap_or_else(|_| {
            tracing::error!(probe = name, "a probe panicked");
            let finding =
                Finding::down(Anchor::ProbeFails, "the probe stopped in the middle: a bug, told in the log");
            (finding, began.elapsed())
        });
        let latency = finding.latency.unwrap_or(took);
        Found { name, finding, latency }
    }
}

fn begin(probe: &Probe, tasks: &Tasks) -> Running {
    let (tell, answer) = oneshot::channel();
    let (looking, token) = (probe.look(), tasks.token());
    let began = Instant::now();
    tasks.spawn(async move {
        let looking = AssertUnwindSafe(looking).catch_unwind();
        tokio::select! {
            () = token.cancelled() => {}
            // Whoever asked hears of a panic by getting no answer; nobody may be listening any more.
            looked = looking => drop(looked.map(|finding| tell.send((finding, began.elapsed())))),
        }
    });
    Running { began, answer }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::Notify;

    use super::*;
    use crate::door::Condition;

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_hangs_is_down_and_is_not_begun_twice() {
        let (begun, free) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (counted, held) = (begun.clone(), free.clone());
        let hangs = Probe::new("hangs", move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let held = held.clone();
            async move {
                held.notified().await;
                Finding::up("at last")
            }
        });
        let lives = Probe::new("lives", || async { Finding::up("fine").took(Duration::from_millis(7)) });
        let tasks = Tasks::new();
        let mut watch = Watch::new(vec![hangs, lives], tasks.clone());
        for _ in 0..3 {
            let began = tokio::time::Instant::now();
            let found = watch.look().await;
            assert_eq!(
                began.elapsed(),
                PROBE_PATIENCE,
                "one that hangs costs a round no more than its patience"
            );
            assert_eq!(found[0].finding.status, Condition::Down);
            assert_eq!(found[0].finding.cause.as_deref(), Some("did not answer within 2 s"));
            assert_eq!(found[1].finding.note, "fine");
            assert_eq!(found[1].latency, Duration::from_millis(7));
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1, "never two of one at once");
        free.notify_one();
        assert_eq!(watch.look().await[0].finding.note, "at last");
        free.notify_one();
        assert_eq!(watch.look().await[0].finding.status, Condition::Up);
        assert_eq!(begun.load(Ordering::SeqCst), 2);
        assert!(tasks.end(Duration::from_secs(1)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_panics_is_down_and_the_others_are_not() {
        let panics = Probe::new("panics", || async { panic!("a probe's own mistake") });
        let lives = Probe::new("lives", || async { Finding::up("fine") });
        let mut watch = Watch::new(vec![panics, lives], Tasks::new());
        for _ in 0..2 {
            let found = watch.look().await;
            let statuses: Vec<_> = found.iter().map(|found| found.finding.status).collect();
            assert_eq!(statuses, [Condition::Down, Condition::Up]);
            assert!(found[0].finding.cause.as_deref().unwrap().contains("a bug"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_hangs_does_not_keep_its_tasks_from_ending() {
        let hangs = Probe::new("hangs", std::future::pending);
        let tasks = Tasks::new();
        let mut watch = Watch::new(vec![hangs], tasks.clone());
        watch.look().await;
        assert!(tasks.end(Duration::from_secs(1)).await);
    }
}
