//! Help: every key of where one stands, and of everywhere, from the same table the keys come from. Typing narrows it.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line as Text, Span},
    widgets::Paragraph,
};

use super::Above;
use crate::console::text;
use crate::console::{
    action::{Action, Place},
    layout::{centred, head},
    scene::{Out, Scene},
    theme::Role,
    widgets::{
        frame::{foot, input, window},
        line::{Line, Typed},
        list::Step,
    },
};

const WIDTH: u16 = 84;
const KEYS_WIDTH: usize = 22;

/// A place and its keys: those, what they do, and why they cannot now.
#[derive(Debug, Clone)]
pub struct Section {
    pub title: &'static str,
    pub rows: Vec<(String, &'static str, Option<String>)>,
}

pub struct Help {
    typed: Line,
    sections: Vec<Section>,
    top: usize,
}

impl Help {
    pub fn new(sections: Vec<Section>) -> Help {
        Help { typed: Line::default(), sections, top: 0 }
    }

    fn lines(&self, width: usize, scene: &Scene) -> Vec<Text<'static>> {
        let theme = scene.theme;
        let typed = self.typed.text().to_lowercase();
        let mut lines = Vec::new();
        for section in &self.sections {
            let rows = section.rows.iter().filter(|(keys, title, _)| {
                typed.is_empty()
                    || title.to_lowercase().contains(&typed)
                    || keys.to_lowercase().contains(&typed)
            });
            let mut headed = false;
            for (keys, title, why) in rows {
                if !headed {
                    if !lines.is_empty() {
                        lines.push(Text::default());
                    }
                    lines.push(Text::styled(section.title, theme.style(Role::Heading2)));
                    headed = true;
                }
                let role = if why.is_some() { Role::HintOff } else { Role::Text };
                let mut spans = vec![
                    Span::styled(
                        text::pad(&text::cut(keys, KEYS_WIDTH - 2), KEYS_WIDTH),
                        theme.style(Role::HintKey),
                    ),
                    Span::styled(
                        text::cut(title, width.saturating_sub(KEYS_WIDTH)).into_owned(),
                        theme.style(role),
                    ),
                ];
                if let Some(why) = why {
                    let room = width.saturating_sub(KEYS_WIDTH + text::width(title) + 3);
                    spans.push(Span::styled(
                        format!("   {}", text::cut(why, room)),
                        theme.style(Role::HintOff),
                    ));
                }
                lines.push(Text::from(spans));
            }
        }
        if lines.is_empty() {
            lines.push(Text::styled("no key does that", theme.style(Role::Placeholder)));
        }
        lines
    }

    fn rows(&self) -> usize {
        self.sections.iter().map(|section| section.rows.len() + 2).sum()
    }
}

impl Above for Help {
    fn place(&self) -> Place {
        Place::Help
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        let step = match action {
            Action::Back if !self.typed.is_empty() => {
                self.typed.clear();
                Step::First
            }
            Action::Back | Action::Help => {
                out.close = true;
                return true;
            }
            action => match crate::console::widgets::frame::step_of(action) {
                Some(step) => step,
                None => return false,
            },
        };
        self.top = match step {
            Step::Up => self.top.saturating_sub(1),
            Step::Down => self.top + 1,
            Step::PageUp => self.top.saturating_sub(10),
            Step::PageDown => self.top + 10,
            Step::First => 0,
            Step::Last => self.rows(),
        }
        .min(self.rows());
        true
    }

    fn key(&mut self, key: KeyEvent, scene: &Scene, out: &mut Out) {
        let action = match key.code {
            KeyCode::Up => Action::Up,
            KeyCode::Down => Action::Down,
            KeyCode::PageUp => Action::PageUp,
            KeyCode::PageDown => Action::PageDown,
            KeyCode::Home => Action::First,
            KeyCode::End => Action::Last,
            _ => Action::Complete,
        };
        if self.act(action, scene, out) {
            return;
        }
        if self.typed.key(key) == Typed::Changed {
            self.top = 0;
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, _: &mut Out) {
        self.typed.insert(text);
        self.top = 0;
    }

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let area = centred(area, WIDTH.min(area.width.saturating_sub(2)), area.height.saturating_sub(2));
        let inner = window(frame, area, "Help", scene);
        foot(frame, area, &[("↑↓", "scroll"), ("Esc", "close")], scene);
        let [top, body] = head(inner, 2);
        input(frame, top, &self.typed, "", "type to find a key or what it does", true, scene);
        let lines = self.lines(inner.width as usize, scene);
        let from = self.top.min(lines.len().saturating_sub(body.height as usize));
        let shown: Vec<_> = lines.into_iter().skip(from).take(body.height as usize).collect();
        frame.render_widget(Paragraph::new(shown), body);
    }
}
