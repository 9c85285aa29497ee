//! What may start now.

use std::time::Duration;

use super::Draft;
use crate::{
    jobs::machine::{CANCEL_GRACE, CONFIRM_MAX, RUNS_OF_JOB_MAX},
    model::{
        Id,
        job::{Job, Lease, Overlap, Run, RunState, Slot, Trigger},
    },
};

impl Draft<'_> {
    /// Starts what may, at most `room` attempts of this job on their way.
    pub(super) fn starts(&mut self, room: usize) {
        if self.lane.removed {
            return;
        }
        let alone = self.lane.job.overlap != Overlap::Allow;
        let room = room.min(if alone { 1 } else { RUNS_OF_JOB_MAX });
        let mut running = self.live().filter(|run| run.state == RunState::Running).count();
        if running >= room {
            return;
        }
        // A run between two attempts is not done: one at a time means that the next waits for it.
        let between = |run: &&Run| run.state == RunState::Retrying && run.trigger != Trigger::Backfill;
        let between: Vec<Id> = self.live().filter(between).map(|run| run.id).collect();
        for id in self.waiting() {
            if running >= room {
                return;
            }
            if !alone || between.iter().all(|other| *other == id) {
                self.start(id);
                running += 1;
            }
        }
    }

    /// Whose moment has come, in the order in which they may start.
    fn waiting(&self) -> Vec<Id> {
        let (held, left) = (self.is_held(), self.is_left());
        let mut waiting: Vec<_> = self
            .live()
            .filter(|run| matches!(run.state, RunState::Queued | RunState::Retrying))
            .filter(|run| match run.trigger {
                Trigger::Manual | Trigger::Retry => true,
                // Asked for as well, and yet it waits for the job to be resumed.
                Trigger::Backfill => !held,
                _ => !left,
            })
            .filter(|run| self.ready_at(run.id) <= self.now.mono)
            .map(|run| {
                let rank = match run.trigger {
                    Trigger::Manual | Trigger::Retry => 0,
                    Trigger::Backfill => 2,
                    _ => 1,
                };
                (rank, run.created_at, run.slot, run.id)
            })
            .collect();
        waiting.sort();
        waiting.into_iter().map(|(_, _, _, id)| id).collect()
    }

    fn ready_at(&self, run: Id) -> Duration {
        let at = self.flight.ready.get(&run).or_else(|| self.lane.ready.get(&run));
        at.copied().unwrap_or_default()
    }

    fn start(&mut self, id: Id) {
        self.state.fence += 1;
        let fence = self.state.fence;
        let wall = self.now.wall;
        let until = wall.plus(self.lane.job.timeout.duration() + CANCEL_GRACE + CONFIRM_MAX);
        self.change(id, |run| {
            run.state = RunState::Running;
            run.attempt += 1;
            run.start_at = None;
            run.started.get_or_insert(wall);
            run.progress = None;
            run.lease = Some(Lease { fence, until });
        });
        self.tell("started", Some(id));
    }
}

/// How much later than its moment a slot starts: a number that follows from job and slot, below the job's jitter.
pub(super) fn jitter(job: &Job, slot: &Slot) -> Option<Duration> {
    let most = job.jitter.ms();
    let late = number_of(&[job.id.as_bytes(), slot.to_string().as_bytes()]);
    (most > 0).then(|| Duration::from_millis(late % (most + 1)))
}

/// A number that follows from the parts, spread evenly.
pub(super) fn number_of(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    u64::from_be_bytes(bytes)
}
