//! A file system that becomes read-only, under a store and before one is opened, and is writable again.

use std::sync::Arc;

use wheelhouse::{
    door::{Refusal, ViewState, Writes},
    model::{Code, Fault, Sequence},
    store::{Store, disk::RealDisk},
};

use super::{mount::Mount, options, ready, save};
use crate::harness::{PATIENCE, Program, text};

/// As the kernel does it when it has seen an error: also under files that are open. It cannot be undone while it is mounted.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_system_that_gives_up_refuses_writes_and_keeps_what_it_has() {
    let Some(mut mount) = Mount::ext4(32) else { return };
    let store = Store::open(mount.path(), options(Arc::new(RealDisk))).unwrap();
    ready(&store).await;
    for n in 0..4 {
        store.commit(save(n).1).await.unwrap();
    }
    mount.remount("abort");
    for n in 4..8 {
        let fault = store.commit(save(n).1).await.unwrap_err();
        assert!([Code::Full, Code::Unavailable].contains(&fault.code) && fault.hint.is_some(), "{fault:?}");
    }
    let state = store.state().borrow().clone();
    assert!(matches!(state.writes, Writes::Refused { why: Refusal::ReadOnly, .. }), "{state:?}");
    for n in 0..4 {
        assert!(store.get(save(n).0).unwrap().is_some(), "reads go on");
    }
    assert_eq!(store.read_log(Sequence::ZERO, 100).unwrap().len(), 4);
    store.close();
    drop(store);

    mount.mount_again();
    let store = Store::open(mount.path(), options(Arc::new(RealDisk))).unwrap();
    ready(&store).await;
    let kept: Vec<bool> = (0..8).map(|n| store.get(save(n).0).unwrap().is_some()).collect();
    assert_eq!(kept, [true, true, true, true, false, false, false, false]);
    assert_eq!(store.fsck().unwrap().damage, []);
    store.commit(save(9).1).await.unwrap();
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_opened_read_only_shows_its_log_and_begins_to_write_when_it_can() {
    let Some(mount) = Mount::tmpfs("16m") else { return };
    let store = Store::open(mount.path(), options(Arc::new(RealDisk))).unwrap();
    for n in 0..3 {
        store.commit(save(n).1).await.unwrap();
    }
    store.close();
    drop(store);

    mount.remount("ro");
    let store = Store::open(mount.path(), options(Arc::new(RealDisk))).unwrap();
    let mut state = store.state();
    let refused = state.wait_for(|state| matches!(state.writes, Writes::Refused { .. }));
    let refused = tokio::time::timeout(PATIENCE, refused).await.expect("it is told").unwrap().clone();
    assert!(matches!(refused.writes, Writes::Refused { why: Refusal::ReadOnly, .. }), "{refused:?}");
    assert_eq!(refused.records, ViewState::Failed { reason: "read-only".into() });
    let fault: Fault = store.commit(save(3).1).await.unwrap_err();
    assert_eq!((fault.code, fault.hint.is_some()), (Code::Full, true), "{fault:?}");
    assert_eq!(store.read_log(Sequence::ZERO, 100).unwrap().len(), 3);

    mount.remount("rw");
    let open = state.wait_for(|state| state.writes == Writes::Open && state.records.is_ready());
    tokio::time::timeout(PATIENCE, open).await.expect("nobody has to restart it").unwrap();
    // The file that was opened to be read is not written: the first write may find that out, and the second goes on.
    let mut state = store.state();
    if store.commit(save(4).1).await.is_err() {
        let open = state.wait_for(|state| state.writes == Writes::Open);
        tokio::time::timeout(PATIENCE, open).await.expect("it goes on in a new file").unwrap();
        store.commit(save(4).1).await.unwrap();
    }
    for n in [0, 1, 2, 4] {
        assert!(store.get(save(n).0).unwrap().is_some());
    }
    store.close();
    drop(store);
    let store = Store::open(mount.path(), options(Arc::new(RealDisk))).unwrap();
    ready(&store).await;
    assert_eq!(store.read_log(Sequence::ZERO, 100).unwrap().len(), 4);
    assert_eq!(store.fsck().unwrap().damage, []);
    store.close();
}

#[test]
fn a_verb_says_that_its_data_directory_is_read_only() {
    let Some(mount) = Mount::tmpfs("32m") else { return };
    let program = Program::new();
    let data = mount.path().join("data");
    let data = data.to_str().unwrap();
    program.prints(&["--data-dir", data, "add", "the pump is primed"]);
    mount.remount("ro");
    for verb in [&["add", "the pump runs dry"][..], &["search", "pump"]] {
        let output = program.run(&[&["--data-dir", data], verb].concat());
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(Code::Full.exit_status().into()), "{said}");
        assert!(said.contains("is not writable") && said.contains("hint:"), "{said}");
        assert!(said.to_lowercase().contains("read-only"), "{said}");
    }
    mount.remount("rw");
    program.prints(&["--data-dir", data, "add", "the pump runs again"]);
    let listed = program.prints(&["--data-dir", data, "search", "pump"]);
    assert!(
        listed.contains("primed") && listed.contains("runs again") && !listed.contains("dry"),
        "{listed}"
    );
}
