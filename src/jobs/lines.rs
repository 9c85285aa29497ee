//! What a run writes while it runs: the newest lines, each with a number, so that a reader goes on where it stopped.

use std::collections::VecDeque;

use crate::{
    door::{LOG_PAGE_MAX, LogLine, LogStream},
    model::Time,
};

/// Of one run; the oldest go first, and a reader is told how many it missed.
pub const LINES_MAX: usize = 5_000;
pub const BYTES_MAX: usize = 1 << 20;
/// A longer line is cut here.
pub const LINE_BYTES_MAX: usize = 4 << 10;

const _: () = assert!(LINE_BYTES_MAX <= BYTES_MAX);

/// Lines after a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub lines: Vec<LogLine>,
    /// The cursor to ask with next.
    pub cursor: u64,
    /// How many lines between the cursor asked with and the first of these are gone.
    pub missed: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Lines {
    lines: VecDeque<LogLine>,
    bytes: usize,
    last: u64,
}

impl Lines {
    /// Of a run that has said so many lines before.
    pub fn going_on_after(last: u64) -> Lines {
        Lines { last, ..Lines::default() }
    }

    /// The number of the newest.
    pub fn last(&self) -> u64 {
        self.last
    }

    pub fn push(&mut self, time: Time, stream: LogStream, text: &str) {
        let end = text.floor_char_boundary(LINE_BYTES_MAX);
        let kept = &text[..end];
        self.last += 1;
        self.bytes += kept.len();
        self.lines.push_back(LogLine {
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
        let lines: Vec<LogLine> = self.lines.range(skip..).take(max.min(LOG_PAGE_MAX)).cloned().collect();
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
            lines.push(Time::from_unix_ms(n as i64), LogStream::Out, &format!("line {n}"));
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
            lines.push(Time::default(), LogStream::Err, &"é".repeat(LINE_BYTES_MAX));
        }
        let page = lines.after(0, 1);
        assert!(page.missed > 0 && page.lines[0].cut && page.lines[0].text.len() == LINE_BYTES_MAX);
        assert!(lines.bytes <= BYTES_MAX);
    }
}
