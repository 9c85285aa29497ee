//! The query language, the lexical index and what it answers.
//!
//! A view of the log: it holds nothing that the log does not, stores the position it has applied, and is thrown away
//! and built anew when anything is wrong with it. It never reads the store by itself; `hub` feeds it entries in order.

use std::{path::Path, sync::Arc};

use crate::{
    door::{SearchAnswer, SearchRequest, SuggestAnswer, SuggestRequest, ViewState},
    model::{Entry, Fault, LogId, Memory, Projects, Sequence, TimeWords},
};

/// The lexical view of one log. A cheap handle.
#[derive(Clone)]
pub struct Lexical {}

impl Lexical {
    /// Opens on a thread of its own and never fails for damage: a directory that cannot be opened or belongs to another
    /// log is deleted and begun anew.
    pub fn open(_dir: &Path, _log: LogId) -> Lexical {
        Lexical {}
    }

    /// The position that the index on disk holds; waits until it is opened. The log is fed from here on.
    pub fn durable(&self) -> Sequence {
        Sequence::ZERO
    }

    /// Applies entries in log order; the next search sees them. What is applied already is passed over; an entry that
    /// does not follow on [`Lexical::applied`] is not applied, nor any after it (feed again from there).
    pub fn apply(&self, _entries: &[Arc<Entry>]) {}

    /// The position of what a search sees. Goes back to 0 when the index is begun anew.
    pub fn applied(&self) -> Sequence {
        Sequence::ZERO
    }

    /// Tells how far the log reaches, so that [`Lexical::state`] can say how far there is to go.
    pub fn set_head(&self, _head: Sequence) {}

    pub fn state(&self) -> ViewState {
        ViewState::Opening
    }

    /// Ranked memories of those `wall` and the request let through. Takes milliseconds, and blocks meanwhile.
    pub fn search(
        &self,
        _request: &SearchRequest,
        _wall: &Projects,
        _words: TimeWords,
    ) -> Result<SearchAnswer, Fault> {
        Err(Fault::unavailable("the search index is opening"))
    }

    /// Completions of the word at the cursor, made only of what `wall` and the filter let through.
    pub fn suggest(
        &self,
        _request: &SuggestRequest,
        _wall: &Projects,
        _words: TimeWords,
    ) -> Result<SuggestAnswer, Fault> {
        Err(Fault::unavailable("the search index is opening"))
    }

    /// The same query over records handed in, bounded, for when the index cannot answer; flagged `scan`.
    pub fn scan(
        _request: &SearchRequest,
        _wall: &Projects,
        _words: TimeWords,
        _records: &mut dyn Iterator<Item = Memory>,
    ) -> Result<SearchAnswer, Fault> {
        Err(Fault::unavailable("the search index is opening"))
    }

    /// Empties the index: position 0, to be fed from there.
    pub fn reset(&self) {}

    /// Commits what only memory holds, and ends the threads.
    pub fn close(&self) {}
}
