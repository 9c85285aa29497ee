//! Decisions over HTTP.

use serde_json::{Value, json};
use wheelhouse::door::ViewName;

use super::{Answer, ask};
use crate::harness::{House, until};

async fn decide(house: &House, body: Value) -> Answer {
    ask(&house.socket, "POST /api/v1/decisions", &[], &body.to_string()).await
}

async fn get(house: &House, path: &str) -> Answer {
    ask(&house.socket, &format!("GET /api/v1/decisions{path}"), &[], "").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_over_http() {
    let house = House::open().await;
    let socket = &house.socket;
    // The names of other tools; the answer has the canonical ones.
    let body = json!({
        "decision_title": "Store", "context": { "description": "We need one." }, "group_id": "My Team",
        "alternatives": ["redb", { "solution": "sled", "pros": ["Rust"], "cons": "beta" }],
        "chosen_solution": "sled", "justification": "fast", "confidence_score": 0.75, "tags": "a, b",
        "review_on": "2026-11-21",
    });
    let path = "POST /api/v1/decisions";
    let recorded = ask(socket, path, &["Idempotency-Key: k1"], &body.to_string()).await;
    assert_eq!((recorded.status, recorded.header("etag")), (201, Some("\"1\"")), "{}", recorded.body);
    let decision = recorded.json();
    let id = decision["id"].as_str().unwrap().to_owned();
    assert_eq!(recorded.header("location"), Some(format!("/api/v1/decisions/{id}").as_str()));
    assert_eq!(
        (&decision["number"], &decision["status"], &decision["title"], &decision["project"]),
        (&json!("D-0001"), &json!("accepted"), &json!("Store"), &json!("my-team"))
    );
    assert_eq!(decision["options"][1], json!({ "title": "sled", "pros": ["Rust"], "cons": ["beta"] }));
    assert_eq!((&decision["rationale"], &decision["confidence"]), (&json!("fast"), &json!(0.75)));
    let again = ask(socket, path, &["Idempotency-Key: k1"], &body.to_string()).await;
    assert_eq!(again.json()["id"], json!(id));

    let read = get(&house, "/d-1").await;
    assert_eq!((read.status, read.header("etag"), &read.json()["id"]), (200, Some("\"1\""), &json!(id)));
    let edit = async |tag: &str, body: &str| {
        ask(socket, "PATCH /api/v1/decisions/D-0001", &[&format!("If-Match: {tag}")], body).await
    };
    let changed = edit("\"1\"", r#"{"status":"implemented"}"#).await;
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{}", changed.body);
    let stale = edit("\"1\"", r#"{"status":"validated"}"#).await;
    assert_eq!((stale.status, &stale.json()["code"]), (409, &json!("conflict")));
    let settled = edit("*", r#"{"rationale":"another"}"#).await;
    assert_eq!((settled.status, &settled.json()["code"]), (409, &json!("conflict")));
    assert!(settled.json()["hint"].as_str().unwrap().starts_with("supersede it"), "{}", settled.body);

    let due = get(&house, "/review-due").await.json();
    assert_eq!(due["decisions"][0]["number"], json!("D-0001"));
    assert_eq!(get(&house, "/review-due?project=other").await.json()["decisions"], json!([]));
    let outcome = r#"{"outcome":"success","rating":4,"lessons_learned":"less is more"}"#;
    let outcome = ask(socket, &format!("POST /api/v1/decisions/{id}/outcome"), &[], outcome).await;
    assert_eq!(outcome.status, 200, "{}", outcome.body);
    assert_eq!(
        (&outcome.json()["outcome"]["status"], &outcome.json()["outcome"]["note"]),
        (&json!("successful"), &json!("less is more"))
    );
    let calibration = get(&house, "/calibration").await.json();
    assert_eq!((&calibration["n"], &calibration["brier"]), (&json!(1), &json!(0.0625)));

    let heir = ask(socket, "POST /api/v1/decisions/1/supersede", &[], r#"{"title":"Another store"}"#).await;
    assert_eq!((heir.status, &heir.json()["number"]), (201, &json!("D-0002")), "{}", heir.body);
    assert_eq!((&heir.json()["supersedes"], &heir.json()["project"]), (&json!([id]), &json!("my-team")));
    let old = get(&house, "/1").await.json();
    assert_eq!((&old["superseded_by"], &old["status"]), (&heir.json()["id"], &json!("superseded")));
    assert_eq!(get(&house, "/1/history").await.json()["revisions"].as_array().unwrap().len(), 4);
    let file = get(&house, "/D-0001/export.md").await;
    assert_eq!(file.header("content-type"), Some("text/markdown; charset=utf-8"));
    assert!(file.body.contains("superseded by [Another store](0002-another-store.md)"), "{}", file.body);
    let listed = get(&house, "?tag=a&all_statuses=1&order=number").await.json();
    assert_eq!(listed["decisions"].as_array().unwrap().len(), 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_decision_is_said() {
    let house = House::open().await;
    let unknown = decide(&house, json!({ "title": "t", "rationalle": "x" })).await;
    assert_eq!(
        (unknown.status, unknown.json()["message"].as_str()),
        (400, Some("unknown field `rationalle`"))
    );
    let hint = unknown.json()["hint"].as_str().unwrap().to_owned();
    assert!(hint.starts_with("did you mean `rationale`?"), "{hint}");
    let inside = decide(&house, json!({ "title": "t", "options": [{ "title": "a", "proos": [] }] })).await;
    assert!(inside.json()["hint"].as_str().unwrap().starts_with("did you mean `pros`?"), "{}", inside.body);
    for (path, message) in [
        ("?colour=red", "`colour` is no parameter here"),
        ("?status=fine", "`status` cannot be \"fine\""),
        ("?order=best", "`order` cannot be \"best\""),
        ("?review_before=soon", "`review_before` cannot be \"soon\""),
        ("/D-0001?x=1", "`x` is no parameter here"),
        ("/review-due?order=number", "`order` is no parameter here"),
        ("/no-number", "\"no-number\" names no decision"),
    ] {
        let refused = get(&house, path).await;
        assert_eq!((refused.status, refused.json()["message"].as_str()), (400, Some(message)), "{path}");
    }
    assert_eq!(get(&house, "/D-0001").await.status, 404);
    let large = json!({ "title": "t", "context": "x".repeat(2 << 20) }).to_string();
    let refused = ask(&house.socket, "POST /api/v1/decisions", &[], &large).await;
    assert!(refused.json()["message"].as_str().unwrap().starts_with("the body has over"), "{}", refused.body);
    house.close().await;
}

/// Whoever comes second gets the next number: none is given twice, none is left out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_have_two_numbers() {
    let house = House::open().await;
    let wish = |n: usize| decide(&house, json!({ "title": format!("t {n}"), "number": "D-0001" }));
    let answers = futures::future::join_all((0..4).map(wish)).await;
    let mut numbers: Vec<String> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 201, "{}", answer.body);
            answer.json()["number"].as_str().unwrap().to_owned()
        })
        .collect();
    numbers.sort();
    assert_eq!(numbers, ["D-0001", "D-0002", "D-0003", "D-0004"]);
    // Nor does one of two who speak of the same decision at once have to say it again.
    let outcome = |n| {
        let body = format!(r#"{{"status":"failed","note":"{n}"}}"#);
        let socket = house.socket.clone();
        async move { ask(&socket, "POST /api/v1/decisions/1/outcome", &[], &body).await.status }
    };
    assert_eq!(futures::future::join_all((0..4).map(outcome)).await, [200; 4]);
    assert_eq!(get(&house, "/1").await.json()["revision"], json!(5));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_outlive_the_hub_and_its_view() {
    let house = House::open().await;
    decide(&house, json!({ "title": "kept", "number": "D-0042", "confidence": 0.5 })).await;
    ask(&house.socket, "POST /api/v1/decisions/42/supersede", &[], r#"{"title":"next"}"#).await;
    ask(&house.socket, "POST /api/v1/decisions/42/outcome", &[], r#"{"status":"failed"}"#).await;
    let before = everything(&house).await;
    assert_eq!(before[0]["decisions"].as_array().unwrap().len(), 2);
    assert_eq!(before[2]["n"], json!(1), "what was superseded counts");
    let (clock, socket) = (house.clock.clone(), house.socket.clone());
    let dir = house.close().await;
    std::fs::remove_file(socket).unwrap();
    let house = House::open_in(dir, clock).await;
    assert_eq!(everything(&house).await, before, "opened again");
    house.door.reindex(&house.caller(), ViewName::Records).await.unwrap();
    assert_eq!(everything(&house).await, before, "made anew from the log");
    assert_eq!(house.door.fsck(&house.caller()).await.unwrap().damage, []);
    let next = decide(&house, json!({ "title": "t", "number": "D-0042" })).await;
    assert_eq!(next.json()["number"], json!("D-0044"), "a number is given once");
    house.close().await;
}

/// All that is said of decisions, from a view that is ready.
async fn everything(house: &House) -> [Value; 3] {
    until("the records", || async {
        let status = house.door.status().await.unwrap();
        status.view(ViewName::Records).is_some_and(|view| view.is_ready()).then_some(())
    })
    .await;
    let mut said = [Value::Null, Value::Null, Value::Null];
    for (said, path) in said.iter_mut().zip(["?any_status=true&order=number", "/42/history", "/calibration"])
    {
        let answer = get(house, path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        *said = answer.json();
    }
    said
}
