//! What all writes of records have in common over HTTP: keys for retries, revisions as tags, where a new one is.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::model::Fault;

const IDEMPOTENCY: &str = "idempotency-key";

/// The key of a retry: from the header, or as the body has it.
pub fn idempotency_key(headers: &HeaderMap, given: Option<String>) -> Result<Option<String>, Fault> {
    let Some(key) = headers.get(IDEMPOTENCY) else { return Ok(given) };
    let key = key.to_str().map_err(|error| Fault::invalid("the Idempotency-Key is no text").cause(error))?;
    if given.is_some_and(|other| other != key) {
        return Err(
            Fault::invalid("the Idempotency-Key and `idempotency_key` differ").hint("one of them is enough")
        );
    }
    Ok(Some(key.to_owned()))
}

/// The revision the caller means to change: from the address, or from `If-Match` as an `ETag` gave it.
pub fn revision(headers: &HeaderMap, named: Option<u32>) -> Result<Option<u32>, Fault> {
    let Some(header) = headers.get(header::IF_MATCH) else { return Ok(named) };
    let text = header.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(named);
    }
    let revision = text.trim_matches('"').parse().map_err(|_| {
        Fault::invalid(format!("If-Match cannot be {text:?}")).hint("send the `ETag` of the answer you read")
    })?;
    match named {
        Some(named) if named != revision => {
            Err(Fault::invalid("If-Match and `revision` differ").hint("one of them is enough"))
        }
        _ => Ok(Some(revision)),
    }
}

/// On disk but not yet shown is a success of its own: asking again would do it twice.
pub fn applied(status: StatusCode, applied: bool) -> StatusCode {
    if applied { status } else { StatusCode::ACCEPTED }
}

/// A write that is on disk; `path` is where a new record is.
pub fn saved(
    status: StatusCode,
    is_applied: bool,
    revision: u32,
    path: &str,
    body: impl IntoResponse,
) -> Response {
    let status = applied(status, is_applied);
    let mut response = with_etag(revision, (status, body).into_response());
    if status == StatusCode::CREATED {
        let place = HeaderValue::try_from(format!("/api/v1/{path}")).expect("an id is ASCII");
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

pub fn with_etag(revision: u32, mut response: Response) -> Response {
    let tag = HeaderValue::try_from(format!("\"{revision}\"")).expect("a number is ASCII");
    response.headers_mut().insert(header::ETAG, tag);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_disk_but_not_shown_is_a_success_of_its_own() {
        assert_eq!(applied(StatusCode::CREATED, true), StatusCode::CREATED);
        assert_eq!(applied(StatusCode::CREATED, false), StatusCode::ACCEPTED);
    }

    #[test]
    fn a_precondition_has_two_names() {
        let with = |tag: &str| HeaderMap::from_iter([(header::IF_MATCH, tag.parse().unwrap())]);
        assert_eq!(revision(&HeaderMap::new(), None), Ok(None));
        assert_eq!(revision(&HeaderMap::new(), Some(2)), Ok(Some(2)));
        assert_eq!(revision(&with("\"3\""), None), Ok(Some(3)));
        assert_eq!(revision(&with("*"), None), Ok(None));
        assert!(revision(&with("\"3\""), Some(2)).is_err());
        assert!(revision(&with("\"x\""), None).is_err());
    }
}
