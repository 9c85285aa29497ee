//! Cells in a terminal's own words: as few as say it. A cursor is moved only where a cell does not follow the one before,
//! and of a style only what changes is said, in one sequence.

use ratatui::{
    buffer::Cell,
    style::{Color, Modifier},
};

/// Modifiers with the code that sets each, and the one that takes it back; bold and dim share theirs.
const MODIFIERS: [(Modifier, u8, u8); 9] = [
    (Modifier::BOLD, 1, 22),
    (Modifier::DIM, 2, 22),
    (Modifier::ITALIC, 3, 23),
    (Modifier::UNDERLINED, 4, 24),
    (Modifier::SLOW_BLINK, 5, 25),
    (Modifier::RAPID_BLINK, 6, 25),
    (Modifier::REVERSED, 7, 27),
    (Modifier::HIDDEN, 8, 28),
    (Modifier::CROSSED_OUT, 9, 29),
];

const PLAIN: Look = Look { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

/// Appends what draws these cells on a terminal in plain style, and leaves it so.
pub fn cells<'a>(out: &mut Vec<u8>, content: impl Iterator<Item = (u16, u16, &'a Cell)>) {
    let mut look = PLAIN;
    let mut next = None;
    for (x, y, cell) in content {
        if next != Some((x, y)) {
            move_to(out, x, y);
        }
        // What follows a wide character is moved to: terminals do not agree on how wide all of them are.
        next = Some((x + 1, y));
        let wanted = Look { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
        if wanted != look {
            change(out, look, wanted);
            look = wanted;
        }
        out.extend_from_slice(cell.symbol().as_bytes());
    }
    if look != PLAIN {
        out.extend_from_slice(b"\x1b[0m");
    }
}

pub fn move_to(out: &mut Vec<u8>, x: u16, y: u16) {
    out.extend_from_slice(b"\x1b[");
    number(out, y + 1);
    out.push(b';');
    number(out, x + 1);
    out.push(b'H');
}

fn change(out: &mut Vec<u8>, from: Look, to: Look) {
    out.extend_from_slice(b"\x1b[");
    if from.modifier != to.modifier {
        modifiers(out, from.modifier, to.modifier);
    }
    if from.fg != to.fg {
        colour(out, to.fg, 30);
    }
    if from.bg != to.bg {
        colour(out, to.bg, 40);
    }
    // Each code has left a semicolon.
    if let Some(last) = out.last_mut() {
        *last = b'm';
    }
}

fn modifiers(out: &mut Vec<u8>, from: Modifier, to: Modifier) {
    let mut taken_back = 0;
    for (modifier, _, off) in MODIFIERS {
        if from.contains(modifier) && !to.contains(modifier) && off != taken_back {
            code(out, off);
            taken_back = off;
        }
    }
    for (modifier, on, off) in MODIFIERS {
        // What shares its end with one that was taken back went too.
        let kept = from.contains(modifier) && !ends(from, to, off);
        if to.contains(modifier) && !kept {
            code(out, on);
        }
    }
}

/// Some modifier that this code takes back is taken back.
fn ends(from: Modifier, to: Modifier, off: u8) -> bool {
    MODIFIERS
        .iter()
        .any(|(modifier, _, other)| *other == off && from.contains(*modifier) && !to.contains(*modifier))
}

/// `base`: 30 for the text, 40 for the ground.
fn colour(out: &mut Vec<u8>, colour: Color, base: u8) {
    let light = base + 60;
    code(
        out,
        match colour {
            Color::Reset => base + 9,
            Color::Black => base,
            Color::Red => base + 1,
            Color::Green => base + 2,
            Color::Yellow => base + 3,
            Color::Blue => base + 4,
            Color::Magenta => base + 5,
            Color::Cyan => base + 6,
            Color::Gray => base + 7,
            Color::DarkGray => light,
            Color::LightRed => light + 1,
            Color::LightGreen => light + 2,
            Color::LightYellow => light + 3,
            Color::LightBlue => light + 4,
            Color::LightMagenta => light + 5,
            Color::LightCyan => light + 6,
            Color::White => light + 7,
            Color::Indexed(_) | Color::Rgb(..) => base + 8,
        },
    );
    match colour {
        Color::Indexed(index) => [5, index].into_iter().for_each(|part| code(out, part)),
        Color::Rgb(red, green, blue) => [2, red, green, blue].into_iter().for_each(|part| code(out, part)),
        _ => {}
    }
}

fn code(out: &mut Vec<u8>, code: u8) {
    number(out, u16::from(code));
    out.push(b';');
}

fn number(out: &mut Vec<u8>, number: u16) {
    let mut digits = [0; 5];
    let (mut rest, mut at) = (number, digits.len());
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::{buffer::Buffer, layout::Rect, style::Style};

    use super::*;

    fn encoded(buffer: &Buffer) -> String {
        let width = buffer.area.width;
        let cells = buffer.content.iter().zip(0..).map(|(cell, at)| (at % width, at / width, cell));
        let mut out = Vec::new();
        super::cells(&mut out, cells);
        String::from_utf8(out).unwrap()
    }

    fn styled(styles: &[Style]) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, styles.len() as u16, 1));
        for (x, style) in styles.iter().enumerate() {
            buffer[(x as u16, 0)].set_symbol("x").set_style(*style);
        }
        buffer
    }

    #[track_caller]
    fn check(styles: &[Style], expected: &str) {
        assert_eq!(encoded(&styled(styles)), format!("\x1b[1;1H{expected}"));
    }

    #[test]
    fn only_what_changes_is_said() {
        let plain = Style::new();
        check(&[plain, plain], "xx");
        check(&[plain.bold(), plain.bold(), plain], "\x1b[1mxx\x1b[22mx");
        check(
            &[plain.fg(Color::Rgb(1, 20, 255)).bg(Color::Indexed(7))],
            "\x1b[38;2;1;20;255;48;5;7mx\x1b[0m",
        );
        check(&[plain.red().on_white(), plain.light_red()], "\x1b[31;107mx\x1b[91;49mx\x1b[0m");
        check(
            &[plain.bold().dim(), plain.dim(), plain.dim().reversed()],
            "\x1b[1;2mx\x1b[22;2mx\x1b[7mx\x1b[0m",
        );
    }

    const COLOURS: [Color; 7] = [
        Color::Reset,
        Color::Red,
        Color::DarkGray,
        Color::White,
        Color::Indexed(200),
        Color::Rgb(0, 9, 10),
        Color::Rgb(255, 100, 99),
    ];

    proptest! {
        #[test]
        fn a_terminal_shows_what_was_drawn(
            looks in prop::collection::vec((0..7usize, 0..7usize, 0..16u8, "[a-z漢é]"), 1..60)
        ) {
            let width = 20;
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, 6));
            for (at, (fg, bg, bits, symbol)) in (0..).step_by(2).zip(&looks) {
                let modifiers = [Modifier::BOLD, Modifier::ITALIC, Modifier::UNDERLINED, Modifier::REVERSED];
                let modifiers = modifiers.into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
                let style = Style::new().fg(COLOURS[*fg]).bg(COLOURS[*bg]).add_modifier(
                    modifiers.fold(Modifier::empty(), |all, (_, one)| all | one),
                );
                buffer.set_string(at % width, at / width, symbol, style);
            }
            let mut out = Vec::new();
            super::cells(&mut out, Buffer::empty(buffer.area).diff(&buffer).into_iter());
            let mut screen = vt100::Parser::new(6, width, 0);
            screen.process(&out);
            for (at, (fg, bg, bits, symbol)) in (0..).step_by(2).zip(&looks) {
                let cell = screen.screen().cell(at / width, at % width).unwrap();
                let modifiers = [cell.bold(), cell.italic(), cell.underline(), cell.inverse()];
                let seen: u8 = modifiers.iter().enumerate().map(|(bit, on)| u8::from(*on) << bit).sum();
                prop_assert_eq!((cell.contents(), seen), (symbol.as_str(), *bits));
                prop_assert_eq!((cell.fgcolor(), cell.bgcolor()), (told(COLOURS[*fg]), told(COLOURS[*bg])));
            }
        }
    }

    fn told(colour: Color) -> vt100::Color {
        match colour {
            Color::Red => vt100::Color::Idx(1),
            Color::DarkGray => vt100::Color::Idx(8),
            Color::White => vt100::Color::Idx(15),
            Color::Indexed(index) => vt100::Color::Idx(index),
            Color::Rgb(red, green, blue) => vt100::Color::Rgb(red, green, blue),
            _ => vt100::Color::Default,
        }
    }
}
