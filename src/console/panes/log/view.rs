//! The Log as drawn: a row an entry, newest below, and the whole of one beside.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{super::search::view_rule, Log};
use crate::{
    console::{
        action::{Action, Place},
        layout::{head, inside},
        model::Connection,
        panes::Pane,
        scene::Scene,
        text,
        theme::Role,
        widgets::{
            frame::{input, row_as, underline},
            tail::Stand,
        },
    },
    telemetry::{self, Entry, Level},
};

/// Columns from which a row has room for the fraction of a second, and for who said it.
const WIDE: usize = 72;
const LEVEL_WIDTH: usize = 5;
/// Its place among the spans of a row.
const LEVEL_SPAN: usize = 3;
const TARGET_WIDTH: usize = 20;
const LABEL_WIDTH: usize = 11;
/// Where the program's own modules begin, which says nothing here.
const CRATE: &str = "wheelhouse::";

impl Log {
    pub(super) fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let [top, _] = head(inside(self.area), Log::HEAD_LINES);
        self.view_head(frame, top, focused, scene);
        if self.split.list.height > 0 {
            self.view_rows(frame, focused && !self.reading, scene);
        }
        if let Some((area, rule)) = self.split.rule {
            view_rule(frame, area, rule, scene);
        }
        if let Some(entry) = self.selected().filter(|_| self.open) {
            self.view_entry(frame, entry, scene);
        }
    }

    fn view_head(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let theme = scene.theme;
        let [line, below] = head(area, 1);
        if self.typing || self.is_filtered() {
            let active = focused && self.typing;
            input(frame, line, &self.filter_text, "", "level:warn  words", active, scene);
        } else {
            let said = self.place_in_words(line.width as usize, scene);
            frame.render_widget(Paragraph::new(Line::styled(said, theme.style(Role::Muted))), line);
        }
        let (said, role) = match &self.fault {
            Some(fault) => {
                let column = 2 + text::width(self.filter_text.text().get(..fault.at).unwrap_or_default());
                underline(frame, line, column..column + 1, theme.style(Role::QueryError));
                let said = format!("{} {}", theme.glyph(Role::Error), fault.why);
                (text::cut(&said, below.width as usize).into_owned(), Role::Error)
            }
            None => (theme.lines().0.repeat(below.width as usize), Role::Rule),
        };
        frame.render_widget(Paragraph::new(Line::styled(said, theme.style(role))), below);
    }

    /// The file, its beginning cut when there is no room, and from what level on; whose words these are, if there is
    /// room for that too.
    fn place_in_words(&self, width: usize, scene: &Scene) -> String {
        let level = format!("log_level {}", self.place.level);
        let Some(data_dir) = &self.place.data_dir else {
            return text::cut(&format!("no file could be made; this is all there is   {level}"), width)
                .into_owned();
        };
        let file = telemetry::file(data_dir, scene.now).display().to_string();
        let whose = match scene.hub.connection {
            Connection::Live { owned: false } => "   this console's own; the hub's is in the file too",
            _ => "",
        };
        let whose = if text::width(&file) + text::width(&level) + text::width(whose) + 3 > width {
            ""
        } else {
            whose
        };
        let room = width.saturating_sub(text::width(&level) + 3);
        // Where it is matters more than the level.
        if room < file.len().min(24) {
            return text::cut_left(&file, width).into_owned();
        }
        format!("{}   {level}{whose}", text::cut_left(&file, room))
    }

    fn view_rows(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let (area, theme) = (self.split.list, scene.theme);
        if self.shown.is_empty() {
            let said = if self.is_filtered() {
                let esc = scene.key(Action::Back, Place::Log);
                format!(
                    "No entry is like that.{}",
                    esc.map_or(String::new(), |esc| format!(" {esc} shows all."))
                )
            } else {
                format!(
                    "Nothing has been logged since the start, at log_level {}. The setting can be a level, or directives \
                     such as \"wheelhouse::store=debug,info\".",
                    self.place.level
                )
            };
            let lines = text::wrap(&said, area.width.max(1) as usize);
            let lines: Vec<_> =
                lines.into_iter().map(|line| Line::styled(line, theme.style(Role::Placeholder))).collect();
            frame.render_widget(Paragraph::new(lines), area);
            return;
        }
        let selected = self.tail.selected(&self.shown);
        let held = self.tail.stand() != Stand::Following || self.open;
        let rows = self.tail.visible(&self.shown).filter_map(|row| Some((row, self.row(row)?)));
        let lines: Vec<_> = rows
            .map(|(row, entry)| {
                let line = entry_line(entry, area.width as usize, scene);
                let chosen = (held && selected == Some(row)).then_some(focused);
                row_as(line, chosen, (LEVEL_SPAN, role(entry.level)), theme)
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
        if let Some(track) = self.track() {
            track.view(frame, scene);
        }
    }

    /// An opened entry ends where its last line stands.
    pub(super) fn clamp_scroll(&mut self, scene: &Scene) {
        if self.open && self.scroll > 0 {
            let area = self.entry_area();
            let entry = self.selected();
            let lines = entry.map_or(0, |entry| self.entry_lines(entry, area.width as usize, scene).len());
            self.scroll = self.scroll.min(lines.saturating_sub(area.height as usize));
        }
    }

    fn entry_area(&self) -> Rect {
        let area = self.split.side;
        Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area }
    }

    fn view_entry(&self, frame: &mut Frame, entry: &Entry, scene: &Scene) {
        let area = self.entry_area();
        let lines = self.entry_lines(entry, area.width as usize, scene);
        let from = self.scroll.min(lines.len().saturating_sub(area.height as usize));
        let shown: Vec<_> = lines.into_iter().skip(from).take(area.height as usize).collect();
        frame.render_widget(Paragraph::new(shown), area);
    }

    fn entry_lines(&self, entry: &Entry, width: usize, scene: &Scene) -> Vec<Line<'static>> {
        let theme = scene.theme;
        let mut lines = Vec::new();
        for part in entry.message.lines() {
            let wrapped = text::wrap(&text::escape_line(part), width.max(1));
            lines.extend(wrapped.into_iter().map(|line| Line::styled(line, theme.style(Role::Strong))));
        }
        lines.push(Line::styled(theme.lines().0.repeat(width), theme.style(Role::Rule)));
        let mut row = |name: &str, value: &str, role: Role| {
            let room = width.saturating_sub(LABEL_WIDTH).max(1);
            for (i, line) in text::wrap(&text::escape_line(value), room).into_iter().enumerate() {
                let name = if i == 0 { text::cut(name, LABEL_WIDTH - 1) } else { "".into() };
                lines.push(Line::from(vec![
                    Span::styled(text::pad(&name, LABEL_WIDTH), theme.style(Role::Label)),
                    Span::styled(line, theme.style(role)),
                ]));
            }
        };
        let mark = theme.glyph(role(entry.level));
        row("level", format!("{mark} {}", entry.level.word()).trim_start(), role(entry.level));
        let age = crate::console::scene::age(scene.now, entry.time);
        row("time", &format!("{}, {age}", scene.local(entry.time)), Role::Text);
        row("", &entry.time.to_string(), Role::Text);
        row("said by", entry.target, Role::Text);
        for (name, value) in &entry.fields {
            // Each line of a value keeps its own.
            for (i, part) in value.lines().enumerate() {
                row(if i == 0 { name } else { "" }, part, Role::Text);
            }
        }
        if let Some(data_dir) = &self.place.data_dir {
            row("file", &telemetry::file(data_dir, entry.time).display().to_string(), Role::Muted);
        }
        lines
    }
}

fn role(level: Level) -> Role {
    match level {
        Level::Error => Role::Error,
        Level::Warn => Role::Warn,
        Level::Info => Role::Info,
        Level::Debug | Level::Trace => Role::Muted,
    }
}

/// Narrow panes give up the fraction of the second and who said it.
fn entry_line(entry: &Entry, width: usize, scene: &Scene) -> Line<'static> {
    let theme = scene.theme;
    let role = role(entry.level);
    let mark = match theme.glyph(role) {
        "" => " ",
        glyph if entry.level <= Level::Warn => glyph,
        _ => " ",
    };
    let (time_width, target_width) = if width >= WIDE { (12, TARGET_WIDTH) } else { (8, 0) };
    let time = text::pad(text::fitting(&scene.at(entry.time), time_width), time_width);
    let target = match target_width {
        0 => String::new(),
        // Its end tells more than its beginning.
        wide => {
            let target = entry.target.strip_prefix(CRATE).unwrap_or(entry.target);
            format!("{}  ", text::pad(&text::cut_left(target, wide), wide))
        }
    };
    let taken = 2 + time_width + 2 + LEVEL_WIDTH + 2 + text::width(&target);
    let room = width.saturating_sub(taken);
    let message = text::cut(&text::escape_line(&entry.message), room).into_owned();
    let fields: String = entry.fields.iter().map(|(name, value)| format!("  {name}={value}")).collect();
    let rest = room.saturating_sub(text::width(&message));
    let fields = text::pad(&text::cut(&text::escape_line(&fields), rest), rest);
    Line::from(vec![
        Span::styled(format!("{mark} "), theme.style(role)),
        Span::styled(time, theme.style(Role::Time)),
        Span::raw("  "),
        Span::styled(text::pad(entry.level.word(), LEVEL_WIDTH), theme.style(role)),
        Span::raw("  "),
        Span::styled(target, theme.style(Role::Muted)),
        Span::styled(message, theme.style(Role::Text)),
        Span::styled(fields, theme.style(Role::Muted)),
    ])
}
