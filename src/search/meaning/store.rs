//! The vectors on disk: a record for each text, found by the text's hash, memory-mapped.
//!
//! Disposable: what is missing, torn or of another model is made anew from the text. A record is written in place and
//! not changed while it is one, so nothing is fsynced: its checksum tells at the next open whether all of it got there.
//! Vectors are known by what was read, not by whose they are: a text that comes back, moves or is indexed anew keeps its
//! vector, as long as nobody asks for what no text needs to be erased:
//!
//! ```text
//! without ─ adopt ─ closed_up ─ adopt ─ wipe
//! forgets     │     copies the last     overwrites and fsyncs what is no record,
//! the dead    │     files' records      deletes the files past the last
//!             │     into holes
//!        searches follow
//! ```
//!
//! **Invariant**: where a record is written or overwritten, no search looks: no slot that was handed out leads there.

use std::{
    collections::{HashMap, HashSet},
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

/// By slot: where its vector lies from now on; none where it is gone.
pub struct Places(Vec<Option<Slot>>);

impl Places {
    #[inline]
    pub fn of(&self, slot: Slot) -> Option<Slot> {
        self.0.get(slot as usize).copied().flatten()
    }
}

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

    fn write(&self, slot: Slot, record: &[u8; RECORD_BYTES]) -> io::Result<()> {
        self.file.write_all_at(record, (slot as usize % RECORDS_A_FILE * RECORD_BYTES) as u64)
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
    fn record(&self, slot: Slot) -> Option<&[u8; RECORD_BYTES]> {
        let map = &self.0.get(slot as usize / RECORDS_A_FILE)?.map;
        let at = slot as usize % RECORDS_A_FILE * RECORD_BYTES;
        map.get(at..at + RECORD_BYTES)?.try_into().ok()
    }

    fn write(&self, slot: Slot, record: &[u8; RECORD_BYTES]) -> io::Result<()> {
        self.0[slot as usize / RECORDS_A_FILE].write(slot, record)
    }

    #[inline]
    fn at(&self, slot: Slot) -> Option<(f32, &[u8; DIMENSIONS])> {
        let record = self.record(slot)?;
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
    /// Past the last that is taken.
    next: Slot,
    /// Those below that are free, the lowest last.
    holes: Vec<Slot>,
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
        let mut store = Store {
            dir: dir.to_owned(),
            records: Records::default(),
            slots: HashMap::new(),
            next: 0,
            holes: Vec::new(),
        };
        while store.path(store.records.0.len()).exists() {
            let mapped = Mapped::open(&store.path(store.records.0.len()), false)?;
            store.records.0.push(mapped);
            store.read_last();
        }
        store.count_holes();
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
                self.slots.insert(key, first + i as Slot);
            }
        }
    }

    fn count_holes(&mut self) {
        self.next = self.slots.values().max().map_or(0, |last| last + 1);
        let taken = self.taken();
        self.holes = (0..self.next).rev().filter(|slot| !taken[*slot as usize]).collect();
    }

    /// By slot, whether a record lies there.
    fn taken(&self) -> Vec<bool> {
        let mut taken = vec![false; self.next as usize];
        self.slots.values().for_each(|slot| taken[*slot as usize] = true);
        taken
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
        if self.slots.contains_key(&key) {
            return Ok(());
        }
        let written = self.room().write(key, vector)?;
        self.keep(key, written);
        Ok(())
    }

    /// Where the next vector goes: taken with the store in hand, and written to without it.
    pub fn room(&self) -> Room {
        let slot = self.holes.last().copied().unwrap_or(self.next);
        let file = slot as usize / RECORDS_A_FILE;
        Room { slot, path: self.path(file), mapped: self.records.0.get(file).cloned() }
    }

    /// Takes in a vector that was written where [`Store::room`] said. No other was since, and nothing was moved.
    pub fn keep(&mut self, key: Key, written: Written) {
        let Written { slot, mapped } = written;
        if slot as usize == self.records.0.len() * RECORDS_A_FILE {
            self.records.0.push(mapped);
        }
        self.slots.insert(key, slot);
        if self.holes.pop().is_none() {
            self.next = slot + 1;
        }
    }

    /// Whether records that so few texts need take more than twice their space, and files of it can be given back.
    pub fn is_wasteful(&self, live: usize) -> bool {
        self.next as usize > RECORDS_A_FILE.max(live * 2)
    }

    /// The places without the vectors of any text but these; none where there are no others.
    pub fn without(&self, live: impl Fn(&Key) -> bool) -> Option<Places> {
        let mut places = Places(vec![None; self.next as usize]);
        let mut dead = false;
        for (key, slot) in &self.slots {
            match live(key) {
                true => places.0[*slot as usize] = Some(*slot),
                false => dead = true,
            }
        }
        dead.then_some(places)
    }

    /// The places where the last files are empty, as far as all fits into those before them; what lies there is copied
    /// into holes. None where there is nothing to move.
    pub fn closed_up(&self) -> io::Result<Option<Places>> {
        let end = (self.slots.len().div_ceil(RECORDS_A_FILE) * RECORDS_A_FILE) as Slot;
        if self.next <= end {
            return Ok(None);
        }
        let mut holes = self.holes.iter().rev();
        let mut places = Places(vec![None; self.next as usize]);
        for slot in self.slots.values() {
            places.0[*slot as usize] = Some(*slot);
        }
        for slot in end..self.next {
            if places.of(slot).is_some()
                && let (Some(hole), Some(record)) = (holes.next(), self.records.record(slot))
            {
                self.records.write(*hole, record)?;
                places.0[slot as usize] = Some(*hole);
            }
        }
        Ok(Some(places))
    }

    /// Vectors lie at these places from now on; whoever holds slots follows before anyone looks.
    pub fn adopt(&mut self, places: &Places) {
        self.slots.retain(|_, slot| match places.of(*slot) {
            Some(place) => {
                *slot = place;
                true
            }
            None => false,
        });
        self.count_holes();
        self.records.0.truncate((self.next as usize).div_ceil(RECORDS_A_FILE));
    }

    /// Overwrites all that is no record and deletes the files that hold none; on disk when it returns. Nothing is put
    /// meanwhile.
    pub fn wipe(&self) -> io::Result<()> {
        let taken = self.taken();
        let end = (self.records.0.len() * RECORDS_A_FILE) as Slot;
        for slot in (0..end).filter(|slot| !taken.get(*slot as usize).copied().unwrap_or(false)) {
            if self.records.record(slot).is_some_and(|record| record.iter().any(|byte| *byte != 0)) {
                self.records.write(slot, &[0; RECORD_BYTES])?;
            }
        }
        for Mapped { file, .. } in &self.records.0 {
            file.sync_data()?;
        }
        let files: HashSet<PathBuf> = (0..self.records.0.len()).map(|file| self.path(file)).collect();
        let mut others = Vec::new();
        for file in fs::read_dir(&self.dir)? {
            let path = file?.path();
            if path.file_name().is_some_and(|name| name != FORMAT_FILE) && !files.contains(&path) {
                others.push(path);
            }
        }
        // The last first: at an open, a file is looked for where the one before it is there.
        others.sort_unstable();
        others.iter().rev().try_for_each(fs::remove_file)?;
        File::open(&self.dir)?.sync_all()
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
        mapped.write(self.slot, &record)?;
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

    fn lies_in(dir: &Path, i: usize) -> bool {
        let record = [&key(i)[..], &vector(i).scale().to_le_bytes(), vector(i).bytes()].concat();
        let mut files = fs::read_dir(dir).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
        files.any(|bytes| bytes.windows(record.len()).any(|at| at == record))
    }

    fn files(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().filter(|file| file.as_ref().unwrap().file_name() != FORMAT_FILE).count()
    }

    #[track_caller]
    fn check(store: &Store, held: impl Fn(usize) -> bool, of: usize) {
        let records = store.records();
        for i in 0..of {
            match store.slot(&key(i)) {
                Some(slot) => assert_eq!((held(i), records.vector(slot)), (true, Some(vector(i))), "{i}"),
                None => assert!(!held(i), "{i} is missing"),
            }
        }
    }

    /// All that a caller does, in order; answers where the vectors were and are.
    fn erase(store: &mut Store, live: impl Fn(usize) -> bool, stop_after: usize) {
        let number = |key: &Key| u128::from_le_bytes(*key) as usize - 1;
        if let Some(places) = store.without(|key| live(number(key))) {
            store.adopt(&places);
        }
        if stop_after == 0 {
            return;
        }
        let moved = store.closed_up().unwrap();
        if stop_after == 1 {
            return;
        }
        moved.iter().for_each(|places| store.adopt(places));
        if stop_after > 2 {
            store.wipe().unwrap();
        }
    }

    #[test]
    fn what_no_text_needs_is_erased_and_its_space_is_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        (0..10).for_each(|i| store.put(key(i), &vector(i)).unwrap());
        assert!(store.without(|_| true).is_none());
        assert!(lies_in(dir.path(), 3));
        erase(&mut store, |i| i != 3 && i != 8, 3);
        check(&store, |i| i != 3 && i != 8, 10);
        assert!(!lies_in(dir.path(), 3) && !lies_in(dir.path(), 8) && lies_in(dir.path(), 4));
        (10..13).for_each(|i| store.put(key(i), &vector(i)).unwrap());
        assert_eq!([10, 11, 12].map(|i| store.slot(&key(i))), [Some(3), Some(8), Some(10)]);
        drop(store);
        check(&Store::open(dir.path()).unwrap(), |i| i != 3 && i != 8, 13);
    }

    /// Stopped anywhere, it opens with all that is needed, and is erased by the next time.
    #[test]
    fn files_are_given_back_also_after_a_kill() {
        let many = RECORDS_A_FILE * 3 + 5;
        let live = |i: usize| i % 4 == 1 || i >= RECORDS_A_FILE * 3;
        for stop_after in 0..=3 {
            let dir = tempfile::tempdir().unwrap();
            let mut store = Store::open(dir.path()).unwrap();
            (0..many).for_each(|i| store.put(key(i), &vector(i)).unwrap());
            assert!(store.is_wasteful(many / 3) && !store.is_wasteful(many - 5));
            erase(&mut store, live, stop_after);
            check(&store, live, many);
            drop(store);
            // Of a file that no longer belongs to the others nothing is left either.
            let stray = dir.path().join("000007.vec");
            fs::write(&stray, key(0)).unwrap();
            let mut store = Store::open(dir.path()).unwrap();
            // Copies went over what is gone.
            assert_eq!(store.len() == many, stop_after == 0);
            erase(&mut store, live, 3);
            check(&store, live, many);
            assert_eq!((files(dir.path()), lies_in(dir.path(), 0)), (1, false), "{stop_after}");
            assert!(!lies_in(dir.path(), many - 6) && lies_in(dir.path(), many - 1));
            drop(store);
            check(&Store::open(dir.path()).unwrap(), live, many);
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
