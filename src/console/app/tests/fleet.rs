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

/// What each hub was asked.
fn asked(effects: &[Effect]) -> Vec<(At, Ask)> {
    let ask = |effect: &Effect| match effect {
        Effect::Ask(ask) => Some((A, ask.clone())),
        Effect::AskEach(AskEach::Of { at, ask }) => Some((*at, (**ask).clone())),
        _ => None,
    };
    effects.iter().filter_map(ask).collect()
}

fn answered(app: &mut App, at: At, answer: Answer) -> Vec<Effect> {
    tell(app, of_hub(app, at, answer))
}

/// The hits of a hub for its newest question; none: it fails.
fn found(app: &mut App, at: At, effects: &[Effect], hits: Option<&[u8]>) -> Vec<Effect> {
    let generation = |(of, ask)| match ask {
        Ask::Search { generation, .. } if of == at => Some(generation),
        _ => None,
    };
    let generation = asked(effects).into_iter().rev().find_map(generation).expect("it was asked");
    let result = hits.ok_or_else(|| Fault::new(Code::Timeout, "it did not answer in time"));
    let result = result.map(|hits| SearchAnswer {
        // Of each hub in a range of its own.
        results: hits
            .iter()
            .map(|n| hit(*n, if at == A { 0.9 } else { 0.2 } - f32::from(*n) / 1_000.0))
            .collect(),
        total: hits.len(),
        ..SearchAnswer::default()
    });
    answered(app, at, Answer::Search { generation, result })
}

/// Answers every list that was asked for: `ash` has the memories 1 to 3, `elm` the fifth.
fn answer_lists(app: &mut App, effects: &[Effect]) {
    for (at, ask) in asked(effects) {
        let Ask::Recent { generation, .. } = ask else { continue };
        let memories = if at == A { vec![memory(1), memory(2), memory(3)] } else { vec![memory(5)] };
        let result = Ok(MemoryPage { memories, next: None });
        answered(app, at, Answer::Recent { generation, result });
    }
}

/// What the list holds, in its order.
fn listed(app: &App) -> Vec<(At, Id)> {
    app.panes.search.found.as_ref().unwrap().rows.iter().map(|row| row.key()).collect()
}

/// Both there, each with ten events; the first is chosen. Search shows the memories of both.
pub(super) fn two() -> App {
    let mut app = app();
    app.env.fleet = Fleet::new(vec![Seat::new("ash", "http://ash"), Seat::new("elm", "http://elm")]);
    let effects = up(&mut app, A);
    answer_lists(&mut app, &effects);
    let effects = up(&mut app, B);
    answer_lists(&mut app, &effects);
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
    tell(&mut app, Msg::OfHub { at: A, turn: 0, answer: Answer::Recent { generation, result: page(8) } });
    assert!(app.panes.search.found.is_none(), "an answer of the hub before");
    tell(&mut app, Msg::OfHub { at: B, turn: 1, answer: Answer::Recent { generation, result: page(9) } });
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
    assert_eq!((app.env.fleet.chosen(), app.env.fleet.only()), (B, None));
    // The one that came is asked too.
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::AskEach(AskEach::Of { at: A, ask })
            if matches!(**ask, Ask::Recent { .. }))),
        "{effects:?}"
    );
}

// ── search ──────────────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn every_hub_is_asked_and_their_hits_are_one_list_by_their_places() {
    let mut app = two();
    assert_eq!(listed(&app), [(A, id(1)), (A, id(2)), (A, id(3)), (B, id(5))], "by time, of equals by hub");
    let first = press(&mut app, "s d");
    let queries: Vec<_> = asked(&first)
        .into_iter()
        .filter_map(|(at, ask)| match ask {
            Ask::Search { request, .. } => Some((at, request.query, request.mode)),
            _ => None,
        })
        .collect();
    assert_eq!(queries, [A, B].map(|at| (at, "d".to_owned(), SearchMode::Lexical)));
    assert!(found(&mut app, A, &first, Some(&[1, 2])).is_empty(), "the other is waited for");
    assert_eq!(listed(&app).len(), 4);
    let full = found(&mut app, B, &first, Some(&[1, 7]));
    // 0.9 at one hub stands beside 0.2 at another, and one id at two hubs is two memories.
    assert_eq!(listed(&app), [(A, id(1)), (B, id(1)), (A, id(2)), (B, id(7))]);
    let screen = shown(&app);
    assert!(screen.contains("Search all hubs") && screen.contains("4 hits"), "{screen}");
    let lines: Vec<_> = screen.lines().filter(|line| line.contains("hit 1")).collect();
    assert!(lines[0].contains(" ash ") && lines[1].contains(" elm "), "{screen}");
    assert!(!lines[0].contains("0.9"), "scores of different hubs do not stand beside each other: {screen}");

    // Then what they mean, of both again; a hub that fails says so and takes nothing from the other.
    assert_eq!(asked(&full).into_iter().map(|(at, _)| at).collect::<Vec<_>>(), [A, B]);
    found(&mut app, B, &full, None);
    found(&mut app, A, &full, Some(&[2, 1]));
    assert_eq!(listed(&app), [(A, id(2)), (A, id(1))]);
    let screen = shown(&app);
    assert!(screen.contains("1 of 2 hubs"), "{screen}");
    assert!(screen.contains("elm is missing: it did not answer in time"), "{screen}");
}

#[test]
fn a_late_hub_holds_nobody_up_and_joins_when_it_answers() {
    let mut app = two();
    let first = press(&mut app, "s d");
    found(&mut app, A, &first, Some(&[1, 2]));
    let wake = app.wake().unwrap();
    assert_eq!(wake.since(Time::from_unix_ms(NOW)), Duration::from_millis(250));
    let full = app.update(wake, Msg::Tick);
    assert_eq!(listed(&app), [(A, id(1)), (A, id(2))]);
    assert!(shown(&app).contains("elm is missing: no answer yet"), "{}", shown(&app));
    // It owes an answer: nothing new is asked of it before.
    assert_eq!(asked(&full).into_iter().map(|(at, _)| at).collect::<Vec<_>>(), [A]);
    press(&mut app, "Down");
    let then = found(&mut app, B, &first, Some(&[7]));
    assert_eq!(listed(&app), [(A, id(1)), (B, id(7)), (A, id(2))]);
    assert_eq!(app.panes.search.selected().unwrap().key(), (A, id(2)), "what was chosen stays chosen");
    assert!(!shown(&app).contains("1 of 2 hubs"));
    // Now it is asked what the other was asked meanwhile.
    let [(B, Ask::Search { request, .. })] = &asked(&then)[..] else { panic!("{then:?}") };
    assert_eq!(request.mode, SearchMode::Hybrid);
    found(&mut app, A, &full, Some(&[2, 1]));
    assert_eq!(listed(&app).len(), 3, "its words stand until what it says in full is here");
    found(&mut app, B, &then, Some(&[7, 8]));
    assert_eq!(listed(&app), [(A, id(2)), (B, id(7)), (A, id(1)), (B, id(8))]);
}

#[test]
fn typing_goes_on_without_a_hub_that_is_late() {
    let mut app = two();
    let first = press(&mut app, "s d");
    let typed = press(&mut app, "e");
    assert!(!asked(&typed).iter().any(|(_, ask)| matches!(ask, Ask::Search { .. })));
    found(&mut app, A, &first, Some(&[1]));
    let wake = app.wake().unwrap();
    let next = app.update(wake, Msg::Tick);
    let [(A, Ask::Search { request, .. })] = &asked(&next)[..] else { panic!("{next:?}") };
    assert_eq!(request.query, "de");
    // It is asked for what is wanted by now once it has answered.
    let again = found(&mut app, B, &first, Some(&[7]));
    let [(B, Ask::Search { request, .. })] = &asked(&again)[..] else { panic!("{again:?}") };
    assert_eq!(request.query, "de");
    found(&mut app, A, &next, Some(&[1]));
    found(&mut app, B, &again, Some(&[7]));
    assert_eq!(listed(&app), [(A, id(1)), (B, id(7))]);
}

#[test]
fn what_is_asked_about_a_hit_is_asked_of_its_hub() {
    let mut app = two();
    let first = press(&mut app, "s d");
    found(&mut app, A, &first, Some(&[1]));
    let full = found(&mut app, B, &first, Some(&[1]));
    found(&mut app, A, &full, Some(&[1]));
    found(&mut app, B, &full, Some(&[1]));
    press(&mut app, "Esc Down");
    assert_eq!(app.panes.search.selected().unwrap().key(), (B, id(1)));
    let opened = asked(&press(&mut app, "Enter"));
    assert_eq!(opened, [(B, Ask::Opened { id: id(1), query: "d".into() }), (B, Ask::Memory { id: id(1) })]);
    // One id, two memories: only the answer of the hub that was asked is shown.
    let of = |title: &str| {
        let memory = Memory { title: title.into(), ..memory(1) };
        Answer::Memory { id: id(1), result: Ok(Box::new(memory)) }
    };
    answered(&mut app, A, of("of ash"));
    assert!(!shown(&app).contains("of ash"));
    answered(&mut app, B, of("of elm"));
    assert!(shown(&app).contains("of elm"));
    press(&mut app, "Esc");
    assert_eq!(asked(&press(&mut app, "H")), [(B, Ask::History { id: id(1) })]);
    assert!(matches!(asked(&press(&mut app, "e"))[..], [(B, Ask::Explain { .. })]));
    let explained = SearchAnswer { results: vec![hit(1, 0.2)], total: 1, ..SearchAnswer::default() };
    answered(&mut app, B, Answer::Explain { id: id(1), result: Ok(explained) });
    assert!(shown(&app).contains("Hit 1 of elm; hits of several hubs"), "{}", shown(&app));
    press(&mut app, "Esc");

    // Nothing is written to it, nor to the chosen one in its place.
    for action in [Action::Edit, Action::Supersede, Action::Remove] {
        let why = app.why_not(action);
        assert_eq!(why.as_deref(), Some("elm has it, choose that hub first: 9 and Enter"), "{action:?}");
        let mut out = Out::default();
        app.act(action, &mut out);
        assert!(out.effects.is_empty() && out.open.is_none(), "{action:?}");
    }
    assert_eq!(asked(&press(&mut app, "w x")), []);

    // Its neighbours are known where it is.
    let near = asked(&press(&mut app, "o"));
    assert!(
        matches!(&near[..], [(B, Ask::Search { request, .. })] if request.query.starts_with("like:")),
        "{near:?}"
    );
}

#[test]
fn one_hub_shown_alone_is_searched_alone() {
    let mut app = two();
    let effects = press(&mut app, "9 Enter");
    assert_eq!((app.env.fleet.chosen(), app.env.fleet.only()), (A, Some(A)));
    answer_lists(&mut app, &effects);
    assert_eq!(listed(&app), [(A, id(1)), (A, id(2)), (A, id(3))]);
    let asks = press(&mut app, "s d");
    assert!(asked(&asks).iter().all(|(at, _)| *at == A), "{asks:?}");
    found(&mut app, A, &asks, Some(&[1]));
    let screen = shown(&app);
    assert!(
        screen.contains("0.90") && !screen.contains("all hubs") && screen.contains("Search ash"),
        "{screen}"
    );
    // What the other tells does not concern it.
    assert_eq!(asked(&up(&mut app, B)), []);
    press(&mut app, "C-u Esc");
    let effects = press(&mut app, "9 Enter");
    let lists = asked(&effects).into_iter().filter(|(_, ask)| matches!(ask, Ask::Recent { .. }));
    assert_eq!(lists.map(|(at, _)| at).collect::<Vec<_>>(), [A, B], "all again");
}

#[test]
fn a_hub_that_went_is_told_and_asked_again_when_it_is_back() {
    let mut app = two();
    press(&mut app, "1");
    down(&mut app, B, 0, Fault::unavailable("no hub answers"));
    let screen = shown(&app);
    assert!(
        screen.contains("elm is as known then: no hub answers") && screen.contains("memory 5"),
        "{screen}"
    );
    let asks = press(&mut app, "s d");
    assert!(asked(&asks).iter().all(|(at, _)| *at == A), "{asks:?}");
    found(&mut app, A, &asks, Some(&[1]));
    assert!(shown(&app).contains("elm is missing: no hub answers"));
    let back = up(&mut app, B);
    assert_eq!(asked(&back).into_iter().map(|(at, _)| at).collect::<Vec<_>>(), [A, B]);
    found(&mut app, A, &back, Some(&[1]));
    found(&mut app, B, &back, Some(&[7]));
    assert_eq!(listed(&app), [(A, id(1)), (B, id(7))]);

    // What was asked before another was chosen is answered to nobody.
    let stale = Msg::OfHub {
        at: B,
        turn: 7,
        answer: Answer::Search { generation: 99, result: Ok(SearchAnswer::default()) },
    };
    tell(&mut app, stale);
    assert_eq!(listed(&app).len(), 2);
}

#[test]
fn an_export_has_what_is_shown_of_the_hubs_that_are_there() {
    let mut app = two();
    press(&mut app, "E");
    let [Effect::Export(asked)] = &press(&mut app, "Enter")[..] else { panic!("no export") };
    assert_eq!(asked.hubs, [(A, "ash".to_owned()), (B, "elm".to_owned())]);
    let mut app = two();
    press(&mut app, "9 Enter 1 E");
    let [Effect::Export(asked)] = &press(&mut app, "Enter")[..] else { panic!("no export") };
    assert_eq!(asked.hubs, []);
}

#[test]
fn what_a_shell_does_here_is_only_promised_of_a_hub_that_is_here() {
    let empty = |elsewhere: bool| {
        let mut app = app();
        app.env.fleet = Fleet::new(vec![Seat { elsewhere, ..Seat::new("ash", "http://ash") }]);
        let status = Box::new(Status { memories: Some(0), ..*status(Writes::Open) });
        let effects = tell(&mut app, Msg::Link(A, Link::Up { owned: false, status }));
        let generation = generation_of(&effects);
        let result = Ok(MemoryPage { memories: vec![], next: None });
        tell(&mut app, Msg::Answer(Answer::Recent { generation, result }));
        shown(&app)
    };
    let (here, elsewhere) = (empty(false), empty(true));
    assert!(here.contains("From any shell") && here.contains("This hub knows nothing yet"), "{here}");
    assert!(!elsewhere.contains("From any shell") && elsewhere.contains("knows nothing yet"), "{elsewhere}");
}

// ── hubs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

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
    tell(&mut app, Msg::OfHub { at: A, turn: 0, answer: Answer::Restored(Err(fault)) });
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
