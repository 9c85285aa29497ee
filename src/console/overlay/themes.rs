//! Picks a theme: what is selected is worn at once, Enter keeps it, Esc brings back what was worn before. It stands at
//! the edge, so that the deck shows what it would look like.

use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::Rect,
    style::Color,
    text::{Line as Text, Span},
    widgets::Paragraph,
};

use super::Above;
use crate::console::{
    action::{Action, Place},
    effect::Effect,
    layout::head,
    scene::{Out, Scene},
    text,
    theme::{Choice, Looks, Mode, Role},
    widgets::{
        frame::{foot, input, step_of, window},
        line::{Line, Typed},
        list::List,
    },
};

const WIDTH: u16 = 46;
/// Border, input and a line between.
const FRAME: u16 = 4;
const ROWS_MAX: u16 = 16;

struct Row {
    /// `None`: by the terminal's brightness.
    name: Option<String>,
    about: Result<&'static str, String>,
}

pub struct ThemePicker {
    typed: Line,
    rows: Vec<Row>,
    list: List,
    before: Choice,
    terminal: Mode,
    /// Closing leads back to the settings.
    back_to_settings: bool,
}

impl ThemePicker {
    pub fn new(looks: &Looks, back_to_settings: bool) -> ThemePicker {
        let mut picker = ThemePicker {
            typed: Line::default(),
            rows: rows(looks),
            list: List::default(),
            before: looks.choice.clone(),
            terminal: looks.terminal,
            back_to_settings,
        };
        picker.list.set_height(picker.rows.len().min(ROWS_MAX as usize));
        picker.list.set_len(picker.rows.len());
        let worn = match &looks.choice {
            Choice::Auto => None,
            Choice::Named(_) | Choice::Chosen { .. } => Some(looks.name()),
        };
        let at = picker.rows.iter().position(|row| row.name == worn);
        picker.list.select(at.unwrap_or(0));
        picker
    }

    /// The files were read again.
    pub fn themes_came(&mut self, looks: &Looks) {
        let selected = self.selected().map(|row| row.name.clone());
        self.rows = rows(looks);
        let at = selected.and_then(|name| self.shown().iter().position(|row| row.name == name));
        self.list.set_height(self.rows.len().min(ROWS_MAX as usize));
        self.list.set_len(self.shown().len());
        self.list.select(at.unwrap_or(0));
    }

    fn shown(&self) -> Vec<&Row> {
        let typed = self.typed.text().to_lowercase();
        self.rows.iter().filter(|row| name(row).to_lowercase().contains(&typed)).collect()
    }

    fn selected(&self) -> Option<&Row> {
        self.shown().get(self.list.selected()?).copied()
    }

    fn choice(&self) -> Option<Choice> {
        let row = self.selected().filter(|row| row.about.is_ok())?;
        Some(match &row.name {
            Some(name) => Choice::Chosen { name: name.clone(), on: self.terminal },
            None => Choice::Auto,
        })
    }

    fn close(&self, out: &mut Out) {
        out.close = true;
        out.act = self.back_to_settings.then_some(Action::Settings);
    }

    fn narrow(&mut self, out: &mut Out) {
        self.list.set_len(self.shown().len());
        self.list.select(0);
        self.show(out);
    }

    /// A theme that cannot be had is not shown; what was, stays.
    fn show(&self, out: &mut Out) {
        out.theme = self.choice();
    }
}

fn rows(looks: &Looks) -> Vec<Row> {
    let about = |name: &str| match looks.themes.load(name, looks.depth, looks.ascii) {
        Ok(_) if looks.themes.is_own(name) => Ok("yours"),
        // It is dark or light as the terminal is.
        Ok(theme) if theme.style(Role::Base).bg == Some(Color::Reset) => Ok("the terminal's own"),
        Ok(theme) => Ok(theme.mode().word()),
        Err(error) => Err(error.to_string()),
    };
    let named = looks.themes.names();
    let named = named.iter().map(|name| Row { name: Some((*name).to_owned()), about: about(name) });
    std::iter::once(Row { name: None, about: Ok("by the terminal") }).chain(named).collect()
}

fn name(row: &Row) -> &str {
    row.name.as_deref().unwrap_or("auto")
}

impl Above for ThemePicker {
    fn place(&self) -> Place {
        Place::Picker
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back => {
                out.theme = Some(self.before.clone());
                self.close(out);
            }
            Action::Open => {
                if let Some(choice) = self.choice() {
                    out.theme = Some(choice.clone());
                    out.effects.push(Effect::KeepTheme(choice));
                    self.close(out);
                }
            }
            Action::ClearText => {
                self.typed.clear();
                self.narrow(out);
            }
            action => match step_of(action) {
                Some(step) => {
                    self.list.step(step);
                    self.show(out);
                }
                None => return false,
            },
        }
        true
    }

    fn key(&mut self, key: KeyEvent, _: &Scene, out: &mut Out) {
        if self.typed.key(key) == Typed::Changed {
            self.narrow(out);
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, out: &mut Out) {
        self.typed.insert(text);
        self.narrow(out);
    }

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let shown = self.shown();
        let wrong = self.selected().and_then(|row| row.about.as_ref().err());
        let width = WIDTH.min(area.width);
        let wrong =
            wrong.map(|why| text::wrap(&text::escape_line(why), width.saturating_sub(4).max(1) as usize));
        let wrong = wrong.unwrap_or_default();
        let rows = (self.rows.len() as u16).min(ROWS_MAX);
        let height = (rows + FRAME + wrong.len() as u16).min(area.height);
        let area = Rect {
            x: area.right() - width - area.width.saturating_sub(width).min(2),
            y: area.bottom() - height - area.height.saturating_sub(height).min(1),
            width,
            height,
        };
        let inner = window(frame, area, "Theme", scene);
        foot(frame, area, Place::Picker, &[(Action::Open, "keep"), (Action::Back, "as before")], scene);
        let [top, body] = head(inner, 2);
        input(frame, top, &self.typed, "", "type to narrow", true, scene);
        let width = inner.width as usize;
        let room = (body.height as usize).saturating_sub(wrong.len());
        // Of what the list holds in sight, what this box has room for, the selected row among it.
        let visible = self.list.visible();
        let selected = self.list.selected().unwrap_or(0);
        let first = visible.start.max((selected + 1).saturating_sub(room));
        let mut lines: Vec<Text> = Vec::new();
        for row in first..visible.end.min(first + room) {
            let Some(entry) = shown.get(row) else { continue };
            let about = entry.about.as_ref().map_or("cannot be used", |about| about);
            let chosen = self.list.selected() == Some(row);
            let (base, aside) = match (chosen, &entry.about) {
                (true, _) => (theme.style(Role::Selection), theme.selected(Role::Muted)),
                (false, Ok(_)) => (theme.style(Role::Text), theme.style(Role::Muted)),
                (false, Err(_)) => (theme.style(Role::Muted), theme.style(Role::Warn)),
            };
            let mark = if chosen { theme.glyph(Role::Selection) } else { " " };
            let name = text::cut(&text::escape_line(name(entry)), width.saturating_sub(about.len() + 4))
                .into_owned();
            let name = text::pad(&name, width.saturating_sub(about.len() + 3));
            let spans = vec![Span::raw(format!("{mark} {name}")), Span::styled(about, aside), Span::raw(" ")];
            lines.push(Text::from(spans).style(base));
        }
        if shown.is_empty() {
            lines.push(Text::styled("nothing is called that", theme.style(Role::Placeholder)));
        }
        lines.extend(wrong.into_iter().map(|line| Text::styled(line, theme.style(Role::Warn))));
        frame.render_widget(Paragraph::new(lines), body);
    }
}
