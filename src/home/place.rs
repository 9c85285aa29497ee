//! The data directory: made private, on a disk that keeps its promises, and whose it is.

use std::{
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::Access;

use super::{HomeOptions, socket::Candidate};
use crate::model::{Code, Fault};

const OTHER_PLACE: &str = "`--data-dir DIR` or WHEELHOUSE_DATA_DIR names another place";

/// File systems on which locks, synced writes or mapped files do not mean what they mean on a disk, by `statfs`.
const NETWORK: [(u32, &str); 14] = [
    (0x0000_6969, "NFS"),
    (0x0000_517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x0000_564c, "NCP"),
    (0x7375_7245, "Coda"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
];

/// A data directory that can be owned, or attached to.
#[derive(Debug, Clone)]
pub struct Place {
    /// Canonical, so that every name of it means the same hub.
    pub dir: PathBuf,
    pub runtime_dir: Option<PathBuf>,
    pub uid: u32,
}

impl Place {
    /// Makes the directory where there is none, and refuses what cannot hold a store.
    pub fn prepare(options: &HomeOptions, runtime_dir: Option<PathBuf>) -> Result<Place, Fault> {
        let wanted = &options.data_dir;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(wanted)
            .map_err(|error| not_made(wanted, &error))?;
        let dir = wanted.canonicalize().map_err(|error| not_made(wanted, &error))?;
        let found = dir.metadata().map_err(|error| not_made(&dir, &error))?;
        let uid = rustix::process::geteuid().as_raw();
        if found.uid() != uid {
            return Err(Fault::new(Code::Denied, format!("{} belongs to another user", dir.display()))
                .cause(format!("its owner is uid {}, this process runs as uid {uid}", found.uid()))
                .hint(OTHER_PLACE));
        }
        if found.mode() & 0o077 != 0 {
            fs::set_permissions(&dir, Permissions::from_mode(0o700))
                .map_err(|error| not_writable(&dir, &error))?;
        }
        if !options.unsafe_filesystem {
            on_a_disk(&dir)?;
        }
        Ok(Place { dir, runtime_dir, uid })
    }

    /// Refuses a directory in which nothing can be written, before a store tries and fails half way.
    pub fn check_writable(&self) -> Result<(), Fault> {
        rustix::fs::access(&self.dir, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|error| not_writable(&self.dir, &error.into()))
    }

    /// Where the hub's socket may be, best first.
    pub fn sockets(&self) -> Vec<Candidate> {
        Candidate::all(&self.dir, self.runtime_dir.as_deref(), self.uid)
    }
}

fn on_a_disk(dir: &Path) -> Result<(), Fault> {
    let found = match rustix::fs::statfs(dir) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "the data directory's file system is not known");
            return Ok(());
        }
    };
    match network(found.f_type as u32) {
        Some(name) => Err(Fault::new(Code::Unsupported, format!("{} is on {name}", dir.display()))
            .cause("there a lock or a synced write does not hold what this store promises")
            .hint(format!("{OTHER_PLACE}, on a local disk; `--unsafe-filesystem` takes it all the same"))),
        None => Ok(()),
    }
}

fn network(magic: u32) -> Option<&'static str> {
    NETWORK.iter().find(|(known, _)| *known == magic).map(|(_, name)| *name)
}

fn not_made(dir: &Path, error: &io::Error) -> Fault {
    fault_of(error, format!("there can be no data directory at {}", dir.display()))
}

pub fn not_writable(dir: &Path, error: &io::Error) -> Fault {
    fault_of(error, format!("the data directory {} is not writable", dir.display()))
}

fn fault_of(error: &io::Error, message: String) -> Fault {
    let code = match error.kind() {
        io::ErrorKind::PermissionDenied => Code::Denied,
        io::ErrorKind::StorageFull | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::QuotaExceeded => {
            Code::Full
        }
        _ => Code::Invalid,
    };
    Fault::new(code, message).cause(error).hint(OTHER_PLACE)
}

#[cfg(test)]
mod tests {
    use super::{super::Stay, *};
    use crate::{api::Reach, model::Time, store::Retention, tasks::Clock};

    fn options(data_dir: PathBuf) -> HomeOptions {
        HomeOptions {
            data_dir,
            unsafe_filesystem: false,
            hub_name: "h".into(),
            clock: Clock::fixed(Time::default()),
            retention: Retention::default(),
            sampling: Default::default(),
            stay: Stay::Verb,
            jobs: crate::hub::JobOptions::default(),
            hub: None,
            reach: Reach::default(),
        }
    }

    #[test]
    fn a_new_directory_is_private() {
        let temp = tempfile::tempdir().unwrap();
        let place = Place::prepare(&options(temp.path().join("a/b")), None).unwrap();
        assert_eq!(place.dir.metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(place.check_writable(), Ok(()));
        fs::set_permissions(&place.dir, Permissions::from_mode(0o755)).unwrap();
        let again = Place::prepare(&options(temp.path().join("a/../a/b")), None).unwrap();
        assert_eq!((again.dir.metadata().unwrap().mode() & 0o777, again.dir), (0o700, place.dir));
    }

    #[test]
    fn a_file_in_its_place_is_said() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("file");
        fs::write(&file, "").unwrap();
        let fault = Place::prepare(&options(file), None).unwrap_err();
        assert!(fault.message.starts_with("there can be no data directory at "), "{fault:?}");
        assert!(fault.cause.is_some() && fault.hint.is_some());
    }

    #[test]
    fn network_file_systems_are_known() {
        assert_eq!(network(0x6969), Some("NFS"));
        assert_eq!(network(0xff53_4d42), Some("CIFS"));
        // ext4, XFS, Btrfs, tmpfs, overlay, ZFS.
        for disk in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert_eq!(network(disk), None);
        }
    }
}
