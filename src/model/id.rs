//! Names of things: records and events (UUIDv7), positions in the log, and the cursor that clients keep.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Fault, Time};

/// A record's, event's or correlation's id: a UUIDv7, so ids sort by when they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(Uuid);

impl Id {
    pub const NIL: Id = Id(Uuid::nil());

    /// An id from a moment and 74 random bits (the rest of `random` is overwritten by version and variant).
    pub fn from_parts(time: Time, random: [u8; 10]) -> Id {
        Id(uuid::Builder::from_unix_timestamp_millis(time.unix_ms().max(0) as u64, &random).into_uuid())
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Id {
        Id(Uuid::from_bytes(bytes))
    }

    /// The last `n` hex digits, `n` at most 12: enough to tell ids apart on a screen.
    pub fn short(&self, n: usize) -> String {
        let hex = self.0.simple().to_string();
        hex[hex.len() - n.min(12)..].to_owned()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for Id {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Id, Fault> {
        Uuid::try_parse(text.trim()).map(Id).map_err(|_| {
            Fault::invalid(format!("{text:?} is not an id")).hint(
                "an id looks like 0192f0c1-7b5a-7e3c-9d2f-5b1c8a6e4f20; `wheelhouse search` prints them",
            )
        })
    }
}

/// A position in the log: one number per event, contiguous from 1. 0 stands before the first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    pub const ZERO: Sequence = Sequence(0);

    /// The last one has none after it: a client's cursor may hold any number.
    pub fn next(self) -> Sequence {
        Sequence(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which log a sequence belongs to: made once for a data directory, never for a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(pub Uuid);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// Where a client stands in a hub's history. Opaque at the surface: `w1.<log>.<epoch>.<sequence>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub log: LogId,
    /// Rises when history changes (a restore, acknowledged frames lost): another epoch is another history.
    pub epoch: u32,
    pub sequence: Sequence,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w1.{}.{}.{}", self.log, self.epoch, self.sequence)
    }
}

impl FromStr for Cursor {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Cursor, Fault> {
        let parse = || {
            let mut parts = text.split('.');
            if parts.next()? != "w1" {
                return None;
            }
            let log = LogId(Uuid::try_parse(parts.next()?).ok()?);
            let epoch = parts.next()?.parse().ok()?;
            let sequence = Sequence(parts.next()?.parse().ok()?);
            parts.next().is_none().then_some(Cursor { log, epoch, sequence })
        };
        parse().ok_or_else(|| {
            Fault::invalid(format!("{text:?} is not a cursor"))
                .hint("pass back a cursor exactly as an answer gave it")
        })
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Cursor, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|fault: Fault| de::Error::custom(fault.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_their_moment() {
        let early = Id::from_parts(Time::from_unix_ms(1_000), [0xff; 10]);
        let late = Id::from_parts(Time::from_unix_ms(1_001), [0; 10]);
        assert!(early < late);
        assert_eq!(late.to_string().parse::<Id>().unwrap(), late);
        assert_eq!(Id::from_bytes(*late.as_bytes()), late);
    }

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        let cursor = Cursor { log: LogId(Uuid::from_u128(7)), epoch: 3, sequence: Sequence(42) };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for bad in ["", "w1", "w2.00000000000000000000000000000007.3.42", "w1.7.3.42.1", "w1.x.3.42"] {
            assert_eq!(bad.parse::<Cursor>().unwrap_err().code, super::super::Code::Invalid, "{bad}");
        }
    }
}
