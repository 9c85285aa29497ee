//! Checking everything: every frame of the log by its checksums and numbers, every row of the view and every sidecar
//! against the log.

use std::{collections::HashMap, time::Instant};

use super::{
    core::{Core, sound},
    frame::{HEADER_BYTES, Kind},
    log_fault,
    records::{Kept, PASSING},
    segment::{self, Found, Frames, Segment},
    sidecar::Sidecar,
    snapshot::{self, SnapshotError},
    writer::records_fault,
};
use crate::{
    door::{Damage, FsckReport},
    model::{Change, Fault, Id, Sequence, encode, job::Run},
};

/// Named in a report; what is beyond is counted in the last one.
const DAMAGE_MAX: usize = 1_000;

/// What the log says a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Says {
    revision: u32,
    hidden: bool,
    hash: blake3::Hash,
}

/// What the log says of the records.
#[derive(Default)]
struct Told {
    memories: HashMap<Id, Says>,
    /// Of records beside memories the hash of what they are.
    kept: HashMap<(u8, Id), blake3::Hash>,
}

impl Told {
    fn keep<K: Kept>(&mut self, record: &K) {
        self.kept.insert((K::TABLE, record.id()), blake3::hash(&encode(record)));
    }
}

pub fn fsck(core: &Core) -> Result<FsckReport, Fault> {
    let started = Instant::now();
    let mut report = FsckReport::default();
    // Writes wait: the view is compared with a log that stands still.
    let standing_still = sound(core.gate.lock());
    let mut told = Told::default();
    let mut next = None;
    for segment in core.log.segments() {
        report.segments += 1;
        report.bytes += segment.len;
        let sidecar = check_segment(&segment, &mut next, &mut told, &mut report).map_err(|source| {
            log_fault(super::log::LogError::Io { doing: "read", file: segment.name(), source })
        })?;
        if !core.log.check_sidecar(&segment, &sidecar) {
            let what = "its sidecar said something else than it holds, and is made anew at the next start";
            tell(&mut report, segment.name(), None, what.to_owned());
        }
    }
    compare(core, &told, &mut report)?;
    drop(standing_still);
    for file in snapshot::all(&core.dir) {
        let error = match snapshot::read(&file, &mut |_, _| true) {
            Ok(_) => continue,
            // A newer one took its place meanwhile.
            Err(SnapshotError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => error,
        };
        let what = format!("{error}; the next snapshot takes its place");
        tell(&mut report, snapshot::name_of(&file), error.offset(), what);
    }
    report.took_ms = started.elapsed().as_millis() as u64;
    Ok(report)
}

fn tell(report: &mut FsckReport, file: String, offset: Option<u64>, what: String) {
    if report.damage.len() < DAMAGE_MAX {
        report.damage.push(Damage { file, offset, what });
    }
}

fn check_segment(
    segment: &Segment,
    next: &mut Option<Sequence>,
    told: &mut Told,
    report: &mut FsckReport,
) -> std::io::Result<Sidecar> {
    let mut sidecar = Sidecar::default();
    let first = segment.header.first;
    if let Some(expected) = next.filter(|expected| *expected != first) {
        let what = format!("the segment begins with sequence {first}, {expected} was expected");
        tell(report, segment.name(), Some(0), what);
    }
    *next = Some(first);
    let mut frames = Frames::at(segment, HEADER_BYTES as u64);
    while let Some(found) = frames.next()? {
        match found {
            Found::Hurt(hurt) => {
                sidecar.set_hurt();
                tell(report, segment.name(), Some(hurt.offset), format!("{} (to {})", hurt.what, hurt.until));
                *next = None;
            }
            Found::Unknown { offset, kind } => {
                tell(
                    report,
                    segment.name(),
                    Some(offset),
                    format!("a frame of kind {kind}, of a newer version"),
                );
                sidecar.set_hurt();
                return Ok(sidecar);
            }
            Found::Frame { offset, header, body } => {
                report.frames += 1;
                if let Some(expected) = next.filter(|expected| *expected != header.first) {
                    let what = format!("the frame holds sequence {}, {expected} was expected", header.first);
                    tell(report, segment.name(), Some(offset), what);
                }
                *next = Some(header.next());
                if header.kind == Kind::Horizon {
                    continue;
                }
                match segment::entry(&header, &body) {
                    Ok(Some(entry)) => {
                        sidecar.note(&entry, offset);
                        report.events += entry.events.len() as u64;
                        entry.changes.iter().for_each(|change| note(told, change));
                    }
                    Ok(None) => {}
                    Err(error) => {
                        sidecar.set_hurt();
                        tell(report, segment.name(), Some(offset), format!("the frame is no entry: {error}"))
                    }
                }
            }
        }
    }
    if frames.offset() < segment.len {
        let what =
            format!("{} bytes after the last good frame cannot be read", segment.len - frames.offset());
        tell(report, segment.name(), Some(frames.offset()), what);
        sidecar.set_hurt();
        *next = None;
    }
    Ok(sidecar)
}

fn note(told: &mut Told, change: &Change) {
    let records = &mut told.memories;
    match change {
        Change::Put { memory } | Change::Restore { memory } => {
            let hidden = matches!(change, Change::Put { .. })
                && records.get(&memory.id).is_some_and(|says| says.hidden);
            let hash = blake3::hash(memory.content.as_bytes());
            records.insert(memory.id, Says { revision: memory.revision, hidden, hash });
        }
        Change::Forget { id } => {
            if let Some(says) = records.get_mut(id) {
                says.hidden = true;
            }
        }
        Change::Erase { id } => {
            records.remove(id);
        }
        Change::Decide { decision } => told.keep(&**decision),
        Change::Define { job } => told.keep(&**job),
        Change::Stand { state } => told.keep(&**state),
        Change::Run { run } => told.keep(&**run),
        Change::Key { key } => told.keep(&**key),
        Change::Pass { id } => {
            told.kept.remove(&(Run::TABLE, *id));
        }
        Change::Accessed { .. } | Change::Counted { .. } | Change::Erased { .. } => {}
    }
}

fn compare(core: &Core, told: &Told, report: &mut FsckReport) -> Result<(), Fault> {
    let records = &told.memories;
    let view = core.complete_view()?;
    let (mut seen, mut passed) = (0, 0);
    let mut differences = Vec::new();
    let scanned = view.records.scan(&mut |found| {
        seen += 1;
        let memory = &found.stored.memory;
        match records.get(&memory.id) {
            None => differences.push(format!("memory {} is in the view and not in the log", memory.id)),
            Some(says) => {
                let body = found.body_in.is_some() || blake3::hash(memory.content.as_bytes()) == says.hash;
                if (memory.revision, found.stored.hidden) != (says.revision, says.hidden) || !body {
                    differences
                        .push(format!("memory {} is another one in the view than in the log", memory.id));
                }
            }
        }
        differences.len() < DAMAGE_MAX
    });
    let scanned = scanned.and_then(|()| {
        view.records.each_kept(&mut |table, id, hash| {
            let says = told.kept.get(&(table, id));
            seen += 1;
            if says.is_none() && PASSING.contains(&table) {
                passed += 1;
            } else if says != Some(&hash) {
                differences.push(format!("record {id} is another one in the view than in the log"));
            }
            differences.len() < DAMAGE_MAX
        })
    });
    match scanned.map_err(records_fault) {
        Ok(()) => {}
        Err(fault) => differences.push(fault.cause.unwrap_or(fault.message)),
    }
    report.records = seen;
    let of_log = (records.len() + told.kept.len()) as u64;
    if differences.is_empty() && seen - passed != of_log {
        differences.push(format!("the view holds {} records, the log {of_log}", seen - passed));
    }
    let name = view.records.dir().file_name().unwrap_or_default().to_string_lossy();
    for what in differences {
        let what = format!("{what}; `wheelhouse reindex records` makes it anew");
        tell(report, format!("records/{name}"), None, what);
    }
    Ok(())
}
