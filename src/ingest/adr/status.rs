//! The status of a record as people write it.

use crate::model::DecisionStatus;

/// The first words that say it, and what they mean here.
const WORDS: [(&str, DecisionStatus); 29] = [
    ("draft", DecisionStatus::Draft),
    ("wip", DecisionStatus::Draft),
    ("work in progress", DecisionStatus::Draft),
    ("proposed", DecisionStatus::Proposed),
    ("proposal", DecisionStatus::Proposed),
    ("pending", DecisionStatus::Proposed),
    ("in review", DecisionStatus::Proposed),
    ("under review", DecisionStatus::Proposed),
    ("on hold", DecisionStatus::Proposed),
    ("rfc", DecisionStatus::Proposed),
    ("open", DecisionStatus::Proposed),
    ("accepted", DecisionStatus::Accepted),
    ("approved", DecisionStatus::Accepted),
    ("adopted", DecisionStatus::Accepted),
    ("agreed", DecisionStatus::Accepted),
    ("decided", DecisionStatus::Accepted),
    ("active", DecisionStatus::Accepted),
    // What stands in part stands.
    ("partly", DecisionStatus::Accepted),
    ("partially", DecisionStatus::Accepted),
    ("amended", DecisionStatus::Accepted),
    ("rejected", DecisionStatus::Rejected),
    ("declined", DecisionStatus::Rejected),
    ("implemented", DecisionStatus::Implemented),
    ("done", DecisionStatus::Implemented),
    ("validated", DecisionStatus::Validated),
    ("deprecated", DecisionStatus::Deprecated),
    ("superseded", DecisionStatus::Superseded),
    ("superceded", DecisionStatus::Superseded),
    ("replaced", DecisionStatus::Superseded),
];

/// The status a text begins with.
pub fn parse(text: &str) -> Option<DecisionStatus> {
    let text = text.trim().trim_start_matches(['*', '_', '[', '"', '\'']).to_lowercase();
    let begins = |word: &str| {
        text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    };
    WORDS.into_iter().find(|(word, _)| begins(word)).map(|(_, status)| status)
}

/// Whether the words say no more than the status does.
pub fn is_exact(text: &str, status: DecisionStatus) -> bool {
    let text = text.trim().to_lowercase();
    text == status.word() || (status == DecisionStatus::Superseded && text.starts_with("supers"))
}

/// With a capital, as Nygard's form has it.
pub fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, status: Option<DecisionStatus>) {
        assert_eq!(parse(text), status, "{text}");
    }

    #[test]
    fn statuses_are_read_as_people_write_them() {
        check("Accepted", Some(DecisionStatus::Accepted));
        check("**Approved** in May", Some(DecisionStatus::Accepted));
        check("Pending", Some(DecisionStatus::Proposed));
        check("on hold", Some(DecisionStatus::Proposed));
        check("Partly superseded", Some(DecisionStatus::Accepted));
        check("Superceded by [2](0002.md)", Some(DecisionStatus::Superseded));
        check("superseded by ADR-0123", Some(DecisionStatus::Superseded));
        check("Opened", None);
        check("", None);
        for status in DecisionStatus::ALL {
            check(status.word(), Some(status));
            assert!(is_exact(&capital(status.word()), status));
        }
        assert!(!is_exact("Pending", DecisionStatus::Proposed));
    }
}
