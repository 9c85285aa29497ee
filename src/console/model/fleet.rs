//! The hubs that this console is attached to, and which of them is meant.
//!
//! The *chosen* one is whose decisions, jobs and health are shown, and where all writes go. The Timeline shows what happens
//! at all of them, and Search what all of them know; or both the chosen one alone.

use std::time::Duration;

use super::{Badge, Hub};
use crate::{
    door::{Overall, Status},
    model::{Fault, Sequence, Time},
};

/// Which hub of the fleet: its place in the order that they were named in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct At(pub u16);

/// What a hub answered when it was asked how it does, and how long that took.
#[derive(Debug, Clone, PartialEq)]
pub struct Sounding {
    pub round_trip: Duration,
    pub status: Box<Status>,
    /// None: this key may not know.
    pub health: Option<Overall>,
}

/// One hub of the fleet.
#[derive(Debug, Clone, Default)]
pub struct Seat {
    /// Short, and like no other's.
    pub name: String,
    /// Its data directory, or its address.
    pub place: String,
    /// It is reached by an address: what a shell does here may be done to another.
    pub elsewhere: bool,
    pub hub: Hub,
    pub round_trip: Option<Duration>,
    pub health: Option<Overall>,
    /// The last event that came.
    pub received: Sequence,
    /// When it was last asked how it does, and why it did not say.
    pub sounded: Option<Time>,
    pub fault: Option<Fault>,
}

impl Seat {
    pub fn new(name: impl Into<String>, place: impl Into<String>) -> Seat {
        Seat { name: name.into(), place: place.into(), ..Seat::default() }
    }

    /// Events that the hub has and that have not come yet, as far as is known.
    pub fn lag(&self) -> Option<u64> {
        let head = self.hub.status.as_ref()?.head.sequence;
        self.hub.is_live().then(|| head.0.saturating_sub(self.received.0))
    }

    /// It answered how it does.
    pub fn take_sounding(&mut self, result: Result<Sounding, Fault>) {
        match result {
            Ok(sounding) => {
                self.round_trip = Some(sounding.round_trip);
                self.health = sounding.health;
                self.fault = None;
            }
            Err(fault) => {
                self.round_trip = None;
                self.fault = Some(fault);
            }
        }
    }
}

/// Whose the Timeline and Search show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shows {
    #[default]
    All,
    /// The chosen one.
    Only,
}

#[derive(Debug, Clone)]
pub struct Fleet {
    /// Never empty.
    seats: Vec<Seat>,
    chosen: At,
    shows: Shows,
    /// Counts the choices: what was asked of the hub before is answered to nobody.
    turn: u64,
}

impl Default for Fleet {
    fn default() -> Fleet {
        Fleet::new(vec![Seat::default()])
    }
}

impl Fleet {
    /// The first is chosen.
    pub fn new(seats: Vec<Seat>) -> Fleet {
        assert!(!seats.is_empty(), "a console without a hub");
        Fleet { seats, chosen: At(0), shows: Shows::All, turn: 0 }
    }

    pub fn alone(place: impl Into<String>) -> Fleet {
        let place = place.into();
        Fleet::new(vec![Seat::new(place.clone(), place)])
    }

    pub fn is_many(&self) -> bool {
        self.seats.len() > 1
    }

    pub fn len(&self) -> usize {
        self.seats.len()
    }

    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    pub fn each(&self) -> impl ExactSizeIterator<Item = (At, &Seat)> {
        self.seats.iter().enumerate().map(|(at, seat)| (At(at as u16), seat))
    }

    pub fn get(&self, at: At) -> Option<&Seat> {
        self.seats.get(usize::from(at.0))
    }

    pub fn get_mut(&mut self, at: At) -> Option<&mut Seat> {
        self.seats.get_mut(usize::from(at.0))
    }

    /// Of this hub.
    pub fn is_live_at(&self, at: At) -> bool {
        self.get(at).is_some_and(|seat| seat.hub.is_live())
    }

    pub fn name(&self, at: At) -> &str {
        self.get(at).map_or("", |seat| &seat.name)
    }

    /// The hub that bears this name.
    pub fn named(&self, name: &str) -> Option<At> {
        self.each().find(|(_, seat)| seat.name == name).map(|(at, _)| at)
    }

    pub fn chosen(&self) -> At {
        self.chosen
    }

    pub fn seat(&self) -> &Seat {
        &self.seats[usize::from(self.chosen.0)]
    }

    pub fn hub(&self) -> &Hub {
        &self.seat().hub
    }

    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// Answers whether another is chosen now.
    pub fn choose(&mut self, at: At, shows: Shows) -> bool {
        let another = at != self.chosen && self.get(at).is_some();
        if another {
            self.chosen = at;
            self.turn += 1;
        }
        self.shows = shows;
        another
    }

    /// The one hub that the Timeline and Search show, if they do not show all.
    pub fn only(&self) -> Option<At> {
        (self.is_many() && self.shows == Shows::Only).then_some(self.chosen)
    }

    /// Any of those that are shown is there.
    pub fn is_live(&self) -> bool {
        let shown = |(at, _): &(At, &Seat)| self.only().is_none_or(|only| only == *at);
        self.each().filter(shown).any(|(_, seat)| seat.hub.is_live())
    }

    pub fn live(&self) -> usize {
        self.seats.iter().filter(|seat| seat.hub.is_live()).count()
    }

    /// The one that does worst, where one does not do well.
    pub fn worst(&self, now: Time) -> Option<(&Seat, Badge)> {
        let badges = self.seats.iter().map(|seat| (seat, seat.hub.badge(now)));
        let worst = badges.min_by_key(|(_, badge)| badge.rank());
        worst.filter(|(_, badge)| *badge != Badge::Live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::model::Connection;

    #[test]
    fn the_worst_is_told_and_the_first_of_equals() {
        let mut fleet = Fleet::new(["a", "b", "c"].map(|name| Seat::new(name, name)).into());
        let now = Time::from_unix_ms(60_000);
        let offline =
            |fault: Fault| Connection::Offline { since: Time::from_unix_ms(0), fault, retry_at: now };
        fleet.get_mut(At(1)).unwrap().hub.connection = offline(Fault::unavailable("gone"));
        let named = |fleet: &Fleet| fleet.worst(now).map(|(seat, _)| seat.name.clone());
        assert_eq!(named(&fleet).as_deref(), Some("b"));
        let denied = Fault::new(crate::model::Code::Denied, "no");
        fleet.get_mut(At(2)).unwrap().hub.connection = offline(denied);
        assert_eq!(named(&fleet).as_deref(), Some("c"));
        assert_eq!((fleet.live(), fleet.is_live()), (0, false));
    }

    #[test]
    fn one_hub_alone_is_never_shown_only() {
        let mut fleet = Fleet::alone("/srv");
        assert!(!fleet.choose(At(0), Shows::Only) && !fleet.choose(At(7), Shows::All));
        assert_eq!((fleet.only(), fleet.turn()), (None, 0));
        let mut fleet = Fleet::new(vec![Seat::new("a", "a"), Seat::new("b", "b")]);
        assert!(fleet.choose(At(1), Shows::Only));
        assert_eq!((fleet.only(), fleet.turn(), fleet.named("b")), (Some(At(1)), 1, Some(At(1))));
        assert!(!fleet.choose(At(1), Shows::All));
        assert_eq!((fleet.only(), fleet.chosen()), (None, At(1)));
    }
}
