//! Links between records: what one file says of another, and which decision of an import that is.

use pulldown_cmark::{Event, Parser, Tag};

use super::read::Draft;
use crate::door::ImportedDecision;

/// What one record is to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Supersedes,
    SupersededBy,
    Related,
}

/// The record that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file's name without folders.
    File(String),
    Number(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub relation: Relation,
    pub to: Target,
}

/// What a status says of other records: `Superseded by [DNS](0015-dns.md)`, `superseded by ADR-0005`.
pub fn of_status(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for line in text.lines() {
        let files = files(line);
        let mut from = 0;
        for (at, file) in &files {
            let relation = relation(&line[from..*at]);
            found.push(Link { relation, to: Target::File(file.clone()) });
            from = *at;
        }
        if let (true, Some(number)) = (files.is_empty(), number(line)) {
            let relation = relation(line);
            if relation != Relation::Related {
                found.push(Link { relation, to: Target::Number(number) });
            }
        }
    }
    found
}

/// Records that a text links to anywhere.
pub fn of_text(text: &str) -> Vec<Link> {
    let files = files(text).into_iter();
    files.map(|(_, file)| Link { relation: Relation::Related, to: Target::File(file) }).collect()
}

fn relation(words: &str) -> Relation {
    let words = words.to_lowercase();
    let says = |some: &[&str]| some.iter().any(|word| words.contains(word));
    if says(&["part", "amend", "clarif"]) {
        // What stands in part stands.
        Relation::Related
    } else if says(&["superseded by", "superceded by", "replaced by", "obsoleted by"]) {
        Relation::SupersededBy
    } else if says(&["supersedes", "supercedes", "replaces", "obsoletes"]) {
        Relation::Supersedes
    } else {
        Relation::Related
    }
}

/// Links to Markdown files beside this one, with their places.
fn files(text: &str) -> Vec<(usize, String)> {
    let links = Parser::new(text).into_offset_iter().filter_map(|(event, range)| match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some((range.start, dest_url)),
        _ => None,
    });
    links.filter_map(|(at, url)| file(&url).map(|file| (at, file.to_owned()))).collect()
}

fn file(url: &str) -> Option<&str> {
    let path = url.split(['#', '?']).next()?;
    let elsewhere = path.contains("://") || path.starts_with('/');
    let name = path.rsplit('/').next()?;
    (!elsewhere && name.to_ascii_lowercase().ends_with(".md")).then_some(name)
}

/// The number in `ADR-0005`, `ADR 5` or `0005`, behind the words that need one.
fn number(line: &str) -> Option<u32> {
    let digits = line.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty())?;
    digits.parse().ok()
}

/// The drafts with their links as places among them; a link to what is not among them stays in its text alone.
///
/// Superseding is one bond with two ends: whichever file tells of it, both decisions do.
pub fn resolve(drafts: Vec<Draft>) -> Vec<ImportedDecision> {
    let places: Vec<Vec<(Relation, usize)>> = drafts
        .iter()
        .enumerate()
        .map(|(here, draft)| {
            let at = |link: &Link| Some((link.relation, place(&drafts, &link.to)?));
            draft.links.iter().filter_map(at).filter(|(_, there)| *there != here).collect()
        })
        .collect();
    let plain = |draft: Draft| ImportedDecision {
        new: draft.new,
        supersedes: Vec::new(),
        superseded_by: None,
        related: Vec::new(),
    };
    let mut items: Vec<ImportedDecision> = drafts.into_iter().map(plain).collect();
    for (here, links) in places.iter().enumerate() {
        for (relation, there) in links {
            match relation {
                Relation::Supersedes => bind(&mut items, *there, here),
                Relation::SupersededBy => bind(&mut items, here, *there),
                Relation::Related => {}
            }
        }
    }
    for (here, links) in places.into_iter().enumerate() {
        for (_, there) in links.into_iter().filter(|(relation, _)| *relation == Relation::Related) {
            let item = &mut items[here];
            let bound = item.supersedes.contains(&there) || item.superseded_by == Some(there);
            if !bound && !item.related.contains(&there) {
                item.related.push(there);
            }
        }
    }
    items
}

/// The first decision to say that it took another's place has it.
fn bind(items: &mut [ImportedDecision], old: usize, new: usize) {
    // Two that claim to supersede each other: the first said holds.
    if items[new].superseded_by == Some(old) || items[old].superseded_by.is_some_and(|by| by != new) {
        return;
    }
    items[old].superseded_by = Some(new);
    if !items[new].supersedes.contains(&old) {
        items[new].supersedes.push(old);
    }
}

fn place(drafts: &[Draft], target: &Target) -> Option<usize> {
    let named = |draft: &Draft| match target {
        Target::File(file) => draft.file() == file,
        Target::Number(number) => draft.new.number.is_some_and(|has| has.0 == *number),
    };
    drafts.iter().position(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(relation: Relation, file: &str) -> Link {
        Link { relation, to: Target::File(file.to_owned()) }
    }

    #[test]
    fn a_status_says_what_it_is_to_others() {
        use Relation::*;
        assert_eq!(of_status("Superseded by [DNS](./0015-dns.md#x)"), [link(SupersededBy, "0015-dns.md")]);
        assert_eq!(
            of_status("Accepted\n\nSupercedes [1. A](0001-a.md)\n\nAmended by [2. B](0002-b.md)"),
            [link(Supersedes, "0001-a.md"), link(Related, "0002-b.md")]
        );
        assert_eq!(of_status("Partly superseded by [B](0002-b.md)"), [link(Related, "0002-b.md")]);
        assert_eq!(
            of_status("superseded by ADR-0005"),
            [Link { relation: SupersededBy, to: Target::Number(5) }]
        );
        assert_eq!(of_status("accepted 2018"), []);
        assert_eq!(of_status("see [x](https://example.org/0001-a.md), [y](/z.md), [p](p.png)"), []);
    }

    #[test]
    fn a_link_in_code_is_none() {
        assert_eq!(
            of_text("`[a](a.md)`\n\n```\n[b](b.md)\n```\n\n[c](x/c.md)"),
            [link(Relation::Related, "c.md")]
        );
    }
}
