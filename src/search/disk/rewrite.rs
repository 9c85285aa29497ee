//! Rewriting: a segment still holds what was deleted from it; merged alone it becomes one that does not.
//!
//! tantivy's own merges go on beside it. Of two that read the same segment the one that ends first counts, the other
//! ends in vain. tantivy deletes a file as soon as no merge reads or writes it.

use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake},
    thread::{self, Thread},
    time::Duration,
};

use tantivy::{FutureResult, Index, Opstamp, SegmentMeta, TantivyError, index::SegmentId};

use super::{Disk, IndexError};

/// How often one who waits for a merge looks whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// A segment that is being rewritten.
pub(in crate::search) struct Rewrite {
    pub of: SegmentId,
    merge: FutureResult<Option<SegmentMeta>>,
}

/// What came of it.
pub(in crate::search) enum Rewritten {
    /// The one in its place; none where nothing in it was live.
    Into(Option<SegmentId>),
    /// Another merge took the segment away first.
    InVain,
    Stopped,
}

impl Rewrite {
    /// Until it is done or `stop` says so; then it goes on by itself.
    pub(in crate::search) fn wait(self, stop: &dyn Fn() -> bool) -> Result<Rewritten, IndexError> {
        let waker = Arc::new(Unpark(thread::current())).into();
        let mut merge = pin!(self.merge);
        loop {
            if let Poll::Ready(done) = merge.as_mut().poll(&mut Context::from_waker(&waker)) {
                return match done {
                    Ok(segment) => Ok(Rewritten::Into(segment.map(|segment| segment.id()))),
                    Err(TantivyError::InvalidArgument(_)) => Ok(Rewritten::InVain),
                    Err(error) => Err(error.into()),
                };
            }
            if stop() {
                return Ok(Rewritten::Stopped);
            }
            thread::park_timeout(LOOK);
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The segments as they are, with what is deleted from them.
pub(super) fn versions(index: &Index) -> Result<HashSet<(SegmentId, Option<Opstamp>)>, IndexError> {
    let segments = index.searchable_segment_metas()?;
    Ok(segments.iter().map(|segment| (segment.id(), segment.delete_opstamp())).collect())
}

impl Disk {
    /// Begins to rewrite every segment that something was deleted from, but for these.
    pub(in crate::search) fn rewrite(
        &mut self,
        but: &HashSet<SegmentId>,
    ) -> Result<Vec<Rewrite>, IndexError> {
        let segments = self.index.searchable_segment_metas()?;
        let holding = segments.iter().filter(|segment| segment.has_deletes() && !but.contains(&segment.id()));
        let holding: Vec<SegmentId> = holding.map(SegmentMeta::id).collect();
        let building = self.writer.as_ref().is_some_and(|(_, building)| *building);
        let writer = self.writer(building)?;
        Ok(holding.into_iter().map(|of| Rewrite { of, merge: writer.merge(&[of]) }).collect())
    }

    /// Deletes every file that no segment, merge or reader of the list of segments needs, and tells of which other
    /// segments than those searched there are files: merges read or write them.
    pub(in crate::search) fn sweep(&mut self) -> Result<HashSet<SegmentId>, IndexError> {
        let building = self.writer.as_ref().is_some_and(|(_, building)| *building);
        let collected = self.writer(building)?.garbage_collect_files().wait()?;
        if let Some(file) = collected.failed_to_delete_files.first() {
            return Err(io::Error::other(format!("{} cannot be deleted", file.display())).into());
        }
        let searched = self.index.searchable_segment_ids()?;
        let mut others = Vec::new();
        for file in fs::read_dir(&self.dir)? {
            let name = PathBuf::from(file?.file_name());
            let segment = name.to_str().and_then(|name| name.split('.').next());
            let segment = segment.and_then(|uuid| SegmentId::from_uuid_string(uuid).ok());
            others
                .extend(segment.filter(|segment| !searched.contains(segment)).map(|segment| (segment, name)));
        }
        // After the names: a file is known to tantivy before it is there.
        let known = self.index.directory().list_managed_files();
        let (known, strays): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(_, name)| known.contains(name));
        for (_, name) in strays {
            match fs::remove_file(self.dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        File::open(&self.dir)?.sync_all()?;
        Ok(known.into_iter().map(|(segment, _)| segment).collect())
    }
}
