//! The record view: the newest revision of every record, with the indexes that lists need, in sled.
//!
//! Disposable: made from the log, and thrown away when in doubt. One tree, so that what a change does and the position
//! in the log are applied in one atomic batch. Never flushed for a commit; a timer flushes when something changed.

mod apply;
mod blocks;
mod dirs;
mod kept;
mod keys;
mod list;
mod runs;
mod stretch;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};

pub use self::{
    apply::{Applying, Filling},
    dirs::Dirs,
    kept::{DEAD, Kept, LIVE, NUMBERS, OF_JOB, PASSING, UPDATED},
};
use super::{Stored, snapshot::Head};
use crate::model::{Id, LogId, Memory, Project, Sequence, Time, decode, encode};

/// Pages of the tree in memory, as sled counts them: it takes about three times as much. Filling, importing and opening
/// took no longer with 32 MiB than with 64.
const CACHE_BYTES: u64 = 32 << 20;
/// Raised when rows or keys change: an older view is rebuilt.
const VERSION: u32 = 5;
/// Raised when rows change: an older snapshot is passed over.
const ROWS_VERSION: u32 = 3;
/// Idempotency keys are kept for a day of the log's own time.
const IDEMPOTENCY_MS: i64 = 24 * 3_600_000;
/// Files smaller than this are not worth writing anew.
const BLOATED_BYTES_MIN: u64 = 64 << 20;
/// Old keys removed at a time.
const PRUNE_MAX: usize = 1_000;

/// Why the view cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    #[error("the record view")]
    Sled(#[from] sled::Error),
    #[error("a row of the record view cannot be read")]
    Row(#[from] rmp_serde::decode::Error),
    #[error("a file of the record view")]
    Io(#[from] io::Error),
    #[error("the record view belongs to another log or version")]
    Foreign,
    #[error("the record view was not finished when it was made")]
    Unfinished,
    #[error("{0:?} is no page of this list")]
    Page(String),
}

/// A record as it stands in the tree.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Row {
    memory: Memory,
    /// When `rm` hid it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forgotten_at: Option<Time>,
    /// The entry that made it; those that touched it later have keys of their own.
    made_in: Sequence,
    /// The entry that holds the body, where it is too long for the tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_in: Option<Sequence>,
}

/// Before a row's MessagePack stand its revision and whether it is hidden, for who needs no more.
const ROW_HEAD_BYTES: usize = 5;

impl Row {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.memory.content.len() + 512);
        bytes.extend_from_slice(&self.memory.revision.to_be_bytes());
        bytes.push(u8::from(self.forgotten_at.is_some()));
        bytes.extend_from_slice(&encode(self));
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Row, RecordsError> {
        Ok(decode(bytes.get(ROW_HEAD_BYTES..).unwrap_or_default())?)
    }
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Access {
    count: u64,
    last: Time,
    /// The entry that counted last: one that is applied a second time counts once.
    counted_in: Sequence,
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
    pub decisions: u64,
    /// Being made: its rows were not written in atomic batches, and are worth nothing before it is done.
    unfinished: bool,
}

impl Meta {
    /// What a snapshot of the view is of, if it is taken from here on.
    pub fn head(&self) -> Head {
        Head { version: ROWS_VERSION, log: self.log, epoch: self.epoch, applied: self.applied }
    }

    /// Moved on over events that no record is in.
    pub fn at(self, applied: Sequence) -> Meta {
        Meta { applied, ..self }
    }
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
    /// The position that the tree holds.
    written: AtomicU64,
    /// Something was written that is not flushed.
    dirty: AtomicBool,
    /// How large its files were when it was last held against what is live.
    looked_at_bytes: AtomicU64,
}

impl Records {
    /// Opens or makes it. A view of another log, or of another version of this program, is `Foreign`.
    pub fn open(dir: &Path, log: LogId, epoch: u32) -> Result<(Records, Meta), RecordsError> {
        let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).flush_every_ms(None);
        let records = Records {
            db: config.open()?,
            dir: dir.to_owned(),
            written: AtomicU64::new(0),
            dirty: AtomicBool::new(false),
            looked_at_bytes: AtomicU64::new(0),
        };
        let meta = match records.db.get(keys::META)? {
            Some(bytes) => {
                let meta: Meta = decode(&bytes)?;
                if (meta.version, meta.log) != (VERSION, log) {
                    return Err(RecordsError::Foreign);
                }
                if meta.unfinished {
                    return Err(RecordsError::Unfinished);
                }
                records.written.store(meta.applied.0, Ordering::Relaxed);
                meta
            }
            None if records.db.is_empty() => Meta {
                version: VERSION,
                log,
                epoch,
                applied: Sequence::ZERO,
                memories: 0,
                forgotten: 0,
                decisions: 0,
                unfinished: false,
            },
            None => return Err(RecordsError::Foreign),
        };
        Ok((records, meta))
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes out what is only in memory, and fsyncs it: sled's own flush does not survive a power cut.
    pub fn flush(&self, meta: &Meta) -> Result<(), RecordsError> {
        if meta.applied.0 > self.written.load(Ordering::Relaxed) {
            self.db.insert(keys::META, encode(meta))?;
            self.wrote(meta);
        }
        if !self.dirty.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        self.sync().inspect_err(|_| self.dirty.store(true, Ordering::Release))
    }

    fn sync(&self) -> Result<(), RecordsError> {
        self.db.flush()?;
        std::fs::File::open(self.dir.join("db"))?.sync_data()?;
        Ok(())
    }

    /// Goes on in another epoch of the log.
    pub fn adopt(&self, meta: Meta, epoch: u32) -> Result<Meta, RecordsError> {
        let meta = Meta { epoch, ..meta };
        self.db.insert(keys::META, encode(&meta))?;
        self.wrote(&meta);
        Ok(meta)
    }

    /// Whether its files hold more than twice what is live in them. Reads all of it when they have grown.
    pub fn is_bloated(&self) -> Result<bool, RecordsError> {
        let bytes = self.db.size_on_disk()?;
        let looked_at = self.looked_at_bytes.load(Ordering::Relaxed);
        if bytes < BLOATED_BYTES_MIN || bytes < looked_at + looked_at / 4 {
            return Ok(false);
        }
        self.looked_at_bytes.store(bytes, Ordering::Relaxed);
        let mut live = 0;
        for item in self.db.iter() {
            let (key, value) = item?;
            live += (key.len() + value.len()) as u64;
        }
        Ok(bytes > 2 * live)
    }

    /// Whether there is something to flush.
    pub fn is_dirty(&self) -> bool {
        self.dirty.load(Ordering::Acquire)
    }

    fn wrote(&self, meta: &Meta) {
        self.written.store(meta.applied.0, Ordering::Relaxed);
        self.dirty.store(true, Ordering::Release);
    }

    /// Removes idempotency keys from before a day ago.
    pub fn prune(&self, now: Time) -> Result<(), RecordsError> {
        let old = keys::idempotency_age(Time::from_unix_ms(now.unix_ms() - IDEMPOTENCY_MS), "");
        let mut batch = sled::Batch::default();
        for item in self.db.range(keys::IDEMPOTENCY_AGES..&old).keys().take(PRUNE_MAX) {
            let age = item?;
            let mut key = keys::idempotency("");
            key.extend_from_slice(age.get(9..).unwrap_or_default());
            // Used again since: that use has an age of its own.
            if let Some(bytes) = self.db.get(&key)?
                && keys::idempotency_age(decode::<(Sequence, Time)>(&bytes)?.1, "") == age[..9]
            {
                batch.remove(key);
            }
            batch.remove(age);
        }
        Ok(self.db.apply_batch(batch)?)
    }

    pub fn standing(&self, id: Id) -> Result<Option<Standing>, RecordsError> {
        let Some(bytes) = self.db.get(keys::row(id))? else { return self.kept_standing(id) };
        Ok(bytes.split_first_chunk().and_then(|(revision, rest)| {
            Some(Standing { revision: u32::from_be_bytes(*revision), hidden: *rest.first()? == 1 })
        }))
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
        match self.listed(&keys::url(project, url))?.as_deref().and_then(keys::id_in) {
            Some(id) => self.get(id),
            None => Ok(None),
        }
    }

    /// Ids of records with this content that are not hidden, in order.
    pub fn by_hash(&self, hash: &str) -> Result<Vec<Id>, RecordsError> {
        let mut ids = Vec::new();
        for item in self.stretch(&keys::hash_of(hash), None)? {
            ids.extend(keys::id_in(&item?.0));
        }
        Ok(ids)
    }

    /// First sequences of the entries that touched it, in order.
    pub fn touched(&self, id: Id) -> Result<Vec<Sequence>, RecordsError> {
        let made_in = match self.row(id)? {
            Some(row) => Some(row.made_in),
            None => self.kept_made_in(id)?,
        };
        let mut firsts = Vec::from_iter(made_in);
        firsts.append(&mut self.touched_later(id)?);
        Ok(firsts)
    }

    /// Those after the one that made it.
    fn touched_later(&self, id: Id) -> Result<Vec<Sequence>, RecordsError> {
        let mut firsts = Vec::new();
        for key in self.db.scan_prefix(keys::touched_of(id)).keys() {
            firsts.extend(keys::sequence_in(&key?));
        }
        Ok(firsts)
    }

    /// What was hidden until this moment, latest first, so many at most.
    pub fn hidden_until(&self, time: Time, max: usize) -> Result<Vec<Id>, RecordsError> {
        let hidden = self.stretch(&keys::hidden(), Some(&keys::newest_first(time)))?.take(max);
        hidden.map(|item| Ok(keys::id_in(&item?.0))).filter_map(Result::transpose).collect()
    }

    /// What is being erased, and the first sequences of the entries that told of it.
    pub fn erasing(&self) -> Result<BTreeMap<Id, Vec<Sequence>>, RecordsError> {
        let all = self.db.scan_prefix(keys::ERASING).map(|item| {
            let (key, value) = item?;
            Ok(keys::id_in(&key).map(|id| decode(&value).map(|places| (id, places))).transpose()?)
        });
        all.filter_map(Result::transpose).collect()
    }

    /// How often each was opened, and when last.
    pub fn uses(&self, ids: &BTreeSet<Id>) -> Result<Vec<(Id, u64, Time)>, RecordsError> {
        let uses = ids.iter().map(|id| {
            match self.db.get(keys::access(*id))? {
                Some(bytes) => decode::<Access>(&bytes).map(|access| Some((*id, access.count, access.last))),
                None => Ok(None),
            }
            .map_err(RecordsError::from)
        });
        uses.filter_map(Result::transpose).collect()
    }

    /// Every record; `false` stops.
    pub fn scan(&self, f: &mut dyn FnMut(Found) -> bool) -> Result<(), RecordsError> {
        for item in self.db.scan_prefix(keys::ROWS) {
            let (_, bytes) = item?;
            if !f(self.found(Row::decode(&bytes)?)?) {
                break;
            }
        }
        Ok(())
    }

    /// Hands out what the rest is made from, in the order of keys; `false` stops.
    pub fn primary(&self, each: &mut super::snapshot::Each<'_>) -> Result<(), RecordsError> {
        let kept = kept::TABLES.map(|table| [table]);
        for prefix in keys::PRIMARY.into_iter().chain(kept.iter().map(<[u8; 1]>::as_slice)) {
            for item in self.db.scan_prefix(prefix) {
                let (key, value) = item?;
                if !each(&key, &value) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn row(&self, id: Id) -> Result<Option<Row>, RecordsError> {
        self.db.get(keys::row(id))?.map(|bytes| Row::decode(&bytes)).transpose()
    }

    fn found(&self, row: Row) -> Result<Found, RecordsError> {
        let mut memory = row.memory;
        if let Some(bytes) = self.db.get(keys::access(memory.id))? {
            let access: Access = decode(&bytes)?;
            memory.access_count = access.count;
            memory.last_accessed = Some(access.last);
        }
        Ok(Found { stored: Stored { memory, hidden: row.forgotten_at.is_some() }, body_in: row.body_in })
    }
}
