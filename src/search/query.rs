//! The query language: words, `"phrase"`, `-not`, `field:value`, with where each stands in the text.
//!
//! What was typed (this tree) and what it means (`plan`) are two things: nothing here knows the index. Any text parses
//! or gives a fault that names the column; a printed tree parses back to the same tree.

mod field;

use std::{fmt, ops::Range};

pub use self::field::Field;
pub(super) use self::field::nearest;
use crate::model::Fault;

/// Longer queries are refused.
pub const QUERY_BYTES_MAX: usize = 64 << 10;

/// What one part of a query says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    Word(String),
    Phrase(String),
    Field { field: Field, value: String },
}

/// A part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    pub term: Term,
    /// Begins with `-`.
    pub negated: bool,
    /// Bytes of the query's text.
    pub span: Range<usize>,
}

/// A query as it was typed. All clauses hold; words rank.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    pub clauses: Vec<Clause>,
}

/// What is wrong with a query, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// Bytes of the query's text.
    pub span: Range<usize>,
    /// Column of the span's start, in characters from 1.
    pub column: usize,
    pub message: String,
    pub hint: String,
}

impl From<QueryError> for Fault {
    fn from(error: QueryError) -> Fault {
        Fault::invalid(format!("column {}: {}", error.column, error.message)).hint(error.hint)
    }
}

/// Whether the text is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    Whole,
    /// Still being typed: a quote that is open at the end closes there.
    SoFar,
}

impl Query {
    pub fn parse(text: &str, typed: Typed) -> Result<Query, QueryError> {
        let parser = Parser { text, typed };
        if text.len() > QUERY_BYTES_MAX {
            return Err(parser.error(
                0..0,
                format!("the query has {} bytes, at most {QUERY_BYTES_MAX} fit", text.len()),
                "search for the words that matter in it",
            ));
        }
        let mut clauses = Vec::new();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            if c.is_whitespace() {
                at += c.len_utf8();
                continue;
            }
            let clause = parser.clause(at)?;
            at = clause.span.end;
            clauses.push(clause);
        }
        Ok(Query { clauses })
    }

    /// The clauses without their places: what two queries that say the same share.
    pub fn terms(&self) -> impl Iterator<Item = (bool, &Term)> {
        self.clauses.iter().map(|clause| (clause.negated, &clause.term))
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, clause) in self.clauses.iter().enumerate() {
            let space = if i > 0 { " " } else { "" };
            let not = if clause.negated { "-" } else { "" };
            match &clause.term {
                Term::Word(word) => write!(f, "{space}{not}{word}")?,
                Term::Phrase(phrase) => write!(f, "{space}{not}{}", quoted(phrase))?,
                Term::Field { field, value } => {
                    let plain = !value.starts_with('"') && !value.contains(char::is_whitespace);
                    let value = if plain { value.clone() } else { quoted(value) };
                    write!(f, "{space}{not}{}:{value}", field.name())?;
                }
            }
        }
        Ok(())
    }
}

/// In quotes, as a value or phrase is written.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

struct Parser<'t> {
    text: &'t str,
    typed: Typed,
}

impl Parser<'_> {
    fn clause(&self, start: usize) -> Result<Clause, QueryError> {
        let rest = &self.text[start..];
        // `--flag` and a lone `-` are text.
        let negated = rest
            .strip_prefix('-')
            .is_some_and(|rest| rest.chars().next().is_some_and(|c| !c.is_whitespace() && c != '-'));
        let at = start + usize::from(negated);
        if self.text[at..].starts_with('"') {
            let (phrase, end) = self.quoted(at)?;
            return Ok(Clause { term: Term::Phrase(phrase), negated, span: start..end });
        }
        let word = self.word(at);
        if let Some((name, value)) = word.split_once(':')
            && let Some(field) = self.field(at, name, value)?
        {
            let value_at = at + name.len() + 1;
            let (value, end) = if value.starts_with('"') {
                self.quoted(value_at)?
            } else {
                (value.to_owned(), at + word.len())
            };
            self.check_value(start..end, field, &value, negated)?;
            return Ok(Clause { term: Term::Field { field, value }, negated, span: start..end });
        }
        Ok(Clause { term: Term::Word(word.to_owned()), negated, span: start..at + word.len() })
    }

    fn word(&self, at: usize) -> &str {
        let rest = &self.text[at..];
        &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())]
    }

    /// The text in the quotes that open at `start`, and where it ends. `\"` and `\\` are `"` and `\`.
    fn quoted(&self, start: usize) -> Result<(String, usize), QueryError> {
        let mut text = String::new();
        let mut chars = self.text[start + 1..].char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => return Ok((text, start + 1 + at + 1)),
                '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                    Some((_, next)) => text.push(next),
                    None => text.push('\\'),
                },
                c => text.push(c),
            }
        }
        match self.typed {
            Typed::SoFar => Ok((text, self.text.len())),
            Typed::Whole => Err(self.error(
                start..self.text.len(),
                "this quote is not closed".to_owned(),
                "end the phrase with another \"",
            )),
        }
    }

    /// The field that `name:` names; none where it is text with a colon in it.
    fn field(&self, at: usize, name: &str, value: &str) -> Result<Option<Field>, QueryError> {
        if let Some(field) = Field::named(name) {
            return Ok(Some(field));
        }
        let is_code = value.is_empty() || value.starts_with([':', '/', '\\']);
        match Field::near(name).filter(|_| !is_code) {
            None => Ok(None),
            Some(near) => Err(self.error(
                at..at + name.len(),
                format!("there is no field {name}:"),
                &format!(
                    "did you mean {}:? To search for the text, put it in quotes: {}",
                    near.name(),
                    quoted(&format!("{name}:{}", value.trim_matches('"')))
                ),
            )),
        }
    }

    fn check_value(
        &self,
        span: Range<usize>,
        field: Field,
        value: &str,
        negated: bool,
    ) -> Result<(), QueryError> {
        let name = field.name();
        if value.trim().is_empty() {
            return Err(self.error(span, format!("{name}: has no value"), field.example()));
        }
        if negated && field.is_time() {
            let message = format!("-{name}: says nothing");
            return Err(self.error(span, message, "use before: and since: for the two sides of a moment"));
        }
        Ok(())
    }

    fn error(&self, span: Range<usize>, message: String, hint: &str) -> QueryError {
        error_at(self.text, span, message, hint)
    }
}

/// An error at these bytes of a query's text.
pub(super) fn error_at(
    text: &str,
    span: Range<usize>,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> QueryError {
    let column = text[..span.start].chars().count() + 1;
    QueryError { span, column, message: message.into(), hint: hint.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Clauses as `span text`, or the error as `column: message (hint)`.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let seen = match Query::parse(text, Typed::Whole) {
            Ok(query) => query
                .clauses
                .iter()
                .map(|clause| {
                    let not = if clause.negated { "not " } else { "" };
                    match &clause.term {
                        Term::Word(word) => format!("{not}word {word}"),
                        Term::Phrase(phrase) => format!("{not}phrase {phrase}"),
                        Term::Field { field, value } => format!("{not}{} = {value}", field.name()),
                    }
                })
                .collect::<Vec<_>>()
                .join(" · "),
            Err(error) => format!("{}: {} ({})", error.column, error.message, error.hint),
        };
        assert_eq!(seen, expected, "{text}");
    }

    #[test]
    fn the_language_of_the_console() {
        check("why did  deploys fail", "word why · word did · word deploys · word fail");
        check(
            r#"lock "held by" -retry -"two hubs""#,
            "word lock · phrase held by · not word retry · not phrase two hubs",
        );
        check(
            r#"tag:"two words" type:gotcha -tag:old project:a since:"last week" STATUS:archived"#,
            "tag = two words · type = gotcha · not tag = old · project = a · since = last week · status = archived",
        );
        check("", "");
        check("  ", "");
    }

    #[test]
    fn code_paths_and_addresses_are_words() {
        for text in [
            "C++",
            "fs::read_to_string",
            "E0382",
            "a/b/c.rs",
            "http://x:80/y",
            "foo:bar",
            "error:",
            "::",
            "-",
            "--help",
            "tags::x",
            "5\"",
            "C:\\new",
        ] {
            check(text, &format!("word {text}"));
        }
        check("-5 -O2", "not word 5 · not word O2");
    }

    #[test]
    fn what_is_wrong_is_shown_where_it_is() {
        check(
            "lock tgas:old",
            "6: there is no field tgas: (did you mean tag:? To search for the text, put it in quotes: \"tgas:old\")",
        );
        check(
            "ä projct:x",
            "3: there is no field projct: (did you mean project:? To search for the text, put it in quotes: \"projct:x\")",
        );
        check("a \"b c", "3: this quote is not closed (end the phrase with another \")");
        check("tag:", "1: tag: has no value (for example tag:deploy)");
        check(
            "x -since:today",
            "3: -since: says nothing (use before: and since: for the two sides of a moment)",
        );
    }

    #[test]
    fn an_open_quote_is_closed_while_typing() {
        let query = Query::parse("lock \"held b", Typed::SoFar).unwrap();
        assert_eq!(query.clauses[1].term, Term::Phrase("held b".into()));
        assert_eq!(query.clauses[1].span, 5..12);
    }

    proptest! {
        #[test]
        fn any_text_parses_or_errs_inside_itself(
            text in r#"(\PC|[ \t\n"\\:-]|tag:|tgas:|since:|"a b"|id:|-|é){0,20}"#,
            typed in prop::sample::select(vec![Typed::Whole, Typed::SoFar]),
        ) {
            match Query::parse(&text, typed) {
                Err(error) => {
                    prop_assert!(text.get(error.span.clone()).is_some());
                    prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
                }
                Ok(query) => {
                    let mut end = 0;
                    for clause in &query.clauses {
                        prop_assert!(clause.span.start >= end && text.get(clause.span.clone()).is_some());
                        end = clause.span.end;
                    }
                    let printed = query.to_string();
                    let again = Query::parse(&printed, Typed::Whole).unwrap();
                    prop_assert_eq!(again.terms().collect::<Vec<_>>(), query.terms().collect::<Vec<_>>(), "{}", printed);
                    prop_assert_eq!(again.to_string(), printed);
                }
            }
        }
    }
}
