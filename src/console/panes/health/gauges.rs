//! Health in a few lines: a gauge for each part, and what tells how it goes.

use ratatui::text::{Line, Span};

use super::{Health, role};
use crate::{
    console::{
        scene::Scene,
        text,
        theme::Role,
        widgets::spark::{marked, peaks},
    },
    door::{BreakerWord, Component, Health as Found, TrendPoint},
};

/// Columns of a sparkline at most.
const SPARK: usize = 16;
/// Columns between two of them.
const AIR: usize = 2;

impl Health {
    /// As many lines as there are, each of so many columns.
    pub(super) fn gauges(
        &self,
        found: &Found,
        width: usize,
        focused: bool,
        scene: &Scene,
    ) -> Vec<Line<'static>> {
        let chosen = self.list.selected().filter(|_| focused);
        let parts = found.components.iter().enumerate();
        let parts = parts.map(|(at, (name, component))| gauge(name, component, chosen == Some(at), scene));
        let mut lines = flow(parts.collect(), width);
        lines.push(self.speed(found, "search", |p| p.search_p50, |p| p.search_p99, width, scene));
        lines.push(self.speed(found, "commit", |p| p.commit_p50, |p| p.commit_p99, width, scene));
        lines.push(self.rates(width, scene));
        lines.extend(flow(self.counts(found, scene), width));
        lines
    }

    fn speed(
        &self,
        found: &Found,
        name: &str,
        p50: fn(&TrendPoint) -> Option<f32>,
        p99: fn(&TrendPoint) -> Option<f32>,
        width: usize,
        scene: &Scene,
    ) -> Line<'static> {
        let theme = scene.theme;
        let mut spans = vec![Span::styled(text::pad(name, 8), theme.style(Role::Muted))];
        let Some(took) = found.latencies.get(name).filter(|took| took.count > 0) else {
            spans.push(Span::styled("none yet", theme.style(Role::Placeholder)));
            return Line::from(spans);
        };
        // Each says `P50 ▁▂▃ 1.1 ms`: words and air take 15.
        let columns = (width.saturating_sub(8) / 2).saturating_sub(15).min(SPARK);
        for (word, value, of) in [("P50", took.p50, p50), ("P99", took.p99, p99)] {
            spans.push(Span::styled(format!("{word} "), theme.style(Role::Muted)));
            spans.extend(self.sparks(columns, |point| of(point).map(f64::from), Role::Chart, scene));
            spans.push(Span::styled(format!(" {}  ", text::pad(&ms(value), 8)), theme.style(Role::Text)));
        }
        if width >= 8 + 2 * (columns + 15) + 13 {
            spans.push(Span::styled("P95 ", theme.style(Role::Muted)));
            spans.push(Span::styled(ms(took.p95), theme.style(Role::Text)));
        }
        Line::from(spans)
    }

    fn rates(&self, width: usize, scene: &Scene) -> Line<'static> {
        let theme = scene.theme;
        let last = self.trends.points.last();
        let columns = (width.saturating_sub(8) / 2).saturating_sub(15).min(SPARK);
        let value = |of: fn(&TrendPoint) -> f32| last.map_or("–".to_owned(), |point| per_s(of(point)));
        let mut spans = vec![Span::styled(text::pad("events", 12), theme.style(Role::Muted))];
        spans.extend(self.sparks(columns, |point| Some(f64::from(point.events_per_s)), Role::Chart, scene));
        spans.push(Span::styled(
            format!(" {}  ", text::pad(&value(|p| p.events_per_s), 8)),
            theme.style(Role::Text),
        ));
        spans.push(Span::styled("err ", theme.style(Role::Muted)));
        spans.extend(self.sparks(
            columns,
            |point| Some(f64::from(point.errors_per_s)),
            Role::ChartError,
            scene,
        ));
        spans.push(Span::styled(format!(" {}", value(|p| p.errors_per_s)), theme.style(Role::Text)));
        Line::from(spans)
    }

    fn sparks(
        &self,
        columns: usize,
        of: impl Fn(&TrendPoint) -> Option<f64>,
        role: Role,
        scene: &Scene,
    ) -> Vec<Span<'static>> {
        let values: Vec<_> = self.trends.points.iter().map(of).collect();
        let peaks = peaks(&values, columns);
        let mut spans = marked(&peaks, None, role, scene);
        spans.insert(0, Span::raw(" ".repeat(columns.saturating_sub(peaks.len()))));
        spans
    }

    fn counts(&self, found: &Found, scene: &Scene) -> Vec<Vec<Span<'static>>> {
        let fact = |name: &str, value: String| said(name, value, Role::Text, scene);
        let mut facts = Vec::new();
        if let Some(share) = cached(found) {
            facts.push(fact("cache", format!("{:.0} %", share * 100.0)));
        }
        let open = found.breakers.iter().filter(|breaker| breaker.state != BreakerWord::Closed).count();
        facts.push(match (found.breakers.len(), open) {
            (0, _) => fact("breakers", "none".to_owned()),
            (_, 0) => fact("breakers", "closed".to_owned()),
            (_, n) => said("breakers", format!("{n} open"), Role::Warn, scene),
        });
        if let Some(disk) = &found.disk {
            facts.push(fact("free", text::bytes(disk.free_bytes)));
            facts.push(fact("data", text::bytes(disk.data_bytes)));
        }
        facts.push(fact("memory", text::bytes(found.memory_bytes)));
        facts.push(fact("queue", text::count(u64::from(found.queue_depth))));
        facts.push(fact("attached", text::count(u64::from(found.connections))));
        if let Some(p99) = self.frames.quantile(0.99) {
            facts.push(fact("frame P99", ms(p99)));
        }
        facts
    }
}

/// `● log 0.4 ms`: where it is not up, what there is to say in the place of how long it took.
fn gauge(name: &str, component: &Component, chosen: bool, scene: &Scene) -> Vec<Span<'static>> {
    let theme = scene.theme;
    let role = role(component.status);
    let value = match component.status {
        crate::door::Condition::Up => ms(component.latency_ms),
        status => status.word().to_owned(),
    };
    let mut spans = vec![
        Span::styled(format!("{} ", theme.glyph(role)), theme.style(role)),
        Span::styled(text::escape_line(name).into_owned(), theme.style(Role::Strong)),
        Span::styled(format!(" {value}"), theme.style(Role::Muted)),
    ];
    if chosen {
        spans = spans.into_iter().map(|span| span.patch_style(theme.style(Role::Selection))).collect();
    }
    spans
}

fn said(name: &str, value: String, role: Role, scene: &Scene) -> Vec<Span<'static>> {
    vec![
        Span::styled(format!("{name} "), scene.theme.style(Role::Muted)),
        Span::styled(value, scene.theme.style(role)),
    ]
}

/// One behind another, whole, in as many lines as they need.
fn flow(parts: Vec<Vec<Span<'static>>>, width: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for part in parts {
        let taken: usize = part.iter().map(Span::width).sum();
        match lines.last_mut().filter(|line| line.width() + AIR + taken <= width) {
            Some(line) => {
                line.spans.push(Span::raw(" ".repeat(AIR)));
                line.spans.extend(part);
            }
            None => lines.push(Line::from(part)),
        }
    }
    lines
}

/// Of what was looked for in the caches, what was there.
pub fn cached(found: &Found) -> Option<f64> {
    let (hits, misses) =
        found.caches.iter().fold((0, 0), |(hits, misses), cache| (hits + cache.hits, misses + cache.misses));
    (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64)
}

/// `0.04 ms`, `1.1 ms`, `93 ms`, `1.2 s`
pub fn ms(ms: f64) -> String {
    match ms {
        ms if ms < 0.1 => format!("{ms:.2} ms"),
        ms => text::span(std::time::Duration::from_secs_f64((ms / 1e3).clamp(0.0, 1e9))),
    }
}

pub fn per_s(rate: f32) -> String {
    match rate {
        0.0 => "0/s".to_owned(),
        rate if rate < 9.95 => format!("{rate:.1}/s"),
        rate => format!("{}/s", text::compact(rate.round() as u64)),
    }
}
