//! Where jobs come from: the program's own, job files, and requests. All end as records; what differs from its record is
//! written, and nothing else, so that a start tells nothing new.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use serde_json::json;

use super::{Turn, builtins, driver::Message, record::job_event};
use crate::{
    door::{Caller, NewJob},
    hub::{
        Hub,
        told::{hub_event, object},
    },
    jobs::{self, FILE_BYTES_MAX},
    model::{
        Actor, Change, Commit, EventDraft, Fault, Id, Precondition, Sequence, Unique,
        job::{Job, JobOrigin, JobState, Schedule, TIMEOUT_DEFAULT},
    },
    tasks::blocking,
};

/// The files of a directory as they were when they were read.
pub type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// What became of the job files that were read last.
#[derive(Default)]
pub struct Files(Mutex<Read>);

#[derive(Default)]
struct Read {
    /// The file of each job, by slug; none before any was read.
    jobs: Option<BTreeMap<String, String>>,
    /// What is wrong with a file, by its path.
    wrong: BTreeMap<String, String>,
}

impl Files {
    /// Why a job of a file cannot run: the file is gone, or says something else now.
    pub fn why_not(&self, slug: &str, path: &str) -> Option<String> {
        let read = self.read();
        if let Some(wrong) = read.wrong.get(path) {
            return Some(format!("its file is wrong: {wrong}"));
        }
        match &read.jobs {
            Some(jobs) if jobs.contains_key(slug) => None,
            None if Path::new(path).exists() => None,
            _ => Some(format!("it is no longer in {path}")),
        }
    }

    fn read(&self) -> MutexGuard<'_, Read> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings the records in line with the program and its job files, where either has changed since this was last done.
pub async fn sync(hub: &Arc<Hub>, turn: &mut Turn) -> Result<(), Fault> {
    let dir = hub.jobs.options.dir.clone();
    let before = turn.stamp.clone();
    let read = blocking(move || Ok(read_files(dir.as_deref(), before.as_ref()))).await?;
    let Some((stamp, files)) = read else { return Ok(()) };
    let wanted = wanted(hub, files);
    let stored = hub.read(|store| store.jobs()).await?;
    let by_slug: BTreeMap<&str, &Job> = stored.iter().map(|job| (job.slug.as_str(), job)).collect();
    let mut changed = Vec::new();
    for job in wanted {
        match next(hub, by_slug.get(job.slug.as_str()).copied(), job) {
            Ok(job) => changed.extend(job),
            Err(fault) => tracing::warn!(%fault, "a job file is passed over"),
        }
    }
    write(hub, turn, changed, &Actor::hub()).await?;
    // Jobs whose file went or came back can run here or not by another reason than their own.
    tell_driver_of_files(turn, stored).await;
    turn.stamp = Some(stamp);
    Ok(())
}

async fn tell_driver_of_files(turn: &Turn, stored: Vec<Job>) {
    let Some(driver) = &turn.driver else { return };
    for job in stored.into_iter().filter(|job| matches!(job.origin, JobOrigin::File(_))) {
        driver.tell(Message::Looked { job: job.id }).await;
    }
}

type FileRead = (PathBuf, Result<Vec<Job>, String>);

/// None: nothing has changed since.
fn read_files(dir: Option<&Path>, before: Option<&Stamp>) -> Option<(Stamp, Vec<FileRead>)> {
    let mut stamp: Stamp = Vec::new();
    let entries = dir.and_then(|dir| match fs::read_dir(dir) {
        Ok(entries) => Some(entries),
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                tracing::warn!(%error, dir = %dir.display(), "the directory of job files is not read");
            }
            None
        }
    });
    for entry in entries.into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|ext| ext == "toml")
            && let Ok(found) = fs::metadata(&path)
            && found.is_file()
        {
            stamp.push((path, found.modified().ok(), found.len()));
        }
    }
    stamp.sort();
    if before == Some(&stamp) {
        return None;
    }
    let files = stamp.iter().map(|(path, _, bytes)| (path.clone(), read_file(path, *bytes))).collect();
    Some((stamp, files))
}

fn read_file(path: &Path, bytes: u64) -> Result<Vec<Job>, String> {
    if bytes > FILE_BYTES_MAX as u64 {
        return Err(format!("it has {bytes} bytes, at most {FILE_BYTES_MAX} are read"));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    jobs::read(&text).map_err(|notes| {
        let said = notes.iter().map(|note| {
            let hint = note.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!("line {}: {}{hint}", note.line, note.message)
        });
        said.collect::<Vec<_>>().join("; ")
    })
}

/// The program's own jobs and those of files. Of two with one slug the first holds.
fn wanted(hub: &Hub, files: Vec<FileRead>) -> Vec<Job> {
    let mut wanted = builtins::definitions();
    let mut places = BTreeMap::new();
    let mut wrong = BTreeMap::new();
    for (path, read) in files {
        let path = path.display().to_string();
        match read {
            Ok(jobs) => {
                for job in jobs {
                    if wanted.iter().any(|other| other.slug == job.slug) {
                        tracing::warn!(
                            path,
                            slug = job.slug,
                            "another job has this slug; this one is passed over"
                        );
                        continue;
                    }
                    places.insert(job.slug.clone(), path.clone());
                    wanted.push(Job { origin: JobOrigin::File(path.clone()), ..job });
                }
            }
            Err(why) => {
                tracing::warn!(path, why, "a job file is wrong; its jobs stay off until it is mended");
                wrong.insert(path, why);
            }
        }
    }
    *hub.jobs.files.read() = Read { jobs: Some(places), wrong };
    wanted
}

/// The revision that follows, where there is something to follow.
fn next(hub: &Hub, stored: Option<&Job>, wanted: Job) -> Result<Option<Job>, Fault> {
    let Some(stored) = stored else { return Ok(Some(first(hub, wanted))) };
    let is_mine = match (&stored.origin, &wanted.origin) {
        (JobOrigin::Builtin, JobOrigin::Builtin) | (JobOrigin::File(_), JobOrigin::File(_)) => true,
        // The program had it once, and has not any more.
        (JobOrigin::Builtin, JobOrigin::File(_)) => true,
        _ => false,
    };
    if !is_mine {
        return Err(Fault::conflict(format!("job {} was made otherwise and keeps its slug", wanted.slug)));
    }
    // Somebody may have switched off what comes with the program.
    let enabled = if wanted.origin == JobOrigin::Builtin { stored.enabled } else { wanted.enabled };
    let wanted = Job { enabled, ..wanted };
    Ok((!says_the_same(stored, &wanted)).then(|| following(hub, stored, wanted)))
}

fn first(hub: &Hub, job: Job) -> Job {
    let now = hub.clock.now();
    Job { id: hub.clock.id(), created_at: now, updated_at: now, revision: 1, ..job }
}

fn following(hub: &Hub, before: &Job, job: Job) -> Job {
    Job {
        id: before.id,
        created_at: before.created_at,
        updated_at: hub.clock.now(),
        revision: before.revision + 1,
        ..job
    }
}

fn says_the_same(a: &Job, b: &Job) -> bool {
    let bare = |job: &Job| Job {
        id: Id::NIL,
        created_at: Default::default(),
        updated_at: Default::default(),
        revision: 0,
        by: Actor::default(),
        ..job.clone()
    };
    bare(a) == bare(b)
}

/// Makes a job, or changes the one of this slug.
pub async fn define(hub: &Arc<Hub>, caller: &Caller, new: NewJob) -> Result<Job, Fault> {
    let mut turn = hub.jobs.turn.lock().await;
    let slug = new.slug.clone();
    let stored = hub.read(move |store| store.job_called(&slug)).await?;
    let project = new.project.clone().or(stored.as_ref().map(|job| job.project.clone())).unwrap_or_default();
    caller.may_write(&project)?;
    let enabled = new.enabled.or(stored.as_ref().map(|job| job.enabled)).unwrap_or(true);
    let job = Job {
        id: Id::NIL,
        created_at: Default::default(),
        updated_at: Default::default(),
        revision: 0,
        origin: JobOrigin::Api,
        by: caller.actor.clone(),
        slug: new.slug,
        title: new.title,
        project,
        enabled,
        schedule: new.schedule.unwrap_or(Schedule::Manual),
        kind: new.kind,
        overlap: new.overlap,
        catch_up: new.catch_up,
        jitter: new.jitter,
        timeout: new.timeout.unwrap_or(TIMEOUT_DEFAULT),
        retry: new.retry,
        pause_after_dead: new.pause_after_dead,
    };
    jobs::check(&job)?;
    builtins::check(&job)?;
    let job = match &stored {
        None => first(hub, job),
        Some(stored) => {
            may_change(caller, stored)?;
            if says_the_same(stored, &job) {
                return Ok(stored.clone());
            }
            following(hub, stored, job)
        }
    };
    write(hub, &mut turn, vec![job.clone()], &caller.actor).await?;
    Ok(job)
}

fn may_change(caller: &Caller, stored: &Job) -> Result<(), Fault> {
    if !caller.projects.see(&stored.project) {
        return Err(Fault::conflict(format!("the slug {} is taken", stored.slug)));
    }
    match &stored.origin {
        JobOrigin::Api => Ok(()),
        JobOrigin::File(path) => Err(Fault::conflict(format!("job {} is written in a file", stored.slug))
            .hint(format!("change it in {path}"))),
        JobOrigin::Builtin => Err(Fault::conflict(format!("job {} comes with the program", stored.slug))
            .hint("it can be switched off and paused, and one with another slug can do the same by another schedule")),
    }
}

/// Switches a job on or off.
pub async fn enable(hub: &Arc<Hub>, caller: &Caller, job: Job, enabled: bool) -> Result<Job, Fault> {
    let mut turn = hub.jobs.turn.lock().await;
    let id = job.id;
    let stored = hub.read(move |store| store.job(id)).await?.unwrap_or(job);
    if stored.enabled == enabled {
        return Ok(stored);
    }
    let job = following(hub, &stored, Job { enabled, ..stored.clone() });
    write(hub, &mut turn, vec![job.clone()], &caller.actor).await?;
    Ok(job)
}

/// All of them in one commit, and on to the scheduler where it runs.
async fn write(hub: &Arc<Hub>, turn: &mut Turn, jobs: Vec<Job>, by: &Actor) -> Result<(), Fault> {
    if jobs.is_empty() {
        return Ok(());
    }
    let mut commit = Commit::default();
    for job in &jobs {
        commit.changes.push(Change::Define { job: Box::new(job.clone()) });
        if job.revision > 1 {
            commit.preconditions.push(Precondition::Revision { id: job.id, revision: job.revision - 1 });
            continue;
        }
        commit.preconditions.push(Precondition::Absent { id: job.id });
        commit.preconditions.push(Precondition::Vacant { unique: Unique::Slug(job.slug.clone()) });
        let state = begin(job, *hub.store.head().borrow());
        commit.changes.push(Change::Stand { state: Box::new(state) });
    }
    commit.events = told(hub, &jobs, by);
    let committed = hub.store.commit(commit).await?;
    if let Some(driver) = &turn.driver {
        for job in jobs {
            driver.tell(Message::Defined { job: Arc::new(job), at: committed.last }).await;
        }
    }
    hub.status_has_changed();
    Ok(())
}

/// Where the scheduler stands with a job that is new: nothing of before is owed.
fn begin(job: &Job, head: Sequence) -> JobState {
    JobState {
        job: job.id,
        revision: 1,
        considered: job.updated_at,
        seen: head,
        schedule: job.schedule.to_string(),
        paused: None,
        held: !job.enabled,
        dead_in_a_row: 0,
        fence: 0,
    }
}

/// The program's own jobs are told together: they come with it.
fn told(hub: &Hub, jobs: &[Job], by: &Actor) -> Vec<EventDraft> {
    let (own, others): (Vec<&Job>, Vec<&Job>) =
        jobs.iter().partition(|job| job.origin == JobOrigin::Builtin && *by == Actor::hub());
    let mut events = Vec::new();
    if !own.is_empty() {
        let slugs: Vec<&str> = own.iter().map(|job| job.slug.as_str()).collect();
        let data = object(json!({ "slugs": slugs, "with": env!("CARGO_PKG_VERSION") }));
        events.push(hub_event(hub, hub.clock.id(), "job.defined", data));
    }
    for job in others {
        let data = object(json!({
            "id": job.id,
            "title": job.title,
            "revision": job.revision,
            "enabled": job.enabled,
            "when": jobs::words(&job.schedule),
            "kind": job.kind.word(),
        }));
        let event = job_event(hub, job, None, "job.defined", data);
        events.push(EventDraft { actor: by.clone(), ..event });
    }
    events
}
