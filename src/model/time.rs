//! Moments: milliseconds since 1970 in UTC. RFC 3339 at the surface, an integer in files.

mod ahead;
mod zone;

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use zone::{Zone, ZoneError, Zones, zone_names};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A moment, exact to the millisecond, so that JSON and files hold the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// A text that names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no time: try 2026-11-21, 2026-11-21T14:02:31Z, 14:02, 3d, -2h, yesterday 9am or \"last week\""
)]
pub struct TimeError(pub String);

impl Time {
    /// The latest moment that RFC 3339 can write, year 9999.
    const UNIX_MS_MAX: i64 = 253_402_300_799_999;

    /// Clamped to the years 0 to 9999.
    pub fn from_unix_ms(ms: i64) -> Time {
        Time(ms.clamp(-62_167_219_200_000, Time::UNIX_MS_MAX))
    }

    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    pub fn plus(self, span: Duration) -> Time {
        Time::from_unix_ms(self.0.saturating_add(span.as_millis().min(i64::MAX as u128) as i64))
    }

    pub fn minus(self, span: Duration) -> Time {
        Time::from_unix_ms(self.0.saturating_sub(span.as_millis().min(i64::MAX as u128) as i64))
    }

    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).expect("clamped to the years chrono knows")
    }
}

impl<Z: chrono::TimeZone> From<DateTime<Z>> for Time {
    fn from(moment: DateTime<Z>) -> Time {
        Time::from_unix_ms(moment.timestamp_millis())
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl FromStr for Time {
    type Err = TimeError;

    /// RFC 3339 with a zone, or a date alone (midnight UTC).
    fn from_str(text: &str) -> Result<Time, TimeError> {
        let text = text.trim();
        DateTime::parse_from_rfc3339(text)
            .map(Time::from)
            .or_else(|_| text.parse::<NaiveDate>().map(|day| day.and_time(NaiveTime::MIN).and_utc().into()))
            .map_err(|_| TimeError(text.to_owned()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
        } else {
            i64::deserialize(deserializer).map(Time::from_unix_ms)
        }
    }
}

/// Reads moments as people write them, seen from `now` in a zone.
#[derive(Debug, Clone, Copy)]
pub struct TimeWords {
    pub now: Time,
    pub zone: Zone,
}

impl TimeWords {
    /// The start of what the words name: `last week` is the moment seven days ago, `yesterday` its midnight.
    ///
    /// RFC 3339; `2026-11-21`, `2026-11`, `2026`; `14:02[:31]`, `9am`, `9:30pm`, `noon`, `midnight`; spans back
    /// `90s 5m 2h 3d 2w -2h 1h30m`, `3 days ago`, `an hour ago`, `last hour|day|week|month|year`; `now`; a day, with or
    /// without a time of day: `2026-11-21`, `today`, `yesterday`, `[last] friday`, `20 oct`, `oct 20 2025`.
    pub fn parse(&self, text: &str) -> Result<Time, TimeError> {
        let lower = text.trim().to_ascii_lowercase();
        self.absolute(text.trim())
            .or_else(|| self.span_back(&lower))
            .or_else(|| self.calendar(&lower))
            .ok_or_else(|| TimeError(text.trim().to_owned()))
    }

    fn absolute(&self, text: &str) -> Option<Time> {
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Some(moment.into());
        }
        for form in ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"] {
            if let Ok(moment) = NaiveDateTime::parse_from_str(text, form) {
                return self.zone.moment(moment);
            }
        }
        let day = match text.len() {
            4 if text.bytes().all(|b| b.is_ascii_digit()) => format!("{text}-01-01"),
            7 => format!("{text}-01"),
            _ => text.to_owned(),
        };
        NaiveDate::parse_from_str(&day, "%Y-%m-%d")
            .ok()
            .and_then(|day| self.zone.moment(day.and_time(NaiveTime::MIN)))
    }

    fn span_back(&self, text: &str) -> Option<Time> {
        let text = text.strip_suffix(" ago").unwrap_or(text);
        let one = ["last ", "an ", "a "].iter().find_map(|word| text.strip_prefix(word));
        let text = one.map_or_else(|| text.to_owned(), |unit| format!("1{unit}"));
        let mut rest = text.trim_start_matches('-');
        let mut moment = (!rest.is_empty()).then_some(self.now)?;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (count, after) = rest.split_at(digits);
            let after = after.trim_start();
            let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            let (unit, after) = after.split_at(letters);
            moment = self.back(moment, count.parse().ok()?, unit)?;
            rest = after.trim_start();
        }
        Some(moment)
    }

    fn back(&self, from: Time, count: i64, unit: &str) -> Option<Time> {
        let back = |ms: i64| Some(Time::from_unix_ms(from.0.saturating_sub(count.saturating_mul(ms))));
        let months = |n: i64| {
            let n = u32::try_from(count.checked_mul(n)?).ok()?;
            from.at(self.zone)
                .naive_local()
                .checked_sub_months(Months::new(n))
                .and_then(|then| self.zone.moment(then))
        };
        match unit {
            "s" | "sec" | "second" | "seconds" => back(1_000),
            "m" | "min" | "minute" | "minutes" => back(MINUTE_MS),
            "h" | "hour" | "hours" => back(HOUR_MS),
            "d" | "day" | "days" => back(DAY_MS),
            "w" | "week" | "weeks" => back(7 * DAY_MS),
            "mo" | "month" | "months" => months(1),
            "y" | "year" | "years" => months(12),
            _ => None,
        }
    }

    fn calendar(&self, text: &str) -> Option<Time> {
        if text == "now" {
            return Some(self.now);
        }
        let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "at").collect();
        let today = self.now.at(self.zone).date_naive();
        // The longest beginning that is a day.
        for count in (1..=words.len().min(3)).rev() {
            let (day, clock) = words.split_at(count);
            if let Some(day) = day_named(day, today) {
                let clock = if clock.is_empty() { NaiveTime::MIN } else { time_of_day(&clock.concat())? };
                return self.zone.moment(day.and_time(clock));
            }
        }
        let clock = time_of_day(&words.concat())?;
        let passed = self.zone.moment(today.and_time(clock)).filter(|time| *time <= self.now);
        let yesterday = || today.checked_sub_days(Days::new(1)).map(|day| day.and_time(clock));
        passed.or_else(|| yesterday().and_then(|said| self.zone.moment(said)))
    }
}

/// The last day up to today that is called so.
fn day_named(words: &[&str], today: NaiveDate) -> Option<NaiveDate> {
    let weekday = |name: &str| {
        let weekday = name.parse::<chrono::Weekday>().ok()?;
        Some((7 + today.weekday().num_days_from_monday() - weekday.num_days_from_monday()) % 7)
    };
    let back = |days: u32| today.checked_sub_days(Days::new(u64::from(days)));
    match words {
        ["today"] => Some(today),
        ["yesterday"] => back(1),
        ["last", name] => weekday(name).and_then(|days| back(if days == 0 { 7 } else { days })),
        [one] => one.parse::<NaiveDate>().ok().or_else(|| weekday(one).and_then(back)),
        [one, two] => {
            let of = |year| day_of_month(one, two, year);
            of(today.year()).filter(|day| *day <= today).or_else(|| of(today.year() - 1))
        }
        [one, two, year] if year.len() == 4 => day_of_month(one, two, year.parse().ok()?),
        _ => None,
    }
}

/// `20 oct`, `october 20th`
fn day_of_month(one: &str, two: &str, year: i32) -> Option<NaiveDate> {
    let month = |word: &str| word.parse::<chrono::Month>().ok();
    let (month, day) = month(one).map(|month| (month, two)).or_else(|| Some((month(two)?, one)))?;
    let day = ["st", "nd", "rd", "th"].iter().find_map(|end| day.strip_suffix(end)).unwrap_or(day);
    NaiveDate::from_ymd_opt(year, month.number_from_month(), day.parse().ok()?)
}

fn time_of_day(text: &str) -> Option<NaiveTime> {
    match text {
        "noon" => return NaiveTime::from_hms_opt(12, 0, 0),
        "midnight" => return Some(NaiveTime::MIN),
        _ => {}
    }
    for form in ["%H:%M:%S", "%H:%M"] {
        if let Ok(time) = NaiveTime::parse_from_str(text, form) {
            return Some(time);
        }
    }
    let (clock, afternoon) = match (text.strip_suffix("am"), text.strip_suffix("pm")) {
        (Some(clock), _) => (clock, 0),
        (_, Some(clock)) => (clock, 12),
        _ => return None,
    };
    let (hour, minute) = clock.trim().split_once(':').unwrap_or((clock.trim(), "0"));
    let hour: u32 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    NaiveTime::from_hms_opt(hour % 12 + afternoon, minute.parse().ok()?, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{decode, encode};

    fn words() -> TimeWords {
        // A Saturday afternoon in Sydney.
        TimeWords {
            now: "2026-11-21T14:02:31+11:00".parse().unwrap(),
            zone: "Australia/Sydney".parse().unwrap(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let time = words().parse(text).unwrap();
        assert_eq!(time.at(words().zone).to_rfc3339_opts(SecondsFormat::Secs, true), expected, "{text}");
    }

    #[test]
    fn moments_as_people_write_them() {
        check("2026-11-01T00:00:00Z", "2026-11-01T11:00:00+11:00");
        check("2026-11-01", "2026-11-01T00:00:00+11:00");
        check("2026-10", "2026-10-01T00:00:00+10:00");
        check("2025", "2025-01-01T00:00:00+11:00");
        check("2026-11-01 9:30", "2026-11-01T09:30:00+11:00");
        check("10:32", "2026-11-21T10:32:00+11:00");
        check("23:00", "2026-11-20T23:00:00+11:00");
        check("9am", "2026-11-21T09:00:00+11:00");
        check("12am", "2026-11-21T00:00:00+11:00");
        check("-2h", "2026-11-21T12:02:31+11:00");
        check("3d", "2026-11-18T14:02:31+11:00");
        check("3 days ago", "2026-11-18T14:02:31+11:00");
        check("last week", "2026-11-14T14:02:31+11:00");
        check("last month", "2026-10-21T14:02:31+11:00");
        check("yesterday", "2026-11-20T00:00:00+11:00");
        check("Yesterday 9am", "2026-11-20T09:00:00+11:00");
        check("today", "2026-11-21T00:00:00+11:00");
        check("monday", "2026-11-16T00:00:00+11:00");
        check("saturday", "2026-11-21T00:00:00+11:00");
        check("now", "2026-11-21T14:02:31+11:00");
        check("yesterday at 9:30pm", "2026-11-20T21:30:00+11:00");
        check("noon", "2026-11-21T12:00:00+11:00");
        check("friday midnight", "2026-11-20T00:00:00+11:00");
        check("last saturday", "2026-11-14T00:00:00+11:00");
        check("2026-10-01 9am", "2026-10-01T09:00:00+10:00");
        check("20 oct", "2026-10-20T00:00:00+11:00");
        check("Oct 20th 10:32", "2026-10-20T10:32:00+11:00");
        check("24 december", "2025-12-24T00:00:00+11:00");
        check("dec 24 2024 8 am", "2024-12-24T08:00:00+11:00");
        check("an hour ago", "2026-11-21T13:02:31+11:00");
        check("-1h30m", "2026-11-21T12:32:31+11:00");
    }

    #[test]
    fn a_day_is_as_long_as_its_zone_makes_it() {
        // The night of 25 October 2026 has 25 hours in Berlin, the one of 29 March 23.
        let words =
            |now: &str| TimeWords { now: now.parse().unwrap(), zone: "Europe/Berlin".parse().unwrap() };
        let said = |now: &str, text: &str| words(now).parse(text).unwrap().to_string();
        assert_eq!(said("2026-10-25T11:00:00Z", "today"), "2026-10-24T22:00:00.000Z");
        assert_eq!(said("2026-10-26T11:00:00Z", "yesterday"), "2026-10-24T22:00:00.000Z");
        assert_eq!(said("2026-10-26T11:00:00Z", "23:00"), "2026-10-25T22:00:00.000Z", "yesterday's");
        assert_eq!(said("2026-03-29T11:00:00Z", "9am"), "2026-03-29T07:00:00.000Z");
        assert_eq!(said("2026-03-29T11:00:00Z", "yesterday 9am"), "2026-03-28T08:00:00.000Z");
        assert_eq!(said("2026-04-15T11:00:00Z", "last month"), "2026-03-15T12:00:00.000Z", "the same clock");
        assert_eq!(said("2026-10-26T11:00:00Z", "2d"), "2026-10-24T11:00:00.000Z", "a span is a span");
        // Asked in summer for a day of winter, as from a machine that never moved.
        assert_eq!(said("2026-07-01T10:00:00Z", "2026-01-15 12:00"), "2026-01-15T11:00:00.000Z");
    }

    #[test]
    fn what_is_no_time_says_so() {
        for text in [
            "",
            "soon",
            "13pm",
            "2026-13-01",
            "-",
            "99999999999999999999d",
            "yesterday noonish",
            "31 feb",
            "1h soon",
            "oct",
        ] {
            assert!(words().parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_moment_in_every_encoding() {
        let time = Time::from_unix_ms(1_795_000_000_123);
        assert_eq!(decode::<Time>(&encode(&time)).unwrap(), time);
        assert_eq!(serde_json::to_string(&time).unwrap(), "\"2026-11-18T11:06:40.123Z\"");
        assert_eq!(serde_json::from_str::<Time>("\"2026-11-18T11:06:40.123Z\"").unwrap(), time);
    }
}
