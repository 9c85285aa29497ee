//! What a run writes while it runs: the newest lines, each with a number, so that a reader goes on where it stopped.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::model::Time;

/// Of one run; the oldest go first, and a reader is told how many it missed.
pub const LINES_MAX: usize = 5_000;
pub const BYTES_MAX: usize = 1 << 20;
/// A longer line is cut here.
pub const LINE_BYTES_MAX: usize = 4 << 10;
pub const PAGE_LINES_MAX: usize = 1_000;

const _: () = assert!(LINE_BYTES_MAX <= BYTES_MAX && PAGE_LINES_MAX <= LINES_MAX);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    Out,
    Err,
    /// What the scheduler itself has to say about the run.
    Note,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// From 1, in the order of writing; the cursor of a reader is the number of the last line it has.
    pub number: u64,
    pub time: Time,
    pub stream: Stream,
    pub text: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Lines after a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub lines: Vec<Line>,
    /// The cursor to ask with next.
    pub cursor: u64,
    /// How many lines between the cursor asked with and the first of these are gone.
    pub missed: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Lines {
    lines: VecDeque<Line>,
    bytes: usize,
    last: u64,
}

impl Lines {
    pub fn push(&mut self, time: Time, stream: Stream, text: &str) {
        let end = text.floor_char_boundary(LINE_BYTES_MAX);
        let kept = &text[..end];
        self.last += 1;
        self.bytes += kept.len();
        self.lines.push_back(Line {
            number: self.last,
            time,
            stream,
            text: kept.to_owned(),
            cut: end < text.len(),
        });
        while self.lines.len() > LINES_MAX || self.bytes > BYTES_MAX {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.text.len());
        }
    }

    /// At most `max` lines after a cursor, 0 being before the first. A cursor from ahead of the last line stays.
    pub fn after(&self, cursor: u64, max: usize) -> Page {
        let first = self.lines.front().map_or(self.last + 1, |line| line.number);
        let missed = first.saturating_sub(cursor.saturating_add(1));
        let skip = cursor.saturating_add(1).saturating_sub(first).min(self.lines.len() as u64) as usize;
        let lines: Vec<Line> = self.lines.range(skip..).take(max.min(PAGE_LINES_MAX)).cloned().collect();
        let reached = lines.last().map_or(cursor.max(first - 1), |line| line.number);
        Page { lines, cursor: reached, missed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(count: usize) -> Lines {
        let mut lines = Lines::default();
        for n in 1..=count {
            lines.push(Time::from_unix_ms(n as i64), Stream::Out, &format!("line {n}"));
        }
        lines
    }

    #[track_caller]
    fn check(lines: &Lines, cursor: u64, max: usize, numbers: (u64, u64), next: u64, missed: u64) {
        let page = lines.after(cursor, max);
        let ends = |page: &Page| Some((page.lines.first()?.number, page.lines.last()?.number));
        assert_eq!((ends(&page).unwrap_or_default(), page.cursor, page.missed), (numbers, next, missed));
    }

    #[test]
    fn a_reader_goes_on_where_it_stopped() {
        let lines = written(10);
        check(&lines, 0, 4, (1, 4), 4, 0);
        check(&lines, 4, 100, (5, 10), 10, 0);
        check(&lines, 10, 100, (0, 0), 10, 0);
        check(&lines, 99, 100, (0, 0), 99, 0);
        check(&Lines::default(), 0, 100, (0, 0), 0, 0);
    }

    #[test]
    fn what_is_gone_is_counted() {
        let lines = written(LINES_MAX + 500);
        check(&lines, 0, 10, (501, 510), 510, 500);
        check(&lines, 400, 10, (501, 510), 510, 100);
        check(&lines, 500, 10, (501, 510), 510, 0);
        let mut lines = Lines::default();
        for _ in 0..1_000 {
            lines.push(Time::default(), Stream::Err, &"é".repeat(LINE_BYTES_MAX));
        }
        let page = lines.after(0, 1);
        assert!(page.missed > 0 && page.lines[0].cut && page.lines[0].text.len() == LINE_BYTES_MAX);
        assert!(lines.bytes <= BYTES_MAX);
    }
}
