//! A byte turned anywhere but in the log: every answer is right or says that it may not be, and in the end every answer is
//! right again, without a person.
//!
//! `WHEELHOUSE_DAMAGE_FLIPS` turns more of them, `WHEELHOUSE_DAMAGE_SEED` begins elsewhere.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use wheelhouse::{
    door::{Door, EventQuery, ListRequest, Order, SearchMode, SearchRequest, ViewName},
    hub::HubDoor,
    model::{Change, Commit, EventFilter, Id},
    store::{Store, StoreOptions},
    tasks::Clock,
};

use crate::{
    harness::{House, memory_saved, note, until},
    rebuild::{all_ready, answers_to, caller, fill, start},
};

const RECORDS: usize = 250;
/// Questions of a usual run, and where many bytes are turned one after the other.
const QUESTIONS_USUAL: usize = 200;
const QUESTIONS_OF_MANY: usize = 40;
const FLIPS: u64 = 25;
/// In a longer run vectors are made again after every so many: each is a reading by the model.
const WAITED_FOR: u64 = 20;
/// Directories with files that are made from the log.
const VIEWS: [&str; 5] = ["records", "snapshots", "sidecars", "lexical", "vectors"];
/// Asked by meaning.
const QUESTIONS: [&str; 2] = ["what to do when a deploy failed", "who rotates the secret token"];
/// A view made anew on a busy machine; reached only when it does not come right.
const PATIENCE: Duration = Duration::from_secs(60);

fn of_env(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// A number that a seed stands for.
fn scatter(seed: u64) -> u64 {
    let mixed = (seed ^ (seed >> 30)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16
}

/// All files below, in order.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() && path.metadata().unwrap().len() > 0 {
            found.push(path);
        }
    }
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else if path.is_file() {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// What an answer says of itself: that there is none now, or that it may lack something. That nothing is there is an
/// answer.
fn is_flagged(answer: &Value) -> bool {
    let reasons = answer["degraded_reasons"].as_array().is_some_and(|reasons| !reasons.is_empty());
    let fault = !answer["fault"].is_null() && answer["fault"] != "not_found";
    fault || !answer["degraded_mode"].is_null() || reasons
}

/// All that is read from files other than the log: lists, searches by words, histories, pages of events; in the end by
/// meaning too, where it matters, for that takes long.
async fn all_answers(door: &HubDoor, ids: &[Id], questions: usize, meant: bool) -> Vec<Value> {
    let mut all = answers_to(door, ids, questions).await;
    for id in ids.iter().step_by(40) {
        let history = door.history(&caller(), *id).await;
        all.push(history.map_or_else(|fault| json!({ "fault": fault.code }), |revisions| json!(revisions)));
    }
    for (pattern, order) in
        [("*.memory.saved", Order::Asc), ("north.>", Order::Desc), ("*.memory.*", Order::Asc)]
    {
        let filter = EventFilter { patterns: vec![pattern.parse().unwrap()], ..EventFilter::default() };
        let query = EventQuery { filter, order, limit: 60, ..EventQuery::default() };
        let counts = door.event_stats(&caller(), query.clone()).await.map(|stats| stats.total);
        let page = door.events(&caller(), query).await.map(|page| json!([page.events, counts]));
        all.push(page.unwrap_or_else(|fault| json!({ "fault": fault.code })));
    }
    if !meant {
        return all;
    }
    for query in QUESTIONS {
        let (query, mode) = (query.to_owned(), SearchMode::Vector);
        let request = SearchRequest { mode, query, limit: 20, ..SearchRequest::default() };
        let answer = door.search(&caller(), request).await.map(|answer| {
            let hits = answer.results.iter().map(|hit| json!([hit.id, hit.score]));
            json!({
                "results": hits.collect::<Vec<_>>(),
                "degraded_mode": answer.degraded_mode,
                "degraded_reasons": answer.degraded_reasons,
            })
        });
        all.push(answer.unwrap_or_else(|fault| json!({ "fault": fault.code })));
    }
    all
}

/// Until every text has its vector. The model takes its time.
async fn all_meant(door: &HubDoor) {
    let meant = async {
        while !door.status().await.unwrap().view(ViewName::Vectors).is_some_and(|state| state.is_ready()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, meant).await.expect("vectors");
}

/// Closes segments and takes snapshots, so that there are files of every kind.
async fn grow(dir: &Path, clock: &Clock, used: Id) {
    let options = StoreOptions {
        segment_bytes: 2 << 10,
        flush_after: Duration::from_millis(1),
        snapshot_after: 15,
        ..StoreOptions::new(clock.clone())
    };
    let store = Store::open(dir, options).unwrap();
    store.state().wait_for(|state| state.records.is_ready()).await.unwrap();
    let there = |name: &str| fs::read_dir(dir.join(name)).map_or(0, Iterator::count);
    until("files of every kind", || async {
        let (events, changes) = (vec![memory_saved(clock.id())], vec![Change::Accessed { id: used }]);
        store.commit(Commit { events, changes, ..Commit::default() }).await.unwrap();
        (there("snapshots") >= 2 && there("sidecars") >= 3).then_some(())
    })
    .await;
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_turned_in_any_view_is_healed_and_never_believed() {
    let clock = Clock::fixed("2026-11-21T12:00:00Z".parse().unwrap());
    let whole = tempfile::tempdir().unwrap();
    let hub = start(whole.path(), &clock);
    let door = HubDoor(hub.clone());
    let (seed, flips) = (of_env("WHEELHOUSE_DAMAGE_SEED", 1), of_env("WHEELHOUSE_DAMAGE_FLIPS", FLIPS));
    let questions = if flips > FLIPS { QUESTIONS_OF_MANY } else { QUESTIONS_USUAL };
    let ids = fill(&door, &clock, RECORDS).await;
    all_ready(&door).await;
    hub.close().await;
    drop((door, hub));
    grow(whole.path(), &clock, ids[0]).await;
    let hub = start(whole.path(), &clock);
    let door = HubDoor(hub.clone());
    all_ready(&door).await;
    all_meant(&door).await;
    let expected = all_answers(&door, &ids, questions, true).await;
    let flagged = expected.iter().find(|answer| is_flagged(answer));
    assert_eq!(flagged, None, "what is compared is the whole answer");
    hub.close().await;
    drop((door, hub));

    let mut turned = BTreeMap::<&str, u64>::new();
    let mut wrong = Vec::new();
    for seed in seed..seed + flips {
        let dir = tempfile::tempdir().unwrap();
        copy(whole.path(), dir.path());
        let view = VIEWS[scatter(seed + (3 << 40)) as usize % VIEWS.len()];
        let named = format!("seed {seed}: {}", turn(dir.path(), view, seed));
        // A snapshot is read when the records are made anew.
        if view == "snapshots" {
            fs::remove_dir_all(dir.path().join("records")).unwrap();
        }
        *turned.entry(view).or_default() += 1;
        let meant = match view {
            "vectors" if flips <= FLIPS || turned[view].is_multiple_of(WAITED_FOR) => Meant::Again,
            "vectors" => Meant::Asked,
            _ => Meant::No,
        };
        let healed = heals(dir.path(), &clock, (&ids, questions), &expected, meant).await;
        wrong.extend(healed.err().map(|why| format!("{named}: {why}")));
    }
    println!("{flips} bytes turned from seed {seed} on: {turned:?}");
    assert!(wrong.is_empty(), "{} of {flips}:\n{}", wrong.len(), wrong.join("\n"));
}

/// Turns a bit of a file of a view; tells where.
fn turn(dir: &Path, view: &str, seed: u64) -> String {
    let files = files(&dir.join(view));
    // A long file more often than a short one, and no file almost always.
    let weight = |file: &PathBuf| file.metadata().unwrap().len().clamp(1 << 10, 32 << 10);
    let mut place = scatter(seed) % files.iter().map(weight).sum::<u64>();
    let file = files.iter().find(|file| {
        let inside = place < weight(file);
        place = place.saturating_sub(weight(file));
        inside
    });
    let file = file.expect("the place lies in one of them");
    let mut bytes = fs::read(file).unwrap();
    // Behind the last there is only room.
    let len = bytes.iter().rposition(|byte| *byte != 0).map_or(bytes.len(), |last| last + 1);
    let at = scatter(seed + (1 << 40)) as usize % len;
    bytes[at] ^= 1 << (scatter(seed + (2 << 40)) % 8);
    fs::write(file, bytes).unwrap();
    format!("{} byte {at}", file.strip_prefix(dir).unwrap().display())
}

/// What is asked of vectors that may be damaged.
#[derive(Clone, Copy, PartialEq)]
enum Meant {
    /// Nothing: they are not.
    No,
    /// Answers that are right or say that they may not be.
    Asked,
    /// That, and right ones in the end.
    Again,
}

/// Every answer is right or says that it may not be, until all are right.
async fn heals(
    dir: &Path,
    clock: &Clock,
    (ids, questions): (&[Id], usize),
    expected: &[Value],
    meant: Meant,
) -> Result<(), String> {
    let hub = start(dir, clock);
    let door = HubDoor(hub.clone());
    let begun = Instant::now();
    let by_words = expected.len() - QUESTIONS.len();
    let healed = loop {
        let now = all_answers(&door, ids, questions, meant != Meant::No).await;
        let wrong: Vec<_> =
            now.iter().zip(expected).enumerate().filter(|(_, (now, expected))| now != expected).collect();
        if let Some((_, (now, expected))) = wrong.iter().find(|(_, (now, _))| !is_flagged(now)) {
            break Err(format!("believed\n{now:#}\nis\n{expected:#}"));
        }
        let to_come = wrong.iter().find(|(at, _)| meant == Meant::Again || *at < by_words);
        let Some((_, (now, _))) = to_come else { break Ok(()) };
        if begun.elapsed() > PATIENCE {
            break Err(format!("not healed: {now:#}"));
        }
        all_ready(&door).await;
    };
    hub.close().await;
    healed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_is_made_anew_is_told() {
    let house = House::open().await;
    house.door.add(&house.caller(), note("kept")).await.unwrap();
    let clock = house.clock.clone();
    let dir = house.close().await;
    // That of another house is not believed.
    let other = House::open_in(tempfile::tempdir().unwrap(), Clock::system()).await;
    other.door.add(&other.caller(), note("another's")).await.unwrap();
    let other = other.close().await;
    fs::remove_dir_all(dir.path().join("data/records")).unwrap();
    copy(&other.path().join("data/records"), &dir.path().join("data/records"));
    fs::remove_file(dir.path().join("hub.sock")).unwrap();
    let house = House::open_in(dir, clock).await;
    let filter =
        EventFilter { patterns: vec!["*.hub.view_rebuilt".parse().unwrap()], ..EventFilter::default() };
    let query = EventQuery { filter, ..EventQuery::default() };
    let told = until("the event", || async {
        house.door.events(&house.caller(), query.clone()).await.unwrap().events.into_iter().next()
    })
    .await;
    assert_eq!(told.data["view"], "records");
    let kept = house.door.list(&house.caller(), ListRequest::default()).await.unwrap();
    assert_eq!(kept.memories.iter().map(|memory| memory.content.as_str()).collect::<Vec<_>>(), ["kept"]);
    house.close().await;
}
