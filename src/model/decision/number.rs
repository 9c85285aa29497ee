//! The number people call a decision by: `D-0042`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::model::Fault;

/// Counts decisions; a text at the surface, a number in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DecisionNumber(pub u32);

impl DecisionNumber {
    pub fn next(self) -> DecisionNumber {
        DecisionNumber(self.0.saturating_add(1))
    }
}

impl fmt::Display for DecisionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "D-{:04}", self.0)
    }
}

impl FromStr for DecisionNumber {
    type Err = Fault;

    /// `D-0042`, `d-42`, `D42` or `42`.
    fn from_str(text: &str) -> Result<DecisionNumber, Fault> {
        let text = text.trim();
        let digits = text.strip_prefix(['D', 'd']).unwrap_or(text);
        let digits = if digits.len() < text.len() { digits.trim_start_matches('-') } else { digits };
        let digits = Some(digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse().ok()).map(DecisionNumber).ok_or_else(|| {
            Fault::invalid(format!("{text:?} is no decision's number")).hint("a number looks like D-0042")
        })
    }
}

impl Serialize for DecisionNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for DecisionNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DecisionNumber, D::Error> {
        struct Either;
        impl de::Visitor<'_> for Either {
            type Value = DecisionNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decision's number, as D-0042")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<DecisionNumber, E> {
                u32::try_from(number).map(DecisionNumber).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<DecisionNumber, E> {
                text.parse().map_err(|fault: Fault| E::custom(fault.message))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{decode, encode};

    #[test]
    fn a_number_is_read_as_people_write_it() {
        for text in ["D-0042", "d-42", "D42", " 42 ", "D-00042"] {
            assert_eq!(text.parse::<DecisionNumber>().unwrap(), DecisionNumber(42), "{text}");
        }
        for bad in ["", "D-", "D-x", "-42", "E-42", "4294967296", "+4"] {
            assert!(bad.parse::<DecisionNumber>().is_err(), "{bad}");
        }
        assert_eq!(DecisionNumber(42).to_string(), "D-0042");
        assert_eq!(DecisionNumber(12345).to_string(), "D-12345");
    }

    #[test]
    fn one_number_in_every_encoding() {
        let number = DecisionNumber(42);
        assert_eq!(serde_json::to_string(&number).unwrap(), "\"D-0042\"");
        assert_eq!(serde_json::from_str::<DecisionNumber>("\"D-0042\"").unwrap(), number);
        assert_eq!(serde_json::from_str::<DecisionNumber>("42").unwrap(), number);
        assert_eq!(decode::<DecisionNumber>(&encode(&number)).unwrap(), number);
    }
}
