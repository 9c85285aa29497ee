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
    door::{Door, EventQuery, Order, SearchMode, SearchRequest, ViewName},
    hub::HubDoor,
    model::{Change, Commit, EventFilter, Id},
    store::{Store, StoreOptions},
    tasks::Clock,
};

use crate::{
    harness::{memory_saved, until},
    rebuild::{all_ready, answers, caller, fill, start},
};

const RECORDS: usize = 250;
const FLIPS: u64 = 25;
/// Directories with files that are made from the log.
const VIEWS: [&str; 5] = ["records", "snapshots", "sidecars", "lexical", "vectors"];
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
async fn all_answers(door: &HubDoor, ids: &[Id], meant: bool) -> Vec<Value> {
    let mut all = answers(door, ids).await;
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
    for query in ["what to do when a deploy failed", "who rotates the secret token"] {
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
    let ids = fill(&door, &clock, RECORDS).await;
    all_ready(&door).await;
    hub.close().await;
    drop((door, hub));
    grow(whole.path(), &clock, ids[0]).await;
    let hub = start(whole.path(), &clock);
    let door = HubDoor(hub.clone());
    all_ready(&door).await;
    until("vectors", || async {
        let status = door.status().await.unwrap();
        status.view(ViewName::Vectors).is_some_and(|state| state.is_ready()).then_some(())
    })
    .await;
    let expected = all_answers(&door, &ids, true).await;
    let flagged = expected.iter().find(|answer| is_flagged(answer));
    assert_eq!(flagged, None, "what is compared is the whole answer");
    hub.close().await;
    drop((door, hub));

    let mut turned = BTreeMap::<&str, u64>::new();
    let mut wrong = Vec::new();
    let (seed, flips) = (of_env("WHEELHOUSE_DAMAGE_SEED", 1), of_env("WHEELHOUSE_DAMAGE_FLIPS", FLIPS));
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
        wrong.extend(
            heals(dir.path(), &clock, &ids, &expected, view == "vectors")
                .await
                .err()
                .map(|why| format!("{named}: {why}")),
        );
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

/// Every answer is right or says that it may not be, until all are right.
async fn heals(dir: &Path, clock: &Clock, ids: &[Id], expected: &[Value], meant: bool) -> Result<(), String> {
    let hub = start(dir, clock);
    let door = HubDoor(hub.clone());
    let begun = Instant::now();
    let healed = loop {
        let now = all_answers(&door, ids, meant).await;
        let wrong: Vec<_> = now.iter().zip(expected).filter(|(now, expected)| now != expected).collect();
        if let Some((now, expected)) = wrong.iter().find(|(now, _)| !is_flagged(now)) {
            break Err(format!("believed\n{now:#}\nis\n{expected:#}"));
        }
        if wrong.is_empty() {
            break Ok(());
        }
        if begun.elapsed() > PATIENCE {
            break Err(format!("not healed: {:#}", wrong[0].0));
        }
        all_ready(&door).await;
    };
    hub.close().await;
    healed
}
