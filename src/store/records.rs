//! The record view: the newest revision of every record, with the indexes that lists need, in sled.
//!
//! Disposable: made from the log, and thrown away when in doubt. One tree, so that what an entry does and the position
//! after it are applied in one atomic batch. Never flushed for a commit; a timer flushes when something changed.

mod keys;
mod list;

use std::{collections::HashMap, io, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Stored;
use crate::model::{Change, Entry, Id, LogId, Memory, Project, Sequence, Time, decode, encode};

/// Bodies over this stay in the log: sled would put each in a file of its own.
const BODY_INLINE_BYTES_MAX: usize = 32 << 10;
/// Pages of the tree in memory.
const CACHE_BYTES: u64 = 64 << 20;
/// Raised when rows or keys change: an older view is rebuilt.
const VERSION: u32 = 1;
/// Idempotency keys are kept for a day of the log's own time.
const IDEMPOTENCY_MS: i64 = 24 * 3_600_000;
/// Old keys removed at a time.
const PRUNE_MAX: usize = 1_000;

/// Why the view cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    #[error("the record view")]
    Sled(#[from] sled::Error),
    #[error("a row of the record view cannot be read")]
    Row(#[from] rmp_serde::decode::Error),
    #[error("syncing the record view")]
    Io(#[from] io::Error),
    #[error("the record view belongs to another log or version")]
    Foreign,
    #[error("{0:?} is no page of this list")]
    Page(String),
}

/// A record as it stands in the tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    memory: Memory,
    hidden: bool,
    /// The entry that holds the body, where it is too long for the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_in: Option<Sequence>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Access {
    count: u64,
    last: Time,
}

/// What the view knows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    version: u32,
    log: LogId,
    pub epoch: u32,
    /// Everything up to here is in the view.
    pub applied: Sequence,
    pub memories: u64,
    pub forgotten: u64,
}

/// A record whose body may have to be fetched.
pub struct Found {
    pub stored: Stored,
    pub body_in: Option<Sequence>,
}

/// What the writer needs to know of a record to check a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub revision: u32,
    pub hidden: bool,
}

pub struct Records {
    db: sled::Db,
    dir: std::path::PathBuf,
}

impl Records {
    /// Opens or makes it. A view of another log, or of another version of this program, is `Foreign`.
    pub fn open(dir: &Path, log: LogId, epoch: u32) -> Result<(Records, Meta), RecordsError> {
        let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let records = Records { db: config.open()?, dir: dir.to_owned() };
        let meta = match records.db.get(keys::META)? {
            Some(bytes) => {
                let meta: Meta = decode(&bytes)?;
                if (meta.version, meta.log) != (VERSION, log) {
                    return Err(RecordsError::Foreign);
                }
                meta
            }
            None if records.db.is_empty() => {
                let applied = Sequence::ZERO;
                Meta { version: VERSION, log, epoch, applied, memories: 0, forgotten: 0 }
            }
            None => return Err(RecordsError::Foreign),
        };
        Ok((records, meta))
    }

    /// Applies entries in order and moves `meta` after them, in one atomic batch.
    pub fn apply(&self, entries: &[Arc<Entry>], meta: &mut Meta) -> Result<(), RecordsError> {
        let mut applying = Applying {
            records: self,
            rows: HashMap::new(),
            accesses: HashMap::new(),
            batch: sled::Batch::default(),
            meta: *meta,
        };
        for entry in entries {
            applying.entry(entry)?;
        }
        applying.batch.insert(keys::META, encode(&applying.meta));
        self.db.apply_batch(applying.batch)?;
        *meta = applying.meta;
        Ok(())
    }

    /// Writes out what is only in memory, and fsyncs it: sled's own flush does not survive a power cut.
    pub fn flush(&self) -> Result<(), RecordsError> {
        self.db.flush()?;
        std::fs::File::open(self.dir.join("db"))?.sync_data()?;
        Ok(())
    }

    /// Removes idempotency keys from before a day ago.
    pub fn prune(&self, now: Time) -> Result<(), RecordsError> {
        let old = keys::idempotency_age(Time::from_unix_ms(now.unix_ms() - IDEMPOTENCY_MS), "");
        let mut batch = sled::Batch::default();
        for item in self.db.range(keys::IDEMPOTENCY_AGES..&old).keys().take(PRUNE_MAX) {
            let age = item?;
            let mut key = keys::idempotency("");
            key.extend_from_slice(age.get(9..).unwrap_or_default());
            batch.remove(key);
            batch.remove(age);
        }
        Ok(self.db.apply_batch(batch)?)
    }

    pub fn standing(&self, id: Id) -> Result<Option<Standing>, RecordsError> {
        let row = self.row(id)?;
        Ok(row.map(|row| Standing { revision: row.memory.revision, hidden: row.hidden }))
    }

    /// The first sequence of the commit that used this key within a day before `now`.
    pub fn idempotent(&self, key: &str, now: Time) -> Result<Option<Sequence>, RecordsError> {
        let Some(bytes) = self.db.get(keys::idempotency(key))? else { return Ok(None) };
        let (first, at): (Sequence, Time) = decode(&bytes)?;
        Ok((now.unix_ms() - at.unix_ms() < IDEMPOTENCY_MS).then_some(first))
    }

    pub fn get(&self, id: Id) -> Result<Option<Found>, RecordsError> {
        self.row(id)?.map(|row| self.found(row)).transpose()
    }

    pub fn by_url(&self, project: &Project, url: &str) -> Result<Option<Found>, RecordsError> {
        match self.db.get(keys::url(project, url))?.as_deref().and_then(keys::id_in) {
            Some(id) => self.get(id),
            None => Ok(None),
        }
    }

    /// Ids of records with this content that are not hidden, in order.
    pub fn by_hash(&self, hash: &str) -> Result<Vec<Id>, RecordsError> {
        let mut ids = Vec::new();
        for key in self.db.scan_prefix(keys::hash_of(hash)).keys() {
            ids.extend(keys::id_in(&key?));
        }
        Ok(ids)
    }

    /// First sequences of the entries that touched it, in order.
    pub fn touched(&self, id: Id) -> Result<Vec<Sequence>, RecordsError> {
        let mut firsts = Vec::new();
        for key in self.db.scan_prefix(keys::touched_of(id)).keys() {
            firsts.extend(keys::sequence_in(&key?));
        }
        Ok(firsts)
    }

    /// Every record; `false` stops.
    pub fn scan(&self, f: &mut dyn FnMut(Found) -> bool) -> Result<(), RecordsError> {
        for item in self.db.scan_prefix(keys::ROWS) {
            let (_, bytes) = item?;
            if !f(self.found(decode(&bytes)?)?) {
                break;
            }
        }
        Ok(())
    }

    fn row(&self, id: Id) -> Result<Option<Row>, RecordsError> {
        Ok(self.db.get(keys::row(id))?.map(|bytes| decode(&bytes)).transpose()?)
    }

    fn found(&self, row: Row) -> Result<Found, RecordsError> {
        let mut memory = row.memory;
        if let Some(bytes) = self.db.get(keys::access(memory.id))? {
            let access: Access = decode(&bytes)?;
            memory.access_count = access.count;
            memory.last_accessed = Some(access.last);
        }
        Ok(Found { stored: Stored { memory, hidden: row.hidden }, body_in: row.body_in })
    }
}

/// A batch being made: rows as they will be, so that entries of one batch see each other.
struct Applying<'a> {
    records: &'a Records,
    rows: HashMap<Id, Option<Row>>,
    accesses: HashMap<Id, Access>,
    batch: sled::Batch,
    meta: Meta,
}

impl Applying<'_> {
    fn entry(&mut self, entry: &Entry) -> Result<(), RecordsError> {
        let first = entry.first();
        for change in &entry.changes {
            match change {
                Change::Put { memory } => {
                    let hidden = self.row(memory.id)?.is_some_and(|row| row.hidden);
                    self.put(memory, hidden, first)?;
                }
                Change::Forget { id } => {
                    if let Some(row) = self.row(*id)?.cloned() {
                        self.put_row(Row { hidden: true, ..row })?;
                    }
                }
                Change::Restore { memory } => self.put(memory, false, first)?,
                Change::Accessed { id } => self.accessed(*id, entry.recorded_at())?,
            }
            if !matches!(change, Change::Accessed { .. }) {
                self.batch.insert(keys::touched(change.id(), first), &[]);
            }
        }
        if let Some(key) = &entry.idempotency_key {
            let at = entry.recorded_at();
            self.batch.insert(keys::idempotency(key), encode(&(first, at)));
            self.batch.insert(keys::idempotency_age(at, key), &[]);
        }
        self.meta.applied = entry.last();
        Ok(())
    }

    fn row(&mut self, id: Id) -> Result<Option<&Row>, RecordsError> {
        if !self.rows.contains_key(&id) {
            let row = self.records.row(id)?;
            self.rows.insert(id, row);
        }
        Ok(self.rows.get(&id).and_then(Option::as_ref))
    }

    fn put(&mut self, memory: &Memory, hidden: bool, first: Sequence) -> Result<(), RecordsError> {
        let mut memory = memory.clone();
        // Counted apart, so that opening a record is no revision of it.
        memory.access_count = 0;
        memory.last_accessed = None;
        let long = memory.content.len() > BODY_INLINE_BYTES_MAX;
        if long {
            memory.content = String::new();
        }
        self.put_row(Row { memory, hidden, body_in: long.then_some(first) })
    }

    fn put_row(&mut self, row: Row) -> Result<(), RecordsError> {
        let id = row.memory.id;
        let before = self.row(id)?.cloned();
        let mut stale = before.as_ref().map(|row| keys::lists(&row.memory, row.hidden)).unwrap_or_default();
        let fresh = keys::lists(&row.memory, row.hidden);
        stale.retain(|key| !fresh.contains(key));
        for key in stale {
            self.batch.remove(key);
        }
        for key in fresh {
            self.batch.insert(key, &[]);
        }
        self.identity(before.as_ref(), &row);
        self.count(before.as_ref(), -1);
        self.count(Some(&row), 1);
        self.batch.insert(keys::row(id), encode(&row));
        self.rows.insert(id, Some(row));
        Ok(())
    }

    /// The keys by which it is found by what it is: its url, its content.
    fn identity(&mut self, before: Option<&Row>, row: &Row) {
        let id = row.memory.id;
        if let Some(before) = before {
            if let Some(url) = &before.memory.origin.url {
                self.batch.remove(keys::url(&before.memory.project, url));
            }
            self.batch.remove(keys::hash(&before.memory.content_hash, id));
        }
        if let Some(url) = &row.memory.origin.url {
            self.batch.insert(keys::url(&row.memory.project, url), id.as_bytes());
        }
        if !row.hidden {
            self.batch.insert(keys::hash(&row.memory.content_hash, id), &[]);
        }
    }

    fn count(&mut self, row: Option<&Row>, by: i64) {
        let Some(row) = row else { return };
        let count = if row.hidden { &mut self.meta.forgotten } else { &mut self.meta.memories };
        *count = count.saturating_add_signed(by);
    }

    fn accessed(&mut self, id: Id, at: Time) -> Result<(), RecordsError> {
        let key = keys::access(id);
        let before = match (self.accesses.get(&id), self.records.db.get(&key)?) {
            (Some(access), _) => *access,
            (None, Some(bytes)) => decode(&bytes)?,
            (None, None) => Access::default(),
        };
        let access = Access { count: before.count + 1, last: at };
        self.accesses.insert(id, access);
        self.batch.insert(key, encode(&access));
        Ok(())
    }
}
