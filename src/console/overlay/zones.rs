//! Picks a zone of times by a part of its name, of all that there are: what is selected is shown at once, Enter keeps it,
//! Esc brings back what was before.

use std::{borrow::Cow, cell::OnceCell};

use ratatui::text::Line as Text;

use super::chooser::{Chooser, Look};
use crate::{
    config::LOCAL,
    console::{
        action::{Action, Place},
        effect::Effect,
        preferences::{Given, Preferences},
        scene::{Out, Scene, TimeForm},
        theme::Role,
        widgets::{
            finder::{Finder, Named, Row},
            toast::Toast,
        },
    },
    model::{Zone, zone_names},
};

/// None is the machine's own.
pub struct Entry {
    name: Option<String>,
    /// Once it was shown: finding it takes a lock and a look at all that were asked for.
    zone: OnceCell<Option<Zone>>,
}

impl Entry {
    fn new(name: Option<String>) -> Entry {
        Entry { name, zone: OnceCell::new() }
    }

    fn zone(&self) -> Option<Zone> {
        *self.zone.get_or_init(|| self.name.as_ref()?.parse().ok())
    }
}

/// As people write them: `new york`, `syd`.
impl Named for Entry {
    fn name(&self) -> Cow<'_, str> {
        self.name.as_ref().map_or(LOCAL.into(), |name| name.replace('_', " ").into())
    }
}

pub struct ZonePicker {
    finder: Finder<Entry>,
    before: Preferences,
    given: Given,
    /// Closing leads back to the settings.
    back_to_settings: bool,
}

impl ZonePicker {
    pub fn new(before: Preferences, given: &Given, back_to_settings: bool) -> ZonePicker {
        let names = std::iter::once(None).chain(zone_names().into_iter().map(Some));
        let mut finder = Finder::new(names.map(Entry::new).collect());
        let worn = before.zone.and_then(Zone::name);
        finder.select(|entry| entry.name.as_deref() == worn);
        ZonePicker { finder, before, given: given.clone(), back_to_settings }
    }

    /// Times as they would be: in the zone itself, where one is picked.
    fn preferred(&self) -> Option<Preferences> {
        let zone = self.finder.selected()?.zone();
        let form = match zone {
            Some(_) => TimeForm::Zone,
            None if self.before.form == TimeForm::Zone => TimeForm::Local,
            None => self.before.form,
        };
        Some(Preferences { zone, form, ..self.before.clone() })
    }

    /// Keeps the zone and the form it is shown in, each as far as nobody else says otherwise.
    fn keep(&self, out: &mut Out) {
        let Some(wanted) = self.preferred() else { return };
        let zone = wanted.zone.and_then(Zone::name).unwrap_or(LOCAL);
        let mut kept = Vec::new();
        for (name, title, value, is_changed) in [
            ("zone", "Zone", zone, wanted.zone != self.before.zone),
            ("time", "Times", wanted.form.name(), wanted.form != self.before.form),
        ] {
            match self.given.source(name) {
                Some(source) if is_changed => {
                    out.toast(Toast::say(format!("{title}: until you quit; {source} says otherwise")));
                }
                Some(_) => {}
                None => kept.push((name, value.to_owned())),
            }
        }
        if !kept.is_empty() {
            out.effects.push(Effect::KeepChoices(kept));
        }
        out.prefer = Some(wanted);
        self.close(out);
    }

    fn close(&self, out: &mut Out) {
        out.close = true;
        out.act = self.back_to_settings.then_some(Action::Settings);
    }
}

impl Chooser for ZonePicker {
    type Item = Entry;

    fn place(&self) -> Place {
        Place::Picker
    }

    fn look(&self) -> Look {
        let placeholder = "type a part of a name: berlin, new york, utc";
        Look { title: "Zone", placeholder, width: 58, rows_max: 16, aside: true }
    }

    fn foot(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "keep"), (Action::Back, "as before")]
    }

    fn finder(&self) -> &Finder<Entry> {
        &self.finder
    }

    fn finder_mut(&mut self) -> &mut Finder<Entry> {
        &mut self.finder
    }

    fn nothing(&self) -> &'static str {
        "no zone is called that"
    }

    fn row(&self, entry: &Entry, row: Row, scene: &Scene) -> Text<'static> {
        let zone = entry.zone().unwrap_or(scene.zones.machine);
        let clock = scene.now.at(zone).format("%H:%M  %:z").to_string();
        let own = || format!("this machine's, {}", zone.title(scene.now));
        let name = entry.name.clone().unwrap_or_else(own);
        row.draw((&name, Role::Text), "", (&clock, Role::Muted), scene)
    }

    fn looked_at(&self, out: &mut Out) {
        out.prefer = self.preferred();
    }

    fn take(&mut self, out: &mut Out) {
        self.keep(out);
    }

    fn back(&mut self, out: &mut Out) {
        out.prefer = Some(self.before.clone());
        self.close(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{ColourDepth, Config, Motion, Provenance},
        console::{
            keymap::Shipped,
            theme::{Choice, Depth},
        },
    };

    #[track_caller]
    fn check(given: &[&'static str], kept: &[(&'static str, &str)], told: &[&str]) {
        let before = Preferences {
            theme: Choice::Auto,
            ascii: false,
            depth: ColourDepth::Auto,
            motion: Motion::Full,
            keymap: Shipped::Default,
            mouse: true,
            form: TimeForm::Local,
            zone: None,
        };
        let mut config = Config::default();
        for (name, value) in [("zone", "local"), ("time", "local")] {
            if given.contains(&name) {
                config.set(name, value, Provenance::Flag("X")).unwrap();
            }
        }
        let by = Given::new(&config, Depth::True);
        let mut picker = ZonePicker::new(before, &by, false);
        picker.finder.paste("tokyo");
        let mut out = Out::default();
        picker.keep(&mut out);
        let kept: Vec<_> = kept.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let effects = if kept.is_empty() { Vec::new() } else { vec![Effect::KeepChoices(kept)] };
        assert_eq!(out.effects, effects);
        let said: Vec<_> = out.toasts.iter().map(|toast| toast.text.as_str()).collect();
        assert_eq!(said, told);
        assert_eq!(out.prefer.map(|wanted| wanted.form), Some(TimeForm::Zone), "it is worn all the same");
    }

    #[test]
    fn zone_and_form_are_each_kept_unless_somebody_else_gives_them() {
        let zone_said = "Zone: until you quit; X says otherwise";
        let times_said = "Times: until you quit; X says otherwise";
        check(&[], &[("zone", "Asia/Tokyo"), ("time", "zone")], &[]);
        check(&["zone"], &[("time", "zone")], &[zone_said]);
        check(&["time"], &[("zone", "Asia/Tokyo")], &[times_said]);
        check(&["zone", "time"], &[], &[zone_said, times_said]);
    }
}
