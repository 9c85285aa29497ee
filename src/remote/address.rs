//! Where a hub answers: a socket on this machine, or a host and port, with the key that opens it.

use std::{fmt, path::PathBuf, str::FromStr, sync::Arc};

use reqwest::Url;

use crate::model::Fault;

/// Where a hub listens when nothing else is said.
pub const PORT: u16 = 7420;

/// What opens a hub; never shown, never in an address.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Arc<str>);

impl Key {
    pub fn new(text: &str) -> Result<Key, Fault> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Fault::invalid("that is no key").hint("a key looks like wh_live_…, in one line"));
        }
        Ok(Key(text.into()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Where a hub answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    Socket(PathBuf),
    /// `http://host:7420`, without a path.
    Http {
        base: String,
        key: Option<Key>,
    },
}

impl Address {
    /// The same, opened by this key.
    pub fn with_key(self, key: Option<Key>) -> Address {
        match self {
            Address::Http { base, .. } => Address::Http { base, key },
            socket @ Address::Socket(_) => socket,
        }
    }

    /// What stands before a request's path.
    pub(super) fn base(&self) -> String {
        match self {
            // The host is not looked at: the socket decides where it goes.
            Address::Socket(_) => "http://hub/api/v1".to_owned(),
            Address::Http { base, .. } => format!("{base}/api/v1"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Socket(path) => path.display().fmt(f),
            Address::Http { base, .. } => f.write_str(base),
        }
    }
}

impl FromStr for Address {
    type Err = Fault;

    /// `host`, `host:7420` and `http://host:7420` are the same.
    fn from_str(text: &str) -> Result<Address, Fault> {
        let wrong = |why: String| {
            Fault::invalid(format!("{text:?} is no address of a hub"))
                .cause(why)
                .hint(format!("for example http://127.0.0.1:{PORT}"))
        };
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let mut url = Url::parse(&whole).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(format!("it begins with {}://", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(wrong("a key does not belong into an address, where others read it".to_owned()));
        }
        if !matches!(url.path(), "" | "/") {
            return Err(wrong(format!("it has a path, {}", url.path())));
        }
        // The port that a scheme is known by counts only where it was said.
        let said =
            whole.rsplit(':').next().is_some_and(|port| port.trim_end_matches('/').parse::<u16>().is_ok());
        if url.port().is_none() && !said {
            url.set_port(Some(PORT)).map_err(|()| wrong("it has no host".to_owned()))?;
        }
        let base = url.as_str().trim_end_matches('/').to_owned();
        Ok(Address::Http { base, key: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_typed() {
        for (text, base) in [
            ("http://127.0.0.1:7420", "http://127.0.0.1:7420"),
            ("http://host", "http://host:7420"),
            ("host", "http://host:7420"),
            ("host:80", "http://host"),
            ("https://hub.example.org:443/", "https://hub.example.org"),
            ("[::1]:9000", "http://[::1]:9000"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), base, "{text}");
        }
        for text in
            ["", "ftp://host", "http://host/path", "http://user@host", "http://host/?key=x", "http://"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let address = "host".parse::<Address>().unwrap().with_key(Some(Key::new(" wh_live_x ").unwrap()));
        assert!(!format!("{address:?} {address}").contains("wh_live"));
        assert!(Key::new("two words").is_err());
    }
}
