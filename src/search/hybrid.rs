//! The full answer: what words and meaning found together, the best of it read again, near-ties settled.
//!
//! ```text
//! lexical leg, best 100 ┐
//!                       ├─ fuse ─ rerank the best 50 ─ prior ─ the rest of the lexical leg
//! vector leg, best 100 ─┘
//! ```
//!
//! **Invariant**: both legs look through the same mask, before anything is ranked. The same content gives the same
//! order, page by page.

use std::{
    collections::{BinaryHeap, HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use super::{
    IndexError, alike, both,
    fuse::{Said, fuse, mix},
    mask::{Mask, strict},
    meaning::{
        Meaning, Mute, Records,
        maxsim::{DOCUMENT_PIECES_MAX, Nearness, Wanted},
        pieces::{self, Piece},
        vector::Vector,
        weights,
    },
    plan::{Plan, What},
    prior,
    rank::{Found, Key, Ranked, inverse_document_frequency},
    shard::Seat,
};
use crate::{
    door::{Legs, Ranks, SearchMode, Step},
    model::{Id, Time},
};

/// What each leg hands to the fusion. Part of the order: it does not change with the page asked for.
pub(super) const CANDIDATES: usize = 100;
/// Of the fused list, what is read again.
const RERANKED: usize = 50;
/// What no word of the query found is a hit if it is at least so near.
const NEAR_ENOUGH: f32 = 0.25;

/// A hit at its place, with what brought it there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub found: Found,
    pub legs: Legs,
    pub ranks: Ranks,
    /// Those that say the same.
    pub alike: Vec<Id>,
}

/// What the legs made of a query.
#[derive(Default)]
pub(super) struct Merged {
    pub placed: Vec<Placed>,
    pub total: usize,
    pub legs_used: Vec<&'static str>,
    /// Milliseconds by part.
    pub parts: Vec<(&'static str, f64)>,
    /// Why it is less than it could be.
    pub degraded: Option<Mute>,
    /// Visible chunks without a vector yet.
    pub without_vector: u64,
}

/// What is asked, besides the words.
pub(super) struct Asked<'a> {
    pub mode: SearchMode,
    pub without: &'a [Step],
    pub now: Time,
}

/// One that meaning found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    /// Its score is the cosine.
    key: Key,
    shard: usize,
    memory: u32,
    chunk: u32,
}

/// Merges the lexical leg's list, ranked as deep as wanted, with what is near in meaning.
pub(super) fn merge(
    seats: &[Seat<'_>],
    plan: &Plan,
    mask: &Mask,
    ranked: &Ranked,
    meaning: &Meaning,
    vector: Result<Arc<Vector>, Mute>,
    asked: &Asked<'_>,
) -> Result<Merged, IndexError> {
    let mut merged = Merged { total: ranked.total, ..Merged::default() };
    let mut part = Part(Instant::now());
    let vector = match vector {
        Ok(vector) => vector,
        Err(mute) => {
            merged.placed = in_order(&ranked.found).collect();
            merged.legs_used = vec!["lexical"];
            merged.degraded = Some(mute);
            return Ok(merged);
        }
    };
    let records = meaning.records();
    let near = nearest(seats, plan, mask, &records, &vector, &mut merged.without_vector)?;
    merged.parts.push(("vector", part.took()));

    let mut candidates = union(seats, ranked, near, asked.mode);
    merged.total = ranked.total + candidates.iter().filter(|candidate| candidate.said.lexical == 0.0).count();
    for candidate in &mut candidates {
        if candidate.said.cosine.is_none() {
            candidate.said.cosine = nearness(seats, candidate.found, &records, &vector);
        }
    }
    let stems = plan.terms.iter().zip(&ranked.terms).filter(|(term, _)| matches!(term.what, What::Stem(_)));
    let asked_in_words: f32 = stems.map(|(_, scored)| scored.worth).sum();
    let said: Vec<Said> = candidates.iter().map(|candidate| candidate.said).collect();
    for (candidate, fused) in candidates.iter_mut().zip(fuse(&said, asked_in_words)) {
        candidate.found.key.score = fused;
    }
    candidates.sort_unstable_by_key(|candidate| candidate.found.key);
    merged.legs_used = match asked.mode {
        SearchMode::Vector => vec!["vector"],
        _ => vec!["lexical", "vector"],
    };
    if asked.mode != SearchMode::Vector {
        if !asked.without.contains(&Step::Rerank) {
            match rerank(seats, plan, mask, ranked, meaning, &mut candidates) {
                Ok(()) => merged.legs_used.push("rerank"),
                Err(Trouble::Mute(mute)) => merged.degraded = Some(mute),
                Err(Trouble::Index(error)) => return Err(error),
            }
            merged.parts.push(("rerank", part.took()));
        }
        if !asked.without.contains(&Step::Prior) {
            for candidate in &mut candidates {
                let age = asked.now.since(candidate.found.key.updated_at);
                let prior = prior::prior(age, candidate.importance);
                candidate.found.key.score += prior;
                candidate.prior = Some(prior);
            }
            merged.legs_used.push("prior");
        }
        candidates.sort_unstable_by_key(|candidate| candidate.found.key);
    }
    let ahead: HashSet<_> = candidates.iter().map(|c| (c.found.shard, c.memory)).collect();
    merged.placed = candidates.iter().map(Candidate::placed).collect();
    if asked.mode != SearchMode::Vector {
        let rest = in_order(&ranked.found).filter(|Placed { found, .. }| {
            !ahead.contains(&(found.shard, seats[found.shard].shard.table().memory_of[found.chunk as usize]))
        });
        merged.placed.extend(rest);
    }
    if !asked.without.contains(&Step::Fold) {
        alike::fold(seats, &records, &mut merged.placed);
    }
    if alike::is_broad(plan.words.len(), ranked.total) && !asked.without.contains(&Step::Diversity) {
        alike::spread(seats, &records, &mut merged.placed);
    }
    Ok(merged)
}

/// The lexical leg alone says so, and this is its order from the first on.
pub(super) fn in_order(found: &[Found]) -> impl Iterator<Item = Placed> {
    found.iter().zip(1..).map(|(found, rank)| {
        let ranks = Ranks { lexical: Some(rank), vector: None };
        Placed { ranks, ..lexical(found) }
    })
}

/// The lexical leg alone says so.
pub(super) fn lexical(found: &Found) -> Placed {
    let legs = Legs { lexical: found.key.score, ..Legs::default() };
    Placed { found: *found, legs, ranks: Ranks::default(), alike: Vec::new() }
}

struct Candidate {
    found: Found,
    memory: u32,
    said: Said,
    ranks: Ranks,
    rerank: Option<f32>,
    prior: Option<f32>,
    importance: f32,
}

impl Candidate {
    fn placed(&self) -> Placed {
        Placed {
            found: self.found,
            legs: Legs {
                lexical: self.said.lexical,
                vector: self.said.cosine,
                rerank: self.rerank,
                prior: self.prior,
            },
            ranks: self.ranks,
            alike: Vec::new(),
        }
    }
}

fn union(seats: &[Seat<'_>], ranked: &Ranked, near: Vec<Near>, mode: SearchMode) -> Vec<Candidate> {
    let mut places: HashMap<(usize, u32), usize> = HashMap::new();
    let mut candidates: Vec<Candidate> = Vec::new();
    let candidate = |found: Found, memory, said, ranks| Candidate {
        found,
        memory,
        said,
        ranks,
        rerank: None,
        prior: None,
        importance: prior::IMPORTANCE_USUAL,
    };
    let words = if mode == SearchMode::Vector { &[][..] } else { &ranked.found[..] };
    for (found, rank) in words.iter().zip(1..).take(CANDIDATES) {
        let memory = seats[found.shard].shard.table().memory_of[found.chunk as usize];
        places.insert((found.shard, memory), candidates.len());
        let said = Said { lexical: found.key.score, cosine: None };
        candidates.push(candidate(*found, memory, said, Ranks { lexical: Some(rank), vector: None }));
    }
    for (Near { key, shard, memory, chunk }, rank) in near.into_iter().zip(1..) {
        match places.get(&(shard, memory)) {
            Some(at) => {
                candidates[*at].said.cosine = Some(key.score);
                candidates[*at].ranks.vector = Some(rank);
            }
            None if key.score >= NEAR_ENOUGH || mode == SearchMode::Vector => {
                let said = Said { lexical: 0.0, cosine: Some(key.score) };
                let ranks = Ranks { lexical: None, vector: Some(rank) };
                candidates.push(candidate(Found { key, shard, chunk }, memory, said, ranks));
            }
            None => {}
        }
    }
    candidates
}

/// The nearest memories of those the query may see, by their best chunk: all are looked at, by two cores.
fn nearest(
    seats: &[Seat<'_>],
    plan: &Plan,
    mask: &Mask,
    records: &Records,
    vector: &Vector,
    without: &mut u64,
) -> Result<Vec<Near>, IndexError> {
    let strict = seats.iter().map(|seat| strict(seat, plan)).collect::<Result<Vec<_>, _>>()?;
    let half = |odd: bool| {
        let mut scan = Scan { seats, records, vector, best: BinaryHeap::new(), without: 0 };
        for (shard, (seen, strict)) in mask.seen.iter().zip(&strict).enumerate() {
            let memories = seen.iter().filter(|memory| (memory / STRETCH % 2 == 1) == odd);
            memories
                .filter(|memory| strict.as_ref().is_none_or(|through| through.has(*memory)))
                .for_each(|memory| scan.look_at(shard, memory));
        }
        scan
    };
    let (first, second) = both(|| half(false), || half(true));
    *without += first.without + second.without;
    let mut best = first.best.into_vec();
    best.extend(second.best);
    best.sort_unstable();
    best.truncate(CANDIDATES);
    Ok(best)
}

/// Memories that one core goes through before the other's turn comes: neighbours lie together.
const STRETCH: u32 = 1_024;

struct Scan<'a> {
    seats: &'a [Seat<'a>],
    records: &'a Records,
    vector: &'a Vector,
    best: BinaryHeap<Near>,
    without: u64,
}

impl Scan<'_> {
    fn look_at(&mut self, shard: usize, memory: u32) {
        let table = self.seats[shard].shard.table();
        let mut best: Option<(f32, u32)> = None;
        for chunk in table.chunks_of(memory) {
            match table.slot(chunk).and_then(|slot| self.records.dot(slot, self.vector)) {
                Some(cosine) if best.is_none_or(|(best, _)| cosine > best) => best = Some((cosine, chunk)),
                Some(_) => {}
                None => self.without += 1,
            }
        }
        let Some((score, chunk)) = best else { return };
        if self.best.len() == CANDIDATES && self.best.peek().is_some_and(|last| score < last.key.score) {
            return;
        }
        let (updated_at, id) = (table.updated_at[memory as usize], table.ids[memory as usize]);
        self.best.push(Near { key: Key { score, updated_at, id }, shard, memory, chunk });
        if self.best.len() > CANDIDATES {
            self.best.pop();
        }
    }
}

/// The cosine of a memory's nearest chunk.
fn nearness(seats: &[Seat<'_>], found: Found, records: &Records, vector: &Vector) -> Option<f32> {
    let table = seats[found.shard].shard.table();
    let chunks = table.chunks_of(table.memory_of[found.chunk as usize]);
    chunks.filter_map(|chunk| records.dot(table.slot(chunk)?, vector)).max_by(f32::total_cmp)
}

enum Trouble {
    Mute(Mute),
    Index(IndexError),
}

impl From<IndexError> for Trouble {
    fn from(error: IndexError) -> Trouble {
        Trouble::Index(error)
    }
}

/// Reads the best again, piece by piece.
fn rerank(
    seats: &[Seat<'_>],
    plan: &Plan,
    mask: &Mask,
    ranked: &Ranked,
    meaning: &Meaning,
    candidates: &mut [Candidate],
) -> Result<(), Trouble> {
    let wanted = wanted(plan, mask, ranked);
    if wanted.pieces.is_empty() {
        return Ok(());
    }
    let best = candidates.len().min(RERANKED);
    let found: Vec<Found> = candidates[..best].iter().map(|candidate| candidate.found).collect();
    // Half of it is work that another core can do.
    let (first, second) = found.split_at(best / 2);
    let (first, second) = both(|| read(seats, first), || read(seats, second));
    let mut documents: Vec<Vec<Piece>> = Vec::with_capacity(best);
    for (candidate, (importance, pieces)) in candidates.iter_mut().zip(first?.into_iter().chain(second?)) {
        candidate.importance = importance;
        documents.push(pieces);
    }
    let mut distinct: Vec<Piece> = documents.iter().flatten().copied().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let asked: Vec<Piece> = wanted.pieces.iter().chain(&distinct).copied().collect();
    let rows = meaning.rows(&asked).map_err(Trouble::Mute)?;
    let nearness = Nearness::new(wanted, &distinct, &rows);
    for (i, candidate) in candidates.iter_mut().enumerate() {
        let met = documents.get(i).map(|document| nearness.of(document));
        candidate.rerank = met;
        candidate.found.key.score = mix(candidate.found.key.score, met.unwrap_or(0.0));
    }
    Ok(())
}

/// The importance of each, and the pieces of what was found of it.
fn read(seats: &[Seat<'_>], found: &[Found]) -> Result<Vec<(f32, Vec<Piece>)>, IndexError> {
    let one = |found: &Found| {
        let shown = seats[found.shard].shard.shown(found.chunk)?;
        Ok((shown.importance, pieces::pieces(&shown.read(), DOCUMENT_PIECES_MAX)))
    };
    found.iter().map(one).collect()
}

/// The query's pieces, each with its learned weight times how rare its word is among what the query may see.
fn wanted(plan: &Plan, mask: &Mask, ranked: &Ranked) -> Wanted {
    let mut wanted = Wanted::default();
    for (word, text) in plan.words.iter().enumerate() {
        let stems = plan
            .terms
            .iter()
            .zip(&ranked.terms)
            .filter(|(term, _)| term.word == word && matches!(term.what, What::Stem(_)));
        let documents = stems.map(|(_, scored)| scored.documents).max().unwrap_or(0);
        let idf = inverse_document_frequency(documents, mask.memories);
        for piece in pieces::pieces(text, DOCUMENT_PIECES_MAX) {
            wanted.add(piece, weights::of_piece(piece) * idf);
        }
    }
    wanted
}

/// Time by part.
struct Part(Instant);

impl Part {
    fn took(&mut self) -> f64 {
        let now = Instant::now();
        let took = now.duration_since(std::mem::replace(&mut self.0, now));
        took.as_secs_f64() * 1e3
    }
}
