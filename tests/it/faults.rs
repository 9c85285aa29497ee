//! Disk faults on the store: at every call of the log in turn, nothing acknowledged is lost and nothing refused comes back.

mod clock;
mod files;
mod full;
mod memory;
mod mount;
mod read_only;
mod room;
mod stalled;

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use wheelhouse::{
    door::{Refusal, ViewState, Writes},
    model::{Change, Code, Commit, Fault, Id, Memory, Sequence, Time, content_hash},
    store::{
        Store, StoreOptions,
        disk::{Disk, DiskFile, RealDisk},
    },
    tasks::Clock,
};

use crate::harness::{PATIENCE, memory_saved};

const COMMITS: usize = 8;
/// Small enough that the commits roll once or twice.
const SEGMENT_BYTES: u64 = 3 << 10;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Full,
    ReadOnly,
    /// Out of file descriptors.
    Files,
    Io,
    /// Half of a write arrives, then an error.
    Short,
    /// Every fsync from here on fails, until healed.
    Fsync,
}

/// The machine's disk, with one call that fails.
#[derive(Clone)]
pub struct Faulty {
    wrong: Wrong,
    /// Calls until the fault; counts down.
    pub left: Arc<AtomicUsize>,
    /// How many calls fail from there on.
    length: Arc<AtomicUsize>,
}

impl Faulty {
    pub fn at(wrong: Wrong, call: usize, length: usize) -> Faulty {
        Faulty { wrong, left: Arc::new(AtomicUsize::new(call)), length: Arc::new(AtomicUsize::new(length)) }
    }

    fn heal(&self) {
        self.length.store(0, Ordering::SeqCst);
    }

    /// Whether this call is to fail.
    fn strikes(&self) -> bool {
        if self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return false;
        }
        self.length.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |length| length.checked_sub(1)).is_ok()
    }

    fn error(&self) -> io::Error {
        match self.wrong {
            Wrong::Full => io::ErrorKind::StorageFull.into(),
            Wrong::ReadOnly => rustix::io::Errno::ROFS.into(),
            Wrong::Files => rustix::io::Errno::MFILE.into(),
            Wrong::Io | Wrong::Short | Wrong::Fsync => io::Error::other("input/output error"),
        }
    }

    fn call<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if self.wrong != Wrong::Fsync && self.strikes() { Err(self.error()) } else { call() }
    }
}

impl Disk for Faulty {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn DiskFile>> {
        let file = self.call(|| RealDisk.open(path, create))?;
        Ok(Box::new(FaultyFile { file, disk: self.clone() }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|| RealDisk.remove(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|| RealDisk.rename(from, to))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        if self.wrong == Wrong::Fsync && self.strikes() {
            return Err(self.error());
        }
        self.call(|| RealDisk.sync_dir(dir))
    }
}

struct FaultyFile {
    file: Box<dyn DiskFile>,
    disk: Faulty,
}

impl DiskFile for FaultyFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.disk.wrong == Wrong::Short && self.disk.left.load(Ordering::SeqCst) == 0 {
            self.file.write_at(&bytes[..bytes.len() / 2], offset)?;
        }
        self.disk.call(|| self.file.write_at(bytes, offset))
    }

    fn sync(&self) -> io::Result<()> {
        if self.disk.wrong == Wrong::Fsync && self.disk.strikes() {
            return Err(self.disk.error());
        }
        self.disk.call(|| self.file.sync())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.call(|| self.file.set_len(len))
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}

fn options(disk: Arc<dyn Disk>) -> StoreOptions {
    let clock = Clock::fixed(Time::from_unix_ms(1_000_000));
    StoreOptions { segment_bytes: SEGMENT_BYTES, disk, ..StoreOptions::new(clock) }
}

fn save(n: usize) -> (Id, Commit) {
    let mut bytes = [9; 16];
    bytes[15] = n as u8;
    let id = Id::from_bytes(bytes);
    let content = format!("note {n} {}", "x".repeat(400));
    let memory: Memory = serde_json::from_value(serde_json::json!({
        "id": id, "created_at": Time::from_unix_ms(5), "updated_at": Time::from_unix_ms(5), "revision": 1,
        "content_hash": content_hash(&content), "content": content,
    }))
    .unwrap();
    let event = memory_saved(id);
    (id, Commit { changes: vec![Change::Put { memory }], events: vec![event], ..Commit::default() })
}

/// Copies the log as a crash at this moment would leave it: no close, no horizon.
fn crashed(dir: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    std::fs::create_dir(copy.path().join("log")).unwrap();
    for file in std::fs::read_dir(dir.join("log")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join("log").join(file.file_name())).unwrap();
    }
    copy
}

async fn ready(store: &Store) {
    let mut state = store.state();
    state.wait_for(|state| state.records.is_ready()).await.unwrap();
}

#[derive(Default)]
struct Outcome {
    kept: Vec<Id>,
    refused: Vec<Id>,
    /// The disk did not say: may be there or not.
    unknown: Vec<Id>,
}

impl Outcome {
    fn hear(&mut self, id: Id, result: Result<(), Fault>) {
        match result {
            Ok(()) => self.kept.push(id),
            Err(fault) if fault.message.contains("unknown until restart") => self.unknown.push(id),
            Err(fault) => {
                assert!([Code::Full, Code::Unavailable].contains(&fault.code), "{fault:?}");
                assert!(fault.hint.is_some(), "{fault:?}");
                self.refused.push(id);
            }
        }
    }

    /// What a fresh start on a sound disk finds.
    async fn check(&self, dir: &Path, what: &str) {
        let store = Store::open(dir, options(Arc::new(RealDisk))).unwrap();
        ready(&store).await;
        for id in &self.kept {
            assert!(store.get(*id).unwrap().is_some(), "{what}: {id} was acknowledged");
        }
        for id in &self.refused {
            assert!(store.get(*id).unwrap().is_none(), "{what}: {id} was refused");
        }
        let entries = store.read_log(Sequence::ZERO, 1_000).unwrap();
        let sequences: Vec<u64> = entries.iter().map(|entry| entry.first().0).collect();
        assert_eq!(sequences, (1..=sequences.len() as u64).collect::<Vec<_>>(), "{what}: contiguous");
        assert!(sequences.len() <= self.kept.len() + self.unknown.len(), "{what}");
        assert_eq!(store.fsck().unwrap().damage, [], "{what}");
        store.close();
    }
}

/// Runs the commits with one fault, then heals; answers how many calls the disk saw.
async fn strike(wrong: Wrong, call: usize) {
    let what = format!("{wrong:?} at call {call}");
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let disk = Faulty::at(wrong, call, 1);
    let store = match Store::open(dir.path(), options(Arc::new(disk.clone()))) {
        Ok(store) => store,
        // A store that cannot be opened says so, and opens when the disk is sound.
        Err(error) => {
            assert!(Fault::from(error).cause.is_some(), "{what}");
            return Outcome::default().check(dir.path(), &what).await;
        }
    };
    let mut outcome = Outcome::default();
    for n in 0..COMMITS {
        let (id, commit) = save(n);
        outcome.hear(id, store.commit(commit).await.map(drop));
        for id in &outcome.kept {
            assert!(store.get(*id).unwrap().is_some(), "{what}: reads go on");
        }
    }
    assert!(outcome.kept.len() >= COMMITS - 1, "{what}: one fault costs one commit at most");
    let crash = crashed(dir.path());
    store.close();
    outcome.check(dir.path(), &what).await;
    outcome.check(crash.path(), &format!("{what}, crashed")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_costs_at_most_its_own_commit() {
    let counting = Faulty::at(Wrong::Full, usize::MAX, 0);
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options(Arc::new(counting.clone()))).unwrap();
    for n in 0..COMMITS {
        store.commit(save(n).1).await.unwrap();
    }
    store.close();
    let calls = usize::MAX - counting.left.load(Ordering::SeqCst);
    assert!(calls > COMMITS * 2, "the disk is asked for each commit: {calls}");
    for wrong in [Wrong::Full, Wrong::Io, Wrong::Short] {
        for call in 0..calls {
            strike(wrong, call).await;
        }
    }
    // Only fsyncs are counted here: fewer, the rest of the indexes never strike.
    for call in 0..COMMITS * 2 {
        strike(Wrong::Fsync, call).await;
    }
}

/// A disk that takes nothing for a while: what is refused, why, and that it resumes when the disk does.
async fn out_for_a_while(wrong: Wrong, why: Refusal, code: Code) {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::at(wrong, usize::MAX, usize::MAX);
    let store = Store::open(dir.path(), options(Arc::new(disk.clone()))).unwrap();
    let (kept, commit) = save(0);
    store.commit(commit).await.unwrap();
    disk.left.store(0, Ordering::SeqCst);
    for n in 1..4 {
        let fault = store.commit(save(n).1).await.unwrap_err();
        assert_eq!((fault.code, fault.hint.is_some()), (code, true), "{fault:?}");
        let state = store.state().borrow().clone();
        assert!(
            matches!(&state.writes, Writes::Refused { why: said, fault } if *said == why && fault.hint.is_some()),
            "{wrong:?}: {state:?}"
        );
        assert_eq!(state.records, ViewState::Ready);
    }
    assert!(store.get(kept).unwrap().is_some());
    assert_eq!(store.read_log(Sequence::ZERO, 10).unwrap().len(), 1);

    disk.heal();
    let mut state = store.state();
    let open = state.wait_for(|state| state.writes == Writes::Open);
    tokio::time::timeout(PATIENCE, open).await.expect("nobody has to ask for it").unwrap();
    store.commit(save(9).1).await.unwrap();
    store.close();
    let outcome = Outcome {
        kept: vec![kept, save(9).0],
        refused: (1..4).map(|n| save(n).0).collect(),
        unknown: vec![],
    };
    outcome.check(dir.path(), &format!("{wrong:?} for a while")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_nothing_is_told_and_waited_for() {
    out_for_a_while(Wrong::Full, Refusal::DiskFull, Code::Full).await;
    out_for_a_while(Wrong::ReadOnly, Refusal::ReadOnly, Code::Full).await;
    out_for_a_while(Wrong::Files, Refusal::NoFiles, Code::Unavailable).await;
    out_for_a_while(Wrong::Io, Refusal::DiskFails, Code::Unavailable).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_fsync_is_never_followed_by_another_on_that_file() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::at(Wrong::Fsync, usize::MAX, 1);
    let store =
        Store::open(dir.path(), StoreOptions { segment_bytes: 1 << 20, ..options(Arc::new(disk.clone())) })
            .unwrap();
    let (kept, commit) = save(0);
    store.commit(commit).await.unwrap();
    disk.left.store(0, Ordering::SeqCst);
    let (unknown, commit) = save(1);
    let fault = store.commit(commit).await.unwrap_err();
    assert!(fault.message.contains("outcome unknown until restart"), "{fault:?}");
    let (after, commit) = save(2);
    let committed = store.commit(commit).await.unwrap();
    assert_eq!(committed.first, Sequence(2), "the number of what failed is given again");
    let files = std::fs::read_dir(dir.path().join("log")).unwrap().count();
    assert_eq!(files, 2, "the log goes on in a new file");
    let crash = crashed(dir.path());
    store.close();
    let outcome = Outcome { kept: vec![kept, after], refused: vec![unknown], unknown: vec![] };
    // The next segment's header says where the poisoned one ends, so what failed cannot come back beside it.
    outcome.check(dir.path(), "closed").await;
    outcome.check(crash.path(), "crashed").await;
}
