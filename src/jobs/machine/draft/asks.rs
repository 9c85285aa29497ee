//! What people ask for.

use super::{Draft, Wanted};
use crate::{
    jobs::machine::{Answer, Ask, BACKFILL_SLOTS_MAX, StopWhy, lane::Asked},
    model::{
        Actor, Fault, Id, Time,
        job::{Paused, Run, RunState, Skipped, Slot, Trigger},
    },
};

impl Draft<'_> {
    pub(super) fn asks(&mut self) {
        let lane = self.lane;
        for asked in &lane.asks {
            self.flight.asks += 1;
            let answer = self.asked(asked);
            self.answer(asked.request, answer);
        }
    }

    fn asked(&mut self, Asked { request, by, ask }: &Asked) -> Answer {
        match ask {
            _ if self.lane.removed => Err(Fault::not_found("the job is gone")),
            Ask::Run { .. } => Ok(vec![self.run_for(*request, by, Trigger::Manual, None)]),
            Ask::Backfill { after, until, .. } => self.backfill(*after, *until, by),
            Ask::Pause { reason, until, .. } => self.pause(reason, *until, by),
            Ask::Resume { .. } => self.resume(),
            Ask::Cancel { run, .. } => self.cancel(*run),
            Ask::Retry { run } => self.retry(*request, by, run),
            Ask::Dismiss { run } => self.dismiss(run).map(|()| vec![run.id]),
        }
    }

    /// The run of a request, made now or when it was asked before.
    fn run_for(&mut self, request: Id, by: &Actor, trigger: Trigger, retry_of: Option<Id>) -> Id {
        let slot = Slot::Asked(request);
        let wanted = Wanted { slot, trigger, moment: self.now.wall, by: Some(by.clone()), retry_of };
        if let Err(why) = self.admit(&wanted) {
            self.skip(&wanted, Skipped { why, since: wanted.moment, slots: 1, at_least: false });
        }
        self.id_of(&wanted)
    }

    fn backfill(&mut self, after: Time, until: Time, by: &Actor) -> Answer {
        if until > self.now.wall {
            return Err(Fault::invalid(format!("until is {until}, which is still to come")));
        }
        if !self.lane.table.has_moments() {
            return Err(Fault::invalid("the job has no schedule whose slots could be filled"));
        }
        let waiting = self.live().filter(|run| run.trigger == Trigger::Backfill).count();
        let slots = self.lane.table.between(after, until, BACKFILL_SLOTS_MAX + 1);
        if slots.len() + waiting > BACKFILL_SLOTS_MAX {
            let fault = Fault::invalid(format!("there are more than {BACKFILL_SLOTS_MAX} slots to fill"));
            return Err(fault.hint("fill a shorter span first"));
        }
        let mut made = Vec::new();
        for moment in slots {
            let slot = Slot::At(moment);
            let wanted =
                Wanted { slot, trigger: Trigger::Backfill, moment, by: Some(by.clone()), retry_of: None };
            let id = self.id_of(&wanted);
            match self.lane.taken.get(&slot) {
                Some(run) if run.state == RunState::Skipped && self.run(id).is_none() => {
                    self.revive(run.clone(), by);
                    made.push(id);
                }
                None if self.run(id).is_none() => made.push(self.insert(&wanted, RunState::Queued)),
                _ => {}
            }
        }
        Ok(made)
    }

    /// A slot that was skipped is run after all: it keeps its record.
    fn revive(&mut self, run: Run, by: &Actor) {
        let id = run.id;
        self.runs.insert(id, run);
        self.turn(id, RunState::Queued);
        self.change(id, |run| {
            run.trigger = Trigger::Backfill;
            run.by = Some(by.clone());
        });
        self.tell("scheduled", Some(id));
    }

    fn pause(&mut self, reason: &str, until: Option<Time>, by: &Actor) -> Answer {
        if until.is_some_and(|until| until <= self.now.wall) {
            return Err(Fault::invalid("until is a moment that has passed"));
        }
        let paused = Some(Paused { reason: reason.to_owned(), until, by: by.clone() });
        if self.state.paused != paused {
            self.state.paused = paused;
            self.changed = true;
            self.tell("paused", None);
        }
        Ok(Vec::new())
    }

    fn resume(&mut self) -> Answer {
        if self.state.paused.take().is_some() {
            self.state.dead_in_a_row = 0;
            self.changed = true;
            self.tell("resumed", None);
        }
        Ok(Vec::new())
    }

    fn cancel(&mut self, id: Id) -> Answer {
        match self.run(id).map(|run| run.state) {
            Some(RunState::Queued | RunState::Retrying) => {
                self.turn(id, RunState::Cancelled);
                self.tell("cancelled", Some(id));
            }
            Some(RunState::Running) => self.flight.stops.push((id, StopWhy::Asked)),
            _ => return Err(Fault::conflict("the run has ended, or there is none")),
        }
        Ok(vec![id])
    }

    fn retry(&mut self, request: Id, by: &Actor, run: &Run) -> Answer {
        match run.state {
            RunState::Dead => self.dismiss(run)?,
            RunState::Lost | RunState::Failed | RunState::Cancelled => {}
            state => return Err(not_dead(state)),
        }
        Ok(vec![self.run_for(request, by, Trigger::Retry, Some(run.id))])
    }

    fn dismiss(&mut self, run: &Run) -> Result<(), Fault> {
        if self.lane.stale.contains(&run.id) || self.run(run.id).is_some() {
            return Err(Fault::conflict("the run changed meanwhile").hint("look at it again"));
        }
        if run.state != RunState::Dead {
            return Err(not_dead(run.state));
        }
        self.runs.insert(run.id, run.clone());
        self.change(run.id, |run| run.state = RunState::Failed);
        self.tell("dismissed", Some(run.id));
        Ok(())
    }
}

fn not_dead(state: RunState) -> Fault {
    Fault::conflict(format!("the run is {}, it is no dead letter", state.word()))
}
