//! The runbook, as it stands in `docs/runbook.md` and in this binary: what to do about what a probe found.

use std::sync::OnceLock;

const TEXT: &str = include_str!("../../docs/runbook.md");

const MEANING: &str = "**What it means.** ";
const WORKS: &str = "**What still works.** ";
const ENDS: &str = "**How it ends.** ";

/// One section. Markdown inside its texts is code in backticks alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The heading in small letters, with hyphens: `disk-low`.
    pub anchor: String,
    pub title: String,
    pub meaning: String,
    pub works: String,
    /// What to do, in order.
    pub steps: Vec<String>,
    pub ends: String,
}

/// The section of an anchor.
pub fn runbook(anchor: &str) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.anchor == anchor)
}

/// All sections, in their order.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| parse(TEXT))
}

/// Each paragraph and each step is one line.
fn parse(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let anchor = title.to_lowercase().replace(' ', "-");
            entries.push(Entry { anchor, title: title.to_owned(), ..Entry::default() });
            continue;
        }
        let Some(entry) = entries.last_mut() else { continue };
        if let Some(meaning) = line.strip_prefix(MEANING) {
            entry.meaning = meaning.to_owned();
        } else if let Some(works) = line.strip_prefix(WORKS) {
            entry.works = works.to_owned();
        } else if let Some(ends) = line.strip_prefix(ENDS) {
            entry.ends = ends.to_owned();
        } else if let Some((number, step)) = line.split_once(". ")
            && number.parse::<usize>().is_ok()
        {
            entry.steps.push(step.to_owned());
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::door::Anchor;

    #[test]
    fn every_anchor_has_a_section_and_every_section_is_somebodys() {
        let named: BTreeSet<&str> = Anchor::ALL.iter().map(|anchor| anchor.word()).collect();
        let written: Vec<&str> = entries().iter().map(|entry| entry.anchor.as_str()).collect();
        assert_eq!(written.iter().copied().collect::<BTreeSet<_>>(), named);
        assert_eq!(written.len(), named.len(), "each once");
    }

    #[test]
    fn every_section_is_whole() {
        for Entry { anchor, title, meaning, works, steps, ends } in entries() {
            assert!(!title.is_empty() && !steps.is_empty(), "{anchor}");
            for text in [meaning, works, ends].into_iter().chain(steps) {
                assert!(text.len() > 20 && text.ends_with('.'), "{anchor}: {text:?}");
                let outside_of_code: String = text.split('`').step_by(2).collect();
                assert!(
                    !outside_of_code.contains('*') && text.matches('`').count() % 2 == 0,
                    "{anchor}: {text:?}"
                );
            }
        }
        // Nothing is lost on the way: the steps of the text are those of the entries.
        let steps: usize = entries().iter().map(|entry| entry.steps.len()).sum();
        assert_eq!(TEXT.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count(), steps);
    }

    #[test]
    fn a_section_is_found_by_its_anchor() {
        let entry = runbook("disk-full").unwrap();
        assert_eq!((entry.title.as_str(), entry.steps.len() > 2), ("Disk full", true));
        assert_eq!(runbook("nothing"), None);
    }
}
