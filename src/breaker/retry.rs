//! How long to wait before asking again.

use std::time::Duration;

use crate::model::Code;

/// Asks again after a wait that grows, up to a bound, with jitter, so that callers that failed together do not come back
/// together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// In all, the first among them.
    pub attempts: u32,
    pub first: Duration,
    pub factor: f64,
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { attempts: 3, first: Duration::from_secs(1), factor: 2.0, most: Duration::from_secs(10) }
    }
}

impl Backoff {
    /// The wait before the next attempt when `failed` have failed, the last with `code`; none when it is of no use.
    /// `random` is any number: the wait is between half of the full one and all of it ("equal jitter").
    pub fn next(&self, failed: u32, code: Code, random: u64) -> Option<Duration> {
        (code.is_transient() && failed < self.attempts).then(|| self.wait(failed, random))
    }

    /// The wait after `failed` attempts, whatever they failed of.
    pub fn wait(&self, failed: u32, random: u64) -> Duration {
        let growth = self.factor.max(1.0).powi(failed.saturating_sub(1).min(64) as i32);
        let full_ms = (self.first.as_millis() as f64 * growth).min(self.most.as_millis() as f64);
        let part = 0.5 + 0.5 * (random as f64 / u64::MAX as f64);
        Duration::from_millis((full_ms * part) as u64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn three_attempts_with_growing_waits() {
        let backoff = Backoff::default();
        let next = |failed, code, random| {
            backoff.next(failed, code, random).map(|wait: Duration| wait.as_millis() as u64)
        };
        assert_eq!(next(1, Code::Unavailable, u64::MAX), Some(1_000));
        assert_eq!(next(1, Code::Unavailable, 0), Some(500));
        assert_eq!(next(2, Code::Timeout, u64::MAX), Some(2_000));
        assert_eq!(next(3, Code::Timeout, u64::MAX), None);
        let patient = Backoff { attempts: 100, ..backoff };
        assert_eq!(patient.next(5, Code::Timeout, u64::MAX), Some(Duration::from_secs(10)));
        assert_eq!(patient.next(99, Code::Timeout, u64::MAX), Some(Duration::from_secs(10)));
    }

    #[test]
    fn no_second_try_where_it_cannot_help() {
        for code in Code::ALL {
            let again = Backoff::default().next(1, code, 7).is_some();
            assert_eq!(again, [Code::Unavailable, Code::Timeout].contains(&code), "{code}");
        }
    }

    proptest! {
        #[test]
        fn a_wait_is_within_its_bounds(failed in 1u32..1_000, random in any::<u64>()) {
            let wait = Backoff::default().wait(failed, random);
            prop_assert!((Duration::from_millis(500)..=Duration::from_secs(10)).contains(&wait));
        }
    }
}
