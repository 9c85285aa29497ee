//! A disk that does not come back: writes wait, reads go on, and it is told until it is over.

use std::{
    cell::Cell,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
};

use futures::StreamExt;
use wheelhouse::{
    door::{Door, EventQuery, ListRequest, SearchRequest, StreamItem, StreamRequest, ViewName, Writes},
    model::{Projects, Sequence},
    store::{
        Store,
        disk::{Disk, DiskFile, RealDisk},
    },
};

use super::{mount::Mount, options, ready, save};
use crate::harness::{House, PATIENCE, clock, note, until};

/// The machine's disk, whose fsyncs hang while it is held.
#[derive(Clone, Default)]
struct Holding(Arc<(Mutex<bool>, Condvar)>);

impl Holding {
    fn hold(&self, held: bool) {
        *self.0.0.lock().unwrap() = held;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |held| *held).unwrap());
    }
}

impl Disk for Holding {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(HoldingFile { file: RealDisk.open(path, create)?, disk: self.clone() }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }
}

struct HoldingFile {
    file: Box<dyn DiskFile>,
    disk: Holding,
}

impl DiskFile for HoldingFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.pass();
        self.file.sync()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_wait_for_a_stalled_disk_and_reads_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Holding::default();
    let options = options(Arc::new(disk.clone()));
    let now = options.clock.now();
    let store = Store::open(dir.path(), options).unwrap();
    ready(&store).await;
    let (kept, commit) = save(0);
    store.commit(commit).await.unwrap();

    for round in 0..2 {
        disk.hold(true);
        let before = 1 + round * 2;
        let acknowledged = Cell::new(0);
        let commit = async |n| {
            let committed = store.commit(save(n).1).await.unwrap();
            acknowledged.set(acknowledged.get() + 1);
            committed.first
        };
        let meanwhile = async {
            let mut state = store.state();
            let stalled = state.wait_for(|state| state.stalled.is_some());
            let stalled = tokio::time::timeout(PATIENCE, stalled).await.expect("it is told").unwrap().clone();
            assert_eq!((stalled.stalled, stalled.writes), (Some(now), Writes::Open));
            assert_eq!(store.get(kept).unwrap().unwrap().memory.id, kept);
            let listed = store.list(&ListRequest::default(), &Projects::All).unwrap().memories;
            assert_eq!(listed.len(), before, "what is not acknowledged is not shown");
            assert_eq!(store.read_log(Sequence::ZERO, 10).unwrap().len(), before);
            assert_eq!(acknowledged.get(), 0, "writes wait");
            disk.hold(false);
        };
        let (first, second, ()) = tokio::join!(commit(before), commit(before + 1), meanwhile);
        assert_eq!([first.0, second.0], [before as u64 + 1, before as u64 + 2]);
        let mut state = store.state();
        assert_eq!(state.wait_for(|state| state.stalled.is_none()).await.unwrap().writes, Writes::Open);
    }
    store.close();
}

/// All of a hub on a file system that hangs: not the log alone, the views too.
#[tokio::test(flavor = "multi_thread")]
async fn a_hub_whose_file_system_hangs_goes_on_answering() {
    let Some(mount) = Mount::ext4(64) else { return };
    let house = House::open_in(tempfile::tempdir_in(mount.path()).unwrap(), clock()).await;
    let caller = house.caller();
    let saved = house.door.add(&caller, note("the pump is primed")).await.unwrap().memory.id;
    until("the index is ready", async || {
        let status = house.door.status().await.unwrap();
        status.view(ViewName::Lexical).unwrap().is_ready().then_some(())
    })
    .await;
    let mut watching = house.remote.stream(&caller, StreamRequest::default()).await.unwrap();

    let Some(frozen) = mount.freeze() else { return };
    let acknowledged = Cell::new(false);
    let adding = async {
        let added = house.door.add(&house.caller(), note("the pump runs dry")).await.unwrap().memory.id;
        acknowledged.set(true);
        added
    };
    let meanwhile = async {
        let told = async {
            while let Some(item) = watching.next().await {
                if let StreamItem::Heartbeat { status } = item.unwrap()
                    && matches!(status.writes, Writes::Stalled { .. })
                {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("who watches is told");
        for (name, door) in house.doors() {
            let status = door.status().await.unwrap();
            assert!(matches!(status.writes, Writes::Stalled { .. }), "{name}: {:?}", status.writes);
            assert_eq!(door.get(&caller, &[saved]).await.unwrap()[0].id, saved, "{name}");
            let listed = door.list(&caller, ListRequest::default()).await.unwrap();
            assert_eq!(listed.memories.len(), 1, "{name}");
            let request = SearchRequest { query: "pump".into(), ..SearchRequest::default() };
            assert_eq!(door.search(&caller, request).await.unwrap().results.len(), 1, "{name}");
            let events = door.events(&caller, EventQuery::default()).await.unwrap().events;
            assert_eq!(events[0].kind, "memory.saved", "{name}");
        }
        assert!(!acknowledged.get(), "writes wait");
        drop(frozen);
    };
    let (added, ()) = tokio::join!(adding, meanwhile);
    for (name, door) in house.doors() {
        until("writes are open again", async || {
            (door.status().await.unwrap().writes == Writes::Open).then_some(())
        })
        .await;
        assert_eq!(door.get(&caller, &[added]).await.unwrap()[0].id, added, "{name}");
    }
    drop(watching);
    drop(house.close().await);
}
