//! Events over HTTP: pages, counts and the stream.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::time::Instant;

use super::{
    Api,
    accept::Streaming,
    ask,
    body::{self, PUBLISH_BODY_BYTES_MAX},
    gate::{Granted, Leave},
    params::Params,
    problem::{Answer, Refusal},
    record::{applied, idempotency_key},
    sse,
};
use crate::{
    door::{Caller, EventGap, EventPage, NewEvent, Publish},
    model::{Cursor, Envelope, Fault, Time},
};

type From = axum::Extension<Caller>;

const COLUMNS: &str = "sequence,time,type,subject,severity,actor,correlationid,data\r\n";

#[derive(Clone, Copy, Default)]
enum Format {
    #[default]
    Json,
    Ndjson,
    Csv,
}

/// A page in the surface's form of events.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = EventPage)]
pub struct Page {
    events: Vec<Envelope>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<EventGap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Cursor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<Time>,
    head: Cursor,
}

/// One event, or an object with a list of them.
pub async fn publish(
    State(api): State<Api>,
    caller: From,
    granted: axum::Extension<Granted>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    params.end()?;
    let value: serde_json::Value = body::read(body, PUBLISH_BODY_BYTES_MAX).await?;
    let mut publish = match value.get("events") {
        Some(_) => body::of::<Publish>(value)?,
        None => Publish { events: vec![body::of::<NewEvent>(value)?], idempotency_key: None },
    };
    publish.idempotency_key = idempotency_key(&headers, publish.idempotency_key.take())?;
    if let Some(key) = granted.key() {
        let taken = api.rates.take(key, publish.events.len(), Instant::now());
        taken.map_err(|(fault, wait)| Refusal::after(fault, wait))?;
    }
    let published = api.door.publish(&caller, publish).await?;
    Ok((applied(StatusCode::CREATED, published.applied), Json(published)).into_response())
}

pub async fn page(State(api): State<Api>, caller: From, mut params: Params) -> Answer {
    let query = ask::events(&mut params, api.words())?;
    let format = params.with(&["format"], format)?.unwrap_or_default();
    params.end()?;
    let hub = api.hub_name().await?;
    let EventPage { events, gaps, next, reached, head } = api.door.events(&caller, query).await?;
    let events = events.into_iter().map(|event| Envelope::new(event, hub)).collect();
    let page = Page { events, gaps, next, reached, head };
    Ok(match format {
        Format::Json => Json(page).into_response(),
        Format::Ndjson => lines(&page, "application/x-ndjson", ndjson(&page.events)?),
        Format::Csv => lines(&page, "text/csv; charset=utf-8", csv(&page.events)),
    })
}

pub async fn stats(State(api): State<Api>, caller: From, mut params: Params) -> Answer {
    let mut query = ask::events(&mut params, api.words())?;
    query.buckets = params.parse(&["buckets"])?.unwrap_or(0);
    params.with(&["by"], |by| if by == "subject" { Ok(()) } else { Err("it is subject".to_owned()) })?;
    params.end()?;
    Ok(Json(api.door.event_stats(&caller, query).await?).into_response())
}

/// Without end. A client that comes back says where it was by `Last-Event-ID`, which a browser sends by itself
/// while the address still says where it began; so the header wins.
pub async fn stream(
    State(api): State<Api>,
    caller: From,
    streaming: axum::Extension<Streaming>,
    leave: axum::Extension<Leave>,
    params: Params,
    headers: HeaderMap,
) -> Answer {
    let mut request = ask::stream(params, api.words())?;
    if let Some(last) = headers.get("last-event-id") {
        request.after = Some(last.to_str().unwrap_or_default().parse()?);
    }
    let place = api.stream_place()?;
    let hub = api.hub_name().await?.to_owned();
    let items = api.door.stream(&caller, request).await?;
    streaming.set(&leave);
    let watching = sse::Watching::new(api.attached.clone(), place);
    let body = Body::from_stream(sse::frames(items, hub, leave.0, watching));
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, body).into_response())
}

fn format(word: &str) -> Result<Format, String> {
    match word {
        "json" => Ok(Format::Json),
        "ndjson" => Ok(Format::Ndjson),
        "csv" => Ok(Format::Csv),
        _ => Err("it is one of json, ndjson, csv".to_owned()),
    }
}

/// An answer of lines, with where reading goes on in its head.
fn lines(page: &Page, kind: &'static str, body: Vec<u8>) -> Response {
    let mut response = ([(header::CONTENT_TYPE, kind)], body).into_response();
    for (name, cursor) in [("x-next-cursor", page.next), ("x-head-cursor", Some(page.head))] {
        if let Some(cursor) = cursor {
            let value = HeaderValue::try_from(cursor.to_string()).expect("a cursor is ASCII");
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn ndjson(events: &[Envelope]) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    for event in events {
        serde_json::to_writer(&mut body, event)
            .map_err(|error| Fault::bug("an event does not go into JSON").cause(error))?;
        body.push(b'\n');
    }
    Ok(body)
}

fn csv(events: &[Envelope]) -> Vec<u8> {
    let mut body = COLUMNS.to_owned();
    for event in events {
        let data = serde_json::Value::Object(event.data.clone()).to_string();
        let fields = [
            &event.sequence.to_string(),
            &event.time.to_string(),
            &event.kind,
            &event.subject.to_string(),
            event.severitytext.word(),
            &event.actor.0,
            &event.correlationid.to_string(),
            &data,
        ];
        body.push_str(&fields.map(quoted).join(","));
        body.push_str("\r\n");
    }
    body.into_bytes()
}

/// A field as RFC 4180 has it.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("{\"a\":1,\"b\":2}"), "\"{\"\"a\"\":1,\"\"b\"\":2}\"");
    }
}
