//! A client that stopped reading, beside a hundred that did not: what they lose by it, and what it costs the hub. The
//! reference is the same hundred without it, in turns.

use super::{
    ROUNDS, clients,
    fanout::told_to,
    hub::Hub,
    median, part_of,
    wire::{Http, Kind, Stream, get, publish},
};

const OTHERS: usize = 100;
const COMMITS: usize = 30;
const EVENTS: usize = 100;
/// So many at once, so that what one costs stands out of what else changes.
const STOPPED: usize = 200;
/// What lies before them: more than they and the kernel can hold.
const PAST_COMMITS: usize = 30;
const PAST_EVENTS: usize = 1_000;

pub fn run() {
    let hub = Hub::start();
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    clients(async {
        let beginning = filled(&hub).await;
        let mut streams = Vec::new();
        for _ in 0..OTHERS {
            streams.push(Stream::open(hub.at, Kind::Sse, None).await);
        }
        for _ in 0..ROUNDS {
            alone.push(told_to(&hub, &mut streams, part_of(COMMITS), EVENTS).await.per_s);
            let stopped = Stream::open_stopped(hub.at, &beginning).await;
            beside.push(told_to(&hub, &mut streams, part_of(COMMITS), EVENTS).await.per_s);
            drop(stopped);
        }
    });
    let (alone, beside) = (median(&alone), median(&beside));
    println!(
        "reach: {OTHERS} readers get {beside:.0} deliveries/s beside one that stopped, {alone:.0} without it: {:.2}",
        beside / alone
    );
    hub.stop();
    memory();
}

fn memory() {
    let hub = Hub::start();
    clients(async {
        let beginning = filled(&hub).await;
        // What the first ones cost is there once: threads that read, pages of the log.
        let mut reader = Stream::open(hub.at, Kind::Sse, Some(&beginning)).await;
        reader.count_to(PAST_COMMITS * PAST_EVENTS).await;
        super::memory::settled(&hub).await;
        let before = hub.anonymous_kb();
        let mut stopped = Vec::new();
        for _ in 0..STOPPED {
            stopped.push(Stream::open_stopped(hub.at, &beginning).await);
        }
        super::memory::settled(&hub).await;
        let after = hub.anonymous_kb();
        println!(
            "reach: {STOPPED} stopped clients, each with {} events before it: {:.0} KiB of anonymous memory each (goal 256)",
            PAST_COMMITS * PAST_EVENTS,
            after.saturating_sub(before) as f64 / STOPPED as f64
        );
    });
    hub.stop();
}

/// Gives a hub a past; answers where it begins.
async fn filled(hub: &Hub) -> String {
    let mut publisher = Http::open(hub.at).await.unwrap();
    for commit in 0..PAST_COMMITS {
        let request = publish(hub.at, commit * PAST_EVENTS, PAST_EVENTS);
        assert_eq!(publisher.ask(&request).await.unwrap(), 201);
    }
    beginning(hub).await
}

/// Where this hub's log begins.
pub async fn beginning(hub: &Hub) -> String {
    let mut http = Http::open(hub.at).await.unwrap();
    assert_eq!(http.ask(&get(hub.at, "/api/v1/status")).await.unwrap(), 200);
    let status: serde_json::Value = serde_json::from_slice(http.body()).unwrap();
    let head = status["head"].as_str().unwrap();
    format!("{}.0", head.rsplit_once('.').unwrap().0)
}
