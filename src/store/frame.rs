//! The format on disk: a segment's header and the frames after it. Cannot be changed later; see `FORMAT`.
//!
//! Every checksum is CRC32C begun with the segment's random salt, so that what an earlier life of the file left
//! behind never passes. Numbers are little-endian.
//!
//! ```text
//! segment   header (128 B), the same header again (128 B), frames...
//! header    magic 8 · format u16 · min_reader u16 · epoch u32 · log id 16 · ordinal u64 · first sequence u64
//!           salt u64 · ordinal before u64 · valid length before u64 · last ordinal u64 · next sequence u64 (both 0
//!           of a segment that was not rewritten) · zeros · CRC32C (unsalted) u32
//! frame     body length u32 · kind u8 · zeros 3 · first sequence of the batch u64 · first sequence u64 · count u32
//!           CRC32C of the body u32 · CRC32C of these 32 bytes u32 · body
//! block     a frame whose body is: length unpacked u32 · zstd of frames in short, one behind the other
//! in short  body length u32 · kind u8 · first sequence u64 · count u32 · body
//! ```
//!
//! A segment that was rewritten is whole as a file: its frames lie in blocks, and a horizon ends it. It may stand for
//! several that followed each other; those are named by its last ordinal.

use serde::{Deserialize, Serialize};

use crate::model::{Class, LogId, Sequence};

/// This writer's format. A reader refuses a segment whose `min_reader` is above the format it knows.
pub const FORMAT: u16 = 1;
const MIN_READER: u16 = 1;

const MAGIC: [u8; 8] = *b"wheellog";
const HEADER_COPY_BYTES: usize = 128;
/// Where frames begin. The header stands twice: without its salt no frame of the segment could be read.
pub const HEADER_BYTES: usize = 2 * HEADER_COPY_BYTES;
pub const FRAME_HEADER_BYTES: usize = 36;
/// A body longer than this is refused by the writer and is damage to the reader.
pub const BODY_BYTES_MAX: usize = 16 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    pub log: LogId,
    pub epoch: u32,
    pub ordinal: u64,
    pub first: Sequence,
    pub salt: u64,
    /// The segment before, and how much of it counts: what a failed fsync left after that is not history.
    pub before_ordinal: u64,
    pub before_len: u64,
    /// Of a segment that was written a second time, whole.
    pub rewritten: Option<Rewritten>,
}

/// What a rewritten segment stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewritten {
    /// The last of the segments that went into it.
    pub through: u64,
    /// The sequence after its last.
    pub next: Sequence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderError {
    /// No copy of it can be read.
    Unreadable,
    /// Written for a later reader.
    Newer { format: u16, min_reader: u16 },
}

impl SegmentHeader {
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut copy = [0; HEADER_COPY_BYTES];
        copy[..8].copy_from_slice(&MAGIC);
        copy[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        copy[10..12].copy_from_slice(&MIN_READER.to_le_bytes());
        copy[12..16].copy_from_slice(&self.epoch.to_le_bytes());
        copy[16..32].copy_from_slice(self.log.0.as_bytes());
        copy[32..40].copy_from_slice(&self.ordinal.to_le_bytes());
        copy[40..48].copy_from_slice(&self.first.0.to_le_bytes());
        copy[48..56].copy_from_slice(&self.salt.to_le_bytes());
        copy[56..64].copy_from_slice(&self.before_ordinal.to_le_bytes());
        copy[64..72].copy_from_slice(&self.before_len.to_le_bytes());
        if let Some(Rewritten { through, next }) = self.rewritten {
            copy[72..80].copy_from_slice(&through.to_le_bytes());
            copy[80..88].copy_from_slice(&next.0.to_le_bytes());
        }
        let crc = crc32c::crc32c(&copy[..HEADER_COPY_BYTES - 4]);
        copy[HEADER_COPY_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        let mut bytes = [0; HEADER_BYTES];
        bytes[..HEADER_COPY_BYTES].copy_from_slice(&copy);
        bytes[HEADER_COPY_BYTES..].copy_from_slice(&copy);
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<SegmentHeader, HeaderError> {
        bytes
            .chunks_exact(HEADER_COPY_BYTES)
            .take(2)
            .map(SegmentHeader::decode_copy)
            .reduce(|first, second| first.or(second))
            .unwrap_or(Err(HeaderError::Unreadable))
    }

    fn decode_copy(copy: &[u8]) -> Result<SegmentHeader, HeaderError> {
        let crc = crc32c::crc32c(&copy[..HEADER_COPY_BYTES - 4]);
        if copy[..8] != MAGIC || crc != u32_at(copy, HEADER_COPY_BYTES - 4) {
            return Err(HeaderError::Unreadable);
        }
        let (format, min_reader) = (u16_at(copy, 8), u16_at(copy, 10));
        if min_reader > FORMAT {
            return Err(HeaderError::Newer { format, min_reader });
        }
        let id: [u8; 16] = copy[16..32].try_into().expect("16 bytes");
        let rewritten = Rewritten { through: u64_at(copy, 72), next: Sequence(u64_at(copy, 80)) };
        Ok(SegmentHeader {
            log: LogId(uuid::Uuid::from_bytes(id)),
            epoch: u32_at(copy, 12),
            ordinal: u64_at(copy, 32),
            first: Sequence(u64_at(copy, 40)),
            salt: u64_at(copy, 48),
            before_ordinal: u64_at(copy, 56),
            before_len: u64_at(copy, 64),
            rewritten: (rewritten.through != 0).then_some(rewritten),
        })
    }

    /// The ordinal that the next segment names as the one before it.
    pub fn last_ordinal(&self) -> u64 {
        self.rewritten.map_or(self.ordinal, |rewritten| rewritten.through)
    }
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An `Entry` in MessagePack.
    Commit,
    /// Nothing: the log was closed here, on purpose and whole.
    Horizon,
    /// Other frames, packed. Only in a segment that was rewritten.
    Block,
    /// A [`Gone`] in MessagePack: what bore these sequences is no more.
    Gone,
}

/// Why sequences are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// Older than events of their class are kept.
    Cleaned { class: Class },
    /// They could not be read when their segment was rewritten.
    Damaged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    pub kind: Kind,
    pub body_len: usize,
    /// The first sequence of the batch that was fsynced together with this frame.
    pub batch: Sequence,
    /// Of a horizon: the next sequence.
    pub first: Sequence,
    pub count: u32,
    body_crc: u32,
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// Not enough bytes for what it says it is, or zeros.
    End,
    Header,
    Body,
    /// Whole, and of a kind that this program does not know.
    UnknownKind(u8),
}

/// The salt, as the beginning of every checksum of its segment.
#[derive(Debug, Clone, Copy)]
pub struct Seed(u32);

impl Seed {
    pub fn of(header: &SegmentHeader) -> Seed {
        Seed(crc32c::crc32c(&header.salt.to_le_bytes()))
    }

    fn crc(self, bytes: &[u8]) -> u32 {
        crc32c::crc32c_append(self.0, bytes)
    }
}

/// Appends a frame to `out`.
pub fn write(
    out: &mut Vec<u8>,
    seed: Seed,
    kind: Kind,
    batch: Sequence,
    first: Sequence,
    count: u32,
    body: &[u8],
) {
    let start = out.len();
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&[kind.byte(), 0, 0, 0]);
    out.extend_from_slice(&batch.0.to_le_bytes());
    out.extend_from_slice(&first.0.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&seed.crc(body).to_le_bytes());
    let crc = seed.crc(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(body);
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Kind::Commit => 1,
            Kind::Horizon => 2,
            Kind::Block => 3,
            Kind::Gone => 4,
        }
    }

    fn of(byte: u8) -> Result<Kind, FrameError> {
        match byte {
            1 => Ok(Kind::Commit),
            2 => Ok(Kind::Horizon),
            3 => Ok(Kind::Block),
            4 => Ok(Kind::Gone),
            other => Err(FrameError::UnknownKind(other)),
        }
    }

    /// Whether a frame's header may have this byte for its kind.
    pub fn is_known(byte: u8) -> bool {
        Kind::of(byte).is_ok()
    }
}

/// Before each frame in a block.
const PACKED_HEADER_BYTES: usize = 17;
/// Of a block unpacked: one frame of the longest, and what came before it.
const UNPACKED_BYTES_MAX: usize = BODY_BYTES_MAX + (1 << 20);

/// Appends a frame to the content of a block.
pub fn pack(out: &mut Vec<u8>, kind: Kind, first: Sequence, count: u32, body: &[u8]) {
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.push(kind.byte());
    out.extend_from_slice(&first.0.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(body);
}

/// The body of a block frame with this content.
pub fn pack_block(packer: &mut zstd::bulk::Compressor<'_>, content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut body = (content.len() as u32).to_le_bytes().to_vec();
    body.append(&mut packer.compress(content)?);
    Ok(body)
}

/// The content of a block frame with this body.
pub fn unpack_block(body: &[u8]) -> Option<Vec<u8>> {
    let (len, packed) = body.split_first_chunk()?;
    let len = u32::from_le_bytes(*len) as usize;
    if len > UNPACKED_BYTES_MAX {
        return None;
    }
    zstd::bulk::decompress(packed, len).ok().filter(|content| content.len() == len)
}

/// The frame at the start of a block's content, and what comes after it.
pub fn unpack(content: &[u8]) -> Option<(FrameHeader, &[u8], &[u8])> {
    let (header, rest) = content.split_at_checked(PACKED_HEADER_BYTES)?;
    let body_len = u32_at(header, 0) as usize;
    let (body, rest) = rest.split_at_checked(body_len)?;
    let first = Sequence(u64_at(header, 5));
    let kind = Kind::of(header[4]).ok()?;
    Some((
        FrameHeader { kind, body_len, batch: first, first, count: u32_at(header, 13), body_crc: 0 },
        body,
        rest,
    ))
}

impl FrameHeader {
    pub fn frame_len(&self) -> usize {
        FRAME_HEADER_BYTES + self.body_len
    }

    /// The sequence after this frame.
    pub fn next(&self) -> Sequence {
        Sequence(self.first.0 + u64::from(self.count))
    }
}

/// Reads the header at the start of `bytes`.
pub fn read_header(bytes: &[u8], seed: Seed) -> Result<FrameHeader, FrameError> {
    let Some(header) = bytes.get(..FRAME_HEADER_BYTES) else { return Err(FrameError::End) };
    if header.iter().all(|byte| *byte == 0) {
        return Err(FrameError::End);
    }
    let body_len = u32_at(header, 0) as usize;
    if body_len > BODY_BYTES_MAX || seed.crc(&header[..32]) != u32_at(header, 32) {
        return Err(FrameError::Header);
    }
    Ok(FrameHeader {
        kind: Kind::of(header[4])?,
        body_len,
        batch: Sequence(u64_at(header, 8)),
        first: Sequence(u64_at(header, 16)),
        count: u32_at(header, 24),
        body_crc: u32_at(header, 28),
    })
}

/// Reads the frame at the start of `bytes`: its header and its body, both checked.
pub fn read(bytes: &[u8], seed: Seed) -> Result<(FrameHeader, &[u8]), FrameError> {
    let header = read_header(bytes, seed)?;
    let body = bytes.get(FRAME_HEADER_BYTES..header.frame_len()).ok_or(FrameError::End)?;
    if seed.crc(body) != header.body_crc {
        return Err(FrameError::Body);
    }
    Ok((header, body))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("2 bytes"))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader {
            log: LogId(uuid::Uuid::from_u128(9)),
            epoch: 2,
            ordinal: 3,
            first: Sequence(40),
            salt: 77,
            before_ordinal: 2,
            before_len: 1_000,
            rewritten: None,
        }
    }

    #[test]
    fn a_header_survives_the_loss_of_either_copy() {
        let bytes = header().encode();
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header()));
        let rewritten = Some(Rewritten { through: 9, next: Sequence(70) });
        let again = SegmentHeader { rewritten, ..header() };
        assert_eq!(SegmentHeader::decode(&again.encode()), Ok(again));
        for at in 0..HEADER_BYTES {
            let mut hurt = bytes;
            hurt[at] ^= 0x40;
            assert_eq!(SegmentHeader::decode(&hurt), Ok(header()), "byte {at}");
        }
        let mut both = bytes;
        both[0] ^= 1;
        both[HEADER_COPY_BYTES] ^= 1;
        assert_eq!(SegmentHeader::decode(&both), Err(HeaderError::Unreadable));
        assert_eq!(SegmentHeader::decode(&bytes[..100]), Err(HeaderError::Unreadable));
    }

    #[test]
    fn a_later_format_is_refused_by_name() {
        let mut bytes = header().encode();
        for copy in bytes.chunks_exact_mut(HEADER_COPY_BYTES) {
            copy[8..10].copy_from_slice(&9u16.to_le_bytes());
            copy[10..12].copy_from_slice(&8u16.to_le_bytes());
            let crc = crc32c::crc32c(&copy[..HEADER_COPY_BYTES - 4]);
            copy[HEADER_COPY_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
        }
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderError::Newer { format: 9, min_reader: 8 }));
    }

    #[test]
    fn another_salt_is_another_log() {
        let mut bytes = Vec::new();
        write(&mut bytes, Seed::of(&header()), Kind::Commit, Sequence(1), Sequence(1), 1, b"body");
        let other = SegmentHeader { salt: 78, ..header() };
        assert_eq!(read(&bytes, Seed::of(&other)), Err(FrameError::Header));
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_seen(body in prop::collection::vec(any::<u8>(), 0..64), bit in 0usize..800) {
            let seed = Seed::of(&header());
            let mut bytes = Vec::new();
            write(&mut bytes, seed, Kind::Commit, Sequence(5), Sequence(6), 2, &body);
            let (read_back, read_body) = read(&bytes, seed).unwrap();
            prop_assert_eq!((read_back.batch, read_back.first, read_back.next(), read_body), (Sequence(5), Sequence(6), Sequence(8), &body[..]));
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(read(&bytes, seed).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&bytes, Seed::of(&header())).is_err());
        }
    }
}
