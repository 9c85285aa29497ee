//! The Timeline as drawn: a row an event, newest below, and the whole of one beside.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{
    super::search::{scrollbar, view_rule},
    Stand, Timeline, Typing, event, moment,
    trace::{Node, Trace},
};
use crate::{
    console::{
        about::about,
        action::{Action, Place},
        layout::{head, inside},
        model::{At, Item},
        panes::hubs::{HubColumn, NAME_MAX},
        scene::Scene,
        text,
        theme::Role,
        widgets::frame::{input, row_as, underline},
    },
    door::EventGap,
    model::{Event, Projects, Severity},
};

const KIND_WIDTH: usize = 17;
/// Its place among the spans of a row, of the list's and of the tree's.
const KIND_SPAN: usize = 3;
const TREE_KIND_SPAN: usize = 4;
/// A duration in the tree, with air before it: `59 min 59 s`, and with a sign.
const SPAN_WIDTH: usize = 12;
const PROJECT_MAX: usize = 16;
/// Columns from which a row has room for all, and for all but the fraction of a second and the project.
const WIDE: usize = 72;
const NARROW: usize = 56;
const CORRELATION: usize = 4;

impl Timeline {
    /// `searching back… 12:04 so far`, at the lower border, with the key that stops it; or why a page is not to be had.
    pub fn looking(&self, scene: &Scene) -> Option<Span<'static>> {
        // An empty list says it itself.
        let looking = self.looking_and_stop(scene).filter(|_| !self.feed().is_empty());
        let (role, words) = match (looking, &self.fault) {
            (Some(words), _) => (Role::Busy, words),
            (None, fault) => {
                let (at, fault) = fault.as_ref()?;
                let whose = hub_name(*at, scene).map_or(String::new(), |name| format!("{name}: "));
                (Role::Error, format!("history: {whose}{}", fault.message))
            }
        };
        let room = (self.area.width as usize).saturating_sub(6);
        let words = text::cut(&text::escape_line(&words), room).into_owned();
        Some(Span::styled(format!(" {words} "), scene.theme.style(role)))
    }

    fn looking_and_stop(&self, scene: &Scene) -> Option<String> {
        let words = self.looking_words(scene)?;
        let esc = scene.keymap.key_of(Action::Back, &[Place::Timeline, Place::Global]);
        let stops = esc.map_or(String::new(), |key| format!(" {} {key} stops", scene.theme.dot()));
        Some(words + &stops)
    }

    pub fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let inner = inside(self.area);
        let [top, _] = head(inner, self.head_lines());
        if top.height > 0 {
            self.view_head(frame, top, focused, scene);
        }
        if let Some(area) = self.chart_area {
            frame.render_widget(Paragraph::new(self.chart_line(area.width as usize, scene)), area);
        }
        match &self.trace {
            _ if self.split.list.height == 0 => {}
            Some(trace) => self.view_tree(frame, trace, focused && !self.reading, scene),
            None => self.view_rows(frame, focused && !self.reading, scene),
        }
        if let Some((area, rule)) = self.split.rule {
            view_rule(frame, area, rule, scene);
        }
        if let Some(detail) = self.detail.as_ref().filter(|_| self.open) {
            let side = self.split.side;
            let area = Rect { x: side.x + 1.min(side.width), width: event::width(side) as u16, ..side };
            let lines = detail.lines(self.scroll..self.scroll + area.height as usize, scene);
            frame.render_widget(Paragraph::new(lines), area);
        }
        self.view_completions(frame, scene);
    }

    // ── the head ────────────────────────────────────────────────────────────────────────────────────────────────

    fn view_head(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        match (self.typing, &self.trace) {
            (Some(Typing::Filter), _) => self.view_filter(frame, area, focused, scene),
            (Some(Typing::Moment), _) => self.view_moment(frame, area, focused, scene),
            (None, Some(trace)) => self.view_tree_head(frame, area, trace, scene),
            (None, None) => self.view_chips(frame, area, scene),
        }
    }

    fn view_filter(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let theme = scene.theme;
        let [line, below] = head(area, 1);
        let who = if scene.fleet.is_many() { "hub:" } else { "actor:" };
        let placeholder = format!("memory.*  severity:error  since:1h  {who}  project:  words");
        input(frame, line, &self.filter_text, self.ghost(), &placeholder, focused, scene);
        if let Some(fault) = &self.filter_fault {
            let column = |at: usize| 2 + text::width(self.filter_text.text().get(..at).unwrap_or_default());
            // A value that is missing is pointed at where it would stand.
            let columns = column(fault.at.start)..column(fault.at.end).max(column(fault.at.start) + 1);
            underline(frame, line, columns, theme.style(Role::QueryError));
            let said = format!("{} {}", theme.glyph(Role::Error), fault.why);
            let said = text::cut(&said, below.width as usize).into_owned();
            frame.render_widget(Paragraph::new(Line::styled(said, theme.style(Role::Error))), below);
        }
    }

    fn view_moment(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let theme = scene.theme;
        let [line, below] = head(area, 1);
        let placeholder = "10:32   -2h   yesterday 9am   2026-10-01";
        input(frame, line, &self.moment, self.ghost(), placeholder, focused, scene);
        let (said, role) = match self.moment_read(scene) {
            None => ("a time to go to".to_owned(), Role::Muted),
            Some(Ok(time)) => (moment::reading(time, scene), Role::Accent),
            Some(Err(_)) => {
                let said = "no time yet: try 10:32, -2h, yesterday 9am, 2026-10-01";
                (format!("{} {said}", theme.glyph(Role::Error)), Role::Error)
            }
        };
        let said = format!("  {}", text::cut(&said, (below.width as usize).saturating_sub(2)));
        frame.render_widget(Paragraph::new(Line::styled(said, theme.style(role))), below);
    }

    /// What the list is filtered by, how many were found, and how to see all again.
    fn view_chips(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let more = self.feed().has_past() || !self.feed().is_live();
        let found = self.feed().len();
        let mut right = match (found, more) {
            (0, true) => "none found so far".to_owned(),
            (found, more) => format!("{}{} found", text::count(found as u64), if more { "+" } else { "" }),
        };
        let esc = scene.keymap.key_of(Action::Back, &[Place::Timeline, Place::Global]);
        if let Some(esc) = esc.filter(|_| !self.filter_text.is_empty()) {
            right.push_str(&format!(" {} {esc} shows all", theme.dot()));
        }
        let width = area.width as usize;
        let mut room = width.saturating_sub(text::width(&right) + 2);
        let mut spans = Vec::new();
        for (name, value) in self.chips(scene) {
            let cost = text::width(name) + text::width(&value) + 2;
            if cost > room {
                spans.push(Span::styled(theme.ellipsis(), theme.style(Role::Muted)));
                break;
            }
            room -= cost;
            spans.push(Span::styled(name, theme.style(Role::Muted)));
            spans.push(Span::styled(value, theme.style(Role::QueryField)));
            spans.push(Span::raw("  "));
        }
        let left = Line::from(spans);
        let fill = width.saturating_sub(left.width() + text::width(&right));
        frame.render_widget(Paragraph::new(left), area);
        if fill > 0 {
            let at = area.width - text::width(&right) as u16;
            let area = Rect { x: area.x + at, width: area.width - at, ..area };
            frame.render_widget(Paragraph::new(Line::styled(right, theme.style(Role::Muted))), area);
        }
    }

    /// The filter in words: what each part is, and its value.
    fn chips(&self, scene: &Scene) -> Vec<(&'static str, String)> {
        let filter = &self.filter;
        let mut chips: Vec<(&'static str, String)> =
            filter.patterns.iter().map(|pattern| ("", pattern.to_string())).collect();
        if let Some(severity) = filter.severity {
            let worse = if severity == Severity::Error { "" } else { " or worse" };
            chips.push(("", format!("{}{worse}", severity.word())));
        }
        if let Projects::Only(projects) = &filter.projects {
            let names: Vec<_> = projects.iter().filter(|p| !p.is_none()).map(ToString::to_string).collect();
            chips.push(("project ", if names.is_empty() { "none".to_owned() } else { names.join(", ") }));
        }
        let of = self.of.and_then(|at| hub_name(at, scene));
        chips.extend(of.map(|name| ("hub ", text::escape_line(name).into_owned())));
        let actor = filter.actor.as_ref().map(|actor| ("by ", text::escape_line(&actor.0).into_owned()));
        let text = filter.text.as_ref().map(|text| ("", format!("\"{}\"", text::escape_line(text))));
        chips.extend(actor);
        chips.extend(filter.correlation.map(|id| ("correlation ", format!("#{}", id.short(CORRELATION)))));
        chips.extend(filter.since.map(|since| ("since ", scene.at(since))));
        chips.extend(filter.until.map(|until| ("until ", scene.at(until))));
        chips.extend(text);
        chips
    }

    /// The rest of the first completion, as far as it continues what stands before the cursor.
    fn ghost(&self) -> &str {
        let line = match self.typing {
            Some(Typing::Moment) => &self.moment,
            _ => &self.filter_text,
        };
        let first = self.names.first().filter(|_| line.at_end());
        let rest = first.and_then(|first| {
            let typed = line.text().get(first.replace.clone())?;
            first.text.strip_prefix(typed)
        });
        rest.unwrap_or_default()
    }

    /// What else the word could become, under it.
    fn view_completions(&self, frame: &mut Frame, scene: &Scene) {
        let offered = self.names.offered();
        let list = self.split.list;
        if !self.is_typing() || offered.len() < 2 || list.height < 4 {
            return;
        }
        let line = match self.typing {
            Some(Typing::Moment) => &self.moment,
            _ => &self.filter_text,
        };
        let before = line.text().get(..offered[0].replace.start).map_or(0, text::width) as u16;
        let wide = offered.iter().map(|offer| text::width(&offer.text)).max().unwrap_or(0) as u16 + 2;
        let x = (list.x + 1 + before).min(list.right().saturating_sub(wide));
        let area = Rect { x, y: list.y, width: wide, height: offered.len() as u16 }.intersection(list);
        let lines: Vec<_> = offered
            .iter()
            .enumerate()
            .map(|(i, offer)| {
                let role = if i == 0 { Role::Selection } else { Role::Overlay };
                let said = text::pad(&format!(" {}", text::escape_line(&offer.text)), wide as usize);
                Line::styled(said, scene.theme.style(role))
            })
            .collect();
        frame.render_widget(ratatui::widgets::Clear, area);
        frame.render_widget(Paragraph::new(lines).style(scene.theme.style(Role::Overlay)), area);
    }

    // ── the tree ────────────────────────────────────────────────────────────────────────────────────────────────

    fn view_tree_head(&self, frame: &mut Frame, area: Rect, trace: &Trace, scene: &Scene) {
        let theme = scene.theme;
        let [line, below] = head(area, 1);
        let width = area.width as usize;
        let esc = scene.keymap.key_of(Action::Back, &[Place::Timeline, Place::Global]);
        let right = esc.map_or(String::new(), |key| format!("{key} leaves"));
        let name = format!("#{}", trace.correlation.short(CORRELATION));
        let room = width.saturating_sub(text::width(&right) + text::width(&name) + 4);
        let said = text::cut(&trace.words(scene), room).into_owned();
        let left = Line::from(vec![
            Span::styled(name, theme.style(Role::Strong)),
            Span::styled(format!("  {said}"), theme.style(Role::Muted)),
        ]);
        let fill = width.saturating_sub(left.width() + text::width(&right));
        let mut spans = left.spans;
        spans.push(Span::raw(" ".repeat(fill)));
        spans.push(Span::styled(right, theme.style(Role::Muted)));
        frame.render_widget(Paragraph::new(Line::from(spans)), line);
        let list = self.split.list.width as usize;
        let first = if list >= NARROW { "from first" } else { "" };
        let columns = format!(
            "{}{}{}",
            " ".repeat(2 + tree_time_width(list)),
            text::pad_left(first, tree_first_width(list)),
            text::pad_left("after", SPAN_WIDTH),
        );
        let columns = text::cut(&columns, below.width as usize).into_owned();
        frame.render_widget(Paragraph::new(Line::styled(columns, theme.style(Role::Placeholder))), below);
    }

    fn view_tree(&self, frame: &mut Frame, trace: &Trace, focused: bool, scene: &Scene) {
        let area = self.split.list;
        let theme = scene.theme;
        let lines = trace.visible().map(|(selected, node)| {
            let line = tree_line(node, area.width as usize, scene);
            row_as(line, selected.then_some(focused), (TREE_KIND_SPAN, kind_role(&node.event)), theme)
        });
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), area);
        scrollbar(frame, area, self.split.rule, trace.shown(), trace.len(), scene);
    }

    // ── the list ────────────────────────────────────────────────────────────────────────────────────────────────

    fn view_rows(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let area = self.split.list;
        let theme = scene.theme;
        if self.feed().is_empty() {
            let looking = self.looking_and_stop(scene);
            let esc = scene.key(Action::Back, Place::Timeline);
            let esc = esc.map_or(String::new(), |esc| format!(" {esc} shows all."));
            let nothing_like_that = format!("No event is like that.{esc}");
            let said = if let Some(words) = &looking {
                words
            } else if self.is_paging() {
                ""
            } else if self.is_filtered() && self.filter_text.is_empty() {
                if self.of.is_some() { "No event of this hub." } else { "No event of this project." }
            } else if self.is_filtered() {
                &nothing_like_that
            } else if scene.fleet.is_live() {
                "Nothing has happened yet. What changes, here or from any shell, is seen here at once."
            } else {
                ""
            };
            let lines: Vec<_> = text::wrap(said, area.width.max(1) as usize)
                .into_iter()
                .map(|line| Line::styled(line, theme.style(Role::Placeholder)))
                .collect();
            frame.render_widget(Paragraph::new(lines), area);
            return;
        }
        let selected = self.selected_row();
        let held = self.stand != Stand::Following || self.open;
        let mut lines = Vec::with_capacity(area.height as usize);
        let mut rows = 0..0;
        let hubs = HubColumn::of(scene, self.of.is_none());
        for (row, shown) in self.visible() {
            if lines.is_empty() {
                rows = row..row;
            }
            rows.end = row + 1;
            let hub = hubs.as_ref().map(|hubs| hubs.cell(shown.hub, scene));
            let (line, role) = match &shown.item {
                Item::Event(event) => (event_line(event, hub, area.width as usize, scene), kind_role(event)),
                Item::Gap(gap) => (gap_line(gap, hub, area.width as usize, scene), Role::Warn),
            };
            let chosen = (held && selected == Some(row)).then_some(focused);
            lines.push(row_as(line, chosen, (KIND_SPAN, role), theme));
        }
        let dimmed = if scene.fleet.is_live() { Style::new() } else { theme.style(Role::Off) };
        frame.render_widget(Paragraph::new(lines).style(dimmed), area);
        scrollbar(frame, area, self.split.rule, rows, self.feed().len(), scene);
    }
}

fn hub_name<'a>(at: At, scene: &Scene<'a>) -> Option<&'a str> {
    scene.fleet.is_many().then(|| scene.fleet.name(at))
}

pub(super) fn kind_role(event: &Event) -> Role {
    match (event.severity, event.domain()) {
        (Severity::Error, _) => Role::Error,
        (Severity::Warn, _) => Role::Warn,
        (_, "memory") => Role::EventMemory,
        (_, "search") => Role::EventSearch,
        (_, "source") => Role::EventSource,
        (_, "decision") => Role::EventDecision,
        (_, "job") => Role::EventJob,
        (_, "health") => Role::EventHealth,
        _ => Role::EventHub,
    }
}

/// Moments, not ages: in a stream order and distance matter, and a row that stands still costs nothing to draw.
/// Narrow panes give up the fraction of the second, then the correlation.
fn event_line(event: &Event, hub: Option<String>, width: usize, scene: &Scene) -> Line<'static> {
    let theme = scene.theme;
    let role = kind_role(event);
    let mark = match event.severity {
        Severity::Info => " ",
        Severity::Warn => theme.glyph(Role::Warn),
        Severity::Error => theme.glyph(Role::Error),
    };
    let mark = if mark.is_empty() { " " } else { mark };
    let time_width = if width >= WIDE { 12 } else { 8 };
    let time = text::pad(text::fitting(&scene.at(event.time), time_width), time_width);
    let correlation = if width >= NARROW {
        format!(" #{}", event.correlation_id.short(CORRELATION))
    } else {
        String::new()
    };
    let project = match event.subject.project() {
        "_" => String::new(),
        name if width >= WIDE => format!(" {}", text::cut(name, PROJECT_MAX)),
        _ => String::new(),
    };
    let hub = hub.map_or(String::new(), |hub| format!(" {hub}"));
    let right = text::width(&hub) + text::width(&correlation) + text::width(&project);
    let taken = 2 + time_width + 2 + KIND_WIDTH + 1 + right;
    let room = width.saturating_sub(taken);
    let said = text::pad(&text::cut(&text::escape_line(&about(event)), room), room);
    Line::from(vec![
        Span::styled(format!("{mark} "), theme.style(role)),
        Span::styled(time, theme.style(Role::Time)),
        Span::raw("  "),
        Span::styled(text::pad(&text::escape_line(&event.kind), KIND_WIDTH), theme.style(role)),
        Span::raw(" "),
        Span::styled(said, theme.style(Role::Text)),
        Span::styled(project, theme.style(Role::Project)),
        Span::styled(hub, theme.style(Role::EventHub)),
        Span::styled(correlation, theme.style(Role::Correlation)),
    ])
}

/// What is missing, and why: never nothing.
fn gap_line(gap: &EventGap, hub: Option<String>, width: usize, scene: &Scene) -> Line<'static> {
    let theme = scene.theme;
    let dash = if theme.ascii() { "-" } else { "–" };
    let all = gap.to.0 - gap.from.0 + 1;
    let numbers = match all {
        1 => format!("event {}", text::count(gap.from.0)),
        _ => format!("events {}{dash}{}", text::count(gap.from.0), text::count(gap.to.0)),
    };
    let (some, are) = match (gap.missing, all) {
        (1, 1) => (String::new(), "is"),
        (missing, all) if missing == all => (String::new(), "are"),
        (1, _) => ("1 of ".to_owned(), "is"),
        (missing, _) => (format!("{} of ", text::count(missing)), "are"),
    };
    let reason = text::escape_line(&gap.reason);
    let whose = hub.map_or(String::new(), |hub| format!("{}: ", hub.trim_end()));
    let long = format!(" {whose}{some}{numbers} {are} not to be had: {reason} ");
    let short = format!(" {whose}{some}{numbers}: {reason} ");
    let said = if text::width(&long) + 6 <= width { long } else { text::cut(&short, width).into_owned() };
    let rest = width.saturating_sub(text::width(&said));
    let rule = theme.lines().0;
    let (before, after) = (rest.min(2), rest.saturating_sub(2));
    Line::from(vec![
        Span::styled(rule.repeat(before), theme.style(Role::Rule)),
        Span::raw(""),
        Span::raw(""),
        Span::styled(said, theme.style(Role::Warn)),
        Span::styled(rule.repeat(after), theme.style(Role::Rule)),
    ])
}

fn tree_time_width(width: usize) -> usize {
    match width {
        width if width >= WIDE => 12,
        width if width >= NARROW => 8,
        _ => 0,
    }
}

/// A narrow pane shows only how long after its cause something was.
fn tree_first_width(width: usize) -> usize {
    if width >= NARROW { SPAN_WIDTH + 1 } else { 0 }
}

/// When, how long after the first and after its cause, and under it in the tree.
fn tree_line(node: &Node, width: usize, scene: &Scene) -> Line<'static> {
    let theme = scene.theme;
    let event = &node.event;
    let role = kind_role(event);
    let mark = match event.severity {
        Severity::Info => " ",
        Severity::Warn => theme.glyph(Role::Warn),
        Severity::Error => theme.glyph(Role::Error),
    };
    let time_width = tree_time_width(width);
    let time = text::pad(text::fitting(&scene.at(event.time), time_width), time_width);
    let from_first = text::pad_left(&format!("+{}", text::clocked(node.from_first)), tree_first_width(width));
    let spans = format!("{from_first}{}  ", text::pad_left(&text::clocked(node.after), SPAN_WIDTH));
    let branch = branch(&node.lines, width / 3, theme.ascii());
    let taken = 2 + time_width + text::width(&spans) + text::width(&branch) + text::width(&event.kind) + 2;
    let hub = hub_name(node.mark.hub, scene);
    let hub =
        hub.map_or(String::new(), |name| format!(" {}", text::cut_left(&text::escape_line(name), NAME_MAX)));
    let taken = taken + text::width(&hub);
    let said = text::cut(&text::escape_line(&about(event)), width.saturating_sub(taken)).into_owned();
    let said = text::pad(&said, width.saturating_sub(taken));
    Line::from(vec![
        Span::styled(format!("{} ", if mark.is_empty() { " " } else { mark }), theme.style(role)),
        Span::styled(time, theme.style(Role::Time)),
        Span::styled(spans, theme.style(Role::Age)),
        Span::styled(branch, theme.style(Role::Rule)),
        Span::styled(text::escape_line(&event.kind).into_owned(), theme.style(role)),
        Span::styled(format!("  {said}"), theme.style(Role::Text)),
        Span::styled(hub, theme.style(Role::EventHub)),
    ])
}

/// The lines before a row of a tree; deeper than there is room for, its own alone.
fn branch(lines: &[bool], room: usize, ascii: bool) -> String {
    let [through, fork, last] = if ascii { ["| ", "|-", "`-"] } else { ["│ ", "├─", "└─"] };
    let Some((own, above)) = lines.split_last() else { return String::new() };
    let shown = (room / 2).saturating_sub(1);
    let mut branch: String = above
        .iter()
        .skip(above.len().saturating_sub(shown))
        .map(|goes_on| if *goes_on { through } else { "  " })
        .collect();
    branch.push_str(if *own { fork } else { last });
    branch.push(' ');
    branch
}
