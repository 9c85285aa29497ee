//! States of runs as people see them: a mark for the eye, a word, a colour. Pure.

use crate::{
    console::{about::progress, text::ascii},
    door::{JobView, RunMark},
    model::{
        Time,
        job::{Progress, Run, RunState, Skipped, Trigger},
    },
    report::Paint,
};

/// Runs that a list shows of each job.
pub const MARKS_MAX: usize = 10;

pub fn mark(state: RunState) -> char {
    match state {
        RunState::Succeeded => '■',
        RunState::Failed | RunState::Dead => '✗',
        RunState::Lost => '?',
        RunState::Skipped => '–',
        RunState::Cancelled => '○',
        RunState::Running | RunState::Retrying => '▶',
        RunState::Queued => '·',
    }
}

/// The newest runs, the newest on the right.
pub fn marks(recent: &[RunMark], is_ascii: bool) -> String {
    let newest = &recent[..recent.len().min(MARKS_MAX)];
    newest.iter().rev().map(|run| shown(mark(run.state), is_ascii)).collect()
}

fn shown(mark: char, is_ascii: bool) -> String {
    match mark {
        // Its likeness would be that of the dash.
        '·' if is_ascii => ".".to_owned(),
        mark if is_ascii && !mark.is_ascii() => ascii(mark.encode_utf8(&mut [0; 4])).to_owned(),
        mark => mark.to_string(),
    }
}

/// Each mark in the colour of its state.
pub fn painted(marks: &str, paint: Paint) -> String {
    marks
        .chars()
        .map(|mark| {
            let text = mark.to_string();
            match mark {
                '■' | '#' => paint.green(&text),
                '✗' | 'x' | '?' => paint.red(&text),
                '▶' | '>' => paint.cyan(&text),
                _ => paint.dim(&text),
            }
        })
        .collect()
}

/// A text that begins with the word of a state, in that state's colour.
pub fn state(said: &str, paint: Paint) -> String {
    let is = |states: &[RunState]| states.iter().any(|state| said.starts_with(state.word()));
    if is(&[RunState::Dead, RunState::Failed, RunState::Lost]) || said.ends_with(" dead") {
        paint.red(said)
    } else if is(&[RunState::Succeeded]) {
        paint.green(said)
    } else if is(&[RunState::Running]) {
        paint.cyan(said)
    } else if is(&[RunState::Retrying]) || said.contains("paused") || said.starts_with("cannot") {
        paint.yellow(said)
    } else {
        paint.dim(said)
    }
}

/// What a job is about: `running 62 %`, `paused`, `off`, `idle, 2 dead`.
pub fn of_job(view: &JobView) -> String {
    let mut parts = Vec::new();
    if let Some(live) = view.recent.iter().find(|run| run.state.is_live()) {
        parts.push(of_run(live.state, live.progress.as_ref()));
    }
    if view.cannot_run.is_some() {
        parts.push("cannot run".to_owned());
    } else if !view.job.enabled {
        parts.push("off".to_owned());
    } else if view.paused.is_some() {
        parts.push("paused".to_owned());
    }
    if parts.is_empty() {
        parts.push("idle".to_owned());
    }
    if view.dead > 0 {
        parts.push(format!("{} dead", view.dead));
    }
    parts.join(", ")
}

/// `running 62 %`, `succeeded`.
pub fn of_run(state: RunState, progress: Option<&Progress>) -> String {
    let share = progress.filter(|_| state == RunState::Running).and_then(share);
    match share {
        Some(share) => format!("{} {share} %", state.word()),
        None => state.word().to_owned(),
    }
}

fn share(progress: &Progress) -> Option<u64> {
    let total = progress.total.filter(|total| *total > 0)?;
    Some(progress.done.saturating_mul(100) / total)
}

pub fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Schedule => "schedule",
        Trigger::Event => "event",
        Trigger::Manual => "asked for",
        Trigger::Backfill => "backfill",
        Trigger::Retry => "retry",
        Trigger::CatchUp => "catch-up",
    }
}

/// Why slots did not run: `another run was not done, 3 slots`.
pub fn skipped(skipped: &Skipped) -> String {
    let why = skipped.why.words();
    match skipped.slots {
        1 if !skipped.at_least => why.to_owned(),
        slots => format!("{why}, {}{slots} slots", if skipped.at_least { "at least " } else { "" }),
    }
}

/// When there came to be a run: its start, or that it was asked for or due.
pub fn moment(run: &RunMark) -> Time {
    run.started.or(run.ended).unwrap_or(run.created_at)
}

/// What is to be said of a run besides its state, in a line that is not escaped yet.
pub fn about(run: &Run) -> String {
    let of_skip = run.skipped.as_ref().map(skipped);
    let of_mark = of_mark(&RunMark::from(run));
    of_skip.unwrap_or(of_mark)
}

pub fn of_mark(run: &RunMark) -> String {
    let mut said = match (&run.error, &run.progress) {
        (Some(error), _) if run.state != RunState::Succeeded => error.message.clone(),
        (_, Some(found)) if run.state.is_live() => progress(found),
        _ => String::new(),
    };
    if run.attempt > 1 {
        let first = if said.is_empty() { "" } else { "; " };
        said = format!("{said}{first}attempt {}", run.attempt);
    }
    if run.may_have_run_twice {
        let first = if said.is_empty() { "" } else { "; " };
        said = format!("{said}{first}may have run twice");
    }
    said
}

#[cfg(test)]
pub mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::job::Why;

    pub fn view(more: serde_json::Value) -> JobView {
        let mut view = json!({
            "slug": "nightly", "kind": { "builtin": "tidy" }, "schedule": { "every": "15m" },
            "when": "every 15 minutes", "recent": [], "dead": 0,
        });
        view.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(view).unwrap()
    }

    pub fn run(state: &str) -> serde_json::Value {
        json!({
            "id": "0192f0c1-7b5a-7e3c-9d2f-5b1c8a6e4f20", "state": state, "trigger": "schedule", "attempt": 1,
            "created_at": "2026-11-21T10:00:00Z",
        })
    }

    #[test]
    fn runs_are_marks_with_the_newest_on_the_right() {
        let states = [
            "running",
            "queued",
            "succeeded",
            "failed",
            "dead",
            "lost",
            "skipped",
            "cancelled",
            "retrying",
            "succeeded",
            "lost",
        ];
        let view = view(json!({ "recent": states.map(run) }));
        assert_eq!(marks(&view.recent, false), "■▶○–?✗✗■·▶");
        assert_eq!(marks(&view.recent, true), "#>o-?xx#.>");
        assert_eq!(painted("■", Paint::Coloured), painted("#", Paint::Coloured).replace('#', "■"));
    }

    #[test]
    fn a_job_says_what_it_is_about() {
        assert_eq!(of_job(&view(json!({}))), "idle");
        assert_eq!(of_job(&view(json!({ "recent": [run("dead")], "dead": 2 }))), "idle, 2 dead");
        assert_eq!(of_job(&view(json!({ "enabled": false }))), "off");
        let mut running = run("running");
        running["progress"] = json!({ "done": 62, "total": 100 });
        let paused = json!({ "recent": [running], "paused": { "reason": "r" } });
        assert_eq!(of_job(&view(paused)), "running 62 %, paused");
        assert_eq!(of_job(&view(json!({ "cannot_run": "commands are off" }))), "cannot run");
    }

    #[test]
    fn a_run_says_why() {
        let mut failed = run("dead");
        failed["error"] = json!({ "code": "timeout", "message": "took over 30 s" });
        failed["attempt"] = json!(3);
        assert_eq!(of_mark(&serde_json::from_value(failed).unwrap()), "took over 30 s; attempt 3");
        let skip = Skipped { why: Why::Overlap, since: Time::default(), slots: 3, at_least: true };
        assert_eq!(skipped(&skip), "another run was not done, at least 3 slots");
        let far = Progress { done: 1024, total: Some(2048), unit: "files".into(), note: "a.md".into() };
        assert_eq!(progress(&far), "1,024 of 2,048 files, a.md");
    }
}
