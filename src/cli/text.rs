//! Words and widths of what people read: ages, sizes, cut lines, marked terms. Pure.

use std::{ops::Range, time::Duration};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::{
    config::TimeForm,
    model::{Time, TimeWords},
    report::{self, Paint},
};

/// A moment as the settings want it.
pub fn moment(time: Time, form: TimeForm, words: TimeWords) -> String {
    match form {
        TimeForm::Relative => age(time, words.now),
        TimeForm::Local => time.at(words.offset).format("%Y-%m-%d %H:%M:%S").to_string(),
        TimeForm::Utc => time.utc().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }
}

/// How long ago, in its largest unit: `now`, `40s`, `5m`, `3h`, `2d`, `7w`, `2y`; what is still to come with a plus.
pub fn age(time: Time, now: Time) -> String {
    if time > now {
        let ahead = span(time.since(now));
        return if ahead == "0s" { "now".to_owned() } else { format!("+{ahead}") };
    }
    match span(now.since(time)) {
        none if none == "0s" => "now".to_owned(),
        span => span,
    }
}

/// A span in its largest unit.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..1_209_600 => format!("{}d", seconds / 86_400),
        1_209_600..31_536_000 => format!("{}w", seconds / 604_800),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// A size in bytes, to three figures or so.
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" || value >= 100.0 {
                format!("{value:.0} {unit}")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

/// `1 memory`, `2 memories`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The text in at most this many columns, with an ellipsis where it was cut. No bound, no cut.
pub fn fit(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    if text.width() <= columns {
        return text.to_owned();
    }
    let (mut cut, mut used) = (String::new(), 0);
    for cluster in text.graphemes(true) {
        if used + cluster.width() > columns.saturating_sub(1) {
            break;
        }
        used += cluster.width();
        cut.push_str(cluster);
    }
    cut.truncate(cut.trim_end().len());
    cut.push('…');
    cut
}

/// A part of a text, and whether it is marked.
type Part<'a> = (&'a str, bool);

/// A snippet on one line, its matched terms bold, cut to the columns.
pub fn snippet(text: &str, marks: &[Range<usize>], columns: Option<usize>, paint: Paint) -> String {
    let (mut line, mut used) = (String::new(), 0);
    let columns = columns.unwrap_or(usize::MAX);
    let mut gap = false;
    for (part, marked) in parts(text, marks) {
        gap |= used > 0 && part.starts_with(char::is_whitespace);
        for word in part.split_whitespace() {
            let shown = report::escape_line(word);
            let wide = shown.width() + usize::from(gap);
            if used + wide > columns.saturating_sub(1) {
                line.push('…');
                return line;
            }
            if gap {
                line.push(' ');
            }
            line.push_str(&if marked { paint.bold(&shown) } else { shown });
            used += wide;
            gap = true;
        }
        gap = used > 0 && part.ends_with(char::is_whitespace);
    }
    line
}

/// The text in parts. Marks that do not lie on characters' edges, or not in order, are passed over.
fn parts<'a>(text: &'a str, marks: &[Range<usize>]) -> Vec<Part<'a>> {
    let (mut parts, mut at) = (Vec::new(), 0);
    for mark in marks {
        if mark.start >= at
            && let (Some(before), Some(marked)) = (text.get(at..mark.start), text.get(mark.clone()))
        {
            parts.push((before, false));
            parts.push((marked, true));
            at = mark.end;
        }
    }
    parts.push((&text[at..], false));
    parts
}

/// Rows in aligned columns, two spaces between; the last column is as long as it is. Widths are counted before
/// `style` colours a cell.
pub fn table(rows: &[Vec<String>], style: impl Fn(usize, &str) -> String) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
        })
        .collect();
    rows.iter()
        .map(|row| {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                line.push_str(&style(column, cell));
                if column + 1 < row.len() {
                    line.push_str(&" ".repeat(widths[column] - cell.width() + 2));
                }
            }
            line.truncate(line.trim_end().len());
            line
        })
        .collect()
}

/// Names and values, one a line.
pub fn fields(rows: &[(&str, String)], paint: Paint) -> Vec<String> {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]).collect();
    table(&rows, |column, cell| if column == 0 { paint.dim(cell) } else { cell.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let now = Time::from_unix_ms(100_000_000_000);
        let ago = |seconds: u64| age(now.minus(Duration::from_secs(seconds)), now);
        assert_eq!(
            [0, 59, 60, 3_599, 86_399, 86_400, 1_209_600, 40_000_000].map(ago),
            ["now", "59s", "1m", "59m", "23h", "1d", "2w", "1y"]
        );
        assert_eq!(age(now.plus(Duration::from_secs(120)), now), "+2m");
        assert_eq!(age(now.plus(Duration::from_millis(2)), now), "now");
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(
            [0, 1023, 1024, 150_000, 5 << 20, 3 << 40].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "146 KiB", "5.0 MiB", "3.0 TiB"]
        );
    }

    #[test]
    fn lines_are_cut_by_columns_not_bytes() {
        assert_eq!(fit("plain", Some(5)), "plain");
        assert_eq!(fit("plainer", Some(5)), "plai…");
        assert_eq!(fit("日本語の", Some(5)), "日本…");
        assert_eq!(fit("a b", Some(3)), "a b");
        assert_eq!(fit("a b c", Some(3)), "a…");
        assert_eq!(fit("anything", None), "anything");
    }

    #[track_caller]
    fn check(text: &str, marks: &[(usize, usize)], columns: usize, expected: &str) {
        let marks: Vec<Range<usize>> = marks.iter().map(|(from, to)| *from..*to).collect();
        let line = snippet(text, &marks, Some(columns), Paint::Coloured);
        assert_eq!(line.replace("\x1b[1m", "<").replace("\x1b[0m", ">"), expected);
    }

    #[test]
    fn matched_terms_are_marked_on_one_line() {
        check("the canary is\ngreen", &[(4, 10), (14, 19)], 80, "the <canary> is <green>");
        check("canaries sing", &[(0, 6)], 80, "<canari>es sing");
        check("one two three", &[(4, 7)], 9, "one <two>…");
        check("a\u{1b}[31mb c", &[(8, 9)], 80, "a␛[31mb <c>");
        check("äb", &[(1, 2)], 80, "äb");
        check("ab cd", &[(3, 5), (0, 2)], 80, "ab <cd>");
    }

    #[test]
    fn columns_line_up() {
        let rows =
            vec![vec!["a".into(), "日本".into(), "x".into()], vec!["bbb".into(), "c".into(), "yy".into()]];
        assert_eq!(table(&rows, |_, cell| cell.to_owned()), ["a    日本  x", "bbb  c     yy"]);
    }
}
