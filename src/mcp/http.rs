//! The same server over HTTP: each request stands alone, and is of whom the gate before it has let in.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use tokio_util::sync::CancellationToken;

use super::{Options, WorkingProject, server::Server, session::Session};
use crate::{
    door::Door,
    tasks::{Clock, Tasks},
};

/// A subscription that has nothing to tell says so this often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub type Http = StreamableHttpService<Server, NeverSessionManager>;

/// A service that answers until the token is cancelled. Who asks, from where, and how much at once is for whom it stands
/// behind: it takes the [`Caller`](crate::door::Caller) of a request from the request's extensions.
pub fn http(door: Arc<dyn Door>, clock: Clock, body_bytes_max: usize, token: CancellationToken) -> Http {
    let config = StreamableHttpServerConfig::default()
        // What one caller was shown is none of another's, and a hub that starts again has nothing to lose.
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(Some(KEEP_ALIVE))
        .with_max_request_body_bytes(body_bytes_max)
        .with_cancellation_token(token.clone())
        .disable_allowed_hosts();
    let server = move || {
        let door = door.clone();
        let opening = Box::new(move || std::future::ready(Ok(door.clone())).boxed());
        let options = Options { clock: clock.clone(), user: String::new(), project: WorkingProject::Unknown };
        Ok(Server::new(Arc::new(Session::new(opening, options)), Tasks::new(), token.clone()))
    };
    StreamableHttpService::new(server, Arc::new(NeverSessionManager::default()), config)
}
