//! `edit`, `rm` and `restore`: memories that are there.

mod editor;

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{
    Stop, add,
    args::Fields,
    id,
    verb::{Ask, text_or_stdin},
};
use crate::{
    door::{Door, Forgetting, Forgotten, MemoryPatch},
    model::{Code, Fault, Id, Project},
    report,
};

/// How often the cleaner's progress is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

pub async fn edit(
    ask: &mut Ask,
    typed: &str,
    content: Option<String>,
    fields: Fields,
    move_to: Option<String>,
) -> Result<(), Stop> {
    let content = content.as_deref().map(text_or_stdin).transpose()?;
    let patch =
        MemoryPatch { project: move_to.as_deref().map(Project::slug), ..add::patch(content, fields)? };
    let door = ask.door().await?;
    let id = id::resolve(&door, &ask.caller, &[typed.to_owned()], false).await?[0];
    if patch == MemoryPatch::default() {
        return in_editor(ask, id).await;
    }
    let saved = door.edit(&ask.caller, id, patch, None).await?;
    add::told(ask, &saved, "changed")
}

/// The content through the user's editor. What was written is kept until it is saved.
async fn in_editor(ask: &mut Ask, id: Id) -> Result<(), Stop> {
    let memory = ask.door().await?.get(&ask.caller, &[id]).await?.remove(0);
    let draft = editor::Draft::begin(&ask.setup.data_dir, id, &memory.content)?;
    let content = draft.edited().await?;
    if content == memory.content.trim_end_matches('\n') {
        draft.done();
        ask.out.remark("nothing changed");
        return Ok(());
    }
    let patch = MemoryPatch { content: Some(content), ..MemoryPatch::default() };
    // Time has passed: the hub may be another one by now.
    let saved = match ask.door().await?.edit(&ask.caller, id, patch, Some(memory.revision)).await {
        Ok(saved) => saved,
        Err(fault) => return Err(draft.kept(fault).into()),
    };
    draft.done();
    add::told(ask, &saved, "changed")
}

pub async fn forget(ask: &mut Ask, typed: &[String]) -> Result<(), Stop> {
    let door = ask.door().await?;
    let ids = id::resolve(&door, &ask.caller, typed, false).await?;
    let mut forgotten = Vec::with_capacity(ids.len());
    for id in ids {
        let one = door.forget(&ask.caller, id, Forgetting::Hide).await?;
        if !ask.out.manner.json && !ask.out.manner.quiet {
            let line = format!("{}: {}  {}", one.state, ask.short(id), report::escape_line(&one.title));
            ask.out.line(&line)?;
            ask.out.flush()?;
        }
        ask.warn_unless_applied(one.applied);
        forgotten.push(one);
    }
    forgotten_document(ask, &forgotten)
}

fn forgotten_document(ask: &mut Ask, forgotten: &[Forgotten]) -> Result<(), Stop> {
    match (ask.out.manner.json, forgotten) {
        (false, _) => Ok(()),
        (true, [one]) => ask.out.document(one),
        (true, many) => ask.out.document(&json!({ "forgotten": many })),
    }
}

/// `rm --now`: until nothing of them is left in any file.
pub async fn erase(ask: &mut Ask, typed: &[String]) -> Result<(), Stop> {
    let door = ask.door().await?;
    let mut erased = Vec::with_capacity(typed.len());
    for one in typed {
        let one = std::slice::from_ref(one);
        let id = match id::resolve(&door, &ask.caller, one, false).await {
            // Hidden already.
            Err(fault) if fault.code == Code::NotFound => {
                id::resolve(&door, &ask.caller, one, true).await.map_err(|_| fault)?[0]
            }
            found => found?[0],
        };
        let one = door.forget(&ask.caller, id, Forgetting::Erase).await?;
        ask.warn_unless_applied(one.applied);
        erased.push(one);
    }
    erased_everywhere(ask, &door).await?;
    for one in &mut erased {
        one.state = "erased".to_owned();
        if !ask.out.manner.json && !ask.out.manner.quiet {
            ask.out.line(&format!("erased: {}  {}", ask.short(one.id), report::escape_line(&one.title)))?;
        }
    }
    ask.out.flush()?;
    forgotten_document(ask, &erased)
}

/// Until the cleaner is done, with its progress on a terminal.
async fn erased_everywhere(ask: &Ask, door: &Arc<dyn Door>) -> Result<(), Fault> {
    loop {
        let cleaning = door.status().await?.cleaning;
        let Some(cleaning) = cleaning else {
            ask.out.progress("");
            return Ok(());
        };
        ask.out.progress(&cleaning.words());
        if let Some(fault) = cleaning.fault {
            ask.out.progress("");
            return Err(fault.hint("it is out of every answer, and erased as soon as that is possible"));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

pub async fn restore(ask: &mut Ask, typed: &[String]) -> Result<(), Stop> {
    let door = ask.door().await?;
    let ids = match id::resolve(&door, &ask.caller, typed, true).await {
        // Not hidden: the hub says so of the memory itself.
        Err(fault) if fault.code == Code::NotFound => {
            id::resolve(&door, &ask.caller, typed, false).await.map_err(|_| fault)?
        }
        found => found?,
    };
    let mut restored = Vec::with_capacity(ids.len());
    for id in ids {
        let saved = door.restore(&ask.caller, id).await?;
        if ask.out.manner.json {
            ask.warn_unless_applied(saved.applied);
        } else {
            add::told(ask, &saved, "restored")?;
        }
        restored.push(saved);
    }
    match (ask.out.manner.json, restored.as_slice()) {
        (false, _) => Ok(()),
        (true, [one]) => ask.out.document(one),
        (true, many) => ask.out.document(&json!({ "memories": many })),
    }
}
