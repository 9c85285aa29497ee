//! `reindex`: a view built anew, and waited for.

use std::{sync::Arc, time::Duration};

use super::{Stop, args::Which, verb::Ask};
use crate::{
    door::{Door, Status, ViewName, ViewState},
    model::Fault,
};

const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub async fn reindex(ask: &mut Ask, which: Which) -> Result<(), Stop> {
    let views = match which {
        Which::Records => vec![ViewName::Records],
        Which::Lexical => vec![ViewName::Lexical],
        Which::Vectors => vec![ViewName::Vectors],
        Which::All => ViewName::ALL.to_vec(),
    };
    let mut last = None;
    // One after the other: each reads the whole log.
    for view in views {
        ask.door().await?.reindex(&ask.caller, view).await?;
        last = Some(ready(ask, view).await?);
        if !ask.out.manner.json && !ask.out.manner.quiet {
            ask.out.line(&format!("{}  ready", view.word()))?;
            ask.out.flush()?;
        }
    }
    match last {
        Some(status) if ask.out.manner.json => {
            ask.out.document(&serde_json::json!({ "views": status.views }))
        }
        _ => Ok(()),
    }
}

/// Until the view holds the whole log, with its progress on a terminal.
pub async fn ready(ask: &Ask, name: ViewName) -> Result<Status, Fault> {
    ready_at(ask, &ask.door().await?, name).await
}

/// The same of any hub.
pub async fn ready_at(ask: &Ask, door: &Arc<dyn Door>, name: ViewName) -> Result<Status, Fault> {
    loop {
        let status = door.status().await?;
        let state = status.view(name).cloned().unwrap_or(ViewState::Opening);
        ask.out.progress(&format!("{}  {}", name.word(), state.words()));
        match state {
            ViewState::Ready => {
                ask.out.progress("");
                return Ok(status);
            }
            ViewState::Failed { reason } => {
                ask.out.progress("");
                let what = format!("the view {} could not be built", name.word());
                return Err(Fault::unavailable(what)
                    .cause(reason)
                    .hint("`wheelhouse fsck` checks the log it is built from"));
            }
            _ => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}
