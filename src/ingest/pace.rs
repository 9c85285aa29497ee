//! How fast an import is and when it will be done, from what the last seconds brought.

use std::{collections::VecDeque, time::Duration};

/// What is older does not count.
const WINDOW: Duration = Duration::from_secs(5);
/// Nothing is said before this much is known.
const KNOWN_AFTER: Duration = Duration::from_millis(250);
const SAMPLES_MAX: usize = 256;

/// Counts of files and bytes at moments since the start.
#[derive(Debug, Default)]
pub struct Pace {
    samples: VecDeque<(Duration, u64, u64)>,
}

impl Pace {
    pub fn sample(&mut self, at: Duration, files: u64, bytes: u64) {
        self.samples.push_back((at, files, bytes));
        while self.samples.len() > 2 && (self.samples.len() > SAMPLES_MAX || self.samples[1].0 + WINDOW < at)
        {
            self.samples.pop_front();
        }
    }

    /// Files a second, and the time that what is left will take: by bytes, because files differ.
    pub fn of(&self, files_left: u64, bytes_left: u64) -> (f64, Option<Duration>) {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else {
            return (0.0, None);
        };
        let seconds = (last.0 - first.0).as_secs_f64();
        if last.0 < KNOWN_AFTER || seconds <= 0.0 {
            return (0.0, None);
        }
        let rate = (last.1 - first.1) as f64 / seconds;
        let bytes = (last.2 - first.2) as f64 / seconds;
        let left = if bytes > 0.0 && bytes_left > 0 {
            Some(bytes_left as f64 / bytes)
        } else {
            (rate > 0.0).then(|| files_left as f64 / rate)
        };
        (rate, left.and_then(|left| Duration::try_from_secs_f64(left).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_seconds_say_how_long_it_takes() {
        let mut pace = Pace::default();
        assert_eq!(pace.of(10, 10), (0.0, None));
        pace.sample(Duration::ZERO, 0, 0);
        pace.sample(Duration::from_millis(100), 50, 500);
        assert_eq!(pace.of(10, 10), (0.0, None), "too early to say");
        pace.sample(Duration::from_secs(1), 100, 1_000);
        assert_eq!(pace.of(200, 3_000), (100.0, Some(Duration::from_secs(3))));
        for second in 2..20 {
            pace.sample(Duration::from_secs(second), 100 + second, 1_000 + second * 10);
        }
        assert_eq!(pace.of(5, 100), (1.0, Some(Duration::from_secs(10))), "the fast start is forgotten");
    }
}
