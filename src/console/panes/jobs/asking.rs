//! What is asked of the hub, when, and what becomes of the answers.

use std::time::Duration;

use super::{Jobs, Side, Typing};
use crate::{
    console::{
        effect::{Ask, JobDeed},
        msg::JobRuns,
        overlay::{Overlay, confirm::Confirm},
        scene::{Out, Scene},
        widgets::toast::Toast,
    },
    door::{JobView, RunView},
    model::{Fault, Id, Time},
};

/// While jobs change the list is asked anew, at most this often.
const REFRESH: Duration = Duration::from_millis(250);

impl Jobs {
    /// Asks for the list; waits while a question is on its way or the hub is not there.
    pub(super) fn ask(&mut self, scene: &Scene, out: &mut Out) {
        self.stale_since = None;
        if self.asked.is_some() || !scene.hub.is_live() {
            self.waiting = true;
            return;
        }
        self.waiting = false;
        self.refreshed_at = Some(scene.now);
        self.generation += 1;
        self.asked = Some(self.generation);
        out.ask(Ask::Jobs { generation: self.generation });
    }

    pub(super) fn listed(
        &mut self,
        generation: u64,
        result: Result<Vec<JobView>, Fault>,
        scene: &Scene,
        out: &mut Out,
    ) {
        if self.asked.take_if(|asked| *asked == generation).is_none() {
            return;
        }
        if self.waiting {
            self.ask(scene, out);
        }
        match result {
            Ok(jobs) => {
                let kept = self.selected().map(|view| view.job.id);
                self.all = jobs;
                self.known = true;
                self.fault = None;
                self.select_by(kept);
                self.settle();
                self.ask_runs(scene, out);
            }
            Err(fault) => self.fault = Some(fault),
        }
    }

    /// What was selected is selected, wherever it stands now.
    fn select_by(&mut self, kept: Option<Id>) {
        // The places are of the list that was.
        self.shown = (0..self.all.len()).collect();
        self.list.set_len(self.shown.len());
        if let Some(row) = kept.and_then(|id| self.all.iter().position(|view| view.job.id == id)) {
            let line = self.list.selected().unwrap_or(0) - self.list.visible().start;
            self.list.select_at(row, line);
        }
        self.show_anew();
    }

    /// The runs of the selected job, while they are seen: one question at a time.
    pub(super) fn ask_runs(&mut self, scene: &Scene, out: &mut Out) {
        let Some(job) = self.selected().map(|view| view.job.id) else { return };
        if self.side != Some(Side::Job) || self.runs_asked.is_some() || !scene.hub.is_live() {
            return;
        }
        self.runs_generation += 1;
        self.runs_asked = Some(self.runs_generation);
        out.ask(Ask::JobRuns { generation: self.runs_generation, job });
    }

    pub(super) fn runs_came(
        &mut self,
        (generation, job): (u64, Id),
        result: Result<JobRuns, Fault>,
        scene: &Scene,
        out: &mut Out,
    ) {
        if self.runs_asked.take_if(|asked| *asked == generation).is_none() {
            return;
        }
        self.runs = Some((job, result));
        let (dead, others) = self.listed_runs();
        let len = dead.len() + others.len();
        self.picked.set_len(len);
        // The selection moved on meanwhile.
        if self.selected().is_some_and(|view| view.job.id != job) {
            self.ask_runs(scene, out);
        }
    }

    /// The door is there (again).
    pub(super) fn hub_is_there(&mut self, scene: &Scene, out: &mut Out) {
        self.asked = None;
        self.runs_asked = None;
        self.log.forget_question();
        self.ask(scene, out);
    }

    pub(super) fn jobs_changed(&mut self, scene: &Scene) {
        self.stale_since.get_or_insert(scene.now);
    }

    pub(super) fn refresh_at(&self) -> Option<Time> {
        let stale = self.stale_since?;
        Some(self.refreshed_at.map_or(stale, |at| stale.max(at.plus(REFRESH))))
    }

    pub(super) fn refresh(&mut self, scene: &Scene, out: &mut Out) {
        if self.refresh_at().is_some_and(|at| scene.now >= at) {
            self.ask(scene, out);
        }
    }

    // ── what is done ────────────────────────────────────────────────────────────────────────────────────────────

    pub(super) fn run_now(&self, out: &mut Out) {
        if let Some(view) = self.selected() {
            out.ask(Ask::Job(JobDeed::Run(view.job.id)));
        }
    }

    pub(super) fn pause_or_resume(&mut self, out: &mut Out) {
        let Some(view) = self.selected() else { return };
        let job = view.job.id;
        if view.paused.is_some() {
            return out.ask(Ask::Job(JobDeed::Resume(job)));
        }
        self.pause.clear();
        self.typing = Some(Typing::Pause(job));
        self.settle();
    }

    pub(super) fn cancel(&self, scene: &Scene, out: &mut Out) {
        let (Some(view), Some(run)) = (self.selected(), self.live_run()) else { return };
        let deed = vec![crate::console::effect::Effect::Ask(Ask::Job(JobDeed::Cancel(run)))];
        let effect = "It is asked to end, and ended if it does not. What it did already stays done.";
        let confirm = Confirm::new("Cancel a run", &view.job.slug, effect, "cancel the run", scene.now, deed);
        out.open = Some(Overlay::Confirm(Box::new(confirm)));
    }

    pub(super) fn retry(&self, out: &mut Out) {
        if let Some(run) = self.dead_letter() {
            out.ask(Ask::Job(JobDeed::Retry(run)));
        }
    }

    pub(super) fn dismiss(&self, scene: &Scene, out: &mut Out) {
        let (Some(view), Some(run)) = (self.selected(), self.dead_letter()) else { return };
        let deed = vec![crate::console::effect::Effect::Ask(Ask::Job(JobDeed::Dismiss(run)))];
        let effect = "It counts as seen to and is not tried again. This cannot be undone; its history stays.";
        let confirm =
            Confirm::new("Dismiss a dead letter", &view.job.slug, effect, "dismiss", scene.now, deed);
        out.open = Some(Overlay::Confirm(Box::new(confirm)));
    }

    pub(super) fn done(
        &mut self,
        deed: &JobDeed,
        result: Result<Option<Box<RunView>>, Fault>,
        scene: &Scene,
        out: &mut Out,
    ) {
        let slug = |id: &Id| {
            let found = self.all.iter().find(|view| view.job.id == *id);
            found.map_or_else(|| "the job".to_owned(), |view| view.job.slug.clone())
        };
        let run = match result {
            Ok(run) => run,
            Err(fault) => {
                let what = match deed {
                    JobDeed::Run(_) => "not run",
                    JobDeed::Pause(..) => "not paused",
                    JobDeed::Resume(_) => "not resumed",
                    JobDeed::Cancel(_) => "not cancelled",
                    JobDeed::Retry(_) => "not tried again",
                    JobDeed::Dismiss(_) => "not dismissed",
                };
                return out.toast(Toast::fault(what, &fault));
            }
        };
        let of = run.as_ref().map_or_else(|| "the run".to_owned(), |run| run.slug.clone());
        out.toast(Toast::done(match deed {
            JobDeed::Run(_) => format!("queued: {of}"),
            JobDeed::Pause(job, _) => format!("paused: {}", slug(job)),
            JobDeed::Resume(job) => format!("resumed: {}", slug(job)),
            JobDeed::Cancel(_) => format!("asked to end: {of}"),
            JobDeed::Retry(_) => format!("tried again: {of}"),
            JobDeed::Dismiss(_) => format!("dismissed: a dead letter of {of}"),
        }));
        // Whoever follows the lines of a job follows those of the run just asked for.
        let is_new = matches!(deed, JobDeed::Run(_) | JobDeed::Retry(_));
        let follows = self.side == Some(Side::Log) && is_new;
        if let Some(run) =
            run.filter(|run| follows && self.selected().is_some_and(|view| view.job.id == run.run.job))
        {
            self.log.begin(run.run.id, scene, out);
        }
        self.ask(scene, out);
    }
}
