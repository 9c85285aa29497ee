//! The form as drawn: the content large, the rest a line each, what is wrong beside where it is wrong.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line as Text, Span},
    widgets::Paragraph,
};

use super::{Field, Form};
use crate::console::text;
use crate::console::{
    action::{Action, Place},
    layout::{centred, head},
    scene::Scene,
    theme::Role,
};

const WIDTH: u16 = 110;
const HEIGHT: u16 = 34;
pub(super) const LABEL: u16 = 10;
const BELOW: u16 = 7;

pub(super) fn window(area: Rect) -> Rect {
    let width = WIDTH.min(area.width.saturating_sub(2));
    centred(area, width, HEIGHT.min(area.height.saturating_sub(2)))
}

/// Lines below the content: air, four fields, air, one for what is to be said; fewer in a low box.
fn below(inner: Rect) -> u16 {
    BELOW.min(inner.height.saturating_sub(3))
}

/// Where each field stands, as far as it has room: the content with its label above it, the others a line each.
pub(super) fn fields(inner: Rect) -> Vec<(Field, Rect)> {
    let [content, rest] = head(inner, inner.height - below(inner));
    let lines = Field::ALL[1..].iter().zip(rest.y + 1..);
    let lines = lines.map(|(field, y)| (*field, Rect { y, height: 1, ..rest }));
    std::iter::once((Field::Content, content)).chain(lines.filter(|(_, at)| at.y < rest.bottom())).collect()
}

impl Form {
    pub(super) fn draw(&self, frame: &mut Frame, inner: Rect, scene: &Scene) {
        let theme = scene.theme;
        for (field, at) in fields(inner) {
            match field {
                Field::Content => self.draw_content(frame, at, scene),
                field => self.draw_line(frame, at, field, scene),
            }
        }
        let said = if self.loading {
            (Role::Muted, "fetching the memory…".to_owned())
        } else if self.saving {
            (Role::Busy, "saving…".to_owned())
        } else if let Some(fault) = &self.fault {
            let hint = fault.hint.as_ref().map_or(String::new(), |hint| format!(" · {hint}"));
            (Role::FieldError, format!("{}{hint}", fault.message))
        } else if !self.alike.is_empty() {
            let near: Vec<_> = self
                .alike
                .iter()
                .map(|(title, cosine)| format!("“{}” {:.0} %", text::escape_line(title), cosine * 100.0))
                .collect();
            (Role::Info, format!("already known, nearly: {}", near.join(" · ")))
        } else if let Some(at) = self.from_draft {
            let age = crate::console::scene::age(scene.now, at);
            let discard = scene.keymap.key_of(Action::Discard, &[Place::Form]);
            let discard = discard.map_or(String::new(), |key| format!(" · {key} discards it"));
            (Role::Info, format!("a draft of {age} ago{discard}"))
        } else {
            return;
        };
        if below(inner) == BELOW {
            let at = Rect { y: inner.bottom() - 1, height: 1, ..inner };
            let line = text::cut(&said.1, at.width as usize).into_owned();
            frame.render_widget(Paragraph::new(Text::styled(line, theme.style(said.0))), at);
        }
    }

    fn label(&self, field: Field, scene: &Scene) -> Span<'static> {
        let role = if self.at == field { Role::LabelFocus } else { Role::Label };
        Span::styled(text::pad(field.label(), LABEL as usize), scene.theme.style(role))
    }

    fn draw_content(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let [top, body] = head(area, 1);
        let mut label = vec![self.label(Field::Content, scene)];
        if let Some(problem) = self.problem(Field::Content) {
            label.push(Span::styled(problem, theme.style(Role::FieldError)));
        }
        frame.render_widget(Paragraph::new(Text::from(label)), top);
        if body.is_empty() {
            return;
        }
        if self.content.is_empty() {
            let line = Text::styled(
                text::cut(Field::Content.placeholder(), body.width as usize).into_owned(),
                theme.style(Role::Placeholder),
            );
            frame.render_widget(Paragraph::new(line), body);
            if self.at == Field::Content {
                frame.set_cursor_position((body.x, body.y));
            }
            return;
        }
        // Its window is kept inside it, so that drawing only reads here.
        frame.render_widget(&self.content, body);
        if self.at == Field::Content {
            let cursor = self.content.screen_cursor();
            let (top, left) = self.content.scroll_offset();
            let y = (cursor.row as u16).saturating_sub(top).min(body.height - 1);
            let x = (cursor.col as u16).saturating_sub(left).min(body.width - 1);
            frame.set_cursor_position((body.x + x, body.y + y));
        }
    }

    fn draw_line(&self, frame: &mut Frame, area: Rect, field: Field, scene: &Scene) {
        let theme = scene.theme;
        let line = self.line(field);
        let room = area.width.saturating_sub(LABEL) as usize;
        let (shown, column) = line.window(room.max(1));
        let mut spans = vec![self.label(field, scene)];
        if line.is_empty() {
            spans.push(Span::styled(
                text::cut(field.placeholder(), room).into_owned(),
                theme.style(Role::Placeholder),
            ));
        } else {
            let shown = text::cut(shown, room).into_owned();
            let rest = room.saturating_sub(text::width(&shown) + 2);
            spans.push(Span::styled(text::escape_line(&shown).into_owned(), theme.style(Role::Text)));
            if let Some(problem) = self.problem(field) {
                let role = if self.stops(field) { Role::FieldError } else { Role::Muted };
                spans.push(Span::styled(format!("  {}", text::cut(&problem, rest)), theme.style(role)));
            }
        }
        frame.render_widget(Paragraph::new(Text::from(spans)), area);
        if self.at == field {
            frame.set_cursor_position((area.x + LABEL.min(area.width) + column as u16, area.y));
        }
    }
}
