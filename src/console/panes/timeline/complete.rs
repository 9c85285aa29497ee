//! What a filter or a time could go on with: fields, their values, and the names that occur in what has been seen.

use std::{collections::BTreeSet, ops::Range};

use super::{
    super::super::{effect::Ask, model::Fleet, scene::Out, widgets::line::Line},
    filter::{DOMAINS, FIELDS, HUB, is_subject},
};
use crate::{
    door::Suggestion,
    model::{Event, Id, Severity},
};

/// Names of one sort that are remembered; a hub with more has names nobody could pick from a list.
const NAMES_MAX: usize = 500;
/// Completions that are offered at once.
const OFFERED_MAX: usize = 8;

const HUB_FIELD: [&str; 1] = [HUB];

const MOMENTS: [&str; 8] = ["10m", "1h", "6h", "1d", "7d", "today", "yesterday", "\"last week\""];
const MOMENT_WORDS: [&str; 13] = [
    "now",
    "today",
    "yesterday",
    "noon",
    "midnight",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "last week",
];

/// What could stand in the place of a part of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    pub text: String,
    pub replace: Range<usize>,
}

#[derive(Debug, Default)]
pub struct Names {
    kinds: BTreeSet<String>,
    projects: BTreeSet<String>,
    actors: BTreeSet<String>,
    /// Where there are several.
    hubs: Vec<String>,
    offered: Vec<Completion>,
}

fn note(names: &mut BTreeSet<String>, name: &str) {
    if names.len() < NAMES_MAX && !names.contains(name) {
        names.insert(name.to_owned());
    }
}

impl Names {
    pub fn learn<'a>(&mut self, events: impl Iterator<Item = &'a std::sync::Arc<Event>>) {
        for event in events {
            note(&mut self.kinds, &event.kind);
            note(&mut self.projects, event.subject.project());
            note(&mut self.actors, &event.actor.0);
        }
    }

    pub fn learn_kinds<'a>(&mut self, kinds: impl Iterator<Item = &'a String>) {
        kinds.for_each(|kind| note(&mut self.kinds, kind));
    }

    pub fn hubs_are(&mut self, fleet: &Fleet) {
        let many = fleet.each().filter(|_| fleet.is_many());
        self.hubs = many.map(|(_, seat)| seat.name.clone()).collect();
    }

    /// The hub knows projects of which no event was seen here.
    pub fn ask(&self, out: &mut Out) {
        out.ask(Ask::Projects);
    }

    pub fn projects_came(&mut self, suggestions: &[Suggestion]) {
        for suggestion in suggestions {
            note(&mut self.projects, suggestion.text.trim_start_matches("project:"));
        }
    }

    pub fn offered(&self) -> &[Completion] {
        &self.offered
    }

    pub fn first(&self) -> Option<&Completion> {
        self.offered.first()
    }

    pub fn close(&mut self) {
        self.offered.clear();
    }

    /// For the word before the cursor. Nothing for an empty one: the line's placeholder says what there is.
    pub fn suggest(&mut self, line: &Line, correlation: Option<Id>) {
        let (start, word) = word_before(line);
        let whole = start..line.at();
        self.offered.clear();
        if word.is_empty() {
            return;
        }
        let offers: Vec<(String, Range<usize>)> = match word.split_once(':') {
            Some((field, typed)) => {
                let value = start + field.len() + 1..line.at();
                let values = self.values(field, correlation);
                beginning(values, typed.trim_start_matches('"')).map(|text| (text, value.clone())).collect()
            }
            None => {
                let hub = HUB_FIELD.iter().filter(|_| !self.hubs.is_empty());
                let fields = FIELDS.iter().chain(hub).map(|field| format!("{field}:"));
                let patterns = DOMAINS.iter().map(|domain| format!("{domain}.*"));
                let words = beginning(fields.chain(patterns).collect(), word);
                let kinds = beginning(self.kinds.iter().cloned().collect(), word);
                // A type of a domain that is not known by heart is a subject with any project before it.
                let kinds = kinds.map(|kind| if is_subject(&kind) { kind } else { format!("*.{kind}") });
                words.chain(kinds).map(|text| (text, whole.clone())).collect()
            }
        };
        self.offer(offers, line);
    }

    /// For the last word of a moment.
    pub fn suggest_moment(&mut self, line: &Line) {
        let (start, word) = word_before(line);
        let whole = start..line.at();
        self.offered.clear();
        if !word.is_empty() {
            let words = MOMENT_WORDS.iter().map(|word| (*word).to_owned()).collect();
            let offers = beginning(words, word).map(|text| (text, whole.clone())).collect();
            self.offer(offers, line);
        }
    }

    fn offer(&mut self, offers: Vec<(String, Range<usize>)>, line: &Line) {
        let offers = offers.into_iter().map(|(text, replace)| Completion { text, replace });
        let news = |offer: &Completion| line.text().get(offer.replace.clone()) != Some(&offer.text);
        self.offered = offers.into_iter().filter(news).take(OFFERED_MAX).collect();
    }

    fn values(&self, field: &str, correlation: Option<Id>) -> Vec<String> {
        match field {
            "severity" => Severity::ALL.iter().rev().map(|severity| severity.word().to_owned()).collect(),
            "since" | "until" => MOMENTS.iter().map(|moment| (*moment).to_owned()).collect(),
            "project" => self.projects.iter().cloned().collect(),
            "actor" => self.actors.iter().map(|actor| quoted(actor)).collect(),
            HUB => self.hubs.clone(),
            "correlation" => correlation.iter().map(Id::to_string).collect(),
            _ => Vec::new(),
        }
    }
}

fn quoted(value: &str) -> String {
    if value.contains(char::is_whitespace) { format!("\"{value}\"") } else { value.to_owned() }
}

fn beginning(words: Vec<String>, typed: &str) -> impl Iterator<Item = String> {
    let typed = typed.to_lowercase();
    words.into_iter().filter(move |word| word.trim_start_matches('"').to_lowercase().starts_with(&typed))
}

/// The word that ends at the cursor; one in quotes has spaces.
fn word_before(line: &Line) -> (usize, &str) {
    let text = &line.text()[..line.at()];
    let mut start = 0;
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => start = at + c.len_utf8(),
            _ => {}
        }
    }
    (start, &text[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(text: &str) -> Vec<String> {
        let mut names = Names::default();
        for kind in ["memory.saved", "deploy.failed"] {
            note(&mut names.kinds, kind);
        }
        note(&mut names.projects, "harbour");
        note(&mut names.actors, "user:ada");
        let line = Line::new(text);
        names.suggest(&line, Some(Id::NIL));
        let completed = names.offered().iter().map(|offer| {
            let mut line = line.clone();
            line.replace(offer.replace.clone(), &offer.text);
            line.text().to_owned()
        });
        completed.collect()
    }

    #[test]
    fn a_word_goes_on_as_a_field_a_value_or_a_type_that_occurs() {
        assert_eq!(offered(""), [""; 0]);
        assert_eq!(offered("sev"), ["severity:"]);
        assert_eq!(offered("lock severity:e"), ["lock severity:error"]);
        assert_eq!(offered("severity:"), ["severity:error", "severity:warn", "severity:info"]);
        assert_eq!(offered("mem"), ["memory.*", "memory.saved"]);
        assert_eq!(offered("deploy.f"), ["*.deploy.failed"]);
        assert_eq!(offered("project:H"), ["project:harbour"]);
        assert_eq!(offered("actor:user"), ["actor:user:ada"]);
        assert_eq!(offered("since:\"last"), ["since:\"last week\""]);
        assert_eq!(offered(&format!("correlation:{}", Id::NIL)), [""; 0], "it is whole");
    }

    #[test]
    fn a_moment_goes_on_as_a_word_for_one() {
        let mut names = Names::default();
        names.suggest_moment(&Line::new("yes"));
        assert_eq!(names.first().map(|first| first.text.as_str()), Some("yesterday"));
    }
}
