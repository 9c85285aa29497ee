//! Lists of `Good, because …` and `Bad, because …`: of the consequences, and of each option.

use super::choice::meant;
use crate::{
    ingest::adr::{
        blocks::{Piece, groups, pieces},
        outline::{Heading, headings},
    },
    model::{AdrForm, AdrSection, Consequences, DecisionOption, Part, trim_blank},
};

/// What an entry says for or against.
#[derive(Debug, Clone, PartialEq)]
enum Argument {
    Good(String),
    Bad(String),
    Neutral(String),
    Rejected(String),
    Score(f64),
    /// It does not begin as one.
    Other(String),
}

fn argument(text: &str) -> Argument {
    let after = |word: &str| {
        let rest = text.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word));
        let rest = rest.map(|start| text[start.len()..].trim_start_matches([',', ':']).trim_start())?;
        let rest = rest
            .get(.."because".len())
            .filter(|word| word.eq_ignore_ascii_case("because"))
            .map(|_| rest["because".len()..].trim_start().to_owned())?;
        Some(rest).filter(|rest| !rest.is_empty())
    };
    let score = text.strip_prefix("Score: ").and_then(|score| score.trim().parse().ok());
    let found = after("good").map(Argument::Good).or_else(|| after("bad").map(Argument::Bad));
    let found = found.or_else(|| after("neutral").map(Argument::Neutral));
    let found = found.or_else(|| after("rejected").map(Argument::Rejected));
    found
        .or_else(|| score.filter(|score: &f64| score.is_finite()).map(Argument::Score))
        .unwrap_or_else(|| Argument::Other(text.to_owned()))
}

/// Entries that are sorted, or all of it as it stands.
pub fn consequences(text: &str) -> Consequences {
    let arguments: Vec<Argument> = pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Entry(text) => argument(&text),
            Piece::Prose(text) => Argument::Other(text),
        })
        .collect();
    let mut found = Consequences::default();
    let sorted =
        |argument: &Argument| matches!(argument, Argument::Good(_) | Argument::Bad(_) | Argument::Neutral(_));
    if !arguments.iter().any(sorted) {
        found.neutral.extend(Some(text.to_owned()).filter(|text| !text.is_empty()));
        return found;
    }
    for argument in arguments {
        match argument {
            Argument::Good(text) => found.good.push(text),
            Argument::Bad(text) => found.bad.push(text),
            Argument::Neutral(text) | Argument::Other(text) => found.neutral.push(text),
            Argument::Rejected(text) => found.neutral.push(format!("Rejected, because {text}")),
            Argument::Score(score) => found.neutral.push(format!("Score: {score}")),
        }
    }
    found
}

/// The entries of a list that is of one kind by its heading.
pub fn bare(text: &str) -> Vec<String> {
    let said = pieces(text).into_iter().map(Piece::into_text);
    said.map(|text| match argument(&text) {
        Argument::Good(why) | Argument::Bad(why) => why,
        _ => text,
    })
    .collect()
}

/// What speaks for and against each option goes to it; what is no argument is given back.
pub fn read(text: &str, options: &mut Vec<DecisionOption>) -> Vec<AdrSection> {
    let found: Vec<Heading> = headings(text, 0).into_iter().filter(|heading| heading.level <= 3).collect();
    let first = found.first().map_or(text.len(), |heading| heading.at.start);
    let heading = Part::Arguments.heading(AdrForm::Madr);
    let mut kept: Vec<AdrSection> = keep(heading, &text[..first]).into_iter().collect();
    for (i, heading) in found.iter().enumerate() {
        let end = found.get(i + 1).map_or(text.len(), |next| next.at.start);
        kept.extend(option(&heading.words, &text[heading.at.end..end], options));
    }
    kept
}

fn keep(heading: &str, text: &str) -> Option<AdrSection> {
    let text = trim_blank(text);
    (!text.is_empty()).then(|| AdrSection { heading: heading.to_owned(), text: text.to_owned() })
}

/// A list with another mark than that of arguments, so that it never runs into theirs.
fn dashes(entries: &[Argument]) -> String {
    let lines = entries.iter().filter_map(|entry| match entry {
        Argument::Other(text) => Some(format!("- {}", text.replace('\n', "\n  "))),
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn option(name: &str, text: &str, options: &mut Vec<DecisionOption>) -> Option<AdrSection> {
    let mut found = DecisionOption::titled(name);
    let mut prose: Vec<String> = Vec::new();
    for group in groups(text) {
        let entries: Vec<Argument> = match group.as_slice() {
            [Piece::Prose(text)] => {
                prose.push(text.clone());
                continue;
            }
            _ => group.into_iter().map(|piece| argument(&piece.into_text())).collect(),
        };
        // A list that argues nowhere is an example or the like.
        if entries.iter().all(|entry| matches!(entry, Argument::Other(_))) {
            prose.push(dashes(&entries));
            continue;
        }
        for entry in entries {
            match entry {
                Argument::Good(text) => found.pros.push(text),
                Argument::Bad(text) => found.cons.push(text),
                Argument::Neutral(text) | Argument::Other(text) => found.neutral.push(text),
                Argument::Rejected(why) => found.rejected_because = Some(why),
                Argument::Score(score) => found.score = Some(score),
            }
        }
    }
    let at = meant(name, options);
    if at.is_none() && found == DecisionOption::titled(name) {
        return keep(name, text);
    }
    let at = at.unwrap_or_else(|| {
        options.push(DecisionOption::titled(name));
        options.len() - 1
    });
    let option = &mut options[at];
    option.pros.extend(found.pros);
    option.cons.extend(found.cons);
    option.neutral.extend(found.neutral);
    option.score = option.score.or(found.score);
    option.rejected_because = option.rejected_because.take().or(found.rejected_because);
    keep(&option.title, &prose.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn consequences_are_sorted_where_they_say_so() {
        let sorted =
            consequences("Some.\n\n* Good, because a\n* Bad because b\n* neutral, because\n  c\n* d");
        assert_eq!(
            sorted,
            Consequences { good: texts(&["a"]), bad: texts(&["b"]), neutral: texts(&["Some.", "c", "d"]) }
        );
        let prose = "* Goodness\n\nGood, because not in a list";
        assert_eq!(consequences(prose), Consequences { neutral: texts(&[prose]), ..Consequences::default() });
        assert_eq!(consequences(""), Consequences::default());
        assert_eq!(bare("* Good, because a\n* b"), texts(&["a", "b"]));
    }

    #[test]
    fn arguments_go_to_their_option_and_prose_is_kept() {
        let mut options = vec![DecisionOption::titled("[A](x)"), DecisionOption::titled("B")];
        let kept = read(
            "Intro.\n\n### A\n\nExample:\n\n```\n### no heading\n```\n\n* Good, because g\n* ok\n* Score: 2.5\n\n#### Deeper\n\n* e\n  f\n\n- Bad, because b\n\n### C\n\n* Rejected, because r\n\n### D\n\nOnly words.",
            &mut options,
        );
        assert_eq!(
            options,
            [
                DecisionOption {
                    pros: texts(&["g"]),
                    cons: texts(&["b"]),
                    neutral: texts(&["ok"]),
                    score: Some(2.5),
                    ..DecisionOption::titled("[A](x)")
                },
                DecisionOption::titled("B"),
                DecisionOption { rejected_because: Some("r".into()), ..DecisionOption::titled("C") },
            ]
        );
        let kept: Vec<_> = kept.iter().map(|kept| (kept.heading.as_str(), kept.text.as_str())).collect();
        assert_eq!(
            kept,
            [
                ("Pros and Cons of the Options", "Intro."),
                ("[A](x)", "Example:\n\n```\n### no heading\n```\n\n#### Deeper\n\n- e\n  f"),
                ("D", "Only words."),
            ]
        );
    }
}
