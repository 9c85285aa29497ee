//! Health of a hub that looks when it is asked.

use super::*;
use crate::{
    door::{Component, Condition, Health, Overall, Wellbeing},
    hub::health::Meter,
};

impl Bench {
    async fn health(&self) -> Health {
        self.hub.door().health().await.unwrap()
    }

    /// Once the views are there.
    async fn settled(&self) -> Health {
        loop {
            let health = self.health().await;
            if health.components.values().all(|found| !found.note.is_empty())
                && health.degraded_mode.is_none()
            {
                return health;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn of<'a>(health: &'a Health, name: &str) -> &'a Component {
    &health.components[name]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_does_well_says_so_of_every_part() {
    let bench = Bench::new();
    bench.add("the pump is primed").await;
    let health = bench.settled().await;
    assert_eq!(health.status, Overall::Healthy, "{:#?}", health.components);
    let names: Vec<_> = health.components.keys().map(String::as_str).collect();
    assert_eq!(names, ["clock", "disk", "embedding", "log", "records", "scheduler", "search"]);
    for (name, component) in &health.components {
        assert_eq!(
            (component.status, &component.cause, &component.runbook),
            (Condition::Up, &None, &None),
            "{name}"
        );
    }
    assert_eq!(of(&health, "records").note, "1 memories");
    assert!(health.memory_bytes > 0 && health.disk.is_some());
    assert_eq!((health.queue_depth, health.latencies["commit"].count), (0, 1));
    assert!(health.latencies["commit"].p50 > 0.0);
    assert!(
        bench.told().await.iter().all(|kind| !kind.starts_with("health")),
        "nobody is told of what is well"
    );
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_search_is_no_search() {
    let bench = Bench::new();
    bench.settled().await;
    let health = bench.health().await;
    assert_eq!(health.latencies["search"].count, 0);
    assert_eq!(bench.told().await, Vec::<String>::new());
    let asked = |health: &Health| health.caches.iter().map(|cache| cache.hits + cache.misses).sum::<u64>();
    assert_eq!(asked(&health), 0);
    bench.found("pump").await;
    let health = bench.health().await;
    assert_eq!((health.latencies["search"].count, asked(&health) > 0), (1, true));
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_the_door_as_a_fault_is_counted_by_its_code() {
    let bench = Bench::new();
    let door = bench.hub.door();
    for _ in 0..3 {
        assert_eq!(door.get(&ada(), &[Id::NIL]).await.unwrap_err().code, Code::NotFound);
    }
    let wrong = ListRequest { limit: usize::MAX, ..ListRequest::default() };
    assert_eq!(door.list(&ada(), wrong).await.unwrap_err().code, Code::Invalid);
    let errors = bench.health().await.errors;
    assert_eq!(errors, [("invalid".to_owned(), 1), ("not_found".to_owned(), 3)].into());
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_leaves_the_door_as_a_fault() {
    let bench = Bench::new();
    let boundary = Boundary(HubDoor(bench.hub.clone()));
    let fault = boundary.answered::<()>("add", None, async { panic!("number {}", 7) }).await.unwrap_err();
    assert_eq!((fault.code, fault.cause.as_deref()), (Code::Bug, Some("number 7")));
    assert_eq!(bench.health().await.errors["bug"], 1);
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_is_degraded_for_a_minute_and_while_the_log_is_ahead() {
    let bench = Bench::new();
    bench.add("before").await;
    bench.settled().await;
    bench.clock.set(bench.clock.now().minus(Duration::from_secs(600)));
    let health = bench.health().await;
    let clock = of(&health, "clock");
    assert_eq!(clock.status, Condition::Degraded);
    assert_eq!(clock.cause.as_deref(), Some("this machine's clock was set back by 10 min"));
    assert_eq!((clock.runbook.as_deref(), health.status), (Some("clock-stepped"), Overall::Degraded));
    bench.clock.advance(Duration::from_secs(60));
    let health = bench.health().await;
    assert_eq!(of(&health, "clock").cause.as_deref(), Some("the log is 9 min ahead of this machine's clock"));
    assert_eq!(of(&health, "clock").runbook.as_deref(), Some("clock-behind"));
    bench.clock.advance(Duration::from_secs(540));
    assert_eq!(of(&bench.health().await, "clock").status, Condition::Up);
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_cannot_be_had_is_degraded_and_records_are_scanned() {
    let dir = tempfile::tempdir().unwrap();
    // Nothing can be opened in it, nor is it a directory that could be made anew.
    std::fs::write(dir.path().join("lexical"), "in the way").unwrap();
    let bench = Bench::at(dir, Clock::fixed("2026-11-21T12:00:00Z".parse().unwrap()));
    let memory = bench.add("the pump is primed").await;
    let mut state = bench.hub.lexical.state();
    while !matches!(state, ViewState::Failed { .. }) {
        tokio::task::yield_now().await;
        state = bench.hub.lexical.state();
    }
    let request = SearchRequest { query: "pump".into(), ..SearchRequest::default() };
    let answer = bench.door.search(&ada(), request).await.unwrap();
    assert_eq!(answer.results[0].id, memory.id);
    let health = bench.health().await;
    assert_eq!(
        (answer.degraded_mode.as_deref(), health.degraded_mode.as_deref()),
        (Some("scan"), Some("scan"))
    );
    let search = of(&health, "search");
    assert_eq!((search.status, search.runbook.as_deref()), (Condition::Degraded, Some("search-failed")));
    assert_eq!(health.status, Overall::Degraded);
    bench.hub.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_counts_what_came_in_it() {
    let bench = Bench::new();
    bench.add("the pump is primed").await;
    bench.settled().await;
    let mut meter = Meter::new(&bench.hub);
    meter.end_step(&bench.hub);
    bench.add("the pump runs dry").await;
    bench.found("pump").await;
    assert!(bench.hub.door().get(&ada(), &[Id::NIL]).await.is_err());
    bench.hub.failed("trying", &Fault::unavailable("of the hub's own"));
    let step = meter.end_step(&bench.hub);
    assert!(step.events_per_s > 0.0 && step.searches_per_s > 0.0 && step.errors_per_s > 0.0, "{step:?}");
    assert!(step.commit_p50.is_some() && step.search_p50 <= step.search_p99, "{step:?}");
    assert_eq!(step.cache_hits, Some(0.0));
    let idle = meter.end_step(&bench.hub);
    assert_eq!((idle.searches_per_s, idle.errors_per_s), (0.0, 0.0));
    assert_eq!((idle.search_p50, idle.cache_hits), (None, None));
    bench.hub.close().await;
}
