//! One list of questions, asked of a hub directly and through its socket: the answers are the same.

mod decisions;
mod jobs;

use std::{collections::HashMap, sync::Arc};

use futures::StreamExt;
use serde::Serialize;
use serde_json::{Value, json};
use wheelhouse::{
    door::{
        Caller, Door, EventQuery, ExportLine, Forgetting, ListOrder, ListRequest, MemoryPatch, NewMemory,
        Order, SearchMode, SearchRequest, StreamItem, StreamRequest, SuggestRequest, Upsert, ViewName,
    },
    home::local_caller,
    model::{
        Actor, Envelope, EventFilter, Fault, Id, MemoryFilter, PATTERNS_MAX, Project, Projects, Severity,
        Status, Time,
    },
    tasks::Clock,
};

use crate::harness::{House, note, until};

/// The answers, each with what was asked.
struct Transcript {
    door: Arc<dyn Door>,
    clock: Clock,
    ids: HashMap<String, usize>,
    said: Vec<(String, Value)>,
}

impl Transcript {
    fn say<T: Serialize>(&mut self, asked: &str, answer: &Result<T, Fault>) {
        let mut value = match answer {
            Ok(answer) => json!({ "ok": answer }),
            Err(fault) => json!({ "fault": fault }),
        };
        leave_away(&mut value, &mut self.ids);
        self.said.push((asked.to_owned(), value));
    }

    fn caller(&self) -> Caller {
        local_caller(&self.clock)
    }
}

/// What two hubs may differ in: places, processes, how long it took, whose log it is, and which ids their own
/// tasks used up. Ids are told by the order in which they show.
fn leave_away(value: &mut Value, ids: &mut HashMap<String, usize>) {
    match value {
        Value::Object(fields) => {
            for name in
                ["took_ms", "parts_ms", "cached_ms", "pid", "data_dir", "socket", "disk", "bytes", "views"]
            {
                fields.remove(name);
            }
            fields.values_mut().for_each(|value| leave_away(value, ids));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| leave_away(value, ids)),
        Value::String(text) if text.starts_with("w1.") => {
            let place: Vec<&str> = text.splitn(3, '.').collect();
            *text = format!("w1.LOG.{}", place[2]);
        }
        Value::String(text) if text.len() < 1_000 => {
            // The place in a list that ends with an id's digits.
            let digits = text.len().checked_sub(ID_DIGITS).and_then(|at| text.get(at..));
            if let Some(id) = digits.filter(|digits| digits.starts_with("01")).and_then(dashed) {
                text.truncate(text.len() - ID_DIGITS);
                text.push_str(&id);
            }
            while let Some(at) = (0..text.len()).find(|&at| is_id(text.get(at..at + ID_CHARS))) {
                let fresh = ids.len();
                let id = ids.entry(text[at..at + ID_CHARS].to_owned()).or_insert(fresh);
                text.replace_range(at..at + ID_CHARS, &format!("ID {id}"));
            }
        }
        _ => {}
    }
}

const ID_CHARS: usize = 36;
const ID_DIGITS: usize = 32;

fn dashed(digits: &str) -> Option<String> {
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits.get(part));
    let id = parts.into_iter().collect::<Option<Vec<_>>>()?.join("-");
    is_id(Some(&id)).then_some(id)
}

fn is_id(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.as_bytes()[8] == b'-' && text.parse::<Id>().is_ok())
}

async fn ask_everything(door: Arc<dyn Door>, clock: Clock) -> Vec<(String, Value)> {
    let mut t = Transcript { door, clock, ids: HashMap::new(), said: Vec::new() };
    let ids = writes(&mut t).await;
    reads(&mut t, &ids).await;
    decisions::ask_everything(&mut t).await;
    events(&mut t).await;
    streams(&mut t).await;
    // From here on hubs tell of searches, each in its own time: the events after this have no one order.
    until("the index", || async {
        let status = t.door.status().await.unwrap();
        status.view(ViewName::Lexical).is_some_and(|view| view.is_ready()).then_some(())
    })
    .await;
    searches(&mut t, ids[0]).await;
    walls(&mut t, &ids).await;
    the_hub(&mut t).await;
    jobs::ask_everything(&mut t).await;
    t.said
}

fn full() -> NewMemory {
    NewMemory {
        content: "# Ünïcode \u{1f512}\n\n\"quoted\", \t tabbed, C:\\path\u{0} — and `code`".into(),
        title: "All its fields".into(),
        kind: Some("gotcha".into()),
        tags: vec!["a".into(), "with, comma".into(), "ü".into()],
        project: Some(Project::slug("team")),
        importance: Some(0.7),
        status: Some(Status::Verified),
        valid_from: Some("2026-01-01".parse().unwrap()),
        valid_to: Some("2027-01-01".parse().unwrap()),
        expires_at: Some("2027-02-01T10:11:12.345Z".parse().unwrap()),
        created_at: Some("2020-01-01".parse().unwrap()),
        updated_at: Some("2021-01-01".parse().unwrap()),
        url: Some("file:///a b/ü#part-2".into()),
        commit: Some("abc123".into()),
        session: Some("s-1".into()),
        metadata: json!({ "deep": { "er": [1, 2.5, null, "x"] } }).as_object().unwrap().clone(),
        idempotency_key: Some("key-1".into()),
    }
}

async fn writes(t: &mut Transcript) -> Vec<Id> {
    let door = t.door.clone();
    let caller = t.caller();
    let first = door.add(&caller, full()).await;
    t.say("add all fields", &first);
    t.say("add again with the same key", &door.add(&caller, full()).await);
    t.say("add nothing", &door.add(&caller, note("  ")).await);
    t.say("add too much", &door.add(&caller, note(&"x".repeat((1 << 20) + 1))).await);
    let large = door.add(&t.caller(), note(&"line \"x\"\n".repeat((1 << 20) / 9))).await;
    t.say("add as much as fits", &large);
    t.say("forget it", &door.forget(&t.caller(), large.unwrap().memory.id, Forgetting::Hide).await);
    let tool = Caller {
        actor: Actor(format!("{}/claude-code", caller.actor)),
        session: Some("sitzung ü".into()),
        tool: Some("claude code".into()),
        ..t.caller()
    };
    let second = door.add(&tool, note("said by a tool")).await;
    t.say("add by a tool", &second);
    let [first, second] = [first, second].map(|saved| saved.unwrap().memory.id);
    let patch = MemoryPatch {
        title: Some("another title".into()),
        tags: Some(Vec::new()),
        importance: Some(0.1),
        ..MemoryPatch::default()
    };
    t.say("edit", &door.edit(&t.caller(), first, patch.clone(), Some(1)).await);
    t.say("edit an old revision", &door.edit(&t.caller(), first, patch.clone(), Some(1)).await);
    t.say("edit nothing there", &door.edit(&t.caller(), Id::NIL, patch, None).await);
    let third = door.supersede(&t.caller(), second, note("better said")).await;
    t.say("supersede", &third);
    t.say("supersede nothing there", &door.supersede(&t.caller(), Id::NIL, note("x")).await);
    t.say("forget", &door.forget(&t.caller(), first, Forgetting::Hide).await);
    t.say("forget again", &door.forget(&t.caller(), first, Forgetting::Hide).await);
    t.say("get what is hidden", &door.get(&t.caller(), &[first]).await);
    t.say("restore", &door.restore(&t.caller(), first).await);
    t.say("restore again", &door.restore(&t.caller(), first).await);
    let batch = |text: &str| Upsert {
        items: ["a", "b"]
            .map(|name| NewMemory { url: Some(format!("file:///{name}")), ..note(&format!("{text} {name}")) })
            .to_vec(),
        source: "/notes".into(),
        project: None,
        finished: Some(json!({ "taken": 2 }).as_object().unwrap().clone()),
    };
    t.say("upsert", &door.upsert(&t.caller(), batch("one")).await);
    t.say("upsert the same", &door.upsert(&t.caller(), batch("one")).await);
    t.say("upsert others", &door.upsert(&t.caller(), batch("two")).await);
    let many = Upsert { items: vec![note("x"); 300], ..Upsert::default() };
    t.say("upsert too many", &door.upsert(&t.caller(), many).await);
    vec![first, second, third.unwrap().memory.id]
}

async fn reads(t: &mut Transcript, ids: &[Id]) {
    let door = t.door.clone();
    let backwards: Vec<Id> = ids.iter().rev().copied().collect();
    t.say("get in order", &door.get(&t.caller(), &backwards).await);
    t.say("get none", &door.get(&t.caller(), &[]).await);
    t.say("get many", &door.get(&t.caller(), &ids.repeat(90)).await.map(|found| found.len()));
    t.say("get what is not there", &door.get(&t.caller(), &[ids[0], Id::NIL]).await);
    t.say("history", &door.history(&t.caller(), ids[0]).await);
    t.say("history of nothing", &door.history(&t.caller(), Id::NIL).await);
    for (name, filter) in filters() {
        let list = ListRequest { filter, ..ListRequest::default() };
        t.say(&format!("list {name}"), &door.list(&t.caller(), list).await);
    }
    for order in [ListOrder::Recent, ListOrder::Oldest, ListOrder::Due] {
        let mut list = ListRequest { order, limit: 2, ..ListRequest::default() };
        for page in 0..5 {
            let answer = door.list(&t.caller(), list.clone()).await;
            t.say(&format!("list {order:?} page {page}"), &answer);
            list.after = answer.unwrap().next;
            if list.after.is_none() {
                break;
            }
        }
    }
    let hidden = ListRequest { forgotten: true, ..ListRequest::default() };
    t.say("list what is hidden", &door.list(&t.caller(), hidden).await);
    let wrong = ListRequest { after: Some("no place".into()), ..ListRequest::default() };
    t.say("list after nonsense", &door.list(&t.caller(), wrong).await);
}

fn filters() -> Vec<(&'static str, MemoryFilter)> {
    let filter = MemoryFilter::default;
    let time = |text: &str| Some(text.parse().unwrap());
    vec![
        ("all", filter()),
        ("nothing seen", MemoryFilter { projects: Projects::Only(Vec::new()), ..filter() }),
        ("a project", MemoryFilter { projects: Projects::with_none(Project::slug("team")), ..filter() }),
        ("types", MemoryFilter { kinds: vec!["gotcha".into(), "note".into()], ..filter() }),
        ("tags", MemoryFilter { tags: vec!["with, comma".into()], ..filter() }),
        ("statuses", MemoryFilter { statuses: vec![Status::Superseded, Status::Archived], ..filter() }),
        ("an actor", MemoryFilter { actor: Some("nobody & none".into()), ..filter() }),
        ("times", MemoryFilter { since: time("2020-06-01"), until: time("2022-01-01"), ..filter() }),
        ("an origin", MemoryFilter { origin: Some("file:///a".into()), ..filter() }),
    ]
}

async fn searches(t: &mut Transcript, id: Id) {
    let door = t.door.clone();
    let query = |query: &str| SearchRequest {
        query: query.into(),
        mode: SearchMode::Lexical,
        ..SearchRequest::default()
    };
    let requests = [
        query("said"),
        query("said by \"a tool\" + ü & more=yes"),
        query(""),
        query("tag:"),
        query("since:nonsense"),
        SearchRequest { explain: true, limit: 1, ..query("one OR two") },
        SearchRequest { as_you_type: true, ..query("sai") },
        SearchRequest { limit: 100_000, ..query("said") },
        SearchRequest { cursor: Some("nonsense".into()), ..query("said") },
    ];
    for request in requests {
        let asked = format!("search {:?}", request.query);
        t.say(&asked, &door.search(&t.caller(), request).await);
    }
    for (name, filter) in filters() {
        let request = SearchRequest { filter, ..query("said") };
        t.say(&format!("search {name}"), &door.search(&t.caller(), request).await);
    }
    for (text, at) in [("sai", None), ("tag:a", Some(3)), ("\"", None), ("x", Some(999))] {
        let request = SuggestRequest { query: text.into(), at, limit: 3, ..SuggestRequest::default() };
        t.say(&format!("suggest {text:?}"), &door.suggest(&t.caller(), request).await);
    }
    t.say("opened", &door.opened(&t.caller(), id, "said & \"more\"").await);
    until("the use of a memory", || async {
        let found = door.get(&t.caller(), &[id]).await.unwrap();
        (found[0].access_count == 1).then_some(())
    })
    .await;
    t.say("opened nothing", &door.opened(&t.caller(), Id::NIL, "").await);
}

async fn events(t: &mut Transcript) {
    let door = t.door.clone();
    let filter = EventFilter::default;
    let all = door.events(&t.caller(), EventQuery::default()).await.unwrap();
    let some = all.events.last().unwrap().clone();
    let filters = [
        filter(),
        EventFilter {
            patterns: vec!["*.memory.>".parse().unwrap(), "_.source.*".parse().unwrap()],
            ..filter()
        },
        EventFilter { patterns: vec![">".parse().unwrap(); PATTERNS_MAX + 1], ..filter() },
        EventFilter { projects: Projects::Only(Vec::new()), ..filter() },
        EventFilter { projects: Projects::Only(vec![Project::slug("team")]), ..filter() },
        EventFilter { correlation: Some(some.correlation_id), ..filter() },
        EventFilter { causation: Some(some.id), ..filter() },
        EventFilter { actor: Some(some.actor.clone()), ..filter() },
        EventFilter { severity: Some(Severity::Warn), ..filter() },
        EventFilter { text: Some("TITLE & more".into()), ..filter() },
        EventFilter { since: Some(some.time), until: Some(some.time), ..filter() },
    ];
    for (n, filter) in filters.into_iter().enumerate() {
        let query = EventQuery { filter, ..EventQuery::default() };
        t.say(&format!("events {n}"), &door.events(&t.caller(), query.clone()).await);
        t.say(&format!("stats {n}"), &door.event_stats(&t.caller(), query).await);
    }
    let around = |ms: i64| Some(Time::from_unix_ms(some.recorded_at.unix_ms() + ms));
    let spans =
        EventQuery { recorded_since: around(0), recorded_until: around(60_000), ..EventQuery::default() };
    t.say("events of a minute", &door.events(&t.caller(), spans.clone()).await);
    for buckets in [4, 1_001] {
        let query = EventQuery { buckets, ..spans.clone() };
        t.say(&format!("{buckets} buckets"), &door.event_stats(&t.caller(), query).await);
    }
    let endless = EventQuery { buckets: 4, ..EventQuery::default() };
    t.say("buckets without end", &door.event_stats(&t.caller(), endless).await);
    for order in [Order::Asc, Order::Desc] {
        let mut query = EventQuery { order, limit: 4, ..EventQuery::default() };
        for page in 0..20 {
            let answer = door.events(&t.caller(), query.clone()).await;
            t.say(&format!("events {order:?} page {page}"), &answer);
            match (order, answer.unwrap().next) {
                (_, None) => break,
                (Order::Asc, next) => query.after = next,
                (Order::Desc, next) => query.before = next,
            }
        }
    }
    t.say(
        "events, too many",
        &door.events(&t.caller(), EventQuery { limit: 5_000, ..EventQuery::default() }).await,
    );
}

async fn streams(t: &mut Transcript) {
    let door = t.door.clone();
    let page = EventQuery { order: Order::Asc, limit: 3, ..EventQuery::default() };
    let after = door.events(&t.caller(), page).await.unwrap().next;
    let requests = [
        ("after a place", StreamRequest { after, ..StreamRequest::default() }),
        (
            "of a project",
            StreamRequest {
                after,
                filter: EventFilter {
                    projects: Projects::Only(vec![Project::slug("team")]),
                    ..EventFilter::default()
                },
            },
        ),
        (
            "of another history",
            StreamRequest {
                after: after.map(|cursor| wheelhouse::model::Cursor { epoch: cursor.epoch + 7, ..cursor }),
                ..StreamRequest::default()
            },
        ),
        (
            "with too many patterns",
            StreamRequest {
                after,
                filter: EventFilter {
                    patterns: vec![">".parse().unwrap(); PATTERNS_MAX + 1],
                    ..EventFilter::default()
                },
            },
        ),
    ];
    for (name, request) in requests {
        let items = match door.stream(&t.caller(), request).await {
            Ok(mut stream) => {
                let mut items = Vec::new();
                while let Some(item) = stream.next().await {
                    let end = matches!(item, Ok(StreamItem::CaughtUp { .. }) | Err(_));
                    items.push(item);
                    if end {
                        break;
                    }
                }
                Ok(items.into_iter().filter_map(told).collect::<Vec<_>>())
            }
            Err(fault) => Err(fault),
        };
        t.say(&format!("stream {name}"), &items);
    }
}

/// An item in words; none for a heartbeat, which comes when it comes.
fn told(item: Result<StreamItem, Fault>) -> Option<Value> {
    Some(match item {
        Ok(StreamItem::Heartbeat { .. }) => return None,
        Ok(StreamItem::Start { cursor }) => json!(["start", cursor]),
        Ok(StreamItem::Event { cursor, event }) => json!(["event", cursor, Envelope::new(event, "h")]),
        Ok(StreamItem::Gap { from, to, reason }) => json!(["gap", from, to, reason]),
        Ok(StreamItem::CaughtUp { cursor }) => json!(["caught up", cursor]),
        Err(fault) => json!(["fault", fault]),
    })
}

async fn walls(t: &mut Transcript, ids: &[Id]) {
    let door = t.door.clone();
    for wall in [Vec::new(), vec![Project::slug("other"), Project::slug("team")]] {
        let name = format!("behind {wall:?}");
        let caller = Caller { projects: Projects::Only(wall), ..t.caller() };
        t.say(&format!("list {name}"), &door.list(&caller, ListRequest::default()).await);
        t.say(&format!("get {name}"), &door.get(&caller, ids).await);
        let filter = EventFilter { patterns: vec!["*.memory.>".parse().unwrap()], ..EventFilter::default() };
        let events = door.events(&caller, EventQuery { filter, ..EventQuery::default() }).await;
        t.say(&format!("events {name}"), &events.map(|page| page.events));
        let query =
            SearchRequest { query: "said".into(), mode: SearchMode::Lexical, ..SearchRequest::default() };
        t.say(&format!("search {name}"), &door.search(&caller, query).await);
        t.say(&format!("edit {name}"), &door.edit(&caller, ids[2], MemoryPatch::default(), None).await);
    }
}

async fn the_hub(t: &mut Transcript) {
    let door = t.door.clone();
    let status =
        door.status().await.map(|status| (status.hub, status.version, status.writes, status.memories));
    t.say("status", &status);
    let fsck = door.fsck(&t.caller()).await.map(|report| (report.records, report.damage));
    t.say("fsck", &fsck);
    let mut lines = door.export(&t.caller()).await.unwrap();
    let mut export = Vec::new();
    while let Some(line) = lines.next().await {
        match line.unwrap() {
            ExportLine::Event { event } if event.domain() == "search" => {}
            line => export.push(line),
        }
    }
    assert!(export.len() > 20, "memories and events");
    t.say("export", &Ok(export));
    t.say("reindex", &door.reindex(&t.caller(), ViewName::Lexical).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_question_has_one_answer_through_both_doors() {
    let here = House::with_commands().await;
    let there = House::with_commands().await;
    let direct = ask_everything(here.door.clone(), here.clock.clone()).await;
    let remote = ask_everything(there.remote.clone(), there.clock.clone()).await;
    assert!(direct.len() > 90, "{} questions", direct.len());
    for (direct, remote) in direct.iter().zip(&remote) {
        assert_eq!(direct.0, remote.0);
        assert_eq!(direct.1, remote.1, "{}", direct.0);
    }
    assert_eq!(direct.len(), remote.len());
    let faults = direct.iter().filter(|(_, answer)| answer.get("fault").is_some()).count();
    assert!((10..direct.len() / 2).contains(&faults), "{faults} of them are refused");
    here.close().await;
    there.close().await;
}
