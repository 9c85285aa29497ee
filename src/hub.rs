//! The hub: composes store, search and events behind the door.
//!
//! It decides what a request means (which commit, which preconditions, which event tells it) and waits for the
//! views that an answer needs; the rooms above do the work and know nothing of each other. The lexical index is
//! fed from the log here, so that search never reads the store.

mod boundary;
mod cleaner;
mod decisions;
mod feed;
mod health;
mod jobs;
mod keys;
mod memories;
mod publish;
mod sampling;
mod search;
mod told;

#[cfg(test)]
mod tests;

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, stream::BoxStream};
use tokio::sync::watch;

use crate::{
    door::{
        CacheStatus, Caller, Disk, Door, EventPage, EventQuery, EventStats, ExportLine, Forgetting,
        Forgotten, FsckReport, ListRequest, Listener, MemoryPage, MemoryPatch, NewMemory, Publish, Published,
        Refusal, Revision, Saved, SearchAnswer, SearchRequest, Status, StreamItem, StreamRequest,
        SuggestAnswer, SuggestRequest, Upsert, UpsertDone, ViewName, ViewState, ViewStatus, Writes,
    },
    events::{self, Follow},
    model::{Fault, Id, Memory, Sequence, Time},
    search::Lexical,
    store::{Retention, Store, StoreOptions, StoreState},
    tasks::{Clock, Crew, Tasks, blocking},
};

pub use self::{boundary::Boundary, cleaner::COPIED, jobs::JobOptions, sampling::OneIn};

/// How long a request waits for a view that is opening before it says so instead.
const READY_PATIENCE: Duration = Duration::from_secs(4);
/// How long `fsck` waits for a view that is being made anew.
const FSCK_PATIENCE: Duration = Duration::from_secs(120);
/// How long [`Hub::close`] waits for its tasks.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// Reads at work at once for each core: some of them wait for the disk. Searches do not, but one may be long.
const READERS_PER_CORE: usize = 4;
const SEARCHERS_MIN: usize = 4;
/// Lines of an export that may wait for their reader.
const EXPORT_AHEAD: usize = 64;
/// Events an export reads at a time.
const EXPORT_EVENTS: usize = 512;

/// What a hub is told when it starts.
pub struct HubOptions {
    pub name: String,
    pub clock: Clock,
    /// Where it is served, for its status.
    pub socket: Option<String>,
    /// Where it is served besides.
    pub listeners: Vec<Listener>,
    /// Open event streams of other processes, counted by who serves them.
    pub attached: Arc<AtomicU32>,
    /// Smaller log segments, for tests.
    pub segment_bytes: Option<u64>,
    /// How long events are kept.
    pub retention: Retention,
    /// Of how many searches one is told, when they are many.
    pub sampling: OneIn,
    /// Whether to tell its start and stop as events: a console does, a verb's one command does not.
    pub announce: bool,
    pub jobs: JobOptions,
}

/// How a hub ends.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ending {
    /// How long runs of jobs may go on until they are cancelled.
    pub finish: Duration,
    /// Another process owns the directory next, for those who are attached.
    pub handed_over: bool,
}

/// A hub over a data directory of which this process is the owner.
pub struct Hub {
    name: String,
    data_dir: PathBuf,
    socket: Option<String>,
    listeners: Vec<Listener>,
    attached: Arc<AtomicU32>,
    announce: bool,
    started_at: Time,
    clock: Clock,
    store: Store,
    lexical: Arc<Lexical>,
    answers: search::Answers,
    keyring: keys::Keyring,
    cleaner: cleaner::Cleaner,
    health: health::Checkup,
    sampler: sampling::Sampler,
    /// Two crews, so that who wants one record does not wait behind searches.
    readers: Arc<Crew>,
    searchers: Crew,
    jobs: jobs::Scheduler,
    tasks: Tasks,
    /// Counts changes of the status that are worth telling.
    status_changed: watch::Sender<u64>,
}

impl Hub {
    /// Recovers the log and returns; the views open behind it. Must be called on a runtime.
    pub fn start(data_dir: &Path, options: HubOptions) -> Result<Arc<Hub>, Fault> {
        let mut store_options = StoreOptions::new(options.clock.clone());
        if let Some(bytes) = options.segment_bytes {
            store_options.segment_bytes = bytes;
        }
        let store = Store::open(data_dir, store_options).map_err(Fault::from)?;
        let lexical = Arc::new(Lexical::open(
            &data_dir.join("lexical"),
            &data_dir.join("vectors"),
            store.cursor(Sequence::ZERO).log,
        ));
        // Before it is open: an empty index of a full log is one that is being made, not one that is ready.
        lexical.set_head(*store.head().borrow());
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let hub = Arc::new(Hub {
            jobs: jobs::Scheduler::new(options.jobs, &options.clock),
            name: options.name,
            data_dir: data_dir.to_owned(),
            socket: options.socket,
            listeners: options.listeners,
            attached: options.attached,
            announce: options.announce,
            started_at: options.clock.now(),
            clock: options.clock,
            store,
            lexical,
            answers: search::Answers::default(),
            keyring: keys::Keyring::default(),
            cleaner: cleaner::Cleaner::new(options.retention),
            health: health::Checkup::default(),
            sampler: sampling::Sampler::new(options.sampling),
            readers: Arc::new(Crew::new("reader", READERS_PER_CORE * cores)?),
            searchers: Crew::new("searcher", cores.max(SEARCHERS_MIN))?,
            tasks: Tasks::new(),
            status_changed: watch::Sender::new(0),
        });
        health::start(&hub);
        feed::start(&hub);
        told::start(&hub);
        cleaner::start(&hub);
        jobs::start(&hub);
        Ok(hub)
    }

    /// Ends at once.
    pub async fn close(&self) {
        self.end(Ending::default()).await;
    }

    /// Ends jobs and streams, tells it, and closes the views and the log.
    pub async fn end(&self, ending: Ending) {
        jobs::stop(self, ending.finish).await;
        told::stop(self, ending.handed_over).await;
        if !self.tasks.end(CLOSE_PATIENCE).await {
            tracing::warn!("a task of the hub was still running when it closed");
        }
        let (store, lexical) = (self.store.clone(), self.lexical.clone());
        let closed = blocking(move || {
            lexical.close();
            store.close();
            Ok(())
        });
        if let Err(fault) = closed.await {
            self.failed("closing the store", &fault);
        }
    }

    /// Runs a read of the record view beside the runtime, once the view is there.
    async fn read<T, F>(&self, work: F) -> Result<T, Fault>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, Fault> + Send + 'static,
    {
        self.records_ready().await?;
        let store = self.store.clone();
        self.readers.run(move || work(&store)).await
    }

    /// Waits for the record view, not longer than a person would.
    async fn records_ready(&self) -> Result<(), Fault> {
        let mut state = self.store.state();
        let ready = state.wait_for(|state| {
            matches!(
                state.records,
                ViewState::Ready | ViewState::Failed { .. } | ViewState::Rebuilding { .. }
            )
        });
        // What is there of a rebuilding view is served; the store says `unavailable` for what is not.
        if tokio::time::timeout(READY_PATIENCE, ready).await.is_ok_and(|found| found.is_ok()) {
            return Ok(());
        }
        let words = self.store.state().borrow().records.words();
        Err(Fault::unavailable(format!("the records are {words}"))
            .hint("`wheelhouse status` shows the progress"))
    }

    fn status_now(&self) -> Status {
        let state = self.store.state().borrow().clone();
        let head = *self.store.head().borrow();
        // So that it is measured by what was acknowledged, not by what it was last fed.
        self.lexical.set_head(head);
        Status {
            hub: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            data_dir: self.data_dir.display().to_string(),
            socket: self.socket.clone(),
            listeners: self.listeners.clone(),
            started_at: self.started_at,
            time: self.clock.now(),
            head: self.store.cursor(head),
            writes: writes(&state),
            views: vec![
                ViewStatus { name: ViewName::Records, state: state.records },
                ViewStatus { name: ViewName::Lexical, state: self.lexical.state() },
                ViewStatus { name: ViewName::Vectors, state: self.lexical.vectors() },
            ],
            memories: state.memories,
            forgotten: state.forgotten,
            decisions: state.decisions,
            cleaning: self.cleaner.now(),
            attached: self.attached.load(Ordering::Relaxed),
            caches: self.caches(),
            disk: disk(&self.data_dir),
        }
    }

    fn caches(&self) -> Vec<CacheStatus> {
        self.lexical.cache().into_iter().chain([self.answers.status()]).collect()
    }

    /// Tells everyone who watches that the status is another one.
    fn status_has_changed(&self) {
        self.status_changed.send_modify(|changes| *changes += 1);
    }

    fn status_source(self: &Arc<Hub>) -> Arc<dyn Fn() -> Status + Send + Sync> {
        let hub = self.clone();
        Arc::new(move || hub.status_now())
    }
}

/// Whether writes are taken: what the disk does now, else what the last write found, else whether room is held back.
fn writes(state: &StoreState) -> Writes {
    match (state.stalled, &state.writes, &state.held) {
        (Some(since), ..) => Writes::Stalled { since },
        (None, Writes::Open, Some(fault)) => {
            Writes::Refused { why: Refusal::NearlyFull, fault: fault.clone() }
        }
        (None, writes, _) => writes.clone(),
    }
}

/// Room on the disk that holds the data, and what the data takes of it.
fn disk(data_dir: &Path) -> Option<Disk> {
    let room = rustix::fs::statvfs(data_dir).ok()?;
    let data_bytes = ["log", "sidecars", "snapshots", "records", "lexical", "vectors"]
        .iter()
        .map(|part| bytes_in(&data_dir.join(part)))
        .sum();
    Some(Disk {
        free_bytes: room.f_bavail * room.f_frsize,
        total_bytes: room.f_blocks * room.f_frsize,
        data_bytes,
    })
}

fn bytes_in(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => bytes_in(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

/// The door of a hub in this process. Faces get it inside of its [`Boundary`].
pub struct HubDoor(pub Arc<Hub>);

#[async_trait]
impl Door for HubDoor {
    async fn add(&self, caller: &Caller, new: NewMemory) -> Result<Saved, Fault> {
        memories::add(&self.0, caller, new).await
    }

    async fn edit(
        &self,
        caller: &Caller,
        id: Id,
        patch: MemoryPatch,
        revision: Option<u32>,
    ) -> Result<Saved, Fault> {
        memories::edit(&self.0, caller, id, patch, revision).await
    }

    async fn supersede(&self, caller: &Caller, id: Id, new: NewMemory) -> Result<Saved, Fault> {
        memories::supersede(&self.0, caller, id, new).await
    }

    async fn forget(&self, caller: &Caller, id: Id, how: Forgetting) -> Result<Forgotten, Fault> {
        memories::forget(&self.0, caller, id, how).await
    }

    async fn restore(&self, caller: &Caller, id: Id) -> Result<Saved, Fault> {
        memories::restore(&self.0, caller, id).await
    }

    async fn upsert(&self, caller: &Caller, batch: Upsert) -> Result<UpsertDone, Fault> {
        memories::upsert(&self.0, caller, batch).await
    }

    async fn get(&self, caller: &Caller, ids: &[Id]) -> Result<Vec<Memory>, Fault> {
        memories::get(&self.0, caller, ids.to_vec()).await
    }

    async fn history(&self, caller: &Caller, id: Id) -> Result<Vec<Revision>, Fault> {
        memories::history(&self.0, caller, id).await
    }

    async fn list(&self, caller: &Caller, list: ListRequest) -> Result<MemoryPage, Fault> {
        let wall = caller.projects.clone();
        self.0.read(move |store| store.list(&list, &wall)).await
    }

    async fn search(&self, caller: &Caller, request: SearchRequest) -> Result<SearchAnswer, Fault> {
        search::search(&self.0, caller, request).await
    }

    async fn suggest(&self, caller: &Caller, request: SuggestRequest) -> Result<SuggestAnswer, Fault> {
        search::suggest(&self.0, caller, request).await
    }

    async fn opened(&self, caller: &Caller, id: Id, query: &str) -> Result<(), Fault> {
        search::opened(&self.0, caller, id, query).await
    }

    async fn publish(&self, caller: &Caller, publish: Publish) -> Result<Published, Fault> {
        publish::publish(&self.0, caller, publish).await
    }

    async fn events(&self, caller: &Caller, query: EventQuery) -> Result<EventPage, Fault> {
        let (store, wall) = (self.0.store.clone(), caller.projects.clone());
        blocking(move || events::page(&store, &wall, &query)).await
    }

    async fn event_stats(&self, caller: &Caller, query: EventQuery) -> Result<EventStats, Fault> {
        let (store, wall) = (self.0.store.clone(), caller.projects.clone());
        blocking(move || events::stats(&store, &wall, &query)).await
    }

    async fn stream(
        &self,
        caller: &Caller,
        request: StreamRequest,
    ) -> Result<BoxStream<'static, Result<StreamItem, Fault>>, Fault> {
        let hub = &self.0;
        let follow = Follow {
            store: hub.store.clone(),
            readers: hub.readers.clone(),
            wall: caller.projects.clone(),
            status: hub.status_source(),
            status_changed: hub.status_changed.subscribe(),
            token: hub.tasks.token(),
        };
        let watching = hub.clone();
        let stream = events::follow(follow, request)?;
        let failed = move |fault: &Fault| watching.failed("following the events", fault);
        Ok(stream.inspect(move |item| item.as_ref().err().into_iter().for_each(&failed)).boxed())
    }

    async fn status(&self) -> Result<Status, Fault> {
        let hub = self.0.clone();
        blocking(move || Ok(hub.status_now())).await
    }

    async fn reindex(&self, _caller: &Caller, view: ViewName) -> Result<(), Fault> {
        match view {
            ViewName::Records => {
                self.0.records_ready().await?;
                let store = self.0.store.clone();
                blocking(move || store.rebuild_records()).await?;
            }
            ViewName::Lexical => feed::reset(&self.0).await?,
            ViewName::Vectors => {
                let lexical = self.0.lexical.clone();
                blocking(move || lexical.reset_vectors()).await?;
                self.0.status_has_changed();
            }
        }
        self.0.status_has_changed();
        Ok(())
    }

    async fn fsck(&self, _caller: &Caller) -> Result<FsckReport, Fault> {
        // Damage found at the start is often why the view is being made anew: what it is compared with comes first.
        let mut state = self.0.store.state();
        let settled =
            state.wait_for(|state| matches!(state.records, ViewState::Ready | ViewState::Failed { .. }));
        if tokio::time::timeout(FSCK_PATIENCE, settled).await.is_err() {
            tracing::debug!("fsck looks at the log alone: the record view is still being made");
        }
        let store = self.0.store.clone();
        blocking(move || store.fsck()).await
    }

    async fn export(&self, caller: &Caller) -> Result<BoxStream<'static, Result<ExportLine, Fault>>, Fault> {
        self.0.records_ready().await?;
        let (sender, receiver) = futures::channel::mpsc::channel(EXPORT_AHEAD);
        let (store, wall) = (self.0.store.clone(), caller.projects.clone());
        let hub = self.0.clone();
        self.0.tasks.spawn(async move {
            let written = blocking(move || {
                export(&store, &wall, sender);
                Ok(())
            });
            if let Err(fault) = written.await {
                hub.failed("exporting", &fault);
            }
        });
        let hub = self.0.clone();
        Ok(receiver
            .inspect(move |line| {
                line.as_ref().err().into_iter().for_each(|fault| hub.failed("exporting", fault))
            })
            .boxed())
    }
}

type ExportSender = futures::channel::mpsc::Sender<Result<ExportLine, Fault>>;

/// Every record, then every event. Stops when the reader goes away.
fn export(store: &Store, wall: &crate::model::Projects, mut sender: ExportSender) {
    let mut send = |line| futures::executor::block_on(futures::SinkExt::send(&mut sender, line)).is_ok();
    let mut reading = true;
    let scanned = store.scan(&mut |stored| {
        if wall.see(&stored.memory.project) {
            let line =
                ExportLine::Memory { memory: Box::new(stored.memory.clone()), forgotten: stored.hidden };
            reading = send(Ok(line));
        }
        reading
    });
    let scanned = scanned.and_then(|()| match reading {
        true => store.decisions(None, &mut |_, decision| {
            if wall.see(&decision.project) {
                reading = send(Ok(ExportLine::Decision { decision: Box::new(decision) }));
            }
            reading
        }),
        false => Ok(()),
    });
    if let Err(fault) = scanned {
        send(Err(fault));
        return;
    }
    let mut after = Sequence::ZERO;
    while reading {
        let entries = match store.read_log(after, EXPORT_EVENTS) {
            Ok(entries) => entries,
            Err(fault) => {
                send(Err(fault));
                return;
            }
        };
        let Some(last) = entries.last() else { return };
        after = last.last();
        for event in entries.iter().flat_map(|entry| &entry.events) {
            if reading && wall.see_name(event.subject.project()) {
                reading = send(Ok(ExportLine::Event { event: event.clone() }));
            }
        }
    }
}
