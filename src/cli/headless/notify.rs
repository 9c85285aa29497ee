//! What systemd is told of a service's life, by datagrams to the socket that it names (`sd_notify(3)`).
//!
//! Nothing is told where nobody asked, and a message that cannot be sent is no reason to stop.

use std::{
    ffi::OsString,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    sync::Arc,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

#[derive(Debug, Clone)]
pub struct Notifier {
    to: Option<Arc<Line>>,
    watchdog: Option<Duration>,
}

#[derive(Debug)]
struct Line {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Notifier {
    /// As the service manager set this process's environment.
    pub fn of_env() -> Notifier {
        Notifier::new(|name| std::env::var_os(name), std::process::id())
    }

    fn new(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> Notifier {
        let to = variable("NOTIFY_SOCKET").and_then(|address| match Line::to(&address) {
            Ok(line) => Some(Arc::new(line)),
            Err(error) => {
                tracing::warn!(%error, ?address, "the service manager cannot be told anything");
                None
            }
        });
        let number = |name| variable(name).and_then(|text| text.to_str()?.parse::<u64>().ok());
        let is_meant = number("WATCHDOG_PID").is_none_or(|meant| meant == u64::from(pid));
        let watchdog = number("WATCHDOG_USEC").filter(|us| *us > 0 && is_meant).map(Duration::from_micros);
        Notifier { watchdog: watchdog.filter(|_| to.is_some()), to }
    }

    /// How long it may be silent before it counts as hanging.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Started, or done reading its settings again.
    pub fn ready(&self, status: &str) {
        self.say(&format!("READY=1\nSTATUS={status}"));
    }

    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let us = now.tv_sec.unsigned_abs() * 1_000_000 + now.tv_nsec.unsigned_abs() / 1_000;
        self.say(&format!("RELOADING=1\nMONOTONIC_USEC={us}\nSTATUS=reading the settings again"));
    }

    pub fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=finishing what was begun");
    }

    pub fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    fn say(&self, message: &str) {
        let Some(line) = &self.to else { return };
        if let Err(error) = line.socket.send_to_addr(message.as_bytes(), &line.address) {
            tracing::warn!(%error, message, "the service manager was not told");
        }
    }
}

impl Line {
    fn to(address: &OsString) -> io::Result<Line> {
        let address = match address.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Line { socket, address })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn notifier(variables: &[(&str, &str)]) -> Notifier {
        let all: BTreeMap<_, _> = variables.iter().copied().collect();
        Notifier::new(|name| all.get(name).map(OsString::from), 7)
    }

    #[test]
    fn a_manager_hears_of_a_life() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let notifier = notifier(&[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "3000000")]);
        assert_eq!(notifier.watchdog(), Some(Duration::from_secs(3)));
        notifier.ready("house answers");
        notifier.reloading();
        notifier.alive();
        notifier.stopping();
        let heard = || {
            let mut bytes = [0; 256];
            let count = manager.recv(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..count]).into_owned()
        };
        assert_eq!(heard(), "READY=1\nSTATUS=house answers");
        let reloading = heard();
        let us = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).unwrap();
        assert!(us.parse::<u64>().unwrap() > 0 && reloading.starts_with("RELOADING=1\n"), "{reloading}");
        assert_eq!(heard(), "WATCHDOG=1");
        assert!(heard().starts_with("STOPPING=1\n"));
    }

    #[test]
    fn nobody_asked_and_another_was_meant() {
        assert_eq!(notifier(&[("WATCHDOG_USEC", "3000000")]).watchdog(), None);
        let other = [("NOTIFY_SOCKET", "@wheelhouse-test"), ("WATCHDOG_USEC", "1"), ("WATCHDOG_PID", "8")];
        assert_eq!(notifier(&other).watchdog(), None);
        notifier(&[]).ready("nobody hears it");
    }
}
