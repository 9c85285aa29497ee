//! Jobs as drawn: the filter, the rows, and what is open beside them.

use ratatui::{Frame, layout::Rect, style::Style, text::Line, widgets::Paragraph};

use super::{super::search::view_rule, Jobs, Order, Side, Typing, row};
use crate::console::{
    action::{Action, Place},
    layout::{Rule, head, inside},
    panes::Pane,
    scene::Scene,
    text,
    theme::Role,
    widgets::frame::{input, row_as},
};

impl Jobs {
    pub(super) fn draw(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let lines = self.head_lines();
        let [top, _] = head(inside(self.area), lines);
        if lines > 0 {
            self.draw_head(frame, top, focused, scene);
        }
        if self.split.list.height > 0 {
            self.draw_rows(frame, focused && !self.reading, scene);
        }
        if let Some((area, rule)) = self.split.rule {
            view_rule(frame, area, rule, scene);
        }
        if let Some(side) = self.side {
            let area = self.split.side;
            let inner = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area };
            match side {
                Side::Job => self.draw_job(frame, inner, focused && self.reading, scene),
                Side::Log => self.draw_log(frame, inner, focused && self.reading, scene),
            }
        }
    }

    fn draw_head(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let theme = scene.theme;
        let [line, below] = head(area, 1);
        let told = self.told(scene);
        let width = text::width(&told.1) as u16;
        let room = line.width.saturating_sub(width);
        let [asks, at] =
            [Rect { width: room, ..line }, Rect { x: line.x + room, width: line.width - room, ..line }];
        if let Some(Typing::Pause(_)) = self.typing {
            input(frame, asks, &self.pause, "", "why, and until when: disk moves until 2h", focused, scene);
        } else {
            let key = scene.key(Action::FilterJobs, Place::Jobs).filter(|_| self.typing.is_none());
            let placeholder = key.map_or("words".to_owned(), |key| format!("{key} to filter"));
            let typing = focused && self.typing.is_some();
            input(frame, asks, &self.filter, "", &placeholder, typing, scene);
        }
        frame.render_widget(Paragraph::new(Line::styled(told.1, theme.style(told.0))), at);
        let (said, role) = match &self.fault {
            Some(fault) => {
                (format!("{} {}", theme.glyph(Role::Error), text::escape_line(&fault.message)), Role::Error)
            }
            None => (theme.lines().0.repeat(below.width as usize), Role::Rule),
        };
        let said = text::cut(&said, below.width as usize).into_owned();
        frame.render_widget(Paragraph::new(Line::styled(said, theme.style(role))), below);
    }

    /// At the end of the head: what is typed means, how the list is ordered, that it is of another time.
    fn told(&self, scene: &Scene) -> (Role, String) {
        if let Some(Typing::Pause(_)) = self.typing {
            return match self.pause_words(scene) {
                Ok(words) => (Role::Muted, format!(" = paused {words}")),
                Err(why) => (Role::Error, format!(" {why}")),
            };
        }
        let order = if self.order == Order::Name { String::new() } else { format!(" {}", self.order.word()) };
        let then = if scene.hub.is_live() { "" } else { " as known then" };
        (Role::QueryField, format!("{then}{order}"))
    }

    fn draw_rows(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let (area, theme) = (self.split.list, scene.theme);
        if self.shown.is_empty() {
            return self.draw_nothing(frame, area, scene);
        }
        // No row touches the line beside it.
        let air = u16::from(matches!(self.split.rule, Some((_, Rule::Down))));
        let width = area.width.saturating_sub(air) as usize;
        let any_dead = self.all.iter().any(|view| view.dead > 0);
        let rows = self.list.visible().filter_map(|at| Some((at, self.all.get(*self.shown.get(at)?)?)));
        let lines: Vec<_> = rows
            .map(|(at, view)| {
                let (line, role) = row::line(view, any_dead, width, scene);
                let chosen = (self.list.selected() == Some(at)).then_some(focused);
                // The runs keep their colours in the selected row: they are what is looked for.
                match chosen {
                    Some(true) if !theme.selection_is_whole() => {
                        line.patch_style(theme.style(Role::Selection))
                    }
                    chosen => row_as(line, chosen, (row::TAIL_SPAN, role), theme),
                }
            })
            .collect();
        let dimmed = if scene.hub.is_live() { Style::new() } else { theme.style(Role::Off) };
        frame.render_widget(Paragraph::new(lines).style(dimmed), area);
        if let Some(track) = self.track() {
            track.view(frame, scene);
        }
    }

    fn draw_nothing(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        if !self.known {
            return;
        }
        let said = if self.is_filtered() {
            let key = scene.key(Action::Back, Place::Jobs).unwrap_or_default();
            format!("No job is like that. {key} shows all.")
        } else {
            "No jobs. Each is a table in a .toml file in the directory `jobs` of the data, or made by \
             `wheelhouse jobs define FILE`."
                .to_owned()
        };
        let style = scene.theme.style(Role::Placeholder);
        let lines = text::wrap(&said, (area.width as usize).max(1));
        let lines: Vec<_> = lines.into_iter().map(|line| Line::styled(line, style)).collect();
        frame.render_widget(Paragraph::new(lines), area);
    }
}
