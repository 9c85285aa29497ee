//! The writer: one thread that turns commits into history. It drains the queue, checks preconditions in order, writes
//! and fsyncs the batch once, applies it to the record view, and acknowledges in order.

use std::{
    collections::{HashMap, HashSet},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    Committed,
    core::{Core, View, sound},
    log::{AppendError, Appender, Batch},
    queue::{Job, Taken},
    records::{Applying, RecordsError, Standing},
    stall::watched,
};
use crate::{
    door::{Refusal, ViewState, Writes},
    model::{
        Change, Code, Commit, Entry, Fault, Id, Precondition, Sequence, Severity, Time, Unique, job::JobState,
    },
};

/// While writes are refused, how often it is tried whether they would work again.
const PROBE_EVERY: Duration = Duration::from_secs(1);

type Reply = oneshot::Sender<Result<Committed, Fault>>;

pub struct Writer {
    pub core: Arc<Core>,
    pub appender: Appender,
    pub recorded_at: Time,
}

impl Writer {
    /// Until the store closes.
    pub fn run(mut self) {
        loop {
            let refused = matches!(self.core.state.borrow().writes, Writes::Refused { .. });
            match self.core.queue.take(refused.then_some(PROBE_EVERY)) {
                Taken::Jobs(jobs) => self.batch(jobs),
                // Who asked may have stopped waiting.
                Taken::Roll(reply) => drop(reply.send(self.appender.close_segment())),
                Taken::Idle => self.probe(),
                Taken::Closed => break,
            }
        }
        if let Err(error) = self.appender.close() {
            tracing::warn!(%error, "the log was not closed with a horizon; the next open reads its end again");
        }
    }

    fn probe(&mut self) {
        let core = self.core.clone();
        let ready = core.state.borrow().records.is_ready() && !core.wedged.load(Ordering::Acquire);
        if ready && watched(&core, || self.appender.probe()).is_ok() {
            core.set_writes(Writes::Open);
        }
    }

    fn batch(&mut self, jobs: Vec<Job>) {
        let core = self.core.clone();
        let standing_still = sound(core.gate.lock());
        let view = match core.complete_view() {
            Ok(view)
                if core.state.borrow().records == ViewState::Ready
                    && !core.wedged.load(Ordering::Acquire) =>
            {
                view
            }
            _ => {
                let fault = core.write_unavailable();
                return jobs.into_iter().for_each(|job| answer(job.reply, Err(fault.clone())));
            }
        };
        let mut checked = Checked::new(&core, &view, self.appender.next(), self.now());
        for job in jobs {
            checked.take(job);
        }
        let Checked { batch, replies, repeats, .. } = checked;
        match watched(&core, || self.appender.append(&batch)) {
            Ok(()) => self.acknowledge(&view, &batch, replies, repeats),
            Err(error) => {
                let fault = append_fault(&error);
                tracing::error!(%fault, cause = ?fault.cause, "a batch was refused");
                core.set_writes(refused(error.of_disk()));
                let all = replies.into_iter().chain(repeats.into_iter().map(|(reply, _)| reply));
                all.for_each(|reply| answer(reply, Err(fault.clone())));
            }
        }
        drop(standing_still);
    }

    /// The clock's moment, never before the last entry's.
    fn now(&self) -> Time {
        self.core.clock.now().max(self.recorded_at)
    }

    fn acknowledge(&mut self, view: &View, batch: &Batch, replies: Vec<Reply>, repeats: Vec<(Reply, usize)>) {
        let applied = self.apply(view, batch);
        if let Some(last) = batch.entries().last() {
            self.recorded_at = last.recorded_at();
            self.core.recorded_at.store(self.recorded_at.unix_ms(), Ordering::Relaxed);
            let events = batch.entries().iter().flat_map(|entry| &entry.events);
            let errors = events.filter(|event| event.severity == Severity::Error).count();
            self.core.errors.fetch_add(errors as u64, Ordering::Relaxed);
            self.core.head.send_replace(last.last());
        }
        let told = |entry: &Arc<Entry>, repeated| Committed {
            first: entry.first(),
            last: entry.last(),
            recorded_at: entry.recorded_at(),
            applied,
            repeated,
            entry: entry.clone(),
        };
        for (reply, entry) in replies.into_iter().zip(batch.entries()) {
            answer(reply, Ok(told(entry, false)));
        }
        for (reply, first) in repeats {
            answer(reply, Ok(told(&batch.entries()[first], true)));
        }
    }

    fn apply(&self, view: &View, batch: &Batch) -> bool {
        if batch.entries().is_empty() {
            return true;
        }
        let mut meta = *sound(view.meta.lock());
        let done =
            catch_unwind(AssertUnwindSafe(|| Applying::apply(&view.records, batch.entries(), &mut meta)));
        match done {
            Ok(Ok(())) => {
                *sound(view.meta.lock()) = meta;
                self.core.set_counts(&meta);
                if !self.core.wedged.load(Ordering::Acquire) {
                    self.core.set_writes(Writes::Open);
                }
                if view.records.is_dirty() {
                    self.core.wish(|wishes| wishes.dirty = true);
                }
                true
            }
            failed => {
                let cause = match failed {
                    Ok(Err(error)) => cause_of(&error),
                    _ => "it panicked".to_owned(),
                };
                tracing::error!(cause, "a batch is on disk but not in the record view; it is opened anew");
                let fault = Fault::unavailable("the record view is behind the log").cause(cause);
                view.complete.store(false, Ordering::Release);
                self.core.set_records(ViewState::Opening);
                self.core.set_writes(Writes::Refused { why: Refusal::RecordsBehind, fault });
                self.core.wish(|wishes| wishes.reopen = true);
                false
            }
        }
    }
}

/// The commits of a batch that may happen, each checked against those before it.
struct Checked<'a> {
    core: &'a Core,
    view: &'a View,
    next: Sequence,
    now: Time,
    /// What the batch so far makes of records; nothing of one that it erases.
    standing: HashMap<Id, Option<Standing>>,
    /// What records of the batch so far have for themselves.
    uniques: HashSet<Unique>,
    /// Revisions of the scheduler's states that the batch so far makes.
    states: HashMap<Id, u64>,
    /// Idempotency keys of the batch so far: which entry used it.
    keys: HashMap<String, usize>,
    batch: Batch,
    /// One for each entry of the batch.
    replies: Vec<Reply>,
    /// Retries of a commit in this batch: answered with it.
    repeats: Vec<(Reply, usize)>,
}

impl<'a> Checked<'a> {
    fn new(core: &'a Core, view: &'a View, next: Sequence, now: Time) -> Checked<'a> {
        Checked {
            core,
            view,
            next,
            now,
            standing: HashMap::new(),
            uniques: HashSet::new(),
            states: HashMap::new(),
            keys: HashMap::new(),
            batch: Batch::default(),
            replies: Vec::new(),
            repeats: Vec::new(),
        }
    }

    fn take(&mut self, job: Job) {
        let Job { commit, reply, .. } = job;
        if let Some(first) = commit.idempotency_key.as_ref().and_then(|key| self.keys.get(key)) {
            self.repeats.push((reply, *first));
            return;
        }
        match self.check(&commit) {
            Ok(Some(first)) => answer(reply, Ok(first)),
            Ok(None) => self.accept(commit, reply),
            Err(fault) => answer(reply, Err(fault)),
        }
    }

    /// The first commit with this one's key, if there was one.
    fn check(&self, commit: &Commit) -> Result<Option<Committed>, Fault> {
        if commit.events.is_empty() {
            return Err(Fault::bug("a commit without an event"));
        }
        if let Some(key) = &commit.idempotency_key
            && let Some(first) =
                self.view.records.idempotent(key, self.now).map_err(|error| self.core.unreadable(error))?
            && let Some(entry) = self.core.log.entry_at(first).map_err(super::log_fault)?
        {
            return Ok(Some(Committed::repeated(entry)));
        }
        for precondition in &commit.preconditions {
            self.hold(precondition)?;
        }
        Ok(None)
    }

    fn standing(&self, id: Id) -> Result<Option<Standing>, Fault> {
        match self.standing.get(&id) {
            Some(standing) => Ok(*standing),
            None => self.view.records.standing(id).map_err(|error| self.core.unreadable(error)),
        }
    }

    fn hold(&self, precondition: &Precondition) -> Result<(), Fault> {
        let absent = |id| Fault::not_found(format!("no record {id}"));
        match *precondition {
            Precondition::Absent { id } => match self.standing(id)? {
                None => Ok(()),
                Some(_) => Err(Fault::conflict(format!("record {id} exists already"))),
            },
            Precondition::Vacant { ref unique } => self.vacant(unique),
            Precondition::Stands { job, revision } => self.stands(job, revision),
            Precondition::Revision { id, revision } => match self.standing(id)?.ok_or_else(|| absent(id))? {
                Standing { revision: now, .. } if now == revision => Ok(()),
                Standing { revision: now, .. } => {
                    Err(Fault::conflict(format!("the record is at revision {now}, not {revision}"))
                        .hint("read it again and apply the change to what it says now"))
                }
            },
            Precondition::Hidden { id, hidden } => match self.standing(id)?.ok_or_else(|| absent(id))? {
                Standing { hidden: now, .. } if now == hidden => Ok(()),
                Standing { hidden: true, .. } => Err(Fault::not_found(format!("memory {id} is forgotten"))
                    .hint(format!("`wheelhouse restore {id}` brings it back"))),
                Standing { hidden: false, .. } => Err(Fault::conflict("the memory is not hidden")),
            },
        }
    }

    fn vacant(&self, unique: &Unique) -> Result<(), Fault> {
        let taken = self.view.records.is_taken(unique).map_err(|error| self.core.unreadable(error))?;
        if taken || self.uniques.contains(unique) {
            return Err(Fault::conflict(format!("{unique} is taken")));
        }
        Ok(())
    }

    fn stands(&self, job: Id, revision: u64) -> Result<(), Fault> {
        let now = match self.states.get(&job) {
            Some(revision) => *revision,
            None => {
                let state = self.view.records.kept::<JobState>(job);
                state.map_err(|error| self.core.unreadable(error))?.map_or(0, |state| state.revision)
            }
        };
        if now == revision {
            return Ok(());
        }
        Err(Fault::conflict(format!(
            "the scheduler's state of job {job} is at revision {now}, not {revision}"
        )))
    }

    fn accept(&mut self, commit: Commit, reply: Reply) {
        let first = self.next;
        let mut sequence = first;
        let events = commit.events.into_iter().map(|draft| {
            let event = draft.placed(sequence, self.now);
            sequence = sequence.next();
            event
        });
        let entry = Entry {
            events: events.collect(),
            changes: commit.changes,
            idempotency_key: commit.idempotency_key,
        };
        if let Err(bytes) = self.batch.push(entry) {
            let fault = Fault::invalid(format!("the commit has {bytes} bytes, more than a frame holds"));
            return answer(reply, Err(fault.hint("send less at a time")));
        }
        let at = self.batch.entries().len() - 1;
        let entry = self.batch.entries()[at].clone();
        for change in &entry.changes {
            self.stand(change);
        }
        if let Some(key) = &entry.idempotency_key {
            self.keys.insert(key.clone(), at);
        }
        self.next = sequence;
        self.replies.push(reply);
    }

    fn stand(&mut self, change: &Change) {
        let id = change.id();
        self.uniques.extend(change.unique());
        if let Change::Stand { state } = change {
            self.states.insert(state.job, state.revision);
        }
        let before = self.standing(id).ok().flatten();
        let after = match change {
            Change::Put { memory } => Some(Standing {
                revision: memory.revision,
                hidden: before.is_some_and(|before| before.hidden),
            }),
            Change::Restore { memory } => Some(Standing { revision: memory.revision, hidden: false }),
            Change::Forget { .. } => before.map(|before| Standing { hidden: true, ..before }),
            Change::Erase { .. } | Change::Pass { .. } => {
                self.standing.insert(id, None);
                return;
            }
            Change::Decide { decision } => Some(Standing { revision: decision.revision, hidden: false }),
            Change::Define { job } => Some(Standing { revision: job.revision, hidden: false }),
            Change::Run { run } => Some(Standing { revision: run.revision, hidden: false }),
            Change::Key { key } => Some(Standing { revision: key.revision, hidden: false }),
            Change::Accessed { .. }
            | Change::Counted { .. }
            | Change::Erased { .. }
            | Change::Stand { .. } => None,
        };
        self.standing.extend(after.map(|after| (id, Some(after))));
    }
}

fn answer(reply: Reply, result: Result<Committed, Fault>) {
    // Who asked may have stopped waiting; what was done stays done.
    drop(reply.send(result));
}

pub fn records_fault(error: RecordsError) -> Fault {
    match error {
        RecordsError::Page(_) => {
            Fault::invalid(error.to_string()).hint("pass `next` back as the page before gave it")
        }
        error => Fault::unavailable("the record view cannot be read")
            .cause(cause_of(&error))
            .hint("it is opened anew once the disk takes writes; `wheelhouse status` shows when"),
    }
}

fn cause_of(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", cause_of(source)),
        None => error.to_string(),
    }
}

fn append_fault(error: &AppendError) -> Fault {
    match error {
        AppendError::Refused(source) => write_fault(source).1,
        AppendError::Unknown(source) => {
            let message = "the disk did not confirm the write: outcome unknown until restart";
            Fault::new(write_fault(source).1.code, message)
                .cause(source)
                .hint("look whether it is there before you do it again")
        }
    }
}

/// What the next write would get, as long as this is so.
fn refused(source: &io::Error) -> Writes {
    let (why, fault) = write_fault(source);
    Writes::Refused { why, fault }
}

/// What a write gets that the disk did not take, and why in a word.
pub fn write_fault(source: &io::Error) -> (Refusal, Fault) {
    let (why, code, message, hint) = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
            Refusal::DiskFull,
            Code::Full,
            "the disk is full: nothing can be written",
            "free some space; reads go on, and writes resume by themselves",
        ),
        io::ErrorKind::ReadOnlyFilesystem => (
            Refusal::ReadOnly,
            Code::Full,
            "the disk is read-only: nothing can be written",
            "reads go on, and writes resume by themselves once it is writable",
        ),
        _ if is_out_of_files(source) => (
            Refusal::NoFiles,
            Code::Unavailable,
            "no file descriptor is left: nothing can be written",
            "close some connections or raise the limit (`ulimit -n`); writes resume by themselves",
        ),
        _ => (
            Refusal::DiskFails,
            Code::Unavailable,
            "the disk did not take the write",
            "nothing of it was kept; look at the disk, then try again",
        ),
    };
    (why, Fault::new(code, message).cause(source).hint(hint))
}

fn is_out_of_files(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(errno, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}
