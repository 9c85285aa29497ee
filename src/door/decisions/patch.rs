//! A change of a decision.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::input;
use crate::model::{
    Consequences, Date, Decision, DecisionOption, DecisionStatus, Fault, Project, clean_tags, trim_blank,
};

/// The fields to change; what is not set stays. Those that can be without a value are taken away by `null`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionPatch {
    #[serde(alias = "decision_title", alias = "decision", skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<DecisionStatus>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(deserialize_with = "tags", skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    #[serde(deserialize_with = "context", skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    #[serde(deserialize_with = "items", skip_serializing_if = "Option::is_none")]
    pub drivers: Option<Vec<String>>,
    #[serde(deserialize_with = "items", skip_serializing_if = "Option::is_none")]
    pub constraints: Option<Vec<String>>,
    #[serde(deserialize_with = "items", skip_serializing_if = "Option::is_none")]
    pub assumptions: Option<Vec<String>>,
    #[serde(alias = "alternatives", deserialize_with = "options", skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<DecisionOption>>,
    #[serde(alias = "chosen_solution", alias = "solution", deserialize_with = "given")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub chosen_option: Option<Option<String>>,
    #[serde(alias = "reasoning", alias = "justification", alias = "because")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
    #[serde(deserialize_with = "consequences", skip_serializing_if = "Option::is_none")]
    pub consequences: Option<Consequences>,
    #[serde(alias = "confidence_score", deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub confidence: Option<Option<f64>>,
    #[serde(deserialize_with = "items", skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Vec<String>>,
    #[serde(deserialize_with = "items", skip_serializing_if = "Option::is_none")]
    pub risks: Option<Vec<String>>,
    #[serde(deserialize_with = "items", skip_serializing_if = "Option::is_none")]
    pub affects: Option<Vec<String>>,
    #[serde(deserialize_with = "items", skip_serializing_if = "Option::is_none")]
    pub decision_makers: Option<Vec<String>>,
    #[serde(deserialize_with = "items", skip_serializing_if = "Option::is_none")]
    pub consulted: Option<Vec<String>>,
    #[serde(deserialize_with = "items", skip_serializing_if = "Option::is_none")]
    pub informed: Option<Vec<String>>,
    #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Date>)]
    pub review_on: Option<Option<Date>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    crate::door::memories::tags(deserializer).map(Some)
}

fn context<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    input::context(deserializer).map(Some)
}

fn items<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    input::items(deserializer).map(Some)
}

fn options<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<DecisionOption>>, D::Error> {
    input::options(deserializer).map(Some)
}

fn consequences<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Consequences>, D::Error> {
    input::consequences(deserializer).map(Some)
}

fn text(given: &str) -> String {
    trim_blank(given).to_owned()
}

/// The next revision in the making, and which fields of it differ.
struct Change {
    after: Decision,
    fields: Vec<&'static str>,
}

impl Change {
    fn set<T: PartialEq>(
        &mut self,
        name: &'static str,
        value: Option<T>,
        field: impl FnOnce(&mut Decision) -> &mut T,
    ) {
        let Some(value) = value else { return };
        let place = field(&mut self.after);
        if *place != value {
            *place = value;
            self.fields.push(name);
        }
    }
}

impl DecisionPatch {
    /// The decision with what is set, checked; its revision and times are the hub's to set. A settled decision refuses
    /// all but status and review date ([`Decision::may_change`]).
    pub fn apply(self, before: &Decision) -> Result<Decision, Fault> {
        let mut change = Change { after: before.clone(), fields: Vec::new() };
        change.set("title", self.title.as_deref().map(input::line), |to| &mut to.title);
        change.set("type", self.kind, |to| &mut to.kind);
        change.set("category", self.category, |to| &mut to.category);
        change.set("tags", self.tags.map(clean_tags), |to| &mut to.tags);
        change.set("project", self.project, |to| &mut to.project);
        change.set("context", self.context.as_deref().map(text), |to| &mut to.context);
        change.set("drivers", self.drivers, |to| &mut to.drivers);
        change.set("constraints", self.constraints, |to| &mut to.constraints);
        change.set("assumptions", self.assumptions, |to| &mut to.assumptions);
        change.set("options", self.options, |to| &mut to.options);
        let chosen = self.chosen_option.map(|given| input::chosen(given, &change.after.options));
        change.set("chosen_option", chosen, |to| &mut to.chosen_option);
        change.set("rationale", self.rationale.as_deref().map(text), |to| &mut to.rationale);
        change.set("consequences", self.consequences, |to| &mut to.consequences);
        change.set("confidence", self.confidence, |to| &mut to.confidence);
        change.set("evidence", self.evidence, |to| &mut to.evidence);
        change.set("risks", self.risks, |to| &mut to.risks);
        change.set("affects", self.affects, |to| &mut to.affects);
        change.set("decision_makers", self.decision_makers, |to| &mut to.decision_makers);
        change.set("consulted", self.consulted, |to| &mut to.consulted);
        change.set("informed", self.informed, |to| &mut to.informed);
        change.set("review_on", self.review_on, |to| &mut to.review_on);
        change.set("metadata", self.metadata, |to| &mut to.metadata);
        change.set("status", self.status, |to| &mut to.status);
        before.may_change(&change.fields)?;
        before.status.may_become(change.after.status)?;
        change.after.check()?;
        Ok(change.after)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Code, Id};

    fn decision(status: &str) -> Decision {
        serde_json::from_value(json!({
            "id": Id::NIL, "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z",
            "revision": 1, "number": 42, "title": "Use sled", "status": status, "confidence": 0.7,
            "options": [{"title": "sled"}, {"title": "redb"}], "review_on": "2027-01-01",
        }))
        .unwrap()
    }

    #[track_caller]
    fn patch(value: Value, before: &Decision) -> Result<Decision, Fault> {
        serde_json::from_value::<DecisionPatch>(value).unwrap().apply(before)
    }

    #[test]
    fn what_is_set_changes_and_null_takes_away() {
        let before = decision("draft");
        let after = patch(
            json!({ "decision_title": " Use  redb", "solution": "REDB", "confidence": null, "review_on": null,
                    "because": "x", "status": "accepted" }),
            &before,
        );
        let expected = Decision {
            title: "Use redb".into(),
            chosen_option: Some("redb".into()),
            confidence: None,
            review_on: None,
            rationale: "x".into(),
            status: DecisionStatus::Accepted,
            ..before.clone()
        };
        assert_eq!(after, Ok(expected));
        assert_eq!(patch(json!({}), &before), Ok(before.clone()));
        assert!(serde_json::from_value::<DecisionPatch>(json!({ "colour": 1 })).is_err());
    }

    #[test]
    fn a_settled_decision_changes_status_and_review_alone() {
        let before = decision("accepted");
        let after = patch(json!({ "status": "implemented", "review_on": "2028-01-01" }), &before).unwrap();
        assert_eq!(after.status, DecisionStatus::Implemented);
        // The same again is no change.
        assert!(patch(json!({ "title": "Use sled", "status": "implemented" }), &before).is_ok());
        for (refused, says) in [
            (json!({ "title": "Use redb" }), "its title stays"),
            (json!({ "status": "draft" }), "accepted cannot become draft"),
            (json!({ "status": "superseded" }), "accepted cannot become superseded"),
        ] {
            let fault = patch(refused, &before).unwrap_err();
            assert_eq!(fault.code, Code::Conflict);
            assert!(fault.message.contains(says), "{}", fault.message);
        }
        assert_eq!(patch(json!({ "confidence": 3 }), &decision("draft")).unwrap_err().code, Code::Invalid);
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        let sent = DecisionPatch { review_on: Some(None), tags: Some(vec![]), ..DecisionPatch::default() };
        let json = serde_json::to_value(&sent).unwrap();
        assert_eq!(json, json!({ "review_on": null, "tags": [] }));
        assert_eq!(serde_json::from_value::<DecisionPatch>(json).unwrap(), sent);
    }
}
