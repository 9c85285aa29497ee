//! The column that says which hub a row is of, in the panes that show several.

use crate::console::{model::At, scene::Scene, text};

/// Columns of a hub's name among others.
pub const NAME_MAX: usize = 12;
/// Of a narrow pane it takes a part, and so much at least.
const PART: usize = 5;
const NAME_MIN: usize = 4;

pub struct HubColumn {
    width: usize,
}

impl HubColumn {
    /// None where there is one hub, or one of them is shown alone.
    pub fn of(scene: &Scene, all: bool) -> Option<HubColumn> {
        let widths = scene.fleet.each().map(|(_, seat)| text::width(&text::escape_line(&seat.name)));
        (all && scene.fleet.is_many()).then(|| HubColumn { width: widths.max().unwrap_or(0).min(NAME_MAX) })
    }

    /// As far as a row of so many columns has room for it.
    pub fn within(self, columns: usize) -> HubColumn {
        HubColumn { width: self.width.min((columns / PART).max(NAME_MIN)) }
    }

    /// The end of a name tells more than its beginning where they are addresses.
    pub fn cell(&self, at: At, scene: &Scene) -> String {
        let name = text::escape_line(scene.fleet.name(at));
        text::pad(&text::cut_left(&name, self.width), self.width)
    }
}
