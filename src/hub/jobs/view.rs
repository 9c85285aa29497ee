//! Jobs and runs as they are shown.

use super::{attempts, builtins, command};
use crate::{
    door::{
        JobRef, JobView, NEXT, NEXT_MAX, RECENT_MAX, RUNS_PAGE, RUNS_PAGE_MAX, RunMark, RunPage, RunView,
        RunsRequest, WhichRuns,
    },
    hub::Hub,
    jobs::{Timetable, words},
    model::{
        Fault, Projects, Time,
        job::{Job, JobOrigin, JobState, Kind, Run},
    },
    report,
    store::{Runs, Store},
};

/// Dead letters of a job are counted up to here.
const DEAD_MAX: u64 = 10_000;

/// Every job that is behind the wall, by its slug.
pub fn jobs(hub: &Hub, store: &Store, wall: &Projects) -> Result<Vec<JobView>, Fault> {
    let mut jobs = store.jobs()?;
    jobs.retain(|job| wall.see(&job.project));
    jobs.sort_by(|a, b| a.slug.cmp(&b.slug));
    jobs.into_iter().map(|found| job(hub, store, found)).collect()
}

pub fn job(hub: &Hub, store: &Store, job: Job) -> Result<JobView, Fault> {
    let state = store.job_state(job.id)?;
    let mut recent: Vec<RunMark> = Vec::new();
    store.runs(job.id, Runs::All, None, &mut |_, run| {
        recent.push(mark(hub, &run));
        recent.len() < RECENT_MAX
    })?;
    // A run that waits for long may be older than those.
    let mut live = Vec::new();
    store.runs(job.id, Runs::Live, None, &mut |_, run| {
        if !recent.iter().any(|mark| mark.id == run.id) {
            live.push(mark(hub, &run));
        }
        live.len() < RECENT_MAX
    })?;
    recent.truncate(RECENT_MAX.saturating_sub(live.len()));
    recent.extend(live);
    let mut dead = 0;
    store.runs(job.id, Runs::Dead, None, &mut |_, _| {
        dead += 1;
        dead < DEAD_MAX
    })?;
    let cannot_run = cannot_run(hub, &job);
    Ok(JobView {
        when: words(&job.schedule),
        paused: state.as_ref().and_then(|state| state.paused.clone()),
        next: next(&job, state.as_ref(), hub.clock.now()).filter(|_| cannot_run.is_none()),
        recent,
        dead,
        cannot_run,
        job,
    })
}

fn next(job: &Job, state: Option<&JobState>, now: Time) -> Option<Time> {
    let is_held = state.is_some_and(|state| state.paused.is_some());
    if !job.enabled || is_held {
        return None;
    }
    Timetable::of(&job.schedule).ok()?.after(now)
}

fn mark(hub: &Hub, run: &Run) -> RunMark {
    RunMark { progress: progress(hub, run), ..RunMark::from(run) }
}

/// How far a run is: by what it says while it is on its way.
fn progress(hub: &Hub, run: &Run) -> Option<crate::model::job::Progress> {
    run.state.is_live().then(|| hub.jobs.logs.progress_of(run.id)).flatten().or_else(|| run.progress.clone())
}

pub fn run(hub: &Hub, run: Run, slug: String) -> RunView {
    RunView { run: Run { progress: progress(hub, &run), ..run }, slug, attempts: Vec::new() }
}

pub fn run_with_attempts(hub: &Hub, store: &Store, found: Run, slug: String) -> Result<RunView, Fault> {
    let attempts = attempts::of(store, &found, &slug)?;
    Ok(RunView { attempts, ..run(hub, found, slug) })
}

/// Why a job cannot run on this hub.
pub fn cannot_run(hub: &Hub, job: &Job) -> Option<String> {
    if let JobOrigin::File(path) = &job.origin
        && let Some(why) = hub.jobs.files.why_not(&job.slug, path)
    {
        return Some(why);
    }
    let options = &hub.jobs.options;
    match &job.kind {
        Kind::Command { .. } if !options.commands => {
            Some("commands are off; the setting `jobs_commands` switches them on".to_owned())
        }
        Kind::Command { env, .. } => {
            let refused = command::refused(env, &options.env);
            let names = refused.join(", ");
            (!refused.is_empty()).then(|| format!("the setting `jobs_env` does not allow it to see {names}"))
        }
        Kind::Builtin { name } => {
            (!builtins::is_known(name)).then(|| format!("this version has no work called {name}"))
        }
        Kind::Http { .. } => None,
    }
}

/// What is said of a job that is not there, or behind the wall.
pub fn no_job(store: &Store, wall: &Projects, named: &JobRef) -> Result<Fault, Fault> {
    let fault = Fault::not_found(format!("no job {named}"));
    let JobRef::Slug(slug) = named else { return Ok(fault.hint("`wheelhouse jobs ls` lists them")) };
    let jobs = store.jobs()?;
    let slugs = jobs.iter().filter(|job| wall.see(&job.project)).map(|job| job.slug.as_str());
    Ok(match report::nearest(slug, slugs) {
        Some(near) => fault.hint(format!("did you mean {near}?")),
        None => fault.hint("`wheelhouse jobs ls` lists them"),
    })
}

pub fn next_slots(job: &Job, count: usize, after: Time) -> Result<Vec<Time>, Fault> {
    let count = match count {
        0 => NEXT,
        n if n <= NEXT_MAX => n,
        n => return Err(Fault::invalid(format!("{n} slots, at most {NEXT_MAX} are told at a time"))),
    };
    Ok(Timetable::of(&job.schedule)?.next(after, count))
}

/// A page of runs, newest first: of one job, or of all that are behind the wall. A place in one job's order is one in all.
pub fn runs(
    hub: &Hub,
    store: &Store,
    wall: &Projects,
    job: Option<Job>,
    request: &RunsRequest,
) -> Result<RunPage, Fault> {
    let limit = match request.limit {
        0 => RUNS_PAGE,
        n if n <= RUNS_PAGE_MAX => n,
        n => {
            return Err(Fault::invalid(format!("limit is {n}, at most {RUNS_PAGE_MAX} runs fit in a page"))
                .hint("pass `next` back to read on"));
        }
    };
    let which = match request.which {
        WhichRuns::All => Runs::All,
        WhichRuns::Live => Runs::Live,
        WhichRuns::Dead => Runs::Dead,
    };
    let jobs = match job {
        Some(job) => vec![job],
        None => store.jobs()?.into_iter().filter(|job| wall.see(&job.project)).collect(),
    };
    let mut found: Vec<(String, RunView)> = Vec::new();
    for job in jobs {
        let mut count = 0;
        store.runs(job.id, which, request.after.as_deref(), &mut |place, one| {
            found.push((place.to_string(), run(hub, one, job.slug.clone())));
            count += 1;
            count <= limit
        })?;
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let next = (found.len() > limit).then(|| found[limit - 1].0.clone());
    found.truncate(limit);
    let with_attempts = |(_, view): (String, RunView)| {
        let attempts = attempts::of(store, &view.run, &view.slug)?;
        Ok(RunView { attempts, ..view })
    };
    let items = found.into_iter().map(with_attempts).collect::<Result<_, Fault>>()?;
    Ok(RunPage { items, next })
}
