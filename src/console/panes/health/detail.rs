//! Health with room: the parts in a list, and of the selected one why it is as it is; below, the last hour in charts.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{
    Health,
    gauges::{cached, ms, per_s},
    role,
};
use crate::{
    console::{
        panes::decisions::detail::wrapped,
        scene::Scene,
        text,
        theme::Role,
        widgets::{
            frame::row_as,
            spark::{marked, peaks},
        },
    },
    door::{Component, Health as Found, TrendPoint},
};

/// Columns of a chart's name and of its value.
pub const NAME: usize = 11;
pub const VALUE: usize = 10;
/// The place of the mark among the spans of a row.
const MARK_SPAN: usize = 0;

impl Health {
    pub(super) fn draw_list(
        &self,
        frame: &mut Frame,
        area: Rect,
        found: &Found,
        focused: bool,
        scene: &Scene,
    ) {
        let rows =
            found.components.iter().enumerate().skip(self.list.visible().start).take(area.height as usize);
        let lines: Vec<_> = rows
            .map(|(at, (name, component))| {
                let line = component_line(name, component, area.width as usize, scene);
                let chosen = (self.list.selected() == Some(at)).then_some(focused);
                row_as(line, chosen, (MARK_SPAN, role(component.status)), scene.theme)
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
    }

    pub(super) fn draw_detail(&self, frame: &mut Frame, area: Rect, found: &Found, scene: &Scene) {
        let lines = self.detail_lines(found, area.width as usize, scene);
        let top = self.top.min(lines.len().saturating_sub(area.height as usize));
        let shown: Vec<_> = lines.into_iter().skip(top).take(area.height as usize).collect();
        frame.render_widget(Paragraph::new(shown), area);
    }

    fn detail_lines(&self, found: &Found, width: usize, scene: &Scene) -> Vec<Line<'static>> {
        let theme = scene.theme;
        let width = width.max(1);
        let mut lines = Vec::new();
        if let Some((name, component)) = self.selected() {
            let role = role(component.status);
            lines.push(Line::from(vec![
                Span::styled(format!("{} ", theme.glyph(role)), theme.style(role)),
                Span::styled(text::escape_line(name).into_owned(), theme.style(Role::Heading1)),
                Span::styled(
                    format!("  {} since {}", component.status.word(), scene.when(component.since)),
                    theme.style(Role::Muted),
                ),
            ]));
            if let Some(cause) = &component.cause {
                lines.extend(wrapped(cause, role, width, scene));
            }
            if !component.note.is_empty() {
                lines.extend(wrapped(&component.note, Role::Text, width, scene));
            }
            if let Some(anchor) = &component.runbook {
                lines.extend(wrapped(&format!("runbook: {anchor}"), Role::Muted, width, scene));
            }
            lines.push(Line::default());
            lines.extend(self.charts(name, scene));
        }
        lines.push(Line::styled(theme.lines().0.repeat(width), theme.style(Role::Rule)));
        lines.extend(self.numbers(found, width, scene));
        lines
    }

    /// The last hour, each line as wide as there is room; what is looked at is marked in all of them.
    fn charts(&self, name: &str, scene: &Scene) -> Vec<Line<'static>> {
        let theme = scene.theme;
        let columns = self.chart_columns();
        if self.trends.points.is_empty() {
            return vec![Line::styled(
                "no trends yet: a step takes ten seconds",
                theme.style(Role::Placeholder),
            )];
        }
        let none = Vec::new();
        let latencies = self.trends.latencies_ms.get(name).unwrap_or(&none);
        let of = |value: fn(&TrendPoint) -> Option<f32>| -> Vec<Option<f64>> {
            self.trends.points.iter().map(|point| value(point).map(f64::from)).collect()
        };
        let latencies: Vec<_> = latencies.iter().map(|value| value.map(f64::from)).collect();
        let draw = |name: &str, values: &[Option<f64>], words: fn(f64) -> String, role: Role| {
            self.chart(name, values, columns, words, role, scene)
        };
        let mut lines = vec![
            draw(name, &latencies, ms, Role::Chart),
            draw("search P99", &of(|point| point.search_p99), ms, Role::Chart),
            draw("commit P99", &of(|point| point.commit_p99), ms, Role::Chart),
            draw("events", &of(|point| Some(point.events_per_s)), |rate| per_s(rate as f32), Role::Chart),
            draw(
                "errors",
                &of(|point| Some(point.errors_per_s)),
                |rate| per_s(rate as f32),
                Role::ChartError,
            ),
            draw("searches", &of(|point| Some(point.searches_per_s)), |rate| per_s(rate as f32), Role::Chart),
            draw(
                "cache",
                &of(|point| point.cache_hits),
                |share| format!("{:.0} %", share * 100.0),
                Role::Chart,
            ),
            draw(
                "memory",
                &of(|point| Some(point.memory_bytes as f32)),
                |bytes| text::bytes(bytes as u64),
                Role::Chart,
            ),
            draw(
                "queue",
                &of(|point| Some(point.queue_depth as f32)),
                |n| text::count(n as u64),
                Role::Chart,
            ),
        ];
        lines.push(self.looked_at(columns, scene));
        lines
    }

    /// The value at the end is of the column that is marked, else the newest.
    fn chart(
        &self,
        name: &str,
        values: &[Option<f64>],
        columns: usize,
        words: fn(f64) -> String,
        role: Role,
        scene: &Scene,
    ) -> Line<'static> {
        let theme = scene.theme;
        let values = peaks(values, columns);
        let mark = self.marked_column(columns).filter(|at| *at < values.len());
        let value = match mark {
            Some(at) => values[at],
            None => values.iter().rev().flatten().next().copied(),
        };
        let mut spans =
            vec![Span::styled(text::pad(&text::escape_line(name), NAME), theme.style(Role::Muted))];
        spans.push(Span::raw(" ".repeat(columns.min(self.trends.points.len()).saturating_sub(values.len()))));
        spans.extend(marked(&values, mark, role, scene));
        let said = value.map_or("–".to_owned(), words);
        spans.push(Span::styled(text::pad_left(&said, VALUE), theme.style(Role::Text)));
        Line::from(spans)
    }

    /// Below the charts: from when to when they go, or the moment that is looked at.
    fn looked_at(&self, columns: usize, scene: &Scene) -> Line<'static> {
        let muted = scene.theme.style(Role::Muted);
        let first = self.trends.points.first().map(|point| scene.clock(point.at)).unwrap_or_default();
        let said = match (self.cursor, self.marked.filter(|_| self.marked_column(columns).is_some())) {
            (Some(moment), _) => {
                format!("{} {} the Timeline stands here too", scene.clock(moment), scene.theme.dot())
            }
            (None, Some(moment)) => {
                format!("{} {} where the Timeline stands", scene.clock(moment), scene.theme.dot())
            }
            (None, None) => format!("{first} to now"),
        };
        Line::styled(format!("{}{said}", " ".repeat(NAME)), muted)
    }

    fn numbers(&self, found: &Found, width: usize, scene: &Scene) -> Vec<Line<'static>> {
        let theme = scene.theme;
        let dot = format!(" {} ", theme.dot());
        let mut rows: Vec<(String, String)> = Vec::new();
        for (name, took) in &found.latencies {
            if took.count == 0 {
                rows.push((name.clone(), "none yet".to_owned()));
                continue;
            }
            let said = [("P50", took.p50), ("P95", took.p95), ("P99", took.p99), ("max", took.max)]
                .map(|(word, value)| format!("{word} {}", ms(value)));
            rows.push((name.clone(), format!("{}{dot}{} of them", said.join(&dot), text::count(took.count))));
        }
        if let (Some(p50), Some(p95), Some(p99)) =
            (self.frames.quantile(0.5), self.frames.quantile(0.95), self.frames.quantile(0.99))
        {
            rows.push((
                "frame".into(),
                format!("P50 {}{dot}P95 {}{dot}P99 {}, of this console", ms(p50), ms(p95), ms(p99)),
            ));
        }
        for breaker in &found.breakers {
            let failures = match breaker.failures {
                0 => String::new(),
                n => format!("{dot}{}", text::counted(u64::from(n), "failure", "failures")),
            };
            let probe = breaker.probe_at.map_or(String::new(), |at| format!("{dot}probe {}", scene.slot(at)));
            rows.push((
                "breaker".into(),
                format!("{}: {}{failures}{probe}", breaker.name, breaker.state.word()),
            ));
        }
        for cache in &found.caches {
            let of = cache.hits + cache.misses;
            let share = if of == 0 {
                "not asked yet".to_owned()
            } else {
                format!("{:.0} %", cache.hits as f64 * 100.0 / of as f64)
            };
            rows.push((
                "cache".into(),
                format!("{}: {share}{dot}{} entries", cache.name, text::count(cache.entries)),
            ));
        }
        if let Some(share) = cached(found).filter(|_| found.caches.len() > 1) {
            rows.push(("caches".into(), format!("{:.0} % of all answers", share * 100.0)));
        }
        if let Some(disk) = &found.disk {
            rows.push((
                "disk".into(),
                format!(
                    "{} free of {}{dot}data {}",
                    text::bytes(disk.free_bytes),
                    text::bytes(disk.total_bytes),
                    text::bytes(disk.data_bytes)
                ),
            ));
        }
        rows.push(("memory".into(), text::bytes(found.memory_bytes)));
        rows.push((
            "queue".into(),
            format!(
                "{} commits, {}",
                text::count(u64::from(found.queue_depth)),
                text::bytes(found.queue_bytes)
            ),
        ));
        rows.push(("attached".into(), text::count(u64::from(found.connections))));
        rows.push(("jobs".into(), format!("{} running{dot}{} dead", found.running, found.dead)));
        for (code, count) in &found.errors {
            rows.push(("faults".into(), format!("{code}: {}", text::count(*count))));
        }
        rows.push((
            "hub".into(),
            format!(
                "{} {}{dot}up for {}",
                found.hub,
                found.version,
                text::span(scene.now.since(found.started_at))
            ),
        ));
        let line = |(name, value): (String, String)| {
            let value = text::cut(&text::escape_line(&value), width.saturating_sub(NAME)).into_owned();
            Line::from(vec![
                Span::styled(text::pad(&name, NAME), theme.style(Role::Muted)),
                Span::styled(value, theme.style(Role::Text)),
            ])
        };
        rows.into_iter().map(line).collect()
    }
}

/// `● disk       0.4 ms  41 GB free`
fn component_line(name: &str, component: &Component, width: usize, scene: &Scene) -> Line<'static> {
    let theme = scene.theme;
    let role = role(component.status);
    let said = component.cause.as_ref().unwrap_or(&component.note);
    let said = if said.is_empty() { component.status.word() } else { said };
    let room = width.saturating_sub(2 + 12 + 9 + 3);
    Line::from(vec![
        Span::styled(format!("{} ", theme.glyph(role)), theme.style(role)),
        Span::styled(text::pad(&text::escape_line(name), 12), theme.style(Role::Strong)),
        Span::styled(text::pad_left(&ms(component.latency_ms), 9), theme.style(Role::Text)),
        Span::styled(format!("  {}", text::cut(&text::escape_line(said), room)), theme.style(Role::Muted)),
    ])
}
