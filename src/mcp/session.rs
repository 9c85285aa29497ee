//! What all calls of one client share: its door, what it was shown, where it works.

use std::sync::Arc;

use rmcp::{RoleServer, service::RequestContext};
use tokio::sync::{Mutex, OnceCell};

use super::{Opening, Options, WorkingProject, client, known::Known};
use crate::{
    door::{Caller, Door},
    model::{Actor, Fault, Project, Projects},
    tasks::Clock,
};

/// What an actor is called by whose client does not say its name.
const NAMELESS: &str = "mcp";

pub struct Session {
    opening: Opening,
    door: OnceCell<Arc<dyn Door>>,
    options: Options,
    pub known: Known,
    /// What the client's roots came to; none: not asked yet.
    of_roots: Mutex<Option<Option<Project>>>,
}

impl Session {
    pub fn new(opening: Opening, options: Options) -> Session {
        Session {
            opening,
            door: OnceCell::new(),
            options,
            known: Known::default(),
            of_roots: Mutex::new(None),
        }
    }

    /// The door, opened once. One to another process's hub finds it again by itself.
    pub async fn door(&self) -> Result<Arc<dyn Door>, Fault> {
        self.door.get_or_try_init(|| (self.opening)()).await.cloned()
    }

    pub fn clock(&self) -> &Clock {
        &self.options.clock
    }

    /// Who asks where nobody else says it, with a correlation of its own: the machine's user through this client.
    pub fn caller(&self, client: Option<String>) -> Caller {
        let client = client.unwrap_or_else(|| NAMELESS.to_owned());
        Caller {
            actor: Actor(format!("user:{}/{client}", self.options.user)),
            correlation: self.clock().id(),
            session: None,
            tool: Some(client),
            projects: Projects::All,
        }
    }

    /// Where the client works, as far as that is known.
    pub async fn project(&self, context: &RequestContext<RoleServer>) -> Option<Project> {
        let found = match &self.options.project {
            WorkingProject::Named(project) => return Some(project.clone()),
            WorkingProject::Found(project) => project.clone(),
            WorkingProject::Unknown => return None,
        };
        if !client::has_roots(context) {
            return Some(found);
        }
        let mut of_roots = self.of_roots.lock().await;
        if of_roots.is_none() {
            *of_roots = Some(client::project_of_roots(context).await);
        }
        Some(of_roots.clone().flatten().unwrap_or(found))
    }

    /// Its roots are other ones now.
    pub async fn roots_changed(&self) {
        *self.of_roots.lock().await = None;
    }
}
