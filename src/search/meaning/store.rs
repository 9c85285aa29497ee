//! The vectors on disk: a record for each text, found by the text's hash, memory-mapped.
//!
//! Disposable: what is missing, torn or of another model is made anew from the text. A record is written once, in place,
//! and never changed, so nothing is fsynced: its checksum tells at the next open whether all of it got there. Vectors
//! are known by what was read, not by whose they are: a text that comes back, moves or is indexed anew keeps its vector.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use memmap2::Mmap;

use super::{
    encoder::MODEL_ID,
    vector::{DIMENSIONS, Vector},
};

/// The hash of a text, as the model reads it.
pub type Key = [u8; 16];
/// Where a vector lies.
pub type Slot = u32;

/// Says which model the records are of, and how they lie.
const FORMAT_FILE: &str = "format";
const FORMAT_VERSION: u32 = 1;

const SCALE_AT: usize = 16;
const VALUES_AT: usize = SCALE_AT + 4;
const CRC_AT: usize = VALUES_AT + DIMENSIONS;
const RECORD_BYTES: usize = CRC_AT + 4;
/// A file is made as large as it will be, and mapped once.
const RECORDS_A_FILE: usize = 16_384;
const FILE_BYTES: u64 = (RECORDS_A_FILE * RECORD_BYTES) as u64;

#[derive(Debug, Clone)]
struct Mapped {
    file: Arc<File>,
    map: Arc<Mmap>,
}

impl Mapped {
    fn open(path: &Path, make: bool) -> io::Result<Mapped> {
        let file =
            OpenOptions::new().read(true).write(true).create(make).truncate(false).mode(0o600).open(path)?;
        if file.metadata()?.len() != FILE_BYTES {
            file.set_len(FILE_BYTES)?;
        }
        #[expect(
            unsafe_code,
            reason = "the file is this process's alone (the directory is locked), never shrinks while it is mapped, and a \
                      record is read only after it was written"
        )]
        // SAFETY: as the reason says; what another program did to the bytes would be a wrong number, no wrong memory.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Mapped { file: Arc::new(file), map: Arc::new(map) })
    }
}

/// The files as they were at a moment; what is written later is not in it.
#[derive(Debug, Clone, Default)]
pub struct Records(Vec<Mapped>);

impl Records {
    /// The vector at a slot that [`Store`] gave, taken out.
    pub fn vector(&self, slot: Slot) -> Option<Vector> {
        let (scale, values) = self.at(slot)?;
        Some(Vector::new(scale, values))
    }

    #[inline]
    fn at(&self, slot: Slot) -> Option<(f32, &[u8; DIMENSIONS])> {
        let map = &self.0.get(slot as usize / RECORDS_A_FILE)?.map;
        let at = slot as usize % RECORDS_A_FILE * RECORD_BYTES;
        let record: &[u8; RECORD_BYTES] = map.get(at..at + RECORD_BYTES)?.try_into().ok()?;
        let scale = f32::from_le_bytes(record[SCALE_AT..VALUES_AT].try_into().ok()?);
        Some((scale, record[VALUES_AT..CRC_AT].try_into().ok()?))
    }

    /// The vector at a slot that [`Store`] gave.
    #[inline]
    pub fn dot(&self, slot: Slot, asked: &Vector) -> Option<f32> {
        let (scale, values) = self.at(slot)?;
        Some(asked.dot_with(scale, values))
    }
}

pub struct Store {
    dir: PathBuf,
    records: Records,
    slots: HashMap<Key, Slot>,
    /// The next free one.
    next: Slot,
}

impl Store {
    /// What is in the directory; what is of another model is deleted.
    pub fn open(dir: &Path) -> io::Result<Store> {
        let format = format!("{MODEL_ID} {FORMAT_VERSION}\n");
        let said = dir.join(FORMAT_FILE);
        if fs::read_to_string(&said).ok().as_deref() != Some(&format) {
            match fs::remove_dir_all(dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => fs::create_dir_all(dir)?,
            }
            fs::write(&said, format)?;
        }
        let mut store =
            Store { dir: dir.to_owned(), records: Records::default(), slots: HashMap::new(), next: 0 };
        while store.path(store.records.0.len()).exists() {
            let mapped = Mapped::open(&store.path(store.records.0.len()), false)?;
            store.records.0.push(mapped);
            store.read_last();
        }
        Ok(store)
    }

    /// Deletes all, and begins anew.
    pub fn reset(&mut self) -> io::Result<()> {
        fs::remove_dir_all(&self.dir)?;
        *self = Store::open(&self.dir)?;
        Ok(())
    }

    fn path(&self, file: usize) -> PathBuf {
        self.dir.join(format!("{file:06}.vec"))
    }

    fn read_last(&mut self) {
        let Some(last) = self.records.0.last() else { return };
        let first = ((self.records.0.len() - 1) * RECORDS_A_FILE) as Slot;
        for (i, record) in last.map.chunks_exact(RECORD_BYTES).enumerate() {
            let crc = u32::from_le_bytes([
                record[CRC_AT],
                record[CRC_AT + 1],
                record[CRC_AT + 2],
                record[CRC_AT + 3],
            ]);
            let Ok(key) = Key::try_from(&record[..SCALE_AT]) else { continue };
            if key != Key::default() && crc32c::crc32c(&record[..CRC_AT]) == crc {
                let slot = first + i as Slot;
                self.slots.insert(key, slot);
                self.next = slot + 1;
            }
        }
    }

    pub fn slot(&self, key: &Key) -> Option<Slot> {
        self.slots.get(key).copied()
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn records(&self) -> Records {
        self.records.clone()
    }

    /// Keeps a vector, where nobody waits for the store meanwhile.
    pub fn put(&mut self, key: Key, vector: &Vector) -> io::Result<()> {
        let written = self.room().write(key, vector)?;
        self.keep(key, written);
        Ok(())
    }

    /// Where the next vector goes: taken with the store in hand, and written to without it.
    pub fn room(&self) -> Room {
        let file = self.next as usize / RECORDS_A_FILE;
        Room { slot: self.next, path: self.path(file), mapped: self.records.0.get(file).cloned() }
    }

    /// Takes in a vector that was written where [`Store::room`] said. No other was since.
    pub fn keep(&mut self, key: Key, written: Written) {
        let Written { slot, mapped } = written;
        if slot as usize == self.records.0.len() * RECORDS_A_FILE {
            self.records.0.push(mapped);
        }
        self.slots.insert(key, slot);
        self.next = slot + 1;
    }
}

/// The place of a vector that is not written yet.
pub struct Room {
    slot: Slot,
    path: PathBuf,
    /// Unless the file is to be made.
    mapped: Option<Mapped>,
}

pub struct Written {
    slot: Slot,
    mapped: Mapped,
}

impl Room {
    pub fn write(self, key: Key, vector: &Vector) -> io::Result<Written> {
        let mapped = match self.mapped {
            Some(mapped) => mapped,
            None => Mapped::open(&self.path, true)?,
        };
        let mut record = [0; RECORD_BYTES];
        record[..SCALE_AT].copy_from_slice(&key);
        record[SCALE_AT..VALUES_AT].copy_from_slice(&vector.scale().to_le_bytes());
        record[VALUES_AT..CRC_AT].copy_from_slice(vector.bytes());
        let crc = crc32c::crc32c(&record[..CRC_AT]);
        record[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        mapped.file.write_all_at(&record, (self.slot as usize % RECORDS_A_FILE * RECORD_BYTES) as u64)?;
        Ok(Written { slot: self.slot, mapped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(i: usize) -> Vector {
        let mut values = [0.0; DIMENSIONS];
        values[i % DIMENSIONS] = 1.0;
        Vector::of(&values).unwrap()
    }

    fn key(i: usize) -> Key {
        (i as u128 + 1).to_le_bytes()
    }

    #[test]
    fn vectors_are_there_again_and_a_torn_one_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("vectors");
        let mut store = Store::open(&dir).unwrap();
        let many = RECORDS_A_FILE + 3;
        (0..many).for_each(|i| store.put(key(i), &vector(i)).unwrap());
        drop(store);
        let path = dir.join("000000.vec");
        let mut bytes = fs::read(&path).unwrap();
        bytes[7 * RECORD_BYTES + 50] ^= 1;
        fs::write(&path, bytes).unwrap();

        let mut store = Store::open(&dir).unwrap();
        assert_eq!((store.len(), store.slot(&key(7)), store.slot(&key(8))), (many - 1, None, Some(8)));
        store.put(key(7), &vector(7)).unwrap();
        let records = store.records();
        for i in [0, 7, 8, many - 1] {
            let near = records.dot(store.slot(&key(i)).unwrap(), &vector(i)).unwrap();
            assert!((near - 1.0).abs() < 1e-3, "{i}: {near}");
        }
    }

    #[test]
    fn those_of_another_model_go() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        store.put(key(0), &vector(0)).unwrap();
        drop(store);
        fs::write(dir.path().join(FORMAT_FILE), "another 1\n").unwrap();
        assert_eq!(Store::open(dir.path()).unwrap().len(), 0);
    }
}
