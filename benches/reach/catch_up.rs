//! One client that was away: the whole log, from its beginning to now. The references: the hub's own reading of the whole
//! log, which counts it and tells one answer (`/events/stats`), and as many bytes from a bare socket.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::task::JoinSet;

use super::{
    ROUNDS, clients,
    fanout::bare_round,
    hub::Hub,
    median, part_of,
    stopped::beginning,
    wire::{Http, Kind, Stream, get, publish},
};

const EVENTS: usize = 1_000_000;
const EVENTS_OF_COMMIT: usize = 10;
/// Who publish beside each other, so that one fsync serves several.
const PUBLISHERS: usize = 32;

pub fn run() {
    let events = part_of(EVENTS).next_multiple_of(EVENTS_OF_COMMIT);
    let hub = Hub::start();
    let begun = Instant::now();
    clients(fill(&hub, events));
    println!(
        "reach: {events} events from the beginning, {EVENTS_OF_COMMIT} to a commit; published by {PUBLISHERS} in {:.1?}",
        begun.elapsed()
    );
    let counted = clients(counted(&hub, events));
    println!("  read and counted by the hub alone: {counted}");
    for kind in [Kind::Sse, Kind::WebSocket] {
        let (mut rates, mut core_rates, mut bare_rates, mut bytes) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for _ in 0..ROUNDS {
            let (processor, begun) = (hub.processor_s(), Instant::now());
            bytes = clients(async {
                let mut stream = Stream::open(hub.at, kind, Some(&beginning(&hub).await)).await;
                stream.count_to(events).await;
                assert_eq!(stream.marks, events, "every event, once");
                stream.bytes
            });
            rates.push(events as f64 / begun.elapsed().as_secs_f64());
            core_rates.push(events as f64 / (hub.processor_s() - processor));
            let bytes_each = bytes as f64 / events as f64;
            bare_rates.push(bare_round(1, events / 100, 100, bytes_each).per_s);
        }
        let (rate, bare) = (median(&rates), median(&bare_rates));
        println!(
            "  {kind:?}: {rate:.0} events/s, {:.0} a core of the hub, {} B each; a bare socket {bare:.0}/s: {:.3}",
            median(&core_rates),
            bytes / events as u64,
            rate / bare
        );
    }
    hub.stop();
}

async fn fill(hub: &Hub, events: usize) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut publishing = JoinSet::new();
    for _ in 0..PUBLISHERS {
        let (next, at) = (next.clone(), hub.at);
        publishing.spawn(async move {
            let mut http = Http::open(at).await.unwrap();
            loop {
                let from = next.fetch_add(EVENTS_OF_COMMIT, Ordering::Relaxed);
                if from >= events {
                    return;
                }
                assert_eq!(http.ask(&publish(at, from, EVENTS_OF_COMMIT)).await.unwrap(), 201);
            }
        });
    }
    publishing.join_all().await;
}

async fn counted(hub: &Hub, events: usize) -> String {
    let mut http = Http::open(hub.at).await.unwrap();
    let begun = Instant::now();
    let status = http.ask(&get(hub.at, "/api/v1/events/stats")).await.unwrap();
    match status {
        200 => format!("{:.0} events/s", events as f64 / begun.elapsed().as_secs_f64()),
        status => format!("not within a request's time ({status})"),
    }
}
