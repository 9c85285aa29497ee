//! A query as chips: its fields each a small thing to walk to, edit and take away, its words as they are.
//!
//! Chips are only a way of looking at the query's text: [`parts`] cuts it into stretches that together are the text
//! again, to the byte, and what is done to a chip is done to its stretch.

use std::ops::Range;

use super::Near;
use crate::{
    console::text,
    model::Id,
    search::query::{Field, Query, Term, Typed},
};

/// Columns of a chip's words, tried in turn until the line has room.
const LABEL_COLUMNS: [usize; 3] = [32, 18, 10];
/// Columns that words keep beside chips.
const WORDS_COLUMNS_MIN: usize = 12;
/// Of an id whose title is not known: enough to tell it from others.
const ID_CHARS: usize = 8;

/// A stretch of a query's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub range: Range<usize>,
    /// A chip, of this field; else words and what stands between.
    pub field: Option<Field>,
}

/// All of `text`, in order. One that cannot be read has no chips.
pub fn parts(text: &str) -> Vec<Part> {
    let clauses = Query::parse(text, Typed::SoFar).map(|query| query.clauses).unwrap_or_default();
    let mut parts = Vec::new();
    let mut at = 0;
    for clause in clauses {
        let Term::Field { field, .. } = clause.term else { continue };
        if at < clause.span.start {
            parts.push(Part { range: at..clause.span.start, field: None });
        }
        at = clause.span.end;
        parts.push(Part { range: clause.span, field: Some(field) });
    }
    if at < text.len() {
        parts.push(Part { range: at..text.len(), field: None });
    }
    parts
}

/// The chips alone.
pub fn chips(text: &str) -> Vec<Part> {
    parts(text).into_iter().filter(|part| part.field.is_some()).collect()
}

/// `text` without this stretch, and without a space that then parts nothing.
pub fn without(text: &str, range: &Range<usize>) -> String {
    let (before, after) = (&text[..range.start], &text[range.end..]);
    let open = before.is_empty() || before.ends_with(char::is_whitespace);
    if after.is_empty() {
        before.trim_end().to_owned()
    } else if open && after.starts_with(char::is_whitespace) {
        let space = after.chars().next().map_or(0, char::len_utf8);
        format!("{before}{}", &after[space..])
    } else if open || after.starts_with(char::is_whitespace) {
        format!("{before}{after}")
    } else {
        format!("{before} {after}")
    }
}

/// What a chip says: an id as the title it stands for, where that is known.
pub fn label(text: &str, part: &Part, near: Option<&Near>) -> String {
    let said = text.get(part.range.clone()).unwrap_or_default();
    let value = said.split_once(':').map_or(said, |(_, value)| value);
    let short = |value: &str| format!("{}…", value.chars().take(ID_CHARS).collect::<String>());
    let said = match part.field {
        Some(Field::Like) if !said.starts_with('-') => {
            match near.filter(|near| value.parse::<Id>().is_ok_and(|value| value == near.id)) {
                Some(near) => format!("near “{}”", near.title),
                None => format!("near {}", short(value)),
            }
        }
        Some(Field::Id) if value.len() > ID_CHARS => format!("id:{}", short(value)),
        _ => said.to_owned(),
    };
    text::escape_line(&said).into_owned()
}

/// A part with its place on the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub text: String,
    pub range: Range<usize>,
    /// Which of the chips it is; none for words.
    pub chip: Option<usize>,
    /// From the line's first.
    pub column: usize,
}

impl Shown {
    /// Columns it takes: a chip has air and its cross around what it says.
    pub fn width(&self) -> usize {
        text::width(&self.text) + if self.chip.is_some() { CHIP_FRAME } else { 0 }
    }
}

/// ` `, the label, ` ✕ `.
pub const CHIP_FRAME: usize = 4;

/// The parts that fit `width` columns, and how many do not. What is `chosen` is among those that do.
pub fn fit(text: &str, width: usize, chosen: Option<usize>, near: Option<&Near>) -> (Vec<Shown>, usize) {
    let parts = parts(text);
    if width == 0 {
        return (Vec::new(), parts.len());
    }
    if parts.iter().all(|part| part.field.is_none()) {
        return (shown(text, &parts, near, width, width), 0);
    }
    let mut line = Vec::new();
    for columns in LABEL_COLUMNS {
        let words = if columns == LABEL_COLUMNS[0] { usize::MAX } else { WORDS_COLUMNS_MIN };
        line = shown(text, &parts, near, columns, words);
        if line.last().is_none_or(|last| last.column + last.width() <= width) {
            return (line, 0);
        }
    }
    // The first in sight is moved until the chosen one is, with room for the count of the others.
    let at = line.iter().position(|part| chosen.is_some() && part.chip == chosen).unwrap_or(0);
    let room = width.saturating_sub(MORE_COLUMNS);
    let end = line[at].column + line[at].width();
    let first = (0..=at).find(|first| end - line[*first].column <= room).unwrap_or(at);
    let shift = line[first].column;
    let all = line.len();
    let mut whole = line.clone();
    let mut line: Vec<_> = line
        .into_iter()
        .skip(first)
        .map(|part| Shown { column: part.column - shift, ..part })
        .take_while(|part| part.column + part.width() <= room)
        .collect();
    // Not even one: as much of it as there is.
    if line.is_empty() {
        let part = whole.swap_remove(at);
        let columns = room.saturating_sub(if part.chip.is_some() { CHIP_FRAME } else { 0 });
        let said = text::cut(&part.text, columns).into_owned();
        if !said.is_empty() {
            line.push(Shown { text: said, column: 0, ..part });
        }
    }
    let hidden = all - line.len();
    (line, hidden)
}

/// ` +12`.
const MORE_COLUMNS: usize = 4;

fn shown(
    text: &str,
    parts: &[Part],
    near: Option<&Near>,
    chip_columns: usize,
    words_columns: usize,
) -> Vec<Shown> {
    let mut column = 0;
    let mut chips = 0_usize..;
    let mut line: Vec<Shown> = Vec::new();
    for part in parts {
        let (said, chip) = match part.field {
            Some(_) => (text::cut(&label(text, part, near), chip_columns).into_owned(), chips.next()),
            None => {
                let words = text::escape_line(text[part.range.clone()].trim());
                (text::cut(&words, words_columns).into_owned(), None)
            }
        };
        if said.is_empty() {
            continue;
        }
        let shown = Shown { text: said, range: part.range.clone(), chip, column };
        column += shown.width() + 1;
        line.push(shown);
    }
    line
}

/// The query while it is typed, an id in it as its beginning unless the cursor is at it: what is drawn, and where in it
/// a byte of the text is.
pub fn shortened(
    text: &str,
    cursor: usize,
    near: Option<&Near>,
) -> (String, impl Fn(usize) -> usize + use<>) {
    let mut drawn = String::new();
    let mut cuts: Vec<(Range<usize>, usize)> = Vec::new();
    let mut at = 0;
    for part in chips(text) {
        let is_id = matches!(part.field, Some(Field::Id | Field::Like));
        if !is_id || (part.range.start..=part.range.end).contains(&cursor) {
            continue;
        }
        let said = text::cut(&label(text, &part, near), LABEL_COLUMNS[0]).into_owned();
        drawn.push_str(&text[at..part.range.start]);
        drawn.push_str(&said);
        at = part.range.end;
        cuts.push((part.range, said.len()));
    }
    drawn.push_str(&text[at..]);
    let place = move |byte: usize| {
        let mut shift = 0isize;
        for (range, len) in cuts.iter().take_while(|(range, _)| range.start < byte) {
            if byte < range.end {
                return range.start.saturating_add_signed(shift);
            }
            shift += *len as isize - range.len() as isize;
        }
        byte.saturating_add_signed(shift)
    };
    (drawn, place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> Vec<String> {
        parts(text)
            .iter()
            .map(|part| match part.field {
                Some(field) => format!("[{} {}]", field.name(), &text[part.range.clone()]),
                None => text[part.range.clone()].to_owned(),
            })
            .collect()
    }

    #[test]
    fn fields_are_chips_and_words_stay_words() {
        assert_eq!(
            said("why tag:deploy  fails -tag:old since:\"last week\""),
            ["why ", "[tag tag:deploy]", "  fails ", "[tag -tag:old]", " ", "[since since:\"last week\"]"]
        );
        assert_eq!(said("fs::read http://x:80"), ["fs::read http://x:80"]);
        assert_eq!(said("tgas:old tag:x"), ["tgas:old tag:x"], "what cannot be read has none");
        assert_eq!(said(""), [""; 0]);
    }

    #[test]
    fn a_chip_goes_with_the_space_that_parted_it() {
        let rest = |text: &str, at: usize| without(text, &chips(text)[at].range);
        assert_eq!(rest("a tag:x b", 0), "a b");
        assert_eq!(rest("tag:x b", 0), "b");
        assert_eq!(rest("a tag:x", 0), "a");
        assert_eq!(rest("tag:x tag:y", 1), "tag:x");
        assert_eq!(rest("x tag:\"a\"word", 0), "x word");
        assert_eq!(rest("\"x\"tag:\"a\"word", 0), "\"x\" word");
    }

    fn id() -> Id {
        "0192f0c1-7b5a-7e3c-9d2f-5b1c8a6e4f20".parse().unwrap()
    }

    #[test]
    fn an_id_is_shown_as_what_it_stands_for() {
        let text = format!("like:{} lock id:{}", id(), id());
        let chips = chips(&text);
        let near = Near { at: Default::default(), id: id(), title: "Roll back\u{1b} first".to_owned() };
        assert_eq!(label(&text, &chips[0], Some(&near)), "near “Roll back␛ first”");
        assert_eq!(label(&text, &chips[0], None), "near 0192f0c1…");
        assert_eq!(label(&text, &chips[1], Some(&near)), "id:0192f0c1…");
    }

    /// The line as drawn, `[…]` for a chip, `+n` for what is not in sight.
    fn line(text: &str, width: usize, chosen: Option<usize>) -> String {
        let (shown, hidden) = fit(text, width, chosen, None);
        let mut line = String::new();
        for part in shown {
            let gap = part.column.saturating_sub(text::width(&line));
            line.push_str(&" ".repeat(gap));
            match part.chip {
                Some(_) => line.push_str(&format!("[{} ✕]", part.text)),
                None => line.push_str(&part.text),
            }
        }
        if hidden > 0 {
            line.push_str(&format!(" +{hidden}"));
        }
        line
    }

    #[test]
    fn chips_give_way_in_turn_and_the_chosen_one_is_seen() {
        let text = "why did it fail tag:deployment project:harbour since:\"last week\"";
        assert_eq!(
            line(text, 90, None),
            "why did it fail [tag:deployment ✕] [project:harbour ✕] [since:\"last week\" ✕]"
        );
        assert_eq!(line(text, 60, None), "why did it… [tag:deplo… ✕] [project:h… ✕] [since:\"la… ✕]");
        assert_eq!(line(text, 34, None), "why did it… [tag:deplo… ✕] +2");
        assert_eq!(line(text, 34, Some(2)), "[project:h… ✕] [since:\"la… ✕] +2");
        assert_eq!(line(text, 12, Some(1)), "[pro… ✕] +3");
    }

    #[test]
    fn an_id_that_is_not_being_typed_takes_little_room() {
        let text = format!("a like:{} b", id());
        let (drawn, place) = shortened(&text, text.len(), None);
        assert_eq!(drawn, "a near 0192f0c1… b");
        assert_eq!((place(0), place(2), place(9)), (0, 2, 2));
        assert_eq!(&drawn[place(text.len() - 1)..], "b");
        let (drawn, place) = shortened(&text, 10, None);
        assert_eq!((drawn.as_str(), place(10)), (text.as_str(), 10), "where the cursor is, all of it");
    }

    fn query() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "lock",
            "-retry",
            "\"held by\"",
            "tag:deploy",
            "-tag:\"two words\"",
            "since:3d",
            "é漢",
            "fs::read",
            "type:gotcha",
            "like:0192f0c1-7b5a-7e3c-9d2f-5b1c8a6e4f20",
            "tag:\"a\"b",
            "\"x\"tag:y",
            "tgas:x",
            "\"",
        ]);
        prop::collection::vec((word, prop::sample::select(vec![" ", "  ", "", "\u{3000}"])), 0..8)
            .prop_map(|words| words.iter().flat_map(|(word, gap)| [*word, *gap]).collect())
    }

    proptest! {
        #[test]
        fn chips_and_words_together_are_the_text(text in query()) {
            let again: String = parts(&text).iter().map(|part| &text[part.range.clone()]).collect();
            prop_assert_eq!(&again, &text);
        }

        #[test]
        fn taking_a_chip_away_takes_nothing_else(text in query()) {
            let Ok(before) = Query::parse(&text, Typed::SoFar) else { return Ok(()) };
            for chip in chips(&text) {
                let rest = without(&text, &chip.range);
                let after = Query::parse(&rest, Typed::SoFar).unwrap();
                let left: Vec<_> = before.clauses.iter().filter(|clause| clause.span != chip.range).collect();
                let left: Vec<_> = left.iter().map(|clause| (clause.negated, &clause.term)).collect();
                prop_assert_eq!(after.terms().collect::<Vec<_>>(), left, "{} → {}", text, rest);
            }
        }

        #[test]
        fn what_is_shown_fits_and_the_chosen_is_among_it(text in query(), width in 0..120usize, chosen in 0..4usize) {
            let chosen = Some(chosen).filter(|chosen| *chosen < chips(&text).len());
            let (shown, hidden) = fit(&text, width, chosen, None);
            let mut end = 0;
            for part in &shown {
                prop_assert!(part.column >= end);
                end = part.column + part.width();
            }
            prop_assert!(end + if hidden > 0 { MORE_COLUMNS } else { 0 } <= width.max(10), "{:?}", shown);
            prop_assert!(width < 10 || chosen.is_none() || shown.iter().any(|part| part.chip == chosen), "{:?}", shown);
        }

        #[test]
        fn a_shortened_query_has_its_cursor_where_it_is(text in query(), at in 0..80usize) {
            let at = text.floor_char_boundary(at.min(text.len()));
            let (drawn, place) = shortened(&text, at, None);
            prop_assert!(drawn.is_char_boundary(place(at)));
            if !text.contains("like:") {
                prop_assert_eq!((drawn.as_str(), place(at)), (text.as_str(), at));
            }
        }
    }
}
