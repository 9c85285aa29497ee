//! Exports what a pane shows: the form, where to, and while it goes on, how far it is. The verb that gives the same bytes
//! stands below, to be taken into a script.

use std::path::PathBuf;

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Position, Rect},
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
        model::At,
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{
            frame::{BORDERS, input, point, step_of},
            line::{Line, Typed},
            list::Step,
        },
    },
    model::Fault,
};

const WIDTH: u16 = 76;
const LABEL: usize = 9;
/// Columns around a value.
const AROUND: usize = 5;
/// Lines of the fields, the path's the last.
const FIELDS: u16 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Format,
    To,
    Path,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Format(Format),
    ToFile(bool),
}

pub struct Export {
    what: What,
    hubs: Vec<(At, String)>,
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
    pub fn new(
        (what, hubs): (What, Vec<(At, String)>),
        about: String,
        verb: Option<String>,
        stem: &str,
        scene: &Scene,
    ) -> Export {
        let stem = format!("wheelhouse-{stem}-{}", scene.now.at(scene.zone()).format("%Y%m%d-%H%M%S"));
        let format = Format::default();
        Export {
            what,
            hubs,
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
        Asked { what: self.what.clone(), hubs: self.hubs.clone(), format: self.format, to }
    }

    fn step_value(&mut self, forward: bool) {
        match self.field {
            Field::Format => {
                let at = Format::ALL.iter().position(|format| *format == self.format).unwrap_or(0);
                let step = if forward { 1 } else { Format::ALL.len() - 1 };
                self.set_format(Format::ALL[(at + step) % Format::ALL.len()]);
            }
            Field::To => self.to_file = !self.to_file,
            Field::Path if forward => self.path.right(),
            Field::Path => self.path.left(),
        }
    }

    /// A name that nobody has typed ends as the form does.
    fn set_format(&mut self, format: Format) {
        let own = self.path.text() != format!("{}.{}", self.stem, self.format.extension());
        self.format = format;
        if !own {
            self.path.set(&format!("{}.{}", self.stem, format.extension()));
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

    fn title(&self) -> &str {
        "Export"
    }

    fn window(&self, area: Rect, scene: &Scene) -> Rect {
        let width = WIDTH.min(area.width.saturating_sub(2));
        let below = self.below(width.saturating_sub(BORDERS).max(1) as usize, scene);
        centred(area, width, FIELDS + below.len() as u16 + 2)
    }

    fn foot(&self, _: &Scene) -> Vec<(Action, &'static str)> {
        let mut keys = vec![(Action::Open, "export"), (Action::Back, "close")];
        match (self.running, self.field) {
            (Some(_), _) => keys = vec![(Action::StopExport, "stop")],
            (None, Field::Path) => {}
            (None, _) => keys.push((Action::NextValue, "change")),
        }
        if self.running.is_none() {
            keys.push((Action::Down, "field"));
        }
        keys
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
            action => match step_of(action) {
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

    /// A field, or one of its values.
    fn click(&mut self, at: Position, inner: Rect, _: &Scene, _: &mut Out) {
        if self.running.is_some() {
            return;
        }
        let Some(field) = self.fields().get((at.y - inner.y) as usize).copied() else { return };
        self.field = field;
        if field == Field::Path {
            point(&mut self.path, path_area(inner), at);
        } else if let Some(value) = self.value_at(field, at.x - inner.x, inner.width) {
            self.choose(value);
        }
    }

    /// While it goes on, only its own keys end it.
    fn leave(&mut self, _: &Scene, out: &mut Out) {
        out.close = self.running.is_none();
    }

    fn view(&self, frame: &mut Frame, _: Rect, inner: Rect, scene: &Scene) {
        let width = inner.width.max(1) as usize;
        let lines = [Field::Format, Field::To, Field::Path].map(|field| self.row(field, width, scene));
        let all: Vec<Text> = lines.into_iter().chain(self.below(width, scene)).collect();
        frame.render_widget(Paragraph::new(all), inner);
        if self.to_file && inner.height >= FIELDS {
            let active = self.field == Field::Path && self.running.is_none();
            input(frame, path_area(inner), &self.path, "", "a name, or a path", active, scene);
        }
    }
}

fn path_area(inner: Rect) -> Rect {
    let label = LABEL.min(inner.width as usize) as u16;
    Rect { x: inner.x + label, y: inner.y + FIELDS - 1, width: inner.width - label, height: 1 }
}

impl Export {
    /// The values of a field, and whether each is the chosen one; where they have no room together, that one alone.
    fn values(&self, field: Field, width: usize) -> Vec<(Value, &'static str, bool)> {
        let format = |format: Format| (Value::Format(format), format.title(), format == self.format);
        let mut values = match field {
            Field::Format => Format::ALL.map(format).to_vec(),
            Field::To => vec![
                (Value::ToFile(true), "a file", self.to_file),
                (Value::ToFile(false), "the clipboard", !self.to_file),
            ],
            Field::Path => Vec::new(),
        };
        let all: usize = values.iter().map(|(_, said, _)| text::width(said) + AROUND).sum();
        values.retain(|(.., chosen)| LABEL + all <= width || *chosen);
        values
    }

    /// The value that stands in this column of its row.
    fn value_at(&self, field: Field, column: u16, width: u16) -> Option<Value> {
        let mut right = LABEL;
        let mut values = self.values(field, width as usize).into_iter();
        let found = values.find(|(_, said, _)| {
            right += text::width(said) + AROUND;
            (column as usize) < right
        });
        found.filter(|_| column as usize >= LABEL).map(|(value, ..)| value)
    }

    /// What is chosen already goes on to the next.
    fn choose(&mut self, value: Value) {
        match value {
            Value::Format(format) if format != self.format => self.set_format(format),
            Value::ToFile(to_file) if to_file != self.to_file => self.to_file = to_file,
            _ => self.step_value(true),
        }
    }

    /// Its label, then each value in its place, the chosen one between signs.
    fn row(&self, field: Field, width: usize, scene: &Scene) -> Text<'static> {
        let theme = scene.theme;
        let lit = self.field == field && self.running.is_none();
        let label = theme.style(if lit { Role::LabelFocus } else { Role::Label });
        let name = match field {
            Field::Format => "Format",
            Field::To => "To",
            Field::Path if self.to_file => "File",
            Field::Path => "",
        };
        let (before, after) = if theme.ascii() { ("<", ">") } else { ("‹", "›") };
        let values = self.values(field, width).into_iter().map(|(_, value, chosen)| {
            let role = match (chosen, lit) {
                (true, true) => Role::Accent,
                (true, false) => Role::Text,
                (false, _) => Role::Muted,
            };
            let said = if chosen { format!("{before} {value} {after} ") } else { format!("  {value}   ") };
            Span::styled(said, theme.style(role))
        });
        Text::from_iter(std::iter::once(Span::styled(text::pad(name, LABEL), label)).chain(values))
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
