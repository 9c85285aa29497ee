//! A decision as Markdown: for who reads or searches it, and for the files it is written to.
//!
//! One set of blocks serves all three. Each block shows certain fields and nothing else, so that two
//! decisions differ in a field exactly where their blocks differ.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::{AdrForm, AdrSection, Decision, DecisionOption, Outcome};

/// What an argument of a list begins with.
const GOOD: &str = "Good, because ";
const BAD: &str = "Bad, because ";
const NEUTRAL: &str = "Neutral, because ";
const REJECTED: &str = "Rejected, because ";
const SCORE: &str = "Score: ";
/// What the choice is said with.
const CHOSEN: &str = "Chosen option: ";
/// The deepest heading of Markdown.
const LEVEL_MAX: usize = 6;

/// Which fields a block shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Context,
    Drivers,
    Constraints,
    Assumptions,
    Options,
    /// The choice and its rationale.
    Choice,
    Consequences,
    /// What speaks for and against each option.
    Arguments,
    Risks,
    Evidence,
    Affects,
    Outcome,
}

impl Part {
    /// In the order of a file.
    pub const ALL: [Part; 12] = [
        Part::Context,
        Part::Drivers,
        Part::Constraints,
        Part::Assumptions,
        Part::Options,
        Part::Choice,
        Part::Consequences,
        Part::Arguments,
        Part::Risks,
        Part::Evidence,
        Part::Affects,
        Part::Outcome,
    ];

    pub fn heading(self, form: AdrForm) -> &'static str {
        match (self, form) {
            (Part::Context, AdrForm::Madr) => "Context and Problem Statement",
            (Part::Context, AdrForm::Nygard) => "Context",
            (Part::Drivers, _) => "Decision Drivers",
            (Part::Constraints, _) => "Constraints",
            (Part::Assumptions, _) => "Assumptions",
            (Part::Options, _) => "Considered Options",
            (Part::Choice, AdrForm::Madr) => "Decision Outcome",
            (Part::Choice, AdrForm::Nygard) => "Decision",
            (Part::Consequences, _) => "Consequences",
            (Part::Arguments, _) => "Pros and Cons of the Options",
            (Part::Risks, _) => "Risks",
            (Part::Evidence, _) => "Evidence",
            (Part::Affects, _) => "Affects",
            (Part::Outcome, _) => "Outcome",
        }
    }
}

/// A part that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub part: Part,
    /// How deep its heading is: in MADR the consequences belong to the choice, where there is one.
    pub level: usize,
    /// Markdown without its heading, with no blank line at either end.
    pub text: String,
}

impl Block {
    /// With its heading.
    pub fn with_heading(&self, form: AdrForm) -> String {
        section(self.level, self.part.heading(form), &self.text)
    }
}

fn section(level: usize, heading: &str, text: &str) -> String {
    format!("{} {heading}\n\n{text}\n", "#".repeat(level))
}

impl Decision {
    /// The decision as a person reads it, without its title, status and dates.
    pub fn text(&self) -> String {
        let form = self.form();
        let blocks = self.blocks(form);
        let (outcome, blocks): (Vec<_>, Vec<_>) =
            blocks.into_iter().partition(|block| block.part == Part::Outcome);
        let kept = self.adr.iter().flat_map(|adr| &adr.sections).filter(|kept| !self.is_of_an_option(kept));
        let people = Some(self.people()).filter(|people| !people.is_empty());
        blocks
            .iter()
            .map(|block| block.with_heading(form))
            .chain(kept.map(|kept| section(2, &kept.heading, &below(&kept.text, 2))))
            .chain(people.map(|people| section(2, "People", &people)))
            .chain(outcome.iter().map(|block| block.with_heading(form)))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The form it came in; else the one that fits: Nygard's has no place for options.
    pub fn form(&self) -> AdrForm {
        match &self.adr {
            Some(adr) => adr.form,
            None if self.options.is_empty() && self.chosen_option.is_none() && self.drivers.is_empty() => {
                AdrForm::Nygard
            }
            None => AdrForm::Madr,
        }
    }

    /// Its parts that say something, in the order of a file.
    pub fn blocks(&self, form: AdrForm) -> Vec<Block> {
        let chosen = !self.part(Part::Choice).is_empty();
        let block = |part: Part| {
            let under = form == AdrForm::Madr && part == Part::Consequences && chosen;
            let level = if under { 3 } else { 2 };
            let text = closed(below(&self.part(part), level));
            (!text.is_empty()).then_some(Block { part, level, text })
        };
        Part::ALL.into_iter().filter_map(block).collect()
    }

    fn part(&self, part: Part) -> String {
        match part {
            Part::Context => self.context.clone(),
            Part::Drivers => list(&self.drivers),
            Part::Constraints => list(&self.constraints),
            Part::Assumptions => list(&self.assumptions),
            Part::Options => list(self.options.iter().map(|option| &option.title)),
            Part::Choice => self.choice(),
            Part::Consequences => self.consequences_text(),
            Part::Arguments => self.arguments(),
            Part::Risks => list(&self.risks),
            Part::Evidence => list(&self.evidence),
            Part::Affects => list(&self.affects),
            Part::Outcome => self.outcome.as_ref().map(outcome).unwrap_or_default(),
        }
    }

    fn choice(&self) -> String {
        let Some(chosen) = &self.chosen_option else { return self.rationale.clone() };
        let quote = if chosen.contains('"') { '\'' } else { '"' };
        let chosen = format!("{CHOSEN}{quote}{chosen}{quote}");
        if self.rationale.is_empty() {
            chosen
        } else if begins_a_block(&self.rationale) {
            format!("{chosen}, because\n\n{}", self.rationale)
        } else {
            format!("{chosen}, because {}", self.rationale)
        }
    }

    /// A list with what each is; one that is not sorted stands as it is.
    fn consequences_text(&self) -> String {
        let all = &self.consequences;
        match (all.good.is_empty() && all.bad.is_empty(), all.neutral.as_slice()) {
            (true, [one]) => one.clone(),
            _ => list(
                argued(GOOD, &all.good).chain(argued(BAD, &all.bad)).chain(argued(NEUTRAL, &all.neutral)),
            ),
        }
    }

    fn arguments(&self) -> String {
        let sections = self.options.iter().filter_map(|option| {
            let prose = self.adr.iter().flat_map(|adr| &adr.sections);
            let prose = prose.filter(|kept| kept.heading == option.title).map(|kept| below(&kept.text, 3));
            let list = Some(arguments(option)).filter(|list| !list.is_empty());
            let text: Vec<String> = prose.chain(list).collect();
            (!text.is_empty()).then(|| format!("### {}\n\n{}", option.title, text.join("\n\n")))
        });
        sections.collect::<Vec<_>>().join("\n\n")
    }

    fn is_of_an_option(&self, kept: &AdrSection) -> bool {
        self.options.iter().any(|option| option.title == kept.heading)
    }

    fn people(&self) -> String {
        let people = [
            ("Decided by", &self.decision_makers),
            ("Consulted", &self.consulted),
            ("Informed", &self.informed),
        ];
        let said = people.into_iter().filter(|(_, names)| !names.is_empty());
        list(said.map(|(what, names)| format!("{what}: {}", names.join(", "))))
    }
}

fn arguments(option: &DecisionOption) -> String {
    let score = option.score.map(|score| format!("{SCORE}{score}"));
    let rejected = option.rejected_because.as_ref().map(|why| format!("{REJECTED}{why}"));
    list(
        argued(GOOD, &option.pros)
            .chain(argued(NEUTRAL, &option.neutral))
            .chain(argued(BAD, &option.cons))
            .chain(score)
            .chain(rejected),
    )
}

fn argued(what: &str, arguments: &[String]) -> impl Iterator<Item = String> {
    arguments.iter().map(move |argument| format!("{what}{argument}"))
}

fn outcome(outcome: &Outcome) -> String {
    let lines = [
        Some(format!("Status: {}", outcome.status.word())),
        outcome.rating.map(|rating| format!("Rating: {rating}")),
        outcome.measured_at.map(|time| format!("Measured: {time}")),
        outcome.by.as_ref().map(|actor| format!("By: {actor}")),
    ];
    let facts = list(lines.into_iter().flatten());
    if outcome.note.is_empty() { facts } else { format!("{facts}\n\n{}", outcome.note) }
}

/// A Markdown list, one entry each; what an entry has more than a line stands under it.
fn list<T: AsRef<str>>(entries: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for entry in entries {
        for (i, line) in entry.as_ref().trim_end().lines().enumerate() {
            let lead = match (i, line.is_empty()) {
                (0, _) => "* ",
                (_, true) => "",
                (_, false) => "  ",
            };
            text.push_str(lead);
            text.push_str(line);
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// A text without blank lines around it; the first line keeps its indent, which means something in Markdown.
pub fn trim_blank(text: &str) -> &str {
    let text = text.trim_end();
    let blank = text.len() - text.trim_start().len();
    &text[text[..blank].rfind('\n').map_or(0, |at| at + 1)..]
}

/// Whether a text cannot stand behind words on their line: a list, code, a quote, a heading.
fn begins_a_block(text: &str) -> bool {
    let first = Parser::new(text).next();
    !matches!(first, Some(Event::Start(Tag::Paragraph)) | None)
}

/// The text with its headings all deeper than `level`, so that they end no section but their own.
fn below(text: &str, level: usize) -> String {
    let headings = headings(text);
    let highest = headings.iter().map(|(level, _)| *level).min().unwrap_or(LEVEL_MAX);
    let deeper = (level + 1).saturating_sub(highest);
    if deeper == 0 {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + headings.len() * deeper);
    let mut at = 0;
    for (level, range) in headings {
        out.push_str(&text[at..range.start]);
        let marks = "#".repeat((level + deeper).min(LEVEL_MAX));
        let heading = &text[range.clone()];
        if heading.starts_with('#') {
            out.push_str(&marks);
            out.push_str(heading.trim_start_matches('#'));
        } else {
            // Underlined: its last line is the line under it.
            let (words, _) = heading.trim_end().rsplit_once('\n').unwrap_or((heading, ""));
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            out.push_str(&format!("{marks} {words}\n"));
        }
        at = range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// The text with its code or comment closed, where it leaves one open: what follows would be inside.
fn closed(text: String) -> String {
    if text.is_empty() || ends(&text) {
        return text;
    }
    let fences = text.lines().rev().map(str::trim_start).filter_map(|line| {
        let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let count = line.chars().take_while(|c| c == &mark).count();
        (count >= 3).then(|| mark.to_string().repeat(count))
    });
    let others = ["-->", "</pre>", "</script>", "</style>", "</textarea>", "?>", "]]>", ">"];
    let closings = fences.chain(others.map(str::to_owned));
    closings.map(|end| format!("{text}\n{end}")).find(|text| ends(text)).unwrap_or(text)
}

/// Whether a heading after it is one.
fn ends(text: &str) -> bool {
    let after = format!("{text}\n\n# x");
    matches!(Parser::new(&after).last(), Some(Event::End(TagEnd::Heading(_))))
}

/// The headings that stand in no list or quote: their level and place.
fn headings(text: &str) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::new();
    let mut depth = 0;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                if let (0, Tag::Heading { level, .. }) = (depth, tag) {
                    found.push((level as usize, range));
                }
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{super::tests::bare, *};
    use crate::model::{Adr, Consequences, OutcomeStatus};

    #[test]
    fn a_decision_reads_as_a_record() {
        let option = DecisionOption {
            title: "sled".into(),
            pros: vec!["it is Rust\nand small".into()],
            cons: vec!["its flush is no fsync".into()],
            rejected_because: None,
            ..DecisionOption::default()
        };
        let other = DecisionOption {
            rejected_because: Some("too new".into()),
            score: Some(0.5),
            ..DecisionOption::titled("redb")
        };
        let decision = Decision {
            context: "We need a store.\n\n# Why now".into(),
            drivers: vec!["speed".into()],
            options: vec![option, other],
            chosen_option: Some("sled".into()),
            rationale: "it is fast.".into(),
            consequences: Consequences {
                good: vec!["no server".into()],
                bad: vec!["a log of our own".into()],
                ..Consequences::default()
            },
            risks: vec!["format".into()],
            decision_makers: vec!["Ada".into(), "Grace".into()],
            outcome: Some(Outcome {
                status: OutcomeStatus::Successful,
                rating: Some(4),
                note: "Held.".into(),
                ..Outcome::default()
            }),
            ..bare()
        };
        assert_eq!(
            decision.text(),
            "## Context and Problem Statement\n\nWe need a store.\n\n### Why now\n\n\
             ## Decision Drivers\n\n* speed\n\n\
             ## Considered Options\n\n* sled\n* redb\n\n\
             ## Decision Outcome\n\nChosen option: \"sled\", because it is fast.\n\n\
             ### Consequences\n\n* Good, because no server\n* Bad, because a log of our own\n\n\
             ## Pros and Cons of the Options\n\n### sled\n\n\
             * Good, because it is Rust\n  and small\n* Bad, because its flush is no fsync\n\n\
             ### redb\n\n* Score: 0.5\n* Rejected, because too new\n\n\
             ## Risks\n\n* format\n\n\
             ## People\n\n* Decided by: Ada, Grace\n\n\
             ## Outcome\n\n* Status: successful\n* Rating: 4\n\nHeld.\n"
        );
    }

    #[test]
    fn prose_reads_as_prose_with_what_no_field_holds() {
        let decision = Decision {
            context: "c".into(),
            rationale: "We will.".into(),
            consequences: Consequences { neutral: vec!["One.\n\nTwo.".into()], ..Consequences::default() },
            adr: Some(Adr {
                form: AdrForm::Nygard,
                file: "0001-x.md".into(),
                source: String::new(),
                sections: vec![AdrSection { heading: "Definitions".into(), text: "# MUST\n\nmust".into() }],
            }),
            ..bare()
        };
        assert_eq!(
            decision.text(),
            "## Context\n\nc\n\n## Decision\n\nWe will.\n\n## Consequences\n\nOne.\n\nTwo.\n\n\
             ## Definitions\n\n### MUST\n\nmust\n"
        );
        assert_eq!(bare().text(), "");
    }

    #[test]
    fn an_indent_stays_and_blank_lines_go() {
        assert_eq!(trim_blank("\n \n    code\n\nx\n \n"), "    code\n\nx");
        assert_eq!(trim_blank(" x "), " x");
        assert_eq!(trim_blank(" \n "), "");
    }

    #[track_caller]
    fn check(text: &str, level: usize, expected: &str) {
        assert_eq!(below(text, level), expected);
    }

    #[test]
    fn headings_inside_are_deeper_than_the_one_above() {
        check("no heading", 2, "no heading");
        check("### fine\n", 2, "### fine\n");
        check("# a\n\n```\n# code\n```\n\n## b", 2, "### a\n\n```\n# code\n```\n\n#### b");
        check("Under\nlined\n---\nx", 2, "### Under lined\nx");
        check("> # quoted\n\n* # listed", 2, "> # quoted\n\n* # listed");
        check("# a\n###### f", 3, "#### a\n###### f");
    }

    #[test]
    fn a_reason_that_is_a_list_stands_by_itself() {
        let decision =
            Decision { chosen_option: Some("a \"b\"".into()), rationale: "* one\n* two".into(), ..bare() };
        assert_eq!(decision.choice(), "Chosen option: 'a \"b\"', because\n\n* one\n* two");
    }
}
