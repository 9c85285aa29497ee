//! The Timeline as drawn: a row an event, newest below, and the whole of one beside.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{
    super::search::{scrollbar, view_rule},
    Mode, Timeline,
};
use crate::console::text;
use crate::{
    console::{
        layout::{head, inside},
        scene::Scene,
        theme::{Role, Theme},
        widgets::frame::{input, underline},
    },
    model::{Event, Severity},
};

const KIND_WIDTH: usize = 17;
/// Its place among the spans of a row.
const KIND_SPAN: usize = 3;
const PROJECT_MAX: usize = 16;
/// Columns from which a row has room for all, and for all but the fraction of a second and the project.
const WIDE: usize = 72;
const NARROW: usize = 56;
const CORRELATION: usize = 4;

impl Timeline {
    /// What stands in the border: how the view stands.
    pub fn state_words(&self, scene: &Scene) -> Vec<Span<'static>> {
        let theme = scene.theme;
        let (role, word) = match self.mode {
            Mode::Following => (Role::Live, "following"),
            Mode::Scrolled => (Role::Muted, "held"),
            Mode::Paused => (Role::Paused, "paused"),
        };
        vec![Span::styled(format!("{word} "), theme.style(role))]
    }

    /// `▼ 128 new (G)`, at the lower border.
    pub fn new_words(&self, scene: &Scene) -> Option<Span<'static>> {
        if self.new == 0 || self.mode == Mode::Following {
            return None;
        }
        let arrow = if scene.theme.ascii() { "v" } else { "▼" };
        Some(Span::styled(
            format!(" {arrow} {} new (G) ", text::count(self.new)),
            scene.theme.style(Role::Fresh),
        ))
    }

    pub fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let inner = inside(self.area);
        let [top, _] = head(inner, self.head_lines());
        if top.height > 0 {
            self.view_filter(frame, top, focused, scene);
        }
        if self.split.list.height > 0 {
            self.view_rows(frame, focused && !self.reading, scene);
        }
        if let Some((area, rule)) = self.split.rule {
            view_rule(frame, area, rule, scene);
        }
        if self.open
            && let Some(event) = self.selected()
        {
            self.view_event(frame, event, scene);
        }
    }

    fn view_filter(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let theme = scene.theme;
        let [line, below] = head(area, 1);
        let placeholder = "memory.*  severity:error  since:1h  words";
        input(frame, line, &self.filter_text, "", placeholder, focused && self.typing, scene);
        if let Some(fault) = &self.filter_fault {
            let column = 2 + text::width(self.filter_text.text().get(..fault.at).unwrap_or_default());
            underline(frame, line, column..column + 1, theme.style(Role::QueryError));
            let said = format!("{} {}", theme.glyph(Role::Error), fault.why);
            let said = text::cut(&said, below.width as usize).into_owned();
            frame.render_widget(Paragraph::new(Line::styled(said, theme.style(Role::Error))), below);
        }
    }

    fn view_rows(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let area = self.split.list;
        let theme = scene.theme;
        if self.feed().is_empty() {
            let said = if self.is_paging() {
                "looking through the history…"
            } else if self.is_filtered() {
                "No event is like that. Esc shows all."
            } else if scene.hub.is_live() {
                "Nothing has happened yet. What changes, here or from any shell, is seen here at once."
            } else {
                ""
            };
            let lines: Vec<_> = text::wrap(said, area.width.max(1) as usize)
                .into_iter()
                .map(|line| Line::styled(line, theme.style(Role::Placeholder)))
                .collect();
            frame.render_widget(Paragraph::new(lines), area);
            return;
        }
        let selected = self.selected_row();
        let held = self.mode != Mode::Following || self.open;
        let mut lines = Vec::with_capacity(area.height as usize);
        let mut rows = 0..0;
        for (row, event) in self.visible() {
            if lines.is_empty() {
                rows = row..row;
            }
            rows.end = row + 1;
            let line = event_line(event, area.width as usize, scene);
            lines.push(match (held && selected == Some(row), focused) {
                (true, true) => lit(line, kind_role(event), theme),
                (true, false) => line.style(theme.style(Role::SelectionIdle)),
                _ => line,
            });
        }
        let dimmed = if scene.hub.is_live() { Style::new() } else { theme.style(Role::Off) };
        frame.render_widget(Paragraph::new(lines).style(dimmed), area);
        scrollbar(frame, area, self.split.rule, rows, self.feed().len(), scene);
    }

    fn view_event(&self, frame: &mut Frame, event: &Event, scene: &Scene) {
        let area = self.split.side;
        let area = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area };
        let lines = event_lines(event, area.width as usize, scene);
        let from = self.scroll.min(lines.len().saturating_sub(area.height as usize));
        let shown: Vec<_> = lines.into_iter().skip(from).take(area.height as usize).collect();
        frame.render_widget(Paragraph::new(shown), area);
    }
}

/// A selected row: its kind keeps its colour, the rest is one style, so that moving the selection is cheap to send.
fn lit(line: Line<'static>, kind: Role, theme: &Theme) -> Line<'static> {
    let spans = line.spans.into_iter().enumerate();
    let style = |i| if i == KIND_SPAN { theme.selected(kind) } else { Style::new() };
    let spans: Vec<_> = spans.map(|(i, span)| span.style(style(i))).collect();
    Line::from(spans).style(theme.style(Role::Selection))
}

fn kind_role(event: &Event) -> Role {
    match (event.severity, event.domain()) {
        (Severity::Error, _) => Role::Error,
        (Severity::Warn, _) => Role::Warn,
        (_, "memory") => Role::EventMemory,
        (_, "search") => Role::EventSearch,
        (_, "source") => Role::EventSource,
        _ => Role::EventHub,
    }
}

/// What it is about, in a few words.
fn about(event: &Event) -> String {
    let count = |name: &str| event.data.get(name).and_then(serde_json::Value::as_u64);
    match event.kind.as_str() {
        "search.served" => {
            let query = event.text("query").unwrap_or_default();
            match count("hits").or(count("total")) {
                Some(hits) => format!("{query}  {} hits", text::count(hits)),
                None => query.to_owned(),
            }
        }
        "source.synced" => {
            let source = event.text("source").unwrap_or_default();
            let counts: Vec<_> = ["taken", "changed", "unchanged", "skipped"]
                .iter()
                .filter_map(|name| Some((count(name)?, name)))
                .filter(|(n, _)| *n > 0)
                .map(|(n, name)| format!("{} {name}", text::count(n)))
                .collect();
            format!("{source}  {}", counts.join(", "))
        }
        _ => {
            let said = ["title", "message", "reason", "what", "name", "view", "file"];
            match said.iter().find_map(|name| event.text(name)) {
                Some(said) => said.to_owned(),
                None => event
                    .data
                    .iter()
                    .filter(|(_, value)| !value.is_object() && !value.is_array())
                    .take(3)
                    .map(|(name, value)| {
                        format!("{name} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                    })
                    .collect::<Vec<_>>()
                    .join("  "),
            }
        }
    }
}

/// Moments, not ages: in a stream order and distance matter, and a row that stands still costs nothing to draw.
/// Narrow panes give up the fraction of the second, then the correlation.
fn event_line(event: &Event, width: usize, scene: &Scene) -> Line<'static> {
    let theme = scene.theme;
    let role = kind_role(event);
    let mark = match event.severity {
        Severity::Info => " ",
        Severity::Warn => theme.glyph(Role::Warn),
        Severity::Error => theme.glyph(Role::Error),
    };
    let mark = if mark.is_empty() { " " } else { mark };
    let time_width = if width >= WIDE { 12 } else { 8 };
    let time = text::pad(text::fitting(&scene.at(event.time), time_width), time_width);
    let correlation = if width >= NARROW {
        format!(" #{}", event.correlation_id.short(CORRELATION))
    } else {
        String::new()
    };
    let project = match event.subject.project() {
        "_" => String::new(),
        name if width >= WIDE => format!(" {}", text::cut(name, PROJECT_MAX)),
        _ => String::new(),
    };
    let taken = 2 + time_width + 2 + KIND_WIDTH + 1 + text::width(&correlation) + text::width(&project);
    let room = width.saturating_sub(taken);
    let said = text::pad(&text::cut(&text::escape_line(&about(event)), room), room);
    Line::from(vec![
        Span::styled(format!("{mark} "), theme.style(role)),
        Span::styled(time, theme.style(Role::Time)),
        Span::raw("  "),
        Span::styled(text::pad(&event.kind, KIND_WIDTH), theme.style(role)),
        Span::raw(" "),
        Span::styled(said, theme.style(Role::Text)),
        Span::styled(project, theme.style(Role::Project)),
        Span::styled(correlation, theme.style(Role::Correlation)),
    ])
}

fn event_lines(event: &Event, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let mut lines = vec![Line::styled(event.kind.clone(), theme.style(kind_role(event)))];
    lines.push(Line::styled(theme.lines().0.repeat(width), theme.style(Role::Rule)));
    let mut row = |name: &str, value: &str| {
        let room = width.saturating_sub(13).max(1);
        for (i, line) in text::wrap(&text::escape_line(value), room).into_iter().enumerate() {
            let label = if i == 0 { text::pad(&text::cut(name, 12), 13) } else { " ".repeat(13) };
            lines.push(Line::from(vec![
                Span::styled(label, theme.style(Role::Label)),
                Span::styled(line, theme.style(Role::Text)),
            ]));
        }
    };
    row("subject", event.subject.as_str());
    row("severity", event.severity.word());
    for (label, time) in [("happened", event.time), ("recorded", event.recorded_at)] {
        row(label, &format!("{}, {}", scene.local(time), crate::console::scene::age(scene.now, time)));
        row("", &time.to_string());
    }
    row("by", &event.actor.0);
    row("sequence", &text::count(event.sequence.0));
    row("id", &event.id.to_string());
    row("correlation", &event.correlation_id.to_string());
    if let Some(cause) = event.causation_id {
        row("caused by", &cause.to_string());
    }
    if !event.data.is_empty() {
        row("", "");
        for (name, value) in &event.data {
            let value = value
                .as_str()
                .map_or_else(|| serde_json::to_string_pretty(value).unwrap_or_default(), str::to_owned);
            for (i, part) in value.lines().enumerate() {
                row(if i == 0 { name } else { "" }, part);
            }
        }
    }
    lines
}
