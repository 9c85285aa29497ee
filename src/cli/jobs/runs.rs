//! `jobs runs` and `jobs dead`: runs on lines; and which run was meant.

use super::{super::args::RunsPage, marks};
use crate::{
    cli::{
        Stop,
        id::{self, short_form},
        text,
        verb::Ask,
    },
    door::{RUNS_PAGE_MAX, RunAttempt, RunPage, RunView, RunsRequest, WhichRuns},
    model::{Code, Fault, Id},
    report,
};

/// Before each attempt of a run, under the name of its job.
const INDENT: &str = "          ";
/// Runs that are looked through for a short id, newest first; older ones want their whole id.
const LOOKED_AT_MAX: usize = 20 * RUNS_PAGE_MAX;

pub async fn list(
    ask: &mut Ask,
    job: Option<&str>,
    which: WhichRuns,
    RunsPage { limit }: RunsPage,
) -> Result<(), Stop> {
    if !(1..=RUNS_PAGE_MAX).contains(&limit) {
        return Err(Fault::invalid(format!("--limit goes from 1 to {RUNS_PAGE_MAX}, not {limit}")).into());
    }
    let job = job.map(str::parse).transpose()?;
    let request = RunsRequest { job, which, limit, after: None };
    let page = ask.door().await?.runs(&ask.caller, request).await?;
    if ask.out.manner.json {
        return ask.out.document(&page);
    }
    if page.items.is_empty() {
        ask.out.remark(match which {
            WhichRuns::All => "no runs yet",
            WhichRuns::Live => "nothing runs, and nothing waits",
            WhichRuns::Dead => "no dead letters",
        });
        return Ok(());
    }
    print(ask, &page.items)?;
    let RunPage { items, next } = page;
    if next.is_some() {
        ask.out.remark(&format!("the first {}, and there are more; -n shows them", items.len()));
    }
    if which == WhichRuns::Dead {
        ask.out.remark(
            "`wheelhouse jobs retry RUN` tries one again, `wheelhouse jobs dismiss RUN` takes it off",
        );
    }
    ask.out.flush()
}

pub fn print(ask: &mut Ask, runs: &[RunView]) -> Result<(), Stop> {
    let paint = ask.out.paint();
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|RunView { run, slug, .. }| {
            let took = run.ended.zip(run.started).map(|(ended, started)| text::span(ended.since(started)));
            vec![
                id::short(run.id),
                report::escape_line(slug),
                marks::of_run(run.state, run.progress.as_ref()),
                ask.moment(marks::moment(&run.into())),
                took.unwrap_or_else(|| "-".to_owned()),
                marks::trigger(run.trigger).to_owned(),
                report::escape_line(&marks::about(run)),
            ]
        })
        .collect();
    let lines = text::table(&rows, |column, cell| match column {
        0 => paint.cyan(cell),
        2 => marks::state(cell, paint),
        3..=5 => paint.dim(cell),
        _ => cell.to_owned(),
    });
    for (line, view) in lines.iter().zip(runs) {
        ask.out.line(line)?;
        // One attempt is told by its run.
        for line in attempts(ask, view).iter().filter(|_| view.attempts.len() > 1) {
            ask.out.line(&format!("{INDENT}{line}"))?;
        }
    }
    Ok(())
}

/// `1  ✗ failed     3 min ago  1.2 s  it ended with status 1`
fn attempts(ask: &Ask, view: &RunView) -> Vec<String> {
    let paint = ask.out.paint();
    let row = |attempt: &RunAttempt| {
        let took = attempt.ended.map(|ended| text::span(ended.since(attempt.started)));
        vec![
            attempt.number.to_string(),
            marks::of_run(attempt.state, None),
            ask.moment(attempt.started),
            took.unwrap_or_else(|| "-".to_owned()),
            attempt.error.as_ref().map_or_else(String::new, |error| report::escape_line(&error.message)),
        ]
    };
    let rows: Vec<Vec<String>> = view.attempts.iter().map(row).collect();
    text::table(&rows, |column, cell| match column {
        1 => marks::state(cell, paint),
        4 => cell.to_owned(),
        _ => paint.dim(cell),
    })
}

/// The run that was meant: by its id, by the last digits of it as lists print them, or as the newest of a job.
pub async fn resolve(ask: &Ask, typed: &str, which: WhichRuns) -> Result<Id, Fault> {
    let door = ask.door().await?;
    if let Ok(id) = typed.parse::<Id>() {
        match door.run(&ask.caller, id).await {
            Ok(found) => return Ok(found.run.id),
            Err(fault) if fault.code != Code::NotFound => return Err(fault),
            // Jobs have ids too.
            Err(no_run) => {
                return newest(ask, typed, which)
                    .await
                    .map_err(|fault| if fault.code == Code::NotFound { no_run } else { fault });
            }
        }
    }
    match (newest(ask, typed, which).await, short_form(typed)) {
        (Err(fault), Some(digits)) if fault.code == Code::NotFound => look_up(ask, &digits).await,
        (found, _) => found,
    }
}

async fn newest(ask: &Ask, typed: &str, which: WhichRuns) -> Result<Id, Fault> {
    let door = ask.door().await?;
    let job = typed.parse()?;
    let slug = door.job(&ask.caller, job).await?.job.slug;
    let request = RunsRequest { job: Some(typed.parse()?), which, limit: 1, after: None };
    let newest = door.runs(&ask.caller, request).await?.items.pop();
    newest.map(|view| view.run.id).ok_or_else(|| {
        let (what, hint) = match which {
            WhichRuns::All => ("has not run yet", format!("`wheelhouse jobs run {slug}` starts a run")),
            WhichRuns::Live => {
                ("has no run now", format!("`wheelhouse jobs runs {slug}` lists those it had"))
            }
            WhichRuns::Dead => {
                ("has no dead letter", "`wheelhouse jobs dead` lists those there are".to_owned())
            }
        };
        // Not `not_found`: the job is there, and no other meaning is to be looked for.
        Fault::conflict(format!("{slug} {what}")).hint(hint)
    })
}

async fn look_up(ask: &Ask, digits: &str) -> Result<Id, Fault> {
    let door = ask.door().await?;
    let mut request = RunsRequest { limit: RUNS_PAGE_MAX, ..RunsRequest::default() };
    let (mut found, mut looked_at): (Vec<RunView>, usize) = (Vec::new(), 0);
    loop {
        let page = door.runs(&ask.caller, request.clone()).await?;
        looked_at += page.items.len();
        found.extend(page.items.into_iter().filter(|view| view.run.id.short(digits.len()) == digits));
        request.after = page.next;
        if request.after.is_none() || looked_at >= LOOKED_AT_MAX {
            break;
        }
    }
    match found.as_slice() {
        [one] => Ok(one.run.id),
        [] => Err(Fault::not_found(format!("no job is called {digits:?}, and no run has an id ending so"))
            .hint("`wheelhouse jobs runs` prints ids, `wheelhouse jobs ls` names")),
        many => {
            let named: Vec<String> =
                many.iter().take(5).map(|view| format!("{}  {}", view.run.id, view.slug)).collect();
            Err(Fault::invalid(format!("{} runs have an id ending in {digits}", many.len()))
                .cause(named.join("\n"))
                .hint("give more digits, or the whole id"))
        }
    }
}
