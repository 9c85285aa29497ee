//! When to draw: at once after a quiet time, at most 60 times a second in a storm (15 over SSH), never when nothing
//! changed. Holds no timer: it answers how long to wait, and a console with nothing to draw waits for input alone.

mod seconds;

use std::time::{Duration, Instant};

pub use seconds::Seconds;

/// The least time between two frames on this machine's own terminal, and through SSH.
const LOCAL: Duration = Duration::from_micros(16_667);
const REMOTE: Duration = Duration::from_micros(66_667);

#[derive(Debug, Clone)]
pub struct Frames {
    interval: Duration,
    drawn_at: Option<Instant>,
    dirty: bool,
}

impl Frames {
    /// The first frame is due at once.
    pub fn new(over_ssh: bool) -> Frames {
        Frames { interval: if over_ssh { REMOTE } else { LOCAL }, drawn_at: None, dirty: true }
    }

    /// What is on screen is no longer so.
    pub fn touch(&mut self) {
        self.dirty = true;
    }

    /// How long from `now` until the next frame; zero: draw; `None`: there is nothing to draw.
    pub fn due(&self, now: Instant) -> Option<Duration> {
        let wait = match self.drawn_at {
            Some(at) => (at + self.interval).saturating_duration_since(now),
            None => Duration::ZERO,
        };
        self.dirty.then_some(wait)
    }

    /// A frame was begun at `now`.
    pub fn drawn(&mut self, now: Instant) {
        self.drawn_at = Some(now);
        self.dirty = false;
    }

    /// Ends when a frame is due, and not before; never, when there is nothing to draw. To be selected on.
    pub async fn wait(&self) {
        match self.due(Instant::now()) {
            Some(Duration::ZERO) => {}
            Some(wait) => tokio::time::sleep(wait).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn draws_at_once_when_idle_and_never_without_a_change() {
        let start = Instant::now();
        let mut frames = Frames::new(false);
        assert_eq!(frames.due(start), Some(Duration::ZERO));
        frames.drawn(start);
        assert_eq!(frames.due(start + Duration::from_secs(60)), None);
        frames.touch();
        assert_eq!(frames.due(start + Duration::from_secs(60)), Some(Duration::ZERO));
        assert_eq!(frames.due(start + Duration::from_millis(6)), Some(LOCAL - Duration::from_millis(6)));
    }

    proptest! {
        #[test]
        fn a_storm_is_drawn_in_few_frames(steps in prop::collection::vec(0..20_000u64, 0..300), ssh: bool) {
            let start = Instant::now();
            let mut frames = Frames::new(ssh);
            let (mut now, mut drawn) = (start, 0);
            for step in steps {
                now += Duration::from_micros(step);
                frames.touch();
                if frames.due(now) == Some(Duration::ZERO) {
                    frames.drawn(now);
                    drawn += 1;
                }
            }
            let interval = if ssh { REMOTE } else { LOCAL };
            prop_assert!(drawn <= 1 + (now - start).as_micros() / interval.as_micros());
        }
    }
}
