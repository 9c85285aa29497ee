//! Files and folders of records, read from disk.

use std::{fs, path::PathBuf};

use super::{
    links,
    read::{Draft, read},
};
use crate::{
    door::ImportedDecision,
    ingest::{
        Skipped, skipped, url,
        walk::{self, Form, Found},
    },
    model::{Fault, Project, SOURCE_BYTES_MAX, Time},
};

/// What was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loaded {
    /// In the order of their paths.
    pub items: Vec<ImportedDecision>,
    /// Files that are no record, and why.
    pub skipped: Vec<Skipped>,
    /// Records of which something was understood otherwise than it is written.
    pub notes: Vec<Skipped>,
    /// Files of other kinds that a folder also held.
    pub others: u64,
}

/// The records in files and folders, with their links to each other. A bad file never stops the rest.
pub fn load(paths: &[PathBuf], project: Option<&Project>) -> Result<Loaded, Fault> {
    let walk = walk::walk(paths, &mut |_| true)?;
    let mut loaded = Loaded { skipped: walk.skipped, others: walk.others, ..Loaded::default() };
    let mut drafts = Vec::new();
    for file in &walk.files {
        if file.form != Form::Markdown {
            loaded.others += 1;
            continue;
        }
        match one(file) {
            Ok(mut draft) => {
                let notes = draft.notes.drain(..).map(|note| skipped(&file.path, note));
                loaded.notes.extend(notes);
                draft.new.project = project.cloned();
                drafts.push(draft);
            }
            Err(why) => loaded.skipped.push(skipped(&file.path, why)),
        }
    }
    loaded.items = links::resolve(drafts);
    Ok(loaded)
}

fn one(file: &Found) -> Result<Draft, String> {
    if file.bytes > SOURCE_BYTES_MAX as u64 {
        return Err(format!("{} bytes, a record has at most {SOURCE_BYTES_MAX}", file.bytes));
    }
    let bytes = fs::read(&file.path).map_err(|error| walk::said(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())?;
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    let mut draft = read(&text, &name)?;
    let modified = fs::metadata(&file.path).and_then(|meta| meta.modified()).ok();
    let modified = modified.map(|time| Time::from(chrono::DateTime::<chrono::Utc>::from(time)));
    draft.new.created_at = draft.new.created_at.or(modified);
    draft.new.url = Some(url::of(&file.path));
    draft.new.check().map_err(|fault| fault.message)?;
    Ok(draft)
}
