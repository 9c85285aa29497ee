//! `add` and `supersede`: new memories.

use super::{
    Stop,
    args::Fields,
    id, text,
    verb::{Ask, text_or_stdin},
};
use crate::{
    door::{MemoryPatch, NewMemory, Saved},
    model::{Fault, Project, Status},
    report,
};

pub async fn add(ask: &mut Ask, typed: &str, fields: Fields) -> Result<(), Stop> {
    let new = new_memory(text_or_stdin(typed)?, fields, Some(ask.setup.project.clone()))?;
    let saved = ask.door().await?.add(&ask.caller, new).await?;
    told(ask, &saved, "saved")
}

pub async fn supersede(ask: &mut Ask, id: &str, typed: &str, fields: Fields) -> Result<(), Stop> {
    let door = ask.door().await?;
    let old = id::resolve(&door, &ask.caller, &[id.to_owned()], false).await?[0];
    // What is not said stays as the old one has it, its project too.
    let project = ask.setup.project_flag.then(|| ask.setup.project.clone());
    let new = new_memory(text_or_stdin(typed)?, fields, project)?;
    let saved = door.supersede(&ask.caller, old, new).await?;
    told(ask, &saved, &format!("saved, in the place of {},", id::short(old)))
}

/// Says what became of a write; with `--quiet` only which memory it is.
pub fn told(ask: &mut Ask, saved: &Saved, did: &str) -> Result<(), Stop> {
    if ask.out.manner.json {
        ask.out.document(saved)?;
    } else if ask.out.manner.quiet {
        ask.out.line(&saved.memory.id.to_string())?;
    } else {
        let line =
            format!("{did} {}  {}", ask.short(saved.memory.id), report::escape_line(&saved.memory.title));
        ask.out.line(&line)?;
    }
    ask.out.flush()?;
    if !saved.duplicates.is_empty() && !ask.out.manner.json {
        let others: Vec<String> = saved.duplicates.iter().map(|id| id::short(*id)).collect();
        let said = text::counted(others.len() as u64, "other memory says", "other memories say");
        ask.out.remark(&format!("note: {said} the same: {}", others.join(", ")));
    }
    ask.warn_unless_applied(saved.applied);
    Ok(())
}

fn new_memory(content: String, fields: Fields, project: Option<Project>) -> Result<NewMemory, Fault> {
    let patch = patch(None, fields)?;
    Ok(NewMemory {
        content,
        title: patch.title.unwrap_or_default(),
        kind: patch.kind,
        tags: patch.tags.unwrap_or_default(),
        project,
        importance: patch.importance,
        status: patch.status,
        ..NewMemory::default()
    })
}

/// What the flags say of a memory.
pub fn patch(content: Option<String>, fields: Fields) -> Result<MemoryPatch, Fault> {
    let status = fields.status.map(|word| {
        Status::parse(&word).ok_or_else(|| {
            Fault::invalid(format!("{word:?} is no status"))
                .hint(format!("it is one of {}", Status::ALL.map(Status::word).join(", ")))
        })
    });
    Ok(MemoryPatch {
        content,
        title: fields.title,
        kind: fields.kind,
        tags: fields.tags.map(|tags| {
            tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
        }),
        importance: fields.importance,
        status: status.transpose()?,
        ..MemoryPatch::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_fields() {
        let fields = Fields {
            tags: Some("a, b,,c".into()),
            status: Some("Verified".into()),
            kind: Some("howto".into()),
            ..Fields::default()
        };
        let new = new_memory("text".into(), fields, Some(Project::slug("p"))).unwrap();
        assert_eq!((new.content.as_str(), new.kind.as_deref()), ("text", Some("howto")));
        assert_eq!(
            (new.tags, new.status),
            (vec!["a".into(), "b".into(), "c".into()], Some(Status::Verified))
        );
        let wrong = Fields { status: Some("fine".into()), ..Fields::default() };
        assert_eq!(patch(None, wrong).unwrap_err().message, "\"fine\" is no status");
        assert_eq!(patch(None, Fields::default()).unwrap(), MemoryPatch::default());
    }
}
