//! A section's text as the blocks a reader sees: entries of lists, and what is none.

use pulldown_cmark::{Event, Parser, Tag};

/// A block at the top of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Of a list, without its marker and indent.
    Entry(String),
    /// A paragraph, a table, code, ...
    Prose(String),
}

impl Piece {
    pub fn text(&self) -> &str {
        match self {
            Piece::Entry(text) | Piece::Prose(text) => text,
        }
    }

    pub fn into_text(self) -> String {
        match self {
            Piece::Entry(text) | Piece::Prose(text) => text,
        }
    }
}

/// What stands in a text, in order.
pub fn pieces(text: &str) -> Vec<Piece> {
    groups(text).into_iter().flatten().collect()
}

/// As [`pieces`], the entries of each list together.
pub fn groups(text: &str) -> Vec<Vec<Piece>> {
    let mut found: Vec<Vec<Piece>> = Vec::new();
    let mut depth = 0;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(tag) => {
                match (depth, tag, found.last_mut()) {
                    (0, Tag::List(_), _) => found.push(Vec::new()),
                    (0, ..) => found.push(vec![Piece::Prose(text[range].trim_end().to_owned())]),
                    (1, Tag::Item, Some(list)) => {
                        list.push(Piece::Entry(entry(text, range.start, range.end)))
                    }
                    _ => {}
                }
                depth += 1;
            }
            Event::End(_) => depth -= 1,
            _ => {}
        }
    }
    for group in &mut found {
        group.retain(|piece| !piece.text().trim().is_empty());
    }
    found.retain(|group| !group.is_empty());
    found
}

/// A list's entry without its marker, its other lines moved as far to the left.
fn entry(text: &str, start: usize, end: usize) -> String {
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let raw = text[start..end].trim_end();
    let content = raw.trim_start();
    let marker = match content.strip_prefix(['*', '-', '+']) {
        Some(_) => 1,
        None => content.find(['.', ')']).map_or(0, |at| at + 1),
    };
    let after = &content[marker..];
    // More than four spaces are code inside the entry, of which one belongs to the marker.
    let gap = match after.len() - after.trim_start_matches(' ').len() {
        gap @ 0..=4 => gap,
        _ => 1,
    };
    let indent = (start - line) + (raw.len() - content.len()) + marker + gap;
    let mut lines = after[gap..].lines();
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let spaces = line.len() - line.trim_start_matches(' ').len();
        out.push('\n');
        out.push_str(&line[spaces.min(indent)..]);
    }
    out
}

/// A text of one line without its marks, for comparing names: letters in lower case, quotes left out.
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    for event in Parser::new(text) {
        match event {
            Event::Text(part) | Event::Code(part) | Event::InlineHtml(part) => out.push_str(&part),
            Event::SoftBreak | Event::HardBreak => out.push(' '),
            _ => {}
        }
    }
    let bare: String =
        out.chars().filter(|c| !matches!(c, '"' | '\'' | '“' | '”' | '‘' | '’' | '`')).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[Piece]) {
        assert_eq!(pieces(text), expected);
    }

    fn entry(text: &str) -> Piece {
        Piece::Entry(text.to_owned())
    }

    fn prose(text: &str) -> Piece {
        Piece::Prose(text.to_owned())
    }

    #[test]
    fn entries_lose_marker_and_indent() {
        check("* one\n* two\n  more\n", &[entry("one"), entry("two\nmore")]);
        check(" - one\n   more\n - two\n", &[entry("one\nmore"), entry("two")]);
        check(" 1. one\n 2. two\n\n    more\n", &[entry("one"), entry("two\n\nmore")]);
        check("* a\n  * b\n    c\n* d", &[entry("a\n* b\n  c"), entry("d")]);
        check("* `x`\n\n  ```\n  * code\n  ```\n", &[entry("`x`\n\n```\n* code\n```")]);
    }

    #[test]
    fn what_is_no_list_is_prose() {
        check(
            "One\ntwo.\n\n* three\n\n```\n* four\n```",
            &[prose("One\ntwo."), entry("three"), prose("```\n* four\n```")],
        );
        check("", &[]);
        check("---\n", &[]);
    }

    #[test]
    fn a_plain_name_is_what_is_read() {
        assert_eq!(plain("[MADR](https://x) 4.0 – `The`  \"Best\""), "madr 4.0 – the best");
        assert_eq!(plain("`<b>` <b>"), "<b> <b>");
    }
}
