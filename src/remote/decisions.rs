//! Decisions of a hub in another process: the paths below `/decisions`.

use async_trait::async_trait;
use reqwest::Method;
use serde::Deserialize;

use super::{
    Remote,
    ask::{self, Ask},
};
use crate::{
    door::{
        Caller, DecisionPage, DecisionPatch, DecisionRevision, Decisions, DecisionsRequest, DecisionsTaken,
        ImportedDecision, NewDecision, NewOutcome, SavedDecision,
    },
    model::{Calibration, Decision, DecisionFilter, DecisionRef, Fault},
};

#[derive(Deserialize)]
struct Revisions {
    revisions: Vec<DecisionRevision>,
}

#[async_trait]
impl Decisions for Remote {
    async fn decide(&self, caller: &Caller, new: NewDecision) -> Result<SavedDecision, Fault> {
        self.send(caller, Method::POST, "/decisions", &new).await
    }

    async fn edit_decision(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        patch: DecisionPatch,
        revision: Option<u32>,
    ) -> Result<SavedDecision, Fault> {
        let ask = Ask::default().maybe("revision", &revision);
        let path = format!("/decisions/{decision}");
        self.wire.ask(Some(caller), Method::PATCH, &path, &ask).body(&patch)?.answer().await
    }

    async fn supersede_decision(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        new: NewDecision,
    ) -> Result<SavedDecision, Fault> {
        self.send(caller, Method::POST, &format!("/decisions/{decision}/supersede"), &new).await
    }

    async fn record_outcome(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        outcome: NewOutcome,
    ) -> Result<SavedDecision, Fault> {
        self.send(caller, Method::POST, &format!("/decisions/{decision}/outcome"), &outcome).await
    }

    async fn import_decisions(
        &self,
        caller: &Caller,
        batch: Vec<ImportedDecision>,
    ) -> Result<DecisionsTaken, Fault> {
        self.send(caller, Method::POST, "/decisions/import", &batch).await
    }

    async fn decision(&self, caller: &Caller, decision: DecisionRef) -> Result<Decision, Fault> {
        self.fetch(caller, &format!("/decisions/{decision}"), &Ask::default()).await
    }

    async fn decision_history(
        &self,
        caller: &Caller,
        decision: DecisionRef,
    ) -> Result<Vec<DecisionRevision>, Fault> {
        let path = format!("/decisions/{decision}/history");
        let answer: Revisions = self.fetch(caller, &path, &Ask::default()).await?;
        Ok(answer.revisions)
    }

    async fn decisions(&self, caller: &Caller, request: DecisionsRequest) -> Result<DecisionPage, Fault> {
        self.fetch(caller, "/decisions", &ask::decisions(&request)).await
    }

    async fn calibration(&self, caller: &Caller, filter: DecisionFilter) -> Result<Calibration, Fault> {
        let ask = Ask::default().decided(&filter);
        self.fetch(caller, "/decisions/calibration", &ask).await
    }
}
