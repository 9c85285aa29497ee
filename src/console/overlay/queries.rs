//! Former queries: the newest first, narrowed by what is typed, one to take again.

use std::borrow::Cow;

use ratatui::text::Line as Text;

use super::chooser::{Chooser, Look};
use crate::{
    console::{
        action::{Action, Place},
        effect::Effect,
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{
            finder::{Finder, Named, Row},
            toast::Toast,
        },
    },
    model::Fault,
};

pub struct Queries {
    finder: Finder<String>,
    read: bool,
}

impl Named for String {
    fn name(&self) -> Cow<'_, str> {
        self.into()
    }
}

impl Queries {
    pub fn new(out: &mut Out) -> Queries {
        out.effects.push(Effect::LoadQueries);
        Queries { finder: Finder::new(Vec::new()), read: false }
    }

    pub fn came(&mut self, queries: Result<Vec<String>, Fault>, out: &mut Out) {
        self.read = true;
        match queries {
            Ok(queries) => self.finder.change(|all| *all = queries),
            Err(fault) => out.toast(Toast::fault("former queries", &fault)),
        }
    }

    /// Out of the list and out of the file.
    fn forget(&mut self, out: &mut Out) {
        if let Some(query) = self.finder.selected().cloned() {
            self.finder.change(|all| all.retain(|known| *known != query));
            out.effects.push(Effect::DropQuery(query));
        }
    }
}

impl Chooser for Queries {
    type Item = String;

    fn place(&self) -> Place {
        Place::Queries
    }

    fn look(&self) -> Look {
        Look { title: "Former queries", placeholder: "type to narrow", width: 76, rows_max: 16, aside: false }
    }

    fn foot(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "take"), (Action::ForgetQuery, "forget"), (Action::Back, "close")]
    }

    fn finder(&self) -> &Finder<String> {
        &self.finder
    }

    fn finder_mut(&mut self) -> &mut Finder<String> {
        &mut self.finder
    }

    fn nothing(&self) -> &'static str {
        match self.finder.items() {
            _ if !self.read => "reading them…",
            [] => "none yet: each query you leave or open a hit of is kept",
            _ => "none of them holds that",
        }
    }

    fn row(&self, query: &String, row: Row, scene: &Scene) -> Text<'static> {
        row.draw((&text::escape_line(query), Role::Text), "", ("", Role::Muted), scene)
    }

    fn take(&mut self, out: &mut Out) {
        if let Some(query) = self.finder.selected() {
            out.query = Some(query.clone());
            out.close = true;
        }
    }

    fn own(&mut self, action: Action, out: &mut Out) -> bool {
        let own = action == Action::ForgetQuery;
        if own {
            self.forget(out);
        }
        own
    }
}
