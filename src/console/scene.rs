//! What a pane is told and what it may ask for. A pane never sees the whole program: it reads a [`Scene`], changes
//! itself, and leaves its wishes in an [`Out`].

use chrono::FixedOffset;

use super::{
    action::Action,
    effect::{Ask, Effect},
    keymap::{Keymap, Shipped},
    model::Hub,
    overlay::{Overlay, import::Importing},
    text,
    theme::{Choice, Theme},
    widgets::toast::Toast,
};
use crate::model::{Project, Time};

/// How moments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeForm {
    #[default]
    Relative,
    Local,
    Utc,
}

impl TimeForm {
    pub fn next(self) -> TimeForm {
        match self {
            TimeForm::Relative => TimeForm::Local,
            TimeForm::Local => TimeForm::Utc,
            TimeForm::Utc => TimeForm::Relative,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            TimeForm::Relative => "relative",
            TimeForm::Local => "local",
            TimeForm::Utc => "UTC",
        }
    }
}

/// What every pane may know.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub now: Time,
    pub offset: FixedOffset,
    pub form: TimeForm,
    pub hub: &'a Hub,
    pub theme: &'a Theme,
    pub keymap: &'a Keymap,
    pub import: Option<&'a Importing>,
}

impl Scene<'_> {
    /// A moment in a list: an age, or date and time as far as they matter.
    pub fn when(&self, time: Time) -> String {
        match self.form {
            TimeForm::Relative => age(self.now, time),
            TimeForm::Local => date(time, self.now, self.offset),
            TimeForm::Utc => date(time, self.now, chrono::Offset::fix(&chrono::Utc)),
        }
    }

    /// A moment in a stream, where order and distance matter: time of day, or an age.
    pub fn at(&self, time: Time) -> String {
        let offset = match self.form {
            TimeForm::Relative | TimeForm::Local => self.offset,
            TimeForm::Utc => chrono::Offset::fix(&chrono::Utc),
        };
        let at = time.at(offset);
        if at.date_naive() == self.now.at(offset).date_naive() {
            at.format("%H:%M:%S%.3f").to_string()
        } else {
            at.format("%d %b %H:%M").to_string()
        }
    }

    /// Date, time and zone.
    pub fn local(&self, time: Time) -> String {
        time.at(self.offset).format("%a %d %b %Y %H:%M:%S%.3f %:z").to_string()
    }

    /// Every form of a moment, for a place that has room.
    pub fn all_forms(&self, time: Time) -> String {
        format!("{}  ·  {}  ·  {}", age(self.now, time), self.local(time), time)
    }
}

fn date(time: Time, now: Time, offset: FixedOffset) -> String {
    let (at, now) = (time.at(offset), now.at(offset));
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
    /// A shipped keymap was picked.
    pub keymap: Option<Shipped>,
    /// A former query was picked.
    pub query: Option<String>,
    /// A theme was chosen, or is only being looked at.
    pub theme: Option<Choice>,
    /// The overlay that was asked has nothing left to do.
    pub close: bool,
}

impl Out {
    pub fn ask(&mut self, ask: Ask) {
        self.effects.push(Effect::Ask(ask));
    }

    pub fn toast(&mut self, toast: Toast) {
        self.toasts.push(toast);
    }
}
