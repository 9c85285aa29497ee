//! A file that is written whole or not at all: beside its place and renamed into it, so that a kill at any moment leaves
//! the old one or the new one, with the same mode. Each process has a name of its own for what it writes, so that two do not mix theirs.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::Path,
    process,
};

pub fn write_whole(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = OsString::from(place);
    beside.push(format!(".{}.new", process::id()));
    let mode = fs::metadata(place).ok().filter(fs::Metadata::is_file).map(|found| found.permissions());
    let written = fill(beside.as_ref(), mode, bytes).and_then(|()| fs::rename(&beside, place));
    written.inspect_err(|_| {
        if let Err(error) = fs::remove_file(&beside)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = ?beside, %error, "a file that was only half written stays");
        }
    })
}

fn fill(path: &Path, mode: Option<fs::Permissions>, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    if let Some(mode) = mode {
        file.set_permissions(mode)?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<OsString> {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("a.json");
        // What another process is writing now is not touched.
        fs::write(dir.path().join("a.json.new"), "half").unwrap();
        for text in ["one", "two"] {
            write_whole(&place, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&place).unwrap(), text);
        }
        assert_eq!(names(dir.path()).len(), 2);
    }

    #[test]
    fn who_may_read_it_stays() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("a.json");
        fs::write(&place, "one").unwrap();
        fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
        write_whole(&place, b"two").unwrap();
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_put_in_its_place_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("taken");
        fs::create_dir_all(place.join("inside")).unwrap();
        assert!(write_whole(&place, b"text").is_err());
        assert_eq!(names(dir.path()), ["taken"]);
    }
}
