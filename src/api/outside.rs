//! Listeners beyond the socket: where they may be, TLS on them, and which names they answer to.
//!
//! A browser can be made to ask a hub on its own machine by a page from anywhere, under a name that the page's owner
//! points there. So a request has to name this hub by a name that is the hub's (`Host`), and where a page sent it, the
//! page has to be the hub's own too (`Origin`).

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use axum::http::{HeaderMap, Uri, header, uri::Authority};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::{
    door::Listener,
    model::{Code, Fault},
};

/// Connections that the kernel keeps until they are taken; it drops what comes beyond, and its own limit may be lower.
const WAITING_MAX: u32 = 4_096;
const TLS_HINT: &str =
    "`tls_cert` and `tls_key` name PEM files, the certificate first and those above it after";

/// How a hub is to be reached beside its socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    pub listen: Vec<SocketAddr>,
    /// Certificate and key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Over a network without TLS all the same.
    pub insecure_http: bool,
    /// Whoever comes is let in.
    pub no_auth: bool,
    /// Names that it answers to, beside its addresses.
    pub hosts: Vec<String>,
}

impl Reach {
    /// Refuses what would show the hub to others by mistake.
    pub fn check(&self) -> Result<(), Fault> {
        for address in self.listen.iter().filter(|address| !address.ip().is_loopback()) {
            if self.no_auth {
                return Err(Fault::invalid(format!("--no-auth would let anyone in at {address}"))
                    .hint("without keys a hub listens at 127.0.0.1 or [::1] alone; `wheelhouse key create` makes a key"));
            }
            if self.tls.is_none() && !self.insecure_http {
                return Err(Fault::invalid(format!(
                    "{address} would carry keys over the network unencrypted"
                ))
                .cause("it is no loopback address, and there is no certificate")
                .hint(format!(
                    "{TLS_HINT}; `--insecure-http` listens without, where something else encrypts"
                )));
            }
        }
        Ok(())
    }

    /// Takes the addresses. None is listened at where one of them cannot be.
    pub async fn bind(&self) -> Result<(Vec<Tcp>, Arc<Outside>), Fault> {
        self.check()?;
        let tls = if self.listen.is_empty() { None } else { self.certificate()? };
        let outside = Arc::new(Outside {
            no_auth: self.no_auth,
            tls: RwLock::new(tls),
            hosts: RwLock::new(self.hosts.clone()),
        });
        let mut bound = Vec::with_capacity(self.listen.len());
        for address in &self.listen {
            let not_there = |error: io::Error| {
                Fault::unavailable(format!("the hub cannot listen at {address}")).cause(error).hint(
                    "another program may have the port: `ss -ltnp` shows which; port 0 takes a free one",
                )
            };
            let listener = listen(*address).map_err(not_there)?;
            let at = listener.local_addr().map_err(not_there)?;
            bound.push(Tcp { listener, at, outside: outside.clone() });
        }
        Ok((bound, outside))
    }

    fn certificate(&self) -> Result<Option<Arc<ServerConfig>>, Fault> {
        self.tls.as_ref().map(|(cert, key)| certificate(cert, key)).transpose()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As the one before this hub may just have had it.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING_MAX)
}

fn certificate(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, Fault> {
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| {
        Fault::invalid(format!("{} cannot be used for TLS", path.display())).cause(error).hint(TLS_HINT)
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(cert, &error))?;
    if chain.is_empty() {
        return Err(unreadable(cert, &"there is no certificate in it"));
    }
    if fs::metadata(key).is_ok_and(|found| found.mode() & 0o077 != 0) {
        tracing::warn!(file = %key.display(), "others on this machine can read the key of the certificate: `chmod 600` it");
    }
    let key_in_it = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::bug("TLS cannot be set up").cause(error))?
        .with_no_client_auth()
        .with_single_cert(chain, key_in_it)
        .map_err(|error| unreadable(cert, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What all listeners share. Certificate and names may change while they listen.
#[derive(Debug, Default)]
pub struct Outside {
    pub no_auth: bool,
    tls: RwLock<Option<Arc<ServerConfig>>>,
    hosts: RwLock<Vec<String>>,
}

impl Outside {
    /// Reads the certificate again, which may be a new one under its old name, and takes other names.
    pub fn reload(&self, reach: &Reach) -> Result<(), Fault> {
        // A listener does not change between HTTP and HTTPS under its clients.
        if self.acceptor().is_some()
            && let Some(fresh) = reach.certificate()?
        {
            *self.tls.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        }
        *self.hosts.write().unwrap_or_else(PoisonError::into_inner) = reach.hosts.clone();
        Ok(())
    }

    fn acceptor(&self) -> Option<TlsAcceptor> {
        let tls = self.tls.read().unwrap_or_else(PoisonError::into_inner);
        tls.clone().map(TlsAcceptor::from)
    }

    fn is_named(&self, host: &str) -> bool {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.iter().any(|name| name.eq_ignore_ascii_case(host))
    }
}

/// An address that is listened at.
pub struct Tcp {
    listener: TcpListener,
    at: SocketAddr,
    outside: Arc<Outside>,
}

impl Tcp {
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// As a status names it.
    pub fn listener(&self) -> Listener {
        let scheme = if self.outside.acceptor().is_some() { "https" } else { "http" };
        Listener { url: format!("{scheme}://{}", self.at), keys: !self.outside.no_auth }
    }

    pub async fn accept(&self) -> io::Result<(TcpStream, Entrance)> {
        let (socket, from) = self.listener.accept().await?;
        // An answer is written whole: waiting for more to send would only delay it.
        socket.set_nodelay(true)?;
        let at = socket.local_addr()?;
        Ok((socket, Entrance { from, at, tls: self.outside.acceptor(), outside: self.outside.clone() }))
    }
}

/// How a connection came in from outside.
#[derive(Clone)]
pub struct Entrance {
    pub from: SocketAddr,
    /// This end of it.
    at: SocketAddr,
    pub tls: Option<TlsAcceptor>,
    pub outside: Arc<Outside>,
}

impl Entrance {
    /// Whether the request means this hub, by a name that is its own.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Fault> {
        let hosts: Vec<_> = headers.get_all(header::HOST).iter().collect();
        let said = match (uri.authority(), hosts.as_slice()) {
            (Some(authority), _) => Some(authority.clone()),
            (None, [host]) => Authority::try_from(host.as_bytes()).ok(),
            (None, _) => None,
        };
        if !said.is_some_and(|said| self.is_mine(&said)) {
            return Err(Fault::new(Code::Denied, "this hub does not answer to that name")
                .cause(format!(
                    "`Host` is {:?}",
                    hosts.first().map_or(&b""[..], |host| host.as_bytes()).escape_ascii().to_string()
                ))
                .hint("ask it by the address it listens at, or write the name into the setting `hosts`"));
        }
        for origin in headers.get_all(header::ORIGIN) {
            let page = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok());
            if !page.and_then(|page| page.authority().cloned()).is_some_and(|page| self.is_own_page(&page)) {
                return Err(Fault::new(Code::Denied, "pages of another site may not ask this hub")
                    .cause(format!("`Origin` is {origin:?}"))
                    .hint("a program that is no page sends no `Origin`; a page's own name goes into the setting `hosts`"));
            }
        }
        Ok(())
    }

    /// Whether it is a name of this hub. Its port may be another: a tunnel has one of its own, and no page can point a
    /// browser here by it.
    fn is_mine(&self, said: &Authority) -> bool {
        if said.as_str().contains('@') {
            return false;
        }
        let host = said.host();
        if self.outside.is_named(host) {
            return true;
        }
        let address: Option<std::net::IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        match address {
            // What a page's owner points anywhere is a name; an address is what it says.
            Some(address) => address.is_loopback() == self.at.ip().is_loopback(),
            None => host.eq_ignore_ascii_case("localhost") && self.at.ip().is_loopback(),
        }
    }

    /// Whether a page of there is this hub's own: another port is another site.
    fn is_own_page(&self, said: &Authority) -> bool {
        let usual = if self.tls.is_some() { 443 } else { 80 };
        let here = self.outside.is_named(said.host()) || said.port_u16().unwrap_or(usual) == self.at.port();
        here && self.is_mine(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entrance(at: &str, hosts: &[&str]) -> Entrance {
        let outside = Outside {
            hosts: RwLock::new(hosts.iter().map(|host| (*host).into()).collect()),
            ..Outside::default()
        };
        Entrance {
            from: "127.0.0.1:9".parse().unwrap(),
            at: at.parse().unwrap(),
            tls: None,
            outside: Arc::new(outside),
        }
    }

    #[track_caller]
    fn check(entrance: &Entrance, host: &str, origin: Option<&str>, is_let_in: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        headers.extend(origin.map(|origin| (header::ORIGIN, origin.parse().unwrap())));
        let checked = entrance.check(&"/livez".parse().unwrap(), &headers);
        assert_eq!(checked.is_ok(), is_let_in, "{host} {origin:?}: {checked:?}");
    }

    #[test]
    fn a_hub_answers_to_its_own_names() {
        let local = entrance("127.0.0.1:7420", &["hub.lan"]);
        for host in
            ["localhost:7420", "LOCALHOST:7420", "127.0.0.1:7420", "[::1]:7420", "hub.lan", "hub.lan:443"]
                // Through a tunnel.
                .into_iter()
                .chain(["localhost", "localhost:80", "127.0.0.1:7901"])
        {
            check(&local, host, None, true);
        }
        for host in
            ["evil.example:7420", "127.0.0.1.evil.example:7420", "192.0.2.7:7420", "me@localhost:7420", ""]
        {
            check(&local, host, None, false);
        }
        let out = entrance("192.0.2.7:7420", &[]);
        check(&out, "192.0.2.7:7420", None, true);
        check(&out, "hub.example:7420", None, false);
        check(&out, "localhost:7420", None, false);
        assert!(local.check(&"/livez".parse().unwrap(), &HeaderMap::new()).is_err(), "no name at all");
        let absolute = "http://evil.example/livez".parse().unwrap();
        let headers = HeaderMap::from_iter([(header::HOST, "localhost:7420".parse().unwrap())]);
        assert!(local.check(&absolute, &headers).is_err(), "the address says more than the header");
    }

    #[test]
    fn a_page_of_another_site_is_refused() {
        let local = entrance("127.0.0.1:7420", &["hub.lan"]);
        check(&local, "localhost:7901", Some("http://localhost:7901"), false);
        check(&local, "localhost:7420", Some("http://localhost:7420"), true);
        check(&local, "localhost:7420", Some("https://hub.lan"), true);
        for origin in ["http://evil.example", "null", "http://localhost:3000", "file://"] {
            check(&local, "localhost:7420", Some(origin), false);
        }
    }

    #[test]
    fn what_would_show_it_by_mistake_is_refused() {
        let reach = |address: &str| Reach { listen: vec![address.parse().unwrap()], ..Reach::default() };
        let said = |reach: Reach| reach.check().map_err(|fault| fault.message);
        assert_eq!(said(reach("127.0.0.1:0")), Ok(()));
        assert_eq!(said(Reach { no_auth: true, ..reach("[::1]:0") }), Ok(()));
        assert_eq!(
            said(reach("0.0.0.0:7420")),
            Err("0.0.0.0:7420 would carry keys over the network unencrypted".into())
        );
        assert_eq!(said(Reach { insecure_http: true, ..reach("0.0.0.0:7420") }), Ok(()));
        let open = Reach { insecure_http: true, no_auth: true, ..reach("192.0.2.7:1") };
        assert_eq!(said(open), Err("--no-auth would let anyone in at 192.0.2.7:1".into()));
    }
}
