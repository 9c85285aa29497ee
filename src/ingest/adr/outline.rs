//! A file as its title and sections, each with its place in the text.
//!
//! Headings are found by the Markdown parser, so that a `#` inside code is none.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::{Map, Value};

use super::front::{self, Front};
use crate::model::Part;

/// What a section is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Part(Part),
    /// Consequences that say by their heading what they are.
    Good,
    Bad,
    /// Of Nygard's form.
    Status,
    /// No field is for it.
    Other,
}

impl Role {
    fn of(heading: &str) -> Role {
        let heading = heading.trim().trim_end_matches(':').to_lowercase();
        match heading.as_str() {
            "context and problem statement" | "context" | "problem statement" | "problem" => {
                Role::Part(Part::Context)
            }
            "decision drivers" | "drivers" => Role::Part(Part::Drivers),
            "constraints" => Role::Part(Part::Constraints),
            "assumptions" => Role::Part(Part::Assumptions),
            "considered options"
            | "options considered"
            | "options"
            | "alternatives"
            | "considered alternatives" => Role::Part(Part::Options),
            "decision outcome" | "decision" | "proposal" => Role::Part(Part::Choice),
            "consequences" => Role::Part(Part::Consequences),
            "positive consequences" => Role::Good,
            "negative consequences" => Role::Bad,
            "pros and cons of the options" => Role::Part(Part::Arguments),
            "risks" => Role::Part(Part::Risks),
            "evidence" => Role::Part(Part::Evidence),
            "affects" => Role::Part(Part::Affects),
            "outcome" => Role::Part(Part::Outcome),
            "status" => Role::Status,
            _ => Role::Other,
        }
    }

    /// The fields that its text shows.
    pub fn part(self) -> Option<Part> {
        match self {
            Role::Part(part) => Some(part),
            Role::Good | Role::Bad => Some(Part::Consequences),
            Role::Status | Role::Other => None,
        }
    }
}

/// A heading and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    pub level: usize,
    /// As written, without its marks.
    pub words: String,
    /// With its marks and line end.
    pub at: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub role: Role,
    pub heading: Heading,
    /// All up to the next heading that ends it.
    pub body: Range<usize>,
}

impl Section {
    /// With its heading.
    pub fn all(&self) -> Range<usize> {
        self.heading.at.start..self.body.end
    }
}

/// A whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    pub front: Option<Front>,
    /// The front matter's keys.
    pub keys: Map<String, Value>,
    pub title: Option<Heading>,
    /// Between the title and the first section.
    pub preamble: Range<usize>,
    pub sections: Vec<Section>,
}

impl Outline {
    pub fn of(source: &str) -> Outline {
        let front = front::find(source);
        let keys = front.as_ref().map(|front| front.keys(source)).unwrap_or_default();
        let start = front.as_ref().map_or(0, |front| front.end);
        let mut headings = headings(source, start).into_iter().peekable();
        let title = headings.next_if(|first| first.level == 1);
        let from = title.as_ref().map_or(start, |title| title.at.end);
        let mut sections: Vec<Section> = Vec::new();
        for heading in headings {
            let role = Role::of(&heading.words);
            if !begins_section(&heading, role, sections.last()) {
                continue;
            }
            if let Some(before) = sections.last_mut() {
                before.body.end = heading.at.start;
            }
            let body = heading.at.end..source.len();
            sections.push(Section { role, heading, body });
        }
        once_each(&mut sections);
        let preamble = from..sections.first().map_or(source.len(), |first| first.heading.at.start);
        Outline { front, keys, title, preamble, sections }
    }

    /// The sections that show these fields.
    pub fn of_part(&self, part: Part) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(move |section| section.role.part() == Some(part))
    }

    pub fn status(&self) -> Option<&Section> {
        self.sections.iter().find(|section| section.role == Role::Status)
    }
}

/// Deeper headings belong to the text of their section, but for those of MADR under the choice.
fn begins_section(heading: &Heading, role: Role, last: Option<&Section>) -> bool {
    let Some(last) = last else { return heading.level <= 3 };
    match heading.level {
        1 | 2 => true,
        3 if last.heading.level == 3 => true,
        3 if last.role == Role::Part(Part::Choice) => {
            let words = heading.words.to_lowercase();
            role.part() == Some(Part::Consequences) || words == "confirmation" || words == "validation"
        }
        _ => false,
    }
}

/// The first section of a name is the field's; another one is kept as it is.
fn once_each(sections: &mut [Section]) {
    for i in 1..sections.len() {
        let role = sections[i].role;
        if role != Role::Other && sections[..i].iter().any(|before| before.role == role) {
            sections[i].role = Role::Other;
        }
    }
}

/// Headings that stand in no list or quote, in order.
pub fn headings(source: &str, start: usize) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut depth = 0;
    for (event, range) in Parser::new_ext(&source[start..], Options::empty()).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                if let (0, Tag::Heading { level, .. }) = (depth, tag) {
                    let at = range.start + start..range.end + start;
                    found.push(Heading { level: level as usize, words: words(&source[at.clone()]), at });
                }
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            _ => {}
        }
    }
    found
}

/// A heading's text without `#` or the line under it.
fn words(raw: &str) -> String {
    let raw = raw.trim();
    let text = match raw.strip_prefix('#') {
        Some(_) => raw.trim_start_matches('#').trim_end_matches('#'),
        None => raw.rsplit_once('\n').map_or(raw, |(text, _)| text),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, title: &str, expected: &[(Role, &str)]) {
        let outline = Outline::of(source);
        let found: Vec<_> = outline
            .sections
            .iter()
            .map(|section| (section.role, source[section.body.clone()].trim()))
            .collect();
        assert_eq!((outline.title.unwrap().words.as_str(), found.as_slice()), (title, expected));
    }

    #[test]
    fn sections_are_those_a_reader_sees() {
        let choice = Role::Part(Part::Choice);
        check(
            "---\nstatus: x\n---\n# T\n\n## Context\n\n```\n## Decision\n```\n\n### deeper\n\n> ## quoted\n\n## Decision Outcome\nc\n\n### Why\nw\n\n\
             ### Consequences\nk\n\n### After\na\n",
            "T",
            &[
                (Role::Part(Part::Context), "```\n## Decision\n```\n\n### deeper\n\n> ## quoted"),
                (choice, "c\n\n### Why\nw"),
                (Role::Part(Part::Consequences), "k"),
                (Role::Other, "a"),
            ],
        );
        check(
            "ADR one\n===\n\nStatus\n---\n\nok\n\nDecision\n---\nd\n\n## Decision\nagain",
            "ADR one",
            &[(Role::Status, "ok"), (choice, "d"), (Role::Other, "again")],
        );
    }
}
