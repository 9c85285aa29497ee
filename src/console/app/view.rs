//! The whole screen from the whole state: header, tabs, panes, hints, and what stands above them. Only reads.

use ratatui::{
    Frame,
    layout::{Alignment, Rect},
    text::{Line, Span},
    widgets::{Block, Borders, Clear, Paragraph},
};

use super::{App, above};
use crate::console::{
    action::Action,
    layout::DECK_MIN,
    panes::PaneName,
    scene::Scene,
    text,
    theme::Role,
    widgets::{toast::Kind, which_key::which_key},
};

/// Widest a toast gets; longer ones wrap.
const TOAST_WIDTH: u16 = 72;
const TOAST_LINES_MAX: usize = 3;
/// A hub's name in a pane's title is cut to this.
const HUB_WIDTH: usize = 16;

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
        }
        self.view_toasts(frame, area, &scene);
        // Whoever is in the middle of keys needs them more than a word.
        if !self.deck.refused {
            which_key(frame, above(area), &self.pending, &self.ways, &scene);
        }
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

    // ── panes ───────────────────────────────────────────────────────────────────────────────────────────────────

    fn view_pane(&self, frame: &mut Frame, name: PaneName, area: Rect, scene: &Scene) {
        let pane = self.panes.get(name);
        let theme = scene.theme;
        let focused = self.focus == name && self.overlay.is_none();
        let lit = self.focus == name;
        let (border, title) =
            if lit { (Role::BorderFocus, Role::TitleFocus) } else { (Role::Border, Role::Title) };
        let digit = theme.style(if lit { Role::Accent } else { Role::Muted });
        let mut named = vec![
            Span::styled(format!(" {} ", name.digit()), digit),
            Span::styled(format!("{} ", name.title()), theme.style(title)),
        ];
        if let Some(hub) = pane.whose(scene).filter(|_| scene.fleet.is_many()) {
            let hub = text::escape_line(hub).into_owned();
            let hub = format!("{} ", text::cut_left(&hub, HUB_WIDTH));
            named.push(Span::styled(hub, theme.style(Role::EventHub)));
        }
        let mut block = Block::new()
            .borders(Borders::ALL)
            .border_set(theme.border())
            .border_style(theme.style(border))
            .title(Line::from(named));
        let mut state = pane.state(scene);
        if !state.is_empty() {
            state.insert(0, Span::raw(" "));
            block = block.title(Line::from(state).alignment(Alignment::Right));
        }
        if let Some(doing) = pane.doing(scene) {
            block = block.title_bottom(Line::from(doing));
        }
        if let Some(extent) = pane.extent(scene) {
            block = block.title_bottom(Line::from(extent).alignment(Alignment::Right));
        }
        frame.render_widget(block, area);
        pane.view(frame, focused, scene);
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
