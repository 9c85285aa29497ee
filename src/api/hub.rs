//! The hub itself over HTTP: status, checks, limits.

use axum::{Json, body::Body, extract::State, http::StatusCode, response::IntoResponse};
use serde::Deserialize;
use serde_json::json;

use super::{
    Api,
    body::{self, SMALL_BODY_BYTES_MAX},
    params::Params,
    problem::Answer,
};
use crate::door::{Caller, ViewName};

type From = axum::Extension<Caller>;

pub async fn status(State(api): State<Api>, caller: From, params: Params) -> Answer {
    params.end()?;
    Ok(Json(api.door.status().await?.behind(&caller.projects)).into_response())
}

pub async fn limits(params: Params) -> Answer {
    params.end()?;
    Ok(Json(json!({ "limits": super::limits() })).into_response())
}

pub async fn reindex(State(api): State<Api>, caller: From, params: Params, body: Body) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Reindex {
        view: ViewName,
    }
    params.end()?;
    let Reindex { view } = body::read(body, SMALL_BODY_BYTES_MAX).await?;
    api.door.reindex(&caller, view).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "view": view }))).into_response())
}

pub async fn fsck(State(api): State<Api>, caller: From, params: Params) -> Answer {
    params.end()?;
    Ok(Json(api.door.fsck(&caller).await?).into_response())
}
