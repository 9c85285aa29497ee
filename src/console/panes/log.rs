//! The program's own log, as this process says it: what to look at when the console itself behaves oddly.
//!
//! Entries come in batches from the ring that the log is also told to; the newest so many are kept, the file has the
//! rest. The view follows or is held like the Timeline's. With an attached console these are the console's own words;
//! the hub's are in the same files, whose place is said above the list.

mod filter;
mod pane;
mod view;

use std::{collections::VecDeque, path::PathBuf};

use ratatui::layout::Rect;

use self::filter::{LogFault, LogFilter};
use super::super::{
    layout::{Split, inside},
    scene::Out,
    widgets::{
        line::Line,
        list::Step,
        tail::{Keys, Stand, Tail},
        toast::Toast,
    },
};
use crate::telemetry::{Entry, Level, Taken};

/// Entries kept here: 3 MB of usual ones, and never more than 80 of the longest.
const ENTRIES_MAX: usize = 10_000;
/// Lines a turn of the wheel moves.
const WHEEL_LINES: usize = 3;

/// Where the log goes beside this screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogPlace {
    /// Under it the files stand; none when no file could be made.
    pub data_dir: Option<PathBuf>,
    /// As the settings say it: a level or directives.
    pub level: String,
}

#[derive(Debug, Default)]
pub struct Log {
    place: LogPlace,
    /// Their keys count up from `first`.
    entries: VecDeque<Entry>,
    first: u64,
    /// Entries that are no longer here, or never came: the file has them.
    gone: u64,
    /// The keys of those the filter lets through.
    shown: Keys,
    filter: LogFilter,
    filter_text: Line,
    fault: Option<LogFault>,
    typing: bool,
    tail: Tail,
    open: bool,
    reading: bool,
    scroll: usize,
    split: Split,
    area: Rect,
}

impl Log {
    pub fn at(place: LogPlace) -> Log {
        Log { place, ..Log::default() }
    }

    pub fn take(&mut self, taken: Taken) {
        self.gone += taken.dropped;
        let mut fresh = 0;
        for entry in taken.entries {
            if self.entries.len() == ENTRIES_MAX {
                self.entries.pop_front();
                self.first += 1;
                self.gone += 1;
            }
            if self.filter.passes(&entry) {
                self.shown.push_back(self.first + self.entries.len() as u64);
                fresh += 1;
            }
            self.entries.push_back(entry);
        }
        let left = self.shown.partition_point(|key| *key < self.first);
        self.shown.drain(..left);
        self.tail.arrived(fresh);
    }

    /// An entry by its row on the screen's list.
    fn row(&self, row: usize) -> Option<&Entry> {
        let key = self.shown.get(row)?;
        self.entries.get(key.checked_sub(self.first)? as usize)
    }

    fn selected(&self) -> Option<&Entry> {
        self.row(self.tail.selected(&self.shown)?)
    }

    fn is_filtered(&self) -> bool {
        self.filter != LogFilter::default()
    }

    // ── moving ──────────────────────────────────────────────────────────────────────────────────────────────────

    fn step(&mut self, step: Step) {
        if self.reading && self.open {
            let page = (self.split.side.height as usize).saturating_sub(2).max(1);
            self.scroll = match step {
                Step::Up => self.scroll.saturating_sub(1),
                Step::Down => self.scroll + 1,
                Step::PageUp => self.scroll.saturating_sub(page),
                Step::PageDown => self.scroll + page,
                Step::First => 0,
                Step::Last => usize::MAX / 2,
            };
            return;
        }
        self.scroll = 0;
        self.tail.step(step, &self.shown);
    }

    /// To the error before or after what is selected.
    fn step_error(&mut self, back: bool, out: &mut Out) {
        let Some(row) = self.tail.selected(&self.shown) else { return };
        let is_error = |row: &usize| self.row(*row).is_some_and(|entry| entry.level == Level::Error);
        let found =
            if back { (0..row).rev().find(is_error) } else { (row + 1..self.shown.len()).find(is_error) };
        match found {
            Some(row) => self.select(row),
            None => out.toast(Toast::say(if back {
                "no error before this entry"
            } else {
                "no error after this entry"
            })),
        }
    }

    fn select(&mut self, row: usize) {
        self.scroll = 0;
        self.tail.select(row, &self.shown);
    }

    fn open(&mut self) {
        if self.selected().is_none() {
            return;
        }
        self.reading = self.open;
        self.open = true;
        self.scroll = 0;
        self.tail.hold(&self.shown);
        self.settle();
    }

    fn back(&mut self) -> bool {
        if self.typing {
            self.typing = false;
            self.fault = None;
        } else if self.reading && self.split.list.height > 0 {
            self.reading = false;
        } else if self.open {
            self.open = false;
            self.reading = false;
            self.settle();
        } else if self.is_filtered() {
            self.filter_text.clear();
            self.set_filter();
        } else {
            return false;
        }
        true
    }

    fn click(&mut self, x: u16, y: u16) {
        self.typing = false;
        if self.split.list.contains((x, y).into()) {
            self.reading = false;
            let row = self.tail.visible(&self.shown).start + (y - self.split.list.y) as usize;
            if row >= self.shown.len() {
                return;
            }
            let held = self.tail.stand() != Stand::Following;
            if held && self.tail.selected(&self.shown) == Some(row) {
                self.open();
            } else {
                self.tail.hold(&self.shown);
                self.select(row);
            }
        } else if self.open && self.split.side.contains((x, y).into()) {
            self.reading = true;
        }
    }

    fn wheel(&mut self, x: u16, y: u16, step: Step) {
        if self.open && self.split.side.contains((x, y).into()) {
            self.scroll = match step {
                Step::Up => self.scroll.saturating_sub(WHEEL_LINES),
                _ => self.scroll + WHEEL_LINES,
            };
        } else {
            self.tail.scroll(step, WHEEL_LINES, &self.shown);
        }
    }

    // ── filter ──────────────────────────────────────────────────────────────────────────────────────────────────

    /// What is typed is the filter now; one that cannot be read leaves the last good one in place.
    fn set_filter(&mut self) {
        match filter::parse(self.filter_text.text(), self.typing) {
            Err(fault) => self.fault = Some(fault),
            Ok(filter) => {
                self.fault = None;
                if filter != self.filter {
                    self.filter = filter;
                    self.show_anew();
                }
            }
        }
    }

    fn show_anew(&mut self) {
        let passing = self.entries.iter().zip(self.first..).filter(|(entry, _)| self.filter.passes(entry));
        self.shown = passing.map(|(_, key)| key).collect();
        self.open = false;
        self.reading = false;
        self.tail.follow();
        self.settle();
    }

    // ── place ───────────────────────────────────────────────────────────────────────────────────────────────────

    /// Lines above the list: where the file is or what is filtered, and the line under it.
    const HEAD_LINES: u16 = 2;

    fn settle(&mut self) {
        let inner = inside(self.area);
        let head = Log::HEAD_LINES.min(inner.height);
        let body = Rect { y: inner.y + head, height: inner.height - head, ..inner };
        self.split = self.split.of(body, self.open);
        self.tail.set_height(self.split.list.height as usize);
    }
}

#[cfg(test)]
mod tests;
