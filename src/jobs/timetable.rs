//! The slots of a schedule: which come after a moment, which lie in a span.
//!
//! `every` counts from 1970 in UTC and knows no zones. A cron pattern is read on the clock of its zone, and when that clock
//! is put on or back:
//!
//! - a pattern that *names its hours* (`30 2 * * *`, `*/15 2,14 * * *`) means the clock's hours: what falls into a gap runs
//!   once, at the first valid instant after it; what falls into a fold runs at the first of the two;
//! - one that *does not* (`0 * * * *`, `*/15 */2 * * *`) means a rhythm: it runs whenever the clock shows it, so not in a
//!   gap and in both halves of a fold.
//!
//! The pattern library knows a rule of this kind too, but takes only a single minute of a single hour for a fixed time;
//! so it is asked about clocks without zones, and the changes of the zone are walked here.
//!
//! **Invariant**: slots of one schedule rise strictly, and are the same from wherever they are counted.

use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};
use croner::{
    Cron,
    parser::{CronParser, Year},
};

use crate::{
    model::{
        Fault, Time, Zone,
        job::{Schedule, Span},
    },
    report,
};

/// Looking back for the newest slots, the first look spans this; every further one twice as much.
const LOOK_BACK_FIRST: Duration = Duration::from_secs(60);

/// A pattern whose next match is later than this after 2000 is taken for one that never comes: 29 February on a Monday
/// comes every 28 years, with a century between every 40.
const YEARS_MAX: i32 = 60;

/// A schedule, made ready to be asked.
#[derive(Debug, Clone)]
pub struct Timetable {
    slots: Slots,
}

#[derive(Debug, Clone)]
enum Slots {
    None,
    Once(Time),
    Every { every_ms: i64, phase_ms: i64 },
    Cron { cron: Box<Cron>, zone: Zone, names_hours: bool },
}

impl Timetable {
    pub fn of(schedule: &Schedule) -> Result<Timetable, Fault> {
        let slots = match schedule {
            Schedule::Every { every, phase } => every_slots(*every, *phase)?,
            Schedule::Cron { cron, zone } => {
                let zone = zone.parse::<Zone>().map_err(|_| unknown_zone(zone))?;
                Slots::Cron { names_hours: names_hours(cron), cron: Box::new(pattern(cron)?), zone }
            }
            Schedule::At(time) => Slots::Once(*time),
            Schedule::On(_) | Schedule::Manual => Slots::None,
        };
        Ok(Timetable { slots })
    }

    /// Whether any slot is a moment.
    pub fn has_moments(&self) -> bool {
        !matches!(self.slots, Slots::None)
    }

    /// The first slot after a moment.
    pub fn after(&self, after: Time) -> Option<Time> {
        let next = match &self.slots {
            Slots::None => None,
            Slots::Once(time) => Some(*time),
            Slots::Every { every_ms, phase_ms } => {
                let passed = (after.unix_ms() - phase_ms).div_euclid(*every_ms);
                Some(Time::from_unix_ms((passed + 1).saturating_mul(*every_ms).saturating_add(*phase_ms)))
            }
            Slots::Cron { cron, zone, names_hours } => cron_after(cron, *zone, *names_hours, after),
        };
        next.filter(|next| *next > after)
    }

    /// The next `n`.
    pub fn next(&self, after: Time, n: usize) -> Vec<Time> {
        std::iter::successors(self.after(after), |slot| self.after(*slot)).take(n).collect()
    }

    /// The first slots after `after`, up to `until`, at most `max`.
    pub fn between(&self, after: Time, until: Time, max: usize) -> Vec<Time> {
        std::iter::successors(self.after(after), |slot| self.after(*slot))
            .take_while(|slot| *slot <= until)
            .take(max)
            .collect()
    }

    /// The newest slots after `after`, up to `until`, at most `max`; oldest first. Takes about as long as it finds, however
    /// long the span is.
    pub fn newest(&self, after: Time, until: Time, max: usize) -> Vec<Time> {
        if max == 0 || until <= after {
            return Vec::new();
        }
        let mut look = LOOK_BACK_FIRST;
        loop {
            let from = until.minus(look).max(after);
            let mut found = self.between(from, until, usize::MAX);
            if found.len() >= max || from == after {
                found.drain(..found.len().saturating_sub(max));
                return found;
            }
            look = look.saturating_mul(2);
        }
    }

    /// How many slots there are after `after`, up to `until`, counting no further than `max`.
    pub fn count(&self, after: Time, until: Time, max: u64) -> u64 {
        if until <= after {
            return 0;
        }
        match &self.slots {
            Slots::Every { every_ms, phase_ms } => {
                let passed = |time: Time| (time.unix_ms() - phase_ms).div_euclid(*every_ms);
                ((passed(until) - passed(after)) as u64).min(max)
            }
            _ => self.between(after, until, max as usize).len() as u64,
        }
    }
}

fn every_slots(every: Span, phase: Span) -> Result<Slots, Fault> {
    let ms = |span: Span| i64::try_from(span.ms()).ok();
    match (ms(every).filter(|ms| *ms > 0), ms(phase)) {
        (Some(every_ms), Some(phase_ms)) => Ok(Slots::Every { every_ms, phase_ms }),
        _ => Err(Fault::invalid(format!("schedule.every is {every}"))),
    }
}

fn unknown_zone(name: &str) -> Fault {
    let fault = Fault::invalid(format!("schedule.zone is {name:?}, and no zone is called so"));
    let names = crate::model::zone_names();
    match report::nearest(name, names.iter().map(String::as_str)) {
        Some(near) => fault.hint(format!("did you mean {near:?}?")),
        None => fault.hint("try \"Europe/Berlin\" or \"UTC\""),
    }
}

fn pattern(text: &str) -> Result<Cron, Fault> {
    let cron = CronParser::builder().year(Year::Disallowed).build().parse(text).map_err(|error| {
        Fault::invalid(format!("schedule.cron is {text:?}, which is no cron pattern")).cause(error).hint(
            "minute hour day month weekday, such as \"30 2 * * 1-5\"; a sixth field in front is seconds",
        )
    })?;
    let start = NaiveDate::from_ymd_opt(2000, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let first = start.and_then(|start| cron.find_next_occurrence(&start, true).ok());
    match first.filter(|first| chrono::Datelike::year(first) <= 2000 + YEARS_MAX) {
        Some(_) => Ok(cron),
        None => Err(Fault::invalid(format!("schedule.cron is {text:?}, which never comes"))),
    }
}

/// Whether the pattern's field of hours says which hours, and not "all" or "every so many".
fn names_hours(text: &str) -> bool {
    let text = text.trim();
    if text.starts_with('@') {
        return !text.eq_ignore_ascii_case("@hourly");
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    let hours = if fields.len() == 5 { fields.get(1) } else { fields.get(2) };
    hours.is_some_and(|hours| !hours.contains(['*', '?']) && *hours != "0-23")
}

/// What the clock of a zone says, to the millisecond.
fn clock(zone: Zone, time: Time) -> NaiveDateTime {
    time.at(zone).naive_local()
}

fn offset_ms(zone: Zone, time: Time) -> i64 {
    i64::from(zone.offset(time).local_minus_utc()) * 1_000
}

/// The moment at which a clock that is `offset_ms` ahead of UTC says this.
fn moment(said: NaiveDateTime, offset_ms: i64) -> Time {
    Time::from_unix_ms(said.and_utc().timestamp_millis() - offset_ms)
}

fn reading(time: Time, offset_ms: i64) -> NaiveDateTime {
    Time::from_unix_ms(time.unix_ms() + offset_ms).utc().naive_utc()
}

/// Walks from one change of the zone to the next: in between, clock and time go side by side.
fn cron_after(cron: &Cron, zone: Zone, names_hours: bool, after: Time) -> Option<Time> {
    let mut at = after;
    let mut from = clock(zone, after);
    let mut inclusive = false;
    // Within the second half of a fold: what it says was said already.
    if names_hours
        && let Some(said) = zone.last_change(after).and_then(|change| said_before(zone, change))
        && said > from
    {
        (from, inclusive) = (said, true);
    }
    loop {
        let offset = offset_ms(zone, at);
        let said = cron.find_next_occurrence(&from, inclusive).ok()?;
        let slot = moment(said, offset);
        let Some(change) = zone.next_change(at).filter(|change| *change <= slot) else {
            return Some(slot);
        };
        let (before, since) = (reading(change, offset), clock(zone, change));
        if names_hours && said < since {
            // In the gap.
            return Some(change);
        }
        from = if names_hours { before.max(since) } else { since };
        inclusive = true;
        at = change;
    }
}

/// What the clock would have said at a change, had it not been put.
fn said_before(zone: Zone, change: Time) -> Option<NaiveDateTime> {
    let before = Time::from_unix_ms(change.unix_ms() - 1);
    (before < change).then(|| reading(change, offset_ms(zone, before)))
}

#[cfg(test)]
mod tests;
