//! Which program is at the other end, and where it works.

use std::time::Duration;

use http::request::Parts;
use rmcp::{RoleServer, model::ProtocolVersion, service::RequestContext};

use crate::{
    config::project_of,
    door::Caller,
    ingest::path_of_url,
    model::{Actor, Project, token},
    tasks::blocking,
};

/// A client that says it has roots has them at hand.
const ROOTS_PATIENCE: Duration = Duration::from_secs(2);
/// The client's name, as an actor can have it.
pub fn name(context: &RequestContext<RoleServer>) -> Option<String> {
    // Over HTTP there is no handshake to remember: what stands in its place is nobody's name.
    let info = if asked_by(context).is_some() { context.meta.client_info() } else { context.client_info() };
    let told = info.map(|info| token(info.name.trim()));
    told.filter(|name| name.chars().any(|c| c.is_ascii_alphanumeric()))
}

/// Whom the gate let in, over HTTP.
pub fn asked_by(context: &RequestContext<RoleServer>) -> Option<&Caller> {
    context.extensions.get::<Parts>()?.extensions.get()
}

/// Who asks, through this client.
pub fn through(caller: &Caller, client: Option<String>) -> Caller {
    match client.filter(|_| caller.tool.is_none()) {
        Some(client) => {
            let actor = Actor(format!("{}/{client}", caller.actor));
            Caller { actor, tool: Some(client), ..caller.clone() }
        }
        None => caller.clone(),
    }
}

/// Whether it can be asked for its roots: in the protocol's later versions a server asks nothing.
pub fn has_roots(context: &RequestContext<RoleServer>) -> bool {
    let old = context.protocol_version().is_some_and(|version| version < ProtocolVersion::NO_INITIALIZE);
    old && context.client_capabilities().is_some_and(|can| can.roots.is_some())
}

/// The project of its first root that is in a repository.
#[expect(deprecated, reason = "clients of the versions before have no other way to say where they work")]
pub async fn project_of_roots(context: &RequestContext<RoleServer>) -> Option<Project> {
    let asked = tokio::time::timeout(ROOTS_PATIENCE, context.peer.list_roots()).await;
    let roots = match asked {
        Ok(Ok(told)) => told.roots,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the client did not tell its roots");
            return None;
        }
        Err(_) => {
            tracing::debug!("the client did not tell its roots in time");
            return None;
        }
    };
    let dirs: Vec<_> = roots.iter().filter_map(|root| path_of_url(&root.uri)).map(|(dir, _)| dir).collect();
    let found =
        blocking(move || Ok(dirs.iter().map(|dir| project_of(dir)).find(|project| !project.is_none())));
    found.await.ok().flatten()
}
