//! Applying entries to the tree: what each change does to rows, list keys and counts.
//!
//! Two ways to the tree. [`Applying`] for a view in use: atomic batches, each with the position and the counts after it.
//! [`Filling`] for a view that is being made: sled takes sorted keys from two threads several times as fast as
//! batches, and what is half written when the process ends is thrown away.
//!
//! **Invariant:** an entry that is applied again, because the position after it was not yet on disk, changes nothing.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    thread,
};

use super::{Access, Meta, Records, RecordsError, Row, keys};
use crate::model::{Change, Entry, Id, Memory, Sequence, Time, decode, encode};

/// Bodies over this stay in the log: sled would put each in a file of its own.
const BODY_INLINE_BYTES_MAX: usize = 32 << 10;
/// Keys in one batch. sled keeps every page that a batch replaced until it is done: 20,000 keys were 5 GB.
const BATCH_KEYS_MAX: usize = 256;
/// Entries that change no record are read again after a restart, up to this many events of them, instead of writing
/// the position for each.
const POSITION_EVENTS_MAX: u64 = 10_000;
/// Bytes gathered before they are sorted and written: the more, the more neighbours each page gets at once.
const FILL_BYTES_MAX: usize = 32 << 20;

/// Applies entries to a view in use, in order.
pub struct Applying<'a>(Planned<'a>);

impl Applying<'_> {
    /// Applies the entries and moves `meta` after them. On an error some may have been applied, and `meta` says which.
    pub fn apply(records: &Records, entries: &[Arc<Entry>], meta: &mut Meta) -> Result<(), RecordsError> {
        let mut applying = Applying(Planned::new(records, *meta));
        for entry in entries {
            for change in &entry.changes {
                applying.0.change(change, entry)?;
                // Between the changes of an entry too: a large import is one entry. Its position moves with the last.
                if applying.0.keys.len() >= BATCH_KEYS_MAX {
                    *meta = applying.write()?;
                }
            }
            applying.0.end(entry);
        }
        let behind = applying.0.meta.applied.0.saturating_sub(records.written.load(Ordering::Relaxed));
        if applying.0.keys.is_empty() && behind < POSITION_EVENTS_MAX {
            *meta = applying.0.meta;
        } else {
            *meta = applying.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<Meta, RecordsError> {
        let mut batch = sled::Batch::default();
        for (key, value) in self.0.take() {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch.insert(keys::META, encode(&self.0.meta));
        self.0.records.db.apply_batch(batch)?;
        self.0.records.wrote(&self.0.meta);
        Ok(self.0.meta)
    }
}

/// Makes a view from the log.
pub struct Filling<'a>(Planned<'a>);

impl<'a> Filling<'a> {
    pub fn begin(records: &'a Records, meta: Meta) -> Result<Filling<'a>, RecordsError> {
        let meta = Meta { unfinished: true, ..meta };
        records.db.insert(keys::META, encode(&meta))?;
        Ok(Filling(Planned::new(records, meta)))
    }

    pub fn apply(&mut self, entries: &[Arc<Entry>]) -> Result<(), RecordsError> {
        for entry in entries {
            for change in &entry.changes {
                self.0.change(change, entry)?;
            }
            self.0.end(entry);
        }
        if self.0.bytes >= FILL_BYTES_MAX { self.write() } else { Ok(()) }
    }

    /// Takes a row of a snapshot, and makes of it what is made from rows.
    pub fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), RecordsError> {
        if key.starts_with(keys::ROWS) {
            let row = Row::decode(value)?;
            for list in keys::lists(&row.memory, row.forgotten_at) {
                self.0.insert(list, Vec::new());
            }
            self.0.identity(None, &row);
            self.0.count(Some(&row), 1);
        }
        self.0.insert(key.to_vec(), value.to_vec());
        if self.0.bytes >= FILL_BYTES_MAX { self.write() } else { Ok(()) }
    }

    /// All rows of a snapshot of this place are there.
    pub fn restored(&mut self, applied: Sequence) -> Result<(), RecordsError> {
        self.0.meta.applied = applied;
        self.write()
    }

    /// What it knows of itself so far.
    pub fn meta(&self) -> Meta {
        self.0.meta
    }

    /// The view is whole.
    pub fn finish(mut self) -> Result<Meta, RecordsError> {
        self.write()?;
        let meta = Meta { unfinished: false, ..self.0.meta };
        self.0.records.db.insert(keys::META, encode(&meta))?;
        self.0.records.wrote(&meta);
        Ok(meta)
    }

    fn write(&mut self) -> Result<(), RecordsError> {
        let mut keys: Vec<_> = self.0.take().into_iter().collect();
        keys.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let db = &self.0.records.db;
        let write = |keys: &[(keys::Key, Option<Vec<u8>>)]| -> Result<(), sled::Error> {
            for (key, value) in keys {
                match value {
                    Some(value) => drop(db.insert(key, value.as_slice())?),
                    None => drop(db.remove(key)?),
                }
            }
            Ok(())
        };
        let (first, second) = keys.split_at(keys.len() / 2);
        thread::scope(|scope| {
            let other = scope.spawn(|| write(second));
            let done = write(first);
            match other.join() {
                Ok(other) => done.and(other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })?;
        Ok(())
    }
}

/// What changes make of the tree, not yet written: rows as they will be, so that changes see each other.
struct Planned<'a> {
    records: &'a Records,
    rows: HashMap<Id, Option<Row>>,
    accesses: HashMap<Id, Access>,
    /// A value to be inserted, or none to be removed. The last word on a key holds.
    keys: HashMap<keys::Key, Option<Vec<u8>>>,
    /// Of keys and values, about.
    bytes: usize,
    meta: Meta,
}

impl<'a> Planned<'a> {
    fn new(records: &'a Records, meta: Meta) -> Planned<'a> {
        Planned {
            records,
            rows: HashMap::new(),
            accesses: HashMap::new(),
            keys: HashMap::new(),
            bytes: 0,
            meta,
        }
    }

    /// Hands out what is to be written; what comes after is looked up in the tree again.
    fn take(&mut self) -> HashMap<keys::Key, Option<Vec<u8>>> {
        self.rows.clear();
        self.accesses.clear();
        self.bytes = 0;
        std::mem::take(&mut self.keys)
    }

    fn insert(&mut self, key: keys::Key, value: Vec<u8>) {
        self.bytes += key.len() + value.len() + 64;
        self.keys.insert(key, Some(value));
    }

    fn remove(&mut self, key: keys::Key) {
        self.bytes += key.len() + 64;
        self.keys.insert(key, None);
    }

    fn change(&mut self, change: &Change, entry: &Entry) -> Result<(), RecordsError> {
        let first = entry.first();
        match change {
            Change::Put { memory } => {
                let forgotten_at = self.row(memory.id)?.and_then(|row| row.forgotten_at);
                self.put(memory, forgotten_at, first)
            }
            Change::Restore { memory } => self.put(memory, None, first),
            Change::Forget { id } => match self.row(*id)?.cloned() {
                Some(row) => self.put_row(Row { forgotten_at: Some(entry.recorded_at()), ..row }, first),
                None => Ok(()),
            },
            Change::Accessed { id } => self.used(*id, first, |before| Access {
                count: before.count + 1,
                last: entry.recorded_at(),
                counted_in: first,
            }),
            Change::Counted { id, access_count, last_accessed } => self.used(*id, first, |before| Access {
                count: before.count.max(*access_count),
                last: before.last.max(*last_accessed),
                counted_in: first,
            }),
            Change::Erase { id } => self.erase(*id),
            Change::Erased { id } => {
                self.remove(keys::erasing(*id));
                Ok(())
            }
        }
    }

    fn end(&mut self, entry: &Entry) {
        if let Some(key) = &entry.idempotency_key {
            let (first, at) = (entry.first(), entry.recorded_at());
            self.insert(keys::idempotency(key), encode(&(first, at)));
            self.insert(keys::idempotency_age(at, key), Vec::new());
        }
        self.meta.applied = entry.last();
    }

    fn row(&mut self, id: Id) -> Result<Option<&Row>, RecordsError> {
        if !self.rows.contains_key(&id) {
            let row = self.records.row(id)?;
            self.rows.insert(id, row);
        }
        Ok(self.rows.get(&id).and_then(Option::as_ref))
    }

    fn put(
        &mut self,
        memory: &Memory,
        forgotten_at: Option<Time>,
        first: Sequence,
    ) -> Result<(), RecordsError> {
        let mut memory = memory.clone();
        // Counted apart, so that opening a record is no revision of it.
        memory.access_count = 0;
        memory.last_accessed = None;
        let long = memory.content.len() > BODY_INLINE_BYTES_MAX;
        if long {
            memory.content = String::new();
        }
        let made_in = self.row(memory.id)?.map_or(first, |row| row.made_in);
        self.put_row(Row { memory, forgotten_at, made_in, body_in: long.then_some(first) }, first)
    }

    fn put_row(&mut self, row: Row, first: Sequence) -> Result<(), RecordsError> {
        let id = row.memory.id;
        let before = self.row(id)?.cloned();
        let fresh = keys::lists(&row.memory, row.forgotten_at);
        if let Some(before) = &before {
            let stale = keys::lists(&before.memory, before.forgotten_at);
            stale.into_iter().filter(|key| !fresh.contains(key)).for_each(|key| self.remove(key));
        }
        fresh.into_iter().for_each(|key| self.insert(key, Vec::new()));
        self.identity(before.as_ref(), &row);
        self.count(before.as_ref(), -1);
        self.count(Some(&row), 1);
        if row.made_in != first {
            self.insert(keys::touched(id, first), Vec::new());
        }
        self.insert(keys::row(id), row.encode());
        self.rows.insert(id, Some(row));
        Ok(())
    }

    /// The keys by which it is found by what it is: its url, its content.
    fn identity(&mut self, before: Option<&Row>, row: &Row) {
        let id = row.memory.id;
        if let Some(before) = before {
            self.lose_identity(before);
        }
        if let Some(url) = &row.memory.origin.url {
            self.insert(keys::url(&row.memory.project, url), id.as_bytes().to_vec());
        }
        if row.forgotten_at.is_none() {
            self.insert(keys::hash(&row.memory.content_hash, id), Vec::new());
        }
    }

    fn lose_identity(&mut self, row: &Row) {
        if let Some(url) = &row.memory.origin.url {
            self.remove(keys::url(&row.memory.project, url));
        }
        self.remove(keys::hash(&row.memory.content_hash, row.memory.id));
    }

    /// Takes it out, and keeps where the log may still tell of it.
    fn erase(&mut self, id: Id) -> Result<(), RecordsError> {
        let Some(row) = self.row(id)?.cloned() else { return Ok(()) };
        let mut places = self.pending(keys::erasing(id))?.map_or(Ok(Vec::new()), |bytes| decode(&bytes))?;
        places.push(row.made_in);
        places.extend(self.records.touched_later(id)?);
        // What this batch has not written yet is in neither.
        let touched = keys::touched_of(id);
        places.extend(
            self.keys.keys().filter(|key| key.starts_with(&touched)).filter_map(|key| keys::sequence_in(key)),
        );
        places.sort_unstable();
        places.dedup();
        for place in &places {
            self.remove(keys::touched(id, *place));
        }
        keys::lists(&row.memory, row.forgotten_at).into_iter().for_each(|key| self.remove(key));
        self.lose_identity(&row);
        self.count(Some(&row), -1);
        self.remove(keys::access(id));
        self.accesses.remove(&id);
        self.remove(keys::row(id));
        self.rows.insert(id, None);
        self.insert(keys::erasing(id), encode(&places));
        Ok(())
    }

    /// What a key will hold when all so far is written.
    fn pending(&self, key: keys::Key) -> Result<Option<Vec<u8>>, RecordsError> {
        match self.keys.get(&key) {
            Some(value) => Ok(value.clone()),
            None => Ok(self.records.db.get(&key)?.map(|value| value.to_vec())),
        }
    }

    fn count(&mut self, row: Option<&Row>, by: i64) {
        let Some(row) = row else { return };
        let count =
            if row.forgotten_at.is_some() { &mut self.meta.forgotten } else { &mut self.meta.memories };
        *count = count.saturating_add_signed(by);
    }

    fn used(
        &mut self,
        id: Id,
        first: Sequence,
        use_of: impl FnOnce(Access) -> Access,
    ) -> Result<(), RecordsError> {
        let before = match self.accesses.get(&id) {
            Some(access) => *access,
            None => match self.pending(keys::access(id))? {
                Some(bytes) => decode(&bytes)?,
                None => Access::default(),
            },
        };
        // Of what was erased nothing is counted any more.
        if before.counted_in < first && self.row(id)?.is_some() {
            let access = use_of(before);
            self.accesses.insert(id, access);
            self.insert(keys::access(id), encode(&access));
        }
        Ok(())
    }
}
