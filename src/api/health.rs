//! Health over HTTP: whether the hub lives, is ready, and how it does.

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;

use super::{Api, ask, gate::Granted, params::Params, problem::Answer};
use crate::{
    door::{Condition, Overall, ViewName, ViewState},
    model::Fault,
    report,
};

const HEALTH_JSON: &str = "application/health+json";

/// Depends on nothing: it answers while this process does.
pub async fn livez(params: Params) -> Answer {
    params.end()?;
    Ok(Json(json!({ "status": "ok" })).into_response())
}

/// Whether requests do well to come here now: the records can be read, and the hub is not unhealthy.
pub async fn readyz(State(api): State<Api>, params: Params) -> Answer {
    params.end()?;
    let status = api.door.status().await?;
    if let Some(view) = status.view(ViewName::Records).filter(|view| !serves(view)) {
        return Err(Fault::unavailable(format!("not ready: the records are {}", view.words()))
            .hint("`/health` says more; ask again in a moment")
            .into());
    }
    let health = api.door.health().await?;
    if health.status == Overall::Unhealthy {
        return Err(Fault::unavailable(format!("not ready: {}", health.words()))
            .hint("`/health` says more")
            .into());
    }
    Ok(Json(json!({ "status": "ready" })).into_response())
}

/// What is there of a view that is made anew is served.
fn serves(view: &ViewState) -> bool {
    matches!(view, ViewState::Ready | ViewState::Rebuilding { .. })
}

/// Who comes without a key hears how it does, and not of what.
pub async fn health(
    State(api): State<Api>,
    granted: Extension<Granted>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    params.end()?;
    let health = api.door.health().await?;
    let is_down = health.status == Overall::Unhealthy;
    if !granted.is_any() {
        return Ok(answer(&headers, is_down, &json!({ "status": health.status })));
    }
    Ok(answer(&headers, is_down, &health))
}

pub async fn component(
    State(api): State<Api>,
    name: Path<String>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    params.end()?;
    let health = api.door.health().await?;
    let component = health
        .components
        .get(name.as_str())
        .ok_or_else(|| report::none_of("component", &name, health.components.keys().map(String::as_str)))?;
    Ok(answer(&headers, component.status == Condition::Down, component))
}

pub async fn trends(State(api): State<Api>, params: Params) -> Answer {
    let after = ask::trends(params, api.words())?;
    Ok(Json(api.door.trends(after).await?).into_response())
}

/// 503 only where it is as bad as can be, so that who watches statuses alone is right.
fn answer(headers: &HeaderMap, is_down: bool, said: &impl Serialize) -> Response {
    let status = if is_down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let asked = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let kind = if accepts(asked, HEALTH_JSON) { HEALTH_JSON } else { "application/json" };
    (status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], Json(said)).into_response()
}

/// Whether the type is named: what takes anything gets plain JSON.
fn accepts<'a>(asked: impl Iterator<Item = &'a str>, kind: &str) -> bool {
    asked.flat_map(|list| list.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(kind));
        named && !parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_health_is_for_who_asks_for_it() {
        let accepts = |asked: &str| accepts(std::iter::once(asked), HEALTH_JSON);
        assert!(accepts("application/health+json"));
        assert!(accepts("text/html, Application/Health+JSON;q=0.8, */*"));
        for no in ["*/*", "application/json", "application/*", "application/health+json; q=0", ""] {
            assert!(!accepts(no), "{no}");
        }
    }
}
