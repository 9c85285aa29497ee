//! A decision: what was chosen, from what, why, how sure one was, and what came of it.
//!
//! A draft or a proposal changes freely. From the moment it is accepted or rejected it is settled: then only its status,
//! its outcome and its review date change, and another choice is a new decision that supersedes it, so that what was thought then
//! can be read later.

mod check;
mod filter;
mod number;
mod outcome;
mod reference;
mod status;
mod text;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Date, Fault, Id, Origin, Project, Status, Time};

pub use check::{
    DECISION_BYTES_MAX, DECISION_TEXT_BYTES_MAX, ITEM_BYTES_MAX, ITEMS_MAX, OPTIONS_MAX, SOURCE_BYTES_MAX,
};
pub use filter::DecisionFilter;
pub use number::DecisionNumber;
pub use outcome::{Outcome, OutcomeStatus, RATING_MAX};
pub use reference::DecisionRef;
pub use status::DecisionStatus;
pub use text::{Block, Part, trim_blank};

/// A decision, one revision of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Decision {
    pub id: Id,
    #[serde(default)]
    pub project: Project,
    pub created_at: Time,
    pub updated_at: Time,
    /// From 1; every change adds one.
    pub revision: u32,
    #[serde(default)]
    pub origin: Origin,
    #[serde(default = "nil")]
    pub correlation_id: Id,

    /// What people call it: `D-0042`.
    pub number: DecisionNumber,
    pub title: String,
    #[serde(default)]
    pub status: DecisionStatus,
    /// Free: `architecture`, `process`, ...
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub category: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Markdown, as are all texts and items here.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub context: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drivers: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<DecisionOption>,
    /// The title of one of the options, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_option: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rationale: String,
    #[serde(default, skip_serializing_if = "Consequences::is_empty")]
    pub consequences: Consequences,
    /// How likely its makers held it to turn out well, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<String>,
    /// What it touches: components, files, teams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affects: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decision_makers: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consulted: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub informed: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<Id>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_on: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What it was imported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adr: Option<Adr>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// One of the ways that were open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DecisionOption {
    pub title: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pros: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cons: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neutral: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_because: Option<String>,
}

impl DecisionOption {
    pub fn titled(title: impl Into<String>) -> DecisionOption {
        DecisionOption { title: title.into(), ..DecisionOption::default() }
    }
}

/// What follows from it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Consequences {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub good: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bad: Vec<String>,
    /// Neither, or not sorted: a section of prose is one of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub neutral: Vec<String>,
}

impl Consequences {
    pub fn is_empty(&self) -> bool {
        self.good.is_empty() && self.bad.is_empty() && self.neutral.is_empty()
    }
}

/// The two forms of an architectural decision record that are read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AdrForm {
    /// Markdown Architectural Decision Records, version 4.
    #[default]
    Madr,
    /// Michael Nygard's, as adr-tools writes it.
    Nygard,
}

/// The file a decision was imported from: what no field holds is still there when it is exported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Adr {
    pub form: AdrForm,
    /// Its name without folders: what other files link to.
    pub file: String,
    /// The whole file.
    pub source: String,
    /// The sections of it that no field holds, for those who read and search.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<AdrSection>,
}

/// A part of a file under its heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AdrSection {
    pub heading: String,
    pub text: String,
}

fn nil() -> Id {
    Id::NIL
}

impl Decision {
    /// Refuses to change fields of a settled decision that must stay as they were.
    pub fn may_change(&self, fields: &[&str]) -> Result<(), Fault> {
        /// What goes on after the choice was made.
        const OPEN_FIELDS: [&str; 3] = ["status", "outcome", "review_on"];
        let kept: Vec<&str> = fields.iter().copied().filter(|field| !OPEN_FIELDS.contains(field)).collect();
        if kept.is_empty() || !self.status.is_settled() {
            return Ok(());
        }
        Err(Fault::conflict(format!(
            "{} is {}: its {} stay{} as decided",
            self.number,
            self.status.word(),
            kept.join(", "),
            if kept.len() == 1 { "s" } else { "" },
        ))
        .hint("supersede it with a new decision; status, outcome and review date can still change"))
    }

    /// Refuses to supersede what already was.
    pub fn may_be_superseded(&self) -> Result<(), Fault> {
        match self.superseded_by {
            None if self.status != DecisionStatus::Superseded => Ok(()),
            _ => Err(Fault::conflict(format!("{} is superseded already", self.number))
                .hint("supersede the decision that took its place")),
        }
    }

    /// Whether its review date has come and it is still one to be reviewed.
    pub fn review_is_due(&self, today: Date) -> bool {
        self.status.is_current() && self.review_on.is_some_and(|day| day <= today)
    }

    /// Whether lists show it without being asked for its status.
    pub fn is_current(&self) -> bool {
        self.status.is_current()
    }

    /// Its status as that of a memory, for a search over both.
    pub fn search_status(&self) -> Status {
        self.status.as_memory_status()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Code, decode, encode};

    /// A decision with only what it must have.
    pub fn bare() -> Decision {
        serde_json::from_value(json!({
            "id": Id::NIL, "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z",
            "revision": 1, "number": "D-0042", "title": "Use sled",
        }))
        .unwrap()
    }

    #[test]
    fn an_older_decision_loads_with_defaults_and_writes_no_empty_field() {
        let decision = bare();
        assert_eq!((decision.status, &decision.project), (DecisionStatus::Proposed, &Project::none()));
        assert_eq!(decode::<Decision>(&encode(&decision)).unwrap(), decision);
        let written = serde_json::to_value(&decision).unwrap();
        let names: Vec<&String> = written.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            [
                "correlation_id",
                "created_at",
                "id",
                "number",
                "origin",
                "project",
                "revision",
                "status",
                "title",
                "updated_at"
            ]
        );
    }

    #[test]
    fn every_field_reads_back_from_files_and_from_json() {
        let full = Decision {
            options: vec![DecisionOption {
                title: "sled".into(),
                pros: vec!["fast".into()],
                cons: vec!["beta".into()],
                neutral: vec!["Rust".into()],
                score: Some(0.75),
                rejected_because: Some("no".into()),
            }],
            chosen_option: Some("sled".into()),
            consequences: Consequences { bad: vec!["format".into()], ..Consequences::default() },
            confidence: Some(0.7),
            review_on: Some("2027-01-01".parse().unwrap()),
            outcome: Some(Outcome {
                status: OutcomeStatus::Partial,
                rating: Some(3),
                note: "so so".into(),
                measured_at: Some(Time::from_unix_ms(7)),
                by: Some(super::super::Actor("user:ada".into())),
            }),
            superseded_by: Some(Id::from_bytes([1; 16])),
            adr: Some(Adr {
                form: AdrForm::Nygard,
                file: "0001-x.md".into(),
                source: "# 1. x".into(),
                sections: vec![AdrSection { heading: "h".into(), text: "t".into() }],
            }),
            ..bare()
        };
        assert_eq!(decode::<Decision>(&encode(&full)).unwrap(), full);
        let json = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), full);
    }

    #[test]
    fn what_is_settled_changes_no_more() {
        let draft = Decision { status: DecisionStatus::Draft, ..bare() };
        assert_eq!(draft.may_change(&["title", "rationale"]), Ok(()));
        let accepted = Decision { status: DecisionStatus::Accepted, ..bare() };
        assert_eq!(accepted.may_change(&["status", "outcome", "review_on"]), Ok(()));
        let fault = accepted.may_change(&["status", "title"]).unwrap_err();
        assert_eq!(
            (fault.code, fault.message.as_str()),
            (Code::Conflict, "D-0042 is accepted: its title stays as decided")
        );
        assert!(fault.hint.unwrap().starts_with("supersede it"));
        let fault = accepted.may_change(&["title", "context"]).unwrap_err();
        assert_eq!(fault.message, "D-0042 is accepted: its title, context stay as decided");
    }

    #[test]
    fn a_decision_is_superseded_once() {
        assert_eq!(bare().may_be_superseded(), Ok(()));
        let gone = Decision { superseded_by: Some(Id::NIL), ..bare() };
        assert_eq!(gone.may_be_superseded().unwrap_err().code, Code::Conflict);
    }

    #[test]
    fn a_review_is_due_from_its_day_on_while_the_decision_stands() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let with = |status| Decision { status, review_on: Some(day("2026-12-01")), ..bare() };
        assert!(!with(DecisionStatus::Accepted).review_is_due(day("2026-11-30")));
        assert!(with(DecisionStatus::Accepted).review_is_due(day("2026-12-01")));
        assert!(!with(DecisionStatus::Superseded).review_is_due(day("2026-12-02")));
        assert!(!bare().review_is_due(day("2026-12-02")));
    }
}
