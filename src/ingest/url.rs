//! A file's name as a record's origin: `file://` and its canonical path.
//!
//! Only what would read as something else is written as `%xx`: `%` itself, `#` and `?`, controls and bytes that are no
//! UTF-8. So equal paths have equal urls, different ones different urls, and common paths stay readable.

use std::{
    ffi::OsString,
    fmt::Write,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

const SCHEME: &str = "file://";

/// The url of a canonical path.
pub fn of(path: &Path) -> String {
    let mut url = SCHEME.to_owned();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if matches!(c, '%' | '#' | '?') || c.is_control() {
                c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| push(&mut url, byte));
            } else {
                url.push(c);
            }
        }
        chunk.invalid().iter().for_each(|byte| push(&mut url, *byte));
    }
    url
}

fn push(url: &mut String, byte: u8) {
    write!(url, "%{byte:02X}").expect("a string takes everything");
}

/// What every url under a folder begins with.
pub fn under(folder: &Path) -> String {
    let mut url = of(folder);
    if !url.ends_with('/') {
        url.push('/');
    }
    url
}

/// The path a url names, and its part (`part-2`) where it has one.
pub fn path(url: &str) -> Option<(PathBuf, Option<&str>)> {
    let rest = url.strip_prefix(SCHEME)?;
    let (path, part) = match rest.split_once('#') {
        Some((path, part)) => (path, Some(part)),
        None => (rest, None),
    };
    let mut bytes = Vec::with_capacity(path.len());
    let mut left = path.as_bytes();
    while let [first, rest @ ..] = left {
        let coded = (*first == b'%').then(|| rest.get(..2)).flatten();
        let byte = coded.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        left = if byte.is_some() { &rest[2..] } else { rest };
    }
    Some((PathBuf::from(OsString::from_vec(bytes)), part))
}

/// The url of a part of what another url names.
pub fn part(url: &str, name: &str) -> String {
    let joint = if url.contains('#') { '-' } else { '#' };
    format!("{url}{joint}{name}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_path_stays_as_it_is() {
        assert_eq!(of(Path::new("/home/ada/my notes/α.md")), "file:///home/ada/my notes/α.md");
        assert_eq!(of(Path::new("/a#b?c%d")), "file:///a%23b%3Fc%25d");
        assert_eq!(under(Path::new("/")), "file:///");
        assert_eq!(part("file:///a", "part-2"), "file:///a#part-2");
        assert_eq!(part("file:///a#line-3", "part-2"), "file:///a#line-3-part-2");
        assert_eq!(path("file:///a#line-3"), Some(("/a".into(), Some("line-3"))));
        assert_eq!(path("https://a"), None);
    }

    proptest! {
        #[test]
        fn every_path_reads_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let found = PathBuf::from(OsString::from_vec(bytes));
            let url = of(&found);
            prop_assert_eq!(path(&url), Some((found, None)));
        }
    }
}
