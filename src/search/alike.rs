//! Hits that are like each other: what says the same is one hit, and the first hits of a broad question differ.
//!
//! Both look at the vectors of what was found and know nothing of scores but their order.

use super::{
    hybrid::Placed,
    meaning::{Records, vector::Vector},
    rank::Found,
    shard::Seat,
};

/// Hits looked at for others that say the same.
const FOLDED: usize = 100;
/// So near, two texts say the same: at .97 some still differ by a number that matters.
const SAME: f32 = 0.99;
/// A question of so few words that finds so many memories is broad: what is wanted is not known yet.
const BROAD_WORDS_MAX: usize = 2;
const BROAD_HITS_MIN: usize = 50;
/// Its first hits, which are to say different things, and what being like an earlier one costs.
const SPREAD: usize = 30;
const SPREAD_COST: f32 = 0.15;

/// Whether it is not known yet what is wanted.
pub(super) fn is_broad(words: usize, hits: usize) -> bool {
    words <= BROAD_WORDS_MAX && hits >= BROAD_HITS_MIN
}

/// Takes out of the first hits those whose text is as good as that of a better one.
pub(super) fn fold(seats: &[Seat<'_>], records: &Records, placed: &mut Vec<Placed>) {
    let mut kept: Vec<(usize, Vector)> = Vec::new();
    let mut at = 0;
    let mut looked_at = 0;
    while at < placed.len() && looked_at < FOLDED {
        looked_at += 1;
        let Found { shard, chunk, key } = placed[at].found;
        let table = seats[shard].shard.table();
        // A memory of several chunks says more than the one that was found.
        let alone = table.chunks_of(table.memory_of[chunk as usize]).len() == 1;
        let slot = table.slot(chunk).filter(|_| alone);
        let same = slot.and_then(|slot| {
            let same = |(_, vector): &&(usize, Vector)| {
                records.dot(slot, vector).is_some_and(|cosine| cosine >= SAME)
            };
            kept.iter().find(same).map(|(at, _)| *at)
        });
        match same {
            Some(first) => {
                placed.remove(at);
                placed[first].alike.push(key.id);
            }
            None => {
                kept.extend(slot.and_then(|slot| Some((at, records.vector(slot)?))));
                at += 1;
            }
        }
    }
}

/// Puts hits so that each says something other than those before it, as far as its score allows (maximal marginal
/// relevance; Carbonell and Goldstein 1998). The first stays first.
pub(super) fn spread(seats: &[Seat<'_>], records: &Records, placed: &mut [Placed]) {
    let first = placed.len().min(SPREAD);
    let placed = &mut placed[..first];
    let vector = |placed: &Placed| {
        let found = placed.found;
        seats[found.shard].shard.table().slot(found.chunk).and_then(|slot| records.vector(slot))
    };
    let mut left: Vec<(Placed, Option<Vector>, f32)> =
        placed.iter().map(|placed| (placed.clone(), vector(placed), 0.0)).collect();
    for place in placed {
        let worth =
            |(placed, _, like): &(Placed, Option<Vector>, f32)| placed.found.key.score - SPREAD_COST * like;
        // Of equals the first: the order before is the order among them.
        let best = (0..left.len()).rev().max_by(|a, b| worth(&left[*a]).total_cmp(&worth(&left[*b])));
        let Some(best) = best else { return };
        let (chosen, chosen_vector, _) = left.remove(best);
        if let Some(chosen) = &chosen_vector {
            for (_, vector, like) in &mut left {
                *like = vector.as_ref().map_or(*like, |vector| like.max(vector.dot(chosen)));
            }
        }
        *place = chosen;
    }
}
