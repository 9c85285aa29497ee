//! What stands above the deck and takes the keys: one at a time, closed by Esc.

pub mod chooser;
pub mod confirm;
pub mod export;
pub mod form;
pub mod help;
pub mod import;
pub mod palette;
pub mod picker;
pub mod queries;
pub mod settings;
pub mod themes;
pub mod wrong;
pub mod zones;

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use self::{
    confirm::Confirm, export::Export, form::Form, help::Help, import::Import, palette::Palette,
    picker::Picker, queries::Queries, settings::Settings, themes::ThemePicker, wrong::Wrongs,
    zones::ZonePicker,
};
use super::{
    action::{Action, Place},
    scene::{Out, Scene},
    widgets::{
        frame::{foot, foot_at, inside_window, window},
        list::Step,
    },
};

pub enum Overlay {
    Palette(Box<Palette>),
    Help(Box<Help>),
    Form(Box<Form>),
    Confirm(Box<Confirm>),
    Import(Box<Import>),
    Picker(Box<Picker>),
    Themes(Box<ThemePicker>),
    Settings(Box<Settings>),
    Zones(Box<ZonePicker>),
    Export(Box<Export>),
    Queries(Box<Queries>),
    Wrong(Box<Wrongs>),
}

/// What every overlay can do. It is given a part of the screen, of which it takes the box that it needs; border, title and
/// the keys at its foot are the same for all.
pub trait Above {
    /// Where its keys are looked up.
    fn place(&self) -> Place;

    fn title(&self) -> &str;

    /// Its box.
    fn window(&self, area: Rect, scene: &Scene) -> Rect;

    /// Actions that its lower border names with their keys.
    fn foot(&self, _scene: &Scene) -> Vec<(Action, &'static str)> {
        Vec::new()
    }

    /// An action of its place. `false`: it is not for this overlay.
    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool;

    /// A key that no binding claims.
    fn key(&mut self, _key: KeyEvent, _scene: &Scene, _out: &mut Out) {}

    fn paste(&mut self, _text: &str, _scene: &Scene, _out: &mut Out) {}

    /// A click inside its border.
    fn click(&mut self, _at: Position, _inner: Rect, _scene: &Scene, _out: &mut Out) {}

    /// A click beside it: as the key that leads back, which loses nothing.
    fn leave(&mut self, scene: &Scene, out: &mut Out) {
        self.act(Action::Back, scene, out);
    }

    fn wheel(&mut self, _step: Step, _scene: &Scene, _out: &mut Out) {}

    /// Something has changed, or it may have.
    fn settle(&mut self, _scene: &Scene) {}

    /// What stands inside its border has this much room, of so much for all.
    fn arrange(&mut self, _area: Rect, _inner: Rect) {}

    /// Draws what stands inside its border.
    fn view(&self, frame: &mut Frame, area: Rect, inner: Rect, scene: &Scene);
}

impl Overlay {
    fn above(&self) -> &dyn Above {
        match self {
            Overlay::Palette(it) => &**it,
            Overlay::Help(it) => &**it,
            Overlay::Form(it) => &**it,
            Overlay::Confirm(it) => &**it,
            Overlay::Import(it) => &**it,
            Overlay::Picker(it) => &**it,
            Overlay::Themes(it) => &**it,
            Overlay::Settings(it) => &**it,
            Overlay::Zones(it) => &**it,
            Overlay::Export(it) => &**it,
            Overlay::Queries(it) => &**it,
            Overlay::Wrong(it) => &**it,
        }
    }

    fn above_mut(&mut self) -> &mut dyn Above {
        match self {
            Overlay::Palette(it) => &mut **it,
            Overlay::Help(it) => &mut **it,
            Overlay::Form(it) => &mut **it,
            Overlay::Confirm(it) => &mut **it,
            Overlay::Import(it) => &mut **it,
            Overlay::Picker(it) => &mut **it,
            Overlay::Themes(it) => &mut **it,
            Overlay::Settings(it) => &mut **it,
            Overlay::Zones(it) => &mut **it,
            Overlay::Export(it) => &mut **it,
            Overlay::Queries(it) => &mut **it,
            Overlay::Wrong(it) => &mut **it,
        }
    }

    pub fn place(&self) -> Place {
        self.above().place()
    }

    pub fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        self.above_mut().act(action, scene, out)
    }

    pub fn key(&mut self, key: KeyEvent, scene: &Scene, out: &mut Out) {
        self.above_mut().key(key, scene, out);
    }

    pub fn paste(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        self.above_mut().paste(text, scene, out);
    }

    /// A click anywhere.
    pub fn click(&mut self, at: Position, area: Rect, scene: &Scene, out: &mut Out) {
        let above = self.above_mut();
        let window = above.window(area, scene);
        let inner = inside_window(window);
        if !window.contains(at) {
            above.leave(scene, out);
        } else if let Some(action) = foot_at(at, window, above.place(), &above.foot(scene), scene) {
            above.act(action, scene, out);
        } else if inner.contains(at) {
            above.click(at, inner, scene, out);
        }
    }

    pub fn wheel(&mut self, step: Step, scene: &Scene, out: &mut Out) {
        self.above_mut().wheel(step, scene, out);
    }

    pub fn arrange(&mut self, area: Rect, scene: &Scene) {
        let above = self.above_mut();
        above.settle(scene);
        let inner = inside_window(above.window(area, scene));
        above.arrange(area, inner);
    }

    pub fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let above = self.above();
        let at = above.window(area, scene);
        let inner = window(frame, at, above.title(), scene);
        foot(frame, at, above.place(), &above.foot(scene), scene);
        above.view(frame, area, inner, scene);
    }
}
