//! The front matter of a Markdown file: YAML between lines of `---`, or TOML between lines of `+++`.
//!
//! What does not parse, or is no table, is no front matter: it stays in the text, so that nothing is lost.

use serde_json::{Map, Value};

/// Longer front matter is taken as text.
const BYTES_MAX: usize = 32 << 10;

/// The keys of a file's front matter and the text after it.
pub fn read(text: &str) -> (Map<String, Value>, &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    parse(text).unwrap_or_else(|| (Map::new(), text))
}

fn parse(text: &str) -> Option<(Map<String, Value>, &str)> {
    let fence = ["---", "+++"].into_iter().find(|fence| text.starts_with(fence))?;
    let first = text.split_inclusive('\n').next()?;
    if first.trim_end() != fence {
        return None;
    }
    let mut at = first.len();
    for line in text[at..].split_inclusive('\n') {
        let end = line.trim_end();
        if end == fence || (fence == "---" && end == "...") {
            let (inside, body) = (&text[first.len()..at], &text[at + line.len()..]);
            let keys = if fence == "---" { yaml(inside)? } else { toml(inside)? };
            // A blank line after the fence belongs to it.
            let body = body.strip_prefix("\r\n").or_else(|| body.strip_prefix('\n')).unwrap_or(body);
            return Some((keys, body));
        }
        at += line.len();
        if at > BYTES_MAX {
            return None;
        }
    }
    None
}

fn yaml(text: &str) -> Option<Map<String, Value>> {
    // `y` and `no` are words here, as in YAML 1.2.
    let options = serde_saphyr::options! { strict_booleans: true };
    match serde_saphyr::from_str_with_options(text, options).ok()? {
        Value::Object(keys) => Some(keys),
        Value::Null => Some(Map::new()),
        _ => None,
    }
}

fn toml(text: &str) -> Option<Map<String, Value>> {
    let table: toml::Table = toml::from_str(text).ok()?;
    Some(table.into_iter().map(|(key, value)| (key, json(value))).collect())
}

/// A TOML value as JSON; a date is its text.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(moment) => moment.to_string().into(),
        toml::Value::Array(list) => list.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(key, value)| (key, json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, keys: Value, body: &str) {
        let (found, rest) = read(text);
        assert_eq!((Value::Object(found), rest), (keys, body));
    }

    #[test]
    fn both_kinds_are_read() {
        check(
            "---\ntitle: A: b\ntags: [x, y]\ndate: 2026-11-21\n---\n\n# Body\n",
            json!({}),
            "---\ntitle: A: b\ntags: [x, y]\ndate: 2026-11-21\n---\n\n# Body\n",
        );
        check(
            "---\ntitle: \"A: b\"\ntags: [x, y]\ndate: 2026-11-21\n---\n\n# Body\n",
            json!({"title": "A: b", "tags": ["x", "y"], "date": "2026-11-21"}),
            "# Body\n",
        );
        check(
            "+++\r\ntitle = \"t\"\r\ndate = 2026-11-21T10:00:00Z\r\n[extra]\r\nn = 1\r\n+++\r\nbody",
            json!({"title": "t", "date": "2026-11-21T10:00:00Z", "extra": {"n": 1}}),
            "body",
        );
        check("---\n---\nbody", json!({}), "body");
    }

    #[test]
    fn what_is_none_stays_in_the_text() {
        for text in
            ["", "---", "---\n", "--- \nno end", "---\n- a\n---\n", "----\na: 1\n----\n", "+++\na = \n+++\n"]
        {
            check(text, json!({}), text);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(---|\\+\\+\\+)?\n?[\\PC\n]{0,80}\n?(---|\\+\\+\\+)?\n?[\\PC\n]{0,20}") {
            let (_, body) = read(&text);
            prop_assert!(text.ends_with(body));
        }

        #[test]
        fn no_yaml_makes_it_panic(inside in "[a-z:\\-&*!|>{}\\[\\]'\"#, \n\t0-9.~%@`]{0,60}") {
            let text = format!("---\n{inside}\n---\nbody");
            prop_assert!(text.ends_with(read(&text).1));
        }
    }
}
