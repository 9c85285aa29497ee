//! Records and entries in plain maps.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::watch;

use super::{Committed, StoreState, Stored};
use crate::{
    door::{LIST_PAGE_MAX, ListOrder, ListRequest, MemoryPage, ViewState, Writes},
    model::{
        Change, Commit, Entry, Fault, Id, LogId, Memory, Precondition, Project, Projects, Sequence, Status,
        Time,
    },
    tasks::Clock,
};

#[derive(Default)]
struct Maps {
    entries: Vec<Arc<Entry>>,
    records: BTreeMap<Id, Stored>,
    touched: HashMap<Id, Vec<usize>>,
    keys: HashMap<String, usize>,
    recorded_at: Time,
}

pub(super) struct Plain {
    maps: Mutex<Maps>,
    clock: Clock,
    pub(super) log_id: LogId,
    pub(super) head: watch::Sender<Sequence>,
    pub(super) state: watch::Sender<StoreState>,
}

impl Plain {
    pub(super) fn new(clock: Clock) -> Plain {
        let log_id = LogId(uuid::Uuid::from_bytes(*clock.id().as_bytes()));
        let state = StoreState {
            records: ViewState::Ready,
            writes: Writes::Open,
            memories: Some(0),
            forgotten: Some(0),
        };
        Plain {
            maps: Mutex::default(),
            clock,
            log_id,
            head: watch::Sender::new(Sequence::ZERO),
            state: watch::Sender::new(state),
        }
    }

    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.maps.lock().expect("no one panics while holding it")
    }

    pub(super) fn commit(&self, commit: Commit) -> Result<Committed, Fault> {
        if commit.events.is_empty() {
            return Err(Fault::bug("a commit without an event"));
        }
        let mut maps = self.maps();
        if let Some(at) = commit.idempotency_key.as_ref().and_then(|key| maps.keys.get(key)) {
            return Ok(committed(Arc::clone(&maps.entries[*at]), true));
        }
        for precondition in &commit.preconditions {
            check(&maps, precondition)?;
        }
        maps.recorded_at = maps.recorded_at.max(self.clock.now());
        let recorded_at = maps.recorded_at;
        let mut sequence = maps.entries.last().map_or(Sequence::ZERO, |entry| entry.last());
        let events = commit.events.into_iter().map(|draft| {
            sequence = sequence.next();
            draft.placed(sequence, recorded_at)
        });
        let entry = Arc::new(Entry {
            events: events.collect(),
            changes: commit.changes,
            idempotency_key: commit.idempotency_key,
        });
        let at = maps.entries.len();
        for change in &entry.changes {
            apply(&mut maps, change, recorded_at, at);
        }
        if let Some(key) = &entry.idempotency_key {
            maps.keys.insert(key.clone(), at);
        }
        maps.entries.push(Arc::clone(&entry));
        let hidden = maps.records.values().filter(|stored| stored.hidden).count() as u64;
        let memories = maps.records.len() as u64 - hidden;
        drop(maps);
        self.state.send_modify(|state| {
            (state.memories, state.forgotten) = (Some(memories), Some(hidden));
        });
        self.head.send_replace(entry.last());
        Ok(committed(entry, false))
    }

    pub(super) fn get(&self, id: Id) -> Result<Option<Stored>, Fault> {
        Ok(self.maps().records.get(&id).cloned())
    }

    pub(super) fn list(&self, request: &ListRequest, wall: &Projects) -> Result<MemoryPage, Fault> {
        let limit = if request.limit == 0 { 100 } else { request.limit.min(LIST_PAGE_MAX) };
        let mut filter = request.filter.clone();
        if request.forgotten && filter.statuses.is_empty() {
            filter.statuses = Status::ALL.to_vec();
        }
        let place = |memory: &Memory| match request.order {
            ListOrder::Recent => Some((-memory.updated_at.unix_ms(), memory.id)),
            ListOrder::Oldest => Some((memory.created_at.unix_ms(), memory.id)),
            ListOrder::Due => memory.expires_at.map(|due| (due.unix_ms(), memory.id)),
        };
        let after = match &request.after {
            None => None,
            Some(token) => Some(
                token
                    .split_once('.')
                    .and_then(|(ms, id)| Some((ms.parse::<i64>().ok()?, id.parse::<Id>().ok()?)))
                    .ok_or_else(|| Fault::invalid(format!("{token:?} is no page")))?,
            ),
        };
        let maps = self.maps();
        let mut rows: Vec<((i64, Id), &Memory)> = maps
            .records
            .values()
            .filter(|stored| stored.hidden == request.forgotten)
            .map(|stored| &stored.memory)
            .filter(|memory| wall.see(&memory.project) && filter.matches(memory))
            .filter_map(|memory| Some((place(memory)?, memory)))
            .filter(|(place, _)| after.is_none_or(|after| *place > after))
            .collect();
        rows.sort_by_key(|(place, _)| *place);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|((ms, id), _)| format!("{ms}.{id}"));
        Ok(MemoryPage { memories: rows.into_iter().map(|(_, memory)| memory.clone()).collect(), next })
    }

    pub(super) fn by_url(&self, project: &Project, url: &str) -> Result<Option<Stored>, Fault> {
        let maps = self.maps();
        let found = maps.records.values().find(|stored| {
            stored.memory.project == *project && stored.memory.origin.url.as_deref() == Some(url)
        });
        Ok(found.cloned())
    }

    pub(super) fn by_hash(&self, hash: &str) -> Result<Vec<Id>, Fault> {
        let maps = self.maps();
        let found =
            maps.records.values().filter(|stored| !stored.hidden && stored.memory.content_hash == hash);
        Ok(found.map(|stored| stored.memory.id).collect())
    }

    pub(super) fn history(&self, id: Id) -> Result<Vec<Arc<Entry>>, Fault> {
        let maps = self.maps();
        let places = maps.touched.get(&id).map_or(&[][..], Vec::as_slice);
        Ok(places.iter().map(|at| Arc::clone(&maps.entries[*at])).collect())
    }

    pub(super) fn read_log(&self, after: Sequence, limit_events: usize) -> Result<Vec<Arc<Entry>>, Fault> {
        let maps = self.maps();
        let entries = maps.entries.iter().filter(|entry| entry.last() > after);
        Ok(up_to(entries, limit_events))
    }

    pub(super) fn read_log_back(
        &self,
        before: Sequence,
        limit_events: usize,
    ) -> Result<Vec<Arc<Entry>>, Fault> {
        let maps = self.maps();
        let entries = maps.entries.iter().rev().filter(|entry| entry.first() < before);
        Ok(up_to(entries, limit_events))
    }

    pub(super) fn scan(&self, f: &mut dyn FnMut(&Stored) -> bool) -> Result<(), Fault> {
        for stored in self.maps().records.values() {
            if !f(stored) {
                break;
            }
        }
        Ok(())
    }
}

fn up_to<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>, limit_events: usize) -> Vec<Arc<Entry>> {
    let mut events = 0;
    entries
        .take_while(|entry| {
            let room = events < limit_events;
            events += entry.events.len();
            room
        })
        .cloned()
        .collect()
}

fn committed(entry: Arc<Entry>, repeated: bool) -> Committed {
    Committed {
        first: entry.first(),
        last: entry.last(),
        recorded_at: entry.recorded_at(),
        applied: true,
        repeated,
        entry,
    }
}

fn check(maps: &Maps, precondition: &Precondition) -> Result<(), Fault> {
    let found =
        |id: &Id| maps.records.get(id).ok_or_else(|| Fault::not_found(format!("there is no memory {id}")));
    match precondition {
        Precondition::Absent { id } if maps.records.contains_key(id) => {
            Err(Fault::conflict(format!("there is a memory {id} already")))
        }
        Precondition::Absent { .. } => Ok(()),
        Precondition::Revision { id, revision } => match found(id)?.memory.revision {
            current if current == *revision => Ok(()),
            current => Err(Fault::conflict(format!("memory {id} is at revision {current}, not {revision}"))),
        },
        Precondition::Hidden { id, hidden } => match (found(id)?.hidden, hidden) {
            (is, wanted) if is == *wanted => Ok(()),
            (true, _) => Err(Fault::conflict(format!("memory {id} was removed"))),
            (false, _) => Err(Fault::conflict(format!("memory {id} was not removed"))),
        },
    }
}

fn apply(maps: &mut Maps, change: &Change, at: Time, entry: usize) {
    match change {
        Change::Put { memory } | Change::Restore { memory } => {
            let mut memory = memory.clone();
            let mut hidden = false;
            if let Some(old) = maps.records.get(&memory.id) {
                memory.access_count = old.memory.access_count;
                memory.last_accessed = old.memory.last_accessed;
                hidden = old.hidden && matches!(change, Change::Put { .. });
            }
            maps.records.insert(memory.id, Stored { memory, hidden });
        }
        Change::Forget { id } => {
            if let Some(stored) = maps.records.get_mut(id) {
                stored.hidden = true;
            }
        }
        Change::Accessed { id } => {
            if let Some(stored) = maps.records.get_mut(id) {
                stored.memory.access_count += 1;
                stored.memory.last_accessed = Some(at);
            }
            return;
        }
    }
    maps.touched.entry(change.id()).or_default().push(entry);
}
