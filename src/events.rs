//! The live feed and the reading of history: the head is announced, readers page the log.
//!
//! Nothing is queued for a reader. It owns a position; a slow one re-reads the log later, so it costs others
//! nothing and misses nothing. What the log no longer has arrives as a gap, never as silence.

mod follow;
mod query;

pub use follow::{Follow, follow};
pub use query::{page, stats};
