//! A form as drawn: texts large, the rest a line each, what is wrong beside where it is wrong, and beside a decision the
//! former ones like it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line as Text, Span},
    widgets::Paragraph,
};
use ratatui_textarea::TextArea;

use super::{Field, Form, Purpose, field::Input};
use crate::{
    console::{
        action::{Action, Place},
        layout::{Rule, centred, head},
        panes::{
            decisions::{mark, outcome_words},
            search::view_rule,
        },
        scene::Scene,
        text,
        theme::Role,
        widgets::line::Line,
    },
    model::OutcomeStatus,
};

/// Widest and highest a form gets, by what it is for.
const MEMORY: (u16, u16) = (110, 34);
const DECISION: (u16, u16) = (148, 38);
const OUTCOME: (u16, u16) = (84, 18);
pub(super) const LABEL: u16 = 11;
/// Lines of a text below its label before there is room for air.
const TEXT_MIN: u16 = 2;
/// Columns of the former decisions, and what is left to the fields at least.
const SIMILAR: u16 = 44;
const FIELDS_MIN: u16 = 70;
/// Between the words of a choice.
const GAP: &str = "  ";
/// Lines that one of them takes: its title, how it ended, and air.
const SIMILAR_LINES: usize = 3;

pub(super) fn window(purpose: Purpose, area: Rect) -> Rect {
    let (width, height) = match purpose {
        Purpose::New | Purpose::Edit(_) | Purpose::Supersede(_) => MEMORY,
        Purpose::Decide => DECISION,
        Purpose::Outcome(_) => OUTCOME,
    };
    let width = width.min(area.width.saturating_sub(2));
    centred(area, width, height.min(area.height.saturating_sub(2)))
}

/// Where the parts of a form stand.
pub(super) struct Places {
    /// By their place among the form's fields; those that have no room are not seen until one goes there.
    pub fields: Vec<(usize, Rect)>,
    /// For a word on the whole.
    said: Option<Rect>,
    /// For former decisions, and the line before them.
    similar: Option<(Rect, Rect)>,
}

impl Form {
    pub(super) fn places(&self, inner: Rect) -> Places {
        let is_wide = self.purpose == Purpose::Decide && inner.width >= SIMILAR + FIELDS_MIN + 3;
        let fields = Rect { width: if is_wide { inner.width - SIMILAR - 3 } else { inner.width }, ..inner };
        let similar = is_wide.then(|| {
            let rule = Rect { x: fields.right() + 1, width: 1, ..inner };
            (Rect { x: rule.x + 2, width: SIMILAR, ..inner }, rule)
        });
        let texts = self.inputs.iter().filter(|(field, _)| field.is_text()).count() as u16;
        let count = self.inputs.len() as u16;
        // One line of air between texts and lines, and one above the last word.
        let has_air = fields.height >= count + texts * (TEXT_MIN + 1) + 2;
        let has_said = has_air || fields.height > count;
        let said = has_said.then(|| Rect { y: fields.bottom() - 1, height: 1, ..fields });
        let room = fields.height - u16::from(has_said);
        let heights = self.heights(room, has_air);
        let mut y = 0;
        // What is typed into is seen, whatever else has room.
        let above: u16 = heights[..self.at].iter().sum();
        let first = (above + heights[self.at]).saturating_sub(room);
        let mut placed = Vec::new();
        for (at, height) in heights.iter().enumerate() {
            let (from, to) = (y, y + height);
            y = to;
            if from < first || from - first >= room {
                continue;
            }
            let air = u16::from(has_air && self.inputs[at].0.is_text());
            let height = (to - from).saturating_sub(air).min(room - (from - first));
            placed.push((at, Rect { y: fields.y + from - first, height, ..fields }));
        }
        Places { fields: placed, said, similar }
    }

    /// Lines of each field, with the air below a text.
    fn heights(&self, room: u16, has_air: bool) -> Vec<u16> {
        let is_text = |at: usize| self.inputs[at].0.is_text();
        let count = self.inputs.len() as u16;
        let texts: Vec<usize> = (0..self.inputs.len()).filter(|at| is_text(*at)).collect();
        let mut heights = vec![1; self.inputs.len()];
        let spare = room.saturating_sub(count + u16::from(has_air));
        let shared = spare / (texts.len() as u16).max(1);
        if shared >= TEXT_MIN {
            let rest = spare - shared * texts.len() as u16;
            for (nth, at) in texts.iter().enumerate() {
                heights[*at] += shared + u16::from((nth as u16) < rest);
            }
        } else if let Some(lead) = texts.iter().find(|at| **at == self.at).or(texts.first()) {
            // The others are a line each until one goes there.
            heights[*lead] += spare.max(TEXT_MIN.min(room.saturating_sub(1)));
        }
        heights
    }

    pub(super) fn draw(&self, frame: &mut Frame, inner: Rect, scene: &Scene) {
        let places = self.places(inner);
        for (at, area) in &places.fields {
            let (field, input) = &self.inputs[*at];
            match input {
                Input::Text(text, _) => self.draw_text(frame, *area, *field, text, scene),
                Input::Line(line) => self.draw_line(frame, *area, *field, line, scene),
                Input::Choice(status) => self.draw_choice(frame, *area, *field, *status, scene),
            }
        }
        if let Some((area, rule)) = places.similar {
            view_rule(frame, rule, Rule::Down, scene);
            self.draw_similar(frame, area, scene);
        }
        if let Some((at, (role, said))) = places.said.zip(self.said(places.similar.is_none(), scene)) {
            let line = text::cut(&said, at.width as usize).into_owned();
            frame.render_widget(Paragraph::new(Text::styled(line, scene.theme.style(role))), at);
        }
    }

    /// A word on the whole, the most urgent first.
    fn said(&self, alone: bool, scene: &Scene) -> Option<(Role, String)> {
        if self.loading {
            return Some((Role::Muted, "fetching the memory…".to_owned()));
        }
        if self.saving {
            return Some((Role::Busy, "saving…".to_owned()));
        }
        if let Some(fault) = &self.fault {
            let hint = fault.hint.as_ref().map_or(String::new(), |hint| format!(" · {hint}"));
            return Some((Role::FieldError, format!("{}{hint}", fault.message)));
        }
        if !self.alike.is_empty() {
            let near: Vec<_> = self
                .alike
                .iter()
                .map(|(title, cosine)| format!("“{}” {:.0} %", text::escape_line(title), cosine * 100.0))
                .collect();
            return Some((Role::Info, format!("already known, nearly: {}", near.join(" · "))));
        }
        if let Some((decision, _)) = self.similar.first().filter(|_| alone) {
            let (role, ended) = ended(decision);
            let title = text::escape_line(&decision.title);
            return Some((role, format!("similar by words: {} {ended}: {title}", decision.number)));
        }
        let at = self.from_draft?;
        let age = crate::console::scene::age(scene.now, at);
        let discard = scene.keymap.key_of(Action::Discard, &[Place::Form]);
        let discard = discard.map_or(String::new(), |key| format!(" · {key} discards it"));
        Some((Role::Info, format!("a draft of {age} ago{discard}")))
    }

    fn label(&self, field: Field, scene: &Scene) -> Span<'static> {
        let role = if self.field() == field { Role::LabelFocus } else { Role::Label };
        Span::styled(text::pad(field.label(), LABEL as usize), scene.theme.style(role))
    }

    fn problem_at(&self, field: Field) -> Option<(&str, Role)> {
        let (at, why, stops) = self.problem.as_ref()?;
        let role = if *stops { Role::FieldError } else { Role::Muted };
        (*at == field).then_some((why.as_str(), role))
    }

    fn draw_text(
        &self,
        frame: &mut Frame,
        area: Rect,
        field: Field,
        input: &TextArea<'static>,
        scene: &Scene,
    ) {
        let theme = scene.theme;
        let [top, body] = head(area, 1);
        let room = (area.width as usize).saturating_sub(LABEL as usize);
        let mut label = vec![self.label(field, scene)];
        if let Some((problem, role)) = self.problem_at(field) {
            label.push(Span::styled(
                text::cut(&text::escape_line(problem), room).into_owned(),
                theme.style(role),
            ));
        } else if body.is_empty() {
            let first = input.lines().iter().find(|line| !line.trim().is_empty());
            let (said, role) =
                first.map_or((field.placeholder(self.purpose), Role::Placeholder), |line| (line, Role::Text));
            label.push(Span::styled(
                text::cut(&text::escape_line(said), room).into_owned(),
                theme.style(role),
            ));
        }
        frame.render_widget(Paragraph::new(Text::from(label)), top);
        if body.is_empty() {
            return;
        }
        let active = self.field() == field;
        if input.is_empty() {
            let line = Text::styled(
                text::cut(field.placeholder(self.purpose), body.width as usize).into_owned(),
                theme.style(Role::Placeholder),
            );
            frame.render_widget(Paragraph::new(line), body);
            if active {
                frame.set_cursor_position((body.x, body.y));
            }
            return;
        }
        // Its window is kept inside it, so that drawing only reads here.
        frame.render_widget(input, body);
        if active {
            let cursor = input.screen_cursor();
            let (top, left) = input.scroll_offset();
            let y = (cursor.row as u16).saturating_sub(top).min(body.height - 1);
            let x = (cursor.col as u16).saturating_sub(left).min(body.width - 1);
            frame.set_cursor_position((body.x + x, body.y + y));
        }
    }

    fn draw_line(&self, frame: &mut Frame, area: Rect, field: Field, line: &Line, scene: &Scene) {
        let theme = scene.theme;
        let room = area.width.saturating_sub(LABEL) as usize;
        let (shown, column) = line.window(room.max(1));
        let mut spans = vec![self.label(field, scene)];
        let mut rest = room;
        if !line.is_empty() {
            let shown = text::cut(shown, room).into_owned();
            rest = room.saturating_sub(text::width(&shown) + 2);
            spans.push(Span::styled(text::escape_line(&shown).into_owned(), theme.style(Role::Text)));
        }
        match self.problem_at(field) {
            Some((problem, role)) => {
                let gap = if line.is_empty() { "" } else { "  " };
                let problem = text::escape_line(problem);
                spans.push(Span::styled(format!("{gap}{}", text::cut(&problem, rest)), theme.style(role)));
            }
            None if line.is_empty() => spans.push(Span::styled(
                text::cut(field.placeholder(self.purpose), room).into_owned(),
                theme.style(Role::Placeholder),
            )),
            None => {}
        }
        frame.render_widget(Paragraph::new(Text::from(spans)), area);
        if self.field() == field {
            frame.set_cursor_position((area.x + LABEL.min(area.width) + column as u16, area.y));
        }
    }

    /// Every status with the chosen one lit; where there is no room for all, that one and how to go on.
    fn draw_choice(&self, frame: &mut Frame, area: Rect, field: Field, chosen: OutcomeStatus, scene: &Scene) {
        let theme = scene.theme;
        let room = area.width.saturating_sub(LABEL) as usize;
        let words: Vec<_> =
            OutcomeStatus::ALL.iter().map(|status| (*status, outcome_words(*status))).collect();
        let mut spans = vec![self.label(field, scene)];
        let whole: usize = words.iter().map(|(_, word)| text::width(word) + GAP.len()).sum();
        let mut column = 0;
        for (status, word) in words.into_iter().filter(|(status, _)| whole <= room || *status == chosen) {
            let lit = status == chosen;
            if lit {
                column = spans.iter().map(Span::width).sum::<usize>() as u16;
            }
            let role = match (lit, self.field() == field) {
                (true, true) => Role::Selection,
                (true, false) => Role::SelectionIdle,
                (false, _) => Role::Muted,
            };
            spans.extend([Span::styled(word, theme.style(role)), Span::raw(GAP)]);
        }
        if whole > room {
            spans.push(Span::styled("Left, Right", theme.style(Role::Muted)));
        }
        frame.render_widget(Paragraph::new(Text::from(spans)), area);
        if self.field() == field {
            frame.set_cursor_position((area.x + column.min(area.width.saturating_sub(1)), area.y));
        }
    }

    /// Former decisions like this one, and how they ended.
    fn draw_similar(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let theme = scene.theme;
        let width = area.width as usize;
        let mut lines = vec![Text::styled("Similar by words", theme.style(Role::Label)), Text::default()];
        if self.similar.is_empty() {
            let said = if self.similar_words.is_empty() {
                "Former decisions with words of the title show here, and how they ended."
            } else {
                "No former decision has these words."
            };
            let said = text::wrap(said, width).into_iter();
            lines.extend(said.map(|line| Text::styled(line, theme.style(Role::Placeholder))));
        }
        let fit = (area.height as usize).saturating_sub(lines.len()) / SIMILAR_LINES;
        for (decision, _) in self.similar.iter().take(fit) {
            let (role, ended) = ended(decision);
            let title = format!("{} {}", decision.number, text::escape_line(&decision.title));
            let sure = decision
                .confidence
                .map_or(String::new(), |sure| format!(" {} was sure {sure:.2}", theme.dot()));
            let glyph = theme.glyph(role);
            let ended = format!("{glyph}{}{ended}{sure}", if glyph.is_empty() { "" } else { " " });
            lines.push(Text::styled(text::cut(&title, width).into_owned(), theme.style(Role::Text)));
            lines.push(Text::styled(text::cut(&ended, width).into_owned(), theme.style(role)));
            lines.push(Text::default());
        }
        frame.render_widget(Paragraph::new(lines), area);
    }
}

/// How a decision ended, as far as that was told.
fn ended(decision: &crate::model::Decision) -> (Role, String) {
    match &decision.outcome {
        Some(outcome) => (mark(outcome.status), outcome_words(outcome.status)),
        None => (Role::Muted, format!("{}, no outcome told", decision.status.word())),
    }
}
