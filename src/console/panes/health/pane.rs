//! Health as a pane of the deck.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::Health;
use crate::{
    console::{
        action::{Action, Place},
        layout::{Shares, Split, inside},
        msg::{Answer, Link},
        panes::{Pane, search::view_rule},
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{frame::step_of, list::Step},
    },
    door::Overall,
    model::Time,
};

impl Pane for Health {
    fn arrange(&mut self, area: Rect, shares: Shares) {
        self.split.shares = shares;
        self.area = area;
        self.settle();
    }

    fn split(&self) -> &Split {
        &self.split
    }

    fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let inner = inside(self.area);
        let Some(found) = &self.found else {
            let said = match &self.fault {
                Some(fault) => {
                    format!("{} {}", scene.theme.glyph(Role::Error), text::escape_line(&fault.message))
                }
                None => String::new(),
            };
            let lines = text::wrap(&said, (inner.width as usize).max(1));
            let lines: Vec<_> =
                lines.into_iter().map(|line| Line::styled(line, scene.theme.style(Role::Error))).collect();
            return frame.render_widget(Paragraph::new(lines), inner);
        };
        if !self.is_listed() {
            let lines = self.gauges(found, inner.width as usize, focused, scene);
            frame.render_widget(Paragraph::new(lines).style(self.dimmed(scene)), inner);
            return;
        }
        self.draw_list(frame, self.split.list, found, focused && !self.reading, scene);
        if let Some((area, rule)) = self.split.rule {
            view_rule(frame, area, rule, scene);
        }
        let area = self.split.side;
        let side = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area };
        self.draw_detail(frame, side, found, scene);
        if self.dimmed(scene) != Style::new() {
            frame.buffer_mut().set_style(inner, self.dimmed(scene));
        }
    }

    fn state(&self, scene: &Scene) -> Vec<Span<'static>> {
        let Some(found) = &self.found else { return Vec::new() };
        let role = match found.status {
            Overall::Healthy => Role::HealthUp,
            Overall::Degraded => Role::HealthDegraded,
            Overall::Unhealthy => Role::HealthDown,
        };
        let mut said = found.status.word().to_owned();
        if let Some(age) = self.age(scene.now).filter(|_| self.is_shown()) {
            said.push_str(&format!(", {} ago", text::age(age)));
        }
        vec![Span::styled(format!("{said} "), scene.theme.style(role))]
    }

    fn doing(&self, scene: &Scene) -> Option<Span<'static>> {
        let fault = self.fault.as_ref().filter(|_| self.found.is_some())?;
        let room = self.area.width.saturating_sub(6) as usize;
        let said = format!(" {} {} ", scene.theme.glyph(Role::Error), text::escape_line(&fault.message));
        Some(Span::styled(text::cut(&said, room).into_owned(), scene.theme.style(Role::Error)))
    }

    fn places(&self) -> Vec<Place> {
        vec![Place::Health]
    }

    fn is_typing(&self) -> bool {
        false
    }

    fn stop_typing(&mut self, _: &mut Out) {}

    fn leads_back(&self) -> bool {
        self.reading || self.cursor.is_some()
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        if let Some(step) = step_of(action) {
            self.step(step);
            return true;
        }
        match action {
            Action::Open if self.is_listed() => self.reading = true,
            Action::Open => out.act = Some(Action::Zoom),
            Action::Back if self.cursor.take().is_some() => {}
            Action::Back => return std::mem::take(&mut self.reading),
            Action::Earlier => self.look(-1, out),
            Action::Later => self.look(1, out),
            _ => return false,
        }
        true
    }

    fn why_not(&self, action: Action, _: &Scene) -> Option<String> {
        let needs = || self.selected().is_none().then(|| "nothing is known of the hub yet".to_owned());
        match action {
            Action::Open | Action::Copy | Action::CopyJson => needs(),
            Action::Earlier | Action::Later => {
                self.trends.points.is_empty().then(|| "there are no trends yet".to_owned())
            }
            Action::CopyId | Action::CopyLink => Some("a part of the hub has no id".to_owned()),
            Action::Export => {
                Some("only lists can be exported; the key that copies JSON takes all of this".to_owned())
            }
            Action::Complete => Some("there is nothing to complete here".to_owned()),
            _ => None,
        }
    }

    fn copied(&self, action: Action) -> Option<String> {
        let (name, component) = self.selected()?;
        Some(match action {
            Action::CopyJson => serde_json::to_string_pretty(self.found()?).unwrap_or_default(),
            _ => {
                let said = component.cause.as_ref().unwrap_or(&component.note);
                format!("{name}  {}  {said}", component.status.word())
            }
        })
    }

    fn has_selection(&self) -> bool {
        self.selected().is_some()
    }

    fn has_opened(&self) -> bool {
        self.reading
    }

    fn click(&mut self, x: u16, y: u16, _: &Scene, _: &mut Out) {
        if self.is_listed() && self.split.list.contains((x, y).into()) {
            self.reading = false;
            if let Some(row) = self.list.row_at((y - self.split.list.y) as usize, 1) {
                self.list.select(row);
            }
        } else if self.is_listed() && self.split.side.contains((x, y).into()) {
            self.reading = true;
        }
    }

    fn wheel(&mut self, x: u16, y: u16, step: Step, _: &mut Out) {
        if self.is_listed() && self.split.side.contains((x, y).into()) {
            self.top = if step == Step::Up { self.top.saturating_sub(3) } else { self.top + 3 };
        } else {
            self.list.step(step);
        }
    }

    fn lay_out(&mut self, _: &Scene) {
        // What is read ends where its last line stands: charts, numbers and what is said of one part.
        self.top = self.top.min(60);
    }

    fn tick(&mut self, scene: &Scene, out: &mut Out) {
        self.refresh(scene, out);
    }

    fn wake(&self, scene: &Scene) -> Option<Time> {
        self.due().filter(|_| scene.hub.is_live())
    }

    fn link(&mut self, link: &Link, scene: &Scene, out: &mut Out) {
        match link {
            Link::Up { .. } => self.hub_is_there(scene, out),
            Link::Events(events) if events.iter().any(|event| event.domain() == "health") => {
                self.changed(scene);
            }
            _ => {}
        }
    }

    fn answer(&mut self, answer: Answer, scene: &Scene, _: &mut Out) -> Option<Answer> {
        match answer {
            Answer::Health { generation, result } => self.came(generation, result, scene),
            other => return Some(other),
        }
        None
    }
}

impl Health {
    /// What is of another time does not look like now.
    fn dimmed(&self, scene: &Scene) -> Style {
        let stale = !scene.hub.is_live() || self.age(scene.now).is_some();
        if stale { scene.theme.style(Role::Muted) } else { Style::new() }
    }
}
