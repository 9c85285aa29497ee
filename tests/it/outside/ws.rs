//! Sockets from outside: by whose key, of which page, for how long.

use std::time::Instant;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{
    HERE, ask, connect,
    keys::{bearer, daemon, key},
};
use crate::{
    harness::Program,
    ws::{Client, handshake},
};

const PATH: &str = "/api/v1/events/ws";

async fn open(at: std::net::SocketAddr, headers: &[(&'static str, &str)]) -> Result<Client<TcpStream>, u16> {
    let request = handshake(&at.to_string(), PATH, headers);
    Client::open(connect(at, HERE).await, request).await.map_err(|answer| answer.status().as_u16())
}

#[tokio::test]
async fn a_key_comes_in_the_header_or_in_the_first_frame() {
    let program = Program::new();
    let (_daemon, at) = daemon(&program);
    let north = key(&program, "north", "events:read", &["--projects", "north"]);
    let blind = key(&program, "blind", "memories:read", &[]);
    let authorization = format!("Bearer {north}");
    let mut by_header = open(at, &[("authorization", &authorization)]).await.unwrap();
    let mut by_frame = open(at, &[]).await.unwrap();
    by_frame.say(json!({ "op": "auth", "key": north })).await;
    for client in [&mut by_header, &mut by_frame] {
        client.until("ready").await;
        client.say(json!({ "op": "sub", "id": "a", "subjects": ["*.memory.saved"] })).await;
        client.until("caught_up").await;
    }
    program.prints(&["--project", "south", "add", "behind the wall"]);
    program.prints(&["--project", "north", "add", "to be seen"]);
    for client in [&mut by_header, &mut by_frame] {
        assert_eq!(client.until("ev").await["event"]["subject"], "north.memory.saved");
    }
    // Nothing without a right one.
    for (first, said) in [
        (json!({ "op": "auth", "key": "guess" }), "opens nothing"),
        (json!({ "op": "auth", "key": blind }), "events:read"),
        (json!({ "op": "sub", "id": "a" }), "needs a key"),
        (json!({ "op": "auth" }), "missing field"),
    ] {
        let mut client = open(at, &[]).await.unwrap();
        client.say(first.clone()).await;
        let (last, closed) = client.end().await;
        let last = last.unwrap();
        assert_eq!(last["op"], "bye", "{first}");
        assert!(last.to_string().contains(said), "{first}: {last}");
        assert_eq!(closed.unwrap().code, CloseCode::Policy);
    }
    assert_eq!(open(at, &[("authorization", "Bearer guess")]).await.err(), Some(401));
    assert_eq!(open(at, &[("origin", "http://evil.example")]).await.err(), Some(403));
    assert_eq!(open(at, &[("sec-websocket-protocol", "mqtt")]).await.err(), Some(400));
    open(at, &[("origin", &format!("http://{at}"))]).await.unwrap();
    // Addresses are written down by others.
    let in_address = handshake(&at.to_string(), &format!("{PATH}?key={north}"), &[]);
    let refused = Client::open(connect(at, HERE).await, in_address).await.err().unwrap();
    assert_eq!(refused.status(), 400);
    // Without a handshake there is no socket, and a key is asked for at once.
    let host = format!("host: {at}");
    assert_eq!(ask(at, HERE, &format!("GET {PATH}"), &[&host], "").await.status, 401);
    let plain = ask(at, HERE, &format!("GET {PATH}"), &[&host, &bearer(&north)], "").await;
    assert_eq!((plain.status, plain.header("sec-websocket-version")), (426, Some("13")), "{}", plain.body);
}

#[tokio::test]
async fn who_says_no_key_is_closed_in_time() {
    let program = Program::new();
    let (_daemon, at) = daemon(&program);
    let mut client = open(at, &[]).await.unwrap();
    let begun = Instant::now();
    let (last, closed) = client.end().await;
    let waited = begun.elapsed().as_secs_f64();
    assert!((4.5..8.0).contains(&waited), "{waited}");
    assert_eq!((last.unwrap()["code"].clone(), closed.unwrap().code), (json!("denied"), CloseCode::Policy));
}

#[tokio::test]
async fn a_revoked_key_ends_its_sockets_within_a_second() {
    let program = Program::new();
    let (_daemon, at) = daemon(&program);
    let mut clients = Vec::new();
    for name in ["watcher", "other"] {
        let secret = key(&program, name, "events:read", &[]);
        let mut client = open(at, &[("authorization", &format!("Bearer {secret}"))]).await.unwrap();
        client.until("ready").await;
        client.say(json!({ "op": "sub", "id": "a" })).await;
        client.until("caught_up").await;
        clients.push(client);
    }
    program.prints(&["key", "revoke", "watcher"]);
    let revoked = Instant::now();
    let (last, closed) = clients[0].end().await;
    assert!(revoked.elapsed().as_secs_f64() < 1.0, "{:?}", revoked.elapsed());
    let last: Value = last.unwrap();
    assert_eq!((&last["op"], &last["code"]), (&json!("bye"), &json!("denied")), "{last}");
    assert!(last["subs"]["a"].is_string() && closed.unwrap().code == CloseCode::Policy);
    while clients[1].until("ev").await["event"]["type"] != "auth.key_revoked" {}
}

#[tokio::test]
async fn a_key_has_fifty_connections_and_a_rate() {
    let program = Program::new();
    let (_daemon, at) = daemon(&program);
    let secret = key(&program, "ci", "events:read,events:write", &[]);
    let authorization = format!("Bearer {secret}");
    let mut open_ones = Vec::new();
    for _ in 0..50 {
        let mut client = open(at, &[("authorization", &authorization)]).await.unwrap();
        client.until("ready").await;
        open_ones.push(client);
    }
    assert_eq!(open(at, &[("authorization", &authorization)]).await.err(), Some(429));
    let mut late = open(at, &[]).await.unwrap();
    late.say(json!({ "op": "auth", "key": secret })).await;
    assert_eq!(late.end().await.0.unwrap()["code"], "busy");
    open_ones.clear();
    let host = format!("host: {at}");
    let event = json!({ "type": "deploy.finished" });
    let many = json!({ "events": vec![event; 1_000] }).to_string();
    let mut refused = None;
    for _ in 0..20 {
        let with = [host.as_str(), &bearer(&secret)];
        let answer = ask(at, HERE, "POST /api/v1/events", &with, &many).await;
        // The places of the sockets before may not be free at once.
        match answer.status {
            201 => {}
            429 if answer.body.contains("connections") => {}
            429 => {
                refused = Some(answer);
                break;
            }
            _ => panic!("{}", answer.body),
        }
    }
    let refused = refused.expect("a thousand a second and no more");
    assert_eq!((&refused.json()["code"], refused.header("retry-after")), (&json!("busy"), Some("1")));
    assert!(refused.json()["hint"].as_str().unwrap().contains("2000 at once"), "{}", refused.body);
}
