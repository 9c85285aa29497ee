//! What comes from the hubs, and which of them is meant.

use super::App;
use crate::{
    console::{
        effect::Effect,
        model::{At, Connection, Hub, Shows, Sounding},
        msg::{Answer, Link},
        overlay::Overlay,
        panes::{PaneName, Panes, decisions::Decisions, health::Health, jobs::Jobs, search::Search},
        scene::Out,
        widgets::toast::Toast,
    },
    door::Status,
    model::{Fault, Sequence},
};

impl App {
    pub(super) fn link(&mut self, at: At, link: &Link, out: &mut Out) {
        if self.env.fleet.get(at).is_none() {
            return;
        }
        self.heard(at, link, out);
        let chosen = self.env.fleet.chosen();
        self.turn_to_who_is_there(out);
        let scene = self.env.scene();
        self.panes.each().for_each(|pane| pane.of_fleet(at, link, &scene, out));
        if at == chosen && at == self.env.fleet.chosen() {
            self.panes.each().for_each(|pane| pane.link(link, &scene, out));
        }
    }

    /// What the header and the table of hubs tell.
    fn heard(&mut self, at: At, link: &Link, out: &mut Out) {
        let (now, many) = (self.env.now, self.env.fleet.is_many());
        let Some(seat) = self.env.fleet.get_mut(at) else { return };
        let named = |said: &str| if many { format!("{}: {said}", seat.name) } else { said.to_owned() };
        match link {
            Link::Up { owned, status } => {
                let was_away = match seat.hub.connection {
                    Connection::Offline { .. } | Connection::Stale { .. } => true,
                    Connection::Live { owned: before } => *owned && !before,
                    Connection::Opening => false,
                };
                if was_away {
                    let said = if *owned { "this console is the hub now" } else { "attached again" };
                    out.toast(Toast::done(named(said)));
                }
                seat.hub.connection = Connection::Live { owned: *owned };
                seat.hub.status = Some((**status).clone());
            }
            Link::Down { fault, retry_at } => {
                let since = match &seat.hub.connection {
                    Connection::Offline { since, .. } | Connection::Stale { since } => *since,
                    Connection::Opening | Connection::Live { .. } => now,
                };
                // One alone says so in the header.
                if many && !matches!(seat.hub.connection, Connection::Offline { .. }) {
                    out.toast(Toast::warn(named(&fault.message)));
                }
                seat.hub.connection =
                    Connection::Offline { since, fault: fault.clone(), retry_at: *retry_at };
                seat.round_trip = None;
            }
            Link::Stale { since } => {
                if many {
                    out.toast(Toast::warn(named("not a word from it; trying it anew")));
                }
                seat.hub.connection = Connection::Stale { since: *since };
                seat.round_trip = None;
            }
            Link::Status(status) => self.status(at, status, out),
            Link::Gap { from, to, reason } => {
                seat.received = seat.received.max(*to);
                let said = format!("events {from} to {to} are not to be had here ({reason})");
                out.toast(Toast::warn(named(&said)));
            }
            Link::Begin(stretch) => seat.received = stretch.head.sequence,
            Link::Events(events) => {
                let last = events.last().map_or(Sequence::ZERO, |event| event.sequence);
                seat.received = seat.received.max(last);
            }
        }
    }

    fn status(&mut self, at: At, status: &Status, out: &mut Out) {
        let readies = |hub: &Hub| {
            let status = hub.status.as_ref()?;
            Some(status.views.iter().filter(|view| view.state.is_ready()).count())
        };
        let Some(seat) = self.env.fleet.get_mut(at) else { return };
        let before = readies(&seat.hub);
        seat.hub.status = Some(status.clone());
        if readies(&seat.hub) != before {
            let scene = self.env.scene();
            self.panes.each().for_each(|pane| pane.views_changed(at, &scene, out));
        }
    }

    pub(super) fn sounded(&mut self, at: At, result: Result<Sounding, Fault>, out: &mut Out) {
        let now = self.env.now;
        if let Ok(sounding) = &result
            && self.env.fleet.get(at).is_some_and(|seat| seat.hub.is_live())
        {
            self.status(at, &sounding.status, out);
        }
        if let Some(seat) = self.env.fleet.get_mut(at) {
            seat.sounded = Some(now);
            seat.take_sounding(result);
        }
    }

    /// What was changed is told whichever hub is chosen now; what was asked for to be shown is not shown among what another
    /// one says.
    pub(super) fn answer_of(&mut self, at: At, turn: u64, answer: Answer, out: &mut Out) {
        let told = matches!(
            answer,
            Answer::Saved(_)
                | Answer::Forgotten(_)
                | Answer::Restored(_)
                | Answer::Decided(_)
                | Answer::Job { .. }
        );
        if told || (turn == self.env.fleet.turn() && at == self.env.fleet.chosen()) {
            self.answer(answer, out);
        } else if turn == self.env.fleet.turn() {
            let scene = self.env.scene();
            let mut answer = Some(answer);
            for pane in self.panes.each() {
                answer = answer.and_then(|answer| pane.answer_of(at, answer, &scene, out));
            }
        }
    }

    /// Why no other hub can be chosen now.
    pub(super) fn why_not_choose(&self) -> Option<String> {
        if matches!(self.overlay, Some(Overlay::Form(_))) {
            return Some("a form is open that is for this hub".into());
        }
        self.forgetting.is_some().then(|| "a removal is on its way to this hub".into())
    }

    /// All panes but the Timeline begin anew with this hub. Search asks it alone, or all.
    pub(super) fn choose(&mut self, at: At, shows: Shows, out: &mut Out) {
        if let Some(why) = self.why_not_choose().filter(|_| at != self.env.fleet.chosen()) {
            return out.toast(Toast::say(why));
        }
        let name = self.env.fleet.name(at).to_owned();
        out.toast(Toast::say(match shows {
            Shows::Only => format!("{name} alone"),
            Shows::All => "all hubs".to_owned(),
        }));
        self.turn_to(at, shows, out);
        let scene = self.env.scene();
        self.panes.timeline.set_filter(&scene, out);
        self.panes.search.shows_changed(&scene, out);
    }

    /// Until somebody chooses, one that is there is meant rather than one that never was.
    fn turn_to_who_is_there(&mut self, out: &mut Out) {
        let fleet = &self.env.fleet;
        let hub = fleet.hub();
        let never = matches!(hub.connection, Connection::Offline { .. }) && hub.status.is_none();
        if !never || fleet.turn() > 0 || fleet.only().is_some() || self.why_not_choose().is_some() {
            return;
        }
        let there = fleet.each().find(|(_, seat)| seat.hub.is_live()).map(|(at, _)| at);
        if let Some(at) = there {
            self.turn_to(at, Shows::All, out);
        }
    }

    fn turn_to(&mut self, at: At, shows: Shows, out: &mut Out) {
        if self.env.fleet.choose(at, shows) {
            // What could be taken back was of the hub before.
            self.undo = None;
            out.effects.push(Effect::Choose { at, turn: self.env.fleet.turn() });
            self.begin_anew(out);
        }
    }

    fn begin_anew(&mut self, out: &mut Out) {
        let query = self.panes.search.query.text().to_owned();
        let project = self.env.project.clone();
        let frames = std::mem::take(&mut self.panes.health.frames);
        let Panes { search, decisions, jobs, health, .. } = &mut self.panes;
        *search = Search::with(self.env.fleet.chosen());
        search.query.set(&query);
        search.project.clone_from(&project);
        *decisions = Decisions::default();
        decisions.restore_project(project);
        *jobs = Jobs::default();
        *health = Health::default();
        health.frames = frames;
        // They ask only for what they have room for.
        self.arrange();
        let hub = self.env.fleet.hub();
        let (Connection::Live { owned }, Some(status)) = (&hub.connection, &hub.status) else { return };
        let up = Link::Up { owned: *owned, status: Box::new(status.clone()) };
        let scene = self.env.scene();
        for name in PaneName::ALL {
            self.panes.get_mut(*name).link(&up, &scene, out);
        }
    }
}
