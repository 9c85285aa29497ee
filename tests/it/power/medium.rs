//! What a disk may hold after a power cut, given every call up to it.
//!
//! - Content: what a file held at its last `fsync` or `fdatasync` is there. Of what was written after, each sector of
//!   512 bytes is there as it was after any one of the later calls, each for itself, so in any order. The file is as
//!   long as it was at any of those moments, or something between; what did not get there reads as zeros.
//! - Names: what was made, renamed and removed in a directory before that directory's last `fsync` is so. Of what came
//!   after, either a part from the beginning is there, as a journal keeps it, or any part, as POSIX allows. A rename is
//!   there whole or not at all. Syncing a file says nothing of its name.
//!
//! `sync_file_range` and closing a file promise nothing.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::trace::{Bytes, Call, Trace};
use crate::workload::Numbers;

const SECTOR: u64 = 512;
/// Of a hundred images, in so many nothing that was not synced is there, and in so many everything.
const BARE_PERCENT: usize = 8;
const WHOLE_PERCENT: usize = 12;

/// What is below a directory: a file's content, or none of a directory.
pub type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

pub fn read_tree(dir: &Path) -> Tree {
    fn read(root: &Path, dir: &Path, tree: &mut Tree) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_owned();
            if path.is_dir() {
                tree.insert(name, None);
                read(root, &path, tree);
            } else {
                tree.insert(name, Some(fs::read(&path).unwrap()));
            }
        }
    }
    let mut tree = Tree::new();
    read(dir, dir, &mut tree);
    tree
}

pub fn write_tree(tree: &Tree, dir: &Path) {
    for (name, content) in tree {
        let path = dir.join(name);
        match content {
            None => fs::create_dir_all(&path).unwrap(),
            Some(content) => fs::write(&path, content).unwrap(),
        }
    }
}

/// A file or a directory, whatever its names.
type Node = usize;
const ROOT: Node = 0;
/// A name in a directory.
type Name = (Node, String);

#[derive(Default, Clone)]
struct File<'a> {
    durable: Vec<u8>,
    /// Since the last sync.
    later: Vec<Change<'a>>,
    len: u64,
}

#[derive(Clone, Copy)]
enum Change<'a> {
    Write { offset: u64, bytes: &'a [u8] },
    Length(u64),
}

/// Names that change together.
type Naming = Vec<(Name, Option<Node>)>;

#[derive(Clone)]
pub struct Medium<'a> {
    trace: &'a Trace,
    next: usize,
    /// None is a directory.
    nodes: Vec<Option<File<'a>>>,
    fds: HashMap<i32, Node>,
    now: BTreeMap<Name, Node>,
    durable: BTreeMap<Name, Node>,
    later: Vec<Naming>,
    /// Syncs of files below here did not happen.
    pub deaf_below: Option<&'static str>,
}

impl<'a> Medium<'a> {
    /// Before the first call. What is there, is there for good.
    pub fn new(tree: &Tree, trace: &'a Trace) -> Medium<'a> {
        let mut medium = Medium {
            trace,
            next: 0,
            nodes: vec![None],
            fds: HashMap::new(),
            now: BTreeMap::new(),
            durable: BTreeMap::new(),
            later: Vec::new(),
            deaf_below: None,
        };
        for (path, content) in tree {
            let name = medium.name(path.to_str().unwrap());
            let file = content.as_ref().map(|bytes| File {
                durable: bytes.clone(),
                later: vec![],
                len: bytes.len() as u64,
            });
            medium.nodes.push(file);
            medium.now.insert(name, medium.nodes.len() - 1);
        }
        medium.durable = medium.now.clone();
        medium
    }

    /// After the process was killed, another one begins: what is in the machine's memory stays there.
    pub fn killed(&self, trace: &'a Trace) -> Medium<'a> {
        Medium { trace, next: 0, fds: HashMap::new(), ..self.clone() }
    }

    /// Lets the calls before this one happen.
    pub fn go_to(&mut self, end: usize) {
        let trace = self.trace;
        for call in &trace.calls[self.next..end] {
            self.call(call);
        }
        self.next = end;
    }

    fn call(&mut self, call: &'a Call) {
        match call {
            Call::Open { fd, flags, path } => {
                let node = self.open(OFlags::from_bits_retain(*flags), path);
                self.fds.insert(*fd, node);
            }
            Call::Close { fd } => drop(self.fds.remove(fd)),
            Call::Dup { fd, copy } => drop(self.fds.insert(*copy, self.fds[fd])),
            Call::Write { fd, offset, bytes } => {
                let bytes = self.trace.bytes(bytes);
                let file = self.file(*fd);
                file.len = file.len.max(offset + bytes.len() as u64);
                file.later.push(Change::Write { offset: *offset, bytes });
            }
            Call::Truncate { fd, len } => self.file(*fd).set_len(*len),
            Call::Extend { fd, len } => {
                let len = self.file(*fd).len.max(*len);
                self.file(*fd).set_len(len);
            }
            Call::Sync { fd } => self.sync(self.fds[fd]),
            Call::Rename { from, to } => {
                let (from, to) = (self.name(from), self.name(to));
                let node = self.now[&from];
                self.rename(vec![(from, None), (to, Some(node))]);
            }
            Call::Link { from, to } => {
                let node = self.now[&self.name(from)];
                self.rename(vec![(self.name(to), Some(node))]);
            }
            Call::Remove { path } => self.rename(vec![(self.name(path), None)]),
            Call::Mkdir { path } => {
                self.nodes.push(None);
                self.rename(vec![(self.name(path), Some(self.nodes.len() - 1))]);
            }
            Call::Mark(_) => {}
        }
    }

    fn open(&mut self, flags: OFlags, path: &str) -> Node {
        assert!(!flags.contains(OFlags::TMPFILE), "a file without a name is not understood");
        let node = if path == "." { Some(ROOT) } else { self.now.get(&self.name(path)).copied() };
        match node {
            Some(node) => {
                if flags.contains(OFlags::TRUNC) {
                    self.nodes[node].as_mut().expect("a file").set_len(0);
                }
                node
            }
            None => {
                assert!(flags.contains(OFlags::CREATE), "{path} was opened, and nothing made it");
                self.nodes.push(Some(File::default()));
                let node = self.nodes.len() - 1;
                self.rename(vec![(self.name(path), Some(node))]);
                node
            }
        }
    }

    fn name(&self, path: &str) -> Name {
        let mut dir = ROOT;
        let mut parts = path.split('/').peekable();
        loop {
            let part = parts.next().expect("a path has a last part").to_owned();
            if parts.peek().is_none() {
                return (dir, part);
            }
            dir = self.now[&(dir, part)];
        }
    }

    fn file(&mut self, fd: i32) -> &mut File<'a> {
        let node = *self.fds.get(&fd).unwrap_or_else(|| panic!("fd {fd} was not opened"));
        self.nodes[node].as_mut().expect("content is written to files")
    }

    fn rename(&mut self, naming: Naming) {
        put(&mut self.now, &naming);
        self.later.push(naming);
    }

    fn sync(&mut self, node: Node) {
        if self.deaf_below.is_some_and(|above| self.is_below(node, above)) {
            return;
        }
        match &mut self.nodes[node] {
            Some(file) => {
                file.durable = file.after(file.later.len());
                file.later.clear();
            }
            // With a rename goes what happened before in the other directory, or names would come back.
            None => {
                let mut dirs = vec![node];
                let mut stays = Vec::new();
                let mut goes = Vec::new();
                for naming in self.later.drain(..).rev() {
                    if naming.iter().any(|((dir, _), _)| dirs.contains(dir)) {
                        dirs.extend(naming.iter().map(|((dir, _), _)| *dir));
                        goes.push(naming);
                    } else {
                        stays.push(naming);
                    }
                }
                goes.iter().rev().for_each(|naming| put(&mut self.durable, naming));
                self.later = stays.into_iter().rev().collect();
            }
        }
    }

    fn is_below(&self, node: Node, above: &str) -> bool {
        let above = self.now.get(&self.name(above));
        self.nodes[node].is_some()
            && self.now.iter().any(|((dir, _), named)| *named == node && Some(dir) == above)
    }

    /// As the process sees it.
    pub fn now(&self) -> Tree {
        self.tree(&self.now, &mut |file| file.after(file.later.len()))
    }

    /// As a power cut may leave it.
    pub fn cut(&self, numbers: &mut Numbers) -> Tree {
        let kept = match numbers.below(100) {
            n if n < BARE_PERCENT => 0,
            n if n < BARE_PERCENT + WHOLE_PERCENT => 100,
            _ => 1 + numbers.below(99),
        };
        let mut names = self.durable.clone();
        let extreme = kept % 100 == 0;
        let journal = numbers.below(2) == 0;
        let part = if extreme { self.later.len() * kept / 100 } else { numbers.below(self.later.len() + 1) };
        for (i, naming) in self.later.iter().enumerate() {
            let there = if journal || extreme { i < part } else { numbers.below(100) < kept };
            if there {
                put(&mut names, naming);
            }
        }
        self.tree(&names, &mut |file| file.cut(kept, numbers))
    }

    fn tree(&self, names: &BTreeMap<Name, Node>, content: &mut dyn FnMut(&File<'_>) -> Vec<u8>) -> Tree {
        let mut tree = Tree::new();
        let mut dirs = vec![(ROOT, PathBuf::new())];
        while let Some((dir, path)) = dirs.pop() {
            let inside = names.range((dir, String::new())..).take_while(|((above, _), _)| *above == dir);
            for ((_, name), node) in inside {
                let path = path.join(name);
                let content = self.nodes[*node].as_ref().map(&mut *content);
                if content.is_none() {
                    dirs.push((*node, path.clone()));
                }
                tree.insert(path, content);
            }
        }
        tree
    }
}

fn put(names: &mut BTreeMap<Name, Node>, naming: &Naming) {
    for (name, node) in naming {
        match node {
            Some(node) => names.insert(name.clone(), *node),
            None => names.remove(name),
        };
    }
}

impl File<'_> {
    fn set_len(&mut self, len: u64) {
        self.len = len;
        self.later.push(Change::Length(len));
    }

    /// After so many of the later changes.
    fn after(&self, count: usize) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in &self.later[..count] {
            match change {
                Change::Length(len) => content.resize(*len as usize, 0),
                Change::Write { offset, bytes } => {
                    let (from, to) = (*offset as usize, *offset as usize + bytes.len());
                    content.resize(content.len().max(to), 0);
                    content[from..to].copy_from_slice(bytes);
                }
            }
        }
        content
    }

    fn cut(&self, kept: usize, numbers: &mut Numbers) -> Vec<u8> {
        match kept {
            _ if self.later.is_empty() => return self.durable.clone(),
            0 => return self.durable.clone(),
            100 => return self.after(self.later.len()),
            _ => {}
        }
        // By sector, the later changes that touch it; a length touches all it cuts off.
        let mut lens = vec![self.durable.len() as u64];
        let mut touched: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let mut longest = lens[0];
        for (i, change) in self.later.iter().enumerate() {
            let before = lens[i];
            let (from, to) = match change {
                Change::Write { offset, bytes } => (*offset, offset + bytes.len() as u64),
                Change::Length(len) => (*len, longest.max(*len)),
            };
            lens.push(match change {
                Change::Write { .. } => before.max(to),
                Change::Length(len) => *len,
            });
            longest = longest.max(to);
            for sector in from / SECTOR..to.div_ceil(SECTOR) {
                touched.entry(sector).or_default().push(i);
            }
        }
        let len = self.cut_len(&lens, numbers);
        let mut content = self.durable.clone();
        content.resize(longest as usize, 0);
        for (sector, changes) in touched {
            // How many of them got there.
            let count = match numbers.below(100) {
                n if n < kept => changes.len(),
                _ => numbers.below(changes.len()),
            };
            let start = sector * SECTOR;
            for change in changes[..count].iter().map(|i| &self.later[*i]) {
                let end = (start + SECTOR).min(longest);
                match change {
                    Change::Length(len) => {
                        content[(*len).clamp(start, end) as usize..end as usize].fill(0);
                    }
                    Change::Write { offset, bytes } => {
                        let from = start.max(*offset);
                        let to = end.min(offset + bytes.len() as u64);
                        content[from as usize..to as usize]
                            .copy_from_slice(&bytes[(from - offset) as usize..(to - offset) as usize]);
                    }
                }
            }
        }
        content.resize(len as usize, 0);
        content
    }

    /// One of the lengths it had, or something between the least and the greatest.
    fn cut_len(&self, lens: &[u64], numbers: &mut Numbers) -> u64 {
        let (least, most) = (lens.iter().min().unwrap(), lens.iter().max().unwrap());
        match numbers.below(3) {
            0 => lens[numbers.below(lens.len())],
            1 => *lens.last().unwrap(),
            _ => least + numbers.below((most - least) as usize + 1) as u64,
        }
    }
}

/// What may be left of a file after these calls, by seed.
fn left(bytes: &[u8], calls: Vec<Call>, name: &str) -> Vec<Option<Vec<u8>>> {
    let trace = Trace::of(bytes, calls);
    let mut medium = Medium::new(&Tree::new(), &trace);
    medium.go_to(trace.calls.len());
    let mut left: Vec<_> = (0..2_000)
        .map(|seed| medium.cut(&mut Numbers(seed * 7_919)).remove(Path::new(name)).flatten())
        .collect();
    left.sort();
    left.dedup();
    left
}

fn open(fd: i32, path: &str, flags: OFlags) -> Call {
    Call::Open { fd, flags: flags.bits(), path: path.to_owned() }
}

fn write(fd: i32, offset: u64, bytes: Bytes) -> Call {
    Call::Write { fd, offset, bytes }
}

#[test]
fn what_was_synced_is_there_and_each_later_sector_may_be() {
    let text = [[b'a'; 1_024], [b'b'; 1_024]].concat();
    let calls = |synced: bool| {
        let mut calls =
            vec![open(3, "x", OFlags::CREATE), open(4, ".", OFlags::empty()), Call::Sync { fd: 4 }];
        calls.extend([write(3, 0, 0..1_024), Call::Sync { fd: 3 }, write(3, 0, 1_024..2_048)]);
        calls.extend(synced.then_some(Call::Sync { fd: 3 }));
        calls
    };
    let sector = |byte: u8| vec![byte; 512];
    let halves = |first: u8, second: u8| Some([sector(first), sector(second)].concat());
    let all = [halves(b'a', b'a'), halves(b'a', b'b'), halves(b'b', b'a'), halves(b'b', b'b')];
    assert_eq!(left(&text, calls(false), "x"), all);
    assert_eq!(left(&text, calls(true), "x"), [halves(b'b', b'b')]);
}

#[test]
fn a_file_has_any_length_between_and_zeros_where_nothing_came() {
    let calls = vec![
        open(3, "x", OFlags::CREATE),
        open(4, ".", OFlags::empty()),
        Call::Sync { fd: 4 },
        write(3, 0, 0..600),
        Call::Truncate { fd: 3, len: 2 },
    ];
    let left = left(&[b'a'; 600], calls, "x");
    let lens: Vec<usize> = left.iter().map(|content| content.as_ref().unwrap().len()).collect();
    assert_eq!((lens.iter().min(), lens.iter().max()), (Some(&0), Some(&600)));
    assert!(left.contains(&Some(vec![0; 600])) && left.contains(&Some(vec![b'a'; 600])));
    assert!(left.contains(&Some(vec![b'a'; 2])));
}

#[test]
fn a_name_is_there_after_its_directory_was_synced() {
    let calls = |at: usize| {
        let mut calls = vec![
            open(4, ".", OFlags::empty()),
            open(3, "new", OFlags::CREATE),
            write(3, 0, 0..1),
            Call::Sync { fd: 3 },
            Call::Rename { from: "new".to_owned(), to: "x".to_owned() },
            Call::Remove { path: "x".to_owned() },
        ];
        calls.insert(at, Call::Sync { fd: 4 });
        calls
    };
    let there = Some(b"a".to_vec());
    assert_eq!(left(b"a", calls(6), "x"), [None]);
    assert_eq!(left(b"a", calls(5), "x"), [None, there.clone()]);
    assert_eq!(left(b"a", calls(5), "new"), [None], "a rename is there whole");
    assert_eq!(left(b"a", calls(2), "x"), [None, there.clone()]);
    assert_eq!(left(b"a", calls(2), "new"), [None, there]);
}
