//! Bodies: read whole within a bound, then as the type of the door, with what is wrong in words.

use axum::body::Body;
use futures::StreamExt;
use serde::de::DeserializeOwned;

use crate::{
    door::{BATCH_BYTES_MAX, EVENT_BYTES_MAX},
    model::{
        CONTENT_BYTES_MAX, DECISION_BYTES_MAX, Fault, METADATA_BYTES_MAX,
        job::{ARGUMENT_BYTES_MAX, BODY_BYTES_MAX},
    },
    report::unknown_name,
};

/// JSON may take two bytes for one of a text (quotes, line ends); and the other fields.
const OVERHEAD_BYTES: usize = METADATA_BYTES_MAX * 2 + (128 << 10);
pub const MEMORY_BODY_BYTES_MAX: usize = 2 * CONTENT_BYTES_MAX + OVERHEAD_BYTES;
pub const DECISION_BODY_BYTES_MAX: usize = 2 * DECISION_BYTES_MAX + OVERHEAD_BYTES;
/// A command line or a request with its body, each within its own bound.
pub const JOB_BODY_BYTES_MAX: usize = 2 * (ARGUMENT_BYTES_MAX + BODY_BYTES_MAX) + OVERHEAD_BYTES;
pub const BULK_BODY_BYTES_MAX: usize = 2 * BATCH_BYTES_MAX + (1 << 20);
/// A batch of events, or one at its largest.
pub const PUBLISH_BODY_BYTES_MAX: usize = 1 << 20;
/// What asks and saves nothing.
pub const SMALL_BODY_BYTES_MAX: usize = 64 << 10;
/// Of a body over its bound this much more is taken from the socket and thrown away, so that the client reads why.
const DRAIN_BYTES_MAX: usize = 64 << 20;

const _: () = assert!(EVENT_BYTES_MAX < PUBLISH_BODY_BYTES_MAX && PUBLISH_BODY_BYTES_MAX < DRAIN_BYTES_MAX);
const _: () = assert!(DECISION_BODY_BYTES_MAX < BULK_BODY_BYTES_MAX);
const _: () = assert!(MEMORY_BODY_BYTES_MAX < BULK_BODY_BYTES_MAX && BULK_BODY_BYTES_MAX < DRAIN_BYTES_MAX);

/// The body as a `T`.
pub async fn read<T: DeserializeOwned>(body: Body, max: usize) -> Result<T, Fault> {
    parse(&bytes(body, max).await?)
}

/// What was read already, as a `T`.
pub fn of<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Fault> {
    serde_json::from_value(value).map_err(|error| wrong(&error))
}

/// The body as a `T`; none for an empty one.
pub async fn read_if_any<T: DeserializeOwned>(body: Body, max: usize) -> Result<Option<T>, Fault> {
    let bytes = bytes(body, max).await?;
    if bytes.is_empty() { Ok(None) } else { parse(&bytes).map(Some) }
}

async fn bytes(body: Body, max: usize) -> Result<Vec<u8>, Fault> {
    let mut stream = body.into_data_stream();
    let mut bytes = Vec::new();
    let mut size = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| Fault::invalid("the body did not arrive whole").cause(error))?;
        size += chunk.len();
        if size <= max {
            bytes.extend_from_slice(&chunk);
        } else if size > DRAIN_BYTES_MAX {
            break;
        }
    }
    if size <= max {
        return Ok(bytes);
    }
    Err(Fault::invalid(format!("the body has over {max} bytes, no more are taken")).hint(format!(
        "a memory's content has at most {CONTENT_BYTES_MAX} bytes, a decision {DECISION_BYTES_MAX}, a batch {BATCH_BYTES_MAX}; `wheelhouse import` cuts longer files"
    )))
}

pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| wrong(&error))
}

/// An unknown name becomes the message, what was probably meant the hint.
pub fn wrong(error: &serde_json::Error) -> Fault {
    unknown_name(error)
        .unwrap_or_else(|| Fault::invalid("the body is not the JSON that is expected here").cause(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::NewMemory;

    #[tokio::test]
    async fn a_body_has_its_bound() {
        let read = async |size: usize| bytes(Body::from(vec![b'x'; size]), 100).await;
        assert_eq!(read(100).await.unwrap().len(), 100);
        assert_eq!(read(101).await.unwrap_err().message, "the body has over 100 bytes, no more are taken");
    }

    #[test]
    fn an_unknown_field_is_named() {
        let fault = parse::<NewMemory>(br#"{"content":"c","colour":"red"}"#).unwrap_err();
        assert_eq!(fault.message, "unknown field `colour`");
        let hint = fault.hint.unwrap();
        assert!(hint.starts_with("expected one of ") && hint.contains("`content`"), "{hint}");
        assert!(parse::<NewMemory>(b"{").unwrap_err().cause.unwrap().contains("EOF"));
    }
}
