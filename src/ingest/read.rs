//! Reads the files, one after the other on a thread of its own, into batches for the hub.
//!
//! The first batches are small, so that something is seen at once, the later ones as large as a commit takes. The reader is
//! at most [`BATCHES_AHEAD`] batches ahead of the hub, however much there is to read.

use std::{
    collections::HashSet,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Skipped, fields,
    lines::{self, Line},
    note::{self, Origin},
    skipped, url,
    walk::{Form, Found, said},
};
use crate::{
    door::{BATCH_BYTES_MAX, BATCH_MAX, NewMemory},
    model::{CONTENT_BYTES_MAX, Decision, Id, Project, Time},
};

/// Batches read and not yet sent.
pub const BATCHES_AHEAD: usize = 2;
/// Memories in the first batch; each next one has twice as many, up to what a commit takes.
const BATCH_FIRST: usize = 16;
/// Bytes of a batch as JSON: what a commit takes of contents alone, so that escapes and metadata count too. A
/// longer memory is a batch of its own.
const BATCH_BYTES: usize = BATCH_BYTES_MAX;
/// A longer file of Markdown or text is skipped: it is no writing.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// A longer line of JSONL is skipped.
const LINE_BYTES_MAX: u64 = 8 << 20;
/// Where a file with zeros is told from text.
const BINARY_WITHIN_BYTES: usize = 8 << 10;
/// Decisions of one file, which are held together until all of it is read.
const DECISIONS_MAX: usize = 20_000;
/// Bad lines of one file that are named one by one.
const BAD_LINES_MAX: usize = 20;

const _: () = assert!(BATCH_FIRST <= BATCH_MAX && CONTENT_BYTES_MAX <= BATCH_BYTES);

/// A memory to be, and what it has to do with the file.
#[derive(Debug, Clone)]
pub struct Item {
    pub new: NewMemory,
    pub path: String,
    /// Its id and hash where it comes from a hub's export: maybe this one's.
    pub exported: Option<(Id, String)>,
}

/// The decisions of one export.
#[derive(Debug)]
pub struct Decisions {
    pub path: String,
    pub all: Vec<Decision>,
}

/// What is sent to the hub at once, and what it means for the progress.
#[derive(Debug, Default)]
pub struct Batch {
    pub items: Vec<Item>,
    /// Files that are done with this batch.
    pub files: u64,
    pub bytes: u64,
    /// Of exports, all of a file at once: they link to each other.
    pub decisions: Vec<Decisions>,
    pub skipped: Vec<Skipped>,
    /// The file read last.
    pub current: String,
}

/// Reads all; ends early when cancelled or when nobody takes the batches any more.
pub fn read(
    files: &[Found],
    project: Option<&Project>,
    batches: mpsc::Sender<Batch>,
    token: &CancellationToken,
) {
    let mut out = Out { batches, batch: Batch::default(), weight: 0, size: BATCH_FIRST, gone: false };
    for file in files {
        if token.is_cancelled() || out.gone {
            return;
        }
        out.batch.current = file.path.display().to_string();
        if let Err(why) = one(file, project, &mut out, token) {
            out.batch.skipped.push(skipped(&file.path, why));
        }
        // What was cancelled in the middle of a file is not told as done.
        if !token.is_cancelled() {
            out.batch.files += 1;
            out.batch.bytes += file.bytes;
        }
    }
    out.send();
}

struct Out {
    batches: mpsc::Sender<Batch>,
    batch: Batch,
    weight: usize,
    size: usize,
    gone: bool,
}

impl Out {
    fn push(&mut self, item: Item) {
        let weight = weigh(&item.new);
        if self.batch.items.len() >= self.size || self.weight + weight > BATCH_BYTES {
            self.send();
        }
        self.weight += weight;
        self.batch.items.push(item);
    }

    fn send(&mut self) {
        let current = self.batch.current.clone();
        let batch = std::mem::replace(&mut self.batch, Batch { current, ..Batch::default() });
        self.weight = 0;
        self.size = (self.size * 2).min(BATCH_MAX);
        self.gone |= self.batches.blocking_send(batch).is_err();
    }
}

/// The bytes of it as JSON.
fn weigh(new: &NewMemory) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, new).expect("plain data with string keys always encodes");
    count.0
}

fn one(
    file: &Found,
    project: Option<&Project>,
    out: &mut Out,
    token: &CancellationToken,
) -> Result<(), String> {
    let opened = File::open(&file.path).map_err(|error| said(&error))?;
    let modified = opened
        .metadata()
        .and_then(|meta| meta.modified())
        .ok()
        .map(|time| Time::from(chrono::DateTime::<chrono::Utc>::from(time)));
    let origin = Origin { path: &file.path, modified, project };
    if file.form == Form::JsonLines {
        return json_lines(opened, &origin, out, token);
    }
    let text = text(opened)?;
    let new = match file.form {
        Form::Markdown => note::markdown(&text, &origin),
        _ => note::text(&text, &origin),
    };
    let new = new.ok_or("there is nothing in it")?;
    fields::check(&NewMemory { content: "checked".to_owned(), ..new.clone() })?;
    for new in note::parts(new) {
        out.push(Item { new, path: file.path.display().to_string(), exported: None });
    }
    Ok(())
}

fn text(file: File) -> Result<String, String> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| said(&error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("larger than {} MiB", FILE_BYTES_MAX >> 20));
    }
    if bytes.iter().take(BINARY_WITHIN_BYTES).any(|byte| *byte == 0) {
        return Err("binary".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| format!("not UTF-8 (byte {})", error.utf8_error().valid_up_to()))
}

fn json_lines(
    file: File,
    origin: &Origin<'_>,
    out: &mut Out,
    token: &CancellationToken,
) -> Result<(), String> {
    let mut reader = BufReader::new(file);
    let (mut number, mut bad, mut forgotten) = (0, 0, 0);
    let (mut decisions, mut left_out) = (Vec::new(), 0);
    let (mut ids, mut urls) = (HashSet::new(), HashSet::new());
    let path = origin.path.display().to_string();
    let mut bytes = Vec::new();
    while !token.is_cancelled() && !out.gone {
        bytes.clear();
        let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
        if read.map_err(|error| said(&error))? == 0 {
            break;
        }
        number += 1;
        let whole = bytes.ends_with(b"\n") || (bytes.len() as u64) < LINE_BYTES_MAX;
        let line = if whole {
            line(&bytes, number, origin, &mut ids)
        } else {
            pass_line(&mut reader).map_err(|error| said(&error))?;
            Err(format!("longer than {} MiB", LINE_BYTES_MAX >> 20))
        };
        match line {
            // Events are history, which an import does not make anew.
            Ok(None | Some(Line::Event)) => {}
            Ok(Some(Line::Forgotten)) => forgotten += 1,
            Ok(Some(Line::Decision(_))) if decisions.len() == DECISIONS_MAX => left_out += 1,
            Ok(Some(Line::Decision(mut decision))) => {
                place(&mut decision, origin, &mut urls);
                decisions.push(*decision);
            }
            Ok(Some(Line::Memory { new, exported, .. })) => {
                for new in note::parts(*new) {
                    out.push(Item { new, path: path.clone(), exported: exported.clone() });
                }
            }
            Err(why) => {
                bad += 1;
                if bad <= BAD_LINES_MAX {
                    out.batch.skipped.push(skipped(origin.path, format!("line {number}: {why}")));
                }
            }
        }
    }
    if bad > BAD_LINES_MAX {
        let more = bad - BAD_LINES_MAX;
        out.batch.skipped.push(skipped(origin.path, format!("and {more} more lines")));
    }
    if !decisions.is_empty() {
        out.batch.decisions.push(Decisions { path, all: decisions });
    }
    if left_out > 0 {
        let why =
            format!("{left_out} decisions in it are more than the {DECISIONS_MAX} that are taken of a file");
        out.batch.skipped.push(skipped(origin.path, why));
    }
    if forgotten > 0 {
        let why = format!("{forgotten} memories in it were removed before it was exported");
        out.batch.skipped.push(skipped(origin.path, why));
    }
    Ok(())
}

/// Where a decision came from is what it is known by when it is imported again: its own origin, unless another has that.
fn place(decision: &mut Decision, origin: &Origin<'_>, urls: &mut HashSet<String>) {
    let own = decision.origin.url.take().filter(|own| !urls.contains(own));
    let url = own.unwrap_or_else(|| url::part(&url::of(origin.path), &decision.id.to_string()));
    urls.insert(url.clone());
    decision.origin.url = Some(url);
}

/// A line with its place and time; none when it is blank.
fn line(
    bytes: &[u8],
    number: usize,
    origin: &Origin<'_>,
    ids: &mut HashSet<String>,
) -> Result<Option<Line>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if text.is_empty() {
        return Ok(None);
    }
    let mut found = lines::read(text)?;
    if let Line::Memory { new, id, .. } = &mut found {
        if let Some(id) = id.as_ref().filter(|id| !ids.insert((*id).clone())) {
            return Err(format!("the id {id:?} was there before"));
        }
        let place = id.clone().unwrap_or_else(|| format!("line-{number}"));
        new.url.get_or_insert_with(|| url::part(&url::of(origin.path), &place));
        new.project = new.project.take().or_else(|| origin.project.cloned());
        new.created_at = new.created_at.or(new.updated_at).or(origin.modified);
        new.updated_at = new.updated_at.or(new.created_at);
        fields::check(&NewMemory { content: "checked".to_owned(), ..(**new).clone() })?;
    }
    if let Line::Decision(decision) = &found {
        decision.check().map_err(|fault| fault.message)?;
        if !ids.insert(decision.id.to_string()) {
            return Err(format!("the id {} was there before", decision.id));
        }
    }
    Ok(Some(found))
}

fn pass_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |at| at + 1);
        reader.consume(length);
        if end.is_some() || length == 0 {
            return Ok(());
        }
    }
}

/// The current directory's part of a path taken away, for people.
pub fn shown(path: &str, cwd: Option<&Path>) -> String {
    cwd.and_then(|cwd| Path::new(path).strip_prefix(cwd).ok())
        .filter(|short| !short.as_os_str().is_empty())
        .map_or_else(|| path.to_owned(), |short| short.display().to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_weigh() {
        let weight = |content: String| weigh(&NewMemory { content, ..NewMemory::default() });
        assert_eq!(weight("\u{1}".repeat(10)), weight("x".repeat(10)) + 50);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn nothing_is_lost_on_the_way_into_batches(
            sizes in prop::collection::vec(prop_oneof![19 => 0usize..50, 1 => 0usize..CONTENT_BYTES_MAX], 0..300)
        ) {
            let (batches, mut received) = mpsc::channel(sizes.len() + 1);
            let mut out = Out { batches, batch: Batch::default(), weight: 0, size: BATCH_FIRST, gone: false };
            for size in &sizes {
                let new = NewMemory { content: "x".repeat(*size), ..NewMemory::default() };
                out.push(Item { new, path: String::new(), exported: None });
            }
            out.send();
            let mut kept = Vec::new();
            while let Ok(batch) = received.try_recv() {
                let lengths: Vec<_> = batch.items.iter().map(|item| item.new.content.len()).collect();
                prop_assert!(lengths.len() <= BATCH_MAX && lengths.iter().sum::<usize>() <= BATCH_BYTES_MAX);
                kept.extend(lengths);
            }
            prop_assert_eq!(kept, sizes);
        }
    }
}
