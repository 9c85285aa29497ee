//! A day of the calendar: when a decision is to be looked at again. `2026-11-21` everywhere.

use std::{fmt, str::FromStr};

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Fault, Time, Zone};

/// A day without a zone; where a moment is needed, the day of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(NaiveDate);

impl Date {
    /// The day that a moment is on in UTC.
    pub fn of(time: Time) -> Date {
        Date(time.utc().date_naive())
    }

    /// The day that a moment is on there.
    pub fn there(time: Time, zone: Zone) -> Date {
        Date(time.at(zone).date_naive())
    }

    /// The day after; the last one there is has none.
    pub fn next(self) -> Date {
        Date(self.0.succ_opt().unwrap_or(self.0))
    }

    /// Its first moment in UTC.
    pub fn starts(self) -> Time {
        self.0.and_time(NaiveTime::MIN).and_utc().into()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

impl FromStr for Date {
    type Err = Fault;

    /// `2026-11-21`, or a moment of RFC 3339, whose day as written it is.
    fn from_str(text: &str) -> Result<Date, Fault> {
        let text = text.trim();
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .or_else(|_| chrono::DateTime::parse_from_rfc3339(text).map(|moment| moment.date_naive()))
            .map(Date)
            .map_err(|_| Fault::invalid(format!("{text:?} is no date")).hint("a date looks like 2026-11-21"))
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|fault: Fault| de::Error::custom(fault.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_reads_back_and_nothing_else_is_one() {
        let date: Date = "2026-11-21".parse().unwrap();
        assert_eq!(serde_json::to_string(&date).unwrap(), "\"2026-11-21\"");
        assert_eq!(super::super::decode::<Date>(&super::super::encode(&date)).unwrap(), date);
        assert_eq!("2026-11-21T23:30:00+11:00".parse::<Date>().unwrap(), date);
        assert_eq!(Date::of(date.starts()), date);
        assert_eq!(Date::of(Time::from_unix_ms(date.starts().unix_ms() - 1)).to_string(), "2026-11-20");
        for bad in ["", "2026-13-01", "2026-11", "tomorrow"] {
            assert_eq!(bad.parse::<Date>().unwrap_err().code, super::super::Code::Invalid, "{bad}");
        }
    }
}
