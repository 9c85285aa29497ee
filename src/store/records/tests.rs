//! The view against plain maps: whatever was applied, however it was cut into batches, both say the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    door::{ListOrder, ListRequest},
    model::{
        Actor, Change, Decision, DecisionNumber, Entry, EventDraft, Key as ApiKey, MemoryFilter, Projects,
        Severity, Status, Unique,
        job::{Job, JobState, Run, RunState, Slot},
    },
};

/// Numbers that look random and repeat with their seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

fn id(n: usize) -> Id {
    Id::from_bytes((n as u128 * 0x9e37_79b9_7f4a_7c15 + 1).to_be_bytes())
}

fn project(numbers: &mut Numbers) -> Project {
    Project::slug(numbers.one(&["_", "north", "south"]))
}

fn memory(n: usize, revision: u32, numbers: &mut Numbers) -> Memory {
    let content = format!("content {}", numbers.below(8));
    let mut memory: Memory = serde_json::from_value(json!({
        "id": id(n), "revision": revision, "created_at": Time::from_unix_ms(n as i64 % 7), "content": content,
        "updated_at": Time::from_unix_ms(numbers.below(20) as i64 - 10), "project": project(numbers),
        "content_hash": crate::model::content_hash(&content), "type": numbers.one(&["note", "Gotcha"]),
    }))
    .unwrap();
    memory.tags =
        ["Lock", "queue", "disk"].map(str::to_owned).into_iter().filter(|_| numbers.below(2) == 0).collect();
    memory.status = numbers.one(&Status::ALL);
    memory.expires_at = (numbers.below(3) == 0).then(|| Time::from_unix_ms(numbers.below(9) as i64));
    memory.origin.url = (numbers.below(2) == 0).then(|| format!("file:///{}/{n}", n % 3));
    memory
}

/// Ids of decisions are other ones than those of memories.
fn decision(n: usize, revision: u32, numbers: &mut Numbers) -> Decision {
    serde_json::from_value(json!({
        "id": id(1_000 + n), "revision": revision, "number": DecisionNumber(n as u32 + 1), "title": format!("choice {n}"),
        "created_at": Time::default(), "updated_at": Time::from_unix_ms(numbers.below(20) as i64 - 10),
    }))
    .unwrap()
}

fn job(n: usize, revision: u32) -> Job {
    serde_json::from_value(json!({
        "id": id(2_000 + n), "revision": revision, "slug": format!("job-{n}"), "created_at": Time::default(),
        "updated_at": Time::default(), "kind": { "builtin": "snapshot" },
    }))
    .unwrap()
}

fn key(n: usize, revision: u32) -> ApiKey {
    serde_json::from_value(json!({
        "id": id(4_000 + n), "revision": revision, "name": format!("key-{n}"), "short": format!("short{n:03}"),
        "hash": vec![n; 32], "scopes": ["memories:read"], "created_at": Time::default(), "created_by": "hub",
    }))
    .unwrap()
}

fn run(n: usize, revision: u32, numbers: &mut Numbers) -> Run {
    serde_json::from_value(json!({
        "id": id(3_000 + n), "revision": revision, "job": id(2_000 + n % 3), "trigger": "schedule",
        "slot": Slot::At(Time::from_unix_ms(n as i64)), "state": numbers.one(&RunState::ALL),
        "created_at": Time::from_unix_ms(n as i64 % 5), "updated_at": Time::default(),
    }))
    .unwrap()
}

/// What a scheduler might have said in one entry.
fn scheduled(numbers: &mut Numbers, revision: u32) -> Vec<Change> {
    let n = numbers.below(12);
    match numbers.below(5) {
        4 => vec![Change::Key { key: Box::new(key(n % 4, revision)) }],
        0 => vec![Change::Define { job: Box::new(job(n % 3, revision)) }],
        1 => {
            let state =
                json!({ "job": id(2_000 + n % 3), "revision": revision, "considered": Time::default() });
            vec![Change::Stand { state: Box::new(serde_json::from_value(state).unwrap()) }]
        }
        2 if numbers.below(3) == 0 => vec![Change::Pass { id: id(3_000 + n) }],
        _ => vec![Change::Run { run: Box::new(run(n, revision, numbers)) }],
    }
}

fn entry(sequence: u64, changes: Vec<Change>) -> Arc<Entry> {
    let draft = EventDraft {
        id: Id::NIL,
        kind: "memory.saved".into(),
        subject: "_.memory.saved".parse().unwrap(),
        time: Time::default(),
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::Info,
        sampled_rate: None,
        data: serde_json::Map::new(),
    };
    let at = Time::from_unix_ms(sequence as i64);
    Arc::new(Entry { events: vec![draft.placed(Sequence(sequence), at)], changes, idempotency_key: None })
}

/// Records in plain maps.
#[derive(Default)]
struct Plain {
    records: BTreeMap<Id, Stored>,
    touched: BTreeMap<Id, Vec<Sequence>>,
    forgotten_at: BTreeMap<Id, Time>,
    erasing: BTreeMap<Id, Vec<Sequence>>,
    decisions: BTreeMap<Id, Decision>,
    jobs: BTreeMap<Id, Job>,
    states: BTreeMap<Id, JobState>,
    runs: BTreeMap<Id, Run>,
    keys: BTreeMap<Id, ApiKey>,
}

impl Plain {
    fn apply(&mut self, entry: &Entry) {
        for change in &entry.changes {
            let id = change.id();
            match change {
                Change::Put { memory } | Change::Restore { memory } => {
                    let mut memory = memory.clone();
                    let mut hidden = false;
                    if let Some(old) = self.records.get(&id) {
                        (memory.access_count, memory.last_accessed) =
                            (old.memory.access_count, old.memory.last_accessed);
                        hidden = old.hidden && matches!(change, Change::Put { .. });
                    }
                    self.records.insert(id, Stored { memory, hidden });
                }
                Change::Forget { .. } => {
                    self.records.get_mut(&id).unwrap().hidden = true;
                    self.forgotten_at.insert(id, entry.recorded_at());
                }
                Change::Accessed { .. } => {
                    let memory = &mut self.records.get_mut(&id).unwrap().memory;
                    memory.access_count += 1;
                    memory.last_accessed = Some(entry.recorded_at());
                    continue;
                }
                Change::Counted { access_count, last_accessed, .. } => {
                    let memory = &mut self.records.get_mut(&id).unwrap().memory;
                    memory.access_count = memory.access_count.max(*access_count);
                    memory.last_accessed = memory.last_accessed.max(Some(*last_accessed));
                    continue;
                }
                Change::Erase { .. } => {
                    self.records.remove(&id);
                    let places = self.erasing.entry(id).or_default();
                    places.extend(self.touched.remove(&id).unwrap_or_default());
                    places.dedup();
                    continue;
                }
                Change::Erased { .. } => {
                    self.erasing.remove(&id);
                    continue;
                }
                Change::Decide { decision } => {
                    self.decisions.insert(id, (**decision).clone());
                }
                Change::Define { job } => {
                    self.jobs.insert(id, (**job).clone());
                }
                Change::Stand { state } => {
                    self.states.insert(id, (**state).clone());
                    continue;
                }
                Change::Run { run } => {
                    self.runs.insert(id, (**run).clone());
                    continue;
                }
                Change::Key { key } => {
                    self.keys.insert(id, (**key).clone());
                    continue;
                }
                Change::Pass { .. } => {
                    self.runs.remove(&id);
                    continue;
                }
            }
            self.touched.entry(id).or_default().push(entry.first());
        }
    }

    fn list(&self, request: &ListRequest, wall: &Projects) -> Vec<Id> {
        let mut filter = request.filter.clone();
        let origin = filter.origin.take();
        let mut rows: Vec<_> = self
            .records
            .values()
            .filter(|stored| stored.hidden == request.forgotten)
            .map(|stored| &stored.memory)
            .filter(|memory| wall.see(&memory.project) && filter.matches(memory))
            .filter(|memory| request.order != ListOrder::Due || memory.expires_at.is_some())
            .filter(|memory| {
                origin.as_ref().is_none_or(|origin| {
                    memory.origin.url.as_ref().is_some_and(|url| url.starts_with(origin))
                })
            })
            .collect();
        let newest = |memory: &Memory| -memory.updated_at.unix_ms();
        match request.order {
            _ if origin.is_some() => rows.sort_by_key(|m| (m.origin.url.clone(), m.project.clone())),
            _ if request.forgotten => {
                rows.sort_by_key(|m| (std::cmp::Reverse(self.forgotten_at[&m.id]), m.id));
            }
            ListOrder::Recent => rows.sort_by_key(|m| (newest(m), m.id)),
            ListOrder::Oldest => rows.sort_by_key(|m| (m.created_at, m.id)),
            ListOrder::Due => rows.sort_by_key(|m| (m.expires_at, m.id)),
        }
        rows.into_iter().map(|memory| memory.id).collect()
    }
}

fn history(seed: u64, length: usize) -> Vec<Arc<Entry>> {
    let mut numbers = Numbers(seed);
    let mut made: Vec<Memory> = Vec::new();
    let mut gone = BTreeSet::new();
    let mut decided: Vec<u32> = Vec::new();
    let mut entries = Vec::new();
    for sequence in 1..=length as u64 {
        let mut changes = Vec::new();
        if numbers.below(3) == 0 {
            let n = numbers.below(decided.len() + 1);
            decided.resize(decided.len().max(n + 1), 0);
            decided[n] += 1;
            changes.extend(scheduled(&mut numbers, sequence as u32));
            changes.push(Change::Decide { decision: Box::new(decision(n, decided[n], &mut numbers)) });
        }
        for _ in 0..=numbers.below(3) {
            if made.is_empty() || numbers.below(3) == 0 {
                made.push(memory(made.len(), 1, &mut numbers));
                changes.push(Change::Put { memory: made.last().unwrap().clone() });
                continue;
            }
            let n = numbers.below(made.len());
            // Once in an entry: a second time would be the same reading of it.
            let once = changes.iter().all(|change: &Change| change.id() != id(n));
            if gone.contains(&n) {
                changes.extend(once.then_some(Change::Erased { id: id(n) }));
                continue;
            }
            changes.push(match numbers.below(7) {
                0 => Change::Forget { id: id(n) },
                1 => Change::Restore { memory: made[n].clone() },
                2 if once => Change::Accessed { id: id(n) },
                3 if once => Change::Counted {
                    id: id(n),
                    access_count: numbers.below(5) as u64,
                    last_accessed: Time::from_unix_ms(numbers.below(60) as i64),
                },
                4 => {
                    gone.insert(n);
                    Change::Erase { id: id(n) }
                }
                _ => {
                    made[n] = memory(n, made[n].revision + 1, &mut numbers);
                    Change::Put { memory: made[n].clone() }
                }
            });
        }
        entries.push(entry(sequence, changes));
    }
    entries
}

fn request(numbers: &mut Numbers) -> (ListRequest, Projects) {
    let mut some = |of: &[&str]| -> Vec<String> {
        if numbers.below(2) == 0 {
            vec![]
        } else {
            of.iter().filter(|_| numbers.below(2) == 0).map(|s| (*s).to_owned()).collect()
        }
    };
    let (kinds, tags) = (some(&["note", "gotcha"]), some(&["lock", "queue"]));
    let statuses = if numbers.below(2) == 0 {
        vec![]
    } else {
        vec![numbers.one(&Status::ALL), numbers.one(&Status::ALL)]
    };
    let mut projects = || match numbers.below(3) {
        0 => Projects::Only(vec![project(numbers), project(numbers)]),
        _ => Projects::All,
    };
    let (seen, wall) = (projects(), projects());
    let filter = MemoryFilter {
        kinds,
        tags,
        statuses,
        projects: seen,
        origin: (numbers.below(5) == 0).then(|| format!("file:///{}", numbers.below(3))),
        ..MemoryFilter::default()
    };
    let order = numbers.one(&[ListOrder::Recent, ListOrder::Oldest, ListOrder::Due]);
    (ListRequest { filter, order, forgotten: numbers.below(4) == 0, ..ListRequest::default() }, wall)
}

/// Every page of a list, each of `limit`.
fn pages(records: &Records, mut request: ListRequest, wall: &Projects, limit: usize) -> Vec<Id> {
    let mut ids = Vec::new();
    loop {
        let page = records.list(&request, wall, limit).unwrap();
        assert!(page.found.len() <= limit);
        ids.extend(page.found.iter().map(|found| found.stored.memory.id));
        request.after = page.next;
        if request.after.is_none() {
            return ids;
        }
    }
}

fn opened(dir: &Path) -> (Records, Meta) {
    Records::open(dir, LogId(uuid::Uuid::nil()), 1).unwrap()
}

fn compare(records: &Records, meta: &Meta, plain: &Plain, seed: u64) {
    let mut numbers = Numbers(seed);
    let all: Vec<Stored> = plain.records.values().cloned().collect();
    let mut scanned = Vec::new();
    records
        .scan(&mut |found| {
            scanned.push(found.stored);
            true
        })
        .unwrap();
    assert_eq!(scanned, all);
    let hidden = all.iter().filter(|stored| stored.hidden).count() as u64;
    assert_eq!((meta.memories, meta.forgotten), (all.len() as u64 - hidden, hidden));
    for stored in &all {
        let Memory { id, revision, project, origin, content_hash, .. } = &stored.memory;
        assert_eq!(records.get(*id).unwrap().unwrap().stored, *stored);
        assert_eq!(
            records.standing(*id).unwrap(),
            Some(Standing { revision: *revision, hidden: stored.hidden })
        );
        let mut touched = plain.touched[id].clone();
        touched.dedup();
        assert_eq!(records.touched(*id).unwrap(), touched);
        if let Some(url) = &origin.url {
            assert_eq!(records.by_url(project, url).unwrap().unwrap().stored, *stored);
        }
        let same = all.iter().filter(|other| !other.hidden && other.memory.content_hash == *content_hash);
        assert_eq!(
            records.by_hash(content_hash).unwrap(),
            same.map(|other| other.memory.id).collect::<Vec<_>>()
        );
    }
    assert_eq!(records.erasing().unwrap(), plain.erasing);
    compare_decisions(records, meta, plain);
    compare_jobs(records, plain);
    let until = Time::from_unix_ms(30);
    let mut hidden: Vec<Id> =
        all.iter().filter(|stored| stored.hidden).map(|stored| stored.memory.id).collect();
    hidden.retain(|id| plain.forgotten_at[id] <= until);
    hidden.sort_by_key(|id| (std::cmp::Reverse(plain.forgotten_at[id]), *id));
    assert_eq!(records.hidden_until(until, 1_000).unwrap(), hidden);
    for _ in 0..40 {
        let (request, wall) = request(&mut numbers);
        let expected = plain.list(&request, &wall);
        let limit = 1 + numbers.below(5);
        assert_eq!(pages(records, request.clone(), &wall, limit), expected, "{request:?} {wall:?}");
    }
    compare_keys(records, plain);
}

fn compare_keys(records: &Records, plain: &Plain) {
    for (id, key) in &plain.keys {
        assert_eq!(records.holder::<ApiKey>(&Unique::Key(key.short.clone())).unwrap().as_ref(), Some(key));
        let standing = Standing { revision: key.revision, hidden: false };
        assert_eq!(records.standing(*id).unwrap(), Some(standing));
    }
    let mut found = Vec::new();
    records.all_kept(&mut |key: ApiKey| found.push(key)).unwrap();
    assert_eq!(found, plain.keys.values().cloned().collect::<Vec<_>>());
}

fn compare_decisions(records: &Records, meta: &Meta, plain: &Plain) {
    assert_eq!(meta.decisions, plain.decisions.len() as u64);
    for (id, decision) in &plain.decisions {
        let number = Unique::Number(decision.number);
        assert_eq!(records.kept::<Decision>(*id).unwrap().as_ref(), Some(decision));
        assert_eq!(records.holder::<Decision>(&number).unwrap().as_ref(), Some(decision));
        assert!(records.is_taken(&number).unwrap());
        let standing = Standing { revision: decision.revision, hidden: false };
        assert_eq!(records.standing(*id).unwrap(), Some(standing));
        assert_eq!(records.touched(*id).unwrap(), plain.touched[id]);
    }
    assert!(!records.is_taken(&Unique::Number(DecisionNumber(0))).unwrap());
    let walk = |order: u8, from: usize| {
        let (mut found, mut places) = (Vec::new(), Vec::new());
        let mut each = |place: &[u8], decision: Decision| {
            places.push(place.to_vec());
            found.push(decision);
            true
        };
        records.walk(&[order], None, &mut each).unwrap();
        // From any place on the rest follows.
        if let Some(place) = places.get(from) {
            let mut rest = Vec::new();
            records
                .walk(&[order], Some(place), &mut |_, decision: Decision| {
                    rest.push(decision);
                    true
                })
                .unwrap();
            assert_eq!(rest, found[from + 1..]);
        }
        found
    };
    let mut expected: Vec<Decision> = plain.decisions.values().cloned().collect();
    expected.sort_by_key(|one| (std::cmp::Reverse(one.updated_at), one.id));
    assert_eq!(walk(UPDATED, expected.len() / 2), expected);
    expected.sort_by_key(|one| std::cmp::Reverse(one.number));
    assert_eq!(walk(NUMBERS, 0), expected);
}

fn compare_jobs(records: &Records, plain: &Plain) {
    let mut jobs = Vec::new();
    records.all_kept(&mut |job: Job| jobs.push(job)).unwrap();
    assert_eq!(jobs, plain.jobs.values().cloned().collect::<Vec<_>>());
    for job in &jobs {
        assert_eq!(records.holder::<Job>(&Unique::Slug(job.slug.clone())).unwrap().as_ref(), Some(job));
        assert_eq!(records.touched(job.id).unwrap(), plain.touched[&job.id]);
        // Its state has the same id, and is no revision of it.
        let standing = Standing { revision: job.revision, hidden: false };
        assert_eq!(records.standing(job.id).unwrap(), Some(standing));
    }
    let state = |n: usize| records.kept::<JobState>(id(2_000 + n)).unwrap();
    let states: Vec<JobState> = (0..3).filter_map(state).collect();
    assert_eq!(states.len(), plain.states.len());
    assert!(states.iter().all(|state| plain.states[&state.job] == *state));
    let walk = |order: u8, job: Id| {
        let mut found = Vec::new();
        let mut each = |_: &[u8], run: Run| {
            found.push(run);
            true
        };
        records.walk(&[&[order], &job.as_bytes()[..]].concat(), None, &mut each).unwrap();
        found
    };
    for job in (0..3).map(|n| id(2_000 + n)) {
        let mut runs: Vec<Run> = plain.runs.values().filter(|run| run.job == job).cloned().collect();
        runs.sort_by_key(|run| (std::cmp::Reverse(run.created_at), run.id));
        assert_eq!(walk(OF_JOB, job), runs);
        let of = |kept: fn(&Run) -> bool| runs.iter().filter(|run| kept(run)).cloned().collect::<Vec<_>>();
        assert_eq!(walk(LIVE, job), of(|run| run.state.is_live()));
        assert_eq!(walk(DEAD, job), of(|run| run.state == RunState::Dead));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_view_says_what_plain_maps_say(seed in any::<u64>()) {
        let entries = history(seed, 60);
        let mut plain = Plain::default();
        entries.iter().for_each(|entry| plain.apply(entry));

        let dir = tempfile::tempdir().unwrap();
        let (applied, mut meta) = opened(&dir.path().join("applied"));
        let mut numbers = Numbers(seed);
        apply(&applied, &entries, &mut meta, &mut numbers);
        compare(&applied, &meta, &plain, seed);

        let (records, begun) = opened(&dir.path().join("filled"));
        let filled = filled(&records, begun, &entries, &mut numbers);
        prop_assert_eq!(filled.applied, Sequence(60));
        compare(&records, &filled, &plain, seed);

        let (records, begun) = opened(&dir.path().join("restored"));
        let mut filling = Filling::in_steps(&records, begun, 5_000).unwrap();
        applied.primary(&mut |key, value| filling.restore(key, value).is_ok()).unwrap();
        filling.restored(meta.applied);
        let restored = filling.finish(&|| true).unwrap().unwrap();
        prop_assert_eq!(restored, meta);
        compare(&records, &restored, &plain, seed);
    }

    #[test]
    fn a_made_view_changes_as_one_that_grew(seed in any::<u64>()) {
        let entries = history(seed, 80);
        let mut numbers = Numbers(seed);
        let mut plain = Plain::default();
        let dir = tempfile::tempdir().unwrap();
        let (records, meta) = opened(dir.path());
        let (before, after) = entries.split_at(40);
        let mut meta = filled(&records, meta, before, &mut numbers);
        before.iter().for_each(|entry| plain.apply(entry));
        for entries in after.chunks(20) {
            apply(&records, entries, &mut meta, &mut numbers);
            entries.iter().for_each(|entry| plain.apply(entry));
            compare(&records, &meta, &plain, seed);
        }
    }
}

/// Applies them, cut anywhere.
fn apply(records: &Records, entries: &[Arc<Entry>], meta: &mut Meta, numbers: &mut Numbers) {
    let mut rest = entries;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(1 + numbers.below(rest.len()));
        let before = *meta;
        Applying::apply(records, now, meta).unwrap();
        // As after a crash that kept the rows and lost the position.
        if numbers.below(3) == 0 {
            let mut again = Meta { applied: before.applied, ..*meta };
            Applying::apply(records, now.last().map(std::slice::from_ref).unwrap(), &mut again).unwrap();
        }
        rest = later;
    }
}

/// Made of them, in many steps or in one.
fn filled(records: &Records, meta: Meta, entries: &[Arc<Entry>], numbers: &mut Numbers) -> Meta {
    let step_bytes = numbers.one(&[3_000, 1 << 20]);
    let mut filling = Filling::in_steps(records, meta, step_bytes).unwrap();
    entries.chunks(7).for_each(|entries| filling.apply(entries).unwrap());
    filling.finish(&|| true).unwrap().unwrap()
}

#[test]
fn a_view_whose_making_was_cut_short_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (records, meta) = opened(dir.path());
    drop(Filling::begin(&records, meta).unwrap());
    drop(records);
    let again = Records::open(dir.path(), LogId(uuid::Uuid::nil()), 1);
    assert!(matches!(again.err(), Some(RecordsError::Unfinished)));
}

#[test]
fn a_key_that_was_used_again_outlives_its_first_use() {
    let dir = tempfile::tempdir().unwrap();
    let (records, mut meta) = opened(dir.path());
    let day = IDEMPOTENCY_MS as u64;
    for at in [1, day + 10] {
        let mut used = Arc::unwrap_or_clone(entry(at, vec![]));
        used.idempotency_key = Some("again".into());
        Applying::apply(&records, &[Arc::new(used)], &mut meta).unwrap();
    }
    let now = Time::from_unix_ms(IDEMPOTENCY_MS + 20);
    records.prune(now).unwrap();
    assert_eq!(records.idempotent("again", now).unwrap(), Some(Sequence(day + 10)));
    let later = Time::from_unix_ms(2 * IDEMPOTENCY_MS + 20);
    records.prune(later).unwrap();
    assert_eq!(records.idempotent("again", Time::from_unix_ms(IDEMPOTENCY_MS + 20)).unwrap(), None);
}

#[test]
fn a_page_of_another_list_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (records, _) = opened(dir.path());
    for page in ["", "r", "r00", "c", "x", "ré", "d000000000000000000000000000000000000000000000000"] {
        let request = ListRequest { after: Some(page.to_owned()), ..ListRequest::default() };
        assert!(records.list(&request, &Projects::All, 5).is_err(), "{page:?}");
    }
}
