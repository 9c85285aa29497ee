//! The last hour in steps: a ring of points, and beside it how long each look took.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    door::{TREND_POINTS_MAX, TREND_STEP_MS, TrendPoint, Trends},
    model::Time,
};

#[derive(Debug, Clone, Default)]
pub struct TrendRing {
    points: VecDeque<TrendPoint>,
    latencies: BTreeMap<&'static str, VecDeque<Option<f32>>>,
}

impl TrendRing {
    /// One more step; the oldest goes where there are too many. A component that is not named was not looked at.
    pub fn push(&mut self, point: TrendPoint, latencies_ms: impl IntoIterator<Item = (&'static str, f32)>) {
        let before = self.points.len();
        self.points.push_back(point);
        for (name, latency) in latencies_ms {
            let row = self.latencies.entry(name).or_default();
            row.resize(before, None);
            row.push_back(Some(latency));
        }
        let len = self.points.len();
        self.latencies.values_mut().for_each(|row| row.resize(len, None));
        if len > TREND_POINTS_MAX {
            self.points.pop_front();
            for row in self.latencies.values_mut() {
                row.pop_front();
            }
        }
    }

    /// Steps that began after a moment; none is all there are.
    pub fn since(&self, after: Option<Time>) -> Trends {
        // From behind: a clock that was set back may have made the moments of the points go back.
        let wanted = self.points.iter().rev().take_while(|point| after.is_none_or(|after| point.at > after));
        let skipped = self.points.len() - wanted.count();
        Trends {
            step_ms: TREND_STEP_MS,
            points: self.points.iter().skip(skipped).copied().collect(),
            latencies_ms: (self.latencies.iter())
                .map(|(name, row)| ((*name).to_owned(), row.iter().skip(skipped).copied().collect()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(n: usize) -> TrendPoint {
        TrendPoint { at: Time::from_unix_ms(n as i64 * TREND_STEP_MS as i64), ..TrendPoint::default() }
    }

    #[test]
    fn it_holds_an_hour_and_every_row_is_as_long() {
        let mut ring = TrendRing::default();
        for n in 0..TREND_POINTS_MAX + 10 {
            let late = (n >= 5).then_some(("late", n as f32));
            ring.push(point(n), [("early", n as f32)].into_iter().chain(late));
        }
        let all = ring.since(None);
        assert_eq!(all.points.len(), TREND_POINTS_MAX);
        assert_eq!((all.points[0], all.points.last()), (point(10), Some(&point(TREND_POINTS_MAX + 9))));
        for name in ["early", "late"] {
            let row = &all.latencies_ms[name];
            assert_eq!((row.len(), row[0]), (TREND_POINTS_MAX, Some(10.0)), "{name}");
        }
        let newest = ring.since(Some(point(TREND_POINTS_MAX + 6).at));
        assert_eq!((newest.points.len(), newest.latencies_ms["late"].len()), (3, 3));
        assert_eq!(ring.since(all.points.last().map(|point| point.at)).points, []);
    }

    #[test]
    fn nobody_looked_is_not_nothing() {
        let mut ring = TrendRing::default();
        ring.push(point(0), [("a", 1.0)]);
        ring.push(point(1), [("b", 2.0)]);
        ring.push(point(2), []);
        let all = ring.since(None);
        assert_eq!(all.latencies_ms["a"], [Some(1.0), None, None]);
        assert_eq!(all.latencies_ms["b"], [None, Some(2.0), None]);
    }
}
