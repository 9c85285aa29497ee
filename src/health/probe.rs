//! A probe: a name, a function that looks, and what it finds.

use std::{future::Future, time::Duration};

use futures::future::BoxFuture;

use crate::door::{Anchor, Condition};

/// What one look found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub status: Condition,
    /// In words, where it is not up.
    pub cause: Option<String>,
    /// In a few words also where it is up.
    pub note: String,
    /// What says what to do, where it is not up.
    pub anchor: Option<Anchor>,
    /// The pattern of the events that show it.
    pub events: Option<&'static str>,
    /// It may pass by itself (something slow, something opening): it counts once it has been so for a while.
    pub soft: bool,
    /// How long what was looked at takes, where that is not how long the look took.
    pub latency: Option<Duration>,
}

impl Finding {
    pub fn up(note: impl Into<String>) -> Finding {
        Finding {
            status: Condition::Up,
            cause: None,
            note: note.into(),
            anchor: None,
            events: None,
            soft: false,
            latency: None,
        }
    }

    pub fn degraded(anchor: Anchor, cause: impl Into<String>) -> Finding {
        Finding {
            status: Condition::Degraded,
            cause: Some(cause.into()),
            anchor: Some(anchor),
            ..Finding::up("")
        }
    }

    pub fn down(anchor: Anchor, cause: impl Into<String>) -> Finding {
        Finding { status: Condition::Down, ..Finding::degraded(anchor, cause) }
    }

    pub fn soft(self) -> Finding {
        Finding { soft: true, ..self }
    }

    pub fn note(self, note: impl Into<String>) -> Finding {
        Finding { note: note.into(), ..self }
    }

    pub fn shown_by(self, pattern: &'static str) -> Finding {
        Finding { events: Some(pattern), ..self }
    }

    pub fn took(self, latency: Duration) -> Finding {
        Finding { latency: Some(latency), ..self }
    }
}

type Look = dyn Fn() -> BoxFuture<'static, Finding> + Send + Sync;

pub struct Probe {
    /// Of the component: a token of a subject.
    pub name: &'static str,
    look: Box<Look>,
}

impl Probe {
    pub fn new<F>(name: &'static str, look: impl Fn() -> F + Send + Sync + 'static) -> Probe
    where
        F: Future<Output = Finding> + Send + 'static,
    {
        Probe { name, look: Box::new(move || Box::pin(look())) }
    }

    pub(super) fn look(&self) -> BoxFuture<'static, Finding> {
        (self.look)()
    }
}
