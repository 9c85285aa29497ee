//! The line at the foot: what can be done here now, from the action table, each with its key. A click on one does it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

use super::App;
use crate::console::{
    action::{ACTIONS, Action},
    layout::Spot,
    panes::PaneName,
    scene::Scene,
    text,
    theme::Role,
};

/// Columns around a key and its word.
const AIR: usize = 4;

struct Hint {
    action: Action,
    key: String,
    word: &'static str,
}

impl Hint {
    fn width(&self) -> usize {
        text::width(&self.key) + text::width(self.word) + AIR
    }
}

impl App {
    pub(super) fn view_hints(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        if self.overlay.is_some() {
            // What stands above says its own keys.
            frame.render_widget(Block::new().style(theme.style(Role::Hint)), area);
            return;
        }
        let hints = self.hints(area.width as usize);
        let used: usize = hints.iter().map(Hint::width).sum();
        let spans: Vec<_> = hints
            .into_iter()
            .flat_map(|hint| {
                [
                    Span::styled(format!(" {} ", hint.key), theme.style(Role::HintKey)),
                    Span::styled(format!("{}  ", hint.word), theme.style(Role::Hint)),
                ]
            })
            .collect();
        frame.render_widget(Paragraph::new(Line::from(spans)).style(theme.style(Role::Hint)), area);
        let theme_words = format!("{} ", theme.name());
        let width = text::width(&theme_words);
        if area.width as usize > used + width + 2 {
            let at = Rect { x: area.right() - width as u16, width: width as u16, ..area };
            frame.render_widget(Paragraph::new(Line::styled(theme_words, theme.style(Role::HintOff))), at);
        }
    }

    /// What a click on this column of the hints does.
    pub(super) fn hint_action(&self, x: u16, width: u16) -> Option<Action> {
        let mut right = 0;
        let hints = self.hints(width as usize);
        hints.into_iter().find_map(|hint| {
            right += hint.width();
            ((x as usize) < right).then_some(hint.action)
        })
    }

    /// Those that fit: what belongs here, then what can be done anywhere, and at the end, kept in any case, the way out
    /// and the ways to all others.
    fn hints(&self, width: usize) -> Vec<Hint> {
        let places = self.places();
        let hint = |action: Action, word: &'static str| {
            let key = self.env.keymap.key_of(action, &places)?;
            Some(Hint { action, key, word })
        };
        let leads = [(Action::Back, "back"), (Action::Palette, "palette"), (Action::Help, "help")];
        let leads = leads.into_iter().filter(|(action, _)| *action != Action::Back || self.leads_back());
        let leads: Vec<Hint> = leads.filter_map(|(action, word)| hint(action, word)).collect();
        let mut own: Vec<((usize, usize), Hint)> = Vec::new();
        for row in ACTIONS.iter().filter(|row| !matches!(row.action, Action::Help | Action::Palette)) {
            let Some(word) = row.hint else { continue };
            if self.why_not(row.action).is_some() {
                continue;
            }
            // Deciding stands beside noting, wherever the table has it.
            let at = if row.action == Action::Decide { Action::New } else { row.action } as usize;
            let rank = places.iter().position(|place| row.places.contains(place)).unwrap_or(places.len());
            own.extend(hint(row.action, word).map(|hint| ((rank, at), hint)));
        }
        own.sort_by_key(|(rank, _)| *rank);
        let mut room = width.saturating_sub(leads.iter().map(Hint::width).sum());
        let own = own.into_iter().map(|(_, hint)| hint);
        let mut shown: Vec<Hint> = own
            .take_while(|hint| {
                let fits = hint.width() <= room;
                room = room.saturating_sub(hint.width());
                fits
            })
            .collect();
        shown.extend(leads);
        shown
    }

    /// Esc leads somewhere.
    fn leads_back(&self) -> bool {
        let away = self.focus.spot() == Spot::Away;
        self.zoomed || away || self.panes.get(self.focus).leads_back()
    }

    // ── tabs ────────────────────────────────────────────────────────────────────────────────────────────────────

    pub(super) fn view_tabs(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let spans: Vec<_> = self
            .tabs(area.width as usize)
            .into_iter()
            .flat_map(|(name, words)| {
                let role = if name == self.focus { Role::TabActive } else { Role::Tab };
                [Span::styled(words, theme.style(role)), Span::raw(" ")]
            })
            .collect();
        frame.render_widget(Paragraph::new(Line::from(spans)), area);
    }

    /// The tab under a column.
    pub(super) fn tab_at(&self, x: u16, width: u16) -> Option<PaneName> {
        let mut from = 0;
        self.tabs(width as usize).into_iter().find_map(|(name, words)| {
            let to = from + text::width(&words);
            let here = (from..to).contains(&(x as usize));
            from = to + 1;
            here.then_some(name)
        })
    }

    /// Every pane has a tab. Where their titles have no room together, only the one in focus keeps its own.
    fn tabs(&self, width: usize) -> Vec<(PaneName, String)> {
        let words = |name: PaneName, titled: bool| match titled {
            true => (name, format!(" {} {} ", name.digit(), name.title())),
            false => (name, format!(" {} ", name.digit())),
        };
        // A table of one hub is there for who looks for it.
        let listed = |name: &PaneName| {
            *name != PaneName::Hubs || self.env.fleet.is_many() || self.focus == PaneName::Hubs
        };
        let names = PaneName::ALL.iter().copied().filter(listed);
        let all: Vec<_> = names.clone().map(|name| words(name, true)).collect();
        let taken: usize = all.iter().map(|(_, words)| text::width(words) + 1).sum();
        if taken <= width + 1 { all } else { names.map(|name| words(name, name == self.focus)).collect() }
    }
}
