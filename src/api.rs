//! The surface: HTTP, server-sent events and WebSockets over a door, on a Unix socket and on the addresses it is told to listen at.
//!
//! A route maps a request to one call of the door and its answer back; it decides nothing. What every request
//! goes through (who asks, how many at once, how long, what a panic becomes) stands in `gate`, once.
//!
//! Invariants: on the socket the kernel says whose process asks, and no other user is answered; from outside nothing is
//! answered but what a key opens. A client that reads slowly
//! costs the others nothing: its stream is pulled only as its socket drains.

mod accept;
mod ask;
mod body;
mod decisions;
mod events;
mod export;
mod gate;
mod health;
mod hub;
mod jobs;
mod keys;
mod limits;
mod memories;
mod openapi;
mod outside;
mod params;
mod peer;
mod problem;
mod reaper;
mod record;
mod routes;
mod search;
mod seats;
mod sse;
mod tries;
mod ws;

use std::{
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use axum::{Router, middleware::from_fn_with_state};
use tokio::{
    net::UnixListener,
    sync::{OnceCell, OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_util::sync::CancellationToken;
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, predicate::SizeAbove},
};

pub use self::{
    accept::CLOSE_PATIENCE,
    limits::limits,
    openapi::openapi,
    outside::{Outside, Reach, Tcp},
    peer::own_user,
    routes::{Needs, Route, routes},
    seats::CONNECTIONS_OF_KEY_MAX,
};
use self::{
    accept::Listens,
    seats::{Rates, Seats},
    tries::Tries,
};
use crate::{
    door::{Admission, Door},
    mcp,
    model::{Code, Fault, TimeWords},
    tasks::Clock,
};

/// Requests being answered at once; one more is `busy`. Enough for every tool of one person many times over, and
/// small enough that what they hold in memory is bounded.
pub const REQUESTS_MAX: usize = 1_024;
/// Event streams, sockets and exports open at once, on top of [`REQUESTS_MAX`].
pub const STREAMS_MAX: usize = 10_240;

/// Answers of more bytes are compressed for clients that say they take that.
pub const PACKED_ABOVE_BYTES: u16 = 1_024;

/// How long clients may take; a test waits less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For what is written to be accepted.
    pub write: Duration,
    /// For a socket's key.
    pub auth: Duration,
    /// Between two signs of life on a socket.
    pub heartbeat: Duration,
    /// For anything to come from a socket, a pong at least.
    pub pong: Duration,
    /// For a send to a socket, before its client is told how far it is behind.
    pub lag: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        let seconds = Duration::from_secs;
        Patience {
            write: reaper::WRITE_PATIENCE,
            auth: seconds(5),
            heartbeat: seconds(15),
            pong: seconds(45),
            lag: seconds(1),
        }
    }
}

/// What every route sees. Cheap to clone.
#[derive(Clone)]
struct Api {
    door: Arc<dyn Door>,
    clock: Clock,
    /// Open event streams: who watches this hub.
    attached: Arc<AtomicU32>,
    /// Cancelled when streams are to end.
    token: CancellationToken,
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    hub_name: Arc<OnceCell<String>>,
    /// None where nobody comes from outside.
    admission: Option<Arc<dyn Admission>>,
    tries: Arc<Tries>,
    seats: Seats,
    rates: Arc<Rates>,
    patience: Patience,
}

impl Api {
    fn new(door: Arc<dyn Door>, clock: Clock, token: CancellationToken) -> Api {
        Api {
            door,
            clock,
            attached: Arc::default(),
            token,
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            hub_name: Arc::default(),
            admission: None,
            tries: Arc::default(),
            seats: Seats::default(),
            rates: Arc::default(),
            patience: Patience::default(),
        }
    }

    /// The hub's name, asked for once: it never changes while the hub runs.
    async fn hub_name(&self) -> Result<&str, Fault> {
        let name = self.hub_name.get_or_try_init(|| async { Ok(self.door.status().await?.hub) });
        name.await.map(String::as_str)
    }

    /// A place among the open streams.
    fn stream_place(&self) -> Result<OwnedSemaphorePermit, Fault> {
        self.streams.clone().try_acquire_owned().map_err(|_| {
            Fault::new(Code::Busy, format!("{STREAMS_MAX} streams are open"))
                .hint("close one, or ask again in a moment")
        })
    }

    /// Times in words are meant as on this machine: who asks sits at it.
    fn words(&self) -> TimeWords {
        TimeWords { now: self.clock.now(), zone: self.clock.zone() }
    }
}

/// Where a hub is served.
pub struct Listeners {
    pub socket: UnixListener,
    pub tcp: Vec<Tcp>,
    /// Who says whose key it is that somebody brings.
    pub admission: Option<Arc<dyn Admission>>,
    pub patience: Patience,
    /// Told how many connections are open.
    pub connections: watch::Sender<usize>,
}

impl From<UnixListener> for Listeners {
    fn from(socket: UnixListener) -> Listeners {
        let (tcp, connections) = (Vec::new(), watch::Sender::default());
        Listeners { socket, tcp, admission: None, patience: Patience::default(), connections }
    }
}

/// Serves the door until the token is cancelled; then ends the streams, lets requests in flight finish within a
/// bound, and returns with every connection closed.
pub async fn serve(
    listeners: Listeners,
    door: Arc<dyn Door>,
    clock: Clock,
    attached: Arc<AtomicU32>,
    token: CancellationToken,
) {
    let Listeners { socket, tcp, admission, patience, connections } = listeners;
    let listeners = std::iter::once(Listens::Socket(socket)).chain(tcp.into_iter().map(Listens::Outside));
    let api = Api { attached, admission, patience, ..Api::new(door, clock, token.clone()) };
    accept::serve(listeners.collect(), router(api), patience.write, connections, token).await;
}

fn router(api: Api) -> Router {
    // What has an end. Streams go out as they come, and a key that was just made is too small to be packed.
    let packed = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(PACKED_ABOVE_BYTES));
    let quick = routes::quick().router.layer(axum::middleware::from_fn(gate::in_time)).layer(packed.clone());
    let agents =
        mcp::http(api.door.clone(), api.clock.clone(), body::MEMORY_BODY_BYTES_MAX, api.token.clone());
    quick
        .merge(routes::long().router)
        .merge(routes::plain().router.layer(packed))
        .merge(routes::agents(agents).router)
        .fallback(gate::no_such_path)
        .method_not_allowed_fallback(gate::no_such_method)
        .layer(from_fn_with_state(api.clone(), gate::gate))
        .with_state(api)
}

#[cfg(test)]
mod testing {
    use super::*;
    use crate::{model::Time, remote::Remote};

    /// The surface over a door behind which nobody is.
    pub fn nowhere() -> Api {
        let door = Arc::new(Remote::new("/nowhere/hub.sock".as_ref()).unwrap());
        Api::new(door, Clock::fixed(Time::default()), CancellationToken::new())
    }
}
