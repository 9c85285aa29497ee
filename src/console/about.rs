//! What an event is about, in a few words: the same on screen, in lines of the command line and in sentences. Not escaped
//! yet. Pure.

use std::time::Duration;

use serde_json::Value;

use super::text;
use crate::model::{
    Event, Time,
    job::{Progress, Why},
};

/// Fields that say by themselves what an event is about, the first there is.
const SAYING: [&str; 8] = ["title", "message", "cause", "reason", "what", "name", "view", "file"];
/// Between what it is of and the rest.
const GAP: &str = "  ";
/// Of other data, so many fields.
const FIELDS_MAX: usize = 3;

pub fn about(event: &Event) -> String {
    match event.kind.as_str() {
        "search.served" | "search.degraded" => search(event),
        "source.synced" => source(event),
        "hub.metrics" => metrics(event),
        kind if kind.starts_with("job.") => job(event),
        kind if kind.starts_with("health.") => health(event),
        _ => SAYING.iter().find_map(|name| event.text(name)).map_or_else(|| data(event), str::to_owned),
    }
}

fn number(event: &Event, name: &str) -> Option<u64> {
    event.data.get(name).and_then(Value::as_u64)
}

fn search(event: &Event) -> String {
    let hits = number(event, "hits").or(number(event, "total"));
    // One that was opened is called by its title.
    let said = hits.map(|hits| text::counted(hits, "hit", "hits"));
    of(event.text("query"), [said.or_else(|| event.text("title").map(str::to_owned))])
}

fn source(event: &Event) -> String {
    let counted = |name: &str| {
        let n = number(event, name).filter(|n| *n > 0)?;
        Some(format!("{} {name}", text::count(n)))
    };
    of(event.text("source"), ["taken", "changed", "unchanged", "skipped"].map(counted))
}

/// The job, and what became of the run.
fn job(event: &Event) -> String {
    if let Some(slugs) = event.data.get("slugs").and_then(Value::as_array) {
        return slugs.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    }
    let took = number(event, "took_ms").map(|ms| text::clocked(Duration::from_millis(ms)));
    let attempt = number(event, "attempt").filter(|attempt| *attempt > 1);
    // What the attempt before failed of is no word on the one that starts.
    let why = event.text("message").or(event.text("reason")).filter(|_| event.kind != "job.started");
    let facts = [
        event.text("when").map(str::to_owned),
        took,
        attempt.map(|attempt| format!("attempt {attempt}")),
        of_field::<Progress>(event, "progress").map(|found| progress(&found)),
        last_line(event),
        skipped(event).or_else(|| why.map(str::to_owned)),
    ];
    of(event.text("slug"), facts)
}

fn last_line(event: &Event) -> Option<String> {
    let line = event.data.get("lines")?.as_array()?.last()?;
    Some(line.get("text")?.as_str()?.to_owned())
}

fn skipped(event: &Event) -> Option<String> {
    let why = of_field::<Why>(event, "why")?.words();
    Some(match number(event, "slots") {
        Some(slots) if slots > 1 => format!("{why}, {} slots", text::count(slots)),
        _ => why.to_owned(),
    })
}

/// How far something is: `1,024 of 2,048 files, notes/a.md`.
pub fn progress(progress: &Progress) -> String {
    let done = text::count(progress.done);
    let mut said = match progress.total {
        Some(total) => format!("{done} of {}", text::count(total)),
        None => done,
    };
    if !progress.unit.is_empty() {
        said.push_str(&format!(" {}", progress.unit));
    }
    if !progress.note.is_empty() {
        said.push_str(&format!(", {}", progress.note));
    }
    said
}

/// `disk  down: no space left`, `disk  up, was down for 12 s`.
fn health(event: &Event) -> String {
    let status = event.text("status").unwrap_or_default();
    let time = |name: &str| event.text(name).and_then(|said| said.parse::<Time>().ok());
    let lasted = time("since").zip(time("was_since")).map(|(now, then)| text::clocked(now.since(then)));
    let said = match (event.text("cause"), event.text("was"), lasted) {
        (Some(cause), ..) => format!("{status}: {cause}"),
        (None, Some(was), Some(lasted)) => format!("{status}, was {was} for {lasted}"),
        _ => status.to_owned(),
    };
    of(event.text("component"), [Some(said)])
}

fn metrics(event: &Event) -> String {
    let counted = |name, one, many| number(event, name).map(|n| text::counted(n, one, many));
    let rate = event.data.get("events_per_s").and_then(Value::as_f64);
    let facts = [
        counted("memories", "memory", "memories"),
        counted("decisions", "decision", "decisions"),
        rate.map(|rate| format!("{rate:.1} events/s")),
        p95(event, "search"),
        p95(event, "commit"),
    ];
    of(None, facts)
}

fn p95(event: &Event, of: &str) -> Option<String> {
    let ms = event.data.get("latencies_ms")?.get(of)?.get("p95")?.as_f64()?;
    let took = Duration::try_from_secs_f64(ms / 1e3).ok()?;
    Some(format!("{of} P95 {}", text::span(took)))
}

/// Plain fields as they are, where nothing says more.
fn data(event: &Event) -> String {
    let plain = event.data.iter().filter(|(_, value)| !value.is_object() && !value.is_array());
    let field = |(name, value): (&String, &Value)| {
        format!("{name} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    of(None, plain.take(FIELDS_MAX).map(|one| Some(field(one))))
}

fn of_field<T: serde::de::DeserializeOwned>(event: &Event, name: &str) -> Option<T> {
    serde_json::from_value(event.data.get(name)?.clone()).ok()
}

/// `nightly  1.2 s, attempt 2`: what it is of, and the facts there are.
fn of(what: Option<&str>, facts: impl IntoIterator<Item = Option<String>>) -> String {
    let facts: Vec<_> = facts.into_iter().flatten().filter(|fact| !fact.is_empty()).collect();
    let parts = [what.unwrap_or_default(), &facts.join(", ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(GAP)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Actor, Id, Sequence, Severity};

    #[track_caller]
    fn check(kind: &str, data: Value, expected: &str) {
        let event = Event {
            id: Id::NIL,
            kind: kind.into(),
            subject: format!("_.{kind}").parse().unwrap(),
            time: Time::default(),
            sequence: Sequence(1),
            recorded_at: Time::default(),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor::hub(),
            severity: Severity::Info,
            sampled_rate: None,
            data: data.as_object().unwrap().clone(),
        };
        assert_eq!(about(&event), expected);
    }

    #[test]
    fn a_job_and_what_became_of_it() {
        let ran = json!({ "slug": "nightly", "attempt": 1, "took_ms": 1_204, "slot": "asked:1" });
        check("job.succeeded", ran, "nightly  1.2 s");
        let failed = json!({ "slug": "nightly", "attempt": 2, "took_ms": 90_000, "message": "status 1" });
        check("job.failed", failed, "nightly  1 min 30 s, attempt 2, status 1");
        let again = json!({ "slug": "nightly", "attempt": 2, "message": "status 1" });
        check("job.started", again, "nightly  attempt 2");
        let skipped = json!({ "slug": "nightly", "attempt": 0, "why": "queue_full", "slots": 3 });
        check("job.skipped", skipped, "nightly  as many wait as may, 3 slots");
        let progress = json!({ "slug": "nightly", "progress": { "done": 3, "total": 9, "unit": "files" } });
        check("job.progress", progress, "nightly  3 of 9 files");
        let lines = json!({ "slug": "nightly", "lines": [{ "text": "one" }, { "text": "two" }] });
        check("job.progress", lines, "nightly  two");
        check("job.paused", json!({ "slug": "nightly", "reason": "holidays" }), "nightly  holidays");
        let defined = json!({ "slug": "nightly", "title": "T", "when": "every hour", "kind": "http" });
        check("job.defined", defined, "nightly  every hour");
        check("job.defined", json!({ "slugs": ["a", "b"] }), "a, b");
    }

    #[test]
    fn a_part_of_the_hub_and_how_it_is() {
        let down = json!({
            "component": "disk", "status": "down", "was": "up", "was_since": "2026-11-21T10:00:00Z",
            "since": "2026-11-21T10:00:12Z", "cause": "no space left",
        });
        check("health.degraded", down, "disk  down: no space left");
        let up = json!({
            "component": "disk", "status": "up", "was": "down", "was_since": "2026-11-21T10:00:00Z",
            "since": "2026-11-21T10:00:12Z",
        });
        check("health.recovered", up, "disk  up, was down for 12 s");
        let metrics = json!({
            "memories": 4_354, "decisions": 1, "events_per_s": 0.31, "attached": 0,
            "latencies_ms": { "search": null, "commit": { "count": 9, "p95": 4.13 } },
        });
        check("hub.metrics", metrics, "4,354 memories, 1 decision, 0.3 events/s, commit P95 4.1 ms");
    }

    #[test]
    fn what_was_searched_for_and_what_else_there_is() {
        check("search.served", json!({ "query": "green canary", "hits": 3 }), "green canary  3 hits");
        check("search.served", json!({ "query": "canary", "title": "Canaries" }), "canary  Canaries");
        check("source.synced", json!({ "source": "~/n", "taken": 2, "skipped": 0 }), "~/n  2 taken");
        check("memory.saved", json!({ "id": Id::NIL, "title": "A title" }), "A title");
        check("team.deployed", json!({ "ok": true, "to": "prod", "of": [1] }), "ok true, to prod");
    }
}
