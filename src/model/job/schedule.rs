//! When a job runs, and what becomes of slots that come in the way of each other or whose time has passed.

use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};

use super::Span;
use crate::model::{Pattern, Time, Zone};

/// When a job runs. At the surface a table with one of `every`, `cron`, `on` and `at`:
/// `{"cron": "30 2 * * *", "zone": "Europe/Berlin"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub enum Schedule {
    /// At each moment that is `phase` after a multiple of `every` since 1970 in UTC: the same ones after a restart.
    Every { every: Span, phase: Span },
    /// A cron pattern of 5 fields, or 6 with seconds first, on the clock of a zone of the IANA database.
    Cron { cron: String, zone: String },
    /// At each event whose subject the pattern chooses.
    On(Pattern),
    /// Once.
    At(Time),
    /// Only when somebody asks.
    Manual,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Form {
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<Pattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Time>,
}

impl utoipa::PartialSchema for Schedule {
    fn schema() -> RefOr<Schema> {
        Form::schema()
    }
}

impl utoipa::ToSchema for Schedule {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Form::schemas(schemas);
    }
}

impl TryFrom<Form> for Schedule {
    type Error = String;

    fn try_from(form: Form) -> Result<Schedule, String> {
        let Form { every, phase, cron, zone, on, at } = form;
        if phase.is_some() && every.is_none() {
            return Err("phase goes with every".to_owned());
        }
        if zone.is_some() && cron.is_none() {
            return Err("zone goes with cron".to_owned());
        }
        let named = [every.is_some(), cron.is_some(), on.is_some(), at.is_some()];
        if named.iter().filter(|named| **named).count() > 1 {
            return Err("a schedule has one of every, cron, on and at".to_owned());
        }
        let cron = cron.map(|cron| {
            // By its own name, however it was written: one schedule has one form.
            let zone = zone.unwrap_or_else(|| "UTC".to_owned());
            let known = zone.parse::<Zone>().ok().and_then(Zone::name);
            Schedule::Cron { cron, zone: known.map_or(zone, str::to_owned) }
        });
        Ok(every
            .map(|every| Schedule::Every { every, phase: phase.unwrap_or_default() })
            .or(cron)
            .or(on.map(Schedule::On))
            .or(at.map(Schedule::At))
            .unwrap_or(Schedule::Manual))
    }
}

impl From<Schedule> for Form {
    fn from(schedule: Schedule) -> Form {
        let none = Form::default();
        match schedule {
            Schedule::Every { every, phase } => {
                Form { every: Some(every), phase: (!phase.is_zero()).then_some(phase), ..none }
            }
            Schedule::Cron { cron, zone } => Form { cron: Some(cron), zone: Some(zone), ..none },
            Schedule::On(pattern) => Form { on: Some(pattern), ..none },
            Schedule::At(time) => Form { at: Some(time), ..none },
            Schedule::Manual => none,
        }
    }
}

/// What becomes of a slot while a run of the job is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// It is skipped, and said to be.
    #[default]
    Skip,
    /// It waits; others after it are skipped while it does.
    QueueOne,
    /// It waits behind all that wait already.
    QueueAll,
    /// It waits, and what runs is asked to end for it.
    CancelRunning,
    /// It runs beside.
    Allow,
}

impl Overlap {
    pub const ALL: [Overlap; 5] =
        [Overlap::Skip, Overlap::QueueOne, Overlap::QueueAll, Overlap::CancelRunning, Overlap::Allow];
}

/// Which of the slots that passed while nothing ran (misfires) are made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    None,
    /// The newest of them.
    #[default]
    Latest,
    All,
}

impl Missed {
    pub const ALL: [Missed; 3] = [Missed::None, Missed::Latest, Missed::All];
}

/// What is done about misfires: none older than the window is made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CatchUp {
    pub missed: Missed,
    pub window: Span,
}

impl Default for CatchUp {
    fn default() -> CatchUp {
        CatchUp { missed: Missed::Latest, window: Span::from_secs(86_400) }
    }
}
