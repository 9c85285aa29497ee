//! A key's life: made, used, rotated, expired, revoked; and what is told of it.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::io::AsyncReadExt;

use super::{HERE, address, ask, connect, send};
use crate::{
    daemon::Daemon,
    harness::{PATIENCE, Program, until},
};

/// A hub that asks for keys.
pub fn daemon(program: &Program) -> (Daemon, SocketAddr) {
    let daemon = Daemon::start(program, &["--listen", "127.0.0.1:0"]);
    let at = address(&daemon);
    (daemon, at)
}

/// The secret of a new key.
#[track_caller]
pub fn key(program: &Program, name: &str, scopes: &str, more: &[&str]) -> String {
    let create = ["key", "create", name, "--scopes", scopes, "--json"];
    let made: Value = serde_json::from_str(&program.prints(&[&create[..], more].concat())).unwrap();
    made["secret"].as_str().unwrap().to_owned()
}

pub fn bearer(secret: &str) -> String {
    format!("Authorization: Bearer {secret}")
}

async fn status(at: SocketAddr, request: &str, secret: &str) -> u16 {
    ask(at, HERE, request, &[&format!("host: {at}"), &bearer(secret)], "").await.status
}

#[tokio::test]
async fn a_key_opens_what_it_says_and_is_never_kept() {
    let program = Program::new();
    let (_daemon, at) = daemon(&program);
    let host = format!("host: {at}");
    let made: Value = serde_json::from_str(&program.prints(&[
        "key",
        "create",
        "ci",
        "--scopes",
        "memories:read,memories:write,events:read",
        "--projects",
        "north",
        "--expires",
        "90d",
        "--json",
    ]))
    .unwrap();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with(&format!("wh_live_{}_", made["short"].as_str().unwrap())), "{made}");
    assert_eq!(fs::metadata(program.data_dir().join("pepper")).unwrap().permissions().mode() & 0o777, 0o600);
    program.prints(&["--project", "south", "add", "of the south"]);
    let with = [host.as_str(), &bearer(&secret), "x-wheelhouse-tool: bot", "x-wheelhouse-session: s1"];
    let body = r#"{"content":"of the north","project":"north"}"#;
    let saved = ask(at, HERE, "POST /api/v1/memories", &with, body).await;
    assert_eq!(saved.status, 201, "{}", saved.body);
    assert_eq!(saved.json()["origin"]["actor"], "key:ci/bot");
    assert_eq!(saved.json()["origin"]["session"], "s1");
    // Behind its wall.
    let south = r#"{"content":"x","project":"south"}"#;
    assert_eq!(ask(at, HERE, "POST /api/v1/memories", &with, south).await.status, 403);
    let all = ask(at, HERE, "GET /api/v1/memories", &with, "").await;
    assert!(all.body.contains("of the north") && !all.body.contains("of the south"), "{}", all.body);
    let wider = [&with[..], &["x-wheelhouse-projects: north,south"]].concat();
    let wider = ask(at, HERE, "GET /api/v1/memories", &wider, "").await;
    assert!(wider.body.contains("of the north") && !wider.body.contains("of the south"), "{}", wider.body);
    let seen = ask(at, HERE, "GET /api/v1/status", &with, "").await;
    assert_eq!((seen.status, &seen.json()["memories"]), (200, &Value::Null), "counts tell of other projects");
    assert_eq!(status(at, "GET /api/v1/decisions", &secret).await, 403);
    let slip = format!("{}x", &secret[..secret.len() - 1]);
    assert_eq!(status(at, "GET /api/v1/memories", &slip).await, 401);
    // Used today, told once, and the secret stands in no file.
    until("that the key was used", || async {
        let listed: Value = serde_json::from_str(&program.prints(&["key", "ls", "--json"])).unwrap();
        listed["keys"][0]["last_used"].is_string().then_some(())
    })
    .await;
    let events = program.prints(&["events", "query", "--json", "_.auth.>"]);
    assert!(events.contains("auth.key_created") && events.contains("auth.key_used"), "{events}");
    assert!(events.contains("auth.denied"), "{events}");
    let proof = &secret[secret.len() - 30..];
    let mut dirs = vec![program.data_dir()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => dirs.push(entry.path()),
                kind if kind.is_file() => {
                    let bytes = fs::read(entry.path()).unwrap();
                    let holds = bytes.windows(proof.len()).any(|window| window == proof.as_bytes());
                    assert!(!holds, "{:?}", entry.path());
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_revoked_key_ends_what_is_open_with_it() {
    let program = Program::new();
    let (_daemon, at) = daemon(&program);
    let secret = key(&program, "watcher", "events:read", &[]);
    let other = key(&program, "other", "events:read", &[]);
    let open = async |secret: &str| {
        let mut stream = connect(at, HERE).await;
        send(&mut stream, "GET /api/v1/events/stream", &[&format!("host: {at}"), &bearer(secret)], "").await;
        let mut seen = String::new();
        let mut bytes = [0; 4_096];
        while !seen.contains("event: caught_up") {
            let count = stream.read(&mut bytes).await.unwrap();
            assert!(count > 0, "{seen}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        stream
    };
    let (mut watching, mut going_on) = (open(&secret).await, open(&other).await);
    let printed = program.prints(&["key", "revoke", "watcher"]);
    let revoked = Instant::now();
    let mut rest = String::new();
    tokio::time::timeout(PATIENCE, watching.read_to_string(&mut rest)).await.unwrap().unwrap();
    assert!(revoked.elapsed() < Duration::from_secs(1), "it took {:?}", revoked.elapsed());
    assert!(rest.contains("event: fault") && rest.contains("\"code\":\"denied\""), "{rest}");
    assert!(printed.contains("watcher"), "{printed}");
    assert_eq!(status(at, "GET /api/v1/events", &secret).await, 401);
    // The other one hears of it.
    let mut heard = String::new();
    let mut bytes = [0; 4_096];
    while !heard.contains("auth.key_revoked") {
        let count = tokio::time::timeout(PATIENCE, going_on.read(&mut bytes)).await.unwrap().unwrap();
        assert!(count > 0, "{heard}");
        heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert_eq!(program.run(&["key", "revoke", "watcher"]).status.code(), Some(6));
    assert_eq!(program.run(&["key", "revoke", "nobody"]).status.code(), Some(3));
}

#[tokio::test]
async fn a_key_is_rotated_with_an_overlap_and_expires() {
    let program = Program::new();
    let (daemon, at) = daemon(&program);
    let first = key(&program, "ci", "memories:read", &[]);
    let rotated = program.prints(&["key", "rotate", "ci", "--overlap", "1h", "--json"]);
    let rotated: Value = serde_json::from_str(&rotated).unwrap();
    let second = rotated["secret"].as_str().unwrap().to_owned();
    for secret in [&first, &second] {
        assert_eq!(status(at, "GET /api/v1/memories", secret).await, 200);
    }
    let third = program.prints(&["key", "rotate", "ci", "--quiet"]);
    for (secret, expected) in [(first.as_str(), 401), (&second, 401), (third.trim(), 200)] {
        assert_eq!(status(at, "GET /api/v1/memories", secret).await, expected);
    }
    let short = key(&program, "short", "memories:read", &["--expires", "1s", "--dev"]);
    assert!(short.starts_with("wh_dev_"));
    key(&program, "trying", "memories:read", &["--dev"]);
    assert!(program.prints(&["key", "rotate", "trying"]).starts_with("wh_dev_"), "as it was made");
    until("that a key expires", || async {
        (status(at, "GET /api/v1/memories", &short).await == 401).then_some(())
    })
    .await;
    let listed = program.prints(&["key", "ls"]);
    assert!(listed.contains("expired") && listed.contains("revoked"), "{listed}");
    assert_eq!(program.run(&["key", "create", "ci", "--scopes", "memories:read"]).status.code(), Some(6));
    assert_eq!(program.run(&["key", "create", "x", "--scopes", "memories"]).status.code(), Some(2));
    // What holds is known after a restart, and what does not is not.
    drop(daemon);
    let (_daemon, at) = self::daemon(&program);
    assert_eq!(status(at, "GET /api/v1/memories", third.trim()).await, 200);
    assert_eq!(status(at, "GET /api/v1/memories", &second).await, 401);
}

#[tokio::test]
async fn bad_keys_are_tried_ten_times_a_minute() {
    let program = Program::new();
    let (_daemon, at) = daemon(&program);
    let good = key(&program, "good", "memories:read", &[]);
    for _ in 0..10 {
        assert_eq!(status(at, "GET /api/v1/memories", "guess").await, 401);
    }
    assert_eq!(status(at, "GET /api/v1/memories", "guess").await, 429);
    assert_eq!(status(at, "GET /api/v1/memories", &good).await, 200, "one that holds is let in");
    let there = [&format!("host: {at}")[..], &bearer("guess")];
    assert_eq!(ask(at, [127, 0, 0, 9].into(), "GET /api/v1/memories", &there, "").await.status, 401);
    until("what was denied", || async {
        let told = program.prints(&["events", "query", "--json", "_.auth.denied"]);
        (told.lines().count() == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn nobody_makes_a_key_that_may_do_more() {
    let program = Program::new();
    let (_daemon, at) = daemon(&program);
    let scopes = "admin:read,admin:write,memories:read";
    let admin = key(&program, "admin", scopes, &["--projects", "north"]);
    key(&program, "all", "decisions:write", &[]);
    let with = [&format!("host: {at}")[..], &bearer(&admin)];
    for (body, expected) in [
        (r#"{"name":"a","scopes":["memories:write"],"projects":{"only":["north"]}}"#, 403),
        (r#"{"name":"b","scopes":["memories:read"],"projects":{"only":["south"]}}"#, 403),
        (r#"{"name":"c","scopes":["memories:read"]}"#, 403),
        (r#"{"name":"d","scopes":["memories:read"],"projects":{"only":["north"]}}"#, 201),
    ] {
        let answer = ask(at, HERE, "POST /api/v1/keys", &with, body).await;
        assert_eq!(answer.status, expected, "{body}: {}", answer.body);
    }
    let listed = ask(at, HERE, "GET /api/v1/keys", &with, "").await;
    assert!(!listed.body.contains("\"all\"") && !listed.body.contains("hash"), "{}", listed.body);
    assert_eq!(ask(at, HERE, "DELETE /api/v1/keys/all", &with, "").await.status, 404);
    assert_eq!(ask(at, HERE, "POST /api/v1/keys/d/rotate", &with, r#"{"overlap":"1m"}"#).await.status, 201);
    assert_eq!(ask(at, HERE, "DELETE /api/v1/keys/d", &with, "").await.status, 200);
}

#[tokio::test]
async fn programs_are_started_for_keys_that_may_do_everything() {
    let program = Program::new();
    let (_daemon, at) = daemon(&program);
    let body = r#"{"slug":"own","kind":{"command":["true"]}}"#;
    for (name, scopes, expected) in [("jobs", "jobs:write", 403), ("admin", "jobs:write,admin:write", 201)] {
        let with = [&format!("host: {at}")[..], &bearer(&key(&program, name, scopes, &[]))];
        let answer = ask(at, HERE, "POST /api/v1/jobs", &with, body).await;
        assert_eq!(answer.status, expected, "{name}: {}", answer.body);
    }
}

/// The commands of `docs/daemon.md`, as they stand there.
#[test]
fn what_the_documentation_says_is_what_to_type() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/daemon.md")).unwrap();
    let program = Program::new();
    let mut commands = text.lines().filter_map(|line| line.strip_prefix("$ wheelhouse "));
    let mut words = || commands.next().map(|line| shlex::split(line).unwrap());
    assert_eq!(words().unwrap(), ["--headless"]);
    assert_eq!(words().unwrap(), ["--headless", "--listen", "127.0.0.1:7420"]);
    let daemon = Daemon::start(&program, &["--listen", "127.0.0.1:0"]);
    let mut run = 0;
    while let Some(words) = words() {
        program.prints(&words.iter().map(String::as_str).collect::<Vec<_>>());
        run += 1;
    }
    assert!(run >= 5, "{run}");
    assert_eq!(daemon.ends_by(rustix::process::Signal::TERM).code(), Some(0));
}
