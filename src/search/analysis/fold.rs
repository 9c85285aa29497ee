//! Folding: what of a character does not matter to a search, its case and its accents; and which scripts have no spaces.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Appends `text` in lower case, without accents, in compatibility form.
pub(super) fn fold(text: &str, out: &mut String) {
    if text.is_ascii() {
        let start = out.len();
        out.push_str(text);
        out[start..].make_ascii_lowercase();
        return;
    }
    let plain = text.nfkd().filter(|c| !is_accent(*c)).nfc();
    for c in plain.flat_map(char::to_lowercase) {
        match c {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ł' => out.push('l'),
            'ı' => out.push('i'),
            '’' => out.push('\''),
            'ς' => out.push('σ'),
            // Lower case of some capitals has an accent of its own.
            c if is_accent(c) => {}
            c => out.push(c),
        }
    }
}

/// Accents of Latin, Greek and Cyrillic; the marks of other scripts change the letter and stay.
fn is_accent(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

pub(super) fn is_mark(c: char) -> bool {
    is_combining_mark(c)
}

/// Han, kana, Hangul, Thai, Lao, Khmer and Burmese.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0e01..=0x0eff | 0x1000..=0x109f | 0x1100..=0x11ff | 0x1780..=0x17ff
        | 0x3005..=0x3007 | 0x3041..=0x30ff | 0x3105..=0x318f | 0x31f0..=0x31ff | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff | 0xa960..=0xa97f | 0xac00..=0xd7ff | 0xf900..=0xfaff | 0xff66..=0xffdc
        | 0x1b000..=0x1b16f | 0x20000..=0x3ffff)
}

/// Pictures that people search for as if they were words.
pub(super) fn is_pictograph(c: char) -> bool {
    matches!(u32::from(c), 0x2600..=0x27bf | 0x2b50..=0x2b55 | 0x1f000..=0x1faff)
}
