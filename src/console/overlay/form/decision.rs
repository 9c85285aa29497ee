//! A decision as typed: what its fields mean, and which of them is wrong.

use super::{Field, Form};
use crate::{
    console::effect::{Ask, DecisionsFor},
    console::scene::Out,
    door::{DecisionPage, DecisionsRequest, NewDecision, NewOutcome},
    model::{Date, DecisionFilter, DecisionOption, Fault, OutcomeStatus, RATING_MAX, Time, TimeWords},
};

/// Words of the title that similar decisions are asked for by, and how long one has to be to mean something.
const WORDS_MAX: usize = 2;
const WORD_MIN: usize = 4;
/// Decisions asked for by a word.
const BY_WORD_MAX: usize = 20;

/// Options as they are typed: a title a line, below it `+` what speaks for it and `-` what against.
pub fn options(text: &str) -> Result<Vec<DecisionOption>, String> {
    let mut options: Vec<DecisionOption> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let argument = ['+', '-'].into_iter().find_map(|sign| Some((sign, line.strip_prefix(sign)?.trim())));
        match (argument, options.last_mut()) {
            (None, _) => options.push(DecisionOption::titled(line)),
            (Some((_, "")), _) => {}
            (Some(_), None) => return Err("name an option above what speaks for or against it".to_owned()),
            (Some(('+', said)), Some(option)) => option.pros.push(said.to_owned()),
            (Some((_, said)), Some(option)) => option.cons.push(said.to_owned()),
        }
    }
    Ok(options)
}

/// `0.8`, `.8`, `80 %`
fn confidence(text: &str) -> Result<Option<f64>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |number| (number.trim_end(), 100.0));
    let number: f64 =
        number.replace(',', ".").parse().map_err(|_| "a number from 0 to 1, or 80 %".to_owned())?;
    Ok(Some(number / whole))
}

/// A day, or a span from now on.
fn review(text: &str, words: TimeWords) -> Result<Option<Date>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(day) = text.parse() {
        return Ok(Some(day));
    }
    let unreadable = || "a day as 2026-12-01, or a span as 3 weeks or 6 months".to_owned();
    let span = text.strip_prefix("in ").unwrap_or(text);
    // Spans are read as back from now; a review lies as far ahead.
    let is_span = span.starts_with(|c: char| c.is_ascii_digit())
        && span.ends_with(|c: char| c.is_ascii_alphabetic())
        && !["am", "pm"].iter().any(|half| span.to_ascii_lowercase().ends_with(half));
    let back = is_span.then(|| words.parse(span).ok()).flatten().filter(|then| *then <= words.now);
    let ahead = back.map(|then| words.now.plus(words.now.since(then)));
    ahead.map(|time| Some(day_of(time, words))).ok_or_else(unreadable)
}

/// The day where the person is.
fn day_of(time: Time, words: TimeWords) -> Date {
    let day = time.at(words.zone).format("%Y-%m-%d").to_string();
    day.parse().unwrap_or(Date::of(time))
}

/// Which field a fault of [`NewDecision::check`] is about: it names it first.
fn field_of(message: &str) -> Field {
    let first = message.split([' ', '[', '.']).next().unwrap_or_default();
    match first {
        "title" => Field::Title,
        "context" => Field::Context,
        "rationale" => Field::Rationale,
        "confidence" => Field::Confidence,
        "chosen_option" => Field::Chosen,
        "options" => Field::Options,
        _ if message.contains("tag") => Field::Tags,
        _ if message.contains("option") => Field::Options,
        _ => Field::Title,
    }
}

impl Form {
    /// What is typed, or the field that cannot be meant.
    pub(super) fn decision(&self, words: TimeWords) -> Result<NewDecision, (Field, String)> {
        let said = |field: Field| self.text_of(field).trim().to_owned();
        let at = |field: Field| move |why: String| (field, why);
        Ok(NewDecision {
            title: said(Field::Title),
            context: said(Field::Context),
            options: options(&self.text_of(Field::Options)).map_err(at(Field::Options))?,
            chosen_option: Some(said(Field::Chosen)).filter(|chosen| !chosen.is_empty()),
            rationale: said(Field::Rationale),
            confidence: confidence(&said(Field::Confidence)).map_err(at(Field::Confidence))?,
            tags: self.tags(),
            review_on: review(&said(Field::Review), words).map_err(at(Field::Review))?,
            project: self.project(),
            ..NewDecision::default()
        })
    }

    /// What is wrong with it, and where. An empty title is not wrong before saving is tried.
    pub(super) fn decision_problem(&self, words: TimeWords) -> Option<(Field, String)> {
        let new = match self.decision(words) {
            Ok(new) => new,
            Err(problem) => return Some(problem),
        };
        let untitled = new.title.is_empty() && !self.tried;
        let checked = if untitled { NewDecision { title: "?".into(), ..new }.check() } else { new.check() };
        let fault = checked.err()?;
        let hint = fault.hint.map_or(String::new(), |hint| format!(" · {hint}"));
        Some((field_of(&fault.message), format!("{}{hint}", fault.message)))
    }

    pub(super) fn outcome(&self) -> Result<NewOutcome, (Field, String)> {
        let rating = self.text_of(Field::Rating);
        let rating = match rating.trim() {
            "" => None,
            typed => {
                let rating = typed.parse().ok().filter(|rating| (1..=RATING_MAX).contains(rating));
                Some(rating.ok_or((Field::Rating, format!("a number from 1 to {RATING_MAX}")))?)
            }
        };
        let status = OutcomeStatus::parse(&self.text_of(Field::Status)).unwrap_or_default();
        let note = self.text_of(Field::Note).trim().to_owned();
        Ok(NewOutcome { status, rating, note, measured_at: None })
    }

    /// Former decisions with the title's longest words in them, asked for once it rests.
    pub(super) fn ask_similar(&mut self, out: &mut Out) {
        let words = self.telling_words();
        if words == self.similar_words {
            return;
        }
        self.similar_words.clone_from(&words);
        self.similar_asked += 1;
        if words.is_empty() {
            self.similar.clear();
        }
        for word in words {
            let filter = DecisionFilter { text: Some(word), any_status: true, ..DecisionFilter::default() };
            let request = DecisionsRequest { filter, limit: BY_WORD_MAX, ..DecisionsRequest::default() };
            out.ask(Ask::Decisions {
                what: DecisionsFor::Similar { generation: self.similar_asked },
                request,
            });
        }
    }

    fn telling_words(&self) -> Vec<String> {
        let title = self.text_of(Field::Title).to_lowercase();
        let mut words: Vec<String> = title
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.chars().count() >= WORD_MIN)
            .map(str::to_owned)
            .collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
        words.dedup();
        words.truncate(WORDS_MAX);
        words
    }

    /// Those that say more of the words stand first, and among them the newer one.
    pub fn similar_came(&mut self, generation: u64, result: Result<DecisionPage, Fault>) {
        if generation != self.similar_asked {
            return;
        }
        if self.similar_shown != generation {
            self.similar_shown = generation;
            self.similar.clear();
        }
        // That it cannot be said now is no matter while writing.
        for decision in result.map_or(Vec::new(), |page| page.decisions) {
            match self.similar.iter_mut().find(|(known, _)| known.id == decision.id) {
                Some((_, words)) => *words += 1,
                None => self.similar.push((decision, 1)),
            }
        }
        self.similar.sort_by_key(|(decision, words)| std::cmp::Reverse((*words, decision.updated_at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Zone;

    #[test]
    fn options_are_lines_with_what_speaks_for_and_against_below() {
        let read = options("sled\n  + pure Rust\n - beta\n\nSQLite\n+ known\n+\n- C\n").unwrap();
        let sled = DecisionOption {
            pros: vec!["pure Rust".into()],
            cons: vec!["beta".into()],
            ..DecisionOption::titled("sled")
        };
        let sqlite = DecisionOption {
            pros: vec!["known".into()],
            cons: vec!["C".into()],
            ..DecisionOption::titled("SQLite")
        };
        assert_eq!(read, [sled, sqlite]);
        assert_eq!(options(" \n"), Ok(vec![]));
        assert!(options("+ fast\nsled").is_err(), "of which option?");
    }

    #[test]
    fn a_confidence_is_a_share_or_a_percentage() {
        for text in ["0.8", ".8", "0,8", "80%", "80 %"] {
            assert_eq!(confidence(text), Ok(Some(0.8)), "{text}");
        }
        assert_eq!(confidence(" "), Ok(None));
        assert!(confidence("high").is_err());
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let words = TimeWords { now: "2026-11-21T14:00:00Z".parse().unwrap(), zone: Zone::UTC };
        let day = review(text, words).ok().flatten().map(|day| day.to_string());
        assert_eq!(day.as_deref(), expected, "{text}");
    }

    #[test]
    fn a_review_is_a_day_or_lies_a_span_ahead() {
        check("2026-12-01", Some("2026-12-01"));
        check("3 weeks", Some("2026-12-12"));
        check("in 10d", Some("2026-12-01"));
        check("soon", None);
        // A moment behind is no day ahead.
        check("9:30am", None);
        check("yesterday", None);
    }

    #[test]
    fn a_fault_is_shown_at_its_field() {
        assert_eq!(field_of("chosen_option \"x\" is none of the options"), Field::Chosen);
        assert_eq!(field_of("options[1] is \"a\" again"), Field::Options);
        assert_eq!(field_of("options[0].title is empty"), Field::Options);
        assert_eq!(field_of("33 options, at most 32 fit"), Field::Options);
        assert_eq!(field_of("33 tags, at most 32 fit"), Field::Tags);
        assert_eq!(field_of("confidence is 2, it goes from 0 to 1"), Field::Confidence);
    }
}
