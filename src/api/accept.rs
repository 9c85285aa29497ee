//! Connections: taken from the socket, served each in a task of its own, ended together.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use rustix::process::{Resource, getrlimit};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use super::{REQUESTS_MAX, STREAMS_MAX, peer::Peer, problem::Refusal};
use crate::{
    model::{Code, Fault},
    tasks::Tasks,
};

/// Bytes a connection holds for a client that does not read: with one event, the most it can cost.
pub const CONNECTION_BUFFER_BYTES_MAX: usize = 256 << 10;
/// How long requests in flight may take to finish when the hub closes: the longest a quick one takes, and a bit.
pub const CLOSE_PATIENCE: Duration = Duration::from_secs(6);
/// A stream has nothing to finish: its client gets this long to read how it ended.
const STREAM_CLOSE_PATIENCE: Duration = Duration::from_millis(500);
/// No file descriptor is left: something has to be closed first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections served at once; the next ones are told that the hub is busy.
pub const CONNECTIONS_MAX: usize = 4_096;
/// Open files that connections leave to the hub itself, for its log and its views.
const FILES_OF_THE_HUB: usize = 128;
/// Connections that are told so at once, and how long each may take to hear it.
const TURNED_AWAY_MAX: usize = 16;
const TURN_AWAY_PATIENCE: Duration = Duration::from_secs(1);

const _: () = assert!(CONNECTIONS_MAX > REQUESTS_MAX + STREAMS_MAX);
const _: () = assert!(FILES_OF_THE_HUB > 2 * TURNED_AWAY_MAX);

/// Set by a route whose answer has no end of its own.
#[derive(Debug, Clone, Default)]
pub struct Streaming(Arc<AtomicBool>);

impl Streaming {
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub async fn serve(listener: UnixListener, router: Router, token: CancellationToken) {
    let connections = Tasks::new();
    // Whoever drops this future early leaves no connection behind.
    let cut = CancellationToken::new();
    let _cut = cut.clone().drop_guard();
    let places = Arc::new(Semaphore::new(connections_max()));
    let places_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
    let away = Router::new().fallback(turn_away);
    let mut starving = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = token.cancelled() => break,
        };
        match accepted {
            Ok((socket, _)) => {
                starving = false;
                let (close, cut) = (connections.token(), cut.clone());
                let Ok(place) = places.clone().try_acquire_owned() else {
                    let Ok(place) = places_away.clone().acquire_owned().await else { break };
                    let told = connection(socket, away.clone(), close);
                    connections.spawn(async move {
                        if tokio::time::timeout(TURN_AWAY_PATIENCE, told).await.is_err() {
                            tracing::debug!("a connection that was one too many asked nothing");
                        }
                        drop(place);
                    });
                    continue;
                };
                let router = router.clone();
                connections.spawn(async move {
                    tokio::select! {
                        () = connection(socket, router, close) => {}
                        () = cut.cancelled() => {}
                    }
                    drop(place);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut starving, true) {
                    tracing::warn!(%error, "no connection can be taken; those that come wait");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if !connections.end(CLOSE_PATIENCE).await {
        cut.cancel();
        if !connections.end(STREAM_CLOSE_PATIENCE).await {
            tracing::warn!("connections were still open when the hub closed");
        }
    }
}

/// As many as the limit of open files leaves room for.
fn connections_max() -> usize {
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    let room = files.map_or(CONNECTIONS_MAX, |files| files.saturating_sub(FILES_OF_THE_HUB).max(files / 4));
    room.min(CONNECTIONS_MAX)
}

async fn turn_away() -> Response {
    let fault = Fault::new(Code::Busy, "the hub has as many connections as it can serve")
        .hint("close one, or raise the hub's limit of open files (`ulimit -n`)");
    let mut response = Refusal::from(fault).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

async fn connection(socket: UnixStream, router: Router, close: CancellationToken) {
    let peer = match Peer::of(&socket) {
        Ok(peer) => peer,
        Err(error) => {
            tracing::warn!(%error, "a connection whose peer the kernel does not name is closed");
            return;
        }
    };
    let streaming = Streaming::default();
    let of_request = streaming.clone();
    let routes = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(of_request.clone());
        routes.call(request)
    });
    let connection = http1::Builder::new()
        .max_buf_size(CONNECTION_BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(socket), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = close.cancelled() => {
            connection.as_mut().graceful_shutdown();
            if streaming.is_set() {
                let ended = tokio::time::timeout(STREAM_CLOSE_PATIENCE, connection).await;
                ended.unwrap_or(Ok(()))
            } else {
                connection.await
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection was cut");
    }
}
