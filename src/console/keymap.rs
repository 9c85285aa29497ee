//! Which keys run which actions: a shipped keymap, and over it a file of one's own.
//!
//! A binding stands in the table of a [`Place`]; a screen names its places, the most particular first, and the first
//! that knows a key has it. Keys may follow one another (`g g`): while they do, [`Resolved::Pending`] says what can come
//! next. What a text field's places do not claim is text.
//!
//! A binding may hold a condition (`when`): while it is not so ([`Facts`]) the binding is as if it were not there, and
//! what stands below it has the key. `args` pick one action of a family, when the file is read.
//!
//! Invariant: what a file has wrong is a [`KeymapProblem`], never a failure: every other binding still works.

mod doc;
mod facts;
mod file;
mod key;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

pub use doc::document;
pub use facts::{Fact, Facts, When};
pub use file::KeymapProblem;
pub use key::{Key, KeyError};

use super::action::{Action, Place};
use crate::model::Fault;

/// A keymap that comes with the program. What it extends is laid first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shipped {
    #[default]
    Default,
    Vim,
    Emacs,
}

impl Shipped {
    pub const ALL: [Shipped; 3] = [Shipped::Default, Shipped::Vim, Shipped::Emacs];

    /// As settings and `extends` name it.
    pub fn name(self) -> &'static str {
        match self {
            Shipped::Default => "default",
            Shipped::Vim => "vim",
            Shipped::Emacs => "emacs",
        }
    }

    pub fn named(name: &str) -> Option<Shipped> {
        Shipped::ALL.into_iter().find(|shipped| shipped.name() == name)
    }

    /// Its file in the sources.
    fn path(self) -> PathBuf {
        format!("keymaps/{}.toml", self.name()).into()
    }

    fn text(self) -> &'static str {
        match self {
            Shipped::Default => include_str!("../../keymaps/default.toml"),
            Shipped::Vim => include_str!("../../keymaps/vim.toml"),
            Shipped::Emacs => include_str!("../../keymaps/emacs.toml"),
        }
    }
}

/// A line of a keymap file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub path: PathBuf,
    /// From 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    keys: Vec<Key>,
    /// Empty: the key does nothing here, and does not fall through either.
    run: Vec<Action>,
    desc: Option<String>,
    /// It is there only while this is so.
    when: Option<When>,
    origin: Origin,
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
    /// What it does; none when it only leads on to further keys.
    pub title: Option<String>,
}

/// A binding in print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub place: Place,
    pub keys: String,
    pub actions: Vec<Action>,
    pub title: String,
    pub when: Option<When>,
    pub origin: Origin,
}

/// What keys that someone asks about mean in a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// They are a binding, or the beginning of one.
    Runs(Listed),
    /// A file took the binding away.
    Unbound { place: Place, keys: String, origin: Origin },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    /// What everything else is laid over.
    base: Shipped,
    places: BTreeMap<Place, Vec<Binding>>,
    /// What is so now.
    facts: Facts,
}

impl Default for Keymap {
    fn default() -> Keymap {
        Keymap::load(Shipped::Default, None).0
    }
}

impl Keymap {
    /// A shipped keymap with a person's own keys over it; what those extend, if they say, goes before `base`. What could
    /// not be used is told and left out.
    pub fn load(base: Shipped, own: Option<(&Path, &str)>) -> (Keymap, Vec<KeymapProblem>) {
        let base = own.and_then(|(_, text)| file::extended(text)).unwrap_or(base);
        let mut keymap = Keymap { base, places: BTreeMap::new(), facts: Facts::default() };
        let mut problems = keymap.lay_shipped(base);
        if let Some((path, text)) = own {
            problems.extend(file::lay(&mut keymap, path, text, file::Whose::Own));
        }
        (keymap, problems)
    }

    fn lay_shipped(&mut self, shipped: Shipped) -> Vec<KeymapProblem> {
        let text = shipped.text();
        let mut problems = file::extended(text).map_or_else(Vec::new, |below| self.lay_shipped(below));
        problems.extend(file::lay(self, &shipped.path(), text, file::Whose::Shipped));
        problems
    }

    pub fn base(&self) -> Shipped {
        self.base
    }

    /// What is so now: bindings with a condition come and go by it.
    pub fn know(&mut self, facts: Facts) {
        self.facts = facts;
    }

    /// What `key` means after `pending`, in the first of `places` that knows it.
    pub fn resolve(&self, places: &[Place], pending: &[Key], key: Key) -> Resolved {
        let begins = |binding: &&Binding| {
            binding.keys.len() > pending.len()
                && binding.keys.starts_with(pending)
                && binding.keys[pending.len()] == key
                && self.holds(binding)
        };
        let mut ways: Vec<(Key, Continuation)> = Vec::new();
        for place in places {
            let mut unbound = false;
            for binding in self.bindings(*place).iter().filter(begins) {
                match binding.keys.get(pending.len() + 1) {
                    None if binding.run.is_empty() => unbound = true,
                    None if !ways.is_empty() => {}
                    None => return Resolved::Actions(binding.run.clone()),
                    Some(next) if binding.run.is_empty() || ways.iter().any(|(way, _)| way == next) => {}
                    Some(next) => {
                        let last = binding.keys.len() == pending.len() + 2;
                        let title = last.then(|| binding.title());
                        ways.push((*next, Continuation { key: next.to_string(), title }));
                    }
                }
            }
            // Nothing here, and nothing from below either.
            if unbound && ways.is_empty() {
                return Resolved::None;
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
        let mut keys: Vec<&[Key]> = Vec::new();
        for place in places {
            let runs = |binding: &&Binding| binding.run == [action] && self.holds(binding);
            for binding in self.bindings(*place).iter().filter(runs) {
                if !keys.contains(&binding.keys.as_slice()) && self.reaches(places, binding) {
                    keys.push(&binding.keys);
                }
            }
        }
        keys.into_iter().map(print).collect()
    }

    /// Whether its keys, pressed one after another in these places, run what this binding says.
    fn reaches(&self, places: &[Place], binding: &Binding) -> bool {
        let last = binding.keys.len() - 1;
        (0..=last).all(|at| match self.resolve(places, &binding.keys[..at], binding.keys[at]) {
            Resolved::Actions(run) => at == last && run == binding.run,
            Resolved::Pending(_) => at < last,
            Resolved::None => false,
        })
    }

    /// The first of [`Keymap::keys_of`].
    pub fn key_of(&self, action: Action, places: &[Place]) -> Option<String> {
        self.keys_of(action, places).into_iter().next()
    }

    /// Every binding, place by place, in the order of the files.
    pub fn list(&self) -> Vec<Listed> {
        let all = self.places.iter().flat_map(|(place, bindings)| {
            bindings.iter().filter(|binding| !binding.run.is_empty()).map(|binding| binding.listed(*place))
        });
        all.collect()
    }

    /// All that keys mean, written as in a file, and what they begin.
    pub fn explain(&self, keys: &str) -> Result<Vec<Meaning>, KeyError> {
        let keys = file::parse(keys, None)?;
        let all = self.places.iter().flat_map(|(place, bindings)| {
            bindings.iter().filter(|binding| binding.keys.starts_with(&keys)).map(|binding| {
                if binding.run.is_empty() {
                    let origin = binding.origin.clone();
                    return Meaning::Unbound { place: *place, keys: print(&binding.keys), origin };
                }
                Meaning::Runs(binding.listed(*place))
            })
        });
        Ok(all.collect())
    }

    fn holds(&self, binding: &Binding) -> bool {
        binding.when.is_none_or(|when| when.holds(self.facts))
    }

    fn bindings(&self, place: Place) -> &[Binding] {
        self.places.get(&place).map_or(&[], Vec::as_slice)
    }
}

impl Binding {
    fn listed(&self, place: Place) -> Listed {
        Listed {
            place,
            keys: print(&self.keys),
            actions: self.run.clone(),
            title: self.title(),
            when: self.when,
            origin: self.origin.clone(),
        }
    }

    fn title(&self) -> String {
        match &self.desc {
            Some(desc) => desc.clone(),
            None => self.run.iter().map(|action| action.title()).collect::<Vec<_>>().join(", then "),
        }
    }
}

impl KeyError {
    /// In words, the key that this was probably meant to be.
    pub fn meant(&self) -> Option<String> {
        file::meant(&self.0)
    }
}

/// The text of a keymap file; none when there is no file.
pub fn read(path: &Path) -> Result<Option<String>, Fault> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::invalid(format!("cannot read the keys in {}", path.display())).cause(error)),
    }
}

/// Keys one after another, as printed for people: `Ctrl-O`, `g g`.
pub fn print(keys: &[Key]) -> String {
    keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
