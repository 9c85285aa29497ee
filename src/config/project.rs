//! Which project a folder belongs to.

use std::path::Path;

use crate::model::Project;

/// The project of a working directory: the name of the folder that a git repository begins in, if it is inside one.
pub fn project_of(dir: &Path) -> Project {
    let root = dir.ancestors().find(|above| above.join(".git").exists());
    let name = root.and_then(Path::file_name).and_then(|name| name.to_str());
    name.map_or_else(Project::none, Project::slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_the_folder_its_repository_begins_in() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("My Repo/src/deep");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::create_dir(dir.path().join("My Repo/.git")).unwrap();
        assert_eq!(project_of(&inside), Project::slug("my-repo"));
        assert_eq!(project_of(Path::new("/")), Project::none());
    }
}
