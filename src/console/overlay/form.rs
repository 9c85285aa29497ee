//! The forms: a new memory, a change of one, one that takes another's place; a decision, and what came of one.
//!
//! What is typed is a *draft*: written to disk shortly after the last key, so that neither Esc nor `kill -9` loses it,
//! and gone when it is saved or the draft discarded. Bounds are checked while typing, by the same rules the hub holds.

mod decision;
mod field;
mod memory;
mod view;

use std::{collections::BTreeMap, time::Duration};

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Position, Rect},
};
use ratatui_textarea::CursorMove;
use serde::{Deserialize, Serialize};

pub use self::field::Field;
use self::field::{Done, Input};
use super::Above;
use crate::{
    console::{
        action::{Action, Place},
        effect::{Ask, Effect},
        scene::{Out, Scene},
        widgets::{list::Step, toast::Toast},
    },
    model::{Decision, DecisionNumber, Fault, Id, Project, Time},
};

/// A draft is written this long after the last key.
const DRAFT_DELAY: Duration = Duration::from_millis(400);
/// Lines of a text that the wheel goes by.
const WHEEL: i16 = 3;

/// What a form is for; its draft has the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    New,
    Edit(Id),
    Supersede(Id),
    Decide,
    Outcome(Id),
}

impl Purpose {
    /// The name of its draft's file.
    pub fn file_name(self) -> String {
        match self {
            Purpose::New => "new.json".into(),
            Purpose::Edit(id) => format!("edit-{id}.json"),
            Purpose::Supersede(id) => format!("supersede-{id}.json"),
            Purpose::Decide => "decide.json".into(),
            Purpose::Outcome(id) => format!("outcome-{id}.json"),
        }
    }
}

/// What a form held, as its file holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub purpose: Purpose,
    /// By the fields' names.
    #[serde(flatten)]
    pub fields: BTreeMap<String, String>,
    /// The revision an edit began from.
    #[serde(default)]
    pub revision: u32,
    pub saved_at: Time,
}

impl Draft {
    pub fn text(&self, field: Field) -> &str {
        self.fields.get(field.name()).map_or("", String::as_str)
    }
}

pub struct Form {
    pub purpose: Purpose,
    title: String,
    inputs: Vec<(Field, Input)>,
    /// The place of the field that is typed into.
    at: usize,
    revision: u32,
    /// The memory being changed is still on its way.
    loading: bool,
    saving: bool,
    /// A draft of an earlier time is in the fields.
    from_draft: Option<Time>,
    fault: Option<Fault>,
    /// Said once saving was tried: an empty form is not wrong before that.
    tried: bool,
    changed_at: Option<Time>,
    touched: bool,
    /// What is wrong with a field now, and whether it stands in the way of saving.
    problem: Option<(Field, String, bool)>,
    /// Memories that say nearly what is being written, with how near.
    alike: Vec<(String, f32)>,
    /// Decisions that share words with the title, and how many of them.
    similar: Vec<(Decision, usize)>,
    similar_words: Vec<String>,
    /// The newest question after them, and the one whose answers are shown.
    similar_asked: u64,
    similar_shown: u64,
}

impl Form {
    pub fn new(purpose: Purpose, project: Option<&Project>, out: &mut Out) -> Form {
        let mut form = Form::empty(purpose);
        if let Some(project) = project.filter(|project| !project.is_none()) {
            form.set(Field::Project, project.as_str());
        }
        out.effects.push(Effect::LoadDraft(purpose));
        form
    }

    /// For a memory that is asked for now.
    pub fn of(purpose: Purpose, id: Id, out: &mut Out) -> Form {
        out.ask(Ask::Memory { id });
        Form { loading: true, ..Form::empty(purpose) }
    }

    /// For what came of a decision, with what was said of it before.
    pub fn outcome_of(decision: &Decision, out: &mut Out) -> Form {
        let mut form = Form::empty(Purpose::Outcome(decision.id));
        form.title = outcome_title(decision.number);
        if let Some(outcome) = &decision.outcome {
            form.set(Field::Status, outcome.status.word());
            form.set(Field::Rating, &outcome.rating.map(|rating| rating.to_string()).unwrap_or_default());
            form.set(Field::Note, &outcome.note);
        }
        out.effects.push(Effect::LoadDraft(form.purpose));
        form
    }

    fn empty(purpose: Purpose) -> Form {
        let title = match purpose {
            Purpose::New => "New memory",
            Purpose::Edit(_) => "Edit memory",
            Purpose::Supersede(_) => "Supersede memory",
            Purpose::Decide => "New decision",
            Purpose::Outcome(_) => "Outcome",
        };
        Form {
            purpose,
            title: title.to_owned(),
            inputs: Field::of(purpose).iter().map(|field| (*field, Input::of(*field))).collect(),
            at: 0,
            revision: 0,
            loading: false,
            saving: false,
            from_draft: None,
            fault: None,
            tried: false,
            changed_at: None,
            touched: false,
            problem: None,
            alike: Vec::new(),
            similar: Vec::new(),
            similar_words: Vec::new(),
            similar_asked: 0,
            similar_shown: 0,
        }
    }

    // ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────

    fn field(&self) -> Field {
        self.inputs[self.at].0
    }

    fn input(&self, field: Field) -> Option<&Input> {
        self.inputs.iter().find(|(known, _)| *known == field).map(|(_, input)| input)
    }

    fn input_mut(&mut self, field: Field) -> Option<&mut Input> {
        self.inputs.iter_mut().find(|(known, _)| *known == field).map(|(_, input)| input)
    }

    fn set(&mut self, field: Field, said: &str) {
        if let Some(input) = self.input_mut(field) {
            input.set(said);
        }
    }

    /// Empty where the form has no such field.
    pub fn text_of(&self, field: Field) -> String {
        self.input(field).map(Input::text).unwrap_or_default()
    }

    fn bytes_of(&self, field: Field) -> usize {
        self.input(field).map_or(0, Input::bytes)
    }

    fn is_blank_at(&self, field: Field) -> bool {
        self.input(field).is_none_or(Input::is_blank)
    }

    /// The project alone, which was there before anything was typed, is nothing to keep.
    fn is_blank(&self) -> bool {
        self.inputs.iter().all(|(field, input)| *field == Field::Project || input.is_blank())
    }

    fn tags(&self) -> Vec<String> {
        let tags = self.text_of(Field::Tags);
        let tags = tags.split(',').map(|tag| tag.trim().trim_start_matches('#'));
        tags.filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
    }

    fn project(&self) -> Option<Project> {
        let name = self.text_of(Field::Project);
        let name = name.trim();
        (!name.is_empty()).then(|| Project::slug(name))
    }

    fn turn(&mut self, by: usize) {
        self.at = (self.at + by) % self.inputs.len();
    }

    fn go_to(&mut self, field: Field) {
        if let Some(at) = self.inputs.iter().position(|(known, _)| *known == field) {
            self.at = at;
        }
    }

    // ── what is wrong, and saving ───────────────────────────────────────────────────────────────────────────────

    /// What is wrong now, looked at after each change.
    fn look(&mut self, scene: &Scene) {
        let stops = |(field, why)| (field, why, true);
        let wrong = match self.purpose {
            Purpose::Decide => self.decision_problem(scene.words()).map(stops),
            Purpose::Outcome(_) => self.outcome().err().map(stops),
            Purpose::New | Purpose::Edit(_) | Purpose::Supersede(_) => self.memory_problem().map(stops),
        };
        self.problem = wrong.or_else(|| Some((Field::Project, self.renamed()?, false)));
    }

    /// A project's name is put right, not refused.
    fn renamed(&self) -> Option<String> {
        let slug = self.project()?;
        (slug.as_str() != self.text_of(Field::Project).trim()).then(|| format!("will be saved as {slug}"))
    }

    fn save(&mut self, scene: &Scene, out: &mut Out) {
        self.tried = true;
        self.look(scene);
        if self.saving || self.loading {
            return;
        }
        if let Some((field, _, true)) = self.problem {
            self.go_to(field);
            return;
        }
        if let Some(why) = scene.hub.why_no_writes() {
            self.fault = Some(Fault::unavailable(why).hint("the draft is kept"));
            return;
        }
        let ask = match self.purpose {
            Purpose::New | Purpose::Edit(_) | Purpose::Supersede(_) => Some(self.save_memory()),
            Purpose::Decide => self.decision(scene.words()).ok().map(|new| Ask::Decide(Box::new(new))),
            Purpose::Outcome(id) => self.outcome().ok().map(|outcome| Ask::RecordOutcome { id, outcome }),
        };
        if let Some(ask) = ask {
            self.fault = None;
            self.saving = true;
            out.ask(ask);
        }
    }

    /// The hub refused.
    pub fn refused(&mut self, fault: Fault) {
        self.saving = false;
        self.fault = Some(fault);
    }

    pub fn is_saving(&self) -> bool {
        self.saving
    }

    // ── the draft ───────────────────────────────────────────────────────────────────────────────────────────────

    /// A draft was found. It takes its place unless something was typed meanwhile.
    pub fn draft_came(&mut self, purpose: Purpose, draft: Option<Draft>) {
        let Some(draft) = draft.filter(|draft| draft.purpose == self.purpose && purpose == self.purpose)
        else {
            return;
        };
        if self.touched {
            return;
        }
        for (field, input) in &mut self.inputs {
            input.set(draft.text(*field));
            input.move_to_end();
        }
        if draft.revision > 0 {
            self.revision = draft.revision;
        }
        self.from_draft = Some(draft.saved_at);
    }

    fn draft(&self, now: Time) -> Draft {
        let fields = self.inputs.iter().map(|(field, input)| (field.name().to_owned(), input.text()));
        Draft { purpose: self.purpose, fields: fields.collect(), revision: self.revision, saved_at: now }
    }

    fn changed(&mut self, now: Time) {
        self.touched = true;
        self.fault = None;
        self.changed_at = Some(now);
    }

    pub fn wake(&self) -> Option<Time> {
        self.changed_at.map(|at| at.plus(DRAFT_DELAY))
    }

    pub fn tick(&mut self, now: Time, out: &mut Out) {
        if self.wake().is_some_and(|at| now >= at) {
            self.keep_draft(now, out);
            match self.purpose {
                Purpose::Decide => self.ask_similar(out),
                Purpose::Outcome(_) => {}
                Purpose::New | Purpose::Edit(_) | Purpose::Supersede(_) => self.ask_alike(out),
            }
        }
    }

    fn keep_draft(&mut self, now: Time, out: &mut Out) {
        if self.changed_at.take().is_some() {
            out.effects.push(if self.is_blank() {
                Effect::DropDraft(self.purpose)
            } else {
                Effect::SaveDraft(self.draft(now))
            });
        }
    }

    pub fn edited(&mut self, field: Field, result: Result<String, Fault>, now: Time) {
        match result {
            Ok(text) => self.set(field, &text),
            Err(fault) => {
                self.fault = Some(fault);
                return;
            }
        }
        self.changed(now);
    }
}

fn outcome_title(number: DecisionNumber) -> String {
    format!("Outcome of {number}")
}

impl Above for Form {
    fn place(&self) -> Place {
        Place::Form
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn window(&self, area: Rect, _: &Scene) -> Rect {
        view::window(self.purpose, area)
    }

    fn foot(&self, _: &Scene) -> Vec<(Action, &'static str)> {
        vec![
            (Action::SaveForm, "save"),
            (Action::Back, "keep draft"),
            (Action::NextField, "field"),
            (Action::Editor, "$EDITOR"),
            (Action::Discard, "discard"),
        ]
    }

    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        match action {
            Action::NextField => self.turn(1),
            Action::PreviousField => self.turn(self.inputs.len() - 1),
            Action::SaveForm => self.save(scene, out),
            Action::Editor => {
                out.effects.push(Effect::Edit { field: self.field(), text: self.text_of(self.field()) });
            }
            Action::Discard => {
                self.changed_at = None;
                out.effects.push(Effect::DropDraft(self.purpose));
                out.toast(Toast::say("draft discarded"));
                out.close = true;
            }
            Action::Back => {
                let kept = self.touched && !self.is_blank();
                self.keep_draft(scene.now, out);
                if kept {
                    out.toast(Toast::say("draft kept; the same key opens it again"));
                }
                out.close = true;
            }
            _ => return false,
        }
        true
    }

    fn key(&mut self, key: KeyEvent, scene: &Scene, _: &mut Out) {
        if self.loading || self.saving {
            return;
        }
        match self.inputs[self.at].1.key(key) {
            Done::Changed => self.changed(scene.now),
            Done::Next => self.turn(1),
            Done::Previous => self.turn(self.inputs.len() - 1),
            Done::Nothing => {}
        }
    }

    /// Capped at what fits, and said so.
    fn paste(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        if self.loading || self.saving {
            return;
        }
        let over = self.inputs[self.at].1.paste(text);
        if over > 0 {
            out.toast(Toast::warn(format!("{over} bytes of the paste did not fit")));
        }
        self.changed(scene.now);
    }

    /// Focus and caret go where it was clicked.
    fn click(&mut self, at: Position, inner: Rect, _: &Scene, _: &mut Out) {
        let places = self.places(inner);
        let Some((place, area)) = places.fields.into_iter().find(|(_, area)| area.contains(at)) else {
            return;
        };
        self.at = place;
        let (x, y) = ((at.x - area.x) as usize, (at.y - area.y) as usize);
        match &mut self.inputs[place].1 {
            Input::Text(text, _) => {
                let Some(y) = y.checked_sub(1) else { return };
                let (top, left) = text.scroll_offset();
                let to = text.screen_to_data(y + top as usize, x + left as usize);
                text.move_cursor(CursorMove::Jump(to.0 as u16, to.1 as u16));
            }
            Input::Line(line) => {
                let label = view::LABEL as usize;
                line.point(x.saturating_sub(label), (area.width as usize).saturating_sub(label));
            }
            Input::Choice(_) => {}
        }
    }

    fn wheel(&mut self, step: Step, _: &Scene, _: &mut Out) {
        let at = self.inputs[self.at].0.is_text().then_some(self.at);
        let at = at.or_else(|| self.inputs.iter().position(|(field, _)| field.is_text()));
        if let Some((_, Input::Text(text, _))) = at.map(|at| &mut self.inputs[at]) {
            text.scroll((if step == Step::Up { -WHEEL } else { WHEEL }, 0));
        }
    }

    fn settle(&mut self, scene: &Scene) {
        self.look(scene);
    }

    fn view(&self, frame: &mut Frame, _: Rect, inner: Rect, scene: &Scene) {
        self.draw(frame, inner, scene);
    }
}
