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

mod alike;
mod analysis;
mod answer;
mod backlog;
mod chunk;
mod content;
pub mod counted;
mod disk;
mod document;
mod erase;
mod fuse;
mod held;
mod hybrid;
mod mask;
pub mod meaning;
mod memory;
pub mod near;
mod plan;
mod prior;
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

pub use self::document::Searched;

use self::{
    content::Step as Applied,
    document::{Field, facet},
    mask::Mask,
    meaning::{Meaning, Mute, panic_words, vector::Vector},
    memory::MemoryShard,
    plan::{Given, Plan},
    query::{Query, Term, Typed},
    rank::Ranked,
    shard::{Bits, IndexError, Seat},
    writer::Shared,
};
use crate::{
    door::{
        CacheStatus, SEARCH_LIMIT_MAX, SearchAnswer, SearchMode, SearchRequest, Step, SuggestAnswer,
        SuggestRequest, TOTAL_EXACT_MAX, ViewState,
    },
    model::{Code, Entry, Fault, Id, LogId, Projects, Sequence, Time, TimeWords},
};

/// Hits of a page when the request does not say.
const LIMIT_DEFAULT: usize = 20;
/// In the reasons of every answer until the index's checksums have been read: it holds all, and is not yet proven whole.
pub const STILL_CHECKED: &str = "the search index's files are still being checked";
/// In the reasons of an answer whose phrases stand nowhere.
pub const WITHOUT_QUOTES: &str =
    "no memory holds the words in quotes as they stand; they were searched without the quotes";
/// After how many, in the reasons of an answer that lacks nothing but nearness in meaning of some texts.
pub const BY_WORDS_ALONE: &str = "texts have no vector yet and are found by their words alone";
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
    ///
    /// `vectors` is where those of its texts are; they are known by the text, so they outlive the index.
    pub fn open(dir: &Path, vectors: &Path, log: LogId) -> Lexical {
        let shared = Arc::new(Shared::new());
        let thread = match writer::start(&shared, dir, vectors, log) {
            Ok(thread) => Some(thread),
            Err(error) => {
                let mut control = shared.control();
                control.opened = true;
                control.failure = Some(format!("no thread for the index: {error}"));
                drop(control);
                shared.close();
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
            let steps: Vec<Applied> = changes.iter().filter_map(Applied::of).collect();
            let building = self.shared.is_building();
            let mut content = self.shared.write();
            if content.generation != generation {
                return false;
            }
            for step in steps {
                if let Err(error) = content.apply(step, building) {
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
        let (applied, passing) = {
            let content = self.shared.read();
            (content.applied, content.is_passing())
        };
        let mut control = self.shared.control();
        control.head = head;
        control.reached |= control.opened && applied >= head && !passing;
    }

    pub fn state(&self) -> ViewState {
        self.shared.state()
    }

    /// Ranked memories of those `wall` and the request let through. Takes milliseconds, and blocks meanwhile.
    pub fn search(
        &self,
        request: &SearchRequest,
        wall: &Projects,
        words: TimeWords,
    ) -> Result<SearchAnswer, Fault> {
        let started = Instant::now();
        let meaning = self.shared.meaning();
        let mut answer = self.reading(|seats| search_over(seats, request, wall, words, meaning))?;
        if !request.as_you_type
            && let Some(why) = &self.shared.control().no_meaning
        {
            answer.degraded_reasons.push(why.clone());
        }
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
            Err(panic) => panic_words(&*panic).to_owned(),
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
        records: &mut dyn Iterator<Item = Searched>,
    ) -> Result<SearchAnswer, Fault> {
        let started = Instant::now();
        let (mut shard, mut dead) = (MemoryShard::default(), Bits::default());
        let mut left_out = false;
        for record in records.filter(|record| wall.see(record.project())) {
            if shard.touched().len() == SCAN_RECORDS_MAX || shard.bytes() >= SCAN_BYTES_MAX {
                left_out = true;
                break;
            }
            shard.put(record.document(), &mut dead);
        }
        let searched = shard.touched().len();
        let seats = [Seat { shard: &shard, dead: &dead }];
        let mut answer =
            search_over(&seats, request, wall, words, None).map_err(|refusal| match refusal {
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

    /// Changes whenever an answer could: a record put or taken, a vector made, the index begun anew.
    pub fn stamp(&self) -> [u64; 3] {
        let content = self.shared.read();
        let learned = self.shared.meaning().map_or(0, Meaning::learned);
        [content.generation, content.changes, learned]
    }

    /// The vectors of live memories that `wanted` lets through, of those whose text is read by the model at once and has
    /// its vector.
    pub fn vectors_of(&self, wanted: &dyn Fn(Id) -> bool) -> Vec<(Id, Vector)> {
        let Some(meaning) = self.shared.meaning() else { return Vec::new() };
        let content = self.shared.read();
        let records = meaning.records();
        let mut vectors = Vec::new();
        for Seat { shard, dead } in content.seats() {
            let table = shard.table();
            for (memory, id) in (0_u32..).zip(&table.ids) {
                let chunks = table.chunks_of(memory);
                if dead.has(memory) || chunks.len() != 1 || !wanted(*id) {
                    continue;
                }
                let vector = table.slot(chunks.start).and_then(|slot| records.vector(slot));
                vectors.extend(vector.map(|vector| (*id, vector)));
            }
        }
        vectors
    }

    /// The cache of queries' vectors.
    pub fn cache(&self) -> Option<CacheStatus> {
        self.shared.meaning().map(Meaning::cache)
    }

    /// Where the vectors stand.
    pub fn vectors(&self) -> ViewState {
        let rate_per_s = self.shared.backlog.rate();
        let (applied, left) = {
            let content = self.shared.read();
            (content.applied, content.without_vector())
        };
        let head = self.shared.control().head;
        let failure = self.shared.control().no_meaning.clone().or_else(|| self.shared.backlog.failure());
        match (failure, self.shared.meaning()) {
            (Some(reason), _) => ViewState::Failed { reason },
            (None, None) => ViewState::Opening,
            (None, Some(_)) if left > 0 => ViewState::Embedding { left, rate_per_s },
            // What the index does not hold yet has no vector either.
            (None, Some(_)) if applied < head => ViewState::CatchingUp { applied, head },
            (None, Some(_)) => ViewState::Ready,
        }
    }

    /// Throws the vectors away; they are made again from the texts.
    pub fn reset_vectors(&self) -> Result<(), Fault> {
        let failed = |error| Fault::unavailable("the vectors cannot be begun anew").cause(error);
        self.shared.reset_vectors().map_err(failed)
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
            tracing::warn!(reason = panic_words(&*panic), "the lexical index's thread panicked");
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
    meaning: Option<&Meaning>,
) -> Result<SearchAnswer, Refusal> {
    let limit = match request.limit {
        0 => LIMIT_DEFAULT,
        limit if limit <= SEARCH_LIMIT_MAX => limit,
        limit => {
            let message = format!("limit is {limit}, at most {SEARCH_LIMIT_MAX} fit");
            return Err(Fault::invalid(message).hint("go on with the answer's cursor").into());
        }
    };
    let typed = if request.as_you_type { Typed::SoFar } else { Typed::Whole };
    let query = Query::parse(&request.query, typed)?;
    let given = Given {
        text: &request.query,
        filter: &request.filter,
        wall,
        words,
        typed,
        weighted: !request.without.contains(&Step::Weights),
    };
    let mut plan = Plan::of(&query, given)?;
    let mask = Mask::of(seats, &plan.sieve)?;
    let mask = &mask;
    let search = Search { seats, request, limit, plan: &plan, mask, now: words.now };
    let answer = search.by_plan(meaning)?;
    // A phrase alone is meant as it stands; one in a sentence is a quotation.
    let in_a_sentence =
        query.clauses.iter().any(|clause| matches!(clause.term, Term::Word(_)) && !clause.negated);
    let strict = request.as_you_type || request.cursor.is_some() || plan.phrases.is_empty() || !in_a_sentence;
    if strict || !answer.results.is_empty() {
        return Ok(answer);
    }
    // Who asks once is better served by what is near than by nothing, if it is said.
    plan.phrases.clear();
    let search = Search { seats, request, limit, plan: &plan, mask, now: words.now };
    let mut answer = search.by_plan(meaning)?;
    answer.degraded_reasons.push(WITHOUT_QUOTES.to_owned());
    Ok(answer)
}

/// One search, all of it known.
#[derive(Clone, Copy)]
struct Search<'a> {
    seats: &'a [Seat<'a>],
    request: &'a SearchRequest,
    limit: usize,
    plan: &'a Plan,
    mask: &'a Mask,
    now: Time,
}

impl Search<'_> {
    fn by_plan(self, meaning: Option<&Meaning>) -> Result<SearchAnswer, Refusal> {
        let wants_meaning = match self.request.mode {
            SearchMode::Lexical => false,
            SearchMode::Auto => !self.request.as_you_type,
            SearchMode::Vector | SearchMode::Hybrid => true,
        };
        let wants_meaning = self.plan.like.is_some() || wants_meaning && !self.plan.words.is_empty();
        match meaning.filter(|_| wants_meaning) {
            Some(meaning) => self.with_meaning(meaning),
            None => {
                let mut answer = self.by_words()?;
                if wants_meaning {
                    answer.degraded_mode = Some("lexical".to_owned());
                    answer.degraded_reasons.push("there are no vectors yet".to_owned());
                }
                Ok(answer)
            }
        }
    }

    /// The lexical leg alone, page by page from where the page before ended.
    fn by_words(self) -> Result<SearchAnswer, Refusal> {
        let Search { seats, request, limit, plan, mask, .. } = self;
        let after = request.cursor.as_deref().map(answer::parse_cursor).transpose()?;
        // One more tells whether there is another page.
        let mut ranked = rank::rank(seats, plan, mask, limit + 1, after)?;
        let more = ranked.found.len() > limit;
        ranked.found.truncate(limit);
        let page: Vec<_> = match request.cursor {
            None => hybrid::in_order(&ranked.found).collect(),
            // How many stand before this page is not known here.
            Some(_) => ranked.found.iter().map(hybrid::lexical).collect(),
        };
        let mut answer = answer::answer(seats, plan, &ranked, &page, request.explain)?;
        answer.cursor = page.last().filter(|_| more).map(|last| answer::print_cursor(last.found.key));
        Ok(answer)
    }

    /// Both legs, page by page by how many were shown: their order is that of the whole list.
    fn with_meaning(self, meaning: &Meaning) -> Result<SearchAnswer, Refusal> {
        let started = Instant::now();
        let Search { seats, request, limit, plan, mask, now } = self;
        let offset = match request.cursor.as_deref() {
            None => 0,
            Some(cursor) => match answer::parse_offset(cursor) {
                Some(offset) => offset,
                // A page of words alone came before: its order goes on.
                None => return self.by_words(),
            },
        };
        let deep = (offset + limit + 1).max(hybrid::CANDIDATES);
        // The model reads the question while its words are looked up.
        let ranking = || match plan.words.is_empty() {
            true => Ok(Ranked::nothing(mask)),
            false => rank::rank(seats, plan, mask, deep, None),
        };
        let ((ranked, lexical_ms), (vector, embed_ms)) =
            both(|| (ranking(), took_ms(started)), || (asked_for(seats, plan, meaning), took_ms(started)));
        let ranked = ranked?;
        let mode = if plan.words.is_empty() { SearchMode::Vector } else { request.mode };
        let asked = hybrid::Asked { mode, without: &request.without, now };
        let merged = hybrid::merge(seats, plan, mask, &ranked, meaning, vector?, &asked)?;
        let page = merged.placed.get(offset..merged.placed.len().min(offset + limit)).unwrap_or_default();
        let merged_ms = took_ms(started);
        let mut answer = answer::answer(seats, plan, &ranked, page, request.explain)?;
        let more = merged.placed.len() > offset + limit;
        answer.cursor = more.then(|| answer::print_offset(offset + limit));
        answer.total = merged.total.min(TOTAL_EXACT_MAX);
        answer.total_at_least = merged.total > TOTAL_EXACT_MAX;
        answer.legs_used = merged.legs_used.iter().map(|leg| (*leg).to_owned()).collect();
        let parts = [("lexical", lexical_ms), ("embed", embed_ms), ("hits", took_ms(started) - merged_ms)];
        let parts = merged.parts.iter().copied().chain(parts);
        answer.parts_ms = parts.map(|(part, ms)| (part.to_owned(), ms)).collect();
        if let Some(mute) = merged.degraded {
            answer.degraded_mode = Some("lexical".to_owned());
            answer.degraded_reasons.push(format!("nothing was asked by meaning: {}", mute.0));
        } else if merged.without_vector > 0 {
            let texts = merged.without_vector;
            answer.degraded_reasons.push(format!("{texts} {BY_WORDS_ALONE}"));
        }
        Ok(answer)
    }
}

/// What is asked for, as a place among meanings: a memory's own, or that of the words.
fn asked_for(
    seats: &[Seat<'_>],
    plan: &Plan,
    meaning: &Meaning,
) -> Result<Result<Arc<Vector>, Mute>, IndexError> {
    let Some(id) = plan.like else { return Ok(meaning.ask(&plan.words.join(" "))) };
    let records = meaning.records();
    let mut found = None;
    for Seat { shard, dead } in seats {
        shard.postings(Field::Facet, &facet::id(id), &mut |chunks, _| {
            let live = chunks.iter().filter(|chunk| !dead.has(shard.table().memory_of[**chunk as usize]));
            let slots = live.filter_map(|chunk| shard.table().slot(*chunk));
            found = found.take().or_else(|| slots.into_iter().find_map(|slot| records.vector(slot)));
        })?;
    }
    Ok(found.map(Arc::new).ok_or_else(|| Mute(format!("memory {id} has no vector yet, or is not here"))))
}

/// Does the second on another core meanwhile. A panic in it is the caller's.
fn both<A, B: Send>(first: impl FnOnce() -> A, second: impl FnOnce() -> B + Send) -> (A, B) {
    std::thread::scope(|scope| {
        let second = scope.spawn(second);
        (first(), second.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn took_ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}

/// How the threads of the index stand behind others.
const NICENESS: i32 = 10;

/// Lets others go first. On Linux priority is the calling thread's own, and tantivy's threads, started from this one,
/// inherit it; elsewhere it would be the whole program's.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the index is written at normal priority");
    }
}
