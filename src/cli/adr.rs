//! `adr`: files of architectural decision records become decisions, and decisions become files.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{Stop, args::Adr, text, verb::Ask};
use crate::{
    door::{DecisionOrder, DecisionsRequest, LIST_PAGE_MAX, UpsertedAs},
    ingest::{
        Skipped,
        adr::{self, AdrFile, Loaded},
    },
    model::{Decision, DecisionFilter, DecisionNumber, Fault},
    report,
    tasks::blocking,
};

/// Files that are named; `--json` names all.
const NAMED_MAX: usize = 20;

pub async fn run(ask: &mut Ask, what: Adr) -> Result<(), Stop> {
    match what {
        Adr::Import { paths } => import(ask, paths).await,
        Adr::Export { dir, force, all_projects } => export(ask, dir, force, all_projects).await,
    }
}

// ── import ──────────────────────────────────────────────────────────────────────────────────────────────────────────

#[derive(Debug, Default, Serialize)]
struct Imported {
    taken: u64,
    changed: u64,
    unchanged: u64,
    /// Files that are no record, and why.
    skipped: Vec<Skipped>,
    /// Records of which something was understood otherwise than it is written.
    notes: Vec<Skipped>,
    /// Files of other kinds.
    others: u64,
    numbers: Vec<DecisionNumber>,
}

async fn import(ask: &mut Ask, paths: Vec<PathBuf>) -> Result<(), Stop> {
    let project = ask.setup.project.clone();
    let Loaded { items, skipped, notes, others } =
        blocking(move || adr::load(&paths, Some(&project))).await?;
    let batches = adr::batches(items)?;
    let door = ask.door().await?;
    let mut imported = Imported { skipped, notes, others, ..Imported::default() };
    let mut applied = true;
    for batch in batches {
        let taken = door.import_decisions(&ask.caller, batch).await?;
        applied &= taken.applied;
        for one in taken.items {
            imported.numbers.push(one.number);
            *match one.outcome {
                UpsertedAs::Taken => &mut imported.taken,
                UpsertedAs::Changed => &mut imported.changed,
                UpsertedAs::Unchanged => &mut imported.unchanged,
            } += 1;
        }
    }
    if ask.out.manner.json {
        ask.out.document(&imported)?;
    } else if !ask.out.manner.quiet {
        print(ask, &imported)?;
    }
    ask.out.flush()?;
    ask.warn_unless_applied(applied);
    Ok(())
}

fn print(ask: &mut Ask, imported: &Imported) -> Result<(), Stop> {
    let Imported { taken, changed, unchanged, skipped, notes, others, .. } = imported;
    let mut line = format!("{taken} taken, {changed} changed, {unchanged} unchanged");
    if !skipped.is_empty() {
        line.push_str(&format!(", {} skipped", skipped.len()));
    }
    if *others > 0 {
        line.push_str(&format!("; {} of other kinds", text::counted(*others, "file", "files")));
    }
    ask.out.line(&line)?;
    name(ask, "skipped", skipped)?;
    name(ask, "note", notes)
}

fn name(ask: &mut Ask, what: &str, all: &[Skipped]) -> Result<(), Stop> {
    let paint = ask.out.paint();
    for one in all.iter().take(NAMED_MAX) {
        let (path, why) = (report::escape_line(&one.path), report::escape_line(&one.why));
        ask.out.line(&format!("  {} {path}: {why}", paint.yellow(what)))?;
    }
    if all.len() > NAMED_MAX {
        ask.out.line(&format!("  and {} more; --json names all", all.len() - NAMED_MAX))?;
    }
    Ok(())
}

// ── export ──────────────────────────────────────────────────────────────────────────────────────────────────────────

#[derive(Debug, Default, PartialEq, Serialize)]
struct Exported {
    written: u64,
    unchanged: u64,
    /// Files that say something else, left as they are.
    skipped: Vec<String>,
}

async fn export(ask: &mut Ask, dir: PathBuf, force: bool, all_projects: bool) -> Result<(), Stop> {
    let decisions = every(ask, all_projects).await?;
    let exported = blocking(move || {
        fs::create_dir_all(&dir)
            .map_err(|error| Fault::unavailable(format!("cannot make {}", dir.display())).cause(error))?;
        write_all(&dir, &adr::files(&decisions), force)
    })
    .await?;
    if ask.out.manner.json {
        ask.out.document(&exported)?;
    } else if !ask.out.manner.quiet {
        let (written, skipped) = (text::counted(exported.written, "file", "files"), exported.skipped.len());
        ask.out.line(&format!("{written} written, {} unchanged, {skipped} skipped", exported.unchanged))?;
        let why = |path: &String| Skipped { path: path.clone(), why: "it says something else".to_owned() };
        let skipped: Vec<Skipped> = exported.skipped.iter().map(why).collect();
        name(ask, "skipped", &skipped)?;
    }
    ask.out.flush()?;
    match exported.skipped.len() {
        0 => Ok(()),
        n => Err(Fault::conflict(format!(
            "{} in the way and left as they are",
            text::counted(n as u64, "file is", "files are")
        ))
        .hint("--force writes over them")
        .into()),
    }
}

/// Every decision of whatever status, by its number.
async fn every(ask: &Ask, all_projects: bool) -> Result<Vec<Decision>, Fault> {
    let door = ask.door().await?;
    let mut request = DecisionsRequest {
        filter: DecisionFilter {
            projects: ask.setup.projects(all_projects),
            any_status: true,
            ..DecisionFilter::default()
        },
        order: DecisionOrder::Number,
        limit: LIST_PAGE_MAX,
        after: None,
    };
    let mut all = Vec::new();
    loop {
        let page = door.decisions(&ask.caller, request.clone()).await?;
        all.extend(page.decisions);
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    all.sort_by_key(|decision| decision.number);
    Ok(all)
}

fn write_all(dir: &Path, files: &[AdrFile], force: bool) -> Result<Exported, Fault> {
    let mut exported = Exported::default();
    for file in files {
        let path = dir.join(&file.name);
        match write(&path, file.text.as_bytes(), force) {
            Ok(Wrote::Written) => exported.written += 1,
            Ok(Wrote::Unchanged) => exported.unchanged += 1,
            Ok(Wrote::InTheWay) => exported.skipped.push(path.display().to_string()),
            Err(error) => {
                return Err(Fault::unavailable(format!("cannot write {}", path.display())).cause(error));
            }
        }
    }
    Ok(exported)
}

enum Wrote {
    Written,
    Unchanged,
    InTheWay,
}

/// A file that is there is written over only where that was asked for, and then at once or not at all.
fn write(path: &Path, bytes: &[u8], force: bool) -> std::io::Result<Wrote> {
    match fs::read(path) {
        Ok(before) if before == bytes => return Ok(Wrote::Unchanged),
        Ok(_) if !force => return Ok(Wrote::InTheWay),
        Ok(_) => {
            let beside = path.with_extension("md.new");
            fs::write(&beside, bytes)?;
            return fs::rename(&beside, path).map(|()| Wrote::Written);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = fs::File::create_new(path)?;
    file.write_all(bytes).map(|()| Wrote::Written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_stays_unless_it_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| AdrFile { name: name.into(), text: text.into() };
        let files = [file("a.md", "a"), file("b.md", "b"), file("c.md", "c")];
        fs::write(dir.path().join("b.md"), "another").unwrap();
        fs::write(dir.path().join("c.md"), "c").unwrap();
        let in_the_way = dir.path().join("b.md").display().to_string();
        let first = write_all(dir.path(), &files, false).unwrap();
        assert_eq!(first, Exported { written: 1, unchanged: 1, skipped: vec![in_the_way] });
        assert_eq!(fs::read_to_string(dir.path().join("b.md")).unwrap(), "another");
        let second = write_all(dir.path(), &files, true).unwrap();
        assert_eq!(second, Exported { written: 1, unchanged: 2, skipped: vec![] });
        assert_eq!(fs::read_to_string(dir.path().join("b.md")).unwrap(), "b");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }
}
