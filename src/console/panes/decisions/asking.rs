//! What is asked of the hub, when, and what becomes of the answers.

use std::time::Duration;

use super::{Decisions, Side};
use crate::{
    console::{
        effect::{Ask, DecisionsFor},
        scene::{Out, Scene},
    },
    door::{Calibration, DecisionPage, LIST_PAGE_MAX},
    model::{Decision, DecisionFilter, Fault, Id, Time},
};

/// Decisions a page; the next is asked for when the selection comes near the end.
const PAGE: usize = 100;
/// Rows from the end at which the next page is asked for.
const AHEAD: usize = 20;
/// While decisions change the list is asked anew, at most this often.
const REFRESH: Duration = Duration::from_millis(500);

impl Decisions {
    /// Asks for the list; waits when a question is on its way or the hub is not there.
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
        self.more_asked = false;
        // As far as it was read already, so that nothing below the selection goes away.
        let limit = self.list.selected().map_or(PAGE, |row| (row + PAGE).min(LIST_PAGE_MAX));
        let what = DecisionsFor::List { generation: self.generation };
        out.ask(Ask::Decisions { what, request: self.request(None, limit) });
    }

    /// The next page, when the selection comes near the end.
    pub(super) fn more(&mut self, out: &mut Out) {
        let Some(next) = self.next.clone().filter(|_| !self.more_asked && self.asked.is_none()) else {
            return;
        };
        if self.list.selected().is_some_and(|row| row + AHEAD >= self.rows.len()) {
            self.more_asked = true;
            let what = DecisionsFor::More { generation: self.generation };
            out.ask(Ask::Decisions { what, request: self.request(Some(next), PAGE) });
        }
    }

    pub(super) fn ask_calibration(&mut self, out: &mut Out) {
        self.calibration_asked += 1;
        // What was rejected or superseded had its confidence and its outcome too.
        let filter =
            DecisionFilter { projects: self.projects(), any_status: true, ..DecisionFilter::default() };
        out.ask(Ask::Calibration { generation: self.calibration_asked, filter });
    }

    pub(super) fn listed(
        &mut self,
        what: DecisionsFor,
        result: Result<DecisionPage, Fault>,
        scene: &Scene,
        out: &mut Out,
    ) {
        match what {
            DecisionsFor::List { generation } => {
                if self.asked.take_if(|asked| *asked == generation).is_none() {
                    return;
                }
                if self.waiting {
                    self.ask(scene, out);
                }
                match result {
                    Ok(page) => self.replace(page, out),
                    Err(fault) => self.fault = Some(fault),
                }
            }
            DecisionsFor::More { generation } if generation == self.generation && self.more_asked => {
                self.more_asked = false;
                match result {
                    Ok(page) => {
                        let known = |decision: &Decision| self.rows.iter().any(|row| row.id == decision.id);
                        let fresh: Vec<_> = page.decisions.into_iter().filter(|new| !known(new)).collect();
                        self.rows.extend(fresh);
                        self.next = page.next;
                        self.list.set_len(self.rows.len());
                    }
                    Err(_) => self.next = None,
                }
            }
            DecisionsFor::More { .. } | DecisionsFor::Similar { .. } => {}
        }
    }

    fn replace(&mut self, page: DecisionPage, out: &mut Out) {
        let kept = self.selected().map(|decision| decision.id);
        let line = self.list.selected().unwrap_or(0) - self.list.visible().start;
        self.rows = page.decisions;
        self.next = page.next;
        self.known = true;
        self.fault = None;
        self.list.set_len(self.rows.len());
        let place = |id: Id| self.rows.iter().position(|row| row.id == id);
        let wanted = self.wanted.and_then(place);
        if wanted.is_some() {
            self.wanted = None;
        }
        match wanted.or_else(|| kept.and_then(place)) {
            Some(row) => self.list.select_at(row, line),
            None => self.list.select(self.list.selected().unwrap_or(0)),
        }
        if matches!(self.side, Some(Side::Decision)) {
            if self.rows.is_empty() {
                self.close();
            }
            self.reader.forget();
        }
        self.more(out);
    }

    pub(super) fn calibrated(&mut self, generation: u64, result: Result<Calibration, Fault>) {
        if let Some(Side::Calibration(found)) = &mut self.side
            && generation == self.calibration_asked
        {
            *found = Some(result);
            self.reader.forget();
        }
    }

    /// One was recorded or changed from here: it is selected as soon as it is listed.
    pub fn recorded(&mut self, id: Id, scene: &Scene, out: &mut Out) {
        self.wanted = Some(id);
        self.ask(scene, out);
    }

    /// The door is there (again), or its views became ready.
    pub(super) fn hub_is_there(&mut self, scene: &Scene, out: &mut Out) {
        self.asked = None;
        self.more_asked = false;
        self.ask(scene, out);
        if matches!(self.side, Some(Side::Calibration(None))) {
            self.ask_calibration(out);
        }
    }

    pub(super) fn decisions_changed(&mut self, scene: &Scene) {
        self.stale_since.get_or_insert(scene.now);
    }

    pub(super) fn refresh(&mut self, scene: &Scene, out: &mut Out) {
        if self.refresh_at().is_some_and(|at| scene.now >= at) {
            self.ask(scene, out);
            if matches!(self.side, Some(Side::Calibration(_))) {
                self.ask_calibration(out);
            }
        }
    }

    pub(super) fn refresh_at(&self) -> Option<Time> {
        let stale = self.stale_since?;
        Some(self.refreshed_at.map_or(stale, |at| stale.max(at.plus(REFRESH))))
    }
}
