//! The writer: the one thread that opens the index, commits what memory holds every few seconds, and begins the index
//! anew when it is of no use.
//!
//! It sleeps without a timer while there is nothing to write. It never answers a search. A fault of the disk is kept
//! and tried again later; damage or a panic begins the index anew, and whoever feeds it sees `applied` go back to 0.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{
    backlog::{self, Backlog},
    content::Content,
    disk::Disk,
    meaning::{Meaning, Places, panic_words},
    shard::{IndexError, Shard},
    stand_back,
};
use crate::{
    door::ViewState,
    model::{LogId, Sequence},
};

/// A view that was ready stays so while it is no more than this many events behind.
const READY_BEHIND_MAX: u64 = 1_000;
/// What is fresh is committed when it is this old.
const COMMIT_AFTER: Duration = Duration::from_secs(3);
/// Whoever feeds waits for the writer where there is so many times as much as is good to write at once.
const FULL: f32 = 2.0;
/// An index that is built is not searched before it is: as long as it is further behind than this, what comes only passes
/// through memory.
const BUILDING_BEHIND_MIN: u64 = 5_000;
/// Events without any memory are committed as a position when there are so many.
const POSITION_BEHIND_MAX: u64 = 20_000;
/// After a fault of the disk the writer waits so long, twice as long each time.
const RETRY_FIRST: Duration = Duration::from_secs(2);
const RETRY_LAST: Duration = Duration::from_secs(60);

/// What the writer, the feeder and the searches share.
pub(super) struct Shared {
    content: RwLock<Content>,
    control: Mutex<Control>,
    changed: Condvar,
    generation: watch::Sender<u64>,
    /// Once opened; a search before that is lexical.
    meaning: OnceLock<Meaning>,
    pub backlog: Backlog,
    /// One erases at a time.
    pub erasing: Mutex<()>,
}

/// What somebody has the writer do.
type Job = Box<dyn FnOnce(&mut Writer) -> Result<(), IndexError> + Send>;

#[derive(Default)]
pub(super) struct Control {
    pub opened: bool,
    /// The log's end, as far as told.
    pub head: Sequence,
    /// `applied` has reached the head once since the index was opened or begun anew.
    pub reached: bool,
    /// It did not come from disk: it is being built.
    pub anew: bool,
    /// Files are still being held against their checksums.
    pub unchecked: bool,
    pub failure: Option<String>,
    /// Why there are no vectors.
    pub no_meaning: Option<String>,
    /// The oldest thing to commit came then.
    waiting_since: Option<Instant>,
    hurry: bool,
    reset: bool,
    jobs: VecDeque<Job>,
    close: bool,
}

impl Shared {
    pub(super) fn new() -> Shared {
        Shared {
            content: RwLock::default(),
            control: Mutex::default(),
            changed: Condvar::new(),
            generation: watch::Sender::new(0),
            meaning: OnceLock::new(),
            backlog: Backlog::default(),
            erasing: Mutex::default(),
        }
    }

    // A panic under a lock is answered by beginning anew, so the lock itself is never given up.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn meaning(&self) -> Option<&Meaning> {
        self.meaning.get()
    }

    /// Finds the vectors of what came, and has the rest made.
    fn look_for_vectors(&self) {
        if let Some(meaning) = self.meaning() {
            self.read().seats().iter().for_each(|seat| seat.shard.table().look_for(meaning));
            self.backlog.wake();
        }
    }

    /// Tells whoever follows the state that the backlog is elsewhere.
    pub(super) fn backlog_moved(&self) {
        self.generation.send_modify(|_| {});
    }

    pub(super) fn state(&self) -> ViewState {
        let (applied, passing) = {
            let content = self.read();
            (content.applied, content.is_passing())
        };
        let control = self.control();
        let head = control.head;
        if let Some(reason) = &control.failure {
            return ViewState::Failed { reason: reason.clone() };
        }
        if !control.opened {
            return ViewState::Opening;
        }
        let near = control.reached && head.0.saturating_sub(applied.0) <= READY_BEHIND_MAX;
        if applied >= head && !passing || near {
            ViewState::Ready
        } else if control.anew && !control.reached {
            ViewState::Rebuilding { applied, head }
        } else {
            ViewState::CatchingUp { applied, head }
        }
    }

    /// Has the writer's thread do something, and waits for it; an error says why there is no answer.
    pub(super) fn on_writer<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Writer) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, String> {
        let (tell, told) = mpsc::sync_channel(1);
        let job: Job = Box::new(move |writer| {
            let (done, failed) = match job(writer) {
                Ok(done) => (Ok(done), Ok(())),
                Err(error) => (Err(error.to_string()), Err(error)),
            };
            // Who asked is waiting.
            drop(tell.send(done));
            failed
        });
        let mut control = self.control();
        if control.close {
            return Err("it is closed".to_owned());
        }
        control.jobs.push_back(job);
        drop(control);
        self.changed.notify_all();
        told.recv().unwrap_or_else(|_| Err("it ended".to_owned()))
    }

    /// Begins the vectors anew.
    pub(super) fn reset_vectors(&self) -> Result<(), String> {
        let _still = self.backlog.hold();
        let reset = self.on_writer(|writer| Ok(writer.reset_vectors()))?;
        reset.map_err(|error| error.to_string())
    }

    pub(super) fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `done` says so.
    pub(super) fn wait_until(&self, mut done: impl FnMut(&Control) -> bool) {
        let mut control = self.control();
        while !control.close && !done(&control) {
            control = self.changed.wait(control).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn tell(&self, change: impl FnOnce(&mut Control)) {
        change(&mut self.control());
        self.changed.notify_all();
    }

    /// Tells that something was applied.
    pub(super) fn fed(&self) {
        let (applied, wants_commit, full, passing) = {
            let content = self.read();
            let behind = content.applied.0.saturating_sub(content.durable.0);
            let wants_commit = content.is_fresh() || behind >= POSITION_BEHIND_MAX;
            (content.applied, wants_commit, content.fullness() >= 1.0, content.is_passing())
        };
        self.look_for_vectors();
        let mut control = self.control();
        let all_applied = applied >= control.head;
        control.reached |= all_applied && !passing;
        let hurry = full || all_applied && passing;
        let wake = wants_commit && (control.waiting_since.is_none() || hurry && !control.hurry);
        if wants_commit {
            control.waiting_since.get_or_insert_with(Instant::now);
        }
        control.hurry |= hurry;
        drop(control);
        if wake {
            self.changed.notify_all();
        }
    }

    /// Whether the index is being built and far from done.
    pub(super) fn is_building(&self) -> bool {
        let applied = self.read().applied;
        let control = self.control();
        control.anew && !control.reached && control.head.0.saturating_sub(applied.0) > BUILDING_BEHIND_MIN
    }

    /// Waits until there is room for more; `false` when there will not be soon.
    pub(super) fn room(&self) -> bool {
        let full = || self.read().fullness() >= FULL;
        if !full() {
            return true;
        }
        self.wait_until(|control| control.failure.is_some() || control.reset || !full());
        !full()
    }

    /// Empties the index at once and has the writer do the same on disk.
    pub(super) fn reset(&self) {
        let generation = {
            let mut content = self.write();
            content.begin_anew();
            content.generation
        };
        self.tell(|control| {
            control.reset = true;
            control.anew = true;
            control.reached = false;
            control.waiting_since = None;
            control.hurry = false;
        });
        self.generation.send_replace(generation);
    }

    pub(super) fn close(&self) {
        self.backlog.close();
        self.tell(|control| control.close = true);
    }

    pub(super) fn generation(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }
}

pub(super) fn start(
    shared: &Arc<Shared>,
    dir: &Path,
    vectors: &Path,
    log: LogId,
) -> std::io::Result<JoinHandle<()>> {
    let mut writer = Writer {
        shared: Arc::clone(shared),
        dir: dir.to_owned(),
        vectors: vectors.to_owned(),
        log,
        disk: None,
        checker: None,
        backlog: None,
        retry: RETRY_FIRST,
    };
    std::thread::Builder::new().name("lexical".to_owned()).spawn(move || writer.run())
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    dir: PathBuf,
    vectors: PathBuf,
    log: LogId,
    disk: Option<Disk>,
    checker: Option<JoinHandle<()>>,
    backlog: Option<JoinHandle<()>>,
    retry: Duration,
}

/// What there is to do.
enum Task {
    Commit,
    Reset,
    Do(Job),
    Close,
}

impl Writer {
    fn run(&mut self) {
        stand_back();
        self.guarded(Writer::open);
        self.shared.tell(|control| control.opened = true);
        self.open_meaning();
        loop {
            match self.next() {
                Task::Commit => self.guarded(Writer::commit),
                Task::Reset => self.guarded(Writer::begin_anew),
                Task::Do(job) => self.guarded(job),
                Task::Close => break,
            }
        }
        // Nobody waits for what is not done any more.
        self.shared.control().jobs.clear();
        self.guarded(Writer::commit);
        self.disk = None;
        for thread in [self.checker.take(), self.backlog.take()].into_iter().flatten() {
            drop(thread.join());
        }
    }

    /// Sleeps until there is something to do.
    fn next(&self) -> Task {
        let mut control = self.shared.control();
        loop {
            if control.close {
                return Task::Close;
            }
            if control.reset {
                return Task::Reset;
            }
            if let Some(job) = control.jobs.pop_front() {
                return Task::Do(job);
            }
            let wait = match (&control.failure, control.waiting_since) {
                (Some(_), _) => Some(self.retry),
                (None, None) => None,
                (None, Some(since)) => Some(COMMIT_AFTER.saturating_sub(since.elapsed())),
            };
            let Some(wait) = wait else {
                control = self.shared.changed.wait(control).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if control.failure.is_none() && (control.hurry || wait.is_zero()) {
                return Task::Commit;
            }
            let (woken, timeout) =
                self.shared.changed.wait_timeout(control, wait).unwrap_or_else(PoisonError::into_inner);
            control = woken;
            if timeout.timed_out() && control.failure.is_some() {
                return Task::Commit;
            }
        }
    }

    /// Does one thing; a fault is kept for the state, damage and panics begin the index anew.
    fn guarded(&mut self, job: impl FnOnce(&mut Writer) -> Result<(), IndexError>) {
        let done = catch_unwind(AssertUnwindSafe(|| job(self)));
        let (reason, damaged) = match done {
            Ok(Ok(())) => {
                self.retry = RETRY_FIRST;
                let mut recovered = false;
                self.shared.tell(|control| recovered = control.failure.take().is_some());
                if recovered {
                    // Whoever feeds it stopped when it failed.
                    self.shared.generation.send_modify(|_| {});
                }
                return;
            }
            Ok(Err(error)) => (error.to_string(), is_damage(&error)),
            Err(panic) => (format!("panicked: {}", panic_words(&*panic)), true),
        };
        tracing::warn!(reason, damaged, "the lexical index failed");
        self.retry = (self.retry * 2).min(RETRY_LAST);
        // What a broken writer still does when it is dropped must not end this thread.
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            if let Some(disk) = &mut self.disk {
                disk.drop_writer();
            }
        }));
        if damaged || dropped.is_err() {
            self.shared.reset();
        }
        self.shared.tell(|control| control.failure = Some(reason));
    }

    fn open(&mut self) -> Result<(), IndexError> {
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let (disk, sequence) = Disk::open(&self.dir, self.log)?;
            let shards = disk.shards(&[])?;
            Ok::<_, IndexError>((disk, sequence, shards))
        }));
        match opened {
            Ok(Ok((disk, sequence, shards))) => {
                self.shared.write().committed(shards, sequence)?;
                self.check(&disk);
                self.disk = Some(disk);
                Ok(())
            }
            failed => {
                if let Ok(Err(error)) = failed {
                    tracing::info!(%error, "the lexical index is built anew");
                }
                self.begin_anew()
            }
        }
    }

    /// Opens the vectors; without them a search is lexical, and says so.
    fn open_meaning(&mut self) {
        let opened = catch_unwind(AssertUnwindSafe(|| Meaning::open(&self.vectors)));
        let failed = match opened {
            Ok(Ok(meaning)) => {
                let meaning = self.shared.meaning.get_or_init(|| meaning);
                self.shared.look_for_vectors();
                match backlog::start(&self.shared, meaning.clone()) {
                    Ok(thread) => {
                        self.backlog = Some(thread);
                        return;
                    }
                    Err(error) => format!("no thread for the vectors: {error}"),
                }
            }
            Ok(Err(error)) => format!("opening the vectors: {error}"),
            Err(panic) => format!("opening the vectors: {}", panic_words(&*panic)),
        };
        tracing::warn!(failed, "searches are lexical only");
        self.shared.tell(|control| control.no_meaning = Some(failed));
        self.shared.backlog_moved();
    }

    /// Holds every file against its checksum on a thread of its own; damage begins the index anew.
    fn check(&mut self, disk: &Disk) {
        let check = disk.checker();
        let shared = Arc::clone(&self.shared);
        self.shared.tell(|control| control.unchecked = true);
        let checking = std::thread::Builder::new().name("lexical-check".to_owned()).spawn(move || {
            let generation = shared.read().generation;
            let damaged = catch_unwind(AssertUnwindSafe(check)).map_or(1, |files| files.unwrap_or(1));
            if damaged > 0 && shared.read().generation == generation {
                tracing::warn!(files = damaged, "the lexical index is damaged");
                shared.reset();
            }
            shared.tell(|control| control.unchecked = false);
        });
        match checking {
            Ok(thread) => self.checker = Some(thread),
            Err(error) => {
                tracing::warn!(%error, "the lexical index is not checked");
                self.shared.tell(|control| control.unchecked = false);
            }
        }
    }

    fn begin_anew(&mut self) -> Result<(), IndexError> {
        self.disk = None;
        self.shared.tell(|control| {
            control.reset = false;
            control.anew = true;
        });
        self.disk = Some(Disk::begin_anew(&self.dir, self.log)?);
        Ok(())
    }

    pub(super) fn disk(&mut self) -> Result<&mut Disk, IndexError> {
        if self.disk.is_none() {
            self.begin_anew()?;
        }
        self.disk.as_mut().ok_or(IndexError::Torn("no writer"))
    }

    /// Commits what was applied up to `to` at least, and shows searches the segments as they are now.
    pub(super) fn refresh(&mut self, generation: u64, to: Sequence) -> Result<(), IndexError> {
        loop {
            self.commit()?;
            let content = self.shared.read();
            let (durable, same) = (content.durable, content.generation == generation);
            drop(content);
            if !same || durable >= to {
                return self.publish(generation, durable);
            }
        }
    }

    fn reset_vectors(&self) -> std::io::Result<()> {
        // As below.
        let content = self.shared.write();
        if let Some(meaning) = self.shared.meaning() {
            meaning.reset()?;
            content.seats().iter().for_each(|seat| seat.shard.table().lose_vectors());
        }
        Ok(())
    }

    /// Vectors lie elsewhere from now on; `false` where the index was begun anew.
    pub(super) fn move_vectors(&mut self, generation: u64, places: &Places) -> bool {
        // Under the lock nobody searches, and this thread is the one that opens shards.
        let content = self.shared.write();
        let same = content.generation == generation;
        if let Some(meaning) = self.shared.meaning().filter(|_| same) {
            meaning.adopt(places);
            content.seats().iter().for_each(|seat| seat.shard.table().follow(places));
            drop(content);
            meaning.published();
        }
        same
    }

    fn commit(&mut self) -> Result<(), IndexError> {
        {
            let mut control = self.shared.control();
            control.waiting_since = None;
            control.hurry = false;
        }
        self.disk()?;
        let sealed = {
            let mut content = self.shared.write();
            if content.applied == content.durable && !content.is_sealed() {
                return Ok(());
            }
            content.seal()
        };
        self.shared.changed.notify_all();
        self.disk()?.write(&sealed.shard, &sealed.dead, sealed.sequence)?;
        self.publish(sealed.generation, sealed.sequence)?;
        self.shared.fed();
        self.shared.changed.notify_all();
        Ok(())
    }

    /// Shows searches the segments of the last commit, which was up to `sequence`.
    fn publish(&mut self, generation: u64, sequence: Sequence) -> Result<(), IndexError> {
        let known = self.shared.read().shards();
        let shards = self.disk()?.shards(&known)?;
        if let Some(meaning) = self.shared.meaning() {
            shards.iter().for_each(|shard| shard.table().look_for(meaning));
        }
        let mut content = self.shared.write();
        // Begun anew meanwhile: what was written goes with the directory.
        if content.generation == generation {
            content.committed(shards, sequence)?;
        }
        Ok(())
    }
}

/// Whether building anew helps; a full disk is only waited for.
fn is_damage(error: &IndexError) -> bool {
    !matches!(
        error,
        IndexError::File(_)
            | IndexError::Tantivy(
                tantivy::TantivyError::IoError(_)
                    | tantivy::TantivyError::OpenDirectoryError(_)
                    | tantivy::TantivyError::OpenWriteError(_)
                    | tantivy::TantivyError::LockFailure(..)
            )
    )
}
