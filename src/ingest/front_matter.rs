//! The front matter of a Markdown file: YAML between lines of `---`, or TOML between lines of `+++`.
//!
//! What does not parse, or is no table, is no front matter: it stays in the text, so that nothing is lost.

use serde_json::{Map, Value};

/// Longer front matter is taken as text.
const BYTES_MAX: usize = 32 << 10;
/// Nesting that the fields of a text can need; each level is one of the stack.
const DEPTH_MAX: usize = 32;
/// Events that YAML's aliases may unfold into.
const ALIAS_EVENTS_MAX: usize = 10_000;

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
    let options = serde_saphyr::options! {
        // `y` and `no` are words here, as in YAML 1.2.
        strict_booleans: true,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::AsString,
        budget: serde_saphyr::budget! { max_depth: DEPTH_MAX },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: ALIAS_EVENTS_MAX },
    };
    match serde_saphyr::from_str_with_options(text, options).ok()? {
        Value::Object(keys) => Some(keys),
        // Comments alone are text that would be lost.
        Value::Null if text.trim().is_empty() => Some(Map::new()),
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
        for text in [
            "",
            "---",
            "---\n",
            "--- \nno end",
            "---\n- a\n---\n",
            "----\na: 1\n----\n",
            "+++\na = \n+++\n",
            "---\n# a comment\n---\n",
        ] {
            check(text, json!({}), text);
        }
    }

    #[test]
    fn what_costs_too_much_stays_in_the_text() {
        let deep = format!("---\na: {}{}\n---\nb", "[".repeat(10_000), "]".repeat(10_000));
        let mut bomb = "---\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
            bomb.push_str(&format!("a{n}: &a{n} [{aliases}]\n"));
        }
        bomb.push_str("---\nb");
        for text in [deep, bomb] {
            check(&text, json!({}), &text);
        }
    }

    #[test]
    fn the_last_of_two_equal_keys_holds() {
        check("---\na: 1\na: 2\n---\nb", json!({"a": 2}), "b");
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
