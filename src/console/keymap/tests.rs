use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::console::{action::ACTIONS, panes::PaneName};

const SEARCH: [Place; 4] = [Place::Search, Place::Lists, Place::Global, Place::Always];
const TIMELINE: [Place; 4] = [Place::Timeline, Place::Lists, Place::Global, Place::Always];

fn key(text: &str) -> Key {
    text.parse().unwrap()
}

fn user(text: &str) -> (Keymap, Vec<KeymapProblem>) {
    Keymap::load(Shipped::Default, Some((Path::new("keymap.toml"), &format!("version = 1\n{text}"))))
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
    let ways: Vec<_> = ways.iter().map(|way| (way.key.as_str(), way.title.as_deref())).collect();
    let all = [
        ("y", Some("Copy as text")),
        ("j", Some("Copy as JSON")),
        ("l", Some("Copy a link")),
        ("i", Some("Copy the id")),
        ("c", None),
    ];
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
    for shipped in Shipped::ALL {
        let (keymap, problems) = Keymap::load(shipped, None);
        assert_eq!((keymap.base(), problems), (shipped, vec![]));
        for listed in keymap.list().into_iter().filter(|_| shipped != Shipped::Emacs) {
            for taken in ["Ctrl-A", "Ctrl-B", "Ctrl-S", "Ctrl-Q"] {
                assert!(!listed.keys.contains(taken), "{listed:?}");
            }
        }
    }
}

#[test]
fn the_setting_takes_every_shipped_keymap() {
    let key = crate::config::KEYS.iter().find(|key| key.name == "keymap").unwrap();
    let crate::config::Kind::OneOf(names) = key.kind else { panic!("{:?}", key.kind) };
    assert_eq!(names, Shipped::ALL.map(Shipped::name));
}

#[test]
fn every_action_has_a_key_or_is_only_in_the_palette() {
    let palette_only = ["memory.supersede", "theme.reload", "keymap.use", "keymap.reload", "zone.pick"];
    let bound: Vec<Action> = Keymap::default().list().into_iter().flat_map(|listed| listed.actions).collect();
    for row in &ACTIONS {
        assert_eq!(!bound.contains(&row.action), palette_only.contains(&row.name), "{}", row.name);
    }
}

#[test]
fn a_key_stands_where_its_action_lives() {
    for listed in Shipped::ALL.into_iter().flat_map(|shipped| Keymap::load(shipped, None).0.list()) {
        for action in &listed.actions {
            let places = action.row().places;
            assert!(places.contains(&listed.place), "{} in {}", action.name(), listed.origin);
        }
    }
}

/// Every binding of a shipped keymap does what it says in the places where its own is the most particular.
#[test]
fn no_shipped_binding_is_dead() {
    for shipped in Shipped::ALL {
        let keymap = Keymap::load(shipped, None).0;
        for (place, bindings) in &keymap.places {
            for binding in bindings.iter().filter(|binding| !binding.run.is_empty()) {
                assert!(keymap.reaches(&[*place, Place::Always], binding), "{}", binding.origin);
            }
        }
    }
}

#[test]
fn vim_and_emacs_add_their_own_to_the_default() {
    let vim = Keymap::load(Shipped::Vim, None).0;
    assert_eq!(vim.keys_of(Action::Remove, &SEARCH), ["x", "d d"]);
    assert_eq!(vim.keys_of(Action::NextPane, &SEARCH), ["Tab", "g t", "Ctrl-W w", "Ctrl-W Ctrl-W"]);
    let Resolved::Pending(ways) = vim.resolve(&SEARCH, &[], key("g")) else { panic!() };
    let ways: Vec<_> = ways.iter().map(|way| way.key.as_str()).collect();
    assert_eq!(ways, ["g", "d", "t", "T"], "those of the lists and those of everywhere");

    let emacs = Keymap::load(Shipped::Emacs, None).0;
    let form = [Place::Form, Place::Always];
    assert_eq!(emacs.keys_of(Action::Discard, &form), ["Ctrl-X k"], "Ctrl-X alone is unbound");
    assert_eq!(emacs.keys_of(Action::Quit, &form), ["Ctrl-C", "Ctrl-X Ctrl-C"]);
    assert_eq!(emacs.keys_of(Action::Query, &SEARCH), ["s", "/", "Ctrl-S"]);
    assert_eq!(emacs.keys_of(Action::Query, &TIMELINE), ["s"], "the Timeline filters by the others");
}

#[test]
fn a_file_of_ones_own_says_what_it_extends() {
    let path = Path::new("keymap.toml");
    let load = |base, text| Keymap::load(base, Some((path, text)));
    let (keymap, problems) = load(Shipped::Default, "version = 1\nextends = \"vim\"");
    assert_eq!((keymap.base(), problems), (Shipped::Vim, vec![]));
    assert_eq!(keymap, Keymap::load(Shipped::Vim, None).0);
    let (keymap, _) = load(Shipped::Emacs, "version = 1");
    assert_eq!(keymap.base(), Shipped::Emacs, "else the setting does");
}

#[test]
fn the_leader_begins_sequences() {
    let (keymap, problems) = user("leader = \"\\\\\"\n[global]\n\"leader f\" = \"stream.filter\"");
    assert_eq!(problems, []);
    let meant = Resolved::Actions(vec![Action::FilterEvents]);
    assert_eq!(keymap.resolve(&SEARCH, &[key("\\")], key("f")), meant);
}

#[test]
fn a_longer_way_is_only_told_by_its_next_key() {
    let (keymap, _) = user("[global]\n\"ctrl-x a b\" = \"app.quit\"\n\"ctrl-x q\" = \"app.quit\"");
    let way = |key: &str, title: Option<&str>| Continuation { key: key.into(), title: title.map(Into::into) };
    let ways = vec![way("a", None), way("q", Some("Quit"))];
    assert_eq!(keymap.resolve(&SEARCH, &[], key("ctrl-x")), Resolved::Pending(ways));
}

#[test]
fn keys_are_explained_with_their_line() {
    let (keymap, _) = user("[global]\n\"q\" = false\n\"F5\" = \"hub.retry\"");
    let told = |keys: &str| -> Vec<String> {
        let meanings = keymap.explain(keys).unwrap();
        let line = |meaning: &Meaning| match meaning {
            Meaning::Runs(listed) => {
                let path = listed.origin.path.display();
                format!("{} {} {} {path}", listed.place.section(), listed.keys, listed.title)
            }
            Meaning::Unbound { place, keys, origin } => format!("{} {keys} - {origin}", place.section()),
        };
        meanings.iter().map(line).collect()
    };
    assert_eq!(told("f5"), ["global F5 Try to reach the hub now keymap.toml"]);
    assert_eq!(told("q")[0], "global q - keymap.toml:3");
    assert_eq!(told("g g"), ["lists g g To the first keymaps/default.toml"]);
    assert_eq!(told("g"), told("g g"), "and what it begins");
    assert_eq!(told("f11"), [""; 0]);
    let slip = keymap.explain("ctl-o").unwrap_err();
    assert_eq!(slip.meant().as_deref(), Some("did you mean \"ctrl-o\"?"));
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

/// Where the default keymap writes these keys first.
fn shipped(keys: &str) -> Origin {
    let text = Shipped::Default.text();
    let line = text.lines().position(|line| line.starts_with(keys)).unwrap() + 1;
    Origin { path: Shipped::Default.path(), line }
}

#[track_caller]
fn wrong(text: &str, line: usize, message: &str, hint: Option<&str>) {
    let problems = user(text).1;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    let KeymapProblem { origin, message: told, hint: advice } = &problems[0];
    assert_eq!((origin.line, told.as_str(), advice.as_deref()), (line, message, hint));
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
    wrong("leaders = \"x\"", 2, "there is no place called [leaders]", None);
    wrong("[global]\n\"hyper-q\" = \"app.quit\"", 3, &KeyError("hyper-q".into()).to_string(), None);
    wrong(
        "[global]\n\"ctlr-pgdwn q\" = \"app.quit\"",
        3,
        &KeyError("ctlr-pgdwn".into()).to_string(),
        Some("did you mean \"ctrl-pgdn q\"?"),
    );
    wrong(
        "extends = \"vin\"",
        2,
        "the keymap to build on is one of \"default\", \"vim\", \"emacs\"",
        Some("did you mean \"vim\"?"),
    );
    wrong("leader = 1", 2, "the leader is one key in quotes", None);
    wrong(
        "[global]\n\"leader f\" = \"app.quit\"",
        3,
        "there is no leader",
        Some("say which key it is, above every table: leader = \"\\\\\""),
    );
    wrong(
        "[detail]\n\"shift-g\" = \"back\"\n\"G\" = \"open\"",
        4,
        "G in [detail] is bound already in line 3",
        None,
    );
    wrong(
        "[lists]\n\"y\" = \"copy.text\"\n\"y j\" = false\n\"y l\" = false\n\"y i\" = false",
        3,
        "[lists] binds y and so hides y y and 7 more",
        Some("unbind one of them: \"y y\" = false"),
    );
    wrong(
        "[pane.search]\n\"G o\" = \"open\"\n\"G\" = \"move.last\"",
        3,
        "[pane.search] binds G and so hides G o",
        Some("unbind one of them: \"G\" = false"),
    );
    wrong(
        "[global]\n\"w\" = \"app.quit\"",
        3,
        &format!(
            "w of [global] is hidden by w of [pane.search], which runs memory.edit ({})",
            shipped("\"w\"")
        ),
        Some("bind it under [pane.search], or take another key"),
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
        "a binding is \"action\", [\"action\", …], { run, args, when, desc } or false",
        None,
    );
}

#[test]
fn what_any_pane_binds_is_hidden_from_the_places_above() {
    for pane in PaneName::ALL {
        let section = pane.place().section();
        let (_, problems) =
            user(&format!("[global]\n\"ctrl-f9\" = \"app.quit\"\n[{section}]\n\"ctrl-f9\" = \"open\""));
        let said: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        let [said] = said[..] else { panic!("{section}: {said:?}") };
        let expected = format!("Ctrl-F9 of [global] is hidden by Ctrl-F9 of [{section}]");
        assert!(said.starts_with(&expected), "{said}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_one_problem_and_the_shipped_keys_stay() {
    let (keymap, problems) = user("[global\n");
    assert_eq!((problems.len(), problems[0].origin.line), (1, 2));
    assert_eq!(keymap.list(), Keymap::default().list());
    assert!(problems[0].to_string().starts_with("keymap.toml:2: "));
}

proptest! {
    #[test]
    fn no_file_breaks_the_keymap(text in ".{0,200}") {
        let (keymap, _) = Keymap::load(Shipped::Default, Some((Path::new("keymap.toml"), &text)));
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

// ── args and conditions ─────────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn args_pick_one_of_a_family() {
    let (keymap, problems) = user(
        "[pane.search]\n\"T\" = { run = \"pane.focus\", args = { pane = \"timeline\" }, desc = \"events\" }\n\
         \"C\" = { args = { field = \"tags\" }, run = \"copy.cell\" }\n",
    );
    assert_eq!(problems, []);
    assert_eq!(keymap.resolve(&SEARCH, &[], key("T")), Resolved::Actions(vec![Action::FocusTimeline]));
    assert_eq!(keymap.resolve(&SEARCH, &[], key("C")), Resolved::Actions(vec![Action::CopyTags]));
    let [Meaning::Runs(listed)] = &keymap.explain("T").unwrap()[..] else { panic!() };
    assert_eq!((listed.title.as_str(), listed.when), ("events", None));
}

#[track_caller]
fn wrong_binding(binding: &str, message: &str, hint: &str) {
    let (keymap, problems) = user(&format!("[pane.search]\n\"T\" = {binding}\n"));
    let said: Vec<_> = problems
        .iter()
        .map(|p| (p.origin.line, p.message.as_str(), p.hint.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(said, [(3, message, hint)], "{binding}");
    assert_eq!(keymap.resolve(&SEARCH, &[], key("T")), Resolved::None);
}

#[test]
fn args_and_conditions_that_are_none_say_what_was_meant() {
    wrong_binding(
        "{ run = \"pane.focus\", args = { pane = \"timelime\" } }",
        "\"pane.focus\" knows no pane \"timelime\"",
        "did you mean \"timeline\"?",
    );
    wrong_binding(
        "{ run = \"pane.focus\", args = { name = \"timeline\" } }",
        "\"pane.focus\" takes \"pane\", not \"name\"",
        "args = { pane = \"search\" }",
    );
    wrong_binding(
        "{ run = \"pane.focus\", args = {} }",
        "\"pane.focus\" needs args = { pane = \"…\" }",
        "one of search, timeline, log, decisions, jobs, health, hubs",
    );
    wrong_binding(
        "{ run = \"pane.fokus\", args = { pane = \"search\" } }",
        "\"pane.fokus\" takes no `args`",
        "did you mean \"pane.focus\"?",
    );
    wrong_binding(
        "{ run = \"app.quit\", when = \"import.runing\" }",
        "there is no condition called \"import.runing\"",
        "did you mean \"import.running\"?",
    );
    wrong_binding(
        "{ run = \"app.quit\", wen = \"import.running\" }",
        "a binding has no \"wen\"",
        "did you mean \"when\"?",
    );
    wrong_binding(
        "{ args = { pane = \"search\" } }",
        "a binding is \"action\", [\"action\", …], { run, args, when, desc } or false",
        "",
    );
}

#[test]
fn a_condition_makes_a_binding_come_and_go() {
    let (mut keymap, problems) = user(
        "[global]\n\"q\" = { run = \"import.stop\", when = \"import.running\" }\n\
         [lists]\n\"F5\" = { run = \"move.first\", when = \"!detail.open\" }\n",
    );
    assert_eq!(problems, []);
    let run = |keymap: &Keymap, text| keymap.resolve(&SEARCH, &[], key(text));
    assert_eq!(run(&keymap, "q"), Resolved::Actions(vec![Action::Quit]), "what was bound before");
    assert_eq!(run(&keymap, "f5"), Resolved::Actions(vec![Action::First]));
    assert_eq!(keymap.key_of(Action::Quit, &SEARCH).as_deref(), Some("q"));
    assert_eq!(keymap.key_of(Action::StopImport, &SEARCH), None);
    keymap.know(Facts::default().with(Fact::ImportRunning, true).with(Fact::DetailOpen, true));
    assert_eq!(run(&keymap, "q"), Resolved::Actions(vec![Action::StopImport]));
    assert_eq!(run(&keymap, "f5"), Resolved::None);
    assert_eq!(keymap.key_of(Action::StopImport, &SEARCH).as_deref(), Some("q"));
    let listed = keymap.list();
    let whens: Vec<_> = listed.iter().filter_map(|one| one.when.map(|when| when.to_string())).collect();
    assert_eq!(whens, ["import.running", "!detail.open"], "both are listed, with when they hold");
}
