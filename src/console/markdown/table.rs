//! A table: cells first, then columns as wide as their widest cell, narrowed together when the page is too small. When
//! even narrow columns have no room, each row stands as a record: every cell on lines of its own, behind its head.

use pulldown_cmark::Alignment;
use ratatui::text::Span;

use super::{Piece, flow::flow};
use crate::console::{
    text::width,
    theme::{Role, Theme},
};

/// A column is never narrower than this while others can give.
const COLUMN_MIN: usize = 4;
/// Rows and columns beyond these are not drawn.
const ROWS_MAX: usize = 500;
const COLUMNS_MAX: usize = 24;
/// Columns between two cells.
const GAP: usize = 3;

pub(super) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Piece>>>,
    row: Vec<Vec<Piece>>,
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>) -> Table {
        Table { alignments, rows: Vec::new(), row: Vec::new() }
    }

    pub(super) fn cell(&mut self, pieces: Vec<Piece>) {
        if self.row.len() < COLUMNS_MAX {
            self.row.push(pieces);
        }
    }

    pub(super) fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        if self.rows.len() < ROWS_MAX {
            self.rows.push(row);
        }
    }

    /// The first row is the head.
    pub(super) fn lines(mut self, room: usize, theme: &Theme) -> Vec<Vec<Span<'static>>> {
        let head = theme.style(Role::TableHead);
        for piece in self.rows.first_mut().into_iter().flatten().flatten() {
            piece.style = piece.style.patch(head);
        }
        let widths = self.widths(room);
        if widths.is_empty() {
            return Vec::new();
        }
        let needed = widths.iter().sum::<usize>() + GAP * (widths.len() - 1);
        if widths.len() > 1 && (needed > room || COLUMN_MIN * widths.len() + GAP * (widths.len() - 1) > room)
        {
            return self.records(room, theme);
        }
        let rule = theme.style(Role::MarkdownRule);
        let (across, down) = theme.lines();
        let mut lines = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let cells: Vec<_> = widths
                .iter()
                .enumerate()
                .map(|(column, wide)| row.get(column).map_or_else(Vec::new, |cell| flow(cell, *wide)))
                .collect();
            let tall = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
            for line in 0..tall {
                let mut spans = Vec::new();
                for (column, wide) in widths.iter().enumerate() {
                    if column > 0 {
                        spans.push(Span::styled(format!(" {down} "), rule));
                    }
                    let text = cells[column].get(line).cloned().unwrap_or_default();
                    let alignment = self.alignments.get(column).copied().unwrap_or(Alignment::None);
                    spans.extend(aligned(text, *wide, alignment));
                }
                lines.push(spans);
            }
            if at == 0 {
                let parts: Vec<String> = widths.iter().map(|wide| across.repeat(*wide)).collect();
                let cross = if theme.ascii() { "-+-" } else { "─┼─" };
                lines.push(vec![Span::styled(parts.join(cross), rule)]);
            }
        }
        lines
    }

    fn records(&self, room: usize, theme: &Theme) -> Vec<Vec<Span<'static>>> {
        let Some((heads, rows)) = self.rows.split_first() else { return Vec::new() };
        let wide = |cell: &Vec<Piece>| cell.iter().map(|piece| width(&piece.text)).sum::<usize>();
        let name = heads.iter().map(wide).max().unwrap_or(0).min(room / 3);
        let inner = room.saturating_sub(name + 1).max(1);
        let rule = Span::styled(theme.lines().0.repeat(room), theme.style(Role::MarkdownRule));
        // A head without rows is all there is to show.
        let rows = if rows.is_empty() { std::slice::from_ref(heads) } else { rows };
        let mut lines = Vec::new();
        for row in rows {
            if !lines.is_empty() {
                lines.push(vec![rule.clone()]);
            }
            for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
                let mut names =
                    heads.get(column).map_or_else(Vec::new, |head| flow(head, name.max(1))).into_iter();
                let mut texts = flow(cell, inner).into_iter();
                loop {
                    let (head, text) = (names.next(), texts.next());
                    if head.is_none() && text.is_none() {
                        break;
                    }
                    let mut line = aligned(head.unwrap_or_default(), name, Alignment::Left);
                    line.push(Span::raw(" "));
                    line.extend(text.unwrap_or_default());
                    lines.push(line);
                }
            }
        }
        lines
    }

    /// As wide as the widest cell; too wide together, the widest give first.
    fn widths(&self, room: usize) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![1; columns];
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                let wide: usize = cell.iter().map(|piece| width(&piece.text)).sum();
                widths[at] = widths[at].max(wide);
            }
        }
        let room = room.saturating_sub(GAP * columns.saturating_sub(1)).max(columns);
        let least = COLUMN_MIN.min(room / columns.max(1)).max(1);
        let mut over = widths.iter().sum::<usize>().saturating_sub(room);
        while over > 0 {
            let widest = widths.iter().copied().max().unwrap_or(0);
            if widest <= least {
                break;
            }
            let next = widths.iter().copied().filter(|wide| *wide < widest).max().unwrap_or(0).max(least);
            let many = widths.iter().filter(|wide| **wide == widest).count();
            let give = (widest - next).min(over.div_ceil(many)).max(1);
            for wide in widths.iter_mut().filter(|wide| **wide == widest) {
                let part = give.min(over);
                *wide -= part;
                over -= part;
            }
        }
        widths
    }
}

fn aligned(text: Vec<Span<'static>>, wide: usize, alignment: Alignment) -> Vec<Span<'static>> {
    let taken: usize = text.iter().map(Span::width).sum();
    let free = wide.saturating_sub(taken);
    let left = match alignment {
        Alignment::Right => free,
        Alignment::Center => free / 2,
        Alignment::None | Alignment::Left => 0,
    };
    let mut spans = Vec::with_capacity(text.len() + 2);
    spans.push(Span::raw(" ".repeat(left)));
    spans.extend(text);
    spans.push(Span::raw(" ".repeat(free - left)));
    spans.retain(|span| !span.content.is_empty());
    spans
}
