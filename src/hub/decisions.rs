//! What is done to decisions: each request becomes one commit with its preconditions and the event that tells it.

mod import;
mod list;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::watch;

use super::{
    Hub, HubDoor,
    told::{event, object},
};
use crate::{
    door::{
        Caller, DecisionPage, DecisionPatch, DecisionRevision, Decisions, DecisionsRequest, DecisionsTaken,
        ImportedDecision, NewDecision, NewOutcome, SavedDecision,
    },
    model::{
        Calibration, Change, Code, Commit, Decision, DecisionFilter, DecisionNumber, DecisionRef,
        DecisionStatus, EventDraft, Fault, Id, Origin, Precondition, Sequence, Unique,
    },
    store::{Committed, Store},
};

/// A commit that somebody else's came before is tried again, this often.
const TRIES: usize = 16;
/// What came before is to be seen by then.
const CATCH_UP_PATIENCE: Duration = Duration::from_secs(1);

#[async_trait]
impl Decisions for HubDoor {
    async fn decide(&self, caller: &Caller, new: NewDecision) -> Result<SavedDecision, Fault> {
        record(&self.0, caller, new, None).await
    }

    async fn edit_decision(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        patch: DecisionPatch,
        revision: Option<u32>,
    ) -> Result<SavedDecision, Fault> {
        change(&self.0, caller, decision, revision, "decision.updated", |before| patch.clone().apply(before))
            .await
    }

    async fn supersede_decision(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        new: NewDecision,
    ) -> Result<SavedDecision, Fault> {
        record(&self.0, caller, new, Some(decision)).await
    }

    async fn record_outcome(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        outcome: NewOutcome,
    ) -> Result<SavedDecision, Fault> {
        let now = self.0.clock.now();
        let outcome = outcome.into_outcome(caller.actor.clone(), now)?;
        change(&self.0, caller, decision, None, "decision.outcome_recorded", |before| {
            Ok(Decision { outcome: Some(outcome.clone()), ..before.clone() })
        })
        .await
    }

    async fn import_decisions(
        &self,
        caller: &Caller,
        batch: Vec<ImportedDecision>,
    ) -> Result<DecisionsTaken, Fault> {
        import::import(&self.0, caller, batch).await
    }

    async fn decision(&self, caller: &Caller, decision: DecisionRef) -> Result<Decision, Fault> {
        found(&self.0, caller, decision).await
    }

    async fn decision_history(
        &self,
        caller: &Caller,
        decision: DecisionRef,
    ) -> Result<Vec<DecisionRevision>, Fault> {
        history(&self.0, caller, decision).await
    }

    async fn decisions(&self, caller: &Caller, request: DecisionsRequest) -> Result<DecisionPage, Fault> {
        let wall = caller.projects.clone();
        self.0.read(move |store| list::page(store, &request, &wall)).await
    }

    async fn calibration(&self, caller: &Caller, filter: DecisionFilter) -> Result<Calibration, Fault> {
        let wall = caller.projects.clone();
        // What was given up is what is learned from: without it everything would look better than it was.
        let filter = DecisionFilter { any_status: true, ..filter };
        self.0.read(move |store| Ok(Calibration::of(&list::all(store, &filter, &wall)?))).await
    }
}

/// Records a decision, in the place of another where one is named.
async fn record(
    hub: &Arc<Hub>,
    caller: &Caller,
    new: NewDecision,
    replaces: Option<DecisionRef>,
) -> Result<SavedDecision, Fault> {
    let key = super::memories::idempotency_key(new.idempotency_key.as_deref())?;
    let related = ids(hub, caller, &new.related).await?;
    let mut head = hub.store.head();
    for attempt in 1.. {
        head.borrow_and_update();
        let before = match replaces {
            Some(named) => Some(found(hub, caller, named).await?),
            None => None,
        };
        if let Err(fault) = before.as_ref().map_or(Ok(()), Decision::may_be_superseded) {
            // By this very request, asked again.
            let committed = super::memories::committed_by(hub, key).await?;
            return committed.map_or(Err(fault), |committed| first_answer(&committed));
        }
        let number = number(hub, new.number).await?;
        let decision = heir(hub, caller, &new, number, &related, before.as_ref());
        check(caller, &decision)?;
        let commit = Commit { idempotency_key: key.clone(), ..commit(hub, caller, &decision, before) };
        match hub.store.commit(commit).await {
            Ok(committed) if committed.repeated => return first_answer(&committed),
            Ok(committed) => return Ok(SavedDecision { decision, applied: committed.applied }),
            // Somebody took the number, or changed what is to be superseded.
            Err(fault) if fault.code == Code::Conflict && attempt < TRIES => caught_up(&mut head).await,
            Err(fault) => return Err(fault),
        }
    }
    unreachable!("the last attempt returns")
}

/// The first revision of it, with what it takes over from the one whose place it takes.
fn heir(
    hub: &Hub,
    caller: &Caller,
    new: &NewDecision,
    number: DecisionNumber,
    related: &[Id],
    before: Option<&Decision>,
) -> Decision {
    let mut new = new.clone();
    // Who says what was chosen has decided; else it is a proposal.
    let chosen = new.chosen_option.as_ref().map(|_| DecisionStatus::Accepted);
    new.status = new.status.or(chosen);
    new.project = new.project.or_else(|| before.map(|before| before.project.clone()));
    let origin = origin(caller, &new);
    let mut decision = new.into_decision(
        hub.clock.id(),
        number,
        origin,
        caller.correlation,
        related.to_vec(),
        hub.clock.now(),
    );
    decision.supersedes = before.map(|before| before.id).into_iter().collect();
    decision
}

/// Both links at once: what it supersedes says so too.
fn commit(hub: &Hub, caller: &Caller, decision: &Decision, before: Option<Decision>) -> Commit {
    let recorded = decision_event(hub, caller, decision, "decision.recorded");
    let mut commit = Commit {
        preconditions: vec![
            Precondition::Absent { id: decision.id },
            Precondition::Vacant { unique: Unique::Number(decision.number) },
        ],
        changes: vec![Change::Decide { decision: Box::new(decision.clone()) }],
        ..Commit::default()
    };
    let causation_id = Some(recorded.id);
    commit.events.push(recorded);
    if let Some(before) = before {
        let after = Decision {
            status: DecisionStatus::Superseded,
            superseded_by: Some(decision.id),
            ..next(hub, caller, &before, before.clone())
        };
        let mut told = decision_event(hub, caller, &after, "decision.superseded");
        told.causation_id = causation_id;
        told.data.insert("superseded_by".to_owned(), decision.id.to_string().into());
        commit.events.push(told);
        commit.preconditions.push(Precondition::Revision { id: before.id, revision: before.revision });
        commit.changes.push(Change::Decide { decision: Box::new(after) });
    }
    commit
}

/// Changes a decision by a rule; an equal one is left as it is.
async fn change(
    hub: &Arc<Hub>,
    caller: &Caller,
    named: DecisionRef,
    revision: Option<u32>,
    kind: &str,
    rule: impl Fn(&Decision) -> Result<Decision, Fault>,
) -> Result<SavedDecision, Fault> {
    let mut head = hub.store.head();
    for attempt in 1.. {
        head.borrow_and_update();
        let before = found(hub, caller, named).await?;
        if let Some(expected) = revision.filter(|expected| *expected != before.revision) {
            let message = format!("{} is at revision {}, not {expected}", before.number, before.revision);
            return Err(
                Fault::conflict(message).hint("read it again and apply the change to what it says now")
            );
        }
        let after = rule(&before)?;
        if after == before {
            return Ok(SavedDecision { decision: before, applied: true });
        }
        let after = next(hub, caller, &before, after);
        check(caller, &after)?;
        let commit = Commit {
            events: vec![decision_event(hub, caller, &after, kind)],
            preconditions: vec![Precondition::Revision { id: before.id, revision: before.revision }],
            changes: vec![Change::Decide { decision: Box::new(after.clone()) }],
            ..Commit::default()
        };
        match hub.store.commit(commit).await {
            Ok(committed) => return Ok(SavedDecision { decision: after, applied: committed.applied }),
            Err(fault) if fault.code == Code::Conflict && revision.is_none() && attempt < TRIES => {
                caught_up(&mut head).await;
            }
            Err(fault) => return Err(fault),
        }
    }
    unreachable!("the last attempt returns")
}

/// Waits for what came before a refused commit: the writer knows it sooner than those who read.
async fn caught_up(head: &mut watch::Receiver<Sequence>) {
    if tokio::time::timeout(CATCH_UP_PATIENCE, head.changed()).await.is_err() {
        tracing::debug!("what refused this commit is not to be seen yet");
    }
}

/// `after` as the revision that follows `before`.
fn next(hub: &Hub, caller: &Caller, before: &Decision, after: Decision) -> Decision {
    Decision {
        revision: before.revision + 1,
        updated_at: hub.clock.now(),
        correlation_id: caller.correlation,
        ..after
    }
}

/// The wish where it is free, else the next number.
async fn number(hub: &Arc<Hub>, wish: Option<DecisionNumber>) -> Result<DecisionNumber, Fault> {
    hub.read(move |store| {
        if let Some(wish) = wish
            && store.decision_numbered(wish)?.is_none()
        {
            return Ok(wish);
        }
        Ok(store.highest_decision()?.unwrap_or_default().next())
    })
    .await
}

/// The ids of decisions that this caller may see.
async fn ids(hub: &Arc<Hub>, caller: &Caller, named: &[DecisionRef]) -> Result<Vec<Id>, Fault> {
    let mut ids = Vec::with_capacity(named.len());
    for one in named {
        ids.push(found(hub, caller, *one).await?.id);
    }
    Ok(ids)
}

/// A decision that this caller may see.
async fn found(hub: &Arc<Hub>, caller: &Caller, named: DecisionRef) -> Result<Decision, Fault> {
    let found = hub.read(move |store| look_up(store, named)).await?;
    found.filter(|decision| caller.projects.see(&decision.project)).ok_or_else(|| {
        Fault::not_found(format!("no decision {named}")).hint("`wheelhouse decisions` lists them")
    })
}

fn look_up(store: &Store, named: DecisionRef) -> Result<Option<Decision>, Fault> {
    match named {
        DecisionRef::Id(id) => store.decision(id),
        DecisionRef::Number(number) => store.decision_numbered(number),
    }
}

async fn history(
    hub: &Arc<Hub>,
    caller: &Caller,
    named: DecisionRef,
) -> Result<Vec<DecisionRevision>, Fault> {
    let id = found(hub, caller, named).await?.id;
    let entries = hub.read(move |store| store.history(id)).await?;
    let mut revisions: Vec<DecisionRevision> = entries
        .iter()
        .filter_map(|entry| {
            let told =
                entry.events.iter().find(|event| event.record() == Some(id)).or(entry.events.first())?;
            let decision = entry.changes.iter().find_map(|change| match change {
                Change::Decide { decision } if decision.id == id => Some((**decision).clone()),
                _ => None,
            });
            Some(DecisionRevision {
                event: told.kind.clone(),
                recorded_at: told.recorded_at,
                actor: told.actor.clone(),
                correlation_id: told.correlation_id,
                decision,
            })
        })
        .collect();
    revisions.reverse();
    Ok(revisions)
}

/// What the first commit with this key made.
fn first_answer(committed: &Committed) -> Result<SavedDecision, Fault> {
    let first = committed.entry.changes.iter().find_map(|change| match change {
        Change::Decide { decision } => Some((**decision).clone()),
        _ => None,
    });
    let decision = first.ok_or_else(|| {
        Fault::conflict("this idempotency key was used for another kind of request").hint("use a fresh key")
    })?;
    Ok(SavedDecision { decision, applied: committed.applied })
}

fn check(caller: &Caller, decision: &Decision) -> Result<(), Fault> {
    caller.may_write(&decision.project)?;
    decision.check()
}

fn origin(caller: &Caller, new: &NewDecision) -> Origin {
    Origin {
        actor: caller.actor.clone(),
        session: new.session.clone().or_else(|| caller.session.clone()),
        tool: caller.tool.clone(),
        url: new.url.clone(),
        commit: new.commit.clone(),
    }
}

/// The event that tells a change of this decision.
pub(super) fn decision_event(hub: &Hub, caller: &Caller, decision: &Decision, kind: &str) -> EventDraft {
    let mut data = object(json!({
        "id": decision.id,
        "number": decision.number,
        "title": decision.title,
        "revision": decision.revision,
        "status": decision.status,
    }));
    if let Some(outcome) = &decision.outcome {
        data.insert("outcome".to_owned(), json!(outcome.status));
    }
    event(hub, caller, decision.project.as_str(), kind, data)
}
