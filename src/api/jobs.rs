//! Jobs and their runs over HTTP: each route one call of the door.

use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Api, ask,
    body::{self, JOB_BODY_BYTES_MAX, SMALL_BODY_BYTES_MAX},
    gate::Granted,
    params::Params,
    problem::Answer,
    record::with_etag,
};
use crate::{
    door::{Backfill, Caller, JobView, NewJob, NewPause, RunView, WhichRuns},
    model::{Area, Code, Fault, Scope, Time, TimeError, job::Kind},
};

type From = axum::Extension<Caller>;

// ── jobs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

pub async fn list(State(api): State<Api>, caller: From, params: Params) -> Answer {
    params.end()?;
    Ok(Json(json!({ "jobs": api.door.jobs(&caller).await? })).into_response())
}

/// A job that starts a program may do what this machine's user may.
const STARTS_PROGRAMS: Scope = Scope::write(Area::Admin);

pub async fn define(
    State(api): State<Api>,
    caller: From,
    granted: axum::Extension<Granted>,
    params: Params,
    body: Body,
) -> Answer {
    params.end()?;
    let new: NewJob = body::read(body, JOB_BODY_BYTES_MAX).await?;
    if matches!(new.kind, Kind::Command { .. }) && !granted.has(STARTS_PROGRAMS) {
        let fault = Fault::new(Code::Denied, format!("a job that starts a program takes {STARTS_PROGRAMS}"));
        return Err(fault.hint("a file in the hub's job directory makes one as well").into());
    }
    let view = api.door.define_job(&caller, new).await?;
    if view.job.revision > 1 {
        return Ok(job(view));
    }
    let place = format!("/api/v1/jobs/{}", view.job.id);
    let mut response = (StatusCode::CREATED, job(view)).into_response();
    response.headers_mut().insert(header::LOCATION, ascii(place));
    Ok(response)
}

pub async fn get(State(api): State<Api>, caller: From, name: Path<String>, params: Params) -> Answer {
    params.end()?;
    Ok(job(api.door.job(&caller, name.parse()?).await?))
}

pub async fn run(State(api): State<Api>, caller: From, name: Path<String>, params: Params) -> Answer {
    params.end()?;
    Ok(begun(api.door.run_job(&caller, name.parse()?).await?))
}

pub async fn pause(
    State(api): State<Api>,
    caller: From,
    name: Path<String>,
    params: Params,
    body: Body,
) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Pause {
        reason: String,
        until: Option<String>,
    }
    params.end()?;
    let Pause { reason, until } = body::read_if_any(body, SMALL_BODY_BYTES_MAX).await?.unwrap_or_default();
    let words = api.words();
    let until = until.map(|text| moment("until", &text, words.ahead(&text))).transpose()?;
    Ok(job(api.door.pause_job(&caller, name.parse()?, NewPause { reason, until }).await?))
}

pub async fn resume(State(api): State<Api>, caller: From, name: Path<String>, params: Params) -> Answer {
    params.end()?;
    Ok(job(api.door.resume_job(&caller, name.parse()?).await?))
}

pub async fn enable(State(api): State<Api>, caller: From, name: Path<String>, params: Params) -> Answer {
    params.end()?;
    Ok(job(api.door.enable_job(&caller, name.parse()?, true).await?))
}

pub async fn disable(State(api): State<Api>, caller: From, name: Path<String>, params: Params) -> Answer {
    params.end()?;
    Ok(job(api.door.enable_job(&caller, name.parse()?, false).await?))
}

pub async fn backfill(
    State(api): State<Api>,
    caller: From,
    name: Path<String>,
    params: Params,
    body: Body,
) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Slots {
        #[serde(alias = "since")]
        after: String,
        until: String,
    }
    params.end()?;
    let Slots { after, until } = body::read(body, SMALL_BODY_BYTES_MAX).await?;
    let words = api.words();
    let slots = Backfill {
        after: moment("after", &after, words.parse(&after))?,
        until: moment("until", &until, words.parse(&until))?,
    };
    let runs = api.door.backfill(&caller, name.parse()?, slots).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "runs": runs }))).into_response())
}

pub async fn next(State(api): State<Api>, caller: From, name: Path<String>, params: Params) -> Answer {
    let (count, after) = ask::next_slots(params, api.words())?;
    let slots = api.door.next_slots(&caller, name.parse()?, count, after).await?;
    Ok(Json(json!({ "slots": slots })).into_response())
}

// ── runs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

pub async fn runs(State(api): State<Api>, caller: From, params: Params) -> Answer {
    let request = ask::runs(params, None)?;
    Ok(Json(api.door.runs(&caller, request).await?).into_response())
}

pub async fn dead(State(api): State<Api>, caller: From, params: Params) -> Answer {
    let request = ask::runs(params, Some(WhichRuns::Dead))?;
    Ok(Json(api.door.runs(&caller, request).await?).into_response())
}

pub async fn get_run(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    params.end()?;
    Ok(of_run(StatusCode::OK, api.door.run(&caller, id.parse()?).await?))
}

pub async fn log(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    let (after, limit) = ask::run_log(params)?;
    Ok(Json(api.door.run_log(&caller, id.parse()?, after, limit).await?).into_response())
}

pub async fn cancel(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    params.end()?;
    Ok(of_run(StatusCode::ACCEPTED, api.door.cancel_run(&caller, id.parse()?).await?))
}

pub async fn retry(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    params.end()?;
    Ok(begun(api.door.retry_run(&caller, id.parse()?).await?))
}

pub async fn dismiss(State(api): State<Api>, caller: From, id: Path<String>, params: Params) -> Answer {
    params.end()?;
    Ok(of_run(StatusCode::OK, api.door.dismiss_run(&caller, id.parse()?).await?))
}

fn job(view: JobView) -> Response {
    with_etag(view.job.revision, Json(view).into_response())
}

fn of_run(status: StatusCode, view: RunView) -> Response {
    with_etag(view.run.revision, (status, Json(view)).into_response())
}

/// A run that has only been recorded: where to look for what becomes of it.
fn begun(view: RunView) -> Response {
    let place = format!("/api/v1/runs/{}", view.run.id);
    let mut response = of_run(StatusCode::ACCEPTED, view);
    response.headers_mut().insert(header::LOCATION, ascii(place));
    response
}

fn ascii(place: String) -> HeaderValue {
    HeaderValue::try_from(place).expect("an id is ASCII")
}

fn moment(field: &str, text: &str, read: Result<Time, TimeError>) -> Result<Time, Fault> {
    read.map_err(|error| Fault::invalid(format!("`{field}` cannot be {text:?}")).cause(error))
}
