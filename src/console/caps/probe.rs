//! What the terminal is asked, and how its answers are told from what a person types meanwhile.
//!
//! Asked in one go: which keyboard flags it knows (kitty), its background (OSC 11), and a primary device report (DA1),
//! which ends the answers. Bytes come in any pieces, with keys between them: [`Reading`] takes them as they come and
//! gives back the keys as events. An answer that comes after the time was up reaches the program as typed characters;
//! [`Strays`] knows them by their beginning and swallows them.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use crate::console::theme::Mode;

/// Keyboard flags, background colour, device report.
pub const QUERY: &[u8] = b"\x1b[?u\x1b]11;?\x1b\\\x1b[c";
/// Longer than any answer: what grows beyond this is none.
const ANSWER_BYTES_MAX: usize = 256;

/// What the terminal said of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answers {
    pub background: Option<Mode>,
    /// Knows the kitty keyboard flags: Ctrl-Enter and the like can be told apart.
    pub keyboard: bool,
    /// The device report came: nothing more will.
    pub complete: bool,
}

/// Answers and keys, being read.
#[derive(Debug, Default)]
pub struct Reading {
    pub answers: Answers,
    /// What was typed meanwhile.
    pub typed: Vec<Event>,
    bytes: Vec<u8>,
}

impl Reading {
    /// Takes what the terminal sent.
    pub fn take(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        let mut rest = std::mem::take(&mut self.bytes);
        loop {
            match token(&rest) {
                Token::Wait => break,
                Token::Answer(len) => {
                    self.answer(&rest[..len]);
                    rest.drain(..len);
                }
                Token::Key(event, len) => {
                    self.typed.push(event);
                    rest.drain(..len);
                }
                Token::Skip(len) => {
                    rest.drain(..len);
                }
            }
        }
        self.bytes = rest;
    }

    /// The time is up. What waits for its end is a lone Esc, or the beginning of an answer.
    pub fn end(mut self) -> (Answers, Vec<Event>, Strays) {
        let mut strays = Strays::new(!self.answers.complete);
        if self.bytes == b"\x1b" {
            self.typed.push(key(KeyCode::Esc, KeyModifiers::NONE));
        } else if self.bytes.starts_with(b"\x1b]") {
            strays.begin_inside();
        }
        (self.answers, self.typed, strays)
    }

    fn answer(&mut self, answer: &[u8]) {
        let text = String::from_utf8_lossy(answer);
        if let Some(colour) = text.strip_prefix("\x1b]11;") {
            self.answers.background = background(colour.trim_end_matches(['\x1b', '\\', '\x07']));
        } else if text.ends_with('u') {
            self.answers.keyboard = true;
        } else if text.ends_with('c') {
            self.answers.complete = true;
        }
    }
}

enum Token {
    /// The rest is still to come.
    Wait,
    Answer(usize),
    Key(Event, usize),
    Skip(usize),
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

/// The first thing in `bytes`.
fn token(bytes: &[u8]) -> Token {
    match bytes {
        [] | [0x1b] => Token::Wait,
        [0x1b, b']', ..] => control_string(bytes),
        [0x1b, b'[', b'?', rest @ ..] => match rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) {
            Some(end) => Token::Answer(end + 4),
            None => wait(bytes),
        },
        [0x1b, b'[', rest @ ..] => match rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) {
            Some(end) => {
                arrow(&rest[..=end]).map_or(Token::Skip(end + 3), |event| Token::Key(event, end + 3))
            }
            None => wait(bytes),
        },
        [0x1b, b'O', end, ..] => arrow(&[*end]).map_or(Token::Skip(3), |event| Token::Key(event, 3)),
        [0x1b, b'O'] => Token::Wait,
        [0x1b, 0x1b, ..] => Token::Key(key(KeyCode::Esc, KeyModifiers::NONE), 1),
        [0x1b, rest @ ..] => match token(rest) {
            Token::Key(Event::Key(pressed), len) => {
                Token::Key(key(pressed.code, pressed.modifiers | KeyModifiers::ALT), len + 1)
            }
            _ => Token::Skip(1),
        },
        [b'\r', ..] => Token::Key(key(KeyCode::Enter, KeyModifiers::NONE), 1),
        [b'\t', ..] => Token::Key(key(KeyCode::Tab, KeyModifiers::NONE), 1),
        [0x7f, ..] => Token::Key(key(KeyCode::Backspace, KeyModifiers::NONE), 1),
        [control @ 1..=0x1a, ..] => {
            Token::Key(key(KeyCode::Char(char::from(control - 1 + b'a')), KeyModifiers::CONTROL), 1)
        }
        [0..0x20, ..] => Token::Skip(1),
        _ => character(bytes),
    }
}

/// An OSC runs to BEL or ST.
fn control_string(bytes: &[u8]) -> Token {
    let bell = bytes.iter().position(|byte| *byte == 0x07).map(|at| at + 1);
    let string_end = bytes.windows(2).position(|pair| pair == b"\x1b\\").map(|at| at + 2);
    match bell.into_iter().chain(string_end).min() {
        Some(end) => Token::Answer(end),
        None => wait(bytes),
    }
}

fn wait(bytes: &[u8]) -> Token {
    if bytes.len() > ANSWER_BYTES_MAX { Token::Skip(bytes.len()) } else { Token::Wait }
}

fn arrow(sequence: &[u8]) -> Option<Event> {
    let code = match sequence {
        b"A" => KeyCode::Up,
        b"B" => KeyCode::Down,
        b"C" => KeyCode::Right,
        b"D" => KeyCode::Left,
        b"H" => KeyCode::Home,
        b"F" => KeyCode::End,
        b"Z" => return Some(key(KeyCode::BackTab, KeyModifiers::SHIFT)),
        b"5~" => KeyCode::PageUp,
        b"6~" => KeyCode::PageDown,
        b"I" => return Some(Event::FocusGained),
        b"O" => return Some(Event::FocusLost),
        _ => return None,
    };
    Some(key(code, KeyModifiers::NONE))
}

fn character(bytes: &[u8]) -> Token {
    let long = match bytes[0] {
        0..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf8 => 4,
        _ => return Token::Skip(1),
    };
    let Some(first) = bytes.get(..long) else { return Token::Wait };
    match std::str::from_utf8(first).ok().and_then(|text| text.chars().next()) {
        Some(c) => {
            let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
            Token::Key(key(KeyCode::Char(c), shift), long)
        }
        None => Token::Skip(1),
    }
}

/// `rgb:RRRR/GGGG/BBBB`, one to four digits each, or `rgba:` with a fourth: its brightness.
fn background(colour: &str) -> Option<Mode> {
    let parts = colour.split_once(':').filter(|(kind, _)| matches!(*kind, "rgb" | "rgba"))?.1;
    let mut parts = parts.split('/').map(|part| {
        let most = (1u32 << (4 * part.len().min(4))) - 1;
        u32::from_str_radix(part, 16)
            .ok()
            .filter(|_| (1..=4).contains(&part.len()))
            .map(|n| n as f32 / most as f32)
    });
    let mut next = || parts.next().flatten();
    let (red, green, blue) = (next()?, next()?, next()?);
    let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    Some(if luma > 0.5 { Mode::Light } else { Mode::Dark })
}

/// Swallows an answer that came too late, however it was cut into keys.
#[derive(Debug, Default)]
pub struct Strays {
    /// Some answer is still owed.
    expected: bool,
    /// Characters of a late answer so far, with the events they came as.
    held: Option<(String, Vec<Event>)>,
}

/// How every late answer begins.
const BEGINNING: &str = "11;rgb";

impl Strays {
    fn new(expected: bool) -> Strays {
        Strays { expected, held: None }
    }

    fn begin_inside(&mut self) {
        self.held = Some((BEGINNING.to_owned(), Vec::new()));
    }

    /// The events that are a person's, and the background when a late answer just ended.
    pub fn pass(&mut self, event: Event) -> (Vec<Event>, Option<Mode>) {
        if !self.expected {
            return (vec![event], None);
        }
        let pressed = match &event {
            Event::Key(pressed) => Some((pressed.code, pressed.modifiers - KeyModifiers::SHIFT)),
            _ => None,
        };
        match (&mut self.held, pressed) {
            (None, Some((KeyCode::Char(']'), KeyModifiers::ALT))) => {
                self.held = Some((String::new(), vec![event]));
                (Vec::new(), None)
            }
            (None, _) => (vec![event], None),
            (
                Some((text, _)),
                Some((KeyCode::Char('\\'), KeyModifiers::ALT) | (KeyCode::Char('g'), KeyModifiers::CONTROL)),
            ) => {
                let seen = background(text.trim_start_matches("11;"));
                *self = Strays::new(false);
                (Vec::new(), seen)
            }
            (Some((text, events)), Some((KeyCode::Char(c), KeyModifiers::NONE))) if goes_on(text, c) => {
                text.push(c);
                events.push(event);
                (Vec::new(), None)
            }
            (Some(_), _) => {
                let (text, mut events) = self.held.take().unwrap_or_default();
                if text.starts_with(BEGINNING) {
                    events.clear();
                    self.expected = false;
                }
                events.push(event);
                (events, None)
            }
        }
    }
}

/// `c` may follow `text` in an answer.
fn goes_on(text: &str, c: char) -> bool {
    match BEGINNING.strip_prefix(text) {
        Some(rest) if !rest.is_empty() => rest.starts_with(c),
        _ => text.len() < ANSWER_BYTES_MAX && (c.is_ascii_hexdigit() || matches!(c, '/' | ':')),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn char_key(c: char) -> Event {
        key(KeyCode::Char(c), KeyModifiers::NONE)
    }

    #[track_caller]
    fn check(sent: &[u8], answers: Answers, typed: &[Event]) {
        for piece in 1..=sent.len().max(1) {
            let mut reading = Reading::default();
            sent.chunks(piece).for_each(|bytes| reading.take(bytes));
            let (said, keys, _) = reading.end();
            assert_eq!((said, keys.as_slice()), (answers, typed), "in pieces of {piece}");
        }
    }

    const LIGHT: Answers = Answers { background: Some(Mode::Light), keyboard: true, complete: true };

    #[test]
    fn answers_are_read_in_any_pieces() {
        check(b"\x1b[?0u\x1b]11;rgb:ffff/ffff/f0f0\x1b\\\x1b[?62;22c", LIGHT, &[]);
        check(b"\x1b[?1u\x1b]11;rgb:ff/ff/ff\x07\x1b[?6c", LIGHT, &[]);
        let dark = Answers { background: Some(Mode::Dark), keyboard: false, complete: true };
        check(b"\x1b]11;rgb:1010/1717/1f1f\x1b\\\x1b[?1;2c", dark, &[]);
        check(b"\x1b[?1;2c", Answers { complete: true, ..Answers::default() }, &[]);
        check(b"", Answers::default(), &[]);
    }

    #[test]
    fn keys_typed_meanwhile_are_kept_in_order() {
        let typed = [
            char_key('s'),
            char_key('é'),
            key(KeyCode::Down, KeyModifiers::NONE),
            key(KeyCode::Enter, KeyModifiers::NONE),
            key(KeyCode::Char('n'), KeyModifiers::CONTROL),
            key(KeyCode::Char('x'), KeyModifiers::ALT),
        ];
        check(
            "s\x1b[?0ué\x1b[B\x1b]11;rgb:ffff/ffff/ffff\x1b\\\r\x0e\x1bx\x1b[?6c".as_bytes(),
            LIGHT,
            &typed,
        );
    }

    #[test]
    fn a_lone_escape_is_the_key() {
        check(b"\x1b", Answers::default(), &[key(KeyCode::Esc, KeyModifiers::NONE)]);
    }

    /// As crossterm reads a late answer: Alt-], its characters, Alt-\.
    fn late(text: &str) -> Vec<Event> {
        let mut events = vec![key(KeyCode::Char(']'), KeyModifiers::ALT)];
        events.extend(text.chars().map(char_key));
        events.push(key(KeyCode::Char('\\'), KeyModifiers::ALT));
        events
    }

    #[test]
    fn a_late_answer_is_never_typed_text() {
        let (_, _, mut strays) = Reading::default().end();
        let mut passed = Vec::new();
        let mut seen = None;
        let events = [vec![char_key('a')], late("11;rgb:ffff/ffff/ffff"), vec![char_key('b')]].concat();
        for event in events {
            let (events, mode) = strays.pass(event);
            passed.extend(events);
            seen = seen.or(mode);
        }
        assert_eq!((passed, seen), (vec![char_key('a'), char_key('b')], Some(Mode::Light)));
    }

    #[test]
    fn an_answer_cut_off_by_the_time_limit_is_swallowed_too() {
        let mut reading = Reading::default();
        reading.take(b"\x1b]11;rgb:ffff/ff");
        let (_, typed, mut strays) = reading.end();
        let rest = "ff/ffff"
            .chars()
            .map(char_key)
            .chain([key(KeyCode::Char('\\'), KeyModifiers::ALT), char_key('q')]);
        let passed: Vec<Event> = rest.flat_map(|event| strays.pass(event).0).collect();
        assert_eq!((typed, passed), (vec![], vec![char_key('q')]));
    }

    #[test]
    fn what_only_begins_like_an_answer_is_given_back() {
        let (_, _, mut strays) = Reading::default().end();
        let events = [key(KeyCode::Char(']'), KeyModifiers::ALT), char_key('1'), char_key('x')];
        let passed: Vec<Event> = events.clone().into_iter().flat_map(|event| strays.pass(event).0).collect();
        assert_eq!(passed, events);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1..40usize) {
            let mut reading = Reading::default();
            bytes.chunks(piece).for_each(|bytes| reading.take(bytes));
            let (_, typed, _) = reading.end();
            prop_assert!(typed.len() <= bytes.len());
        }
    }
}
