//! A text in the user's editor, kept in a file of the data directory until it has been saved.

use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    model::{CONTENT_BYTES_MAX, Fault, Id},
    tasks::blocking,
};

/// A text being edited.
pub struct Draft {
    path: PathBuf,
    command: String,
    /// What the editor was given.
    given: String,
}

impl Draft {
    /// Writes the text where the editor finds it. A draft that an earlier edit left is not written over.
    pub fn begin(data_dir: &Path, id: Id, content: &str) -> Result<Draft, Fault> {
        let command = ["VISUAL", "EDITOR"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|command| !command.trim().is_empty()))
            .ok_or_else(|| {
                Fault::invalid("there is no editor to open")
                    .hint("set VISUAL or EDITOR, or give the new content: `wheelhouse edit ID TEXT`")
            })?;
        let dir = data_dir.join("drafts");
        let path = dir.join(format!("{id}.md"));
        if path.exists() {
            return Err(Fault::conflict(format!("an earlier edit left its text in {}", path.display()))
                .hint(format!(
                    "save it with `wheelhouse edit {id} - < FILE`, or remove it; then edit again"
                )));
        }
        let written = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .and_then(|()| fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path))
            .and_then(|mut file| file.write_all(content.as_bytes()));
        written
            .map_err(|error| Fault::unavailable(format!("cannot write {}", path.display())).cause(error))?;
        Ok(Draft { path, command, given: content.to_owned() })
    }

    /// Waits for the editor, and reads what it wrote.
    pub async fn edited(&self) -> Result<String, Fault> {
        let (command, path) = (self.command.clone(), self.path.clone());
        let status = blocking(move || {
            // By the shell, because VISUAL may carry arguments.
            Command::new("sh")
                .arg("-c")
                .arg(format!("{command} \"$1\""))
                .arg(&command)
                .arg(&path)
                .status()
                .map_err(|error| Fault::unavailable("cannot start a shell for the editor").cause(error))
        })
        .await?;
        if !status.success() {
            if fs::read_to_string(&self.path).is_ok_and(|text| text == self.given) {
                self.done();
                return Err(Fault::invalid(format!("the editor ended with {status}; nothing is changed")));
            }
            return Err(
                self.kept(Fault::invalid(format!("the editor ended with {status}; nothing is changed")))
            );
        }
        let text = fs::read_to_string(&self.path)
            .map_err(|error| self.kept(Fault::invalid("cannot read what the editor wrote").cause(error)))?;
        if text.len() > CONTENT_BYTES_MAX {
            return Err(self.kept(Fault::invalid(format!(
                "the text has {} bytes, at most {CONTENT_BYTES_MAX} fit",
                text.len()
            ))));
        }
        // Editors end a file with a line end; a content does not need one.
        Ok(text.trim_end_matches('\n').to_owned())
    }

    /// A fault that also says where the text is.
    pub fn kept(&self, fault: Fault) -> Fault {
        let where_it_is = format!("what you wrote is kept in {}", self.path.display());
        match fault.hint.clone() {
            Some(hint) => fault.hint(format!("{hint}; {where_it_is}")),
            None => fault.hint(where_it_is),
        }
    }

    /// The text is saved, or was not changed.
    pub fn done(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "removing a draft");
        }
    }
}
