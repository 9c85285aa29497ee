//! What the terminal can do: told by the environment at once, and by the terminal itself when it answers.
//!
//! The first frame is painted on what the environment says and on the brightness seen last time; the terminal is asked
//! meanwhile ([`probe`]) and the screen repainted when the answer differs. An answer is fenced by a device report that
//! every terminal gives, so that silence is known to be silence.

pub mod probe;

use std::{fs, io, path::Path};

use super::theme::{Depth, Mode};

/// Holds `dark` or `light`, in the data directory.
const SEEN_FILE: &str = "terminal";

/// Told by the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    pub depth: Depth,
    /// Draw with ASCII alone: the variable of the locale that says that the terminal knows nothing else.
    pub ascii: Option<&'static str>,
    pub over_ssh: bool,
    /// Opens links (OSC 8), as far as it is known by name; others may print what they do not know.
    pub links: bool,
    /// A terminal without a cursor to move: no console can be drawn on it.
    pub dumb: bool,
}

/// A terminal that can show lines and nothing else, or says so.
pub fn is_dumb() -> bool {
    Caps::of_env().dumb
}

impl Caps {
    /// Reads what `var` answers for `TERM`, `COLORTERM`, `NO_COLOR`, the locale and SSH's variables.
    pub fn of(var: impl Fn(&str) -> Option<String>) -> Caps {
        let set = |name: &str| var(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        Caps {
            depth: if set("NO_COLOR").is_some() {
                Depth::None
            } else {
                depth(&term, set("COLORTERM").as_deref())
            },
            ascii: ["LC_ALL", "LC_CTYPE", "LANG"]
                .into_iter()
                .find_map(|name| Some((name, set(name)?)))
                .filter(|(_, locale)| !is_utf8(locale))
                .map(|(name, _)| name),
            over_ssh: ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"].into_iter().any(|name| set(name).is_some()),
            links: opens_links(&term, set),
            dumb: term == "dumb",
        }
    }

    /// Of this process.
    pub fn of_env() -> Caps {
        Caps::of(|name| std::env::var(name).ok())
    }
}

fn depth(term: &str, colorterm: Option<&str>) -> Depth {
    let has = |parts: &[&str]| parts.iter().any(|part| term.contains(part));
    let truecolor = colorterm.is_some_and(|value| matches!(value, "truecolor" | "24bit"));
    if term == "dumb" || has(&["vt100", "vt102", "vt220", "-mono"]) {
        Depth::None
    } else if truecolor || has(&["direct", "kitty", "alacritty", "wezterm", "ghostty", "foot", "contour"]) {
        Depth::True
    } else if has(&["256color"]) {
        Depth::Ansi256
    } else {
        Depth::Ansi16
    }
}

/// Over SSH most of these names are lost, but not `TERM`. GNOME's library has taken links since 0.50; tmux passes them on
/// from 3.4 and swallows them before.
fn opens_links(term: &str, set: impl Fn(&str) -> Option<String>) -> bool {
    const TERMS: [&str; 8] = ["kitty", "alacritty", "wezterm", "ghostty", "foot", "contour", "iterm", "tmux"];
    const PROGRAMS: [&str; 7] = ["iTerm.app", "WezTerm", "ghostty", "vscode", "Hyper", "rio", "tmux"];
    TERMS.iter().any(|known| term.contains(known))
        || set("TERM_PROGRAM").is_some_and(|program| PROGRAMS.contains(&program.as_str()))
        || set("VTE_VERSION")
            .and_then(|version| version.parse().ok())
            .is_some_and(|version: u32| version >= 5_000)
        || ["KONSOLE_VERSION", "WT_SESSION", "DOMTERM"].into_iter().any(|name| set(name).is_some())
}

/// A locale that names no character set of its own (`C`, `POSIX`, `en_US`) means ASCII or Latin-1.
fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// The brightness of the terminal used last on this data directory.
pub fn seen_mode(data_dir: &Path) -> Option<Mode> {
    match fs::read_to_string(data_dir.join(SEEN_FILE)).ok()?.trim() {
        "dark" => Some(Mode::Dark),
        "light" => Some(Mode::Light),
        _ => None,
    }
}

/// Keeps the brightness for the next start.
pub fn see_mode(data_dir: &Path, mode: Mode) -> io::Result<()> {
    let word = match mode {
        Mode::Dark => "dark\n",
        Mode::Light => "light\n",
    };
    fs::write(data_dir.join(SEEN_FILE), word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(vars: &[(&str, &str)]) -> Caps {
        Caps::of(|name| vars.iter().find(|(var, _)| *var == name).map(|(_, value)| (*value).to_owned()))
    }

    #[track_caller]
    fn check(vars: &[(&str, &str)], depth: Depth) {
        assert_eq!(caps(vars).depth, depth);
    }

    #[test]
    fn colours_are_as_many_as_the_environment_says() {
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")], Depth::True);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "")], Depth::Ansi256);
        check(&[("TERM", "xterm-kitty")], Depth::True);
        check(&[("TERM", "screen-256color")], Depth::Ansi256);
        check(&[("TERM", "xterm")], Depth::Ansi16);
        check(&[("TERM", "linux")], Depth::Ansi16);
        check(&[("TERM", "vt100")], Depth::None);
        check(&[("TERM", "dumb"), ("COLORTERM", "truecolor")], Depth::None);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")], Depth::None);
        check(&[("TERM", "xterm-kitty"), ("NO_COLOR", "")], Depth::True);
    }

    #[test]
    fn ascii_only_where_a_locale_says_so() {
        assert_eq!(caps(&[]).ascii, None, "no locale at all is a container, seldom an old terminal");
        assert_eq!(caps(&[("LANG", "en_AU.UTF-8")]).ascii, None);
        assert_eq!(caps(&[("LANG", "C"), ("LC_ALL", "C.utf8")]).ascii, None);
        assert_eq!(caps(&[("LANG", "C")]).ascii, Some("LANG"));
        assert_eq!(caps(&[("LANG", "en_AU.UTF-8"), ("LC_ALL", "POSIX")]).ascii, Some("LC_ALL"));
    }

    #[test]
    fn ssh_and_dumb_terminals_are_known() {
        assert!(caps(&[("SSH_TTY", "/dev/pts/3")]).over_ssh);
        assert!(!caps(&[("SSH_TTY", "")]).over_ssh);
        assert!(caps(&[("TERM", "dumb")]).dumb);
    }

    #[test]
    fn links_go_to_terminals_known_to_open_them() {
        for vars in [
            ("TERM", "xterm-kitty"),
            ("TERM_PROGRAM", "iTerm.app"),
            ("VTE_VERSION", "7600"),
            ("WT_SESSION", "a-b-c"),
        ] {
            assert!(caps(&[vars]).links, "{vars:?}");
        }
        for vars in [
            ("TERM", "xterm-256color"),
            ("TERM", "linux"),
            ("VTE_VERSION", "4602"),
            ("TERM_PROGRAM", "Apple_Terminal"),
        ] {
            assert!(!caps(&[vars]).links, "{vars:?}");
        }
    }

    #[test]
    fn the_brightness_is_kept_for_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(seen_mode(dir.path()), None);
        for mode in [Mode::Light, Mode::Dark] {
            see_mode(dir.path(), mode).unwrap();
            assert_eq!(seen_mode(dir.path()), Some(mode));
        }
    }
}
