//! The mirror: what the console knows of its hub, in its own memory, so that drawing and keys never wait.
//!
//! [`Feed`] is a window of the hubs' events, [`Hub`] the last thing a hub said of itself, and when, [`Fleet`] all hubs.

mod feed;
mod fleet;

pub use feed::{EVENTS_MAX, Feed, Item, Mark, Pages, Row, Stretch};
pub use fleet::{At, Fleet, Seat, Shows, Sounding};

use crate::{
    door::{Refusal, Status, ViewName, ViewState, Writes},
    model::{Code, Fault, Time},
};

/// How the console stands with its hub.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Connection {
    /// The store is being opened, or the owner sought.
    #[default]
    Opening,
    Live {
        owned: bool,
    },
    /// It is silent for too long while the connection seems open; it is being tried anew.
    Stale {
        since: Time,
    },
    /// The last try failed; what is shown is what was known then.
    Offline {
        since: Time,
        fault: Fault,
        retry_at: Time,
    },
}

/// What the hub said of itself.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    pub connection: Connection,
    pub status: Option<Status>,
}

/// The hub's state in one word and how it bears on what can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Badge {
    Opening,
    Live,
    CatchingUp(String),
    Rebuilding(String),
    Failed(String),
    Stalled(String),
    Refused(Refusal),
    /// Silent since then.
    Stale {
        since: Time,
    },
    Offline {
        since: Time,
    },
    /// It is there and does not let this console in.
    Denied,
}

impl Badge {
    /// The worst first.
    pub fn rank(&self) -> u8 {
        match self {
            Badge::Denied => 0,
            Badge::Offline { .. } => 1,
            Badge::Stale { .. } => 2,
            Badge::Failed(_) => 3,
            Badge::Refused(_) => 4,
            Badge::Stalled(_) => 5,
            Badge::Opening => 6,
            Badge::Rebuilding(_) | Badge::CatchingUp(_) => 7,
            Badge::Live => 8,
        }
    }
}

impl Hub {
    pub fn badge(&self, now: Time) -> Badge {
        match (&self.connection, &self.status) {
            (Connection::Offline { fault, .. }, _) if fault.code == Code::Denied => Badge::Denied,
            (Connection::Offline { since, .. }, _) => Badge::Offline { since: *since },
            (Connection::Stale { since }, _) => Badge::Stale { since: *since },
            (Connection::Opening, _) | (_, None) => Badge::Opening,
            (Connection::Live { .. }, Some(status)) => of_status(status, now),
        }
    }

    pub fn is_live(&self) -> bool {
        matches!(self.connection, Connection::Live { .. })
    }

    /// Why a write cannot be made now, as a sentence.
    pub fn why_no_writes(&self) -> Option<String> {
        match &self.connection {
            Connection::Opening => return Some("the store is still opening".into()),
            Connection::Offline { fault, .. } if fault.code == Code::Denied => {
                return Some(fault.message.clone());
            }
            Connection::Offline { .. } => return Some("the hub is away".into()),
            Connection::Stale { .. } => return Some("the hub is silent".into()),
            Connection::Live { .. } => {}
        }
        match self.status.as_ref().map(|status| &status.writes) {
            Some(Writes::Refused { fault, .. }) => Some(fault.message.clone()),
            Some(Writes::Waiting) => Some("the records are still opening".into()),
            // Stalled: a write would be made, later.
            Some(Writes::Open | Writes::Stalled { .. }) | None => None,
        }
    }

    /// How far something that is to be gone from every file is, or why it is not.
    pub fn erasing(&self) -> Option<String> {
        let cleaning = self.status.as_ref()?.cleaning.as_ref()?;
        (cleaning.memories > 0 || cleaning.fault.is_some()).then(|| cleaning.words())
    }

    /// How far the vectors are, while some are being made.
    pub fn embedding(&self) -> Option<String> {
        let state = self.status.as_ref()?.view(ViewName::Vectors)?;
        matches!(state, ViewState::Embedding { .. }).then(|| state.words())
    }

    pub fn memories(&self) -> Option<u64> {
        self.status.as_ref()?.memories
    }

    pub fn decisions(&self) -> Option<u64> {
        self.status.as_ref()?.decisions
    }
}

fn of_status(status: &Status, now: Time) -> Badge {
    match &status.writes {
        Writes::Stalled { .. } => return Badge::Stalled(status.writes.words(now)),
        // Its view says how far it is.
        Writes::Refused { why: Refusal::RecordsBehind, .. } | Writes::Open | Writes::Waiting => {}
        Writes::Refused { why, .. } => return Badge::Refused(*why),
    }
    let views = ViewName::ALL.iter().filter_map(|name| Some((*name, status.view(*name)?)));
    for (name, state) in views {
        match state {
            ViewState::Ready | ViewState::Embedding { .. } => {}
            // Searches answer by words meanwhile, and say so.
            ViewState::Opening | ViewState::CatchingUp { .. } if name == ViewName::Vectors => {}
            ViewState::Opening => return Badge::Opening,
            ViewState::CatchingUp { .. } => return Badge::CatchingUp(state.words()),
            ViewState::Rebuilding { .. } => return Badge::Rebuilding(state.words()),
            ViewState::Failed { .. } => return Badge::Failed(format!("{} {}", name.word(), state.words())),
        }
    }
    Badge::Live
}
