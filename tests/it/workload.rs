//! What a child does to a store, what it says about it, and what must be true of the directory that it leaves behind,
//! whatever ended it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Write,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::Map;
use wheelhouse::{
    door::ListRequest,
    model::{
        Actor, Change, Commit, EventDraft, Id, Memory, Precondition, Projects, Sequence, Severity,
        content_hash,
    },
    store::{Overseer, Retention, Store, StoreOptions, StoreState},
    tasks::Clock,
};

use crate::harness::PATIENCE;

/// Every memory of a workload has it.
pub const TAG: &str = "workload";
/// A body that the record view leaves in the log.
const LONG_BYTES: usize = 40 << 10;

/// Numbers that look random and repeat with their seed.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone already; then there is no one to tell.
    drop(out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()));
}

fn draft(clock: &Clock, id: Id, kind: &str) -> EventDraft {
    EventDraft {
        id: clock.id(),
        kind: kind.into(),
        subject: format!("_.{kind}").parse().unwrap(),
        time: clock.now(),
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::Info,
        sampled_rate: None,
        data: Map::from_iter([("id".to_owned(), id.to_string().into())]),
    }
}

pub fn memory(clock: &Clock, content: String) -> Memory {
    serde_json::from_value(serde_json::json!({
        "id": clock.id(), "created_at": clock.now(), "updated_at": clock.now(), "revision": 1,
        "content_hash": content_hash(&content), "content": content, "tags": [TAG],
    }))
    .unwrap()
}

fn text(numbers: &mut Numbers, beginning: &str) -> String {
    let bytes = if numbers.below(16) == 0 { LONG_BYTES } else { numbers.below(600) };
    let mut text = format!("{beginning} {}", numbers.below(1 << 30));
    while text.len() < bytes {
        text += &format!(" word{}", numbers.below(1_000));
    }
    text
}

/// What a producer knows of a record of its own.
#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Seen,
    Hidden,
    Erased,
}

/// One step of a producer: a change of one record, with what must hold before it and the record after it.
fn step(
    clock: &Clock,
    numbers: &mut Numbers,
    before: Option<(Memory, Standing)>,
) -> (Change, Precondition, &'static str, (Memory, Standing)) {
    let Some((mut memory, standing)) = before else {
        let new = memory(clock, text(numbers, "note"));
        let absent = Precondition::Absent { id: new.id };
        return (Change::Put { memory: new.clone() }, absent, "memory.saved", (new, Standing::Seen));
    };
    let id = memory.id;
    if standing == Standing::Hidden {
        let holds = Precondition::Hidden { id, hidden: true };
        if numbers.below(2) == 0 {
            return (Change::Erase { id }, holds, "memory.erased", (memory, Standing::Erased));
        }
        let restored = (memory.clone(), Standing::Seen);
        return (Change::Restore { memory }, holds, "memory.restored", restored);
    }
    if numbers.below(3) == 0 {
        let holds = Precondition::Hidden { id, hidden: false };
        return (Change::Forget { id }, holds, "memory.forgotten", (memory, Standing::Hidden));
    }
    let holds = Precondition::Revision { id, revision: memory.revision };
    memory.revision += 1;
    memory.content = text(numbers, &format!("revision {}", memory.revision));
    memory.content_hash = content_hash(&memory.content);
    (Change::Put { memory: memory.clone() }, holds, "memory.updated", (memory, Standing::Seen))
}

/// Saves, edits, hides, restores and erases its own records, one or two in a commit, and says before each commit what it will
/// make and after it what was acknowledged.
pub async fn produce(store: Store, clock: Clock, seed: u64, commits: usize) {
    let mut numbers = Numbers(seed);
    let mut own: Vec<(Memory, Standing)> = Vec::new();
    for _ in 0..commits {
        let mut picks: Vec<Option<usize>> = Vec::new();
        for _ in 0..[0, 1, 1, 1, 1, 2][numbers.below(6)] {
            let pick = (!own.is_empty() && numbers.below(3) != 0).then(|| numbers.below(own.len()));
            if pick.is_none() || !picks.contains(&pick) {
                picks.push(pick);
            }
        }
        let mut commit = Commit::default();
        let mut states = String::new();
        let mut after = Vec::new();
        for pick in &picks {
            let before = pick.map(|i| own[i].clone());
            let (change, precondition, kind, (memory, standing)) = step(&clock, &mut numbers, before);
            let hidden = standing == Standing::Hidden;
            let revision = if standing == Standing::Erased { 0 } else { memory.revision };
            states += &format!(" {} {revision} {hidden} {}", memory.id, memory.content_hash);
            commit.events.push(draft(&clock, memory.id, kind));
            commit.changes.push(change);
            commit.preconditions.push(precondition);
            after.push((memory, standing));
        }
        if picks.is_empty() {
            commit.events.push(draft(&clock, Id::NIL, "search.served"));
        } else {
            say(&format!("B{states}"));
        }
        let committed = store.commit(commit).await.unwrap();
        assert!(committed.applied);
        say(&format!("A {}{states}", committed.last));
        for (pick, after) in picks.into_iter().zip(after) {
            match pick {
                None => own.push(after),
                Some(i) => own[i] = after,
            }
        }
        own.retain(|(_, standing)| *standing != Standing::Erased);
    }
}

/// Cleans over and over: what tells of searches goes at once, and what is to be erased from every file. Blocks.
pub fn keep_clean(store: &Store, clock: &Clock, over: &AtomicBool) {
    let runtime = tokio::runtime::Handle::current();
    let tell = |kind: &str, changes: Vec<Change>| {
        let events = vec![draft(clock, Id::NIL, kind)];
        runtime.block_on(store.commit(Commit { changes, events, ..Commit::default() })).map(drop)
    };
    let retention = Retention { telemetry: Duration::ZERO, ..Retention::default() };
    loop {
        // Once more when all else is over, and to its end.
        let last = over.load(Ordering::Relaxed);
        let overseer = Overseer {
            say_again: &|uses| tell("hub.cleaned", uses),
            progress: &|_, _, _| {},
            stop: &|| !last && over.load(Ordering::Relaxed),
        };
        // Stopped, or a view that is not there now: done by the next.
        if let Ok(cleaned) = store.clean(&retention, &overseer) {
            let erased = cleaned.erased.into_iter().map(|id| Change::Erased { id }).collect();
            if cleaned.segments > 0 && tell("hub.cleaned", erased).is_err() {
                return;
            }
        }
        if last {
            return;
        }
    }
}

/// A record as a child said it: revision, hidden, hash. At revision 0 it is erased.
type State = (u32, bool, String);

/// What the children of a directory said so far.
#[derive(Default, Clone)]
pub struct Said {
    /// Acknowledged, by record.
    kept: HashMap<Id, State>,
    /// By commit: about to be done when the end came, so there whole or not at all.
    perhaps: Vec<Vec<(Id, State)>>,
    /// The last sequences of commits that changed records.
    changes: BTreeSet<u64>,
    /// The last sequence acknowledged.
    pub last: u64,
    /// How often the store told what. It never tells of damage: what ends a process or a machine is none.
    pub told: BTreeMap<&'static str, usize>,
}

impl Said {
    /// Lines that are no words of [`produce`] are passed over, and so are the ends of those that were cut.
    pub fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        let acknowledged = match words.next() {
            Some("A") => {
                let Some(last) = words.next().and_then(|word| word.parse().ok()) else { return };
                self.last = self.last.max(last);
                Some(last)
            }
            Some("B") => None,
            _ => return,
        };
        let words: Vec<&str> = words.collect();
        let states: Option<Vec<(Id, State)>> = words.chunks(4).map(state).collect();
        let Some(states) = states.filter(|states| !states.is_empty()) else { return };
        if let Some(last) = acknowledged {
            self.changes.insert(last);
            self.perhaps.retain(|commit| *commit != states);
            self.kept.extend(states);
        } else {
            self.perhaps.push(states);
        }
    }

    /// Holds the store, and what it finds wrong by itself, against what was said. What is there of the commits that
    /// were not acknowledged is from now on expected to stay as it is.
    pub fn compare(&mut self, store: &Store) -> Result<(), String> {
        let head = *store.head().borrow();
        if head.0 < self.last {
            return Err(format!("{} was acknowledged, and the log ends at {head}", self.last));
        }
        let gone = missing(store, head)?;
        if let Some(lost) = gone.iter().find_map(|(from, to)| self.changes.range(*from..=*to).next()) {
            return Err(format!("{lost} changed a record, and was cleaned away"));
        }
        for commit in std::mem::take(&mut self.perhaps) {
            let mut there = Vec::new();
            for (id, state) in &commit {
                there.push(found(store, *id)? == expected(state));
            }
            if there.iter().all(|there| *there) {
                self.kept.extend(commit);
            } else if there.contains(&true) {
                return Err(format!("a commit is there in part: {commit:?}, {there:?}"));
            }
        }
        for (id, state) in &self.kept {
            let found = found(store, *id)?;
            if found != expected(state) {
                return Err(format!("record {id}: acknowledged {state:?}, found {found:?}"));
            }
        }
        self.lists(store)?;
        let report = store.fsck().map_err(|fault| format!("fsck: {fault}"))?;
        if !report.damage.is_empty() {
            return Err(format!("fsck: {:?}", report.damage));
        }
        for note in store.recovered() {
            if note.kind == "hub.damaged" {
                return Err(format!("{} is told: {:?}", note.kind, note.data));
            }
            *self.told.entry(note.kind).or_default() += 1;
        }
        Ok(())
    }

    /// Its last words become those of a store that goes on: a record is saved, and expected from now on.
    pub async fn go_on(&mut self, store: &Store, clock: &Clock) -> Result<(), String> {
        let memory = memory(clock, "after the cut".to_owned());
        let state = (memory.revision, false, memory.content_hash.clone());
        let commit = Commit {
            events: vec![draft(clock, memory.id, "memory.saved")],
            preconditions: vec![Precondition::Absent { id: memory.id }],
            changes: vec![Change::Put { memory: memory.clone() }],
            ..Commit::default()
        };
        let committed = store.commit(commit).await.map_err(|fault| format!("a new commit: {fault}"))?;
        if committed.last.0 <= self.last {
            return Err(format!("{} was given a second time", committed.last));
        }
        self.last = committed.last.0;
        self.kept.insert(memory.id, state);
        Ok(())
    }

    /// Every record that a producer made is in one of the two lists, and nothing else.
    fn lists(&self, store: &Store) -> Result<(), String> {
        for forgotten in [false, true] {
            let mut expected: Vec<Id> =
                self.there().filter(|(_, state)| state.1 == forgotten).map(|(id, _)| *id).collect();
            let mut listed = Vec::new();
            let mut request = ListRequest { forgotten, ..ListRequest::default() };
            loop {
                let page =
                    store.list(&request, &Projects::All).map_err(|fault| format!("a list: {fault}"))?;
                listed.extend(page.memories.iter().map(|memory| memory.id));
                request.after = page.next;
                if request.after.is_none() {
                    break;
                }
            }
            expected.sort();
            listed.sort();
            if listed != expected {
                return Err(format!("listed (forgotten: {forgotten}): {listed:?}, expected {expected:?}"));
            }
        }
        Ok(())
    }

    fn there(&self) -> impl Iterator<Item = (&Id, &State)> {
        self.kept.iter().filter(|(_, state)| expected(state).is_some())
    }

    /// How many records are not hidden.
    pub fn visible(&self) -> usize {
        self.there().filter(|(_, state)| !state.1).count()
    }
}

fn state(words: &[&str]) -> Option<(Id, State)> {
    let [id, revision, hidden, hash] = words else { return None };
    let state = (revision.parse().ok()?, hidden.parse().ok()?, (*hash).to_owned());
    (state.2.len() == 64).then_some((id.parse().ok()?, state))
}

fn found(store: &Store, id: Id) -> Result<Option<State>, String> {
    let found = store.get(id).map_err(|fault| format!("record {id}: {fault}"))?;
    Ok(found.map(|found| (found.memory.revision, found.hidden, content_hash(&found.memory.content))))
}

/// What is to be found of it.
fn expected(state: &State) -> Option<State> {
    (state.0 > 0).then(|| state.clone())
}

/// Reads the whole log; answers from where to where it says that something was cleaned away.
fn missing(store: &Store, head: Sequence) -> Result<Vec<(u64, u64)>, String> {
    let (mut last, mut gone) = (Sequence::ZERO, Vec::new());
    let mut gap = |after: Sequence, next: Sequence| -> Result<(), String> {
        for number in after.0 + 1..next.0 {
            let why = store.why_missing(Sequence(number)).map_err(|fault| format!("a gap: {fault}"))?;
            if why != "cleaned" {
                return Err(format!("sequence {next} follows {after}: {why}"));
            }
        }
        gone.extend((after.next() < next).then_some((after.0 + 1, next.0 - 1)));
        Ok(())
    };
    loop {
        let entries = store.read_log(last, 500).map_err(|fault| format!("reading the log: {fault}"))?;
        if entries.is_empty() {
            gap(last, head.next())?;
            return Ok(gone);
        }
        for event in entries.iter().flat_map(|entry| &entry.events) {
            gap(last, event.sequence)?;
            last = event.sequence;
        }
    }
}

/// Opens it and waits for its record view.
pub async fn open(dir: &Path, options: StoreOptions) -> Result<Store, String> {
    let store = Store::open(dir, options).map_err(|error| format!("the store does not open: {error}"))?;
    let mut state = store.state();
    let ready = state.wait_for(|state: &StoreState| state.records.is_ready());
    match tokio::time::timeout(PATIENCE, ready).await {
        Ok(Ok(_)) => Ok(store),
        _ => Err(format!("the record view does not open: {:?}", store.state().borrow().records)),
    }
}
