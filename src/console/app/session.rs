//! How the console is left and found again: pane, zoom, project, form of times, query. What somebody wrote into the
//! settings stands above it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::App;
use crate::{
    console::{
        effect::Effect,
        panes::PaneName,
        scene::{Out, TimeForm},
        state::State,
    },
    model::Project,
};

/// Its part of the state.
const PART: &str = "session";
/// What changed is kept after this at the latest, for whoever is killed.
const KEEP_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Session {
    focus: String,
    zoomed: bool,
    project: Option<Project>,
    time: String,
    query: String,
}

impl App {
    /// As it was left; before anything was asked of the hub.
    pub(super) fn restore(&mut self) {
        let Some(left) = self.state.get::<Session>(PART) else { return };
        if let Some(name) = PaneName::ALL.iter().copied().find(|name| name.title() == left.focus) {
            self.focus = name;
        }
        self.zoomed = left.zoomed;
        if let Some(form) = TimeForm::named(&left.time).filter(|_| self.given.source("time").is_none()) {
            self.env.form = form;
        }
        self.panes.search.query.set(&left.query);
        self.panes.search.project.clone_from(&left.project);
        self.panes.timeline.restore_project(left.project.clone());
        self.panes.decisions.restore_project(left.project.clone());
        self.env.project = left.project;
    }

    fn session(&self) -> Session {
        Session {
            focus: self.focus.title().to_owned(),
            zoomed: self.zoomed,
            project: self.env.project.clone(),
            time: self.env.form.name().to_owned(),
            query: self.panes.search.query.text().to_owned(),
        }
    }

    /// All there is to keep.
    pub fn state(&self) -> State {
        let mut state = self.state.clone();
        state.set(PART, &self.session());
        state
    }

    /// Now and then, what has changed.
    pub(super) fn keep_state(&mut self, out: &mut Out) {
        if self.env.now < self.state_kept.plus(KEEP_EVERY) {
            return;
        }
        self.state_kept = self.env.now;
        let state = self.state();
        if state != self.state {
            self.state = state.clone();
            out.effects.push(Effect::KeepState(state));
        }
    }
}
