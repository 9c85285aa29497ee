//! Appending: one owner of the open file, one write and one fdatasync a batch.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, Receiver, SyncSender},
    },
};

use super::{
    Log, LogError,
    sidecars::{CLOSED_MAX, Closed},
    sound,
};
use crate::{
    model::{Entry, Sequence, encode},
    store::{
        disk::{Disk, DiskFile},
        frame::{self, BODY_BYTES_MAX, Kind, SegmentHeader},
        segment::Segment,
        window::Window,
    },
};

/// The file is grown by zeros this far ahead of what is written: a write inside it needs no change of its metadata,
/// and an fdatasync without one is about twice as fast.
const GROW_BYTES: u64 = 4 << 20;

/// What the log leaves free, or this part of a small disk: the views, which cannot refuse what the log took, need it, and
/// without them nothing is read.
const LEFT_FREE_BYTES: u64 = 64 << 20;
const LEFT_FREE_PART: u64 = 8;

/// Entries that become durable together. Their sequences are given; the writer's checks have passed.
#[derive(Default)]
pub struct Batch {
    entries: Vec<Arc<Entry>>,
    bodies: Vec<Vec<u8>>,
}

impl Batch {
    /// Takes an entry in, or says how many bytes it has when that is more than a frame holds.
    pub fn push(&mut self, entry: Entry) -> Result<(), usize> {
        let body = encode(&entry);
        if body.len() > BODY_BYTES_MAX {
            return Err(body.len());
        }
        self.entries.push(Arc::new(entry));
        self.bodies.push(body);
        Ok(())
    }

    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }
}

/// Why a batch is not in the log.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing of it is there or will be; the log goes on when the cause is gone.
    #[error("the log could not be written")]
    Refused(#[source] io::Error),
    /// The disk did not say whether it is there: only a restart will tell.
    #[error("the log could not be fsynced")]
    Unknown(#[source] io::Error),
}

impl AppendError {
    pub fn of_disk(&self) -> &io::Error {
        let (AppendError::Refused(source) | AppendError::Unknown(source)) = self;
        source
    }
}

/// The open end of the log. One thread owns it.
pub struct Appender {
    log: Arc<Log>,
    disk: Arc<dyn Disk>,
    segment: Segment,
    /// Where the next frame goes: everything before is durable.
    len: u64,
    /// How far the file has been grown by zeros.
    grown: u64,
    segment_bytes: u64,
    /// The open file must not be written again: its fsync failed, or a part of a refused batch could not be cut off.
    poisoned: bool,
    /// There may be more in the file than counts, to be cut off before anything is written: a torn tail, room.
    uncut: bool,
    /// The last frame is a horizon: the log ends on purpose.
    ended: bool,
    /// Of the next segment: above that of every file there is, also of those that cannot be read.
    next_ordinal: u64,
    salt: Box<dyn FnMut() -> u64 + Send>,
    /// Segments as they are closed.
    closed: SyncSender<Closed>,
    bytes: Vec<u8>,
    frames: Vec<(usize, usize)>,
}

impl Appender {
    pub(super) fn new(
        log: Arc<Log>,
        disk: Arc<dyn Disk>,
        segment: Segment,
        ended: bool,
        next_ordinal: u64,
        segment_bytes: u64,
        salt: Box<dyn FnMut() -> u64 + Send>,
    ) -> (Appender, Receiver<Closed>) {
        let (sender, closed) = mpsc::sync_channel(CLOSED_MAX);
        let len = segment.len;
        let appender = Appender {
            // What was rewritten is whole, and not gone on with.
            poisoned: segment.header.rewritten.is_some(),
            uncut: true,
            ended,
            next_ordinal,
            log,
            disk,
            segment,
            len,
            grown: len,
            segment_bytes,
            salt,
            closed: sender,
            bytes: Vec::new(),
            frames: Vec::new(),
        };
        (appender, closed)
    }

    /// The sequence that the next event gets.
    pub fn next(&self) -> Sequence {
        self.log.head().next()
    }

    /// Writes and fsyncs the batch, and shows it to readers.
    pub fn append(&mut self, batch: &Batch) -> Result<(), AppendError> {
        let Some(first) = batch.entries.first().map(|entry| entry.first()) else { return Ok(()) };
        self.check_room().map_err(AppendError::Refused)?;
        if self.must_roll() {
            self.roll().map_err(AppendError::Refused)?;
        }
        self.bytes.clear();
        self.frames.clear();
        for (entry, body) in batch.entries.iter().zip(&batch.bodies) {
            let start = self.bytes.len();
            let (seed, count) = (self.segment.seed, entry.events.len() as u32);
            frame::write(&mut self.bytes, seed, Kind::Commit, first, entry.first(), count, body);
            self.frames.push((start, self.bytes.len() - start));
        }
        self.write_bytes()?;
        self.ended = false;
        self.show(batch);
        Ok(())
    }

    /// Ends the log on purpose: the next open knows that nothing is missing.
    pub fn close(&mut self) -> Result<(), AppendError> {
        // What is poisoned or lost is said by the header of the next segment, which a later write makes.
        if self.poisoned || self.ended || self.lost() {
            return Ok(());
        }
        self.bytes.clear();
        let next = self.next();
        frame::write(&mut self.bytes, self.segment.seed, Kind::Horizon, next, next, 0, &[]);
        self.write_bytes()?;
        sound(self.log.files.write()).segments.last_mut().expect("the open segment").len = self.len;
        self.segment.file.set_len(self.len).map_err(AppendError::Refused)
    }

    /// Whether writing would work again after it was refused, without writing anything that counts.
    pub fn probe(&mut self) -> io::Result<()> {
        self.check_room()?;
        if self.must_roll() {
            return self.roll();
        }
        self.cut()?;
        let written = self.segment.file.write_at(&[0; 4_096], self.len);
        self.uncut = true;
        written.and_then(|()| self.cut())
    }

    fn check_room(&self) -> io::Result<()> {
        // A disk that does not say how full it is says so when it is written.
        let Ok(room) = self.disk.room(&self.log.dir) else { return Ok(()) };
        if room.free_bytes < LEFT_FREE_BYTES.min(room.total_bytes / LEFT_FREE_PART) {
            let left = format!("{} bytes are left, which the views need", room.free_bytes);
            return Err(io::Error::new(io::ErrorKind::StorageFull, left));
        }
        Ok(())
    }

    fn must_roll(&self) -> bool {
        self.poisoned || self.len >= self.segment_bytes || self.lost()
    }

    /// Acknowledged frames are gone: what comes is another history, and begins in a segment that says so.
    fn lost(&self) -> bool {
        sound(self.log.files.read()).epoch != self.segment.header.epoch
    }

    /// Closes the open file, if there is anything in it, and goes on in a new one.
    pub fn close_segment(&mut self) -> io::Result<()> {
        if self.len > frame::HEADER_BYTES as u64 { self.roll() } else { Ok(()) }
    }

    fn cut(&mut self) -> io::Result<()> {
        if self.uncut {
            // Opened while the disk was read-only, or failing: left as it is. The next segment says how much counts.
            self.segment.file.set_len(self.len).inspect_err(|_| self.poisoned = true)?;
            self.grown = self.len;
            self.uncut = false;
        }
        Ok(())
    }

    fn write_bytes(&mut self) -> Result<(), AppendError> {
        self.cut().map_err(AppendError::Refused)?;
        let end = self.len + self.bytes.len() as u64;
        let written = self.grow(end).and_then(|()| self.segment.file.write_at(&self.bytes, self.len));
        if let Err(error) = written {
            // What got there must not be read as history after a crash: cut off, for good, or never gone on after.
            self.uncut = true;
            return match self.cut().and_then(|()| self.segment.file.sync()) {
                Ok(()) => Err(AppendError::Refused(error)),
                Err(_) => {
                    self.poisoned = true;
                    Err(AppendError::Unknown(error))
                }
            };
        }
        if let Err(error) = self.segment.file.sync() {
            // The kernel may call these pages clean now: a second fsync that succeeds would prove nothing.
            self.poisoned = true;
            return Err(AppendError::Unknown(error));
        }
        self.len = end;
        Ok(())
    }

    fn grow(&mut self, end: u64) -> io::Result<()> {
        if end <= self.grown || self.segment_bytes < GROW_BYTES {
            return Ok(());
        }
        let from = self.grown.max(self.len);
        let to = end + GROW_BYTES;
        let zeros = vec![0; (to - from) as usize];
        match self.segment.file.write_at(&zeros, from) {
            Ok(()) => self.grown = to,
            // Room to spare is a luxury: without it the batch itself may still fit.
            Err(_) => self.segment.file.set_len(self.len)?,
        }
        Ok(())
    }

    fn show(&mut self, batch: &Batch) {
        let mut files = sound(self.log.files.write());
        let start = self.len - self.bytes.len() as u64;
        for (entry, (at, _)) in batch.entries.iter().zip(&self.frames) {
            files.open.note(entry, start + *at as u64);
        }
        files.segments.last_mut().expect("the open segment").len = self.len;
        files.next = batch.entries.last().map_or(files.next, |entry| entry.last().next());
        drop(files);
        let mut tail = sound(self.log.tail.lock());
        for (entry, (_, bytes)) in batch.entries.iter().zip(&self.frames) {
            tail.push(entry.clone(), *bytes);
        }
    }

    /// Closes the open file at its last durable length and goes on in a new one, whose header says that length.
    fn roll(&mut self) -> io::Result<()> {
        let _window = Window::begin("roll");
        if !self.poisoned {
            // Where history was lost, what cannot be read stays for who may want to look at it.
            if !self.lost() {
                self.uncut = true;
                self.cut()?;
            }
            self.segment.file.sync().inspect_err(|_| self.poisoned = true)?;
        }
        let (epoch, next) = {
            let files = sound(self.log.files.read());
            (files.epoch, files.next)
        };
        let before = &self.segment.header;
        let header = SegmentHeader {
            log: before.log,
            epoch,
            ordinal: self.next_ordinal,
            first: next,
            salt: (self.salt)(),
            before_ordinal: before.last_ordinal(),
            before_len: self.len,
            rewritten: None,
        };
        let segment = make_segment(&*self.disk, &self.log.dir, header)?;
        self.segment = segment.clone();
        self.len = segment.len;
        self.grown = segment.len;
        self.poisoned = false;
        self.uncut = false;
        self.ended = false;
        self.next_ordinal += 1;
        let mut files = sound(self.log.files.write());
        let before = files.segments.last().expect("the segment that was open").clone();
        files.segments.push(segment);
        let closed = Closed { segment: before, sidecar: std::mem::take(&mut files.open) };
        self.log.sidecars.keep(&closed.segment, &closed.sidecar);
        drop(files);
        // Not taken: who reads the segment first writes it then.
        drop(self.closed.try_send(closed));
        Ok(())
    }
}

/// A new file with its header, durable with its name.
pub fn make_segment(disk: &dyn Disk, dir: &std::path::Path, header: SegmentHeader) -> io::Result<Segment> {
    let path = dir.join(format!("{:010}.seg", header.ordinal));
    let made = || -> io::Result<Arc<dyn DiskFile>> {
        let file: Arc<dyn DiskFile> = Arc::from(disk.open(&path, true)?);
        file.set_len(0)?;
        file.write_at(&header.encode(), 0)?;
        file.sync()?;
        disk.sync_dir(dir)?;
        Ok(file)
    };
    match made() {
        Ok(file) => Ok(Segment::new(path, header, file, frame::HEADER_BYTES as u64)),
        Err(error) => {
            // A file that is no segment yet; recovery would remove it too.
            if let Err(left) = disk.remove(&path) {
                tracing::debug!(error = %left, path = %path.display(), "a segment that was not made stays");
            }
            Err(error)
        }
    }
}

impl From<AppendError> for LogError {
    fn from(error: AppendError) -> LogError {
        let (AppendError::Refused(source) | AppendError::Unknown(source)) = error;
        LogError::Io { doing: "write", file: "log".to_owned(), source }
    }
}
