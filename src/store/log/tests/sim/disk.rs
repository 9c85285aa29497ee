//! A disk in memory that keeps no more than it promised.
//!
//! - Content is written to a cache. `sync` brings a file's content and length to the disk. At a power cut, of what was
//!   written after, each sector of 512 bytes is there as it was after any one of the later calls, each for itself; the
//!   length is one that it had, or something between.
//! - Names are made, renamed and removed in the cache. `sync_dir` brings them to the disk. At a power cut, of the later
//!   ones a part from the beginning is there, or any part; a rename is there whole or not at all.
//! - A call may fail: with nothing done, with a part done, or all done and an error all the same. After a failed `sync`
//!   some of the file has reached the disk; the cache calls all of it clean, and may forget what is not on the disk.
//! - The process may end at any call. What is in the cache stays there, unless the power goes too.
//!
//! There is one directory.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::store::disk::{Disk, DiskFile};

const SECTOR: usize = 512;
/// Of a hundred power cuts, in so many nothing of a file that was not synced is there, and in so many everything.
const BARE_PERCENT: usize = 10;
const WHOLE_PERCENT: usize = 10;
/// While there are faults, of a hundred reads so many fail.
const READ_FAULT_PERCENT: usize = 2;

/// Numbers that look random and repeat with their seed.
#[derive(Clone)]
pub struct Numbers(u64);

impl Numbers {
    pub fn of(seed: u64) -> Numbers {
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // The first number of one seed is much like that of the next.
        numbers.below(2);
        numbers
    }

    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Promises that a disk breaks, for a control.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lies {
    pub sync: bool,
    pub sync_dir: bool,
}

/// What ends a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Kill,
    PowerCut,
}

pub type Contents = BTreeMap<PathBuf, Vec<u8>>;

/// A cheap handle.
#[derive(Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

struct State {
    numbers: Numbers,
    nodes: Vec<Node>,
    now: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// Since the last sync of the directory.
    later: Vec<Naming>,
    lies: Lies,
    /// Of a hundred calls, so many fail.
    fault_percent: usize,
    /// Calls until the process ends.
    left: Option<usize>,
    ended: bool,
}

/// Names that change together.
type Naming = Vec<(PathBuf, Option<usize>)>;

/// What becomes of a call.
enum Fate {
    Done,
    Refused(io::Error),
    /// Done, or a part of it, and an error all the same.
    Spoiled(io::Error),
}

impl SimDisk {
    pub fn new(numbers: Numbers, lies: Lies) -> SimDisk {
        SimDisk(Arc::new(Mutex::new(State {
            numbers,
            nodes: Vec::new(),
            now: BTreeMap::new(),
            durable: BTreeMap::new(),
            later: Vec::new(),
            lies,
            fault_percent: 0,
            left: None,
            ended: false,
        })))
    }

    pub fn set_faults(&self, percent: usize) {
        self.state().fault_percent = percent;
    }

    /// The process ends at the call after so many.
    pub fn end_in(&self, calls: usize) {
        self.state().left = Some(calls);
    }

    pub fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// No faults and no end, while someone judges; answers how it was.
    pub fn suspend(&self) -> (usize, Option<usize>) {
        let mut state = self.state();
        (std::mem::take(&mut state.fault_percent), state.left.take())
    }

    pub fn resume(&self, (fault_percent, left): (usize, Option<usize>)) {
        let mut state = self.state();
        (state.fault_percent, state.left) = (fault_percent, left);
    }

    /// Another process begins on what the end of the last one left.
    pub fn begin(&self, after: End) {
        let state = &mut *self.state();
        (state.left, state.ended) = (None, false);
        match after {
            End::Kill => state.forget(),
            End::PowerCut => state.cut(),
        }
    }

    /// What the files hold, for who judges.
    pub fn contents(&self) -> Contents {
        let state = self.state();
        state.now.iter().map(|(name, node)| (name.clone(), state.nodes[*node].cached.clone())).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fate(&mut self) -> Fate {
        if self.ended {
            return Fate::Refused(io::Error::other("the process has ended"));
        }
        if let Some(left) = &mut self.left {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => self.ended = true,
            }
        }
        if !self.ended && !self.numbers.percent(self.fault_percent) {
            return Fate::Done;
        }
        let error = match self.numbers.below(2) {
            0 => io::ErrorKind::StorageFull.into(),
            _ => io::Error::other("input/output error"),
        };
        if self.numbers.below(2) == 0 { Fate::Refused(error) } else { Fate::Spoiled(error) }
    }

    /// A call that happens or not.
    fn call<T>(&mut self, done: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        match self.fate() {
            Fate::Done => done(self),
            Fate::Refused(error) => Err(error),
            Fate::Spoiled(error) => done(self).and(Err(error)),
        }
    }

    fn name(&mut self, naming: Naming) {
        put(&mut self.now, &naming);
        self.later.push(naming);
    }

    fn write(&mut self, node: usize, bytes: &[u8], offset: usize) -> io::Result<()> {
        let (len, result) = match self.fate() {
            Fate::Done => (bytes.len(), Ok(())),
            Fate::Refused(error) => (0, Err(error)),
            Fate::Spoiled(error) => (self.numbers.below(bytes.len() + 1), Err(error)),
        };
        if len > 0 {
            self.nodes[node].write(&bytes[..len], offset);
        }
        result
    }

    fn sync(&mut self, node: usize) -> io::Result<()> {
        let fate = self.fate();
        match fate {
            _ if self.lies.sync => {}
            Fate::Done => self.nodes[node].sync(),
            // Who has ended was not told how it went, and nothing failed.
            Fate::Refused(_) if self.ended => {}
            Fate::Spoiled(_) if self.ended => self.nodes[node].sync(),
            Fate::Refused(_) | Fate::Spoiled(_) => self.nodes[node].fail_sync(&mut self.numbers),
        }
        fate.result()
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        let fate = self.fate();
        let synced = match fate {
            _ if self.lies.sync_dir => 0,
            Fate::Done => self.later.len(),
            Fate::Refused(_) => 0,
            Fate::Spoiled(_) => self.numbers.below(self.later.len() + 1),
        };
        for naming in self.later.drain(..synced) {
            put(&mut self.durable, &naming);
        }
        fate.result()
    }

    /// The machine needs its memory: what is called clean is read from the disk again.
    fn forget(&mut self) {
        if self.numbers.below(2) == 0 {
            self.nodes.iter_mut().for_each(|node| node.cached = node.after(node.later.len()));
        }
    }

    fn cut(&mut self) {
        let numbers = &mut self.numbers;
        let kept = kept_percent(numbers);
        // As a journal keeps them, or as POSIX allows.
        let journal = numbers.below(2) == 0 || kept == 0 || kept == 100;
        let part = match kept {
            0 => 0,
            100 => self.later.len(),
            _ => numbers.below(self.later.len() + 1),
        };
        for (i, naming) in std::mem::take(&mut self.later).iter().enumerate() {
            let there = if journal { i < part } else { numbers.percent(kept) };
            if there {
                put(&mut self.durable, naming);
            }
        }
        self.now = self.durable.clone();
        for node in &mut self.nodes {
            node.durable = node.cut(kept, numbers);
            node.cached = node.durable.clone();
            node.later.clear();
        }
    }
}

impl Fate {
    fn result(self) -> io::Result<()> {
        match self {
            Fate::Done => Ok(()),
            Fate::Refused(error) | Fate::Spoiled(error) => Err(error),
        }
    }
}

fn put(names: &mut BTreeMap<PathBuf, usize>, naming: &Naming) {
    for (name, node) in naming {
        match node {
            Some(node) => names.insert(name.clone(), *node),
            None => names.remove(name),
        };
    }
}

fn kept_percent(numbers: &mut Numbers) -> usize {
    match numbers.below(100) {
        n if n < BARE_PERCENT => 0,
        n if n < BARE_PERCENT + WHOLE_PERCENT => 100,
        _ => 1 + numbers.below(99),
    }
}

/// A file, whatever its names.
#[derive(Default)]
struct Node {
    /// As a reader sees it.
    cached: Vec<u8>,
    /// As the disk has it.
    durable: Vec<u8>,
    /// Since the last sync.
    later: Vec<Change>,
}

enum Change {
    /// Whole sectors, as far as the file goes.
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    Length(usize),
}

impl Node {
    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        self.cached.resize(self.cached.len().max(end), 0);
        self.cached[offset..end].copy_from_slice(bytes);
        // With a byte goes its sector, whatever else is in it.
        let from = offset / SECTOR * SECTOR;
        let to = end.next_multiple_of(SECTOR).min(self.cached.len());
        self.later.push(Change::Write { offset: from, bytes: self.cached[from..to].to_vec() });
    }

    fn set_len(&mut self, len: usize) {
        self.cached.resize(len, 0);
        self.later.push(Change::Length(len));
    }

    fn sync(&mut self) {
        self.durable = self.after(self.later.len());
        self.later.clear();
    }

    fn fail_sync(&mut self, numbers: &mut Numbers) {
        let kept = kept_percent(numbers);
        self.durable = self.cut(kept, numbers);
        self.later.clear();
        if self.durable.len() != self.cached.len() {
            self.later.push(Change::Length(self.cached.len()));
        }
        let forgotten = [0, 50, 100][numbers.below(3)];
        let read_again = self.after(self.later.len());
        for (sector, again) in self.cached.chunks_mut(SECTOR).zip(read_again.chunks(SECTOR)) {
            if numbers.percent(forgotten) {
                sector.copy_from_slice(again);
            }
        }
    }

    /// On the disk, if so many of the later changes got there.
    fn after(&self, count: usize) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in &self.later[..count] {
            match change {
                Change::Length(len) => content.resize(*len, 0),
                Change::Write { offset, bytes } => {
                    let end = offset + bytes.len();
                    content.resize(content.len().max(end), 0);
                    content[*offset..end].copy_from_slice(bytes);
                }
            }
        }
        content
    }

    /// On the disk, if about so much of the later changes got there.
    fn cut(&self, kept: usize, numbers: &mut Numbers) -> Vec<u8> {
        match kept {
            _ if self.later.is_empty() => return self.durable.clone(),
            0 => return self.durable.clone(),
            100 => return self.after(self.later.len()),
            _ => {}
        }
        // By sector, the later changes that touch it; a length touches all it cuts off.
        let mut lens = vec![self.durable.len()];
        let mut touched: BTreeMap<usize, Vec<&Change>> = BTreeMap::new();
        let mut longest = lens[0];
        for change in &self.later {
            let before = lens[lens.len() - 1];
            let (from, to) = match change {
                Change::Write { offset, bytes } => (*offset, offset + bytes.len()),
                Change::Length(len) => (*len, longest.max(*len)),
            };
            lens.push(match change {
                Change::Write { .. } => before.max(to),
                Change::Length(len) => *len,
            });
            longest = longest.max(to);
            for sector in from / SECTOR..to.div_ceil(SECTOR) {
                touched.entry(sector).or_default().push(change);
            }
        }
        let mut content = self.durable.clone();
        content.resize(longest, 0);
        for (sector, changes) in touched {
            let count = if numbers.percent(kept) { changes.len() } else { numbers.below(changes.len()) };
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(longest);
            for change in &changes[..count] {
                match change {
                    Change::Length(len) => content[(*len).clamp(start, end)..end].fill(0),
                    Change::Write { offset, bytes } => {
                        let (from, to) = (start.max(*offset), end.min(offset + bytes.len()));
                        content[from..to].copy_from_slice(&bytes[from - offset..to - offset]);
                    }
                }
            }
        }
        content.resize(cut_len(&lens, numbers), 0);
        content
    }
}

/// One of these lengths, or something between the least and the greatest.
fn cut_len(lens: &[usize], numbers: &mut Numbers) -> usize {
    let (least, most) =
        lens.iter().fold((usize::MAX, 0), |(least, most), len| (least.min(*len), most.max(*len)));
    match numbers.below(3) {
        0 => lens[numbers.below(lens.len())],
        1 => lens[lens.len() - 1],
        _ => least + numbers.below(most - least + 1),
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn DiskFile>> {
        let node = self.state().call(|state| match state.now.get(path) {
            Some(node) => Ok(*node),
            None if create => {
                state.nodes.push(Node::default());
                let node = state.nodes.len() - 1;
                state.name(vec![(path.to_owned(), Some(node))]);
                Ok(node)
            }
            None => Err(io::ErrorKind::NotFound.into()),
        })?;
        Ok(Box::new(SimFile { disk: self.clone(), node }))
    }

    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        self.state().call(|state| Ok(state.now.keys().cloned().collect()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().call(|state| {
            if !state.now.contains_key(path) {
                return Err(io::ErrorKind::NotFound.into());
            }
            state.name(vec![(path.to_owned(), None)]);
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().call(|state| {
            let node = *state.now.get(from).ok_or(io::ErrorKind::NotFound)?;
            state.name(vec![(from.to_owned(), None), (to.to_owned(), Some(node))]);
            Ok(())
        })
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.state().sync_dir()
    }
}

struct SimFile {
    disk: SimDisk,
    node: usize,
}

impl DiskFile for SimFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = &mut *self.disk.state();
        if state.ended || state.fault_percent > 0 && state.numbers.percent(READ_FAULT_PERCENT) {
            return Err(io::Error::other("input/output error"));
        }
        let content = state.nodes[self.node].cached.get(offset as usize..).unwrap_or_default();
        let len = content.len().min(bytes.len());
        bytes[..len].copy_from_slice(&content[..len]);
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.state().write(self.node, bytes, offset as usize)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.state().sync(self.node)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.state().call(|state| {
            state.nodes[self.node].set_len(len as usize);
            Ok(())
        })
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.state().nodes[self.node].cached.len() as u64)
    }
}
