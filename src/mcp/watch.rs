//! Subscriptions: which resources a client wants to hear of, and the hub's events that say they changed.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::StreamExt;
use tokio::time::{Instant, sleep_until};

use super::{call::Call, resources::Place};
use crate::{
    door::{StreamItem, StreamRequest},
    model::{Code, Event, Fault, Id},
};

/// The latest events are told to have changed no more often than this.
const RECENT_PAUSE: Duration = Duration::from_secs(1);
/// Before a stream that ended is asked for again.
const AGAIN: Duration = Duration::from_millis(250);
/// One client's subscriptions.
const WATCHED_MAX: usize = 1_000;

/// What is watched: each record under the address it was subscribed by.
#[derive(Debug, Default)]
pub struct Watched(Mutex<Uris>);

#[derive(Debug, Default)]
struct Uris {
    records: HashMap<Id, Vec<String>>,
    recent: Option<String>,
    /// Somebody follows the events already.
    is_followed: bool,
}

impl Watched {
    fn lock(&self) -> std::sync::MutexGuard<'_, Uris> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one; whether nobody follows the events yet, and the caller is to.
    pub async fn add(&self, call: &Call, uri: &str) -> Result<bool, Fault> {
        let record = Place::parse(uri)?.record(call).await?;
        let mut uris = self.lock();
        if uris.records.len() >= WATCHED_MAX {
            return Err(Fault::new(Code::Busy, format!("{WATCHED_MAX} resources are watched"))
                .hint("unsubscribe from one"));
        }
        match record {
            Some(id) => {
                let known = uris.records.entry(id).or_default();
                if !known.iter().any(|known| known == uri) {
                    known.push(uri.to_owned());
                }
            }
            None => uris.recent = Some(uri.to_owned()),
        }
        Ok(!std::mem::replace(&mut uris.is_followed, true))
    }

    pub fn remove(&self, uri: &str) {
        let mut uris = self.lock();
        uris.recent.take_if(|recent| recent == uri);
        uris.records.values_mut().for_each(|known| known.retain(|known| known != uri));
        uris.records.retain(|_, known| !known.is_empty());
    }

    /// The addresses of the record that this event changed.
    fn changed(&self, event: &Event) -> Vec<String> {
        if !["memory", "decision"].contains(&event.domain()) {
            return Vec::new();
        }
        event.record().and_then(|id| self.lock().records.get(&id).cloned()).unwrap_or_default()
    }

    fn recent(&self) -> Option<String> {
        self.lock().recent.clone()
    }
}

/// Tells what changes, until nobody listens. A hub that goes away is waited for; what happened meanwhile is told then.
pub async fn follow<F>(call: &Call, watched: &Watched, tell: impl Fn(String) -> F)
where
    F: Future<Output = bool>,
{
    let mut request = StreamRequest::default();
    let mut due: Option<Instant> = None;
    loop {
        let mut stream = match call.door.stream(&call.caller, request.clone()).await {
            Ok(stream) => stream,
            Err(fault) => {
                tracing::debug!(%fault, "events cannot be followed now");
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        };
        loop {
            let item = tokio::select! {
                item = stream.next() => item,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = None;
                    if let Some(uri) = watched.recent()
                        && !tell(uri).await
                    {
                        return;
                    }
                    continue;
                }
            };
            match item {
                Some(Ok(StreamItem::Start { cursor } | StreamItem::CaughtUp { cursor })) => {
                    request.after = Some(cursor);
                }
                Some(Ok(StreamItem::Event { cursor, event })) => {
                    request.after = Some(cursor);
                    for uri in watched.changed(&event) {
                        if !tell(uri).await {
                            return;
                        }
                    }
                    due.get_or_insert_with(|| Instant::now() + RECENT_PAUSE);
                }
                Some(Ok(StreamItem::Gap { .. } | StreamItem::Heartbeat { .. })) => {}
                Some(Err(fault)) => {
                    tracing::debug!(%fault, "events ended; they are asked for again");
                    break;
                }
                None => break,
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_change_of_what_is_watched_is_told() {
        let watched = Watched::default();
        let id = Id::from_bytes([7; 16]);
        watched.lock().records.insert(id, vec!["a".into(), "b".into()]);
        let event = |kind: &str, id: Id| -> Event {
            serde_json::from_value(json!({
                "id": Id::NIL, "type": kind, "subject": format!("_.{kind}"), "time": "2026-11-21T00:00:00Z",
                "sequence": 1, "recorded_at": "2026-11-21T00:00:00Z", "correlation_id": Id::NIL, "data": { "id": id },
            }))
            .unwrap()
        };
        assert_eq!(watched.changed(&event("memory.updated", id)), ["a", "b"]);
        assert!(watched.changed(&event("search.served", id)).is_empty());
        assert!(watched.changed(&event("memory.updated", Id::NIL)).is_empty());
        watched.remove("a");
        assert_eq!(watched.changed(&event("decision.updated", id)), ["b"]);
        watched.remove("b");
        assert!(watched.lock().records.is_empty());
    }
}
