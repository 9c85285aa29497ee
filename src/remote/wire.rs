//! One request over the socket, its answer, and what can go wrong on the way as a [`Fault`].

use std::{error::Error, path::Path, sync::Arc, time::Duration};

use reqwest::{Client, Method, RequestBuilder, Response, header::HeaderValue};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::ask::Ask;
use crate::{
    door::Caller,
    model::{Code, Fault, Projects},
    outbound::trusting_nobody,
};

/// A hub answers within 5 s or says `timeout` itself; longer silence means that it hangs.
const PATIENCE: Duration = Duration::from_secs(8);
/// A socket's queue of connections is full for this long only when its hub hangs.
const CONNECT_PATIENCE: Duration = Duration::from_secs(4);
/// More bytes than this of a refusal are not read.
const REFUSAL_BYTES_MAX: usize = 256 << 10;

const NOT_THERE: &str = "no hub answers at ";
const WENT_AWAY: &str = "the hub went away: ";

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

/// The host in the address is not looked at: the socket decides where it goes.
const BASE: &str = "http://hub/api/v1";

#[derive(Debug, Clone)]
pub struct Wire {
    client: Client,
    socket: Arc<Path>,
}

/// A request on its way to be sent.
pub struct Request<'a> {
    wire: &'a Wire,
    builder: Result<RequestBuilder, Fault>,
    patience: Option<Duration>,
}

impl Wire {
    pub fn new(socket: &Path) -> Result<Wire, Fault> {
        let client = trusting_nobody(Client::builder())
            .unix_socket(socket)
            .no_proxy()
            .connect_timeout(CONNECT_PATIENCE)
            .build()
            .map_err(|error| Fault::bug("no client for the hub's socket").cause(causes(&error)))?;
        Ok(Wire { client, socket: socket.into() })
    }

    pub fn ask(&self, caller: Option<&Caller>, method: Method, path: &str, ask: &Ask) -> Request<'_> {
        let builder = self.client.request(method, format!("{BASE}{path}")).query(&ask.0);
        let builder = match caller {
            Some(caller) => as_caller(builder, caller),
            None => Ok(builder),
        };
        Request { wire: self, builder, patience: Some(PATIENCE) }
    }

    /// What an error of the connection means to who asked.
    pub fn fault(&self, error: &reqwest::Error) -> Fault {
        if error.is_timeout() {
            return Fault::new(Code::Timeout, "the hub did not answer in its time")
                .cause(causes(error))
                .hint("`wheelhouse status` shows whether it does now");
        }
        let socket = self.socket.display();
        let message = if error.is_connect() {
            format!("{NOT_THERE}{socket}")
        } else {
            format!("{WENT_AWAY}its answer through {socket} is not complete")
        };
        lost(message).cause(causes(error))
    }

    /// The end of a stream that should have none.
    pub fn ended(&self) -> Fault {
        lost(format!("{WENT_AWAY}the stream through {} ended", self.socket.display()))
    }
}

fn lost(message: String) -> Fault {
    Fault::unavailable(message).hint("asking again starts a hub or finds who took over")
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
        self.patience = None;
        self
    }

    /// The answer's head, when it is not a refusal.
    pub async fn response(self) -> Result<Response, Fault> {
        let mut builder = self.builder?;
        if let Some(patience) = self.patience {
            builder = builder.timeout(patience);
        }
        let response = builder.send().await.map_err(|error| self.wire.fault(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.wire.refusal(response).await) }
    }

    pub async fn answer<A: DeserializeOwned>(self) -> Result<A, Fault> {
        let wire = self.wire;
        let response = self.response().await?;
        let bytes = response.bytes().await.map_err(|error| wire.fault(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| not_understood(&error))
    }

    pub async fn done(self) -> Result<(), Fault> {
        let wire = self.wire;
        let response = self.response().await?;
        response.bytes().await.map(drop).map_err(|error| wire.fault(&error))
    }
}

/// A hub of another version answers in a way this program cannot read.
pub fn not_understood(error: &impl std::fmt::Display) -> Fault {
    Fault::new(Code::Unsupported, "the hub's answer is not understood")
        .cause(error)
        .hint("is the hub of another version? `wheelhouse status` shows it; restart it with this one")
}

impl Wire {
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
        let wire = Wire::new(Path::new("/nowhere/hub.sock")).unwrap();
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
