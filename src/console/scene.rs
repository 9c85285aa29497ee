//! What a pane is told and what it may ask for. A pane never sees the whole program: it reads a [`Scene`], changes
//! itself, and leaves its wishes in an [`Out`].

use super::{
    action::{Action, Place},
    effect::{Ask, AskEach, Effect},
    keymap::{Keymap, Shipped},
    model::{At, Fleet, Hub, Shows},
    overlay::{Overlay, import::Importing},
    preferences::Preferences,
    text,
    theme::{Choice, Theme},
    widgets::toast::Toast,
};
use crate::model::{Project, Time, TimeWords, Zone, Zones};

pub use crate::config::{Motion, TimeForm};

impl TimeForm {
    /// The next of those that differ: a zone only where one was picked.
    pub fn next(self, zones: Zones) -> TimeForm {
        match self {
            TimeForm::Relative => TimeForm::Local,
            TimeForm::Local => TimeForm::Utc,
            TimeForm::Utc if zones.picked.is_some_and(|picked| picked != zones.machine) => TimeForm::Zone,
            TimeForm::Utc | TimeForm::Zone => TimeForm::Relative,
        }
    }

    /// In words, with the zone it shows.
    pub fn words(self, zones: Zones) -> String {
        match self {
            TimeForm::Relative => "relative".to_owned(),
            TimeForm::Local => {
                zones.machine.name().map_or("local".to_owned(), |name| format!("local, {name}"))
            }
            TimeForm::Utc => "UTC".to_owned(),
            TimeForm::Zone => zones.home().name().unwrap_or("local").to_owned(),
        }
    }
}

/// What every pane may know.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub now: Time,
    pub zones: Zones,
    pub form: TimeForm,
    pub motion: Motion,
    /// The chosen one.
    pub hub: &'a Hub,
    pub fleet: &'a Fleet,
    pub theme: &'a Theme,
    pub keymap: &'a Keymap,
    pub import: Option<&'a Importing>,
}

impl Scene<'_> {
    /// Whose clock is shown.
    pub fn zone(&self) -> Zone {
        self.form.zone(self.zones)
    }

    /// The first key of an action in this place, a list, or anywhere.
    pub fn key(&self, action: Action, place: Place) -> Option<String> {
        self.keymap.key_of(action, &[place, Place::Lists, Place::Global])
    }

    /// How much is done, as it is shown: in tenths where nothing is to move.
    pub fn progress(&self, part: f64) -> f64 {
        match self.motion {
            Motion::Full => part,
            Motion::Reduced => (part * 10.0).floor() / 10.0,
        }
    }

    /// Reads moments as typed, seen from now.
    pub fn words(&self) -> TimeWords {
        TimeWords { now: self.now, zone: self.zones.home() }
    }

    /// A moment in a list: an age, or date and time as far as they matter.
    pub fn when(&self, time: Time) -> String {
        match self.form {
            TimeForm::Relative => age(self.now, time),
            TimeForm::Local | TimeForm::Utc | TimeForm::Zone => date(time, self.now, self.zone()),
        }
    }

    /// A moment to come: how long until then, or date and time as far as they matter.
    pub fn slot(&self, time: Time) -> String {
        match self.form {
            TimeForm::Relative if time > self.now => format!("in {}", text::age(time.since(self.now))),
            _ => self.when(time),
        }
    }

    /// A moment in a stream, where order and distance matter: time of day, or an age.
    pub fn at(&self, time: Time) -> String {
        let at = time.at(self.zone());
        if at.date_naive() == self.now.at(self.zone()).date_naive() {
            at.format("%H:%M:%S%.3f").to_string()
        } else {
            at.format("%d %b %H:%M").to_string()
        }
    }

    /// The time of day.
    pub fn clock(&self, time: Time) -> String {
        time.at(self.zone()).format("%H:%M:%S").to_string()
    }

    /// Date, time and zone.
    pub fn local(&self, time: Time) -> String {
        let zone = self.zones.home();
        time.at(zone).format("%a %d %b %Y %H:%M:%S%.3f %:z").to_string()
    }

    /// Every form of a moment, for a place that has room.
    pub fn all_forms(&self, time: Time) -> String {
        format!("{}  ·  {}  ·  {}", age(self.now, time), self.local(time), time)
    }
}

fn date(time: Time, now: Time, zone: Zone) -> String {
    let (at, now) = (time.at(zone), now.at(zone));
    let form = if at.date_naive() == now.date_naive() {
        "%H:%M"
    } else if at.format("%Y").to_string() == now.format("%Y").to_string() {
        "%d %b %H:%M"
    } else {
        "%Y-%m-%d"
    };
    at.format(form).to_string()
}

/// How long ago, or how long until.
pub fn age(now: Time, then: Time) -> String {
    if then > now.plus(std::time::Duration::from_secs(60)) {
        format!("in {}", text::age(then.since(now)))
    } else {
        text::age(now.since(then))
    }
}

/// What an update wishes for besides its own change.
#[derive(Default)]
pub struct Out {
    pub effects: Vec<Effect>,
    pub toasts: Vec<Toast>,
    pub open: Option<Overlay>,
    /// Run this once the overlay is closed.
    pub act: Option<Action>,
    /// A project was picked; inside it, none is all.
    pub project: Option<Option<Project>>,
    /// Another hub is meant from now on, and the Timeline shows it alone, or all.
    pub choose: Option<(At, Shows)>,
    /// A shipped keymap was picked.
    pub keymap: Option<Shipped>,
    /// The Timeline is to go to this moment, and the focus stays where it is.
    pub moment: Option<Time>,
    /// The Timeline is to show what this filter lets through.
    pub events: Option<String>,
    /// A former query was picked.
    pub query: Option<String>,
    /// A theme was chosen, or is only being looked at.
    pub theme: Option<Choice>,
    /// Preferences were chosen, or are only being looked at.
    pub prefer: Option<Preferences>,
    /// What is opened leads back to the settings.
    pub from_settings: bool,
    /// The overlay that was asked has nothing left to do.
    pub close: bool,
}

impl Out {
    pub fn ask(&mut self, ask: Ask) {
        self.effects.push(Effect::Ask(ask));
    }

    pub fn ask_each(&mut self, ask: AskEach) {
        self.effects.push(Effect::AskEach(ask));
    }

    pub fn toast(&mut self, toast: Toast) {
        self.toasts.push(toast);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{
        keymap::Keymap,
        theme::{Depth, Mode, Theme},
    };

    #[track_caller]
    fn check(form: TimeForm, picked: Option<&str>, now: &str, time: &str, expected: (&str, &str)) {
        let theme = Theme::for_mode(Mode::Dark, Depth::True, false);
        let (fleet, keymap) = (Fleet::default(), Keymap::default());
        let zones = Zones {
            machine: "Australia/Sydney".parse().unwrap(),
            picked: picked.map(|name| name.parse().unwrap()),
        };
        let scene = Scene {
            now: now.parse().unwrap(),
            zones,
            form,
            motion: Motion::Full,
            hub: fleet.hub(),
            fleet: &fleet,
            theme: &theme,
            keymap: &keymap,
            import: None,
        };
        let time = time.parse().unwrap();
        assert_eq!((scene.when(time).as_str(), scene.at(time).as_str()), expected, "{form:?}");
    }

    /// A moment is shown by the clock of its own season, whatever the season it is looked at in.
    #[test]
    fn moments_of_winter_seen_in_summer() {
        let (summer, winter) = ("2026-12-20T01:00:00Z", "2026-06-20T01:00:00Z");
        check(TimeForm::Local, None, summer, winter, ("20 Jun 11:00", "20 Jun 11:00"));
        check(TimeForm::Local, None, winter, summer, ("20 Dec 12:00", "20 Dec 12:00"));
        check(TimeForm::Local, None, summer, "2026-12-20T00:59:00Z", ("11:59", "11:59:00.000"));
        check(TimeForm::Utc, None, summer, winter, ("20 Jun 01:00", "20 Jun 01:00"));
        check(TimeForm::Zone, Some("Europe/Berlin"), summer, winter, ("20 Jun 03:00", "20 Jun 03:00"));
        check(TimeForm::Zone, Some("Europe/Berlin"), winter, summer, ("20 Dec 02:00", "20 Dec 02:00"));
        check(TimeForm::Local, Some("Europe/Berlin"), summer, winter, ("20 Jun 11:00", "20 Jun 11:00"));
        check(TimeForm::Relative, Some("Europe/Berlin"), summer, winter, ("6 mo", "20 Jun 03:00"));
        check(TimeForm::Zone, None, summer, winter, ("20 Jun 11:00", "20 Jun 11:00"));
    }

    #[test]
    fn the_forms_go_round_and_a_zone_is_among_them_once_it_is_picked() {
        let round = |zones: Zones| {
            let forms = std::iter::successors(Some(TimeForm::Relative), |form| Some(form.next(zones)));
            forms.take(5).map(TimeForm::name).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(round(Zones::UTC), "relative local utc relative local");
        let picked = Some("Asia/Tokyo".parse().unwrap());
        assert_eq!(round(Zones { picked, ..Zones::UTC }), "relative local utc zone relative");
    }
}
