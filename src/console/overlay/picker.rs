//! Picks one of a list by typing a part of it: the project.

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line as Text, Span},
    widgets::Paragraph,
};

use super::Above;
use crate::console::text;
use crate::{
    console::{
        action::{Action, Place},
        layout::{centred, head},
        scene::{Out, Scene},
        theme::Role,
        widgets::{
            frame::{body_line, foot, foot_at, input, step_of, window},
            line::{Line, Typed},
            list::List,
        },
    },
    door::Suggestion,
    model::Project,
};

const HEIGHT: u16 = 16;
const WIDTH: u16 = 48;
const FOOT: [(Action, &str); 2] = [(Action::Open, "pick"), (Action::Back, "as before")];

pub struct Picker {
    typed: Line,
    /// None until the hub has answered.
    projects: Option<Vec<(Project, Option<u64>)>>,
    list: List,
}

impl Picker {
    pub fn projects() -> Picker {
        let mut list = List::default();
        list.set_height(HEIGHT as usize - 5);
        list.set_len(1);
        Picker { typed: Line::default(), projects: None, list }
    }

    pub fn answered(&mut self, suggestions: Vec<Suggestion>) {
        let projects = suggestions.into_iter().filter_map(|suggestion| {
            let name = suggestion.text.trim();
            let name = name.strip_prefix("project:").unwrap_or(name).trim_matches('"');
            (!name.is_empty()).then(|| (Project::slug(name), suggestion.documents))
        });
        self.projects = Some(projects.collect());
        self.list.set_len(self.shown().len());
    }

    /// "All projects" first, then those that hold what is typed.
    fn shown(&self) -> Vec<(Option<&Project>, Option<u64>)> {
        let typed = self.typed.text().to_lowercase();
        let known = self.projects.iter().flatten().filter(|(project, _)| project.as_str().contains(&typed));
        std::iter::once((None, None))
            .filter(|_| typed.is_empty() || "all projects".contains(&typed))
            .chain(known.map(|(project, count)| (Some(project), *count)))
            .collect()
    }
}

impl Above for Picker {
    fn place(&self) -> Place {
        Place::Picker
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back => out.close = true,
            Action::Open => {
                let row = self.list.selected();
                out.project = row.and_then(|row| self.shown().get(row).map(|(project, _)| project.cloned()));
                out.close = true;
            }
            Action::ClearText => self.typed.clear(),
            action => match step_of(action) {
                Some(step) => self.list.step(step),
                None => return false,
            },
        }
        self.list.set_len(self.shown().len());
        true
    }

    fn key(&mut self, key: KeyEvent, _: &Scene, _: &mut Out) {
        if self.typed.key(key) == Typed::Changed {
            let shown = self.shown();
            let second = !self.typed.is_empty() && shown.len() > 1 && shown[0].0.is_none();
            let len = shown.len();
            self.list.set_len(len);
            self.list.select(usize::from(second));
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, _: &mut Out) {
        self.typed.insert(text);
        self.list.set_len(self.shown().len());
    }

    fn click(&mut self, at: Position, area: Rect, scene: &Scene, out: &mut Out) {
        let area = centred(area, WIDTH, HEIGHT);
        if !area.contains(at) {
            // Nothing was picked: it stays as it was.
            out.close = true;
        } else if let Some(action) = foot_at(at, area, Place::Picker, &FOOT, scene) {
            self.act(action, scene, out);
        } else if let Some(row) = body_line(at, area).and_then(|line| self.list.row_at(line, 1)) {
            if self.list.selected() == Some(row) {
                self.act(Action::Open, scene, out);
            } else {
                self.list.select(row);
            }
        }
    }

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let area = centred(area, WIDTH, HEIGHT);
        let inner = window(frame, area, "Project", scene);
        foot(frame, area, Place::Picker, &FOOT, scene);
        let [top, body] = head(inner, 2);
        input(frame, top, &self.typed, "", "type to narrow", true, scene);
        let shown = self.shown();
        let width = inner.width as usize;
        let mut lines: Vec<Text> = Vec::new();
        for row in self.list.visible() {
            let Some((project, count)) = shown.get(row) else { continue };
            let name = match project {
                None => "all projects".to_owned(),
                Some(project) if project.is_none() => "_  no project".to_owned(),
                Some(project) => project.to_string(),
            };
            let count = count.map_or(String::new(), |count| count.to_string());
            let name = text::cut(&name, width.saturating_sub(10)).into_owned();
            let name = text::pad(&name, width.saturating_sub(count.len() + 1));
            let role = if self.list.selected() == Some(row) { Role::Selection } else { Role::Text };
            lines.push(
                Text::from(vec![Span::raw(name), Span::raw(count), Span::raw(" ")])
                    .style(scene.theme.style(role)),
            );
        }
        if self.projects.is_none() {
            lines.push(Text::styled("asking the hub…", scene.theme.style(Role::Placeholder)));
        }
        frame.render_widget(Paragraph::new(lines), body);
    }
}
