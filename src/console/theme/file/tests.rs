use super::*;
use crate::console::theme::SHIPPED;

const DEPTHS: [Depth; 4] = [Depth::True, Depth::Ansi256, Depth::Ansi16, Depth::None];

/// Lines and fills, not text: nobody reads them.
const DRAWN: [Role; 8] = [
    Role::Border,
    Role::Rule,
    Role::Scrollbar,
    Role::ScrollThumb,
    Role::ScoreRest,
    Role::ProgressRest,
    Role::MarkdownRule,
    Role::Base,
];

/// WCAG 2 contrast of two colours, 1 to 21.
fn contrast(a: Color, b: Color) -> f64 {
    let luminance = |color: Color| {
        let (r, g, b) = parts(color);
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.03928 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// RGB, also of one of the 256 (the cube and the greys, which terminals agree on).
fn parts(color: Color) -> (u8, u8, u8) {
    match color {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(i @ 16..=231) => {
            let step = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
            let i = i - 16;
            (step(i / 36), step(i / 6 % 6), step(i % 6))
        }
        Color::Indexed(i @ 232..=255) => {
            let grey = 8 + (i - 232) * 10;
            (grey, grey, grey)
        }
        other => panic!("{other:?} looks different on every terminal"),
    }
}

#[test]
fn every_text_can_be_read_on_every_ground() {
    let mut low = Vec::new();
    for name in Theme::names() {
        for depth in [Depth::True, Depth::Ansi256] {
            let theme = Theme::load(name, depth, false).unwrap();
            let grounds = [Role::Base, Role::Overlay, Role::Selection, Role::SelectionIdle, Role::Header];
            for role in Role::ALL.iter().filter(|role| !DRAWN.contains(role)) {
                let style = theme.style(*role);
                let Some(fg) = style.fg else { continue };
                let own = style.bg.map(|bg| vec![bg]);
                for bg in own.unwrap_or_else(|| grounds.iter().filter_map(|g| theme.style(*g).bg).collect()) {
                    let contrast = contrast(fg, bg);
                    if contrast < 4.5 {
                        low.push(format!(
                            "{name} {depth:?} {}: {contrast:.2} ({fg:?} on {bg:?})",
                            role.name()
                        ));
                    }
                }
            }
        }
    }
    assert!(low.is_empty(), "{low:#?}");
}

#[test]
fn the_selection_is_seen_without_colour() {
    for name in Theme::names() {
        for depth in [Depth::Ansi16, Depth::None] {
            let theme = Theme::load(name, depth, true).unwrap();
            let selection = theme.style(Role::Selection);
            let reversed = selection.add_modifier.contains(Modifier::REVERSED);
            let coloured = selection.bg.is_some_and(|bg| bg != Color::Reset);
            assert!(reversed || (coloured && depth == Depth::Ansi16), "{name} {depth:?}");
        }
        let bare = Theme::load(name, Depth::None, false).unwrap();
        for role in Role::ALL {
            let style = bare.style(*role);
            for colour in [style.fg, style.bg].into_iter().flatten() {
                assert_eq!(colour, Color::Reset, "{}", role.name());
            }
        }
    }
}

#[test]
fn every_glyph_is_one_column_and_has_an_ascii_stand_in() {
    use unicode_width::UnicodeWidthStr;
    for name in Theme::names() {
        let (rich, plain) =
            (Theme::load(name, Depth::True, false).unwrap(), Theme::load(name, Depth::True, true).unwrap());
        for role in Role::ALL {
            assert!(rich.glyph(*role).width() <= 1, "{}", role.name());
            assert!(plain.glyph(*role).is_ascii(), "{}", role.name());
            assert_eq!(rich.glyph(*role).is_empty(), plain.glyph(*role).is_empty(), "{}", role.name());
        }
    }
}

#[test]
fn shipped_themes_name_every_role_themselves_and_each_other() {
    for (name, text) in SHIPPED {
        let file: File = toml::from_str(text).unwrap();
        assert_eq!(file.name, name);
        for role in Role::ALL {
            assert!(file.role.contains_key(role.name()), "{name} leaves out {}", role.name());
        }
        for pair in file.pairs.values() {
            assert!(Theme::names().any(|other| other == pair));
        }
        for depth in DEPTHS {
            assert_eq!(Theme::load(name, depth, false).unwrap().name(), name);
        }
    }
    assert_eq!(Theme::for_mode(Mode::Light, Depth::True, false).mode(), Mode::Light);
    assert_eq!(Theme::for_mode(Mode::Dark, Depth::True, false).mode(), Mode::Dark);
}

#[track_caller]
fn fails(text: &str, error: ThemeError) {
    let text = format!("version = 1\nname = \"t\"\n{text}");
    assert_eq!(Theme::read(&text, Depth::True, false).unwrap_err(), error);
}

#[test]
fn what_is_wrong_in_a_theme_is_named() {
    fails("[role]\ntxt = {}", ThemeError::Role { role: "txt".into() });
    fails(
        "[role]\ntext = { fg = \"blu\" }",
        ThemeError::Colour { role: "text".into(), colour: "blu".into() },
    );
    fails(
        "[role]\ntext = { modifiers = [\"blink\"] }",
        ThemeError::Modifier { role: "text".into(), modifier: "blink".into() },
    );
    fails(
        "[palette]\na = { rgb = \"#12\", ansi256 = 1, ansi16 = \"red\" }",
        ThemeError::Value { colour: "a".into(), value: "#12".into() },
    );
    fails(
        "[role]\ntext = { link = \"tag\" }\ntag = { link = \"text\" }",
        ThemeError::Circle { role: "text".into() },
    );
    assert_eq!(
        Theme::read("version = 2\nname = \"t\"", Depth::True, false).unwrap_err(),
        ThemeError::Version(2)
    );
    assert_eq!(
        Theme::load("sea", Depth::True, false).unwrap_err(),
        ThemeError::Unknown { name: "sea".into() }
    );
}

#[test]
fn a_role_left_out_falls_back_by_its_dots_and_a_link_can_be_overlaid() {
    let theme = Theme::read(
        r##"
        version = 1
        name = "small"
        [palette]
        red = { rgb = "#ff0000", ansi256 = 9, ansi16 = "light-red" }
        [role]
        "md" = { fg = "red", modifiers = ["italic"] }
        "danger" = { link = "md.link", glyph = "▲", ascii = "!" }
        "##,
        Depth::Ansi256,
        true,
    )
    .unwrap();
    let md = Style::new().fg(Color::Indexed(9)).add_modifier(Modifier::ITALIC);
    assert_eq!(theme.style(Role::Heading3), md);
    assert_eq!((theme.style(Role::Danger), theme.glyph(Role::Danger)), (md, "!"));
    assert_eq!(theme.style(Role::Text), Style::new());
}
