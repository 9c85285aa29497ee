//! Rate and errors over the span that is seen: counts in buckets of one length, the past's from the hub, the present's
//! as it arrives.
//!
//! Invariant: an event is counted once. A hub counts up to a number, the feed from the one after it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{Stand, Timeline};
use crate::{
    console::{
        effect::AskEach,
        model::At,
        scene::{Out, Scene},
        text,
        theme::Role,
    },
    door::{BUCKETS_MAX, EventBucket, EventQuery, EventStats},
    model::{Event, EventFilter, Fault, Sequence, Severity, Time},
};

/// Divided by what fits: see [`COLUMNS`].
const BUCKETS: usize = 60;
/// Columns that a chart can have: so that each is as many buckets as the others.
const COLUMNS: [usize; 8] = [60, 30, 20, 15, 12, 10, 6, 5];
/// Spans that a person knows, in seconds.
const SPANS_S: [i64; 16] = [
    60,
    5 * 60,
    10 * 60,
    30 * 60,
    3_600,
    3 * 3_600,
    6 * 3_600,
    12 * 3_600,
    DAY_S,
    2 * DAY_S,
    7 * DAY_S,
    30 * DAY_S,
    90 * DAY_S,
    365 * DAY_S,
    5 * 365 * DAY_S,
    50 * 365 * DAY_S,
];
const DAY_S: i64 = 86_400;
/// The chart spans this many times what the rows span: what is seen, and what it stands out from.
const AROUND: i64 = 4;
/// Events that may have to be read for a chart; one that would read more is not drawn.
const READ_MAX: i64 = 500_000;

const _: () = assert!(BUCKETS <= BUCKETS_MAX);

#[derive(Debug, Default)]
pub struct Chart {
    /// Of a bucket; 0 while nothing is aimed at.
    width_ms: i64,
    /// The number of the first bucket: its time by its width.
    first: i64,
    buckets: VecDeque<EventBucket>,
    /// Events of a hub after this are counted as they arrive.
    counted_to: BTreeMap<At, Sequence>,
    /// A hub that did not count.
    without: Option<At>,
    /// The question that is on its way.
    asked: Option<Asked>,
    /// Something was recorded after the last bucket.
    outgrown: bool,
    /// What is seen lies too far apart to count all between it.
    too_wide: bool,
    generation: u64,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    generation: u64,
    /// The number of the first bucket that is asked for.
    first: i64,
    /// Not another chart was begun since.
    wanted: bool,
}

/// What a chart is to show.
struct Aim {
    width_ms: i64,
    first: i64,
}

enum Wanted {
    AsItIs,
    What(Aim),
    /// Counting would read more than a chart is worth.
    TooMuch,
}

impl Chart {
    /// What it counted is of no more use.
    pub fn forget(&mut self) {
        self.width_ms = 0;
        self.too_wide = false;
        self.fault = None;
        self.buckets.clear();
        if let Some(asked) = &mut self.asked {
            asked.wanted = false;
        }
    }

    /// What was asked of a hub that is gone is answered by nobody.
    pub fn begin_anew(&mut self) {
        self.forget();
        self.asked = None;
    }

    fn number(&self, time: Time) -> i64 {
        time.unix_ms().div_euclid(self.width_ms)
    }

    /// An event that arrived. While the view follows, the chart goes on with it.
    pub fn count(&mut self, at: At, event: &Event, following: bool) {
        let counted = self.counted_to.get(&at).is_some_and(|counted| event.sequence <= *counted);
        if self.width_ms == 0 || counted {
            return;
        }
        let number = self.number(event.recorded_at);
        let last = self.first + BUCKETS as i64 - 1;
        if number > last && !following {
            self.outgrown = true;
            return;
        }
        if number > last {
            self.roll(number - last);
        }
        if let Some(bucket) =
            usize::try_from(number - self.first).ok().and_then(|at| self.buckets.get_mut(at))
        {
            bucket.events += 1;
            bucket.errors += u64::from(event.severity >= Severity::Error);
        }
    }

    fn roll(&mut self, buckets: i64) {
        for _ in 0..buckets.min(BUCKETS as i64) {
            self.buckets.pop_front();
            self.buckets.push_back(EventBucket::default());
        }
        self.first += buckets;
    }

    fn begin(&mut self, aim: Aim, counted_to: BTreeMap<At, Sequence>) {
        self.width_ms = aim.width_ms;
        self.first = aim.first;
        self.buckets = vec![EventBucket::default(); BUCKETS].into();
        self.counted_to = counted_to;
        self.outgrown = false;
        self.too_wide = false;
        self.fault = None;
        self.without = None;
    }

    /// The hub's counts, which began with the bucket of this number.
    fn add(&mut self, first: i64, counted: &[EventBucket]) {
        for (number, counted) in (first..).zip(counted) {
            let at = usize::try_from(number - self.first).ok();
            if let Some(bucket) = at.and_then(|at| self.buckets.get_mut(at)) {
                bucket.events += counted.events;
                bucket.errors += counted.errors;
            }
        }
    }

    /// Whether a span of this length is still well shown.
    fn suits(&self, span_ms: i64) -> bool {
        let shown = self.width_ms * BUCKETS as i64;
        span_ms * 2 <= shown * 3 && (shown == SPANS_S[0] * 1_000 || span_ms * 12 >= shown)
    }

    fn covers(&self, from: Time, to: Time) -> bool {
        self.number(from) >= self.first && self.number(to) < self.first + BUCKETS as i64
    }

    /// The buckets up to this one, oldest first.
    fn up_to(&self, last: i64) -> Vec<EventBucket> {
        let from = last + 1 - BUCKETS as i64;
        let at = |number: i64| usize::try_from(number - self.first).ok().and_then(|at| self.buckets.get(at));
        (from..=last).map(|number| at(number).copied().unwrap_or_default()).collect()
    }
}

/// The shortest known span that holds this, by its bucket.
fn width_for(span_ms: i64) -> i64 {
    let span = SPANS_S.iter().map(|s| s * 1_000).find(|known| *known >= span_ms);
    span.unwrap_or(SPANS_S[SPANS_S.len() - 1] * 1_000) / BUCKETS as i64
}

/// Whether the sidecars of the log can tell without reading: by subject and severity alone.
fn is_cheap(filter: &EventFilter) -> bool {
    let bare = EventFilter {
        patterns: filter.patterns.clone(),
        projects: filter.projects.clone(),
        severity: filter.severity,
        ..EventFilter::default()
    };
    *filter == bare && *filter != EventFilter::default()
}

impl Timeline {
    /// Asks for counts when the chart no longer shows what the list does.
    pub(super) fn aim_chart(&mut self, now: Time, out: &mut Out) {
        // One question at a time, and the list's first.
        if self.is_paging() || self.chart.asked.is_some() {
            return;
        }
        let aim = match self.wanted(now) {
            Wanted::What(aim) => aim,
            Wanted::TooMuch => {
                self.chart.forget();
                self.chart.too_wide = true;
                return;
            }
            Wanted::AsItIs => return,
        };
        let seen: BTreeMap<At, Sequence> = self.history.seen().filter(|(at, _)| self.is_of(*at)).collect();
        let span = |number: i64| Some(Time::from_unix_ms(number * aim.width_ms));
        let query = |at: At, seen: Sequence| EventQuery {
            filter: self.filter.clone(),
            before: self.history.place(at, seen.next()),
            recorded_since: span(aim.first),
            recorded_until: span(aim.first + BUCKETS as i64),
            buckets: BUCKETS,
            ..EventQuery::default()
        };
        let queries: Vec<_> = seen.iter().map(|(at, seen)| (*at, query(*at, *seen))).collect();
        if queries.is_empty() {
            return;
        }
        self.chart.generation += 1;
        let generation = self.chart.generation;
        self.chart.asked = Some(Asked { generation, first: aim.first, wanted: true });
        self.chart.begin(aim, seen);
        out.ask_each(AskEach::EventStats { generation, queries });
    }

    /// What the chart should show, where that is not what it shows.
    fn wanted(&self, now: Time) -> Wanted {
        let mut seen = self.visible().filter_map(|(_, row)| row.item.event());
        let Some(first) = seen.next() else { return Wanted::AsItIs };
        let last = seen.last().unwrap_or(first);
        let following = self.stand == Stand::Following;
        let (from, to) =
            (first.recorded_at, if following { now.max(last.recorded_at) } else { last.recorded_at });
        let span_ms = (to.unix_ms() - from.unix_ms()).max(1).saturating_mul(AROUND);
        let known = self.chart.width_ms > 0;
        let shown = match following {
            true => !self.chart.outgrown,
            false => known && self.chart.covers(from, to),
        };
        if known && shown && self.chart.suits(span_ms) {
            return Wanted::AsItIs;
        }
        let read = self.spanned();
        if !is_cheap(&self.filter) && read.saturating_mul(AROUND) > READ_MAX {
            return Wanted::TooMuch;
        }
        let width_ms = width_for(span_ms);
        let number = |time: Time| time.unix_ms().div_euclid(width_ms);
        // What is seen stands in the middle, as far as there is anything after it.
        let last = match following {
            true => number(to),
            false => (number(to) + BUCKETS as i64 / 3).min(number(now)).max(number(to)),
        };
        Wanted::What(Aim { width_ms, first: last + 1 - BUCKETS as i64 })
    }

    /// Events between those that are seen, of all their hubs.
    fn spanned(&self) -> i64 {
        let mut ends: BTreeMap<At, (u64, u64)> = BTreeMap::new();
        for (_, row) in self.visible().filter(|(_, row)| row.item.event().is_some()) {
            let sequence = row.item.first().0;
            let (first, last) = ends.entry(row.hub).or_insert((sequence, sequence));
            (*first, *last) = ((*first).min(sequence), (*last).max(sequence));
        }
        ends.values().map(|(first, last)| (last - first) as i64).sum()
    }

    pub fn counted(&mut self, generation: u64, answers: Vec<(At, Result<EventStats, Fault>)>) {
        let Some(asked) = self.chart.asked.take_if(|asked| asked.generation == generation) else { return };
        let none = answers.iter().all(|(_, answer)| answer.is_err());
        for (at, answer) in answers {
            match answer {
                Ok(stats) => {
                    self.names.learn_kinds(stats.counts.keys());
                    if asked.wanted {
                        self.chart.add(asked.first, &stats.buckets);
                    }
                }
                Err(fault) if none => self.chart.fault = Some(fault),
                Err(_) => self.chart.without = Some(at),
            }
        }
    }

    /// The chart's line: rate, its span and peak, errors, their number and peak.
    pub(super) fn chart_line(&self, width: usize, scene: &Scene) -> Line<'static> {
        let theme = scene.theme;
        let muted = theme.style(Role::Muted);
        if self.chart.width_ms == 0 || self.chart.fault.is_some() {
            let said = match &self.chart.fault {
                Some(fault) => format!("not counted: {}", text::escape_line(&fault.message)),
                None if self.chart.too_wide => "too many events between these rows to count".to_owned(),
                None => String::new(),
            };
            return Line::styled(text::cut(&said, width).into_owned(), muted);
        }
        let following = self.stand == Stand::Following;
        let last_known = self.chart.first + BUCKETS as i64 - 1;
        let last = if following { last_known.max(self.chart.number(scene.now)) } else { last_known };
        let buckets = self.chart.up_to(last);
        let span = Duration::from_millis((self.chart.width_ms * BUCKETS as i64) as u64);
        let until = match following {
            true => String::new(),
            false => {
                let end = Time::from_unix_ms((last + 1) * self.chart.width_ms).min(scene.now);
                format!(" to {}", minute(end, scene))
            }
        };
        let span = span_words(span);
        if self.chart.asked.is_some_and(|asked| asked.wanted) {
            return Line::styled(text::cut(&format!("counting {span}{until}"), width).into_owned(), muted);
        }
        let drawn = Drawn { chart: &self.chart, buckets: &buckets, span: &span, until: &until, scene };
        let seen = |each| self.seen_columns(last, each);
        // The fullest that fits: the words in full, then fewer, then none.
        let forms = [Words::All, Words::Short, Words::Counts, Words::Span];
        let fitting = forms.into_iter().find_map(|words| {
            COLUMNS.into_iter().find_map(|columns| drawn.line(words, columns, &seen, width))
        });
        let mut line = fitting.unwrap_or_default();
        if let Some(at) = self.chart.without {
            let said = format!("   without {}", text::escape_line(scene.fleet.name(at)));
            if line.width() + text::width(&said) <= width {
                line.push_span(Span::styled(said, theme.style(Role::Warn)));
            }
        }
        line
    }

    /// Which columns hold the rows that are seen, while the view stands still.
    fn seen_columns(&self, last: i64, each: usize) -> std::ops::Range<usize> {
        if self.stand == Stand::Following {
            return 0..BUCKETS;
        }
        let mut seen = self.visible().filter_map(|(_, row)| row.item.event().map(|event| event.recorded_at));
        let Some(from) = seen.next() else { return 0..BUCKETS };
        let to = seen.last().unwrap_or(from);
        let first = last + 1 - BUCKETS as i64;
        let column =
            |time: Time| (self.chart.number(time) - first).clamp(0, BUCKETS as i64 - 1) as usize / each;
        column(from)..column(to) + 1
    }
}

/// How much the chart's line says beside its glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    All,
    /// Without where the span ends and how many errors there were at most.
    Short,
    /// Errors as a number only.
    Counts,
    Span,
}

struct Drawn<'a> {
    chart: &'a Chart,
    buckets: &'a [EventBucket],
    span: &'a str,
    until: &'a str,
    scene: &'a Scene<'a>,
}

impl Drawn<'_> {
    /// The line with so many columns, if it fits.
    fn line(
        &self,
        words: Words,
        columns: usize,
        seen: &dyn Fn(usize) -> std::ops::Range<usize>,
        width: usize,
    ) -> Option<Line<'static>> {
        let theme = self.scene.theme;
        let each = BUCKETS / columns;
        let bucket_ms = self.chart.width_ms as u64 * each as u64;
        let columns = |of: fn(&EventBucket) -> u64| -> Vec<u64> {
            self.buckets.chunks(each).map(|part| part.iter().map(of).sum()).collect()
        };
        let (events, errors) = (columns(|bucket| bucket.events), columns(|bucket| bucket.errors));
        let total: u64 = errors.iter().sum();
        let peak = |counts: &[u64]| rate(counts.iter().copied().max().unwrap_or(0), bucket_ms);
        let until = if words == Words::All { self.until } else { "" };
        let rates = match words {
            Words::Span => format!(" {}", self.span),
            _ if events.iter().all(|count| *count == 0) => format!(" {}{until}, nothing", self.span),
            _ => format!(" {}{until}, peak {}", self.span, peak(&events)),
        };
        let worst = errors.iter().copied().max().unwrap_or(0);
        let faults = match words {
            Words::Span => String::new(),
            Words::Counts if total > 0 => format!("{} {}", theme.glyph(Role::Error), text::compact(total)),
            _ if total == 0 => "no errors".to_owned(),
            Words::All if worst > 1 => {
                format!(" {}, peak {}", text::counted(total, "error", "errors"), peak(&errors))
            }
            _ => format!(" {}", text::counted(total, "error", "errors")),
        };
        let two = total > 0 && matches!(words, Words::All | Words::Short);
        // A chart of a few columns says less than the words it takes the place of.
        let least = if words == Words::Span { 1 } else { 10 };
        let taken = events.len() * (1 + usize::from(two)) + text::width(&rates) + 3 + text::width(&faults);
        if taken > width || events.len() < least {
            return None;
        }
        let mut spans = glyphs(&events, seen(each), Role::Chart, self.scene);
        spans.push(Span::styled(format!("{rates}   "), theme.style(Role::Muted)));
        if two {
            spans.extend(glyphs(&errors, seen(each), Role::ChartError, self.scene));
        }
        let role = if total > 0 { Role::Error } else { Role::Muted };
        spans.push(Span::styled(faults, theme.style(role)));
        Some(Line::from(spans))
    }
}

/// A glyph a column, as high as its count by the highest; what is seen is bright.
fn glyphs(counts: &[u64], seen: std::ops::Range<usize>, role: Role, scene: &Scene) -> Vec<Span<'static>> {
    let bars = scene.theme.bars();
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let style =
        |at: usize| -> Style { scene.theme.style(if seen.contains(&at) { role } else { Role::Muted }) };
    let mut spans: Vec<(Style, String)> = Vec::new();
    for (at, count) in counts.iter().enumerate() {
        let height = (count * (bars.len() as u64 - 1)).div_ceil(highest) as usize;
        // The ground line: a column in which nothing happened is still a column.
        let glyph = if height == 0 { bars[1] } else { bars[height] };
        let style = if height == 0 { scene.theme.style(Role::Rule) } else { style(at) };
        match spans.last_mut() {
            Some((last, text)) if *last == style => text.push_str(glyph),
            _ => spans.push((style, glyph.to_owned())),
        }
    }
    spans.into_iter().map(|(style, text)| Span::styled(text, style)).collect()
}

/// As a person says it: `31/s`, or `3 in 20 s` where that would be less than one.
fn rate(count: u64, within_ms: u64) -> String {
    let rate = count as f64 * 1e3 / within_ms as f64;
    match rate {
        rate if rate < 0.95 => {
            format!("{} in {}", text::compact(count), span_words(Duration::from_millis(within_ms)))
        }
        rate if rate < 9.95 && (rate - rate.round()).abs() > 0.05 => format!("{rate:.1}/s"),
        rate => format!("{}/s", text::compact(rate.round() as u64)),
    }
}

fn span_words(span: Duration) -> String {
    let seconds = span.as_secs() as i64;
    let units = [(365 * DAY_S, "y"), (DAY_S, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    match units.into_iter().find(|(unit, _)| seconds >= *unit && seconds % unit == 0) {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => text::span(span),
    }
}

/// The minute, and the day where it is not today.
fn minute(time: Time, scene: &Scene) -> String {
    let (at, now) = (time.at(scene.zone()), scene.now.at(scene.zone()));
    let form = if at.date_naive() == now.date_naive() { "%H:%M" } else { "%-d %b %H:%M" };
    at.format(form).to_string()
}
