//! What happened, in words that need no colour, no column and no glyph. Pure.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    cli::{events::about, text},
    config::TimeForm,
    console::model::{Badge, Connection, Hub},
    model::{Event, Fault, Severity, Zones},
    report::escape_line,
};

pub fn event(event: &Event, zones: Zones, form: TimeForm) -> String {
    let time = match form {
        // What was told a minute ago is no longer "now": a moment, not an age.
        TimeForm::Relative | TimeForm::Local | TimeForm::Zone => {
            event.time.at(form.zone(zones)).format("%H:%M:%S").to_string()
        }
        TimeForm::Utc => event.time.utc().format("%H:%M:%S UTC").to_string(),
    };
    let severity = match event.severity {
        Severity::Info => "",
        Severity::Warn => "warning, ",
        Severity::Error => "error, ",
    };
    let project = match event.subject.project() {
        "_" => String::new(),
        project => format!(", project {project}"),
    };
    let about = match about(event) {
        nothing if nothing.is_empty() => nothing,
        about => format!(": {about}"),
    };
    format!("{time}, {severity}{}{about}{project}, by {}.", kind(&event.kind), escape_line(&event.actor.0))
}

/// `memory.saved`, as one says it.
fn kind(kind: &str) -> String {
    escape_line(kind).replace(['.', '_'], " ")
}

/// Many at once, by what they are.
pub fn many(events: &[&Event]) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    events.iter().for_each(|event| *counts.entry(&event.kind).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
    let parts: Vec<String> = counts
        .into_iter()
        .map(|(name, count)| format!("{} {}", text::counted(count, "time", "times"), kind(name)))
        .collect();
    let worst = events.iter().map(|event| event.severity).max().filter(|worst| *worst > Severity::Info);
    let worst = match worst {
        Some(Severity::Error) => ", errors among them",
        Some(_) => ", warnings among them",
        None => "",
    };
    format!("{} at once{worst}: {}.", text::counted(events.len() as u64, "event", "events"), parts.join(", "))
}

pub fn arrived(hub: &Hub) -> String {
    let place = match hub.connection {
        Connection::Live { owned: true } => "This program is the hub",
        _ => "Attached to the running hub",
    };
    let memories = hub.memories().map(|memories| text::counted(memories, "memory", "memories"));
    let memories = memories.map(|memories| format!("; {memories}")).unwrap_or_default();
    format!("{place}{memories}.")
}

pub fn gone(fault: &Fault, retry: Duration) -> String {
    format!("The hub is away: {}. It is tried again in {}.", escape_line(&fault.message), text::span(retry))
}

/// A state that the hub came into.
pub fn state(badge: &Badge) -> String {
    match badge {
        Badge::Live => "State: live, everything works.".to_owned(),
        Badge::Opening => "State: opening.".to_owned(),
        Badge::CatchingUp(words) | Badge::Rebuilding(words) | Badge::Stalled(words) => {
            format!("State: {}.", escape_line(words))
        }
        Badge::Failed(words) => format!("State: failed, {}.", escape_line(words)),
        Badge::Refused(why) => format!("State: {}; nothing can be saved, reading goes on.", why.words()),
        Badge::Stale { .. } => "State: not a word from the hub; it is tried anew.".to_owned(),
        Badge::Offline { .. } => "State: the hub is away.".to_owned(),
        Badge::Denied => "State: the hub does not let this console in.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Actor, Code, Id, Sequence, Time};

    fn happened(kind: &str, severity: Severity, data: serde_json::Value) -> Event {
        Event {
            id: Id::NIL,
            kind: kind.into(),
            subject: format!("team.{kind}").parse().unwrap(),
            time: Time::from_unix_ms(1_795_000_000_123),
            sequence: Sequence(9),
            recorded_at: Time::from_unix_ms(1_795_000_000_124),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor("user:ada".into()),
            severity,
            sampled_rate: None,
            data: data.as_object().unwrap().clone(),
        }
    }

    #[test]
    fn an_event_is_a_sentence() {
        let saved = happened("memory.saved", Severity::Info, json!({ "title": "a\u{1b}[2J title" }));
        assert_eq!(
            event(&saved, Zones::UTC, TimeForm::Relative),
            "11:06:40, memory saved: a␛[2J title, project team, by user:ada."
        );
        let failed = happened("hub.view_rebuilt", Severity::Error, json!({}));
        assert_eq!(
            event(&failed, Zones::UTC, TimeForm::Utc),
            "11:06:40 UTC, error, hub view rebuilt, project team, by user:ada."
        );
    }

    #[test]
    fn many_events_are_told_by_their_number() {
        let (saved, damaged) = (
            happened("memory.saved", Severity::Info, json!({})),
            happened("hub.view_rebuilt", Severity::Warn, json!({})),
        );
        assert_eq!(
            many(&[&damaged, &saved, &saved]),
            "3 events at once, warnings among them: 2 times memory saved, 1 time hub view rebuilt."
        );
    }

    #[test]
    fn states_are_words() {
        let why = crate::door::Refusal::DiskFull;
        assert_eq!(state(&Badge::Refused(why)), "State: disk full; nothing can be saved, reading goes on.");
        let fault = Fault::new(Code::Unavailable, "the hub closed");
        assert_eq!(
            gone(&fault, Duration::from_millis(250)),
            "The hub is away: the hub closed. It is tried again in 250 ms."
        );
    }
}
