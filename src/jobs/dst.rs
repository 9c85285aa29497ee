//! What jobs do on the days on which a zone's clock is put on or back, as rows of a table.

use std::time::Duration;

use super::Timetable;
use crate::model::{Fault, Time, Zone, job::Schedule};

/// So far around a change the hourly job is looked at.
const AROUND: Duration = Duration::from_secs(3 * 3_600);

/// One change of a zone's clock, and what a job at 02:30 and an hourly one do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DstRow {
    pub zone: String,
    pub change: Time,
    /// `gap` or `fold`.
    pub kind: &'static str,
    /// What the clock would have said, and what it says: `02:00 → 03:00`.
    pub clock: String,
    /// When the daily job runs on that day, by the clock and its distance from UTC.
    pub daily: Vec<String>,
    /// When the hourly one does, from two hours before to three hours after.
    pub hourly: Vec<String>,
}

/// The changes of a zone between two moments.
pub fn dst_rows(zone: &str, from: Time, until: Time) -> Result<Vec<DstRow>, Fault> {
    let cron = |cron: &str| Timetable::of(&Schedule::Cron { cron: cron.to_owned(), zone: zone.to_owned() });
    let (daily, hourly) = (cron("30 2 * * *")?, cron("0 * * * *")?);
    let name = zone;
    let zone: Zone = name.parse().map_err(|error| Fault::invalid(format!("{error}")))?;
    let changes = std::iter::successors(zone.next_change(from), |change| zone.next_change(*change));
    let mut rows = Vec::new();
    for change in changes.take_while(|change| *change <= until) {
        let before = Time::from_unix_ms(change.unix_ms() - 1).at(zone);
        let since = change.at(zone);
        let by = since.offset().local_minus_utc() - before.offset().local_minus_utc();
        if by == 0 {
            continue;
        }
        let would = before.naive_local() + chrono::TimeDelta::milliseconds(1);
        let day = since.date_naive();
        let said = |slots: Vec<Time>| -> Vec<String> {
            slots.iter().map(|slot| slot.at(zone).format("%H:%M %:z").to_string()).collect()
        };
        let around = change.minus(2 * AROUND / 3).minus(Duration::from_millis(1));
        // The day of the change, wherever its midnights are.
        let days = change.minus(Duration::from_secs(86_400));
        let of_day = daily.between(days, change.plus(Duration::from_secs(86_400)), 8);
        rows.push(DstRow {
            zone: name.to_owned(),
            change,
            kind: if by > 0 { "gap" } else { "fold" },
            clock: format!("{} → {}", would.format("%Y-%m-%d %H:%M"), since.format("%H:%M")),
            daily: said(of_day.into_iter().filter(|slot| slot.at(zone).date_naive() == day).collect()),
            hourly: said(hourly.between(around, change.plus(AROUND), 16)),
        });
    }
    Ok(rows)
}
