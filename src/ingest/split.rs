//! A text too long for one memory, cut where a reader would: before a heading, else between paragraphs, else
//! at a line's end.
//!
//! Invariant: the parts together are the text, byte for byte.

/// A text in parts of at most `max` bytes (at least 4, the longest character).
pub fn split(text: &str, max: usize) -> Vec<&str> {
    let max = max.max(4);
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > max {
        let (part, after) = rest.split_at(cut(rest, max));
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// Where the first part ends: the last good place in the second half of what fits.
fn cut(text: &str, max: usize) -> usize {
    let end = text.floor_char_boundary(max);
    let from = text.floor_char_boundary(max / 2);
    let window = &text[from..end];
    let last = |mark: &str| window.rfind(mark).map(|at| from + at);
    // A cut in front of `#` keeps the line end before it; the others keep theirs.
    last("\n#")
        .map(|at| at + 1)
        .or_else(|| last("\n\n").map(|at| at + 2))
        .or_else(|| last("\n").map(|at| at + 1))
        .or_else(|| last(" ").map(|at| at + 1))
        .filter(|at| *at > 0)
        .unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, max: usize, parts: &[&str]) {
        assert_eq!(split(text, max), parts);
    }

    #[test]
    fn the_best_place_in_reach_is_taken() {
        check("short", 10, &["short"]);
        check("one\n\ntwo\n# three\nfour", 16, &["one\n\ntwo\n", "# three\nfour"]);
        check("one two\n\nthree four", 12, &["one two\n\n", "three four"]);
        check("one two\nthree four", 12, &["one two\n", "three four"]);
        check("onetwothreefour", 6, &["onetwo", "threef", "our"]);
        check("ééééé", 5, &["éé", "éé", "é"]);
    }

    proptest! {
        #[test]
        fn splitting_keeps_every_byte(text in "([a-zé🙂 #\\n]{0,12}\n?){0,20}", max in 4usize..60) {
            let parts = split(&text, max);
            prop_assert_eq!(parts.concat(), text.as_str());
            prop_assert!(parts.iter().all(|part| part.len() <= max));
            prop_assert!(parts.len() == 1 || parts.iter().all(|part| !part.is_empty()));
        }
    }
}
