//! `review_due`: each decision whose day to be looked at again has come is told once for that day.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::json;

use crate::{
    door::Order,
    hub::{
        jobs::attempt::Attempt,
        told::{event, hub_caller, object},
    },
    model::{Commit, Date, Decision, EventFilter, Fault, Lane, Projects, Sequence, Severity},
    store::{Scan, Store},
};

const EVENTS: usize = 1_000;
/// Told in one commit.
const AT_ONCE: usize = 500;

pub async fn run(attempt: Arc<Attempt>) -> Result<(), Fault> {
    let hub = &attempt.hub;
    let today = Date::there(hub.clock.now(), hub.clock.zone());
    let due = hub.read(move |store| due(store, today)).await?;
    let caller = crate::door::Caller { correlation: attempt.run.id, ..hub_caller(hub) };
    for some in due.chunks(AT_ONCE) {
        attempt.go_on()?;
        let told = |decision: &Decision| {
            let data = object(json!({
                "id": decision.id,
                "number": decision.number,
                "title": decision.title,
                "review_on": decision.review_on,
            }));
            let mut told = event(hub, &caller, decision.project.as_str(), "decision.review_due", data);
            told.severity = Severity::Warn;
            told
        };
        let events = some.iter().map(told).collect();
        hub.store.commit(Commit { events, lane: Lane::Bulk, ..Commit::default() }).await?;
        for decision in some {
            let day = decision.review_on.map(|day| day.to_string()).unwrap_or_default();
            attempt.note(&format!("{} since {day}: {}", decision.number, decision.title));
        }
    }
    attempt.note(&format!("{} decisions are due that were not told before", due.len()));
    Ok(())
}

/// Those that are due and were not told for their day.
fn due(store: &Store, today: Date) -> Result<Vec<Decision>, Fault> {
    let mut due = Vec::new();
    store.decisions(None, &mut |_, decision| {
        if decision.review_is_due(today) {
            due.push(decision);
        }
        true
    })?;
    if !due.is_empty() {
        let told = told(store)?;
        due.retain(|decision| {
            let day = decision.review_on.map(|day| day.to_string()).unwrap_or_default();
            !told.contains(&(decision.id.to_string(), day))
        });
    }
    Ok(due)
}

/// The decision and the day of every one that was told.
fn told(store: &Store) -> Result<BTreeSet<(String, String)>, Fault> {
    let pattern = "*.decision.review_due".parse().map_err(|error| Fault::bug("no pattern").cause(error))?;
    let filter = EventFilter { patterns: vec![pattern], ..EventFilter::default() };
    let before = store.head().borrow().next();
    let mut told = BTreeSet::new();
    let mut after = Sequence::ZERO;
    loop {
        let scanned = store.scan_log(&Scan {
            filter: &filter,
            wall: &Projects::All,
            recorded_since: None,
            recorded_until: None,
            after,
            before,
            order: Order::Asc,
            limit: EVENTS,
            looked_at_max: usize::MAX,
        })?;
        let day = |event: &crate::model::Event| {
            Some((event.text("id")?.to_owned(), event.text("review_on")?.to_owned()))
        };
        told.extend(scanned.events.iter().filter_map(day));
        match scanned.next {
            Some(next) => after = next,
            None => return Ok(told),
        }
    }
}
