//! The program in a real terminal: started on a pseudo-terminal, typed at, signalled, killed; and after each the
//! terminal is as it was before.
//!
//! The far end is a vt100 that also answers what terminals are asked. Nothing sleeps: a test waits until a text stands
//! on the screen, with patience.

use std::{
    fs,
    io::{Read, Write},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Program, until_blocking};

/// What the terminal answers when it is asked.
#[derive(Clone, Copy, PartialEq)]
enum Answers {
    /// Background and device report, as most do.
    Dark,
    Light,
    /// Nothing at all.
    Silent,
    /// The background alone, and only when the test says so.
    Late,
    /// As `Dark`, and the kitty keyboard flags.
    Keyboard,
}

const BACKGROUND_DARK: &str = "\x1b]11;rgb:1010/1717/1f1f\x1b\\";
const BACKGROUND_LIGHT: &str = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\";

struct Terminal {
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that the modes can be read when the program is gone.
    slave: Box<dyn SlavePty + Send>,
    keys: Arc<Mutex<Box<dyn Write + Send>>>,
    seen: Arc<Mutex<Seen>>,
    reader: Option<JoinHandle<()>>,
    modes: String,
}

struct Seen {
    screen: vt100::Parser,
    raw: Vec<u8>,
    /// What stood there when no frame was on its way: half a frame has never been on a screen.
    whole: String,
}

impl Seen {
    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.raw.extend_from_slice(bytes);
        let last = |mark: &[u8]| self.raw.windows(mark.len()).rposition(|window| window == mark);
        if last(b"\x1b[?2026l") >= last(b"\x1b[?2026h") {
            self.whole = self.screen.screen().contents();
        }
    }
}

/// A program in the terminal.
struct Running {
    child: Box<dyn Child + Send + Sync>,
}

impl Terminal {
    fn new(answers: Answers) -> Terminal {
        let size = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let seen = Arc::new(Mutex::new(Seen {
            screen: vt100::Parser::new(30, 100, 0),
            raw: Vec::new(),
            whole: String::new(),
        }));
        let mut output = pair.master.try_clone_reader().unwrap();
        let (far_keys, far_seen) = (Arc::clone(&keys), Arc::clone(&seen));
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 65_536];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                far_seen.lock().unwrap().take(&bytes[..count]);
                let asked = String::from_utf8_lossy(&bytes[..count]);
                let background = match answers {
                    Answers::Dark | Answers::Keyboard => BACKGROUND_DARK,
                    Answers::Light => BACKGROUND_LIGHT,
                    Answers::Silent | Answers::Late => continue,
                };
                let mut answer = String::new();
                if asked.contains("\x1b[?u") && answers == Answers::Keyboard {
                    answer.push_str("\x1b[?0u");
                }
                if asked.contains("\x1b]11;?") {
                    answer.push_str(background);
                }
                if asked.contains("\x1b[c") {
                    answer.push_str("\x1b[?62;22c");
                }
                if !answer.is_empty() && far_keys.lock().unwrap().write_all(answer.as_bytes()).is_err() {
                    return;
                }
            }
        });
        let mut terminal = Terminal {
            master: pair.master,
            slave: pair.slave,
            keys,
            seen,
            reader: Some(reader),
            modes: String::new(),
        };
        terminal.modes = terminal.modes_now();
        terminal
    }

    /// The line discipline's modes, as far as a program changes them.
    fn modes_now(&self) -> String {
        let modes = self.master.get_termios().unwrap();
        format!("{:?} {:?} {:?}", modes.input_flags, modes.output_flags, modes.local_flags)
    }

    fn start(&self, program: &Program, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        self.run(program, env!("CARGO_BIN_EXE_wheelhouse"), arguments, variables)
    }

    fn run(&self, program: &Program, path: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let mut command = CommandBuilder::new(path);
        command.args(arguments);
        command.env_clear();
        let around = program.around(path.as_ref());
        for (name, value) in around.get_envs().filter_map(|(name, value)| Some((name, value?))) {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        variables.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(program.work_dir());
        Running { child: self.slave.spawn_command(command).unwrap() }
    }

    fn press(&self, keys: &str) {
        self.keys.lock().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    fn screen(&self) -> String {
        self.seen.lock().unwrap().whole.clone()
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        let place = std::panic::Location::caller();
        let what = format!("{text:?} on the screen (asked at {place})");
        until_or(&what, || self.screen(), || self.screen().contains(text));
    }

    /// Esc where `text` stands, and waits until it is gone: with a key right behind it, it would be Alt and that key.
    #[track_caller]
    fn escape(&self, text: &str) {
        self.shows(text);
        self.press("\x1b");
        self.shows_no_longer(text);
    }

    #[track_caller]
    fn shows_no_longer(&self, text: &str) {
        let what = format!("a screen without {text:?}");
        until_or(&what, || self.screen(), || !self.screen().contains(text));
    }

    fn resize(&self, columns: u16, rows: u16) {
        // Before the program paints for it.
        self.seen.lock().unwrap().screen.screen_mut().set_size(rows, columns);
        self.tells_size(columns, rows);
    }

    /// Only tells the program: the screen here cannot show what was painted for another size.
    fn tells_size(&self, columns: u16, rows: u16) {
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
    }

    /// Every mode that the console sets is taken back, and what stood on the screen before stands there again.
    #[track_caller]
    fn is_restored(&self) {
        let is = || {
            let seen = self.seen.lock().unwrap();
            let screen = seen.screen.screen();
            let modes = format!(
                "alternate {} cursor hidden {} paste {} mouse {:?}",
                screen.alternate_screen(),
                screen.hide_cursor(),
                screen.bracketed_paste(),
                screen.mouse_protocol_mode()
            );
            let raw = String::from_utf8_lossy(&seen.raw);
            let last = |on: &str, off: &str| raw.rfind(off) >= raw.rfind(on);
            let ends = last("\x1b[?1004h", "\x1b[?1004l") && last("\x1b[?2026h", "\x1b[?2026l");
            (modes, ends)
        };
        let expected = ("alternate false cursor hidden false paste false mouse None".to_owned(), true);
        until_or("the screen's modes restored", || format!("{:?}", is()), || is() == expected);
        assert_eq!(self.modes_now(), self.modes, "the line's modes");
    }
}

impl Drop for Terminal {
    #[expect(clippy::print_stderr, reason = "what stood on the screen tells why a test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the screen was:\n{}", self.screen());
        }
        // The reader ends with the last hold on the slave; a test that failed may leave one.
        drop(self.reader.take());
    }
}

impl Running {
    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.process_id().unwrap() as i32).unwrap();
        kill_process(pid, signal).unwrap();
    }

    fn ends(&mut self) -> ExitStatus {
        until_blocking("the end of the program", || self.child.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

#[track_caller]
fn until_or(what: &str, told: impl Fn() -> String, condition: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed() < crate::harness::PATIENCE, "{what} did not come:\n{}", told());
        std::thread::yield_now();
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
}

/// What stands on the deck once the store is open.
const READY: &str = "LIVE";

fn started(program: &Program, terminal: &Terminal) -> Running {
    let running = terminal.start(program, &[], &[]);
    terminal.shows(READY);
    running
}

#[test]
fn a_console_on_a_daemon_leaves_it_running() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let daemon = crate::daemon::Daemon::start(&program, &[]);
    let mut running = started(&program, &terminal);
    terminal.press("n");
    terminal.shows("New memory");
    terminal.press("kept by the daemon");
    terminal.shows("by the daemon");
    terminal.press("\x1b\r");
    terminal.shows_no_longer("New memory");
    terminal.shows("memory.saved");
    terminal.press("q");
    assert!(running.ends().success());
    terminal.is_restored();
    let status: serde_json::Value = serde_json::from_str(&program.prints(&["status", "--json"])).unwrap();
    assert_eq!((status["pid"].as_u64(), status["memories"].as_u64()), (Some(daemon.pid().into()), Some(1)));
    assert_eq!(daemon.ends_by(Signal::TERM).code(), Some(0));
}

#[test]
fn a_memory_is_saved_and_the_terminal_given_back() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    terminal.press("n");
    terminal.shows("New memory");
    terminal.press("Roll back before you restart the workers");
    terminal.shows("restart the workers");
    terminal.press("\x1b\r");
    terminal.shows_no_longer("New memory");
    terminal.shows("memory.saved");
    terminal.press("s");
    terminal.shows("Esc back");
    terminal.press("workers");
    terminal.shows("1 hit");
    terminal.escape("Esc back");
    terminal.press("q");
    assert!(running.ends().success());
    terminal.is_restored();
    assert!(program.prints(&["search", "rollback OR restart"]).contains("Roll back before"));
}

#[test]
fn a_decision_is_recorded_by_keys_from_the_timeline() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    terminal.press("4");
    // Beside the text eight keys: d, Shift-Tab round to what is chosen, Alt-Enter.
    terminal.press("d");
    terminal.shows("New decision");
    terminal.press("Keep one log for all");
    terminal.shows("one log for all");
    terminal.press(&"\x1b[Z".repeat(6));
    terminal.press("a single log");
    terminal.shows("a single log");
    terminal.press("\x1b\r");
    terminal.shows_no_longer("New decision");
    terminal.shows("recorded: D-0001 Keep one log");
    // What came of it, in the pane.
    terminal.press("2o");
    terminal.shows("Outcome of D-0001");
    terminal.press("s");
    terminal.press("\x1b\r");
    terminal.shows("what came of D-0001");
    terminal.press("z\r");
    terminal.shows("rev 2");
    terminal.shows("Chosen option: \"a single log\"");
    terminal.press("q");
    assert!(running.ends().success());
    terminal.is_restored();
}

#[test]
fn a_job_is_run_by_keys_followed_and_seen_to_succeed() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    terminal.press("3z");
    terminal.shows("index_check");
    // The second by its name.
    terminal.press("jr");
    terminal.shows("queued: index_check");
    terminal.press("l");
    terminal.shows("memories can be read");
    terminal.shows("index_check · ended");
    // Out of its lines, then out of the log, and into the job with its runs.
    terminal.press("\x1b");
    terminal.shows("Enter open");
    terminal.escape("index_check · ended");
    terminal.press("\r");
    terminal.shows("■ succeeded");
    terminal.press("q");
    assert!(running.ends().success());
    terminal.is_restored();
    assert!(program.prints(&["jobs", "runs", "index_check"]).contains("succeeded"));
}

#[test]
fn a_decision_draft_outlives_a_killed_program() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    terminal.press("d");
    terminal.shows("New decision");
    terminal.press("half a choice");
    let draft = program.data_dir().join("drafts/decide.json");
    until_blocking("the draft on disk", || {
        fs::read_to_string(&draft).is_ok_and(|text| text.contains("half a choice")).then_some(())
    });
    running.signal(Signal::KILL);
    running.ends();

    let terminal = Terminal::new(Answers::Dark);
    let mut running = started(&program, &terminal);
    terminal.press("d");
    terminal.shows("half a choice");
    terminal.escape("New decision");
    terminal.press("q");
    assert!(running.ends().success());
}

#[test]
fn a_terminal_that_tells_keys_apart_saves_with_ctrl_enter() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Keyboard));
    let mut running = started(&program, &terminal);
    terminal.press("n");
    terminal.shows("New memory");
    terminal.press("Told apart");
    terminal.shows("Told apart");
    terminal.press("\x1b[13;5u");
    terminal.shows("memory.saved");
    terminal.press("q");
    assert!(running.ends().success());
    terminal.is_restored();
    let raw = String::from_utf8_lossy(&terminal.seen.lock().unwrap().raw).into_owned();
    let flags = |sequence: &str| raw.matches(sequence).count();
    assert_eq!((flags("\x1b[>1u"), flags("\x1b[<1u")), (1, 1), "its flags are set once and taken back once");
}

#[test]
fn an_editor_has_the_terminal_and_gives_it_back() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let editor = program.work_dir().join("editor");
    let line = program.work_dir().join("line");
    let script = format!("stty -a > {}\nprintf ' and the editor' >> \"$1\"\n", line.display());
    fs::write(&editor, script).unwrap();
    let editor = format!("sh {}", editor.display());
    let mut running = terminal.start(&program, &[], &[("EDITOR", &editor)]);
    terminal.shows(READY);
    terminal.press("n");
    terminal.shows("New memory");
    terminal.press("typed here");
    terminal.shows("typed here");
    terminal.press("\x0f");
    terminal.shows("typed here and the editor");
    let line = fs::read_to_string(line).unwrap();
    assert!(line.contains(" icanon") && line.contains(" echo "), "a line to edit in: {line}");
    // Keys work as before.
    terminal.escape("New memory");
    terminal.press("q");
    assert!(running.ends().success());
    terminal.is_restored();
}

#[test]
fn a_terminal_that_cannot_place_a_cursor_gets_sentences() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = terminal.start(&program, &[], &[("TERM", "dumb")]);
    terminal.shows("State: live");
    terminal.press("add \"Typed without a screen\"\n");
    terminal.shows("saved ");
    // Ctrl-C stops what runs, and only that.
    terminal.press("events tail --follow\n");
    terminal.shows("hub.started");
    terminal.press("\x03");
    terminal.shows("Stopped.");
    terminal.press("quit\n");
    assert!(running.ends().success());
    assert!(!terminal.seen.lock().unwrap().raw.contains(&0x1b), "no line needs more than a line");
    terminal.is_restored();
}

#[test]
fn signals_that_end_the_program_give_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
        let mut running = started(&program, &terminal);
        running.signal(signal);
        running.ends();
        terminal.is_restored();
    }
}

#[test]
#[cfg(debug_assertions)]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = terminal.start(&program, &[], &[("WHEELHOUSE_PANIC_AT_FRAME", "3")]);
    terminal.shows("asked to panic at this frame");
    assert!(!running.ends().success());
    terminal.is_restored();
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_comes_back() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let shell = [("PS1", "shell> "), ("PROGRAM", env!("CARGO_BIN_EXE_wheelhouse"))];
    let mut running = terminal.run(&program, "sh", &["-i"], &shell);
    terminal.shows("shell>");
    terminal.press("$PROGRAM\r");
    terminal.shows(READY);
    terminal.press("\x1a");
    terminal.shows("topped");
    terminal.shows_no_longer(READY);
    terminal.press("stty -a; echo tty-told\r");
    terminal.shows("tty-told\n");
    assert!(!terminal.screen().contains("-icanon"), "the shell has its line back: {}", terminal.screen());
    terminal.press("fg\r");
    terminal.shows(READY);
    terminal.press("n");
    terminal.shows("New memory");
    terminal.escape("New memory");
    terminal.press("q");
    terminal.shows("shell>");
    terminal.press("exit\r");
    running.ends();
    terminal.is_restored();
}

#[test]
fn a_stop_signal_from_outside_gives_the_terminal_back_too() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let shell = [("PS1", "shell> "), ("PROGRAM", env!("CARGO_BIN_EXE_wheelhouse"))];
    let mut running = terminal.run(&program, "sh", &["-i"], &shell);
    terminal.shows("shell>");
    terminal.press("sh -c 'echo $$ > pid; exec \"$PROGRAM\"'\r");
    terminal.shows(READY);
    let pid = fs::read_to_string(program.work_dir().join("pid")).unwrap();
    let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    for _ in 0..2 {
        kill_process(pid, Signal::TSTP).unwrap();
        terminal.shows("topped");
        terminal.shows_no_longer(READY);
        terminal.press("stty -a; echo tty-told\r");
        terminal.shows("tty-told\n");
        assert!(!terminal.screen().contains("-icanon"), "the shell has its line back: {}", terminal.screen());
        terminal.press("clear; fg\r");
        terminal.shows(READY);
    }
    terminal.press("q");
    terminal.shows("shell>");
    terminal.press("exit\r");
    running.ends();
    terminal.is_restored();
}

#[test]
fn where_no_shell_is_a_stop_signal_is_passed_over() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    running.signal(Signal::TSTP);
    terminal.shows("no shell is here");
    terminal.press("q");
    assert!(running.ends().success());
    terminal.is_restored();
}

#[test]
fn a_burst_of_keys_is_text_and_no_command() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    // As a terminal without bracketed paste sends it. The first letter alone would quit.
    terminal.press("q quits, n is new, x removes: none of it is done here");
    terminal.shows("none of it is done here");
    terminal.escape("Esc back");
    // A few keys at once are keys.
    terminal.press("4jk0");
    terminal.shows("following");
    terminal.shows("log_level");
    terminal.press("q");
    assert!(running.ends().success());
    terminal.is_restored();
}

#[test]
fn a_storm_of_sizes_ends_in_the_last_one() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    for step in 0..120u16 {
        terminal.tells_size(1 + step * 7 % 200, 1 + step * 5 % 60);
    }
    terminal.tells_size(1, 1);
    terminal.tells_size(0, 0);
    terminal.resize(120, 40);
    terminal.shows(READY);
    terminal.shows("Timeline");
    terminal.press("q");
    assert!(running.ends().success());
    terminal.is_restored();
}

#[test]
fn a_paste_of_a_megabyte_is_text_and_no_command() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    terminal.press("n");
    terminal.shows("New memory");
    let line = "quite a long line \x1b[31mwith\x1b[?1049l escapes \x07 in it\r\n";
    terminal.press(&format!("\x1b[200~{}the end of it\x1b[201~", line.repeat((1 << 20) / line.len())));
    terminal.shows("the end of it");
    terminal.escape("New memory");
    terminal.shows(READY);
    // On the deck, where letters are commands, pasted letters are none.
    terminal.press("\x1b[200~q\x1b[201~");
    terminal.shows("› q");
    terminal.escape("Esc back");
    terminal.press("q");
    assert!(running.ends().success());
    terminal.is_restored();
}

#[test]
fn a_draft_outlives_a_killed_program() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    terminal.press("n");
    terminal.shows("New memory");
    terminal.press("half a thought");
    let drafts = program.data_dir().join("drafts");
    until_blocking("the draft on disk", || {
        // Not the file beside it, which is not the draft until it is renamed.
        let held = |entry: fs::DirEntry| {
            entry.path().extension().is_some_and(|kind| kind == "json")
                && fs::read_to_string(entry.path()).is_ok_and(|text| text.contains("half a thought"))
        };
        fs::read_dir(&drafts).ok()?.flatten().any(held).then_some(())
    });
    running.signal(Signal::KILL);
    running.ends();

    let terminal = Terminal::new(Answers::Dark);
    let mut running = started(&program, &terminal);
    terminal.press("n");
    terminal.shows("half a thought");
    terminal.escape("New memory");
    terminal.press("q");
    assert!(running.ends().success());
}

#[test]
fn the_theme_follows_the_terminal_and_is_kept_for_the_next_start() {
    let program = Program::new();
    // The ground of `harbour-day` and of `harbour`, as they are sent.
    let (day, night) = ("48;2;248;249;247", "48;2;16;23;31");
    let painted = |terminal: &Terminal, ground: &str| {
        String::from_utf8_lossy(&terminal.seen.lock().unwrap().raw).contains(ground)
    };
    for (answers, first, then) in
        [(Answers::Light, night, day), (Answers::Silent, day, day), (Answers::Dark, day, night)]
    {
        let terminal = Terminal::new(answers);
        let mut running = started(&program, &terminal);
        until_or("the theme", || format!("{first} then {then}"), || painted(&terminal, then));
        assert!(painted(&terminal, first), "first as it was last time");
        terminal.press("q");
        assert!(running.ends().success());
        terminal.is_restored();
    }
}

/// What the console exports of a pane, in every form, is what the verb prints that it names.
#[test]
fn an_export_gives_the_bytes_of_the_verb() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    for content in ["Deploy, \"twice\"\nand 漢字 too", "deploy \u{1b}[31mred =1+1 | <b>", "nothing of it"] {
        program.prints(&["add", content, "--tags", "a,b c"]);
    }
    let mut running = started(&program, &terminal);
    let ready = || {
        let status: serde_json::Value = serde_json::from_str(&program.prints(&["status", "--json"])).unwrap();
        status["views"].as_array().unwrap().iter().all(|view| view["state"] == "ready")
    };
    until_or("every view", || program.prints(&["status"]), ready);
    let export = |steps: usize| {
        terminal.press("E");
        terminal.shows("Format");
        terminal.press(&"\x1b[C".repeat(steps));
        terminal.press("\r");
        terminal.shows_no_longer("Format");
    };
    let forms = [(0, "csv", "csv"), (1, "md", "md"), (2, "text", "txt"), (3, "json", "json")];
    let same = |pane: &str, verb: &[&str]| {
        for (steps, format, ending) in forms {
            export(steps);
            let names = fs::read_dir(program.work_dir()).unwrap().flatten().map(|entry| entry.path());
            let is_it = |path: &std::path::PathBuf| {
                let name = path.file_name().unwrap().to_str().unwrap();
                name.starts_with(&format!("wheelhouse-{pane}-")) && name.ends_with(&format!(".{ending}"))
            };
            let path = names.filter(is_it).last().unwrap_or_else(|| panic!("{pane} as {format}"));
            let printed = program.prints(&[verb, &["--format", format]].concat());
            assert_eq!(fs::read_to_string(&path).unwrap(), printed, "{pane} as {format}");
            fs::remove_file(path).unwrap();
        }
    };
    // The newest, before anything is searched for.
    same("search", &["search", "", "--all-projects", "-n", "10000"]);
    terminal.press("s");
    terminal.shows("Esc back");
    terminal.press("deploy");
    terminal.shows("2 hits");
    terminal.escape("Esc back");
    let verb = ["search", "deploy", "--mode", "hybrid", "--as-you-type", "--all-projects", "-n", "10000"];
    same("search", &verb);
    assert!(
        program.prints(&[&verb[..], &["--format", "csv"]].concat()).contains("漢字"),
        "there is something in it"
    );
    terminal.press("4/");
    terminal.shows("Esc back");
    // In parts: what follows within a moment on many keys at once would belong to them.
    terminal.press("memory.");
    terminal.shows_no_longer("severity:error  since");
    terminal.press("saved\r");
    terminal.shows_no_longer("Tab complete");
    same("timeline", &["events", "query", "*.memory.saved", "-n", "10000"]);
    terminal.press("q");
    assert!(running.ends().success());
}

#[test]
fn the_console_is_found_as_it_was_left_and_a_damaged_file_is_told() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    terminal.press("s");
    terminal.shows("Esc back");
    terminal.press("harbour lights");
    terminal.escape("Esc back");
    terminal.press("q");
    assert!(running.ends().success());
    let again = Terminal::new(Answers::Dark);
    let mut running = started(&program, &again);
    again.shows("harbour lights");
    // A zone picked here is the zone of verbs too.
    again.press(",");
    again.shows("Settings");
    again.press("zone\r");
    again.shows("type a part of a name");
    // In parts: what follows within a moment on many keys at once would belong to them.
    again.press("kathm");
    again.shows("› kathm");
    again.press("andu");
    again.shows("› kathmandu");
    again.press("\r");
    again.shows("Settings");
    again.press("\x03");
    assert!(running.ends().success());
    let shown: serde_json::Value =
        serde_json::from_str(&program.prints(&["config", "show", "--json"])).unwrap();
    let zone =
        shown["settings"].as_array().unwrap().iter().find(|setting| setting["name"] == "zone").unwrap();
    assert_eq!(
        (zone["value"].as_str(), zone["from"].as_str()),
        (Some("Asia/Kathmandu"), Some("chosen in the console"))
    );
    fs::write(program.data_dir().join("console.json"), "{\"session\":").unwrap();
    fs::write(program.data_dir().join("choices.toml"), "zone = \n").unwrap();
    let damaged = Terminal::new(Answers::Dark);
    let mut running = started(&program, &damaged);
    damaged.shows("how the console was left is forgotten");
    damaged.shows("what was chosen in the settings is forgotten");
    assert!(!damaged.screen().contains("harbour lights"));
    damaged.press("q");
    assert!(running.ends().success());
}

#[test]
fn keys_edited_elsewhere_hold_when_the_window_has_the_keys_again() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    let mut running = started(&program, &terminal);
    let config = program.dir.path().join("home/.config/wheelhouse");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("keymap.toml"), "version = 1\n[global]\n\"f8\" = \"help.open\"\n").unwrap();
    terminal.press("\x1b[I");
    terminal.shows("and your own over them");
    terminal.press("\x1b[19~");
    terminal.escape("type to find a key");
    terminal.press("q");
    assert!(running.ends().success());
}

/// Voluntary context switches of all threads so far.
#[cfg(target_os = "linux")]
fn wake_ups(running: &Running) -> u64 {
    let tasks = format!("/proc/{}/task", running.child.process_id().unwrap());
    let threads = fs::read_dir(tasks).unwrap().flatten();
    let counts = threads.filter_map(|thread| {
        let status = fs::read_to_string(thread.path().join("status")).ok()?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")?.trim().parse::<u64>().ok())
    });
    counts.sum()
}

/// Attached, so that what is counted is the console's alone and not its store's.
#[test]
#[cfg(target_os = "linux")]
fn an_idle_console_wakes_for_its_clock_alone() {
    const SECONDS: u64 = 10;
    /// What Health asks every ten seconds, the stream's heartbeat, the look at the terminal, a count that is off by one
    /// turn of the clock.
    const OTHERS: u64 = 70;
    let (program, owner, terminal) =
        (Program::new(), Terminal::new(Answers::Dark), Terminal::new(Answers::Dark));
    let mut owning = started(&program, &owner);
    let mut running = started(&program, &terminal);
    let clock = || terminal.screen().lines().next().unwrap_or_default().trim_end().to_owned();
    let turns = |count: u64| {
        let mut shown = clock();
        for _ in 0..count {
            until_or("the next second on the screen", clock, || clock() != shown);
            shown = clock();
        }
    };
    turns(3);
    let before = wake_ups(&running);
    turns(SECONDS);
    let counted = wake_ups(&running) - before;
    assert!(counted <= 2 * SECONDS + OTHERS, "{counted} wake-ups in {SECONDS} s");
    terminal.press("q");
    assert!(running.ends().success());
    owner.press("q");
    assert!(owning.ends().success());
}

#[test]
fn a_late_answer_is_never_typed() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Late));
    let mut running = started(&program, &terminal);
    terminal.press("s");
    terminal.press("sea");
    terminal.shows("› sea");
    terminal.press(BACKGROUND_LIGHT);
    terminal.press("gull");
    terminal.shows("seagull");
    assert!(!terminal.screen().contains("rgb"), "{}", terminal.screen());
    terminal.escape("Esc back");
    terminal.press("q");
    assert!(running.ends().success());
}

#[test]
fn without_colour_nothing_is_coloured_and_the_selection_is_seen() {
    let (program, terminal) = (Program::new(), Terminal::new(Answers::Dark));
    program.prints(&["add", "one thing to select"]);
    let mut running = terminal.start(&program, &[], &[("NO_COLOR", "1")]);
    terminal.shows("one thing to select");
    terminal.press("q");
    assert!(running.ends().success());
    let raw = String::from_utf8_lossy(&terminal.seen.lock().unwrap().raw).into_owned();
    for colour in ["\x1b[38;", "\x1b[48;", ";38;2;", "\x1b[3;31m"] {
        assert!(!raw.contains(colour), "{colour:?} was sent");
    }
    let sequences = raw.split("\x1b[").filter_map(|sequence| sequence.split_once('m'));
    let mut codes = sequences.flat_map(|(codes, _)| codes.split(';'));
    assert!(codes.any(|code| code == "7"), "the selection is reversed");
}
