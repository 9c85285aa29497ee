//! A job in a row: its name, its last ten runs, and what it does now or when it runs next.

use std::time::Duration;

use ratatui::text::{Line, Span};

use crate::{
    console::{scene::Scene, text, theme::Role, widgets::frame::bar},
    door::{JobView, RunMark},
    model::{
        Time,
        job::{Progress, RunState, Schedule},
    },
};

/// Runs that a row shows, and how many of them where names need the room.
const MARKS: usize = 10;
const MARKS_FEW: usize = 5;
/// From how wide a row has room for them all.
const MARKS_FROM: usize = 46;
/// What it does, or when it runs next.
const TAIL: usize = 11;
/// Its dead letters, where any job has some.
const DEAD: usize = 5;
/// From how wide a row on its schedule has room, and how much.
const WHEN_FROM: usize = 72;
const WHEN: usize = 26;
/// The place of the tail among the spans of a row: it keeps its colour where the row is selected.
pub const TAIL_SPAN: usize = 0;

/// What a job does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    CannotRun,
    Dead,
    Running,
    Retrying,
    Queued,
    Paused,
    Off,
    Waits,
}

impl Standing {
    pub fn of(view: &JobView) -> Standing {
        let state = view.recent.iter().find(|run| run.state.is_live()).map(|run| run.state);
        match state {
            Some(RunState::Running) => Standing::Running,
            Some(RunState::Retrying) => Standing::Retrying,
            _ if view.cannot_run.is_some() => Standing::CannotRun,
            _ if !view.job.enabled => Standing::Off,
            _ if view.paused.is_some() => Standing::Paused,
            Some(_) => Standing::Queued,
            None if view.dead > 0 => Standing::Dead,
            None => Standing::Waits,
        }
    }

    /// What wants to be looked at first.
    pub fn rank(self) -> u8 {
        self as u8
    }

    pub fn word(self) -> &'static str {
        match self {
            Standing::CannotRun => "cannot run",
            Standing::Dead => "failing",
            Standing::Running => "running",
            Standing::Retrying => "retrying",
            Standing::Queued => "queued",
            Standing::Paused => "paused",
            Standing::Off => "off",
            Standing::Waits => "waits",
        }
    }
}

/// How a state of a run looks.
pub fn mark(state: RunState) -> Role {
    match state {
        RunState::Queued => Role::JobQueued,
        RunState::Running => Role::JobRunning,
        RunState::Retrying => Role::JobRetrying,
        RunState::Succeeded => Role::JobOk,
        RunState::Failed => Role::JobFailed,
        RunState::Lost => Role::JobLost,
        RunState::Cancelled => Role::JobCancelled,
        RunState::Skipped => Role::JobSkipped,
        RunState::Dead => Role::JobDead,
    }
}

/// The newest runs, the newest on the right, in so many columns.
pub fn marks(recent: &[RunMark], columns: usize, scene: &Scene) -> Vec<Span<'static>> {
    let newest = &recent[..recent.len().min(columns)];
    let mut spans = vec![Span::raw(" ".repeat(columns - newest.len()))];
    spans.extend(newest.iter().rev().map(|run| {
        let role = mark(run.state);
        Span::styled(scene.theme.glyph(role).to_owned(), scene.theme.style(role))
    }));
    spans
}

/// `5 s`, `3 min`, `2 h`: how long until then, `now` when it is due.
pub fn until(now: Time, then: Time) -> String {
    if then <= now { "now".to_owned() } else { text::age(then.since(now)) }
}

/// How much of it is done, 0 to 1, where the whole is known.
pub fn part(progress: &Progress) -> Option<f64> {
    progress.total.filter(|total| *total > 0).map(|total| (progress.done as f64 / total as f64).min(1.0))
}

/// Units a second since it started, and how long it takes at that.
pub fn rate(progress: &Progress, started: Option<Time>, now: Time) -> Option<(f64, Option<Duration>)> {
    let seconds = now.since(started?).as_secs_f64();
    if seconds < 0.5 || progress.done == 0 {
        return None;
    }
    let rate = progress.done as f64 / seconds;
    let left = progress.total.map(|total| total.saturating_sub(progress.done) as f64 / rate);
    Some((rate, left.filter(|left| left.is_finite() && *left < 1e9).map(Duration::from_secs_f64)))
}

/// What it does now or when it runs next, in a few columns.
fn tail(view: &JobView, scene: &Scene) -> (Role, String) {
    let live = view.recent.iter().find(|run| run.state.is_live());
    let standing = Standing::of(view);
    match (standing, live) {
        (Standing::Running, Some(run)) => (Role::JobRunning, running(run, scene)),
        (Standing::Retrying, Some(run)) => {
            let at = run.start_at.map_or(String::new(), |at| format!(" {}", until(scene.now, at)));
            (Role::JobRetrying, format!("retry{at}"))
        }
        (Standing::CannotRun, _) => (Role::Error, "cannot run".to_owned()),
        (Standing::Off | Standing::Queued, _) => (Role::Muted, standing.word().to_owned()),
        (Standing::Paused, _) => (Role::Paused, format!("{} paused", scene.theme.glyph(Role::Paused))),
        _ => match (view.next, &view.job.schedule) {
            (Some(next), _) => (Role::Text, until(scene.now, next)),
            (None, Schedule::On(_)) => (Role::Muted, "on event".to_owned()),
            (None, Schedule::Manual) => (Role::Muted, "when asked".to_owned()),
            (None, _) => (Role::Muted, "never again".to_owned()),
        },
    }
}

fn running(run: &RunMark, scene: &Scene) -> String {
    let Some(progress) = &run.progress else {
        let since = run.started.map(|at| scene.now.since(at)).filter(|since| since.as_secs() > 0);
        return since.map_or("running".to_owned(), |since| format!("for {}", text::age(since)));
    };
    let left = rate(progress, run.started, scene.now).and_then(|(_, left)| left).map(text::age);
    match (part(progress), left) {
        (Some(part), Some(left)) => format!("{:.0} % {left}", scene.progress(part) * 100.0),
        (Some(part), None) => format!("{:.0} %", scene.progress(part) * 100.0),
        (None, _) => text::compact(progress.done),
    }
}

/// The row, and the role of what stands at its end.
pub fn line(view: &JobView, any_dead: bool, width: usize, scene: &Scene) -> (Line<'static>, Role) {
    let theme = scene.theme;
    let (role, said) = tail(view, scene);
    let dead = if any_dead { DEAD } else { 0 };
    let when = if width >= WHEN_FROM { WHEN } else { 0 };
    let shown = if width >= MARKS_FROM { MARKS } else { MARKS_FEW };
    let room = width.saturating_sub(shown + TAIL + dead + when + 2);
    let name = text::cut(&text::escape_line(&view.job.slug), room).into_owned();
    let mut spans = vec![Span::styled(text::pad(&name, room + 1), theme.style(Role::Text))];
    if when > 0 {
        let said = text::cut(&text::escape_line(&view.when), when - 2).into_owned();
        spans.push(Span::styled(text::pad(&said, when), theme.style(Role::Muted)));
    }
    let running = view.recent.iter().find(|run| run.state == RunState::Running);
    match running.and_then(|run| run.progress.as_ref()).and_then(part) {
        Some(part) => spans.extend(bar(scene.progress(part), shown, scene)),
        None => spans.extend(marks(&view.recent, shown, scene)),
    }
    if dead > 0 {
        let badge = match view.dead {
            0 => String::new(),
            n => format!("{}{}", text::compact(n), theme.glyph(Role::JobDead)),
        };
        spans.push(Span::styled(text::pad_left(&badge, DEAD), theme.style(Role::JobDead)));
    }
    spans.push(Span::styled(text::pad_left(&said, TAIL + 1), theme.style(role)));
    (Line::from(spans), role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_the_time_it_took_and_the_rest_follows_from_it() {
        let at = Time::from_unix_ms;
        let progress = |done, total| Progress { done, total, ..Progress::default() };
        let (per_s, left) = rate(&progress(30, Some(90)), Some(at(0)), at(10_000)).unwrap();
        assert_eq!((per_s, left), (3.0, Some(Duration::from_secs(20))));
        assert_eq!(rate(&progress(30, None), Some(at(0)), at(10_000)).unwrap().1, None);
        assert_eq!(rate(&progress(0, Some(9)), Some(at(0)), at(10_000)), None);
        assert_eq!(rate(&progress(5, Some(9)), None, at(10_000)), None);
        assert_eq!(part(&progress(5, Some(0))), None);
        assert_eq!(part(&progress(12, Some(9))), Some(1.0));
    }
}
