//! A scroll bar: a thin thumb on the border or rule at the right of a list, when there is more than fits. It can be taken
//! and dragged.

use std::ops::Range;

use ratatui::{Frame, layout::Rect};

use crate::console::{layout::Rule, scene::Scene, theme::Role};

/// Where the thumb runs, and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// One column wide.
    area: Rect,
    /// Rows that are seen, of how many.
    visible: Range<usize>,
    len: usize,
}

impl Track {
    /// Beside the list in `area`: on the rule that stands there, else on the border behind the column of air. None when
    /// everything is seen.
    pub fn beside(
        area: Rect,
        rule: Option<(Rect, Rule)>,
        visible: Range<usize>,
        len: usize,
    ) -> Option<Track> {
        if visible.is_empty() || visible.len() >= len || area.height < 3 {
            return None;
        }
        let x = area.right() + u16::from(!matches!(rule, Some((_, Rule::Down))));
        Some(Track { area: Rect { x, width: 1, ..area }, visible, len })
    }

    pub fn area(&self) -> Rect {
        self.area
    }

    /// The thumb's lines.
    pub fn thumb(&self) -> Range<u16> {
        let from = self.area.y + self.offset() as u16;
        from..from + self.height() as u16
    }

    fn height(&self) -> usize {
        let height = self.area.height as usize;
        (height * self.visible.len() / self.len).clamp(1, height - 1)
    }

    /// Rows of which each can be the first seen, less one.
    fn last_top(&self) -> usize {
        self.len - self.visible.len()
    }

    fn offset(&self) -> usize {
        let (room, last_top) = (self.area.height as usize - self.height(), self.last_top());
        (room * self.visible.start + last_top / 2) / last_top.max(1)
    }

    /// The first row to be seen when the thumb begins on this line of the screen.
    pub fn row_at(&self, line: u16) -> usize {
        let room = self.area.height as usize - self.height();
        let offset = (line.saturating_sub(self.area.y) as usize).min(room);
        (self.last_top() * offset + room / 2) / room.max(1)
    }

    pub fn view(&self, frame: &mut Frame, scene: &Scene) {
        let glyph = scene.theme.glyph(Role::ScrollThumb);
        for y in self.thumb() {
            if let Some(cell) = frame.buffer_mut().cell_mut((self.area.x, y)) {
                cell.set_symbol(glyph).set_style(scene.theme.style(Role::ScrollThumb));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_thumb_stays_on_its_track_and_leads_to_both_ends(
            height in 3..80u16, y in 0..10u16, len in 1..1_000_000usize, seen in 1..80usize, start in 0..1_000_000usize,
        ) {
            let seen = seen.min(len);
            let start = start.min(len - seen);
            let area = Rect { x: 4, y, width: 20, height };
            let Some(track) = Track::beside(area, None, start..start + seen, len) else {
                prop_assert_eq!(seen, len);
                return Ok(());
            };
            let thumb = track.thumb();
            prop_assert!(thumb.start >= y && thumb.end <= y + height && !thumb.is_empty(), "{:?}", track);
            prop_assert_eq!(track.row_at(y), 0);
            prop_assert_eq!(track.row_at(area.bottom()), len - seen);
        }
    }
}
