//! Events over a WebSocket, with another implementation at the other end: subscribed, resumed, slow, silent, broken, and
//! ended by a hub that goes away.

use std::{sync::atomic::Ordering, time::Duration};

use futures::{SinkExt, StreamExt};
use proptest::{
    collection,
    prelude::any,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        http::{HeaderValue, Request, Response},
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};
use wheelhouse::{
    api::Patience,
    door::{EventQuery, Order},
    model::{Cursor, EventFilter, Sequence},
};

use crate::harness::{House, HouseOptions, PATIENCE, clock, note, until};

const PATH: &str = "/api/v1/events/ws";

/// The other end of a socket.
pub struct Client<S> {
    pub socket: WebSocketStream<S>,
}

/// A handshake that names the protocol, and these headers.
pub fn handshake(host: &str, path: &str, headers: &[(&'static str, &str)]) -> Request<()> {
    let mut request = format!("ws://{host}{path}").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("wheelhouse.v1"));
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// The socket, or the answer that was none.
    pub async fn open(stream: S, request: Request<()>) -> Result<Client<S>, Response<Option<Vec<u8>>>> {
        match client_async(request, stream).await {
            Ok((socket, answer)) => {
                assert_eq!(answer.headers()["sec-websocket-protocol"], "wheelhouse.v1");
                Ok(Client { socket })
            }
            Err(Error::Http(answer)) => Err(*answer),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn say(&mut self, frame: Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next message, or none after the last.
    pub async fn hear(&mut self) -> Option<Message> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("a message in time") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next frame with this `op`; those of others are passed over.
    pub async fn until(&mut self, op: &str) -> Value {
        loop {
            match self.hear().await {
                Some(Message::Text(text)) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["op"] == op {
                        return frame;
                    }
                }
                other => panic!("{other:?} instead of {op}"),
            }
        }
    }

    /// How it ends, and the last frame before that.
    pub async fn end(&mut self) -> (Option<Value>, Option<CloseFrame>) {
        let mut last = None;
        loop {
            match self.hear().await {
                Some(Message::Text(text)) => last = Some(serde_json::from_str(&text).unwrap()),
                Some(Message::Close(frame)) => return (last, frame),
                Some(other) => panic!("{other:?}"),
                None => return (last, None),
            }
        }
    }

    /// The cursors of the next events, at least one.
    async fn events(&mut self) -> Vec<Cursor> {
        loop {
            match self.hear().await {
                Some(Message::Text(text)) => {
                    let found = cursors(&serde_json::from_str(&text).unwrap());
                    if !found.is_empty() {
                        return found;
                    }
                }
                other => panic!("{other:?} instead of events"),
            }
        }
    }
}

/// Of the events in a frame.
fn cursors(frame: &Value) -> Vec<Cursor> {
    let cursor = |told: &Value| told["cursor"].as_str().unwrap().parse().unwrap();
    match frame["op"].as_str() {
        Some("ev") => vec![cursor(frame)],
        Some("batch") => frame["events"].as_array().unwrap().iter().map(cursor).collect(),
        Some("gap") => panic!("a gap: {frame}"),
        _ => Vec::new(),
    }
}

async fn connect(house: &House) -> Client<UnixStream> {
    let stream = UnixStream::connect(&house.socket).await.unwrap();
    let mut client = Client::open(stream, handshake("hub", PATH, &[])).await.unwrap();
    let ready = client.until("ready").await;
    assert_eq!((&ready["protocol"], &ready["hub"]), (&json!("wheelhouse.v1"), &json!("house")));
    client
}

async fn save(house: &House, count: usize) {
    for n in 0..count {
        house.door.add(&house.caller(), note(&format!("memory {n}"))).await.unwrap();
    }
}

/// The places of all memories that were saved, as the log has them.
async fn saved(house: &House) -> Vec<Sequence> {
    let filter = EventFilter { patterns: vec!["*.memory.saved".parse().unwrap()], ..EventFilter::default() };
    let query = EventQuery { filter, order: Order::Asc, limit: 1_000, ..EventQuery::default() };
    let page = house.door.events(&house.caller(), query).await.unwrap();
    page.events.iter().map(|event| event.sequence).collect()
}

async fn beginning(house: &House) -> Cursor {
    let head = house.door.status().await.unwrap().head;
    Cursor { sequence: Sequence::ZERO, ..head }
}

async fn with(patience: Patience) -> House {
    let options = HouseOptions { patience, ..HouseOptions::default() };
    House::open_with(tempfile::tempdir().unwrap(), clock(), options).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_op_has_its_answer() {
    let house = House::open().await;
    let mut client = connect(&house).await;
    client.say(json!({ "op": "sub", "id": "a", "subjects": ["*.memory.>"] })).await;
    let begun = client.until("ready").await;
    assert_eq!((&begun["sub"], begun["cursor"].is_string()), (&json!("a"), true));
    let caught_up = client.until("caught_up").await;
    assert_eq!((&caught_up["sub"], &caught_up["cursor"]), (&json!("a"), &begun["cursor"]));
    save(&house, 1).await;
    let event = client.until("ev").await;
    assert_eq!((&event["sub"], &event["event"]["type"]), (&json!("a"), &json!("memory.saved")));
    assert_eq!(event["event"]["specversion"], "1.0");
    client.say(json!({ "op": "ping" })).await;
    let beat = client.until("hb").await;
    assert_eq!(beat["subs"]["a"], event["cursor"]);
    assert!(beat["time"].is_string());
    for (wrong, code) in [
        (json!({ "op": "sub", "id": "a" }), "conflict"),
        (json!({ "op": "sub", "id": "" }), "invalid"),
        (json!({ "op": "sub", "id": "b", "subjects": vec!["a.b"; 17] }), "invalid"),
        (json!({ "op": "sub", "id": "b", "subjects": ["a..b"] }), "invalid"),
        (json!({ "op": "unsub", "id": "b" }), "not_found"),
        (json!({ "op": "ack", "id": "a", "cursor": event["cursor"] }), "invalid"),
        (json!({ "op": "auth", "key": "k" }), "invalid"),
        (json!({ "op": "dance" }), "invalid"),
        (json!("no object"), "invalid"),
    ] {
        client.say(wrong.clone()).await;
        let err = client.until("err").await;
        assert_eq!(err["code"], code, "{wrong}: {err}");
        assert!(err["hint"].is_string() || err["cause"].is_string(), "{wrong}: {err}");
    }
    client.say(json!({ "op": "unsub", "id": "a" })).await;
    let over = client.until("bye").await;
    assert_eq!((&over["sub"], &over["cursor"]), (&json!("a"), &event["cursor"]));
    for n in 0..32 {
        client.say(json!({ "op": "sub", "id": n.to_string() })).await;
    }
    client.say(json!({ "op": "sub", "id": "one too many" })).await;
    assert_eq!(client.until("err").await["code"], "busy");
    client.socket.close(None).await.unwrap();
    until("that it is not counted any more", || async {
        (house.attached.load(Ordering::SeqCst) == 0).then_some(())
    })
    .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cut_goes_on_by_its_cursor() {
    let house = House::open().await;
    save(&house, 10).await;
    let mut after = beginning(&house).await;
    let mut seen = Vec::new();
    for round in 0..4 {
        let mut client = connect(&house).await;
        client.say(json!({ "op": "sub", "id": "a", "subjects": ["*.memory.saved"], "after": after })).await;
        while round == 3 && seen.len() < 19 || seen.len() < 3 * (round + 1) {
            for cursor in client.events().await {
                // Cut after the third: what else came with it is forgotten.
                if round == 3 || seen.len() < 3 * (round + 1) {
                    after = cursor;
                    seen.push(cursor.sequence);
                }
            }
        }
        drop(client);
        if round < 3 {
            save(&house, 3).await;
        }
    }
    assert_eq!(seen, saved(&house).await, "none lost, none twice");
    // Another history is told.
    let mut client = connect(&house).await;
    let elsewhere = after.to_string().replacen("w1.", "w1.f", 1);
    let elsewhere = format!("{}{}", &elsewhere[..35], &elsewhere[36..]);
    client.say(json!({ "op": "sub", "id": "a", "after": elsewhere })).await;
    let gap = client.until("gap").await;
    assert_eq!((&gap["sub"], &gap["reason"]), (&json!("a"), &json!("history_changed")));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_is_cut_and_nobody_else_notices() {
    let house = with(Patience { write: Duration::from_millis(200), ..Patience::default() }).await;
    let from = beginning(&house).await;
    let subscribe = json!({ "op": "sub", "id": "a", "subjects": ["*.memory.saved"], "after": from });
    let mut stopped = connect(&house).await;
    let mut lines = UnixStream::connect(&house.socket).await.unwrap();
    let request = format!("GET /api/v1/events/stream?after_cursor={from} HTTP/1.1\r\nhost: hub\r\n\r\n");
    lines.write_all(request.as_bytes()).await.unwrap();
    let mut reader = connect(&house).await;
    stopped.say(subscribe.clone()).await;
    reader.say(subscribe).await;
    // More than the sockets and the connections' buffers hold.
    let mut seen = Vec::new();
    let reading = async {
        while seen.len() < 1_000 {
            seen.extend(reader.events().await.iter().map(|cursor| cursor.sequence));
        }
    };
    tokio::join!(save(&house, 1_000), reading);
    let all = saved(&house).await;
    assert_eq!(seen, all);
    until("that both who read nothing are cut", || async {
        (house.attached.load(Ordering::SeqCst) == 1).then_some(())
    })
    .await;
    // What was on its way is still there; after it comes the end.
    let mut got: Vec<Cursor> = Vec::new();
    while let Some(Message::Text(text)) = stopped.hear().await {
        got.extend(cursors(&serde_json::from_str(&text).unwrap()));
    }
    assert!(!got.is_empty() && got.len() < 1_000, "{}", got.len());
    let mut again = connect(&house).await;
    again.say(json!({ "op": "sub", "id": "a", "subjects": ["*.memory.saved"], "after": got.last() })).await;
    while got.len() < 1_000 {
        got.extend(again.events().await);
    }
    assert_eq!(got.iter().map(|cursor| cursor.sequence).collect::<Vec<_>>(), all, "none missing");
    save(&house, 1).await;
    assert_eq!(reader.events().await.len(), 1, "it goes on");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_slowly_is_told_how_far_it_is_behind() {
    let house = with(Patience { lag: Duration::ZERO, ..Patience::default() }).await;
    let from = beginning(&house).await;
    save(&house, 300).await;
    let head = house.door.status().await.unwrap().head.sequence.0;
    let mut client = connect(&house).await;
    client.say(json!({ "op": "sub", "id": "a", "after": from })).await;
    let (mut cursor, mut told) = (from, Vec::new());
    loop {
        let Some(Message::Text(text)) = client.hear().await else { panic!("it ended") };
        let frame: Value = serde_json::from_str(&text).unwrap();
        match frame["op"].as_str() {
            Some("lag") => {
                assert_eq!((&frame["sub"], &frame["cursor"]), (&json!("a"), &json!(cursor)));
                told.push(frame["behind"].as_u64().unwrap());
                assert_eq!(told.last(), Some(&(head - cursor.sequence.0)));
            }
            Some("caught_up") => break,
            _ => cursor = cursors(&frame).last().copied().unwrap_or(cursor),
        }
    }
    assert!(told.len() > 1 && told.last() == Some(&0), "{told:?}");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_acknowledges_gets_no_more_than_a_window() {
    let house = House::open().await;
    let from = beginning(&house).await;
    save(&house, 600).await;
    let mut client = connect(&house).await;
    client
        .say(json!({ "op": "sub", "id": "a", "subjects": ["*.memory.saved"], "after": from, "acks": true }))
        .await;
    let mut seen = Vec::new();
    // The window is full where the answer to a ping comes without an event before it.
    let fill = async |client: &mut Client<UnixStream>, seen: &mut Vec<Cursor>| {
        let mut bytes = 0;
        loop {
            client.say(json!({ "op": "ping" })).await;
            let before = seen.len();
            loop {
                let Some(Message::Text(text)) = client.hear().await else { panic!("it ended") };
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["op"] == "hb" {
                    break;
                }
                let found = cursors(&frame);
                bytes += if found.is_empty() { 0 } else { text.len() };
                seen.extend(found);
            }
            if seen.len() == before && !seen.is_empty() {
                return bytes;
            }
        }
    };
    let bytes = fill(&mut client, &mut seen).await;
    assert!(bytes < (256 << 10) + (2 << 10), "{bytes}");
    assert!(seen.len() < 600, "{}", seen.len());
    client.say(json!({ "op": "ack", "id": "a", "cursor": seen.last() })).await;
    while seen.len() < 600 {
        seen.extend(client.events().await);
        client.say(json!({ "op": "ack", "id": "a", "cursor": seen.last() })).await;
    }
    assert_eq!(seen.iter().map(|cursor| cursor.sequence).collect::<Vec<_>>(), saved(&house).await);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_client_is_closed_and_one_that_answers_is_not() {
    let patience = Patience {
        heartbeat: Duration::from_millis(30),
        pong: Duration::from_millis(300),
        ..Patience::default()
    };
    let house = with(patience).await;
    let mut silent = connect(&house).await;
    let mut answers = connect(&house).await;
    // What reads answers pings.
    while house.attached.load(Ordering::SeqCst) == 2 {
        answers.until("hb").await;
    }
    for _ in 0..20 {
        answers.until("hb").await;
    }
    // As bytes: another implementation would answer the pings first, and fail.
    let mut rest = Vec::new();
    timeout(PATIENCE, silent.socket.get_mut().read_to_end(&mut rest)).await.unwrap().unwrap();
    let rest = String::from_utf8_lossy(&rest);
    assert!(
        rest.contains("\"op\":\"hb\"") && rest.ends_with("nothing came for too long, not even a pong"),
        "{rest}"
    );
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_frame_ends_its_own_connection_alone() {
    let house = House::open().await;
    let mut bystander = connect(&house).await;
    for (message, code) in [
        (Message::text("x".repeat((64 << 10) + 1)), CloseCode::Size),
        (Message::binary(vec![1, 2, 3]), CloseCode::Unsupported),
    ] {
        let mut client = connect(&house).await;
        client.socket.send(message).await.unwrap();
        assert_eq!(client.end().await.1.unwrap().code, code);
    }
    let mut largest = connect(&house).await;
    largest.socket.send(Message::text("x".repeat(64 << 10))).await.unwrap();
    assert_eq!(largest.until("err").await["code"], "invalid");
    // Bytes that nobody thought of, in the place of frames.
    let mut runner = TestRunner::deterministic();
    let bytes = collection::vec(any::<u8>(), 1..200);
    for _ in 0..64 {
        let bytes = bytes.new_tree(&mut runner).unwrap().current();
        let mut client = connect(&house).await;
        client.socket.get_mut().write_all(&bytes).await.unwrap();
        client.socket.get_mut().shutdown().await.unwrap();
        client.end().await;
    }
    bystander.say(json!({ "op": "ping" })).await;
    bystander.until("hb").await;
    until("that none of them is counted", || async {
        (house.attached.load(Ordering::SeqCst) == 2).then_some(())
    })
    .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_closes_says_bye_with_the_cursor() {
    let house = House::open().await;
    let mut client = connect(&house).await;
    client.say(json!({ "op": "sub", "id": "a", "subjects": ["*.memory.saved"] })).await;
    client.until("caught_up").await;
    save(&house, 1).await;
    let event = client.until("ev").await;
    let ((last, closed), ended) = tokio::join!(client.end(), house.stop_serving());
    let last = last.unwrap();
    assert!(ended);
    assert_eq!((&last["op"], &last["code"]), (&json!("bye"), &json!("unavailable")), "{last}");
    assert_eq!((&last["cursor"], &last["subs"]["a"]), (&event["cursor"], &event["cursor"]));
    let closed = closed.unwrap();
    assert_eq!((closed.code, json!(closed.reason.as_str())), (CloseCode::Away, event["cursor"].clone()));
    house.close().await;
}
