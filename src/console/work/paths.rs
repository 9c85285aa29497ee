//! Paths as people type them: `~`, and the names that could come next.

use std::path::{Path, PathBuf};

/// A folder with more names than this is not listed further; nobody reads them.
const NAMES_MAX: usize = 5_000;

/// `~` is the home directory. A second root begins anew, as in `~//tmp` or `~/~/notes`: who types a whole path after what
/// the field began with means that path.
pub fn expand(path: &Path) -> PathBuf {
    let typed = path.as_os_str().to_str().unwrap_or_default();
    let anew = typed.rfind("//").into_iter().chain(typed.rfind("/~/")).max();
    let path = anew.map_or(path, |at| Path::new(&typed[at + 1..]));
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
    fn a_whole_path_typed_after_the_first_is_meant() {
        let home = std::env::home_dir().unwrap();
        for (typed, meant) in
            [("~/a", home.join("a")), ("~//tmp/a", "/tmp/a".into()), ("/x/~/a", home.join("a"))]
        {
            assert_eq!(expand(Path::new(typed)), meant, "{typed}");
        }
        assert_eq!(expand(Path::new("a/b")), Path::new("a/b"));
    }

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
