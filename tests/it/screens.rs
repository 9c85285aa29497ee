//! What a person sees: each state of the console at the five sizes, as text, with a clock that stands.

use std::{fmt::Write as _, sync::Arc};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend};
use wheelhouse::{
    config::Provenance,
    console::{
        app::{App, Start},
        effect::{Ask, AskEach, Effect, Page, Toward},
        keymap::{Keymap, Shipped},
        markdown::code::Grammars,
        model::{At, Fleet, Item, Seat, Sounding, Stretch},
        msg::{Answer, JobRuns, Link, Msg},
        panes::log::LogPlace,
        preferences::Given,
        scene::TimeForm,
        state::State,
        theme::{Choice, Depth, Looks, Mode, Role, Themes},
    },
    door::{
        Calibration, Cleaning, DecisionPage, DecisionRevision, EventBucket, EventGap, EventStats,
        Explanation, Health, Hit, JobView, Legs, LogLine, LogStream, MemoryPage, Overall, Ranks, RecordKind,
        Refusal, Revision, RunLog, RunMark, RunView, SearchAnswer, Status, SuggestAnswer, Suggestion,
        TermWorth, TrendPoint, Trends, ViewName, ViewState, ViewStatus, Writes,
    },
    ingest::{ImportReport, Progress, Skipped},
    model::{
        Actor, Code, Cursor, Decision, Event, Fault, Id, LogId, Memory, Outcome, OutcomeStatus, Project,
        Sequence, Severity, Time, Zones, job::RunState,
    },
    telemetry::{Entry, Level, Taken},
};

const SIZES: [(u16, u16); 5] = [(200, 60), (160, 45), (100, 30), (80, 24), (40, 12)];
const HOUR: i64 = 3_600_000;

fn now() -> Time {
    "2026-11-21T14:02:31Z".parse().unwrap()
}

fn ago(ms: i64) -> Time {
    Time::from_unix_ms(now().unix_ms() - ms)
}

fn id(n: u8) -> Id {
    Id::from_bytes([n; 16])
}

fn looks(theme: &str, depth: Depth, ascii: bool) -> Looks {
    let choice = Choice::Named(theme.into());
    Looks { themes: Themes::default(), depth, ascii, terminal: Mode::Dark, choice, is_set: true }
}

fn app() -> App {
    app_in(looks("harbour", Depth::True, false))
}

fn app_in(looks: Looks) -> App {
    app_given(looks, Given::default())
}

fn app_given(looks: Looks, given: Given) -> App {
    let start = Start {
        now: now(),
        zones: Zones::UTC,
        form: TimeForm::Relative,
        looks,
        keymap: Keymap::default(),
        keymap_base: Shipped::Default,
        keymap_path: "/config/keymap.toml".into(),
        fleet: Fleet::alone("/srv/notes-hub"),
        mouse: true,
        given,
        state: State::default(),
        log: LogPlace { data_dir: Some("/srv/notes-hub".into()), level: "info".into() },
    };
    App::new(start, 160, 45)
}

fn cursor(sequence: u64) -> Cursor {
    Cursor {
        log: LogId("5f0e8a1c-0000-4000-8000-000000000001".parse().unwrap()),
        epoch: 1,
        sequence: Sequence(sequence),
    }
}

fn status(memories: u64) -> Status {
    let view = |name| ViewStatus { name, state: ViewState::Ready };
    Status {
        hub: "harbour".into(),
        version: "0.1.0".into(),
        pid: 4121,
        data_dir: "/srv/notes-hub".into(),
        socket: None,
        listeners: vec![],
        started_at: ago(HOUR),
        time: now(),
        head: cursor(40),
        writes: Writes::Open,
        views: ViewName::ALL.map(view).to_vec(),
        memories: Some(memories),
        forgotten: Some(0),
        decisions: None,
        cleaning: None,
        attached: 0,
        caches: vec![],
        disk: None,
    }
}

const NOTES: [(&str, &str, &str, i64, &[&str]); 6] = [
    ("Deploy fails when the migration lock is held", "mistake", "harbour", 2 * HOUR, &["deploy", "db"]),
    ("Roll back before you restart workers", "howto", "harbour", 75 * HOUR, &["deploy"]),
    ("漢字 and emoji 🚢 keep their columns", "note", "_", 100 * HOUR, &[]),
    ("Ratatui draws only what changed", "note", "console", 200 * HOUR, &["tui"]),
    ("fsync is the only promise a disk keeps", "gotcha", "store", 500 * HOUR, &["disk", "log"]),
    ("Ask the person on call before pausing the queue", "howto", "harbour", 900 * HOUR, &[]),
];

const BODY: &str = "# Deploy fails when the migration lock is held\n\nTwo hubs ran `migrate up` at once; the second \
    waited for the **lock** and timed out.\n\n## What to do\n\n1. Look who holds it: `select * from locks`\n2. End the \
    older one\n3. Deploy again\n\n```sql\nselect pid, granted from pg_locks;\n```\n\n> The runbook says ten minutes; it \
    took two.\n";

fn memory(n: usize) -> Memory {
    let (title, kind, project, age, tags) = NOTES[n % NOTES.len()];
    serde_json::from_value(serde_json::json!({
        "id": id(n as u8 + 1), "created_at": ago(age + 24 * HOUR), "updated_at": ago(age), "revision": 2,
        "title": title, "content": BODY, "type": kind, "project": project, "tags": tags,
        "origin": { "actor": "user:ada", "url": "file:///srv/docs/deploy.md" },
    }))
    .unwrap()
}

fn hit(n: usize) -> Hit {
    let memory = memory(n);
    let snippet = "because the deploy waited for the migration lock; the deploy then failed after 30 s";
    Hit {
        id: memory.id,
        kind: RecordKind::Memory,
        title: memory.title,
        snippet: snippet.into(),
        highlights: vec![12..18, 55..61],
        heading: String::new(),
        score: 9.1 / (n as f32 + 1.0),
        legs: Legs { lexical: 9.1, ..Legs::default() },
        matched_terms: vec!["deploy".into()],
        memory_type: memory.kind,
        project: memory.project,
        tags: memory.tags,
        status: memory.status,
        updated_at: memory.updated_at,
        url: None,
        alike: vec![],
        explain: None,
    }
}

fn event(sequence: u64) -> Arc<Event> {
    let kinds = ["memory.saved", "search.served", "memory.updated", "source.synced", "memory.forgotten"];
    let kind =
        if sequence.is_multiple_of(9) { "hub.damaged" } else { kinds[sequence as usize % kinds.len()] };
    let severity = if sequence.is_multiple_of(9) { Severity::Error } else { Severity::Info };
    let data = serde_json::json!({
        "id": id(sequence as u8), "title": NOTES[sequence as usize % NOTES.len()].0, "query": "deploy lock",
        "hits": 38, "source": "/srv/docs", "taken": 12, "changed": 1,
    });
    Arc::new(Event {
        id: id(sequence as u8),
        kind: kind.into(),
        subject: format!("harbour.{kind}").parse().unwrap(),
        time: ago((40 - sequence as i64) * 17_000),
        sequence: Sequence(sequence),
        recorded_at: ago((40 - sequence as i64) * 17_000 - 3),
        correlation_id: id(sequence as u8 / 2),
        causation_id: None,
        actor: Actor("user:ada".into()),
        severity,
        sampled_rate: None,
        data: data.as_object().unwrap().clone(),
    })
}

fn tell(app: &mut App, msg: Msg) -> Vec<Effect> {
    app.update(now(), msg)
}

/// Keys by name, parted by spaces; `"…"` is typed letter by letter.
fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects: Vec<Effect> = Vec::new();
    for name in keys.split(' ') {
        let code = match name {
            "Esc" => KeyCode::Esc,
            "Enter" => KeyCode::Enter,
            "Tab" => KeyCode::Tab,
            "Up" => KeyCode::Up,
            "Down" => KeyCode::Down,
            "Left" => KeyCode::Left,
            "Right" => KeyCode::Right,
            "Space" => KeyCode::Char(' '),
            name => KeyCode::Char(name.chars().next().unwrap()),
        };
        effects.extend(tell(app, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))));
    }
    effects
}

fn type_text(app: &mut App, text: &str) -> Vec<Effect> {
    let keys = text.chars().map(|c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    keys.flat_map(|key| tell(app, Msg::Key(key))).collect()
}

fn up(app: &mut App, status: Status) {
    let effects = tell(app, Msg::Link(At(0), Link::Up { owned: true, status: Box::new(status) }));
    answer_lists(app, &effects);
}

fn answer_lists(app: &mut App, effects: &[Effect]) {
    for effect in effects {
        if let Effect::Ask(Ask::Recent { generation, .. }) = effect {
            let empty = app.env.fleet.hub().memories() == Some(0);
            let memories = if empty { Vec::new() } else { (0..NOTES.len()).map(memory).collect() };
            let result = Ok(MemoryPage { memories, next: None });
            let more = tell(app, Msg::Answer(Answer::Recent { generation: *generation, result }));
            answer_lists(app, &more);
        }
    }
}

fn begin(app: &mut App, events: std::ops::RangeInclusive<u64>) {
    let head = cursor(*events.end());
    let items = events.map(|sequence| Item::Event(event(sequence))).collect();
    let effects =
        tell(app, Msg::Link(At(0), Link::Begin(Stretch { items, next: None, reached: None, head })));
    answer_stats(app, effects);
}

/// The hub's counts: some in each span, now and then an error.
fn answer_stats(app: &mut App, effects: Vec<Effect>) {
    for effect in effects {
        if let Effect::AskEach(AskEach::EventStats { generation, queries }) = effect {
            let bucket =
                |n: usize| EventBucket { events: (n * n % 17) as u64, errors: u64::from(n % 23 == 7) };
            let stats = queries.into_iter().map(|(at, query)| {
                let buckets = (0..query.buckets).map(bucket).collect();
                (at, Ok(EventStats { buckets, ..EventStats::default() }))
            });
            let stats = stats.collect();
            tell(app, Msg::Answer(Answer::EventStats { generation, stats }));
        }
    }
}

fn live(app: &mut App) {
    up(app, status(4_354));
    begin(app, 1..=40);
}

/// Goes to the Timeline, which counts when it is first shown.
fn timeline(app: &mut App) {
    let effects = press(app, "4");
    answer_stats(app, effects);
}

/// Types a query and answers every search with these hits.
fn search(app: &mut App, query: &str, result: Result<SearchAnswer, Fault>) {
    if !app.panes.search.typing {
        press(app, "s");
    }
    let mut effects = type_text(app, query);
    while let Some(Effect::Ask(Ask::Search { generation, .. })) =
        effects.iter().rev().find(|effect| matches!(effect, Effect::Ask(Ask::Search { .. }))).cloned()
    {
        effects = tell(app, Msg::Answer(Answer::Search { generation, result: result.clone() }));
    }
}

fn found() -> SearchAnswer {
    SearchAnswer {
        results: (0..4).map(hit).collect(),
        total: 38,
        took_ms: 2.1,
        legs_used: vec!["lexical".into()],
        ..SearchAnswer::default()
    }
}

fn screen(app: &App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| app.view(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
    text
}

/// A state at every size, each reached anew, as a resize would leave it.
#[track_caller]
fn check(name: &str, build: impl Fn(&mut App)) {
    let mut shown = String::new();
    for (width, height) in SIZES {
        let mut app = app();
        tell(&mut app, Msg::Resize(width, height));
        build(&mut app);
        writeln!(shown, "── {width}x{height} ──\n{}", screen(&app, width, height)).unwrap();
    }
    insta::with_settings!({ snapshot_path => "snapshots/screens", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, shown);
    });
}

/// A screen with its styles: under each line, a letter for each cell's style, and at the end what the letters mean.
/// The ground has none.
fn coloured(app: &App, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| app.view(frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let ground = app.env.theme.style(Role::Base);
    let mut styles: Vec<String> = Vec::new();
    let mut text = String::new();
    for (y, line) in screen(app, width, height).lines().enumerate() {
        let marks: String = (0..width)
            .map(|x| {
                let cell = &buffer[(x, y as u16)];
                let modifiers = cell.modifier.iter_names().map(|(name, _)| name.to_lowercase());
                let said = format!("{} on {} {}", cell.fg, cell.bg, modifiers.collect::<Vec<_>>().join(" "));
                let plain = (Some(cell.fg), Some(cell.bg)) == (ground.fg, ground.bg);
                if plain && cell.modifier.is_empty() {
                    return ' ';
                }
                let at = styles.iter().position(|style| *style == said).unwrap_or_else(|| {
                    styles.push(said);
                    styles.len() - 1
                });
                char::from(LETTERS[at])
            })
            .collect();
        writeln!(text, "{line}\n{}", marks.trim_end()).unwrap();
    }
    writeln!(text, "──").unwrap();
    for (style, letter) in styles.iter().zip(LETTERS) {
        writeln!(text, "{} {}", char::from(*letter), style.trim_end()).unwrap();
    }
    text
}

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// The deck with hits, one of them selected, an error among the events, and a fault told.
#[track_caller]
fn check_coloured(name: &str, theme: &str, depth: Depth, ascii: bool) {
    let mut app = app_in(looks(theme, depth, ascii));
    tell(&mut app, Msg::Resize(100, 30));
    live(&mut app);
    search(&mut app, "deploy", Ok(found()));
    press(&mut app, "Esc");
    let fault = Fault::unavailable("the disk is full");
    tell(&mut app, Msg::Answer(Answer::Restored(Err(fault))));
    let shown = coloured(&app, 100, 30);
    insta::with_settings!({ snapshot_path => "snapshots/screens", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, shown);
    });
}

#[test]
fn colours_of_every_depth() {
    check_coloured("colours_true", "harbour", Depth::True, false);
    check_coloured("colours_256", "harbour", Depth::Ansi256, false);
    check_coloured("colours_16", "harbour", Depth::Ansi16, false);
    check_coloured("colours_none", "harbour", Depth::None, false);
    check_coloured("colours_none_ascii", "harbour", Depth::None, true);
}

#[test]
fn colours_of_the_other_themes() {
    for theme in ["harbour-day", "high-contrast", "colour-blind-safe", "colour-blind-safe-day", "ansi16"] {
        check_coloured(&format!("colours_{}", theme.replace('-', "_")), theme, Depth::True, false);
    }
}

#[test]
fn themes() {
    check("themes", |app| {
        live(app);
        press(app, ":");
        type_text(app, "pick a theme");
        press(app, "Enter");
        tell(app, Msg::Answer(Answer::Themes(Ok(Themes::default()))));
        press(app, "Up Up");
        tell(app, Msg::Key(KeyEvent::new(KeyCode::Down, KeyModifiers::NONE)));
    });
}

/// The settings with one that is only looked at, one chosen, one that the environment gives and one of the file.
#[test]
fn settings() {
    check("settings", |app| {
        live(app);
        press(app, ", Down Down Down Right");
    });
}

#[test]
fn settings_given() {
    let mut config = wheelhouse::config::Config::default();
    let file = Provenance::File { path: "/home/ada/.config/wheelhouse/config.toml".into(), line: 3 };
    config.set("keymap", "vim", file).unwrap();
    config.set("mouse", "false", Provenance::Chosen).unwrap();
    let mut given = Given::new(&config, Depth::Ansi256);
    given.without_colour();
    let mut shown = String::new();
    for (width, height) in SIZES {
        let mut app = app_given(looks("harbour", Depth::True, false), given.clone());
        tell(&mut app, Msg::Resize(width, height));
        live(&mut app);
        press(&mut app, ", Down Down");
        writeln!(shown, "── {width}x{height} ──\n{}", screen(&app, width, height)).unwrap();
    }
    insta::with_settings!({ snapshot_path => "snapshots/screens", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("settings_given", shown);
    });
}

#[test]
fn settings_searched() {
    check("settings_searched", |app| {
        live(app);
        press(app, ",");
        type_text(app, "ti");
    });
}

#[test]
fn zones() {
    check("zones", |app| {
        live(app);
        press(app, ",");
        type_text(app, "zone");
        press(app, "Enter");
        type_text(app, "berl");
    });
}

#[test]
fn zones_all() {
    check("zones_all", |app| {
        live(app);
        press(app, ",");
        type_text(app, "zone");
        press(app, "Enter Down Down");
    });
}

#[test]
fn export() {
    check("export", |app| {
        live(app);
        search(app, "deploy", Ok(found()));
        press(app, "Esc E Right");
    });
}

#[test]
fn export_running() {
    check("export_running", |app| {
        live(app);
        press(app, "4 E Enter");
        tell(app, Msg::Answer(Answer::ExportProgress(4_000)));
    });
}

#[test]
fn export_replaces() {
    check("export_replaces", |app| {
        live(app);
        press(app, "4 E Enter");
        let fault = Fault::conflict("/srv/wheelhouse-timeline-20261121-140231.csv is there already");
        tell(app, Msg::Answer(Answer::Exported(Err(fault))));
    });
}

#[test]
fn export_failed() {
    check("export_failed", |app| {
        live(app);
        press(app, "E Enter");
        let fault =
            Fault::unavailable("/srv/x.csv cannot be written").cause("permission denied (os error 13)");
        tell(app, Msg::Answer(Answer::Exported(Err(fault))));
    });
}

#[test]
fn which_key_cells() {
    check("which_key_cells", |app| {
        live(app);
        press(app, "y c");
    });
}

#[test]
fn times_zone() {
    check("times_zone", |app| {
        live(app);
        press(app, ",");
        type_text(app, "zone");
        press(app, "Enter");
        type_text(app, "kathmandu");
        press(app, "Enter Esc Esc");
    });
}

#[test]
fn opening() {
    check("opening", |_| {});
}

#[test]
fn first_run() {
    check("first_run", |app| {
        up(app, status(0));
        begin(app, 1..=1);
    });
}

#[test]
fn recent() {
    check("recent", live);
}

#[test]
fn results() {
    check("results", |app| {
        live(app);
        search(app, "deploy", Ok(found()));
    });
}

#[test]
fn results_degraded() {
    check("results_degraded", |app| {
        live(app);
        let degraded = SearchAnswer {
            degraded_mode: Some("scan".into()),
            degraded_reasons: vec!["the index is being rebuilt, 40 %".into()],
            ..found()
        };
        search(app, "deploy", Ok(degraded));
    });
}

#[test]
fn nothing_found() {
    check("nothing_found", |app| {
        live(app);
        search(app, "xyzzy", Ok(SearchAnswer { took_ms: 0.3, ..SearchAnswer::default() }));
    });
}

#[test]
fn query_error() {
    check("query_error", |app| {
        live(app);
        search(app, "deploy", Ok(found()));
        let fault = Fault::invalid("column 8: this quote has no end").hint("close it, or write it as a word");
        search(app, " \"lock", Err(fault));
    });
}

/// The hub's completions of the word at the end.
fn offered(app: &mut App, kind: &str, replace: std::ops::Range<usize>, offers: &[(&str, Option<u64>)]) {
    let offer = |(text, documents): &(&str, Option<u64>)| Suggestion {
        text: (*text).into(),
        replace: replace.clone(),
        kind: kind.into(),
        documents: *documents,
    };
    let result = Ok(SuggestAnswer { suggestions: offers.iter().map(offer).collect(), fault: None });
    tell(app, Msg::Answer(Answer::Suggest { generation: 9, result }));
}

#[test]
fn completions() {
    check("completions", |app| {
        live(app);
        search(app, "lock tag:de", Ok(found()));
        offered(
            app,
            "tag",
            9..11,
            &[("deploy", Some(3_120)), ("design", Some(12)), ("\"dev ops\"", Some(1))],
        );
        tell(app, Msg::Key(KeyEvent::new(KeyCode::Down, KeyModifiers::NONE)));
    });
}

#[test]
fn completions_of_fields() {
    check("completions_of_fields", |app| {
        live(app);
        search(app, "ty", Ok(found()));
        offered(app, "field", 0..2, &[("type:", None)]);
    });
}

#[test]
fn completions_of_times() {
    check("completions_of_times", |app| {
        live(app);
        search(app, "since:", Ok(found()));
        let times = ["today", "yesterday", "last week", "last month", "3d", "monday"];
        offered(app, "time", 6..6, &times.map(|time| (time, None)));
    });
}

#[test]
fn field_meant() {
    check("field_meant", |app| {
        live(app);
        search(app, "deploy", Ok(found()));
        let fault = Fault::invalid("column 8: there is no field tgas:")
            .hint("did you mean tag:? To search for the text, put it in quotes: \"tgas:db\"");
        search(app, " tgas:db", Err(fault));
    });
}

#[test]
fn chips() {
    check("chips", |app| {
        live(app);
        search(app, "why tag:deploy -type:note since:\"last week\" project:harbour", Ok(found()));
        press(app, "Esc Right Right");
    });
}

#[test]
fn chips_near() {
    check("chips_near", |app| {
        live(app);
        let mut effects = press(app, "o");
        while let Some(Effect::Ask(Ask::Search { generation, .. })) = effects.last().cloned() {
            effects = tell(app, Msg::Answer(Answer::Search { generation, result: Ok(found()) }));
        }
    });
}

#[test]
fn queries() {
    check("queries", |app| {
        live(app);
        press(app, "s Up");
        let queries = [
            "why did deploys fail last week",
            "tag:deploy since:\"last week\"",
            "migration lock",
            "漢字 -draft",
            "fsync type:gotcha",
            "\"held by\" project:harbour",
        ];
        tell(app, Msg::Answer(Answer::Queries(Ok(queries.map(str::to_owned).to_vec()))));
        type_text(app, "la");
    });
}

#[test]
fn queries_none() {
    check("queries_none", |app| {
        live(app);
        press(app, "s Up");
        tell(app, Msg::Answer(Answer::Queries(Ok(vec![]))));
    });
}

const CODE: &str = "# Roll back before you restart workers\n\nSee [the runbook](https://runbooks.dev/deploy) and \
    the [notes](file:///srv/docs/deploy notes.md).\n\n```rust\n/// Holds the lock.\nfn lock(name: &str) -> Option<Lock> {\n    \
    let pid = 4121; // who\n    acquire(name, \"migration\")\n}\n```\n\n```toml\n[lock]\ntimeout = 30 # seconds\nname = \"db\"\n```\n\n\
    ```diff\n-let retry = false;\n+let retry = true;\n```\n\n```\nplain \u{1b}]0;no\u{7} \u{202e}txet\n```\n\n- [x] rolled back\n- [ ] told ada\n\n\
    | step | who | minutes | state |\n|------|-----|--------:|:-----:|\n| roll back | ada | 4 | done |\n| restart | bo | 12 | open |\n";

/// The memory open, its code as the highlighter says.
fn open_code(app: &mut App) {
    live(app);
    press(app, "Enter");
    let memory =
        Memory { title: "Roll back before you restart workers".into(), content: CODE.into(), ..memory(0) };
    let asked = tell(app, Msg::Answer(Answer::Memory { id: id(1), result: Ok(Box::new(memory)) }));
    let Some(Effect::Highlight { id, revision, blocks }) = asked.last().cloned() else { panic!("{asked:?}") };
    let grammars = Grammars::default();
    let tokens = blocks.iter().map(|block| grammars.tokens(block)).collect();
    tell(app, Msg::Answer(Answer::Highlighted { id, revision, tokens }));
}

#[test]
fn detail_code() {
    check("detail_code", |app| {
        open_code(app);
        press(app, "Enter");
    });
}

#[test]
fn code_of_every_depth() {
    for (name, theme, depth) in [
        ("code_true", "harbour", Depth::True),
        ("code_day", "harbour-day", Depth::True),
        ("code_16", "harbour", Depth::Ansi16),
        ("code_none", "harbour", Depth::None),
    ] {
        let mut app = app_in(looks(theme, depth, false));
        tell(&mut app, Msg::Resize(80, 40));
        open_code(&mut app);
        press(&mut app, "Enter");
        let shown = coloured(&app, 80, 40);
        insta::with_settings!({ snapshot_path => "snapshots/screens", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, shown);
        });
    }
}

#[test]
fn detail() {
    check("detail", |app| {
        live(app);
        press(app, "Enter");
        tell(app, Msg::Answer(Answer::Memory { id: id(1), result: Ok(Box::new(memory(0))) }));
    });
}

#[test]
fn detail_zoomed() {
    check("detail_zoomed", |app| {
        live(app);
        search(app, "deploy", Ok(found()));
        press(app, "Enter z");
        tell(app, Msg::Answer(Answer::Memory { id: id(1), result: Ok(Box::new(memory(0))) }));
    });
}

#[test]
fn explain() {
    check("explain", |app| {
        live(app);
        search(app, "deploy lock", Ok(found()));
        press(app, "Esc e");
        let term = |term: &str, field: &str, worth, documents| TermWorth {
            term: term.into(),
            field: field.into(),
            worth,
            documents,
        };
        let explain = Explanation {
            words: vec![
                "found by the words “deploy” and “lock” (rank 2 of 38), and by meaning (rank 5)".into(),
                "“lock” in the title, 12 of 4,354 memories hold it, worth 4.2".into(),
                "“deploy” in the title and body, 96 of 4,354 memories hold it, worth 4.9".into(),
                "near in meaning: 0.52 of 1".into(),
                "read again, its words meet those of the query by 61 %".into(),
            ],
            ranks: Ranks { lexical: Some(2), vector: Some(5) },
            terms: vec![
                term("lock", "title", 4.2, 12),
                term("deploy", "title", 3.1, 96),
                term("deploy", "body", 1.8, 96),
            ],
        };
        let legs = Legs { lexical: 9.1, vector: Some(0.52), rerank: Some(0.61), prior: Some(0.012) };
        let mut answer = SearchAnswer { results: (0..6).map(hit).collect(), ..found() };
        answer.results[0] = Hit { explain: Some(explain), legs, ..hit(0) };
        tell(app, Msg::Answer(Answer::Explain { id: id(1), result: Ok(answer) }));
    });
}

#[test]
fn history() {
    check("history", |app| {
        live(app);
        press(app, "H");
        let revision = |revision: u32, title: &str, event: &str, age| Revision {
            event: event.into(),
            recorded_at: ago(age),
            actor: Actor("user:ada".into()),
            correlation_id: id(3),
            memory: Some(Memory { revision, title: title.into(), ..memory(0) }),
        };
        let revisions = vec![
            revision(2, "Deploy fails when the migration lock is held", "memory.updated", 2 * HOUR),
            revision(1, "Deploy fails", "memory.saved", 26 * HOUR),
        ];
        tell(app, Msg::Answer(Answer::History { id: id(1), result: Ok(revisions) }));
    });
}

#[test]
fn form() {
    check("form", |app| {
        live(app);
        press(app, "n");
        type_text(app, "Roll back first, restart later.");
        press(app, "Tab Tab");
        type_text(app, "howto");
        press(app, "Tab Tab");
        type_text(app, "My Team");
    });
}

/// Decisions in every state, the newest changed first.
fn decision(n: usize) -> Decision {
    let past = [
        ("Use one log for everything that changes", "accepted", Some(0.8), Some("successful"), None),
        ("Pin ratatui until widgets settle", "accepted", Some(0.7), None, Some("2026-11-23")),
        ("Drop Redis from the hub", "superseded", Some(0.6), Some("failed"), None),
        ("漢字 in every title 🚢", "proposed", None, None, Some("2026-11-01")),
        ("Search by words and by meaning", "implemented", Some(0.85), Some("partial"), None),
        ("Ask before anything is destroyed", "draft", None, Some("pending"), None),
    ];
    let (title, status, confidence, outcome, review) = past[n % past.len()];
    let mut decision = serde_json::json!({
        "id": id(n as u8 + 101), "created_at": ago((n as i64 + 5) * 24 * HOUR), "updated_at": ago((n as i64 + 1) * 24 * HOUR),
        "revision": 2, "number": format!("D-{:04}", 212 - n), "title": title, "status": status, "project": "harbour",
        "tags": ["store", "hub"], "context": "Every change is an *event* first; what is read is made of events.",
        "options": [
            { "title": "one log", "pros": ["one order for all"], "cons": ["one writer"] },
            { "title": "a log for each", "pros": ["no waiting"] },
        ],
        "chosen_option": "one log", "rationale": "Order is worth more than a second writer.",
        "origin": { "actor": "user:ada" },
    });
    let fields = decision.as_object_mut().unwrap();
    fields.extend(confidence.map(|sure| ("confidence".to_owned(), sure.into())));
    fields.extend(review.map(|day| ("review_on".to_owned(), day.into())));
    let outcome =
        outcome.map(|status| serde_json::json!({ "status": status, "rating": 4, "note": "As hoped." }));
    fields.extend(outcome.map(|outcome| ("outcome".to_owned(), outcome)));
    serde_json::from_value(decision).unwrap()
}

/// Answers every question after decisions with as many.
fn answer_decisions(app: &mut App, effects: &[Effect], count: usize) {
    for effect in effects {
        if let Effect::Ask(Ask::Decisions { what, .. }) = effect {
            let result = Ok(DecisionPage { decisions: (0..count).map(decision).collect(), next: None });
            let more = tell(app, Msg::Answer(Answer::Decisions { what: *what, result }));
            answer_decisions(app, &more, count);
        }
    }
}

/// In the pane, with so many.
fn decisions(app: &mut App, count: usize) {
    let effects = tell(app, Msg::Link(At(0), Link::Up { owned: true, status: Box::new(status(4_354)) }));
    answer_lists(app, &effects);
    answer_decisions(app, &effects, count);
    begin(app, 1..=40);
    press(app, "2");
}

#[test]
fn decisions_none() {
    check("decisions_none", |app| decisions(app, 0));
}

#[test]
fn decisions_listed() {
    check("decisions_listed", |app| {
        decisions(app, 6);
        press(app, "j");
    });
}

#[test]
fn decisions_filtered() {
    check("decisions_filtered", |app| {
        decisions(app, 6);
        let effects = press(app, "S /");
        answer_decisions(app, &effects, 6);
        let effects = type_text(app, "log");
        answer_decisions(app, &effects, 1);
    });
}

#[test]
fn decisions_opened() {
    check("decisions_opened", |app| {
        decisions(app, 6);
        press(app, "z Enter");
    });
}

/// Types a title, and answers what is asked once it rests.
fn decide(app: &mut App, title: &str) {
    decisions(app, 6);
    press(app, "d");
    type_text(app, title);
    let wake = app.wake().unwrap();
    let effects = app.update(wake, Msg::Tick);
    answer_decisions(app, &effects, 3);
}

#[test]
fn decision_form() {
    check("decision_form", |app| {
        decide(app, "Keep one log for everything");
        press(app, "Tab");
        type_text(app, "Two logs were out of step twice.");
        press(app, "Tab");
        tell(app, Msg::Paste("one log\n+ one order\n- one writer\ntwo logs".into()));
        press(app, "Tab");
        type_text(app, "one log");
        press(app, "Tab Tab");
        type_text(app, "80 %");
    });
}

#[test]
fn decision_form_wrong() {
    check("decision_form_wrong", |app| {
        decide(app, "Keep one log");
        press(app, "Tab Tab");
        tell(app, Msg::Paste("one log\ntwo logs".into()));
        press(app, "Tab");
        type_text(app, "three logs");
    });
}

#[test]
fn outcome_form() {
    check("outcome_form", |app| {
        decisions(app, 6);
        press(app, "j o s Tab 4 Tab");
        type_text(app, "No surprise in two months.");
    });
}

#[test]
fn decisions_calibrated() {
    check("decisions_calibrated", |app| {
        decisions(app, 6);
        let effects = press(app, "z c");
        let [Effect::Ask(Ask::Calibration { generation, .. })] = effects.as_slice() else {
            panic!("{effects:?}")
        };
        let decided = |n: usize| Decision {
            confidence: Some([0.65, 0.85, 0.9, 0.3][n % 4]),
            outcome: Some(Outcome {
                status: if n.is_multiple_of(3) { OutcomeStatus::Failed } else { OutcomeStatus::Successful },
                ..Outcome::default()
            }),
            ..decision(n)
        };
        let all: Vec<_> = (0..25).map(decided).chain([decision(1), decision(4)]).collect();
        let result = Ok(Calibration::of(&all));
        tell(app, Msg::Answer(Answer::Calibration { generation: *generation, result }));
    });
}

/// Jobs in many states, as the hub tells of them.
fn jobs(names: &[&str]) -> Vec<JobView> {
    let soon = |ms: i64| Time::from_unix_ms(now().unix_ms() + ms);
    let made = |(n, name): (usize, &&str)| {
        let states: Vec<&str> = match *name {
            "sync_rfcs" => vec!["running", "succeeded", "succeeded", "failed", "succeeded", "succeeded"],
            "fetch_feeds" => {
                vec!["retrying", "dead", "lost", "succeeded", "skipped", "cancelled", "succeeded"]
            }
            "never_run" => vec![],
            _ => vec!["succeeded"; 12],
        };
        let recent: Vec<_> = states.iter().enumerate().map(|(at, state)| run(n, at, state)).collect();
        let marks: Vec<_> = recent.iter().map(|run| RunMark::from(&run.run)).collect();
        let (when, schedule) = match n % 3 {
            0 => ("every 15 minutes", serde_json::json!({ "every": "15m" })),
            1 => (
                "at 02:30 every day, Europe/Berlin",
                serde_json::json!({ "cron": "30 2 * * *", "zone": "Europe/Berlin" }),
            ),
            _ => ("every hour", serde_json::json!({ "every": "1h" })),
        };
        let paused = (*name == "backup_hourly")
            .then(|| serde_json::json!({ "reason": "the disk is moved", "until": soon(2 * HOUR), "by": "user:ada" }));
        let mut job = serde_json::json!({
            "id": id(n as u8 + 60), "slug": name, "title": "", "project": "harbour", "kind": { "builtin": name },
            "schedule": schedule, "when": when, "recent": marks, "dead": u8::from(*name == "fetch_feeds"),
            "timeout": "5m",
        });
        let fields = job.as_object_mut().unwrap();
        match paused {
            Some(paused) => drop(fields.insert("paused".into(), paused)),
            None => drop(fields.insert("next".into(), serde_json::json!(soon((n as i64 + 1) * 187_000)))),
        }
        serde_json::from_value(job).unwrap()
    };
    names.iter().enumerate().map(made).collect()
}

fn run(job: usize, at: usize, state: &str) -> RunView {
    let started = ago(at as i64 * 900_000 + 24_000);
    let ended = Time::from_unix_ms(started.unix_ms() + 900 + 311 * (at as i64 * 7 % 5));
    let is_live = matches!(state, "running" | "retrying");
    let mut run = serde_json::json!({
        "id": id((job * 16 + at) as u8), "job": id(job as u8 + 60), "project": "harbour", "slot": format!("at:{started}"),
        "trigger": "schedule", "state": state, "attempt": if is_live { 2 } else { 1 }, "created_at": started,
        "updated_at": started, "revision": 3, "started": started, "slug": "x",
    });
    let fields = run.as_object_mut().unwrap();
    if !is_live {
        fields.insert("ended".into(), serde_json::json!(ended));
    }
    match state {
        "running" => drop(fields.insert(
            "progress".into(),
            serde_json::json!({ "done": 620, "total": 1_000, "unit": "pages", "note": "rfc-0042.md" }),
        )),
        "retrying" => drop(
            fields.insert("start_at".into(), serde_json::json!(Time::from_unix_ms(now().unix_ms() + 4_000))),
        ),
        _ => {}
    }
    if matches!(state, "retrying" | "failed" | "dead") {
        let error = serde_json::json!({ "code": "timeout", "message": "https://feeds.example.com did not answer in 30 s" });
        fields.insert("error".into(), error);
    }
    if state == "retrying" {
        let later = |ms: i64| Time::from_unix_ms(started.unix_ms() + ms);
        let reset = serde_json::json!({ "code": "unavailable", "message": "connection reset" });
        let attempts = serde_json::json!([
            { "number": 1, "started": started, "ended": later(412), "state": "failed", "error": reset },
            { "number": 2, "started": later(2_412), "ended": later(20_000), "state": "failed", "error": fields["error"] },
        ]);
        fields.insert("attempts".into(), attempts);
    }
    if state == "lost" {
        fields.insert("may_have_run_twice".into(), true.into());
    }
    serde_json::from_value(run).unwrap()
}

const MANY: [&str; 6] =
    ["backup_hourly", "fetch_feeds", "never_run", "pattern_analysis", "prune_events", "sync_rfcs"];

/// Answers what is asked of jobs, lines and health, until nothing is.
fn answer_work(app: &mut App, effects: Vec<Effect>, names: &[&str], parts: &Health) {
    let mut asked = effects;
    while let Some(effect) = asked.pop() {
        let answer = match effect {
            Effect::Ask(Ask::Jobs { generation }) => Answer::Jobs { generation, result: Ok(jobs(names)) },
            Effect::Ask(Ask::JobRuns { generation, job }) => {
                let at = job.as_bytes()[0] as usize - 60;
                let runs: Vec<_> = match names.get(at) {
                    Some(&"fetch_feeds") => {
                        let states =
                            ["retrying", "dead", "lost", "succeeded", "skipped", "cancelled", "succeeded"];
                        states.iter().enumerate().map(|(n, state)| run(at, n, state)).collect()
                    }
                    Some(&"never_run") => vec![],
                    _ => (0..12).map(|n| run(at, n, "succeeded")).collect(),
                };
                let dead = runs.iter().filter(|run| run.run.state == RunState::Dead).cloned().collect();
                let next = (1..=3).map(|n| Time::from_unix_ms(now().unix_ms() + n * 900_000)).collect();
                Answer::JobRuns { generation, job, result: Ok(JobRuns { runs, dead, next }) }
            }
            Effect::Ask(Ask::RunLog { run, .. }) => Answer::RunLog { run, result: Ok(lines()) },
            Effect::Ask(Ask::Health { generation, .. }) => {
                Answer::Health { generation, result: Ok((Box::new(parts.clone()), Some(trends()))) }
            }
            _ => continue,
        };
        asked.extend(tell(app, Msg::Answer(answer)));
    }
}

fn lines() -> RunLog {
    let said = [
        (LogStream::Note, "attempt 2 begins"),
        (LogStream::Out, "reading 1,000 pages"),
        (LogStream::Out, "rfc-0041.md: unchanged"),
        (LogStream::Err, "rfc-0042.md: no title, the file\'s name is taken \u{1b}[31m"),
        (LogStream::Out, "漢字.md: taken"),
    ];
    let line = |(at, (stream, text)): (usize, &(LogStream, &str))| LogLine {
        number: at as u64 + 1,
        time: ago(20_000 - at as i64 * 3_217),
        stream: *stream,
        text: (*text).to_owned(),
        cut: false,
    };
    RunLog { lines: said.iter().enumerate().map(line).collect(), cursor: 5, missed: 0, live: true }
}

fn health(disk: &str) -> Health {
    let part = |name: &str, latency: f64| {
        let status = if name == "disk" { disk } else { "up" };
        let mut part = serde_json::json!({
            "status": status, "latency_ms": latency, "note": if name == "disk" { "41 GB free" } else { "" },
            "since": ago(3 * HOUR), "checked_at": ago(2_000), "events": format!("health.*.{name}"),
        });
        if status != "up" {
            part["cause"] = "8 % of the disk is free".into();
            part["runbook"] = "disk-low".into();
        }
        (name.to_owned(), part)
    };
    let names = [
        ("log", 0.4),
        ("records", 0.1),
        ("search", 1.2),
        ("embedding", 14.0),
        ("disk", 0.2),
        ("scheduler", 0.02),
        ("clock", 0.01),
    ];
    let parts: serde_json::Map<_, _> = names.iter().map(|(name, latency)| part(name, *latency)).collect();
    let took = |p50: f64| serde_json::json!({ "count": 4_210, "p50": p50, "p95": p50 * 4.0, "p99": p50 * 9.0, "max": p50 * 31.0 });
    serde_json::from_value(serde_json::json!({
        "status": if disk == "up" { "healthy" } else { "degraded" }, "components": parts, "version": "0.1.0",
        "hub": "harbour", "timestamp": now(), "started_at": ago(26 * HOUR),
        "latencies": { "search": took(1.1), "commit": took(0.6) },
        "breakers": [{ "name": "http feeds.example.com", "state": if disk == "up" { "closed" } else { "open" },
            "since": ago(40_000), "failures": 5, "probe_at": ago(-21_000) }],
        "caches": [{ "name": "answers", "entries": 812, "hits": 910, "misses": 90, "evictions": 0 }],
        "errors": { "timeout": 7 }, "memory_bytes": 183_000_000, "queue_depth": 2, "queue_bytes": 18_200, "connections": 3,
        "running": 1, "dead": 1, "disk": { "free_bytes": 41_000_000_000u64, "total_bytes": 500_000_000_000u64, "data_bytes": 1_240_000_000 },
    }))
    .unwrap()
}

fn trends() -> Trends {
    let point = |n: i64| TrendPoint {
        at: ago((360 - n) * 10_000),
        events_per_s: (n * n % 17) as f32,
        errors_per_s: if n % 97 == 3 { 0.4 } else { 0.0 },
        searches_per_s: (n % 5) as f32,
        search_p50: Some(1.0 + (n % 7) as f32 / 9.0),
        search_p99: Some(9.0 + (n % 23) as f32),
        commit_p50: Some(0.6),
        commit_p99: Some(4.0 + (n % 11) as f32),
        cache_hits: Some(0.9),
        memory_bytes: 180_000_000 + n as u64 * 10_000,
        queue_depth: (n % 3) as u32,
    };
    let latency = (0..360).map(|n| (n % 40 != 0).then_some(0.2 + (n % 13) as f32 / 20.0)).collect();
    Trends {
        step_ms: 10_000,
        points: (0..360).map(point).collect(),
        latencies_ms: [("disk".to_owned(), latency)].into(),
    }
}

/// With these jobs and this disk, and the keys pressed.
fn at_work(app: &mut App, names: &[&str], disk: &str, keys: &str) {
    let parts = health(disk);
    let effects = tell(app, Msg::Link(At(0), Link::Up { owned: true, status: Box::new(status(4_354)) }));
    answer_lists(app, &effects);
    answer_decisions(app, &effects, 6);
    answer_work(app, effects, names, &parts);
    begin(app, 1..=40);
    for key in keys.split(' ').filter(|key| !key.is_empty()) {
        let effects = press(app, key);
        answer_work(app, effects, names, &parts);
    }
}

#[test]
fn jobs_none() {
    check("jobs_none", |app| at_work(app, &[], "up", "3"));
}

#[test]
fn jobs_busy() {
    check("jobs_busy", |app| at_work(app, &MANY, "up", "3 G"));
}

#[test]
fn jobs_failing() {
    check("jobs_failing", |app| at_work(app, &MANY, "up", "3 z j Enter Enter j"));
}

#[test]
fn jobs_paused() {
    check("jobs_paused", |app| at_work(app, &MANY, "up", "3 z Enter"));
}

#[test]
fn jobs_pausing() {
    check("jobs_pausing", |app| {
        at_work(app, &MANY, "up", "3 j p");
        type_text(app, "the feeds move until 2h");
    });
}

#[test]
fn jobs_cancelling() {
    check("jobs_cancelling", |app| at_work(app, &MANY, "up", "3 G X"));
}

#[test]
fn jobs_log() {
    check("jobs_log", |app| at_work(app, &MANY, "up", "3 z G l"));
}

#[test]
fn health_well() {
    check("health_well", |app| at_work(app, &MANY[3..5], "up", "5"));
}

#[test]
fn health_zoomed() {
    check("health_zoomed", |app| at_work(app, &MANY, "degraded", "5 z j Left Left"));
}

#[test]
fn health_explained() {
    check("health_explained", |app| at_work(app, &MANY, "degraded", "!"));
}

#[test]
fn health_explained_well() {
    check("health_explained_well", |app| at_work(app, &MANY[3..5], "up", "!"));
}

#[test]
fn health_offline() {
    check("health_offline", |app| {
        at_work(app, &MANY, "up", "5");
        let fault = Fault::unavailable("the hub closed");
        tell(app, Msg::Link(At(0), Link::Down { fault, retry_at: now() }));
    });
}

#[test]
fn work_of_every_depth() {
    for (name, theme, depth, ascii) in [
        ("work_day", "harbour-day", Depth::True, false),
        ("work_16", "harbour", Depth::Ansi16, false),
        ("work_none_ascii", "harbour", Depth::None, true),
    ] {
        let mut app = app_in(looks(theme, depth, ascii));
        tell(&mut app, Msg::Resize(160, 45));
        at_work(&mut app, &MANY, "degraded", "3");
        let shown = coloured(&app, 160, 45);
        insta::with_settings!({ snapshot_path => "snapshots/screens", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(name, shown);
        });
    }
}

#[test]
fn decisions_history() {
    check("decisions_history", |app| {
        decisions(app, 6);
        press(app, "z H");
        let revision = |event: &str, revision: u32, age| DecisionRevision {
            event: event.into(),
            recorded_at: ago(age),
            actor: Actor("user:ada".into()),
            correlation_id: id(3),
            decision: Some(Decision { revision, ..decision(0) }),
        };
        let revisions =
            vec![revision("decision.outcome_recorded", 2, HOUR), revision("decision.recorded", 1, 26 * HOUR)];
        tell(app, Msg::Answer(Answer::DecisionHistory { id: decision(0).id, result: Ok(revisions) }));
    });
}

#[test]
fn confirm() {
    check("confirm", |app| {
        live(app);
        press(app, "x");
    });
}

#[test]
fn removed() {
    check("removed", |app| {
        live(app);
        let title = memory(0).title;
        let forgotten = wheelhouse::door::Forgotten {
            id: id(1),
            title,
            applied: true,
            state: "hidden, not erased yet".into(),
        };
        let effects = tell(app, Msg::Answer(Answer::Forgotten(Ok(forgotten))));
        answer_lists(app, &effects);
    });
}

#[test]
fn palette() {
    check("palette", |app| {
        live(app);
        press(app, ":");
        type_text(app, "mem");
    });
}

#[test]
fn help() {
    check("help", |app| {
        live(app);
        press(app, "?");
    });
}

#[test]
fn help_searched() {
    check("help_searched", |app| {
        live(app);
        press(app, "?");
        type_text(app, "copy");
    });
}

#[test]
fn palette_asks() {
    check("palette_asks", |app| {
        live(app);
        press(app, ":");
        type_text(app, "keymap use");
        press(app, "Enter");
    });
}

/// More ways than stand under one another.
#[test]
fn which_key_wide() {
    check("which_key_wide", |app| {
        live(app);
        let mine: String =
            ('a'..='p').map(|c| format!("\"{c}\" = false\n\"; {c}\" = \"memory.new\"\n")).collect();
        let text = format!("version = 1\n[global]\n{mine}\"; x y\" = \"app.quit\"\n");
        tell(app, Msg::Answer(Answer::Keymap(Ok(Some(text)))));
        app.update(Time::from_unix_ms(now().unix_ms() + 60_000), Msg::Tick);
        press(app, ";");
    });
}

#[test]
fn which_key() {
    check("which_key", |app| {
        live(app);
        press(app, "y");
    });
}

#[test]
fn projects() {
    check("projects", |app| {
        live(app);
        press(app, "P");
        let project = |name: &str, documents| Suggestion {
            text: format!("project:{name}"),
            replace: 0..8,
            kind: "project".into(),
            documents: Some(documents),
        };
        let suggestions = vec![project("harbour", 3_120), project("console", 12), project("_", 4)];
        tell(app, Msg::Answer(Answer::Projects(Ok(SuggestAnswer { suggestions, fault: None }))));
    });
}

#[test]
fn import_path() {
    check("import_path", |app| {
        up(app, status(0));
        press(app, "I");
        let names = vec!["Documents/".into(), "notes/".into(), "readme.md".into()];
        tell(app, Msg::Answer(Answer::Paths { asked: "~/".into(), names }));
    });
}

fn importing(app: &mut App) {
    press(app, "I");
    type_text(app, "notes");
    press(app, "Enter");
    let progress = Progress {
        found: 812,
        done: 405,
        bytes: 1_400_000,
        bytes_found: 2_800_000,
        taken: 371,
        changed: 22,
        unchanged: 9,
        skipped: 3,
        rate_per_s: 140.0,
        eta: Some(std::time::Duration::from_secs(3)),
        current: "/home/ada/notes/deploy/2026/why-it-failed.md".into(),
        finished: false,
    };
    tell(app, Msg::Answer(Answer::ImportProgress(progress)));
}

#[test]
fn import_running() {
    check("import_running", |app| {
        live(app);
        importing(app);
    });
}

#[test]
fn import_done() {
    check("import_done", |app| {
        live(app);
        importing(app);
        let report = ImportReport {
            taken: 780,
            changed: 22,
            unchanged: 8,
            removed: vec!["/home/ada/notes/old.md".into()],
            skipped: vec![Skipped {
                path: "/home/ada/notes/broken.md".into(),
                why: "it is not UTF-8 (byte 17)".into(),
            }],
            ..ImportReport::default()
        };
        tell(app, Msg::Answer(Answer::Imported(Ok(report))));
    });
}

#[test]
fn timeline_held() {
    check("timeline_held", |app| {
        live(app);
        timeline(app);
        press(app, "Up Up");
        tell(app, Msg::Link(At(0), Link::Events((41..=45).map(event).collect())));
    });
}

#[test]
fn timeline_paused() {
    check("timeline_paused", |app| {
        live(app);
        timeline(app);
        press(app, "Space");
        tell(app, Msg::Link(At(0), Link::Events((41..=168).map(event).collect())));
    });
}

#[test]
fn timeline_filtered() {
    check("timeline_filtered", |app| {
        live(app);
        timeline(app);
        press(app, "/");
        let mut effects = type_text(app, "severity:error");
        while let Some(Effect::AskEach(AskEach::Events { generation, .. })) = effects.pop() {
            let items = [9, 18, 27, 36].map(|sequence| Item::Event(event(sequence))).to_vec();
            let stretch = Stretch { items, next: None, reached: None, head: cursor(40) };
            let answer = Answer::Events { generation, page: Page::Newest, pages: vec![(At(0), Ok(stretch))] };
            effects = tell(app, Msg::Answer(answer));
            answer_stats(app, std::mem::take(&mut effects));
        }
        press(app, "Enter");
    });
}

#[test]
fn timeline_filter_error() {
    check("timeline_filter_error", |app| {
        live(app);
        timeline(app);
        press(app, "/");
        type_text(app, "memory.* since:soon");
    });
}

#[test]
fn timeline_event() {
    check("timeline_event", |app| {
        live(app);
        timeline(app);
        press(app, "Up Enter");
    });
}

/// Answers what is asked of history with this, and the counts.
fn answer_history(app: &mut App, effects: Vec<Effect>, answer: &dyn Fn(Page) -> Stretch) {
    for effect in &effects {
        if let Effect::AskEach(AskEach::Events { generation, page, .. }) = effect {
            let answer = Answer::Events {
                generation: *generation,
                page: *page,
                pages: vec![(At(0), Ok(answer(*page)))],
            };
            let more = tell(app, Msg::Answer(answer));
            answer_stats(app, more);
        }
    }
    answer_stats(app, effects);
}

/// What one import did: under its start its batches, under those what they saved.
fn import_traced(n: u64) -> Item {
    let kinds = ["source.synced", "memory.saved", "memory.saved", "source.failed", "memory.updated"];
    let causes = [None, Some(0), Some(1), Some(0), Some(3)];
    let mut traced = (*event(n)).clone();
    traced.kind = kinds[(n - 30) as usize].into();
    traced.id = id(n as u8);
    traced.correlation_id = id(19);
    traced.causation_id = causes[(n - 30) as usize].map(|cause: u8| id(30 + cause));
    traced.severity = if traced.kind == "source.failed" { Severity::Error } else { Severity::Info };
    Item::Event(Arc::new(traced))
}

#[test]
fn timeline_tree() {
    check("timeline_tree", |app| {
        live(app);
        timeline(app);
        press(app, "Up Up");
        let effects = press(app, "c");
        answer_history(app, effects, &|page| Stretch {
            items: if page == Page::Trace(Toward::Past) {
                (30..35).map(import_traced).collect()
            } else {
                vec![]
            },
            next: None,
            reached: None,
            head: cursor(40),
        });
    });
}

#[test]
fn timeline_go_to_time() {
    check("timeline_go_to_time", |app| {
        live(app);
        timeline(app);
        press(app, "@");
        type_text(app, "yesterday 9am");
    });
}

#[test]
fn timeline_gone_to() {
    check("timeline_gone_to", |app| {
        live(app);
        timeline(app);
        press(app, "@");
        type_text(app, "-5m");
        let effects = press(app, "Enter");
        answer_history(app, effects, &|_| Stretch {
            items: (23..=40).map(|sequence| Item::Event(event(sequence))).collect(),
            next: None,
            reached: None,
            head: cursor(40),
        });
    });
}

#[test]
fn timeline_gap() {
    check("timeline_gap", |app| {
        up(app, status(4_354));
        let gap = |from, to, missing, reason: &str| {
            let reason = reason.to_owned();
            Item::Gap(EventGap { from: Sequence(from), to: Sequence(to), missing, reason })
        };
        let mut items = vec![gap(1, 24, 24, "cleaned")];
        items.extend((25..=35).map(|sequence| Item::Event(event(sequence))));
        items.extend([gap(36, 1_204, 312, "cleaned"), gap(1_210, 1_210, 1, "damaged")]);
        items.insert(13, Item::Event(Arc::new(Event { sequence: Sequence(1_206), ..(*event(36)).clone() })));
        let stretch = Stretch { items, next: None, reached: None, head: cursor(1_210) };
        let effects = tell(app, Msg::Link(At(0), Link::Begin(stretch)));
        answer_stats(app, effects);
        timeline(app);
        press(app, "Up Up");
    });
}

#[test]
fn timeline_filter_completed() {
    check("timeline_filter_completed", |app| {
        live(app);
        timeline(app);
        press(app, "/");
        type_text(app, "severity:error mem");
    });
}

#[test]
fn timeline_searching() {
    check("timeline_searching", |app| {
        live(app);
        timeline(app);
        press(app, "/");
        let effects = type_text(app, "xyzzy");
        press(app, "Enter");
        let reached = Some(ago(26 * HOUR));
        let empty = || Stretch { items: vec![], next: Some(Sequence(12)), reached, head: cursor(40) };
        answer_history(app, effects[effects.len() - 1..].to_vec(), &|_| empty());
        app.update(Time::from_unix_ms(now().unix_ms() + 2_000), Msg::Tick);
    });
}

/// What the program may have said, one of it meant to do harm.
fn logged(app: &mut App) {
    let said = [
        (Level::Info, "wheelhouse::hub", "the hub is open", vec![("pid", "4121"), ("sequence", "40")]),
        (
            Level::Debug,
            "wheelhouse::search::writer",
            "committed",
            vec![("documents", "12"), ("took_ms", "31")],
        ),
        (Level::Warn, "wheelhouse::store::keeper", "the disk is slow", vec![("took_ms", "1204")]),
        (
            Level::Error,
            "wheelhouse::ingest::read",
            "\u{1b}[31mnot read\u{1b}[?1049l",
            vec![("path", "/a\nb\u{202e}c")],
        ),
        (Level::Trace, "sled::pagecache", "advancing offset", vec![]),
    ];
    let entries = (0..60).map(|n| {
        let (level, target, message, fields) = said[n % said.len()].clone();
        Entry {
            time: ago((60 - n as i64) * 700),
            level,
            target,
            message: message.into(),
            fields: fields.into_iter().map(|(name, value)| (name, value.to_owned())).collect(),
        }
    });
    let taken = Taken { entries: entries.collect(), dropped: 0 };
    tell(app, Msg::Logged(taken));
}

#[test]
fn log() {
    check("log", |app| {
        live(app);
        press(app, "0");
        logged(app);
    });
}

#[test]
fn log_empty() {
    check("log_empty", |app| {
        live(app);
        press(app, "0");
    });
}

#[test]
fn log_held() {
    check("log_held", |app| {
        tell(app, Msg::Link(At(0), Link::Up { owned: false, status: Box::new(status(4_354)) }));
        logged(app);
        press(app, "0 Up Up");
        logged(app);
    });
}

#[test]
fn log_filtered() {
    check("log_filtered", |app| {
        live(app);
        logged(app);
        press(app, "0 /");
        type_text(app, "level:warn");
        press(app, "Enter");
    });
}

#[test]
fn log_filter_error() {
    check("log_filter_error", |app| {
        live(app);
        logged(app);
        press(app, "0 /");
        type_text(app, "level:loud");
    });
}

#[test]
fn log_entry() {
    check("log_entry", |app| {
        live(app);
        logged(app);
        press(app, "0 Up Enter");
    });
}

#[test]
fn times_local() {
    check("times_local", |app| {
        live(app);
        press(app, "t");
    });
}

#[test]
fn rebuilding() {
    check("rebuilding", |app| {
        let mut status = status(4_354);
        status.views[1].state = ViewState::Rebuilding { applied: Sequence(40), head: Sequence(100) };
        up(app, status);
        begin(app, 1..=40);
    });
}

#[test]
fn read_only() {
    check("read_only", |app| {
        let fault = Fault::new(Code::Full, "the data directory is read-only");
        let writes = Writes::Refused { why: Refusal::ReadOnly, fault };
        up(app, Status { writes, ..status(4_354) });
        begin(app, 1..=40);
    });
}

#[test]
fn stalled() {
    check("stalled", |app| {
        live(app);
        let writes = Writes::Stalled { since: now() };
        tell(app, Msg::Link(At(0), Link::Status(Box::new(Status { writes, ..status(4_354) }))));
        app.update(Time::from_unix_ms(now().unix_ms() + 3_000), Msg::Tick);
    });
}

#[test]
fn erasing() {
    check("erasing", |app| {
        let cleaning = Some(Cleaning { memories: 2, percent: 41, fault: None });
        up(app, Status { cleaning, ..status(4_354) });
        begin(app, 1..=40);
    });
}

#[test]
fn disk_full() {
    check("disk_full", |app| {
        let fault = Fault::new(Code::Full, "the disk is full");
        let writes = Writes::Refused { why: Refusal::DiskFull, fault };
        up(app, Status { writes, ..status(4_354) });
        begin(app, 1..=40);
        press(app, "x");
    });
}

#[test]
fn offline() {
    check("offline", |app| {
        live(app);
        let fault = Fault::unavailable("the hub closed");
        tell(app, Msg::Link(At(0), Link::Down { fault, retry_at: now() }));
        app.update(Time::from_unix_ms(now().unix_ms() + 12_000), Msg::Tick);
    });
}

#[test]
fn one_project() {
    check("one_project", |app| {
        live(app);
        app.env.project = Some(Project::slug("harbour"));
        app.panes.search.project.clone_from(&app.env.project);
    });
}

// ── several hubs ────────────────────────────────────────────────────────────────────────────────────────────────────

/// Three hubs; what `ash` and `elm` tell is told.
fn fleet(app: &mut App) {
    let seats = [
        ("ash", "http://ash.example.org:7420"),
        ("elm", "http://elm.example.org:7420"),
        ("oak", "http://10.0.0.7:7420"),
    ];
    app.env.fleet = Fleet::new(seats.map(|(name, place)| Seat::new(name, place)).into());
    for (at, memories, head) in [(0, 4_354, 40), (1, 128, 40), (2, 77_012, 41)] {
        let status = Status { decisions: Some(memories / 20), head: cursor(head), ..status(memories) };
        let effects = tell(app, Msg::Link(At(at), Link::Up { owned: false, status: Box::new(status) }));
        answer_fleet(app, effects, &[]);
        // Each a little after the one before.
        let later = |sequence: u64| {
            let mut event = (*event(sequence)).clone();
            let span = std::time::Duration::from_millis(u64::from(at) * 6_150);
            (event.time, event.recorded_at) = (event.time.plus(span), event.recorded_at.plus(span));
            Arc::new(event)
        };
        let items = (1..=40).filter(|n| n % 3 != 2 || at == 0).map(|n| Item::Event(later(n))).collect();
        let page = Stretch { items, next: None, reached: None, head: cursor(40) };
        let effects = tell(app, Msg::Link(At(at), Link::Begin(page)));
        answer_stats(app, effects);
    }
}

/// What every hub answers but those that are silent, until nothing more is asked: of the notes each has some of its own.
fn answer_fleet(app: &mut App, effects: Vec<Effect>, silent: &[At]) {
    let mut asked = effects;
    while !asked.is_empty() {
        let turn = app.env.fleet.turn();
        let answers: Vec<_> = asked
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Ask(ask) => Some((app.env.fleet.chosen(), ask)),
                Effect::AskEach(AskEach::Of { at, ask }) => Some((at, *ask)),
                _ => None,
            })
            .filter(|(at, _)| !silent.contains(at))
            .filter_map(|(at, ask)| Some((at, of_fleet(at, ask)?)))
            .collect();
        let answers = answers.into_iter().map(|(at, answer)| Msg::OfHub { at, turn, answer });
        asked = answers.flat_map(|answer| tell(app, answer)).collect();
    }
}

fn of_fleet(at: At, ask: Ask) -> Option<Answer> {
    let own = |n: &usize| n % 3 == usize::from(at.0);
    Some(match ask {
        Ask::Recent { generation, .. } => {
            let memories = (0..NOTES.len()).filter(own).map(memory).collect();
            Answer::Recent { generation, result: Ok(MemoryPage { memories, next: None }) }
        }
        Ask::Search { generation, .. } => {
            let score = [9.1, 0.8, 3.2][usize::from(at.0)];
            let results: Vec<_> = (0..NOTES.len())
                .filter(own)
                .map(|n| Hit { score: score / (n as f32 + 1.0), ..hit(n) })
                .collect();
            let total = results.len() * (usize::from(at.0) + 9);
            let answer = SearchAnswer { results, total, took_ms: 2.1, ..SearchAnswer::default() };
            Answer::Search { generation, result: Ok(answer) }
        }
        Ask::Memory { id: wanted } => {
            let n = (0..NOTES.len()).find(|n| id(*n as u8 + 1) == wanted)?;
            Answer::Memory { id: wanted, result: Ok(Box::new(memory(n))) }
        }
        _ => return None,
    })
}

/// How each does, when it is asked.
fn sound(app: &mut App, effects: Vec<Effect>) {
    for effect in effects {
        let Effect::AskEach(AskEach::Sound { at }) = effect else { continue };
        let seat = app.env.fleet.get(at).unwrap();
        let sounding = Sounding {
            round_trip: std::time::Duration::from_micros([420, 12_600, 148_000][usize::from(at.0)]),
            status: Box::new(seat.hub.status.clone().unwrap()),
            health: [Some(Overall::Healthy), Some(Overall::Degraded), None][usize::from(at.0)],
        };
        tell(app, Msg::Answer(Answer::Sounded { at, result: Ok(sounding) }));
    }
}

fn hubs(app: &mut App) {
    press(app, "9");
    let effects = tell(app, Msg::Tick);
    sound(app, effects);
}

#[test]
fn hubs_all_live() {
    check("hubs_all_live", |app| {
        fleet(app);
        hubs(app);
    });
}

#[test]
fn hubs_one_retried_and_one_denied() {
    check("hubs_one_retried_and_one_denied", |app| {
        fleet(app);
        let fault = Fault::unavailable("no hub answers at http://elm.example.org:7420");
        tell(app, Msg::Link(At(1), Link::Down { fault, retry_at: ago(-15_000) }));
        let fault =
            Fault::new(Code::Denied, "this key is revoked").hint("`wheelhouse key create` makes another");
        tell(app, Msg::Link(At(2), Link::Down { fault, retry_at: ago(-21_000) }));
        hubs(app);
        press(app, "j");
        // The toasts are gone.
        app.update(Time::from_unix_ms(now().unix_ms() + 12_000), Msg::Tick);
    });
}

#[test]
fn hubs_alone() {
    check("hubs_alone", |app| {
        live(app);
        hubs(app);
    });
}

#[test]
fn fleet_deck() {
    check("fleet_deck", fleet);
}

#[test]
fn fleet_search() {
    check("fleet_search", |app| {
        fleet(app);
        let mut effects = press(app, "s");
        effects.extend(type_text(app, "deploy lock"));
        answer_fleet(app, effects, &[]);
        let effects = press(app, "Esc Down Enter");
        answer_fleet(app, effects, &[]);
    });
}

#[test]
fn fleet_search_without_one() {
    check("fleet_search_without_one", |app| {
        fleet(app);
        let fault = Fault::unavailable("no hub answers at http://elm.example.org:7420");
        tell(app, Msg::Link(At(1), Link::Down { fault, retry_at: ago(-15_000) }));
        let mut effects = press(app, "s");
        effects.extend(type_text(app, "deploy lock"));
        answer_fleet(app, effects, &[At(2)]);
        // The third is not waited for, and the toast is gone.
        let later = Time::from_unix_ms(now().unix_ms() + 12_000);
        let effects = app.update(later, Msg::Tick);
        answer_fleet(app, effects, &[At(2)]);
        press(app, "Esc");
    });
}

#[test]
fn fleet_timeline() {
    check("fleet_timeline", |app| {
        fleet(app);
        let since = Time::from_unix_ms(now().unix_ms() - 34_000);
        tell(app, Msg::Link(At(1), Link::Stale { since }));
        timeline(app);
        press(app, "z Up Up Enter");
        app.update(Time::from_unix_ms(now().unix_ms() + 12_000), Msg::Tick);
    });
}

#[test]
fn fleet_of_which_one_is_shown() {
    check("fleet_of_which_one_is_shown", |app| {
        fleet(app);
        hubs(app);
        let effects = press(app, "j Enter");
        answer_fleet(app, effects, &[]);
        press(app, "4");
        app.update(Time::from_unix_ms(now().unix_ms() + 12_000), Msg::Tick);
    });
}
