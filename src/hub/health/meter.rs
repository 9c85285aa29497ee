//! The steps of the trends: what went up since the step before, and what stands as it stands.

use tokio::time::Instant;

use super::sound;
use crate::{door::TrendPoint, hub::Hub, model::Time, telemetry::StepLatency};

/// The counts at the end of the step before.
pub struct Meter {
    at: Time,
    began: Instant,
    counts: Counts,
}

#[derive(Clone, Copy)]
struct Counts {
    events: u64,
    errors: u64,
    hits: u64,
    misses: u64,
}

impl Counts {
    fn of(hub: &Hub) -> Counts {
        let answers = hub.answers.status();
        Counts {
            events: hub.store.head().borrow().0,
            errors: hub.store.errors() + hub.health.errors.of_the_hub(),
            hits: answers.hits,
            misses: answers.misses,
        }
    }
}

impl Meter {
    pub fn new(hub: &Hub) -> Meter {
        Meter { at: hub.clock.now(), began: Instant::now(), counts: Counts::of(hub) }
    }

    /// The step that ends now.
    pub fn end_step(&mut self, hub: &Hub) -> TrendPoint {
        let (before, next) = (&self.counts, Meter::new(hub));
        let now = &next.counts;
        let seconds = next.began.duration_since(self.began).as_secs_f32().max(f32::EPSILON);
        let per_s = |now: u64, before: u64| now.saturating_sub(before) as f32 / seconds;
        let (searches, commits) = (hub.health.searches.end_step(), hub.store.commits().end_step());
        *sound(&hub.health.commits) = commits;
        let (hits, misses) = (now.hits.saturating_sub(before.hits), now.misses.saturating_sub(before.misses));
        let p50 = |step: Option<StepLatency>| step.map(|step| step.p50 as f32);
        let p99 = |step: Option<StepLatency>| step.map(|step| step.p99 as f32);
        let point = TrendPoint {
            at: self.at,
            events_per_s: per_s(now.events, before.events),
            errors_per_s: per_s(now.errors, before.errors),
            searches_per_s: per_s(searches.map_or(0, |step| step.count), 0),
            search_p50: p50(searches),
            search_p99: p99(searches),
            commit_p50: p50(commits),
            commit_p99: p99(commits),
            cache_hits: (hits + misses > 0).then(|| hits as f32 / (hits + misses) as f32),
            memory_bytes: memory_bytes(),
            queue_depth: hub.store.waiting().0 as u32,
        };
        *self = next;
        point
    }
}

/// What of this process is in memory and of no file; 0 where the system does not say.
pub fn memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    anonymous_bytes(&status).unwrap_or_default()
}

fn anonymous_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_the_system_writes_it() {
        assert_eq!(
            anonymous_bytes("VmRSS:\t 9 kB\nRssAnon:\t    1204 kB\nRssFile:\t 7 kB\n"),
            Some(1_232_896)
        );
        assert_eq!(anonymous_bytes("VmRSS:\t 9 kB\n"), None);
        #[cfg(target_os = "linux")]
        assert!(memory_bytes() > 100_000);
    }
}
