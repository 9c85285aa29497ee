//! Suggestions: completions of the word at the cursor, from what the caller may see and from the language itself.

use std::ops::Range;

use super::{
    Refusal, analysis,
    document::Field as Inverted,
    mask::Mask,
    plan::{Given, Sieve, status_words},
    query::{Field, Query, Typed, quoted},
    rank::{frequent, frequent_in},
    shard::Seat,
};
use crate::{
    door::{SUGGEST_MAX, SuggestAnswer, SuggestRequest, Suggestion},
    model::{Projects, TimeWords},
};

const LIMIT_DEFAULT: usize = 8;
const TIME_WORDS: [&str; 9] =
    ["today", "yesterday", "last week", "last month", "last year", "1h", "3d", "2w", "monday"];

pub(super) fn suggest(
    seats: &[Seat<'_>],
    request: &SuggestRequest,
    wall: &Projects,
    words: TimeWords,
) -> Result<SuggestAnswer, Refusal> {
    let limit = if request.limit == 0 { LIMIT_DEFAULT } else { request.limit.min(SUGGEST_MAX) };
    let text = request.query.as_str();
    let at =
        (0..=request.at.unwrap_or(text.len()).min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    let at = at.unwrap_or_default();
    let mut answer = SuggestAnswer::default();
    let given = Given { text, filter: &request.filter, wall, words, typed: Typed::SoFar, weighted: false };
    // Half a value is not yet a mistake.
    if let Err(error) = Query::parse(text, Typed::SoFar).and_then(|query| super::Plan::of(&query, given))
        && !(error.span.end == at && ends_in_value(&text[..at]))
    {
        answer.fault = Some(error.into());
    }
    // What the wall and the request's filter let through; the query's own words do not narrow completions.
    let sieve = Sieve::of(&Query::default(), Given { text: "", ..given })?;
    let mask = Mask::of(seats, &sieve)?;
    let place = Place { text, at, seats, mask: &mask, limit };
    answer.suggestions = place.suggestions()?;
    answer.suggestions.truncate(limit);
    Ok(answer)
}

/// Whether the cursor is in the value of a field.
fn ends_in_value(before: &str) -> bool {
    word_at(before)
        .1
        .split_once(':')
        .is_some_and(|(name, _)| Field::named(name.trim_start_matches('-')).is_some())
}

/// Where the word at the end of `before` starts, and the word. A quote in it may hold spaces.
fn word_at(before: &str) -> (usize, &str) {
    let mut start = 0;
    let mut quoted = false;
    let mut last = ' ';
    for (i, c) in before.char_indices() {
        if c == '"' && (quoted || last.is_whitespace() || last == ':' || last == '-') {
            quoted = !quoted;
        }
        if c.is_whitespace() && !quoted {
            start = i + c.len_utf8();
        }
        last = c;
    }
    (start, &before[start..])
}

struct Place<'a> {
    text: &'a str,
    /// The cursor.
    at: usize,
    seats: &'a [Seat<'a>],
    mask: &'a Mask,
    limit: usize,
}

impl Place<'_> {
    fn suggestions(&self) -> Result<Vec<Suggestion>, Refusal> {
        let (start, word) = word_at(&self.text[..self.at]);
        let minus = usize::from(word.starts_with('-'));
        let (start, word) = (start + minus, &word[minus..]);
        if let Some((name, value)) = word.split_once(':')
            && let Some(field) = Field::named(name)
        {
            return self.values(field, value, start + name.len() + 1);
        }
        let mut suggestions = Vec::new();
        if !word.is_empty() {
            let lower = word.to_lowercase();
            let fields = Field::ALL.into_iter().filter(|field| field.name().starts_with(&lower));
            suggestions.extend(fields.map(|field| Suggestion {
                text: format!("{}:", field.name()),
                replace: start..self.at,
                kind: "field".to_owned(),
                documents: None,
            }));
        }
        suggestions.extend(self.words(start, word)?);
        Ok(suggestions)
    }

    /// Completions of the last word that can be searched for in `word`, whatever stands before it.
    fn words(&self, start: usize, word: &str) -> Result<Vec<Suggestion>, Refusal> {
        let mut last: Option<(String, Range<usize>)> = None;
        analysis::analyse(word, |token| {
            if token.kind == analysis::Kind::Piece || token.kind == analysis::Kind::Whole {
                let longer = last
                    .as_ref()
                    .is_none_or(|(_, span)| !(span.start <= token.span.start && token.span.end <= span.end));
                if longer {
                    last = Some((token.text.to_owned(), token.span));
                }
            }
        });
        let Some((prefix, span)) = last.filter(|(_, span)| span.end == word.len()) else {
            return Ok(Vec::new());
        };
        let found = frequent(self.seats, self.mask, &prefix, self.limit + 1)?;
        let completions = found.into_iter().filter(|(text, _)| *text != prefix);
        Ok(completions
            .map(|(text, documents)| Suggestion {
                text,
                replace: start + span.start..self.at,
                kind: "word".to_owned(),
                documents: Some(documents),
            })
            .collect())
    }

    fn values(&self, field: Field, value: &str, start: usize) -> Result<Vec<Suggestion>, Refusal> {
        let replace = start..self.at;
        let typed = value.trim_start_matches('"').to_lowercase();
        let suggestion = |text: &str, documents| Suggestion {
            text: if text.contains(char::is_whitespace) { quoted(text) } else { text.to_owned() },
            replace: replace.clone(),
            kind: if field.is_time() { "time" } else { field.name() }.to_owned(),
            documents,
        };
        let letter = match field {
            Field::Tag => "t",
            Field::Type => "k",
            Field::Project => "p",
            Field::Status => {
                let words = status_words().into_iter().chain(["any"]);
                let words = words.filter(|word| word.starts_with(&typed));
                return Ok(words.map(|word| suggestion(word, None)).collect());
            }
            Field::Before | Field::After | Field::Since => {
                let words = TIME_WORDS.into_iter().filter(|word| word.starts_with(&typed));
                return Ok(words.map(|word| suggestion(word, None)).collect());
            }
            Field::Kind => "r",
            Field::By => "a",
            Field::Id | Field::Like => return Ok(Vec::new()),
        };
        let found =
            frequent_in(self.seats, self.mask, Inverted::Facet, &format!("{letter}{typed}"), self.limit)?;
        Ok(found.into_iter().map(|(facet, documents)| suggestion(&facet[1..], Some(documents))).collect())
    }
}
