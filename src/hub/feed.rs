//! Feeding the lexical index from the log: catches up at the start, then follows.

use std::{sync::Arc, time::Duration};

use super::Hub;
use crate::{
    door::ViewState,
    model::{Fault, Sequence},
    store::Store,
    tasks::blocking,
};

/// Events read from the log for one step. Large enough to catch up fast, small enough to stop soon.
const STEP_EVENTS: usize = 2_000;
/// After a log that could not be read, the next try.
const RETRY: Duration = Duration::from_secs(1);

/// Starts the task; it ends with the hub.
pub fn start(hub: &Arc<Hub>) {
    let feed = hub.clone();
    let token = hub.tasks.token();
    hub.tasks.spawn(async move {
        tokio::select! {
            () = token.cancelled() => {}
            () = run(&feed) => {}
        }
    });
}

/// Empties the index; the task feeds it again from the beginning.
pub async fn reset(hub: &Arc<Hub>) -> Result<(), Fault> {
    let lexical = hub.lexical.clone();
    blocking(move || {
        lexical.reset();
        Ok(())
    })
    .await?;
    hub.status_has_changed();
    Ok(())
}

async fn run(hub: &Arc<Hub>) {
    let mut head = hub.store.head();
    let mut anew = hub.lexical.generation();
    let opened = hub.lexical.clone();
    let durable = match blocking(move || Ok(opened.durable())).await {
        Ok(durable) => durable,
        Err(fault) => {
            hub.failed("opening the lexical index", &fault);
            return;
        }
    };
    if durable > *head.borrow() {
        // The log lost what the index still holds: it speaks of another history.
        hub.lexical.reset();
    }
    let mut told = [ViewState::Opening, ViewState::Opening];
    loop {
        let to = *head.borrow_and_update();
        hub.lexical.set_head(to);
        while hub.lexical.applied() < to && !matches!(hub.lexical.state(), ViewState::Failed { .. }) {
            let (store, lexical) = (hub.store.clone(), hub.lexical.clone());
            match blocking(move || step(&store, &lexical)).await {
                Ok(true) => hub.answers.clear(),
                Ok(false) => break,
                Err(fault) => {
                    hub.failed("feeding the lexical index", &fault);
                    tokio::time::sleep(RETRY).await;
                }
            }
            tell(hub, &mut told);
        }
        tell(hub, &mut told);
        tokio::select! {
            moved = head.changed() => if moved.is_err() { return },
            // Begun anew, or working again after it failed: behind the head without the head moving.
            begun = anew.changed() => if begun.is_err() { return },
        }
    }
}

/// One page of the log into the index; `false` when there was none.
fn step(store: &Store, lexical: &crate::search::Lexical) -> Result<bool, Fault> {
    let after: Sequence = lexical.applied();
    let entries = store.read_log(after, STEP_EVENTS)?;
    match entries.first() {
        // Numbers are missing: damage took them, and has been told.
        Some(first) if first.first() > after.next() => lexical.pass(Sequence(first.first().0 - 1)),
        Some(_) => {}
        None => lexical.pass(*store.head().borrow()),
    }
    lexical.apply(&entries);
    Ok(!entries.is_empty())
}

fn tell(hub: &Hub, told: &mut [ViewState; 2]) {
    let state = [hub.lexical.state(), hub.lexical.vectors()];
    if state != *told {
        *told = state;
        hub.status_has_changed();
    }
}
