//! Architectural decision records: files of MADR 4 and of Michael Nygard's form become decisions, and decisions become files.
//!
//! A file that came in goes out as it was, byte for byte, as long as its decision says the same; where a field has
//! changed, only the place of that field is written anew. So sections, keys, links and dates that mean nothing here are kept. A
//! decision that was made here is written whole, and reads back with all of its fields.
//!
//! References: MADR 4.0.0 (adr.github.io/madr), adr-tools 3.0.

mod batches;
mod blocks;
mod front;
mod links;
mod load;
mod outline;
mod read;
mod status;
mod write;

pub use batches::batches;
pub use load::{Loaded, load};
pub use read::{Draft, read};
pub use write::{AdrFile, AdrNames, files, write};

#[cfg(test)]
mod tests;
