//! How well stated confidence agrees with what came of it.
//!
//! The Brier score (Brier 1950) is the mean squared distance between the two: 0 is perfect, and whoever always says the base
//! rate gets its variance, which stands beside it as the reference. The bins of a reliability diagram each say
//! how many decisions they rest on, and a 95 % band after Wilson (1927), which is honest about few.
//!
//! A success counts 1, a failure or a revision 0, a partial success openly ½; how many of those there are is in the
//! answer, since the band holds exactly only for whole ones. What nobody can tell yet is left out, and counted.

use serde::{Deserialize, Serialize};

use super::{Decision, OutcomeStatus};

/// Fixed, so that two diagrams can be compared; empty ones are left out.
pub const BINS: usize = 10;
/// The standard normal's 97.5 % point.
const Z_95: f64 = 1.959_963_984_540_053_6;

/// Confidence against outcomes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Calibration {
    /// Decisions that state a confidence and have an outcome.
    pub n: u64,
    /// Of these, partial successes, which count ½.
    pub partial: u64,
    /// With an outcome, but without a confidence.
    pub without_confidence: u64,
    /// With a confidence, but nobody can tell yet how they turned out.
    pub without_outcome: u64,
    /// None where `n` is 0, as is all below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brier: Option<f64>,
    /// The mean outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_rate: Option<f64>,
    /// The Brier score of always saying the base rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brier_of_base_rate: Option<f64>,
    /// By how much of that the stated confidence is better: 1 is perfect, under 0 worse. None where all turned out alike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skill: Option<f64>,
    /// The mean confidence; above the base rate it is overconfidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_confidence: Option<f64>,
    /// Ascending; empty ones are left out.
    pub bins: Vec<CalibrationBin>,
}

/// Decisions of about the same confidence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CalibrationBin {
    /// From here on, up to before `to`; the last one holds 1 too.
    pub from: f64,
    pub to: f64,
    pub n: u64,
    /// The mean confidence in it.
    pub stated: f64,
    /// The mean outcome in it.
    pub observed: f64,
    /// The ends of the 95 % band of `observed`.
    pub low: f64,
    pub high: f64,
}

impl Calibration {
    pub fn of<'a>(decisions: impl IntoIterator<Item = &'a Decision>) -> Calibration {
        let mut found = Calibration::default();
        let mut pairs: Vec<(f64, f64)> = Vec::new();
        for decision in decisions {
            let outcome = decision.outcome.as_ref().map(|outcome| outcome.status);
            match (decision.confidence, outcome.and_then(OutcomeStatus::worth)) {
                (Some(stated), Some(worth)) => {
                    found.partial += u64::from(outcome == Some(OutcomeStatus::Partial));
                    pairs.push((stated.clamp(0.0, 1.0), worth));
                }
                (None, Some(_)) => found.without_confidence += 1,
                (Some(_), None) => found.without_outcome += 1,
                (None, None) => {}
            }
        }
        found.n = pairs.len() as u64;
        let Some(base_rate) = mean(pairs.iter().map(|(_, worth)| *worth)) else { return found };
        let brier = mean(pairs.iter().map(|(stated, worth)| (stated - worth).powi(2)));
        let reference = mean(pairs.iter().map(|(_, worth)| (base_rate - worth).powi(2)));
        found.base_rate = Some(base_rate);
        found.brier = brier;
        found.brier_of_base_rate = reference;
        found.skill = brier.zip(reference.filter(|score| *score > 0.0)).map(|(ours, base)| 1.0 - ours / base);
        found.mean_confidence = mean(pairs.iter().map(|(stated, _)| *stated));
        found.bins = (0..BINS).filter_map(|bin| self::bin(bin, &pairs)).collect();
        found
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0u64), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / n as f64)
}

fn bin(bin: usize, pairs: &[(f64, f64)]) -> Option<CalibrationBin> {
    let is_in = |stated: f64| ((stated * BINS as f64) as usize).min(BINS - 1) == bin;
    let inside = || pairs.iter().filter(|(stated, _)| is_in(*stated));
    let n = inside().count() as u64;
    let stated = mean(inside().map(|(stated, _)| *stated))?;
    let observed = mean(inside().map(|(_, worth)| *worth))?;
    let (low, high) = wilson(observed, n);
    let edge = |bin: usize| bin as f64 / BINS as f64;
    Some(CalibrationBin { from: edge(bin), to: edge(bin + 1), n, stated, observed, low, high })
}

/// Wilson's score interval at 95 % of a share `p` of `n`.
pub fn wilson(p: f64, n: u64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let n = n as f64;
    let z2 = Z_95 * Z_95;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::{super::decision::tests::bare, *};
    use crate::model::Outcome;

    fn decided(confidence: Option<f64>, status: OutcomeStatus) -> Decision {
        Decision { confidence, outcome: Some(Outcome { status, ..Outcome::default() }), ..bare() }
    }

    #[track_caller]
    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
    }

    /// Worked out apart from this code, with the quantile of Python's `statistics.NormalDist`; 8 of 10 is the common example.
    #[test]
    fn the_band_is_wilsons() {
        for (p, n, low, high) in [
            (0.8, 10, 0.490_162_471_536_641_83, 0.943_317_848_545_624_7),
            (1.0, 3, 0.438_502_968_244_954_6, 1.0),
            (0.0, 2, 0.0, 0.657_619_772_493_346_8),
            (0.5, 1, 0.054_620_755_528_851_98, 0.945_379_244_471_148),
        ] {
            near(wilson(p, n).0, low);
            near(wilson(p, n).1, high);
        }
        assert_eq!(wilson(0.0, 0), (0.0, 1.0));
    }

    #[test]
    fn ten_decisions_give_the_numbers_worked_out_by_hand() {
        use OutcomeStatus::*;
        let outcomes = [
            (0.9, Successful),
            (0.95, Successful),
            (0.9, Failed),
            (0.7, Successful),
            (0.75, Partial),
            (0.72, Revised),
            (0.55, Successful),
            (0.3, Failed),
            (1.0, Successful),
            (0.0, Failed),
        ];
        let mut decisions: Vec<Decision> =
            outcomes.into_iter().map(|(stated, status)| decided(Some(stated), status)).collect();
        decisions.extend([
            decided(None, Successful),
            decided(Some(0.4), Pending),
            decided(Some(0.4), InProgress),
            Decision { confidence: Some(0.4), ..bare() },
            bare(),
        ]);
        let found = Calibration::of(&decisions);
        assert_eq!((found.n, found.partial, found.without_confidence, found.without_outcome), (10, 1, 1, 3));
        near(found.brier.unwrap(), 0.17859);
        near(found.base_rate.unwrap(), 0.55);
        near(found.brier_of_base_rate.unwrap(), 0.2225);
        near(found.skill.unwrap(), 0.197_348_314_606_741_63);
        near(found.mean_confidence.unwrap(), 0.677);
        let expected = [
            (0.0, 1, 0.0, 0.0, 0.0, 0.793_450_685_622_762_6),
            (0.3, 1, 0.3, 0.0, 0.0, 0.793_450_685_622_762_6),
            (0.5, 1, 0.55, 1.0, 0.206_549_314_377_237_45, 1.0),
            (0.7, 3, 0.723_333_333_333_333_3, 0.5, 0.125_334_471_910_263_2, 0.874_665_528_089_736_9),
            (0.9, 4, 0.9375, 0.75, 0.300_641_842_582_402, 0.954_412_739_190_299_5),
        ];
        assert_eq!(found.bins.len(), expected.len());
        for (bin, (from, n, stated, observed, low, high)) in found.bins.iter().zip(expected) {
            assert_eq!((bin.from, bin.n), (from, n));
            near(bin.stated, stated);
            near(bin.observed, observed);
            near(bin.low, low);
            near(bin.high, high);
        }
    }

    #[test]
    fn nothing_known_is_said_as_nothing() {
        let none = Calibration::of([&bare()]);
        assert_eq!(none, Calibration::default());
        assert_eq!(
            serde_json::to_value(&none).unwrap(),
            serde_json::json!({
                "n": 0, "partial": 0, "without_confidence": 0, "without_outcome": 0, "bins": [],
            })
        );
        // All alike: no reference to be better than.
        let alike = Calibration::of([&decided(Some(0.5), OutcomeStatus::Successful)]);
        assert_eq!((alike.brier, alike.brier_of_base_rate, alike.skill), (Some(0.25), Some(0.0), None));
    }

    #[test]
    fn each_tenth_falls_into_its_own_bin() {
        for tenth in 0..=10u64 {
            let stated: f64 = format!("{}.{}", tenth / 10, tenth % 10).parse().unwrap();
            let found = Calibration::of([&decided(Some(stated), OutcomeStatus::Failed)]);
            assert_eq!(found.bins[0].from, tenth.min(9) as f64 / 10.0);
        }
    }
}
