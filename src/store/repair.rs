//! A copy of a damaged store, of all in it that proves whole: `fsck --repair`. What is copied from is never written.
//!
//! Segments that are whole are copied as they are. Of the others every frame that proves whole is written anew, and what
//! lies between is said to be damaged; so is a file that is missing. The copy's history is another one from its end on:
//! who follows it by a cursor is told. Snapshots that are whole go along: they may know records that the log lost.

use std::{
    fs, io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;

use super::{
    Note, StoreError,
    disk::{Disk, DiskFile, RealDisk, read_up_to},
    frame::{Rewritten, SegmentHeader},
    log::{self, LogError, Verdict, write_anew},
    segment::{Segment, name_of},
    snapshot,
};
use crate::{door::Damage, model::Sequence};

const CHUNK_BYTES: usize = 1 << 20;

/// What a repair came to.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Repaired {
    /// Segments that were whole.
    pub copied: u64,
    /// Segments of which a part was.
    pub mended: u64,
    pub snapshots: u64,
    /// What was found not to be what was written.
    pub damage: Vec<Damage>,
    /// Sequences that no frame tells of any more.
    pub lost: Vec<RangeInclusive<Sequence>>,
}

/// The disk from which is copied: nothing is made, removed or renamed on it.
struct ReadOnly;

impl Disk for ReadOnly {
    fn open(&self, path: &Path, _create: bool) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(fs::File::open(path)?))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(dir)
    }

    /// What recovery would remove stays.
    fn remove(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Copies what proves whole of the data directory `from` into the data directory `to`, which must not be there.
pub fn repair(from: &Path, to: &Path, salt: &mut dyn FnMut() -> u64) -> Result<Repaired, StoreError> {
    fs::create_dir(to).map_err(|source| making(to, source))?;
    let repaired = copy_whole(from, to, salt);
    if repaired.is_err()
        && let Err(left) = fs::remove_dir_all(to)
    {
        tracing::warn!(error = %left, dir = %to.display(), "a copy that was not finished stays");
    }
    repaired
}

fn making(dir: &Path, source: io::Error) -> LogError {
    LogError::Io { doing: "make", file: dir.display().to_string(), source }
}

fn copy_whole(from: &Path, to: &Path, salt: &mut dyn FnMut() -> u64) -> Result<Repaired, StoreError> {
    let making = |source| making(to, source);
    let into = to.join("log");
    fs::create_dir(&into).map_err(making)?;
    let mut notes = Vec::new();
    let found = log::survey(&from.join("log"), &ReadOnly, &mut notes)?;
    let mut repaired =
        Repaired { damage: notes.iter().filter_map(damage_of).collect(), ..Repaired::default() };
    let mut before: Option<SegmentHeader> = None;
    for (i, segment) in found.segments.iter().enumerate() {
        let header = segment.header;
        let next = found.segments.get(i + 1);
        let end = next.map_or(found.next, |next| next.header.first);
        let through = next.map_or(header.last_ordinal(), |next| next.header.before_ordinal);
        // What is missing before the first belongs to it, what is missing behind one to that one.
        let (first, before_ordinal) =
            if before.is_none() { (Sequence(1), 0) } else { (header.first, header.before_ordinal) };
        let whole = (first, before_ordinal, through)
            == (header.first, header.before_ordinal, header.last_ordinal())
            && segment.walked().map_err(|source| reading(segment, source))? == Some(end);
        before = Some(if whole {
            copy(segment, &into)?;
            repaired.copied += 1;
            header
        } else {
            let rewritten = Some(Rewritten { through, next: end });
            let mended = SegmentHeader { first, before_ordinal, rewritten, salt: salt(), ..header };
            let path = into.join(format!("{:010}.seg", mended.ordinal));
            let written =
                write_anew(&RealDisk, &path, mended, std::slice::from_ref(segment), &mut |_| Verdict::Keep)?;
            repaired.lost.extend(written.lost);
            repaired.mended += 1;
            mended
        });
    }
    repaired.snapshots = copy_snapshots(from, to, &mut repaired.damage).map_err(making)?;
    if let Some(before) = before.filter(|_| !repaired.damage.is_empty() || repaired.mended > 0) {
        let last = into.join(format!("{:010}.seg", before.ordinal));
        let header = SegmentHeader {
            epoch: before.epoch + 1,
            ordinal: found.last_ordinal.max(before.last_ordinal()) + 1,
            first: found.next,
            salt: salt(),
            before_ordinal: before.last_ordinal(),
            before_len: fs::metadata(last).map_err(making)?.len(),
            rewritten: None,
            ..before
        };
        log::make_segment(&RealDisk, &into, header).map_err(making)?;
    }
    for dir in [&into, to] {
        RealDisk.sync_dir(dir).map_err(making)?;
    }
    Ok(repaired)
}

fn damage_of(note: &Note) -> Option<Damage> {
    let text = |field: &str| note.data.get(field)?.as_str().map(str::to_owned);
    let offset = note.data.get("offset").and_then(serde_json::Value::as_u64);
    (note.kind == "hub.damaged").then(|| Damage {
        file: text("file").unwrap_or_default(),
        offset,
        what: text("what").unwrap_or_default(),
    })
}

fn reading(segment: &Segment, source: io::Error) -> LogError {
    LogError::Io { doing: "read", file: segment.name(), source }
}

fn copy(segment: &Segment, into: &Path) -> Result<(), StoreError> {
    let path = into.join(segment.path.file_name().unwrap_or_default());
    let failed = |source| LogError::Io { doing: "copy", file: name_of(&path), source };
    let file: Arc<dyn DiskFile> = Arc::from(RealDisk.open(&path, true).map_err(failed)?);
    let (mut bytes, mut at) = (vec![0; CHUNK_BYTES], 0);
    while at < segment.len {
        let want = CHUNK_BYTES.min((segment.len - at) as usize);
        let n = read_up_to(&*segment.file, &mut bytes[..want], at).map_err(failed)?;
        if n == 0 {
            return Err(failed(io::ErrorKind::UnexpectedEof.into()).into());
        }
        file.write_at(&bytes[..n], at).map_err(failed)?;
        at += n as u64;
    }
    Ok(file.sync().map_err(failed)?)
}

/// Those that are whole; the others are named.
fn copy_snapshots(from: &Path, to: &Path, damage: &mut Vec<Damage>) -> io::Result<u64> {
    let mut copied = 0;
    for path in snapshot::all(from) {
        match snapshot::read(&path, &mut |_, _| true) {
            Ok(_) => {
                let name = path.file_name().unwrap_or_default();
                fs::create_dir_all(to.join(snapshot::DIR))?;
                let copy = to.join(snapshot::DIR).join(name);
                fs::copy(&path, &copy)?;
                fs::File::open(copy)?.sync_all()?;
                copied += 1;
            }
            Err(error) => damage.push(Damage {
                file: snapshot::name_of(&path),
                offset: error.offset(),
                what: error.to_string(),
            }),
        }
    }
    if copied > 0 {
        RealDisk.sync_dir(&to.join(snapshot::DIR))?;
    }
    Ok(copied)
}
