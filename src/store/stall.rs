//! The watch over a write in flight: says so when the disk does not come back from it.
//!
//! A thread of its own, because the writer's is the one that hangs. It sleeps without a timer while nothing is written,
//! is woken by the first write after that, and wakes itself for as long as more follow.

use std::{
    sync::{Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use super::core::{Core, sound};
use crate::model::Time;

/// A write that takes longer is told. Many times what a busy disk needs, and half of what a person may wait for the word.
const STALLED_AFTER: Duration = Duration::from_millis(500);

#[derive(Default)]
pub struct Stall {
    watch: Mutex<Watch>,
    changed: Condvar,
}

#[derive(Default)]
struct Watch {
    in_flight: Option<InFlight>,
    /// The thread has no timer: it has to be woken.
    asleep: bool,
    closed: bool,
}

#[derive(Clone, Copy)]
struct InFlight {
    began: Instant,
    since: Time,
    told: bool,
}

impl Stall {
    fn watch(&self) -> MutexGuard<'_, Watch> {
        sound(self.watch.lock())
    }

    pub fn close(&self) {
        self.watch().closed = true;
        self.changed.notify_all();
    }
}

/// Does what may hang, watched.
pub fn watched<T>(core: &Core, write: impl FnOnce() -> T) -> T {
    begin(core);
    let written = write();
    end(core);
    written
}

fn begin(core: &Core) {
    let mut watch = core.stall.watch();
    watch.in_flight = Some(InFlight { began: Instant::now(), since: core.clock.now(), told: false });
    if watch.asleep {
        core.stall.changed.notify_all();
    }
}

fn end(core: &Core) {
    let mut watch = core.stall.watch();
    if watch.in_flight.take().is_some_and(|write| write.told) {
        core.set_stalled(None);
    }
}

/// Until the store closes.
pub fn run(core: &Core) {
    let mut watch = core.stall.watch();
    while !watch.closed {
        let left = match &mut watch.in_flight {
            Some(write) if !write.told => {
                let left = STALLED_AFTER.saturating_sub(write.began.elapsed());
                if left.is_zero() {
                    write.told = true;
                    tracing::warn!("the disk does not come back from a write; those after it wait");
                    // Under the lock: the write's end takes it back.
                    core.set_stalled(Some(write.since));
                    continue;
                }
                Some(left)
            }
            _ => None,
        };
        watch.asleep = left.is_none();
        watch = match left {
            None => sound(core.stall.changed.wait(watch)),
            Some(left) => sound(core.stall.changed.wait_timeout(watch, left)).0,
        };
    }
}
