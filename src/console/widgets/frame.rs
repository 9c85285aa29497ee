//! Boxes, input lines and the small things every part of the screen is drawn with.

use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
    text::{Line as Text, Span},
    widgets::{Block, Borders, Clear, Paragraph},
};

use super::{line::Line, list::Step};
use crate::console::{
    action::{Action, Place},
    scene::Scene,
    text,
    theme::{Role, Theme},
};

/// Columns that a box takes at its sides: border and air.
pub const BORDERS: u16 = 4;
/// Columns before what is typed.
const PROMPT: u16 = 2;

/// The step a moving action is.
pub fn step_of(action: Action) -> Option<Step> {
    Some(match action {
        Action::Up => Step::Up,
        Action::Down => Step::Down,
        Action::PageUp => Step::PageUp,
        Action::PageDown => Step::PageDown,
        Action::First => Step::First,
        Action::Last => Step::Last,
        _ => return None,
    })
}

/// A box above the deck; answers its inside, one column of air at each side.
pub fn window(frame: &mut Frame, area: Rect, title: &str, scene: &Scene) -> Rect {
    let theme = scene.theme;
    frame.render_widget(Clear, area);
    let block = Block::new()
        .borders(Borders::ALL)
        .border_set(theme.border())
        .border_style(theme.style(Role::OverlayBorder))
        .style(theme.style(Role::Overlay))
        .title(Span::styled(format!(" {title} "), theme.style(Role::OverlayTitle)));
    frame.render_widget(block, area);
    inside_window(area)
}

/// Actions and their keys in this place, at the lower border of a box: those that fit, the first first.
pub fn foot(frame: &mut Frame, area: Rect, place: Place, words: &[(Action, &str)], scene: &Scene) {
    for (at, key, word) in
        footers(area, place, words, scene).into_iter().map(|(_, at, key, word)| (at, key, word))
    {
        let line = Text::from(vec![
            Span::styled(format!(" {key} "), scene.theme.style(Role::OverlayTitle)),
            Span::styled(format!("{word} "), scene.theme.style(Role::Muted)),
        ]);
        frame.render_widget(Paragraph::new(line), at);
    }
}

/// The one of these actions whose words at the lower border are here.
pub fn foot_at(
    at: Position,
    area: Rect,
    place: Place,
    words: &[(Action, &str)],
    scene: &Scene,
) -> Option<Action> {
    let footers = footers(area, place, words, scene);
    footers.into_iter().find(|(_, here, ..)| here.contains(at)).map(|(action, ..)| action)
}

fn footers<'a>(
    area: Rect,
    place: Place,
    words: &[(Action, &'a str)],
    scene: &Scene,
) -> Vec<(Action, Rect, String, &'a str)> {
    if area.height < 2 || area.width < 4 {
        return Vec::new();
    }
    let mut room = area.width - 2;
    let mut footers = Vec::new();
    for (action, word) in words {
        let Some(key) = scene.keymap.key_of(*action, &[place, Place::Always]) else { continue };
        let width = (text::width(&key) + text::width(word) + 3) as u16;
        if width <= room {
            room -= width;
            footers.push((*action, Rect { width, height: 1, ..area }, key, *word));
        }
    }
    // Against the right corner.
    let mut x = area.x + 1 + room;
    for (_, at, ..) in &mut footers {
        (at.x, at.y) = (x, area.bottom() - 1);
        x += at.width;
    }
    footers
}

/// A window less its border, and a column of air at each side.
pub fn inside_window(area: Rect) -> Rect {
    let inner = Block::new().borders(Borders::ALL).inner(area);
    Rect { x: inner.x + 1.min(inner.width), width: inner.width.saturating_sub(2), ..inner }
}

/// A line of text being typed, with what could complete it, and the real cursor at its place.
pub fn input(
    frame: &mut Frame,
    area: Rect,
    line: &Line,
    ghost: &str,
    placeholder: &str,
    active: bool,
    scene: &Scene,
) {
    if area.is_empty() {
        return;
    }
    let theme = scene.theme;
    let width = area.width.saturating_sub(PROMPT) as usize;
    let (shown, column) = line.window(width.max(1));
    let caret = theme.style(if active { Role::Caret } else { Role::Muted });
    let mut spans = vec![Span::styled(format!("{} ", theme.glyph(Role::Caret)), caret)];
    if line.is_empty() {
        spans.push(Span::styled(text::cut(placeholder, width).into_owned(), theme.style(Role::Placeholder)));
    } else {
        spans.push(Span::styled(text::escape_line(shown).into_owned(), theme.style(Role::QueryField)));
        spans.push(Span::styled(text::escape_line(ghost).into_owned(), theme.style(Role::Ghost)));
    }
    frame.render_widget(Paragraph::new(Text::from(spans)), Rect { height: 1, ..area });
    if active {
        frame.set_cursor_position(Position::new(area.x + PROMPT + column as u16, area.y));
    }
}

/// The caret to where a line drawn by [`input`] was clicked.
pub fn point(line: &mut Line, area: Rect, at: Position) {
    let column = at.x.saturating_sub(area.x + PROMPT) as usize;
    line.point(column, area.width.saturating_sub(PROMPT) as usize);
}

/// `text` with the characters that a search matched, by their places, in their own style.
pub fn matched(text: &str, at: &[u32], plain: Style, found: Style) -> Vec<Span<'static>> {
    let mut spans: Vec<Span> = Vec::new();
    for (i, c) in text.chars().enumerate() {
        let style = if at.binary_search(&(i as u32)).is_ok() { found } else { plain };
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push(c),
            _ => spans.push(Span::styled(c.to_string(), style)),
        }
    }
    spans
}

/// Marks columns of a line, for a fault that points there.
pub fn underline(frame: &mut Frame, area: Rect, columns: std::ops::Range<usize>, style: Style) {
    let at = |column: usize| area.x.saturating_add(column.min(usize::from(area.width)) as u16);
    let (x, end) = (at(columns.start), at(columns.end));
    if x < end && area.height > 0 {
        frame.buffer_mut().set_style(Rect { x, width: end - x, height: 1, ..area }, style);
    }
}

/// A row of a stream, and where it is selected whether in focus: then the span that tells its kind keeps its colour, the
/// rest is one style, so that moving the selection is cheap to send.
pub fn row_as(
    line: Text<'static>,
    selected: Option<bool>,
    (kind_span, kind): (usize, Role),
    theme: &Theme,
) -> Text<'static> {
    match selected {
        None => line,
        Some(false) => line.style(theme.style(Role::SelectionIdle)),
        Some(true) => {
            let style = |i| if i == kind_span { theme.selected(kind) } else { Style::new() };
            let spans = line.spans.into_iter().enumerate();
            let spans: Vec<_> = spans.map(|(i, span)| span.style(style(i))).collect();
            Text::from(spans).style(theme.style(Role::Selection))
        }
    }
}

/// Fills a progress bar of `width` columns.
pub fn bar<'a>(done: f64, width: usize, scene: &Scene) -> Vec<Span<'a>> {
    let theme = scene.theme;
    let filled = ((done.clamp(0.0, 1.0) * width as f64).round() as usize).min(width);
    let (done, left) = (theme.style(Role::Progress), theme.style(Role::ProgressRest));
    let (full, rest) = (theme.glyph(Role::Progress), theme.glyph(Role::ProgressRest));
    // Not told by colour alone.
    let rest = if full == rest && done.fg == left.fg { " " } else { rest };
    vec![Span::styled(full.repeat(filled), done), Span::styled(rest.repeat(width - filled), left)]
}
