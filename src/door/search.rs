//! Search: what is asked and answered.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{
    ArrayBuilder, ObjectBuilder, RefOr,
    schema::{Schema, Type},
};

use crate::model::{Fault, Id, MemoryFilter, Project, Status, Time};

pub const SEARCH_LIMIT_MAX: usize = 200;
/// Totals are counted exactly up to here, then given as "at least".
pub const TOTAL_EXACT_MAX: usize = 10_000;
pub const SUGGEST_MAX: usize = 20;

/// Which legs answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SearchMode {
    /// Hybrid; lexical while typing, and for a query without words.
    #[default]
    Auto,
    #[serde(alias = "text", alias = "keyword", alias = "exact")]
    Lexical,
    #[serde(alias = "semantic")]
    Vector,
    Hybrid,
}

impl SearchMode {
    pub const ALL: [SearchMode; 4] =
        [SearchMode::Auto, SearchMode::Lexical, SearchMode::Vector, SearchMode::Hybrid];

    pub fn word(self) -> &'static str {
        match self {
            SearchMode::Auto => "auto",
            SearchMode::Lexical => "lexical",
            SearchMode::Vector => "vector",
            SearchMode::Hybrid => "hybrid",
        }
    }
}

/// A step of the ranking that a request may leave out, to see what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The learned weight of each word of the query.
    Weights,
    /// Reading the best hits again, piece by piece.
    Rerank,
    /// Recency and importance.
    Prior,
    /// Hits that say the same as a better one are shown with it.
    Fold,
    /// Of a broad question the first hits say different things.
    Diversity,
}

impl Step {
    pub const ALL: [Step; 5] = [Step::Weights, Step::Rerank, Step::Prior, Step::Fold, Step::Diversity];

    pub fn word(self) -> &'static str {
        match self {
            Step::Weights => "weights",
            Step::Rerank => "rerank",
            Step::Prior => "prior",
            Step::Fold => "fold",
            Step::Diversity => "diversity",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SearchRequest {
    /// In the query language.
    #[serde(alias = "q", alias = "search", alias = "text")]
    pub query: String,
    /// 0: 20. At most [`SEARCH_LIMIT_MAX`].
    #[serde(alias = "top_k", alias = "k", alias = "n", alias = "max_results", alias = "page_size")]
    #[serde(alias = "n_results")]
    pub limit: usize,
    #[serde(alias = "search_type")]
    pub mode: SearchMode,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<Step>,
    /// Besides what the query itself says; both must hold.
    pub filter: MemoryFilter,
    pub explain: bool,
    /// While typing: the last word is a prefix.
    pub as_you_type: bool,
    /// The `cursor` of the page before.
    pub cursor: Option<String>,
    /// The zone, by its IANA name, in which the query's times are meant; none is the hub's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// What each leg gave a hit.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Legs {
    /// BM25; 0 where no word of the query was found, or it is not among the best that were.
    pub lexical: f32,
    /// Cosine of the query and the nearest chunk, -1 to 1; none where it has no vector yet, or the leg was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<f32>,
    /// How well each piece of the query is met, 0 to 1; of the best hits alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank: Option<f32>,
    /// What recency and importance added to the score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<f32>,
}

/// Which table of records one stands in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RecordKind {
    #[default]
    Memory,
    Decision,
}

impl RecordKind {
    pub const ALL: [RecordKind; 2] = [RecordKind::Memory, RecordKind::Decision];

    pub fn word(self) -> &'static str {
        match self {
            RecordKind::Memory => "memory",
            RecordKind::Decision => "decision",
        }
    }

    pub fn parse(word: &str) -> Option<RecordKind> {
        RecordKind::ALL.into_iter().find(|kind| kind.word().eq_ignore_ascii_case(word))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    pub id: Id,
    pub kind: RecordKind,
    pub title: String,
    /// Plain text around the matched terms of the best chunk.
    pub snippet: String,
    /// Byte ranges of the matched terms in `snippet`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(schema_with = stretches)]
    pub highlights: Vec<Range<usize>>,
    /// The heading of the chunk that matched best, where it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub heading: String,
    pub score: f32,
    pub legs: Legs,
    pub matched_terms: Vec<String>,
    #[serde(rename = "type")]
    pub memory_type: String,
    pub project: Project,
    #[serde(default)]
    pub tags: Vec<String>,
    pub status: Status,
    pub updated_at: Time,
    /// Where it came from: its `origin.url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Memories that say the same, and stand lower.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alike: Vec<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explain: Option<Explanation>,
}

/// The place each leg gave a hit, from 1; none where it is not among the leg's best, or the leg was not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Ranks {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lexical: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vector: Option<usize>,
}

/// Why a hit is where it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// In sentences, what found it first.
    pub words: Vec<String>,
    #[serde(default)]
    pub ranks: Ranks,
    pub terms: Vec<TermWorth>,
}

/// What one term of the query was worth for a hit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TermWorth {
    pub term: String,
    /// `title`, `headings`, `body` or `tags`.
    pub field: String,
    pub worth: f32,
    /// Live documents that hold it, of those the query may see.
    pub documents: u64,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct SearchAnswer {
    pub results: Vec<Hit>,
    /// Exact to [`TOTAL_EXACT_MAX`]; beyond it `total_at_least` is set.
    pub total: usize,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub total_at_least: bool,
    pub took_ms: f64,
    /// Of `took_ms`, by part of the work; `lexical` and `embed` go on at the same time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts_ms: BTreeMap<String, f64>,
    pub legs_used: Vec<String>,
    /// `null`; `lexical`: there is no vector leg now; `scan`: the index is being built and a bounded scan of the records
    /// answered.
    pub degraded_mode: Option<String>,
    #[serde(default)]
    pub degraded_reasons: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How old the answer is, where it was kept from an earlier question; nothing it holds has changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_ms: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SuggestRequest {
    #[serde(alias = "q")]
    pub query: String,
    /// Byte position of the cursor in the query; none is its end.
    pub at: Option<usize>,
    pub filter: MemoryFilter,
    /// 0: 8. At most [`SUGGEST_MAX`].
    pub limit: usize,
}

/// A completion: replace `replace` of the query by `text`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Suggestion {
    pub text: String,
    #[schema(schema_with = stretch)]
    pub replace: Range<usize>,
    /// `word`, `field`, `tag`, `type`, `project`, `status` or `time`.
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct SuggestAnswer {
    pub suggestions: Vec<Suggestion>,
    /// What is wrong with the query and where, while it is being typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// A range as JSON has it.
fn stretch() -> Schema {
    let number = || ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let ends = ObjectBuilder::new().property("start", number()).required("start");
    ends.property("end", number()).required("end").into()
}

fn stretches() -> Schema {
    ArrayBuilder::new().items(RefOr::T(stretch())).into()
}
