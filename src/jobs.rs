//! The scheduler, as pure decisions: when a job's slots are, and what is done about each.
//!
//! [`Timetable`] knows the slots of a schedule, summer time and all. [`Machine`] decides: it takes in what happened (time
//! passed, an event, a request, the end of an attempt, what the store said) and gives out what is to be done (commit
//! this, start that, wake me then). It reads no clock and waits for nothing, so that years of clocks put back, crashes and
//! lost answers pass in a test within a second. A driver in `hub` carries the effects out.
//!
//! **Invariant**: what is not recorded has not happened. A run starts only after the commit that says so, and a slot has
//! one run, since the record of its run can be inserted once.

mod dst;
mod file;
mod lines;
mod machine;
mod timetable;
mod words;

pub use dst::{DstRow, dst_rows};
pub use file::{FILE_BYTES_MAX, Note, read};
pub use lines::{BYTES_MAX as LOG_BYTES_MAX, LINE_BYTES_MAX, Lines, Page};
pub use machine::{
    Answer, Ask, BACKFILL_SLOTS_MAX, CANCEL_GRACE, CATCH_UP_SLOTS_MAX, Commit, Effect, Ended, Input, Machine,
    Now, QUEUED_MAX, RUNS_AT_ONCE_MAX, RUNS_OF_JOB_MAX, Refusal, Seen, StopWhy, Told, Write,
};
pub use timetable::Timetable;
pub use words::words;

use crate::model::{Fault, job::Job};

/// Refuses a definition that is out of bounds or whose schedule means nothing, naming the field.
pub fn check(job: &Job) -> Result<(), Fault> {
    job.check()?;
    Timetable::of(&job.schedule).map(|_| ())
}
