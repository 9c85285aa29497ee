//! The lock of a data directory: the kernel's, so that it ends with its process, however that ends.
//!
//! The kernel keeps it with the open file, not with the process that opened it. So it can be given to another process
//! with the file itself, and is never free in between.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    process::Stdio,
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
    /// Another process has the same open file: closed here and not unlocked, it stays locked there.
    is_given: bool,
}

/// What the file says of who holds the lock. Only text: it may be old, or empty for a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    pub pid: Option<u32>,
    pub socket: Option<PathBuf>,
    /// A single verb, which is done in a moment.
    pub is_verb: bool,
}

#[derive(Debug)]
pub enum Taken {
    Owned(Lock),
    Held(Holder),
}

impl Lock {
    /// Takes the lock if nobody has it, or if whoever has it gave it to this process.
    pub fn take(dir: &Path) -> Result<Taken, Fault> {
        let path = dir.join(NAME);
        let (mut file, writable) = match given(&path) {
            Some(file) => (file, Ok(())),
            None => opened(&path).map_err(|error| not_writable(dir, &error))?,
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
        let mut lock = Lock { file, is_given: false };
        lock.say(None, false).map_err(|error| not_writable(dir, &error))?;
        Ok(Taken::Owned(lock))
    }

    /// Gives it to the process that `start` starts with this as its standard input. Where none is started it is free.
    pub fn give<T>(mut self, start: impl FnOnce(Stdio) -> io::Result<T>) -> io::Result<T> {
        let started = start(self.file.try_clone()?.into())?;
        self.is_given = true;
        Ok(started)
    }

    /// Writes who holds it, and where it answers.
    pub fn say(&mut self, socket: Option<&Path>, is_verb: bool) -> io::Result<()> {
        let holder = Holder { pid: Some(std::process::id()), socket: socket.map(Path::to_owned), is_verb };
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(holder.text().as_bytes())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_given {
            return;
        }
        if let Err(error) = self.file.set_len(0) {
            tracing::debug!(%error, "the lock's text stays; the lock itself ends with its file");
        }
        // Closing would do, but for who was given it: there it is still open as standard input.
        if let Err(error) = rustix::fs::flock(&self.file, FlockOperation::Unlock) {
            tracing::debug!(%error, "the lock ends with this process");
        }
    }
}

/// The lock's file as who started this process gave it.
fn given(path: &Path) -> Option<File> {
    let file = File::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
    is_still(path, &file).then_some(file)
}

/// The lock's file, and whether it can be written.
fn opened(path: &Path) -> io::Result<(File, io::Result<()>)> {
    let mut options = OpenOptions::new();
    options.read(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits() as i32);
    match options.clone().write(true).create(true).truncate(false).open(path) {
        Ok(file) => Ok((file, Ok(()))),
        // One may still attach to a hub whose disk has become read-only.
        Err(error) => match options.open(path) {
            Ok(file) => Ok((file, Err(error))),
            Err(_) => Err(error),
        },
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
        if self.is_verb {
            text.push_str("face verb\n");
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
                Some(("face", face)) => holder.is_verb = face == "verb",
                Some(("socket", socket)) => holder.socket = Some(PathBuf::from(socket)),
                _ => {}
            }
        }
        holder
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn one_holds_it_and_the_others_read_who() {
        let dir = tempfile::tempdir().unwrap();
        let Taken::Owned(mut lock) = Lock::take(dir.path()).unwrap() else { panic!("nobody has it") };
        lock.say(Some(Path::new("/run/hub.sock")), false).unwrap();
        let Taken::Held(holder) = Lock::take(dir.path()).unwrap() else { panic!("it is held") };
        let pid = Some(std::process::id());
        assert_eq!(holder, Holder { pid, socket: Some("/run/hub.sock".into()), is_verb: false });
        drop(lock);
        assert!(matches!(Lock::take(dir.path()).unwrap(), Taken::Owned(_)));
    }

    #[test]
    fn what_is_given_away_stays_locked_until_it_ends_there() {
        let dir = tempfile::tempdir().unwrap();
        let Taken::Owned(mut lock) = Lock::take(dir.path()).unwrap() else { panic!("nobody has it") };
        lock.say(Some(Path::new("/run/hub.sock")), false).unwrap();
        let waits = |file| Command::new("tail").args(["-f", "/dev/null"]).stdin(file).spawn();
        let mut other = lock.give(waits).unwrap();
        let Taken::Held(holder) = Lock::take(dir.path()).unwrap() else { panic!("it is given") };
        assert_eq!(holder.socket, Some("/run/hub.sock".into()), "what it says is the other's now");
        other.kill().unwrap();
        other.wait().unwrap();
        let Taken::Owned(lock) = Lock::take(dir.path()).unwrap() else { panic!("it ended there") };
        assert!(lock.give(|_| Err::<(), _>(io::Error::other("not started"))).is_err());
        assert!(matches!(Lock::take(dir.path()).unwrap(), Taken::Owned(_)), "it was never given");
    }

    #[test]
    fn a_text_reads_back_and_half_a_text_is_not_believed() {
        let holder = Holder { pid: Some(7), socket: Some("/a b/c".into()), is_verb: true };
        assert_eq!(Holder::parse(&holder.text()), holder);
        assert_eq!(Holder::parse("pid 7\nsocket /a b"), Holder { pid: Some(7), ..Holder::default() });
        assert_eq!(Holder::parse("\0\0 junk\n"), Holder::default());
    }
}
