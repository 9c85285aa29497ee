//! `jobs run`, `retry`, `backfill` and `logs`: runs that are waited for, and what they say meanwhile.
//!
//! A hub is asked again and again rather than listened to: what a run says is no event, and its end is told by its record.

use std::{collections::VecDeque, time::Duration};

use super::{
    act::{past, told_run},
    marks, runs,
};
use crate::{
    cli::{Stop, args::Wait, id, text, verb::Ask},
    config::TimeForm,
    door::{Backfill, JobRef, LogLine, LogStream, RunLog, RunView, WhichRuns},
    jobs::CANCEL_GRACE,
    model::{Code, Fault, Id, Time, Zones, job::RunState},
    report::{self, Paint},
};

/// Between two looks at what runs.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// A run that was asked to end with this command has its grace, and the hub a moment to record it.
const END_PATIENCE: Duration = CANCEL_GRACE.saturating_add(Duration::from_secs(2));

pub async fn run(ask: &mut Ask, job: JobRef, wait: Wait) -> Result<(), Stop> {
    let view = ask.door().await?.run_job(&ask.caller, job).await?;
    begun(ask, view, wait).await
}

pub async fn retry(ask: &mut Ask, typed: &str, wait: Wait) -> Result<(), Stop> {
    let dead = runs::resolve(ask, typed, WhichRuns::Dead).await?;
    let view = ask.door().await?.retry_run(&ask.caller, dead).await?;
    begun(ask, view, wait).await
}

async fn begun(ask: &mut Ask, view: RunView, wait: Wait) -> Result<(), Stop> {
    let short = id::short(view.run.id);
    if !wait.is_meant(ask) {
        told_run(ask, &view, view.run.state.word())?;
        if !ask.out.manner.json {
            ask.out.remark(&format!("`wheelhouse jobs logs {short} -f` follows it"));
        }
        return Ok(());
    }
    let id = view.run.id;
    if !ask.out.manner.json {
        ask.out.remark(&format!("run {short} of {}", report::escape_line(&view.slug)));
    }
    let shown = if ask.out.manner.json { Shown::Nothing } else { Shown::Log };
    let ended = match ended(ask, id, shown).await? {
        Some(ended) => ended,
        None => return interrupted(ask, &[id]).await,
    };
    if ask.out.manner.json {
        ask.out.document(&ended)?;
    }
    verdict(ask, &ended)
}

pub async fn backfill(
    ask: &mut Ask,
    job: JobRef,
    after: &str,
    until: Option<&str>,
    wait: bool,
) -> Result<(), Stop> {
    let slots = Backfill {
        after: past(ask, "--after", after)?,
        until: match until {
            Some(until) => past(ask, "--until", until)?,
            None => ask.clock.now(),
        },
    };
    let door = ask.door().await?;
    let mut made = door.backfill(&ask.caller, job.clone(), slots).await?;
    let view = door.job(&ask.caller, job).await?;
    let is_held = !view.job.enabled || view.paused.is_some();
    let ids: Vec<Id> = made.iter().map(|view| view.run.id).collect();
    if is_held {
        ask.out.remark(&format!("{} is held back: they run when it is let go", view.job.slug));
    } else if wait || ask.home.owns() {
        for (at, view) in made.iter_mut().enumerate() {
            ask.out.progress(&format!("{at} of {} done", ids.len()));
            *view = match ended(ask, view.run.id, Shown::Nothing).await? {
                Some(ended) => ended,
                None => return interrupted(ask, &ids[at..]).await,
            };
        }
        ask.out.progress("");
    }
    if ask.out.manner.json {
        ask.out.document(&serde_json::json!({ "runs": made }))?;
    } else if made.is_empty() {
        ask.out.remark("no slot of that time is without a run");
    } else {
        runs::print(ask, &made)?;
        ask.out.flush()?;
    }
    let failed =
        made.iter().filter(|view| !view.run.state.is_live() && view.run.state != RunState::Succeeded);
    match failed.count() {
        0 => Ok(()),
        1 if made.len() == 1 => verdict(ask, &made[0]),
        n => {
            let message = format!("{n} of {} runs did not succeed", made.len());
            Err(Stop::Failed(
                Fault::unavailable(message).hint("`wheelhouse jobs logs RUN` shows what one said"),
            ))
        }
    }
}

pub async fn logs(ask: &mut Ask, typed: &str, follow: bool, lines: Option<usize>) -> Result<(), Stop> {
    let run = runs::resolve(ask, typed, WhichRuns::All).await?;
    let mut reader = Reader::of(run);
    let mut last: VecDeque<LogLine> = VecDeque::new();
    let mut live = true;
    loop {
        let page = reader.page(ask).await?;
        live &= page.live;
        if page.lines.is_empty() {
            break;
        }
        last.extend(page.lines);
        while lines.is_some_and(|most| last.len() > most) {
            last.pop_front();
        }
    }
    if lines.is_none() {
        reader.tell_missed(ask);
    }
    for line in &last {
        print(ask, line)?;
    }
    ask.out.flush()?;
    if last.is_empty() && !live && !ask.out.manner.json {
        ask.out.remark("it said nothing, or nothing is kept of it any more");
    }
    if !follow {
        return Ok(());
    }
    // Ctrl-C is how one leaves it: what is watched goes on.
    reader.follow(ask).await.map(drop)
}

/// What is shown while a run is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Log,
    Nothing,
}

/// The run once it has ended; none where Ctrl-C came first.
async fn ended(ask: &mut Ask, run: Id, shown: Shown) -> Result<Option<RunView>, Stop> {
    if shown == Shown::Log && !Reader::of(run).follow(ask).await? {
        return Ok(None);
    }
    loop {
        let view = ask.door().await?.run(&ask.caller, run).await?;
        if !view.run.state.is_live() {
            return Ok(Some(view));
        }
        if !pause(ask).await {
            return Ok(None);
        }
    }
}

/// A moment, unless Ctrl-C ends it.
async fn pause(ask: &Ask) -> bool {
    tokio::select! {
        () = tokio::time::sleep(LOOK_AGAIN) => true,
        () = ask.token.cancelled() => false,
    }
}

/// Says what becomes of runs that are not waited for any longer. A hub of this command alone takes them with it.
async fn interrupted(ask: &mut Ask, runs: &[Id]) -> Result<(), Stop> {
    ask.out.progress("");
    ask.out.flush()?;
    if !ask.home.owns() {
        let named: Vec<String> = runs.iter().map(|run| id::short(*run)).collect();
        let goes = if runs.len() == 1 { "run goes" } else { "runs go" };
        ask.out.remark(&format!("the {goes} on; `wheelhouse jobs cancel {}` ends it", named[0]));
        return Err(Stop::Interrupted);
    }
    let door = ask.door().await?;
    let all_ended = async {
        for run in runs {
            // One that has ended meanwhile is no longer to be cancelled.
            match door.cancel_run(&ask.caller, *run).await {
                Err(fault) if fault.code != Code::Conflict => return Err(fault),
                _ => {}
            }
        }
        for run in runs {
            while door.run(&ask.caller, *run).await?.run.state.is_live() {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        Ok::<(), Fault>(())
    };
    match tokio::time::timeout(END_PATIENCE, all_ended).await {
        Ok(done) => done?,
        Err(_) => ask.out.warn("a run did not end in its time", None),
    }
    ask.out.remark("cancelled: the hub of this command ends with it");
    Err(Stop::Interrupted)
}

/// A run that ended otherwise than well ends the verb so.
fn verdict(ask: &Ask, view: &RunView) -> Result<(), Stop> {
    let run = &view.run;
    let short = id::short(run.id);
    let name = format!("run {short} of {}", view.slug);
    let failed = |code, message: String| Fault::new(code, format!("{name} {message}"));
    let logs = format!("`wheelhouse jobs logs {short}` shows what it said");
    Err(Stop::Failed(match run.state {
        RunState::Succeeded => {
            let took = run.ended.zip(run.started).map(|(ended, started)| text::span(ended.since(started)));
            if !ask.out.manner.json {
                ask.out.remark(&format!(
                    "succeeded{}",
                    took.map(|took| format!(" in {took}")).unwrap_or_default()
                ));
            }
            return Ok(());
        }
        RunState::Skipped => {
            let why = run.skipped.as_ref().map(marks::skipped).unwrap_or_default();
            failed(Code::Conflict, format!("was skipped: {why}"))
        }
        RunState::Cancelled => failed(Code::Conflict, "was cancelled".to_owned()).hint(logs),
        state => {
            let code = run.error.as_ref().map_or(Code::Unavailable, |error| error.code);
            let message = run.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
            let verb = if state == RunState::Lost { "was lost" } else { "failed" };
            let again = match state {
                RunState::Dead => format!("{logs}; `wheelhouse jobs retry {short}` tries again"),
                _ => logs,
            };
            failed(code, format!("{verb}{message}")).hint(again)
        }
    }))
}

/// Reads what a run says from where it stopped reading.
struct Reader {
    run: Id,
    after: u64,
    missed: u64,
}

impl Reader {
    fn of(run: Id) -> Reader {
        Reader { run, after: 0, missed: 0 }
    }

    async fn page(&mut self, ask: &Ask) -> Result<RunLog, Fault> {
        let page = ask.door().await?.run_log(&ask.caller, self.run, self.after, 0).await?;
        self.after = page.cursor;
        self.missed += page.missed;
        Ok(page)
    }

    /// Prints what comes until the run says no more; false where Ctrl-C came first.
    async fn follow(&mut self, ask: &mut Ask) -> Result<bool, Stop> {
        loop {
            let page = self.page(ask).await?;
            if page.lines.is_empty() && !page.live {
                ask.out.progress("");
                return Ok(true);
            }
            if !page.lines.is_empty() {
                ask.out.progress("");
                self.tell_missed(ask);
                for line in &page.lines {
                    print(ask, line)?;
                }
                ask.out.flush()?;
                continue;
            }
            self.tell_progress(ask).await?;
            if !pause(ask).await {
                ask.out.progress("");
                return Ok(false);
            }
        }
    }

    fn tell_missed(&mut self, ask: &Ask) {
        match std::mem::take(&mut self.missed) {
            0 => {}
            n => ask.out.remark(&format!(
                "{} are gone: of a run the newest are kept",
                text::counted(n, "line", "lines")
            )),
        }
    }

    /// Where the run stands, for who looks on.
    async fn tell_progress(&self, ask: &Ask) -> Result<(), Fault> {
        if ask.out.manner.stderr_is_terminal && !ask.out.manner.quiet {
            let run = ask.door().await?.run(&ask.caller, self.run).await?.run;
            let about = marks::about(&run);
            let gap = if about.is_empty() { "" } else { "  " };
            let mut line = format!("{}{gap}{}", marks::of_run(run.state, run.progress.as_ref()), about);
            if let Some(start) = run.start_at.filter(|_| run.state != RunState::Running) {
                line.push_str(&format!(", {}", text::until(start.since(ask.clock.now()))));
            }
            ask.out.progress(&text::fit(&report::escape_line(&line), ask.out.manner.width));
        }
        Ok(())
    }
}

fn print(ask: &mut Ask, line: &LogLine) -> Result<(), Stop> {
    if ask.out.manner.json {
        return ask.out.json_line(line);
    }
    let shown =
        if ask.out.manner.stdout_is_terminal { report::escape(&line.text) } else { (&*line.text).into() };
    let time = clock(line.time, ask.setup.config.time, ask.clock.zones());
    let line = lined(&time, line, &shown, ask.out.paint());
    ask.out.line(&line)
}

fn clock(time: Time, form: TimeForm, zones: Zones) -> String {
    time.at(form.zone(zones)).format("%H:%M:%S").to_string()
}

/// `10:00:01 ! what it said on its error output`; what the hub says about the run has a `#`.
fn lined(time: &str, line: &LogLine, shown: &str, paint: Paint) -> String {
    let (mark, text) = match line.stream {
        LogStream::Out => (" ".to_owned(), shown.to_owned()),
        LogStream::Err => (paint.yellow("!"), shown.to_owned()),
        LogStream::Note => (paint.dim("#"), paint.dim(shown)),
    };
    let cut = if line.cut { paint.dim(" (cut)") } else { String::new() };
    format!("{} {mark} {text}{cut}", paint.dim(time)).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_said_a_line_is_marked() {
        let line =
            |stream, cut| LogLine { number: 1, time: Time::default(), stream, text: String::new(), cut };
        let said = |stream, cut| lined("10:00:01", &line(stream, cut), "text", Paint::Plain);
        assert_eq!(said(LogStream::Out, false), "10:00:01   text");
        assert_eq!(said(LogStream::Err, true), "10:00:01 ! text (cut)");
        assert_eq!(said(LogStream::Note, false), "10:00:01 # text");
    }
}
