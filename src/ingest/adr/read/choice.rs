//! `Chosen option: "X", because Y`.

use crate::{ingest::adr::blocks::plain, model::DecisionOption};

const CHOSEN: &str = "chosen option:";
const BECAUSE: &str = "because";

/// What is chosen, as written, and why; a text that says no option is all reason.
pub fn read(text: &str) -> (Option<&str>, String) {
    let Some((chosen, rest)) = said(text) else { return (None, text.to_owned()) };
    let why = rest.trim_start_matches([',', '.', ';']).trim_start();
    let word = why.get(..BECAUSE.len()).filter(|word| word.eq_ignore_ascii_case(BECAUSE));
    let why = match word {
        Some(word) if !why[word.len()..].starts_with(|c: char| c.is_alphanumeric()) => &why[word.len()..],
        _ => why,
    };
    (Some(chosen), why.trim().to_owned())
}

/// The name behind `Chosen option:`, and what follows it.
fn said(text: &str) -> Option<(&str, &str)> {
    let start = text.get(..CHOSEN.len()).filter(|start| start.eq_ignore_ascii_case(CHOSEN))?;
    let text = text[start.len()..].trim_start();
    let open = text.chars().next()?;
    let close = match open {
        '"' | '\'' => open,
        '“' => '”',
        '‘' => '’',
        _ => return bare(text),
    };
    let inside = &text[open.len_utf8()..];
    let ends: Vec<usize> = inside.match_indices(close).map(|(at, _)| at).collect();
    let after = |at: usize| &inside[at + close.len_utf8()..];
    // The name itself may hold quotes: the one before `, because` ends it, else the first that ends a word.
    let before_because = |at: &&usize| {
        let rest = after(**at).trim_start_matches(',').trim_start();
        rest.get(..BECAUSE.len()).is_some_and(|word| word.eq_ignore_ascii_case(BECAUSE))
    };
    let ends_a_word = |at: &&usize| !after(**at).starts_with(|c: char| c.is_alphanumeric());
    let end = *ends.iter().find(before_because).or_else(|| ends.iter().find(ends_a_word))?;
    Some((&inside[..end], after(end))).filter(|(name, _)| !name.trim().is_empty())
}

/// Without quotes: up to the reason, or the line's end.
fn bare(text: &str) -> Option<(&str, &str)> {
    let line = text.find('\n').unwrap_or(text.len());
    let end = text[..line].find(", because").unwrap_or(line);
    Some((text[..end].trim_end_matches('.'), &text[end..])).filter(|(name, _)| !name.trim().is_empty())
}

/// The title of the option that is meant; what is none of them becomes one.
pub fn option(chosen: &str, options: &mut Vec<DecisionOption>) -> String {
    let chosen = chosen.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some(meant) = meant(&chosen, options) {
        return options[meant].title.clone();
    }
    if !options.is_empty() {
        options.push(DecisionOption::titled(chosen.clone()));
    }
    chosen
}

/// The option of this name: the same words, or the only one that begins with them.
pub fn meant(name: &str, options: &[DecisionOption]) -> Option<usize> {
    let name = plain(name);
    let titles: Vec<String> = options.iter().map(|option| plain(&option.title)).collect();
    let longer = |title: &String| {
        title.strip_prefix(&name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    };
    titles.iter().position(|title| *title == name).or_else(|| {
        let mut longer = titles.iter().enumerate().filter(|(_, title)| longer(title));
        longer.next().filter(|_| longer.next().is_none()).map(|(at, _)| at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, chosen: Option<&str>, why: &str) {
        assert_eq!(read(text), (chosen, why.to_owned()));
    }

    #[test]
    fn the_choice_and_its_reason_are_told_apart() {
        check("Chosen option: \"A\", because it is.\nMore.", Some("A"), "it is.\nMore.");
        check("Chosen option: \"A\", because\n\n* one\n* two", Some("A"), "* one\n* two");
        check("Chosen option: 'a \"b, because\" c', because d", Some("a \"b, because\" c"), "d");
        check("Chosen option: \"A\"", Some("A"), "");
        check("Chosen option: \"A\". Fine.", Some("A"), "Fine.");
        check("Chosen option: 'Don't'", Some("Don't"), "");
        check("Chosen option: A, because b", Some("A"), "b");
        check("chosen option: “A”, because b", Some("A"), "b");
        check("We will use A.", None, "We will use A.");
        check("Chosen option: \"\"", None, "Chosen option: \"\"");
        check("", None, "");
    }

    #[test]
    fn an_option_is_meant_by_its_words() {
        let titles = ["[A](x) 4 – the \"best\"", "`B`", "Bé", "C one", "C two"];
        let mut options: Vec<DecisionOption> = titles.into_iter().map(DecisionOption::titled).collect();
        assert_eq!(option("A 4", &mut options), titles[0]);
        assert_eq!(option("a 4 – The 'best'", &mut options), titles[0]);
        assert_eq!(option("b", &mut options), "`B`");
        assert_eq!(options.len(), 5);
        assert_eq!(option("C", &mut options), "C", "two begin so");
        assert_eq!(options.len(), 6);
        assert_eq!(option("X", &mut Vec::new()), "X");
    }
}
