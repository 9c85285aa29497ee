//! A theme file: read, laid over the one it extends, and checked; then what its roles come to in one depth of colour.
//!
//! Names are checked while the file is at hand, so that what is wrong is told with its line and, when one is near, with
//! the name that was meant.

use std::{collections::BTreeMap, str::FromStr};

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use toml::Spanned;
use unicode_width::UnicodeWidthStr;

use super::{Depth, Look, Mode, Role, Theme, ThemeError, Wrong, colour::Rgb, shelf::Source};
use crate::report;

/// Links and fallbacks that may follow one another: a cycle is longer than any sensible chain.
const LINKS_MAX: usize = 8;

const MODIFIERS: [(&str, Modifier); 6] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
    ("crossed-out", Modifier::CROSSED_OUT),
];

type Word = Spanned<String>;

/// A file as written, or several laid over one another.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    version: Spanned<u32>,
    pub name: Option<Word>,
    pub extends: Option<Word>,
    mode: Option<Mode>,
    /// The theme for a terminal of the other brightness.
    #[serde(default)]
    pub pairs: Pairs,
    #[serde(default)]
    palette: BTreeMap<String, Spanned<Colour>>,
    #[serde(default)]
    role: BTreeMap<Word, Entry>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pairs {
    pub dark: Option<String>,
    pub light: Option<String>,
}

/// At least one of `rgb` and `ansi16`; what is left out among 256 and 16 is the nearest that can be read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Colour {
    rgb: Option<Word>,
    ansi256: Option<u8>,
    ansi16: Option<Word>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    link: Option<Word>,
    fg: Option<Word>,
    bg: Option<Word>,
    modifiers: Option<Vec<Word>>,
    no_color: Option<Vec<Word>>,
    glyph: Option<Word>,
    ascii: Option<Word>,
}

impl Entry {
    /// What this leaves out is `under`'s.
    fn over(self, under: Entry) -> Entry {
        Entry {
            link: self.link.or(under.link),
            fg: self.fg.or(under.fg),
            bg: self.bg.or(under.bg),
            modifiers: self.modifiers.or(under.modifiers),
            no_color: self.no_color.or(under.no_color),
            glyph: self.glyph.or(under.glyph),
            ascii: self.ascii.or(under.ascii),
        }
    }
}

/// The file alone, not yet over what it extends.
pub(super) fn parse(source: &Source) -> Result<File, ThemeError> {
    let file: File = toml::from_str(&source.text).map_err(|error| {
        let said = error.message().lines().collect::<Vec<_>>().join(", ");
        source.error(error.span().map_or(0, |span| span.start), Wrong::Syntax(said))
    })?;
    if *file.version.get_ref() != 1 {
        return Err(source.error(file.version.span().start, Wrong::Version(*file.version.get_ref())));
    }
    if let Some(name) = file.name.as_ref().filter(|name| *name.get_ref() != source.name) {
        return Err(source.wrong(name, |name| Wrong::Name { name }));
    }
    Ok(file)
}

impl File {
    /// This over what it extends, with every name in it checked.
    pub(super) fn laid_over(self, base: Option<File>, source: &Source) -> Result<File, ThemeError> {
        let under = base.unwrap_or_else(|| File {
            version: self.version.clone(),
            name: None,
            extends: None,
            mode: None,
            pairs: Pairs::default(),
            palette: BTreeMap::new(),
            role: BTreeMap::new(),
        });
        let own: Vec<_> = self.role.keys().cloned().collect();
        let colours: Vec<_> = self.palette.keys().cloned().collect();
        let mut palette = under.palette;
        palette.extend(self.palette);
        let mut role = under.role;
        for (name, entry) in self.role {
            let below = role.remove(name.get_ref().as_str()).unwrap_or_default();
            // A link of one's own is a new beginning.
            let below = if entry.link.is_some() { Entry::default() } else { below };
            role.insert(name, entry.over(below));
        }
        let laid = File { mode: self.mode.or(under.mode), palette, role, ..self };
        laid.check(source, &own, &colours)?;
        Ok(laid)
    }

    fn check(&self, source: &Source, own: &[Word], colours: &[String]) -> Result<(), ThemeError> {
        for name in colours {
            let colour = &self.palette[name];
            let at = colour.span().start;
            let colour = colour.get_ref();
            if let Some(bad) = colour.rgb.as_ref().filter(|rgb| Rgb::parse(rgb.get_ref()).is_none()) {
                return Err(source.wrong(bad, |value| Wrong::Rgb { value }));
            }
            if let Some(bad) = colour.ansi16.as_ref().filter(|name| ansi16(name.get_ref()).is_none()) {
                return Err(source.wrong(bad, |value| Wrong::Ansi16 { value }));
            }
            if colour.rgb.is_none() && colour.ansi16.is_none() {
                return Err(source.error(at, Wrong::Colourless { colour: name.clone() }));
            }
        }
        for name in own {
            if !is_role(name.get_ref()) {
                let near = near(name.get_ref(), Role::ALL.iter().map(|role| role.name()));
                return Err(source.wrong(name, |role| Wrong::Role { role, near }));
            }
            self.check_entry(source, &self.role[name.get_ref().as_str()])?;
        }
        for role in Role::ALL {
            if self.entry(role.name(), LINKS_MAX).is_none() {
                let at = own.iter().find(|name| name.get_ref() == role.name());
                let at = at.map_or(0, |name| name.span().start);
                return Err(source.error(at, Wrong::Circle { role: role.name().to_owned() }));
            }
        }
        Ok(())
    }

    fn check_entry(&self, source: &Source, entry: &Entry) -> Result<(), ThemeError> {
        if let Some(link) = entry.link.as_ref().filter(|link| !is_role(link.get_ref())) {
            let near = near(link.get_ref(), Role::ALL.iter().map(|role| role.name()));
            return Err(source.wrong(link, |role| Wrong::Role { role, near }));
        }
        for colour in [&entry.fg, &entry.bg].into_iter().flatten() {
            if !self.palette.contains_key(colour.get_ref()) {
                let near = near(colour.get_ref(), self.palette.keys().map(String::as_str));
                return Err(source.wrong(colour, |colour| Wrong::Colour { colour, near }));
            }
        }
        for name in [&entry.modifiers, &entry.no_color].into_iter().flatten().flatten() {
            if !MODIFIERS.iter().any(|(known, _)| known == name.get_ref()) {
                let near = near(name.get_ref(), MODIFIERS.iter().map(|(known, _)| *known));
                return Err(source.wrong(name, |modifier| Wrong::Modifier { modifier, near }));
            }
        }
        let narrow =
            |glyph: &&Word| glyph.get_ref().width() <= 1 && !glyph.get_ref().contains(char::is_control);
        if let Some(glyph) = entry.glyph.as_ref().filter(|glyph| !narrow(glyph)) {
            return Err(source.wrong(glyph, |glyph| Wrong::Glyph { glyph }));
        }
        if let Some(glyph) =
            entry.ascii.as_ref().filter(|glyph| !narrow(glyph) || !glyph.get_ref().is_ascii())
        {
            return Err(source.wrong(glyph, |glyph| Wrong::Ascii { glyph }));
        }
        Ok(())
    }

    /// The role as written, its link followed; not written, what stands before its last dot. `None`: in a circle.
    fn entry(&self, name: &str, links: usize) -> Option<Entry> {
        let links = links.checked_sub(1)?;
        match self.role.get(name) {
            Some(own) => match &own.link {
                Some(link) => Some(own.clone().over(self.entry(link.get_ref(), links)?)),
                None => Some(own.clone()),
            },
            None => match name.rsplit_once('.') {
                Some((parent, _)) => self.entry(parent, links),
                None => Some(Entry::default()),
            },
        }
    }

    pub(super) fn theme(&self, name: &str, depth: Depth, ascii: bool) -> Theme {
        let mode = self.mode.unwrap_or_default();
        let entries: Vec<Entry> =
            Role::ALL.iter().map(|role| self.entry(role.name(), LINKS_MAX).unwrap_or_default()).collect();
        let colours = Colours::new(self, &entries, mode, depth);
        let looks = entries.into_iter().map(|entry| colours.look(entry, ascii)).collect();
        Theme { name: name.to_owned(), mode, depth, ascii, looks }
    }
}

/// A role, or what several roles fall back to.
fn is_role(name: &str) -> bool {
    Role::ALL.iter().any(|role| {
        let rest = role.name().strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// The colours of a theme in one depth.
struct Colours {
    depth: Depth,
    drawn: BTreeMap<String, Color>,
}

impl Colours {
    fn new(file: &File, entries: &[Entry], mode: Mode, depth: Depth) -> Colours {
        let under: Vec<&str> =
            entries.iter().filter_map(|entry| entry.bg.as_ref()).map(|bg| bg.get_ref().as_str()).collect();
        let palette = || file.palette.iter().map(|(name, colour)| (name.as_str(), colour.get_ref()));
        // Grounds first: what is drawn on them is chosen by them.
        let grounds: Vec<(Rgb, u8)> = palette()
            .filter(|(name, _)| depth == Depth::Ansi256 && under.contains(name))
            .filter_map(|(_, colour)| {
                Some((colour.rgb()?, colour.ansi256.unwrap_or(colour.rgb()?.nearest_256())))
            })
            .collect();
        let drawn = palette().map(|(name, colour)| {
            let is_ground = under.contains(&name);
            (name.to_owned(), colour.drawn(depth, mode, (!is_ground).then_some(grounds.as_slice())))
        });
        Colours { depth, drawn: drawn.collect() }
    }

    fn look(&self, entry: Entry, ascii: bool) -> Look {
        let colour = |name: &Option<Word>| self.drawn.get(name.as_ref()?.get_ref()).copied();
        let (fg, bg) = (colour(&entry.fg), colour(&entry.bg));
        let mut style = Style { fg, bg, ..Style::new() };
        style = style.add_modifier(modifiers(entry.modifiers.as_deref()));
        let lost = [fg, bg].contains(&Some(Color::Reset));
        if self.depth == Depth::None || lost {
            style = style.add_modifier(modifiers(entry.no_color.as_deref()));
        }
        let glyph = if ascii { entry.ascii.or(entry.glyph) } else { entry.glyph };
        Look { style, glyph: glyph.map(Spanned::into_inner).unwrap_or_default() }
    }
}

impl Colour {
    fn rgb(&self) -> Option<Rgb> {
        Rgb::parse(self.rgb.as_ref()?.get_ref())
    }

    /// As drawn; text by the grounds it must be read on, a ground (`None`) by itself.
    fn drawn(&self, depth: Depth, mode: Mode, grounds: Option<&[(Rgb, u8)]>) -> Color {
        let named = || self.ansi16.as_ref().and_then(|name| ansi16(name.get_ref()));
        let rgb = self.rgb();
        let drawn = match depth {
            Depth::True => rgb.map(Color::from).or_else(named),
            Depth::Ansi256 => {
                let nearest = || rgb.map(|rgb| rgb.nearest_256_on(grounds.unwrap_or_default()));
                self.ansi256.or_else(nearest).map(Color::Indexed).or_else(named)
            }
            // A ground among 16 could be any colour: the terminal's own is the one that its text is made for.
            Depth::Ansi16 => named().or_else(|| grounds.and(rgb).map(|rgb| rgb.nearest_16(mode))),
            Depth::None => None,
        };
        drawn.unwrap_or(Color::Reset)
    }
}

fn ansi16(name: &str) -> Option<Color> {
    let color = Color::from_str(name).ok()?;
    (!matches!(color, Color::Rgb(..) | Color::Indexed(_))).then_some(color)
}

fn near<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    report::nearest(word, names).map(ToOwned::to_owned)
}

fn modifiers(names: Option<&[Word]>) -> Modifier {
    let known = |name: &Word| MODIFIERS.iter().find(|(known, _)| known == name.get_ref());
    names.unwrap_or_default().iter().filter_map(known).fold(Modifier::empty(), |all, (_, one)| all | *one)
}

#[cfg(test)]
mod tests;
