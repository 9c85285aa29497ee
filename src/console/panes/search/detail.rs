//! What is open beside the list: the memory whole, its history, or why it is where it is. Laid out in `update`, for the
//! width it has, so that drawing only shows lines.

use ratatui::text::{Line, Span};

use super::super::super::{
    markdown,
    scene::Scene,
    theme::{Role, Theme},
    widgets::list::Step,
};
use crate::console::text;
use crate::{
    door::{Explanation, Revision},
    model::{Fault, Id, Memory},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Memory,
    History,
    Explain,
}

impl Side {
    pub fn title(self) -> &'static str {
        match self {
            Side::Memory => "memory",
            Side::History => "history",
            Side::Explain => "why it is here",
        }
    }
}

#[derive(Debug, Clone)]
enum Body {
    Memory(Box<Memory>),
    History(Vec<Revision>),
    Explain { score: f32, terms: Vec<String>, explain: Explanation },
    Fault(Fault),
}

#[derive(Debug, Clone)]
pub struct Detail {
    pub id: Id,
    pub side: Side,
    body: Option<Body>,
    /// What is shown is still another memory's: the one asked for is on its way.
    pub turning: bool,
    lines: Vec<Line<'static>>,
    laid_out_for: Option<u16>,
    top: usize,
}

impl Detail {
    pub fn new(id: Id, side: Side) -> Detail {
        Detail { id, side, body: None, turning: true, lines: Vec::new(), laid_out_for: None, top: 0 }
    }

    /// To another memory or another side; what is shown stays until the new is there.
    pub fn turn(&mut self, id: Id, side: Side) {
        self.turning = true;
        self.id = id;
        self.side = side;
    }

    pub fn is_empty(&self) -> bool {
        self.body.is_none() || self.turning
    }

    pub fn shown(&self) -> Option<&Memory> {
        match &self.body {
            Some(Body::Memory(memory)) if memory.id == self.id => Some(memory),
            _ => None,
        }
    }

    pub fn memory(&mut self, result: Result<Memory, Fault>, scene: &Scene) {
        if self.side == Side::Memory {
            let same =
                matches!((&self.body, &result), (Some(Body::Memory(old)), Ok(new)) if old.id == new.id);
            self.take(result.map_or_else(Body::Fault, |memory| Body::Memory(Box::new(memory))), same, scene);
        }
    }

    pub fn history(&mut self, result: Result<Vec<Revision>, Fault>, scene: &Scene) {
        if self.side == Side::History {
            self.take(result.map_or_else(Body::Fault, Body::History), false, scene);
        }
    }

    pub fn explain(&mut self, result: Result<(f32, Vec<String>, Explanation), Fault>, scene: &Scene) {
        if self.side == Side::Explain {
            let body = result.map_or_else(Body::Fault, |(score, terms, explain)| Body::Explain {
                score,
                terms,
                explain,
            });
            self.take(body, false, scene);
        }
    }

    fn take(&mut self, body: Body, keep_place: bool, scene: &Scene) {
        self.body = Some(body);
        self.turning = false;
        if !keep_place {
            self.top = 0;
        }
        if let Some(width) = self.laid_out_for.take() {
            self.lay_out(width, scene);
        }
    }

    pub fn lay_out(&mut self, width: u16, scene: &Scene) {
        if self.laid_out_for == Some(width) {
            return;
        }
        self.laid_out_for = Some(width);
        let width = width as usize;
        self.lines = match &self.body {
            None => Vec::new(),
            Some(Body::Memory(memory)) => memory_lines(memory, width, scene),
            Some(Body::History(revisions)) => history_lines(revisions, width, scene),
            Some(Body::Explain { score, terms, explain }) => {
                explain_lines(*score, terms, explain, width, scene)
            }
            Some(Body::Fault(fault)) => fault_lines(fault, width, scene),
        };
        self.top = self.top.min(self.lines.len().saturating_sub(1));
    }

    /// The theme or the form of times changed.
    pub fn forget_layout(&mut self) {
        self.laid_out_for = None;
    }

    pub fn scroll(&mut self, step: Step, height: u16) {
        let page = (height as usize).saturating_sub(2).max(1);
        let last = self.lines.len().saturating_sub(height as usize);
        self.top = match step {
            Step::Up => self.top.saturating_sub(1),
            Step::Down => self.top + 1,
            Step::PageUp => self.top.saturating_sub(page),
            Step::PageDown => self.top + page,
            Step::First => 0,
            Step::Last => last,
        }
        .min(last);
    }

    pub fn visible(&self, height: usize) -> &[Line<'static>] {
        let from = self.top.min(self.lines.len());
        &self.lines[from..self.lines.len().min(from + height)]
    }

    /// How far down the text is read, 0 to 100; none when all of it is seen.
    pub fn percent(&self, height: usize) -> Option<usize> {
        let hidden = self.lines.len().checked_sub(height).filter(|hidden| *hidden > 0)?;
        Some((self.top * 100 / hidden).min(100))
    }
}

fn blank() -> Line<'static> {
    Line::default()
}

fn field(name: &str, value: String, width: usize, scene: &Scene) -> Line<'static> {
    Line::from(vec![
        Span::styled(text::pad(name, 11), scene.theme.style(Role::Muted)),
        Span::styled(
            text::cut(&text::escape_line(&value), width.saturating_sub(11)).into_owned(),
            scene.theme.style(Role::Text),
        ),
    ])
}

fn wrapped(value: &str, role: Role, width: usize, scene: &Scene) -> impl Iterator<Item = Line<'static>> {
    let style = scene.theme.style(role);
    text::wrap(&text::escape_line(value), width.max(1))
        .into_iter()
        .map(move |line| Line::styled(line, style))
        .collect::<Vec<_>>()
        .into_iter()
}

fn memory_lines(memory: &Memory, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let mut lines: Vec<_> = wrapped(&memory.title, Role::Heading1, width, scene).collect();
    let dim = scene.theme.style(Role::Muted);
    let mut facts = vec![memory.kind.clone()];
    if !memory.project.is_none() {
        facts.push(memory.project.to_string());
    }
    if memory.status != crate::model::Status::Active {
        facts.push(memory.status.word().to_owned());
    }
    facts.push(scene.when(memory.updated_at));
    facts.push(format!("rev {}", memory.revision));
    lines.extend(wrapped(&facts.join("  ·  "), Role::Muted, width, scene));
    if !memory.tags.is_empty() {
        let tags = memory.tags.iter().map(|tag| format!("#{tag}")).collect::<Vec<_>>().join(" ");
        lines.extend(wrapped(&tags, Role::Tag, width, scene));
    }
    lines.push(Line::styled(scene.theme.lines().0.repeat(width), scene.theme.style(Role::Rule)));
    let content = without_title(&memory.content, &memory.title);
    lines.extend(markdown::render(content, width, scene.theme));
    lines.push(blank());
    lines.push(Line::styled(scene.theme.lines().0.repeat(width), scene.theme.style(Role::Rule)));
    lines.push(field("id", memory.id.to_string(), width, scene));
    lines.push(field("created", scene.all_forms(memory.created_at), width, scene));
    lines.push(field("updated", scene.all_forms(memory.updated_at), width, scene));
    lines.push(field("by", memory.origin.actor.to_string(), width, scene));
    if let Some(url) = &memory.origin.url {
        lines.push(field("from", url.clone(), width, scene));
    }
    if memory.access_count > 0 {
        lines.push(field("opened", format!("{} times", memory.access_count), width, scene));
    }
    if let Some(by) = memory.superseded_by {
        lines.push(field("superseded", format!("by {by}"), width, scene));
    }
    for id in &memory.supersedes {
        lines.push(field("supersedes", id.to_string(), width, scene));
    }
    for (name, value) in &memory.metadata {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        lines.push(Line::from(vec![
            Span::styled(text::pad(&text::cut(&text::escape_line(name), 10), 11), dim),
            Span::styled(text::cut(&text::escape_line(&value), width.saturating_sub(11)).into_owned(), dim),
        ]));
    }
    lines
}

/// The title stands above already; a text that begins with it as its heading would say it twice.
fn without_title<'a>(content: &'a str, title: &str) -> &'a str {
    let content = content.trim_start();
    let (first, rest) = content.split_once('\n').unwrap_or((content, ""));
    let (second, after) = rest.split_once('\n').unwrap_or((rest, ""));
    let underlined = !second.trim().is_empty() && second.trim().bytes().all(|b| b == b'=' || b == b'-');
    if first.trim_matches(['#', ' ', '\r']) != title.trim() {
        content
    } else if first.starts_with('#') {
        rest.trim_start()
    } else if underlined {
        after.trim_start()
    } else {
        content
    }
}

fn history_lines(revisions: &[Revision], width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for (i, revision) in revisions.iter().enumerate() {
        let number = revision.memory.as_ref().map(|memory| format!("rev {}", memory.revision));
        lines.push(Line::from(vec![
            Span::styled(text::pad(number.as_deref().unwrap_or("—"), 8), scene.theme.style(Role::Accent)),
            Span::styled(
                text::pad(revision.event.rsplit('.').next().unwrap_or_default(), 12),
                scene.theme.style(Role::Text),
            ),
            Span::styled(text::pad(&scene.when(revision.recorded_at), 12), scene.theme.style(Role::Muted)),
            Span::styled(revision.actor.to_string(), scene.theme.style(Role::Muted)),
        ]));
        let older = revisions[i + 1..].iter().find_map(|older| older.memory.as_ref());
        if let Some(memory) = &revision.memory {
            for change in changes(older, memory) {
                lines.extend(wrapped(&format!("  {change}"), Role::Muted, width, scene));
            }
        }
        lines.push(blank());
    }
    lines
}

/// What a revision changed, in words.
fn changes(older: Option<&Memory>, newer: &Memory) -> Vec<String> {
    let Some(older) = older else { return vec![newer.title.clone()] };
    let mut said = Vec::new();
    if older.title != newer.title {
        said.push(format!("title: {} → {}", older.title, newer.title));
    }
    if older.kind != newer.kind {
        said.push(format!("type: {} → {}", older.kind, newer.kind));
    }
    if older.tags != newer.tags {
        said.push(format!("tags: {} → {}", older.tags.join(" "), newer.tags.join(" ")));
    }
    if older.project != newer.project {
        said.push(format!("project: {} → {}", older.project, newer.project));
    }
    if older.status != newer.status {
        said.push(format!("status: {} → {}", older.status.word(), newer.status.word()));
    }
    if older.content != newer.content {
        let old: std::collections::HashSet<_> = older.content.lines().collect();
        let new: std::collections::HashSet<_> = newer.content.lines().collect();
        let shown = |sign: char, line: &str| format!("{sign} {}", line.trim());
        let gone = older.content.lines().filter(|line| !new.contains(line) && !line.trim().is_empty());
        let came = newer.content.lines().filter(|line| !old.contains(line) && !line.trim().is_empty());
        let (gone, came): (Vec<_>, Vec<_>) = (gone.collect(), came.collect());
        said.push(format!("content: {} lines more, {} lines less", came.len(), gone.len()));
        said.extend(gone.iter().take(CHANGED_LINES_MAX).map(|line| shown('-', line)));
        said.extend(came.iter().take(CHANGED_LINES_MAX).map(|line| shown('+', line)));
    }
    said
}

/// Changed lines shown of one revision, of each sign.
const CHANGED_LINES_MAX: usize = 6;
const BAR_WIDTH: usize = 12;

fn bar(theme: &Theme) -> &'static str {
    if theme.ascii() { "=" } else { "━" }
}

fn explain_lines(
    score: f32,
    terms: &[String],
    explain: &Explanation,
    width: usize,
    scene: &Scene,
) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let mut lines = Vec::new();
    if score > 0.0 {
        lines.push(Line::from(vec![
            Span::styled("score ", theme.style(Role::Muted)),
            Span::styled(format!("{score:.2}"), theme.style(Role::Accent)),
            Span::styled(format!("   matched {}", terms.join(", ")), theme.style(Role::Muted)),
        ]));
        lines.push(blank());
    }
    for sentence in &explain.words {
        lines.extend(wrapped(sentence, Role::Text, width, scene));
    }
    if explain.terms.is_empty() {
        return lines;
    }
    lines.push(blank());
    // Narrow: the bars go first, the numbers stay.
    let bar_width = if width >= 58 { BAR_WIDTH } else { 0 };
    lines.push(Line::styled(
        format!("{:<16} {:<9}{:<bar_width$}{:>7}{:>11}", "term", "in", "", "worth", "documents"),
        theme.style(Role::Muted),
    ));
    let most = explain.terms.iter().map(|term| term.worth).fold(f32::EPSILON, f32::max);
    for term in &explain.terms {
        let filled = ((term.worth / most) * bar_width as f32).round().clamp(0.0, bar_width as f32) as usize;
        let name = text::pad(&text::cut(&text::escape_line(&term.term), 16), 17);
        lines.push(Line::from(vec![
            Span::styled(name, theme.style(Role::Strong)),
            Span::styled(text::pad(&term.field, 9), theme.style(Role::Text)),
            Span::styled(bar(theme).repeat(filled), theme.style(Role::Score)),
            Span::styled(bar(theme).repeat(bar_width - filled), theme.style(Role::ScoreRest)),
            Span::styled(format!("{:>7.2}", term.worth), theme.style(Role::Text)),
            Span::styled(format!("{:>11}", term.documents), theme.style(Role::Muted)),
        ]));
    }
    lines
}

fn fault_lines(fault: &Fault, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let mut lines: Vec<_> = wrapped(&fault.message, Role::Error, width, scene).collect();
    for more in fault.cause.iter().chain(&fault.hint) {
        lines.extend(wrapped(more, Role::Muted, width, scene));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_that_is_the_title_is_not_said_twice() {
        assert_eq!(without_title("# One thing\n\nbody", "One thing"), "body");
        assert_eq!(without_title("One thing\n=====\nbody", "One thing"), "body");
        assert_eq!(without_title("One thing\nbody", "One thing"), "One thing\nbody");
        assert_eq!(without_title("# Other\n\nbody", "One thing"), "# Other\n\nbody");
        assert_eq!(without_title("", ""), "");
    }
}
