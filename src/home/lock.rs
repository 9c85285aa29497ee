//! The lock file: who holds `flock` on it owns the directory. Its text helps finders and decides nothing.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, Write},
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use crate::model::Fault;

/// The lock file's text; longer is not ours.
const TEXT_BYTES_MAX: u64 = 8 << 10;

/// Held until dropped, or until the process dies in whatever way.
pub struct Lock(File);

impl Lock {
    /// None: another process holds it.
    pub fn take(dir: &Path) -> Result<Option<Lock>, Fault> {
        let path = path(dir);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(|error| not_usable(&path, error))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(not_usable(&path, error.into())),
        }
    }

    /// Says who holds it and where it is served.
    pub fn tell(&mut self, socket: &Path) -> Result<(), Fault> {
        let mut text = format!("{}\n", std::process::id()).into_bytes();
        text.extend_from_slice(socket.as_os_str().as_bytes());
        text.push(b'\n');
        let written = self.0.set_len(0).and_then(|()| self.0.rewind()).and_then(|()| self.0.write_all(&text));
        written.map_err(|error| Fault::unavailable("cannot write the lock file").cause(error))
    }

    pub fn told_pid(dir: &Path) -> Option<u32> {
        told(dir)?.0.parse().ok()
    }

    pub fn told_socket(dir: &Path) -> Option<PathBuf> {
        told(dir).map(|(_, socket)| PathBuf::from(socket)).filter(|socket| socket.is_absolute())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // An owner that ended well leaves no text to follow.
        if let Err(error) = self.0.set_len(0) {
            tracing::debug!(%error, "emptying the lock file");
        }
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join("lock")
}

fn told(dir: &Path) -> Option<(String, String)> {
    let path = path(dir);
    if std::fs::metadata(&path).ok()?.len() > TEXT_BYTES_MAX {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    let (pid, rest) = text.split_once('\n')?;
    Some((pid.to_owned(), rest.trim_end_matches('\n').to_owned()))
}

fn not_usable(path: &Path, error: io::Error) -> Fault {
    Fault::unavailable(format!("cannot lock {}", path.display()))
        .cause(error)
        .hint("the data directory must be yours and writable; choose another one with --data-dir")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_says_where() {
        let dir = tempfile::tempdir().unwrap();
        let mut held = Lock::take(dir.path()).unwrap().unwrap();
        assert!(Lock::take(dir.path()).unwrap().is_none());
        held.tell(Path::new("/run/hub.sock")).unwrap();
        assert_eq!(Lock::told_pid(dir.path()), Some(std::process::id()));
        assert_eq!(Lock::told_socket(dir.path()), Some("/run/hub.sock".into()));
        drop(held);
        assert_eq!(Lock::told_socket(dir.path()), None);
        assert!(Lock::take(dir.path()).unwrap().is_some());
    }

    #[test]
    fn strange_text_is_no_address() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "x", "12\nrelative/path\n", &"y".repeat(9_000)] {
            std::fs::write(dir.path().join("lock"), text).unwrap();
            assert_eq!(Lock::told_socket(dir.path()), None, "{text}");
        }
    }
}
