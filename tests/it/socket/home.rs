//! Who owns, who attaches, and what becomes of the others when the owner goes.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use futures::StreamExt;
use rustix::process::{Pid, Signal};
use wheelhouse::{
    door::{Caller, Door, ListRequest, StreamRequest},
    home::{DOOR_PATIENCE, Home, HomeOptions, Opened, Stay, local_caller},
    hub::JobOptions,
    model::Code,
    tasks::Clock,
};

use crate::harness::{Process, Program, note, text, until};

const DATA_DIR: &str = "WHEELHOUSE_TEST_DATA_DIR";

fn home(data_dir: &Path) -> Home {
    Home::new(HomeOptions {
        data_dir: data_dir.to_owned(),
        unsafe_filesystem: false,
        hub_name: "house".into(),
        clock: Clock::system(),
        retention: wheelhouse::store::Retention::default(),
        sampling: Default::default(),
        stay: Stay::Verb,
        jobs: JobOptions::default(),
        hub: None,
        reach: wheelhouse::api::Reach::default(),
    })
}

/// Not a test: the other process of the tests below. It takes its door, says which kind it got, and closes when
/// its input ends.
#[test]
#[ignore = "the other process of these tests"]
fn another_process() {
    let Some(data_dir) = std::env::var_os(DATA_DIR) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let home = home(&PathBuf::from(data_dir));
        match home.door().await {
            Ok(Opened { door, owned }) => {
                let pid = door.status().await.unwrap().pid;
                println!("\n{} {pid}", if owned { "owned" } else { "attached" });
            }
            Err(fault) => println!("\nfault {fault}"),
        }
        tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()))
            .await
            .unwrap()
            .unwrap();
        home.close().await;
        println!("\nclosed");
    });
}

fn other(program: &Program) -> Command {
    let mut command = program.around(&std::env::current_exe().unwrap());
    command
        .args(["--exact", "socket::home::another_process", "--ignored", "--nocapture"])
        .env(DATA_DIR, program.data_dir());
    command
}

fn caller() -> Caller {
    local_caller(&Clock::system())
}

async fn contents(door: &dyn Door) -> Vec<String> {
    let page = door.list(&caller(), ListRequest::default()).await.unwrap();
    page.memories.into_iter().map(|memory| memory.content).collect()
}

async fn save(door: &dyn Door, content: &str) {
    door.add(&caller(), note(content)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_owns_and_the_next_attaches_until_the_owner_ends() {
    let program = Program::new();
    let owner = Process::start(&mut other(&program));
    let pid = owner.says("owned ");
    assert_eq!(pid, owner.child.id().to_string());
    let here = home(&program.data_dir());
    let opened = here.door().await.unwrap();
    assert!(!opened.owned);
    assert_eq!(opened.door.status().await.unwrap().pid.to_string(), pid);
    save(&*opened.door, "kept by the other process").await;
    let socket = PathBuf::from(opened.door.status().await.unwrap().socket.unwrap());
    assert!(socket.starts_with(program.dir.path().join("run/wheelhouse")), "{}", socket.display());
    let found = fs::metadata(&socket).unwrap();
    assert!(found.file_type().is_socket() && found.mode() & 0o777 == 0o600);

    assert!(owner.end().success());
    assert!(!socket.exists(), "a good end leaves no socket");
    let pid = opened.door.status().await.unwrap().pid;
    assert_eq!(pid, std::process::id(), "the door that was attached finds its hub again, here");
    let again = here.door().await.unwrap();
    assert!(again.owned, "asked again, it owns");
    assert_eq!(contents(&*again.door).await, ["kept by the other process"]);
    assert!(here.door().await.unwrap().owned, "and stays the owner");
    here.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_must_own_waits_for_a_verb_that_does() {
    let program = Program::new();
    let verb = Process::start(&mut other(&program));
    verb.says("owned ");
    let here = home(&program.data_dir());
    let mut owning = std::pin::pin!(here.own());
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut owning).await.is_err());
    assert!(verb.end().success());
    assert_eq!(owning.await.unwrap().status().await.unwrap().pid, std::process::id());
    here.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_owner_leaves_a_socket_and_no_obstacle() {
    let program = Program::new();
    let mut owner = Process::start(&mut other(&program));
    owner.says("owned ");
    let here = home(&program.data_dir());
    let opened = here.door().await.unwrap();
    save(&*opened.door, "acknowledged").await;
    let socket = PathBuf::from(opened.door.status().await.unwrap().socket.unwrap());
    let mut items = opened.door.stream(&caller(), StreamRequest::default()).await.unwrap();
    owner.kill();
    assert!(socket.exists(), "stale");
    let end = loop {
        match items.next().await.unwrap() {
            Ok(_) => {}
            Err(fault) => break fault,
        }
    };
    assert_eq!((end.code, end.hint.is_some()), (Code::Unavailable, true));
    save(&*opened.door, "after").await;
    let again = here.door().await.unwrap();
    assert!(again.owned);
    let mut kept = contents(&*again.door).await;
    kept.sort();
    assert_eq!(kept, ["acknowledged", "after"]);
    here.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_starts_in_the_same_second_one_owns() {
    let program = Program::new();
    let started: Vec<Process> = (0..6).map(|_| Process::start(&mut other(&program))).collect();
    let outcomes: Vec<String> = started.iter().map(outcome).collect();
    let owners: Vec<&String> = outcomes.iter().filter(|outcome| outcome.starts_with("owned ")).collect();
    assert_eq!(owners.len(), 1, "{outcomes:?}");
    let pid = owners[0].split(' ').next_back().unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.ends_with(&format!("ed {pid}"))), "{outcomes:?}");
}

/// `owned PID`, `attached PID` or `fault …`.
fn outcome(process: &Process) -> String {
    loop {
        let line = process.says("");
        if ["owned ", "attached ", "fault "].iter().any(|word| line.starts_with(word)) {
            return line;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_owner_is_killed_one_of_those_who_watch_takes_over() {
    let program = Program::new();
    let mut owner = Process::start(&mut other(&program));
    owner.says("owned ");
    let watching: Vec<Home> = (0..4).map(|_| home(&program.data_dir())).collect();
    for home in &watching {
        assert!(!home.door().await.unwrap().owned);
    }
    owner.kill();
    let opened = futures::future::join_all(watching.iter().map(Home::door)).await;
    let owned = opened.iter().filter(|opened| opened.as_ref().unwrap().owned).count();
    assert_eq!(owned, 1, "one owns, the others attach to it");
    for opened in opened {
        assert_eq!(opened.unwrap().door.status().await.unwrap().pid, std::process::id());
    }
    for home in watching {
        home.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_hangs_is_named() {
    let program = Program::new();
    let owner = Process::start(&mut other(&program));
    owner.says("owned ");
    let pid = owner.child.id();
    let of_owner = Pid::from_raw(pid as i32).unwrap();
    rustix::process::kill_process(of_owner, Signal::STOP).unwrap();
    let start = Instant::now();
    let fault = home(&program.data_dir()).door().await.err().unwrap();
    assert_eq!(fault.code, Code::Unavailable);
    assert!(fault.message.ends_with(" is in use"), "{fault:?}");
    assert!(fault.hint.unwrap().contains(&format!("pid {pid}")));
    let waited = start.elapsed();
    assert!(waited >= DOOR_PATIENCE && waited < DOOR_PATIENCE + Duration::from_secs(5), "{waited:?}");
    rustix::process::kill_process(of_owner, Signal::CONT).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_text_of_the_lock_is_only_text() {
    let program = Program::new();
    let data_dir = program.data_dir();
    fs::create_dir_all(&data_dir).unwrap();
    fs::write(data_dir.join("lock"), "pid 1\nsocket /nowhere/hub.sock\n\0junk").unwrap();
    // A socket at which nobody answers, where the hub's own will be.
    drop(std::os::unix::net::UnixListener::bind(data_dir.join("hub.sock")).unwrap());
    let here = home(&data_dir);
    assert!(here.door().await.unwrap().owned, "a dead owner's pid means nothing");
    assert_eq!(fs::metadata(&data_dir).unwrap().mode() & 0o777, 0o700);

    // Without the text, the next one looks where the socket may be.
    fs::write(data_dir.join("lock"), "").unwrap();
    let there = home(&data_dir);
    assert!(!there.door().await.unwrap().owned);
    // Without the file, too.
    fs::remove_file(data_dir.join("lock")).unwrap();
    assert!(!home(&data_dir).door().await.unwrap().owned);
    here.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_gives_everything_back() {
    let program = Program::new();
    let data_dir = program.data_dir();
    let first = home(&data_dir);
    let opened = first.door().await.unwrap();
    save(&*opened.door, "one").await;
    let watcher = home(&data_dir).door().await.unwrap();
    let socket = PathBuf::from(watcher.door.status().await.unwrap().socket.unwrap());
    first.close().await;
    assert!(!socket.exists());
    assert_eq!(fs::read_to_string(data_dir.join("lock")).unwrap(), "");
    assert_eq!(first.door().await.err().unwrap().code, Code::Unavailable, "closed is closed");
    first.close().await;
    let second = home(&data_dir);
    let opened = second.door().await.unwrap();
    assert!(opened.owned);
    assert_eq!(contents(&*opened.door).await, ["one"]);
    second.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_question_leaves_no_lock_without_a_hub() {
    let program = Program::new();
    let here = home(&program.data_dir());
    for _ in 0..3 {
        let asked = tokio::time::timeout(Duration::ZERO, here.door()).await;
        assert!(asked.is_err() || asked.is_ok_and(|opened| opened.is_ok_and(|opened| opened.owned)));
    }
    assert!(here.door().await.unwrap().owned);
    here.close().await;
    let next = home(&program.data_dir());
    assert!(next.door().await.unwrap().owned);
    next.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_too_long_for_a_socket_has_its_socket_elsewhere() {
    let program = Program::new();
    let data_dir = program.dir.path().join("x".repeat(100)).join("y".repeat(100));
    let here = home(&data_dir);
    let opened = here.door().await.unwrap();
    let socket = opened.door.status().await.unwrap().socket.unwrap();
    assert!(socket.len() <= 107 && socket.contains("/wheelhouse"), "{socket}");
    assert!(!home(&data_dir).door().await.unwrap().owned);
    here.close().await;
}

#[tokio::test]
async fn a_directory_one_may_not_use_says_so() {
    let program = Program::new();
    let taken = program.work_dir().join("file");
    fs::write(&taken, "").unwrap();
    let fault = home(&taken.join("data")).door().await.err().unwrap();
    assert!(fault.message.starts_with("there can be no data directory at "), "{fault:?}");
    assert!(fault.cause.is_some() && fault.hint.is_some_and(|hint| hint.contains("--data-dir")));

    let closed = program.work_dir().join("closed");
    fs::create_dir(&closed).unwrap();
    if rustix::process::geteuid().is_root() {
        // Root may write anywhere, but not own what is another's.
        std::os::unix::fs::chown(&closed, Some(1), Some(1)).unwrap();
    } else {
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    }
    let fault = home(&closed).door().await.err().unwrap();
    assert_eq!(fault.code, Code::Denied, "{fault:?}");
    assert!(fault.cause.is_some() && fault.hint.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_the_owner_closes_waits_and_owns() {
    let program = Program::new();
    let first = home(&program.data_dir());
    let opened = first.door().await.unwrap();
    save(&*opened.door, "before").await;
    drop(opened);
    let next = home(&program.data_dir());
    let (opened, _) = tokio::join!(next.door(), first.close());
    // It attached to the one that was going, or owns already; asked again, it owns.
    drop(opened.unwrap());
    let opened = until("a door of its own", || async {
        let opened = next.door().await.unwrap();
        opened.owned.then_some(opened)
    })
    .await;
    assert_eq!(contents(&*opened.door).await, ["before"]);
    next.close().await;
}

/// Each may attach to one that is just closing.
#[test]
fn many_verbs_at_once_all_do_their_work() {
    let program = Program::new();
    let started: Vec<_> = (0..8)
        .map(|n| {
            let mut command = program.command(&["add", &format!("said by {n}"), "--json"]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for process in started {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut kept = runtime.block_on(async {
        let here = home(&program.data_dir());
        let kept = contents(&*here.door().await.unwrap().door).await;
        here.close().await;
        kept
    });
    kept.sort();
    assert_eq!(kept, (0..8).map(|n| format!("said by {n}")).collect::<Vec<_>>());
}
