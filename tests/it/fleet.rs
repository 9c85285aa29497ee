//! One console on two hubs, one of which cannot be reached for a while: every event of both, once, in each hub's order; and
//! one search for both.

#![expect(clippy::disallowed_methods, reason = "what this starts ends with the test's runtime")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::timeout,
};
use wheelhouse::{
    console::{
        app::{App, Start},
        keymap::{Keymap, Shipped},
        link::{Line, LinkTask},
        model::{At, Fleet, Seat},
        msg::Msg,
        panes::log::LogPlace,
        preferences::Given,
        scene::TimeForm,
        state::State,
        theme::{Choice, Depth, Looks, Mode, Themes},
        work::Work,
    },
    model::{Sequence, Zones},
    tasks::{Clock, Tasks},
};

use crate::{
    harness::{House, Program, note, text},
    reach::Way,
};

const A: At = At(0);
const B: At = At(1);
/// Notes that are saved at each hub, and after how many of them the second is out of reach and back again.
const NOTES: usize = 240;
const AWAY: std::ops::Range<usize> = 60..160;
const PATIENCE: Duration = Duration::from_secs(60);

/// A console without a terminal.
struct Console {
    app: App,
    work: Work,
    clock: Clock,
    messages: mpsc::Receiver<Msg>,
    /// What was told of the second hub's link, in order, each once in a row.
    live: Vec<usize>,
}

impl Console {
    fn on(houses: [&House; 2], ways: [&Way; 2], tasks: &Tasks) -> Console {
        let (send, messages) = mpsc::channel(256);
        let mut lines = Vec::new();
        for (at, (house, way)) in houses.into_iter().zip(ways).enumerate() {
            let (door, current) = watch::channel(None);
            let retry = Arc::new(Notify::new());
            lines.push(Line { door: current, retry: retry.clone() });
            let home = Arc::new(way.home(house));
            let link =
                LinkTask { at: At(at as u16), home, door, send: send.clone(), retry, token: tasks.token() };
            tokio::spawn(link.run());
        }
        let clock = houses[0].clock.clone();
        let dir = houses[0].dir.path().join("console");
        let work = Work::new(lines, clock.clone(), send, (&dir, dir.join("keymap.toml"), &dir), Tasks::new());
        let looks = Looks {
            themes: Themes::default(),
            depth: Depth::True,
            ascii: false,
            terminal: Mode::Dark,
            choice: Choice::Auto,
            is_set: false,
        };
        let start = Start {
            now: clock.now(),
            zones: Zones::UTC,
            form: TimeForm::Relative,
            looks,
            keymap: Keymap::default(),
            keymap_base: Shipped::Default,
            keymap_path: dir.join("keymap.toml"),
            fleet: Fleet::new(vec![Seat::new("a", "a"), Seat::new("b", "b")]),
            mouse: false,
            given: Given::default(),
            state: State::default(),
            log: LogPlace::default(),
        };
        let app = App::new(start, 120, 40);
        Console { app, work, clock, messages, live: vec![0] }
    }

    /// Until this is so; nobody presses a key.
    async fn until(&mut self, what: &str, so: impl Fn(&App) -> bool) {
        let waited = timeout(PATIENCE, async {
            while !so(&self.app) {
                let message = self.messages.recv().await.expect("the links are there");
                for effect in self.app.update(self.clock.now(), message) {
                    self.work.perform(effect);
                }
                let live = self.app.env.fleet.live();
                if self.live.last() != Some(&live) {
                    self.live.push(live);
                }
            }
        });
        let in_time = waited.await.is_ok();
        let held: Vec<_> = held(&self.app).map(|(hub, own)| (hub, own.len())).collect();
        assert!(in_time, "{what}: {held:?}");
    }
}

impl Console {
    fn press(&mut self, keys: &[KeyCode]) {
        for code in keys {
            let key = Msg::Key(KeyEvent::new(*code, KeyModifiers::NONE));
            for effect in self.app.update(self.clock.now(), key) {
                self.work.perform(effect);
            }
        }
    }
}

/// Whose hits Search has, in its order.
fn hits(app: &App) -> Vec<(At, String)> {
    let found = app.panes.search.found.as_ref().filter(|found| found.total.is_some());
    found.map_or(Vec::new(), |found| found.rows.iter().map(|row| (row.at, row.title.clone())).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_search_finds_what_both_hubs_have_and_opens_it_where_it_is() {
    let (a, b) = (House::open().await, House::open().await);
    for n in 1..=2 {
        a.door.add(&a.caller(), note(&format!("anchor of the first, {n}"))).await.unwrap();
    }
    let saved = b.door.add(&b.caller(), note("anchor of the second")).await.unwrap();
    let (to_a, to_b) = (Way::to(a.socket.clone()).await, Way::to(b.socket.clone()).await);
    let tasks = Tasks::new();
    let mut console = Console::on([&a, &b], [&to_a, &to_b], &tasks);
    console.until("both are there", |app| app.env.fleet.live() == 2).await;
    let mut keys = vec![KeyCode::Char('s')];
    keys.extend("anchor".chars().map(KeyCode::Char));
    console.press(&keys);
    console.until("all three are found", |app| hits(app).len() == 3 && !app.panes.search.is_asking()).await;
    let whose: Vec<_> = hits(&console.app).into_iter().map(|(at, _)| at).collect();
    assert_eq!(whose, [A, B, A], "by their places");
    assert_eq!(console.app.panes.search.found.as_ref().unwrap().total, Some(3));

    console.press(&[KeyCode::Esc, KeyCode::Down, KeyCode::Enter]);
    let opened = |app: &App| {
        let detail = app.panes.search.detail.as_ref()?;
        Some((detail.at, detail.shown()?.id))
    };
    console.until("it is opened", |app| opened(app).is_some()).await;
    assert_eq!(opened(&console.app), Some((B, saved.memory.id)));

    // Without the second the first goes on.
    to_b.shut(true);
    console.until("the second is away", |app| app.env.fleet.live() == 1).await;
    console.press(&[KeyCode::Char('s'), KeyCode::Char(' '), KeyCode::Char('f')]);
    let of_first = |app: &App| hits(app).len() == 2 && hits(app).iter().all(|(at, _)| *at == A);
    console.until("the first is searched alone", of_first).await;
    to_b.shut(false);
    console.press(&[KeyCode::Backspace, KeyCode::Backspace]);
    console.until("both are searched again", |app| hits(app).len() == 3).await;
    tasks.end(PATIENCE).await;
}

/// What the Timeline holds of each hub, in the order that it shows.
fn held(app: &App) -> impl Iterator<Item = (At, Vec<u64>)> {
    let mut hubs: BTreeMap<At, Vec<u64>> = BTreeMap::from([(A, Vec::new()), (B, Vec::new())]);
    for row in app.panes.timeline.feed().rows() {
        assert!(row.item.event().is_some(), "a gap: {:?}", row.item);
        hubs.entry(row.hub).or_default().push(row.item.first().0);
    }
    hubs.into_iter()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_comes_and_goes_under_load_is_merged_whole() {
    let (a, b) = (Arc::new(House::open().await), Arc::new(House::open().await));
    let (to_a, to_b) = (Way::to(a.socket.clone()).await, Arc::new(Way::to(b.socket.clone()).await));
    let tasks = Tasks::new();
    let mut console = Console::on([&a, &b], [&to_a, &to_b], &tasks);
    console.until("both are there", |app| app.env.fleet.live() == 2).await;

    let saving = tokio::spawn({
        let (a, b, to_b) = (a.clone(), b.clone(), to_b.clone());
        async move {
            for n in 0..NOTES {
                if n == AWAY.start || n == AWAY.end {
                    to_b.shut(n == AWAY.start);
                }
                for house in [&a, &b] {
                    house.door.add(&house.caller(), note(&format!("note {n}"))).await.unwrap();
                }
            }
        }
    });
    // What the one that is there tells goes on meanwhile.
    console.until("the second is away", |app| app.env.fleet.live() == 1).await;
    console.until("the second is back", |app| app.env.fleet.live() == 2).await;
    // The first goes away too, for a moment.
    to_a.cut();
    saving.await.unwrap();
    let mut heads = BTreeMap::new();
    for (at, house) in [(A, &a), (B, &b)] {
        heads.insert(at, house.door.status().await.unwrap().head.sequence);
    }
    let newest =
        |app: &App, at: At| held(app).find(|(hub, _)| *hub == at).and_then(|(_, own)| own.last().copied());
    let all = |app: &App| heads.iter().all(|(at, head)| newest(app, *at).map(Sequence) >= Some(*head));
    console.until("all is here", all).await;

    for (at, own) in held(&console.app) {
        let head = heads[&at].0;
        assert!(own.len() >= NOTES && own.last() == Some(&head), "{at:?}: {} of {head}", own.len());
        assert!(
            own.windows(2).all(|two| two[1] == two[0] + 1),
            "{at:?}: none missing, none twice, in its order"
        );
    }
    let rows = console.app.panes.timeline.feed();
    assert!(rows.rows().is_sorted_by_key(|row| row.first()));
    assert!(console.live.contains(&1) && console.app.panes.timeline.new == 0, "{:?}", console.live);
    println!(
        "{} events of two hubs, in {} rows; live {:?}",
        heads.values().map(|head| head.0).sum::<u64>(),
        rows.len(),
        console.live
    );
    tasks.end(PATIENCE).await;
}

#[test]
fn several_hubs_are_named_once_each_and_seen_in_the_console() {
    let program = Program::new();
    let fails = |args: &[&str], why: &str| {
        let output = program.command(args).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(why), "{said}");
    };
    fails(&["--plain", "attach"], "there is no hub to attach to");
    fails(&["--plain", "attach", "host-a", "host-b"], "several hubs are seen in the console alone");
    fails(&["--plain", "attach", "host-a", "http://b/path"], "is no address of a hub");
    let output = program
        .command(&["--plain", "attach", "a", "b"])
        .env("WHEELHOUSE_KEY", "wh_live_x")
        .output()
        .unwrap();
    assert!(text(&output.stderr).contains("WHEELHOUSE_KEY opens one hub"), "{}", text(&output.stderr));
    // The same hub twice is one, which is not there: it is said, and tried again until the input ends.
    let output =
        program.command(&["--plain", "attach", "127.0.0.1:1", "http://127.0.0.1:1/"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
}
