//! What comes in: keys, the hub's feed, answers, the clock. One queue, one order, one `update`.

use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::{
    door::{
        Calibration, DecisionPage, DecisionRevision, EventStats, Forgotten, Health, JobView, MemoryPage,
        Revision, RunLog, RunView, Saved, SavedDecision, SearchAnswer, Status, SuggestAnswer, Trends,
    },
    ingest::{ImportReport, Progress},
    model::{Decision, Event, Fault, Id, Memory, Sequence, Time},
    telemetry::Taken,
};

use super::{
    clip::Copied,
    effect::{DecisionsFor, JobDeed, Page},
    export::Exported,
    markdown::code::Tokens,
    model::{At, Sounding, Stretch},
    overlay::form::{Draft, Field, Purpose},
    theme::Themes,
};

#[derive(Debug, Clone)]
pub enum Msg {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    /// Keys that came at once, as what they print: typed ahead through a slow line, or a paste that is not marked.
    Burst(String),
    Resize(u16, u16),
    /// Only time has passed.
    Tick,
    /// The terminal's window has the keys again.
    Focused,
    Link(At, Link),
    /// The program said something to its own log.
    Logged(Taken),
    Answer(Answer),
    /// Of this hub, asked in this turn: not for those who chose another since.
    OfHub {
        at: At,
        turn: u64,
        answer: Answer,
    },
}

/// From the task that holds the door.
#[derive(Debug, Clone)]
pub enum Link {
    /// There is a door.
    Up {
        owned: bool,
        status: Box<Status>,
    },
    Down {
        fault: Fault,
        retry_at: Time,
    },
    /// Not a word since then, though the connection seems open; it is being tried anew.
    Stale {
        since: Time,
    },
    Status(Box<Status>),
    /// The newest page: the window begins anew.
    Begin(Stretch),
    Events(Vec<Arc<Event>>),
    Gap {
        from: Sequence,
        to: Sequence,
        reason: String,
    },
}

type Got<T> = Result<T, Fault>;

/// A job's past and what is to come.
#[derive(Debug, Clone, Default)]
pub struct JobRuns {
    /// Newest first.
    pub runs: Vec<RunView>,
    /// Dead letters that nobody has seen to, those older than `runs` among them.
    pub dead: Vec<RunView>,
    pub next: Vec<Time>,
}

/// What became of an effect.
#[derive(Debug, Clone)]
pub enum Answer {
    Search {
        generation: u64,
        result: Got<SearchAnswer>,
    },
    SearchMore {
        generation: u64,
        result: Got<SearchAnswer>,
    },
    Recent {
        generation: u64,
        result: Got<MemoryPage>,
    },
    RecentMore {
        generation: u64,
        result: Got<MemoryPage>,
    },
    Explain {
        id: Id,
        result: Got<SearchAnswer>,
    },
    Alike(Got<SearchAnswer>),
    Suggest {
        generation: u64,
        result: Got<SuggestAnswer>,
    },
    Projects(Got<SuggestAnswer>),
    Memory {
        id: Id,
        result: Got<Box<Memory>>,
    },
    History {
        id: Id,
        result: Got<Vec<Revision>>,
    },
    Saved(Got<Box<Saved>>),
    Forgotten(Got<Forgotten>),
    Restored(Got<Box<Saved>>),
    Events {
        generation: u64,
        page: Page,
        /// Of each hub that was asked.
        pages: Vec<(At, Got<Stretch>)>,
    },
    EventStats {
        generation: u64,
        stats: Vec<(At, Got<EventStats>)>,
    },
    /// How a hub does.
    Sounded {
        at: At,
        result: Got<Sounding>,
    },
    Decision {
        id: Id,
        result: Got<Box<Decision>>,
    },
    Decisions {
        what: DecisionsFor,
        result: Got<DecisionPage>,
    },
    Calibration {
        generation: u64,
        result: Got<Calibration>,
    },
    DecisionHistory {
        id: Id,
        result: Got<Vec<DecisionRevision>>,
    },
    Jobs {
        generation: u64,
        result: Got<Vec<JobView>>,
    },
    JobRuns {
        generation: u64,
        job: Id,
        result: Got<JobRuns>,
    },
    /// The run that it is about, where it is about one.
    Job {
        deed: JobDeed,
        result: Got<Option<Box<RunView>>>,
    },
    RunLog {
        run: Id,
        result: Got<RunLog>,
    },
    Health {
        generation: u64,
        result: Got<(Box<Health>, Option<Trends>)>,
    },
    /// Recorded, or what came of it.
    Decided(Got<Box<SavedDecision>>),
    Edited {
        field: Field,
        result: Got<String>,
    },
    Draft {
        purpose: Purpose,
        draft: Option<Draft>,
    },
    Themes(Got<Themes>),
    /// A text was put where it can be pasted from.
    Copied(Copied),
    /// Rows of an export that are gathered so far.
    ExportProgress(u64),
    Exported(Got<Exported>),
    /// Of each block, in order.
    Highlighted {
        id: Id,
        revision: u32,
        tokens: Vec<Tokens>,
    },
    /// Former queries, the newest first.
    Queries(Got<Vec<String>>),
    /// It is done, and there is nothing to say.
    Nothing,
    /// Something that only matters when it fails.
    Failed {
        what: &'static str,
        fault: Fault,
    },
    /// The text of a person's own keys; none when there is no file.
    Keymap(Got<Option<String>>),
    Paths {
        asked: String,
        names: Vec<String>,
    },
    ImportProgress(Progress),
    Imported(Got<ImportReport>),
}
