//! Import: a path with completion, then progress, then the report. The import itself goes on when this is closed.

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Position, Rect},
    text::{Line as Text, Span},
    widgets::Paragraph,
};

use super::Above;
use crate::console::text;
use crate::{
    console::{
        action::{Action, Place},
        effect::Effect,
        layout::{centred, head},
        scene::{Out, Scene},
        theme::Role,
        widgets::{
            frame::{bar, input, point, step_of},
            line::{Line, Typed},
            list::Step,
        },
    },
    ingest::{ImportReport, Progress},
    model::{Fault, Project, Time},
};

const WIDTH: u16 = 84;
const HEIGHT: u16 = 20;
const NAMES_SHOWN: usize = 8;
/// Lines that a page and the wheel go by.
const PAGE: usize = 8;
const WHEEL: usize = 3;
const SAID: &str = "A folder or a file: Markdown, plain text, JSONL. Each file becomes one memory; importing again takes \
                    only what changed. Files that git ignores stay out.";
/// Reports of skipped and removed files kept on screen; the log has the rest.
const REPORT_LINES_MAX: usize = 1_000;

/// An import as the console knows it, whether its window is open or not.
#[derive(Debug, Clone)]
pub struct Importing {
    pub path: String,
    pub started: Time,
    pub progress: Progress,
    /// Asked to stop; what is on its way is finished.
    pub stopping: bool,
    pub report: Option<Result<ImportReport, Fault>>,
}

impl Importing {
    pub fn is_running(&self) -> bool {
        self.report.is_none()
    }

    /// 0 to 1 of what is known so far.
    pub fn part(&self) -> f64 {
        match (self.progress.bytes_found, self.progress.found) {
            (0, 0) => 0.0,
            (0, found) => self.progress.done as f64 / found as f64,
            (bytes_found, _) => self.progress.bytes as f64 / bytes_found as f64,
        }
    }
}

pub struct Import {
    path: Line,
    project: Option<Project>,
    names: Vec<String>,
    scroll: usize,
    /// The person typed another path after a report.
    again: bool,
}

impl Import {
    pub fn new(project: Option<Project>, out: &mut Out) -> Import {
        let path = Line::new("~/");
        out.effects.push(Effect::CompletePath(path.text().to_owned()));
        Import { path, project, names: Vec::new(), scroll: 0, again: false }
    }

    pub fn completed(&mut self, asked: &str, names: Vec<String>) {
        if asked == self.path.text() {
            self.names = names;
        }
    }

    fn is_entry(&self, scene: &Scene) -> bool {
        scene.import.is_none_or(|import| self.again && !import.is_running())
    }

    fn changed(&mut self, out: &mut Out) {
        out.effects.push(Effect::CompletePath(self.path.text().to_owned()));
    }

    fn scroll(&mut self, step: Step, lines: usize) {
        let to = match step {
            Step::Up => self.scroll.saturating_sub(lines),
            Step::Down => self.scroll + lines,
            Step::PageUp => self.scroll.saturating_sub(PAGE),
            Step::PageDown => self.scroll + PAGE,
            Step::First => 0,
            Step::Last => REPORT_LINES_MAX,
        };
        self.scroll = to.min(REPORT_LINES_MAX);
    }

    /// The folder that is typed into, with its slash.
    fn folder(&self) -> &str {
        let typed = self.path.text();
        &typed[..typed.rfind('/').map_or(0, |i| i + 1)]
    }

    fn take_name(&mut self, name: &str, out: &mut Out) {
        let whole = format!("{}{name}", self.folder());
        self.path.set(&whole);
        self.changed(out);
    }

    /// Tab: as far as the names agree.
    fn complete(&mut self, out: &mut Out) {
        let Some(first) = self.names.first() else { return };
        let mut common = first.as_str();
        for name in &self.names {
            let agree =
                common.char_indices().zip(name.chars()).find(|((_, a), b)| a != b).map(|((i, _), _)| i);
            common = &common[..agree.unwrap_or(common.len().min(name.len()))];
        }
        if self.folder().len() + common.len() > self.path.text().len() {
            let common = common.to_owned();
            self.take_name(&common, out);
        }
    }
}

impl Above for Import {
    fn place(&self) -> Place {
        Place::Import
    }

    fn title(&self) -> &str {
        "Import"
    }

    fn window(&self, area: Rect, _: &Scene) -> Rect {
        centred(area, WIDTH.min(area.width.saturating_sub(4)), HEIGHT)
    }

    fn foot(&self, scene: &Scene) -> Vec<(Action, &'static str)> {
        let entry = self.is_entry(scene);
        match scene.import.filter(|_| !entry).map(|import| &import.report) {
            None => {
                vec![(Action::Complete, "complete"), (Action::Open, "import"), (Action::Back, "close")]
            }
            Some(None) => vec![(Action::StopImport, "stop"), (Action::Back, "goes on behind")],
            Some(Some(Ok(_))) => {
                vec![(Action::Down, "scroll"), (Action::Open, "import more"), (Action::Back, "close")]
            }
            Some(Some(Err(_))) => vec![(Action::Open, "try again"), (Action::Back, "close")],
        }
    }

    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back => out.close = true,
            Action::StopImport => out.effects.push(Effect::CancelImport),
            Action::Open if self.is_entry(scene) => {
                if !self.path.text().trim().is_empty() {
                    self.again = false;
                    out.effects.push(Effect::Import {
                        path: self.path.text().trim().into(),
                        project: self.project.clone(),
                    });
                }
            }
            Action::Open => match scene.import {
                Some(import) if !import.is_running() => self.again = true,
                _ => out.close = true,
            },
            Action::Complete => self.complete(out),
            Action::ClearText => {
                self.path.clear();
                self.changed(out);
            }
            action => match step_of(action) {
                Some(step) => self.scroll(step, 1),
                None => return false,
            },
        }
        true
    }

    fn key(&mut self, key: KeyEvent, scene: &Scene, out: &mut Out) {
        if self.is_entry(scene) && self.path.key(key) == Typed::Changed {
            self.changed(out);
        }
    }

    fn paste(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        if self.is_entry(scene) {
            self.path.insert(text.trim());
            self.changed(out);
        }
    }

    /// The path, or one of the names that could complete it.
    fn click(&mut self, at: Position, inner: Rect, scene: &Scene, out: &mut Out) {
        if !self.is_entry(scene) {
            return;
        }
        let [_, line, names] = entry_areas(inner);
        if line.contains(at) {
            point(&mut self.path, line, at);
        } else if names.contains(at)
            && let Some(name) = self.names.iter().take(NAMES_SHOWN).nth((at.y - names.y) as usize).cloned()
        {
            self.take_name(&name, out);
        }
    }

    fn wheel(&mut self, step: Step, _: &Scene, _: &mut Out) {
        self.scroll(step, WHEEL);
    }

    fn view(&self, frame: &mut Frame, _: Rect, inner: Rect, scene: &Scene) {
        let entry = self.is_entry(scene);
        let Some(import) = scene.import.filter(|_| !entry) else {
            return self.view_entry(frame, inner, scene);
        };
        let mut lines = match &import.report {
            None => progress_lines(import, inner.width as usize, scene),
            Some(Ok(report)) => report_lines(import, report, inner.width as usize, scene),
            Some(Err(fault)) => fault_lines(fault, inner.width.max(1) as usize, scene),
        };
        let from = self.scroll.min(lines.len().saturating_sub(inner.height as usize));
        frame.render_widget(Paragraph::new(lines.split_off(from)), inner);
    }
}

/// What can be imported in a few words, the path, and what could complete it.
fn entry_areas(inner: Rect) -> [Rect; 3] {
    let said = text::wrap(SAID, inner.width.max(1) as usize).len() as u16;
    let [top, rest] = head(inner, said + 2);
    let [line, names] = head(rest, 2);
    [top, Rect { height: line.height.min(1), ..line }, names]
}

fn fault_lines(fault: &Fault, width: usize, scene: &Scene) -> Vec<Text<'static>> {
    let said = std::iter::once(&fault.message).chain(&fault.cause).chain(&fault.hint);
    let lines = said.flat_map(|said| text::wrap(&text::escape_line(said), width));
    let lines = lines.map(|line| Text::styled(line, scene.theme.style(Role::Error)));
    std::iter::once(Text::default()).chain(lines).collect()
}

impl Import {
    fn view_entry(&self, frame: &mut Frame, inner: Rect, scene: &Scene) {
        let theme = scene.theme;
        let width = inner.width.max(1) as usize;
        let [top, line, rest] = entry_areas(inner);
        let said = text::wrap(SAID, width).into_iter();
        let said = said.map(|line| Text::styled(line, theme.style(Role::Muted)));
        let said: Vec<Text> = std::iter::once(Text::default()).chain(said).collect();
        frame.render_widget(Paragraph::new(said), top);
        input(frame, line, &self.path, "", "path", true, scene);
        let mut lines: Vec<Text> = self
            .names
            .iter()
            .take(NAMES_SHOWN)
            .map(|name| {
                Text::styled(
                    format!("  {}", text::cut(&text::escape_line(name), width.saturating_sub(2))),
                    theme.style(Role::Muted),
                )
            })
            .collect();
        if self.names.len() > NAMES_SHOWN {
            lines.push(Text::styled(
                format!("  {} more", self.names.len() - NAMES_SHOWN),
                theme.style(Role::Placeholder),
            ));
        }
        frame.render_widget(Paragraph::new(lines), rest);
    }
}

fn progress_lines(import: &Importing, width: usize, scene: &Scene) -> Vec<Text<'static>> {
    let theme = scene.theme;
    let progress = &import.progress;
    let muted = theme.style(Role::Muted);
    let strong = theme.style(Role::Strong);
    let part = scene.progress(import.part());
    let mut bar_line = bar(part, width.saturating_sub(6), scene);
    bar_line.push(Span::styled(format!(" {:>3} %", (part * 100.0) as u64), strong));
    let eta = progress.eta.map_or_else(|| "—".to_owned(), |eta| format!("{} s", eta.as_secs().max(1)));
    let count = |name: &'static str, n: u64| {
        vec![Span::styled(format!("{:>7} ", text::count(n)), strong), Span::styled(name, muted)]
    };
    vec![
        Text::default(),
        Text::styled(text::cut(&text::escape_line(&import.path), width).into_owned(), strong),
        Text::default(),
        Text::from(bar_line),
        Text::styled(
            format!(
                "{} of {} files   {}   {:.0} files/s   {} left",
                text::count(progress.done),
                text::count(progress.found),
                text::bytes(progress.bytes),
                progress.rate_per_s,
                eta
            ),
            muted,
        ),
        Text::default(),
        Text::from(count("taken", progress.taken)),
        Text::from(count("changed", progress.changed)),
        Text::from(count("unchanged", progress.unchanged)),
        Text::from(count("skipped", progress.skipped)),
        Text::default(),
        Text::styled(
            text::cut_left(&text::escape_line(&progress.current), width).into_owned(),
            theme.style(Role::Placeholder),
        ),
        Text::styled(
            if import.stopping { "stopping: finishing what is on its way" } else { "" },
            theme.style(Role::Warn),
        ),
    ]
}

fn report_lines(
    import: &Importing,
    report: &ImportReport,
    width: usize,
    scene: &Scene,
) -> Vec<Text<'static>> {
    let theme = scene.theme;
    let muted = theme.style(Role::Muted);
    let strong = theme.style(Role::Strong);
    let count = |name: &str, n: usize| {
        Text::from(vec![
            Span::styled(format!("{:>7} ", text::count(n as u64)), if n > 0 { strong } else { muted }),
            Span::styled(name.to_owned(), muted),
        ])
    };
    let head = if report.interrupted { "stopped; the same import goes on from there" } else { "done" };
    let role = if report.interrupted { Role::Warn } else { Role::Ok };
    let mut lines = vec![
        Text::default(),
        Text::from(vec![
            Span::styled(format!("{} {head}  ", theme.glyph(role)), theme.style(role)),
            Span::styled(
                text::cut(&text::escape_line(&import.path), width.saturating_sub(12)).into_owned(),
                muted,
            ),
        ]),
        Text::default(),
        count("taken", report.taken as usize),
        count("changed", report.changed as usize),
        count("unchanged", report.unchanged as usize),
        count("gone from the folder (kept here)", report.removed.len()),
        count("skipped", report.skipped.len()),
        Text::default(),
    ];
    for path in report.removed.iter().take(REPORT_LINES_MAX) {
        lines.push(Text::styled(
            format!("gone     {}", text::cut_left(&text::escape_line(path), width.saturating_sub(9))),
            muted,
        ));
    }
    for skipped in report.skipped.iter().take(REPORT_LINES_MAX) {
        lines.push(Text::styled(
            format!(
                "skipped  {}",
                text::cut_left(&text::escape_line(&skipped.path), width.saturating_sub(9))
            ),
            muted,
        ));
        for line in text::wrap(&text::escape_line(&skipped.why), width.saturating_sub(9).max(1)) {
            lines.push(Text::styled(format!("         {line}"), theme.style(Role::Warn)));
        }
    }
    lines
}
