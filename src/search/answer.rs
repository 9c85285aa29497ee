//! Answers: found chunks as hits a person can read, and why each is where it is, in words.

use super::{
    document::{Place, Shown},
    plan::Plan,
    rank::{Found, Key, Ranked},
    shard::{IndexError, Seat},
    snippet::{Matcher, snippet},
};
use crate::{
    door::{Explanation, Hit, Legs, SearchAnswer, TOTAL_EXACT_MAX, TermWorth},
    model::{Fault, Id, Time},
};

/// The legs' answer to `plan` as the door gives it; `more` when the last hit is not the last there is.
pub(super) fn answer(
    seats: &[Seat<'_>],
    plan: &Plan,
    ranked: &Ranked,
    explain: bool,
    more: bool,
) -> Result<SearchAnswer, IndexError> {
    let matcher = Matcher::of(plan, &ranked.terms);
    let mut results = Vec::with_capacity(ranked.found.len());
    for found in &ranked.found {
        results.push(hit(seats, plan, ranked, &matcher, found, explain)?);
    }
    let last = ranked.found.last().filter(|_| more);
    Ok(SearchAnswer {
        results,
        total: ranked.total.min(TOTAL_EXACT_MAX),
        total_at_least: ranked.total > TOTAL_EXACT_MAX,
        legs_used: vec!["lexical".to_owned()],
        degraded_reasons: plan.left_out.clone(),
        cursor: last.map(|last| print_cursor(last.key)),
        ..SearchAnswer::default()
    })
}

fn hit(
    seats: &[Seat<'_>],
    plan: &Plan,
    ranked: &Ranked,
    matcher: &Matcher<'_>,
    found: &Found,
    explain: bool,
) -> Result<Hit, IndexError> {
    let seat = &seats[found.shard];
    let shown = seat.shard.shown(found.chunk)?;
    let mut matched = vec![false; plan.words.len()];
    let mut mark = |term: usize| matched[plan.terms[term].word] = true;
    let snippet = snippet(&shown.text, matcher, |term| ranked.terms[term].worth, &mut mark);
    shown.each_text(|place, text, _| {
        if place != Place::Body {
            matcher.each(text, |term, _| mark(term));
        }
    });
    let words = plan.words.iter().zip(matched).filter(|(_, matched)| *matched);
    let length = seat.shard.table().length[found.chunk as usize];
    Ok(Hit {
        id: shown.id,
        kind: "memory".to_owned(),
        snippet: snippet.text,
        highlights: snippet.highlights,
        score: found.key.score,
        legs: Legs { lexical: found.key.score },
        matched_terms: words.map(|(word, _)| word.clone()).collect(),
        explain: explain.then(|| explanation(&shown, length, plan, ranked, matcher)),
        heading: shown.heading,
        title: shown.title,
        memory_type: shown.kind,
        project: shown.project,
        tags: shown.tags,
        status: shown.status,
        updated_at: shown.updated_at,
    })
}

const PLACES: [Place; 4] = [Place::Title, Place::Headings, Place::Tags, Place::Body];

fn explanation(
    shown: &Shown,
    length: u32,
    plan: &Plan,
    ranked: &Ranked,
    matcher: &Matcher<'_>,
) -> Explanation {
    let mut counts = vec![[0u32; PLACES.len()]; plan.terms.len()];
    shown.each_text(|place, text, weight| {
        let at = PLACES.iter().position(|other| *other == place).unwrap_or_default();
        matcher.each(text, |term, _| counts[term][at] += weight);
    });
    let mut explanation = Explanation::default();
    for ((term, scored), counts) in plan.terms.iter().zip(&ranked.terms).zip(counts) {
        let count: u32 = counts.iter().sum();
        if count == 0 {
            continue;
        }
        let worth = scored.score(count as f32, length, ranked.mean_length);
        let held = PLACES.iter().zip(counts).filter(|(_, count)| *count > 0);
        let mut places = Vec::new();
        for (place, part) in held {
            places.push(place.word());
            explanation.terms.push(TermWorth {
                term: term.shown.clone(),
                field: place.word().to_owned(),
                worth: worth * part as f32 / count as f32,
                documents: scored.documents,
            });
        }
        explanation.words.push(format!(
            "“{}” in the {}, {} of {} memories {} it, worth {worth:.1}",
            term.shown,
            listed(&places),
            thousands(scored.documents),
            thousands(ranked.memories),
            if scored.documents == 1 { "holds" } else { "hold" },
        ));
    }
    if explanation.words.is_empty() {
        explanation.words.push("no word of the query ranks; the newest come first".to_owned());
    }
    explanation
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[&str]) -> String {
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Where a page ended: `s1.<bits of the score>.<updated_at>.<id>`.
fn print_cursor(key: Key) -> String {
    format!("s1.{:08x}.{}.{}", key.score.to_bits(), key.updated_at.unix_ms(), key.id)
}

pub(super) fn parse_cursor(text: &str) -> Result<Key, Fault> {
    let parse = || {
        let mut parts = text.strip_prefix("s1.")?.splitn(3, '.');
        let score = f32::from_bits(u32::from_str_radix(parts.next()?, 16).ok()?);
        let updated_at = Time::from_unix_ms(parts.next()?.parse().ok()?);
        let id: Id = parts.next()?.parse().ok()?;
        score.is_finite().then_some(Key { score, updated_at, id })
    };
    parse().ok_or_else(|| {
        Fault::invalid(format!("{text:?} is not a cursor of a search"))
            .hint("pass back the `cursor` of an answer, with the same query")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nothing_else_does() {
        let key = Key { score: 3.25, updated_at: Time::from_unix_ms(-5), id: Id::from_bytes([9; 16]) };
        assert_eq!(parse_cursor(&print_cursor(key)).unwrap(), key);
        for bad in ["", "s1", "s1.0.0.x", "s2.0.0.0", "s1.7fc00000.0.00000000-0000-0000-0000-000000000000"] {
            assert!(parse_cursor(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_and_lists_in_words() {
        assert_eq!(
            (thousands(7), thousands(4_354), thousands(1_000_000)),
            ("7".into(), "4,354".into(), "1,000,000".into())
        );
        assert_eq!((listed(&["a"]), listed(&["a", "b", "c"])), ("a".into(), "a, b and c".into()));
    }
}
