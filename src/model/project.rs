//! A project: the wall between what one team, repository or agent knows and another's.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

const PROJECT_BYTES_MAX: usize = 64;

/// A slug `[a-z0-9_-]{1,64}`; `_` is "no project", which every search sees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct Project(String);

impl Project {
    /// The place of what belongs to no project.
    pub fn none() -> Project {
        Project("_".to_owned())
    }

    /// Any text as a slug: lower case, other characters become `-`, cut at 64; nothing left is `_`.
    pub fn slug(text: &str) -> Project {
        let slug: String = text
            .trim()
            .chars()
            .take(PROJECT_BYTES_MAX)
            .map(|c| match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9' | '_' | '-') => c,
                _ => '-',
            })
            .collect();
        if slug.is_empty() { Project::none() } else { Project(slug) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_none(&self) -> bool {
        self.0 == "_"
    }
}

impl Default for Project {
    fn default() -> Project {
        Project::none()
    }
}

impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Project {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Project, D::Error> {
        Ok(Project::slug(&String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, slug: &str) {
        assert_eq!(Project::slug(text).as_str(), slug);
    }

    #[test]
    fn any_text_becomes_a_slug() {
        check("Wheelhouse", "wheelhouse");
        check("my project/α", "my-project--");
        check("", "_");
        check("  ", "_");
        check("_", "_");
        check(&"x".repeat(80), &"x".repeat(64));
    }
}
