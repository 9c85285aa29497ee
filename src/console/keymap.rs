//! Which keys run which actions: `keymaps/default.toml`, and over it a file of one's own.
//!
//! A binding stands in the table of a [`Place`]; a screen names its places, the most particular first, and the first
//! that knows a key has it. Keys may follow one another (`g g`): while they do, [`Resolved::Pending`] says what can come
//! next. What a text field's places do not claim is text.
//!
//! Invariant: what a file has wrong is a [`KeymapProblem`], never a failure: every other binding still works.

mod file;
mod key;

use std::{collections::BTreeMap, path::Path};

pub use file::KeymapProblem;
pub use key::{Key, KeyError};

use super::action::{Action, Place};

const DEFAULT: &str = include_str!("../../keymaps/default.toml");

#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    keys: Vec<Key>,
    /// Empty: the key does nothing here, and does not fall through either.
    run: Vec<Action>,
    desc: Option<String>,
}

/// What a key means now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// Run these, in order.
    Actions(Vec<Action>),
    /// The beginning of one or more bindings: how each goes on.
    Pending(Vec<Continuation>),
    /// Nothing. In a text field the key is text; after a pending key, the sequence is over.
    None,
}

/// A way on from keys already pressed, for the which-key box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Continuation {
    /// The next key, as printed for people.
    pub key: String,
    pub title: String,
}

/// A binding in print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub place: Place,
    pub keys: String,
    pub actions: Vec<Action>,
    pub title: String,
}

#[derive(Debug, Clone)]
pub struct Keymap {
    places: BTreeMap<Place, Vec<Binding>>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        Keymap::load(None).0
    }
}

impl Keymap {
    /// The shipped keys with a person's own over them. What could not be used is told and left out.
    pub fn load(user: Option<(&Path, &str)>) -> (Keymap, Vec<KeymapProblem>) {
        let mut keymap = Keymap { places: BTreeMap::new() };
        let mut problems = file::lay(&mut keymap, None, DEFAULT);
        if let Some((path, text)) = user {
            problems.extend(file::lay(&mut keymap, Some(path), text));
        }
        (keymap, problems)
    }

    /// What is wrong with a file of one's own.
    pub fn check(path: &Path, text: &str) -> Vec<KeymapProblem> {
        Keymap::load(Some((path, text))).1
    }

    /// What `key` means after `pending`, in the first of `places` that knows it.
    pub fn resolve(&self, places: &[Place], pending: &[Key], key: Key) -> Resolved {
        let begins = |binding: &&Binding| {
            binding.keys.len() > pending.len()
                && binding.keys.starts_with(pending)
                && binding.keys[pending.len()] == key
        };
        let mut ways: Vec<(Key, Continuation)> = Vec::new();
        for place in places {
            for binding in self.bindings(*place).iter().filter(begins) {
                match binding.keys.get(pending.len() + 1) {
                    None if !ways.is_empty() => {}
                    None if binding.run.is_empty() => return Resolved::None,
                    None => return Resolved::Actions(binding.run.clone()),
                    Some(next) if binding.run.is_empty() || ways.iter().any(|(way, _)| way == next) => {}
                    Some(next) => {
                        ways.push((*next, Continuation { key: next.to_string(), title: binding.title() }));
                    }
                }
            }
        }
        if ways.is_empty() {
            Resolved::None
        } else {
            Resolved::Pending(ways.into_iter().map(|(_, way)| way).collect())
        }
    }

    /// The keys that run just this action in these places, as printed for people, the first place's first. Keys that a
    /// more particular place gives another meaning are left out.
    pub fn keys_of(&self, action: Action, places: &[Place]) -> Vec<String> {
        let mut keys = Vec::new();
        for (at, place) in places.iter().enumerate() {
            for binding in self.bindings(*place).iter().filter(|binding| binding.run == [action]) {
                let hidden = places[..at].iter().any(|earlier| {
                    self.bindings(*earlier).iter().any(|other| binding.keys.starts_with(&other.keys))
                });
                if !hidden {
                    keys.push(print(&binding.keys));
                }
            }
        }
        keys
    }

    /// The first of [`Keymap::keys_of`].
    pub fn key_of(&self, action: Action, places: &[Place]) -> Option<String> {
        self.keys_of(action, places).into_iter().next()
    }

    /// Every binding, place by place, in the order of the files.
    pub fn list(&self) -> Vec<Listed> {
        let rows = self.places.iter().flat_map(|(place, bindings)| {
            bindings.iter().filter(|binding| !binding.run.is_empty()).map(|binding| Listed {
                place: *place,
                keys: print(&binding.keys),
                actions: binding.run.clone(),
                title: binding.title(),
            })
        });
        rows.collect()
    }

    fn bindings(&self, place: Place) -> &[Binding] {
        self.places.get(&place).map_or(&[], Vec::as_slice)
    }
}

impl Binding {
    fn title(&self) -> String {
        match &self.desc {
            Some(desc) => desc.clone(),
            None => self.run.iter().map(|action| action.title()).collect::<Vec<_>>().join(", then "),
        }
    }
}

/// Keys one after another, as printed for people: `Ctrl-O`, `g g`.
fn print(keys: &[Key]) -> String {
    keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
