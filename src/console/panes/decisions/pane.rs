//! Decisions as a pane of the deck.

use std::sync::Arc;

use crossterm::event::KeyEvent;
use ratatui::{Frame, layout::Rect, text::Span};

use super::{Decisions, Side};
use crate::{
    console::{
        action::{Action, Place},
        effect::DecisionsFor,
        export::What,
        hyperlink::Hyperlinks,
        layout::{Shares, Split},
        model::At,
        msg::{Answer, Link},
        overlay::{Overlay, export::bound, form::Form},
        panes::{Exported, Pane},
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{frame::step_of, line::Typed, list::Step, scroll::Track},
    },
    model::{Project, Time},
};

impl Pane for Decisions {
    fn arrange(&mut self, area: Rect, shares: Shares) {
        self.split.shares = shares;
        self.area = area;
        self.settle();
    }

    fn split(&self) -> &Split {
        &self.split
    }

    fn lay_out(&mut self, scene: &Scene) {
        Decisions::lay_out(self, scene);
    }

    fn look_anew(&mut self) {
        self.reader.forget();
    }

    fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        self.draw(frame, focused, scene);
    }

    fn extent(&self, scene: &Scene) -> Option<Span<'static>> {
        let row = text::count(self.list.selected()? as u64 + 1);
        let more = if self.next.is_some() { "+" } else { "" };
        let said = format!(" {row} of {}{more} ", text::count(self.rows.len() as u64));
        Some(Span::styled(said, scene.theme.style(Role::Muted)))
    }

    fn places(&self) -> Vec<Place> {
        match (self.typing, self.reading) {
            (true, _) => vec![Place::Filter],
            (false, true) => vec![Place::Detail, Place::Decisions],
            (false, false) => vec![Place::Decisions],
        }
    }

    fn is_typing(&self) -> bool {
        self.typing
    }

    fn stop_typing(&mut self, _: &mut Out) {
        self.typing = false;
    }

    fn leads_back(&self) -> bool {
        self.typing || self.side.is_some() || self.is_filtered() || self.statuses != Default::default()
    }

    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        if self.typing && self.act_in_filter(action, scene, out) {
            return true;
        }
        if let Some(step) = step_of(action) {
            self.step(step, out);
            return true;
        }
        match action {
            Action::Open => self.open(),
            Action::Back => return self.back(scene, out),
            Action::FilterDecisions => self.typing = true,
            Action::TurnStatuses => self.turn_statuses(scene, out),
            Action::Calibration => self.toggle_calibration(out),
            Action::DecisionHistory => self.show_history(out),
            Action::RecordOutcome => {
                let Some(decision) = self.selected() else { return false };
                out.open = Some(Overlay::Form(Box::new(Form::outcome_of(decision, out))));
            }
            _ => return false,
        }
        true
    }

    fn why_not(&self, action: Action, scene: &Scene) -> Option<String> {
        let needs_row = || self.selected().is_none().then(|| "no decision is selected".to_owned());
        let needs_hub = || (!scene.hub.is_live()).then(|| "the hub is not there yet".to_owned());
        match action {
            Action::Open if !self.typing => needs_row(),
            Action::Copy | Action::CopyJson | Action::CopyLink | Action::CopyId => needs_row(),
            Action::RecordOutcome => needs_row().or_else(|| scene.hub.why_no_writes()),
            Action::DecisionHistory => needs_row().or_else(needs_hub),
            Action::TurnStatuses | Action::Calibration => needs_hub(),
            Action::Complete => Some("there is nothing to complete here".to_owned()),
            _ => None,
        }
    }

    fn key(&mut self, key: KeyEvent, scene: &Scene, out: &mut Out) {
        if self.filter.key(key) == Typed::Changed {
            self.filter_changed(scene, out);
        }
    }

    fn paste(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        self.typing = true;
        self.filter.insert(text.trim_end());
        self.filter_changed(scene, out);
    }

    fn copied(&self, action: Action) -> Option<String> {
        let decision = self.selected()?;
        Some(match action {
            Action::CopyJson => serde_json::to_string_pretty(decision).unwrap_or_default(),
            Action::CopyLink => format!("wheelhouse://decision/{}", decision.number),
            Action::CopyId => decision.id.to_string(),
            _ => format!("# {} {}\n\n{}", decision.number, decision.title, decision.text()),
        })
    }

    fn cell(&self, action: Action) -> Option<String> {
        let decision = self.selected()?;
        Some(match action {
            Action::CopySnippet => decision.chosen_option.clone().unwrap_or_default(),
            Action::CopyType => decision.kind.clone(),
            Action::CopyProject if decision.project.is_none() => String::new(),
            Action::CopyProject => decision.project.to_string(),
            Action::CopyTags => decision.tags.join(", "),
            Action::CopySource => decision.origin.url.clone().unwrap_or_default(),
            Action::CopyTime => decision.updated_at.to_string(),
            _ => decision.title.clone(),
        })
    }

    fn exported(&self) -> Option<Exported> {
        let filter = self.wanted_filter();
        let which = if self.is_filtered() { "The decisions of this filter" } else { "The decisions" };
        let about = format!("{which}, {}, the newest changed first, {}.", self.statuses.word(), bound());
        Some(Exported { what: What::Decisions(Box::new(filter)), about, stem: "decisions" })
    }

    fn has_selection(&self) -> bool {
        self.selected().is_some()
    }

    fn has_opened(&self) -> bool {
        self.side.is_some()
    }

    fn click(&mut self, x: u16, y: u16, _: &Scene, out: &mut Out) {
        Decisions::click(self, x, y, out);
    }

    fn wheel(&mut self, x: u16, y: u16, step: Step, out: &mut Out) {
        Decisions::wheel(self, x, y, step, out);
    }

    fn track(&self) -> Option<Track> {
        Track::beside(self.split.list, self.split.rule, self.list.visible(), self.list.len())
    }

    fn scroll_to(&mut self, top: usize, out: &mut Out) {
        self.list.scroll_to(top);
        self.moved(out);
    }

    fn tick(&mut self, scene: &Scene, out: &mut Out) {
        self.refresh(scene, out);
    }

    fn wake(&self, scene: &Scene) -> Option<Time> {
        self.refresh_at().filter(|_| scene.hub.is_live())
    }

    fn link(&mut self, link: &Link, scene: &Scene, out: &mut Out) {
        match link {
            Link::Up { .. } => self.hub_is_there(scene, out),
            Link::Events(events) if events.iter().any(|event| event.domain() == "decision") => {
                self.decisions_changed(scene);
            }
            _ => {}
        }
    }

    fn views_changed(&mut self, at: At, scene: &Scene, out: &mut Out) {
        if at == scene.fleet.chosen() {
            self.hub_is_there(scene, out);
        }
    }

    fn answer(&mut self, answer: Answer, scene: &Scene, out: &mut Out) -> Option<Answer> {
        match answer {
            Answer::Decisions { what: DecisionsFor::Similar { .. }, .. } => return Some(answer),
            Answer::Decisions { what, result } => self.listed(what, result, scene, out),
            Answer::DecisionHistory { id, result } => self.history_came(id, result),
            Answer::Calibration { generation, result } => self.calibrated(generation, result),
            other => return Some(other),
        }
        None
    }

    fn set_project(&mut self, project: Option<&Project>, scene: &Scene, out: &mut Out) {
        self.project = project.cloned();
        self.list.select(0);
        self.ask(scene, out);
        if matches!(self.side, Some(Side::Calibration(_))) {
            self.ask_calibration(out);
        }
    }
}

impl Decisions {
    /// As it was left.
    pub fn restore_project(&mut self, project: Option<Project>) {
        self.project = project;
    }

    /// Where the links of what is open lead.
    pub fn hyperlinks(&self) -> Arc<Hyperlinks> {
        Arc::clone(&self.reader.links)
    }

    fn act_in_filter(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Open => self.typing = false,
            Action::ClearText => {
                self.filter.clear();
                self.filter_changed(scene, out);
            }
            _ => return false,
        }
        true
    }

    fn filter_changed(&mut self, scene: &Scene, out: &mut Out) {
        self.list.select(0);
        self.ask(scene, out);
    }
}
