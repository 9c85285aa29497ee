//! A theme file, read and checked, and what its roles come to in one depth of colour.

use std::{collections::BTreeMap, str::FromStr};

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::{Depth, Look, Mode, Role, Theme};

/// Links and fallbacks that may follow one another: a cycle is longer than any sensible chain.
const LINKS_MAX: usize = 8;

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ThemeError {
    #[error("no theme is called {name:?}")]
    Unknown { name: String },
    #[error("the theme cannot be read: {0}")]
    Syntax(String),
    #[error("themes of version {0} are not known here, only version 1")]
    Version(u32),
    #[error("{role:?} is no role")]
    Role { role: String },
    #[error("{role}: the palette has no colour {colour:?}")]
    Colour { role: String, colour: String },
    #[error("{role}: {modifier:?} is no modifier")]
    Modifier { role: String, modifier: String },
    #[error("{role}: links in a circle")]
    Circle { role: String },
    #[error("{colour}: {value:?} is no colour")]
    Value { colour: String, value: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    name: String,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    pairs: BTreeMap<String, String>,
    #[serde(default)]
    palette: BTreeMap<String, Colour>,
    #[serde(default)]
    role: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Colour {
    rgb: String,
    ansi256: u8,
    ansi16: String,
}

#[derive(Deserialize, Default, Clone)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    link: Option<String>,
    fg: Option<String>,
    bg: Option<String>,
    modifiers: Option<Vec<String>>,
    no_color: Option<Vec<String>>,
    glyph: Option<String>,
    ascii: Option<String>,
    word: Option<String>,
}

impl Entry {
    /// What this leaves out is `under`'s.
    fn over(self, under: Entry) -> Entry {
        Entry {
            link: None,
            fg: self.fg.or(under.fg),
            bg: self.bg.or(under.bg),
            modifiers: self.modifiers.or(under.modifiers),
            no_color: self.no_color.or(under.no_color),
            glyph: self.glyph.or(under.glyph),
            ascii: self.ascii.or(under.ascii),
            word: self.word.or(under.word),
        }
    }
}

pub(super) fn read(text: &str, depth: Depth, ascii: bool) -> Result<Theme, ThemeError> {
    let file: File = toml::from_str(text).map_err(|error| ThemeError::Syntax(error.to_string()))?;
    if file.version != 1 {
        return Err(ThemeError::Version(file.version));
    }
    if let Some(role) = file.role.keys().find(|name| !is_role(name)) {
        return Err(ThemeError::Role { role: role.clone() });
    }
    drop(file.pairs);
    let palette = Palette::read(&file.palette, depth)?;
    let looks = Role::ALL
        .iter()
        .map(|role| palette.look(role.name(), entry(&file.role, role.name(), LINKS_MAX)?, ascii))
        .collect::<Result<_, _>>()?;
    Ok(Theme { name: file.name, mode: file.mode, depth, ascii, looks })
}

/// A role, or what several roles fall back to.
fn is_role(name: &str) -> bool {
    Role::ALL.iter().any(|role| {
        let rest = role.name().strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// The role as written, its link followed; not written, what stands before its last dot.
fn entry(roles: &BTreeMap<String, Entry>, name: &str, links: usize) -> Result<Entry, ThemeError> {
    if links == 0 {
        return Err(ThemeError::Circle { role: name.to_owned() });
    }
    match roles.get(name) {
        Some(own) => match &own.link {
            Some(link) => Ok(own.clone().over(entry(roles, link, links - 1)?)),
            None => Ok(own.clone()),
        },
        None => match name.rsplit_once('.') {
            Some((parent, _)) => entry(roles, parent, links - 1),
            None => Ok(Entry::default()),
        },
    }
}

/// The colours of a file in one depth.
struct Palette {
    depth: Depth,
    colours: BTreeMap<String, Color>,
}

impl Palette {
    fn read(palette: &BTreeMap<String, Colour>, depth: Depth) -> Result<Palette, ThemeError> {
        let mut colours = BTreeMap::new();
        for (name, colour) in palette {
            let bad = |value: &str| ThemeError::Value { colour: name.clone(), value: value.to_owned() };
            let rgb = rgb(&colour.rgb).ok_or_else(|| bad(&colour.rgb))?;
            let named = ansi16(&colour.ansi16).ok_or_else(|| bad(&colour.ansi16))?;
            let drawn = match depth {
                Depth::True => rgb,
                Depth::Ansi256 => Color::Indexed(colour.ansi256),
                Depth::Ansi16 => named,
                Depth::None => Color::Reset,
            };
            colours.insert(name.clone(), drawn);
        }
        Ok(Palette { depth, colours })
    }

    fn look(&self, role: &str, entry: Entry, ascii: bool) -> Result<Look, ThemeError> {
        let colour = |name: &Option<String>| match name {
            None => Ok(None),
            Some(name) => self
                .colours
                .get(name)
                .copied()
                .map(Some)
                .ok_or_else(|| ThemeError::Colour { role: role.to_owned(), colour: name.clone() }),
        };
        let (fg, bg) = (colour(&entry.fg)?, colour(&entry.bg)?);
        let mut style = Style { fg, bg, ..Style::new() };
        style = style.add_modifier(modifiers(role, entry.modifiers.as_deref())?);
        let stand_in = modifiers(role, entry.no_color.as_deref())?;
        let background_lost = self.depth == Depth::Ansi16 && bg == Some(Color::Reset);
        if self.depth == Depth::None || background_lost {
            style = style.add_modifier(stand_in);
        }
        let glyph = if ascii { entry.ascii.or(entry.glyph) } else { entry.glyph };
        Ok(Look { style, glyph: glyph.unwrap_or_default(), word: entry.word.unwrap_or_default() })
    }
}

fn rgb(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    Some(Color::from_u32(value))
}

fn ansi16(name: &str) -> Option<Color> {
    let color = Color::from_str(name).ok()?;
    (!matches!(color, Color::Rgb(..) | Color::Indexed(_))).then_some(color)
}

fn modifiers(role: &str, names: Option<&[String]>) -> Result<Modifier, ThemeError> {
    names.unwrap_or_default().iter().try_fold(Modifier::empty(), |all, name| {
        let one = match name.as_str() {
            "bold" => Modifier::BOLD,
            "dim" => Modifier::DIM,
            "italic" => Modifier::ITALIC,
            "underlined" => Modifier::UNDERLINED,
            "reversed" => Modifier::REVERSED,
            "crossed-out" => Modifier::CROSSED_OUT,
            _ => return Err(ThemeError::Modifier { role: role.to_owned(), modifier: name.clone() }),
        };
        Ok(all | one)
    })
}

#[cfg(test)]
mod tests;
