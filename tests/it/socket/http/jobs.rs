//! Jobs and health over HTTP.

use serde::Serialize;
use serde_json::{Value, json};
use wheelhouse::door::{JobRef, RunsRequest, WhichRuns};

use super::{Answer, ask};
use crate::harness::{House, until};

async fn get(house: &House, path: &str) -> Answer {
    ask(&house.socket, &format!("GET /api/v1{path}"), &[], "").await
}

async fn post(house: &House, path: &str, body: &str) -> Answer {
    ask(&house.socket, &format!("POST /api/v1{path}"), &[], body).await
}

async fn define(house: &House, slug: &str, shell: &str) -> Answer {
    let body = json!({ "slug": slug, "kind": { "command": ["sh", "-c", shell] }, "timeout": "10m" });
    post(house, "/jobs", &body.to_string()).await
}

/// The run once nothing more is to come of it.
async fn ended(house: &House, id: &str) -> Value {
    until("the end of a run", || async {
        let run = get(house, &format!("/runs/{id}")).await.json();
        let live = ["queued", "running", "retrying"].contains(&run["state"].as_str().unwrap());
        (!live).then_some(run)
    })
    .await
}

#[track_caller]
fn same<T: Serialize>(answer: &Answer, expected: &T) {
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, serde_json::to_string(expected).unwrap().as_str())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_over_http() {
    let house = House::with_commands().await;
    let (door, caller) = (house.door.clone(), house.caller());
    let slug = |name: &str| JobRef::Slug(name.to_owned());
    let made = define(&house, "greet", "echo hello; echo oh >&2").await;
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")), "{}", made.body);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), Some(format!("/api/v1/jobs/{id}").as_str()));
    let changed = define(&house, "greet", "echo hello").await;
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{}", changed.body);
    same(&get(&house, "/jobs").await, &json!({ "jobs": door.jobs(&caller).await.unwrap() }));
    for name in ["greet", id.as_str()] {
        same(&get(&house, &format!("/jobs/{name}")).await, &door.job(&caller, slug("greet")).await.unwrap());
    }

    let run = post(&house, "/jobs/greet/run", "").await;
    assert_eq!((run.status, &run.json()["slug"]), (202, &json!("greet")), "{}", run.body);
    let run_id = run.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(run.header("location"), Some(format!("/api/v1/runs/{run_id}").as_str()));
    assert_eq!(ended(&house, &run_id).await["state"], json!("succeeded"));
    let parsed = run_id.parse().unwrap();
    same(&get(&house, &format!("/runs/{run_id}")).await, &door.run(&caller, parsed).await.unwrap());
    let log = get(&house, &format!("/runs/{run_id}/logs")).await;
    same(&log, &door.run_log(&caller, parsed, 0, 0).await.unwrap());
    let lines = log.json()["lines"].as_array().unwrap().clone();
    assert!(lines.iter().any(|line| line["text"] == "hello"), "{}", log.body);
    let cursor = log.json()["cursor"].clone();
    let rest = get(&house, &format!("/runs/{run_id}/logs?after={cursor}&limit=3")).await.json();
    assert_eq!((&rest["lines"], &rest["cursor"], &rest["live"]), (&json!([]), &cursor, &json!(false)));

    let runs = RunsRequest { job: Some(slug("greet")), limit: 1, ..RunsRequest::default() };
    same(&get(&house, "/runs?job=greet&which=all&limit=1").await, &door.runs(&caller, runs).await.unwrap());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_cancelled_and_a_dead_letter_seen_to_over_http() {
    let house = House::with_commands().await;
    let (door, caller) = (house.door.clone(), house.caller());
    assert_eq!(define(&house, "waits", "exec sleep 600").await.status, 201);
    let waits = post(&house, "/jobs/waits/run", "").await.json()["id"].as_str().unwrap().to_owned();
    let live = get(&house, "/runs?which=live").await.json();
    assert_eq!(live["items"][0]["id"], json!(waits));
    let cancelled = post(&house, &format!("/runs/{waits}/cancel"), "").await;
    assert_eq!(cancelled.status, 202, "{}", cancelled.body);
    assert_eq!(ended(&house, &waits).await["state"], json!("cancelled"));
    assert_eq!(post(&house, &format!("/runs/{waits}/cancel"), "").await.status, 409);

    assert_eq!(define(&house, "fails", "exit 64").await.status, 201);
    let fails = post(&house, "/jobs/fails/run", "").await.json()["id"].as_str().unwrap().to_owned();
    let dead = ended(&house, &fails).await;
    assert_eq!((&dead["state"], &dead["error"]["code"]), (&json!("dead"), &json!("invalid")));
    let request = RunsRequest { which: WhichRuns::Dead, ..RunsRequest::default() };
    let listed = get(&house, "/dead").await;
    same(&listed, &door.runs(&caller, request).await.unwrap());
    assert_eq!(listed.json()["items"][0]["id"], json!(fails));
    assert_eq!(get(&house, "/runs?which=dead&job=fails").await.json(), listed.json());
    assert_eq!(get(&house, "/dead?job=waits").await.json()["items"], json!([]));
    let again = post(&house, &format!("/runs/{fails}/retry"), "").await;
    assert_eq!((again.status, &again.json()["retry_of"]), (202, &json!(fails)), "{}", again.body);
    let again = again.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(ended(&house, &again).await["state"], json!("dead"));
    let seen = post(&house, &format!("/runs/{again}/dismiss"), "").await;
    assert_eq!((seen.status, &seen.json()["state"]), (200, &json!("failed")), "{}", seen.body);
    assert_eq!(get(&house, "/dead").await.json()["items"], json!([]));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_held_back_over_http_in_words() {
    let house = House::with_commands().await;
    let body = json!({
        "slug": "daily", "project": "team", "schedule": { "cron": "30 2 * * *", "zone": "Europe/Berlin" },
        "kind": { "command": ["true"] }, "overlap": "queue_all",
    });
    assert_eq!(post(&house, "/jobs", &body.to_string()).await.status, 201);
    let paused = post(&house, "/jobs/daily/pause", r#"{"reason":"moving","until":"2h"}"#).await;
    assert_eq!(paused.status, 200, "{}", paused.body);
    assert_eq!(paused.json()["paused"]["until"], json!("2026-11-21T12:00:00.000Z"));
    assert_eq!(post(&house, "/jobs/daily/resume", "").await.json()["paused"], Value::Null);
    assert_eq!(post(&house, "/jobs/daily/pause", "").await.json()["paused"]["reason"], json!(""));
    assert_eq!(post(&house, "/jobs/daily/resume", "").await.status, 200);
    assert_eq!(post(&house, "/jobs/daily/disable", "").await.json()["enabled"], json!(false));
    assert_eq!(post(&house, "/jobs/daily/enable", "").await.json()["enabled"], json!(true));
    let next = get(&house, "/jobs/daily/next?count=2&after=tomorrow").await;
    let (caller, after) = (house.caller(), Some("2026-11-22".parse().unwrap()));
    let slots = house.door.next_slots(&caller, JobRef::Slug("daily".into()), 2, after).await.unwrap();
    same(&next, &json!({ "slots": slots }));
    assert_eq!(next.json()["slots"][0], json!("2026-11-22T01:30:00.000Z"));
    let filled = post(&house, "/jobs/daily/backfill", r#"{"after":"3d","until":"2026-11-20"}"#).await;
    assert_eq!(filled.status, 202, "{}", filled.body);
    let slots: Vec<Value> =
        filled.json()["runs"].as_array().unwrap().iter().map(|run| run["slot"].clone()).collect();
    assert_eq!(slots, ["at:2026-11-19T01:30:00.000Z"]);

    // Behind a wall it is not there.
    let wall = ["X-Wheelhouse-Projects: other"];
    let ask = async |request: &str| ask(&house.socket, request, &wall, "").await;
    assert_eq!(ask("GET /api/v1/jobs/daily").await.status, 404);
    assert_eq!(ask("POST /api/v1/jobs/daily/run").await.status, 404);
    let jobs = ask("GET /api/v1/jobs").await.json();
    assert!(jobs["jobs"].as_array().unwrap().iter().all(|job| job["slug"] != "daily"), "{jobs}");
    assert_eq!(ask("GET /api/v1/runs").await.json()["items"], json!([]));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_job_is_said() {
    let house = House::with_commands().await;
    assert_eq!(define(&house, "greet", "true").await.status, 201);
    for (path, status, message) in [
        ("/jobs?x=1", 400, "`x` is no parameter here"),
        ("/jobs/greeet", 404, "no job greeet"),
        ("/jobs/a%2Fb", 404, "no job a/b"),
        ("/jobs/greet/next?count=many", 400, "`count` cannot be \"many\""),
        ("/jobs/greet/next?after=soon", 400, "`after` cannot be \"soon\""),
        ("/runs?which=best", 400, "`which` cannot be \"best\""),
        ("/runs?colour=red", 400, "`colour` is no parameter here"),
        ("/dead?which=all", 400, "`which` is no parameter here"),
        ("/runs/7", 400, "\"7\" is not an id"),
        ("/runs/7/logs?after=x", 400, "`after` cannot be \"x\""),
        ("/health?x=1", 400, "`x` is no parameter here"),
        ("/health/dsk", 404, "no component is called \"dsk\""),
        ("/health/trends?after=soon", 400, "`after` cannot be \"soon\""),
    ] {
        let refused = get(&house, path).await;
        assert_eq!((refused.status, refused.json()["message"].as_str()), (status, Some(message)), "{path}");
    }
    for (path, body, status, message) in [
        ("/jobs", r#"{"slug":"a","kind":{"command":["a"]},"retri":{}}"#, 400, "unknown field `retri`"),
        ("/jobs/greet/pause", r#"{"until":"soon"}"#, 400, "`until` cannot be \"soon\""),
        ("/jobs/greet/pause", r#"{"reson":"x"}"#, 400, "unknown field `reson`"),
        ("/jobs/greet/backfill", r#"{"after":"soon","until":"now"}"#, 400, "`after` cannot be \"soon\""),
        ("/jobs/greet/run?now=1", "", 400, "`now` is no parameter here"),
        ("/jobs/zeppelin/run", "", 404, "no job zeppelin"),
    ] {
        let refused = post(&house, path, body).await;
        assert_eq!((refused.status, refused.json()["message"].as_str()), (status, Some(message)), "{path}");
    }
    let meant = get(&house, "/jobs/greeet").await.json();
    assert_eq!(meant["hint"], json!("did you mean greet?"));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_over_http() {
    let house = House::with_commands().await;
    until("the hub", || async { (get(&house, "/readyz").await.status == 200).then_some(()) }).await;
    let ready = ask(&house.socket, "GET /readyz", &[], "").await;
    assert_eq!((ready.status, ready.json()), (200, json!({ "status": "ready" })));
    let health = ask(&house.socket, "GET /health", &[], "").await;
    assert_eq!(
        (health.status, health.header("content-type")),
        (200, Some("application/json")),
        "{}",
        health.body
    );
    assert_eq!(health.header("cache-control"), Some("no-store"));
    let accept = ["Accept: application/health+json, */*;q=0.1"];
    let asked = ask(&house.socket, "GET /api/v1/health", &accept, "").await;
    assert_eq!(asked.header("content-type"), Some("application/health+json"));
    let log = get(&house, "/health/log").await;
    assert_eq!((log.status, &log.json()["status"]), (200, &health.json()["components"]["log"]["status"]));
    let trends = get(&house, "/health/trends?after=1h").await.json();
    assert!(trends["points"].is_array() && trends["step_ms"].is_u64(), "{trends}");
    house.close().await;
}
