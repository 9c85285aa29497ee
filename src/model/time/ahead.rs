//! Moments to come, in words: `2h`, `in 3 days`, `tomorrow 9am`, `friday`.

use chrono::{Days, NaiveTime};

use super::{Time, TimeError, TimeWords};

/// A weekday comes again within these many days.
const DAYS_AHEAD: u64 = 7;

impl TimeWords {
    /// As [`TimeWords::parse`], but looking ahead: a span is one from now on, a time of day and a weekday the next one.
    /// What can only lie in the past (`2h ago`, `yesterday`) does.
    pub fn ahead(&self, text: &str) -> Result<Time, TimeError> {
        let lower = text.trim().to_ascii_lowercase();
        let looks_back = lower.ends_with(" ago")
            || ["-", "last ", "today", "yesterday", "now"].iter().any(|word| lower.starts_with(word));
        if looks_back {
            return self.parse(text);
        }
        self.absolute(text.trim())
            .or_else(|| {
                let back = self.span_back(lower.strip_prefix("in ").unwrap_or(&lower))?;
                Some(self.now.plus(self.now.since(back)))
            })
            .or_else(|| match lower.strip_prefix("tomorrow") {
                Some(clock) => self.at_end_of_day(1)?.calendar(&format!("today{clock}")),
                None => (0..=DAYS_AHEAD)
                    .filter_map(|days| self.at_end_of_day(days)?.calendar(&lower))
                    .find(|moment| *moment > self.now),
            })
            .ok_or_else(|| TimeError(text.trim().to_owned()))
    }

    /// Seen from the end of the day in so many days: everything of that day has passed.
    fn at_end_of_day(&self, days: u64) -> Option<TimeWords> {
        let day = self.now.at(self.zone).date_naive().checked_add_days(Days::new(days))?;
        let end = self.zone.moment(day.and_time(NaiveTime::from_hms_opt(23, 59, 59)?))?;
        Some(TimeWords { now: end, zone: self.zone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        // A Saturday afternoon in Berlin, in the night after which the clocks go back.
        let words = TimeWords {
            now: "2026-10-24T14:02:31+02:00".parse().unwrap(),
            zone: "Europe/Berlin".parse().unwrap(),
        };
        let time = words.ahead(text).unwrap();
        assert_eq!(time.at(words.zone).format("%m-%d %H:%M:%S %z").to_string(), expected, "{text}");
    }

    #[test]
    fn moments_to_come_as_people_write_them() {
        check("2h", "10-24 16:02:31 +0200");
        check("in 3 days", "10-27 13:02:31 +0100");
        check("in an hour", "10-24 15:02:31 +0200");
        check("1h30m", "10-24 15:32:31 +0200");
        check("23:00", "10-24 23:00:00 +0200");
        check("9am", "10-25 09:00:00 +0100");
        check("tomorrow", "10-25 00:00:00 +0200");
        check("Tomorrow 9am", "10-25 09:00:00 +0100");
        check("tomorrow at noon", "10-25 12:00:00 +0100");
        check("monday 9am", "10-26 09:00:00 +0100");
        check("saturday", "10-31 00:00:00 +0100");
        check("2026-12-01", "12-01 00:00:00 +0100");
        check("2026-12-01T09:00:00Z", "12-01 10:00:00 +0100");
        check("2h ago", "10-24 12:02:31 +0200");
        check("yesterday", "10-23 00:00:00 +0200");
    }

    #[test]
    fn what_is_no_time_says_so() {
        let words = TimeWords { now: Time::from_unix_ms(1_795_000_000_000), zone: "UTC".parse().unwrap() };
        for text in ["", "soon", "in", "tomorrow noonish", "in soon"] {
            assert!(words.ahead(text).is_err(), "{text}");
        }
    }
}
