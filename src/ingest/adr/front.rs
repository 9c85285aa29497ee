//! The front matter of a record: where it stands, what it says, and how a key of it is written.

use std::ops::Range;

use serde_json::{Map, Value};

use crate::ingest::front_matter;

const FENCE: &str = "---";

/// Where front matter stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front {
    /// Between its fences.
    pub inside: Range<usize>,
    /// After the fence that ends it.
    pub end: usize,
}

/// The front matter of a file, whether or not it is YAML.
pub fn find(source: &str) -> Option<Front> {
    let start = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut lines = source[start..].split_inclusive('\n');
    let first = lines.next().filter(|line| line.trim_end() == FENCE)?;
    let mut at = start + first.len();
    let from = at;
    for line in lines {
        let next = at + line.len();
        if line.trim_end() == FENCE {
            return Some(Front { inside: from..at, end: next });
        }
        at = next;
    }
    None
}

impl Front {
    /// What its keys say. Where it is no YAML, as the templates' `{list everyone}`, each line for itself.
    pub fn keys(&self, source: &str) -> Map<String, Value> {
        let keys = self.yaml(source);
        if !keys.is_empty() {
            return keys;
        }
        let said = source[self.inside.clone()].lines().filter_map(|line| line.split_once(':'));
        let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        said.filter(|(key, _)| !key.starts_with([' ', '\t', '-', '#']))
            .map(|(key, text)| (key.to_owned(), value(text.trim())))
            .collect()
    }

    /// Whether something stands there that is no YAML.
    pub fn is_odd(&self, source: &str) -> bool {
        !source[self.inside.clone()].trim().is_empty() && self.yaml(source).is_empty()
    }

    fn yaml(&self, source: &str) -> Map<String, Value> {
        front_matter::read(&source[..self.end]).0
    }

    /// The lines of a key, with those that belong to its value.
    pub fn entry(&self, source: &str, key: &str) -> Option<Range<usize>> {
        let mut at = self.inside.start;
        let mut found: Option<Range<usize>> = None;
        for line in source[self.inside.clone()].split_inclusive('\n') {
            let next = at + line.len();
            let goes_on = line.starts_with([' ', '\t', '-']) || line.trim().is_empty();
            match &mut found {
                Some(range) if goes_on => range.end = next,
                Some(_) => break,
                None => {
                    let name = line.split_once(':').map(|(name, _)| name);
                    if !goes_on && name.is_some_and(|name| same_key(name, key)) {
                        found = Some(at..next);
                    }
                }
            }
            at = next;
        }
        found
    }
}

/// Keys are the same in any case, with `-`, `_` or a space, and `deciders` are MADR 3's decision makers.
pub fn same_key(name: &str, key: &str) -> bool {
    let norm = |key: &str| {
        let key = key.trim().trim_matches(['"', '\'', '*']).to_ascii_lowercase().replace(['_', ' '], "-");
        match key.as_str() {
            "deciders" | "decider" | "decision-maker" => "decision-makers".to_owned(),
            _ => key,
        }
    };
    norm(name) == norm(key)
}

/// A key's line.
pub fn line(key: &str, value: &str) -> String {
    format!("{key}: {value}\n")
}

/// A text as YAML: plain where it reads as that text, else in quotes.
pub fn text(text: &str) -> String {
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let ends_well = !text.ends_with([' ', ':']);
    let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    let plain =
        begins_well && ends_well && !text.contains(": ") && !text.contains(" #") && !text.contains(odd);
    let a_word_of_yaml = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    if plain && !a_word_of_yaml { text.to_owned() } else { json(&Value::from(text)) }
}

/// Names as people write them, with commas; as a list where a name has one.
pub fn names(names: &[String]) -> String {
    let joined = names.join(", ");
    let alone = |name: &String| !name.contains(',') && name.trim() == name;
    if names.iter().all(alone) {
        text(&joined)
    } else {
        json(&names.iter().map(|name| Value::from(name.as_str())).collect())
    }
}

/// JSON is YAML.
pub fn json(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_found_even_where_it_is_no_yaml() {
        let source = "---\nstatus: {a | b}\ndate: x\n---\n# T";
        let front = find(source).unwrap();
        assert_eq!(
            (&source[front.inside.clone()], &source[front.end..]),
            ("status: {a | b}\ndate: x\n", "# T")
        );
        assert_eq!(find("# T\n---\na: b\n---\n"), None);
        assert_eq!(find("---\nno end"), None);
        assert!(find("\u{feff}---\na: b\n---\n").is_some());
    }

    #[test]
    fn a_key_is_found_with_its_value() {
        let source = "---\nparent: x\nDeciders:\n  - a\n- b\n# note\nstatus: y\n---\n";
        let front = find(source).unwrap();
        let entry = |key| front.entry(source, key).map(|range| &source[range]);
        assert_eq!(entry("decision-makers"), Some("Deciders:\n  - a\n- b\n"));
        assert_eq!(entry("status"), Some("status: y\n"));
        assert_eq!(entry("date"), None);
    }

    #[test]
    fn what_is_written_is_read() {
        for said in
            ["accepted", "a: b", "yes", "12", "x #y", "- z", "superseded by [a](b.md)", "ü", "", "a\nb", "a:"]
        {
            let yaml = format!("---\n{}---\n", line("k", &text(said)));
            assert_eq!(find(&yaml).unwrap().keys(&yaml)["k"], said, "{yaml}");
        }
    }
}
