//! The console's frame and its way from a key to paint, at 200x60, beside a bare ratatui loop.
//!
//! The terminal is a counter of bytes: what is measured is this program, not an emulator.

use std::{
    cell::Cell,
    hint::black_box,
    io::{self, Write},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{
    Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect, text::Line,
    widgets::Paragraph,
};
use wheelhouse::{
    console::{
        app::{App, Start},
        effect::{Ask, Effect},
        keymap::{Keymap, Shipped},
        model::{At, Fleet, Item, Stretch},
        msg::{Answer, Link, Msg},
        panes::log::LogPlace,
        scene::TimeForm,
        state::State,
        term::Painter,
        theme::{Choice, Depth, Looks, Mode, Themes},
    },
    door::{MemoryPage, Status, ViewName, ViewState, ViewStatus, Writes},
    model::{Actor, Cursor, Event, Id, LogId, Memory, Sequence, Severity, Time},
};

const SIZE: (u16, u16) = (200, 60);
const ROUNDS: usize = 2_000;
const NOW: i64 = 1_795_000_000_000;

/// Counts what would go to the terminal.
#[derive(Clone, Default)]
struct Counted(Rc<Cell<usize>>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A loop as one would write it with ratatui and crossterm alone.
fn bare() -> Terminal<CrosstermBackend<Counted>> {
    let viewport = Viewport::Fixed(Rect::new(0, 0, SIZE.0, SIZE.1));
    let backend = CrosstermBackend::new(Counted::default());
    Terminal::with_options(backend, TerminalOptions { viewport }).unwrap()
}

/// What the console paints with.
fn screen() -> (Painter<Counted>, Counted) {
    let counted = Counted::default();
    (Painter::new(counted.clone(), SIZE.into(), false).unwrap(), counted)
}

fn cursor(sequence: u64) -> Cursor {
    Cursor {
        log: LogId("5f0e8a1c-0000-4000-8000-000000000001".parse().unwrap()),
        epoch: 1,
        sequence: Sequence(sequence),
    }
}

fn memory(n: usize) -> Memory {
    let at = Time::from_unix_ms(NOW - n as i64 * 60_000);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
    serde_json::from_value(serde_json::json!({
        "id": Id::from_bytes(bytes), "created_at": at, "updated_at": at, "revision": 1, "type": "howto",
        "title": format!("What number {n} is about"), "project": "harbour",
        "content": "Some sentences that say what happened and what to do about it, of the usual length.",
    }))
    .unwrap()
}

fn event(sequence: u64) -> Arc<Event> {
    let data = serde_json::json!({ "title": format!("What number {sequence} is about") });
    Arc::new(Event {
        id: Id::NIL,
        kind: "memory.saved".into(),
        subject: "harbour.memory.saved".parse().unwrap(),
        time: Time::from_unix_ms(NOW + sequence as i64),
        sequence: Sequence(sequence),
        recorded_at: Time::from_unix_ms(NOW + sequence as i64),
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::Info,
        sampled_rate: None,
        data: data.as_object().unwrap().clone(),
    })
}

/// A console with this many rows behind its list and a full mirror of events.
fn app(rows: usize) -> App {
    let start = Start {
        now: Time::from_unix_ms(NOW),
        zones: wheelhouse::model::Zones::UTC,
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
        given: wheelhouse::console::preferences::Given::default(),
        state: State::default(),
        log: LogPlace { data_dir: Some("/data".into()), level: "info".into() },
    };
    let mut app = App::new(start, SIZE.0, SIZE.1);
    let view = |name| ViewStatus { name, state: ViewState::Ready };
    let at = Time::from_unix_ms(NOW);
    let status = Box::new(Status {
        hub: "h".into(),
        version: "0".into(),
        pid: 1,
        data_dir: "/data".into(),
        socket: None,
        listeners: vec![],
        started_at: at,
        time: at,
        head: cursor(10_000),
        writes: Writes::Open,
        views: ViewName::ALL.map(view).to_vec(),
        memories: Some(rows as u64),
        forgotten: Some(0),
        decisions: None,
        cleaning: None,
        attached: 0,
        caches: vec![],
        disk: None,
    });
    let effects = tell(&mut app, Msg::Link(At(0), Link::Up { owned: true, status }));
    let items = (1..=10_000).map(|sequence| Item::Event(event(sequence))).collect();
    let stretch = Stretch { items, next: Some(Sequence(1)), reached: None, head: cursor(10_000) };
    tell(&mut app, Msg::Link(At(0), Link::Begin(stretch)));
    for effect in effects {
        if let Effect::Ask(Ask::Recent { generation, .. }) = effect {
            let page = MemoryPage { memories: (0..rows).map(memory).collect(), next: None };
            tell(&mut app, Msg::Answer(Answer::Recent { generation, result: Ok(page) }));
        }
    }
    app
}

fn tell(app: &mut App, msg: Msg) -> Vec<Effect> {
    app.update(Time::from_unix_ms(NOW), msg)
}

fn press(app: &mut App, code: KeyCode) {
    black_box(tell(app, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE))));
}

struct Spread(Vec<Duration>);

impl Spread {
    fn of(rounds: usize, mut round: impl FnMut(usize)) -> Spread {
        let mut took: Vec<_> = (0..rounds)
            .map(|n| {
                let start = Instant::now();
                round(n);
                start.elapsed()
            })
            .collect();
        took.sort_unstable();
        Spread(took)
    }

    fn at(&self, part: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3
    }
}

fn report(what: &str, spread: &Spread) {
    println!(
        "{what:<58} p50 {:>7.3} ms   p95 {:>7.3} ms   max {:>7.3} ms",
        spread.at(0.5),
        spread.at(0.95),
        spread.at(1.0)
    );
}

pub fn run() {
    println!("console at {}x{}, {ROUNDS} rounds", SIZE.0, SIZE.1);
    frames();
    bytes();
    for rows in [1_000, 1_000_000] {
        keys(rows, 0);
    }
    keys(1_000, 5_000);
}

fn frames() {
    let bare_lines: Vec<Line> =
        (0..SIZE.1).map(|n| Line::raw(format!("{n:>4} {}", "a row of text ".repeat(13)))).collect();
    let mut bare = bare();
    let spread = Spread::of(ROUNDS, |_| {
        bare.draw(|frame| frame.render_widget(Paragraph::new(bare_lines.clone()), frame.area())).unwrap();
    });
    report("frame, bare ratatui paragraph (diff: nothing)", &spread);

    let app = app(1_000);
    let (mut terminal, _) = screen();
    let spread = Spread::of(ROUNDS, |_| {
        terminal.draw(|frame| app.view(frame)).unwrap();
    });
    report("frame, deck (diff: nothing)", &spread);

    let area = Rect::new(0, 0, SIZE.0, SIZE.1);
    let spread = Spread::of(ROUNDS, |_| {
        bare.resize(area).unwrap();
        bare.draw(|frame| frame.render_widget(Paragraph::new(bare_lines.clone()), frame.area())).unwrap();
    });
    report("full repaint, bare ratatui paragraph", &spread);
    let spread = Spread::of(ROUNDS, |_| {
        terminal.resize(SIZE.into()).unwrap();
        terminal.draw(|frame| app.view(frame)).unwrap();
    });
    report("full repaint, deck", &spread);
    let spread = Spread::of(ROUNDS, |_| {
        bare.resize(area).unwrap();
        bare.draw(|frame| app.view(frame)).unwrap();
    });
    report("full repaint, deck, worded by crossterm", &spread);
}

fn bytes() {
    let mut app = app(1_000);
    let (mut terminal, counted) = screen();
    let mut cost = |app: &mut App, code| {
        terminal.draw(|frame| app.view(frame)).unwrap();
        let before = counted.0.get();
        press(app, code);
        terminal.draw(|frame| app.view(frame)).unwrap();
        counted.0.get() - before
    };
    cost(&mut app, KeyCode::Down);
    println!("bytes, cursor down in the list:    {:>6}", cost(&mut app, KeyCode::Down));
    for _ in 0..40 {
        cost(&mut app, KeyCode::Down);
    }
    println!("bytes, list scrolls by one row:    {:>6}", cost(&mut app, KeyCode::Down));
    cost(&mut app, KeyCode::Char('4'));
    cost(&mut app, KeyCode::Up);
    println!("bytes, cursor up in the Timeline:  {:>6}", cost(&mut app, KeyCode::Up));
    for _ in 0..60 {
        cost(&mut app, KeyCode::Up);
    }
    println!("bytes, Timeline scrolls by one:    {:>6}", cost(&mut app, KeyCode::Up));
}

/// A key, `update`, and its frame; meanwhile the hub tells events at this rate, in the batches they come in.
fn keys(rows: usize, events_per_s: usize) {
    let mut app = app(rows);
    let (mut terminal, _) = screen();
    terminal.draw(|frame| app.view(frame)).unwrap();
    let mut head = 10_000;
    // Keys come 100 a second here; the batch is what arrived between two of them.
    let batch = events_per_s as u64 / 100;
    let spread = Spread::of(ROUNDS, |n| {
        if batch > 0 {
            let events = (head + 1..=head + batch).map(event).collect();
            head += batch;
            tell(&mut app, Msg::Link(At(0), Link::Events(events)));
        }
        press(&mut app, if n / 500 % 2 == 0 { KeyCode::Down } else { KeyCode::Up });
        terminal.draw(|frame| app.view(frame)).unwrap();
    });
    report(&format!("key to painted, {rows} rows, {events_per_s} events/s"), &spread);
}
