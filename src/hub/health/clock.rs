//! The machine's clock, held against one that nobody sets and against what the log has recorded.

use std::time::Duration;

use crate::{
    door::{Anchor, short_span},
    health::Finding,
    model::Time,
};

/// A clock that is slewed, or a look that was late, is not off by more.
const STEP_MIN: Duration = Duration::from_secs(2);
/// A step is shown for so long.
const STEP_SHOWN: Duration = Duration::from_secs(60);

/// What the look before saw, and the last step.
#[derive(Debug, Default)]
pub struct ClockWatch {
    before: Option<(Time, Duration)>,
    step: Option<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    by_ms: i64,
    at: Duration,
}

impl ClockWatch {
    pub fn look(&mut self, now: Time, steady: Duration, recorded_at: Time) -> Finding {
        if let Some((then, steady_then)) = self.before.replace((now, steady)) {
            let passed = steady.saturating_sub(steady_then).as_millis() as i64;
            let by_ms = now.unix_ms() - then.unix_ms() - passed;
            if by_ms.unsigned_abs() > STEP_MIN.as_millis() as u64 {
                self.step = Some(Step { by_ms, at: steady });
            }
        }
        self.step = self.step.filter(|step| steady.saturating_sub(step.at) < STEP_SHOWN);
        let ahead_ms = recorded_at.unix_ms() - now.unix_ms();
        if let Some(Step { by_ms, .. }) = self.step {
            let way = if by_ms > 0 { "forward" } else { "back" };
            return Finding::degraded(
                Anchor::ClockStepped,
                format!("this machine's clock was set {way} by {}", span(by_ms)),
            );
        }
        if ahead_ms > STEP_MIN.as_millis() as i64 {
            return Finding::degraded(
                Anchor::ClockBehind,
                format!("the log is {} ahead of this machine's clock", span(ahead_ms)),
            );
        }
        Finding::up("steady")
    }
}

fn span(ms: i64) -> String {
    short_span(ms.unsigned_abs().div_ceil(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: i64 = 1_000_000_000_000;

    /// What each look says: of the clock's milliseconds and the steady seconds.
    fn said(looks: &[(i64, u64)], recorded_ms: i64) -> Vec<String> {
        let mut watch = ClockWatch::default();
        let look = |(ms, steady): &(i64, u64)| {
            let (now, recorded) = (Time::from_unix_ms(ZERO + ms), Time::from_unix_ms(ZERO + recorded_ms));
            let finding = watch.look(now, Duration::from_secs(*steady), recorded);
            finding.cause.unwrap_or(finding.note)
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn a_step_is_said_for_a_minute() {
        let looks =
            [(0, 0), (10_000, 10), (21_900, 20), (131_900, 30), (180_000, 80), (190_000, 90), (80_000, 100)];
        assert_eq!(
            said(&looks, 0),
            [
                "steady",
                "steady",
                "steady",
                "this machine's clock was set forward by 2 min",
                "this machine's clock was set forward by 2 min",
                "steady",
                "this machine's clock was set back by 2 min"
            ]
        );
        assert_eq!(said(&[(0, 0), (7_200_000, 7_200)], 0), ["steady", "steady"], "it slept");
    }

    #[test]
    fn a_log_from_the_future_is_said_until_the_clock_is_there() {
        assert_eq!(
            said(&[(0, 0), (100_000, 100), (179_000, 179)], 180_000),
            [
                "the log is 3 min ahead of this machine's clock",
                "the log is 80 s ahead of this machine's clock",
                "steady"
            ]
        );
    }
}
