//! What each action does, and why it cannot be done now. The pane in focus is asked first for what is its own.

use super::{App, cells::is_cell};
use crate::console::{
    action::{ACTIONS, Action, Group, Place},
    effect::{Ask, Effect},
    keymap::Listed,
    layout::{self, Edge, Shares, Spot},
    model::At,
    overlay::{
        Overlay,
        confirm::Confirm,
        form::{Form, Purpose},
        help::{Help, Row, Section},
        import::Import,
        palette::{Entry, Palette, Run},
        picker::Picker,
        settings::Settings,
        themes::ThemePicker,
        wrong::Wrongs,
        zones::ZonePicker,
    },
    panes::{Pane, PaneName, health::Wrong},
    scene::Out,
    widgets::toast::Toast,
};

/// Actions the palette shows first because they were used last.
const RECENT_MAX: usize = 5;
/// Steps that a border takes by keys across the whole screen.
const COLUMN_STEPS: u16 = 40;

impl App {
    /// An action by its key: to the overlay first.
    pub(super) fn run(&mut self, action: Action, out: &mut Out) {
        let scene = self.env.scene();
        if let Some(overlay) = &mut self.overlay {
            if overlay.act(action, &scene, out) {
                return;
            }
            if !matches!(action, Action::Quit | Action::Suspend) {
                return;
            }
        }
        if let Some(why) = self.why_not(action) {
            out.toast(Toast::say(why));
            return;
        }
        self.act(action, out);
    }

    /// An action on the deck.
    pub(super) fn act(&mut self, action: Action, out: &mut Out) {
        let typed = self.panes.get(self.focus).is_typing();
        let done = self.act_in_pane(action, out)
            || match action.row().group {
                Group::Deck | Group::Move => self.act_on_deck(action, out),
                Group::Memory => self.act_on_memory(action, out),
                Group::Settings => self.act_on_settings(action, out),
                Group::Decision => self.act_on_decision(action, out),
                Group::Health => self.act_on_health(action, out),
                Group::Jobs | Group::Timeline | Group::Form => false,
            };
        if done && !typed && action.row().group != Group::Move {
            self.recent_actions.retain(|recent| *recent != action);
            self.recent_actions.insert(0, action);
            self.recent_actions.truncate(RECENT_MAX);
        }
    }

    /// What is a pane's own brings the focus there, whence ever it was asked for.
    fn act_in_pane(&mut self, action: Action, out: &mut Out) -> bool {
        if let Some(owner) = self.owner(action) {
            self.focus(owner, out);
        }
        self.panes.get_mut(self.focus).act(action, &self.env.scene(), out)
    }

    /// The pane whose place an action lives in; of several the one in focus.
    fn owner(&self, action: Action) -> Option<PaneName> {
        let lives_in = |name: &PaneName| action.row().places.contains(&name.place());
        std::iter::once(self.focus).chain(PaneName::ALL.iter().copied()).find(lives_in)
    }

    fn act_on_deck(&mut self, action: Action, out: &mut Out) -> bool {
        match action {
            // A line of text that has no use for Tab.
            Action::NextPane | Action::Complete => self.focus(self.focus.beside(1), out),
            Action::PreviousPane => self.focus(self.focus.beside(-1), out),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::BorderLeft => self.move_columns(-1, out),
            Action::BorderRight => self.move_columns(1, out),
            Action::EvenDeck => self.share(Shares::default(), out),
            Action::Palette => {
                out.effects.push(Effect::LookAtFiles);
                out.open = Some(Overlay::Palette(Box::new(Palette::actions(self.entries()))));
            }
            Action::Help => {
                out.effects.push(Effect::LookAtFiles);
                out.open = Some(Overlay::Help(Box::new(Help::new(self.help_sections()))));
            }
            Action::Back if self.focus.spot() == Spot::Away => self.focus(self.before, out),
            Action::Back => self.zoomed = false,
            Action::Quit => self.quit(out),
            Action::Suspend => out.effects.push(Effect::Suspend),
            action => match PaneName::focused_by(action) {
                Some(name) => self.focus(name, out),
                None => return false,
            },
        }
        true
    }

    /// One step of the border between the columns.
    fn move_columns(&mut self, step: i32, out: &mut Out) {
        let Some(border) = self.deck.columns() else { return };
        let width = i32::from((self.area.width / COLUMN_STEPS).max(1));
        let to = (i32::from(border.at) + step * width).max(0) as u16;
        let share = border.share(to);
        self.share(self.shares.with(Edge::Columns, share), out);
    }

    /// The deck is parted so from now on, also at the next start.
    pub(super) fn share(&mut self, shares: Shares, out: &mut Out) {
        if self.shares != shares {
            self.shares = shares;
            self.state.set(layout::PART, &shares);
            out.effects.push(Effect::KeepState(self.state.clone()));
        }
    }

    fn quit(&mut self, out: &mut Out) {
        if let Some(
            overlay @ (Overlay::Form(_) | Overlay::Themes(_) | Overlay::Settings(_) | Overlay::Zones(_)),
        ) = &mut self.overlay
        {
            let scene = self.env.scene();
            overlay.act(Action::Back, &scene, out);
            // Not back to where it was opened from.
            out.act = None;
        }
        if self.env.import.as_ref().is_some_and(|import| import.is_running()) {
            out.open = Some(Overlay::Confirm(Box::new(Confirm::new(
                "Quit",
                "An import is running",
                "It stops after what is on its way; the same import goes on from there later.",
                "quit",
                self.env.now,
                vec![Effect::CancelImport, Effect::Quit],
            ))));
            return;
        }
        out.effects.push(Effect::Quit);
    }

    fn act_on_memory(&mut self, action: Action, out: &mut Out) -> bool {
        let project = self.env.project.clone();
        match action {
            Action::New => out.open = Some(self.form(Purpose::New, out)),
            Action::Import => out.open = Some(Overlay::Import(Box::new(Import::new(project, out)))),
            Action::StopImport => out.effects.push(Effect::CancelImport),
            Action::Undo => {
                if let Some((_, undone)) = &mut self.forgetting {
                    *undone = true;
                } else if let Some(undo) = self.undo.take() {
                    out.ask(Ask::Restore { id: undo.id });
                    self.toasts.drop_starting("hidden");
                }
            }
            Action::Copy | Action::CopyJson | Action::CopyLink | Action::CopyId => self.copy(action, out),
            Action::Export => self.open_export(out),
            action if is_cell(action) => self.copy_cell(action, out),
            _ => return false,
        }
        true
    }

    fn act_on_decision(&mut self, action: Action, out: &mut Out) -> bool {
        if action == Action::Decide {
            out.open = Some(self.form(Purpose::Decide, out));
        }
        action == Action::Decide
    }

    fn act_on_health(&mut self, action: Action, out: &mut Out) -> bool {
        if action == Action::WhatIsWrong {
            let found = self.panes.health.found();
            let watched = found.map(|found| found.components.keys().cloned().collect()).unwrap_or_default();
            out.open = Some(Overlay::Wrong(Box::new(Wrongs::new(self.wrongs(), watched))));
        }
        action == Action::WhatIsWrong
    }

    /// What is not as it should be, the worst first.
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        self.panes.health.wrongs(self.panes.jobs.all())
    }

    fn form(&self, purpose: Purpose, out: &mut Out) -> Overlay {
        Overlay::Form(Box::new(Form::new(purpose, self.env.project.as_ref(), out)))
    }

    fn copy(&mut self, action: Action, out: &mut Out) {
        if let Some(text) = self.panes.get(self.focus).copied(action) {
            out.effects.push(Effect::Copy(text));
        }
    }

    fn act_on_settings(&mut self, action: Action, out: &mut Out) -> bool {
        match action {
            Action::Project => {
                out.ask(Ask::Projects);
                out.open = Some(Overlay::Picker(Box::new(Picker::projects())));
            }
            Action::TimeForm => {
                self.env.form = self.env.form.next(self.env.zones);
                self.look_anew();
                out.toast(Toast::say(format!("times: {}", self.env.form.words(self.env.zones))));
            }
            Action::Theme => {
                out.effects.push(Effect::ReadThemes);
                let back = std::mem::take(&mut out.from_settings);
                out.open = Some(Overlay::Themes(Box::new(ThemePicker::new(&self.looks, back))));
            }
            Action::Settings => {
                out.effects.push(Effect::LookAtFiles);
                let settings = Settings::new(self.preferences(), self.given.clone(), &self.looks);
                out.open = Some(Overlay::Settings(Box::new(settings)));
            }
            Action::Zone => {
                let back = std::mem::take(&mut out.from_settings);
                let picker = ZonePicker::new(self.preferences(), &self.given, back);
                out.open = Some(Overlay::Zones(Box::new(picker)));
            }
            Action::ReadThemes => out.effects.push(Effect::ReadThemes),
            Action::Mouse => {
                let on = self.mouse.toggle();
                out.effects.push(Effect::CaptureMouse(on));
                out.toast(Toast::say(if on {
                    "mouse: clicks and wheel are the console's"
                } else {
                    "mouse: the terminal selects text"
                }));
            }
            Action::UseKeymap => {
                let palette = Palette::keymaps(self.env.keymap.base());
                out.open = Some(Overlay::Palette(Box::new(palette)));
            }
            Action::ReloadKeymap => out.effects.push(Effect::ReadKeymap),
            Action::Retry => out.effects.push(Effect::Retry(self.tried_anew())),
            _ => return false,
        }
        true
    }

    /// The hub that `retry` means: the one that is selected among them, else the chosen one.
    fn tried_anew(&self) -> At {
        match self.focus {
            PaneName::Hubs => self.panes.hubs.selected(),
            _ => self.env.fleet.chosen(),
        }
    }

    /// The look changed: what was laid out for it no longer is.
    pub(super) fn look_anew(&mut self) {
        self.panes.each().for_each(Pane::look_anew);
    }

    // ── why not ─────────────────────────────────────────────────────────────────────────────────────────────────

    /// Why this cannot be done now.
    pub fn why_not(&self, action: Action) -> Option<String> {
        let pane = self.panes.get(self.owner(action).unwrap_or(self.focus));
        pane.why_not(action, &self.env.scene()).or_else(|| self.why_not_here(action))
    }

    fn why_not_here(&self, action: Action) -> Option<String> {
        let needs_hub = || (!self.env.fleet.hub().is_live()).then(|| "the hub is not there yet".to_owned());
        match action {
            Action::Import => self.env.fleet.hub().why_no_writes(),
            Action::Undo => match &self.undo {
                None if self.forgetting.is_some() => None,
                None => Some("nothing to undo".into()),
                Some(_) => needs_hub(),
            },
            Action::StopImport => {
                let running = self.env.import.as_ref().is_some_and(|import| import.is_running());
                (!running).then(|| "no import is running".into())
            }
            Action::Retry => {
                let seat = self.env.fleet.get(self.tried_anew())?;
                seat.hub.is_live().then(|| match self.env.fleet.is_many() {
                    true => format!("{} is there", seat.name),
                    false => "the hub is there".into(),
                })
            }
            Action::Project => needs_hub(),
            Action::Export => self.why_no_export(),
            action if is_cell(action) => self.why_no_cell(action),
            Action::BorderLeft | Action::BorderRight => {
                self.deck.columns().is_none().then(|| "one pane fills the screen".into())
            }
            Action::EvenDeck => {
                (self.shares == Shares::default()).then(|| "they stand where they stood at first".into())
            }
            _ => None,
        }
    }

    /// The palette's rows: lately used first, then the table's order.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let places = self.places();
        let offered = |action: &Action| {
            !matches!(action.row().group, Group::Form | Group::Move)
                && !matches!(action, Action::Palette | Action::Back)
        };
        let rest =
            ACTIONS.iter().map(|row| row.action).filter(|action| !self.recent_actions.contains(action));
        let recent = self.recent_actions.iter().copied();
        let actions = recent.chain(rest).filter(offered);
        actions
            .map(|action| Entry {
                title: action.title().to_owned(),
                name: action.name(),
                right: self.keys(action, &places),
                why_not: self.why_not(action),
                run: Run::Action(action),
            })
            .collect()
    }

    /// An action's keys here, else where it lives.
    fn keys(&self, action: Action, places: &[Place]) -> String {
        let here = self.env.keymap.keys_of(action, places);
        let keys = if here.is_empty() { self.env.keymap.keys_of(action, action.row().places) } else { here };
        keys.join("  ")
    }

    /// Help: the place one stands in first, and at last what has no key.
    pub(super) fn help_sections(&self) -> Vec<Section> {
        let here = self.places();
        let others = Place::ALL.into_iter().filter(|place| !here.contains(place));
        let listed = self.env.keymap.list();
        let mut sections: Vec<Section> = Vec::new();
        for place in here.iter().copied().chain(others) {
            let mut rows: Vec<Row> = Vec::new();
            let mut seen: Vec<&Listed> = Vec::new();
            for binding in listed.iter().filter(|binding| binding.place == place) {
                let same = |known: &&Listed| known.actions == binding.actions && known.title == binding.title;
                if let Some(at) = seen.iter().position(same) {
                    rows[at].keys.push_str("  ");
                    rows[at].keys.push_str(&binding.keys);
                    continue;
                }
                seen.push(binding);
                let asked = binding.actions.iter().filter(|_| here.contains(&place));
                let why_not = asked.filter_map(|action| self.why_not(*action)).next();
                rows.push(Row { keys: binding.keys.clone(), title: binding.title.clone(), why_not });
            }
            if !rows.is_empty() {
                sections.push(Section { title: place.title(), rows });
            }
        }
        let bound = |action: &Action| listed.iter().any(|binding| binding.actions.contains(action));
        let rows = ACTIONS.iter().filter(|row| !bound(&row.action)).map(|row| Row {
            keys: String::new(),
            title: row.title.to_owned(),
            why_not: self.why_not(row.action),
        });
        sections.push(Section { title: "only by the palette", rows: rows.collect() });
        sections.retain(|section| !section.rows.is_empty());
        sections
    }
}
