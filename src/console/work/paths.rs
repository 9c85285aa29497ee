//! Paths as people type them: `~`, and the names that could come next.

use std::path::{Path, PathBuf};

/// A folder with more names than this is not listed further; nobody reads them.
const NAMES_MAX: usize = 5_000;

/// `~` is the home directory.
pub fn expand(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// The names in the typed path's folder that begin as its last part does: folders with `/`, and files that can be
/// imported. Hidden ones only when asked for by a dot.
pub fn complete(typed: &str) -> Vec<String> {
    let (folder, begins) = match typed.rfind('/') {
        Some(at) => typed.split_at(at + 1),
        None => ("./", typed),
    };
    let Ok(entries) = std::fs::read_dir(expand(Path::new(folder))) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .take(NAMES_MAX)
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            if !name.starts_with(begins) || (name.starts_with('.') && !begins.starts_with('.')) {
                return None;
            }
            if entry.path().is_dir() {
                return Some(format!("{name}/"));
            }
            let kind = Path::new(&name).extension()?.to_str()?;
            ["md", "markdown", "mdx", "txt", "jsonl"].contains(&kind).then_some(name)
        })
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_what_can_be_imported_are_offered() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["docs", "dolls", ".git"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        for name in ["do.md", "do.rs"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let typed = |rest: &str| complete(&format!("{}/{rest}", dir.path().display()));
        assert_eq!(typed("do"), ["do.md", "docs/", "dolls/"]);
        assert_eq!(typed("."), [".git/"]);
        assert_eq!(typed("nothing/"), Vec::<String>::new());
    }
}
