//! Requests and frames that nobody means, at the program itself over real connections: made of those that the routes take,
//! changed somewhere. Whatever comes, it answers the next one, makes no mistake of its own, and panics nowhere.
//!
//! `WHEELHOUSE_FUZZ_SECONDS` is how long (3), `WHEELHOUSE_FUZZ_SEED` another beginning of the numbers.

use std::{
    fs,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use wheelhouse::api::routes;

use crate::{
    daemon::Daemon,
    harness::{PATIENCE, Program},
    outside::{address, walk::body},
    workload::Numbers,
};

const SECONDS: u64 = 3;
const SEED: u64 = 7;
/// Sent beside each other; after them the hub has to answer.
const BATCH: usize = 48;
/// Of one request or frame.
const CHANGES_MAX: usize = 6;
/// Nothing more is coming after this.
const QUIET: Duration = Duration::from_millis(120);
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// What breaks parsers elsewhere.
const TOKENS: [&[u8]; 24] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\n\n",
    b"\0",
    b"%00",
    b"%zz",
    b"..%2f",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\xf0\x9f\xa6\x80",
    b"\xe2\x80\xae",
    b"{\"a\":",
    b"[[[[[[[[[[[[[[[[",
    b"\\ud800",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"9223372036854775807",
    b"null",
    b"transfer-encoding: chunked\r\n",
    b"content-length: 99999999999999999999\r\n",
    b"content-encoding: gzip\r\n",
    b"expect: 100-continue\r\n",
    b"&limit=0&limit=-1",
];

/// What is sent on one connection.
enum Sent {
    Request(Vec<u8>),
    /// After a handshake: bytes that stand in the place of frames.
    Frames(Vec<u8>),
}

struct Fuzz {
    numbers: Numbers,
    requests: Vec<Vec<u8>>,
    frames: Vec<Vec<u8>>,
}

/// What came of it.
#[derive(Debug, Default)]
struct Counts {
    requests: usize,
    sockets: usize,
    answered: usize,
    refused: usize,
    closed: usize,
    /// 503, 504: it said that it could not now.
    busy: usize,
}

impl Fuzz {
    /// Of the routes, about records that there are.
    fn new(at: SocketAddr, memory: &str, seed: u64) -> Fuzz {
        let asks = routes().into_iter().flat_map(|route| {
            let path = ["{id}", "{key}", "{job}", "{component}"]
                .into_iter()
                .zip([memory, "nobody", "nobody", "log"])
                .fold(route.path.clone(), |path, (part, value)| path.replace(part, value));
            let queries: &[&str] = match path.trim_start_matches("/api/v1") {
                "/search" => &["?q=fuzz&mode=lexical&limit=5&explain=true", "?q=type:note+-tag:x+%22a+b%22"],
                "/search/suggest" => &["?q=fu"],
                "/memories" if route.method == "GET" => {
                    &["", "?limit=3&project=home&tag=a&order=oldest&since=2h"]
                }
                "/events" if route.method == "GET" => &[
                    "?subject=*.memory.%3E&limit=5&order=asc&since=1d&format=csv",
                    "?text=fuzz&severity=warn",
                ],
                "/events/stream" => {
                    &["?subject=_.%3E", "?after_cursor=w1.00000000000000000000000000000007.1.0"]
                }
                _ => &[""],
            };
            let text = body(&route);
            queries
                .iter()
                .map(move |query| request(at, route.method.as_str(), &format!("{path}{query}"), text))
        });
        let mut requests: Vec<_> = asks.collect();
        requests.push(request(
            at,
            "POST",
            "/mcp",
            &json!({"jsonrpc":"2.0","id":1,"method":"tools/list"}).to_string(),
        ));
        let events =
            json!({ "events": [{ "type": "deploy.finished", "name": "x", "data": { "a": [1, null] } }] });
        requests.push(request(at, "POST", "/api/v1/events", &events.to_string()));
        let cursor = "w1.00000000000000000000000000000007.1.3";
        let said = [
            json!({ "op": "sub", "id": "a", "subjects": ["*.memory.>"], "acks": true, "after": cursor }),
            json!({ "op": "sub", "id": "b", "projects": ["home"], "since": "2026-01-01T00:00:00Z", "text": "x" }),
            json!({ "op": "sub", "id": "c", "severity": "warn", "correlation": memory }),
            json!({ "op": "unsub", "id": "a" }),
            json!({ "op": "ack", "id": "a", "cursor": cursor }),
            json!({ "op": "ping" }),
            json!({ "op": "auth", "key": "wh_live_x" }),
        ];
        let mut frames: Vec<_> = said.iter().map(|said| frame(0x81, said.to_string().as_bytes())).collect();
        frames.extend([frame(0x89, b"ping"), frame(0x8a, b""), frame(0x88, &[3, 232]), frame(0x82, &[0; 9])]);
        Fuzz { numbers: Numbers(seed), requests, frames }
    }

    /// One to send: as it is, changed, or of several.
    fn next(&mut self) -> Sent {
        let Fuzz { numbers, requests, frames, .. } = self;
        if numbers.below(4) == 0 {
            let bytes = (0..=numbers.below(6)).flat_map(|_| {
                let frame = &frames[numbers.below(frames.len())];
                // Changed before it is masked, so that it is still a frame; or after.
                match numbers.below(3) {
                    0 => frame.clone(),
                    1 => self::frame(frame[0], &changed(&frame[frame.len().min(6)..], frames, numbers)),
                    _ => changed(frame, frames, numbers),
                }
            });
            return Sent::Frames(bytes.collect());
        }
        let request = &requests[numbers.below(requests.len())];
        Sent::Request(changed(request, requests, numbers))
    }
}

fn request(at: SocketAddr, method: &str, path: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\nidempotency-key: f1\r\n\
         x-wheelhouse-projects: home,_\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// As a client sends it; masked with zeros, which change nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ ..126 => frame.push(0x80 | length as u8),
        length @ ..0x1_0000 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(payload);
    frame
}

fn changed(sound: &[u8], others: &[Vec<u8>], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..numbers.below(CHANGES_MAX + 1) {
        if bytes.is_empty() {
            return bytes;
        }
        let from = numbers.below(bytes.len());
        let to = (from + 1 + numbers.below(32)).min(bytes.len());
        let part = bytes[from..to].to_vec();
        match numbers.below(9) {
            0 => bytes[from] ^= 1 << numbers.below(8),
            1 => bytes[from] = numbers.below(256) as u8,
            2 => drop(bytes.drain(from..to)),
            3 => drop(bytes.splice(from..from, part.repeat(1 + numbers.below(8)))),
            4 => drop(bytes.splice(from..from, TOKENS[numbers.below(TOKENS.len())].iter().copied())),
            5 => drop(bytes.splice(from..to, TOKENS[numbers.below(TOKENS.len())].iter().copied())),
            6 => {
                let other = &others[numbers.below(others.len())];
                let cut = numbers.below(other.len());
                drop(bytes.splice(from.., other[cut..].iter().copied()));
            }
            7 => drop(bytes.splice(from..from, vec![b'a' + numbers.below(26) as u8; 1 << numbers.below(18)])),
            _ => bytes.truncate(from),
        }
    }
    bytes
}

/// Everything that comes until the end, or until it was quiet for so long.
async fn exchange(at: SocketAddr, sent: Sent, quiet: Duration) -> (Vec<u8>, bool) {
    let mut stream = TcpStream::connect(at).await.expect("the hub takes connections");
    let bytes = match sent {
        Sent::Request(bytes) => bytes,
        Sent::Frames(bytes) => {
            let handshake = format!(
                "GET /api/v1/events/ws HTTP/1.1\r\nhost: {at}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                 sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            [handshake.into_bytes(), bytes].concat()
        }
    };
    // Who is refused in the middle may be cut off before all is sent.
    timeout(PATIENCE, stream.write_all(&bytes)).await.expect("the hub reads or closes").ok();
    let (mut answer, mut chunk) = (Vec::new(), vec![0; 16 << 10]);
    loop {
        match timeout(quiet, stream.read(&mut chunk)).await {
            Ok(Ok(count @ 1..)) if answer.len() < ANSWER_BYTES_MAX => {
                answer.extend_from_slice(&chunk[..count])
            }
            Ok(Ok(1..)) | Err(_) => return (answer, false),
            Ok(_) => return (answer, true),
        }
    }
}

/// The statuses of what was answered: several, where several were asked on one connection.
fn statuses(answer: &[u8]) -> impl Iterator<Item = u16> {
    let text = String::from_utf8_lossy(answer);
    let found: Vec<u16> = text
        .match_indices("HTTP/1.1 ")
        .filter(|(at, _)| *at == 0 || text[..*at].ends_with(['\n', '}']))
        .filter_map(|(at, begin)| text[at + begin.len()..].get(..3)?.parse().ok())
        .collect();
    found.into_iter()
}

async fn is_alive(at: SocketAddr) -> bool {
    let (answer, _) = exchange(at, Sent::Request(request(at, "GET", "/livez", "")), PATIENCE).await;
    answer.starts_with(b"HTTP/1.1 200 ")
}

impl Counts {
    fn add(&mut self, sent: &str, answer: &[u8], ended: bool) {
        self.closed += usize::from(ended);
        for status in statuses(answer) {
            match status {
                500 => panic!("{sent}\n-> {}", String::from_utf8_lossy(answer)),
                503 | 504 => self.busy += 1,
                400.. => self.refused += 1,
                _ => self.answered += 1,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_the_hub_answers_the_next() {
    let of_env = |name: &str, value: u64| std::env::var(name).map_or(value, |text| text.parse().unwrap());
    let lasts = Duration::from_secs(of_env("WHEELHOUSE_FUZZ_SECONDS", SECONDS));
    let seed = of_env("WHEELHOUSE_FUZZ_SEED", SEED);
    println!("the seed is {seed}");
    let program = Program::new();
    let daemon = Daemon::start(&program, &["--listen", "127.0.0.1:0", "--no-auth"]);
    let at = address(&daemon);
    let added: serde_json::Value =
        serde_json::from_str(&program.prints(&["add", "fuzzed", "--json"])).unwrap();
    let mut fuzz = Fuzz::new(at, added["id"].as_str().unwrap(), seed);
    let (mut counts, begun) = (Counts::default(), Instant::now());
    while begun.elapsed() < lasts {
        let mut batch = JoinSet::new();
        for _ in 0..BATCH {
            let sent = fuzz.next();
            let shown = match &sent {
                Sent::Request(bytes) | Sent::Frames(bytes) => bytes.escape_ascii().to_string(),
            };
            match &sent {
                Sent::Request(_) => counts.requests += 1,
                Sent::Frames(_) => counts.sockets += 1,
            }
            batch.spawn(async move { (shown, exchange(at, sent, QUIET).await) });
        }
        for (sent, (answer, ended)) in batch.join_all().await {
            counts.add(&sent, &answer, ended);
        }
        assert!(is_alive(at).await, "after a batch of {counts:?}");
    }
    println!("in {:.0?}: {counts:?}", begun.elapsed());
    assert!(counts.answered > 0 && counts.refused > 0 && counts.sockets > 0, "{counts:?}");
    let logs = fs::read_dir(program.data_dir().join("logs")).unwrap();
    let mut said: Vec<_> = logs.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    let (status, complained) = daemon.ends_saying(rustix::process::Signal::TERM);
    assert_eq!(status.code(), Some(0), "it ends as it should");
    said.push(complained);
    for said in said {
        assert_eq!(said.lines().find(|line| line.contains("panic")), None);
    }
}
