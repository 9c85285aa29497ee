//! Keys over HTTP. Nobody makes a key that may do more than who makes it.

use std::collections::BTreeSet;

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Api,
    body::{self, SMALL_BODY_BYTES_MAX},
    gate::Granted,
    params::Params,
    problem::Answer,
    record::applied,
};
use crate::{
    door::{Caller, NewKey},
    model::{Code, Fault, Scope, job::Span},
};

type From = axum::Extension<Caller>;
type With = axum::Extension<Granted>;

pub async fn list(State(api): State<Api>, caller: From, params: Params) -> Answer {
    params.end()?;
    Ok(Json(json!({ "keys": api.door.keys(&caller).await? })).into_response())
}

pub async fn create(
    State(api): State<Api>,
    caller: From,
    granted: With,
    params: Params,
    body: Body,
) -> Answer {
    params.end()?;
    let new: NewKey = body::read(body, SMALL_BODY_BYTES_MAX).await?;
    within(&granted, &new.scopes)?;
    let made = api.door.create_key(&caller, new).await?;
    Ok((applied(StatusCode::CREATED, made.applied), Json(made)).into_response())
}

pub async fn rotate(
    State(api): State<Api>,
    caller: From,
    granted: With,
    key: Path<String>,
    params: Params,
    body: Body,
) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Rotate {
        overlap: Span,
    }
    params.end()?;
    let asked: Option<Rotate> = body::read_if_any(body, SMALL_BODY_BYTES_MAX).await?;
    reached(&api, &caller, &granted, &key).await?;
    let made = api.door.rotate_key(&caller, &key, asked.unwrap_or_default().overlap).await?;
    Ok((applied(StatusCode::CREATED, made.applied), Json(made)).into_response())
}

pub async fn revoke(
    State(api): State<Api>,
    caller: From,
    granted: With,
    key: Path<String>,
    params: Params,
) -> Answer {
    params.end()?;
    reached(&api, &caller, &granted, &key).await?;
    Ok(Json(json!({ "keys": api.door.revoke_key(&caller, &key).await? })).into_response())
}

/// Keys that may do more are not for this caller to act on.
async fn reached(api: &Api, caller: &Caller, granted: &Granted, key: &str) -> Result<(), Fault> {
    let keys = api.door.keys(caller).await?;
    let mut meant = keys.iter().filter(|found| found.name == key || found.short == key);
    meant.try_for_each(|found| within(granted, &found.scopes))
}

fn within(granted: &Granted, scopes: &BTreeSet<Scope>) -> Result<(), Fault> {
    match scopes.iter().find(|scope| !granted.has(**scope)) {
        None => Ok(()),
        Some(more) => Err(Fault::new(Code::Denied, format!("{more} is more than your own key may do"))
            .hint("through the hub's socket every key can be made and ended")),
    }
}
