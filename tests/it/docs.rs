//! The tables in `docs/` are written from the program itself: a test that had to change one fails, so that the change is
//! looked at and committed.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path};

use wheelhouse::{
    api,
    config::{Config, KEYS},
    console::keymap::document,
    door::Anchor,
    health::runbook::entries,
    jobs::{self, dst_rows},
    model::{Code, Event, Time},
};

use crate::harness::Program;

/// Every event of this version: type and when it is told.
const EVENTS: [(&str, &str); 48] = [
    ("memory.saved", "a memory is new"),
    ("memory.updated", "a memory has a new revision"),
    ("memory.superseded", "another memory took its place"),
    ("memory.archived", "its status became `archived`"),
    ("memory.forgotten", "it was removed: hidden, and erased a day later"),
    ("memory.restored", "what was removed is back"),
    ("memory.erased", "it is out of every answer, and is being erased from every file"),
    ("decision.recorded", "a decision is new"),
    ("decision.updated", "a decision has a new revision"),
    ("decision.superseded", "another decision took its place"),
    ("decision.outcome_recorded", "somebody said how a decision turned out"),
    (
        "search.served",
        "an answer was asked for by a verb or a client, or opened in the console; typing tells nothing",
    ),
    ("decision.review_due", "the day came on which a decision is to be looked at again; once for each day"),
    ("search.degraded", "an answer came from less than the whole index"),
    ("source.synced", "an import came to its end, with its counts"),
    (
        "hub.cleaned",
        "the cleaner came by: what it took from the log, what it packed, how many memories it erased; or, before it \
         takes what told of uses, that they were counted again",
    ),
    ("hub.snapshot", "a snapshot of the records was taken and read back"),
    ("hub.metrics", "how large the hub is and how much went on, once an hour"),
    ("job.defined", "a job is new or has a new revision; those that come with the program are told together"),
    ("job.scheduled", "a slot of a job has its run, which waits for its turn"),
    ("job.started", "an attempt started"),
    ("job.progress", "what a run said, in batches, and how far it is"),
    ("job.succeeded", "a run did what it was for"),
    ("job.failed", "an attempt failed; another may follow"),
    ("job.lost", "nobody saw how an attempt ended: the hub ended, or it stopped in the middle"),
    ("job.dead", "a run failed for good: a dead letter"),
    ("job.dismissed", "somebody saw to a dead letter"),
    ("job.cancelled", "a run was ended because somebody asked for it, or a newer one took its place"),
    ("job.skipped", "slots did not run, and why"),
    ("job.paused", "a job is not to run until it is resumed"),
    ("job.resumed", "it runs again"),
    ("job.noted", "where the scheduler stands with a job is another now, with no run to tell of"),
    ("breaker.opened", "too many calls to a host failed: it is left alone for a while"),
    ("breaker.half_opened", "one call tries it again"),
    ("breaker.closed", "it answered: calls go through"),
    ("hub.started", "a console or a hub started"),
    ("hub.stopped", "it stopped in order"),
    (
        "hub.handed_over",
        "its console ended, and it goes on in a process of its own for those who are attached",
    ),
    ("hub.view_rebuilt", "a view was set aside and built anew from the log"),
    (
        "hub.truncated",
        "the end of the log was torn and cut off at the last whole commit: nothing acknowledged was in it",
    ),
    (
        "auth.denied",
        "somebody from outside was not let in; told once a minute for each address, with how many were not",
    ),
    ("auth.key_created", "a key was made, or another secret for one"),
    ("auth.key_revoked", "a key was ended before its time"),
    ("auth.key_used", "a key was used for the first time on this day"),
    ("auth.disabled", "a hub started that asks nobody for a key, at this address"),
    ("hub.damaged", "a file of the log is not what was written"),
    ("health.degraded", "a component works less well, or is down; the subject ends with its name"),
    ("health.recovered", "it is up again"),
];

#[track_caller]
pub fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let before = fs::read_to_string(&path).unwrap_or_default();
    if before != text {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        panic!("docs/{name} was not what the program does and was written anew: look at it and commit it");
    }
}

pub fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = String::new();
    writeln!(text, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len())).unwrap();
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        writeln!(text, "| {} |", cells.join(" | ")).unwrap();
    }
    text
}

#[test]
fn exit_statuses() {
    let what = |code| match code {
        Code::Invalid => "the request itself is wrong; the same will never work",
        Code::NotFound => "no such memory, event or file",
        Code::Conflict => "it changed meanwhile, or another owner holds it",
        Code::Denied => "this caller may not do it",
        Code::Busy => "too much at once; ask again later",
        Code::Unavailable => "a part the answer needs is not there now; ask again",
        Code::Timeout => "the answer did not come in its time",
        Code::Full => "the disk is full, nearly full or read-only",
        Code::Damaged => "what is on disk is not what was written",
        Code::Unsupported => "this version cannot do it",
        Code::Bug => "a mistake in this program",
    };
    let rows = Code::ALL.map(|code| {
        vec![
            format!("`{code}`"),
            code.exit_status().to_string(),
            code.http_status().to_string(),
            what(code).to_owned(),
        ]
    });
    let text = format!(
        "# Faults\n\nEvery verb ends with 0, or by its fault; with `--json` the fault is a JSON object on stderr with `code`, \
         `message` and,\nwhere there is one, `cause` and `hint`. HTTP answers carry the same object as problem+json.\n\n{}\n\
         Usage that cannot be read ends with 2, what was interrupted with 130; a verb that waited for a job's run ends with 1 \
         where\nthat failed.\n",
        table(&["code", "exit status", "HTTP", "when"], rows)
    );
    check("faults.md", &text);
}

#[test]
fn settings() {
    let defaults = Config::default().settings();
    let default = |name: &str| match name {
        "data_dir" => "`wheelhouse` in the user's data directory (XDG)".to_owned(),
        name => match defaults.iter().find(|setting| setting.name == name).unwrap().value.as_str() {
            "" => String::new(),
            value => format!("`{value}`"),
        },
    };
    let rows = KEYS.map(|key| {
        vec![
            format!("`{}`", key.name),
            key.what.to_owned(),
            key.kind.to_string(),
            default(key.name),
            key.env.map(|env| format!("`{env}`")).unwrap_or_default(),
        ]
    });
    let text = format!(
        "# Settings\n\nOne TOML file, `wheelhouse/config.toml` in the user's config directory (XDG); `--config FILE` or \
         `WHEELHOUSE_CONFIG` names\nanother. Flags stand above variables, variables above the file, the file above what was \
         chosen in the console (`,`), which is\nkept in the data directory and holds for verbs too. `wheelhouse config show` \
         prints what is in force and where it came from,\n`wheelhouse config check` what is wrong with the file. An unknown \
         key is passed over.\n\n{}",
        table(&["key", "what", "value", "default", "variable"], rows)
    );
    check("settings.md", &text);
}

#[test]
fn limits() {
    let rows = api::limits()
        .into_iter()
        .map(|limit| vec![format!("`{}`", limit.name), limit.value.to_string(), limit.unit]);
    check(
        "limits.md",
        &format!(
            "# Limits\n\nEvery bound a client can meet; `GET /api/v1/limits` and `wheelhouse config show` say the same.\n\n{}",
            table(&["limit", "value", "unit"], rows)
        ),
    );
}

#[test]
fn surface() {
    check("openapi.json", &format!("{:#}\n", api::openapi()));
}

/// Every kind of change of two years: an hour, half of one, at midnight, around new year's, in the month of Ramadan, none.
const ZONES: [&str; 10] = [
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Santiago",
    "America/Havana",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Asia/Tokyo",
];

#[test]
fn summer_time() {
    let moment = |text: &str| text.parse::<Time>().unwrap();
    let (from, until) = (moment("2026-01-01"), moment("2028-01-01"));
    let mut rows = Vec::new();
    for zone in ZONES {
        let changes = dst_rows(zone, from, until).unwrap();
        if changes.is_empty() {
            let none = ["never", "", "02:30", "every hour"];
            rows.push(std::iter::once(zone).chain(none).map(str::to_owned).collect());
        }
        rows.extend(changes.into_iter().map(|row| {
            vec![row.zone, row.kind.to_owned(), row.clock, row.daily.join(", "), row.hourly.join(", ")]
        }));
    }
    let text = format!(
        "# Jobs and summer time\n\nA cron pattern is read on the clock of its zone. A pattern that names its hours means them: what \
         falls into a gap runs once,\nat the first valid instant after it; what falls into a fold runs at the first of the two. A \
         pattern that does not name its hours\n(`0 * * * *`, `*/15 */2 * * *`) is a rhythm: it runs whenever the clock shows it. \
         `every` knows no zones and runs on.\n\nBelow: every change of ten zones in 2026 and 2027, what a daily job \
         (`30 2 * * *`) does on that day, and what an hourly one\n(`0 * * * *`) does from two hours before the change to three \
         hours after.\n\n{}",
        table(&["zone", "change", "clock", "daily at 02:30", "hourly"], rows)
    );
    check("dst.md", &text);
}

#[test]
fn the_job_files_that_are_shown_are_right_and_show_every_field() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/jobs.md")).unwrap();
    let files: Vec<&str> =
        text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(files.len() >= 2);
    let mut shown = BTreeSet::new();
    for file in &files {
        for job in jobs::read(file).unwrap_or_else(|notes| panic!("{notes:?} in\n{file}")) {
            fields("", &serde_json::to_value(&job).unwrap(), &mut shown);
        }
    }
    // What the hub adds.
    let added = ["id", "created_at", "updated_at", "revision", "origin", "by"];
    for field in shown.iter().filter(|field| !added.contains(&field.as_str())) {
        let name = field.rsplit('.').next().unwrap();
        assert!(
            files
                .iter()
                .any(|file| file.contains(&format!("{name} = ")) || file.contains(&format!("{name}]"))),
            "{field}"
        );
    }
}

/// The names of a document's fields, those inside of tables with the table's before them.
fn fields(table: &str, value: &serde_json::Value, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().unwrap() {
        let name = if table.is_empty() { name.clone() } else { format!("{table}.{name}") };
        if value.is_object() && name != "kind.headers" {
            fields(&name, value, found);
        } else {
            found.insert(name);
        }
    }
}

#[test]
fn keys() {
    check("keys.md", &document());
}

#[test]
fn events() {
    let told = event_types();
    let named: BTreeSet<String> = EVENTS.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    assert_eq!(told, named, "the events in the sources, and those of the table above");
    let class = |kind: &str| {
        let event: Event = serde_json::from_value(serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000000", "type": kind, "subject": format!("_.{kind}"),
            "time": "2026-11-21T00:00:00Z", "sequence": 1, "recorded_at": "2026-11-21T00:00:00Z",
            "correlation_id": "00000000-0000-0000-0000-000000000000",
        }))
        .unwrap();
        serde_json::to_value(event.class()).unwrap().as_str().unwrap().to_owned()
    };
    let rows = EVENTS.map(|(kind, when)| vec![format!("`{kind}`"), class(kind), when.to_owned()]);
    let text = format!(
        "# Events\n\nThe subject is `<project>.<type>`; `_` stands for no project and for the hub itself. The class says how long an \
         event is kept.\n\n{}",
        table(&["type", "class", "when"], rows)
    );
    check("events.md", &text);
}

/// A heading of the runbook that nothing points to helps nobody.
#[test]
fn every_anchor_of_the_runbook_is_named_by_something() {
    let mut named = 0;
    let sources = sources();
    for anchor in Anchor::ALL {
        let name = format!("Anchor::{anchor:?}");
        let uses = sources.iter().flat_map(|source| source.match_indices(&name).map(|(at, _)| &source[at..]));
        let whole = uses.filter(|text| !text[name.len()..].starts_with(|c: char| c.is_alphanumeric()));
        // In the list of all, and in its word.
        assert!(whole.count() > 2, "{name}");
        named += 1;
    }
    assert_eq!(named, entries().len());
}

/// What the runbook says to type is there to be typed.
#[test]
fn the_commands_of_the_runbook_are_this_programs() {
    let program = Program::new();
    let mut commands = BTreeSet::new();
    for text in entries().iter().flat_map(|entry| entry.steps.iter().chain([&entry.works])) {
        let codes = text.split('`').skip(1).step_by(2);
        commands.extend(codes.filter_map(|code| code.strip_prefix("wheelhouse ")).map(str::to_owned));
    }
    assert!(commands.len() > 5, "{commands:?}");
    for command in commands {
        let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase());
        let words: Vec<&str> = command.split(' ').take_while(is_word).collect();
        let answer = program.command(&[words.as_slice(), &["--help"]].concat()).output().unwrap();
        let help = String::from_utf8(answer.stdout).unwrap();
        assert!(answer.status.success(), "{command}");
        for flag in command.split(' ').filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{command}: {help}");
        }
    }
}

fn sources() -> Vec<String> {
    let mut found = Vec::new();
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path)
            } else {
                found.push(fs::read_to_string(path).unwrap_or_default())
            }
        }
    }
    found
}

/// Every text in the sources of the hub and the store that is an event's type.
fn event_types() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let room = path.strip_prefix(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
            let tells = ["hub", "store"]
                .iter()
                .any(|name| room.starts_with(name) || room == Path::new(&format!("{name}.rs")));
            if path.is_dir() {
                dirs.push(path);
            } else if tells {
                let source = fs::read_to_string(path).unwrap();
                let code = source.split("#[cfg(test)]").next().unwrap();
                found.extend(
                    code.split('"').skip(1).step_by(2).filter(|text| is_type(text)).map(str::to_owned),
                );
            }
        }
    }
    found
}

fn is_type(text: &str) -> bool {
    let (domain, action) = text.split_once('.').unwrap_or_default();
    ["memory", "decision", "search", "source", "hub", "job", "breaker", "health", "auth"].contains(&domain)
        && !action.is_empty()
        && action.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
