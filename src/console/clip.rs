//! Copying: to the clipboard of the person's own machine by OSC 52, through SSH and multiplexers; and always into a
//! file of the data directory too, because no terminal says whether it took the text.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crossterm::{Command, clipboard::CopyToClipboard};

/// Terminals take no more than about 100 kB; encoded, this is that.
const CLIPBOARD_BYTES_MAX: usize = 74_000;
/// In the data directory.
const FILE: &str = "clipboard";

/// What became of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// To be written to the terminal; `None`: longer than terminals take.
    pub sequence: Option<String>,
    /// Where the whole text stands.
    pub file: PathBuf,
}

/// Keeps `text` in the data directory and words it for the terminal.
pub fn copy(data_dir: &Path, text: &str) -> io::Result<Copied> {
    let file = data_dir.join(FILE);
    let mut to = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file)?;
    io::Write::write_all(&mut to, text.as_bytes())?;
    let sequence = (text.len() <= CLIPBOARD_BYTES_MAX).then(|| {
        let mut sequence = String::new();
        CopyToClipboard::to_clipboard_from(text)
            .write_ansi(&mut sequence)
            .expect("a String takes everything");
        sequence
    });
    Ok(Copied { sequence, file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_goes_to_the_terminal_and_to_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let copied = copy(dir.path(), "fest").unwrap();
        assert_eq!(copied.sequence.as_deref(), Some("\x1b]52;c;ZmVzdA==\x1b\\"));
        assert_eq!(fs::read_to_string(&copied.file).unwrap(), "fest");
    }

    #[test]
    fn what_no_terminal_takes_is_in_the_file_alone() {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(CLIPBOARD_BYTES_MAX + 1);
        let copied = copy(dir.path(), &long).unwrap();
        assert_eq!((copied.sequence, fs::read_to_string(&copied.file).unwrap()), (None, long));
    }
}
