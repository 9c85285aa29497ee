//! Events over a WebSocket: one connection, many subscriptions, each resumed by its cursor.
//!
//! The frames are JSON texts, each with its `op` (`docs/websocket.md`). As for server-sent events the log is read for
//! a client only as its socket drains; and since nothing is sent before what was sent last is on its way, a client that
//! stopped costs what one frame holds.

mod frames;
mod session;
mod subscriptions;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode},
};
use tokio_tungstenite::tungstenite::{
    Error, error::ProtocolError, handshake::server::create_response_with_body,
};

use self::session::Opening;
use super::{
    Api,
    accept::Streaming,
    params::Params,
    problem::{Answer, Refusal},
};
use crate::model::Fault;

pub use self::{
    session::{BATCH_EVENTS_MAX, FRAME_BYTES_MAX, IN_FLIGHT_BYTES_MAX, SOCKET_BUFFER_BYTES},
    subscriptions::SUBSCRIPTIONS_MAX,
};

pub const PROTOCOL: &str = "wheelhouse.v1";
const PROTOCOLS: &str = "sec-websocket-protocol";

/// Answers the handshake; the connection is a socket after that.
pub async fn open(
    State(api): State<Api>,
    streaming: axum::Extension<Streaming>,
    params: Params,
    mut request: Request,
) -> Answer {
    params.end().map_err(|fault| {
        let hint = "a key goes into the header `Authorization` or the first frame, the rest into `sub`";
        fault.hint(hint)
    })?;
    let speaks = speaks(request.headers())?;
    let mut response = create_response_with_body(&request, Body::empty).map_err(no_handshake)?;
    if speaks {
        response.headers_mut().insert(PROTOCOLS, HeaderValue::from_static(PROTOCOL));
    }
    let place = api.stream_place()?;
    let hub = api.hub_name().await?.to_owned();
    let upgrade = hyper::upgrade::on(&mut request);
    let (asked, _) = request.into_parts();
    let opening = Opening { api, hub, asked, place, lane: streaming.lane() };
    streaming.then(Box::pin(async move {
        match upgrade.await {
            Ok(socket) => opening.run(socket).await,
            Err(error) => tracing::debug!(%error, "a connection ended before it was a socket"),
        }
    }));
    Ok(response)
}

/// Whether the client names the protocol; one that names others only would not understand this one.
fn speaks(headers: &HeaderMap) -> Result<bool, Fault> {
    let named: Vec<&str> =
        headers.get_all(PROTOCOLS).iter().filter_map(|value| value.to_str().ok()).collect();
    let speaks = named.iter().flat_map(|list| list.split(',')).any(|name| name.trim() == PROTOCOL);
    if !speaks && !named.is_empty() {
        return Err(Fault::invalid("this socket speaks another protocol")
            .cause(format!("`Sec-WebSocket-Protocol` is {}", named.join(",").escape_default()))
            .hint(format!("it speaks {PROTOCOL}")));
    }
    Ok(speaks)
}

/// What is no handshake is told what would be one.
fn no_handshake(error: Error) -> Refusal {
    let fault = Fault::invalid("this path is for WebSockets").cause(&error).hint(
        "it takes the handshake of RFC 6455, version 13; events without it are at /api/v1/events/stream",
    );
    match error {
        Error::Protocol(ProtocolError::MissingSecWebSocketKey) => fault.into(),
        _ => Refusal::with_status(fault, StatusCode::UPGRADE_REQUIRED),
    }
}
