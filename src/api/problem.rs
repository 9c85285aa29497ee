//! Faults as `application/problem+json`.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::model::{Code, Fault};

/// A fault on its way out of a route.
#[derive(Debug)]
pub struct Refusal {
    fault: Fault,
    /// Where HTTP has a word of its own that the code has not.
    status: Option<StatusCode>,
    /// When asking again makes sense, where that is known.
    after: Option<Duration>,
}

/// What every route answers.
pub type Answer = Result<Response, Refusal>;

#[derive(Debug, Serialize)]
pub struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    #[serde(flatten)]
    fault: &'a Fault,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal { fault, status: None, after: None }
    }
}

impl Refusal {
    pub fn with_status(fault: Fault, status: StatusCode) -> Refusal {
        Refusal { fault, status: Some(status), after: None }
    }

    pub fn after(fault: Fault, after: Duration) -> Refusal {
        Refusal { fault, status: None, after: Some(after) }
    }

    pub fn into_fault(self) -> Fault {
        self.fault
    }
}

impl<'a> Problem<'a> {
    pub fn new(fault: &'a Fault) -> Problem<'a> {
        Problem {
            kind: format!("urn:wheelhouse:fault:{}", fault.code),
            title: title(fault.code),
            status: fault.code.http_status(),
            fault,
        }
    }
}

fn title(code: Code) -> &'static str {
    match code {
        Code::Invalid => "The request is wrong",
        Code::NotFound => "Not found",
        Code::Conflict => "It changed meanwhile",
        Code::Denied => "Not allowed",
        Code::Busy => "Too much at once",
        Code::Unavailable => "Not there now",
        Code::Timeout => "Not in time",
        Code::Full => "The disk is full",
        Code::Damaged => "Damage on disk",
        Code::Unsupported => "Not supported",
        Code::Bug => "A mistake in the hub",
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut problem = Problem::new(&self.fault);
        let status = self
            .status
            .or_else(|| StatusCode::from_u16(problem.status).ok())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        problem.status = status.as_u16();
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        if matches!(self.fault.code, Code::Busy | Code::Unavailable) {
            // Whole seconds, and never too soon.
            let seconds = self.after.map_or(1, |after| (after.as_millis() as u64).div_ceil(1_000).max(1));
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_says_what_the_fault_says() {
        let fault = Fault::not_found("no memory x").cause("c").hint("h");
        assert_eq!(
            serde_json::to_value(Problem::new(&fault)).unwrap(),
            json!({
                "type": "urn:wheelhouse:fault:not_found", "title": "Not found", "status": 404,
                "code": "not_found", "message": "no memory x", "cause": "c", "hint": "h",
            })
        );
    }
}
