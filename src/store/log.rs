//! The log: segments in a directory, recovered at open, appended to by one writer, read by anyone.
//!
//! **Invariant:** [`Appender::append`] returns after the batch is on disk. What it refused is not there and never
//! comes back: a part written is cut off, and a file whose fsync failed is never written again.

mod append;
mod gaps;
mod past;
mod recover;
mod rewrite;
mod scan;
mod sidecars;

use std::{
    collections::{BTreeSet, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

pub use append::{AppendError, Appender, Batch, make_segment};
use past::{Past, some};
pub use recover::{Recovered, recover, survey};
pub use rewrite::{Rewrote, Verdict, write_anew};
use sidecars::Sidecars;

#[cfg(test)]
mod tests;

use serde_json::json;

use super::{
    Note,
    disk::Disk,
    frame::Kind,
    object,
    segment::{self, Found, Frames, Index, Segment},
    sidecar::Sidecar,
};
use crate::model::{Cursor, Entry, LogId, Sequence, Severity, decode};

/// Entries of the recent past kept in memory, so that who follows the log does not touch the disk.
const TAIL_BYTES_MAX: usize = 4 << 20;
const TAIL_ENTRIES_MAX: usize = 4_096;

/// Of a log that has never lost anything.
pub const FIRST_EPOCH: u32 = 1;

/// Why the log cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("cannot {doing} {file}")]
    Io { doing: &'static str, file: String, source: io::Error },
    #[error(
        "{file} was written by a newer version: format {format}, needs a reader of at least {min_reader}"
    )]
    Newer { file: String, format: u16, min_reader: u16 },
    #[error("{file} holds a frame of kind {kind}, which this version does not know")]
    UnknownKind { file: String, kind: u8 },
}

impl LogError {
    fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogError {
        let file = segment::name_of(path);
        move |source| LogError::Io { doing, file, source }
    }
}

/// What every reader shares: which segments there are, and how far they count.
pub struct Log {
    pub dir: PathBuf,
    pub id: LogId,
    disk: Arc<dyn Disk>,
    files: RwLock<Files>,
    sidecars: Sidecars,
    tail: Mutex<Tail>,
    past: Mutex<Past>,
    /// Damage that readers came upon, to be told once each.
    hurts: Mutex<Hurts>,
}

#[derive(Default)]
struct Hurts {
    seen: BTreeSet<(u64, u64)>,
    untold: Vec<Note>,
}

struct Files {
    /// By ordinal. The last one is open.
    segments: Vec<Segment>,
    /// Of the open segment, grown by the writer.
    open: Sidecar,
    /// Above the open segment's where history was lost: the writer begins a segment of it before it writes.
    epoch: u32,
    /// The next sequence to be given.
    next: Sequence,
}

/// The files at one moment: a reader's own.
struct Snapshot {
    segments: Vec<Segment>,
    open: Sidecar,
    next: Sequence,
}

#[derive(Default)]
struct Tail {
    entries: VecDeque<(Arc<Entry>, usize)>,
    bytes: usize,
}

impl Tail {
    fn push(&mut self, entry: Arc<Entry>, bytes: usize) {
        self.bytes += bytes;
        self.entries.push_back((entry, bytes));
        while self.bytes > TAIL_BYTES_MAX || self.entries.len() > TAIL_ENTRIES_MAX {
            let Some((_, bytes)) = self.entries.pop_front() else { break };
            self.bytes -= bytes;
        }
    }
}

fn sound<T>(locked: Result<T, PoisonError<T>>) -> T {
    // What is guarded is changed by single assignments: a panic elsewhere leaves nothing half done.
    locked.unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    /// The last sequence that is on disk.
    pub fn head(&self) -> Sequence {
        Sequence(sound(self.files.read()).next.0 - 1)
    }

    pub fn cursor(&self, sequence: Sequence) -> Cursor {
        Cursor { log: self.id, epoch: sound(self.files.read()).epoch, sequence }
    }

    /// Acknowledged history is gone, up to `known` where someone knows of it: from here on it is another epoch, and
    /// no number is given a second time.
    pub fn lose(&self, known: Sequence) {
        let mut files = sound(self.files.write());
        files.epoch = files.epoch.max(files.segments.last().map_or(0, |open| open.header.epoch) + 1);
        files.next = files.next.max(known.next());
    }

    /// Whether what was acknowledged up to a place of an epoch is history of this one too, and no number up to there was
    /// given a second time since.
    pub fn goes_on_from(&self, epoch: u32, applied: Sequence) -> bool {
        let files = sound(self.files.read());
        let begun_later = files.segments.iter().filter(|segment| segment.header.epoch > epoch);
        epoch <= files.epoch
            && applied < files.next
            && begun_later.into_iter().all(|segment| segment.header.first > applied)
    }

    /// Damage that was come upon since this was last asked.
    pub fn take_hurts(&self) -> Vec<Note> {
        std::mem::take(&mut sound(self.hurts.lock()).untold)
    }

    /// Every segment, for who checks them all.
    pub fn segments(&self) -> Vec<Segment> {
        sound(self.files.read()).segments.clone()
    }

    /// Whole entries after a place, oldest first, until they hold at least `events_max`.
    pub fn read(&self, after: Sequence, events_max: usize) -> Result<Vec<Arc<Entry>>, LogError> {
        if let Some(entries) = self.read_tail(after, events_max) {
            return Ok(entries);
        }
        let (mut found, mut events) = (Vec::new(), 0);
        self.walk(after, |entry, _| {
            events += entry.events.len();
            found.push(Arc::new(entry));
            events < events_max
        })?;
        Ok(found)
    }

    /// Hands out entries after a place, from the files, each with its size there, for as long as more are wanted.
    fn walk(
        &self,
        after: Sequence,
        mut wants_more: impl FnMut(Entry, usize) -> bool,
    ) -> Result<(), LogError> {
        let Snapshot { segments, open, .. } = self.snapshot();
        let from = segments.partition_point(|segment| segment.header.first <= after.next()).saturating_sub(1);
        for (i, segment) in segments.iter().enumerate().skip(from) {
            let index = if i + 1 == segments.len() { open.index() } else { &self.index_of(segment)? };
            let mut frames = segment.frames_from(index, after.next());
            while let Some((entry, bytes)) =
                self.next_entry(segment, &mut frames, segment.len, |_, next| next > after.next())?
            {
                if !wants_more(entry, bytes) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whole entries that begin before a place, newest first, until they hold at least `events_max`; from the files.
    pub fn read_back(&self, before: Sequence, events_max: usize) -> Result<Vec<Arc<Entry>>, LogError> {
        let mut found = Vec::new();
        let mut events = 0;
        let Snapshot { segments, open, .. } = self.snapshot();
        let last = segments.len().saturating_sub(1);
        let mut before = before;
        for (i, segment) in segments.iter().enumerate().rev() {
            if segment.header.first >= before {
                continue;
            }
            let index = if i == last { open.index() } else { &self.index_of(segment)? };
            let blocks: Vec<_> = index.blocks_back(before, segment.len).collect();
            for (from, to) in blocks {
                let mut frames = Frames::between(segment, from, to);
                let mut inside = Vec::new();
                while let Some((entry, _)) = self.next_entry(segment, &mut frames, to, |_, _| true)? {
                    if entry.first() >= before {
                        break;
                    }
                    inside.push(Arc::new(entry));
                }
                before = inside.first().map_or(before, |entry| entry.first());
                for entry in inside.into_iter().rev() {
                    if events >= events_max {
                        return Ok(found);
                    }
                    events += entry.events.len();
                    found.push(entry);
                }
            }
        }
        Ok(found)
    }

    /// The entry that begins at this sequence.
    pub fn entry_at(&self, first: Sequence) -> Result<Option<Arc<Entry>>, LogError> {
        let found = self.read(Sequence(first.0.saturating_sub(1)), 1)?;
        Ok(found.into_iter().next().filter(|entry| entry.first() == first))
    }

    /// As [`Log::read`], of what is kept in memory; none where that begins later.
    pub fn read_tail(&self, after: Sequence, events_max: usize) -> Option<Vec<Arc<Entry>>> {
        let tail = sound(self.tail.lock());
        let first = tail.entries.front()?.0.first();
        if after.next() < first {
            return None;
        }
        let from = tail.entries.partition_point(|(entry, _)| entry.last() <= after);
        Some(some(tail.entries.range(from..).map(|(entry, _)| entry), events_max))
    }

    fn snapshot(&self) -> Snapshot {
        let files = sound(self.files.read());
        Snapshot { segments: files.segments.clone(), open: files.open.clone(), next: files.next }
    }

    fn index_of(&self, segment: &Segment) -> Result<Arc<Index>, LogError> {
        match segment.index() {
            Some(index) => Ok(index.clone()),
            None => Ok(self.sidecar_of(segment)?.0.index().clone()),
        }
    }

    /// The next wanted commit of a walk that goes to `end`, and its bytes; wanted are those of which `wants(first, next)` is so. What
    /// is hurt is passed over, its numbers are missing from what is answered, and it is told.
    fn next_entry(
        &self,
        segment: &Segment,
        frames: &mut Frames<'_>,
        end: u64,
        mut wants: impl FnMut(Sequence, Sequence) -> bool,
    ) -> Result<Option<(Entry, usize)>, LogError> {
        while frames.offset() < end {
            match frames.next().map_err(LogError::io("read", &segment.path))? {
                Some(Found::Frame { header, .. })
                    if header.kind != Kind::Commit || !wants(header.first, header.next()) => {}
                Some(Found::Frame { offset, header, body }) => match decode(&body) {
                    Ok(entry) => return Ok(Some((entry, body.len()))),
                    Err(error) => {
                        self.hurt(segment, offset, header.frame_len() as u64, &format!("no entry: {error}"));
                    }
                },
                Some(Found::Hurt(hurt)) => {
                    self.hurt(segment, hurt.offset, hurt.until - hurt.offset, &hurt.what);
                }
                Some(Found::Unknown { kind, .. }) => {
                    return Err(LogError::UnknownKind { file: segment.name(), kind });
                }
                None => {
                    let (from, bytes) = (frames.offset(), segment.len.saturating_sub(frames.offset()));
                    self.hurt(segment, from, bytes, "nothing after here can be read");
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// Remembers damage that is to be told. An epoch that rose after the segment was written has answered for it.
    fn hurt(&self, segment: &Segment, offset: u64, bytes: u64, what: &str) {
        let mut hurts = sound(self.hurts.lock());
        if !hurts.seen.insert((segment.header.ordinal, offset)) {
            return;
        }
        hurts.untold.push(damage(&segment.path, offset, bytes, what));
        drop(hurts);
        if sound(self.files.read()).epoch == segment.header.epoch {
            self.lose(Sequence::ZERO);
        }
    }
}

/// What is told of bytes that are not what was written.
fn damage(path: &Path, offset: u64, bytes: u64, what: &str) -> Note {
    let file = segment::name_of(path);
    Note {
        kind: "hub.damaged",
        severity: Severity::Error,
        data: object(json!({ "file": file, "offset": offset, "bytes": bytes, "what": what })),
    }
}
