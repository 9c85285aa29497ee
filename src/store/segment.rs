//! One file of the log, read: which frames it holds, where they begin, what of it is not what was written.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use super::{
    disk::{DiskFile, read_up_to},
    frame::{self, FRAME_HEADER_BYTES, FrameError, FrameHeader, HEADER_BYTES, Kind, Seed, SegmentHeader},
    sidecar::{Sidecar, Summary},
};
use crate::model::{Entry, Sequence, decode};

/// Bytes read from the file at a time.
const CHUNK_BYTES: usize = 256 << 10;
/// A stretch of the file that no frame accounts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hurt {
    pub offset: u64,
    /// Where the next good frame begins.
    pub until: u64,
    pub what: String,
}

/// Where frames begin, here and there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Index(Vec<(Sequence, u64)>);

impl Index {
    /// The frame at this offset, after all that are known, begins with this sequence.
    pub fn push(&mut self, first: Sequence, offset: u64) {
        self.0.push((first, offset));
    }

    pub fn places(&self) -> impl Iterator<Item = (Sequence, u64)> + '_ {
        self.0.iter().copied()
    }

    /// The last offset.
    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|(_, offset)| *offset)
    }

    /// From where to where the block reaches that begins at place `i`. The first begins where frames do, so that what
    /// is hurt before it is seen.
    pub fn block(&self, i: usize, len: u64) -> (u64, u64) {
        let at = self.0[i].1;
        // Places in one packed block share its offset.
        let next = self.0[i + 1..].iter().map(|(_, offset)| *offset).find(|offset| *offset > at);
        (if i == 0 { HEADER_BYTES as u64 } else { at }, next.unwrap_or(len))
    }

    /// Where to begin reading for this sequence.
    pub fn before(&self, sequence: Sequence) -> u64 {
        let after = self.0.partition_point(|(first, _)| *first <= sequence);
        after.checked_sub(1).map_or(HEADER_BYTES as u64, |i| self.0[i].1)
    }

    /// Where the blocks that begin before this sequence lie, last first.
    pub fn blocks_back(&self, before: Sequence, len: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let count = self.0.partition_point(|(first, _)| *first < before);
        (0..count).rev().map(move |i| self.block(i, len))
    }
}

/// A segment that can be read. The file stays open; reads are by offset and share it.
#[derive(Clone)]
pub struct Segment {
    pub path: PathBuf,
    pub header: SegmentHeader,
    pub seed: Seed,
    pub file: Arc<dyn DiskFile>,
    /// Of a closed segment: how much of it counts. Of the open one: set by each read.
    pub len: u64,
    /// Of a closed segment, from its sidecar.
    known: Arc<Known>,
}

/// What is small enough to be kept of a closed segment.
#[derive(Debug, Default)]
struct Known {
    index: OnceLock<Arc<Index>>,
    summary: OnceLock<Option<Summary>>,
}

impl Segment {
    pub fn new(path: PathBuf, header: SegmentHeader, file: Arc<dyn DiskFile>, len: u64) -> Segment {
        Segment { path, header, seed: Seed::of(&header), file, len, known: Arc::default() }
    }

    /// The same file, which has another name now.
    pub fn named(self, path: PathBuf) -> Segment {
        Segment { path, ..self }
    }

    /// The header of the file, `None` where there is none that can be read.
    pub fn read_header(file: &dyn DiskFile) -> io::Result<Result<SegmentHeader, frame::HeaderError>> {
        let mut bytes = [0; HEADER_BYTES];
        let n = read_up_to(file, &mut bytes, 0)?;
        Ok(SegmentHeader::decode(&bytes[..n]))
    }

    pub fn name(&self) -> String {
        name_of(&self.path)
    }

    /// Where frames begin, once a sidecar was there to tell.
    pub fn index(&self) -> Option<&Arc<Index>> {
        self.known.index.get()
    }

    /// Its content in short: `Some(None)` when that cannot be said.
    pub fn summary(&self) -> Option<Option<Summary>> {
        self.known.summary.get().copied()
    }

    pub fn know_summary(&self, summary: Option<Summary>) -> Option<Summary> {
        *self.known.summary.get_or_init(|| summary)
    }

    /// Keeps of the sidecar what is small.
    pub fn know(&self, sidecar: &Sidecar) {
        self.known.index.get_or_init(|| sidecar.index().clone());
        self.know_summary(sidecar.summary());
    }

    /// Reads all of it, to tell what it holds.
    pub fn outlined(&self) -> io::Result<Sidecar> {
        let mut sidecar = Sidecar::default();
        let mut frames = Frames::at(self, HEADER_BYTES as u64);
        while let Some(found) = frames.next()? {
            match found {
                Found::Frame { offset, header, body } => match entry(&header, &body) {
                    Ok(Some(entry)) => sidecar.note(&entry, offset),
                    Ok(None) => {}
                    Err(_) => sidecar.set_hurt(),
                },
                Found::Hurt(_) => sidecar.set_hurt(),
                // Its reader refuses it there.
                Found::Unknown { .. } => {
                    sidecar.set_hurt();
                    break;
                }
            }
        }
        if frames.offset() < self.len {
            sidecar.set_hurt();
        }
        Ok(sidecar)
    }

    /// The sequence after its last, if every frame of it can be read and no number is missing.
    pub fn walked(&self) -> io::Result<Option<Sequence>> {
        let mut next = self.header.first;
        let mut frames = Frames::at(self, HEADER_BYTES as u64);
        while let Some(found) = frames.next()? {
            match found {
                Found::Frame { header, body, .. }
                    if header.first == next && entry(&header, &body).is_ok() =>
                {
                    next = header.next();
                }
                _ => return Ok(None),
            }
        }
        Ok((frames.offset() == self.len).then_some(next))
    }

    /// Frames from the one that holds `sequence`, or begins after it.
    pub fn frames_from(&self, index: &Index, sequence: Sequence) -> Frames<'_> {
        Frames::at(self, index.before(sequence))
    }
}

pub fn name_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(|| path.display().to_string(), |name| format!("log/{}", name.to_string_lossy()))
}

/// What stands at a place of a segment.
pub enum Found {
    Frame {
        offset: u64,
        header: FrameHeader,
        body: Vec<u8>,
    },
    /// Bytes that are no frame, with good frames after them.
    Hurt(Hurt),
    /// Whole, and of a kind that only a newer program knows.
    Unknown {
        offset: u64,
        kind: u8,
    },
}

/// Walks the frames of a segment; over what is hurt it goes on at the next good frame.
pub struct Frames<'a> {
    segment: &'a Segment,
    offset: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    start: u64,
    /// Bytes read from the file at a time.
    chunk: usize,
    /// The block in which the walk stands.
    inside: Option<Inside>,
}

/// A block unpacked, and how much of it has been walked.
struct Inside {
    content: Vec<u8>,
    at: usize,
    /// Where the block ends in the file.
    end: u64,
}

impl<'a> Frames<'a> {
    pub fn at(segment: &'a Segment, offset: u64) -> Frames<'a> {
        Frames { segment, offset, buffer: Vec::new(), start: offset, chunk: CHUNK_BYTES, inside: None }
    }

    /// As [`Frames::at`], for who reads up to `end` and no further.
    pub fn between(segment: &'a Segment, offset: u64, end: u64) -> Frames<'a> {
        let chunk = (end.saturating_sub(offset) as usize).min(CHUNK_BYTES);
        Frames { chunk, ..Frames::at(segment, offset) }
    }

    /// Where the walk stands: after the last good frame; at the beginning of a block that it is in.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    pub fn go_to(&mut self, offset: u64) {
        self.offset = offset;
        self.inside = None;
    }

    pub fn skip(&mut self, bytes: usize) {
        self.offset += bytes as u64;
    }

    /// The next frame; those in a block one by one, each with the block's offset.
    pub fn next(&mut self) -> io::Result<Option<Found>> {
        if self.inside.is_some() {
            return Ok(self.next_inside());
        }
        match self.read_here()? {
            Ok((header, body)) if header.kind == Kind::Block => {
                let end = self.offset + header.frame_len() as u64;
                match unpacked(&body) {
                    Some(content) => {
                        self.inside = Some(Inside { content, at: 0, end });
                        Ok(self.next_inside())
                    }
                    None => self.hurt(FrameError::Body),
                }
            }
            Ok((header, body)) => {
                let offset = self.offset;
                self.offset += header.frame_len() as u64;
                Ok(Some(Found::Frame { offset, header, body }))
            }
            Err(FrameError::UnknownKind(kind)) => Ok(Some(Found::Unknown { offset: self.offset, kind })),
            Err(error) => self.hurt(error),
        }
    }

    /// Goes on at the next good frame.
    fn hurt(&mut self, error: FrameError) -> io::Result<Option<Found>> {
        let Some(until) = self.find_good(self.offset + 1)? else { return Ok(None) };
        let hurt = Hurt { offset: self.offset, until, what: words(error) };
        self.offset = until;
        Ok(Some(Found::Hurt(hurt)))
    }

    fn next_inside(&mut self) -> Option<Found> {
        let inside = self.inside.as_mut()?;
        let (header, body, rest) = frame::unpack(&inside.content[inside.at..])?;
        let found = Found::Frame { offset: self.offset, header, body: body.to_vec() };
        if rest.is_empty() {
            self.offset = inside.end;
            self.inside = None;
        } else {
            inside.at = inside.content.len() - rest.len();
        }
        Some(found)
    }

    /// The frame at the walk's place.
    pub fn read_here(&mut self) -> io::Result<Result<(FrameHeader, Vec<u8>), FrameError>> {
        let seed = self.segment.seed;
        let header = match frame::read_header(self.bytes(self.offset, FRAME_HEADER_BYTES)?, seed) {
            Ok(header) => header,
            Err(error) => return Ok(Err(error)),
        };
        let bytes = self.bytes(self.offset, header.frame_len())?;
        Ok(frame::read(bytes, seed).map(|(header, body)| (header, body.to_vec())))
    }

    /// The first good frame at or after `from`, wherever it is.
    pub fn find_good(&mut self, from: u64) -> io::Result<Option<u64>> {
        let mut at = from;
        while at + FRAME_HEADER_BYTES as u64 <= self.segment.len {
            let seed = self.segment.seed;
            let bytes = self.bytes(at, CHUNK_BYTES)?;
            if bytes.len() < FRAME_HEADER_BYTES {
                // The file ends before it should.
                break;
            }
            // What cannot be the start of a header is skipped without a checksum: a kind, then three zeros.
            let candidate = bytes.windows(FRAME_HEADER_BYTES).position(|window| {
                Kind::is_known(window[4])
                    && window[5..8] == [0; 3]
                    && frame::read_header(window, seed).is_ok()
            });
            match candidate {
                Some(i) => {
                    at += i as u64;
                    let keep = std::mem::replace(&mut self.offset, at);
                    let good = self.read_here()?.is_ok();
                    self.offset = keep;
                    if good {
                        return Ok(Some(at));
                    }
                    at += 1;
                }
                None => at += (bytes.len().saturating_sub(FRAME_HEADER_BYTES - 1)).max(1) as u64,
            }
        }
        Ok(None)
    }

    /// At most `len` bytes at `offset`, less at the end of what counts.
    fn bytes(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        let len = len.min(self.segment.len.saturating_sub(offset) as usize);
        let end = offset + len as u64;
        if offset < self.start || end > self.start + self.buffer.len() as u64 {
            let want = len.max(self.chunk).min(self.segment.len.saturating_sub(offset) as usize);
            self.buffer.resize(want, 0);
            let n = read_up_to(&*self.segment.file, &mut self.buffer, offset)?;
            self.buffer.truncate(n);
            self.start = offset;
        }
        let from = ((offset - self.start) as usize).min(self.buffer.len());
        let to = (from + len).min(self.buffer.len());
        Ok(&self.buffer[from..to])
    }
}

/// The content of a block, if all of it is frames. A checksum has answered for the bytes; this for who wrote them.
fn unpacked(body: &[u8]) -> Option<Vec<u8>> {
    let content = frame::unpack_block(body)?;
    let mut rest = content.as_slice();
    while !rest.is_empty() {
        rest = frame::unpack(rest)?.2;
    }
    (!content.is_empty()).then_some(content)
}

fn words(error: FrameError) -> String {
    match error {
        FrameError::End => "the frame is cut short".to_owned(),
        FrameError::Header => "the frame's header has a wrong checksum".to_owned(),
        FrameError::Body => "the frame's body has a wrong checksum".to_owned(),
        FrameError::UnknownKind(kind) => format!("the frame is of an unknown kind, {kind}"),
    }
}

/// The entry of a commit frame; `None` for a frame without one.
pub fn entry(header: &FrameHeader, body: &[u8]) -> Result<Option<Entry>, rmp_serde::decode::Error> {
    match header.kind {
        Kind::Commit => decode(body).map(Some),
        Kind::Horizon | Kind::Gone | Kind::Block => Ok(None),
    }
}
