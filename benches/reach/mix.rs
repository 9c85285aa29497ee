//! What a team's tools ask over HTTP, at a given rate whether or not the hub keeps up (an open loop): a request's time
//! runs from the moment at which it was to be sent. 60 % get a memory, 20 % list, 15 % search by words, of which four in
//! five ask what was asked before, 5 % save. The reference is `/livez` at the same rate: HTTP and these clients alone.
//! The limit is the two cores, which the clients share.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::Instant};

use super::{
    super::search::{Numbers, Zipf},
    clients,
    hub::Hub,
    part_of,
    wire::{Http, get, post},
};

const MEMORIES: usize = 10_000;
const MEMORY_BYTES: usize = 500;
const BATCH: usize = 250;
const RATES: [u64; 5] = [1_000, 2_000, 3_000, 4_000, 5_000];
const SECONDS: usize = 10;
const CONNECTIONS: usize = 64;
/// Questions that are asked again and again.
const REPEATED: usize = 100;
/// The same requests in the same order at every rate; those that save and the new questions differ by their numbers.
const REQUESTS: usize = 20_000;
/// Of a rate that is held: so many of the requests are answered well.
const HELD: f64 = 0.99;
const AT_ONCE: usize = 10_000;
const OVERLOAD_SECONDS: usize = 30;
/// More than the hub answers at once.
const OVERLOAD_CONNECTIONS: usize = 2_048;
/// A request that found no free connection for so long is not sent any more.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(1);
/// Longer than the hub gives itself for an answer.
const CLIENT_PATIENCE: Duration = Duration::from_secs(20);
/// After which it begins although vectors are still being made.
const EMBEDDING_SECONDS: usize = 600;

pub fn run() {
    let hub = Hub::start();
    clients(async {
        let mix = Arc::new(Mix::new(&hub).await);
        let livez = Arc::new(Mix { requests: vec![get(hub.at, "/livez")], ..Mix::of(hub.at) });
        println!(
            "reach: {MEMORY_BYTES} B each, {CONNECTIONS} connections, {} s each, open loop; latencies in ms, from the \
             intended send",
            part_of(SECONDS)
        );
        let watch = hub.watch();
        let mut held = RATES[0];
        for rate in RATES {
            let before = hub.processor_s();
            let (seconds, begun) = (part_of(SECONDS), Instant::now());
            let done = open_loop(&mix, rate, seconds, CONNECTIONS).await;
            let share = (hub.processor_s() - before) / begun.elapsed().as_secs_f64();
            let bare = open_loop(&livez, rate, seconds.div_ceil(2), CONNECTIONS).await;
            println!("  {rate:>6}/s  {done}; {share:.2} cores; /livez {}", bare.latencies());
            if done.is_held(rate, seconds) {
                held = rate;
            }
        }
        at_once(&mix).await;
        let rate = 3 * held;
        let over = open_loop(&mix, rate, part_of(OVERLOAD_SECONDS), OVERLOAD_CONNECTIONS).await;
        println!(
            "  {rate}/s for {} s over {OVERLOAD_CONNECTIONS} connections: {over}",
            part_of(OVERLOAD_SECONDS)
        );
        for when in ["right after", "after that"] {
            let after = open_loop(&mix, RATES[0], part_of(SECONDS), CONNECTIONS).await;
            println!("  {when}, {:>6}/s  {after}", RATES[0]);
        }
        let (mb, threads) = watch.end();
        println!("  the hub's anonymous memory {mb} MB at most, {threads} threads at most");
    });
    hub.stop();
}

/// What is asked.
struct Mix {
    at: std::net::SocketAddr,
    requests: Vec<Vec<u8>>,
}

impl Mix {
    fn of(at: std::net::SocketAddr) -> Mix {
        Mix { at, requests: Vec::new() }
    }

    /// Fills the hub first.
    async fn new(hub: &Hub) -> Mix {
        let mut numbers = Numbers(11);
        let zipf = Zipf::new(&mut numbers, 20_000);
        let ids = fill(hub, &zipf, &mut numbers).await;
        let at = hub.at;
        let question = |numbers: &mut Numbers| {
            let words: Vec<String> =
                (0..2 + numbers.below(3)).map(|_| zipf.draw(numbers).to_owned()).collect();
            get(at, &format!("/api/v1/search?q={}&mode=lexical&limit=10", words.join("+")))
        };
        let repeated: Vec<_> = (0..REPEATED).map(|_| question(&mut numbers)).collect();
        let list = get(at, "/api/v1/memories?limit=20");
        let requests = (0..REQUESTS).map(|n| match numbers.below(100) {
            0..60 => get(at, &format!("/api/v1/memories/{}", ids[numbers.below(ids.len())])),
            60..80 => list.clone(),
            80..92 => repeated[numbers.below(REPEATED)].clone(),
            92..95 => question(&mut numbers),
            _ => {
                let content = format!("{n}: {}", zipf.text(&mut numbers, MEMORY_BYTES));
                post(at, "/api/v1/memories", &json!({ "content": content }).to_string())
            }
        });
        Mix { at, requests: requests.collect() }
    }
}

async fn fill(hub: &Hub, zipf: &Zipf, numbers: &mut Numbers) -> Vec<String> {
    let mut http = Http::open(hub.at).await.unwrap();
    let mut ids = Vec::new();
    let begun = Instant::now();
    while ids.len() < part_of(MEMORIES) {
        let items = (0..BATCH).map(|n| {
            let url = format!("file:///{}", ids.len() + n);
            json!({ "content": zipf.text(numbers, MEMORY_BYTES), "url": url })
        });
        let batch = json!({ "items": items.collect::<Vec<_>>(), "source": "reach" });
        let status = http.ask(&post(hub.at, "/api/v1/memories/bulk", &batch.to_string())).await.unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(http.body()));
        let done: Value = serde_json::from_slice(http.body()).unwrap();
        let items = done["items"].as_array().unwrap();
        ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
    }
    let filled = begun.elapsed();
    let is_ready = async || {
        let mut http = Http::open(hub.at).await.unwrap();
        assert_eq!(http.ask(&get(hub.at, "/api/v1/status")).await.unwrap(), 200);
        let status: Value = serde_json::from_slice(http.body()).unwrap();
        status["views"].as_array().unwrap().iter().all(|view| view["state"] == "ready")
    };
    let patience = Duration::from_secs(part_of(EMBEDDING_SECONDS) as u64);
    let mut ready = is_ready().await;
    while !ready && begun.elapsed() < patience {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ready = is_ready().await;
    }
    println!(
        "reach: {} memories saved in {filled:.1?}, all views {} after {:.0?}",
        ids.len(),
        if ready { "ready" } else { "but the vectors ready" },
        begun.elapsed()
    );
    ids
}

/// What became of requests.
struct Done {
    answered: BTreeMap<u16, u64>,
    /// The connection ended, or nothing came in time.
    broken: u64,
    not_sent: u64,
    /// In µs, of those that were answered well.
    took: Histogram<u64>,
}

impl Default for Done {
    fn default() -> Done {
        let took = Histogram::new_with_bounds(1, 60_000_000, 3).unwrap();
        Done { answered: BTreeMap::new(), broken: 0, not_sent: 0, took }
    }
}

impl Done {
    fn note(&mut self, answer: Option<u16>, took: Duration) {
        match answer {
            None => self.broken += 1,
            Some(status) => {
                *self.answered.entry(status).or_default() += 1;
                if status < 300 {
                    self.took.saturating_record(took.as_micros().max(1) as u64);
                }
            }
        }
    }

    fn add(&mut self, other: Done) {
        for (status, count) in other.answered {
            *self.answered.entry(status).or_default() += count;
        }
        self.broken += other.broken;
        self.not_sent += other.not_sent;
        self.took.add(other.took).unwrap();
    }

    fn is_held(&self, rate: u64, seconds: usize) -> bool {
        self.took.len() as f64 >= HELD * (rate * seconds as u64) as f64
            && self.took.value_at_quantile(0.95) < 500_000
    }

    fn latencies(&self) -> String {
        let at = |share: f64| self.took.value_at_quantile(share) as f64 / 1e3;
        format!("P50 {:.1} P95 {:.1} P99 {:.1} most {:.0}", at(0.5), at(0.95), at(0.99), at(1.0))
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let well: u64 = self.took.len();
        write!(f, "{well} well, {}", self.latencies())?;
        for (status, count) in self.answered.iter().filter(|(status, _)| **status >= 300) {
            write!(f, ", {count} of {status}")?;
        }
        for (count, what) in [(self.broken, "broken"), (self.not_sent, "not sent")] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// Request n is to be sent n/rate after the begin, on whichever connection is free.
async fn open_loop(mix: &Arc<Mix>, rate: u64, seconds: usize, connections: usize) -> Done {
    let mut open_ones = Vec::new();
    while open_ones.len() < connections {
        open_ones.push(Http::open(mix.at).await.unwrap());
    }
    let next = Arc::new(AtomicU64::new(0));
    let (begin, total) = (Instant::now() + Duration::from_millis(10), rate * seconds as u64);
    let mut asking = JoinSet::new();
    for http in open_ones {
        let (mix, next) = (mix.clone(), next.clone());
        asking.spawn(async move {
            let (mut done, mut open) = (Done::default(), Some(http));
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= total {
                    return done;
                }
                let due = begin + Duration::from_nanos(n * 1_000_000_000 / rate);
                tokio::time::sleep_until(due).await;
                if due.elapsed() > GIVEN_UP_AFTER {
                    done.not_sent += 1;
                    continue;
                }
                let request = &mix.requests[n as usize % mix.requests.len()];
                let answer = ask(&mut open, &mix, request).await;
                done.note(answer, due.elapsed());
            }
        });
    }
    sum(asking).await
}

/// None where the connection ended, which is opened anew for the next one.
async fn ask(open: &mut Option<Http>, mix: &Mix, request: &[u8]) -> Option<u16> {
    let asked = tokio::time::timeout(CLIENT_PATIENCE, async {
        let mut http = match open.take() {
            Some(http) => http,
            None => Http::open(mix.at).await.ok()?,
        };
        let status = http.ask(request).await.ok()?;
        *open = Some(http);
        Some(status)
    });
    asked.await.ok().flatten()
}

async fn sum(mut asking: JoinSet<Done>) -> Done {
    let mut all = Done::default();
    while let Some(done) = asking.join_next().await {
        all.add(done.unwrap());
    }
    all
}

/// As many connections, a request on each in the same moment.
async fn at_once(mix: &Arc<Mix>) {
    let shared = Arc::new(Mutex::new(Vec::new()));
    let mut opening = JoinSet::new();
    let count = part_of(AT_ONCE);
    for lane in 0..CONNECTIONS {
        let (mix, shared) = (mix.clone(), shared.clone());
        let share = count / CONNECTIONS + usize::from(lane < count % CONNECTIONS);
        opening.spawn(async move {
            for _ in 0..share {
                if let Ok(http) = Http::open(mix.at).await {
                    shared.lock().unwrap().push(http);
                }
            }
        });
    }
    opening.join_all().await;
    let open_ones = std::mem::take(&mut *shared.lock().unwrap());
    let opened = open_ones.len();
    let begin = Instant::now();
    let mut asking = JoinSet::new();
    for (n, http) in open_ones.into_iter().enumerate() {
        let mix = mix.clone();
        asking.spawn(async move {
            let (mut done, mut open) = (Done::default(), Some(http));
            let answer = ask(&mut open, &mix, &mix.requests[n % mix.requests.len()]).await;
            done.note(answer, begin.elapsed());
            done
        });
    }
    let done = sum(asking).await;
    println!(
        "  {opened} requests at once, each on a connection of its own, in {:.1?}: {done}",
        begin.elapsed()
    );
}
