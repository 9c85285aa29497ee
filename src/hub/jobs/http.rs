//! The kind `http`: a request, whose answer is the log of its run; what is not 2xx is a fault.

use std::{collections::BTreeMap, sync::Arc};

use super::attempt::Attempt;
use crate::{
    door::LogStream,
    model::Fault,
    outbound::{Call, fault_of},
};

/// Of an answer, so many lines go into the log.
const LINES_MAX: usize = 50;

pub async fn run(
    attempt: &Arc<Attempt>,
    url: &str,
    method: &str,
    headers: &BTreeMap<String, String>,
    body: Option<&str>,
) -> Result<(), Fault> {
    let call = Call {
        url: url.to_owned(),
        method: method.to_owned(),
        headers: headers.clone(),
        body: body.map(str::to_owned),
    };
    attempt.note(&format!("{method} {url}"));
    let answered = attempt.hub.jobs.outbound.call(&call).await?;
    attempt.note(&format!("status {}", answered.status));
    for line in answered.body.lines().take(LINES_MAX) {
        attempt.say(LogStream::Out, line);
    }
    let more = answered.body.lines().count().saturating_sub(LINES_MAX);
    if more > 0 || answered.cut {
        attempt.note(&format!("{more}{} more lines", if answered.cut { "+" } else { "" }));
    }
    match fault_of(answered.status) {
        Some(code) => Err(Fault::new(code, format!("{method} {url} was answered with {}", answered.status))),
        None => Ok(()),
    }
}
