//! A file as a decision to be.

mod arguments;
mod choice;
mod outcome;

use serde_json::Value;

use super::{
    blocks::{Piece, pieces},
    front::same_key,
    links::{self, Link},
    outline::{Heading, Outline, Role, Section},
    status,
};
use crate::{
    door::NewDecision,
    ingest::fields,
    model::{
        Adr, AdrForm, AdrSection, DecisionNumber, DecisionOption, DecisionStatus, Part, SOURCE_BYTES_MAX,
        trim_blank,
    },
};

/// What a file says before its first section, where that is more than facts.
const INTRODUCTION: &str = "Introduction";

/// A decision to be, and what its file says besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub new: NewDecision,
    pub links: Vec<Link>,
    /// What was understood otherwise than it is written.
    pub notes: Vec<String>,
}

impl Draft {
    /// The name of its file.
    pub fn file(&self) -> &str {
        self.new.adr.as_ref().map_or("", |adr| &adr.file)
    }
}

/// A file of this name and text as a decision, or why it is none.
pub fn read(source: &str, file: &str) -> Result<Draft, String> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(format!("{} bytes, a record has at most {SOURCE_BYTES_MAX}", source.len()));
    }
    let outline = Outline::of(source);
    if ![Part::Context, Part::Choice].into_iter().any(|part| outline.of_part(part).next().is_some()) {
        return Err("no decision record: it has neither a section Context nor a section Decision".to_owned());
    }
    let mut reader = Reader { source, file, outline: &outline, draft: Draft::empty(), sections: Vec::new() };
    reader.title()?;
    reader.facts();
    reader.sections();
    reader.status();
    reader.introduction();
    reader.links();
    let form = form(&outline);
    let adr = Adr { form, file: file.to_owned(), source: source.to_owned(), sections: reader.sections };
    let mut draft = reader.draft;
    draft.new.adr = Some(adr);
    draft.new.check().map_err(|fault| fault.message)?;
    Ok(draft)
}

/// MADR's has its own headings, or front matter where Nygard's has a section for the status.
fn form(outline: &Outline) -> AdrForm {
    let of_madr = outline.sections.iter().any(|section| {
        let words = section.heading.words.to_lowercase();
        matches!(words.as_str(), "decision outcome" | "considered options" | "context and problem statement")
    });
    if of_madr || (outline.front.is_some() && outline.status().is_none()) {
        AdrForm::Madr
    } else {
        AdrForm::Nygard
    }
}

/// The title of a heading without the number in front of it, and that number.
pub fn title(heading: &Heading) -> (Option<u32>, &str) {
    let words = heading.words.as_str();
    let digits = words.len() - words.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = words.split_at(digits);
    match rest.strip_prefix(['.', ':', ')']).map(str::trim_start) {
        Some(title) if !title.is_empty() => match number.parse() {
            Ok(number) => (Some(number), title),
            Err(_) => (None, words),
        },
        _ => (None, words),
    }
}

/// The number a file's name begins with.
fn number_of_file(file: &str) -> Option<u32> {
    let digits = file.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

impl Draft {
    fn empty() -> Draft {
        Draft { new: NewDecision::default(), links: Vec::new(), notes: Vec::new() }
    }
}

struct Reader<'a> {
    source: &'a str,
    file: &'a str,
    outline: &'a Outline,
    draft: Draft,
    sections: Vec<AdrSection>,
}

impl Reader<'_> {
    fn title(&mut self) -> Result<(), String> {
        let stem = self.file.rsplit_once('.').map_or(self.file, |(stem, _)| stem);
        let (number, title) = self.outline.title.as_ref().map_or((None, stem), title);
        if (title.starts_with('{') && title.ends_with('}')) || title == "TITLE" {
            return Err("a template: its title is a placeholder".to_owned());
        }
        self.draft.new.title = fields::title(title);
        self.draft.new.number = number_of_file(self.file).or(number).map(DecisionNumber);
        Ok(())
    }

    /// What front matter or the lines under the title say.
    fn facts(&mut self) {
        if self.outline.front.as_ref().is_some_and(|front| front.is_odd(self.source)) {
            self.draft.notes.push("its front matter is no YAML: read line by line".to_owned());
        }
        if let Some(date) = self.text_of("date") {
            match date.trim().parse() {
                Ok(time) => self.draft.new.created_at = Some(time),
                Err(_) => self.draft.notes.push(format!("date {date:?} is none: kept as it is")),
            }
        }
        self.draft.new.decision_makers = self.names_of("decision-makers");
        self.draft.new.consulted = self.names_of("consulted");
        self.draft.new.informed = self.names_of("informed");
        self.draft.new.tags = self.names_of("tags");
        self.draft.new.kind = self.text_of("type").unwrap_or_default();
        self.draft.new.category = self.text_of("category").unwrap_or_default();
        self.draft.new.confidence = self.text_of("confidence").and_then(|text| text.trim().parse().ok());
        self.draft.new.review_on = self.text_of("review-on").and_then(|text| text.parse().ok());
        if let Some(Value::Object(metadata)) = self.value_of("metadata") {
            self.draft.new.metadata = metadata.clone();
        }
    }

    fn value_of(&self, key: &str) -> Option<&Value> {
        let found = self.outline.keys.iter().find(|(name, _)| same_key(name, key));
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    }

    fn text_of(&self, key: &str) -> Option<String> {
        let value = match self.value_of(key) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Some(value.to_string()),
            _ => None,
        };
        let said = || fact(self.source, self.outline, key).map(|at| self.source[at].to_owned());
        value.or_else(said).filter(|text| !text.trim().is_empty())
    }

    fn names_of(&self, key: &str) -> Vec<String> {
        let names: Vec<String> = match self.value_of(key) {
            Some(Value::Array(list)) => list
                .iter()
                .map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned))
                .collect(),
            _ => self.text_of(key).unwrap_or_default().split(',').map(str::to_owned).collect(),
        };
        names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
    }

    fn status(&mut self) {
        let said = match self.outline.status() {
            Some(section) => Some(self.body(section)),
            None => self.text_of("status"),
        };
        let said = said.filter(|text| !text.is_empty());
        let found = said.as_deref().and_then(status::parse);
        let decided = self.draft.new.chosen_option.is_some() || !self.draft.new.rationale.is_empty();
        let otherwise =
            if said.is_none() && decided { DecisionStatus::Accepted } else { DecisionStatus::Proposed };
        let status = found.unwrap_or(otherwise);
        self.draft.new.status = Some(status);
        match &said {
            None => self.draft.notes.push(format!("no status: taken as {}", status.word())),
            Some(text) => {
                let first = text.lines().next().unwrap_or_default().trim();
                if !status::is_exact(first, status) {
                    self.draft.notes.push(format!("status {first:?}: taken as {}", status.word()));
                }
                self.draft.links.extend(links::of_status(text));
            }
        }
    }

    fn sections(&mut self) {
        let outline = self.outline;
        // The options first: the choice and the arguments are about them.
        let (first, then): (Vec<&Section>, Vec<&Section>) =
            outline.sections.iter().partition(|section| section.role == Role::Part(Part::Options));
        for section in first.into_iter().chain(then) {
            self.section(section);
        }
    }

    fn section(&mut self, section: &Section) {
        let text = self.body(section);
        let heading = section.heading.words.as_str();
        match section.role {
            Role::Part(Part::Context) => self.draft.new.context = text,
            Role::Part(Part::Drivers) => self.draft.new.drivers = entries(&text),
            Role::Part(Part::Constraints) => self.draft.new.constraints = entries(&text),
            Role::Part(Part::Assumptions) => self.draft.new.assumptions = entries(&text),
            Role::Part(Part::Risks) => self.draft.new.risks = entries(&text),
            Role::Part(Part::Evidence) => self.draft.new.evidence = entries(&text),
            Role::Part(Part::Affects) => self.draft.new.affects = entries(&text),
            Role::Part(Part::Options) => self.options(heading, &text),
            Role::Part(Part::Choice) => self.choice(&text),
            Role::Part(Part::Consequences) => {
                let found = arguments::consequences(&text);
                self.draft.new.consequences.good.extend(found.good);
                self.draft.new.consequences.bad.extend(found.bad);
                self.draft.new.consequences.neutral.extend(found.neutral);
            }
            Role::Good => self.draft.new.consequences.good.extend(arguments::bare(&text)),
            Role::Bad => self.draft.new.consequences.bad.extend(arguments::bare(&text)),
            Role::Part(Part::Arguments) => {
                let kept = arguments::read(&text, &mut self.draft.new.options);
                self.sections.extend(kept);
            }
            Role::Part(Part::Outcome) => match outcome::read(&text) {
                Some(outcome) => self.draft.new.outcome = Some(outcome),
                None => self.keep(heading, text),
            },
            Role::Status => {}
            Role::Other => self.keep(heading, text),
        }
    }

    fn options(&mut self, heading: &str, text: &str) {
        for piece in pieces(text) {
            match piece {
                Piece::Entry(text) => self.option(&text),
                Piece::Prose(text) => self.keep(heading, text),
            }
        }
    }

    /// Its first paragraph on one line is the title; what else its entry has is said of it.
    fn option(&mut self, text: &str) {
        let first = text
            .find("\n\n")
            .or_else(|| text.find("\n* "))
            .or_else(|| text.find("\n- "))
            .unwrap_or(text.len());
        let title = text[..first].split_whitespace().collect::<Vec<_>>().join(" ");
        let more = trim_blank(&text[first..]);
        if !more.is_empty() {
            self.keep(&title, more.to_owned());
        }
        if !self.draft.new.options.iter().any(|option| option.title == title) {
            self.draft.new.options.push(DecisionOption::titled(title));
        }
    }

    fn choice(&mut self, text: &str) {
        let (chosen, rationale) = choice::read(text);
        self.draft.new.rationale = rationale;
        self.draft.new.chosen_option =
            chosen.map(|chosen| choice::option(chosen, &mut self.draft.new.options));
    }

    fn introduction(&mut self) {
        let facts = |line: &&str| fact_of_line(line).is_none_or(|(name, _)| !is_a_fact(name));
        let text = &self.source[self.outline.preamble.clone()];
        let rest: Vec<&str> = text.lines().filter(facts).collect();
        let rest = rest.join("\n");
        if !rest.trim().is_empty() {
            self.keep(INTRODUCTION, trim_blank(&rest).to_owned());
        }
    }

    fn keep(&mut self, heading: &str, text: String) {
        self.sections.push(AdrSection { heading: heading.to_owned(), text });
    }

    fn links(&mut self) {
        let status = self.outline.status().map(Section::all);
        let start = self.outline.front.as_ref().map_or(0, |front| front.end);
        let status = status.unwrap_or(start..start);
        for text in [&self.source[start..status.start.max(start)], &self.source[status.end..]] {
            self.draft.links.extend(links::of_text(text));
        }
    }

    /// A section's text with line ends as they are here.
    fn body(&self, section: &Section) -> String {
        trim_blank(&self.source[section.body.clone()].replace("\r\n", "\n")).to_owned()
    }
}

fn entries(text: &str) -> Vec<String> {
    pieces(text).into_iter().map(Piece::into_text).collect()
}

/// The facts that lines under a title may tell.
const FACTS: [&str; 10] = [
    "status",
    "date",
    "decision-makers",
    "consulted",
    "informed",
    "tags",
    "type",
    "category",
    "confidence",
    "review-on",
];

fn is_a_fact(name: &str) -> bool {
    FACTS.iter().any(|fact| same_key(name, fact))
}

/// `Date: 2017-06-30`, `* Status: accepted`: its name and value.
fn fact_of_line(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let line = line.strip_prefix(['*', '-']).filter(|rest| rest.starts_with(' ')).unwrap_or(line);
    let (name, value) = line.trim_start().split_once(':')?;
    Some((name, value.trim().trim_start_matches("**").trim_start()))
}

/// Where under the title the value of a fact stands.
pub fn fact(source: &str, outline: &Outline, key: &str) -> Option<std::ops::Range<usize>> {
    let text = &source[outline.preamble.clone()];
    let (_, value) = text.lines().filter_map(fact_of_line).find(|(name, _)| same_key(name, key))?;
    let at = value.as_ptr() as usize - source.as_ptr() as usize;
    Some(at..at + value.len())
}
