//! What is done to memories: each request becomes one commit with its preconditions and the event that tells it.

mod bulk;
mod change;

use std::sync::Arc;

pub use bulk::upsert;

use super::{Hub, cleaner, told::memory_event};
use crate::{
    door::{Caller, Forgetting, Forgotten, MemoryPatch, NewMemory, Revision, Saved},
    model::{Change, Code, Commit, Fault, Id, Lane, Memory, Precondition, Status},
    store::{Committed, Stored},
};

/// Ids in one `get`; more are refused.
const GET_MAX: usize = 1_000;
/// An edit that gives no revision is tried again when another one came between, this often.
const EDIT_TRIES: usize = 4;
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 256;
/// Duplicates named in an answer.
const DUPLICATES_MAX: usize = 10;

pub async fn add(hub: &Arc<Hub>, caller: &Caller, new: NewMemory) -> Result<Saved, Fault> {
    let key = idempotency_key(new.idempotency_key.as_deref())?;
    let memory = change::memory(hub, caller, new);
    check(caller, &memory)?;
    let hash = memory.content_hash.clone();
    let equal = hub.read(move |store| store.by_hash(&hash)).await?;
    let duplicates = seen(hub, caller, equal).await?;
    let committed = hub
        .store
        .commit(Commit {
            events: vec![memory_event(hub, caller, &memory, "memory.saved")],
            preconditions: vec![Precondition::Absent { id: memory.id }],
            changes: vec![Change::Put { memory: memory.clone() }],
            idempotency_key: key,
            ..Commit::default()
        })
        .await?;
    if committed.repeated {
        return first_answer(&committed);
    }
    Ok(Saved { memory, applied: committed.applied, duplicates })
}

pub async fn edit(
    hub: &Arc<Hub>,
    caller: &Caller,
    id: Id,
    patch: MemoryPatch,
    revision: Option<u32>,
) -> Result<Saved, Fault> {
    for _ in 0..EDIT_TRIES {
        let before = visible(hub, caller, id).await?;
        if let Some(expected) = revision.filter(|expected| *expected != before.revision) {
            return Err(Fault::conflict(format!(
                "the memory is at revision {}, not {expected}",
                before.revision
            ))
            .hint("read it again and apply the change to what it says now"));
        }
        let after = change::patched(hub, caller, &before, &patch);
        check(caller, &after)?;
        if change::same_but_revision(&before, &after) {
            return Ok(Saved { memory: before, applied: true, duplicates: vec![] });
        }
        let archived = after.status == Status::Archived && before.status != Status::Archived;
        let kind = if archived { "memory.archived" } else { "memory.updated" };
        let commit = Commit {
            events: vec![memory_event(hub, caller, &after, kind)],
            preconditions: vec![
                Precondition::Revision { id, revision: before.revision },
                Precondition::Hidden { id, hidden: false },
            ],
            changes: vec![Change::Put { memory: after.clone() }],
            ..Commit::default()
        };
        match hub.store.commit(commit).await {
            Ok(committed) => {
                return Ok(Saved { memory: after, applied: committed.applied, duplicates: vec![] });
            }
            Err(fault) if fault.code == Code::Conflict && revision.is_none() => {}
            Err(fault) => return Err(fault),
        }
    }
    Err(Fault::conflict("the memory kept changing under this edit").hint("try again"))
}

pub async fn supersede(hub: &Arc<Hub>, caller: &Caller, id: Id, new: NewMemory) -> Result<Saved, Fault> {
    let key = idempotency_key(new.idempotency_key.as_deref())?;
    let before = visible(hub, caller, id).await?;
    if let Some(by) = before.superseded_by {
        return Err(Fault::conflict(format!("the memory is already superseded by {by}"))
            .hint(format!("supersede that one: `wheelhouse supersede {by} …`")));
    }
    let heir = change::heir(hub, caller, &before, new);
    check(caller, &heir)?;
    let old = change::superseded(hub, caller, &before, heir.id);
    let saved = memory_event(hub, caller, &heir, "memory.saved");
    let mut told = memory_event(hub, caller, &old, "memory.superseded");
    told.causation_id = Some(saved.id);
    told.data.insert("superseded_by".to_owned(), heir.id.to_string().into());
    let committed = hub
        .store
        .commit(Commit {
            events: vec![saved, told],
            preconditions: vec![
                Precondition::Absent { id: heir.id },
                Precondition::Revision { id, revision: before.revision },
                Precondition::Hidden { id, hidden: false },
            ],
            changes: vec![Change::Put { memory: heir.clone() }, Change::Put { memory: old }],
            idempotency_key: key,
            ..Commit::default()
        })
        .await?;
    if committed.repeated {
        return first_answer(&committed);
    }
    Ok(Saved { memory: heir, applied: committed.applied, duplicates: vec![] })
}

/// Has one memory take the place of another that says the same.
pub async fn merge(hub: &Arc<Hub>, caller: &Caller, id: Id, into: Id) -> Result<(), Fault> {
    let (before, heir) = (visible(hub, caller, id).await?, visible(hub, caller, into).await?);
    if !before.status.is_current() || !heir.status.is_current() || before.content_hash != heir.content_hash {
        return Err(Fault::conflict("one of the memories changed meanwhile"));
    }
    let old = change::superseded(hub, caller, &before, heir.id);
    let after = change::taking_over(hub, caller, &heir, before.id);
    let updated = memory_event(hub, caller, &after, "memory.updated");
    let mut told = memory_event(hub, caller, &old, "memory.superseded");
    told.causation_id = Some(updated.id);
    told.data.insert("superseded_by".to_owned(), heir.id.to_string().into());
    let held = |memory: &Memory| {
        [
            Precondition::Revision { id: memory.id, revision: memory.revision },
            Precondition::Hidden { id: memory.id, hidden: false },
        ]
    };
    let commit = Commit {
        events: vec![updated, told],
        preconditions: [held(&before), held(&heir)].concat(),
        changes: vec![Change::Put { memory: after }, Change::Put { memory: old }],
        lane: Lane::Bulk,
        ..Commit::default()
    };
    hub.store.commit(commit).await.map(drop)
}

pub async fn forget(hub: &Arc<Hub>, caller: &Caller, id: Id, how: Forgetting) -> Result<Forgotten, Fault> {
    match how {
        Forgetting::Hide => hide(hub, caller, id).await,
        Forgetting::Erase => erase(hub, caller, id).await,
    }
}

async fn erase(hub: &Arc<Hub>, caller: &Caller, id: Id) -> Result<Forgotten, Fault> {
    let memory = found(hub, caller, id).await?.memory;
    let applied = cleaner::erase(hub, caller, &memory).await?;
    hub.cleaner.wish();
    hub.status_has_changed();
    Ok(Forgotten { id, title: memory.title, applied, state: "being erased".to_owned() })
}

async fn hide(hub: &Arc<Hub>, caller: &Caller, id: Id) -> Result<Forgotten, Fault> {
    let memory = visible(hub, caller, id).await?;
    let committed = hub
        .store
        .commit(Commit {
            events: vec![memory_event(hub, caller, &memory, "memory.forgotten")],
            preconditions: vec![Precondition::Hidden { id, hidden: false }],
            changes: vec![Change::Forget { id }],
            ..Commit::default()
        })
        .await?;
    let state = format!("hidden, erased in {} h", cleaner::ERASED_AFTER.as_secs() / 3_600);
    Ok(Forgotten { id, title: memory.title, applied: committed.applied, state })
}

pub async fn restore(hub: &Arc<Hub>, caller: &Caller, id: Id) -> Result<Saved, Fault> {
    let stored = found(hub, caller, id).await?;
    if !stored.hidden {
        return Err(Fault::conflict("the memory is not hidden: there is nothing to restore"));
    }
    let memory = stored.memory;
    let committed = hub
        .store
        .commit(Commit {
            events: vec![memory_event(hub, caller, &memory, "memory.restored")],
            preconditions: vec![
                Precondition::Hidden { id, hidden: true },
                Precondition::Revision { id, revision: memory.revision },
            ],
            changes: vec![Change::Restore { memory: memory.clone() }],
            ..Commit::default()
        })
        .await?;
    Ok(Saved { memory, applied: committed.applied, duplicates: vec![] })
}

pub async fn get(hub: &Arc<Hub>, caller: &Caller, ids: Vec<Id>) -> Result<Vec<Memory>, Fault> {
    if ids.len() > GET_MAX {
        return Err(Fault::invalid(format!("{} ids, at most {GET_MAX} fit in one request", ids.len())));
    }
    let wall = caller.projects.clone();
    hub.read(move |store| {
        ids.into_iter()
            .map(|id| match store.get(id)? {
                Some(stored) if wall.see(&stored.memory.project) => shown(stored),
                _ => Err(absent(id)),
            })
            .collect()
    })
    .await
}

pub async fn history(hub: &Arc<Hub>, caller: &Caller, id: Id) -> Result<Vec<Revision>, Fault> {
    found(hub, caller, id).await?;
    let entries = hub.read(move |store| store.history(id)).await?;
    let mut revisions: Vec<Revision> = entries
        .iter()
        .flat_map(|entry| {
            let event = entry.events.iter().find(|event| event.record() == Some(id));
            entry.changes.iter().filter(move |change| change.id() == id).filter_map(move |change| {
                let memory = match change {
                    Change::Put { memory } => Some(memory.clone()),
                    Change::Forget { .. } | Change::Restore { .. } => None,
                    _ => return None,
                };
                let event = event.or(entry.events.first())?;
                Some(Revision {
                    event: event.kind.clone(),
                    recorded_at: event.recorded_at,
                    actor: event.actor.clone(),
                    correlation_id: event.correlation_id,
                    memory,
                })
            })
        })
        .collect();
    revisions.reverse();
    Ok(revisions)
}

/// A memory that this caller may see and that is not hidden.
pub async fn visible(hub: &Arc<Hub>, caller: &Caller, id: Id) -> Result<Memory, Fault> {
    found(hub, caller, id).await.and_then(shown)
}

async fn found(hub: &Arc<Hub>, caller: &Caller, id: Id) -> Result<Stored, Fault> {
    let stored = hub.read(move |store| store.get(id)).await?;
    stored.filter(|stored| caller.projects.see(&stored.memory.project)).ok_or_else(|| absent(id))
}

fn shown(stored: Stored) -> Result<Memory, Fault> {
    if stored.hidden {
        let id = stored.memory.id;
        return Err(Fault::not_found(format!("memory {id} is forgotten"))
            .hint(format!("`wheelhouse restore {id}` brings it back")));
    }
    Ok(stored.memory)
}

fn absent(id: Id) -> Fault {
    Fault::not_found(format!("no memory {id}")).hint("`wheelhouse search` prints ids")
}

/// Of these, the ones that the caller sees.
async fn seen(hub: &Arc<Hub>, caller: &Caller, ids: Vec<Id>) -> Result<Vec<Id>, Fault> {
    if ids.is_empty() {
        return Ok(ids);
    }
    let wall = caller.projects.clone();
    hub.read(move |store| {
        let mut seen = Vec::new();
        for id in ids {
            if store.get(id)?.is_some_and(|stored| !stored.hidden && wall.see(&stored.memory.project)) {
                seen.push(id);
            }
            if seen.len() == DUPLICATES_MAX {
                break;
            }
        }
        Ok(seen)
    })
    .await
}

fn check(caller: &Caller, memory: &Memory) -> Result<(), Fault> {
    caller.may_write(&memory.project)?;
    memory.check()
}

pub fn idempotency_key(given: Option<&str>) -> Result<Option<String>, Fault> {
    match given {
        Some(key) if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX => {
            Err(Fault::invalid(format!("an idempotency key has 1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes")))
        }
        key => Ok(key.map(str::to_owned)),
    }
}

/// What the first commit with this key made: the memory that it put first.
fn first_answer(committed: &Committed) -> Result<Saved, Fault> {
    let memory = committed.entry.changes.iter().find_map(|change| match change {
        Change::Put { memory } => Some(memory.clone()),
        _ => None,
    });
    let saved = committed.entry.events.iter().any(|event| event.kind == "memory.saved");
    let memory = memory.ok_or_else(|| {
        if saved {
            return Fault::not_found("the memory that this idempotency key made was erased")
                .hint("use a fresh key");
        }
        Fault::conflict("this idempotency key was used for another kind of request").hint("use a fresh key")
    })?;
    Ok(Saved { memory, applied: committed.applied, duplicates: vec![] })
}
