//! What every request goes through, once: who asks, how many at once, how long, what a panic becomes, and what is said to
//! browsers in every answer.

use std::{any::Any, collections::BTreeSet, net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    Api, REQUESTS_MAX,
    accept::Streaming,
    peer::{Peer, own_user},
    problem::{Answer, Refusal},
    routes::Needs,
    tries::TRIES_MAX,
};
use crate::{
    door::{Admitted, Caller, Denial, Unfit},
    model::{Actor, Code, Fault, Id, Project, Projects, Scope, token},
};

/// An answer that takes longer is a `timeout`; what it asked for may still happen.
pub const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
/// A session or a tool is a name, not a text.
const NAME_BYTES_MAX: usize = 256;

/// Of a path that somebody was refused, as it is told.
const PATH_CHARS_MAX: usize = 200;
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
    let answer = async {
        request.extensions_mut().insert(Arrival { api: api.clone(), correlation });
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

pub async fn no_such_path(mut asked: Parts) -> Answer {
    let_in(Needs::Key, &mut asked).await?;
    let uri = &asked.uri;
    Err(Fault::not_found(format!("no such path: {}", uri.path()))
        .hint("paths begin with /api/v1, as in /api/v1/memories, /api/v1/search, /api/v1/events, /api/v1/status")
        .into())
}

pub async fn no_such_method(mut asked: Parts) -> Answer {
    let_in(Needs::Key, &mut asked).await?;
    let (method, uri) = (&asked.method, &asked.uri);
    Err(Refusal::with_status(
        Fault::invalid(format!("{} does not take {method}", uri.path())).hint("`Allow` says what it takes"),
        StatusCode::METHOD_NOT_ALLOWED,
    ))
}

/// Between the gate and a route: whether who asks may ask this.
pub async fn admit(State(needs): State<Needs>, request: Request, next: Next) -> Answer {
    let (mut asked, body) = request.into_parts();
    let_in(needs, &mut asked).await?;
    Ok(next.run(Request::from_parts(asked, body)).await)
}

/// As [`admit`]; but who opens a socket from outside may say in its first frame whose key it has: a page cannot set
/// headers.
pub async fn admit_socket(State(needs): State<Needs>, request: Request, next: Next) -> Answer {
    let (mut asked, body) = request.into_parts();
    let is_socket = text(&asked.headers, &header::UPGRADE)
        .is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"));
    match asked.extensions.get::<Peer>() {
        Some(Peer::Outside(entrance))
            if is_socket && !entrance.outside.no_auth && bearer(&asked.headers).is_none() =>
        {
            entrance.check(&asked.uri, &asked.headers)?;
            asked.extensions.insert(Later(needs));
        }
        _ => let_in(needs, &mut asked).await?,
    }
    Ok(next.run(Request::from_parts(asked, body)).await)
}

/// Set on a request that nobody was let in with yet, with what its key has to have.
#[derive(Clone, Copy)]
pub struct Later(pub Needs);

/// Lets a request in by a key that came after it.
pub async fn let_in_later(needs: Needs, asked: &mut Parts, key: &str) -> Result<(), Refusal> {
    let_in_by(needs, asked, Some(key)).await
}

/// What every request carries from the gate on.
#[derive(Clone)]
struct Arrival {
    api: Api,
    correlation: Id,
}

/// Who asks.
struct Who {
    name: String,
    granted: Granted,
    projects: Projects,
    /// Ends what is open with the key.
    ended: Option<CancellationToken>,
}

impl Who {
    /// Nobody's key: the socket's own user, or anyone where anyone may.
    fn unkeyed(name: String) -> Who {
        Who { name, granted: Granted::default(), projects: Projects::All, ended: None }
    }
}

/// What a caller may do.
#[derive(Debug, Clone, Default)]
pub enum Granted {
    /// The socket's own user, or anyone where nobody is asked.
    #[default]
    Everything,
    /// Whoever came without a key to what is open to all.
    Nothing,
    Key(Arc<OfKey>),
}

#[derive(Debug)]
pub struct OfKey {
    name: String,
    scopes: BTreeSet<Scope>,
}

impl Granted {
    pub fn has(&self, scope: Scope) -> bool {
        match self {
            Granted::Everything => true,
            Granted::Nothing => false,
            Granted::Key(key) => key.scopes.contains(&scope),
        }
    }

    /// Whose bounds hold.
    pub fn key(&self) -> Option<&str> {
        match self {
            Granted::Everything | Granted::Nothing => None,
            Granted::Key(key) => Some(&key.name),
        }
    }

    /// Whether it is more than what anyone may.
    pub fn is_any(&self) -> bool {
        !matches!(self, Granted::Nothing)
    }
}

/// When what has no end of its own has to end.
#[derive(Debug, Clone)]
pub struct Leave {
    hub: CancellationToken,
    key: Option<CancellationToken>,
}

impl Leave {
    #[cfg(test)]
    pub fn of_hub(hub: CancellationToken) -> Leave {
        Leave { hub, key: None }
    }

    /// Until then; with why, unless it is that the hub closes.
    pub async fn over(&self) -> Option<Fault> {
        tokio::select! {
            () = self.hub.cancelled() => None,
            () = self.key_over() => Some(
                Fault::new(Code::Denied, "the key that this was asked with opens nothing any more")
                    .hint("it was revoked, or has expired"),
            ),
        }
    }

    pub async fn key_over(&self) {
        match &self.key {
            Some(key) => key.cancelled().await,
            None => std::future::pending().await,
        }
    }
}

/// Lets a request in, with its caller and what goes with that, or says why not.
async fn let_in(needs: Needs, asked: &mut Parts) -> Result<(), Refusal> {
    let given = bearer(&asked.headers).map(str::to_owned);
    let_in_by(needs, asked, given.as_deref()).await
}

async fn let_in_by(needs: Needs, asked: &mut Parts, given: Option<&str>) -> Result<(), Refusal> {
    let extensions = &asked.extensions;
    let (Some(arrival), Some(peer)) = (extensions.get::<Arrival>(), extensions.get::<Peer>()) else {
        return Err(Fault::bug("a request that came past the gate").into());
    };
    let Arrival { api, correlation } = arrival.clone();
    let headers = &asked.headers;
    let who = match peer {
        Peer::User(user) => {
            user.check()?;
            Who::unkeyed(format!("user:{}", own_user()))
        }
        Peer::Outside(entrance) => {
            entrance.check(&asked.uri, headers)?;
            if entrance.outside.no_auth {
                Who::unkeyed(ANYONE.to_owned())
            } else if needs == Needs::Nothing || needs == Needs::Open && given.is_none() {
                Who { granted: Granted::Nothing, ..Who::unkeyed(ANYONE.to_owned()) }
            } else {
                by_key(&api, entrance.from.ip(), asked, given, correlation, needs).await?
            }
        }
    };
    let (session, tool) = (name(headers, &SESSION)?, name(headers, &TOOL)?);
    let actor = match &tool {
        Some(tool) => format!("{}/{}", who.name, token(tool)),
        None => who.name,
    };
    let projects = match text(headers, &PROJECTS) {
        Some("") => Projects::Only(Vec::new()),
        Some(list) => who.projects.narrowed(Projects::Only(list.split(',').map(Project::slug).collect())),
        None => who.projects,
    };
    let leave = Leave { hub: api.token.clone(), key: who.ended };
    let extensions = &mut asked.extensions;
    extensions.insert(Caller { actor: Actor(actor), correlation, session, tool, projects });
    extensions.insert(who.granted);
    extensions.insert(leave);
    Ok(())
}

async fn by_key(
    api: &Api,
    from: IpAddr,
    asked: &Parts,
    given: Option<&str>,
    correlation: Id,
    needs: Needs,
) -> Result<Who, Refusal> {
    let unfit = match (given, &api.admission) {
        (Some(secret), Some(admission)) => match admission.admit(secret).await {
            Ok(admitted) => match lacking(needs, &admitted.scopes) {
                None => {
                    let Admitted { name, scopes, projects, ended } = admitted;
                    if let Some(connection) = asked.extensions.get::<Streaming>() {
                        api.seats.take(connection.seat(), &name)?;
                    }
                    let granted = Granted::Key(Arc::new(OfKey { name: name.clone(), scopes }));
                    return Ok(Who { name: format!("key:{name}"), granted, projects, ended: Some(ended) });
                }
                Some(scope) => Why::Scope { scope, name: admitted.name },
            },
            Err(Unfit::Unsure(fault)) => return Err(fault.into()),
            Err(unfit) => Why::Key(unfit),
        },
        (None, _) | (_, None) => Why::None,
    };
    let verdict = api.tries.count(from, matches!(unfit, Why::Key(_)), Instant::now());
    if let (Some(untold), Some(admission)) = (verdict.tell, &api.admission) {
        let (why, name) = unfit.words();
        let name = name.map(str::to_owned);
        let actor = Actor(name.as_ref().map_or_else(|| ANYONE.to_owned(), |name| format!("key:{name}")));
        let caller = Caller { actor, correlation, session: None, tool: None, projects: Projects::All };
        let (method, path) = (asked.method.to_string(), short(asked.uri.path()));
        admission.denied(&caller, Denial { address: from, why, name, method, path, untold });
    }
    Err(if verdict.too_many { too_many() } else { unfit.refusal() })
}

/// Why a request from outside is not let in.
enum Why {
    None,
    Key(Unfit),
    Scope { scope: Scope, name: String },
}

impl Why {
    /// For the audit: the reason, and whose key it was.
    fn words(&self) -> (&'static str, Option<&str>) {
        match self {
            Why::None => ("no key", None),
            Why::Key(Unfit::Expired { name }) => ("expired", Some(name)),
            Why::Key(Unfit::Revoked { name }) => ("revoked", Some(name)),
            Why::Key(Unfit::Unknown | Unfit::Unsure(_)) => ("unknown key", None),
            Why::Scope { name, .. } => ("scope", Some(name)),
        }
    }

    fn refusal(self) -> Refusal {
        let fault = |message: String| Fault::new(Code::Denied, message);
        let unknown = |fault| Refusal::with_status(fault, StatusCode::UNAUTHORIZED);
        match self {
            Why::None => unknown(fault("this needs a key".to_owned()).hint(
                "`wheelhouse key create NAME --scopes memories:read` makes one; send it as `Authorization: Bearer KEY`",
            )),
            Why::Key(Unfit::Expired { .. }) => {
                unknown(fault("this key has expired".to_owned()).hint("`wheelhouse key create` makes another"))
            }
            Why::Key(Unfit::Revoked { .. }) => unknown(fault("this key was revoked".to_owned())),
            Why::Key(Unfit::Unknown | Unfit::Unsure(_)) => unknown(
                fault("this key opens nothing here".to_owned())
                    .hint("is it whole, and of this hub? `wheelhouse key ls` names those that there are"),
            ),
            Why::Scope { scope, .. } => fault(format!("this key may not do that: it lacks {scope}"))
                .hint("`wheelhouse key create NAME --scopes …` makes one that may")
                .into(),
        }
    }
}

fn too_many() -> Refusal {
    Fault::new(Code::Busy, "too many keys were tried from there")
        .hint(format!("{TRIES_MAX} a minute are looked at; one that holds is let in all the same"))
        .into()
}

/// The first scope that is wanted and not there.
fn lacking(needs: Needs, scopes: &BTreeSet<Scope>) -> Option<Scope> {
    match needs {
        Needs::Nothing | Needs::Open | Needs::Key => None,
        Needs::All(all) => all.iter().copied().find(|scope| !scopes.contains(scope)),
    }
}

/// The key of a request; never from its address, which others write down.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Of a path that anyone may have made up.
fn short(path: &str) -> String {
    path.chars().take(PATH_CHARS_MAX).collect()
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
