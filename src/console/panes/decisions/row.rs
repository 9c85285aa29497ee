//! A decision in a row: how sure, how it ended, when it is to be looked at again.

use ratatui::text::{Line, Span};

use crate::{
    console::{scene::Scene, text, theme::Role},
    model::{Date, Decision, OutcomeStatus, Time},
};

/// Its number, with the space behind it.
const NUMBER: usize = 7;
/// Columns for the confidence and the outcome, or when it is due.
const END: usize = 9;
/// Columns of the longest status, and from how wide a row on it has room.
const STATUS: usize = 11;
const STATUS_FROM: usize = 64;
/// A review is near from so many days before.
const NEAR_DAYS: i64 = 14;
const DAY_MS: i64 = 86_400_000;
/// The place of the mark among the spans of a row: it keeps its colour where the row is selected.
pub const MARK_SPAN: usize = 4;

pub fn confidence(confidence: f64) -> String {
    format!("{confidence:.2}")
}

/// How an outcome is shown.
pub fn mark(status: OutcomeStatus) -> Role {
    match status {
        OutcomeStatus::Pending | OutcomeStatus::InProgress => Role::Info,
        OutcomeStatus::Successful => Role::TaskDone,
        OutcomeStatus::Partial => Role::Busy,
        OutcomeStatus::Failed | OutcomeStatus::Revised => Role::Error,
    }
}

/// An outcome's status in words.
pub fn words(status: OutcomeStatus) -> String {
    status.word().replace('_', " ")
}

/// How it turned out, as far as that was said.
pub fn outcome(decision: &Decision) -> Option<(Role, String)> {
    let outcome = decision.outcome.as_ref()?;
    let rating = outcome.rating.map_or(String::new(), |rating| format!(", {rating} of 5"));
    Some((mark(outcome.status), format!("{}{rating}", words(outcome.status))))
}

/// When its review is near or past and nobody has told how it turned out.
pub fn due(decision: &Decision, now: Time) -> Option<(Role, String)> {
    let ended = decision.outcome.as_ref().is_some_and(|outcome| outcome.status.worth().is_some());
    let day = decision.review_on.filter(|_| !ended && decision.is_current())?;
    let days = (day.starts().unix_ms() - Date::of(now).starts().unix_ms()) / DAY_MS;
    match days {
        0 => Some((Role::Warn, "due today".to_owned())),
        1..=NEAR_DAYS => Some((Role::Warn, format!("due {days} d"))),
        -99..0 => Some((Role::Error, format!("late {} d", -days))),
        ..0 => Some((Role::Error, "late 99+d".to_owned())),
        _ => None,
    }
}

/// `D-0042 Use one log…   accepted    0.80 ✓`, and the role of its mark.
pub fn line(decision: &Decision, width: usize, scene: &Scene) -> (Line<'static>, Role) {
    let theme = scene.theme;
    let status = if width >= STATUS_FROM { STATUS + 1 } else { 0 };
    let room = width.saturating_sub(NUMBER + END + 1 + status);
    let title = text::cut(&text::escape_line(&decision.title), room).into_owned();
    let said = decision.status.word();
    let (end, role) = match due(decision, scene.now) {
        Some((role, said)) => ([String::new(), text::pad_left(&said, END)], role),
        None => {
            let sure = decision.confidence.map(confidence).unwrap_or_default();
            let role = decision.outcome.as_ref().map_or(Role::Muted, |outcome| mark(outcome.status));
            let glyph = theme.glyph(role);
            (
                [text::pad_left(&sure, END - 2), format!(" {}", if glyph.is_empty() { " " } else { glyph })],
                role,
            )
        }
    };
    let [sure, mark] = end;
    let line = Line::from(vec![
        Span::styled(text::pad(&decision.number.to_string(), NUMBER), theme.style(Role::Kind)),
        Span::styled(text::pad(&title, room + 1), theme.style(Role::Text)),
        Span::styled(text::pad(if status > 0 { said } else { "" }, status), theme.style(Role::Muted)),
        Span::styled(sure, theme.style(Role::Score)),
        Span::styled(mark, theme.style(role)),
    ]);
    (line, role)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Outcome;

    fn decision(review_on: &str, outcome: Option<OutcomeStatus>) -> Decision {
        let mut decision: Decision = serde_json::from_value(serde_json::json!({
            "id": crate::model::Id::NIL, "created_at": "2026-11-21T00:00:00Z",
            "updated_at": "2026-11-21T00:00:00Z", "revision": 1, "number": "D-0042", "title": "Use sled",
            "review_on": review_on,
        }))
        .unwrap();
        decision.outcome = outcome.map(|status| Outcome { status, ..Outcome::default() });
        decision
    }

    #[track_caller]
    fn check(review_on: &str, outcome: Option<OutcomeStatus>, expected: Option<&str>) {
        let now = "2026-11-21T23:30:00Z".parse().unwrap();
        let said = due(&decision(review_on, outcome), now).map(|(_, said)| said);
        assert_eq!(said.as_deref(), expected, "{review_on}");
    }

    #[test]
    fn a_review_is_told_when_it_is_near_or_past_and_the_end_not_known() {
        check("2026-11-21", None, Some("due today"));
        check("2026-11-23", Some(OutcomeStatus::Pending), Some("due 2 d"));
        check("2026-12-05", None, Some("due 14 d"));
        check("2026-12-06", None, None);
        check("2026-11-20", None, Some("late 1 d"));
        check("2020-01-01", None, Some("late 99+d"));
        check("2026-11-20", Some(OutcomeStatus::Failed), None);
    }
}
