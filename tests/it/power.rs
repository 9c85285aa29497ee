//! The power is cut at any moment: what was acknowledged is there, nothing is torn, and it opens without a person.
//!
//! A child works on a store and an index while a library that is loaded before libc records every change it makes to
//! files, every fsync, and what it acknowledged, in one order. From that record directories are made as a power cut
//! may leave them; each is opened, compared with what was acknowledged at that moment, gone on with, and opened again.
//! Some are cut a second time while they recover.
//!
//! `WHEELHOUSE_POWER_IMAGES` makes more of them. A failure tells a seed and keeps the record and the directory: with
//! `WHEELHOUSE_POWER_SEED` and `WHEELHOUSE_POWER_TRACE` the same directories are made again.

mod medium;
mod trace;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    pin::pin,
    process::{Command, Stdio},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures::future::select;
use tempfile::TempDir;
use wheelhouse::{
    door::{SearchMode, SearchRequest, ViewState},
    model::{Projects, Sequence, TimeWords, Zone},
    search::Lexical,
    store::{Store, StoreOptions},
    tasks::Clock,
};

use self::{
    medium::{Medium, Tree, read_tree, write_tree},
    trace::{Call, Trace},
};
use crate::{
    harness::{PATIENCE, until_blocking},
    workload::{self, Numbers, Said, TAG, keep_clean, produce, say},
};

/// Directories made, those cut a second time among them.
const IMAGES: usize = 200;
/// One of so many is cut again while it recovers, so often.
const RECOVERED_EVERY: usize = 20;
const CUTS_OF_RECOVERY: usize = 4;
/// One of so many is searched too.
const SEARCHED_EVERY: usize = 4;
/// Directories made for a control; a check that finds nothing in so many has not been tested.
const CONTROL_IMAGES: usize = 20;
/// Processes killed before the power goes.
const KILLS: usize = 6;
const CHECKERS: usize = 2;
/// So many commits may be fsynced together.
const PRODUCERS: u64 = 6;
/// Rolls often.
const SEGMENT_BYTES: u64 = 24 << 10;
/// Large enough that the log makes room ahead of what it writes.
const ROOMY_SEGMENT_BYTES: u64 = 5 << 20;
/// Made while they are recorded. The model takes its time.
const VECTORS: u64 = 8;
const FLUSH_AFTER: Duration = Duration::from_millis(15);
/// Often enough that some are cut off.
const SNAPSHOT_AFTER: u64 = 100;
/// In the environment of a child: its directory.
const CHILD: &str = "WHEELHOUSE_POWER_CHILD";

fn options(segment_bytes: u64) -> StoreOptions {
    StoreOptions {
        segment_bytes,
        flush_after: FLUSH_AFTER,
        snapshot_after: SNAPSHOT_AFTER,
        ..StoreOptions::new(Clock::system())
    }
}

// --- the children ----------------------------------------------------------------------------------------------------

/// Opens, works, and closes, after the first so many vectors of its texts were made.
async fn live(dir: &Path, segment_bytes: u64, commits: usize, vectors: u64) {
    let store = workload::open(dir, options(segment_bytes)).await.unwrap();
    // What is shown to a reader has to stay, like what was acknowledged.
    say(&format!("A {}", store.head().borrow().0));
    let lexical = Lexical::open(&dir.join("lexical"), &dir.join("vectors"), store.log_id());
    let mut head = store.head();
    let fed = (store.clone(), lexical.clone());
    let feeding = pin!(async move {
        while head.changed().await.is_ok() {
            let (store, lexical) = fed.clone();
            tokio::task::spawn_blocking(move || feed(&store, &lexical)).await.unwrap().unwrap();
        }
    });
    let seed = u64::from(std::process::id());
    let producers =
        (0..PRODUCERS).map(|i| produce(store.clone(), Clock::system(), seed + i * 7_919, commits));
    let over = Arc::new(AtomicBool::new(false));
    let (cleaned, cleaning) = (store.clone(), over.clone());
    let cleaner = tokio::task::spawn_blocking(move || keep_clean(&cleaned, &Clock::system(), &cleaning));
    select(futures::future::join_all(producers), feeding).await;
    over.store(true, Ordering::Relaxed);
    cleaner.await.unwrap();
    let closing = tokio::task::spawn_blocking(move || {
        feed(&store, &lexical).unwrap();
        let without = || match lexical.vectors() {
            ViewState::Embedding { left, .. } => left,
            _ => 0,
        };
        let least = without().saturating_sub(vectors);
        until_blocking("vectors", || (without() <= least).then_some(()));
        lexical.close();
        store.close();
    });
    closing.await.unwrap();
}

/// As the hub does it.
fn feed(store: &Store, lexical: &Lexical) -> Result<(), String> {
    let head = *store.head().borrow();
    if lexical.durable() > head {
        lexical.reset();
    }
    lexical.set_head(head);
    let start = Instant::now();
    while lexical.applied() < head {
        let entries =
            store.read_log(lexical.applied(), 500).map_err(|fault| format!("reading the log: {fault}"))?;
        match entries.first() {
            Some(first) if first.first() > lexical.applied().next() => {
                lexical.pass(Sequence(first.first().0 - 1));
            }
            Some(_) => {}
            None => lexical.pass(head),
        }
        lexical.apply(&entries);
        if start.elapsed() > PATIENCE {
            return Err(format!("the index does not take what it is fed: {:?}", lexical.state()));
        }
    }
    Ok(())
}

fn in_child(work: impl AsyncFnOnce(&Path)) {
    let dir = PathBuf::from(std::env::var_os(CHILD).expect("started by the power cuts"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(work(&dir));
}

#[test]
#[ignore = "the child of the power cuts, started by them"]
fn child() {
    in_child(async |dir| {
        live(dir, SEGMENT_BYTES, 25, 0).await;
        live(dir, ROOMY_SEGMENT_BYTES, 8, VECTORS).await;
        live(dir, SEGMENT_BYTES, 5, 0).await;
    });
}

#[test]
#[ignore = "the child of the second cuts, started by them"]
fn recovering_child() {
    in_child(async |dir| live(dir, SEGMENT_BYTES, 2, 0).await);
}

#[test]
#[ignore = "the child of a control, started by it"]
fn bare_sled_child() {
    in_child(async |dir| {
        let db = sled::Config::new().path(dir.join("db")).flush_every_ms(None).open().unwrap();
        for i in 1..=300_u64 {
            db.insert(i.to_be_bytes(), vec![i as u8; 300]).unwrap();
            db.flush().unwrap();
            say(&format!("A {i}"));
        }
    });
}

// --- the record ------------------------------------------------------------------------------------------------------

/// A directory of the test's own, in memory where there is such a place: it is only the record that is cut.
fn dir() -> TempDir {
    let shared = Path::new("/dev/shm");
    tempfile::tempdir_in(shared).or_else(|_| tempfile::tempdir()).unwrap()
}

/// The recorder, or none where it cannot be had: without a C compiler, or with another libc.
static RECORDER: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| {
    if cfg!(not(all(target_os = "linux", target_env = "gnu"))) {
        println!("skipped: calls are recorded between the program and glibc");
        return None;
    }
    let dir = dir();
    let library = dir.path().join("recorder.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/recorder.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-o"]).arg(&library).arg(source);
    match compiler.args(["-ldl", "-lpthread"]).status() {
        Ok(status) => {
            assert!(status.success(), "the recorder compiles");
            Some(fs::read(library).unwrap())
        }
        Err(error) => {
            println!("skipped: no C compiler ({error})");
            None
        }
    }
});

/// What a child did, from which directory to which.
struct Recording {
    before: Tree,
    trace: Trace,
    after: Tree,
}

fn record(child: &str, before: &Tree) -> Option<Recording> {
    let dir = dir();
    let (work, library, trace) =
        (dir.path().join("work"), dir.path().join("recorder.so"), dir.path().join("trace"));
    fs::create_dir(&work).unwrap();
    write_tree(before, &work);
    fs::write(&library, RECORDER.as_ref()?).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([&format!("power::{child}"), "--exact", "--ignored", "--nocapture", "--quiet"])
        .env(CHILD, &work)
        .env("LD_PRELOAD", &library)
        .env("WHEELHOUSE_POWER_ROOT", &work)
        .env("WHEELHOUSE_POWER_TRACE_OUT", &trace)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "the {child} ended well: {output:?}");
    let trace = Trace::read(fs::read(&trace).unwrap());
    Some(Recording { before: before.clone(), trace, after: read_tree(&work) })
}

/// The work of [`child`], done once for all tests here.
static RECORDING: LazyLock<Option<Recording>> =
    LazyLock::new(|| match std::env::var("WHEELHOUSE_POWER_TRACE") {
        Ok(kept) => {
            let trace = Trace::read(fs::read(kept).unwrap());
            let mut medium = Medium::new(&Tree::new(), &trace);
            medium.go_to(trace.calls.len());
            let after = medium.now();
            Some(Recording { before: Tree::new(), trace, after })
        }
        Err(_) => record("child", &Tree::new()),
    });

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

fn seed() -> u64 {
    number("WHEELHOUSE_POWER_SEED").unwrap_or_else(|| u64::from(std::process::id()))
}

impl Recording {
    /// Where the power goes: anywhere, just after something was acknowledged, or just before something is synced.
    fn moment(&self, numbers: &mut Numbers) -> usize {
        let calls = &self.trace.calls;
        let at = numbers.below(calls.len() + 1);
        let said = |call: &Call| matches!(call, Call::Mark(words) if words.starts_with("A "));
        let synced = |call: &Call| matches!(call, Call::Sync { .. });
        let further = match numbers.below(3) {
            0 => calls[at..].iter().position(said).map(|further| further + 1),
            1 => calls[at..].iter().position(synced),
            _ => None,
        };
        at + further.unwrap_or(0)
    }

    /// Shows `count` directories, each with what was said before its cut, some of them in each of a few threads.
    fn cuts<'a>(
        &'a self,
        start: &Medium<'a>,
        count: usize,
        seed: u64,
        said: &Said,
        each: &(dyn Fn(Cut) + Sync),
    ) {
        let mut moments: Vec<(usize, usize, Numbers)> = (0..count)
            .map(|i| {
                let mut numbers =
                    Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(i as u64 * 7_919));
                // The first number of one seed is much like that of the next.
                numbers.below(2);
                (self.moment(&mut numbers), i, numbers)
            })
            .collect();
        moments.sort_by_key(|(at, i, _)| (*at, *i));
        let mut shares: Vec<Vec<_>> = (0..CHECKERS).map(|_| Vec::new()).collect();
        moments.into_iter().enumerate().for_each(|(i, moment)| shares[i % CHECKERS].push(moment));
        thread::scope(|scope| {
            for share in shares {
                let (mut medium, mut said) = (start.clone(), said.clone());
                scope.spawn(move || {
                    let mut heard = 0;
                    for (at, i, mut numbers) in share {
                        medium.go_to(at);
                        hear(&mut said, &self.trace.calls[heard..at]);
                        heard = at;
                        let tree = medium.cut(&mut numbers);
                        each(Cut { i, tree, said: said.clone() });
                    }
                });
            }
        });
    }

    /// Where something is written to the log and about to be synced.
    fn syncs_of_log(&self) -> Vec<usize> {
        // Whether the log's file with this fd was written since it was synced.
        let mut written = HashMap::new();
        let mut syncs = Vec::new();
        for (i, call) in self.trace.calls.iter().enumerate() {
            match call {
                Call::Open { fd, path, .. } if path.starts_with("log/") => drop(written.insert(*fd, false)),
                Call::Open { fd, .. } | Call::Close { fd } => drop(written.remove(fd)),
                Call::Write { fd, .. } => drop(written.get_mut(fd).map(|written| *written = true)),
                Call::Sync { fd } if written.get_mut(fd).is_some_and(std::mem::take) => syncs.push(i),
                _ => {}
            }
        }
        syncs
    }

    /// Before its first call.
    fn start(&self) -> Medium<'_> {
        Medium::new(&self.before, &self.trace)
    }
}

/// One cut of a recording.
struct Cut {
    i: usize,
    /// What it left.
    tree: Tree,
    said: Said,
}

fn hear(said: &mut Said, calls: &[Call]) {
    for call in calls {
        if let Call::Mark(words) = call {
            words.lines().for_each(|line| said.hear(line));
        }
    }
}

// --- the check -------------------------------------------------------------------------------------------------------

/// Opens what the cut left, compares, goes on, and does the same once more; gives what the store told.
fn survives(tree: &Tree, mut said: Said, searched: bool) -> Result<BTreeMap<&'static str, usize>, String> {
    let dir = dir();
    write_tree(tree, dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for goes_on in [true, false] {
        let store = runtime.block_on(workload::open(dir.path(), options(SEGMENT_BYTES)))?;
        let mut held = said.compare(&store);
        if held.is_ok() && goes_on {
            held = runtime.block_on(said.go_on(&store, &Clock::system()));
        }
        if held.is_ok() && searched {
            held = search(dir.path(), &store, said.visible());
        }
        store.close();
        held?;
    }
    Ok(said.told)
}

/// The index finds every record, whatever of it the cut left.
fn search(dir: &Path, store: &Store, visible: usize) -> Result<(), String> {
    let lexical = Lexical::open(&dir.join("lexical"), &dir.join("vectors"), store.log_id());
    let request = SearchRequest {
        query: format!("tag:{TAG}"),
        limit: 1,
        mode: SearchMode::Lexical,
        ..SearchRequest::default()
    };
    let words = TimeWords { now: Clock::system().now(), zone: Zone::UTC };
    let start = Instant::now();
    let held = loop {
        let found = feed(store, &lexical).and_then(|()| {
            let answer = lexical.search(&request, &Projects::All, words);
            answer.map(|answer| answer.total).map_err(|fault| format!("a search: {fault}"))
        });
        // Damage that a checksum shows is found in the background, and answered by an index that is made anew.
        if found == Ok(visible) {
            break Ok(());
        }
        if start.elapsed() > PATIENCE {
            break Err(format!("the index finds {found:?} of {visible} records"));
        }
        thread::yield_now();
    };
    lexical.close();
    held
}

/// Does not end the test of the others; a panic is a failure too.
fn outcome<T>(check: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        Err(format!("a panic: {}", words.unwrap_or_else(|| "of few words".to_owned())))
    })
}

/// Keeps what a person needs to look at it.
fn keep(recording: &Recording, seed: u64, name: &str, tree: &Tree, why: &str) -> String {
    let dir = tempfile::Builder::new().prefix("power-cut-").tempdir().unwrap().keep();
    fs::write(dir.join("trace"), recording.trace.whole()).unwrap();
    fs::create_dir(dir.join("image")).unwrap();
    write_tree(tree, &dir.join("image"));
    let dir = dir.display();
    format!(
        "{name}: {why}\n  kept in {dir}; again by WHEELHOUSE_POWER_SEED={seed} WHEELHOUSE_POWER_TRACE={dir}/trace"
    )
}

#[test]
fn the_record_is_whole() {
    let Some(recording) = &*RECORDING else { return };
    let mut medium = recording.start();
    medium.go_to(recording.trace.calls.len());
    let now = medium.now();
    let names = |tree: &Tree| -> Vec<(PathBuf, Option<usize>)> {
        tree.iter().map(|(name, content)| (name.clone(), content.as_ref().map(Vec::len))).collect()
    };
    assert_eq!(names(&now), names(&recording.after));
    let differ: Vec<_> = now.keys().filter(|name| now[*name] != recording.after[*name]).collect();
    assert!(differ.is_empty(), "other content: {differ:?}");
}

#[test]
fn the_record_shows_what_goes_around_the_store() {
    let Some(recording) = &*RECORDING else { return };
    let calls = &recording.trace.calls;
    let renamed =
        calls.iter().filter(|call| matches!(call, Call::Rename { to, .. } if to == "lexical/meta.json"));
    assert!(renamed.count() > 1, "tantivy puts its meta file in place by a rename");
    let cleaned =
        calls.iter().filter(|call| matches!(call, Call::Rename { to, .. } if to.starts_with("log/")));
    assert!(cleaned.count() > 1, "the cleaner puts its segments in place by a rename");
    let opened = |beginning: &str| {
        calls.iter().any(|call| matches!(call, Call::Open { path, .. } if path.starts_with(beginning)))
    };
    for beginning in ["log/0000000003", "records/1/db", "records/2/db", "lexical/", "vectors/"] {
        assert!(opened(beginning), "{beginning} was opened");
    }
}

#[test]
fn nothing_acknowledged_goes_with_the_power() {
    let Some(recording) = &*RECORDING else { return };
    let start = Instant::now();
    let images = number("WHEELHOUSE_POWER_IMAGES").map_or(IMAGES, |n| n as usize);
    let seed = seed();
    let told = std::sync::Mutex::new((0, BTreeMap::<&'static str, usize>::new()));
    let failures = std::sync::Mutex::new(Vec::new());
    let failed = |name: &str, tree: &Tree, why: &str| {
        failures.lock().unwrap().push(keep(recording, seed, name, tree, why));
    };
    let judge = |name: &str, tree: &Tree, said: Said, searched: bool| match outcome(|| {
        survives(tree, said, searched)
    }) {
        Ok(one) => {
            let mut told = told.lock().unwrap();
            told.0 += 1;
            one.into_iter().for_each(|(kind, n)| *told.1.entry(kind).or_default() += n);
        }
        Err(why) => failed(name, tree, &why),
    };
    let recovered = images / RECOVERED_EVERY;
    let first_cuts = images - recovered * CUTS_OF_RECOVERY;
    let recover = |name: &str, cut: &Cut| match outcome(|| {
        record("recovering_child", &cut.tree).ok_or_else(|| "no recorder".to_owned())
    }) {
        Ok(recovery) => {
            recovery.cuts(&recovery.start(), CUTS_OF_RECOVERY, seed, &cut.said, &|second| {
                let name = format!("{name}, cut {} of its recovery", second.i);
                judge(&name, &second.tree, second.said, second.i == 0);
            });
        }
        Err(why) => failed(&format!("{name}, recorded while it recovers"), &cut.tree, &why),
    };
    recording.cuts(&recording.start(), first_cuts, seed, &Said::default(), &|cut| {
        let name = format!("image {}", cut.i);
        if cut.i < recovered {
            recover(&name, &cut);
        }
        judge(&name, &cut.tree, cut.said, cut.i % SEARCHED_EVERY == 0);
    });
    let (count, told) = told.into_inner().unwrap();
    let calls = recording.trace.calls.len();
    println!("{count} images of {calls} calls survived, seed {seed}, {:?}; told: {told:?}", start.elapsed());
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {images} images, seed {seed}:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert_eq!(count, images);
}

/// A process is killed between a write and its fsync; the next one shows what it finds in the machine's memory; then
/// the power goes.
#[test]
fn what_a_kill_left_unsynced_stays_once_it_was_shown() {
    let Some(recording) = &*RECORDING else { return };
    let mut numbers = Numbers(seed());
    let syncs = recording.syncs_of_log();
    for _ in 0..KILLS {
        let at = syncs[numbers.below(syncs.len())];
        let (mut medium, mut said) = (recording.start(), Said::default());
        medium.go_to(at);
        hear(&mut said, &recording.trace.calls[..at]);
        let recovery = record("recovering_child", &medium.now()).unwrap();
        let calls = &recovery.trace.calls;
        let shown =
            calls.iter().position(|call| matches!(call, Call::Mark(words) if words.starts_with("A ")));
        let shown = shown.expect("it opened") + 1;
        hear(&mut said, &calls[..shown]);
        let mut medium = medium.killed(&recovery.trace);
        medium.go_to(shown);
        for _ in 0..CUTS_OF_RECOVERY {
            let tree = medium.cut(&mut numbers);
            if let Err(why) = outcome(|| survives(&tree, said.clone(), false)) {
                panic!("{}", keep(recording, seed(), &format!("killed before call {at}"), &tree, &why));
            }
        }
    }
}

/// A view whose every fsync is a lie is made anew; nothing but the log has to hold.
#[test]
fn views_that_never_reached_the_disk_are_made_anew() {
    let Some(recording) = &*RECORDING else { return };
    for view in ["records", "lexical"] {
        let mut start = recording.start();
        start.deaf_below = Some(view);
        recording.cuts(&start, CONTROL_IMAGES, seed(), &Said::default(), &|Cut { i, tree, said, .. }| {
            if let Err(why) = outcome(|| survives(&tree, said, true)) {
                panic!(
                    "{}",
                    keep(recording, seed(), &format!("image {i} without fsync of {view}"), &tree, &why)
                );
            }
        });
    }
}

/// Counts the directories in which the check finds nothing wrong, and what it finds in the others.
fn control(
    recording: &Recording,
    deaf: Option<&'static str>,
    check: &(dyn Fn(&Tree, Said) -> Result<(), String> + Sync),
) {
    let found = std::sync::Mutex::new(Vec::new());
    let mut start = recording.start();
    start.deaf_below = deaf;
    recording.cuts(&start, CONTROL_IMAGES, seed(), &Said::default(), &|Cut { tree, said, .. }| {
        if let Err(why) = outcome(|| check(&tree, said)) {
            found.lock().unwrap().push(why);
        }
    });
    let found = found.into_inner().unwrap();
    println!("{} of {CONTROL_IMAGES} are bad, seed {}: {found:#?}", found.len(), seed());
    assert!(!found.is_empty(), "a loss that is there is found");
}

#[test]
fn a_log_without_fsync_is_found_out() {
    let Some(recording) = &*RECORDING else { return };
    control(recording, Some("log"), &|tree, said| survives(tree, said, false).map(drop));
}

#[test]
fn a_bare_sled_is_found_out() {
    let Some(recording) = record("bare_sled_child", &Tree::new()) else { return };
    control(&recording, None, &|tree, said| {
        let dir = dir();
        write_tree(tree, dir.path());
        let db = sled::Config::new().path(dir.path().join("db")).flush_every_ms(None).open();
        let db = db.map_err(|error| format!("sled: {error}"))?;
        let there = |i: u64| db.get(i.to_be_bytes()).is_ok_and(|value| value.is_some());
        match (1..=said.last).filter(|i| !there(*i)).count() {
            0 => Ok(()),
            lost => Err(format!("lost {lost} of {} acknowledged", said.last)),
        }
    });
}
