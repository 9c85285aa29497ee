//! Why a hit is where it is: sentences first, the numbers behind them after.

use ratatui::text::{Line, Span};

use crate::{
    console::{scene::Scene, text, theme::Role},
    door::{Explanation, Hit, Legs, Ranks},
    model::Time,
};

const BAR_WIDTH: usize = 12;
/// Narrower, the bars go and the numbers stay.
const BAR_ROOM: usize = 58;
/// From so many hits on, being newer than most of them says something.
const HITS_MIN: usize = 4;

#[derive(Debug, Clone)]
pub enum Explained {
    /// No query ranks it.
    Recent,
    Hit {
        score: f32,
        legs: Legs,
        explain: Explanation,
        /// Of the hits it was found with, those that are older, and all others.
        older: (usize, usize),
        /// Where several hubs are merged.
        rank: Option<Rank>,
    },
}

/// A hit's place among those of its hub, from 1.
#[derive(Debug, Clone)]
pub struct Rank {
    pub place: usize,
    pub hub: String,
}

impl Rank {
    fn words(&self) -> String {
        let Rank { place, hub } = self;
        format!(
            "hit {place} of {hub}; hits of several hubs stand by their places there, for scores of different hubs do not \
            compare"
        )
    }
}

impl Explained {
    /// `hits`: when each hit of the same answer was changed last, this one's among them.
    pub fn hit(hit: Hit, hits: &[Time], rank: Option<Rank>) -> Explained {
        let older = hits.iter().filter(|time| **time < hit.updated_at).count();
        Explained::Hit {
            score: hit.score,
            legs: hit.legs,
            explain: hit.explain.unwrap_or_default(),
            older: (older, hits.len().saturating_sub(1)),
            rank,
        }
    }

    pub fn lines(&self, width: usize, scene: &Scene) -> Vec<Line<'static>> {
        match self {
            Explained::Recent => {
                sentence("No query ranks it: it is here because it is recent.", width, scene)
            }
            Explained::Hit { score, legs, explain, older, rank } => {
                let mut lines = Vec::new();
                lines.extend(rank.iter().flat_map(|rank| sentence(&rank.words(), width, scene)));
                for words in &explain.words {
                    lines.extend(sentence(words, width, scene));
                }
                lines.extend(age(*older).iter().flat_map(|words| sentence(words, width, scene)));
                lines.push(Line::default());
                lines.extend(legs_table(*score, legs, explain.ranks, scene));
                lines.extend(terms_table(explain, width, scene));
                lines
            }
        }
    }
}

fn age((older, others): (usize, usize)) -> Option<String> {
    if others < HITS_MIN {
        return None;
    }
    let said = match older {
        older if older == others => "newer than all".to_owned(),
        0 => "older than all".to_owned(),
        older if older * 2 > others => format!("newer than {older}"),
        older => format!("older than {}", others - older),
    };
    Some(format!("{said} of the {others} hits beside it"))
}

/// A sentence with a capital and a stop, what it quotes in bold.
fn sentence(words: &str, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let words = text::escape_line(words);
    let mut chars = words.chars();
    let mut said: String = chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    if !said.ends_with(['.', '!', '?']) {
        said.push('.');
    }
    let plain = scene.theme.style(Role::Text);
    let strong = scene.theme.style(Role::Strong);
    let mut quoted = false;
    let lines = text::wrap(&said, width.saturating_sub(2).max(1)).into_iter().enumerate();
    lines
        .map(|(at, line)| {
            let mark = if at == 0 { scene.theme.glyph(Role::Bullet) } else { "" };
            let mut spans = vec![Span::styled(text::pad(mark, 2), scene.theme.style(Role::Bullet))];
            for piece in line.split_inclusive(['“', '”']) {
                // The marks themselves stay as the text is.
                let (inner, mark) = match piece.char_indices().next_back() {
                    Some((at, '“' | '”')) => piece.split_at(at),
                    _ => (piece, ""),
                };
                spans.push(Span::styled(inner.to_owned(), if quoted { strong } else { plain }));
                spans.push(Span::styled(mark.to_owned(), plain));
                quoted = match mark {
                    "“" => true,
                    "”" => false,
                    _ => quoted,
                };
            }
            spans.retain(|span| !span.content.is_empty());
            Line::from(spans)
        })
        .collect()
}

/// What each leg gave, and its place there.
fn legs_table(score: f32, legs: &Legs, ranks: Ranks, scene: &Scene) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let rank = |rank: Option<usize>| rank.map_or(String::new(), |rank| text::count(rank as u64));
    let mut rows = vec![("words", format!("{:.2}", legs.lexical), rank(ranks.lexical))];
    rows.extend(legs.vector.map(|cosine| ("meaning", format!("{cosine:.2}"), rank(ranks.vector))));
    rows.extend(legs.rerank.map(|met| ("read again", format!("{met:.2}"), String::new())));
    rows.extend(legs.prior.map(|prior| ("prior", format!("{prior:+.3}"), String::new())));
    let mut lines =
        vec![Line::styled(format!("{:<16}{:>7}{:>8}", "leg", "score", "rank"), theme.style(Role::Muted))];
    lines.extend(rows.into_iter().map(|(leg, score, rank)| {
        Line::from(vec![
            Span::styled(format!("{leg:<16}"), theme.style(Role::Strong)),
            Span::styled(format!("{score:>7}"), theme.style(Role::Text)),
            Span::styled(format!("{rank:>8}"), theme.style(Role::Muted)),
        ])
    }));
    lines.push(Line::from(vec![
        Span::styled(format!("{:<16}", "together"), theme.style(Role::Strong)),
        Span::styled(format!("{score:>7.2}"), theme.style(Role::Accent)),
    ]));
    lines
}

fn terms_table(explain: &Explanation, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    if explain.terms.is_empty() {
        return Vec::new();
    }
    let theme = scene.theme;
    let bar = if theme.ascii() { "=" } else { "━" };
    let bar_width = if width >= BAR_ROOM { BAR_WIDTH } else { 0 };
    let head = format!("{:<16} {:<9}{:<bar_width$}{:>7}{:>11}", "term", "in", "", "worth", "documents");
    let mut lines = vec![Line::default(), Line::styled(head, theme.style(Role::Muted))];
    let most = explain.terms.iter().map(|term| term.worth).fold(f32::EPSILON, f32::max);
    for term in &explain.terms {
        let filled = ((term.worth / most) * bar_width as f32).round().clamp(0.0, bar_width as f32) as usize;
        let name = text::pad(&text::cut(&text::escape_line(&term.term), 16), 17);
        lines.push(Line::from(vec![
            Span::styled(name, theme.style(Role::Strong)),
            Span::styled(text::pad(&text::escape_line(&term.field), 9), theme.style(Role::Text)),
            Span::styled(bar.repeat(filled), theme.style(Role::Score)),
            Span::styled(bar.repeat(bar_width - filled), theme.style(Role::ScoreRest)),
            Span::styled(format!("{:>7.2}", term.worth), theme.style(Role::Text)),
            Span::styled(format!("{:>11}", text::count(term.documents)), theme.style(Role::Muted)),
        ]));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_is_said_where_it_says_something() {
        assert_eq!(age((2, 3)), None);
        assert_eq!(age((9, 9)).unwrap(), "newer than all of the 9 hits beside it");
        assert_eq!(age((6, 9)).unwrap(), "newer than 6 of the 9 hits beside it");
        assert_eq!(age((2, 9)).unwrap(), "older than 7 of the 9 hits beside it");
        assert_eq!(age((0, 9)).unwrap(), "older than all of the 9 hits beside it");
    }
}
