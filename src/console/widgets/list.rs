//! Where a list stands: what is selected and what is seen. Only the visible rows are ever built, so a list costs the
//! same at a thousand rows and at a million.
//!
//! Invariant: `selected < len` (or both 0), and the selected row is seen whenever there is room for one.

use std::ops::Range;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct List {
    len: usize,
    selected: usize,
    top: usize,
    /// Rows that fit.
    height: usize,
}

/// A step through a list, whatever its rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

impl List {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn height(&self) -> usize {
        self.height
    }

    pub fn selected(&self) -> Option<usize> {
        (self.len > 0).then_some(self.selected)
    }

    /// The rows to build.
    pub fn visible(&self) -> Range<usize> {
        self.top..self.len.min(self.top + self.height)
    }

    pub fn set_len(&mut self, len: usize) {
        self.len = len;
        self.settle();
    }

    pub fn set_height(&mut self, rows: usize) {
        self.height = rows;
        self.settle();
    }

    pub fn select(&mut self, row: usize) {
        self.selected = row;
        self.settle();
    }

    /// Selects a row so that it is seen on this line, as far as the list allows.
    pub fn select_at(&mut self, row: usize, line: usize) {
        self.top = row.saturating_sub(line);
        self.select(row);
    }

    /// Makes a row the first that is seen; what is selected goes along as far as it must.
    pub fn scroll_to(&mut self, top: usize) {
        self.top = top.min(self.len.saturating_sub(self.height));
        let last = self.top + self.height.saturating_sub(1);
        self.select(self.selected.clamp(self.top, last));
    }

    pub fn step(&mut self, step: Step) {
        let page = self.height.saturating_sub(1).max(1);
        self.selected = match step {
            Step::Up => self.selected.saturating_sub(1),
            Step::Down => self.selected + 1,
            Step::PageUp => self.selected.saturating_sub(page),
            Step::PageDown => self.selected + page,
            Step::First => 0,
            Step::Last => self.len,
        };
        self.settle();
    }

    /// The row drawn at this line of the list's area, each row `lines` high.
    pub fn row_at(&self, line: usize, lines: usize) -> Option<usize> {
        let row = self.top + line / lines.max(1);
        self.visible().contains(&row).then_some(row)
    }

    fn settle(&mut self) {
        self.selected = self.selected.min(self.len.saturating_sub(1));
        if self.selected < self.top {
            self.top = self.selected;
        } else if self.selected >= self.top + self.height.max(1) {
            self.top = self.selected + 1 - self.height.max(1);
        }
        self.top = self.top.min(self.len.saturating_sub(self.height));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_selection_is_in_bounds_and_seen(
            moves in prop::collection::vec((0..9u8, 0..50usize), 0..100)
        ) {
            let mut list = List::default();
            for (what, n) in moves {
                match what {
                    0 => list.step(Step::Up),
                    1 => list.step(Step::Down),
                    2 => list.step(Step::PageUp),
                    3 => list.step(Step::PageDown),
                    4 => list.step(Step::First),
                    5 => list.step(Step::Last),
                    6 => list.set_len(n),
                    7 => list.set_height(n % 7),
                    8 if n % 2 == 0 => list.select_at(n, n % 5),
                    8 if n % 3 == 0 => list.scroll_to(n),
                    _ => list.select(n),
                }
                match list.selected() {
                    Some(row) => prop_assert!(row < list.len()),
                    None => prop_assert_eq!(list.len(), 0),
                }
                if list.height() > 0 && !list.is_empty() {
                    prop_assert!(list.visible().contains(&list.selected().unwrap()));
                    let full = list.len().min(list.height());
                    prop_assert_eq!(list.visible().len(), full, "no hole at the end");
                }
            }
        }
    }
}
