use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::console::action::ACTIONS;

const SEARCH: [Place; 4] = [Place::Search, Place::Lists, Place::Global, Place::Always];
const TIMELINE: [Place; 4] = [Place::Timeline, Place::Lists, Place::Global, Place::Always];

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn user(text: &str) -> (Keymap, Vec<KeymapProblem>) {
    Keymap::load(Some((Path::new("keymap.toml"), &format!("version = 1\n{text}"))))
}

#[track_caller]
fn runs(places: &[Place], keys: &str, action: Action) {
    let keymap = Keymap::default();
    let keys: Vec<Key> = keys.split(' ').map(key).collect();
    let (last, pending) = keys.split_last().unwrap();
    assert_eq!(keymap.resolve(places, pending, *last), Resolved::Actions(vec![action]));
}

#[test]
fn keys_run_actions() {
    runs(&SEARCH, "s", Action::Query);
    runs(&SEARCH, "/", Action::Query);
    runs(&TIMELINE, "/", Action::FilterEvents);
    runs(&SEARCH, "g g", Action::First);
    runs(&SEARCH, "G", Action::Last);
    runs(&TIMELINE, "G", Action::ToLatest);
    runs(&SEARCH, "y j", Action::CopyJson);
    runs(&SEARCH, "x", Action::Remove);
    runs(&SEARCH, "ctrl-z", Action::Suspend);
    runs(&[Place::Query, Place::Always], "ctrl-c", Action::Quit);
    runs(&[Place::Form, Place::Always], "alt-enter", Action::SaveForm);
    runs(&[Place::Form, Place::Always], "shift-tab", Action::PreviousField);
    runs(&[Place::Confirm, Place::Always], "enter", Action::Cancel);
    runs(&[Place::Confirm, Place::Always], "y", Action::Accept);
}

#[test]
fn a_beginning_tells_how_it_goes_on() {
    let keymap = Keymap::default();
    let Resolved::Pending(ways) = keymap.resolve(&SEARCH, &[], key("y")) else { panic!() };
    let ways: Vec<_> = ways.iter().map(|way| (way.key.as_str(), way.title.as_str())).collect();
    let all = [("y", "Copy as text"), ("j", "Copy as JSON"), ("l", "Copy a link"), ("i", "Copy the id")];
    assert_eq!(ways, all);
    assert_eq!(keymap.resolve(&SEARCH, &[key("y")], key("q")), Resolved::None);
}

#[test]
fn letters_are_text_where_one_types() {
    let keymap = Keymap::default();
    for place in Place::ALL.into_iter().filter(|place| place.is_text()) {
        for c in ' '..='~' {
            let typed = Key::new(crossterm::event::KeyCode::Char(c), crossterm::event::KeyModifiers::empty());
            assert_eq!(keymap.resolve(&[place, Place::Always], &[], typed), Resolved::None, "{place:?} {c}");
        }
    }
}

#[test]
fn the_shipped_keys_have_no_problem_and_leave_the_multiplexers_theirs() {
    let (keymap, problems) = Keymap::load(None);
    assert_eq!(problems, []);
    for listed in keymap.list() {
        for taken in ["Ctrl-A", "Ctrl-B", "Ctrl-S", "Ctrl-Q"] {
            assert!(!listed.keys.contains(taken), "{listed:?}");
        }
    }
}

#[test]
fn every_action_has_a_key_or_is_only_in_the_palette() {
    let palette_only = ["memory.supersede", "theme.pick", "theme.reload"];
    let bound: Vec<Action> = Keymap::default().list().into_iter().flat_map(|listed| listed.actions).collect();
    for row in &ACTIONS {
        assert_eq!(!bound.contains(&row.action), palette_only.contains(&row.name), "{}", row.name);
    }
}

#[test]
fn a_key_stands_where_its_action_lives() {
    for listed in Keymap::default().list() {
        for action in &listed.actions {
            let places = action.row().places;
            assert!(places.contains(&listed.place), "{} in [{}]", action.name(), listed.place.section());
        }
    }
}

#[test]
fn keys_are_told_as_they_work_here() {
    let keymap = Keymap::default();
    assert_eq!(keymap.keys_of(Action::Last, &SEARCH), ["End", "G"]);
    assert_eq!(
        keymap.keys_of(Action::Last, &TIMELINE),
        [""; 0],
        "the Timeline has both for its newest event"
    );
    assert_eq!(keymap.keys_of(Action::First, &SEARCH), ["Home", "g g"]);
    assert_eq!(keymap.key_of(Action::Editor, &[Place::Form]).as_deref(), Some("Ctrl-O"));
    assert_eq!(keymap.key_of(Action::Theme, &SEARCH), None);
}

#[test]
fn a_file_of_ones_own_changes_what_it_names() {
    let (keymap, problems) = user(
        r#"
        [global]
        "q" = false
        "ctrl-q" = "app.quit"
        [pane.timeline]
        "F" = { run = ["stream.to-latest", "stream.follow-toggle"], desc = "Catch up" }
        "j" = false
        "#,
    );
    assert_eq!(problems, []);
    assert_eq!(keymap.resolve(&SEARCH, &[], key("q")), Resolved::None);
    assert_eq!(keymap.keys_of(Action::Quit, &SEARCH), ["Ctrl-Q", "Ctrl-C"]);
    assert_eq!(keymap.resolve(&SEARCH, &[], key("s")), Resolved::Actions(vec![Action::Query]));
    assert_eq!(
        keymap.resolve(&TIMELINE, &[], key("F")),
        Resolved::Actions(vec![Action::ToLatest, Action::Follow])
    );
    assert_eq!(
        keymap.resolve(&TIMELINE, &[], key("j")),
        Resolved::None,
        "unbound here, and not taken from below"
    );
    assert_eq!(keymap.resolve(&SEARCH, &[], key("j")), Resolved::Actions(vec![Action::Down]));
}

#[track_caller]
fn wrong(text: &str, line: usize, message: &str, hint: Option<&str>) {
    let problems = user(text).1;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    let KeymapProblem { line: at, message: told, hint: advice, .. } = &problems[0];
    assert_eq!((*at, told.as_str(), advice.as_deref()), (line, message, hint));
}

#[test]
fn what_is_wrong_has_its_line_and_advice() {
    wrong(
        "[global]\n\"q\" = \"app.qit\"",
        3,
        "there is no action called \"app.qit\"",
        Some("did you mean \"app.quit\"?"),
    );
    wrong("[pane.serch]", 2, "there is no place called [pane.serch]", Some("did you mean [pane.search]?"));
    wrong("leader = \"x\"", 2, "there is no place called [leader]", None);
    wrong("[global]\n\"hyper-q\" = \"app.quit\"", 3, &KeyError("hyper-q".into()).to_string(), None);
    wrong(
        "[detail]\n\"shift-g\" = \"back\"\n\"G\" = \"open\"",
        4,
        "G in [detail] is bound already in line 3",
        None,
    );
    wrong(
        "[lists]\n\"y\" = \"copy.text\"\n\"y j\" = false\n\"y l\" = false\n\"y i\" = false",
        3,
        "[lists] binds y and so hides y y",
        Some("unbind one of them: \"y y\" = false"),
    );
    wrong(
        "[global]\n\"x\" = \"app.quit\"",
        3,
        "x of [global] is hidden by x of [pane.search], which runs memory.remove",
        Some("under [pane.search]: \"x\" = false"),
    );
    wrong(
        "[mode.query]\n\"a\" = \"back\"",
        3,
        "in [mode.query] a is text and cannot be bound",
        Some("take a key with Ctrl or Alt"),
    );
    wrong("[detail]\n\"ctrl-i\" = \"back\"", 3, "most terminals send tab for Ctrl-I", Some("bind \"tab\""));
    wrong(
        "[detail]\n\"f5\" = 3",
        3,
        "a binding is \"action\", [\"action\", …], { run = \"action\", desc = \"words\" } or false",
        None,
    );
}

#[test]
fn a_file_that_is_no_toml_is_one_problem_and_the_shipped_keys_stay() {
    let (keymap, problems) = user("[global\n");
    assert_eq!((problems.len(), problems[0].line), (1, 2));
    assert_eq!(keymap.list(), Keymap::default().list());
    assert!(problems[0].to_string().starts_with("keymap.toml:2: "));
}

proptest! {
    #[test]
    fn no_file_breaks_the_keymap(text in ".{0,200}") {
        let (keymap, _) = Keymap::load(Some((Path::new("keymap.toml"), &text)));
        prop_assert!(keymap.list().len() > 50);
    }

    #[test]
    fn any_binding_that_is_taken_runs(
        section in prop::sample::select(Place::ALL.to_vec()),
        letters in prop::collection::vec("(ctrl-|alt-)[a-hj-lnp-z]|f[1-9]", 1..4),
        row in 0..ACTIONS.len(),
    ) {
        let action = ACTIONS[row].action;
        let binding = format!("[{}]\n\"{}\" = \"{}\"", section.section(), letters.join(" "), action.name());
        let (keymap, problems) = user(&binding);
        let keys: Vec<Key> = letters.iter().map(|text| key(text)).collect();
        let (last, pending) = keys.split_last().unwrap();
        if problems.is_empty() {
            prop_assert_eq!(keymap.resolve(&[section], pending, *last), Resolved::Actions(vec![action]));
        }
    }
}
