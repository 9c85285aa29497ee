//! Decisions: what is asked and answered.

mod input;
mod patch;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Caller;

pub use patch::DecisionPatch;

use crate::model::{
    Actor, Adr, Consequences, Date, Decision, DecisionFilter, DecisionNumber, DecisionOption, DecisionRef,
    DecisionStatus, Fault, Id, Origin, Outcome, OutcomeStatus, Project, Time, clean_tags, trim_blank,
};

pub use crate::model::Calibration;

/// A decision to be. Accepts the names and the simple shape of other tools; answers always use the canonical ones.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewDecision {
    #[serde(alias = "decision_title", alias = "decision")]
    pub title: String,
    /// The number it had where it comes from: taken when it is free, else the next one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<DecisionNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<DecisionStatus>,
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub category: String,
    #[serde(deserialize_with = "super::memories::tags", skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(alias = "project_id", alias = "project_name", alias = "group_id", alias = "namespace")]
    #[serde(alias = "dataset_name", skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// A text, or an object with a `description`.
    #[serde(deserialize_with = "input::context", skip_serializing_if = "String::is_empty")]
    pub context: String,
    #[serde(deserialize_with = "input::items", skip_serializing_if = "Vec::is_empty")]
    pub drivers: Vec<String>,
    #[serde(deserialize_with = "input::items", skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<String>,
    #[serde(deserialize_with = "input::items", skip_serializing_if = "Vec::is_empty")]
    pub assumptions: Vec<String>,
    /// Titles, or objects.
    #[serde(alias = "alternatives", deserialize_with = "input::options")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<DecisionOption>,
    #[serde(alias = "chosen_solution", alias = "solution", skip_serializing_if = "Option::is_none")]
    pub chosen_option: Option<String>,
    #[serde(alias = "reasoning", alias = "justification", alias = "because")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rationale: String,
    /// `{good, bad, neutral}`, or a text or texts that are neither.
    #[serde(deserialize_with = "input::consequences", skip_serializing_if = "Consequences::is_empty")]
    pub consequences: Consequences,
    #[serde(alias = "confidence_score", skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    #[serde(deserialize_with = "input::items", skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    #[serde(deserialize_with = "input::items", skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<String>,
    #[serde(deserialize_with = "input::items", skip_serializing_if = "Vec::is_empty")]
    pub affects: Vec<String>,
    #[serde(deserialize_with = "input::items", skip_serializing_if = "Vec::is_empty")]
    pub decision_makers: Vec<String>,
    #[serde(deserialize_with = "input::items", skip_serializing_if = "Vec::is_empty")]
    pub consulted: Vec<String>,
    #[serde(deserialize_with = "input::items", skip_serializing_if = "Vec::is_empty")]
    pub informed: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<DecisionRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_on: Option<Date>,
    /// Known already where the decision is an old one. `by` is the caller, but in an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adr: Option<Adr>,
    /// Imports carry old times; else now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Time>,
    /// Where it came from; what an import knows it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(alias = "session_id", alias = "run_id", alias = "conversation_id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// A retry with the same key answers the first one's decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl NewDecision {
    /// Its first revision. `related` is those of its references that the hub found; links of superseding are
    /// the hub's to set. [`Decision::check`] has not been asked.
    pub fn into_decision(
        self,
        id: Id,
        number: DecisionNumber,
        origin: Origin,
        correlation_id: Id,
        related: Vec<Id>,
        now: Time,
    ) -> Decision {
        let created_at = self.created_at.or(self.updated_at).unwrap_or(now);
        let imported = self.adr.is_some();
        let by = |outcome: Outcome| {
            let by = if imported { outcome.by } else { Some(origin.actor.clone()) };
            Outcome { by, note: trim_blank(&outcome.note).to_owned(), ..outcome }
        };
        Decision {
            id,
            project: self.project.unwrap_or_default(),
            created_at,
            updated_at: self.updated_at.unwrap_or(created_at),
            revision: 1,
            correlation_id,
            number,
            title: input::line(&self.title),
            status: self.status.unwrap_or_default(),
            kind: self.kind.trim().to_owned(),
            category: self.category.trim().to_owned(),
            tags: clean_tags(self.tags),
            context: trim_blank(&self.context).to_owned(),
            drivers: self.drivers,
            constraints: self.constraints,
            assumptions: self.assumptions,
            chosen_option: input::chosen(self.chosen_option, &self.options),
            options: self.options,
            rationale: trim_blank(&self.rationale).to_owned(),
            consequences: self.consequences,
            confidence: self.confidence,
            evidence: self.evidence,
            risks: self.risks,
            affects: self.affects,
            decision_makers: self.decision_makers,
            consulted: self.consulted,
            informed: self.informed,
            supersedes: Vec::new(),
            superseded_by: None,
            related,
            review_on: self.review_on,
            outcome: self.outcome.map(by),
            adr: self.adr,
            metadata: self.metadata,
            origin,
        }
    }

    /// What a decision of another hub says, to be recorded in this one. Its links go by ids that mean nothing here, and are
    /// left out.
    pub fn of(decision: Decision) -> NewDecision {
        NewDecision {
            title: decision.title,
            number: Some(decision.number),
            status: Some(decision.status),
            kind: decision.kind,
            category: decision.category,
            tags: decision.tags,
            project: Some(decision.project),
            context: decision.context,
            drivers: decision.drivers,
            constraints: decision.constraints,
            assumptions: decision.assumptions,
            options: decision.options,
            chosen_option: decision.chosen_option,
            rationale: decision.rationale,
            consequences: decision.consequences,
            confidence: decision.confidence,
            evidence: decision.evidence,
            risks: decision.risks,
            affects: decision.affects,
            decision_makers: decision.decision_makers,
            consulted: decision.consulted,
            informed: decision.informed,
            related: Vec::new(),
            review_on: decision.review_on,
            outcome: decision.outcome,
            adr: decision.adr,
            created_at: Some(decision.created_at),
            updated_at: Some(decision.updated_at),
            url: decision.origin.url,
            commit: decision.origin.commit,
            session: decision.origin.session,
            metadata: decision.metadata,
            idempotency_key: None,
        }
    }

    /// Whether a hub would take it: the rules are the decision's own.
    pub fn check(&self) -> Result<(), Fault> {
        let number = self.number.unwrap_or_default();
        let (origin, now) = (Origin::default(), Time::default());
        self.clone().into_decision(Id::NIL, number, origin, Id::NIL, Vec::new(), now).check()
    }
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOutcome {
    #[serde(alias = "outcome")]
    pub status: OutcomeStatus,
    /// 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
    #[serde(default, alias = "notes", alias = "lessons_learned", skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// None: now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_at: Option<Time>,
}

impl NewOutcome {
    pub fn into_outcome(self, by: Actor, now: Time) -> Result<Outcome, Fault> {
        let outcome = Outcome {
            status: self.status,
            rating: self.rating,
            note: trim_blank(&self.note).to_owned(),
            measured_at: Some(self.measured_at.unwrap_or(now)),
            by: Some(by),
        };
        outcome.check().map(|()| outcome)
    }
}

/// A decision of an import, with its links to others of the same import by their place in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedDecision {
    pub new: NewDecision,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<usize>,
}

/// What became of one of an import, in its order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DecisionTaken {
    pub id: Id,
    pub number: DecisionNumber,
    #[serde(rename = "as")]
    pub outcome: super::UpsertedAs,
}

/// One answer for each decision of an import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DecisionsTaken {
    pub items: Vec<DecisionTaken>,
    pub applied: bool,
}

/// A write that is on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SavedDecision {
    #[serde(flatten)]
    pub decision: Decision,
    /// `false`: on disk, but the record view does not show it yet. A success; asking again would do it twice.
    #[serde(default = "yes")]
    pub applied: bool,
}

fn yes() -> bool {
    true
}

/// A decision as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DecisionRevision {
    /// What made it so: `decision.recorded`, `decision.outcome_recorded`, ...
    pub event: String,
    pub recorded_at: Time,
    pub actor: Actor,
    pub correlation_id: Id,
    /// The whole revision; none where only its visibility changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionOrder {
    /// By `updated_at`, newest first.
    #[default]
    Recent,
    /// By `created_at`, oldest first.
    Oldest,
    /// By number, highest first.
    Number,
    /// By `review_on`, soonest first; only what has one.
    Review,
}

impl DecisionOrder {
    pub const ALL: [DecisionOrder; 4] =
        [DecisionOrder::Recent, DecisionOrder::Oldest, DecisionOrder::Number, DecisionOrder::Review];

    pub fn word(self) -> &'static str {
        match self {
            DecisionOrder::Recent => "recent",
            DecisionOrder::Oldest => "oldest",
            DecisionOrder::Number => "number",
            DecisionOrder::Review => "review",
        }
    }

    pub fn parse(word: &str) -> Option<DecisionOrder> {
        DecisionOrder::ALL.into_iter().find(|order| order.word().eq_ignore_ascii_case(word))
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionsRequest {
    pub filter: DecisionFilter,
    pub order: DecisionOrder,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// 0: 100. At most [`super::LIST_PAGE_MAX`].
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DecisionPage {
    pub decisions: Vec<Decision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A hub's decisions; part of its [`Door`](super::Door).
#[async_trait]
pub trait Decisions: Send + Sync + 'static {
    /// Records a decision under the next number, or under the one it wishes for when that is free.
    async fn decide(&self, caller: &Caller, new: NewDecision) -> Result<SavedDecision, Fault>;

    /// Changes the fields that are set. `revision` given: refused as a conflict when it is no longer that.
    async fn edit_decision(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        patch: DecisionPatch,
        revision: Option<u32>,
    ) -> Result<SavedDecision, Fault>;

    /// Records a decision that takes another's place, both links in one commit; answers the new one.
    async fn supersede_decision(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        new: NewDecision,
    ) -> Result<SavedDecision, Fault>;

    /// Says how it turned out; said again, it is corrected.
    async fn record_outcome(
        &self,
        caller: &Caller,
        decision: DecisionRef,
        outcome: NewOutcome,
    ) -> Result<SavedDecision, Fault>;

    /// Records many in one commit, each known by its `url`: new, changed or left alone.
    async fn import_decisions(
        &self,
        caller: &Caller,
        batch: Vec<ImportedDecision>,
    ) -> Result<DecisionsTaken, Fault>;

    async fn decision(&self, caller: &Caller, decision: DecisionRef) -> Result<Decision, Fault>;

    /// Every revision, newest first.
    async fn decision_history(
        &self,
        caller: &Caller,
        decision: DecisionRef,
    ) -> Result<Vec<DecisionRevision>, Fault>;

    async fn decisions(&self, caller: &Caller, request: DecisionsRequest) -> Result<DecisionPage, Fault>;

    /// Stated confidence against what came of it, over the decisions that the filter sees; of any status
    /// where it names none.
    async fn calibration(&self, caller: &Caller, filter: DecisionFilter) -> Result<Calibration, Fault>;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn read(value: Value) -> NewDecision {
        serde_json::from_value(value).unwrap()
    }

    fn decided(new: NewDecision) -> Decision {
        let origin = Origin { actor: Actor("user:ada".into()), ..Origin::default() };
        new.into_decision(Id::NIL, DecisionNumber(1), origin, Id::NIL, vec![], Time::from_unix_ms(7))
    }

    #[test]
    fn the_names_of_other_tools_are_accepted() {
        let new = read(json!({
            "decision_title": "Store", "chosen_solution": "sled", "justification": "fast", "confidence_score": 0.7,
            "context": { "description": "We need one." }, "tags": "a, b", "run_id": "s", "group_id": "My Team",
            "alternatives": [
                "redb",
                { "solution": "sled", "pros": ["Rust"], "cons": "beta" },
                { "option": "SQLite", "reason_rejected": "SQL" },
                { "option": "RocksDB", "rejection_reason": "C++" },
            ],
        }));
        let option = DecisionOption::titled;
        assert_eq!(
            new,
            NewDecision {
                title: "Store".into(),
                chosen_option: Some("sled".into()),
                rationale: "fast".into(),
                confidence: Some(0.7),
                context: "We need one.".into(),
                tags: vec!["a".into(), "b".into()],
                session: Some("s".into()),
                project: Some(Project::slug("my-team")),
                options: vec![
                    option("redb"),
                    DecisionOption { pros: vec!["Rust".into()], cons: vec!["beta".into()], ..option("sled") },
                    DecisionOption { rejected_because: Some("SQL".into()), ..option("SQLite") },
                    DecisionOption { rejected_because: Some("C++".into()), ..option("RocksDB") },
                ],
                ..NewDecision::default()
            }
        );
        assert_eq!(new.check(), Ok(()));
    }

    #[test]
    fn each_alias_means_its_field() {
        for (names, value) in [
            (&["title", "decision_title", "decision"][..], json!("x")),
            (&["chosen_option", "chosen_solution", "solution"], json!("x")),
            (&["rationale", "reasoning", "justification", "because"], json!("x")),
            (&["options", "alternatives"], json!(["x"])),
            (&["confidence", "confidence_score"], json!(0.5)),
            (&["project", "project_id", "project_name", "group_id", "namespace", "dataset_name"], json!("x")),
            (&["session", "session_id", "run_id", "conversation_id"], json!("x")),
        ] {
            let canonical = read(json!({ names[0]: value }));
            assert_ne!(canonical, NewDecision::default(), "{}", names[0]);
            for name in names {
                assert_eq!(read(json!({ *name: value })), canonical, "{name}");
            }
        }
        for title in ["title", "solution", "option"] {
            assert_eq!(read(json!({ "options": [{ title: "x" }] })), read(json!({ "options": ["x"] })));
        }
    }

    #[test]
    fn the_simple_shape_is_a_decision() {
        let decision = decided(read(json!({ "decision": "Use  sled", "because": "it is fast\n" })));
        assert_eq!(
            (decision.title.as_str(), decision.rationale.as_str(), decision.status, decision.created_at),
            ("Use sled", "it is fast", DecisionStatus::Proposed, Time::from_unix_ms(7))
        );
        let simple = read(json!({ "title": "t", "consequences": "some", "risks": "one" }));
        assert_eq!((simple.consequences.neutral, simple.risks), (vec!["some".into()], vec!["one".into()]));
        let sorted = read(json!({ "title": "t", "consequences": { "good": "some", "bad": ["a", "b"] } }));
        assert_eq!((sorted.consequences.good, sorted.consequences.bad.len()), (vec!["some".to_owned()], 2));
    }

    #[test]
    fn a_choice_is_the_option_it_means() {
        let new = read(json!({ "title": "t", "options": ["sled", "Redb 2"], "chosen_option": " redb 2 " }));
        assert_eq!(decided(new).chosen_option.as_deref(), Some("Redb 2"));
        let other = read(json!({ "title": "t", "options": ["sled"], "chosen_option": "redb" }));
        assert!(other.check().unwrap_err().message.contains("none of the options"));
    }

    #[test]
    fn an_outcome_is_the_callers_unless_it_is_imported() {
        let outcome = json!({ "status": "failed", "by": "user:eve" });
        let new = read(json!({ "title": "t", "outcome": outcome }));
        let by = |new: NewDecision| decided(new).outcome.unwrap().by.unwrap().0;
        assert_eq!(by(new.clone()), "user:ada");
        let adr = json!({ "form": "madr", "file": "1.md", "source": "" });
        assert_eq!(by(NewDecision { adr: serde_json::from_value(adr).unwrap(), ..new }), "user:eve");
        let told: NewOutcome =
            serde_json::from_value(json!({ "outcome": "partial", "notes": "so\n" })).unwrap();
        let outcome = told.clone().into_outcome(Actor::hub(), Time::from_unix_ms(7)).unwrap();
        assert_eq!((outcome.note.as_str(), outcome.measured_at), ("so", Some(Time::from_unix_ms(7))));
        assert!(NewOutcome { rating: Some(9), ..told }.into_outcome(Actor::hub(), Time::default()).is_err());
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let new = NewDecision {
            title: "t".into(),
            options: vec![DecisionOption { score: Some(0.5), ..DecisionOption::titled("x") }],
            consequences: Consequences { good: vec!["g".into()], ..Consequences::default() },
            related: vec![DecisionRef::Number(DecisionNumber(3))],
            review_on: Some("2027-01-01".parse().unwrap()),
            ..NewDecision::default()
        };
        assert_eq!(read(serde_json::to_value(&new).unwrap()), new);
    }
}
