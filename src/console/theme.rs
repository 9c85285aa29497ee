//! What things look like: code names roles, a theme file says what they are in every depth of colour.
//!
//! A theme is TOML (`themes/`): a palette with each colour as RGB, as one of 256 and as one of 16, and roles made of
//! them, with a glyph and its ASCII stand-in. `extends` begins with another theme; a role that no file names
//! takes what stands before its last dot; `link` takes another's. Without colour, and where a colour among 16 is the
//! terminal's own, a role's `no_color` modifiers stand in, so that a selection is never lost.
//!
//! Invariant: every role has a style in every theme and depth, decided when the theme is loaded; drawing only indexes.

pub mod colour;
mod file;
mod looks;
mod shelf;

use std::fmt;

use ratatui::{
    style::{Modifier, Style},
    symbols::border,
};

pub use looks::{Choice, Looks, keep, kept};
pub use shelf::Themes;

/// The shipped themes: name, text. The first two are taken when nothing is chosen.
const SHIPPED: [(&str, &str); 6] = [
    ("harbour", include_str!("../../themes/harbour.toml")),
    ("harbour-day", include_str!("../../themes/harbour-day.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("colour-blind-safe", include_str!("../../themes/colour-blind-safe.toml")),
    ("colour-blind-safe-day", include_str!("../../themes/colour-blind-safe-day.toml")),
    ("ansi16", include_str!("../../themes/ansi16.toml")),
];

/// Why a theme cannot be had.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum ThemeError {
    #[error("no theme is called {name:?}{}", meant(near))]
    Unknown { name: String, near: Option<String> },
    #[error("{file} cannot be read: {why}")]
    Unreadable { file: String, why: String },
    #[error("{file}:{line}: {wrong}")]
    File { file: String, line: usize, wrong: Wrong },
}

/// What is wrong in a theme's file.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum Wrong {
    #[error("{0}")]
    Syntax(String),
    #[error("themes of version {0} are not known here, only version 1")]
    Version(u32),
    #[error("the file's name is the theme's, and this is {name:?}")]
    Name { name: String },
    #[error("no theme is called {base:?}{}", meant(near))]
    Base { base: String, near: Option<String> },
    #[error("{base:?} and what it extends extend one another without end")]
    Endless { base: String },
    #[error("{role:?} is no role{}", meant(near))]
    Role { role: String, near: Option<String> },
    #[error("the palette has no colour {colour:?}{}", meant(near))]
    Colour { colour: String, near: Option<String> },
    #[error("{modifier:?} is no modifier{}", meant(near))]
    Modifier { modifier: String, near: Option<String> },
    #[error("{role}: links in a circle")]
    Circle { role: String },
    #[error("{value:?} is no colour; write it as \"#rrggbb\"")]
    Rgb { value: String },
    #[error("{value:?} is none of the 16 colours, nor \"reset\"")]
    Ansi16 { value: String },
    #[error("{colour} needs `rgb` or `ansi16`")]
    Colourless { colour: String },
    #[error("{glyph:?} is wider than one column")]
    Glyph { glyph: String },
    #[error("{glyph:?} is not one character of ASCII")]
    Ascii { glyph: String },
}

fn meant(near: &Option<String>) -> String {
    near.as_ref().map_or(String::new(), |near| format!("; did you mean {near:?}?"))
}

macro_rules! roles {
    ($($role:ident = $name:literal,)+) => {
        /// What a thing on screen is. Its look stands in the theme.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Role { $($role,)+ }

        impl Role {
            pub const ALL: &'static [Role] = &[$(Role::$role,)+];

            /// Its name in theme files.
            pub fn name(self) -> &'static str {
                match self { $(Role::$role => $name,)+ }
            }
        }
    };
}

roles! {
    // The ground everything stands on; fill the screen with it first.
    Base = "base",
    Text = "text",
    Strong = "text.strong",
    Muted = "text.muted",
    Accent = "text.accent",
    // Frames.
    Border = "border",
    BorderFocus = "border.focus",
    Title = "title",
    TitleFocus = "title.focus",
    Rule = "rule",
    ScrollThumb = "scrollbar.thumb",
    // The header and the hint bar.
    Header = "header",
    HeaderName = "header.name",
    HintKey = "hint.key",
    Hint = "hint",
    HintOff = "hint.off",
    Tab = "tab",
    TabActive = "tab.active",
    // Lists. The glyph of `selection` stands before the selected row.
    Selection = "selection",
    SelectionIdle = "selection.idle",
    Match = "match",
    Kind = "kind",
    Tag = "tag",
    Project = "project",
    Age = "age",
    Score = "score",
    ScoreRest = "score.rest",
    // Overlays and forms.
    Overlay = "overlay",
    OverlayBorder = "overlay.border",
    OverlayTitle = "overlay.title",
    Danger = "danger",
    Label = "field.label",
    LabelFocus = "field.label.focus",
    FieldError = "field.error",
    Placeholder = "placeholder",
    Caret = "caret",
    Ghost = "ghost",
    QueryField = "query.field",
    QueryError = "query.error",
    // A field of a query that is not being typed. Its glyph takes it away.
    Chip = "query.chip",
    // States: each has a glyph.
    Ok = "status.ok",
    Live = "status.live",
    Busy = "status.busy",
    Paused = "status.paused",
    Info = "status.info",
    Warn = "status.warn",
    Error = "status.error",
    Off = "status.off",
    // Events.
    Time = "event.time",
    EventMemory = "event.memory",
    EventSearch = "event.search",
    EventSource = "event.source",
    EventDecision = "event.decision",
    EventJob = "event.job",
    EventHealth = "event.health",
    EventHub = "event.hub",
    Correlation = "event.correlation",
    Fresh = "event.fresh",
    // Runs of jobs: each has a glyph.
    JobOk = "job.ok",
    JobFailed = "job.failed",
    JobRunning = "job.running",
    JobRetrying = "job.retrying",
    JobQueued = "job.queued",
    JobSkipped = "job.skipped",
    JobCancelled = "job.cancelled",
    JobLost = "job.lost",
    JobDead = "job.dead",
    // Parts of the hub: each has a glyph.
    HealthUp = "health.up",
    HealthDegraded = "health.degraded",
    HealthDown = "health.down",
    // Charts and progress. `bar` of a chart is one glyph of [`Theme::bars`].
    Chart = "chart",
    ChartError = "chart.error",
    Progress = "progress",
    ProgressRest = "progress.rest",
    // Markdown.
    Heading1 = "md.heading.1",
    Heading2 = "md.heading.2",
    Heading3 = "md.heading.3",
    Code = "md.code",
    CodeBlock = "md.code.block",
    Link = "md.link",
    LinkTarget = "md.link.target",
    Quote = "md.quote",
    Bullet = "md.bullet",
    TaskDone = "md.task.done",
    TaskOpen = "md.task.open",
    TableHead = "md.table.head",
    MarkdownRule = "md.rule",
    // Code inside Markdown, on the ground of `md.code.block`.
    CodeKeyword = "code.keyword",
    CodeString = "code.string",
    CodeComment = "code.comment",
    CodeNumber = "code.number",
    CodeFunction = "code.function",
    CodeAdded = "code.added",
    CodeRemoved = "code.removed",
}

/// How many colours there are to draw with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Depth {
    #[default]
    True,
    Ansi256,
    Ansi16,
    /// NO_COLOR: modifiers only.
    None,
}

/// What a theme is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    #[default]
    Dark,
    Light,
}

impl Mode {
    /// The theme taken when none was chosen.
    fn shipped(self) -> &'static str {
        match self {
            Mode::Dark => SHIPPED[0].0,
            Mode::Light => SHIPPED[1].0,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Mode::Dark => "dark",
            Mode::Light => "light",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Look {
    style: Style,
    glyph: String,
}

/// A theme as drawn in one depth of colour and one set of glyphs.
#[derive(Clone)]
pub struct Theme {
    name: String,
    mode: Mode,
    depth: Depth,
    ascii: bool,
    looks: Vec<Look>,
}

impl fmt::Debug for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Theme({}, {:?}, ascii: {})", self.name, self.depth, self.ascii)
    }
}

impl Theme {
    /// The shipped theme for a terminal of this brightness.
    pub fn for_mode(mode: Mode, depth: Depth, ascii: bool) -> Theme {
        Themes::default().load(mode.shipped(), depth, ascii).expect("a test loads every shipped theme")
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn depth(&self) -> Depth {
        self.depth
    }

    pub fn ascii(&self) -> bool {
        self.ascii
    }

    pub fn style(&self, role: Role) -> Style {
        self.looks[role as usize].style
    }

    /// What stands in the selected row: as its role looks, unless the selection has a colour of its own for all of it;
    /// then only what is not colour is left.
    pub fn selected(&self, role: Role) -> Style {
        let style = self.style(role);
        if self.selection_is_whole() { Style::new().add_modifier(style.add_modifier) } else { style }
    }

    /// The selected row has a colour of its own for all of it.
    pub fn selection_is_whole(&self) -> bool {
        let selection = self.style(Role::Selection);
        selection.fg.is_some() || selection.add_modifier.contains(Modifier::REVERSED)
    }

    /// The role's sign, empty when it has none. One column wide.
    pub fn glyph(&self, role: Role) -> &str {
        &self.looks[role as usize].glyph
    }

    /// Corners and lines of a pane.
    pub fn border(&self) -> border::Set<'static> {
        if self.ascii { ASCII_BORDER } else { border::ROUNDED }
    }

    /// Nine heights, from nothing to full, for sparklines and histograms.
    pub fn bars(&self) -> [&'static str; 9] {
        if self.ascii { [" ", ".", ".", ":", ":", "-", "=", "#", "#"] } else { BARS }
    }

    /// The lines inside boxes: across and down.
    pub fn lines(&self) -> (&'static str, &'static str) {
        if self.ascii { ("-", "|") } else { ("─", "│") }
    }

    /// Stands for what was cut off.
    pub fn ellipsis(&self) -> &'static str {
        if self.ascii { "~" } else { "…" }
    }

    /// Between short facts on a line.
    pub fn dot(&self) -> &'static str {
        if self.ascii { "-" } else { "·" }
    }
}

const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

/// Bold without a colour of its own, for emphasis inside any text.
pub const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
