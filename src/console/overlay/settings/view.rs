//! Settings as drawn: name, value, and who else says so; below them what the selected one is.

use ratatui::text::{Line as Text, Span};

use super::{Name, Settings};
use crate::console::{action::Action, scene::Scene, text, theme::Role, widgets::finder::Row};

const NAME_WIDTH: usize = 10;
/// Stands for a source that has no room.
const SET: &str = "set";

/// What the keys do now.
pub(super) fn keys(settings: &Settings) -> Vec<(Action, &'static str)> {
    let enter = match settings.selected() {
        _ if settings.is_changed() => "keep",
        Some(Name::Theme | Name::Zone) => "list",
        _ => "change",
    };
    let back = if settings.is_changed() { "as before" } else { "close" };
    vec![
        (Action::Open, enter),
        (Action::Back, back),
        (Action::NextValue, "change"),
        (Action::Theme, "themes"),
    ]
}

pub(super) fn row(settings: &Settings, name: Name, row: &Row, scene: &Scene) -> Text<'static> {
    let theme = scene.theme;
    let chosen = row.chosen;
    let style = |role| if chosen { theme.selected(role) } else { theme.style(role) };
    let base = theme.style(if chosen { Role::Selection } else { Role::Text });
    let (before, after) = match (chosen, theme.ascii()) {
        (true, false) => ("‹ ", " ›"),
        (true, true) => ("< ", " >"),
        (false, _) => ("  ", "  "),
    };
    let (source, role) = source(settings, name);
    let room = row.width.saturating_sub(2 + NAME_WIDTH + 4);
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
        Span::styled(format!("{} ", row.mark(theme)), style(Role::Accent)),
        Span::raw(text::pad(name.title(), NAME_WIDTH)),
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
        None => (settings.given.default_of(name.key()).unwrap_or_default().to_owned(), Role::Muted),
    }
}
