//! Snapshots: what is made of one and the log after it is what the log alone makes, and a damaged one is told and passed
//! over.

use std::{fs, path::Path, sync::Arc, time::Duration};

use wheelhouse::{
    door::{ListRequest, ViewState},
    model::{Change, Commit, Entry, Id, Memory, Projects, Sequence, Time, content_hash},
    store::{Note, Store, StoreOptions, Stored},
    tasks::Clock,
};

use crate::harness::{memory_saved, until};

const MEMORIES: u64 = 120;

fn options() -> StoreOptions {
    StoreOptions {
        segment_bytes: 64 << 10,
        flush_after: Duration::from_millis(1),
        snapshot_after: 100,
        ..StoreOptions::new(Clock::fixed(Time::from_unix_ms(1_000_000)))
    }
}

fn id(n: u64) -> Id {
    let mut bytes = [9; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    Id::from_bytes(bytes)
}

fn put(n: u64, revision: u32) -> Change {
    // Some are too long for the view and stay in the log.
    let content = format!("note {n} as of {revision} {}", "x".repeat(if n % 40 == 7 { 40_000 } else { 200 }));
    let memory: Memory = serde_json::from_value(serde_json::json!({
        "id": id(n), "created_at": Time::from_unix_ms(n as i64), "updated_at": Time::from_unix_ms(n as i64 + i64::from(revision)),
        "revision": revision, "content_hash": content_hash(&content), "content": content,
        "tags": [format!("tag{}", n % 5), format!("rev{revision}")],
        "origin": { "url": format!("file:///{n}.md") },
    }))
    .unwrap();
    Change::Put { memory }
}

fn commit(n: u64, key: Option<String>, change: Change) -> Commit {
    let event = memory_saved(id(1_000 + n));
    Commit { changes: vec![change], events: vec![event], idempotency_key: key, ..Commit::default() }
}

pub async fn opened(dir: &Path) -> Store {
    let store = Store::open(dir, options()).unwrap();
    until("the records", || async { (store.state().borrow().records == ViewState::Ready).then_some(()) })
        .await;
    store
}

/// All that the view says.
#[derive(Debug, PartialEq)]
pub struct Says {
    pub records: Vec<Stored>,
    newest: Vec<Id>,
    tagged: Vec<Vec<Id>>,
    histories: Vec<Vec<Arc<Entry>>>,
    counts: (Option<u64>, Option<u64>),
}

fn says(store: &Store) -> Says {
    let mut records = Vec::new();
    store
        .scan(&mut |stored| {
            records.push(stored.clone());
            true
        })
        .unwrap();
    let list = |tag: Option<&str>| {
        let mut request = ListRequest { limit: 200, ..ListRequest::default() };
        request.filter.tags.extend(tag.map(str::to_owned));
        let page = store.list(&request, &Projects::All).unwrap();
        page.memories.into_iter().map(|memory| memory.id).collect()
    };
    let counts = { (store.state().borrow().memories, store.state().borrow().forgotten) };
    Says {
        histories: records.iter().map(|stored| store.history(stored.memory.id).unwrap()).collect(),
        records,
        newest: list(None),
        tagged: ["tag1", "rev1", "rev2", "rev3"].map(|tag| list(Some(tag))).into(),
        counts,
    }
}

/// A store with a snapshot, and with changes of every kind before and after it.
pub async fn grown(dir: &Path) -> Says {
    let store = opened(dir).await;
    for n in 0..MEMORIES {
        store.commit(commit(n, Some(format!("key {n}")), put(n, 1))).await.unwrap();
    }
    for n in (0..MEMORIES).step_by(3) {
        store.commit(commit(n, None, put(n, 2))).await.unwrap();
    }
    for n in (0..MEMORIES).step_by(10) {
        store.commit(commit(n, None, Change::Forget { id: id(n) })).await.unwrap();
        store.commit(commit(n, None, Change::Accessed { id: id(n + 1) })).await.unwrap();
    }
    until("a snapshot", || async { snapshots(dir).last().cloned() }).await;
    for n in (0..MEMORIES).step_by(4) {
        store.commit(commit(n, None, put(n, 3))).await.unwrap();
        store.commit(commit(n, None, Change::Accessed { id: id(n + 1) })).await.unwrap();
    }
    store.close();
    let store = opened(dir).await;
    let says = says(&store);
    assert_eq!(says.counts, (Some(MEMORIES - 12), Some(12)));
    store.close();
    says
}

fn snapshots(dir: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(dir.join("snapshots")) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "snap"));
    paths.sort();
    paths
}

fn damage(notes: &[Note]) -> Vec<String> {
    let damaged = notes.iter().filter(|note| note.kind == "hub.damaged");
    damaged.map(|note| note.data["file"].as_str().unwrap().to_owned()).collect()
}

pub fn turn(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 4;
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_made_of_a_snapshot_is_the_one_made_of_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let before = grown(dir.path()).await;

    fs::remove_dir_all(dir.path().join("records")).unwrap();
    let store = opened(dir.path()).await;
    assert_eq!(says(&store), before, "of the snapshot");
    let again = store.commit(commit(5, Some("key 5".into()), put(5, 9))).await.unwrap();
    assert!(again.repeated && again.first == Sequence(6), "{again:?}");
    assert_eq!(store.fsck().unwrap().damage, []);
    store.close();

    fs::remove_dir_all(dir.path().join("records")).unwrap();
    fs::remove_dir_all(dir.path().join("snapshots")).unwrap();
    let store = opened(dir.path()).await;
    assert_eq!(says(&store), before, "of the log");
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_answers_for_what_the_log_lost() {
    let dir = tempfile::tempdir().unwrap();
    let before = grown(dir.path()).await;
    let first =
        fs::read_dir(dir.path().join("log")).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    // In the body of the first commit, whose record is short.
    turn(&first, 700);
    fs::remove_dir_all(dir.path().join("records")).unwrap();
    let store = opened(dir.path()).await;
    let mut records = Vec::new();
    store
        .scan(&mut |stored| {
            records.push(stored.clone());
            true
        })
        .unwrap();
    assert_eq!(records, before.records);
    store.close();
}

/// In a block, which does not have its checksum; and in the count of rows, which is seen when all of them were taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_snapshot_is_named_and_passed_over() {
    for from_end in [None, Some(8)] {
        let dir = tempfile::tempdir().unwrap();
        let before = grown(dir.path()).await;
        let newest = snapshots(dir.path()).pop().unwrap();
        let length = fs::metadata(&newest).unwrap().len() as usize;
        turn(&newest, from_end.map_or(length / 2, |from_end| length - from_end));
        let name = format!("snapshots/{}", newest.file_name().unwrap().to_string_lossy());

        let store = opened(dir.path()).await;
        let damage_found = store.fsck().unwrap().damage;
        assert_eq!(damage_found.iter().map(|damage| damage.file.as_str()).collect::<Vec<_>>(), [&name]);
        assert!(damage_found[0].offset.is_some());
        store.close();

        fs::remove_dir_all(dir.path().join("records")).unwrap();
        let store = opened(dir.path()).await;
        assert_eq!(damage(&store.recovered()), [name]);
        assert_eq!(says(&store), before);
        assert!(!newest.exists());
        store.close();
    }
}
