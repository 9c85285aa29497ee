//! Which decisions a list may see.

use serde::{Deserialize, Serialize};

use super::{Decision, DecisionStatus};
use crate::model::{Date, Projects, Time};

/// Every field that is set must hold. `Default` sees every current decision of every project.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionFilter {
    pub projects: Projects,
    /// Any of these; empty is every current status ([`DecisionStatus::is_current`]), unless `any_status`.
    pub statuses: Vec<DecisionStatus>,
    /// With no `statuses`: also what is rejected, deprecated or superseded.
    pub any_status: bool,
    /// All of these.
    pub tags: Vec<String>,
    pub kind: Option<String>,
    pub category: Option<String>,
    /// To be reviewed before this day.
    pub review_before: Option<Date>,
    /// Whether somebody can tell how it turned out: an outcome that is more than pending or in progress.
    pub has_outcome: Option<bool>,
    /// Somewhere in the number, the title or what is read of it, case ignored.
    pub text: Option<String>,
    /// By `updated_at`, from here on.
    pub since: Option<Time>,
    /// By `updated_at`, before this.
    pub until: Option<Time>,
}

impl DecisionFilter {
    pub fn matches(&self, decision: &Decision) -> bool {
        let word = |wanted: &Option<String>, has: &str| {
            wanted.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(has))
        };
        self.sees_status(decision.status)
            && self.projects.see(&decision.project)
            && self.tags.iter().all(|tag| decision.tags.iter().any(|has| has.eq_ignore_ascii_case(tag)))
            && word(&self.kind, &decision.kind)
            && word(&self.category, &decision.category)
            && self.review_before.is_none_or(|day| decision.review_on.is_some_and(|review| review < day))
            && self.has_outcome.is_none_or(|wanted| wanted == decision.has_outcome())
            && self.since.is_none_or(|since| decision.updated_at >= since)
            && self.until.is_none_or(|until| decision.updated_at < until)
            && self.text.as_deref().is_none_or(|text| decision.mentions(text))
    }

    fn sees_status(&self, status: DecisionStatus) -> bool {
        if self.statuses.is_empty() {
            self.any_status || status.is_current()
        } else {
            self.statuses.contains(&status)
        }
    }
}

impl Decision {
    /// Whether somebody can tell how it turned out.
    pub fn has_outcome(&self) -> bool {
        self.outcome.as_ref().is_some_and(|outcome| outcome.status.worth().is_some())
    }

    fn mentions(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let has = |place: &str| place.to_lowercase().contains(&text);
        has(&self.number.to_string()) || has(&self.title) || has(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::bare, *};
    use crate::model::{Outcome, OutcomeStatus, Project};

    #[track_caller]
    fn check(filter: DecisionFilter, decision: &Decision, seen: bool) {
        assert_eq!(filter.matches(decision), seen, "{filter:?}");
    }

    #[test]
    fn every_condition_holds_or_it_is_not_seen() {
        let any = DecisionFilter::default;
        let decision = Decision {
            tags: vec!["Store".into(), "rust".into()],
            kind: "architecture".into(),
            review_on: Some("2026-12-01".parse().unwrap()),
            outcome: Some(Outcome { status: OutcomeStatus::InProgress, ..Outcome::default() }),
            ..bare()
        };
        check(any(), &decision, true);
        check(DecisionFilter { tags: vec!["store".into(), "RUST".into()], ..any() }, &decision, true);
        check(DecisionFilter { tags: vec!["store".into(), "go".into()], ..any() }, &decision, false);
        check(DecisionFilter { kind: Some("Architecture".into()), ..any() }, &decision, true);
        check(DecisionFilter { category: Some("x".into()), ..any() }, &decision, false);
        for (day, seen) in [("2026-12-01", false), ("2026-12-02", true)] {
            check(DecisionFilter { review_before: Some(day.parse().unwrap()), ..any() }, &decision, seen);
        }
        check(DecisionFilter { has_outcome: Some(false), ..any() }, &decision, true);
        check(DecisionFilter { has_outcome: Some(true), ..any() }, &decision, false);
        for (text, seen) in [("USE", true), ("d-0042", true), ("in_PROGRESS", true), ("redb", false)] {
            check(DecisionFilter { text: Some(text.into()), ..any() }, &decision, seen);
        }
        let others = Projects::Only(vec![Project::slug("other")]);
        check(DecisionFilter { projects: others, ..any() }, &decision, false);
        check(DecisionFilter { since: Some(decision.updated_at), ..any() }, &decision, true);
        check(DecisionFilter { until: Some(decision.updated_at), ..any() }, &decision, false);
    }

    #[test]
    fn what_no_longer_stands_is_seen_when_asked_for() {
        let gone = Decision { status: DecisionStatus::Superseded, ..bare() };
        check(DecisionFilter::default(), &gone, false);
        check(DecisionFilter { any_status: true, ..DecisionFilter::default() }, &gone, true);
        let asked =
            DecisionFilter { statuses: vec![DecisionStatus::Superseded], ..DecisionFilter::default() };
        check(asked.clone(), &gone, true);
        check(asked, &bare(), false);
    }
}
