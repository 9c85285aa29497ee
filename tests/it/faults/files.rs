//! File descriptors that run out, by connections and by all else: what is served, what is refused, and that it ends.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, mpsc},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, setrlimit};
use tempfile::TempDir;
use tokio::net::UnixListener;
use wheelhouse::{
    api,
    door::{Door, EventQuery, ListRequest, NewMemory, Refusal, SearchRequest, ViewName, Writes},
    home::local_caller,
    hub::{Hub, HubDoor, HubOptions, JobOptions},
    model::{Code, Fault, Id},
    remote::Remote,
    tasks::{Clock, Tasks},
};

use crate::{
    harness::{PATIENCE, Process, clock, note, until},
    workload::say,
};

/// Of the child. A hub by itself has some thirty open.
const FILES_MAX: u64 = 160;
/// What its surface makes of that: a quarter.
const CONNECTIONS: usize = 40;
/// Connections above that, which are turned away.
const TOO_MANY: usize = 5;
/// Rolls after a few notes, and a roll needs a file.
const SEGMENT_BYTES: u64 = 16 << 10;
/// What a client waits that nobody serves, and what the hub may work meanwhile: a loop that spins works all of it.
const WAIT: Duration = Duration::from_secs(1);
const WORK_MAX: Duration = Duration::from_millis(400);
/// In the environment of a child: its directory.
const CHILD: &str = "WHEELHOUSE_FILES_CHILD";

// --- the child -------------------------------------------------------------------------------------------------------

/// A hub that is told on its input to use up its descriptors, and to let go of them.
#[test]
#[ignore = "the child of the descriptors, started by them"]
fn child() {
    let dir = PathBuf::from(std::env::var_os(CHILD).expect("started by the descriptors"));
    let limit = Rlimit { current: Some(FILES_MAX), maximum: Some(FILES_MAX) };
    setrlimit(Resource::Nofile, limit).unwrap();
    let (send, told) = mpsc::channel();
    std::thread::spawn(move || {
        std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| send.send(line))
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let options = HubOptions {
            name: "short of files".into(),
            clock: clock(),
            socket: None,
            listeners: vec![],
            attached: Arc::default(),
            segment_bytes: Some(SEGMENT_BYTES),
            retention: wheelhouse::store::Retention::default(),
            sampling: Default::default(),
            announce: false,
            jobs: JobOptions::default(),
        };
        let hub = Hub::start(&dir.join("data"), options).unwrap();
        let door: Arc<dyn Door> = Arc::new(HubDoor(hub.clone()));
        let serving = Tasks::new();
        let listener = UnixListener::bind(dir.join("hub.sock")).unwrap();
        serving.spawn(api::serve(listener.into(), door, clock(), Arc::default(), serving.token()));
        say("ready");
        tokio::task::spawn_blocking(move || follow(&told)).await.unwrap();
        assert!(serving.end(PATIENCE).await);
        hub.close().await;
    });
}

fn follow(told: &mpsc::Receiver<String>) {
    let mut eaten = Vec::new();
    let mut eating = false;
    loop {
        // What the hub lets go of meanwhile is taken too.
        while eating && let Ok(file) = File::open("/dev/null") {
            eaten.push(file);
        }
        match told.recv_timeout(Duration::from_millis(10)) {
            Ok(line) if line == "eat" => eating = true,
            Ok(line) if line == "free" => {
                eating = false;
                eaten.clear();
            }
            Ok(line) => panic!("{line:?} is nothing to do"),
            Err(mpsc::RecvTimeoutError::Timeout) => continue,
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
        say("done");
    }
}

// --- the parent ------------------------------------------------------------------------------------------------------

struct Short {
    hub: Process,
    dir: TempDir,
    saved: Vec<Id>,
}

impl Short {
    fn start() -> Short {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["faults::files::child", "--exact", "--ignored", "--nocapture", "--quiet"]);
        let hub = Process::start(command.env(CHILD, dir.path()));
        hub.says("ready");
        Short { hub, dir, saved: Vec::new() }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("hub.sock")
    }

    fn remote(&self) -> Remote {
        Remote::new(&self.socket()).unwrap()
    }

    #[track_caller]
    fn tell(&mut self, what: &str) {
        writeln!(self.hub.child.stdin.as_mut().unwrap(), "{what}").unwrap();
        self.hub.says("done");
    }

    /// Saves more than a segment holds, or as much of it as is taken.
    async fn save(&mut self, door: &dyn Door) -> Result<(), Fault> {
        for n in 0..20 {
            let saved = door.add(&local_caller(&Clock::system()), text(n)).await?;
            self.saved.push(saved.memory.id);
        }
        Ok(())
    }

    /// What it has worked since it began.
    fn work(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.hub.child.id())).unwrap();
        let worked = threads.filter_map(|thread| {
            let schedstat = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            schedstat.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(worked.sum())
    }
}

fn text(n: usize) -> NewMemory {
    note(&format!("anchor {n} {}", "chain ".repeat(200)))
}

async fn reads(door: &dyn Door, saved: &[Id]) -> Result<(), Fault> {
    let caller = local_caller(&Clock::system());
    assert_eq!(door.get(&caller, saved).await?.len(), saved.len());
    assert!(!door.list(&caller, ListRequest::default()).await?.memories.is_empty());
    let request = SearchRequest { query: "anchor".into(), ..SearchRequest::default() };
    assert!(!door.search(&caller, request).await?.results.is_empty());
    assert!(!door.events(&caller, EventQuery::default()).await?.events.is_empty());
    Ok(())
}

async fn index_ready(door: &dyn Door) {
    until("the index is ready", async || {
        door.status().await.unwrap().view(ViewName::Lexical).unwrap().is_ready().then_some(())
    })
    .await;
}

fn connect(socket: &Path) -> UnixStream {
    UnixStream::connect(socket).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_told_so_and_the_others_are_served() {
    let mut short = Short::start();
    let served = short.remote();
    index_ready(&served).await;
    short.save(&served).await.unwrap();

    let socket = short.socket();
    let idle: Vec<UnixStream> = (0..CONNECTIONS + TOO_MANY).map(|_| connect(&socket)).collect();
    // Who is turned away gets a moment to hear why; on a busy machine that may be over before.
    let fault = until("it is told so", async || {
        let fault = short.remote().status().await.expect_err("there is no place for it");
        (fault.code == Code::Busy).then_some(fault)
    })
    .await;
    assert!(fault.hint.is_some(), "{fault:?}");
    assert!(fault.message.contains("connections"), "{fault:?}");
    // A client that is served may try another connection before its own is free again, and hear the same.
    let status = until("who is there is served", async || {
        short.save(&served).await.ok()?;
        reads(&served, &short.saved).await.ok()?;
        served.status().await.ok()
    })
    .await;
    assert_eq!(status.writes, Writes::Open);

    drop(idle);
    until("a new connection is served", async || short.remote().status().await.ok()).await;
    assert!(short.hub.end().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_descriptor_reads_go_on_and_writes_resume_when_there_is_one() {
    let mut short = Short::start();
    let served = short.remote();
    index_ready(&served).await;
    short.save(&served).await.unwrap();

    short.tell("eat");
    // What the hub lets go of serves it once more, until that is taken too.
    let fault = until("writes are refused", async || {
        let fault = short.save(&served).await.err()?;
        let writes = served.status().await.unwrap().writes;
        matches!(writes, Writes::Refused { why: Refusal::NoFiles, .. }).then_some(fault)
    })
    .await;
    assert_eq!((fault.code, fault.hint.is_some()), (Code::Unavailable, true), "{fault:?}");
    reads(&served, &short.saved).await.unwrap();

    let before = short.work();
    let waiting = short.remote();
    let answer = tokio::time::timeout(WAIT, waiting.status()).await;
    let worked = short.work() - before;
    assert!(answer.is_err(), "there is no descriptor to answer with: {answer:?}");
    assert!(worked < WORK_MAX, "waiting cost {worked:?} of {WAIT:?}");

    short.tell("free");
    until("writes resume", async || (served.status().await.unwrap().writes == Writes::Open).then_some(()))
        .await;
    short.save(&served).await.unwrap();
    until("a new connection is served", async || waiting.status().await.ok()).await;
    index_ready(&served).await;
    reads(&served, &short.saved).await.unwrap();
    let status = served.status().await.unwrap();
    assert_eq!(status.memories, Some(short.saved.len() as u64), "what was refused is not there");
    assert_eq!(served.fsck(&local_caller(&Clock::system())).await.unwrap().damage, []);
    assert!(short.hub.end().success());
}
