//! `health`: how each part of the hub does, and why.

use super::{
    Stop, text,
    verb::{Ask, settled},
};
use crate::{
    console::text::count,
    door::{BreakerWord, Component, Condition, Health, Overall, Quantiles},
    model::{Fault, Time},
    report::{self, Paint},
};

/// Says what to do about what is wrong.
const RUNBOOK: &str = "docs/runbook.md";

pub async fn health(ask: &mut Ask, component: Option<&str>) -> Result<(), Stop> {
    let opened = ask.home.door().await?;
    if opened.owned {
        settled(&opened.door).await?;
    }
    let health = opened.door.health().await?;
    match component {
        None => whole(ask, &health),
        Some(name) => one(ask, &health, name),
    }
}

fn whole(ask: &mut Ask, health: &Health) -> Result<(), Stop> {
    if ask.out.manner.json {
        ask.out.document(health)?;
    } else {
        print(ask, health)?;
    }
    if health.status < Overall::Unhealthy {
        return Ok(());
    }
    Err(Fault::unavailable(format!("the hub is {}", health.words()))
        .hint(format!("{RUNBOOK} says what to do"))
        .into())
}

fn one(ask: &mut Ask, health: &Health, name: &str) -> Result<(), Stop> {
    let names = health.components.keys().map(String::as_str);
    let found = health.components.get(name).ok_or_else(|| report::none_of("component", name, names))?;
    if ask.out.manner.json {
        ask.out.document(found)?;
    } else {
        let paint = ask.out.paint();
        ask.out.line(&format!("{name}  {}", condition(found.status.word(), paint)))?;
        for line in text::fields(&detail(ask, found), paint) {
            ask.out.line(&line)?;
        }
        ask.out.flush()?;
    }
    if found.status < Condition::Down {
        return Ok(());
    }
    let cause = found.cause.as_deref().unwrap_or("it is down");
    let fault = Fault::unavailable(format!("{name}: {cause}"));
    Err(match &found.runbook {
        Some(heading) => fault.hint(format!("{RUNBOOK}#{heading} says what to do")).into(),
        None => fault.into(),
    })
}

fn detail(ask: &Ask, found: &Component) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let mut say = |name: &'static str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            rows.push((name, value));
        }
    };
    say("cause", found.cause.as_deref().map(report::escape_line));
    say("note", Some(report::escape_line(&found.note)));
    say("latency", Some(ms(found.latency_ms)));
    say("since", Some(ask.moment(found.since)));
    say("looked at", Some(ask.moment(found.checked_at)));
    say("what to do", found.runbook.as_deref().map(|heading| format!("{RUNBOOK}#{heading}")));
    say("events", found.events.as_deref().map(|pattern| format!("wheelhouse events query '{pattern}'")));
    rows
}

fn print(ask: &mut Ask, health: &Health) -> Result<(), Stop> {
    let (paint, now) = (ask.out.paint(), ask.clock.now());
    let overall = condition(health.status.word(), paint);
    let up = text::span(now.since(health.started_at));
    let hub = report::escape_line(&health.hub);
    ask.out.line(&format!("{overall}  {}", paint.dim(&format!("{hub}, {}, up {up}", health.version))))?;
    if let Some(mode) = &health.degraded_mode {
        ask.out.line(&format!(
            "{}  answers say so",
            paint.yellow(&report::escape_line(&mode.replace('_', " ")))
        ))?;
    }
    let blocks = [
        text::table(&components(health, now), |column, cell| match column {
            1 => condition(cell, paint),
            2 | 3 => paint.dim(cell),
            _ => cell.to_owned(),
        }),
        text::fields(&numbers(health), paint),
        text::table(&latencies(health), |column, cell| match (column, cell) {
            (0, _) | (_, "p50" | "p95" | "p99" | "max" | "count") => paint.dim(cell),
            _ => cell.to_owned(),
        }),
        text::table(&breakers(health, now), |column, cell| match column {
            1 => breaker(cell, paint),
            2.. => paint.dim(cell),
            _ => cell.to_owned(),
        }),
    ];
    for lines in blocks.into_iter().filter(|lines| !lines.is_empty()) {
        ask.out.line("")?;
        for line in lines {
            ask.out.line(&line)?;
        }
    }
    ask.out.flush()?;
    let wrong = health.components.iter().find(|(_, component)| component.status != Condition::Up);
    if let Some((name, _)) = wrong {
        ask.out.remark(&format!("`wheelhouse health {name}` says more"));
    }
    Ok(())
}

/// `disk  degraded  for 5 min  0.1 ms  12 % of the disk is free`
fn components(health: &Health, now: Time) -> Vec<Vec<String>> {
    let row = |(name, found): (&String, &Component)| {
        let lasts = match found.status {
            Condition::Up => String::new(),
            _ => format!("for {}", text::span(now.since(found.since))),
        };
        let said = found.cause.as_deref().unwrap_or(&found.note);
        vec![
            report::escape_line(name),
            found.status.word().to_owned(),
            lasts,
            ms(found.latency_ms),
            report::escape_line(said),
        ]
    };
    health.components.iter().map(row).collect()
}

fn numbers(health: &Health) -> Vec<(&'static str, String)> {
    let mut rows = vec![("memory", text::bytes(health.memory_bytes))];
    if let Some(disk) = health.disk {
        let (used, free) = (text::bytes(disk.data_bytes), text::bytes(disk.free_bytes));
        rows.push(("disk", format!("{used} used, {free} free of {}", text::bytes(disk.total_bytes))));
    }
    if health.queue_depth > 0 {
        let commits = text::counted(health.queue_depth.into(), "commit waits", "commits wait");
        rows.push(("queue", format!("{commits}, {}", text::bytes(health.queue_bytes))));
    }
    rows.push(("connections", health.connections.to_string()));
    rows.push(("jobs", format!("{} running, {} dead", health.running, health.dead)));
    for cache in &health.caches {
        let asked = cache.hits + cache.misses;
        if let Some(share) = (cache.hits * 100).checked_div(asked) {
            let said = format!("{} of {} from the cache, {share} %", count(cache.hits), count(asked));
            rows.push((if cache.name == "queries" { "queries" } else { "answers" }, said));
        }
    }
    if !health.errors.is_empty() {
        let errors = health.errors.iter().map(|(code, n)| format!("{} {code}", count(*n)));
        rows.push(("faults", report::escape_line(&errors.collect::<Vec<_>>().join(", "))));
    }
    rows
}

fn latencies(health: &Health) -> Vec<Vec<String>> {
    let asked = || health.latencies.iter().filter(|(_, found)| found.count > 0);
    if asked().next().is_none() {
        return Vec::new();
    }
    let head = ["", "p50", "p95", "p99", "max", "count"].map(str::to_owned).to_vec();
    let row = |(name, found): (&String, &Quantiles)| {
        let mut row = vec![report::escape_line(name)];
        row.extend([found.p50, found.p95, found.p99, found.max].map(ms));
        row.push(count(found.count));
        row
    };
    std::iter::once(head).chain(asked().map(row)).collect()
}

fn breakers(health: &Health, now: Time) -> Vec<Vec<String>> {
    health
        .breakers
        .iter()
        .map(|found| {
            let mut row = vec![
                report::escape_line(&found.name),
                found.state.word().to_owned(),
                text::counted(found.failures.into(), "failure", "failures"),
            ];
            row.extend(found.probe_at.map(|at| format!("probe {}", text::until(at.since(now)))));
            row
        })
        .collect()
}

fn ms(ms: f64) -> String {
    text::span(std::time::Duration::from_secs_f64((ms / 1e3).clamp(0.0, 1e9)))
}

fn condition(word: &str, paint: Paint) -> String {
    match word {
        "up" | "healthy" => paint.green(word),
        "degraded" => paint.yellow(word),
        word => paint.red(word),
    }
}

fn breaker(word: &str, paint: Paint) -> String {
    if word == BreakerWord::Closed.word() { paint.green(word) } else { paint.yellow(word) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn health() -> Health {
        serde_json::from_value(json!({
            "status": "degraded", "version": "1", "hub": "h", "timestamp": "2026-11-21T10:00:00Z",
            "started_at": "2026-11-21T09:00:00Z",
            "components": {
                "disk": {
                    "status": "degraded", "latency_ms": 0.14, "cause": "12 % of it is free",
                    "since": "2026-11-21T09:55:00Z", "checked_at": "2026-11-21T10:00:00Z", "runbook": "disk-low",
                },
                "log": {
                    "status": "up", "latency_ms": 12.3, "note": "41 GB",
                    "since": "2026-11-21T09:00:00Z", "checked_at": "2026-11-21T10:00:00Z",
                },
            },
            "latencies": { "commit": { "count": 1200, "p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 40.0 },
                           "search": { "count": 0, "p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0 } },
            "breakers": [{ "name": "http a", "state": "half_open", "since": "2026-11-21T10:00:00Z", "failures": 1 }],
            "caches": [{ "name": "queries", "entries": 1, "hits": 3, "misses": 1, "evictions": 0 }],
            "errors": { "timeout": 2 }, "memory_bytes": 1024, "queue_depth": 0, "queue_bytes": 0, "connections": 1,
            "running": 0, "dead": 3,
        }))
        .unwrap()
    }

    #[test]
    fn each_part_says_how_it_does_and_why() {
        let health = health();
        let rows = components(&health, health.timestamp);
        assert_eq!(rows[0], ["disk", "degraded", "for 5 min 0 s", "0.1 ms", "12 % of it is free"]);
        assert_eq!(rows[1], ["log", "up", "", "12 ms", "41 GB"]);
        assert_eq!(health.words(), "degraded; disk: 12 % of it is free");
    }

    #[test]
    fn what_did_not_happen_is_no_number() {
        let health = health();
        assert_eq!(latencies(&health)[1..], [["commit", "1.0 ms", "2.0 ms", "3.0 ms", "40 ms", "1,200"]]);
        let numbers = numbers(&health);
        let of = |name| numbers.iter().find(|(found, _)| *found == name).map(|(_, said)| said.as_str());
        assert_eq!(of("jobs"), Some("0 running, 3 dead"));
        assert_eq!(of("queries"), Some("3 of 4 from the cache, 75 %"));
        assert_eq!((of("faults"), of("queue")), (Some("2 timeout"), None));
        assert_eq!(breakers(&health, health.timestamp)[0], ["http a", "half open", "1 failure"]);
    }
}
