//! The lock of a data directory: the kernel's, so that it ends with its process, however that ends.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, OFlags};

use super::place::not_writable;
use crate::model::Fault;

const NAME: &str = "lock";
/// A pid and a path; more is not read.
const TEXT_BYTES_MAX: u64 = 4 << 10;

/// Held until dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

/// What the file says of who holds the lock. Only text: it may be old, or empty for a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    pub pid: Option<u32>,
    pub socket: Option<PathBuf>,
}

#[derive(Debug)]
pub enum Taken {
    Owned(Lock),
    Held(Holder),
}

impl Lock {
    /// Takes the lock if nobody has it.
    pub fn take(dir: &Path) -> Result<Taken, Fault> {
        let path = dir.join(NAME);
        let mut options = OpenOptions::new();
        options.read(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits() as i32);
        let (mut file, writable) = match options.clone().write(true).create(true).truncate(false).open(&path)
        {
            Ok(file) => (file, Ok(())),
            // One may still attach to a hub whose disk has become read-only.
            Err(error) => match options.open(&path) {
                Ok(file) => (file, Err(error)),
                Err(_) => return Err(not_writable(dir, &error)),
            },
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(Taken::Held(Holder::read(&mut file))),
            Err(error) => {
                return Err(Fault::unavailable(format!("the lock {} cannot be taken", path.display()))
                    .cause(io::Error::from(error)));
            }
        }
        writable.map_err(|error| not_writable(dir, &error))?;
        if !is_still(&path, &file) {
            // Someone removed the file between opening and locking it: this lock locks nothing.
            return Ok(Taken::Held(Holder::default()));
        }
        let mut lock = Lock { file };
        lock.say(None).map_err(|error| not_writable(dir, &error))?;
        Ok(Taken::Owned(lock))
    }

    /// Writes who holds it, and where it answers.
    pub fn say(&mut self, socket: Option<&Path>) -> io::Result<()> {
        let holder = Holder { pid: Some(std::process::id()), socket: socket.map(Path::to_owned) };
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(holder.text().as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.file.set_len(0) {
            tracing::debug!(%error, "the lock's text stays; the lock itself ends with its file");
        }
    }
}

fn is_still(path: &Path, file: &File) -> bool {
    match (path.metadata(), file.metadata()) {
        (Ok(there), Ok(here)) => (there.dev(), there.ino()) == (here.dev(), here.ino()),
        _ => false,
    }
}

impl Holder {
    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(pid) = self.pid {
            text.push_str(&format!("pid {pid}\n"));
        }
        if let Some(socket) = &self.socket {
            text.push_str(&format!("socket {}\n", socket.display()));
        }
        text
    }

    fn read(file: &mut File) -> Holder {
        let mut text = String::new();
        match file.take(TEXT_BYTES_MAX).read_to_string(&mut text) {
            Ok(_) => Holder::parse(&text),
            Err(error) => {
                tracing::debug!(%error, "the lock's text cannot be read");
                Holder::default()
            }
        }
    }

    /// A line that was not finished is not believed.
    fn parse(text: &str) -> Holder {
        let mut holder = Holder::default();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            match line.split_once(' ') {
                Some(("pid", pid)) => holder.pid = pid.parse().ok(),
                Some(("socket", socket)) => holder.socket = Some(PathBuf::from(socket)),
                _ => {}
            }
        }
        holder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_the_others_read_who() {
        let dir = tempfile::tempdir().unwrap();
        let Taken::Owned(mut lock) = Lock::take(dir.path()).unwrap() else { panic!("nobody has it") };
        lock.say(Some(Path::new("/run/hub.sock"))).unwrap();
        let Taken::Held(holder) = Lock::take(dir.path()).unwrap() else { panic!("it is held") };
        let pid = Some(std::process::id());
        assert_eq!(holder, Holder { pid, socket: Some("/run/hub.sock".into()) });
        drop(lock);
        assert!(matches!(Lock::take(dir.path()).unwrap(), Taken::Owned(_)));
    }

    #[test]
    fn a_text_reads_back_and_half_a_text_is_not_believed() {
        let holder = Holder { pid: Some(7), socket: Some("/a b/c".into()) };
        assert_eq!(Holder::parse(&holder.text()), holder);
        assert_eq!(Holder::parse("pid 7\nsocket /a b"), Holder { pid: Some(7), socket: None });
        assert_eq!(Holder::parse("\0\0 junk\n"), Holder::default());
    }
}
