//! What the hub tells of itself: starts, stops, what recovery found; and that its status changed.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Hub;
use crate::{
    door::Caller,
    model::{Actor, Commit, EventDraft, Fault, Id, Lane, Memory, Projects, Severity, Subject},
};

/// Watches the store's state for the status, and tells what the store found or did by itself.
pub fn start(hub: &Arc<Hub>) {
    let watching = hub.clone();
    let token = hub.tasks.token();
    hub.tasks.spawn(async move {
        let mut state = watching.store.state();
        loop {
            if state.borrow_and_update().records.is_ready() {
                let telling = watching.clone();
                let found = found(&telling);
                if !found.is_empty() {
                    watching.tasks.spawn(async move { write(&telling, found).await });
                }
            }
            tokio::select! {
                () = token.cancelled() => return,
                changed = state.changed() => if changed.is_err() { return },
            }
            watching.status_has_changed();
        }
    });
    if hub.announce {
        let telling = hub.clone();
        let token = hub.tasks.token();
        hub.tasks.spawn(async move {
            let urls: Vec<&str> = telling.listeners.iter().map(|listener| listener.url.as_str()).collect();
            let mut data = json!({ "version": env!("CARGO_PKG_VERSION"), "pid": std::process::id() });
            if !urls.is_empty() {
                data["listeners"] = json!(urls);
            }
            let started = hub_event(&telling, telling.clock.id(), "hub.started", object(data));
            let open = telling.listeners.iter().filter(|listener| !listener.keys).map(|open| {
                let data = object(json!({ "url": open.url }));
                let told = hub_event(&telling, started.correlation_id, "auth.disabled", data);
                EventDraft { severity: Severity::Warn, ..told }
            });
            let events: Vec<_> = open.collect();
            let events = std::iter::once(started).chain(events).collect();
            tokio::select! {
                () = token.cancelled() => {}
                () = write(&telling, events) => {}
            }
        });
    }
}

/// What the store found or did since this was last asked.
fn found(hub: &Hub) -> Vec<EventDraft> {
    let correlation = hub.clock.id();
    let told = hub.store.recovered().into_iter().map(|found| {
        if found.kind == "hub.damaged" && found.severity == Severity::Error {
            let part =
                |name: &str| found.data.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            hub.health.damaged(format!("{}: {}", part("file"), part("what")));
        }
        EventDraft { severity: found.severity, ..hub_event(hub, correlation, found.kind, found.data) }
    });
    told.collect()
}

/// Tells the stop, if the start was told, and what was found until then.
pub async fn stop(hub: &Hub, handed_over: bool) {
    let mut events = found(hub);
    if hub.announce {
        let data = object(json!({ "pid": std::process::id() }));
        let kind = if handed_over { "hub.handed_over" } else { "hub.stopped" };
        events.push(hub_event(hub, hub.clock.id(), kind, data));
    }
    if !events.is_empty() {
        write(hub, events).await;
    }
}

async fn write(hub: &Hub, events: Vec<EventDraft>) {
    if hub.records_ready().await.is_err() {
        return;
    }
    if let Err(fault) = hub.store.commit(Commit { events, ..Commit::default() }).await {
        tracing::warn!(%fault, cause = ?fault.cause, "an event of the hub was not written");
    }
}

pub fn hub_event(hub: &Hub, correlation: Id, kind: &str, data: Map<String, Value>) -> EventDraft {
    let caller = Caller { correlation, ..hub_caller(hub) };
    event(hub, &caller, "_", kind, data)
}

/// The hub itself, doing something by itself.
pub fn hub_caller(hub: &Hub) -> Caller {
    let correlation = hub.clock.id();
    Caller { actor: Actor::hub(), correlation, session: None, tool: None, projects: Projects::All }
}

/// An event of now, by this caller.
pub fn event(hub: &Hub, caller: &Caller, project: &str, kind: &str, data: Map<String, Value>) -> EventDraft {
    EventDraft {
        id: hub.clock.id(),
        kind: kind.to_owned(),
        subject: subject(project, kind),
        time: hub.clock.now(),
        correlation_id: caller.correlation,
        causation_id: None,
        actor: caller.actor.clone(),
        severity: Severity::Info,
        sampled_rate: None,
        data,
    }
}

/// The event that tells a change of this memory.
pub fn memory_event(hub: &Hub, caller: &Caller, memory: &Memory, kind: &str) -> EventDraft {
    let data = json!({
        "id": memory.id,
        "title": memory.title,
        "revision": memory.revision,
        "type": memory.kind,
    });
    event(hub, caller, memory.project.as_str(), kind, object(data))
}

/// Writes an event that nobody waits for. Lost only with the process.
pub fn tell_later(hub: &Arc<Hub>, commit: Commit) {
    let telling = hub.clone();
    hub.tasks.spawn(async move {
        let told: Result<_, Fault> = telling.store.commit(Commit { lane: Lane::Bulk, ..commit }).await;
        if let Err(fault) = told {
            tracing::debug!(%fault, "an event of a search was not written");
        }
    });
}

fn subject(project: &str, kind: &str) -> Subject {
    format!("{project}.{kind}").parse().expect("a project's slug and a type of this program are tokens")
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}
