//! What every test here stands on: a hub in a directory of its own with a clock that stands still, the same hub
//! through its socket, and the program with a home of its own.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    fs,
    future::Future,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, atomic::AtomicU32},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::UnixListener;
use wheelhouse::{
    api,
    door::{Caller, Door, NewMemory},
    home::local_caller,
    hub::{Hub, HubOptions, JobOptions},
    model::{Actor, EventDraft, Id, Projects, Severity, Time},
    remote::Remote,
    store::Retention,
    tasks::{Clock, Tasks},
};

/// What a condition may take on a busy machine before its test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

/// The moment at which every fixed clock stands first.
pub const NOW: &str = "2026-11-21T10:00:00Z";

pub fn clock() -> Clock {
    Clock::fixed(NOW.parse::<Time>().unwrap())
}

/// Waits until the condition holds; `what` is told when it does not come to.
#[track_caller]
pub fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    let place = std::panic::Location::caller();
    let what = what.to_owned();
    async move {
        let start = Instant::now();
        loop {
            if let Some(found) = condition().await {
                return found;
            }
            assert!(start.elapsed() < PATIENCE, "{what} did not come, at {place}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// As [`until`], for a test without a runtime.
#[track_caller]
pub fn until_blocking<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        std::thread::sleep(PAUSE);
    }
}

/// What a hub is for, beside its directory and clock.
#[derive(Debug, Clone, Default)]
pub struct HouseOptions {
    /// It stays, as a console's does, rather than being there for a single command.
    pub announce: bool,
    pub jobs: JobOptions,
    /// How long its clients may take.
    pub patience: api::Patience,
}

/// A hub in a temporary directory, served on a socket beside it.
pub struct House {
    pub clock: Clock,
    pub hub: Arc<Hub>,
    /// The hub itself.
    pub door: Arc<dyn Door>,
    /// The same hub through its socket.
    pub remote: Arc<Remote>,
    pub socket: PathBuf,
    pub attached: Arc<AtomicU32>,
    serving: Tasks,
    /// Last, so that it goes after all that is in it.
    pub dir: TempDir,
}

impl House {
    pub async fn open() -> House {
        House::open_in(tempfile::tempdir().unwrap(), clock()).await
    }

    pub async fn open_in(dir: TempDir, clock: Clock) -> House {
        House::open_with(dir, clock, HouseOptions::default()).await
    }

    /// One whose jobs may start programs.
    pub async fn with_commands() -> House {
        let jobs = JobOptions { commands: true, ..JobOptions::default() };
        let of = HouseOptions { jobs, ..HouseOptions::default() };
        House::open_with(tempfile::tempdir().unwrap(), clock(), of).await
    }

    pub async fn open_with(dir: TempDir, clock: Clock, of: HouseOptions) -> House {
        let data_dir = dir.path().join("data");
        fs::create_dir_all(&data_dir).unwrap();
        let attached = Arc::<AtomicU32>::default();
        let options = HubOptions {
            name: "house".into(),
            clock: clock.clone(),
            socket: None,
            listeners: vec![],
            attached: attached.clone(),
            segment_bytes: None,
            retention: Retention::default(),
            sampling: Default::default(),
            announce: of.announce,
            jobs: of.jobs,
        };
        let hub = Hub::start(&data_dir, options).unwrap();
        let door = hub.door();
        let socket = dir.path().join("hub.sock");
        let serving = Tasks::new();
        // Of the hub before, where this directory had one.
        if socket.exists() {
            fs::remove_file(&socket).unwrap();
        }
        let listener = UnixListener::bind(&socket).unwrap();
        let token = serving.token();
        let listeners = api::Listeners { patience: of.patience, ..listener.into() };
        serving.spawn(api::serve(listeners, door.clone(), clock.clone(), attached.clone(), token));
        let remote = Arc::new(Remote::new(&socket).unwrap());
        House { clock, hub, door, remote, socket, attached, serving, dir }
    }

    /// A fresh request of this machine's user.
    pub fn caller(&self) -> Caller {
        local_caller(&self.clock)
    }

    /// The same, behind a wall.
    pub fn caller_in(&self, projects: Projects) -> Caller {
        Caller { projects, ..self.caller() }
    }

    /// Both doors, to run one list of checks over.
    pub fn doors(&self) -> [(&'static str, Arc<dyn Door>); 2] {
        [("the hub", self.door.clone()), ("its socket", self.remote.clone())]
    }

    pub async fn stop_serving(&self) -> bool {
        self.serving.end(PATIENCE).await
    }

    /// Closes in the order of an owner; gives the directory back, to be opened again.
    pub async fn close(self) -> TempDir {
        assert!(self.serving.end(PATIENCE).await, "the surface ended");
        self.hub.close().await;
        self.dir
    }
}

/// What is told of a memory that is saved, where it does not matter.
pub fn memory_saved(id: Id) -> EventDraft {
    EventDraft {
        id,
        kind: "memory.saved".into(),
        subject: "_.memory.saved".parse().unwrap(),
        time: Time::from_unix_ms(5),
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::Info,
        sampled_rate: None,
        data: serde_json::Map::new(),
    }
}

/// A memory with this text.
pub fn note(content: &str) -> NewMemory {
    NewMemory { content: content.into(), ..NewMemory::default() }
}

/// The program, with a home, a data directory and an environment of its own.
pub struct Program {
    pub dir: TempDir,
}

impl Program {
    pub fn new() -> Program {
        let dir = tempfile::tempdir().unwrap();
        for part in ["home", "run", "work"] {
            fs::create_dir(dir.path().join(part)).unwrap();
        }
        Program { dir }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("home/.local/share/wheelhouse")
    }

    pub fn work_dir(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// The program with these arguments, not started yet.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.around(Path::new(env!("CARGO_BIN_EXE_wheelhouse")));
        command.args(args);
        command
    }

    /// Any program in this home.
    pub fn around(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "LLVM_PROFILE_FILE"))
            .env("HOME", self.dir.path().join("home"))
            .env("XDG_RUNTIME_DIR", self.dir.path().join("run"))
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .current_dir(self.work_dir());
        command
    }

    /// Runs it to its end without input.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs it to its end, which has to be a good one, and gives what it printed.
    #[track_caller]
    pub fn prints(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{args:?} ended with {}\n{out}\n{err}", output.status);
        out
    }
}

impl Drop for Program {
    /// A hub that was started to outlive its face ends with its test.
    fn drop(&mut self) {
        let Ok(lock) = fs::read_to_string(self.data_dir().join("lock")) else { return };
        let pid = lock.lines().find_map(|line| line.strip_prefix("pid ")).and_then(|pid| pid.parse().ok());
        let told = |pid: i32| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if let Some(pid) = pid.filter(|pid| told(*pid).contains("--idle-exit")) {
            // It may just have ended.
            kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).ok();
        }
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A process of a test: killed when it goes out of sight.
pub struct Process {
    pub child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Process {
    /// Starts it, its output read line by line.
    pub fn start(command: &mut Command) -> Process {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Process { child, lines }
    }

    /// The next line that begins so, without that beginning.
    #[track_caller]
    pub fn says(&self, beginning: &str) -> String {
        let start = Instant::now();
        while let Some(left) = PATIENCE.checked_sub(start.elapsed()) {
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    if let Some(rest) = line.strip_prefix(beginning) {
                        return rest.to_owned();
                    }
                }
                Err(_) => break,
            }
        }
        panic!("the process did not say {beginning:?}");
    }

    /// Ends its input and waits for it.
    pub fn end(mut self) -> std::process::ExitStatus {
        drop(self.child.stdin.take());
        until_blocking("the end of a process", || self.child.try_wait().unwrap())
    }

    /// SIGKILL, now.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.kill();
        }
    }
}
