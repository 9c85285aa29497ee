//! Filters: which events a stream carries and which memories a list or a search may see.

use serde::{Deserialize, Serialize};

use super::{Actor, Event, Id, Memory, Pattern, Project, Severity, Status, Subject, Time};

/// More patterns than this in one filter are refused: each costs a match per event.
pub const PATTERNS_MAX: usize = 16;

/// A filter that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("{0} patterns, at most {PATTERNS_MAX} fit")]
    TooManyPatterns(usize),
}

/// The projects a caller sees. A wall, not a preference: it holds inside every query, count and stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Projects {
    #[default]
    All,
    Only(Vec<Project>),
}

impl Projects {
    /// One project and what belongs to none.
    pub fn with_none(project: Project) -> Projects {
        if project.is_none() {
            Projects::Only(vec![project])
        } else {
            Projects::Only(vec![project, Project::none()])
        }
    }

    /// Whether whoever sees these sees all of those too.
    pub fn hold(&self, others: &Projects) -> bool {
        match others {
            Projects::All => *self == Projects::All,
            Projects::Only(list) => list.iter().all(|project| self.see(project)),
        }
    }

    /// What both see.
    pub fn narrowed(self, others: Projects) -> Projects {
        match (self, others) {
            (Projects::All, some) | (some, Projects::All) => some,
            (Projects::Only(mut list), others) => {
                list.retain(|project| others.see(project));
                Projects::Only(list)
            }
        }
    }

    pub fn see(&self, project: &Project) -> bool {
        self.see_name(project.as_str())
    }

    /// As [`Projects::see`], for the first token of a subject.
    pub fn see_name(&self, project: &str) -> bool {
        match self {
            Projects::All => true,
            Projects::Only(list) => list.iter().any(|seen| seen.as_str() == project),
        }
    }
}

/// Which events: every field that is set must hold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EventFilter {
    /// Any of these; empty is every subject.
    pub patterns: Vec<Pattern>,
    pub projects: Projects,
    /// By the event's `time`, from here on.
    pub since: Option<Time>,
    /// By the event's `time`, before this.
    pub until: Option<Time>,
    pub correlation: Option<Id>,
    pub causation: Option<Id>,
    pub actor: Option<Actor>,
    /// At least this bad.
    pub severity: Option<Severity>,
    /// Somewhere in the type, subject, actor or a text of the data, case ignored.
    pub text: Option<String>,
}

impl EventFilter {
    pub fn check(&self) -> Result<(), FilterError> {
        match self.patterns.len() {
            0..=PATTERNS_MAX => Ok(()),
            n => Err(FilterError::TooManyPatterns(n)),
        }
    }

    pub fn matches(&self, event: &Event) -> bool {
        self.may_match(&event.subject, event.severity)
            && self.since.is_none_or(|since| event.time >= since)
            && self.until.is_none_or(|until| event.time < until)
            && self.correlation.is_none_or(|id| event.correlation_id == id)
            && self.causation.is_none_or(|id| event.causation_id == Some(id))
            && self.actor.as_ref().is_none_or(|actor| event.actor == *actor)
            && self.text.as_deref().is_none_or(|text| mentions(event, text))
    }

    /// Whether an event on this subject, this bad, can match.
    pub fn may_match(&self, subject: &Subject, severity: Severity) -> bool {
        self.projects.see_name(subject.project())
            && (self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(subject)))
            && self.severity.is_none_or(|least| severity >= least)
    }

    /// Whether an event between these moments, both included, can match.
    pub fn spans(&self, first: Time, last: Time) -> bool {
        self.since.is_none_or(|since| last >= since) && self.until.is_none_or(|until| first < until)
    }
}

fn mentions(event: &Event, text: &str) -> bool {
    let text = text.to_lowercase();
    let has = |place: &str| place.to_lowercase().contains(&text);
    has(&event.kind)
        || has(event.subject.as_str())
        || has(&event.actor.0)
        || event.data.values().any(|value| value.as_str().map_or_else(|| has(&value.to_string()), has))
}

/// Which memories: every field that is set must hold. `Default` sees every current memory of every project.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryFilter {
    pub projects: Projects,
    /// Any of these types; empty is any.
    pub kinds: Vec<String>,
    /// All of these.
    pub tags: Vec<String>,
    /// Any of these; empty is every current status ([`Status::is_current`]).
    pub statuses: Vec<Status>,
    pub actor: Option<String>,
    /// By `updated_at`, from here on.
    pub since: Option<Time>,
    /// By `updated_at`, before this.
    pub until: Option<Time>,
    /// `origin.url` begins so: what was imported from under a folder.
    pub origin: Option<String>,
}

impl MemoryFilter {
    pub fn matches(&self, memory: &Memory) -> bool {
        let status = if self.statuses.is_empty() {
            memory.status.is_current()
        } else {
            self.statuses.contains(&memory.status)
        };
        status
            && self.projects.see(&memory.project)
            && (self.kinds.is_empty()
                || self.kinds.iter().any(|kind| kind.eq_ignore_ascii_case(&memory.kind)))
            && self.tags.iter().all(|tag| memory.tags.iter().any(|has| has.eq_ignore_ascii_case(tag)))
            && self.actor.as_deref().is_none_or(|actor| names(&memory.origin.actor, actor))
            && self.since.is_none_or(|since| memory.updated_at >= since)
            && self.until.is_none_or(|until| memory.updated_at < until)
            && self
                .origin
                .as_deref()
                .is_none_or(|prefix| memory.origin.url.as_deref().is_some_and(|url| url.starts_with(prefix)))
    }
}

/// Whether `name` is this actor: in full, or its last part (`ada` for `user:ada`).
fn names(actor: &Actor, name: &str) -> bool {
    actor.0.eq_ignore_ascii_case(name)
        || actor.0.rsplit(':').next().is_some_and(|last| last.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::Sequence;

    fn event(project: &str, kind: &str, ms: i64, severity: Severity, title: &str) -> Event {
        Event {
            id: Id::NIL,
            kind: kind.to_owned(),
            subject: format!("{project}.{kind}").parse().unwrap(),
            time: Time::from_unix_ms(ms),
            sequence: Sequence(1),
            recorded_at: Time::from_unix_ms(ms),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor("user:ada".into()),
            severity,
            sampled_rate: None,
            data: json!({ "title": title }).as_object().unwrap().clone(),
        }
    }

    #[test]
    fn text_is_found_in_any_case_and_any_place() {
        let event = event("_", "memory.saved", 0, Severity::Info, "Ünïcode Title");
        for (text, found) in [("title", true), ("SAVED", true), ("ada", true), ("ünï", true), ("none", false)]
        {
            let filter = EventFilter { text: Some(text.into()), ..EventFilter::default() };
            assert_eq!(filter.matches(&event), found, "{text}");
        }
    }

    proptest! {
        /// Each condition written out on its own, joined by `all`.
        #[test]
        fn a_filter_is_all_of_its_conditions(
            project in prop::sample::select(vec!["_", "a", "b"]),
            kind in prop::sample::select(vec!["memory.saved", "memory.updated", "hub.started"]),
            ms in 0i64..10,
            severity in prop::sample::select(Severity::ALL.to_vec()),
            since in prop::option::of(0i64..10),
            until in prop::option::of(0i64..10),
            least in prop::option::of(prop::sample::select(Severity::ALL.to_vec())),
            seen in prop::option::of(prop::sample::select(vec!["_", "a", "b"])),
            patterns in prop::collection::vec(prop::sample::select(vec!["*.memory.*", "a.>", "b.hub.started"]), 0..3),
        ) {
            let event = event(project, kind, ms, severity, "t");
            let filter = EventFilter {
                patterns: patterns.iter().map(|p| p.parse().unwrap()).collect(),
                projects: seen.map_or(Projects::All, |p| Projects::Only(vec![Project::slug(p)])),
                since: since.map(Time::from_unix_ms),
                until: until.map(Time::from_unix_ms),
                severity: least,
                ..EventFilter::default()
            };
            let subject = format!("{project}.{kind}");
            let conditions = [
                seen.is_none_or(|p| subject.starts_with(&format!("{p}."))),
                patterns.is_empty() || patterns.iter().any(|p| match *p {
                    "*.memory.*" => kind.starts_with("memory."),
                    "a.>" => project == "a",
                    _ => subject == "b.hub.started",
                }),
                since.is_none_or(|since| since <= ms),
                until.is_none_or(|until| ms < until),
                least.is_none_or(|least| least as u8 <= severity as u8),
            ];
            prop_assert_eq!(filter.matches(&event), conditions.iter().all(|&c| c));
        }
    }
}
