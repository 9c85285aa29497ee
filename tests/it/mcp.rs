//! The Model Context Protocol through the program itself: a real process, a real store, requests as clients send them.

mod apart;
mod http;
mod install;

use std::{fs, io::Write, path::Path, process::Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Process, Program, text, until_blocking};

/// The versions that clients in use speak, and the one that has no handshake.
const VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];
const WITHOUT_HANDSHAKE: &str = "2026-07-28";

/// An agent's client: it starts the server, and every line that it reads has to be of the protocol.
struct Agent {
    process: Process,
    next: u64,
    told: Vec<Value>,
    /// Where it works, if the server asks.
    roots: Vec<String>,
    /// What each request has to carry, where there was no handshake.
    meta: Option<Value>,
}

impl Agent {
    fn start(program: &Program) -> Agent {
        Agent::start_in(program, &program.work_dir(), &[])
    }

    fn start_in(program: &Program, dir: &Path, args: &[&str]) -> Agent {
        let mut command = program.command(&["mcp"]);
        command.args(args).current_dir(dir);
        Agent {
            process: Process::start(&mut command),
            next: 0,
            told: Vec::new(),
            roots: Vec::new(),
            meta: None,
        }
    }

    /// After the handshake, as clients of today do it.
    fn connected(program: &Program) -> Agent {
        let mut agent = Agent::start(program);
        agent.shake_hands("2025-11-25", json!({}));
        agent
    }

    fn shake_hands(&mut self, version: &str, can: Value) -> Value {
        let answer = self.ask(
            "initialize",
            json!({ "protocolVersion": version, "capabilities": can, "clientInfo": { "name": "Test Agent", "version": "1" } }),
        );
        self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        answer
    }

    fn send(&mut self, message: &Value) {
        let stdin = self.process.child.stdin.as_mut().unwrap();
        writeln!(stdin, "{message}").unwrap();
    }

    /// The next line, which has to be a message.
    #[track_caller]
    fn hears(&mut self) -> Value {
        let line = self.process.says("");
        let message: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no message: {line}"));
        assert_eq!(message["jsonrpc"], "2.0", "{line}");
        message
    }

    #[track_caller]
    fn answer(&mut self, method: &str, mut params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        if let Some(meta) = &self.meta {
            params["_meta"] = meta.clone();
        }
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.hears();
            if message["id"] == id && message["method"].is_null() {
                return message;
            }
            if message["method"] == "roots/list" {
                let roots: Vec<Value> = self.roots.iter().map(|uri| json!({ "uri": uri })).collect();
                let result = json!({ "roots": roots });
                self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }));
            } else {
                self.told.push(message);
            }
        }
    }

    /// The result of a request that has to be answered well.
    #[track_caller]
    fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params);
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].clone()
    }

    #[track_caller]
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments }))
    }

    /// What a tool that has to succeed gives in fields.
    #[track_caller]
    fn does(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], false, "{tool}: {result}");
        assert!(!result["content"][0]["text"].as_str().unwrap().is_empty(), "{tool} says nothing");
        result["structuredContent"].clone()
    }

    /// What a tool that has to refuse says, and its fault.
    #[track_caller]
    fn refuses(&mut self, tool: &str, arguments: Value) -> (String, Value) {
        let result = self.call(tool, arguments);
        assert_eq!(result["isError"], true, "{tool}: {result}");
        assert!(result["structuredContent"].is_null(), "only what the schema says is structured");
        let fault = result["_meta"]["wheelhouse/fault"].clone();
        (result["content"][0]["text"].as_str().unwrap().to_owned(), fault)
    }

    /// The next notification of this kind.
    #[track_caller]
    fn is_told(&mut self, method: &str) -> Value {
        loop {
            let told = if self.told.is_empty() { self.hears() } else { self.told.remove(0) };
            if told["method"] == method {
                return told["params"].clone();
            }
        }
    }

    /// Ends its input; the server has to end well.
    fn leaves(self) {
        assert!(self.process.end().success());
    }
}

fn events(program: &Program, pattern: &str) -> Vec<Value> {
    let printed = program.prints(&["events", "query", pattern, "--json"]);
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_version_of_the_handshake_is_known() {
    let program = Program::new();
    for version in VERSIONS {
        let mut agent = Agent::start(&program);
        let hello = agent.shake_hands(version, json!({}));
        assert_eq!(hello["protocolVersion"], version);
        assert_eq!(hello["serverInfo"]["name"], "wheelhouse");
        assert!(hello["instructions"].as_str().unwrap().contains("memory_search"));
        assert_eq!(agent.ask("tools/list", json!({}))["tools"].as_array().unwrap().len(), 9);
        agent.leaves();
    }
}

#[test]
fn the_tools_are_these() {
    let program = Program::new();
    let mut agent = Agent::connected(&program);
    let tools = agent.ask("tools/list", json!({}))["tools"].clone();
    insta::assert_snapshot!("tools", serde_json::to_string_pretty(&tools).unwrap());
    agent.leaves();
}

#[test]
fn each_tool_does_its_work() {
    let program = Program::new();
    let mut agent = Agent::connected(&program);
    let saved = agent.does(
        "memory_add",
        json!({ "content": "Roll back before you restart workers: a restart takes the queue with it.",
                "type": "gotcha", "tags": ["deploy"], "title": null }),
    );
    let id = saved["id"].as_str().unwrap().to_owned();
    assert_eq!((&saved["project"], &saved["revision"]), (&json!("_"), &json!(1)));

    let found = agent.does("memory_search", json!({ "query": "restart workers" }));
    let hit = &found["results"][0];
    let short = hit["id"].as_str().unwrap().to_owned();
    assert!(id.replace('-', "").ends_with(&short) && short.len() == 8, "{hit}");
    assert_eq!(
        (&hit["kind"], &hit["type"], &hit["tags"]),
        (&json!("memory"), &json!("gotcha"), &json!(["deploy"]))
    );
    assert_eq!((&hit["project"], &hit["age"]), (&Value::Null, &json!("now")));

    let got = agent.does("memory_get", json!({ "ids": [short, "01010101"] }));
    assert_eq!(got["records"][0]["id"], id.as_str());
    assert!(got["records"][0]["content"].as_str().unwrap().starts_with("Roll back"));
    assert_eq!(got["missing"][0]["id"], "01010101");
    let cut = agent.does("memory_get", json!({ "id": id, "max_chars": 100 }));
    assert_eq!(cut["records"][0]["content_chars"], Value::Null, "it is shorter than that");

    let changed = agent
        .does("memory_update", json!({ "memory_id": short, "tags": "deploy, incident", "quality": 0.9 }));
    assert_eq!(changed["revision"], 2);

    let recorded = agent.does(
        "decision_record",
        json!({ "decision": "Restart by hand", "alternatives": ["by hand", { "option": "by a job", "reason_rejected": "queue" }],
                "chosen_solution": "by hand", "because": "A restart drops the queue.", "confidence": 0.8, "status": "accepted" }),
    );
    assert_eq!((&recorded["number"], &recorded["status"]), (&json!("D-0001"), &json!("accepted")));
    let later = agent.does(
        "decision_record",
        json!({ "title": "Restart by a job", "supersedes": "D-0001", "status": "accepted" }),
    );
    assert_eq!(later["number"], "D-0002");
    let turned_out = agent.does(
        "decision_outcome",
        json!({ "id": "D-0002", "status": "success", "rating": 4, "notes": "fine" }),
    );
    assert_eq!(turned_out["outcome"], "successful");
    let found = agent.does("memory_search", json!({ "query": "restart by a job" }));
    let names: Vec<&str> =
        found["results"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap()).collect();
    assert!(names.contains(&"D-0002"), "a decision is called by its number: {names:?}");
    let both = agent.does("memory_get", json!({ "ids": format!("{id}, D-0001") }));
    assert_eq!(both["records"][1]["status"], "superseded");
    assert!(both["records"][1]["content"].as_str().unwrap().contains("A restart drops the queue."));

    let happened = agent.does("timeline", json!({ "subject": "*.memory.>" }));
    let kinds: Vec<&Value> =
        happened["events"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert_eq!(kinds, ["memory.updated", "memory.saved"]);
    assert_eq!(happened["events"][0]["actor"].as_str().unwrap().rsplit_once('/').unwrap().1, "Test-Agent");
    let around = agent.does("timeline", json!({ "anchor": short, "limit": 20 }));
    assert_eq!(around["order"], "oldest_first");
    let around: Vec<&Value> =
        around["events"].as_array().unwrap().iter().map(|event| &event["type"]).collect();
    assert!(
        around.contains(&&json!("memory.updated")) && around.contains(&&json!("decision.recorded")),
        "{around:?}"
    );

    let status = agent.does("hub_status", json!({}));
    assert_eq!(
        (&status["memories"], &status["decisions"], &status["writes"]),
        (&json!(1), &json!(2), &json!("open"))
    );

    let gone = agent.does("memory_forget", json!({ "id": short }));
    assert!(gone["state"].as_str().unwrap().contains("hidden"), "{gone}");
    assert_eq!(
        agent.does("memory_search", json!({ "query": "queue takes workers", "type": "gotcha" }))["total"],
        0
    );
    agent.leaves();
}

#[test]
fn what_is_wrong_is_told_to_the_model() {
    let program = Program::new();
    let mut agent = Agent::connected(&program);
    let (said, fault) = agent.refuses("memory_add", json!({ "contnt": "c" }));
    assert!(said.starts_with("invalid: unknown field `contnt`\nhint: did you mean `content`?"), "{said}");
    assert_eq!((&fault["code"], &fault["message"]), (&json!("invalid"), &json!("unknown field `contnt`")));
    for (tool, arguments, says) in [
        ("memory_add", json!({}), "invalid: content is empty"),
        ("memory_add", json!({ "content": 7 }), "expected a string"),
        ("memory_add", json!({ "content": "c", "status": "actve" }), "did you mean `active`?"),
        ("memory_add", json!({ "content": "c", "importance": 3 }), "it goes from 0 to 1"),
        ("memory_search", json!({ "query": " " }), "there is nothing to search for"),
        ("memory_search", json!({ "query": "x", "limit": 0 }), "limit is 0"),
        ("memory_search", json!({ "query": "x", "since": "soon" }), "`since` cannot be \"soon\""),
        ("memory_search", json!({ "q": "x", "qeury": "y" }), "did you mean `query`?"),
        ("memory_get", json!({}), "`ids` is missing"),
        ("memory_get", json!({ "ids": [] }), "0 ids"),
        ("memory_get", json!({ "ids": ["nonsense"] }), "is not an id"),
        ("memory_get", json!({ "ids": ["abcd1234"] }), "not_found: no memory has an id ending in abcd1234"),
        (
            "memory_update",
            json!({ "id": "0192f0c1-7b5a-7e3c-9d2f-5b1c8a6e4f20" }),
            "there is nothing to change",
        ),
        ("memory_update", json!({ "id": "D-0001", "title": "t" }), "is a decision"),
        ("memory_forget", json!({ "id": "0192f0c1-7b5a-7e3c-9d2f-5b1c8a6e4f20" }), "not_found: "),
        ("memory_forget", json!({ "id": "x", "now": true }), "unknown field `now`"),
        ("decision_record", json!({ "titel": "t" }), "did you mean `title`?"),
        ("decision_outcome", json!({ "id": "D-0009", "status": "failed" }), "not_found: "),
        ("decision_outcome", json!({ "id": "D-0009", "status": "god" }), "unknown variant `god`"),
        ("timeline", json!({ "anchor": "sometime" }), "`anchor` cannot be"),
        ("timeline", json!({ "subject": "a.>.b" }), "`subject` cannot be"),
        ("hub_status", json!({ "verbose": true }), "unknown field `verbose`"),
    ] {
        let (said, fault) = agent.refuses(tool, arguments);
        assert!(said.contains(says), "{tool}: {said}");
        assert!(fault["code"].is_string() && fault["message"].is_string(), "{fault}");
    }
    // What no tool can answer is the protocol's to refuse.
    let unknown = agent.answer("tools/call", json!({ "name": "memory_serch", "arguments": {} }));
    assert_eq!(unknown["error"]["code"], -32602);
    assert!(
        unknown["error"]["message"].as_str().unwrap().contains("did you mean memory_search?"),
        "{unknown}"
    );
    assert_eq!(agent.answer("memory/search", json!({}))["error"]["code"], -32601);
    // And it goes on.
    agent.does("memory_add", json!({ "content": "still there" }));
    agent.leaves();
}

#[test]
fn each_call_is_in_the_timeline_with_its_correlation() {
    let program = Program::new();
    let mut agent = Agent::connected(&program);
    let correlation = |agent: &mut Agent, tool: &str, arguments: Value| {
        let result = agent.call(tool, arguments);
        assert_eq!(result["isError"], false, "{result}");
        result["_meta"]["wheelhouse/correlation_id"].as_str().unwrap().to_owned()
    };
    let saved = correlation(&mut agent, "memory_add", json!({ "content": "canaries are green" }));
    let searched = correlation(&mut agent, "memory_search", json!({ "query": "green canaries" }));
    let short = agent.does("memory_search", json!({ "query": "green canaries" }))["results"][0]["id"].clone();
    let read = correlation(&mut agent, "memory_get", json!({ "ids": [short] }));
    let decided = correlation(&mut agent, "decision_record", json!({ "title": "Paint them" }));
    for (kind, correlation) in [
        ("memory.saved", &saved),
        ("search.served", &searched),
        ("search.served", &read),
        ("decision.recorded", &decided),
    ] {
        let event = until_blocking("the event of a call", || {
            let told = events(&program, &format!("*.{kind}"));
            told.into_iter().find(|event| event["correlationid"] == correlation.as_str())
        });
        let actor = event["actor"].as_str().unwrap();
        assert!(actor.starts_with("user:") && actor.ends_with("/Test-Agent"), "{actor}");
        if *correlation == read {
            assert_eq!(
                (&event["data"]["title"], &event["data"]["query"]),
                (&json!("canaries are green"), &json!("green canaries"))
            );
        }
    }
    agent.leaves();
}

#[test]
fn two_agents_share_a_hub_and_outlive_it() {
    let program = Program::new();
    let (mut first, mut second) = (Agent::connected(&program), Agent::connected(&program));
    let id = first.does("memory_add", json!({ "content": "written by the first" }))["id"].clone();
    assert_eq!(second.does("memory_get", json!({ "ids": [id] }))["records"][0]["by"], {
        let got = first.does("memory_get", json!({ "ids": [id] }));
        got["records"][0]["by"].clone()
    });
    let owner = |agent: &mut Agent| agent.does("hub_status", json!({}))["started_at"].clone();
    let before = owner(&mut second);
    assert_eq!(owner(&mut first), before, "it is one hub");
    // It dies; both go on, and so does a verb.
    let status: Value = serde_json::from_str(&program.prints(&["status", "--json"])).unwrap();
    let hub = i32::try_from(status["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(hub).unwrap(), Signal::KILL).unwrap();
    let kept = second.does("memory_add", json!({ "content": "written after it died" }))["id"].clone();
    let after = owner(&mut second);
    assert_ne!(after, before, "it is another hub");
    assert_eq!(owner(&mut first), after, "and one again");
    assert_eq!(
        first.does("memory_get", json!({ "ids": [id, kept] }))["records"].as_array().unwrap().len(),
        2
    );
    // Agents come and go, and the hub stays.
    first.leaves();
    let mut third = Agent::connected(&program);
    assert_eq!(third.does("memory_search", json!({ "query": "written" }))["total"], 2);
    second.leaves();
    third.does("memory_add", json!({ "content": "written by the third" }));
    assert_eq!(third.does("memory_search", json!({ "query": "written" }))["total"], 3);
    assert_eq!(owner(&mut third), after);
    third.leaves();
}

#[test]
fn many_requests_at_once_are_all_answered() {
    let program = Program::new();
    let mut agent = Agent::connected(&program);
    for id in 1_000..1_064 {
        let arguments = json!({ "content": format!("number {id}") });
        let params = json!({ "name": "memory_add", "arguments": arguments });
        agent.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }));
    }
    let mut answered: Vec<u64> = (0..64).map(|_| agent.hears()["id"].as_u64().unwrap()).collect();
    answered.sort_unstable();
    assert_eq!(answered, (1_000..1_064).collect::<Vec<_>>());
    assert_eq!(agent.does("hub_status", json!({}))["memories"], 64);
    agent.leaves();
}

#[test]
fn what_was_asked_is_answered_though_the_input_has_ended() {
    let program = Program::new();
    let mut child = program
        .command(&["mcp"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "a", "version": "1" } });
    let call = json!({ "name": "memory_add", "arguments": { "content": "the last words" } });
    let mut stdin = child.stdin.take().unwrap();
    for (id, method, params) in [(1, "initialize", hello), (2, "tools/call", call)] {
        writeln!(stdin, "{}", json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
            .unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let ids: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, [1, 2]);
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn nothing_asked_is_nothing_said() {
    let program = Program::new();
    let output = program.run(&["mcp"]);
    assert!(output.status.success());
    assert_eq!((text(&output.stdout), text(&output.stderr)), (String::new(), String::new()));
    // What is no message is passed over.
    let mut agent = Agent::start(&program);
    let stdin = agent.process.child.stdin.as_mut().unwrap();
    stdin.write_all(b"hello?\n\n").unwrap();
    agent.shake_hands("2025-11-25", json!({}));
    agent.leaves();
}

#[test]
fn an_agent_works_in_the_project_of_its_directory_or_its_roots() {
    let program = Program::new();
    let (here, there) = (program.work_dir().join("Here"), program.work_dir().join("The re"));
    for dir in [&here, &there] {
        fs::create_dir_all(dir.join(".git")).unwrap();
    }
    let project = |agent: &mut Agent| agent.does("hub_status", json!({}))["project"].clone();
    let mut agent = Agent::start_in(&program, &here, &[]);
    agent.shake_hands("2025-06-18", json!({}));
    assert_eq!(project(&mut agent), "here");
    agent.does("memory_add", json!({ "content": "canary here" }));
    agent.does("memory_add", json!({ "content": "canary elsewhere", "project": "other" }));
    assert_eq!(agent.does("memory_search", json!({ "query": "canary" }))["total"], 1);
    let everywhere = agent.does("memory_search", json!({ "query": "canary", "all_projects": true }));
    assert_eq!(everywhere["total"], 2);
    assert!(everywhere["results"].as_array().unwrap().iter().all(|hit| hit["project"].is_string()));
    agent.leaves();

    let mut agent = Agent::start_in(&program, &here, &[]);
    agent.roots =
        vec!["https://example.org".into(), format!("file://{}", there.display()).replace(' ', "%20")];
    agent.shake_hands("2025-06-18", json!({ "roots": { "listChanged": true } }));
    assert_eq!(project(&mut agent), "the-re");
    agent.roots = vec![format!("file://{}", here.display())];
    agent.send(&json!({ "jsonrpc": "2.0", "method": "notifications/roots/list_changed" }));
    until_blocking("the other root", || (project(&mut agent) == "here").then_some(()));
    agent.leaves();

    let mut agent = Agent::start_in(&program, &here, &["--project", "named"]);
    agent.roots = vec![format!("file://{}", there.display())];
    agent.shake_hands("2025-06-18", json!({ "roots": {} }));
    assert_eq!(project(&mut agent), "named", "what was said stands above what was found");
    agent.leaves();
}

#[test]
fn resources_are_listed_read_and_watched() {
    let program = Program::new();
    let mut agent = Agent::connected(&program);
    let id =
        agent.does("memory_add", json!({ "content": "Drain them first.", "title": "Queues" }))["id"].clone();
    let id = id.as_str().unwrap();
    agent.does(
        "decision_record",
        json!({ "title": "Drain first", "context": "Jobs were lost.", "status": "accepted" }),
    );
    let uri = format!("wheelhouse://memory/{id}");

    let listed = agent.ask("resources/list", json!({}));
    let uris: Vec<&Value> =
        listed["resources"].as_array().unwrap().iter().map(|resource| &resource["uri"]).collect();
    assert_eq!(uris, ["wheelhouse://events/recent", &uri]);
    let rest = agent.ask("resources/list", json!({ "cursor": listed["nextCursor"] }));
    assert_eq!(rest["resources"][0]["uri"], "wheelhouse://decision/D-0001");
    assert!(rest["nextCursor"].is_null());
    let templates = agent.ask("resources/templates/list", json!({}));
    let templates: Vec<&Value> = templates["resourceTemplates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|template| &template["uriTemplate"])
        .collect();
    assert_eq!(templates, ["wheelhouse://memory/{id}", "wheelhouse://decision/{id}"]);

    let read = |agent: &mut Agent, uri: &str| {
        let contents = agent.ask("resources/read", json!({ "uri": uri }))["contents"][0].clone();
        assert_eq!(contents["uri"], uri);
        contents["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(read(&mut agent, &uri), "# Queues\n\nDrain them first.\n");
    let decision = read(&mut agent, "wheelhouse://decision/D-0001");
    assert!(
        decision.starts_with("# D-0001 Drain first\n\nStatus: accepted\n")
            && decision.contains("Jobs were lost.")
    );
    let recent: Value = serde_json::from_str(&read(&mut agent, "wheelhouse://events/recent")).unwrap();
    assert!(recent["events"].as_array().unwrap().iter().any(|event| event["type"] == "decision.recorded"));
    for none in ["wheelhouse://memory/01010101", "wheelhouse://mistake/1", "file:///etc/passwd"] {
        assert_eq!(agent.answer("resources/read", json!({ "uri": none }))["error"]["code"], -32002, "{none}");
    }

    // Somebody else changes it, in another process.
    agent.ask("resources/subscribe", json!({ "uri": uri }));
    agent.ask("resources/subscribe", json!({ "uri": "wheelhouse://events/recent" }));
    program.prints(&["edit", id, "Drain them twice."]);
    let mut told = vec![agent.is_told("notifications/resources/updated")["uri"].clone()];
    told.push(agent.is_told("notifications/resources/updated")["uri"].clone());
    assert_eq!(told, [uri.as_str(), "wheelhouse://events/recent"]);
    assert_eq!(read(&mut agent, &uri), "# Queues\n\nDrain them twice.\n");
    agent.ask("resources/unsubscribe", json!({ "uri": uri }));
    let refused = agent.answer("resources/subscribe", json!({ "uri": "wheelhouse://memory/01010101" }));
    assert_eq!(refused["error"]["code"], -32002);
    agent.leaves();
}

#[test]
fn a_prompt_leads_to_the_tools() {
    let program = Program::new();
    let mut agent = Agent::connected(&program);
    let prompts = agent.ask("prompts/list", json!({}));
    assert_eq!(prompts["prompts"][0]["name"], "record_decision");
    assert_eq!(prompts["prompts"].as_array().unwrap().len(), 1);
    let got =
        agent.ask("prompts/get", json!({ "name": "record_decision", "arguments": { "topic": "the queue" } }));
    let said = got["messages"][0]["content"]["text"].as_str().unwrap();
    assert!(
        said.starts_with("Record the decision about: the queue") && said.contains("decision_record"),
        "{said}"
    );
    assert_eq!(agent.answer("prompts/get", json!({ "name": "postmortem" }))["error"]["code"], -32602);
    agent.leaves();
}

#[test]
fn the_version_without_a_handshake_is_served() {
    let program = Program::new();
    let mut agent = Agent::start(&program);
    agent.meta = Some(json!({
        "io.modelcontextprotocol/protocolVersion": WITHOUT_HANDSHAKE,
        "io.modelcontextprotocol/clientInfo": { "name": "late-agent", "version": "2" },
        "io.modelcontextprotocol/clientCapabilities": {},
    }));
    let found = agent.ask("server/discover", json!({}));
    let versions: Vec<&str> = found["supportedVersions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version.as_str().unwrap())
        .collect();
    assert!(
        VERSIONS.iter().chain([&WITHOUT_HANDSHAKE]).all(|version| versions.contains(version)),
        "{versions:?}"
    );
    let id = agent.does("memory_add", json!({ "content": "no handshake needed" }))["id"].clone();
    let got = agent.does("memory_get", json!({ "ids": [id] }));
    assert!(got["records"][0]["by"].as_str().unwrap().ends_with("/late-agent"), "{got}");

    // A subscription is a request that stays open.
    let uri = format!("wheelhouse://memory/{}", id.as_str().unwrap());
    let wanted = json!({ "resourceSubscriptions": [uri, "file:///etc/passwd"] });
    let meta = agent.meta.clone();
    agent.send(&json!({
        "jsonrpc": "2.0", "id": "watch", "method": "subscriptions/listen",
        "params": { "notifications": wanted, "_meta": meta },
    }));
    let accepted = agent.is_told("notifications/subscriptions/acknowledged");
    assert_eq!(accepted["notifications"]["resourceSubscriptions"], json!([uri]));
    until_blocking("an update", || {
        program.prints(&["edit", id.as_str().unwrap(), "changed", "--quiet"]);
        agent.does("hub_status", json!({}));
        agent.told.iter().any(|told| told["params"]["uri"] == uri.as_str()).then_some(())
    });
    // What is left open is closed with the input, at once and in order.
    drop(agent.process.child.stdin.take());
    until_blocking("the last word", || {
        let said = agent.hears();
        (said["id"] == "watch" && said["result"].is_object()).then_some(())
    });
    agent.leaves();
}
