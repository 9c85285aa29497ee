//! What is open beside the list, as lines laid out for the width they have, and how far they are read.

use std::sync::Arc;

use ratatui::text::{Line, Span};

use super::row;
use crate::{
    console::{hyperlink::Hyperlinks, markdown, scene::Scene, text, theme::Role, widgets::list::Step},
    model::{Decision, Id},
};

/// Columns of a field's name below the text.
const NAME: usize = 11;

#[derive(Debug, Default)]
pub struct Reader {
    pub lines: Vec<Line<'static>>,
    pub links: Arc<Hyperlinks>,
    laid_out_for: Option<(u16, Option<Id>)>,
    shown: Option<Id>,
    pub top: usize,
}

impl Reader {
    /// Something else is opened.
    pub fn begin(&mut self) {
        *self = Reader::default();
    }

    /// What it says is another thing, or looks otherwise; the place in it stays while it is of the same one.
    pub fn forget(&mut self) {
        self.laid_out_for = None;
    }

    pub fn lay_out(
        &mut self,
        width: u16,
        shown: Option<Id>,
        lines: impl FnOnce(usize, &mut Hyperlinks) -> Vec<Line<'static>>,
    ) {
        if self.laid_out_for == Some((width, shown)) {
            return;
        }
        if self.shown != shown {
            self.top = 0;
        }
        self.shown = shown;
        self.laid_out_for = Some((width, shown));
        let mut links = Hyperlinks::default();
        self.lines = lines((width as usize).max(1), &mut links);
        self.links = Arc::new(links);
        self.top = self.top.min(self.lines.len().saturating_sub(1));
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

    /// How far down it is read, 0 to 100; none when all of it is seen.
    pub fn percent(&self, height: usize) -> Option<usize> {
        let hidden = self.lines.len().checked_sub(height).filter(|hidden| *hidden > 0)?;
        Some((self.top * 100 / hidden).min(100))
    }
}

pub fn wrapped(said: &str, role: Role, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let style = scene.theme.style(role);
    let lines = text::wrap(&text::escape_line(said), width.max(1));
    lines.into_iter().map(|line| Line::styled(line, style)).collect()
}

fn rule(width: usize, scene: &Scene) -> Line<'static> {
    Line::styled(scene.theme.lines().0.repeat(width), scene.theme.style(Role::Rule))
}

fn field(name: &str, value: &str, width: usize, scene: &Scene) -> Line<'static> {
    let value = text::cut(&text::escape_line(value), width.saturating_sub(NAME)).into_owned();
    Line::from(vec![
        Span::styled(text::pad(name, NAME), scene.theme.style(Role::Muted)),
        Span::styled(value, scene.theme.style(Role::Text)),
    ])
}

/// The whole of a decision. `hub`: whose its number is, where others have the same numbers.
pub fn lines(
    decision: &Decision,
    hub: Option<String>,
    links: &mut Hyperlinks,
    width: usize,
    scene: &Scene,
) -> Vec<Line<'static>> {
    let title = format!("{}  {}", decision.number, decision.title);
    let mut lines = wrapped(&title, Role::Heading1, width, scene);
    let mut facts: Vec<String> = hub.into_iter().chain([decision.status.word().to_owned()]).collect();
    facts.extend(decision.confidence.map(|confidence| format!("confidence {}", row::confidence(confidence))));
    if !decision.project.is_none() {
        facts.push(decision.project.to_string());
    }
    facts.push(scene.when(decision.updated_at));
    facts.push(format!("rev {}", decision.revision));
    let dot = format!("  {}  ", scene.theme.dot());
    lines.extend(wrapped(&facts.join(&dot), Role::Muted, width, scene));
    if let Some((role, said)) = row::outcome(decision) {
        lines.extend(wrapped(&format!("{} {said}", scene.theme.glyph(role)), role, width, scene));
    }
    if let Some(day) = decision.review_on {
        let due = row::due(decision, scene.now)
            .map(|(role, said)| (role, format!(" {} {said}", scene.theme.dot())));
        let (role, more) = due.unwrap_or((Role::Muted, String::new()));
        lines.extend(wrapped(&format!("review on {day}{more}"), role, width, scene));
    }
    if !decision.tags.is_empty() {
        let tags: Vec<_> = decision.tags.iter().map(|tag| format!("#{tag}")).collect();
        lines.extend(wrapped(&tags.join(" "), Role::Tag, width, scene));
    }
    lines.push(rule(width, scene));
    let said = decision.text();
    if said.trim().is_empty() {
        lines.extend(wrapped("Nothing more was said.", Role::Placeholder, width, scene));
    } else {
        let rendered = markdown::render(&said, width, scene.theme, &[]);
        *links = rendered.links;
        lines.extend(rendered.lines);
    }
    lines.push(Line::default());
    lines.push(rule(width, scene));
    lines.push(field("id", &decision.id.to_string(), width, scene));
    lines.push(field("created", &scene.all_forms(decision.created_at), width, scene));
    lines.push(field("updated", &scene.all_forms(decision.updated_at), width, scene));
    lines.push(field("by", &decision.origin.actor.to_string(), width, scene));
    lines.extend(decision.origin.url.iter().map(|url| field("from", url, width, scene)));
    lines.extend(decision.supersedes.iter().map(|id| field("supersedes", &id.to_string(), width, scene)));
    lines.extend(
        decision.superseded_by.iter().map(|id| field("superseded", &format!("by {id}"), width, scene)),
    );
    lines
}
