//! `outcome`: how a decision turned out.

use super::{
    Stop,
    args::Outcome,
    decide,
    verb::{Ask, text_or_stdin},
};
use crate::{
    door::NewOutcome,
    model::{Fault, OutcomeStatus},
};

pub async fn outcome(ask: &mut Ask, typed: Outcome) -> Result<(), Stop> {
    let decision = typed.decision.parse()?;
    let status = OutcomeStatus::parse(&typed.status).ok_or_else(|| {
        Fault::invalid(format!("{:?} is no outcome", typed.status))
            .hint(format!("it is one of {}", OutcomeStatus::ALL.map(OutcomeStatus::word).join(", ")))
    })?;
    let note = typed.note.as_deref().map(text_or_stdin).transpose()?.unwrap_or_default();
    let new = NewOutcome { status, rating: typed.rating, note, measured_at: None };
    let saved = ask.door().await?.record_outcome(&ask.caller, decision, new).await?;
    decide::told(ask, &saved, &mark(status))
}

/// An outcome as lists show it: a mark for the eye, and the word.
pub fn mark(status: OutcomeStatus) -> String {
    let mark = match status {
        OutcomeStatus::Pending => '○',
        OutcomeStatus::InProgress => '◔',
        OutcomeStatus::Successful => '✓',
        OutcomeStatus::Partial => '◐',
        OutcomeStatus::Failed => '✗',
        OutcomeStatus::Revised => '↺',
    };
    format!("{mark} {}", status.word().replace('_', " "))
}
