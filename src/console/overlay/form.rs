//! The memory form: a new memory, a change of one, or one that takes another's place.
//!
//! What is typed is a *draft*: written to disk shortly after the last key, so that neither Esc nor `kill -9` loses it,
//! and gone when the memory is saved or the draft discarded. Bounds are checked while typing, by the same numbers the
//! hub holds.

mod view;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};
use serde::{Deserialize, Serialize};

use super::Above;
use crate::console::text;
use crate::{
    console::{
        action::{Action, Place},
        effect::{Ask, Effect, Save},
        scene::{Out, Scene},
        widgets::{
            line::{Line, Typed},
            list::Step,
            toast::Toast,
        },
    },
    door::{MemoryPatch, NewMemory, SearchAnswer, SearchMode, SearchRequest},
    model::{CONTENT_BYTES_MAX, Fault, Id, Memory, Project, TAG_BYTES_MAX, TAGS_MAX, TITLE_BYTES_MAX, Time},
};

/// A draft is written this long after the last key.
const DRAFT_DELAY: Duration = Duration::from_millis(400);
/// Of the text, what is compared with other memories, and how many words it takes to mean something.
const ALIKE_CHARS: usize = 1_000;
const ALIKE_WORDS_MIN: usize = 4;
/// Memories that are named, and how near in meaning they have to be.
const ALIKE_MAX: usize = 2;
const ALIKE_COSINE: f32 = 0.7;
/// Steps that Ctrl-U inside the text takes back and Ctrl-R does again; each may hold a whole paste.
const UNDO_STEPS_MAX: usize = 64;

/// Lines of the text that the wheel goes by.
const WHEEL: i16 = 3;

/// What a form is for; its draft has the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    New,
    Edit(Id),
    Supersede(Id),
}

impl Purpose {
    /// The name of its draft's file.
    pub fn file_name(self) -> String {
        match self {
            Purpose::New => "new.json".into(),
            Purpose::Edit(id) => format!("edit-{id}.json"),
            Purpose::Supersede(id) => format!("supersede-{id}.json"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Content,
    Title,
    Kind,
    Tags,
    Project,
}

impl Field {
    pub const ALL: [Field; 5] = [Field::Content, Field::Title, Field::Kind, Field::Tags, Field::Project];

    pub fn label(self) -> &'static str {
        match self {
            Field::Content => "Content",
            Field::Title => "Title",
            Field::Kind => "Type",
            Field::Tags => "Tags",
            Field::Project => "Project",
        }
    }

    fn placeholder(self) -> &'static str {
        match self {
            Field::Content => "what is worth remembering? Markdown is welcome",
            Field::Title => "made from the first line when left empty",
            Field::Kind => "note, gotcha, howto, …",
            Field::Tags => "separated by commas",
            Field::Project => "none",
        }
    }
}

/// What a form held, as its file holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub purpose: Purpose,
    pub content: String,
    pub title: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub tags: String,
    pub project: String,
    /// The revision an edit began from.
    #[serde(default)]
    pub revision: u32,
    pub saved_at: Time,
}

pub struct Form {
    pub purpose: Purpose,
    content: TextArea<'static>,
    lines: [Line; 4],
    at: Field,
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
    /// Memories that say nearly what is being written, with how near.
    alike: Vec<(String, f32)>,
}

impl Form {
    pub fn new(project: Option<&Project>, out: &mut Out) -> Form {
        let mut form = Form::empty(Purpose::New);
        if let Some(project) = project.filter(|project| !project.is_none()) {
            form.line_mut(Field::Project).set(project.as_str());
        }
        out.effects.push(Effect::LoadDraft(Purpose::New));
        form
    }

    /// For a memory that is asked for now.
    pub fn of(purpose: Purpose, id: Id, out: &mut Out) -> Form {
        out.ask(Ask::Memory { id });
        Form { loading: true, ..Form::empty(purpose) }
    }

    fn empty(purpose: Purpose) -> Form {
        Form {
            purpose,
            content: area(""),
            lines: Default::default(),
            at: Field::Content,
            revision: 0,
            loading: false,
            saving: false,
            from_draft: None,
            fault: None,
            tried: false,
            changed_at: None,
            touched: false,
            alike: Vec::new(),
        }
    }

    /// What is near the text, asked for once it rests.
    fn ask_alike(&self, out: &mut Out) {
        let text: String = self.text_of(Field::Content).chars().take(ALIKE_CHARS).collect();
        // It is no query: what has a meaning there is a space here.
        let query = text.replace(['"', ':', '-'], " ");
        if query.split_whitespace().count() >= ALIKE_WORDS_MIN {
            let request = SearchRequest {
                query,
                mode: SearchMode::Vector,
                limit: ALIKE_MAX + 1,
                as_you_type: true,
                ..SearchRequest::default()
            };
            out.ask(Ask::Alike { request });
        }
    }

    pub fn alike_came(&mut self, result: Result<SearchAnswer, Fault>) {
        let own = match self.purpose {
            Purpose::Edit(id) | Purpose::Supersede(id) => Some(id),
            Purpose::New => None,
        };
        // That it cannot be said now is no matter while writing.
        let hits = result.map_or(Vec::new(), |answer| answer.results);
        let near = hits
            .into_iter()
            .filter(|hit| Some(hit.id) != own)
            .filter_map(|hit| Some((hit.title, hit.legs.vector?)));
        self.alike = near.filter(|(_, cosine)| *cosine >= ALIKE_COSINE).take(ALIKE_MAX).collect();
    }

    pub fn memory_came(&mut self, result: Result<&Memory, Fault>, out: &mut Out) {
        let wanted = match self.purpose {
            Purpose::Edit(id) | Purpose::Supersede(id) => id,
            Purpose::New => return,
        };
        if !self.loading {
            return;
        }
        match result {
            Ok(memory) if memory.id == wanted => {
                self.loading = false;
                self.revision = memory.revision;
                self.set_content(&memory.content);
                self.line_mut(Field::Title).set(&memory.title);
                self.line_mut(Field::Kind).set(&memory.kind);
                self.line_mut(Field::Tags).set(&memory.tags.join(", "));
                if !memory.project.is_none() {
                    self.line_mut(Field::Project).set(memory.project.as_str());
                }
                out.effects.push(Effect::LoadDraft(self.purpose));
            }
            Ok(_) => {}
            Err(fault) => self.fault = Some(fault),
        }
    }

    /// A draft was found. It takes its place unless something was typed meanwhile.
    pub fn draft_came(&mut self, purpose: Purpose, draft: Option<Draft>) {
        let Some(draft) = draft.filter(|draft| draft.purpose == self.purpose && purpose == self.purpose)
        else {
            return;
        };
        if self.touched {
            return;
        }
        self.set_content(&draft.content);
        self.line_mut(Field::Title).set(&draft.title);
        self.line_mut(Field::Kind).set(&draft.kind);
        self.line_mut(Field::Tags).set(&draft.tags);
        self.line_mut(Field::Project).set(&draft.project);
        if draft.revision > 0 {
            self.revision = draft.revision;
        }
        self.from_draft = Some(draft.saved_at);
    }

    pub fn edited(&mut self, field: Field, result: Result<String, Fault>, now: Time) {
        match result {
            Ok(text) if field == Field::Content => self.set_content(&text),
            Ok(text) => self.line_mut(field).set(text.trim_end()),
            Err(fault) => {
                self.fault = Some(fault);
                return;
            }
        }
        self.changed(now);
    }

    /// The hub refused.
    pub fn refused(&mut self, fault: Fault) {
        self.saving = false;
        self.fault = Some(fault);
    }

    pub fn is_saving(&self) -> bool {
        self.saving
    }

    fn line(&self, field: Field) -> &Line {
        &self.lines[(field as usize).saturating_sub(1).min(3)]
    }

    fn line_mut(&mut self, field: Field) -> &mut Line {
        &mut self.lines[(field as usize).saturating_sub(1).min(3)]
    }

    fn set_content(&mut self, content: &str) {
        self.content = area(content);
    }

    pub fn text_of(&self, field: Field) -> String {
        match field {
            Field::Content => self.content.lines().join("\n"),
            field => self.line(field).text().to_owned(),
        }
    }

    fn content_bytes(&self) -> usize {
        self.content.lines().iter().map(|line| line.len() + 1).sum::<usize>().saturating_sub(1)
    }

    fn tags(&self) -> Vec<String> {
        let tags = self.line(Field::Tags).text().split(',').map(|tag| tag.trim().trim_start_matches('#'));
        tags.filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
    }

    fn project(&self) -> Option<Project> {
        let name = self.line(Field::Project).text().trim();
        (!name.is_empty()).then(|| Project::slug(name))
    }

    fn is_blank(&self) -> bool {
        self.content.lines().iter().all(|line| line.trim().is_empty())
            && Field::ALL[1..4].iter().all(|field| self.line(*field).text().trim().is_empty())
    }

    /// What is wrong with a field now.
    fn problem(&self, field: Field) -> Option<String> {
        match field {
            Field::Content => {
                let bytes = self.content_bytes();
                if bytes > CONTENT_BYTES_MAX {
                    return Some(format!("{bytes} bytes, at most {CONTENT_BYTES_MAX} fit"));
                }
                let blank = self.content.lines().iter().all(|line| line.trim().is_empty());
                (self.tried && blank).then(|| "say what is worth remembering".into())
            }
            Field::Title => {
                let bytes = self.line(field).text().len();
                (bytes > TITLE_BYTES_MAX).then(|| format!("{bytes} bytes, at most {TITLE_BYTES_MAX} fit"))
            }
            Field::Kind => (self.line(field).text().len() > TAG_BYTES_MAX)
                .then(|| format!("at most {TAG_BYTES_MAX} bytes fit")),
            Field::Tags => {
                let tags = self.tags();
                if tags.len() > TAGS_MAX {
                    return Some(format!("{} tags, at most {TAGS_MAX} fit", tags.len()));
                }
                let long = tags.iter().find(|tag| tag.len() > TAG_BYTES_MAX)?;
                Some(format!("#{} is longer than {TAG_BYTES_MAX} bytes", text::cut(long, 12)))
            }
            Field::Project => {
                let typed = self.line(field).text().trim();
                let slug = self.project()?;
                (slug.as_str() != typed).then(|| format!("will be saved as {slug}"))
            }
        }
    }

    /// A project's name is put right, not refused.
    fn stops(&self, field: Field) -> bool {
        field != Field::Project && self.problem(field).is_some()
    }

    fn save(&mut self, scene: &Scene, out: &mut Out) {
        self.tried = true;
        if self.saving || self.loading {
            return;
        }
        if let Some(field) = Field::ALL.into_iter().find(|field| self.stops(*field)) {
            self.at = field;
            return;
        }
        if let Some(why) = scene.hub.why_no_writes() {
            self.fault = Some(Fault::unavailable(why).hint("the draft is kept"));
            return;
        }
        self.fault = None;
        self.saving = true;
        let kind = Some(self.line(Field::Kind).text().trim().to_owned()).filter(|kind| !kind.is_empty());
        let title = self.line(Field::Title).text().trim().to_owned();
        let new = NewMemory {
            content: self.text_of(Field::Content),
            title: title.clone(),
            kind: kind.clone(),
            tags: self.tags(),
            project: self.project(),
            ..NewMemory::default()
        };
        out.ask(Ask::Save(match self.purpose {
            Purpose::New => Save::New(new),
            Purpose::Supersede(id) => Save::Supersede { id, new },
            Purpose::Edit(id) => Save::Edit {
                id,
                revision: self.revision,
                patch: MemoryPatch {
                    content: Some(new.content),
                    title: Some(title),
                    kind,
                    tags: Some(new.tags),
                    project: Some(new.project.unwrap_or_else(Project::none)),
                    ..MemoryPatch::default()
                },
            },
        }));
    }

    pub fn draft(&self, now: Time) -> Draft {
        Draft {
            purpose: self.purpose,
            content: self.text_of(Field::Content),
            title: self.text_of(Field::Title),
            kind: self.text_of(Field::Kind),
            tags: self.text_of(Field::Tags),
            project: self.text_of(Field::Project),
            revision: self.revision,
            saved_at: now,
        }
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
            self.ask_alike(out);
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

    fn turn(&mut self, by: usize) {
        let at = (self.at as usize + by) % Field::ALL.len();
        self.at = Field::ALL[at];
    }
}

fn area(text: &str) -> TextArea<'static> {
    let mut area = TextArea::new(clean(text).split('\n').map(str::to_owned).collect());
    area.set_max_histories(UNDO_STEPS_MAX);
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area.set_tab_length(4);
    // The box's own look shines through, and the terminal's cursor is the cursor.
    area.set_style(Style::new());
    area.set_cursor_line_style(Style::new());
    area.set_cursor_style(Style::new());
    area
}

/// Line ends as one kind, and no other control characters than the tab.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

impl Above for Form {
    fn place(&self) -> Place {
        Place::Form
    }

    fn title(&self) -> &str {
        match self.purpose {
            Purpose::New => "New memory",
            Purpose::Edit(_) => "Edit memory",
            Purpose::Supersede(_) => "Supersede memory",
        }
    }

    fn window(&self, area: Rect, _: &Scene) -> Rect {
        view::window(area)
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
            Action::PreviousField => self.turn(Field::ALL.len() - 1),
            Action::SaveForm => self.save(scene, out),
            Action::Editor => out.effects.push(Effect::Edit { field: self.at, text: self.text_of(self.at) }),
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
        let changed = if self.at == Field::Content {
            let full = self.content_bytes() >= CONTENT_BYTES_MAX;
            let adds = matches!(key.code, KeyCode::Char(_) | KeyCode::Enter)
                && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
            // A line feed, as a terminal sends it for Ctrl-Enter, or an unmarked paste for its lines.
            let feeds = key.code == KeyCode::Char('j') && key.modifiers == KeyModifiers::CONTROL;
            if feeds && !full {
                self.content.insert_newline();
                true
            } else if full && (adds || feeds) {
                false
            } else {
                self.content.input(key)
            }
        } else {
            match key.code {
                KeyCode::Up => {
                    self.turn(Field::ALL.len() - 1);
                    false
                }
                KeyCode::Down | KeyCode::Enter => {
                    self.turn(1);
                    false
                }
                _ => self.line_mut(self.at).key(key) == Typed::Changed,
            }
        };
        if changed {
            self.changed(scene.now);
        }
    }

    /// Capped at what fits, and said so.
    fn paste(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        if self.loading || self.saving {
            return;
        }
        if self.at != Field::Content {
            self.line_mut(self.at).insert(text);
        } else {
            let mut text = clean(text);
            let room = CONTENT_BYTES_MAX.saturating_sub(self.content_bytes());
            if text.len() > room {
                let cut = (0..=room).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
                out.toast(Toast::warn(format!("{} bytes of the paste did not fit", text.len() - cut)));
                text.truncate(cut);
            }
            self.content.insert_str(&text);
        }
        self.changed(scene.now);
    }

    /// Focus and caret go where it was clicked.
    fn click(&mut self, at: Position, inner: Rect, _: &Scene, _: &mut Out) {
        let Some((field, area)) = view::fields(inner).into_iter().find(|(_, area)| area.contains(at)) else {
            return;
        };
        self.at = field;
        let (x, y) = ((at.x - area.x) as usize, (at.y - area.y) as usize);
        if field != Field::Content {
            let label = view::LABEL as usize;
            self.line_mut(field).point(x.saturating_sub(label), (area.width as usize).saturating_sub(label));
        } else if let Some(y) = y.checked_sub(1) {
            let (top, left) = self.content.scroll_offset();
            let to = self.content.screen_to_data(y + top as usize, x + left as usize);
            self.content.move_cursor(CursorMove::Jump(to.0 as u16, to.1 as u16));
        }
    }

    fn wheel(&mut self, step: Step, _: &Scene, _: &mut Out) {
        self.content.scroll((if step == Step::Up { -WHEEL } else { WHEEL }, 0));
    }

    fn view(&self, frame: &mut Frame, _: Rect, inner: Rect, scene: &Scene) {
        self.draw(frame, inner, scene);
    }
}

impl Form {
    /// The cursor of a restored text stands at its end, where writing goes on.
    pub fn to_end(&mut self) {
        self.content.move_cursor(CursorMove::Bottom);
        self.content.move_cursor(CursorMove::End);
    }
}
