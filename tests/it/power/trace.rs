//! The record of a process's calls, as `tests/power/recorder.c` writes it.

use std::ops::Range;

/// A place in the trace's bytes: what was written.
pub type Bytes = Range<usize>;

/// A call that went well. Paths are relative to the recorded directory.
#[derive(Debug)]
pub enum Call {
    Open {
        fd: i32,
        flags: u32,
        path: String,
    },
    Close {
        fd: i32,
    },
    Dup {
        fd: i32,
        copy: i32,
    },
    Write {
        fd: i32,
        offset: u64,
        bytes: Bytes,
    },
    Truncate {
        fd: i32,
        len: u64,
    },
    /// The file is at least this long.
    Extend {
        fd: i32,
        len: u64,
    },
    /// `fsync` or `fdatasync`, of a file or a directory.
    Sync {
        fd: i32,
    },
    Rename {
        from: String,
        to: String,
    },
    Link {
        from: String,
        to: String,
    },
    /// Of a file or of a directory.
    Remove {
        path: String,
    },
    Mkdir {
        path: String,
    },
    /// What the process said on its standard output.
    Mark(String),
}

/// Every change a process made below a directory, in order.
pub struct Trace {
    bytes: Vec<u8>,
    pub calls: Vec<Call>,
}

const HEAD_BYTES: usize = 32;

impl Trace {
    pub fn read(bytes: Vec<u8>) -> Trace {
        let mut calls = Vec::new();
        let mut at = 0;
        // The last record of a process that was killed may be cut.
        while let Some((call, next)) = call(&bytes, at) {
            calls.push(call);
            at = next;
        }
        assert_eq!(at, bytes.len(), "the trace is whole");
        Trace { bytes, calls }
    }

    /// A trace by hand.
    pub fn of(bytes: &[u8], calls: Vec<Call>) -> Trace {
        Trace { bytes: bytes.to_vec(), calls }
    }

    pub fn whole(&self) -> &[u8] {
        &self.bytes
    }

    pub fn bytes(&self, place: &Bytes) -> &[u8] {
        &self.bytes[place.clone()]
    }
}

fn call(bytes: &[u8], at: usize) -> Option<(Call, usize)> {
    let head = bytes.get(at..at + HEAD_BYTES)?;
    let number = |i: usize| u32::from_ne_bytes(head[i * 4..i * 4 + 4].try_into().expect("4 bytes"));
    let offset = u64::from_ne_bytes(head[24..].try_into().expect("8 bytes"));
    let (fd, other) = (number(1) as i32, number(2) as i32);
    let mut from = at + HEAD_BYTES;
    let mut part = |len: u32| {
        let part = from..from + len as usize;
        from = part.end;
        part
    };
    let (path, path2, data) = (part(number(3)), part(number(4)), part(number(5)));
    let words = |part: Range<usize>| bytes.get(part).map(|text| String::from_utf8_lossy(text).into_owned());
    let (path, path2) = (words(path)?, words(path2)?);
    bytes.get(data.clone())?;
    let call = match number(0) {
        1 => Call::Open { fd, flags: other as u32, path },
        2 => Call::Close { fd },
        3 => Call::Dup { fd, copy: other },
        4 => Call::Write { fd, offset, bytes: data.clone() },
        5 => Call::Truncate { fd, len: offset },
        6 => Call::Extend { fd, len: offset },
        7 => Call::Sync { fd },
        8 => Call::Rename { from: path, to: path2 },
        9 | 10 => Call::Remove { path },
        11 => Call::Mkdir { path },
        12 => Call::Link { from: path, to: path2 },
        14 => Call::Mark(words(data.clone())?),
        kind => panic!("a call of kind {kind} is not understood: {path} {path2}"),
    };
    Some((call, data.end))
}
