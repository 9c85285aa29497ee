//! The anchor: what is on screen stays where it is. And what each step asks of the hub.

use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend};

use super::*;
use crate::{
    console::{
        effect::{AskEach, Effect, Toward},
        keymap::Keymap,
        model::{Fleet, Seat, Shows},
        scene::TimeForm,
        theme::{Depth, Mode as ThemeMode, Theme},
    },
    door::{EventQuery, EventStats, Order},
    model::{Actor, Cursor, Id, LogId, Severity, Time},
};

const A: At = At(0);
const B: At = At(1);

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
        sampled_rate: None,
        data: serde_json::Map::new(),
    })
}

fn last(bench: &Bench) -> Option<u64> {
    bench.timeline.feed().rows().next_back().map(|row| row.item.last().0)
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
    fleet: Fleet,
    theme: Theme,
    keymap: Keymap,
    timeline: Timeline,
    out: Out,
}

impl Bench {
    fn scene(fleet: &Fleet, theme: &Theme, keymap: &Keymap, f: impl FnOnce(&Scene)) {
        f(&Scene {
            now: Time::from_unix_ms(NOW),
            zones: crate::model::Zones::UTC,
            form: TimeForm::Relative,
            motion: crate::config::Motion::Full,
            hub: fleet.hub(),
            fleet,
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
        timeline.begin(A, stretch(items, next, head), &mut Out::default());
        let theme = Theme::for_mode(ThemeMode::Dark, Depth::True, false);
        Bench { fleet: Fleet::default(), theme, keymap: Keymap::default(), timeline, out: Out::default() }
    }

    fn arrive(&mut self, range: std::ops::Range<u64>) {
        let Bench { fleet, theme, keymap, timeline, .. } = self;
        Bench::scene(fleet, theme, keymap, |scene| timeline.arrived(A, events(range), scene));
    }

    fn filter(&mut self, text: &str) {
        let Bench { fleet, theme, keymap, timeline, out } = self;
        timeline.filter_text.set(text);
        Bench::scene(fleet, theme, keymap, |scene| timeline.set_filter(scene, out));
    }

    fn go_to(&mut self, moment: &str) {
        let Bench { fleet, theme, keymap, timeline, out } = self;
        timeline.begin_moment();
        timeline.line().unwrap().set(moment);
        Bench::scene(fleet, theme, keymap, |scene| timeline.accept(scene, out));
    }

    fn back(&mut self) -> bool {
        let Bench { fleet, theme, keymap, timeline, out } = self;
        let mut went = false;
        Bench::scene(fleet, theme, keymap, |scene| went = timeline.back(scene, out));
        went
    }

    /// What was asked for since the last time this was asked.
    fn asked(&mut self) -> Vec<(u64, Page, EventQuery)> {
        let effects = std::mem::take(&mut self.out.effects);
        let asked = effects.into_iter().filter_map(|effect| match effect {
            Effect::AskEach(AskEach::Events { generation, page, queries }) => {
                Some((generation, page, queries.into_iter().next().unwrap().1))
            }
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
        self.timeline.paged(*generation, *page, vec![(A, Ok(stretch))], now, &mut self.out);
    }

    fn selected(&self) -> Option<u64> {
        self.timeline.selected().map(|event| event.sequence.0)
    }

    fn seen(&self) -> Vec<u64> {
        self.timeline.visible().map(|(_, row)| row.item.first().0).collect()
    }

    fn toasts(&mut self) -> Vec<String> {
        self.out.toasts.drain(..).map(|toast| toast.text).collect()
    }

    fn drawn(&mut self) -> Vec<String> {
        let Bench { fleet, theme, keymap, timeline, .. } = self;
        let area = timeline.area;
        let mut terminal = Terminal::new(TestBackend::new(area.width, area.height)).unwrap();
        Bench::scene(fleet, theme, keymap, |scene| {
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
    bench.timeline.gap(A, Sequence(110), Sequence(119), "damaged".into());
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
    assert_eq!(last(&bench), Some(204));
    let numbers: Vec<_> = bench.timeline.feed().rows().map(|row| row.item.first().0).collect();
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
    assert_eq!((bench.timeline.new, last(&bench)), (5, Some(349)));

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
            Effect::AskEach(AskEach::EventStats { generation, queries }) => {
                Some((generation, queries.into_iter().next().unwrap().1))
            }
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
    bench.timeline.counted(generation, vec![(A, Ok(stats))]);
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

// ── two hubs ────────────────────────────────────────────────────────────────────────────────────────────────────────

/// Two hubs whose sequences are the seconds of their events, the second's half a second later.
fn two(range: std::ops::Range<u64>) -> Bench {
    let mut bench = Bench::new(range.clone());
    bench.fleet = Fleet::new(vec![Seat::new("ash", "http://ash"), Seat::new("elm", "http://elm")]);
    let items = of_b(range.clone()).into_iter().map(Item::Event).collect();
    let next = (range.start > 1).then_some(range.start);
    bench.timeline.begin(B, stretch(items, next, range.end - 1), &mut bench.out);
    bench
}

fn of_b(range: std::ops::Range<u64>) -> Vec<Arc<Event>> {
    let later = |event: Arc<Event>| {
        let recorded_at = event.recorded_at.plus(std::time::Duration::from_millis(500));
        Arc::new(Event { recorded_at, ..(*event).clone() })
    };
    events(range).into_iter().map(later).collect()
}

fn b_page(range: std::ops::Range<u64>, next: Option<u64>) -> Stretch {
    stretch(of_b(range).into_iter().map(Item::Event).collect(), next, 10_000)
}

impl Bench {
    fn b_arrives(&mut self, range: std::ops::Range<u64>) {
        let Bench { fleet, theme, keymap, timeline, .. } = self;
        Bench::scene(fleet, theme, keymap, |scene| timeline.arrived(B, of_b(range), scene));
    }

    fn both(&self) -> Vec<(u16, u64)> {
        self.timeline.visible().map(|(_, row)| (row.hub.0, row.item.first().0)).collect()
    }

    /// The one question on its way, with what it asks of each hub.
    #[track_caller]
    fn asked_of(&mut self) -> (u64, Page, Vec<(At, EventQuery)>) {
        let mut asked = std::mem::take(&mut self.out.effects).into_iter().filter_map(|effect| match effect {
            Effect::AskEach(AskEach::Events { generation, page, queries }) => {
                Some((generation, page, queries))
            }
            _ => None,
        });
        let first = asked.next().expect("something is asked");
        assert_eq!(asked.next(), None);
        first
    }

    fn answered(&mut self, generation: u64, page: Page, answers: Vec<(At, Result<Stretch, Fault>)>) {
        self.timeline.paged(generation, page, answers, Time::from_unix_ms(NOW), &mut self.out);
    }
}

#[test]
fn what_happens_at_two_hubs_is_one_stream_and_late_events_move_nothing() {
    let mut bench = two(100..200);
    assert_eq!(bench.both()[6..], [(0, 198), (1, 198), (0, 199), (1, 199)]);
    let drawn = bench.drawn();
    assert!(drawn[10].ends_with("ash #0000") && drawn[11].contains("elm #0000"), "{drawn:?}");

    // One is away for a while; the view is held meanwhile.
    bench.arrive(200..240);
    bench.timeline.step(Step::Up, &mut bench.out);
    let seen = bench.both();
    assert_eq!(seen.last(), Some(&(0, 239)));
    bench.b_arrives(200..220);
    assert_eq!((bench.both(), bench.timeline.new), (seen, 20), "they stand above");
    bench.timeline.to_latest(&mut bench.out);
    bench.b_arrives(220..241);
    assert_eq!(bench.both()[8..], [(1, 239), (1, 240)]);
    let all: Vec<_> = bench.timeline.feed().rows().map(|row| (row.hub, row.item.first().0)).collect();
    for (hub, to) in [(A, 240), (B, 241)] {
        let own: Vec<_> = all.iter().filter(|row| row.0 == hub).map(|row| row.1).collect();
        assert_eq!(own, (100..to).collect::<Vec<_>>());
    }
}

#[test]
fn each_hub_is_asked_for_its_page_and_no_hole_is_shown() {
    let mut bench = two(300..400);
    bench.timeline.step(Step::First, &mut bench.out);
    let (generation, page_asked, queries) = bench.asked_of();
    let befores: Vec<_> = queries.iter().map(|(at, query)| (*at, query.before)).collect();
    assert_eq!(befores, [(A, Some(cursor(300))), (B, Some(cursor(300)))]);
    // The first is busy: its page reaches back less far than the other's.
    bench.answered(
        generation,
        page_asked,
        vec![(A, Ok(page(250..300, Some(250)))), (B, Ok(b_page(100..300, Some(100))))],
    );
    bench.timeline.step(Step::First, &mut bench.out);
    assert_eq!(bench.both()[..2], [(0, 250), (1, 250)]);
    let (_, _, queries) = bench.asked_of();
    let befores: Vec<_> = queries.iter().map(|(at, query)| (*at, query.before)).collect();
    assert_eq!(befores, [(A, Some(cursor(250))), (B, Some(cursor(250)))]);
}

#[test]
fn a_hub_that_fails_takes_nothing_from_the_others_and_is_read_when_it_is_back() {
    let mut bench = two(300..400);
    bench.timeline.step(Step::First, &mut bench.out);
    let (generation, asked, _) = bench.asked_of();
    let fault = Err(Fault::unavailable("the hub is not there"));
    bench.answered(generation, asked, vec![(A, Ok(page(100..300, Some(100)))), (B, fault)]);
    let drawn = bench.timeline.fault.clone().map(|(at, fault)| (at, fault.message));
    assert_eq!(drawn, Some((B, "the hub is not there".into())));
    bench.timeline.step(Step::PageUp, &mut bench.out);
    assert_eq!(bench.both()[0], (0, 291));
    // It comes back: what it lacks is asked for, and joins what is seen.
    bench.out.effects.clear();
    bench.timeline.hub_is_there(B, &mut bench.out);
    let (generation, asked, queries) = bench.asked_of();
    assert_eq!((queries.len(), queries[0].0, queries[0].1.before), (1, B, Some(cursor(300))));
    bench.answered(generation, asked, vec![(B, Ok(b_page(100..300, Some(100))))]);
    assert_eq!(bench.timeline.fault, None);
    assert_eq!(bench.both()[..3], [(0, 291), (1, 291), (0, 292)]);
}

#[test]
fn an_error_is_gone_to_only_when_no_other_hub_can_have_a_nearer_one() {
    let mut bench = two(501..510);
    bench.timeline.step_error(Toward::Past, &mut bench.out);
    let (generation, asked, queries) = bench.asked_of();
    assert_eq!((asked, queries.len()), (Page::Error(Toward::Past), 2));
    // The first found one; the second has looked less far back.
    let looked = Stretch { reached: Some(Time::from_unix_ms(450_000)), ..b_page(0..0, Some(450)) };
    bench.answered(generation, asked, vec![(A, Ok(page(420..421, Some(420)))), (B, Ok(looked))]);
    let (generation, asked, queries) = bench.asked_of();
    assert_eq!((queries[0].1.before, queries[1].1.before), (Some(cursor(501)), Some(cursor(450))));
    bench.answered(
        generation,
        asked,
        vec![(A, Ok(page(420..421, Some(420)))), (B, Ok(b_page(430..431, Some(430))))],
    );
    // The second's is nearer; around it each is read from that moment on.
    let (generation, asked, queries) = bench.asked_of();
    assert_eq!((asked, queries[1].1.after), (Page::At, Some(cursor(429))));
    assert_eq!(queries[0].1.recorded_since, Some(Time::from_unix_ms(430_500)));
    bench.answered(
        generation,
        asked,
        vec![(A, Ok(page(431..631, Some(630)))), (B, Ok(b_page(430..630, Some(629))))],
    );
    assert_eq!(bench.timeline.selected_mark().map(|mark| (mark.hub, mark.sequence.0)), Some((B, 430)));
}

#[test]
fn one_hub_alone_is_shown_by_its_name_or_by_choice() {
    let mut bench = two(100..200);
    bench.filter("hub:elm");
    let (generation, asked, queries) = bench.asked_of();
    assert_eq!((asked, queries.len(), queries[0].0), (Page::Newest, 1, B));
    assert!(bench.both().iter().all(|row| row.0 == 1));
    bench.answered(generation, asked, vec![(B, Ok(b_page(100..200, None)))]);
    bench.arrive(200..205);
    bench.b_arrives(200..202);
    assert_eq!(bench.both()[7..], [(1, 199), (1, 200), (1, 201)]);
    assert!(bench.drawn()[1].starts_with("hub elm"), "{:?}", bench.drawn()[1]);
    bench.filter("");
    bench.out.effects.clear();
    bench.fleet.choose(A, Shows::Only);
    bench.filter("");
    assert_eq!(bench.asked_of().2.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [A]);
}

#[test]
fn a_hub_that_comes_late_joins_the_view_that_is_held() {
    let mut bench = Bench::new(1_000..1_400);
    bench.fleet = Fleet::new(vec![Seat::new("ash", "http://ash"), Seat::new("elm", "http://elm")]);
    for _ in 0..8 {
        bench.timeline.step(Step::PageUp, &mut bench.out);
    }
    let seen = bench.seen();
    bench.out.effects.clear();
    // It has no events between these rows.
    bench.timeline.begin(B, b_page(1_395..1_400, Some(1_395)), &mut bench.out);
    assert_eq!(bench.seen(), seen);
    let (generation, asked, queries) = bench.asked_of();
    assert_eq!((queries.len(), queries[0].0, queries[0].1.before), (1, B, Some(cursor(1_395))));
    bench.answered(generation, asked, vec![(B, Ok(b_page(1_380..1_381, None)))]);
    assert_eq!((bench.seen(), bench.asked()), (seen, vec![]));
}

#[test]
fn a_correlation_is_looked_for_at_every_hub() {
    let mut bench = two(100..200);
    bench.timeline.toggle_trace(&mut bench.out);
    let asked: Vec<_> = std::mem::take(&mut bench.out.effects)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::AskEach(AskEach::Events { generation, page, queries }) => {
                Some((generation, page, queries))
            }
            _ => None,
        })
        .collect();
    let [past, present] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((past.1, past.2.len(), present.2.len()), (Page::Trace(Toward::Past), 2, 2));
    // What was selected is the second's last.
    assert_eq!((past.2[1].1.before, past.2[0].1.before), (Some(cursor(199)), None));
    bench.answered(past.0, past.1, vec![(A, Ok(page(198..200, None))), (B, Ok(b_page(198..199, None)))]);
    assert_eq!(bench.timeline.trace().unwrap().len(), 4);
    assert_eq!(bench.timeline.selected_mark().map(|mark| mark.hub), Some(B));
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
                        bench.timeline.gap(A, Sequence(next), Sequence(next + n), "cleaned".into());
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
                    let oldest = bench.timeline.feed().rows().next().unwrap().item.first().0;
                    let from = oldest.saturating_sub(n).max(1);
                    let lost = if n % 2 == 0 { from..oldest } else { from + (oldest - from) / 2..oldest };
                    let mut items: Vec<Item> = events(from..lost.start).into_iter().map(Item::Event).collect();
                    if lost.start < lost.end {
                        items.push(gap(lost.start, lost.end - 1, lost.end - lost.start));
                    }
                    let lines = bench.seen();
                    bench.timeline.ask(Page::Before, &mut bench.out);
                    // Nothing is before the first.
                    let Some(asked) = bench.asked().pop() else { continue };
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
