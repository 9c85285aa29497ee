//! Jobs: what runs by itself, when next, how it went, and what a run says while it runs.
//!
//! The list is asked for when the hub is there and anew shortly after an event of a job, never by the clock: what counts
//! down on screen is drawn from what is known. What is open beside the list is the selected job with its runs, or the
//! lines of one run, which are asked for while that run goes on and is looked at.

mod asking;
mod detail;
mod log;
mod pane;
mod pause;
mod row;
mod view;

use ratatui::layout::Rect;

use self::log::RunTail;
use super::super::{
    layout::{BESIDE_MIN, Split, inside},
    msg::JobRuns,
    scene::{Out, Scene},
    widgets::{
        line::Line,
        list::{List, Step},
    },
};
use crate::{
    door::{JobView, RunView},
    model::{Fault, Id, Time, job::RunState},
};

/// What letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typing {
    Filter,
    /// Why this job is to be paused, and until when.
    Pause(Id),
}

/// By what jobs stand in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Name,
    Next,
    State,
}

impl Order {
    fn next(self) -> Order {
        match self {
            Order::Name => Order::Next,
            Order::Next => Order::State,
            Order::State => Order::Name,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Order::Name => "by name",
            Order::Next => "by next run",
            Order::State => "by state",
        }
    }
}

/// What stands beside the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Job,
    Log,
}

#[derive(Debug, Default)]
pub struct Jobs {
    all: Vec<JobView>,
    /// The places of those that the filter lets through, in their order.
    shown: Vec<usize>,
    known: bool,
    fault: Option<Fault>,
    list: List,
    filter: Line,
    pause: Line,
    typing: Option<Typing>,
    order: Order,
    side: Option<Side>,
    /// Of which job, and what was answered.
    runs: Option<(Id, Result<JobRuns, Fault>)>,
    /// Which of its runs is selected, while what is open is read.
    picked: List,
    /// The first line of what is open.
    top: usize,
    reading: bool,
    log: RunTail,
    split: Split,
    area: Rect,
    generation: u64,
    asked: Option<u64>,
    waiting: bool,
    runs_generation: u64,
    runs_asked: Option<u64>,
    stale_since: Option<Time>,
    refreshed_at: Option<Time>,
}

impl Jobs {
    pub fn all(&self) -> &[JobView] {
        &self.all
    }

    pub fn selected(&self) -> Option<&JobView> {
        self.all.get(*self.shown.get(self.list.selected()?)?)
    }

    fn is_filtered(&self) -> bool {
        !self.filter.text().trim().is_empty()
    }

    /// The runs of the selected job as they are listed: dead letters first, then the others.
    fn listed_runs(&self) -> (&[RunView], Vec<&RunView>) {
        let Some((job, Ok(found))) = &self.runs else { return (&[], Vec::new()) };
        if self.selected().is_none_or(|view| view.job.id != *job) {
            return (&[], Vec::new());
        }
        (&found.dead, found.runs.iter().filter(|view| view.run.state != RunState::Dead).collect())
    }

    /// The run that is picked, while the runs are read.
    fn picked_run(&self) -> Option<&RunView> {
        let at = self.picked.selected().filter(|_| self.reading && self.side == Some(Side::Job))?;
        let (dead, others) = self.listed_runs();
        dead.get(at).or_else(|| others.get(at - dead.len()).copied())
    }

    /// The dead letter that is meant: the one picked, else the newest.
    fn dead_letter(&self) -> Option<Id> {
        if let Some(run) = self.picked_run() {
            return (run.run.state == RunState::Dead).then_some(run.run.id);
        }
        let view = self.selected()?;
        let recent = view.recent.iter().find(|run| run.state == RunState::Dead).map(|run| run.id);
        recent.or_else(|| self.listed_runs().0.first().map(|run| run.run.id))
    }

    /// The run that goes on.
    fn live_run(&self) -> Option<Id> {
        self.selected()?.recent.iter().find(|run| run.state.is_live()).map(|run| run.id)
    }

    /// The run whose lines are meant: the one picked, else the newest that began.
    fn run_to_follow(&self) -> Option<Id> {
        let newest = || self.selected()?.recent.iter().find(|run| run.attempt > 0).map(|run| run.id);
        self.picked_run().map(|run| run.run.id).or_else(newest)
    }

    // ── which, and in what order ────────────────────────────────────────────────────────────────────────────────

    fn show_anew(&mut self) {
        let kept = self.selected().map(|view| view.job.id);
        let line = self.list.selected().unwrap_or(0) - self.list.visible().start;
        let words: Vec<String> =
            self.filter.text().to_lowercase().split_whitespace().map(str::to_owned).collect();
        let mut shown: Vec<usize> = (0..self.all.len()).filter(|at| passes(&self.all[*at], &words)).collect();
        let all = &self.all;
        match self.order {
            Order::Name => {}
            Order::Next => shown.sort_by_key(|at| (all[*at].next.is_none(), all[*at].next)),
            Order::State => shown.sort_by_key(|at| row::Standing::of(&all[*at]).rank()),
        }
        self.shown = shown;
        self.list.set_len(self.shown.len());
        let place = kept.and_then(|id| self.shown.iter().position(|at| self.all[*at].job.id == id));
        match place {
            Some(row) => self.list.select_at(row, line),
            None => self.list.select(self.list.selected().unwrap_or(0)),
        }
    }

    // ── moving ──────────────────────────────────────────────────────────────────────────────────────────────────

    fn step(&mut self, step: Step, scene: &Scene, out: &mut Out) {
        match self.side.filter(|_| self.reading && self.typing.is_none()) {
            Some(Side::Log) => self.log.step(step),
            Some(Side::Job) => self.picked.step(step),
            None => {
                self.list.step(step);
                self.moved(scene, out);
            }
        }
    }

    /// What is open follows the selection.
    fn moved(&mut self, scene: &Scene, out: &mut Out) {
        self.picked = List::default();
        self.top = 0;
        if self.side == Some(Side::Log) {
            self.follow_log(scene, out);
        }
        self.ask_runs(scene, out);
    }

    /// Opens the selected job; when it is open, the arrows go into its runs.
    fn open(&mut self, scene: &Scene, out: &mut Out) {
        self.typing = None;
        if self.selected().is_none() {
            return;
        }
        match self.side {
            None => {
                self.side = Some(Side::Job);
                self.settle();
                self.ask_runs(scene, out);
                // Where nothing else is seen, it is what the arrows move.
                self.reading = self.split.list.height == 0;
            }
            Some(_) => self.reading = true,
        }
    }

    fn close(&mut self) {
        self.side = None;
        self.reading = false;
        self.settle();
    }

    fn is_wide(&self) -> bool {
        inside(self.area).width >= BESIDE_MIN
    }

    /// One step out. `false` when there was nowhere to go back from.
    fn back(&mut self) -> bool {
        if self.typing.take().is_some() {
            self.pause.clear();
        } else if self.reading && self.split.list.height > 0 {
            self.reading = false;
        } else if self.side == Some(Side::Log) {
            self.side = Some(Side::Job);
            self.log.close();
            self.settle();
        } else if self.side.is_some() && !self.is_wide() {
            self.close();
        } else if self.is_filtered() {
            self.filter.clear();
            self.show_anew();
        } else {
            return false;
        }
        true
    }

    fn leads_back(&self) -> bool {
        self.typing.is_some()
            || self.reading
            || self.side == Some(Side::Log)
            || (self.side.is_some() && !self.is_wide())
            || self.is_filtered()
    }

    fn click(&mut self, x: u16, y: u16, scene: &Scene, out: &mut Out) {
        self.typing = None;
        if self.split.list.contains((x, y).into()) {
            self.reading = false;
            let Some(row) = self.list.row_at((y - self.split.list.y) as usize, 1) else { return };
            if self.list.selected() == Some(row) {
                self.open(scene, out);
            } else {
                self.list.select(row);
                self.moved(scene, out);
            }
        } else if self.side.is_some() && self.split.side.contains((x, y).into()) {
            self.reading = true;
        } else if y < self.split.list.y {
            self.typing = Some(Typing::Filter);
        }
    }

    fn wheel(&mut self, x: u16, y: u16, step: Step, _: &mut Out) {
        let beside = self.split.side.contains((x, y).into());
        match self.side.filter(|_| beside) {
            Some(Side::Log) => self.log.scroll(step),
            Some(Side::Job) => self.picked.step(step),
            None => {
                self.list.step(step);
                self.picked = List::default();
            }
        }
    }

    // ── place ───────────────────────────────────────────────────────────────────────────────────────────────────

    /// Lines above the list: the filter, and the line under it; none where the list needs them more.
    fn head_lines(&self) -> u16 {
        let room = inside(self.area).height;
        match (self.typing.is_some() || self.is_filtered(), room) {
            (false, 0..=5) => 0,
            _ => 2.min(room),
        }
    }

    fn settle(&mut self) {
        let inner = inside(self.area);
        let head = self.head_lines();
        let body = Rect { y: inner.y + head, height: inner.height - head, ..inner };
        // Where there is room for both, the selected one is always open.
        if self.side.is_none() && self.is_wide() && !self.all.is_empty() {
            self.side = Some(Side::Job);
        }
        self.split = self.split.of(body, self.side.is_some());
        self.list.set_height(self.split.list.height as usize);
        self.log.set_height(self.split.side.height.saturating_sub(log::HEAD_LINES) as usize);
    }
}

/// Every word is in its name, title, project or state.
fn passes(view: &JobView, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let job = &view.job;
    let said = format!("{} {} {} {}", job.slug, job.title, job.project, row::Standing::of(view).word())
        .to_lowercase();
    words.iter().all(|word| said.contains(word))
}
