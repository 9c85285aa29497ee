//! A hub's event stream as door items. It ends with a fault, whatever ended it.
//!
//! Invariant: the events handed out are of one history, in its order, each once. A hub that tells them otherwise is
//! not understood: who follows it would keep a place that skips some.

use std::collections::VecDeque;

use futures::{StreamExt, stream, stream::BoxStream};
use reqwest::Response;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    sse::{Frame, Parser},
    wire::{Wire, not_understood, problem},
};
use crate::{
    door::StreamItem,
    model::{Code, Cursor, Envelope, Fault, Sequence},
};

struct Reading {
    response: Response,
    wire: Wire,
    parser: Parser,
    frames: Vec<Frame>,
    items: VecDeque<Result<StreamItem, Fault>>,
    place: Place,
    ended: bool,
}

/// How far a stream has told its history.
#[derive(Debug, Default)]
struct Place(Option<Cursor>);

impl Place {
    /// Whether this item goes on from here; none where it was told already.
    fn go_on(&mut self, item: StreamItem) -> Result<Option<StreamItem>, Fault> {
        let (cursor, sequence) = match &item {
            StreamItem::Start { cursor } | StreamItem::CaughtUp { cursor } => (*cursor, None),
            StreamItem::Event { cursor, event } => (*cursor, Some(event.sequence)),
            StreamItem::Gap { .. } | StreamItem::Heartbeat { .. } => return Ok(Some(item)),
        };
        if sequence.is_some_and(|sequence| sequence != cursor.sequence) {
            return Err(not_understood(&format!("an event is not at its own place, {cursor}")));
        }
        if let Some(last) = self.0 {
            if (cursor.log, cursor.epoch) != (last.log, last.epoch) {
                return Err(not_understood(&format!("{cursor} is of another history than {last}")));
            }
            if cursor.sequence < last.sequence {
                return Err(not_understood(&format!("{cursor} came after {last}")));
            }
            if sequence == Some(last.sequence) {
                return Ok(None);
            }
        }
        self.0 = Some(cursor);
        Ok(Some(item))
    }
}

/// The items of an answer to `/events/stream`. Dropping them closes the connection.
pub fn items(response: Response, wire: Wire) -> BoxStream<'static, Result<StreamItem, Fault>> {
    let reading = Reading {
        response,
        wire,
        parser: Parser::default(),
        frames: Vec::new(),
        items: VecDeque::new(),
        place: Place::default(),
        ended: false,
    };
    stream::unfold(reading, |mut reading| async move {
        let item = reading.next().await?;
        Some((item, reading))
    })
    .boxed()
}

impl Reading {
    async fn next(&mut self) -> Option<Result<StreamItem, Fault>> {
        while self.items.is_empty() && !self.ended {
            if let Err(fault) = self.read().await {
                self.items.push_back(Err(fault));
            }
        }
        let item = self.items.pop_front();
        if matches!(item, Some(Err(_))) {
            // What came with it in the same bytes is no longer of a stream that is understood.
            self.items.clear();
            self.ended = true;
        }
        item
    }

    /// The next bytes, as the items they complete.
    async fn read(&mut self) -> Result<(), Fault> {
        let patience = self.wire.patience.silence;
        let chunk = tokio::time::timeout(patience, self.response.chunk())
            .await
            .map_err(|_| {
                Fault::new(Code::Timeout, "the hub's stream is silent")
                    .cause(format!("not a heartbeat for {patience:?}"))
            })?
            .map_err(|error| self.wire.fault(&error))?
            .ok_or_else(|| self.wire.ended())?;
        let fed = self.parser.feed(&chunk, &mut self.frames);
        for frame in self.frames.drain(..) {
            let told = item(frame).and_then(|item| item.map_or(Ok(None), |item| self.place.go_on(item)));
            self.items.extend(told.transpose());
        }
        fed.map_err(|error| not_understood(&error))
    }
}

/// The item a frame is; none for what a newer hub may send.
fn item(frame: Frame) -> Result<Option<StreamItem>, Fault> {
    #[derive(Deserialize)]
    struct Gap {
        from: Sequence,
        to: Sequence,
        reason: String,
    }
    Ok(match frame.event.as_str() {
        "" if frame.data.is_empty() => Some(StreamItem::Start { cursor: cursor(&frame)? }),
        "heartbeat" => Some(StreamItem::Heartbeat { status: Box::new(json(&frame)?) }),
        "gap" => {
            let Gap { from, to, reason } = json(&frame)?;
            Some(StreamItem::Gap { from, to, reason })
        }
        "caught_up" => Some(StreamItem::CaughtUp { cursor: cursor(&frame)? }),
        "fault" | "bye" => {
            return Err(problem(frame.data.as_bytes())
                .unwrap_or_else(|| not_understood(&"the stream ended with a fault of another form")));
        }
        // The types of events have a dot.
        kind if kind.contains('.') => {
            let event: Envelope = json(&frame)?;
            Some(StreamItem::Event { cursor: cursor(&frame)?, event: event.into() })
        }
        _ => None,
    })
}

fn cursor(frame: &Frame) -> Result<Cursor, Fault> {
    let id = frame.id.as_deref().unwrap_or_default();
    id.parse().map_err(|fault: Fault| not_understood(&fault.message))
}

fn json<T: DeserializeOwned>(frame: &Frame) -> Result<T, Fault> {
    serde_json::from_str(&frame.data).map_err(|error| not_understood(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: &str = "w1.00000000000000000000000000000007.3.42";

    #[track_caller]
    fn check(event: &str, id: Option<&str>, data: &str, expected: Option<StreamItem>) {
        let frame = Frame { event: event.into(), id: id.map(str::to_owned), data: data.into() };
        assert_eq!(item(frame).unwrap(), expected);
    }

    #[test]
    fn frames_are_items() {
        let cursor: Cursor = CURSOR.parse().unwrap();
        check("", Some(CURSOR), "", Some(StreamItem::Start { cursor }));
        check("caught_up", Some(CURSOR), "{}", Some(StreamItem::CaughtUp { cursor }));
        let gap = StreamItem::Gap { from: Sequence(1), to: Sequence(4), reason: "cleaned".into() };
        check("gap", None, r#"{"from":1,"to":4,"reason":"cleaned"}"#, Some(gap));
        check("weather", None, "rain", None);
    }

    #[test]
    fn what_is_told_is_of_one_history_in_its_order_once() {
        let at = |epoch: u32, sequence: u64| -> Cursor {
            format!("w1.00000000000000000000000000000007.{epoch}.{sequence}").parse().unwrap()
        };
        let caught_up = |epoch, sequence| StreamItem::CaughtUp { cursor: at(epoch, sequence) };
        let mut place = Place::default();
        let mut go_on = |item: StreamItem| place.go_on(item).map(|item| item.is_some());
        assert_eq!(go_on(StreamItem::Start { cursor: at(3, 7) }), Ok(true));
        let gap = StreamItem::Gap { from: Sequence(1), to: Sequence(7), reason: "history_changed".into() };
        assert_eq!(go_on(gap), Ok(true));
        assert_eq!(go_on(caught_up(3, 7)), Ok(true), "with nothing between");
        assert_eq!(go_on(caught_up(3, 9)), Ok(true), "what a filter leaves out is passed over");
        for (wrong, why) in [(caught_up(3, 8), "came after"), (caught_up(4, 10), "another history")] {
            let fault = go_on(wrong).unwrap_err();
            assert!(fault.code == Code::Unsupported && fault.cause.unwrap().contains(why));
        }
    }

    #[test]
    fn a_fault_ends_it_as_the_hub_said() {
        let data = serde_json::to_string(&Fault::unavailable("closing").hint("again")).unwrap();
        let frame = Frame { event: "fault".into(), id: None, data };
        let bye = Frame { event: "bye".into(), ..frame.clone() };
        assert_eq!(item(frame).unwrap_err(), Fault::unavailable("closing").hint("again"));
        assert_eq!(item(bye).unwrap_err().message, "closing");
        let frame = Frame { event: "memory.saved".into(), id: Some(CURSOR.into()), data: "{".into() };
        assert_eq!(item(frame).unwrap_err().code, Code::Unsupported);
    }
}
