//! One job: its records, and what is known of it that ends with the process.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{
    AGAIN_AFTER, Ask, CANCEL_GRACE, CONFIRM_MAX, Commit, EVENTS_WAITING_MAX, Effect, Ended, LOOK_MAX, Now,
    PROGRESS_EVERY, Refusal, Seen, StopWhy,
};
use crate::{
    jobs::timetable::Timetable,
    model::{
        Actor, Fault, Id, Pattern, Sequence, Time,
        job::{Job, JobState, Progress, Run, RunState, Schedule, Slot},
    },
};

/// An attempt on its way.
#[derive(Debug)]
pub(super) struct Attempt {
    pub fence: u64,
    since: Duration,
    /// Why it is to end, and since when it knows.
    pub stop: Option<(StopWhy, Duration)>,
    /// When it was ended, whatever it did.
    ended_hard: Option<Duration>,
    pub progress: Option<Progress>,
    told_at: Option<Duration>,
    untold: bool,
    /// How it ended: from here on no result is taken.
    pub ended: Option<Ended>,
}

/// A request that waits for its turn.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub request: Id,
    pub by: Actor,
    pub ask: Ask,
}

/// A commit on its way, and what holds once it is recorded.
#[derive(Debug)]
pub(super) struct Flight {
    pub commit: Commit,
    /// The runs that are made or changed.
    pub changes: BTreeMap<Id, Run>,
    pub answers: Vec<(Id, super::Answer)>,
    /// Attempts to end, and why.
    pub stops: Vec<(Id, StopWhy)>,
    /// When runs that wait for a moment may start, by the clock that is never put.
    pub ready: BTreeMap<Id, Duration>,
    /// How many of the requests and events that waited it deals with.
    pub asks: usize,
    pub events: usize,
    /// Of the events let go for want of room, how many it tells.
    pub overflow: u64,
    pub again_at: Option<Duration>,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub job: Arc<Job>,
    pub table: Timetable,
    /// The schedule as it is recorded.
    pub schedule: String,
    /// What was last asked of the table: the first slot after a moment. It is asked with every step.
    asked_slot: Cell<Option<(Time, Time)>>,
    /// As recorded; `seen` may be ahead by events that mean nothing to the job.
    pub state: JobState,
    /// As recorded: queued, running and retrying.
    pub live: BTreeMap<Id, Run>,
    /// When a live run that waits may start, by the clock that is never put.
    pub ready: BTreeMap<Id, Duration>,
    pub attempts: BTreeMap<Id, Attempt>,
    /// Runs whose start was recorded when the hub was about to end already: they never ran.
    pub unstarted: BTreeSet<Id>,
    pub asks: VecDeque<Asked>,
    pub events: VecDeque<Seen>,
    /// The newest event heard of: under a new schedule, those up to here mean nothing.
    pub head: Sequence,
    /// Events let go for want of room: how many, and the last.
    pub overflow: Option<(u64, Seen)>,
    pub flight: Option<Flight>,
    /// Slots that the store says have a run, which is not among the live ones.
    pub taken: BTreeMap<Slot, Run>,
    /// Runs that the store says have changed since they were handed in.
    pub stale: BTreeSet<Id>,
    pub removed: bool,
    /// Moments, events and what waits are left to another.
    pub only_asked: bool,
}

impl Lane {
    pub fn load(now: Now, job: Arc<Job>, state: Option<JobState>, live: Vec<Run>, head: Sequence) -> Lane {
        let state = state.unwrap_or_else(|| JobState {
            job: job.id,
            revision: 0,
            considered: job.updated_at.min(now.wall),
            seen: head,
            schedule: String::new(),
            paused: None,
            held: false,
            dead_in_a_row: 0,
            fence: 0,
        });
        let live: BTreeMap<Id, Run> = live.into_iter().map(|run| (run.id, run)).collect();
        let ready = live.values().map(|run| (run.id, ready_at(now, &job, run))).collect();
        Lane {
            table: table_of(&job),
            schedule: job.schedule.to_string(),
            asked_slot: Cell::new(None),
            job,
            state,
            live,
            ready,
            attempts: BTreeMap::new(),
            unstarted: BTreeSet::new(),
            asks: VecDeque::new(),
            events: VecDeque::new(),
            head,
            overflow: None,
            flight: None,
            taken: BTreeMap::new(),
            stale: BTreeSet::new(),
            removed: false,
            only_asked: false,
        }
    }

    pub fn define(&mut self, job: Arc<Job>) {
        self.table = table_of(&job);
        self.schedule = job.schedule.to_string();
        self.asked_slot.set(None);
        self.job = job;
    }

    /// The first slot after a moment.
    pub fn slot_after(&self, after: Time) -> Option<Time> {
        if let Some((from, slot)) = self.asked_slot.get()
            && (from..slot).contains(&after)
        {
            return Some(slot);
        }
        let slot = self.table.after(after)?;
        self.asked_slot.set(Some((after, slot)));
        Some(slot)
    }

    pub fn remove(&mut self, now: Now, effects: &mut Vec<Effect>) {
        self.removed = true;
        self.stop_all(now, StopWhy::Removed, effects);
    }

    /// Nothing of it is left to be seen to.
    pub fn is_done(&self) -> bool {
        self.removed
            && self.live.is_empty()
            && self.attempts.is_empty()
            && self.flight.is_none()
            && self.asks.is_empty()
    }

    /// Whether slots pass without a run.
    pub fn is_held(&self) -> bool {
        !self.job.enabled || self.state.paused.is_some()
    }

    /// Attempts that take up room: those on their way, and those whose commit is.
    pub fn running(&self) -> usize {
        let is_running = |run: &&Run| run.state == RunState::Running;
        let Some(flight) = &self.flight else { return self.live.values().filter(is_running).count() };
        let same = self.live.values().filter(|run| !flight.changes.contains_key(&run.id));
        same.chain(flight.changes.values()).filter(is_running).count()
    }

    pub fn hear(&mut self, events: &[Seen]) {
        self.head = events.last().map_or(self.head, |last| last.sequence.max(self.head));
        let Schedule::On(pattern) = &self.job.schedule else {
            return;
        };
        for seen in events {
            let known = self.events.back().map_or(self.state.seen, |last| last.sequence.max(self.state.seen));
            if seen.sequence <= known {
                continue;
            }
            if pattern.matches(&seen.subject) && !self.is_of_jobs(pattern, seen) {
                self.events.push_back(seen.clone());
            } else if self.events.is_empty() && self.flight.is_none() {
                // Not worth a commit: what means nothing to the job means nothing the second time.
                self.state.seen = seen.sequence;
            }
        }
        let dealt_with = self.flight.as_ref().map_or(0, |flight| flight.events);
        while self.events.len() > EVENTS_WAITING_MAX + dealt_with {
            let gone = self.events.remove(dealt_with);
            let count = self.overflow.as_ref().map_or(0, |(count, _)| *count);
            self.overflow = gone.map(|gone| (count + 1, gone));
        }
    }

    /// A job is not set off by its own doings, nor by those of others where its pattern does not name jobs: two that listen
    /// to everything would set each other off for ever.
    fn is_of_jobs(&self, pattern: &Pattern, seen: &Seen) -> bool {
        let mut tokens = seen.subject.tokens();
        let (project, domain) = (tokens.next(), tokens.next());
        if domain != Some("job") {
            return false;
        }
        let named = pattern.as_str().split('.').nth(1) == Some("job");
        let is_own =
            project == Some(self.job.project.as_str()) && tokens.nth(1) == Some(self.job.slug.as_str());
        !named || is_own
    }

    pub fn ask(&mut self, now: Now, request: Id, by: Actor, ask: Ask, effects: &mut Vec<Effect>) {
        // What runs is asked at once, whether or not a commit is on its way.
        if let Ask::Cancel { run, .. } = &ask
            && let Some(attempt) = self.attempts.get_mut(run).filter(|attempt| attempt.ended.is_none())
        {
            let run = *run;
            attempt.ask_to_end(now, self.job.id, run, StopWhy::Asked, effects);
            effects.push(Effect::Answer { request, answer: Ok(vec![run]) });
            return;
        }
        if self.removed {
            effects.push(Effect::Answer { request, answer: Err(Fault::not_found("the job is gone")) });
            return;
        }
        self.asks.push_back(Asked { request, by, ask });
    }

    /// Takes a result, if it is of the attempt that has the run.
    pub fn ended(&mut self, run: Id, fence: u64, how: Ended) -> bool {
        match self.attempts.get_mut(&run) {
            Some(attempt) if attempt.fence == fence && attempt.ended.is_none() => {
                attempt.ended = Some(how);
                true
            }
            _ => false,
        }
    }

    pub fn progress(&mut self, run: Id, fence: u64, progress: Progress) {
        if let Some(attempt) = self.attempts.get_mut(&run).filter(|attempt| attempt.fence == fence) {
            attempt.progress = Some(progress);
            attempt.untold = true;
        }
    }

    pub fn stop_all(&mut self, now: Now, why: StopWhy, effects: &mut Vec<Effect>) {
        for (run, attempt) in &mut self.attempts {
            attempt.ask_to_end(now, self.job.id, *run, why, effects);
        }
    }

    pub fn stop(&mut self, now: Now, stops: &[(Id, StopWhy)], effects: &mut Vec<Effect>) {
        for (run, why) in stops {
            if let Some(attempt) = self.attempts.get_mut(run) {
                attempt.ask_to_end(now, self.job.id, *run, *why, effects);
            }
        }
    }

    /// What time does by itself: time-outs, the end of patience, progress that waited, commits without an answer.
    pub fn watch(&mut self, now: Now, effects: &mut Vec<Effect>) {
        for (run, attempt) in &mut self.attempts {
            attempt.watch(now, &self.job, *run, effects);
        }
        if let Some(flight) = &mut self.flight
            && flight.again_at.is_some_and(|at| at <= now.mono)
        {
            flight.again_at = None;
            effects.push(Effect::Record(Box::new(flight.commit.clone())));
        }
    }

    pub fn recorded(&mut self, now: Now, revision: u64, stopping: bool, effects: &mut Vec<Effect>) {
        let Some(flight) = self.flight.take_if(|flight| flight.commit.state.revision == revision) else {
            return;
        };
        let fence = |run: &Run| run.lease.map(|lease| lease.fence);
        let mut starting = Vec::new();
        for (id, run) in flight.changes {
            if fence(&run).is_some() && self.live.get(&id).and_then(fence) != fence(&run) {
                starting.push(run.clone());
            }
            if run.state.is_live() {
                self.live.insert(id, run);
            } else {
                self.live.remove(&id);
            }
        }
        // In the order in which they were decided on.
        starting.sort_by_key(fence);
        self.state = flight.commit.state;
        self.asks.drain(..flight.asks);
        self.events.drain(..flight.events);
        self.overflow = self
            .overflow
            .take()
            .and_then(|(count, last)| (count > flight.overflow).then_some((count - flight.overflow, last)));
        self.ready.extend(flight.ready);
        self.ready.retain(|run, _| self.live.contains_key(run));
        self.taken.clear();
        self.stale.clear();
        self.attempts.retain(|run, attempt| self.live.get(run).and_then(fence) == Some(attempt.fence));
        self.unstarted.retain(|run| self.live.get(run).is_some_and(|run| run.state == RunState::Running));
        for run in starting {
            if stopping {
                self.unstarted.insert(run.id);
                continue;
            }
            self.attempts.insert(run.id, Attempt::started(now, fence(&run).unwrap_or_default()));
            effects.push(Effect::Start { job: Arc::clone(&self.job), run: Box::new(run) });
        }
        self.stop(now, &flight.stops, effects);
        if self.removed {
            self.stop_all(now, StopWhy::Removed, effects);
        }
        let answers = flight.answers.into_iter();
        effects.extend(answers.map(|(request, answer)| Effect::Answer { request, answer }));
    }

    /// Whether the lane is to go: somebody else decides on the job.
    pub fn refused(&mut self, now: Now, revision: u64, refusal: Refusal, effects: &mut Vec<Effect>) -> bool {
        if self.flight.take_if(|flight| flight.commit.state.revision == revision).is_none() {
            return false;
        }
        if refusal.moved {
            for (run, attempt) in &self.attempts {
                let (job, fence) = (self.job.id, attempt.fence);
                effects.push(Effect::CancelHard { job, run: *run, fence });
            }
            for asked in self.asks.drain(..) {
                let answer = Err(Fault::conflict("the job changed meanwhile").hint("ask again"));
                effects.push(Effect::Answer { request: asked.request, answer });
            }
            effects.push(Effect::Reload { job: self.job.id });
            return true;
        }
        let is_live = |run: &Run| run.state.is_live();
        for run in refusal.taken {
            // Live here and not known: it is seen to from now on.
            if is_live(&run) {
                self.ready.insert(run.id, ready_at(now, &self.job, &run));
                self.live.insert(run.id, run.clone());
            }
            self.taken.insert(run.slot, run);
        }
        self.stale.extend(refusal.stale);
        false
    }

    pub fn unknown(&mut self, now: Now, revision: u64) {
        if let Some(flight) = self.flight.as_mut().filter(|flight| flight.commit.state.revision == revision) {
            flight.again_at = Some(now.mono + AGAIN_AFTER);
        }
    }

    /// When to look again.
    pub fn wake(&self, now: Now, stopping: bool) -> Option<Duration> {
        let attempts = self.attempts.values().filter_map(|attempt| attempt.deadline(&self.job));
        let again = self.flight.as_ref().and_then(|flight| flight.again_at);
        let ready = self.ready.values().copied().filter(|at| *at > now.mono && !stopping);
        let at = attempts.chain(again).chain(ready).map(|at| at.saturating_sub(now.mono)).min();
        // What a commit on its way decides is not decided before its answer, which wakes by itself.
        let clock = if self.flight.is_none() { self.next_moment(now) } else { None };
        let clock = clock.map(|moment| moment.since(now.wall).min(LOOK_MAX));
        at.into_iter().chain(clock).min()
    }

    /// What comes next by the clock on the wall.
    fn next_moment(&self, now: Now) -> Option<Time> {
        if self.removed || self.only_asked {
            return None;
        }
        if self.is_held() {
            return self.state.paused.as_ref()?.until.filter(|_| self.job.enabled);
        }
        self.slot_after(self.state.considered.max(now.wall))
    }
}

impl Attempt {
    fn started(now: Now, fence: u64) -> Attempt {
        Attempt {
            fence,
            since: now.mono,
            stop: None,
            ended_hard: None,
            progress: None,
            told_at: None,
            untold: false,
            ended: None,
        }
    }

    fn ask_to_end(&mut self, now: Now, job: Id, run: Id, why: StopWhy, effects: &mut Vec<Effect>) {
        if self.stop.is_none() && self.ended.is_none() {
            self.stop = Some((why, now.mono));
            effects.push(Effect::AskCancel { job, run, fence: self.fence, why });
        }
    }

    fn watch(&mut self, now: Now, job: &Job, run: Id, effects: &mut Vec<Effect>) {
        if self.ended.is_some() {
            return;
        }
        if self.stop.is_none() && now.mono >= self.since + job.timeout.duration() {
            self.ask_to_end(now, job.id, run, StopWhy::Timeout, effects);
        }
        match (self.stop, self.ended_hard) {
            (Some((_, asked)), None) if now.mono >= asked + CANCEL_GRACE => {
                self.ended_hard = Some(now.mono);
                effects.push(Effect::CancelHard { job: job.id, run, fence: self.fence });
            }
            (_, Some(at)) if now.mono >= at + CONFIRM_MAX => self.ended = Some(Ended::Unseen),
            _ => {}
        }
        if self.untold && self.told_at.is_none_or(|at| now.mono >= at + PROGRESS_EVERY) {
            self.told_at = Some(now.mono);
            self.untold = false;
            let progress = self.progress.clone().unwrap_or_default();
            effects.push(Effect::Progress { job: job.id, run, progress });
        }
    }

    fn deadline(&self, job: &Job) -> Option<Duration> {
        if self.ended.is_some() {
            return None;
        }
        let end = match (self.stop, self.ended_hard) {
            (_, Some(at)) => at + CONFIRM_MAX,
            (Some((_, asked)), None) => asked + CANCEL_GRACE,
            (None, None) => self.since + job.timeout.duration(),
        };
        let progress = self.told_at.filter(|_| self.untold).map(|at| at + PROGRESS_EVERY);
        Some(progress.map_or(end, |at| at.min(end)))
    }
}

/// When a run that waits may start. The moment was written by the clock on the wall, which may have been put since: it is
/// never waited for longer than the policy can have said.
fn ready_at(now: Now, job: &Job, run: &Run) -> Duration {
    let longest = match run.state {
        RunState::Retrying => job.retry.delay_max,
        _ => job.jitter,
    };
    let wait = run.start_at.map_or(Duration::ZERO, |at| at.since(now.wall));
    now.mono + wait.min(longest.duration())
}

/// A definition is checked before it is stored; one that means nothing here has no slots.
fn table_of(job: &Job) -> Timetable {
    Timetable::of(&job.schedule).or_else(|_| Timetable::of(&Schedule::Manual)).expect("no schedule is one")
}
