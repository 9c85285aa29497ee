//! How a list stands that grows below: it follows the newest row, or is held by the key of its first visible row, so
//! that nothing on screen moves when rows arrive below or leave above.
//!
//! Keys rise from row to row and are never used again. Invariant: whatever leaves, what is selected and what is first
//! are rows that are there, as long as there is one.

use std::{collections::VecDeque, ops::Range};

use ratatui::text::Span;

use super::list::Step;
use crate::console::{
    action::{Action, Place},
    scene::Scene,
    text,
    theme::Role,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stand {
    #[default]
    Following,
    /// Held where it is, by moving.
    Held,
    /// Held where it is, by request: moving to the end does not follow again.
    Paused,
}

impl Stand {
    /// In a word, for the upper border.
    pub fn word(self, scene: &Scene) -> Span<'static> {
        let (role, word) = match self {
            Stand::Following => (Role::Live, "following "),
            Stand::Held => (Role::Muted, "held "),
            Stand::Paused => (Role::Paused, "paused "),
        };
        Span::styled(word, scene.theme.style(role))
    }

    /// `▼ 128 new (G)`, for the lower border: what came since the newest was left, and the key that leads there.
    pub fn new_rows(self, count: u64, place: Place, scene: &Scene) -> Option<Span<'static>> {
        if count == 0 || self == Stand::Following {
            return None;
        }
        let key = scene.keymap.key_of(Action::ToLatest, &[place]);
        let key = key.map_or(String::new(), |key| format!("({key}) "));
        let said = format!(" {} {} new {key}", scene.theme.glyph(Role::Fresh), text::count(count));
        Some(Span::styled(said, scene.theme.style(Role::Fresh)))
    }
}

pub type Keys = VecDeque<u64>;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tail {
    stand: Stand,
    /// The keys of the first visible and of the selected row, while it is held.
    top: u64,
    selected: u64,
    /// Rows that fit.
    height: usize,
    /// Rows that came while it was held.
    new: u64,
}

impl Tail {
    pub fn stand(&self) -> Stand {
        self.stand
    }

    pub fn new_rows(&self) -> u64 {
        self.new
    }

    pub fn height(&self) -> usize {
        self.height
    }

    pub fn set_height(&mut self, rows: usize) {
        self.height = rows;
    }

    pub fn visible(&self, keys: &Keys) -> Range<usize> {
        let last_top = keys.len().saturating_sub(self.height);
        let top = match self.stand {
            Stand::Following => last_top,
            _ => row_of(keys, self.top).unwrap_or(0).min(last_top),
        };
        top..keys.len().min(top + self.height)
    }

    pub fn selected(&self, keys: &Keys) -> Option<usize> {
        match self.stand {
            Stand::Following => keys.len().checked_sub(1),
            _ => row_of(keys, self.selected),
        }
    }

    /// So many rows were added below.
    pub fn arrived(&mut self, count: u64) {
        if self.stand != Stand::Following {
            self.new += count;
        }
    }

    pub fn follow(&mut self) {
        self.stand = Stand::Following;
        self.new = 0;
    }

    /// Holds the view where it is now.
    pub fn hold(&mut self, keys: &Keys) {
        if self.stand == Stand::Following
            && let Some(selected) = self.selected(keys)
        {
            (self.top, self.selected) = (keys[self.visible(keys).start.min(selected)], keys[selected]);
            self.stand = Stand::Held;
        }
    }

    pub fn toggle_follow(&mut self, keys: &Keys) {
        match self.stand {
            Stand::Following => self.hold(keys),
            _ => self.follow(),
        }
    }

    pub fn toggle_pause(&mut self, keys: &Keys) {
        if self.stand == Stand::Paused {
            return self.follow();
        }
        self.hold(keys);
        if self.stand == Stand::Held {
            self.stand = Stand::Paused;
        }
    }

    pub fn step(&mut self, step: Step, keys: &Keys) {
        let Some(row) = self.selected(keys) else { return };
        let page = self.height.saturating_sub(1).max(1);
        let target = match step {
            Step::Up => row.saturating_sub(1),
            Step::Down => row + 1,
            Step::PageUp => row.saturating_sub(page),
            Step::PageDown => row + page,
            Step::First => 0,
            Step::Last => return self.follow(),
        };
        let last = keys.len() - 1;
        if target > last && row == last {
            if self.stand == Stand::Held {
                self.follow();
            }
            return;
        }
        self.select(target, keys);
    }

    /// Selects a row, brings it into view and holds there.
    pub fn select(&mut self, row: usize, keys: &Keys) {
        let Some(last) = keys.len().checked_sub(1) else { return };
        let row = row.min(last);
        if self.stand == Stand::Following && row == last {
            return;
        }
        self.hold(keys);
        let seen = self.visible(keys);
        let top = if row < seen.start {
            row
        } else if row >= seen.start + self.height.max(1) {
            row + 1 - self.height.max(1)
        } else {
            seen.start
        };
        (self.top, self.selected) = (keys[top], keys[row]);
    }

    /// Moves the view by lines, and what is selected with it as far as it must.
    pub fn scroll(&mut self, step: Step, lines: usize, keys: &Keys) {
        let top = self.visible(keys).start;
        self.scroll_to(if step == Step::Up { top.saturating_sub(lines) } else { top + lines }, keys);
    }

    /// Makes a row the first visible one; at the end it follows again, unless it is paused.
    pub fn scroll_to(&mut self, top: usize, keys: &Keys) {
        let last_top = keys.len().saturating_sub(self.height);
        if top >= last_top && self.stand != Stand::Paused {
            return self.follow();
        }
        self.hold(keys);
        let Some(selected) = self.selected(keys) else { return };
        let top = top.min(last_top).min(keys.len() - 1);
        let selected = selected.clamp(top, top + self.height.saturating_sub(1)).min(keys.len() - 1);
        (self.top, self.selected) = (keys[top], keys[selected]);
    }
}

/// The row of this key, or of the first after it, or the last.
fn row_of(keys: &Keys, key: u64) -> Option<usize> {
    let row = keys.partition_point(|other| *other < key);
    (!keys.is_empty()).then(|| row.min(keys.len() - 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tail(height: usize) -> Tail {
        let mut tail = Tail::default();
        tail.set_height(height);
        tail
    }

    #[test]
    fn it_follows_until_it_is_moved_and_again_from_the_last_row_down() {
        let mut keys: Keys = (0..10).collect();
        let mut tail = tail(4);
        assert_eq!((tail.visible(&keys), tail.selected(&keys)), (6..10, Some(9)));
        tail.step(Step::Up, &keys);
        keys.push_back(10);
        tail.arrived(1);
        assert_eq!((tail.visible(&keys), tail.selected(&keys), tail.new_rows()), (6..10, Some(8), 1));
        tail.step(Step::Down, &keys);
        tail.step(Step::Down, &keys);
        assert_eq!((tail.stand(), tail.selected(&keys)), (Stand::Held, Some(10)));
        tail.step(Step::Down, &keys);
        assert_eq!((tail.stand(), tail.new_rows()), (Stand::Following, 0));

        tail.toggle_pause(&keys);
        tail.step(Step::Down, &keys);
        tail.scroll(Step::Down, 3, &keys);
        assert_eq!(tail.stand(), Stand::Paused, "a paused view is not moved by what comes");
        tail.toggle_pause(&keys);
        assert_eq!(tail.stand(), Stand::Following);
    }

    proptest! {
        #[test]
        fn what_is_held_stays_in_its_place(
            steps in prop::collection::vec((0..9u8, 0..40usize), 0..80), height in 0..12usize,
        ) {
            let mut keys = Keys::new();
            let mut next = 0;
            let mut tail = tail(height);
            for (what, n) in steps {
                let before = (tail.stand(), tail.visible(&keys).next().map(|row| keys[row]));
                match what {
                    0 => {
                        // Gaps, as a filter makes them.
                        keys.extend((0..n as u64).map(|i| next + 2 * i));
                        next += 2 * n as u64;
                        tail.arrived(n as u64);
                        if before.0 != Stand::Following && before.1.is_some() {
                            prop_assert_eq!(tail.visible(&keys).next().map(|row| keys[row]), before.1);
                        }
                    }
                    1 => {
                        keys.drain(..n.min(keys.len()));
                        let first = tail.visible(&keys).next().map(|row| keys[row]);
                        let gone = before.1.is_none_or(|key| keys.front().is_none_or(|front| *front > key));
                        if before.0 != Stand::Following && !gone {
                            prop_assert_eq!(first, before.1);
                        }
                    }
                    2 => tail.step(Step::Up, &keys),
                    3 => tail.step(Step::Down, &keys),
                    4 => tail.step(Step::PageUp, &keys),
                    5 => tail.scroll(if n % 2 == 0 { Step::Up } else { Step::Down }, 3, &keys),
                    6 => tail.select(n, &keys),
                    7 => tail.toggle_pause(&keys),
                    _ => tail.scroll_to(n, &keys),
                }
                prop_assert!(tail.visible(&keys).end <= keys.len());
                match tail.selected(&keys) {
                    Some(row) => prop_assert!(row < keys.len()),
                    None => prop_assert!(keys.is_empty()),
                }
            }
        }
    }
}
