//! Cleaning: by the hour, as a job, what is no longer kept and what was forgotten a day ago, at once what is to be erased at once.
//!
//! What is to be erased stands in the log before anything is touched; a run that was cut off is done again at the next
//! start. The store does its files, the search index its own; only then is it told as done.

use std::{
    collections::BTreeSet,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::sync::Notify;

use super::{
    Hub,
    told::{hub_caller, hub_event, object},
};
use crate::{
    door::{Caller, Cleaning, ViewState},
    model::{Change, Commit, EventDraft, Fault, Id, Lane, Memory, Precondition, Sequence},
    store::{Cleaned, CleanedPart, Overseer, Retention},
    tasks::blocking,
};

/// After a start, when other things have settled.
const FIRST: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_secs(3_600);
/// After a run that failed with something left to erase.
const AGAIN: Duration = Duration::from_secs(60);
/// What `rm` hid can be brought back for so long.
pub const ERASED_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// Where the console keeps the text that was copied last.
pub const COPIED: &str = "clipboard";
/// Memories whose day has come, in one run.
const DUE_MAX: usize = 10_000;
/// How long the index may take to hear of what is erased, and how often it is looked at.
const INDEX_PATIENCE: Duration = Duration::from_secs(600);
const INDEX_LOOK: Duration = Duration::from_millis(20);

/// What runs and what is wished for.
#[derive(Default)]
struct State {
    /// Memories that were told to go since the last run began.
    wished: u64,
    running: Option<Cleaning>,
    failed: Option<Fault>,
}

pub struct Cleaner {
    retention: Retention,
    state: Mutex<State>,
    wished: Notify,
    /// One run at a time.
    one: tokio::sync::Mutex<()>,
}

impl Cleaner {
    pub fn new(retention: Retention) -> Cleaner {
        Cleaner {
            retention,
            state: Mutex::default(),
            wished: Notify::new(),
            one: tokio::sync::Mutex::new(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the hub's status: from the wish until nothing is left, or until it is known why something is.
    pub fn now(&self) -> Option<Cleaning> {
        let state = self.state();
        let wished = (state.wished > 0).then(|| Cleaning { memories: state.wished, percent: 0, fault: None });
        let failed =
            state.failed.clone().map(|fault| Cleaning { memories: 0, percent: 0, fault: Some(fault) });
        state.running.clone().or(wished).or(failed)
    }

    /// Has what was told to go erased at once.
    pub fn wish(&self) {
        let mut state = self.state();
        state.wished += 1;
        state.failed = None;
        drop(state);
        self.wished.notify_one();
    }
}

/// Starts the task; it ends with the hub.
pub fn start(hub: &Arc<Hub>) {
    let cleaned = hub.clone();
    let token = hub.tasks.token();
    hub.tasks.spawn(async move {
        tokio::select! {
            () = token.cancelled() => {}
            () = run(&cleaned) => {}
        }
    });
}

async fn run(hub: &Arc<Hub>) {
    // A hub that stays has it done as a job; the others would end before.
    let by_itself = |pause| (!hub.announce).then_some(pause);
    // What an earlier process did not get to is done first.
    let left = hub.read(|store| store.erasing()).await.is_ok_and(|left| !left.is_empty());
    let mut pause = if left { Some(Duration::ZERO) } else { by_itself(FIRST) };
    loop {
        let wished = tokio::select! {
            () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => false,
            () = hub.cleaner.wished.notified() => true,
        };
        if !wished && pause != Some(Duration::ZERO) && must_wait(hub) {
            pause = Some(FIRST);
            continue;
        }
        pause = match clean(hub).await {
            Ok(_) => by_itself(EVERY),
            Err(fault) => {
                hub.failed("cleaning", &fault);
                let left = hub.read(|store| store.erasing()).await.is_ok_and(|left| !left.is_empty());
                hub.cleaner.state().failed = left.then_some(fault);
                if left { Some(AGAIN) } else { by_itself(EVERY) }
            }
        };
    }
}

/// Whether the index is being made: both go through the whole log and take room for it, so one comes after the other,
/// unless somebody waits.
pub fn must_wait(hub: &Hub) -> bool {
    matches!(hub.lexical.state(), ViewState::Rebuilding { .. })
}

/// One run; what it did, where it did anything.
pub async fn clean(hub: &Arc<Hub>) -> Result<Option<Cleaned>, Fault> {
    let _one = hub.cleaner.one.lock().await;
    let done = once(hub).await;
    hub.cleaner.state().running = None;
    hub.status_has_changed();
    done
}

async fn once(hub: &Arc<Hub>) -> Result<Option<Cleaned>, Fault> {
    let began = Instant::now();
    let wished = std::mem::take(&mut hub.cleaner.state().wished);
    show(hub, wished, 0);
    let due = hub.clock.now().minus(ERASED_AFTER);
    for id in hub.read(move |store| store.hidden_until(due, DUE_MAX)).await? {
        let stored = hub.read(move |store| store.get(id)).await?;
        let Some(stored) = stored.filter(|stored| stored.hidden) else { continue };
        match erase(hub, &hub_caller(hub), &stored.memory).await {
            // Brought back, or changed, a moment ago.
            Err(fault) if fault.code == crate::model::Code::Conflict => {}
            done => drop(done?),
        }
    }
    let erasing: BTreeSet<Id> = hub.read(|store| store.erasing()).await?.into_iter().collect();
    let memories = erasing.len() as u64;
    let cleaned = clean_store(hub, memories).await?;
    if !cleaned.erased.is_empty() {
        clean_index(hub, memories).await?;
        let (dir, erased) = (hub.data_dir.join("drafts"), cleaned.erased.clone());
        blocking(move || erase_drafts(&dir, &erased)).await?;
        // What was copied last may be what goes.
        let copied = hub.data_dir.join(COPIED);
        blocking(move || remove_if_there(&copied)).await?;
    }
    let is_told = tell(hub, &cleaned, began.elapsed()).await?;
    Ok(is_told.then_some(cleaned))
}

/// Takes a memory out of everything that answers, hidden or not; its files are cleaned by the next run.
pub async fn erase(hub: &Hub, caller: &Caller, memory: &Memory) -> Result<bool, Fault> {
    let mut event = super::told::memory_event(hub, caller, memory, "memory.erased");
    event.data.retain(|field, _| field == "id");
    let committed = hub
        .store
        .commit(Commit {
            events: vec![event],
            preconditions: vec![Precondition::Revision { id: memory.id, revision: memory.revision }],
            changes: vec![Change::Erase { id: memory.id }],
            ..Commit::default()
        })
        .await?;
    Ok(committed.applied)
}

async fn clean_store(hub: &Arc<Hub>, memories: u64) -> Result<Cleaned, Fault> {
    let (working, token) = (hub.clone(), hub.tasks.token());
    let runtime = tokio::runtime::Handle::current();
    blocking(move || {
        let hub = working;
        let say_again = |changes: Vec<Change>| {
            let data = json!({ "said_again": changes.len() });
            let events = vec![hub_event(&hub, hub.clock.id(), "hub.cleaned", object(data))];
            let commit = Commit { changes, events, lane: Lane::Bulk, ..Commit::default() };
            runtime.block_on(hub.store.commit(commit)).map(drop)
        };
        let progress = |part: CleanedPart, done: u64, of: u64| {
            let share = (done * 100).checked_div(of).unwrap_or(100).min(100);
            show(
                &hub,
                memories,
                match (memories, part) {
                    (0, CleanedPart::Log) => share,
                    (0, CleanedPart::Records) => 99,
                    (_, CleanedPart::Log) => share * 40 / 100,
                    (_, CleanedPart::Records) => 40 + share * 40 / 100,
                },
            );
        };
        let overseer =
            Overseer { say_again: &say_again, progress: &progress, stop: &|| token.is_cancelled() };
        hub.store.clean(&hub.cleaner.retention, &overseer)
    })
    .await
}

/// The index, when it has heard of what is erased.
async fn clean_index(hub: &Arc<Hub>, memories: u64) -> Result<(), Fault> {
    let head: Sequence = *hub.store.head().borrow();
    let deadline = Instant::now() + INDEX_PATIENCE;
    while hub.lexical.applied() < head {
        if matches!(hub.lexical.state(), ViewState::Failed { .. }) || Instant::now() > deadline {
            let words = hub.lexical.state().words();
            return Err(Fault::unavailable(format!("the index still holds it: it is {words}"))
                .hint("`wheelhouse reindex lexical` builds it anew"));
        }
        tokio::time::sleep(INDEX_LOOK).await;
    }
    let (working, token) = (hub.clone(), hub.tasks.token());
    blocking(move || {
        let mut progress = |done: u64, of: u64| {
            let share = (done * 100).checked_div(of).unwrap_or(100).min(100);
            show(&working, memories, 80 + share * 20 / 100);
        };
        working.lexical.erase(head, &|| token.is_cancelled(), &mut progress)
    })
    .await
}

/// What was begun of another revision of it and never saved begins with what it said.
fn remove_if_there(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::unavailable(format!("{} could not be removed", path.display())).cause(error))
        }
        _ => Ok(()),
    }
}

fn erase_drafts(dir: &Path, erased: &BTreeSet<Id>) -> Result<(), Fault> {
    let failed =
        |error: io::Error| Fault::unavailable("a draft of what is erased could not be removed").cause(error);
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if erased.iter().any(|id| name.contains(&id.to_string())) {
            fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

fn show(hub: &Hub, memories: u64, percent: u64) {
    let now = Some(Cleaning { memories, percent: percent as u8, fault: None });
    let mut state = hub.cleaner.state();
    if state.running != now {
        state.running = now;
        drop(state);
        hub.status_has_changed();
    }
}

/// Says what was done, where anything was; with it what is erased is known to be.
async fn tell(hub: &Hub, cleaned: &Cleaned, took: Duration) -> Result<bool, Fault> {
    if cleaned.segments == 0 && cleaned.erased.is_empty() && !cleaned.compacted {
        return Ok(false);
    }
    let [_, ops, telemetry] = cleaned.log.dropped;
    let data = json!({
        "segments": cleaned.segments,
        "bytes_before": cleaned.log.bytes_before,
        "bytes_after": cleaned.log.bytes_after,
        "ops": ops,
        "telemetry": telemetry,
        "erased": cleaned.erased.len(),
        "records_compacted": cleaned.compacted,
        "took_ms": took.as_millis() as u64,
    });
    let event: EventDraft = hub_event(hub, hub.clock.id(), "hub.cleaned", object(data));
    let changes = cleaned.erased.iter().map(|id| Change::Erased { id: *id }).collect();
    let commit = Commit { changes, events: vec![event], lane: Lane::Bulk, ..Commit::default() };
    hub.store.commit(commit).await.map(|_| true)
}
