//! `jobs validate` and `jobs define`: jobs as files have them.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::json;

use crate::{
    cli::{Stop, out::Out, text, verb::Ask},
    door::NewJob,
    jobs::{FILE_BYTES_MAX, Note, read},
    model::{Fault, job::Job},
    report,
};

/// What there is to say of a file.
#[derive(Debug, Serialize)]
struct Checked<'a> {
    path: &'a Path,
    jobs: Vec<String>,
    notes: Vec<Note>,
}

/// Needs no hub.
pub fn validate(files: &[PathBuf], out: &mut Out) -> Result<(), Stop> {
    let mut checked = Vec::with_capacity(files.len());
    for path in files {
        let (jobs, notes) = match read(&text_of(path)?) {
            Ok(jobs) => (jobs.into_iter().map(|job| job.slug).collect(), Vec::new()),
            Err(notes) => (Vec::new(), notes),
        };
        checked.push(Checked { path, jobs, notes });
    }
    let wrong: usize = checked.iter().map(|file| file.notes.len()).sum();
    if out.manner.json {
        out.document(&json!({ "files": checked }))?;
    } else {
        for file in &checked {
            for note in &file.notes {
                out.line(&line(file.path, note))?;
            }
            if file.notes.is_empty() && !out.manner.quiet {
                let path = report::escape_line(&file.path.display().to_string());
                let jobs = text::counted(file.jobs.len() as u64, "job", "jobs");
                out.line(&format!("{path}: {jobs}, nothing to complain about"))?;
            }
        }
        out.flush()?;
    }
    match wrong as u64 {
        0 => Ok(()),
        n => Err(Fault::invalid(text::counted(n, "mistake", "mistakes"))
            .hint("a file with a mistake defines none of its jobs")
            .into()),
    }
}

/// `nightly.toml:3: unknown field "retri"; did you mean "retry"?`
fn line(path: &Path, note: &Note) -> String {
    let hint = note.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
    report::escape_line(&format!("{}:{}: {}{hint}", path.display(), note.line, note.message))
}

pub async fn define(ask: &mut Ask, path: &Path) -> Result<(), Stop> {
    let jobs = read(&text_of(path)?).map_err(|notes| {
        let said: Vec<String> = notes.iter().map(|note| line(path, note)).collect();
        let mistakes = text::counted(notes.len() as u64, "mistake", "mistakes");
        Fault::invalid(format!("{mistakes} in {}", path.display()))
            .cause(said.join("\n"))
            .hint("docs/jobs.md describes what a job file has")
    })?;
    let door = ask.door().await?;
    let mut defined = Vec::with_capacity(jobs.len());
    for job in jobs {
        let mut new = new(job);
        if ask.setup.project_flag {
            new.project = Some(ask.setup.project.clone());
        }
        let view = door.define_job(&ask.caller, new).await?;
        if !ask.out.manner.json {
            let slug = report::escape_line(&view.job.slug);
            let what = if view.job.revision > 1 { "changed" } else { "defined" };
            let said = match ask.out.manner.quiet {
                true => slug,
                false => {
                    let slug = ask.out.paint().cyan(&slug);
                    format!("{slug}  {what}, {}", report::escape_line(&view.when))
                }
            };
            ask.out.line(&said)?;
            ask.out.flush()?;
        }
        defined.push(view);
    }
    if ask.out.manner.json { ask.out.document(&json!({ "jobs": defined })) } else { Ok(()) }
}

/// As the door takes it. A file that says nothing of being on or off leaves that as it is.
fn new(job: Job) -> NewJob {
    NewJob {
        slug: job.slug,
        title: job.title,
        project: Some(job.project).filter(|project| !project.is_none()),
        enabled: (!job.enabled).then_some(false),
        schedule: Some(job.schedule),
        kind: job.kind,
        overlap: job.overlap,
        catch_up: job.catch_up,
        jitter: job.jitter,
        timeout: Some(job.timeout),
        retry: job.retry,
        pause_after_dead: job.pause_after_dead,
    }
}

fn text_of(path: &Path) -> Result<String, Fault> {
    let unread = |error| Fault::invalid(format!("cannot read {}", path.display())).cause(error);
    let mut bytes = Vec::new();
    // One more than fits, so that too much is seen to be.
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(unread)?;
    String::from_utf8(bytes).map_err(|error| {
        Fault::invalid(format!("{} is no text in UTF-8", path.display())).cause(error.utf8_error())
    })
}
