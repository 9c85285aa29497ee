//! Exports what a pane shows: the form, where to, and while it goes on, how far it is. The verb that gives the same bytes
//! stands below, to be taken into a script.

use std::path::PathBuf;

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line as Text, Span},
    widgets::Paragraph,
};

use super::Above;
use crate::{
    console::{
        action::{Action, Place},
        effect::Effect,
        export::{Asked, Format, ROWS_MAX, Target, What},
        layout::centred,
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{
            frame::{foot, input, window},
            line::{Line, Typed},
            list::Step,
        },
    },
    model::Fault,
};

const WIDTH: u16 = 76;
const LABEL: usize = 9;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Format,
    To,
    Path,
}

pub struct Export {
    what: What,
    /// What is exported, in words, and the verb that gives the same.
    about: String,
    verb: Option<String>,
    format: Format,
    to_file: bool,
    path: Line,
    /// The name of the file without its end, as long as nobody has typed another.
    stem: String,
    field: Field,
    /// Rows gathered so far, while it goes on.
    running: Option<u64>,
    fault: Option<Fault>,
}

impl Export {
    /// `stem` begins the name of the file; the time does the rest, so that no name is there twice.
    pub fn new(what: What, about: String, verb: Option<String>, stem: &str, scene: &Scene) -> Export {
        let stem = format!("wheelhouse-{stem}-{}", scene.now.at(scene.zone()).format("%Y%m%d-%H%M%S"));
        let format = Format::default();
        Export {
            what,
            about,
            verb,
            format,
            to_file: true,
            path: Line::new(&format!("{stem}.{}", format.extension())),
            stem,
            field: Field::Format,
            running: None,
            fault: None,
        }
    }

    pub fn gathered(&mut self, rows: u64) {
        if let Some(running) = &mut self.running {
            *running = rows;
        }
    }

    /// It did not come to its end; another name may help.
    pub fn failed(&mut self, fault: Fault) {
        self.running = None;
        self.fault = Some(fault);
    }

    /// As it is asked for now.
    pub fn asked(&self, replace: bool) -> Asked {
        let to = if self.to_file {
            Target::File { path: PathBuf::from(self.path.text().trim()), replace }
        } else {
            Target::Clipboard
        };
        Asked { what: self.what.clone(), format: self.format, to }
    }

    fn step_value(&mut self, forward: bool) {
        match self.field {
            Field::Format => {
                let typed = self.path.text() != format!("{}.{}", self.stem, self.format.extension());
                let at = Format::ALL.iter().position(|format| *format == self.format).unwrap_or(0);
                let step = if forward { 1 } else { Format::ALL.len() - 1 };
                self.format = Format::ALL[(at + step) % Format::ALL.len()];
                if !typed {
                    self.path.set(&format!("{}.{}", self.stem, self.format.extension()));
                }
            }
            Field::To => self.to_file = !self.to_file,
            Field::Path if forward => self.path.right(),
            Field::Path => self.path.left(),
        }
    }

    fn fields(&self) -> &'static [Field] {
        if self.to_file { &[Field::Format, Field::To, Field::Path] } else { &[Field::Format, Field::To] }
    }

    fn step_field(&mut self, step: Step) {
        let fields = self.fields();
        let at = fields.iter().position(|field| *field == self.field).unwrap_or(0);
        let to = match step {
            Step::Up => (at + fields.len() - 1) % fields.len(),
            Step::Down => (at + 1) % fields.len(),
            Step::PageUp | Step::First => 0,
            Step::PageDown | Step::Last => fields.len() - 1,
        };
        self.field = fields[to];
    }

    fn begin(&mut self, out: &mut Out) {
        if self.running.is_some() {
            return;
        }
        self.fault = None;
        if self.to_file && self.path.text().trim().is_empty() {
            self.fault = Some(Fault::invalid("the file needs a name"));
            self.field = Field::Path;
            return;
        }
        self.running = Some(0);
        out.effects.push(Effect::Export(Box::new(self.asked(false))));
    }
}

impl Above for Export {
    fn place(&self) -> Place {
        Place::Export
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back | Action::StopExport if self.running.is_some() => {
                out.effects.push(Effect::CancelExport);
            }
            Action::Back => out.close = true,
            Action::StopExport => {}
            Action::Open => self.begin(out),
            Action::PreviousValue if self.running.is_none() => self.step_value(false),
            Action::NextValue if self.running.is_none() => self.step_value(true),
            action => match crate::console::widgets::frame::step_of(action) {
                Some(step) => self.step_field(step),
                None => return false,
            },
        }
        true
    }

    fn key(&mut self, key: KeyEvent, _: &Scene, _: &mut Out) {
        if self.field == Field::Path && self.running.is_none() && self.path.key(key) == Typed::Changed {
            self.fault = None;
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, _: &mut Out) {
        if self.to_file && self.running.is_none() {
            self.field = Field::Path;
            self.path.insert(text.trim());
        }
    }

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let width = WIDTH.min(area.width.saturating_sub(2));
        let inner_width = width.saturating_sub(4).max(1) as usize;
        let below = self.below(inner_width, scene);
        let fields = 3;
        let area = centred(area, width, fields + below.len() as u16 + 2);
        let inner = window(frame, area, "Export", scene);
        foot(frame, area, Place::Export, self.keys(), scene);
        let lines = [Field::Format, Field::To, Field::Path].map(|field| self.row(field, scene));
        let all: Vec<Text> = lines.into_iter().chain(below).collect();
        frame.render_widget(Paragraph::new(all), inner);
        if self.to_file && inner.height > 2 {
            let label = LABEL.min(inner.width as usize) as u16;
            let at = Rect { x: inner.x + label, y: inner.y + 2, width: inner.width - label, height: 1 };
            let active = self.field == Field::Path && self.running.is_none();
            input(frame, at, &self.path, "", "a name, or a path", active, scene);
        }
    }
}

impl Export {
    fn keys(&self) -> &'static [(Action, &'static str)] {
        match (self.running, self.field) {
            (Some(_), _) => &[(Action::StopExport, "stop")],
            (None, Field::Path) => {
                &[(Action::Open, "export"), (Action::Back, "close"), (Action::Down, "field")]
            }
            (None, _) => &[
                (Action::Open, "export"),
                (Action::Back, "close"),
                (Action::NextValue, "change"),
                (Action::Down, "field"),
            ],
        }
    }

    fn row(&self, field: Field, scene: &Scene) -> Text<'static> {
        let theme = scene.theme;
        let lit = self.field == field && self.running.is_none();
        let label = theme.style(if lit { Role::LabelFocus } else { Role::Label });
        let (before, after) = match (lit, theme.ascii()) {
            (true, false) => ("‹ ", " ›"),
            (true, true) => ("< ", " >"),
            (false, _) => ("  ", "  "),
        };
        let (name, value) = match field {
            Field::Format => ("Format", self.format.title()),
            Field::To => ("To", if self.to_file { "a file" } else { "the clipboard" }),
            Field::Path if self.to_file => ("File", ""),
            Field::Path => ("", ""),
        };
        let mut spans = vec![Span::styled(text::pad(name, LABEL), label)];
        if field != Field::Path {
            spans.push(Span::styled(before, theme.style(Role::Muted)));
            spans.push(Span::styled(value, theme.style(if lit { Role::Strong } else { Role::Text })));
            spans.push(Span::styled(after, theme.style(Role::Muted)));
        }
        if field == Field::Format {
            let others = Format::ALL.into_iter().filter(|format| *format != self.format).map(Format::title);
            let others = others.collect::<Vec<_>>().join("  ");
            spans.push(Span::styled(format!("  {others}"), theme.style(Role::Muted)));
        }
        Text::from(spans)
    }

    /// How far it is, what is wrong, or what would be exported and by which verb.
    fn below(&self, width: usize, scene: &Scene) -> Vec<Text<'static>> {
        let theme = scene.theme;
        let styled = |said: &str, role: Role| -> Vec<Text<'static>> {
            let lines = text::wrap(&text::escape_line(said), width).into_iter();
            lines.map(|line| Text::styled(line, theme.style(role))).collect()
        };
        let mut lines = vec![Text::default()];
        match (self.running, &self.fault) {
            (Some(rows), _) => {
                let said =
                    format!("{} {} gathered", theme.glyph(Role::Busy), text::counted(rows, "row", "rows"));
                lines.extend(styled(&said, Role::Busy));
            }
            (None, Some(fault)) => {
                lines.extend(styled(&fault.message, Role::Error));
                for more in fault.cause.iter().chain(&fault.hint) {
                    lines.extend(styled(more, Role::Muted));
                }
            }
            (None, None) => {
                lines.extend(styled(&self.about, Role::Text));
                if let Some(verb) = &self.verb {
                    let line = format!("{verb} --format {}", self.format.name());
                    lines.push(Text::styled("The same from a shell:", theme.style(Role::Muted)));
                    lines.extend(styled(&line, Role::Muted));
                }
                if !self.to_file {
                    let bound = text::bytes(crate::console::clip::CLIPBOARD_BYTES_MAX as u64);
                    lines.extend(styled(&format!("Terminals take {bound} at most."), Role::Muted));
                }
            }
        }
        lines
    }
}

/// Rows of an export, in words.
pub fn bound() -> String {
    format!("at most {} rows", text::count(ROWS_MAX as u64))
}
