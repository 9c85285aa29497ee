//! Memories over HTTP: each route one call of the door.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Api, ask,
    body::{self, BULK_BODY_BYTES_MAX, MEMORY_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX},
    params::Params,
    problem::Answer,
};
use crate::{
    door::{Caller, Forgetting, MemoryPatch, NewMemory, Saved, Upsert},
    model::{Fault, Id, Memory},
};

type From = axum::Extension<Caller>;

const IDEMPOTENCY: &str = "idempotency-key";

pub async fn add(
    State(api): State<Api>,
    caller: From,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    params.end()?;
    let new = new_memory(&headers, body).await?;
    Ok(saved(StatusCode::CREATED, api.door.add(&caller, new).await?))
}

/// A page of a list; with `id` given, once or more, exactly those.
pub async fn list(State(api): State<Api>, caller: From, mut params: Params) -> Answer {
    let ids = params.each(&["id", "ids"], |text| text.parse::<Id>().map_err(|fault| fault.message))?;
    if ids.is_empty() {
        let page = api.door.list(&caller, ask::list(params, api.words())?).await?;
        return Ok(Json(page).into_response());
    }
    params.end()?;
    let memories = api.door.get(&caller, &ids).await?;
    Ok(Json(json!({ "memories": memories })).into_response())
}

pub async fn get(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    params.end()?;
    let id = id.parse()?;
    let memory = api.door.get(&caller, &[id]).await?.pop();
    let memory = memory.ok_or_else(|| Fault::not_found(format!("no memory {id}")))?;
    Ok(with_etag(memory.revision, Json(memory).into_response()))
}

pub async fn edit(
    State(api): State<Api>,
    caller: From,
    id: Path<String>,
    mut params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let named = params.parse(&["revision"])?;
    params.end()?;
    let revision = revision(&headers, named)?;
    let patch: MemoryPatch = body::read(body, MEMORY_BODY_BYTES_MAX).await?;
    Ok(saved(StatusCode::OK, api.door.edit(&caller, id.parse()?, patch, revision).await?))
}

pub async fn forget(State(api): State<Api>, caller: From, id: Path<String>, mut params: Params) -> Answer {
    let how = if params.parse(&["now"])?.unwrap_or(false) { Forgetting::Erase } else { Forgetting::Hide };
    params.end()?;
    let forgotten = api.door.forget(&caller, id.parse()?, how).await?;
    Ok((applied(StatusCode::OK, forgotten.applied), Json(forgotten)).into_response())
}

pub async fn restore(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    params.end()?;
    Ok(saved(StatusCode::OK, api.door.restore(&caller, id.parse()?).await?))
}

pub async fn supersede(
    State(api): State<Api>,
    caller: From,
    id: Path<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    params.end()?;
    let new = new_memory(&headers, body).await?;
    Ok(saved(StatusCode::CREATED, api.door.supersede(&caller, id.parse()?, new).await?))
}

pub async fn history(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    params.end()?;
    let revisions = api.door.history(&caller, id.parse()?).await?;
    Ok(Json(json!({ "revisions": revisions })).into_response())
}

pub async fn opened(
    State(api): State<Api>,
    caller: From,
    id: Path<String>,
    params: Params,
    body: Body,
) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Opened {
        #[serde(alias = "q")]
        query: String,
    }
    params.end()?;
    let opened: Option<Opened> = body::read_if_any(body, SMALL_BODY_BYTES_MAX).await?;
    api.door.opened(&caller, id.parse()?, &opened.unwrap_or_default().query).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub async fn bulk(State(api): State<Api>, caller: From, params: Params, body: Body) -> Answer {
    params.end()?;
    let batch: Upsert = body::read(body, BULK_BODY_BYTES_MAX).await?;
    let done = api.door.upsert(&caller, batch).await?;
    Ok((applied(StatusCode::OK, done.applied), Json(done)).into_response())
}

async fn new_memory(headers: &HeaderMap, body: Body) -> Result<NewMemory, Fault> {
    let mut new: NewMemory = body::read(body, MEMORY_BODY_BYTES_MAX).await?;
    if let Some(key) = headers.get(IDEMPOTENCY) {
        let key =
            key.to_str().map_err(|error| Fault::invalid("the Idempotency-Key is no text").cause(error))?;
        if new.idempotency_key.as_deref().is_some_and(|other| other != key) {
            return Err(Fault::invalid("the Idempotency-Key and `idempotency_key` differ")
                .hint("one of them is enough"));
        }
        new.idempotency_key = Some(key.to_owned());
    }
    Ok(new)
}

/// The revision the caller means to change: from the address, or from `If-Match` as an `ETag` gave it.
fn revision(headers: &HeaderMap, named: Option<u32>) -> Result<Option<u32>, Fault> {
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
fn applied(status: StatusCode, applied: bool) -> StatusCode {
    if applied { status } else { StatusCode::ACCEPTED }
}

fn saved(status: StatusCode, saved: Saved) -> Response {
    let Memory { id, revision, .. } = saved.memory;
    let status = applied(status, saved.applied);
    let mut response = with_etag(revision, (status, Json(saved)).into_response());
    if status == StatusCode::CREATED {
        let place = HeaderValue::try_from(format!("/api/v1/memories/{id}")).expect("an id is ASCII");
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

fn with_etag(revision: u32, mut response: Response) -> Response {
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
