//! The hub's socket: where it may be, how it is taken, and whether somebody answers there.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream};

use crate::model::Fault;

/// What fits into the kernel's address of a socket.
const PATH_BYTES_MAX: usize = 107;
/// Of the hash of the data directory's path, in hex.
const NAME_CHARS: usize = 16;

/// A place for the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub path: PathBuf,
    /// The folder that is ours to make, private to the user.
    folder: Option<PathBuf>,
}

impl Candidate {
    /// Best first. Named after the data directory, so that each has its own.
    pub fn all(data_dir: &Path, runtime_dir: Option<&Path>, uid: u32) -> Vec<Candidate> {
        let hash = blake3::hash(data_dir.as_os_str().as_bytes()).to_hex();
        let name = format!("{}.sock", &hash[..NAME_CHARS]);
        let within = |folder: PathBuf| Candidate { path: folder.join(&name), folder: Some(folder) };
        let runtime = runtime_dir
            .filter(|dir| dir.is_absolute() && fs::metadata(dir).is_ok_and(|found| found.uid() == uid))
            .map(|dir| within(dir.join("wheelhouse")));
        runtime
            .into_iter()
            .chain([
                Candidate { path: data_dir.join("hub.sock"), folder: None },
                within(PathBuf::from(format!("/tmp/wheelhouse-{uid}"))),
            ])
            .filter(|candidate| candidate.path.as_os_str().len() <= PATH_BYTES_MAX)
            .collect()
    }

    /// Listens there. Only for who holds the lock of the data directory: what is left there is removed.
    fn bind(&self, uid: u32) -> io::Result<UnixListener> {
        if let Some(folder) = &self.folder {
            private(folder, uid)?;
        }
        remove_stale(&self.path)?;
        let listener = UnixListener::bind(&self.path)?;
        fs::set_permissions(&self.path, Permissions::from_mode(0o600))?;
        Ok(listener)
    }
}

/// Listens at the first place where one can.
pub fn bind(candidates: &[Candidate], uid: u32) -> Result<(UnixListener, PathBuf), Fault> {
    let mut why = Vec::new();
    for candidate in candidates {
        match candidate.bind(uid) {
            Ok(listener) => return Ok((listener, candidate.path.clone())),
            Err(error) => why.push(format!("{}: {error}", candidate.path.display())),
        }
    }
    Err(Fault::unavailable("there is no place for the hub's socket")
        .cause(why.join("; "))
        .hint("XDG_RUNTIME_DIR may name a private directory with a short path"))
}

/// Makes the folder, or refuses one that another user could have put there.
fn private(folder: &Path, uid: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    let refused = |why: String| Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    if !found.is_dir() {
        return refused(format!("{} is no directory", folder.display()));
    }
    if found.uid() != uid {
        return refused(format!("{} belongs to uid {}", folder.display(), found.uid()));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Removes a socket at which nobody answers; anything else there is not ours to remove.
fn remove_stale(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something else has this name"));
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "another hub answers there"));
    }
    fs::remove_file(path)
}

/// Whether somebody listens there.
pub async fn answers(path: &Path) -> bool {
    UnixStream::connect(path).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn candidates_are_tried_in_order_and_fit() {
        let temp = tempfile::tempdir().unwrap();
        let data = Path::new("/home/ada/.local/share/wheelhouse");
        let all = Candidate::all(data, Some(temp.path()), uid());
        assert_eq!(all.len(), 3);
        assert!(all[0].path.starts_with(temp.path().join("wheelhouse")));
        assert_eq!(all[1].path, data.join("hub.sock"));
        assert!(all[2].path.starts_with(format!("/tmp/wheelhouse-{}", uid())));
        let long = PathBuf::from(format!("/{}", "x".repeat(100)));
        let none = Path::new("/nowhere at all");
        assert_eq!(Candidate::all(&long, Some(none), 7).len(), 1, "one fits");
        let other = Candidate::all(Path::new("/other"), None, uid());
        assert_ne!(other[1].path, all[2].path);
    }

    #[tokio::test]
    async fn what_is_left_is_replaced_and_what_lives_is_not() {
        let temp = tempfile::tempdir().unwrap();
        let all = Candidate::all(&temp.path().join("data"), Some(temp.path()), uid());
        let (first, path) = bind(&all[..1], uid()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert!(answers(&path).await);
        assert!(bind(&all[..1], uid()).unwrap_err().cause.unwrap().contains("another hub answers there"));
        drop(first);
        assert!(path.exists() && !answers(&path).await, "stale");
        drop(bind(&all[..1], uid()).unwrap());
        fs::remove_file(&path).unwrap();
        fs::write(&path, "").unwrap();
        assert!(bind(&all[..1], uid()).unwrap_err().cause.unwrap().contains("something else"));
    }

    #[test]
    fn a_folder_of_another_kind_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let (folder, link) = (temp.path().join("folder"), temp.path().join("link"));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        private(&folder, uid()).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(private(&link, uid()).is_err());
        assert!(private(&folder, uid() + 1).is_err());
    }
}
