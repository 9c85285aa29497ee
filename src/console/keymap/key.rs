//! One key, as a file writes it (`ctrl-o`), as a person reads it (`Ctrl-O`), and as the terminal sends it.
//!
//! Terminals differ in what they say of Shift: a capital or a sign already holds it. So a character never carries
//! Shift here, and Shift-Tab is one key, however it came.

use std::{fmt, str::FromStr};

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no key: try \"q\", \"ctrl-o\", \"alt-enter\", \"shift-tab\", \"f5\", \"pgdn\" or \"g g\"")]
pub struct KeyError(pub String);

/// Keys with a name: in files (the first spelling is the one printed), and in code.
pub(super) const NAMED: [(&str, KeyCode); 22] = [
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pgup", KeyCode::PageUp),
    ("pageup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("pagedown", KeyCode::PageDown),
    ("minus", KeyCode::Char('-')),
    ("plus", KeyCode::Char('+')),
];

impl Key {
    /// `None` for a key that was let go, and for what is no key of its own.
    pub fn of(event: &KeyEvent) -> Option<Key> {
        let named = !matches!(event.code, KeyCode::Modifier(_) | KeyCode::Null | KeyCode::Media(_));
        (event.kind != KeyEventKind::Release && named).then(|| Key::new(event.code, event.modifiers))
    }

    pub fn new(code: KeyCode, modifiers: KeyModifiers) -> Key {
        let told = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT;
        let modifiers = modifiers & told;
        match code {
            KeyCode::BackTab => Key { code: KeyCode::Tab, modifiers: modifiers | KeyModifiers::SHIFT },
            KeyCode::Char(c) if modifiers.contains(KeyModifiers::CONTROL) => Key {
                code: KeyCode::Char(c.to_ascii_lowercase()),
                modifiers: modifiers - KeyModifiers::SHIFT,
            },
            KeyCode::Char(c) => {
                let upper =
                    modifiers.contains(KeyModifiers::SHIFT).then(|| c.to_uppercase().next()).flatten();
                Key { code: KeyCode::Char(upper.unwrap_or(c)), modifiers: modifiers - KeyModifiers::SHIFT }
            }
            code => Key { code, modifiers },
        }
    }

    pub fn code(self) -> KeyCode {
        self.code
    }

    pub fn modifiers(self) -> KeyModifiers {
        self.modifiers
    }

    /// The character that this key types.
    pub fn text(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if self.modifiers.is_empty() => Some(c),
            _ => None,
        }
    }

    /// The key that most terminals send for this one, when that is another.
    pub(super) fn twin(self) -> Option<&'static str> {
        if self.modifiers != KeyModifiers::CONTROL {
            return None;
        }
        match self.code {
            KeyCode::Char('i') => Some("tab"),
            KeyCode::Char('m') => Some("enter"),
            KeyCode::Char('[') => Some("esc"),
            _ => None,
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Key, KeyError> {
        let wrong = || KeyError(text.to_owned());
        let mut modifiers = KeyModifiers::empty();
        let mut rest = text;
        while let Some((word, after)) =
            rest.split_once('-').filter(|(word, after)| !word.is_empty() && !after.is_empty())
        {
            let modifier = match word.to_ascii_lowercase().as_str() {
                "ctrl" | "control" | "c" => KeyModifiers::CONTROL,
                "alt" | "meta" | "a" => KeyModifiers::ALT,
                "shift" => KeyModifiers::SHIFT,
                _ => return Err(wrong()),
            };
            modifiers |= modifier;
            rest = after;
        }
        let mut chars = rest.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return if c.is_control() || c == ' ' {
                Err(wrong())
            } else {
                Ok(Key::new(KeyCode::Char(c), modifiers))
            };
        }
        let lower = rest.to_ascii_lowercase();
        if let Some((_, code)) = NAMED.iter().find(|(name, _)| *name == lower) {
            return Ok(Key::new(*code, modifiers));
        }
        let number = lower.strip_prefix('f').and_then(|n| n.parse().ok()).filter(|n| (1..=24).contains(n));
        number.map(|n| Key::new(KeyCode::F(n), modifiers)).ok_or_else(wrong)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, word) in
            [(KeyModifiers::CONTROL, "Ctrl-"), (KeyModifiers::ALT, "Alt-"), (KeyModifiers::SHIFT, "Shift-")]
        {
            if self.modifiers.contains(modifier) {
                f.write_str(word)?;
            }
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                write!(f, "{}", c.to_ascii_uppercase())
            }
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            code => match NAMED.iter().find(|(_, named)| *named == code) {
                Some((name, _)) => write!(f, "{}{}", name[..1].to_ascii_uppercase(), &name[1..]),
                None => write!(f, "{code}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, printed: &str) {
        let key: Key = written.parse().unwrap();
        assert_eq!(key.to_string(), printed);
        assert_eq!(printed.parse::<Key>().unwrap(), key, "what is printed can be written");
    }

    #[test]
    fn keys_are_written_and_printed() {
        check("q", "q");
        check("G", "G");
        check("shift-g", "G");
        check("ctrl-o", "Ctrl-O");
        check("C-o", "Ctrl-O");
        check("alt-enter", "Alt-Enter");
        check("shift-tab", "Shift-Tab");
        check("space", "Space");
        check("pgdn", "PgDn");
        check("escape", "Esc");
        check("f12", "F12");
        check("-", "-");
        check("ctrl--", "Ctrl--");
        check("?", "?");
        check("é", "é");
    }

    #[test]
    fn what_is_no_key_says_so() {
        for text in ["", " ", "hyper-x", "ctrl", "f0", "f25", "ab", "\u{1b}"] {
            assert_eq!(text.parse::<Key>(), Err(KeyError(text.to_owned())));
        }
    }

    #[test]
    fn what_terminals_send_is_one_key() {
        let sent = |code, modifiers| Key::of(&KeyEvent::new(code, modifiers)).unwrap();
        let shift = KeyModifiers::SHIFT;
        assert_eq!(sent(KeyCode::BackTab, shift), "shift-tab".parse().unwrap());
        assert_eq!(sent(KeyCode::Tab, shift), "shift-tab".parse().unwrap());
        assert_eq!(sent(KeyCode::Char('G'), shift), "G".parse().unwrap());
        assert_eq!(sent(KeyCode::Char('g'), shift), "G".parse().unwrap());
        assert_eq!(sent(KeyCode::Char('?'), shift), "?".parse().unwrap());
        let released =
            KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::empty(), KeyEventKind::Release);
        assert_eq!(Key::of(&released), None);
    }
}
