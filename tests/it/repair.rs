//! A damaged store copied: what proves whole is in the copy, what does not is named, and the store itself is not touched.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use wheelhouse::{
    model::{Code, Id, Sequence, Time},
    store::{Repaired, Store},
    tasks::Clock,
};

use crate::{
    harness::Program,
    snapshot::{grown, opened, turn},
};

fn clock() -> Clock {
    Clock::fixed(Time::from_unix_ms(2_000_000))
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    files(&dir.join("log")).into_keys().collect()
}

/// What becomes of a store to which this was done: every record is there, but for long bodies that stood in the log alone;
/// whose, what was told, and which events are missing.
async fn repaired(hurt: impl FnOnce(&Path)) -> (Vec<Id>, Repaired, Vec<Sequence>) {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (home.path().join("from"), home.path().join("to"));
    fs::create_dir(&from).unwrap();
    let before = grown(&from).await;
    hurt(&from);
    let left = files(&from);
    let repaired = Store::repair(&from, &to, &clock()).unwrap();
    assert_eq!(files(&from), left, "what is copied from stays as it is");

    let store = opened(&to).await;
    let mut unreadable = Vec::new();
    for stored in &before.records {
        match store.get(stored.memory.id) {
            Ok(found) => assert_eq!(found.as_ref(), Some(stored)),
            Err(fault) => {
                assert_eq!(
                    (fault.code, stored.memory.content.len() > 32_000),
                    (Code::Damaged, true),
                    "{fault:?}"
                );
                unreadable.push(stored.memory.id);
            }
        }
    }
    assert!(!store.recovered().iter().any(|note| note.kind == "hub.damaged"), "the copy is whole");
    let mut missing = Vec::new();
    let head = *store.head().borrow();
    let mut last = Sequence::ZERO;
    for event in store.read_log(Sequence::ZERO, usize::MAX).unwrap().iter().flat_map(|entry| &entry.events) {
        missing.extend((last.0 + 1..event.sequence.0).map(Sequence));
        last = event.sequence;
    }
    missing.extend((last.0 + 1..=head.0).map(Sequence));
    for number in &missing {
        assert_eq!(store.why_missing(*number).unwrap(), "damaged");
    }
    let told: Vec<Sequence> =
        repaired.lost.iter().flat_map(|lost| (lost.start().0..=lost.end().0).map(Sequence)).collect();
    assert_eq!(told, missing, "what is lost is told, and nothing else is");
    // It goes on, as another history where something was lost.
    let epoch = store.cursor(head).epoch;
    assert_eq!(epoch > 1, !repaired.damage.is_empty() || repaired.mended > 0);
    store.close();
    (unreadable, repaired, missing)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_store_is_copied_as_it_is() {
    let (unreadable, repaired, missing) = repaired(|_| {}).await;
    assert_eq!((unreadable, missing), (vec![], vec![]));
    assert_eq!((repaired.mended, repaired.damage.len()), (0, 0));
    assert!(repaired.copied > 2 && repaired.snapshots > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turned_byte_costs_its_frame_and_a_snapshot_knows_the_record() {
    let (unreadable, repaired, missing) = repaired(|dir| turn(&segments(dir)[0], 700)).await;
    assert_eq!((repaired.mended, missing, unreadable), (1, vec![Sequence(1)], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_gone_or_has_no_header_is_one_gap() {
    for first in [true, false] {
        let (unreadable, repaired, missing) = repaired(|dir| {
            let all = segments(dir);
            fs::remove_file(&all[if first { 0 } else { 1 }]).unwrap();
        })
        .await;
        assert_eq!((repaired.mended, repaired.damage.len(), repaired.lost.len()), (1, 1, 1), "{repaired:?}");
        assert!(missing.len() > 10 && (missing[0] == Sequence(1)) == first);
        assert_eq!(unreadable.len(), 1, "a long body in each of the first two");
    }
    let (_, repaired, missing) = repaired(|dir| {
        let path = &segments(dir)[1];
        let mut bytes = fs::read(path).unwrap();
        bytes[..256].fill(7);
        fs::write(path, bytes).unwrap();
    })
    .await;
    assert!(repaired.damage.iter().any(|damage| damage.what.contains("header")), "{repaired:?}");
    assert!(missing.len() > 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verb_copies_and_says_what_was_lost() {
    let program = Program::new();
    program.prints(&["add", "kept all along"]);
    program.prints(&["add", "its frame is turned"]);
    let path = segments(&program.data_dir()).remove(0);
    let bytes = fs::read(&path).unwrap();
    let at = bytes.windows(6).rposition(|window| window == b"turned").unwrap();
    turn(&path, at);

    let to = program.work_dir().join("copy");
    let out = program.prints(&["fsck", "--repair", to.to_str().unwrap()]);
    assert!(out.contains("lost: event"), "{out}");
    let again = program.run(&["fsck", "--repair", to.to_str().unwrap(), "--json"]);
    let fault: Value = serde_json::from_slice(&again.stderr).unwrap();
    assert_eq!((&fault["code"], again.status.code()), (&"invalid".into(), Some(2)), "{fault}");
    let found = program.prints(&["--data-dir", to.to_str().unwrap(), "search", "kept all along"]);
    assert!(found.contains("kept all along"), "{found}");
}
