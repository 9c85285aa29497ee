//! A hub that is reached over the network: where it listens, whom it answers, and what a key opens.

mod keys;
pub mod walk;
mod ws;

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use rustix::process::Signal;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::{
    daemon::Daemon,
    harness::{Program, text},
    http::{Answer, receive, send},
};

/// Where this machine's tests come from, unless they say so.
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Where a daemon listens.
pub fn address(daemon: &Daemon) -> SocketAddr {
    let url = daemon.said["listeners"][0]["url"].as_str().unwrap();
    url.split_once("://").unwrap().1.parse().unwrap()
}

async fn connect(to: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

async fn ask(to: SocketAddr, from: Ipv4Addr, request: &str, headers: &[&str], body: &str) -> Answer {
    let mut stream = connect(to, from).await;
    send(&mut stream, request, headers, body).await;
    receive(&mut stream).await
}

#[tokio::test]
async fn a_hub_without_keys_answers_this_machine_by_its_own_names() {
    let program = Program::new();
    let mut daemon = Daemon::start(&program, &["--listen", "127.0.0.1:0", "--no-auth"]);
    assert!(daemon.complains().contains("NO KEYS"), "a banner");
    let at = address(&daemon);
    let own = format!("host: {at}");
    let status = ask(at, HERE, "GET /api/v1/status", &[&own], "").await;
    assert_eq!(status.status, 200, "{}", status.body);
    assert_eq!(status.json()["listeners"], json!([{ "url": format!("http://{at}"), "keys": false }]));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(status.header(name), Some(value));
    }
    assert_eq!(status.header("access-control-allow-origin"), None);
    let saved =
        ask(at, HERE, "POST /api/v1/memories", &[&own, "x-wheelhouse-tool: curl"], r#"{"content":"c"}"#)
            .await;
    assert_eq!(saved.json()["origin"]["actor"], "anyone/curl");
    for wrong in [
        &["host: evil.example"][..],
        &["host: evil.example:80", "x-forwarded-host: localhost"],
        &[&own, "host: localhost"],
        &[&own, "origin: http://evil.example"],
        &[&own, "origin: null"],
        &[],
    ] {
        let refused = ask(at, HERE, "GET /livez", wrong, "").await;
        // Two names or none are no HTTP already.
        assert!(matches!(refused.status, 400 | 403), "{wrong:?}: {}", refused.head);
    }
    let port = at.port();
    let same = [format!("host: localhost:{port}"), format!("origin: http://localhost:{port}")];
    assert_eq!(ask(at, HERE, "GET /livez", &[&same[0], &same[1]], "").await.status, 200);
    let events = program.prints(&["events", "query", "--json", "*.auth.disabled", "*.hub.started"]);
    assert!(events.contains("auth.disabled") && events.contains(&format!("http://{at}")), "{events}");
    assert!(program.prints(&["status"]).contains("NO KEYS"));
    assert_eq!(daemon.ends_by(Signal::TERM).code(), Some(0));
}

#[test]
fn what_would_show_a_hub_by_mistake_does_not_start() {
    let program = Program::new();
    for (arguments, status, said) in [
        (&["--headless", "--listen", "0.0.0.0:0"][..], 2, "unencrypted"),
        (&["--headless", "--listen", "0.0.0.0:0", "--no-auth", "--insecure-http"], 2, "would let anyone in"),
        (&["--headless", "--listen", "example.org:80"], 2, "listen is a list of addresses"),
        (&["--listen", "127.0.0.1:0", "status"], 2, "goes with no verb"),
    ] {
        let output = program.run(arguments);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {complaint}");
        assert!(complaint.contains(said), "{complaint}");
    }
    assert!(!program.data_dir().join("log").exists(), "nothing was opened for it");
    let daemon =
        Daemon::start(&program, &["--listen", "0.0.0.0:0", "--insecure-http", "--listen", "127.0.0.1:0"]);
    assert_eq!(daemon.said["listeners"].as_array().unwrap().len(), 2);
    // Taken already.
    let other = Program::new();
    let taken = daemon.said["listeners"][1]["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let second = other.run(&["--headless", "--listen", taken]);
    assert_eq!(second.status.code(), Some(4), "{}", text(&second.stderr));
    assert!(text(&second.stderr).contains("cannot listen at"));
}

fn trusting(certificate: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_hub_with_a_certificate_speaks_https_alone() {
    let program = Program::new();
    let tls = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tls");
    let config = program.dir.path().join("home/.config/wheelhouse/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let settings = format!(
        "listen = [\"127.0.0.1:0\"]\ntls_cert = \"{tls}/cert.pem\"\ntls_key = \"{tls}/key.pem\"\nhosts = [\"hub.lan\"]\n"
    );
    fs::write(&config, &settings).unwrap();
    let mut daemon = Daemon::start(&program, &[]);
    assert!(daemon.said["listeners"][0]["url"].as_str().unwrap().starts_with("https://"));
    let at = address(&daemon);
    let connector = trusting(&format!("{tls}/cert.pem"));
    let over_tls = async |host: &str| {
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = connector.connect(name, connect(at, HERE).await).await.unwrap();
        send(&mut stream, "GET /livez", &[&format!("host: {host}")], "").await;
        receive(&mut stream).await.status
    };
    assert_eq!(over_tls(&format!("localhost:{}", at.port())).await, 200);
    assert_eq!((over_tls("hub.lan").await, over_tls("other.lan").await), (200, 403));
    // In the clear nothing is said.
    let mut plain = connect(at, HERE).await;
    plain.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    plain.read_to_end(&mut heard).await.ok();
    assert!(!heard.starts_with(b"HTTP"), "{heard:?}");
    // Other names while it runs.
    fs::write(&config, settings.replace("hub.lan", "other.lan")).unwrap();
    daemon.signal(Signal::HUP);
    assert!(daemon.complains().contains("in force now: hosts"));
    assert_eq!((over_tls("hub.lan").await, over_tls("other.lan").await), (403, 200));
    // A certificate that cannot be read changes nothing.
    fs::write(&config, settings.replace("cert.pem", "none.pem")).unwrap();
    daemon.signal(Signal::HUP);
    assert!(daemon.complains().contains("the settings stay as they were"));
    assert_eq!(over_tls("other.lan").await, 200);
    assert_eq!(daemon.ends_by(Signal::TERM).code(), Some(0));
}
