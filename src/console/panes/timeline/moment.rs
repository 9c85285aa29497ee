//! Going to a time: what is typed, and what it is read as while it is typed.

use super::{Stand, Timeline, Typing};
use crate::{
    console::{
        scene::{Out, Scene, age},
        widgets::toast::Toast,
    },
    model::{Time, TimeError},
};

impl Timeline {
    /// The moment of what is selected, while it does not follow.
    pub fn stands_at(&self) -> Option<Time> {
        (self.stand != Stand::Following).then(|| self.selected().map(|event| event.recorded_at)).flatten()
    }

    pub fn begin_moment(&mut self) {
        self.trace = None;
        self.typing = Some(Typing::Moment);
        self.moment.clear();
        self.suggest();
    }

    /// What the words name; nothing is typed yet is no moment and no fault.
    pub(super) fn moment_read(&self, scene: &Scene) -> Option<Result<Time, TimeError>> {
        (!self.moment.text().trim().is_empty()).then(|| scene.words().parse(self.moment.text()))
    }

    pub(super) fn accept_moment(&mut self, scene: &Scene, out: &mut Out) {
        match self.moment_read(scene) {
            Some(Ok(moment)) if moment > scene.now => {
                out.toast(Toast::say("that is yet to come: the newest"));
                self.to_latest(out);
            }
            Some(Ok(moment)) => self.go_to_moment(moment, out),
            Some(Err(_)) => {
                self.typing = Some(Typing::Moment);
                return;
            }
            None => {}
        }
        self.moment.clear();
    }
}

/// `= Tue 20 Oct 09:00:00, 33 d ago`
pub fn reading(time: Time, scene: &Scene) -> String {
    let (at, now) = (time.at(scene.zone()), scene.now.at(scene.zone()));
    let year = if at.format("%Y").to_string() == now.format("%Y").to_string() { "" } else { " %Y" };
    let ago = match age(scene.now, time) {
        age if time > scene.now || age == "now" => age,
        age => format!("{age} ago"),
    };
    format!("= {}, {ago}", at.format(&format!("%a %-d %b{year} %H:%M:%S")))
}
