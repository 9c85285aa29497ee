//! Snapshots of the record view: its rows in one file, checked block by block.
//!
//! Fuzzy: rows are read while writes go on, so each is as it was at [`Head::applied`] or later; the log from there on,
//! applied again, makes them equal. What can be made from rows (lists, counts) is not in it. A view is made anew from the
//! newest snapshot that proves whole, and from the log alone where there is none.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic |
//! | 4 | length of the head, then the head as MessagePack, then its CRC32C in 4 |
//! | 4, 4, 4 | of each block: length packed, length unpacked, CRC32C of what is packed; then zstd of the rows |
//! | 4 | of each row in it: length of the key, the key, then the same of the value |
//! | 12 | a block of length 0 ends the file; in place of the other numbers the count of rows |

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::model::{LogId, Sequence, decode, encode};

const MAGIC: [u8; 8] = *b"WHSNAP1\n";
const BLOCK_BYTES: usize = 1 << 20;
/// Of one row, so that a damaged length asks for no more memory than this.
const UNPACKED_BYTES_MAX: u32 = 64 << 20;
const HEAD_BYTES_MAX: u32 = 4 << 10;
/// Fast: it is written beside everything else.
const ZSTD_LEVEL: i32 = 1;
pub const DIR: &str = "snapshots";
const ENDING: &str = "snap";
/// The newest, and the one before until that has gone wrong.
const KEPT: usize = 2;

/// What a snapshot is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Of the rows' encoding.
    pub version: u32,
    pub log: LogId,
    pub epoch: u32,
    /// Everything up to here is in the rows.
    pub applied: Sequence,
}

/// Why a snapshot is of no use.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{what}")]
    Damaged { offset: u64, what: &'static str },
    /// Who takes the rows has had enough.
    #[error("stopped")]
    Stopped,
}

impl SnapshotError {
    pub fn offset(&self) -> Option<u64> {
        match self {
            SnapshotError::Damaged { offset, .. } => Some(*offset),
            _ => None,
        }
    }
}

/// Takes a row; `false` stops.
pub type Each<'a> = dyn FnMut(&[u8], &[u8]) -> bool + 'a;

/// The files, newest first.
pub fn all(data_dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(data_dir.join(DIR)) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == ENDING)).collect();
    files.sort_unstable();
    files.reverse();
    files
}

/// As it is told to people.
pub fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    format!("{DIR}/{}", name.to_string_lossy())
}

/// The epoch and the place that a file is of, by its name.
pub fn place_of(path: &Path) -> Option<(u32, Sequence)> {
    let (epoch, applied) = path.file_stem()?.to_str()?.split_once('-')?;
    Some((epoch.parse().ok()?, Sequence(applied.parse().ok()?)))
}

/// Writes what `rows` hands out, reads it back, and lets older ones go; answers how many bytes it is.
pub fn write(
    data_dir: &Path,
    head: &Head,
    rows: impl FnOnce(&mut Each<'_>) -> Result<(), SnapshotError>,
) -> Result<u64, SnapshotError> {
    let dir = data_dir.join(DIR);
    fs::create_dir_all(&dir)?;
    // Named so that names sort as places do; of a history that was lost, all are older.
    let path = dir.join(format!("{:010}-{:020}.{ENDING}", head.epoch, head.applied.0));
    let half = path.with_extension("half");
    let written = write_file(&half, head, rows).and_then(|count| {
        let read = read(&half, &mut |_, _| true)?;
        if read == (*head, count) {
            Ok(())
        } else {
            Err(SnapshotError::Damaged { offset: 0, what: "it does not read back as it was written" })
        }
    });
    if let Err(error) = written {
        match fs::remove_file(&half) {
            Err(left) if left.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%left, "a snapshot half written stays until the next")
            }
            _ => {}
        }
        return Err(error);
    }
    fs::rename(&half, &path)?;
    File::open(&dir)?.sync_all()?;
    for old in all(data_dir).into_iter().skip(KEPT) {
        fs::remove_file(old)?;
    }
    Ok(fs::metadata(&path)?.len())
}

/// Removes those that are not of this place or later.
pub fn keep_from(data_dir: &Path, head: &Head) -> io::Result<()> {
    let from = Some((head.epoch, head.applied));
    for old in all(data_dir).into_iter().filter(|path| place_of(path) < from) {
        fs::remove_file(old)?;
    }
    Ok(())
}

fn write_file(
    path: &Path,
    head: &Head,
    rows: impl FnOnce(&mut Each<'_>) -> Result<(), SnapshotError>,
) -> Result<u64, SnapshotError> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut out = BufWriter::new(file);
    let bytes = encode(head);
    out.write_all(&MAGIC)?;
    out.write_all(&(bytes.len() as u32).to_le_bytes())?;
    out.write_all(&bytes)?;
    out.write_all(&crc32c::crc32c(&bytes).to_le_bytes())?;
    let (mut block, mut count, mut failed) = (Vec::with_capacity(2 * BLOCK_BYTES), 0u64, None);
    rows(&mut |key, value| {
        for part in [key, value] {
            block.extend_from_slice(&(part.len() as u32).to_le_bytes());
            block.extend_from_slice(part);
        }
        count += 1;
        if block.len() >= BLOCK_BYTES {
            failed = write_block(&mut out, &block).err();
            block.clear();
        }
        failed.is_none()
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if !block.is_empty() {
        write_block(&mut out, &block)?;
    }
    out.write_all(&0u32.to_le_bytes())?;
    out.write_all(&count.to_le_bytes())?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(count)
}

fn write_block(out: &mut impl Write, block: &[u8]) -> io::Result<()> {
    let packed = zstd::bulk::compress(block, ZSTD_LEVEL)?;
    for number in [packed.len() as u32, block.len() as u32, crc32c::crc32c(&packed)] {
        out.write_all(&number.to_le_bytes())?;
    }
    out.write_all(&packed)
}

/// Holds every block against its checksum; answers what it is of and how many rows it says there are.
pub fn check(path: &Path) -> Result<(Head, u64), SnapshotError> {
    let mut from = Reading::open(path)?;
    let head = from.head()?;
    loop {
        if let Block::End { count } = from.block()? {
            return Ok((head, count));
        }
    }
}

/// Hands out every row, each after its block was checked; answers what it is of and how many there were.
pub fn read(path: &Path, each: &mut Each<'_>) -> Result<(Head, u64), SnapshotError> {
    let mut from = Reading::open(path)?;
    let head = from.head()?;
    let mut count = 0;
    loop {
        let (begins, packed, unpacked) = match from.block()? {
            Block::Packed { begins, packed, unpacked } => (begins, packed, unpacked),
            Block::End { count: told } if told == count => return Ok((head, count)),
            Block::End { .. } => return Err(from.damaged("its rows are not as many as it says")),
        };
        let damaged = |what| SnapshotError::Damaged { offset: begins, what };
        let block = zstd::bulk::decompress(&packed, unpacked as usize).unwrap_or_default();
        if block.len() != unpacked as usize {
            return Err(damaged("a block does not unpack to its length"));
        }
        let mut rest = block.as_slice();
        while !rest.is_empty() {
            let row = part(&mut rest).and_then(|key| Some((key, part(&mut rest)?)));
            let (key, value) = row.ok_or_else(|| damaged("a row is cut off"))?;
            if !each(key, value) {
                return Err(SnapshotError::Stopped);
            }
            count += 1;
        }
    }
}

/// What begins `rest` with its length before it.
fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (part, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *rest = after;
    Some(part)
}

enum Block {
    Packed { begins: u64, packed: Vec<u8>, unpacked: u32 },
    End { count: u64 },
}

struct Reading {
    file: BufReader<File>,
    at: u64,
    /// Of the file.
    len: u64,
}

impl Reading {
    fn open(path: &Path) -> Result<Reading, SnapshotError> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Reading { file: BufReader::new(file), at: 0, len })
    }

    /// What the file begins with.
    fn head(&mut self) -> Result<Head, SnapshotError> {
        if self.take::<8>()? != MAGIC {
            return Err(self.damaged("it does not begin as a snapshot does"));
        }
        let length = self.number()?;
        if length > HEAD_BYTES_MAX {
            return Err(self.damaged("the head's length cannot be"));
        }
        let head = self.bytes(length)?;
        if self.number()? != crc32c::crc32c(&head) {
            return Err(self.damaged("the head does not have its checksum"));
        }
        decode(&head).map_err(|_| self.damaged("the head cannot be read"))
    }

    /// The next block, which has its checksum.
    fn block(&mut self) -> Result<Block, SnapshotError> {
        let packed = self.number()?;
        if packed == 0 {
            let count = u64::from_le_bytes(self.take()?);
            return match self.at == self.len {
                true => Ok(Block::End { count }),
                false => Err(self.damaged("it goes on after its end")),
            };
        }
        let (unpacked, crc) = (self.number()?, self.number()?);
        if unpacked > UNPACKED_BYTES_MAX || u64::from(packed) > self.len - self.at.min(self.len) {
            return Err(self.damaged("a block's length cannot be"));
        }
        let begins = self.at;
        let packed = self.bytes(packed)?;
        match crc32c::crc32c(&packed) == crc {
            true => Ok(Block::Packed { begins, packed, unpacked }),
            false => {
                Err(SnapshotError::Damaged { offset: begins, what: "a block does not have its checksum" })
            }
        }
    }

    fn damaged(&self, what: &'static str) -> SnapshotError {
        SnapshotError::Damaged { offset: self.at, what }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SnapshotError> {
        self.file.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged("it ends too early"),
            _ => error.into(),
        })?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u32, SnapshotError> {
        Ok(u32::from_le_bytes(self.take()?))
    }

    fn bytes(&mut self, length: u32) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(applied: u64) -> Head {
        Head { version: 1, log: LogId(uuid::Uuid::nil()), epoch: 3, applied: Sequence(applied) }
    }

    fn rows() -> Vec<(Vec<u8>, Vec<u8>)> {
        let row = |n: u32| (n.to_be_bytes().to_vec(), vec![n as u8; (n as usize * 37) % 5_000]);
        (0..900).map(row).collect()
    }

    fn make(dir: &Path, applied: u64, rows: &[(Vec<u8>, Vec<u8>)]) -> PathBuf {
        let hand_out = |each: &mut Each<'_>| -> Result<(), SnapshotError> {
            assert!(rows.iter().all(|(key, value)| each(key, value)));
            Ok(())
        };
        write(dir, &head(applied), hand_out).unwrap();
        all(dir)[0].clone()
    }

    #[test]
    fn what_was_written_is_read_and_the_last_two_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for applied in [5, 70, 600] {
            let path = make(dir.path(), applied, &rows());
            let mut found = Vec::new();
            let (of, count) = read(&path, &mut |key, value| {
                found.push((key.to_vec(), value.to_vec()));
                true
            })
            .unwrap();
            assert_eq!((of, count, found), (head(applied), 900, rows()));
        }
        let names: Vec<_> = all(dir.path()).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["0000000003-00000000000000000600.snap", "0000000003-00000000000000000070.snap"]);

        // History was lost: what begins anew is newer, however far the other went.
        let of = Head { epoch: 4, ..head(9) };
        write(
            dir.path(),
            &of,
            |each| if each(b"key", b"value") { Ok(()) } else { Err(SnapshotError::Stopped) },
        )
        .unwrap();
        let places: Vec<_> = all(dir.path()).iter().map(|path| place_of(path).unwrap()).collect();
        assert_eq!(places, [(4, Sequence(9)), (3, Sequence(600))]);
    }

    #[test]
    fn every_byte_that_is_turned_or_missing_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = make(dir.path(), 7, &rows()[..9]);
        let whole = fs::read(&path).unwrap();
        let any = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            read(&path, &mut |_, _| true)
        };
        for at in 0..whole.len() {
            let mut hurt = whole.clone();
            hurt[at] ^= 1 << (at % 8);
            assert!(any(&hurt).is_err(), "byte {at} of {}", whole.len());
        }
        for end in 0..whole.len() {
            assert!(any(&whole[..end]).is_err(), "cut at {end}");
        }
        assert!(any(&[whole.as_slice(), &[0]].concat()).is_err());
        assert!(any(&whole).is_ok());
    }

    #[test]
    fn one_that_was_not_finished_is_none() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), 7, &rows()[..9]);
        let stopped = write(dir.path(), &head(9), |each| {
            each(b"key", b"value");
            Err(SnapshotError::Stopped)
        });
        assert!(stopped.is_err());
        assert_eq!(fs::read_dir(dir.path().join(DIR)).unwrap().count(), 1);
    }
}
