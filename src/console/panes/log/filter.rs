//! The Log's filter: `level:warn lock disk` is what is at least a warning and says both words, wherever it says them.

use crate::telemetry::{Entry, Level};

/// What is wrong with a filter, and the byte where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFault {
    pub at: usize,
    pub why: &'static str,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// This, and what is worse.
    level: Option<Level>,
    /// In lower case; each must stand somewhere in the entry.
    words: Vec<String>,
}

const FIELD: &str = "level:";

impl LogFilter {
    pub fn passes(&self, entry: &Entry) -> bool {
        if self.level.is_some_and(|level| entry.level > level) {
            return false;
        }
        self.words.is_empty() || {
            let said = entry.to_string().to_lowercase();
            self.words.iter().all(|word| said.contains(word.as_str()))
        }
    }
}

/// What `text` means. While it is typed, a last word that could become a field is not yet one to look for.
pub fn parse(text: &str, typing: bool) -> Result<LogFilter, LogFault> {
    let mut filter = LogFilter::default();
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let (from, word) = (at, piece.trim_end());
        at += piece.len();
        let is_last = from + word.len() == text.len();
        match word.strip_prefix(FIELD) {
            Some(level) => match Level::ALL.into_iter().find(|known| known.word() == level) {
                Some(level) => filter.level = Some(level),
                None if typing
                    && is_last
                    && Level::ALL.iter().any(|known| known.word().starts_with(level)) => {}
                None => {
                    let why = "level is error, warn, info, debug or trace";
                    return Err(LogFault { at: from + FIELD.len(), why });
                }
            },
            None if word.is_empty() || typing && is_last && FIELD.starts_with(word) => {}
            None => filter.words.push(word.to_lowercase()),
        }
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    fn entry(level: Level, message: &str) -> Entry {
        Entry {
            time: Time::from_unix_ms(0),
            level,
            target: "wheelhouse::store",
            message: message.into(),
            fields: vec![("path", "/data/Log".into())],
        }
    }

    #[track_caller]
    fn check(text: &str, passes: [bool; 3]) {
        let filter = parse(text, false).unwrap();
        let entries =
            [entry(Level::Error, "torn"), entry(Level::Warn, "Slow disk"), entry(Level::Info, "opened")];
        assert_eq!(entries.map(|entry| filter.passes(&entry)), passes, "{text}");
    }

    #[test]
    fn levels_and_words_let_through_what_has_them_all() {
        check("", [true, true, true]);
        check("level:warn", [true, true, false]);
        check("level:warn  disk", [false, true, false]);
        check("DISK slow", [false, true, false]);
        check("store /data/log", [true, true, true]);
        check("disk level:error", [false, false, false]);
    }

    #[test]
    fn what_is_wrong_is_pointed_at_once_it_cannot_be_meant() {
        assert_eq!(parse("a level:bad", false).unwrap_err().at, 8);
        assert_eq!(parse("a level:wa", true), parse("a", false));
        assert_eq!(parse("lev", true), Ok(LogFilter::default()));
        assert!(parse("level:wa", false).is_err() && parse("level:wx", true).is_err());
        assert_eq!(parse("é level:x", false).unwrap_err().at, "é level:".len());
    }
}
