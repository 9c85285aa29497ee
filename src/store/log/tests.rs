//! The log on its own: cut at every byte, flipped at every bit, failed in the middle.

mod damage;
mod rewrite;
mod scan;
mod sim;

use std::{fs, path::PathBuf};

use serde_json::Map;

use super::*;
use crate::{
    model::{Actor, Change, EventDraft, Id, Memory, Severity, Time},
    store::{
        Note,
        disk::{Disk, RealDisk},
        frame::HEADER_BYTES,
    },
};

/// In memory where the machine has such a place: these tests are about bytes, not about a disk.
fn memory_dir() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(dir: &Path, segment_bytes: u64) -> Recovered {
    let mut salts = 41;
    let salt = Box::new(move || {
        salts += 1;
        salts
    });
    let fresh = LogId(uuid::Uuid::from_u128(5));
    recover(dir, &dir.join("sidecars"), Arc::new(RealDisk), segment_bytes, fresh, salt).unwrap()
}

fn entry(first: u64, count: u64, text: &str) -> Arc<Entry> {
    let draft = EventDraft {
        id: Id::NIL,
        kind: "memory.saved".into(),
        subject: "_.memory.saved".parse().unwrap(),
        time: Time::from_unix_ms(1),
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::Info,
        sampled_rate: None,
        data: Map::from_iter([("title".to_owned(), text.into())]),
    };
    let events =
        (first..first + count).map(|n| draft.clone().placed(Sequence(n), Time::from_unix_ms(n as i64)));
    let memory: Memory = serde_json::from_value(serde_json::json!({
        "id": Id::NIL, "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z", "revision": 1,
        "content": text,
    }))
    .unwrap();
    Arc::new(Entry { events: events.collect(), changes: vec![Change::Put { memory }], idempotency_key: None })
}

fn batch(entries: Vec<Arc<Entry>>) -> Batch {
    let mut batch = Batch::default();
    entries.into_iter().for_each(|entry| batch.push(Arc::unwrap_or_clone(entry)).unwrap());
    batch
}

/// Appends batches of entries, one event each, and answers where the file ended after each batch.
fn fill(dir: &Path, batches: &[usize]) -> Vec<u64> {
    let Recovered { log, mut appender, .. } = open(dir, 1 << 20);
    let mut next = log.head().0 + 1;
    let mut ends = Vec::new();
    for count in batches {
        let entries =
            (0..*count as u64).map(|i| entry(next + i, 1, &format!("entry {}", next + i))).collect();
        appender.append(&batch(entries)).unwrap();
        next += *count as u64;
        ends.push(log.segments().last().unwrap().len);
    }
    ends
}

fn titles(log: &Log) -> Vec<(u64, String)> {
    let entries = log.read(Sequence::ZERO, usize::MAX).unwrap();
    entries
        .iter()
        .flat_map(|entry| &entry.events)
        .map(|event| (event.sequence.0, event.text("title").unwrap().to_owned()))
        .collect()
}

fn the_segment(dir: &Path) -> PathBuf {
    dir.join("0000000001.seg")
}

/// A directory with one segment of this content.
fn with(bytes: &[u8]) -> tempfile::TempDir {
    let dir = memory_dir();
    fs::write(the_segment(dir.path()), bytes).unwrap();
    dir
}

#[test]
fn what_was_appended_is_read_in_both_directions() {
    let dir = memory_dir();
    let Recovered { log, mut appender, .. } = open(dir.path(), 4 << 10);
    for n in 0..100 {
        appender.append(&batch(vec![entry(1 + n * 2, 2, &"x".repeat(n as usize * 9))])).unwrap();
    }
    assert!(log.segments().len() > 10, "it rolled");
    for fresh in [false, true] {
        // Once from memory, once from the files.
        let log = if fresh { open(dir.path(), 4 << 10).log } else { log.clone() };
        assert_eq!(log.head(), Sequence(200));
        for after in 0..=200 {
            let first = log.read(Sequence(after), 1).unwrap().first().map(|entry| entry.first().0);
            assert_eq!(first, (after < 200).then_some(after / 2 * 2 + 1), "after {after}");
            let last = log.read_back(Sequence(after), 1).unwrap().first().map(|entry| entry.first().0);
            assert_eq!(last, (after > 1).then(|| (after - 2) / 2 * 2 + 1), "before {after}");
        }
        assert_eq!(log.read(Sequence(20), 50).unwrap().len(), 25);
        let back = log.read_back(Sequence(151), 60).unwrap();
        assert_eq!((back.len(), back[0].first(), back[29].first()), (30, Sequence(149), Sequence(91)));
    }
}

#[test]
fn who_reads_on_a_little_at_a_time_sees_what_is_there() {
    let dir = memory_dir();
    // Of many sizes, some larger than what is decoded at a time.
    let mut next = 1;
    let Recovered { mut appender, .. } = open(dir.path(), 64 << 10);
    for count in [1, 700, 2, 40, 1, 1, 300, 5, 900].into_iter().cycle().take(40) {
        appender.append(&batch(vec![entry(next, count, &"x".repeat(next as usize % 50))])).unwrap();
        next += count;
    }
    drop(appender);
    // Opened anew, what is written from now on is in memory.
    let Recovered { log, mut appender, .. } = open(dir.path(), 64 << 10);
    appender.append(&batch(vec![entry(next, 1, "now")])).unwrap();
    for events_max in [1, 16, 200] {
        let mut after = Sequence::ZERO;
        while after < log.head() {
            let (found, whole) =
                (log.read_on(after, events_max).unwrap(), log.read(after, events_max).unwrap());
            assert!(!found.is_empty(), "after {after}");
            assert_eq!(found, whole[..found.len()], "after {after}");
            // Into the middle of a commit, and to its end.
            after = Sequence(found.last().unwrap().last().0.min(after.0 + 37));
        }
    }
    let (old, near) = (Sequence(800), Sequence(801));
    log.read_on(old, 1).unwrap();
    assert!(log.read_recent(near, 1).is_some(), "what lies around it was decoded too");
    log.forget_tail();
    assert!(log.read_recent(near, 1).is_none());
}

#[test]
fn a_tail_cut_at_any_byte_is_a_shorter_log() {
    let dir = memory_dir();
    let ends = fill(dir.path(), &[1, 3, 1, 2]);
    let whole = fs::read(the_segment(dir.path())).unwrap();
    let all = titles(&open(dir.path(), 1 << 20).log);
    for len in HEADER_BYTES..=whole.len().min(ends[3] as usize) {
        let cut = with(&whole[..len]);
        let Recovered { log, mut appender, notes, .. } = open(cut.path(), 1 << 20);
        let found = titles(&log);
        assert_eq!(found, all[..found.len()], "cut at {len}");
        let complete = ends.iter().filter(|end| **end <= len as u64).count();
        assert!(found.len() >= [0, 1, 4, 5, 7][complete], "cut at {len}: whole batches stay");
        let clean = notes.is_empty();
        assert!(clean || notes[0].kind == "hub.truncated", "{notes:?}");
        // It goes on, and what was cut does not come back.
        let next = log.head().next();
        appender.append(&batch(vec![entry(next.0, 1, "after")])).unwrap();
        let reopened = titles(&open(cut.path(), 1 << 20).log);
        assert_eq!(reopened.last(), Some(&(next.0, "after".to_owned())));
        assert_eq!(reopened.len(), found.len() + 1);
    }
}

#[test]
fn a_header_cut_short_was_never_used() {
    let dir = memory_dir();
    fill(dir.path(), &[2]);
    for len in [0, 1, 100, HEADER_BYTES / 2 - 1] {
        fs::write(dir.path().join("0000000002.seg"), vec![7; len]).unwrap();
        let recovered = open(dir.path(), 1 << 20);
        assert_eq!((titles(&recovered.log).len(), recovered.notes), (2, vec![]), "{len} bytes");
        assert!(!dir.path().join("0000000002.seg").exists());
    }
}

#[test]
fn a_flipped_bit_is_told_and_hides_nothing_else() {
    let dir = memory_dir();
    let ends = fill(dir.path(), &[1, 1, 1, 1]);
    let whole = fs::read(the_segment(dir.path())).unwrap();
    let whole = &whole[..ends[3] as usize];
    let all = titles(&open(with(whole).path(), 1 << 20).log);
    for byte in HEADER_BYTES..whole.len() {
        let mut hurt = whole.to_vec();
        hurt[byte] ^= 1 << (byte % 8);
        let dir = with(&hurt);
        let Recovered { log, notes, .. } = open(dir.path(), 1 << 20);
        let batch = ends.iter().filter(|end| **end <= byte as u64).count();
        let mut expected = all.clone();
        expected.remove(batch);
        assert_eq!(titles(&log), expected, "byte {byte}");
        let kinds: Vec<_> = notes.iter().map(|note| note.kind).collect();
        // The last batch cannot be told from one that was being written; it is said which bytes went.
        // Of the batch before it no later batch but one of the same shape follows.
        let told = if batch == 3 { "hub.truncated" } else { "hub.damaged" };
        assert_eq!(kinds, [told], "byte {byte}");
        assert_eq!(log.cursor(Sequence(1)).epoch, if batch == 3 { 1 } else { 2 }, "byte {byte}");
        let Some(Note { data, .. }) = notes.first() else { unreachable!() };
        assert_eq!(data["file"], "log/0000000001.seg");
        let start = if batch == 0 { HEADER_BYTES as u64 } else { ends[batch - 1] };
        assert_eq!(data["offset"], start);
    }
}

#[test]
fn a_clean_end_makes_every_loss_before_it_damage() {
    let dir = memory_dir();
    let mut recovered = open(dir.path(), 1 << 20);
    recovered.appender.append(&batch(vec![entry(1, 1, "kept"), entry(2, 1, "hurt")])).unwrap();
    let end = recovered.log.segments()[0].len as usize;
    recovered.appender.close().unwrap();
    let mut bytes = fs::read(the_segment(dir.path())).unwrap();
    assert_eq!(open(dir.path(), 1 << 20).notes, []);
    bytes[end - 1] ^= 1;
    let hurt = with(&bytes);
    let kinds: Vec<_> = open(hurt.path(), 1 << 20).notes.iter().map(|note| note.kind).collect();
    assert_eq!(kinds, ["hub.damaged"], "a horizon follows: it was acknowledged");
}

#[test]
fn frames_after_the_length_that_the_next_segment_says_are_not_history() {
    let dir = memory_dir();
    let ends = fill(dir.path(), &[1, 1]);
    let bytes = fs::read(the_segment(dir.path())).unwrap();
    // As after a failed fsync of the second batch: the file may hold it whole, the next segment says that it does not count.
    let header =
        Segment::read_header(&*RealDisk.open(&the_segment(dir.path()), false).unwrap()).unwrap().unwrap();
    let next = crate::store::frame::SegmentHeader {
        ordinal: 2,
        first: Sequence(2),
        salt: 99,
        before_ordinal: 1,
        before_len: ends[0],
        ..header
    };
    append::make_segment(&RealDisk, dir.path(), next).unwrap();
    let Recovered { log, mut appender, notes, .. } = open(dir.path(), 1 << 20);
    assert_eq!((titles(&log), notes), (vec![(1, "entry 1".to_owned())], vec![]));
    appender.append(&batch(vec![entry(2, 1, "instead")])).unwrap();
    assert_eq!(titles(&open(dir.path(), 1 << 20).log)[1], (2, "instead".to_owned()));
    assert_eq!(fs::read(the_segment(dir.path())).unwrap(), bytes, "a poisoned file is never written again");
}

/// Written by the first release: it opens for ever. `WHEELHOUSE_WRITE_FIXTURE=1` writes it anew, for a new format only.
#[test]
fn a_segment_of_the_first_format_opens() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/format-1.seg");
    if std::env::var_os("WHEELHOUSE_WRITE_FIXTURE").is_some() {
        let dir = memory_dir();
        let mut recovered = open(dir.path(), 1 << 20);
        recovered.appender.append(&batch(vec![entry(1, 1, "one"), entry(2, 2, "two")])).unwrap();
        recovered.appender.close().unwrap();
        fs::create_dir_all(fixture.parent().unwrap()).unwrap();
        fs::copy(the_segment(dir.path()), &fixture).unwrap();
    }
    let dir = with(&fs::read(fixture).unwrap());
    let Recovered { log, notes, .. } = open(dir.path(), 1 << 20);
    assert_eq!(notes, []);
    let read: Vec<_> = log.read(Sequence::ZERO, 10).unwrap();
    assert_eq!(read, [entry(1, 1, "one"), entry(2, 2, "two")]);
    assert_eq!(log.id, LogId(uuid::Uuid::from_u128(5)));
}
