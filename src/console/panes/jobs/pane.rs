//! Jobs as a pane of the deck.

use crossterm::event::KeyEvent;
use ratatui::{Frame, layout::Rect, text::Span};

use super::{Jobs, Side, Typing, row::Standing};
use crate::{
    console::{
        action::{Action, Place},
        export::What,
        layout::{Shares, Split},
        msg::{Answer, Link},
        panes::{Exported, Pane},
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{frame::step_of, line::Typed, list::Step, scroll::Track},
    },
    model::Time,
};

impl Pane for Jobs {
    fn arrange(&mut self, area: Rect, shares: Shares) {
        self.split.shares = shares;
        let was_wide = self.is_wide();
        self.area = area;
        // What was open only because there was room is closed with it.
        if was_wide && !self.is_wide() && self.side == Some(Side::Job) && !self.reading {
            self.side = None;
        }
        self.settle();
    }

    fn split(&self) -> &Split {
        &self.split
    }

    fn lay_out(&mut self, scene: &Scene) {
        Jobs::lay_out(self, scene);
    }

    fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        self.draw(frame, focused, scene);
    }

    fn state(&self, scene: &Scene) -> Vec<Span<'static>> {
        let running = self.all.iter().filter(|view| Standing::of(view) == Standing::Running).count() as u64;
        let dead: u64 = self.all.iter().map(|view| view.dead).sum();
        let mut spans = Vec::new();
        if running > 0 {
            spans.push(Span::styled(format!("{running} running "), scene.theme.style(Role::JobRunning)));
        }
        if dead > 0 {
            spans
                .push(Span::styled(format!("{} dead ", text::count(dead)), scene.theme.style(Role::JobDead)));
        }
        spans
    }

    fn extent(&self, scene: &Scene) -> Option<Span<'static>> {
        let row = text::count(self.list.selected()? as u64 + 1);
        let said = format!(" {row} of {} ", text::count(self.shown.len() as u64));
        Some(Span::styled(said, scene.theme.style(Role::Muted)))
    }

    fn places(&self) -> Vec<Place> {
        match (self.typing, self.reading, self.side) {
            (Some(_), ..) => vec![Place::Filter],
            (None, true, Some(Side::Log)) => vec![Place::RunLog, Place::Jobs],
            _ => vec![Place::Jobs],
        }
    }

    fn is_typing(&self) -> bool {
        self.typing.is_some()
    }

    fn stop_typing(&mut self, _: &mut Out) {
        self.typing = None;
        self.pause.clear();
    }

    fn leads_back(&self) -> bool {
        Jobs::leads_back(self)
    }

    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        if self.typing.is_some() && self.act_in_line(action, scene, out) {
            return true;
        }
        if let Some(step) = step_of(action) {
            self.step(step, scene, out);
            return true;
        }
        match action {
            Action::Open => self.open(scene, out),
            Action::Back => return self.back(),
            Action::FilterJobs => self.typing = Some(Typing::Filter),
            Action::SortJobs => {
                self.order = self.order.next();
                self.show_anew();
            }
            Action::RunJob => self.run_now(out),
            Action::PauseJob => self.pause_or_resume(out),
            Action::CancelRun => self.cancel(scene, out),
            Action::FollowLog => self.follow_log(scene, out),
            Action::RetryRun => self.retry(out),
            Action::DismissRun => self.dismiss(scene, out),
            action => return self.side == Some(Side::Log) && self.log.act(action),
        }
        true
    }

    fn why_not(&self, action: Action, scene: &Scene) -> Option<String> {
        let needs_job = || self.selected().is_none().then(|| "no job is selected".to_owned());
        let changes = || needs_job().or_else(|| scene.hub.why_no_writes());
        let view = self.selected();
        match action {
            Action::Open if self.typing.is_none() => needs_job(),
            Action::Copy | Action::CopyJson | Action::CopyLink | Action::CopyId => needs_job(),
            Action::RunJob => changes().or_else(|| view?.cannot_run.clone()),
            Action::PauseJob => changes(),
            Action::CancelRun => changes()
                .or_else(|| self.live_run().is_none().then(|| "no run of this job goes on".to_owned())),
            Action::FollowLog => needs_job().or_else(|| {
                self.run_to_follow().is_none().then(|| "no run of this job has begun".to_owned())
            }),
            Action::RetryRun | Action::DismissRun => changes()
                .or_else(|| self.dead_letter().is_none().then(|| "this job has no dead letter".to_owned())),
            Action::Complete => Some("there is nothing to complete here".to_owned()),
            _ => None,
        }
    }

    fn key(&mut self, key: KeyEvent, _: &Scene, _: &mut Out) {
        match self.typing {
            Some(Typing::Pause(_)) => drop(self.pause.key(key)),
            _ if self.filter.key(key) == Typed::Changed => self.show_anew(),
            _ => {}
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, _: &mut Out) {
        match self.typing {
            Some(Typing::Pause(_)) => self.pause.insert(text.trim_end()),
            Some(Typing::Filter) => {
                self.filter.insert(text.trim_end());
                self.show_anew();
            }
            None => {}
        }
    }

    fn copied(&self, action: Action) -> Option<String> {
        if self.side == Some(Side::Log) && self.reading && action == Action::Copy {
            return self.log.selected().map(|line| line.text.clone());
        }
        let view = self.selected()?;
        Some(match action {
            Action::CopyJson => match self.picked_run() {
                Some(run) => serde_json::to_string_pretty(run).unwrap_or_default(),
                None => serde_json::to_string_pretty(view).unwrap_or_default(),
            },
            Action::CopyLink => format!("wheelhouse://job/{}", view.job.slug),
            Action::CopyId => self.picked_run().map_or(view.job.id, |run| run.run.id).to_string(),
            _ => format!("{}  {}", view.job.slug, view.when),
        })
    }

    fn cell(&self, action: Action) -> Option<String> {
        let view = self.selected()?;
        Some(match action {
            Action::CopySnippet => view.when.clone(),
            Action::CopyType => view.job.kind.word().to_owned(),
            Action::CopyProject if view.job.project.is_none() => String::new(),
            Action::CopyProject => view.job.project.to_string(),
            Action::CopyTags | Action::CopySource => String::new(),
            Action::CopyTime => view.next.map(|next| next.to_string()).unwrap_or_default(),
            _ => view.job.slug.clone(),
        })
    }

    fn exported(&self) -> Option<Exported> {
        let text = self.filter.text().trim().to_owned();
        let about = match text.is_empty() {
            true => "Every job with its last runs.".to_owned(),
            false => "The jobs of this filter with their last runs.".to_owned(),
        };
        let slugs = self.is_filtered().then(|| {
            self.shown.iter().filter_map(|at| self.all.get(*at)).map(|view| view.job.slug.clone()).collect()
        });
        Some(Exported { what: What::Jobs(slugs), about, stem: "jobs" })
    }

    fn has_selection(&self) -> bool {
        self.selected().is_some()
    }

    fn has_opened(&self) -> bool {
        self.side.is_some()
    }

    fn click(&mut self, x: u16, y: u16, scene: &Scene, out: &mut Out) {
        Jobs::click(self, x, y, scene, out);
    }

    fn wheel(&mut self, x: u16, y: u16, step: Step, out: &mut Out) {
        Jobs::wheel(self, x, y, step, out);
    }

    fn track(&self) -> Option<Track> {
        Track::beside(self.split.list, self.split.rule, self.list.visible(), self.list.len())
    }

    fn scroll_to(&mut self, top: usize, _: &mut Out) {
        self.list.scroll_to(top);
    }

    fn tick(&mut self, scene: &Scene, out: &mut Out) {
        self.refresh(scene, out);
        if self.side == Some(Side::Log) && !self.area.is_empty() {
            self.log.tick(scene, out);
        }
        // The selection went on by the wheel, or the pane came to be wide.
        let shown = self.runs.as_ref().map(|(job, _)| *job);
        if !self.area.is_empty() && self.selected().is_some_and(|view| Some(view.job.id) != shown) {
            self.ask_runs(scene, out);
        }
    }

    fn wake(&self, scene: &Scene) -> Option<Time> {
        let refresh = self.refresh_at();
        let log = self.log.wake().filter(|_| self.side == Some(Side::Log) && !self.area.is_empty());
        refresh.into_iter().chain(log).min().filter(|_| scene.hub.is_live())
    }

    fn link(&mut self, link: &Link, scene: &Scene, out: &mut Out) {
        match link {
            Link::Up { .. } => self.hub_is_there(scene, out),
            Link::Events(events) if events.iter().any(|event| event.domain() == "job") => {
                self.jobs_changed(scene);
            }
            _ => {}
        }
    }

    fn answer(&mut self, answer: Answer, scene: &Scene, out: &mut Out) -> Option<Answer> {
        match answer {
            Answer::Jobs { generation, result } => self.listed(generation, result, scene, out),
            Answer::JobRuns { generation, job, result } => {
                self.runs_came((generation, job), result, scene, out)
            }
            Answer::Job { deed, result } => self.done(&deed, result, scene, out),
            Answer::RunLog { run, result } => self.log.came(run, result, scene),
            other => return Some(other),
        }
        None
    }
}

impl Jobs {
    fn act_in_line(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        match (action, self.typing) {
            (Action::Open, Some(Typing::Pause(_))) => self.accept_pause(scene, out),
            (Action::Open, _) => self.typing = None,
            (Action::ClearText, Some(Typing::Pause(_))) => self.pause.clear(),
            (Action::ClearText, _) => {
                self.filter.clear();
                self.show_anew();
            }
            _ => return false,
        }
        true
    }
}
