//! Everything a hub holds, as lines of JSON, pulled as the client reads.

use std::{convert::Infallible, panic::AssertUnwindSafe};

use axum::{body::Body, extract::State, http::header, response::IntoResponse};
use futures::{FutureExt, StreamExt, stream, stream::BoxStream};
use serde::Serialize;

use super::{
    Api,
    accept::Streaming,
    gate::{Leave, bug},
    params::Params,
    problem::{Answer, Problem},
    sse::closing,
};
use crate::{
    door::{Caller, ExportLine},
    model::{Decision, Envelope, Fault, Memory},
};

/// Lines that are ready together go out together, up to about this size.
const CHUNK_BYTES: usize = 64 << 10;

/// A line at the surface: events in its form of them.
#[derive(Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line<'a> {
    Memory {
        #[serde(flatten)]
        memory: &'a Memory,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        forgotten: bool,
    },
    Decision {
        #[serde(flatten)]
        decision: &'a Decision,
    },
    Event {
        #[serde(flatten)]
        event: Envelope,
    },
    /// The last one, when it could not be finished.
    Fault {
        #[serde(flatten)]
        problem: Problem<'a>,
    },
}

pub async fn export(
    State(api): State<Api>,
    caller: axum::Extension<Caller>,
    streaming: axum::Extension<Streaming>,
    leave: axum::Extension<Leave>,
    params: Params,
) -> Answer {
    params.end()?;
    let place = api.stream_place()?;
    let hub = api.hub_name().await?.to_owned();
    let lines = api.door.export(&caller).await?;
    streaming.set(&leave);
    let cut = stream::once(async move { Err(leave.over().await.unwrap_or_else(closing)) });
    let body =
        stream::unfold((Some(until(lines, cut.boxed())), hub, place), |(lines, hub, place)| async move {
            let mut lines = lines?;
            let (chunk, goes_on) = chunk(&mut lines, &hub).await;
            (goes_on || !chunk.is_empty())
                .then(|| (Ok::<_, Infallible>(chunk), (goes_on.then_some(lines), hub, place)))
        });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(body)).into_response())
}

type Lines = BoxStream<'static, Result<ExportLine, Fault>>;

/// The lines, or the fault of `cut` as soon as there is one.
fn until(lines: Lines, cut: Lines) -> Lines {
    stream::unfold(Some((lines, cut)), |state| async move {
        let (mut lines, mut cut) = state?;
        tokio::select! {
            biased;
            fault = cut.next() => fault.map(|fault| (fault, None)),
            line = lines.next() => line.map(|line| (line, Some((lines, cut)))),
        }
    })
    .boxed()
}

/// What is ready, at least one line where there is one; and whether more can come.
async fn chunk(lines: &mut Lines, hub: &str) -> (Vec<u8>, bool) {
    let mut chunk = Vec::new();
    let mut line = next(lines).await;
    loop {
        match line {
            Some(Ok(line)) => write(&surface(&line, hub), &mut chunk),
            Some(Err(fault)) => {
                write(&Line::Fault { problem: Problem::new(&fault) }, &mut chunk);
                return (chunk, false);
            }
            None => return (chunk, false),
        }
        if chunk.len() >= CHUNK_BYTES {
            return (chunk, true);
        }
        match next(lines).now_or_never() {
            Some(ready) => line = ready,
            None => return (chunk, true),
        }
    }
}

async fn next(lines: &mut Lines) -> Option<Result<ExportLine, Fault>> {
    AssertUnwindSafe(lines.next()).catch_unwind().await.unwrap_or_else(|panic| Some(Err(bug(&*panic))))
}

fn surface<'a>(line: &'a ExportLine, hub: &str) -> Line<'a> {
    match line {
        ExportLine::Memory { memory, forgotten } => Line::Memory { memory, forgotten: *forgotten },
        ExportLine::Decision { decision } => Line::Decision { decision },
        ExportLine::Event { event } => Line::Event { event: Envelope::new(event.clone(), hub) },
    }
}

fn write(line: &Line<'_>, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, line).expect("records and events are plain data with string keys");
    out.push(b'\n');
}
