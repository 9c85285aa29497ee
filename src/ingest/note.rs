//! A file of Markdown or plain text as a memory: its front matter, its title, its text.

use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{fields, front_matter, split, url};
use crate::{
    door::NewMemory,
    model::{CONTENT_BYTES_MAX, Project, Time},
};

/// File names that say nothing without their folder's.
const PLAIN_NAMES: [&str; 6] = ["readme", "index", "_index", "mod", "overview", "changelog"];
/// A heading further down than this is not the title.
const HEADING_WITHIN_LINES: usize = 200;

/// What is known of a file besides its text.
#[derive(Debug, Clone)]
pub struct Origin<'a> {
    pub path: &'a Path,
    pub modified: Option<Time>,
    /// For what does not name its own.
    pub project: Option<&'a Project>,
}

/// A Markdown file's memory; none when there is nothing in it.
pub fn markdown(text: &str, origin: &Origin<'_>) -> Option<NewMemory> {
    let (keys, body) = front_matter::read(text);
    let mut new = fields::read(keys, fields::FRONT_MATTER);
    new.content = body.to_owned();
    if !fields::fits(&new.metadata) {
        new = NewMemory { content: text.to_owned(), ..NewMemory::default() };
    } else if body.trim().is_empty() {
        // Nothing but front matter: what it says is the text too.
        new.content = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    }
    if new.title.is_empty() {
        new.title = heading(body).unwrap_or_default();
    }
    finish(new, origin)
}

/// A plain text's memory; none when there is nothing in it.
pub fn text(text: &str, origin: &Origin<'_>) -> Option<NewMemory> {
    let content = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    finish(NewMemory { content, ..NewMemory::default() }, origin)
}

fn finish(mut new: NewMemory, origin: &Origin<'_>) -> Option<NewMemory> {
    if new.content.trim().is_empty() {
        return None;
    }
    if new.title.is_empty() {
        new.title = fields::title(&name(origin.path));
    }
    new.created_at = new.created_at.or(new.updated_at).or(origin.modified);
    new.updated_at = new.updated_at.or(new.created_at);
    new.project = origin.project.cloned();
    new.url = Some(url::of(origin.path));
    Some(new)
}

/// The first heading, as plain text.
fn heading(text: &str) -> Option<String> {
    let lines: usize = text.split_inclusive('\n').take(HEADING_WITHIN_LINES).map(str::len).sum();
    let mut title: Option<String> = None;
    // Badges and the like: pictures, also inside links.
    let mut pictures = 0;
    for event in Parser::new_ext(&text[..lines], Options::empty()) {
        match (event, &mut title) {
            (Event::Start(Tag::Heading { .. }), _) => title = Some(String::new()),
            (Event::End(TagEnd::Heading(_)), Some(found)) => {
                let found = fields::title(found);
                if !found.is_empty() {
                    return Some(found);
                }
                title = None;
            }
            (Event::Start(Tag::Image { .. }), _) => pictures += 1,
            (Event::End(TagEnd::Image), _) => pictures -= 1,
            (Event::Text(text) | Event::Code(text), Some(found)) if pictures == 0 => found.push_str(&text),
            (Event::SoftBreak | Event::HardBreak, Some(found)) => found.push(' '),
            _ => {}
        }
    }
    None
}

/// A file's name as a title: without its ending, with its folder's where alone it says nothing.
fn name(path: &Path) -> String {
    let last = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stem = last(path);
    let folder = path.parent().and_then(Path::file_name);
    match folder {
        Some(folder) if PLAIN_NAMES.contains(&stem.to_ascii_lowercase().as_str()) => {
            format!("{}/{stem}", folder.to_string_lossy())
        }
        _ => stem,
    }
}

/// A memory within the bound of one, or the parts of a longer one, each with its place in the title.
pub fn parts(mut new: NewMemory) -> Vec<NewMemory> {
    if new.content.len() <= CONTENT_BYTES_MAX {
        return vec![new];
    }
    let whole = std::mem::take(&mut new.content);
    let texts: Vec<&str> =
        split::split(&whole, CONTENT_BYTES_MAX).into_iter().filter(|part| !part.trim().is_empty()).collect();
    let count = texts.len();
    let origin = new.url.clone().unwrap_or_default();
    let part = |(i, text): (usize, &str)| {
        let place = format!(" ({} of {count})", i + 1);
        let room = crate::model::TITLE_BYTES_MAX - place.len();
        let title = &new.title[..new.title.floor_char_boundary(room)];
        NewMemory {
            content: text.to_owned(),
            title: format!("{title}{place}"),
            url: Some(if i == 0 { origin.clone() } else { url::part(&origin, &format!("part-{}", i + 1)) }),
            ..new.clone()
        }
    };
    texts.into_iter().enumerate().map(part).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origin(path: &str) -> Origin<'_> {
        Origin { path: Path::new(path), modified: Some(Time::from_unix_ms(7)), project: None }
    }

    #[track_caller]
    fn check(path: &str, text: &str, title: &str) {
        assert_eq!(markdown(text, &origin(path)).map(|new| new.title), Some(title.to_owned()));
    }

    #[test]
    fn the_title_is_the_front_matters_the_headings_or_the_names() {
        check("/a/b.md", "---\ntitle: Said\n---\n# Not this\n", "Said");
        check(
            "/a/b.md",
            "text\n\n```\n# no heading\n```\n\n## The *first* `one`\n# Later\n",
            "The first one",
        );
        check("/a/b.md", "# serde &emsp; [![Build](x.svg)](y) [docs](z)\n", "serde docs");
        check("/a/b.md", "Under\nlined\n===\n", "Under lined");
        check("/a/b.md", "# ![only a picture](p.png)\n\nbody", "b");
        check("/a/tool-1.0/README.md", "no heading", "tool-1.0/README");
        check("/notes.md", "just text", "notes");
    }

    #[test]
    fn times_are_the_front_matters_else_the_files() {
        let at = |text: &str| {
            let new = markdown(text, &origin("/a.md")).unwrap();
            (new.created_at.unwrap().to_string(), new.updated_at.unwrap().to_string())
        };
        let (file, first, later) =
            ("1970-01-01T00:00:00.007Z", "2026-11-20T00:00:00.000Z", "2026-11-21T00:00:00.000Z");
        assert_eq!(at("x"), (file.into(), file.into()));
        assert_eq!(at("---\ndate: 2026-11-20\n---\nx"), (first.into(), first.into()));
        assert_eq!(at("---\nupdated: 2026-11-21\n---\nx"), (later.into(), later.into()));
        let both = "---\ncreated: 2026-11-20\nupdated: 2026-11-21\n---\nx";
        assert_eq!(at(both), (first.into(), later.into()));
    }

    #[test]
    fn front_matter_alone_is_a_text() {
        let text = "---\nwho: ada\n---\n \n";
        let new = markdown(text, &origin("/a.md")).unwrap();
        assert_eq!((new.title.as_str(), new.content.as_str()), ("a", text));
    }

    #[test]
    fn what_says_nothing_is_no_memory() {
        assert_eq!(markdown("", &origin("/a.md")), None);
        assert_eq!(text(" \n", &origin("/a.txt")), None);
    }

    #[test]
    fn a_long_text_is_cut_into_named_parts() {
        let section = format!("# Part\n{}\n", "word ".repeat(CONTENT_BYTES_MAX / 8));
        let new = markdown(&section.repeat(2), &origin("/a.md")).unwrap();
        let parts = parts(new.clone());
        let named: Vec<_> =
            parts.iter().map(|part| (part.title.as_str(), part.url.as_deref().unwrap())).collect();
        assert_eq!(named, [("Part (1 of 2)", "file:///a.md"), ("Part (2 of 2)", "file:///a.md#part-2")]);
        assert_eq!(parts.iter().map(|part| part.content.as_str()).collect::<String>(), new.content);
        assert!(parts.iter().all(|part| fields::check(part).is_ok()));
    }

    proptest! {
        #[test]
        fn any_text_that_says_something_is_a_memory_the_hub_takes(
            text in "(---\n([a-z]{1,8}: [\\PC]{0,20}\n){0,4}---\n)?[\\PC\n#`!\\[\\]()]{0,120}"
        ) {
            match markdown(&text, &origin("/a.md")) {
                Some(new) => prop_assert_eq!(fields::check(&new), Ok(())),
                None => prop_assert!(text.trim().is_empty()),
            }
        }
    }
}
