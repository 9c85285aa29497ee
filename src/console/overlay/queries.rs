//! Former queries: the newest first, narrowed by what is typed, one to take again.

use crossterm::event::KeyEvent;
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line as Text, Span},
    widgets::Paragraph,
};

use super::Above;
use crate::{
    console::{
        action::{Action, Place},
        effect::Effect,
        layout::{centred, head},
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{
            frame::{foot, input, matched, step_of, window},
            line::{Line, Typed},
            list::List,
            toast::Toast,
        },
    },
    model::Fault,
};

const WIDTH: u16 = 76;
const HEIGHT: u16 = 20;
/// Border, input and a line between.
const FRAME: u16 = 4;

pub struct Queries {
    typed: Line,
    /// None until they are read.
    queries: Option<Vec<String>>,
    /// Those that match, by their place, with the matched characters.
    shown: Vec<(usize, Vec<u32>)>,
    list: List,
    matcher: Matcher,
}

impl Queries {
    pub fn new(out: &mut Out) -> Queries {
        out.effects.push(Effect::LoadQueries);
        Queries {
            typed: Line::default(),
            queries: None,
            shown: Vec::new(),
            list: List::default(),
            matcher: Matcher::new(Config::DEFAULT),
        }
    }

    pub fn came(&mut self, queries: Result<Vec<String>, Fault>, out: &mut Out) {
        match queries {
            Ok(queries) => self.queries = Some(queries),
            Err(fault) => {
                self.queries = Some(Vec::new());
                out.toast(Toast::fault("former queries", &fault));
            }
        }
        self.narrow();
    }

    fn selected(&self) -> Option<&str> {
        let (at, _) = self.shown.get(self.list.selected()?)?;
        Some(&self.queries.as_ref()?[*at])
    }

    /// The best match first; of equal ones, and while nothing is typed, the newest.
    fn narrow(&mut self) {
        let pattern = Pattern::parse(self.typed.text(), CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut found: Vec<(u32, usize, Vec<u32>)> = Vec::new();
        for (at, query) in self.queries.iter().flatten().enumerate() {
            let mut indices = Vec::new();
            let haystack = Utf32Str::new(query, &mut buffer);
            if let Some(score) = pattern.indices(haystack, &mut self.matcher, &mut indices) {
                indices.sort_unstable();
                found.push((score, at, indices));
            }
        }
        found.sort_by_key(|(score, at, _)| (std::cmp::Reverse(*score), *at));
        self.shown = found.into_iter().map(|(_, at, indices)| (at, indices)).collect();
        self.list.set_len(self.shown.len());
    }

    fn typed_on(&mut self) {
        self.narrow();
        self.list.select(0);
    }

    /// Out of the list and out of the file.
    fn forget(&mut self, out: &mut Out) {
        let Some(query) = self.selected().map(str::to_owned) else { return };
        if let Some(queries) = &mut self.queries {
            queries.retain(|known| *known != query);
        }
        out.effects.push(Effect::DropQuery(query));
        self.narrow();
    }

    fn area(&self, area: Rect) -> Rect {
        let rows = self.queries.as_ref().map_or(1, |queries| queries.len().max(1)) as u16;
        let height = HEIGHT.min(rows.saturating_add(FRAME));
        centred(area, WIDTH.min(area.width.saturating_sub(4)), height)
    }

    fn row(&self, row: usize, width: usize, scene: &Scene) -> Option<Text<'static>> {
        let theme = scene.theme;
        let (at, indices) = self.shown.get(row)?;
        let query = text::escape_line(&self.queries.as_ref()?[*at]).into_owned();
        let chosen = self.list.selected() == Some(row);
        let base = theme.style(if chosen { Role::Selection } else { Role::Text });
        let found = if chosen { theme.selected(Role::Accent) } else { theme.style(Role::Accent) };
        let mark = if chosen { theme.glyph(Role::Selection) } else { " " };
        let said = text::cut(&query, width.saturating_sub(3)).into_owned();
        let rest = width.saturating_sub(2 + text::width(&said));
        let mut spans = vec![Span::styled(format!("{mark} "), base)];
        spans.extend(matched(&said, indices, base, base.patch(found)));
        spans.push(Span::styled(" ".repeat(rest), base));
        Some(Text::from(spans))
    }
}

impl Above for Queries {
    fn place(&self) -> Place {
        Place::Queries
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back => out.close = true,
            Action::Open => {
                if let Some(query) = self.selected() {
                    out.query = Some(query.to_owned());
                    out.close = true;
                }
            }
            Action::ForgetQuery => self.forget(out),
            Action::ClearText => {
                self.typed.clear();
                self.typed_on();
            }
            action => match step_of(action) {
                Some(step) => self.list.step(step),
                None => return false,
            },
        }
        true
    }

    fn key(&mut self, key: KeyEvent, _: &Scene, _: &mut Out) {
        if self.typed.key(key) == Typed::Changed {
            self.typed_on();
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, _: &mut Out) {
        self.typed.insert(text);
        self.typed_on();
    }

    fn arrange(&mut self, area: Rect) {
        self.list.set_height(self.area(area).height.saturating_sub(FRAME) as usize);
    }

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let area = self.area(area);
        let inner = window(frame, area, "Former queries", scene);
        let keys = [(Action::Open, "take"), (Action::ForgetQuery, "forget"), (Action::Back, "close")];
        foot(frame, area, Place::Queries, &keys, scene);
        let [top, body] = head(inner, 2);
        input(frame, top, &self.typed, "", "type to narrow", true, scene);
        let said = match &self.queries {
            None => Some("reading them…"),
            Some(queries) if queries.is_empty() => {
                Some("none yet: each query you leave or open a hit of is kept")
            }
            Some(_) if self.shown.is_empty() => Some("none of them holds that"),
            Some(_) => None,
        };
        let lines: Vec<Text> = match said {
            Some(said) => {
                let said = text::cut(said, inner.width as usize).into_owned();
                vec![Text::styled(said, scene.theme.style(Role::Placeholder))]
            }
            None => {
                self.list.visible().filter_map(|row| self.row(row, inner.width as usize, scene)).collect()
            }
        };
        frame.render_widget(Paragraph::new(lines), body);
    }
}
