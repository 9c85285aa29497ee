//! Answers: found chunks as hits a person can read, and why each is where it is, in words.

use super::{
    both,
    document::{Place, Shown},
    hybrid::Placed,
    plan::{Plan, What},
    rank::{Key, Ranked},
    shard::{IndexError, Seat},
    snippet::{Matcher, snippet},
};
use crate::{
    door::{Explanation, Hit, Legs, Ranks, SearchAnswer, TOTAL_EXACT_MAX, TermWorth},
    model::{Fault, Id, Time},
};

/// A page of hits as the door gives it.
pub(super) fn answer(
    seats: &[Seat<'_>],
    plan: &Plan,
    ranked: &Ranked,
    page: &[Placed],
    explain: bool,
) -> Result<SearchAnswer, IndexError> {
    let matcher = Matcher::of(plan, &ranked.terms);
    let hits = |page: &[Placed]| -> Result<Vec<Hit>, IndexError> {
        page.iter().map(|placed| hit(seats, plan, ranked, &matcher, placed, explain)).collect()
    };
    let (first, second) = page.split_at(page.len() / 2);
    let (first, second) = both(|| hits(first), || hits(second));
    let mut results = first?;
    results.extend(second?);
    Ok(SearchAnswer {
        results,
        total: ranked.total.min(TOTAL_EXACT_MAX),
        total_at_least: ranked.total > TOTAL_EXACT_MAX,
        legs_used: vec!["lexical".to_owned()],
        degraded_reasons: plan.left_out.clone(),
        ..SearchAnswer::default()
    })
}

fn hit(
    seats: &[Seat<'_>],
    plan: &Plan,
    ranked: &Ranked,
    matcher: &Matcher<'_>,
    placed: &Placed,
    explain: bool,
) -> Result<Hit, IndexError> {
    let Placed { found, legs, ranks, alike } = placed;
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
        kind: shown.record,
        // A heading with nothing under it is all there is to show.
        snippet: if snippet.text.is_empty() { shown.heading.clone() } else { snippet.text },
        highlights: snippet.highlights,
        score: found.key.score,
        legs: *legs,
        matched_terms: words.map(|(word, _)| word.clone()).collect(),
        explain: explain.then(|| explanation(&shown, length, plan, ranked, matcher, (legs, *ranks))),
        heading: shown.heading,
        title: shown.title,
        memory_type: shown.kind,
        project: shown.project,
        tags: shown.tags,
        status: shown.status,
        updated_at: shown.updated_at,
        url: shown.url,
        alike: alike.clone(),
    })
}

const PLACES: [Place; 4] = [Place::Title, Place::Headings, Place::Tags, Place::Body];

/// What a word of the query gave a hit: all its terms together.
struct Given<'a> {
    shown: &'a str,
    documents: u64,
    worth: [f32; PLACES.len()],
}

fn explanation(
    shown: &Shown,
    length: u32,
    plan: &Plan,
    ranked: &Ranked,
    matcher: &Matcher<'_>,
    (legs, ranks): (&Legs, Ranks),
) -> Explanation {
    let mut counts = vec![[0u32; PLACES.len()]; plan.terms.len()];
    shown.each_text(|place, text, weight| {
        let at = PLACES.iter().position(|other| *other == place).unwrap_or_default();
        matcher.each(text, |term, _| {
            let is_stem = matches!(plan.terms[term].what, What::Stem(_));
            counts[term][at] += if is_stem { weight } else { 1 };
        });
    });
    let mut given: Vec<Given<'_>> = Vec::new();
    for ((term, scored), counts) in plan.terms.iter().zip(&ranked.terms).zip(counts) {
        let count = counts.iter().sum::<u32>() as f32;
        if count == 0.0 {
            continue;
        }
        let worth = scored.score(count, length, ranked.mean_length);
        let worth = counts.map(|part| worth * part as f32 / count);
        match given.iter_mut().find(|given| given.shown == term.shown) {
            None => given.push(Given { shown: &term.shown, documents: scored.documents, worth }),
            Some(given) => {
                given.documents = given.documents.max(scored.documents);
                given.worth.iter_mut().zip(worth).for_each(|(sum, more)| *sum += more);
            }
        }
    }
    let words: Vec<_> = given.iter().map(|given| format!("“{}”", given.shown)).collect();
    let mut explanation = Explanation { ranks, ..Explanation::default() };
    explanation.words.extend(found_by(&words, ranked.total, legs, ranks));
    for Given { shown, documents, worth } in given {
        let held = PLACES.iter().zip(worth).filter(|(_, worth)| *worth > 0.0);
        explanation.terms.extend(held.clone().map(|(place, worth)| TermWorth {
            term: shown.to_owned(),
            field: place.word().to_owned(),
            worth,
            documents,
        }));
        let places: Vec<_> = held.map(|(place, _)| place.word()).collect();
        explanation.words.push(format!(
            "“{shown}” in the {}, {} of {} memories {} it, worth {:.1}",
            listed(&places),
            thousands(documents),
            thousands(ranked.memories),
            if documents == 1 { "holds" } else { "hold" },
            worth.iter().sum::<f32>(),
        ));
    }
    if explanation.words.is_empty() && legs.vector.is_none() {
        explanation.words.push("no word of the query ranks; the newest come first".to_owned());
    }
    explanation.words.extend(in_meaning(legs));
    explanation
}

/// Which legs found a hit, and how high each put it.
fn found_by(words: &[String], total: usize, legs: &Legs, ranks: Ranks) -> Option<String> {
    let mut by = Vec::new();
    if !words.is_empty() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let one = if words.len() == 1 { "word" } else { "words" };
        let rank = ranks.lexical.map_or(String::new(), |rank| {
            format!(" (rank {} of {})", thousands(rank as u64), thousands(total.max(rank) as u64))
        });
        by.push(format!("by the {one} {}{rank}", listed(&words)));
    }
    if let (Some(_), Some(rank)) = (legs.vector, ranks.vector) {
        by.push(format!("by meaning (rank {})", thousands(rank as u64)));
    }
    let by: Vec<&str> = by.iter().map(String::as_str).collect();
    (!by.is_empty()).then(|| format!("found {}", by.join(", and ")))
}

/// What meaning made of a hit, in words.
fn in_meaning(legs: &Legs) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(cosine) = legs.vector {
        let near = match cosine {
            0.6.. => "very near",
            0.4.. => "near",
            0.25.. => "somewhat near",
            _ => "far",
        };
        let alone = if legs.lexical > 0.0 { "" } else { ", though no word of it is among the best" };
        words.push(format!("{near} in meaning: {cosine:.2} of 1{alone}"));
    }
    if let Some(met) = legs.rerank {
        words.push(format!("read again, its words meet those of the query by {:.0} %", met * 100.0));
    }
    if let Some(prior) = legs.prior.filter(|prior| prior.abs() >= 0.001) {
        let why = if prior > 0.0 { "recent or important" } else { "of little importance" };
        words.push(format!("{why}: {prior:+.3}"));
    }
    words
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
pub(super) fn print_cursor(key: Key) -> String {
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

/// How many hits the pages before held: `h1.<count>`.
pub(super) fn print_offset(offset: usize) -> String {
    format!("h1.{offset}")
}

pub(super) fn parse_offset(text: &str) -> Option<usize> {
    text.strip_prefix("h1.")?.parse().ok()
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
    fn what_found_a_hit_is_said_first() {
        let said = |words: &[&str], vector, ranks| {
            let words: Vec<_> = words.iter().map(|word| format!("“{word}”")).collect();
            found_by(&words, 38, &Legs { vector, ..Legs::default() }, ranks)
        };
        let ranks = |lexical, vector| Ranks { lexical, vector };
        assert_eq!(
            said(&["deploy", "lock"], Some(0.5), ranks(Some(2), Some(5))).unwrap(),
            "found by the words “deploy” and “lock” (rank 2 of 38), and by meaning (rank 5)"
        );
        assert_eq!(said(&["lock"], None, ranks(None, None)).unwrap(), "found by the word “lock”");
        assert_eq!(said(&[], Some(0.5), ranks(None, Some(1))).unwrap(), "found by meaning (rank 1)");
        assert_eq!(said(&[], None, ranks(None, None)), None);
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
