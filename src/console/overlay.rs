//! What stands above the deck and takes the keys: one at a time, closed by Esc.

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
pub mod zones;

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Position, Rect},
};

use self::{
    confirm::Confirm, export::Export, form::Form, help::Help, import::Import, palette::Palette,
    picker::Picker, queries::Queries, settings::Settings, themes::ThemePicker, zones::ZonePicker,
};
use super::{
    action::{Action, Place},
    scene::{Out, Scene},
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
}

/// What every overlay can do.
pub trait Above {
    /// Where its keys are looked up.
    fn place(&self) -> Place;
    /// An action of its place. `false`: it is not for this overlay.
    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool;
    /// A key that no binding claims.
    fn key(&mut self, key: KeyEvent, scene: &Scene, out: &mut Out);
    fn paste(&mut self, text: &str, scene: &Scene, out: &mut Out);
    /// A click, anywhere on the screen, while it is given `area`.
    fn click(&mut self, _at: Position, _area: Rect, _scene: &Scene, _out: &mut Out) {}
    /// It is given this much of the screen, of which it takes what it needs.
    fn arrange(&mut self, _area: Rect) {}
    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene);
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
        }
    }
}

impl Above for Overlay {
    fn place(&self) -> Place {
        self.above().place()
    }

    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        self.above_mut().act(action, scene, out)
    }

    fn key(&mut self, key: KeyEvent, scene: &Scene, out: &mut Out) {
        self.above_mut().key(key, scene, out);
    }

    fn paste(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        self.above_mut().paste(text, scene, out);
    }

    fn click(&mut self, at: Position, area: Rect, scene: &Scene, out: &mut Out) {
        self.above_mut().click(at, area, scene, out);
    }

    fn arrange(&mut self, area: Rect) {
        self.above_mut().arrange(area);
    }

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        self.above().view(frame, area, scene);
    }
}
