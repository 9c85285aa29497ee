//! Zones: what the clock on the wall says at a moment, summer time and all its history with it.
//!
//! The rules are those of the IANA database as it was when this program was built, the same on every machine; only the
//! machine's own zone, where it has no name there, is read from its file. A zone is a handle, copied like a number: each
//! that was ever asked for stays in memory, of some hundreds that there are.

use std::{
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, Offset, Timelike, Utc};
use jiff::{Timestamp, civil, tz::TimeZone};

use super::Time;

#[derive(Clone, Copy)]
pub struct Zone(&'static TimeZone);

/// A name that the IANA database has not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no zone is called {0:?}: try \"Europe/Berlin\" or \"UTC\"")]
pub struct ZoneError(pub String);

static UTC: TimeZone = TimeZone::UTC;
static ASKED_FOR: Mutex<Vec<&'static TimeZone>> = Mutex::new(Vec::new());

impl Zone {
    pub const UTC: Zone = Zone(&UTC);

    /// The machine's own: what `TZ` says, else `/etc/localtime`, else UTC. Reads the environment and a file.
    #[expect(clippy::disallowed_methods, reason = "`tasks::Clock` asks it, and nobody else")]
    pub fn of_machine() -> Zone {
        Zone::kept(TimeZone::system())
    }

    fn kept(zone: TimeZone) -> Zone {
        if zone == UTC {
            return Zone::UTC;
        }
        let mut known = ASKED_FOR.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = known.iter().find(|same| ***same == zone) {
            return Zone(same);
        }
        let leaked: &'static TimeZone = Box::leak(Box::new(zone));
        known.push(leaked);
        Zone(leaked)
    }

    /// Its name in the database; a zone of a file or of a rule in `TZ` has none.
    pub fn name(self) -> Option<&'static str> {
        self.0.iana_name()
    }

    /// The name, or the distance from UTC for a zone without one.
    pub fn title(self, time: Time) -> String {
        self.name().map_or_else(|| self.offset(time).to_string(), str::to_owned)
    }

    /// How far it is from UTC at this moment.
    pub fn offset(self, time: Time) -> FixedOffset {
        let seconds = self.0.to_offset(timestamp(time)).seconds();
        FixedOffset::east_opt(seconds).unwrap_or_else(|| Utc.fix())
    }

    /// Its letters at this moment: `AEDT`, `CET`; a distance where there are none.
    pub fn letters(self, time: Time) -> String {
        self.0.to_offset_info(timestamp(time)).abbreviation().to_owned()
    }

    /// When the clock of this zone is next put on or back, or called another name, after this moment.
    pub fn next_change(self, after: Time) -> Option<Time> {
        self.0.following(timestamp(after)).next().map(|change| of(change.timestamp()))
    }

    /// When it last was, at this moment or before.
    pub fn last_change(self, until: Time) -> Option<Time> {
        let until = Time::from_unix_ms(until.unix_ms() + 1);
        self.0.preceding(timestamp(until)).next().map(|change| of(change.timestamp()))
    }

    /// The moment at which the clock says this. Said twice, when summer time ends, it is the first; never said, when it
    /// begins, it is as much after the change as the clock would be without one.
    pub(super) fn moment(self, said: NaiveDateTime) -> Option<Time> {
        let small = |n: u32| i8::try_from(n).ok();
        let date =
            civil::Date::new(i16::try_from(said.year()).ok()?, small(said.month())?, small(said.day())?);
        let nanoseconds = i32::try_from(said.nanosecond().min(999_999_999)).ok()?;
        let time =
            civil::Time::new(small(said.hour())?, small(said.minute())?, small(said.second())?, nanoseconds);
        let said = date.ok()?.to_datetime(time.ok()?);
        let moment = self.0.to_ambiguous_timestamp(said).compatible().ok()?;
        Some(Time::from_unix_ms(moment.as_millisecond()))
    }
}

/// The zones a person reads times in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zones {
    pub machine: Zone,
    pub picked: Option<Zone>,
}

impl Zones {
    pub const UTC: Zones = Zones { machine: Zone::UTC, picked: None };

    /// Where words such as `yesterday` are meant: the picked zone, else the machine's.
    pub fn home(self) -> Zone {
        self.picked.unwrap_or(self.machine)
    }
}

/// Every name of the database, in order.
pub fn zone_names() -> Vec<String> {
    let mut names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    names
}

fn of(timestamp: Timestamp) -> Time {
    Time::from_unix_ms(timestamp.as_millisecond())
}

fn timestamp(time: Time) -> Timestamp {
    Timestamp::from_millisecond(time.unix_ms()).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl FromStr for Zone {
    type Err = ZoneError;

    /// By its name, in whatever case.
    fn from_str(name: &str) -> Result<Zone, ZoneError> {
        TimeZone::get(name).map(Zone::kept).map_err(|_| ZoneError(name.to_owned()))
    }
}

impl Time {
    /// What the clock and calendar of a zone say.
    pub fn at(self, zone: Zone) -> DateTime<FixedOffset> {
        self.utc().with_timezone(&zone.offset(self))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name().unwrap_or("unnamed"))
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.0 == other.0
    }
}

impl Eq for Zone {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, time: &str, clock: &str, letters: &str) {
        let (zone, time): (Zone, Time) = (zone.parse().unwrap(), time.parse().unwrap());
        let shown = time.at(zone).format("%Y-%m-%d %H:%M %:z").to_string();
        assert_eq!((shown.as_str(), zone.letters(time).as_str()), (clock, letters), "{zone:?}");
    }

    #[test]
    fn each_moment_has_the_offset_of_its_own_season() {
        // Summer and winter, each seen from anywhere, north and south.
        check("Europe/Berlin", "2026-07-01T10:00:00Z", "2026-07-01 12:00 +02:00", "CEST");
        check("Europe/Berlin", "2026-12-01T10:00:00Z", "2026-12-01 11:00 +01:00", "CET");
        check("Australia/Sydney", "2026-07-01T10:00:00Z", "2026-07-01 20:00 +10:00", "AEST");
        check("Australia/Sydney", "2026-12-01T10:00:00Z", "2026-12-01 21:00 +11:00", "AEDT");
        check("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08 01:59 -05:00", "EST");
        check("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08 03:00 -04:00", "EDT");
        check("America/New_York", "2026-11-01T05:59:59Z", "2026-11-01 01:59 -04:00", "EDT");
        check("America/New_York", "2026-11-01T06:00:00Z", "2026-11-01 01:00 -05:00", "EST");
        // Half an hour of summer time, quarters of an hour, none at all, and none any more.
        check("Australia/Lord_Howe", "2026-01-01T00:00:00Z", "2026-01-01 11:00 +11:00", "+11");
        check("Australia/Lord_Howe", "2026-07-01T00:00:00Z", "2026-07-01 10:30 +10:30", "+1030");
        check("Asia/Kathmandu", "2026-07-01T00:00:00Z", "2026-07-01 05:45 +05:45", "+0545");
        check("Asia/Tokyo", "2026-07-01T00:00:00Z", "2026-07-01 09:00 +09:00", "JST");
        check("America/Sao_Paulo", "2018-12-01T00:00:00Z", "2018-11-30 22:00 -02:00", "-02");
        check("America/Sao_Paulo", "2026-12-01T00:00:00Z", "2026-11-30 21:00 -03:00", "-03");
        check("utc", "2026-07-01T00:00:00Z", "2026-07-01 00:00 +00:00", "UTC");
    }

    #[test]
    fn a_clock_that_says_a_time_twice_or_never_means_one_moment() {
        let at = |zone: &str, said: &str| {
            let said = NaiveDateTime::parse_from_str(said, "%Y-%m-%d %H:%M").unwrap();
            zone.parse::<Zone>().unwrap().moment(said).unwrap().to_string()
        };
        assert_eq!(at("Europe/Berlin", "2026-10-25 02:30"), "2026-10-25T00:30:00.000Z", "the first of two");
        assert_eq!(at("Europe/Berlin", "2026-03-29 02:30"), "2026-03-29T01:30:00.000Z", "half past three");
        assert_eq!(at("Europe/Berlin", "2026-03-29 03:30"), "2026-03-29T01:30:00.000Z");
        assert_eq!(at("Asia/Tokyo", "2026-03-29 02:30"), "2026-03-28T17:30:00.000Z");
    }

    #[test]
    fn a_zone_is_known_by_its_name_and_is_one() {
        let zone: Zone = "australia/sydney".parse().unwrap();
        assert_eq!(zone.name(), Some("Australia/Sydney"));
        assert_eq!("Australia/Sydney".parse(), Ok(zone));
        assert_ne!("Australia/Hobart".parse(), Ok(zone));
        assert_eq!("UTC".parse(), Ok(Zone::UTC));
        assert_eq!("Atlantis/Sunk".parse::<Zone>(), Err(ZoneError("Atlantis/Sunk".into())));
        let names = zone_names();
        assert!(names.len() > 400 && names.is_sorted());
        assert!(names.iter().all(|name| name.parse::<Zone>().is_ok()));
    }
}
