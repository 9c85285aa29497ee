//! An event on one line. Pure.

use unicode_width::UnicodeWidthStr;

use crate::{
    cli::{id, text},
    config::TimeForm,
    console,
    model::{Event, Severity, Zones},
    report::{Paint, escape_line},
};

/// The longest type of an event in use, so that lines of a stream stand in columns.
const KIND_COLUMNS: usize = 17;
/// Columns between two parts.
const GAP: usize = 2;

/// When, what, by whom in which project, and what of.
pub fn of(event: &Event, zones: Zones, form: TimeForm, paint: Paint, width: Option<usize>) -> String {
    let time = match form {
        // Lines of a stream grow old while they are read: a moment, not an age.
        TimeForm::Relative | TimeForm::Local | TimeForm::Zone => {
            event.time.at(form.zone(zones)).format("%m-%d %H:%M:%S").to_string()
        }
        TimeForm::Utc => event.time.utc().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    };
    let kind = format!("{:KIND_COLUMNS$}", event.kind);
    let project = match event.subject.project() {
        "_" => String::new(),
        project => format!("{project}  "),
    };
    let actor = escape_line(&event.actor.0);
    let taken = [&time, &kind, &project, &actor].map(|part| part.width()).iter().sum::<usize>() + 3 * GAP;
    let about = text::fit(&about(event), width.map(|width| width.saturating_sub(taken)));
    let kind = match event.severity {
        Severity::Info => paint.cyan(&kind),
        Severity::Warn => paint.yellow(&kind),
        Severity::Error => paint.red(&kind),
    };
    format!("{}  {kind}  {project}{}  {about}", paint.dim(&time), paint.dim(&actor))
}

/// What it is about in the words of the console's Timeline; of a record with a short id of it first.
pub fn about(event: &Event) -> String {
    let said = escape_line(&console::about::about(event));
    match event.record().filter(|_| event.text("title").is_some()) {
        Some(id) => format!("{}  {said}", id::short(id)),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Actor, Id, Sequence, Time};

    #[track_caller]
    fn check(kind: &str, data: serde_json::Value, expected: &str) {
        let event = Event {
            id: Id::NIL,
            kind: kind.into(),
            subject: format!("team.{kind}").parse().unwrap(),
            time: Time::from_unix_ms(1_795_000_000_123),
            sequence: Sequence(9),
            recorded_at: Time::from_unix_ms(1_795_000_000_124),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor("user:ada".into()),
            severity: Severity::Info,
            sampled_rate: None,
            data: data.as_object().unwrap().clone(),
        };
        assert_eq!(of(&event, Zones::UTC, TimeForm::Local, Paint::Plain, None), expected);
    }

    #[test]
    fn a_line_says_when_what_who_and_of_what() {
        check(
            "memory.saved",
            json!({ "id": "0192f0c1-7b5a-7e3c-9d2f-5b1c8a6e4f20", "title": "a\u{1b}[2J title" }),
            "11-18 11:06:40  memory.saved       team  user:ada  8a6e4f20  a␛[2J title",
        );
        check(
            "search.served",
            json!({ "query": "green canary", "hits": 3 }),
            "11-18 11:06:40  search.served      team  user:ada  green canary 3 hits",
        );
    }
}
