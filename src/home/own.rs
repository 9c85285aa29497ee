//! A hub that this process owns: started, served, closed, in an order that leaves nothing half done.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::watch;

use super::{HomeOptions, Opened, Stay, lock::Lock, place::Place, socket};
use crate::{
    api::{self, Listeners, Outside, Patience},
    door::Door,
    hub::{Ending, Hub, HubOptions},
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
    listens: Vec<SocketAddr>,
    outside: Arc<Outside>,
    attached: Arc<AtomicU32>,
    /// How many connections are open.
    connections: watch::Receiver<usize>,
    /// Taken by [`Owned::end`].
    lock: Mutex<Option<Lock>>,
}

impl Owned {
    /// Listens before the hub starts, so that who comes meanwhile waits instead of finding nobody.
    pub async fn start(place: &Place, mut lock: Lock, options: &HomeOptions) -> Result<Owned, Fault> {
        place.check_writable()?;
        raise_files_max();
        let (listener, socket) = socket::bind(&place.sockets(), place.uid)?;
        let (tcp, outside) = options.reach.bind().await.inspect_err(|_| remove(&socket))?;
        let listens = tcp.iter().map(api::Tcp::at).collect();
        let attached = Arc::<AtomicU32>::default();
        let (connections, open) = watch::channel(0);
        let hub_options = HubOptions {
            name: options.hub_name.clone(),
            clock: options.clock.clone(),
            socket: Some(socket.display().to_string()),
            listeners: tcp.iter().map(api::Tcp::listener).collect(),
            attached: Arc::clone(&attached),
            segment_bytes: None,
            retention: options.retention,
            sampling: options.sampling,
            announce: options.stay != Stay::Verb,
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
            connections,
        };
        serving.spawn(api::serve(
            listeners,
            door.clone(),
            options.clock.clone(),
            Arc::clone(&attached),
            token,
        ));
        if let Err(error) = lock.say(Some(&socket), options.stay == Stay::Verb) {
            tracing::warn!(%error, "the lock does not say where the hub answers; others will look for it");
        }
        let lock = Mutex::new(Some(lock));
        Ok(Owned { hub, door, serving, socket, listens, outside, attached, connections: open, lock })
    }

    pub fn opened(&self) -> Opened {
        Opened { door: self.door.clone(), owned: true }
    }

    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Where it listens beside its socket, with the ports that were free.
    pub fn listens(&self) -> &[SocketAddr] {
        &self.listens
    }

    /// Open event streams of other processes.
    pub fn attached(&self) -> u32 {
        self.attached.load(Ordering::SeqCst)
    }

    /// Until there was no connection for this long.
    pub async fn idle(&self, patience: Duration) {
        idle(self.connections.clone(), patience).await;
    }

    /// Gives back the lock that it held, where it ended in its time.
    pub async fn end(&self, ending: Ending) -> Option<Lock> {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        if !self.serving.end(SERVE_PATIENCE).await {
            tracing::warn!("the surface was still busy when the hub closed");
        }
        let patience = ending.finish + HUB_PATIENCE;
        let is_closed = tokio::time::timeout(patience, self.hub.end(ending)).await.is_ok();
        remove(&self.socket);
        if !is_closed {
            tracing::error!("the hub did not close in its time; its lock ends with this process");
            std::mem::forget(lock);
            return None;
        }
        Some(lock)
    }
}

async fn idle(mut open: watch::Receiver<usize>, patience: Duration) {
    while open.wait_for(|open| *open == 0).await.is_ok() {
        tokio::select! {
            () = tokio::time::sleep(patience) => return,
            // A connection came, and may be gone again.
            _ = open.changed() => {}
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

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn idle_is_when_nobody_came_for_so_long() {
        let (connections, open) = watch::channel(1);
        let patience = Duration::from_secs(900);
        assert!(timeout(patience * 10, idle(open.clone(), patience)).await.is_err(), "one is there");
        connections.send_replace(0);
        let began = Instant::now();
        let waits = idle(open, patience);
        tokio::pin!(waits);
        assert!(timeout(patience * 2 / 3, &mut waits).await.is_err());
        // A short visit.
        connections.send_replace(1);
        connections.send_replace(0);
        waits.await;
        assert_eq!(began.elapsed(), patience * 5 / 3);
    }
}
