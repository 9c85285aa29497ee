//! Keys of the record view: one tree, a letter for each table, big-endian numbers, so that order is meaning.
//!
//! | letter | key | value |
//! |---|---|---|
//! | `m` | id | the record's row |
//! | `a` | id | how often it was opened, and when last |
//! | `e` | id, first sequence of an entry that touched it after the first one (which its row names) | – |
//! | `u` | url, NUL, project | id |
//! | `x` | content hash in 16 bytes, id | – |
//! | `k` | idempotency key | first sequence, moment |
//! | `o` | moment, idempotency key | – |
//! | `h` | moment it was hidden from the newest, id, of hidden ones | – |
//! | `z` | id of what is being erased | first sequences of the entries that told of it |
//! | `c` | created_at, id | – |
//! | `d` | expires_at, id | – |
//! | `p` `t` `g` `s` | project, type, tag or status in lower case, NUL, updated_at from the newest, id | – |
//! | `b` | the first of the keys of `u x h c d p t g s` in a block | the block, see [`super::stretch`] |
//! | `D` `J` `S` `R` `K` | see [`super::kept`] | decisions, jobs, where the scheduler stands with them, runs, keys |
//! | `!` | name | what the view knows of itself |

use crate::model::{Id, Memory, Project, Sequence, Status, Time};

pub type Key = Vec<u8>;

pub fn row(id: Id) -> Key {
    tagged(b'm', &[id.as_bytes()])
}

pub fn access(id: Id) -> Key {
    tagged(b'a', &[id.as_bytes()])
}

pub fn touched(id: Id, first: Sequence) -> Key {
    tagged(b'e', &[id.as_bytes(), &first.0.to_be_bytes()])
}

pub fn touched_of(id: Id) -> Key {
    tagged(b'e', &[id.as_bytes()])
}

pub fn erasing(id: Id) -> Key {
    tagged(b'z', &[id.as_bytes()])
}

pub fn url(project: &Project, url: &str) -> Key {
    tagged(b'u', &[url.as_bytes(), &[0], project.as_str().as_bytes()])
}

/// A short form of the hash, in whichever form it was given: 16 bytes are enough to tell contents apart.
pub fn hash_of(hash: &str) -> Key {
    tagged(b'x', &[&blake3::hash(hash.as_bytes()).as_bytes()[..16]])
}

pub fn hash(hash: &str, id: Id) -> Key {
    let mut key = hash_of(hash);
    key.extend_from_slice(id.as_bytes());
    key
}

pub fn idempotency(key: &str) -> Key {
    tagged(b'k', &[key.as_bytes()])
}

pub fn idempotency_age(recorded_at: Time, key: &str) -> Key {
    tagged(b'o', &[&ascending(recorded_at), key.as_bytes()])
}

pub const IDEMPOTENCY_AGES: &[u8] = b"o";
pub const ROWS: &[u8] = b"m";
/// The tables of memories that no other holds.
pub const PRIMARY: [&[u8]; 6] = [b"a", b"e", b"k", ROWS, IDEMPOTENCY_AGES, ERASING];
pub const ERASING: &[u8] = b"z";
pub const BLOCKS: &[u8] = b"b";
pub const META: &[u8] = b"!meta";
/// The tables that are made from rows.
const LISTS: &[u8] = b"uxhcdptgs";

/// The prefix under which one order of records is found.
pub fn hidden() -> Key {
    vec![b'h']
}

pub fn created() -> Key {
    vec![b'c']
}

pub fn due() -> Key {
    vec![b'd']
}

pub fn urls(origin: &str) -> Key {
    tagged(b'u', &[origin.as_bytes()])
}

pub fn of_project(project: &Project) -> Key {
    tagged(b'p', &[project.as_str().as_bytes(), &[0]])
}

pub fn of_type(kind: &str) -> Key {
    tagged(b't', &[kind.to_lowercase().as_bytes(), &[0]])
}

pub fn of_tag(tag: &str) -> Key {
    tagged(b'g', &[tag.to_lowercase().as_bytes(), &[0]])
}

pub fn of_status(status: Status) -> Key {
    tagged(b's', &[status.word().as_bytes(), &[0]])
}

/// Every list key of a record as it is now.
pub fn lists(memory: &Memory, forgotten_at: Option<Time>) -> Vec<Key> {
    let newest = newest_first(memory.updated_at);
    let id = memory.id.as_bytes();
    let under_at = |mut prefix: Key, newest: [u8; 8]| {
        prefix.extend_from_slice(&newest);
        prefix.extend_from_slice(id);
        prefix
    };
    if let Some(time) = forgotten_at {
        return vec![under_at(hidden(), newest_first(time))];
    }
    let under = |prefix| under_at(prefix, newest);
    let mut keys = vec![
        tagged(b'c', &[&ascending(memory.created_at), id]),
        under(of_project(&memory.project)),
        under(of_type(&memory.kind)),
        under(of_status(memory.status)),
    ];
    keys.extend(memory.tags.iter().map(|tag| under(of_tag(tag))));
    keys.extend(memory.expires_at.map(|time| tagged(b'd', &[&ascending(time), id])));
    keys
}

/// Whether it is of a table that is made from rows, and may stand in a block.
pub fn is_of_list(key: &[u8]) -> bool {
    key.first().is_some_and(|letter| LISTS.contains(letter))
}

/// The key of the block that begins with this one.
pub fn block(first: &[u8]) -> Key {
    [BLOCKS, first].concat()
}

/// The id at the end of a list's key.
pub fn id_in(key: &[u8]) -> Option<Id> {
    let id: [u8; 16] = key.get(key.len().checked_sub(16)?..)?.try_into().ok()?;
    Some(Id::from_bytes(id))
}

/// The sequence at the end of a key of [`touched`].
pub fn sequence_in(key: &[u8]) -> Option<Sequence> {
    let bytes: [u8; 8] = key.get(key.len().checked_sub(8)?..)?.try_into().ok()?;
    Some(Sequence(u64::from_be_bytes(bytes)))
}

fn tagged(letter: u8, parts: &[&[u8]]) -> Key {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(letter);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

pub fn ascending(time: Time) -> [u8; 8] {
    // The sign bit turned, so that moments before 1970 sort before it.
    ((time.unix_ms() as u64) ^ (1 << 63)).to_be_bytes()
}

pub fn newest_first(time: Time) -> [u8; 8] {
    (!((time.unix_ms() as u64) ^ (1 << 63))).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_sort_as_moments_do(a in any::<i64>(), b in any::<i64>()) {
            let (a, b) = (Time::from_unix_ms(a), Time::from_unix_ms(b));
            prop_assert_eq!(a.cmp(&b), ascending(a).cmp(&ascending(b)));
            prop_assert_eq!(b.cmp(&a), newest_first(a).cmp(&newest_first(b)));
        }
    }
}
