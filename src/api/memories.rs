//! Memories over HTTP: each route one call of the door.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Api, ask,
    body::{self, BULK_BODY_BYTES_MAX, MEMORY_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX},
    params::Params,
    problem::Answer,
    record::{self, applied, idempotency_key, revision, with_etag},
};
use crate::{
    door::{Caller, Forgetting, MemoryPatch, NewMemory, Saved, Upsert},
    model::{Fault, Id, Memory},
};

type From = axum::Extension<Caller>;

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
    new.idempotency_key = idempotency_key(headers, new.idempotency_key)?;
    Ok(new)
}

fn saved(status: StatusCode, saved: Saved) -> Response {
    let Memory { id, revision, .. } = saved.memory;
    record::saved(status, saved.applied, revision, &format!("memories/{id}"), Json(saved))
}
