use std::collections::BTreeMap;

use chrono::{Datelike, Timelike};
use proptest::prelude::*;

use super::*;

/// Of two years; every kind of change there is: an hour, half of one, at midnight, over the old year, none.
pub(in crate::jobs) const ZONES: [&str; 10] = [
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Santiago",
    "America/Havana",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Asia/Tokyo",
];

fn time(text: &str) -> Time {
    text.parse().unwrap()
}

fn cron(pattern: &str, zone: &str) -> Timetable {
    Timetable::of(&Schedule::Cron { cron: pattern.into(), zone: zone.into() }).unwrap()
}

fn every(every: &str, phase: &str) -> Timetable {
    Timetable::of(&Schedule::Every { every: every.parse().unwrap(), phase: phase.parse().unwrap() }).unwrap()
}

/// The first slots after a moment, by the clock of the zone.
#[track_caller]
fn check(pattern: &str, zone: &str, after: &str, expected: &[&str]) {
    let zone_of: Zone = zone.parse().unwrap();
    let slots = cron(pattern, zone).next(time(after), expected.len());
    let said: Vec<String> =
        slots.iter().map(|slot| slot.at(zone_of).format("%d %H:%M %:z").to_string()).collect();
    assert_eq!(said, expected, "{pattern} in {zone}");
}

#[test]
fn every_counts_from_1970_with_its_phase() {
    let slots = |table: Timetable| -> Vec<String> {
        let after = time("2026-11-21T14:02:31.204Z");
        table.next(after, 3).iter().map(|slot| slot.utc().format("%H:%M:%S").to_string()).collect()
    };
    assert_eq!(slots(every("15m", "0s")), ["14:15:00", "14:30:00", "14:45:00"]);
    assert_eq!(slots(every("15m", "5m")), ["14:05:00", "14:20:00", "14:35:00"]);
    assert_eq!(slots(every("1d", "3h")), ["03:00:00", "03:00:00", "03:00:00"]);
    assert_eq!(every("1s", "0s").after(time("2026-01-01T00:00:00Z")), Some(time("2026-01-01T00:00:01Z")));
    assert_eq!(every("1s", "0s").after(time("9999-12-31T23:59:59.999Z")), None, "the end of time");
}

#[test]
fn what_has_passed_comes_no_more() {
    let once = Timetable::of(&Schedule::At(time("2026-11-21T09:00:00Z"))).unwrap();
    assert_eq!(once.next(time("2026-11-21T08:59:59Z"), 5), [time("2026-11-21T09:00:00Z")]);
    assert_eq!(once.next(time("2026-11-21T09:00:00Z"), 5), []);
    assert!(!Timetable::of(&Schedule::Manual).unwrap().has_moments());
}

#[test]
fn hours_that_are_named_are_the_clocks() {
    // 29 March 2026: 02:00 is 03:00. 25 October: 03:00 is 02:00.
    check("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", &["29 03:00 +02:00", "30 02:30 +02:00"]);
    check(
        "0,30 2,14 * * *",
        "Europe/Berlin",
        "2026-03-28T18:00:00Z",
        &["29 03:00 +02:00", "29 14:00 +02:00", "29 14:30 +02:00", "30 02:00 +02:00"],
    );
    check("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", &["29 03:00 +02:00", "30 03:00 +02:00"]);
    check("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", &["25 02:30 +02:00", "26 02:30 +01:00"]);
    // Asked in the second half of the fold.
    check("*/15 2 * * *", "Europe/Berlin", "2026-10-25T01:05:00Z", &["26 02:00 +01:00"]);
    // The clock goes from 24:00 to 01:00 in Cairo, and from 24:00 back to 23:00.
    check("15 0 * * *", "Africa/Cairo", "2026-04-23T12:00:00Z", &["24 01:00 +03:00", "25 00:15 +03:00"]);
    check("30 23 * * *", "Africa/Cairo", "2026-10-29T12:00:00Z", &["29 23:30 +03:00", "30 23:30 +02:00"]);
}

#[test]
fn a_rhythm_goes_on() {
    check("0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", &["29 03:00 +02:00", "29 04:00 +02:00"]);
    check(
        "30 * * * *",
        "Europe/Berlin",
        "2026-10-24T23:40:00Z",
        &["25 02:30 +02:00", "25 02:30 +01:00", "25 03:30 +01:00"],
    );
    check(
        "0 * * * *",
        "Australia/Lord_Howe",
        "2026-10-03T15:00:00Z",
        &["04 03:00 +11:00", "04 04:00 +11:00"],
    );
}

#[test]
fn what_means_nothing_is_refused() {
    let refused = |pattern: &str, zone: &str| {
        let schedule = Schedule::Cron { cron: pattern.into(), zone: zone.into() };
        Timetable::of(&schedule).unwrap_err()
    };
    assert_eq!(refused("0 0 31 2 *", "UTC").message, "schedule.cron is \"0 0 31 2 *\", which never comes");
    assert_eq!(refused("0 0 * *", "UTC").message, "schedule.cron is \"0 0 * *\", which is no cron pattern");
    assert!(refused("61 * * * *", "UTC").cause.is_some());
    assert_eq!(refused("0 0 * * *", "Europe/Berlim").hint.unwrap(), "did you mean \"Europe/Berlin\"?");
    assert!(Timetable::of(&Schedule::Cron { cron: "0 0 29 2 MON".into(), zone: "UTC".into() }).is_ok());
    for never_a_year in ["0 0 0 1 1 * 2027", "@reboot"] {
        assert!(refused(never_a_year, "UTC").message.contains("no cron pattern"));
    }
}

/// A pattern as the minutes of a day, and whether it names its hours: all that the reference knows of cron.
struct Plain {
    cron: &'static str,
    /// Whether it says this minute of the day.
    day: Vec<bool>,
    sundays_only: bool,
    names_hours: bool,
}

fn plain() -> Vec<Plain> {
    let of = |cron, minutes: &[u32], hours: &[u32], names_hours| Plain {
        cron,
        day: (0..1_440)
            .map(|of_day| minutes.contains(&(of_day % 60)) && hours.contains(&(of_day / 60)))
            .collect(),
        sundays_only: false,
        names_hours,
    };
    let all: Vec<u32> = (0..24).collect();
    let even: Vec<u32> = (0..24).step_by(2).collect();
    vec![
        of("30 2 * * *", &[30], &[2], true),
        of("0 0 * * *", &[0], &[0], true),
        of("59 23 * * *", &[59], &[23], true),
        of("0,30 1-3 * * *", &[0, 30], &[1, 2, 3], true),
        of("*/20 2,14 * * *", &[0, 20, 40], &[2, 14], true),
        Plain { sundays_only: true, ..of("45 1 * * SUN", &[45], &[1], true) },
        of("0 * * * *", &[0], &all, false),
        of("*/15 * * * *", &[0, 15, 30, 45], &all, false),
        of("10 */2 * * *", &[10], &even, false),
    ]
}

impl Plain {
    /// `minutes` since 1970 on the clock.
    fn says(&self, minutes: i64) -> bool {
        // 1 January 1970 was a Thursday.
        self.day[(minutes % 1_440) as usize] && (!self.sundays_only || minutes / 1_440 % 7 == 3)
    }

    /// Every minute of the span, in order, with what the clock says in it.
    fn slots(&self, clock: &[i64], first: i64) -> Vec<Time> {
        let mut slots = Vec::new();
        let mut said = clock[0];
        for (n, minutes) in clock.iter().enumerate().skip(1) {
            let is_slot = if self.names_hours && *minutes != said + 1 {
                // Anything that the clock leaps over; nothing that it says again.
                (said + 1..=*minutes).any(|minutes| self.says(minutes))
            } else {
                self.says(*minutes)
            };
            said = said.max(*minutes);
            if is_slot {
                slots.push(Time::from_unix_ms((first + n as i64) * 60_000));
            }
        }
        slots
    }
}

#[test]
fn ten_zones_over_two_years_minute_by_minute() {
    let (from, until) = (time("2026-01-01T00:00:00Z"), time("2028-01-01T00:00:00Z"));
    let (first, last) = (from.unix_ms() / 60_000, until.unix_ms() / 60_000);
    let minute_by_minute = |name: &'static str| {
        let zone: Zone = name.parse().unwrap();
        let clock: Vec<i64> = (first..=last)
            .map(|minute| {
                let offset = zone.offset(Time::from_unix_ms(minute * 60_000)).local_minus_utc();
                minute + i64::from(offset / 60)
            })
            .collect();
        for plain in plain() {
            let found = cron(plain.cron, name).between(from, until, usize::MAX);
            let expected = plain.slots(&clock, first);
            let differs = |n: &usize| expected.get(*n) != found.get(*n);
            if let Some(n) = (0..expected.len().max(found.len())).find(differs) {
                panic!("{} in {name}: {:?}, not {:?}", plain.cron, found.get(n), expected.get(n));
            }
        }
        (name, clock.windows(2).filter(|pair| pair[1] != pair[0] + 1).count())
    };
    let changes: BTreeMap<&str, usize> = std::thread::scope(|scope| {
        let halves = ZONES.chunks(ZONES.len() / 2);
        let zones = halves
            .map(|half| scope.spawn(|| half.iter().map(|name| minute_by_minute(name)).collect::<Vec<_>>()));
        let zones: Vec<_> = zones.collect();
        zones.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert_eq!(changes["Asia/Tokyo"], 0);
    assert!(changes.iter().all(|(zone, changes)| *changes >= 3 || *zone == "Asia/Tokyo"), "{changes:?}");
}

#[test]
fn a_long_span_is_not_walked_from_its_start() {
    let table = cron("* * * * * *", "Europe/Berlin");
    let until = time("2026-10-25T03:00:00Z");
    let newest = table.newest(time("1990-01-01T00:00:00Z"), until, 3);
    assert_eq!(newest, [until.minus(Duration::from_secs(2)), until.minus(Duration::from_secs(1)), until]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// From wherever slots are counted, they are the same ones.
    #[test]
    fn slots_are_the_same_from_everywhere(
        zone in prop::sample::select(ZONES.to_vec()),
        pattern in prop::sample::select(vec!["30 2 * * *", "0 * * * *", "*/20 1,2,3 * * *", "7 */3 * * *", "0 0 1 * *"]),
        // Around the changes of spring and autumn 2026, of both halves of the earth.
        around in prop::sample::select(vec!["2026-03-29", "2026-04-04", "2026-10-25", "2026-10-03", "2026-11-01"]),
        start_s in 0i64..172_800,
        step_s in prop::collection::vec(1i64..20_000, 1..30),
    ) {
        let table = cron(pattern, zone);
        let start = Time::from_unix_ms(time(around).unix_ms() - 86_400_000 + start_s * 1_000 + 250);
        let mut at = start;
        for step in step_s {
            let next = table.after(at).unwrap();
            prop_assert!(next > at);
            let to = Time::from_unix_ms(at.unix_ms() + step * 1_000);
            prop_assert_eq!(to >= next, table.count(at, to, 1) == 1);
            at = to;
        }
        let all = table.between(start, at, usize::MAX);
        prop_assert_eq!(table.newest(start, at, 4), all[all.len().saturating_sub(4)..].to_vec());
        prop_assert_eq!(table.count(start, at, 1_000_000), all.len() as u64);
    }

    #[test]
    fn every_is_counted_as_it_is_walked(every_s in 1u64..10_000, phase in 0u64..10_000, span in 0i64..100_000) {
        let phase = Span::from_secs(phase % every_s);
        let table = Timetable::of(&Schedule::Every { every: Span::from_secs(every_s), phase }).unwrap();
        let from = time("2026-11-21T14:02:31.204Z");
        let until = Time::from_unix_ms(from.unix_ms() + span * 1_000);
        let walked = table.between(from, until, usize::MAX);
        prop_assert_eq!(table.count(from, until, u64::MAX), walked.len() as u64);
        prop_assert!(walked.iter().all(|slot| slot.unix_ms() % (every_s as i64 * 1_000) == phase.ms() as i64));
    }
}

#[test]
fn seconds_may_stand_in_front() {
    let slots = cron("*/20 30 2 * * *", "Europe/Berlin").next(time("2026-07-01T00:00:00Z"), 4);
    let said: Vec<(u32, u32, u32)> =
        slots.iter().map(|slot| (slot.utc().day(), slot.utc().minute(), slot.utc().second())).collect();
    assert_eq!(said, [(1, 30, 0), (1, 30, 20), (1, 30, 40), (2, 30, 0)]);
}
