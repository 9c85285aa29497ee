//! A length of time as people write it: `90s`, `15m`, `1h30m`, `7d`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const UNITS: [(&str, u64, &str); 6] = [
    ("w", 7 * 86_400_000, "week"),
    ("d", 86_400_000, "day"),
    ("h", 3_600_000, "hour"),
    ("m", 60_000, "minute"),
    ("s", 1_000, "second"),
    ("ms", 1, "millisecond"),
];

/// Exact to the millisecond. A text at the surface, an integer in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

/// A text that names no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no length of time: try 90s, 15m, 1h30m or 7d")]
pub struct SpanError(pub String);

impl Span {
    pub const ZERO: Span = Span(0);

    pub const fn from_secs(seconds: u64) -> Span {
        Span(seconds.saturating_mul(1_000))
    }

    pub const fn from_ms(ms: u64) -> Span {
        Span(ms)
    }

    pub const fn ms(self) -> u64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }

    /// `15 minutes`, `hour`, `1 hour 30 minutes`: as it stands after "every".
    pub fn words(self) -> String {
        let parts = self.parts();
        if let [(1, unit)] = parts[..] {
            return unit.2.to_owned();
        }
        let said = parts.iter().map(|(n, unit)| format!("{n} {}{}", unit.2, if *n == 1 { "" } else { "s" }));
        said.collect::<Vec<_>>().join(" ")
    }

    fn parts(self) -> Vec<(u64, &'static (&'static str, u64, &'static str))> {
        let mut rest = self.0;
        let mut parts = Vec::new();
        for unit in &UNITS {
            // A week is only said where it is whole: 8d is eight days.
            if rest >= unit.1 && (unit.0 != "w" || rest.is_multiple_of(unit.1)) {
                parts.push((rest / unit.1, unit));
                rest %= unit.1;
            }
        }
        parts
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        self.parts().iter().try_for_each(|(n, unit)| write!(f, "{n}{}", unit.0))
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Span, SpanError> {
        let wrong = || SpanError(text.to_owned());
        let mut rest = text.trim();
        let mut ms: u64 = 0;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (count, after) = rest.split_at(digits);
            let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            let (name, after) = after.split_at(letters);
            let unit = UNITS.iter().find(|unit| unit.0 == name).ok_or_else(wrong)?;
            let count: u64 = count.parse().map_err(|_| wrong())?;
            ms = count.checked_mul(unit.1).and_then(|more| ms.checked_add(more)).ok_or_else(wrong)?;
            rest = after.trim_start();
        }
        Ok(Span(ms))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u64(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Span)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, ms: u64, shown: &str, words: &str) {
        let span: Span = text.parse().unwrap();
        assert_eq!((span.ms(), span.to_string().as_str(), span.words().as_str()), (ms, shown, words));
        assert_eq!(shown.parse(), Ok(span));
    }

    #[test]
    fn lengths_as_people_write_them() {
        check("90s", 90_000, "1m30s", "1 minute 30 seconds");
        check("15m", 900_000, "15m", "15 minutes");
        check("1h", 3_600_000, "1h", "hour");
        check("1h 30m", 5_400_000, "1h30m", "1 hour 30 minutes");
        check("24h", 86_400_000, "1d", "day");
        check("7d", 604_800_000, "1w", "week");
        check("8d", 691_200_000, "8d", "8 days");
        check("250ms", 250, "250ms", "250 milliseconds");
        for bad in ["", "15", "m", "1 fortnight", "-5m", "99999999999999999999d", "400000000000w"] {
            assert_eq!(bad.parse::<Span>(), Err(SpanError(bad.to_owned())));
        }
    }
}
