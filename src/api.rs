//! The surface: HTTP and server-sent events over a door, on a Unix socket.
//!
//! A route maps a request to one call of the door and its answer back; it decides nothing. What every request
//! goes through (who asks, how many at once, how long, what a panic becomes) stands in `gate`, once.
//!
//! Invariants: a peer is asked for its uid by the kernel and no other user is answered. A client that reads slowly
//! costs the others nothing: its stream is pulled only as its socket drains.

mod accept;
mod ask;
mod body;
mod decisions;
mod events;
mod export;
mod gate;
mod hub;
mod limits;
mod memories;
mod params;
mod peer;
mod problem;
mod record;
mod search;
mod sse;

use std::sync::{Arc, atomic::AtomicU32};

use axum::{Router, middleware::from_fn_with_state, routing};
use tokio::{
    net::UnixListener,
    sync::{OnceCell, OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;

pub use self::{accept::CLOSE_PATIENCE, limits::limits, peer::own_user};
use crate::{
    door::Door,
    mcp,
    model::{Code, Fault, TimeWords},
    tasks::Clock,
};

/// Requests being answered at once; one more is `busy`. Enough for every tool of one person many times over, and
/// small enough that what they hold in memory is bounded.
pub const REQUESTS_MAX: usize = 1_024;
/// Event streams and exports open at once, on top of [`REQUESTS_MAX`].
pub const STREAMS_MAX: usize = 1_024;

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
}

impl Api {
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

/// Serves the door until the token is cancelled; then ends the streams, lets requests in flight finish within a
/// bound, and returns with every connection closed.
pub async fn serve(
    listener: UnixListener,
    door: Arc<dyn Door>,
    clock: Clock,
    attached: Arc<AtomicU32>,
    token: CancellationToken,
) {
    let api = Api {
        door,
        clock,
        attached,
        token: token.clone(),
        requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        hub_name: Arc::default(),
    };
    accept::serve(listener, router(api), token).await;
}

fn router(api: Api) -> Router {
    let quick = Router::new()
        .route("/memories", routing::post(memories::add).get(memories::list))
        .route("/memories/bulk", routing::post(memories::bulk))
        .route("/memories/{id}", routing::get(memories::get).patch(memories::edit).delete(memories::forget))
        .route("/memories/{id}/history", routing::get(memories::history))
        .route("/memories/{id}/supersede", routing::post(memories::supersede))
        .route("/memories/{id}/restore", routing::post(memories::restore))
        .route("/memories/{id}/opened", routing::post(memories::opened))
        .route("/decisions", routing::post(decisions::decide).get(decisions::list))
        .route("/decisions/review-due", routing::get(decisions::review_due))
        .route("/decisions/calibration", routing::get(decisions::calibration))
        .route("/decisions/import", routing::post(decisions::import))
        .route("/decisions/{id}", routing::get(decisions::get).patch(decisions::edit))
        .route("/decisions/{id}/supersede", routing::post(decisions::supersede))
        .route("/decisions/{id}/outcome", routing::post(decisions::outcome))
        .route("/decisions/{id}/history", routing::get(decisions::history))
        .route("/decisions/{id}/export.md", routing::get(decisions::markdown))
        .route("/search", routing::get(search::by_params).post(search::by_body))
        .route("/search/suggest", routing::get(search::suggest))
        .route("/events", routing::get(events::page))
        .route("/events/stats", routing::get(events::stats))
        .route("/status", routing::get(hub::status))
        .route("/limits", routing::get(hub::limits))
        .route("/livez", routing::get(hub::livez))
        .layer(axum::middleware::from_fn(gate::in_time));
    let long = Router::new()
        .route("/events/stream", routing::get(events::stream))
        .route("/export", routing::get(export::export))
        .route("/reindex", routing::post(hub::reindex))
        .route("/fsck", routing::get(hub::fsck));
    let agents =
        mcp::http(api.door.clone(), api.clock.clone(), body::MEMORY_BODY_BYTES_MAX, api.token.clone());
    Router::new()
        .nest("/api/v1", quick.merge(long))
        .route("/livez", routing::get(hub::livez))
        .route_service("/mcp", agents)
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
        Api {
            door: Arc::new(Remote::new("/nowhere/hub.sock".as_ref()).unwrap()),
            clock: Clock::fixed(Time::default()),
            attached: Arc::default(),
            token: CancellationToken::new(),
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            hub_name: Arc::default(),
        }
    }
}
