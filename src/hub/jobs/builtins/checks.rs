//! `snapshot` and `index_check`: what there is to go back to, and whether what answers searches holds what is kept.

use std::{sync::Arc, time::Duration};

use crate::{
    door::{ViewName, ViewState},
    hub::jobs::attempt::Attempt,
    model::{Code, Fault},
    tasks::blocking,
};

/// How long the index may take to come up with the log.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

pub async fn snapshot(attempt: Arc<Attempt>) -> Result<(), Fault> {
    let (store, asked) = (attempt.hub.store.clone(), attempt.asked.clone());
    match blocking(move || store.snapshot(&|| asked.is_cancelled())).await? {
        Some(taken) => attempt.note(&format!("{} bytes, up to event {}", taken.bytes, taken.to)),
        None => attempt.note("nothing has changed since the last one"),
    }
    Ok(())
}

pub async fn index(attempt: Arc<Attempt>) -> Result<(), Fault> {
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
    if !hub.lexical.state().is_ready() {
        return Err(behind(&hub.lexical.state()));
    }
    attempt.note(&format!("the index has everything up to event {head}"));
    let asked = attempt.asked.clone();
    let counted = hub
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
    let moved = *hub.store.head().borrow() != head;
    match said {
        Some(said) if said != found && !moved => {
            Err(Fault::new(Code::Damaged, format!("{found} memories can be read, and {said} are counted"))
                .hint(format!("`wheelhouse reindex {}` makes the view anew", ViewName::Records.word())))
        }
        _ => Ok(()),
    }
}

fn behind(state: &ViewState) -> Fault {
    Fault::unavailable(format!("the index is {}", state.words()))
        .hint(format!("`wheelhouse reindex {}` builds it anew", ViewName::Lexical.word()))
}
