//! Decisions through a door that outlives its hub.

use async_trait::async_trait;

use super::{Again, Attached};
use crate::{
    door::{
        Caller, DecisionPage, DecisionPatch, DecisionRevision, Decisions, DecisionsRequest, DecisionsTaken,
        ImportedDecision, NewDecision, NewOutcome, SavedDecision,
    },
    model::{Calibration, Decision, DecisionFilter, DecisionRef, Fault},
};

#[async_trait]
impl Decisions for Attached {
    async fn decide(&self, caller: &Caller, mut new: NewDecision) -> Result<SavedDecision, Fault> {
        new.idempotency_key.get_or_insert_with(|| self.key());
        ask!(self, Always, door.decide(caller, new.clone()))
    }

    async fn edit_decision(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        patch: DecisionPatch,
        revision: Option<u32>,
    ) -> Result<SavedDecision, Fault> {
        ask!(self, IfNotAsked, door.edit_decision(caller, decision, patch.clone(), revision))
    }

    async fn supersede_decision(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        new: NewDecision,
    ) -> Result<SavedDecision, Fault> {
        ask!(self, IfNotAsked, door.supersede_decision(caller, decision, new.clone()))
    }

    async fn record_outcome(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        outcome: NewOutcome,
    ) -> Result<SavedDecision, Fault> {
        ask!(self, IfNotAsked, door.record_outcome(caller, decision, outcome.clone()))
    }

    async fn import_decisions(
        &self,
        caller: &Caller,
        batch: Vec<ImportedDecision>,
    ) -> Result<DecisionsTaken, Fault> {
        // Known by where they come from: taken twice they are unchanged.
        ask!(self, Always, door.import_decisions(caller, batch.clone()))
    }

    async fn decision(&self, caller: &Caller, decision: DecisionRef) -> Result<Decision, Fault> {
        ask!(self, Always, door.decision(caller, decision))
    }

    async fn decision_history(
        &self,
        caller: &Caller,
        decision: DecisionRef,
    ) -> Result<Vec<DecisionRevision>, Fault> {
        ask!(self, Always, door.decision_history(caller, decision))
    }

    async fn decisions(&self, caller: &Caller, request: DecisionsRequest) -> Result<DecisionPage, Fault> {
        ask!(self, Always, door.decisions(caller, request.clone()))
    }

    async fn calibration(&self, caller: &Caller, filter: DecisionFilter) -> Result<Calibration, Fault> {
        ask!(self, Always, door.calibration(caller, filter.clone()))
    }
}
