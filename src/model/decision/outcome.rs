//! What came of a decision.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Actor, Fault, Time};

/// Ratings go from 1 to this.
pub const RATING_MAX: u8 = 5;

/// How it turned out.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    #[default]
    Pending,
    #[serde(alias = "in-progress", alias = "in progress")]
    InProgress,
    #[serde(alias = "success")]
    Successful,
    Partial,
    #[serde(alias = "failure")]
    Failed,
    /// It had to be decided anew.
    Revised,
}

impl OutcomeStatus {
    pub const ALL: [OutcomeStatus; 6] = [
        OutcomeStatus::Pending,
        OutcomeStatus::InProgress,
        OutcomeStatus::Successful,
        OutcomeStatus::Partial,
        OutcomeStatus::Failed,
        OutcomeStatus::Revised,
    ];

    pub fn word(self) -> &'static str {
        match self {
            OutcomeStatus::Pending => "pending",
            OutcomeStatus::InProgress => "in_progress",
            OutcomeStatus::Successful => "successful",
            OutcomeStatus::Partial => "partial",
            OutcomeStatus::Failed => "failed",
            OutcomeStatus::Revised => "revised",
        }
    }

    /// Any case; `-` and space as `_`; `success` and `failure` too.
    pub fn parse(word: &str) -> Option<OutcomeStatus> {
        let word = word.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        match word.as_str() {
            "success" => Some(OutcomeStatus::Successful),
            "failure" => Some(OutcomeStatus::Failed),
            word => OutcomeStatus::ALL.into_iter().find(|status| status.word() == word),
        }
    }

    /// How well it went, 0 to 1: a partial success counts half. None while nobody can tell.
    pub fn worth(self) -> Option<f64> {
        match self {
            OutcomeStatus::Pending | OutcomeStatus::InProgress => None,
            OutcomeStatus::Successful => Some(1.0),
            OutcomeStatus::Partial => Some(0.5),
            OutcomeStatus::Failed | OutcomeStatus::Revised => Some(0.0),
        }
    }
}

/// The last word on how a decision turned out; those before it are in its history.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    pub status: OutcomeStatus,
    /// 1 to [`RATING_MAX`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
}

impl Outcome {
    /// Refuses what is out of bounds, naming the field.
    pub fn check(&self) -> Result<(), Fault> {
        if let Some(rating) = self.rating
            && !(1..=RATING_MAX).contains(&rating)
        {
            return Err(Fault::invalid(format!(
                "outcome.rating is {rating}, it goes from 1 to {RATING_MAX}"
            ))
            .hint("5 is the best; leave it out when there is nothing to rate"));
        }
        super::check::text("outcome.note", &self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_serde_writes() {
        for status in OutcomeStatus::ALL {
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.word()));
            assert_eq!(OutcomeStatus::parse(status.word()), Some(status));
        }
        assert_eq!(OutcomeStatus::parse("In progress"), Some(OutcomeStatus::InProgress));
        assert_eq!(OutcomeStatus::parse("fine"), None);
    }

    #[test]
    fn a_rating_has_its_bounds() {
        let rated = |rating| Outcome { rating: Some(rating), ..Outcome::default() };
        assert_eq!((rated(1).check(), rated(5).check()), (Ok(()), Ok(())));
        for bad in [0, 6] {
            let fault = rated(bad).check().unwrap_err();
            assert_eq!(fault.message, format!("outcome.rating is {bad}, it goes from 1 to 5"));
        }
    }
}
