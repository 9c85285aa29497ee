//! File systems of a test's own, where the machine lets it mount one; what was mounted goes with it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// A file system on a directory of its own.
pub struct Mount {
    at: PathBuf,
    args: Vec<String>,
    _dir: TempDir,
}

impl Mount {
    /// In memory, of this size; `None`, said aloud, where that is not permitted.
    pub fn tmpfs(size: &str) -> Option<Mount> {
        Mount::new(|_| {
            Ok(vec!["-t".into(), "tmpfs".into(), "-o".into(), format!("size={size}"), "tmpfs".into()])
        })
    }

    /// On a file of so many megabytes.
    pub fn ext4(mb: u64) -> Option<Mount> {
        Mount::new(|dir| {
            let image = dir.join("image");
            let file = std::fs::File::create(&image).map_err(|error| error.to_string())?;
            file.set_len(mb << 20).map_err(|error| error.to_string())?;
            let image = image.to_str().expect("a temporary directory is UTF-8").to_owned();
            run("mkfs.ext4", &["-q", &image])?;
            Ok(vec!["-o".into(), "loop,errors=remount-ro".into(), image])
        })
    }

    fn new(what: impl FnOnce(&Path) -> Result<Vec<String>, String>) -> Option<Mount> {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join("mount");
        std::fs::create_dir(&at).unwrap();
        let place = at.to_str().expect("a temporary directory is UTF-8");
        let mounted = what(dir.path()).and_then(|mut args| {
            args.push(place.to_owned());
            mount(&args)?;
            Ok(args)
        });
        match mounted {
            Ok(args) => Some(Mount { at, args, _dir: dir }),
            Err(why) => {
                // Said where a person reads it: this machine cannot try it.
                println!("skipped: nothing can be mounted here: {why}");
                None
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.at
    }

    fn place(&self) -> &str {
        self.at.to_str().expect("a temporary directory is UTF-8")
    }

    /// `ro`, `rw`, `abort`.
    #[track_caller]
    pub fn remount(&self, how: &str) {
        run("mount", &["-o", &format!("remount,{how}"), self.place()]).unwrap();
    }

    /// Nothing is open in it: unmounted, and mounted as it was at first.
    #[track_caller]
    pub fn mount_again(&mut self) {
        run("umount", &[self.place()]).unwrap();
        mount(&self.args).unwrap();
    }

    /// Writes and fsyncs hang until what is answered is dropped; `None`, said aloud, where that is not permitted.
    pub fn freeze(&self) -> Option<Frozen> {
        match run("fsfreeze", &["-f", self.place()]) {
            Ok(()) => Some(Frozen(self.at.clone())),
            Err(why) => {
                println!("skipped: nothing can be frozen here: {why}");
                None
            }
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Of a test that failed, something may still be open in it.
        let how: &[&str] = if std::thread::panicking() { &["-l"] } else { &[] };
        let unmounted = run("umount", &[how, &[self.place()]].concat());
        assert!(std::thread::panicking() || unmounted.is_ok(), "{unmounted:?}");
    }
}

/// A file system of which nothing can be written.
#[must_use]
pub struct Frozen(PathBuf);

impl Drop for Frozen {
    fn drop(&mut self) {
        let place = self.0.to_str().expect("a temporary directory is UTF-8");
        if let Err(why) = run("fsfreeze", &["-u", place]) {
            println!("{place} stays frozen: {why}");
        }
    }
}

fn mount(args: &[String]) -> Result<(), String> {
    run("mount", &args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn run(program: &str, args: &[&str]) -> Result<(), String> {
    match Command::new(program).args(args).output() {
        Ok(Output { status, .. }) if status.success() => Ok(()),
        Ok(Output { stderr, .. }) => Err(String::from_utf8_lossy(&stderr).trim().to_owned()),
        Err(error) => Err(format!("{program}: {error}")),
    }
}
