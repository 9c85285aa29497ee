//! The sidecars of closed segments: files beside the log, made anew when they are missing, damaged or another's, and a
//! bounded number of them in memory.
//!
//! Not through the log's `Disk`: what is lost here is only time.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc::Receiver},
};

use moka::sync::Cache;

use super::{Log, LogError, sound};
use crate::store::{
    segment::Segment,
    sidecar::{self, HEAD_BYTES, Identity, Sidecar, Summary},
    window::Window,
};

/// Of closed segments, in memory: about 4 bytes an event, so the last four million.
const SIDECARS_BYTES_MAX: u64 = 16 << 20;
/// Closed segments whose sidecars wait to be written; of more, who reads them first makes one.
pub const CLOSED_MAX: usize = 16;
const EXTENSION: &str = "idx";
/// What is being written is named so, and renamed when it is on disk.
const UNFINISHED: &str = "idx.tmp";

/// A segment that was closed, with what it held.
pub struct Closed {
    pub segment: Segment,
    pub sidecar: Sidecar,
}

/// A segment's ordinal and salt: one that was rewritten is another.
type Key = (u64, u64);

fn key_of(segment: &Segment) -> Key {
    (segment.header.ordinal, segment.header.salt)
}

pub struct Sidecars {
    dir: PathBuf,
    cache: Cache<Key, Arc<Sidecar>>,
    /// One is made at a time: each reads a whole segment.
    making: Mutex<()>,
}

impl Sidecars {
    /// Clears away what an unfinished write left, and what belongs to no segment.
    pub fn open(dir: &Path, segments: &[Segment]) -> Sidecars {
        let used: HashSet<_> = segments.iter().map(|segment| dir.join(file_of(segment))).collect();
        if let Ok(files) = fs::read_dir(dir) {
            for path in files.flatten().map(|file| file.path()) {
                if !used.contains(&path)
                    && let Err(error) = fs::remove_file(&path)
                {
                    tracing::debug!(%error, path = %path.display(), "a file beside the sidecars stays");
                }
            }
        }
        let weigh = |_: &Key, sidecar: &Arc<Sidecar>| u32::try_from(sidecar.bytes()).unwrap_or(u32::MAX);
        let cache = Cache::builder().weigher(weigh).max_capacity(SIDECARS_BYTES_MAX).build();
        Sidecars { dir: dir.to_owned(), cache, making: Mutex::default() }
    }

    /// Takes in that of a segment as it is closed.
    pub fn keep(&self, segment: &Segment, sidecar: &Sidecar) -> Arc<Sidecar> {
        segment.know(sidecar);
        let kept = Arc::new(sidecar.clone());
        self.cache.insert(key_of(segment), kept.clone());
        kept
    }

    /// On disk with its name when this returns. One that must not be believed later is not written.
    fn write(&self, segment: &Segment, sidecar: &Sidecar) -> io::Result<()> {
        let Some(bytes) = sidecar::encode(Identity::of(segment), sidecar) else { return Ok(()) };
        let _window = Window::begin("sidecar");
        fs::create_dir_all(&self.dir)?;
        let path = self.dir.join(file_of(segment));
        let unfinished = path.with_extension(UNFINISHED);
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&unfinished)?;
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        let named = written.and_then(|()| fs::rename(&unfinished, &path));
        match named {
            Ok(()) => File::open(&self.dir)?.sync_all(),
            Err(error) => fs::remove_file(&unfinished).and(Err(error)),
        }
    }

    /// As [`Sidecars::write`]; what is not written costs time only.
    pub fn try_write(&self, segment: &Segment, sidecar: &Sidecar) {
        if let Err(error) = self.write(segment, sidecar) {
            tracing::debug!(%error, segment = segment.name(), "a sidecar was not written");
        }
    }

    fn read(&self, segment: &Segment) -> Option<Sidecar> {
        let bytes = fs::read(self.dir.join(file_of(segment))).ok()?;
        sidecar::decode(Identity::of(segment), &bytes)
    }

    fn read_summary(&self, segment: &Segment) -> Option<Summary> {
        let mut head = [0; HEAD_BYTES];
        File::open(self.dir.join(file_of(segment))).and_then(|mut file| file.read_exact(&mut head)).ok()?;
        sidecar::decode_summary(Identity::of(segment), &head)
    }

    /// Of a segment whose name is gone.
    pub fn remove(&self, segment: &Segment) {
        self.cache.invalidate(&key_of(segment));
        match fs::remove_file(self.dir.join(file_of(segment))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::debug!(%error, segment = segment.name(), "a sidecar stays until the next start")
            }
            _ => {}
        }
    }
}

fn file_of(segment: &Segment) -> PathBuf {
    Path::new(segment.path.file_name().unwrap_or_default()).with_extension(EXTENSION)
}

impl Log {
    /// Writes the sidecars of segments as they are closed, until no more are.
    pub fn write_sidecars(&self, closed: &Receiver<Closed>) {
        for Closed { segment, sidecar } in closed {
            let _one = sound(self.sidecars.making.lock());
            if self.is_current(&segment) {
                self.sidecars.try_write(&segment, &sidecar);
            }
        }
    }

    /// What a closed segment holds in short, where that can be said without reading it.
    pub fn summary_of(&self, segment: &Segment) -> Option<Summary> {
        if let Some(known) = segment.summary() {
            return known;
        }
        let summary = self.sidecars.read_summary(segment)?;
        segment.know_summary(Some(summary))
    }

    /// The sidecar of a closed segment, and how many events had to be read to make it.
    pub fn sidecar_of(&self, segment: &Segment) -> Result<(Arc<Sidecar>, usize), LogError> {
        let key = key_of(segment);
        if let Some(sidecar) = self.sidecars.cache.get(&key) {
            return Ok((sidecar, 0));
        }
        let _one = sound(self.sidecars.making.lock());
        if let Some(sidecar) = self.sidecars.cache.get(&key) {
            return Ok((sidecar, 0));
        }
        let (sidecar, read) = match self.sidecars.read(segment) {
            Some(sidecar) => (sidecar, 0),
            None => {
                let sidecar = segment.outlined().map_err(LogError::io("read", &segment.path))?;
                // A reader may still hold one that has been rewritten since.
                if self.is_current(segment) {
                    self.sidecars.try_write(segment, &sidecar);
                }
                let read = sidecar.events();
                (sidecar, read)
            }
        };
        segment.know(&sidecar);
        let sidecar = Arc::new(sidecar);
        self.sidecars.cache.insert(key, sidecar.clone());
        Ok((sidecar, read))
    }

    /// Whether what is kept of a closed segment says what was just read of it; if not, it is thrown away.
    pub fn check_sidecar(&self, segment: &Segment, read: &Sidecar) -> bool {
        let differs = |kept: Sidecar| read.outline().is_some() && kept != *read;
        if !self.sidecars.read(segment).is_some_and(differs) {
            return true;
        }
        self.sidecars.cache.invalidate(&key_of(segment));
        if let Err(error) = fs::remove_file(self.sidecars.dir.join(file_of(segment))) {
            tracing::warn!(%error, segment = segment.name(), "a wrong sidecar stays");
        }
        false
    }
}
