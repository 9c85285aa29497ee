//! The machine that decides: what happened goes in, what is to be done comes out.
//!
//! ```text
//!                        ┌───────── Recorded, Refused, Unknown ─────────┐
//!                        ▼                                              │
//!  time, events, ──▶ Machine ──▶ Record(commit) ──▶ driver ──▶ store ───┘
//!  requests, ends        │
//!                        └─────▶ Start, AskCancel, CancelHard, Progress, Answer, Wake
//! ```
//!
//! Each job has a *lane*: its definition, its recorded state, its live runs, and what is not recorded because it ends with
//! the process (attempts, what has come in). After every input each lane is looked at: from all that is known, the next
//! commit follows ([`draft`]). A lane has one commit on its way at most, and until the answer comes nothing of it counts:
//! no attempt starts, no request is answered. A commit names the revision of the job's state that it follows, so the same
//! commit handed in twice happens once, and one made from an older state never.
//!
//! What a crash leaves is the records, and [`Input::Load`] is the way back: a run that is recorded as running and has no
//! attempt here was lost.
//!
//! Slots are moments of the clock on the wall; waiting (time-outs, retries, grace) is measured by a clock that is never put.
//! `considered` in the state says up to where slots are decided: a clock that is put back finds them decided, and one that
//! is put forward finds slots that passed, like a hub that was off.

mod draft;
mod lane;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::model::{
    Actor, Fault, Id, Sequence, Subject, Time,
    job::{Job, JobState, Progress, Run, RunError},
};

use lane::Lane;

/// Attempts on their way at the same time, of all jobs.
pub const RUNS_AT_ONCE_MAX: usize = 16;
/// Of one job whose runs may overlap.
pub const RUNS_OF_JOB_MAX: usize = 8;
/// Runs of one job that wait; slots beyond are skipped.
pub const QUEUED_MAX: usize = 100;
/// Slots made up for after a pause of the hub or a clock put forward; of more, the newest.
pub const CATCH_UP_SLOTS_MAX: usize = 100;
/// Slots of one request to backfill.
pub const BACKFILL_SLOTS_MAX: usize = 1_000;
/// Missed slots are counted up to here, and "at least" beyond.
const MISSED_COUNT_MAX: u64 = 10_000;
/// Events that wait for a commit of their job; of more, the newest.
const EVENTS_WAITING_MAX: usize = 10_000;
/// A slot that is seen so much later counts as missed.
const LATE_MAX: Duration = Duration::from_secs(90);
/// The clock on the wall is looked at least so often while any job waits for it: it may have been put.
const LOOK_MAX: Duration = Duration::from_secs(60);
/// A clock put back by less is waited for; by more, and slots begin again at what it says now. Longer than a day, which is
/// the most that a wrong zone is wrong.
const BACK_MAX: Duration = Duration::from_secs(26 * 3_600);
/// A difference between the clocks that is no drift.
const STEP_MIN: Duration = Duration::from_secs(2);
/// From asking an attempt to end to ending it.
pub const CANCEL_GRACE: Duration = Duration::from_secs(10);
/// From ending an attempt to taking it for lost when nobody says that it ended.
const CONFIRM_MAX: Duration = Duration::from_secs(5);
/// A commit without an answer is handed in again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Progress of a run is told at most four times a second.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

// What comes in its time is never taken for late because the clock was not looked at.
const _: () = assert!(LOOK_MAX.as_secs() < LATE_MAX.as_secs());
const _: () = assert!(RUNS_OF_JOB_MAX <= RUNS_AT_ONCE_MAX);

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// What the clock on the wall says; it may be put, forward and back.
    pub wall: Time,
    /// Since the process started; never put. It may stand still while the machine sleeps.
    pub mono: Duration,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// Time passed.
    Tick,
    /// A job with its records: at the start, and when it is new (without a state). `live` are its runs that are queued,
    /// running or retrying; `head` is the newest event of the log, for a job without a state the one that told of it.
    Load {
        job: Arc<Job>,
        state: Option<JobState>,
        live: Vec<Run>,
        head: Sequence,
    },
    /// The definition of a loaded job changed.
    Define(Arc<Job>),
    Remove(Id),
    /// Events in the order of the log. At the start, those after the smallest `seen` of the loaded states.
    Events(Vec<Seen>),
    Ask {
        request: Id,
        by: Actor,
        ask: Ask,
    },
    /// An attempt ended.
    Ended {
        job: Id,
        run: Id,
        fence: u64,
        how: Ended,
    },
    Progress {
        job: Id,
        run: Id,
        fence: u64,
        progress: Progress,
    },
    /// The commit is durable and applied, now or when it was handed in before.
    Recorded {
        job: Id,
        revision: u64,
    },
    /// Nothing of the commit was written.
    Refused {
        job: Id,
        revision: u64,
        refusal: Refusal,
    },
    /// Nobody knows whether the commit was written.
    Unknown {
        job: Id,
        revision: u64,
    },
    /// The hub is about to end: nothing starts any more.
    Drain,
    /// What runs is asked to end, too.
    Stop,
}

/// As much of an event as jobs see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub sequence: Sequence,
    pub subject: Subject,
    pub recorded_at: Time,
}

#[derive(Debug, Clone)]
pub enum Ask {
    Run {
        job: Id,
    },
    /// Every slot after the first moment, up to the second, that has not run.
    Backfill {
        job: Id,
        after: Time,
        until: Time,
    },
    Pause {
        job: Id,
        reason: String,
        until: Option<Time>,
    },
    Resume {
        job: Id,
    },
    Cancel {
        job: Id,
        run: Id,
    },
    /// A dead letter once more, as a new run. Whole, since the machine holds live runs only.
    Retry {
        run: Box<Run>,
    },
    /// A dead letter, or one that was lost, is seen to.
    Dismiss {
        run: Box<Run>,
    },
}

impl Ask {
    fn job(&self) -> Id {
        match self {
            Ask::Run { job }
            | Ask::Backfill { job, .. }
            | Ask::Pause { job, .. }
            | Ask::Resume { job }
            | Ask::Cancel { job, .. } => *job,
            Ask::Retry { run } | Ask::Dismiss { run } => run.job,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Succeeded,
    Failed(RunError),
    /// It ended because it was asked to, or was ended.
    Cancelled,
    /// Nobody saw how: its task panicked, its process vanished.
    Unseen,
}

/// Why a commit does not hold.
#[derive(Debug, Clone, Default)]
pub struct Refusal {
    /// The runs that hold the slots it would have inserted.
    pub taken: Vec<Run>,
    /// Runs it would have changed that are of another revision than it thinks.
    pub stale: Vec<Id>,
    /// The job's state is of another revision than it thinks: somebody else decides here.
    pub moved: bool,
}

/// What happens together or not at all.
///
/// It holds when the stored [`JobState`] is of the revision before (none before 1), no inserted run is there, and every
/// updated run is stored with the revision before its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub state: JobState,
    pub writes: Vec<Write>,
    /// The events it is told by, in order.
    pub told: Vec<Told>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    Insert(Run),
    Update(Run),
}

impl Write {
    pub fn run(&self) -> &Run {
        match self {
            Write::Insert(run) | Write::Update(run) => run,
        }
    }
}

/// An event about a job, `job.<action>`, with the run it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub action: &'static str,
    pub run: Option<Id>,
}

/// Why an attempt is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopWhy {
    Asked,
    Timeout,
    /// A newer slot takes its place.
    Replaced,
    /// The job is gone.
    Removed,
    /// The hub ends.
    Shutdown,
}

pub type Answer = Result<Vec<Id>, Fault>;

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Effect {
    Record(Box<Commit>),
    /// Its commit is recorded. The attempt is told the fence of the run's lease, and ends with it.
    Start {
        job: Arc<Job>,
        run: Box<Run>,
    },
    AskCancel {
        job: Id,
        run: Id,
        fence: u64,
        why: StopWhy,
    },
    /// End it, whatever it does.
    CancelHard {
        job: Id,
        run: Id,
        fence: u64,
    },
    /// Tell it as `job.progress`.
    Progress {
        job: Id,
        run: Id,
        progress: Progress,
    },
    /// A result came with a fence that is no longer the run's, and was refused.
    Late {
        job: Id,
        run: Id,
        fence: u64,
    },
    /// The runs that came of a request, or why it was not done.
    Answer {
        request: Id,
        answer: Answer,
    },
    /// Somebody else decides on this job: hand it in again with [`Input::Load`].
    Reload {
        job: Id,
    },
    /// The clock on the wall was put, by so many milliseconds, or the machine slept.
    ClockStepped {
        by_ms: i64,
    },
    /// Hand in a [`Input::Tick`] then, by the clock that is never put; the newest holds. None is not before something
    /// happens.
    Wake {
        after: Option<Duration>,
    },
}

/// The scheduler.
#[derive(Debug, Default)]
pub struct Machine {
    lanes: BTreeMap<Id, Lane>,
    last: Option<Now>,
    stopping: bool,
    only_asked: bool,
}

impl Machine {
    /// Of a hub that is there for one request: runs what somebody asks for and leaves moments, events and what waits to the
    /// next that stays.
    pub fn only_asked() -> Machine {
        Machine { only_asked: true, ..Machine::default() }
    }

    /// Takes in what happened and decides. `now` never goes back by its monotonic part.
    pub fn step(&mut self, now: Now, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.watch_clock(now, &mut effects);
        self.take(now, input, &mut effects);
        for lane in self.lanes.values_mut() {
            lane.watch(now, &mut effects);
        }
        self.decide(now, &mut effects);
        effects.push(Effect::Wake { after: self.wake(now) });
        effects
    }

    /// Whether nothing runs and nothing waits for the store.
    pub fn is_idle(&self) -> bool {
        self.lanes.values().all(|lane| lane.attempts.is_empty() && lane.flight.is_none())
    }

    /// A job's recorded state and live runs, as they were last recorded.
    pub fn standing(&self, job: Id) -> Option<(&JobState, impl Iterator<Item = &Run>)> {
        self.lanes.get(&job).map(|lane| (&lane.state, lane.live.values()))
    }

    /// The fences of a job's attempts that have not ended.
    pub fn attempts(&self, job: Id) -> BTreeSet<(Id, u64)> {
        let of = |lane: &Lane| {
            let going = lane.attempts.iter().filter(|(_, attempt)| attempt.ended.is_none());
            going.map(|(run, attempt)| (*run, attempt.fence)).collect()
        };
        self.lanes.get(&job).map(of).unwrap_or_default()
    }

    fn watch_clock(&mut self, now: Now, effects: &mut Vec<Effect>) {
        if let Some(last) = self.last {
            let wall = now.wall.unix_ms() - last.wall.unix_ms();
            let by_ms = wall - now.mono.saturating_sub(last.mono).as_millis() as i64;
            if by_ms.unsigned_abs() >= STEP_MIN.as_millis() as u64 {
                effects.push(Effect::ClockStepped { by_ms });
            }
        }
        self.last = Some(now);
    }

    fn take(&mut self, now: Now, input: Input, effects: &mut Vec<Effect>) {
        match input {
            Input::Tick => {}
            Input::Load { job, state, live, head } => {
                let mut lane = Lane::load(now, job, state, live, head);
                lane.only_asked = self.only_asked;
                self.lanes.insert(lane.job.id, lane);
            }
            Input::Define(job) => {
                if let Some(lane) = self.lanes.get_mut(&job.id) {
                    lane.define(job);
                }
            }
            Input::Remove(job) => {
                if let Some(lane) = self.lanes.get_mut(&job) {
                    lane.remove(now, effects);
                }
            }
            Input::Events(events) => {
                for lane in self.lanes.values_mut() {
                    lane.hear(&events);
                }
            }
            Input::Ask { request, by, ask } => match self.lanes.get_mut(&ask.job()) {
                Some(lane) => lane.ask(now, request, by, ask, effects),
                None => {
                    let answer = Err(Fault::not_found("there is no such job"));
                    effects.push(Effect::Answer { request, answer });
                }
            },
            Input::Ended { job, run, fence, how } => {
                let known = self.lanes.get_mut(&job).is_some_and(|lane| lane.ended(run, fence, how));
                if !known {
                    effects.push(Effect::Late { job, run, fence });
                }
            }
            Input::Progress { job, run, fence, progress } => {
                if let Some(lane) = self.lanes.get_mut(&job) {
                    lane.progress(run, fence, progress);
                }
            }
            Input::Recorded { job, revision } => {
                if let Some(lane) = self.lanes.get_mut(&job) {
                    lane.recorded(now, revision, self.stopping, effects);
                }
            }
            Input::Refused { job, revision, refusal } => {
                if let Some(lane) = self.lanes.get_mut(&job)
                    && lane.refused(now, revision, refusal, effects)
                {
                    self.lanes.remove(&job);
                }
            }
            Input::Unknown { job, revision } => {
                if let Some(lane) = self.lanes.get_mut(&job) {
                    lane.unknown(now, revision);
                }
            }
            Input::Drain => self.stopping = true,
            Input::Stop => {
                self.stopping = true;
                for lane in self.lanes.values_mut() {
                    lane.stop_all(now, StopWhy::Shutdown, effects);
                }
            }
        }
    }

    fn decide(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let mut running: usize = self.lanes.values().map(Lane::running).sum();
        for lane in self.lanes.values_mut().filter(|lane| lane.flight.is_none()) {
            let mine = lane.running();
            let room = if self.stopping { 0 } else { (RUNS_AT_ONCE_MAX + mine).saturating_sub(running) };
            draft::decide(lane, now, room.min(RUNS_OF_JOB_MAX), effects);
            running = running - mine + lane.running();
        }
        self.lanes.retain(|_, lane| !lane.is_done());
    }

    fn wake(&self, now: Now) -> Option<Duration> {
        self.lanes.values().filter_map(|lane| lane.wake(now, self.stopping)).min()
    }
}

#[cfg(test)]
mod tests;
