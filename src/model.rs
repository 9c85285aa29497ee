//! Plain data and its rules: what a record, an event, a subject, a fault and a moment are.
//!
//! Everything here is a value. Nothing reads the clock, touches a file or waits; `now` and fresh ids
//! come in as arguments, so the same input gives the same answer on every machine and in every test.
//!
//! Encodings: in files MessagePack with field names ([`encode`], [`decode`]), at the surface JSON. A field
//! that an older writer did not know takes its default; a field that this program does not know is ignored.

mod calibration;
mod commit;
mod date;
mod decision;
mod envelope;
mod event;
mod fault;
mod filter;
mod id;
pub mod job;
mod key;
mod memory;
mod project;
mod schema;
mod subject;
mod time;

pub use calibration::{BINS, Calibration, CalibrationBin, wilson};
pub use commit::{Change, Commit, Entry, EventDraft, Lane, Precondition, Unique};
pub use date::Date;
pub use decision::{
    Adr, AdrForm, AdrSection, Block, Consequences, DECISION_BYTES_MAX, DECISION_TEXT_BYTES_MAX, Decision,
    DecisionFilter, DecisionNumber, DecisionOption, DecisionRef, DecisionStatus, ITEM_BYTES_MAX, ITEMS_MAX,
    OPTIONS_MAX, Outcome, OutcomeStatus, Part, RATING_MAX, SOURCE_BYTES_MAX, trim_blank,
};
pub use envelope::Envelope;
pub use event::{Actor, Class, Event, Severity};
pub use fault::{Code, Fault};
pub use filter::{EventFilter, FilterError, MemoryFilter, PATTERNS_MAX, Projects};
pub use id::{Cursor, Id, LogId, Sequence};
pub use key::{Area, Key, KeyState, Scope};
pub use memory::{
    CONTENT_BYTES_MAX, METADATA_BYTES_MAX, Memory, Origin, Status, TAG_BYTES_MAX, TAGS_MAX, TITLE_BYTES_MAX,
    clean_tags, content_hash, title_of,
};
pub use project::Project;
pub use subject::{Pattern, SUBJECT_BYTES_MAX, Subject, SubjectError, TOKEN_BYTES_MAX, TOKENS_MAX, token};
pub use time::{Time, TimeError, TimeWords, Zone, ZoneError, Zones, zone_names};

use serde::{Serialize, de::DeserializeOwned};

/// Encodes a value as MessagePack with field names, the form of every file.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("plain data with string keys always encodes")
}

/// Decodes what [`encode`] wrote, by this version or another one.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, rmp_serde::decode::Error> {
    rmp_serde::from_slice(bytes)
}
