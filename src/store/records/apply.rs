//! Applying entries to the tree: what each change does to rows, list keys and counts.
//!
//! Two ways to the tree. [`Applying`] for a view in use: atomic batches, each with the position and the counts after it.
//! [`Filling`] for a view that is being made: sorted keys without batches, lists in blocks, and what is half written when
//! the process ends is thrown away.
//!
//! **Invariant:** an entry that is applied again, because the position after it was not yet on disk, changes nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
};

use super::{
    Access, Meta, Records, RecordsError, Row,
    blocks::Packer,
    kept::{self, Kept, KeptRow},
    keys,
    keys::Key,
    runs::{Runs, Words},
    stretch::TOMBSTONE,
};
use crate::model::{Change, Decision, Entry, Id, Memory, Sequence, Time, decode, encode, job::Run};

/// Bodies over this stay in the log: sled would put each in a file of its own.
const BODY_INLINE_BYTES_MAX: usize = 32 << 10;
/// Keys in one batch. sled keeps every page that a batch replaced until it is done: 20,000 keys were 5 GB.
const BATCH_KEYS_MAX: usize = 256;
/// Entries that change no record are read again after a restart, up to this many events of them, instead of writing
/// the position for each.
const POSITION_EVENTS_MAX: u64 = 10_000;
/// Bytes gathered before they are sorted and written, while those before them are being written: the more, the more
/// neighbours each page gets at once.
const FILL_BYTES_MAX: usize = 8 << 20;
/// What a key takes in memory beside its bytes, about.
const KEY_BYTES: usize = 64;
/// Of a block of lists. sled has pages of up to 16 values, writes them over and over, and puts what is over 128 KiB in
/// files of its own.
const BLOCK_BYTES: usize = 4 << 10;

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
                if applying.0.len() >= BATCH_KEYS_MAX {
                    *meta = applying.write()?;
                }
            }
            applying.0.end(entry);
        }
        let behind = applying.0.meta.applied.0.saturating_sub(records.written.load(Ordering::Relaxed));
        if applying.0.len() == 0 && behind < POSITION_EVENTS_MAX {
            *meta = applying.0.meta;
        } else {
            *meta = applying.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<Meta, RecordsError> {
        let planned = &mut self.0;
        let records = planned.records;
        let mut batch = sled::Batch::default();
        for (key, value) in std::mem::take(&mut planned.keys) {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        for (key, value) in planned.lists.sorted() {
            match value {
                Some(value) => batch.insert(key, value),
                None if records.packed(key)?.is_some() => batch.insert(key, TOMBSTONE),
                None => batch.remove(key),
            }
        }
        planned.lists.clear();
        batch.insert(keys::META, encode(&self.0.meta));
        records.db.apply_batch(batch)?;
        records.wrote(&self.0.meta);
        Ok(self.0.meta)
    }
}

/// Makes a view from the log. While one step is written the next is planned.
pub struct Filling<'a> {
    planned: Planned<'a>,
    lists: Runs,
    writing: Writing,
    /// [`FILL_BYTES_MAX`] but in tests.
    step_bytes: usize,
}

impl<'a> Filling<'a> {
    pub fn begin(records: &'a Records, meta: Meta) -> Result<Filling<'a>, RecordsError> {
        Filling::in_steps(records, meta, FILL_BYTES_MAX)
    }

    pub(super) fn in_steps(
        records: &'a Records,
        meta: Meta,
        step_bytes: usize,
    ) -> Result<Filling<'a>, RecordsError> {
        let meta = Meta { unfinished: true, ..meta };
        records.db.insert(keys::META, encode(&meta))?;
        let lists = Runs::new(&records.dir.join("lists"));
        let writing = Writing { db: records.db.clone(), thread: None };
        Ok(Filling { planned: Planned::new(records, meta), lists, writing, step_bytes })
    }

    pub fn apply(&mut self, entries: &[Arc<Entry>]) -> Result<(), RecordsError> {
        for entry in entries {
            for change in &entry.changes {
                self.planned.change(change, entry)?;
                self.write_if_full()?;
            }
            self.planned.end(entry);
        }
        Ok(())
    }

    /// Takes a row of a snapshot, and makes of it what is made from rows.
    pub fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), RecordsError> {
        let planned = &mut self.planned;
        if key.starts_with(keys::ROWS) {
            let row = Row::decode(value)?;
            for list in keys::lists(&row.memory, row.forgotten_at) {
                planned.insert(list, Vec::new());
            }
            planned.identity(None, &row);
            planned.count(Some(&row), 1);
        }
        planned.count_kept(key);
        planned.insert(key.to_vec(), value.to_vec());
        self.write_if_full()
    }

    /// All rows of a snapshot of this place are there.
    pub fn restored(&mut self, applied: Sequence) {
        self.planned.meta.applied = applied;
    }

    /// What it knows of itself so far.
    pub fn meta(&self) -> Meta {
        self.planned.meta
    }

    /// The view is whole; `None` when that was not waited for, and it is worth nothing.
    pub fn finish(mut self, go_on: &dyn Fn() -> bool) -> Result<Option<Meta>, RecordsError> {
        self.write()?;
        let Filling { planned, lists, mut writing, step_bytes } = self;
        let mut lists = lists.merged()?;
        let (mut packer, mut blocks, mut bytes) = (Packer::default(), Step::new(), 0);
        while let Some((key, value)) = lists.next()? {
            packer.push(key, Some(&value));
            if packer.len() >= BLOCK_BYTES {
                bytes += packer.len();
                blocks.extend(block(&mut packer));
            }
            if bytes >= step_bytes {
                if !go_on() {
                    return Ok(None);
                }
                writing.begin(Arc::new(std::mem::take(&mut blocks)))?;
                bytes = 0;
            }
        }
        blocks.extend(block(&mut packer));
        writing.begin(Arc::new(blocks))?;
        writing.end()?;
        let meta = Meta { unfinished: false, ..planned.meta };
        planned.records.db.insert(keys::META, encode(&meta))?;
        planned.records.wrote(&meta);
        Ok(Some(meta))
    }

    fn write_if_full(&mut self) -> Result<(), RecordsError> {
        if self.planned.bytes >= self.step_bytes { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), RecordsError> {
        let planned = &mut self.planned;
        planned.bytes = 0;
        self.lists.add(&mut planned.lists)?;
        let step = Arc::new(std::mem::take(&mut planned.keys));
        self.planned.being_written = step.clone();
        self.writing.begin(step)
    }
}

fn block(packer: &mut Packer) -> Option<(Key, Option<Vec<u8>>)> {
    packer.take().map(|(first, bytes)| (keys::block(&first), Some(bytes)))
}

/// A step on its way into the tree, on a thread of its own. Dropped, it is waited for.
struct Writing {
    db: sled::Db,
    thread: Option<JoinHandle<Result<(), sled::Error>>>,
}

impl Writing {
    /// Waits for the step before.
    fn begin(&mut self, step: Arc<Step>) -> Result<(), RecordsError> {
        self.end()?;
        let db = self.db.clone();
        let write = move || {
            for (key, value) in &*step {
                match value {
                    Some(value) => drop(db.insert(key, value.as_slice())?),
                    None => drop(db.remove(key)?),
                }
            }
            Ok(())
        };
        self.thread = Some(thread::Builder::new().name("store-filling".to_owned()).spawn(write)?);
        Ok(())
    }

    fn end(&mut self) -> Result<(), RecordsError> {
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(done)) => Ok(done?),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::warn!("the thread that filled a view panicked");
        }
    }
}

/// Keys with their value, or with none for one to be removed.
type Step = BTreeMap<Key, Option<Vec<u8>>>;

/// What changes make of the tree, not yet written; a change sees those before it.
struct Planned<'a> {
    records: &'a Records,
    keys: Step,
    lists: Words,
    /// The step before, which may not be in the tree yet.
    being_written: Arc<Step>,
    /// Of keys and values, about.
    bytes: usize,
    meta: Meta,
}

impl<'a> Planned<'a> {
    fn new(records: &'a Records, meta: Meta) -> Planned<'a> {
        Planned {
            records,
            keys: Step::new(),
            lists: Words::default(),
            being_written: Arc::default(),
            bytes: 0,
            meta,
        }
    }

    fn len(&self) -> usize {
        self.keys.len() + self.lists.len()
    }

    fn insert(&mut self, key: Key, value: Vec<u8>) {
        self.say(key, Some(value));
    }

    fn remove(&mut self, key: Key) {
        self.say(key, None);
    }

    /// The last word on a key holds.
    fn say(&mut self, key: Key, value: Option<Vec<u8>>) {
        self.bytes += key.len() + value.as_ref().map_or(0, Vec::len) + KEY_BYTES;
        if keys::is_of_list(&key) {
            self.lists.push(&key, value.as_deref());
        } else {
            self.keys.insert(key, value);
        }
    }

    fn change(&mut self, change: &Change, entry: &Entry) -> Result<(), RecordsError> {
        let first = entry.first();
        let before = |id: Id| self.row(id);
        match change {
            Change::Put { memory } => {
                let before = before(memory.id)?;
                let forgotten_at = before.as_ref().and_then(|row| row.forgotten_at);
                self.put(memory, forgotten_at, before.as_ref(), first);
            }
            Change::Restore { memory } => {
                let before = before(memory.id)?;
                self.put(memory, None, before.as_ref(), first);
            }
            Change::Forget { id } => {
                if let Some(row) = before(*id)? {
                    let forgotten_at = Some(entry.recorded_at());
                    self.put_row(Row { forgotten_at, ..row.clone() }, Some(&row), first);
                }
            }
            Change::Accessed { id } => self.used(*id, first, |before| Access {
                count: before.count + 1,
                last: entry.recorded_at(),
                counted_in: first,
            })?,
            Change::Counted { id, access_count, last_accessed } => {
                self.used(*id, first, |before| Access {
                    count: before.count.max(*access_count),
                    last: before.last.max(*last_accessed),
                    counted_in: first,
                })?
            }
            Change::Erase { id } => self.erase(*id)?,
            Change::Erased { id } => self.remove(keys::erasing(*id)),
            Change::Decide { decision } => self.keep(&**decision, first)?,
            Change::Define { job } => self.keep(&**job, first)?,
            Change::Stand { state } => self.keep(&**state, first)?,
            Change::Run { run } => self.keep(&**run, first)?,
            Change::Key { key } => self.keep(&**key, first)?,
            Change::Pass { id } => self.pass::<Run>(*id)?,
        }
        Ok(())
    }

    /// Puts a record into its table.
    fn keep<K: Kept>(&mut self, record: &K, first: Sequence) -> Result<(), RecordsError> {
        let key = kept::row(K::TABLE, record.id());
        let before: Option<KeptRow<K>> = self.look_up(&key, KeptRow::decode)?;
        let made_in = before.as_ref().map_or(first, |row| row.made_in);
        let row = KeptRow { record: record.clone(), made_in };
        for (stale, _) in before.iter().flat_map(KeptRow::found_by) {
            self.remove(stale);
        }
        for (fresh, value) in row.found_by() {
            self.insert(fresh, value);
        }
        if K::HISTORY && made_in != first {
            self.insert(keys::touched(record.id(), first), Vec::new());
        }
        if before.is_none() {
            self.count_kept(&key);
        }
        self.insert(key, row.encode());
        Ok(())
    }

    /// Takes a record out of its table.
    fn pass<K: Kept>(&mut self, id: Id) -> Result<(), RecordsError> {
        let key = kept::row(K::TABLE, id);
        let before: Option<KeptRow<K>> = self.look_up(&key, KeptRow::decode)?;
        for (stale, _) in before.iter().flat_map(KeptRow::found_by) {
            self.remove(stale);
        }
        self.remove(key);
        Ok(())
    }

    /// Counts a row of a table that had not been there.
    fn count_kept(&mut self, key: &[u8]) {
        if kept::is_row(Decision::TABLE, key) {
            self.meta.decisions += 1;
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

    fn row(&self, id: Id) -> Result<Option<Row>, RecordsError> {
        self.look_up(&keys::row(id), Row::decode)
    }

    fn look_up<T>(
        &self,
        key: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, RecordsError>,
    ) -> Result<Option<T>, RecordsError> {
        match self.keys.get(key).or_else(|| self.being_written.get(key)) {
            Some(planned) => planned.as_deref().map(read).transpose(),
            None => self.records.db.get(key)?.as_deref().map(read).transpose(),
        }
    }

    fn put(&mut self, memory: &Memory, forgotten_at: Option<Time>, before: Option<&Row>, first: Sequence) {
        let mut memory = memory.clone();
        // Counted apart, so that opening a record is no revision of it.
        memory.access_count = 0;
        memory.last_accessed = None;
        let long = memory.content.len() > BODY_INLINE_BYTES_MAX;
        if long {
            memory.content = String::new();
        }
        let made_in = before.map_or(first, |row| row.made_in);
        self.put_row(Row { memory, forgotten_at, made_in, body_in: long.then_some(first) }, before, first);
    }

    fn put_row(&mut self, row: Row, before: Option<&Row>, first: Sequence) {
        let id = row.memory.id;
        let fresh = keys::lists(&row.memory, row.forgotten_at);
        if let Some(before) = before {
            let stale = keys::lists(&before.memory, before.forgotten_at);
            stale.into_iter().filter(|key| !fresh.contains(key)).for_each(|key| self.remove(key));
        }
        fresh.into_iter().for_each(|key| self.insert(key, Vec::new()));
        self.identity(before, &row);
        self.count(before, -1);
        self.count(Some(&row), 1);
        if row.made_in != first {
            self.insert(keys::touched(id, first), Vec::new());
        }
        self.insert(keys::row(id), row.encode());
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
        let Some(row) = self.row(id)? else { return Ok(()) };
        let erasing = keys::erasing(id);
        let mut places: Vec<Sequence> =
            self.look_up(&erasing, |bytes| Ok(decode(bytes)?))?.unwrap_or_default();
        places.push(row.made_in);
        places.extend(self.records.touched_later(id)?);
        // What is planned and not written yet is in neither.
        let touched = keys::touched_of(id);
        for step in [&self.keys, &*self.being_written] {
            let planned = step.range(touched.clone()..).map(|(key, _)| key);
            places.extend(
                planned.take_while(|key| key.starts_with(&touched)).filter_map(|key| keys::sequence_in(key)),
            );
        }
        places.sort_unstable();
        places.dedup();
        for place in &places {
            self.remove(keys::touched(id, *place));
        }
        keys::lists(&row.memory, row.forgotten_at).into_iter().for_each(|key| self.remove(key));
        self.lose_identity(&row);
        self.count(Some(&row), -1);
        self.remove(keys::access(id));
        self.remove(keys::row(id));
        self.insert(erasing, encode(&places));
        Ok(())
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
        let key = keys::access(id);
        let before: Access = self.look_up(&key, |bytes| Ok(decode(bytes)?))?.unwrap_or_default();
        // Of what was erased nothing is counted any more.
        if before.counted_in < first && self.row(id)?.is_some() {
            self.insert(key, encode(&use_of(before)));
        }
        Ok(())
    }
}
