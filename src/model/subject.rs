//! Subjects name what an event is about, `<project>.<domain>.<action>[.<name>]`; patterns choose among them.
//!
//! The grammar is NATS's: tokens `[A-Za-z0-9_-]{1,64}` joined by dots; in a pattern `*` is exactly one token
//! and `>`, only at the end, is one or more.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub const TOKEN_BYTES_MAX: usize = 64;
pub const TOKENS_MAX: usize = 16;
pub const SUBJECT_BYTES_MAX: usize = 255;

/// Why a text is no subject or pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than {SUBJECT_BYTES_MAX} bytes")]
    TooLong,
    #[error("it has more than {TOKENS_MAX} tokens")]
    TooManyTokens,
    #[error("{0:?} is no token: 1 to {TOKEN_BYTES_MAX} of A-Z a-z 0-9 _ -")]
    Token(String),
    #[error("`>` stands only at the end")]
    TailInside,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject(String);

impl Subject {
    /// Joins tokens that are known to be good, such as a project's slug and an event type.
    pub fn of(tokens: &[&str]) -> Result<Subject, SubjectError> {
        tokens.join(".").parse()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// The first token.
    pub fn project(&self) -> &str {
        self.tokens().next().unwrap_or("_")
    }
}

/// A choice among subjects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// Every subject.
    pub fn all() -> Pattern {
        Pattern(">".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn matches(&self, subject: &Subject) -> bool {
        let mut subject = subject.tokens();
        for token in self.0.split('.') {
            match (token, subject.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (token, Some(found)) if token == found => {}
                _ => return false,
            }
        }
        subject.next().is_none()
    }
}

/// Any text as a token: other characters become `-`, cut at 64; nothing left is `_`.
pub fn token(text: &str) -> String {
    let token: String = text
        .chars()
        .take(TOKEN_BYTES_MAX)
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' })
        .collect();
    if token.is_empty() { "_".to_owned() } else { token }
}

fn is_token(text: &str) -> bool {
    (1..=TOKEN_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn check(text: &str, wildcards: bool) -> Result<(), SubjectError> {
    if text.is_empty() {
        return Err(SubjectError::Empty);
    }
    if text.len() > SUBJECT_BYTES_MAX {
        return Err(SubjectError::TooLong);
    }
    let count = text.split('.').count();
    if count > TOKENS_MAX {
        return Err(SubjectError::TooManyTokens);
    }
    for (i, token) in text.split('.').enumerate() {
        match token {
            "*" if wildcards => {}
            ">" if wildcards && i + 1 == count => {}
            ">" if wildcards => return Err(SubjectError::TailInside),
            token if is_token(token) => {}
            token => return Err(SubjectError::Token(token.to_owned())),
        }
    }
    Ok(())
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Subject, SubjectError> {
        check(text, false).map(|()| Subject(text.to_owned()))
    }
}

impl FromStr for Pattern {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Pattern, SubjectError> {
        check(text, true).map(|()| Pattern(text.to_owned()))
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

as_text!(Subject);
as_text!(Pattern);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(pattern: &str, subject: &str, matches: bool) {
        let pattern: Pattern = pattern.parse().unwrap();
        let subject: Subject = subject.parse().unwrap();
        assert_eq!(pattern.matches(&subject), matches, "{pattern} on {subject}");
    }

    #[test]
    fn wildcards_stand_for_tokens() {
        check(">", "a", true);
        check("a.>", "a", false);
        check("a.>", "a.b.c", true);
        check("a.*", "a.b", true);
        check("a.*", "a.b.c", false);
        check("*.memory.*", "x.memory.saved", true);
        check("*.*.*", "x.memory", false);
        check("a.b", "a.bc", false);
    }

    #[test]
    fn what_is_no_subject_says_why() {
        let why = |text: &str| text.parse::<Subject>().unwrap_err();
        assert_eq!(why(""), SubjectError::Empty);
        assert_eq!(why("a..b"), SubjectError::Token(String::new()));
        assert_eq!(why("a.*"), SubjectError::Token("*".into()));
        assert_eq!(why("a.b c"), SubjectError::Token("b c".into()));
        assert_eq!(why(&"a.".repeat(200)), SubjectError::TooLong);
        assert_eq!(why(&["a"; 17].join(".")), SubjectError::TooManyTokens);
        assert_eq!(">.a".parse::<Pattern>().unwrap_err(), SubjectError::TailInside);
    }

    /// The plain reading of the rules, on lists, by recursion.
    fn reference(pattern: &[&str], subject: &[&str]) -> bool {
        match (pattern, subject) {
            ([], []) => true,
            ([">"], [_, ..]) => true,
            (["*", p @ ..], [_, s @ ..]) => reference(p, s),
            ([a, p @ ..], [b, s @ ..]) => a == b && reference(p, s),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_is_the_reference(
            pattern in prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "*"]), 1..6),
            tail in any::<bool>(),
            subject in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..7),
        ) {
            let mut pattern = pattern;
            if tail {
                pattern.push(">");
            }
            let parsed: Pattern = pattern.join(".").parse().unwrap();
            let about: Subject = subject.join(".").parse().unwrap();
            prop_assert_eq!(parsed.matches(&about), reference(&pattern, &subject));
        }

        #[test]
        fn any_text_becomes_a_token(text in ".{0,100}") {
            prop_assert!(is_token(&token(&text)));
        }
    }
}
