//! How the keys pressed so far can go on: a quiet box at the bottom right, gone with the next key.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::frame::window;
use crate::console::{
    keymap::{Continuation, Key, print},
    scene::Scene,
    text,
    theme::Role,
};

/// More ways than this stand in columns beside one another.
const ROWS_MAX: usize = 8;
/// Between a key and its words, and between columns.
const GAP: usize = 2;

pub fn which_key(frame: &mut Frame, area: Rect, pressed: &[Key], ways: &[Continuation], scene: &Scene) {
    if ways.is_empty() || area.height < 3 || area.width < 8 {
        return;
    }
    let more = scene.theme.ellipsis();
    let words = |way: &Continuation| way.title.clone().unwrap_or_else(|| more.to_owned());
    let keys = ways.iter().map(|way| text::width(&way.key)).max().unwrap_or(0) + GAP;
    let titles = ways.iter().map(|way| text::width(&words(way))).max().unwrap_or(0);

    let inside = (area.width as usize).saturating_sub(4);
    let column = (keys + titles).min(inside);
    let columns_max = ((inside + GAP) / (column + GAP)).max(1);
    let rows = ROWS_MAX.min(area.height as usize - 2).max(ways.len().div_ceil(columns_max));
    let rows = rows.min(ways.len()).min(area.height as usize - 2);
    let columns = ways.len().div_ceil(rows).min(columns_max);
    // What has no room is counted, not dropped silently.
    let shown = if columns * rows < ways.len() { columns * rows - 1 } else { ways.len() };

    let width = (columns * (column + GAP) - GAP + 4) as u16;
    let height = rows as u16 + 2;
    let at = Rect { x: area.right() - width, y: area.bottom() - height, width, height };
    let inner = window(frame, at, &print(pressed), scene);
    let (key, said) = (scene.theme.style(Role::Accent), scene.theme.style(Role::Text));
    let lines: Vec<_> = (0..rows)
        .map(|row| {
            let mut spans = Vec::new();
            for way in (0..columns).map(|column| column * rows + row) {
                if way < shown {
                    let title = words(&ways[way]);
                    let title = text::cut(&title, column - keys.min(column));
                    spans.push(Span::styled(text::pad(&ways[way].key, keys), key));
                    spans.push(Span::styled(text::pad(&title, column - keys.min(column) + GAP), said));
                } else if way == shown && shown < ways.len() {
                    let rest = format!("{more} and {} more", ways.len() - shown);
                    spans.push(Span::styled(rest, scene.theme.style(Role::Muted)));
                }
            }
            Line::from(spans)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}
