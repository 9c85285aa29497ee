//! The text of a key: `wh_live_<8>_<43>_<6>`. The eight say which key it is, the forty-three are 256 bits by chance, the six
//! are a checksum, so that a slip is told from a wrong key and a scanner knows one when it sees it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use subtle::ConstantTimeEq;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SHORT_CHARS: usize = 8;
const SECRET_CHARS: usize = 43;
const SUM_CHARS: usize = 6;

const FILE: &str = "pepper";

/// A text that nobody else has, and its part that may be shown.
pub fn fresh(dev: bool) -> io::Result<(String, String)> {
    let kind = if dev { "dev" } else { "live" };
    let (short, secret) = (by_chance(SHORT_CHARS)?, by_chance(SECRET_CHARS)?);
    let text = format!("wh_{kind}_{short}_{secret}");
    let sum = sum(&text);
    Ok((format!("{text}_{sum}"), short))
}

/// The short part of what looks like a key.
pub fn short_of(text: &str) -> Option<&str> {
    let (front, given) = text.rsplit_once('_')?;
    let mut parts = front.split('_');
    let ("wh", "live" | "dev", short, secret, None) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next())
    else {
        return None;
    };
    let is_of = |part: &str, chars| part.len() == chars && part.bytes().all(|byte| DIGITS.contains(&byte));
    let whole = is_of(short, SHORT_CHARS) && is_of(secret, SECRET_CHARS) && given == sum(front);
    whole.then_some(short)
}

fn by_chance(chars: usize) -> io::Result<String> {
    let mut text = String::with_capacity(chars);
    let mut bytes = [0; 64];
    while text.len() < chars {
        getrandom::fill(&mut bytes)?;
        // Six bits each; what is no digit is thrown away, so that each digit is as likely as the others.
        let digits = bytes.iter().filter_map(|byte| DIGITS.get(usize::from(byte & 63)));
        text.extend(digits.take(chars - text.len()).map(|digit| char::from(*digit)));
    }
    Ok(text)
}

fn sum(text: &str) -> String {
    let mut rest = crc32c::crc32c(text.as_bytes()) as usize;
    let mut digits = [0; SUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[rest % DIGITS.len()];
        rest /= DIGITS.len();
    }
    String::from_utf8_lossy(&digits).into_owned()
}

/// What hashes of keys are keyed with: in a file of its own, so that neither log nor backup can prove a guess.
#[derive(Clone)]
pub struct Pepper([u8; 32]);

impl Pepper {
    /// None where no key was made yet.
    pub fn read(data_dir: &Path) -> io::Result<Option<Pepper>> {
        match fs::read(data_dir.join(FILE)) {
            Ok(bytes) => match bytes.try_into() {
                Ok(bytes) => Ok(Some(Pepper(bytes))),
                Err(_) => Err(io::Error::new(io::ErrorKind::InvalidData, "it has not 32 bytes")),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn make(data_dir: &Path) -> io::Result<Pepper> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(data_dir.join(FILE))?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::File::open(data_dir)?.sync_all()?;
        Ok(Pepper(bytes))
    }

    pub fn hash(&self, secret: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.0, secret.as_bytes()).as_bytes()
    }

    /// In the same time whatever differs.
    pub fn proves(&self, secret: &str, hash: &[u8; 32]) -> bool {
        self.hash(secret).ct_eq(hash).into()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_key_reads_back_and_a_slip_is_seen() {
        let (text, short) = fresh(false).unwrap();
        assert_eq!(text.len(), "wh_live_".len() + SHORT_CHARS + 1 + SECRET_CHARS + 1 + SUM_CHARS);
        assert_eq!(short_of(&text), Some(short.as_str()));
        assert!(fresh(true).unwrap().0.starts_with("wh_dev_"));
        assert_ne!(fresh(false).unwrap().0, text);
        for at in 0..text.len() {
            let mut slip = text.clone().into_bytes();
            slip[at] = if slip[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(short_of(std::str::from_utf8(&slip).unwrap()), None, "{at}");
        }
        for other in ["", "wh_live", "sk-0123", &text[..text.len() - 1], &format!("{text}x")] {
            assert_eq!(short_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_hash_is_proved_by_its_key_and_its_pepper_alone() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert!(Pepper::read(one.path()).unwrap().is_none());
        let pepper = Pepper::make(one.path()).unwrap();
        assert!(Pepper::make(one.path()).is_err(), "never over another one");
        assert_eq!(fs::metadata(one.path().join(FILE)).unwrap().mode() & 0o777, 0o600);
        let hash = pepper.hash("secret");
        assert!(Pepper::read(one.path()).unwrap().unwrap().proves("secret", &hash));
        assert!(!pepper.proves("Secret", &hash));
        assert!(!Pepper::make(two.path()).unwrap().proves("secret", &hash));
        fs::write(two.path().join(FILE), "short").unwrap();
        assert!(Pepper::read(two.path()).is_err());
    }
}
