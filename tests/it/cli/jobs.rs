//! The verbs about jobs, and `health`.

use std::{fs, process::Output};

use serde::Serialize;
use serde_json::{Value, json};
use wheelhouse::{
    door::{Door, JobRef, Jobs, RunsRequest, WhichRuns},
    home::local_caller,
    remote::Remote,
    tasks::Clock,
};

use super::{document, documents, fails, settings};
use crate::harness::{Process, Program, text, until_blocking};

const JOBS: &str = r#"
[[job]]
slug = "greet"
title = "Say hello"
kind = { command = ["sh", "-c", "echo hello; echo oh >&2"] }

[[job]]
slug = "fails"
kind = { command = ["sh", "-c", "echo before; exit 64"] }

[[job]]
slug = "waits"
kind = { command = ["sh", "-c", "echo begun; exec sleep 600"] }
timeout = "1h"

[[job]]
slug = "nightly"
project = "team"
schedule = { cron = "30 2 * * *", zone = "Europe/Berlin" }
kind = { command = ["true"] }
overlap = "queue_all"
"#;

/// A home whose hub may start programs, with these jobs.
fn with_jobs() -> Program {
    let program = Program::new();
    let config = program.dir.path().join("home/.config/wheelhouse");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "jobs_commands = true\n").unwrap();
    fs::write(program.work_dir().join("jobs.toml"), JOBS).unwrap();
    let defined = document(&program, &["jobs", "define", "jobs.toml", "--json"]);
    assert_eq!(defined["jobs"].as_array().unwrap().len(), 4, "{defined}");
    program
}

/// Keeps a hub for as long as it lives.
fn owner(program: &Program) -> Process {
    let mut tail = program.command(&["events", "tail", "-f", "-n", "1", "*.job.*"]);
    let owner = Process::start(tail.stderr(std::process::Stdio::null()));
    let pid = json!(owner.child.id());
    until_blocking("the hub's owner", || {
        (document(program, &["status", "--json"])["pid"] == pid).then_some(())
    });
    owner
}

#[track_caller]
fn printed<T: Serialize>(program: &Program, args: &[&str], answer: &T) {
    let expected = serde_json::to_string(answer).unwrap();
    assert_eq!(program.prints(&[args, &["--json"]].concat()), format!("{expected}\n"), "{args:?}");
}

#[test]
fn job_files_are_checked_without_a_hub() {
    let program = Program::new();
    let write = |name: &str, text: &str| fs::write(program.work_dir().join(name), text).unwrap();
    write("good.toml", JOBS);
    write("bad.toml", "slug = \"a\"\nkind.builtin = \"b\"\nretri = {}\n");
    assert_eq!(
        program.prints(&["jobs", "validate", "good.toml"]),
        "good.toml: 4 jobs, nothing to complain about\n"
    );
    let Output { status, stdout, stderr } = program.run(&["jobs", "validate", "good.toml", "bad.toml", "-q"]);
    assert_eq!(status.code(), Some(2));
    assert_eq!(text(&stdout), "bad.toml:3: unknown field \"retri\"; did you mean \"retry\"?\n");
    assert!(text(&stderr).starts_with("error: 1 mistake\n"), "{}", text(&stderr));
    let Output { stdout, .. } = program.run(&["jobs", "validate", "good.toml", "bad.toml", "--json"]);
    let said: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(said["files"][0]["jobs"], json!(["greet", "fails", "waits", "nightly"]));
    assert_eq!(said["files"][1]["notes"][0]["line"], json!(3));
    assert_eq!(fails(&program, &["jobs", "validate", "none.toml"]).0, 2);
    assert!(!program.data_dir().exists(), "none of this opens a hub");
    let (status, said) = fails(&program, &["jobs", "define", "bad.toml"]);
    assert_eq!(status, 2);
    assert!(said.contains("bad.toml:3: unknown field \"retri\""), "{said}");
}

#[test]
fn a_run_is_waited_for_where_the_hub_is_this_command() {
    let program = with_jobs();
    let ran = program.run(&["jobs", "run", "greet", "--no-wait", "--quiet"]);
    let (out, err) = (text(&ran.stdout), text(&ran.stderr));
    assert!(ran.status.success(), "{out}{err}");
    assert!(out.contains("  hello\n") && out.contains("! oh\n"), "{out}");
    let run = document(&program, &["jobs", "run", "greet", "--json"]);
    assert_eq!(
        (&run["slug"], &run["state"], &run["trigger"]),
        (&json!("greet"), &json!("succeeded"), &json!("manual"))
    );
    let id = run["id"].as_str().unwrap();
    let lines = documents(&program, &["jobs", "logs", id, "--json"]);
    let said = |stream: &str| -> Vec<&str> {
        let of = lines.iter().filter(|line| line["stream"] == stream);
        of.map(|line| line["text"].as_str().unwrap()).collect()
    };
    assert_eq!((said("out"), said("err")), (vec!["hello"], vec!["oh"]));
    // By its last digits, by its job, its last line alone.
    let short = &id.replace('-', "")[24..];
    for named in [short, "greet"] {
        assert_eq!(documents(&program, &["jobs", "logs", named, "--json"]), lines, "{named}");
    }
    assert_eq!(documents(&program, &["jobs", "logs", id, "-n", "1", "--json"]), lines[lines.len() - 1..]);
    assert_eq!(documents(&program, &["jobs", "logs", id, "-f", "--json"]), lines, "it has ended");

    let (status, said) = {
        let ran = program.run(&["jobs", "run", "fails", "--quiet"]);
        assert!(text(&ran.stdout).contains("before\n"));
        (ran.status.code(), text(&ran.stderr))
    };
    assert_eq!(status, Some(1));
    assert!(
        said.starts_with("error: run ") && said.contains("of fails failed: it ended with status 64"),
        "{said}"
    );
    let dead = document(&program, &["jobs", "dead", "--json"]);
    assert_eq!(dead["items"].as_array().unwrap().len(), 1);
    assert_eq!(dead["items"][0]["slug"], json!("fails"));
    let dead = dead["items"][0]["id"].as_str().unwrap();
    let again = program.run(&["jobs", "retry", "fails", "--json"]);
    let tried: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((again.status.code(), &tried["retry_of"]), (Some(1), &json!(dead)));
    assert_eq!(document(&program, &["jobs", "dismiss", "fails", "--json"])["state"], json!("failed"));
    assert_eq!(document(&program, &["jobs", "dead", "--json"])["items"], json!([]));
    assert_eq!(fails(&program, &["jobs", "dismiss", "fails"]).0, 6);
    assert_eq!(document(&program, &["fsck", "--json"])["damage"], json!([]));
}

#[test]
fn a_job_is_held_back_switched_off_and_filled_up() {
    let program = with_jobs();
    let job = |args: &[&str]| document(&program, &[&["jobs"], args, &["--json"]].concat());
    let paused = job(&["pause", "nightly", "--reason", "moving", "--until", "2h"]);
    assert_eq!((&paused["paused"]["reason"], &paused["next"]), (&json!("moving"), &Value::Null));
    assert!(paused["paused"]["until"].is_string());
    assert_eq!(job(&["resume", "nightly"])["paused"], Value::Null);
    assert_eq!(job(&["disable", "nightly"])["enabled"], json!(false));
    assert_eq!(job(&["enable", "nightly"])["enabled"], json!(true));
    let next = job(&["next", "nightly", "-n", "2", "--after", "2027-03-27T00:00:00Z"]);
    assert_eq!(next["slots"], json!(["2027-03-27T01:30:00.000Z", "2027-03-28T01:00:00.000Z"]));
    assert_eq!(job(&["next", "greet"])["slots"], json!([]));
    let filled =
        job(&["backfill", "nightly", "--after", "2026-01-01T00:00:00Z", "--until", "2026-01-03T00:00:00Z"]);
    let runs = filled["runs"].as_array().unwrap();
    let said: Vec<(&Value, &Value)> = runs.iter().map(|run| (&run["slot"], &run["state"])).collect();
    assert_eq!(
        said,
        [
            (&json!("at:2026-01-01T01:30:00.000Z"), &json!("succeeded")),
            (&json!("at:2026-01-02T01:30:00.000Z"), &json!("succeeded"))
        ]
    );
    assert_eq!(job(&["runs", "nightly", "-n", "1"])["items"].as_array().unwrap().len(), 1);
    assert_eq!(job(&["show", "nightly"])["recent"].as_array().unwrap().len(), 2);
    assert_eq!(
        job(&["ls"])["jobs"].as_array().unwrap().iter().filter(|job| job["project"] == "team").count(),
        1
    );
    // A project named is a wall.
    let walled = job(&["ls", "--project", "team"]);
    let slugs: Vec<&Value> = walled["jobs"].as_array().unwrap().iter().map(|job| &job["slug"]).collect();
    assert_eq!(slugs, ["nightly"]);
    assert_eq!(fails(&program, &["jobs", "show", "greet", "--project", "team"]).0, 3);
}

#[test]
fn what_is_wrong_says_so_and_what_was_meant() {
    let program = with_jobs();
    for (args, status, says) in [
        (&["jobs", "show", "greeet"][..], 3, "did you mean greet?"),
        (&["jobs", "run", "zeppelin"], 3, "no job zeppelin"),
        (&["jobs", "logs", "greet"], 6, "greet has not run yet"),
        (&["jobs", "cancel", "greet"], 6, "greet has no run now"),
        (&["jobs", "retry", "greet"], 6, "greet has no dead letter"),
        (&["jobs", "logs", "deadbeef"], 3, "no run has an id ending so"),
        (&["jobs", "cancel", "01900000-0000-7000-8000-000000000000"], 3, "no run 01900000"),
        (&["jobs", "pause", "greet", "--until", "soon"], 2, "--until cannot be \"soon\""),
        (&["jobs", "next", "greet", "-n", "0"], 2, "-n goes from 1 to 100"),
        (&["jobs", "runs", "-n", "501"], 2, "--limit goes from 1 to 500"),
        (&["jobs", "backfill", "nightly", "--after", "soon"], 2, "--after cannot be \"soon\""),
        (&["jobs", "show", ""], 2, "a job is named by"),
        (&["jobs", "psychic"], 2, "unrecognized subcommand"),
        (&["health", "dsk"], 3, "did you mean \"disk\"?"),
    ] {
        let (found, said) = fails(&program, args);
        assert_eq!(found, status, "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_hub_is_asked_and_its_answers_are_printed() {
    let program = with_jobs();
    let owner = owner(&program);
    let socket = document(&program, &["status", "--json"])["socket"].as_str().unwrap().to_owned();
    let door = Remote::new(socket.as_ref()).unwrap();
    let caller = local_caller(&Clock::system());
    let slug = |name: &str| JobRef::Slug(name.to_owned());

    // Not waited for, unless asked to: nobody looks on.
    let begun = document(&program, &["jobs", "run", "waits", "--json"]);
    let id = begun["id"].as_str().unwrap().to_owned();
    let mut follower = Process::start(&mut program.command(&["jobs", "logs", "waits", "-f", "--json"]));
    let line: Value = serde_json::from_str(&follower.says("")).unwrap();
    assert_eq!(line["text"], json!("begun"));
    let live = RunsRequest { which: WhichRuns::Live, limit: 20, ..RunsRequest::default() };
    printed(&program, &["jobs", "runs", "--live"], &door.runs(&caller, live).await.unwrap());
    printed(&program, &["jobs", "show", "waits"], &door.job(&caller, slug("waits")).await.unwrap());
    let state = document(&program, &["jobs", "show", "waits", "--json"])["recent"][0]["state"].clone();
    assert_eq!(state, json!("running"));
    program.prints(&["jobs", "cancel", "waits"]);
    let ended = until_blocking("the end of who follows", || follower.child.try_wait().unwrap());
    assert!(ended.success(), "it ends with the run");
    assert_eq!(
        document(&program, &["jobs", "runs", "waits", "--json"])["items"][0]["state"],
        json!("cancelled")
    );

    let waited = program.run(&["jobs", "run", "fails", "--wait", "-q"]);
    assert_eq!(waited.status.code(), Some(1));
    printed(&program, &["jobs"], &json!({ "jobs": door.jobs(&caller).await.unwrap() }));
    let slots =
        door.next_slots(&caller, slug("nightly"), 3, Some("2027-01-01".parse().unwrap())).await.unwrap();
    let next = ["jobs", "next", "nightly", "-n", "3", "--after", "2027-01-01T00:00:00Z"];
    printed(&program, &next, &json!({ "slots": slots }));
    let dead = RunsRequest { which: WhichRuns::Dead, limit: 20, ..RunsRequest::default() };
    printed(&program, &["jobs", "dead"], &door.runs(&caller, dead).await.unwrap());
    let log = door.run_log(&caller, id.parse().unwrap(), 0, 0).await.unwrap();
    let lines: Vec<Value> = log.lines.iter().map(|line| serde_json::to_value(line).unwrap()).collect();
    assert_eq!(documents(&program, &["jobs", "logs", &id, "--json"]), lines);
    assert_eq!(door.status().await.unwrap().pid, owner.child.id());
}

#[test]
fn ctrl_c_takes_the_run_with_the_hub_of_this_command() {
    let program = with_jobs();
    let mut runs = Process::start(&mut program.command(&["jobs", "run", "waits", "-q"]));
    runs.says("");
    let pid = rustix::process::Pid::from_raw(runs.child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = until_blocking("the end of the verb", || runs.child.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
    let newest = document(&program, &["jobs", "runs", "waits", "--json"])["items"][0].clone();
    assert_eq!(newest["state"], json!("cancelled"), "{newest}");
}

#[test]
fn health_is_said_part_by_part() {
    let program = Program::new();
    let health = document(&program, &["health", "--json"]);
    for name in ["status", "components", "version", "hub", "timestamp", "latencies", "breakers"] {
        assert!(!health[name].is_null(), "{name} in {health}");
    }
    assert_ne!(health["status"], json!("unhealthy"), "{health}");
    let log = document(&program, &["health", "log", "--json"]);
    assert_eq!(log["status"], health["components"]["log"]["status"]);
    let said = program.prints(&["health", "--color", "never"]);
    for name in health["components"].as_object().unwrap().keys() {
        assert!(said.lines().any(|line| line.starts_with(name.as_str())), "{name} in {said}");
    }
    assert!(said.contains("\nmemory "), "{said}");
    assert!(program.prints(&["health", "log"]).starts_with("log  up\n"));
}

#[test]
fn what_people_read_of_jobs() {
    let program = with_jobs();
    let said = |args: &[&str]| {
        let output = program.run(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        format!("$ wheelhouse {}\n{out}{err}[{}]\n\n", args.join(" "), output.status.code().unwrap())
    };
    let all: String = [
        &["jobs", "define", "jobs.toml"][..],
        &["jobs", "run", "greet"],
        &["jobs", "run", "fails"],
        &["jobs", "run", "greet", "--color", "always"],
        &["jobs", "ls", "--project", "team"],
        &["jobs", "runs"],
        &["jobs", "dead"],
        &["jobs", "pause", "greet", "--reason", "the disk is being moved"],
        &["jobs", "show", "greet"],
        &["jobs", "resume", "greet"],
        &["jobs", "disable", "nightly"],
        &["jobs", "next", "nightly", "-n", "2", "--after", "2027-03-27T00:00:00Z"],
        &["jobs", "next", "greet"],
        &["jobs", "logs", "fails"],
        &["jobs", "retry", "fails"],
        &["jobs", "dismiss", "fails"],
        &["jobs", "backfill", "nightly", "--after", "2026-01-01", "--until", "2026-01-02"],
        &["jobs", "cancel", "greet"],
        &["jobs", "show", "greeet"],
    ]
    .into_iter()
    .map(said)
    .collect();
    let mut settings = settings(&program);
    settings.add_filter(r"\b\d\d:\d\d:\d\d\b", "[clock]");
    settings.add_filter(r"m\d\d:\d\d:\d\d", "m[clock]");
    settings.add_filter(r"\bin \d+ (s|min|h|d|w|mo)\b", "in [span]");
    settings.add_filter(r"\b[\d.]+ (ms|s)\b", "[span]");
    // Columns are as wide as what stands in them, and spans are not always as long.
    settings.add_filter(r" {2,}", "  ");
    settings.bind(|| insta::assert_snapshot!("jobs", all));
}
