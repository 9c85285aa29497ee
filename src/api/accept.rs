//! Connections: taken from the socket, served each in a task of its own, ended together.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::peer::Peer;
use crate::tasks::Tasks;

/// Bytes a connection holds for a client that does not read: with one event, the most it can cost.
pub const CONNECTION_BUFFER_BYTES_MAX: usize = 256 << 10;
/// How long requests in flight may take to finish when the hub closes: the longest a quick one takes, and a bit.
pub const CLOSE_PATIENCE: Duration = Duration::from_secs(6);
/// A stream has nothing to finish: its client gets this long to read how it ended.
const STREAM_CLOSE_PATIENCE: Duration = Duration::from_millis(500);
/// No file descriptor is left: another connection has to close first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = token.cancelled() => break,
        };
        match accepted {
            Ok((socket, _)) => {
                let router = router.clone();
                let (close, cut) = (connections.token(), cut.clone());
                connections.spawn(async move {
                    tokio::select! {
                        () = connection(socket, router, close) => {}
                        () = cut.cancelled() => {}
                    }
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
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
