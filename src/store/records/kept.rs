//! Records beside memories: a table for each kind, which holds them whole, with what they are found by.
//!
//! A table has a letter, and keys that begin with it: `r` and the id for the row, `q` and a hash for what only one record
//! may have (a number, a slug, a slot), with the id behind it, and one letter for each order that is walked.

use serde::{Serialize, de::DeserializeOwned};

use super::{Records, RecordsError, Standing, keys, keys::Key};
use crate::model::{
    Decision, Id, Key as ApiKey, Sequence, Unique, decode, encode,
    job::{Job, JobState, Run, RunState},
};

/// A kind of record with a table of its own.
pub trait Kept: Clone + Serialize + DeserializeOwned {
    /// The letter of its table.
    const TABLE: u8;
    /// Whether the entries that touched it are kept for its history.
    const HISTORY: bool;

    fn id(&self) -> Id;
    fn revision(&self) -> u32;
    /// What only one record may have, beside its id.
    fn unique(&self) -> Option<Unique> {
        None
    }
    /// The keys under which it is found as it is now, its table's letter and its id left out.
    fn orders(&self) -> Vec<Key> {
        Vec::new()
    }
}

/// Letters of all tables, for who copies them.
pub const TABLES: [u8; 5] = [Decision::TABLE, Job::TABLE, Run::TABLE, JobState::TABLE, ApiKey::TABLE];
/// Those whose rows are found by an id of their own.
const BY_ID: [u8; 4] = [Decision::TABLE, Job::TABLE, Run::TABLE, ApiKey::TABLE];
/// What the log need not hold any more.
pub const PASSING: [u8; 2] = [Run::TABLE, JobState::TABLE];

impl Kept for Decision {
    const TABLE: u8 = b'D';
    const HISTORY: bool = true;

    fn id(&self) -> Id {
        self.id
    }

    fn revision(&self) -> u32 {
        self.revision
    }

    fn unique(&self) -> Option<Unique> {
        Some(Unique::Number(self.number))
    }

    fn orders(&self) -> Vec<Key> {
        let highest_first = (!self.number.0).to_be_bytes();
        vec![
            [&[UPDATED], &keys::newest_first(self.updated_at)[..]].concat(),
            [&[NUMBERS], &highest_first[..]].concat(),
        ]
    }
}

impl Kept for Job {
    const TABLE: u8 = b'J';
    const HISTORY: bool = true;

    fn id(&self) -> Id {
        self.id
    }

    fn revision(&self) -> u32 {
        self.revision
    }

    fn unique(&self) -> Option<Unique> {
        Some(Unique::Slug(self.slug.clone()))
    }
}

/// Under the id of its job; its revisions are counted by the scheduler, which says them itself.
impl Kept for JobState {
    const TABLE: u8 = b'S';
    const HISTORY: bool = false;

    fn id(&self) -> Id {
        self.job
    }

    fn revision(&self) -> u32 {
        0
    }
}

/// What changed a key is told by its events.
impl Kept for ApiKey {
    const TABLE: u8 = b'K';
    const HISTORY: bool = false;

    fn id(&self) -> Id {
        self.id
    }

    fn revision(&self) -> u32 {
        self.revision
    }

    fn unique(&self) -> Option<Unique> {
        Some(Unique::Key(self.short.clone()))
    }
}

impl Kept for Run {
    const TABLE: u8 = b'R';
    const HISTORY: bool = false;

    fn id(&self) -> Id {
        self.id
    }

    fn revision(&self) -> u32 {
        self.revision
    }

    fn orders(&self) -> Vec<Key> {
        let of = |order: u8, time| [&[order], &self.job.as_bytes()[..], &keys::newest_first(time)].concat();
        let mut orders = vec![of(OF_JOB, self.created_at)];
        orders.extend(self.state.is_live().then(|| of(LIVE, self.created_at)));
        orders.extend((self.state == RunState::Dead).then(|| of(DEAD, self.created_at)));
        orders
    }
}

/// Runs by their job, newest first: all, those of which something is still to come, dead letters.
pub const OF_JOB: u8 = b'j';
pub const LIVE: u8 = b'l';
pub const DEAD: u8 = b'd';

/// Decisions, last changed first.
pub const UPDATED: u8 = b'u';
/// Decisions, highest number first.
pub const NUMBERS: u8 = b'n';

/// A record as it stands in the tree.
#[derive(Debug, Clone)]
pub(super) struct KeptRow<K> {
    pub record: K,
    pub made_in: Sequence,
}

/// Before the MessagePack of a row stand the revision and the entry that made it, for who needs no more.
const HEAD_BYTES: usize = 12;

impl<K: Kept> KeptRow<K> {
    pub fn encode(&self) -> Vec<u8> {
        let (revision, made_in) = (self.record.revision().to_be_bytes(), self.made_in.0.to_be_bytes());
        [&revision[..], &made_in, &encode(&self.record)].concat()
    }

    pub fn decode(bytes: &[u8]) -> Result<KeptRow<K>, RecordsError> {
        let Some((_, made_in)) = head(bytes) else { return Err(RecordsError::Foreign) };
        Ok(KeptRow { record: decode(&bytes[HEAD_BYTES..])?, made_in })
    }

    /// Every key of it but the row's own, and the value there.
    pub fn found_by(&self) -> Vec<(Key, Vec<u8>)> {
        let id = self.record.id();
        let order = |order: Key| ([&[K::TABLE], &order[..], id.as_bytes()].concat(), Vec::new());
        let mut keys: Vec<_> = self.record.orders().into_iter().map(order).collect();
        keys.extend(self.record.unique().map(|of| (unique(K::TABLE, &of), id.as_bytes().to_vec())));
        keys
    }
}

/// The revision, and the entry that made it.
fn head(bytes: &[u8]) -> Option<(u32, Sequence)> {
    let (revision, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*revision), Sequence(u64::from_be_bytes(*rest.first_chunk()?))))
}

pub fn row(table: u8, id: Id) -> Key {
    [&[table, b'r'], &id.as_bytes()[..]].concat()
}

pub fn is_row(table: u8, key: &[u8]) -> bool {
    key.starts_with(&[table, b'r'])
}

fn unique(table: u8, of: &Unique) -> Key {
    [&[table, b'q'], &blake3::hash(&encode(of)).as_bytes()[..16]].concat()
}

impl Records {
    pub fn kept<K: Kept>(&self, id: Id) -> Result<Option<K>, RecordsError> {
        let row = self.db.get(row(K::TABLE, id))?;
        Ok(row.map(|bytes| KeptRow::decode(&bytes)).transpose()?.map(|row| row.record))
    }

    /// The one that has it.
    pub fn holder<K: Kept>(&self, of: &Unique) -> Result<Option<K>, RecordsError> {
        let id = self.db.get(unique(K::TABLE, of))?.and_then(|id| id.as_ref().try_into().ok());
        id.map_or(Ok(None), |id| self.kept(Id::from_bytes(id)))
    }

    /// Whether any record has it.
    pub fn is_taken(&self, of: &Unique) -> Result<bool, RecordsError> {
        for table in TABLES {
            if self.db.contains_key(unique(table, of))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Those under an order's prefix, in its order, beginning behind a key of it; each with its key. `false` stops.
    pub fn walk<K: Kept>(
        &self,
        order: &[u8],
        after: Option<&[u8]>,
        each: &mut dyn FnMut(&[u8], K) -> bool,
    ) -> Result<(), RecordsError> {
        let prefix = [&[K::TABLE], order].concat();
        let from = after.map_or_else(|| prefix.clone(), |after| [&prefix, after, &[0]].concat());
        for key in self.db.range(from..).keys() {
            let key = key?;
            let Some(place) = key.strip_prefix(&prefix[..]) else { break };
            let Some(id) = keys::id_in(&key) else { continue };
            if let Some(record) = self.kept(id)?
                && !each(place, record)
            {
                break;
            }
        }
        Ok(())
    }

    /// Every one of a kind, in the order of ids: oldest first.
    pub fn all_kept<K: Kept>(&self, each: &mut dyn FnMut(K)) -> Result<(), RecordsError> {
        for item in self.db.scan_prefix([K::TABLE, b'r']) {
            let (_, bytes) = item?;
            each(KeptRow::decode(&bytes)?.record);
        }
        Ok(())
    }

    /// The table, the id and the hash of every record beside memories; `false` stops.
    pub fn each_kept(&self, each: &mut dyn FnMut(u8, Id, blake3::Hash) -> bool) -> Result<(), RecordsError> {
        for table in TABLES {
            for item in self.db.scan_prefix([table, b'r']) {
                let (key, bytes) = item?;
                let id = keys::id_in(&key).ok_or(RecordsError::Foreign)?;
                if !each(table, id, blake3::hash(bytes.get(HEAD_BYTES..).unwrap_or_default())) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// What the writer needs to know of one, in whichever table it stands.
    pub(super) fn kept_standing(&self, id: Id) -> Result<Option<Standing>, RecordsError> {
        Ok(self.kept_head(id)?.map(|(revision, _)| Standing { revision, hidden: false }))
    }

    /// The entry that made it.
    pub(super) fn kept_made_in(&self, id: Id) -> Result<Option<Sequence>, RecordsError> {
        Ok(self.kept_head(id)?.map(|(_, made_in)| made_in))
    }

    fn kept_head(&self, id: Id) -> Result<Option<(u32, Sequence)>, RecordsError> {
        for table in BY_ID {
            if let Some(bytes) = self.db.get(row(table, id))? {
                return Ok(head(&bytes));
            }
        }
        Ok(None)
    }
}
