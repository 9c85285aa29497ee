//! The hub without a console: started, found by every face, told to read its settings again, and ended by signals.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    os::unix::net::{UnixDatagram, UnixStream},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{PATIENCE, Program, until_blocking};

/// A daemon of a test: killed when it goes out of sight.
pub struct Daemon {
    child: Child,
    /// What it said of itself when it was there.
    pub said: Value,
}

impl Daemon {
    pub fn start(program: &Program, arguments: &[&str]) -> Daemon {
        Daemon::run(program.command(&["--headless", "--json"]).args(arguments))
    }

    /// Returns when it answers.
    pub fn run(command: &mut Command) -> Daemon {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            let mut why = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut why).unwrap();
            child.wait().unwrap();
            panic!("the daemon did not start: {why}");
        }
        Daemon { child, said: serde_json::from_str(&line).unwrap() }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id() as i32).unwrap(), signal).unwrap();
    }

    /// The next line of its standard error.
    pub fn complains(&mut self) -> String {
        let mut line = Vec::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        let mut byte = [0];
        while stderr.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap()
    }

    pub fn ended(mut self) -> ExitStatus {
        until_blocking("the end of the daemon", || self.child.try_wait().unwrap())
    }

    /// How it ends, and what it had said on its standard error that nobody read.
    pub fn ends_saying(mut self, signal: Signal) -> (ExitStatus, String) {
        self.signal(signal);
        let status = until_blocking("the end of the daemon", || self.child.try_wait().unwrap());
        let mut said = String::new();
        self.child.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
        (status, said)
    }

    pub fn ends_by(self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        self.ended()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

/// An answer without an end of its own: read until it has this in it.
fn read_until(stream: &mut UnixStream, wanted: &str) -> String {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut seen, mut bytes) = (String::new(), [0; 4_096]);
    while !seen.contains(wanted) {
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "it ended without {wanted:?}: {seen}");
        seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    seen
}

#[test]
fn a_daemon_serves_until_it_is_told_to_end() {
    let program = Program::new();
    let daemon = Daemon::start(&program, &[]);
    program.prints(&["add", "said to the daemon"]);
    assert!(program.prints(&["search", "daemon"]).contains("said to the daemon"));
    let socket = daemon.said["socket"].as_str().unwrap().to_owned();
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"GET /api/v1/events/stream HTTP/1.1\r\nhost: hub\r\n\r\n").unwrap();
    read_until(&mut stream, "event: caught_up");
    daemon.signal(Signal::TERM);
    let bye = read_until(&mut stream, "event: bye");
    let bye = if bye.contains("\"cursor\"") { bye } else { bye + &read_until(&mut stream, "\"cursor\"") };
    assert!(bye.contains("the hub is closing"), "{bye}");
    assert_eq!(daemon.ended().code(), Some(0));
    assert!(!fs::exists(&socket).unwrap());
    let told = program.prints(&["events", "tail", "-n", "50"]);
    assert!(told.contains("hub.started") && told.contains("hub.stopped"), "{told}");
}

#[test]
fn a_second_one_says_who_owns_the_directory() {
    let program = Program::new();
    let daemon = Daemon::start(&program, &[]);
    let second = program.run(&["--headless"]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(6), "{said}");
    assert!(said.contains(&format!("process {}", daemon.pid())), "{said}");
    assert_eq!(program.run(&["--headless", "status"]).status.code(), Some(2));
    assert_eq!(daemon.ends_by(Signal::INT).code(), Some(0));
}

#[test]
fn settings_are_read_again() {
    let program = Program::new();
    let config = program.dir.path().join("home/.config/wheelhouse/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let mut daemon = Daemon::start(&program, &[]);
    for (settings, said) in [
        (
            "zone = \"Asia/Tokyo\"\nhub_name = \"other\"\n",
            "the settings were read again; in force now: zone; waits for a restart: hub_name",
        ),
        ("zone = \"Asia/Tokyo\"\n", "the settings were read again: nothing of the hub's changed"),
        ("zone = 3\n", "warning: the settings stay as they were"),
    ] {
        fs::write(&config, settings).unwrap();
        daemon.signal(Signal::HUP);
        let complaint = daemon.complains();
        assert!(complaint.starts_with(said), "{complaint}");
    }
    assert_eq!(daemon.ends_by(Signal::TERM).code(), Some(0));
}

#[test]
fn a_service_manager_hears_of_its_life() {
    let program = Program::new();
    let path = program.dir.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let heard = |beginning: &str| {
        let mut bytes = [0; 1_024];
        loop {
            let count = manager.recv(&mut bytes).unwrap();
            let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
            if text.starts_with(beginning) {
                return text;
            }
        }
    };
    let mut command = program.command(&["--headless", "--json"]);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", Duration::from_secs(1).as_micros().to_string());
    let daemon = Daemon::run(&mut command);
    assert!(heard("READY=1").contains("STATUS="));
    heard("WATCHDOG=1");
    heard("WATCHDOG=1");
    daemon.signal(Signal::HUP);
    heard("RELOADING=1");
    heard("READY=1");
    daemon.signal(Signal::TERM);
    heard("STOPPING=1");
    assert_eq!(daemon.ended().code(), Some(0));
}

#[test]
fn the_log_is_written_as_objects_where_that_is_wanted() {
    let program = Program::new();
    let config = program.dir.path().join("home/.config/wheelhouse/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "log_format = \"json\"\n").unwrap();
    // As under a service manager: what it says goes to the journal too.
    let daemon = Daemon::run(program.command(&["--headless", "--json"]).env("JOURNAL_STREAM", "8:9"));
    daemon.signal(Signal::TERM);
    let mut daemon = daemon;
    let line: Value = serde_json::from_str(&daemon.complains()).unwrap();
    assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
    assert_eq!(daemon.ended().code(), Some(0));
    let log = fs::read_dir(program.data_dir().join("logs")).unwrap().next().unwrap().unwrap().path();
    let log = fs::read_to_string(log).unwrap();
    assert!(log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{log}");
    assert!(log.contains("told to end"), "{log}");
}
