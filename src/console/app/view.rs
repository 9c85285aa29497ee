//! The whole screen from the whole state: header, tabs, panes, hints, and what stands above them. Only reads.

use ratatui::{
    Frame,
    layout::{Alignment, Rect},
    text::{Line, Span},
    widgets::{Block, Borders, Clear, Paragraph},
};

use super::{App, above};
use crate::{
    console::{
        action::Action,
        layout::DECK_MIN,
        model::{Badge, Connection},
        overlay::Above,
        panes::PaneName,
        scene::{Scene, TimeForm},
        text,
        theme::Role,
        widgets::{toast::Kind, which_key::which_key},
    },
    door::Refusal,
};

/// Widest a toast gets; longer ones wrap.
const TOAST_WIDTH: u16 = 72;
const TOAST_LINES_MAX: usize = 3;

impl App {
    pub fn view(&self, frame: &mut Frame) {
        let scene = self.env.scene();
        let area = frame.area();
        frame.render_widget(Block::new().style(scene.theme.style(Role::Base)), area);
        // A resize that came after the last update: drawn at the next message, never out of bounds.
        if area.is_empty() || area != self.area {
            return;
        }
        if self.deck.refused {
            self.view_refusal(frame, area, &scene);
        } else {
            self.view_header(frame, self.deck.header, &scene);
            if let Some(tabs) = self.deck.tabs {
                self.view_tabs(frame, tabs, &scene);
            }
            for (name, area) in &self.deck.panes {
                self.view_pane(frame, *name, *area, &scene);
            }
            self.view_hints(frame, self.deck.hints, &scene);
            if let Some(overlay) = &self.overlay {
                overlay.view(frame, above(area), &scene);
            }
            which_key(frame, above(area), &self.pending, &self.ways, &scene);
        }
        self.view_toasts(frame, area, &scene);
    }

    fn view_refusal(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let quit = self.env.keymap.key_of(Action::Quit, &self.places()).unwrap_or_default();
        let said = format!(
            "{}x{} is too small; {}x{} is enough. The hub goes on; {quit} quits.",
            area.width, area.height, DECK_MIN.0, DECK_MIN.1
        );
        let lines: Vec<_> = text::wrap(&said, area.width as usize)
            .into_iter()
            .map(|line| Line::styled(line, scene.theme.style(Role::Warn)))
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
    }

    // ── header ──────────────────────────────────────────────────────────────────────────────────────────────────

    fn view_header(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let header = theme.style(Role::Header);
        frame.render_widget(Block::new().style(header), area);
        let mut left = vec![Span::styled(" wheelhouse ", theme.style(Role::HeaderName))];
        let place = match &scene.hub.connection {
            Connection::Live { owned: true } => "local",
            Connection::Live { owned: false } => "attached",
            Connection::Opening | Connection::Offline { .. } => "",
        };
        let dir = home_shortened(&self.env.data_dir);
        let width = area.width as usize;
        if width >= 60 {
            if !place.is_empty() {
                left.push(Span::styled(format!(" {place} "), theme.style(Role::Muted)));
            }
            let room = (width / 4).max(12);
            left.push(Span::styled(format!(" {} ", text::cut_left(&dir, room)), theme.style(Role::Muted)));
        }
        let (role, said) = badge(scene, width);
        left.push(Span::styled(format!("  {} {said} ", theme.glyph(role)), theme.style(role)));
        if let Some(memories) = scene.hub.memories()
            && width >= 50
        {
            let word = if memories == 1 { "memory" } else { "memories" };
            left.push(Span::styled(format!("  {} ", text::count(memories)), theme.style(Role::Strong)));
            left.push(Span::styled(word, theme.style(Role::Muted)));
        }
        if let Some(project) = &self.env.project {
            left.push(Span::styled(format!("   {project} "), theme.style(Role::Project)));
        }
        if let Some(import) = scene.import.filter(|import| import.is_running()) {
            let said =
                format!("   {} importing {} % ", theme.glyph(Role::Busy), (import.part() * 100.0) as u64);
            left.push(Span::styled(said, theme.style(Role::Busy)));
        }
        for words in scene.hub.erasing().into_iter().chain(scene.hub.embedding()) {
            let said = format!("   {} {words} ", theme.glyph(Role::Busy));
            left.push(Span::styled(said, theme.style(Role::Busy)));
        }
        let clock = self.clock(scene);
        let clock_width = text::width(&clock) as u16;
        let left = Line::from(left);
        let room = area.width.saturating_sub(clock_width + 1);
        if left.width() as u16 <= room {
            let at = Rect {
                x: area.right().saturating_sub(clock_width),
                width: clock_width.min(area.width),
                ..area
            };
            frame.render_widget(Paragraph::new(Line::styled(clock, theme.style(Role::Muted))), at);
        }
        frame.render_widget(Paragraph::new(left), Rect { width: area.width, ..area });
    }

    fn clock(&self, scene: &Scene) -> String {
        match scene.form {
            TimeForm::Utc => format!("{} UTC ", scene.now.utc().format("%H:%M:%S")),
            _ => format!("{} ", scene.now.at(scene.offset).format("%H:%M:%S")),
        }
    }

    // ── panes ───────────────────────────────────────────────────────────────────────────────────────────────────

    fn view_tabs(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let spans: Vec<_> = PaneName::on_deck()
            .flat_map(|name| {
                let role = if name == self.focus { Role::TabActive } else { Role::Tab };
                [Span::styled(tab_words(name), theme.style(role)), Span::raw(" ")]
            })
            .collect();
        frame.render_widget(Paragraph::new(Line::from(spans)), area);
    }

    /// The tab under a column.
    pub(super) fn tab_at(&self, x: u16) -> Option<PaneName> {
        let mut from = 0;
        for name in PaneName::on_deck() {
            let width = text::width(&tab_words(name)) as u16;
            if (from..from + width).contains(&x) {
                return Some(name);
            }
            from += width + 1;
        }
        None
    }

    fn view_pane(&self, frame: &mut Frame, name: PaneName, area: Rect, scene: &Scene) {
        let pane = self.panes.get(name);
        let theme = scene.theme;
        let focused = self.focus == name && self.overlay.is_none();
        let lit = self.focus == name;
        let (border, title) =
            if lit { (Role::BorderFocus, Role::TitleFocus) } else { (Role::Border, Role::Title) };
        let mut block = Block::new()
            .borders(Borders::ALL)
            .border_set(theme.border())
            .border_style(theme.style(border))
            .title(Line::from(vec![
                Span::styled(
                    format!(" {} ", name.digit()),
                    theme.style(if lit { Role::Accent } else { Role::Muted }),
                ),
                Span::styled(format!("{} ", name.title()), theme.style(title)),
            ]));
        let state = pane.state(scene);
        if !state.is_empty() {
            block = block.title(Line::from(state).alignment(Alignment::Right));
        }
        if let Some(extent) = pane.extent(scene) {
            block = block.title_bottom(Line::from(extent).alignment(Alignment::Right));
        }
        frame.render_widget(block, area);
        pane.view(frame, focused, scene);
    }

    // ── hints ───────────────────────────────────────────────────────────────────────────────────────────────────

    /// The table's hints of where one stands, as many as fit; help and palette always.
    fn view_hints(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        if self.overlay.is_some() {
            // What stands above says its own keys.
            frame.render_widget(Block::new().style(theme.style(Role::Hint)), area);
            return;
        }
        let places = self.places();
        let own = crate::console::action::ACTIONS
            .iter()
            .filter(|row| row.hint.is_some() && !matches!(row.action, Action::Help | Action::Palette));
        let mut hints: Vec<(usize, String, &str, bool)> = Vec::new();
        for row in own {
            let Some(key) = self.env.keymap.key_of(row.action, &places) else { continue };
            let Some(hint) = row.hint else { continue };
            // What belongs here stands before what can be done anywhere.
            let rank = places.iter().position(|place| row.places.contains(place)).unwrap_or(places.len());
            hints.push((rank, key, hint, self.why_not(row.action).is_none()));
        }
        hints.sort_by_key(|(rank, ..)| *rank);
        for (action, word) in [(Action::Back, "back"), (Action::Palette, "palette"), (Action::Help, "help")] {
            if action == Action::Back && !self.panes.get(self.focus).is_typing() {
                continue;
            }
            if let Some(key) = self.env.keymap.key_of(action, &places) {
                hints.push((0, key, word, true));
            }
        }
        // The last ones lead to all others: they keep their place when not all fit.
        let leads = hints.split_off(hints.len().saturating_sub(2));
        let mut room = area.width as usize;
        let cost = |(_, key, word, _): &(usize, String, &str, bool)| text::width(key) + text::width(word) + 4;
        room = room.saturating_sub(leads.iter().map(cost).sum());
        let mut spans = Vec::new();
        let fitting = hints.iter().take_while(|hint| {
            let fits = cost(hint) <= room;
            room = room.saturating_sub(cost(hint));
            fits
        });
        for (_, key, word, can) in fitting.chain(&leads) {
            let (key_role, word_role) =
                if *can { (Role::HintKey, Role::Hint) } else { (Role::HintOff, Role::HintOff) };
            spans.push(Span::styled(format!(" {key} "), theme.style(key_role)));
            spans.push(Span::styled(format!("{word}  "), theme.style(word_role)));
        }
        frame.render_widget(Paragraph::new(Line::from(spans)).style(theme.style(Role::Hint)), area);
        let theme_words = format!("{} ", theme.name());
        let used: usize = text::width(&theme_words);
        if room > used + 2 {
            let at = Rect { x: area.right() - used as u16, width: used as u16, ..area };
            frame.render_widget(Paragraph::new(Line::styled(theme_words, theme.style(Role::HintOff))), at);
        }
    }

    // ── above ───────────────────────────────────────────────────────────────────────────────────────────────────

    fn view_toasts(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let mut bottom = area.bottom().saturating_sub(2);
        for toast in self.toasts.iter().rev() {
            let role = match toast.kind {
                Kind::Done => Role::Ok,
                Kind::Note => Role::Info,
                Kind::Warning => Role::Warn,
                Kind::Error => Role::Error,
            };
            let room = TOAST_WIDTH.min(area.width.saturating_sub(4)) as usize;
            if room < 8 {
                return;
            }
            let mut lines = text::wrap(&text::escape_line(&toast.text), room - 4);
            lines.truncate(TOAST_LINES_MAX);
            let width = lines.iter().map(|line| text::width(line)).max().unwrap_or(0) as u16 + 4;
            let height = lines.len() as u16;
            if bottom < area.y + height + 1 {
                return;
            }
            let at = Rect { x: area.right().saturating_sub(width + 2), y: bottom - height, width, height };
            bottom = at.y.saturating_sub(1);
            let said: Vec<_> = lines
                .into_iter()
                .enumerate()
                .map(|(i, line)| {
                    let mark = if i == 0 { theme.glyph(role) } else { " " };
                    Line::from(vec![
                        Span::styled(
                            format!(" {} ", if mark.is_empty() { " " } else { mark }),
                            theme.style(role),
                        ),
                        Span::styled(format!("{line} "), theme.style(Role::Overlay)),
                    ])
                })
                .collect();
            frame.render_widget(Clear, at);
            frame.render_widget(Paragraph::new(said).style(theme.style(Role::Overlay)), at);
        }
    }
}

fn tab_words(name: PaneName) -> String {
    format!(" {} {} ", name.digit(), name.title())
}

/// The hub's state: how it looks, in words.
fn badge(scene: &Scene, width: usize) -> (Role, String) {
    match scene.hub.badge(scene.now) {
        Badge::Live => (Role::Live, "LIVE".into()),
        Badge::Opening => (Role::Busy, "opening".into()),
        Badge::CatchingUp(words) | Badge::Rebuilding(words) => (Role::Busy, words),
        Badge::Failed(words) => (Role::Error, text::cut(&words, 40).into_owned()),
        Badge::Stalled(words) if width < 100 => {
            (Role::Warn, words.split(':').next().unwrap_or_default().to_owned())
        }
        Badge::Stalled(words) => (Role::Warn, words),
        Badge::Refused(Refusal::ReadOnly) => (Role::Warn, Refusal::ReadOnly.words().into()),
        Badge::Refused(why) => (Role::Error, why.words().into()),
        Badge::Offline { since } => {
            let age = crate::console::scene::age(scene.now, since);
            (Role::Off, format!("offline {age}"))
        }
    }
}

/// `~` for the home directory.
fn home_shortened(path: &std::path::Path) -> String {
    let home = std::env::home_dir().filter(|home| home.parent().is_some());
    match home.and_then(|home| path.strip_prefix(home).ok().map(ToOwned::to_owned)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
