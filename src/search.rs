//! The query language, the lexical index and what it answers.
//!
//! A view of the log: it holds nothing that the log does not, stores the position it has applied, and is thrown away
//! and built anew when anything is wrong with it. It never reads the store by itself; `hub` feeds it entries in order.
//!
//! ```text
//! text ─ query ─ plan ┐                      ┌─ disk (tantivy's segments)
//!                     ├─ mask ─ rank ─ answer│
//! wall, filter ───────┘    over shards ──────┴─ memory (newer than the last commit)
//! ```
//!
//! **Invariant**: the same log gives the same answers to the bit, however much of it is on disk and in memory.

mod analysis;
mod answer;
mod chunk;
mod content;
mod disk;
mod document;
mod mask;
mod memory;
mod plan;
pub mod query;
mod rank;
mod shard;
mod snippet;
mod suggest;
mod writer;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::Instant,
};

use tokio::sync::watch;

use self::{
    content::Step,
    document::Document,
    mask::Mask,
    memory::MemoryShard,
    plan::{Given, Plan},
    query::{Query, Typed},
    shard::{Bits, IndexError, Seat},
    writer::Shared,
};
use crate::{
    door::{SEARCH_LIMIT_MAX, SearchAnswer, SearchRequest, SuggestAnswer, SuggestRequest, ViewState},
    model::{Code, Entry, Fault, LogId, Memory, Projects, Sequence, TimeWords},
};

/// Hits of a page when the request does not say.
const LIMIT_DEFAULT: usize = 20;
/// In the reasons of every answer until the index's checksums have been read: it holds all, and is not yet proven whole.
pub const STILL_CHECKED: &str = "the search index's files are still being checked";
/// A view that was ready stays so while it is no more than this many events behind.
const READY_BEHIND_MAX: u64 = 1_000;
/// Memories applied under one lock; a search waits no longer than for these.
const STEPS_AT_ONCE: usize = 32;
/// Records and bytes of text that a scan looks at.
const SCAN_RECORDS_MAX: usize = 20_000;
const SCAN_BYTES_MAX: usize = 32 << 20;

/// The lexical view of one log. A cheap handle.
#[derive(Clone)]
pub struct Lexical {
    shared: Arc<Shared>,
    /// One feeder at a time.
    feeding: Arc<Mutex<()>>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Lexical {
    /// Opens on a thread of its own and never fails for damage: a directory that cannot be opened or belongs to another
    /// log is deleted and begun anew.
    pub fn open(dir: &Path, log: LogId) -> Lexical {
        let shared = Arc::new(Shared::new());
        let thread = match writer::start(&shared, dir, log) {
            Ok(thread) => Some(thread),
            Err(error) => {
                let mut control = shared.control();
                control.opened = true;
                control.failure = Some(format!("no thread for the index: {error}"));
                None
            }
        };
        Lexical { shared, feeding: Arc::default(), thread: Arc::new(Mutex::new(thread)) }
    }

    /// The position that the index on disk holds; waits until it is opened. The log is fed from here on.
    pub fn durable(&self) -> Sequence {
        self.shared.wait_until(|control| control.opened);
        self.shared.read().durable
    }

    /// Applies entries in log order; the next search sees them. What is applied already is passed over; an entry that
    /// does not follow on [`Lexical::applied`] is not applied, nor any after it (feed again from there).
    ///
    /// Waits while the writer is behind by more than memory should hold.
    pub fn apply(&self, entries: &[Arc<Entry>]) {
        let _one = self.feeding.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.wait_until(|control| control.opened);
        let generation = self.shared.read().generation;
        for entry in entries {
            let applied = self.shared.read().applied;
            if entry.last() <= applied {
                continue;
            }
            if entry.first() > applied.next() || !self.shared.room() {
                break;
            }
            if !self.apply_entry(entry, generation) {
                break;
            }
            self.shared.fed();
        }
    }

    /// Answers whether the index is still the one that was being fed.
    fn apply_entry(&self, entry: &Entry, generation: u64) -> bool {
        for changes in entry.changes.chunks(STEPS_AT_ONCE) {
            let steps: Vec<Step> = changes.iter().filter_map(Step::of).collect();
            let mut content = self.shared.write();
            if content.generation != generation {
                return false;
            }
            for step in steps {
                if let Err(error) = content.apply(step) {
                    drop(content);
                    tracing::warn!(%error, "the lexical index is damaged");
                    self.shared.reset();
                    return false;
                }
            }
        }
        let mut content = self.shared.write();
        let same = content.generation == generation;
        if same {
            content.applied = entry.last();
        }
        same
    }

    /// Goes on after a stretch of the log that is lost: nothing up to here is to come.
    pub fn pass(&self, to: Sequence) {
        let _one = self.feeding.lock().unwrap_or_else(PoisonError::into_inner);
        let mut content = self.shared.write();
        content.applied = content.applied.max(to);
        drop(content);
        self.shared.fed();
    }

    /// The position of what a search sees. Goes back to 0 when the index is begun anew.
    pub fn applied(&self) -> Sequence {
        self.shared.read().applied
    }

    /// Changes each time the index is begun anew, asked for or not (the log is then to be fed from 0 again), and is told
    /// again when it works after it had failed (the feed can go on).
    pub fn generation(&self) -> watch::Receiver<u64> {
        self.shared.generation()
    }

    /// Tells how far the log reaches, so that [`Lexical::state`] can say how far there is to go.
    pub fn set_head(&self, head: Sequence) {
        let applied = self.applied();
        let mut control = self.shared.control();
        control.head = head;
        control.reached |= control.opened && applied >= head;
    }

    pub fn state(&self) -> ViewState {
        let applied = self.applied();
        let control = self.shared.control();
        let head = control.head;
        if let Some(reason) = &control.failure {
            return ViewState::Failed { reason: reason.clone() };
        }
        if !control.opened {
            return ViewState::Opening;
        }
        let near = control.reached && head.0.saturating_sub(applied.0) <= READY_BEHIND_MAX;
        if applied >= head || near {
            ViewState::Ready
        } else if control.anew {
            ViewState::Rebuilding { applied, head }
        } else {
            ViewState::CatchingUp { applied, head }
        }
    }

    /// Ranked memories of those `wall` and the request let through. Takes milliseconds, and blocks meanwhile.
    pub fn search(
        &self,
        request: &SearchRequest,
        wall: &Projects,
        words: TimeWords,
    ) -> Result<SearchAnswer, Fault> {
        let started = Instant::now();
        let mut answer = self.reading(|seats| search_over(seats, request, wall, words))?;
        let (state, unchecked) = (self.state(), self.shared.control().unchecked);
        if !state.is_ready() {
            answer.degraded_reasons.push(format!("the search index is {}", state.words()));
        }
        if unchecked {
            answer.degraded_reasons.push(STILL_CHECKED.to_owned());
        }
        answer.took_ms = took_ms(started);
        Ok(answer)
    }

    /// Completions of the word at the cursor, made only of what `wall` and the filter let through.
    pub fn suggest(
        &self,
        request: &SuggestRequest,
        wall: &Projects,
        words: TimeWords,
    ) -> Result<SuggestAnswer, Fault> {
        self.reading(|seats| suggest::suggest(seats, request, wall, words))
    }

    /// Reads the index; what turns out damaged is begun anew.
    fn reading<T>(&self, read: impl FnOnce(&[Seat<'_>]) -> Result<T, Refusal>) -> Result<T, Fault> {
        if !self.shared.control().opened {
            return Err(Fault::unavailable("the search index is opening").hint("ask again in a moment"));
        }
        let content = self.shared.read();
        let done = catch_unwind(AssertUnwindSafe(|| read(&content.seats())));
        drop(content);
        let reason = match done {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(Refusal::Fault(fault))) => return Err(fault),
            Ok(Err(Refusal::Index(error))) => error.to_string(),
            Err(panic) => writer::panic_words(&*panic).to_owned(),
        };
        tracing::warn!(reason, "the lexical index is damaged");
        self.shared.reset();
        Err(Fault::new(Code::Unavailable, "the search index is damaged and is being built anew")
            .cause(reason))
    }

    /// The same query over records handed in, bounded, for when the index cannot answer; flagged `scan`.
    pub fn scan(
        request: &SearchRequest,
        wall: &Projects,
        words: TimeWords,
        records: &mut dyn Iterator<Item = Memory>,
    ) -> Result<SearchAnswer, Fault> {
        let started = Instant::now();
        let (mut shard, mut dead) = (MemoryShard::default(), Bits::default());
        let mut left_out = false;
        for memory in records.filter(|memory| wall.see(&memory.project)) {
            if shard.touched().len() == SCAN_RECORDS_MAX || shard.bytes() >= SCAN_BYTES_MAX {
                left_out = true;
                break;
            }
            shard.put(Document::of(&memory), &mut dead);
        }
        let searched = shard.touched().len();
        let seats = [Seat { shard: &shard, dead: &dead }];
        let mut answer = search_over(&seats, request, wall, words).map_err(|refusal| match refusal {
            Refusal::Fault(fault) => fault,
            Refusal::Index(error) => Fault::bug("a scan failed").cause(error),
        })?;
        answer.degraded_mode = Some("scan".to_owned());
        answer.degraded_reasons.push(if left_out {
            format!("the search index is not ready; only {searched} records were looked at")
        } else {
            format!("the search index is not ready; all {searched} records were looked at one by one")
        });
        answer.total_at_least |= left_out;
        answer.took_ms = took_ms(started);
        Ok(answer)
    }

    /// Empties the index: position 0, to be fed from there.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Commits what only memory holds, and ends the threads.
    pub fn close(&self) {
        self.shared.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(panic)) = thread.map(JoinHandle::join) {
            tracing::warn!(reason = writer::panic_words(&*panic), "the lexical index's thread panicked");
        }
    }
}

/// Why there is no answer: the request is at fault, or the index is.
enum Refusal {
    Fault(Fault),
    Index(IndexError),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::Fault(fault)
    }
}

impl From<IndexError> for Refusal {
    fn from(error: IndexError) -> Refusal {
        Refusal::Index(error)
    }
}

impl From<query::QueryError> for Refusal {
    fn from(error: query::QueryError) -> Refusal {
        Refusal::Fault(error.into())
    }
}

fn search_over(
    seats: &[Seat<'_>],
    request: &SearchRequest,
    wall: &Projects,
    words: TimeWords,
) -> Result<SearchAnswer, Refusal> {
    let limit = match request.limit {
        0 => LIMIT_DEFAULT,
        limit if limit <= SEARCH_LIMIT_MAX => limit,
        limit => {
            let message = format!("limit is {limit}, at most {SEARCH_LIMIT_MAX} fit");
            return Err(Fault::invalid(message).hint("go on with the answer's cursor").into());
        }
    };
    let after = request.cursor.as_deref().map(answer::parse_cursor).transpose()?;
    let typed = if request.as_you_type { Typed::SoFar } else { Typed::Whole };
    let query = Query::parse(&request.query, typed)?;
    let given = Given { text: &request.query, filter: &request.filter, wall, words, typed };
    let plan = Plan::of(&query, given)?;
    let mask = Mask::of(seats, &plan.sieve)?;
    // One more tells whether there is another page.
    let mut ranked = rank::rank(seats, &plan, &mask, limit + 1, after)?;
    let more = ranked.found.len() > limit;
    ranked.found.truncate(limit);
    Ok(answer::answer(seats, &plan, &ranked, request.explain, more)?)
}

fn took_ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
