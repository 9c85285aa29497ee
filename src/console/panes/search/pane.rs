//! Search as a pane of the deck.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{Frame, layout::Rect, text::Span};

use super::{Search, Side};
use crate::{
    console::{
        action::{Action, Place},
        effect::{Ask, Effect},
        export::What,
        layout::{Shares, Split},
        model::At,
        msg::{Answer, Link},
        overlay::{
            Overlay,
            confirm::Confirm,
            export::bound,
            form::{Form, Purpose},
            queries::Queries,
        },
        panes::{Exported, Pane},
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{frame::step_of, line::Typed, list::Step, scroll::Track},
    },
    door::{ListOrder, RecordKind},
    model::{Project, Time},
};

impl Pane for Search {
    fn arrange(&mut self, area: Rect, shares: Shares) {
        self.split.shares = shares;
        Search::arrange(self, area);
    }

    fn split(&self) -> &Split {
        &self.split
    }

    fn lay_out(&mut self, scene: &Scene) {
        Search::lay_out(self, scene);
    }

    fn look_anew(&mut self) {
        if let Some(detail) = &mut self.detail {
            detail.forget_layout();
        }
    }

    fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        Search::view(self, frame, focused, scene);
    }

    fn whose<'a>(&self, scene: &Scene<'a>) -> Option<&'a str> {
        match self.scope(scene)[..] {
            [at] => Some(scene.fleet.name(at)),
            _ => Some("all hubs"),
        }
    }

    fn extent(&self, scene: &Scene) -> Option<Span<'static>> {
        let found = self.found.as_ref()?;
        let row = text::count(self.list.selected()? as u64 + 1);
        let all = self.memories(scene).filter(|_| self.project.is_none());
        let said = match found.total.map(|total| total as u64).or(all) {
            Some(total) => format!(" {row} of {} ", text::count(total)),
            None => format!(" {row} "),
        };
        Some(Span::styled(said, scene.theme.style(Role::Muted)))
    }

    fn places(&self) -> Vec<Place> {
        if self.typing {
            return vec![Place::Query];
        }
        let reading = self.reading.then_some(Place::Detail);
        let chips = self.chip.map(|_| Place::Chips);
        reading.into_iter().chain(chips).chain([Place::Search]).collect()
    }

    fn is_typing(&self) -> bool {
        self.typing
    }

    fn stop_typing(&mut self, out: &mut Out) {
        self.end_typing(out);
    }

    fn leads_back(&self) -> bool {
        self.typing || self.chip.is_some() || self.detail.is_some()
    }

    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        if self.typing && self.act_in_query(action, scene, out) {
            return true;
        }
        if let Some(step) = step_of(action) {
            self.step(step, out);
            return true;
        }
        match action {
            Action::Query => self.begin_typing(),
            Action::Open => self.open(out),
            Action::Back => return self.back(out),
            Action::Queries => out.open = Some(Overlay::Queries(Box::new(Queries::new(out)))),
            Action::PreviousChip => self.step_chip(false),
            Action::NextChip => self.step_chip(true),
            Action::EditChip => self.edit_chip(scene, out),
            Action::RemoveChip => self.remove_chip(scene, out),
            Action::TurnOrder => self.turn_order(scene, out),
            _ => return self.act_on_selected(action, scene, out),
        }
        true
    }

    fn why_not(&self, action: Action, scene: &Scene) -> Option<String> {
        let selected = self.selected();
        let needs_row = || selected.is_none().then(|| "no memory is selected".to_owned());
        let needs_any = || self.live(scene).is_empty().then(|| "the hub is not there yet".to_owned());
        let is_decision = selected.is_some_and(|row| row.record == RecordKind::Decision);
        let needs_memory = || {
            needs_row().or_else(|| is_decision.then(|| "it is a decision: see the Decisions pane".to_owned()))
        };
        let needs_hub = || {
            let at = selected.map_or(scene.fleet.chosen(), |row| row.at);
            (!scene.fleet.is_live_at(at)).then(|| match scene.fleet.is_many() {
                true => format!("{} is not there", scene.fleet.name(at)),
                false => "the hub is not there yet".to_owned(),
            })
        };
        match action {
            Action::Edit | Action::Supersede | Action::Remove => {
                let of_another = || selected.and_then(|row| why_not_written(row.at, scene));
                needs_memory().or_else(of_another).or_else(|| scene.hub.why_no_writes())
            }
            Action::History => needs_memory().or_else(needs_hub),
            Action::Related => needs_row().or_else(needs_hub),
            Action::Explain => needs_row().or_else(needs_hub).or_else(|| {
                let ranked = selected.is_some_and(|row| row.score.is_some());
                (!ranked).then(|| "it is here because it is recent; a query ranks".to_owned())
            }),
            Action::PreviousChip | Action::NextChip => {
                (!self.has_chips()).then(|| "the query has no fields".to_owned())
            }
            Action::EditChip | Action::RemoveChip => {
                self.chip.is_none().then(|| "no field of the query is chosen".to_owned())
            }
            Action::TurnOrder => needs_any().or_else(|| {
                let asks = !self.query.text().trim().is_empty();
                asks.then(|| "hits stand in the order of their rank".to_owned())
            }),
            Action::Copy | Action::CopyJson | Action::CopyLink | Action::CopyId => needs_row(),
            _ => None,
        }
    }

    fn key(&mut self, key: KeyEvent, scene: &Scene, out: &mut Out) {
        let into_chips = key.code == KeyCode::Left && key.modifiers.is_empty();
        if into_chips && self.walk_chips(out) {
            return;
        }
        if key.code == KeyCode::Right && self.ghost().is_some() {
            self.accept_suggestion(scene, out);
            return;
        }
        match self.query.key(key) {
            Typed::Changed => self.changed(scene, out),
            Typed::Moved => self.moved_cursor(scene, out),
            Typed::Nothing => {}
        }
    }

    /// In list mode letters are commands; a paste never is: it is what one wants to find.
    fn paste(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        self.begin_typing();
        self.insert(text.trim_end(), scene, out);
    }

    fn copied(&self, action: Action) -> Option<String> {
        let row = self.selected()?;
        let whole = self.detail.as_ref().and_then(|detail| detail.shown());
        Some(match (action, whole) {
            (Action::CopyJson, Some(memory)) => serde_json::to_string_pretty(memory).unwrap_or_default(),
            (Action::CopyJson, None) => serde_json::json!({
                "id": row.id, "kind": row.record, "title": row.title, "type": row.kind, "project": row.project,
                "tags": row.tags, "updated_at": row.updated_at, "snippet": row.snippet,
            })
            .to_string(),
            (Action::CopyLink, _) => format!("wheelhouse://{}/{}", row.record.word(), row.id),
            (Action::CopyId, _) => row.id.to_string(),
            (_, Some(memory)) => memory.content.clone(),
            (_, None) => format!("{}\n{}", row.title, row.snippet),
        })
    }

    fn cell(&self, action: Action) -> Option<String> {
        let row = self.selected()?;
        Some(match action {
            Action::CopySnippet => row.snippet.clone(),
            Action::CopyType => row.kind.clone(),
            Action::CopyProject if row.project.is_none() => String::new(),
            Action::CopyProject => row.project.to_string(),
            Action::CopyTags => row.tags.join(", "),
            Action::CopySource => row.url().unwrap_or_default().to_owned(),
            Action::CopyTime => row.updated_at.to_string(),
            _ => row.title.clone(),
        })
    }

    fn exported(&self) -> Option<Exported> {
        let what = self.all();
        let project = self.project.as_ref().map_or(String::new(), |project| match project.is_none() {
            true => " of no project".to_owned(),
            false => format!(" of project {project} and of none"),
        });
        let about = match &what {
            What::Search(request) => {
                format!("Memories{project} found by {:?}, {}.", request.query, bound())
            }
            What::List(_, ListOrder::Oldest) => format!("Every memory{project}, oldest first, {}.", bound()),
            _ => format!("Every memory{project}, newest first, {}.", bound()),
        };
        Some(Exported { what, about, stem: "search" })
    }

    fn has_selection(&self) -> bool {
        self.selected().is_some()
    }

    fn has_opened(&self) -> bool {
        self.detail.is_some()
    }

    fn click(&mut self, x: u16, y: u16, scene: &Scene, out: &mut Out) {
        Search::click(self, x, y, scene, out);
    }

    fn wheel(&mut self, x: u16, y: u16, step: Step, out: &mut Out) {
        Search::wheel(self, x, y, step, out);
    }

    fn track(&self) -> Option<Track> {
        Track::beside(self.split.list, self.split.rule, self.list.visible(), self.list.len())
    }

    fn scroll_to(&mut self, top: usize, out: &mut Out) {
        let before = self.list.selected();
        self.list.scroll_to(top);
        if self.list.selected() != before {
            self.moved(out);
        }
    }

    fn tick(&mut self, scene: &Scene, out: &mut Out) {
        Search::tick(self, scene, out);
    }

    fn wake(&self, scene: &Scene) -> Option<Time> {
        Search::wake(self, scene)
    }

    fn of_fleet(&mut self, at: At, link: &Link, scene: &Scene, out: &mut Out) {
        // The chosen one's come by themselves.
        if at != scene.fleet.chosen() && self.scope(scene).contains(&at) {
            self.heard(at, link, scene, out);
        }
    }

    fn link(&mut self, link: &Link, scene: &Scene, out: &mut Out) {
        self.heard(scene.fleet.chosen(), link, scene, out);
    }

    fn views_changed(&mut self, at: At, scene: &Scene, out: &mut Out) {
        if self.scope(scene).contains(&at) {
            self.hub_is_there(at, scene, out);
        }
    }

    fn answer_of(&mut self, at: At, answer: Answer, scene: &Scene, out: &mut Out) -> Option<Answer> {
        match answer {
            Answer::Search { .. }
            | Answer::Recent { .. }
            | Answer::SearchMore { .. }
            | Answer::RecentMore { .. }
            | Answer::Suggest { .. }
            | Answer::Memory { .. }
            | Answer::Decision { .. }
            | Answer::History { .. }
            | Answer::Explain { .. }
            | Answer::Highlighted { .. } => {
                Search::answer(self, at, answer, scene, out);
                None
            }
            other => Some(other),
        }
    }

    fn answer(&mut self, answer: Answer, scene: &Scene, out: &mut Out) -> Option<Answer> {
        self.answer_of(scene.fleet.chosen(), answer, scene, out)
    }

    fn set_project(&mut self, project: Option<&Project>, scene: &Scene, out: &mut Out) {
        self.project = project.cloned();
        self.ask(scene, out);
    }
}

/// All that is written goes to the hub that is chosen.
fn why_not_written(at: At, scene: &Scene) -> Option<String> {
    if at == scene.fleet.chosen() {
        return None;
    }
    let keys = [(Action::FocusHubs, Place::Global), (Action::ShowHub, Place::Hubs)];
    let keys: Vec<_> = keys.into_iter().filter_map(|(action, place)| scene.key(action, place)).collect();
    let keys = if keys.is_empty() { String::new() } else { format!(": {}", keys.join(" and ")) };
    Some(format!("{} has it, choose that hub first{keys}", scene.fleet.name(at)))
}

impl Search {
    fn heard(&mut self, at: At, link: &Link, scene: &Scene, out: &mut Out) {
        match link {
            Link::Up { .. } => self.hub_is_there(at, scene, out),
            Link::Events(events)
                if events.iter().any(|event| ["memory", "decision"].contains(&event.domain())) =>
            {
                self.memories_changed(scene);
            }
            _ => {}
        }
    }

    fn act_in_query(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        match action {
            // As in a shell: what was asked before stands above an empty line.
            Action::Up if self.query.is_empty() => {
                out.open = Some(Overlay::Queries(Box::new(Queries::new(out))));
            }
            Action::Up | Action::Down | Action::PageUp | Action::PageDown => {
                self.step_typing(step_of(action).unwrap_or(Step::Down), out);
            }
            Action::Open => {
                self.end_typing(out);
                self.open(out);
            }
            // With nothing to complete in an empty line, the key is the deck's.
            Action::Complete => return self.accept_suggestion(scene, out) || !self.query.is_empty(),
            Action::ClearText => {
                self.query.clear();
                self.changed(scene, out);
            }
            _ => return false,
        }
        true
    }

    fn act_on_selected(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        let Some(row) = self.selected() else { return false };
        let id = row.id;
        match action {
            // Never to the chosen one what is of another.
            Action::Edit | Action::Supersede | Action::Remove if row.at != self.chosen => return false,
            Action::Edit => out.open = Some(Overlay::Form(Box::new(Form::of(Purpose::Edit(id), id, out)))),
            Action::Supersede => {
                out.open = Some(Overlay::Form(Box::new(Form::of(Purpose::Supersede(id), id, out))));
            }
            Action::Remove => {
                let undo = scene.key(Action::Undo, Place::Search);
                let undo = undo.map_or(String::new(), |key| format!("{key} brings it back for 10 s, "));
                out.open = Some(Overlay::Confirm(Box::new(Confirm::new(
                    "Remove a memory",
                    &row.title,
                    &format!("It is hidden from every list and search at once; {undo}`restore` later."),
                    "remove",
                    scene.now,
                    vec![Effect::Ask(Ask::Forget { id })],
                ))));
            }
            Action::History => self.toggle(Side::History, out),
            Action::Explain => self.toggle(Side::Explain, out),
            Action::Related => self.related(scene, out),
            _ => return false,
        }
        true
    }
}
