//! Chunks: a memory is searched in parts, cut at its Markdown headings, so that a long one is found by what one of its
//! sections says and a hit can show where.
//!
//! **Invariant**: every memory has at least one chunk; none is over [`CHUNK_BYTES_MAX`].

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A section longer than this is cut, at a paragraph if there is one past [`CHUNK_BYTES_GOOD`]. About what the model
/// reads at once.
pub(super) const CHUNK_BYTES_MAX: usize = 1_400;
const CHUNK_BYTES_GOOD: usize = 900;
/// Content with more sections than this is cut by size alone.
const SECTIONS_MAX: usize = 1_024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The headings above it, outermost first, joined by ` › `.
    pub heading: String,
    pub text: String,
}

pub(super) fn chunks(content: &str) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    for section in sections(content) {
        for part in parts(&content[section.body.clone()]) {
            chunks.push(Chunk { heading: section.path.clone(), text: part.to_owned() });
        }
    }
    if chunks.is_empty() {
        chunks.push(Chunk { heading: String::new(), text: String::new() });
    }
    chunks
}

struct Section {
    path: String,
    body: Range<usize>,
}

struct Heading {
    level: HeadingLevel,
    text: String,
    span: Range<usize>,
}

/// What stands before the first heading, then what stands under each. A heading with nothing of its own under it is a
/// section only where no deeper one follows.
fn sections(content: &str) -> Vec<Section> {
    let headings = headings(content);
    let headings = if headings.len() > SECTIONS_MAX { Vec::new() } else { headings };
    let first = headings.first().map_or(content.len(), |heading| heading.span.start);
    let mut sections = Vec::new();
    if !content[..first].trim().is_empty() {
        sections.push(Section { path: String::new(), body: 0..first });
    }
    let mut above: Vec<(HeadingLevel, &str)> = Vec::new();
    for (i, heading) in headings.iter().enumerate() {
        above.retain(|(level, _)| *level < heading.level);
        above.push((heading.level, &heading.text));
        let next = headings.get(i + 1);
        let body = heading.span.end..next.map_or(content.len(), |next| next.span.start);
        let only_a_roof =
            content[body.clone()].trim().is_empty() && next.is_some_and(|next| next.level > heading.level);
        if !only_a_roof {
            let path = above.iter().map(|(_, text)| *text).filter(|text| !text.is_empty());
            sections.push(Section { path: path.collect::<Vec<_>>().join(" › "), body });
        }
    }
    sections
}

fn headings(content: &str) -> Vec<Heading> {
    let mut headings: Vec<Heading> = Vec::new();
    let mut depth = 0;
    let mut inside = false;
    for (event, span) in Parser::new_ext(content, Options::empty()).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                inside = true;
                headings.push(Heading { level, text: String::new(), span });
            }
            Event::End(TagEnd::Heading(_)) if depth == 0 => inside = false,
            Event::Start(_) if !inside => depth += 1,
            Event::End(_) if !inside => depth -= 1,
            Event::Text(text) | Event::Code(text) if inside => {
                if let Some(heading) = headings.last_mut() {
                    heading.text.push_str(&text);
                }
            }
            _ => {}
        }
    }
    headings
}

/// Cuts a long text at paragraphs, else lines, else spaces, else anywhere between characters.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_matches('\n');
    while rest.len() > CHUNK_BYTES_MAX {
        let max = (0..=CHUNK_BYTES_MAX).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let window = &rest[..max];
        let late = |at: Option<usize>| at.filter(|at| *at >= CHUNK_BYTES_GOOD);
        let cut = late(window.rfind("\n\n"))
            .or_else(|| late(window.rfind('\n')))
            .or_else(|| late(window.rfind(' ')))
            .unwrap_or(max);
        parts.push(rest[..cut].trim_end());
        rest = rest[cut..].trim_start_matches('\n');
    }
    if !rest.trim().is_empty() || parts.is_empty() {
        parts.push(rest.trim_end());
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(content: &str, expected: &[(&str, &str)]) {
        let chunks = chunks(content);
        let seen: Vec<_> = chunks.iter().map(|c| (c.heading.as_str(), c.text.as_str())).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn cut_at_headings_with_the_path_above() {
        check("plain note", &[("", "plain note")]);
        check("", &[("", "")]);
        check(
            "intro\n\n# One\n## `a` *b*\ntext\n\n```\n# no heading\n```\n## Two\nmore\n# End\n",
            &[
                ("", "intro"),
                ("One › a b", "text\n\n```\n# no heading\n```"),
                ("One › Two", "more"),
                ("End", ""),
            ],
        );
        check("Title\n=====\nbody\n- # in a list\n", &[("Title", "body\n- # in a list")]);
    }

    #[test]
    fn long_sections_are_cut_at_paragraphs() {
        let paragraph = format!("{}\n\n", "word ".repeat(60));
        let chunks = chunks(&paragraph.repeat(12));
        assert_eq!(chunks.len(), 3);
        assert!(chunks.iter().all(|chunk| chunk.text.starts_with("word") && chunk.text.ends_with("word")));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_long(content in "([a-zé検\n #-]|\n\n|\n# |word ){0,3000}") {
            let chunks = chunks(&content);
            prop_assert!(!chunks.is_empty());
            prop_assert!(chunks.iter().all(|chunk| chunk.text.len() <= CHUNK_BYTES_MAX));
            let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
            let kept: usize = chunks.iter().map(|chunk| letters(&chunk.text)).sum();
            prop_assert!(kept <= letters(&content));
        }
    }
}
