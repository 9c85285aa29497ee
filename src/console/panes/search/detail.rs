//! What is open beside the list: the memory whole, its history, or why it is where it is. Laid out in `update`, for the
//! width it has, so that drawing only shows lines. Its code is drawn plain until what it is made of is known.

use std::sync::Arc;

use ratatui::{
    style::Style,
    text::{Line, Span},
};

use super::{
    super::super::{
        effect::Effect,
        hyperlink::Hyperlinks,
        markdown::{self, code::Tokens},
        model::At,
        scene::{Out, Scene},
        theme::Role,
        widgets::list::Step,
    },
    super::decisions,
    explain::Explained,
};
use crate::console::text;
use crate::{
    door::Revision,
    model::{Decision, Fault, Id, Memory},
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
    /// With what each of its blocks of code is made of.
    Memory(Box<Memory>, Vec<Tokens>),
    Decision(Box<Decision>),
    History(Vec<Revision>),
    Explain(Explained),
    Fault(Fault),
}

#[derive(Debug, Clone)]
pub struct Detail {
    /// The hub that is asked.
    pub at: At,
    pub id: Id,
    pub side: Side,
    body: Option<Body>,
    /// What is shown is still another memory's: the one asked for is on its way.
    pub turning: bool,
    lines: Vec<Line<'static>>,
    links: Arc<Hyperlinks>,
    laid_out_for: Option<u16>,
    top: usize,
}

impl Detail {
    pub fn new((at, id): (At, Id), side: Side) -> Detail {
        Detail {
            at,
            id,
            side,
            body: None,
            turning: true,
            lines: Vec::new(),
            links: Arc::default(),
            laid_out_for: None,
            top: 0,
        }
    }

    /// To another memory or another side; what is shown stays until the new is there.
    pub fn turn(&mut self, key: (At, Id), side: Side) {
        self.turning = true;
        // What bears one id at two hubs is not the same.
        if self.at != key.0 && self.id == key.1 {
            self.body = None;
        }
        (self.at, self.id) = key;
        self.side = side;
    }

    pub fn key(&self) -> (At, Id) {
        (self.at, self.id)
    }

    pub fn is_empty(&self) -> bool {
        self.body.is_none() || self.turning
    }

    pub fn shown(&self) -> Option<&Memory> {
        match &self.body {
            Some(Body::Memory(memory, _)) if memory.id == self.id => Some(memory),
            _ => None,
        }
    }

    pub fn memory(&mut self, result: Result<Memory, Fault>, scene: &Scene, out: &mut Out) {
        if self.side != Side::Memory {
            return;
        }
        let (same, colours) = match (&mut self.body, &result) {
            (Some(Body::Memory(old, colours)), Ok(new)) if old.id == new.id => {
                let same_text = old.content == new.content;
                (true, if same_text { std::mem::take(colours) } else { Vec::new() })
            }
            _ => (false, Vec::new()),
        };
        if let Ok(memory) = &result
            && colours.is_empty()
        {
            let blocks = markdown::blocks(content_of(memory));
            if blocks.iter().any(|block| !block.language.is_empty()) {
                let (id, revision) = (memory.id, memory.revision);
                out.effects.push(Effect::Highlight { id, revision, blocks });
            }
        }
        let body = result.map_or_else(Body::Fault, |memory| Body::Memory(Box::new(memory), colours));
        self.take(body, same, scene);
    }

    /// A hit of another kind, opened in the same place.
    pub fn decision(&mut self, result: Result<Box<Decision>, Fault>, scene: &Scene) {
        if self.side == Side::Memory {
            let same =
                matches!((&self.body, &result), (Some(Body::Decision(old)), Ok(new)) if old.id == new.id);
            self.take(result.map_or_else(Body::Fault, Body::Decision), same, scene);
        }
    }

    /// What the code of a memory is made of; of another, or an older revision, nothing.
    pub fn coloured(&mut self, id: Id, revision: u32, tokens: Vec<Tokens>, scene: &Scene) {
        if let Some(Body::Memory(memory, colours)) = &mut self.body
            && (memory.id, memory.revision) == (id, revision)
        {
            *colours = tokens;
            if let Some(width) = self.laid_out_for.take() {
                self.lay_out(width, scene);
            }
        }
    }

    /// Where the marked cells of its lines lead.
    pub fn hyperlinks(&self) -> Arc<Hyperlinks> {
        Arc::clone(&self.links)
    }

    pub fn history(&mut self, result: Result<Vec<Revision>, Fault>, scene: &Scene) {
        if self.side == Side::History {
            self.take(result.map_or_else(Body::Fault, Body::History), false, scene);
        }
    }

    pub fn explain(&mut self, result: Result<Explained, Fault>, scene: &Scene) {
        if self.side == Side::Explain {
            self.take(result.map_or_else(Body::Fault, Body::Explain), false, scene);
        }
    }

    /// Whose it is, where several hubs are shown.
    fn hub(&self, scene: &Scene) -> Option<String> {
        let several = scene.fleet.is_many() && scene.fleet.only().is_none();
        several.then(|| text::escape_line(scene.fleet.name(self.at)).into_owned())
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
        let mut links = Hyperlinks::default();
        let hub = self.hub(scene);
        self.lines = match &self.body {
            None => Vec::new(),
            Some(Body::Memory(memory, colours)) => {
                memory_lines(memory, hub, colours, &mut links, width, scene)
            }
            Some(Body::Decision(decision)) => {
                decisions::detail::lines(decision, hub, &mut links, width, scene)
            }
            Some(Body::History(revisions)) => history_lines(revisions, width, scene),
            Some(Body::Explain(explained)) => explained.lines(width, scene),
            Some(Body::Fault(fault)) => fault_lines(fault, width, scene),
        };
        self.links = Arc::new(links);
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
    let style = scene.theme.style(Role::Text);
    marked_field(name, &value, style, width, scene)
}

fn marked_field(name: &str, value: &str, style: Style, width: usize, scene: &Scene) -> Line<'static> {
    let value = text::cut(&text::escape_line(value), width.saturating_sub(11)).into_owned();
    Line::from(vec![
        Span::styled(text::pad(name, 11), scene.theme.style(Role::Muted)),
        Span::styled(value, style),
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

/// The text of a memory as it is shown, without what stands above it already.
fn content_of(memory: &Memory) -> &str {
    without_title(&memory.content, &memory.title)
}

fn memory_lines(
    memory: &Memory,
    hub: Option<String>,
    colours: &[Tokens],
    links: &mut Hyperlinks,
    width: usize,
    scene: &Scene,
) -> Vec<Line<'static>> {
    let mut lines: Vec<_> = wrapped(&memory.title, Role::Heading1, width, scene).collect();
    let dim = scene.theme.style(Role::Muted);
    let mut facts: Vec<String> = hub.into_iter().chain([memory.kind.clone()]).collect();
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
    let content = markdown::render(content_of(memory), width, scene.theme, colours);
    *links = content.links;
    lines.extend(content.lines);
    lines.push(blank());
    lines.push(Line::styled(scene.theme.lines().0.repeat(width), scene.theme.style(Role::Rule)));
    lines.push(field("id", memory.id.to_string(), width, scene));
    lines.push(field("created", scene.all_forms(memory.created_at), width, scene));
    lines.push(field("updated", scene.all_forms(memory.updated_at), width, scene));
    lines.push(field("by", memory.origin.actor.to_string(), width, scene));
    if let Some(url) = &memory.origin.url {
        let mark = links.mark(url).unwrap_or_default();
        lines.push(marked_field("from", url, scene.theme.style(Role::Text).patch(mark), width, scene));
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
