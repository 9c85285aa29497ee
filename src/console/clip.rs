//! Copying: to the clipboard of the person's own machine by OSC 52, through SSH and multiplexers; and always into a
//! file of the data directory too, because no terminal says whether it took the text.
//!
//! Inside tmux the text goes twice: to tmux itself (`set-clipboard on`), and through it to the terminal outside
//! (`allow-passthrough on`). Either is off in many a tmux, and a text that comes twice is the same text. GNU screen knows
//! no OSC 52 and passes it on in short pieces. What is known to take no copies is not sent any, and the toast says where
//! the text is.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use crossterm::{Command, clipboard::CopyToClipboard};

use super::{text, widgets::toast::Toast};
use crate::hub::COPIED;

/// Terminals take no more than about 100 kB; encoded, this is that.
pub const CLIPBOARD_BYTES_MAX: usize = 74_000;
/// GNU screen drops a longer string that it is to pass on (768 in its sources, with its frame).
const SCREEN_PIECE: usize = 700;
/// Columns of a copied text that the toast shows.
const SHOWN: usize = 40;

/// What stands between this program and the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A terminal, as far as anyone knows one that takes copies.
    Terminal,
    Tmux,
    Screen,
    /// A terminal known to take none.
    Deaf(&'static str),
}

impl Way {
    /// Reads what `var` answers for the variables by which terminals and multiplexers are known.
    pub fn of(var: impl Fn(&str) -> Option<String>) -> Way {
        let set = |name: &str| var(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        if set("TMUX").is_some() {
            Way::Tmux
        } else if set("STY").is_some() {
            Way::Screen
        } else if term == "linux" {
            Way::Deaf("the Linux console has no clipboard")
        } else if set("TERM_PROGRAM").is_some_and(|program| program == "Apple_Terminal") {
            Way::Deaf("Terminal.app takes no copies from programs")
        } else {
            Way::Terminal
        }
    }

    fn word(self, text: &str) -> Option<String> {
        let plain = || {
            let mut sequence = String::new();
            CopyToClipboard::to_clipboard_from(text)
                .write_ansi(&mut sequence)
                .expect("a String takes everything");
            sequence
        };
        match self {
            Way::Terminal => Some(plain()),
            Way::Tmux => {
                let plain = plain();
                let through = format!("\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b"));
                Some(plain + &through)
            }
            Way::Screen => Some(through_screen(&plain())),
            Way::Deaf(_) => None,
        }
    }
}

/// In pieces that screen passes on whole. The end of the string inside is a bell: its own end would be screen's.
fn through_screen(sequence: &str) -> String {
    let inner = sequence.replace("\x1b\\", "\x07");
    let mut words = String::with_capacity(inner.len() + inner.len() / 100);
    let mut rest = inner.as_str();
    while !rest.is_empty() {
        // All of it is ASCII.
        let (piece, after) = rest.split_at(rest.len().min(SCREEN_PIECE));
        words.push_str("\x1bP");
        words.push_str(piece);
        words.push_str("\x1b\\");
        rest = after;
    }
    words
}

/// What became of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// To be written to the terminal; `None`: it is in the file alone.
    pub sequence: Option<String>,
    /// Where the whole text stands.
    pub file: PathBuf,
    /// Its beginning.
    pub shown: String,
    /// Why it is in the file alone.
    pub why: Option<String>,
}

impl Copied {
    /// What the person is told, with where the text is when it is not where it was wanted.
    pub fn toast(&self) -> Toast {
        match &self.why {
            None => Toast::done(format!("copied: {}", self.shown)),
            Some(why) => Toast::warn(format!("{why}; the text is in {}", self.file.display())),
        }
    }
}

/// Keeps `text` in the data directory and words it for the terminal.
pub fn copy(data_dir: &Path, text: &str, way: Way) -> io::Result<Copied> {
    let file = data_dir.join(COPIED);
    let mut to = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file)?;
    io::Write::write_all(&mut to, text.as_bytes())?;
    let why = match way {
        Way::Deaf(why) => Some(why.to_owned()),
        _ if text.len() > CLIPBOARD_BYTES_MAX => Some(format!(
            "{} is more than terminals take ({})",
            text::bytes(text.len() as u64),
            text::bytes(CLIPBOARD_BYTES_MAX as u64)
        )),
        _ => None,
    };
    let sequence = if why.is_some() { None } else { way.word(text) };
    let first: String =
        text.trim_start().lines().next().unwrap_or_default().chars().take(4 * SHOWN).collect();
    let shown = text::cut(&text::escape_line(&first), SHOWN).into_owned();
    Ok(Copied { sequence, file, shown, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_goes_to_the_terminal_and_to_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let copied = copy(dir.path(), "fest", Way::Terminal).unwrap();
        assert_eq!(copied.sequence.as_deref(), Some("\x1b]52;c;ZmVzdA==\x1b\\"));
        assert_eq!(fs::read_to_string(&copied.file).unwrap(), "fest");
        assert_eq!(copied.toast().text, "copied: fest");
    }

    #[test]
    fn what_no_terminal_takes_is_in_the_file_alone_and_the_toast_says_where() {
        let dir = tempfile::tempdir().unwrap();
        let most = "x".repeat(CLIPBOARD_BYTES_MAX);
        assert!(copy(dir.path(), &most, Way::Terminal).unwrap().sequence.is_some());
        let long = "x".repeat(CLIPBOARD_BYTES_MAX + 1);
        let copied = copy(dir.path(), &long, Way::Tmux).unwrap();
        assert_eq!((&copied.sequence, fs::read_to_string(&copied.file).unwrap()), (&None, long));
        let said = copied.toast().text;
        assert!(said.contains("more than terminals take") && said.ends_with("/clipboard"), "{said}");

        let deaf = copy(dir.path(), "fest", Way::Deaf("the Linux console has no clipboard")).unwrap();
        assert_eq!(deaf.sequence, None);
        let said = deaf.toast().text;
        assert!(said.starts_with("the Linux console has no clipboard; the text is in /"), "{said}");
    }

    #[test]
    fn through_tmux_it_goes_to_it_and_past_it() {
        let sequence = Way::Tmux.word("fest").unwrap();
        assert_eq!(sequence, "\x1b]52;c;ZmVzdA==\x1b\\\x1bPtmux;\x1b\x1b]52;c;ZmVzdA==\x1b\x1b\\\x1b\\");
    }

    #[test]
    fn through_screen_it_goes_in_pieces_that_are_one_text_again() {
        assert_eq!(Way::Screen.word("fest").unwrap(), "\x1bP\x1b]52;c;ZmVzdA==\x07\x1b\\");
        let long = Way::Screen.word(&"x".repeat(3_000)).unwrap();
        let pieces: Vec<_> =
            long.split_terminator("\x1b\\").map(|piece| piece.strip_prefix("\x1bP").unwrap()).collect();
        assert!(pieces.len() > 5 && pieces.iter().all(|piece| piece.len() <= SCREEN_PIECE));
        let whole = Way::Terminal.word(&"x".repeat(3_000)).unwrap();
        assert_eq!(pieces.concat(), whole.replace("\x1b\\", "\x07"));
    }

    #[test]
    fn a_terminal_is_known_by_its_variables() {
        let way = |vars: &[(&str, &str)]| {
            let vars: Vec<(String, String)> =
                vars.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            Way::of(|name| vars.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
        };
        assert_eq!(way(&[("TERM", "xterm-256color")]), Way::Terminal);
        assert_eq!(way(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/tmux,1,0")]), Way::Tmux);
        assert_eq!(way(&[("TERM", "screen"), ("STY", "1.pts")]), Way::Screen);
        assert!(matches!(way(&[("TERM", "linux")]), Way::Deaf(_)));
        assert!(matches!(way(&[("TERM", "xterm"), ("TERM_PROGRAM", "Apple_Terminal")]), Way::Deaf(_)));
    }
}
