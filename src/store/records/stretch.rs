//! Reading lists: a made view has their keys in blocks of the tree, and what was written since stands in the tree under
//! keys of its own.
//!
//! A block is never changed. A key that is written hides the same key in a block; one that is removed from a block is
//! hidden by a tombstone.

use std::{cmp::Ordering, iter::Peekable, ops::Bound};

use sled::IVec;

use super::{
    Records, RecordsError,
    blocks::Block,
    keys::{self, Key},
};

/// In the place of a value, which is empty or an id.
pub const TOMBSTONE: &[u8] = b"-";

type Item = Result<(IVec, IVec), sled::Error>;

/// The keys of a list that begin alike, in order, with their values.
pub struct Stretch {
    written: Peekable<Written>,
    packed: Peekable<Packed>,
}

impl Records {
    /// Keys with this prefix; those after a place where one is given.
    pub fn stretch(&self, prefix: &[u8], after: Option<&[u8]>) -> Result<Stretch, RecordsError> {
        let start = match after {
            None => Bound::Included(prefix.to_vec()),
            Some(place) => Bound::Excluded([prefix, place].concat()),
        };
        let (Bound::Included(begin) | Bound::Excluded(begin)) = &start else { unreachable!("made above") };
        let first = self.block_at(begin)?;
        let passed = first.as_ref().map_or_else(|| keys::BLOCKS.to_vec(), |(key, _)| key.to_vec());
        let blocks = self.db.range((Bound::Excluded(passed), Bound::Unbounded));
        let block = first.map(|(_, bytes)| Block::new(bytes));
        let written =
            Written { tree: self.db.range((start.clone(), Bound::Unbounded)), prefix: prefix.to_vec() };
        let packed = Packed { blocks, block, start, prefix: prefix.to_vec() };
        Ok(Stretch { written: written.peekable(), packed: packed.peekable() })
    }

    /// The value of a list's key.
    pub(super) fn listed(&self, key: &[u8]) -> Result<Option<IVec>, RecordsError> {
        match self.db.get(key)? {
            Some(value) => Ok(Some(value).filter(|value| value != TOMBSTONE)),
            None => self.packed(key),
        }
    }

    /// The value that a key has in a block, be it hidden or not.
    pub(super) fn packed(&self, key: &[u8]) -> Result<Option<IVec>, RecordsError> {
        let Some((_, bytes)) = self.block_at(key)? else { return Ok(None) };
        let mut block = Block::new(bytes);
        while let Some((found, value)) = block.step() {
            match found.cmp(key) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(value.map(IVec::from)),
                Ordering::Greater => break,
            }
        }
        Ok(None)
    }

    /// The block that this key would be in.
    fn block_at(&self, key: &[u8]) -> Result<Option<(IVec, IVec)>, sled::Error> {
        self.db.range(keys::BLOCKS.to_vec()..=keys::block(key)).next_back().transpose()
    }
}

impl Iterator for Stretch {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            let order = match (self.written.peek(), self.packed.peek()) {
                (Some(Ok((written, _))), Some(Ok((packed, _)))) => written.cmp(packed),
                (None, Some(_)) | (Some(Ok(_)), Some(Err(_))) => Ordering::Greater,
                (_, None) | (Some(Err(_)), _) => Ordering::Less,
            };
            if order == Ordering::Equal {
                drop(self.packed.next());
            }
            let next = if order == Ordering::Greater { self.packed.next() } else { self.written.next() };
            match next? {
                Ok((_, value)) if value == TOMBSTONE => {}
                next => return Some(next),
            }
        }
    }
}

struct Written {
    tree: sled::Iter,
    prefix: Key,
}

impl Iterator for Written {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let next = self.tree.next()?;
        let ends = next.as_ref().is_ok_and(|(key, _)| !key.starts_with(&self.prefix));
        (!ends).then_some(next)
    }
}

struct Packed {
    /// Those after `block`.
    blocks: sled::Iter,
    block: Option<Block<IVec>>,
    start: Bound<Key>,
    prefix: Key,
}

impl Iterator for Packed {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            while let Some((key, value)) = self.block.as_mut().and_then(Block::step) {
                let before = match &self.start {
                    Bound::Included(start) => key < start.as_slice(),
                    Bound::Excluded(start) => key <= start.as_slice(),
                    Bound::Unbounded => false,
                };
                if before {
                    continue;
                }
                let item = Ok((key.into(), value.unwrap_or_default().into()));
                return key.starts_with(&self.prefix).then_some(item);
            }
            match self.blocks.next()? {
                Ok((key, _)) if !key.starts_with(&keys::block(&self.prefix)) => return None,
                Ok((_, bytes)) => self.block = Some(Block::new(bytes)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
