//! A row of the list, from a hit or from a recent memory: what is shown of it, plain.

use std::collections::HashMap;

use crate::{
    console::model::At,
    door::{Hit, Legs, RecordKind},
    model::{Id, Memory, Origin, Project, Status, Time},
};

/// Plain text kept of a memory for its row.
const SNIPPET_CHARS: usize = 400;

/// A row of the list: a hit, or a recent memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The hub that has it.
    pub at: At,
    pub id: Id,
    pub record: RecordKind,
    pub title: String,
    pub snippet: String,
    pub highlights: Vec<std::ops::Range<usize>>,
    pub kind: String,
    pub project: Project,
    pub tags: Vec<String>,
    pub status: Status,
    pub updated_at: Time,
    pub score: Option<f32>,
    /// What each leg gave it, where more than one was asked.
    pub legs: Option<Legs>,
    /// How many others say the same.
    pub alike: usize,
    url: Option<String>,
    /// Where it came from, where its title does not tell it apart.
    pub place: Option<String>,
    /// What puts it before the rows of other hubs.
    pub(super) worth: f64,
}

impl Row {
    /// What tells it from every other: two hubs may have what bears one id.
    pub fn key(&self) -> (At, Id) {
        (self.at, self.id)
    }

    /// Where it came from.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// Says of rows of one title where each came from.
pub fn tell_apart(rows: &mut [Row]) {
    let mut titles: HashMap<&str, usize> = HashMap::with_capacity(rows.len());
    for row in &*rows {
        *titles.entry(&row.title).or_default() += 1;
    }
    let repeated: Vec<bool> = rows.iter().map(|row| titles[row.title.as_str()] > 1).collect();
    for (row, repeated) in rows.iter_mut().zip(repeated) {
        row.place = row.url.as_deref().filter(|_| repeated).map(|url| Origin::place(url).to_owned());
    }
}

impl From<Hit> for Row {
    fn from(hit: Hit) -> Row {
        Row {
            at: At::default(),
            id: hit.id,
            record: hit.kind,
            title: hit.title,
            snippet: hit.snippet,
            highlights: hit.highlights,
            kind: hit.memory_type,
            project: hit.project,
            tags: hit.tags,
            status: hit.status,
            updated_at: hit.updated_at,
            score: Some(hit.score),
            legs: Some(hit.legs).filter(|legs| legs.vector.is_some()),
            alike: hit.alike.len(),
            url: hit.url,
            place: None,
            worth: 0.0,
        }
    }
}

impl From<Memory> for Row {
    fn from(memory: Memory) -> Row {
        Row {
            at: At::default(),
            id: memory.id,
            record: RecordKind::Memory,
            snippet: opening(&memory.content, &memory.title),
            title: memory.title,
            highlights: Vec::new(),
            kind: memory.kind,
            project: memory.project,
            tags: memory.tags,
            status: memory.status,
            updated_at: memory.updated_at,
            score: None,
            legs: None,
            alike: 0,
            url: memory.origin.url,
            place: None,
            worth: 0.0,
        }
    }
}

/// The first plain words of a text that are not its title.
fn opening(content: &str, title: &str) -> String {
    let mut text = String::new();
    let title = title.trim_end_matches('…');
    for line in content.lines().map(plain) {
        let line =
            if text.is_empty() { line.strip_prefix(title).unwrap_or(&line).trim() } else { line.trim() };
        // A line without a word is a rule, a fence or what is left of a badge.
        if !line.chars().any(char::is_alphanumeric) {
            continue;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.extend(line.chars().take(SNIPPET_CHARS));
        if text.len() >= SNIPPET_CHARS {
            break;
        }
    }
    text
}

/// A line without the marks of Markdown: links are their words, pictures and tags are nothing.
fn plain(line: &str) -> String {
    let line = line.trim().trim_start_matches(['#', '>', '*', '-', '=', ' ']);
    let mut text = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['[', ']', '!', '<', '`', '*']) {
        text.push_str(&rest[..at]);
        let tail = &rest[at..];
        let skipped = if tail.starts_with("![") {
            tail.find(')').map_or(2, |end| end + 1)
        } else if tail.starts_with("](") || tail.starts_with("][") {
            tail[1..].find([')', ']']).map_or(2, |end| end + 2)
        } else if tail.starts_with('<') {
            tail.find('>').map_or(1, |end| end + 1)
        } else {
            if tail.starts_with('!') {
                text.push('!');
            }
            1
        };
        rest = &tail[skipped..];
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_title_say_where_they_come_from() {
        let row = |title: &str, url: &str| Row {
            record: RecordKind::Memory,
            at: At::default(),
            id: Id::NIL,
            title: title.to_owned(),
            snippet: String::new(),
            highlights: Vec::new(),
            kind: "note".to_owned(),
            project: Project::none(),
            tags: Vec::new(),
            status: Status::Active,
            updated_at: Time::from_unix_ms(0),
            score: None,
            legs: None,
            alike: 0,
            url: Some(url.to_owned()),
            place: None,
            worth: 0.0,
        };
        let mut rows = [
            row("Changelog", "file:///a/serde/CHANGELOG.md"),
            row("Locks", "file:///n/l.md"),
            row("Changelog", "file:///x.md#2"),
        ];
        tell_apart(&mut rows);
        let places: Vec<_> = rows.iter().map(|row| row.place.as_deref()).collect();
        assert_eq!(places, [Some("serde/CHANGELOG.md"), None, Some("x.md#2")]);
    }

    #[test]
    fn an_opening_is_the_first_words_that_are_not_the_title() {
        let readme = "# serde\n\n[![Build](https://a.b/c.svg)](https://a.b) ![x](y)\n---\n\n**Serde** is a [framework]\
            (https://serde.rs) for `ser`ializing!\n<p align=\"center\">\nMore.";
        assert_eq!(opening(readme, "serde"), "Serde is a framework for serializing! More.");
        assert_eq!(opening("one line", "one line"), "");
        assert_eq!(opening("", ""), "");
    }
}
