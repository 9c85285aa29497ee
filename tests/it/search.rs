//! Notes kept and found.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::harness::until_blocking;
use proptest::prelude::*;
use serde_json::{Map, json};
use wheelhouse::{
    door::{Hit, RecordKind, SearchAnswer, SearchMode, SearchRequest, SuggestRequest, ViewState},
    model::{
        Actor, Change, Entry, Event, Id, LogId, Memory, MemoryFilter, Project, Projects, Sequence, Severity,
        Status, Time, TimeWords,
    },
    search::{Lexical, Searched},
};

const NOW_MS: i64 = 1_795_000_000_000;

/// Where an index in `dir` keeps its vectors.
pub fn vectors_of(dir: &Path) -> PathBuf {
    dir.join("vectors")
}

pub fn log() -> LogId {
    serde_json::from_value(json!("00000000-0000-0000-0000-000000000007")).unwrap()
}

pub fn id(n: u64) -> Id {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    Id::from_parts(Time::from_unix_ms(NOW_MS), random)
}

pub fn words() -> TimeWords {
    TimeWords { now: Time::from_unix_ms(NOW_MS), zone: wheelhouse::model::Zone::UTC }
}

pub fn memory(n: u64, title: &str, content: &str) -> Memory {
    serde_json::from_value(json!({
        "id": id(n), "created_at": Time::from_unix_ms(NOW_MS), "updated_at": Time::from_unix_ms(NOW_MS + n as i64),
        "revision": 1, "title": title, "content": content,
    }))
    .unwrap()
}

fn in_project(project: &str, memory: Memory) -> Memory {
    Memory { project: Project::slug(project), ..memory }
}

/// Entries from sequence 1 on, one for each list of changes.
pub struct Log {
    pub entries: Vec<Arc<Entry>>,
}

impl Log {
    pub fn new() -> Log {
        Log { entries: Vec::new() }
    }

    pub fn head(&self) -> Sequence {
        self.entries.last().map_or(Sequence::ZERO, |entry| entry.last())
    }

    pub fn commit(&mut self, changes: Vec<Change>) {
        let sequence = self.head().next();
        let event = Event {
            id: id(sequence.0),
            kind: "memory.saved".into(),
            subject: "_.memory.saved".parse().unwrap(),
            time: Time::from_unix_ms(NOW_MS),
            sequence,
            recorded_at: Time::from_unix_ms(NOW_MS),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor::hub(),
            severity: Severity::Info,
            sampled_rate: None,
            data: Map::new(),
        };
        self.entries.push(Arc::new(Entry { events: vec![event], changes, idempotency_key: None }));
    }

    pub fn put(&mut self, memories: impl IntoIterator<Item = Memory>) {
        self.commit(memories.into_iter().map(|memory| Change::Put { memory }).collect());
    }

    /// What the hub does: feeds what is missing.
    pub fn feed(&self, lexical: &Lexical) {
        lexical.set_head(self.head());
        let applied = lexical.applied();
        let missing: Vec<_> = self.entries.iter().filter(|entry| entry.last() > applied).cloned().collect();
        lexical.apply(&missing);
    }

    pub fn opened(&self, dir: &Path) -> Lexical {
        let lexical = Lexical::open(dir, &vectors_of(dir), log());
        lexical.durable();
        self.feed(&lexical);
        lexical
    }
}

pub fn ask(query: &str) -> SearchRequest {
    SearchRequest { query: query.to_owned(), mode: SearchMode::Lexical, ..SearchRequest::default() }
}

fn search(lexical: &Lexical, query: &str) -> SearchAnswer {
    lexical.search(&ask(query), &Projects::All, words()).unwrap()
}

fn titles(answer: &SearchAnswer) -> Vec<&str> {
    answer.results.iter().map(|hit| hit.title.as_str()).collect()
}

#[track_caller]
fn check(lexical: &Lexical, query: &str, expected: &[&str]) {
    let answer = search(lexical, query);
    assert_eq!(titles(&answer), expected, "{query}");
    assert_eq!(answer.total, expected.len(), "{query}");
}

/// A log of notes that differ in what is asked below.
fn notes() -> Log {
    let mut log = Log::new();
    log.put([
        Memory { tags: vec!["Deploy".into(), "two words".into()], ..memory(1, "Roll back first", "When a deploy fails, roll back before restarting workers.") },
        Memory { kind: "gotcha".into(), ..memory(2, "Migration lock", "The migration lock is held by the hub that crashed. See fs::read_to_string and C++ in src/store/log.rs.") },
        Memory { status: Status::Archived, ..memory(3, "Old deploy notes", "deploy deploy deploy") },
        Memory { origin: serde_json::from_value(json!({"actor": "user:ada", "url": "file:///docs/a.md"})).unwrap(), ..memory(4, "検索エンジン", "全文検索の仕組みについて。 Café naïve Straße") },
    ]);
    log.put([memory(
        5,
        "Long guide",
        &format!(
            "# Setup\n\nInstall it.\n\n# Operations\n\n## Failover\n\n{}\n\nThe standby takes over.\n",
            "Filler text. ".repeat(300)
        ),
    )]);
    log
}

#[test]
fn notes_are_found_by_words_phrases_fields_and_code() {
    let dir = tempfile::tempdir().unwrap();
    let lexical = notes().opened(dir.path());
    check(&lexical, "deploying", &["Roll back first"]);
    check(&lexical, "lock crash", &["Migration lock"]);
    check(&lexical, "\"held by the hub\"", &["Migration lock"]);
    check(&lexical, "\"held the hub\"", &[]);
    check(&lexical, "deploy -workers", &[]);
    check(&lexical, "hub -\"roll back\"", &["Migration lock"]);
    check(&lexical, "read_to_string", &["Migration lock"]);
    check(&lexical, "fs::read_to_string", &["Migration lock"]);
    check(&lexical, "\"read_to_string\"", &["Migration lock"]);
    check(&lexical, "C++", &["Migration lock"]);
    check(&lexical, "store/log.rs", &["Migration lock"]);
    check(&lexical, "tag:deploy", &["Roll back first"]);
    check(&lexical, "tag:\"TWO words\" tag:deploy", &["Roll back first"]);
    check(&lexical, "tag:deploy tag:other", &[]);
    check(&lexical, "type:gotcha hub", &["Migration lock"]);
    check(&lexical, "-type:gotcha hub", &[]);
    check(&lexical, "by:ada", &["検索エンジン"]);
    check(&lexical, "status:archived deploy", &["Old deploy notes"]);
    check(&lexical, "status:any deploy", &["Old deploy notes", "Roll back first"]);
    check(&lexical, "検索", &["検索エンジン"]);
    check(&lexical, "文", &["検索エンジン"]);
    check(&lexical, "\"全文検索\"", &["検索エンジン"]);
    check(&lexical, "strasse CAFE", &["検索エンジン"]);
    check(&lexical, &format!("id:{}", id(2)), &["Migration lock"]);
    check(&lexical, "", &["Long guide", "検索エンジン", "Migration lock", "Roll back first"]);
    check(&lexical, "?!", &[]);
    lexical.close();
}

#[test]
fn a_hit_shows_where_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let lexical = notes().opened(dir.path());
    let request = SearchRequest { explain: true, ..ask("standby failovers") };
    let answer = lexical.search(&request, &Projects::All, words()).unwrap();
    let [hit] = answer.results.as_slice() else { panic!("{answer:?}") };
    assert_eq!(hit.heading, "Operations › Failover");
    assert_eq!(hit.matched_terms, ["standby", "failovers"]);
    let marked: Vec<_> = hit.highlights.iter().map(|span| &hit.snippet[span.clone()]).collect();
    assert_eq!(marked, ["standby"]);
    let explain = hit.explain.as_ref().unwrap();
    assert!(explain.words[0].starts_with("found by the word"), "{explain:?}");
    assert!(
        explain.words[1].starts_with("“standby” in the body, 1 of 4 memories holds it, worth "),
        "{explain:?}"
    );
    let sum: f32 = explain.terms.iter().map(|term| term.worth).sum();
    assert!((sum - hit.score).abs() < 1e-3, "{sum} {}", hit.score);
    assert_eq!((answer.legs_used, answer.degraded_mode), (vec!["lexical".to_owned()], None));
    lexical.close();
}

#[test]
fn the_last_word_is_a_prefix_while_typing() {
    let dir = tempfile::tempdir().unwrap();
    let lexical = notes().opened(dir.path());
    let typed = |query: &str| {
        let request = SearchRequest { as_you_type: true, ..ask(query) };
        titles(&lexical.search(&request, &Projects::All, words()).unwrap()).join(", ")
    };
    assert_eq!(typed("migr"), "Migration lock");
    assert_eq!(typed("migr "), "");
    assert_eq!(typed("fs::read_t"), "Migration lock");
    assert_eq!(typed("\"held by th"), "Migration lock");
    assert_eq!(typed("roll ba"), "Roll back first");
    lexical.close();
}

#[test]
fn a_wrong_query_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let lexical = notes().opened(dir.path());
    let fault = lexical.search(&ask("lock tgas:x"), &Projects::All, words()).unwrap_err();
    assert_eq!(fault.message, "column 6: there is no field tgas:");
    assert!(fault.hint.unwrap().starts_with("did you mean tag:?"));
    lexical.close();
}

#[test]
fn what_is_replaced_removed_and_restored_shows_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = notes();
    let lexical = log.opened(dir.path());
    let first = memory(9, "First", "zebra crossing");
    log.put([first.clone()]);
    log.feed(&lexical);
    check(&lexical, "zebra", &["First"]);
    log.put([Memory { title: "Second".into(), content: "giraffe".into(), revision: 2, ..first.clone() }]);
    log.feed(&lexical);
    check(&lexical, "zebra", &[]);
    check(&lexical, "giraffe", &["Second"]);
    log.commit(vec![Change::Forget { id: first.id }]);
    log.feed(&lexical);
    check(&lexical, "giraffe", &[]);
    log.commit(vec![Change::Restore { memory: first }, Change::Accessed { id: id(1) }]);
    log.feed(&lexical);
    check(&lexical, "zebra", &["First"]);
    assert_eq!(lexical.applied(), log.head());
    // A gap is not filled, what is known is passed over.
    lexical.apply(&log.entries);
    let mut later = Log { entries: log.entries.clone() };
    later.put([memory(10, "A", "a")]);
    later.put([memory(11, "B", "b")]);
    lexical.apply(&later.entries[later.entries.len() - 1..]);
    assert_eq!(lexical.applied(), log.head());
    lexical.close();
    // All of it holds when it comes from disk.
    let lexical = Lexical::open(dir.path(), &vectors_of(dir.path()), self::log());
    assert_eq!(lexical.durable(), log.head());
    check(&lexical, "zebra", &["First"]);
    check(&lexical, "giraffe", &[]);
    // And a revision on disk is shadowed by one in memory.
    later.feed(&lexical);
    check(&lexical, "\"b\"", &["B"]);
    later.put([memory(9, "Third", "okapi")]);
    later.feed(&lexical);
    check(&lexical, "zebra", &[]);
    check(&lexical, "okapi", &["Third"]);
    lexical.close();
}

#[test]
fn nothing_of_a_walled_off_project_shows() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    for n in 0..40 {
        let project = if n % 4 == 0 { "ours" } else { "theirs" };
        let own = format!("shared {project}word deployment{n}");
        log.put([in_project(
            project,
            Memory { tags: vec![format!("{project}-tag")], ..memory(n, "t", &own) },
        )]);
    }
    let lexical = log.opened(dir.path());
    let wall = Projects::Only(vec![Project::slug("ours")]);
    let walled = |query: &str| lexical.search(&ask(query), &wall, words()).unwrap();
    assert_eq!(walled("shared").total, 10);
    assert!(walled("shared").results.iter().all(|hit| hit.project.as_str() == "ours"));
    for query in ["theirsword", "project:theirs", "tag:theirs-tag", "project:theirs shared", "deployment1"] {
        assert_eq!(walled(query).total, 0, "{query}");
    }
    // Not in the scores either: the others could as well not be there.
    let alone = tempfile::tempdir().unwrap();
    let mut ours = Log::new();
    for entry in &log.entries {
        let Change::Put { memory } = &entry.changes[0] else { panic!() };
        if memory.project.as_str() == "ours" {
            ours.put([memory.clone()]);
        }
    }
    let without = ours.opened(alone.path());
    for query in ["shared", "oursword deployment4", "shared deployment8"] {
        assert_eq!(walled(query).results, search(&without, query).results, "{query}");
    }
    for query in
        ["th", "theirs", "dep", "deployment1", "tag:", "tag:th", "project:", "project:t", "shared the"]
    {
        let request = SuggestRequest { query: query.into(), limit: 20, ..SuggestRequest::default() };
        let answer = lexical.suggest(&request, &wall, words()).unwrap();
        let leaks: Vec<_> = answer
            .suggestions
            .iter()
            .filter(|s| {
                s.text.contains("theirs")
                    || s.kind == "word"
                        && s.text.starts_with("deployment1")
                        && s.text != "deployment12"
                        && s.text != "deployment16"
            })
            .collect();
        assert!(leaks.is_empty(), "{query}: {leaks:?}");
        assert_eq!(answer, without.suggest(&request, &Projects::All, words()).unwrap(), "{query}");
    }
    let nobody = Projects::Only(Vec::new());
    assert_eq!(lexical.search(&ask(""), &nobody, words()).unwrap().total, 0);
    without.close();
    lexical.close();
}

#[test]
fn completions_come_from_words_fields_and_values() {
    let dir = tempfile::tempdir().unwrap();
    let lexical = notes().opened(dir.path());
    let suggest = |query: &str| {
        let request = SuggestRequest { query: query.into(), ..SuggestRequest::default() };
        let answer = lexical.suggest(&request, &Projects::All, words()).unwrap();
        let texts: Vec<_> = answer
            .suggestions
            .iter()
            .map(|s| {
                format!(
                    "{} {}",
                    s.kind,
                    [&query[..s.replace.start], &s.text, &query[s.replace.end..]].concat()
                )
            })
            .collect();
        format!(
            "{}{}",
            texts.join(" | "),
            answer.fault.map(|fault| format!(" ! {}", fault.message)).unwrap_or_default()
        )
    };
    assert_eq!(suggest("the migr"), "word the migration");
    assert_eq!(suggest("ta"), "field tag: | word takes");
    assert_eq!(suggest("-tag:de"), "tag -tag:deploy");
    assert_eq!(suggest("tag:tw"), "tag tag:\"two words\"");
    assert_eq!(suggest("x type:"), "type x type:note | type x type:gotcha");
    assert_eq!(suggest("status:ar"), "status status:archived");
    assert_eq!(
        suggest("since:las"),
        "time since:\"last week\" | time since:\"last month\" | time since:\"last year\""
    );
    assert_eq!(suggest("since:\"last w"), "time since:\"last week\"");
    assert_eq!(suggest("fs::read_to_s"), "word fs::read_to_string");
    assert_eq!(
        suggest("tgas:x lo"),
        "word tgas:x lock | word tgas:x log | word tgas:x long ! column 1: there is no field tgas:"
    );
    lexical.close();
}

/// What must not depend on where the index is.
pub fn of_interest(lexical: &Lexical) -> Vec<(String, usize, Vec<Hit>)> {
    let queries = [
        "w1",
        "w1 w2 w30",
        "w2 w3 w5 w8 w13 w21 w34",
        "\"w1 w2\"",
        "w1 -w2",
        "w4 tag:t1",
        "w1 project:p2",
        "-w2 -w3",
        "status:archived w1",
        "w3 since:2026-11-18",
        "",
    ];
    let answers = queries.iter().map(|query| {
        let request = SearchRequest { explain: true, limit: 100, ..ask(query) };
        let answer = lexical.search(&request, &Projects::All, words()).unwrap();
        ((*query).to_owned(), answer.total, answer.results)
    });
    answers.collect()
}

/// A log of 3,000 memories with updates, removals and restores among them; words by a generator of fixed seed.
pub fn many() -> Log {
    let mut seed = 7u64;
    let mut next = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut log = Log::new();
    let revision = |n: u64, next: &mut dyn FnMut(u64) -> u64| {
        let mut text = |len: u64| -> String {
            let word = |next: &mut dyn FnMut(u64) -> u64| {
                let spread = 1 + next(60);
                format!("w{} ", next(spread))
            };
            (0..len).map(|_| word(next)).collect()
        };
        let (title, body) = (text(3), text(30));
        Memory {
            project: Project::slug(&format!("p{}", next(3))),
            tags: vec![format!("t{}", next(4))],
            status: if next(20) == 0 { Status::Archived } else { Status::Active },
            updated_at: Time::from_unix_ms(NOW_MS + next(1_000) as i64),
            ..memory(n, &title, &format!("{body}\n\n# {title}\n\n{body} w1\n"))
        }
    };
    for batch in 0..60 {
        let puts: Vec<_> = (0..50).map(|i| revision(batch * 50 + i, &mut next)).collect();
        log.put(puts);
        for _ in 0..5 {
            let old = next(batch * 50 + 50);
            match next(3) {
                0 => log.commit(vec![Change::Forget { id: id(old) }]),
                1 => log.commit(vec![Change::Restore { memory: revision(old, &mut next) }]),
                _ => log.put([revision(old, &mut next)]),
            }
        }
    }
    log
}

#[test]
fn rebuilt_in_parts_or_at_once_the_answers_are_equal() {
    let log = many();
    let dir = tempfile::tempdir().unwrap();
    // Closed and opened again in between: several segments, some with deletes, the rest in memory.
    for part in [700, 1_500, 1_800] {
        let lexical = Lexical::open(dir.path(), &vectors_of(dir.path()), self::log());
        lexical.durable();
        lexical.apply(&log.entries[..log.entries.len() * part / 2_000]);
        lexical.close();
    }
    let lexical = log.opened(dir.path());
    let in_parts = of_interest(&lexical);
    assert!(in_parts.iter().all(|(query, total, _)| *total > 0 || panic!("{query} finds nothing")));
    lexical.close();
    let lexical = log.opened(dir.path());
    assert_eq!(of_interest(&lexical), in_parts, "all on disk");
    lexical.reset();
    assert_eq!((lexical.applied(), search(&lexical, "w1").total), (Sequence::ZERO, 0));
    log.feed(&lexical);
    assert_eq!(of_interest(&lexical), in_parts, "fed again");
    assert_eq!(lexical.state(), ViewState::Ready);
    lexical.close();
    std::fs::remove_dir_all(dir.path()).unwrap();
    let lexical = log.opened(dir.path());
    assert_eq!(of_interest(&lexical), in_parts, "directory deleted");
    lexical.close();
}

/// Each session forgets before it does anything else; so many, that segments are merged, in the background and when it
/// closes. All of a memory's sections go with it.
#[test]
fn what_is_forgotten_stays_gone_when_segments_are_merged() {
    const SESSIONS: u64 = 24;
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log::new();
    for session in 0..SESSIONS {
        let lexical = log.opened(dir.path());
        if session > 1 {
            log.commit(vec![Change::Forget { id: id(session * 4 - 8) }]);
            log.commit(vec![Change::Forget { id: id(session * 4 - 7) }]);
        }
        log.put((session * 4..session * 4 + 4).map(|n| {
            memory(n, &format!("Of {n}"), &format!("start\n\n# One\n\nfirst{n}\n\n# Two\n\nsecond{n}"))
        }));
        log.feed(&lexical);
        lexical.close();
    }
    let lexical = log.opened(dir.path());
    for n in 0..SESSIONS * 4 {
        let left = n % 4 > 1 || n >= SESSIONS * 4 - 8;
        let title = format!("Of {n}");
        let expected = left.then_some(title.as_str());
        for query in [format!("id:{}", id(n)), format!("first{n}"), format!("second{n}")] {
            check(&lexical, &query, expected.as_slice());
        }
    }
    lexical.close();
}

/// An index far behind the log passes what comes on to the disk unsearched; it is ready when all of it is there, and
/// answers as one that was fed as the log grew.
#[test]
fn built_far_behind_the_log_the_answers_are_equal() {
    let log = many();
    let (grown, built) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lexical = log.opened(grown.path());
    let expected = of_interest(&lexical);
    lexical.close();

    let lexical = Lexical::open(built.path(), &vectors_of(built.path()), self::log());
    lexical.durable();
    lexical.set_head(Sequence(log.head().0 + 100_000));
    lexical.apply(&log.entries[..log.entries.len() - 1]);
    assert!(matches!(lexical.state(), ViewState::Rebuilding { .. }), "{:?}", lexical.state());
    log.feed(&lexical);
    until_blocking("the index built", || (lexical.state() == ViewState::Ready).then_some(()));
    assert_eq!(of_interest(&lexical), expected);
    // From here on what comes is found at once.
    let mut log = log;
    log.put([memory(77_777, "Just saved", "marker")]);
    log.feed(&lexical);
    check(&lexical, "marker", &["Just saved"]);
    lexical.close();
    let lexical = log.opened(built.path());
    check(&lexical, "marker", &["Just saved"]);
    lexical.close();
}

#[test]
fn pages_follow_on_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let lexical = many().opened(dir.path());
    let all = lexical.search(&SearchRequest { limit: 200, ..ask("w1 w5") }, &Projects::All, words()).unwrap();
    let mut paged: Vec<Hit> = Vec::new();
    let mut cursor = None;
    while paged.len() < 200 {
        let request = SearchRequest { limit: 40, cursor, ..ask("w1 w5") };
        let page = lexical.search(&request, &Projects::All, words()).unwrap();
        assert_eq!(page.total, all.total);
        paged.extend(page.results);
        cursor = page.cursor;
        assert!(cursor.is_some());
    }
    assert_eq!(paged, all.results);
    assert!(lexical.search(&SearchRequest { limit: 201, ..ask("w1") }, &Projects::All, words()).is_err());
    lexical.close();
}

fn decided(n: u64, number: u32, status: &str, revision: u32) -> Change {
    let decision = serde_json::from_value(json!({
        "id": id(n), "created_at": Time::from_unix_ms(NOW_MS), "updated_at": Time::from_unix_ms(NOW_MS + 1),
        "revision": revision, "number": number, "title": "Keep records in sled", "status": status,
        "project": "ours", "type": "architecture", "tags": ["storage"], "context": "We need an embedded store.",
        "options": [{ "title": "sled" }, { "title": "RocksDB", "cons": ["builds with a C++ toolchain"] }],
        "chosen_option": "sled", "rationale": "It is all Rust.",
    }));
    Change::Decide { decision: decision.unwrap() }
}

#[test]
fn decisions_are_found_beside_memories() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = notes();
    log.commit(vec![decided(20, 42, "accepted", 1)]);
    log.put([memory(21, "Toolchains", "A C++ toolchain is not there.")]);
    let lexical = log.opened(dir.path());
    let title = "D-0042 Keep records in sled";
    for query in [
        "embedded",
        "D-0042",
        "d-0042 kind:decision",
        "rocksdb",
        "kind:decision",
        "toolchain type:architecture",
        "status:accepted",
        "tag:storage",
        "\"all rust\"",
        "toolchain -kind:memory",
    ] {
        check(&lexical, query, &[title]);
    }
    check(&lexical, "toolchain kind:memory", &["Toolchains"]);
    check(&lexical, "status:rejected", &[]);
    check(&lexical, "status:archived sled", &[]);
    let answer = search(&lexical, "toolchain");
    let kinds: BTreeSet<RecordKind> = answer.results.iter().map(|hit| hit.kind).collect();
    assert_eq!(kinds, [RecordKind::Memory, RecordKind::Decision].into());
    // Another revision takes its place, and what no longer holds is asked for.
    log.commit(vec![decided(20, 42, "deprecated", 2)]);
    log.feed(&lexical);
    check(&lexical, "embedded", &[]);
    for query in ["embedded status:any", "status:deprecated", "sled status:archived"] {
        check(&lexical, query, &[title]);
    }
    let wall = Projects::with_none(Project::slug("theirs"));
    assert_eq!(lexical.search(&ask("sled status:any"), &wall, words()).unwrap().total, 0);
    lexical.close();
    let lexical = log.opened(dir.path());
    check(&lexical, "kind:decision status:any", &[title]);
    lexical.close();
}

#[test]
fn a_scan_of_the_records_answers_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = notes();
    log.put([in_project("theirs", memory(8, "Theirs", "deploy"))]);
    log.commit(vec![decided(9, 42, "accepted", 1)]);
    let lexical = log.opened(dir.path());
    let wall = Projects::with_none(Project::slug("ours"));
    for query in
        ["deploy", "hub -lock", "\"roll back\"", "tag:deploy", "", "status:any", "sled", "kind:decision"]
    {
        let mut records = log.entries.iter().flat_map(|entry| &entry.changes).map(|change| match change {
            Change::Put { memory } => Searched::Memory(Box::new(memory.clone())),
            Change::Decide { decision } => Searched::Decision(decision.clone()),
            other => panic!("{other:?}"),
        });
        let scanned = Lexical::scan(&ask(query), &wall, words(), &mut records).unwrap();
        let searched = lexical.search(&ask(query), &wall, words()).unwrap();
        assert_eq!((scanned.total, &scanned.results), (searched.total, &searched.results), "{query}");
        assert_eq!(scanned.degraded_mode.as_deref(), Some("scan"));
    }
    lexical.close();
}

#[test]
fn an_index_of_another_log_or_damaged_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let log = notes();
    log.opened(dir.path()).close();
    let other: LogId = serde_json::from_value(json!("00000000-0000-0000-0000-000000000008")).unwrap();
    let lexical = Lexical::open(dir.path(), &vectors_of(dir.path()), other);
    assert_eq!(lexical.durable(), Sequence::ZERO);
    assert_eq!(search(&lexical, "").total, 0);
    log.feed(&lexical);
    check(&lexical, "lock", &["Migration lock"]);
    lexical.close();

    for file in std::fs::read_dir(dir.path()).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().is_some_and(|name| name == "meta.json") {
            std::fs::write(path, b"{\"no\": ").unwrap();
        }
    }
    let lexical = Lexical::open(dir.path(), &vectors_of(dir.path()), other);
    assert_eq!(lexical.durable(), Sequence::ZERO);
    lexical.set_head(log.head());
    assert!(matches!(lexical.state(), ViewState::Rebuilding { .. }), "{:?}", lexical.state());
    log.feed(&lexical);
    assert_eq!(lexical.state(), ViewState::Ready);
    check(&lexical, "lock", &["Migration lock"]);
    lexical.close();

    // No directory can be made under a file: it says so, and answers from memory.
    let file = dir.path().join("file");
    std::fs::write(&file, b"x").unwrap();
    let lexical = Lexical::open(&file.join("lexical"), &vectors_of(&file.join("lexical")), other);
    lexical.durable();
    log.feed(&lexical);
    assert!(matches!(lexical.state(), ViewState::Failed { .. }), "{:?}", lexical.state());
    check(&lexical, "lock", &["Migration lock"]);
    lexical.close();
}

#[test]
fn a_flipped_byte_is_found_by_the_checksums() {
    let dir = tempfile::tempdir().unwrap();
    let log = many();
    log.opened(dir.path()).close();
    let mut files = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path());
    let store = files.find(|path| path.extension().is_some_and(|ext| ext == "store")).unwrap();
    let mut bytes = std::fs::read(&store).unwrap();
    bytes[100] ^= 0x55;
    std::fs::write(&store, bytes).unwrap();
    let lexical = Lexical::open(dir.path(), &vectors_of(dir.path()), self::log());
    let mut generation = lexical.generation();
    lexical.durable();
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
        let changed = generation.wait_for(|generation| *generation > 0);
        tokio::time::timeout(Duration::from_secs(60), changed).await.unwrap().unwrap();
    });
    log.feed(&lexical);
    assert_eq!(lexical.applied(), log.head());
    assert_eq!(search(&lexical, "w1").degraded_mode, None);
    lexical.close();
}

#[test]
fn any_query_is_answered_or_refused_in_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let lexical = many().opened(dir.path());
    for query in
        ["a", "ж", "w", "日本", "\u{202e}", "-", "::", "(", &"w1 w2 ".repeat(1_500), &"x".repeat(10_000)]
    {
        for as_you_type in [false, true] {
            let request = SearchRequest { as_you_type, ..ask(query) };
            let answer = lexical.search(&request, &Projects::All, words()).unwrap();
            assert!(answer.results.len() <= 20);
        }
    }
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
    let text = r#"(\PC|[ \t\n"\\:-]|w1|tag:|since:|status:|"w1 w2"|-w3){0,12}"#;
    runner
        .run(&(text, any::<bool>()), |(query, as_you_type)| {
            let request = SearchRequest { as_you_type, explain: true, ..ask(&query) };
            if let Err(fault) = lexical.search(&request, &Projects::All, words()) {
                prop_assert!(fault.message.starts_with("column "), "{fault:?}");
                prop_assert!(fault.hint.is_some());
            }
            let request = SuggestRequest {
                query: query.clone(),
                at: Some(query.len() / 2),
                ..SuggestRequest::default()
            };
            for suggestion in lexical.suggest(&request, &Projects::All, words()).unwrap().suggestions {
                prop_assert!(query.get(suggestion.replace).is_some());
            }
            Ok(())
        })
        .unwrap();
    lexical.close();
}

#[test]
fn filters_hold_as_they_do_for_lists() {
    let log = many();
    let dir = tempfile::tempdir().unwrap();
    let lexical = log.opened(dir.path());
    let mut live = std::collections::BTreeMap::new();
    for change in log.entries.iter().flat_map(|entry| &entry.changes) {
        match change {
            Change::Put { memory } | Change::Restore { memory } => {
                drop(live.insert(memory.id, memory.clone()))
            }
            Change::Forget { id } | Change::Erase { id } => drop(live.remove(id)),
            other => panic!("{other:?}"),
        }
    }
    let at = |ms: i64| Some(Time::from_unix_ms(NOW_MS + ms));
    let filters = [
        MemoryFilter::default(),
        MemoryFilter {
            projects: Projects::Only(vec![Project::slug("p1")]),
            tags: vec!["T2".into()],
            ..MemoryFilter::default()
        },
        MemoryFilter {
            statuses: vec![Status::Archived, Status::Expired],
            since: at(100),
            ..MemoryFilter::default()
        },
        MemoryFilter {
            kinds: vec!["note".into()],
            until: at(500),
            actor: Some("unknown".into()),
            ..MemoryFilter::default()
        },
        MemoryFilter { kinds: vec!["other".into()], ..MemoryFilter::default() },
        MemoryFilter { origin: Some("file:///".into()), ..MemoryFilter::default() },
    ];
    for filter in filters {
        let mut expected: Vec<_> = live.values().filter(|memory| filter.matches(memory)).collect();
        expected.sort_by(|a, b| b.updated_at.cmp(&a.updated_at).then(a.id.cmp(&b.id)));
        let request = SearchRequest { filter: filter.clone(), limit: 200, ..ask("") };
        let answer = lexical.search(&request, &Projects::All, words()).unwrap();
        let ids: Vec<_> = answer.results.iter().map(|hit| hit.id).collect();
        assert_eq!(answer.total, expected.len(), "{filter:?}");
        assert_eq!(ids, expected.iter().take(200).map(|memory| memory.id).collect::<Vec<_>>(), "{filter:?}");
    }
    lexical.close();
}
