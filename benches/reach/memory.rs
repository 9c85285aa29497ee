//! What connections cost while nothing happens on them: anonymous memory of the hub alone, its clients in another
//! process. What the kernel keeps for a socket comes on top. The bound is the buffer that a connection may fill, 256 KiB.

use std::time::{Duration, Instant};

use super::{
    clients,
    hub::Hub,
    part_of,
    wire::{Http, Kind, Stream, get},
};

const CONNECTIONS: usize = 1_000;
/// Of each kind first, so that what is there once for all is there.
const FIRST: usize = 20;
const SETTLE_MAX: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(200);

pub fn run() {
    let count = part_of(CONNECTIONS);
    println!("reach: anonymous memory of the hub for {count} connections of each kind");
    let idle = each(count, async |hub| {
        let mut http = Http::open(hub.at).await.unwrap();
        assert_eq!(http.ask(&get(hub.at, "/livez")).await.unwrap(), 200);
        http
    });
    println!("  kept open after an answer   {idle:>6.1} KiB each");
    for kind in [Kind::Sse, Kind::WebSocket] {
        let stream = each(count, async move |hub| Stream::open(hub.at, kind, None).await);
        println!("  a stream, {kind:<17} {stream:>6.1} KiB each", kind = format!("{kind:?}"));
    }
}

fn each<C>(count: usize, open: impl AsyncFn(&Hub) -> C) -> f64 {
    let hub = Hub::start();
    let grown = clients(async {
        let mut open_ones = Vec::new();
        for _ in 0..FIRST {
            open_ones.push(open(&hub).await);
        }
        settled(&hub).await;
        let before = hub.anonymous_kb();
        for _ in 0..count {
            open_ones.push(open(&hub).await);
        }
        settled(&hub).await;
        hub.anonymous_kb().saturating_sub(before)
    });
    hub.stop();
    grown as f64 / count as f64
}

/// Until its memory stands still, or has had time to.
pub async fn settled(hub: &Hub) {
    let begun = Instant::now();
    let (mut last, mut same) = (0, 0);
    while same < 4 && begun.elapsed() < SETTLE_MAX {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = hub.anonymous_kb();
        same = if now == last { same + 1 } else { 0 };
        last = now;
    }
}
