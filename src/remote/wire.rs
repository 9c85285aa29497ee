//! One request, its answer, and what can go wrong on the way as a [`Fault`].

use std::{error::Error, sync::Arc, time::Duration};

use reqwest::{
    Client, ClientBuilder, Method, RequestBuilder, Response, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{address::Address, ask::Ask};
use crate::{
    door::Caller,
    model::{Code, Fault, Projects},
    outbound::{trusting_nobody, trusting_this_machine},
};

/// A socket's queue of connections is full for this long only when its hub hangs.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4);
/// More bytes than this of a refusal are not read.
const REFUSAL_BYTES_MAX: usize = 256 << 10;

const NOT_THERE: &str = "no hub answers at ";
const WENT_AWAY: &str = "the hub went away: ";

/// How long a hub may take; a test waits less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// A hub answers within 5 s or says `timeout` itself; longer silence means that it hangs.
    pub answer: Duration,
    /// Between two signs of life in a stream: three heartbeats missed.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { answer: Duration::from_secs(8), silence: Duration::from_secs(45) }
    }
}

/// How a hub was not there to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// Before the request was sent: asking again asks once.
    NotAsked,
    /// After: what was asked for may have happened.
    Unknown,
}

/// Whether this fault is of the way to a hub, and not one that a hub answered with.
pub fn gone(fault: &Fault) -> Option<Gone> {
    if fault.message.starts_with(NOT_THERE) {
        Some(Gone::NotAsked)
    } else {
        fault.message.starts_with(WENT_AWAY).then_some(Gone::Unknown)
    }
}

#[derive(Debug, Clone)]
pub struct Wire {
    client: Client,
    address: Arc<Address>,
    base: Arc<str>,
    pub patience: Patience,
}

/// What of an answer has to be there in its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InTime {
    All,
    Head,
    Nothing,
}

/// A request on its way to be sent.
pub struct Request<'a> {
    wire: &'a Wire,
    builder: Result<RequestBuilder, Fault>,
    in_time: InTime,
}

impl Wire {
    pub fn new(address: Address) -> Result<Wire, Fault> {
        let builder = Client::builder().no_proxy().connect_timeout(CONNECT_PATIENCE);
        let builder = match &address {
            Address::Socket(path) => trusting_nobody(builder).unix_socket(path.as_path()),
            // What a hub never does is not followed either: the key would go along.
            Address::Http { base, key } => with_tls_where_asked(builder, base)
                .redirect(reqwest::redirect::Policy::none())
                .default_headers(key.as_ref().map(authorization).transpose()?.unwrap_or_default()),
        };
        let client = builder
            .build()
            .map_err(|error| Fault::bug("no client for the hub's address").cause(causes(&error)))?;
        let patience = Patience::default();
        Ok(Wire { client, base: address.base().into(), address: Arc::new(address), patience })
    }

    pub fn ask(&self, caller: Option<&Caller>, method: Method, path: &str, ask: &Ask) -> Request<'_> {
        let builder = self.client.request(method, format!("{}{path}", self.base)).query(&ask.0);
        let builder = match caller {
            Some(caller) => as_caller(builder, caller),
            None => Ok(builder),
        };
        Request { wire: self, builder, in_time: InTime::All }
    }

    /// What an error of the connection means to who asked.
    pub fn fault(&self, error: &reqwest::Error) -> Fault {
        if error.is_timeout() {
            return too_late().cause(causes(error));
        }
        let address = &self.address;
        let message = if error.is_connect() {
            format!("{NOT_THERE}{address}")
        } else {
            format!("{WENT_AWAY}its answer through {address} is not complete")
        };
        self.lost(message).cause(causes(error))
    }

    /// The end of a stream that should have none.
    pub fn ended(&self) -> Fault {
        self.lost(format!("{WENT_AWAY}the stream through {} ended", self.address))
    }

    fn lost(&self, message: String) -> Fault {
        Fault::unavailable(message).hint(match &*self.address {
            Address::Socket(_) => "asking again starts a hub or finds who took over",
            Address::Http { .. } => "is it running there, started with --listen, and is the way to it open?",
        })
    }
}

fn with_tls_where_asked(builder: ClientBuilder, base: &str) -> ClientBuilder {
    if base.starts_with("https://") { trusting_this_machine(builder) } else { trusting_nobody(builder) }
}

fn authorization(key: &super::Key) -> Result<HeaderMap, Fault> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", key.text()))
        .map_err(|_| Fault::invalid("the key does not go into a header"))?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
}

impl Request<'_> {
    pub fn body<B: Serialize>(mut self, body: &B) -> Result<Self, Fault> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| Fault::invalid("the request does not go into JSON").cause(error))?;
        self.builder = self.builder.map(|builder| {
            builder
                .header(reqwest::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(bytes)
        });
        Ok(self)
    }

    /// For what may take as long as it takes.
    pub fn without_end(mut self) -> Self {
        self.in_time = InTime::Nothing;
        self
    }

    /// For an answer that begins at once and goes on.
    pub fn streamed(mut self) -> Self {
        self.in_time = InTime::Head;
        self
    }

    /// The answer's head, when it is not a refusal.
    pub async fn response(self) -> Result<Response, Fault> {
        let wire = self.wire;
        wire.unless_refused(self.sent().await?).await
    }

    /// The answer's head, whatever it says.
    async fn sent(self) -> Result<Response, Fault> {
        let (builder, patience) = (self.builder?, self.wire.patience.answer);
        let sent = match self.in_time {
            InTime::All => builder.timeout(patience).send().await,
            InTime::Head => {
                let head = tokio::time::timeout(patience, builder.send()).await;
                head.map_err(|_| too_late().cause(format!("nothing came for {patience:?}")))?
            }
            InTime::Nothing => builder.send().await,
        };
        sent.map_err(|error| self.wire.fault(&error))
    }

    pub async fn answer<A: DeserializeOwned>(self) -> Result<A, Fault> {
        let wire = self.wire;
        let response = self.response().await?;
        let bytes = response.bytes().await.map_err(|error| wire.fault(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| not_understood(&error))
    }

    /// As [`Request::answer`], but of this status too, where what comes is an answer.
    pub async fn answer_even<A: DeserializeOwned>(self, status: StatusCode) -> Result<A, Fault> {
        let wire = self.wire;
        let mut response = self.sent().await?;
        if response.status() != status {
            response = wire.unless_refused(response).await?;
        }
        let bytes = response.bytes().await.map_err(|error| wire.fault(&error))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| problem(&bytes).unwrap_or_else(|| not_understood(&error)))
    }

    pub async fn done(self) -> Result<(), Fault> {
        let wire = self.wire;
        let response = self.response().await?;
        response.bytes().await.map(drop).map_err(|error| wire.fault(&error))
    }
}

fn too_late() -> Fault {
    Fault::new(Code::Timeout, "the hub did not answer in its time")
        .hint("`wheelhouse status` shows whether it does now")
}

/// A hub of another version answers in a way this program cannot read.
pub fn not_understood(error: &impl std::fmt::Display) -> Fault {
    Fault::new(Code::Unsupported, "the hub's answer is not understood")
        .cause(error)
        .hint("is the hub of another version? `wheelhouse status` shows it; restart it with this one")
}

impl Wire {
    async fn unless_refused(&self, response: Response) -> Result<Response, Fault> {
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(response).await) }
    }

    async fn refusal(&self, mut response: Response) -> Fault {
        let status = response.status();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= REFUSAL_BYTES_MAX => body.extend(chunk),
                Ok(Some(_) | None) => break,
                Err(error) => return self.fault(&error),
            }
        }
        problem(&body).unwrap_or_else(|| {
            let code = Code::ALL.into_iter().find(|code| code.http_status() == status.as_u16());
            Fault::new(code.unwrap_or(Code::Unsupported), format!("the hub answered {status}"))
        })
    }
}

/// The fault in a problem+json body.
pub fn problem(body: &[u8]) -> Option<Fault> {
    #[derive(Deserialize)]
    struct Problem {
        code: Code,
        message: String,
        cause: Option<String>,
        hint: Option<String>,
    }
    let Problem { code, message, cause, hint } = serde_json::from_slice(body).ok()?;
    Some(Fault { code, message, cause, hint })
}

fn as_caller(builder: RequestBuilder, caller: &Caller) -> Result<RequestBuilder, Fault> {
    let mut builder = builder.header("x-correlation-id", caller.correlation.to_string());
    let wall = match &caller.projects {
        Projects::All => None,
        Projects::Only(list) => {
            Some(list.iter().map(|project| project.as_str()).collect::<Vec<_>>().join(","))
        }
    };
    for (name, value) in [
        ("x-wheelhouse-session", caller.session.as_ref()),
        ("x-wheelhouse-tool", caller.tool.as_ref()),
        ("x-wheelhouse-projects", wall.as_ref()),
    ] {
        if let Some(value) = value {
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
                Fault::invalid(format!("{value:?} does not go into a header"))
                    .hint("a session and a tool are names without control characters")
            })?;
            builder = builder.header(name, value);
        }
    }
    Ok(builder)
}

/// The error and what lies under it, in one line, each said once.
fn causes(error: &reqwest::Error) -> String {
    let mut words = vec![error.to_string()];
    let mut source = error.source();
    while let Some(under) = source {
        let text = under.to_string();
        if !words.iter().any(|word| word.contains(&text)) {
            words.push(text);
        }
        source = under.source();
    }
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_not_there_was_not_asked() {
        let wire = Wire::new(Address::Socket("/nowhere/hub.sock".into())).unwrap();
        let fault = wire.ask(None, Method::GET, "/status", &Ask::default()).done().await.unwrap_err();
        assert_eq!((fault.code, gone(&fault)), (Code::Unavailable, Some(Gone::NotAsked)));
        assert_eq!(gone(&wire.ended()), Some(Gone::Unknown));
        assert_eq!(gone(&Fault::unavailable("the records are opening")), None);
    }

    #[test]
    fn a_problem_is_the_fault_it_tells_of() {
        let body = br#"{"type":"t","title":"t","status":404,"code":"not_found","message":"m","hint":"h"}"#;
        assert_eq!(problem(body), Some(Fault::not_found("m").hint("h")));
        assert_eq!(problem(b"<html>"), None);
    }
}
