//! Every verb through the program itself, with a home of its own: what it prints, and how it ends.

mod decisions;
mod jobs;

use std::{
    fs,
    io::Write,
    process::{Output, Stdio},
};

use serde_json::{Value, json};

use crate::harness::{Process, Program, text, until_blocking};

/// Standard output as one document.
#[track_caller]
fn document(program: &Program, args: &[&str]) -> Value {
    let printed = program.prints(args);
    assert_eq!(printed.lines().count(), 1, "one document on one line: {printed}");
    serde_json::from_str(&printed).unwrap()
}

/// Standard output as a document a line.
#[track_caller]
fn documents(program: &Program, args: &[&str]) -> Vec<Value> {
    program.prints(args).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// How it ended, and the fault on standard error; nothing on standard output.
#[track_caller]
fn fails(program: &Program, args: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = program.run(args);
    assert_eq!(text(&stdout), "", "{args:?}");
    (status.code().unwrap(), text(&stderr))
}

#[track_caller]
fn add(program: &Program, content: &str) -> String {
    document(program, &["add", content, "--json"])["id"].as_str().unwrap().to_owned()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// What changes from run to run, made the same: ids, moments, spans, sizes, and where the test lives.
fn settings(program: &Program) -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(&program.dir.path().display().to_string(), "[dir]");
    settings.add_filter(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[id]");
    settings.add_filter(r"[0-9a-f]{8}", "[short]");
    settings.add_filter(r"\d\d-\d\d \d\d:\d\d:\d\d", "[time]");
    settings.add_filter(r"(\bnow|\b\d+ s ago) {2,}", "[age]  ");
    settings.add_filter(r"\bnow\b|\b\d+ s ago\b", "[age]");
    // How far the model is with two texts is a matter of moments.
    settings.add_filter(r"; \d+ texts have no vector[^\n\x1b]*", "");
    settings.add_filter(r"took_ms=[\d.]+", "took_ms=[n]");
    settings.add_filter(r"[\d.]+ ms", "[n] ms");
    settings.add_filter(r"user:[\w.-]+", "[user]");
    settings
}

#[test]
fn what_is_added_is_a_record() {
    let program = Program::new();
    let record = document(
        &program,
        &[
            "add",
            "Deploys need a green canary",
            "--type",
            "gotcha",
            "--tags",
            "a,b",
            "--importance",
            "0.75",
            "--json",
        ],
    );
    assert_eq!(
        (&record["content"], &record["title"], &record["type"], &record["tags"], &record["importance"]),
        (
            &json!("Deploys need a green canary"),
            &json!("Deploys need a green canary"),
            &json!("gotcha"),
            &json!(["a", "b"]),
            &json!(0.75)
        )
    );
    assert_eq!(
        (&record["project"], &record["revision"], &record["status"]),
        (&json!("_"), &json!(1), &json!("active"))
    );
    let id = record["id"].as_str().unwrap();
    assert_eq!(document(&program, &["get", id, "--json"])["content"], record["content"]);
    // By the short form that people see.
    let short = &id.replace('-', "")[24..];
    assert_eq!(document(&program, &["get", short, "--json"])["id"], record["id"]);
    let two = document(&program, &["get", id, id, "--json"]);
    assert_eq!(two["memories"].as_array().unwrap().len(), 2);
}

#[test]
fn what_comes_on_standard_input_is_content() {
    let program = Program::new();
    let mut adding = program
        .command(&["add", "-", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    adding.stdin.take().unwrap().write_all(b"first line\n\nmore\n").unwrap();
    let id = text(&adding.wait_with_output().unwrap().stdout);
    assert_eq!(program.prints(&["get", id.trim(), "--quiet"]), "first line\n\nmore\n");
}

#[test]
fn a_search_answers_in_the_shape_of_the_surface() {
    let program = Program::new();
    let id = add(&program, "Deploys need a green canary before they start");
    add(&program, "Lunch is at noon");
    let answer = document(&program, &["search", "canary", "green", "--json"]);
    assert_eq!((&answer["total"], &answer["degraded_mode"]), (&json!(1), &Value::Null));
    assert_eq!(answer["legs_used"], json!(["lexical", "vector", "rerank", "prior"]));
    assert!(answer["took_ms"].is_number());
    let hit = &answer["results"][0];
    assert_eq!((&hit["id"], &hit["kind"]), (&json!(id), &json!("memory")));
    for name in ["title", "snippet", "score", "legs", "matched_terms", "type", "project", "updated_at"] {
        assert!(!hit[name].is_null(), "{name} in {hit}");
    }
    let none = document(&program, &["search", "zeppelin", "--json"]);
    assert_eq!((&none["results"], &none["total"]), (&json!([]), &json!(0)));
    let explained = document(&program, &["search", "canary", "--explain", "--json"]);
    assert!(explained["results"][0]["explain"].is_object());
}

#[test]
fn a_search_sees_this_project_and_none_unless_told() {
    let program = Program::new();
    let mine = program.work_dir().join("My Repo");
    fs::create_dir_all(mine.join(".git")).unwrap();
    let here = |args: &[&str]| {
        let output = program.command(args).current_dir(&mine).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(here(&["add", "canary here", "--json"])["project"], json!("my-repo"));
    assert_eq!(here(&["add", "canary there", "--project", "Other", "--json"])["project"], json!("other"));
    add(&program, "canary nowhere");
    let total = |args: &[&str]| here(args)["total"].clone();
    assert_eq!(total(&["search", "canary", "--json"]), json!(2));
    assert_eq!(total(&["search", "canary", "--all-projects", "--json"]), json!(3));
    assert_eq!(total(&["search", "canary", "--project", "other", "--json"]), json!(2));
}

#[test]
fn a_memory_changes_goes_and_comes_back() {
    let program = Program::new();
    let id = add(&program, "first");
    let id = id.as_str();
    let edited = document(&program, &["edit", id, "second", "--tags", "x", "--json"]);
    assert_eq!(
        (&edited["content"], &edited["tags"], &edited["revision"]),
        (&json!("second"), &json!(["x"]), &json!(2))
    );
    let gone = document(&program, &["rm", id, "--json"]);
    assert_eq!(gone["state"], json!("hidden, erased in 24 h"));
    let (status, said) = fails(&program, &["get", id]);
    assert_eq!(status, 3);
    assert!(said.contains(&format!("wheelhouse restore {id}")), "{said}");
    assert_eq!(document(&program, &["restore", id, "--json"])["content"], json!("second"));
    let heir = document(&program, &["supersede", id, "third", "--json"]);
    assert_eq!(heir["supersedes"], json!([id]));
    assert_eq!(document(&program, &["get", id, "--json"])["superseded_by"], heir["id"]);
    let history = document(&program, &["history", id, "--json"]);
    let events: Vec<&str> =
        history["revisions"].as_array().unwrap().iter().map(|r| r["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        ["memory.superseded", "memory.restored", "memory.forgotten", "memory.updated", "memory.saved"]
    );
}

#[test]
fn what_is_removed_now_is_erased_when_the_verb_ends_hidden_or_not() {
    let program = Program::new();
    for hidden in [false, true] {
        let id = add(&program, "the grimblewick stands here");
        if hidden {
            document(&program, &["rm", &id, "--json"]);
        }
        let gone = document(&program, &["rm", "--now", &id, "--json"]);
        assert_eq!((&gone["id"], &gone["state"]), (&json!(id), &json!("erased")));
        assert_eq!(fails(&program, &["restore", &id]).0, 3);
        for file in std::fs::read_dir(program.data_dir().join("log")).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(10).any(|part| part == b"grimblewic"), "hidden: {hidden}");
        }
    }
    let left = program.prints(&["events", "query", "--json"]);
    assert!(left.contains("memory.erased") && !left.contains("grimblewick"), "{left}");
}

#[test]
fn an_editor_changes_the_content() {
    let program = Program::new();
    let id = add(&program, "before");
    let edit = |editor: &str| program.command(&["edit", &id]).env("EDITOR", editor).output().unwrap();
    let done = edit("sed -i s/before/after/");
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(program.prints(&["get", &id, "--quiet"]), "after\n");
    assert_eq!(text(&edit("true").stderr), "nothing changed\n");
    assert_eq!(edit("false").status.code(), Some(2));
    assert_eq!(document(&program, &["get", &id, "--json"])["revision"], json!(2));
    assert_eq!(fs::read_dir(program.data_dir().join("drafts")).unwrap().count(), 0, "no draft is left");
}

#[test]
fn what_happened_elsewhere_is_told_and_found() {
    let program = Program::new();
    let one = [
        "events",
        "publish",
        "deploy.finished",
        "--name",
        "web",
        "--data",
        "took_s=12.5",
        "--data",
        "host=web-1",
        "--severity",
        "warn",
        "--project",
        "shop",
        "--json",
    ];
    let published = document(&program, &one);
    assert_eq!((&published["applied"], published["ids"].as_array().unwrap().len()), (&json!(true), 1));
    let found = documents(&program, &["events", "query", "shop.deploy.>", "--json"]);
    assert_eq!(found[0]["id"], published["ids"][0]);
    assert_eq!(
        (&found[0]["subject"], &found[0]["severitytext"], &found[0]["data"]),
        (&json!("shop.deploy.finished.web"), &json!("warn"), &json!({ "took_s": 12.5, "host": "web-1" }))
    );
    let lines = program.work_dir().join("events.jsonl");
    let line = |n: usize| json!({ "type": "ci.done", "name": format!("n{n}") }).to_string();
    let many: Vec<String> = (0..1_500).map(line).collect();
    std::fs::write(&lines, many.join("\n")).unwrap();
    assert_eq!(
        document(&program, &["events", "publish", "--from", "events.jsonl", "--json"])["published"],
        1_500
    );
    let stats = document(&program, &["events", "stats", "*.ci.>", "--json"]);
    assert_eq!(stats["counts"]["ci.done"], 1_500);
    for (args, why) in [
        (vec!["memory.saved"], "events of memory are told by the hub alone"),
        (vec!["nothing"], "is no type of an event"),
        (vec!["a.b.c"], "is no type of an event"),
        (vec!["a.b", "--name", "two words"], "is no subject"),
        (vec!["a.b", "--data", "x"], "--data is FIELD=VALUE"),
    ] {
        let (status, said) = fails(&program, &[vec!["events", "publish"], args].concat());
        assert_eq!(status, 2, "{said}");
        assert!(said.contains(why), "{said}");
    }
    std::fs::write(&lines, format!("{}\n{{\"type\":\"ci.done\",\"nmae\":\"x\"}}\n", line(1))).unwrap();
    let (status, said) = fails(&program, &["events", "publish", "--from", "events.jsonl"]);
    assert_eq!(status, 2, "{said}");
    assert!(said.contains("events.jsonl:2: unknown field `nmae`"), "{said}");
}

#[test]
fn events_are_flat_envelopes() {
    let program = Program::new();
    let id = add(&program, "told");
    program.prints(&["rm", &id]);
    let events = documents(&program, &["events", "query", "*.memory.*", "--json", "--oldest-first"]);
    let kinds: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["memory.saved", "memory.forgotten"]);
    for name in
        ["specversion", "id", "source", "subject", "time", "sequence", "recordedat", "correlationid", "actor"]
    {
        assert!(!events[0][name].is_null(), "{name} in {}", events[0]);
    }
    assert_eq!(events[0]["data"]["id"], json!(id));
    let tail = documents(&program, &["events", "tail", "-n", "1", "*.memory.>", "--json"]);
    assert_eq!(tail, events[1..]);
    let stats = document(&program, &["events", "stats", "*.memory.*", "--json"]);
    assert_eq!(stats["counts"], json!({ "memory.forgotten": 1, "memory.saved": 1 }));
    let (status, said) = fails(&program, &["events", "query", "a..b"]);
    assert_eq!(status, 2);
    assert!(said.contains("no pattern of subjects"), "{said}");
}

#[test]
fn an_export_is_every_record_and_event() {
    let program = Program::new();
    let (kept, hidden) = (add(&program, "kept"), add(&program, "hidden"));
    program.prints(&["rm", &hidden]);
    let lines = documents(&program, &["export"]);
    let memories: Vec<(&str, bool)> = lines
        .iter()
        .filter(|line| line["record"] == "memory")
        .map(|line| (line["id"].as_str().unwrap(), line["forgotten"] == true))
        .collect();
    assert_eq!(memories, [(kept.as_str(), false), (hidden.as_str(), true)]);
    let events: Vec<&Value> = lines.iter().filter(|line| line["record"] == "event").collect();
    assert!(events.len() >= 3 && events.iter().all(|event| event["specversion"] == "1.0"));
}

#[test]
fn a_folder_is_imported_once() {
    let program = Program::new();
    let notes = program.work_dir().join("notes");
    fs::create_dir(&notes).unwrap();
    fs::write(notes.join("a.md"), "# Canary\n\nIt must be green.\n").unwrap();
    fs::write(notes.join("b.txt"), "plain words").unwrap();
    fs::write(notes.join("c.md"), [0xff, 0xfe, 0x00]).unwrap();
    let report = document(&program, &["import", "notes", "--json"]);
    assert_eq!(keys(&report), ["changed", "removed", "skipped", "taken", "unchanged"]);
    assert_eq!(
        (&report["taken"], &report["changed"], &report["removed"]),
        (&json!(2), &json!(0), &json!([]))
    );
    assert!(report["skipped"][0]["path"].as_str().unwrap().ends_with("notes/c.md"), "{report}");
    assert!(!report["skipped"][0]["why"].as_str().unwrap().is_empty());
    fs::write(notes.join("a.md"), "# Canary\n\nIt must be blue.\n").unwrap();
    fs::remove_file(notes.join("b.txt")).unwrap();
    let again = document(&program, &["import", "notes", "--json"]);
    assert_eq!((&again["taken"], &again["changed"]), (&json!(0), &json!(1)));
    assert!(again["removed"][0].as_str().unwrap().ends_with("notes/b.txt"), "{again}");
    assert_eq!(document(&program, &["search", "blue", "--mode", "lexical", "--json"])["total"], json!(1));
}

#[test]
fn the_hub_says_how_it_does() {
    let program = Program::new();
    add(&program, "one");
    let status = document(&program, &["status", "--json"]);
    assert_eq!((&status["memories"], &status["writes"]["state"]), (&json!(1), &json!("open")));
    assert_eq!(status["data_dir"], json!(program.data_dir().display().to_string()));
    let views = document(&program, &["reindex", "--json"]);
    assert_eq!(
        views["views"],
        json!([
            { "name": "records", "state": "ready" },
            { "name": "lexical", "state": "ready" },
            { "name": "vectors", "state": "ready" },
        ])
    );
    assert_eq!(document(&program, &["search", "one", "--json"])["results"][0]["title"], json!("one"));
    assert_eq!(document(&program, &["fsck", "--json"])["damage"], json!([]));
}

#[test]
fn damage_is_named_and_is_a_status_of_its_own() {
    let program = Program::new();
    add(&program, "one that will be damaged");
    add(&program, "one after it");
    let log = program.data_dir().join("log");
    let segment = fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes.windows(7).position(|window| window == b"damaged").unwrap();
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let Output { status, stdout, stderr } = program.run(&["fsck"]);
    assert_eq!(status.code(), Some(1), "{}", text(&stderr));
    let name = segment.file_name().unwrap().to_str().unwrap();
    assert!(text(&stdout).contains(name), "{}", text(&stdout));
    assert!(text(&stderr).starts_with("error: "), "{}", text(&stderr));
}

#[test]
fn a_fault_has_its_status_and_its_words() {
    let program = Program::new();
    let absent = "01900000-0000-7000-8000-000000000000";
    let (status, said) = fails(&program, &["get", absent]);
    assert_eq!(
        (status, said.as_str()),
        (3, format!("error: no memory {absent}\n\nhint: `wheelhouse search` prints ids\n").as_str())
    );
    let (status, said) = fails(&program, &["get", absent, "--json"]);
    let problem: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &problem["code"], &problem["status"]), (3, &json!("not_found"), &json!(404)));
    for (args, status) in [
        (vec!["search"], 2),
        (vec!["colour"], 2),
        (vec!["add", "x", "--importance", "7"], 2),
        (vec!["add", "x", "--status", "fine"], 2),
        (vec!["add", ""], 2),
        (vec!["search", "x", "--since", "soon"], 2),
        (vec!["get", "no-id"], 2),
        (vec!["--data-dir", "/dev/null/x", "status"], 2),
        (vec!["--config", "/not/there", "status"], 2),
    ] {
        assert_eq!(fails(&program, &args).0, status, "{args:?}");
    }
}

#[test]
fn without_a_verb_and_a_terminal_there_is_a_hint() {
    let (status, said) = fails(&Program::new(), &[]);
    assert_eq!(status, 2);
    assert!(said.starts_with("error: the console needs a terminal") && said.contains("\nhint: "), "{said}");
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let program = Program::new();
    add(&program, "one");
    let mut export = program.command(&["export"]);
    let mut export = export.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(export.stdout.take());
    let ended = export.wait_with_output().unwrap();
    assert!(ended.status.success());
    assert_eq!(text(&ended.stderr), "");
}

#[test]
fn a_verb_goes_through_the_process_that_owns_the_hub() {
    let program = Program::new();
    add(&program, "before");
    let mut owner = Process::start(&mut program.command(&["events", "tail", "-n", "1", "-f", "*.memory.*"]));
    owner.says("");
    let mut other = program.command(&["events", "tail", "-n", "1", "-f", "*.memory.*", "--json"]);
    let other = Process::start(&mut other);
    other.says("");
    add(&program, "through the owner");
    let told: Value = serde_json::from_str(&other.says("")).unwrap();
    assert_eq!(told["data"]["title"], json!("through the owner"));
    let status = document(&program, &["status", "--json"]);
    assert_eq!(status["pid"], json!(owner.child.id()));
    // Whoever watched goes on when the owner is killed, and misses nothing.
    owner.kill();
    add(&program, "after the owner");
    let told: Value = serde_json::from_str(&other.says("")).unwrap();
    assert_eq!(told["data"]["title"], json!("after the owner"));
}

#[test]
fn ctrl_c_ends_a_watch_in_order() {
    let program = Program::new();
    add(&program, "before");
    let mut watch = Process::start(&mut program.command(&["events", "tail", "-n", "1", "-f"]));
    watch.says("");
    let pid = rustix::process::Pid::from_raw(watch.child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let status = until_blocking("the end of the watch", || watch.child.try_wait().unwrap());
    assert!(status.success(), "{status}");
}

#[test]
fn settings_say_where_they_come_from_and_what_is_wrong() {
    let program = Program::new();
    let dir = program.dir.path().join("home/.config/wheelhouse");
    fs::create_dir_all(&dir).unwrap();
    let file = dir.join("config.toml");
    fs::write(&file, "mouse = false\nmose = true\n").unwrap();
    let shown = document(&program, &["config", "show", "--json", "--project", "Team"]);
    let setting = |name: &str| {
        let found = shown["settings"].as_array().unwrap().iter().find(|setting| setting["name"] == name);
        let found = found.unwrap();
        (found["value"].as_str().unwrap().to_owned(), found["from"].as_str().unwrap().to_owned())
    };
    assert_eq!(setting("mouse"), ("false".to_owned(), format!("{}:1", file.display())));
    assert_eq!(setting("project"), ("team".to_owned(), "--project".to_owned()));
    assert_eq!(setting("time"), ("relative".to_owned(), "default".to_owned()));
    assert!(shown["limits"].as_array().unwrap().iter().any(|limit| limit["name"] == "memory.content"));
    assert_eq!(
        program.prints(&["config", "check"]),
        format!(
            "{}:2: warning: unknown setting \"mose\", passed over; did you mean \"mouse\"?\n",
            file.display()
        )
    );
    fs::write(&file, "mouse = 3\n").unwrap();
    assert_eq!(program.run(&["config", "check"]).status.code(), Some(2));
    let (status, said) = fails(&program, &["status"]);
    assert_eq!(status, 2);
    assert!(said.contains("config.toml:1: mouse is true or false, not a number"), "{said}");
}

#[test]
fn keys_are_listed_and_checked() {
    let program = Program::new();
    let list = document(&program, &["keymap", "list", "--json"]);
    assert!(list["bindings"].as_array().unwrap().len() > 20);
    assert_eq!(document(&program, &["keymap", "check", "--json"])["notes"], json!([]));
    fs::write(program.work_dir().join("mine.toml"), "version = 1\n[global]\n\"x\" = \"no-such-action\"\n")
        .unwrap();
    let Output { status, stdout, .. } = program.run(&["keymap", "check", "mine.toml"]);
    assert_eq!(status.code(), Some(2));
    assert!(text(&stdout).starts_with("mine.toml:3: "), "{}", text(&stdout));
}

#[test]
fn a_key_is_explained_with_the_line_that_says_so() {
    let program = Program::new();
    let config = program.dir.path().join("home/.config/wheelhouse");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "keymap = \"vim\"\n").unwrap();
    fs::write(config.join("keymap.toml"), "version = 1\n[global]\n\"f5\" = \"hub.retry\"\n").unwrap();
    let said = document(&program, &["keymap", "explain", "f5", "--json"]);
    assert_eq!(said["meanings"][0]["actions"], json!(["hub.retry"]));
    assert_eq!(said["meanings"][0]["line"], 3);
    let said = program.prints(&["keymap", "explain", "d", "d"]);
    assert!(said.contains("memory.remove") && said.contains("keymaps/vim.toml:"), "{said}");
    let (status, said) = fails(&program, &["keymap", "explain", "ctl-o"]);
    assert_eq!(status, 2);
    assert!(said.contains("did you mean \"ctrl-o\"?"), "{said}");
    assert_eq!(fails(&program, &["keymap", "explain", "f11"]).0, 3);
    assert!(program.prints(&["keymap", "doc"]).starts_with("# Keys\n"));
}

#[test]
fn what_people_read() {
    let program = Program::new();
    let said = |args: &[&str]| {
        let Output { status, stdout, stderr } = program.run(args);
        let line = args.join(" ");
        format!("$ wheelhouse {line}\n{}{}[{}]\n\n", text(&stdout), text(&stderr), status.code().unwrap())
    };
    let mut all = said(&["add", "# Deploys\n\nThey need a green canary first.", "--tags", "deploy,ci"]);
    all.push_str(&said(&["add", "Lunch is at noon", "--type", "fact"]));
    let found = program.prints(&["search", "canary", "--json"]);
    let found: Value = serde_json::from_str(&found).unwrap();
    let id = found["results"][0]["id"].as_str().unwrap();
    for args in [
        &["search", "canary"][..],
        &["search", "canary", "--color", "always"],
        &["search", "zeppelin"],
        &["get", id],
        &["edit", id, "--title", "Deploying", "--status", "verified"],
        &["history", id],
        &["rm", id],
        &["restore", id],
        &["supersede", id, "They need two green canaries."],
        &["events", "tail", "-n", "3", "*.memory.*"],
        &["events", "stats", "*.memory.*"],
        &["reindex"],
        &["get", "ffffffffffff"],
    ] {
        all.push_str(&said(args));
    }
    settings(&program).bind(|| insta::assert_snapshot!("verbs", all));
}

#[test]
fn completions_and_the_manual_name_every_verb() {
    let program = Program::new();
    let script = program.prints(&["completions", "bash"]);
    let manual = program.prints(&["man"]);
    for verb in ["add", "search", "import", "fsck", "keymap", "jobs", "health"] {
        assert!(script.contains(verb) && manual.to_lowercase().contains(verb), "{verb}");
    }
}
