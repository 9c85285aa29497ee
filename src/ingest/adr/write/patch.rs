//! A file with what has changed since it was read: each changed field at its place, every other byte as it was.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag};

use super::{AdrNames, facts, place, status_text};
use crate::{
    ingest::adr::{
        blocks::{Piece, pieces},
        front,
        links::Relation,
        outline::{Outline, Role, Section, headings},
        read::{self, Draft, fact, title},
    },
    model::{AdrForm, Block, Decision, DecisionStatus, Part, trim_blank},
};

/// The file with the decision's changes; none when it does not read as a record.
pub fn patched(decision: &Decision, source: &str, file: &str, names: &AdrNames) -> Option<String> {
    let draft = read::read(source, file).ok()?;
    let before = before(decision, &draft);
    let form = before.form();
    let outline = Outline::of(source);
    let mut edits = Edits { source, outline: &outline, form, list: Vec::new(), keys: Vec::new() };
    if before.title != decision.title {
        edits.title(&decision.title);
    }
    if says_otherwise(&before, decision, &draft, names) {
        edits.status(&status_text(decision, names, form));
    }
    edits.facts(&facts(&before), &facts(decision));
    edits.blocks(&before.blocks(form), &decision.blocks(form));
    Some(edits.apply())
}

/// The decision as its file has it.
fn before(decision: &Decision, draft: &Draft) -> Decision {
    let Decision { id, number, correlation_id, created_at, .. } = *decision;
    draft.new.clone().into_decision(
        id,
        number,
        decision.origin.clone(),
        correlation_id,
        Vec::new(),
        created_at,
    )
}

/// Whether the status is another one, or is that of a decision whose successor the file does not name.
fn says_otherwise(before: &Decision, now: &Decision, draft: &Draft, names: &AdrNames) -> bool {
    let named = draft.links.iter().any(|link| link.relation == Relation::SupersededBy);
    let successor = now.superseded_by.is_some_and(|by| names.file(by).is_some());
    before.status != now.status || (now.status == DecisionStatus::Superseded && successor && !named)
}

struct Edits<'a> {
    source: &'a str,
    outline: &'a Outline,
    form: AdrForm,
    list: Vec<(Range<usize>, String)>,
    /// Lines for front matter.
    keys: Vec<String>,
}

impl Edits<'_> {
    fn title(&mut self, new: &str) {
        match &self.outline.title {
            None => self.list.push((self.start()..self.start(), format!("# {new}\n\n"))),
            Some(heading) => {
                let (number, _) = title(heading);
                let number = number.map(|number| format!("{number}. ")).unwrap_or_default();
                self.list.push((heading.at.clone(), format!("# {number}{new}\n")));
            }
        }
    }

    /// Where the body begins.
    fn start(&self) -> usize {
        self.outline.front.as_ref().map_or(0, |front| front.end)
    }

    /// In its place: Nygard's section, the front matter's key or the line under the title.
    fn status(&mut self, text: &str) {
        if let Some(section) = self.outline.status() {
            return self.status_line(section, text);
        }
        let has_key = self.outline.front.as_ref().is_some_and(|at| at.entry(self.source, "status").is_some());
        match fact(self.source, self.outline, "status") {
            Some(at) if !has_key => self.list.push((at, text.to_owned())),
            _ if has_key || self.form == AdrForm::Madr => self.key("status", Some(&front::text(text))),
            _ => {
                let at = self.behind(0);
                self.insert(at, &format!("## Status\n\n{text}\n"));
            }
        }
    }

    /// The first line of the section; what stands under it is about other things.
    fn status_line(&mut self, section: &Section, text: &str) {
        let body = &self.source[section.body.clone()];
        let blank = body.len() - body.trim_start().len();
        if blank == body.len() {
            return self.body(section, text);
        }
        let from = section.body.start + blank;
        let words = matches!(Parser::new(&body[blank..]).next(), Some(Event::Start(Tag::Paragraph)));
        if words {
            let line = body[blank..].lines().next().unwrap_or_default().trim_end();
            self.list.push((from..from + line.len(), text.to_owned()));
        } else {
            self.list.push((from..from, format!("{text}\n\n")));
        }
    }

    fn facts(&mut self, before: &[(&'static str, String)], now: &[(&'static str, String)]) {
        let value = |facts: &[(&'static str, String)], key: &str| {
            facts.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
        };
        for (key, old) in before {
            let new = value(now, key);
            if new.as_ref() != Some(old) {
                self.fact(key, new.as_deref());
            }
        }
        for (key, new) in now.iter().filter(|(key, _)| value(before, key).is_none()) {
            self.fact(key, Some(new));
        }
    }

    fn fact(&mut self, key: &str, value: Option<&str>) {
        let has_key = self.outline.front.as_ref().is_some_and(|at| at.entry(self.source, key).is_some());
        match fact(self.source, self.outline, key) {
            Some(at) if !has_key => self.list.push((at, value.unwrap_or_default().to_owned())),
            _ => self.key(key, value),
        }
    }

    /// A key of the front matter: written anew, taken out, or put behind the others.
    fn key(&mut self, key: &str, value: Option<&str>) {
        let entry = self.outline.front.as_ref().and_then(|front| front.entry(self.source, key));
        match (entry, value) {
            (Some(at), Some(value)) => {
                let name = self.source[at.clone()].split(':').next().unwrap_or(key).to_owned();
                self.list.push((at, front::line(&name, value)));
            }
            (Some(at), None) => self.list.push((at, String::new())),
            (None, Some(value)) => self.keys.push(front::line(key, value)),
            (None, None) => {}
        }
    }

    fn blocks(&mut self, before: &[Block], now: &[Block]) {
        let text = |blocks: &[Block], part: Part| {
            blocks.iter().find(|block| block.part == part).map(|block| block.text.clone())
        };
        for part in Part::ALL {
            let new = text(now, part);
            if new != text(before, part) {
                self.part(part, new);
            }
        }
    }

    fn part(&mut self, part: Part, text: Option<String>) {
        let outline = self.outline;
        let mut sections = outline.of_part(part);
        match (sections.next(), text) {
            (Some(first), Some(text)) => {
                let kept = kept(part, &self.source[first.body.clone()].replace("\r\n", "\n"));
                let all: Vec<String> = kept.into_iter().chain([text]).collect();
                self.body(first, &all.join("\n\n"));
            }
            (Some(first), None) => self.remove(first),
            (None, Some(text)) => {
                let before =
                    |section: &Section| section.role.part().is_some_and(|other| place(other) < place(part));
                let count = outline.sections.iter().rposition(before).map_or(0, |last| last + 1);
                let under = count > 0 && is_under(&outline.sections[count - 1]);
                let (at, level) = match (part, self.form) {
                    (Part::Consequences, AdrForm::Madr) if under => (outline.sections[count - 1].body.end, 3),
                    _ => (self.behind(count), 2),
                };
                self.insert(at, &Block { part, level, text }.with_heading(self.form));
            }
            (None, None) => {}
        }
        sections.for_each(|section| self.remove(section));
    }

    fn body(&mut self, section: &Section, text: &str) {
        let last = section.body.end == self.source.len();
        let end = if last { "" } else { "\n" };
        self.list.push((section.body.clone(), format!("\n{text}\n{end}")));
    }

    /// Takes it out; its heading stays where others are under it, which would else be under the one before.
    fn remove(&mut self, section: &Section) {
        let next = self.outline.sections.iter().find(|next| next.heading.at.start == section.body.end);
        if section.heading.level < 3 && next.is_some_and(|next| next.heading.level == 3) {
            self.list.push((section.body.clone(), "\n".to_owned()));
        } else {
            self.list.push((section.all(), String::new()));
        }
    }

    /// Behind the first `count` sections, and those under them.
    fn behind(&self, count: usize) -> usize {
        let rest = &self.outline.sections[count..];
        let next = rest.iter().find(|section| section.heading.level < 3);
        next.map_or(self.source.len(), |next| next.heading.at.start)
    }

    /// A section of its own, with a blank line on either side.
    fn insert(&mut self, at: usize, section: &str) {
        let above = self.source[..at].trim_end_matches('\r');
        let gap = if above.is_empty() || above.ends_with("\n\n") || above.ends_with("\n\r\n") {
            ""
        } else if above.ends_with('\n') {
            "\n"
        } else {
            "\n\n"
        };
        let end = if at == self.source.len() { "" } else { "\n" };
        self.list.push((at..at, format!("{gap}{section}{end}")));
    }

    /// From the end to the beginning, so that places stay true; in the file's own line ends.
    fn apply(mut self) -> String {
        if !self.keys.is_empty() {
            let lines = self.keys.concat();
            let (at, text) = match &self.outline.front {
                Some(front) => (front.inside.end, lines),
                None => (0, format!("---\n{lines}---\n\n")),
            };
            self.list.insert(0, (at..at, text));
        }
        self.list.sort_by_key(|(at, _)| at.start);
        let windows = self.source.contains("\r\n");
        let mut out = self.source.to_owned();
        for (at, text) in self.list.into_iter().rev() {
            let text = if windows { text.replace('\n', "\r\n") } else { text };
            out.replace_range(at, &text);
        }
        out
    }
}

/// What stands in a section besides what its fields hold.
fn kept(part: Part, text: &str) -> Vec<String> {
    match part {
        Part::Options => {
            let prose = pieces(text).into_iter().filter(|piece| matches!(piece, Piece::Prose(_)));
            prose.map(Piece::into_text).collect()
        }
        Part::Arguments => {
            let first = headings(text, 0).into_iter().find(|heading| heading.level <= 3);
            let above = trim_blank(&text[..first.map_or(text.len(), |heading| heading.at.start)]);
            Some(above.to_owned()).filter(|above| !above.is_empty()).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Whether the consequences of MADR can follow as a section of their own.
fn is_under(section: &Section) -> bool {
    section.heading.level == 3 || section.role == Role::Part(Part::Choice)
}
