//! What things look like: code names roles, a theme file says what they are in every depth of colour.
//!
//! A theme is TOML (`themes/`): a palette with each colour as RGB, as one of 256 and as one of 16, and roles made of
//! them, with a glyph, its ASCII stand-in and a word. A role that a file leaves out takes what stands before its last
//! dot; `link` takes another's. Without colour, and where a background does not exist among 16, a role's `no_color`
//! modifiers stand in, so that a selection is never lost.
//!
//! Invariant: every role has a style in every theme and depth, decided when the theme is loaded; drawing only indexes.

mod file;

use std::fmt;

use ratatui::{
    style::{Modifier, Style},
    symbols::border,
};

pub use file::ThemeError;

/// The shipped themes: name, text. The first is the one taken when nothing is known.
const SHIPPED: [(&str, &str); 2] = [
    ("harbour", include_str!("../../themes/harbour.toml")),
    ("harbour-day", include_str!("../../themes/harbour-day.toml")),
];

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
    Scrollbar = "scrollbar",
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
    // States: each has a glyph and a word.
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
    EventHub = "event.hub",
    Correlation = "event.correlation",
    Fresh = "event.fresh",
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

#[derive(Debug, Clone, PartialEq)]
struct Look {
    style: Style,
    glyph: String,
    word: String,
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
    /// The names of the shipped themes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SHIPPED.iter().map(|(name, _)| *name)
    }

    /// A shipped theme by its name.
    pub fn load(name: &str, depth: Depth, ascii: bool) -> Result<Theme, ThemeError> {
        let text = SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text);
        let text = text.ok_or_else(|| ThemeError::Unknown { name: name.to_owned() })?;
        Theme::read(text, depth, ascii)
    }

    /// A theme from a file's text.
    pub fn read(text: &str, depth: Depth, ascii: bool) -> Result<Theme, ThemeError> {
        file::read(text, depth, ascii)
    }

    /// The shipped theme for a terminal of this brightness.
    pub fn for_mode(mode: Mode, depth: Depth, ascii: bool) -> Theme {
        let name = match mode {
            Mode::Dark => SHIPPED[0].0,
            Mode::Light => SHIPPED[1].0,
        };
        Theme::load(name, depth, ascii).expect("a test loads every shipped theme")
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

    /// The role's sign, empty when it has none. One column wide.
    pub fn glyph(&self, role: Role) -> &str {
        &self.looks[role as usize].glyph
    }

    /// The role in a word, empty when it has none.
    pub fn word(&self, role: Role) -> &str {
        &self.looks[role as usize].word
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
