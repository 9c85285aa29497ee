//! Decisions as drawn: the filter, the rows, and what is open beside them.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{super::search::view_rule, Decisions, Side, Statuses, row};
use crate::console::{
    action::{Action, Place},
    layout::{Rule, head, inside},
    panes::Pane,
    scene::Scene,
    text,
    theme::Role,
    widgets::frame::{input, row_as},
};

impl Decisions {
    pub(super) fn draw(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let [top, _] = head(inside(self.area), Decisions::HEAD_LINES);
        self.draw_head(frame, top, focused, scene);
        if self.split.list.height > 0 {
            self.draw_rows(frame, focused && !self.reading, scene);
        }
        if let Some((area, rule)) = self.split.rule {
            view_rule(frame, area, rule, scene);
        }
        if let Some(side) = &self.side {
            self.draw_side(frame, side, focused && self.reading, scene);
        }
    }

    fn draw_head(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let theme = scene.theme;
        let [line, below] = head(area, 1);
        let said = match self.statuses {
            Statuses::Current => String::new(),
            statuses => format!(" {}", statuses.word()),
        };
        let said = if scene.hub.is_live() { said } else { format!(" as known then{said}") };
        let width = text::width(&said) as u16;
        let [asks, told] = {
            let room = line.width.saturating_sub(width);
            [Rect { width: room, ..line }, Rect { x: line.x + room, width: line.width - room, ..line }]
        };
        let key = scene.key(Action::FilterDecisions, Place::Decisions);
        let placeholder = key.filter(|_| !self.typing);
        let placeholder = placeholder.map_or("words".to_owned(), |key| format!("{key} to filter"));
        input(frame, asks, &self.filter, "", &placeholder, focused && self.typing, scene);
        frame.render_widget(Paragraph::new(Line::styled(said, theme.style(Role::QueryField))), told);
        let (said, role) = match &self.fault {
            Some(fault) => {
                (format!("{} {}", theme.glyph(Role::Error), text::escape_line(&fault.message)), Role::Error)
            }
            None => (theme.lines().0.repeat(below.width as usize), Role::Rule),
        };
        let said = text::cut(&said, below.width as usize).into_owned();
        frame.render_widget(Paragraph::new(Line::styled(said, theme.style(role))), below);
    }

    fn draw_rows(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let (area, theme) = (self.split.list, scene.theme);
        if self.rows.is_empty() {
            return self.draw_nothing(frame, area, scene);
        }
        // No row touches the line beside it.
        let air = u16::from(matches!(self.split.rule, Some((_, Rule::Down))));
        let rows = self.list.visible().filter_map(|at| Some((at, self.rows.get(at)?)));
        let lines: Vec<_> = rows
            .map(|(at, decision)| {
                let (line, mark) = row::line(decision, area.width.saturating_sub(air) as usize, scene);
                let chosen = (self.list.selected() == Some(at)).then_some(focused);
                row_as(line, chosen, (row::MARK_SPAN, mark), theme)
            })
            .collect();
        let dimmed = if scene.hub.is_live() { Style::new() } else { theme.style(Role::Off) };
        frame.render_widget(Paragraph::new(lines).style(dimmed), area);
        if let Some(track) = self.track() {
            track.view(frame, scene);
        }
    }

    fn draw_nothing(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let key = |action| scene.key(action, Place::Decisions).unwrap_or_default();
        let said = if !self.known {
            return;
        } else if self.is_filtered() || self.statuses != Statuses::default() {
            format!("No decision is like that. {} shows the current ones.", key(Action::Back))
        } else {
            format!(
                "{} records the first decision; {} shows those of every status.",
                key(Action::Decide),
                key(Action::TurnStatuses)
            )
        };
        let style = scene.theme.style(Role::Placeholder);
        let lines = text::wrap(&said, (area.width as usize).max(1));
        let lines: Vec<_> = lines.into_iter().map(|line| Line::styled(line, style)).collect();
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn draw_side(&self, frame: &mut Frame, side: &Side, focused: bool, scene: &Scene) {
        let (theme, area) = (scene.theme, self.split.side);
        let inner = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area };
        let lines = self.reader.visible(area.height as usize).to_vec();
        frame.render_widget(Paragraph::new(lines), inner);
        let title = match side {
            Side::Decision => " decision ",
            Side::Calibration(_) => " calibration ",
            Side::History(..) => " history ",
        };
        let (on, off) = (theme.style(Role::TitleFocus), theme.style(Role::Title));
        let across = self.split.rule.filter(|(rule, down)| *down == Rule::Across && rule.width > 24);
        if let Some((rule, _)) = across {
            let at = Rect { x: rule.x + 1, width: title.len() as u16, ..rule };
            let style = if focused { on } else { off };
            frame.render_widget(Paragraph::new(Line::styled(title, style)), at);
        }
        let Some(percent) = self.reader.percent(area.height as usize) else { return };
        let said = format!(" {percent} % ");
        let width = said.len() as u16;
        let at = match across {
            Some((rule, _)) => Rect { x: rule.right().saturating_sub(width + 1), width, ..rule },
            None if area.width > width && area.height > 0 => {
                Rect { x: area.right() - width, y: area.bottom() - 1, width, height: 1 }
            }
            None => return,
        };
        let role = if focused { Role::Accent } else { Role::Muted };
        frame.render_widget(Paragraph::new(Line::from(Span::styled(said, theme.style(role)))), at);
    }
}
