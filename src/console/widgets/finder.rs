//! A list and the line above it that narrows it: what is typed finds names by their letters in order, the best first.
//! Every overlay in which one of many is chosen is one of these.

use std::borrow::Cow;

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

use super::{
    frame::{input, matched, point, step_of},
    line::{Line, Typed},
    list::{List, Step},
    scroll::Track,
};
use crate::console::{
    action::Action,
    layout::head,
    scene::Scene,
    text,
    theme::{Role, Theme},
};

/// What is typed, and a line of air below it.
const TYPED: u16 = 2;
/// Lines of the box that are none of the list's: its border too.
pub const FRAME: u16 = TYPED + 2;
/// Rows that the wheel goes by.
const WHEEL: usize = 3;

/// What can be found.
pub trait Named {
    fn name(&self) -> Cow<'_, str>;

    /// Words that find it too, as they stand; after all that are called so.
    fn also(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }
}

pub struct Finder<T> {
    typed: Line,
    items: Vec<T>,
    /// Those that match, by their place, with the places of the characters that do.
    found: Vec<(usize, Vec<u32>)>,
    list: List,
    matcher: Matcher,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clicked {
    Nothing,
    Selected,
    /// It was selected already.
    Taken,
}

/// How a row is to be drawn.
pub struct Row<'a> {
    pub matched: &'a [u32],
    pub chosen: bool,
    pub width: usize,
}

impl<T: Named> Finder<T> {
    /// In the order they stand in before anything is typed.
    pub fn new(items: Vec<T>) -> Finder<T> {
        let (typed, list, matcher) = (Line::default(), List::default(), Matcher::new(Config::DEFAULT));
        let mut finder = Finder { typed, items, found: Vec::new(), list, matcher };
        finder.narrow();
        finder
    }

    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// They are others now; the selection stays on its line.
    pub fn change(&mut self, change: impl FnOnce(&mut Vec<T>)) {
        change(&mut self.items);
        self.narrow();
    }

    pub fn selected(&self) -> Option<&T> {
        let (at, _) = self.found.get(self.list.selected()?)?;
        self.items.get(*at)
    }

    /// Selects the first that is so, of those found; else the first of all.
    pub fn select(&mut self, is_it: impl Fn(&T) -> bool) {
        let at = self.found.iter().position(|(at, _)| is_it(&self.items[*at]));
        self.list.select(at.unwrap_or(0));
    }

    pub fn is_narrowed(&self) -> bool {
        !self.typed.is_empty()
    }

    pub fn clear(&mut self) {
        self.typed.clear();
        self.typed_on();
    }

    fn typed_on(&mut self) {
        self.narrow();
        self.list.select(0);
    }

    fn narrow(&mut self) {
        let typed = self.typed.text();
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let words: Vec<String> = typed.split_whitespace().map(str::to_lowercase).collect();
        let mut buffer = Vec::new();
        let mut found: Vec<(u32, usize, Vec<u32>)> = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            let mut matched = Vec::new();
            let name = item.name();
            let name = Utf32Str::new(&name, &mut buffer);
            if let Some(score) = pattern.indices(name, &mut self.matcher, &mut matched) {
                matched.sort_unstable();
                found.push((score + 1, at, matched));
                continue;
            }
            let also = item.also().to_lowercase();
            if words.iter().all(|word| also.contains(word)) {
                found.push((0, at, Vec::new()));
            }
        }
        if !words.is_empty() {
            // To the matcher a letter is worth the same wherever a word begins; `q` is Quit before it is a query.
            let later = |matched: &[u32]| matched.first() != Some(&0);
            found.sort_by_key(|(score, at, matched)| (std::cmp::Reverse(*score), later(matched), *at));
        }
        self.found = found.into_iter().map(|(_, at, matched)| (at, matched)).collect();
        self.list.set_len(self.found.len());
    }

    // ── what comes from keys and mouse ──────────────────────────────────────────────────────────────────────────

    /// Steps, and the line cleared. `false`: it is not for a list.
    pub fn act(&mut self, action: Action) -> bool {
        match step_of(action) {
            Some(step) => self.list.step(step),
            None if action == Action::ClearText => self.clear(),
            None => return false,
        }
        true
    }

    /// Whether the list was narrowed by it.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let changed = self.typed.key(key) == Typed::Changed;
        if changed {
            self.typed_on();
        }
        changed
    }

    pub fn paste(&mut self, text: &str) {
        self.typed.insert(text);
        self.typed_on();
    }

    /// A click inside the box.
    pub fn click(&mut self, at: Position, inner: Rect) -> Clicked {
        let [top, body] = head(inner, TYPED);
        if top.contains(at) {
            point(&mut self.typed, top, at);
            return Clicked::Nothing;
        }
        let line = body.contains(at).then(|| (at.y - body.y) as usize);
        match line.and_then(|line| self.list.row_at(line, 1)) {
            Some(row) if self.list.selected() == Some(row) => Clicked::Taken,
            Some(row) => {
                self.list.select(row);
                Clicked::Selected
            }
            None => Clicked::Nothing,
        }
    }

    /// What is selected goes along as far as it must.
    pub fn wheel(&mut self, step: Step) {
        let top = self.list.visible().start;
        self.list.scroll_to(if step == Step::Up { top.saturating_sub(WHEEL) } else { top + WHEEL });
    }

    // ── how it looks ────────────────────────────────────────────────────────────────────────────────────────────

    /// Lines it would take if nothing were typed, with its frame.
    pub fn height(&self, rows_max: u16) -> u16 {
        FRAME + (self.items.len().max(1) as u16).min(rows_max)
    }

    /// The list has all of the box but what is said below it.
    pub fn arrange(&mut self, inner: Rect, below: usize) {
        let [_, body] = head(inner, TYPED);
        self.list.set_height((body.height as usize).saturating_sub(below));
    }

    /// Line and list; `nothing` is said where none is found. Answers what is left below.
    pub fn view(
        &self,
        frame: &mut Frame,
        inner: Rect,
        [placeholder, nothing]: [&str; 2],
        row: impl Fn(&T, Row) -> Text<'static>,
        scene: &Scene,
    ) -> Rect {
        let [top, body] = head(inner, TYPED);
        input(frame, top, &self.typed, "", placeholder, true, scene);
        let [list, below] = head(body, self.list.height() as u16);
        let width = list.width as usize;
        let lines: Vec<Text> = if self.list.is_empty() {
            let said = text::cut(nothing, width).into_owned();
            vec![Text::styled(said, scene.theme.style(Role::Placeholder))]
        } else {
            let chosen = self.list.selected();
            let rows = self.list.visible().map(|at| {
                let (item, matched) = &self.found[at];
                row(&self.items[*item], Row { matched, chosen: chosen == Some(at), width })
            });
            rows.collect()
        };
        frame.render_widget(Paragraph::new(lines), list);
        if let Some(track) = Track::beside(list, None, self.list.visible(), self.list.len()) {
            track.view(frame, scene);
        }
        below
    }
}

impl Row<'_> {
    /// Stands before a row.
    pub fn mark<'a>(&self, theme: &'a Theme) -> &'a str {
        if self.chosen { theme.glyph(Role::Selection) } else { " " }
    }

    /// A name with what was typed marked in it, what belongs to it, and at the right what is to be said of it.
    pub fn draw(
        &self,
        (name, role): (&str, Role),
        more: &str,
        (aside, aside_role): (&str, Role),
        scene: &Scene,
    ) -> Text<'static> {
        let theme = scene.theme;
        let base = theme.style(if self.chosen { Role::Selection } else { role });
        let lit = |role| if self.chosen { base.patch(theme.selected(role)) } else { theme.style(role) };
        let aside = text::cut(aside, self.width / 2);
        // The mark and a space, two before what stands at the right, and one behind it.
        let room = self.width.saturating_sub(text::width(&aside) + 5);
        let name = text::cut(name, room);
        let more = text::cut(more, room - text::width(&name));
        let gap = room + 2 - text::width(&name) - text::width(&more);
        let mut spans = vec![Span::styled(format!("{} ", self.mark(theme)), lit(Role::Accent))];
        spans.extend(matched(&name, self.matched, base, base.patch(lit(Role::Accent))));
        spans.push(Span::styled(format!("{more}{}", " ".repeat(gap)), base));
        spans.push(Span::styled(aside.into_owned(), lit(aside_role)));
        spans.push(Span::styled(" ", base));
        Text::from(spans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Thing(&'static str, &'static str);

    impl Named for Thing {
        fn name(&self) -> Cow<'_, str> {
            self.0.into()
        }

        fn also(&self) -> Cow<'_, str> {
            self.1.into()
        }
    }

    fn things() -> Finder<Thing> {
        let things = [("Search", "query.focus"), ("Former queries", "query.history"), ("Quit", "app.quit")];
        let mut finder = Finder::new(things.map(|(name, also)| Thing(name, also)).into());
        finder.arrange(Rect::new(0, 0, 20, 4), 0);
        finder
    }

    #[track_caller]
    fn check(typed: &str, found: &[&str]) {
        let mut finder = things();
        finder.paste(typed);
        let names: Vec<_> = finder.found.iter().map(|(at, _)| finder.items[*at].0).collect();
        assert_eq!(names, found, "{typed:?}");
    }

    #[test]
    fn names_are_found_by_their_letters_before_those_that_other_words_find() {
        check("", &["Search", "Former queries", "Quit"]);
        check(" ", &["Search", "Former queries", "Quit"]);
        check("q", &["Quit", "Former queries", "Search"]);
        check("query.", &["Search", "Former queries"]);
        check("fmq", &["Former queries"]);
        check("HIST query", &["Former queries"]);
        check("qfocus", &[]);
    }

    #[test]
    fn a_click_selects_takes_and_sets_the_caret() {
        let inner = Rect::new(2, 5, 20, 4);
        let mut finder = things();
        finder.paste("e");
        assert_eq!(finder.items.len(), 3);
        let click = |finder: &mut Finder<Thing>, x, y| finder.click(Position::new(x, y), inner);
        let first = finder.selected().map(|thing| thing.0);
        assert_eq!(click(&mut finder, 9, 8), Clicked::Selected);
        assert_ne!(finder.selected().map(|thing| thing.0), first);
        assert_eq!(click(&mut finder, 9, 8), Clicked::Taken);
        assert_eq!(click(&mut finder, 9, 6), Clicked::Nothing);
        assert_eq!(click(&mut finder, 4, 5), Clicked::Nothing);
        assert_eq!(finder.typed.at(), 0, "before the letter");
    }

    #[test]
    fn the_wheel_scrolls_and_takes_the_selection_along() {
        let mut finder = things();
        finder.wheel(Step::Down);
        assert_eq!(finder.selected().map(|thing| thing.0), Some("Former queries"), "two of three are seen");
        finder.wheel(Step::Up);
        assert_eq!(finder.list.visible(), 0..2);
    }
}
