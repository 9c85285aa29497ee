//! Where a face finds its door: it owns the data directory, or attaches to the process that does.
//!
//! The lock decides, nothing else: who holds `flock` on the lock file owns. The pid and the address in that file are
//! only text for finders. Alive means a successful connect; a stale socket is removed only by who holds the lock.
//! A face whose hub went away asks again, and owns or attaches anew.

mod lock;
mod place;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{net::UnixListener, sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

use self::lock::Lock;
use crate::{
    api,
    door::{Caller, Door},
    hub::{Hub, HubDoor, HubOptions},
    model::{Actor, Code, Fault, Projects},
    remote::Remote,
    tasks::{Clock, Tasks, blocking},
};

/// How long two starts in the same second sort themselves out, and a closing owner is waited for.
const FIND_PATIENCE: Duration = Duration::from_secs(5);
const FIND_PAUSE_FIRST: Duration = Duration::from_millis(10);
const FIND_PAUSE_MAX: Duration = Duration::from_millis(200);
/// How long answers on their way are waited for when the owner closes.
const SERVE_PATIENCE: Duration = Duration::from_secs(5);

pub struct HomeOptions {
    pub data_dir: PathBuf,
    /// Own a directory on a file system whose locks and fsync cannot be relied on.
    pub unsafe_filesystem: bool,
    pub hub_name: String,
    pub clock: Clock,
    /// Whether an owned hub tells its start and stop as events: a console's does, a verb's one command does not.
    pub announce: bool,
}

/// A door, and whether this process owns what is behind it.
#[derive(Clone)]
pub struct Opened {
    pub door: Arc<dyn Door>,
    pub owned: bool,
}

/// A face's way to a hub. Nothing is opened before it is asked for.
pub struct Home {
    options: HomeOptions,
    owned: Mutex<Option<Owned>>,
}

/// A hub of this process, and what serves it.
struct Owned {
    hub: Arc<Hub>,
    socket: PathBuf,
    serving: CancellationToken,
    served: Tasks,
    lock: Lock,
}

impl Home {
    pub fn new(options: HomeOptions) -> Home {
        Home { options, owned: Mutex::new(None) }
    }

    pub fn data_dir(&self) -> &Path {
        &self.options.data_dir
    }

    pub fn clock(&self) -> &Clock {
        &self.options.clock
    }

    /// Owns or attaches. Returns as soon as there is something to ask: views of an owned hub may still be opening.
    pub async fn door(&self) -> Result<Opened, Fault> {
        let mut owned = self.owned.lock().await;
        if let Some(owned) = &*owned {
            return Ok(Opened { door: Arc::new(HubDoor(owned.hub.clone())), owned: true });
        }
        let (dir, unsafe_filesystem) = (self.options.data_dir.clone(), self.options.unsafe_filesystem);
        let dir = blocking(move || place::prepare(&dir, unsafe_filesystem)).await?;
        let deadline = Instant::now() + FIND_PATIENCE;
        let mut pause = FIND_PAUSE_FIRST;
        loop {
            if let Some(lock) = Lock::take(&dir)? {
                let opened = self.own(&dir, lock).await?;
                let door = Arc::new(HubDoor(opened.hub.clone()));
                *owned = Some(opened);
                return Ok(Opened { door, owned: true });
            }
            if let Some(remote) = attach(&dir).await {
                return Ok(Opened { door: Arc::new(remote), owned: false });
            }
            if Instant::now() >= deadline {
                return Err(in_use(&dir));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(FIND_PAUSE_MAX);
        }
    }

    /// Opens the store, serves it, and only then says where.
    async fn own(&self, dir: &Path, mut lock: Lock) -> Result<Owned, Fault> {
        let socket = place::socket_to_bind(dir)?;
        let listener = bind(&socket)?;
        let attached = Arc::default();
        let options = HubOptions {
            name: self.options.hub_name.clone(),
            clock: self.options.clock.clone(),
            socket: Some(socket.display().to_string()),
            attached: Arc::clone(&attached),
            segment_bytes: None,
            announce: self.options.announce,
        };
        let at = dir.to_owned();
        let hub = match blocking(move || Hub::start(&at, options)).await {
            Ok(hub) => hub,
            Err(fault) => {
                remove(&socket);
                return Err(fault);
            }
        };
        lock.tell(&socket)?;
        let (serving, served) = (CancellationToken::new(), Tasks::new());
        let door: Arc<dyn Door> = Arc::new(HubDoor(hub.clone()));
        served.spawn(api::serve(listener, door, self.options.clock.clone(), attached, serving.clone()));
        Ok(Owned { hub, socket, serving, served, lock })
    }

    /// Stops serving, closes the hub and gives the directory free, in this order. Harmless when nothing is owned.
    pub async fn close(&self) {
        let Some(owned) = self.owned.lock().await.take() else { return };
        owned.serving.cancel();
        if !owned.served.end(SERVE_PATIENCE).await {
            tracing::warn!("an answer was still on its way when the hub closed");
        }
        owned.hub.close().await;
        // While the lock is held: after it another owner may be listening there.
        remove(&owned.socket);
        drop(owned.lock);
    }
}

/// The hub of another process, by the address it told or one of those it could have.
async fn attach(dir: &Path) -> Option<Remote> {
    for socket in Lock::told_socket(dir).into_iter().chain(place::socket_candidates(dir)) {
        if let Ok(remote) = Remote::connect(&socket).await {
            return Some(remote);
        }
    }
    None
}

fn bind(socket: &Path) -> Result<UnixListener, Fault> {
    // Stale: its owner is dead, because this process holds the lock.
    remove(socket);
    let listener = UnixListener::bind(socket);
    let private = listener.and_then(|listener| place::make_private(socket).map(|()| listener));
    private.map_err(|error| {
        Fault::unavailable(format!("cannot listen on {}", socket.display()))
            .cause(error)
            .hint("set XDG_RUNTIME_DIR to a directory of yours, or choose another one with --data-dir")
    })
}

fn remove(socket: &Path) {
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, socket = %socket.display(), "removing the socket");
        }
        _ => {}
    }
}

fn in_use(dir: &Path) -> Fault {
    let fault = Fault::new(
        Code::Busy,
        format!("the store at {} is in use, and its owner does not answer", dir.display()),
    );
    match Lock::told_pid(dir) {
        Some(pid) => fault
            .hint(format!("it is held by pid {pid}; see what that process does, or end it and try again")),
        None => fault.hint("another process is starting or ending; try again"),
    }
}

/// A request of this machine's user, made in this process.
pub fn local_caller(clock: &Clock) -> Caller {
    Caller {
        actor: Actor(format!("user:{}", api::own_user())),
        correlation: clock.id(),
        session: None,
        tool: None,
        projects: Projects::All,
    }
}
