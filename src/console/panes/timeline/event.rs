//! A whole event: every field, all its times, and its data as JSON in colours, laid out for the width there is.

use std::{ops::Range, sync::Arc};

use ratatui::{
    layout::Rect,
    text::{Line, Span},
};
use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::view::kind_role;
use crate::{
    console::{
        action::{Action, Place},
        scene::{Scene, age},
        text,
        theme::{Role, Theme},
    },
    model::{Event, Time},
};

/// Columns of a field's name.
const LABEL: usize = 13;
const INDENT: usize = 2;

/// An event that stands open. What does not change with the clock is laid out once.
#[derive(Debug)]
pub struct Detail {
    event: Arc<Event>,
    width: usize,
    /// Between the times and the end.
    rest: Vec<Line<'static>>,
}

/// Columns for the text, in the side of a split.
pub fn width(side: Rect) -> usize {
    side.width.saturating_sub(2) as usize
}

impl Detail {
    /// `hub`: its name, where there are several.
    pub fn of(event: Arc<Event>, hub: Option<&str>, width: usize, scene: &Scene) -> Detail {
        let mut rest = rest(&event, hub, width, scene);
        if !event.data.is_empty() {
            let key = scene.keymap.key_of(Action::CopyJson, &[Place::Detail, Place::Lists]);
            let copies = key.map_or(String::new(), |key| format!("{key} copies the event as JSON"));
            let room = width.saturating_sub(LABEL);
            rest.push(Line::default());
            rest.push(Line::from(vec![
                Span::styled(text::pad("data", LABEL), scene.theme.style(Role::Label)),
                Span::styled(text::cut(&copies, room).into_owned(), scene.theme.style(Role::Placeholder)),
            ]));
            rest.extend(json(&event.data, width, scene.theme));
        }
        Detail { event, width, rest }
    }

    pub fn is_of(&self, event: &Arc<Event>, width: usize) -> bool {
        self.width == width && Arc::ptr_eq(&self.event, event)
    }

    pub fn len(&self, scene: &Scene) -> usize {
        self.head(scene).len() + self.rest.len()
    }

    /// The lines that are seen.
    pub fn lines(&self, shown: Range<usize>, scene: &Scene) -> Vec<Line<'static>> {
        let head = self.head(scene);
        let skipped = shown.start.saturating_sub(head.len());
        let rest = self.rest.iter().skip(skipped).take(shown.len()).cloned();
        let from = shown.start.min(head.len());
        head.into_iter().skip(from).chain(rest).take(shown.len()).collect()
    }

    /// What it is, and when: relative, local, UTC.
    fn head(&self, scene: &Scene) -> Vec<Line<'static>> {
        let (event, theme) = (&self.event, scene.theme);
        let mut lines = vec![
            Line::styled(
                text::cut(&text::escape_line(&event.kind), self.width).into_owned(),
                theme.style(kind_role(event)),
            ),
            Line::styled(theme.lines().0.repeat(self.width), theme.style(Role::Rule)),
        ];
        let mut time = |name: &str, time: Time| {
            let ago = match age(scene.now, time) {
                age if time > scene.now || age == "now" => age,
                age => format!("{age} ago"),
            };
            let local = scene.local(time);
            for (name, said) in [(name, ago), ("", local), ("", time.to_string())] {
                lines.push(labelled(name, &text::cut(&said, self.width.saturating_sub(LABEL)), theme));
            }
        };
        time("happened", event.time);
        if event.recorded_at == event.time {
            lines.push(labelled("recorded", "at the same moment", theme));
        } else {
            time("recorded", event.recorded_at);
        }
        lines
    }
}

fn labelled(name: &str, value: &str, theme: &Theme) -> Line<'static> {
    Line::from(vec![
        Span::styled(text::pad(&text::cut(name, LABEL - 1), LABEL), theme.style(Role::Label)),
        Span::styled(value.to_owned(), theme.style(Role::Text)),
    ])
}

fn rest(event: &Event, hub: Option<&str>, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let mut fields = vec![
        ("subject", event.subject.to_string()),
        ("severity", event.severity.word().to_owned()),
        ("by", event.actor.0.clone()),
        ("sequence", text::count(event.sequence.0)),
        ("id", event.id.to_string()),
        ("correlation", event.correlation_id.to_string()),
    ];
    if let Some(cause) = event.causation_id {
        fields.push(("caused by", cause.to_string()));
    }
    if let Some(name) = hub {
        fields.insert(0, ("hub", name.to_owned()));
    }
    let room = width.saturating_sub(LABEL).max(1);
    let mut lines = Vec::new();
    for (name, value) in fields {
        for (at, part) in text::wrap(&text::escape_line(&value), room).into_iter().enumerate() {
            lines.push(labelled(if at == 0 { name } else { "" }, &part, scene.theme));
        }
    }
    lines
}

/// Pretty JSON, folded at the width; what a line goes on with stands under its value.
fn json(data: &Map<String, Value>, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let mut written = Written { lines: Vec::new(), line: Vec::new(), column: 0, fold_to: 0, width, theme };
    written.object(data, 0);
    written.end();
    written.lines
}

struct Written<'a> {
    lines: Vec<Line<'static>>,
    line: Vec<Span<'static>>,
    column: usize,
    /// Where a folded line goes on.
    fold_to: usize,
    width: usize,
    theme: &'a Theme,
}

impl Written<'_> {
    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => self.object(map, depth),
            Value::Array(list) if !list.is_empty() => {
                self.put("[", Role::Muted);
                for (at, value) in list.iter().enumerate() {
                    self.begin(depth + 1);
                    self.value(value, depth + 1);
                    self.comma(at + 1 < list.len());
                }
                self.begin(depth);
                self.put("]", Role::Muted);
            }
            Value::String(said) => self.put(&quoted(said), Role::Text),
            other => self.put(&other.to_string(), Role::Accent),
        }
    }

    fn object(&mut self, map: &Map<String, Value>, depth: usize) {
        self.put("{", Role::Muted);
        for (at, (name, value)) in map.iter().enumerate() {
            self.begin(depth + 1);
            self.put(&quoted(name), Role::QueryField);
            self.put(": ", Role::Muted);
            self.fold_to = self.column.min(self.width / 3);
            self.value(value, depth + 1);
            self.comma(at + 1 < map.len());
        }
        self.begin(depth);
        self.put("}", Role::Muted);
    }

    fn comma(&mut self, more: bool) {
        if more {
            self.put(",", Role::Muted);
        }
    }

    /// A new line, so deep.
    fn begin(&mut self, depth: usize) {
        self.end();
        // Deep data in a narrow pane still has room for itself.
        let indent = (depth * INDENT).min(self.width / 3);
        self.line.push(Span::raw(" ".repeat(indent)));
        self.column = indent;
        self.fold_to = (indent + INDENT).min(self.width / 3);
    }

    fn end(&mut self) {
        self.lines.push(Line::from(std::mem::take(&mut self.line)));
        self.column = 0;
    }

    fn put(&mut self, said: &str, role: Role) {
        let style = self.theme.style(role);
        let mut part = String::new();
        for grapheme in text::escape_line(said).graphemes(true) {
            let columns = text::width(grapheme);
            if self.column + columns > self.width && self.column > self.fold_to {
                self.line.push(Span::styled(std::mem::take(&mut part), style));
                self.end();
                self.line.push(Span::raw(" ".repeat(self.fold_to)));
                self.column = self.fold_to;
            }
            part.push_str(grapheme);
            self.column += columns;
        }
        self.line.push(Span::styled(part, style));
    }
}

fn quoted(said: &str) -> String {
    Value::from(said).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::theme::{Depth, Mode};

    #[track_caller]
    fn check(value: serde_json::Value, width: usize, expected: &[&str]) {
        let theme = Theme::for_mode(Mode::Dark, Depth::True, false);
        let lines = json(value.as_object().unwrap(), width, &theme);
        let said: Vec<_> = lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect();
        assert_eq!(said, expected);
        assert!(lines.iter().all(|line| line.width() <= width));
    }

    #[test]
    fn data_is_json_folded_under_its_value() {
        let value = serde_json::json!({ "a": [1, true], "b": {}, "said": "one two three four" });
        let wide = [
            "{",
            "  \"a\": [",
            "    1,",
            "    true",
            "  ],",
            "  \"b\": {},",
            "  \"said\": \"one two three four\"",
            "}",
        ];
        check(value.clone(), 60, &wide);
        let narrow = [
            "{",
            "  \"a\": [",
            "    1,",
            "    true",
            "  ],",
            "  \"b\": {},",
            "  \"said\": \"one two t",
            "      hree four\"",
            "}",
        ];
        check(value, 20, &narrow);
        check(serde_json::json!({ "e": "\u{1b}[31m" }), 40, &["{", "  \"e\": \"\\u001b[31m\"", "}"]);
    }
}
