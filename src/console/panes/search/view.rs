//! Search as drawn: the query, one line about the answer, the rows, and what is open beside them.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{Degraded, QueryFault, ROW_LINES, Row, Search, chips, completion};
use crate::console::text;
use crate::{
    console::{
        action::{Action, Place},
        layout::{Rule, head, inside},
        model::{At, Connection},
        panes::hubs::HubColumn,
        scene::Scene,
        theme::{BOLD, Role},
        widgets::{
            frame::{input, underline},
            line::Line as Input,
            scroll::Track,
        },
    },
    door::{Legs, ListOrder},
    model::Status,
};

/// Columns of the prompt before the query.
const PROMPT: usize = 2;
/// Columns of a chip's cross, with its air.
const CROSS: usize = 3;
/// Narrower, of the answer only the count is said.
const ANSWER_WIDE_MIN: u16 = 44;
/// Columns of an offer's text, beside what it means.
const OFFER_COLUMNS: usize = 28;
/// Columns of the score's bar.
const SCORE_BAR: usize = 5;
/// From nothing to all.
const COLUMNS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const COLUMNS_ASCII: [char; 9] = [' ', '1', '2', '3', '4', '5', '6', '7', '8'];

impl Search {
    pub fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let inner = inside(self.area);
        let [top, _] = head(inner, Search::HEAD_LINES);
        self.view_query(frame, top, focused, scene);
        if self.split.list.height > 0 {
            self.view_rows(frame, focused && !self.reading, scene);
        }
        if let Some((area, rule)) = self.split.rule {
            view_rule(frame, area, rule, scene);
        }
        self.view_detail(frame, focused && self.reading, scene);
        self.view_popup(frame, inner, scene);
    }

    // ── the query ───────────────────────────────────────────────────────────────────────────────────────────────

    fn view_query(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let [line, below] = head(area, 1);
        let said = self.answer_in_words(line.width, scene);
        let asks = Rect { width: self.query_width(line.width, scene), ..line };
        let at = Rect { x: asks.right(), width: line.right() - asks.right(), ..line };
        frame.render_widget(Paragraph::new(said).right_aligned(), at);
        if self.typing || self.query.is_empty() {
            self.view_typed(frame, asks, focused, scene);
        } else {
            self.view_parts(frame, asks, scene);
        }
        self.view_below(frame, below, scene);
    }

    /// Columns of the line that are the query's.
    fn query_width(&self, width: u16, scene: &Scene) -> u16 {
        let said = self.answer_in_words(width, scene).width() as u16;
        width - (said + 1).min(width)
    }

    fn view_typed(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let line = self.drawn_line();
        let placeholder = if self.typing {
            let up = scene.keymap.keys_of(Action::Up, &[Place::Query]).into_iter().take(1);
            let keys: Vec<_> = up.chain(scene.keymap.key_of(Action::Queries, &[Place::Query])).collect();
            format!("{}: former queries", keys.join(" or "))
        } else {
            let key = scene.key(Action::Query, Place::Search);
            let key = key.map_or("search".to_owned(), |key| format!("{key} to search"));
            format!("{key}: words \"a phrase\" tag: type: since:")
        };
        let ghost = self.ghost().unwrap_or_default();
        input(frame, area, &line, ghost, &placeholder, focused && self.typing, scene);
        if let Some(at) = self.shown_fault().and_then(|fault| fault.at.clone()) {
            let columns = self.column_of(at.start, area.width)..self.column_of(at.end, area.width);
            underline(frame, area, columns, scene.theme.style(Role::QueryError));
        }
    }

    /// The query as typed, with ids shortened where the cursor is not.
    fn drawn_line(&self) -> Input {
        let (drawn, place) = chips::shortened(self.query.text(), self.query.at(), self.near.as_ref());
        let mut line = Input::new(&drawn);
        line.go_to(place(self.query.at()));
        line
    }

    /// Where a byte of the typed query is drawn, in columns of its part of the line.
    fn column_of(&self, byte: usize, width: u16) -> usize {
        let (drawn, place) = chips::shortened(self.query.text(), self.query.at(), self.near.as_ref());
        let line = self.drawn_line();
        let (window, _) = line.window((width as usize).saturating_sub(PROMPT).max(1));
        let first = drawn.len() - window.len();
        PROMPT + text::width(drawn.get(first..place(byte)).unwrap_or_default())
    }

    /// The query while it is not typed: its fields as chips.
    fn view_parts(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let prompt = format!("{} ", theme.glyph(Role::Caret));
        let mut spans = vec![Span::styled(prompt, theme.style(Role::Muted))];
        let (parts, hidden) = self.shown_parts(area.width);
        let mut column = 0;
        for part in &parts {
            spans.push(Span::raw(" ".repeat(part.column - column)));
            column = part.column + part.width();
            let wrong = self.fault.as_ref().and_then(|fault| fault.at.as_ref());
            let wrong = wrong.is_some_and(|at| at.start < part.range.end && part.range.start < at.end);
            let error = if wrong { theme.style(Role::QueryError) } else { Style::new() };
            let Some(chip) = part.chip else {
                spans.push(Span::styled(part.text.clone(), theme.style(Role::QueryField).patch(error)));
                continue;
            };
            let (ground, cross) = if self.chip == Some(chip) {
                (theme.style(Role::Selection), theme.selected(Role::Accent))
            } else {
                (theme.style(Role::Chip), Style { bg: None, ..theme.style(Role::Muted) })
            };
            spans.push(Span::styled(" ", ground));
            spans.push(Span::styled(part.text.clone(), ground.patch(error)));
            spans.push(Span::styled(format!(" {} ", theme.glyph(Role::Chip)), ground.patch(cross)));
        }
        if hidden > 0 {
            spans.push(Span::styled(format!(" +{hidden}"), theme.style(Role::Muted)));
        }
        frame.render_widget(Paragraph::new(Line::from(spans)), area);
    }

    fn shown_parts(&self, width: u16) -> (Vec<chips::Shown>, usize) {
        let room = (width as usize).saturating_sub(PROMPT);
        chips::fit(self.query.text(), room, self.chip, self.near.as_ref())
    }

    /// The chip at a place of the screen, and whether it is its cross.
    pub(super) fn chip_at(&self, x: u16, y: u16, scene: &Scene) -> Option<(usize, bool)> {
        let inner = inside(self.area);
        let column = x.checked_sub(inner.x + PROMPT as u16).filter(|_| y == inner.y)? as usize;
        let (parts, _) = self.shown_parts(self.query_width(inner.width, scene));
        let part =
            parts.into_iter().find(|part| (part.column..part.column + part.width()).contains(&column))?;
        Some((part.chip?, column + CROSS >= part.column + part.width()))
    }

    /// The line under the query: what is wrong, what is missing, or a rule.
    fn view_below(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let (dot, found) = (theme.dot(), self.found.as_ref());
        let lacking = self.lacking(scene).into_iter().map(|(_, why)| why);
        let degraded = found.and_then(|found| found.degraded.as_ref()).map(Degraded::words);
        let lacking: Vec<String> = lacking.chain(degraded).collect();
        let (role, said) = if let Some(QueryFault { at, fault }) = self.shown_fault() {
            let fix = self.fix().filter(|_| self.typing).and_then(|fix| {
                let key = scene.keymap.key_of(Action::Complete, &[Place::Query])?;
                Some(format!(" {dot} {key} makes it {}", fix.text))
            });
            let hint = fault.hint.as_ref().map(|hint| format!(" {dot} {hint}"));
            // Where it is underlined, its column says nothing more.
            let message = fault
                .message
                .split_once(": ")
                .filter(|(column, _)| at.is_some() && column.starts_with("column "));
            let message = message.map_or(fault.message.as_str(), |(_, message)| message);
            let more = fix.or(hint).unwrap_or_default();
            (Role::Error, format!("{} {message}{more}", theme.glyph(Role::Error)))
        } else if !lacking.is_empty() {
            let said = lacking.join(&format!(" {dot} "));
            (Role::Warn, format!("{} {said}", theme.glyph(Role::Warn)))
        } else if let Some(remark) = found.and_then(|found| found.remark.as_ref()) {
            (Role::Muted, format!("{dot} {remark}"))
        } else {
            (Role::Rule, theme.lines().0.repeat(area.width as usize))
        };
        let said = text::cut(&text::escape_line(&said), area.width as usize).into_owned();
        frame.render_widget(Paragraph::new(Line::styled(said, theme.style(role))), area);
    }

    /// Which of several hubs the answer lacks, and why.
    fn lacking(&self, scene: &Scene) -> Vec<(At, String)> {
        let scope = self.scope(scene);
        let Some(found) = self.found.as_ref().filter(|_| scope.len() > 1) else { return Vec::new() };
        let why = |at: At| {
            let seat = scene.fleet.get(at)?;
            let name = text::escape_line(&seat.name).into_owned();
            let known = found.part(at).is_some();
            let failed = found.failed.iter().find(|(failed, _)| *failed == at).map(|(_, why)| why.as_str());
            let why = match (&seat.hub.connection, failed) {
                (Connection::Offline { fault, .. }, _) => &fault.message,
                (Connection::Stale { .. }, _) => "not a word from it",
                (Connection::Opening, _) => "not reached yet",
                (Connection::Live { .. }, Some(why)) => why,
                (Connection::Live { .. }, None) if found.late.contains(&at) => "no answer yet",
                (Connection::Live { .. }, None) => return None,
            };
            let what = match (known, scene.fleet.is_live_at(at)) {
                (false, _) => "is missing",
                (true, true) => "is not all here",
                (true, false) => "is as known then",
            };
            Some((at, format!("{name} {what}: {why}")))
        };
        scope.into_iter().filter_map(why).collect()
    }

    /// `▲ words only  38 hits  2.1 ms`, `newest first`, `…`.
    fn answer_in_words(&self, width: u16, scene: &Scene) -> Line<'static> {
        let theme = scene.theme;
        let Some(found) = &self.found else { return Line::default() };
        let is_narrow = width < ANSWER_WIDE_MIN;
        let mut spans = Vec::new();
        let (asked, lacking) = (self.scope(scene).len(), self.lacking(scene).len());
        let badge = match &found.degraded {
            _ if lacking > 0 => Some(format!("{} of {asked} hubs", asked - lacking)),
            degraded => degraded.as_ref().map(|degraded| degraded.badge.to_owned()),
        };
        if let Some(badge) = badge {
            let badge = if is_narrow { "" } else { &badge };
            let said = format!("{} {badge}", theme.glyph(Role::Warn));
            spans.push(Span::styled(format!("{}  ", said.trim_end()), theme.style(Role::Warn)));
        }
        let age = if self.is_live(scene) { "" } else { "as known then " };
        let said = match found.total {
            None => match self.order {
                ListOrder::Oldest => format!("{age}oldest first"),
                ListOrder::Recent | ListOrder::Due => format!("{age}newest first"),
            },
            Some(total) => {
                let plus = if found.total_at_least { "+" } else { "" };
                let word = if total == 1 { "hit" } else { "hits" };
                let typed = if found.query == self.query.text() { "" } else { "… " };
                let took = if is_narrow { String::new() } else { format!("  {:.1} ms", found.took_ms) };
                format!("{typed}{age}{}{plus} {word}{took}", text::count(total as u64))
            }
        };
        spans.push(Span::styled(said, theme.style(Role::Muted)));
        Line::from(spans)
    }

    fn is_live(&self, scene: &Scene) -> bool {
        !self.live(scene).is_empty()
    }

    /// How many memories the hubs have that are shown, as far as all of them said.
    pub(super) fn memories(&self, scene: &Scene) -> Option<u64> {
        self.scope(scene).into_iter().map(|at| scene.fleet.get(at)?.hub.memories()).sum()
    }

    fn view_rows(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let area = self.split.list;
        let Some(found) = &self.found else {
            let said = if self.is_live(scene) { "" } else { "the store is opening; typing works already" };
            frame.render_widget(
                Paragraph::new(Line::styled(said, scene.theme.style(Role::Placeholder))),
                area,
            );
            return;
        };
        if found.rows.is_empty() {
            self.view_nothing(frame, area, scene);
            return;
        }
        let hubs = HubColumn::of(scene, self.scope(scene).len() > 1);
        let hubs = hubs.map(|hubs| hubs.within(area.width as usize));
        let mut lines = Vec::with_capacity(area.height as usize);
        for at in self.list.visible() {
            let Some(row) = found.rows.get(at) else { break };
            let selected = self.list.selected() == Some(at);
            // Scores say something beside those of the same hub only.
            let best = found.part(row.at).map_or((0.0, 0.0), |part| (part.best, part.best_lexical));
            let best = (best.0.max(f32::EPSILON), best.1.max(f32::EPSILON));
            let hub = hubs.as_ref().map(|hubs| hubs.cell(row.at, scene));
            let dimmed =
                if scene.fleet.is_live_at(row.at) { Style::new() } else { scene.theme.style(Role::Off) };
            let drawn = row_lines(row, best, hub, selected, focused, area.width as usize, scene);
            lines.extend(drawn.map(|line| Line { style: dimmed.patch(line.style), ..line }));
        }
        frame.render_widget(Paragraph::new(lines), area);
        scrollbar(frame, area, self.split.rule, self.list.visible(), self.list.len(), scene);
    }

    fn view_nothing(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let plain = theme.style(Role::Muted);
        let mut lines = vec![Line::default()];
        let empty_hub = self.memories(scene) == Some(0);
        if empty_hub && self.query.text().trim().is_empty() {
            let several = self.scope(scene).len() > 1;
            let said = if several { "These hubs know nothing yet." } else { "This hub knows nothing yet." };
            lines.push(Line::styled(said, theme.style(Role::Strong)));
            lines.push(Line::default());
            let offers = [
                (Action::Import, "import a folder of notes or documentation"),
                (Action::New, "write the first memory"),
                (Action::Help, "see every key"),
            ];
            lines.extend(offers.map(|(action, what)| offer(action, what, Role::Text, scene)));
            // A shell here speaks to the hub that is here.
            if !scene.fleet.seat().elsewhere {
                lines.push(Line::default());
                let from_shell = "From any shell: wheelhouse import DIR, wheelhouse add TEXT. What they do is seen here at once.";
                let wrapped = text::wrap(from_shell, (area.width as usize).saturating_sub(2).max(1));
                lines.extend(wrapped.into_iter().map(|line| Line::styled(line, plain)));
            }
        } else if self.query.text().trim().is_empty() {
            lines.push(Line::styled("No memory in this project yet.", plain));
            let offers = [(Action::Project, "all projects"), (Action::New, "write one")];
            lines.extend(offers.map(|(action, what)| offer(action, what, Role::Muted, scene)));
        } else if !self.is_asking() {
            lines.push(Line::styled("Nothing found.", theme.style(Role::Strong)));
            let key = scene.key(Action::Project, Place::Search).filter(|_| self.project.is_some());
            let projects = key.map_or(String::new(), |key| format!(", or look in all projects with {key}"));
            let said = format!("Fewer words find more; drop a filter{projects}.");
            let wrapped = text::wrap(&said, (area.width as usize).max(1));
            lines.extend(wrapped.into_iter().map(|line| Line::styled(line, plain)));
        }
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn view_detail(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let Some(detail) = &self.detail else { return };
        let theme = scene.theme;
        let area = self.split.side;
        let text_area = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area };
        let lines = detail.visible(area.height as usize).to_vec();
        let style = if detail.turning { theme.style(Role::Muted) } else { Style::new() };
        frame.render_widget(Paragraph::new(lines).style(style), text_area);
        if let Some(percent) = detail.percent(area.height as usize) {
            let role = if focused { Role::Accent } else { Role::Muted };
            let said = format!(" {percent} % ");
            let width = said.len() as u16;
            if let Some((rule, Rule::Across)) = self.split.rule.filter(|(rule, _)| rule.width > width + 2) {
                let at = Rect { x: rule.right() - width - 1, width, ..rule };
                frame.render_widget(Paragraph::new(Line::styled(said, theme.style(role))), at);
            } else if area.width > width && area.height > 0 {
                let at = Rect { x: area.right() - width, y: area.bottom() - 1, width, height: 1 };
                frame.render_widget(Paragraph::new(Line::styled(said, theme.style(role))), at);
            }
        }
        if let Some((rule, Rule::Across)) = self.split.rule.filter(|(rule, _)| rule.width > 24) {
            let role = if focused { Role::TitleFocus } else { Role::Title };
            let said = format!(" {} ", detail.side.title());
            let at = Rect { x: rule.x + 1, width: text::width(&said) as u16, ..rule };
            frame.render_widget(Paragraph::new(Line::styled(said, theme.style(role))), at);
        }
    }

    /// What the language knows for the word being typed, under it, with what each means.
    fn view_popup(&self, frame: &mut Frame, inner: Rect, scene: &Scene) {
        let (offers, chosen) = self.popup();
        let Some(first) = offers.first() else { return };
        let theme = scene.theme;
        let rows: Vec<(String, String)> = offers
            .iter()
            .map(|offer| {
                let name = text::cut(&text::escape_line(&offer.text), OFFER_COLUMNS).into_owned();
                (name, completion::meaning(offer, scene))
            })
            .collect();
        let names = rows.iter().map(|(name, _)| text::width(name)).max().unwrap_or(0);
        let keys = self.popup_keys(offers.len(), scene);
        let meanings = rows.iter().map(|(_, meaning)| text::width(meaning)).max().unwrap_or(0);
        let wide = (names + 2 + meanings).max(text::width(&keys)) + 2;
        let wide = (wide as u16).min(inner.width);
        let column = self.column_of(first.replace.start, self.query_width(inner.width, scene)) as u16;
        let x = (inner.x + column.saturating_sub(1)).min(inner.right().saturating_sub(wide)).max(inner.x);
        let area = Rect { x, y: inner.y + 1, width: wide, height: rows.len() as u16 + 1 }.intersection(inner);
        let room = (wide as usize).saturating_sub(names + 4);
        // Of more than fit, those up to the chosen one.
        let shown = area.height.saturating_sub(1) as usize;
        let mut lines: Vec<_> = rows
            .into_iter()
            .enumerate()
            .skip((chosen + 1).saturating_sub(shown))
            .take(shown)
            .map(|(at, (name, meaning))| {
                let (ground, muted) = if at == chosen {
                    (theme.style(Role::Selection), theme.selected(Role::Muted))
                } else {
                    (theme.style(Role::Overlay), theme.style(Role::Muted))
                };
                let name = format!(" {}  ", text::pad(&name, names));
                let meaning = format!("{} ", text::pad(&meaning, room));
                Line::from(vec![Span::raw(name), Span::styled(meaning, muted)]).style(ground)
            })
            .collect();
        let keys = format!(" {}", text::cut(&keys, (wide as usize).saturating_sub(1)));
        lines.push(Line::styled(keys, theme.style(Role::HintOff)));
        frame.render_widget(ratatui::widgets::Clear, area);
        frame.render_widget(Paragraph::new(lines).style(theme.style(Role::Overlay)), area);
    }

    fn popup_keys(&self, offers: usize, scene: &Scene) -> String {
        let key = |action| scene.keymap.key_of(action, &[Place::Query]).unwrap_or_default();
        let take = format!("{} take", key(Action::Complete));
        if offers < 2 {
            return take;
        }
        format!("{take}  {} {} choose  {} close", key(Action::Up), key(Action::Down), key(Action::Back))
    }
}

/// A row: its title with what belongs to it at the right, and below it why it is here. Among those of other hubs its hub
/// takes the place of the score, which would be read beside theirs.
fn row_lines<'a>(
    row: &'a Row,
    (best, best_lexical): (f32, f32),
    hub: Option<String>,
    selected: bool,
    focused: bool,
    width: usize,
    scene: &Scene,
) -> [Line<'a>; ROW_LINES] {
    let theme = scene.theme;
    let ground = match (selected, focused) {
        (true, true) => theme.style(Role::Selection),
        (true, false) => theme.style(Role::SelectionIdle),
        _ => Style::new(),
    };
    let mark = if selected { theme.glyph(Role::Selection) } else { " " };
    let width = width.saturating_sub(1);

    let lit = |role| if selected && focused { theme.selected(role) } else { theme.style(role) };
    let mut right: Vec<Span> = Vec::new();
    if row.status != Status::Active {
        right.push(Span::styled(format!("{}  ", row.status.word()), lit(Role::Warn)));
    }
    // A selected row is one style as far as it can be: fewer bytes at each cursor move.
    let quiet = |role| if selected && focused { Style::new() } else { theme.style(role) };
    if row.alike > 0 {
        right.push(Span::styled(format!("{} alike  ", row.alike), quiet(Role::Age)));
    }
    right.push(Span::styled(scene.when(row.updated_at), quiet(Role::Age)));
    let is_merged = hub.is_some();
    right.extend(hub.map(|hub| Span::styled(format!("  {hub} "), quiet(Role::EventHub))));
    if let Some(score) = row.score {
        if !is_merged {
            right.push(Span::styled(format!("  {score:>5.2} "), quiet(Role::Age)));
        }
        match row.legs {
            Some(legs) => right.push(parts(legs, best_lexical, quiet(Role::Score), scene)),
            None => right.extend(bar(score, best, [lit(Role::Score), lit(Role::ScoreRest)], scene)),
        }
    }
    let right_width: usize = right.iter().map(Span::width).sum();
    let room = width.saturating_sub(right_width + 3);
    // Half the room is the title's, whatever tells it from another.
    let place = text::escape_line(row.place.as_deref().unwrap_or_default());
    let place = text::cut_left(&place, (room / 2).saturating_sub(2));
    let place_width = if place.is_empty() { 0 } else { text::width(&place) + 2 };
    let title = text::cut(&text::escape_line(&row.title), room - place_width).into_owned();
    let title_style = if selected && focused { BOLD } else { theme.style(Role::Strong) };
    let rest = room + 1 - text::width(&title);
    let mut first = if selected {
        vec![Span::styled(format!("{mark} "), lit(Role::Accent)), Span::styled(title, title_style)]
    } else {
        vec![Span::styled(format!("  {title}"), title_style)]
    };
    let gap = if place.is_empty() { "" } else { "  " };
    first.push(Span::styled(text::pad(&format!("{gap}{place}"), rest), quiet(Role::Age)));
    first.extend(right);

    // What nearly everything is says nothing.
    let kind = if row.kind == "note" { "" } else { &row.kind };
    let kind_width = text::width(kind).min(14);
    let project = if row.project.is_none() { String::new() } else { format!("{}  ", row.project) };
    let tail_width = kind_width + text::width(&project) + 1;
    let room = width.saturating_sub(4 + tail_width);
    let mut second = vec![Span::raw("    ")];
    let used = snippet(row, room, scene, &mut second);
    second.push(Span::raw(" ".repeat(room.saturating_sub(used) + 1)));
    second.push(Span::styled(project, theme.style(Role::Project)));
    second.push(Span::styled(text::cut(kind, kind_width).into_owned(), theme.style(Role::Kind)));
    // The title alone is lit: half the bytes of a cursor move, and calmer.
    [Line::from(first).style(ground), Line::from(second)]
}

/// The snippet with its matched terms, cut to `room` columns; answers how many it took.
fn snippet<'a>(row: &Row, room: usize, scene: &Scene, spans: &mut Vec<Span<'a>>) -> usize {
    let plain = scene.theme.style(Role::Muted);
    let matched = scene.theme.style(Role::Match);
    // Far matches are brought into sight: the text begins a little before the first.
    let first = row.highlights.first().map_or(0, |range| range.start);
    let mut start = 0;
    if text::width(row.snippet.get(..first).unwrap_or_default()) > room * 2 / 3 {
        let back = row.snippet[..first].char_indices().rev().nth(room / 4).map_or(0, |(i, _)| i);
        start = row.snippet[back..first].find(' ').map_or(back, |i| back + i + 1);
    }
    let mut used = 0;
    let mut push = |piece: &str, style: Style, spans: &mut Vec<Span<'a>>| {
        let flat: String = piece.chars().map(|c| if c == '\n' || c == '\t' { ' ' } else { c }).collect();
        let flat = text::escape_line(&flat).into_owned();
        let cut = text::cut(&flat, room.saturating_sub(used)).into_owned();
        used += text::width(&cut);
        let whole = cut.len() == flat.len();
        spans.push(Span::styled(cut, if whole { style } else { plain }));
        whole && used < room
    };
    if start > 0 && !push(scene.theme.ellipsis(), plain, spans) {
        return used;
    }
    let mut at = start;
    for range in row.highlights.iter().filter(|range| range.start >= start) {
        let (Some(before), Some(hit)) = (row.snippet.get(at..range.start), row.snippet.get(range.clone()))
        else {
            break;
        };
        if (!before.is_empty() && !push(before, plain, spans)) || !push(hit, matched, spans) {
            return used;
        }
        at = range.end;
    }
    if let Some(rest) = row.snippet.get(at..).filter(|rest| !rest.is_empty()) {
        push(rest, plain, spans);
    }
    used
}

/// What the words, the meaning and the second reading gave, each a column beside its best.
fn parts(legs: Legs, best_lexical: f32, style: Style, scene: &Scene) -> Span<'static> {
    let levels = if scene.theme.ascii() { COLUMNS_ASCII } else { COLUMNS };
    let column = |share: f32| levels[(share.clamp(0.0, 1.0) * (levels.len() - 1) as f32).round() as usize];
    let shares = [legs.lexical / best_lexical, legs.vector.unwrap_or(0.0), legs.rerank.unwrap_or(0.0)];
    let shown: String = shares.into_iter().map(column).collect();
    Span::styled(format!("{shown:^SCORE_BAR$}"), style)
}

/// A bar of the score beside the best one's.
fn bar(score: f32, best: f32, [full, rest]: [Style; 2], scene: &Scene) -> [Span<'static>; 2] {
    let line = if scene.theme.ascii() { "=" } else { "━" };
    // Not told by colour alone.
    let left = if full.fg == rest.fg { " " } else { line };
    let filled = ((score / best) * SCORE_BAR as f32).round().clamp(1.0, SCORE_BAR as f32) as usize;
    [Span::styled(line.repeat(filled), full), Span::styled(left.repeat(SCORE_BAR - filled), rest)]
}

/// Something that can be done, with its key; without one it is in the palette.
fn offer(action: Action, what: &'static str, role: Role, scene: &Scene) -> Line<'static> {
    let theme = scene.theme;
    let key = scene.key(action, Place::Search).or_else(|| scene.key(Action::Palette, Place::Search));
    Line::from(vec![
        Span::styled(format!("  {}  ", key.unwrap_or_default()), theme.style(Role::Accent)),
        Span::styled(what, theme.style(role)),
    ])
}

pub fn view_rule(frame: &mut Frame, area: Rect, rule: Rule, scene: &Scene) {
    let (across, down) = scene.theme.lines();
    let style = scene.theme.style(Role::Rule);
    match rule {
        Rule::Across => {
            frame
                .render_widget(Paragraph::new(Line::styled(across.repeat(area.width as usize), style)), area);
        }
        Rule::Down => {
            let lines: Vec<_> = (0..area.height).map(|_| Line::styled(down, style)).collect();
            frame.render_widget(Paragraph::new(lines), area);
        }
    }
}

/// A thin thumb on the border or rule at the right, when there is more than fits.
pub fn scrollbar(
    frame: &mut Frame,
    area: Rect,
    rule: Option<(Rect, Rule)>,
    visible: std::ops::Range<usize>,
    len: usize,
    scene: &Scene,
) {
    if let Some(track) = Track::beside(area, rule, visible, len) {
        track.view(frame, scene);
    }
}
