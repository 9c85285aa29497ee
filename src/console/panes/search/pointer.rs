//! Where the parts of the pane stand, and what a click and the wheel do there.

use ratatui::layout::Rect;

use super::{ROW_LINES, Search};
use crate::console::{
    layout::inside,
    scene::{Out, Scene},
    widgets::list::Step,
};

impl Search {
    /// Lines above the list: the query, and the line under it.
    pub const HEAD_LINES: u16 = 2;

    pub fn arrange(&mut self, area: Rect) {
        self.area = area;
        let inner = inside(area);
        let head = Search::HEAD_LINES.min(inner.height);
        let body = Rect { y: inner.y + head, height: inner.height - head, ..inner };
        self.split = self.split.of(body, self.detail.is_some());
        self.list.set_height(self.split.list.height as usize / ROW_LINES);
    }

    /// The opened text is laid out for its width, here and not while drawing.
    pub fn lay_out(&mut self, scene: &Scene) {
        let width = self.split.side.width.saturating_sub(2);
        if let Some(detail) = &mut self.detail {
            detail.lay_out(width, scene);
        }
    }

    /// A click or wheel inside the pane. A second click on the selected row opens it.
    pub fn click(&mut self, x: u16, y: u16, scene: &Scene, out: &mut Out) {
        let at = (x, y).into();
        if self.split.list.contains(at) {
            self.reading = false;
            self.end_typing(out);
            let line = (y - self.split.list.y) as usize;
            if let Some(row) = self.list.row_at(line, ROW_LINES) {
                if self.list.selected() == Some(row) {
                    self.open(out);
                } else {
                    self.list.select(row);
                    self.moved(out);
                }
            }
        } else if self.detail.is_some() && self.split.side.contains(at) {
            self.end_typing(out);
            self.reading = true;
        } else if !self.typing
            && let Some((chip, on_cross)) = self.chip_at(x, y, scene)
        {
            self.chip = Some(chip);
            if on_cross {
                self.remove_chip(scene, out);
            } else {
                self.edit_chip(scene, out);
            }
        } else if y < self.split.list.y || self.split.list.height == 0 {
            self.begin_typing();
        }
    }

    pub fn wheel(&mut self, x: u16, y: u16, step: Step, out: &mut Out) {
        if let Some(detail) = self.detail.as_mut().filter(|_| self.split.side.contains((x, y).into())) {
            for _ in 0..3 {
                detail.scroll(step, self.split.side.height);
            }
            return;
        }
        let before = self.list.selected();
        self.list.step(step);
        if before != self.list.selected() {
            self.moved(out);
        }
    }
}
