//! A document: a record made ready for the index, its chunks, what it can be filtered by, and what a hit shows.

use serde::{Deserialize, Serialize};

use super::{
    analysis::{self, Kind},
    chunk,
    meaning::{Key, key},
    prior::IMPORTANCE_USUAL,
};
use crate::{
    door::RecordKind,
    model::{Actor, Decision, DecisionStatus, Id, Memory, Origin, Project, Status, Time, decode, encode},
};

/// How often a term of each place counts, and how much longer it makes a chunk (BM25F with whole weights).
const TITLE_WEIGHT: u32 = 3;
const HEADING_WEIGHT: u32 = 1;
const TAGS_WEIGHT: u32 = 1;

/// The inverted fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Field {
    /// What ranks: stems of words, identifiers whole and in pieces; counted, without positions.
    Stem,
    /// Words as they are read, with positions: phrases, completions.
    Word,
    /// What filters: kind of record, project, type, tags, status, actor, origin; on a memory's first chunk alone. And the id, on every
    /// one: by it they are deleted.
    Facet,
}

/// A term of the facet field: a letter for the kind, then the value. Compared without ASCII case, as filters are.
pub(super) mod facet {
    use super::{DecisionStatus, Id, Project, RecordKind, Status};

    pub(in crate::search) fn record(kind: RecordKind) -> String {
        format!("r{}", kind.word())
    }

    pub(in crate::search) fn project(project: &Project) -> String {
        format!("p{project}")
    }

    pub(in crate::search) fn kind(kind: &str) -> String {
        format!("k{}", kind.to_ascii_lowercase())
    }

    pub(in crate::search) fn tag(tag: &str) -> String {
        format!("t{}", tag.to_ascii_lowercase())
    }

    pub(in crate::search) fn status(status: Status) -> String {
        format!("s{}", status.word())
    }

    pub(in crate::search) fn decision_status(status: DecisionStatus) -> String {
        format!("s{}", status.word())
    }

    pub(in crate::search) fn actor(actor: &str) -> String {
        format!("a{}", actor.to_ascii_lowercase())
    }

    pub(in crate::search) fn origin(url: &str) -> String {
        format!("u{url}")
    }

    pub(in crate::search) fn id(id: Id) -> String {
        format!("i{id}")
    }
}

/// What a hit shows of a chunk; kept in the index, so that a hit needs no other view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Shown {
    pub id: Id,
    pub record: RecordKind,
    pub project: Project,
    pub kind: String,
    pub title: String,
    pub tags: Vec<String>,
    pub status: Status,
    pub updated_at: Time,
    pub importance: f32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    pub heading: String,
    pub text: String,
}

impl Shown {
    pub(super) fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Shown> {
        decode(bytes).ok()
    }

    /// What the model reads of it.
    pub(super) fn read(&self) -> String {
        // A title made of the first line is read once.
        let title = self.title.trim_end_matches('…');
        let title = if self.text.trim_start().starts_with(title) { "" } else { &self.title };
        let parts = [title, &self.heading, &self.text];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
    }

    /// Hands on every text that is indexed, with how often a term in it counts. Tags come one by one: no phrase runs from one into the next.
    pub(super) fn each_text(&self, mut then: impl FnMut(Place, &str, u32)) {
        then(Place::Title, &self.title, TITLE_WEIGHT);
        then(Place::Headings, &self.heading, HEADING_WEIGHT);
        then(Place::Body, &self.text, 1);
        for tag in &self.tags {
            then(Place::Tags, tag, TAGS_WEIGHT);
        }
    }
}

/// Where in a memory a term stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    Title,
    Headings,
    Body,
    Tags,
}

impl Place {
    pub(super) fn word(self) -> &'static str {
        match self {
            Place::Title => "title",
            Place::Headings => "headings",
            Place::Body => "body",
            Place::Tags => "tags",
        }
    }
}

/// A record made ready for the index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    pub id: Id,
    pub updated_at: Time,
    pub facets: Vec<String>,
    pub chunks: Vec<Shown>,
    /// By chunk, the hash of what the model reads of it.
    pub keys: Vec<Key>,
}

/// A record that can be searched.
#[derive(Debug, Clone)]
pub enum Searched {
    Memory(Box<Memory>),
    Decision(Box<Decision>),
}

impl Searched {
    pub(super) fn project(&self) -> &Project {
        match self {
            Searched::Memory(memory) => &memory.project,
            Searched::Decision(decision) => &decision.project,
        }
    }

    pub(super) fn document(&self) -> Document {
        match self {
            Searched::Memory(memory) => Document::of(memory),
            Searched::Decision(decision) => Document::of_decision(decision),
        }
    }
}

impl Document {
    pub(super) fn of(memory: &Memory) -> Document {
        let about = Shown {
            id: memory.id,
            record: RecordKind::Memory,
            project: memory.project.clone(),
            kind: memory.kind.clone(),
            title: memory.title.clone(),
            tags: memory.tags.clone(),
            status: memory.status,
            updated_at: memory.updated_at,
            importance: memory.importance,
            url: memory.origin.url.clone(),
            heading: String::new(),
            text: String::new(),
        };
        Document::made(about, &memory.content, &memory.origin, Vec::new())
    }

    /// Found by its number as well, and by its own status beside the one of all records that comes nearest.
    pub(super) fn of_decision(decision: &Decision) -> Document {
        let kind = if decision.kind.is_empty() { RecordKind::Decision.word() } else { &decision.kind };
        let about = Shown {
            id: decision.id,
            record: RecordKind::Decision,
            project: decision.project.clone(),
            kind: kind.to_owned(),
            title: format!("{} {}", decision.number, decision.title),
            tags: decision.tags.clone(),
            status: decision.status.nearest(),
            updated_at: decision.updated_at,
            importance: IMPORTANCE_USUAL,
            url: decision.origin.url.clone(),
            heading: String::new(),
            text: String::new(),
        };
        let own = facet::decision_status(decision.status);
        Document::made(about, &decision.text(), &decision.origin, vec![own])
    }

    /// `about` is what every chunk says of its record.
    fn made(about: Shown, text: &str, origin: &Origin, more_facets: Vec<String>) -> Document {
        let chunks = chunk::chunks(text).into_iter();
        let chunks: Vec<Shown> =
            chunks.map(|chunk| Shown { heading: chunk.heading, text: chunk.text, ..about.clone() }).collect();
        Document {
            id: about.id,
            updated_at: about.updated_at,
            facets: facets(&about, origin, more_facets),
            keys: chunks.iter().map(|shown| key(&shown.read())).collect(),
            chunks,
        }
    }

    /// What a chunk can be filtered by.
    pub(super) fn facets_of(&self, ordinal: usize) -> impl Iterator<Item = &str> {
        let id = facet::id(self.id);
        self.facets.iter().map(String::as_str).filter(move |facet| ordinal == 0 || *facet == id)
    }

    pub(super) fn bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.text.len() + chunk.title.len() + 256).sum()
    }
}

fn facets(about: &Shown, origin: &Origin, mut facets: Vec<String>) -> Vec<String> {
    let Actor(actor) = &origin.actor;
    facets.extend([
        facet::id(about.id),
        facet::record(about.record),
        facet::project(&about.project),
        facet::kind(&about.kind),
        facet::status(about.status),
        facet::actor(actor),
    ]);
    facets.extend(actor.rsplit(':').next().filter(|last| last != actor).map(facet::actor));
    facets.extend(about.tags.iter().map(|tag| facet::tag(tag)));
    facets.extend(about.url.as_deref().map(facet::origin));
    facets.sort_unstable();
    facets.dedup();
    facets
}

/// The term of the stem field that a token is, if it is one.
pub(super) fn stem_term<R>(kind: Kind, text: &str, then: impl FnOnce(&str) -> R) -> R {
    match kind {
        Kind::Piece | Kind::Part => analysis::stem(text, then),
        Kind::Sign | Kind::Pair | Kind::Whole => then(text),
    }
}

/// Whether a token is a term of the word field.
pub(super) fn is_word(kind: Kind) -> bool {
    matches!(kind, Kind::Piece | Kind::Sign | Kind::Whole)
}
