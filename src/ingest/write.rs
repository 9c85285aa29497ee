//! Hands the batches to the hub and keeps the account of what became of them.
//!
//! A batch that the hub refuses for one of its memories is sent again one by one, so that a bad file is skipped and
//! the rest is not. A hub that is away for a moment is asked again; one that stays away ends the
//! import, which goes on from there when it is asked for again.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use serde_json::{Map, json};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{
    ImportReport, Progress, Skipped, adr,
    decided::{self, Linked},
    pace::Pace,
    read::{Batch, Decisions, Item},
    url,
    walk::Walk,
};
use crate::{
    door::{Caller, Door, ImportedDecision, ListOrder, ListRequest, Upsert, UpsertedAs},
    model::{Code, DecisionRef, Fault, MemoryFilter, Project, Status},
    tasks::blocking,
};

/// Batches on their way to the hub at once: one is written while the next is checked.
const BATCHES_IN_FLIGHT: usize = 2;
/// A batch that the hub cannot take now is sent this often in all.
const TRIES: u32 = 3;
/// The pause before the second try; doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// Memories asked for at once to see what is gone: they come with their bodies, of up to 1 MiB.
const KNOWN_PAGE: usize = 100;

pub struct Writer {
    pub door: Arc<dyn Door>,
    pub caller: Caller,
    pub project: Option<Project>,
    pub progress: watch::Sender<Progress>,
    pub token: CancellationToken,
    pub started: Instant,
}

/// What became of a batch.
struct Sent {
    batch: Batch,
    outcomes: Vec<UpsertedAs>,
    urls: Vec<String>,
}

impl Writer {
    pub async fn run(self, received: mpsc::Receiver<Batch>, walk: &Walk) -> Result<ImportReport, Fault> {
        let source: Arc<str> = self.source(walk).into();
        let mut report =
            ImportReport { skipped: walk.skipped.clone(), others: walk.others, ..Default::default() };
        let mut seen = HashSet::new();
        let mut pace = Pace::default();
        let batches = stream::unfold(received, |mut received| async {
            received.recv().await.map(|batch| (batch, received))
        });
        let mut sent =
            std::pin::pin!(batches.map(|batch| self.send(batch, &source)).buffered(BATCHES_IN_FLIGHT));
        while let Some(done) = sent.next().await {
            let done = done.map_err(|fault| self.unfinished(fault))?;
            for outcome in &done.outcomes {
                match outcome {
                    UpsertedAs::Taken => report.taken += 1,
                    UpsertedAs::Changed => report.changed += 1,
                    UpsertedAs::Unchanged => report.unchanged += 1,
                }
            }
            seen.extend(done.urls);
            report.skipped.extend(done.batch.skipped);
            self.tell(&report, done.batch.files, done.batch.bytes, done.batch.current, &mut pace);
        }
        if self.token.is_cancelled() {
            report.interrupted = true;
        } else {
            report.removed = self.removed(walk, seen, &report.skipped).await?;
            self.finish(&report, walk, &source).await?;
        }
        self.progress.send_modify(|progress| progress.finished = true);
        Ok(report)
    }

    fn source(&self, walk: &Walk) -> String {
        let named: Vec<_> = walk.roots.iter().map(|root| root.display().to_string()).collect();
        named.join(", ")
    }

    fn tell(&self, report: &ImportReport, files: u64, bytes: u64, current: String, pace: &mut Pace) {
        let at = self.started.elapsed();
        self.progress.send_modify(|progress| {
            progress.done += files;
            progress.bytes += bytes;
            progress.taken = report.taken;
            progress.changed = report.changed;
            progress.unchanged = report.unchanged;
            progress.skipped = report.skipped.len() as u64;
            progress.current = current;
            pace.sample(at, progress.done, progress.bytes);
            (progress.rate_per_s, progress.eta) = pace.of(
                progress.found.saturating_sub(progress.done),
                progress.bytes_found.saturating_sub(progress.bytes),
            );
        });
    }

    fn unfinished(&self, fault: Fault) -> Fault {
        let done = self.progress.borrow().done;
        let again = "import the same again: what is in the hub is passed over and the rest follows";
        let hint =
            fault.hint.as_ref().map_or_else(|| again.to_owned(), |hint| format!("{hint}; then {again}"));
        let cause = match &fault.cause {
            Some(cause) => format!("{}: {cause}", fault.message),
            None => fault.message.clone(),
        };
        Fault::new(fault.code, format!("the import stopped after {done} files")).cause(cause).hint(hint)
    }

    async fn send(&self, mut batch: Batch, source: &str) -> Result<Sent, Fault> {
        let mut outcomes = Vec::with_capacity(batch.items.len());
        let urls = batch.items.iter().filter_map(|item| item.new.url.clone()).collect();
        let mut items = Vec::with_capacity(batch.items.len());
        for item in std::mem::take(&mut batch.items) {
            if self.is_here(&item).await {
                outcomes.push(UpsertedAs::Unchanged);
            } else {
                items.push(item);
            }
        }
        match self.upsert(&items, source).await {
            Ok(done) => outcomes.extend(done),
            Err(fault) if is_of_an_item(&fault) => {
                for item in items {
                    match self.upsert(std::slice::from_ref(&item), source).await {
                        Ok(done) => outcomes.extend(done),
                        Err(fault) if is_of_an_item(&fault) => {
                            batch.skipped.push(Skipped { path: item.path, why: fault.message });
                        }
                        Err(fault) => return Err(fault),
                    }
                }
            }
            Err(fault) => return Err(fault),
        }
        for decisions in std::mem::take(&mut batch.decisions) {
            let (taken, skipped) = self.send_decisions(decisions).await?;
            outcomes.extend(taken);
            batch.skipped.extend(skipped);
        }
        Ok(Sent { batch, outcomes, urls })
    }

    /// Decisions of an export, in parts that hold together; those that came from this hub are here.
    async fn send_decisions(
        &self,
        decisions: Decisions,
    ) -> Result<(Vec<UpsertedAs>, Option<Skipped>), Fault> {
        let Decisions { path, all } = decisions;
        let (mut here, mut fresh) = (HashSet::new(), Vec::with_capacity(all.len()));
        for decision in all {
            match self.door.decision(&self.caller, DecisionRef::Id(decision.id)).await {
                Ok(found) if found.created_at == decision.created_at => drop(here.insert(found.id)),
                _ => fresh.push(decision),
            }
        }
        let mut outcomes = vec![UpsertedAs::Unchanged; here.len()];
        let Linked { items, lost } = decided::linked(fresh, &here);
        let mut why = Vec::new();
        if lost > 0 {
            why.push(format!("{lost} links of its decisions lead to what is not among them"));
        }
        match adr::batches(items) {
            Ok(batches) => {
                for batch in batches {
                    let count = batch.len();
                    match self.import_decisions(batch).await {
                        Ok(taken) => outcomes.extend(taken),
                        Err(fault) if is_of_an_item(&fault) => {
                            why.push(format!("{count} of its decisions: {}", fault.message));
                        }
                        Err(fault) => return Err(fault),
                    }
                }
            }
            Err(fault) => why.push(format!("its decisions: {}", fault.message)),
        }
        let skipped = (!why.is_empty()).then(|| Skipped { path, why: why.join("; ") });
        Ok((outcomes, skipped))
    }

    async fn import_decisions(&self, batch: Vec<ImportedDecision>) -> Result<Vec<UpsertedAs>, Fault> {
        let taken = self.again(|| self.door.import_decisions(&self.caller, batch.clone())).await?;
        Ok(taken.items.into_iter().map(|item| item.outcome).collect())
    }

    /// Whether a record of an export comes back to the hub that has it.
    async fn is_here(&self, item: &Item) -> bool {
        let Some((id, hash)) = &item.exported else { return false };
        let found = self.door.get(&self.caller, &[*id]).await;
        found.is_ok_and(|memories| memories.first().is_some_and(|memory| memory.content_hash == *hash))
    }

    async fn upsert(&self, items: &[Item], source: &str) -> Result<Vec<UpsertedAs>, Fault> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let items = items.iter().map(|item| item.new.clone()).collect();
        self.ask(Upsert { items, source: source.to_owned(), ..Upsert::default() }).await
    }

    async fn ask(&self, upsert: Upsert) -> Result<Vec<UpsertedAs>, Fault> {
        let done = self.again(|| self.door.upsert(&self.caller, upsert.clone())).await?;
        Ok(done.items.into_iter().map(|item| item.outcome).collect())
    }

    /// Asks a hub that cannot take it now again; what was taken before is known to it.
    async fn again<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match ask().await {
                Err(fault) if fault.code.is_transient() || fault.code == Code::Busy => {
                    tracing::warn!(%fault, "a batch of an import, trying again");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                done => return done,
            }
        }
        ask().await
    }

    /// Imported from here before, and not there any more: files, and parts of files that have become shorter.
    async fn removed(
        &self,
        walk: &Walk,
        seen: HashSet<String>,
        skipped: &[Skipped],
    ) -> Result<Vec<String>, Fault> {
        let mut read: HashSet<&Path> = walk.files.iter().map(|file| file.path.as_path()).collect();
        for skipped in skipped {
            read.remove(Path::new(&skipped.path));
        }
        let mut parts = BTreeSet::new();
        let mut missing = BTreeSet::new();
        for root in &walk.roots {
            for found in self.known_under(root).await? {
                let Some((path, part)) = url::path(&found) else { continue };
                match (seen.contains(&found), part) {
                    (true, _) => {}
                    (false, Some(part)) if read.contains(path.as_path()) => {
                        parts.insert(format!("{}#{part}", path.display()));
                    }
                    (false, _) => drop(missing.insert(path)),
                }
            }
        }
        // A file that is there but ignored now, or not readable, is not removed.
        let missing: Vec<PathBuf> = missing.into_iter().collect();
        let gone = blocking(move || {
            let gone = |path: &PathBuf| {
                std::fs::symlink_metadata(path)
                    .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound || is_no_folder(&error))
            };
            Ok(missing.into_iter().filter(gone).collect::<Vec<_>>())
        })
        .await?;
        parts.extend(gone.iter().map(|path| path.display().to_string()));
        Ok(parts.into_iter().collect())
    }

    /// The urls of everything that was imported from a file or from under a folder.
    async fn known_under(&self, root: &Path) -> Result<Vec<String>, Fault> {
        let (itself, under) = (url::of(root), url::under(root));
        let mut list = ListRequest {
            filter: MemoryFilter {
                origin: Some(itself.clone()),
                statuses: Status::ALL.to_vec(),
                ..MemoryFilter::default()
            },
            order: ListOrder::Oldest,
            limit: KNOWN_PAGE,
            ..ListRequest::default()
        };
        let part = format!("{itself}#");
        let mut found = Vec::new();
        loop {
            let page = self.door.list(&self.caller, list.clone()).await?;
            let urls = page.memories.into_iter().filter_map(|memory| memory.origin.url);
            found.extend(
                urls.filter(|url| *url == itself || url.starts_with(&under) || url.starts_with(&part)),
            );
            match page.next {
                Some(next) => list.after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// The event that ends the import.
    async fn finish(&self, report: &ImportReport, walk: &Walk, source: &str) -> Result<(), Fault> {
        let counts: Map<_, _> = [
            ("files", json!(walk.files.len())),
            ("taken", json!(report.taken)),
            ("changed", json!(report.changed)),
            ("unchanged", json!(report.unchanged)),
            ("removed", json!(report.removed.len())),
            ("skipped", json!(report.skipped.len())),
            ("others", json!(report.others)),
            ("took_ms", json!(self.started.elapsed().as_millis() as u64)),
        ]
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count))
        .collect();
        let last = Upsert {
            source: source.to_owned(),
            project: self.project.clone(),
            finished: Some(counts),
            ..Upsert::default()
        };
        self.ask(last).await.map(drop)
    }
}

/// Whether one memory can be why a batch was refused: out of bounds, or in a project that is not the caller's.
fn is_of_an_item(fault: &Fault) -> bool {
    matches!(fault.code, Code::Invalid | Code::Denied)
}

/// A file stands where the folder was.
fn is_no_folder(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotADirectory
}
