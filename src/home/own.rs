//! A hub that this process owns: started, served, closed, in an order that leaves nothing half done.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{HomeOptions, Opened, lock::Lock, place::Place, socket};
use crate::{
    api::{self, Listeners, Outside, Patience},
    door::Door,
    hub::{Hub, HubOptions},
    model::Fault,
    tasks::{Tasks, blocking},
};

/// The surface's own patience with requests in flight, and a bit.
const SERVE_PATIENCE: Duration = Duration::from_secs(8);
/// Views are flushed and the log is ended within this, or the lock stays held until the process ends.
const HUB_PATIENCE: Duration = Duration::from_secs(30);

const _: () = assert!(SERVE_PATIENCE.as_secs() > api::CLOSE_PATIENCE.as_secs());

pub struct Owned {
    hub: Arc<Hub>,
    door: Arc<dyn Door>,
    serving: Tasks,
    socket: PathBuf,
    outside: Arc<Outside>,
    /// Taken by [`Owned::close`].
    lock: Mutex<Option<Lock>>,
}

impl Owned {
    /// Listens before the hub starts, so that who comes meanwhile waits instead of finding nobody.
    pub async fn start(place: &Place, mut lock: Lock, options: &HomeOptions) -> Result<Owned, Fault> {
        place.check_writable()?;
        raise_files_max();
        let (listener, socket) = socket::bind(&place.sockets(), place.uid)?;
        let (tcp, outside) = options.reach.bind().await.inspect_err(|_| remove(&socket))?;
        let attached = Arc::default();
        let hub_options = HubOptions {
            name: options.hub_name.clone(),
            clock: options.clock.clone(),
            socket: Some(socket.display().to_string()),
            listeners: tcp.iter().map(api::Tcp::listener).collect(),
            attached: Arc::clone(&attached),
            segment_bytes: None,
            retention: options.retention,
            announce: options.announce,
            jobs: options.jobs.clone(),
        };
        let dir = place.dir.clone();
        let hub = match blocking(move || Hub::start(&dir, hub_options)).await {
            Ok(hub) => hub,
            Err(fault) => {
                drop((listener, tcp));
                remove(&socket);
                return Err(fault);
            }
        };
        let door = hub.door();
        let serving = Tasks::new();
        let token = serving.token();
        let listeners = Listeners {
            socket: listener,
            tcp,
            admission: Some(hub.admission()),
            patience: Patience::default(),
        };
        serving.spawn(api::serve(listeners, door.clone(), options.clock.clone(), attached, token));
        if let Err(error) = lock.say(Some(&socket)) {
            tracing::warn!(%error, "the lock does not say where the hub answers; others will look for it");
        }
        Ok(Owned { hub, door, serving, socket, outside, lock: Mutex::new(Some(lock)) })
    }

    pub fn opened(&self) -> Opened {
        Opened { door: self.door.clone(), owned: true }
    }

    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    pub async fn close(&self) {
        let Some(lock) = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        if !self.serving.end(SERVE_PATIENCE).await {
            tracing::warn!("the surface was still busy when the hub closed");
        }
        let closed = tokio::time::timeout(HUB_PATIENCE, self.hub.close()).await.is_ok();
        remove(&self.socket);
        if !closed {
            tracing::error!("the hub did not close in its time; its lock ends with this process");
            std::mem::forget(lock);
        }
    }
}

/// As many open files as this process is allowed: every connection and every segment of the log is one.
fn raise_files_max() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays");
    }
}

fn remove(socket: &PathBuf) {
    if let Err(error) = fs::remove_file(socket) {
        tracing::debug!(%error, "the socket was not there to remove");
    }
}
