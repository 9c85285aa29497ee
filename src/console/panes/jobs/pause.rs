//! Why a job is to be paused, typed in one line: `disk is moved until 2h`.

use super::{Jobs, Typing};
use crate::{
    console::{
        effect::{Ask, JobDeed},
        scene::{Out, Scene},
    },
    door::NewPause,
    model::{Time, TimeWords},
};

/// Between the reason and the moment.
const UNTIL: &str = "until ";

/// What is typed, as it is meant.
pub fn read(text: &str, words: TimeWords) -> Result<NewPause, String> {
    let text = text.trim();
    let (reason, until) = match text.rfind(UNTIL).filter(|at| *at == 0 || text[..*at].ends_with(' ')) {
        Some(at) => (text[..at].trim(), Some(text[at + UNTIL.len()..].trim())),
        None => (text, None),
    };
    let until = until.filter(|until| !until.is_empty()).map(|until| ahead(until, words)).transpose()?;
    Ok(NewPause { reason: reason.to_owned(), until })
}

/// A moment to come: a span from now, or a date.
fn ahead(text: &str, words: TimeWords) -> Result<Time, String> {
    let said = || format!("{text:?} is no moment to come: 2h, 3 days, 2026-12-01 09:00");
    let moment = words.parse(text.strip_prefix("in ").unwrap_or(text)).map_err(|_| said())?;
    let is_span = text.trim_start_matches("in ").starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with("am")
        && !text.ends_with("pm");
    // Spans are read as back from now.
    let moment =
        if is_span && moment <= words.now { words.now.plus(words.now.since(moment)) } else { moment };
    if moment > words.now { Ok(moment) } else { Err(said()) }
}

impl Jobs {
    pub(super) fn accept_pause(&mut self, scene: &Scene, out: &mut Out) {
        let Some(Typing::Pause(job)) = self.typing else { return };
        if let Ok(pause) = read(self.pause.text(), scene.words()) {
            out.ask(Ask::Job(JobDeed::Pause(job, pause)));
            self.typing = None;
            self.pause.clear();
        }
    }

    /// What the line means so far, or why it cannot be meant.
    pub(super) fn pause_words(&self, scene: &Scene) -> Result<String, String> {
        let pause = read(self.pause.text(), scene.words())?;
        Ok(match pause.until {
            Some(until) => format!("until {}", crate::console::scene::age(scene.now, until)),
            None => "until somebody resumes it".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Zone;

    #[track_caller]
    fn check(text: &str, reason: &str, until: Option<&str>) {
        let words = TimeWords { now: "2026-11-21T14:00:00Z".parse().unwrap(), zone: Zone::UTC };
        let until = until.map(|time| time.parse().unwrap());
        assert_eq!(read(text, words), Ok(NewPause { reason: reason.into(), until }), "{text}");
    }

    #[test]
    fn a_pause_has_a_reason_and_may_have_an_end() {
        check("", "", None);
        check("the disk is moved", "the disk is moved", None);
        check("the disk is moved until 2h", "the disk is moved", Some("2026-11-21T16:00:00Z"));
        check("until 3 days", "", Some("2026-11-24T14:00:00Z"));
        check("move until 2026-12-01", "move", Some("2026-12-01T00:00:00Z"));
        check("until ", "until", None);
        let words = TimeWords { now: "2026-11-21T14:00:00Z".parse().unwrap(), zone: Zone::UTC };
        assert!(read("x until yesterday", words).is_err());
        assert!(read("x until whenever", words).is_err());
    }
}
