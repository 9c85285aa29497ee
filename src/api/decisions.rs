//! Decisions over HTTP: each route one call of the door, but for the file, which also asks what its links are called.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    Api, ask,
    body::{self, BULK_BODY_BYTES_MAX, DECISION_BODY_BYTES_MAX},
    params::Params,
    problem::Answer,
    record::{self, applied, idempotency_key, revision, with_etag},
};
use crate::{
    door::{Caller, DecisionPatch, Door, ImportedDecision, NewDecision, NewOutcome, SavedDecision},
    ingest::adr::{self, AdrNames},
    model::{Code, Decision, DecisionRef, Fault},
};

type From = axum::Extension<Caller>;

pub async fn decide(
    State(api): State<Api>,
    caller: From,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    params.end()?;
    let new = new_decision(&headers, body).await?;
    Ok(saved(StatusCode::CREATED, api.door.decide(&caller, new).await?))
}

pub async fn list(State(api): State<Api>, caller: From, params: Params) -> Answer {
    let request = ask::decisions(params, api.words())?;
    Ok(Json(api.door.decisions(&caller, request).await?).into_response())
}

pub async fn review_due(State(api): State<Api>, caller: From, params: Params) -> Answer {
    let request = ask::review_due(params, api.words())?;
    Ok(Json(api.door.decisions(&caller, request).await?).into_response())
}

pub async fn calibration(State(api): State<Api>, caller: From, params: Params) -> Answer {
    let filter = ask::calibration(params, api.words())?;
    Ok(Json(api.door.calibration(&caller, filter).await?).into_response())
}

pub async fn import(State(api): State<Api>, caller: From, params: Params, body: Body) -> Answer {
    params.end()?;
    let batch: Vec<ImportedDecision> = body::read(body, BULK_BODY_BYTES_MAX).await?;
    let taken = api.door.import_decisions(&caller, batch).await?;
    Ok((applied(StatusCode::OK, taken.applied), Json(taken)).into_response())
}

pub async fn get(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    params.end()?;
    let decision = api.door.decision(&caller, id.parse()?).await?;
    Ok(with_etag(decision.revision, Json(decision).into_response()))
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
    let patch: DecisionPatch = body::read(body, DECISION_BODY_BYTES_MAX).await?;
    Ok(saved(StatusCode::OK, api.door.edit_decision(&caller, id.parse()?, patch, revision).await?))
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
    let new = new_decision(&headers, body).await?;
    Ok(saved(StatusCode::CREATED, api.door.supersede_decision(&caller, id.parse()?, new).await?))
}

pub async fn outcome(
    State(api): State<Api>,
    caller: From,
    id: Path<String>,
    params: Params,
    body: Body,
) -> Answer {
    params.end()?;
    let outcome: NewOutcome = body::read(body, DECISION_BODY_BYTES_MAX).await?;
    Ok(saved(StatusCode::OK, api.door.record_outcome(&caller, id.parse()?, outcome).await?))
}

pub async fn history(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    params.end()?;
    let revisions = api.door.decision_history(&caller, id.parse()?).await?;
    Ok(Json(json!({ "revisions": revisions })).into_response())
}

/// The decision as a file of architectural decision records.
pub async fn markdown(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    params.end()?;
    let decision = api.door.decision(&caller, id.parse()?).await?;
    let linked = linked(&*api.door, &caller, &decision).await?;
    let names = AdrNames::of(std::iter::once(&decision).chain(&linked));
    let headers = [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")];
    Ok(with_etag(decision.revision, (headers, adr::write(&decision, &names)).into_response()))
}

/// The decisions it links to, as far as this caller sees them.
async fn linked(door: &dyn Door, caller: &Caller, decision: &Decision) -> Result<Vec<Decision>, Fault> {
    let mut linked = Vec::new();
    let ids = decision.supersedes.iter().chain(&decision.superseded_by).chain(&decision.related);
    for id in ids {
        match door.decision(caller, DecisionRef::Id(*id)).await {
            Ok(decision) => linked.push(decision),
            Err(fault) if fault.code == Code::NotFound => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(linked)
}

async fn new_decision(headers: &HeaderMap, body: Body) -> Result<NewDecision, Fault> {
    let mut new: NewDecision = body::read(body, DECISION_BODY_BYTES_MAX).await?;
    new.idempotency_key = idempotency_key(headers, new.idempotency_key)?;
    Ok(new)
}

fn saved(status: StatusCode, saved: SavedDecision) -> Response {
    let Decision { id, revision, .. } = saved.decision;
    record::saved(status, saved.applied, revision, &format!("decisions/{id}"), Json(saved))
}
