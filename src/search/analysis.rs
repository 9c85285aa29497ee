//! Analysis: how text becomes terms, the same for what is kept and for what is asked.
//!
//! Text is cut into *runs*: word characters with joints between them (`fs::read_to_string`, `a/b/c.rs`, `two-fold`).
//! A run of several pieces gives itself whole, its groups between `::`, `.` and `/`, and each piece; a piece in
//! camelCase also gives its parts. Pieces alone take positions, so a phrase is a sequence of pieces however they were
//! joined. Scripts without spaces give each character, and each pair of neighbours, so that substrings are found.
//!
//! **Invariant**: tokens come with positions that never go back; equal text gives equal tokens.

mod fold;

use std::{
    cell::RefCell,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use rustc_hash::FxHashMap;

use rust_stemmers::{Algorithm, Stemmer};

use self::fold::{fold, is_mark, is_pictograph, is_unspaced};

/// Longer words are cut here, at a character: hashes and encoded blobs.
const WORD_BYTES_MAX: usize = 96;
/// Longer runs are not kept whole; their pieces are.
const WHOLE_BYTES_MAX: usize = 160;
const PIECES_MAX: usize = 24;
/// Joints in a row, such as `::` or `../`, that still hold a run together.
const JOINTS_MAX: usize = 3;
/// Stems remembered by a thread; forgotten all at once when there are more.
const STEMS_MAX: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A piece: a word as it is read. Takes a position.
    Piece,
    /// A character among others of a script without spaces. Takes a position.
    Sign,
    /// Two such neighbours, at the first one's position.
    Pair,
    /// A part of a camelCase piece, at the piece's position.
    Part,
    /// Pieces with their joints, at the first piece's position.
    Whole,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// Lower case, accents folded.
    pub text: &'a str,
    pub kind: Kind,
    pub position: u32,
    /// Bytes of the analysed text.
    pub span: Range<usize>,
}

/// Cuts `text` into tokens; answers how many positions it took.
pub(super) fn analyse(text: &str, mut emit: impl FnMut(Token<'_>)) -> u32 {
    let mut cut = Cut { text, position: 0, folded: String::new(), pieces: Vec::new(), emit: &mut emit };
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        at = match class(c) {
            Class::Word => cut.run(at),
            Class::Sign => cut.signs(at),
            Class::Joint | Class::Apostrophe | Class::Gap => at + c.len_utf8(),
        };
    }
    cut.position
}

/// Counts how often known words were to be forgotten.
static FORGOTTEN: AtomicU64 = AtomicU64::new(0);

/// Every thread lets go of the words it knows the stems of, before it takes the next.
pub(super) fn forget_words() {
    FORGOTTEN.fetch_add(1, Ordering::Relaxed);
}

/// The stems of words, by a thread that had them before.
#[derive(Default)]
struct Known {
    stems: FxHashMap<Box<str>, Box<str>>,
    /// How often it forgot them.
    forgotten: u64,
}

/// The Snowball English stem of a folded word; other scripts and identifiers stay as they are.
pub(super) fn stem<R>(word: &str, then: impl FnOnce(&str) -> R) -> R {
    thread_local! {
        static KNOWN: RefCell<Known> = RefCell::default();
    }
    if !word.bytes().all(|b| b.is_ascii_lowercase() || b == b'\'') {
        return then(word);
    }
    KNOWN.with_borrow_mut(|Known { stems, forgotten }| {
        let now = FORGOTTEN.load(Ordering::Relaxed);
        if std::mem::replace(forgotten, now) != now {
            stems.clear();
        }
        if let Some(stem) = stems.get(word) {
            return then(stem);
        }
        let stem = Stemmer::create(Algorithm::English).stem(word).into_owned().into_boxed_str();
        if stems.len() >= STEMS_MAX {
            stems.clear();
        }
        let answer = then(&stem);
        stems.insert(word.into(), stem);
        answer
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Sign,
    Joint,
    Apostrophe,
    Gap,
}

fn class(c: char) -> Class {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' => Class::Word,
        '_' | '-' | '.' | '/' | ':' | '\\' | '@' => Class::Joint,
        '\'' | '’' => Class::Apostrophe,
        c if c.is_ascii() => Class::Gap,
        c if is_unspaced(c) || is_pictograph(c) => Class::Sign,
        c if c.is_alphanumeric() || is_mark(c) => Class::Word,
        _ => Class::Gap,
    }
}

struct Cut<'t, 'e> {
    text: &'t str,
    position: u32,
    folded: String,
    pieces: Vec<Range<usize>>,
    emit: &'e mut dyn FnMut(Token<'_>),
}

impl Cut<'_, '_> {
    fn class_at(&self, at: usize) -> Option<(Class, usize)> {
        self.text[at..].chars().next().map(|c| (class(c), c.len_utf8()))
    }

    /// Cuts the run that starts at `start`; answers where it ends.
    fn run(&mut self, start: usize) -> usize {
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.clear();
        let mut at = start;
        let end = loop {
            let piece = at..self.piece_end(at);
            at = piece.end;
            pieces.push(piece);
            match self.joined(at) {
                Some(next) if pieces.len() < PIECES_MAX => at = next,
                _ => break at,
            }
        };
        if let [piece] = pieces.as_slice() {
            // Most runs are one word.
            let piece = piece.clone();
            self.pieces = pieces;
            let end = self.pluses(end);
            self.whole(start..end, std::slice::from_ref(&piece));
            self.piece(piece);
            return end;
        }
        self.whole(start..end, &pieces);
        let groups = self.groups(&pieces);
        for group in groups {
            if group.len() < pieces.len() {
                let (first, last) = (&pieces[group.start], &pieces[group.end - 1]);
                self.whole(first.start..last.end, &pieces[group.clone()]);
            }
            for piece in &pieces[group] {
                self.piece(piece.clone());
            }
        }
        self.pieces = pieces;
        end
    }

    fn piece_end(&self, start: usize) -> usize {
        let mut at = start;
        while let Some((class, len)) = self.class_at(at) {
            let inside = class == Class::Word
                || class == Class::Apostrophe && matches!(self.class_at(at + len), Some((Class::Word, _)));
            if !inside {
                break;
            }
            at += len;
        }
        at
    }

    /// Where the next piece starts, when joints alone stand between.
    fn joined(&self, end: usize) -> Option<usize> {
        let mut at = end;
        for _ in 0..=JOINTS_MAX {
            match self.class_at(at)? {
                (Class::Joint, len) => at += len,
                (Class::Word, _) if at > end => return Some(at),
                _ => return None,
            }
        }
        None
    }

    /// The end of `c++` or `c#`, with what belongs to the name.
    fn pluses(&self, end: usize) -> usize {
        let rest = &self.text.as_bytes()[end..];
        let tail =
            rest.iter().take_while(|b| **b == b'+').count().max(usize::from(rest.first() == Some(&b'#')));
        let apart = !matches!(self.class_at(end + tail), Some((Class::Word | Class::Sign, _)));
        // `a+b` and `a+` are sums; `c++` is a name.
        if apart && (tail == 2 || rest.first() == Some(&b'#')) { end + tail } else { end }
    }

    /// Ranges of pieces between joints other than `_` and `-`.
    fn groups(&self, pieces: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut groups = Vec::new();
        let mut start = 0;
        for i in 1..pieces.len() {
            let joint = &self.text[pieces[i - 1].end..pieces[i].start];
            if joint.bytes().any(|b| b != b'_' && b != b'-') {
                groups.push(start..i);
                start = i;
            }
        }
        groups.push(start..pieces.len());
        groups
    }

    fn whole(&mut self, span: Range<usize>, pieces: &[Range<usize>]) {
        let more_than_a_piece = pieces.first().is_some_and(|piece| *piece != span);
        if more_than_a_piece && span.len() <= WHOLE_BYTES_MAX {
            self.token(Kind::Whole, span);
        }
    }

    fn piece(&mut self, span: Range<usize>) {
        let parts = camel_parts(&self.text[span.clone()]);
        self.token(Kind::Piece, span.clone());
        for part in parts {
            self.token(Kind::Part, span.start + part.start..span.start + part.end);
        }
        self.position += 1;
    }

    /// Cuts the characters of a script without spaces that start at `start`.
    fn signs(&mut self, start: usize) -> usize {
        let mut at = start;
        let mut alone = true;
        while let Some(c) = self.text[at..].chars().next().filter(|c| class(*c) == Class::Sign) {
            let next = at + c.len_utf8();
            let pair = self.text[next..].chars().next().filter(|n| is_unspaced(c) && is_unspaced(*n));
            alone &= pair.is_none();
            self.token(if alone { Kind::Piece } else { Kind::Sign }, at..next);
            if let Some(second) = pair {
                self.token(Kind::Pair, at..next + second.len_utf8());
            } else {
                alone = true;
            }
            self.position += 1;
            at = next;
        }
        at
    }

    fn token(&mut self, kind: Kind, span: Range<usize>) {
        self.folded.clear();
        fold(&self.text[span.clone()], &mut self.folded);
        let max = if kind == Kind::Whole { WHOLE_BYTES_MAX } else { WORD_BYTES_MAX };
        if self.folded.len() > max {
            let cut = (0..=max).rev().find(|at| self.folded.is_char_boundary(*at)).unwrap_or(0);
            self.folded.truncate(cut);
        }
        if !self.folded.is_empty() {
            (self.emit)(Token { text: &self.folded, kind, position: self.position, span });
        }
    }
}

/// `readToString` is `read`, `To`, `String`; `HTTPServer` is `HTTP`, `Server`. Empty where there is one part alone.
fn camel_parts(piece: &str) -> Vec<Range<usize>> {
    if !piece.chars().skip(1).any(char::is_uppercase) {
        return Vec::new();
    }
    let chars: Vec<(usize, char)> = piece.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for i in 1..chars.len() {
        let (before, here) = (chars[i - 1].1, chars[i].1);
        let next_is_lower = chars.get(i + 1).is_some_and(|(_, c)| c.is_lowercase());
        let up = here.is_uppercase() && (before.is_lowercase() || before.is_numeric() && next_is_lower);
        let end_of_capitals = here.is_uppercase() && before.is_uppercase() && next_is_lower;
        if up || end_of_capitals {
            parts.push(start..chars[i].0);
            start = chars[i].0;
        }
    }
    if parts.is_empty() {
        return parts;
    }
    parts.push(start..piece.len());
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut tokens = Vec::new();
        analyse(text, |token| {
            let mark = match token.kind {
                Kind::Piece => "",
                Kind::Sign => "'",
                Kind::Pair => "\"",
                Kind::Part => "~",
                Kind::Whole => "=",
            };
            tokens.push(format!("{}{mark}{}", token.position, token.text));
        });
        assert_eq!(tokens.join(" "), expected, "{text}");
    }

    #[test]
    fn words_are_lower_case_without_accents() {
        check("Über den Café-Tisch, naïve!", "0uber 1den 2=cafe-tisch 2cafe 3tisch 4naive");
        check("don't the user’s 'quoted'", "0don't 1the 2user's 3quoted");
        check("  …  ?! -- ", "");
    }

    #[test]
    fn identifiers_are_whole_and_in_pieces() {
        check("fs::read_to_string()", "0=fs::read_to_string 0fs 1=read_to_string 1read 2to 3string");
        check(
            "readToString HTTPServer E0382",
            "0readtostring 0~read 0~to 0~string 1httpserver 1~http 1~server 2e0382",
        );
        check("C++ and c# a+b", "0=c++ 0c 1and 2=c# 2c 3a 4b");
        check("src/lib.rs:12", "0=src/lib.rs:12 0src 1lib 2rs 312");
        check("wait... no", "0wait 1no");
    }

    #[test]
    fn scripts_without_spaces_are_found_by_any_substring() {
        check("検索語 x", "0'検 0\"検索 1'索 1\"索語 2'語 3x");
        check("語", "0語");
        check("CPU使用", "0cpu 1'使 1\"使用 2'用");
        check("ship 🚀 now", "0ship 1🚀 2now");
    }

    #[test]
    fn stems_are_english_and_leave_the_rest_alone() {
        for (word, expected) in
            [("running", "run"), ("deploys", "deploy"), ("e0382", "e0382"), ("бегущий", "бегущий")]
        {
            stem(word, |stem| assert_eq!(stem, expected));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_cut_into_tokens_in_order(text in "(\\PC|[a-zA-Z_:./ +#'-]|[検索ガ가ก🚀e\u{301}]){0,60}") {
            let mut last = 0;
            let positions = analyse(&text, |token| {
                assert!(token.position >= last);
                assert!(text.get(token.span.clone()).is_some_and(|part| !part.is_empty()));
                assert!(!token.text.is_empty());
                last = token.position;
            });
            prop_assert!(positions == 0 || last < positions);
        }
    }
}
