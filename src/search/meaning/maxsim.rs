//! MaxSim over word pieces: how well each piece of the query is met by the nearest piece of a document.
//!
//! Late interaction (Khattab and Zaharia 2020) over the model's own input embeddings: no vectors are stored, the pieces
//! are made again from the text.

use rustc_hash::FxHashMap;

use crate::search::both;

use super::{
    pieces::{Piece, UNKNOWN},
    vector::Vector,
};

/// Pieces of a query that count.
pub(in crate::search) const QUERY_PIECES_MAX: usize = 64;
/// Of a document, what is read.
pub(in crate::search) const DOCUMENT_PIECES_MAX: usize = 256;

/// What the query asks of a document: its pieces, each once, with what it weighs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::search) struct Wanted {
    pub pieces: Vec<Piece>,
    pub weights: Vec<f32>,
}

impl Wanted {
    pub(in crate::search) fn add(&mut self, piece: Piece, weight: f32) {
        if piece == UNKNOWN || weight <= 0.0 {
            return;
        }
        match self.pieces.iter().position(|known| *known == piece) {
            Some(at) => self.weights[at] += weight,
            None if self.pieces.len() < QUERY_PIECES_MAX => {
                self.pieces.push(piece);
                self.weights.push(weight);
            }
            None => {}
        }
    }
}

/// Every distinct piece of some documents, with how near it is to each piece of the query: scored once, however often
/// it occurs.
pub(in crate::search) struct Nearness {
    wanted: Wanted,
    places: FxHashMap<Piece, usize>,
    /// By place, a row of cosines as wide as `wanted`.
    cosines: Vec<f32>,
}

impl Nearness {
    /// `rows` are the embeddings of the query's pieces, then of `pieces`.
    pub(in crate::search) fn new(wanted: Wanted, pieces: &[Piece], rows: &[Vector]) -> Nearness {
        let (asked, rows) = rows.split_at(wanted.pieces.len().min(rows.len()));
        let near = |rows: &[Vector]| -> Vec<f32> {
            rows.iter().flat_map(|row| asked.iter().map(|asked| asked.dot(row))).collect()
        };
        let (first, second) = rows.split_at(rows.len() / 2);
        let (mut cosines, rest) = both(|| near(first), || near(second));
        cosines.extend(rest);
        let places = pieces.iter().enumerate().map(|(place, piece)| (*piece, place)).collect();
        Nearness { wanted, places, cosines }
    }

    /// 0 to 1: the weighted mean, over the query's pieces, of the best cosine with any piece of the document.
    pub(in crate::search) fn of(&self, document: &[Piece]) -> f32 {
        let width = self.wanted.pieces.len();
        let mut best = vec![0.0_f32; width];
        for place in document.iter().filter_map(|piece| self.places.get(piece)) {
            let row = &self.cosines[place * width..(place + 1) * width];
            best.iter_mut().zip(row).for_each(|(best, near)| *best = best.max(*near));
        }
        let all: f32 = self.wanted.weights.iter().sum();
        let met: f32 = best.iter().zip(&self.wanted.weights).map(|(near, weight)| near * weight).sum();
        if all > 0.0 { met / all } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::meaning::vector::DIMENSIONS;

    #[test]
    fn each_wanted_piece_takes_its_nearest() {
        let row = |x: f32, y: f32| {
            let mut row = [0.0; DIMENSIONS];
            (row[0], row[1]) = (x, y);
            Vector::of(&row).unwrap()
        };
        let mut wanted = Wanted::default();
        wanted.add(7, 1.0);
        wanted.add(8, 2.0);
        wanted.add(7, 1.0);
        wanted.add(UNKNOWN, 9.0);
        assert_eq!(wanted.weights, [2.0, 2.0]);
        let rows = [row(1.0, 0.0), row(0.0, 1.0), row(1.0, 0.0), row(0.6, 0.8)];
        let near = Nearness::new(wanted, &[7, 9], &rows);
        assert!((near.of(&[9]) - 0.7).abs() < 1e-2);
        assert!((near.of(&[9, 7, 1_000]) - 0.9).abs() < 1e-2);
        assert_eq!(near.of(&[]), 0.0);
        assert_eq!(Nearness::new(Wanted::default(), &[], &[]).of(&[9]), 0.0);
    }
}
