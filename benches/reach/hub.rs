//! The hub of a measurement: the program, headless, in a directory of its own.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::super::append::bench_dir;

/// In which the kernel tells the time a process took, on every Linux.
const TICKS_PER_S: f64 = 100.0;
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub struct Hub {
    child: Child,
    pub at: SocketAddr,
    dir: TempDir,
}

impl Hub {
    pub fn start() -> Hub {
        Hub::start_in(bench_dir())
    }

    /// On the data that is there already.
    pub fn start_in(dir: TempDir) -> Hub {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wheelhouse"))
            .args(["--headless", "--json", "--listen", "127.0.0.1:0", "--no-auth", "--data-dir"])
            .arg(dir.path().join("data"))
            .env_clear()
            .env("HOME", dir.path())
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let url = said["listeners"][0]["url"].as_str().unwrap();
        let at = url.strip_prefix("http://").unwrap().parse().unwrap();
        Hub { child, at, dir }
    }

    /// The processor time that it took so far, in seconds.
    pub fn processor_s(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        // After the name, which may hold anything: the state is the third field, its times the 14th and 15th.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = |field: usize| fields[field - 3].parse::<f64>().unwrap();
        (ticks(14) + ticks(15)) / TICKS_PER_S
    }

    pub fn anonymous_kb(&self) -> u64 {
        of_status(self.child.id(), "RssAnon:")
    }

    /// Looks at it from now on.
    pub fn watch(&self) -> Watch {
        let (pid, peaks) = (self.child.id(), Arc::new(Peaks::default()));
        let seen = peaks.clone();
        let thread = std::thread::spawn(move || {
            while !seen.over.load(Ordering::Relaxed) {
                seen.anonymous_kb.fetch_max(of_status(pid, "RssAnon:"), Ordering::Relaxed);
                seen.threads.fetch_max(of_status(pid, "Threads:"), Ordering::Relaxed);
                std::thread::sleep(LOOK_EVERY);
            }
        });
        Watch { peaks, thread }
    }

    /// Told to end and gone; its directory is left.
    pub fn stop(mut self) -> TempDir {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.dir
    }
}

#[derive(Default)]
struct Peaks {
    over: AtomicBool,
    anonymous_kb: AtomicU64,
    threads: AtomicU64,
}

/// Looks at a hub while it lives.
pub struct Watch {
    peaks: Arc<Peaks>,
    thread: std::thread::JoinHandle<()>,
}

impl Watch {
    /// The most anonymous memory in MB, and the most threads.
    pub fn end(self) -> (u64, u64) {
        self.peaks.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        (self.peaks.anonymous_kb.load(Ordering::Relaxed) / 1_024, self.peaks.threads.load(Ordering::Relaxed))
    }
}

fn of_status(pid: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.map_or(0, |line| line.split_whitespace().next().unwrap().parse().unwrap())
}
