//! A keymap file, laid over what is bound already, and all that is wrong with it, with its line.

use std::{fmt, iter, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Binding, Fact, Key, KeyError, Keymap, Origin, Shipped, When, key::NAMED, print};
use crate::{
    console::{
        action::{ACTIONS, Action, Place},
        panes::PaneName,
    },
    report::nearest,
};

/// In a sequence, the key that the file's `leader` names.
const LEADER: &str = "leader";
const MODIFIERS: [&str; 3] = ["ctrl", "alt", "shift"];
/// Actions that are one with an argument: the name they share, and the argument's. An action is in the family when its
/// own name is that name, `-` and the value.
pub(super) const FAMILIES: [(&str, &str); 2] = [("pane.focus", "pane"), ("copy.cell", "field")];

/// Something in a keymap file that cannot be used, or does not do what it seems to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeymapProblem {
    pub origin: Origin,
    pub message: String,
    pub hint: Option<String>,
}

impl fmt::Display for KeymapProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.message)
    }
}

/// Whose file it is. A person is told what their keys do not reach; in a shipped file that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Shipped,
    Own,
}

/// The keymap that a file says it is laid over.
pub(super) fn extended(text: &str) -> Option<Shipped> {
    let table = DeTable::parse(text).ok()?;
    match table.get_ref().get("extends")?.get_ref() {
        DeValue::String(name) => Shipped::named(name),
        _ => None,
    }
}

/// Lays a file's bindings over the keymap's own. Answers what it could not use, in the order of its lines.
pub(super) fn lay(keymap: &mut Keymap, path: &Path, text: &str, whose: Whose) -> Vec<KeymapProblem> {
    let mut reader = Reader { path, text, leader: None, written: Vec::new(), problems: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => {
            reader.table(table.get_ref());
            reader.hidden_by_prefix(keymap);
            reader.lay(keymap);
            if whose == Whose::Own {
                reader.hidden_by_place(keymap);
            }
        }
        Err(error) => {
            let at = error.span().map_or(0, |span| span.start);
            reader.problem(at, error.message().to_owned(), None);
        }
    }
    reader.problems.sort_by_key(|problem| problem.origin.line);
    reader.problems
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    /// The key that `leader` stands for in a sequence.
    leader: Option<Key>,
    written: Vec<Written>,
    problems: Vec<KeymapProblem>,
}

/// A binding of the file, with the byte where it stands.
struct Written {
    at: usize,
    place: Place,
    binding: Binding,
}

impl Reader<'_> {
    fn origin(&self, at: usize) -> Origin {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Origin { path: self.path.to_owned(), line }
    }

    fn problem(&mut self, at: usize, message: String, hint: Option<String>) {
        let origin = self.origin(at);
        self.problems.push(KeymapProblem { origin, message, hint });
    }

    fn table(&mut self, table: &DeTable<'_>) {
        let mut version = false;
        if let Some(leader) = table.get("leader") {
            self.leader(leader);
        }
        for (name, value) in table.iter() {
            let at = name.span().start;
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("version", DeValue::Integer(number)) if number.as_str() == "1" => version = true,
                ("version", _) => {
                    version = true;
                    self.problem(at, "only version 1 is known here".into(), None);
                }
                ("extends", value) => self.extends(value, at),
                ("leader", _) => {}
                (section @ ("global" | "lists" | "detail" | "run-log" | "always"), DeValue::Table(keys)) => {
                    self.section(section, at, keys);
                }
                (family @ ("pane" | "mode" | "overlay"), DeValue::Table(sections)) => {
                    for (name, keys) in sections.iter() {
                        let section = format!("{family}.{}", name.get_ref());
                        match keys.get_ref() {
                            DeValue::Table(keys) => self.section(&section, name.span().start, keys),
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

    fn extends(&mut self, value: &DeValue<'_>, at: usize) {
        let names = Shipped::ALL.map(Shipped::name);
        let hint = match value {
            DeValue::String(name) if Shipped::named(name).is_some() => return,
            DeValue::String(name) => nearest(name, names).map(|near| format!("did you mean {near:?}?")),
            _ => None,
        };
        self.problem(at, format!("the keymap to build on is one of \"{}\"", names.join("\", \"")), hint);
    }

    fn leader(&mut self, value: &Spanned<DeValue<'_>>) {
        let at = value.span().start;
        match value.get_ref() {
            DeValue::String(text) => match text.parse() {
                Ok(key) => self.leader = Some(key),
                Err(error) => self.problem(at, KeyError::to_string(&error), meant(text)),
            },
            _ => self.problem(at, "the leader is one key in quotes".into(), None),
        }
    }

    fn unknown_section(&mut self, name: &str, at: usize) {
        let hint =
            nearest(name, Place::ALL.map(Place::section)).map(|near| format!("did you mean [{near}]?"));
        self.problem(at, format!("there is no place called [{name}]"), hint);
    }

    fn section(&mut self, section: &str, at: usize, keys: &DeTable<'_>) {
        let Some(place) = Place::ALL.into_iter().find(|place| place.section() == section) else {
            return self.unknown_section(section, at);
        };
        let mut rows: Vec<_> = keys.iter().collect();
        rows.sort_by_key(|(name, _)| name.span().start);
        for (name, value) in rows {
            let Some(binding) = self.binding(place, name, value) else { continue };
            let same = |other: &&Written| other.place == place && other.binding.keys == binding.keys;
            if let Some(earlier) = self.written.iter().find(same) {
                let line = earlier.binding.origin.line;
                let message = format!("{} in [{section}] is bound already in line {line}", name.get_ref());
                self.problem(name.span().start, message, None);
                continue;
            }
            self.written.push(Written { at: name.span().start, place, binding });
        }
    }

    fn lay(&self, keymap: &mut Keymap) {
        for Written { place, binding, .. } in &self.written {
            let bindings = keymap.places.entry(*place).or_default();
            if binding.when.is_some() {
                // Asked first; while it does not hold, what was bound before does.
                bindings.retain(|old| old.keys != binding.keys || old.when != binding.when);
                bindings.insert(0, binding.clone());
            } else {
                bindings.retain(|old| old.keys != binding.keys);
                bindings.push(binding.clone());
            }
        }
    }

    /// `g` runs at once, so that `g g` of the same place would never be reached.
    fn hidden_by_prefix(&mut self, before: &Keymap) {
        let mut found = Vec::new();
        let always = |binding: &Binding| !binding.run.is_empty() && binding.when.is_none();
        for one in self.written.iter().filter(|one| always(&one.binding)) {
            let here = || self.written.iter().filter(|other| other.place == one.place);
            let unbound =
                |keys: &[Key]| here().any(|own| own.binding.keys == keys && own.binding.run.is_empty());
            let others = before.bindings(one.place).iter().chain(here().map(|other| &other.binding));
            let (section, own) = (one.place.section(), &one.binding.keys);
            let longer = |short: &[Key], long: &[Key]| short.len() < long.len() && long.starts_with(short);
            let mut hidden: Vec<&[Key]> = Vec::new();
            for other in others.filter(|other| always(other) && !unbound(&other.keys)) {
                if longer(own, &other.keys) && !hidden.contains(&other.keys.as_slice()) {
                    hidden.push(&other.keys);
                } else if longer(&other.keys, own) {
                    let message =
                        format!("[{section}] binds {} and so hides {}", print(&other.keys), print(own));
                    let hint = format!("unbind one of them: \"{}\" = false", written(&other.keys));
                    found.push((one.at, message, hint));
                }
            }
            if let Some(first) = hidden.first() {
                let more = match hidden.len() - 1 {
                    0 => String::new(),
                    n => format!(" and {n} more"),
                };
                let message = format!("[{section}] binds {} and so hides {}{more}", print(own), print(first));
                let hint = format!("unbind one of them: \"{}\" = false", written(first));
                found.push((one.at, message, hint));
            }
        }
        found.dedup_by(|a, b| a.1 == b.1);
        for (at, message, hint) in found {
            self.problem(at, message, Some(hint));
        }
    }

    /// A key of a general place that a more particular one has already: seldom what was meant.
    fn hidden_by_place(&mut self, keymap: &Keymap) {
        let mut found = Vec::new();
        let over: Vec<Place> =
            iter::once(Place::Lists).chain(PaneName::ALL.iter().map(|pane| pane.place())).collect();
        for one in self.written.iter().filter(|one| !one.binding.run.is_empty()) {
            let over = match one.place {
                Place::Global => &over[..],
                Place::Lists => &over[1..],
                _ => continue,
            };
            let own = &one.binding.keys;
            for other in over {
                let hides = |binding: &&Binding| {
                    !binding.run.is_empty()
                        && binding.when.is_none()
                        && (own.starts_with(&binding.keys) || binding.keys.starts_with(own))
                };
                let Some(binding) = keymap.bindings(*other).iter().find(hides) else { continue };
                let message = format!(
                    "{} of [{}] is hidden by {} of [{}], which runs {} ({})",
                    print(own),
                    one.place.section(),
                    print(&binding.keys),
                    other.section(),
                    binding.run.iter().map(|action| action.name()).collect::<Vec<_>>().join(", "),
                    binding.origin,
                );
                let hint = format!("bind it under [{}], or take another key", other.section());
                found.push((one.at, message, hint));
            }
        }
        for (at, message, hint) in found {
            self.problem(at, message, Some(hint));
        }
    }

    fn binding(
        &mut self,
        place: Place,
        name: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Binding> {
        let at = name.span().start;
        let text = name.get_ref().as_ref();
        let keys = match parse(text, self.leader) {
            Ok(keys) => keys,
            Err(_) if self.leader.is_none() && text.split_whitespace().any(|key| key == LEADER) => {
                let hint = "say which key it is, above every table: leader = \"\\\\\"";
                self.problem(at, "there is no leader".into(), Some(hint.into()));
                return None;
            }
            Err(error) => {
                self.problem(at, error.to_string(), meant(text));
                return None;
            }
        };
        if let Some(twin) = keys.iter().find_map(|key| key.twin()) {
            let message = format!("most terminals send {twin} for {}", print(&keys));
            self.problem(at, message, Some(format!("bind \"{twin}\"")));
        }
        let Value { run, desc, when } = self.value(value)?;
        if place.is_text() && !run.is_empty() && keys[0].text().is_some() {
            let message = format!("in [{}] {} is text and cannot be bound", place.section(), keys[0]);
            self.problem(at, message, Some("take a key with Ctrl or Alt".into()));
            return None;
        }
        Some(Binding { keys, run, desc, when, origin: self.origin(at) })
    }

    /// `"action"`, `["action", …]`, `{ run, args, when, desc }` or `false`.
    fn value(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let at = value.span().start;
        match value.get_ref() {
            DeValue::Boolean(false) => Some(Value::default()),
            DeValue::String(name) => Some(Value::of(vec![self.action(name, at)?])),
            DeValue::Array(names) if !names.is_empty() => {
                let run = names.iter().map(|name| match name.get_ref() {
                    DeValue::String(text) => self.action(text, name.span().start),
                    _ => self.no_binding(name.span().start),
                });
                Some(Value::of(run.collect::<Option<_>>()?))
            }
            DeValue::Table(table) => self.whole(table, at),
            _ => self.no_binding(at),
        }
    }

    /// A binding as a table.
    fn whole(&mut self, table: &DeTable<'_>, at: usize) -> Option<Value> {
        let mut whole = Value::default();
        let args = table.get("args");
        let mut any = false;
        for (name, value) in table.iter() {
            let here = value.span().start;
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("run", DeValue::String(family)) if args.is_some() => {
                    any = true;
                    whole.run = vec![self.one_of(family, args?, here)?];
                }
                ("run", DeValue::String(_) | DeValue::Array(_)) if args.is_none() => {
                    any = true;
                    whole.run = self.value(value)?.run;
                }
                ("args", DeValue::Table(_)) => {}
                ("when", DeValue::String(text)) => whole.when = Some(self.when(text, here)?),
                ("desc", DeValue::String(text)) => whole.desc = Some(text.clone().into_owned()),
                ("run" | "args" | "when" | "desc", _) => return self.no_binding(name.span().start),
                (other, _) => {
                    let hint = nearest(other, ["run", "args", "when", "desc"]);
                    let hint = hint.map(|near| format!("did you mean {near:?}?"));
                    self.problem(name.span().start, format!("a binding has no {other:?}"), hint);
                    return None;
                }
            }
        }
        if any { Some(whole) } else { self.no_binding(at) }
    }

    /// One action of a family: `pane.focus` with `{ pane = "timeline" }` is `pane.focus-timeline`.
    fn one_of(&mut self, family: &str, args: &Spanned<DeValue<'_>>, at: usize) -> Option<Action> {
        let Some((family, arg)) = FAMILIES.into_iter().find(|(name, _)| *name == family) else {
            let names = FAMILIES.map(|(name, _)| name);
            let hint = match nearest(family, names) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("those that do: {}", names.join(", ")),
            };
            self.problem(at, format!("{family:?} takes no `args`"), Some(hint));
            return None;
        };
        let DeValue::Table(table) = args.get_ref() else { return self.no_binding(args.span().start) };
        if let Some((name, _)) = table.iter().find(|(name, _)| name.get_ref() != arg) {
            let message = format!("{family:?} takes {arg:?}, not {:?}", name.get_ref());
            let example = format!("args = {{ {arg} = {:?} }}", values(family).next().unwrap_or_default());
            self.problem(name.span().start, message, Some(example));
            return None;
        }
        let Some(DeValue::String(value)) = table.get(arg).map(Spanned::get_ref) else {
            let message = format!("{family:?} needs args = {{ {arg} = \"…\" }}");
            let hint = format!("one of {}", values(family).collect::<Vec<_>>().join(", "));
            self.problem(args.span().start, message, Some(hint));
            return None;
        };
        let found = Action::named(&format!("{family}-{value}"));
        if found.is_none() {
            let hint = match nearest(value, values(family)) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("one of {}", values(family).collect::<Vec<_>>().join(", ")),
            };
            self.problem(args.span().start, format!("{family:?} knows no {arg} {value:?}"), Some(hint));
        }
        found
    }

    fn when(&mut self, text: &str, at: usize) -> Option<When> {
        let found = When::named(text);
        if found.is_none() {
            let names = Fact::ALL.map(Fact::name);
            let hint = match nearest(text.trim_start_matches('!'), names) {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("one of {}, or one of them with ! before it", names.join(", ")),
            };
            self.problem(at, format!("there is no condition called {text:?}"), Some(hint));
        }
        found
    }

    fn no_binding<T>(&mut self, at: usize) -> Option<T> {
        let message = "a binding is \"action\", [\"action\", …], { run, args, when, desc } or false";
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

/// What a key is bound to.
#[derive(Default)]
struct Value {
    run: Vec<Action>,
    desc: Option<String>,
    when: Option<When>,
}

impl Value {
    fn of(run: Vec<Action>) -> Value {
        Value { run, ..Value::default() }
    }
}

/// What a family's argument can be.
pub(super) fn values(family: &'static str) -> impl Iterator<Item = &'static str> {
    ACTIONS.iter().filter_map(move |row| row.name.strip_prefix(family)?.strip_prefix('-'))
}

/// Keys one after another, with a space between.
pub(super) fn parse(text: &str, leader: Option<Key>) -> Result<Vec<Key>, KeyError> {
    let key = |word: &str| match leader {
        Some(leader) if word == LEADER => Ok(leader),
        _ => word.parse(),
    };
    let keys = text.split_whitespace().map(key).collect::<Result<Vec<Key>, _>>()?;
    if keys.is_empty() { Err(KeyError(text.to_owned())) } else { Ok(keys) }
}

/// As a file writes them.
fn written(keys: &[Key]) -> String {
    let key = |key: &Key| match key.text() {
        Some(c) if c != ' ' => c.to_string(),
        _ => key.to_string().to_lowercase(),
    };
    keys.iter().map(key).collect::<Vec<_>>().join(" ")
}

/// The keys that a text of no keys was probably meant to be.
pub(super) fn meant(text: &str) -> Option<String> {
    let mut any = false;
    let words = text.split_whitespace().map(|word| {
        if word.parse::<Key>().is_ok() {
            return Some(word.to_owned());
        }
        any = true;
        let parts: Vec<&str> = word.split('-').collect();
        let (last, modifiers) = parts.split_last()?;
        let modifiers = modifiers.iter().map(|part| nearest(part, MODIFIERS));
        let mut parts = modifiers.collect::<Option<Vec<_>>>()?;
        let one = last.chars().count() == 1;
        parts.push(if one { last } else { nearest(last, NAMED.iter().map(|(name, _)| *name))? });
        Some(parts.join("-"))
    });
    let keys = words.collect::<Option<Vec<_>>>()?.join(" ");
    (any && parse(&keys, None).is_ok()).then(|| format!("did you mean {keys:?}?"))
}
