//! A door's stream as server-sent events.
//!
//! Pulled as the socket drains: what a client has not read waits in the log, not here. Whatever ends the stream is
//! said in a last frame, so that a client knows an end from a cut: `bye` with where it was when the hub closes, `fault`
//! otherwise.

use std::{
    convert::Infallible,
    io::Write,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use futures::{FutureExt, Stream, StreamExt, stream, stream::BoxStream};
use serde::Serialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    gate::{Leave, bug},
    problem::Problem,
};
use crate::{
    door::StreamItem,
    model::{Cursor, Envelope, Fault},
};

/// How long a client waits before it comes back.
const RETRY: &[u8] = b"retry: 2000\n";
/// Items that are ready together go out together, up to about this size. With the last one it still fits into 32 KiB,
/// and its buffer, which doubles, is no larger.
const CHUNK_BYTES: usize = 28 << 10;

type Items = BoxStream<'static, Result<StreamItem, Fault>>;

/// A stream that is open: counted while it lives, however it ends.
pub struct Watching {
    attached: Arc<AtomicU32>,
    _place: OwnedSemaphorePermit,
}

impl Watching {
    pub fn new(attached: Arc<AtomicU32>, place: OwnedSemaphorePermit) -> Watching {
        attached.fetch_add(1, Ordering::SeqCst);
        Watching { attached, _place: place }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.attached.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Writing {
    /// None after the last frame.
    items: Option<Items>,
    hub: String,
    leave: Leave,
    begun: bool,
    /// Where the client is, for when it comes back.
    position: Option<Cursor>,
    _watching: Watching,
}

/// The last frame of a hub that closes.
#[derive(Serialize)]
struct Bye<'a> {
    #[serde(flatten)]
    problem: Problem<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<Cursor>,
}

/// Why a stream ends.
enum End {
    Closing,
    Fault(Fault),
}

/// The frames of a stream, in chunks.
pub fn frames(
    items: Items,
    hub: String,
    leave: Leave,
    watching: Watching,
) -> impl Stream<Item = Result<Vec<u8>, Infallible>> + Send {
    let writing =
        Writing { items: Some(items), hub, leave, begun: false, position: None, _watching: watching };
    stream::unfold(writing, |mut writing| async move {
        let chunk = writing.chunk().await?;
        Some((Ok(chunk), writing))
    })
}

impl Writing {
    /// What is ready, at least one item.
    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let items = self.items.as_mut()?;
        let mut chunk = if std::mem::replace(&mut self.begun, true) { Vec::new() } else { RETRY.to_vec() };
        let mut item = tokio::select! {
            biased;
            ended = self.leave.over() => ended.map(Err),
            item = next(items) => item,
        };
        loop {
            let written = match item {
                Some(Ok(item)) => {
                    self.position = cursor_of(&item).or(self.position);
                    write(item, &self.hub, &mut chunk).map_err(End::Fault)
                }
                Some(Err(fault)) => Err(End::Fault(fault)),
                None => Err(End::Closing),
            };
            if let Err(why) = written {
                end(&why, self.position, &mut chunk);
                self.items = None;
                break;
            }
            if chunk.len() >= CHUNK_BYTES {
                break;
            }
            match next(items).now_or_never() {
                Some(ready) => item = ready,
                None => break,
            }
        }
        Some(chunk)
    }
}

/// The next item; a panic on the way to it is a fault of this stream alone.
async fn next(items: &mut Items) -> Option<Result<StreamItem, Fault>> {
    AssertUnwindSafe(items.next()).catch_unwind().await.unwrap_or_else(|panic| Some(Err(bug(&*panic))))
}

pub fn closing() -> Fault {
    Fault::unavailable("the hub is closing")
        .hint("it went away; asking again starts it or finds who took over")
}

fn write(item: StreamItem, hub: &str, out: &mut Vec<u8>) -> Result<(), Fault> {
    match item {
        StreamItem::Start { cursor } => frame(None, Some(cursor), None::<&()>, out),
        StreamItem::Event { cursor, event } => {
            let event = Envelope::new(event, hub);
            frame(Some(&event.kind), Some(cursor), Some(&event), out)
        }
        StreamItem::Gap { from, to, reason } => {
            frame(Some("gap"), None, Some(&json!({ "from": from, "to": to, "reason": reason })), out)
        }
        StreamItem::CaughtUp { cursor } => {
            frame(Some("caught_up"), Some(cursor), Some(&json!({ "cursor": cursor })), out)
        }
        StreamItem::Heartbeat { status } => frame(Some("heartbeat"), None, Some(&status), out),
    }
}

fn cursor_of(item: &StreamItem) -> Option<Cursor> {
    match item {
        StreamItem::Start { cursor } | StreamItem::Event { cursor, .. } | StreamItem::CaughtUp { cursor } => {
            Some(*cursor)
        }
        StreamItem::Gap { .. } | StreamItem::Heartbeat { .. } => None,
    }
}

fn end(why: &End, cursor: Option<Cursor>, out: &mut Vec<u8>) {
    let said = match why {
        End::Closing => {
            let fault = closing();
            let bye = Bye { problem: Problem::new(&fault), cursor };
            frame(Some("bye"), None, Some(&bye), out)
        }
        End::Fault(fault) => frame(Some("fault"), None, Some(&Problem::new(fault)), out),
    };
    if let Err(error) = said {
        tracing::error!(%error, "the end of a stream could not be said");
    }
}

/// JSON has no line ends, so its data is one line.
fn frame<D: Serialize>(
    event: Option<&str>,
    id: Option<Cursor>,
    data: Option<&D>,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    let mut write = || -> std::io::Result<()> {
        if let Some(event) = event {
            writeln!(out, "event: {event}")?;
        }
        if let Some(id) = id {
            writeln!(out, "id: {id}")?;
        }
        out.extend_from_slice(b"data:");
        if let Some(data) = data {
            out.push(b' ');
            serde_json::to_writer(&mut *out, data)?;
        }
        out.extend_from_slice(b"\n\n");
        Ok(())
    };
    write().map_err(|error| Fault::bug("a frame does not go into JSON").cause(error))
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::model::Sequence;

    fn watching(attached: &Arc<AtomicU32>) -> Watching {
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        Watching::new(attached.clone(), place)
    }

    async fn text(items: Items, token: CancellationToken) -> String {
        let attached = Arc::default();
        let chunks: Vec<_> =
            frames(items, "h".into(), Leave::of_hub(token), watching(&attached)).collect().await;
        String::from_utf8(chunks.into_iter().flat_map(Result::unwrap).collect()).unwrap()
    }

    #[tokio::test]
    async fn frames_are_as_the_surface_says() {
        let cursor: Cursor = "w1.00000000000000000000000000000007.3.42".parse().unwrap();
        let items = stream::iter([
            Ok(StreamItem::Start { cursor }),
            Ok(StreamItem::Gap { from: Sequence(1), to: Sequence(2), reason: "cleaned".into() }),
            Ok(StreamItem::CaughtUp { cursor }),
            Err(Fault::unavailable("gone")),
        ]);
        assert_eq!(
            text(items.boxed(), CancellationToken::new()).await,
            format!(
                "retry: 2000\nid: {cursor}\ndata:\n\n\
                 event: gap\ndata: {{\"from\":1,\"reason\":\"cleaned\",\"to\":2}}\n\n\
                 event: caught_up\nid: {cursor}\ndata: {{\"cursor\":\"{cursor}\"}}\n\n\
                 event: fault\ndata: {{\"type\":\"urn:wheelhouse:fault:unavailable\",\"title\":\"Not there now\",\
                 \"status\":503,\"code\":\"unavailable\",\"message\":\"gone\"}}\n\n"
            )
        );
    }

    #[tokio::test]
    async fn a_closing_hub_ends_it_and_a_panic_is_said() {
        let token = CancellationToken::new();
        token.cancel();
        let closed = text(stream::pending().boxed(), token).await;
        assert!(closed.contains("event: bye\n") && closed.contains("\"message\":\"the hub is closing\""));
        let cursor: Cursor = "w1.00000000000000000000000000000007.3.42".parse().unwrap();
        let gone =
            text(stream::iter([Ok(StreamItem::Start { cursor })]).boxed(), CancellationToken::new()).await;
        assert!(gone.ends_with(&format!("\"cursor\":\"{cursor}\"}}\n\n")), "{gone}");
        let panics = stream::poll_fn(|_| panic!("over")).boxed();
        assert!(text(panics, CancellationToken::new()).await.contains("\"code\":\"bug\""));
    }

    #[tokio::test]
    async fn a_stream_is_counted_while_it_lives() {
        let attached = Arc::default();
        let frames = frames(
            stream::pending().boxed(),
            "h".into(),
            Leave::of_hub(CancellationToken::new()),
            watching(&attached),
        );
        assert_eq!(attached.load(Ordering::SeqCst), 1);
        drop(frames);
        assert_eq!(attached.load(Ordering::SeqCst), 0);
    }
}
