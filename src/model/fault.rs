//! The one fault of every door: what went wrong, in a word that programs act on and a sentence that people do.
//!
//! Modules may have errors of their own inside; where a face asks a hub, it is this. The code decides the HTTP
//! status, the exit status, and whether asking again can help.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of thing went wrong. Stable: clients match on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request itself is wrong; the same request will never work.
    Invalid,
    /// No such record, event or path.
    NotFound,
    /// The record changed, or another owner holds what was asked for.
    Conflict,
    /// The caller may not do this.
    Denied,
    /// Too much at once; ask again later.
    Busy,
    /// A part the answer needs is not there now; ask again.
    Unavailable,
    /// The answer did not come in its time.
    Timeout,
    /// The disk is full or read-only.
    Full,
    /// What is on disk is not what was written.
    Damaged,
    /// This hub or this version cannot do it.
    Unsupported,
    /// A mistake in this program.
    Bug,
}

impl Code {
    /// Every code, in the order of the documentation.
    pub const ALL: [Code; 11] = [
        Code::Invalid,
        Code::NotFound,
        Code::Conflict,
        Code::Denied,
        Code::Busy,
        Code::Unavailable,
        Code::Timeout,
        Code::Full,
        Code::Damaged,
        Code::Unsupported,
        Code::Bug,
    ];

    /// The word clients see in `code`.
    pub fn word(self) -> &'static str {
        match self {
            Code::Invalid => "invalid",
            Code::NotFound => "not_found",
            Code::Conflict => "conflict",
            Code::Denied => "denied",
            Code::Busy => "busy",
            Code::Unavailable => "unavailable",
            Code::Timeout => "timeout",
            Code::Full => "full",
            Code::Damaged => "damaged",
            Code::Unsupported => "unsupported",
            Code::Bug => "bug",
        }
    }

    /// The HTTP status of an answer with this fault.
    pub fn http_status(self) -> u16 {
        match self {
            Code::Invalid => 400,
            Code::NotFound => 404,
            Code::Conflict => 409,
            Code::Denied => 403,
            Code::Busy => 429,
            Code::Unavailable => 503,
            Code::Timeout => 504,
            Code::Full => 507,
            Code::Damaged | Code::Bug => 500,
            Code::Unsupported => 501,
        }
    }

    /// The exit status of a verb that ends with this fault.
    pub fn exit_status(self) -> u8 {
        match self {
            Code::Invalid => 2,
            Code::NotFound => 3,
            Code::Conflict => 6,
            Code::Denied => 5,
            Code::Busy | Code::Timeout => 7,
            Code::Unavailable => 4,
            Code::Full => 8,
            Code::Damaged | Code::Unsupported | Code::Bug => 1,
        }
    }

    /// Whether the same request may work when asked again soon.
    pub fn is_transient(self) -> bool {
        matches!(self, Code::Unavailable | Code::Timeout)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A fault as a face shows it: code, one sentence, and where known its cause and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema)]
#[error("{message}")]
pub struct Fault {
    pub code: Code,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Fault {
    pub fn new(code: Code, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into(), cause: None, hint: None }
    }

    /// The advice that goes with the fault: a sentence without "error".
    pub fn hint(mut self, hint: impl Into<String>) -> Fault {
        self.hint = Some(hint.into());
        self
    }

    /// What lies under it, as that part of the system put it.
    pub fn cause(mut self, cause: impl fmt::Display) -> Fault {
        self.cause = Some(cause.to_string());
        self
    }

    pub fn invalid(message: impl Into<String>) -> Fault {
        Fault::new(Code::Invalid, message)
    }

    pub fn not_found(message: impl Into<String>) -> Fault {
        Fault::new(Code::NotFound, message)
    }

    pub fn conflict(message: impl Into<String>) -> Fault {
        Fault::new(Code::Conflict, message)
    }

    pub fn unavailable(message: impl Into<String>) -> Fault {
        Fault::new(Code::Unavailable, message)
    }

    pub fn bug(message: impl Into<String>) -> Fault {
        Fault::new(Code::Bug, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_statuses_of_the_surface() {
        let table: Vec<_> = Code::ALL
            .iter()
            .map(|c| (c.word(), c.http_status(), c.exit_status(), c.is_transient()))
            .collect();
        assert_eq!(
            table,
            [
                ("invalid", 400, 2, false),
                ("not_found", 404, 3, false),
                ("conflict", 409, 6, false),
                ("denied", 403, 5, false),
                ("busy", 429, 7, false),
                ("unavailable", 503, 4, true),
                ("timeout", 504, 7, true),
                ("full", 507, 8, false),
                ("damaged", 500, 1, false),
                ("unsupported", 501, 1, false),
                ("bug", 500, 1, false),
            ]
        );
    }

    #[test]
    fn words_are_what_serde_writes() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{}\"", code.word()));
        }
    }
}
