//! Every route, described.

use serde_json::{Value, json};

use super::{super::events::Page, Operation, Schemas};
use crate::{
    door::{
        Backfill, Component, DecisionPage, DecisionPatch, DecisionRevision, DecisionsTaken, EventStats,
        Forgotten, FsckReport, Health, ImportedDecision, JobView, KeyView, Limit, MadeKey, MemoryPage,
        MemoryPatch, NewDecision, NewEvent, NewJob, NewKey, NewMemory, NewOutcome, NewPause, Publish,
        Published, Revision, RunLog, RunPage, RunView, Saved, SavedDecision, SearchAnswer, SearchRequest,
        Status, SuggestAnswer, Trends, Upsert, UpsertDone, ViewName,
    },
    model::{Calibration, Decision, Memory, Time, job::Span},
};

pub const TAGS: [(&str, &str); 8] = [
    ("memories", "What is worth knowing again."),
    ("decisions", "What was chosen and why, and what came of it."),
    ("search", "One search over memories and decisions."),
    ("events", "What happened: pages, counts, streams; and telling what happened elsewhere."),
    ("jobs", "What is done and when, and what became of it."),
    ("keys", "Who may do what from outside."),
    ("hub", "The hub itself."),
    ("probes", "Whether it lives and how it does."),
];

const MEMORIES: &[&str] =
    &["project", "no_project", "type", "tag", "status", "actor", "since", "until", "origin"];
const DECISIONS: &[&str] = &[
    "project",
    "no_project",
    "status",
    "any_status",
    "tag",
    "type",
    "category",
    "review_before",
    "has_outcome",
    "text",
    "since",
    "until",
];
const EVENTS: &[&str] = &[
    "subject",
    "project",
    "no_project",
    "since",
    "until",
    "correlation",
    "causation",
    "actor",
    "severity",
    "text",
];
const PAGE_OF_EVENTS: &[&str] =
    &["after_cursor", "before_cursor", "recorded_since", "recorded_until", "order", "limit"];

fn op(asks: &str, name: &str, tag: &str, summary: &str) -> Operation {
    Operation::new(asks, name, tag, summary)
}

/// `{"name": [schema]}`.
fn list(name: &str, schema: Value) -> Value {
    object(&[(name, json!({ "type": "array", "items": schema }))])
}

fn object(fields: &[(&str, Value)]) -> Value {
    let properties: serde_json::Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn text() -> Value {
    json!({ "type": "string" })
}

pub fn all(schemas: &mut Schemas) -> Vec<Operation> {
    let parts = [
        memories(schemas),
        decisions(schemas),
        search(schemas),
        events(schemas),
        jobs(schemas),
        runs(schemas),
        keys(schemas),
        hub(schemas),
        probes(schemas, ""),
        probes(schemas, "/api/v1"),
    ];
    parts.into_iter().flatten().collect()
}

fn memories(s: &mut Schemas) -> Vec<Operation> {
    vec![
        op("POST /api/v1/memories", "addMemory", "memories", "Save a memory")
            .takes(s.of::<NewMemory>())
            .writes(201, s.of::<Saved>())
            .repeatable(),
        op("GET /api/v1/memories", "listMemories", "memories", "A page of memories, without ranking")
            .describe("With `ids`, once or more, exactly those and nothing beside them.")
            .with(MEMORIES)
            .with(&["order", "cursor", "limit", "forgotten", "ids"])
            .answers(200, s.of::<MemoryPage>()),
        op("POST /api/v1/memories/bulk", "bulkMemories", "memories", "Save many, each known by its url")
            .takes(s.of::<Upsert>())
            .writes(200, s.of::<UpsertDone>()),
        op("GET /api/v1/memories/{id}", "getMemory", "memories", "A memory").answers(200, s.of::<Memory>()),
        op("PATCH /api/v1/memories/{id}", "editMemory", "memories", "Change the fields that are given")
            .of_revision()
            .takes(s.of::<MemoryPatch>())
            .writes(200, s.of::<Saved>()),
        op("DELETE /api/v1/memories/{id}", "forgetMemory", "memories", "Hide a memory, to be erased")
            .describe("Hidden at once and erased after a day, or at once with `now`. The answer says which.")
            .with(&["now"])
            .writes(200, s.of::<Forgotten>()),
        op("GET /api/v1/memories/{id}/history", "memoryHistory", "memories", "Every revision, newest first")
            .answers(200, list("revisions", s.of::<Revision>())),
        op("POST /api/v1/memories/{id}/supersede", "supersedeMemory", "memories", "Save one in its place")
            .takes(s.of::<NewMemory>())
            .writes(201, s.of::<Saved>())
            .repeatable(),
        op("POST /api/v1/memories/{id}/restore", "restoreMemory", "memories", "Bring back what was hidden")
            .writes(200, s.of::<Saved>()),
        op("POST /api/v1/memories/{id}/opened", "openedMemory", "memories", "Tell that a result was opened")
            .may_take(json!({
                "type": "object", "additionalProperties": false,
                "properties": { "query": { "type": "string" } },
            }))
            .answer(204, &[]),
    ]
}

fn decisions(s: &mut Schemas) -> Vec<Operation> {
    let page = &["order", "cursor", "limit"];
    vec![
        op("POST /api/v1/decisions", "decide", "decisions", "Record a decision")
            .takes(s.of::<NewDecision>())
            .writes(201, s.of::<SavedDecision>())
            .repeatable(),
        op("GET /api/v1/decisions", "listDecisions", "decisions", "A page of decisions")
            .with(DECISIONS)
            .with(page)
            .answers(200, s.of::<DecisionPage>()),
        op("GET /api/v1/decisions/review-due", "decisionsToReview", "decisions", "Those whose review has come")
            .with(DECISIONS)
            .with(&["cursor", "limit"])
            .answers(200, s.of::<DecisionPage>()),
        op("GET /api/v1/decisions/calibration", "calibration", "decisions", "How confidence met outcomes")
            .with(DECISIONS)
            .answers(200, s.of::<Calibration>()),
        op("POST /api/v1/decisions/import", "importDecisions", "decisions", "Take over decision records")
            .takes(json!({ "type": "array", "items": s.of::<ImportedDecision>() }))
            .writes(200, s.of::<DecisionsTaken>()),
        op("GET /api/v1/decisions/{id}", "getDecision", "decisions", "A decision")
            .answers(200, s.of::<Decision>()),
        op("PATCH /api/v1/decisions/{id}", "editDecision", "decisions", "Change the fields that are given")
            .describe("Of one that is settled only status, outcome and review; a change is a decision that supersedes it.")
            .of_revision()
            .takes(s.of::<DecisionPatch>())
            .writes(200, s.of::<SavedDecision>()),
        op("POST /api/v1/decisions/{id}/supersede", "supersedeDecision", "decisions", "Decide anew, in its place")
            .takes(s.of::<NewDecision>())
            .writes(201, s.of::<SavedDecision>())
            .repeatable(),
        op("POST /api/v1/decisions/{id}/outcome", "recordOutcome", "decisions", "Say what came of it")
            .takes(s.of::<NewOutcome>())
            .writes(200, s.of::<SavedDecision>()),
        op("GET /api/v1/decisions/{id}/history", "decisionHistory", "decisions", "Every revision, newest first")
            .answers(200, list("revisions", s.of::<DecisionRevision>())),
        op("GET /api/v1/decisions/{id}/export.md", "decisionFile", "decisions", "As a file of decision records")
            .answer(200, &[("text/markdown", text())]),
    ]
}

fn search(s: &mut Schemas) -> Vec<Operation> {
    vec![
        op("GET /api/v1/search", "search", "search", "Ranked memories and decisions for a query")
            .with(&["q", "limit", "mode", "without", "explain", "as_you_type", "cursor", "zone"])
            .with(MEMORIES)
            .answers(200, s.of::<SearchAnswer>()),
        op("POST /api/v1/search", "searchByBody", "search", "The same, asked by an object")
            .describe("Either `filter`, or its fields by the names they have as parameters.")
            .takes(json!({ "allOf": [s.of::<SearchRequest>()] }))
            .answers(200, s.of::<SearchAnswer>()),
        op("GET /api/v1/search/suggest", "suggest", "search", "How the last word of a query may go on")
            .with(&["q", "at", "limit"])
            .with(MEMORIES)
            .answers(200, s.of::<SuggestAnswer>()),
    ]
}

fn events(s: &mut Schemas) -> Vec<Operation> {
    vec![
        op("POST /api/v1/events", "publishEvents", "events", "Tell what happened elsewhere")
            .describe("One event, or `events` with many, which are recorded together or not at all.")
            .takes(json!({ "oneOf": [s.of::<Publish>(), s.of::<NewEvent>()] }))
            .writes(201, s.of::<Published>())
            .repeatable(),
        op("GET /api/v1/events", "listEvents", "events", "A page of events")
            .with(EVENTS)
            .with(PAGE_OF_EVENTS)
            .with(&["format"])
            .answer(200, &[("application/json", s.of::<Page>()), ("application/x-ndjson", text()), ("text/csv", text())]),
        op("GET /api/v1/events/stats", "countEvents", "events", "Events counted by type")
            .with(EVENTS)
            .with(PAGE_OF_EVENTS)
            .with(&["buckets", "by"])
            .answers(200, s.of::<EventStats>()),
        op("GET /api/v1/events/stream", "streamEvents", "events", "Events as server-sent events, without end")
            .with(EVENTS)
            .with(&["after_cursor"])
            .header("Last-Event-ID", "the cursor of the last event that was seen")
            .answer(200, &[("text/event-stream", text())]),
        op("GET /api/v1/events/ws", "openSocket", "events", "Events over a WebSocket")
            .describe("Subprotocol `wheelhouse.v1`; the frames are in docs/websocket.md. A key may come in the first frame.")
            .answer(101, &[]),
    ]
}

fn jobs(s: &mut Schemas) -> Vec<Operation> {
    let job = s.of::<JobView>();
    let run = s.of::<RunView>();
    let time = s.of::<Time>();
    vec![
        op("POST /api/v1/jobs", "defineJob", "jobs", "Define a job, or define it anew")
            .takes(s.of::<NewJob>())
            .answers(201, job.clone())
            .answers(200, job.clone()),
        op("GET /api/v1/jobs", "listJobs", "jobs", "All jobs").answers(200, list("jobs", job.clone())),
        op("GET /api/v1/jobs/{job}", "getJob", "jobs", "A job").answers(200, job.clone()),
        op("POST /api/v1/jobs/{job}/run", "runJob", "jobs", "Run it now").answers(202, run.clone()),
        op("POST /api/v1/jobs/{job}/pause", "pauseJob", "jobs", "Let its slots pass, until it is resumed")
            .may_take(s.of::<NewPause>())
            .answers(200, job.clone()),
        op("POST /api/v1/jobs/{job}/resume", "resumeJob", "jobs", "Let it run again")
            .answers(200, job.clone()),
        op("POST /api/v1/jobs/{job}/enable", "enableJob", "jobs", "Let it have slots")
            .answers(200, job.clone()),
        op("POST /api/v1/jobs/{job}/disable", "disableJob", "jobs", "Let it have no slots").answers(200, job),
        op(
            "POST /api/v1/jobs/{job}/backfill",
            "backfillJob",
            "jobs",
            "Run its slots of a time that has passed",
        )
        .takes(s.of::<Backfill>())
        .answers(202, list("runs", run)),
        op("GET /api/v1/jobs/{job}/next", "nextSlots", "jobs", "When it runs next")
            .with(&["count", "after"])
            .answers(200, list("slots", time)),
    ]
}

fn runs(s: &mut Schemas) -> Vec<Operation> {
    let page = s.of::<RunPage>();
    let run = s.of::<RunView>();
    vec![
        op("GET /api/v1/runs", "listRuns", "jobs", "A page of runs, newest first")
            .with(&["job", "which", "limit", "after"])
            .answers(200, page.clone()),
        op("GET /api/v1/runs/{id}", "getRun", "jobs", "A run").answers(200, run.clone()),
        op("GET /api/v1/runs/{id}/logs", "runLog", "jobs", "What it wrote")
            .with(&["after", "limit"])
            .answers(200, s.of::<RunLog>()),
        op("POST /api/v1/runs/{id}/cancel", "cancelRun", "jobs", "End it").answers(202, run.clone()),
        op("POST /api/v1/runs/{id}/retry", "retryRun", "jobs", "Run its slot again")
            .answers(202, run.clone()),
        op("POST /api/v1/runs/{id}/dismiss", "dismissRun", "jobs", "Take it off the list of the dead")
            .answers(200, run),
        op("GET /api/v1/dead", "listDead", "jobs", "Runs that failed for good")
            .with(&["job", "limit", "after"])
            .answers(200, page),
    ]
}

fn keys(s: &mut Schemas) -> Vec<Operation> {
    let made = s.of::<MadeKey>();
    let all = list("keys", s.of::<KeyView>());
    let overlap = json!({
        "type": "object", "additionalProperties": false, "properties": { "overlap": s.of::<Span>() },
    });
    vec![
        op("GET /api/v1/keys", "listKeys", "keys", "All keys, without their secrets")
            .answers(200, all.clone()),
        op("POST /api/v1/keys", "createKey", "keys", "Make a key; its secret is said once")
            .describe("It can do no more than the key that makes it.")
            .takes(s.of::<NewKey>())
            .writes(201, made.clone()),
        op("DELETE /api/v1/keys/{key}", "revokeKey", "keys", "End a key, and what is open with it")
            .answers(200, all),
        op("POST /api/v1/keys/{key}/rotate", "rotateKey", "keys", "Another secret for the same holder")
            .may_take(overlap)
            .writes(201, made),
    ]
}

fn hub(s: &mut Schemas) -> Vec<Operation> {
    let view = object(&[("view", s.of::<ViewName>())]);
    vec![
        op("GET /api/v1/status", "status", "hub", "What the hub is and how it does")
            .answers(200, s.of::<Status>()),
        op("GET /api/v1/limits", "limits", "hub", "Every bound that a client can meet")
            .answers(200, list("limits", s.of::<Limit>())),
        op("POST /api/v1/reindex", "reindex", "hub", "Make a view anew from the log")
            .takes(view.clone())
            .answers(202, view),
        op("GET /api/v1/fsck", "fsck", "hub", "Read every frame and hold every view against it")
            .answers(200, s.of::<FsckReport>()),
        op("GET /api/v1/export", "export", "hub", "Every record, then every event, a line each")
            .answer(200, &[("application/x-ndjson", text())]),
        op("GET /openapi.json", "openapi", "hub", "This document").answers(200, json!({ "type": "object" })),
        op("GET /api/v1/openapi.json", "openapiOfVersion", "hub", "This document")
            .answers(200, json!({ "type": "object" })),
        op("GET /docs", "docs", "hub", "This document, as a page").answer(200, &[("text/html", text())]),
    ]
}

fn probes(s: &mut Schemas, under: &str) -> Vec<Operation> {
    let of = |name: &str| if under.is_empty() { name.to_owned() } else { format!("{name}OfVersion") };
    let word = object(&[("status", text())]);
    let health = s.of::<Health>();
    let component = s.of::<Component>();
    let both =
        |schema: &Value| [("application/json", schema.clone()), ("application/health+json", schema.clone())];
    vec![
        op(&format!("GET {under}/livez"), &of("livez"), "probes", "Whether the process answers")
            .answers(200, word.clone()),
        op(&format!("GET {under}/readyz"), &of("readyz"), "probes", "Whether requests do well to come here")
            .answers(200, word),
        op(&format!("GET {under}/health"), &of("health"), "probes", "How every part does")
            .answer(200, &both(&health))
            .answer(503, &both(&health)),
        op(&format!("GET {under}/health/trends"), &of("trends"), "probes", "The last hour in steps")
            .with(&["after"])
            .answers(200, s.of::<Trends>()),
        op(&format!("GET {under}/health/{{component}}"), &of("component"), "probes", "How one part does")
            .answer(200, &both(&component))
            .answer(503, &both(&component)),
    ]
}
