//! The anchor: what is on screen stays where it is. And what each step asks of the hub.

use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend};

use super::*;
use crate::{
    console::{
        effect::{Ask, Effect, Toward},
        keymap::Keymap,
        model::Hub,
        scene::TimeForm,
        theme::{Depth, Mode as ThemeMode, Theme},
    },
    door::{EventQuery, EventStats, Order},
    model::{Actor, Cursor, Id, LogId, Severity, Time},
};

/// An hour after 1970, so that a sequence is its second.
const NOW: i64 = 3_600_000;

fn event(sequence: u64, severity: Severity) -> Arc<Event> {
    let time = Time::from_unix_ms(sequence as i64 * 1_000);
    Arc::new(Event {
        id: Id::NIL,
        kind: "memory.saved".into(),
        subject: "_.memory.saved".parse().unwrap(),
        time,
        sequence: Sequence(sequence),
        recorded_at: time,
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity,
        data: serde_json::Map::new(),
    })
}

/// Every tenth is an error.
fn events(range: std::ops::Range<u64>) -> Vec<Arc<Event>> {
    range.map(|n| event(n, if n.is_multiple_of(10) { Severity::Error } else { Severity::Info })).collect()
}

fn cursor(sequence: u64) -> Cursor {
    Cursor { log: LogId(uuid::Uuid::nil()), epoch: 1, sequence: Sequence(sequence) }
}

fn gap(from: u64, to: u64, missing: u64) -> Item {
    Item::Gap(EventGap { from: Sequence(from), to: Sequence(to), missing, reason: "cleaned".into() })
}

fn stretch(items: Vec<Item>, next: Option<u64>, head: u64) -> Stretch {
    Stretch { items, next: next.map(Sequence), reached: None, head: cursor(head) }
}

fn page(range: std::ops::Range<u64>, next: Option<u64>) -> Stretch {
    stretch(events(range).into_iter().map(Item::Event).collect(), next, 10_000)
}

/// A Timeline and what it may read.
struct Bench {
    hub: Hub,
    theme: Theme,
    keymap: Keymap,
    timeline: Timeline,
    out: Out,
}

impl Bench {
    fn scene(hub: &Hub, theme: &Theme, keymap: &Keymap, f: impl FnOnce(&Scene)) {
        f(&Scene {
            now: Time::from_unix_ms(NOW),
            zones: crate::model::Zones::UTC,
            form: TimeForm::Relative,
            motion: crate::config::Motion::Full,
            hub,
            theme,
            keymap,
            import: None,
        });
    }

    /// Twelve lines: ten of the pane, of which the chart has one.
    fn new(range: std::ops::Range<u64>) -> Bench {
        let mut timeline = Timeline::default();
        timeline.arrange(Rect::new(0, 0, 80, 13));
        let next = (range.start > 1).then_some(range.start);
        let head = range.end - 1;
        let items = events(range).into_iter().map(Item::Event).collect();
        timeline.begin(stretch(items, next, head), &mut Out::default());
        let theme = Theme::for_mode(ThemeMode::Dark, Depth::True, false);
        Bench { hub: Hub::default(), theme, keymap: Keymap::default(), timeline, out: Out::default() }
    }

    fn arrive(&mut self, range: std::ops::Range<u64>) {
        let Bench { hub, theme, keymap, timeline, .. } = self;
        Bench::scene(hub, theme, keymap, |scene| timeline.arrived(events(range), scene));
    }

    fn filter(&mut self, text: &str) {
        let Bench { hub, theme, keymap, timeline, out } = self;
        timeline.filter_text.set(text);
        Bench::scene(hub, theme, keymap, |scene| timeline.set_filter(scene, out));
    }

    fn go_to(&mut self, moment: &str) {
        let Bench { hub, theme, keymap, timeline, out } = self;
        timeline.begin_moment();
        timeline.line().unwrap().set(moment);
        Bench::scene(hub, theme, keymap, |scene| timeline.accept(scene, out));
    }

    fn back(&mut self) -> bool {
        let Bench { hub, theme, keymap, timeline, out } = self;
        let mut went = false;
        Bench::scene(hub, theme, keymap, |scene| went = timeline.back(scene, out));
        went
    }

    /// What was asked for since the last time this was asked.
    fn asked(&mut self) -> Vec<(u64, Page, EventQuery)> {
        let effects = std::mem::take(&mut self.out.effects);
        let asked = effects.into_iter().filter_map(|effect| match effect {
            Effect::Ask(Ask::Events { generation, page, query }) => Some((generation, page, query)),
            _ => None,
        });
        asked.collect()
    }

    #[track_caller]
    fn one_asked(&mut self) -> (u64, Page, EventQuery) {
        let mut asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked.remove(0)
    }

    fn answer(&mut self, (generation, page, _): &(u64, Page, EventQuery), stretch: Stretch) {
        let now = Time::from_unix_ms(NOW);
        self.timeline.paged(*generation, *page, Ok(stretch), now, &mut self.out);
    }

    fn selected(&self) -> Option<u64> {
        self.timeline.selected().map(|event| event.sequence.0)
    }

    fn seen(&self) -> Vec<u64> {
        self.timeline.visible().map(|(_, item)| item.first().0).collect()
    }

    fn toasts(&mut self) -> Vec<String> {
        self.out.toasts.drain(..).map(|toast| toast.text).collect()
    }

    fn drawn(&mut self) -> Vec<String> {
        let Bench { hub, theme, keymap, timeline, .. } = self;
        let area = timeline.area;
        let mut terminal = Terminal::new(TestBackend::new(area.width, area.height)).unwrap();
        Bench::scene(hub, theme, keymap, |scene| {
            timeline.arrange(area);
            timeline.lay_out(scene);
            terminal.draw(|frame| timeline.view(frame, true, scene)).unwrap();
        });
        let buffer = terminal.backend().buffer();
        let line = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..area.height).map(|y| line(y).trim().to_owned()).collect()
    }
}

#[test]
fn it_follows_until_it_is_scrolled_up() {
    let mut bench = Bench::new(100..200);
    assert_eq!(bench.seen(), (190..200).collect::<Vec<_>>());
    bench.arrive(200..203);
    assert_eq!((bench.seen(), bench.timeline.new), ((193..203).collect(), 0));

    bench.timeline.step(Step::Up, &mut bench.out);
    assert_eq!(bench.timeline.stand, Stand::Held);
    bench.arrive(203..210);
    assert_eq!((bench.seen(), bench.timeline.new), ((193..203).collect(), 7));
    assert_eq!(bench.selected(), Some(201));

    bench.timeline.to_latest(&mut bench.out);
    assert_eq!((bench.seen(), bench.timeline.new), ((200..210).collect(), 0));
}

#[test]
fn a_page_from_disk_moves_nothing() {
    let mut bench = Bench::new(300..400);
    bench.timeline.step(Step::First, &mut bench.out);
    assert_eq!(bench.seen(), (300..310).collect::<Vec<_>>());
    let asked = bench.one_asked();
    assert_eq!((asked.1, asked.2.before), (Page::Before, Some(cursor(300))));
    bench.answer(&asked, page(100..300, Some(100)));
    assert_eq!(bench.seen(), (300..310).collect::<Vec<_>>());
    bench.timeline.step(Step::Up, &mut bench.out);
    assert_eq!(bench.seen(), (299..309).collect::<Vec<_>>());
}

#[test]
fn what_is_missing_is_a_row_that_says_why() {
    let mut bench = Bench::new(300..400);
    bench.timeline.step(Step::First, &mut bench.out);
    let asked = bench.one_asked();
    let items = vec![gap(1, 280, 280), Item::Event(event(281, Severity::Info)), gap(282, 299, 5)];
    bench.answer(&asked, stretch(items, None, 399));
    bench.timeline.step(Step::PageUp, &mut bench.out);
    let drawn = bench.drawn().join("\n");
    assert!(drawn.contains("── events 1–280 are not to be had: cleaned ───"), "{drawn}");
    assert!(drawn.contains("── 5 of events 282–299 are not to be had: cleaned ──"), "{drawn}");
    assert_eq!(bench.asked(), [], "the past is over");
    bench.timeline.step(Step::First, &mut bench.out);
    assert_eq!(bench.selected(), None);
    bench.timeline.open();
    assert!(!bench.timeline.open, "there is nothing to open in a gap");
}

#[test]
fn a_gap_that_arrives_is_a_row_too() {
    let mut bench = Bench::new(100..110);
    bench.timeline.gap(Sequence(110), Sequence(119), "damaged".into());
    bench.arrive(120..122);
    assert_eq!(bench.seen()[7..], [110, 120, 121]);
    assert!(bench.drawn().join("\n").contains("events 110–119 are not to be had: damaged"));
}

#[test]
fn a_filter_goes_on_by_itself_where_a_page_found_nothing() {
    let mut bench = Bench::new(900..1_000);
    bench.filter("lock");
    let newest = bench.one_asked();
    assert_eq!((newest.1, newest.2.filter.text.as_deref()), (Page::Newest, Some("lock")));
    bench.answer(&newest, Stretch { reached: Some(Time::from_unix_ms(800_000)), ..page(0..0, Some(800)) });
    let older = bench.one_asked();
    assert_eq!((older.1, older.2.before), (Page::Before, Some(cursor(800))));

    // What takes long says how far it is, and Esc stops it where it is.
    bench.timeline.history.tick(Time::from_unix_ms(NOW - 400));
    let drawn = bench.drawn().join("\n");
    assert!(drawn.contains("searching back… 00:13:20.000 so far"), "{drawn}");
    assert!(bench.back());
    assert_eq!(
        (bench.toasts(), bench.timeline.is_paging()),
        (vec!["stopped looking at 00:13:20.000".into()], false)
    );
    bench.answer(&older, page(700..800, Some(700)));
    assert!(bench.timeline.feed().is_empty(), "what was stopped comes too late");

    bench.timeline.wheel(Step::Up, &mut bench.out);
    let again = bench.one_asked();
    assert_eq!(again.2.before, Some(cursor(800)), "it goes on from there");
    bench.answer(&again, page(10..11, None));
    assert_eq!((bench.seen(), bench.asked()), (vec![10], vec![]));
}

#[test]
fn what_arrives_while_a_page_is_on_its_way_is_not_lost() {
    let mut bench = Bench::new(100..200);
    bench.filter("saved");
    let newest = bench.one_asked();
    bench.arrive(200..205);
    bench.answer(&newest, Stretch { head: cursor(201), ..page(150..202, Some(150)) });
    assert_eq!(bench.timeline.feed().newest(), Some(Sequence(204)));
    let numbers: Vec<_> = bench.timeline.feed().items().map(|item| item.first().0).collect();
    assert_eq!(numbers, (150..205).collect::<Vec<_>>());
}

#[test]
fn errors_are_stepped_to() {
    let mut bench = Bench::new(100..200);
    bench.timeline.step_error(Toward::Past, &mut bench.out);
    assert_eq!(bench.selected(), Some(190));
    bench.timeline.step_error(Toward::Past, &mut bench.out);
    bench.timeline.step_error(Toward::Present, &mut bench.out);
    assert_eq!(bench.selected(), Some(190));
    bench.timeline.step_error(Toward::Present, &mut bench.out);
    assert_eq!(bench.toasts(), ["no error after this event"]);
}

#[test]
fn an_error_that_is_on_no_page_here_is_asked_for_and_gone_to() {
    let mut bench = Bench::new(501..510);
    bench.timeline.step_error(Toward::Past, &mut bench.out);
    let (generation, asked, query) = bench.one_asked();
    assert_eq!((asked, query.limit, query.before), (Page::Error(Toward::Past), 1, Some(cursor(501))));
    assert_eq!(query.filter.severity, Some(Severity::Error));
    // The first twenty thousand had none: it goes on.
    bench.answer(&(generation, asked, query), page(0..0, Some(400)));
    let next = bench.one_asked();
    assert_eq!((next.1, next.2.before), (asked, Some(cursor(400))));
    bench.answer(&next, page(120..121, Some(120)));
    // Around it, in both directions.
    let at = bench.one_asked();
    assert_eq!((at.1, at.2.after, at.2.order), (Page::At, Some(cursor(119)), Order::Asc));
    assert_eq!(at.2.filter.severity, None, "among all others");
    bench.answer(&at, page(120..320, Some(319)));
    assert_eq!(bench.selected(), Some(120));
    let before = bench.one_asked();
    assert_eq!((before.1, before.2.before), (Page::Before, Some(cursor(120))));
    bench.answer(&before, page(1..120, None));
    assert_eq!(bench.seen(), (117..127).collect::<Vec<_>>(), "a third below the top");

    bench.timeline.step_error(Toward::Past, &mut bench.out);
    assert_eq!(bench.selected(), Some(110));
    bench.timeline.to_latest(&mut bench.out);
    assert_eq!(bench.one_asked().1, Page::Newest);
}

#[test]
fn the_last_error_is_asked_for_past_the_end_of_the_window() {
    let mut bench = Bench::new(501..520);
    bench.go_to("00:02");
    let at = bench.one_asked();
    bench.answer(&at, page(121..125, Some(124)));
    bench.asked();
    bench.timeline.step_error(Toward::Present, &mut bench.out);
    let (_, asked, query) = bench.one_asked();
    assert_eq!(
        (asked, query.after, query.order),
        (Page::Error(Toward::Present), Some(cursor(124)), Order::Asc)
    );
}

#[test]
fn a_moment_is_gone_to_by_when_things_were_recorded() {
    let mut bench = Bench::new(900..1_000);
    bench.go_to("00:02:30");
    let at = bench.one_asked();
    assert_eq!(at.2.recorded_since, Some(Time::from_unix_ms(150_000)));
    assert_eq!((at.1, at.2.order, at.2.after), (Page::At, Order::Asc, None));
    bench.answer(&at, page(150..350, Some(349)));
    assert_eq!((bench.selected(), bench.timeline.stand), (Some(150), Stand::Held));
    let before = bench.one_asked();
    bench.answer(&before, page(50..150, Some(50)));
    assert_eq!(bench.seen(), (147..157).collect::<Vec<_>>());
    bench.arrive(1_000..1_005);
    assert_eq!((bench.timeline.new, bench.timeline.feed().newest()), (5, Some(Sequence(349))));

    bench.go_to("-1s");
    let at = bench.one_asked();
    bench.answer(&at, page(0..0, None));
    assert_eq!(bench.toasts(), ["nothing has happened since then: the newest"]);
    assert_eq!((bench.one_asked().1, bench.timeline.stand), (Page::Newest, Stand::Following));

    bench.go_to("soon");
    assert_eq!(
        (bench.asked(), bench.timeline.typing),
        (vec![], Some(Typing::Moment)),
        "no time is no answer"
    );
}

#[test]
fn the_reading_of_a_moment_is_shown_as_it_is_typed() {
    let mut bench = Bench::new(900..1_000);
    bench.timeline.begin_moment();
    bench.timeline.line().unwrap().set("-15m");
    assert_eq!(bench.drawn()[2], "= Thu 1 Jan 00:45:00, 15 min ago");
    bench.timeline.line().unwrap().set("never");
    assert_eq!(bench.drawn()[2], "✗ no time yet: try 10:32, -2h, yesterday 9am, 2026-10-01");
}

#[test]
fn a_filter_that_goes_leaves_what_was_found_selected() {
    let mut bench = Bench::new(100..200);
    bench.filter("severity:error");
    let newest = bench.one_asked();
    let errors = (10..20).map(|n| Item::Event(event(n * 10, Severity::Error))).collect();
    bench.answer(&newest, stretch(errors, None, 199));
    bench.timeline.step(Step::Up, &mut bench.out);
    assert_eq!(bench.selected(), Some(180));
    assert!(bench.back());
    assert_eq!((bench.selected(), bench.timeline.is_filtered()), (Some(180), false));
    assert!(!bench.back(), "there is nothing more to leave");
}

#[test]
fn a_correlation_is_asked_for_both_ways_until_it_is_whole() {
    let mut bench = Bench::new(100..200);
    bench.timeline.toggle_trace(&mut bench.out);
    let [past, present]: [_; 2] = bench.asked().try_into().unwrap();
    assert_eq!((past.1, past.2.before), (Page::Trace(Toward::Past), Some(cursor(199))));
    assert_eq!((present.1, present.2.after), (Page::Trace(Toward::Present), Some(cursor(199))));
    assert_eq!(past.2.filter.correlation, Some(Id::NIL));
    bench.answer(&past, page(50..52, Some(40)));
    let further = bench.one_asked();
    assert_eq!((further.1, further.2.before), (Page::Trace(Toward::Past), Some(cursor(40))));
    bench.answer(&further, page(0..0, None));
    bench.answer(&present, page(0..0, None));
    bench.arrive(200..201);
    assert_eq!((bench.asked(), bench.timeline.trace().unwrap().len()), (vec![], 4));
    assert_eq!(bench.selected(), Some(199), "what it began with stays selected");
    let drawn = bench.drawn();
    assert!(drawn[1].starts_with("#0000  4 events over 2 min 30 s"), "{drawn:?}");
    assert!(bench.back() && bench.timeline.trace().is_none());
    assert_eq!((bench.timeline.stand, bench.selected()), (Stand::Held, Some(199)));
}

#[test]
fn the_chart_counts_once_what_the_hub_and_the_feed_tell() {
    let mut bench = Bench::new(3_500..3_600);
    let aim = |bench: &mut Bench| {
        bench.timeline.aim_chart(Time::from_unix_ms(NOW), &mut bench.out);
        let effects = std::mem::take(&mut bench.out.effects);
        effects.into_iter().find_map(|effect| match effect {
            Effect::Ask(Ask::EventStats { generation, query }) => Some((generation, query)),
            _ => None,
        })
    };
    let (generation, query) = aim(&mut bench).unwrap();
    // The rows span ten seconds: a minute, to now, of events up to the last one known.
    let span = (query.recorded_since.unwrap(), query.recorded_until.unwrap());
    assert_eq!(span.1.since(span.0).as_secs(), 60);
    assert_eq!((span.1, query.before), (Time::from_unix_ms(NOW + 1_000), Some(cursor(3_600))));
    bench.arrive(3_600..3_601);
    let one = |n: usize| crate::door::EventBucket { events: u64::from(n < 59), errors: u64::from(n == 30) };
    let stats = EventStats { buckets: (0..query.buckets).map(one).collect(), ..EventStats::default() };
    bench.timeline.counted(generation, Ok(stats));
    assert_eq!(aim(&mut bench), None, "it shows what the rows do");
    let drawn = bench.drawn();
    assert!(drawn[1].ends_with("█ 1 min, peak 1/s   ▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁█ 2 errors"), "{}", drawn[1]);

    bench.timeline.arrange(Rect::new(0, 0, 80, 10));
    assert!(bench.timeline.chart_area.is_none(), "a low pane is all list");
    bench.timeline.arrange(Rect::new(0, 0, 80, 13));

    // Looked at elsewhere, it shows there.
    bench.go_to("00:02");
    let at = bench.one_asked();
    bench.answer(&at, page(120..320, Some(319)));
    let before = bench.one_asked();
    bench.answer(&before, page(1..120, None));
    bench.asked();
    let (_, query) = aim(&mut bench).unwrap();
    assert!(query.recorded_since < Some(Time::from_unix_ms(117_000)));
    assert!(query.recorded_until > Some(Time::from_unix_ms(127_000)));
}

#[test]
fn what_is_opened_stays_in_sight_in_the_list_above_it() {
    let mut bench = Bench::new(100..200);
    bench.timeline.arrange(Rect::new(0, 0, 80, 30));
    bench.timeline.step(Step::Up, &mut bench.out);
    bench.timeline.open();
    assert!(bench.seen().len() < 12 && bench.seen().contains(&198), "{:?}", bench.seen());
}

/// Rows behind cost nothing: only those that are seen are built.
#[test]
fn a_full_window_keeps_what_is_looked_at() {
    let max = EVENTS_MAX as u64;
    let mut bench = Bench::new(1_000..1_000 + max);
    bench.timeline.step(Step::First, &mut bench.out);
    bench.timeline.stop();
    let seen = bench.seen();
    bench.arrive(1_000 + max..1_000 + max + 100);
    assert_eq!((bench.seen(), bench.timeline.new), (seen, 100));
    assert!(!bench.timeline.feed().is_live());
}

proptest! {
    #[test]
    fn a_held_view_never_moves_by_itself(steps in prop::collection::vec((0..7u8, 1..60u64), 1..40)) {
        let mut bench = Bench::new(1_000..1_200);
        let mut next = 1_200;
        bench.timeline.step(Step::PageUp, &mut bench.out);
        bench.timeline.step(Step::PageUp, &mut bench.out);
        for (what, n) in steps {
            let (mode, before, selected) = (bench.timeline.stand, bench.seen(), bench.timeline.selected);
            match what {
                0 | 1 => {
                    if what == 1 {
                        bench.timeline.gap(Sequence(next), Sequence(next + n), "cleaned".into());
                        next += n + 1;
                    }
                    bench.arrive(next..next + n);
                    next += n;
                    if mode != Stand::Following {
                        prop_assert_eq!(bench.seen(), before);
                        prop_assert_eq!(bench.timeline.selected, selected);
                    }
                }
                2 => {
                    // A page in which a part is missing, as often as not at its newer end.
                    let oldest = bench.timeline.feed().oldest().unwrap().0;
                    let from = oldest.saturating_sub(n).max(1);
                    let lost = if n % 2 == 0 { from..oldest } else { from + (oldest - from) / 2..oldest };
                    let mut items: Vec<Item> = events(from..lost.start).into_iter().map(Item::Event).collect();
                    if lost.start < lost.end {
                        items.push(gap(lost.start, lost.end - 1, lost.end - lost.start));
                    }
                    let lines = bench.seen();
                    bench.timeline.ask(Page::Before, &mut bench.out);
                    let asked = bench.asked().pop().unwrap();
                    bench.answer(&asked, stretch(items, (from > 1).then_some(from), next));
                    // A gap at the top grows to the past; its row and those below stay.
                    prop_assert_eq!(&bench.seen()[1..], &lines[1..]);
                    prop_assert!(bench.seen()[0] <= lines[0]);
                    prop_assert_eq!(bench.timeline.selected, selected);
                }
                3 => bench.timeline.step(Step::Up, &mut bench.out),
                4 => bench.timeline.step(Step::PageUp, &mut bench.out),
                5 => bench.timeline.step(Step::Down, &mut bench.out),
                _ => bench.timeline.wheel(Step::Up, &mut bench.out),
            }
            prop_assert!(bench.timeline.selected_row().unwrap() < bench.timeline.feed().len());
        }
    }
}
