//! The writer's queue: two lanes, bounded by bytes; interactive commits go before bulk ones.

use std::{
    collections::VecDeque,
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use super::Committed;
use crate::model::{Change, Code, Commit, Fault, Lane};

/// Commits waiting for the writer; more are refused as `busy`.
pub const QUEUE_BYTES_MAX: usize = 64 << 20;
/// What the writer takes at a time: bounds how long one fsync's companions wait for each other.
const BATCH_BYTES_MAX: usize = 4 << 20;
const BATCH_COMMITS_MAX: usize = 4_096;

/// A commit and who waits for it. That one may stop waiting: the commit is made all the same.
pub struct Job {
    pub commit: Commit,
    pub reply: oneshot::Sender<Result<Committed, Fault>>,
    bytes: usize,
}

pub enum Taken {
    Jobs(Vec<Job>),
    /// The open segment is to be closed.
    Roll(oneshot::Sender<io::Result<()>>),
    /// Nothing came within the time given.
    Idle,
    /// The store closes and the queue is empty.
    Closed,
}

#[derive(Default)]
struct Lanes {
    interactive: VecDeque<Job>,
    bulk: VecDeque<Job>,
    rolls: VecDeque<oneshot::Sender<io::Result<()>>>,
    bytes: usize,
    /// What the writer has taken and not come back from: commits and their bytes.
    taken: (usize, usize),
    closed: bool,
}

#[derive(Default)]
pub struct Queue {
    lanes: Mutex<Lanes>,
    changed: Condvar,
}

impl Queue {
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn push(&self, commit: Commit) -> Result<oneshot::Receiver<Result<Committed, Fault>>, Fault> {
        let bytes = rough_bytes(&commit);
        let mut lanes = self.lanes();
        if lanes.closed {
            return Err(Fault::unavailable("the store is closed"));
        }
        if lanes.bytes + bytes > QUEUE_BYTES_MAX && lanes.bytes > 0 {
            return Err(
                Fault::new(Code::Busy, "more is being written than the disk takes").hint("try again shortly")
            );
        }
        lanes.bytes += bytes;
        let (reply, receiver) = oneshot::channel();
        let lane = match commit.lane {
            Lane::Interactive => &mut lanes.interactive,
            Lane::Bulk => &mut lanes.bulk,
        };
        lane.push_back(Job { commit, reply, bytes });
        drop(lanes);
        self.changed.notify_one();
        Ok(receiver)
    }

    /// The next batch; with a time given, not longer than that.
    pub fn take(&self, patience: Option<Duration>) -> Taken {
        let mut lanes = self.lanes();
        // Who asks for more is done with what it had.
        lanes.taken = (0, 0);
        loop {
            if let Some(reply) = lanes.rolls.pop_front() {
                return Taken::Roll(reply);
            }
            if !(lanes.interactive.is_empty() && lanes.bulk.is_empty()) {
                break;
            }
            if lanes.closed {
                return Taken::Closed;
            }
            lanes = match patience {
                None => self.changed.wait(lanes).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.changed.wait_timeout(lanes, patience);
                    let (lanes, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                    if timeout.timed_out() {
                        return Taken::Idle;
                    }
                    lanes
                }
            };
        }
        let mut jobs = Vec::new();
        let mut bytes = 0;
        while jobs.len() < BATCH_COMMITS_MAX && bytes < BATCH_BYTES_MAX {
            let Some(job) = lanes.interactive.pop_front().or_else(|| lanes.bulk.pop_front()) else { break };
            bytes += job.bytes;
            jobs.push(job);
        }
        lanes.bytes -= bytes;
        lanes.taken = (jobs.len(), bytes);
        Taken::Jobs(jobs)
    }

    /// Commits that wait for the disk, and their bytes: those in line and those in the writer's hands.
    pub fn waiting(&self) -> (usize, usize) {
        let lanes = self.lanes();
        let (commits, bytes) = lanes.taken;
        (commits + lanes.interactive.len() + lanes.bulk.len(), bytes + lanes.bytes)
    }

    /// Has the open segment closed. Blocks.
    pub fn roll(&self) -> Result<(), Fault> {
        let (reply, rolled) = oneshot::channel();
        let mut lanes = self.lanes();
        if lanes.closed {
            return Err(Fault::unavailable("the store is closed"));
        }
        lanes.rolls.push_back(reply);
        drop(lanes);
        self.changed.notify_one();
        match rolled.blocking_recv() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Fault::unavailable("the log did not go on in a new file").cause(error)),
            Err(_) => Err(Fault::unavailable("the store is closed")),
        }
    }

    /// What is queued is still written; nothing more is taken in.
    pub fn close(&self) {
        self.lanes().closed = true;
        self.changed.notify_all();
    }
}

fn rough_bytes(commit: &Commit) -> usize {
    let bodies = commit.changes.iter().map(|change| match change {
        Change::Put { memory } | Change::Restore { memory } => memory.content.len() + 512,
        _ => 64,
    });
    bodies.sum::<usize>() + commit.events.len() * 512
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(lane: Lane) -> Commit {
        Commit { lane, ..Commit::default() }
    }

    #[test]
    fn a_save_goes_before_an_import() {
        let queue = Queue::default();
        let replies: Vec<_> =
            [Lane::Bulk, Lane::Bulk, Lane::Interactive].map(|lane| queue.push(commit(lane)).unwrap()).into();
        let Taken::Jobs(jobs) = queue.take(None) else { panic!("there are jobs") };
        let lanes: Vec<_> = jobs.iter().map(|job| job.commit.lane).collect();
        assert_eq!(lanes, [Lane::Interactive, Lane::Bulk, Lane::Bulk]);
        assert_eq!(queue.waiting(), (3, 0), "the writer has them");
        assert!(matches!(queue.take(Some(Duration::ZERO)), Taken::Idle));
        assert_eq!(queue.waiting(), (0, 0));
        drop(replies);
        queue.close();
        assert!(matches!(queue.take(None), Taken::Closed));
        assert!(queue.push(commit(Lane::Bulk)).is_err());
    }
}
