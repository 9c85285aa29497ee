//! What a segment holds, in small: where its blocks of frames begin, between which moments they lie, and of each event
//! a label and a print of its correlation id.
//!
//! By it a question about events skips the segments, the blocks and the frames in which nothing can match. It says
//! "cannot" only of what was read whole; all it lets through is read from the log and asked again. Of the open segment
//! it grows with every append; of a closed one it lies in a file of its own (`file`).
//!
//! **Invariant:** never the truth. With it, without it or with a damaged one, the answer is the same.

mod file;

use std::{ops::Range, sync::Arc};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

pub use file::{HEAD_BYTES, Identity, decode, decode_summary, encode};

use super::{scan::Scan, segment::Index};
use crate::model::{Class, Entry, Event, Id, Sequence, Severity, Subject, Time};

/// A block begins every so many bytes: what is read at least to get at one event.
const BLOCK_BYTES: u64 = 64 << 10;
/// Different labels that are told apart in a segment; beyond, an event is [`OTHER`]. Bounds the table of them.
const LABELS_MAX: usize = 4_096;
/// The label of an event that is no more. Those of the table begin with 1.
const GONE: u16 = 0;
/// The label of an event that may be anything.
const OTHER: u16 = u16::MAX;
/// Of so many numbers that are missing in a row each gets the label; more begin another block.
const GONE_LABELS_MAX: u64 = 256;

const _: () = assert!(LABELS_MAX < OTHER as usize);

/// From the first moment to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub first: Time,
    pub last: Time,
}

impl Span {
    fn at(moment: Time) -> Span {
        Span { first: moment, last: moment }
    }

    fn cover(&mut self, other: Span) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// Between which moments the events of a block or of a segment lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    pub time: Span,
    pub recorded: Span,
}

impl Outline {
    fn of(event: &Event) -> Outline {
        Outline { time: Span::at(event.time), recorded: Span::at(event.recorded_at) }
    }

    fn cover(&mut self, other: Outline) {
        self.time.cover(other.time);
        self.recorded.cover(other.recorded);
    }

    pub fn may_match(&self, scan: &Scan<'_>) -> bool {
        scan.filter.spans(self.time.first, self.time.last)
            && scan.recorded_since.is_none_or(|since| self.recorded.last >= since)
            && scan.recorded_until.is_none_or(|until| self.recorded.first < until)
    }
}

/// What a segment holds, in a few numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub outline: Outline,
    /// Events, by how long their commits are kept: the places of [`Class::ALL`].
    pub classes: [u64; Class::ALL.len()],
}

/// What many events have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub subject: Subject,
    pub severity: Severity,
    /// Events that bear it.
    pub count: u32,
}

/// The labels of a segment, by number and by subject.
#[derive(Debug, Clone, Default, PartialEq)]
struct Labels {
    list: Vec<Label>,
    by_subject: FxHashMap<Subject, Vec<u16>>,
}

impl Labels {
    /// The number of the event's label, counted once more.
    fn count(&mut self, event: &Event) -> u16 {
        let known = self.by_subject.get(&event.subject);
        let known =
            known.into_iter().flatten().find(|i| self.list[usize::from(**i)].severity == event.severity);
        if let Some(known) = known {
            self.list[usize::from(*known)].count += 1;
            return known + 1;
        }
        if self.list.len() == LABELS_MAX {
            return OTHER;
        }
        let place = self.list.len() as u16;
        self.list.push(Label { subject: event.subject.clone(), severity: event.severity, count: 1 });
        self.by_subject.entry(event.subject.clone()).or_default().push(place);
        place + 1
    }
}

/// Events whose frames lie together, numbered without a gap but for those that are gone.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    first: Sequence,
    outline: Outline,
    labels: Vec<u16>,
    prints: Vec<u16>,
}

impl Block {
    fn next(&self) -> Sequence {
        Sequence(self.first.0 + self.labels.len() as u64)
    }
}

/// Tells most correlation ids apart.
fn print_of(correlation: Id) -> u16 {
    crc32c::crc32c(correlation.as_bytes()) as u16
}

/// Cheap to clone: what a reader holds is not changed under it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sidecar {
    index: Arc<Index>,
    /// One for each place of the index.
    blocks: Vec<Arc<Block>>,
    labels: Arc<Labels>,
    outline: Option<Outline>,
    /// As in [`Summary`].
    classes: [u64; Class::ALL.len()],
    /// Not all of the segment could be read: no conclusion is drawn from what is not here.
    hurt: bool,
}

impl Sidecar {
    /// Takes in the entry whose frame begins at this offset.
    pub fn note(&mut self, entry: &Entry, offset: u64) {
        let Some(first) = entry.events.first() else { return };
        let begins = match self.blocks.last() {
            None => true,
            Some(block) => {
                let missing = first.sequence.0.checked_sub(block.next().0);
                self.index.last().is_none_or(|at| offset >= at + BLOCK_BYTES)
                    || missing.is_none_or(|missing| missing > GONE_LABELS_MAX)
            }
        };
        if begins {
            Arc::make_mut(&mut self.index).push(first.sequence, offset);
            self.blocks.push(Arc::new(Block {
                first: first.sequence,
                outline: Outline::of(first),
                labels: Vec::new(),
                prints: Vec::new(),
            }));
        }
        let block = Arc::make_mut(self.blocks.last_mut().expect("one was there or has been begun"));
        while block.next() < first.sequence {
            block.labels.push(GONE);
            block.prints.push(0);
        }
        let labels = Arc::make_mut(&mut self.labels);
        self.classes[entry.class() as usize] += entry.events.len() as u64;
        for event in &entry.events {
            // Numbers that do not follow each other were not given by this program's writer.
            self.hurt |= event.sequence != block.next();
            block.labels.push(labels.count(event));
            block.prints.push(print_of(event.correlation_id));
            block.outline.cover(Outline::of(event));
        }
        let outline = block.outline;
        self.outline.get_or_insert(outline).cover(outline);
    }

    /// Something in the segment cannot be read.
    pub fn set_hurt(&mut self) {
        self.hurt = true;
    }

    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Between which moments everything lies; `None` where that is not known.
    pub fn outline(&self) -> Option<Outline> {
        self.outline.filter(|_| !self.hurt)
    }

    pub fn summary(&self) -> Option<Summary> {
        self.outline().map(|outline| Summary { outline, classes: self.classes })
    }

    /// With those that are gone.
    pub fn events(&self) -> usize {
        self.blocks.iter().map(|block| block.labels.len()).sum()
    }

    /// Shows the stretches of which it has no event, oldest first, of a segment that begins and ends with these numbers
    /// (the last not included); those inside of blocks only where they may lie in `near`.
    pub fn each_missing(
        &self,
        ends: Range<Sequence>,
        near: Range<Sequence>,
        each: &mut dyn FnMut(Sequence, Sequence),
    ) {
        let mut next = ends.start;
        for block in &self.blocks {
            if block.first > next {
                each(next, Sequence(block.first.0 - 1));
            }
            next = block.next();
            if next <= near.start || block.first >= near.end {
                continue;
            }
            let number = |at: usize| block.first.0 + at as u64;
            let mut at = 0;
            while let Some(begins) = block.labels[at..].iter().position(|label| *label == GONE) {
                let from = at + begins;
                at = from + block.labels[from..].iter().take_while(|label| **label == GONE).count();
                each(Sequence(number(from)), Sequence(number(at) - 1));
            }
        }
        if next < ends.end {
            each(next, Sequence(ends.end.0 - 1));
        }
    }

    /// What it takes in memory, about.
    pub fn bytes(&self) -> usize {
        let labels = self.labels.list.iter().map(|label| 128 + 2 * label.subject.as_str().len());
        size_of::<Sidecar>() + self.blocks.len() * 192 + self.events() * 4 + labels.sum::<usize>()
    }

    /// What of the segment may match.
    pub fn sieve<'a>(&'a self, scan: &'a Scan<'a>) -> Sieve<'a> {
        let seen = |label: &Label| {
            scan.wall.see_name(label.subject.project())
                && scan.filter.may_match(&label.subject, label.severity)
        };
        Sieve {
            sidecar: self,
            scan,
            labels: std::iter::once(false).chain(self.labels.list.iter().map(seen)).collect(),
            print: scan.filter.correlation.map(print_of),
        }
    }
}

/// What of a block is to be read.
#[derive(Debug, PartialEq)]
pub enum Pick {
    All,
    /// The frames of these, in order.
    Events(Vec<Sequence>),
}

/// A question, held against one segment.
pub struct Sieve<'a> {
    sidecar: &'a Sidecar,
    scan: &'a Scan<'a>,
    /// Of each label, by its number, whether an event that bears it may match.
    labels: Vec<bool>,
    print: Option<u16>,
}

impl Sieve<'_> {
    /// The blocks that may hold a number between these two, neither included.
    pub fn blocks(&self, after: Sequence, before: Sequence) -> Range<usize> {
        let blocks = &self.sidecar.blocks;
        let from = blocks.partition_point(|block| block.first <= after.next()).saturating_sub(1);
        let to = blocks.partition_point(|block| block.first < before);
        from..to.max(from)
    }

    /// What of the block may match; nothing is a block that need not be read.
    pub fn pick(&self, block: usize, after: Sequence, before: Sequence) -> Option<Pick> {
        if self.sidecar.hurt {
            return Some(Pick::All);
        }
        let block = &self.sidecar.blocks[block];
        if !block.outline.may_match(self.scan) {
            return None;
        }
        let numbers = (block.first.0..).map(Sequence);
        let picked =
            numbers.zip(block.labels.iter().zip(&block.prints)).filter(|(number, (label, print))| {
                *number > after
                    && *number < before
                    && self.labels.get(usize::from(**label)).copied().unwrap_or(true)
                    && self.print.is_none_or(|wanted| wanted == **print)
            });
        let picked: Vec<Sequence> = picked.map(|(number, _)| number).collect();
        (!picked.is_empty()).then_some(Pick::Events(picked))
    }
}
