//! An export's lines as door items: complete, or ended by a fault.

use std::collections::VecDeque;

use futures::{StreamExt, stream, stream::BoxStream};
use reqwest::Response;
use serde::Deserialize;

use super::{
    lines::Lines,
    wire::{Wire, not_understood, problem},
};
use crate::{
    door::ExportLine,
    model::{Decision, Envelope, Fault, Memory},
};

/// A line as it comes over HTTP.
#[derive(Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line {
    Memory {
        #[serde(flatten)]
        memory: Box<Memory>,
        #[serde(default)]
        forgotten: bool,
    },
    Decision {
        #[serde(flatten)]
        decision: Box<Decision>,
    },
    Event {
        #[serde(flatten)]
        event: Box<Envelope>,
    },
    /// The last line of an export that could not be finished.
    Fault,
}

struct Reading {
    response: Response,
    wire: Wire,
    lines: Lines,
    read: Vec<Vec<u8>>,
    items: VecDeque<Result<ExportLine, Fault>>,
    ended: bool,
}

/// The lines of an answer to `/export`. Dropping them closes the connection.
pub fn items(response: Response, wire: Wire) -> BoxStream<'static, Result<ExportLine, Fault>> {
    let reading = Reading {
        response,
        wire,
        lines: Lines::default(),
        read: Vec::new(),
        items: VecDeque::new(),
        ended: false,
    };
    stream::unfold(reading, |mut reading| async move {
        let item = reading.next().await?;
        Some((item, reading))
    })
    .boxed()
}

impl Reading {
    async fn next(&mut self) -> Option<Result<ExportLine, Fault>> {
        while self.items.is_empty() && !self.ended {
            if let Err(fault) = self.read().await {
                self.items.push_back(Err(fault));
            }
        }
        let item = self.items.pop_front();
        self.ended |= matches!(item, Some(Err(_)));
        item
    }

    async fn read(&mut self) -> Result<(), Fault> {
        match self.response.chunk().await.map_err(|error| self.wire.fault(&error))? {
            Some(chunk) => {
                let fed = self.lines.feed(&chunk, &mut self.read);
                self.items.extend(self.read.drain(..).map(|line| item(&line)));
                fed.map_err(|error| not_understood(&error))
            }
            None if self.lines.is_cut() => Err(self.wire.ended()),
            None => {
                self.ended = true;
                Ok(())
            }
        }
    }
}

fn item(line: &[u8]) -> Result<ExportLine, Fault> {
    match serde_json::from_slice(line).map_err(|error| not_understood(&error))? {
        Line::Memory { memory, forgotten } => Ok(ExportLine::Memory { memory, forgotten }),
        Line::Decision { decision } => Ok(ExportLine::Decision { decision }),
        Line::Event { event } => Ok(ExportLine::Event { event: (*event).into() }),
        Line::Fault => {
            Err(problem(line)
                .unwrap_or_else(|| not_understood(&"the export ended with a fault of another form")))
        }
    }
}
