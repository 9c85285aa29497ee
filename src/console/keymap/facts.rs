//! What a binding's `when` can ask: a closed set of facts, each named after what it is true of.

use std::fmt;

macro_rules! facts {
    ($($fact:ident = $name:literal, $what:literal;)+) => {
        /// Something that is so or not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fact { $($fact,)+ }

        impl Fact {
            pub const ALL: [Fact; [$($name,)+].len()] = [$(Fact::$fact,)+];

            /// As a keymap file names it.
            pub fn name(self) -> &'static str {
                match self { $(Fact::$fact => $name,)+ }
            }

            /// In words, for the docs.
            pub fn what(self) -> &'static str {
                match self { $(Fact::$fact => $what,)+ }
            }
        }
    };
}

facts! {
    HubLive = "hub.live", "the hub answers";
    HubOwned = "hub.owned", "this console is the hub";
    RowSelected = "row.selected", "a memory or event is selected in this pane";
    QueryTyped = "query.typed", "Search has a query";
    DetailOpen = "detail.open", "something is opened beside or over the list of this pane";
    PaneZoomed = "pane.zoomed", "a pane fills the screen";
    ProjectPicked = "project.picked", "one project is picked";
    StreamFollowing = "stream.following", "the Timeline follows the newest event";
    StreamFiltered = "stream.filtered", "the Timeline has a filter";
    ImportRunning = "import.running", "an import is running";
    UndoPossible = "undo.possible", "a removal can be taken back";
}

/// The facts that are so now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts(u32);

const _: () = assert!(Fact::ALL.len() <= u32::BITS as usize);

impl Facts {
    pub fn with(self, fact: Fact, is_so: bool) -> Facts {
        if is_so { Facts(self.0 | 1 << fact as u32) } else { self }
    }

    pub fn has(self, fact: Fact) -> bool {
        self.0 & 1 << fact as u32 != 0
    }
}

/// A fact that must be so, or with `!` before its name must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    fact: Fact,
    is_so: bool,
}

impl When {
    pub fn named(text: &str) -> Option<When> {
        let name = text.strip_prefix('!').unwrap_or(text).trim();
        let fact = Fact::ALL.into_iter().find(|fact| fact.name() == name)?;
        Some(When { fact, is_so: !text.starts_with('!') })
    }

    pub fn holds(self, facts: Facts) -> bool {
        facts.has(self.fact) == self.is_so
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.is_so { "" } else { "!" }, self.fact.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_reads_as_it_is_written() {
        for fact in Fact::ALL {
            for text in [fact.name().to_owned(), format!("!{}", fact.name())] {
                assert_eq!(When::named(&text).map(|when| when.to_string()), Some(text));
            }
            let facts = Facts::default().with(fact, true);
            assert_eq!(Fact::ALL.into_iter().filter(|other| facts.has(*other)).collect::<Vec<_>>(), [fact]);
        }
        assert_eq!(When::named("hub.alive"), None);
    }
}
