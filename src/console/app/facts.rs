//! What is so now, for the conditions of keys.

use super::App;
use crate::console::{
    keymap::{Fact, Facts},
    model::Connection,
    widgets::tail::Stand,
};

impl App {
    pub(super) fn facts(&self) -> Facts {
        let (pane, timeline) = (self.panes.get(self.focus), &self.panes.timeline);
        Facts::default()
            .with(Fact::HubLive, self.env.fleet.hub().is_live())
            .with(Fact::HubOwned, self.env.fleet.hub().connection == Connection::Live { owned: true })
            .with(Fact::RowSelected, pane.has_selection())
            .with(Fact::QueryTyped, !self.panes.search.query.is_empty())
            .with(Fact::DetailOpen, pane.has_opened())
            .with(Fact::PaneZoomed, self.zoomed)
            .with(Fact::ProjectPicked, self.env.project.is_some())
            .with(Fact::StreamFollowing, timeline.stand == Stand::Following)
            .with(Fact::StreamFiltered, timeline.is_filtered())
            .with(Fact::ImportRunning, self.env.import.as_ref().is_some_and(|import| import.is_running()))
            .with(Fact::UndoPossible, self.undo.is_some() || self.forgetting.is_some())
    }
}
