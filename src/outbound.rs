//! Calls to others over HTTP: each host behind a circuit breaker of its own, each call within its time.
//!
//! Nothing goes out unless somebody wrote a job that does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use reqwest::{Client, ClientBuilder, Method, Url, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::{
    breaker::{Outcome, Shared, State, Turn},
    door::{BreakerStatus, BreakerWord},
    model::{Code, Fault, Time},
    tasks::Clock,
};

/// A call takes no longer, whatever its caller allows.
pub const TIMEOUT: Duration = Duration::from_secs(30);
/// So much of an answer is read.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;
const REDIRECTS_MAX: usize = 5;
/// Hosts with a breaker that is kept; of more, those that are closed go.
const HOSTS_MAX: usize = 256;

#[derive(Debug, Clone, Default)]
pub struct Call {
    pub url: String,
    pub method: String,
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    /// The beginning of it.
    pub body: String,
    pub cut: bool,
}

struct Guard {
    breaker: Shared,
    /// In its state since.
    since: Arc<Mutex<Time>>,
}

/// Hears of every turn of a breaker, with its host.
type Told = dyn Fn(&str, Turn) + Send + Sync;

pub struct Outbound {
    /// Made with the first call: reading the machine's certificates takes its time.
    client: OnceLock<Result<Client, Fault>>,
    clock: Clock,
    hosts: Mutex<BTreeMap<String, Guard>>,
    told: Arc<Told>,
}

impl Outbound {
    /// `told` hears of every turn of a breaker, with its host; it must not wait.
    pub fn new(clock: Clock, told: impl Fn(&str, Turn) + Send + Sync + 'static) -> Outbound {
        Outbound { client: OnceLock::new(), clock, hosts: Mutex::default(), told: Arc::new(told) }
    }

    fn client(&self) -> Result<Client, Fault> {
        self.client.get_or_init(client).clone()
    }

    /// One call. What came back is an answer, whatever its status; [`fault_of`] says what a status means.
    pub async fn call(&self, call: &Call) -> Result<Answered, Fault> {
        let url: Url = call
            .url
            .parse()
            .map_err(|error| Fault::invalid(format!("{} is no URL", call.url)).cause(error))?;
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => return Err(Fault::invalid(format!("{} names no host", call.url))),
        };
        let permit = self.breaker(&host).ask().map_err(|refused| {
            let seconds = refused.retry_in.as_secs() + 1;
            Fault::unavailable(format!("{host} is left alone for {seconds} s: too many calls to it failed"))
        })?;
        let answer = self.send(call, url).await;
        permit.end(match &answer {
            Ok(answered) => fault_of(answered.status).map_or(Outcome::Answered, Outcome::Fault),
            Err(fault) => Outcome::Fault(fault.code),
        });
        answer
    }

    async fn send(&self, call: &Call, url: Url) -> Result<Answered, Fault> {
        let method: Method = call
            .method
            .parse()
            .map_err(|error| Fault::invalid(format!("{} is no method", call.method)).cause(error))?;
        let mut request = self.client()?.request(method, url);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(|error| failed(&error))?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while body.len() <= ANSWER_BYTES_MAX
            && let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))?
        {
            body.extend_from_slice(&chunk);
        }
        let cut = body.len() > ANSWER_BYTES_MAX;
        body.truncate(ANSWER_BYTES_MAX);
        Ok(Answered { status, body: String::from_utf8_lossy(&body).into_owned(), cut })
    }

    /// How the breakers stand, by host.
    pub fn breakers(&self) -> Vec<BreakerStatus> {
        let passed = self.clock.passed();
        let now = self.clock.now();
        let status = |(host, guard): (&String, &Guard)| {
            let (state, failures, probe_in) = guard.breaker.look(passed);
            BreakerStatus {
                name: format!("http {host}"),
                state: match state {
                    State::Closed => BreakerWord::Closed,
                    State::Open => BreakerWord::Open,
                    State::HalfOpen => BreakerWord::HalfOpen,
                },
                since: *sound(&guard.since),
                failures: failures as u32,
                probe_at: probe_in.map(|wait| now.plus(wait)),
            }
        };
        sound(&self.hosts).iter().map(status).collect()
    }

    fn breaker(&self, host: &str) -> Shared {
        let mut hosts = sound(&self.hosts);
        if let Some(guard) = hosts.get(host) {
            return guard.breaker.clone();
        }
        if hosts.len() >= HOSTS_MAX {
            hosts.retain(|_, guard| guard.breaker.state() != State::Closed);
        }
        let since = Arc::new(Mutex::new(self.clock.now()));
        let (told, clock, turned, name) =
            (self.told.clone(), self.clock.clone(), since.clone(), host.to_owned());
        let passing = self.clock.clone();
        let breaker = Shared::new(
            move || passing.passed(),
            move |turn| {
                *sound(&turned) = clock.now();
                told(&name, turn);
            },
        );
        hosts.insert(host.to_owned(), Guard { breaker: breaker.clone(), since });
        breaker
    }
}

/// With the certificates of this machine; where it has none, no server proves who it is.
fn client() -> Result<Client, Fault> {
    let builder = || {
        trusting_this_machine(Client::builder())
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::limited(REDIRECTS_MAX))
            .user_agent(concat!("wheelhouse/", env!("CARGO_PKG_VERSION")))
    };
    builder().build().or_else(|error| {
        tracing::warn!(error = words(&error), "the certificates of this machine cannot be used");
        trusting_nobody(builder())
            .build()
            .map_err(|error| Fault::bug("calls to others cannot be made").cause(words(&error)))
    })
}

/// For calls with TLS: by the certificates of this machine.
pub fn trusting_this_machine(builder: ClientBuilder) -> ClientBuilder {
    // Another part may have named one before: the same.
    drop(ring::default_provider().install_default());
    builder
}

/// For calls without TLS: no certificate is read, and none accepted.
pub fn trusting_nobody(builder: ClientBuilder) -> ClientBuilder {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has the default versions");
    let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    builder.tls_backend_preconfigured(config)
}

/// What a status means to who asked: none for one that is a success.
pub fn fault_of(status: u16) -> Option<Code> {
    match status {
        200..=299 => None,
        401 | 403 => Some(Code::Denied),
        404 | 410 => Some(Code::NotFound),
        408 => Some(Code::Timeout),
        429 | 500..=599 => Some(Code::Unavailable),
        _ => Some(Code::Invalid),
    }
}

fn failed(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::new(Code::Timeout, format!("no answer within {} s", TIMEOUT.as_secs()));
    }
    if error.is_builder() || error.is_redirect() {
        return Fault::invalid("the call cannot be made").cause(words(error));
    }
    Fault::unavailable("the call failed").cause(words(error))
}

/// The error and all that lies under it: what failed stands at the end.
fn words(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn sound<T>(locked: &Mutex<T>) -> MutexGuard<'_, T> {
    locked.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_status_is_tried_again() {
        let transient = |status: u16| fault_of(status).map(Code::is_transient);
        for status in [429, 500, 502, 503, 504, 408] {
            assert_eq!(transient(status), Some(true), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 409, 422] {
            assert_eq!(transient(status), Some(false), "{status}");
        }
        assert_eq!(transient(204), None);
        assert_eq!(fault_of(401), Some(Code::Denied));
        assert_eq!(fault_of(404), Some(Code::NotFound));
    }
}
