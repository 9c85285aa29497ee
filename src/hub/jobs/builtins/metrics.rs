//! `performance_metrics`: how large the hub is and how much went on, as one event an hour.

use std::sync::Arc;

use serde_json::json;

use crate::{
    door::{Order, Quantiles},
    hub::{
        jobs::attempt::Attempt,
        told::{hub_event, object},
    },
    model::{Commit, Event, EventFilter, Fault, Lane, Projects, Sequence},
    store::{Scan, Store},
    tasks::blocking,
};

const METRICS: &str = "hub.metrics";

pub async fn run(attempt: Arc<Attempt>) -> Result<(), Fault> {
    let hub = attempt.hub.clone();
    let looking = hub.clone();
    let (status, last) = blocking(move || Ok((looking.status_now(), last(&looking.store)?))).await?;
    let head = status.head.sequence;
    let events_per_s = last.map(|last| {
        let seconds = status.time.since(last.time).as_secs_f64().max(1.0);
        head.0.saturating_sub(last.sequence.0) as f64 / seconds
    });
    let data = object(json!({
        "memories": status.memories,
        "decisions": status.decisions,
        "events": head,
        "events_per_s": events_per_s.map(|rate| (rate * 1_000.0).round() / 1_000.0),
        "data_bytes": status.disk.as_ref().map(|disk| disk.data_bytes),
        "free_bytes": status.disk.as_ref().map(|disk| disk.free_bytes),
        "caches": status.caches,
        "latencies_ms": {
            "search": measured(hub.health.searches.quantiles()),
            "commit": measured(hub.store.commits().quantiles()),
        },
        "attached": status.attached,
        "up_s": status.time.since(status.started_at).as_secs(),
    }));
    for (name, value) in &data {
        attempt.note(&format!("{name}: {value}"));
    }
    let events = vec![hub_event(&hub, attempt.run.id, METRICS, data)];
    hub.store.commit(Commit { events, lane: Lane::Bulk, ..Commit::default() }).await.map(drop)
}

/// None where nothing was: a quantile of nothing is no number.
fn measured(since_start: Quantiles) -> Option<Quantiles> {
    (since_start.count > 0).then_some(since_start)
}

/// What was told the last time.
fn last(store: &Store) -> Result<Option<Event>, Fault> {
    let pattern = format!("_.{METRICS}").parse().map_err(|error| Fault::bug("no pattern").cause(error))?;
    let scanned = store.scan_log(&Scan {
        filter: &EventFilter { patterns: vec![pattern], ..EventFilter::default() },
        wall: &Projects::All,
        recorded_since: None,
        recorded_until: None,
        after: Sequence::ZERO,
        before: store.head().borrow().next(),
        order: Order::Desc,
        limit: 1,
        looked_at_max: usize::MAX,
    })?;
    Ok(scanned.events.into_iter().next())
}
