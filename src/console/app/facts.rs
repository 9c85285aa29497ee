//! What is so now, for the conditions of keys.

use super::App;
use crate::console::{
    keymap::{Fact, Facts},
    layout::PaneName,
    model::Connection,
    panes::timeline::Mode,
};

impl App {
    pub(super) fn facts(&self) -> Facts {
        let (selected, open) = match self.focus {
            PaneName::Search => (self.search.selected().is_some(), self.search.detail.is_some()),
            PaneName::Timeline => (self.timeline.selected().is_some(), self.timeline.open),
        };
        Facts::default()
            .with(Fact::HubLive, self.env.hub.is_live())
            .with(Fact::HubOwned, self.env.hub.connection == Connection::Live { owned: true })
            .with(Fact::RowSelected, selected)
            .with(Fact::QueryTyped, !self.search.query.is_empty())
            .with(Fact::DetailOpen, open)
            .with(Fact::PaneZoomed, self.zoomed)
            .with(Fact::ProjectPicked, self.search.project.is_some())
            .with(Fact::StreamFollowing, self.timeline.mode == Mode::Following)
            .with(Fact::StreamFiltered, self.timeline.is_filtered())
            .with(Fact::ImportRunning, self.env.import.as_ref().is_some_and(|import| import.is_running()))
            .with(Fact::UndoPossible, self.undo.is_some() || self.forgetting.is_some())
    }
}
