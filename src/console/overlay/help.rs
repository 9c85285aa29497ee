//! Help: every key of where one stands, and of everywhere, from the same table the keys come from. Typing narrows it.

use std::ops::Range;

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Position, Rect},
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
        frame::{input, point, step_of},
        line::{Line, Typed},
        list::Step,
        scroll::Track,
    },
};

const WIDTH: u16 = 84;
const KEYS_WIDTH: usize = 22;
/// Lines that the wheel goes by.
const WHEEL: usize = 3;

/// A place and its keys.
#[derive(Debug, Clone)]
pub struct Section {
    pub title: &'static str,
    pub rows: Vec<Row>,
}

#[derive(Debug, Clone)]
pub struct Row {
    pub keys: String,
    pub title: String,
    pub why_not: Option<String>,
}

pub struct Help {
    typed: Line,
    sections: Vec<Section>,
    /// The first line seen, and how many are.
    top: usize,
    height: usize,
}

impl Help {
    pub fn new(sections: Vec<Section>) -> Help {
        Help { typed: Line::default(), sections, top: 0, height: 0 }
    }

    /// The keys were read again.
    pub fn keys_came(&mut self, sections: Vec<Section>) {
        self.sections = sections;
        self.scroll(self.top);
    }

    /// The sections with what is typed in a row of theirs.
    fn found(&self) -> impl Iterator<Item = (&'static str, Vec<&Row>)> {
        let asked = Asked::new(self.typed.text());
        self.sections.iter().filter_map(move |section| {
            let rows: Vec<&Row> = section.rows.iter().filter(|row| asked.finds(row)).collect();
            (!rows.is_empty()).then_some((section.title, rows))
        })
    }

    /// Headings, rows, and a line of air between the sections.
    fn len(&self) -> usize {
        self.found().map(|(_, rows)| rows.len() + 2).sum::<usize>().saturating_sub(1)
    }

    fn scroll(&mut self, top: usize) {
        self.top = top.min(self.len().saturating_sub(self.height));
    }

    fn lines(&self, width: usize, scene: &Scene) -> Vec<Text<'static>> {
        let theme = scene.theme;
        let asked = Asked::new(self.typed.text());
        let mut lines = Vec::new();
        for (title, rows) in self.found() {
            if !lines.is_empty() {
                lines.push(Text::default());
            }
            lines.push(Text::styled(title, theme.style(Role::Heading2)));
            lines.extend(rows.into_iter().map(|row| draw(row, &asked, width, scene)));
        }
        if lines.is_empty() {
            lines.push(Text::styled("no key does that", theme.style(Role::Placeholder)));
        }
        lines
    }
}

fn draw(row: &Row, asked: &Asked, width: usize, scene: &Scene) -> Text<'static> {
    let theme = scene.theme;
    let plain = theme.style(if row.why_not.is_some() { Role::HintOff } else { Role::Text });
    let column = KEYS_WIDTH.min(width / 3);
    let keys = text::pad(&text::cut(&row.keys, column.saturating_sub(2)), column);
    let mut spans = vec![Span::styled(keys, theme.style(Role::HintKey))];
    let title = text::cut(&row.title, width.saturating_sub(column)).into_owned();
    let mut from = 0;
    for range in asked.ranges(&title) {
        spans.push(Span::styled(title[from..range.start].to_owned(), plain));
        spans.push(Span::styled(title[range.clone()].to_owned(), plain.patch(theme.style(Role::Accent))));
        from = range.end;
    }
    spans.push(Span::styled(title[from..].to_owned(), plain));
    if let Some(why) = &row.why_not {
        let room = width.saturating_sub(column + text::width(&title) + 3);
        spans.push(Span::styled(format!("   {}", text::cut(why, room)), theme.style(Role::HintOff)));
    }
    Text::from(spans)
}

/// What is typed: keys as they are printed, or words of what they do.
struct Asked {
    keys: String,
    words: Vec<String>,
}

impl Asked {
    fn new(typed: &str) -> Asked {
        let keys = typed.trim().to_ascii_lowercase();
        let words = keys.split_whitespace().map(str::to_owned).collect();
        Asked { keys, words }
    }

    fn finds(&self, row: &Row) -> bool {
        let title = row.title.to_ascii_lowercase();
        row.keys.to_ascii_lowercase().split("  ").any(|keys| keys == self.keys)
            || self.words.iter().all(|word| title.contains(word))
    }

    /// Where the words stand in a title, in order and apart from one another.
    fn ranges(&self, title: &str) -> Vec<Range<usize>> {
        // ASCII alone changes: every byte keeps its place.
        let title = title.to_ascii_lowercase();
        let mut ranges: Vec<_> =
            self.words.iter().filter_map(|word| title.find(word).map(|at| at..at + word.len())).collect();
        ranges.sort_by_key(|range| range.start);
        let mut end = 0;
        ranges.retain(|range| {
            let apart = range.start >= end;
            end = if apart { range.end } else { end };
            apart
        });
        ranges
    }
}

impl Above for Help {
    fn place(&self) -> Place {
        Place::Help
    }

    fn title(&self) -> &str {
        "Help"
    }

    fn window(&self, area: Rect, _: &Scene) -> Rect {
        centred(area, WIDTH.min(area.width.saturating_sub(2)), area.height.saturating_sub(2))
    }

    fn foot(&self, _: &Scene) -> Vec<(Action, &'static str)> {
        vec![(Action::PageDown, "scroll"), (Action::Back, "close")]
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back if !self.typed.is_empty() => self.typed.clear(),
            Action::Back => out.close = true,
            Action::ClearText => self.typed.clear(),
            action => match step_of(action) {
                Some(Step::Up) => self.scroll(self.top.saturating_sub(1)),
                Some(Step::Down) => self.scroll(self.top + 1),
                Some(Step::PageUp) => self.scroll(self.top.saturating_sub(self.height)),
                Some(Step::PageDown) => self.scroll(self.top + self.height),
                Some(Step::First) => self.scroll(0),
                Some(Step::Last) => self.scroll(usize::MAX),
                None => return false,
            },
        }
        true
    }

    fn key(&mut self, key: KeyEvent, _: &Scene, _: &mut Out) {
        if self.typed.key(key) == Typed::Changed {
            self.top = 0;
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, _: &mut Out) {
        self.typed.insert(text);
        self.top = 0;
    }

    fn click(&mut self, at: Position, inner: Rect, _: &Scene, _: &mut Out) {
        let [top, _] = head(inner, 1);
        if top.contains(at) {
            point(&mut self.typed, top, at);
        }
    }

    fn leave(&mut self, _: &Scene, out: &mut Out) {
        out.close = true;
    }

    fn wheel(&mut self, step: Step, _: &Scene, _: &mut Out) {
        self.scroll(if step == Step::Up { self.top.saturating_sub(WHEEL) } else { self.top + WHEEL });
    }

    fn arrange(&mut self, _: Rect, inner: Rect) {
        self.height = inner.height.saturating_sub(2) as usize;
        self.scroll(self.top);
    }

    fn view(&self, frame: &mut Frame, _: Rect, inner: Rect, scene: &Scene) {
        let [top, body] = head(inner, 2);
        input(frame, top, &self.typed, "", "type to find a key or what it does", true, scene);
        let lines = self.lines(inner.width as usize, scene);
        let len = lines.len();
        let shown: Vec<_> = lines.into_iter().skip(self.top).take(body.height as usize).collect();
        let visible = self.top..self.top + shown.len();
        frame.render_widget(Paragraph::new(shown), body);
        if let Some(track) = Track::beside(body, None, visible, len) {
            track.view(frame, scene);
        }
    }
}
