//! The palette: every action by a part of its name, the lately used first. What cannot run now is grey and says why.

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
use crate::console::text;
use crate::console::{
    action::{Action, Place},
    layout::{centred, head},
    scene::{Out, Scene},
    theme::Role,
    widgets::{
        frame::{foot, input, step_of, window},
        line::{Line, Typed},
        list::List,
        toast::Toast,
    },
};

const WIDTH: u16 = 76;
const HEIGHT: u16 = 20;

/// An action as it stands now.
#[derive(Debug, Clone)]
pub struct Entry {
    pub action: Action,
    pub keys: String,
    pub why_not: Option<String>,
}

pub struct Palette {
    typed: Line,
    entries: Vec<Entry>,
    /// Indexes of the entries that match, best first, with the matched characters.
    shown: Vec<(usize, Vec<u32>)>,
    list: List,
    matcher: Matcher,
}

impl Palette {
    /// `entries` in the order they stand in before anything is typed.
    pub fn new(entries: Vec<Entry>) -> Palette {
        let mut palette = Palette {
            typed: Line::default(),
            entries,
            shown: Vec::new(),
            list: List::default(),
            matcher: Matcher::new(Config::DEFAULT),
        };
        palette.list.set_height(HEIGHT as usize - 4);
        palette.narrow();
        palette
    }

    pub fn selected(&self) -> Option<&Entry> {
        self.entries.get(self.shown.get(self.list.selected()?)?.0)
    }

    fn narrow(&mut self) {
        let pattern = Pattern::parse(self.typed.text(), CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut found: Vec<(u32, usize, Vec<u32>)> = Vec::new();
        for (i, entry) in self.entries.iter().enumerate() {
            let mut at = Vec::new();
            let title = Utf32Str::new(entry.action.title(), &mut buffer);
            if let Some(score) = pattern.indices(title, &mut self.matcher, &mut at) {
                at.sort_unstable();
                found.push((score + 1, i, at));
                continue;
            }
            let name = Utf32Str::new(entry.action.name(), &mut buffer);
            if let Some(score) = pattern.score(name, &mut self.matcher) {
                found.push((score, i, Vec::new()));
            }
        }
        if !self.typed.is_empty() {
            found.sort_by_key(|(score, i, _)| (std::cmp::Reverse(*score), *i));
        }
        self.shown = found.into_iter().map(|(_, i, at)| (i, at)).collect();
        self.list.set_len(self.shown.len());
        self.list.select(0);
    }
}

impl Above for Palette {
    fn place(&self) -> Place {
        Place::Palette
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back => out.close = true,
            Action::Open => match self.selected() {
                Some(Entry { why_not: Some(why), .. }) => out.toast(Toast::say(why.clone())),
                Some(entry) => {
                    out.act = Some(entry.action);
                    out.close = true;
                }
                None => {}
            },
            Action::ClearText => {
                self.typed.clear();
                self.narrow();
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
            self.narrow();
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, _: &mut Out) {
        self.typed.insert(text);
        self.narrow();
    }

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let area = centred(area, WIDTH.min(area.width.saturating_sub(4)), HEIGHT);
        let inner = window(frame, area, "Palette", scene);
        foot(frame, area, &[("Enter", "run"), ("Esc", "close")], scene);
        let [top, body] = head(inner, 2);
        input(frame, top, &self.typed, "", "what would you like to do?", true, scene);
        let width = inner.width as usize;
        let mut lines: Vec<Text> = Vec::new();
        let rows = self.list.visible().take(body.height as usize);
        let first = self.list.selected().map_or(0, |row| (row + 1).saturating_sub(body.height as usize));
        let rows = if rows.len() < self.list.visible().len() {
            first..first + rows.len()
        } else {
            self.list.visible()
        };
        for row in rows {
            let Some((index, at)) = self.shown.get(row) else { continue };
            let entry = &self.entries[*index];
            let chosen = self.list.selected() == Some(row);
            let plain = if entry.why_not.is_some() { Role::HintOff } else { Role::Text };
            let base = if chosen { theme.style(Role::Selection) } else { theme.style(plain) };
            let right = entry.why_not.clone().unwrap_or_else(|| entry.keys.clone());
            let right = text::cut(&right, width / 2).into_owned();
            let room = width.saturating_sub(text::width(&right) + 1);
            let title = text::cut(entry.action.title(), room).into_owned();
            let mut spans: Vec<Span> = title
                .chars()
                .enumerate()
                .map(|(i, c)| {
                    let matched = at.binary_search(&(i as u32)).is_ok();
                    let found = theme.style(Role::Match);
                    let found = if chosen { theme.selected(Role::Match) } else { found };
                    let style = if matched { base.patch(found) } else { base };
                    Span::styled(c.to_string(), style)
                })
                .collect();
            spans.push(Span::styled(" ".repeat(room.saturating_sub(text::width(&title))), base));
            let right_role = if entry.why_not.is_some() { Role::HintOff } else { Role::HintKey };
            spans.push(Span::styled(right, if chosen { base } else { theme.style(right_role) }));
            spans.push(Span::styled(" ", base));
            lines.push(Text::from(spans));
        }
        if self.shown.is_empty() {
            lines.push(Text::styled("nothing is called that", theme.style(Role::Placeholder)));
        }
        frame.render_widget(Paragraph::new(lines), body);
    }
}
