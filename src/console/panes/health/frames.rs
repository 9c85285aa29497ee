//! How long the last frames of this console took to draw.

use std::{collections::VecDeque, time::Duration};

/// Frames that are remembered.
const FRAMES_MAX: usize = 512;

#[derive(Debug, Default)]
pub struct FrameTimes {
    micros: VecDeque<u32>,
}

impl FrameTimes {
    pub fn took(&mut self, span: Duration) {
        if self.micros.len() == FRAMES_MAX {
            self.micros.pop_front();
        }
        self.micros.push_back(u32::try_from(span.as_micros()).unwrap_or(u32::MAX));
    }

    /// The milliseconds within which this share of them was drawn.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let mut sorted: Vec<_> = self.micros.iter().copied().collect();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        Some(f64::from(sorted[(share * last as f64).round() as usize]) / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_frames_are_what_counts() {
        let mut frames = FrameTimes::default();
        assert_eq!(frames.quantile(0.5), None);
        (0..FRAMES_MAX).for_each(|_| frames.took(Duration::from_millis(90)));
        (1..=FRAMES_MAX as u64).for_each(|n| frames.took(Duration::from_micros(n)));
        assert_eq!(frames.quantile(0.0), Some(0.001));
        assert_eq!(frames.quantile(1.0), Some(0.512));
    }
}
