//! What is done to jobs and runs in one request each, and what comes next.

use serde_json::json;

use super::{marks, runs};
use crate::{
    cli::{
        Stop, id, text,
        verb::{Ask, time},
    },
    door::{JobRef, JobView, NEXT_MAX, NewPause, RunView, WhichRuns},
    model::{Fault, Time, job::RunState},
    report,
};

pub async fn pause(
    ask: &mut Ask,
    job: JobRef,
    reason: Option<String>,
    until: Option<&str>,
) -> Result<(), Stop> {
    let until = until.map(|text| ahead(ask, "--until", text)).transpose()?;
    let pause = NewPause { reason: reason.unwrap_or_default(), until };
    let view = ask.door().await?.pause_job(&ask.caller, job, pause).await?;
    let until = match until {
        Some(until) => format!("paused until {}, {}", ask.clock_time(until), ask.coming(until)),
        None => "paused until it is resumed".to_owned(),
    };
    told(ask, &view, &until)
}

pub async fn resume(ask: &mut Ask, job: JobRef) -> Result<(), Stop> {
    let view = ask.door().await?.resume_job(&ask.caller, job).await?;
    let next = next_said(ask, &view);
    told(ask, &view, &format!("resumed{next}"))
}

pub async fn enable(ask: &mut Ask, job: JobRef, enabled: bool) -> Result<(), Stop> {
    let view = ask.door().await?.enable_job(&ask.caller, job, enabled).await?;
    let next = next_said(ask, &view);
    told(ask, &view, &if enabled { format!("on{next}") } else { "off".to_owned() })
}

fn next_said(ask: &Ask, view: &JobView) -> String {
    view.next.map(|next| format!(", next {}", ask.coming(next))).unwrap_or_default()
}

/// Says what became of a job; with `--quiet` only which it is.
fn told(ask: &mut Ask, view: &JobView, what: &str) -> Result<(), Stop> {
    if ask.out.manner.json {
        return ask.out.document(view);
    }
    let slug = report::escape_line(&view.job.slug);
    if ask.out.manner.quiet {
        ask.out.line(&slug)?;
    } else {
        let slug = ask.out.paint().cyan(&slug);
        ask.out.line(&format!("{slug}  {what}"))?;
    }
    ask.out.flush()
}

pub async fn next(ask: &mut Ask, job: JobRef, count: usize, after: Option<&str>) -> Result<(), Stop> {
    if !(1..=NEXT_MAX).contains(&count) {
        return Err(Fault::invalid(format!("-n goes from 1 to {NEXT_MAX}, not {count}")).into());
    }
    let after = after.map(|text| ahead(ask, "--after", text)).transpose()?;
    let slots = ask.door().await?.next_slots(&ask.caller, job, count, after).await?;
    if ask.out.manner.json {
        return ask.out.document(&json!({ "slots": slots }));
    }
    if slots.is_empty() {
        ask.out.remark("no moment of it is known: it waits for an event, or for somebody to ask");
        return Ok(());
    }
    let now = ask.clock.now();
    let rows: Vec<Vec<String>> =
        slots.iter().map(|slot| vec![ask.clock_time(*slot), text::until(slot.since(now))]).collect();
    let paint = ask.out.paint();
    for line in text::table(&rows, |column, cell| if column == 1 { paint.dim(cell) } else { cell.to_owned() })
    {
        ask.out.line(&line)?;
    }
    ask.out.flush()
}

pub async fn cancel(ask: &mut Ask, typed: &str) -> Result<(), Stop> {
    let run = runs::resolve(ask, typed, WhichRuns::Live).await?;
    let view = ask.door().await?.cancel_run(&ask.caller, run).await?;
    let what = if view.run.state == RunState::Cancelled { "cancelled" } else { "asked to end" };
    told_run(ask, &view, what)
}

pub async fn dismiss(ask: &mut Ask, typed: &str) -> Result<(), Stop> {
    let run = runs::resolve(ask, typed, WhichRuns::Dead).await?;
    let view = ask.door().await?.dismiss_run(&ask.caller, run).await?;
    told_run(ask, &view, "seen to, no dead letter any more")
}

/// Says what became of a run; with `--quiet` only which it is.
pub fn told_run(ask: &mut Ask, view: &RunView, what: &str) -> Result<(), Stop> {
    if ask.out.manner.json {
        return ask.out.document(view);
    }
    if ask.out.manner.quiet {
        ask.out.line(&view.run.id.to_string())?;
    } else {
        let paint = ask.out.paint();
        let (id, slug) = (paint.cyan(&id::short(view.run.id)), report::escape_line(&view.slug));
        ask.out.line(&format!("{id}  {slug}  {}", marks::state(what, paint)))?;
    }
    ask.out.flush()
}

/// A moment to come that a flag gave.
fn ahead(ask: &Ask, flag: &str, typed: &str) -> Result<Time, Fault> {
    let read = ask.words().ahead(typed);
    read.map_err(|error| Fault::invalid(format!("{flag} cannot be {typed:?}")).cause(error))
}

/// A moment that is over.
pub fn past(ask: &Ask, flag: &str, typed: &str) -> Result<Time, Fault> {
    Ok(time(Some(typed), flag, ask.words())?.unwrap_or_default())
}
