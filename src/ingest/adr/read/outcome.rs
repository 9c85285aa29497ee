//! The section `Outcome` as it is written here: facts, then words.

use crate::model::{Actor, Outcome, OutcomeStatus, trim_blank};

/// The outcome a section tells; none where it is about something else.
pub fn read(text: &str) -> Option<Outcome> {
    let mut lines = text.split_inclusive('\n');
    let status = OutcomeStatus::parse(lines.next()?.strip_prefix("* Status: ")?)?;
    let mut outcome = Outcome { status, ..Outcome::default() };
    let mut note = String::new();
    for line in lines {
        let known = note.is_empty() && fact(&mut outcome, line.trim_end());
        if !known {
            note.push_str(line);
        }
    }
    outcome.note = trim_blank(&note).to_owned();
    outcome.check().is_ok().then_some(outcome)
}

/// Takes a line that tells a fact not told before.
fn fact(outcome: &mut Outcome, line: &str) -> bool {
    let value = |name: &str| line.strip_prefix("* ")?.strip_prefix(name)?.strip_prefix(": ");
    if let (None, Some(rating)) = (outcome.rating, value("Rating").and_then(|text| text.parse().ok())) {
        outcome.rating = Some(rating);
    } else if let (None, Some(time)) =
        (outcome.measured_at, value("Measured").and_then(|text| text.parse().ok()))
    {
        outcome.measured_at = Some(time);
    } else if let (None, Some(actor)) = (&outcome.by, value("By")) {
        outcome.by = Some(Actor(actor.to_owned()));
    } else {
        return false;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_and_words_are_told_apart() {
        let text = "* Status: in_progress\n* Rating: 4\n* Measured: 2026-11-21T10:00:00Z\n* By: user:ada\n\n* Rating: one\n\nMore.";
        assert_eq!(
            read(text),
            Some(Outcome {
                status: OutcomeStatus::InProgress,
                rating: Some(4),
                measured_at: Some("2026-11-21T10:00:00Z".parse().unwrap()),
                by: Some(Actor("user:ada".into())),
                note: "* Rating: one\n\nMore.".into(),
            })
        );
        assert_eq!(read("* Status: fine"), None);
        assert_eq!(read("It went well."), None);
        assert_eq!(read("* Status: failed\n* Rating: 9"), None);
    }
}
