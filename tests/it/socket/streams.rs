//! Streams over the socket: resumed, slow, cut, and ended by a hub that goes away.

use std::sync::atomic::Ordering;

use futures::{StreamExt, stream::BoxStream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};
use wheelhouse::{
    api::Patience,
    door::{Door, EventQuery, Order, StreamItem, StreamRequest},
    model::{Code, Cursor, EventFilter, Fault, Sequence},
};

use crate::harness::{House, HouseOptions, PATIENCE, clock, note, until};

type Items = BoxStream<'static, Result<StreamItem, Fault>>;

/// The next event's place.
async fn next_event(items: &mut Items) -> Cursor {
    loop {
        match items.next().await.unwrap().unwrap() {
            StreamItem::Event { cursor, .. } => return cursor,
            StreamItem::Gap { .. } => panic!("a gap"),
            _ => {}
        }
    }
}

async fn save(house: &House, count: usize) {
    for n in 0..count {
        house.door.add(&house.caller(), note(&format!("memory {n}"))).await.unwrap();
    }
}

async fn beginning(house: &House) -> Cursor {
    let page = EventQuery { order: Order::Asc, limit: 1, ..EventQuery::default() };
    let page = house.door.events(&house.caller(), page).await.unwrap();
    Cursor { sequence: Sequence::ZERO, ..page.head }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_on_where_a_cursor_says() {
    let house = House::open().await;
    save(&house, 10).await;
    let filter = EventFilter { patterns: vec!["*.memory.saved".parse().unwrap()], ..EventFilter::default() };
    let mut after = beginning(&house).await;
    let mut seen = Vec::new();
    // Cut after every third event, and more saved between.
    for round in 0..5 {
        let request = StreamRequest { filter: filter.clone(), after: Some(after) };
        let mut items = house.remote.stream(&house.caller(), request).await.unwrap();
        for _ in 0..3 {
            after = next_event(&mut items).await;
            seen.push(after.sequence);
        }
        drop(items);
        if round < 2 {
            save(&house, 3).await;
        }
    }
    let all = EventQuery { filter, order: Order::Asc, limit: 1_000, ..EventQuery::default() };
    let all = house.door.events(&house.caller(), all).await.unwrap();
    let expected: Vec<Sequence> = all.events.iter().map(|event| event.sequence).take(15).collect();
    assert_eq!(seen, expected, "none lost, none twice");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_saved_is_seen_live_by_all_who_watch() {
    let house = House::open().await;
    let mut watching = Vec::new();
    for _ in 0..3 {
        let mut items = house.remote.stream(&house.caller(), StreamRequest::default()).await.unwrap();
        assert!(matches!(items.next().await, Some(Ok(StreamItem::Start { .. }))));
        watching.push(items);
    }
    assert_eq!(house.attached.load(Ordering::SeqCst), 3);
    save(&house, 1).await;
    let mut places = Vec::new();
    for items in &mut watching {
        places.push(next_event(items).await);
    }
    assert!(places.iter().all(|place| *place == places[0]));
    watching.truncate(1);
    until("the two that left are not counted", || async {
        (house.attached.load(Ordering::SeqCst) == 1).then_some(())
    })
    .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_delays_nobody() {
    // However slow the machine is: it is not to be cut here.
    let patience = Patience { write: PATIENCE * 3, ..Patience::default() };
    let options = HouseOptions { patience, ..HouseOptions::default() };
    let house = House::open_with(tempfile::tempdir().unwrap(), clock(), options).await;
    let from = beginning(&house).await;
    let mut stopped = UnixStream::connect(&house.socket).await.unwrap();
    let request = format!("GET /api/v1/events/stream?after_cursor={from} HTTP/1.1\r\nhost: hub\r\n\r\n");
    stopped.write_all(request.as_bytes()).await.unwrap();
    let request = StreamRequest { after: Some(from), ..StreamRequest::default() };
    let mut reader = house.remote.stream(&house.caller(), request).await.unwrap();
    // More than the socket and the connection's buffer hold: some 700 bytes an event.
    save(&house, 2_000).await;
    let head = house.door.status().await.unwrap().head;
    while next_event(&mut reader).await != head {}
    // The stopped one gets all of it too, when it reads again.
    let mut bytes = Vec::new();
    let last = format!("id: {head}\n");
    let mut chunk = vec![0; 1 << 16];
    while !contains(&bytes, last.as_bytes()) {
        let n = stopped.read(&mut chunk).await.unwrap();
        assert!(n > 0, "the stream was cut");
        bytes.extend_from_slice(&chunk[..n]);
    }
    let events = bytes.windows(20).filter(|window| window == b"event: memory.saved\n").count();
    assert_eq!(events, 2_000);
    house.close().await;
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    let tail = bytes.len().saturating_sub((1 << 16) + part.len());
    bytes[tail..].windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_head_of_a_stream_is_as_the_surface_says() {
    let house = House::open().await;
    let mut stream = UnixStream::connect(&house.socket).await.unwrap();
    stream.write_all(b"GET /api/v1/events/stream HTTP/1.1\r\nhost: hub\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let text = loop {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text.contains("data:\n\n") {
            break text;
        }
    };
    assert!(
        text.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n")
    );
    let head = house.door.status().await.unwrap().head;
    assert!(text.contains(&format!("retry: 2000\nid: {head}\ndata:\n\n")), "{text}");
    drop(stream);
    until("the client that was cut is not counted", || async {
        (house.attached.load(Ordering::SeqCst) == 0).then_some(())
    })
    .await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_closes_ends_its_streams_with_a_word() {
    let house = House::open().await;
    let mut items = house.remote.stream(&house.caller(), StreamRequest::default()).await.unwrap();
    assert!(matches!(items.next().await, Some(Ok(StreamItem::Start { .. }))));
    assert!(house.stop_serving().await);
    let end = loop {
        match items.next().await {
            Some(Ok(_)) => {}
            Some(Err(fault)) => break fault,
            None => panic!("it ended without a word"),
        }
    };
    assert_eq!((end.code, end.hint.is_some()), (Code::Unavailable, true));
    assert!(items.next().await.is_none(), "and then nothing");
    let refused = house.remote.status().await.unwrap_err();
    assert_eq!((refused.code, refused.hint.is_some()), (Code::Unavailable, true), "{refused:?}");
    assert_eq!(house.attached.load(Ordering::SeqCst), 0);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_client_does_not_hold_up_the_close() {
    let house = House::open().await;
    let from = beginning(&house).await;
    let mut stopped = UnixStream::connect(&house.socket).await.unwrap();
    let request = format!("GET /api/v1/events/stream?after_cursor={from} HTTP/1.1\r\nhost: hub\r\n\r\n");
    stopped.write_all(request.as_bytes()).await.unwrap();
    save(&house, 1_500).await;
    let start = std::time::Instant::now();
    assert!(house.stop_serving().await);
    assert!(start.elapsed() < wheelhouse::api::CLOSE_PATIENCE, "{:?}", start.elapsed());
    house.close().await;
}
