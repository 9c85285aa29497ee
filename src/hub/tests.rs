//! The hub through its door: real store, real index, a clock that stands still.

mod health;
mod jobs;

use std::time::Duration;

use futures::StreamExt;
use serde_json::json;

use super::*;
use crate::{
    door::{Decisions, NewDecision, Order, UpsertedAs},
    model::{Actor, Code, DecisionRef, EventFilter, MemoryFilter, Project, Projects, Status as MemoryStatus},
};

struct Bench {
    dir: tempfile::TempDir,
    hub: Arc<Hub>,
    door: HubDoor,
    clock: Clock,
}

impl Bench {
    fn new() -> Bench {
        Bench::at(tempfile::tempdir().unwrap(), Clock::fixed("2026-11-21T12:00:00Z".parse().unwrap()))
    }

    fn at(dir: tempfile::TempDir, clock: Clock) -> Bench {
        let options = HubOptions {
            name: "test".into(),
            clock: clock.clone(),
            socket: None,
            listeners: vec![],
            attached: Arc::default(),
            segment_bytes: Some(64 << 10),
            retention: Retention::default(),
            sampling: Default::default(),
            announce: false,
            jobs: JobOptions::default(),
        };
        let hub = Hub::start(dir.path(), options).unwrap();
        Bench { dir, door: HubDoor(hub.clone()), hub, clock }
    }

    async fn reopened(self) -> Bench {
        self.hub.close().await;
        let Bench { dir, clock, door, hub } = self;
        drop((door, hub));
        Bench::at(dir, clock)
    }

    async fn add(&self, content: &str) -> Memory {
        self.clock.advance(Duration::from_secs(1));
        self.door
            .add(&ada(), NewMemory { content: content.into(), ..NewMemory::default() })
            .await
            .unwrap()
            .memory
    }

    async fn found(&self, query: &str) -> Vec<Id> {
        let request = SearchRequest { query: query.into(), ..SearchRequest::default() };
        self.door.search(&ada(), request).await.unwrap().results.iter().map(|hit| hit.id).collect()
    }

    /// Types of the events, oldest first.
    async fn told(&self) -> Vec<String> {
        let query = EventQuery { order: Order::Asc, limit: 1_000, ..EventQuery::default() };
        self.door.events(&ada(), query).await.unwrap().events.into_iter().map(|event| event.kind).collect()
    }
}

fn ada() -> Caller {
    Caller {
        actor: Actor("user:ada".into()),
        correlation: Id::NIL,
        session: None,
        tool: None,
        projects: Projects::All,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_is_kept_found_changed_hidden_and_brought_back() {
    let bench = Bench::new();
    let memory = bench.add("Roll back before you restart workers").await;
    assert_eq!(bench.found("restarting").await, [memory.id]);

    let patch = MemoryPatch { content: Some("Drain the queue first".into()), ..MemoryPatch::default() };
    let edited = bench.door.edit(&ada(), memory.id, patch.clone(), Some(1)).await.unwrap().memory;
    assert_eq!((edited.revision, edited.title.as_str()), (2, "Drain the queue first"));
    let stale = bench.door.edit(&ada(), memory.id, patch.clone(), Some(1)).await.unwrap_err();
    assert_eq!(stale.code, Code::Conflict);
    let same = bench.door.edit(&ada(), memory.id, patch, None).await.unwrap().memory;
    assert_eq!(same.revision, 2, "an edit that changes nothing is no revision");
    assert_eq!((bench.found("restart").await, bench.found("drain").await), (vec![], vec![memory.id]));

    bench.door.forget(&ada(), memory.id, Forgetting::Hide).await.unwrap();
    assert_eq!(bench.found("drain").await, []);
    assert_eq!(bench.door.get(&ada(), &[memory.id]).await.unwrap_err().code, Code::NotFound);
    assert_eq!(
        bench.door.forget(&ada(), memory.id, Forgetting::Hide).await.unwrap_err().code,
        Code::NotFound
    );

    bench.door.restore(&ada(), memory.id).await.unwrap();
    assert_eq!(bench.found("drain").await, [memory.id]);
    assert_eq!(bench.door.restore(&ada(), memory.id).await.unwrap_err().code, Code::Conflict);

    let history = bench.door.history(&ada(), memory.id).await.unwrap();
    let kinds: Vec<_> = history.iter().map(|revision| revision.event.as_str()).collect();
    assert_eq!(kinds, ["memory.restored", "memory.forgotten", "memory.updated", "memory.saved"]);
    assert_eq!(history[3].memory.as_ref(), Some(&memory));

    let bench = bench.reopened().await;
    assert_eq!(bench.found("drain").await, [memory.id]);
    assert_eq!(bench.door.get(&ada(), &[memory.id]).await.unwrap()[0].revision, 2);
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_supersedes_takes_the_place_in_one_commit() {
    let bench = Bench::new();
    let old = bench.add("The limit is ten").await;
    let new = NewMemory { content: "The limit is twelve".into(), ..NewMemory::default() };
    let heir = bench.door.supersede(&ada(), old.id, new.clone()).await.unwrap().memory;
    assert_eq!(heir.supersedes, [old.id]);
    let before = bench.door.get(&ada(), &[old.id]).await.unwrap().remove(0);
    assert_eq!((before.status, before.superseded_by), (MemoryStatus::Superseded, Some(heir.id)));
    assert_eq!(bench.found("limit").await, [heir.id]);
    assert_eq!(bench.found("limit status:superseded").await, [old.id]);
    assert_eq!(bench.door.supersede(&ada(), old.id, new).await.unwrap_err().code, Code::Conflict);
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_with_the_same_key_saves_once() {
    let bench = Bench::new();
    let new = NewMemory { content: "once".into(), idempotency_key: Some("k".into()), ..NewMemory::default() };
    let first = bench.door.add(&ada(), new.clone()).await.unwrap().memory;
    let again = bench.door.add(&ada(), new.clone()).await.unwrap().memory;
    assert_eq!(first, again);
    let heir =
        NewMemory { content: "anew".into(), idempotency_key: Some("h".into()), ..NewMemory::default() };
    let superseded = bench.door.supersede(&ada(), first.id, heir.clone()).await.unwrap().memory;
    assert_eq!(bench.door.supersede(&ada(), first.id, heir.clone()).await.unwrap().memory, superseded);
    let other = NewMemory { idempotency_key: Some("other".into()), ..heir };
    assert_eq!(bench.door.supersede(&ada(), first.id, other).await.unwrap_err().code, Code::Conflict);
    let new_decision = |title: &str, key: &str| NewDecision {
        title: title.into(),
        idempotency_key: Some(key.into()),
        ..NewDecision::default()
    };
    let old = bench.door.decide(&ada(), new_decision("Old", "d")).await.unwrap().decision;
    let named = || DecisionRef::Id(old.id);
    let new_one = || new_decision("New", "n");
    let heir = bench.door.supersede_decision(&ada(), named(), new_one()).await.unwrap().decision;
    assert_eq!(bench.door.supersede_decision(&ada(), named(), new_one()).await.unwrap().decision, heir);
    let refused = bench.door.supersede_decision(&ada(), named(), new_decision("New", "x")).await;
    assert_eq!(refused.unwrap_err().code, Code::Conflict);
    let bench = bench.reopened().await;
    assert_eq!(bench.door.supersede_decision(&ada(), named(), new_one()).await.unwrap().decision.id, heir.id);
    assert_eq!(bench.door.add(&ada(), new).await.unwrap().memory.id, first.id);
    assert_eq!(bench.door.list(&ada(), ListRequest::default()).await.unwrap().memories.len(), 1);
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_known_by_its_urls() {
    let bench = Bench::new();
    let item = |url: &str, content: &str| NewMemory {
        url: Some(url.into()),
        content: content.into(),
        ..NewMemory::default()
    };
    let batch = |items: Vec<NewMemory>| Upsert { items, source: "test".into(), ..Upsert::default() };
    let outcomes = async |items| {
        let done = bench.door.upsert(&ada(), batch(items)).await.unwrap();
        done.items.into_iter().map(|item| (item.id, item.outcome)).collect::<Vec<_>>()
    };
    let first = outcomes(vec![item("file:///a", "one"), item("file:///b", "two")]).await;
    assert_eq!(first.iter().map(|item| item.1).collect::<Vec<_>>(), [UpsertedAs::Taken; 2]);
    let again = outcomes(vec![item("file:///a", "one"), item("file:///b", "two, edited")]).await;
    assert_eq!(again, [(first[0].0, UpsertedAs::Unchanged), (first[1].0, UpsertedAs::Changed)]);
    let twice = outcomes(vec![item("file:///c", "early"), item("file:///c", "late")]).await;
    assert_eq!(twice[0].0, twice[1].0);
    assert_eq!(bench.door.get(&ada(), &[twice[0].0]).await.unwrap()[0].content, "late");

    bench.door.forget(&ada(), first[0].0, Forgetting::Hide).await.unwrap();
    let hidden = outcomes(vec![item("file:///a", "one, edited")]).await;
    assert_eq!(hidden, [(first[0].0, UpsertedAs::Unchanged)], "what was removed stays removed");

    let nameless = batch(vec![NewMemory { content: "x".into(), ..NewMemory::default() }]);
    assert_eq!(bench.door.upsert(&ada(), nameless).await.unwrap_err().code, Code::Invalid);
    let finished = Some(json!({ "taken": 3 }).as_object().unwrap().clone());
    let done = Upsert { finished, project: Some(Project::slug("team")), ..batch(vec![]) };
    bench.door.upsert(&ada(), done.clone()).await.unwrap();
    let told = bench.door.events(&ada(), EventQuery { limit: 1, ..EventQuery::default() }).await.unwrap();
    assert_eq!(told.events[0].subject.to_string(), "team.source.synced");
    let walled = Caller { projects: Projects::with_none(Project::slug("other")), ..ada() };
    assert_eq!(bench.door.upsert(&walled, done).await.unwrap_err().code, Code::Denied);
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wall_holds_in_every_answer() {
    let bench = Bench::new();
    let inside =
        NewMemory { content: "deploy key".into(), project: Some(Project::slug("a")), ..NewMemory::default() };
    let outside = NewMemory {
        content: "deploy secret".into(),
        project: Some(Project::slug("b")),
        ..NewMemory::default()
    };
    let kept = bench.door.add(&ada(), inside).await.unwrap().memory;
    let walled = bench.door.add(&ada(), outside.clone()).await.unwrap().memory;
    let bob = Caller { projects: Projects::Only(vec![Project::slug("a")]), ..ada() };

    let answer = bench
        .door
        .search(&bob, SearchRequest { query: "deploy".into(), ..Default::default() })
        .await
        .unwrap();
    assert_eq!(
        (answer.results.iter().map(|hit| hit.id).collect::<Vec<_>>(), answer.total),
        (vec![kept.id], 1)
    );
    let page = bench.door.list(&bob, ListRequest::default()).await.unwrap();
    assert_eq!(page.memories.iter().map(|memory| memory.id).collect::<Vec<_>>(), [kept.id]);
    assert_eq!(bench.door.get(&bob, &[walled.id]).await.unwrap_err().code, Code::NotFound);
    assert_eq!(bench.door.forget(&bob, walled.id, Forgetting::Hide).await.unwrap_err().code, Code::NotFound);
    assert_eq!(bench.door.add(&bob, outside).await.unwrap_err().code, Code::Denied);
    let events = bench.door.events(&bob, EventQuery::default()).await.unwrap().events;
    assert!(events.iter().all(|event| event.subject.project() == "a") && !events.is_empty());
    let stats = bench.door.event_stats(&bob, EventQuery::default()).await.unwrap();
    assert_eq!(stats.counts.get("memory.saved"), Some(&1));
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_history_join_without_a_gap() {
    let bench = Bench::new();
    for i in 0..25 {
        bench.add(&format!("note {i}")).await;
    }
    for order in [Order::Asc, Order::Desc] {
        let whole = EventQuery { order, limit: 1_000, ..EventQuery::default() };
        let whole = bench.door.events(&ada(), whole).await.unwrap();
        assert_eq!(whole.next, None);
        let (mut joined, mut next) = (Vec::new(), None);
        loop {
            let (after, before) = if order == Order::Asc { (next, None) } else { (None, next) };
            let query = EventQuery { order, limit: 7, after, before, ..EventQuery::default() };
            let page = bench.door.events(&ada(), query).await.unwrap();
            joined.extend(page.events);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(joined, whole.events, "{order:?}");
        assert_eq!(joined.len(), 25);
    }
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_joins_the_past_to_the_present() {
    let bench = Bench::new();
    bench.add("one").await;
    let start = bench.door.status().await.unwrap().head;
    bench.add("two").await;
    let filter = EventFilter { patterns: vec!["*.memory.*".parse().unwrap()], ..EventFilter::default() };
    let request = StreamRequest { filter, after: Some(start) };
    let mut stream = bench.door.stream(&ada(), request).await.unwrap();
    let mut seen = Vec::new();
    let mut caught_up = false;
    while seen.len() < 2 {
        match stream.next().await.unwrap().unwrap() {
            StreamItem::Start { cursor } => assert_eq!(cursor, start),
            StreamItem::Event { cursor, event } => {
                assert_eq!(cursor.sequence, event.sequence);
                seen.push(event.text("title").unwrap().to_owned());
            }
            StreamItem::CaughtUp { .. } => {
                caught_up = true;
                bench.add("three").await;
            }
            StreamItem::Heartbeat { status } => assert_eq!(status.hub, "test"),
            StreamItem::Gap { .. } => panic!("nothing is missing"),
        }
    }
    assert!(caught_up);
    assert_eq!(seen, ["two", "three"]);

    let elsewhere = crate::model::Cursor { epoch: start.epoch + 1, ..start };
    let request = StreamRequest { after: Some(elsewhere), ..StreamRequest::default() };
    let mut stream = bench.door.stream(&ada(), request).await.unwrap();
    stream.next().await;
    let gap = stream.next().await.unwrap().unwrap();
    assert!(matches!(gap, StreamItem::Gap { reason, .. } if reason == "history_changed"));
    bench.hub.close().await;
    assert!(stream.any(async |item| item.is_err()).await.eq(&false), "a stream ends with its hub");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opened_hit_is_counted_without_a_revision() {
    let bench = Bench::new();
    let memory = bench.add("counted").await;
    bench.door.opened(&ada(), memory.id, "count").await.unwrap();
    let mut head = bench.hub.store.head();
    head.wait_for(|head| head.0 >= 2).await.unwrap();
    let read = bench.door.get(&ada(), &[memory.id]).await.unwrap().remove(0);
    assert_eq!((read.access_count, read.revision, read.last_accessed), (1, 1, Some(bench.clock.now())));
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_holds_every_record_and_event() {
    let bench = Bench::new();
    let kept = bench.add("kept").await;
    let hidden = bench.add("hidden").await;
    bench.door.forget(&ada(), hidden.id, Forgetting::Hide).await.unwrap();
    let lines: Vec<_> = bench.door.export(&ada()).await.unwrap().map(Result::unwrap).collect().await;
    let mut records: Vec<_> = lines
        .iter()
        .filter_map(|line| match line {
            ExportLine::Memory { memory, forgotten } => Some((memory.id, *forgotten)),
            ExportLine::Decision { .. } | ExportLine::Event { .. } => None,
        })
        .collect();
    records.sort();
    assert_eq!(records, [(kept.id, false), (hidden.id, true)]);
    assert_eq!(lines.len(), 2 + 3);
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_follow_their_filter() {
    let bench = Bench::new();
    let archived = bench.add("old").await;
    let kept = bench.add("new").await;
    let patch = MemoryPatch { status: Some(MemoryStatus::Archived), ..MemoryPatch::default() };
    bench.door.edit(&ada(), archived.id, patch, None).await.unwrap();
    let ids = async |filter| {
        let request = ListRequest { filter, ..ListRequest::default() };
        let page = bench.door.list(&ada(), request).await.unwrap();
        page.memories.into_iter().map(|memory| memory.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(MemoryFilter::default()).await, [kept.id]);
    let asked = MemoryFilter { statuses: vec![MemoryStatus::Archived], ..MemoryFilter::default() };
    assert_eq!(ids(asked).await, [archived.id]);
    assert_eq!(bench.told().await.last().unwrap(), "memory.archived");
    bench.hub.close().await;
}
