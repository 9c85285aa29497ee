//! The surface as bytes: what a client that is not ours sends and gets.

mod decisions;
mod jobs;

use std::path::Path;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::{
    harness::{House, note, text},
    http::{Answer, receive, send},
};

/// One request on a connection of its own. `headers` are whole lines.
async fn ask(socket: &Path, request: &str, headers: &[&str], body: &str) -> Answer {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    send(&mut stream, request, &[&["host: hub"], headers].concat(), body).await;
    receive(&mut stream).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memory_over_http() {
    let house = House::open().await;
    let socket = &house.socket;
    let correlation = "01a1fd8c-6900-7000-8000-00000000ffff";
    let saved = ask(
        socket,
        "POST /api/v1/memories",
        &[&format!("X-Correlation-Id: {correlation}"), "X-Wheelhouse-Tool: curl", "Idempotency-Key: k1"],
        r#"{"text":"told over HTTP","tags":"a, b","group_id":"My Team"}"#,
    )
    .await;
    assert_eq!((saved.status, saved.header("etag")), (201, Some("\"1\"")), "{}", saved.body);
    assert_eq!(saved.header("x-correlation-id"), Some(correlation));
    let memory = saved.json();
    let id = memory["id"].as_str().unwrap();
    assert_eq!(saved.header("location"), Some(format!("/api/v1/memories/{id}").as_str()));
    assert_eq!(
        (&memory["content"], &memory["tags"], &memory["project"], &memory["correlation_id"]),
        (&json!("told over HTTP"), &json!(["a", "b"]), &json!("my-team"), &json!(correlation))
    );
    let user = wheelhouse::api::own_user();
    assert_eq!(memory["origin"]["actor"], json!(format!("user:{user}/curl")));

    let path = format!("/api/v1/memories/{id}");
    let changed = ask(socket, &format!("PATCH {path}"), &["If-Match: \"1\""], r#"{"title":"t"}"#).await;
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{}", changed.body);
    let stale = ask(socket, &format!("PATCH {path}?revision=1"), &[], r#"{"title":"t"}"#).await;
    assert_eq!((stale.status, &stale.json()["code"]), (409, &json!("conflict")));
    let read = ask(socket, &format!("GET {path}"), &[], "").await;
    assert_eq!((read.status, read.header("etag")), (200, Some("\"2\"")));
    let gone = ask(socket, &format!("DELETE {path}"), &[], "").await;
    assert_eq!((gone.status, &gone.json()["state"]), (200, &json!("hidden, erased in 24 h")));
    assert_eq!(ask(socket, &format!("POST {path}/restore"), &[], "").await.status, 200);
    let history = ask(socket, &format!("GET {path}/history"), &[], "").await;
    assert_eq!(history.json()["revisions"].as_array().unwrap().len(), 4);
    let erased = ask(socket, &format!("DELETE {path}?now=true"), &[], "").await;
    assert_eq!((erased.status, &erased.json()["state"]), (200, &json!("being erased")));
    assert_eq!(ask(socket, &format!("POST {path}/restore"), &[], "").await.status, 404);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_answer_is_compressed_for_who_takes_that() {
    let house = House::open().await;
    for _ in 0..20 {
        house.door.add(&house.caller(), note(&"the same again, ".repeat(100))).await.unwrap();
    }
    let packed = async |path: &str, accepts: &str| {
        let mut stream = UnixStream::connect(&house.socket).await.unwrap();
        let request = format!(
            "GET /api/v1/{path} HTTP/1.1\r\nhost: hub\r\nconnection: close\r\naccept-encoding: {accepts}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
        (text(&bytes[..end]).to_ascii_lowercase(), bytes[end + 4..].to_vec())
    };
    let (head, plain) = packed("memories", "identity").await;
    assert!(!head.contains("content-encoding") && plain.len() > 30_000, "{head}");
    assert!(head.contains("vary: accept-encoding"), "{head}");
    for (accepts, encoding, magic) in [
        ("gzip", "gzip", &[0x1f, 0x8b][..]),
        ("zstd, gzip", "zstd", &[0x28, 0xb5, 0x2f, 0xfd]),
        ("br", "", b"{"),
        ("gzip;q=0", "", b"{"),
    ] {
        let (head, body) = packed("memories", accepts).await;
        assert_eq!(head.contains(&format!("content-encoding: {encoding}")), !encoding.is_empty(), "{head}");
        // Before an answer of a length not known stands the size of its first part.
        let begins = body.windows(magic.len()).take(16).any(|part| part == magic);
        assert!(
            begins && (encoding.is_empty() || body.len() < plain.len() / 10),
            "{accepts}: {}",
            body.len()
        );
    }
    for path in ["status", "limits?x=1", "export"] {
        let (head, _) = packed(path, "gzip").await;
        assert!(path == "status" || !head.contains("content-encoding"), "{path}: {head}");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_a_problem_with_a_hint() {
    let house = House::open().await;
    let socket = &house.socket;
    type Row<'a> = (&'a str, &'a [&'a str], &'a str, u16, &'a str, &'a str);
    let table: &[Row] = &[
        ("GET /api/v1/memories?colour=red", &[], "", 400, "invalid", "`colour` is no parameter here"),
        ("GET /api/v1/memories?limit=many", &[], "", 400, "invalid", "`limit` cannot be \"many\""),
        ("GET /api/v1/status?x=1", &[], "", 400, "invalid", "`x` is no parameter here"),
        ("GET /api/v1/search?q=x&mode=psychic", &[], "", 400, "invalid", "`mode` cannot be \"psychic\""),
        ("GET /api/v1/events?subject=a..b", &[], "", 400, "invalid", "`subject` cannot be \"a..b\""),
        (
            "GET /api/v1/events/stream?after_cursor=x",
            &[],
            "",
            400,
            "invalid",
            "`after_cursor` cannot be \"x\"",
        ),
        ("GET /api/v1/events/stream", &["Last-Event-ID: x"], "", 400, "invalid", "\"x\" is not a cursor"),
        ("GET /api/v1/memories/7", &[], "", 400, "invalid", "\"7\" is not an id"),
        (
            "POST /api/v1/memories",
            &[],
            r#"{"content":"c","colour":1}"#,
            400,
            "invalid",
            "unknown field `colour`",
        ),
        (
            "POST /api/v1/search",
            &[],
            r#"{"q":"c","colour":1}"#,
            400,
            "invalid",
            "`colour` is no parameter here",
        ),
        ("GET /api/v1/nothing", &[], "", 404, "not_found", "no such path: /api/v1/nothing"),
        ("PUT /api/v1/memories", &[], "", 405, "invalid", "/api/v1/memories does not take PUT"),
        ("GET /api/v1/memories/00000000-0000-0000-0000-000000000000", &[], "", 404, "not_found", ""),
        ("GET /api/v1/status", &["X-Wheelhouse-Tool:  "], "", 400, "invalid", "x-wheelhouse-tool is no name"),
    ];
    for (request, headers, body, status, code, message) in table {
        let answer = ask(socket, request, headers, body).await;
        let problem = answer.json();
        assert_eq!((answer.status, problem["code"].as_str()), (*status, Some(*code)), "{request}: {problem}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{request}");
        assert_eq!(problem["status"], json!(status), "{request}");
        assert_eq!(problem["type"], json!(format!("urn:wheelhouse:fault:{code}")));
        assert!(problem["hint"].is_string() || problem["cause"].is_string(), "{request}: {problem}");
        if !message.is_empty() {
            assert_eq!(problem["message"].as_str(), Some(*message), "{request}");
        }
        assert!(answer.header("x-correlation-id").is_some_and(|id| id.len() == 36), "{request}");
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_over_its_bound_is_read_away_and_refused() {
    let house = House::open().await;
    let large = json!({ "content": "x".repeat(3 << 20) }).to_string();
    let refused = ask(&house.socket, "POST /api/v1/memories", &[], &large).await;
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("invalid")));
    assert!(refused.json()["hint"].as_str().unwrap().contains("1048576"), "{}", refused.body);
    let fits = json!({ "content": "\"".repeat(1 << 20) }).to_string();
    assert_eq!(ask(&house.socket, "POST /api/v1/memories", &[], &fits).await.status, 201);
    let item = json!({ "content": "x".repeat((1 << 20) - 9), "url": "file:///a" });
    let others = (0..3).map(|n| json!({ "content": "x".repeat(1 << 20), "url": format!("file:///{n}") }));
    let items: Vec<Value> = std::iter::once(item).chain(others).collect();
    let bulk = json!({ "items": items, "source": "s" }).to_string();
    let done = ask(&house.socket, "POST /api/v1/memories/bulk", &[], &bulk).await;
    assert_eq!(done.status, 200, "{}", done.body);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_cloudevents_in_three_forms() {
    let house = House::open().await;
    house.door.add(&house.caller(), note("one, \"two\"")).await.unwrap();
    let socket = &house.socket;
    let page = ask(socket, "GET /api/v1/events?subject=*.memory.saved", &[], "").await.json();
    let event = &page["events"][0];
    assert_eq!(
        (&event["specversion"], &event["source"], &event["type"], &event["subject"]),
        (&json!("1.0"), &json!("wheelhouse://house"), &json!("memory.saved"), &json!("_.memory.saved"))
    );
    assert!(event["sequence"].is_u64() && event["recordedat"].is_string() && event["data"]["id"].is_string());
    let lines = ask(socket, "GET /api/v1/events?subject=*.memory.saved&format=ndjson", &[], "").await;
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson"));
    assert_eq!(serde_json::from_str::<Value>(lines.body.trim_end()).unwrap(), *event);
    assert!(lines.header("x-head-cursor").unwrap().starts_with("w1."));
    let table = ask(socket, "GET /api/v1/events?subject=*.memory.saved&format=csv", &[], "").await;
    let rows: Vec<&str> = table.body.split("\r\n").collect();
    assert_eq!(rows[0], "sequence,time,type,subject,severity,actor,correlationid,data");
    assert!(rows[1].contains(",memory.saved,_.memory.saved,info,user:"), "{}", rows[1]);
    let stats = ask(socket, "GET /api/v1/events/stats?by=subject", &[], "").await.json();
    assert_eq!(stats["counts"]["memory.saved"], json!(1));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_and_life_need_no_hub() {
    let house = House::open().await;
    for path in ["/livez", "/api/v1/livez"] {
        assert_eq!(
            ask(&house.socket, &format!("GET {path}"), &[], "").await.json(),
            json!({ "status": "ok" })
        );
    }
    let limits = ask(&house.socket, "GET /api/v1/limits", &[], "").await.json();
    let content = limits["limits"].as_array().unwrap().iter().find(|limit| limit["name"] == "memory.content");
    assert_eq!(content.unwrap()["value"], json!(1 << 20));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_requests_cost_nobody_else_anything() {
    let house = House::open().await;
    for bytes in [
        "\0\0\0",
        "GET",
        "GET / HTTP/9\r\n\r\n",
        "POST /api/v1/memories HTTP/1.1\r\ncontent-length: 9\r\n\r\n{",
    ] {
        let mut stream = UnixStream::connect(&house.socket).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
    }
    assert_eq!(ask(&house.socket, "GET /livez", &[], "").await.status, 200);
    house.close().await;
}
