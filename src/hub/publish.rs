//! Events that others tell: checked, given their place, and nothing more.

use std::sync::Arc;

use super::{Hub, memories::idempotency_key};
use crate::{
    door::{Caller, NewEvent, PUBLISH_MAX, Publish, Published},
    model::{Commit, EventDraft, Fault, Lane, Project},
};

/// More than one is work that can wait for what a person asks.
pub async fn publish(hub: &Arc<Hub>, caller: &Caller, publish: Publish) -> Result<Published, Fault> {
    let key = idempotency_key(publish.idempotency_key.as_deref())?;
    let many = publish.events.len();
    if !(1..=PUBLISH_MAX).contains(&many) {
        return Err(Fault::invalid(format!("{many} events, from 1 to {PUBLISH_MAX} are taken at once")));
    }
    let events: Result<Vec<EventDraft>, Fault> =
        publish.events.into_iter().map(|new| draft(hub, caller, new)).collect();
    let lane = if many == 1 { Lane::Interactive } else { Lane::Bulk };
    let commit = Commit { events: events?, idempotency_key: key, lane, ..Commit::default() };
    hub.records_ready().await?;
    let committed = hub.store.commit(commit).await?;
    Ok(Published {
        ids: committed.entry.events.iter().map(|event| event.id).collect(),
        last: hub.store.cursor(committed.last),
        applied: committed.applied,
    })
}

fn draft(hub: &Hub, caller: &Caller, new: NewEvent) -> Result<EventDraft, Fault> {
    let project = new.project.clone().unwrap_or_else(Project::none);
    caller.may_write(&project)?;
    Ok(EventDraft {
        id: hub.clock.id(),
        subject: new.subject(&project)?,
        kind: new.kind,
        time: new.time.unwrap_or_else(|| hub.clock.now()),
        correlation_id: new.correlation_id.unwrap_or(caller.correlation),
        causation_id: new.causation_id,
        actor: caller.actor.clone(),
        severity: new.severity,
        sampled_rate: None,
        data: new.data,
    })
}
