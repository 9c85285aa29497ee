//! The Timeline's filter: what is typed, and which events it means.
//!
//! `memory.*  severity:error  since:1h  actor:user:ada  "two words"  word`. A word with a dot, `*` or `>` is a subject
//! pattern; as nobody types the project, one that begins with a domain gets `*.` before it and `.>`'s place is kept
//! open at its end. Other words are looked for in type, subject, actor and data, all of them as one text.

use std::ops::Range;

use crate::{
    console::model::{At, Fleet},
    model::{Actor, EventFilter, Pattern, Project, Projects, Severity, TimeWords},
    report::nearest,
};

/// What is wrong with a filter, and the bytes that are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct FilterFault {
    pub at: Range<usize>,
    pub why: String,
}

/// The domains that events of this hub have: a pattern that begins with one is meant under any project.
pub const DOMAINS: [&str; 8] = ["memory", "decision", "job", "search", "source", "health", "breaker", "hub"];

/// What `text` means. While it is typed, a last word that could become a field is not yet one to look for.
pub fn parse(text: &str, words: TimeWords, typing: bool) -> Result<EventFilter, FilterFault> {
    let mut filter = EventFilter::default();
    let mut texts = Vec::new();
    for (span, word) in split(text)? {
        let at = span.start;
        match word.split_once(':') {
            Some((HUB, _)) => {}
            Some((field, value)) if FIELDS.contains(&field) => {
                let place = at + field.len() + 1..span.end.max(at + field.len() + 2);
                let fault = |why: String| FilterFault { at: place.clone(), why };
                if typing && span.end == text.len() && is_begun(field, value) {
                    continue;
                }
                if value.is_empty() {
                    return Err(fault(format!("{field}: needs a value")));
                }
                match field {
                    "severity" => {
                        filter.severity = Some(
                            Severity::ALL
                                .into_iter()
                                .find(|severity| severity.word() == value)
                                .ok_or_else(|| fault("severity is info, warn or error".into()))?,
                        );
                    }
                    "since" => filter.since = Some(time(value, words).map_err(fault)?),
                    "until" => filter.until = Some(time(value, words).map_err(fault)?),
                    "actor" => filter.actor = Some(Actor(value.to_owned())),
                    "project" => filter.projects = Projects::Only(vec![Project::slug(value)]),
                    "correlation" => {
                        filter.correlation =
                            Some(value.parse().map_err(|_| fault("a correlation is a whole id".into()))?);
                    }
                    _ => texts.push(value.to_owned()),
                }
            }
            Some((name, _)) if meant(name).is_some() => {
                let why =
                    format!("no field is called {name}; did you mean {}:?", meant(name).unwrap_or_default());
                return Err(FilterFault { at: at..at + name.len(), why });
            }
            _ if word.contains(['*', '>']) || is_subject(&word) => {
                filter.patterns.push(pattern(&word).map_err(|why| FilterFault { at: span, why })?);
            }
            _ => {
                let last = span.end == text.len();
                if !(typing && last && FIELDS.iter().any(|field| field.starts_with(&word))) {
                    texts.push(word);
                }
            }
        }
    }
    if !texts.is_empty() {
        filter.text = Some(texts.join(" "));
    }
    filter.check().map_err(|error| FilterFault { at: 0..text.len(), why: error.to_string() })?;
    Ok(filter)
}

/// The hub that `hub:NAME` names, where there are several.
pub fn hub(text: &str, fleet: &Fleet, typing: bool) -> Result<Option<At>, FilterFault> {
    let mut found = None;
    for (span, word) in split(text)? {
        let Some(name) = word.strip_prefix(HUB).and_then(|rest| rest.strip_prefix(':')) else { continue };
        let begun = |known: &str| typing && span.end == text.len() && known.starts_with(name);
        found = fleet.named(name);
        if found.is_some() || fleet.each().any(|(_, seat)| begun(&seat.name)) {
            continue;
        }
        let names: Vec<_> = fleet.each().map(|(_, seat)| seat.name.as_str()).collect();
        let why = match (fleet.is_many(), name) {
            (false, _) => "this console has one hub".to_owned(),
            (true, "") => "hub: needs a value".to_owned(),
            (true, name) => format!("no hub is called {name}; there are {}", names.join(", ")),
        };
        let at = span.start + HUB.len() + 1;
        return Err(FilterFault { at: at..span.end.max(at + 1), why });
    }
    Ok(found)
}

/// The field that only a fleet has.
pub const HUB: &str = "hub";

pub const FIELDS: [&str; 7] = ["severity", "since", "until", "actor", "project", "correlation", "text"];

/// Whether a value that is still being typed may become one.
fn is_begun(field: &str, value: &str) -> bool {
    match field {
        "severity" => {
            Severity::ALL.iter().all(|severity| severity.word() != value)
                && Severity::ALL.iter().any(|severity| severity.word().starts_with(value))
        }
        _ => value.is_empty(),
    }
}

/// The field that was meant by a name that is none.
fn meant(name: &str) -> Option<&'static str> {
    let begun = || FIELDS.into_iter().find(|field| name.len() > 1 && field.starts_with(name));
    nearest(name, FIELDS).or_else(begun)
}

fn time(value: &str, words: TimeWords) -> Result<crate::model::Time, String> {
    words.parse(value).map_err(|_| format!("{value:?} is no time: try 1h, 3d, 10:32, yesterday"))
}

pub fn is_subject(word: &str) -> bool {
    word.split_once('.').is_some_and(|(domain, _)| DOMAINS.contains(&domain))
}

fn pattern(word: &str) -> Result<Pattern, String> {
    let first = word.split('.').next().unwrap_or_default();
    let full = if DOMAINS.contains(&first) { format!("*.{word}") } else { word.to_owned() };
    full.parse().map_err(|error: crate::model::SubjectError| error.to_string())
}

/// Words and quoted phrases with where each stands; a field's value may be quoted.
fn split(text: &str) -> Result<Vec<(Range<usize>, String)>, FilterFault> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut start = 0;
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match c {
            '"' if quote.is_some() => quote = None,
            '"' => {
                if word.is_empty() {
                    start = at;
                }
                quote = Some(at);
            }
            c if c.is_whitespace() && quote.is_none() => {
                if !word.is_empty() {
                    words.push((start..at, std::mem::take(&mut word)));
                }
            }
            c => {
                if word.is_empty() && quote.is_none() {
                    start = at;
                }
                word.push(c);
            }
        }
    }
    if let Some(at) = quote {
        return Err(FilterFault { at: at..text.len(), why: "this quote has no end".into() });
    }
    if !word.is_empty() {
        words.push((start..text.len(), word));
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    fn words() -> TimeWords {
        TimeWords { now: Time::from_unix_ms(7_200_000), zone: crate::model::Zone::UTC }
    }

    #[track_caller]
    fn fails(text: &str, wrong: &str, why: &str) {
        let fault = parse(text, words(), false).unwrap_err();
        assert_eq!((text.get(fault.at).unwrap_or_default(), fault.why.as_str()), (wrong, why));
    }

    #[test]
    fn a_filter_reads_as_it_is_typed() {
        let filter =
            parse("memory.* severity:error text:lock since:1h \"two words\"", words(), false).unwrap();
        assert_eq!(
            filter,
            EventFilter {
                patterns: vec!["*.memory.*".parse().unwrap()],
                severity: Some(Severity::Error),
                since: Some(Time::from_unix_ms(3_600_000)),
                text: Some("lock two words".into()),
                ..EventFilter::default()
            }
        );
        assert_eq!(parse("  ", words(), false).unwrap(), EventFilter::default());
        let quoted = parse("since:\"1 hour ago\"", words(), false).unwrap();
        assert_eq!(quoted.since, Some(Time::from_unix_ms(3_600_000)));
        assert_eq!(parse("lock sev", words(), true).unwrap().text.as_deref(), Some("lock"));
        for begun in ["lock since:", "lock severity:", "lock severity:err"] {
            let filter = parse(begun, words(), true).unwrap();
            assert_eq!(
                filter,
                EventFilter { text: Some("lock".into()), ..EventFilter::default() },
                "{begun}"
            );
            assert!(parse(begun, words(), false).is_err(), "{begun}");
        }
        assert_eq!(parse("migrate.sql", words(), false).unwrap().text.as_deref(), Some("migrate.sql"));
        assert_eq!(parse("notes.>", words(), false).unwrap().patterns, ["notes.>".parse().unwrap()]);
    }

    #[test]
    fn a_hub_is_meant_by_its_name() {
        let seats = ["ash", "elm"].map(|name| crate::console::model::Seat::new(name, name));
        let fleet = Fleet::new(seats.into());
        let of = |text, typing| hub(text, &fleet, typing).map_err(|fault| (fault.at, fault.why));
        assert_eq!(of("lock hub:elm", false), Ok(Some(At(1))));
        assert_eq!(of("lock", false), Ok(None));
        assert_eq!(of("hub:e", true), Ok(None), "not yet");
        assert_eq!(of("x hub:oak", false), Err((6..9, "no hub is called oak; there are ash, elm".into())));
        let alone = hub("hub:elm", &Fleet::alone("/srv"), false).unwrap_err();
        assert_eq!(alone.why, "this console has one hub");
        assert_eq!(parse("lock hub:elm", words(), false).unwrap().text.as_deref(), Some("lock"));
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        fails("memory.* severity:bad", "bad", "severity is info, warn or error");
        fails("since:", "", "since: needs a value");
        fails("a \"b", "\"b", "this quote has no end");
        fails("since:soon lock", "soon", "\"soon\" is no time: try 1h, 3d, 10:32, yesterday");
        assert_eq!(parse("x >.a", words(), false).unwrap_err().at, 2..5);
        fails("x sevrity:error", "sevrity", "no field is called sevrity; did you mean severity:?");
        fails("proj:a", "proj", "no field is called proj; did you mean project:?");
        assert_eq!(parse("user:ada", words(), false).unwrap().text.as_deref(), Some("user:ada"));
    }
}
