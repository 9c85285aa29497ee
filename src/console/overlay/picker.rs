//! Picks the project that all is shown of, or all of them.

use std::borrow::Cow;

use ratatui::text::Line as Text;

use super::chooser::{Chooser, Look};
use crate::{
    console::{
        action::{Action, Place},
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::finder::{Finder, Named, Row},
    },
    door::Suggestion,
    model::Project,
};

const ALL: &str = "all projects";

/// A project and how many memories it has; none is all of them.
pub struct Choice {
    project: Option<Project>,
    memories: Option<u64>,
}

impl Named for Choice {
    fn name(&self) -> Cow<'_, str> {
        match &self.project {
            Some(project) if project.is_none() => "no project".into(),
            Some(project) => project.as_str().into(),
            None => "".into(),
        }
    }

    /// A project that is called as typed is meant before all are.
    fn also(&self) -> Cow<'_, str> {
        self.project.as_ref().map_or(ALL, Project::as_str).into()
    }
}

pub struct Picker {
    finder: Finder<Choice>,
    answered: bool,
}

impl Picker {
    pub fn projects() -> Picker {
        let all = Choice { project: None, memories: None };
        Picker { finder: Finder::new(vec![all]), answered: false }
    }

    pub fn answered(&mut self, suggestions: Vec<Suggestion>) {
        let projects = suggestions.into_iter().filter_map(|suggestion| {
            let name = suggestion.text.trim();
            let name = name.strip_prefix("project:").unwrap_or(name).trim_matches('"');
            let project = Some(Project::slug(name));
            (!name.is_empty()).then_some(Choice { project, memories: suggestion.documents })
        });
        self.answered = true;
        self.finder.change(|choices| {
            choices.truncate(1);
            choices.extend(projects);
        });
    }
}

impl Chooser for Picker {
    type Item = Choice;

    fn place(&self) -> Place {
        Place::Picker
    }

    fn look(&self) -> Look {
        Look { title: "Project", placeholder: "type to narrow", width: 48, rows_max: 12, aside: false }
    }

    fn foot(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "pick"), (Action::Back, "as before")]
    }

    fn finder(&self) -> &Finder<Choice> {
        &self.finder
    }

    fn finder_mut(&mut self) -> &mut Finder<Choice> {
        &mut self.finder
    }

    fn nothing(&self) -> &'static str {
        "no project is called that"
    }

    fn about(&self, _: usize, _: usize) -> Vec<String> {
        if self.answered { Vec::new() } else { vec!["asking the hub…".to_owned()] }
    }

    fn row(&self, choice: &Choice, row: Row, scene: &Scene) -> Text<'static> {
        let name = if choice.project.is_none() { ALL.into() } else { choice.name() };
        let count = choice.memories.map_or(String::new(), text::count);
        row.draw((&name, Role::Text), "", (&count, Role::Muted), scene)
    }

    fn take(&mut self, out: &mut Out) {
        if let Some(choice) = self.finder.selected() {
            out.project = Some(choice.project.clone());
            out.close = true;
        }
    }
}
