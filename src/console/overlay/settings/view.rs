//! Settings as drawn: name, value, and who else says so; below them what the selected one is.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line as Text, Span},
    widgets::Paragraph,
};

use super::{Name, Settings};
use crate::console::{
    action::{Action, Place},
    layout::head,
    scene::Scene,
    text,
    theme::Role,
    widgets::frame::{foot, input, window},
};

const WIDTH: u16 = 70;
const NAME_WIDTH: usize = 10;
/// Stands for a source that has no room.
const SET: &str = "set";
/// Border, what is typed, a line of air below it.
const FRAME: u16 = 4;
/// A line of air and the words about the selected setting.
const ABOUT: u16 = 3;

/// Settings that fit.
pub(super) fn rows(area: Rect) -> usize {
    let about = if area.height >= FRAME + ABOUT + Name::ALL.len() as u16 { ABOUT } else { 0 };
    area.height.saturating_sub(FRAME + about).max(1) as usize
}

pub(super) fn view(settings: &Settings, frame: &mut Frame, area: Rect, scene: &Scene) {
    let theme = scene.theme;
    let width = WIDTH.min(area.width);
    let listed = rows(area).min(Name::ALL.len()) as u16;
    let about = if area.height >= FRAME + ABOUT + listed { ABOUT } else { 0 };
    let height = (FRAME + listed + about).min(area.height);
    let at = Rect {
        x: area.right() - width - area.width.saturating_sub(width).min(2),
        y: area.bottom() - height - area.height.saturating_sub(height).min(1),
        width,
        height,
    };
    let inner = window(frame, at, "Settings", scene);
    foot(frame, at, Place::Settings, &keys(settings), scene);
    let [top, body] = head(inner, 2);
    input(frame, top, &settings.typed, "", "type to find a setting", true, scene);
    let [list, below] = head(body, listed);
    let shown = settings.shown();
    let lines: Vec<Text> = if shown.is_empty() {
        vec![Text::styled("no setting is called that", theme.style(Role::Placeholder))]
    } else {
        let visible = settings.list.visible();
        visible
            .filter_map(|at| Some(row(settings, at, *shown.get(at)?, inner.width as usize, scene)))
            .collect()
    };
    frame.render_widget(Paragraph::new(lines), list);
    if let Some(name) = settings.selected() {
        let about = match settings.given.source(name.key()) {
            Some(source) => format!("{} Set by {}.", name.about(), text::escape_line(source)),
            None => name.about().to_owned(),
        };
        let said = text::wrap(&about, inner.width.max(1) as usize).into_iter();
        let lines: Vec<_> = std::iter::once(Text::default())
            .chain(said.map(|line| Text::styled(line, theme.style(Role::Muted))))
            .take(below.height as usize)
            .collect();
        frame.render_widget(Paragraph::new(lines), below);
    }
}

/// What the keys do now.
fn keys(settings: &Settings) -> [(Action, &'static str); 4] {
    let enter = match settings.selected() {
        _ if settings.is_changed() => "keep",
        Some(Name::Theme | Name::Zone) => "list",
        _ => "change",
    };
    let back = if settings.is_changed() { "as before" } else { "close" };
    [(Action::Open, enter), (Action::Back, back), (Action::NextValue, "change"), (Action::Theme, "themes")]
}

fn row(settings: &Settings, at: usize, name: Name, width: usize, scene: &Scene) -> Text<'static> {
    let theme = scene.theme;
    let chosen = settings.list.selected() == Some(at);
    let style = |role| if chosen { theme.selected(role) } else { theme.style(role) };
    let base = theme.style(if chosen { Role::Selection } else { Role::Text });
    let mark = if chosen { theme.glyph(Role::Selection) } else { " " };
    let (before, after) = match (chosen, theme.ascii()) {
        (true, false) => ("‹ ", " ›"),
        (true, true) => ("< ", " >"),
        (false, _) => ("  ", "  "),
    };
    let (source, role) = source(settings, name);
    let room = width.saturating_sub(2 + NAME_WIDTH + 4);
    let value = name.value(settings, scene);
    let value = text::cut(&value, room).into_owned();
    let left = room.saturating_sub(text::width(&value) + 2);
    let source = fitting(source, left);
    let gap = room.saturating_sub(text::width(&value) + text::width(&source) + 1);
    let dim = style(Role::Muted);
    let role_of_value = match (changed(settings, name), chosen) {
        (true, _) => Role::Accent,
        (false, true) => Role::Strong,
        (false, false) => Role::Text,
    };
    Text::from(vec![
        Span::raw(format!("{mark} {}", text::pad(name.title(), NAME_WIDTH))),
        Span::styled(before, dim),
        Span::styled(value, style(role_of_value)),
        Span::styled(after, dim),
        Span::raw(" ".repeat(gap)),
        Span::styled(source, style(role)),
        Span::raw(" "),
    ])
    .style(base)
}

/// It is only looked at so far.
fn changed(settings: &Settings, name: Name) -> bool {
    if name == Name::Theme {
        return settings.now.theme != settings.before.theme;
    }
    let of = |values: [(&'static str, String); 7]| values.into_iter().find(|(key, _)| *key == name.key());
    of(settings.now.values()) != of(settings.before.values())
}

/// In as many columns: of a path its end, whose name tells more than its beginning, or that it is set at all; of words
/// all or nothing.
fn fitting(source: String, columns: usize) -> String {
    if text::width(&source) <= columns {
        return source;
    }
    match source.rsplit_once('/') {
        Some((_, name)) if text::width(name) <= columns => {
            if columns > text::width(name) + 2 {
                text::cut_left(&source, columns).into_owned()
            } else {
                name.to_owned()
            }
        }
        Some(_) if columns >= SET.len() => SET.to_owned(),
        _ => String::new(),
    }
}

/// Who says so, at the right of a row: nobody, the person here, or a file or variable.
fn source(settings: &Settings, name: Name) -> (String, Role) {
    if changed(settings, name) {
        return ("not kept yet".to_owned(), Role::Accent);
    }
    match settings.given.source(name.key()) {
        Some(source) => (text::escape_line(source).into_owned(), Role::Warn),
        None if settings.is_chosen(name) => ("chosen here".to_owned(), Role::Muted),
        None => (String::new(), Role::Muted),
    }
}
