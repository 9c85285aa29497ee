//! Opening: which segments there are, where the last one ends, and what of it is a torn tail or damage.
//!
//! Only the last segment is read, so that a long history opens as fast as a short one. A bad frame is the tail of an
//! unacknowledged batch unless a good frame of a later batch, or a horizon, follows: then it was acknowledged once,
//! and its loss is told, never passed over.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, RwLock},
};

use serde_json::json;

use super::{
    Files, Log, LogError, Tail,
    append::{Appender, make_segment},
};
use crate::{
    model::{LogId, Sequence, Severity},
    store::{
        Note,
        disk::Disk,
        frame::{FRAME_HEADER_BYTES, FrameError, HEADER_BYTES, HeaderError, Kind, SegmentHeader},
        segment::{self, Frames, Index, Segment, name_of},
    },
};

/// A log that can be appended to.
pub struct Recovered {
    pub log: Arc<Log>,
    pub appender: Appender,
    /// What was found: a cut tail, damage.
    pub notes: Vec<Note>,
    /// The moment of the last entry; the next is not before it.
    pub recorded_at: crate::model::Time,
}

type Salt = Box<dyn FnMut() -> u64 + Send>;

pub fn recover(
    dir: &Path,
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    fresh: LogId,
    mut salt: Salt,
) -> Result<Recovered, LogError> {
    let mut notes = Vec::new();
    let mut segments = open_segments(dir, &*disk, &mut notes)?;
    if segments.is_empty() {
        let header = SegmentHeader {
            log: fresh,
            epoch: 1,
            ordinal: 1,
            first: Sequence(1),
            salt: salt(),
            before_ordinal: 0,
            before_len: 0,
        };
        segments.push(make_segment(&*disk, dir, header).map_err(LogError::io("make", dir))?);
    }
    obey_lengths(&mut segments);
    let open = segments.last_mut().expect("there is at least one");
    let end = read_to_end(open, &mut notes)?;
    open.len = end.len;
    let hurt = notes.iter().any(|note| note.kind == "hub.damaged");
    let id = open.header.log;
    let epoch = open.header.epoch;
    let open = open.clone();
    let log = Arc::new(Log {
        dir: dir.to_owned(),
        id,
        files: RwLock::new(Files { segments, open_index: end.index, epoch, next: end.next }),
        tail: Mutex::new(Tail::default()),
    });
    let mut appender = Appender::new(log.clone(), disk, open, segment_bytes, salt);
    if hurt {
        appender.raise_epoch().map_err(LogError::io("write", dir))?;
    }
    Ok(Recovered { log, appender, notes, recorded_at: end.recorded_at })
}

/// Every file with a header that can be read, by ordinal. A last file without one was never used and is removed;
/// any other is damage.
fn open_segments(dir: &Path, disk: &dyn Disk, notes: &mut Vec<Note>) -> Result<Vec<Segment>, LogError> {
    let mut paths: Vec<_> = disk
        .list(dir)
        .map_err(LogError::io("list", dir))?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "seg"))
        .collect();
    paths.sort();
    let mut segments = Vec::with_capacity(paths.len());
    let last = paths.last().cloned();
    for path in paths {
        let file = Arc::from(disk.open(&path, false).map_err(LogError::io("open", &path))?);
        let read = Segment::read_header(&*file).map_err(LogError::io("read", &path))?;
        let len = file.size().map_err(LogError::io("read", &path))?;
        match read {
            Ok(header) => segments.push(Segment::new(path, header, file, len)),
            Err(HeaderError::Newer { format, min_reader }) => {
                return Err(LogError::Newer { file: name_of(&path), format, min_reader });
            }
            // Cut short while it was made: its header is fsynced before anything is written after it.
            Err(HeaderError::Unreadable) if Some(&path) == last.as_ref() && len <= HEADER_BYTES as u64 => {
                disk.remove(&path)
                    .and_then(|()| disk.sync_dir(dir))
                    .map_err(LogError::io("remove", &path))?;
            }
            Err(HeaderError::Unreadable) => notes.push(damage(&path, 0, len, "its header cannot be read")),
        }
    }
    Ok(segments)
}

/// Of each closed segment counts what the one after it says; the rest of the file was never acknowledged.
fn obey_lengths(segments: &mut [Segment]) {
    for i in 1..segments.len() {
        let after = segments[i].header;
        let before = &mut segments[i - 1];
        if before.header.ordinal == after.before_ordinal {
            before.len = before.len.min(after.before_len);
        }
    }
}

struct End {
    len: u64,
    next: Sequence,
    index: Index,
    recorded_at: crate::model::Time,
}

/// Reads the open segment to where it ends, cuts off a torn tail, tells damage.
fn read_to_end(open: &Segment, notes: &mut Vec<Note>) -> Result<End, LogError> {
    let reading = |error: io::Error| LogError::io("read", &open.path)(error);
    let mut frames = Frames::at(open, HEADER_BYTES as u64);
    let mut end = End {
        len: HEADER_BYTES as u64,
        next: open.header.first,
        index: Index::default(),
        recorded_at: crate::model::Time::default(),
    };
    let mut batch = open.header.first;
    loop {
        match frames.read_here().map_err(reading)? {
            Ok((header, body)) => {
                match segment::entry(&header, &body) {
                    Ok(Some(entry)) => end.recorded_at = end.recorded_at.max(entry.recorded_at()),
                    Ok(None) => {}
                    // A whole frame that is no entry was written by something else than this program.
                    Err(error) => notes.push(damage(
                        &open.path,
                        frames.offset(),
                        header.frame_len() as u64,
                        &error.to_string(),
                    )),
                }
                if header.kind == Kind::Commit {
                    end.index.note(header.first, frames.offset());
                    end.next = header.next();
                    batch = header.batch;
                }
                frames.skip(header.frame_len());
                end.len = frames.offset();
            }
            Err(FrameError::UnknownKind(kind)) => {
                return Err(LogError::UnknownKind { file: open.name(), kind });
            }
            Err(error) => {
                let Some(good) = later_batch(&mut frames, batch, end.next).map_err(reading)? else {
                    cut(open, end.len, error, notes)?;
                    return Ok(end);
                };
                let what = "frames here cannot be read, and later ones can: what they said is lost";
                notes.push(damage(&open.path, frames.offset(), good - frames.offset(), what));
                frames.go_to(good);
            }
        }
    }
}

/// A good frame after this place that was written after the batch here had been fsynced, or a horizon.
fn later_batch(frames: &mut Frames<'_>, batch: Sequence, next: Sequence) -> io::Result<Option<u64>> {
    let here = frames.offset();
    let mut from = here + 1;
    let mut found = None;
    while let Some(good) = frames.find_good(from)? {
        frames.go_to(good);
        if let Ok((header, _)) = frames.read_here()? {
            let same_batch = header.kind == Kind::Commit && (header.batch == batch || header.batch == next);
            if !same_batch {
                found = Some(good);
                break;
            }
            from = good + header.frame_len() as u64;
        }
    }
    frames.go_to(here);
    Ok(found)
}

/// Cuts a torn tail. Zeros after the last frame are room that was made ahead, and are not worth a word.
fn cut(open: &Segment, len: u64, error: FrameError, notes: &mut Vec<Note>) -> Result<(), LogError> {
    if open.len == len {
        return Ok(());
    }
    let torn =
        error != FrameError::End || !only_zeros(open, len).map_err(LogError::io("read", &open.path))?;
    if torn {
        notes.push(Note {
            kind: "hub.truncated",
            severity: Severity::Warn,
            data: crate::store::object(json!({
                "file": open.name(),
                "offset": len,
                "bytes": open.len - len,
                "what": "an unfinished write at the end of the log, never acknowledged",
            })),
        });
    }
    let cut = open.file.set_len(len).and_then(|()| open.file.sync());
    cut.map_err(LogError::io("cut the tail of", &open.path))
}

fn only_zeros(open: &Segment, from: u64) -> io::Result<bool> {
    let mut bytes = vec![0; 1 << 20];
    let mut at = from;
    loop {
        let n = crate::store::disk::read_up_to(&*open.file, &mut bytes, at)?;
        if bytes[..n].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        if n < bytes.len() {
            return Ok(true);
        }
        at += n as u64;
    }
}

fn damage(path: &Path, offset: u64, bytes: u64, what: &str) -> Note {
    Note {
        kind: "hub.damaged",
        severity: Severity::Error,
        data: crate::store::object(
            json!({ "file": name_of(path), "offset": offset, "bytes": bytes, "what": what }),
        ),
    }
}

const _: () = assert!(FRAME_HEADER_BYTES < HEADER_BYTES);
