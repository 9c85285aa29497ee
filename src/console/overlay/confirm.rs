//! A question before something is destroyed: what, and what happens to it. The answer by default is no.

use std::time::Duration;

use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::{
    Frame,
    layout::{Position, Rect},
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
        widgets::frame::BORDERS,
    },
    model::Time,
};

/// Keys that were meant for what stood here before are not an answer.
const DEAF: Duration = Duration::from_millis(250);
const WIDTH: u16 = 64;
const OBJECT_LINES_MAX: usize = 3;
const DEFAULT: &str = "Enter";
/// Columns between the buttons.
const BETWEEN: u16 = 3;

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
        key.kind == KeyEventKind::Press && self.is_awake(now)
    }

    pub fn is_awake(&self, now: Time) -> bool {
        now.since(self.asked_at) >= DEAF
    }

    /// What is asked, in lines of this width.
    fn said(&self, width: usize) -> Vec<(String, Role)> {
        let object = text::wrap(&text::escape_line(&self.object), width).into_iter().take(OBJECT_LINES_MAX);
        let effect = text::wrap(&self.effect, width).into_iter();
        let object = object.map(|line| (line, Role::Strong));
        object.chain(effect.map(|line| (line, Role::Muted))).collect()
    }

    /// No and yes, with their keys.
    fn buttons(&self, scene: &Scene) -> [(Action, String); 2] {
        [(Action::Cancel, "Cancel"), (Action::Accept, &self.accept)].map(|(action, word)| {
            let keys = scene.keymap.keys_of(action, &[Place::Confirm]);
            // What is done by default says so.
            let key = keys.iter().find(|key| *key == DEFAULT).or(keys.first());
            let key = key.map_or("", String::as_str);
            (action, format!("  {key}  {word}  "))
        })
    }

    /// Where they stand: on the last line but one.
    fn places(&self, inner: Rect, scene: &Scene) -> [(Action, Rect); 2] {
        let y = inner.bottom().saturating_sub(2);
        let mut x = inner.x;
        self.buttons(scene).map(|(action, words)| {
            let at = Rect { x, y, width: text::width(&words) as u16, height: 1 }.intersection(inner);
            x += at.width + BETWEEN;
            (action, at)
        })
    }
}

impl Above for Confirm {
    fn place(&self) -> Place {
        Place::Confirm
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn window(&self, area: Rect, _: &Scene) -> Rect {
        let width = area.width.saturating_sub(4).min(WIDTH);
        let lines = self.said(width.saturating_sub(BORDERS).max(1) as usize).len();
        // Air above and below what is asked and below the buttons, and the border.
        centred(area, width, lines as u16 + 6)
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

    fn click(&mut self, at: Position, inner: Rect, scene: &Scene, out: &mut Out) {
        let places = self.places(inner, scene);
        if let Some((action, _)) = places.into_iter().find(|(_, place)| place.contains(at)) {
            self.act(action, scene, out);
        }
    }

    fn view(&self, frame: &mut Frame, _: Rect, inner: Rect, scene: &Scene) {
        let theme = scene.theme;
        let said = self.said(inner.width.max(1) as usize).into_iter();
        let said = said.map(|(line, role)| Line::styled(line, theme.style(role)));
        let lines: Vec<_> = std::iter::once(Line::default()).chain(said).collect();
        let room = Rect { height: inner.height.saturating_sub(2), ..inner };
        frame.render_widget(Paragraph::new(lines), room);
        let looks = [Role::Selection, Role::Danger];
        let words = self.buttons(scene).into_iter().map(|(_, words)| words);
        for ((words, (_, at)), role) in words.zip(self.places(inner, scene)).zip(looks) {
            frame.render_widget(Paragraph::new(Span::styled(words, theme.style(role))), at);
        }
    }
}
