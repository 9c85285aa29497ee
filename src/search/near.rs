//! Texts that say nearly the same in the same words. Which may be is found by sketches of them (MinHash, in bands;
//! Broder 1997) without comparing all with all; how near two are is then counted over their words.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use super::{
    analysis,
    document::{is_word, stem_term},
};

/// Two texts of which .8 of the words are the same meet in a band in all but one of some thousand cases, two of which
/// .3 are in one of eight.
const BANDS: usize = 16;
const ROWS: usize = 4;
/// Texts of a band's place that a text is held against: the first that came, so that a thousand of one mould are not
/// each held against all.
const MET_MAX: usize = 8;

/// The words of a text, as stems, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(FxHashSet<u64>);

impl Words {
    pub fn of(text: &str) -> Words {
        let mut words = FxHashSet::default();
        analysis::analyse(text, |token| {
            if is_word(token.kind) {
                words.insert(stem_term(token.kind, token.text, hash));
            }
        });
        Words(words)
    }

    /// How many of the words of either are in both, as a part of 1 (Jaccard).
    pub fn shared(&self, other: &Words) -> f32 {
        let both = self.0.intersection(&other.0).count();
        let either = self.0.len() + other.0.len() - both;
        if either == 0 { 0.0 } else { both as f32 / either as f32 }
    }

    /// None where there is no word.
    pub fn sketch(&self) -> Option<Sketch> {
        if self.0.is_empty() {
            return None;
        }
        let mut least = [u32::MAX; BANDS * ROWS];
        for word in &self.0 {
            for (row, least) in least.iter_mut().enumerate() {
                *least = (*least).min((mixed(word ^ mixed(row as u64 + 1)) >> 32) as u32);
            }
        }
        Some(Sketch(least))
    }
}

fn hash(word: &str) -> u64 {
    let mut hasher = FxHasher::default();
    word.hash(&mut hasher);
    hasher.finish()
}

/// The finaliser of SplitMix64: every bit of the number moves every other.
fn mixed(mut n: u64) -> u64 {
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// What is kept of a text's words: of as many orders of all words, the first that is among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch([u32; BANDS * ROWS]);

impl Sketch {
    /// [`Words::shared`], as far as sketches can tell.
    pub fn shared(&self, other: &Sketch) -> f32 {
        let same = self.0.iter().zip(&other.0).filter(|(mine, other)| mine == other).count();
        same as f32 / self.0.len() as f32
    }
}

/// Sketches by what they have in common.
#[derive(Debug, Default)]
pub struct Bands {
    sketches: Vec<Sketch>,
    places: FxHashMap<(usize, [u32; ROWS]), Vec<u32>>,
}

impl Bands {
    /// Takes in the next sketch; answers which of those before are most like it, by when they came.
    pub fn meet(&mut self, sketch: Sketch) -> Option<(usize, f32)> {
        let mine = self.sketches.len() as u32;
        let mut met: Vec<u32> = Vec::new();
        for (band, rows) in sketch.0.as_chunks::<ROWS>().0.iter().enumerate() {
            let here = self.places.entry((band, *rows)).or_default();
            met.extend(here.iter());
            if here.len() < MET_MAX {
                here.push(mine);
            }
        }
        met.sort_unstable();
        met.dedup();
        let near = met.into_iter().map(|at| (at as usize, sketch.shared(&self.sketches[at as usize])));
        // Of equals the first that came.
        let nearest = near.rev().max_by(|a, b| a.1.total_cmp(&b.1));
        self.sketches.push(sketch);
        nearest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: &str = "Deploys fail while the migration lock is held by another hub of the same team";

    #[track_caller]
    fn check(a: &str, b: &str, expected: std::ops::RangeInclusive<f32>) {
        let (a, b) = (Words::of(a), Words::of(b));
        let shared = a.shared(&b);
        assert!(expected.contains(&shared) && shared == b.shared(&a), "{shared}");
    }

    #[test]
    fn words_count_once_and_as_stems() {
        check(HELD, HELD, 1.0..=1.0);
        check(
            HELD,
            "deploy FAILED while the migrations' locks is held, by another hub of the same team",
            0.9..=1.0,
        );
        check(HELD, "Bread needs flour and water", 0.0..=0.1);
        check("", HELD, 0.0..=0.0);
        assert_eq!(Words::of("... --").sketch(), None);
    }

    #[test]
    fn a_text_meets_the_one_that_is_most_like_it() {
        let mut bands = Bands::default();
        let mut meet = |text: &str| bands.meet(Words::of(text).sketch().unwrap());
        assert_eq!(meet(HELD), None);
        for i in 0..500 {
            let text: String = (0..12).map(|word| format!("w{} ", i * 12 + word)).collect();
            assert_eq!(meet(&text), None, "{i}");
        }
        assert_eq!(meet(HELD), Some((0, 1.0)));
        let (at, near) = meet(&HELD.replace("another", "some other")).unwrap();
        assert!(at == 0 && near > 0.7, "{near}");
    }

    #[test]
    fn sketches_tell_what_words_share() {
        let text = |from: u32| (from..from + 100).map(|word| format!("n{word} ")).collect::<String>();
        for apart in [0, 10, 30, 60] {
            let (a, b) = (Words::of(&text(0)), Words::of(&text(apart)));
            let told = a.sketch().unwrap().shared(&b.sketch().unwrap());
            assert!((told - a.shared(&b)).abs() < 0.15, "{apart}: {told} for {}", a.shared(&b));
        }
    }
}
