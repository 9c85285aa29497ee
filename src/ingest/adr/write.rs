//! A decision as a file: the one it came in, with what has changed, or a new one.

mod patch;

use std::collections::{HashMap, HashSet};

use super::{front, status};
use crate::model::{AdrForm, Date, Decision, DecisionStatus, Id, Part, Time};

/// A slug in a file's name is cut here.
const SLUG_CHARS_MAX: usize = 60;

/// A file to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdrFile {
    pub name: String,
    pub text: String,
}

/// What files call each other: the names and titles of decisions that are written together.
#[derive(Debug, Clone, Default)]
pub struct AdrNames(HashMap<Id, Named>);

#[derive(Debug, Clone)]
struct Named {
    file: String,
    title: String,
}

impl AdrNames {
    /// Each has the name it came with, else one made of its number and title; no two are the same.
    pub fn of<'a>(decisions: impl IntoIterator<Item = &'a Decision>) -> AdrNames {
        let mut taken: HashSet<String> = HashSet::new();
        let mut names = HashMap::new();
        for decision in decisions {
            let made = made(decision);
            let came = decision.adr.as_ref().map(|adr| adr.file.as_str()).filter(|file| is_a_name(file));
            let counted = (2u32..).map(|n| format!("{}-{n}.md", made.trim_end_matches(".md")));
            let file = came
                .map(str::to_owned)
                .into_iter()
                .chain([made.clone()])
                .chain(counted)
                .find(|name| taken.insert(name.to_lowercase()))
                .expect("numbers do not end");
            names.insert(decision.id, Named { file, title: decision.title.clone() });
        }
        AdrNames(names)
    }

    /// The name of a decision's file.
    pub fn file(&self, id: Id) -> Option<&str> {
        self.0.get(&id).map(|named| named.file.as_str())
    }

    /// A link to a decision's file, as Markdown.
    fn link(&self, id: Id) -> Option<String> {
        let named = self.0.get(&id)?;
        let title = named.title.replace(['[', ']'], "");
        Some(format!("[{title}]({})", named.file.replace(' ', "%20")))
    }
}

/// Whether it stays in the folder that is written to.
fn is_a_name(file: &str) -> bool {
    !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\\', '\0'])
}

fn made(decision: &Decision) -> String {
    let mut slug = String::new();
    for c in decision.title.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.chars().take(SLUG_CHARS_MAX).collect();
    format!("{:04}-{}.md", decision.number.0, slug.trim_end_matches('-'))
}

/// All of these as files that link to each other.
pub fn files(decisions: &[Decision]) -> Vec<AdrFile> {
    let names = AdrNames::of(decisions);
    let file = |decision: &Decision| {
        let name = names.file(decision.id).unwrap_or_default().to_owned();
        AdrFile { name, text: write(decision, &names) }
    };
    decisions.iter().map(file).collect()
}

/// A decision as a file. Untouched since it was imported, that file's very bytes.
pub fn write(decision: &Decision, names: &AdrNames) -> String {
    let came = decision.adr.as_ref().and_then(|adr| patch::patched(decision, &adr.source, &adr.file, names));
    came.unwrap_or_else(|| fresh(decision, names))
}

/// Written whole.
fn fresh(decision: &Decision, names: &AdrNames) -> String {
    let form = decision.form();
    let mut keys = Vec::new();
    let date = date(decision.created_at);
    if form == AdrForm::Madr {
        keys.push(front::line("status", &front::text(&status_text(decision, names, form))));
        keys.push(front::line("date", &date));
    }
    keys.extend(facts(decision).iter().map(|(key, value)| front::line(key, value)));
    let mut text = String::new();
    if !keys.is_empty() {
        text.push_str(&format!("---\n{}---\n", keys.concat()));
    }
    match form {
        AdrForm::Madr => text.push_str(&format!("# {}\n", decision.title)),
        AdrForm::Nygard => {
            let number = decision.number.0;
            text.push_str(&format!("# {number}. {}\n\nDate: {date}\n\n## Status\n\n", decision.title));
            text.push_str(&status_text(decision, names, form));
            text.push('\n');
            let links = relations(decision, names).into_iter();
            links.for_each(|link| text.push_str(&format!("\n{link}\n")));
        }
    }
    for block in decision.blocks(form) {
        text.push('\n');
        text.push_str(&block.with_heading(form));
    }
    let links = relations(decision, names);
    if form == AdrForm::Madr && !links.is_empty() {
        let links: Vec<String> = links.iter().map(|link| format!("* {link}\n")).collect();
        text.push_str(&format!("\n## More Information\n\n{}", links.concat()));
    }
    text
}

/// A day, where it is midnight; else the moment.
fn date(time: Time) -> String {
    let day = Date::of(time);
    if day.starts() == time { day.to_string() } else { time.to_string() }
}

/// What front matter says besides status and date; a value for each key that has one.
fn facts(decision: &Decision) -> Vec<(&'static str, String)> {
    let names = |names: &[String]| (!names.is_empty()).then(|| front::names(names));
    let word = |word: &str| (!word.is_empty()).then(|| front::text(word));
    let metadata = (!decision.metadata.is_empty()).then(|| front::json(&decision.metadata.clone().into()));
    let all = [
        ("decision-makers", names(&decision.decision_makers)),
        ("consulted", names(&decision.consulted)),
        ("informed", names(&decision.informed)),
        ("type", word(&decision.kind)),
        ("category", word(&decision.category)),
        ("tags", names(&decision.tags)),
        ("confidence", decision.confidence.map(|confidence| confidence.to_string())),
        ("review-on", decision.review_on.map(|day| day.to_string())),
        ("metadata", metadata),
    ];
    all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// `superseded by [Title](file.md)`, or the word.
fn status_text(decision: &Decision, names: &AdrNames, form: AdrForm) -> String {
    let word = decision.status.word();
    let word = if form == AdrForm::Nygard { status::capital(word) } else { word.to_owned() };
    let by = decision.superseded_by.filter(|_| decision.status == DecisionStatus::Superseded);
    match by.and_then(|by| names.link(by)) {
        Some(link) => format!("{word} by {link}"),
        None => word,
    }
}

/// What it says of other decisions.
fn relations(decision: &Decision, names: &AdrNames) -> Vec<String> {
    let link = |what: &'static str| move |id: &Id| Some(format!("{what} {}", names.link(*id)?));
    let supersedes = decision.supersedes.iter().filter_map(link("Supersedes"));
    supersedes.chain(decision.related.iter().filter_map(link("Related to"))).collect()
}

/// The part's order in a file.
fn place(part: Part) -> usize {
    Part::ALL.iter().position(|other| *other == part).unwrap_or(Part::ALL.len())
}
