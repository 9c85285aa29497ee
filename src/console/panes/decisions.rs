//! Decisions: what was chosen, how sure one was, and what came of it.
//!
//! The list holds whole decisions, newest changed first, so that opening one asks nothing. It is asked anew shortly after
//! a decision changed; a page more when the selection comes near the end. Every question has a generation: an answer
//! older than what is wanted now is dropped.

mod asking;
mod calibration;
pub(super) mod detail;
mod history;
mod pane;
mod row;
mod view;

use ratatui::layout::Rect;

use super::super::{
    layout::{Split, inside},
    scene::{Out, Scene},
    widgets::{
        line::Line,
        list::{List, Step},
    },
};
use crate::{
    door::{Calibration, DecisionRevision, DecisionsRequest},
    model::{Decision, DecisionFilter, DecisionStatus, Fault, Id, Project, Projects, Time},
};

use detail::Reader;
pub use row::{mark, words as outcome_words};

/// Lines a turn of the wheel moves in what is open.
const WHEEL_LINES: usize = 3;

/// Which decisions are listed, by their status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Statuses {
    /// What stands: nothing rejected, deprecated or superseded.
    #[default]
    Current,
    All,
    One(DecisionStatus),
}

impl Statuses {
    /// Round and round, each status by itself after the two.
    fn next(self) -> Statuses {
        let one = |at: usize| DecisionStatus::ALL.get(at).copied().map(Statuses::One);
        match self {
            Statuses::Current => Statuses::All,
            Statuses::All => one(0).unwrap_or_default(),
            Statuses::One(status) => {
                let at = DecisionStatus::ALL.iter().position(|other| *other == status);
                at.and_then(|at| one(at + 1)).unwrap_or_default()
            }
        }
    }

    fn word(self) -> &'static str {
        match self {
            Statuses::Current => "current",
            Statuses::All => "every status",
            Statuses::One(status) => status.word(),
        }
    }
}

/// What stands beside the list.
#[derive(Debug)]
enum Side {
    /// The selected decision.
    Decision,
    /// None while it is on its way.
    Calibration(Option<Result<Calibration, Fault>>),
    /// How one came to be what it is; none while it is on its way.
    History(Id, Option<Result<Vec<DecisionRevision>, Fault>>),
}

#[derive(Debug, Default)]
pub struct Decisions {
    rows: Vec<Decision>,
    next: Option<String>,
    /// An answer has come; before that nobody knows whether there is none.
    known: bool,
    fault: Option<Fault>,
    list: List,
    filter: Line,
    typing: bool,
    statuses: Statuses,
    side: Option<Side>,
    reader: Reader,
    /// The arrows move what is open, not the list.
    reading: bool,
    split: Split,
    area: Rect,
    project: Option<Project>,
    generation: u64,
    /// On its way.
    asked: Option<u64>,
    more_asked: bool,
    calibration_asked: u64,
    waiting: bool,
    /// To be selected once it is listed.
    wanted: Option<Id>,
    stale_since: Option<Time>,
    refreshed_at: Option<Time>,
}

impl Decisions {
    /// Lines above the list: the filter, and the line under it.
    const HEAD_LINES: u16 = 2;

    pub fn selected(&self) -> Option<&Decision> {
        self.rows.get(self.list.selected()?)
    }

    fn is_filtered(&self) -> bool {
        !self.filter.text().trim().is_empty()
    }

    fn projects(&self) -> Projects {
        self.project.clone().map_or(Projects::All, Projects::with_none)
    }

    fn wanted_filter(&self) -> DecisionFilter {
        DecisionFilter {
            projects: self.projects(),
            statuses: match self.statuses {
                Statuses::One(status) => vec![status],
                Statuses::Current | Statuses::All => Vec::new(),
            },
            any_status: self.statuses == Statuses::All,
            text: Some(self.filter.text().trim().to_owned()).filter(|text| !text.is_empty()),
            ..DecisionFilter::default()
        }
    }

    fn request(&self, after: Option<String>, limit: usize) -> DecisionsRequest {
        DecisionsRequest { filter: self.wanted_filter(), after, limit, ..DecisionsRequest::default() }
    }

    // ── moving ──────────────────────────────────────────────────────────────────────────────────────────────────

    fn step(&mut self, step: Step, out: &mut Out) {
        if self.reading && !self.typing {
            return self.reader.scroll(step, self.split.side.height);
        }
        self.list.step(step);
        self.wanted = None;
        self.moved(out);
    }

    /// What is open follows the selection; the calibration is of all and stays.
    fn moved(&mut self, out: &mut Out) {
        self.more(out);
        if matches!(self.side, Some(Side::Decision)) {
            self.reader.forget();
        }
        if matches!(self.side, Some(Side::History(..))) {
            self.show_history(out);
        }
    }

    /// Opens the selected decision; when it is open, the arrows go into it.
    fn open(&mut self) {
        self.typing = false;
        if self.selected().is_none() {
            return;
        }
        if matches!(self.side, Some(Side::Decision)) {
            self.reading = true;
            return;
        }
        self.side = Some(Side::Decision);
        self.reader.begin();
        self.settle();
    }

    fn close(&mut self) {
        self.side = None;
        self.reading = false;
        self.settle();
    }

    /// One step out. `false` when there was nowhere to go back from.
    fn back(&mut self, scene: &Scene, out: &mut Out) -> bool {
        if self.typing {
            self.typing = false;
        } else if self.reading && self.split.list.height > 0 {
            self.reading = false;
        } else if self.side.is_some() {
            self.close();
        } else if self.is_filtered() || self.statuses != Statuses::default() {
            self.filter.clear();
            self.statuses = Statuses::default();
            self.list.select(0);
            self.ask(scene, out);
        } else {
            return false;
        }
        true
    }

    fn turn_statuses(&mut self, scene: &Scene, out: &mut Out) {
        self.statuses = self.statuses.next();
        self.list.select(0);
        self.ask(scene, out);
    }

    fn toggle_calibration(&mut self, out: &mut Out) {
        self.typing = false;
        if matches!(self.side, Some(Side::Calibration(_))) {
            return self.close();
        }
        self.side = Some(Side::Calibration(None));
        self.reading = false;
        self.reader.begin();
        self.settle();
        self.ask_calibration(out);
    }

    fn click(&mut self, x: u16, y: u16, out: &mut Out) {
        self.typing = false;
        if self.split.list.contains((x, y).into()) {
            self.reading = false;
            let Some(row) = self.list.row_at((y - self.split.list.y) as usize, 1) else { return };
            if self.list.selected() == Some(row) {
                self.open();
            } else {
                self.list.select(row);
                self.moved(out);
            }
        } else if self.side.is_some() && self.split.side.contains((x, y).into()) {
            self.reading = true;
        } else if y < self.split.list.y {
            self.typing = true;
        }
    }

    fn wheel(&mut self, x: u16, y: u16, step: Step, out: &mut Out) {
        if self.side.is_some() && self.split.side.contains((x, y).into()) {
            (0..WHEEL_LINES).for_each(|_| self.reader.scroll(step, self.split.side.height));
            return;
        }
        self.list.step(step);
        self.moved(out);
    }

    // ── place ───────────────────────────────────────────────────────────────────────────────────────────────────

    fn settle(&mut self) {
        let inner = inside(self.area);
        let head = Decisions::HEAD_LINES.min(inner.height);
        let body = Rect { y: inner.y + head, height: inner.height - head, ..inner };
        self.split = self.split.of(body, self.side.is_some());
        self.list.set_height(self.split.list.height as usize);
    }

    /// What is open is laid out for its width, here and not while drawing.
    fn lay_out(&mut self, scene: &Scene) {
        let width = self.split.side.width.saturating_sub(2);
        let Decisions { rows, list, side, reader, .. } = self;
        let selected = list.selected().and_then(|at| rows.get(at));
        match side {
            None => {}
            Some(Side::Decision) => {
                let Some(decision) = selected else { return self.close() };
                reader.lay_out(width, Some(decision.id), |width, links| {
                    detail::lines(decision, None, links, width, scene)
                });
            }
            Some(Side::History(id, found)) => {
                reader.lay_out(width, Some(*id), |width, _| history::lines(found.as_ref(), width, scene));
            }
            Some(Side::Calibration(found)) => {
                reader.lay_out(width, None, |width, _| calibration::lines(found.as_ref(), width, scene));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_turn() {
        let round: Vec<_> = std::iter::successors(Some(Statuses::Current), |statuses| Some(statuses.next()))
            .take(11)
            .collect();
        assert_eq!(round[10], Statuses::Current);
        for status in DecisionStatus::ALL {
            assert!(round.contains(&Statuses::One(status)), "{}", status.word());
        }
    }
}
