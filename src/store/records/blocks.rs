//! Many sorted keys in one run of bytes, each as what it adds to the one before.
//!
//! Of each key, as LEB128: how many bytes it shares with the one before, how many it adds, and how long its value is and
//! one more, 0 where the key is removed; then what it adds, then its value.

use super::keys::Key;

/// Packs keys that come in order.
#[derive(Default)]
pub struct Packer {
    bytes: Vec<u8>,
    first: Key,
    last: Key,
}

impl Packer {
    pub fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        if self.bytes.is_empty() {
            self.first = key.to_vec();
            self.last.clear();
        }
        let shared = key.iter().zip(&self.last).take_while(|(a, b)| a == b).count();
        let added = &key[shared..];
        push_number(&mut self.bytes, shared);
        push_number(&mut self.bytes, added.len());
        push_number(&mut self.bytes, value.map_or(0, |value| value.len() + 1));
        self.bytes.extend_from_slice(added);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.last.truncate(shared);
        self.last.extend_from_slice(added);
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The first key and the bytes, if there are any.
    pub fn take(&mut self) -> Option<(Key, Vec<u8>)> {
        let bytes = std::mem::take(&mut self.bytes);
        (!bytes.is_empty()).then(|| (std::mem::take(&mut self.first), bytes))
    }
}

/// Walks the keys that were packed.
pub struct Block<B> {
    bytes: B,
    at: usize,
    key: Key,
}

impl<B: AsRef<[u8]>> Block<B> {
    pub fn new(bytes: B) -> Block<B> {
        Block { bytes, at: 0, key: Vec::new() }
    }

    /// The next key and its value, `None` for one that is removed.
    pub fn step(&mut self) -> Option<(&[u8], Option<&[u8]>)> {
        let all = self.bytes.as_ref().get(self.at..)?;
        let mut rest = all;
        let shared = take_number(&mut rest)?;
        let added = take_number(&mut rest)?;
        let value = take_number(&mut rest)?;
        let (added, rest) = rest.split_at_checked(added)?;
        let (bytes, rest) = rest.split_at_checked(value.saturating_sub(1))?;
        self.key.truncate(shared);
        self.key.extend_from_slice(added);
        self.at += all.len() - rest.len();
        Some((&self.key, (value > 0).then_some(bytes)))
    }
}

fn push_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<usize> {
    let mut number = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(keys in prop::collection::btree_map(
            prop::collection::vec(0u8..3, 0..300), prop::option::of(prop::collection::vec(any::<u8>(), 0..200)), 1..40,
        )) {
            let mut packer = Packer::default();
            keys.iter().for_each(|(key, value)| packer.push(key, value.as_deref()));
            let (first, bytes) = packer.take().unwrap();
            prop_assert_eq!(Some(&first), keys.keys().next());
            prop_assert!(packer.take().is_none());
            let mut block = Block::new(bytes);
            for (key, value) in &keys {
                prop_assert_eq!(block.step(), Some((key.as_slice(), value.as_deref())));
            }
            prop_assert_eq!(block.step(), None);
        }

        #[test]
        fn any_bytes_are_walked_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut block = Block::new(&bytes);
            let steps = std::iter::from_fn(|| block.step().map(|_| ())).count();
            prop_assert!(steps <= bytes.len() / 3);
        }
    }
}
