//! Outgoing calls of this hub, and telling when one of their breakers turns.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    breaker::{State, Turn},
    door::BreakerStatus,
    hub::{
        Hub,
        told::{hub_event, object},
    },
    model::{Commit, Fault, Severity, token},
    outbound::{Answered, Call, Outbound},
    tasks::Clock,
};

/// A turn, and the host whose breaker it is of.
type Turned = (String, Turn);

pub struct Guarded {
    outbound: Outbound,
    turns: Mutex<Option<mpsc::UnboundedReceiver<Turned>>>,
}

impl Guarded {
    pub fn new(clock: &Clock) -> Guarded {
        let (sender, turns) = mpsc::unbounded_channel();
        let told = move |host: &str, turn: Turn| {
            // Nobody tells them any more when the hub ends.
            drop(sender.send((host.to_owned(), turn)));
        };
        Guarded { outbound: Outbound::new(clock.clone(), told), turns: Mutex::new(Some(turns)) }
    }

    pub async fn call(&self, call: &Call) -> Result<Answered, Fault> {
        self.outbound.call(call).await
    }

    pub fn breakers(&self) -> Vec<BreakerStatus> {
        self.outbound.breakers()
    }
}

/// Starts the task that tells of turns; it ends with the hub.
pub fn start(hub: &Arc<Hub>) {
    let taken = hub.jobs.outbound.turns.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut turns) = taken else { return };
    let telling = hub.clone();
    let token = hub.tasks.token();
    hub.tasks.spawn(async move {
        loop {
            let turned = tokio::select! {
                () = token.cancelled() => return,
                turned = turns.recv() => turned,
            };
            let Some((host, turn)) = turned else { return };
            tell(&telling, &host, turn).await;
            telling.status_has_changed();
        }
    });
}

async fn tell(hub: &Hub, host: &str, turn: Turn) {
    let kind = match turn.to {
        State::Open => "breaker.opened",
        State::HalfOpen => "breaker.half_opened",
        State::Closed => "breaker.closed",
    };
    let data = object(json!({ "name": format!("http {host}"), "host": host }));
    let mut event = hub_event(hub, hub.clock.id(), kind, data);
    if turn.to == State::Open {
        event.severity = Severity::Warn;
    }
    event.subject = format!("{}.{}", event.subject.as_str(), token(host))
        .parse()
        .expect("a subject with one more token is one");
    if let Err(fault) = hub.store.commit(Commit { events: vec![event], ..Commit::default() }).await {
        tracing::warn!(%fault, cause = ?fault.cause, "a breaker's turn was not told");
    }
}
