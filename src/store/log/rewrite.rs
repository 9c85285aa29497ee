//! Writing closed segments a second time: packed, without what is no longer kept, several small ones as one.
//!
//! The new file is written beside the old one, fsynced, read back, and takes its name; at any moment there is one or the
//! other, whole. Readers that hold the old file read on in it.

use std::{io, ops::RangeInclusive, path::Path, sync::Arc};

use zstd::bulk::Compressor;

use super::{Log, LogError, Tail, sound};
use crate::{
    model::{Class, Entry, Sequence, encode},
    store::{
        disk::{Disk, DiskFile},
        frame::{self, BODY_BYTES_MAX, Gone, HEADER_BYTES, Kind, Rewritten, Seed, SegmentHeader},
        segment::{self, Found, Frames, Segment},
        sidecar::Sidecar,
        window::Window,
    },
};

/// Until it takes its place, a file has this behind its name.
pub const UNFINISHED: &str = "new";
/// What is packed together, and must be unpacked together to get at one event of it.
const BLOCK_BYTES: usize = 256 << 10;
const ZSTD_LEVEL: i32 = 9;

/// What is to become of an entry.
pub enum Verdict {
    Keep,
    /// This is written in its place; its numbers are the same.
    Instead(Entry),
    /// Its class is not kept that long.
    Drop(Class),
}

/// Decides about every entry.
pub type Judge<'a> = dyn FnMut(&Entry) -> Verdict + 'a;

/// What a rewrite did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rewrote {
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// Events that are no more, by class: the places of [`Class::ALL`].
    pub dropped: [u64; Class::ALL.len()],
    /// Entries that say less than before.
    pub changed: u64,
}

impl Rewrote {
    pub fn add(&mut self, other: &Rewrote) {
        self.bytes_before += other.bytes_before;
        self.bytes_after += other.bytes_after;
        self.changed += other.changed;
        self.dropped.iter_mut().zip(other.dropped).for_each(|(all, more)| *all += more);
    }
}

impl Log {
    /// The segments that are closed.
    pub fn closed(&self) -> Vec<Segment> {
        let mut segments = self.segments();
        segments.pop();
        segments
    }

    /// The one that is written to, and what it holds.
    pub fn open_segment(&self) -> (Segment, Sidecar) {
        let files = sound(self.files.read());
        (files.segments.last().expect("the open segment").clone(), files.open.clone())
    }

    /// Who follows the log reads the files from here on.
    pub fn forget_tail(&self) {
        *sound(self.tail.lock()) = Tail::default();
        self.forget_past();
    }

    /// Shows every entry of a segment that can be read.
    pub fn each_entry(&self, segment: &Segment, mut each: impl FnMut(&Entry)) -> Result<(), LogError> {
        walk(segment, &mut |walked| {
            if let Walked::Entry(entry, _) = walked {
                each(&entry);
            }
            Ok(())
        })
    }

    /// Whether a segment is the one that bears its name now.
    pub(super) fn is_current(&self, segment: &Segment) -> bool {
        let files = sound(self.files.read());
        let at =
            files.segments.binary_search_by_key(&segment.header.ordinal, |segment| segment.header.ordinal);
        at.is_ok_and(|at| files.segments[at].header.salt == segment.header.salt)
    }

    /// Writes closed segments that follow each other anew, as one. One thread at a time.
    pub fn rewrite(
        &self,
        segments: &[Segment],
        salt: u64,
        judge: &mut Judge<'_>,
    ) -> Result<Rewrote, LogError> {
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
            return Ok(Rewrote::default());
        };
        let next = self.first_after(last);
        let through = last.header.last_ordinal();
        let header = SegmentHeader { salt, rewritten: Some(Rewritten { through, next }), ..first.header };
        let path = first.path.with_extension(format!("seg.{UNFINISHED}"));
        let written = write_anew(&*self.disk, &path, header, segments, judge);
        let Written { mut rewrote, segment, sidecar, .. } = written.inspect_err(|_| {
            if let Err(left) = self.disk.remove(&path) {
                tracing::debug!(error = %left, path = %path.display(), "a file that was not finished stays");
            }
        })?;
        rewrote.bytes_before = segments.iter().map(|segment| segment.len).sum();
        rewrote.bytes_after = segment.len;
        self.take_place(&path, &first.path).map_err(LogError::io("rename", &path))?;
        let segment = segment.named(first.path.clone());
        self.replace(segments, segment, sidecar);
        for merged in &segments[1..] {
            self.disk.remove(&merged.path).map_err(LogError::io("remove", &merged.path))?;
        }
        Ok(rewrote)
    }

    fn take_place(&self, path: &Path, of: &Path) -> io::Result<()> {
        let _window = Window::begin("clean");
        self.disk.rename(path, of)?;
        self.disk.sync_dir(&self.dir)
    }

    /// From here on readers see the new one.
    fn replace(&self, old: &[Segment], new: Segment, sidecar: Sidecar) {
        let mut files = sound(self.files.write());
        let from = files.segments.partition_point(|segment| segment.header.ordinal < new.header.ordinal);
        let kept = self.sidecars.keep(&new, &sidecar);
        files.segments.splice(from..from + old.len(), [new.clone()]);
        drop(files);
        self.forget_past();
        old.iter().for_each(|old| self.sidecars.remove(old));
        self.sidecars.try_write(&new, &kept);
    }

    /// The sequence with which the segment after this one begins.
    fn first_after(&self, segment: &Segment) -> Sequence {
        let files = sound(self.files.read());
        let after = files.segments.iter().find(|other| other.header.ordinal > segment.header.last_ordinal());
        after.map_or(files.next, |after| after.header.first)
    }
}

/// A segment that was written anew, on disk.
pub struct Written {
    pub rewrote: Rewrote,
    pub segment: Segment,
    pub sidecar: Sidecar,
    /// What could not be read, now said to be gone.
    pub lost: Vec<RangeInclusive<Sequence>>,
}

/// Writes what segments that follow each other hold into one file.
pub fn write_anew(
    disk: &dyn Disk,
    path: &Path,
    header: SegmentHeader,
    segments: &[Segment],
    judge: &mut Judge<'_>,
) -> Result<Written, LogError> {
    let failed = |error| LogError::io("write", path)(error);
    let file: Arc<dyn DiskFile> = Arc::from(disk.open(path, true).map_err(failed)?);
    let mut rewrote = Rewrote::default();
    let mut out = Packer::begin(&*file, header).map_err(failed)?;
    for segment in segments {
        walk(segment, &mut |found| out.take(found, judge, &mut rewrote))?;
    }
    let (len, sidecar, lost) = out.end().map_err(failed)?;
    file.sync().map_err(failed)?;
    let segment = Segment::new(path.to_owned(), header, file, len);
    // What was truth so far goes: the copy must say the same.
    let read = segment.outlined().map_err(LogError::io("read", path))?;
    if read != sidecar {
        return Err(failed(io::Error::other("it does not read back as it was written")));
    }
    Ok(Written { rewrote, segment, sidecar, lost })
}

/// Shows every frame; of a stretch that cannot be read, nothing.
fn walk(segment: &Segment, each: &mut dyn FnMut(Walked) -> io::Result<()>) -> Result<(), LogError> {
    let mut frames = Frames::at(segment, HEADER_BYTES as u64);
    while let Some(found) = frames.next().map_err(LogError::io("read", &segment.path))? {
        let walked = match found {
            Found::Frame { header, body, .. } => match header.kind {
                Kind::Gone => {
                    crate::model::decode(&body).ok().map(|why| Walked::Gone(header.first, header.next(), why))
                }
                _ => segment::entry(&header, &body).ok().flatten().map(|entry| Walked::Entry(entry, body)),
            },
            Found::Hurt(_) => None,
            Found::Unknown { kind, .. } => {
                return Err(LogError::UnknownKind { file: segment.name(), kind });
            }
        };
        if let Some(walked) = walked {
            each(walked).map_err(LogError::io("rewrite", &segment.path))?;
        }
    }
    Ok(())
}

/// What was found in the old files.
enum Walked {
    /// With its body, as it was written.
    Entry(Entry, Vec<u8>),
    Gone(Sequence, Sequence, Gone),
}

/// Writes the new file.
struct Packer<'a> {
    file: &'a dyn DiskFile,
    seed: Seed,
    next: Sequence,
    end: Sequence,
    len: u64,
    compressor: Compressor<'static>,
    /// Of the block that is being filled, and its first sequence.
    content: Vec<u8>,
    first: Sequence,
    /// What is no more since the last frame, and why.
    gone: Option<(Sequence, Gone)>,
    sidecar: Sidecar,
    lost: Vec<RangeInclusive<Sequence>>,
}

impl<'a> Packer<'a> {
    fn begin(file: &'a dyn DiskFile, header: SegmentHeader) -> io::Result<Packer<'a>> {
        file.set_len(0)?;
        file.write_at(&header.encode(), 0)?;
        Ok(Packer {
            file,
            seed: Seed::of(&header),
            next: header.first,
            end: header.rewritten.map_or(header.first, |rewritten| rewritten.next),
            len: HEADER_BYTES as u64,
            compressor: Compressor::new(ZSTD_LEVEL)?,
            content: Vec::with_capacity(2 * BLOCK_BYTES),
            first: header.first,
            gone: None,
            sidecar: Sidecar::default(),
            lost: Vec::new(),
        })
    }

    fn take(&mut self, walked: Walked, judge: &mut Judge<'_>, rewrote: &mut Rewrote) -> io::Result<()> {
        match walked {
            Walked::Entry(entry, body) => {
                self.reach(entry.first())?;
                match judge(&entry) {
                    Verdict::Keep => self.entry(&entry, &body),
                    Verdict::Instead(other) => {
                        rewrote.changed += 1;
                        self.entry(&other, &encode(&other))
                    }
                    Verdict::Drop(class) => {
                        rewrote.dropped[class as usize] += entry.events.len() as u64;
                        self.gone(entry.last().next(), Gone::Cleaned { class })
                    }
                }
            }
            Walked::Gone(first, next, why) => {
                self.reach(first)?;
                self.gone(next, why)
            }
        }
    }

    /// What is missing before this sequence could not be read.
    fn reach(&mut self, sequence: Sequence) -> io::Result<()> {
        if sequence <= self.next {
            return Ok(());
        }
        self.lost.push(self.next..=Sequence(sequence.0 - 1));
        self.gone(sequence, Gone::Damaged)
    }

    fn gone(&mut self, next: Sequence, why: Gone) -> io::Result<()> {
        if self.gone.is_some_and(|(_, before)| before != why) {
            self.tell_gone()?;
        }
        self.gone.get_or_insert((self.next, why));
        self.next = next;
        Ok(())
    }

    fn tell_gone(&mut self) -> io::Result<()> {
        let Some((from, why)) = self.gone.take() else { return Ok(()) };
        let (mut from, body) = (from, encode(&why));
        while from < self.next {
            let count = u32::try_from(self.next.0 - from.0).unwrap_or(u32::MAX);
            self.put(Kind::Gone, from, count, &body)?;
            from = Sequence(from.0 + u64::from(count));
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry, body: &[u8]) -> io::Result<()> {
        self.tell_gone()?;
        self.put(Kind::Commit, entry.first(), entry.events.len() as u32, body)?;
        self.sidecar.note(entry, self.len);
        self.next = entry.last().next();
        Ok(())
    }

    fn put(&mut self, kind: Kind, first: Sequence, count: u32, body: &[u8]) -> io::Result<()> {
        if self.content.len() >= BLOCK_BYTES || (!self.content.is_empty() && body.len() >= BLOCK_BYTES) {
            self.write_block(first)?;
        }
        if self.content.is_empty() {
            self.first = first;
        }
        frame::pack(&mut self.content, kind, first, count, body);
        Ok(())
    }

    /// Writes what has gathered before `next`.
    fn write_block(&mut self, next: Sequence) -> io::Result<()> {
        if self.content.is_empty() {
            return Ok(());
        }
        let body = frame::pack_block(&mut self.compressor, &self.content)?;
        let mut bytes = Vec::with_capacity(body.len() + 64);
        if body.len() <= BODY_BYTES_MAX {
            let count = u32::try_from(next.0 - self.first.0).unwrap_or(u32::MAX);
            frame::write(&mut bytes, self.seed, Kind::Block, self.first, self.first, count, &body);
        } else {
            // One frame of the longest that does not get smaller: it stands for itself.
            let mut rest = self.content.as_slice();
            while let Some((header, body, after)) = frame::unpack(rest) {
                let (kind, first) = (header.kind, header.first);
                frame::write(&mut bytes, self.seed, kind, first, first, header.count, body);
                rest = after;
            }
        }
        self.content.clear();
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(bytes, self.len)?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// How long the file is, what it holds, and what could not be read.
    fn end(mut self) -> io::Result<(u64, Sidecar, Vec<RangeInclusive<Sequence>>)> {
        self.reach(self.end)?;
        self.tell_gone()?;
        self.write_block(self.end)?;
        let mut horizon = Vec::new();
        frame::write(&mut horizon, self.seed, Kind::Horizon, self.end, self.end, 0, &[]);
        self.write(&horizon)?;
        Ok((self.len, self.sidecar, self.lost))
    }
}
