use super::*;
use crate::console::theme::{SHIPPED, Themes, colour::CONTRAST_MIN};

const DEPTHS: [Depth; 4] = [Depth::True, Depth::Ansi256, Depth::Ansi16, Depth::None];

/// Lines and fills, not text: nobody reads them.
const DRAWN: [Role; 7] = [
    Role::Border,
    Role::Rule,
    Role::ScrollThumb,
    Role::ScoreRest,
    Role::ProgressRest,
    Role::MarkdownRule,
    Role::Base,
];

const GROUNDS: [Role; 5] = [Role::Base, Role::Overlay, Role::Selection, Role::SelectionIdle, Role::Header];

/// Roles that say in which state something is.
const STATES: [Role; 10] = [
    Role::Ok,
    Role::Live,
    Role::Busy,
    Role::Paused,
    Role::Info,
    Role::Warn,
    Role::Error,
    Role::Off,
    Role::TaskDone,
    Role::TaskOpen,
];

fn load(name: &str, depth: Depth, ascii: bool) -> Theme {
    Themes::default().load(name, depth, ascii).unwrap()
}

fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// What a colour looks like; the terminal's own as its mode says, the 16 as xterm has them.
fn seen(color: Color, mode: Mode, is_ground: bool) -> Rgb {
    match color {
        Color::Rgb(r, g, b) => Rgb(r, g, b),
        Color::Indexed(index) => Rgb::indexed(index).expect("the first 16 differ between terminals"),
        Color::Reset if is_ground == (mode == Mode::Dark) => Rgb(0, 0, 0),
        Color::Reset => Rgb(255, 255, 255),
        named => Rgb::named(named).expect("one of the 16"),
    }
}

/// Every text of a theme on every ground it can stand on: where, and its contrast.
fn pairs(theme: &Theme) -> Vec<(String, f64)> {
    let mode = theme.mode();
    let ground = |role: Role| theme.style(role).bg.map(|bg| (role.name(), seen(bg, mode, true)));
    let grounds: Vec<_> = GROUNDS
        .into_iter()
        .filter(|role| *role != Role::Selection || !theme.selection_is_whole())
        .filter_map(ground)
        .collect();
    let mut pairs = Vec::new();
    for role in Role::ALL.iter().filter(|role| !DRAWN.contains(role)) {
        let style = theme.style(*role);
        let Some(fg) = style.fg else { continue };
        // Reversed, both are the terminal's own.
        if style.add_modifier.contains(Modifier::REVERSED) && fg == Color::Reset {
            continue;
        }
        let own = ground(*role).filter(|_| style.bg.is_some());
        for (name, ground) in own.map_or_else(|| grounds.clone(), |own| vec![own]) {
            let at = format!("{} {:?}: {} on {name}", theme.name(), theme.depth(), role.name());
            pairs.push((at, seen(fg, mode, false).contrast(ground)));
        }
    }
    pairs
}

#[track_caller]
fn all_read(names: impl Iterator<Item = &'static str>, depths: &[Depth], least: f64) {
    let themes = names.flat_map(|name| depths.iter().map(move |depth| load(name, *depth, false)));
    let low: Vec<_> =
        themes.flat_map(|theme| pairs(&theme)).filter(|(_, contrast)| *contrast < least).collect();
    assert!(low.is_empty(), "{low:#?}");
}

#[test]
fn every_text_can_be_read_on_every_ground() {
    let own = names().filter(|name| *name != "ansi16");
    all_read(own, &[Depth::True, Depth::Ansi256, Depth::Ansi16], CONTRAST_MIN);
}

#[test]
fn high_contrast_is_high() {
    all_read(std::iter::once("high-contrast"), &[Depth::True, Depth::Ansi256], 7.0);
    let theme = load("high-contrast", Depth::True, false);
    for role in [Role::Border, Role::BorderFocus, Role::ScrollThumb, Role::Rule] {
        let fg = seen(theme.style(role).fg.unwrap(), Mode::Dark, false);
        assert!(fg.contrast(Rgb(0, 0, 0)) >= 3.0, "{}", role.name());
    }
}

/// What they look like is the terminal's own affair; that nothing else is used is the theme's.
#[test]
fn ansi16_has_the_terminals_own_colours_only() {
    for depth in [Depth::True, Depth::Ansi256, Depth::Ansi16] {
        let theme = load("ansi16", depth, false);
        for role in Role::ALL {
            let style = theme.style(*role);
            assert!(
                style.bg.is_none_or(|bg| bg == Color::Reset),
                "{}: a ground of 16 hides text",
                role.name()
            );
            let own = style.fg.is_none_or(|fg| !matches!(fg, Color::Rgb(..) | Color::Indexed(_)));
            assert!(own, "{}", role.name());
        }
        assert!(theme.style(Role::Selection).add_modifier.contains(Modifier::REVERSED), "{depth:?}");
        assert!(theme.style(Role::Muted).add_modifier.contains(Modifier::DIM), "{depth:?}");
    }
}

/// What eyes without one kind of cone see, in linear light: Machado, Oliveira, Fernandes, "A Physiologically-based Model
/// for Simulation of Color Vision Deficiency" (IEEE TVCG 15/6, 2009), severity 1.0.
const DEFICIENCIES: [(&str, [[f64; 3]; 3]); 4] = [
    ("all cones", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

fn seen_with(matrix: &[[f64; 3]; 3], rgb: Rgb) -> [f64; 3] {
    let light = rgb.linear();
    matrix.map(|row| row.iter().zip(light).map(|(weight, part)| weight * part).sum::<f64>().clamp(0.0, 1.0))
}

/// The least distance of two states, with who sees it so.
fn closest(name: &str, depth: Depth) -> (f64, String) {
    let theme = load(name, depth, false);
    let states = [Role::Ok, Role::Warn, Role::Error, Role::Accent];
    let mut least = (f64::MAX, String::new());
    for (who, matrix) in &DEFICIENCIES {
        for (i, a) in states.iter().enumerate() {
            for b in &states[i + 1..] {
                let look = |role: &Role| {
                    seen_with(matrix, seen(theme.style(*role).fg.unwrap(), theme.mode(), false))
                };
                let apart = super::super::colour::distance(look(a), look(b));
                if apart < least.0 {
                    least = (apart, format!("{name} {depth:?}: {} and {} with {who}", a.name(), b.name()));
                }
            }
        }
    }
    least
}

#[test]
fn states_stay_apart_for_eyes_without_a_kind_of_cone() {
    /// Six times what is just seen.
    const APART_MIN: f64 = 0.12;
    for name in ["colour-blind-safe", "colour-blind-safe-day"] {
        for depth in [Depth::True, Depth::Ansi256] {
            let (apart, which) = closest(name, depth);
            assert!(apart >= APART_MIN, "{which}: {apart:.3}");
        }
    }
    let (apart, _) = closest("harbour", Depth::True);
    assert!(apart < APART_MIN, "harbour is not made for it, so that the measure measures something");
}

#[test]
fn no_state_is_told_by_colour_alone() {
    for name in names() {
        for ascii in [false, true] {
            let theme = load(name, Depth::None, ascii);
            for role in STATES {
                assert!(!theme.glyph(role).is_empty(), "{name}: {} has no glyph", role.name());
            }
            let bad = [Role::Ok, Role::Warn, Role::Error, Role::Off].map(|role| theme.glyph(role));
            let unlike: std::collections::BTreeSet<_> = bad.iter().collect();
            assert_eq!(unlike.len(), bad.len(), "{name}: {bad:?}");
        }
    }
}

#[test]
fn the_selection_is_seen_without_colour() {
    for name in names() {
        for depth in [Depth::Ansi16, Depth::None] {
            let selection = load(name, depth, true).style(Role::Selection);
            assert!(selection.add_modifier.contains(Modifier::REVERSED), "{name} {depth:?}");
        }
        let bare = load(name, Depth::None, false);
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
    for name in names() {
        let (rich, plain) = (load(name, Depth::True, false), load(name, Depth::True, true));
        for role in Role::ALL {
            assert!(rich.glyph(*role).width() <= 1, "{}", role.name());
            assert!(plain.glyph(*role).is_ascii(), "{}", role.name());
            assert_eq!(rich.glyph(*role).is_empty(), plain.glyph(*role).is_empty(), "{}", role.name());
        }
    }
}

#[test]
fn shipped_themes_look_every_role_up_themselves_and_name_each_other() {
    let harbour: File = toml::from_str(SHIPPED[0].1).unwrap();
    for role in Role::ALL {
        assert!(harbour.role.contains_key(role.name()), "harbour leaves out {}", role.name());
    }
    for (name, text) in SHIPPED {
        let file: File = toml::from_str(text).unwrap();
        assert_eq!(file.name.unwrap().get_ref(), name);
        let extended = file.extends.as_ref().map(|base| base.get_ref().as_str());
        assert!(name == "harbour" || extended.is_some_and(|base| base.starts_with("harbour")), "{name}");
        for pair in [file.pairs.dark, file.pairs.light].into_iter().flatten() {
            let mode = load(&pair, Depth::True, false).mode();
            let back = Themes::default().pair(&pair, file.mode.unwrap());
            assert_eq!((mode != file.mode.unwrap(), back.as_deref()), (true, Some(name)));
        }
        for depth in DEPTHS {
            assert_eq!(load(name, depth, false).name(), name);
        }
    }
    assert_eq!(Theme::for_mode(Mode::Light, Depth::True, false).mode(), Mode::Light);
    assert_eq!(Theme::for_mode(Mode::Dark, Depth::True, false).mode(), Mode::Dark);
}

fn read(text: &str, depth: Depth) -> Result<Theme, ThemeError> {
    let source = Source { name: "t".into(), file: "t.toml".into(), text: text.into() };
    Ok(parse(&source)?.laid_over(None, &source)?.theme("t", depth, true))
}

/// `text` begins in line 2.
#[track_caller]
fn fails(text: &str, said: &str) {
    let error = read(&format!("version = 1\n{text}"), Depth::True).unwrap_err();
    assert_eq!(error.to_string(), said);
}

#[test]
fn what_is_wrong_in_a_theme_is_named_with_its_line_and_what_was_meant() {
    fails(
        "[role]\n\"status.eror\" = {}",
        "t.toml:3: \"status.eror\" is no role; did you mean \"status.error\"?",
    );
    fails("[role]\ntext = { link = \"sea\" }", "t.toml:3: \"sea\" is no role");
    fails(
        "[palette]\nblue = { rgb = \"#0000ff\" }\n[role]\ntext = { fg = \"blu\" }",
        "t.toml:5: the palette has no colour \"blu\"; did you mean \"blue\"?",
    );
    fails(
        "[role]\ntext = { modifiers = [\"bold\", \"italics\"] }",
        "t.toml:3: \"italics\" is no modifier; did you mean \"italic\"?",
    );
    fails("[palette]\na = { rgb = \"#12\" }", "t.toml:3: \"#12\" is no colour; write it as \"#rrggbb\"");
    fails(
        "[palette]\na = { ansi16 = \"#123456\" }",
        "t.toml:3: \"#123456\" is none of the 16 colours, nor \"reset\"",
    );
    fails("[palette]\na = { ansi256 = 3 }", "t.toml:3: a needs `rgb` or `ansi16`");
    fails(
        "[role]\ntext = { link = \"tag\" }\ntag = { link = \"text\" }",
        "t.toml:3: text: links in a circle",
    );
    fails("[role]\ntext = { glyph = \"漢\" }", "t.toml:3: \"漢\" is wider than one column");
    fails("[role]\ntext = { ascii = \"é\" }", "t.toml:3: \"é\" is not one character of ASCII");
    fails("name = \"u\"", "t.toml:2: the file's name is the theme's, and this is \"u\"");
    fails("mode = \"dusk\"", "t.toml:2: unknown variant `dusk`, expected `dark` or `light`");
    let said = read("\nversion = 2", Depth::True).unwrap_err().to_string();
    assert_eq!(said, "t.toml:2: themes of version 2 are not known here, only version 1");
}

#[test]
fn a_role_left_out_falls_back_by_its_dots_and_a_link_can_be_overlaid() {
    let theme = read(
        r##"
        version = 1
        [palette]
        red = { rgb = "#ff0000", ansi256 = 9, ansi16 = "light-red" }
        [role]
        "md" = { fg = "red", modifiers = ["italic"] }
        "danger" = { link = "md.link", glyph = "▲", ascii = "!" }
        "##,
        Depth::Ansi256,
    )
    .unwrap();
    let md = Style::new().fg(Color::Indexed(9)).add_modifier(Modifier::ITALIC);
    assert_eq!(theme.style(Role::Heading3), md);
    assert_eq!((theme.style(Role::Danger), theme.glyph(Role::Danger)), (md, "!"));
    assert_eq!(theme.style(Role::Text), Style::new());
}

#[test]
fn colours_left_out_are_the_nearest_that_can_be_read() {
    let text = r##"
        version = 1
        mode = "light"
        [palette]
        paper = { rgb = "#fdf6e3" }
        ink   = { rgb = "#586e75" }
        [role]
        "base" = { fg = "ink", bg = "paper" }
        "selection" = { bg = "ink", no_color = ["reversed"] }
        "##;
    let style = |depth| read(text, depth).unwrap().style(Role::Base);
    let (Some(Color::Indexed(ink)), Some(Color::Indexed(paper))) =
        (style(Depth::Ansi256).fg, style(Depth::Ansi256).bg)
    else {
        panic!("{:?}", style(Depth::Ansi256));
    };
    assert_eq!((ink, paper), (Rgb(0x58, 0x6e, 0x75).nearest_256(), 230));
    assert_eq!((style(Depth::Ansi16).fg, style(Depth::Ansi16).bg), (Some(Color::Reset), Some(Color::Reset)));
    let selection = read(text, Depth::Ansi16).unwrap().style(Role::Selection);
    assert!(selection.add_modifier.contains(Modifier::REVERSED));
}
