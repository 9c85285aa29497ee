//! Agents: a server of the Model Context Protocol over a door, on standard input and output or over HTTP.
//!
//! A tool maps its arguments to a few calls of the door and their answers back; it decides nothing. Arguments are read by
//! the door's own types, so that the names of other memory servers are known here too and a wrong one is told with what
//! was probably meant. Whatever is wrong with a request is an answer that a model can read, never an error of the protocol.
//!
//! Invariants: only this room names the library, and on standard output only it writes. Each call has a correlation id
//! of its own, which every event that it causes carries. An answer is small by itself: a search gives an index, bodies
//! are asked for.

mod call;
mod client;
mod http;
mod input;
mod known;
mod prompts;
mod resources;
mod schema;
mod server;
mod session;
mod tools;
mod watch;

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use rmcp::{serve_server, service::ServerInitializeError, transport::io::stdio_pipes};
use tokio_util::sync::CancellationToken;

pub use self::http::{Http, http};
use self::{input::Input, server::Server, session::Session};
use crate::{
    door::Door,
    model::{Fault, Project},
    tasks::{Clock, Tasks},
};

/// What is still being done when the client has gone gets this long.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// How a server comes to its door; asked until it has one.
pub type Opening = Box<dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Door>, Fault>> + Send + Sync>;

/// What a server is told of where it runs.
#[derive(Debug, Clone)]
pub struct Options {
    pub clock: Clock,
    /// The OS user it acts for, where a request does not bring its caller.
    pub user: String,
    pub project: WorkingProject,
}

/// Where records go that name no project, and where is searched.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkingProject {
    /// By a flag, a variable or the settings: it holds whatever a client says.
    Named(Project),
    /// By the working directory. The client may know better: its first root that is in a repository.
    Found(Project),
    /// The client is elsewhere: what names no project belongs to none, and all that the caller sees is searched.
    Unknown,
}

/// Serves one client on standard input and output until it goes away.
///
/// The door is opened beside it, so that the client has its answer to the first request at once.
pub async fn serve_stdio(opening: Opening, options: Options) -> Result<(), Fault> {
    let session = Arc::new(Session::new(opening, options));
    let tasks = Tasks::new();
    let (early, token) = (session.clone(), tasks.token());
    tasks.spawn(async move {
        tokio::select! {
            opened = early.door() => if let Err(fault) = opened {
                tracing::warn!(%fault, cause = ?fault.cause, "no hub yet; the next call looks for it again");
            },
            () = token.cancelled() => {}
        }
    });
    let ended = CancellationToken::new();
    let (input, output) = stdio_pipes();
    let input = Input { from: input, ended: ended.clone() };
    let server = Server::new(session, tasks.clone(), ended);
    let served = match serve_server(server, (input, output)).await {
        Ok(running) => running.waiting().await.map(drop).map_err(|error| {
            Fault::bug("the server of the Model Context Protocol stopped in the middle").cause(error)
        }),
        // It went away before it said anything.
        Err(ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => {
            Err(Fault::invalid("the client does not speak the Model Context Protocol").cause(error))
        }
    };
    if !tasks.end(END_PATIENCE).await {
        tracing::debug!("something was still being done for a client that is gone");
    }
    served
}
