//! `!`: each thing that is not as it should be, why, since when, the events that show it, and what to do.

use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line, Span},
    widgets::Paragraph,
};

use super::Above;
use crate::{
    console::{
        action::{Action, Place},
        layout::centred,
        panes::health::Wrong,
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{
            frame::{BORDERS, step_of},
            list::{List, Step},
        },
    },
    health::runbook,
};

const WIDTH: u16 = 92;

pub struct Wrongs {
    found: Vec<Wrong>,
    /// What is watched, to be said when nothing is wrong.
    watched: Vec<String>,
    list: List,
}

impl Wrongs {
    pub fn new(found: Vec<Wrong>, watched: Vec<String>) -> Wrongs {
        let mut wrongs = Wrongs { found: Vec::new(), watched, list: List::default() };
        wrongs.came(found);
        wrongs
    }

    /// As it is now.
    pub fn came(&mut self, found: Vec<Wrong>) {
        self.list.set_len(found.len());
        self.list.set_height(found.len());
        self.found = found;
    }

    /// The first line seen: the selected one is seen from its beginning on.
    fn top(&self, inner: Rect, scene: &Scene) -> usize {
        let (lines, starts) = self.lines(inner.width as usize, scene);
        let start = self.list.selected().and_then(|at| starts.get(at)).copied().unwrap_or(0);
        start.min(lines.len().saturating_sub(inner.height.saturating_sub(2) as usize))
    }

    /// The lines, and the first of each thing.
    fn lines(&self, width: usize, scene: &Scene) -> (Vec<Line<'static>>, Vec<usize>) {
        let mut lines = Vec::new();
        let mut starts = Vec::new();
        for (at, wrong) in self.found.iter().enumerate() {
            if at > 0 {
                lines.push(Line::default());
            }
            starts.push(lines.len());
            lines.extend(draw(wrong, self.list.selected() == Some(at), width, scene));
        }
        if self.found.is_empty() {
            let watched = match self.watched.is_empty() {
                true => "Nothing is known yet: the hub has not said how it does.".to_owned(),
                false => format!("All is well. Watched: {}.", self.watched.join(", ")),
            };
            let style = scene.theme.style(Role::Text);
            lines
                .extend(text::wrap(&watched, width.max(1)).into_iter().map(|line| Line::styled(line, style)));
        }
        (lines, starts)
    }
}

fn draw(wrong: &Wrong, chosen: bool, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let since = wrong.since.map_or(String::new(), |since| format!("  since {}", scene.when(since)));
    let head = Line::from(vec![
        Span::styled(format!("{} ", theme.glyph(wrong.role)), theme.style(wrong.role)),
        Span::styled(text::escape_line(&wrong.name).into_owned(), theme.style(Role::Strong)),
        Span::styled(since, theme.style(Role::Muted)),
    ]);
    let mut lines = vec![if chosen { head.style(theme.style(Role::Selection)) } else { head }];
    let mut say = |said: &str, role: Role| {
        let wrapped = text::wrap(&text::escape_line(said), width.saturating_sub(2).max(1));
        lines.extend(wrapped.into_iter().map(|line| Line::styled(format!("  {line}"), theme.style(role))));
    };
    say(&wrong.cause, Role::Text);
    say(&format!("events: {}", wrong.events), Role::QueryField);
    if let Some(entry) = wrong.runbook.as_deref().and_then(runbook) {
        say(&entry.works, Role::Muted);
        for (at, step) in entry.steps.iter().enumerate() {
            say(&format!("{}. {}", at + 1, step.replace('`', "")), Role::Text);
        }
        say(&entry.ends, Role::Muted);
    }
    lines
}

impl Above for Wrongs {
    fn place(&self) -> Place {
        Place::Wrong
    }

    fn title(&self) -> &str {
        if self.found.is_empty() { "All is well" } else { "Not as it should be" }
    }

    fn window(&self, area: Rect, scene: &Scene) -> Rect {
        let width = WIDTH.min(area.width.saturating_sub(2));
        let (lines, _) = self.lines(width.saturating_sub(BORDERS) as usize, scene);
        centred(area, width, (lines.len() as u16 + 4).min(area.height.saturating_sub(2)))
    }

    fn foot(&self, _: &Scene) -> Vec<(Action, &'static str)> {
        match self.found.is_empty() {
            true => vec![(Action::Back, "close")],
            false => vec![(Action::Open, "its events"), (Action::Down, "next"), (Action::Back, "close")],
        }
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back => out.close = true,
            Action::Open => {
                if let Some(wrong) = self.list.selected().and_then(|at| self.found.get(at)) {
                    out.events = Some(wrong.events.clone());
                    out.close = true;
                }
            }
            action => match step_of(action) {
                Some(step) => self.list.step(step),
                None => return false,
            },
        }
        true
    }

    fn click(&mut self, at: Position, inner: Rect, scene: &Scene, out: &mut Out) {
        let (_, starts) = self.lines(inner.width as usize, scene);
        let line = self.top(inner, scene) + (at.y.saturating_sub(inner.y + 1)) as usize;
        let Some(row) = starts.partition_point(|start| *start <= line).checked_sub(1) else { return };
        if self.list.selected() == Some(row) {
            self.act(Action::Open, scene, out);
        } else {
            self.list.select(row);
        }
    }

    fn wheel(&mut self, step: Step, _: &Scene, _: &mut Out) {
        self.list.step(step);
    }

    fn view(&self, frame: &mut Frame, _: Rect, inner: Rect, scene: &Scene) {
        let body = Rect { y: inner.y + 1.min(inner.height), height: inner.height.saturating_sub(2), ..inner };
        let (lines, _) = self.lines(inner.width as usize, scene);
        let shown: Vec<_> =
            lines.into_iter().skip(self.top(inner, scene)).take(body.height as usize).collect();
        frame.render_widget(Paragraph::new(shown), body);
    }
}
