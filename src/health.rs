//! Health: what probes find, held until it is sure that they find otherwise; an hour of trends; what to do.
//!
//! ```text
//! probes ─ Watch (all at once, each in its time) ─ findings ─ Board (hysteresis) ─ components, turns
//!                                                              points ─ TrendRing ─ trends
//! ```
//!
//! It does not know what it probes: a probe is a name and a function that looks. `hub` hands them in, asks for a round, and
//! tells the turns. Nothing here reads a clock: the moment of a round is an argument.

mod board;
mod probe;
pub mod runbook;
mod trends;
mod watch;

pub use board::{Board, Moment, SOFT_FOR, Turn};
pub use probe::{Finding, Probe};
pub use runbook::{Entry, runbook};
pub use trends::TrendRing;
pub use watch::{Found, PROBE_PATIENCE, Watch};
