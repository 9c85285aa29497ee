//! Memory that runs out: the hub may die of it, loses nothing that it acknowledged, and starts again.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use rustix::process::{Resource, Rlimit, setrlimit};
use wheelhouse::{
    door::{Door, NewMemory, Upsert},
    home::local_caller,
    hub::{Hub, HubDoor, HubOptions, JobOptions},
    model::Id,
    tasks::Clock,
};

use crate::{
    harness::{note, until},
    workload::say,
};

/// Of addresses, on top of what a process begins with: from what a hub hardly starts with to what an import uses up. A thread
/// takes many of them for its stack and its heap, and little memory.
const LIMITS_MB: [u64; 3] = [384, 768, 1_152];
/// An import that gets this far was not limited. Not longer, for other tests run beside it.
const BATCHES_MAX: usize = 6;
const BATCH: usize = 64;
const NOTE_BYTES: usize = 8 << 10;
/// In the environment of a child: its directory, and its limit.
const CHILD: &str = "WHEELHOUSE_MEMORY_CHILD";
const LIMIT: &str = "WHEELHOUSE_MEMORY_LIMIT";

fn start(dir: &Path) -> Arc<Hub> {
    let options = HubOptions {
        name: "limited".into(),
        clock: Clock::system(),
        socket: None,
        listeners: vec![],
        attached: Arc::default(),
        segment_bytes: None,
        retention: wheelhouse::store::Retention::default(),
        sampling: Default::default(),
        announce: false,
        jobs: JobOptions::default(),
    };
    Hub::start(dir, options).unwrap()
}

fn item(round: &str, n: usize) -> NewMemory {
    let mut item = note(&format!("{round} {n} {}", format!("word{n} ").repeat(NOTE_BYTES / 8)));
    item.url = Some(format!("file:///srv/{round}/{n}.md"));
    item
}

#[test]
#[ignore = "the child of the memory limits, started by them"]
fn child() {
    let dir = PathBuf::from(std::env::var_os(CHILD).expect("started by the memory limits"));
    let limit = std::env::var(LIMIT).unwrap();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let kb: u64 = size.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    let bytes = Some((kb << 10) + (limit.parse::<u64>().unwrap() << 20));
    setrlimit(Resource::As, Rlimit { current: bytes, maximum: bytes }).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let door = HubDoor(start(&dir));
        for batch in 0..BATCHES_MAX {
            let items = (0..BATCH).map(|n| item(&limit, batch * BATCH + n)).collect();
            let upsert = Upsert { items, source: limit.clone(), ..Upsert::default() };
            match door.upsert(&local_caller(&Clock::system()), upsert).await {
                Ok(done) => done.items.iter().for_each(|item| say(&format!("A {}", item.id))),
                Err(fault) => return say(&format!("R {fault}")),
            }
        }
        say("E");
    });
}

/// What a child acknowledged before its end, and whether it was stopped by its limit.
fn round(dir: &Path, limit: u64) -> (Vec<Id>, bool) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["faults::memory::child", "--exact", "--ignored", "--nocapture", "--quiet"])
        .env(CHILD, dir)
        .env(LIMIT, limit.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut kept, mut ended) = (Vec::new(), false);
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        kept.extend(line.strip_prefix("A ").map(|id| id.parse::<Id>().unwrap()));
        ended |= line == "E";
    }
    child.wait().unwrap();
    (kept, !ended)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_runs_out_of_memory_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut kept = Vec::new();
    let mut struck = 0;
    for limit in LIMITS_MB {
        let (acknowledged, limited) = round(dir.path(), limit);
        println!("{limit} MB: {} acknowledged, limited: {limited}", acknowledged.len());
        struck += usize::from(limited);
        kept.extend(acknowledged);

        let hub = start(dir.path());
        let door = HubDoor(hub.clone());
        let caller = local_caller(&Clock::system());
        until("the hub opens", async || {
            let status = door.status().await.unwrap();
            status.memories.filter(|_| status.views[0].state.is_ready())
        })
        .await;
        for ids in kept.chunks(500) {
            assert_eq!(door.get(&caller, ids).await.unwrap().len(), ids.len(), "after {limit} MB");
        }
        assert_eq!(door.fsck(&caller).await.unwrap().damage, [], "after {limit} MB");
        door.add(&caller, note("it goes on")).await.unwrap();
        hub.close().await;
    }
    assert!(struck > 0, "no limit was reached");
    assert!(!kept.is_empty(), "nothing was acknowledged under any limit");
}
