//! A sidecar on disk. Numbers are little-endian; a version that is not this one is made anew, never guessed at.
//!
//! ```text
//! head     magic 8 · version u32 · CRC32C of the body u32 · salt u64 · ordinal u64 · valid length u64
//!          body length u64 · first and last time i64 x2 · first and last recorded_at i64 x2
//!          events by class u64 x3 · CRC32C of this u32
//! body     length of the table u32 · table (MessagePack: labels, blocks) · label of each event u8 or u16
//!          print of each event's correlation id u16
//! ```

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Block, Label, Labels, Outline, Sidecar, Span, Summary};
use crate::{
    model::{Class, Sequence, Time},
    store::segment::{Index, Segment},
};

const MAGIC: [u8; 8] = *b"wheelidx";
const VERSION: u32 = 2;
const CLASSES_AT: usize = 80;
const CLASSES: usize = Class::ALL.len();
pub const HEAD_BYTES: usize = CLASSES_AT + CLASSES * 8 + 4;
/// More than a segment's can have: a length beyond it is not believed.
const BODY_BYTES_MAX: u64 = 256 << 20;

/// Which segment a sidecar belongs to: its salt says it all, the rest says it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    salt: u64,
    ordinal: u64,
    len: u64,
}

impl Identity {
    pub fn of(segment: &Segment) -> Identity {
        Identity { salt: segment.header.salt, ordinal: segment.header.ordinal, len: segment.len }
    }
}

#[derive(Serialize, Deserialize)]
struct Table {
    labels: Vec<Label>,
    blocks: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    first: Sequence,
    offset: u64,
    events: u32,
    outline: Outline,
}

/// The file's content; `None` of a sidecar that says nothing or must not be believed later.
pub fn encode(identity: Identity, sidecar: &Sidecar) -> Option<Vec<u8>> {
    let Summary { outline, classes } = sidecar.summary()?;
    let rows = sidecar.blocks.iter().zip(sidecar.index.places());
    let table = Table {
        labels: sidecar.labels.list.clone(),
        blocks: rows
            .map(|(block, (first, offset))| Row {
                first,
                offset,
                events: block.labels.len() as u32,
                outline: block.outline,
            })
            .collect(),
    };
    // By position: the version tells what stands where.
    let table = rmp_serde::to_vec(&table).expect("plain data always encodes");
    let mut body = Vec::with_capacity(table.len() + sidecar.events() * 4 + 4);
    body.extend_from_slice(&(table.len() as u32).to_le_bytes());
    body.extend_from_slice(&table);
    let narrow = is_narrow(sidecar.labels.list.len());
    for label in sidecar.blocks.iter().flat_map(|block| &block.labels) {
        let label = label.to_le_bytes();
        body.extend_from_slice(if narrow { &label[..1] } else { &label });
    }
    for print in sidecar.blocks.iter().flat_map(|block| &block.prints) {
        body.extend_from_slice(&print.to_le_bytes());
    }
    let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    for number in [identity.salt, identity.ordinal, identity.len, body.len() as u64] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for moment in [outline.time.first, outline.time.last, outline.recorded.first, outline.recorded.last] {
        bytes.extend_from_slice(&moment.unix_ms().to_le_bytes());
    }
    for count in classes {
        bytes.extend_from_slice(&count.to_le_bytes());
    }
    let crc = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.append(&mut body);
    Some(bytes)
}

/// One byte a label is enough for these; [`super::OTHER`] is not among so few.
fn is_narrow(labels: usize) -> bool {
    labels < usize::from(u8::MAX)
}

/// What the segment holds in short, from the head alone.
pub fn decode_summary(identity: Identity, bytes: &[u8]) -> Option<Summary> {
    head(identity, bytes).map(|head| head.summary)
}

/// The sidecar, if this is one of this segment, whole.
pub fn decode(identity: Identity, bytes: &[u8]) -> Option<Sidecar> {
    let head = head(identity, bytes)?;
    let body = &bytes[HEAD_BYTES..];
    if body.len() as u64 != head.body_len || crc32c::crc32c(body) != head.body_crc {
        return None;
    }
    let (table_len, rest) = body.split_at_checked(4)?;
    let table_len = u32::from_le_bytes(table_len.try_into().ok()?) as usize;
    let (table, columns) = rest.split_at_checked(table_len)?;
    let Table { labels, blocks: rows } = rmp_serde::from_slice(table).ok()?;
    let events: usize = rows.iter().map(|row| row.events as usize).sum();
    let width = if is_narrow(labels.len()) { 1 } else { 2 };
    let (mut label_column, mut print_column) = columns.split_at_checked(events.checked_mul(width)?)?;
    let mut blocks = Vec::with_capacity(rows.len());
    let mut index = Index::default();
    for row in &rows {
        let events = row.events as usize;
        let (labels, prints);
        (labels, label_column) = label_column.split_at_checked(events * width)?;
        (prints, print_column) = print_column.split_at_checked(events * 2)?;
        index.push(row.first, row.offset);
        blocks.push(Arc::new(Block {
            first: row.first,
            outline: row.outline,
            labels: if width == 1 { labels.iter().copied().map(u16::from).collect() } else { pairs(labels) },
            prints: pairs(prints),
        }));
    }
    let mut by_subject = rustc_hash::FxHashMap::<_, Vec<u16>>::default();
    for (number, label) in labels.iter().enumerate() {
        by_subject.entry(label.subject.clone()).or_default().push(number as u16);
    }
    Some(Sidecar {
        index: Arc::new(index),
        blocks,
        labels: Arc::new(Labels { list: labels, by_subject }),
        outline: Some(head.summary.outline),
        classes: head.summary.classes,
        hurt: false,
    })
}

fn pairs(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
}

struct Head {
    body_crc: u32,
    body_len: u64,
    summary: Summary,
}

fn head(identity: Identity, bytes: &[u8]) -> Option<Head> {
    let head = bytes.get(..HEAD_BYTES)?;
    let (fields, crc) = head.split_at(HEAD_BYTES - 4);
    let u32_at = |at: usize| fields[at..at + 4].try_into().map(u32::from_le_bytes).expect("4 bytes");
    let u64_at = |at: usize| fields[at..at + 8].try_into().map(u64::from_le_bytes).expect("8 bytes");
    let whole = crc32c::crc32c(fields).to_le_bytes() == *crc;
    let found = Identity { salt: u64_at(16), ordinal: u64_at(24), len: u64_at(32) };
    let body_len = u64_at(40);
    if !whole
        || fields[..8] != MAGIC
        || u32_at(8) != VERSION
        || found != identity
        || body_len > BODY_BYTES_MAX
    {
        return None;
    }
    let moment = |at: usize| Time::from_unix_ms(u64_at(at) as i64);
    let outline = Outline {
        time: Span { first: moment(48), last: moment(56) },
        recorded: Span { first: moment(64), last: moment(72) },
    };
    let classes = std::array::from_fn(|i| u64_at(CLASSES_AT + 8 * i));
    Some(Head { body_crc: u32_at(12), body_len, summary: Summary { outline, classes } })
}
