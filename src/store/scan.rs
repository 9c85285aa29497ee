//! A question about events: a filter inside a wall, between two places of the log, in one direction.

use crate::{
    door::Order,
    model::{Event, EventFilter, Projects, Sequence, Time},
};

#[derive(Debug, Clone)]
pub struct Scan<'a> {
    pub filter: &'a EventFilter,
    /// The caller's; the filter narrows it.
    pub wall: &'a Projects,
    /// By `recorded_at`, from here on.
    pub recorded_since: Option<Time>,
    /// By `recorded_at`, before this.
    pub recorded_until: Option<Time>,
    /// Only events after this place.
    pub after: Sequence,
    /// Only events before this place.
    pub before: Sequence,
    pub order: Order,
    /// Matches that end the scan.
    pub limit: usize,
    /// Events read from the log that end the scan, matching or not; what is skipped unread does not count.
    pub looked_at_max: usize,
}

impl Scan<'_> {
    pub fn matches(&self, event: &Event) -> bool {
        self.wall.see_name(event.subject.project())
            && self.recorded_since.is_none_or(|since| event.recorded_at >= since)
            && self.recorded_until.is_none_or(|until| event.recorded_at < until)
            && self.filter.matches(event)
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scanned {
    pub events: Vec<Event>,
    /// Where to go on, `after` it when ascending, `before` it when descending. None: all has been looked at.
    pub next: Option<Sequence>,
    /// When that was recorded which was looked at last.
    pub reached: Option<Time>,
}
