//! Colours as numbers: how well one is read on another, how far two are apart, and which of few stands for one of many.
//!
//! Contrast is that of WCAG 2.2 (1.4.3), distance is Euclid's in Oklab (Ottosson 2020). A colour among 256 or 16 is the
//! nearest one that is read as well on its grounds as the colour it stands for, up to [`CONTRAST_MIN`]; among 16 the
//! grounds are the terminal's own, and what the 16 look like is taken from xterm.

use ratatui::style::Color;

use super::Mode;

/// What text needs on its ground.
pub const CONTRAST_MIN: f64 = 4.5;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rgb(pub u8, pub u8, pub u8);

const BLACK: Rgb = Rgb(0, 0, 0);
const WHITE: Rgb = Rgb(255, 255, 255);

/// Less colour than this (in Oklab) is grey.
const CHROMA_MIN: f64 = 0.05;
/// Hues nearer than this are the same, in degrees.
const HUE_STEP: f64 = 20.0;

/// The 16 as xterm draws them.
const ANSI16: [(Color, Rgb); 16] = [
    (Color::Black, BLACK),
    (Color::Red, Rgb(205, 0, 0)),
    (Color::Green, Rgb(0, 205, 0)),
    (Color::Yellow, Rgb(205, 205, 0)),
    (Color::Blue, Rgb(0, 0, 238)),
    (Color::Magenta, Rgb(205, 0, 205)),
    (Color::Cyan, Rgb(0, 205, 205)),
    (Color::Gray, Rgb(229, 229, 229)),
    (Color::DarkGray, Rgb(127, 127, 127)),
    (Color::LightRed, Rgb(255, 0, 0)),
    (Color::LightGreen, Rgb(0, 255, 0)),
    (Color::LightYellow, Rgb(255, 255, 0)),
    (Color::LightBlue, Rgb(92, 92, 255)),
    (Color::LightMagenta, Rgb(255, 0, 255)),
    (Color::LightCyan, Rgb(0, 255, 255)),
    (Color::White, WHITE),
];

impl Rgb {
    /// `#rrggbb`.
    pub fn parse(text: &str) -> Option<Rgb> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Rgb(part(0)?, part(2)?, part(4)?))
    }

    /// One of the 256 that terminals agree on: the cube and the greys.
    pub fn indexed(index: u8) -> Option<Rgb> {
        let step = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
        match index {
            0..=15 => None,
            16..=231 => {
                let cube = index - 16;
                Some(Rgb(step(cube / 36), step(cube / 6 % 6), step(cube % 6)))
            }
            232..=255 => {
                let grey = 8 + (index - 232) * 10;
                Some(Rgb(grey, grey, grey))
            }
        }
    }

    /// One of the 16, as xterm has it.
    pub fn named(color: Color) -> Option<Rgb> {
        ANSI16.iter().find(|(name, _)| *name == color).map(|(_, rgb)| *rgb)
    }

    /// From 1, the same, to 21, black on white.
    pub fn contrast(self, other: Rgb) -> f64 {
        let luminance = |rgb: Rgb| {
            let [r, g, b] = rgb.linear();
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(self), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// How far apart two colours look; 0.02 is just seen.
    pub fn distance(self, other: Rgb) -> f64 {
        distance(self.linear(), other.linear())
    }

    /// Its light, each part from 0 to 1 (sRGB).
    pub fn linear(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        })
    }

    /// The nearest of the 256.
    pub fn nearest_256(self) -> u8 {
        self.nearest_256_on(&[])
    }

    /// The nearest of the 256 that is as easily read on these grounds, each as it is and as one of the 256.
    pub fn nearest_256_on(self, grounds: &[(Rgb, u8)]) -> u8 {
        let read = |candidate: Rgb| {
            grounds.iter().all(|(ground, index)| {
                let asked = self.contrast(*ground).min(CONTRAST_MIN);
                Rgb::indexed(*index).is_none_or(|drawn| candidate.contrast(drawn) >= asked)
            })
        };
        let all = || (16..=255).filter_map(|index| Some((index, Rgb::indexed(index)?)));
        let near = |(_, a): &(u8, Rgb), (_, b): &(u8, Rgb)| self.distance(*a).total_cmp(&self.distance(*b));
        let best = all().filter(|(_, rgb)| read(*rgb)).min_by(near).or_else(|| all().min_by(near));
        best.map_or(0, |(index, _)| index)
    }

    /// The nearest of the 16 that can be read on a terminal's own ground.
    pub fn nearest_16(self, mode: Mode) -> Color {
        let ground = match mode {
            Mode::Dark => BLACK,
            Mode::Light => WHITE,
        };
        let readable = ANSI16.iter().filter(|(_, rgb)| rgb.contrast(ground) >= CONTRAST_MIN);
        // A pale red is meant as red, though it is nearer to gray: hue goes first, where there is any.
        let hue = |rgb: Rgb| {
            let [_, a, b] = oklab(rgb.linear());
            (a.hypot(b) >= CHROMA_MIN).then(|| b.atan2(a).to_degrees())
        };
        let own = hue(self);
        let unlike = |rgb: Rgb| match (own, hue(rgb)) {
            (None, None) => 0.0,
            (Some(own), Some(other)) => {
                let turned = (own - other).rem_euclid(360.0);
                (turned.min(360.0 - turned) / HUE_STEP).round()
            }
            _ => f64::MAX,
        };
        let key = |rgb: Rgb| (unlike(rgb), self.distance(rgb));
        let near = readable.min_by(|(_, a), (_, b)| {
            let ((a_hue, a), (b_hue, b)) = (key(*a), key(*b));
            a_hue.total_cmp(&b_hue).then(a.total_cmp(&b))
        });
        near.map_or(Color::Reset, |(color, _)| *color)
    }
}

impl From<Rgb> for Color {
    fn from(rgb: Rgb) -> Color {
        Color::Rgb(rgb.0, rgb.1, rgb.2)
    }
}

/// How far apart two lights look (Oklab).
pub fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (oklab(a), oklab(b));
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// <https://bottosson.github.io/posts/oklab/>
fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contrast_and_distance_are_as_published() {
        assert_eq!(BLACK.contrast(WHITE), 21.0);
        // The example of WebAIM's checker: #777777 just fails on white.
        assert!((Rgb(0x77, 0x77, 0x77).contrast(WHITE) - 4.48).abs() < 0.005);
        let [lightness, a, b] = oklab(WHITE.linear());
        assert!((lightness - 1.0).abs() < 1e-3 && a.abs() < 1e-3 && b.abs() < 1e-3);
        let red = oklab(Rgb(255, 0, 0).linear());
        assert!(
            (red[0] - 0.628).abs() < 1e-3 && (red[1] - 0.225).abs() < 1e-3 && (red[2] - 0.126).abs() < 1e-3
        );
    }

    #[test]
    fn a_colour_of_the_256_stands_for_itself() {
        for index in 16..=255 {
            let rgb = Rgb::indexed(index).unwrap();
            assert_eq!(Rgb::indexed(rgb.nearest_256()), Some(rgb));
        }
    }

    #[test]
    fn few_colours_are_read_on_the_ground_of_their_mode() {
        assert_eq!(Rgb(243, 154, 140).nearest_16(Mode::Dark), Color::LightRed);
        assert_eq!(Rgb(31, 85, 145).nearest_16(Mode::Light), Color::Blue);
        assert_eq!(Rgb(240, 245, 250).nearest_16(Mode::Dark), Color::White);
        assert_eq!(
            Rgb(255, 255, 0).nearest_16(Mode::Light),
            Color::Red,
            "the nearest of those that can be read"
        );
    }

    proptest! {
        #[test]
        fn what_could_be_read_can_be_read_among_256(text: [u8; 3], ground: [u8; 3]) {
            let (text, ground) = (Rgb(text[0], text[1], text[2]), Rgb(ground[0], ground[1], ground[2]));
            let index = ground.nearest_256();
            let drawn = Rgb::indexed(index).unwrap();
            let most = BLACK.contrast(drawn).max(WHITE.contrast(drawn));
            let found = Rgb::indexed(text.nearest_256_on(&[(ground, index)])).unwrap();
            let asked = text.contrast(ground).min(CONTRAST_MIN).min(most);
            prop_assert!(found.contrast(drawn) >= asked, "{found:?} on {drawn:?}");
        }
    }
}
