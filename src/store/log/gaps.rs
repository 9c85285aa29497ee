//! Numbers that nothing bears any more: which they are, from the sidecars, and why, from the frames that say so.

use super::{Log, LogError, Snapshot};
use crate::{
    door::Order,
    model::{Sequence, decode},
    store::{
        frame::{Gone, Kind},
        scan::Scan,
        segment::{Found, Index, Segment},
    },
};

/// A stretch of the log, both ends included, and how many of its numbers nothing bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    pub from: Sequence,
    pub to: Sequence,
    pub count: u64,
}

impl Log {
    /// What is missing of what a scan has looked at, `next` being where it ended; oldest first. Stretches with none of
    /// `events` (the scan's, ascending) between them are one. Segments that the scan passed over by their times are
    /// passed over here.
    pub fn missing(
        &self,
        scan: &Scan<'_>,
        next: Option<Sequence>,
        events: &[Sequence],
    ) -> Result<Vec<Missing>, LogError> {
        let Snapshot { segments, open, next: end } = self.snapshot();
        let (low, high) = match scan.order {
            Order::Asc => (scan.after.next(), next.map_or(scan.before, Sequence::next)),
            Order::Desc => (next.unwrap_or(scan.after.next()), scan.before),
        };
        let high = high.min(end);
        let mut gathered = Gathered { low, high, events, all: Vec::new(), between: 0 };
        let ends = segments.iter().skip(1).map(|segment| segment.header.first).chain([end]);
        let last = segments.len().saturating_sub(1);
        for (i, (segment, end)) in segments.iter().zip(ends).enumerate() {
            let first = segment.header.first;
            if end <= low || first >= high {
                continue;
            }
            if i == last {
                open.each_missing(first..end, low..high, &mut |from, to| gathered.take(from, to));
                continue;
            }
            if let Some(summary) = self.summary_of(segment) {
                let whole = summary.classes.iter().sum::<u64>() == end.0 - first.0;
                if whole || !summary.outline.may_match(scan) {
                    continue;
                }
            }
            let (sidecar, _) = self.sidecar_of(segment)?;
            sidecar.each_missing(first..end, low..high, &mut |from, to| gathered.take(from, to));
        }
        Ok(gathered.all)
    }

    /// Why nothing bears these, which ascend; `None` where no frame says it.
    pub fn why_gone(&self, sequences: &[Sequence]) -> Result<Vec<Option<Gone>>, LogError> {
        let Snapshot { segments, open, .. } = self.snapshot();
        let mut reasons = Vec::with_capacity(sequences.len());
        let mut rest = sequences;
        while let Some(first) = rest.first() {
            let at = segments.partition_point(|segment| segment.header.first <= *first);
            let inside = match segments.get(at) {
                Some(after) => rest.partition_point(|sequence| *sequence < after.header.first),
                None => rest.len(),
            };
            let (here, later) = rest.split_at(inside);
            rest = later;
            match segments.get(at.wrapping_sub(1)) {
                Some(segment) if at == segments.len() => {
                    reasons.extend(why_gone_in(segment, open.index(), here)?);
                }
                Some(segment) => reasons.extend(why_gone_in(segment, &*self.index_of(segment)?, here)?),
                None => reasons.extend(here.iter().map(|_| None)),
            }
        }
        Ok(reasons)
    }
}

/// Reads the frames around each, once.
fn why_gone_in(
    segment: &Segment,
    index: &Index,
    sequences: &[Sequence],
) -> Result<Vec<Option<Gone>>, LogError> {
    let mut frames = segment.frames_from(index, sequences[0]);
    let mut here: Option<(Sequence, Sequence, Option<Gone>)> = None;
    let mut reasons = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        let place = index.before(*sequence);
        if place > frames.offset() {
            frames.go_to(place);
            here = None;
        }
        reasons.push(loop {
            match here {
                Some((first, _, _)) if first > *sequence => break None,
                Some((_, next, why)) if next > *sequence => break why,
                _ => {}
            }
            match frames.next().map_err(LogError::io("read", &segment.path))? {
                None => break None,
                Some(Found::Frame { header, body, .. }) => {
                    let why = (header.kind == Kind::Gone).then(|| decode(&body).ok()).flatten();
                    here = Some((header.first, header.next(), why));
                }
                Some(Found::Hurt(_)) => {}
                Some(Found::Unknown { kind, .. }) => {
                    return Err(LogError::UnknownKind { file: segment.name(), kind });
                }
            }
        });
    }
    Ok(reasons)
}

/// Stretches between two places, put together where no event parts them.
struct Gathered<'a> {
    low: Sequence,
    /// Not included.
    high: Sequence,
    events: &'a [Sequence],
    all: Vec<Missing>,
    /// How many of the events lie before the last stretch.
    between: usize,
}

impl Gathered<'_> {
    fn take(&mut self, from: Sequence, to: Sequence) {
        let (from, to) = (from.max(self.low), to.min(Sequence(self.high.0.saturating_sub(1))));
        if from > to {
            return;
        }
        let between = self.events.partition_point(|event| *event < from);
        let count = to.0 - from.0 + 1;
        match self.all.last_mut() {
            Some(last) if between == self.between => {
                last.to = to;
                last.count += count;
            }
            _ => self.all.push(Missing { from, to, count }),
        }
        self.between = between;
    }
}
