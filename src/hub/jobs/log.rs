//! What runs say: the newest lines in memory while they run, and all of it in batches in the log, so that it can be read
//! after them, and after the hub.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::record::job_event;
use crate::{
    door::{LOG_PAGE, LOG_PAGE_MAX, LogLine, LogStream, Order, RunLog},
    hub::{Hub, told::object},
    jobs::{LINE_BYTES_MAX, LOG_BYTES_MAX, Lines},
    model::{
        Commit, EventFilter, Fault, Id, Lane, Projects, Sequence, Time,
        job::{Job, Progress, Run},
    },
    store::{Scan, Store},
    tasks::blocking,
};

/// Between two batches of one run: at most four a second.
const BATCH_EVERY: Duration = Duration::from_millis(250);
const BATCH_LINES: usize = 500;
const BATCH_BYTES: usize = 64 << 10;
/// How long the end of a run waits for the last of its log.
const WRITE_PATIENCE: Duration = Duration::from_secs(3);
/// Events read at a time.
const SCAN_EVENTS: usize = 256;
/// The clock on the wall may have been put back since the run was made, by a wrong zone and a bit.
pub const BACK_MAX: Duration = Duration::from_secs(26 * 3_600);

// A line fits into a batch.
const _: () = assert!(LINE_BYTES_MAX <= BATCH_BYTES);

/// The logs of runs with an attempt on its way.
#[derive(Default)]
pub struct Logs(Mutex<BTreeMap<Id, Arc<Said>>>);

/// What one run says.
pub struct Said {
    job: Arc<Job>,
    run: Id,
    attempt: u32,
    state: Mutex<State>,
    more: Notify,
}

#[derive(Default)]
struct State {
    lines: Lines,
    progress: Option<Progress>,
    /// The progress has not been written yet.
    untold: bool,
    /// The number of the last line that was.
    written: u64,
    bytes: usize,
}

impl Logs {
    /// For an attempt; lines are counted on from those of the attempts before.
    pub async fn open(&self, hub: &Hub, job: &Arc<Job>, run: &Run) -> Arc<Said> {
        let last = if run.attempt > 1 { last_number(hub, job, run).await } else { 0 };
        let said = Arc::new(Said {
            job: job.clone(),
            run: run.id,
            attempt: run.attempt,
            state: Mutex::new(State {
                lines: Lines::going_on_after(last),
                written: last,
                ..State::default()
            }),
            more: Notify::new(),
        });
        self.all().insert(run.id, said.clone());
        said
    }

    pub fn close(&self, run: Id) {
        self.all().remove(&run);
    }

    /// Tells how far a run says it is.
    pub fn progress(&self, run: Id, progress: Progress) {
        if let Some(said) = self.all().get(&run) {
            let mut state = said.state();
            state.progress = Some(progress);
            state.untold = true;
            said.more.notify_one();
        }
    }

    /// How far a run that is on its way says it is.
    pub fn progress_of(&self, run: Id) -> Option<Progress> {
        self.all().get(&run).and_then(|said| said.state().progress.clone())
    }

    /// Lines of a run that is on its way, where all that are asked for are here.
    pub fn page(&self, run: Id, after: u64, limit: usize) -> Option<RunLog> {
        let all = self.all();
        let page = all.get(&run)?.state().lines.after(after, limit);
        let crate::jobs::Page { lines, cursor, missed } = page;
        (missed == 0).then_some(RunLog { lines, cursor, missed, live: true })
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Id, Arc<Said>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    pub fn say(&self, time: Time, stream: LogStream, text: &str) {
        self.state().lines.push(time, stream, text);
        self.more.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is said until the work is done, and then the rest.
    pub async fn keep(&self, hub: &Hub, working: &CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = working.cancelled() => break,
                () = self.more.notified() => {}
            }
            self.write(hub, false).await;
            tokio::select! {
                () = working.cancelled() => break,
                () = tokio::time::sleep(BATCH_EVERY) => {}
            }
        }
        let rest = async { while self.write(hub, true).await {} };
        if tokio::time::timeout(WRITE_PATIENCE, rest).await.is_err() {
            tracing::warn!(run = %self.run, "the end of a run's log was not written in its time");
        }
    }

    /// One batch; whether there was one.
    async fn write(&self, hub: &Hub, is_end: bool) -> bool {
        let Some(data) = self.batch(is_end) else { return false };
        let event = job_event(hub, &self.job, Some(self.run), "job.progress", data);
        let commit = Commit { events: vec![event], lane: Lane::Bulk, ..Commit::default() };
        if let Err(fault) = hub.store.commit(commit).await {
            tracing::warn!(%fault, cause = ?fault.cause, run = %self.run, "lines of a run were not written");
        }
        true
    }

    /// The lines that are to be written next. Of what goes beyond the bounds of a log, its last lines are.
    fn batch(&self, is_end: bool) -> Option<Map<String, Value>> {
        let mut state = self.state();
        let is_full = state.bytes >= LOG_BYTES_MAX;
        if is_full && is_end {
            state.written = state.written.max(state.lines.last().saturating_sub(BATCH_LINES as u64));
        }
        let mut lines = match is_full && !is_end {
            true => Vec::new(),
            false => state.lines.after(state.written, BATCH_LINES).lines,
        };
        let mut bytes = 0;
        let fitting = lines.iter().take_while(|line| {
            bytes += line.text.len();
            bytes <= BATCH_BYTES
        });
        lines.truncate(fitting.count());
        state.bytes += lines.iter().map(|line| line.text.len()).sum::<usize>();
        state.written = lines.last().map_or(state.written, |line| line.number);
        let progress = state.progress.clone().filter(|_| std::mem::take(&mut state.untold));
        if lines.is_empty() && progress.is_none() {
            return None;
        }
        let mut data = object(json!({ "run": self.run, "attempt": self.attempt }));
        if !lines.is_empty() {
            data.insert("lines".to_owned(), json!(lines));
        }
        if let Some(progress) = progress {
            data.insert("progress".to_owned(), json!(progress));
        }
        Some(data)
    }
}

pub fn limit(asked: usize) -> Result<usize, Fault> {
    match asked {
        0 => Ok(LOG_PAGE),
        n if n <= LOG_PAGE_MAX => Ok(n),
        n => Err(Fault::invalid(format!("limit is {n}, at most {LOG_PAGE_MAX} lines fit in a page"))
            .hint("ask again with the cursor of the page before")),
    }
}

/// Lines of a run as the log has them. A page ends before lines that are missing: the next one says how many.
pub fn stored(store: &Store, job: &Job, run: &Run, after: u64, limit: usize) -> Result<RunLog, Fault> {
    let mut lines: Vec<LogLine> = Vec::new();
    each_line(store, job, run, &mut |line| {
        let follows = lines.last().is_none_or(|last| last.number + 1 == line.number);
        if line.number > after {
            if !follows || lines.len() == limit {
                return false;
            }
            lines.push(line);
        }
        true
    })?;
    let cursor = lines.last().map_or(after, |line| line.number);
    let missed = lines.first().map_or(0, |line| line.number - after - 1);
    Ok(RunLog { lines, cursor, missed, live: run.state.is_live() })
}

async fn last_number(hub: &Hub, job: &Arc<Job>, run: &Run) -> u64 {
    let (store, job, run) = (hub.store.clone(), job.clone(), run.clone());
    let read = blocking(move || {
        let mut last = 0;
        each_line(&store, &job, &run, &mut |line| {
            last = line.number;
            true
        })?;
        Ok(last)
    });
    read.await.unwrap_or_else(|fault| {
        tracing::warn!(%fault, cause = ?fault.cause, "the log of a run's attempts before was not read");
        0
    })
}

fn each_line(
    store: &Store,
    job: &Job,
    run: &Run,
    each: &mut dyn FnMut(LogLine) -> bool,
) -> Result<(), Fault> {
    let pattern = format!("{}.job.progress.{}", job.project, job.slug);
    let pattern =
        pattern.parse().map_err(|error| Fault::bug("a job whose name is no subject").cause(error))?;
    let filter = EventFilter { patterns: vec![pattern], correlation: Some(run.id), ..EventFilter::default() };
    let before = store.head().borrow().next();
    let mut after = Sequence::ZERO;
    loop {
        let scanned = store.scan_log(&Scan {
            filter: &filter,
            wall: &Projects::All,
            recorded_since: Some(run.created_at.minus(BACK_MAX)),
            recorded_until: None,
            after,
            before,
            order: Order::Asc,
            limit: SCAN_EVENTS,
            looked_at_max: usize::MAX,
        })?;
        for mut event in scanned.events {
            let Some(lines) = event.data.remove("lines") else { continue };
            let lines: Vec<LogLine> = serde_json::from_value(lines).unwrap_or_default();
            for line in lines {
                if !each(line) {
                    return Ok(());
                }
            }
        }
        match scanned.next {
            Some(next) => after = next,
            None => return Ok(()),
        }
    }
}
