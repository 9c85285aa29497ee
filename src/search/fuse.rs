//! Fusion: what the legs found, as one list.
//!
//! Each leg is divided by its own best for this query and they are added half and half (CombSUM of normalised scores;
//! Fox and Shaw 1994): measured better here than reciprocal ranks. A memory without a vector yet is scored by its words
//! alone, never by zero for what is not known of it.

/// How much of the sum is the lexical leg's, where both know a memory.
const LEXICAL: f32 = 0.5;
/// A lexical leg whose best hit has less than this part of what the query's words are worth found little: measured by
/// its own best alone it would speak as loudly as one that found all.
const FOUND_ENOUGH: f32 = 0.3;
/// How much of the last word the rerank has.
const RERANK: f32 = 0.3;

/// What the legs say of a candidate. A word leg that did not find it says 0; no vector is none.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Said {
    pub lexical: f32,
    pub cosine: Option<f32>,
}

/// Scores from 0 to 1, in the order of the candidates. `asked`: what a chunk of mean length is worth that holds every
/// word of the query once.
pub(super) fn fuse(said: &[Said], asked: f32) -> Vec<f32> {
    let best = |leg: fn(&Said) -> f32| said.iter().map(leg).fold(0.0_f32, f32::max);
    let (words, meaning) = (best(|said| said.lexical), best(|said| said.cosine.unwrap_or(0.0)));
    let words = words.max(FOUND_ENOUGH * asked);
    let share = |score: f32, best: f32| if best > 0.0 { score.max(0.0) / best } else { 0.0 };
    said.iter()
        .map(|said| match said.cosine {
            Some(cosine) => LEXICAL * share(said.lexical, words) + (1.0 - LEXICAL) * share(cosine, meaning),
            None => share(said.lexical, words),
        })
        .collect()
}

/// The fused score with the rerank's mixed in.
pub(super) fn mix(fused: f32, rerank: f32) -> f32 {
    (1.0 - RERANK) * fused + RERANK * rerank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &[(f32, Option<f32>)], asked: f32, expected: &[f32]) {
        let said: Vec<_> =
            said.iter().map(|(lexical, cosine)| Said { lexical: *lexical, cosine: *cosine }).collect();
        assert_eq!(fuse(&said, asked), expected);
    }

    #[test]
    fn legs_count_half_each_against_their_own_best() {
        check(&[(8.0, Some(0.2)), (4.0, Some(0.4)), (0.0, Some(0.4))], 8.0, &[0.75, 0.75, 0.5]);
        check(&[(8.0, None), (4.0, Some(0.4))], 8.0, &[1.0, 0.75]);
        check(&[(0.0, Some(-0.1)), (0.0, None)], 0.0, &[0.0, 0.0]);
        check(&[], 1.0, &[]);
        // One word of many was found.
        check(&[(3.0, Some(0.2)), (0.0, Some(0.4))], 20.0, &[0.5, 0.5]);
        assert_eq!(mix(1.0, 0.0), 0.7);
    }
}
