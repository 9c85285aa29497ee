//! A list of entries and a map of records in memory: slow, whole, and plain enough to be believed.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use wheelhouse::{
    door::{ListOrder, ListRequest, Order},
    model::{
        Change, Code, Commit, Entry, Event, Id, Memory, Precondition, Project, Projects, Sequence, Time,
    },
    store::{Scan, Stored},
};

/// So long a commit's key answers a retry.
const KEY_LIFE: Duration = Duration::from_secs(24 * 3_600);

struct Record {
    memory: Memory,
    forgotten_at: Option<Time>,
    uses: u64,
    used_at: Option<Time>,
    /// Entries that made or changed it.
    touched: Vec<Sequence>,
}

#[derive(Default)]
pub struct Plain {
    entries: Vec<Entry>,
    records: BTreeMap<Id, Record>,
}

impl Plain {
    pub fn head(&self) -> Sequence {
        self.entries.last().map_or(Sequence::ZERO, Entry::last)
    }

    /// What the commit becomes, and whether that was before.
    pub fn commit(&mut self, commit: &Commit, now: Time) -> Result<(Entry, bool), Code> {
        let repeats = |entry: &&Entry| {
            entry.idempotency_key.is_some()
                && entry.idempotency_key == commit.idempotency_key
                && now.since(entry.recorded_at()) < KEY_LIFE
        };
        if let Some(first) = self.entries.iter().rev().find(repeats) {
            return Ok((first.clone(), true));
        }
        commit.preconditions.iter().try_for_each(|precondition| self.hold(precondition))?;
        let numbers = (self.head().0 + 1..).map(Sequence);
        let events = numbers.zip(&commit.events).map(|(at, draft)| draft.clone().placed(at, now));
        let entry = Entry {
            events: events.collect(),
            changes: commit.changes.clone(),
            idempotency_key: commit.idempotency_key.clone(),
        };
        entry.changes.iter().for_each(|change| self.change(change, &entry));
        self.entries.push(entry.clone());
        Ok((entry, false))
    }

    fn hold(&self, precondition: &Precondition) -> Result<(), Code> {
        let record = |id| self.records.get(&id).ok_or(Code::NotFound);
        match *precondition {
            Precondition::Absent { id } if self.records.contains_key(&id) => Err(Code::Conflict),
            Precondition::Absent { .. } => Ok(()),
            Precondition::Revision { id, revision } if record(id)?.memory.revision == revision => Ok(()),
            Precondition::Revision { .. } => Err(Code::Conflict),
            Precondition::Hidden { id, hidden } => match record(id)?.forgotten_at.is_some() {
                now if now == hidden => Ok(()),
                true => Err(Code::NotFound),
                false => Err(Code::Conflict),
            },
            ref other => panic!("nobody asks for {other:?} here"),
        }
    }

    fn change(&mut self, change: &Change, entry: &Entry) {
        let (first, now) = (entry.first(), entry.recorded_at());
        let before = self.records.remove(&change.id());
        let after = match change {
            Change::Put { memory } => {
                let forgotten_at = before.as_ref().and_then(|before| before.forgotten_at);
                Some(put(memory, forgotten_at, before, first))
            }
            Change::Restore { memory } => Some(put(memory, None, before, first)),
            Change::Forget { .. } => before.map(|mut record| {
                record.forgotten_at = Some(now);
                record.touched.push(first);
                record
            }),
            Change::Accessed { .. } => {
                before.map(|record| Record { uses: record.uses + 1, used_at: Some(now), ..record })
            }
            other => panic!("nobody asks for {other:?} here"),
        };
        self.records.extend(after.map(|after| (change.id(), after)));
    }

    pub fn get(&self, id: Id) -> Option<Stored> {
        self.records.get(&id).map(shown)
    }

    pub fn by_url(&self, project: &Project, url: &str) -> Option<Stored> {
        let found = self.records.values().find(|record| {
            record.memory.project == *project && record.memory.origin.url.as_deref() == Some(url)
        });
        found.map(shown)
    }

    pub fn by_hash(&self, hash: &str) -> Vec<Id> {
        let found = self
            .records
            .iter()
            .filter(|(_, record)| record.forgotten_at.is_none() && record.memory.content_hash == hash);
        found.map(|(id, _)| *id).collect()
    }

    pub fn history(&self, id: Id) -> Vec<Entry> {
        let touched = self.records.get(&id).map_or(&[][..], |record| &record.touched);
        self.entries.iter().filter(|entry| touched.contains(&entry.first())).cloned().collect()
    }

    /// All pages.
    pub fn list(&self, request: &ListRequest, wall: &Projects) -> Vec<Memory> {
        let mut found: Vec<&Record> = self
            .records
            .values()
            .filter(|record| record.forgotten_at.is_some() == request.forgotten)
            .filter(|record| wall.see(&record.memory.project) && request.filter.matches(&record.memory))
            .filter(|record| request.order != ListOrder::Due || record.memory.expires_at.is_some())
            .collect();
        // The map's order is by id, and sorting keeps it.
        if request.filter.origin.is_some() {
            found.sort_by_key(|record| record.memory.origin.url.clone());
        } else if request.forgotten {
            found.sort_by_key(|record| Reverse(record.forgotten_at));
        } else {
            match request.order {
                ListOrder::Recent => found.sort_by_key(|record| Reverse(record.memory.updated_at)),
                ListOrder::Oldest => found.sort_by_key(|record| record.memory.created_at),
                ListOrder::Due => found.sort_by_key(|record| record.memory.expires_at),
            }
        }
        found.into_iter().map(|record| shown(record).memory).collect()
    }

    /// Whole entries after a place, until they hold so many events.
    pub fn read_log(&self, after: Sequence, events: usize) -> Vec<Entry> {
        let mut held = 0;
        let mut found = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.last() > after) {
            if held >= events {
                break;
            }
            held += entry.events.len();
            found.push(entry.clone());
        }
        found
    }

    /// When this event was recorded, or the last.
    pub fn recorded_at(&self, sequence: Sequence) -> Time {
        let at = self.entries.iter().find(|entry| entry.last() >= sequence).or(self.entries.last());
        at.map_or(Time::default(), Entry::recorded_at)
    }

    /// All pages.
    pub fn scan(&self, scan: &Scan<'_>) -> Vec<Event> {
        let inside = |event: &&Event| event.sequence > scan.after && event.sequence < scan.before;
        let events = self.entries.iter().flat_map(|entry| &entry.events);
        let mut found: Vec<Event> =
            events.filter(inside).filter(|event| scan.matches(event)).cloned().collect();
        if scan.order == Order::Desc {
            found.reverse();
        }
        found
    }
}

fn put(memory: &Memory, forgotten_at: Option<Time>, before: Option<Record>, first: Sequence) -> Record {
    let (mut touched, uses, used_at) =
        before.map_or((Vec::new(), 0, None), |before| (before.touched, before.uses, before.used_at));
    touched.push(first);
    Record { memory: memory.clone(), forgotten_at, uses, used_at, touched }
}

fn shown(record: &Record) -> Stored {
    let memory = Memory { access_count: record.uses, last_accessed: record.used_at, ..record.memory.clone() };
    Stored { memory, hidden: record.forgotten_at.is_some() }
}
