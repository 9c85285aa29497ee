//! The log as it grows, is held, filtered and let go.

use super::*;
use crate::{
    console::{action::Action, panes::Pane},
    model::Time,
};

fn entry(number: u64) -> Entry {
    Entry {
        time: Time::from_unix_ms(number as i64),
        level: if number.is_multiple_of(10) { Level::Error } else { Level::Info },
        target: "wheelhouse::store",
        message: format!("entry {number}"),
        fields: vec![],
    }
}

fn taken(numbers: std::ops::Range<u64>) -> Taken {
    Taken { entries: numbers.map(entry).collect(), dropped: 0 }
}

fn log(numbers: std::ops::Range<u64>) -> Log {
    let mut log = Log::default();
    log.arrange(Rect::new(0, 0, 80, 14), Default::default());
    log.take(taken(numbers));
    log
}

fn seen(log: &Log) -> Vec<&str> {
    log.tail.visible(&log.shown).map(|row| log.row(row).unwrap().message.as_str()).collect()
}

fn filter(log: &mut Log, text: &str) {
    log.filter_text.set(text);
    log.set_filter();
}

#[test]
fn what_hides_all_entries_is_named() {
    let app_says = |log: &Log| {
        let theme = crate::console::theme::Theme::for_mode(Default::default(), Default::default(), false);
        let (fleet, keymap) = <(crate::console::model::Fleet, _)>::default();
        let scene = crate::console::scene::Scene {
            now: Time::from_unix_ms(0),
            zones: crate::model::Zones::UTC,
            form: Default::default(),
            motion: Default::default(),
            hub: fleet.hub(),
            fleet: &fleet,
            theme: &theme,
            keymap: &keymap,
            import: None,
        };
        log.why_not(Action::Copy, &scene)
    };
    assert_eq!(app_says(&log(0..0)).as_deref(), Some("nothing has been logged yet"));
    let mut log = log(0..5);
    assert_eq!(app_says(&log), None);
    filter(&mut log, "nowhere");
    assert_eq!(app_says(&log).as_deref(), Some("no entry is like the filter"));
}

#[test]
fn a_million_entries_leave_the_last_ones_and_what_is_held_moves_only_when_it_goes() {
    let mut log = log(0..1_000);
    log.step(Step::Up);
    let held: Vec<_> = seen(&log).into_iter().map(str::to_owned).collect();
    log.take(taken(1_000..9_000));
    assert_eq!(seen(&log), held);
    for batch in 9..1_000 {
        log.take(taken(batch * 1_000..(batch + 1) * 1_000));
    }
    assert_eq!((log.entries.len(), log.shown.len()), (ENTRIES_MAX, ENTRIES_MAX));
    assert_eq!((log.gone, log.first), (990_000, 990_000));
    assert_eq!(seen(&log)[0], "entry 990000", "what it was held at is gone");
    log.take(Taken { entries: vec![], dropped: 7 });
    assert_eq!(log.gone, 990_007);
}

#[test]
fn a_filter_lets_through_what_came_and_what_comes() {
    let mut log = log(0..100);
    filter(&mut log, "level:error entry");
    assert_eq!((log.shown.len(), seen(&log).last().copied()), (10, Some("entry 90")));
    log.take(taken(100..111));
    assert_eq!((log.shown.len(), seen(&log).last().copied()), (12, Some("entry 110")));
    filter(&mut log, "level:error level:sometimes");
    assert!(log.fault.is_some());
    assert_eq!(log.shown.len(), 12, "the last good one holds");
    // The entries of a filter go with the others.
    log.take(taken(111..111 + ENTRIES_MAX as u64));
    assert_eq!(log.shown.front().copied(), Some(120));
    assert!(log.back() && !log.is_filtered());
    assert_eq!(log.shown.len(), ENTRIES_MAX);
}

#[test]
fn errors_are_gone_to_and_entries_copied() {
    let mut log = log(0..35);
    let mut out = Out::default();
    log.step_error(true, &mut out);
    assert_eq!(log.selected().unwrap().message, "entry 30");
    log.step_error(true, &mut out);
    assert_eq!(log.selected().unwrap().message, "entry 20");
    assert_eq!(
        log.copied(Action::Copy).unwrap(),
        "1970-01-01T00:00:00.020Z ERROR wheelhouse::store: entry 20"
    );
    let json: serde_json::Value = serde_json::from_str(&log.copied(Action::CopyJson).unwrap()).unwrap();
    assert_eq!((json["level"].as_str(), json["message"].as_str()), (Some("error"), Some("entry 20")));
    log.step_error(false, &mut out);
    log.step_error(false, &mut out);
    assert_eq!(out.toasts.len(), 1, "there is none after the last");
}
