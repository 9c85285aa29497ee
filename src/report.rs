//! How a fault is shown to people, and how outside text is made safe for a terminal.
//!
//! One renderer for every face that prints: what went wrong, what lies under it, what to do about it. Text that
//! comes from records may hold anything, an escape sequence or a bidi override among it: [`escape`] shows such
//! characters instead of letting the terminal act on them.

use std::{borrow::Cow, fmt::Write};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::Fault;

/// A name is meant by a word up to this many edits away, and never more than a third of the word.
const EDITS_MAX: usize = 3;

/// Whether what is rendered may carry colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    Plain,
    Coloured,
}

impl Paint {
    /// The text between an SGR sequence and its end.
    pub fn sgr(self, code: &str, text: &str) -> String {
        match self {
            Paint::Plain => text.to_owned(),
            Paint::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }

    pub fn bold(self, text: &str) -> String {
        self.sgr("1", text)
    }

    pub fn dim(self, text: &str) -> String {
        self.sgr("2", text)
    }

    pub fn red(self, text: &str) -> String {
        self.sgr("1;31", text)
    }

    pub fn green(self, text: &str) -> String {
        self.sgr("32", text)
    }

    pub fn yellow(self, text: &str) -> String {
        self.sgr("33", text)
    }

    pub fn cyan(self, text: &str) -> String {
        self.sgr("36", text)
    }
}

/// A fault in words:
///
/// ```text
/// error: the store at ~/.local/share/wheelhouse is in use
///   cause: resource temporarily unavailable (os error 11)
///
/// hint: a hub is running as pid 4121
/// ```
pub fn fault(fault: &Fault, paint: Paint) -> String {
    let mut text = format!("{} {}\n", paint.red("error:"), escape(&fault.message));
    if let Some(cause) = &fault.cause {
        for (i, line) in cause.lines().enumerate() {
            let name = if i == 0 { paint.dim("cause:") } else { "      ".to_owned() };
            writeln!(text, "  {name} {}", escape(line)).expect("a string takes everything");
        }
    }
    if let Some(hint) = &fault.hint {
        writeln!(text, "\n{} {}", paint.cyan("hint:"), escape(hint)).expect("a string takes everything");
    }
    text
}

/// Something worth knowing that stops nothing.
pub fn warning(message: &str, hint: Option<&str>, paint: Paint) -> String {
    let mut text = format!("{} {}\n", paint.yellow("warning:"), escape(message));
    if let Some(hint) = hint {
        writeln!(text, "   {} {}", paint.cyan("hint:"), escape(hint)).expect("a string takes everything");
    }
    text
}

/// The one of `names` that was probably meant by `word`.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.into_iter().map(|name| (edits(word, name), name)).min()?;
    let letters = word.chars().count();
    (near.0 < letters && near.0 <= EDITS_MAX.min(1 + letters / 3)).then_some(near.1)
}

/// The fault for a name that none of a few things has: the one that was probably meant, or all there are.
pub fn none_of<'a>(what: &str, word: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> Fault {
    let fault = Fault::not_found(format!("no {what} is called {word:?}"));
    match nearest(word, names.clone()) {
        Some(meant) => fault.hint(format!("did you mean {meant:?}?")),
        None => fault.hint(format!("it is one of {}", names.into_iter().collect::<Vec<_>>().join(", "))),
    }
}

/// JSON as a `T`, or what is wrong with it: `what` names it.
pub fn from_json<T: DeserializeOwned>(value: Value, what: &str) -> Result<T, Fault> {
    serde_json::from_value(value).map_err(|error| {
        unknown_name(&error).unwrap_or_else(|| Fault::invalid(format!("this is no {what}")).cause(error))
    })
}

/// The fault for a name that serde does not know: the one that was probably meant, and those that there are.
pub fn unknown_name(error: &serde_json::Error) -> Option<Fault> {
    let text = error.to_string();
    let (unknown, known) = text.split_once(", expected ")?;
    let word = unknown.strip_prefix("unknown ")?.split('`').nth(1)?;
    let known = known.rsplit_once(" at line ").map_or(known, |(known, _)| known);
    let hint = match nearest(word, known.split('`').skip(1).step_by(2)) {
        Some(meant) => format!("did you mean `{meant}`? expected {known}"),
        None => format!("expected {known}"),
    };
    Some(Fault::invalid(unknown).hint(hint))
}

/// How many letters must be put in, left out or changed (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let kept = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = kept.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The text with every character that a terminal would act on shown as its code; line ends and tabs stay.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            // As the Control Pictures of Unicode, one column each.
            '\x1b' => safe.push('␛'),
            '\r' => safe.push('␍'),
            '\0'..='\x1f' => safe.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
            '\x7f' => safe.push('␡'),
            c if acts(c) => write!(safe, "<U+{:04X}>", c as u32).expect("a string takes everything"),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// [`escape`] for a place of one line: line ends and tabs become spaces, runs of them one.
pub fn escape_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match escape(&line) {
        Cow::Borrowed(_) => line,
        Cow::Owned(safe) => safe,
    }
}

/// [`escape`] for a text of JSON, which means the same afterwards: such characters stand only inside its strings.
pub fn escape_json(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            // Every one of them is in the basic plane: four digits.
            write!(safe, "\\u{:04x}", c as u32).expect("a string takes everything");
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Controls (C0 but line end and tab, DEL, C1) and what turns the direction of text round.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_fault_names_its_cause_and_what_to_do() {
        let found =
            Fault::conflict("the store is in use").cause("os error 11\nsecond line").hint("attach to it");
        assert_eq!(
            fault(&found, Paint::Plain),
            "error: the store is in use\n  cause: os error 11\n         second line\n\nhint: attach to it\n"
        );
        assert_eq!(fault(&Fault::bug("no more"), Paint::Plain), "error: no more\n");
        assert_eq!(fault(&Fault::bug("x"), Paint::Coloured), "\x1b[1;31merror:\x1b[0m x\n");
    }

    #[test]
    fn a_name_is_near_when_few_letters_differ() {
        let near = |word| nearest(word, ["harbour", "harbour-day", "ansi16"]);
        assert_eq!(near("harbor"), Some("harbour"));
        assert_eq!(near("harbourday"), Some("harbour-day"));
        assert_eq!(near("ansi"), Some("ansi16"));
        assert_eq!(near("sea"), None);
        assert_eq!(near(""), None);
    }

    #[test]
    fn a_name_that_nothing_has_is_a_fault_with_what_there_is() {
        let hint = |word| none_of("part", word, ["disk", "log"]).hint.unwrap();
        assert_eq!(none_of("part", "dsk", ["disk"]).message, "no part is called \"dsk\"");
        assert_eq!(hint("dsk"), "did you mean \"disk\"?");
        assert_eq!(hint("zeppelin"), "it is one of disk, log");
    }

    #[test]
    fn an_unknown_name_says_which_was_meant() {
        let wrong = |value| from_json::<crate::door::NewDecision>(value, "decision").unwrap_err();
        let fault = wrong(serde_json::json!({ "titel": "t" }));
        assert_eq!(fault.message, "unknown field `titel`");
        let hint = fault.hint.unwrap();
        assert!(
            hint.starts_with("did you mean `title`? expected one of ") && hint.contains("`because`"),
            "{hint}"
        );
        let fault = wrong(serde_json::json!({ "title": "t", "options": [{ "solutoin": "s" }] }));
        assert_eq!(fault.message, "unknown field `solutoin` in options");
        assert!(fault.hint.unwrap().starts_with("did you mean `solution`?"));
        let fault = wrong(serde_json::json!({ "title": "t", "status": "acepted" }));
        assert_eq!(fault.message, "unknown variant `acepted`");
        assert!(fault.hint.unwrap().starts_with("did you mean `accepted`?"));
        let fault = wrong(serde_json::json!({ "title": "t", "zzzzzzzz": 1 }));
        assert!(fault.hint.unwrap().starts_with("expected one of "));
        let fault = wrong(serde_json::json!({ "title": 7 }));
        assert_eq!(fault.message, "this is no decision");
        assert!(fault.cause.unwrap().contains("expected a string"));
    }

    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(escape(text), shown);
    }

    #[test]
    fn nothing_that_a_terminal_acts_on_gets_through() {
        check("plain, ünïcode, 日本, 👍🏽\n\tand lines", "plain, ünïcode, 日本, 👍🏽\n\tand lines");
        check("\x1b]0;title\x07\x1b[2J", "␛]0;title␇␛[2J");
        check("\u{9b}31m\u{7f}\r", "<U+009B>31m␡␍");
        check("user\u{202e}gpj.exe\u{2066}", "user<U+202E>gpj.exe<U+2066>");
        assert_eq!(escape_line(" a\r\n\tb\x1b[0m "), "a b␛[0m");
    }

    #[test]
    fn json_is_escaped_and_means_the_same() {
        let value = serde_json::json!({ "a": "\u{9b}31m \u{202e} \x1b ü" });
        let safe = escape_json(&value.to_string()).into_owned();
        assert!(!safe.chars().any(acts), "{safe}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }

    proptest! {
        #[test]
        fn what_is_escaped_acts_no_more(text in "[\\PC\\x00-\\x1f\\u{80}-\\u{9f}\\u{202a}-\\u{202e}]{0,60}") {
            let safe = escape(&text).into_owned();
            prop_assert!(!safe.chars().any(acts));
            prop_assert_eq!(escape(&safe), safe.as_str());
        }
    }
}
