//! Word pieces: how the model reads text. The recipe is in `assets/model/README.md`; its test vectors hold this to it.
//!
//! Text is cleaned, lower-cased, freed of accents, cut into words, punctuation and ideographs, and each word into the
//! longest entries of the vocabulary from the left.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// A line of the vocabulary. All 30,522 fit.
pub(in crate::search) type Piece = u16;

pub(in crate::search) const UNKNOWN: Piece = 100;
pub(in crate::search) const BEGIN: Piece = 101;
pub(in crate::search) const END: Piece = 102;
/// What the model reads of a text, besides the mark at either end.
pub(in crate::search) const PIECES_MAX: usize = 254;

/// A longer word is one unknown piece.
const WORD_CHARS_MAX: usize = 100;
const VOCABULARY: &str = include_str!("../../../assets/model/vocab.txt");

/// The vocabulary: what a word begins with, and what it goes on with.
struct Vocabulary {
    first: FxHashMap<&'static str, Piece>,
    later: FxHashMap<&'static str, Piece>,
    /// Of the longest entry.
    bytes_max: usize,
}

static WORDS: LazyLock<Vocabulary> = LazyLock::new(|| {
    let mut words = Vocabulary { first: FxHashMap::default(), later: FxHashMap::default(), bytes_max: 0 };
    for (line, entry) in VOCABULARY.lines().enumerate() {
        let (map, entry) = match entry.strip_prefix("##") {
            Some(rest) if !rest.is_empty() => (&mut words.later, rest),
            _ => (&mut words.first, entry),
        };
        map.insert(entry, line as Piece);
        words.bytes_max = words.bytes_max.max(entry.len());
    }
    words
});

/// The pieces of a text, at most `max`, without marks.
pub(in crate::search) fn pieces(text: &str, max: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    words(text, &mut |word| {
        of_word(word, &mut pieces);
        pieces.len() < max
    });
    pieces.truncate(max);
    pieces
}

/// Cuts one cleaned word.
fn of_word(word: &str, out: &mut Vec<Piece>) {
    let known = out.len();
    let vocabulary = &*WORDS;
    let mut at = 0;
    if word.len() > WORD_CHARS_MAX && word.chars().count() > WORD_CHARS_MAX {
        return out.push(UNKNOWN);
    }
    while at < word.len() {
        let map = if at == 0 { &vocabulary.first } else { &vocabulary.later };
        let longest = word.len().min(at + vocabulary.bytes_max);
        let found = (at + 1..=longest)
            .rev()
            .filter(|end| word.is_char_boundary(*end))
            .find_map(|end| map.get(&word[at..end]).map(|piece| (*piece, end)));
        let Some((piece, end)) = found else {
            out.truncate(known);
            return out.push(UNKNOWN);
        };
        out.push(piece);
        at = end;
    }
}

/// Hands on the cleaned words of a text, until `then` answers `false`.
fn words(text: &str, then: &mut dyn FnMut(&str) -> bool) {
    let mut word = String::new();
    for c in text.chars() {
        let ended = match class(c) {
            Class::Nothing => continue,
            Class::Space => true,
            Class::Alone | Class::Word => false,
        };
        if ended {
            if !flush(&mut word, then) {
                return;
            }
            continue;
        }
        if c.is_ascii() {
            if !take(c.to_ascii_lowercase(), &mut word, then) {
                return;
            }
            continue;
        }
        for part in std::iter::once(c).nfd() {
            if part.general_category() == GeneralCategory::NonspacingMark {
                continue;
            }
            for lower in part.to_lowercase() {
                if !take(lower, &mut word, then) {
                    return;
                }
            }
        }
    }
    flush(&mut word, then);
}

/// Takes in a cleaned character: part of the word, or a word of its own.
fn take(c: char, word: &mut String, then: &mut dyn FnMut(&str) -> bool) -> bool {
    match class(c) {
        Class::Alone => flush(word, then) && then(c.encode_utf8(&mut [0; 4])),
        Class::Word => {
            word.push(c);
            true
        }
        Class::Space => flush(word, then),
        Class::Nothing => true,
    }
}

fn flush(word: &mut String, then: &mut dyn FnMut(&str) -> bool) -> bool {
    let goes_on = word.is_empty() || then(word);
    word.clear();
    goes_on
}

enum Class {
    Word,
    /// A word of its own.
    Alone,
    Space,
    Nothing,
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return match c {
            '\t' | '\n' | '\r' | ' ' => Class::Space,
            _ if c.is_ascii_control() => Class::Nothing,
            _ if c.is_ascii_punctuation() => Class::Alone,
            _ => Class::Word,
        };
    }
    if c == '\u{fffd}' {
        return Class::Nothing;
    }
    if c.is_whitespace() {
        return Class::Space;
    }
    match c.general_category_group() {
        GeneralCategoryGroup::Other => Class::Nothing,
        GeneralCategoryGroup::Punctuation => Class::Alone,
        _ if is_ideograph(c) => Class::Alone,
        _ => Class::Word,
    }
}

fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x4e00..=0x9fff | 0x3400..=0x4dbf | 0x2_0000..=0x2_a6df | 0x2_a700..=0x2_b73f | 0x2_b740..=0x2_b81f
        | 0x2_b820..=0x2_ceaf | 0xf900..=0xfaff | 0x2_f800..=0x2_fa1f)
}
