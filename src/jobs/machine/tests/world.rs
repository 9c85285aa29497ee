//! What stands around the machine: a store that keeps the promise of a commit, two clocks, and attempts.

use std::collections::BTreeMap;

use super::super::*;
use crate::model::{
    Time,
    job::{JobState, Run, RunState},
};

/// Keeps commits as a log would: whole or not at all, and one that is handed in twice once.
#[derive(Debug, Default)]
pub struct Store {
    pub states: BTreeMap<Id, JobState>,
    pub runs: BTreeMap<Id, Run>,
    /// Every commit, in order.
    pub commits: Vec<Commit>,
}

impl Store {
    pub fn hand_in(&mut self, commit: &Commit) -> Result<(), Refusal> {
        let stored = self.states.get(&commit.state.job);
        if stored == Some(&commit.state) {
            return Ok(());
        }
        let mut refusal = Refusal {
            moved: stored.map_or(0, |state| state.revision) + 1 != commit.state.revision,
            ..Refusal::default()
        };
        for write in &commit.writes {
            let run = write.run();
            let stored = self.runs.get(&run.id);
            match (write, stored) {
                (Write::Insert(_), Some(stored)) => refusal.taken.push(stored.clone()),
                (Write::Update(_), stored) if stored.map(|run| run.revision) != Some(run.revision - 1) => {
                    refusal.stale.push(run.id);
                }
                _ => {}
            }
        }
        if refusal.moved || !refusal.taken.is_empty() || !refusal.stale.is_empty() {
            return Err(refusal);
        }
        self.states.insert(commit.state.job, commit.state.clone());
        for write in &commit.writes {
            self.runs.insert(write.run().id, write.run().clone());
        }
        self.commits.push(commit.clone());
        Ok(())
    }

    /// What [`Input::Load`] takes.
    pub fn load(&self, job: &Arc<Job>, head: Sequence) -> Input {
        let live = self.runs.values().filter(|run| run.job == job.id && run.state.is_live());
        let live = live.cloned().collect();
        Input::Load { job: Arc::clone(job), state: self.states.get(&job.id).cloned(), live, head }
    }

    pub fn of(&self, state: RunState) -> Vec<&Run> {
        self.runs.values().filter(|run| run.state == state).collect()
    }
}

/// A machine with a store that answers at once; for turns that a test writes down one by one.
pub struct Bench {
    pub machine: Machine,
    pub store: Store,
    pub now: Now,
    pub job: Arc<Job>,
    /// Since the last time they were taken, without `Record` and `Wake`.
    effects: Vec<Effect>,
    pub wake: Option<Duration>,
    asked: u64,
}

pub fn time(text: &str) -> Time {
    text.parse().unwrap()
}

impl Bench {
    /// At noon in UTC, with one job: `{"slug": "tidy", ...}`.
    pub fn new(fields: &str) -> Bench {
        let comma = if fields.is_empty() { "" } else { ", " };
        let text = format!(r#"{{"slug": "tidy", "kind": {{"builtin": "tidy"}}{comma}{fields}}}"#);
        let mut job: Job = serde_json::from_str(&text).unwrap();
        job.id = Id::from_parts(time("2026-01-01"), [1; 10]);
        job.updated_at = time("2026-11-21T12:00:00Z");
        crate::jobs::check(&job).unwrap();
        let mut bench = Bench {
            machine: Machine::default(),
            store: Store::default(),
            now: Now { wall: time("2026-11-21T12:00:00Z"), mono: Duration::ZERO },
            job: Arc::new(job),
            effects: Vec::new(),
            wake: None,
            asked: 0,
        };
        bench.load();
        bench
    }

    pub fn load(&mut self) {
        let load = self.store.load(&self.job, Sequence::ZERO);
        self.give(load);
    }

    /// The process ends between two steps, and another begins.
    pub fn crash(&mut self) {
        self.machine = Machine::default();
        self.effects.clear();
        self.load();
    }

    pub fn give(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for effect in self.machine.step(self.now, input) {
                match effect {
                    Effect::Record(commit) => {
                        let (job, revision) = (commit.state.job, commit.state.revision);
                        inputs.push(match self.store.hand_in(&commit) {
                            Ok(()) => Input::Recorded { job, revision },
                            Err(refusal) => Input::Refused { job, revision, refusal },
                        });
                    }
                    Effect::Wake { after } => self.wake = after,
                    effect => self.effects.push(effect),
                }
            }
        }
    }

    /// Goes forward as a driver does: from one wake to the next.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now.mono + span;
        while let Some(step) = self.wake.filter(|after| self.now.mono + *after < end) {
            self.forward(step.max(Duration::from_millis(1)));
            self.give(Input::Tick);
        }
        self.forward(end - self.now.mono);
        self.give(Input::Tick);
    }

    pub fn seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    fn forward(&mut self, span: Duration) {
        self.now = Now { wall: self.now.wall.plus(span), mono: self.now.mono + span };
    }

    /// Puts the clock on the wall; the other goes on.
    pub fn put(&mut self, wall: &str) {
        self.now.wall = time(wall);
        self.give(Input::Tick);
    }

    pub fn ask(&mut self, ask: Ask) -> Answer {
        self.asked += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.asked.to_be_bytes());
        let request = Id::from_parts(self.now.wall, random);
        self.give(Input::Ask { request, by: Actor("user:ada".into()), ask });
        let at = self.effects.iter().position(
            |effect| matches!(effect, Effect::Answer { request: answered, .. } if *answered == request),
        );
        match self.effects.remove(at.expect("every request is answered")) {
            Effect::Answer { answer, .. } => answer,
            _ => unreachable!(),
        }
    }

    pub fn run_now(&mut self) -> Id {
        self.ask(Ask::Run { job: self.job.id }).unwrap()[0]
    }

    pub fn event(&mut self, sequence: u64, subject: &str) {
        let seen = Seen {
            sequence: Sequence(sequence),
            subject: subject.parse().unwrap(),
            recorded_at: self.now.wall,
        };
        self.give(Input::Events(vec![seen]));
    }

    pub fn running(&self) -> Vec<&Run> {
        self.store.of(RunState::Running)
    }

    /// Ends the one attempt that runs.
    #[track_caller]
    pub fn end(&mut self, how: Ended) -> Id {
        let run = self.running()[0].clone();
        let fence = run.lease.unwrap().fence;
        self.give(Input::Ended { job: run.job, run: run.id, fence, how });
        run.id
    }

    /// The effects since they were last taken, in words.
    pub fn taken(&mut self) -> Vec<String> {
        let words = |effect: Effect| match effect {
            Effect::Start { run, .. } => format!("start {} #{}", run.slot_words(), run.attempt),
            Effect::AskCancel { why, .. } => format!("ask {why:?}"),
            Effect::CancelHard { .. } => "cancel hard".to_owned(),
            Effect::Progress { progress, .. } => format!("progress {}", progress.done),
            Effect::Late { fence, .. } => format!("late {fence}"),
            Effect::ClockStepped { by_ms } => format!("clock {}s", by_ms / 1_000),
            other => format!("{other:?}"),
        };
        self.effects.drain(..).map(words).collect()
    }

    /// Every run in the order of its making: `12:15 schedule succeeded`.
    pub fn history(&self) -> Vec<String> {
        let mut runs: Vec<&Run> = self.store.runs.values().collect();
        runs.sort_by_key(|run| (run.slot, run.created_at));
        let trigger = |run: &Run| serde_json::to_value(run.trigger).unwrap().as_str().unwrap().to_owned();
        let words = |run: &Run| {
            let skipped = run.skipped.filter(|_| run.state == RunState::Skipped);
            let skipped =
                skipped.map(|skipped| format!(" {:?} {}", skipped.why, skipped.slots)).unwrap_or_default();
            format!("{} {} {}{skipped}", run.slot_words(), trigger(run), run.state.word())
        };
        runs.into_iter().map(words).collect()
    }

    pub fn told(&self) -> Vec<&'static str> {
        self.store.commits.iter().flat_map(|commit| commit.told.iter().map(|told| told.action)).collect()
    }
}

impl Run {
    /// The moment of a slot by the clock of UTC, else what it is.
    fn slot_words(&self) -> String {
        match self.slot {
            crate::model::job::Slot::At(time) => time.utc().format("%H:%M").to_string(),
            crate::model::job::Slot::Event(sequence) => format!("event {sequence}"),
            crate::model::job::Slot::Asked(_) => "asked".to_owned(),
        }
    }
}
