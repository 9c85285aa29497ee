//! Who is at the other end of a connection: on the socket the kernel says, never the request.

use std::{fs, io, sync::OnceLock};

use tokio::net::UnixStream;

use super::outside::Entrance;
use crate::model::{Code, Fault, token};

/// The other end.
#[derive(Clone)]
pub enum Peer {
    /// A process of this machine, through the socket.
    User(User),
    /// Whoever can reach an address.
    Outside(Entrance),
}

/// Whose process connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    uid: u32,
}

impl User {
    pub fn of(socket: &UnixStream) -> io::Result<User> {
        Ok(User::new(socket.peer_cred()?.uid()))
    }

    pub fn new(uid: u32) -> User {
        User { uid }
    }

    /// Refuses another user's process. Files' modes should have kept it out already.
    pub fn check(self) -> Result<(), Fault> {
        let own = rustix::process::geteuid().as_raw();
        if self.uid == own {
            return Ok(());
        }
        Err(Fault::new(Code::Denied, "this hub belongs to another user")
            .cause(format!("it runs as uid {own}, the request comes from uid {}", self.uid))
            .hint("each user has a hub of their own; start one with `wheelhouse`"))
    }
}

/// The name of the user this process runs as; its uid where the machine has no name for it.
pub fn own_user() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let uid = rustix::process::geteuid().as_raw();
        fs::read_to_string("/etc/passwd")
            .ok()
            .and_then(|passwd| name_in(&passwd, uid))
            .unwrap_or_else(|| uid.to_string())
    })
}

/// The name with this uid, in a form that an actor can have.
fn name_in(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let is_it = fields.nth(1)?.parse() == Ok(uid);
        (is_it && !name.is_empty()).then(|| token(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_passwd() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n# broken\nada:x:1000:1000:Ada:/home/ada:/bin/sh\n";
        assert_eq!(name_in(passwd, 1000), Some("ada".into()));
        assert_eq!(name_in(passwd, 0), Some("root".into()));
        assert_eq!(name_in(passwd, 7), None);
    }

    #[test]
    fn another_user_is_refused() {
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(User { uid: own }.check(), Ok(()));
        assert_eq!(User { uid: own + 1 }.check().unwrap_err().code, Code::Denied);
    }
}
