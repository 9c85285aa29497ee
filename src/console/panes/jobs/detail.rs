//! A job opened: its schedule and policies, how long it takes, and each of its runs.

use std::ops::Range;

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{Jobs, row};
use crate::{
    console::{
        panes::decisions::detail::wrapped,
        scene::Scene,
        text,
        theme::Role,
        widgets::{
            frame::{bar, row_as},
            spark::spark,
        },
    },
    door::{JobView, RunAttempt, RunMark, RunView},
    model::job::{JobOrigin, Kind, RunState, Slot, Trigger},
};

/// Columns of a field's name.
const NAME: usize = 11;
const BAR: usize = 24;
/// The place of the mark among the spans of a run's row.
const MARK_SPAN: usize = 0;

impl Jobs {
    /// The lines of what is open, and those of the run that is picked.
    fn job_lines(
        &self,
        view: &JobView,
        width: usize,
        focused: bool,
        scene: &Scene,
    ) -> (Vec<Line<'static>>, Range<usize>) {
        let mut lines = head(view, width, scene);
        lines.extend(now(view, width, scene));
        lines.extend(policies(view, width, scene));
        lines.extend(self.slots(view, width, scene));
        lines.extend(durations(view, width, scene));
        lines.push(Line::styled(scene.theme.lines().0.repeat(width), scene.theme.style(Role::Rule)));
        let mut at = 0..0;
        match &self.runs {
            Some((job, Err(fault))) if *job == view.job.id => {
                lines.extend(wrapped(&fault.message, Role::Error, width, scene));
            }
            Some((job, Ok(_))) if *job == view.job.id => {
                at = self.run_lines(&mut lines, width, focused, scene);
            }
            _ => lines.extend(wrapped("asking for its runs…", Role::Placeholder, width, scene)),
        }
        (lines, at)
    }

    fn slots(&self, view: &JobView, width: usize, scene: &Scene) -> Vec<Line<'static>> {
        let found = self.runs.as_ref().filter(|(job, _)| *job == view.job.id);
        let next = match found {
            Some((_, Ok(found))) if !found.next.is_empty() => &found.next,
            _ => return Vec::new(),
        };
        let said: Vec<_> = next.iter().map(|slot| scene.slot(*slot)).collect();
        field("next", &said.join(&format!(" {} ", scene.theme.dot())), Role::Text, width, scene)
    }

    /// The runs; answers the lines of the one that is picked.
    fn run_lines(
        &self,
        lines: &mut Vec<Line<'static>>,
        width: usize,
        focused: bool,
        scene: &Scene,
    ) -> Range<usize> {
        let (dead, others) = self.listed_runs();
        if dead.is_empty() && others.is_empty() {
            lines.extend(wrapped("It has not run yet.", Role::Placeholder, width, scene));
            return 0..0;
        }
        let picked = self.picked.selected().filter(|_| self.reading);
        let mut chosen = 0..0;
        let rows = dead.iter().chain(others.iter().copied());
        for (at, run) in rows.enumerate() {
            if at == 0 && !dead.is_empty() {
                lines.push(heading("dead letters", width, scene));
            }
            if at == dead.len() {
                lines.push(heading("runs", width, scene));
            }
            let (line, role) = run_line(run, width, scene);
            let is_picked = picked == Some(at);
            lines.push(row_as(line, is_picked.then_some(focused), (MARK_SPAN, role), scene.theme));
            if is_picked {
                let first = lines.len() - 1;
                lines.extend(whole(run, width, scene));
                chosen = first..lines.len();
            } else if at < dead.len() {
                lines.extend(error(run, width, scene));
            }
        }
        chosen
    }

    /// What is read is brought into view.
    pub(super) fn lay_out(&mut self, scene: &Scene) {
        let area = self.split.side;
        let Some(view) = self.selected().filter(|_| self.side == Some(super::Side::Job)) else { return };
        let width = (area.width.saturating_sub(2) as usize).max(1);
        let (lines, at) = self.job_lines(view, width, true, scene);
        let height = (area.height as usize).max(1);
        let last = lines.len().saturating_sub(height);
        let top = match self.reading && at.start > 0 {
            // The run that is picked with what is said of it.
            true => {
                let first = at.start - 1;
                self.top.clamp(at.end.saturating_sub(height).min(first), first)
            }
            false => 0,
        };
        self.top = top.min(last);
    }

    pub(super) fn draw_job(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let Some(view) = self.selected() else { return };
        let (lines, _) = self.job_lines(view, (area.width as usize).max(1), focused, scene);
        let shown: Vec<_> = lines.into_iter().skip(self.top).take(area.height as usize).collect();
        frame.render_widget(Paragraph::new(shown), area);
    }
}

fn heading(said: &'static str, _: usize, scene: &Scene) -> Line<'static> {
    Line::styled(said, scene.theme.style(Role::Heading3))
}

fn field(name: &str, value: &str, role: Role, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let lines = text::wrap(&text::escape_line(value), width.saturating_sub(NAME).max(1));
    let name = |at: usize| if at == 0 { name } else { "" };
    let line = |(at, line): (usize, String)| {
        Line::from(vec![
            Span::styled(text::pad(name(at), NAME), theme.style(Role::Muted)),
            Span::styled(line, theme.style(role)),
        ])
    };
    lines.into_iter().enumerate().map(line).collect()
}

fn head(view: &JobView, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let job = &view.job;
    let title = if job.title.is_empty() { job.slug.clone() } else { format!("{}  {}", job.slug, job.title) };
    let mut lines = wrapped(&title, Role::Heading1, width, scene);
    let mut facts = vec![view.when.clone()];
    if !job.project.is_none() {
        facts.push(job.project.to_string());
    }
    facts.push(match &job.origin {
        JobOrigin::File(path) => format!("from {path}"),
        JobOrigin::Api => "defined by hand".to_owned(),
        JobOrigin::Builtin => "the program's own".to_owned(),
    });
    lines.extend(wrapped(&facts.join(&format!("  {}  ", scene.theme.dot())), Role::Muted, width, scene));
    lines
}

/// Why it does not run, or how far it is.
fn now(view: &JobView, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let mut lines = Vec::new();
    if let Some(why) = &view.cannot_run {
        lines.extend(wrapped(
            &format!("{} cannot run: {why}", theme.glyph(Role::Error)),
            Role::Error,
            width,
            scene,
        ));
    }
    if !view.job.enabled {
        lines.extend(wrapped("switched off", Role::Muted, width, scene));
    }
    if let Some(paused) = &view.paused {
        let reason = if paused.reason.is_empty() { String::new() } else { format!(" ({})", paused.reason) };
        let until = match paused.until {
            Some(until) => format!("until {}", scene.slot(until)),
            None => "until somebody resumes it".to_owned(),
        };
        let said = format!("{} paused{reason} {until}, by {}", theme.glyph(Role::Paused), paused.by.0);
        lines.extend(wrapped(&said, Role::Paused, width, scene));
    }
    if let Some(run) = view.recent.iter().find(|run| run.state.is_live()) {
        lines.extend(live(run, width, scene));
    }
    lines
}

fn live(run: &RunMark, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let role = row::mark(run.state);
    let mut said = match (run.state, run.start_at, run.started) {
        (RunState::Retrying, Some(at), _) => {
            format!("attempt {} failed, retry in {}", run.attempt, row::until(scene.now, at))
        }
        (RunState::Running, _, Some(at)) => format!("running for {}", text::span(scene.now.since(at))),
        (state, ..) => state.word().to_owned(),
    };
    if run.state == RunState::Running && run.attempt > 1 {
        said.push_str(&format!(", attempt {}", run.attempt));
    }
    let mut lines = wrapped(&format!("{} {said}", theme.glyph(role)), role, width, scene);
    let Some(progress) = run.progress.as_ref().filter(|_| run.state == RunState::Running) else {
        return lines;
    };
    let mut words = Vec::new();
    if let Some(part) = row::part(progress) {
        words.push(format!("{:.0} %", scene.progress(part) * 100.0));
    }
    let unit = if progress.unit.is_empty() { "" } else { " " };
    let of = progress.total.map_or(String::new(), |total| format!(" of {}", text::count(total)));
    words.push(format!("{}{of}{unit}{}", text::count(progress.done), progress.unit));
    if let Some((rate, left)) = row::rate(progress, run.started, scene.now) {
        let rate = if rate < 10.0 { format!("{rate:.1}") } else { text::compact(rate.round() as u64) };
        words.push(format!("{rate}/s"));
        words.extend(left.map(|left| format!("{} left", text::age(left))));
    }
    let words = text::escape_line(&words.join(&format!(" {} ", theme.dot()))).into_owned();
    let mut spans = match row::part(progress) {
        Some(part) => bar(scene.progress(part), BAR.min(width), scene),
        None => Vec::new(),
    };
    let room = width.saturating_sub(if spans.is_empty() { 0 } else { BAR.min(width) + 2 });
    let air = if spans.is_empty() { "" } else { "  " };
    spans.push(Span::styled(format!("{air}{}", text::cut(&words, room)), theme.style(Role::Text)));
    lines.push(Line::from(spans));
    if !progress.note.is_empty() {
        lines.extend(wrapped(&progress.note, Role::Muted, width, scene));
    }
    lines
}

fn policies(view: &JobView, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let job = &view.job;
    let does = match &job.kind {
        Kind::Builtin { name } => format!("builtin {name}"),
        Kind::Command { argv, .. } => argv.join(" "),
        Kind::Http { url, method, .. } => format!("{method} {url}"),
    };
    let retry = match job.retry.attempts {
        0 | 1 => "never".to_owned(),
        n => format!("{n} attempts, {} apart at first, {} at most", job.retry.delay, job.retry.delay_max),
    };
    let snake = |value: serde_json::Value| value.as_str().unwrap_or_default().replace('_', " ");
    let overlap = snake(serde_json::to_value(job.overlap).unwrap_or_default());
    let missed = snake(serde_json::to_value(job.catch_up.missed).unwrap_or_default());
    let mut rest =
        vec![format!("timeout {}", job.timeout), format!("overlap: {overlap}"), format!("missed: {missed}")];
    if !job.jitter.is_zero() {
        rest.push(format!("jitter {}", job.jitter));
    }
    if job.pause_after_dead > 0 {
        rest.push(format!("paused after {} dead", job.pause_after_dead));
    }
    let mut lines = field("does", &does, Role::Text, width, scene);
    lines.extend(field("retry", &retry, Role::Text, width, scene));
    lines.extend(field("policy", &rest.join(&format!(" {} ", scene.theme.dot())), Role::Text, width, scene));
    lines
}

/// How long the last runs took, the newest on the right.
fn durations(view: &JobView, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let took =
        |run: &RunMark| Some(run.ended?.since(run.started?)).filter(|_| run.state != RunState::Skipped);
    let took: Vec<_> = view.recent.iter().rev().filter_map(took).collect();
    let mut sorted = took.clone();
    sorted.sort();
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    let values: Vec<_> = took.iter().map(|took| Some(took.as_secs_f64())).collect();
    let mut spans = vec![Span::styled(text::pad("took", NAME), scene.theme.style(Role::Muted))];
    spans.extend(spark(&values, values.len(), Role::Chart, scene));
    let said = format!(
        "  min {}  median {}  max {}",
        text::span(*least),
        text::span(sorted[sorted.len() / 2]),
        text::span(*most)
    );
    let room = width.saturating_sub(NAME + values.len());
    spans.push(Span::styled(text::cut(&said, room).into_owned(), scene.theme.style(Role::Text)));
    vec![Line::from(spans)]
}

fn trigger(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Schedule => "schedule",
        Trigger::Event => "event",
        Trigger::Manual => "by hand",
        Trigger::Backfill => "backfill",
        Trigger::Retry => "tried again",
        Trigger::CatchUp => "caught up",
    }
}

/// `■ succeeded  3 min  1.2 s  schedule  2 attempts`
fn run_line(view: &RunView, width: usize, scene: &Scene) -> (Line<'static>, Role) {
    let theme = scene.theme;
    let run = &view.run;
    let role = row::mark(run.state);
    let took = match (run.started, run.ended) {
        (Some(started), Some(ended)) => text::span(ended.since(started)),
        (Some(started), None) => text::span(scene.now.since(started)),
        _ => String::new(),
    };
    let mut notes = vec![trigger(run.trigger).to_owned()];
    if run.attempt > 1 {
        notes.push(format!("{} attempts", run.attempt));
    }
    if run.may_have_run_twice {
        notes.push("may have run twice".to_owned());
    }
    if let Some(skipped) = &run.skipped {
        let slots = if skipped.slots > 1 { format!(", {} slots", skipped.slots) } else { String::new() };
        notes.push(format!("{}{slots}", skipped.why.words()));
    }
    let room = width.saturating_sub(2 + 10 + 13 + 13);
    let notes = text::cut(&notes.join(", "), room).into_owned();
    let line = Line::from(vec![
        Span::styled(format!("{} ", theme.glyph(role)), theme.style(role)),
        Span::styled(text::pad(run.state.word(), 10), theme.style(role)),
        Span::styled(
            text::pad_left(&scene.when(run.started.unwrap_or(run.created_at)), 12),
            theme.style(Role::Age),
        ),
        Span::styled(text::pad_left(&took, 12), theme.style(Role::Text)),
        Span::styled(format!("  {notes}"), theme.style(Role::Muted)),
    ]);
    (line, role)
}

fn error(view: &RunView, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let Some(error) = &view.run.error else { return Vec::new() };
    let said = format!("{}: {}", error.code.word(), error.message);
    let lines = wrapped(&said, Role::Error, width.saturating_sub(2), scene);
    lines.into_iter().take(2).map(indented).collect()
}

/// `attempt 2  failed · 14:02:31 · 1.2 s`, and what it failed of.
fn attempt(attempt: &RunAttempt, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let dot = format!(" {} ", scene.theme.dot());
    let took = attempt.ended.unwrap_or(scene.now).since(attempt.started);
    let mut said = [attempt.state.word().to_owned(), scene.at(attempt.started), text::span(took)].join(&dot);
    if let Some(error) = &attempt.error {
        said.push_str(&format!("{dot}{}: {}", error.code.word(), error.message));
    }
    field(&format!("attempt {}", attempt.number), &said, row::mark(attempt.state), width, scene)
}

fn indented(line: Line<'static>) -> Line<'static> {
    let style = line.style;
    let mut spans = vec![Span::raw("  ")];
    spans.extend(line.spans);
    Line::from(spans).style(style)
}

/// All that is known of a run.
fn whole(view: &RunView, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let run = &view.run;
    let width = width.saturating_sub(2).max(1);
    let mut lines = Vec::new();
    // Of several attempts each says what it failed of, the last one too.
    let several = run.attempt > 1 && !view.attempts.is_empty();
    if several {
        lines.extend(view.attempts.iter().flat_map(|one| attempt(one, width, scene)));
    } else if let Some(error) = &run.error {
        let said = format!("{}: {}", error.code.word(), error.message);
        lines.extend(field("error", &said, Role::Error, width, scene));
    }
    let slot = match run.slot {
        Slot::At(time) => format!("of {}", scene.slot(time)),
        Slot::Event(sequence) => format!("set off by event {sequence}"),
        Slot::Asked(_) => {
            run.by.as_ref().map_or("asked for".to_owned(), |by| format!("asked for by {}", by.0))
        }
    };
    lines.extend(field("slot", &slot, Role::Text, width, scene));
    if let Some(at) = run.start_at.filter(|_| run.state == RunState::Retrying) {
        lines.extend(field("retry", &format!("in {}", row::until(scene.now, at)), Role::Text, width, scene));
    }
    lines.extend(
        run.started
            .map(|at| field("started", &scene.all_forms(at), Role::Text, width, scene))
            .into_iter()
            .flatten(),
    );
    lines.extend(
        run.ended
            .map(|at| field("ended", &scene.all_forms(at), Role::Text, width, scene))
            .into_iter()
            .flatten(),
    );
    lines.extend(field("attempts", &run.attempt.to_string(), Role::Text, width, scene));
    lines.extend(
        run.retry_of
            .map(|id| field("retry of", &id.to_string(), Role::Text, width, scene))
            .into_iter()
            .flatten(),
    );
    lines.extend(field(
        "id",
        &format!("{}, the correlation of its events", run.id),
        Role::Muted,
        width,
        scene,
    ));
    lines.into_iter().map(indented).collect()
}
