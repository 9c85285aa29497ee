//! A text in the person's own editor and back. The caller has given the terminal back before ([`super::Term::leave`])
//! and takes it again after.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// What is tried when neither `VISUAL` nor `EDITOR` is set, in this order.
const USUAL: [&str; 3] = ["editor", "vi", "nano"];

#[derive(Debug, thiserror::Error)]
pub enum EditorError {
    #[error("no editor was found")]
    None,
    #[error("the editor {editor:?} ended with {status}")]
    Failed { editor: String, status: String },
    #[error("the text came back larger than {bytes_max} bytes")]
    TooLong { bytes_max: usize },
    #[error("the text came back as something that is no UTF-8")]
    NoText,
    #[error("the file for the editor")]
    File(#[from] io::Error),
}

/// Opens `text` in `$VISUAL`, `$EDITOR` or what there is, and waits. The file stands in `dir`, is readable to its owner
/// only, and is removed. Blocks as long as the editor is open.
pub fn edit(dir: &Path, name: &str, text: &str, bytes_max: usize) -> Result<String, EditorError> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let own = set("VISUAL").or_else(|| set("EDITOR"));
    let editors = own.map_or_else(|| USUAL.map(str::to_owned).to_vec(), |editor| vec![editor]);
    edit_with(&editors, dir, name, text, bytes_max)
}

fn edit_with(
    editors: &[String],
    dir: &Path,
    name: &str,
    text: &str,
    bytes_max: usize,
) -> Result<String, EditorError> {
    let file = Scratch::new(dir, name, text)?;
    for editor in editors {
        // Through the shell, as the variable may hold arguments.
        let ran =
            Command::new("sh").args(["-c", &format!("{editor} \"$1\""), "sh"]).arg(&file.path).status()?;
        match ran.code() {
            Some(0) => return file.read(bytes_max),
            // The shell's word for a program that is not there.
            Some(127) => {}
            _ => return Err(EditorError::Failed { editor: editor.clone(), status: ran.to_string() }),
        }
    }
    Err(EditorError::None)
}

/// A file that goes when it is done with.
struct Scratch {
    path: PathBuf,
}

impl Scratch {
    fn new(dir: &Path, name: &str, text: &str) -> io::Result<Scratch> {
        fs::create_dir_all(dir)?;
        let path = dir.join(format!("{}-{name}.md", std::process::id()));
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        let scratch = Scratch { path };
        file.write_all(text.as_bytes())?;
        Ok(scratch)
    }

    fn read(&self, bytes_max: usize) -> Result<String, EditorError> {
        let mut bytes = Vec::new();
        fs::File::open(&self.path)?.take(bytes_max as u64 + 2).read_to_end(&mut bytes)?;
        let mut text = String::from_utf8(bytes).map_err(|_| EditorError::NoText)?;
        // Editors end the last line; the field did not.
        if text.ends_with('\n') {
            text.pop();
        }
        if text.len() > bytes_max { Err(EditorError::TooLong { bytes_max }) } else { Ok(text) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "an editor's file stays behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(editor: &str, text: &str, bytes_max: usize) -> (Result<String, String>, usize) {
        let dir = tempfile::tempdir().unwrap();
        let result = edit_with(&[editor.to_owned()], dir.path(), "content", text, bytes_max);
        (result.map_err(|error| error.to_string()), fs::read_dir(dir.path()).unwrap().count())
    }

    #[test]
    fn a_text_goes_to_the_editor_and_back() {
        assert_eq!(edited("sh -c 'echo two >> $0'", "one\n", 100), (Ok("one\ntwo".into()), 0));
        assert_eq!(edited("true", "as it was", 100), (Ok("as it was".into()), 0));
    }

    #[test]
    fn what_went_wrong_is_told_and_nothing_stays() {
        assert_eq!(edited("no-such-editor-here", "x", 100), (Err("no editor was found".into()), 0));
        let (failed, left) = edited("false", "x", 100);
        assert!(failed.unwrap_err().starts_with("the editor \"false\" ended with") && left == 0);
        let long = "the text came back larger than 3 bytes";
        assert_eq!(edited("sh -c 'printf abcde > $0'", "x", 3), (Err(long.into()), 0));
    }
}
