//! Copying one cell of a row: a title, a tag, a time.

use super::App;
use crate::console::{action::Action, effect::Effect, scene::Out};

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
        match (self.panes.get(self.focus).has_selection(), self.cell(action)) {
            (false, _) => Some("nothing is selected".to_owned()),
            (true, None) => Some(format!("this row has no {}", word(action))),
            (true, Some(_)) => None,
        }
    }

    /// The cell of the selected row, if there is anything in it.
    fn cell(&self, action: Action) -> Option<String> {
        self.panes.get(self.focus).cell(action).filter(|text| !text.is_empty())
    }
}
