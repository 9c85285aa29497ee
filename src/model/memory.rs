//! A memory: something worth knowing again, who said so, and how sure they are.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Actor, Fault, Id, Project, Time};

/// A body is one thing to know, not an archive; importers cut longer files into parts.
pub const CONTENT_BYTES_MAX: usize = 1 << 20;
pub const TITLE_BYTES_MAX: usize = 512;
pub const TAGS_MAX: usize = 64;
pub const TAG_BYTES_MAX: usize = 128;
pub const METADATA_BYTES_MAX: usize = 64 << 10;

/// Titles made from content are cut here, at a word.
const TITLE_CHARS_MADE: usize = 80;

/// How far a memory can be relied on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    #[default]
    Active,
    Hypothesis,
    Verified,
    Superseded,
    Archived,
    Expired,
}

impl Status {
    pub const ALL: [Status; 6] = [
        Status::Active,
        Status::Hypothesis,
        Status::Verified,
        Status::Superseded,
        Status::Archived,
        Status::Expired,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Hypothesis => "hypothesis",
            Status::Verified => "verified",
            Status::Superseded => "superseded",
            Status::Archived => "archived",
            Status::Expired => "expired",
        }
    }

    pub fn parse(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.word().eq_ignore_ascii_case(word))
    }

    /// Whether searches and lists show it without being asked for that status.
    pub fn is_current(self) -> bool {
        matches!(self, Status::Active | Status::Hypothesis | Status::Verified)
    }
}

/// Where a record came from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Origin {
    pub actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// For an imported file `file://` and its canonical path, with `#part-2` and so on where it was split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

impl Origin {
    /// The end of an url, enough to tell things of one title apart: the last folder and the file.
    pub fn place(url: &str) -> &str {
        let path = url.split_once("://").map_or(url, |(_, path)| path).trim_end_matches('/');
        path.rmatch_indices('/').nth(1).map_or(path.trim_start_matches('/'), |(at, _)| &path[at + 1..])
    }
}

/// Tags as they are kept: trimmed, once each, in the order given.
pub fn clean_tags(given: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(given.len());
    for tag in given {
        let tag = tag.trim().trim_start_matches('#');
        if !tag.is_empty() && !kept.iter().any(|has| has == tag) {
            kept.push(tag.to_owned());
        }
    }
    kept
}

/// A memory, one revision of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Memory {
    pub id: Id,
    #[serde(default)]
    pub project: Project,
    pub created_at: Time,
    pub updated_at: Time,
    /// From 1; every change adds one.
    pub revision: u32,
    #[serde(default)]
    pub origin: Origin,
    #[serde(default = "nil")]
    pub correlation_id: Id,

    pub content: String,
    #[serde(default)]
    pub title: String,
    /// Free: `note`, `gotcha`, `howto`, ...
    #[serde(rename = "type", default = "note")]
    pub kind: String,
    #[serde(default)]
    pub tags: Vec<String>,
    /// 0 to 1.
    #[serde(default = "half")]
    pub importance: f32,
    #[serde(default)]
    pub status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// BLAKE3 of the content, hex.
    #[serde(default)]
    pub content_hash: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub supersedes: Vec<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<Id>,
    /// How often an answer was opened here; counted from the log's telemetry, never by a revision.
    #[serde(default)]
    pub access_count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_accessed: Option<Time>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

fn nil() -> Id {
    Id::NIL
}

fn note() -> String {
    "note".to_owned()
}

fn half() -> f32 {
    0.5
}

impl Memory {
    /// Refuses what is out of bounds, naming the field.
    pub fn check(&self) -> Result<(), Fault> {
        let over = |field: &str, size: usize, max: usize| {
            Err(Fault::invalid(format!("{field} has {size} bytes, at most {max} fit")))
        };
        if self.content.trim().is_empty() {
            return Err(Fault::invalid("content is empty").hint("say what is worth remembering"));
        }
        if self.content.len() > CONTENT_BYTES_MAX {
            return over("content", self.content.len(), CONTENT_BYTES_MAX)
                .map_err(|fault| fault.hint("`wheelhouse import FILE` splits a long file into parts"));
        }
        if self.title.len() > TITLE_BYTES_MAX {
            return over("title", self.title.len(), TITLE_BYTES_MAX);
        }
        if self.tags.len() > TAGS_MAX {
            return Err(Fault::invalid(format!("{} tags, at most {TAGS_MAX} fit", self.tags.len())));
        }
        if let Some(tag) = self.tags.iter().find(|tag| tag.is_empty() || tag.len() > TAG_BYTES_MAX) {
            return over("a tag", tag.len(), TAG_BYTES_MAX);
        }
        if self.kind.is_empty() || self.kind.len() > TAG_BYTES_MAX {
            return over("type", self.kind.len(), TAG_BYTES_MAX);
        }
        if !(0.0..=1.0).contains(&self.importance) {
            return Err(Fault::invalid(format!("importance is {}, it goes from 0 to 1", self.importance)));
        }
        if !self.metadata.is_empty() {
            let size = super::encode(&self.metadata).len();
            if size > METADATA_BYTES_MAX {
                return over("metadata", size, METADATA_BYTES_MAX);
            }
        }
        Ok(())
    }
}

/// The hash by which equal contents are found: BLAKE3 in hex.
pub fn content_hash(content: &str) -> String {
    blake3::hash(content.as_bytes()).to_hex().to_string()
}

/// A title for content that came without one: its first heading or line, cut at a word.
pub fn title_of(content: &str) -> String {
    let line = content
        .lines()
        .map(|line| line.trim().trim_start_matches(['#', '>', '-', '*', '=', ' ']).trim())
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    if line.chars().count() <= TITLE_CHARS_MADE {
        return line.to_owned();
    }
    let cut: String = line.chars().take(TITLE_CHARS_MADE).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{}…", cut.trim_end_matches([',', ';', ':', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(content: &str, title: &str) {
        assert_eq!(title_of(content), title);
    }

    #[test]
    fn tags_are_kept_once_and_clean() {
        let given = [" a ", "#b", "a", "", "#"].map(str::to_owned).to_vec();
        assert_eq!(clean_tags(given), ["a", "b"]);
    }

    #[test]
    fn a_title_is_the_first_line_that_says_something() {
        check("# Roll back first\n\nbody", "Roll back first");
        check("\n\n---\n- one\n", "one");
        check("", "");
        let long = "word ".repeat(40);
        let title = title_of(&long);
        assert!(title.ends_with("word…") && title.chars().count() <= TITLE_CHARS_MADE + 1, "{title}");
    }

    #[test]
    fn an_older_memory_loads_with_defaults() {
        // What a writer without type, tags, importance and the rest would have left.
        #[derive(Serialize)]
        struct Older {
            id: Id,
            created_at: Time,
            updated_at: Time,
            revision: u32,
            content: String,
            shade: &'static str,
        }
        let older = Older {
            id: Id::NIL,
            created_at: Time::from_unix_ms(1),
            updated_at: Time::from_unix_ms(2),
            revision: 1,
            content: "kept".into(),
            shade: "unknown to this program",
        };
        let memory: Memory = super::super::decode(&super::super::encode(&older)).unwrap();
        assert_eq!((memory.content.as_str(), memory.kind.as_str(), memory.importance), ("kept", "note", 0.5));
        assert_eq!((memory.project, memory.status, memory.tags), (Project::none(), Status::Active, vec![]));
    }
}
