//! Snippets: plain text around the densest matched terms of a chunk, with where they stand.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};
use rustc_hash::FxHashMap;

use super::{
    analysis::{self, Token},
    document::{is_word, stem_term},
    plan::{Plan, What},
    rank::Scored,
};

/// Bytes of plain text, besides the dots where it is cut.
const SNIPPET_BYTES_MAX: usize = 240;
/// Bytes shown before the first match, where it is not near the start.
const LEAD_BYTES: usize = 48;
/// A term worth less than this part of the loudest one is not lit: an "a" beside what was asked for.
const LOUD: f32 = 0.12;
/// Matches of a chunk that are looked at.
const MATCHES_MAX: usize = 500;

/// Tells which of a plan's terms a token of a text is.
pub(super) struct Matcher<'a> {
    stems: FxHashMap<&'a str, usize>,
    words: FxHashMap<&'a str, usize>,
    completions: FxHashMap<&'a str, usize>,
}

impl<'a> Matcher<'a> {
    pub(super) fn of(plan: &'a Plan, scored: &'a [Scored]) -> Matcher<'a> {
        let mut matcher = Matcher {
            stems: FxHashMap::default(),
            words: FxHashMap::default(),
            completions: FxHashMap::default(),
        };
        for (i, term) in plan.terms.iter().enumerate() {
            match &term.what {
                What::Stem(stem) => drop(matcher.stems.insert(stem, i)),
                What::Word(word) => drop(matcher.words.insert(word, i)),
                What::Prefix(_) => {}
            }
        }
        for (i, scored) in scored.iter().enumerate() {
            matcher.completions.extend(scored.completions.iter().map(|word| (word.as_str(), i)));
        }
        matcher
    }

    /// Hands on each term of the plan that stands in the text, as often as it does.
    pub(super) fn each(&self, text: &str, mut then: impl FnMut(usize, Range<usize>)) {
        analysis::analyse(text, |token: Token<'_>| {
            let stem = stem_term(token.kind, token.text, |stem| self.stems.get(stem).copied());
            let word = Some(token.text).filter(|_| is_word(token.kind));
            let typed = word.and_then(|word| self.words.get(word));
            let completion = word.and_then(|word| self.completions.get(word));
            for term in stem.iter().chain(typed).chain(completion) {
                then(*term, token.span.clone());
            }
        });
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Snippet {
    pub text: String,
    pub highlights: Vec<Range<usize>>,
}

/// The part of a chunk where most of what the query is worth stands together. `matched` hears of every term found.
pub(super) fn snippet(
    markdown: &str,
    matcher: &Matcher<'_>,
    worth: impl Fn(usize) -> f32,
    mut matched: impl FnMut(usize),
) -> Snippet {
    let text = plain(markdown);
    let mut matches: Vec<(usize, Range<usize>)> = Vec::new();
    matcher.each(&text, |term, span| {
        matched(term);
        if matches.len() < MATCHES_MAX {
            matches.push((term, span));
        }
    });
    matches.sort_by_key(|(_, span)| span.start);
    let window = window(&text, &matches, &worth);
    let mut snippet = Snippet::default();
    if window.start > 0 {
        snippet.text.push('…');
    }
    let shift = snippet.text.len();
    snippet.text.push_str(&text[window.clone()]);
    if window.end < text.len() {
        snippet.text.push('…');
    }
    let loudest = matches.iter().map(|(term, _)| worth(*term)).fold(0.0, f32::max);
    for (term, span) in matches {
        let is_loud = worth(term) >= LOUD * loudest;
        if is_loud && span.start >= window.start && span.end <= window.end {
            let span = span.start - window.start + shift..span.end - window.start + shift;
            match snippet.highlights.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => snippet.highlights.push(span),
            }
        }
    }
    snippet
}

/// The bytes of `text` to show: those from some match on whose distinct terms are worth most, a repetition a little.
fn window(text: &str, matches: &[(usize, Range<usize>)], worth: impl Fn(usize) -> f32) -> Range<usize> {
    if text.len() <= SNIPPET_BYTES_MAX {
        return 0..text.len();
    }
    let mut inside: FxHashMap<usize, usize> = FxHashMap::default();
    let (mut end, mut sum) = (0, 0.0);
    let (mut best, mut best_start) = (0.0, 0);
    let gain = |term: usize, times: usize| if times == 0 { worth(term) } else { 0.05 * worth(term) };
    for (first, span) in matches.iter() {
        let room = SNIPPET_BYTES_MAX - LEAD_BYTES;
        while let Some((term, _)) = matches.get(end).filter(|(_, other)| other.end <= span.start + room) {
            let times = inside.entry(*term).or_default();
            sum += gain(*term, *times);
            *times += 1;
            end += 1;
        }
        if sum > best + 1e-4 {
            (best, best_start) = (sum, span.start);
        }
        if let Some(times) = inside.get_mut(first).filter(|times| **times > 0) {
            *times -= 1;
            sum -= gain(*first, *times);
        } else {
            // A match longer than the room; it was never inside.
            end += 1;
        }
    }
    let start = best_start.saturating_sub(LEAD_BYTES);
    let start = start.min(text.len().saturating_sub(SNIPPET_BYTES_MAX));
    let start = if start == 0 { 0 } else { word_start(text, start, best_start) };
    let end = word_end(text, (start + SNIPPET_BYTES_MAX).min(text.len()));
    start..end.max(start)
}

/// The first word's start at or after `at`, not past `must`.
fn word_start(text: &str, at: usize, must: usize) -> usize {
    let at = (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    match text[at..].find(' ').map(|space| at + space + 1) {
        Some(start) if start <= must => start,
        _ => at.min(must),
    }
}

/// The last word's end at or before `at`, if one is near.
fn word_end(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..at].rfind(' ').filter(|space| at - space < 32).unwrap_or(at)
}

/// Markdown as a person would read it aloud: no markup, no link targets, one line.
fn plain(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut plain = String::with_capacity(markdown.len());
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                push_in_line(&mut plain, &text);
            }
            Event::Start(
                Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. },
            )
            | Event::End(
                pulldown_cmark::TagEnd::Emphasis
                | pulldown_cmark::TagEnd::Strong
                | pulldown_cmark::TagEnd::Strikethrough
                | pulldown_cmark::TagEnd::Link
                | pulldown_cmark::TagEnd::Image,
            ) => {}
            _ => push_in_line(&mut plain, " "),
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// Appends text with every run of white space as one space, and none at the start.
fn push_in_line(line: &mut String, text: &str) {
    for c in text.chars() {
        if !c.is_whitespace() {
            line.push(c);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        model::{MemoryFilter, Projects, Time, TimeWords},
        search::{
            plan::Given,
            query::{Query, Typed},
        },
    };

    fn of(query: &str, markdown: &str) -> Snippet {
        let words = TimeWords { now: Time::default(), zone: crate::model::Zone::UTC };
        let (filter, wall) = (MemoryFilter::default(), Projects::All);
        let given =
            Given { text: query, filter: &filter, wall: &wall, words, typed: Typed::Whole, weighted: false };
        let plan = Plan::of(&Query::parse(query, Typed::Whole).unwrap(), given).unwrap();
        snippet(markdown, &Matcher::of(&plan, &[]), |_| 1.0, |_| {})
    }

    /// Matches in brackets.
    #[track_caller]
    fn check(query: &str, markdown: &str, expected: &str) {
        let snippet = of(query, markdown);
        let mut seen = snippet.text.clone();
        for span in snippet.highlights.iter().rev() {
            seen.insert(span.end, ']');
            seen.insert(span.start, '[');
        }
        assert_eq!(seen, expected);
    }

    #[test]
    fn markup_is_reduced_and_matches_are_marked() {
        check(
            "deploys read_to locks",
            "The **deploy** of [the lock](http://x) calls `fs::read_to_string`\n\n- Vec<String> *locked*",
            "The [deploy] of the [lock] calls fs::[read]_[to]_string Vec<String> [locked]",
        );
        check("検索", "全文検索エンジン", "全文[検索]エンジン");
        check("none", "", "");
    }

    #[test]
    fn the_densest_part_of_a_long_text_is_shown() {
        let far =
            format!("lock {} the lock is held by the hub {}", "other words ".repeat(60), "more ".repeat(90));
        let snippet = of("lock held hub", &far);
        assert!(snippet.text.starts_with('…') && snippet.text.ends_with('…'), "{}", snippet.text);
        assert!(snippet.text.contains("the lock is held by the hub"), "{}", snippet.text);
        assert_eq!(snippet.highlights.len(), 3);
    }

    proptest! {
        #[test]
        fn highlights_stand_in_the_snippet(
            query in "[a-c]{1,2}( [a-c]{1,2}){0,3}",
            markdown in "([a-c]{1,2}|[ \n*`é検…]|[a-z]{300}){0,200}",
        ) {
            let snippet = of(&query, &markdown);
            prop_assert!(snippet.text.len() <= SNIPPET_BYTES_MAX + 6);
            let mut end = 0;
            for span in &snippet.highlights {
                prop_assert!(span.start >= end && span.start < span.end);
                prop_assert!(snippet.text.get(span.clone()).is_some());
                end = span.end;
            }
        }
    }
}
