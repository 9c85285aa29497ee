//! One line of text that is being typed: the query, a filter, a path. Positions are bytes and always stand between
//! graphemes, so that neither an accent nor an emoji is ever cut in two.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A query is a sentence, not a document; a paste beyond this is cut.
pub const LINE_BYTES_MAX: usize = 4_096;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
    at: usize,
}

/// What a key did to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    Changed,
    Moved,
    Nothing,
}

impl Line {
    /// The keys of every text line: letters, moving, deleting, and those that shells have for it.
    pub fn key(&mut self, key: KeyEvent) -> Typed {
        let before = self.text.len();
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char('w') if control => self.delete_word(),
            KeyCode::Char('u') if control => self.delete_to_start(),
            KeyCode::Char('k') if control => self.delete_to_end(),
            KeyCode::Char('h') if control => self.backspace(),
            KeyCode::Char('d') if control => self.delete(),
            KeyCode::Char('d') if alt => self.delete_word_after(),
            KeyCode::Char('a') if control => self.home(),
            KeyCode::Char('e') if control => self.end(),
            KeyCode::Char('b') if control => self.left(),
            KeyCode::Char('f') if control => self.right(),
            KeyCode::Char('b') if alt => self.word_left(),
            KeyCode::Char('f') if alt => self.word_right(),
            KeyCode::Char(_) if control || alt => return Typed::Nothing,
            KeyCode::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace if control || alt => self.delete_word(),
            KeyCode::Backspace => self.backspace(),
            KeyCode::Delete => self.delete(),
            KeyCode::Left if control || alt => self.word_left(),
            KeyCode::Right if control || alt => self.word_right(),
            KeyCode::Left => self.left(),
            KeyCode::Right => self.right(),
            KeyCode::Home => self.home(),
            KeyCode::End => self.end(),
            _ => return Typed::Nothing,
        }
        // No key replaces text by other text of the same length.
        if self.text.len() == before { Typed::Moved } else { Typed::Changed }
    }

    pub fn new(text: &str) -> Line {
        let mut line = Line::default();
        line.insert(text);
        line
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.at = 0;
    }

    pub fn set(&mut self, text: &str) {
        self.clear();
        self.insert(text);
    }

    /// Inserts what may stand in one line: line ends become spaces, other control characters go.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars() {
            let c = if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c };
            if c.is_control() || self.text.len() + c.len_utf8() > LINE_BYTES_MAX {
                continue;
            }
            self.text.insert(self.at, c);
            self.at += c.len_utf8();
        }
    }

    /// The cursor to this byte, or to the character before it.
    pub fn go_to(&mut self, at: usize) {
        self.at = self.text.floor_char_boundary(at.min(self.text.len()));
    }

    /// Puts `text` where `range` stands; a range that is not of this text is left alone.
    pub fn replace(&mut self, range: std::ops::Range<usize>, text: &str) {
        if self.text.get(range.clone()).is_some() {
            self.text.replace_range(range.clone(), "");
            self.at = range.start;
            self.insert(text);
        }
    }

    pub fn left(&mut self) {
        self.at = self.before(self.at);
    }

    pub fn right(&mut self) {
        self.at = self.after(self.at);
    }

    pub fn home(&mut self) {
        self.at = 0;
    }

    pub fn end(&mut self) {
        self.at = self.text.len();
    }

    pub fn word_left(&mut self) {
        self.at = self.word_before(self.at);
    }

    pub fn word_right(&mut self) {
        let rest = &self.text[self.at..];
        let skipped = rest.len() - rest.trim_start().len();
        let word = rest[skipped..].find(char::is_whitespace).unwrap_or(rest.len() - skipped);
        self.at += skipped + word;
    }

    pub fn backspace(&mut self) {
        let from = self.before(self.at);
        self.text.replace_range(from..self.at, "");
        self.at = from;
    }

    pub fn delete(&mut self) {
        let to = self.after(self.at);
        self.text.replace_range(self.at..to, "");
    }

    pub fn delete_word(&mut self) {
        let from = self.word_before(self.at);
        self.text.replace_range(from..self.at, "");
        self.at = from;
    }

    pub fn delete_word_after(&mut self) {
        let from = self.at;
        self.word_right();
        self.text.replace_range(from..self.at, "");
        self.at = from;
    }

    pub fn delete_to_end(&mut self) {
        self.text.truncate(self.at);
    }

    pub fn delete_to_start(&mut self) {
        self.text.replace_range(..self.at, "");
        self.at = 0;
    }

    /// What to draw in `width` columns and in which of them the cursor stands.
    pub fn window(&self, width: usize) -> (&str, usize) {
        let before = self.text[..self.at].width();
        if before < width {
            return (&self.text, before);
        }
        let mut start = 0;
        let mut skipped = 0;
        for (i, grapheme) in self.text.grapheme_indices(true) {
            if before - skipped < width {
                start = i;
                break;
            }
            skipped += grapheme.width();
            start = i + grapheme.len();
        }
        (&self.text[start..], before - skipped)
    }

    /// The cursor to a column of that window.
    pub fn point(&mut self, column: usize, width: usize) {
        let (shown, _) = self.window(width.max(1));
        let mut used = 0;
        let at = shown.grapheme_indices(true).find(|(_, grapheme)| {
            used += grapheme.width();
            used > column
        });
        self.at = self.text.len() - shown.len() + at.map_or(shown.len(), |(at, _)| at);
    }

    fn before(&self, at: usize) -> usize {
        self.text[..at].grapheme_indices(true).next_back().map_or(0, |(i, _)| i)
    }

    fn after(&self, at: usize) -> usize {
        self.text[at..].graphemes(true).next().map_or(at, |g| at + g.len())
    }

    fn word_before(&self, at: usize) -> usize {
        let head = self.text[..at].trim_end();
        head.rfind(char::is_whitespace).map_or(0, |i| i + head[i..].chars().next().map_or(1, char::len_utf8))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn editing_keeps_graphemes_whole() {
        let mut line = Line::new("fix the cafe\u{301} 👩‍👩‍👧");
        line.backspace();
        assert_eq!(line.text(), "fix the cafe\u{301} ");
        line.backspace();
        line.backspace();
        assert_eq!(line.text(), "fix the caf");
        line.delete_word();
        assert_eq!(line.text(), "fix the ");
        line.word_left();
        line.insert("all ");
        assert_eq!(line.text(), "fix all the ");
        line.delete_to_start();
        assert_eq!((line.text(), line.at()), ("the ", 0));
    }

    #[test]
    fn keys_of_the_shell_edit() {
        let mut line = Line::new("roll back first");
        let mut press = |modifiers, keys: &str| {
            for c in keys.chars() {
                line.key(KeyEvent::new(KeyCode::Char(c), modifiers));
            }
            (line.text().to_owned(), line.at())
        };
        assert_eq!(press(KeyModifiers::CONTROL, "af"), ("roll back first".into(), 1));
        assert_eq!(press(KeyModifiers::ALT, "d"), ("r back first".into(), 1));
        assert_eq!(press(KeyModifiers::CONTROL, "bd"), (" back first".into(), 0));
        assert_eq!(press(KeyModifiers::ALT, "f"), (" back first".into(), 5));
        assert_eq!(press(KeyModifiers::CONTROL, "k"), (" back".into(), 5));
        assert_eq!(press(KeyModifiers::CONTROL, "ae"), (" back".into(), 5));
    }

    #[test]
    fn a_paste_is_one_clean_line_of_bounded_length() {
        let mut line = Line::default();
        line.insert("a\nb\u{1b}[31mc");
        assert_eq!(line.text(), "a b[31mc");
        line.insert(&"x".repeat(1 << 20));
        assert_eq!(line.text().len(), LINE_BYTES_MAX);
    }

    #[test]
    fn a_click_sets_the_cursor_before_what_stands_there() {
        let mut line = Line::new("漢字 and more");
        let mut point = |column, width| {
            line.point(column, width);
            line.at()
        };
        assert_eq!([point(0, 40), point(1, 40), point(2, 40), point(5, 40)], [0, 0, 3, 7]);
        assert_eq!(point(39, 40), 15, "behind the last");
        // Of a line longer than its room the end is seen, and what is seen is clicked.
        assert_eq!(point(0, 5), 11);
    }

    proptest! {
        #[test]
        fn the_cursor_always_stands_between_characters(text in ".{0,40}", keys in prop::collection::vec(0..11u8, 0..60)) {
            let mut line = Line::new(&text);
            for key in keys {
                match key {
                    0 => line.left(),
                    1 => line.right(),
                    2 => line.backspace(),
                    3 => line.delete(),
                    4 => line.word_left(),
                    5 => line.word_right(),
                    6 => line.delete_word(),
                    7 => line.insert("é 漢"),
                    8 => line.delete_word_after(),
                    9 => line.delete_to_end(),
                    _ => line.home(),
                }
                prop_assert!(line.text().is_char_boundary(line.at()));
                let (shown, column) = line.window(10);
                prop_assert!(line.text().ends_with(shown) && column < 10);
            }
        }
    }
}
