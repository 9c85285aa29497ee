//! A hub that goes on without the face that owned it, and ends when nobody needs it.

use std::{
    io::{Read, Write},
    process::Stdio,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    daemon::Daemon,
    harness::{Process, Program, until_blocking},
};

fn status(program: &Program) -> Value {
    serde_json::from_str(&program.prints(&["status", "--json"])).unwrap()
}

/// Every event up to the one that tells of this title, each of them once and in order.
#[track_caller]
fn told(tail: &Process, title: &str) -> Vec<String> {
    let (mut kinds, mut last) = (Vec::new(), None);
    loop {
        let event: Value = serde_json::from_str(&tail.says("")).unwrap();
        let sequence = event["sequence"].as_u64().unwrap();
        assert!(last.is_none_or(|last| last + 1 == sequence), "{sequence} came after {last:?}");
        last = Some(sequence);
        kinds.push(event["type"].as_str().unwrap().to_owned());
        if event["data"]["title"] == title {
            return kinds;
        }
    }
}

#[test]
fn a_console_that_quits_while_others_are_attached_hands_over() {
    let program = Program::new();
    let mut command = program.command(&["--plain", "--listen", "127.0.0.1:0", "--no-auth"]);
    let mut console = Process::start(command.stderr(Stdio::piped()));
    console.says("State: live, everything works.");
    let owned = status(&program);
    assert_eq!(owned["pid"], console.child.id());
    let url = owned["listeners"][0]["url"].as_str().unwrap();
    let follow = ["events", "tail", "--follow", "--json"];
    let tails = [&follow[..], &[&["--hub", url][..], &follow[..]].concat()]
        .map(|arguments| Process::start(&mut program.command(arguments)));
    until_blocking("both attached", || (status(&program)["attached"] == 2).then_some(()));
    program.prints(&["add", "before"]);

    writeln!(console.child.stdin.as_mut().unwrap(), "quit").unwrap();
    let mut said = String::new();
    console.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(console.end().success(), "{said}");
    assert!(said.contains("2 faces were attached: the hub goes on as process "), "{said}");

    program.prints(&["add", "after"]);
    let handed = status(&program);
    assert_ne!(handed["pid"], owned["pid"]);
    assert_eq!(handed["listeners"], owned["listeners"], "where it was reached, it is");
    for tail in &tails {
        let kinds = told(tail, "after");
        let at = |kind: &str| kinds.iter().rposition(|told| told == kind);
        assert!(at("hub.handed_over").unwrap() < at("hub.started").unwrap(), "{kinds:?}");
        assert_eq!(at("hub.stopped"), None, "{kinds:?}");
    }
    assert!(program.prints(&["search", "before"]).contains("before"));
}

#[test]
fn a_console_that_nobody_watches_just_ends() {
    let program = Program::new();
    let mut command = program.command(&["--plain"]);
    let mut console = Process::start(&mut command);
    console.says("State: live, everything works.");
    writeln!(console.child.stdin.as_mut().unwrap(), "quit").unwrap();
    assert!(console.end().success());
    let kinds = program.prints(&["events", "query", "*.hub.>", "--json"]);
    assert!(kinds.contains("hub.stopped") && !kinds.contains("hub.handed_over"), "{kinds}");
    assert_eq!(program.run(&["--headless", "--idle-exit", "soon"]).status.code(), Some(2));
    assert_eq!(
        program.run(&["--idle-exit", "1m"]).status.code(),
        Some(2),
        "it is of a hub without a console"
    );
}

#[test]
fn a_hub_that_nobody_needs_ends_in_order() {
    let program = Program::new();
    let daemon = Daemon::start(&program, &["--idle-exit", "100ms"]);
    assert_eq!(daemon.ended().code(), Some(0));
    assert!(program.prints(&["events", "query", "*.hub.>", "--json"]).contains("hub.stopped"));
}

#[test]
fn runs_of_jobs_finish_before_a_hub_ends() {
    let program = Program::new();
    let config = program.dir.path().join("home/.config/wheelhouse/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(&config, "jobs_commands = true\n").unwrap();
    let daemon = Daemon::start(&program, &[]);
    // It ends when it may, which is after the hub was told to end.
    let may_end = program.dir.path().join("may end");
    let job = format!(
        "slug = \"slow\"\nkind.command = [\"sh\", \"-c\", \"until [ -e '{}' ]; do sleep 0.05; done\"]\n",
        may_end.display()
    );
    let file = program.dir.path().join("slow.toml");
    std::fs::write(&file, job).unwrap();
    program.prints(&["jobs", "define", file.to_str().unwrap()]);
    program.prints(&["jobs", "run", "slow"]);
    until_blocking("the run", || program.prints(&["jobs", "runs"]).contains("running").then_some(()));
    daemon.signal(Signal::TERM);
    let socket = daemon.said["socket"].as_str().unwrap().to_owned();
    until_blocking("the end of the surface", || {
        std::os::unix::net::UnixStream::connect(&socket).is_err().then_some(())
    });
    std::fs::write(may_end, "").unwrap();
    assert_eq!(daemon.ended().code(), Some(0));
    let runs = program.prints(&["jobs", "runs"]);
    assert!(runs.contains("succeeded") && !runs.contains("cancelled"), "{runs}");
}
