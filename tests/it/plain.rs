//! The console without a screen: what it tells, what it takes, and that nothing of it needs eyes.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Process, Program, text, until_blocking};

/// Runs with these lines as input until they end; gives standard output and standard error.
#[track_caller]
fn told(program: &Program, lines: &str) -> (String, String) {
    let mut command = program.command(&["--plain"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    (text(&output.stdout), text(&output.stderr))
}

fn listening(program: &Program) -> (Process, impl FnMut(&str)) {
    let mut process = Process::start(&mut coloured(program.command(&["--plain"])));
    let mut input = process.child.stdin.take().unwrap();
    (process, move |line| writeln!(input, "{line}").unwrap())
}

/// What would make any other face colour its lines.
fn coloured(mut command: Command) -> Command {
    command.env("WHEELHOUSE_COLOR", "always");
    command
}

#[test]
fn every_verb_is_typed_as_it_is_and_results_have_numbers() {
    let program = Program::new();
    let (out, err) = told(
        &program,
        "add 'Deploys need a green canary' --type gotcha\nadd \"Rotate the canary's token\"\nsearch canary token\n\
         get 2\nrm 1\nsearch canary\nwheelhouse history 1\nquit\nadd 'never read'\n",
    );
    let at = |part: &str| {
        out.find(part).unwrap_or_else(|| panic!("{part:?} is not in:\n{out}\nstandard error:\n{err}"))
    };
    assert!(at("1.  Rotate the canary's token") < at("2.  Deploys need a green canary"));
    let got = at("type        gotcha").max(at("gotcha"));
    assert!(got < at("hidden"), "{out}");
    let again = out.rfind("1.  Deploys need a green canary").expect("numbers begin anew with each search");
    assert!(again > at("hidden"));
    assert!(!out.contains('\u{1b}') && !err.contains('\u{1b}'));
    let listed = program.prints(&["search", "canary OR never"]);
    assert!(listed.contains("green canary") && !listed.contains("never read"), "{listed}");
}

#[test]
fn what_others_do_is_told_in_sentences_and_what_one_does_oneself_is_not_told_twice() {
    let program = Program::new();
    let (process, mut say) = listening(&program);
    process.says("This program is the hub");
    process.says("State: live, everything works.");
    say("add 'by oneself'");
    process.says("saved ");
    program.prints(&["add", "Roll back before you restart", "--project", "ops"]);
    let line = until_blocking("what another did", || {
        let line = process.says("");
        assert!(!line.contains("by oneself"), "told twice: {line}");
        line.contains("Roll back before you restart").then_some(line)
    });
    assert!(line.contains(", memory saved: "), "{line}");
    assert!(line.contains(", project ops, by user:") && line.ends_with('.'), "{line}");
    assert!(!line.contains('\u{1b}'), "{line}");

    say("pause");
    process.says("Paused");
    program.prints(&["add", "while it was paused"]);
    until_blocking("the event counted", || {
        say("pause");
        process.says("Paused already; ").starts_with("1 event").then_some(())
    });
    say("follow");
    process.says("Following again; 1 event meanwhile.");
    drop(say);
    assert!(process.end().success());
}

#[test]
fn a_line_that_is_wrong_is_explained_and_the_next_one_works() {
    let (out, err) = told(
        &Program::new(),
        "serach x\nadd 'no end\nsearch\nget 99999999\n--json\nadd kept --data-dir /nowhere\nstatus --json\nhelp\n",
    );
    for said in [
        "unrecognized subcommand 'serach'",
        "a quote in this line has no end",
        "required arguments were not provided",
        "no memory has an id ending in 99999999",
        "there is no verb in this line",
        "are for the start",
    ] {
        assert!(err.contains(said), "{said:?} is not in:\n{err}");
    }
    assert!(out.contains("\"memories\":0"), "{out}");
    assert!(out.contains("search: Find memories.") && out.contains("quit: end"), "{out}");
}

#[test]
fn a_hub_that_goes_away_and_comes_back_is_told() {
    let program = Program::new();
    let (mut owner, _owners) = listening(&program);
    owner.says("State: live");
    let (process, say) = listening(&program);
    process.says("Attached to the running hub");
    program.prints(&["add", "told while both are there"]);
    until_blocking("the event told", || process.says("").contains("told while both are there").then_some(()));
    owner.kill();
    process.says("The hub is away: ");
    process.says("This program is the hub");
    drop(say);
    assert!(process.end().success());
}

#[test]
fn signals_end_it_in_order() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let program = Program::new();
        let (process, _say) = listening(&program);
        process.says("State: live");
        let pid = Pid::from_raw(process.child.id() as i32).unwrap();
        kill_process(pid, signal).unwrap();
        assert!(process.end().success());
        // The next one finds a log that was closed.
        assert!(!program.prints(&["events", "query"]).contains("hub.truncated"));
    }
}

#[test]
fn it_goes_with_no_verb() {
    let output = Program::new().run(&["--plain", "status"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("goes with no verb"));
}

#[test]
fn settings_that_were_named_at_the_start_hold_for_every_line_and_numbers_are_of_the_last_search() {
    let program = Program::new();
    let config = program.work_dir().join("other.toml");
    std::fs::write(&config, "hub_name = \"elsewhere\"\n").unwrap();
    let mut command = program.command(&["--plain", "--config", config.to_str().unwrap()]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = "add canary\nstatus\nconfig show\nsearch canary\nsearch nothingofit --mode lexical\nget 1\n";
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(
        out.contains("hub       elsewhere") && out.contains("elsewhere") && out.contains("saved "),
        "{out}{err}"
    );
    assert!(out.lines().any(|line| line.contains("hub_name") && line.contains("elsewhere")), "{out}");
    assert!(
        err.contains("nothing found") && err.contains("1"),
        "the second search found nothing to get: {err}"
    );
    assert_eq!(out.matches("1.  canary").count(), 1, "{out}");
}
