//! A batch of an import: what is new is taken, what changed gets a revision, the rest is left alone; one commit.

use std::{collections::HashMap, sync::Arc};

use super::{change, check};
use crate::{
    door::{BATCH_BYTES_MAX, BATCH_MAX, Caller, NewMemory, Upsert, UpsertDone, Upserted, UpsertedAs},
    hub::{
        Hub,
        told::{event, memory_event},
    },
    model::{Change, Code, Commit, EventDraft, Fault, Lane, Memory, Precondition, Project},
    store::Stored,
};

/// A batch that another writer came between is worked out again, this often.
const TRIES: usize = 4;

/// What is known of a file: by project and url.
type Known = HashMap<(Project, String), Stored>;

pub async fn upsert(hub: &Arc<Hub>, caller: &Caller, batch: Upsert) -> Result<UpsertDone, Fault> {
    bounds(caller, &batch)?;
    for _ in 0..TRIES {
        let known = known(hub, &batch.items).await?;
        let plan = plan(hub, caller, &batch, &known)?;
        if plan.commit.events.is_empty() {
            return Ok(UpsertDone { items: plan.items, applied: true });
        }
        match hub.store.commit(plan.commit).await {
            Ok(committed) => return Ok(UpsertDone { items: plan.items, applied: committed.applied }),
            Err(fault) if fault.code == Code::Conflict => {}
            Err(fault) => return Err(fault),
        }
    }
    Err(Fault::conflict("the memories of this import kept changing under it").hint("import again"))
}

fn bounds(caller: &Caller, batch: &Upsert) -> Result<(), Fault> {
    if batch.items.len() > BATCH_MAX {
        return Err(Fault::invalid(format!(
            "{} memories, at most {BATCH_MAX} fit in a batch",
            batch.items.len()
        )));
    }
    let bytes: usize = batch.items.iter().map(|item| item.content.len()).sum();
    if bytes > BATCH_BYTES_MAX {
        return Err(Fault::invalid(format!(
            "{bytes} bytes of content, at most {BATCH_BYTES_MAX} fit in a batch"
        )));
    }
    if let Some(item) = batch.items.iter().find(|item| item.url.as_deref().unwrap_or_default().is_empty()) {
        return Err(Fault::invalid(format!("{:?} has no url: a batch knows its memories by it", item.title)));
    }
    match batch.project.as_ref().filter(|project| !caller.projects.see(project)) {
        None => Ok(()),
        Some(project) => {
            Err(Fault::new(Code::Denied, format!("project {project} is not open to this caller")))
        }
    }
}

fn key(item: &NewMemory) -> (Project, String) {
    (item.project.clone().unwrap_or_default(), item.url.clone().unwrap_or_default())
}

async fn known(hub: &Arc<Hub>, items: &[NewMemory]) -> Result<Known, Fault> {
    let keys: Vec<_> = items.iter().map(key).collect();
    hub.read(move |store| {
        let mut known = Known::new();
        for key in keys {
            if let Some(stored) = store.by_url(&key.0, &key.1)? {
                known.insert(key, stored);
            }
        }
        Ok(known)
    })
    .await
}

struct Plan {
    commit: Commit,
    items: Vec<Upserted>,
}

fn plan(hub: &Hub, caller: &Caller, batch: &Upsert, known: &Known) -> Result<Plan, Fault> {
    let mut commit = Commit { lane: Lane::Bulk, ..Commit::default() };
    // One url twice in a batch is one memory: what the last one says.
    let last: HashMap<_, _> = batch.items.iter().enumerate().map(|(i, item)| (key(item), i)).collect();
    let mut done = HashMap::with_capacity(last.len());
    for (i, item) in batch.items.iter().enumerate().filter(|(i, item)| last[&key(item)] == *i) {
        let (memory, outcome) = match known.get(&key(item)) {
            None => (change::memory(hub, caller, item.clone()), UpsertedAs::Taken),
            // What someone removed stays removed until they restore it, whatever the file says now.
            Some(stored) if stored.hidden => (stored.memory.clone(), UpsertedAs::Unchanged),
            Some(stored) => {
                let after = change::reimported(hub, caller, &stored.memory, item);
                let same = change::same_but_revision(&stored.memory, &after);
                (after, if same { UpsertedAs::Unchanged } else { UpsertedAs::Changed })
            }
        };
        done.insert(i, Upserted { id: memory.id, outcome });
        if outcome != UpsertedAs::Unchanged {
            check(caller, &memory)?;
            let kind = if outcome == UpsertedAs::Taken { "memory.saved" } else { "memory.updated" };
            commit.events.push(memory_event(hub, caller, &memory, kind));
            commit.preconditions.push(precondition(&memory));
            commit.changes.push(Change::Put { memory });
        }
    }
    commit.events.extend(finished(hub, caller, batch));
    let items = batch.items.iter().enumerate().map(|(i, item)| {
        let at = last[&key(item)];
        let outcome = if at == i { done[&at].outcome } else { UpsertedAs::Unchanged };
        Upserted { id: done[&at].id, outcome }
    });
    Ok(Plan { items: items.collect(), commit })
}

fn precondition(memory: &Memory) -> Precondition {
    match memory.revision {
        1 => Precondition::Absent { id: memory.id },
        revision => Precondition::Revision { id: memory.id, revision: revision - 1 },
    }
}

/// The event that ends an import.
fn finished(hub: &Hub, caller: &Caller, batch: &Upsert) -> Option<EventDraft> {
    let mut data = batch.finished.clone()?;
    data.insert("source".to_owned(), batch.source.clone().into());
    let project = batch.project.clone().unwrap_or_default();
    Some(event(hub, caller, project.as_str(), "source.synced", data))
}
