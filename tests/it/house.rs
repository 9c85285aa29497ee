//! The order of the modules: a module uses only what stands above it in the house.

use std::{fs, path::Path};

/// In reading order, as in `src/lib.rs`.
const HOUSE: [&str; 21] = [
    "model",
    "door",
    "tasks",
    "report",
    "config",
    "telemetry",
    "breaker",
    "store",
    "search",
    "events",
    "jobs",
    "outbound",
    "ingest",
    "health",
    "hub",
    "remote",
    "mcp",
    "api",
    "home",
    "console",
    "cli",
];

/// Libraries that only these rooms may name.
const OWNERS: [(&str, &[&str]); 12] = [
    ("sled", &["store"]),
    ("tantivy", &["search"]),
    ("rmcp", &["mcp"]),
    ("axum", &["api"]),
    ("reqwest", &["remote", "outbound"]),
    ("rustls", &["outbound", "api"]),
    ("ratatui", &["console"]),
    ("clap", &["cli"]),
    ("croner", &["jobs"]),
    ("hdrhistogram", &["telemetry"]),
    ("tungstenite", &["api"]),
    ("utoipa", &["model", "door", "api"]),
];

fn sources(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let name = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
            found.push((name.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The room a file stands in: its first path part.
fn room(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

/// The rooms that a source names by `crate::room` (also inside `use crate::{a, b::c}`).
fn rooms_named(source: &str) -> Vec<&'static str> {
    let code: String =
        source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut named = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut start = true;
            for (i, c) in list.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => start = true,
                    c if start && depth == 1 && c.is_alphabetic() => {
                        named.extend(HOUSE.iter().copied().filter(|room| begins_with_word(&list[i..], room)));
                        start = false;
                    }
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            named.extend(HOUSE.iter().copied().filter(|room| begins_with_word(rest, room)));
        }
    }
    named
}

fn begins_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

fn wrong_arrows(files: &[(String, String)]) -> Vec<String> {
    let place = |room: &str| HOUSE.iter().position(|other| *other == room);
    let mut wrong = Vec::new();
    for (file, source) in files {
        let Some(here) = place(room(file)) else { continue };
        for named in rooms_named(source) {
            if place(named).unwrap() > here {
                wrong.push(format!("{file} uses {named}, which stands below it"));
            }
        }
        for (library, owners) in OWNERS {
            let names_it = source.contains(&format!("{library}::"));
            if names_it && !owners.contains(&room(file)) {
                wrong.push(format!("{file} names {library}, which belongs to {}", owners.join(" and ")));
            }
        }
    }
    wrong
}

#[test]
fn no_arrow_runs_the_wrong_way() {
    let mut files = Vec::new();
    sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut files);
    assert!(files.len() > HOUSE.len(), "the sources were read");
    for (file, _) in &files {
        assert!(
            ["lib", "main"].contains(&room(file)) || HOUSE.contains(&room(file)),
            "{file} stands in no room"
        );
    }
    assert_eq!(wrong_arrows(&files), Vec::<String>::new());
}

#[test]
fn a_wrong_arrow_is_seen() {
    let file = |name: &str, source: &str| vec![(name.to_owned(), source.to_owned())];
    assert_eq!(wrong_arrows(&file("model/id.rs", "use crate::store::Store;")).len(), 1);
    assert_eq!(wrong_arrows(&file("store/log.rs", "use crate::{model::Id, hub::Hub};")).len(), 1);
    assert_eq!(wrong_arrows(&file("cli.rs", "use crate::{model::Id, hub::Hub};")).len(), 0);
    assert_eq!(wrong_arrows(&file("hub.rs", "let db = sled::open(dir);")).len(), 1);
    assert_eq!(wrong_arrows(&file("model.rs", "// crate::hub is below")).len(), 0);
}
