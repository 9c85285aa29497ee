//! Histories: random jobs, clocks that are put, crashes at any effect, answers of the store that get lost, attempts that
//! outlive their process. A seed is a history; what must hold is checked after every step, and at its end that no slot was
//! lost.
//!
//! `WHEELHOUSE_JOBS_SEEDS=10000` runs more; a failure prints its seed, and `WHEELHOUSE_JOBS_SEED=n` runs that one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{super::*, world::*};
use crate::{
    jobs::Timetable,
    model::{
        Code,
        job::{CatchUp, Missed, Overlap, Retry, RetryOn, RunState, Schedule, Slot, Span, Trigger, Why},
    },
};

const SEEDS: u64 = 1_000;
const ACTIONS: usize = 80;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// An attempt as the outside sees it.
#[derive(Debug, Clone)]
struct Going {
    job: Id,
    run: Id,
    fence: u64,
    ends_at: Duration,
    how: Ended,
    /// It ends when it is asked to.
    listens: bool,
    /// It goes on even when it is ended hard.
    stubborn: bool,
}

struct World {
    chance: Chance,
    store: Store,
    machine: Machine,
    now: Now,
    jobs: BTreeMap<Id, Arc<Job>>,
    /// Commits handed in whose answer has not come.
    pending: VecDeque<Commit>,
    going: BTreeMap<(Id, u64), Going>,
    /// Attempts of processes that are gone, and of runs that were given up.
    zombies: Vec<Going>,
    /// Attempts whose end was delivered, by run and fence.
    delivered: BTreeSet<(Id, u64)>,
    wake: Option<Duration>,
    events: Vec<Seen>,
    /// How far the machine has been told events.
    told: usize,
    /// The newest commit of each job, as it was handed in first.
    drafted: BTreeMap<Id, Commit>,
    fences: BTreeMap<Id, u64>,
    progress_at: BTreeMap<(Id, u64), Duration>,
    requests: u64,
    answered: BTreeMap<Id, usize>,
    /// Jobs whose schedule was changed on the way: what their slots are is another question then.
    changed: BTreeSet<Id>,
    stopping: bool,
    checked_commits: usize,
    slots: BTreeMap<(Id, Slot), Id>,
    counts: Counts,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    starts: usize,
    crashes: usize,
    late: usize,
    refused: usize,
    lost: usize,
    catch_ups: usize,
    skipped: u64,
    hard: usize,
}

impl Counts {
    fn add(&mut self, more: Counts) {
        self.starts += more.starts;
        self.crashes += more.crashes;
        self.late += more.late;
        self.refused += more.refused;
        self.lost += more.lost;
        self.catch_ups += more.catch_ups;
        self.skipped += more.skipped;
        self.hard += more.hard;
    }
}

impl World {
    fn new(seed: u64) -> World {
        let mut chance = Chance(seed);
        let wall = time("2026-10-24T12:00:00Z").plus(Duration::from_millis(chance.below(1_000_000)));
        let mut world = World {
            chance,
            store: Store::default(),
            machine: Machine::default(),
            now: Now { wall, mono: Duration::ZERO },
            jobs: BTreeMap::new(),
            pending: VecDeque::new(),
            going: BTreeMap::new(),
            zombies: Vec::new(),
            delivered: BTreeSet::new(),
            wake: None,
            events: Vec::new(),
            told: 0,
            drafted: BTreeMap::new(),
            fences: BTreeMap::new(),
            progress_at: BTreeMap::new(),
            requests: 0,
            answered: BTreeMap::new(),
            changed: BTreeSet::new(),
            stopping: false,
            checked_commits: 0,
            slots: BTreeMap::new(),
            counts: Counts::default(),
        };
        for n in 0..=world.chance.below(3) {
            let job = Arc::new(world.a_job(n as u8 + 1));
            world.jobs.insert(job.id, job);
        }
        world.load();
        world
    }

    fn a_schedule(&mut self) -> Schedule {
        let zone = self.chance.of(&["Europe/Berlin", "Australia/Lord_Howe", "UTC"]).to_owned();
        match self.chance.below(8) {
            0..=2 => {
                let every = self.chance.of(&[60, 300, 900, 3_600]);
                let phase = Span::from_secs(self.chance.below(every));
                Schedule::Every { every: Span::from_secs(every), phase }
            }
            3..=4 => {
                let cron = self.chance.of(&["*/15 * * * *", "30 2 * * *", "0 * * * *", "*/10 2,3 * * *"]);
                Schedule::Cron { cron: cron.to_owned(), zone }
            }
            5..=6 => Schedule::On("_.memory.saved".parse().unwrap()),
            _ => Schedule::At(self.now.wall.plus(Duration::from_secs(self.chance.below(40_000)))),
        }
    }

    fn a_job(&mut self, n: u8) -> Job {
        let mut job: Job = serde_json::from_str(r#"{"slug": "tidy", "kind": {"builtin": "tidy"}}"#).unwrap();
        job.id = Id::from_parts(time("2026-01-01"), [n; 10]);
        job.slug = format!("job{n}");
        job.updated_at = self.now.wall;
        job.schedule = self.a_schedule();
        job.overlap = self.chance.of(&Overlap::ALL);
        let window = Span::from_secs(self.chance.of(&[0, 600, 7_200, 86_400, 30 * 86_400]));
        job.catch_up = CatchUp { missed: self.chance.of(&Missed::ALL), window };
        job.jitter = Span::from_secs(self.chance.of(&[0, 0, 0, 20, 50]));
        job.timeout = Span::from_secs(self.chance.of(&[5, 30, 600]));
        job.pause_after_dead = self.chance.of(&[0, 0, 2, 3]);
        let on = RetryOn::ALL.into_iter().filter(|_| self.chance.one_in(2)).collect();
        job.retry = Retry { attempts: self.chance.below(4) as u32 + 1, on, ..Retry::default() };
        crate::jobs::check(&job).unwrap();
        job
    }

    fn load(&mut self) {
        // As a driver does: the jobs, then the events after the smallest position of any.
        self.told = self.events.len();
        let head = self.events.last().map_or(Sequence::ZERO, |seen| seen.sequence);
        for job in self.jobs.clone().into_values() {
            let load = self.store.load(&job, head);
            self.give(load);
        }
        let seen = self.store.states.values().map(|state| state.seen).min().unwrap_or(head);
        let missed: Vec<Seen> = self.events.iter().filter(|event| event.sequence > seen).cloned().collect();
        self.give(Input::Events(missed));
    }

    fn give(&mut self, input: Input) {
        for effect in self.machine.step(self.now, input) {
            self.carry_out(effect);
        }
        self.check();
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Record(commit) => {
                self.check_draft(&commit);
                // Handed in again is the same commit; it takes its place in the line.
                self.pending.retain(|waiting| waiting != &*commit);
                self.pending.push_back(*commit);
            }
            Effect::Start { job, run } => self.start(&job, *run),
            Effect::AskCancel { run, fence, .. } => {
                let now = self.now.mono;
                if let Some(going) = self.going.get_mut(&(run, fence)).filter(|going| going.listens) {
                    going.how = Ended::Cancelled;
                    going.ends_at = now + Duration::from_secs(2);
                }
            }
            Effect::CancelHard { run, fence, .. } => {
                self.counts.hard += 1;
                let now = self.now.mono;
                if let Some(going) = self.going.get_mut(&(run, fence)).filter(|going| !going.stubborn) {
                    going.how = Ended::Cancelled;
                    going.ends_at = now;
                }
            }
            Effect::Progress { run, .. } => {
                let fence = self.store.runs[&run].lease.map_or(0, |lease| lease.fence);
                let last = self.progress_at.insert((run, fence), self.now.mono);
                assert!(last.is_none_or(|last| self.now.mono - last >= PROGRESS_EVERY), "told too often");
            }
            Effect::Late { run, fence, .. } => {
                self.counts.late += 1;
                let stored = &self.store.runs[&run];
                let current = stored.lease.is_some_and(|lease| lease.fence == fence);
                assert!(
                    !current
                        || self.delivered.contains(&(run, fence))
                        || !self.going.contains_key(&(run, fence)),
                    "a result of the attempt that has the run was refused"
                );
            }
            Effect::Answer { request, .. } => *self.answered.entry(request).or_default() += 1,
            Effect::Wake { after } => self.wake = after,
            Effect::Reload { .. } => panic!("nobody else decides here"),
            Effect::ClockStepped { .. } => {}
        }
    }

    fn start(&mut self, job: &Job, run: Run) {
        self.counts.starts += 1;
        let lease = run.lease.expect("what starts has a lease");
        // What is not recorded has not happened.
        let stored = &self.store.runs[&run.id];
        assert_eq!(stored, &run, "an attempt starts as it is recorded");
        assert_eq!(run.state, RunState::Running);
        assert!(!self.stopping, "nothing starts once the hub is to end");
        let before = self.fences.insert(job.id, lease.fence).unwrap_or_default();
        assert!(lease.fence > before, "fence {} after {before}", lease.fence);
        let twin = self.going.values().any(|going| going.run == run.id);
        assert!(!twin, "two live attempts of {}", run.slot);
        let unseen = self.zombies.iter().any(|zombie| zombie.run == run.id);
        assert!(!unseen || run.may_have_run_twice, "it may have run twice and does not say so");
        let ends_at = self.now.mono + Duration::from_millis(self.chance.below(40_000));
        let how = match self.chance.below(4) {
            0 | 1 => Ended::Succeeded,
            2 => {
                let code = self.chance.of(&Code::ALL);
                Ended::Failed(RunError { code, message: "no".to_owned() })
            }
            _ if self.chance.one_in(3) => Ended::Unseen,
            _ => Ended::Succeeded,
        };
        let (listens, stubborn) = (self.chance.one_in(2), self.chance.one_in(6));
        let going = Going { job: job.id, run: run.id, fence: lease.fence, ends_at, how, listens, stubborn };
        self.going.insert((run.id, lease.fence), going);
    }

    // What may happen.

    fn act(&mut self) {
        match self.chance.below(100) {
            0..=29 => self.answer(),
            30..=54 => self.wait(),
            55..=62 => self.idle(),
            63..=66 => self.put_the_clock(),
            67..=69 => self.crash(),
            70..=76 => self.ask(),
            77..=84 => self.happen(),
            85..=88 => self.late_result(),
            89..=93 => self.progress(),
            94..=95 => self.change_a_job(),
            96 => self.give_a_twin(),
            97 if self.chance.one_in(2) => {
                self.stopping = true;
                self.give(Input::Stop);
            }
            _ => self.give(Input::Tick),
        }
    }

    fn forward(&mut self, span: Duration) {
        self.now = Now { wall: self.now.wall.plus(span), mono: self.now.mono + span };
    }

    /// Lets time pass up to whatever comes first: a wake or the end of an attempt.
    fn wait(&mut self) {
        let ends = self.going.values().map(|going| going.ends_at.saturating_sub(self.now.mono)).min();
        let span = self.wake.into_iter().chain(ends).min().unwrap_or(Duration::from_secs(60));
        self.forward(span.max(Duration::from_millis(1)));
        self.end_what_is_due();
        self.give(Input::Tick);
    }

    fn end_what_is_due(&mut self) {
        let due: Vec<Going> =
            self.going.values().filter(|going| going.ends_at <= self.now.mono).cloned().collect();
        for going in due {
            self.end(going);
        }
    }

    fn end(&mut self, going: Going) {
        let Going { job, run, fence, how, .. } = going;
        self.going.remove(&(run, fence));
        self.delivered.insert((run, fence));
        self.give(Input::Ended { job, run, fence, how });
    }

    /// From wake to wake for a while, every commit answered.
    fn idle(&mut self) {
        let span = self.chance.of(&[60, 600, 3_600]);
        let end = self.now.mono + Duration::from_secs(span);
        for _ in 0..20 {
            if self.now.mono >= end {
                break;
            }
            self.answer_all();
            self.wait();
        }
    }

    fn put_the_clock(&mut self) {
        let by = Duration::from_secs(self.chance.of(&[1, 30, 600, 3_600, 7_200, 86_400, 3 * 86_400]));
        self.now.wall = match self.chance.below(3) {
            0 => self.now.wall.minus(by),
            // Forward, and the same as a machine that slept.
            _ => self.now.wall.plus(by),
        };
        self.give(Input::Tick);
    }

    fn crash(&mut self) {
        self.counts.crashes += 1;
        // What was on its way to the log has arrived or has not.
        for commit in std::mem::take(&mut self.pending) {
            if self.chance.one_in(2) {
                self.hand_in(&commit).ok();
            }
        }
        self.machine = Machine::default();
        self.stopping = false;
        self.zombies.extend(std::mem::take(&mut self.going).into_values());
        self.wake = None;
        let off = self.chance.of(&[0, 1, 100, 4_000, 90_000]);
        // The other clock begins anew with every process.
        self.now = Now { wall: self.now.wall.plus(Duration::from_secs(off)), mono: Duration::ZERO };
        self.progress_at.clear();
        self.load();
    }

    fn hand_in(&mut self, commit: &Commit) -> Result<(), Refusal> {
        let result = self.store.hand_in(commit);
        self.check_commits();
        result
    }

    /// The store says something about the commit that has waited longest.
    fn answer(&mut self) {
        let Some(commit) = self.pending.pop_front() else { return self.give(Input::Tick) };
        let (job, revision) = (commit.state.job, commit.state.revision);
        match self.chance.below(10) {
            // It did not get there, or its answer did not come back.
            0 => {}
            1 => {
                self.hand_in(&commit).ok();
            }
            _ => return self.answer_truly(commit),
        }
        self.give(Input::Unknown { job, revision });
    }

    fn answer_truly(&mut self, commit: Commit) {
        let (job, revision) = (commit.state.job, commit.state.revision);
        let input = match self.hand_in(&commit) {
            Ok(()) => Input::Recorded { job, revision },
            Err(refusal) => {
                assert!(!refusal.moved, "two commits of one revision: {commit:?}");
                self.counts.refused += 1;
                Input::Refused { job, revision, refusal }
            }
        };
        self.give(input);
        self.check_records();
    }

    fn answer_all(&mut self) {
        while let Some(commit) = self.pending.pop_front() {
            self.answer_truly(commit);
        }
    }

    fn a_request(&mut self) -> Id {
        self.requests += 1;
        let mut random = [9; 10];
        random[2..].copy_from_slice(&self.requests.to_be_bytes());
        Id::from_parts(self.now.wall, random)
    }

    fn some_job(&mut self) -> Option<Id> {
        let jobs: Vec<Id> = self.jobs.keys().copied().collect();
        (!jobs.is_empty()).then(|| self.chance.of(&jobs))
    }

    fn ask(&mut self) {
        let Some(job) = self.some_job() else { return };
        let runs: Vec<Run> = self.store.runs.values().filter(|run| run.job == job).cloned().collect();
        let some_run =
            |chance: &mut Chance| runs.get(chance.below(runs.len().max(1) as u64) as usize).cloned();
        let ask = match self.chance.below(8) {
            0..=1 => Ask::Run { job },
            2 => {
                let until = self.now.wall.minus(Duration::from_secs(self.chance.below(7_200)));
                let span = Duration::from_secs(self.chance.below(7_200));
                Ask::Backfill { job, after: until.minus(span), until }
            }
            3 => {
                let until = self.now.wall.plus(Duration::from_secs(1 + self.chance.below(7_200)));
                let until = self.chance.one_in(2).then_some(until);
                Ask::Pause { job, reason: "because".to_owned(), until }
            }
            4 => Ask::Resume { job },
            5 => match some_run(&mut self.chance) {
                Some(run) => Ask::Cancel { job, run: run.id },
                None => return,
            },
            6 => match some_run(&mut self.chance) {
                Some(run) => Ask::Retry { run: Box::new(run) },
                None => return,
            },
            _ => match some_run(&mut self.chance) {
                Some(run) => Ask::Dismiss { run: Box::new(run) },
                None => return,
            },
        };
        let request = self.a_request();
        self.give(Input::Ask { request, by: Actor("user:ada".into()), ask });
    }

    /// An event that means something to jobs, or nothing, or a burst.
    fn happen(&mut self) {
        let subject = self.chance.of(&["_.memory.saved", "_.memory.saved", "_.memory.forgotten"]);
        for _ in 0..=self.chance.of(&[0, 0, 3, 30]) {
            let sequence = Sequence(self.events.len() as u64 + 1);
            let recorded_at =
                self.events.last().map_or(self.now.wall, |last| last.recorded_at.max(self.now.wall));
            self.events.push(Seen { sequence, subject: subject.parse().unwrap(), recorded_at });
        }
        let new = self.events[self.told..].to_vec();
        self.told = self.events.len();
        self.give(Input::Events(new));
    }

    fn late_result(&mut self) {
        if self.zombies.is_empty() {
            return;
        }
        let at = self.chance.below(self.zombies.len() as u64) as usize;
        let Going { job, run, fence, how, .. } = self.zombies[at].clone();
        let late = self.counts.late;
        self.give(Input::Ended { job, run, fence, how });
        assert_eq!(self.counts.late, late + 1, "the result of a process that is gone was taken");
    }

    /// The same result once more.
    fn give_a_twin(&mut self) {
        let Some((run, fence)) = self.delivered.last().copied() else { return };
        let Some(job) = self.store.runs.get(&run).map(|run| run.job) else { return };
        let late = self.counts.late;
        self.give(Input::Ended { job, run, fence, how: Ended::Succeeded });
        assert_eq!(self.counts.late, late + 1, "a result was taken twice");
    }

    fn progress(&mut self) {
        let going: Vec<Going> = self.going.values().cloned().collect();
        for Going { job, run, fence, .. } in going {
            for done in 0..5 {
                let progress = Progress { done, ..Progress::default() };
                self.give(Input::Progress { job, run, fence, progress });
                self.forward(Duration::from_millis(100));
            }
            self.end_what_is_due();
        }
    }

    fn change_a_job(&mut self) {
        let Some(id) = self.some_job() else { return };
        let mut job = (*self.jobs[&id]).clone();
        match self.chance.below(3) {
            0 => {
                job.schedule = self.a_schedule();
                job.updated_at = self.now.wall;
                self.changed.insert(id);
            }
            1 => job.enabled = !job.enabled,
            _ => job.overlap = self.chance.of(&Overlap::ALL),
        }
        job.jitter = Span::ZERO;
        let job = Arc::new(job);
        self.jobs.insert(id, Arc::clone(&job));
        self.give(Input::Define(job));
    }

    // What must hold.

    fn check(&mut self) {
        self.give_up_what_the_machine_gave_up();
        for (id, job) in &self.jobs {
            // While it is handed in anew, after a crash.
            let Some((_, live)) = self.machine.standing(*id) else { continue };
            let mine = self.going.values().filter(|going| going.job == *id);
            let going: BTreeSet<(Id, u64)> = mine.map(|going| (going.run, going.fence)).collect();
            assert_eq!(self.machine.attempts(*id), going, "what the machine takes for running is what runs");
            let live: Vec<&Run> = live.collect();
            let running: Vec<&&Run> = live.iter().filter(|run| run.state == RunState::Running).collect();
            for (run, fence) in &going {
                let shown = running
                    .iter()
                    .any(|shown| shown.id == *run && shown.lease.is_some_and(|lease| lease.fence == *fence));
                assert!(shown, "an attempt runs and its run is not shown as running");
            }
            // And whose run is shown as running runs, or has ended and waits for the store.
            let waits = self.pending.iter().any(|commit| commit.state.job == *id) || !self.is_settled(*id);
            for run in &running {
                let key = (run.id, run.lease.expect("what runs has a lease").fence);
                assert!(
                    going.contains(&key) || waits || self.delivered.contains(&key),
                    "{} does not run",
                    run.slot
                );
                assert!(going.contains(&key) || waits, "its end is known and not recorded");
            }
            let most = if job.overlap == Overlap::Allow { RUNS_OF_JOB_MAX } else { running.len().max(1) };
            assert!(running.len() <= most);
        }
        assert!(self.going.len() <= RUNS_AT_ONCE_MAX);
    }

    /// The machine knows what is recorded, of every job of which no commit is on its way.
    fn check_records(&self) {
        for id in self.jobs.keys().filter(|id| self.is_settled(**id)) {
            let Some((state, live)) = self.machine.standing(*id) else { continue };
            let stored = JobState { seen: state.seen, ..self.store.states[id].clone() };
            assert_eq!(state, &stored, "the machine knows what is recorded");
            let recorded = self.store.runs.values().filter(|run| run.job == *id && run.state.is_live());
            assert!(live.eq(recorded), "the machine knows every live run");
        }
    }

    /// Whether no commit of the job is on its way.
    fn is_settled(&self, job: Id) -> bool {
        self.machine.lanes[&job].flight.is_none()
    }

    /// An attempt that did not end when it was ended is one that nobody sees any more.
    fn give_up_what_the_machine_gave_up(&mut self) {
        let known: BTreeSet<(Id, u64)> =
            self.jobs.keys().flat_map(|job| self.machine.attempts(*job)).collect();
        let gone: Vec<(Id, u64)> = self.going.keys().filter(|key| !known.contains(key)).copied().collect();
        for key in gone {
            let going = self.going.remove(&key).unwrap();
            assert!(going.stubborn, "an attempt was forgotten");
            self.zombies.push(going);
        }
    }

    /// Slots that were decided on stay so, wherever the clock is put, but for one that was more than a day ahead.
    fn check_draft(&mut self, commit: &Commit) {
        let job = commit.state.job;
        if self.drafted.insert(job, commit.clone()).as_ref() == Some(commit) {
            return;
        }
        let Some(before) = self.store.states.get(&job) else { return };
        let anew =
            before.considered > self.now.wall.plus(BACK_MAX) || before.schedule != commit.state.schedule;
        assert!(anew || commit.state.considered >= before.considered, "decided slots are open again");
        for run in commit.writes.iter().map(Write::run) {
            let by_itself = matches!(run.trigger, Trigger::Schedule | Trigger::CatchUp) && run.revision == 1;
            if let (Slot::At(slot), true, false) = (run.slot, by_itself, anew) {
                assert!(slot > before.considered, "{slot} was decided on before");
            }
        }
    }

    /// Each commit as it becomes durable.
    fn check_commits(&mut self) {
        for commit in &self.store.commits[self.checked_commits..] {
            for write in &commit.writes {
                let run = write.run();
                if let Write::Insert(run) = write {
                    let twin = self.slots.insert((run.job, run.slot), run.id);
                    assert_eq!(twin, None, "a slot has two runs: {}", run.slot);
                    self.counts.catch_ups += usize::from(run.trigger == Trigger::CatchUp);
                }
                assert!(
                    run.state.is_live() == run.ended.is_none()
                        && (run.state == RunState::Running) == run.lease.is_some()
                        && (run.state == RunState::Skipped) <= run.skipped.is_some(),
                    "{run:?}"
                );
                if let (RunState::Skipped, Some(skipped)) = (run.state, run.skipped) {
                    self.counts.skipped += skipped.slots;
                }
                self.counts.lost += usize::from(run.state == RunState::Lost);
            }
        }
        self.checked_commits = self.store.commits.len();
    }

    /// Everything that is owed is done, and every slot is accounted for.
    fn finish(&mut self) {
        for _ in 0..400 {
            self.answer_all();
            let waits =
                self.wake.is_some_and(|after| after < Duration::from_secs(30)) || !self.going.is_empty();
            if !waits && self.pending.is_empty() {
                break;
            }
            self.wait();
        }
        self.answer_all();
        for request in self.answered.values() {
            assert_eq!(*request, 1, "a request is answered once");
        }
        for job in self.jobs.clone().into_values() {
            self.check_slots(&job);
        }
    }

    fn check_slots(&self, job: &Job) {
        let state = &self.store.states[&job.id];
        if self.changed.contains(&job.id) {
            return;
        }
        let runs: Vec<&Run> = self.store.runs.values().filter(|run| run.job == job.id).collect();
        let started = self.store.commits.iter().find(|commit| commit.state.job == job.id).unwrap();
        if let Schedule::On(pattern) = &job.schedule {
            let known =
                |event: &&Seen| event.sequence > started.state.seen && pattern.matches(&event.subject);
            let matching = self.events.iter().filter(known);
            let covered: u64 =
                runs.iter().filter(|run| matches!(run.slot, Slot::Event(_))).map(counted).sum();
            let held = self.machine.lanes[&job.id].events.len() as u64;
            assert_eq!(matching.count() as u64, covered + held, "an event was lost");
            return;
        }
        let table = Timetable::of(&job.schedule).unwrap();
        if !table.has_moments() {
            return;
        }
        let mut covered: BTreeSet<Time> = BTreeSet::new();
        for run in &runs {
            let Slot::At(last) = run.slot else { continue };
            // A record of several slots says from which on.
            let since = run.skipped.map_or(last, |skipped| skipped.since);
            covered.extend(table.between(since.minus(Duration::from_millis(1)), last, usize::MAX));
            self.check_misfire(job, &table, run, last);
        }
        let (first, last) = (started.state.considered, state.considered);
        for slot in table.between(first, last, 5_000) {
            assert!(covered.contains(&slot), "slot {slot} of {} was lost", job.schedule);
        }
        let held = state.held || state.paused.is_some() || !job.enabled;
        let ahead = state.considered > self.now.wall;
        if !held && !ahead {
            let owed = table.newest(state.considered, self.now.wall.minus(LATE_MAX), 1);
            assert_eq!(owed, [], "a slot has passed and nobody decided on it");
        }
    }

    /// A slot is let go as missed only by the policy.
    fn check_misfire(&self, job: &Job, table: &Timetable, run: &Run, last: Time) {
        let Some(skipped) = run.skipped.filter(|skipped| skipped.why == Why::Missed) else { return };
        let (decided, window) = (run.created_at, job.catch_up.window.duration());
        assert!(decided.since(last) > LATE_MAX, "{last} had just come at {decided}");
        if decided.since(last) > window {
            return;
        }
        match job.catch_up.missed {
            Missed::None => {}
            Missed::Latest => {
                assert!(table.after(last).is_some_and(|next| next <= decided), "{last} was the newest");
            }
            Missed::All => {
                let newer = table.count(last, decided, 100_000);
                assert!(newer >= CATCH_UP_SLOTS_MAX as u64, "{last} was let go, {} in all", skipped.slots);
            }
        }
    }
}

/// How many slots a run speaks for.
fn counted(run: &&Run) -> u64 {
    run.skipped.map_or(1, |skipped| skipped.slots)
}

fn history(seed: u64) -> Counts {
    let mut world = World::new(seed);
    for _ in 0..ACTIONS {
        world.act();
    }
    world.finish();
    world.counts
}

#[test]
fn histories() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("WHEELHOUSE_JOBS_SEED") {
        println!("{:?}", history(seed));
        return;
    }
    let seeds = number("WHEELHOUSE_JOBS_SEEDS").unwrap_or(SEEDS);
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let share = |first: u64| {
        let mut sum = Counts::default();
        for seed in (first..seeds).step_by(threads as usize) {
            sum.add(std::panic::catch_unwind(|| history(seed)).unwrap_or_else(|cause| {
                eprintln!("WHEELHOUSE_JOBS_SEED={seed} runs this history again");
                std::panic::resume_unwind(cause)
            }));
        }
        sum
    };
    let mut all = Counts::default();
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        for share in shares {
            all.add(share.join().unwrap());
        }
    });
    println!("{all:?}");
    // Histories in which nothing happens show nothing.
    assert!(all.starts > 1_000 && all.crashes > 100 && all.late > 100 && all.refused > 10, "{all:?}");
    assert!(all.lost > 50 && all.catch_ups > 100 && all.skipped > 1_000 && all.hard > 100, "{all:?}");
}
