//! Health: how a hub does, and why.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{CacheStatus, Disk};
use crate::model::{Fault, Time};

/// Between two points of the trends.
pub const TREND_STEP_MS: u64 = 10_000;
/// An hour of them.
pub const TREND_POINTS_MAX: usize = 360;

/// The hub as a whole.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Overall {
    Healthy,
    /// It does its work, some of it less well.
    Degraded,
    /// It does not take writes, or does not answer.
    Unhealthy,
}

impl Overall {
    pub fn word(self) -> &'static str {
        match self {
            Overall::Healthy => "healthy",
            Overall::Degraded => "degraded",
            Overall::Unhealthy => "unhealthy",
        }
    }
}

/// A part of it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    Up,
    Degraded,
    Down,
}

impl Condition {
    pub fn word(self) -> &'static str {
        match self {
            Condition::Up => "up",
            Condition::Degraded => "degraded",
            Condition::Down => "down",
        }
    }
}

/// A heading of the runbook: what to do about something that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Anchor {
    DiskLow,
    DiskFull,
    DiskStalled,
    DiskSlow,
    DiskFails,
    ReadOnly,
    NoFiles,
    LogDamaged,
    RecordsBehind,
    RecordsRebuilding,
    RecordsFailed,
    SearchRebuilding,
    SearchFailed,
    EmbeddingFailed,
    SchedulerStuck,
    DeadLetters,
    ClockStepped,
    ClockBehind,
    BreakerOpen,
    ProbeFails,
}

impl Anchor {
    pub const ALL: [Anchor; 20] = [
        Anchor::DiskLow,
        Anchor::DiskFull,
        Anchor::DiskStalled,
        Anchor::DiskSlow,
        Anchor::DiskFails,
        Anchor::ReadOnly,
        Anchor::NoFiles,
        Anchor::LogDamaged,
        Anchor::RecordsBehind,
        Anchor::RecordsRebuilding,
        Anchor::RecordsFailed,
        Anchor::SearchRebuilding,
        Anchor::SearchFailed,
        Anchor::EmbeddingFailed,
        Anchor::SchedulerStuck,
        Anchor::DeadLetters,
        Anchor::ClockStepped,
        Anchor::ClockBehind,
        Anchor::BreakerOpen,
        Anchor::ProbeFails,
    ];

    /// As it is linked to: the heading in small letters, with hyphens.
    pub fn word(self) -> &'static str {
        match self {
            Anchor::DiskLow => "disk-low",
            Anchor::DiskFull => "disk-full",
            Anchor::DiskStalled => "disk-stalled",
            Anchor::DiskSlow => "disk-slow",
            Anchor::DiskFails => "disk-fails",
            Anchor::ReadOnly => "read-only",
            Anchor::NoFiles => "no-files",
            Anchor::LogDamaged => "log-damaged",
            Anchor::RecordsBehind => "records-behind",
            Anchor::RecordsRebuilding => "records-rebuilding",
            Anchor::RecordsFailed => "records-failed",
            Anchor::SearchRebuilding => "search-rebuilding",
            Anchor::SearchFailed => "search-failed",
            Anchor::EmbeddingFailed => "embedding-failed",
            Anchor::SchedulerStuck => "scheduler-stuck",
            Anchor::DeadLetters => "dead-letters",
            Anchor::ClockStepped => "clock-stepped",
            Anchor::ClockBehind => "clock-behind",
            Anchor::BreakerOpen => "breaker-open",
            Anchor::ProbeFails => "probe-fails",
        }
    }
}

/// What a probe found of a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Component {
    pub status: Condition,
    /// Of the last look.
    pub latency_ms: f64,
    /// In words, where it is not up: `12 % of the disk is free`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// In a few words also where it is up: `41.2 GB free`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// In this condition since.
    pub since: Time,
    pub checked_at: Time,
    /// The heading in the runbook that says what to do, where it is not up: `disk-low`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// The pattern of the events that show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<String>,
}

/// How long something took, since the hub started, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Quantiles {
    pub count: u64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub max: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerWord {
    Closed,
    Open,
    HalfOpen,
}

impl BreakerWord {
    pub fn word(self) -> &'static str {
        match self {
            BreakerWord::Closed => "closed",
            BreakerWord::Open => "open",
            BreakerWord::HalfOpen => "half open",
        }
    }

    /// What says what to do about it.
    pub fn anchor(self) -> Option<Anchor> {
        (self != BreakerWord::Closed).then_some(Anchor::BreakerOpen)
    }
}

/// A circuit breaker and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BreakerStatus {
    /// What it guards: `http api.example.com`.
    pub name: String,
    pub state: BreakerWord,
    pub since: Time,
    /// Failures inside its window.
    pub failures: u32,
    /// When it lets one probe through, while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_at: Option<Time>,
}

/// One step of the trends: what happened in the [`TREND_STEP_MS`] that began then. In milliseconds and per second.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TrendPoint {
    pub at: Time,
    pub events_per_s: f32,
    pub errors_per_s: f32,
    pub searches_per_s: f32,
    /// None while nothing was searched in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_p50: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search_p99: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_p50: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_p99: Option<f32>,
    /// Of the answers of searches that came from the cache, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_hits: Option<f32>,
    pub memory_bytes: u64,
    pub queue_depth: u32,
}

/// The last hour, oldest first; and of each component how long each look took.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Trends {
    pub step_ms: u64,
    pub points: Vec<TrendPoint>,
    /// By component, aligned with `points`; null where nobody looked.
    pub latencies_ms: BTreeMap<String, Vec<Option<f32>>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Health {
    pub status: Overall,
    /// `log records search embedding disk scheduler clock`.
    pub components: BTreeMap<String, Component>,
    /// What is answered less well than it could be: `read_only`, where writes are refused; else as every answer of a
    /// search says it, `scan` or `lexical`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded_mode: Option<String>,
    pub version: String,
    pub hub: String,
    pub timestamp: Time,
    pub started_at: Time,
    /// By what took it: `search`, `commit`.
    pub latencies: BTreeMap<String, Quantiles>,
    pub breakers: Vec<BreakerStatus>,
    pub caches: Vec<CacheStatus>,
    /// Faults that were answered or logged, by code, since the hub started.
    pub errors: BTreeMap<String, u64>,
    /// Of this process.
    pub memory_bytes: u64,
    /// Commits that wait for the log.
    pub queue_depth: u32,
    pub queue_bytes: u64,
    pub connections: u32,
    /// Jobs that run at this moment, and runs that nobody saw to.
    pub running: u32,
    pub dead: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
}

impl Health {
    /// In a line, with the components that make it so: `degraded; disk: 12 % of the disk is free`.
    pub fn words(&self) -> String {
        let causes: Vec<String> = self
            .components
            .iter()
            .filter(|(_, component)| component.status != Condition::Up)
            .map(|(name, component)| {
                let cause = component.cause.as_deref().unwrap_or(component.status.word());
                format!("{name}: {cause}")
            })
            .collect();
        match causes.as_slice() {
            [] => self.status.word().to_owned(),
            causes => format!("{}; {}", self.status.word(), causes.join(", ")),
        }
    }
}

/// Health behind the door.
#[async_trait]
pub trait Wellbeing: Send + Sync {
    /// As the last probes found it, at most a few seconds ago.
    async fn health(&self) -> Result<Health, Fault>;

    /// Steps after a moment; none is all there are.
    async fn trends(&self, after: Option<Time>) -> Result<Trends, Fault>;
}
