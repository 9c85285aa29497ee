//! The Timeline's filter: what is typed, and which events it means.
//!
//! `memory.*  severity:error  since:1h  actor:user:ada  "two words"  word`. A word with a dot, `*` or `>` is a subject
//! pattern; as nobody types the project, one that begins with a domain gets `*.` before it and `.>`'s place is kept
//! open at its end. Other words are looked for in type, subject, actor and data, all of them as one text.

use crate::model::{Actor, EventFilter, Pattern, Project, Projects, Severity, TimeWords};

/// What is wrong with a filter, and the byte where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct FilterFault {
    pub at: usize,
    pub why: String,
}

/// The domains that events of this hub have: a pattern that begins with one is meant under any project.
const DOMAINS: [&str; 4] = ["memory", "search", "source", "hub"];

/// What `text` means. While it is typed, a last word that could become a field is not yet one to look for.
pub fn parse(text: &str, words: TimeWords, typing: bool) -> Result<EventFilter, FilterFault> {
    let mut filter = EventFilter::default();
    let mut texts = Vec::new();
    for (at, word) in split(text)? {
        let fault = |at: usize, why: String| FilterFault { at, why };
        match word.split_once(':') {
            Some((field, value)) if FIELDS.contains(&field) => {
                let value_at = at + field.len() + 1;
                if value.is_empty() {
                    return Err(fault(value_at, format!("{field}: needs a value")));
                }
                match field {
                    "severity" => {
                        filter.severity = Some(
                            Severity::ALL
                                .into_iter()
                                .find(|severity| severity.word() == value)
                                .ok_or_else(|| fault(value_at, "severity is info, warn or error".into()))?,
                        );
                    }
                    "since" => filter.since = Some(time(value, value_at, words)?),
                    "until" => filter.until = Some(time(value, value_at, words)?),
                    "actor" => filter.actor = Some(Actor(value.to_owned())),
                    "project" => filter.projects = Projects::Only(vec![Project::slug(value)]),
                    "correlation" => {
                        filter.correlation = Some(
                            value
                                .parse()
                                .map_err(|_| fault(value_at, "a correlation is a whole id".into()))?,
                        );
                    }
                    _ => texts.push(value.to_owned()),
                }
            }
            _ if word.contains(['*', '>']) || is_subject(&word) => {
                filter.patterns.push(pattern(&word).map_err(|why| fault(at, why))?);
            }
            _ => {
                let last = at + word.len() == text.len();
                if !(typing && last && FIELDS.iter().any(|field| field.starts_with(&word))) {
                    texts.push(word);
                }
            }
        }
    }
    if !texts.is_empty() {
        filter.text = Some(texts.join(" "));
    }
    filter.check().map_err(|error| FilterFault { at: 0, why: error.to_string() })?;
    Ok(filter)
}

const FIELDS: [&str; 7] = ["severity", "since", "until", "actor", "project", "correlation", "text"];

fn time(value: &str, at: usize, words: TimeWords) -> Result<crate::model::Time, FilterFault> {
    words
        .parse(value)
        .map_err(|_| FilterFault { at, why: format!("{value:?} is no time: try 1h, 3d, 10:32, yesterday") })
}

fn is_subject(word: &str) -> bool {
    word.split_once('.').is_some_and(|(domain, _)| DOMAINS.contains(&domain))
}

fn pattern(word: &str) -> Result<Pattern, String> {
    let first = word.split('.').next().unwrap_or_default();
    let full = if DOMAINS.contains(&first) { format!("*.{word}") } else { word.to_owned() };
    full.parse().map_err(|error: crate::model::SubjectError| error.to_string())
}

/// Words and quoted phrases with where each begins; a field's value may be quoted.
fn split(text: &str) -> Result<Vec<(usize, String)>, FilterFault> {
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
                    words.push((start, std::mem::take(&mut word)));
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
        return Err(FilterFault { at, why: "this quote has no end".into() });
    }
    if !word.is_empty() {
        words.push((start, word));
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
    fn fails(text: &str, at: usize, why: &str) {
        let fault = parse(text, words(), false).unwrap_err();
        assert_eq!((fault.at, fault.why.as_str()), (at, why));
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
        assert_eq!(parse("migrate.sql", words(), false).unwrap().text.as_deref(), Some("migrate.sql"));
        assert_eq!(parse("notes.>", words(), false).unwrap().patterns, ["notes.>".parse().unwrap()]);
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        fails("memory.* severity:bad", 18, "severity is info, warn or error");
        fails("since:", 6, "since: needs a value");
        fails("a \"b", 2, "this quote has no end");
        fails("since:soon", 6, "\"soon\" is no time: try 1h, 3d, 10:32, yesterday");
        assert_eq!(parse("x >.a", words(), false).unwrap_err().at, 2);
    }
}
