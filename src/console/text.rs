//! Text as a terminal shows it: measured in columns, cut and wrapped between graphemes, and made harmless.
//!
//! Widths are those ratatui draws with (unicode-width over graphemes), so that CJK, emoji and combining marks stay in
//! their columns. What was imported can hold anything: [`escape`] and [`escape_line`] stand between it and the screen.

use std::{borrow::Cow, fmt::Write, ops::Range, time::Duration};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns of a tab in shown text.
const TAB: &str = "    ";

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The longest beginning of `text` that fits `columns`, whole graphemes only.
pub fn fitting(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        taken += grapheme.width();
        if taken > columns {
            return &text[..at];
        }
    }
    text
}

/// `text` in at most `columns`, with `…` for what was cut off.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if text.width() <= columns {
        return Cow::Borrowed(text);
    }
    match columns {
        0 => Cow::Borrowed(""),
        _ => Cow::Owned(format!("{}…", fitting(text, columns - 1).trim_end())),
    }
}

/// As [`cut`], keeping the end: for paths.
pub fn cut_left(text: &str, columns: usize) -> Cow<'_, str> {
    let mut left = text.width();
    if left <= columns {
        return Cow::Borrowed(text);
    }
    for (at, grapheme) in text.grapheme_indices(true) {
        if left < columns {
            return Cow::Owned(format!("…{}", &text[at..]));
        }
        left -= grapheme.width();
    }
    Cow::Borrowed(fitting("…", columns))
}

/// Exactly `columns`: cut, or filled with spaces on the right.
pub fn pad(text: &str, columns: usize) -> String {
    let mut padded = cut(text, columns).into_owned();
    let fill = columns.saturating_sub(padded.width());
    padded.extend(std::iter::repeat_n(' ', fill));
    padded
}

/// Exactly `columns`: cut, or filled with spaces on the left.
pub fn pad_left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let fill = columns.saturating_sub(text.width());
    format!("{}{text}", " ".repeat(fill))
}

/// The lines of `text` at this width: broken at line ends, else after the last space that fits, else (a word longer
/// than the line, CJK) between graphemes. The spaces at a break are in no line.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    wrap_ranges(text, columns).into_iter().map(|range| text[range].to_owned()).collect()
}

/// As [`wrap`], as ranges of `text`.
pub fn wrap_ranges(text: &str, columns: usize) -> Vec<Range<usize>> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split('\n') {
        wrap_line(line.strip_suffix('\r').unwrap_or(line), start, columns, &mut lines);
        start += line.len() + 1;
    }
    lines
}

fn wrap_line(line: &str, offset: usize, columns: usize, lines: &mut Vec<Range<usize>>) {
    let mut start = 0;
    let mut taken = 0;
    // The end of the last word that fits, and the start of the next.
    let mut space: Option<(usize, usize)> = None;
    let mut in_space = false;
    for (at, grapheme) in line.grapheme_indices(true) {
        let columns_here = grapheme.width();
        let is_space = matches!(grapheme, " " | "\t");
        if is_space {
            space = Some((if in_space { space.map_or(at, |(end, _)| end) } else { at }, at + grapheme.len()));
        }
        in_space = is_space;
        if taken + columns_here > columns && !is_space && at > start {
            let (end, next) = space.filter(|(end, _)| *end > start).unwrap_or((at, at));
            lines.push(offset + start..offset + end);
            start = next;
            taken = line[start..at].width();
            space = None;
        }
        taken += columns_here;
    }
    lines.push(offset + start..offset + line[start..].trim_end().len() + start);
}

/// What an imported character is shown as, when not as itself.
fn harmless(c: char) -> Option<char> {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32),
        '\u{7f}' => Some('\u{2421}'),
        // C1 controls, bidirectional embeddings, overrides and isolates.
        '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some('\u{fffd}'),
        _ => None,
    }
}

/// `text` with controls and direction overrides made visible. Line ends stay, a tab becomes spaces.
pub fn escape(text: &str) -> Cow<'_, str> {
    replace(text, |c, out| match c {
        '\n' => out.push('\n'),
        '\r' | '\u{feff}' => {}
        '\u{2028}' | '\u{2029}' => out.push('\n'),
        '\t' => out.push_str(TAB),
        c => out.push(harmless(c).unwrap_or(c)),
    })
}

/// As [`escape`], on one line: line ends and tabs become one space.
pub fn escape_line(text: &str) -> Cow<'_, str> {
    replace(text, |c, out| match c {
        '\n' | '\t' | '\u{2028}' | '\u{2029}' => out.push(' '),
        '\r' | '\u{feff}' => {}
        c => out.push(harmless(c).unwrap_or(c)),
    })
}

fn replace(text: &str, put: impl Fn(char, &mut String)) -> Cow<'_, str> {
    let special = |c: char| harmless(c).is_some() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    let Some(first) = text.find(special) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 8);
    out.push_str(&text[..first]);
    text[first..].chars().for_each(|c| put(c, &mut out));
    Cow::Owned(out)
}

/// A drawn symbol as ASCII, for terminals that know nothing else; `?` for what has no likeness.
pub fn ascii(symbol: &str) -> &'static str {
    match symbol.chars().next().unwrap_or(' ') {
        '…' => "~",
        '·' | '‐'..='―' | '─' | '━' | '╌' => "-",
        '•' | '●' => "*",
        '○' | '◐' => "o",
        '‘' | '’' => "'",
        '“' | '”' | '«' | '»' => "\"",
        '→' | '›' | '▸' | '▶' => ">",
        '←' | '‹' | '◂' | '◀' => "<",
        '↑' | '▲' | '▴' => "^",
        '↓' | '▼' | '▾' => "v",
        '│' | '┃' | '▉'..='▏' => "|",
        '┌'..='╬' | '╭'..='╰' => "+",
        '✓' | '✔' => "v",
        '✗' | '✘' | '×' => "x",
        '▁'..='█' | '■' | '▰' => "#",
        '□' | '▱' | '░'..='▓' => ".",
        '\u{a0}' => " ",
        _ => "?",
    }
}

/// How long ago, in one unit: `now`, `12 s`, `5 min`, `3 h`, `3 d`, `5 w`, `4 mo`, `2 y`.
pub fn age(span: Duration) -> String {
    let seconds = span.as_secs();
    let (count, unit) = match seconds {
        0 => return "now".into(),
        1..=59 => (seconds, "s"),
        60..=3_599 => (seconds / 60, "min"),
        3_600..=86_399 => (seconds / 3_600, "h"),
        86_400..=1_209_599 => (seconds / 86_400, "d"),
        1_209_600..=5_183_999 => (seconds / 604_800, "w"),
        5_184_000..=31_535_999 => (seconds / 2_592_000, "mo"),
        _ => (seconds / 31_536_000, "y"),
    };
    format!("{count} {unit}")
}

/// How long something takes or took: `0.4 ms`, `12 ms`, `1.2 s`, `3 min 5 s`, `2 h 3 min`.
pub fn span(span: Duration) -> String {
    let ms = span.as_secs_f64() * 1e3;
    let seconds = span.as_secs();
    match seconds {
        0 if ms < 10.0 => format!("{ms:.1} ms"),
        0 => format!("{ms:.0} ms"),
        1..=9 => format!("{:.1} s", ms / 1e3),
        10..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// As [`span`], between two moments of the log, whose clock counts whole milliseconds.
pub fn clocked(taken: Duration) -> String {
    if taken < Duration::from_secs(1) { format!("{} ms", taken.as_millis()) } else { span(taken) }
}

/// `4,354`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// In at most five columns: `999`, `4.3k`, `128k`, `1.2M`.
pub fn compact(n: u64) -> String {
    scaled(n as f64, 1e3, &["", "k", "M", "G", "T"], "")
}

/// `512 B`, `1.2 kB`, `64 MB`: powers of ten.
pub fn bytes(n: u64) -> String {
    scaled(n as f64, 1e3, &["B", "kB", "MB", "GB", "TB"], " ")
}

fn scaled(mut n: f64, step: f64, units: &[&str], space: &str) -> String {
    let mut unit = 0;
    // 999.5 and above would print as 1000.
    while n >= step - 0.5 && unit + 1 < units.len() {
        n /= step;
        unit += 1;
    }
    let mut out = String::new();
    let decimals = usize::from(unit > 0 && n < 9.95);
    write!(out, "{n:.decimals$}{space}{}", units[unit]).expect("a String takes everything");
    out
}

/// `1 memory`, `2 memories`.
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cut_text_keeps_graphemes_whole() {
        for (text, columns, expected) in [
            ("harbour", 7, "harbour"),
            ("harbour", 6, "harbo…"),
            ("the harbour", 5, "the…"),
            ("漢字かな", 5, "漢字…"),
            ("漢字かな", 4, "漢…"),
            ("👩‍👩‍👧 family", 4, "👩‍👩‍👧…"),
            ("cafe\u{301}s", 4, "caf…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("漢", 1, "…"),
        ] {
            assert_eq!(cut(text, columns), expected, "{text} {columns}");
        }
        assert_eq!(cut_left("~/notes/rfcs/a.md", 10), "…rfcs/a.md");
        assert_eq!(cut_left("abc", 0), "");
        assert_eq!((pad("漢a", 5), pad_left("7", 3)), ("漢a  ".into(), "  7".into()));
    }

    #[track_caller]
    fn wraps(text: &str, columns: usize, lines: &[&str]) {
        assert_eq!(wrap(text, columns), lines);
    }

    #[test]
    fn lines_break_at_spaces() {
        wraps("why did deploys fail", 10, &["why did", "deploys", "fail"]);
        wraps("why did", 7, &["why did"]);
        wraps("one  two", 4, &["one", "two"]);
        wraps("a verylongword b", 5, &["a", "veryl", "ongwo", "rd b"]);
        wraps("漢字かな", 5, &["漢字", "かな"]);
        wraps("a\n\nb", 5, &["a", "", "b"]);
        wraps("  indented text", 10, &["  indented", "text"]);
        wraps("trailing   ", 20, &["trailing"]);
        wraps("", 5, &[""]);
        wraps("abc def", 3, &["abc", "def"]);
    }

    #[test]
    fn imported_text_cannot_command_the_terminal() {
        assert_eq!(escape("a\u{1b}[31mb\u{7}\tc\r\nd"), "a␛[31mb␇    c\nd");
        assert_eq!(escape_line("a\nb\tc\u{202e}d\u{9b}e"), "a b c\u{fffd}d\u{fffd}e");
        assert!(matches!(escape_line("plain é 漢"), Cow::Borrowed(_)));
    }

    #[test]
    fn numbers_and_spans_are_short() {
        let ages =
            [0, 12, 300, 7_200, 259_200, 1_814_400, 7_776_000, 70_000_000].map(Duration::from_secs).map(age);
        assert_eq!(ages, ["now", "12 s", "5 min", "2 h", "3 d", "3 w", "3 mo", "2 y"]);
        let spans = [0.000_4, 0.0124, 1.23, 12.0, 185.0, 7_400.0].map(Duration::from_secs_f64).map(span);
        assert_eq!(spans, ["0.4 ms", "12 ms", "1.2 s", "12 s", "3 min 5 s", "2 h 3 min"]);
        assert_eq!([0, 999, 1_000, 4_354, 1_234_567].map(count), ["0", "999", "1,000", "4,354", "1,234,567"]);
        assert_eq!(
            [999, 1_000, 4_321, 128_400, 999_900, 1_234_567].map(compact),
            ["999", "1.0k", "4.3k", "128k", "1.0M", "1.2M"]
        );
        assert_eq!([512, 64_000_000].map(bytes), ["512 B", "64 MB"]);
        assert_eq!(counted(1, "hit", "hits"), "1 hit");
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_asked(text in "\\PC{0,60}", columns in 0..30usize) {
            prop_assert!(cut(&text, columns).width() <= columns);
            prop_assert!(cut_left(&text, columns).width() <= columns);
            prop_assert_eq!(pad(&text, columns).width(), columns);
        }

        #[test]
        fn wrapping_loses_nothing_but_spaces(text in "[a-z é漢👩\n]{0,80}", columns in 2..20usize) {
            let lines = wrap(&text, columns);
            let solid = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(solid(&lines.concat()), solid(&text));
            for line in lines {
                prop_assert!(line.trim_end().width() <= columns, "{:?}", line);
            }
        }

        #[test]
        fn escaped_text_holds_no_control(text in any::<String>()) {
            prop_assert!(escape(&text).chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!(escape_line(&text).chars().all(|c| !c.is_control()));
        }
    }
}
