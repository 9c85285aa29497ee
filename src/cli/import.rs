//! `import`: files become memories, with progress on the way.

use std::path::PathBuf;

use tokio::sync::watch;

use super::{Stop, reindex, text, verb::Ask};
use crate::{
    door::ViewName,
    ingest::{self, ImportReport, ImportRequest, Progress},
    report,
};

/// Skipped and removed files that are named; `--json` names all.
const NAMED_MAX: usize = 20;

pub async fn import(ask: &mut Ask, paths: Vec<PathBuf>) -> Result<(), Stop> {
    let door = ask.door().await?;
    let request = ImportRequest { paths, project: Some(ask.setup.project.clone()) };
    let (sender, mut progress) = watch::channel(Progress::default());
    let import = ingest::import(door, ask.caller.clone(), request, sender, ask.token.clone());
    let mut import = std::pin::pin!(import);
    let imported = loop {
        tokio::select! {
            imported = &mut import => break imported,
            changed = progress.changed() => match changed {
                Ok(()) => {
                    let line = line(&progress.borrow_and_update());
                    ask.out.progress(&text::fit(&line, ask.out.manner.width));
                }
                // Its end is near: nothing more is told.
                Err(_) => break import.await,
            },
        }
    };
    ask.out.progress("");
    let imported = imported?;
    if ask.out.manner.json {
        ask.out.document(&imported)?;
    } else {
        print(ask, &imported)?;
    }
    if imported.interrupted || ask.token.is_cancelled() {
        ask.out.remark("stopped; what was taken is kept. The same import goes on from there.");
        return Err(Stop::Interrupted);
    }
    indexed(ask).await
}

/// A hub of this command alone ends with it: what it has not indexed by then, every later verb would have to.
async fn indexed(ask: &Ask) -> Result<(), Stop> {
    if !ask.home.door().await?.owned {
        return Ok(());
    }
    tokio::select! {
        ready = reindex::ready(ask, ViewName::Lexical) => {
            if let Err(fault) = ready {
                ask.out.warn(&fault.message, fault.hint.as_deref());
            }
        }
        // Everything is taken already; the index catches up another time.
        () = ask.token.cancelled() => ask.out.progress(""),
    }
    Ok(())
}

/// `1,024 of 2,048 files, 340/s, 3s left  notes/deploy.md`
fn line(progress: &Progress) -> String {
    let mut line = format!("{} of {} files", progress.done, progress.found);
    if progress.rate_per_s > 0.0 {
        line.push_str(&format!(", {:.0}/s", progress.rate_per_s));
    }
    if let Some(eta) = progress.eta {
        line.push_str(&format!(", {} left", text::span(eta)));
    }
    if !progress.current.is_empty() {
        line.push_str(&format!("  {}", report::escape_line(&progress.current)));
    }
    line
}

fn print(ask: &mut Ask, imported: &ImportReport) -> Result<(), Stop> {
    let ImportReport { taken, changed, unchanged, removed, skipped, .. } = imported;
    let paint = ask.out.paint();
    if ask.out.manner.quiet {
        return Ok(());
    }
    let mut line = format!("{taken} taken, {changed} changed, {unchanged} unchanged");
    if !skipped.is_empty() {
        line.push_str(&format!(", {} skipped", skipped.len()));
    }
    if imported.others > 0 {
        line.push_str(&format!("; {} of other kinds", text::counted(imported.others, "file", "files")));
    }
    ask.out.line(&line)?;
    for skipped in skipped.iter().take(NAMED_MAX) {
        let (path, why) = (report::escape_line(&skipped.path), report::escape_line(&skipped.why));
        ask.out.line(&format!("  {} {path}: {why}", paint.yellow("skipped")))?;
    }
    rest(ask, skipped.len())?;
    for path in removed.iter().take(NAMED_MAX) {
        let path = report::escape_line(path);
        ask.out.line(&format!("  {} {path}: its memories are kept", paint.yellow("gone")))?;
    }
    rest(ask, removed.len())?;
    ask.out.flush()
}

fn rest(ask: &mut Ask, all: usize) -> Result<(), Stop> {
    match all.checked_sub(NAMED_MAX) {
        Some(more) if more > 0 => ask.out.line(&format!("  and {more} more; --json names all")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn progress_says_how_far_how_fast_and_how_long() {
        assert_eq!(line(&Progress::default()), "0 of 0 files");
        let progress = Progress {
            found: 200,
            done: 50,
            rate_per_s: 24.6,
            eta: Some(Duration::from_secs(6)),
            current: "a\nb.md".into(),
            ..Progress::default()
        };
        assert_eq!(line(&progress), "50 of 200 files, 25/s, 6.0 s left  a b.md");
    }
}
