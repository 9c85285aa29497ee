//! Which program is at the other end, and where it works.

use std::time::Duration;

use rmcp::{RoleServer, model::ProtocolVersion, service::RequestContext};

use crate::{
    config::project_of,
    ingest::path_of_url,
    model::{Project, token},
    tasks::blocking,
};

/// A client that says it has roots has them at hand.
const ROOTS_PATIENCE: Duration = Duration::from_secs(2);
/// What an actor is called by whose client does not say its name.
const NAMELESS: &str = "mcp";

/// The client's name, as an actor can have it.
pub fn name(context: &RequestContext<RoleServer>) -> String {
    let told = context.client_info().map(|info| token(info.name.trim()));
    told.filter(|name| name.chars().any(|c| c.is_ascii_alphanumeric())).unwrap_or_else(|| NAMELESS.to_owned())
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
    let found = blocking(move || Ok(dirs.iter().map(|dir| project_of(dir)).find(|project| !project.is_none())));
    found.await.ok().flatten()
}
