//! Copying one cell of a row: a title, a tag, a time.

use super::App;
use crate::console::{action::Action, effect::Effect, layout::PaneName, scene::Out};

/// The actions that copy a cell.
pub(super) fn is_cell(action: Action) -> bool {
    use Action::{CopyProject, CopySnippet, CopySource, CopyTags, CopyTime, CopyTitle, CopyType};
    matches!(action, CopyTitle | CopySnippet | CopyType | CopyProject | CopyTags | CopySource | CopyTime)
}

/// A cell in words, for whoever looks for one that is empty.
fn word(action: Action) -> &'static str {
    match action {
        Action::CopySnippet => "words under its title",
        Action::CopyType => "type",
        Action::CopyProject => "project",
        Action::CopyTags => "tags",
        Action::CopySource => "source",
        Action::CopyTime => "time",
        _ => "title",
    }
}

impl App {
    pub(super) fn copy_cell(&mut self, action: Action, out: &mut Out) {
        if let Some(text) = self.cell(action) {
            out.effects.push(Effect::Copy(text));
        }
    }

    pub(super) fn why_no_cell(&self, action: Action) -> Option<String> {
        let selected = match self.focus {
            PaneName::Search => self.search.selected().is_some(),
            PaneName::Timeline => self.timeline.selected().is_some(),
        };
        match (selected, self.cell(action)) {
            (false, _) => Some("nothing is selected".to_owned()),
            (true, None) => Some(format!("this row has no {}", word(action))),
            (true, Some(_)) => None,
        }
    }

    /// The cell of the selected row, if there is anything in it.
    fn cell(&self, action: Action) -> Option<String> {
        let text = match self.focus {
            PaneName::Search => {
                let row = self.search.selected()?;
                match action {
                    Action::CopySnippet => row.snippet.clone(),
                    Action::CopyType => row.kind.clone(),
                    Action::CopyProject if row.project.is_none() => String::new(),
                    Action::CopyProject => row.project.to_string(),
                    Action::CopyTags => row.tags.join(", "),
                    Action::CopySource => row.url().unwrap_or_default().to_owned(),
                    Action::CopyTime => row.updated_at.to_string(),
                    _ => row.title.clone(),
                }
            }
            PaneName::Timeline => {
                let event = self.timeline.selected()?;
                let text = |name| event.text(name).unwrap_or_default().to_owned();
                match action {
                    Action::CopySnippet => text("message"),
                    Action::CopyType => event.kind.clone(),
                    Action::CopyProject if event.subject.project() == "_" => String::new(),
                    Action::CopyProject => event.subject.project().to_owned(),
                    Action::CopyTags => String::new(),
                    Action::CopySource => text("source"),
                    Action::CopyTime => event.time.to_string(),
                    _ => text("title"),
                }
            }
        };
        (!text.is_empty()).then_some(text)
    }
}
