//! `edit`, `rm` and `restore`: memories that are there.

mod editor;

use serde_json::json;

use super::{
    Stop, add,
    args::Fields,
    id,
    verb::{Ask, text_or_stdin},
};
use crate::{
    door::MemoryPatch,
    model::{Code, Id, Project},
    report,
};

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
        let one = door.forget(&ask.caller, id).await?;
        if !ask.out.manner.json && !ask.out.manner.quiet {
            let line = format!("{}: {}  {}", one.state, ask.short(id), report::escape_line(&one.title));
            ask.out.line(&line)?;
            ask.out.flush()?;
        }
        ask.warn_unless_applied(one.applied);
        forgotten.push(one);
    }
    if ask.out.manner.json {
        return match forgotten.as_slice() {
            [one] => ask.out.document(one),
            many => ask.out.document(&json!({ "forgotten": many })),
        };
    }
    Ok(())
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
