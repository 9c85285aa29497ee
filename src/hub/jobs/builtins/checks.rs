//! `snapshot` and `index_check`: what there is to go back to, and whether what answers searches holds what is kept.

mod sample;

use std::{sync::Arc, time::Duration};

use crate::{
    door::{ViewName, ViewState},
    hub::jobs::attempt::Attempt,
    model::{Code, Fault, Sequence},
    tasks::blocking,
};

/// How long the index may take to come up with the log.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);
/// Differences are looked at so often, since writes go on meanwhile.
const COMPARED_TIMES: usize = 3;
/// Differences that are named.
const NAMED_MAX: usize = 20;

pub async fn snapshot(attempt: Arc<Attempt>) -> Result<(), Fault> {
    let (store, asked) = (attempt.hub.store.clone(), attempt.asked.clone());
    match blocking(move || store.snapshot(&|| asked.is_cancelled())).await? {
        Some(taken) => attempt.note(&format!("{} bytes, up to event {}", taken.bytes, taken.to)),
        None => attempt.note("nothing has changed since the last one"),
    }
    Ok(())
}

pub async fn index(attempt: Arc<Attempt>) -> Result<(), Fault> {
    let head = caught_up(&attempt).await?;
    attempt.note(&format!("the index has everything up to event {head}"));
    let asked = attempt.asked.clone();
    let counted = attempt
        .hub
        .read(move |store| {
            let mut counted = 0_u64;
            store.scan(&mut |stored| {
                counted += u64::from(!stored.hidden);
                !asked.is_cancelled()
            })?;
            Ok((counted, store.state().borrow().memories))
        })
        .await?;
    attempt.go_on()?;
    let (found, said) = counted;
    attempt.note(&format!("{found} memories can be read"));
    // What came between the count and the look is no fault.
    let moved = *attempt.hub.store.head().borrow() != head;
    if said.is_some_and(|said| said != found) && !moved {
        let said = said.unwrap_or_default();
        return Err(Fault::new(
            Code::Damaged,
            format!("{found} memories can be read, and {said} are counted"),
        )
        .hint(format!("`wheelhouse reindex {}` makes the view anew", ViewName::Records.word())));
    }
    compare(&attempt).await
}

/// Waits until the index holds all that was recorded by now; answers up to where that is.
async fn caught_up(attempt: &Attempt) -> Result<Sequence, Fault> {
    let hub = &attempt.hub;
    let head = *hub.store.head().borrow();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while hub.lexical.applied() < head {
        attempt.go_on()?;
        if matches!(hub.lexical.state(), ViewState::Failed { .. }) || tokio::time::Instant::now() > deadline {
            return Err(behind(&hub.lexical.state()));
        }
        tokio::time::sleep(LOOK).await;
    }
    match hub.lexical.state() {
        state if state.is_ready() => Ok(head),
        state => Err(behind(&state)),
    }
}

/// Looks up some records in the index, and some of what it holds among the records.
async fn compare(attempt: &Attempt) -> Result<(), Fault> {
    let mut compared = sample::compare(attempt).await?;
    // What changed between the one look and the other is looked at again.
    for _ in 1..COMPARED_TIMES {
        if compared.differing.is_empty() {
            break;
        }
        attempt.go_on()?;
        caught_up(attempt).await?;
        compared = sample::compare(attempt).await?;
    }
    attempt.go_on()?;
    let sample::Compared { records, entries, differing } = compared;
    attempt.note(&format!(
        "{records} records looked up in the index and {entries} of its entries among the records, chosen by {}",
        attempt.run.id
    ));
    for one in differing.iter().take(NAMED_MAX) {
        attempt.note(&one.words());
    }
    match differing.len() {
        0 => Ok(()),
        n => Err(Fault::new(Code::Damaged, format!("{n} of them differ between the index and the records"))
            .hint(format!("`wheelhouse reindex {}` builds the index anew", ViewName::Lexical.word()))),
    }
}

fn behind(state: &ViewState) -> Fault {
    Fault::unavailable(format!("the index is {}", state.words()))
        .hint(format!("`wheelhouse reindex {}` builds it anew", ViewName::Lexical.word()))
}
