//! Connections: taken from the socket, served each in a task of its own, ended together.

use std::{
    io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustix::process::{Resource, getrlimit};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixListener, UnixStream},
    sync::{Semaphore, watch},
};
use tokio_util::sync::CancellationToken;

use super::{
    REQUESTS_MAX, STREAMS_MAX,
    gate::Leave,
    outside::{Entrance, Tcp},
    peer::{Peer, User},
    problem::Refusal,
    reaper::{Lane, Reaper, Watched},
    seats::Seat,
};
use crate::{
    model::{Code, Fault},
    tasks::Tasks,
};

/// Bytes a connection holds that are on their way to its client. With what is read ahead for a stream, one whose client
/// does not read costs no more than 256 KiB.
pub const CONNECTION_BUFFER_BYTES_MAX: usize = 32 << 10;
/// How long requests in flight may take to finish when the hub closes: the longest a quick one takes, and a bit.
pub const CLOSE_PATIENCE: Duration = Duration::from_secs(6);
/// A stream has nothing to finish: its client gets this long to read how it ended.
pub const STREAM_CLOSE_PATIENCE: Duration = Duration::from_millis(500);
/// No file descriptor is left: something has to be closed first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections served at once; the next ones are told that the hub is busy.
pub const CONNECTIONS_MAX: usize = 12_288;
/// From outside, a request's head or the next request comes within this, or the connection is closed.
pub const HEAD_PATIENCE: Duration = Duration::from_secs(15);
/// Open files that connections leave to the hub itself, for its log and its views.
const FILES_OF_THE_HUB: usize = 128;
/// Connections that are told so at once, and how long each may take to hear it.
const TURNED_AWAY_MAX: usize = 16;
const TURN_AWAY_PATIENCE: Duration = Duration::from_secs(1);

const _: () = assert!(CONNECTIONS_MAX > REQUESTS_MAX + STREAMS_MAX);
const _: () = assert!(FILES_OF_THE_HUB > 2 * TURNED_AWAY_MAX);

/// What a route is told of its connection, and what it tells it.
#[derive(Clone)]
pub struct Streaming(Arc<Begun>);

struct Begun {
    token: CancellationToken,
    leave: OnceLock<Leave>,
    lane: Arc<Lane>,
    next: Mutex<Option<BoxFuture<'static, ()>>>,
    seat: Mutex<Option<Seat>>,
}

impl Streaming {
    pub fn new(lane: Arc<Lane>) -> Streaming {
        let (next, seat) = (Mutex::default(), Mutex::default());
        Streaming(Arc::new(Begun {
            token: CancellationToken::new(),
            leave: OnceLock::new(),
            lane,
            next,
            seat,
        }))
    }

    /// An answer has no end of its own. A connection has one at most: it is the last that is asked on it.
    pub fn set(&self, leave: &Leave) {
        self.0.leave.get_or_init(|| leave.clone());
        self.0.token.cancel();
    }

    /// What the connection is for when HTTP on it is done.
    pub fn then(&self, next: BoxFuture<'static, ()>) {
        *self.0.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
    }

    pub fn lane(&self) -> Arc<Lane> {
        self.0.lane.clone()
    }

    /// Where the connection counts as one of its key's; it may ask with another one later.
    pub fn seat(&self) -> &Mutex<Option<Seat>> {
        &self.0.seat
    }

    fn is_set(&self) -> bool {
        self.0.token.is_cancelled()
    }

    fn taken_next(&self) -> Option<BoxFuture<'static, ()>> {
        self.0.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Until who asked for it may have it no longer.
    async fn over(&self) {
        self.0.token.cancelled().await;
        match self.0.leave.get() {
            Some(leave) => leave.key_over().await,
            None => std::future::pending().await,
        }
    }
}

/// Where connections come from.
pub enum Listens {
    Socket(UnixListener),
    Outside(Tcp),
}

/// A connection that was taken.
enum Arrived {
    Here(UnixStream),
    Outside(TcpStream, Entrance),
}

impl Listens {
    async fn accept(&self) -> io::Result<Arrived> {
        match self {
            Listens::Socket(listener) => listener.accept().await.map(|(socket, _)| Arrived::Here(socket)),
            Listens::Outside(tcp) => {
                tcp.accept().await.map(|(socket, entrance)| Arrived::Outside(socket, entrance))
            }
        }
    }
}

/// What all listeners share.
struct Accepting {
    router: Router,
    away: Router,
    connections: Tasks,
    places: Arc<Semaphore>,
    places_away: Arc<Semaphore>,
    reaper: Reaper,
    open: watch::Sender<usize>,
    /// Ends what did not end in its time.
    cut: CancellationToken,
}

/// `patience` is how long a write may wait for its client; `open` is told how many connections there are.
pub async fn serve(
    listeners: Vec<Listens>,
    router: Router,
    patience: Duration,
    open: watch::Sender<usize>,
    token: CancellationToken,
) {
    let cut = CancellationToken::new();
    // Whoever drops this future early leaves no connection behind.
    let _cut = cut.clone().drop_guard();
    let accepting = Accepting {
        router,
        away: Router::new().fallback(turn_away),
        connections: Tasks::new(),
        places: Arc::new(Semaphore::new(connections_max())),
        places_away: Arc::new(Semaphore::new(TURNED_AWAY_MAX)),
        reaper: Reaper::new(patience),
        open,
        cut: cut.clone(),
    };
    accepting.connections.spawn(accepting.reaper.clone().run(accepting.connections.token()));
    // Each is closed when its own ends.
    futures::future::join_all(listeners.into_iter().map(|listener| accepting.accept(listener, &token))).await;
    if !accepting.connections.end(CLOSE_PATIENCE).await {
        cut.cancel();
        if !accepting.connections.end(STREAM_CLOSE_PATIENCE).await {
            tracing::warn!("connections were still open when the hub closed");
        }
    }
}

impl Accepting {
    async fn accept(&self, listener: Listens, token: &CancellationToken) {
        let mut starving = false;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = token.cancelled() => return,
            };
            match accepted {
                Ok(arrived) => {
                    starving = false;
                    self.take(arrived).await;
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
    }

    async fn take(&self, arrived: Arrived) {
        let (close, cut) = (self.connections.token(), self.cut.clone());
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            let Ok(place) = self.places_away.clone().acquire_owned().await else { return };
            let told = connection(arrived, self.away.clone(), self.reaper.lane(), close);
            self.connections.spawn(async move {
                if tokio::time::timeout(TURN_AWAY_PATIENCE, told).await.is_err() {
                    tracing::debug!("a connection that was one too many asked nothing");
                }
                drop(place);
            });
            return;
        };
        let (router, lane) = (self.router.clone(), self.reaper.lane());
        let open = Open::new(self.open.clone());
        self.connections.spawn(async move {
            tokio::select! {
                () = connection(arrived, router, lane, close) => {}
                () = cut.cancelled() => {}
            }
            drop((place, open));
        });
    }
}

/// A connection that is counted while it lives.
struct Open(watch::Sender<usize>);

impl Open {
    fn new(all: watch::Sender<usize>) -> Open {
        all.send_modify(|open| *open += 1);
        Open(all)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
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

async fn connection(arrived: Arrived, router: Router, lane: Arc<Lane>, close: CancellationToken) {
    match arrived {
        Arrived::Here(socket) => match User::of(&socket) {
            Ok(user) => exchange(socket, Peer::User(user), router, lane, close, http1::Builder::new()).await,
            Err(error) => {
                tracing::warn!(%error, "a connection whose peer the kernel does not name is closed");
            }
        },
        Arrived::Outside(socket, entrance) => {
            let peer = Peer::Outside(entrance.clone());
            let Some(tls) = entrance.tls else {
                return exchange(socket, peer, router, lane, close, in_time()).await;
            };
            // Elsewhere, or every connection would be as large as one with TLS.
            Box::pin(async move {
                match tokio::time::timeout(HEAD_PATIENCE, tls.accept(socket)).await {
                    Ok(Ok(socket)) => exchange(socket, peer, router, lane, close, in_time()).await,
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "a connection that speaks no TLS, or another one");
                    }
                    Err(_) => tracing::debug!("a connection that did not begin TLS in its time"),
                }
            })
            .await;
        }
    }
}

/// From outside nobody holds a connection open without asking.
fn in_time() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_PATIENCE);
    http
}

async fn exchange(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    lane: Arc<Lane>,
    close: CancellationToken,
    mut http: http1::Builder,
) {
    let streaming = Streaming::new(lane.clone());
    let (of_request, of_connection) = (streaming.clone(), streaming.clone());
    let routes = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        request.extensions_mut().insert(of_request.clone());
        routes.call(request)
    });
    let socket = TokioIo::new(Watched::new(socket, lane.clone()));
    let connection =
        http.max_buf_size(CONNECTION_BUFFER_BYTES_MAX).serve_connection(socket, service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = lane.cut() => Ok(()),
        // Its last frame says why, to a client that reads; one that does not is cut off.
        () = of_connection.over() => {
            tokio::time::timeout(STREAM_CLOSE_PATIENCE, connection).await.unwrap_or(Ok(()))
        }
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
    if let Some(next) = streaming.taken_next() {
        next.await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::routing;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time,
    };

    use super::*;

    /// What a connection from outside got, and how long it was open. The clock runs ahead while nothing happens.
    async fn got(sent: &[u8]) -> (String, Duration) {
        let (mut client, server) = duplex(1 << 16);
        let router = Router::new().route("/", routing::get(async || "here"));
        let peer = Peer::User(User::new(0));
        let begun = time::Instant::now();
        client.write_all(sent).await.unwrap();
        let reading = async {
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            (answer, begun.elapsed())
        };
        let lane = Reaper::new(CLOSE_PATIENCE).lane();
        let (answer, ()) =
            tokio::join!(reading, exchange(server, peer, router, lane, CancellationToken::new(), in_time()));
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_asks_nothing_is_closed() {
        let real = Instant::now();
        for (sent, answered) in [
            (&b""[..], ""),
            (b"GET / HTTP/1.1\r\nhost: x\r\nslow", ""),
            // Kept open after an answer, and then idle.
            (b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", "here"),
        ] {
            let (answer, open) = got(sent).await;
            assert!(answer.ends_with(answered) && answer.is_empty() == answered.is_empty(), "{answer}");
            assert!((HEAD_PATIENCE..HEAD_PATIENCE * 2).contains(&open), "{sent:?} was open for {open:?}");
        }
        assert!(real.elapsed() < HEAD_PATIENCE);
    }
}
