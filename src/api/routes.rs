//! Every route with what it takes to ask it: the one place where that is written. A route is added here or not at all, so
//! none is open by mistake.

use axum::{
    Router,
    handler::Handler,
    http::Method,
    middleware::from_fn_with_state,
    routing::{MethodFilter, MethodRouter, on},
};

use super::{Api, decisions, events, export, gate, health, hub, jobs, keys, memories, openapi, search, ws};
use crate::{
    mcp,
    model::{
        Area::{self, Admin, Decisions, Events, Jobs, Memories},
        Scope,
    },
};

/// What a key has to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Not even a key.
    Nothing,
    /// Not even a key; with one it says more.
    Open,
    /// Any key that holds.
    Key,
    All(&'static [Scope]),
}

impl Needs {
    pub fn words(self) -> String {
        match self {
            Needs::Nothing => "nothing".to_owned(),
            Needs::Open => "nothing; more with any key".to_owned(),
            Needs::Key => "any key".to_owned(),
            Needs::All(scopes) => scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(", "),
        }
    }
}

/// A route as it is told: method, path, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    pub path: String,
    pub needs: Needs,
}

/// Routes and what is told of them, made together.
pub struct Routes {
    under: &'static str,
    pub router: Router<Api>,
    pub told: Vec<Route>,
}

macro_rules! needs {
    ($($name:ident: $($scope:expr),+;)+) => {
        $(const $name: Needs = Needs::All(&[$($scope),+]);)+
    };
}

const fn read(area: Area) -> Scope {
    Scope::read(area)
}

const fn write(area: Area) -> Scope {
    Scope::write(area)
}

needs! {
    READ_MEMORIES: read(Memories);
    WRITE_MEMORIES: write(Memories);
    READ_DECISIONS: read(Decisions);
    WRITE_DECISIONS: write(Decisions);
    READ_EVENTS: read(Events);
    WRITE_EVENTS: write(Events);
    READ_JOBS: read(Jobs);
    WRITE_JOBS: write(Jobs);
    READ_ADMIN: read(Admin);
    WRITE_ADMIN: write(Admin);
    // A search finds both.
    SEARCH: read(Memories), read(Decisions);
    // One path for every tool, and so all that any of them takes.
    AGENTS: read(Memories), write(Memories), read(Decisions), write(Decisions), read(Events);
    // Everything.
    EXPORT: read(Admin), read(Memories), read(Decisions), read(Events);
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// What answers within a request's time.
pub fn quick() -> Routes {
    Routes::new("/api/v1")
        .on(WRITE_MEMORIES, POST, "/memories", memories::add)
        .on(READ_MEMORIES, GET, "/memories", memories::list)
        .on(WRITE_MEMORIES, POST, "/memories/bulk", memories::bulk)
        .on(READ_MEMORIES, GET, "/memories/{id}", memories::get)
        .on(WRITE_MEMORIES, PATCH, "/memories/{id}", memories::edit)
        .on(WRITE_MEMORIES, DELETE, "/memories/{id}", memories::forget)
        .on(READ_MEMORIES, GET, "/memories/{id}/history", memories::history)
        .on(WRITE_MEMORIES, POST, "/memories/{id}/supersede", memories::supersede)
        .on(WRITE_MEMORIES, POST, "/memories/{id}/restore", memories::restore)
        .on(READ_MEMORIES, POST, "/memories/{id}/opened", memories::opened)
        .on(WRITE_DECISIONS, POST, "/decisions", decisions::decide)
        .on(READ_DECISIONS, GET, "/decisions", decisions::list)
        .on(READ_DECISIONS, GET, "/decisions/review-due", decisions::review_due)
        .on(READ_DECISIONS, GET, "/decisions/calibration", decisions::calibration)
        .on(WRITE_DECISIONS, POST, "/decisions/import", decisions::import)
        .on(READ_DECISIONS, GET, "/decisions/{id}", decisions::get)
        .on(WRITE_DECISIONS, PATCH, "/decisions/{id}", decisions::edit)
        .on(WRITE_DECISIONS, POST, "/decisions/{id}/supersede", decisions::supersede)
        .on(WRITE_DECISIONS, POST, "/decisions/{id}/outcome", decisions::outcome)
        .on(READ_DECISIONS, GET, "/decisions/{id}/history", decisions::history)
        .on(READ_DECISIONS, GET, "/decisions/{id}/export.md", decisions::markdown)
        .on(WRITE_JOBS, POST, "/jobs", jobs::define)
        .on(READ_JOBS, GET, "/jobs", jobs::list)
        .on(READ_JOBS, GET, "/jobs/{job}", jobs::get)
        .on(WRITE_JOBS, POST, "/jobs/{job}/run", jobs::run)
        .on(WRITE_JOBS, POST, "/jobs/{job}/pause", jobs::pause)
        .on(WRITE_JOBS, POST, "/jobs/{job}/resume", jobs::resume)
        .on(WRITE_JOBS, POST, "/jobs/{job}/enable", jobs::enable)
        .on(WRITE_JOBS, POST, "/jobs/{job}/disable", jobs::disable)
        .on(WRITE_JOBS, POST, "/jobs/{job}/backfill", jobs::backfill)
        .on(READ_JOBS, GET, "/jobs/{job}/next", jobs::next)
        .on(READ_JOBS, GET, "/runs", jobs::runs)
        .on(READ_JOBS, GET, "/runs/{id}", jobs::get_run)
        .on(READ_JOBS, GET, "/runs/{id}/logs", jobs::log)
        .on(WRITE_JOBS, POST, "/runs/{id}/cancel", jobs::cancel)
        .on(WRITE_JOBS, POST, "/runs/{id}/retry", jobs::retry)
        .on(WRITE_JOBS, POST, "/runs/{id}/dismiss", jobs::dismiss)
        .on(READ_JOBS, GET, "/dead", jobs::dead)
        .on(WRITE_EVENTS, POST, "/events", events::publish)
        .on(SEARCH, GET, "/search", search::by_params)
        .on(SEARCH, POST, "/search", search::by_body)
        .on(SEARCH, GET, "/search/suggest", search::suggest)
        .on(READ_EVENTS, GET, "/events", events::page)
        .on(READ_EVENTS, GET, "/events/stats", events::stats)
        .on(READ_ADMIN, GET, "/keys", keys::list)
        .on(WRITE_ADMIN, POST, "/keys", keys::create)
        .on(WRITE_ADMIN, DELETE, "/keys/{key}", keys::revoke)
        .on(WRITE_ADMIN, POST, "/keys/{key}/rotate", keys::rotate)
        .on(Needs::Key, GET, "/status", hub::status)
        .on(Needs::Key, GET, "/limits", hub::limits)
        .on(Needs::Nothing, GET, "/openapi.json", openapi::document)
        .wellbeing()
}

/// What takes as long as it takes.
pub fn long() -> Routes {
    Routes::new("/api/v1")
        .on(READ_EVENTS, GET, "/events/stream", events::stream)
        .socket(READ_EVENTS, "/events/ws", ws::open)
        .on(EXPORT, GET, "/export", export::export)
        .on(WRITE_ADMIN, POST, "/reindex", hub::reindex)
        .on(READ_ADMIN, GET, "/fsck", hub::fsck)
}

/// What stands beside the paths of a version.
pub fn plain() -> Routes {
    Routes::new("")
        .on(Needs::Nothing, GET, "/openapi.json", openapi::document)
        .on(Needs::Nothing, GET, "/docs", openapi::page)
        .wellbeing()
}

/// Agents, by the Model Context Protocol.
pub fn agents(service: mcp::Http) -> Routes {
    let router = Router::new().route_service("/mcp", service);
    let router = router.route_layer(from_fn_with_state(AGENTS, gate::admit));
    Routes { under: "", router, told: vec![Route { method: POST, path: "/mcp".to_owned(), needs: AGENTS }] }
}

/// Every route there is, but for the one of agents.
pub fn routes() -> Vec<Route> {
    [quick(), long(), plain()].into_iter().flat_map(|routes| routes.told).collect()
}

impl Routes {
    fn new(under: &'static str) -> Routes {
        Routes { under, router: Router::new(), told: Vec::new() }
    }

    /// Whether it lives and how it does asks for nothing; what names parts and causes takes a key.
    fn wellbeing(self) -> Routes {
        self.on(Needs::Nothing, GET, "/livez", health::livez)
            .on(Needs::Nothing, GET, "/readyz", health::readyz)
            .on(Needs::Open, GET, "/health", health::health)
            .on(Needs::Key, GET, "/health/trends", health::trends)
            .on(Needs::Key, GET, "/health/{component}", health::component)
    }

    fn on<H, T>(self, needs: Needs, method: Method, path: &str, handler: H) -> Routes
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("a method that routes can have");
        let guarded = on(filter, handler).route_layer(from_fn_with_state(needs, gate::admit));
        self.put(needs, method, path, guarded)
    }

    /// A socket, which may bring its key after it is open.
    fn socket<H, T>(self, needs: Needs, path: &str, handler: H) -> Routes
    where
        H: Handler<T, Api>,
        T: 'static,
    {
        let guarded =
            on(MethodFilter::GET, handler).route_layer(from_fn_with_state(needs, gate::admit_socket));
        self.put(needs, GET, path, guarded)
    }

    fn put(mut self, needs: Needs, method: Method, path: &str, guarded: MethodRouter<Api>) -> Routes {
        let path = format!("{}{path}", self.under);
        self.router = self.router.route(&path, guarded);
        self.told.push(Route { method, path, needs });
        self
    }
}
