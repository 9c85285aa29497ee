//! The verbs about decisions.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{document, documents, fails, settings};
use crate::harness::{Program, text};

const RECORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/adr");

#[track_caller]
fn decide(program: &Program, title: &str, more: &[&str]) -> Value {
    document(program, &[&["decide", "--title", title, "--json"], more].concat())
}

#[track_caller]
fn numbers(program: &Program, args: &[&str]) -> Vec<String> {
    let listed = document(program, args);
    let decisions = listed["decisions"].as_array().unwrap();
    decisions.iter().map(|decision| decision["number"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_proposal_is_changed_until_it_is_settled() {
    let program = Program::new();
    assert_eq!(decide(&program, "Use a log", &["--tags", "a"])["status"], "proposed");
    let change = |flags: &[&str]| document(&program, &[&["decide", "D-1", "--json"], flags].concat());
    let changed =
        change(&["--option", "a log", "--choose", "a log", "--tags", "b", "--review-on", "2027-01-31"]);
    assert_eq!(
        (&changed["chosen_option"], &changed["tags"], &changed["review_on"], &changed["title"]),
        (&json!("a log"), &json!(["b"]), &json!("2027-01-31"), &json!("Use a log"))
    );
    let accepted = change(&["--status", "accepted", "--review-on", "none"]);
    assert_eq!((&accepted["status"], &accepted["review_on"]), (&json!("accepted"), &Value::Null));
    let (status, said) = fails(&program, &["decide", "D-1", "--title", "Use two logs"]);
    assert_eq!(status, 6, "{said}");
    assert!(said.contains("supersede"), "{said}");
    let (status, said) = fails(&program, &["decide", "D-1"]);
    assert_eq!(status, 2, "{said}");
    assert!(said.contains("nothing to change of D-0001"), "{said}");
    assert_eq!(fails(&program, &["decide", "D-9", "--status", "accepted"]).0, 3);
}

#[test]
fn what_is_decided_is_a_record() {
    let program = Program::new();
    let flags = [
        "--context",
        "We need a store.",
        "--option",
        "sled",
        "--pro",
        "Rust",
        "--con",
        "beta",
        "--option",
        "SQLite",
        "--choose",
        "SLED",
        "--rationale",
        "it is small",
        "--confidence",
        "0.8",
        "--tags",
        "a, b",
        "--review-on",
        "2027-01-31",
        "--type",
        "architecture",
        "--number",
        "D-0042",
    ];
    let record = decide(&program, "Use sled", &flags);
    assert_eq!(
        (&record["number"], &record["status"], &record["chosen_option"], &record["project"]),
        (&json!("D-0042"), &json!("accepted"), &json!("sled"), &json!("_"))
    );
    // A search finds it and says what it is; `get` opens it by what a hit calls it.
    let found = document(&program, &["search", "small kind:decision", "--json"]);
    let hit = &found["results"][0];
    assert_eq!((&hit["kind"], &hit["title"]), (&json!("decision"), &json!("D-0042 Use sled")));
    for name in ["d-0042", hit["id"].as_str().unwrap()] {
        assert_eq!(document(&program, &["get", name, "--json"])["id"], record["id"]);
    }
    assert_eq!(
        record["options"],
        json!([{ "title": "sled", "pros": ["Rust"], "cons": ["beta"] }, { "title": "SQLite" }])
    );
    assert_eq!((&record["tags"], &record["confidence"]), (&json!(["a", "b"]), &json!(0.8)));
    let shown = document(&program, &["decisions", "D-42", "--json"]);
    assert_eq!((&shown["id"], &shown["review_on"]), (&record["id"], &json!("2027-01-31")));
    let text = program.prints(&["decisions", record["id"].as_str().unwrap(), "--quiet"]);
    assert!(text.starts_with("## Context and Problem Statement\n\nWe need a store.\n"), "{text}");

    let heir = decide(&program, "Use redb", &["--supersedes", "d-42"]);
    assert_eq!((&heir["number"], &heir["supersedes"]), (&json!("D-0043"), &json!([record["id"]])));
    assert_eq!(document(&program, &["decisions", "D-42", "--json"])["superseded_by"], heir["id"]);
    assert_eq!(fails(&program, &["decide", "--title", "x", "--supersedes", "D-42"]).0, 6);
    let history = document(&program, &["decisions", "D-42", "--history", "--json"]);
    let events: Vec<&Value> =
        history["revisions"].as_array().unwrap().iter().map(|revision| &revision["event"]).collect();
    assert_eq!(events, ["decision.superseded", "decision.recorded"]);
    assert_eq!(document(&program, &["fsck", "--json"])["damage"], json!([]));
}

#[test]
fn a_decision_comes_from_a_document_under_any_of_its_names() {
    let program = Program::new();
    let file = program.work_dir().join("d.json");
    let document =
        json!({ "decision_title": "Store", "chosen_solution": "sled", "because": "fast", "tags": ["x"] });
    fs::write(&file, document.to_string()).unwrap();
    let record = super::document(&program, &["decide", "--from", "d.json", "--title", "Another", "--json"]);
    assert_eq!(
        (&record["title"], &record["chosen_option"], &record["rationale"]),
        (&json!("Another"), &json!("sled"), &json!("fast"))
    );
    fs::write(&file, r#"{"title":"t","rationalle":"x"}"#).unwrap();
    let (status, said) = fails(&program, &["decide", "--from", "d.json"]);
    assert_eq!(status, 2);
    assert!(
        said.contains("unknown field `rationalle`") && said.contains("did you mean `rationale`?"),
        "{said}"
    );
}

#[test]
fn a_list_shows_what_was_asked_for() {
    let program = Program::new();
    decide(&program, "Use sled", &["--choose", "sled", "--tags", "a", "--review-on", "2020-01-01"]);
    decide(&program, "Lunch at noon", &["--tags", "b", "--review-on", "2999-01-01"]);
    decide(&program, "Lunch at one", &["--status", "rejected"]);
    decide(&program, "Elsewhere", &["--project", "other"]);
    let listed =
        |args: &[&str]| numbers(&program, &[&["decisions", "--json", "--order", "number"], args].concat());
    assert_eq!(listed(&[]), ["D-0002", "D-0001"]);
    assert_eq!(listed(&["--all-statuses"]), ["D-0003", "D-0002", "D-0001"]);
    assert_eq!(listed(&["--status", "rejected,accepted"]), ["D-0003", "D-0001"]);
    assert_eq!(listed(&["--all-projects", "--limit", "1"]), ["D-0004"]);
    assert_eq!(listed(&["lunch", "AT"]), ["D-0002"]);
    assert_eq!(listed(&["--tag", "a"]), ["D-0001"]);
    assert_eq!(listed(&["--review-due"]), ["D-0001"]);
    assert_eq!(numbers(&program, &["review", "--json"]), ["D-0001"]);
    for (args, status) in [
        (vec!["decisions", "--status", "fine"], 2),
        (vec!["decisions", "--limit", "0"], 2),
        (vec!["decisions", "--history"], 2),
        (vec!["decisions", "D-0999"], 3),
        (vec!["decide"], 2),
        (vec!["decide", "--title", "t", "--confidence", "2"], 2),
        (vec!["decide", "--title", "t", "--pro", "x", "--option", "a"], 2),
        (vec!["decide", "--title", "t", "--option", "a", "--choose", "b"], 2),
        (vec!["outcome", "D-0001", "--status", "fine"], 2),
        (vec!["outcome", "D-0001", "--status", "failed", "--rating", "6"], 2),
        (vec!["outcome", "D-0999", "--status", "failed"], 3),
    ] {
        assert_eq!(fails(&program, &args).0, status, "{args:?}");
    }
}

#[test]
fn what_came_of_decisions_is_held_against_how_sure_they_were() {
    let program = Program::new();
    for (title, confidence, status) in [("one", "0.75", "success"), ("two", "0.25", "failed")] {
        let number = decide(&program, title, &["--confidence", confidence])["number"].clone();
        let outcome = ["outcome", number.as_str().unwrap(), "--status", status, "--rating", "3", "--json"];
        assert_eq!(document(&program, &outcome)["outcome"]["rating"], json!(3));
    }
    let found = document(&program, &["calibration", "--json"]);
    assert_eq!(
        (&found["n"], &found["brier"], &found["brier_of_base_rate"], &found["skill"]),
        (&json!(2), &json!(0.0625), &json!(0.25), &json!(0.75))
    );
    assert_eq!(found["bins"].as_array().unwrap().len(), 2);
}

/// Every file of a folder, by its name.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn records_go_in_and_come_out_byte_for_byte() {
    for (form, count) in [("madr", 3), ("nygard", 4)] {
        let program = Program::new();
        let from = Path::new(RECORDS).join(form);
        let from = from.to_str().unwrap();
        let report = document(&program, &["adr", "import", from, "--json"]);
        assert_eq!((&report["taken"], &report["skipped"]), (&json!(count), &json!([])), "{form}");
        let again = document(&program, &["adr", "import", from, "--json"]);
        assert_eq!((&again["taken"], &again["unchanged"]), (&json!(0), &json!(count)), "{form}");
        let written = document(&program, &["adr", "export", "out", "--json"]);
        assert_eq!(written, json!({ "written": count, "unchanged": 0, "skipped": [] }), "{form}");
        let out = program.work_dir().join("out");
        assert_eq!(files(&out), files(Path::new(from)), "{form}");

        // What was written is taken by another hub as the same.
        let other = Program::new();
        document(&other, &["adr", "import", out.to_str().unwrap(), "--json"]);
        document(&other, &["adr", "export", "out", "--json"]);
        assert_eq!(files(&other.work_dir().join("out")), files(&out), "{form}");

        let first = files(&out)[0].0.clone();
        fs::write(out.join(&first), "mine\n").unwrap();
        let output = program.run(&["adr", "export", "out", "--json"]);
        assert_eq!(output.status.code(), Some(6), "{form}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&report["unchanged"], report["skipped"].as_array().unwrap().len()),
            (&json!(count - 1), 1),
            "{form}"
        );
        assert_eq!(fs::read_to_string(out.join(&first)).unwrap(), "mine\n");
        let forced = document(&program, &["adr", "export", "out", "--force", "--json"]);
        assert_eq!((&forced["written"], &forced["skipped"]), (&json!(1), &json!([])), "{form}");
        assert_eq!(files(&out), files(Path::new(from)), "{form}");
        assert_eq!(document(&program, &["fsck", "--json"])["damage"], json!([]));
    }
}

#[test]
fn an_export_has_decisions_and_an_import_takes_them() {
    let program = Program::new();
    decide(&program, "kept", &[]);
    let lines = documents(&program, &["export"]);
    let decisions: Vec<&Value> = lines.iter().filter(|line| line["record"] == "decision").collect();
    assert_eq!((decisions.len(), &decisions[0]["title"]), (1, &json!("kept")));
    fs::write(program.work_dir().join("all.jsonl"), program.prints(&["export"])).unwrap();
    let other = Program::new();
    let all = program.work_dir().join("all.jsonl");
    let report = document(&other, &["import", all.to_str().unwrap(), "--json"]);
    assert_eq!((&report["taken"], &report["skipped"]), (&json!(1), &json!([])));
    let there = documents(&other, &["export"]);
    let there = there.iter().find(|line| line["record"] == "decision").unwrap();
    for field in ["number", "title", "status", "created_at"] {
        assert_eq!(there[field], decisions[0][field], "{field}");
    }
}

#[test]
fn what_people_read_of_decisions() {
    let program = Program::new();
    let said = |args: &[&str]| {
        let output = program.run(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        format!("$ wheelhouse {}\n{out}{err}[{}]\n\n", args.join(" "), output.status.code().unwrap())
    };
    let all: String = [
        &[
            "decide",
            "--title",
            "Use \x1b[31msled",
            "--option",
            "sled",
            "--pro",
            "small",
            "--option",
            "SQLite",
        ][..],
        &["decide", "--title", "Keep a log", "--choose", "a log", "--confidence", "0.8", "--number", "1"],
        &["decide", "--title", "Keep two logs", "--supersedes", "D-2", "--review-on", "2020-01-31"],
        &["outcome", "D-2", "--status", "failed", "--note", "one was too few"],
        &["decisions", "--all-statuses", "--order", "number"],
        &["decisions", "zeppelin"],
        &["decisions", "D-0002"],
        &["decisions", "D-0002", "--history"],
        &["review"],
        &["calibration"],
        &["adr", "export", "out"],
        &["adr", "import", "out"],
        &["decisions", "D-0009"],
    ]
    .into_iter()
    .map(said)
    .collect();
    let mut settings = settings(&program);
    settings.add_filter(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "[moment]");
    settings.bind(|| insta::assert_snapshot!("decisions", all));
}
