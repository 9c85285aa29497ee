//! The cleaner: takes from the log what is no longer kept, writes what stays packed, and erases what was forgotten from
//! every file of the store.
//!
//! It works on closed segments only, one after the other, each by a rewrite that is there whole or not at all. What it
//! still has to erase stands in the record view until it is done, so that a run that was cut off is done again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    core::{Core, sound},
    log::{Rewrote, Verdict},
    log_fault,
    records::{Records, RecordsError},
    segment::Segment,
    sidecar::{Sidecar, Summary},
};
use crate::model::{
    Change, Class, Entry, Fault, Id, Sequence, Time,
    job::{JobState, Run as JobRun, RunState},
};

/// An open segment that holds what will go is closed after this, so that it can.
const OPEN_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Neighbours that are smaller than this part of a full segment are written as one, this many at a time: each event
/// is moved a few times at most, and a log of years is few files.
const SMALL_PART: u64 = 8;
const TOGETHER: usize = 8;
/// Changes in one commit of what is said again.
const SAID_MAX: usize = 10_000;

/// How long events are kept, by class. What changed a record is kept for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub ops: Duration,
    pub telemetry: Duration,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention::days(90, 7)
    }
}

impl Retention {
    pub fn days(ops: u32, telemetry: u32) -> Retention {
        let days = |n: u32| Duration::from_secs(u64::from(n) * 24 * 3_600);
        Retention { ops: days(ops), telemetry: days(telemetry) }
    }

    fn of(&self, class: Class) -> Option<Duration> {
        match class {
            Class::Change => None,
            Class::Ops => Some(self.ops),
            Class::Telemetry => Some(self.telemetry),
        }
    }

    /// What was recorded before this goes.
    fn horizon(&self, class: Class, now: Time) -> Option<Time> {
        self.of(class).map(|kept| now.minus(kept))
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cleaned {
    /// Closed segments that were written anew.
    pub segments: u64,
    pub log: Rewrote,
    /// What was erased from the log, the snapshots and the record view; it is not known to be done before a commit with
    /// [`Change::Erased`] says so.
    pub erased: BTreeSet<Id>,
    /// The record view was written into a fresh directory.
    pub compacted: bool,
}

/// What a run works on, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanedPart {
    Log,
    Records,
}

/// Who is asked and told during a run.
pub struct Overseer<'a> {
    /// Says this again, before what told of it goes.
    pub say_again: &'a dyn Fn(Vec<Change>) -> Result<(), Fault>,
    /// Of a part, so much of so much is done.
    pub progress: &'a dyn Fn(CleanedPart, u64, u64),
    /// Ends the run at the next safe place.
    pub stop: &'a dyn Fn() -> bool,
}

pub fn clean(core: &Core, retention: &Retention, overseer: &Overseer<'_>) -> Result<Cleaned, Fault> {
    let _one = sound(core.cleaning.lock());
    let erasing = core.complete_view()?.records.erasing().map_err(|error| core.unreadable(error))?;
    let run = Run {
        core,
        overseer,
        now: core.clock.now(),
        retention,
        erasing: erasing.keys().copied().collect(),
        places: erasing.into_values().flatten().collect(),
    };
    run.close_open_segment()?;
    let mut cleaned = run.log()?;
    if !run.erasing.is_empty() {
        core.log.forget_tail();
    }
    if (run.overseer.stop)() {
        return Err(stopped());
    }
    cleaned.compacted = core.renew_view(!run.erasing.is_empty(), overseer)?;
    cleaned.erased = run.erasing;
    Ok(cleaned)
}

/// What a run answers that was ended before its time.
pub fn stopped() -> Fault {
    Fault::unavailable("the cleaner was stopped; it goes on at the next start")
}

struct Run<'a> {
    core: &'a Core,
    overseer: &'a Overseer<'a>,
    now: Time,
    retention: &'a Retention,
    erasing: BTreeSet<Id>,
    /// First sequences of the entries that tell of what is erased.
    places: BTreeSet<Sequence>,
}

impl Run<'_> {
    /// Closes the open segment where something of it is to go.
    fn close_open_segment(&self) -> Result<(), Fault> {
        let (open, sidecar) = self.core.log.open_segment();
        let told = self.places.range(open.header.first..).next().is_some();
        let searched = !self.erasing.is_empty() && has_searches(&sidecar);
        if told || searched || self.is_stale(&sidecar) {
            self.core.queue.roll()?;
        }
        Ok(())
    }

    /// It began long ago, and holds what is not kept for good.
    fn is_stale(&self, open: &Sidecar) -> bool {
        open.summary().is_some_and(|summary| {
            let passing: u64 = summary.classes[1..].iter().sum();
            passing > 0 && self.now.since(summary.outline.recorded.first) > OPEN_MAX
        })
    }

    fn log(&self) -> Result<Cleaned, Fault> {
        let groups = self.groups()?;
        let of: u64 = groups.iter().flatten().map(|segment| segment.len).sum();
        let (mut cleaned, mut done) = (Cleaned::default(), 0);
        for group in groups {
            if (self.overseer.stop)() {
                break;
            }
            (self.overseer.progress)(CleanedPart::Log, done, of);
            self.say_again(&group)?;
            let salt = self.core.salt();
            let rewrote =
                self.core.log.rewrite(&group, salt, &mut |entry| self.judge(entry)).map_err(log_fault)?;
            cleaned.segments += group.len() as u64;
            cleaned.log.add(&rewrote);
            done += group.iter().map(|segment| segment.len).sum::<u64>();
        }
        Ok(cleaned)
    }

    /// The closed segments that are to be written anew, those together that become one.
    fn groups(&self) -> Result<Vec<Vec<Segment>>, Fault> {
        let closed = self.core.log.closed();
        let ends = closed.iter().skip(1).map(|segment| segment.header.first);
        let ends: Vec<_> = ends.chain([self.core.log.open_segment().0.header.first]).collect();
        let mut groups: Vec<Vec<Segment>> = Vec::new();
        let mut small: Vec<Segment> = Vec::new();
        for (segment, end) in closed.into_iter().zip(ends) {
            let wanted = self.is_wanted(&segment, end)?;
            if self.is_small(&segment) {
                if !self.may_join(&small, &segment) {
                    small.clear();
                }
                small.push(segment.clone());
            } else {
                small.clear();
            }
            if small.len() == TOGETHER {
                let first = small[0].header.ordinal;
                groups.retain(|group| group[0].header.ordinal < first);
                groups.push(std::mem::take(&mut small));
            } else if wanted {
                groups.push(vec![segment]);
            }
        }
        Ok(groups)
    }

    /// Whether it is to be written anew for its own sake.
    fn is_wanted(&self, segment: &Segment, end: Sequence) -> Result<bool, Fault> {
        if self.places.range(segment.header.first..end).next().is_some() {
            return Ok(true);
        }
        // What is damaged stays as it is, for who may want to look at it.
        let Some(summary) = self.summary(segment)? else { return Ok(false) };
        let due = Class::ALL.into_iter().any(|class| {
            let horizon = self.retention.horizon(class, self.now);
            summary.classes[class as usize] > 0
                && horizon.is_some_and(|horizon| summary.outline.recorded.last < horizon)
        });
        let searches = summary.classes[Class::Telemetry as usize] > 0;
        Ok(segment.header.rewritten.is_none() || due || searches && !self.erasing.is_empty())
    }

    fn summary(&self, segment: &Segment) -> Result<Option<Summary>, Fault> {
        match self.core.log.summary_of(segment) {
            Some(summary) => Ok(Some(summary)),
            None => Ok(self.core.log.sidecar_of(segment).map_err(log_fault)?.0.summary()),
        }
    }

    fn is_small(&self, segment: &Segment) -> bool {
        segment.len < self.core.segment_bytes / SMALL_PART && self.core.log.summary_of(segment).is_some()
    }

    /// Whether it may be written as one with these: it follows them, and what of them will go, goes on the same day.
    fn may_join(&self, small: &[Segment], segment: &Segment) -> bool {
        let Some(last) = small.last() else { return true };
        let follows = last.header.epoch == segment.header.epoch
            && segment.header.before_ordinal == last.header.last_ordinal();
        let all = small.iter().chain([segment]).filter_map(|segment| self.core.log.summary_of(segment));
        let all: Vec<_> = all.collect();
        let passing = all.iter().flat_map(|summary| &summary.classes[1..]).any(|count| *count > 0);
        let first = all.iter().map(|summary| summary.outline.recorded.first).min();
        let last = all.iter().map(|summary| summary.outline.recorded.last).max();
        let span = first.zip(last).map_or(Duration::ZERO, |(first, last)| last.since(first));
        follows && (!passing || span < OPEN_MAX)
    }

    fn judge(&self, entry: &Entry) -> Verdict {
        if let Some(class) = self.expired(entry) {
            return Verdict::Drop(class);
        }
        let told = entry.changes.iter().any(|change| self.is_erased(change))
            || entry.events.iter().any(|event| event.record().is_some_and(|id| self.erasing.contains(&id)));
        if !told {
            return Verdict::Keep;
        }
        let mut less = entry.clone();
        less.changes.retain(|change| !self.is_erased(change));
        for event in &mut less.events {
            if event.record().is_some_and(|id| self.erasing.contains(&id)) {
                // That it was, and what was done; not what it said.
                event.data.retain(|field, _| field == "id");
            }
        }
        Verdict::Instead(less)
    }

    /// A change that says something of what is erased: its content, its uses.
    fn is_erased(&self, change: &Change) -> bool {
        let says = match change {
            Change::Put { .. } | Change::Restore { .. } => true,
            other => other.is_use(),
        };
        says && self.erasing.contains(&change.id())
    }

    fn expired(&self, entry: &Entry) -> Option<Class> {
        let class = entry.class();
        let horizon = self.retention.horizon(class, self.now)?;
        (entry.recorded_at() < horizon).then_some(class)
    }

    fn may_hold_expired(&self, segment: &Segment) -> bool {
        self.core.log.summary_of(segment).is_none_or(|summary| {
            Class::ALL.into_iter().any(|class| {
                let horizon = self.retention.horizon(class, self.now);
                summary.classes[class as usize] > 0
                    && horizon.is_some_and(|horizon| summary.outline.recorded.first < horizon)
            })
        })
    }

    /// Has said again what still counts of what goes with the expired entries of these segments: how often records were
    /// used, where the scheduler stands with a job, runs of which something is still to come or that nobody has seen to.
    /// Other runs that no entry tells of any more go too.
    fn say_again(&self, group: &[Segment]) -> Result<(), Fault> {
        let mut told = Passing::default();
        for segment in group.iter().filter(|segment| self.may_hold_expired(segment)) {
            let entries = |entry: &Entry| {
                if self.expired(entry).is_some() {
                    entry.changes.iter().for_each(|change| told.note(change));
                }
            };
            self.core.log.each_entry(segment, entries).map_err(log_fault)?;
        }
        let view = self.core.complete_view()?;
        let again = told.again(&view.records).map_err(|error| self.core.unreadable(error))?;
        again.chunks(SAID_MAX).try_for_each(|some| (self.overseer.say_again)(some.to_vec()))
    }
}

/// What passing changes were about, and the newest revision they gave it.
#[derive(Default)]
struct Passing {
    used: BTreeSet<Id>,
    states: BTreeMap<Id, u64>,
    runs: BTreeMap<Id, u32>,
}

impl Passing {
    fn note(&mut self, change: &Change) {
        match change {
            Change::Stand { state } => {
                self.states.insert(state.job, state.revision);
            }
            Change::Run { run } => {
                self.runs.insert(run.id, run.revision);
            }
            change if change.is_use() => {
                self.used.insert(change.id());
            }
            _ => {}
        }
    }

    /// Where a newer entry tells of it, nothing has to be said.
    fn again(&self, records: &Records) -> Result<Vec<Change>, RecordsError> {
        let uses = records.uses(&self.used)?.into_iter();
        let mut again: Vec<Change> = uses
            .map(|(id, access_count, last_accessed)| Change::Counted { id, access_count, last_accessed })
            .collect();
        for (job, revision) in &self.states {
            let state = records.kept::<JobState>(*job)?.filter(|state| state.revision == *revision);
            again.extend(state.map(|state| Change::Stand { state: Box::new(state) }));
        }
        for (id, revision) in &self.runs {
            let Some(run) = records.kept::<JobRun>(*id)?.filter(|run| run.revision == *revision) else {
                continue;
            };
            let matters = run.state.is_live() || run.state == RunState::Dead;
            again.push(if matters { Change::Run { run: Box::new(run) } } else { Change::Pass { id: *id } });
        }
        Ok(again)
    }
}

fn has_searches(sidecar: &Sidecar) -> bool {
    sidecar.summary().is_none_or(|summary| summary.classes[Class::Telemetry as usize] > 0)
}
