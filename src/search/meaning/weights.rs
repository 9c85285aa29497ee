//! How much each word piece contributes to a text's meaning, learned with the model: `the` .17, `compiler` 1.19, a
//! word's mean 1.

use super::pieces::{self, Piece, UNKNOWN};

static WEIGHTS: &[u8] = include_bytes!("../../../assets/model/term-weights.f32");
/// In BM25 a word's weight goes in with this power.
const IN_LEXICAL: f32 = 0.75;
/// Pieces of a word looked at.
const PIECES_MAX: usize = 32;

pub(in crate::search) fn of_piece(piece: Piece) -> f32 {
    let at = usize::from(piece) * 4;
    WEIGHTS.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(1.0, f32::from_le_bytes)
}

/// What a word of the query counts in the lexical leg: by its weightiest piece; 1 where the model knows none of it.
pub(in crate::search) fn of_word(word: &str) -> f32 {
    pieces::pieces(word, PIECES_MAX)
        .into_iter()
        .filter(|piece| *piece != UNKNOWN)
        .map(of_piece)
        .reduce(f32::max)
        .map_or(1.0, |weight| weight.powf(IN_LEXICAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_say_more_weigh_more() {
        assert!(of_word("the") < 0.3 && of_word("compiler") > 1.0);
        assert_eq!(of_word("\u{1f9ed}"), 1.0);
        assert_eq!(WEIGHTS.len(), 30_522 * 4);
    }
}
