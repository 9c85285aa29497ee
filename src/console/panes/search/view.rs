//! Search as drawn: the query, one line about the answer, the rows, and what is open beside them.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{ROW_LINES, Row, Search};
use crate::console::text;
use crate::{
    console::{
        layout::{Rule, head, inside},
        scene::Scene,
        theme::{BOLD, Role},
        widgets::{
            frame::{input, underline},
            scroll::Track,
        },
    },
    door::Legs,
    model::Status,
};

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
        self.view_completions(frame, scene);
    }

    fn view_query(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let theme = scene.theme;
        let [line, below] = head(area, 1);
        let said = self.answer_in_words(scene);
        let said_width = (text::width(&said) as u16 + 1).min(line.width);
        let asks = Rect { width: line.width - said_width, ..line };
        let placeholder = if self.typing { "" } else { "s to search: words \"a phrase\" tag: type: since:" };
        let ghost = self.ghost().unwrap_or_default();
        input(frame, asks, &self.query, ghost, placeholder, focused && self.typing, scene);
        let at = Rect { x: line.right() - said_width, width: said_width, ..line };
        frame.render_widget(Paragraph::new(Line::styled(said, theme.style(Role::Muted))).right_aligned(), at);

        if let Some(fault) = &self.fault {
            if let Some(at) = fault.at {
                let column = 2 + text::width(self.query.text().get(..at).unwrap_or_default()) as u16;
                underline(frame, asks, column, theme.style(Role::QueryError));
            }
            let hint =
                fault.fault.hint.as_ref().map_or(String::new(), |hint| format!(" {} {hint}", theme.dot()));
            let said = format!("{} {}{hint}", theme.glyph(Role::Error), fault.fault.message);
            let said = text::cut(&said, below.width as usize).into_owned();
            frame.render_widget(Paragraph::new(Line::styled(said, theme.style(Role::Error))), below);
        } else if let Some(degraded) = self.found.as_ref().and_then(|found| found.degraded.as_ref()) {
            let said = format!("{} degraded {} {degraded}", theme.glyph(Role::Warn), theme.dot());
            let said = text::cut(&said, below.width as usize).into_owned();
            frame.render_widget(Paragraph::new(Line::styled(said, theme.style(Role::Warn))), below);
        } else {
            let line = theme.lines().0.repeat(below.width as usize);
            frame.render_widget(Paragraph::new(Line::styled(line, theme.style(Role::Rule))), below);
        }
    }

    /// `38 hits 2.1 ms`, `recent`, `…`.
    fn answer_in_words(&self, scene: &Scene) -> String {
        let Some(found) = &self.found else { return String::new() };
        let age = if scene.hub.is_live() { "" } else { "as known then " };
        match found.total {
            None => format!("{age}newest first"),
            Some(total) => {
                let plus = if found.total_at_least { "+" } else { "" };
                let word = if total == 1 { "hit" } else { "hits" };
                let typed = if found.query == self.query.text() { "" } else { "… " };
                format!("{typed}{age}{}{plus} {word}  {:.1} ms", text::count(total as u64), found.took_ms)
            }
        }
    }

    fn view_rows(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let area = self.split.list;
        let Some(found) = &self.found else {
            let said = if scene.hub.is_live() { "" } else { "the store is opening; typing works already" };
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
        // Scores say something beside each other only.
        let best = (found.best.max(f32::EPSILON), found.best_lexical.max(f32::EPSILON));
        let mut lines = Vec::with_capacity(area.height as usize);
        for at in self.list.visible() {
            let Some(row) = found.rows.get(at) else { break };
            let selected = self.list.selected() == Some(at);
            lines.extend(row_lines(row, best, selected, focused, area.width as usize, scene));
        }
        let dimmed = if scene.hub.is_live() { Style::new() } else { scene.theme.style(Role::Off) };
        frame.render_widget(Paragraph::new(lines).style(dimmed), area);
        scrollbar(frame, area, self.split.rule, self.list.visible(), self.list.len(), scene);
    }

    fn view_nothing(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let (key, plain) = (theme.style(Role::Accent), theme.style(Role::Muted));
        let mut lines = vec![Line::default()];
        let empty_hub = scene.hub.memories() == Some(0);
        if empty_hub && self.query.text().trim().is_empty() {
            lines.push(Line::styled("This hub knows nothing yet.", theme.style(Role::Strong)));
            lines.push(Line::default());
            let offers = [
                ("I", "import a folder of notes or documentation"),
                ("n", "write the first memory"),
                ("?", "see every key"),
            ];
            for (letter, what) in offers {
                lines.push(Line::from(vec![
                    Span::styled(format!("  {letter}  "), key),
                    Span::styled(what, theme.style(Role::Text)),
                ]));
            }
            lines.push(Line::default());
            let from_shell = "From any shell: wheelhouse import DIR, wheelhouse add TEXT. What they do is seen here at once.";
            let wrapped = text::wrap(from_shell, (area.width as usize).saturating_sub(2).max(1));
            lines.extend(wrapped.into_iter().map(|line| Line::styled(line, plain)));
        } else if self.query.text().trim().is_empty() {
            lines.push(Line::styled("No memory in this project yet.", plain));
            lines.push(Line::from(vec![Span::styled("  P  ", key), Span::styled("all projects", plain)]));
            lines.push(Line::from(vec![Span::styled("  n  ", key), Span::styled("write one", plain)]));
        } else if !self.is_asking() {
            lines.push(Line::styled("Nothing found.", theme.style(Role::Strong)));
            let said = "Fewer words find more; drop a filter, or look in all projects with P.";
            let wrapped = text::wrap(said, (area.width as usize).max(1));
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

    /// Values that a field could take, under the word being typed.
    fn view_completions(&self, frame: &mut Frame, scene: &Scene) {
        let values: Vec<_> = self.suggestions.iter().filter(|s| s.kind != "word").collect();
        if !self.typing || values.len() < 2 || self.split.list.height < 4 {
            return;
        }
        let start = values[0].replace.start;
        let before = self.query.text().get(..start).map_or(0, text::width) as u16;
        let wide = values.iter().map(|s| text::width(&s.text)).max().unwrap_or(0) as u16 + 2;
        let list = self.split.list;
        let x = (list.x + 2 + before).min(list.right().saturating_sub(wide));
        let area = Rect { x, y: list.y, width: wide, height: values.len() as u16 }.intersection(list);
        let lines: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(i, value)| {
                let role = if i == 0 { Role::Selection } else { Role::Overlay };
                let said = text::pad(&format!(" {}", text::escape_line(&value.text)), wide as usize);
                Line::styled(said, scene.theme.style(role))
            })
            .collect();
        frame.render_widget(ratatui::widgets::Clear, area);
        frame.render_widget(Paragraph::new(lines).style(scene.theme.style(Role::Overlay)), area);
    }
}

/// A row: its title with what belongs to it at the right, and below it why it is here.
fn row_lines<'a>(
    row: &'a Row,
    (best, best_lexical): (f32, f32),
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
    if let Some(score) = row.score {
        right.push(Span::styled(format!("  {score:>5.2} "), quiet(Role::Age)));
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
