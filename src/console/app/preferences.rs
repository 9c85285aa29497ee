//! Preferences as they are now, and as they are to be from now on, kept or only looked at.

use super::App;
use crate::{
    config::ColourDepth,
    console::{
        effect::Effect, preferences::Preferences, scene::Out, theme::ThemeError, widgets::toast::Toast,
    },
};

impl App {
    pub(super) fn preferences(&self) -> Preferences {
        Preferences {
            theme: self.looks.choice.clone(),
            ascii: self.looks.ascii,
            depth: self.given.depth,
            motion: self.env.motion,
            keymap: self.keymap_base,
            mouse: self.mouse.is_on(),
            form: self.env.form,
            zone: self.env.zones.picked,
        }
    }

    /// From now on; whoever only looks asks for what was before.
    pub(super) fn prefer(&mut self, wanted: Preferences, out: &mut Out) {
        let now = self.preferences();
        if wanted.keymap != now.keymap {
            out.keymap = Some(wanted.keymap);
        }
        if wanted.mouse != now.mouse {
            self.mouse.toggle();
            out.effects.push(Effect::CaptureMouse(wanted.mouse));
        }
        if wanted.zone != now.zone {
            self.env.zones.picked = wanted.zone;
            out.effects.push(Effect::UseZone(wanted.zone));
        }
        self.env.form = wanted.form;
        self.env.motion = wanted.motion;
        if (wanted.ascii, wanted.depth) != (now.ascii, now.depth) || wanted.theme != now.theme {
            if wanted.ascii != now.ascii {
                out.effects.push(Effect::DrawAscii(wanted.ascii));
            }
            self.looks.choice = wanted.theme;
            if let Err(error) = self.draw_with(wanted.ascii, wanted.depth) {
                // It was read before it was offered; if it cannot be had after all, what is worn stays.
                out.toast(Toast::warn(error.to_string()));
            }
        } else if (wanted.form, wanted.zone) != (now.form, now.zone) {
            self.look_anew();
        }
    }

    /// What was kept is chosen here from now on.
    pub(super) fn note_choices(&mut self, effects: &[Effect]) {
        for effect in effects {
            if let Effect::KeepChoices(choices) = effect {
                choices.iter().for_each(|(name, _)| self.given.choose(name));
            }
        }
    }

    fn draw_with(&mut self, ascii: bool, depth: ColourDepth) -> Result<(), ThemeError> {
        self.given.depth = depth;
        (self.looks.ascii, self.looks.depth) = (ascii, self.given.depth());
        self.wear()
    }
}
