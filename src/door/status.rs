//! Status: what a hub says of itself.

use serde::{Deserialize, Serialize};

use super::{Anchor, ViewName};
use crate::model::{Cursor, Fault, Projects, Sequence, Time};

/// Where a view of the log stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ViewState {
    Opening,
    CatchingUp {
        applied: Sequence,
        head: Sequence,
    },
    Ready,
    Rebuilding {
        applied: Sequence,
        head: Sequence,
    },
    /// Of the vectors: so many texts have none yet. Searches find those by their words.
    Embedding {
        left: u64,
        rate_per_s: f64,
    },
    Failed {
        reason: String,
    },
}

impl ViewState {
    pub fn is_ready(&self) -> bool {
        matches!(self, ViewState::Ready)
    }

    /// In words, as every face shows it: `opening`, `catching up 3 of 9`, `ready`, `rebuilding 40 %`,
    /// `embedding, 900 left, 30/s, 30 s`, `failed`.
    pub fn words(&self) -> String {
        match self {
            ViewState::Opening => "opening".to_owned(),
            ViewState::CatchingUp { applied, head } => format!("catching up {applied} of {head}"),
            ViewState::Ready => "ready".to_owned(),
            ViewState::Rebuilding { applied, head } => {
                format!("rebuilding {} %", (applied.0 * 100).checked_div(head.0).unwrap_or(0))
            }
            ViewState::Embedding { left, rate_per_s } if *rate_per_s > 0.0 => {
                let eta = (*left as f64 / rate_per_s).ceil() as u64;
                format!("embedding, {left} left, {rate_per_s:.0}/s, {}", short_span(eta))
            }
            ViewState::Embedding { left, .. } => format!("embedding, {left} left"),
            ViewState::Failed { reason } => format!("failed: {reason}"),
        }
    }
}

/// `40 s`, `12 min`, `3 h`.
pub fn short_span(seconds: u64) -> String {
    match seconds {
        0..90 => format!("{seconds} s"),
        90..5_400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ViewStatus {
    pub name: ViewName,
    #[serde(flatten)]
    pub state: ViewState,
}

/// Whether the hub takes writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Writes {
    Open,
    /// Not before the record view is ready.
    Waiting,
    /// The disk has not come back from the write that began then. Writes wait for it; reads go on.
    Stalled {
        since: Time,
    },
    /// Refused, with the fault a write would get; they resume by themselves.
    Refused {
        why: Refusal,
        fault: Fault,
    },
}

impl Writes {
    /// In words, as every face shows it: `open`, `waiting for the records`, `disk stalled 3 s: writes wait`, `disk full`.
    pub fn words(&self, now: Time) -> String {
        match self {
            Writes::Open => "open".to_owned(),
            Writes::Waiting => "waiting for the records".to_owned(),
            Writes::Stalled { since } => match now.since(*since).as_secs() {
                0 => "disk stalled: writes wait".to_owned(),
                seconds => format!("disk stalled {}: writes wait", short_span(seconds)),
            },
            Writes::Refused { why, .. } => why.words().to_owned(),
        }
    }
}

/// What keeps the hub from taking writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    DiskFull,
    /// There is room, and it is held back for the hub itself.
    NearlyFull,
    ReadOnly,
    /// The process has used up its file descriptors.
    NoFiles,
    /// The disk answers with errors.
    DiskFails,
    /// The last commit is on disk and not in the record view, which is being opened anew.
    RecordsBehind,
}

impl Refusal {
    pub fn words(self) -> &'static str {
        match self {
            Refusal::DiskFull => "disk full",
            Refusal::NearlyFull => "disk nearly full",
            Refusal::ReadOnly => "read-only",
            Refusal::NoFiles => "out of files",
            Refusal::DiskFails => "disk fails",
            Refusal::RecordsBehind => "records behind",
        }
    }

    /// What says what to do about it.
    pub fn anchor(self) -> Anchor {
        match self {
            Refusal::DiskFull | Refusal::NearlyFull => Anchor::DiskFull,
            Refusal::ReadOnly => Anchor::ReadOnly,
            Refusal::NoFiles => Anchor::NoFiles,
            Refusal::DiskFails => Anchor::DiskFails,
            Refusal::RecordsBehind => Anchor::RecordsBehind,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Disk {
    pub free_bytes: u64,
    pub total_bytes: u64,
    pub data_bytes: u64,
}

/// The cleaner at work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cleaning {
    /// So many are being erased from every file; 0 where it only takes what is no longer kept.
    pub memories: u64,
    pub percent: u8,
    /// Why something that is to be erased is still there; it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl Cleaning {
    /// `erasing 40 %`, `cleaning 40 %`, `not erased yet: …`.
    pub fn words(&self) -> String {
        match &self.fault {
            Some(fault) => format!("not erased yet: {}", fault.message),
            None if self.memories > 0 => format!("erasing {} %", self.percent),
            None => format!("cleaning {} %", self.percent),
        }
    }
}

/// What a cache did since the hub started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CacheStatus {
    /// `queries`: vectors of queries; `answers`: of searches.
    pub name: String,
    pub entries: u64,
    pub hits: u64,
    pub misses: u64,
    pub evictions: u64,
}

/// An address that a hub answers at, beside its socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Listener {
    pub url: String,
    /// Whether it asks for a key; `--no-auth` lets anyone in.
    pub keys: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = HubStatus)]
pub struct Status {
    /// The hub's name: from the config, else the machine's.
    pub hub: String,
    pub version: String,
    pub pid: u32,
    pub data_dir: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<Listener>,
    pub started_at: Time,
    pub time: Time,
    /// The newest event's place.
    pub head: Cursor,
    pub writes: Writes,
    pub views: Vec<ViewStatus>,
    /// None while the record view is not there to count.
    pub memories: Option<u64>,
    pub forgotten: Option<u64>,
    /// As `memories`; of every status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<u64>,
    /// Only while it works, or could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleaning: Option<Cleaning>,
    pub attached: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<CacheStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<Disk>,
}

impl Status {
    /// Without what would tell of projects that these do not see.
    pub fn behind(self, wall: &Projects) -> Status {
        if wall.hold(&Projects::All) {
            return self;
        }
        Status { memories: None, forgotten: None, decisions: None, caches: Vec::new(), disk: None, ..self }
    }

    pub fn view(&self, name: ViewName) -> Option<&ViewState> {
        self.views.iter().find(|view| view.name == name).map(|view| &view.state)
    }
}

/// A bound the hub enforces.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Limit {
    pub name: String,
    pub value: u64,
    pub unit: String,
}

/// Something on disk that is not what was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Damage {
    pub file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    pub what: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FsckReport {
    pub segments: u64,
    pub frames: u64,
    pub events: u64,
    pub bytes: u64,
    pub records: u64,
    pub damage: Vec<Damage>,
    pub took_ms: u64,
}
