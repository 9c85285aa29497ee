//! What `update` asks to be done. Plain data, so that a test can say "this key asks for that" without a terminal, a
//! hub or a file. The driver (`work`) does it and answers with a message.

use std::{path::PathBuf, time::Duration};

use crate::{
    door::{
        DecisionsRequest, EventQuery, ListRequest, MemoryPatch, NewDecision, NewMemory, NewOutcome, NewPause,
        SearchRequest, SuggestRequest,
    },
    model::{DecisionFilter, Id, Project, Time, Zone},
};

use super::{
    export::Asked,
    markdown::code::Block,
    model::At,
    overlay::form::{Draft, Field, Purpose},
    state::State,
    theme::Choice,
};

#[expect(clippy::large_enum_variant, reason = "a few at a time, each moved twice: no box is worth it")]
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Quit,
    /// Ctrl-Z: give the terminal back until the shell says otherwise.
    Suspend,
    Ask(Ask),
    AskEach(AskEach),
    /// To the clipboard of the person's own machine, by OSC 52.
    Copy(String),
    CaptureMouse(bool),
    /// The field's text in `$EDITOR`.
    Edit {
        field: Field,
        text: String,
    },
    SaveDraft(Draft),
    DropDraft(Purpose),
    LoadDraft(Purpose),
    /// Names that begin as this path does.
    CompletePath(String),
    Import {
        path: PathBuf,
        project: Option<Project>,
    },
    CancelImport,
    /// What a pane shows, into a file or the clipboard.
    Export(Box<Asked>),
    CancelExport,
    /// A person's own themes, from their files.
    ReadThemes,
    /// For the next start.
    KeepTheme(Choice),
    /// Choices of the settings, for the next start.
    KeepChoices(Vec<(&'static str, String)>),
    /// The zone that words are meant in from now on; none is the machine's.
    UseZone(Option<Zone>),
    /// Draw ASCII alone, or everything.
    DrawAscii(bool),
    /// A person's own keys and themes, if their files have changed since they were read.
    LookAtFiles,
    /// How things were left, for the next start.
    KeepState(State),
    /// What the blocks of code of a memory are made of.
    Highlight {
        id: Id,
        revision: u32,
        blocks: Vec<Block>,
    },
    /// A query worth finding again, for this and later starts.
    KeepQuery(String),
    /// Out of the former queries.
    DropQuery(String),
    LoadQueries,
    /// Try this hub now, not after the backoff.
    Retry(At),
    /// What is asked from now on is asked of this hub.
    Choose {
        at: At,
        turn: u64,
    },
    /// A person's own keys, as their file has them now.
    ReadKeymap,
}

/// A question to the hub that is chosen. Answered by the [`super::msg::Answer`] of the same name.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    Search {
        generation: u64,
        request: SearchRequest,
    },
    SearchMore {
        generation: u64,
        request: SearchRequest,
    },
    Recent {
        generation: u64,
        request: ListRequest,
    },
    RecentMore {
        generation: u64,
        request: ListRequest,
    },
    Explain {
        id: Id,
        request: SearchRequest,
    },
    /// What says nearly the same as a text being written.
    Alike {
        request: SearchRequest,
    },
    Suggest {
        generation: u64,
        request: SuggestRequest,
    },
    Projects,
    Memory {
        id: Id,
    },
    History {
        id: Id,
    },
    Opened {
        id: Id,
        query: String,
    },
    Save(Save),
    Forget {
        id: Id,
    },
    Restore {
        id: Id,
    },
    Decision {
        id: Id,
    },
    Decisions {
        what: DecisionsFor,
        request: DecisionsRequest,
    },
    Calibration {
        generation: u64,
        filter: DecisionFilter,
    },
    Decide(Box<NewDecision>),
    RecordOutcome {
        id: Id,
        outcome: NewOutcome,
    },
    DecisionHistory {
        id: Id,
    },
    /// Every job.
    Jobs {
        generation: u64,
    },
    /// A job's runs and dead letters, and the slots to come.
    JobRuns {
        generation: u64,
        job: Id,
    },
    Job(JobDeed),
    /// What a run said after this line.
    RunLog {
        run: Id,
        after: u64,
    },
    Health {
        generation: u64,
        trends: Option<TrendsFrom>,
    },
}

/// A question to hubs that it names itself, whichever is chosen.
#[derive(Debug, Clone, PartialEq)]
pub enum AskEach {
    Events {
        generation: u64,
        page: Page,
        /// Each is asked of its hub.
        queries: Vec<(At, EventQuery)>,
    },
    EventStats {
        generation: u64,
        queries: Vec<(At, EventQuery)>,
    },
    /// What is asked of the chosen hub otherwise, asked of another.
    Of {
        at: At,
        ask: Box<Ask>,
    },
    /// How a hub does, and how long it takes to say.
    Sound {
        at: At,
    },
}

/// What is done to a job or a run.
#[derive(Debug, Clone, PartialEq)]
pub enum JobDeed {
    Run(Id),
    Pause(Id, NewPause),
    Resume(Id),
    Cancel(Id),
    Retry(Id),
    Dismiss(Id),
}

/// Which steps of the trends are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrendsFrom {
    Start,
    After(Time),
}

/// Whose question after decisions it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionsFor {
    List {
        generation: u64,
    },
    More {
        generation: u64,
    },
    /// For whoever is writing one.
    Similar {
        generation: u64,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Save {
    New(NewMemory),
    Edit { id: Id, patch: MemoryPatch, revision: u32 },
    Supersede { id: Id, new: NewMemory },
}

/// Which page of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Newest,
    Before,
    After,
    /// The window begins anew with the first event of it, which is selected.
    At,
    /// One error, to go to.
    Error(Toward),
    /// Of one correlation.
    Trace(Toward),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toward {
    Past,
    Present,
}

/// How long `u` undoes a removal.
pub const UNDO: Duration = Duration::from_secs(10);
