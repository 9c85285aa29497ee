//! Two hubs: whose panes are shown, whose answers count, what is told of each.

use super::*;
use crate::{
    console::model::{Connection, Seat, Sounding},
    door::Overall,
    model::Code,
};

const A: At = At(0);
const B: At = At(1);

fn up(app: &mut App, at: At) -> Vec<Effect> {
    tell(app, Msg::Link(at, Link::Up { owned: false, status: status(Writes::Open) }))
}

/// Both there, each with ten events; the first is chosen and has three memories.
pub(super) fn two() -> App {
    let mut app = app();
    app.env.fleet = Fleet::new(vec![Seat::new("ash", "http://ash"), Seat::new("elm", "http://elm")]);
    let effects = up(&mut app, A);
    let generation = generation_of(&effects);
    let page = MemoryPage { memories: vec![memory(1), memory(2), memory(3)], next: None };
    tell(&mut app, Msg::OfTurn(0, Answer::Recent { generation, result: Ok(page) }));
    up(&mut app, B);
    for at in [A, B] {
        tell(&mut app, Msg::Link(at, Link::Begin(stretch(1..=10, None))));
    }
    app
}

fn down(app: &mut App, at: At, ms: i64, fault: Fault) {
    let now = Time::from_unix_ms(NOW + ms);
    app.update(now, Msg::Link(at, Link::Down { fault, retry_at: now.plus(Duration::from_secs(3)) }));
}

#[test]
fn the_header_tells_how_many_are_there_and_which_does_worst() {
    let mut app = two();
    assert!(shown(&app).contains("hubs 2/2 LIVE"));
    down(&mut app, B, 0, Fault::unavailable("no hub answers"));
    let screen = shown(&app);
    assert!(screen.contains("hubs 1/2  elm OFFLINE now, RETRY 3 s"), "{screen}");
    assert!(screen.contains("elm: no hub answers"), "a toast: {screen}");
    down(&mut app, A, 0, Fault::new(Code::Denied, "no"));
    assert!(shown(&app).contains("hubs 0/2  ash DENIED"));
    up(&mut app, A);
    up(&mut app, B);
    let screen = shown(&app);
    assert!(screen.contains("hubs 2/2 LIVE") && screen.contains("elm: attached again"), "{screen}");
    let since = Time::from_unix_ms(NOW - 34_000);
    tell(&mut app, Msg::Link(B, Link::Stale { since }));
    assert!(shown(&app).contains("hubs 1/2  elm STALE 34 s"));
}

#[test]
fn one_hub_alone_looks_as_it_always_did() {
    let mut app = live();
    assert!(!shown(&app).contains("hubs"));
    press(&mut app, "9");
    let screen = shown(&app);
    assert!(screen.contains("/data") && screen.contains("LIVE"), "{screen}");
    assert_eq!(app.why_not(Action::ShowHub).as_deref(), Some("this console has one hub"));
}

#[test]
fn the_hub_that_is_chosen_is_asked_and_the_other_answers_to_nobody() {
    let mut app = two();
    assert!(shown(&app).contains("memory 2"));
    let effects = press(&mut app, "9 j Enter");
    assert_eq!((app.env.fleet.chosen(), app.env.fleet.only()), (B, Some(B)));
    assert!(effects.contains(&Effect::Choose { at: B, turn: 1 }), "{effects:?}");
    let generation = generation_of(&effects);
    assert!(app.panes.search.found.is_none(), "nothing of the hub before is shown");
    let timeline: Vec<_> = app.panes.timeline.feed().rows().map(|row| row.hub).collect();
    assert!(timeline.len() == 10 && timeline.iter().all(|hub| *hub == B));

    let page = |n| Ok(MemoryPage { memories: vec![memory(n)], next: None });
    tell(&mut app, Msg::OfTurn(0, Answer::Recent { generation, result: page(8) }));
    assert!(app.panes.search.found.is_none(), "an answer of the hub before");
    tell(&mut app, Msg::OfTurn(1, Answer::Recent { generation, result: page(9) }));
    press(&mut app, "1");
    assert!(shown(&app).contains("memory 9"));
    // Its links are what the panes live by now.
    down(&mut app, A, 0, Fault::unavailable("gone"));
    assert!(app.env.scene().hub.is_live());

    let effects = press(&mut app, "9 Enter");
    assert_eq!((app.env.fleet.chosen(), app.env.fleet.only()), (B, None));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Choose { .. })), "the same hub");
    assert!(app.panes.timeline.feed().rows().any(|row| row.hub == A));
}

#[test]
fn until_somebody_chooses_one_that_is_there_is_meant() {
    let mut app = app();
    app.env.fleet = Fleet::new(vec![Seat::new("ash", "http://ash"), Seat::new("elm", "http://elm")]);
    down(&mut app, A, 0, Fault::unavailable("no hub answers"));
    assert_eq!(app.env.fleet.chosen(), A);
    let effects = up(&mut app, B);
    assert!(effects.contains(&Effect::Choose { at: B, turn: 1 }), "{effects:?}");
    let lists = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::Ask(Ask::Recent { .. }))).count()
    };
    assert_eq!(lists(&effects), 1, "asked once: {effects:?}");
    let effects = up(&mut app, A);
    assert_eq!((app.env.fleet.chosen(), app.env.fleet.only(), lists(&effects)), (B, None, 0));
}

#[test]
fn no_other_hub_is_chosen_while_something_is_on_its_way_to_this_one() {
    let mut app = two();
    press(&mut app, "x");
    press_at(&mut app, 600, "y");
    press_at(&mut app, 700, "9 j Enter");
    assert_eq!(app.env.fleet.chosen(), A);
    assert!(shown(&app).contains("a removal is on its way to this hub"));
    press_at(&mut app, 800, "1 n");
    assert!(app.why_not_choose().is_some_and(|why| why.contains("form")));
}

#[test]
fn what_was_changed_is_told_though_another_hub_is_chosen_by_now() {
    let mut app = two();
    press(&mut app, "9 j Enter");
    let fault = Fault::unavailable("gone");
    tell(&mut app, Msg::OfTurn(0, Answer::Restored(Err(fault))));
    assert!(shown(&app).contains("not restored"));
}

#[test]
fn the_selected_hub_is_tried_anew() {
    let mut app = two();
    down(&mut app, B, 0, Fault::unavailable("gone"));
    assert_eq!(app.why_not(Action::Retry).as_deref(), Some("ash is there"));
    assert!(press(&mut app, "9 j r").contains(&Effect::Retry(B)));
}

#[test]
fn hubs_are_sounded_only_while_they_are_looked_at() {
    let mut app = two();
    let asked = |effects: Vec<Effect>| -> Vec<At> {
        let at = |effect| match effect {
            Effect::AskEach(AskEach::Sound { at }) => Some(at),
            _ => None,
        };
        effects.into_iter().filter_map(at).collect()
    };
    let tick = |app: &mut App, ms: i64| app.update(Time::from_unix_ms(NOW + ms), Msg::Tick);
    assert_eq!(asked(tick(&mut app, 10)), []);
    press_at(&mut app, 20, "9");
    assert_eq!(asked(tick(&mut app, 30)), [A, B]);
    let status = Box::new(Status { head: cursor(12), ..*status(Writes::Open) });
    let sounding =
        Sounding { round_trip: Duration::from_micros(2_340), status, health: Some(Overall::Healthy) };
    app.update(Time::from_unix_ms(NOW + 40), Msg::Answer(Answer::Sounded { at: A, result: Ok(sounding) }));
    let screen = shown(&app);
    assert!(screen.contains("2.3 ms") && screen.contains("2 events not here yet"), "{screen}");
    assert_eq!(asked(tick(&mut app, 2_000)), []);
    assert_eq!(asked(tick(&mut app, 3_100)), [A], "the other has not answered yet");
    press_at(&mut app, 3_200, "1");
    assert_eq!(asked(tick(&mut app, 60_000)), []);
    assert_eq!(app.env.fleet.get(A).unwrap().hub.connection, Connection::Live { owned: false });
    assert_eq!(app.env.fleet.only(), None);
}
