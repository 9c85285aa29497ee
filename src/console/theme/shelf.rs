//! The themes there are: the shipped ones, and a person's own beside the settings, each in a file of its name.
//!
//! A file of one's own with a shipped name stands in its place, and can still extend it. A file that cannot be used
//! says so when it is asked for; all others can be had.

use std::{collections::BTreeMap, fmt, fs, io, path::Path, sync::Arc};

use toml::Spanned;

use super::{Depth, Mode, SHIPPED, Theme, ThemeError, Wrong, file};
use crate::report;

/// Files looked at in the directory; more than anyone can choose from.
const FILES_MAX: usize = 200;
/// Larger files are no themes.
const FILE_BYTES_MAX: u64 = 256 << 10;
/// Themes that may extend one another.
const EXTENDS_MAX: usize = 8;

/// A theme's text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub name: String,
    /// As named in complaints: a path, or a shipped file's name.
    pub file: String,
    pub text: String,
}

impl Source {
    pub fn error(&self, at: usize, wrong: Wrong) -> ThemeError {
        let before = self.text.as_bytes().iter().take(at);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        ThemeError::File { file: self.file.clone(), line, wrong }
    }

    pub fn wrong(&self, word: &Spanned<String>, wrong: impl FnOnce(String) -> Wrong) -> ThemeError {
        self.error(word.span().start, wrong(word.get_ref().clone()))
    }
}

/// Every theme that can be named.
#[derive(Clone, Default)]
pub struct Themes {
    own: Arc<BTreeMap<String, Result<Source, ThemeError>>>,
}

impl fmt::Debug for Themes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Themes {
    /// The shipped themes with those of a directory. No directory is none.
    pub fn read(dir: &Path) -> io::Result<Themes> {
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Themes::default()),
            entries => entries?,
        };
        let mut own = BTreeMap::new();
        for entry in entries.take(FILES_MAX) {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if let Some(name) = stem.filter(|_| path.extension().is_some_and(|ext| ext == "toml")) {
                own.insert(name.to_owned(), source(name, &path));
            }
        }
        Ok(Themes { own: Arc::new(own) })
    }

    /// The shipped ones in their order, then a person's own by name.
    pub fn names(&self) -> Vec<&str> {
        let own = self.own.keys().map(String::as_str).filter(|name| shipped(name).is_none());
        SHIPPED.iter().map(|(name, _)| *name).chain(own).collect()
    }

    /// It stands in a file of one's own.
    pub fn is_own(&self, name: &str) -> bool {
        self.own.contains_key(name)
    }

    pub fn load(&self, name: &str, depth: Depth, ascii: bool) -> Result<Theme, ThemeError> {
        Ok(self.file(name)?.theme(name, depth, ascii))
    }

    /// The theme that stands for this one in a terminal of the other brightness.
    pub fn pair(&self, name: &str, mode: Mode) -> Option<String> {
        let pairs = self.file(name).ok()?.pairs;
        match mode {
            Mode::Dark => pairs.dark,
            Mode::Light => pairs.light,
        }
    }

    /// The file over all it extends.
    fn file(&self, name: &str) -> Result<file::File, ThemeError> {
        let mut above = Vec::new();
        let mut source = self.source(name)?;
        let bottom = loop {
            let parsed = file::parse(&source)?;
            let Some(base) = parsed.extends.clone() else { break parsed.laid_over(None, &source)? };
            let own_shipped = *base.get_ref() == source.name && self.is_own(&source.name);
            let found = if own_shipped { shipped(base.get_ref()) } else { self.source(base.get_ref()).ok() };
            let Some(found) = found else {
                let near = self.near(base.get_ref());
                return Err(source.wrong(&base, |base| Wrong::Base { base, near }));
            };
            if above.len() == EXTENDS_MAX {
                return Err(source.wrong(&base, |base| Wrong::Endless { base }));
            }
            above.push((parsed, std::mem::replace(&mut source, found)));
        };
        above.into_iter().rev().try_fold(bottom, |under, (file, source)| file.laid_over(Some(under), &source))
    }

    fn near(&self, name: &str) -> Option<String> {
        report::nearest(name, self.names()).map(ToOwned::to_owned)
    }

    fn source(&self, name: &str) -> Result<Source, ThemeError> {
        match self.own.get(name) {
            Some(own) => own.clone(),
            None => shipped(name)
                .ok_or_else(|| ThemeError::Unknown { name: name.to_owned(), near: self.near(name) }),
        }
    }
}

fn shipped(name: &str) -> Option<Source> {
    let (name, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
    Some(Source { name: (*name).into(), file: format!("{name}.toml"), text: (*text).into() })
}

fn source(name: &str, path: &Path) -> Result<Source, ThemeError> {
    let unreadable = |why: String| ThemeError::Unreadable { file: path.display().to_string(), why };
    let size = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable(format!("it has {size} bytes, at most {FILE_BYTES_MAX} are read")));
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    Ok(Source { name: name.to_owned(), file: path.display().to_string(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn no_directory_is_no_theme_of_ones_own() {
        let themes = Themes::read(Path::new("/nowhere/themes")).unwrap();
        assert_eq!(themes.names(), Themes::default().names());
    }

    #[test]
    fn ones_own_theme_extends_another_and_stands_beside_the_shipped() {
        let dir = dir(&[
            (
                "reef.toml",
                "version = 1\nextends = \"harbour\"\n[palette]\naccent = { rgb = \"#ffaa00\" }\n\
                 [role]\n\"status.error\" = { glyph = \"!\" }\n",
            ),
            ("atoll.toml", "version = 1\nextends = \"reef\"\npairs = { light = \"harbour-day\" }\n"),
            ("notes.txt", "no theme"),
        ]);
        let themes = Themes::read(dir.path()).unwrap();
        assert_eq!(themes.names()[SHIPPED.len()..], ["atoll", "reef"]);
        let theme = themes.load("atoll", Depth::True, false).unwrap();
        let harbour = themes.load("harbour", Depth::True, false).unwrap();
        assert_eq!(theme.name(), "atoll");
        assert_eq!(theme.style(super::super::Role::Accent).fg, Some(ratatui::style::Color::Rgb(255, 170, 0)));
        let error = super::super::Role::Error;
        assert_eq!((theme.glyph(error), theme.style(error)), ("!", harbour.style(error)));
        assert_eq!(themes.pair("atoll", Mode::Light).as_deref(), Some("harbour-day"));
        assert_eq!(themes.pair("reef", Mode::Light), None);
    }

    #[test]
    fn a_file_with_a_shipped_name_stands_in_its_place_and_extends_it() {
        let dir = dir(&[(
            "harbour.toml",
            "version = 1\nextends = \"harbour\"\n[role]\n\"text\" = { fg = \"red\" }\n",
        )]);
        let themes = Themes::read(dir.path()).unwrap();
        assert_eq!(themes.names(), Themes::default().names());
        let text = |themes: &Themes| {
            themes.load("harbour", Depth::True, false).unwrap().style(super::super::Role::Text)
        };
        assert_ne!(text(&themes), text(&Themes::default()));
    }

    #[test]
    fn what_is_wrong_is_told_of_its_file_and_the_others_can_be_had() {
        let dir = dir(&[
            ("a.toml", "version = 1\nextends = \"b\"\n"),
            ("b.toml", "version = 1\nextends = \"a\"\n"),
            ("c.toml", "version = 1\n\nextends = \"harbor\"\n"),
            ("d.toml", "version = 1\nextends = \"c\"\n"),
        ]);
        let themes = Themes::read(dir.path()).unwrap();
        let says = |name: &str| themes.load(name, Depth::True, false).unwrap_err().to_string();
        let path = |name: &str| dir.path().join(name).display().to_string();
        assert!(says("a").ends_with("extend one another without end"), "{}", says("a"));
        let expected =
            format!("{}:3: no theme is called \"harbor\"; did you mean \"harbour\"?", path("c.toml"));
        assert_eq!(says("c"), expected);
        assert_eq!(says("d"), expected, "the fault is told where it stands");
        assert_eq!(says("zebra"), "no theme is called \"zebra\"");
        assert!(themes.load("harbour", Depth::True, false).is_ok());
    }
}
