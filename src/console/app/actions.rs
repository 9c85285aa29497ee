//! What each action does, and why it cannot be done now. The pane in focus is asked first for what is its own.

use super::{App, cells::is_cell};
use crate::console::{
    action::{ACTIONS, Action, Group, Place},
    effect::{Ask, Effect, Toward},
    keymap::Listed,
    layout::PaneName,
    overlay::{
        Above, Overlay,
        confirm::Confirm,
        form::{Form, Purpose},
        help::{Help, Row, Section},
        import::Import,
        palette::{Entry, Palette, Run},
        picker::Picker,
        queries::Queries,
        settings::Settings,
        themes::ThemePicker,
        zones::ZonePicker,
    },
    panes::search::Side,
    scene::Out,
    widgets::{frame::step_of, list::Step, toast::Toast},
};

/// Actions the palette shows first because they were used last.
const RECENT_MAX: usize = 5;

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
        if self.search.typing && action != Action::Query && self.act_in_query(action, out) {
            return;
        }
        if self.timeline.is_typing() && self.act_in_filter(action, out) {
            return;
        }
        if let Some(step) = step_of(action) {
            match self.focus {
                PaneName::Search => self.search.step(step, out),
                PaneName::Timeline => self.timeline.step(step, out),
            }
            return;
        }
        let done = match action.row().group {
            Group::Deck | Group::Move => self.act_on_deck(action, out),
            Group::Memory => self.act_on_memory(action, out),
            Group::Timeline => self.act_on_timeline(action, out),
            Group::Settings => self.act_on_settings(action, out),
            Group::Form => false,
        };
        if done && !matches!(action.row().group, Group::Move) {
            self.recent_actions.retain(|recent| *recent != action);
            self.recent_actions.insert(0, action);
            self.recent_actions.truncate(RECENT_MAX);
        }
    }

    fn act_in_query(&mut self, action: Action, out: &mut Out) -> bool {
        let scene = self.env.scene();
        match action {
            // As in a shell: what was asked before stands above an empty line.
            Action::Up if self.search.query.is_empty() => self.act_on_search(Action::Queries, out),
            Action::Up | Action::Down | Action::PageUp | Action::PageDown => {
                self.search.step_typing(step_of(action).unwrap_or(Step::Down), out);
            }
            Action::Open => {
                self.search.end_typing(out);
                self.search.open(out);
            }
            Action::Complete => {
                if !self.search.accept_suggestion(&scene, out) && self.search.query.is_empty() {
                    self.focus(self.focus.other(), out);
                }
            }
            Action::ClearText => {
                self.search.query.clear();
                self.search.changed(&scene, out);
            }
            Action::Back => {
                self.search.back(out);
            }
            _ => return false,
        }
        true
    }

    /// What is the query's own, typed or not.
    fn act_on_search(&mut self, action: Action, out: &mut Out) {
        let scene = self.env.scene();
        match action {
            Action::Queries => out.open = Some(Overlay::Queries(Box::new(Queries::new(out)))),
            Action::PreviousChip => self.search.step_chip(false),
            Action::NextChip => self.search.step_chip(true),
            Action::EditChip => self.search.edit_chip(&scene, out),
            Action::RemoveChip => self.search.remove_chip(&scene, out),
            Action::TurnOrder => self.search.turn_order(&scene, out),
            _ => {}
        }
    }

    fn act_in_filter(&mut self, action: Action, out: &mut Out) -> bool {
        let scene = self.env.scene();
        match action {
            Action::Up | Action::Down | Action::PageUp | Action::PageDown => {
                self.timeline.step(step_of(action).unwrap_or(Step::Down), out);
            }
            Action::Open => self.timeline.accept(&scene, out),
            Action::ClearText => {
                if let Some(line) = self.timeline.line() {
                    line.clear();
                    self.timeline.typed(&scene, out);
                }
            }
            Action::Back => {
                self.timeline.back(&scene, out);
            }
            Action::Complete => self.timeline.complete(&scene, out),
            _ => return false,
        }
        true
    }

    fn act_on_deck(&mut self, action: Action, out: &mut Out) -> bool {
        match action {
            Action::FocusSearch => self.focus(PaneName::Search, out),
            Action::FocusTimeline => self.focus(PaneName::Timeline, out),
            Action::NextPane | Action::PreviousPane => self.focus(self.focus.other(), out),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Query => {
                self.focus(PaneName::Search, out);
                self.search.begin_typing();
            }
            Action::Queries
            | Action::PreviousChip
            | Action::NextChip
            | Action::EditChip
            | Action::RemoveChip
            | Action::TurnOrder => self.act_on_search(action, out),
            Action::Palette => {
                out.effects.push(Effect::LookAtFiles);
                out.open = Some(Overlay::Palette(Box::new(Palette::actions(self.entries()))));
            }
            Action::Help => {
                out.effects.push(Effect::LookAtFiles);
                out.open = Some(Overlay::Help(Box::new(Help::new(self.help_sections()))));
            }
            Action::Back => self.back(out),
            Action::Quit => self.quit(out),
            Action::Suspend => out.effects.push(Effect::Suspend),
            Action::Open => match self.focus {
                PaneName::Search => self.search.open(out),
                PaneName::Timeline => self.timeline.open(),
            },
            _ => return false,
        }
        true
    }

    fn back(&mut self, out: &mut Out) {
        let scene = self.env.scene();
        let went = match self.focus {
            PaneName::Search => self.search.back(out),
            PaneName::Timeline => self.timeline.back(&scene, out),
        };
        if !went && self.zoomed {
            self.zoomed = false;
        }
    }

    fn quit(&mut self, out: &mut Out) {
        if let Some(
            overlay @ (Overlay::Form(_) | Overlay::Themes(_) | Overlay::Settings(_) | Overlay::Zones(_)),
        ) = &mut self.overlay
        {
            let scene = self.env.scene();
            overlay.act(Action::Back, &scene, out);
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
        let project = self.search.project.clone();
        match action {
            Action::New => out.open = Some(Overlay::Form(Box::new(Form::new(project.as_ref(), out)))),
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
            _ => return self.act_on_selected(action, out),
        }
        true
    }

    fn act_on_selected(&mut self, action: Action, out: &mut Out) -> bool {
        let Some(row) = self.search.selected() else { return false };
        let id = row.id;
        match action {
            Action::Edit => out.open = Some(Overlay::Form(Box::new(Form::of(Purpose::Edit(id), id, out)))),
            Action::Supersede => {
                out.open = Some(Overlay::Form(Box::new(Form::of(Purpose::Supersede(id), id, out))));
            }
            Action::Remove => {
                out.open = Some(Overlay::Confirm(Box::new(Confirm::new(
                    "Remove a memory",
                    &row.title,
                    "It is hidden from every list and search at once; `u` brings it back for 10 s, `restore` later.",
                    "remove",
                    self.env.now,
                    vec![Effect::Ask(Ask::Forget { id })],
                ))));
            }
            Action::History => self.search.toggle(Side::History, out),
            Action::Explain => self.search.toggle(Side::Explain, out),
            Action::Related => self.search.related(&self.env.scene(), out),
            _ => return false,
        }
        true
    }

    fn copy(&mut self, action: Action, out: &mut Out) {
        let text = match self.focus {
            PaneName::Timeline => self.timeline.selected().map(|event| match action {
                Action::CopyJson => serde_json::to_string_pretty(&**event).unwrap_or_default(),
                Action::CopyId => event.id.to_string(),
                Action::CopyLink => match event.record() {
                    Some(id) => format!("wheelhouse://memory/{id}"),
                    None => format!("wheelhouse://event/{}", event.id),
                },
                _ => format!("{} {} {}", event.time, event.kind, event.text("title").unwrap_or_default()),
            }),
            PaneName::Search => self.search.selected().map(|row| {
                let whole = self.search.detail.as_ref().and_then(|detail| detail.shown());
                match (action, whole) {
                    (Action::CopyJson, Some(memory)) => {
                        serde_json::to_string_pretty(memory).unwrap_or_default()
                    }
                    (Action::CopyJson, None) => serde_json::json!({
                        "id": row.id, "title": row.title, "type": row.kind, "project": row.project,
                        "tags": row.tags, "updated_at": row.updated_at, "snippet": row.snippet,
                    })
                    .to_string(),
                    (Action::CopyLink, _) => format!("wheelhouse://memory/{}", row.id),
                    (Action::CopyId, _) => row.id.to_string(),
                    (_, Some(memory)) => memory.content.clone(),
                    (_, None) => format!("{}\n{}", row.title, row.snippet),
                }
            }),
        };
        if let Some(text) = text {
            out.effects.push(Effect::Copy(text));
        }
    }

    fn act_on_timeline(&mut self, action: Action, out: &mut Out) -> bool {
        self.focus(PaneName::Timeline, out);
        match action {
            Action::Follow => self.timeline.toggle_follow(out),
            Action::Pause => self.timeline.toggle_pause(out),
            Action::ToLatest => self.timeline.to_latest(out),
            Action::FilterEvents => self.timeline.begin_filter(out),
            Action::PreviousError => self.timeline.step_error(Toward::Past, out),
            Action::NextError => self.timeline.step_error(Toward::Present, out),
            Action::GoToTime => self.timeline.begin_moment(),
            Action::Correlation => self.timeline.toggle_trace(out),
            _ => return false,
        }
        true
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
                self.mouse = !self.mouse;
                out.effects.push(Effect::CaptureMouse(self.mouse));
                out.toast(Toast::say(if self.mouse {
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
            Action::Retry => out.effects.push(Effect::Retry),
            _ => return false,
        }
        true
    }

    /// The look changed: what was laid out for it no longer is.
    pub(super) fn look_anew(&mut self) {
        if let Some(detail) = &mut self.search.detail {
            detail.forget_layout();
        }
        self.timeline.forget_layout();
    }

    // ── why not ─────────────────────────────────────────────────────────────────────────────────────────────────

    /// Why this cannot be done now.
    pub fn why_not(&self, action: Action) -> Option<String> {
        let selected = self.search.selected();
        let needs_row = || selected.is_none().then(|| "no memory is selected".to_owned());
        let needs_hub = || (!self.env.hub.is_live()).then(|| "the hub is not there yet".to_owned());
        match action {
            Action::Edit | Action::Supersede | Action::Remove => {
                needs_row().or_else(|| self.env.hub.why_no_writes())
            }
            Action::History | Action::Related => needs_row().or_else(needs_hub),
            Action::Explain => needs_row().or_else(needs_hub).or_else(|| {
                let ranked = selected.is_some_and(|row| row.score.is_some());
                (!ranked).then(|| "it is here because it is recent; a query ranks".to_owned())
            }),
            Action::PreviousChip | Action::NextChip => {
                (!self.search.has_chips()).then(|| "the query has no fields".to_owned())
            }
            Action::EditChip | Action::RemoveChip => {
                self.search.chip.is_none().then(|| "no field of the query is chosen".to_owned())
            }
            Action::TurnOrder => needs_hub().or_else(|| {
                let asks = !self.search.query.text().trim().is_empty();
                asks.then(|| "hits stand in the order of their rank".to_owned())
            }),
            Action::Import => self.env.hub.why_no_writes(),
            Action::Undo => match &self.undo {
                None if self.forgetting.is_some() => None,
                None => Some("nothing to undo".into()),
                Some(_) => needs_hub(),
            },
            Action::StopImport => {
                let running = self.env.import.as_ref().is_some_and(|import| import.is_running());
                (!running).then(|| "no import is running".into())
            }
            Action::Retry => self.env.hub.is_live().then(|| "the hub is there".into()),
            Action::Project | Action::GoToTime => needs_hub(),
            Action::Correlation => {
                let selected = self.timeline.selected().is_some();
                (!selected).then(|| "no event is selected".to_owned()).or_else(needs_hub)
            }
            Action::Export => self.why_no_export(),
            action if is_cell(action) => self.why_no_cell(action),
            Action::Copy | Action::CopyJson | Action::CopyLink | Action::CopyId => match self.focus {
                PaneName::Search => needs_row(),
                PaneName::Timeline => {
                    self.timeline.selected().is_none().then(|| "no event is selected".into())
                }
            },
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
