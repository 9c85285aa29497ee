//! `get` and `history`: one memory in full, and how it came to be so; `get` also shows a decision that a search found.

use serde_json::json;

use super::{
    Stop,
    decisions::{self, named},
    id, text,
    verb::Ask,
};
use crate::{
    door::Revision,
    model::{Id, Memory},
    report,
};

pub async fn get(ask: &mut Ask, typed: &[String]) -> Result<(), Stop> {
    let door = ask.door().await?;
    if let Some(named) = named(typed)
        && let Some(decision) = decisions::there(ask, &door, named).await?
    {
        return decisions::print(ask, &door, &decision).await;
    }
    let ids = id::resolve(&door, &ask.caller, typed, false).await?;
    let memories = door.get(&ask.caller, &ids).await?;
    if ask.out.manner.json {
        return match memories.as_slice() {
            [one] => ask.out.document(one),
            many => ask.out.document(&json!({ "memories": many })),
        };
    }
    for (i, memory) in memories.iter().enumerate() {
        if i > 0 {
            ask.out.line("")?;
        }
        if !ask.out.manner.quiet {
            head(ask, memory)?;
        }
        ask.out.body(&memory.content)?;
    }
    ask.out.flush()
}

fn head(ask: &mut Ask, memory: &Memory) -> Result<(), Stop> {
    let (paint, form) = (ask.out.paint(), ask.setup.config.time);
    let (now, zones) = (ask.clock.now(), ask.clock.zones());
    let when = |time| text::moment(time, form, now, zones);
    let mut rows = vec![
        ("id", memory.id.to_string()),
        ("project", memory.project.to_string()),
        ("type", report::escape_line(&memory.kind)),
        ("status", memory.status.word().to_owned()),
    ];
    if !memory.tags.is_empty() {
        rows.push(("tags", report::escape_line(&memory.tags.join(", "))));
    }
    rows.push(("importance", memory.importance.to_string()));
    rows.push(("created", when(memory.created_at)));
    rows.push(("updated", format!("{}, revision {}", when(memory.updated_at), memory.revision)));
    if let Some(expires) = memory.expires_at {
        rows.push(("expires", when(expires)));
    }
    rows.push(("by", report::escape_line(&memory.origin.actor.0)));
    if let Some(url) = &memory.origin.url {
        rows.push(("from", report::escape_line(url)));
    }
    if !memory.supersedes.is_empty() {
        rows.push(("supersedes", list(&memory.supersedes)));
    }
    if let Some(by) = memory.superseded_by {
        rows.push(("superseded by", by.to_string()));
    }
    if memory.access_count > 0 {
        let last = memory.last_accessed.map(|time| format!(", last {}", when(time))).unwrap_or_default();
        rows.push(("opened", format!("{}{last}", text::counted(memory.access_count, "time", "times"))));
    }
    ask.out.line(&paint.bold(&report::escape_line(&memory.title)))?;
    for line in text::fields(&rows, paint) {
        ask.out.line(&line)?;
    }
    ask.out.line("")
}

fn list(ids: &[Id]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub async fn history(ask: &mut Ask, typed: &str) -> Result<(), Stop> {
    let door = ask.door().await?;
    let id = match id::resolve(&door, &ask.caller, &[typed.to_owned()], false).await {
        // What was hidden has a history too.
        Err(fault) if fault.code == crate::model::Code::NotFound => {
            id::resolve(&door, &ask.caller, &[typed.to_owned()], true).await.map_err(|_| fault)?
        }
        found => found?,
    }[0];
    let revisions = door.history(&ask.caller, id).await?;
    if ask.out.manner.json {
        return ask.out.document(&json!({ "revisions": revisions }));
    }
    let rows: Vec<Vec<String>> = revisions
        .iter()
        .enumerate()
        .map(|(i, revision)| {
            let before = revisions[i + 1..].iter().find_map(|earlier| earlier.memory.as_ref());
            vec![
                revision.memory.as_ref().map_or("-".to_owned(), |memory| memory.revision.to_string()),
                ask.moment(revision.recorded_at),
                revision.event.trim_start_matches("memory.").to_owned(),
                report::escape_line(&revision.actor.0),
                what(revision, before),
            ]
        })
        .collect();
    ask.revisions(&rows)
}

/// The title of a first revision, the names of the fields that a later one changed.
fn what(revision: &Revision, before: Option<&Memory>) -> String {
    let Some(now) = &revision.memory else { return String::new() };
    let Some(before) = before else { return report::escape_line(&now.title) };
    let changed: Vec<&str> = [
        ("content", now.content != before.content),
        ("title", now.title != before.title),
        ("type", now.kind != before.kind),
        ("tags", now.tags != before.tags),
        ("project", now.project != before.project),
        ("importance", now.importance != before.importance),
        ("status", now.status != before.status),
        ("valid", (now.valid_from, now.valid_to) != (before.valid_from, before.valid_to)),
        ("expiry", now.expires_at != before.expires_at),
        ("metadata", now.metadata != before.metadata),
    ]
    .into_iter()
    .filter_map(|(name, changed)| changed.then_some(name))
    .collect();
    changed.join(", ")
}
