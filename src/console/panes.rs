//! The deck's panes: each is a room with its state, its update and its view, behind one trait.
//!
//! A pane is a file and a line in the table below. The app goes by the table and by [`Pane`]; it names a pane only where
//! one thing that happened concerns another (a memory that was saved is shown anew in Search).

pub mod decisions;
pub mod health;
pub mod hubs;
pub mod jobs;
pub mod log;
pub mod search;
pub mod timeline;

use crossterm::event::KeyEvent;
use ratatui::{Frame, layout::Rect, text::Span};

use self::{
    decisions::Decisions, health::Health, hubs::Hubs, jobs::Jobs, log::Log, search::Search,
    timeline::Timeline,
};
use super::{
    action::{Action, Place},
    export::What,
    layout::{Shares, Split, Spot},
    model::At,
    msg::{Answer, Link},
    scene::{Out, Scene},
    widgets::{list::Step, scroll::Track},
};
use crate::model::{Project, Time};

/// What a pane has to export.
pub struct Exported {
    pub what: What,
    /// In words.
    pub about: String,
    /// The beginning of the file's name.
    pub stem: &'static str,
}

/// What the deck asks of a pane. It is told everything and changes itself only; what it wishes for goes out.
pub trait Pane {
    // ── how it looks ────────────────────────────────────────────────────────────────────────────────────────────

    /// Its part of the screen with its border, empty while it is not shown; and how a list and what it opened share it.
    fn arrange(&mut self, area: Rect, shares: Shares);

    fn split(&self) -> &Split;

    /// Lays out what is open for its width: here, and not while drawing.
    fn lay_out(&mut self, _scene: &Scene) {}

    /// Theme or form of time changed: what was laid out for them no longer holds.
    fn look_anew(&mut self) {}

    /// Draws what stands inside the border.
    fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene);

    /// Whose rows these are where there are several hubs, beside its title; none: it says so itself, or they are nobody's.
    fn whose<'a>(&self, scene: &Scene<'a>) -> Option<&'a str> {
        Some(&scene.fleet.seat().name)
    }

    /// How it stands, for the upper border.
    fn state(&self, _scene: &Scene) -> Vec<Span<'static>> {
        Vec::new()
    }

    /// What it is busy with, for the lower border.
    fn doing(&self, _scene: &Scene) -> Option<Span<'static>> {
        None
    }

    /// How much there is, for the lower border.
    fn extent(&self, _scene: &Scene) -> Option<Span<'static>> {
        None
    }

    // ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────

    /// Where its keys are looked up, the most particular first; while it is typed into, the place of that text alone.
    fn places(&self) -> Vec<Place>;

    /// Letters are text.
    fn is_typing(&self) -> bool;

    /// The focus went elsewhere.
    fn stop_typing(&mut self, out: &mut Out);

    /// `back` leads somewhere inside it.
    fn leads_back(&self) -> bool;

    /// Does an action, if it is for this pane.
    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool;

    /// Why an action that is this pane's cannot be done now.
    fn why_not(&self, _action: Action, _scene: &Scene) -> Option<String> {
        None
    }

    /// A key that no binding claims, while it is typed into.
    fn key(&mut self, _key: KeyEvent, _scene: &Scene, _out: &mut Out) {}

    fn paste(&mut self, _text: &str, _scene: &Scene, _out: &mut Out) {}

    /// What one of the copying actions takes from here.
    fn copied(&self, _action: Action) -> Option<String> {
        None
    }

    /// A cell of the selected row, empty where there is nothing in it.
    fn cell(&self, _action: Action) -> Option<String> {
        None
    }

    /// What it shows, to be asked for whole, and the beginning of a file's name; none where that cannot be.
    fn exported(&self) -> Option<Exported> {
        None
    }

    fn has_selection(&self) -> bool;

    /// Something stands beside or over its list.
    fn has_opened(&self) -> bool;

    // ── mouse ───────────────────────────────────────────────────────────────────────────────────────────────────

    /// A click inside the border. A second one on what is selected opens it.
    fn click(&mut self, x: u16, y: u16, scene: &Scene, out: &mut Out);

    fn wheel(&mut self, x: u16, y: u16, step: Step, out: &mut Out);

    /// The scroll bar of its list, while there is one.
    fn track(&self) -> Option<Track> {
        None
    }

    /// Makes this row of its list the first that is seen.
    fn scroll_to(&mut self, _top: usize, _out: &mut Out) {}

    // ── what happens ────────────────────────────────────────────────────────────────────────────────────────────

    /// What only time brings.
    fn tick(&mut self, _scene: &Scene, _out: &mut Out) {}

    /// When time alone makes something happen here.
    fn wake(&self, _scene: &Scene) -> Option<Time> {
        None
    }

    /// One of the hubs came, went, or told something.
    fn of_fleet(&mut self, _at: At, _link: &Link, _scene: &Scene, _out: &mut Out) {}

    /// As [`Pane::of_fleet`], of the chosen hub alone.
    fn link(&mut self, _link: &Link, _scene: &Scene, _out: &mut Out) {}

    /// This hub's views became ready, or one is being made anew.
    fn views_changed(&mut self, _at: At, _scene: &Scene, _out: &mut Out) {}

    /// Takes the answer to what it asked; any other is given back.
    fn answer(&mut self, answer: Answer, _scene: &Scene, _out: &mut Out) -> Option<Answer> {
        Some(answer)
    }

    /// As [`Pane::answer`], from a hub that is not the chosen one.
    fn answer_of(&mut self, _at: At, answer: Answer, _scene: &Scene, _out: &mut Out) -> Option<Answer> {
        Some(answer)
    }

    /// This project alone is shown from now on, or all.
    fn set_project(&mut self, _project: Option<&Project>, _scene: &Scene, _out: &mut Out) {}
}

macro_rules! panes {
    ($($field:ident: $pane:ident = $digit:literal, $title:literal, $spot:ident, $place:ident, $focus:ident;)+) => {
        /// In the order of their digits.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum PaneName { $($pane,)+ }

        /// Every pane, whether it is shown or not.
        #[derive(Default)]
        pub struct Panes { $(pub $field: $pane,)+ }

        impl PaneName {
            pub const ALL: &'static [PaneName] = &[$(PaneName::$pane,)+];

            /// Its key on the deck.
            pub fn digit(self) -> char {
                match self { $(PaneName::$pane => $digit,)+ }
            }

            pub fn title(self) -> &'static str {
                match self { $(PaneName::$pane => $title,)+ }
            }

            /// Where it stands on the deck.
            pub fn spot(self) -> Spot {
                match self { $(PaneName::$pane => Spot::$spot,)+ }
            }

            /// Where its own keys are looked up: an action that lives there is this pane's.
            pub fn place(self) -> Place {
                match self { $(PaneName::$pane => Place::$place,)+ }
            }

            /// The pane that this action goes to.
            pub fn focused_by(action: Action) -> Option<PaneName> {
                match action { $(Action::$focus => Some(PaneName::$pane),)+ _ => None }
            }
        }

        impl Panes {
            pub fn get(&self, name: PaneName) -> &dyn Pane {
                match name { $(PaneName::$pane => &self.$field,)+ }
            }

            pub fn get_mut(&mut self, name: PaneName) -> &mut dyn Pane {
                match name { $(PaneName::$pane => &mut self.$field,)+ }
            }

            pub fn each(&mut self) -> impl Iterator<Item = &mut dyn Pane> {
                let all: [&mut dyn Pane; PaneName::ALL.len()] = [$(&mut self.$field,)+];
                all.into_iter()
            }
        }
    };
}

panes! {
    // pane            = key, title,      on the deck, its keys, what goes to it
    search: Search     = '1', "Search",   Main,        Search,   FocusSearch;
    decisions: Decisions = '2', "Decisions", Below,    Decisions, FocusDecisions;
    jobs: Jobs         = '3', "Jobs",     Below,       Jobs,     FocusJobs;
    timeline: Timeline = '4', "Timeline", Stream,      Timeline, FocusTimeline;
    health: Health     = '5', "Health",   Foot,        Health,   FocusHealth;
    hubs: Hubs         = '9', "Hubs",     Away,        Hubs,     FocusHubs;
    log: Log           = '0', "Log",      Away,        Log,      FocusLog;
}

impl PaneName {
    /// Those that share the deck, in the order that Tab goes.
    pub fn on_deck() -> impl Iterator<Item = PaneName> {
        PaneName::ALL.iter().copied().filter(|name| name.spot() != Spot::Away)
    }

    /// The next one on the deck, or the one before, round and round.
    pub fn beside(self, step: i8) -> PaneName {
        let deck: Vec<_> = PaneName::on_deck().collect();
        match deck.iter().position(|name| *name == self) {
            Some(at) => deck[(at as isize + isize::from(step)).rem_euclid(deck.len() as isize) as usize],
            // It stands behind the last one.
            None if step > 0 => deck[0],
            None => deck[deck.len() - 1],
        }
    }
}

impl Panes {
    pub fn all(&self) -> impl Iterator<Item = (PaneName, &dyn Pane)> {
        PaneName::ALL.iter().map(|name| (*name, self.get(*name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_stand_in_the_order_of_their_digits_each_with_places_of_its_own() {
        let digits: Vec<_> = PaneName::ALL.iter().map(|name| name.digit()).collect();
        // The zero stands right of the nine on a keyboard.
        assert!(digits.is_sorted_by_key(|digit| if *digit == '0' { ':' } else { *digit }), "{digits:?}");
        for name in PaneName::ALL {
            let others = PaneName::ALL.iter().filter(|other| *other != name);
            assert!(
                others.clone().all(|other| other.digit() != name.digit() && other.place() != name.place())
            );
        }
    }
}
