//! The place on disk: the data directory and the socket that goes with it.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{fs::statfs, process::geteuid};

use crate::model::{Code, Fault};

/// What `sun_path` holds, without its closing NUL.
const SOCKET_BYTES_MAX: usize = 107;
/// Hex digits of the directory's hash in a socket's name.
const HASH_DIGITS: usize = 16;

/// File systems whose locks or fsync cannot be relied on, by the magic numbers of `statfs(2)`.
const UNSAFE_FILE_SYSTEMS: [(u32, &str); 9] = [
    (0x0000_6969, "NFS"),
    (0x0000_517B, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x0102_1997, "9P"),
    (0x5346_414F, "AFS"),
    (0x00C3_6400, "Ceph"),
    (0x7375_7245, "Coda"),
    (0x6573_5546, "FUSE"),
];

/// Makes the data directory where it is missing, and refuses one that cannot keep what is given to it. Answers its
/// canonical path, by which every process finds the same socket.
pub fn prepare(dir: &Path, unsafe_filesystem: bool) -> Result<PathBuf, Fault> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    let found =
        made.and_then(|()| fs::canonicalize(dir)).map_err(|error| not_usable(dir, "cannot make", error))?;
    let meta = fs::metadata(&found).map_err(|error| not_usable(dir, "cannot read", error))?;
    if !meta.is_dir() {
        return Err(Fault::invalid(format!("{} is not a directory", dir.display()))
            .hint("choose one with --data-dir"));
    }
    if meta.uid() != geteuid().as_raw() {
        return Err(Fault::new(
            Code::Denied,
            format!("{} belongs to another user (uid {})", dir.display(), meta.uid()),
        )
        .hint("a data directory has one owner; choose another one with --data-dir"));
    }
    if meta.mode() & 0o077 != 0 {
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(&found, private)
            .map_err(|error| not_usable(dir, "cannot close to others", error))?;
    }
    if !unsafe_filesystem && let Some(kind) = unsafe_file_system(&found) {
        return Err(Fault::new(Code::Unsupported, format!("{} is on {kind}", dir.display()))
            .cause(
                "its locks and fsync may say done when they are not, and two machines could own it at once",
            )
            .hint("use a local disk with --data-dir, or take the risk with --unsafe-filesystem"));
    }
    Ok(found)
}

fn unsafe_file_system(dir: &Path) -> Option<&'static str> {
    let magic = statfs(dir).ok()?.f_type as u32;
    kind_of(magic)
}

fn kind_of(magic: u32) -> Option<&'static str> {
    UNSAFE_FILE_SYSTEMS.iter().find(|(known, _)| *known == magic).map(|(_, kind)| *kind)
}

fn not_usable(dir: &Path, what: &str, error: io::Error) -> Fault {
    let code = match error.kind() {
        io::ErrorKind::PermissionDenied => Code::Denied,
        io::ErrorKind::StorageFull | io::ErrorKind::ReadOnlyFilesystem => Code::Full,
        _ => Code::Unavailable,
    };
    Fault::new(code, format!("{what} the data directory {}", dir.display()))
        .cause(error)
        .hint("choose a directory that you may write with --data-dir or WHEELHOUSE_DATA_DIR")
}

/// Where a hub of this directory can listen, best first. The same for every process of this user but for
/// `XDG_RUNTIME_DIR`, which a login by SSH and a service see differently.
pub fn socket_candidates(dir: &Path) -> Vec<PathBuf> {
    candidates(dir, std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))
}

fn candidates(dir: &Path, runtime: Option<PathBuf>) -> Vec<PathBuf> {
    let hash = blake3::hash(dir.as_os_str().as_encoded_bytes()).to_hex();
    let name = format!("{}.sock", &hash[..HASH_DIGITS]);
    let runtime =
        runtime.filter(|runtime| runtime.is_absolute()).map(|runtime| runtime.join("wheelhouse").join(&name));
    let shared = PathBuf::from(format!("/tmp/wheelhouse-{}", geteuid().as_raw())).join(&name);
    runtime
        .into_iter()
        .chain([dir.join("hub.sock"), shared])
        .filter(|socket| socket.as_os_str().len() <= SOCKET_BYTES_MAX)
        .collect()
}

/// The first candidate whose directory is there, or can be made, and belongs to this user alone.
pub fn socket_to_bind(dir: &Path) -> Result<PathBuf, Fault> {
    let candidates = socket_candidates(dir);
    let mut cause = "every path is too long".to_owned();
    for socket in candidates {
        match private_parent(&socket) {
            Ok(()) => return Ok(socket),
            Err(error) => cause = format!("{}: {error}", socket.display()),
        }
    }
    Err(Fault::unavailable("there is no safe place for the hub's socket").cause(cause))
}

fn private_parent(socket: &Path) -> io::Result<()> {
    let parent = socket.parent().ok_or(io::ErrorKind::NotFound)?;
    match fs::DirBuilder::new().mode(0o700).create(parent) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // Not through a link: in /tmp another user could have laid one.
    let meta = fs::symlink_metadata(parent)?;
    if !meta.is_dir() || meta.uid() != geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "not a directory of this user"));
    }
    if meta.mode() & 0o077 != 0 {
        fs::set_permissions(parent, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// For this user alone.
pub fn make_private(socket: &Path) -> io::Result<()> {
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_made_private_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("a/b");
        let found = prepare(&data, false).unwrap();
        assert_eq!(fs::metadata(&found).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(&found, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(prepare(&data, false).unwrap(), found);
        assert_eq!(fs::metadata(&found).unwrap().mode() & 0o777, 0o700);
        fs::write(dir.path().join("file"), "x").unwrap();
        assert!(prepare(&dir.path().join("file"), false).is_err());
    }

    #[test]
    fn sockets_fit_and_go_with_their_directory() {
        let of = |dir: &str, runtime: Option<&str>| candidates(Path::new(dir), runtime.map(PathBuf::from));
        let here = of("/data/a", Some("/run/user/7"));
        assert_eq!(here.len(), 3);
        assert!(here[0].starts_with("/run/user/7/wheelhouse"));
        assert_eq!(here[1], Path::new("/data/a/hub.sock"));
        assert_ne!(of("/data/b", Some("/run/user/7"))[0], here[0]);
        assert_eq!(of("/data/a", Some("relative")), here[1..]);
        let long = format!("/{}", "x".repeat(120));
        assert_eq!(of(&long, Some(&long)).len(), 1, "only the short one in /tmp is left");
    }

    #[test]
    fn network_file_systems_are_known() {
        assert_eq!(kind_of(0x6969), Some("NFS"));
        assert_eq!(kind_of(0xEF53), None, "ext4");
    }
}
