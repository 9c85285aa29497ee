//! Styled pieces, flowed into lines: broken where [`wrap_ranges`] breaks their joined text.

use ratatui::text::Span;

use super::Piece;
use crate::console::text::wrap_ranges;

/// The pieces as lines of at most `columns`.
pub(super) fn flow(pieces: &[Piece], columns: usize) -> Vec<Vec<Span<'static>>> {
    let joined: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
    let mut at = 0;
    let places: Vec<_> = pieces
        .iter()
        .map(|piece| {
            let start = at;
            at += piece.text.len();
            (start..at, piece.style)
        })
        .collect();
    let mut first = 0;
    let mut lines = Vec::new();
    for line in wrap_ranges(&joined, columns) {
        while first < places.len() && places[first].0.end <= line.start {
            first += 1;
        }
        let inside = places[first..].iter().take_while(|(range, _)| range.start < line.end);
        let spans = inside.map(|(range, style)| {
            let part = range.start.max(line.start)..range.end.min(line.end);
            Span::styled(joined[part].to_owned(), *style)
        });
        lines.push(spans.filter(|span| !span.content.is_empty()).collect());
    }
    lines
}
