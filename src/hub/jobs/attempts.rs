//! Each attempt of a run. A run's record counts them and keeps the last error; the events of the run tell the rest, as long
//! as they are kept.

use crate::{
    door::{Order, RunAttempt},
    model::{
        Event, EventFilter, Fault, Pattern, Projects, Sequence,
        job::{Run, RunError, RunState},
    },
    store::{Scan, Store},
};

use super::log::BACK_MAX;

/// The events that tell of attempts, and what became of one.
const TELLING: [(&str, RunState); 5] = [
    ("started", RunState::Running),
    ("succeeded", RunState::Succeeded),
    ("failed", RunState::Failed),
    ("lost", RunState::Lost),
    ("cancelled", RunState::Cancelled),
];
const EVENTS: usize = 256;

/// Oldest first.
pub fn of(store: &Store, run: &Run, slug: &str) -> Result<Vec<RunAttempt>, Fault> {
    if let Some(only) = only(run) {
        return Ok(only);
    }
    let pattern = |action: &str| {
        let pattern = format!("{}.job.{action}.{slug}", run.project).parse::<Pattern>();
        pattern.map_err(|error| Fault::bug("a job whose name is no subject").cause(error))
    };
    let patterns = TELLING.iter().map(|(action, _)| pattern(action)).collect::<Result<_, _>>()?;
    let filter = EventFilter { patterns, correlation: Some(run.id), ..EventFilter::default() };
    let before = store.head().borrow().next();
    let (mut attempts, mut after) = (Vec::new(), Sequence::ZERO);
    loop {
        let scanned = store.scan_log(&Scan {
            filter: &filter,
            wall: &Projects::All,
            recorded_since: Some(run.created_at.minus(BACK_MAX)),
            recorded_until: run.ended.map(|ended| ended.plus(BACK_MAX)),
            after,
            before,
            order: Order::Asc,
            limit: EVENTS,
            looked_at_max: usize::MAX,
        })?;
        scanned.events.iter().for_each(|event| take(&mut attempts, event));
        match scanned.next {
            Some(next) => after = next,
            None => return Ok(attempts),
        }
    }
}

/// Where the run itself says all that its events do: before it began, and when one attempt was all.
fn only(run: &Run) -> Option<Vec<RunAttempt>> {
    match (run.attempt, run.started) {
        (0, _) | (_, None) => Some(Vec::new()),
        (1, Some(started)) if run.state != RunState::Retrying => Some(vec![RunAttempt {
            number: 1,
            started,
            ended: run.ended,
            state: if run.state == RunState::Dead { RunState::Failed } else { run.state },
            error: run.error.clone(),
        }]),
        _ => None,
    }
}

fn take(attempts: &mut Vec<RunAttempt>, event: &Event) {
    let told = TELLING.iter().find(|(action, _)| event.kind.strip_prefix("job.") == Some(action));
    let Some((_, state)) = told else { return };
    if *state == RunState::Running {
        // One that was about to start when the hub ended is counted again.
        attempts.pop_if(|last| last.ended.is_none());
        let number = event.data.get("attempt").and_then(serde_json::Value::as_u64);
        let next = attempts.last().map_or(1, |last: &RunAttempt| last.number + 1);
        attempts.push(RunAttempt {
            number: number.and_then(|number| number.try_into().ok()).unwrap_or(next),
            started: event.time,
            ended: None,
            state: *state,
            error: None,
        });
        return;
    }
    if let Some(last) = attempts.last_mut().filter(|last| last.ended.is_none()) {
        last.ended = Some(event.time);
        last.state = *state;
        last.error = error(event).filter(|_| *state != RunState::Succeeded);
    }
}

fn error(event: &Event) -> Option<RunError> {
    let code = serde_json::from_value(event.data.get("code")?.clone()).ok()?;
    Some(RunError { code, message: event.text("message")?.to_owned() })
}
