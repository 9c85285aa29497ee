//! What every request goes through, once: who asks, how many at once, how long, what a panic becomes, and what is said to
//! browsers in every answer.

use std::{any::Any, panic::AssertUnwindSafe, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use tracing::Instrument;

use super::{
    Api, REQUESTS_MAX,
    peer::{Peer, own_user},
    problem::{Answer, Refusal},
};
use crate::{
    door::Caller,
    model::{Actor, Code, Fault, Id, Project, Projects, token},
};

/// An answer that takes longer is a `timeout`; what it asked for may still happen.
pub const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
/// A session or a tool is a name, not a text.
const NAME_BYTES_MAX: usize = 256;

/// Who asks where nobody is asked who it is.
const ANYONE: &str = "anyone";

const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
const SESSION: HeaderName = HeaderName::from_static("x-wheelhouse-session");
const TOOL: HeaderName = HeaderName::from_static("x-wheelhouse-tool");
/// Narrows what a request sees, for a face that acts for someone who may see less; it never widens.
const PROJECTS: HeaderName = HeaderName::from_static("x-wheelhouse-projects");

/// Nothing here is a page: a browser shows, frames, guesses and keeps nothing of it.
const FOR_BROWSERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

pub async fn gate(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let correlation = text(request.headers(), &CORRELATION)
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| api.clock.id());
    let caller = caller(&request, correlation);
    let answer = async {
        request.extensions_mut().insert(caller?);
        let _permit = api.requests.try_acquire().map_err(|_| {
            Fault::new(Code::Busy, format!("{REQUESTS_MAX} requests are being answered"))
                .hint("ask again in a moment")
        })?;
        AssertUnwindSafe(next.run(request)).catch_unwind().await.map_err(|panic| bug(&*panic).into())
    };
    // So that what is logged on the way can be joined with the events that it caused.
    let answer = answer.instrument(tracing::info_span!("request", %correlation));
    let mut response = answer.await.unwrap_or_else(|refusal: Refusal| refusal.into_response());
    let id = HeaderValue::try_from(correlation.to_string()).expect("an id is ASCII");
    let headers = response.headers_mut();
    headers.insert(CORRELATION, id);
    for (name, value) in FOR_BROWSERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// What a panic in a route, or in what it asked, is for the client.
pub fn bug(panic: &(dyn Any + Send)) -> Fault {
    let said = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = said, "a request ended in a panic");
    Fault::bug("the hub made a mistake").cause(said).hint("its log says where; the hub goes on")
}

pub async fn in_time(request: Request, next: Next) -> Answer {
    tokio::time::timeout(REQUEST_PATIENCE, next.run(request)).await.map_err(|_| {
        Fault::new(Code::Timeout, format!("no answer within {} s", REQUEST_PATIENCE.as_secs()))
            .hint("a write may still happen: look before asking again, or send an Idempotency-Key")
            .into()
    })
}

pub async fn no_such_path(uri: Uri) -> Answer {
    Err(Fault::not_found(format!("no such path: {}", uri.path()))
        .hint("paths begin with /api/v1, as in /api/v1/memories, /api/v1/search, /api/v1/events, /api/v1/status")
        .into())
}

pub async fn no_such_method(method: Method, uri: Uri) -> Answer {
    Err(Refusal::with_status(
        Fault::invalid(format!("{} does not take {method}", uri.path())).hint("`Allow` says what it takes"),
        StatusCode::METHOD_NOT_ALLOWED,
    ))
}

fn caller(request: &Request, correlation: Id) -> Result<Caller, Refusal> {
    let peer = request.extensions().get::<Peer>().ok_or_else(|| Fault::bug("a request without a peer"))?;
    let headers = request.headers();
    let who = match peer {
        Peer::User(user) => {
            user.check()?;
            format!("user:{}", own_user())
        }
        Peer::Outside(entrance) => {
            entrance.check(request.uri(), headers)?;
            if !entrance.outside.no_auth {
                return Err(no_key());
            }
            ANYONE.to_owned()
        }
    };
    let (session, tool) = (name(headers, &SESSION)?, name(headers, &TOOL)?);
    let actor = match &tool {
        Some(tool) => format!("{who}/{}", token(tool)),
        None => who,
    };
    let projects = match text(headers, &PROJECTS) {
        Some("") => Projects::Only(Vec::new()),
        Some(list) => Projects::Only(list.split(',').map(Project::slug).collect()),
        None => Projects::All,
    };
    Ok(Caller { actor: Actor(actor), correlation, session, tool, projects })
}

fn no_key() -> Refusal {
    let fault = Fault::new(Code::Denied, "this needs a key")
        .hint("`wheelhouse key create NAME --scopes memories:read` makes one; send it as `Authorization: Bearer KEY`");
    Refusal::with_status(fault, StatusCode::UNAUTHORIZED)
}

fn text<'a>(headers: &'a HeaderMap, header: &HeaderName) -> Option<&'a str> {
    std::str::from_utf8(headers.get(header)?.as_bytes()).ok()
}

fn name(headers: &HeaderMap, header: &HeaderName) -> Result<Option<String>, Fault> {
    let Some(value) = headers.get(header) else { return Ok(None) };
    let name = std::str::from_utf8(value.as_bytes()).ok().map(str::trim);
    match name {
        Some(name) if (1..=NAME_BYTES_MAX).contains(&name.len()) => Ok(Some(name.to_owned())),
        _ => Err(Fault::invalid(format!("{header} is no name"))
            .hint(format!("a name has 1 to {NAME_BYTES_MAX} bytes of UTF-8"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::{
        Router,
        body::{Body, to_bytes},
        middleware::{from_fn, from_fn_with_state},
        routing,
    };
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use serde_json::Value;
    use tokio::sync::Semaphore;

    use super::{
        super::{peer::User, router, testing::nowhere},
        *,
    };
    fn own() -> Peer {
        Peer::User(User::new(rustix::process::geteuid().as_raw()))
    }

    /// The status and the problem's code of an answer.
    async fn ask(router: Router, peer: Peer, path: &str) -> (u16, Value) {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        request.extensions_mut().insert(peer);
        let response = TowerToHyperService::new(router).call(request).await.unwrap();
        assert!(response.headers().contains_key(&CORRELATION));
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        (status, problem["code"].clone())
    }

    fn with_routes(api: &Api) -> Router {
        Router::new()
            .route("/panics", routing::get(async || -> &'static str { panic!("over") }))
            .route("/hangs", routing::get(std::future::pending::<()>))
            .layer(from_fn(in_time))
            .layer(from_fn_with_state(api.clone(), gate))
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_and_a_hang_have_answers() {
        let api = nowhere();
        assert_eq!(ask(with_routes(&api), own(), "/panics").await, (500, "bug".into()));
        assert_eq!(ask(with_routes(&api), own(), "/hangs").await, (504, "timeout".into()));
    }

    #[tokio::test]
    async fn one_too_many_is_busy_and_another_user_denied() {
        let api = Api { requests: Arc::new(Semaphore::new(0)), ..nowhere() };
        assert_eq!(ask(router(api), own(), "/api/v1/status").await, (429, "busy".into()));
        let other = Peer::User(User::new(rustix::process::geteuid().as_raw() + 1));
        assert_eq!(ask(router(nowhere()), other, "/api/v1/status").await, (403, "denied".into()));
    }

    #[tokio::test]
    async fn a_fault_of_the_door_is_the_answer() {
        assert_eq!(ask(router(nowhere()), own(), "/api/v1/status").await, (503, "unavailable".into()));
        assert_eq!(ask(router(nowhere()), own(), "/api/v1/events").await, (503, "unavailable".into()));
        assert_eq!(ask(router(nowhere()), own(), "/livez").await, (200, Value::Null));
    }
}
