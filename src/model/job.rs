//! Jobs, and what becomes of them: the definition, its standing, and its runs.
//!
//! A [`Job`] says what to do and when; somebody wrote it, into a file or through the API, or it came with the program.
//! A [`JobState`] is where the scheduler stands with it. A [`Run`] is what became of one [`Slot`]. All three are records:
//! whoever holds them all can go on where another scheduler stopped.

mod run;
mod schedule;
mod span;

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};

pub use run::{Lease, Progress, Run, RunError, RunState, Skipped, Slot, Trigger, Why};
pub use schedule::{CatchUp, Missed, Overlap, Schedule};
pub use span::{Span, SpanError};

use super::{Actor, Code, Fault, Id, Project, Sequence, TITLE_BYTES_MAX, TOKEN_BYTES_MAX, Time};

/// A command line, and the words and names in a definition.
pub const ARGUMENTS_MAX: usize = 256;
pub const ARGUMENT_BYTES_MAX: usize = 32 << 10;
/// What is sent with a request.
pub const BODY_BYTES_MAX: usize = 64 << 10;
pub const HEADERS_MAX: usize = 64;
/// Shorter ones would be a loop, not a schedule.
pub const EVERY_MIN: Span = Span::from_secs(1);
/// Longer ones are never meant, and moments stay far from the end of time.
pub const SPAN_MAX: Span = Span::from_secs(366 * 86_400);
pub const ATTEMPTS_MAX: u32 = 100;
/// Of outbound calls (30 s) it is the default too.
pub const TIMEOUT_DEFAULT: Span = Span::from_secs(30);

/// What a job does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "KindForm", into = "KindForm")]
pub enum Kind {
    /// Work of the hub itself, by its name.
    Builtin { name: String },
    /// A program, started without a shell. It sees the variables that `env` names, and no others.
    Command { argv: Vec<String>, cwd: Option<String>, env: Vec<String> },
    /// A request; an answer other than 2xx is a fault.
    Http { url: String, method: String, headers: BTreeMap<String, String>, body: Option<String> },
}

impl Kind {
    pub fn word(&self) -> &'static str {
        match self {
            Kind::Builtin { .. } => "builtin",
            Kind::Command { .. } => "command",
            Kind::Http { .. } => "http",
        }
    }
}

/// At the surface: a table with one of `builtin`, `command` and `http`, and beside it what goes with that.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
struct KindForm {
    #[serde(skip_serializing_if = "Option::is_none")]
    builtin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cwd: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    env: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl utoipa::PartialSchema for Kind {
    fn schema() -> RefOr<Schema> {
        KindForm::schema()
    }
}

impl utoipa::ToSchema for Kind {
    fn name() -> Cow<'static, str> {
        "JobKind".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        KindForm::schemas(schemas);
    }
}

impl TryFrom<KindForm> for Kind {
    type Error = String;

    fn try_from(form: KindForm) -> Result<Kind, String> {
        let KindForm { builtin, command, cwd, env, http, method, headers, body } = form;
        let with_command = cwd.is_some() || env.is_some();
        let with_http = method.is_some() || headers.is_some() || body.is_some();
        if with_command && command.is_none() {
            return Err("cwd and env go with command".to_owned());
        }
        if with_http && http.is_none() {
            return Err("method, headers and body go with http".to_owned());
        }
        match (builtin, command, http) {
            (Some(name), None, None) => Ok(Kind::Builtin { name }),
            (None, Some(argv), None) => Ok(Kind::Command { argv, cwd, env: env.unwrap_or_default() }),
            (None, None, Some(url)) => Ok(Kind::Http {
                url,
                method: method.unwrap_or_else(|| "GET".to_owned()),
                headers: headers.unwrap_or_default(),
                body,
            }),
            _ => Err("a kind has one of builtin, command and http".to_owned()),
        }
    }
}

impl From<Kind> for KindForm {
    fn from(kind: Kind) -> KindForm {
        let none = KindForm::default();
        match kind {
            Kind::Builtin { name } => KindForm { builtin: Some(name), ..none },
            Kind::Command { argv, cwd, env } => {
                KindForm { command: Some(argv), cwd, env: (!env.is_empty()).then_some(env), ..none }
            }
            Kind::Http { url, method, headers, body } => KindForm {
                http: Some(url),
                method: Some(method),
                headers: (!headers.is_empty()).then_some(headers),
                body,
                ..none
            },
        }
    }
}

/// What a failed attempt must have failed of to be tried again: the code of its fault, or that it was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryOn {
    NotFound,
    Conflict,
    Busy,
    Unavailable,
    Timeout,
    Full,
    Damaged,
    Bug,
    /// The hub ended while it ran. Whether it is done twice then, nobody knows: only for what may be.
    Lost,
}

impl RetryOn {
    pub const ALL: [RetryOn; 9] = [
        RetryOn::NotFound,
        RetryOn::Conflict,
        RetryOn::Busy,
        RetryOn::Unavailable,
        RetryOn::Timeout,
        RetryOn::Full,
        RetryOn::Damaged,
        RetryOn::Bug,
        RetryOn::Lost,
    ];

    /// None for what no second try can help: `invalid`, `denied`, `unsupported`.
    pub fn of(code: Code) -> Option<RetryOn> {
        Some(match code {
            Code::Invalid | Code::Denied | Code::Unsupported => return None,
            Code::NotFound => RetryOn::NotFound,
            Code::Conflict => RetryOn::Conflict,
            Code::Busy => RetryOn::Busy,
            Code::Unavailable => RetryOn::Unavailable,
            Code::Timeout => RetryOn::Timeout,
            Code::Full => RetryOn::Full,
            Code::Damaged => RetryOn::Damaged,
            Code::Bug => RetryOn::Bug,
        })
    }
}

/// How often and when a failed attempt is followed by another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// In all, the first among them.
    pub attempts: u32,
    pub delay: Span,
    pub factor: f64,
    pub delay_max: Span,
    pub on: Vec<RetryOn>,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            attempts: 3,
            delay: Span::from_secs(1),
            factor: 2.0,
            delay_max: Span::from_secs(10),
            on: vec![RetryOn::Unavailable, RetryOn::Timeout],
        }
    }
}

/// Where a definition came from, and so where it is changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobOrigin {
    /// This file, by its path.
    File(String),
    #[default]
    Api,
    Builtin,
}

/// What to do and when: the definition of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Job {
    #[serde(default = "nil")]
    pub id: Id,
    #[serde(default)]
    pub created_at: Time,
    #[serde(default)]
    pub updated_at: Time,
    /// From 1; every change adds one.
    #[serde(default)]
    pub revision: u32,
    #[serde(default)]
    pub origin: JobOrigin,
    #[serde(default)]
    pub by: Actor,

    /// Its name in commands, subjects and lists; one of a project.
    pub slug: String,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub project: Project,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default = "manual")]
    pub schedule: Schedule,
    pub kind: Kind,
    #[serde(default)]
    pub overlap: Overlap,
    #[serde(default)]
    pub catch_up: CatchUp,
    /// A slot starts up to this much later, always the same for one slot.
    #[serde(default)]
    pub jitter: Span,
    /// An attempt that takes longer is ended.
    #[serde(default = "timeout_default")]
    pub timeout: Span,
    #[serde(default)]
    pub retry: Retry,
    /// After so many runs in a row that died or were lost, the job is paused; 0 is never.
    #[serde(default)]
    pub pause_after_dead: u32,
}

fn nil() -> Id {
    Id::NIL
}

fn yes() -> bool {
    true
}

fn manual() -> Schedule {
    Schedule::Manual
}

fn timeout_default() -> Span {
    TIMEOUT_DEFAULT
}

impl Job {
    /// Refuses what is out of bounds, naming the field. Whether a cron pattern and a zone mean something is asked of
    /// `jobs`, which knows.
    pub fn check(&self) -> Result<(), Fault> {
        let token = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if self.slug.is_empty() || self.slug.len() > TOKEN_BYTES_MAX || !self.slug.chars().all(token) {
            return Err(Fault::invalid(format!(
                "slug is {:?}; it is 1 to {TOKEN_BYTES_MAX} of a-z 0-9 _ -",
                self.slug
            )));
        }
        within("title", self.title.len() as u64, 0, TITLE_BYTES_MAX as u64, "bytes")?;
        self.check_schedule()?;
        self.check_kind()?;
        span("catch_up.window", self.catch_up.window, Span::ZERO)?;
        span("jitter", self.jitter, Span::ZERO)?;
        span("timeout", self.timeout, Span::from_ms(1))?;
        within("retry.attempts", u64::from(self.retry.attempts), 1, u64::from(ATTEMPTS_MAX), "")?;
        span("retry.delay", self.retry.delay, Span::ZERO)?;
        span("retry.delay_max", self.retry.delay_max, self.retry.delay)?;
        if !(1.0..=100.0).contains(&self.retry.factor) {
            return Err(Fault::invalid(format!(
                "retry.factor is {}, it goes from 1 to 100",
                self.retry.factor
            )));
        }
        Ok(())
    }

    fn check_schedule(&self) -> Result<(), Fault> {
        let Schedule::Every { every, phase } = self.schedule else { return Ok(()) };
        span("schedule.every", every, EVERY_MIN)?;
        if phase >= every {
            return Err(Fault::invalid(format!(
                "schedule.phase is {phase}, it is shorter than every, {every}"
            )));
        }
        if self.jitter >= every {
            return Err(Fault::invalid(format!(
                "jitter is {}, it is shorter than schedule.every, {every}",
                self.jitter
            )));
        }
        Ok(())
    }

    fn check_kind(&self) -> Result<(), Fault> {
        match &self.kind {
            Kind::Builtin { name } => {
                within("kind.builtin", name.len() as u64, 1, TOKEN_BYTES_MAX as u64, "bytes")
            }
            Kind::Command { argv, env, .. } => {
                within("kind.command", argv.len() as u64, 1, ARGUMENTS_MAX as u64, "words")?;
                within("kind.env", env.len() as u64, 0, ARGUMENTS_MAX as u64, "names")?;
                let bytes = argv.iter().map(String::len).sum::<usize>();
                within("kind.command", bytes as u64, 1, ARGUMENT_BYTES_MAX as u64, "bytes")?;
                if argv[0].is_empty() || argv.iter().any(|word| word.contains('\0')) {
                    return Err(Fault::invalid("kind.command names no program"));
                }
                match env.iter().find(|name| name.is_empty() || name.contains(['=', '\0'])) {
                    Some(name) => {
                        Err(Fault::invalid(format!("kind.env has {name:?}, which is no variable's name"))
                            .hint("it lists the names that the program may see; their values stay outside"))
                    }
                    None => Ok(()),
                }
            }
            Kind::Http { url, method, headers, body } => {
                if !url.starts_with("https://") && !url.starts_with("http://") {
                    return Err(Fault::invalid(format!("kind.http is {url:?}, it starts with https://")));
                }
                if !["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"].contains(&method.as_str()) {
                    return Err(Fault::invalid(format!(
                        "kind.method is {method:?}, it is one of GET POST PUT PATCH DELETE HEAD"
                    )));
                }
                within("kind.http", url.len() as u64, 1, ARGUMENT_BYTES_MAX as u64, "bytes")?;
                within("kind.headers", headers.len() as u64, 0, HEADERS_MAX as u64, "")?;
                let size = body.as_ref().map_or(0, String::len);
                within("kind.body", size as u64, 0, BODY_BYTES_MAX as u64, "bytes")
            }
        }
    }
}

fn span(field: &str, found: Span, least: Span) -> Result<(), Fault> {
    if (least..=SPAN_MAX).contains(&found) {
        return Ok(());
    }
    Err(Fault::invalid(format!("{field} is {found}, it goes from {least} to {SPAN_MAX}")))
}

fn within(field: &str, found: u64, least: u64, most: u64, unit: &str) -> Result<(), Fault> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    let text = format!("{field} has {found} {unit}, it goes from {least} to {most}");
    Err(Fault::invalid(text.replace("  ", " ").replace(" ,", ",")))
}

/// Why a job does not run for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Paused {
    pub reason: String,
    /// None is until somebody resumes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    #[serde(default)]
    pub by: Actor,
}

/// Where the scheduler stands with a job. Written in the same commit as the runs it follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobState {
    pub job: Id,
    /// Every commit of the scheduler about the job adds one; the next holds only if nobody else has.
    pub revision: u64,
    /// Every slot up to here has been decided on.
    pub considered: Time,
    /// Every event up to here has been looked at.
    #[serde(default)]
    pub seen: Sequence,
    /// The schedule that `considered` is about, as [`Schedule`] is written: under another, slots begin anew.
    #[serde(default)]
    pub schedule: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// Whether slots were held back when it was last looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// How many runs in a row died or were lost.
    #[serde(default)]
    pub dead_in_a_row: u32,
    /// The fence of the newest attempt.
    #[serde(default)]
    pub fence: u64,
}

impl fmt::Display for Schedule {
    /// As it is written at the surface, in one line: two schedules that say the same are the same text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Schedule::Every { every, phase } if phase.is_zero() => write!(f, "every {every}"),
            Schedule::Every { every, phase } => write!(f, "every {every} phase {phase}"),
            Schedule::Cron { cron, zone } => write!(f, "cron {cron} zone {zone}"),
            Schedule::On(pattern) => write!(f, "on {pattern}"),
            Schedule::At(time) => write!(f, "at {time}"),
            Schedule::Manual => f.write_str("manual"),
        }
    }
}

#[cfg(test)]
mod tests;
