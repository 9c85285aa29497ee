//! An overlay in which one of many is chosen: a [`Finder`] in a box, and what becomes of what is selected and taken.

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::Line as Text,
    widgets::Paragraph,
};

use super::Above;
use crate::console::{
    action::{Action, Place},
    layout::{centred, corner},
    scene::{Out, Scene},
    theme::Role,
    widgets::{
        finder::{Clicked, Finder, Named, Row},
        frame::BORDERS,
        list::Step,
    },
};

/// Its box.
pub struct Look {
    pub title: &'static str,
    pub placeholder: &'static str,
    pub width: u16,
    pub rows_max: u16,
    /// It stands at the edge, so that the deck shows what is only looked at.
    pub aside: bool,
}

pub trait Chooser {
    type Item: Named;

    fn place(&self) -> Place;
    fn look(&self) -> Look;
    fn foot(&self) -> Vec<(Action, &'static str)>;
    fn finder(&self) -> &Finder<Self::Item>;
    fn finder_mut(&mut self) -> &mut Finder<Self::Item>;
    fn row(&self, item: &Self::Item, row: Row, scene: &Scene) -> Text<'static>;

    /// Said where nothing is found.
    fn nothing(&self) -> &'static str;

    /// Said below the list, in lines of this width, where so many are left when every row is seen.
    fn about(&self, _width: usize, _left: usize) -> Vec<String> {
        Vec::new()
    }

    fn about_role(&self) -> Role {
        Role::Muted
    }

    /// Another one may be selected now.
    fn looked_at(&self, _out: &mut Out) {}

    /// Enter, or a second click.
    fn take(&mut self, out: &mut Out);

    fn back(&mut self, out: &mut Out) {
        out.close = true;
    }

    /// An action that is its own. `false`: it is not.
    fn own(&mut self, _action: Action, _out: &mut Out) -> bool {
        false
    }
}

/// What is said below, in a box as wide as it is in `area`.
fn about(chooser: &impl Chooser, area: Rect) -> Vec<String> {
    let look = chooser.look();
    let width = look.width.min(area.width).saturating_sub(BORDERS).max(1);
    let left = area.height.saturating_sub(chooser.finder().height(look.rows_max));
    chooser.about(width as usize, left as usize)
}

impl<T: Chooser> Above for T {
    fn place(&self) -> Place {
        Chooser::place(self)
    }

    fn title(&self) -> &str {
        self.look().title
    }

    fn window(&self, area: Rect, _: &Scene) -> Rect {
        let look = self.look();
        let height = self.finder().height(look.rows_max) + about(self, area).len() as u16;
        if look.aside { corner(area, look.width, height) } else { centred(area, look.width, height) }
    }

    fn foot(&self, _: &Scene) -> Vec<(Action, &'static str)> {
        Chooser::foot(self)
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back => self.back(out),
            Action::Open => self.take(out),
            action if self.own(action, out) => {}
            action if self.finder_mut().act(action) => self.looked_at(out),
            _ => return false,
        }
        true
    }

    fn key(&mut self, key: KeyEvent, _: &Scene, out: &mut Out) {
        if self.finder_mut().key(key) {
            self.looked_at(out);
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, out: &mut Out) {
        self.finder_mut().paste(text);
        self.looked_at(out);
    }

    fn click(&mut self, at: Position, inner: Rect, _: &Scene, out: &mut Out) {
        match self.finder_mut().click(at, inner) {
            Clicked::Selected => self.looked_at(out),
            Clicked::Taken => self.take(out),
            Clicked::Nothing => {}
        }
    }

    fn wheel(&mut self, step: Step, _: &Scene, out: &mut Out) {
        self.finder_mut().wheel(step);
        self.looked_at(out);
    }

    fn arrange(&mut self, area: Rect, inner: Rect) {
        let below = about(self, area).len();
        self.finder_mut().arrange(inner, below);
    }

    fn view(&self, frame: &mut Frame, area: Rect, inner: Rect, scene: &Scene) {
        let words = [self.look().placeholder, self.nothing()];
        let row = |item: &T::Item, row: Row| self.row(item, row, scene);
        let below = self.finder().view(frame, inner, words, row, scene);
        let style = scene.theme.style(self.about_role());
        let about = about(self, area).into_iter().map(|line| Text::styled(line, style));
        frame.render_widget(Paragraph::new(about.collect::<Vec<_>>()), below);
    }
}
