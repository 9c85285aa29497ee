//! Keys of lists while they are gathered: [`Words`] hold what is said of them, in no order, [`Runs`] more of it than
//! memory is to hold, sorted a run at a time in a file, and merged when all is there. The last word on a key holds.
//!
//! The file is of use only to who made it. It loses its name as soon as it is there, so that nothing of it is left when
//! the process ends.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, binary_heap::PeekMut},
    fs::{self, File, OpenOptions},
    io,
    ops::Range,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::{
    blocks::{Block, Packer},
    keys::Key,
};

/// Packed keys read back at a time, of each run.
const CHUNK_BYTES: usize = 32 << 10;

/// Keys, each with its value or with none to be gone, side by side: a step has hundreds of thousands of them.
#[derive(Default)]
pub struct Words {
    bytes: Vec<u8>,
    words: Vec<Word>,
}

/// Where it lies in the bytes: its key, then its value.
#[derive(Clone, Copy)]
struct Word {
    key: usize,
    value: usize,
    end: usize,
    is_gone: bool,
}

impl Words {
    pub fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        let (value_at, end) = (start + key.len(), self.bytes.len());
        self.words.push(Word { key: start, value: value_at, end, is_gone: value.is_none() });
    }

    pub fn len(&self) -> usize {
        self.words.len()
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.words.clear();
    }

    /// The last word on each key, in the order of keys.
    pub fn sorted(&mut self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let bytes = &self.bytes;
        let key = |word: &Word| &bytes[word.key..word.value];
        self.words.sort_by(|a, b| key(a).cmp(key(b)));
        let last = self.words.chunk_by(move |a, b| key(a) == key(b)).filter_map(<[Word]>::last);
        last.map(move |word| (key(word), (!word.is_gone).then(|| &bytes[word.value..word.end])))
    }
}

pub struct Runs {
    path: PathBuf,
    /// There from the second run on.
    file: Option<File>,
    end: u64,
    /// Where the chunks of each run lie in the file.
    written: Vec<Vec<Range<u64>>>,
    /// The chunks of the last run.
    last: Vec<Vec<u8>>,
}

impl Runs {
    /// With a place for the file, should one be needed.
    pub fn new(path: &Path) -> Runs {
        Runs { path: path.to_owned(), file: None, end: 0, written: Vec::new(), last: Vec::new() }
    }

    /// Takes the words for a run.
    pub fn add(&mut self, words: &mut Words) -> io::Result<()> {
        self.write_last()?;
        let mut packer = Packer::default();
        for (key, value) in words.sorted() {
            packer.push(key, value);
            if packer.len() >= CHUNK_BYTES {
                self.last.extend(packer.take().map(|(_, chunk)| chunk));
            }
        }
        self.last.extend(packer.take().map(|(_, chunk)| chunk));
        words.clear();
        Ok(())
    }

    fn write_last(&mut self) -> io::Result<()> {
        let last = std::mem::take(&mut self.last);
        if last.is_empty() {
            return Ok(());
        }
        let file = match self.file.take() {
            Some(file) => file,
            None => nameless(&self.path)?,
        };
        let mut chunks = Vec::with_capacity(last.len());
        for chunk in last {
            file.write_all_at(&chunk, self.end)?;
            let end = self.end + chunk.len() as u64;
            chunks.push(self.end..end);
            self.end = end;
        }
        self.written.push(chunks);
        self.file = Some(file);
        Ok(())
    }

    /// The keys that are there in the end, in order.
    pub fn merged(self) -> io::Result<Merged> {
        let Runs { file, written, last, .. } = self;
        let mut runs: Vec<_> = written.into_iter().map(|chunks| Run::Written(chunks.into_iter())).collect();
        runs.push(Run::InMemory(last.into_iter()));
        let mut heads = BinaryHeap::new();
        for (age, run) in runs.into_iter().enumerate() {
            let block = Block::new(Vec::new());
            let mut head = Head { key: Vec::new(), value: None, age, run, block };
            if head.advance(file.as_ref())? {
                heads.push(head);
            }
        }
        Ok(Merged { file, heads, key: Vec::new() })
    }
}

fn nameless(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)?;
    fs::remove_file(path)?;
    Ok(file)
}

enum Run {
    Written(std::vec::IntoIter<Range<u64>>),
    InMemory(std::vec::IntoIter<Vec<u8>>),
}

impl Run {
    fn chunk(&mut self, file: Option<&File>) -> io::Result<Option<Vec<u8>>> {
        match self {
            Run::InMemory(chunks) => Ok(chunks.next()),
            Run::Written(chunks) => {
                let (Some(place), Some(file)) = (chunks.next(), file) else { return Ok(None) };
                let mut chunk = vec![0; (place.end - place.start) as usize];
                file.read_exact_at(&mut chunk, place.start)?;
                Ok(Some(chunk))
            }
        }
    }
}

/// A run at its next key.
struct Head {
    key: Key,
    value: Option<Vec<u8>>,
    age: usize,
    run: Run,
    /// The chunk that is walked.
    block: Block<Vec<u8>>,
}

impl Head {
    /// `false` at the end of the run.
    fn advance(&mut self, file: Option<&File>) -> io::Result<bool> {
        loop {
            if let Some((key, value)) = self.block.step() {
                self.key.clear();
                self.key.extend_from_slice(key);
                self.value = value.map(<[u8]>::to_vec);
                return Ok(true);
            }
            match self.run.chunk(file)? {
                Some(chunk) => self.block = Block::new(chunk),
                None => return Ok(false),
            }
        }
    }
}

/// The greatest is the one to be taken: the first key, and of equal ones that of the last run.
impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        other.key.cmp(&self.key).then(self.age.cmp(&other.age))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

pub struct Merged {
    file: Option<File>,
    heads: BinaryHeap<Head>,
    key: Key,
}

impl Merged {
    pub fn next(&mut self) -> io::Result<Option<(&[u8], Vec<u8>)>> {
        while let Some(mut head) = self.heads.peek_mut() {
            let is_old = head.key == self.key;
            std::mem::swap(&mut head.key, &mut self.key);
            let value = head.value.take();
            if !head.advance(self.file.as_ref())? {
                PeekMut::pop(head);
            }
            if let Some(value) = value.filter(|_| !is_old) {
                return Ok(Some((&self.key, value)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Keys = BTreeMap<Key, Option<Vec<u8>>>;

    fn run() -> impl Strategy<Value = Keys> {
        let key = prop::collection::vec(0u8..4, 1..4);
        let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..20_000));
        prop::collection::btree_map(key, value, 0..30)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn runs_merge_to_the_last_word_on_each_key(all in prop::collection::vec(run(), 0..6)) {
            let dir = tempfile::tempdir().unwrap();
            let mut runs = Runs::new(&dir.path().join("runs"));
            for run in &all {
                let mut words = Words::default();
                // A word that is taken back is none.
                run.keys().for_each(|key| words.push(key, Some(b"not this")));
                run.iter().rev().for_each(|(key, value)| words.push(key, value.as_deref()));
                runs.add(&mut words).unwrap();
                prop_assert_eq!(words.len(), 0);
            }
            let mut merged = runs.merged().unwrap();
            let mut found = Vec::new();
            while let Some((key, value)) = merged.next().unwrap() {
                found.push((key.to_vec(), value));
            }
            let plain: Keys = all.into_iter().flatten().collect();
            let plain: Vec<_> = plain.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
            prop_assert_eq!(found, plain);
            prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }
}
