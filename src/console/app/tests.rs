//! Keys to effects without a terminal, and what no sequence of messages may break.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend};
use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    console::{
        effect::{AskEach, JobDeed, Page, Save, Toward},
        model::{At, Fleet, Item, Stretch},
        msg::{Answer, JobRuns, Link},
        overlay::{
            chooser::Chooser,
            form::{Field, Purpose},
        },
        state::State,
        term::Painter,
        theme::{Choice, Depth, Themes},
    },
    door::{
        Calibration, DecisionPage, EventBucket, EventQuery, EventStats, Health, Hit, JobView, Legs, LogLine,
        LogStream, MemoryPage, NewPause, Order, Refusal, RunLog, RunMark, RunView, SavedDecision,
        SearchAnswer, SearchMode, Status, Suggestion, TrendPoint, Trends, ViewName, ViewState, ViewStatus,
        Writes,
    },
    model::{
        Actor, Cursor, Decision, Event, EventFilter, Fault, LogId, Memory, OutcomeStatus, Sequence, Severity,
        job::RunState,
    },
};

mod fleet;

const NOW: i64 = 1_795_000_000_000;

fn app() -> App {
    app_left(State::default(), Given::default())
}

fn app_left(state: State, given: Given) -> App {
    let start = Start {
        now: Time::from_unix_ms(NOW),
        zones: Zones::UTC,
        form: TimeForm::Relative,
        looks: Looks {
            themes: Themes::default(),
            depth: Depth::True,
            ascii: false,
            terminal: Mode::Dark,
            choice: Choice::Auto,
            is_set: false,
        },
        keymap: Keymap::default(),
        keymap_base: Shipped::Default,
        keymap_path: "/config/keymap.toml".into(),
        fleet: Fleet::alone("/data"),
        mouse: true,
        given,
        state,
        log: LogPlace { data_dir: Some("/data".into()), level: "info".into() },
    };
    App::new(start, 120, 40)
}

fn cursor(sequence: u64) -> Cursor {
    Cursor { log: LogId(uuid::Uuid::nil()), epoch: 1, sequence: Sequence(sequence) }
}

fn status(writes: Writes) -> Box<Status> {
    let view = |name| ViewStatus { name, state: ViewState::Ready };
    Box::new(Status {
        hub: "h".into(),
        version: "0.1.0".into(),
        pid: 1,
        data_dir: "/data".into(),
        socket: None,
        listeners: vec![],
        started_at: Time::from_unix_ms(NOW),
        time: Time::from_unix_ms(NOW),
        head: cursor(9),
        writes,
        views: ViewName::ALL.map(view).to_vec(),
        memories: Some(3),
        forgotten: Some(0),
        decisions: None,
        cleaning: None,
        attached: 0,
        caches: vec![],
        disk: None,
    })
}

fn id(n: u8) -> Id {
    Id::from_bytes([n; 16])
}

fn memory(n: u8) -> Memory {
    serde_json::from_value(serde_json::json!({
        "id": id(n), "created_at": Time::from_unix_ms(NOW), "updated_at": Time::from_unix_ms(NOW), "revision": 2,
        "title": format!("memory {n}"), "content": format!("# memory {n}\n\nwhat it says"), "type": "note",
    }))
    .unwrap()
}

fn event(sequence: u64) -> Arc<Event> {
    Arc::new(Event {
        id: Id::NIL,
        kind: "memory.saved".into(),
        subject: "_.memory.saved".parse().unwrap(),
        time: Time::from_unix_ms(NOW),
        sequence: Sequence(sequence),
        recorded_at: Time::from_unix_ms(NOW),
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity: if sequence.is_multiple_of(7) { Severity::Error } else { Severity::Info },
        sampled_rate: None,
        data: serde_json::Map::new(),
    })
}

fn hit(n: u8, score: f32) -> Hit {
    Hit {
        id: id(n),
        kind: crate::door::RecordKind::Memory,
        title: format!("hit {n}"),
        snippet: "around the word".into(),
        highlights: std::iter::once(11..15).collect(),
        heading: String::new(),
        score,
        legs: Legs { lexical: score, ..Legs::default() },
        matched_terms: vec!["word".into()],
        memory_type: "note".into(),
        project: Project::none(),
        tags: vec![],
        status: crate::model::Status::Active,
        updated_at: Time::from_unix_ms(NOW),
        url: None,
        alike: vec![],
        explain: None,
    }
}

/// `x`, `Esc`, `Enter`, `Tab`, `C-u`, `A-Enter`: what a person presses.
fn key(name: &str) -> KeyEvent {
    let (modifiers, name) = match name.split_once('-') {
        Some(("C", rest)) if !rest.is_empty() => (KeyModifiers::CONTROL, rest),
        Some(("A", rest)) if !rest.is_empty() => (KeyModifiers::ALT, rest),
        _ => (KeyModifiers::NONE, name),
    };
    let code = match name {
        "Esc" => KeyCode::Esc,
        "Enter" => KeyCode::Enter,
        "Tab" => KeyCode::Tab,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "Left" => KeyCode::Left,
        "Right" => KeyCode::Right,
        "Back" => KeyCode::Backspace,
        "Space" => KeyCode::Char(' '),
        name => KeyCode::Char(name.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

fn press_at(app: &mut App, ms: i64, keys: &str) -> Vec<Effect> {
    keys.split(' ').flat_map(|name| app.update(Time::from_unix_ms(NOW + ms), Msg::Key(key(name)))).collect()
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    press_at(app, 0, keys)
}

fn tell(app: &mut App, msg: Msg) -> Vec<Effect> {
    app.update(Time::from_unix_ms(NOW), msg)
}

fn generation_of(effects: &[Effect]) -> u64 {
    let mut generations = effects.iter().rev().filter_map(|effect| match effect {
        Effect::Ask(Ask::Search { generation, .. } | Ask::Recent { generation, .. }) => Some(*generation),
        _ => None,
    });
    generations.next().unwrap()
}

/// With a hub, three recent memories, and ten events.
fn live() -> App {
    let mut app = app();
    let effects = tell(&mut app, Msg::Link(At(0), Link::Up { owned: true, status: status(Writes::Open) }));
    let generation = generation_of(&effects);
    let page = MemoryPage { memories: vec![memory(1), memory(2), memory(3)], next: None };
    tell(&mut app, Msg::Answer(Answer::Recent { generation, result: Ok(page) }));
    tell(&mut app, Msg::Link(At(0), Link::Begin(stretch(1..=10, None))));
    app
}

/// Of history, with the head where it ends.
fn stretch(sequences: std::ops::RangeInclusive<u64>, next: Option<u64>) -> Stretch {
    let head = cursor(*sequences.end());
    let items = sequences.map(|sequence| Item::Event(event(sequence))).collect();
    Stretch { items, next: next.map(Sequence), reached: None, head }
}

#[track_caller]
fn check(keys: &str, expected: &[Effect]) {
    let mut app = live();
    assert_eq!(press(&mut app, keys), expected, "{keys}");
}

#[test]
fn keys_ask_for_what_they_say() {
    check("q", &[Effect::Quit]);
    check("C-c", &[Effect::Quit]);
    check("C-z", &[Effect::Suspend]);
    check("Enter", &[Effect::Ask(Ask::Memory { id: id(1) })]);
    check("j Enter", &[Effect::Ask(Ask::Memory { id: id(2) })]);
    check("Enter j", &[Effect::Ask(Ask::Memory { id: id(1) }), Effect::Ask(Ask::Memory { id: id(2) })]);
    check("H", &[Effect::Ask(Ask::History { id: id(1) })]);
    check("w", &[Effect::Ask(Ask::Memory { id: id(1) })]);
    check("n", &[Effect::LoadDraft(crate::console::overlay::form::Purpose::New)]);
    check("P", &[Effect::Ask(Ask::Projects)]);
    check("M", &[Effect::CaptureMouse(false)]);
    check("y i", &[Effect::Copy(id(1).to_string())]);
    check("y l", &[Effect::Copy(format!("wheelhouse://memory/{}", id(1)))]);
    check("I", &[Effect::CompletePath("~/".into())]);
    check("z 4 f f Space 1 t", &[]);
    check("? Esc : Esc", &[Effect::LookAtFiles, Effect::LookAtFiles]);
    check("y c t", &[Effect::Copy("memory 1".into())]);
    check("y c k", &[Effect::Copy("note".into())]);
    check("y c g y c p", &[]);
    check("4 y c k", &[Effect::Copy("memory.saved".into())]);
    check("e u r", &[]);
}

#[test]
fn keys_of_the_timeline_ask_for_what_they_say() {
    let events = |generation, page, query| {
        Effect::AskEach(AskEach::Events { generation, page, queries: vec![(At(0), query)] })
    };
    let page = EventQuery { limit: 200, ..EventQuery::default() };
    let minute_ago = Some(Time::from_unix_ms(NOW - 60_000));
    let at = EventQuery { recorded_since: minute_ago, order: Order::Asc, ..page.clone() };
    check("4 @ - 1 m Enter", &[events(2, Page::At, at)]);
    check("4 @ s o o n Enter Esc", &[]);

    let filter = EventFilter { correlation: Some(Id::NIL), ..EventFilter::default() };
    let traced = EventQuery { filter, limit: 1_000, ..EventQuery::default() };
    let past = EventQuery { before: Some(cursor(9)), ..traced.clone() };
    let present = EventQuery { after: Some(cursor(9)), order: Order::Asc, ..traced };
    let both = [events(1, Page::Trace(Toward::Past), past), events(2, Page::Trace(Toward::Present), present)];
    check("4 k c", &both);

    let filter = EventFilter { severity: Some(Severity::Error), ..EventFilter::default() };
    let filtered = events(3, Page::Newest, EventQuery { filter, ..page });
    // Tab takes the field, then its first value, which can be read.
    check("4 / s e Tab Tab", &[Effect::Ask(Ask::Projects), filtered]);
    // The seventh of ten is an error, and it is here.
    check("4 [ ] [", &[]);

    let mut app = live();
    press(&mut app, "4 [ Enter");
    assert_eq!(app.panes.timeline.selected().unwrap().sequence, Sequence(7));
    press(&mut app, "Esc c");
    assert!(app.panes.timeline.trace().is_some());
    press(&mut app, "Enter Esc Esc");
    assert!(app.panes.timeline.trace().is_none() && !app.panes.timeline.open);
    assert_eq!(self::app().why_not(Action::Correlation).as_deref(), Some("no event is selected"));
}

#[test]
fn typing_asks_one_question_at_a_time_and_the_last_word_counts() {
    let mut app = live();
    let first = press(&mut app, "s d");
    let generation = generation_of(&first);
    let while_asked = press(&mut app, "e p");
    assert!(!while_asked.iter().any(|effect| matches!(effect, Effect::Ask(Ask::Search { .. }))));
    let answer = SearchAnswer { results: vec![hit(7, 0.9)], total: 1, ..SearchAnswer::default() };
    let then = tell(&mut app, Msg::Answer(Answer::Search { generation, result: Ok(answer) }));
    let [Effect::Ask(Ask::Search { request, generation: newer })] = then.as_slice() else {
        panic!("{then:?}")
    };
    assert_eq!((request.query.as_str(), request.as_you_type), ("dep", true));
    assert_eq!(app.panes.search.found.as_ref().unwrap().query, "d");

    // The same answer again, late: it changes nothing.
    let late = SearchAnswer { results: vec![hit(9, 0.1)], total: 1, ..SearchAnswer::default() };
    tell(&mut app, Msg::Answer(Answer::Search { generation, result: Ok(late) }));
    assert_eq!(app.panes.search.selected().unwrap().id, id(7));

    // A query that cannot be read keeps the last good answer, with where it is wrong.
    let fault = Fault::invalid("a quote without end at column 2");
    tell(&mut app, Msg::Answer(Answer::Search { generation: *newer, result: Err(fault) }));
    assert_eq!(app.panes.search.selected().unwrap().id, id(7));
    assert_eq!(app.panes.search.fault.as_ref().unwrap().at, Some(1..3));
}

#[test]
fn words_answer_first_and_then_what_they_mean_without_moving_what_was_chosen() {
    let mut app = live();
    let first = press(&mut app, "s d");
    let words =
        SearchAnswer { results: (1..=4).map(|n| hit(n, 0.5)).collect(), total: 4, ..SearchAnswer::default() };
    let generation = generation_of(&first);
    let then = tell(&mut app, Msg::Answer(Answer::Search { generation, result: Ok(words) }));
    let [Effect::Ask(Ask::Search { request, generation })] = then.as_slice() else { panic!("{then:?}") };
    assert_eq!((request.mode, request.as_you_type), (SearchMode::Hybrid, true));
    press(&mut app, "Down Down");
    assert_eq!(app.panes.search.selected().unwrap().id, id(3));
    let full = SearchAnswer {
        results: [4, 1, 2, 7, 3].map(|n| hit(n, 0.5)).into(),
        total: 5,
        ..SearchAnswer::default()
    };
    tell(&mut app, Msg::Answer(Answer::Search { generation: *generation, result: Ok(full) }));
    assert_eq!(app.panes.search.selected().unwrap().id, id(3), "what was chosen stays chosen");

    // A key while the full answer is on its way is not held up by it.
    let typed = press(&mut app, "e");
    let words = SearchAnswer { results: vec![hit(1, 0.5)], total: 1, ..SearchAnswer::default() };
    let generation = generation_of(&typed);
    let full = tell(&mut app, Msg::Answer(Answer::Search { generation, result: Ok(words) }));
    assert!(matches!(full.as_slice(), [Effect::Ask(Ask::Search { .. })]));
    let next = press(&mut app, "p");
    assert!(
        next.iter().any(|effect| matches!(effect, Effect::Ask(Ask::Search { request, .. })
        if request.query == "dep" && request.mode == SearchMode::Lexical)),
        "{next:?}"
    );
}

#[test]
fn what_is_near_a_selected_memory_is_one_key_away() {
    let mut app = live();
    let asked = press(&mut app, "j o");
    let queries: Vec<_> = asked
        .iter()
        .filter_map(|effect| match effect {
            Effect::Ask(Ask::Search { request, .. }) => Some(request.query.trim().to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(queries, [format!("like:{}", id(2))]);
}

/// What a query in the line is after these keys.
#[track_caller]
fn check_chips(query: &str, keys: &str, expected: &str) {
    let mut app = live();
    press(&mut app, "s");
    tell(&mut app, Msg::Paste(query.into()));
    press(&mut app, keys);
    assert_eq!(app.panes.search.query.text(), expected, "{keys}");
}

#[test]
fn the_fields_of_a_query_are_walked_edited_and_taken_out() {
    let query = "why tag:deploy type:\"how to\" fails";
    check_chips(query, "Esc Right Back", "why type:\"how to\" fails");
    check_chips(query, "Esc Right Right x", "why tag:deploy fails");
    check_chips(query, "Esc Left Back Back", "why fails");
    check_chips(query, "Esc Right Enter s", "why tag:deploys type:\"how to\" fails");
    check_chips(query, "Esc Right Right Enter s", "why tag:deploy type:\"how tos\" fails");
    check_chips(query, "C-a Left Right Back", "why tag:deploy fails");
    check_chips(query, "Esc Right Esc Back", query);
    check_chips(query, "Esc Right Esc x", query);
    let mut app = live();
    assert_eq!(app.why_not(Action::NextChip).as_deref(), Some("the query has no fields"));
    press(&mut app, "Right Left");
    assert_eq!(app.panes.search.chip, None);
    let asked = press(&mut app, "o Right Back");
    assert!(
        matches!(asked.last(), None | Some(Effect::Ask(_))) && app.panes.search.query.is_empty(),
        "{asked:?}"
    );
}

#[test]
fn a_chip_is_clicked_to_edit_it_and_its_cross_to_take_it_out() {
    let click = |column: usize| {
        let mut app = live();
        press(&mut app, "s");
        tell(&mut app, Msg::Paste("a tag:deploy b".into()));
        press(&mut app, "Esc");
        let (row, column) = (app.panes.search.area.y + 1, app.panes.search.area.x + 4 + column as u16);
        let kind = MouseEventKind::Down(MouseButton::Left);
        tell(&mut app, Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
        (app.panes.search.query.text().to_owned(), app.panes.search.typing, app.panes.search.query.at())
    };
    assert_eq!(click(4), ("a tag:deploy b".into(), true, 12));
    assert_eq!(click(14), ("a b".into(), false, 3));
    assert_eq!(click(0), ("a tag:deploy b".into(), true, 14), "a word is typed on");
}

fn offers(app: &mut App, texts: &[&str], replace: std::ops::Range<usize>, kind: &str) {
    offered(app, 0, texts, replace, kind);
}

fn offered(app: &mut App, generation: u64, texts: &[&str], replace: std::ops::Range<usize>, kind: &str) {
    let suggestion = |text: &&str| Suggestion {
        text: (*text).into(),
        replace: replace.clone(),
        kind: kind.into(),
        documents: None,
    };
    let suggestions = texts.iter().map(suggestion).collect();
    let result = Ok(crate::door::SuggestAnswer { suggestions, fault: None });
    tell(app, Msg::Answer(Answer::Suggest { generation, result }));
}

#[test]
fn completions_that_were_overtaken_say_nothing() {
    let mut app = live();
    let effects = press(&mut app, "s s t a t u s : a");
    let asked = effects.iter().filter_map(|effect| match effect {
        Effect::Ask(Ask::Suggest { generation, .. }) => Some(*generation),
        _ => None,
    });
    let asked: Vec<_> = asked.collect();
    let [.., older, newer] = asked.as_slice() else { panic!("{asked:?}") };
    offered(&mut app, *newer, &["active", "archived"], 7..8, "status");
    offered(&mut app, *older, &["superseded"], 7..7, "status");
    let texts: Vec<_> = app.panes.search.popup().0.into_iter().map(|offer| offer.text).collect();
    assert_eq!(texts, ["active", "archived"]);
}

#[test]
fn in_the_box_the_arrows_choose_tab_takes_and_esc_closes_it_first() {
    let boxed = || {
        let mut app = live();
        press(&mut app, "s s t a t u s :");
        offers(&mut app, &["active", "archived", "any"], 7..7, "status");
        app
    };
    let mut app = boxed();
    press(&mut app, "Down Tab");
    assert_eq!(
        (app.panes.search.query.text(), app.panes.search.list.selected()),
        ("status:archived ", Some(0))
    );
    let mut app = boxed();
    press(&mut app, "Up Tab");
    assert_eq!(app.panes.search.query.text(), "status:any ");
    let mut app = boxed();
    press(&mut app, "a n");
    assert_eq!(app.panes.search.popup().0.len(), 1, "narrowed before the hub answers");
    press(&mut app, "Down");
    assert_eq!(app.panes.search.list.selected(), Some(1), "one is no choice: the list moves");
    let mut app = boxed();
    press(&mut app, "Esc");
    assert!(app.panes.search.typing && app.panes.search.popup().0.is_empty());
    press(&mut app, "Esc");
    assert!(!app.panes.search.typing);
}

#[test]
fn a_field_that_is_none_is_underlined_whole_and_tab_mends_it() {
    let mut app = live();
    let effects = press(&mut app, "s");
    assert_eq!(effects, []);
    let effects = tell(&mut app, Msg::Paste("lock tgas:old".into()));
    let fault = Fault::invalid("column 6: there is no field tgas:").hint("did you mean tag:?");
    let generation = generation_of(&effects);
    tell(&mut app, Msg::Answer(Answer::Search { generation, result: Err(fault) }));
    assert_eq!(app.panes.search.fault.as_ref().unwrap().at, Some(5..9));
    assert_eq!(app.panes.search.list.len(), 3, "the last good answer is kept");
    press(&mut app, "Tab");
    assert_eq!((app.panes.search.query.text(), app.panes.search.query.at_end()), ("lock tag:old", true));
}

#[test]
fn a_field_whose_values_are_offered_is_no_mistake_yet() {
    let mut app = live();
    let effects = press(&mut app, "s t a g :");
    let fault = || Fault::invalid("column 1: tag: has no value").hint("for example tag:deploy");
    let mut generation = generation_of(&effects);
    let more =
        tell(&mut app, Msg::Answer(Answer::Search { generation, result: Ok(SearchAnswer::default()) }));
    generation = generation_of(&more);
    tell(&mut app, Msg::Answer(Answer::Search { generation, result: Err(fault()) }));
    let says = |app: &App| draw(app, 120, 40).backend().to_string().contains("tag: has no value");
    assert!(says(&app), "with nothing to offer its example helps");
    offers(&mut app, &["deploy", "db"], 4..4, "tag");
    assert!(!says(&app));
    press(&mut app, "Esc");
    assert!(says(&app));
}

#[test]
fn a_query_is_kept_when_it_is_left_and_taken_again_from_the_list() {
    let kept = |text: &str| Effect::KeepQuery(text.to_owned());
    let mut app = live();
    let typed = press(&mut app, "s d e p");
    assert!(!typed.iter().any(|effect| matches!(effect, Effect::KeepQuery(_))), "typing keeps nothing");
    assert_eq!(press(&mut app, "Esc"), [kept("dep")]);
    assert!(press(&mut app, "s Enter").contains(&kept("dep")));
    let blank = press(&mut app, "s C-u Esc");
    assert!(!blank.iter().any(|effect| matches!(effect, Effect::KeepQuery(_))), "{blank:?}");

    // Up in an empty line, Ctrl-R anywhere, or the palette.
    for keys in ["s Up", "C-r", "s a C-r", ": f o r m e r Enter"] {
        let mut app = live();
        let asked = press(&mut app, keys);
        assert_eq!(asked.last(), Some(&Effect::LoadQueries), "{keys}");
        let queries = vec!["deploy lock".to_owned(), "tag:db".to_owned(), "why".to_owned()];
        tell(&mut app, Msg::Answer(Answer::Queries(Ok(queries))));
        assert_eq!(press(&mut app, "Down C-x"), [Effect::DropQuery("tag:db".into())]);
        press(&mut app, "w h Enter");
        assert_eq!((app.panes.search.query.text(), app.panes.search.typing), ("why", true));
    }
}

#[test]
fn one_typed_by_an_id_is_not_kept() {
    let mut app = live();
    press(&mut app, "o s");
    assert_eq!(press(&mut app, "Esc"), []);
}

#[test]
fn the_list_of_all_is_turned_and_hits_are_not() {
    let mut app = live();
    let asked = press(&mut app, "S");
    let [Effect::Ask(Ask::Recent { request, .. })] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(request.order, crate::door::ListOrder::Oldest);
    press(&mut app, "s x Esc");
    assert_eq!(app.why_not(Action::TurnOrder).as_deref(), Some("hits stand in the order of their rank"));
}

#[test]
fn a_hit_that_is_a_decision_is_opened_as_one() {
    let mut app = live();
    let asked = press(&mut app, "s d");
    let hit = Hit { kind: crate::door::RecordKind::Decision, ..hit(4, 0.5) };
    let answer = SearchAnswer { results: vec![hit], total: 1, ..SearchAnswer::default() };
    tell(&mut app, Msg::Answer(Answer::Search { generation: generation_of(&asked), result: Ok(answer) }));
    let asked = press(&mut app, "Enter");
    assert!(asked.contains(&Effect::Ask(Ask::Decision { id: id(4) })), "{asked:?}");
    let said = decision(4);
    let title = said.title.clone();
    tell(&mut app, Msg::Answer(Answer::Decision { id: id(4), result: Ok(Box::new(said)) }));
    let mut terminal = draw(&app, 120, 40);
    let buffer = terminal.backend_mut().buffer().clone();
    let text: String = buffer.content.iter().map(|cell| cell.symbol()).collect();
    assert!(text.contains(&title), "{text}");
    for action in [Action::Edit, Action::Remove, Action::History] {
        assert_eq!(app.why_not(action).as_deref(), Some("it is a decision: see the Decisions pane"));
    }
    assert_eq!(press(&mut app, "y l"), [Effect::Copy(format!("wheelhouse://decision/{}", id(4)))]);
}

#[test]
fn what_the_full_answer_lacked_is_said_until_the_next_one() {
    let mut app = live();
    let asked = press(&mut app, "s d");
    let words = || SearchAnswer { results: vec![hit(1, 0.5)], total: 1, ..SearchAnswer::default() };
    let full = tell(
        &mut app,
        Msg::Answer(Answer::Search { generation: generation_of(&asked), result: Ok(words()) }),
    );
    let degraded = SearchAnswer {
        degraded_mode: Some("lexical".into()),
        degraded_reasons: vec!["there are no vectors yet".into()],
        ..words()
    };
    let result = Ok(degraded);
    tell(&mut app, Msg::Answer(Answer::Search { generation: generation_of(&full), result }));
    let badge =
        |app: &App| app.panes.search.found.as_ref().unwrap().degraded.as_ref().map(|degraded| degraded.badge);
    assert_eq!(badge(&app), Some("words only"));
    let asked = press(&mut app, "e");
    let full = tell(
        &mut app,
        Msg::Answer(Answer::Search { generation: generation_of(&asked), result: Ok(words()) }),
    );
    assert_eq!(badge(&app), Some("words only"), "words alone do not know better");
    tell(&mut app, Msg::Answer(Answer::Search { generation: generation_of(&full), result: Ok(words()) }));
    assert_eq!(badge(&app), None);
}

#[test]
fn code_is_asked_for_once_and_coloured_when_it_is_known() {
    let mut app = live();
    press(&mut app, "Enter");
    let text = "say\n\n```rust\nlet n = 1;\n```\n";
    let memory = Memory { content: text.into(), ..memory(1) };
    let came = |app: &mut App| {
        tell(app, Msg::Answer(Answer::Memory { id: id(1), result: Ok(Box::new(memory.clone())) }))
    };
    let asked = came(&mut app);
    let [Effect::Highlight { id: of, revision, blocks }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((*of, *revision, blocks[0].code.as_str()), (id(1), 2, "let n = 1;"));
    let keyword = app.env.theme.style(crate::console::theme::Role::CodeKeyword).fg.unwrap();
    let is_coloured = |app: &App| {
        let mut terminal = draw(app, 120, 40);
        let buffer = terminal.backend_mut().buffer().clone();
        buffer.content.iter().any(|cell| cell.symbol() == "l" && cell.fg == keyword)
    };
    assert!(!is_coloured(&app));
    let tokens = vec![vec![(0..3, crate::console::markdown::code::Token::Keyword)]];
    let coloured =
        |revision| Msg::Answer(Answer::Highlighted { id: id(1), revision, tokens: tokens.clone() });
    tell(&mut app, coloured(1));
    assert!(!is_coloured(&app), "what an older revision was made of");
    tell(&mut app, coloured(2));
    assert!(is_coloured(&app));
    assert_eq!(came(&mut app), [], "the same text again is known");
    assert!(is_coloured(&app));
}

#[test]
fn what_is_typed_before_the_hub_is_there_is_asked_when_it_is() {
    let mut app = app();
    assert_eq!(press(&mut app, "s l o c k"), []);
    let effects = tell(&mut app, Msg::Link(At(0), Link::Up { owned: false, status: status(Writes::Open) }));
    let [Effect::Ask(Ask::Search { request, .. }), ..] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(request.query, "lock");
}

#[test]
fn removing_asks_first_and_is_undone_for_ten_seconds() {
    let mut app = live();
    assert_eq!(press(&mut app, "x y"), [], "a key in the first moments is not an answer");
    assert_eq!(press_at(&mut app, 300, "Enter"), [], "the answer by default is no");
    press_at(&mut app, 300, "x");
    assert_eq!(press_at(&mut app, 600, "y"), [Effect::Ask(Ask::Forget { id: id(1) })]);
    let forgotten =
        crate::door::Forgotten { id: id(1), title: "memory 1".into(), applied: true, state: "hidden".into() };
    tell(&mut app, Msg::Answer(Answer::Forgotten(Ok(forgotten))));
    assert_eq!(app.panes.search.selected().unwrap().id, id(2));
    assert_eq!(press_at(&mut app, 5_000, "u"), [Effect::Ask(Ask::Restore { id: id(1) })]);
    assert_eq!(press_at(&mut app, 5_000, "u"), [], "once");
}

#[test]
fn writes_are_grey_while_the_hub_takes_none() {
    let mut app = live();
    let refused = Writes::Refused {
        why: Refusal::DiskFull,
        fault: Fault::new(crate::model::Code::Full, "the disk is full"),
    };
    tell(&mut app, Msg::Link(At(0), Link::Status(status(refused))));
    assert_eq!(app.why_not(Action::Remove).as_deref(), Some("the disk is full"));
    assert_eq!(press(&mut app, "x"), []);
    assert_eq!(app.why_not(Action::Open), None);
}

#[test]
fn a_draft_is_written_shortly_after_the_last_key_and_kept_by_esc() {
    let mut app = live();
    press(&mut app, "n h i");
    let wake = app.wake().unwrap();
    let effects = app.update(wake, Msg::Tick);
    let [Effect::SaveDraft(draft)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(draft.text(Field::Content), "hi");
    let effects = press_at(&mut app, 2_000, "! Esc");
    let [Effect::SaveDraft(draft)] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(draft.text(Field::Content), "hi!");

    press_at(&mut app, 3_000, "n");
    let back = Answer::Draft { purpose: draft.purpose, draft: Some(draft.clone()) };
    tell(&mut app, Msg::Answer(back));
    let effects = press_at(&mut app, 4_000, "A-Enter");
    let [Effect::Ask(Ask::Save(Save::New(new)))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(new.content, "hi!");
}

#[test]
fn what_is_being_written_again_is_named_under_the_form() {
    let mut app = live();
    press(&mut app, "n");
    tell(&mut app, Msg::Paste("roll back: before you restart".into()));
    let wake = app.wake().unwrap();
    let effects = app.update(wake, Msg::Tick);
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Ask(Ask::Alike { request }) => Some(request.query.as_str()),
        _ => None,
    });
    assert_eq!(asked, Some("roll back  before you restart"));
    let near = |n, cosine| Hit { legs: Legs { vector: Some(cosine), ..Legs::default() }, ..hit(n, cosine) };
    let answer =
        SearchAnswer { results: vec![near(1, 0.93), near(2, 0.71), near(3, 0.4)], ..SearchAnswer::default() };
    tell(&mut app, Msg::Answer(Answer::Alike(Ok(answer))));
    let screen = draw(&app, 120, 40).backend().to_string();
    assert!(screen.contains("already known, nearly: “hit 1” 93 %"), "{screen}");
    assert!(screen.contains("“hit 2” 71 %") && !screen.contains("“hit 3”"), "{screen}");

    // Three words mean too little.
    let mut app = live();
    press(&mut app, "n");
    tell(&mut app, Msg::Paste("roll back now".into()));
    let wake = app.wake().unwrap();
    let effects = app.update(wake, Msg::Tick);
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Ask(Ask::Alike { .. }))), "{effects:?}");
}

#[test]
fn a_paste_is_capped_and_never_a_command() {
    let mut app = live();
    let effects = tell(&mut app, Msg::Paste("q\u{1b}[31m lock\n".into()));
    let [Effect::Ask(Ask::Search { request, .. }), ..] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(request.query, "q[31m lock");
    let mut app = live();
    press(&mut app, "n");
    tell(&mut app, Msg::Paste(format!("\u{1b}{}", "x\n".repeat(1 << 20))));
    let effects = press(&mut app, "Esc");
    let [Effect::SaveDraft(draft)] = effects.as_slice() else { panic!("{effects:?}") };
    let content = draft.text(Field::Content);
    assert!(content.len() <= crate::model::CONTENT_BYTES_MAX && !content.contains('\u{1b}'));
}

#[test]
fn a_running_import_is_asked_about_before_the_end() {
    let mut app = live();
    press(&mut app, "I");
    assert!(matches!(press(&mut app, "Enter").as_slice(), [Effect::Import { .. }]));
    assert_eq!(press(&mut app, "Esc q"), []);
    assert_eq!(press_at(&mut app, 400, "y"), [Effect::CancelImport, Effect::Quit]);
}

#[test]
fn a_click_selects_and_a_second_one_opens() {
    let mut app = live();
    let click = |app: &mut App, row| point(app, DOWN, 6, row);
    let second_row = app.panes.search.split.list.y + 2;
    assert_eq!(click(&mut app, second_row), []);
    assert_eq!(app.panes.search.selected().unwrap().id, id(2));
    assert_eq!(click(&mut app, second_row), [Effect::Ask(Ask::Memory { id: id(2) })]);
}

const DOWN: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
const DRAG: MouseEventKind = MouseEventKind::Drag(MouseButton::Left);
const UP: MouseEventKind = MouseEventKind::Up(MouseButton::Left);

fn point(app: &mut App, kind: MouseEventKind, column: u16, row: u16) -> Vec<Effect> {
    tell(app, Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
}

/// Clicks where these words stand on a screen of 120x40.
#[track_caller]
fn click_on(app: &mut App, words: &str) -> Vec<Effect> {
    let terminal = draw(app, 120, 40);
    let buffer = terminal.backend().buffer();
    let line = |y| (0..120).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let found = (0..40).find_map(|y| line(y).find(words).map(|at| (line(y)[..at].chars().count() as u16, y)));
    let (x, y) = found.unwrap_or_else(|| panic!("{words:?} is not on the screen:\n{}", terminal.backend()));
    point(app, DOWN, x, y)
}

fn left_width(app: &App) -> u16 {
    app.deck.pane(PaneName::Search).unwrap().width
}

#[test]
fn a_border_is_dragged_kept_and_set_back_by_a_double_click() {
    let mut app = live();
    assert_eq!(left_width(&app), 60);
    for (taken_at, to, width) in [(59, 44, 45), (45, 80, 80), (79, 118, 84), (84, 2, 36)] {
        assert_eq!(point(&mut app, DOWN, taken_at, 20), []);
        assert_eq!(point(&mut app, DRAG, 70, 20), []);
        assert_eq!(point(&mut app, DRAG, to, 21), []);
        assert_eq!(left_width(&app), width, "{taken_at} to {to}");
        let kept = point(&mut app, UP, to, 21);
        let [Effect::KeepState(state)] = kept.as_slice() else { panic!("{kept:?}") };
        let mut again = self::app();
        again.shares = state.get(layout::PART).unwrap();
        again.arrange();
        assert_eq!(left_width(&again), width, "as it is found again");
    }
    // Taken and let go, nothing has moved and nothing is kept; a second click sets it back.
    assert_eq!((point(&mut app, DOWN, 36, 9), point(&mut app, UP, 36, 9)), (vec![], vec![]));
    let reset = point(&mut app, DOWN, 36, 9);
    assert!(matches!(reset.as_slice(), [Effect::KeepState(_)]), "{reset:?}");
    assert_eq!(left_width(&app), 60);
    // Nothing is held any more.
    point(&mut app, DRAG, 90, 9);
    assert_eq!(left_width(&app), 60);
}

#[test]
fn the_border_of_what_is_opened_is_dragged_too() {
    let mut app = live();
    press(&mut app, "Enter");
    tell(&mut app, Msg::Answer(Answer::Memory { id: id(1), result: Ok(Box::new(memory(1))) }));
    for zoomed in [false, true] {
        if zoomed {
            press(&mut app, "z");
        }
        let border = app.panes.search.split.border().unwrap();
        let (from, to) = match border.edge {
            layout::Edge::Below => ((20, border.at), (20, border.at + 3)),
            _ => ((border.at, 10), (border.at + 3, 10)),
        };
        let before = app.panes.search.split.list;
        assert_eq!(point(&mut app, DOWN, from.0, from.1), []);
        point(&mut app, DRAG, to.0, to.1);
        let list = app.panes.search.split.list;
        assert_eq!((list.width - before.width) + (list.height - before.height), 3, "{border:?}");
        assert!(matches!(point(&mut app, UP, to.0, to.1).as_slice(), [Effect::KeepState(_)]));
    }
    press(&mut app, "=");
    assert_eq!(app.shares, Shares::default());
}

#[test]
fn keys_move_the_border_too() {
    let mut app = live();
    assert!(matches!(press(&mut app, ">").as_slice(), [Effect::KeepState(_)]));
    assert_eq!(left_width(&app), 63);
    press(&mut app, "< <");
    assert_eq!(left_width(&app), 57);
    press(&mut app, "=");
    assert_eq!(left_width(&app), 60);
    assert!(app.why_not(Action::EvenDeck).is_some());
    press(&mut app, "z");
    assert_eq!(app.why_not(Action::BorderLeft).as_deref(), Some("one pane fills the screen"));
}

#[test]
fn a_scroll_bar_is_dragged_to_where_the_list_goes() {
    let mut app = live();
    tell(&mut app, Msg::Link(At(0), Link::Events((11..=1_000).map(event).collect())));
    let track = app.panes.get(PaneName::Timeline).track().unwrap();
    let (x, thumb) = (track.area().x, track.thumb());
    assert!(thumb.end == track.area().bottom(), "it follows");
    point(&mut app, DOWN, x, thumb.start);
    point(&mut app, DRAG, 3, track.area().y);
    assert_eq!(app.panes.timeline.top_row(), 0);
    point(&mut app, DRAG, x, 39);
    point(&mut app, UP, x, 39);
    assert_eq!(app.panes.timeline.stand, crate::console::widgets::tail::Stand::Following);
    // A click on the track takes the thumb there.
    let middle = track.area().y + track.area().height / 2;
    point(&mut app, DOWN, x, middle);
    let track = app.panes.get(PaneName::Timeline).track().unwrap();
    assert!(track.thumb().contains(&middle), "{track:?}");

    let effects = press(&mut app, "s x");
    let results = (1..200).map(|n| hit(n, 9.0 / f32::from(n))).collect();
    let answer = SearchAnswer { results, total: 199, ..SearchAnswer::default() };
    tell(&mut app, Msg::Answer(Answer::Search { generation: generation_of(&effects), result: Ok(answer) }));
    let track = app.panes.get(PaneName::Search).track().unwrap();
    point(&mut app, DOWN, track.area().x, track.thumb().start);
    point(&mut app, DRAG, track.area().x, 39);
    assert_eq!(app.panes.search.list.visible().end, 199);
    assert_eq!(left_width(&app), 60, "the thumb was taken, not the border it stands on");
}

#[test]
fn what_is_clicked_is_done() {
    let mut app = live();
    assert_eq!(click_on(&mut app, "n new"), [Effect::LoadDraft(crate::console::overlay::form::Purpose::New)]);
    let mut app = live();
    click_on(&mut app, "? help");
    assert!(matches!(app.overlay, Some(Overlay::Help(_))));
    // Outside of it.
    point(&mut app, DOWN, 1, 1);
    assert!(app.overlay.is_none());
    click_on(&mut app, ": palette");
    click_on(&mut app, "Esc close");
    assert!(app.overlay.is_none(), "its own hints can be clicked too");
}

#[test]
fn rows_of_overlays_are_selected_by_a_click_and_run_by_a_second() {
    let mut app = live();
    press(&mut app, ":");
    tell(&mut app, Msg::Paste("mouse".into()));
    click_on(&mut app, "Mouse on or off");
    assert!(app.overlay.is_none(), "it was selected already");
    press(&mut app, ":");
    tell(&mut app, Msg::Paste("e".into()));
    let Some(Overlay::Palette(palette)) = &app.overlay else { panic!() };
    assert_ne!(palette.finder().selected().unwrap().name, "help.open");
    click_on(&mut app, "Help: every key");
    let Some(Overlay::Palette(palette)) = &app.overlay else { panic!("one click only selects") };
    assert_eq!(palette.finder().selected().unwrap().name, "help.open");
    click_on(&mut app, "Help: every key");
    assert!(matches!(app.overlay, Some(Overlay::Help(_))));

    let mut app = live();
    let projects = |app: &mut App| {
        press(app, "P");
        let suggestion = |name: &str| Suggestion {
            text: format!("project:{name}"),
            replace: 0..8,
            kind: "project".into(),
            documents: Some(3),
        };
        let suggestions = vec![suggestion("harbour"), suggestion("console")];
        let answer = crate::door::SuggestAnswer { suggestions, fault: None };
        tell(app, Msg::Answer(Answer::Projects(Ok(answer))));
    };
    projects(&mut app);
    click_on(&mut app, "harbour");
    assert!(app.overlay.is_some() && app.env.project.is_none());
    click_on(&mut app, "harbour");
    assert_eq!(app.env.project, Some(Project::slug("harbour")));
    projects(&mut app);
    point(&mut app, DOWN, 2, 30);
    assert!(app.overlay.is_none(), "a click outside closes it");
    assert_eq!(app.env.project, Some(Project::slug("harbour")), "and changes nothing");
    // The header says which one, and leads to the others.
    click_on(&mut app, "harbour ");
    assert!(matches!(app.overlay, Some(Overlay::Picker(_))));
}

#[test]
fn a_question_is_answered_by_its_buttons() {
    let forget = [Effect::Ask(Ask::Forget { id: id(1) })];
    let mut app = live();
    press(&mut app, "x");
    assert_eq!(click_on(&mut app, "y  remove"), [], "not in the first moment");
    assert!(app.overlay.is_some());
    app.env.now = Time::from_unix_ms(NOW + 400);
    assert_eq!(click_on(&mut app, "y  remove"), forget);
    press(&mut app, "x");
    app.env.now = Time::from_unix_ms(NOW + 800);
    assert_eq!(click_on(&mut app, "Cancel"), []);
    assert!(app.overlay.is_none());
    press(&mut app, "x");
    app.env.now = Time::from_unix_ms(NOW + 1_200);
    assert_eq!(point(&mut app, DOWN, 2, 2), []);
    assert!(app.overlay.is_none(), "beside it is no");
}

#[test]
fn values_of_an_export_are_clicked() {
    let mut app = live();
    press(&mut app, "E");
    click_on(&mut app, "Markdown");
    click_on(&mut app, "the clipboard");
    let exports = press(&mut app, "Enter");
    let [Effect::Export(asked)] = exports.as_slice() else { panic!("{exports:?}") };
    assert_eq!(
        (asked.format, &asked.to),
        (crate::console::export::Format::Markdown, &crate::console::export::Target::Clipboard)
    );
    assert_eq!(point(&mut app, DOWN, 1, 1), []);
    assert!(app.overlay.is_some(), "what goes on is not stopped by a click beside it");
}

#[test]
fn a_field_of_a_form_is_clicked_and_a_click_beside_keeps_the_draft() {
    let mut app = live();
    press(&mut app, "n");
    tell(&mut app, Msg::Paste("one\ntwo".into()));
    click_on(&mut app, "Title");
    press(&mut app, "a b");
    click_on(&mut app, "wo");
    press(&mut app, "h");
    let Some(Overlay::Form(form)) = &app.overlay else { panic!() };
    assert_eq!((form.text_of(Field::Title), form.text_of(Field::Content)), ("ab".into(), "one\nthwo".into()));
    let kept = point(&mut app, DOWN, 0, 0);
    let [Effect::SaveDraft(draft)] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(draft.text(Field::Title), "ab");
    assert!(app.overlay.is_none());
}

#[test]
fn themes_are_looked_at_by_clicks_and_by_the_wheel() {
    let mut app = live();
    press(&mut app, ", C-t");
    click_on(&mut app, "harbour-day");
    assert_eq!(app.env.theme.name(), "harbour-day");
    point(&mut app, DOWN, 1, 1);
    assert_eq!(app.env.theme.name(), "harbour", "as before");
    assert!(matches!(app.overlay, Some(Overlay::Settings(_))));
    click_on(&mut app, "Zone");
    click_on(&mut app, "Zone ");
    assert!(matches!(app.overlay, Some(Overlay::Zones(_))));
    point(&mut app, MouseEventKind::ScrollDown, 90, 30);
    assert!(app.env.zones.picked.is_some(), "the selection went along");
}

/// Texts name the keys there are, and none that is not.
#[test]
fn hints_in_texts_follow_the_keymap() {
    let own =
        "version = 1\n[global]\n\"s\" = false\n\"/\" = false\n\"f2\" = \"query.focus\"\n\"u\" = false\n";
    let mut app = live();
    tell(&mut app, Msg::Answer(Answer::Keymap(Ok(Some(own.into())))));
    let screen = draw(&app, 120, 40).backend().to_string();
    assert!(screen.contains("F2 to search: words"), "{screen}");
    press(&mut app, "x");
    let screen = draw(&app, 120, 40).backend().to_string();
    assert!(screen.contains("every list and search at once; `restore`"), "{screen}");
}

#[test]
fn a_console_that_became_the_hub_says_so() {
    let mut app = live();
    for (owned, place) in [(false, "attached"), (true, "local")] {
        tell(&mut app, Msg::Link(At(0), Link::Up { owned, status: status(Writes::Open) }));
        let header = draw(&app, 120, 40).backend().to_string();
        assert!(header.lines().next().unwrap().contains(place), "{header}");
    }
    assert!(app.toasts.iter().any(|toast| toast.text == "this console is the hub now"));
}

#[test]
fn with_reduced_motion_progress_goes_in_tenths() {
    let mut app = live();
    press(&mut app, "I Enter");
    let progress = crate::ingest::Progress { found: 100, done: 47, ..Default::default() };
    tell(&mut app, Msg::Answer(Answer::ImportProgress(progress)));
    for (motion, said) in [(Motion::Full, "47 %"), (Motion::Reduced, "40 %")] {
        app.env.motion = motion;
        let screen = draw(&app, 120, 40).backend().to_string();
        assert!(screen.contains(said) && screen.contains(&format!("importing {said}")), "{screen}");
    }
}

#[test]
fn the_log_is_a_key_away_and_leads_back() {
    let mut app = live();
    press(&mut app, "4 0");
    assert!(app.shows_log());
    let entry = crate::telemetry::Entry {
        time: Time::from_unix_ms(NOW),
        level: crate::telemetry::Level::Warn,
        target: "wheelhouse::store",
        message: "the disk is slow".into(),
        fields: vec![("took_ms", "1200".into())],
    };
    let taken = crate::telemetry::Taken { entries: vec![entry], dropped: 0 };
    tell(&mut app, Msg::Logged(taken));
    assert_eq!(
        press(&mut app, "y y"),
        [Effect::Copy(
            "2026-11-18T11:06:40.000Z  WARN wheelhouse::store: the disk is slow took_ms=1200".into()
        )]
    );
    assert!(app.why_not(Action::CopyId).is_some());
    press(&mut app, "/ t o o k Enter Esc");
    assert!(app.shows_log(), "the filter first");
    press(&mut app, "Esc");
    assert_eq!((app.focus, app.shows_log()), (PaneName::Timeline, false));
    press(&mut app, "0 Tab");
    assert_eq!(app.focus, PaneName::Search, "it stands behind the last one");
}

fn draw(app: &App, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| app.view(frame)).unwrap();
    terminal
}

#[test]
fn no_size_is_too_small_to_draw() {
    for overlay in [
        "",
        "?",
        ":",
        "n",
        "I",
        "P",
        "x",
        "y",
        "4 /",
        "s a",
        "Enter",
        "e",
        ",",
        "E",
        ", z o n e Enter",
        "o Right",
        "C-r",
        "s t a g : x",
        "0",
        "0 /",
        "d",
        "d Tab Tab",
        "2 c Enter",
        "2 /",
    ] {
        for size in (0..=12).flat_map(|w| (0..=10).map(move |h| (w, h))).chain([
            (40, 12),
            (41, 13),
            (60, 12),
            (100, 30),
        ]) {
            let mut app = live();
            if !overlay.is_empty() {
                press(&mut app, overlay);
            }
            tell(&mut app, Msg::Resize(size.0, size.1));
            tell(&mut app, Msg::Answer(Answer::Memory { id: id(1), result: Ok(Box::new(memory(1))) }));
            draw(&app, size.0, size.1);
        }
    }
}

/// The budget of a cursor move at 200x60, in bytes to the terminal.
#[test]
fn a_cursor_move_is_cheap_to_send() {
    let mut app = live();
    tell(&mut app, Msg::Resize(200, 60));
    let effects = press(&mut app, "s x");
    let results = (1..40).map(|n| hit(n, 9.0 / f32::from(n))).collect();
    let answer = SearchAnswer { results, total: 39, ..SearchAnswer::default() };
    tell(&mut app, Msg::Answer(Answer::Search { generation: generation_of(&effects), result: Ok(answer) }));
    press(&mut app, "Esc");
    let mut painter = Painter::new(std::io::sink(), ratatui::layout::Size::new(200, 60), false).unwrap();
    painter.draw(|frame| app.view(frame)).unwrap();
    for keys in ["j", "j", "4 k", "k"] {
        press(&mut app, keys);
        let bytes = painter.draw(|frame| app.view(frame)).unwrap();
        // Going to another pane repaints its border.
        assert!(bytes <= 600 || keys == "4 k", "{keys}: {bytes} bytes");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Key(&'static str),
    Resize(u16, u16),
    Mouse(u8, u16, u16),
    Paste(String),
    /// Of the first hub, or of the second.
    Events(bool, u64),
    Down(bool),
    Up(bool),
    Answer(u8),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let keys = [
        "q", "s", "/", "n", "w", "x", "y", "e", "H", "u", "z", "t", "P", "M", "I", ":", "?", "f", "Space",
        "G", "g", "[", "]", "j", "k", "1", "4", "Tab", "Esc", "Enter", "Up", "Down", "a", "C-u", "A-Enter",
        "C-x", "r", "\"", "Left", "Right", "Back", "C-r", "o", "S", "0", "<", ">", "2", "d", "c", "3", "5",
        "!", "l", "p", "X", "R", "E", "9",
    ];
    prop_oneof![
        8 => prop::sample::select(keys.to_vec()).prop_map(Step::Key),
        1 => (0..160u16, 0..50u16).prop_map(|(w, h)| Step::Resize(w, h)),
        2 => (0..5u8, 0..160u16, 0..50u16).prop_map(|(kind, x, y)| Step::Mouse(kind, x, y)),
        1 => ".{0,30}".prop_map(Step::Paste),
        1 => "(tag:[a-z]{0,3} |-?type:\"a b\"|like:[0-9a-f-]{0,36} |since:|é漢 |\"){0,5}".prop_map(Step::Paste),
        2 => (any::<bool>(), 1..80u64).prop_map(|(second, count)| Step::Events(second, count)),
        1 => any::<bool>().prop_map(Step::Down),
        1 => any::<bool>().prop_map(Step::Up),
        3 => (0..8u8).prop_map(Step::Answer),
        1 => (1..12_000u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn nothing_that_comes_breaks_it(many in any::<bool>(), steps in prop::collection::vec(step(), 1..80)) {
        let mut app = if many { fleet::two() } else { live() };
        let mut now = Time::from_unix_ms(NOW);
        let mut heads = [10, 10];
        let mut asked: Vec<Effect> = Vec::new();
        let mut size = (120, 40);
        for step in steps {
            now = now.plus(Duration::from_millis(20));
            let msg = match step {
                Step::Key(name) => Msg::Key(key(name)),
                Step::Resize(width, height) => {
                    size = (width, height);
                    Msg::Resize(width, height)
                }
                Step::Mouse(kind, column, row) => Msg::Mouse(MouseEvent {
                    kind: match kind {
                        0 => MouseEventKind::Down(MouseButton::Left),
                        1 => MouseEventKind::ScrollUp,
                        2 => DRAG,
                        3 => UP,
                        _ => MouseEventKind::ScrollDown,
                    },
                    column,
                    row,
                    modifiers: KeyModifiers::NONE,
                }),
                Step::Paste(text) => Msg::Paste(text),
                Step::Events(second, count) => {
                    let head = &mut heads[usize::from(second)];
                    *head += count;
                    let events = (*head - count + 1..=*head).map(event).collect();
                    Msg::Link(At(u16::from(second)), Link::Events(events))
                }
                Step::Down(second) => {
                    let link = Link::Down { fault: Fault::unavailable("gone"), retry_at: now };
                    Msg::Link(At(u16::from(second)), link)
                }
                Step::Up(second) => {
                    let link = Link::Up { owned: false, status: status(Writes::Open) };
                    Msg::Link(At(u16::from(second)), link)
                }
                Step::Wait(ms) => {
                    now = now.plus(Duration::from_millis(ms));
                    Msg::Tick
                }
                Step::Answer(which) => match asked.pop() {
                    Some(Effect::Ask(ask)) => of_hub(&app, app.env.fleet.chosen(), answer(ask, which)),
                    Some(Effect::AskEach(AskEach::Of { at, ask })) => of_hub(&app, at, answer(*ask, which)),
                    Some(Effect::AskEach(ask)) => Msg::Answer(answer_each(ask, which)),
                    _ => Msg::Tick,
                },
            };
            for effect in app.update(now, msg) {
                if matches!(effect, Effect::Ask(_) | Effect::AskEach(_)) {
                    asked.push(effect);
                }
            }
            let rows = app.panes.search.found.as_ref().map_or(0, |found| found.rows.len());
            prop_assert_eq!(app.panes.search.list.len(), rows);
            prop_assert!(app.panes.search.list.selected().is_none_or(|row| row < rows));
            prop_assert!(app.panes.timeline.selected_row().is_none_or(|row| row < app.panes.timeline.feed().len()));
            draw(&app, size.0, size.1);
        }
    }
}

fn of_hub(app: &App, at: At, answer: Answer) -> Msg {
    Msg::OfHub { at, turn: app.env.fleet.turn(), answer }
}

/// Some answer of the right kind, by each hub that was asked; the first may fail.
fn answer_each(ask: AskEach, which: u8) -> Answer {
    let fault = || Fault::unavailable("not now");
    let fails = |at: At| which == 2 && at == At(0);
    match ask {
        AskEach::Events { generation, page, queries } => {
            let next = (which > 3).then_some(u64::from(which / 2));
            let of = |(at, _)| {
                (at, if fails(at) { Err(fault()) } else { Ok(stretch(1..=u64::from(which), next)) })
            };
            Answer::Events { generation, page, pages: queries.into_iter().map(of).collect() }
        }
        AskEach::EventStats { generation, queries } => {
            let bucket = EventBucket { events: u64::from(which), errors: u64::from(which / 2) };
            let of = |(at, query): (At, EventQuery)| {
                let stats = EventStats { buckets: vec![bucket; query.buckets], ..EventStats::default() };
                (at, if fails(at) { Err(fault()) } else { Ok(stats) })
            };
            Answer::EventStats { generation, stats: queries.into_iter().map(of).collect() }
        }
        AskEach::Sound { at } => Answer::Sounded { at, result: Err(fault()) },
        AskEach::Of { .. } => Answer::Nothing,
    }
}

/// Some answer of the right kind.
fn answer(ask: Ask, which: u8) -> Answer {
    let fault = || Fault::unavailable("not now");
    let found = || SearchAnswer {
        results: (0..which).map(|n| hit(n, 1.0 / f32::from(n + 1))).collect(),
        total: which as usize,
        cursor: (which > 4).then(|| "more".into()),
        ..SearchAnswer::default()
    };
    match ask {
        Ask::Search { generation, .. } => {
            Answer::Search { generation, result: if which == 0 { Err(fault()) } else { Ok(found()) } }
        }
        Ask::SearchMore { generation, .. } => Answer::SearchMore { generation, result: Ok(found()) },
        Ask::Recent { generation, .. } | Ask::RecentMore { generation, .. } => Answer::Recent {
            generation,
            result: Ok(MemoryPage { memories: (0..which).map(memory).collect(), next: None }),
        },
        Ask::Explain { id, .. } => Answer::Explain { id, result: Ok(found()) },
        Ask::Alike { .. } => Answer::Alike(Ok(found())),
        Ask::Suggest { generation, .. } => Answer::Suggest {
            generation,
            result: Ok(crate::door::SuggestAnswer {
                suggestions: vec![Suggestion {
                    text: "apple".into(),
                    replace: 0..(which as usize),
                    kind: "word".into(),
                    documents: None,
                }],
                fault: None,
            }),
        },
        Ask::Projects => Answer::Projects(Err(fault())),
        Ask::Memory { id } => Answer::Memory { id, result: Ok(Box::new(Memory { id, ..memory(which) })) },
        Ask::Decision { id } => Answer::Decision { id, result: Err(fault()) },
        Ask::History { id } => Answer::History { id, result: Ok(Vec::new()) },
        Ask::Opened { .. } => Answer::Nothing,
        Ask::Save(_) => Answer::Saved(Err(fault())),
        Ask::Forget { .. } => Answer::Forgotten(Err(fault())),
        Ask::Restore { .. } => Answer::Restored(Err(fault())),
        Ask::Decisions { what, .. } => {
            let decisions = (0..which).map(decision).collect();
            let next = (which > 4).then(|| "more".into());
            Answer::Decisions { what, result: Ok(DecisionPage { decisions, next }) }
        }
        Ask::Calibration { generation, .. } => {
            Answer::Calibration { generation, result: Ok(Calibration::of(&[decision(which)])) }
        }
        Ask::Decide(_) | Ask::RecordOutcome { .. } => Answer::Decided(Err(fault())),
        Ask::DecisionHistory { id } => Answer::DecisionHistory { id, result: Ok(Vec::new()) },
        Ask::Jobs { generation } => {
            let jobs = (0..which).map(|n| job(n, u64::from(which / 4))).collect();
            Answer::Jobs { generation, result: if which == 7 { Err(fault()) } else { Ok(jobs) } }
        }
        Ask::JobRuns { generation, job } => {
            let runs: Vec<_> = (0..which).map(|n| run_of(n, job)).collect();
            let dead = runs.iter().filter(|run| run.run.state == RunState::Dead).cloned().collect();
            let found = JobRuns { runs, dead, next: vec![Time::from_unix_ms(NOW + 90_000)] };
            Answer::JobRuns { generation, job, result: Ok(found) }
        }
        Ask::Job(deed) => {
            let result = if which == 0 { Err(fault()) } else { Ok(Some(Box::new(run_of(which, id(1))))) };
            Answer::Job { deed, result }
        }
        Ask::RunLog { run, after } => Answer::RunLog { run, result: Ok(said(after, which)) },
        Ask::Health { generation, trends } => {
            Answer::Health { generation, result: Ok((Box::new(health(which)), trends.map(|_| trend(which)))) }
        }
    }
}

fn job(n: u8, dead: u64) -> JobView {
    let marks: Vec<_> = (0..n).map(|at| RunMark::from(&run_of(at, id(n)).run)).collect();
    let job = serde_json::json!({
        "id": id(n), "slug": format!("job{n}"), "kind": { "builtin": "nothing" }, "schedule": { "every": "1m" },
        "when": "every minute", "next": Time::from_unix_ms(NOW + 60_000 * i64::from(n)), "dead": dead,
        "recent": marks,
    });
    serde_json::from_value(job).unwrap()
}

/// In each state in turn.
fn run_of(n: u8, job: Id) -> RunView {
    let state = RunState::ALL[n as usize % RunState::ALL.len()];
    serde_json::from_value(serde_json::json!({
        "id": id(100 + n), "job": job, "slot": format!("at:{}", Time::from_unix_ms(NOW)), "trigger": "schedule",
        "state": state, "attempt": 1, "created_at": Time::from_unix_ms(NOW), "updated_at": Time::from_unix_ms(NOW),
        "revision": 1, "started": Time::from_unix_ms(NOW - 9_000), "progress": { "done": 3, "total": 9 }, "slug": "job",
        "error": { "code": "timeout", "message": "it took too long" },
    }))
    .unwrap()
}

/// Lines after the one that was asked with.
fn said(after: u64, count: u8) -> RunLog {
    let line = |number| LogLine {
        number,
        time: Time::from_unix_ms(NOW),
        stream: if number % 2 == 0 { LogStream::Err } else { LogStream::Out },
        text: format!("line {number}"),
        cut: false,
    };
    let cursor = after + u64::from(count);
    RunLog { lines: (after + 1..=cursor).map(line).collect(), cursor, missed: 0, live: count > 2 }
}

fn health(n: u8) -> Health {
    let part = |status: &str| {
        serde_json::json!({
            "status": status, "latency_ms": 0.4, "cause": "12 % of the disk is free", "since": Time::from_unix_ms(NOW),
            "checked_at": Time::from_unix_ms(NOW), "runbook": "disk-low", "events": "health.*.disk",
        })
    };
    let disk = ["up", "degraded", "down"][n as usize % 3];
    serde_json::from_value(serde_json::json!({
        "status": "healthy", "components": { "disk": part(disk), "log": part("up") }, "version": "0", "hub": "h",
        "timestamp": Time::from_unix_ms(NOW), "started_at": Time::from_unix_ms(NOW), "latencies": {}, "breakers": [],
        "caches": [], "errors": {}, "memory_bytes": 1, "queue_depth": 0, "queue_bytes": 0, "connections": 0, "running": 0,
        "dead": 0,
    }))
    .unwrap()
}

fn trend(n: u8) -> Trends {
    let at = |step: u8| Time::from_unix_ms(NOW - 3_600_000 + 10_000 * i64::from(step));
    let points = (0..n).map(|step| TrendPoint { at: at(step), events_per_s: 1.0, ..TrendPoint::default() });
    let latencies_ms = [("disk".to_owned(), vec![Some(0.4); n as usize])].into();
    Trends { step_ms: 10_000, points: points.collect(), latencies_ms }
}

/// With two jobs, the second of them going on and with a dead letter, and a disk that runs full.
fn at_work() -> App {
    let mut app = app();
    let effects = tell(&mut app, Msg::Link(At(0), Link::Up { owned: true, status: status(Writes::Open) }));
    for effect in effects {
        match effect {
            Effect::Ask(Ask::Jobs { generation }) => {
                let mut busy = job(9, 1);
                busy.recent.reverse();
                tell(&mut app, Msg::Answer(Answer::Jobs { generation, result: Ok(vec![job(1, 0), busy]) }));
            }
            Effect::Ask(Ask::Health { generation, .. }) => {
                let result = Ok((Box::new(health(1)), Some(trend(60))));
                tell(&mut app, Msg::Answer(Answer::Health { generation, result }));
            }
            _ => {}
        }
    }
    tell(&mut app, Msg::Link(At(0), Link::Begin(stretch(1..=10, None))));
    app
}

#[track_caller]
fn check_at_work(keys: &str, expected: &[Effect]) {
    let mut app = at_work();
    assert_eq!(press(&mut app, keys), expected, "{keys}");
}

#[test]
fn keys_of_jobs_ask_for_what_they_say() {
    let deed = |deed| Effect::Ask(Ask::Job(deed));
    check_at_work("3 r", &[deed(JobDeed::Run(id(1)))]);
    check_at_work("3 j r", &[deed(JobDeed::Run(id(9)))]);
    let pause = NewPause { reason: "x".into(), until: None };
    check_at_work("3 p x Enter", &[deed(JobDeed::Pause(id(1), pause))]);
    check_at_work("3 p x Esc", &[]);
    // Nothing goes on, and nothing is dead.
    check_at_work("3 X R x", &[]);
    check_at_work("3 j R", &[deed(JobDeed::Retry(id(108)))]);
    check_at_work("3 j l", &[Effect::Ask(Ask::RunLog { run: id(108), after: 0 })]);
    check_at_work("3 / j o b 9 Enter r", &[deed(JobDeed::Run(id(9)))]);
    check_at_work("3 S S", &[]);
    check_at_work("3 j y i", &[Effect::Copy(id(9).to_string())]);
    for (keys, expected) in [("X", JobDeed::Cancel(id(102))), ("x", JobDeed::Dismiss(id(108)))] {
        let mut app = at_work();
        assert_eq!(press(&mut app, &format!("3 j {keys} y")), [], "no key in the first moment is an answer");
        assert_eq!(press_at(&mut app, 300, "y"), [deed(expected)]);
    }
    let mut app = at_work();
    press(&mut app, "3 j E");
    let asked = asked_of(&press(&mut app, "Enter"));
    assert_eq!(asked.what, What::Jobs(None));
}

#[test]
fn jobs_are_asked_for_when_something_happens_to_one_and_one_question_at_a_time() {
    let mut app = at_work();
    let told = |sequence| {
        Arc::new(Event {
            kind: "job.started".into(),
            subject: "_.job.started.job1".parse().unwrap(),
            ..(*event(sequence)).clone()
        })
    };
    let asks = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::Ask(Ask::Jobs { .. }))).count()
    };
    let at = |app: &mut App, ms: i64, msg| asks(&app.update(Time::from_unix_ms(NOW + ms), msg));
    assert_eq!(at(&mut app, 5_000, Msg::Tick), 0, "never while nothing happens");
    assert_eq!(at(&mut app, 5_000, Msg::Link(At(0), Link::Events(vec![told(11)]))), 1);
    assert_eq!(at(&mut app, 5_010, Msg::Link(At(0), Link::Events(vec![told(12)]))), 0);
    assert_eq!(
        at(&mut app, 9_000, Msg::Link(At(0), Link::Events(vec![told(13)]))),
        0,
        "the answer is not here yet"
    );
    let answer = Msg::Answer(Answer::Jobs { generation: 2, result: Ok(vec![job(1, 0)]) });
    assert_eq!(at(&mut app, 9_010, answer), 1, "what came meanwhile is asked for after it");
}

#[test]
fn what_is_wrong_is_explained_and_its_events_are_a_key_away() {
    let mut app = at_work();
    let screen = shown(&app);
    assert!(screen.contains("disk"), "{screen}");
    press(&mut app, "!");
    let screen = shown(&app);
    assert!(screen.contains("12 % of the disk is free") && screen.contains("a dead letter"), "{screen}");
    let effects = press(&mut app, "Enter");
    let asked = effects.iter().any(|effect| matches!(effect, Effect::AskEach(AskEach::Events { queries, .. }) if queries[0].1.filter != EventFilter::default()));
    assert!(asked && app.overlay.is_none(), "{effects:?}");
    assert_eq!((app.focus, app.panes.timeline.filter_text.text()), (PaneName::Timeline, "health.*.disk"));
}

#[test]
fn moving_in_a_chart_moves_the_timeline_to_that_moment() {
    let mut app = at_work();
    let effects = press(&mut app, "5 Left");
    let [Effect::AskEach(AskEach::Events { page: Page::At, queries, .. })] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let last = trend(60).points[59].at;
    assert!(
        queries[0]
            .1
            .recorded_since
            .is_some_and(|since| since <= last && since.plus(Duration::from_secs(120)) > last)
    );
    assert_eq!(app.focus, PaneName::Health);
}

fn decision(n: u8) -> Decision {
    serde_json::from_value(serde_json::json!({
        "id": id(n), "created_at": Time::from_unix_ms(0), "updated_at": Time::from_unix_ms(0), "revision": 1,
        "number": format!("D-{n:04}"), "title": format!("decision {n}"), "confidence": 0.8,
        "outcome": { "status": "partial" },
    }))
    .unwrap()
}

/// In Decisions, with these listed.
fn decided(count: u8) -> App {
    let mut app = live();
    let effects = tell(&mut app, Msg::Link(At(0), Link::Up { owned: true, status: status(Writes::Open) }));
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Ask(Ask::Decisions { what, .. }) => Some(*what),
        _ => None,
    });
    let page = DecisionPage { decisions: (0..count).map(decision).collect(), next: None };
    tell(&mut app, Msg::Answer(Answer::Decisions { what: asked.unwrap(), result: Ok(page) }));
    press(&mut app, "2");
    app
}

fn shown(app: &App) -> String {
    draw(app, app.area.width, app.area.height).backend().to_string()
}

#[test]
fn a_decision_is_typed_checked_at_its_field_and_saved() {
    let mut app = live();
    assert_eq!(press(&mut app, "d"), [Effect::LoadDraft(Purpose::Decide)]);
    press(&mut app, "A-Enter");
    assert!(shown(&app).contains("title is empty"));
    press(&mut app, "a b Tab Tab");
    tell(&mut app, Msg::Paste("one\n+ fast\ntwo".into()));
    press(&mut app, "Tab x");
    assert!(shown(&app).contains("chosen_option \"x\" is none of the options"));
    let effects = press(&mut app, "A-Enter");
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Ask(Ask::Decide(_)))), "{effects:?}");
    press(&mut app, "C-w t w o Tab Tab 8 0 %");
    let effects = press(&mut app, "A-Enter");
    let [Effect::Ask(Ask::Decide(new))] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(
        (new.title.as_str(), new.chosen_option.as_deref(), new.confidence),
        ("ab", Some("two"), Some(0.8))
    );
    assert_eq!(new.options[0].pros, ["fast"]);

    let saved = SavedDecision { decision: decision(3), applied: true };
    let effects = tell(&mut app, Msg::Answer(Answer::Decided(Ok(Box::new(saved)))));
    assert!(effects.contains(&Effect::DropDraft(Purpose::Decide)) && app.overlay.is_none(), "{effects:?}");
}

#[test]
fn a_decision_refused_keeps_its_form() {
    let mut app = live();
    press(&mut app, "d a A-Enter");
    tell(&mut app, Msg::Answer(Answer::Decided(Err(Fault::conflict("not like this")))));
    assert!(shown(&app).contains("not like this"));
}

#[test]
fn the_decisions_like_the_one_being_written_are_asked_for_by_its_longest_words() {
    let mut app = live();
    press(&mut app, "d l o g s Space a r e Space o r d e r e d");
    let wake = app.wake().unwrap();
    let effects = app.update(wake, Msg::Tick);
    let asked: Vec<_> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Ask(Ask::Decisions { request, .. }) => request.filter.text.as_deref(),
            _ => None,
        })
        .collect();
    assert_eq!(asked, ["ordered", "logs"]);
}

#[test]
fn what_came_of_a_decision_is_chosen_and_recorded() {
    let mut app = decided(3);
    press(&mut app, "j o f Tab 2");
    let effects = press(&mut app, "A-Enter");
    let [Effect::Ask(Ask::RecordOutcome { id: of, outcome })] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    assert_eq!((*of, outcome.status, outcome.rating), (id(1), OutcomeStatus::Failed, Some(2)));
    let mut app = live();
    press(&mut app, "2");
    assert_eq!(app.why_not(Action::RecordOutcome).as_deref(), Some("no decision is selected"));
}

#[test]
fn a_sequence_is_left_by_esc_and_a_slip_is_said() {
    let mut app = live();
    press(&mut app, "y");
    assert!(!app.ways.is_empty());
    press(&mut app, "Esc");
    assert!(app.ways.is_empty() && app.pending.is_empty() && app.toasts.iter().next().is_none());
    press(&mut app, "y q");
    assert!(app.ways.is_empty() && !app.is_quitting());
    assert_eq!(app.toasts.iter().next().unwrap().text, "y q does nothing here");
}

#[test]
fn the_keymap_is_read_again_and_exchanged() {
    let mut app = live();
    let read = press(&mut app, ": k e y m a p Space r e a d Enter");
    assert_eq!(read, [Effect::LookAtFiles, Effect::ReadKeymap]);
    let text = "version = 1\n[global]\n\"q\" = false\n";
    tell(&mut app, Msg::Answer(Answer::Keymap(Ok(Some(text.into())))));
    assert_eq!(press(&mut app, "q"), []);
    let wrong = "version = 1\n[global]\n\"q\" = \"app.qiut\"\n";
    tell(&mut app, Msg::Answer(Answer::Keymap(Ok(Some(wrong.into())))));
    let said = &app.toasts.iter().last().unwrap().text;
    assert!(said.starts_with("keymap: /config/keymap.toml:3: there is no action"), "{said}");

    press(&mut app, ": d e f a u l t Space v i m Enter");
    assert_eq!(press(&mut app, "v i m Enter"), [Effect::ReadKeymap]);
    tell(&mut app, Msg::Answer(Answer::Keymap(Ok(None))));
    assert_eq!(press(&mut app, "Z Z"), [Effect::Quit]);
}

#[test]
fn the_palette_runs_what_begins_as_typed_and_the_last_used_first() {
    let mut app = live();
    assert_eq!(press(&mut app, ": q Enter"), [Effect::LookAtFiles, Effect::Quit]);
    let mut app = live();
    press(&mut app, "t z z");
    assert_eq!(app.entries()[0].name, "pane.zoom");
    assert_eq!(app.entries()[1].name, "time.cycle");
}

#[test]
fn letters_are_what_help_is_searched_for() {
    let mut app = live();
    press(&mut app, "? q u i t");
    assert!(!app.is_quitting() && app.overlay.is_some());
    press(&mut app, "Esc");
    assert!(app.overlay.is_some(), "the words first");
    press(&mut app, "Esc");
    assert!(app.overlay.is_none());
}

/// A directory with one theme of one's own, `reef`, whose accent is this colour.
fn own_theme(dir: &std::path::Path, accent: &str) -> Themes {
    let text = format!("version = 1\nextends = \"harbour\"\n[palette]\naccent = {{ rgb = \"{accent}\" }}\n");
    std::fs::write(dir.join("reef.toml"), text).unwrap();
    Themes::read(dir).unwrap()
}

fn pick_theme(app: &mut App) {
    assert_eq!(run(app, Action::Theme), [Effect::ReadThemes]);
    tell(app, Msg::Answer(Answer::Themes(Ok(Themes::default()))));
}

fn run(app: &mut App, action: Action) -> Vec<Effect> {
    let mut out = Out::default();
    app.run(action, &mut out);
    app.settle(&mut out);
    app.arrange();
    out.effects
}

#[test]
fn a_theme_is_worn_while_it_is_looked_at_and_esc_brings_the_old_one_back() {
    let mut app = app();
    pick_theme(&mut app);
    assert_eq!(app.env.theme.name(), "harbour");
    for expected in ["harbour", "harbour-day", "high-contrast"] {
        run(&mut app, Action::Down);
        assert_eq!(app.env.theme.name(), expected);
    }
    assert_eq!(run(&mut app, Action::Back), []);
    assert_eq!((app.env.theme.name(), app.overlay.is_none()), ("harbour", true));
    assert!(!app.terminal_is(Mode::Dark));
    assert!(app.terminal_is(Mode::Light), "by the terminal, as before");
}

#[test]
fn enter_keeps_a_theme_and_quitting_in_the_middle_does_not() {
    let mut app = app();
    pick_theme(&mut app);
    app.update(Time::from_unix_ms(NOW), Msg::Paste("blind".into()));
    let choice = Choice::Chosen { name: "colour-blind-safe".into(), on: Mode::Dark };
    assert_eq!(run(&mut app, Action::Open), [Effect::KeepTheme(choice)]);
    assert_eq!(app.env.theme.name(), "colour-blind-safe");
    assert!(app.terminal_is(Mode::Light));
    assert_eq!(app.env.theme.name(), "colour-blind-safe-day");
    pick_theme(&mut app);
    run(&mut app, Action::First);
    assert_eq!(app.env.theme.name(), "harbour-day");
    assert_eq!(run(&mut app, Action::Quit), [Effect::Quit]);
    assert_eq!(app.env.theme.name(), "colour-blind-safe-day");
}

#[test]
fn ones_own_theme_is_read_again_when_asked_and_a_slip_in_it_takes_nothing_away() {
    let accent = |app: &App| app.env.theme.style(crate::console::theme::Role::Accent).fg;
    let dir = tempfile::tempdir().unwrap();
    let mut app = app();
    app.looks.choice = Choice::Named("reef".into());
    for (hex, rgb) in [("#ffaa00", (255, 170, 0)), ("#00ffaa", (0, 255, 170))] {
        assert_eq!(run(&mut app, Action::ReadThemes), [Effect::ReadThemes]);
        tell(&mut app, Msg::Answer(Answer::Themes(Ok(own_theme(dir.path(), hex)))));
        assert_eq!(accent(&app), Some(ratatui::style::Color::Rgb(rgb.0, rgb.1, rgb.2)));
    }
    let before = accent(&app);
    tell(&mut app, Msg::Answer(Answer::Themes(Ok(own_theme(dir.path(), "orange")))));
    assert_eq!(accent(&app), before);
    let said: Vec<_> = app.toasts.iter().map(|toast| toast.text.clone()).collect();
    let last = said.last().unwrap();
    assert!(last.contains("reef.toml:4: \"orange\" is no colour"), "{said:?}");
}

#[test]
fn a_theme_that_cannot_be_used_says_why_and_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut app = app();
    app.looks.themes = own_theme(dir.path(), "orange");
    run(&mut app, Action::Theme);
    run(&mut app, Action::Last);
    assert_eq!(app.env.theme.name(), "harbour");
    let mut terminal = Terminal::new(TestBackend::new(120, 40)).unwrap();
    terminal.draw(|frame| app.view(frame)).unwrap();
    let shown: String = terminal.backend().buffer().content.iter().map(|cell| cell.symbol()).collect();
    assert!(shown.contains("cannot be used") && shown.contains("\"#rrggbb\""), "{shown}");
    assert_eq!(run(&mut app, Action::Open), []);
    assert!(app.overlay.is_some());
}

// ── settings ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// What the keys in the settings ask for, after they were opened.
#[track_caller]
fn check_settings(app: &mut App, keys: &str, expected: &[Effect]) {
    press(app, ",");
    assert_eq!(press(app, keys), expected, "{keys}");
}

fn kept(name: &'static str, value: &str) -> Effect {
    Effect::KeepChoices(vec![(name, value.to_owned())])
}

#[test]
fn settings_are_seen_at_once_and_kept_by_enter_alone() {
    let row = |n: usize, then: &str| format!("{}{then}", "Down ".repeat(n));
    check_settings(&mut live(), &row(1, "Right"), &[Effect::DrawAscii(true)]);
    check_settings(&mut live(), &row(1, "Right Enter"), &[Effect::DrawAscii(true), kept("ascii", "true")]);
    check_settings(&mut live(), &row(1, "Right Esc"), &[Effect::DrawAscii(true), Effect::DrawAscii(false)]);
    check_settings(&mut live(), &row(2, "Left Enter"), &[kept("color_depth", "none")]);
    check_settings(&mut live(), &row(3, "Enter Enter"), &[kept("motion", "reduced")]);
    check_settings(&mut live(), &row(4, "Right Enter"), &[Effect::ReadKeymap, kept("keymap", "vim")]);
    check_settings(
        &mut live(),
        &row(5, "Left Esc"),
        &[Effect::CaptureMouse(false), Effect::CaptureMouse(true)],
    );
    check_settings(&mut live(), &row(6, "Right Right Enter"), &[kept("time", "utc")]);
    let abidjan = Some("Africa/Abidjan".parse().unwrap());
    check_settings(
        &mut live(),
        &row(7, "Right Enter"),
        &[Effect::UseZone(abidjan), kept("zone", "Africa/Abidjan")],
    );
    check_settings(&mut live(), "u t c Enter", &[]);
}

#[test]
fn what_was_only_looked_at_is_taken_back() {
    let mut app = live();
    let theme = app.env.theme.name().to_owned();
    press(&mut app, ", Right Right");
    assert_ne!(app.env.theme.name(), theme, "seen at once");
    press(&mut app, "Down Down Left Down Right Down Down Down Left");
    assert_eq!((app.env.theme.depth(), app.env.motion), (Depth::None, crate::config::Motion::Reduced));
    assert_eq!(app.env.form, TimeForm::Utc);
    press(&mut app, "Esc");
    assert_eq!((app.env.theme.name(), app.env.theme.depth()), (theme.as_str(), Depth::True));
    assert_eq!((app.env.motion, app.env.form), (crate::config::Motion::Full, TimeForm::Relative));
    assert!(app.overlay.is_some(), "the settings stay open");
    press(&mut app, "Esc");
    assert!(app.overlay.is_none());
    // Quitting is no choice either.
    press(&mut app, ", Right Right");
    assert_ne!(app.env.theme.name(), theme);
    assert_eq!(press(&mut app, "C-c"), [Effect::Quit]);
    assert_eq!(app.env.theme.name(), theme);
}

#[test]
fn what_the_settings_file_says_is_not_written_over() {
    let mut config = crate::config::Config::default();
    let file = crate::config::Provenance::File { path: "/c.toml".into(), line: 3 };
    config.set("motion", "full", file).unwrap();
    let mut app = live();
    app.given = Given::new(&config, Depth::True);
    check_settings(&mut app, "Down Down Down Right Enter", &[]);
    assert_eq!(app.env.motion, crate::config::Motion::Reduced, "until the end it is as wished");
    let said: Vec<_> = app.toasts.iter().map(|toast| toast.text.clone()).collect();
    assert_eq!(said, ["Motion: until you quit; /c.toml:3 says otherwise"]);
    assert_eq!(
        press(&mut app, "Down Down Right Enter"),
        [Effect::CaptureMouse(false), kept("mouse", "false")]
    );
}

#[test]
fn a_setting_is_found_by_typing_and_lists_lead_back() {
    let mut app = live();
    press(&mut app, ", z o n e");
    press(&mut app, "Enter");
    assert!(matches!(app.overlay, Some(Overlay::Zones(_))));
    let seen = press(&mut app, "n e w Space y o r k");
    let new_york = "America/New_York".parse().unwrap();
    assert_eq!(seen.last(), Some(&Effect::UseZone(Some(new_york))), "seen while it is typed");
    assert_eq!(app.env.form, TimeForm::Zone);
    let chosen = vec![("zone", "America/New_York".to_owned()), ("time", "zone".to_owned())];
    assert_eq!(press(&mut app, "Enter"), [Effect::KeepChoices(chosen), Effect::LookAtFiles]);
    assert!(matches!(app.overlay, Some(Overlay::Settings(_))), "back in the settings");
    assert!(app.given.is_chosen("zone"));
    // The list of themes too, by its key, and Esc in it changes nothing.
    press(&mut app, "C-t Down Esc");
    assert!(matches!(app.overlay, Some(Overlay::Settings(_))));
    assert_eq!(app.env.theme.name(), "harbour");
    press(&mut app, "Esc t t");
    assert_eq!(app.env.form, TimeForm::Local, "after the zone comes an age, then the machine's");
}

#[test]
fn a_zone_only_looked_at_is_taken_back() {
    let mut app = live();
    press(&mut app, ": p i c k Space t h e Space z o n e Enter");
    press(&mut app, "b e r l i n");
    assert_eq!(app.env.zones.picked.and_then(crate::model::Zone::name), Some("Europe/Berlin"));
    assert_eq!(press(&mut app, "Esc"), [Effect::UseZone(None)]);
    assert_eq!((app.env.zones.picked, app.env.form), (None, TimeForm::Relative));
    assert!(app.overlay.is_none(), "it was not opened from the settings");
}

// ── export ──────────────────────────────────────────────────────────────────────────────────────────────────────────

use crate::console::export::{Asked, Exported, Format, Target, Went, What};

fn asked_of(effects: &[Effect]) -> Asked {
    match effects {
        [Effect::Export(asked)] => (**asked).clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_export_asks_for_what_the_pane_shows() {
    let mut app = live();
    let asked = asked_of(&press(&mut app, "E Enter"));
    let Target::File { path, replace: false } = &asked.to else { panic!("{asked:?}") };
    assert_eq!(path.to_str(), Some("wheelhouse-search-20261118-110640.csv"));
    assert_eq!((asked.format, matches!(asked.what, What::List(..))), (Format::Csv, true));

    // As it is ordered and narrowed now, and said so.
    let mut app = live();
    app.env.project = Some(Project::slug("harbour"));
    app.panes.search.project = app.env.project.clone();
    press(&mut app, "S E");
    let screen = draw(&app, 120, 40).backend().to_string();
    assert!(screen.contains("Every memory of project harbour and of none, oldest first"), "{screen}");
    let asked = asked_of(&press(&mut app, "Enter"));
    let What::List(filter, order) = &asked.what else { panic!("{asked:?}") };
    assert_eq!(order, &crate::door::ListOrder::Oldest);
    assert_eq!(filter.projects, crate::model::Projects::with_none(Project::slug("harbour")));

    // The form goes round and the name of the file with it, until a name is typed.
    let mut app = live();
    let asked = asked_of(&press(&mut app, "4 E Right Down Down x Up Up Right Enter"));
    let Target::File { path, .. } = &asked.to else { panic!("{asked:?}") };
    assert_eq!(path.to_str(), Some("wheelhouse-timeline-20261118-110640.mdx"));
    let What::Events(query) = &asked.what else { panic!("{asked:?}") };
    assert_eq!((asked.format, query.filter.clone()), (Format::Text, app.panes.timeline.filter.clone()));

    let mut app = live();
    press(&mut app, "4 / s e v e r i t y : e r r o r Enter");
    let asked = asked_of(&press(&mut app, "E Tab Right Enter"));
    let What::Events(query) = &asked.what else { panic!("{asked:?}") };
    assert_eq!((asked.to, query.filter.severity), (Target::Clipboard, Some(Severity::Error)));
}

#[test]
fn an_export_ends_with_where_it_is_and_never_writes_over_unasked() {
    let mut app = live();
    let asked = asked_of(&press(&mut app, "E Enter"));
    assert_eq!(press(&mut app, "Enter"), [], "it is on its way");
    tell(&mut app, Msg::Answer(Answer::ExportProgress(7)));
    assert_eq!(press(&mut app, "Esc"), [Effect::CancelExport]);
    let fault = Fault::conflict("/x.csv is there already");
    tell(&mut app, Msg::Answer(Answer::Exported(Err(fault))));
    assert!(matches!(app.overlay, Some(Overlay::Confirm(_))), "it asks");
    let again = asked_of(&press_at(&mut app, 300, "y"));
    let Target::File { path, .. } = asked.to else { panic!() };
    assert_eq!(again.to, Target::File { path: path.clone(), replace: true });
    let done = Exported { rows: 3, more: false, went: Went::File(path) };
    tell(&mut app, Msg::Answer(Answer::Exported(Ok(done))));
    let said = app.toasts.iter().last().unwrap().text.clone();
    assert_eq!(said, "3 rows: wheelhouse-search-20261118-110640.csv");

    let mut app = live();
    press(&mut app, "E Down Right Enter");
    let done = Exported { rows: 3, more: false, went: Went::Clipboard("a,b\n".into()) };
    let then = tell(&mut app, Msg::Answer(Answer::Exported(Ok(done))));
    assert_eq!((then, app.overlay.is_none()), (vec![Effect::Copy("a,b\n".into())], true));
    press(&mut app, "E Enter");
    tell(&mut app, Msg::Answer(Answer::Exported(Err(Fault::unavailable("stopped; nothing was written")))));
    assert!(matches!(app.overlay, Some(Overlay::Export(_))), "what went wrong is told where it was asked");
}

// ── as it was left ──────────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn the_console_is_found_as_it_was_left() {
    let mut app = live();
    press(&mut app, "s d e p Esc 4 z t t");
    app.update(Time::from_unix_ms(NOW), Msg::Tick);
    let kept = app.update(Time::from_unix_ms(NOW + 11_000), Msg::Tick);
    let [Effect::KeepState(left)] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(app.update(Time::from_unix_ms(NOW + 25_000), Msg::Tick), [], "nothing changed since");
    let mut found = app_left(left.clone(), Given::default());
    assert_eq!((found.focus, found.zoomed, found.env.form), (PaneName::Timeline, true, TimeForm::Utc));
    assert_eq!(found.panes.search.query.text(), "dep");
    let asked = tell(&mut found, Msg::Link(At(0), Link::Up { owned: true, status: status(Writes::Open) }));
    assert!(
        asked.iter().any(
            |effect| matches!(effect, Effect::Ask(Ask::Search { request, .. }) if request.query == "dep")
        )
    );
    // What the settings say stands above how it was left.
    let mut config = crate::config::Config::default();
    let file = crate::config::Provenance::File { path: "/c.toml".into(), line: 3 };
    config.set("time", "relative", file).unwrap();
    let found = app_left(left.clone(), Given::new(&config, Depth::True));
    assert_eq!(found.env.form, TimeForm::Relative);
    // A part of another shape is none.
    let mut other = State::default();
    other.set("session", &[1, 2]);
    assert_eq!(app_left(other, Given::default()).focus, PaneName::Search);
}

#[test]
fn a_project_is_found_as_it_was_left_in_every_pane() {
    let mut app = live();
    press(&mut app, "P");
    let project =
        Suggestion { text: "project:team".into(), replace: 0..8, kind: "project".into(), documents: None };
    let answer = crate::door::SuggestAnswer { suggestions: vec![project], fault: None };
    tell(&mut app, Msg::Answer(Answer::Projects(Ok(answer))));
    press(&mut app, "t e a Enter");
    assert_eq!(app.panes.search.project, Some(Project::slug("team")));
    let mut found = app_left(app.state(), Given::default());
    assert_eq!(found.panes.search.project, Some(Project::slug("team")));
    tell(&mut found, Msg::Link(At(0), Link::Up { owned: true, status: status(Writes::Open) }));
    let asked = tell(&mut found, Msg::Link(At(0), Link::Begin(stretch(1..=10, None))));
    assert!(asked.iter().any(|effect| matches!(
        effect,
        Effect::AskEach(AskEach::Events { queries, .. }) if queries[0].1.filter == app.panes.timeline.filter
    )));
    // And all of it again.
    press(&mut found, "P Enter");
    assert_eq!((found.panes.search.project, found.panes.timeline.is_filtered()), (None, false));
}

#[test]
fn files_are_looked_at_when_somebody_comes_back() {
    assert_eq!(tell(&mut live(), Msg::Focused), [Effect::LookAtFiles]);
}

#[test]
fn a_key_with_a_condition_is_there_while_it_is_so() {
    let mut app = live();
    let own = "version = 1\n[global]\n\"q\" = { run = \"pane.zoom\", when = \"!pane.zoomed\" }\n";
    tell(&mut app, Msg::Answer(Answer::Keymap(Ok(Some(own.into())))));
    assert_eq!(press(&mut app, "q"), []);
    assert!(app.zoomed);
    assert_eq!(press(&mut app, "q"), [Effect::Quit], "what stood below it");
}

#[test]
fn what_comes_at_once_is_typed_where_letters_are_text_and_else_a_paste() {
    let mut app = live();
    press(&mut app, "4 /");
    tell(&mut app, Msg::Burst("memory.saved\n".into()));
    assert!(app.panes.timeline.is_filtered() && !app.panes.timeline.is_typing(), "a line, and its Enter");

    // In list mode `q` would quit, and a second line's letters be commands.
    let mut app = live();
    let effects = tell(&mut app, Msg::Burst("quit q now\nq".into()));
    assert!(!effects.contains(&Effect::Quit) && app.panes.search.query.text().starts_with("quit q now"));
    let mut app = live();
    press(&mut app, "s");
    let effects = tell(&mut app, Msg::Burst("roll back\nqqq\n".into()));
    assert!(!effects.contains(&Effect::Quit) && !app.is_quitting());
    assert!(app.panes.search.typing, "several lines are no line that was typed");
}

#[test]
fn a_filter_that_cannot_be_read_is_let_go_and_a_project_is_applied_after_it() {
    let mut app = live();
    press(&mut app, "4 / s e v e r i t y : b a d Enter");
    assert!(app.panes.timeline.filter_fault.is_some());
    press(&mut app, "Esc P");
    let project =
        Suggestion { text: "project:team".into(), replace: 0..8, kind: "project".into(), documents: None };
    let answer = crate::door::SuggestAnswer { suggestions: vec![project], fault: None };
    tell(&mut app, Msg::Answer(Answer::Projects(Ok(answer))));
    press(&mut app, "t e a Enter");
    let team = crate::model::Projects::with_none(Project::slug("team"));
    assert_eq!(app.panes.timeline.filter.projects, team);
    // Nothing was typed that Esc could take back.
    let esc = app.places();
    assert!(!app.panes.get(PaneName::Timeline).leads_back(), "{esc:?}");
}

#[test]
fn leaving_the_list_of_projects_leaves_the_project() {
    let mut app = live();
    app.env.project = Some(Project::slug("team"));
    press(&mut app, "P Esc");
    assert_eq!(app.env.project, Some(Project::slug("team")));
}

#[test]
fn a_line_feed_in_a_form_is_a_line() {
    let mut app = live();
    press(&mut app, "n a C-j b");
    let wake = app.wake().unwrap();
    let effects = app.update(wake, Msg::Tick);
    let [Effect::SaveDraft(draft), ..] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!(draft.text(Field::Content), "a\nb");
}
