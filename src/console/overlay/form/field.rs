//! The fields of forms, and what is typed into them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::Purpose;
use crate::{
    console::widgets::line::{Line, Typed},
    model::{CONTENT_BYTES_MAX, DECISION_TEXT_BYTES_MAX, OutcomeStatus},
};

/// Steps that Ctrl-U inside a text takes back and Ctrl-R does again; each may hold a whole paste.
const UNDO_STEPS_MAX: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Content,
    Title,
    Kind,
    Tags,
    Project,
    Context,
    Options,
    Chosen,
    Rationale,
    Confidence,
    Review,
    Status,
    Rating,
    Note,
}

/// How a field is typed into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// Of many lines, and at most so many bytes.
    Text(usize),
    Line,
    /// One of the statuses of an outcome.
    Choice,
}

impl Field {
    const MEMORY: &[Field] = &[Field::Content, Field::Title, Field::Kind, Field::Tags, Field::Project];
    const DECISION: &[Field] = &[
        Field::Title,
        Field::Context,
        Field::Options,
        Field::Chosen,
        Field::Rationale,
        Field::Confidence,
        Field::Tags,
        Field::Review,
        Field::Project,
    ];
    const OUTCOME: &[Field] = &[Field::Status, Field::Rating, Field::Note];

    /// Those of a form, in the order that Tab goes.
    pub fn of(purpose: Purpose) -> &'static [Field] {
        match purpose {
            Purpose::New | Purpose::Edit(_) | Purpose::Supersede(_) => Field::MEMORY,
            Purpose::Decide => Field::DECISION,
            Purpose::Outcome(_) => Field::OUTCOME,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Field::Content => "Content",
            Field::Title => "Title",
            Field::Kind => "Type",
            Field::Tags => "Tags",
            Field::Project => "Project",
            Field::Context => "Context",
            Field::Options => "Options",
            Field::Chosen => "Chosen",
            Field::Rationale => "Rationale",
            Field::Confidence => "Confidence",
            Field::Review => "Review",
            Field::Status => "Status",
            Field::Rating => "Rating",
            Field::Note => "Note",
        }
    }

    /// In the file of a draft.
    pub fn name(self) -> &'static str {
        match self {
            Field::Content => "content",
            Field::Title => "title",
            Field::Kind => "type",
            Field::Tags => "tags",
            Field::Project => "project",
            Field::Context => "context",
            Field::Options => "options",
            Field::Chosen => "chosen_option",
            Field::Rationale => "rationale",
            Field::Confidence => "confidence",
            Field::Review => "review_on",
            Field::Status => "outcome_status",
            Field::Rating => "rating",
            Field::Note => "note",
        }
    }

    pub fn placeholder(self, purpose: Purpose) -> &'static str {
        match self {
            Field::Content => "what is worth remembering? Markdown is welcome",
            Field::Title if purpose == Purpose::Decide => "what is decided, in a line",
            Field::Title => "made from the first line when left empty",
            Field::Kind => "note, gotcha, howto, …",
            Field::Tags => "separated by commas",
            Field::Project => "none",
            Field::Context => "why something has to be decided; Markdown is welcome",
            Field::Options => "an option a line; below it: + what speaks for it, - what against",
            Field::Chosen => "one of the options",
            Field::Rationale => "why this one",
            Field::Confidence => "how likely it turns out well: 0 to 1, or 80 %",
            Field::Review => "2026-12-01, or from today on: 3 weeks, 6 months",
            Field::Status => "",
            Field::Rating => "1 to 5, or nothing",
            Field::Note => "what came of it, and what is to be learnt",
        }
    }

    fn sort(self) -> Sort {
        match self {
            Field::Content => Sort::Text(CONTENT_BYTES_MAX),
            Field::Context | Field::Options | Field::Rationale | Field::Note => {
                Sort::Text(DECISION_TEXT_BYTES_MAX)
            }
            Field::Status => Sort::Choice,
            _ => Sort::Line,
        }
    }

    pub fn is_text(self) -> bool {
        matches!(self.sort(), Sort::Text(_))
    }
}

/// What a key did to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Changed,
    Nothing,
    /// To the field after it, or the one before.
    Next,
    Previous,
}

/// What is typed into a field.
#[derive(Debug)]
pub enum Input {
    Text(Box<TextArea<'static>>, usize),
    Line(Line),
    Choice(OutcomeStatus),
}

impl Input {
    pub fn of(field: Field) -> Input {
        match field.sort() {
            Sort::Text(max) => Input::Text(Box::new(area("")), max),
            Sort::Line => Input::Line(Line::default()),
            Sort::Choice => Input::Choice(OutcomeStatus::default()),
        }
    }

    pub fn text(&self) -> String {
        match self {
            Input::Text(text, _) => text.lines().join("\n"),
            Input::Line(line) => line.text().to_owned(),
            Input::Choice(status) => status.word().to_owned(),
        }
    }

    pub fn set(&mut self, said: &str) {
        match self {
            Input::Text(text, _) => **text = area(said),
            Input::Line(line) => line.set(said.trim_end()),
            Input::Choice(status) => *status = OutcomeStatus::parse(said).unwrap_or(*status),
        }
    }

    pub fn bytes(&self) -> usize {
        match self {
            Input::Text(text, _) => bytes(text),
            Input::Line(line) => line.text().len(),
            Input::Choice(_) => 0,
        }
    }

    pub fn is_blank(&self) -> bool {
        match self {
            Input::Text(text, _) => text.lines().iter().all(|line| line.trim().is_empty()),
            Input::Line(line) => line.text().trim().is_empty(),
            Input::Choice(status) => *status == OutcomeStatus::default(),
        }
    }

    /// The cursor to the end, where writing goes on.
    pub fn move_to_end(&mut self) {
        if let Input::Text(text, _) = self {
            text.move_cursor(CursorMove::Bottom);
            text.move_cursor(CursorMove::End);
        }
    }

    pub fn key(&mut self, key: KeyEvent) -> Done {
        match self {
            Input::Text(text, max) => text_key(text, *max, key),
            Input::Line(line) => match key.code {
                KeyCode::Up => Done::Previous,
                KeyCode::Down | KeyCode::Enter => Done::Next,
                _ if line.key(key) == Typed::Changed => Done::Changed,
                _ => Done::Nothing,
            },
            Input::Choice(status) => choice_key(status, key),
        }
    }

    /// Capped at what fits; answers how many bytes did not.
    pub fn paste(&mut self, said: &str) -> usize {
        match self {
            Input::Text(text, max) => {
                let mut said = clean(said);
                let room = max.saturating_sub(bytes(text));
                let cut = said.floor_char_boundary(room.min(said.len()));
                let over = said.len() - cut;
                said.truncate(cut);
                text.insert_str(&said);
                over
            }
            Input::Line(line) => {
                line.insert(said);
                0
            }
            Input::Choice(_) => 0,
        }
    }
}

fn text_key(text: &mut TextArea<'static>, max: usize, key: KeyEvent) -> Done {
    let full = bytes(text) >= max;
    let adds = matches!(key.code, KeyCode::Char(_) | KeyCode::Enter)
        && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    // A line feed, as a terminal sends it for Ctrl-Enter, or an unmarked paste for its lines.
    let feeds = key.code == KeyCode::Char('j') && key.modifiers == KeyModifiers::CONTROL;
    let changed = if full && (adds || feeds) {
        false
    } else if feeds {
        text.insert_newline();
        true
    } else {
        text.input(key)
    };
    if changed { Done::Changed } else { Done::Nothing }
}

/// Left and right go through the statuses, a letter to the first that begins with it.
fn choice_key(status: &mut OutcomeStatus, key: KeyEvent) -> Done {
    let all = OutcomeStatus::ALL;
    let at = all.iter().position(|other| other == status).unwrap_or(0);
    let to = match key.code {
        KeyCode::Up => return Done::Previous,
        KeyCode::Down | KeyCode::Enter => return Done::Next,
        KeyCode::Left => Some((at + all.len() - 1) % all.len()),
        KeyCode::Right | KeyCode::Char(' ') => Some((at + 1) % all.len()),
        // The next of those with this letter.
        KeyCode::Char(letter) => (1..=all.len())
            .map(|step| (at + step) % all.len())
            .find(|at| all[*at].word().starts_with(letter.to_ascii_lowercase())),
        _ => None,
    };
    match to.filter(|to| *to != at) {
        Some(to) => {
            *status = all[to];
            Done::Changed
        }
        None => Done::Nothing,
    }
}

fn bytes(text: &TextArea<'static>) -> usize {
    text.lines().iter().map(|line| line.len() + 1).sum::<usize>().saturating_sub(1)
}

fn area(text: &str) -> TextArea<'static> {
    let mut area = TextArea::new(clean(text).split('\n').map(str::to_owned).collect());
    area.set_max_histories(UNDO_STEPS_MAX);
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area.set_tab_length(4);
    // The box's own look shines through, and the terminal's cursor is the cursor.
    area.set_style(Style::new());
    area.set_cursor_line_style(Style::new());
    area.set_cursor_style(Style::new());
    area
}

/// Line ends as one kind, and no other control characters than the tab.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_made_by_arrows_and_letters() {
        let mut input = Input::of(Field::Status);
        let mut press = |code| {
            input.key(KeyEvent::new(code, KeyModifiers::NONE));
            input.text()
        };
        assert_eq!(press(KeyCode::Char('s')), "successful");
        assert_eq!(press(KeyCode::Char('p')), "partial");
        assert_eq!(press(KeyCode::Char('p')), "pending");
        assert_eq!(press(KeyCode::Left), "revised");
        assert_eq!(press(KeyCode::Right), "pending");
        assert_eq!(press(KeyCode::Char('x')), "pending");
    }
}
