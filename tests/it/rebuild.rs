//! Every view is disposable: delete any of them, and every answer is what it was.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use wheelhouse::{
    door::{
        Caller, Door, Forgetting, ListOrder, ListRequest, MemoryPatch, NewMemory, SearchMode, SearchRequest,
        Upsert, ViewName,
    },
    hub::{Hub, HubDoor, HubOptions, JobOptions},
    model::{Actor, Fault, Id, MemoryFilter, Project, Projects, Status},
    tasks::Clock,
};

const RECORDS: usize = 10_000;
const BATCH: usize = 250;
const QUESTIONS: usize = 200;
/// A rebuild on a busy machine; reached only when it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

const WORDS: [&str; 40] = [
    "deploy",
    "failed",
    "rollback",
    "queue",
    "worker",
    "lock",
    "migration",
    "timeout",
    "retry",
    "backoff",
    "cache",
    "index",
    "segment",
    "fsync",
    "cursor",
    "stream",
    "token",
    "secret",
    "rotate",
    "alert",
    "disk",
    "full",
    "memory",
    "leak",
    "trace",
    "span",
    "schema",
    "column",
    "join",
    "vacuum",
    "shard",
    "replica",
    "leader",
    "quorum",
    "clock",
    "skew",
    "proxy",
    "header",
    "cookie",
    "session",
];

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn words(&mut self, n: usize) -> String {
        // Squared, so that some words are common and some are rare.
        (0..n)
            .map(|_| WORDS[self.below(WORDS.len()) * self.below(WORDS.len()) / WORDS.len()])
            .collect::<Vec<_>>()
            .join(" ")
    }
}

pub fn caller() -> Caller {
    Caller {
        actor: Actor("user:ada".into()),
        correlation: Id::NIL,
        session: None,
        tool: None,
        projects: Projects::All,
    }
}

pub fn start(dir: &Path, clock: &Clock) -> Arc<Hub> {
    let options = HubOptions {
        name: "test".into(),
        clock: clock.clone(),
        socket: None,
        listeners: vec![],
        attached: Arc::default(),
        segment_bytes: Some(1 << 20),
        retention: wheelhouse::store::Retention::default(),
        sampling: Default::default(),
        announce: false,
        jobs: JobOptions::default(),
    };
    Hub::start(dir, options).unwrap()
}

pub async fn all_ready(door: &HubDoor) {
    let ready = async {
        let ready = |status: wheelhouse::door::Status| {
            let views = [ViewName::Records, ViewName::Lexical].map(|name| status.view(name).cloned());
            views.into_iter().flatten().all(|state| state.is_ready())
        };
        while !ready(door.status().await.unwrap()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("the views come up");
}

/// Saves, edits, removes, restores and supersedes; answers the ids in the order of their making.
pub async fn fill(door: &HubDoor, clock: &Clock, records: usize) -> Vec<Id> {
    let mut numbers = Numbers(7);
    let mut ids = Vec::with_capacity(records);
    for batch in 0..records / BATCH {
        clock.advance(Duration::from_secs(60));
        let items = (0..BATCH).map(|i| NewMemory {
            title: numbers.words(3),
            content: format!(
                "# {}\n\n{}\n\n## {}\n\n{}",
                numbers.words(2),
                numbers.words(20),
                numbers.words(2),
                numbers.words(12)
            ),
            tags: vec![WORDS[numbers.below(8)].to_owned(), WORDS[numbers.below(WORDS.len())].to_owned()],
            kind: Some(["note", "howto", "gotcha"][numbers.below(3)].to_owned()),
            project: Some(Project::slug(["_", "north", "south"][numbers.below(3)])),
            url: Some(format!("file:///notes/{batch}/{i}.md")),
            ..NewMemory::default()
        });
        let upsert = Upsert { items: items.collect(), source: "test".into(), ..Upsert::default() };
        let done = door.upsert(&caller(), upsert).await.unwrap();
        ids.extend(done.items.into_iter().map(|item| item.id));
    }
    for turn in 0..records / 25 {
        clock.advance(Duration::from_secs(1));
        let id = ids[numbers.below(ids.len())];
        let Ok(memory) = door.get(&caller(), &[id]).await else { continue };
        let change = match turn % 5 {
            0 | 1 => {
                let patch = MemoryPatch { content: Some(numbers.words(15)), ..MemoryPatch::default() };
                door.edit(&caller(), id, patch, Some(memory[0].revision)).await.map(drop)
            }
            2 => door.forget(&caller(), id, Forgetting::Hide).await.map(drop),
            3 => {
                door.forget(&caller(), id, Forgetting::Hide).await.unwrap();
                door.restore(&caller(), id).await.map(drop)
            }
            _ if memory[0].status != Status::Superseded => {
                let new = NewMemory { content: numbers.words(15), ..NewMemory::default() };
                door.supersede(&caller(), id, new).await.map(|saved| ids.push(saved.memory.id))
            }
            _ => Ok(()),
        };
        change.unwrap();
    }
    ids
}

/// What the hub answers to a fixed list of questions, with the times it took left out.
pub async fn answers(door: &HubDoor, ids: &[Id]) -> Vec<Value> {
    answers_to(door, ids, QUESTIONS).await
}

/// To the first so many questions.
pub async fn answers_to(door: &HubDoor, ids: &[Id], questions: usize) -> Vec<Value> {
    let mut numbers = Numbers(11);
    let mut answers = Vec::with_capacity(questions);
    for question in 0..questions {
        let or_fault = |answer: Result<Value, Fault>| {
            answer.unwrap_or_else(|fault| json!({ "fault": fault.code, "message": fault.message }))
        };
        let answer = match question % 4 {
            0 | 1 => {
                let mut query = {
                    let count = 1 + numbers.below(4);
                    numbers.words(count)
                };
                match numbers.below(6) {
                    0 => query += " -retry",
                    1 => query = format!("\"{query}\""),
                    2 => query += " type:howto",
                    3 => query += " project:north",
                    4 => query += " status:superseded",
                    _ => query += " tag:lock",
                }
                let request = SearchRequest {
                    mode: SearchMode::Lexical,
                    query,
                    explain: question % 8 == 0,
                    limit: 30,
                    ..SearchRequest::default()
                };
                let found = door.search(&caller(), request).await;
                let mut answer = or_fault(found.map(|answer| json!(answer)));
                let fields = answer.as_object_mut().unwrap();
                fields.retain(|name, _| name != "took_ms" && name != "cached_ms");
                answer
            }
            2 => {
                let filter = MemoryFilter {
                    tags: if numbers.below(2) == 0 {
                        vec![WORDS[numbers.below(8)].to_owned()]
                    } else {
                        vec![]
                    },
                    kinds: if numbers.below(2) == 0 { vec!["gotcha".to_owned()] } else { vec![] },
                    ..MemoryFilter::default()
                };
                let order = if numbers.below(2) == 0 { ListOrder::Recent } else { ListOrder::Oldest };
                let forgotten = numbers.below(4) == 0;
                let request = ListRequest { filter, order, limit: 50, forgotten, ..ListRequest::default() };
                or_fault(door.list(&caller(), request).await.map(|page| json!(page)))
            }
            _ => {
                let id = ids[numbers.below(ids.len())];
                or_fault(door.get(&caller(), &[id]).await.map(|memories| json!(memories)))
            }
        };
        answers.push(answer);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_the_same_after_a_view_is_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed("2026-11-21T12:00:00Z".parse().unwrap());
    let hub = start(dir.path(), &clock);
    let door = HubDoor(hub.clone());
    let ids = fill(&door, &clock, RECORDS).await;
    all_ready(&door).await;
    let first = answers(&door, &ids).await;
    let hits = first
        .iter()
        .filter(|answer| answer["results"].as_array().is_some_and(|hits| !hits.is_empty()))
        .count();
    assert!(hits > QUESTIONS / 4, "the questions find something: {hits}");
    let degraded = first.iter().find(|answer| !answer["degraded_mode"].is_null());
    assert_eq!(degraded, None, "what is compared is the whole answer");
    hub.close().await;
    drop((door, hub));

    for views in [&["records"][..], &["lexical"], &["records", "lexical"]] {
        for view in views {
            std::fs::remove_dir_all(dir.path().join(view)).unwrap();
        }
        let hub = start(dir.path(), &clock);
        let door = HubDoor(hub.clone());
        all_ready(&door).await;
        compare(&first, &answers(&door, &ids).await, views);
        hub.close().await;
    }

    let hub = start(dir.path(), &clock);
    let door = HubDoor(hub.clone());
    for view in [ViewName::Records, ViewName::Lexical] {
        door.reindex(&caller(), view).await.unwrap();
        all_ready(&door).await;
        compare(&first, &answers(&door, &ids).await, &[view.word()]);
    }
    hub.close().await;
}

#[track_caller]
fn compare(before: &[Value], after: &[Value], views: &[&str]) {
    for (i, (before, after)) in before.iter().zip(after).enumerate() {
        assert!(before == after, "answer {i} after a rebuild of {views:?}:\n{before:#}\n{after:#}");
    }
}
