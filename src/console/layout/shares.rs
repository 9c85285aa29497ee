//! How the deck's parts share its columns and lines: moved by hand, kept for the next start.

use serde::{Deserialize, Serialize};

/// The part of the kept state that holds them.
pub const PART: &str = "deck";

/// A border that can be moved: between the columns, between the large and the small panes of one, or between a list and
/// what it opened, beside it or below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    Columns,
    Left,
    Right,
    Beside,
    Below,
}

/// What the part left of or above each edge has of the whole, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shares {
    pub columns: u16,
    pub left: u16,
    pub right: u16,
    pub beside: u16,
    pub below: u16,
}

impl Default for Shares {
    fn default() -> Shares {
        Shares { columns: 500, left: 620, right: 780, beside: 420, below: 340 }
    }
}

impl Shares {
    pub fn with(self, edge: Edge, share: u16) -> Shares {
        match edge {
            Edge::Columns => Shares { columns: share, ..self },
            Edge::Left => Shares { left: share, ..self },
            Edge::Right => Shares { right: share, ..self },
            Edge::Beside => Shares { beside: share, ..self },
            Edge::Below => Shares { below: share, ..self },
        }
    }

    pub fn of(self, edge: Edge) -> u16 {
        match edge {
            Edge::Columns => self.columns,
            Edge::Left => self.left,
            Edge::Right => self.right,
            Edge::Beside => self.beside,
            Edge::Below => self.below,
        }
    }
}
