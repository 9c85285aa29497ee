//! A question before something is destroyed: what, and what happens to it. The answer by default is no.

use std::time::Duration;

use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::Above;
use crate::console::text;
use crate::{
    console::{
        action::{Action, Place},
        effect::Effect,
        layout::centred,
        scene::{Out, Scene},
        theme::Role,
        widgets::frame::window,
    },
    model::Time,
};

/// Keys that were meant for what stood here before are not an answer.
const DEAF: Duration = Duration::from_millis(250);
const WIDTH: u16 = 64;

pub struct Confirm {
    title: String,
    /// The thing it is about.
    object: String,
    /// What happens to it.
    effect: String,
    /// The word of yes.
    accept: String,
    asked_at: Time,
    /// Done when the answer is yes.
    then: Vec<Effect>,
}

impl Confirm {
    pub fn new(
        title: &str,
        object: &str,
        effect: &str,
        accept: &str,
        now: Time,
        then: Vec<Effect>,
    ) -> Confirm {
        Confirm {
            title: title.to_owned(),
            object: object.to_owned(),
            effect: effect.to_owned(),
            accept: accept.to_owned(),
            asked_at: now,
            then,
        }
    }

    /// Whether a key now is an answer: not a repeat, and not in the first moments.
    pub fn hears(&self, key: KeyEvent, now: Time) -> bool {
        key.kind == KeyEventKind::Press && now.since(self.asked_at) >= DEAF
    }
}

impl Above for Confirm {
    fn place(&self) -> Place {
        Place::Confirm
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Accept => {
                out.effects.append(&mut self.then);
                out.close = true;
            }
            Action::Cancel | Action::Back => out.close = true,
            _ => return false,
        }
        true
    }

    fn key(&mut self, _: KeyEvent, _: &Scene, _: &mut Out) {}

    fn paste(&mut self, _: &str, _: &Scene, _: &mut Out) {}

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let width = area.width.saturating_sub(4).min(WIDTH);
        let inner_width = width.saturating_sub(4).max(1) as usize;
        let mut lines = vec![Line::default()];
        for line in text::wrap(&text::escape_line(&self.object), inner_width).into_iter().take(3) {
            lines.push(Line::styled(line, scene.theme.style(Role::Strong)));
        }
        for line in text::wrap(&self.effect, inner_width) {
            lines.push(Line::styled(line, scene.theme.style(Role::Muted)));
        }
        lines.push(Line::default());
        lines.push(Line::from(vec![
            Span::styled("  Enter  Cancel  ", scene.theme.style(Role::Selection)),
            Span::raw("   "),
            Span::styled(format!("  y  {}  ", self.accept), scene.theme.style(Role::Danger)),
        ]));
        let area = centred(area, width, lines.len() as u16 + 3);
        let inner = window(frame, area, &self.title, scene);
        frame.render_widget(Paragraph::new(lines), inner);
    }
}
