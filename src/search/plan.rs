//! A plan: what a query means, as terms that rank, phrases and exclusions that hold or not, and facets that filter.
//!
//! Made from the query's tree, the request's filter and the caller's wall; knows nothing of shards. Work is bounded
//! here: however long the query, at most [`TERMS_MAX`] terms rank.

use super::{
    analysis::{self, Kind},
    document::{facet, stem_term},
    meaning::weights,
    query::{Field, Query, QueryError, Term, Typed, error_at, nearest},
};
use crate::{
    door::RecordKind,
    model::{DecisionStatus, Id, MemoryFilter, Project, Projects, Status, Time, TimeWords},
};

/// Further terms of a query do not rank; the answer says so.
const TERMS_MAX: usize = 128;
/// Further phrases and exclusions are refused: each is a walk over positions.
const PHRASES_MAX: usize = 16;

/// What a term's pieces are worth beside the run that joins them.
const PIECE_OF_WHOLE: f32 = 0.6;
const PART_OF_PIECE: f32 = 0.3;
/// What the form as typed adds to its stem: `deploys` first finds `deploys`. Measured on Cranfield, CACM and LoCoMo: mean
/// NDCG@10 .4255 without, .4293 with .1, .4254 with .2.
const AS_TYPED: f32 = 0.1;
/// What the completions of an unfinished word are worth beside the word itself.
const UNFINISHED: f32 = 0.5;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// Words that rank, as typed: what `matched_terms` and explanations speak of.
    pub words: Vec<String>,
    pub terms: Vec<Ranking>,
    pub phrases: Vec<Vec<String>>,
    pub nots: Vec<Not>,
    pub sieve: Sieve,
    /// A memory: what is near it in meaning is asked for.
    pub like: Option<Id>,
    /// What of the query was not used, in words.
    pub left_out: Vec<String>,
    /// It asks for words, and none of them can be searched for.
    pub hopeless: bool,
}

/// A term that ranks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranking {
    /// Which of the plan's words it comes from.
    pub word: usize,
    /// As typed.
    pub shown: String,
    pub weight: f32,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A term of the stem field.
    Stem(String),
    /// A term of the word field.
    Word(String),
    /// Every term of the word field that begins so, as one.
    Prefix(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Not {
    Stem(String),
    Phrase(Vec<String>),
}

/// What filters: for each of `all` one facet at least, none of `none`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Sieve {
    pub all: Vec<Vec<String>>,
    pub none: Vec<String>,
    /// Facets that begin so.
    pub begins: Option<String>,
    pub since: Option<Time>,
    pub until: Option<Time>,
}

/// What a request says beside the query's own text.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub text: &'a str,
    pub filter: &'a MemoryFilter,
    pub wall: &'a Projects,
    pub words: TimeWords,
    pub typed: Typed,
    /// Words count by what they say.
    pub weighted: bool,
}

impl Plan {
    pub(super) fn of(query: &Query, given: Given<'_>) -> Result<Plan, QueryError> {
        let mut plan = Plan { sieve: Sieve::of(query, given)?, like: like(query, given)?, ..Plan::default() };
        // It is like itself.
        plan.sieve.none.extend(plan.like.map(facet::id));
        let mut asked = false;
        for clause in &query.clauses {
            let last = clause.span.end == given.text.len();
            let unfinished = given.typed == Typed::SoFar && last && !clause.negated;
            match &clause.term {
                Term::Field { .. } => {}
                Term::Word(word) if clause.negated => plan.not(word),
                Term::Phrase(phrase) if clause.negated => plan.not(phrase),
                Term::Word(word) => {
                    asked = true;
                    plan.word(word, unfinished, given.weighted);
                }
                Term::Phrase(phrase) => {
                    asked = true;
                    let open =
                        unfinished && !given.text.ends_with('"') && !phrase.ends_with(char::is_whitespace);
                    plan.phrase(phrase, open, given.weighted);
                }
            }
            if plan.phrases.len() + plan.nots.len() > PHRASES_MAX {
                return Err(error_at(
                    given.text,
                    clause.span.clone(),
                    format!("more than {PHRASES_MAX} phrases and exclusions"),
                    "leave some out",
                ));
            }
        }
        plan.hopeless = asked && plan.terms.is_empty();
        if plan.hopeless {
            plan.left_out.push("nothing in the query is a word that can be searched for".to_owned());
        }
        Ok(plan)
    }

    /// Whether anything ranks; without, the newest come first.
    pub(super) fn ranks(&self) -> bool {
        !self.terms.is_empty()
    }

    fn word(&mut self, text: &str, unfinished: bool, weighted: bool) {
        let mut tokens = Vec::new();
        analysis::analyse(text, |token| tokens.push((token.kind, token.text.to_owned(), token.span)));
        if tokens.is_empty() {
            return;
        }
        let word = self.words.len();
        self.words.push(text.to_owned());
        let learned = if weighted && !unfinished { weights::of_word(text) } else { 1.0 };
        let end = tokens.iter().map(|(_, _, span)| span.end).max().unwrap_or_default();
        let whole = tokens.iter().filter(|(kind, ..)| *kind == Kind::Whole).map(|(_, _, span)| span.clone());
        let wholes: Vec<_> = whole.collect();
        for (kind, term, span) in tokens {
            let inside = |outer: &std::ops::Range<usize>| {
                *outer != span && outer.start <= span.start && span.end <= outer.end
            };
            let is_inside = wholes.iter().any(inside);
            let of_whole = if is_inside { PIECE_OF_WHOLE } else { 1.0 };
            let weight = learned
                * match kind {
                    // Its pairs rank for it.
                    Kind::Sign => continue,
                    Kind::Part => PART_OF_PIECE,
                    Kind::Piece | Kind::Pair | Kind::Whole => of_whole,
                };
            // Of `fs::read_t` the runs are completed; words with `t` say nothing of it.
            let last = span.end == end && (kind == Kind::Whole || kind == Kind::Piece && !is_inside);
            let shown = text[span].to_owned();
            let what = stem_term(kind, &term, |stem| What::Stem(stem.to_owned()));
            self.rank(Ranking { word, shown: shown.clone(), weight, what });
            if unfinished && last && text.len() == end && (word == 0 || says_something(&term)) {
                let (shown, what) = (format!("{shown}…"), What::Prefix(term));
                self.rank(Ranking { word, shown, weight: weight * UNFINISHED, what });
            } else if kind == Kind::Piece {
                self.rank(Ranking { word, shown, weight: weight * AS_TYPED, what: What::Word(term) });
            }
        }
    }

    fn rank(&mut self, new: Ranking) {
        if let Some(same) = self.terms.iter_mut().find(|term| term.what == new.what) {
            same.weight += new.weight;
        } else if self.terms.len() < TERMS_MAX {
            self.terms.push(new);
        } else if self.left_out.is_empty() {
            self.left_out.push(format!("only the first {TERMS_MAX} terms of the query were used"));
        }
    }

    fn phrase(&mut self, text: &str, open: bool, weighted: bool) {
        let words: Vec<&str> = text.split_whitespace().collect();
        for (i, word) in words.iter().enumerate() {
            self.word(word, open && i + 1 == words.len(), weighted);
        }
        let mut sequence = sequence(text);
        if open {
            sequence.pop();
        }
        if !sequence.is_empty() {
            self.phrases.push(sequence);
        }
    }

    fn not(&mut self, text: &str) {
        let mut sequence = sequence(text);
        match sequence.len() {
            0 => self.left_out.push(format!("-{text} excludes nothing: it holds no word")),
            1 if !text.contains(char::is_whitespace) => {
                let word = sequence.remove(0);
                analysis::stem(&word, |stem| self.nots.push(Not::Stem(stem.to_owned())));
            }
            _ => self.nots.push(Not::Phrase(sequence)),
        }
    }
}

/// What begins with one letter is every tenth word: beside other words it would only cost time. An ideograph is a word.
fn says_something(prefix: &str) -> bool {
    prefix.len() > 1
}

/// The memory that the query names as an example.
fn like(query: &Query, given: Given<'_>) -> Result<Option<Id>, QueryError> {
    let mut like = None;
    for clause in &query.clauses {
        let Term::Field { field: Field::Like, value } = &clause.term else { continue };
        let error = |message: String| {
            error_at(given.text, clause.span.clone(), message, Field::Like.example().to_owned())
        };
        let id = value.trim().parse().map_err(|_| error(format!("{} is no id", value.trim())))?;
        if clause.negated || like.replace(id).is_some() {
            return Err(error("one memory can be asked about at a time".to_owned()));
        }
    }
    Ok(like)
}

/// The words of a phrase, one for each position.
fn sequence(text: &str) -> Vec<String> {
    let mut sequence = Vec::new();
    analysis::analyse(text, |token| {
        if matches!(token.kind, Kind::Piece | Kind::Sign) {
            sequence.push(token.text.to_owned());
        }
    });
    sequence
}

impl Sieve {
    pub(super) fn of(query: &Query, given: Given<'_>) -> Result<Sieve, QueryError> {
        let Given { filter, wall, .. } = given;
        let mut sieve = Sieve { since: filter.since, until: filter.until, ..Sieve::default() };
        for projects in [wall, &filter.projects] {
            if let Projects::Only(list) = projects {
                sieve.all.push(list.iter().map(facet::project).collect());
            }
        }
        let any = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
        sieve.all.extend(any(filter.kinds.iter().map(|kind| facet::kind(kind)).collect()));
        sieve.all.extend(filter.tags.iter().map(|tag| vec![facet::tag(tag)]));
        sieve.all.extend(any(filter.statuses.iter().copied().map(facet::status).collect()));
        sieve.all.extend(filter.actor.as_deref().map(|actor| vec![facet::actor(actor)]));
        sieve.begins = filter.origin.as_deref().map(facet::origin);
        let asks_status = sieve.fields(query, given)? || !filter.statuses.is_empty();
        if !asks_status {
            let current = Status::ALL.into_iter().filter(|status| status.is_current());
            sieve.all.push(current.map(facet::status).collect());
        }
        Ok(sieve)
    }

    /// Takes in the query's own fields; answers whether it asks for a status.
    fn fields(&mut self, query: &Query, given: Given<'_>) -> Result<bool, QueryError> {
        let mut any_of: [(Field, Vec<String>); 6] =
            [Field::Kind, Field::Type, Field::Project, Field::Status, Field::By, Field::Id]
                .map(|field| (field, Vec::new()));
        for clause in &query.clauses {
            let Term::Field { field, value } = &clause.term else { continue };
            let value = value.trim();
            let error =
                |message: String, hint: String| error_at(given.text, clause.span.clone(), message, hint);
            if field.is_time() {
                let time = given
                    .words
                    .parse(value)
                    .map_err(|wrong| error(wrong.to_string(), field.example().to_owned()))?;
                match field {
                    Field::Before => self.until = Some(self.until.map_or(time, |until| until.min(time))),
                    _ => self.since = Some(self.since.map_or(time, |since| since.max(time))),
                }
                continue;
            }
            let facets = match field {
                Field::Kind => match RecordKind::parse(value) {
                    Some(kind) => vec![facet::record(kind)],
                    None => {
                        let words = RecordKind::ALL.map(RecordKind::word).join(" or ");
                        let hint = format!("kind: is {words}; did you mean type:{value}?");
                        return Err(error(format!("there is no kind {value}"), hint));
                    }
                },
                Field::Status => match statuses(value) {
                    Some(facets) => facets,
                    None => {
                        let words = status_words();
                        let near = nearest(value, &words).map(|near| format!("did you mean {near}? "));
                        let hint = format!("{}one of {}, any", near.unwrap_or_default(), words.join(", "));
                        return Err(error(format!("there is no status {value}"), hint));
                    }
                },
                Field::Id => match value.parse() {
                    Ok(id) => vec![facet::id(id)],
                    Err(_) => return Err(error(format!("{value} is no id"), field.example().to_owned())),
                },
                Field::Tag => vec![facet::tag(value)],
                Field::Type => vec![facet::kind(value)],
                Field::Project => vec![facet::project(&Project::slug(value))],
                Field::By => vec![facet::actor(value)],
                Field::Before | Field::After | Field::Since | Field::Like => continue,
            };
            if clause.negated {
                self.none.extend(facets);
            } else if let Some((_, list)) = any_of.iter_mut().find(|(any, _)| any == field) {
                list.extend(facets);
            } else {
                self.all.push(facets);
            }
        }
        let asks_status = any_of.iter().any(|(field, list)| *field == Field::Status && !list.is_empty());
        self.all.extend(any_of.into_iter().map(|(_, list)| list).filter(|list| !list.is_empty()));
        Ok(asks_status)
    }
}

/// The facets of the statuses a word names, of whichever kind of record; `any` is all of them.
fn statuses(word: &str) -> Option<Vec<String>> {
    if word.eq_ignore_ascii_case("any") {
        return Some(Status::ALL.map(facet::status).to_vec());
    }
    let status = Status::parse(word).map(facet::status);
    let facets: Vec<String> =
        status.or_else(|| DecisionStatus::parse(word).map(facet::decision_status)).into_iter().collect();
    Some(facets).filter(|facets| !facets.is_empty())
}

/// Every status there is, of memories first.
pub(super) fn status_words() -> Vec<&'static str> {
    let mut words: Vec<&str> = Status::ALL.map(Status::word).to_vec();
    for word in DecisionStatus::ALL.map(DecisionStatus::word) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str, typed: Typed) -> Result<Plan, QueryError> {
        let words = TimeWords { now: Time::from_unix_ms(1_800_000_000_000), zone: crate::model::Zone::UTC };
        let given = Given {
            text,
            filter: &MemoryFilter::default(),
            wall: &Projects::All,
            words,
            typed,
            weighted: false,
        };
        Plan::of(&Query::parse(text, typed)?, given)
    }

    #[track_caller]
    fn check(text: &str, typed: Typed, expected: &str) {
        let plan = plan(text, typed).unwrap();
        let terms = plan.terms.iter().map(|term| match &term.what {
            What::Stem(stem) => format!("{stem} {:.1}", term.weight),
            What::Word(word) => format!("={word} {:.2}", term.weight),
            What::Prefix(prefix) => format!("{prefix}* {:.1}", term.weight),
        });
        assert_eq!(terms.collect::<Vec<_>>().join(", "), expected, "{text}");
    }

    #[test]
    fn words_become_terms_with_weights() {
        check("Running runs fast", Typed::Whole, "run 2.0, =running 0.10, =runs 0.10, fast 1.0, =fast 0.10");
        check(
            "fs::read_to",
            Typed::Whole,
            "fs::read_to 1.0, fs 0.6, =fs 0.06, read_to 0.6, read 0.6, =read 0.06, to 0.6, =to 0.06",
        );
        check("readTo", Typed::Whole, "readto 1.0, =readto 0.10, read 0.3, to 0.3");
        check("検索語", Typed::Whole, "検索 1.0, 索語 1.0");
        check("lock depl", Typed::SoFar, "lock 1.0, =lock 0.10, depl 1.0, depl* 0.5");
        check("lock ", Typed::SoFar, "lock 1.0, =lock 0.10");
        check("\"held by", Typed::SoFar, "held 1.0, =held 0.10, by 1.0, by* 0.5");
    }

    #[test]
    fn phrases_and_exclusions_are_sequences() {
        let plan = plan(r#""held by" -read_to -Locks -"two hubs""#, Typed::Whole).unwrap();
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(plan.phrases, [words("held by")]);
        assert_eq!(
            plan.nots,
            [Not::Phrase(words("read to")), Not::Stem("lock".into()), Not::Phrase(words("two hubs"))]
        );
    }

    #[test]
    fn one_letter_is_completed_where_it_stands_alone() {
        let completes = |text: &str| {
            let terms = plan(text, Typed::SoFar).unwrap().terms;
            terms.iter().any(|term| matches!(term.what, What::Prefix(_)))
        };
        assert_eq!(["d", "roll d", "roll de", "部署 回"].map(completes), [true, false, true, true]);
    }

    #[test]
    fn long_text_is_bounded_and_says_so() {
        let long: String = (0..2_000).map(|i| format!("word{i} ")).collect();
        let plan = plan(&long, Typed::Whole).unwrap();
        assert_eq!((plan.terms.len(), plan.left_out.len()), (TERMS_MAX, 1));
    }

    #[test]
    fn only_punctuation_is_hopeless_and_filters_alone_are_not() {
        assert!(plan("?! ...", Typed::Whole).unwrap().hopeless);
        assert!(!plan("tag:a", Typed::Whole).unwrap().hopeless);
        assert!(!plan("", Typed::Whole).unwrap().hopeless);
    }

    #[test]
    fn wrong_values_point_at_themselves() {
        let wrong = |text: &str| {
            let error = plan(text, Typed::Whole).unwrap_err();
            format!("{}: {}; {}", error.column, error.message, error.hint)
        };
        assert_eq!(
            wrong("x status:archivd"),
            "3: there is no status archivd; did you mean archived? one of active, hypothesis, verified, superseded, archived, expired, draft, proposed, accepted, rejected, implemented, validated, deprecated, any"
        );
        assert_eq!(
            wrong("kind:howto"),
            "1: there is no kind howto; kind: is memory or decision; did you mean type:howto?"
        );
        assert!(wrong("since:soon").starts_with("1: \"soon\" is no time"));
        assert!(wrong("id:7").starts_with("1: 7 is no id"));
        let many = "-a ".repeat(PHRASES_MAX + 1);
        assert!(wrong(&many).contains("more than 16"), "{}", wrong(&many));
    }
}
