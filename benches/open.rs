//! Opening a store of 100,000 and 1,000,000 memories: until reads are served, after a close and after a kill, and until
//! the record view is made anew, of the log alone and of a snapshot; with the memory that only this process holds, and
//! beside reading and writing as many bytes.
//!
//! Each start is a process of its own. `WHEELHOUSE_BENCH_SIZES` gives other numbers of memories.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use wheelhouse::{
    door::ListRequest,
    model::Projects,
    store::{Store, StoreOptions},
    tasks::Clock,
};

use super::append::{bench_dir, import, quantile};

const IMPORT: usize = 256;
const STARTS: usize = 5;
/// Of the process that is killed: how much it appends after the last flush.
const APPENDED: usize = 20 * IMPORT;
const CHILD: &str = "WHEELHOUSE_BENCH_CHILD";
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub fn run() {
    if let Ok(what) = std::env::var(CHILD) {
        let dir = PathBuf::from(std::env::var_os("WHEELHOUSE_BENCH_STORE").unwrap());
        return child(&what, &dir);
    }
    let sizes = std::env::var("WHEELHOUSE_BENCH_SIZES").unwrap_or_else(|_| "100000,1000000".to_owned());
    for size in sizes.split(',').filter_map(|size| size.trim().parse::<usize>().ok()) {
        let dir = bench_dir();
        let store = dir.path().join("store");
        println!("open: {size} memories; load {}", load());
        start(&store, &format!("fill {size}")).tell("filled by imports");
        sizes_of(&store, size);
        starts(&store);
        let size = size + STARTS * APPENDED;

        let anew = |what: &str| {
            fs::remove_dir_all(store.join("records")).unwrap();
            let begin = load();
            let told = start(&store, "open");
            told.tell(&format!("the record view made of {what} (goal 60 s at 1,000,000)"));
            println!(
                "      the longest time without progress {:.2?}; load {begin}, then {}",
                told.silence,
                load()
            );
            beside(told.took, &store.join("log"), Some(&store.join("records")));
        };
        anew("the log alone");
        sizes_of(&store, size);
        starts(&store);
        start(&store, "snapshot").tell("a snapshot taken and read back");
        anew("a snapshot and the log after it");
    }
}

/// Starts of a store that is there.
fn starts(store: &Path) {
    let (mut closed, mut killed) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        closed.push(start(store, "open"));
        start(store, "append");
        killed.push(start(store, "open"));
    }
    for (name, mut starts) in [("after a close", closed), ("after a kill", killed)] {
        starts.sort_by_key(|start| start.took);
        starts[starts.len() / 2].tell(&format!("reads served {name} (goal 2 s)"));
        beside(starts[starts.len() / 2].took, &store.join("records"), None);
    }
}

fn sizes_of(store: &Path, size: usize) {
    let [log, records] = ["log", "records"].map(|of| bytes_of(&store.join(of)) / size as u64);
    println!("  bytes on disk per memory: {log} of the log, {records} of the record view");
}

fn bytes_of(dir: &Path) -> u64 {
    files_of(dir).iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

fn files_of(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let (dirs, mut files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    dirs.iter().for_each(|dir| files.extend(files_of(dir)));
    files
}

/// What the machine takes for the same bytes: reading those files through, writing as many as these and syncing them.
fn beside(took: Duration, read: &Path, written: Option<&Path>) {
    let begin = Instant::now();
    let mut block = vec![7; 1 << 20];
    for file in files_of(read) {
        let mut file = File::open(file).unwrap();
        while file.read(&mut block).unwrap() > 0 {}
    }
    print!("      beside the same bytes read in {:.2?}", begin.elapsed());
    if let Some(dir) = written {
        let (path, bytes, writing) = (dir.with_extension("bare"), bytes_of(dir), Instant::now());
        let mut file = File::create(&path).unwrap();
        for at in (0..bytes).step_by(block.len()) {
            file.write_all(&block[..block.len().min((bytes - at) as usize)]).unwrap();
        }
        file.sync_data().unwrap();
        print!(" and written in {:.2?}", writing.elapsed());
        fs::remove_file(path).unwrap();
    }
    println!(": {:.1}x", took.as_secs_f64() / begin.elapsed().as_secs_f64());
}

fn load() -> String {
    fs::read_to_string("/proc/loadavg").unwrap().split(' ').next().unwrap().to_owned()
}

/// What a child told of itself.
struct Told {
    took: Duration,
    /// In KiB: the most that was seen, and what was left.
    anonymous: (u64, u64),
    /// The longest time in which the state did not change.
    silence: Duration,
}

impl Told {
    fn tell(&self, what: &str) {
        let (most, after) = (self.anonymous.0 >> 10, self.anonymous.1 >> 10);
        println!("  {:>9.2?}  {most:>5} MB anonymous at most, {after:>5} MB after  {what}", self.took);
    }
}

/// Runs a child, killed as soon as it has answered.
fn start(store: &Path, what: &str) -> Told {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["open"])
        .env(CHILD, what)
        .env("WHEELHOUSE_BENCH_STORE", store)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut line).unwrap();
    if what == "append" {
        child.kill().unwrap();
    }
    child.wait().unwrap();
    let numbers: Vec<u64> = line.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [took, most, after, silence] = numbers[..] else { panic!("{what}: {line:?}") };
    Told {
        took: Duration::from_micros(took),
        anonymous: (most, after),
        silence: Duration::from_micros(silence),
    }
}

fn anonymous_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Waits for the view; answers the longest time without progress.
fn ready(store: &Store) -> Duration {
    let mut state = store.state();
    let (mut silence, mut since) = (Duration::ZERO, Instant::now());
    while !state.borrow_and_update().records.is_ready() {
        futures::executor::block_on(state.changed()).unwrap();
        silence = silence.max(since.elapsed());
        since = Instant::now();
    }
    silence
}

fn child(what: &str, dir: &Path) {
    let (most, done) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(anonymous_kib(), Ordering::Relaxed);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        measured(what, dir, &most);
        done.store(true, Ordering::Relaxed);
    });
}

fn measured(what: &str, dir: &Path, most: &AtomicU64) {
    let clock = Clock::system();
    // Only when it is asked for: beside the rest it would be measured too.
    let snapshot_after = if what == "snapshot" { 1 } else { u64::MAX };
    let begin = Instant::now();
    let store =
        Store::open(dir, StoreOptions { snapshot_after, ..StoreOptions::new(clock.clone()) }).unwrap();
    let silence = ready(&store);
    let page = store.list(&ListRequest::default(), &Projects::All).unwrap();
    let mut took = begin.elapsed();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let append = |from: usize, count: usize| {
        let mut each = Vec::new();
        for first in (from..from + count).step_by(IMPORT) {
            let begin = Instant::now();
            runtime.block_on(store.commit(import(&clock, first, IMPORT.min(from + count - first)))).unwrap();
            each.push(begin.elapsed());
        }
        each
    };
    match what.split_once(' ') {
        Some((_, size)) => {
            let begin = Instant::now();
            let mut each = append(0, size.parse().unwrap());
            took = begin.elapsed();
            eprintln!(
                "    a commit of {IMPORT}: p50 {:?} p99 {:?}",
                quantile(&mut each, 0.5),
                quantile(&mut each, 0.99)
            );
        }
        None if what == "append" => {
            append(1 << 30, APPENDED);
        }
        None if what == "snapshot" => {
            let begin = Instant::now();
            append(1 << 30, 1);
            while store.recovered().iter().all(|note| note.kind != "hub.snapshot") {
                std::thread::sleep(LOOK_EVERY);
            }
            took = begin.elapsed();
        }
        None => assert!(!page.memories.is_empty()),
    }
    let after = anonymous_kib();
    let most = most.fetch_max(after, Ordering::Relaxed).max(after);
    println!("{} {most} {after} {}", took.as_micros(), silence.as_micros());
    if what == "append" {
        // To be killed, not to close.
        std::thread::sleep(Duration::from_secs(60));
    }
    store.close();
}
