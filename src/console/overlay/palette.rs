//! The palette: every action by a part of its name, the lately used first. What cannot run now is grey and says why.

use crossterm::event::KeyEvent;
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
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
    keymap::Shipped,
    layout::{centred, head},
    scene::{Out, Scene},
    theme::Role,
    widgets::{
        frame::{body_line, foot, foot_at, input, matched, step_of, window},
        line::{Line, Typed},
        list::List,
        toast::Toast,
    },
};

const WIDTH: u16 = 76;
const HEIGHT: u16 = 20;
const FOOT: [(Action, &str); 2] = [(Action::Open, "run"), (Action::Back, "close")];

/// A row: an action as it stands now, or what an action asks for.
#[derive(Debug, Clone)]
pub struct Entry {
    pub title: String,
    /// Found by it too.
    pub name: &'static str,
    /// Its keys, or what else is to be said at the right.
    pub right: String,
    pub why_not: Option<String>,
    pub run: Run,
}

#[derive(Debug, Clone, Copy)]
pub enum Run {
    Action(Action),
    Keymap(Shipped),
}

pub struct Palette {
    title: &'static str,
    placeholder: &'static str,
    typed: Line,
    entries: Vec<Entry>,
    /// Indexes of the entries that match, best first, with the matched characters.
    shown: Vec<(usize, Vec<u32>)>,
    list: List,
    matcher: Matcher,
}

impl Palette {
    /// `entries` in the order they stand in before anything is typed.
    pub fn actions(entries: Vec<Entry>) -> Palette {
        Palette::new("Palette", "what would you like to do?", entries)
    }

    /// Asks which keymap to use.
    pub fn keymaps(now: Shipped) -> Palette {
        let entries = Shipped::ALL.map(|shipped| Entry {
            title: shipped.name().to_owned(),
            name: shipped.name(),
            right: if shipped == now { "in use".to_owned() } else { String::new() },
            why_not: None,
            run: Run::Keymap(shipped),
        });
        Palette::new("Keymap", "whose keys, until you quit?", entries.into())
    }

    fn new(title: &'static str, placeholder: &'static str, entries: Vec<Entry>) -> Palette {
        let mut palette = Palette {
            title,
            placeholder,
            typed: Line::default(),
            entries,
            shown: Vec::new(),
            list: List::default(),
            matcher: Matcher::new(Config::DEFAULT),
        };
        palette.narrow();
        palette
    }

    pub fn selected(&self) -> Option<&Entry> {
        self.entries.get(self.shown.get(self.list.selected()?)?.0)
    }

    /// The keys were read again: rows that are the same action have their keys now.
    pub fn keys_came(&mut self, fresh: &[Entry]) {
        for entry in &mut self.entries {
            if let Some(now) = fresh.iter().find(|now| now.name == entry.name) {
                entry.right.clone_from(&now.right);
            }
        }
    }

    fn narrow(&mut self) {
        let pattern = Pattern::parse(self.typed.text(), CaseMatching::Ignore, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut found: Vec<(u32, usize, Vec<u32>)> = Vec::new();
        for (i, entry) in self.entries.iter().enumerate() {
            let mut at = Vec::new();
            // `q` is Quit before it is a query; the beginning of a name tells nothing.
            self.matcher.config.prefer_prefix = true;
            let title = Utf32Str::new(&entry.title, &mut buffer);
            if let Some(score) = pattern.indices(title, &mut self.matcher, &mut at) {
                at.sort_unstable();
                found.push((score + 1, i, at));
                continue;
            }
            self.matcher.config.prefer_prefix = false;
            let name = Utf32Str::new(entry.name, &mut buffer);
            if let Some(score) = pattern.score(name, &mut self.matcher) {
                found.push((score, i, Vec::new()));
            }
        }
        if !self.typed.is_empty() {
            // To the matcher one letter is worth the same everywhere.
            let later = |at: &[u32]| at.first() != Some(&0);
            found.sort_by_key(|(score, i, at)| (std::cmp::Reverse(*score), later(at), *i));
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
                    match entry.run {
                        Run::Action(action) => out.act = Some(action),
                        Run::Keymap(keymap) => out.keymap = Some(keymap),
                    }
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

    fn click(&mut self, at: Position, area: Rect, scene: &Scene, out: &mut Out) {
        let area = self.area(area);
        if !area.contains(at) {
            out.close = true;
        } else if let Some(action) = foot_at(at, area, Place::Palette, &FOOT, scene) {
            self.act(action, scene, out);
        } else if let Some(row) = body_line(at, area).and_then(|line| self.list.row_at(line, 1)) {
            if self.list.selected() == Some(row) {
                self.act(Action::Open, scene, out);
            } else {
                self.list.select(row);
            }
        }
    }

    fn arrange(&mut self, area: Rect) {
        self.list.set_height(self.area(area).height.saturating_sub(4) as usize);
    }

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let area = self.area(area);
        let inner = window(frame, area, self.title, scene);
        foot(frame, area, Place::Palette, &FOOT, scene);
        let [top, body] = head(inner, 2);
        input(frame, top, &self.typed, "", self.placeholder, true, scene);
        let lines: Vec<Text> = if self.shown.is_empty() {
            vec![Text::styled("nothing is called that", scene.theme.style(Role::Placeholder))]
        } else {
            self.list.visible().filter_map(|row| self.row(row, inner.width as usize, scene)).collect()
        };
        frame.render_widget(Paragraph::new(lines), body);
    }
}

impl Palette {
    fn area(&self, area: Rect) -> Rect {
        let height = HEIGHT.min(self.entries.len() as u16 + 4);
        centred(area, WIDTH.min(area.width.saturating_sub(4)), height)
    }

    fn row(&self, row: usize, width: usize, scene: &Scene) -> Option<Text<'_>> {
        let theme = scene.theme;
        let (index, at) = self.shown.get(row)?;
        let entry = &self.entries[*index];
        let plain = if entry.why_not.is_some() { Role::HintOff } else { Role::Text };
        let chosen = self.list.selected() == Some(row);
        let base = theme.style(if chosen { Role::Selection } else { plain });
        let right = text::cut(entry.why_not.as_ref().unwrap_or(&entry.right), width / 2);
        let room = width.saturating_sub(text::width(&right) + 1);
        let asks = matches!(entry.run, Run::Action(action) if action.asks());
        let more = if asks && text::width(&entry.title) < room { theme.ellipsis() } else { "" };
        let title = text::cut(&entry.title, room);
        let found = if chosen { theme.selected(Role::Accent) } else { theme.style(Role::Accent) };
        let mut spans = matched(&title, at, base, base.patch(found));
        let gap = room.saturating_sub(text::width(&title) + text::width(more));
        spans.push(Span::styled(format!("{more}{}", " ".repeat(gap)), base));
        spans.push(Span::styled(right, if chosen { base } else { theme.style(Role::Muted) }));
        spans.push(Span::styled(" ", base));
        Some(Text::from(spans))
    }
}
