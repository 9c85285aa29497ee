//! The protocol over the hub's HTTP, through its socket.

use serde_json::{Value, json};
use wheelhouse::{
    door::EventQuery,
    model::{EventFilter, Id},
    outbound::trusting_nobody,
};

use crate::harness::{House, until};

/// A client that posts.
struct Client {
    http: reqwest::Client,
}

impl Client {
    fn of(house: &House) -> Client {
        let http =
            trusting_nobody(reqwest::Client::builder()).unix_socket(house.socket.clone()).build().unwrap();
        Client { http }
    }

    async fn post(&self, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
        let mut request = self
            .http
            .post("http://hub/mcp")
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .body(body.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default())
    }

    async fn ask(&self, headers: &[(&str, &str)], method: &str, params: Value) -> Value {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let (status, answer) = self.post(headers, &body).await;
        assert_eq!((status, &answer["error"]), (200, &Value::Null), "{answer}");
        answer["result"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_tools_are_there() {
    let house = House::open().await;
    let client = Client::of(&house);
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "a", "version": "1" } });
    assert_eq!(client.ask(&[], "initialize", hello).await["protocolVersion"], "2025-06-18");
    let version = ("mcp-protocol-version", "2025-06-18");
    assert_eq!(client.ask(&[version], "tools/list", json!({})).await["tools"].as_array().unwrap().len(), 9);

    let correlation: Id = house.clock.id();
    let text = correlation.to_string();
    let headers = [version, ("x-correlation-id", &text), ("x-wheelhouse-tool", "curl")];
    let call = json!({ "name": "memory_add", "arguments": { "content": "over HTTP", "group_id": "team" } });
    let saved = client.ask(&headers, "tools/call", call).await;
    assert_eq!(saved["_meta"]["wheelhouse/correlation_id"], text.as_str());
    let filter = EventFilter { correlation: Some(correlation), ..EventFilter::default() };
    let page =
        house.door.events(&house.caller(), EventQuery { filter, ..EventQuery::default() }).await.unwrap();
    assert_eq!(page.events.len(), 1);
    assert!(page.events[0].actor.0.ends_with("/curl"), "{}", page.events[0].actor);

    // Nobody says where it works: it looks everywhere that the caller sees, and no further.
    let search = json!({ "name": "memory_search", "arguments": { "query": "http" } });
    until("the memory in the index", || async {
        let found = client.ask(&[version], "tools/call", search.clone()).await;
        (found["structuredContent"]["total"] == 1).then_some(())
    })
    .await;
    let walled = [version, ("x-wheelhouse-projects", "other")];
    assert_eq!(client.ask(&walled, "tools/call", search).await["structuredContent"]["total"], 0);
    let get = json!({ "name": "memory_get", "arguments": { "ids": [saved["structuredContent"]["id"]] } });
    assert_eq!(client.ask(&walled, "tools/call", get.clone()).await["isError"], true);
    assert_eq!(client.ask(&[version], "tools/call", get).await["isError"], false);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_handshake_says_who_it_is() {
    let house = House::open().await;
    let client = Client::of(&house);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "late agent", "version": "2" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let headers = |method| [("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
    let found = client.ask(&headers("server/discover"), "server/discover", json!({ "_meta": meta })).await;
    assert!(found["supportedVersions"].as_array().unwrap().iter().any(|version| version == "2026-07-28"));
    let call = json!({ "name": "hub_status", "arguments": {}, "_meta": meta });
    let [version, method] = headers("tools/call");
    let status = client.ask(&[version, method, ("mcp-name", "hub_status")], "tools/call", call).await;
    let actor = status["structuredContent"]["actor"].as_str().unwrap();
    assert!(actor.starts_with("user:") && actor.ends_with("/late-agent"), "{actor}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused() {
    let house = House::open().await;
    let client = Client::of(&house);
    let (status, _) = client.post(&[], &json!({ "hello": 1 })).await;
    assert!((400..500).contains(&status), "{status}");
    let got = client.http.get("http://hub/mcp").send().await.unwrap();
    assert_eq!(got.status().as_u16(), 405);
    house.close().await;
}
