//! One revision of a memory made from another, or from nothing: pure but for fresh ids and the hub's clock.

use super::super::Hub;
use crate::{
    door::{Caller, MemoryPatch, NewMemory},
    model::{Id, Memory, Origin, Status, clean_tags, content_hash, title_of},
};

fn title(given: &str, content: &str) -> String {
    let given = given.split_whitespace().collect::<Vec<_>>().join(" ");
    if given.is_empty() { title_of(content) } else { given }
}

fn origin(caller: &Caller, url: Option<String>, commit: Option<String>, session: Option<String>) -> Origin {
    Origin {
        actor: caller.actor.clone(),
        session: session.or_else(|| caller.session.clone()),
        tool: caller.tool.clone(),
        url,
        commit,
    }
}

/// A first revision.
pub fn memory(hub: &Hub, caller: &Caller, new: NewMemory) -> Memory {
    let now = hub.clock.now();
    let created_at = new.created_at.unwrap_or(now);
    Memory {
        id: hub.clock.id(),
        project: new.project.unwrap_or_default(),
        created_at,
        updated_at: new.updated_at.or(new.created_at).unwrap_or(now),
        revision: 1,
        origin: origin(caller, new.url, new.commit, new.session),
        correlation_id: caller.correlation,
        title: title(&new.title, &new.content),
        content_hash: content_hash(&new.content),
        content: new.content,
        kind: new.kind.filter(|kind| !kind.trim().is_empty()).unwrap_or_else(|| "note".to_owned()),
        tags: clean_tags(new.tags),
        importance: new.importance.unwrap_or(0.5),
        status: new.status.unwrap_or_default(),
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        expires_at: new.expires_at,
        supersedes: vec![],
        superseded_by: None,
        access_count: 0,
        last_accessed: None,
        metadata: new.metadata,
    }
}

/// The next revision, with what the patch sets.
pub fn patched(hub: &Hub, caller: &Caller, before: &Memory, patch: &MemoryPatch) -> Memory {
    let mut after = before.clone();
    let made = before.title == title_of(&before.content);
    if let Some(content) = &patch.content {
        after.content_hash = content_hash(content);
        after.content = content.clone();
        // A title that was made from the content follows it.
        if made {
            after.title = title_of(content);
        }
    }
    if let Some(given) = &patch.title {
        after.title = title(given, &after.content);
    }
    if let Some(given) = &patch.tags {
        after.tags = clean_tags(given.clone());
    }
    macro_rules! set {
        ($($field:ident),*) => { $(if let Some(value) = &patch.$field { after.$field = value.clone(); })* };
    }
    set!(kind, project, importance, status, metadata);
    after.valid_from = patch.valid_from.or(after.valid_from);
    after.valid_to = patch.valid_to.or(after.valid_to);
    after.expires_at = patch.expires_at.or(after.expires_at);
    next_revision(hub, caller, after)
}

/// The revision of an imported file whose text, title or marks are other ones now.
pub fn reimported(hub: &Hub, caller: &Caller, before: &Memory, new: &NewMemory) -> Memory {
    let mut after = before.clone();
    after.content_hash = content_hash(&new.content);
    after.content = new.content.clone();
    after.title = title(&new.title, &new.content);
    after.tags = clean_tags(new.tags.clone());
    after.metadata = new.metadata.clone();
    if let Some(kind) = &new.kind {
        after.kind = kind.clone();
    }
    after.importance = new.importance.unwrap_or(after.importance);
    after.status = new.status.unwrap_or(after.status);
    let updated_at = new.updated_at;
    let mut after = next_revision(hub, caller, after);
    // A file's own time, unless it would put the change before what it changes.
    if let Some(time) = updated_at.filter(|time| *time > before.updated_at) {
        after.updated_at = time;
    }
    after
}

/// What takes another memory's place: its marks, where the new one sets none.
pub fn heir(hub: &Hub, caller: &Caller, before: &Memory, mut new: NewMemory) -> Memory {
    new.project.get_or_insert_with(|| before.project.clone());
    new.kind.get_or_insert_with(|| before.kind.clone());
    new.importance.get_or_insert(before.importance);
    if new.tags.is_empty() {
        new.tags = before.tags.clone();
    }
    let mut heir = memory(hub, caller, new);
    heir.supersedes = vec![before.id];
    heir
}

pub fn superseded(hub: &Hub, caller: &Caller, before: &Memory, by: Id) -> Memory {
    let mut old = before.clone();
    old.status = Status::Superseded;
    old.superseded_by = Some(by);
    next_revision(hub, caller, old)
}

/// As it was, and in the place of another from now on.
pub fn taking_over(hub: &Hub, caller: &Caller, before: &Memory, other: Id) -> Memory {
    let mut after = before.clone();
    after.supersedes.push(other);
    next_revision(hub, caller, after)
}

fn next_revision(hub: &Hub, caller: &Caller, mut memory: Memory) -> Memory {
    memory.revision += 1;
    memory.updated_at = hub.clock.now();
    memory.correlation_id = caller.correlation;
    memory
}

/// Whether nothing but the numbers of the revision differs.
pub fn same_but_revision(before: &Memory, after: &Memory) -> bool {
    let mut same = after.clone();
    same.revision = before.revision;
    same.updated_at = before.updated_at;
    same.correlation_id = before.correlation_id;
    same == *before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(title("  two\nlines ", "body"), "two lines");
        assert_eq!(title(" ", "# Made\nof content"), "Made");
    }
}
