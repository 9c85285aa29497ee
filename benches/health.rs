//! What watching costs where it is done for every request: a latency that is recorded, a breaker that is asked, each beside
//! a reading of the clock, in turns in the same run.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use wheelhouse::{
    breaker::{Outcome, Shared},
    telemetry::Latency,
};

const TURNS: usize = 9;
const CALLS: u32 = 1_000_000;

pub fn run() {
    let latency = Latency::default();
    let began = Instant::now();
    let breaker = Shared::new(move || began.elapsed(), |_| {});
    let mut spans = [const { Vec::new() }; 4];
    for _ in 0..TURNS {
        let turn = [
            each(|_| {
                black_box(Instant::now());
            }),
            each(|n| latency.record(Duration::from_micros(u64::from(n % 50_000)))),
            each(|_| breaker.ask().expect("it is closed").end(Outcome::Answered)),
            each(|n| {
                if n % 1_000 == 0 {
                    black_box(latency.quantiles());
                }
            }),
        ];
        spans.iter_mut().zip(turn).for_each(|(all, one)| all.push(one));
    }
    let [clock, record, ask, quantiles] = spans.map(median);
    println!("health: medians of {TURNS} turns of {CALLS} calls");
    println!("  Instant::now            {clock:6.1} ns");
    println!("  Latency::record         {record:6.1} ns   {:.2}x", record / clock);
    println!("  breaker ask and end     {ask:6.1} ns   {:.2}x", ask / clock);
    println!("  Latency::quantiles      {:6.1} us", quantiles);
}

/// Nanoseconds of one call.
fn each(mut call: impl FnMut(u32)) -> f64 {
    let began = Instant::now();
    (0..CALLS).for_each(&mut call);
    began.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

fn median(mut spans: Vec<f64>) -> f64 {
    spans.sort_by(f64::total_cmp);
    spans[spans.len() / 2]
}
