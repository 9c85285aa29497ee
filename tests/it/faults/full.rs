//! A small disk that fills up under sixteen writers and has room again: the log, the records and the index on it.

use std::{
    fs,
    io::Write,
    os::unix::fs::symlink,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use wheelhouse::{
    door::{
        Door, EventQuery, ListRequest, Refusal, SearchMode, SearchRequest, Status, ViewName, ViewState,
        Writes,
    },
    model::{Code, Id},
    store::{Store, StoreOptions, disk::RealDisk},
};

use super::{mount::Mount, options, ready, save};
use crate::harness::{House, PATIENCE, clock, note, until};

const PRODUCERS: usize = 16;
/// What a producer saves at a time: some fit before the disk is full.
const NOTE_BYTES: usize = 6 << 10;
const AFTER: usize = 4;
const ROOM_BYTES: usize = 30 << 20;
/// Records before there is no room.
const KEPT: usize = 200;

/// Saves until it is refused; answers what was acknowledged.
async fn fill(house: &House, producer: usize) -> Vec<Id> {
    let mut saved = Vec::new();
    for n in 0.. {
        let text = format!("producer {producer} note {n} {}", format!("word{n} ").repeat(NOTE_BYTES / 8));
        match house.door.add(&house.caller(), note(&text)).await {
            Ok(done) => saved.push(done.memory.id),
            Err(fault) => {
                assert!([Code::Full, Code::Unavailable].contains(&fault.code), "{fault:?}");
                assert!(fault.hint.is_some(), "{fault:?}");
                break;
            }
        }
    }
    saved
}

async fn status(door: &Arc<dyn Door>) -> Status {
    door.status().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_writers_fill_a_disk_and_go_on_when_there_is_room() {
    let Some(mount) = Mount::tmpfs("96m") else { return };
    let house = House::open_in(tempfile::tempdir_in(mount.path()).unwrap(), clock()).await;
    until("the index is ready", async || {
        status(&house.door).await.view(ViewName::Lexical).unwrap().is_ready().then_some(())
    })
    .await;
    let ballast = mount.path().join("ballast");
    let free = status(&house.door).await.disk.unwrap().free_bytes;
    // The log may grow, and not for long.
    fs::write(&ballast, vec![1; free as usize - ROOM_BYTES]).unwrap();

    let mut saved: Vec<Id> = join_all((0..PRODUCERS).map(|i| fill(&house, i))).await.concat();
    assert!(saved.len() > PRODUCERS, "some fit before it was full: {}", saved.len());
    let told = status(&house.door).await.writes;
    let why = |why: &Refusal| matches!(why, Refusal::NearlyFull | Refusal::DiskFull);
    assert!(matches!(&told, Writes::Refused { why: found, .. } if why(found)), "{told:?}");
    for (name, door) in house.doors() {
        let caller = house.caller();
        for ids in saved.chunks(500) {
            assert_eq!(door.get(&caller, ids).await.unwrap().len(), ids.len(), "{name}: reads go on");
        }
        let listed = door.list(&caller, ListRequest { limit: 5, ..ListRequest::default() }).await;
        assert_eq!(listed.unwrap().memories.len(), 5, "{name}");
        let request =
            SearchRequest { query: "producer".into(), mode: SearchMode::Lexical, ..SearchRequest::default() };
        assert!(!door.search(&caller, request).await.unwrap().results.is_empty(), "{name}");
    }
    // Something else takes what was left for the views, down to the last byte.
    let mut rest = fs::File::options().append(true).open(&ballast).unwrap();
    while rest.write_all(&[1; 4_096]).is_ok() {}
    drop(rest);
    let caller = house.caller();
    let fault = house.door.add(&caller, note("no room")).await.unwrap_err();
    assert_eq!((fault.code, fault.hint.is_some()), (Code::Full, true), "{fault:?}");
    let events = house.door.events(&caller, EventQuery::default()).await.unwrap().events;
    assert!(!events.is_empty(), "the log is read");

    fs::remove_file(&ballast).unwrap();
    until("it resumes by itself", async || {
        let status = status(&house.door).await;
        let ready = status.view(ViewName::Records) == Some(&ViewState::Ready)
            && status.view(ViewName::Lexical) == Some(&ViewState::Ready);
        (status.writes == Writes::Open && ready).then_some(())
    })
    .await;
    let listed = house.door.list(&caller, ListRequest { limit: 1_000, ..ListRequest::default() }).await;
    assert_eq!(
        listed.unwrap().memories.len(),
        saved.len().min(1_000),
        "without a write that would open it anew"
    );
    let more = join_all((0..PRODUCERS * AFTER).map(|n| {
        let text = format!("after the flood {n}");
        let house = &house;
        async move { house.door.add(&house.caller(), note(&text)).await.unwrap().memory.id }
    }));
    saved.extend(more.await);
    check(&house, &saved).await;
    let dir = house.close().await;
    fs::remove_file(dir.path().join("hub.sock")).unwrap();
    let house = House::open_in(dir, clock()).await;
    check(&house, &saved).await;
    drop(house.close().await);
}

/// The record view lies where something else has taken the room, and the log does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_has_no_room_is_opened_anew_when_there_is_some() {
    let Some(mount) = Mount::tmpfs("24m") else { return };
    let dir = tempfile::tempdir().unwrap();
    symlink(mount.path(), dir.path().join("records")).unwrap();
    let flush_after = Duration::from_millis(50);
    let store = Store::open(dir.path(), StoreOptions { flush_after, ..options(Arc::new(RealDisk)) }).unwrap();
    ready(&store).await;
    for n in 0..KEPT {
        store.commit(save(n).1).await.unwrap();
    }
    // Whoever clears up beside the view removes its name; as long as it is open, it keeps its room.
    let path = mount.path().join("ballast");
    let mut ballast = fs::File::create(&path).unwrap();
    while ballast.write_all(&[1; 4_096]).is_ok() {}
    // A page that is free inside the view's own files takes a few more.
    let mut state = store.state();
    let full = |writes: &Writes| matches!(writes, Writes::Refused { why: Refusal::DiskFull, .. });
    let start = Instant::now();
    for n in (0..KEPT).cycle() {
        assert!(start.elapsed() < PATIENCE, "it is told: {:?}", *state.borrow());
        if full(&state.borrow().writes) {
            break;
        }
        match store.commit(save(n).1).await {
            Ok(_) => {}
            Err(fault) => assert!([Code::Full, Code::Unavailable].contains(&fault.code), "{fault:?}"),
        }
    }

    drop(ballast);
    fs::remove_file(&path).ok();
    let open = state.wait_for(|state| state.writes == Writes::Open && state.records.is_ready());
    let opened = tokio::time::timeout(PATIENCE, open).await.is_ok();
    assert!(opened, "nobody has to ask for it: {:?}", *store.state().borrow());
    assert!(store.commit(save(KEPT).1).await.unwrap().applied);
    for n in 0..=KEPT {
        assert!(store.get(save(n).0).unwrap().is_some(), "{n}");
    }
    store.close();
}

/// All that was acknowledged is there, and nothing that was refused.
async fn check(house: &House, saved: &[Id]) {
    let caller = house.caller();
    for ids in saved.chunks(500) {
        assert_eq!(house.door.get(&caller, ids).await.unwrap().len(), ids.len());
    }
    until("all of it is counted and searched", async || {
        let status = status(&house.door).await;
        let lexical = status.view(ViewName::Lexical).unwrap().is_ready();
        (lexical && status.memories == Some(saved.len() as u64)).then_some(())
    })
    .await;
    let request = SearchRequest { query: "flood".into(), limit: 200, ..SearchRequest::default() };
    assert_eq!(house.door.search(&caller, request).await.unwrap().results.len(), PRODUCERS * AFTER);
    let newest = house.door.events(&caller, EventQuery { limit: 1, ..EventQuery::default() }).await.unwrap();
    assert!(newest.head.sequence.0 >= saved.len() as u64);
    assert_eq!(house.door.fsck(&caller).await.unwrap().damage, []);
}
