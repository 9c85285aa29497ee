//! Acknowledged frames that cannot be read: told once, counted in the epoch, never overwritten, never numbered again.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::store::disk::DiskFile;

/// Fills, closes, fills on: a horizon stands between the entries.
fn filled_and_closed(dir: &Path, before: u64, after: u64) -> Vec<u64> {
    let mut places = Vec::new();
    for count in [before, after] {
        let Recovered { log, mut appender, .. } = open(dir, 1 << 20);
        for _ in 0..count {
            let next = log.head().next().0;
            places.push(log.segments().last().unwrap().len);
            appender.append(&batch(vec![entry(next, 1, &format!("entry {next}"))])).unwrap();
        }
        places.push(log.segments().last().unwrap().len);
        if count == before {
            appender.close().unwrap();
        }
    }
    places
}

fn flip(path: &Path, at: u64) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at as usize] ^= 1;
    fs::write(path, bytes).unwrap();
}

fn kinds(notes: &[Note]) -> Vec<&'static str> {
    notes.iter().map(|note| note.kind).collect()
}

#[test]
fn a_hurt_horizon_takes_nothing_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let places = filled_and_closed(dir.path(), 1, 1);
    flip(&the_segment(dir.path()), places[1] + 8);
    let Recovered { log, notes, .. } = open(dir.path(), 1 << 20);
    assert_eq!(titles(&log).len(), 2, "the one batch after it was acknowledged");
    assert_eq!((kinds(&notes), log.cursor(Sequence(1)).epoch), (vec!["hub.damaged"], 1));
}

#[test]
fn numbers_that_were_lost_before_a_horizon_are_not_given_again() {
    let dir = tempfile::tempdir().unwrap();
    let places = filled_and_closed(dir.path(), 2, 0);
    flip(&the_segment(dir.path()), places[1] + 8);
    let Recovered { log, mut appender, notes, .. } = open(dir.path(), 1 << 20);
    assert_eq!(
        (kinds(&notes), log.head(), log.cursor(log.head()).epoch),
        (vec!["hub.damaged"], Sequence(2), 2)
    );
    let before = fs::read(the_segment(dir.path())).unwrap();
    appender.append(&batch(vec![entry(3, 1, "on")])).unwrap();
    assert_eq!(fs::read(the_segment(dir.path())).unwrap(), before, "what cannot be read is left as it is");
    let Recovered { log, notes, .. } = open(dir.path(), 1 << 20);
    let expected = vec![(1, "entry 1".to_owned()), (3, "on".to_owned())];
    assert_eq!((titles(&log), notes, log.cursor(log.head()).epoch), (expected, vec![], 2));
    assert_eq!(kinds(&log.take_hurts()), ["hub.damaged"], "who reads over it is told");
    assert_eq!(log.cursor(log.head()).epoch, 2, "the epoch has risen for it already");
}

#[test]
fn a_last_segment_that_cannot_be_read_is_kept_and_gone_around() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), &[2]);
    // A roll, then both copies of the new header hurt.
    let Recovered { mut appender, .. } = open(dir.path(), 300);
    appender.append(&batch(vec![entry(3, 1, "lost")])).unwrap();
    let second = dir.path().join("0000000002.seg");
    flip(&second, 3);
    flip(&second, 128 + 3);
    let hurt = fs::read(&second).unwrap();
    for epoch in [2, 2] {
        let Recovered { log, mut appender, notes, .. } = open(dir.path(), 1 << 20);
        assert_eq!((kinds(&notes), log.cursor(log.head()).epoch), (vec!["hub.damaged"], epoch));
        let next = log.head().next().0;
        appender.append(&batch(vec![entry(next, 1, "on")])).unwrap();
    }
    assert_eq!(fs::read(&second).unwrap(), hurt);
    assert!(dir.path().join("0000000003.seg").exists());
    assert_eq!(titles(&open(dir.path(), 1 << 20).log).len(), 4);
}

#[test]
fn a_segment_that_is_missing_is_told_and_raises_the_epoch_once() {
    let dir = tempfile::tempdir().unwrap();
    let Recovered { mut appender, .. } = open(dir.path(), 300);
    for n in 1..=6 {
        appender.append(&batch(vec![entry(n, 1, "entry")])).unwrap();
    }
    fs::remove_file(dir.path().join("0000000002.seg")).unwrap();
    for _ in 0..2 {
        let Recovered { log, mut appender, notes, .. } = open(dir.path(), 1 << 20);
        assert_eq!(kinds(&notes), ["hub.damaged"]);
        assert_eq!(notes[0].data["file"], "log/0000000002.seg");
        assert_eq!(log.cursor(log.head()).epoch, 2);
        let next = log.head().next().0;
        appender.append(&batch(vec![entry(next, 1, "on")])).unwrap();
    }
}

#[test]
fn damage_in_a_closed_segment_is_told_by_who_comes_upon_it() {
    let dir = tempfile::tempdir().unwrap();
    let ends = fill(dir.path(), &[1, 1, 1]);
    let Recovered { mut appender, .. } = open(dir.path(), 300);
    appender.append(&batch(vec![entry(4, 1, "rolled")])).unwrap();
    for (at, rest) in [(ends[0] + 40, vec![1, 3, 4]), (ends[1] + 40, vec![1, 4])] {
        flip(&the_segment(dir.path()), at);
        let Recovered { log, notes, .. } = open(dir.path(), 1 << 20);
        assert_eq!(
            (notes, log.cursor(log.head()).epoch),
            (vec![], 1),
            "only the last segment is read at open"
        );
        assert_eq!(titles(&log).iter().map(|(n, _)| *n).collect::<Vec<_>>(), rest);
        titles(&log);
        let told = log.take_hurts();
        assert_eq!(kinds(&told), ["hub.damaged"], "once");
        assert_eq!(told[0].data["offset"], ends[0]);
        assert_eq!(log.cursor(log.head()).epoch, 2);
    }
}

#[test]
fn a_frame_of_an_unknown_kind_is_refused_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let ends = fill(dir.path(), &[1, 1]);
    let path = the_segment(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    let header = Segment::read_header(&*RealDisk.open(&path, false).unwrap()).unwrap().unwrap();
    let start = ends[0] as usize;
    bytes[start + 4] = 9;
    let seed = crc32c::crc32c(&header.salt.to_le_bytes());
    let crc = crc32c::crc32c_append(seed, &bytes[start..start + 32]);
    bytes[start + 32..start + 36].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let sidecars = dir.path().join("sidecars");
    let again = || {
        recover(dir.path(), &sidecars, Arc::new(RealDisk), 1 << 20, LogId(uuid::Uuid::nil()), Box::new(|| 7))
    };
    assert!(matches!(again().err(), Some(LogError::UnknownKind { kind: 9, .. })));
    let next = crate::store::frame::SegmentHeader {
        ordinal: 2,
        first: Sequence(3),
        before_ordinal: 1,
        before_len: ends[1],
        ..header
    };
    append::make_segment(&RealDisk, dir.path(), next).unwrap();
    let log = again().unwrap().log;
    assert!(matches!(log.read(Sequence(1), 10), Err(LogError::UnknownKind { kind: 9, .. })));
}

#[test]
fn an_entry_that_no_frame_holds_is_refused_before_it_is_written() {
    let large = Arc::unwrap_or_clone(entry(1, 1, &"x".repeat(17 << 20)));
    assert!(Batch::default().push(large).is_err_and(|bytes| bytes > 17 << 20));
}

/// The machine's own disk, and how often it was read.
#[derive(Default)]
struct Counted(Arc<AtomicUsize>);

struct CountedFile(Box<dyn DiskFile>, Arc<AtomicUsize>);

impl Disk for Counted {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(CountedFile(RealDisk.open(path, create)?, self.0.clone())))
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(dir)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }
}

impl DiskFile for CountedFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read_at(bytes, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.sync()
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
}

#[test]
fn a_closed_segment_that_ends_too_soon_is_not_searched_byte_by_byte() {
    let dir = memory_dir();
    fill(dir.path(), &[50]);
    let Recovered { mut appender, .. } = open(dir.path(), 300);
    appender.append(&batch(vec![entry(51, 1, "after")])).unwrap();
    let first = fs::OpenOptions::new().write(true).open(the_segment(dir.path())).unwrap();
    first.set_len(HEADER_BYTES as u64).unwrap();
    let disk = Counted::default();
    let reads = disk.0.clone();
    let fresh = LogId(uuid::Uuid::from_u128(5));
    let Recovered { log, .. } =
        recover(dir.path(), &dir.path().join("sidecars"), Arc::new(disk), 300, fresh, Box::new(|| 77))
            .unwrap();
    assert_eq!(titles(&log), [(51, "after".to_owned())]);
    assert_eq!(kinds(&log.take_hurts()), ["hub.damaged"]);
    assert!(reads.load(Ordering::Relaxed) < 50, "{reads:?} reads for two short files");
}
