//! The anchor: what is on screen stays where it is.

use proptest::prelude::*;

use super::*;
use crate::model::{Actor, Id, LogId, Time};

fn event(sequence: u64, severity: Severity) -> Arc<Event> {
    Arc::new(Event {
        id: Id::NIL,
        kind: "memory.saved".into(),
        subject: "_.memory.saved".parse().unwrap(),
        time: Time::from_unix_ms(sequence as i64),
        sequence: Sequence(sequence),
        recorded_at: Time::from_unix_ms(sequence as i64),
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity,
        data: serde_json::Map::new(),
    })
}

fn events(range: std::ops::Range<u64>) -> Vec<Arc<Event>> {
    range.map(|n| event(n, if n.is_multiple_of(10) { Severity::Error } else { Severity::Info })).collect()
}

fn cursor(sequence: u64) -> Cursor {
    Cursor { log: LogId(uuid::Uuid::nil()), epoch: 1, sequence: Sequence(sequence) }
}

fn timeline(range: std::ops::Range<u64>) -> Timeline {
    let mut timeline = Timeline::default();
    timeline.arrange(Rect::new(0, 0, 80, 12));
    timeline.begin(events(range.clone()), range.start > 1, cursor(range.end - 1), &mut Out::default());
    timeline
}

fn seen(timeline: &Timeline) -> Vec<u64> {
    timeline.visible().map(|(_, event)| event.sequence.0).collect()
}

#[test]
fn it_follows_until_it_is_scrolled_up() {
    let mut timeline = timeline(100..200);
    let mut out = Out::default();
    assert_eq!(seen(&timeline), (190..200).collect::<Vec<_>>());
    timeline.arrived(events(200..203));
    assert_eq!((seen(&timeline), timeline.new), ((193..203).collect(), 0));

    timeline.step(Step::Up, &mut out);
    assert_eq!(timeline.mode, Mode::Scrolled);
    timeline.arrived(events(203..210));
    assert_eq!((seen(&timeline), timeline.new), ((193..203).collect(), 7));
    assert_eq!(timeline.selected().unwrap().sequence, Sequence(201));

    timeline.to_latest(&mut out);
    assert_eq!((seen(&timeline), timeline.new), ((200..210).collect(), 0));
}

#[test]
fn a_page_from_disk_moves_nothing() {
    let mut timeline = timeline(300..400);
    let mut out = Out::default();
    timeline.step(Step::First, &mut out);
    assert_eq!(seen(&timeline), (300..310).collect::<Vec<_>>());
    let Some(super::super::super::effect::Effect::Ask(Ask::Events { generation, page: Page::Before, query })) =
        out.effects.first().cloned()
    else {
        panic!("the page before is asked for")
    };
    assert_eq!(query.before, Some(cursor(300)));
    timeline.paged(
        generation,
        Page::Before,
        Ok((events(100..300).into_iter().rev().collect(), true)),
        &mut out,
    );
    assert_eq!(seen(&timeline), (300..310).collect::<Vec<_>>());
    timeline.step(Step::Up, &mut out);
    assert_eq!(seen(&timeline), (299..309).collect::<Vec<_>>());
}

#[test]
fn errors_are_stepped_to() {
    let mut timeline = timeline(100..200);
    let mut out = Out::default();
    timeline.step_error(true, &mut out);
    assert_eq!(timeline.selected().unwrap().sequence, Sequence(190));
    timeline.step_error(true, &mut out);
    timeline.step_error(false, &mut out);
    assert_eq!(timeline.selected().unwrap().sequence, Sequence(190));
    timeline.step_error(false, &mut out);
    assert_eq!(out.toasts.len(), 1, "there is none after it");
}

proptest! {
    #[test]
    fn a_held_view_never_moves_by_itself(steps in prop::collection::vec((0..6u8, 1..60u64), 1..40)) {
        let mut timeline = timeline(1_000..1_200);
        let mut out = Out::default();
        let mut next = 1_200;
        timeline.step(Step::PageUp, &mut out);
        timeline.step(Step::PageUp, &mut out);
        for (what, n) in steps {
            let (mode, before, selected) = (timeline.mode, seen(&timeline), timeline.selected().map(|e| e.sequence));
            match what {
                0 | 1 => {
                    timeline.arrived(events(next..next + n));
                    next += n;
                    if mode != Mode::Following {
                        prop_assert_eq!(seen(&timeline), before);
                        prop_assert_eq!(timeline.selected().map(|e| e.sequence), selected);
                    }
                }
                2 => {
                    let oldest = timeline.feed().oldest().unwrap().0;
                    let page = events(oldest.saturating_sub(n).max(1)..oldest).into_iter().rev().collect();
                    let generation = timeline.generation;
                    timeline.paged(generation, Page::Before, Ok((page, oldest > 1)), &mut out);
                    prop_assert_eq!(seen(&timeline), before);
                }
                3 => timeline.step(Step::Up, &mut out),
                4 => timeline.step(Step::PageUp, &mut out),
                _ => timeline.wheel(Step::Up, &mut out),
            }
            prop_assert!(timeline.selected_row().unwrap() < timeline.feed().len());
        }
    }
}
