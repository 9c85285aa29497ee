//! How a request names a decision: by id or by number.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::DecisionNumber;
use crate::model::{Fault, Id};

/// An id, or the number people say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecisionRef {
    Id(Id),
    Number(DecisionNumber),
}

impl fmt::Display for DecisionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecisionRef::Id(id) => id.fmt(f),
            DecisionRef::Number(number) => number.fmt(f),
        }
    }
}

impl FromStr for DecisionRef {
    type Err = Fault;

    fn from_str(text: &str) -> Result<DecisionRef, Fault> {
        let number = text.parse().map(DecisionRef::Number);
        number.or_else(|_| text.parse().map(DecisionRef::Id)).map_err(|_: Fault| {
            Fault::invalid(format!("{:?} names no decision", text.trim()))
                .hint("give its number, as D-0042, or its id; `wheelhouse decisions` prints both")
        })
    }
}

impl Serialize for DecisionRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DecisionRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DecisionRef, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|fault: Fault| de::Error::custom(fault.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_named_by_number_or_id() {
        let id = Id::from_bytes([7; 16]);
        for name in [DecisionRef::Number(DecisionNumber(42)), DecisionRef::Id(id)] {
            assert_eq!(name.to_string().parse::<DecisionRef>().unwrap(), name);
        }
        assert_eq!("42".parse::<DecisionRef>().unwrap(), DecisionRef::Number(DecisionNumber(42)));
        assert!("Use sled".parse::<DecisionRef>().is_err());
    }
}
