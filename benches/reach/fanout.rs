//! Events told to many at once. The reference: as many bytes to as many readers over the same loopback, written by one
//! thread that has nothing else to do with them. The limit is what the kernel takes to copy them, and the processor
//! time that encoding takes before it.

use std::{
    net::SocketAddr,
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use tokio::{io::AsyncWriteExt, net::TcpListener, task::JoinSet};

use super::{
    ROUNDS, clients,
    hub::Hub,
    median, part_of,
    wire::{Http, Kind, Stream, bare, publish},
};

/// Who reads, in so many commits, and events in each.
const LOADS: [(usize, usize, usize); 6] =
    [(1, 1_000, 100), (100, 40, 100), (1_000, 10, 100), (1, 4_000, 1), (100, 600, 1), (1_000, 100, 1)];

pub fn run() {
    println!(
        "reach: events told to many at once; {ROUNDS} rounds, the middle one; one core is a second of processor time of \
         the hub alone, with its log and what publishing takes"
    );
    for kind in [Kind::Sse, Kind::WebSocket] {
        for (readers, commits, events) in LOADS {
            load(kind, readers, part_of(commits), events);
        }
    }
}

/// What was delivered, in all and for a second of one core.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    pub per_s: f64,
    pub per_core_s: f64,
    pub bytes_each: f64,
}

fn load(kind: Kind, readers: usize, commits: usize, events: usize) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let hub = Hub::start();
    for _ in 0..ROUNDS {
        let told = clients(round(&hub, kind, readers, commits, events));
        theirs.push(bare_round(readers, commits, events, told.bytes_each));
        ours.push(told);
    }
    hub.stop();
    let of = |told: &[Told], what: fn(&Told) -> f64| median(&told.iter().map(what).collect::<Vec<_>>());
    let (per_s, per_core_s) = (of(&ours, |told| told.per_s), of(&ours, |told| told.per_core_s));
    let (bare_per_s, bare_per_core_s) = (of(&theirs, |told| told.per_s), of(&theirs, |told| told.per_core_s));
    println!(
        "  {kind:?}, {readers:>5} readers, {:>6} events, {events:>3} a commit, {:>4.0} B each: {per_s:>9.0} deliveries/s, \
         {per_core_s:>8.0} a core (goal 60,000); bare sockets {bare_per_s:>10.0}/s, {bare_per_core_s:>9.0} a core: {:.3}, {:.3}",
        commits * events,
        of(&ours, |told| told.bytes_each),
        per_s / bare_per_s,
        per_core_s / bare_per_core_s,
    );
}

/// From the first event's request to the last one's arrival at the last reader.
pub async fn round(hub: &Hub, kind: Kind, readers: usize, commits: usize, events: usize) -> Told {
    let mut streams = Vec::new();
    for _ in 0..readers {
        streams.push(Stream::open(hub.at, kind, None).await);
    }
    told_to(hub, &mut streams, commits, events).await
}

/// To streams that are open.
pub async fn told_to(hub: &Hub, streams: &mut Vec<Stream>, commits: usize, events: usize) -> Told {
    let requests: Vec<_> = (0..commits).map(|n| publish(hub.at, n * events, events)).collect();
    let mut publisher = Http::open(hub.at).await.unwrap();
    let total = commits * events;
    let bytes_before: u64 = streams.iter().map(|stream| stream.bytes).sum();
    let (processor, begun) = (hub.processor_s(), Instant::now());
    let mut reading = JoinSet::new();
    let readers = streams.len();
    for mut stream in streams.drain(..) {
        reading.spawn(async move {
            let expected = stream.marks + total;
            stream.count_to(expected).await;
            assert_eq!(stream.marks, expected, "every event, once");
            stream
        });
    }
    for request in &requests {
        assert_eq!(publisher.ask(request).await.unwrap(), 201);
    }
    streams.extend(reading.join_all().await);
    let (took, processor) = (begun.elapsed().as_secs_f64(), hub.processor_s() - processor);
    let deliveries = (total * readers) as f64;
    let bytes: u64 = streams.iter().map(|stream| stream.bytes).sum::<u64>() - bytes_before;
    Told {
        per_s: deliveries / took,
        per_core_s: deliveries / processor,
        bytes_each: bytes as f64 / deliveries,
    }
}

/// The same bytes, a commit's at a time.
pub fn bare_round(readers: usize, commits: usize, events: usize, bytes_each: f64) -> Told {
    let bytes = (bytes_each * events as f64) as usize;
    let ready = Arc::new(Barrier::new(2));
    let (at_send, at) = std::sync::mpsc::channel();
    let writing = std::thread::spawn({
        let ready = ready.clone();
        move || write_all(readers, commits, bytes, &at_send, &ready)
    });
    let at: SocketAddr = at.recv().unwrap();
    let took = clients(async {
        let mut streams = Vec::new();
        for _ in 0..readers {
            streams.push(bare(at).await);
        }
        ready.wait();
        let begun = Instant::now();
        let mut reading = JoinSet::new();
        for mut stream in streams.drain(..) {
            reading.spawn(async move { stream.count_to(usize::MAX).await });
        }
        reading.join_all().await;
        begun.elapsed()
    });
    let processor = writing.join().unwrap();
    let deliveries = (commits * events * readers) as f64;
    Told {
        per_s: deliveries / took.as_secs_f64(),
        per_core_s: deliveries / processor.as_secs_f64(),
        bytes_each,
    }
}

/// The processor time that writing took.
fn write_all(
    readers: usize,
    commits: usize,
    bytes: usize,
    at: &std::sync::mpsc::Sender<SocketAddr>,
    ready: &Barrier,
) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        at.send(listener.local_addr().unwrap()).unwrap();
        let mut sockets = Vec::new();
        while sockets.len() < readers {
            sockets.push(listener.accept().await.unwrap().0);
        }
        ready.wait();
        let before = processor();
        let commit = Arc::new(vec![b'.'; bytes]);
        let mut writing = JoinSet::new();
        for mut socket in sockets {
            let commit = commit.clone();
            writing.spawn(async move {
                for _ in 0..commits {
                    socket.write_all(&commit).await.unwrap();
                }
            });
        }
        writing.join_all().await;
        processor() - before
    })
}

/// Of this thread.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
