//! A word at the bottom right that goes away by itself.

use std::time::Duration;

use crate::model::{Fault, Time};

const SAY: Duration = Duration::from_secs(4);
const WARN: Duration = Duration::from_secs(8);
/// More at once are a wall; the oldest goes.
const TOASTS_MAX: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Done,
    Note,
    Warning,
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub text: String,
    pub kind: Kind,
    pub lasts: Duration,
}

impl Toast {
    pub fn say(text: impl Into<String>) -> Toast {
        Toast { text: text.into(), kind: Kind::Note, lasts: SAY }
    }

    pub fn done(text: impl Into<String>) -> Toast {
        Toast { text: text.into(), kind: Kind::Done, lasts: SAY }
    }

    pub fn warn(text: impl Into<String>) -> Toast {
        Toast { text: text.into(), kind: Kind::Warning, lasts: WARN }
    }

    pub fn fault(what: &str, fault: &Fault) -> Toast {
        let mut text = format!("{what}: {}", fault.message);
        if let Some(hint) = &fault.hint {
            text.push_str(" · ");
            text.push_str(hint);
        }
        Toast { text, kind: Kind::Error, lasts: WARN }
    }

    pub fn lasting(self, lasts: Duration) -> Toast {
        Toast { lasts, ..self }
    }
}

#[derive(Debug, Default)]
pub struct Toasts(Vec<(Toast, Time)>);

impl Toasts {
    pub fn add(&mut self, toast: Toast, now: Time) {
        self.0.retain(|(shown, _)| shown.text != toast.text);
        if self.0.len() == TOASTS_MAX {
            self.0.remove(0);
        }
        let until = now.plus(toast.lasts);
        self.0.push((toast, until));
    }

    pub fn tick(&mut self, now: Time) {
        self.0.retain(|(_, until)| now < *until);
    }

    pub fn wake(&self) -> Option<Time> {
        self.0.iter().map(|(_, until)| *until).min()
    }

    pub fn drop_starting(&mut self, with: &str) {
        self.0.retain(|(toast, _)| !toast.text.starts_with(with));
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Toast> {
        self.0.iter().map(|(toast, _)| toast)
    }
}
