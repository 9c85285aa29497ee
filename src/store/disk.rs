//! The files under the log, behind a trait, so that a test can make any call fail.
//!
//! Only the log goes through it: it is what must survive. Views have their own ways and can be thrown away.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// A directory of files.
pub trait Disk: Send + Sync {
    /// For reading and writing; made if `create`.
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn DiskFile>>;
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The file takes the other name, and the place of what bore it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// What was made or removed in it is on disk when this returns.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// How much may still be written where this directory is.
    fn room(&self, dir: &Path) -> io::Result<Room> {
        let found = rustix::fs::statvfs(dir)?;
        Ok(Room { free_bytes: found.f_bavail * found.f_frsize, total_bytes: found.f_blocks * found.f_frsize })
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// A file, by offsets.
pub trait DiskFile: Send + Sync {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;
    /// All of it, or an error with some part of it written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// `fdatasync`: the content, and the length that reading it needs.
    fn sync(&self) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    fn size(&self) -> io::Result<u64>;
}

/// The machine's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn DiskFile>> {
        let file =
            OpenOptions::new().read(true).write(true).create(create).truncate(false).mode(0o600).open(path);
        match file {
            // A medium that has become read-only can still be read.
            Err(error) if !create && error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
                Ok(Box::new(File::open(path)?))
            }
            file => Ok(Box::new(file?)),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

impl DiskFile for File {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

/// Reads until the buffer is full or the file ends; answers how much.
pub fn read_up_to(file: &dyn DiskFile, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
