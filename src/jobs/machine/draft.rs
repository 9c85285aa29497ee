//! The next commit of a job: all that follows from what is recorded and what has come in since.
//!
//! One order, so that one commit can hold a whole turn: attempts that ended, requests, how the job stands, moments and
//! events that came, and last what may start. Nothing here changes the lane; what is drafted counts when it is recorded.

mod asks;
mod ends;
mod slots;
mod standing;
mod starts;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Answer, Commit, Effect, Now, StopWhy, Told, Write,
    lane::{Flight, Lane},
};
use crate::model::{
    Actor, Id, Time,
    job::{JobState, Overlap, Run, RunState, Skipped, Slot, Trigger, Why},
};

/// Drafts the next commit and sends it on its way; with nothing to commit, answers what can be answered.
pub(super) fn decide(lane: &mut Lane, now: Now, room: usize, effects: &mut Vec<Effect>) {
    let mut draft = Draft::of(lane, now);
    draft.ends();
    draft.asks();
    draft.standing();
    draft.moments();
    draft.events();
    draft.starts(room);
    let flight = draft.flight();
    if flight.commit.state.revision > lane.state.revision {
        effects.push(Effect::Record(Box::new(flight.commit.clone())));
        lane.flight = Some(flight);
        return;
    }
    lane.state.seen = flight.commit.state.seen;
    lane.asks.drain(..flight.asks);
    lane.events.drain(..flight.events);
    lane.stop(now, &flight.stops, effects);
    let answers = flight.answers.into_iter();
    effects.extend(answers.map(|(request, answer)| Effect::Answer { request, answer }));
}

struct Draft<'a> {
    lane: &'a Lane,
    now: Now,
    state: JobState,
    /// Runs that are made or changed; all others are as the lane has them.
    runs: BTreeMap<Id, Run>,
    inserted: BTreeSet<Id>,
    updated: BTreeSet<Id>,
    told: Vec<Told>,
    /// Whether the state itself is to be recorded.
    changed: bool,
    flight: Flight,
}

/// A slot whose run is to be made.
#[derive(Clone)]
struct Wanted {
    slot: Slot,
    trigger: Trigger,
    /// What follows the slot into its id.
    moment: Time,
    by: Option<Actor>,
    retry_of: Option<Id>,
}

impl<'a> Draft<'a> {
    fn of(lane: &'a Lane, now: Now) -> Draft<'a> {
        let flight = Flight {
            commit: Commit { state: lane.state.clone(), writes: Vec::new(), told: Vec::new() },
            changes: BTreeMap::new(),
            answers: Vec::new(),
            stops: Vec::new(),
            ready: BTreeMap::new(),
            asks: 0,
            events: 0,
            overflow: 0,
            again_at: None,
        };
        Draft {
            lane,
            now,
            state: lane.state.clone(),
            runs: BTreeMap::new(),
            inserted: BTreeSet::new(),
            updated: BTreeSet::new(),
            told: Vec::new(),
            changed: false,
            flight,
        }
    }

    /// The commit with what holds once it is recorded; of the same revision as before when there is nothing to commit.
    fn flight(self) -> Flight {
        let Draft { now, mut state, mut runs, inserted, updated, told, changed, mut flight, .. } = self;
        if changed || !inserted.is_empty() || !updated.is_empty() {
            state.revision += 1;
        }
        let mut writes = Vec::new();
        for id in inserted.union(&updated) {
            let run = runs.get_mut(id).expect("what changes is among the runs");
            run.updated_at = now.wall;
            if inserted.contains(id) {
                writes.push(Write::Insert(run.clone()));
            } else {
                run.revision += 1;
                writes.push(Write::Update(run.clone()));
            }
        }
        flight.commit = Commit { state, writes, told };
        flight.changes = runs;
        flight
    }

    fn tell(&mut self, action: &'static str, run: Option<Id>) {
        self.told.push(Told { action, run });
    }

    fn answer(&mut self, request: Id, answer: Answer) {
        self.flight.answers.push((request, answer));
    }

    /// A run that is live or changes here.
    fn run(&self, id: Id) -> Option<&Run> {
        self.runs.get(&id).or_else(|| self.lane.live.get(&id))
    }

    /// Changes a run that is there.
    fn change(&mut self, id: Id, change: impl FnOnce(&mut Run)) {
        if !self.runs.contains_key(&id)
            && let Some(run) = self.lane.live.get(&id)
        {
            self.runs.insert(id, run.clone());
        }
        let Some(run) = self.runs.get_mut(&id) else { return };
        change(run);
        if !self.inserted.contains(&id) {
            self.updated.insert(id);
        }
    }

    /// Brings a run to its end, or to its next start.
    fn turn(&mut self, id: Id, to: RunState) {
        let wall = self.now.wall;
        self.change(id, |run| {
            run.state = to;
            run.lease = None;
            run.start_at = None;
            run.ended = (!to.is_live()).then_some(wall);
        });
    }

    fn live(&self) -> impl Iterator<Item = &Run> {
        let before = self.lane.live.values().filter(|run| !self.runs.contains_key(&run.id));
        before.chain(self.runs.values()).filter(|run| run.state.is_live())
    }

    fn id_of(&self, wanted: &Wanted) -> Id {
        Run::id_of(self.lane.job.id, &wanted.slot, wanted.moment)
    }

    /// Whether the slot is known to have its run.
    fn has_run(&self, wanted: &Wanted) -> bool {
        self.run(self.id_of(wanted)).is_some() || self.lane.taken.contains_key(&wanted.slot)
    }

    /// Makes the run of a slot as the overlap policy says. A slot that has its run stays as it is.
    fn admit(&mut self, wanted: &Wanted) -> Result<(), Why> {
        if self.has_run(wanted) {
            return Ok(());
        }
        // What is backfilled waits behind all else and is in nobody's way.
        let others: Vec<&Run> = self.live().filter(|run| run.trigger != Trigger::Backfill).collect();
        let queued = others.iter().filter(|run| run.state == RunState::Queued).count();
        match self.lane.job.overlap {
            Overlap::Skip if !others.is_empty() => return Err(Why::Overlap),
            Overlap::QueueOne if queued > 0 => return Err(Why::QueueFull),
            _ if queued >= super::QUEUED_MAX => return Err(Why::QueueFull),
            Overlap::CancelRunning => {
                let others = others.iter().map(|run| (run.id, run.state, run.trigger)).collect();
                self.replace(others);
            }
            _ => {}
        }
        self.insert(wanted, RunState::Queued);
        Ok(())
    }

    /// Clears the way for a newer slot.
    fn replace(&mut self, others: Vec<(Id, RunState, Trigger)>) {
        for (id, state, trigger) in others {
            match state {
                // Somebody asked for it by name.
                _ if matches!(trigger, Trigger::Manual | Trigger::Retry) && state == RunState::Queued => {}
                RunState::Queued => {
                    self.turn(id, RunState::Skipped);
                    self.change(id, |run| {
                        let since = moment_of(run);
                        run.skipped = Some(Skipped { why: Why::Replaced, since, slots: 1, at_least: false });
                    });
                    self.tell("skipped", Some(id));
                }
                RunState::Retrying => {
                    self.turn(id, RunState::Cancelled);
                    self.tell("cancelled", Some(id));
                }
                _ => self.flight.stops.push((id, StopWhy::Replaced)),
            }
        }
    }

    fn insert(&mut self, wanted: &Wanted, state: RunState) -> Id {
        let id = self.id_of(wanted);
        let wall = self.now.wall;
        let jittered = match (wanted.slot, wanted.trigger) {
            (Slot::At(moment), Trigger::Schedule) => starts::jitter(&self.lane.job, &wanted.slot)
                .map(|late| moment.plus(late))
                .filter(|at| *at > wall && state == RunState::Queued),
            _ => None,
        };
        if let Some(at) = jittered {
            self.flight.ready.insert(id, self.now.mono + at.since(wall));
        }
        let run = Run {
            id,
            job: self.lane.job.id,
            project: self.lane.job.project.clone(),
            slot: wanted.slot,
            trigger: wanted.trigger,
            state,
            attempt: 0,
            created_at: wall,
            updated_at: wall,
            revision: 1,
            start_at: jittered,
            started: None,
            ended: (!state.is_live()).then_some(wall),
            progress: None,
            error: None,
            skipped: None,
            lease: None,
            may_have_run_twice: false,
            by: wanted.by.clone(),
            retry_of: wanted.retry_of,
        };
        self.runs.insert(id, run);
        self.inserted.insert(id);
        if state == RunState::Queued {
            self.tell("scheduled", Some(id));
        }
        id
    }

    /// Says that a slot, and others before it, did not run.
    fn skip(&mut self, wanted: &Wanted, skipped: Skipped) {
        if !self.has_run(wanted) {
            let id = self.insert(wanted, RunState::Skipped);
            self.change(id, |run| run.skipped = Some(skipped));
            self.tell("skipped", Some(id));
        }
    }
}

/// When a slot came: by the schedule, else when its run was made.
fn moment_of(run: &Run) -> Time {
    match run.slot {
        Slot::At(moment) => moment,
        _ => run.created_at,
    }
}
