//! A clock that is put back and forward: what was recorded keeps its order, and a key is not forgotten early.

use std::{sync::Arc, time::Duration};

use wheelhouse::{
    model::{Code, Commit, Id, Sequence, Time},
    store::{Committed, Store, StoreOptions, disk::RealDisk},
    tasks::Clock,
};

use super::{options, ready, save};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// A day after 1970, so that there is something to go back to.
fn noon() -> Time {
    Time::from_unix_ms(0).plus(DAY * 20)
}

async fn open(dir: &std::path::Path, clock: &Clock) -> Store {
    let options = StoreOptions {
        clock: clock.clone(),
        // Keys that are too old go with a flush.
        flush_after: Duration::ZERO,
        ..options(Arc::new(RealDisk))
    };
    let store = Store::open(dir, options).unwrap();
    ready(&store).await;
    store
}

async fn keyed(store: &Store, n: usize, key: &str) -> Committed {
    let (_, commit) = save(n);
    store.commit(Commit { idempotency_key: Some(key.into()), ..commit }).await.unwrap()
}

fn recorded(store: &Store) -> Vec<Time> {
    store.read_log(Sequence::ZERO, 100).unwrap().iter().map(|entry| entry.recorded_at()).collect()
}

fn id(n: usize) -> Id {
    save(n).0
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_never_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(noon());
    let mut store = open(dir.path(), &clock).await;
    let steps = [noon(), noon().minus(HOUR), noon().minus(DAY), noon().plus(HOUR), noon(), noon().plus(DAY)];
    let expected = [noon(), noon(), noon(), noon().plus(HOUR), noon().plus(HOUR), noon().plus(DAY)];
    for (n, moment) in steps.into_iter().enumerate() {
        clock.set(moment);
        assert_eq!(store.commit(save(n).1).await.unwrap().recorded_at, expected[n], "step {n}");
        // A start in between changes nothing: the last entry's moment is read from the log.
        if n % 2 == 1 {
            store.close();
            drop(store);
            store = open(dir.path(), &clock).await;
        }
    }
    assert_eq!(recorded(&store), expected);
    assert_eq!(store.fsck().unwrap().damage, []);
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_honoured_for_a_day_of_what_was_recorded_however_the_clock_is_put() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(noon());
    let store = open(dir.path(), &clock).await;
    let first = keyed(&store, 0, "k").await;

    // Back, further than a key lives: the same answer, also after the flush that prunes.
    clock.set(noon().minus(DAY * 2));
    store.commit(save(1).1).await.unwrap();
    let again = keyed(&store, 2, "k").await;
    assert_eq!((again.repeated, again.first), (true, first.first));
    // Made while the clock is back: as young as what was recorded last, not two days old.
    let back = keyed(&store, 3, "made while back").await;
    assert_eq!(back.recorded_at, noon());
    clock.set(noon());
    assert!(keyed(&store, 4, "made while back").await.repeated);

    // Forward: just before a day it is known, after a day it is a new commit.
    clock.set(noon().plus(DAY).minus(Duration::from_millis(1)));
    assert!(keyed(&store, 5, "k").await.repeated);
    clock.set(noon().plus(DAY));
    let anew = keyed(&store, 6, "k").await;
    assert!(!anew.repeated);

    // And back again: the newer use counts, and time that was recorded stays where it is.
    clock.set(noon());
    let again = keyed(&store, 7, "k").await;
    assert_eq!((again.repeated, again.first), (true, anew.first));
    assert_eq!(store.commit(save(8).1).await.unwrap().recorded_at, noon().plus(DAY));
    let kept: Vec<bool> = (0..9).map(|n| store.get(id(n)).unwrap().is_some()).collect();
    assert_eq!(kept, [true, true, false, true, false, false, true, false, true]);
    assert!(recorded(&store).is_sorted());
    // A record that exists is refused as before, whatever the clock says.
    let (_, mut commit) = save(0);
    commit.preconditions = vec![wheelhouse::model::Precondition::Absent { id: id(0) }];
    assert_eq!(store.commit(commit).await.unwrap_err().code, Code::Conflict);
    store.close();
}
