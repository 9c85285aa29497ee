//! Where a face finds its door: it owns the data directory and starts the hub, or attaches to who does.
//!
//! A kernel lock on one file decides who owns; the text in that file only says where the owner answers. Alive means
//! that a connection succeeds. Whoever owns serves the hub's socket, for a single verb too, so that two faces never
//! need to agree on anything. A face whose owner went away asks for its door again and gets one.
//!
//! A face that is not meant to own, or that ends while others are attached, has a process of its own own the directory
//! in its stead, and gives it the lock.
//!
//! Invariant: the lock is held from before the first byte of the store is read until after its last is written.

mod attached;
mod lock;
mod own;
mod place;
mod socket;
mod successor;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, oneshot},
    time::Instant,
};

pub use self::successor::Successor;
use self::{
    attached::Attached,
    lock::{Holder, Lock, Taken},
    own::Owned,
    place::Place,
};
use crate::{
    api::{Reach, own_user},
    door::{Caller, Door},
    hub::{Ending, JobOptions, OneIn},
    model::{Actor, Code, Fault, Projects},
    remote::{Address, Remote},
    store::{Repaired, Retention, Store},
    tasks::{Clock, Tasks, blocking},
};

/// How long a start waits for an owner that is coming up or going away.
pub const DOOR_PATIENCE: Duration = Duration::from_secs(5);
/// An owner that is there answers within this, also when the wait for another is over.
const ANSWER_PATIENCE: Duration = Duration::from_millis(500);
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// What a face says of the hub it wants.
#[derive(Debug, Clone)]
pub struct HomeOptions {
    pub data_dir: PathBuf,
    /// Takes a network file system all the same.
    pub unsafe_filesystem: bool,
    pub hub_name: String,
    pub clock: Clock,
    /// How long an owned hub keeps its events.
    pub retention: Retention,
    /// Of how many searches an owned hub tells one, when they are many.
    pub sampling: OneIn,
    /// A hub to ask wherever it is, and never to be owned here; none is that of the data directory.
    pub hub: Option<Address>,
    pub stay: Stay,
    /// What jobs of an owned hub may do, and where their files are.
    pub jobs: JobOptions,
    /// Where an owned hub is reached beside its socket.
    pub reach: Reach,
}

/// How long the hub of a data directory stays that nobody owned before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stay {
    /// For a single verb, and so its start and stop are told to nobody.
    Verb,
    /// As long as this face.
    Face,
    /// As long as this face, and then in a process of its own as long as others are attached.
    Attached(Successor),
    /// In a process of its own from the start.
    Apart(Successor),
}

/// The hub goes on without the face that owned it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandedOver {
    pub pid: u32,
    /// Faces that were attached.
    pub attached: u32,
}

/// A door, and whether its hub is in this process.
#[derive(Clone)]
pub struct Opened {
    pub door: Arc<dyn Door>,
    pub owned: bool,
}

/// Where a face's door is. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Home(Arc<Inner>);

struct Inner {
    options: HomeOptions,
    /// Where this login keeps its sockets. A service and a login by SSH have different ones.
    runtime_dir: Option<PathBuf>,
    tasks: Tasks,
    /// One start or close at a time.
    turn: Semaphore,
    state: Mutex<State>,
}

enum State {
    /// Nothing owned: attached somewhere, or not asked yet.
    Away,
    Owner(Arc<Owned>),
    Closed,
}

/// What a face asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    /// A door, whoever's.
    Any,
    /// To own. A verb that does is waited for: it is done in a moment.
    Own,
}

/// What one look at the lock came to.
enum Look {
    Opened(Opened),
    /// Someone else owns and does not answer, or not yet.
    Wait(Holder),
}

impl Home {
    pub fn new(options: HomeOptions) -> Home {
        Home(Arc::new(Inner {
            options,
            runtime_dir: std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
            tasks: Tasks::new(),
            turn: Semaphore::new(1),
            state: Mutex::new(State::Away),
        }))
    }

    pub fn data_dir(&self) -> &Path {
        &self.0.options.data_dir
    }

    /// The hub's address, where it is not that of the data directory.
    pub fn elsewhere(&self) -> Option<&Address> {
        self.0.options.hub.as_ref()
    }

    pub fn clock(&self) -> &Clock {
        &self.0.options.clock
    }

    /// The hub is in this process.
    pub fn owns(&self) -> bool {
        matches!(*self.state(), State::Owner(_))
    }

    /// Owns or attaches. Returns as soon as there is something to ask; an owned hub may still be opening its views.
    /// Asked again after the owner went away, it owns or attaches anew.
    ///
    /// A door that was attached to does so by itself, for what can be asked twice without happening twice.
    pub async fn door(&self) -> Result<Opened, Fault> {
        let opened = self.start(Wants::Any).await?;
        let door =
            if opened.owned { opened.door } else { Arc::new(Attached::new(opened.door, self.clone())) };
        Ok(Opened { door, ..opened })
    }

    /// Owns, or says who does.
    pub async fn own(&self) -> Result<Arc<dyn Door>, Fault> {
        let opened = self.start(Wants::Own).await?;
        if opened.owned {
            return Ok(opened.door);
        }
        let there = opened.door.status().await?;
        let dir = self.data_dir().display();
        let fault = Fault::conflict(format!("a hub is running on {dir} already"))
            .hint("`wheelhouse` attaches to it; another `--data-dir` has a hub of its own");
        Err(match there.socket {
            Some(socket) => fault.cause(format!("it is process {}, and answers at {socket}", there.pid)),
            None => fault.cause(format!("it is process {}", there.pid)),
        })
    }

    /// Takes another certificate, and other names, for a hub in this process; where it listens stays.
    pub fn reload(&self, reach: &Reach) -> Result<(), Fault> {
        match &*self.state() {
            State::Owner(owned) => owned.outside().reload(reach),
            State::Away | State::Closed => Ok(()),
        }
    }

    async fn start(&self, wants: Wants) -> Result<Opened, Fault> {
        let (answer, answered) = oneshot::channel();
        let home = self.clone();
        // In a task, because who asks may be cancelled and a start may not: half a start would leave the lock
        // without a hub. Nobody listening any more is fine, the next to ask finds what was opened.
        self.0.tasks.spawn(async move { drop(answer.send(home.open(wants).await)) });
        let ended = |_| Err(Fault::bug("the start of the hub ended without an answer"));
        answered.await.unwrap_or_else(ended)
    }

    /// Copies what proves whole of the store into a directory that is not there yet; no hub may be running.
    pub async fn repair(&self, to: &Path) -> Result<Repaired, Fault> {
        if let Some(address) = &self.0.options.hub {
            return Err(Fault::invalid(format!("the files of {address} are not here"))
                .hint("repair on its own machine"));
        }
        let _turn = self.0.turn.acquire().await;
        let (options, runtime_dir) = (self.0.options.clone(), self.0.runtime_dir.clone());
        let to = to.to_owned();
        blocking(move || {
            let place = Place::prepare(&options, runtime_dir)?;
            let Taken::Owned(_lock) = Lock::take(&place.dir)? else {
                return Err(Fault::conflict("a hub is running on this store")
                    .hint("`wheelhouse status` tells its process; `kill` ends it in order"));
            };
            if to.exists() {
                return Err(Fault::invalid(format!("{} is there already", to.display()))
                    .hint("name a directory that is to be made"));
            }
            Ok(Store::repair(&place.dir, &to, &options.clock)?)
        })
        .await
    }

    /// Until an owned hub had no connection for this long.
    pub async fn idle(&self, patience: Duration) {
        let owned = match &*self.state() {
            State::Owner(owned) => Some(Arc::clone(owned)),
            State::Away | State::Closed => None,
        };
        match owned {
            Some(owned) => owned.idle(patience).await,
            None => std::future::pending().await,
        }
    }

    /// Stops accepting, ends the streams, waits for requests in flight, closes the hub, removes the socket and
    /// releases the lock, in this order, each within a bound. A door that was only attached to is left alone.
    pub async fn close(&self) -> Option<HandedOver> {
        self.end(Duration::ZERO).await
    }

    /// As [`Home::close`], with this much time for runs of jobs to finish.
    pub async fn end(&self, finish: Duration) -> Option<HandedOver> {
        let _turn = self.0.turn.acquire().await;
        let state = std::mem::replace(&mut *self.state(), State::Closed);
        let State::Owner(owned) = state else { return None };
        let attached = owned.attached();
        let successor = match &self.0.options.stay {
            Stay::Attached(successor) if attached > 0 => Some(successor),
            _ => None,
        };
        let lock = owned.end(Ending { finish, handed_over: successor.is_some() }).await?;
        match successor?.start(lock, owned.listens()) {
            Ok(pid) => Some(HandedOver { pid, attached }),
            Err(error) => {
                tracing::warn!(%error, "the hub does not go on without this face; who is attached starts one");
                None
            }
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The door itself, owned or remote.
    async fn open(&self, wants: Wants) -> Result<Opened, Fault> {
        let _turn = self.0.turn.acquire().await;
        match &*self.state() {
            State::Owner(owned) => return Ok(owned.opened()),
            State::Closed => return Err(Fault::unavailable("this face has closed its hub")),
            State::Away => {}
        }
        if let Some(address) = &self.0.options.hub {
            let remote = Remote::at(address.clone())?;
            remote.status().await?;
            return Ok(Opened { door: Arc::new(remote), owned: false });
        }
        let (options, runtime_dir) = (self.0.options.clone(), self.0.runtime_dir.clone());
        let place = blocking(move || Place::prepare(&options, runtime_dir)).await?;
        let deadline = Instant::now() + DOOR_PATIENCE;
        let mut pause = PAUSE_MIN;
        let mut successor = match &self.0.options.stay {
            Stay::Apart(successor) => Some(successor),
            _ => None,
        };
        loop {
            let is_late = Instant::now() >= deadline;
            let wants = if is_late { Wants::Any } else { wants };
            match self.look(&place, deadline, wants, &mut successor).await? {
                Look::Opened(opened) => return Ok(opened),
                Look::Wait(holder) if is_late => return Err(in_use(&place, &holder)),
                Look::Wait(_) => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// `successor` is who is to own in this face's stead; started once, and where it does not stay the face owns.
    async fn look(
        &self,
        place: &Place,
        deadline: Instant,
        wants: Wants,
        successor: &mut Option<&Successor>,
    ) -> Result<Look, Fault> {
        let dir = place.dir.clone();
        match blocking(move || Lock::take(&dir)).await? {
            Taken::Owned(lock) => {
                // Only when somebody removed the lock's file under a running hub.
                if let Some(door) = living(place, deadline).await {
                    return Ok(Look::Opened(door));
                }
                if let Some(successor) = successor.take() {
                    place.check_writable()?;
                    match successor.start(lock, &[]) {
                        Ok(pid) => tracing::info!(pid, "a hub of its own was started"),
                        Err(error) => tracing::warn!(%error, "no hub of its own could be started"),
                    }
                    return Ok(Look::Wait(Holder::default()));
                }
                let owned = Arc::new(Owned::start(place, lock, &self.0.options).await?);
                let opened = owned.opened();
                *self.state() = State::Owner(owned);
                Ok(Look::Opened(opened))
            }
            Taken::Held(holder) if wants == Wants::Own && holder.is_verb => Ok(Look::Wait(holder)),
            Taken::Held(holder) => attach(place, holder, deadline).await,
        }
    }
}

/// The owner's address first, then the places a socket may be: the owner may have another environment.
async fn attach(place: &Place, holder: Holder, deadline: Instant) -> Result<Look, Fault> {
    let deadline = deadline.max(Instant::now() + ANSWER_PATIENCE);
    let said = holder.socket.clone().into_iter();
    for socket in said.chain(place.sockets().into_iter().map(|candidate| candidate.path)) {
        if !socket::answers(&socket).await {
            continue;
        }
        let Ok(connected) = tokio::time::timeout_at(deadline, Remote::connect(&socket)).await else { break };
        match connected {
            Ok(remote) => return Ok(Look::Opened(Opened { door: Arc::new(remote), owned: false })),
            // It is going away, or hangs.
            Err(fault) if fault.code.is_transient() => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(Look::Wait(holder))
}

/// A hub of this very directory that answers although the lock is free.
async fn living(place: &Place, deadline: Instant) -> Option<Opened> {
    for candidate in place.sockets() {
        if !socket::answers(&candidate.path).await {
            continue;
        }
        let remote = Remote::new(&candidate.path).ok()?;
        let status = tokio::time::timeout_at(deadline, remote.status()).await;
        if status.is_ok_and(|status| status.is_ok_and(|status| Path::new(&status.data_dir) == place.dir)) {
            tracing::warn!(dir = %place.dir.display(), "a hub runs here without its lock; attaching to it");
            return Some(Opened { door: Arc::new(remote), owned: false });
        }
    }
    None
}

fn in_use(place: &Place, holder: &Holder) -> Fault {
    let dir = place.dir.display();
    let fault = Fault::new(Code::Unavailable, format!("the store at {dir} is in use"));
    let seconds = DOOR_PATIENCE.as_secs();
    match holder.pid {
        Some(pid) => fault
            .cause(format!("process {pid} holds its lock and answered at no socket for {seconds} s"))
            .hint(format!(
                "a hub that starts, stops or hangs as pid {pid}: wait for it, or end it with `kill {pid}`"
            )),
        None => fault
            .cause(format!("another process holds its lock and answered at no socket for {seconds} s"))
            .hint(format!("`fuser {dir}/lock` tells which it is")),
    }
}

/// The person at this machine.
pub fn local_caller(clock: &Clock) -> Caller {
    Caller {
        actor: Actor(format!("user:{}", own_user())),
        correlation: clock.id(),
        session: None,
        tool: None,
        projects: Projects::All,
    }
}
