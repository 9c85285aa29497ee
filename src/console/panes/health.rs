//! Health: how each part of the hub does, how it did in the last hour, and why it is not well.
//!
//! Asked for while it is on screen, every ten seconds, and at once when the hub tells of a change; the header's badge and
//! `!` live of the last answer. The hour is kept here and only its new steps are asked for. A cursor in a chart is a
//! moment: the Timeline goes there with it, and where the Timeline stands is marked in the charts.

mod asking;
mod detail;
mod frames;
mod gauges;
mod pane;
mod wrong;

use ratatui::layout::Rect;

pub use self::{frames::FrameTimes, wrong::Wrong};
use super::super::{
    layout::{BESIDE_MIN, Split, inside},
    scene::Out,
    theme::Role,
    widgets::list::{List, Step},
};
use crate::{
    door::{Component, Condition, Health as Found, Trends},
    model::{Fault, Time},
};

/// From how many lines on the parts stand in a list; below, as gauges.
const LIST_MIN: u16 = 12;

#[derive(Debug, Default)]
pub struct Health {
    found: Option<Box<Found>>,
    found_at: Option<Time>,
    trends: Trends,
    fault: Option<Fault>,
    list: List,
    reading: bool,
    top: usize,
    /// The moment looked at in the charts.
    cursor: Option<Time>,
    /// Where the Timeline stands, while it does not follow.
    pub marked: Option<Time>,
    /// How long the frames of this console took.
    pub frames: FrameTimes,
    split: Split,
    area: Rect,
    generation: u64,
    asked: Option<u64>,
    asked_at: Option<Time>,
    stale_since: Option<Time>,
}

impl Health {
    pub fn found(&self) -> Option<&Found> {
        self.found.as_deref()
    }

    fn selected(&self) -> Option<(&String, &Component)> {
        self.found.as_ref()?.components.iter().nth(self.list.selected()?)
    }

    fn is_listed(&self) -> bool {
        let inner = inside(self.area);
        inner.height >= LIST_MIN || inner.width >= BESIDE_MIN && inner.height >= 8
    }

    fn is_shown(&self) -> bool {
        !self.area.is_empty()
    }

    fn step(&mut self, step: Step) {
        if self.reading && self.is_listed() {
            self.top = match step {
                Step::Up => self.top.saturating_sub(1),
                Step::Down => self.top + 1,
                Step::PageUp => self.top.saturating_sub(8),
                Step::PageDown => self.top + 8,
                Step::First => 0,
                Step::Last => usize::MAX / 2,
            };
            return;
        }
        self.list.step(step);
        self.top = 0;
    }

    /// The moment a column of the charts before or after the one looked at; the Timeline goes there too.
    fn look(&mut self, step: isize, out: &mut Out) {
        let columns = self.chart_columns();
        let times = self.column_times(columns);
        let Some(last) = times.len().checked_sub(1) else { return };
        let at = match self.cursor {
            None if step > 0 => return,
            None => last,
            Some(cursor) => {
                let at = column_of(&times, cursor) as isize + step;
                if at > last as isize {
                    self.cursor = None;
                    return;
                }
                at.max(0) as usize
            }
        };
        self.cursor = Some(times[at]);
        out.moment = Some(times[at]);
    }

    fn chart_columns(&self) -> usize {
        let width =
            if self.is_listed() { self.split.side.width.saturating_sub(2) } else { inside(self.area).width };
        (width as usize).saturating_sub(detail::NAME + detail::VALUE).clamp(1, crate::door::TREND_POINTS_MAX)
    }

    /// The moment that each column of a chart begins with.
    fn column_times(&self, columns: usize) -> Vec<Time> {
        let points = &self.trends.points;
        let columns = columns.min(points.len());
        (0..columns).map(|column| points[column * points.len() / columns].at).collect()
    }

    /// The columns that are marked: what is looked at, else where the Timeline stands.
    fn marked_column(&self, columns: usize) -> Option<usize> {
        let times = self.column_times(columns);
        let marked = self.cursor.or(self.marked)?;
        times.first().is_some_and(|first| marked >= *first).then(|| column_of(&times, marked))
    }

    fn settle(&mut self) {
        let inner = inside(self.area);
        let len = self.found.as_ref().map_or(0, |found| found.components.len());
        self.list.set_len(len);
        if self.is_listed() {
            self.split = self.split.of(inner, len > 0);
            if self.split.list.height == 0 {
                self.split.list = Rect { height: 0, ..inner };
            }
            self.list.set_height(self.split.list.height as usize);
        } else {
            self.split = self.split.of(inner, false);
            self.list.set_height(len);
        }
    }
}

/// The last column that begins at or before this.
fn column_of(times: &[Time], moment: Time) -> usize {
    times.partition_point(|time| *time <= moment).saturating_sub(1)
}

/// How a part looks.
pub fn role(condition: Condition) -> Role {
    match condition {
        Condition::Up => Role::HealthUp,
        Condition::Degraded => Role::HealthDegraded,
        Condition::Down => Role::HealthDown,
    }
}
