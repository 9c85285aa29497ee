//! Everything a person can do, in one table: it drives keys, help, palette, hint bar and docs.
//!
//! An [`Action`] is only a name; what it does stands in `update`, which keys run it stands in the keymap, and whether it
//! can run now is asked of the screen. A row is never hidden because it cannot run: it is greyed, with the reason.
//!
//! Invariant: `ACTIONS[action as usize].action == action`, and no two rows share a name.

/// What can be done, in the order of the help page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    FocusSearch,
    FocusTimeline,
    FocusLog,
    FocusDecisions,
    NextPane,
    PreviousPane,
    Zoom,
    BorderLeft,
    BorderRight,
    EvenDeck,
    Query,
    Palette,
    Help,
    Back,
    Quit,
    Suspend,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Complete,
    ClearText,
    Queries,
    ForgetQuery,
    PreviousChip,
    NextChip,
    EditChip,
    RemoveChip,
    TurnOrder,
    New,
    Edit,
    Supersede,
    Remove,
    Undo,
    History,
    Explain,
    Related,
    Copy,
    CopyJson,
    CopyLink,
    CopyId,
    Import,
    StopImport,
    Follow,
    Pause,
    ToLatest,
    FilterEvents,
    PreviousError,
    NextError,
    GoToTime,
    Correlation,
    Project,
    TimeForm,
    Theme,
    ReadThemes,
    Mouse,
    UseKeymap,
    ReloadKeymap,
    Retry,
    SaveForm,
    NextField,
    PreviousField,
    Editor,
    Discard,
    Accept,
    Cancel,
    Settings,
    Zone,
    PreviousValue,
    NextValue,
    Export,
    StopExport,
    CopyTitle,
    CopySnippet,
    CopyType,
    CopyProject,
    CopyTags,
    CopySource,
    CopyTime,
    Decide,
    RecordOutcome,
    FilterDecisions,
    TurnStatuses,
    Calibration,
    DecisionHistory,
    FocusJobs,
    FocusHealth,
    RunJob,
    PauseJob,
    CancelRun,
    FollowLog,
    RetryRun,
    DismissRun,
    FilterJobs,
    SortJobs,
    WhatIsWrong,
    Earlier,
    Later,
    FocusHubs,
    ShowHub,
    HubDetail,
}

/// Where keys go, in the order people read about them. A screen asks its places, the most particular first, and the
/// first that knows a key has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    Global,
    /// Whatever is a list.
    Lists,
    Search,
    Decisions,
    Jobs,
    Timeline,
    Health,
    Hubs,
    Log,
    /// What a run says, as it says it.
    RunLog,
    /// An opened memory, event or entry: the arrows move its text.
    Detail,
    /// A field of the query, as a chip.
    Chips,
    /// Letters are the query.
    Query,
    /// Letters are the filter of Decisions, Jobs, the Timeline or the Log, the time to go to, or why a job is paused.
    Filter,
    Form,
    Confirm,
    Palette,
    Picker,
    Import,
    Help,
    Settings,
    Export,
    /// The list of former queries.
    Queries,
    /// What is not as it should be.
    Wrong,
    /// Asked last everywhere, also where letters are text.
    Always,
}

impl Place {
    pub const ALL: [Place; 25] = [
        Place::Global,
        Place::Lists,
        Place::Search,
        Place::Decisions,
        Place::Jobs,
        Place::Timeline,
        Place::Health,
        Place::Hubs,
        Place::Log,
        Place::RunLog,
        Place::Detail,
        Place::Chips,
        Place::Query,
        Place::Filter,
        Place::Form,
        Place::Confirm,
        Place::Palette,
        Place::Picker,
        Place::Import,
        Place::Help,
        Place::Settings,
        Place::Export,
        Place::Queries,
        Place::Wrong,
        Place::Always,
    ];

    /// The table of a keymap file that holds its keys.
    pub fn section(self) -> &'static str {
        match self {
            Place::Query => "mode.query",
            Place::Filter => "mode.filter",
            Place::Form => "overlay.form",
            Place::Confirm => "overlay.confirm",
            Place::Palette => "overlay.palette",
            Place::Picker => "overlay.picker",
            Place::Import => "overlay.import",
            Place::Help => "overlay.help",
            Place::Settings => "overlay.settings",
            Place::Export => "overlay.export",
            Place::Queries => "overlay.queries",
            Place::Wrong => "overlay.wrong",
            Place::Chips => "mode.chips",
            Place::Search => "pane.search",
            Place::Decisions => "pane.decisions",
            Place::Timeline => "pane.timeline",
            Place::Log => "pane.log",
            Place::Jobs => "pane.jobs",
            Place::Health => "pane.health",
            Place::Hubs => "pane.hubs",
            Place::RunLog => "run-log",
            Place::Detail => "detail",
            Place::Lists => "lists",
            Place::Global => "global",
            Place::Always => "always",
        }
    }

    /// In words, for the help page.
    pub fn title(self) -> &'static str {
        match self {
            Place::Query => "typing a query",
            Place::Filter => "typing a filter, a time or a reason",
            Place::Form => "forms",
            Place::Confirm => "questions",
            Place::Palette => "palette",
            Place::Picker => "pick lists",
            Place::Import => "import",
            Place::Help => "help",
            Place::Settings => "settings",
            Place::Export => "export",
            Place::Queries => "former queries",
            Place::Wrong => "what is not as it should be",
            Place::Chips => "fields of the query",
            Place::Search => "Search",
            Place::Decisions => "Decisions",
            Place::Timeline => "Timeline",
            Place::Log => "Log",
            Place::Jobs => "Jobs",
            Place::Health => "Health",
            Place::Hubs => "Hubs",
            Place::RunLog => "the lines of a run",
            Place::Detail => "opened text",
            Place::Lists => "lists",
            Place::Global => "anywhere",
            Place::Always => "always",
        }
    }

    /// Letters are text here: a binding must not claim one.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Place::Query
                | Place::Filter
                | Place::Form
                | Place::Palette
                | Place::Picker
                | Place::Import
                | Place::Help
                | Place::Settings
                | Place::Export
                | Place::Queries
                | Place::Always
        )
    }
}

/// What an action is about: who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    Deck,
    Move,
    Memory,
    Decision,
    Jobs,
    Timeline,
    Health,
    Form,
    Settings,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub action: Action,
    /// In keymap files and `keymap list`.
    pub name: &'static str,
    /// In words, for help and palette.
    pub title: &'static str,
    pub group: Group,
    /// Where it can be asked for.
    pub places: &'static [Place],
    /// Its word in the hint bar, if it stands there.
    pub hint: Option<&'static str>,
}

impl Action {
    pub fn row(self) -> &'static Row {
        &ACTIONS[self as usize]
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// Whether it asks for something before it does anything: a text, a choice.
    pub fn asks(self) -> bool {
        use Action::{
            Decide, Export, FilterDecisions, FilterEvents, FilterJobs, GoToTime, Import, New, PauseJob,
            Project, Queries, Query, RecordOutcome, Supersede, Theme, UseKeymap, Zone,
        };
        matches!(self, Query | Queries | New | Supersede | Import | FilterEvents | GoToTime | Project)
            || matches!(self, UseKeymap | Theme | Zone | Export)
            || matches!(self, Decide | FilterDecisions | RecordOutcome)
            || matches!(self, PauseJob | FilterJobs)
    }

    pub fn named(name: &str) -> Option<Action> {
        ACTIONS.iter().find(|row| row.name == name).map(|row| row.action)
    }
}

const fn row(
    action: Action,
    name: &'static str,
    title: &'static str,
    group: Group,
    places: &'static [Place],
    hint: Option<&'static str>,
) -> Row {
    Row { action, name, title, group, places, hint }
}

const GLOBAL: &[Place] = &[Place::Global];
const LISTED: &[Place] = &[
    Place::Lists,
    Place::Query,
    Place::Filter,
    Place::Detail,
    Place::Form,
    Place::Palette,
    Place::Picker,
    Place::Import,
    Place::Help,
    Place::Settings,
    Place::Export,
    Place::Queries,
    Place::Wrong,
    Place::Confirm,
];
const DECISIONS: &[Place] = &[Place::Decisions];
/// What flows by.
const STREAMS: &[Place] = &[Place::Timeline, Place::Log, Place::RunLog];
const JOBS: &[Place] = &[Place::Jobs];
const HEALTH: &[Place] = &[Place::Health];
const HUBS: &[Place] = &[Place::Hubs];
const MEMORY: &[Place] = &[Place::Search, Place::Detail];
/// Where values stand beside one another to be chosen from.
const CHOSEN: &[Place] = &[Place::Settings, Place::Export];
const COPIED: &[Place] = &[Place::Lists, Place::Detail];
const TYPED: &[Place] = &[
    Place::Query,
    Place::Filter,
    Place::Form,
    Place::Import,
    Place::Palette,
    Place::Picker,
    Place::Help,
    Place::Settings,
    Place::Queries,
];

/// Every action. A row here is all it takes to be in help, palette, keymap files and docs.
#[rustfmt::skip]
pub const ACTIONS: [Row; 104] = [
    row(Action::FocusSearch,   "pane.focus-search",    "Go to Search",                      Group::Deck,     GLOBAL, None),
    row(Action::FocusTimeline, "pane.focus-timeline",  "Go to the Timeline",                Group::Deck,     GLOBAL, None),
    row(Action::FocusLog,      "pane.focus-log",       "Go to the program's own log",       Group::Deck,     GLOBAL, None),
    row(Action::FocusDecisions, "pane.focus-decisions", "Go to Decisions",                  Group::Deck,     GLOBAL, None),
    row(Action::NextPane,      "pane.next",            "Next pane",                         Group::Deck,     GLOBAL, Some("pane")),
    row(Action::PreviousPane,  "pane.previous",        "Previous pane",                     Group::Deck,     GLOBAL, None),
    row(Action::Zoom,          "pane.zoom",            "Zoom this pane to the whole screen", Group::Deck,    GLOBAL, Some("zoom")),
    row(Action::BorderLeft,    "deck.border-left",     "Move the border between the columns left", Group::Deck, GLOBAL, None),
    row(Action::BorderRight,   "deck.border-right",    "Move the border between the columns right", Group::Deck, GLOBAL, None),
    row(Action::EvenDeck,      "deck.even",            "Borders of the deck as they were at first", Group::Deck, GLOBAL, None),
    row(Action::Query,         "query.focus",          "Search: type a query",              Group::Deck,     &[Place::Global, Place::Search], Some("search")),
    row(Action::Palette,       "palette.open",         "Palette: find any action",          Group::Deck,     GLOBAL, Some("palette")),
    row(Action::Help,          "help.open",            "Help: every key",                   Group::Deck,     GLOBAL, Some("help")),
    row(Action::Back,          "back",                 "Back, one step out",                Group::Deck,     &[Place::Global, Place::Query, Place::Filter, Place::Form, Place::Palette, Place::Picker, Place::Import, Place::Help, Place::Settings, Place::Export, Place::Detail, Place::Queries, Place::Chips, Place::Wrong], None),
    row(Action::Quit,          "app.quit",             "Quit",                              Group::Deck,     &[Place::Global, Place::Always], None),
    row(Action::Suspend,       "app.suspend",          "Suspend to the shell; `fg` comes back", Group::Deck, &[Place::Always], None),
    row(Action::Up,            "move.up",              "Up",                                Group::Move,     LISTED, None),
    row(Action::Down,          "move.down",            "Down",                              Group::Move,     LISTED, None),
    row(Action::PageUp,        "move.page-up",         "A page up",                         Group::Move,     LISTED, None),
    row(Action::PageDown,      "move.page-down",       "A page down",                       Group::Move,     LISTED, None),
    row(Action::First,         "move.first",           "To the first",                      Group::Move,     LISTED, None),
    row(Action::Last,          "move.last",            "To the last",                       Group::Move,     LISTED, None),
    row(Action::Open,          "open",                 "Open what is selected",             Group::Move,     LISTED, Some("open")),
    row(Action::Complete,      "text.complete",        "Complete the word",                 Group::Move,     TYPED, Some("complete")),
    row(Action::ClearText,     "text.clear",           "Clear the line",                    Group::Move,     TYPED, None),
    row(Action::Queries,       "query.history",        "Former queries",                    Group::Deck,     &[Place::Search, Place::Query], None),
    row(Action::ForgetQuery,   "query.forget",         "Forget this query",                 Group::Move,     &[Place::Queries], None),
    row(Action::PreviousChip,  "chip.previous",        "To the field before, of the query", Group::Move,     &[Place::Search, Place::Chips], None),
    row(Action::NextChip,      "chip.next",            "To the next field of the query",    Group::Move,     &[Place::Search, Place::Chips], None),
    row(Action::EditChip,      "chip.edit",            "Edit this field of the query",      Group::Move,     &[Place::Chips], Some("edit")),
    row(Action::RemoveChip,    "chip.remove",          "Take this field out of the query",  Group::Move,     &[Place::Chips], Some("take out")),
    row(Action::TurnOrder,     "list.turn",            "The list of all: oldest first, newest first", Group::Deck, &[Place::Search], None),
    row(Action::New,           "memory.new",           "New memory",                        Group::Memory,   GLOBAL, Some("new")),
    row(Action::Edit,          "memory.edit",          "Edit this memory",                  Group::Memory,   MEMORY, Some("edit")),
    row(Action::Supersede,     "memory.supersede",     "Supersede this memory by a new one", Group::Memory,  MEMORY, None),
    row(Action::Remove,        "memory.remove",        "Remove this memory",                Group::Memory,   MEMORY, Some("remove")),
    row(Action::Undo,          "undo",                 "Undo the removal",                  Group::Memory,   GLOBAL, None),
    row(Action::History,       "memory.history",       "History of this memory",            Group::Memory,   MEMORY, Some("history")),
    row(Action::Explain,       "hit.explain",          "Explain why this was found",        Group::Memory,   MEMORY, Some("explain")),
    row(Action::Related,       "memory.related",       "Search what is near this in meaning", Group::Memory, MEMORY, None),
    row(Action::Copy,          "copy.text",            "Copy as text",                      Group::Memory,   COPIED, None),
    row(Action::CopyJson,      "copy.json",            "Copy as JSON",                      Group::Memory,   COPIED, None),
    row(Action::CopyLink,      "copy.link",            "Copy a link",                       Group::Memory,   COPIED, None),
    row(Action::CopyId,        "copy.id",              "Copy the id",                       Group::Memory,   COPIED, None),
    row(Action::Import,        "import.open",          "Import a folder or files",          Group::Memory,   GLOBAL, None),
    row(Action::StopImport,    "import.stop",          "Stop the import",                   Group::Memory,   &[Place::Global, Place::Import], None),
    row(Action::Follow,        "stream.follow-toggle", "Follow the newest events",          Group::Timeline, STREAMS, Some("follow")),
    row(Action::Pause,         "stream.pause",         "Pause the view",                    Group::Timeline, STREAMS, Some("pause")),
    row(Action::ToLatest,      "stream.to-latest",     "To the newest event",               Group::Timeline, STREAMS, None),
    row(Action::FilterEvents,  "stream.filter",        "Filter events",                     Group::Timeline, STREAMS, Some("filter")),
    row(Action::PreviousError, "stream.previous-error", "To the error before",               Group::Timeline, STREAMS, None),
    row(Action::NextError,     "stream.next-error",    "To the error after",                Group::Timeline, STREAMS, None),
    row(Action::GoToTime,      "stream.go-to-time",    "Go to a time",                      Group::Timeline, &[Place::Timeline], Some("time")),
    row(Action::Correlation,   "stream.correlation",   "Correlation: all that belongs together, as a tree", Group::Timeline, &[Place::Timeline], Some("tree")),
    row(Action::Project,       "project.pick",         "Pick a project",                    Group::Settings, GLOBAL, None),
    row(Action::TimeForm,      "time.cycle",           "Times: relative, local, UTC, zone",     Group::Settings, GLOBAL, None),
    row(Action::Theme,         "theme.pick",           "Pick a theme",                      Group::Settings, &[Place::Global, Place::Settings], None),
    row(Action::ReadThemes,    "theme.reload",         "Read your own themes again",        Group::Settings, GLOBAL, None),
    row(Action::Mouse,         "mouse.toggle",         "Mouse on or off (off: the terminal selects text)", Group::Settings, GLOBAL, None),
    row(Action::UseKeymap,     "keymap.use",           "Use the keys of default, vim or emacs", Group::Settings, GLOBAL, None),
    row(Action::ReloadKeymap,  "keymap.reload",        "Read the keymap file again",        Group::Settings, GLOBAL, None),
    row(Action::Retry,         "hub.retry",            "Try to reach the hub now",          Group::Settings, GLOBAL, None),
    row(Action::SaveForm,      "form.save",            "Save",                              Group::Form,     &[Place::Form], Some("save")),
    row(Action::NextField,     "form.next",            "Next field",                        Group::Form,     &[Place::Form], Some("field")),
    row(Action::PreviousField, "form.previous",        "Previous field",                    Group::Form,     &[Place::Form], None),
    row(Action::Editor,        "form.editor",          "Edit this field in $EDITOR",        Group::Form,     &[Place::Form], Some("$EDITOR")),
    row(Action::Discard,       "form.discard",         "Discard the draft",                 Group::Form,     &[Place::Form], None),
    row(Action::Accept,        "confirm.accept",       "Yes, do it",                        Group::Form,     &[Place::Confirm], None),
    row(Action::Cancel,        "confirm.cancel",       "No, leave it",                      Group::Form,     &[Place::Confirm], None),
    row(Action::Settings,      "settings.open",        "Settings",                          Group::Settings, GLOBAL, Some("settings")),
    row(Action::Zone,          "zone.pick",            "Pick the zone of times",            Group::Settings, GLOBAL, None),
    row(Action::PreviousValue, "value.previous",       "The value before",                  Group::Form,     CHOSEN, None),
    row(Action::NextValue,     "value.next",           "The next value",                    Group::Form,     CHOSEN, None),
    row(Action::Export,        "export.open",          "Export what this pane shows",       Group::Memory,   GLOBAL, None),
    row(Action::StopExport,    "export.stop",          "Stop the export",                   Group::Form,     &[Place::Export], None),
    row(Action::CopyTitle,     "copy.cell-title",      "Copy the title",                    Group::Memory,   COPIED, None),
    row(Action::CopySnippet,   "copy.cell-snippet",    "Copy the words under the title",    Group::Memory,   COPIED, None),
    row(Action::CopyType,      "copy.cell-type",       "Copy the type",                     Group::Memory,   COPIED, None),
    row(Action::CopyProject,   "copy.cell-project",    "Copy the project",                  Group::Memory,   COPIED, None),
    row(Action::CopyTags,      "copy.cell-tags",       "Copy the tags",                     Group::Memory,   COPIED, None),
    row(Action::CopySource,    "copy.cell-source",     "Copy where it came from",           Group::Memory,   COPIED, None),
    row(Action::CopyTime,      "copy.cell-time",       "Copy the time",                     Group::Memory,   COPIED, None),
    row(Action::Decide,        "decision.new",          "Decide: record a decision",         Group::Decision, GLOBAL, Some("decide")),
    row(Action::RecordOutcome, "decision.outcome",      "Record what came of this decision", Group::Decision, DECISIONS, Some("outcome")),
    row(Action::FilterDecisions, "decisions.filter",    "Filter decisions",                  Group::Decision, DECISIONS, Some("filter")),
    row(Action::TurnStatuses,  "decisions.status",      "Decisions of which status: current, every, one", Group::Decision, DECISIONS, Some("status")),
    row(Action::Calibration,   "decisions.calibration", "Calibration: stated confidence against what came of it", Group::Decision, DECISIONS, Some("calibration")),
    row(Action::DecisionHistory, "decision.history",     "History of this decision",          Group::Decision, DECISIONS, Some("history")),
    row(Action::FocusJobs,     "pane.focus-jobs",      "Go to Jobs",                        Group::Deck,     GLOBAL, None),
    row(Action::FocusHealth,   "pane.focus-health",    "Go to Health",                      Group::Deck,     GLOBAL, None),
    row(Action::RunJob,        "job.run",              "Run this job now",                  Group::Jobs,     JOBS, Some("run")),
    row(Action::PauseJob,      "job.pause",            "Pause this job, or resume it",      Group::Jobs,     JOBS, Some("pause")),
    row(Action::CancelRun,     "job.cancel",           "Cancel the run that is going on",   Group::Jobs,     JOBS, Some("cancel")),
    row(Action::FollowLog,     "job.log",              "Follow what the newest run says",   Group::Jobs,     JOBS, Some("log")),
    row(Action::RetryRun,      "job.retry",            "Try a dead letter again",           Group::Jobs,     JOBS, Some("retry")),
    row(Action::DismissRun,    "job.dismiss",          "Dismiss a dead letter",             Group::Jobs,     JOBS, Some("dismiss")),
    row(Action::FilterJobs,    "jobs.filter",          "Filter jobs",                       Group::Jobs,     JOBS, Some("filter")),
    row(Action::SortJobs,      "jobs.sort",            "Jobs by name, by next run, by state", Group::Jobs,   JOBS, Some("sort")),
    row(Action::WhatIsWrong,   "health.explain",       "What is not as it should be, and what to do", Group::Health, GLOBAL, Some("explain")),
    row(Action::Earlier,       "chart.earlier",        "Chart: the moment before, in the Timeline too", Group::Health, HEALTH, Some("earlier")),
    row(Action::Later,         "chart.later",          "Chart: the moment after, in the Timeline too", Group::Health, HEALTH, Some("later")),
    row(Action::FocusHubs,     "pane.focus-hubs",      "Go to Hubs",                        Group::Deck,     GLOBAL, None),
    row(Action::ShowHub,       "hub.show",             "Show only this hub; again, all",    Group::Settings, HUBS, Some("only this")),
    row(Action::HubDetail,     "hub.detail",           "All that is known of this hub",     Group::Settings, HUBS, Some("all of it")),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_indexed_by_its_actions() {
        for (at, row) in ACTIONS.iter().enumerate() {
            assert_eq!(row.action as usize, at, "{}", row.name);
            assert_eq!(Action::named(row.name), Some(row.action));
            assert!(!row.places.is_empty(), "{} lives nowhere", row.name);
        }
        let names: HashSet<_> = ACTIONS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ACTIONS.len());
    }

    #[test]
    fn places_have_their_own_sections() {
        let sections: HashSet<_> = Place::ALL.iter().map(|place| place.section()).collect();
        assert_eq!(sections.len(), Place::ALL.len());
    }
}
