//! How far a decision is, and what may follow.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Fault, Status};

/// Where a decision stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum DecisionStatus {
    Draft,
    #[default]
    Proposed,
    Accepted,
    Rejected,
    Implemented,
    Validated,
    Deprecated,
    Superseded,
}

impl DecisionStatus {
    pub const ALL: [DecisionStatus; 8] = [
        DecisionStatus::Draft,
        DecisionStatus::Proposed,
        DecisionStatus::Accepted,
        DecisionStatus::Rejected,
        DecisionStatus::Implemented,
        DecisionStatus::Validated,
        DecisionStatus::Deprecated,
        DecisionStatus::Superseded,
    ];

    pub fn word(self) -> &'static str {
        match self {
            DecisionStatus::Draft => "draft",
            DecisionStatus::Proposed => "proposed",
            DecisionStatus::Accepted => "accepted",
            DecisionStatus::Rejected => "rejected",
            DecisionStatus::Implemented => "implemented",
            DecisionStatus::Validated => "validated",
            DecisionStatus::Deprecated => "deprecated",
            DecisionStatus::Superseded => "superseded",
        }
    }

    pub fn parse(word: &str) -> Option<DecisionStatus> {
        DecisionStatus::ALL.into_iter().find(|status| status.word().eq_ignore_ascii_case(word))
    }

    /// Whether the choice has been made, so that only status, outcome and review still change.
    pub fn is_settled(self) -> bool {
        !matches!(self, DecisionStatus::Draft | DecisionStatus::Proposed)
    }

    /// What it is among the statuses that all records have.
    pub fn nearest(self) -> Status {
        match self {
            DecisionStatus::Superseded => Status::Superseded,
            status if status.is_current() => Status::Active,
            _ => Status::Archived,
        }
    }

    /// Whether lists and searches show it without being asked for that status.
    pub fn is_current(self) -> bool {
        !matches!(self, DecisionStatus::Rejected | DecisionStatus::Deprecated | DecisionStatus::Superseded)
    }

    /// What may come next by a plain change. `superseded` comes only with the decision that takes the place.
    pub fn followers(self) -> &'static [DecisionStatus] {
        use DecisionStatus::*;
        match self {
            Draft => &[Proposed, Accepted, Rejected],
            Proposed => &[Draft, Accepted, Rejected],
            Accepted => &[Implemented, Validated, Deprecated],
            Rejected => &[Proposed],
            Implemented => &[Validated, Deprecated],
            Validated => &[Deprecated],
            Deprecated => &[Accepted],
            Superseded => &[],
        }
    }

    /// Refuses a status that cannot follow this one; staying is no change.
    pub fn may_become(self, next: DecisionStatus) -> Result<(), Fault> {
        if self == next || self.followers().contains(&next) {
            return Ok(());
        }
        let fault = Fault::conflict(format!("{} cannot become {}", self.word(), next.word()));
        if next == DecisionStatus::Superseded {
            return Err(fault.hint("supersede it with a new decision: that sets the status and both links"));
        }
        let words: Vec<&str> = self.followers().iter().map(|status| status.word()).collect();
        Err(fault.hint(match words.as_slice() {
            [] => format!("a {} decision is done with; record a new one", self.word()),
            words => format!("after {} comes {}", self.word(), words.join(" or ")),
        }))
    }

    /// The status of a memory that means the same to who searches both.
    pub fn as_memory_status(self) -> Status {
        match self {
            DecisionStatus::Draft | DecisionStatus::Proposed => Status::Hypothesis,
            DecisionStatus::Accepted | DecisionStatus::Implemented => Status::Active,
            DecisionStatus::Validated => Status::Verified,
            DecisionStatus::Rejected | DecisionStatus::Deprecated => Status::Archived,
            DecisionStatus::Superseded => Status::Superseded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_serde_writes_and_reads() {
        for status in DecisionStatus::ALL {
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.word()));
            assert_eq!(DecisionStatus::parse(&status.word().to_uppercase()), Some(status));
            assert_eq!(status.is_current(), status.as_memory_status().is_current(), "{}", status.word());
        }
    }

    #[test]
    fn a_status_follows_or_says_what_could() {
        use DecisionStatus::*;
        assert_eq!(Proposed.may_become(Accepted), Ok(()));
        assert_eq!(Accepted.may_become(Accepted), Ok(()));
        let fault = Accepted.may_become(Draft).unwrap_err();
        assert_eq!(fault.message, "accepted cannot become draft");
        assert_eq!(fault.hint.unwrap(), "after accepted comes implemented or validated or deprecated");
        let hint = Accepted.may_become(Superseded).unwrap_err().hint.unwrap();
        assert!(hint.starts_with("supersede it"), "{hint}");
        assert!(Superseded.may_become(Accepted).unwrap_err().hint.unwrap().contains("record a new one"));
        // Nothing is superseded by a plain change, and nothing settled becomes a draft again.
        for status in DecisionStatus::ALL {
            assert!(!status.followers().contains(&Superseded));
            assert!(!status.is_settled() || !status.followers().contains(&Draft));
        }
    }
}
