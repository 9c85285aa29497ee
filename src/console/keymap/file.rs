//! A keymap file, laid over what is bound already, and all that is wrong with it, with its line.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Binding, Key, Keymap, print};
use crate::console::action::{ACTIONS, Action, Place};

/// Names farther apart than this are not meant for one another.
const EDITS_MAX: usize = 4;

/// Something in a keymap file that cannot be used, or does not do what it seems to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeymapProblem {
    /// `None`: the shipped keys.
    pub path: Option<PathBuf>,
    /// From 1.
    pub line: usize,
    pub message: String,
    pub hint: Option<String>,
}

impl fmt::Display for KeymapProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{}:{}: {}", path.display(), self.line, self.message),
            None => write!(f, "default.toml:{}: {}", self.line, self.message),
        }
    }
}

/// Lays a file's bindings over the keymap's own. Answers what it could not use.
pub(super) fn lay(keymap: &mut Keymap, path: Option<&Path>, text: &str) -> Vec<KeymapProblem> {
    let mut reader = Reader { path, text, problems: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => reader.table(keymap, table.get_ref()),
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            reader.problem(at, error.message().to_owned(), None);
        }
    }
    reader.problems
}

struct Reader<'a> {
    path: Option<&'a Path>,
    text: &'a str,
    problems: Vec<KeymapProblem>,
}

/// A binding of the file, with the byte where it stands.
struct Written {
    at: usize,
    binding: Binding,
}

impl Reader<'_> {
    fn problem(&mut self, at: usize, message: String, hint: Option<String>) {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        self.problems.push(KeymapProblem { path: self.path.map(Path::to_owned), line, message, hint });
    }

    fn table(&mut self, keymap: &mut Keymap, table: &DeTable<'_>) {
        let mut version = false;
        for (name, value) in table.iter() {
            let at = name.span().start;
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("version", DeValue::Integer(number)) if number.as_str() == "1" => version = true,
                ("version", _) => {
                    version = true;
                    self.problem(at, "only version 1 is known here".into(), None);
                }
                ("extends", DeValue::String(base)) if base == "default" => {}
                ("extends", _) => self.problem(at, "the keymap to build on is \"default\"".into(), None),
                (section @ ("global" | "lists" | "detail" | "always"), DeValue::Table(keys)) => {
                    self.section(keymap, section, at, keys);
                }
                (family @ ("pane" | "mode" | "overlay"), DeValue::Table(sections)) => {
                    for (name, keys) in sections.iter() {
                        let section = format!("{family}.{}", name.get_ref());
                        match keys.get_ref() {
                            DeValue::Table(keys) => {
                                self.section(keymap, &section, name.span().start, keys);
                            }
                            _ => self.problem(
                                name.span().start,
                                format!("[{section}] is a table of keys"),
                                None,
                            ),
                        }
                    }
                }
                (other, _) => self.unknown_section(other, at),
            }
        }
        if !version {
            self.problem(0, "`version = 1` is missing".into(), None);
        }
    }

    fn unknown_section(&mut self, name: &str, at: usize) {
        let hint =
            nearest(name, Place::ALL.map(Place::section)).map(|near| format!("did you mean [{near}]?"));
        self.problem(at, format!("there is no place called [{name}]"), hint);
    }

    fn section(&mut self, keymap: &mut Keymap, section: &str, at: usize, keys: &DeTable<'_>) {
        let Some(place) = Place::ALL.into_iter().find(|place| place.section() == section) else {
            return self.unknown_section(section, at);
        };
        let mut rows: Vec<_> = keys.iter().collect();
        rows.sort_by_key(|(name, _)| name.span().start);
        let mut written: Vec<Written> = Vec::new();
        for (name, value) in rows {
            if let Some(binding) = self.binding(place, name, value) {
                let at = name.span().start;
                if let Some(earlier) = written.iter().find(|other| other.binding.keys == binding.keys) {
                    let line = 1 + self.text[..earlier.at].matches('\n').count();
                    let message =
                        format!("{} in [{section}] is bound already in line {line}", name.get_ref());
                    self.problem(at, message, None);
                    continue;
                }
                written.push(Written { at, binding });
            }
        }
        self.hidden_by_prefix(keymap.bindings(place), section, &written);
        let bindings = keymap.places.entry(place).or_default();
        for Written { binding, .. } in &written {
            bindings.retain(|old| old.keys != binding.keys);
        }
        bindings.extend(written.into_iter().map(|one| one.binding));
        self.hidden_by_place(keymap, place, section, keys);
    }

    /// `g` runs at once, so that `g g` of the same place would never be reached.
    fn hidden_by_prefix(&mut self, before: &[Binding], section: &str, written: &[Written]) {
        let unbound =
            |keys: &[Key]| written.iter().any(|one| one.binding.keys == keys && one.binding.run.is_empty());
        let mut found = Vec::new();
        for one in written.iter().filter(|one| !one.binding.run.is_empty()) {
            let others = before.iter().chain(written.iter().map(|other| &other.binding));
            for other in others.filter(|other| !other.run.is_empty() && !unbound(&other.keys)) {
                let (short, long) = if one.binding.keys.len() < other.keys.len() {
                    (&one.binding.keys, &other.keys)
                } else {
                    (&other.keys, &one.binding.keys)
                };
                if short.len() < long.len() && long.starts_with(short) {
                    let message = format!("[{section}] binds {} and so hides {}", print(short), print(long));
                    let hint = format!("unbind one of them: \"{}\" = false", print(long).to_lowercase());
                    found.push((one.at, message, hint));
                }
            }
        }
        found.dedup_by(|a, b| a.1 == b.1);
        for (at, message, hint) in found {
            self.problem(at, message, Some(hint));
        }
    }

    /// A key of a general place that a more particular one has already: seldom what was meant. Only one's own are told.
    fn hidden_by_place(&mut self, keymap: &Keymap, place: Place, section: &str, keys: &DeTable<'_>) {
        if self.path.is_none() {
            return;
        }
        let over: &[Place] = match place {
            Place::Global => &[Place::Lists, Place::Search, Place::Timeline],
            Place::Lists => &[Place::Search, Place::Timeline],
            _ => return,
        };
        for (name, value) in keys.iter() {
            let unbinds = matches!(value.get_ref(), DeValue::Boolean(false));
            let Ok(own) = parse(name.get_ref()) else { continue };
            for other in over {
                let hides = |binding: &&Binding| {
                    !binding.run.is_empty()
                        && (own.starts_with(&binding.keys) || binding.keys.starts_with(&own))
                };
                if let Some(binding) = keymap.bindings(*other).iter().find(hides).filter(|_| !unbinds) {
                    let message = format!(
                        "{} of [{section}] is hidden by {} of [{}], which runs {}",
                        print(&own),
                        print(&binding.keys),
                        other.section(),
                        binding.run.iter().map(|action| action.name()).collect::<Vec<_>>().join(", "),
                    );
                    let hint = format!("under [{}]: \"{}\" = false", other.section(), print(&binding.keys));
                    self.problem(name.span().start, message, Some(hint));
                }
            }
        }
    }

    fn binding(
        &mut self,
        place: Place,
        name: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Binding> {
        let at = name.span().start;
        let keys = match parse(name.get_ref().as_ref()) {
            Ok(keys) => keys,
            Err(error) => {
                self.problem(at, error.to_string(), None);
                return None;
            }
        };
        if let Some(twin) = keys.iter().find_map(|key| key.twin()) {
            let message = format!("most terminals send {twin} for {}", print(&keys));
            self.problem(at, message, Some(format!("bind \"{twin}\"")));
        }
        let (run, desc) = self.value(value)?;
        if place.is_text() && !run.is_empty() && keys[0].text().is_some() {
            let message = format!("in [{}] {} is text and cannot be bound", place.section(), keys[0]);
            self.problem(at, message, Some("take a key with Ctrl or Alt".into()));
            return None;
        }
        Some(Binding { keys, run, desc })
    }

    /// `"action"`, `["action", …]`, `{ run, desc }` or `false`.
    fn value(&mut self, value: &Spanned<DeValue<'_>>) -> Option<(Vec<Action>, Option<String>)> {
        let at = value.span().start;
        match value.get_ref() {
            DeValue::Boolean(false) => Some((Vec::new(), None)),
            DeValue::String(name) => Some((vec![self.action(name, at)?], None)),
            DeValue::Array(names) if !names.is_empty() => {
                let run = names.iter().map(|name| match name.get_ref() {
                    DeValue::String(text) => self.action(text, name.span().start),
                    _ => self.no_binding(name.span().start),
                });
                Some((run.collect::<Option<_>>()?, None))
            }
            DeValue::Table(table) => {
                let mut run = None;
                let mut desc = None;
                for (name, value) in table.iter() {
                    match (name.get_ref().as_ref(), value.get_ref()) {
                        ("run", DeValue::Table(_)) => return self.no_binding(at),
                        ("run", _) => run = Some(self.value(value)?.0),
                        ("desc", DeValue::String(text)) => desc = Some(text.clone().into_owned()),
                        _ => return self.no_binding(name.span().start),
                    }
                }
                match run {
                    Some(run) => Some((run, desc)),
                    None => self.no_binding(at),
                }
            }
            _ => self.no_binding(at),
        }
    }

    fn no_binding<T>(&mut self, at: usize) -> Option<T> {
        let message =
            "a binding is \"action\", [\"action\", …], { run = \"action\", desc = \"words\" } or false";
        self.problem(at, message.into(), None);
        None
    }

    fn action(&mut self, name: &str, at: usize) -> Option<Action> {
        let found = Action::named(name);
        if found.is_none() {
            let hint = nearest(name, ACTIONS.iter().map(|row| row.name));
            let hint = hint.map(|near| format!("did you mean {near:?}?"));
            self.problem(at, format!("there is no action called {name:?}"), hint);
        }
        found
    }
}

/// Keys one after another, with a space between.
fn parse(text: &str) -> Result<Vec<Key>, super::KeyError> {
    let keys = text.split_whitespace().map(str::parse).collect::<Result<Vec<Key>, _>>()?;
    if keys.is_empty() { Err(super::KeyError(text.to_owned())) } else { Ok(keys) }
}

/// The name that `word` was probably meant to be.
fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let apart = names.into_iter().map(|name| (edits(word, name), name)).min()?;
    (apart.0 <= EDITS_MAX.min(word.chars().count() / 2)).then_some(apart.1)
}

/// How many letters must be put in, left out or changed (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let kept = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = kept.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
