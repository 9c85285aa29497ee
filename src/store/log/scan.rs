//! Answering a question about events: segments, blocks and frames in which nothing can match are passed over unread.

use std::sync::Arc;

use super::{Log, LogError, Snapshot, sound};
use crate::{
    door::Order,
    model::{Entry, Event, Sequence, Time},
    store::{
        scan::{Scan, Scanned},
        segment::{Frames, Segment},
        sidecar::{Outline, Pick, Sidecar},
    },
};

/// Entries taken from memory at a time.
const TAIL_STEP: usize = 512;
/// Opening a sidecar costs about as much as reading so many events.
const SIDECAR_COST: usize = 100;

impl Log {
    pub fn scan(&self, scan: &Scan<'_>) -> Result<Scanned, LogError> {
        let mut walk = Walk::new(scan);
        while !walk.is_over() {
            match self.tail_step(scan.order, walk.position) {
                Some(entries) => match (entries.first(), entries.last()) {
                    (Some(first), Some(last)) => {
                        let to = match scan.order {
                            Order::Asc => last.last(),
                            Order::Desc => first.first(),
                        };
                        in_order(scan.order, entries.iter()).for_each(|entry| walk.take(entry));
                        walk.pass_unless_full(to);
                    }
                    _ => walk.ended = true,
                },
                None => self.scan_files(&mut walk)?,
            }
        }
        Ok(walk.scanned())
    }

    /// What comes next in memory, oldest first; `None` when that is only in the files.
    fn tail_step(&self, order: Order, position: Sequence) -> Option<Vec<Arc<Entry>>> {
        let tail = sound(self.tail.lock());
        let first = tail.entries.front()?.0.first();
        let range = match order {
            Order::Asc if first > position.next() => return None,
            Order::Asc => {
                let from = tail.entries.partition_point(|(entry, _)| entry.last() <= position);
                from..tail.entries.len().min(from + TAIL_STEP)
            }
            Order::Desc if first >= position => return None,
            Order::Desc => {
                let to = tail.entries.partition_point(|(entry, _)| entry.first() < position);
                to.saturating_sub(TAIL_STEP)..to
            }
        };
        Some(tail.entries.range(range).map(|(entry, _)| entry.clone()).collect())
    }

    /// From the walk's place to where memory begins, or to the end.
    fn scan_files(&self, walk: &mut Walk<'_>) -> Result<(), LogError> {
        let Snapshot { segments, open, next } = self.snapshot();
        let ends = segments.iter().skip(1).map(|segment| segment.header.first).chain([next]);
        // What is in memory by then is asked there.
        let memory = sound(self.tail.lock()).entries.front().map(|(entry, _)| entry.first());
        let high = match walk.scan.order {
            Order::Asc => memory.unwrap_or(next).min(next).min(walk.scan.before),
            Order::Desc => walk.position,
        };
        let last = segments.len().saturating_sub(1);
        let parts = segments.iter().zip(ends).enumerate();
        let parts: Vec<_> = parts
            .filter(|(_, (segment, end))| segment.header.first < high && walk.low() < Sequence(end.0 - 1))
            .collect();
        for (i, (segment, end)) in in_order(walk.scan.order, parts.into_iter()) {
            if i == last {
                self.scan_segment(walk, segment, &open, high)?;
            } else if self.summary_of(segment).is_none_or(|summary| summary.outline.may_match(walk.scan)) {
                let (sidecar, read) = self.sidecar_of(segment)?;
                walk.looked_at += read + SIDECAR_COST;
                self.scan_segment(walk, segment, &sidecar, high)?;
                walk.reach_unless_full(sidecar.outline());
            }
            walk.pass_unless_full(match walk.scan.order {
                Order::Asc => Sequence(end.min(high).0 - 1),
                Order::Desc => segment.header.first,
            });
            walk.full |= walk.looked_at >= walk.scan.looked_at_max;
            if walk.full {
                return Ok(());
            }
        }
        match walk.scan.order {
            Order::Asc => {
                walk.pass(Sequence(high.0 - 1));
                walk.ended = memory.is_none() && high == next;
            }
            Order::Desc => walk.ended = true,
        }
        Ok(())
    }

    fn scan_segment(
        &self,
        walk: &mut Walk<'_>,
        segment: &Segment,
        sidecar: &Sidecar,
        high: Sequence,
    ) -> Result<(), LogError> {
        let sieve = sidecar.sieve(walk.scan);
        let low = walk.low();
        for block in in_order(walk.scan.order, sieve.blocks(low, high)) {
            let Some(pick) = sieve.pick(block, low, high) else { continue };
            let (from, to) = sidecar.index().block(block, segment.len);
            let entries = self.read_block(segment, from, to, &pick)?;
            in_order(walk.scan.order, entries.iter()).for_each(|entry| walk.take(entry));
            if walk.full {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The entries that begin in this part of the segment and hold what is picked.
    fn read_block(&self, segment: &Segment, from: u64, to: u64, pick: &Pick) -> Result<Vec<Entry>, LogError> {
        let mut frames = Frames::between(segment, from, to);
        let mut found = Vec::new();
        let mut picked = match pick {
            Pick::All => [].iter(),
            Pick::Events(events) => events.iter(),
        }
        .peekable();
        while frames.offset() < to {
            let wanted = |first: Sequence, next: Sequence| {
                if *pick == Pick::All {
                    return true;
                }
                while picked.next_if(|event| **event < first).is_some() {}
                picked.peek().is_some_and(|event| **event < next)
            };
            match self.next_entry(segment, &mut frames, to, wanted)? {
                Some((entry, _)) => found.push(entry),
                None => break,
            }
        }
        Ok(found)
    }
}

/// As they stand, or the last first.
fn in_order<T, I: DoubleEndedIterator<Item = T>>(order: Order, all: I) -> impl Iterator<Item = T> {
    let mut all = all;
    std::iter::from_fn(move || match order {
        Order::Asc => all.next(),
        Order::Desc => all.next_back(),
    })
}

/// Where a scan stands.
struct Walk<'a> {
    scan: &'a Scan<'a>,
    /// Everything up to here, in the order of the scan, has been looked at.
    position: Sequence,
    looked_at: usize,
    reached: Option<Time>,
    events: Vec<Event>,
    full: bool,
    /// There is nothing further on.
    ended: bool,
}

impl<'a> Walk<'a> {
    fn new(scan: &'a Scan<'a>) -> Walk<'a> {
        let position = match scan.order {
            Order::Asc => scan.after,
            Order::Desc => scan.before,
        };
        Walk { scan, position, looked_at: 0, reached: None, events: Vec::new(), full: false, ended: false }
    }

    /// Nothing at or below this is asked for any more.
    fn low(&self) -> Sequence {
        match self.scan.order {
            Order::Asc => self.position,
            Order::Desc => self.scan.after,
        }
    }

    fn is_done(&self) -> bool {
        self.ended
            || match self.scan.order {
                Order::Asc => self.position.next() >= self.scan.before,
                Order::Desc => self.position <= self.scan.after.next(),
            }
    }

    fn is_over(&self) -> bool {
        self.full || self.is_done()
    }

    fn take(&mut self, entry: &Entry) {
        for event in in_order(self.scan.order, entry.events.iter()) {
            if self.full || !self.is_ahead(event.sequence) {
                continue;
            }
            self.position = event.sequence;
            self.looked_at += 1;
            self.reached = Some(event.recorded_at);
            if self.scan.matches(event) {
                self.events.push(event.clone());
            }
            self.full = self.events.len() >= self.scan.limit || self.looked_at >= self.scan.looked_at_max;
        }
    }

    fn is_ahead(&self, sequence: Sequence) -> bool {
        sequence > self.scan.after
            && sequence < self.scan.before
            && match self.scan.order {
                Order::Asc => sequence > self.position,
                Order::Desc => sequence < self.position,
            }
    }

    /// Everything up to here has been looked at, or cannot match.
    fn pass(&mut self, to: Sequence) {
        self.position = match self.scan.order {
            Order::Asc => self.position.max(to),
            Order::Desc => self.position.min(to),
        };
    }

    fn pass_unless_full(&mut self, to: Sequence) {
        if !self.full {
            self.pass(to);
        }
    }

    /// All of a segment has been looked at, by what is known of it.
    fn reach_unless_full(&mut self, outline: Option<Outline>) {
        if let Some(recorded) = outline.filter(|_| !self.full).map(|outline| outline.recorded) {
            self.reached = Some(match self.scan.order {
                Order::Asc => recorded.last,
                Order::Desc => recorded.first,
            });
        }
    }

    fn scanned(self) -> Scanned {
        let next = (!self.is_done()).then_some(self.position);
        Scanned { events: self.events, next, reached: self.reached }
    }
}
