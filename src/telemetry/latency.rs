//! How long something takes: quantiles since the start, and of each step of the trends.
//!
//! A histogram of fixed size and 1 % precision: what is recorded costs a lock that nobody holds for long, and no memory.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;

use crate::door::Quantiles;

/// In microseconds. What takes longer counts as this.
const LONGEST_US: u64 = 120_000_000;
/// Significant digits: 1 %.
const DIGITS: u8 = 2;

/// What one step held, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepLatency {
    pub count: u64,
    pub p50: f64,
    pub p99: f64,
}

struct Spans {
    all: Histogram<u64>,
    step: Histogram<u32>,
}

/// See the module.
pub struct Latency(Mutex<Spans>);

impl Default for Latency {
    fn default() -> Latency {
        let bounds = "the bounds are constants, and in order";
        Latency(Mutex::new(Spans {
            all: Histogram::new_with_bounds(1, LONGEST_US, DIGITS).expect(bounds),
            step: Histogram::new_with_bounds(1, LONGEST_US, DIGITS).expect(bounds),
        }))
    }
}

impl Latency {
    pub fn record(&self, took: Duration) {
        let us = took.as_micros().min(u128::from(LONGEST_US)) as u64;
        let mut spans = self.spans();
        spans.all.saturating_record(us);
        spans.step.saturating_record(us);
    }

    /// Since the start.
    pub fn quantiles(&self) -> Quantiles {
        let spans = self.spans();
        let all = &spans.all;
        Quantiles {
            count: all.len(),
            p50: ms(all.value_at_quantile(0.50)),
            p95: ms(all.value_at_quantile(0.95)),
            p99: ms(all.value_at_quantile(0.99)),
            max: ms(all.max()),
        }
    }

    /// Of the step that ends now; the next one begins. None where nothing was recorded in it.
    pub fn end_step(&self) -> Option<StepLatency> {
        let mut spans = self.spans();
        let step = &mut spans.step;
        let ended = StepLatency {
            count: step.len(),
            p50: ms(step.value_at_quantile(0.50)),
            p99: ms(step.value_at_quantile(0.99)),
        };
        step.reset();
        (ended.count > 0).then_some(ended)
    }

    fn spans(&self) -> MutexGuard<'_, Spans> {
        // What a panic may have cut off is one count.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_one_percent() {
        let latency = Latency::default();
        assert_eq!((latency.quantiles(), latency.end_step()), (Quantiles::default(), None));
        for us in 1..=10_000 {
            latency.record(Duration::from_micros(us));
        }
        let found = latency.quantiles();
        let near = |found: f64, exact: f64| assert!((found / exact - 1.0).abs() < 0.01, "{found} {exact}");
        near(found.p50, 5.0);
        near(found.p95, 9.5);
        near(found.p99, 9.9);
        near(found.max, 10.0);
        assert_eq!(found.count, 10_000);
    }

    #[test]
    fn a_step_holds_what_came_in_it() {
        let latency = Latency::default();
        latency.record(Duration::from_millis(1));
        assert_eq!(latency.end_step().unwrap().count, 1);
        assert_eq!(latency.end_step(), None);
        latency.record(Duration::from_secs(1_000_000));
        latency.record(Duration::ZERO);
        let step = latency.end_step().unwrap();
        assert!(step.count == 2 && step.p99 >= 119_000.0, "{step:?}");
        assert_eq!(latency.quantiles().count, 3);
    }
}
