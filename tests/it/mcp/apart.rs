//! An agent needs a hub, and is not the one to hold it: it comes and goes as its client likes.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::Agent;
use crate::harness::{Program, until_blocking};

fn hub(program: &Program) -> u64 {
    let status: Value = serde_json::from_str(&program.prints(&["status", "--json"])).unwrap();
    status["pid"].as_u64().unwrap()
}

#[test]
fn an_agent_without_a_hub_starts_one_that_outlives_it() {
    let program = Program::new();
    let mut agent = Agent::connected(&program);
    agent.does("memory_add", json!({ "content": "kept when the agent is gone" }));
    let first = hub(&program);
    assert_ne!(first, u64::from(agent.process.child.id()));
    let told = std::fs::read_to_string(format!("/proc/{first}/cmdline")).unwrap();
    assert!(told.replace('\0', " ").contains("--headless --idle-exit 15m"), "{told}");
    let group = std::fs::read_to_string(format!("/proc/{first}/stat")).unwrap();
    assert_eq!(
        group.split(' ').nth(4).unwrap(),
        first.to_string(),
        "what ends the agent's group ends not the hub"
    );
    assert!(agent.process.end().success());
    assert_eq!(hub(&program), first);

    let mut next = Agent::connected(&program);
    let found = next.does("memory_search", json!({ "query": "agent is gone" }));
    assert!(found.to_string().contains("kept when"), "{found}");
    assert_eq!(hub(&program), first);

    // Asked again, it has one again.
    kill_process(Pid::from_raw(first as i32).unwrap(), Signal::KILL).unwrap();
    let found = next.does("memory_search", json!({ "query": "kept" }));
    assert!(found.to_string().contains("kept when"), "{found}");
    assert_ne!(hub(&program), first);
}

#[test]
fn two_agents_in_the_same_moment_have_one_hub() {
    let program = Program::new();
    let mut agents = [Agent::start(&program), Agent::start(&program)];
    for agent in &mut agents {
        agent.shake_hands("2025-11-25", json!({}));
        agent.does("memory_add", json!({ "content": "said by one of two" }));
    }
    let events = program.prints(&["events", "query", "*.hub.started", "--json"]);
    assert_eq!(events.lines().count(), 1, "{events}");
}

#[test]
fn a_hub_that_cannot_be_started_is_owned_by_the_agent_itself() {
    let program = Program::new();
    let config = program.dir.path().join("home/.config/wheelhouse/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    // Somebody else has the port: a hub that is to listen there does not start.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    std::fs::write(&config, format!("listen = [\"{}\"]\n", taken.local_addr().unwrap())).unwrap();
    let mut agent = Agent::connected(&program);
    agent.does("memory_add", json!({ "content": "said all the same" }));
    assert_eq!(hub(&program), u64::from(agent.process.child.id()));
    until_blocking("what it saved", || {
        program.prints(&["search", "same"]).contains("all the same").then_some(())
    });
}
