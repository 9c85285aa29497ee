//! The program itself in a terminal, attached to a hub that tells 5,000 events a second, while every pane is visited:
//! how long from one frame to the next, from a key to its frame, and what memory it takes as the minutes pass.
//!
//! `WHEELHOUSE_LIVE_MINUTES` (10), `WHEELHOUSE_LIVE_RATE` (5,000).

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::json;
use wheelhouse::{
    api::Reach,
    door::{Door, NewMemory, Upsert},
    home::{Home, HomeOptions, Stay, local_caller},
    model::Id,
    tasks::Clock,
};

const MEMORIES: usize = 10_000;
const PRODUCERS: u64 = 64;
/// Visited one after another: its name, the keys to it, those pressed in it ten times a second, each of which changes
/// something, and those that leave it.
const VISITS: [(&str, &str, &str, &str); 8] = [
    ("deck, Search", "1", "jjjjkkkk", ""),
    ("deck, Timeline", "4", "kkkkjjjj", "G"),
    ("Timeline, whole", "4z", "kkkkkkkk", "Gz"),
    ("Timeline, filtered", "4/text:number\r", "kkkkjjjj", "/\u{15}\r"),
    ("Search, typing", "s", "abcdefgh", "\u{15}\x1b"),
    ("Search, whole", "1z", "jjjjkkkk", "z"),
    ("Log, in and out", "0", "zzzzzzzz", "1"),
    ("settings", ",", "jjjjkkkk", "\x1b"),
];

/// When frames began and ended.
#[derive(Default)]
struct Frames(Vec<(Instant, Instant)>);

pub fn run() {
    let of_env = |name: &str, value: u64| std::env::var(name).map_or(value, |text| text.parse().unwrap());
    let (minutes, rate) = (of_env("WHEELHOUSE_LIVE_MINUTES", 10), of_env("WHEELHOUSE_LIVE_RATE", 5_000));
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let home = Home::new(HomeOptions {
        data_dir: dir.path().join("data"),
        unsafe_filesystem: false,
        hub_name: "live".into(),
        clock: Clock::system(),
        retention: wheelhouse::store::Retention::default(),
        sampling: Default::default(),
        stay: Stay::Face,
        jobs: wheelhouse::hub::JobOptions::default(),
        hub: None,
        reach: Reach::default(),
    });
    let (door, ids) = runtime.block_on(filled(&home));
    let told = Arc::new(AtomicU64::new(0));
    for producer in 0..PRODUCERS {
        runtime.spawn(tell(door.clone(), ids.clone(), producer, rate, told.clone()));
    }
    console(dir.path(), Duration::from_secs(60 * minutes), &told);
    runtime.block_on(home.close());
}

async fn filled(home: &Home) -> (Arc<dyn Door>, Arc<Vec<Id>>) {
    let door = home.door().await.unwrap().door;
    let mut ids = Vec::new();
    for batch in 0..MEMORIES / 250 {
        let items = (0..250).map(|n| {
            let n = batch * 250 + n;
            let new = json!({ "content": format!("What number {n} is about, and what to do."), "url": format!("file:///{n}") });
            serde_json::from_value::<NewMemory>(new).unwrap()
        });
        let batch = Upsert { items: items.collect(), source: "live".into(), ..Upsert::default() };
        let done = door.upsert(&local_caller(home.clock()), batch).await.unwrap();
        ids.extend(done.items.iter().map(|item| item.id));
    }
    (door, Arc::new(ids))
}

/// Tells its share of the events: an answer was opened.
async fn tell(door: Arc<dyn Door>, ids: Arc<Vec<Id>>, producer: u64, rate: u64, told: Arc<AtomicU64>) {
    let clock = Clock::system();
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 * PRODUCERS / rate));
    for n in (producer as usize..).step_by(PRODUCERS as usize) {
        ticks.tick().await;
        let id = ids[n % ids.len()];
        if door.opened(&local_caller(&clock), id, &format!("number {n}")).await.is_ok() {
            told.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn console(dir: &Path, lasts: Duration, told: &AtomicU64) {
    let size = PtySize { rows: 60, cols: 200, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_wheelhouse"));
    command.args(["--data-dir", dir.join("data").to_str().unwrap()]);
    command.env("HOME", dir);
    command.env("TERM", "xterm-256color");
    command.env("COLORTERM", "truecolor");
    command.cwd(dir);
    let mut child = pair.slave.spawn_command(command).unwrap();
    let keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
    let frames = Arc::new(Mutex::new(Frames::default()));
    let output = pair.master.try_clone_reader().unwrap();
    std::thread::spawn({
        let (keys, frames) = (keys.clone(), frames.clone());
        move || read(output, &keys, &frames)
    });
    let press = |text: &str| {
        let at = Instant::now();
        keys.lock().unwrap().write_all(text.as_bytes()).unwrap();
        at
    };
    let pid = child.process_id().unwrap();
    std::thread::sleep(Duration::from_secs(5));
    let (start, mut memory) = (Instant::now(), Vec::new());
    let mut visits: Vec<Visit> = VISITS.iter().map(|visit| Visit::new(visit.0)).collect();
    let told_at_start = told.load(Ordering::Relaxed);
    while start.elapsed() < lasts {
        for (visit, (_, enter, moves, leave)) in visits.iter_mut().zip(VISITS) {
            type_out(enter, press);
            frames.lock().unwrap().0.clear();
            let mut pressed = Vec::new();
            for _ in 0..8 {
                for key in moves.chars() {
                    std::thread::sleep(Duration::from_millis(100));
                    pressed.push(press(&key.to_string()));
                }
            }
            std::thread::sleep(Duration::from_millis(200));
            visit.add(&frames.lock().unwrap().0, &pressed);
            type_out(leave, press);
        }
        memory.push((start.elapsed().as_secs(), anonymous_mb(pid)));
    }
    let took = start.elapsed();
    let rate = (told.load(Ordering::Relaxed) - told_at_start) as f64 / took.as_secs_f64();
    println!("{:.0} s at {rate:.0} events/s, {}x{}", took.as_secs_f64(), size.cols, size.rows);
    for visit in &mut visits {
        visit.report();
    }
    let of_memory: Vec<String> = memory.iter().map(|(s, mb)| format!("{mb} at {s} s")).collect();
    println!("anonymous memory of the console, MB: {}", of_memory.join(", "));
    type_out("\x1b\x1bq", press);
    println!("ended: {:?}", child.wait().unwrap());
}

/// One key after another, as fingers do: together they would be a paste.
fn type_out(keys: &str, press: impl Fn(&str) -> Instant) {
    for key in keys.chars() {
        press(&key.to_string());
        std::thread::sleep(Duration::from_millis(150));
    }
}

fn read(mut output: Box<dyn Read + Send>, keys: &Mutex<Box<dyn Write + Send>>, frames: &Mutex<Frames>) {
    let (mut bytes, mut rest, mut began) = (vec![0; 65_536], Vec::new(), Instant::now());
    while let Ok(count @ 1..) = output.read(&mut bytes) {
        let now = Instant::now();
        rest.extend_from_slice(&bytes[..count]);
        if rest.windows(3).any(|window| window == b"\x1b[c") {
            let answer = b"\x1b]11;rgb:1010/1717/1f1f\x1b\\\x1b[?62;22c";
            keys.lock().unwrap().write_all(answer).unwrap();
        }
        while let Some(at) = rest.windows(8).position(|w| w == b"\x1b[?2026h" || w == b"\x1b[?2026l") {
            if rest[at + 7] == b'h' {
                began = now;
            } else {
                frames.lock().unwrap().0.push((began, now));
            }
            rest.drain(..at + 8);
        }
        // What may be the beginning of a mark.
        rest.drain(..rest.len().saturating_sub(7));
    }
}

fn anonymous_mb(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// What was seen in a place, over all its visits.
struct Visit {
    name: &'static str,
    gaps: Vec<Duration>,
    keys: Vec<Duration>,
}

impl Visit {
    fn new(name: &'static str) -> Visit {
        Visit { name, gaps: Vec::new(), keys: Vec::new() }
    }

    fn add(&mut self, frames: &[(Instant, Instant)], pressed: &[Instant]) {
        self.gaps.extend(frames.windows(2).map(|pair| pair[1].1 - pair[0].1));
        // A frame that had begun shows nothing of the key yet.
        let shown = |at: &Instant| Some(frames.iter().find(|(began, _)| began > at)?.1 - *at);
        self.keys.extend(pressed.iter().filter_map(shown));
    }

    fn report(&mut self) {
        self.gaps.sort_unstable();
        self.keys.sort_unstable();
        let at = |sorted: &[Duration], part: f64| {
            sorted
                .get(((sorted.len().max(1) - 1) as f64 * part) as usize)
                .map_or(0.0, |d| d.as_secs_f64() * 1e3)
        };
        println!(
            "{:<24} {:>6} frames, from one to the next p50 {:>5.1} p95 {:>5.1} max {:>6.1} ms; \
             {} keys to their frame p50 {:>5.1} p95 {:>5.1} max {:>6.1} ms",
            self.name,
            self.gaps.len(),
            at(&self.gaps, 0.5),
            at(&self.gaps, 0.95),
            at(&self.gaps, 1.0),
            self.keys.len(),
            at(&self.keys, 0.5),
            at(&self.keys, 0.95),
            at(&self.keys, 1.0),
        );
    }
}
