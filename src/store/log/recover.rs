//! Opening: which segments there are, where the last one ends, and what of it is a torn tail or damage.
//!
//! Only the last segment is read, so that a long history opens as fast as a short one. A bad frame is the tail of an
//! unacknowledged batch unless a good frame of a later batch, or a horizon, follows: then it was acknowledged once,
//! and its loss is told, never passed over.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{Arc, Mutex, RwLock, mpsc},
};

use serde_json::json;

use super::{
    FIRST_EPOCH, Files, Hurts, Log, LogError,
    append::{Appender, make_segment},
    damage,
    rewrite::UNFINISHED,
    sidecars::{Closed, Sidecars},
};
use crate::{
    model::{LogId, Sequence, Severity},
    store::{
        Note,
        disk::{Disk, read_up_to},
        frame::{FRAME_HEADER_BYTES, FrameError, HEADER_BYTES, HeaderError, Kind, Rewritten, SegmentHeader},
        segment::{self, Frames, Segment, name_of},
        sidecar::Sidecar,
    },
};

/// Of the last batch, written again at a time.
const WRITE_AGAIN_BYTES: usize = 1 << 20;

/// A log that can be appended to.
pub struct Recovered {
    pub log: Arc<Log>,
    pub appender: Appender,
    /// What was found: a cut tail, damage.
    pub notes: Vec<Note>,
    /// The moment of the last entry; the next is not before it.
    pub recorded_at: crate::model::Time,
    /// Segments as they are closed, for [`Log::write_sidecars`].
    pub closed: mpsc::Receiver<Closed>,
}

type Salt = Box<dyn FnMut() -> u64 + Send>;

pub fn recover(
    dir: &Path,
    sidecars: &Path,
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    fresh: LogId,
    mut salt: Salt,
) -> Result<Recovered, LogError> {
    let mut notes = Vec::new();
    let Found { mut segments, next_ordinal, mut lost } = open_segments(dir, &*disk, &mut notes)?;
    if segments.is_empty() {
        let header = SegmentHeader {
            log: fresh,
            epoch: FIRST_EPOCH,
            ordinal: next_ordinal,
            first: Sequence(1),
            salt: salt(),
            before_ordinal: 0,
            before_len: 0,
            rewritten: None,
        };
        segments.push(make_segment(&*disk, dir, header).map_err(LogError::io("make", dir))?);
    }
    obey_lengths(&mut segments);
    let open = segments.last_mut().expect("there is at least one");
    let end = end_of(open, &mut notes)?;
    open.len = end.len;
    lost |= end.lost;
    let (id, epoch) = (open.header.log, open.header.epoch);
    let next_ordinal = next_ordinal.max(open.header.last_ordinal() + 1);
    settle(dir, &*disk, open, &end)?;
    let open = open.clone();
    let sidecars = Sidecars::open(sidecars, &segments);
    let log = Arc::new(Log {
        dir: dir.to_owned(),
        disk: disk.clone(),
        id,
        files: RwLock::new(Files { segments, open: end.sidecar, epoch, next: end.next }),
        sidecars,
        tail: Mutex::default(),
        past: Mutex::default(),
        hurts: Mutex::new(Hurts { seen: end.told, untold: Vec::new() }),
    });
    if lost {
        log.lose(Sequence::ZERO);
    }
    let (appender, closed) =
        Appender::new(log.clone(), disk, open, end.ended, next_ordinal, segment_bytes, salt);
    Ok(Recovered { log, appender, notes, recorded_at: end.recorded_at, closed })
}

/// What a directory holds, as far as it can be read.
pub struct Survey {
    pub segments: Vec<Segment>,
    /// The sequence after the last.
    pub next: Sequence,
    pub last_ordinal: u64,
}

/// Reads what recovery would, for who only wants to look.
pub fn survey(dir: &Path, disk: &dyn Disk, notes: &mut Vec<Note>) -> Result<Survey, LogError> {
    let Found { mut segments, next_ordinal, .. } = open_segments(dir, disk, notes)?;
    obey_lengths(&mut segments);
    let mut next = Sequence(1);
    if let Some(open) = segments.last_mut() {
        let end = end_of(open, notes)?;
        (open.len, next) = (end.len, end.next);
    }
    Ok(Survey { segments, next, last_ordinal: next_ordinal - 1 })
}

fn end_of(open: &Segment, notes: &mut Vec<Note>) -> Result<End, LogError> {
    match open.header.rewritten {
        Some(Rewritten { next, .. }) => Ok(End { len: open.len, next, ended: true, ..End::before(open) }),
        None => read_to_end(open, notes),
    }
}

struct Found {
    /// Those that can be read, by ordinal.
    segments: Vec<Segment>,
    next_ordinal: u64,
    /// A segment cannot be read or is missing, and no later one was begun because of it.
    lost: bool,
}

/// Every file with a header that can be read. A last file without one was never used and is removed; any other, and a
/// file that is missing, is damage.
fn open_segments(dir: &Path, disk: &dyn Disk, notes: &mut Vec<Note>) -> Result<Found, LogError> {
    let paths = disk.list(dir).map_err(LogError::io("list", dir))?;
    for unfinished in paths.iter().filter(|path| is_unfinished(path)) {
        disk.remove(unfinished).map_err(LogError::io("remove", unfinished))?;
    }
    let mut files: Vec<_> = paths.into_iter().filter_map(|path| Some((ordinal_of(&path)?, path))).collect();
    files.sort();
    let last = files.last().map(|(ordinal, _)| *ordinal);
    let mut segments: Vec<Segment> = Vec::with_capacity(files.len());
    // The epoch in which something was found missing.
    let mut hurt_in = None;
    for (ordinal, path) in files {
        // It went into the one before, and the name was to go too; not before that one's own name is there to stay.
        if segments.last().is_some_and(|segment| segment.header.last_ordinal() >= ordinal) {
            disk.sync_dir(dir).and_then(|()| disk.remove(&path)).map_err(LogError::io("remove", &path))?;
            continue;
        }
        let file = Arc::from(disk.open(&path, false).map_err(LogError::io("open", &path))?);
        let read = Segment::read_header(&*file).map_err(LogError::io("read", &path))?;
        let len = file.size().map_err(LogError::io("read", &path))?;
        let before = segments.last().map(|segment| segment.header);
        let epoch = before.map_or(1, |before| before.epoch);
        match read {
            Ok(header) if header.ordinal != ordinal || before.is_some_and(|b| b.log != header.log) => {
                notes.push(damage(&path, 0, len, "it is a segment of another place or log"));
                hurt_in = Some(epoch);
            }
            Ok(header) => {
                let known = before.map_or(0, |before| before.last_ordinal());
                if header.before_ordinal != known && hurt_in.is_none() {
                    let gone = path.with_file_name(format!("{:010}.seg", header.before_ordinal));
                    notes.push(damage(&gone, 0, 0, "the file is missing"));
                    hurt_in = Some(epoch);
                }
                segments.push(Segment::new(path, header, file, len));
            }
            Err(HeaderError::Newer { format, min_reader }) => {
                return Err(LogError::Newer { file: name_of(&path), format, min_reader });
            }
            // Cut short while it was made: its header is fsynced before anything is written after it.
            Err(HeaderError::Unreadable) if Some(ordinal) == last && len <= HEADER_BYTES as u64 => {
                disk.remove(&path)
                    .and_then(|()| disk.sync_dir(dir))
                    .map_err(LogError::io("remove", &path))?;
            }
            Err(HeaderError::Unreadable) => {
                notes.push(damage(&path, 0, len, "its header cannot be read"));
                hurt_in = Some(epoch);
            }
        }
    }
    let epoch = segments.last().map_or(1, |segment| segment.header.epoch);
    let lost = hurt_in.is_some_and(|hurt_in| hurt_in >= epoch);
    Ok(Found { segments, next_ordinal: last.unwrap_or(0) + 1, lost })
}

/// Whether the file was to take another's place, and was not finished.
fn is_unfinished(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == UNFINISHED)
}

fn ordinal_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_suffix(".seg")?;
    (name.len() == 10).then(|| name.parse().ok())?
}

/// Of each closed segment counts what the one after it says; the rest of the file was never acknowledged. One that was
/// rewritten is whole as it is.
fn obey_lengths(segments: &mut [Segment]) {
    for i in 1..segments.len() {
        let after = segments[i].header;
        let before = &mut segments[i - 1];
        if before.header.rewritten.is_none() && before.header.ordinal == after.before_ordinal {
            before.len = after.before_len;
        }
    }
}

struct End {
    len: u64,
    next: Sequence,
    sidecar: Sidecar,
    recorded_at: crate::model::Time,
    /// Where the last batch or horizon begins; the header, where there is neither.
    last: u64,
    /// Something else than zeros stands after `len`.
    torn: bool,
    /// The last frame is a horizon.
    ended: bool,
    /// Frames that were acknowledged cannot be read.
    lost: bool,
    /// Places of which a note tells already.
    told: BTreeSet<(u64, u64)>,
}

impl End {
    /// That of a segment of which nothing was read.
    fn before(open: &Segment) -> End {
        End {
            len: HEADER_BYTES as u64,
            next: open.header.first,
            sidecar: Sidecar::default(),
            recorded_at: crate::model::Time::default(),
            last: 0,
            torn: false,
            ended: false,
            lost: false,
            told: BTreeSet::new(),
        }
    }
}

/// Brings to the disk what is shown from here on. The process before may have left it in the machine's memory only,
/// and after a failed fsync that memory calls it clean, so that an fsync alone would not write it: the last batch is
/// written once more. What is torn is cut off before anything stands after it, and the file's name is made to last.
fn settle(dir: &Path, disk: &dyn Disk, open: &Segment, end: &End) -> Result<(), LogError> {
    let written = write_again(open, end).and_then(|()| match end.torn && !end.lost {
        true => open.file.set_len(end.len),
        false => Ok(()),
    });
    match written {
        // What is on a medium that takes no more does not change.
        Err(error) if is_read_only(&error) => return Ok(()),
        written => written.map_err(LogError::io("write", &open.path))?,
    }
    open.file.sync().map_err(LogError::io("sync", &open.path))?;
    disk.sync_dir(dir).map_err(LogError::io("sync", dir))
}

/// Writes the last batch, or the header of a segment without one, where it stands.
fn write_again(open: &Segment, end: &End) -> io::Result<()> {
    if end.last == 0 {
        return open.file.write_at(&open.header.encode(), 0);
    }
    let mut bytes = vec![0; WRITE_AGAIN_BYTES.min((end.len - end.last) as usize)];
    let mut at = end.last;
    while at < end.len {
        let step = bytes.len().min((end.len - at) as usize);
        let read = read_up_to(&*open.file, &mut bytes[..step], at)?;
        if read < step {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        open.file.write_at(&bytes[..step], at)?;
        at += step as u64;
    }
    Ok(())
}

/// The file system is, or the file was opened for reading because it is.
fn is_read_only(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::ReadOnlyFilesystem
        || error.raw_os_error() == Some(rustix::io::Errno::BADF.raw_os_error())
}

/// Reads the open segment to where it ends; tells of a torn tail and of damage.
fn read_to_end(open: &Segment, notes: &mut Vec<Note>) -> Result<End, LogError> {
    let reading = |error: io::Error| LogError::io("read", &open.path)(error);
    let mut frames = Frames::at(open, HEADER_BYTES as u64);
    let mut end = End::before(open);
    let mut batch = open.header.first;
    loop {
        let at = frames.offset();
        match frames.read_here().map_err(reading)? {
            Ok((header, body)) => {
                match segment::entry(&header, &body) {
                    Ok(Some(entry)) => {
                        end.recorded_at = end.recorded_at.max(entry.recorded_at());
                        end.sidecar.note(&entry, at);
                    }
                    Ok(None) => {}
                    // A whole frame that is no entry was written by something else than this program.
                    Err(error) => {
                        notes.push(damage(&open.path, at, header.frame_len() as u64, &error.to_string()));
                        end.told.insert((open.header.ordinal, at));
                        end.sidecar.set_hurt();
                        end.lost = true;
                    }
                }
                end.ended = header.kind == Kind::Horizon;
                if end.ended || end.last == 0 || header.batch != batch {
                    end.last = at;
                }
                if !end.ended {
                    batch = header.batch;
                }
                end.next = end.next.max(header.next());
                frames.skip(header.frame_len());
                end.len = frames.offset();
            }
            Err(FrameError::UnknownKind(kind)) => {
                return Err(LogError::UnknownKind { file: open.name(), kind });
            }
            Err(error) => {
                let Some((good, first)) = later_batch(&mut frames, batch, end.next).map_err(reading)? else {
                    end.torn = tell_tail(open, end.len, error, notes)?;
                    return Ok(end);
                };
                let what = if first > end.next {
                    end.lost = true;
                    "frames here cannot be read, and later ones can: what they said is lost"
                } else {
                    "bytes here cannot be read; no event is missing"
                };
                end.told.insert((open.header.ordinal, at));
                end.sidecar.set_hurt();
                notes.push(damage(&open.path, at, good - at, what));
                frames.go_to(good);
            }
        }
    }
}

/// A good frame after this place that was not fsynced together with what stood here, and its first sequence: one of a
/// later batch, one that leaves no number out, a horizon.
fn later_batch(
    frames: &mut Frames<'_>,
    batch: Sequence,
    next: Sequence,
) -> io::Result<Option<(u64, Sequence)>> {
    let here = frames.offset();
    let mut from = here + 1;
    let mut found = None;
    while let Some(good) = frames.find_good(from)? {
        frames.go_to(good);
        if let Ok((header, _)) = frames.read_here()? {
            let same_batch = header.kind == Kind::Commit
                && header.first > next
                && (header.batch == batch || header.batch == next);
            if !same_batch {
                found = Some((good, header.first));
                break;
            }
            from = good + header.frame_len() as u64;
        }
    }
    frames.go_to(here);
    Ok(found)
}

/// Tells of a torn tail, where there is one. Zeros after the last frame are room that was made ahead, and are not worth
/// a word.
fn tell_tail(open: &Segment, len: u64, error: FrameError, notes: &mut Vec<Note>) -> Result<bool, LogError> {
    if open.len <= len
        || error == FrameError::End && only_zeros(open, len).map_err(LogError::io("read", &open.path))?
    {
        return Ok(false);
    }
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
    Ok(true)
}

fn only_zeros(open: &Segment, from: u64) -> io::Result<bool> {
    let mut bytes = vec![0; 1 << 20];
    let mut at = from;
    loop {
        let n = read_up_to(&*open.file, &mut bytes, at)?;
        if bytes[..n].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        if n < bytes.len() {
            return Ok(true);
        }
        at += n as u64;
    }
}

const _: () = assert!(FRAME_HEADER_BYTES < HEADER_BYTES);
