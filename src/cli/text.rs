//! Words and widths of what people read: moments, cut lines, marked terms, columns. Pure. Sizes, counts and spans are
//! the console's, so that one thing is called one way.

use std::{ops::Range, time::Duration};

use unicode_width::UnicodeWidthStr;

pub use crate::console::text::{bytes, counted, span};
use crate::{
    config::TimeForm,
    console::text::{age, cut},
    model::{Time, Zones},
    report::{self, Paint},
};

/// A moment as the settings want it.
pub fn moment(time: Time, form: TimeForm, now: Time, zones: Zones) -> String {
    match form {
        TimeForm::Relative => ago(now.since(time)),
        TimeForm::Local | TimeForm::Zone => time.at(form.zone(zones)).format("%Y-%m-%d %H:%M:%S").to_string(),
        TimeForm::Utc => time.utc().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }
}

/// A moment to come as the settings want it.
pub fn coming(time: Time, form: TimeForm, now: Time, zones: Zones) -> String {
    match form {
        TimeForm::Relative => until(time.since(now)),
        form => moment(time, form, now, zones),
    }
}

/// How long ago something was: `3 d ago`, `now`.
pub fn ago(span: Duration) -> String {
    match age(span) {
        now if now == "now" => now,
        age => format!("{age} ago"),
    }
}

/// How long until something is: `in 3 d`, `now`.
pub fn until(span: Duration) -> String {
    match age(span) {
        now if now == "now" => now,
        age => format!("in {age}"),
    }
}

/// The text in at most this many columns, with an ellipsis where it was cut. No bound, no cut.
pub fn fit(text: &str, columns: Option<usize>) -> String {
    columns.map_or_else(|| text.to_owned(), |columns| cut(text, columns).into_owned())
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
