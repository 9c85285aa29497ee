//! Many who are connected at once, with keys of many: sockets on which nothing is said, and streams that are told
//! everything. The hub is a process of its own.
//!
//! `WHEELHOUSE_CROWD=9000,1000` makes it nine thousand sockets and a thousand streams, which stay for longer than a
//! silent client is borne.

use std::{
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;
use wheelhouse::{
    api::CONNECTIONS_OF_KEY_MAX,
    door::{Door, Keys, NewEvent, NewKey, Publish},
    home::local_caller,
    model::{Area, Projects, Scope},
    remote::Remote,
};

use crate::{
    daemon::Daemon,
    harness::{Program, clock},
    workload::Numbers,
    ws::{Client, handshake},
};

const IDLE: usize = 600;
const STREAMS: usize = 100;
/// Events in each of these commits, in turns.
const COMMITS: [usize; 4] = [1, 1, 40, 8];
const TURNS: usize = 4;
/// So many sockets at random are asked at the end.
const ASKED: usize = 32;
/// Who open theirs beside each other.
const LANES: usize = 32;
/// Of this process beside the connections.
const FILES: u64 = 200;
/// More than the 45 s after which a client that answers no ping is closed.
const STAYS: Duration = Duration::from_secs(60);
const STEP_MAX: Duration = Duration::from_secs(180);
/// Of a hub with ten thousand connections. Of a program that was not optimised, its own file is a fifth of it.
const RESIDENT_MB_MAX: u64 = if cfg!(debug_assertions) { 420 } else { 350 };

#[derive(Debug, Clone, Copy)]
struct Crowd {
    idle: usize,
    streams: usize,
}

impl Crowd {
    fn of_env() -> (Crowd, bool) {
        let Ok(text) = std::env::var("WHEELHOUSE_CROWD") else {
            return (Crowd { idle: IDLE, streams: STREAMS }, false);
        };
        let (idle, streams) = text.split_once(',').expect("WHEELHOUSE_CROWD is SOCKETS,STREAMS");
        (Crowd { idle: idle.parse().unwrap(), streams: streams.parse().unwrap() }, true)
    }

    fn all(self) -> usize {
        self.idle + self.streams
    }
}

/// Whether this process may have so many open files, after asking for them.
fn has_files_for(crowd: Crowd) -> bool {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    setrlimit(Resource::Nofile, raised).is_ok()
        && limit.maximum.is_none_or(|files| files > crowd.all() as u64 + FILES)
}

async fn keys(daemon: &Daemon, count: usize) -> (Remote, Vec<String>) {
    let remote = Remote::new(daemon.said["socket"].as_str().unwrap().as_ref()).unwrap();
    let mut secrets = Vec::new();
    for n in 0..count {
        let new = NewKey {
            name: format!("reader-{n}"),
            scopes: [Scope::read(Area::Events)].into(),
            projects: Projects::All,
            expires_in: None,
            dev: false,
        };
        secrets.push(remote.create_key(&local_caller(&clock()), new).await.unwrap().secret);
    }
    (remote, secrets)
}

async fn socket(at: SocketAddr, secret: &str) -> Client<TcpStream> {
    let authorization = format!("Bearer {secret}");
    let request = handshake(&at.to_string(), "/api/v1/events/ws", &[("authorization", &authorization)]);
    let stream = TcpStream::connect(at).await.unwrap();
    let opened = Client::open(stream, request).await;
    let mut client = opened.unwrap_or_else(|answer| panic!("no socket: {}", answer.status()));
    client.until("ready").await;
    client
}

/// Says nothing until it is asked; then its answer has to come. Its other end may not end.
async fn idle(mut client: Client<TcpStream>, n: usize, asked: Arc<Notify>, answered: mpsc::Sender<usize>) {
    let name = format!("nobody-{n}");
    loop {
        tokio::select! {
            () = asked.notified() => client.say(json!({ "op": "unsub", "id": name })).await,
            frame = futures::StreamExt::next(&mut client.socket) => match frame {
                Some(Ok(Message::Text(text))) if text.contains(&name) => {
                    answered.send(n).await.expect("somebody asked");
                }
                Some(Ok(Message::Close(why))) => panic!("socket {n} was closed: {why:?}"),
                Some(Ok(_)) => {}
                other => panic!("socket {n} ended: {other:?}"),
            },
        }
    }
}

/// Open streams, half of each kind.
enum Stream {
    Sse(BufReader<TcpStream>),
    Socket(Box<Client<TcpStream>>),
}

impl Stream {
    async fn open(at: SocketAddr, secret: &str, n: usize) -> Stream {
        if n.is_multiple_of(2) {
            let mut client = socket(at, secret).await;
            client.say(json!({ "op": "sub", "id": "a", "subjects": ["*.deploy.>"] })).await;
            client.until("caught_up").await;
            return Stream::Socket(Box::new(client));
        }
        let mut stream = TcpStream::connect(at).await.unwrap();
        let request = format!(
            "GET /api/v1/events/stream?subject=*.deploy.%3E HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {secret}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut stream = BufReader::with_capacity(4 << 10, stream);
        while line(&mut stream).await != "event: caught_up" {}
        Stream::Sse(stream)
    }

    /// The numbers that the next frame with events tells.
    async fn numbers(&mut self) -> Vec<u64> {
        let number = |event: &Value| event["data"]["n"].as_u64();
        match self {
            Stream::Sse(stream) => loop {
                let line = line(stream).await;
                if let Some(event) = line.strip_prefix("data: ")
                    && let Some(n) = number(&serde_json::from_str(event).unwrap())
                {
                    return vec![n];
                }
            },
            Stream::Socket(client) => loop {
                let Some(Message::Text(text)) = client.hear().await else { panic!("a stream ended") };
                let frame: Value = serde_json::from_str(&text).unwrap();
                match frame["op"].as_str().unwrap() {
                    "ev" => return vec![number(&frame["event"]).unwrap()],
                    "batch" => {
                        let events = frame["events"].as_array().unwrap();
                        return events.iter().map(|told| number(&told["event"]).unwrap()).collect();
                    }
                    "hb" => {}
                    other => panic!("{other}: {text}"),
                }
            },
        }
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    let count = timeout(STEP_MAX, stream.read_line(&mut line)).await.expect("a line in time").unwrap();
    assert!(count > 0, "a stream ended");
    line.trim_end().to_owned()
}

/// Opens `count` of them in lanes, the key of each by its number.
async fn open_all<T, F>(
    count: usize,
    first: usize,
    secrets: &Arc<Vec<String>>,
    open: impl Fn(String, usize) -> F + Copy + Send + 'static,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut opening = JoinSet::new();
    for lane in 0..LANES {
        let secrets = secrets.clone();
        opening.spawn(async move {
            let mut opened = Vec::new();
            for n in (lane..count).step_by(LANES) {
                opened.push(open(secrets[(first + n) / CONNECTIONS_OF_KEY_MAX].clone(), n).await);
            }
            opened
        });
    }
    opening.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_told_everything_and_none_of_it_is_lost() {
    let (crowd, stays) = Crowd::of_env();
    if !has_files_for(crowd) {
        println!("skipped: {crowd:?} takes more open files than this process may have");
        return;
    }
    let program = Program::new();
    let daemon = Daemon::start(&program, &["--listen", "127.0.0.1:0"]);
    let at = crate::outside::address(&daemon);
    let (remote, secrets) = keys(&daemon, crowd.all().div_ceil(CONNECTIONS_OF_KEY_MAX)).await;
    let (secrets, begun) = (Arc::new(secrets), Instant::now());
    let before_mb = resident_mb(daemon.pid());

    // On each connection somebody listens from the beginning, so that pings are answered.
    let (mut idle_ones, mut asks) = (JoinSet::new(), Vec::new());
    let (answered, mut answers) = mpsc::channel(ASKED);
    let sockets =
        open_all(crowd.idle, 0, &secrets, move |secret, _| async move { socket(at, &secret).await }).await;
    for (n, client) in sockets.into_iter().enumerate() {
        asks.push(Arc::new(Notify::new()));
        idle_ones.spawn(idle(client, n, asks[n].clone(), answered.clone()));
    }
    let total: usize = COMMITS.iter().sum::<usize>() * TURNS;
    let mut told = JoinSet::new();
    let streams = open_all(crowd.streams, crowd.idle, &secrets, move |secret, n| async move {
        Stream::open(at, &secret, n).await
    });
    for mut stream in streams.await {
        told.spawn(async move {
            let mut numbers = Vec::new();
            while numbers.len() < total {
                numbers.extend(stream.numbers().await);
            }
            (numbers, stream)
        });
    }
    let opened = begun.elapsed();
    if stays {
        sleep(STAYS).await;
    }

    let publishing = Instant::now();
    publish(&remote).await;
    let expected: Vec<u64> = (0..total as u64).collect();
    let told = timeout(STEP_MAX, told.join_all()).await.expect("all are told in time");
    for (n, (numbers, _)) in told.iter().enumerate() {
        assert!(*numbers == expected, "stream {n}: {numbers:?}");
    }
    let took = publishing.elapsed();

    let mut numbers = Numbers(7);
    for _ in 0..ASKED {
        let n = numbers.below(crowd.idle);
        asks[n].notify_one();
        let answer = timeout(STEP_MAX, answers.recv()).await.expect("an answer in time");
        assert_eq!(answer, Some(n));
    }
    assert!(idle_ones.try_join_next().is_none(), "all of them stay");
    let attached = remote.status().await.unwrap().attached;
    assert_eq!(attached as usize, crowd.all());
    let mb = resident_mb(daemon.pid());
    println!(
        "{crowd:?}, {} keys: open after {opened:.1?}, {total} events told to each stream in {took:.1?}; the hub holds {mb} MB \
         resident, {before_mb} before",
        secrets.len()
    );
    assert!(mb <= RESIDENT_MB_MAX, "{mb} MB");
    idle_ones.abort_all();
}

/// Each event with its number.
async fn publish(remote: &Remote) {
    let mut n = 0;
    for commit in COMMITS.iter().cycle().take(COMMITS.len() * TURNS) {
        let events = (0..*commit).map(|_| {
            let data = json!({ "n": n }).as_object().unwrap().clone();
            n += 1;
            NewEvent { kind: "deploy.finished".into(), data, ..NewEvent::default() }
        });
        let publish = Publish { events: events.collect(), idempotency_key: None };
        remote.publish(&local_caller(&clock()), publish).await.unwrap();
    }
}

fn resident_mb(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() >> 10
}
