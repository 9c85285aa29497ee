//! The prior: what speaks for a memory whatever is asked. Small: it settles near-ties, and no more.

use std::time::Duration;

/// A memory's importance where nobody said anything.
pub(super) const IMPORTANCE_USUAL: f32 = 0.5;
/// What being of this moment adds; half of it after [`HALF_LIFE`].
const RECENCY: f32 = 0.01;
const HALF_LIFE: Duration = Duration::from_secs(90 * 24 * 3_600);
/// What the greatest importance adds, and the least takes away.
const IMPORTANCE: f32 = 0.01;

/// What is added to a score, of which the best is about 1.
pub(super) fn prior(age: Duration, importance: f32) -> f32 {
    let fresh = (-(age.as_secs_f32() / HALF_LIFE.as_secs_f32())).exp2();
    RECENCY * fresh + IMPORTANCE * (importance - IMPORTANCE_USUAL) / IMPORTANCE_USUAL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_and_important_things_gain_a_little() {
        let day = Duration::from_secs(24 * 3_600);
        assert_eq!(prior(Duration::ZERO, 0.5), RECENCY);
        assert!((prior(90 * day, 0.5) - RECENCY / 2.0).abs() < 1e-6);
        assert!((prior(Duration::ZERO, 1.0) - 0.02).abs() < 1e-6);
        assert!((prior(10_000 * day, 0.0) + IMPORTANCE).abs() < 1e-6);
    }
}
