//! One connection from its first frame to its last.

use std::sync::Arc;

use axum::http::request::Parts;
use futures::{SinkExt, StreamExt, future::poll_fn};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    super::{
        Api,
        accept::STREAM_CLOSE_PATIENCE,
        gate::{Later, Leave, let_in_later},
        problem::Problem,
        reaper::Lane,
        sse::{Watching, closing},
    },
    PROTOCOL,
    frames::{Ack, Asked, Batch, Said, Sub, Unsub, told},
    subscriptions::{Subscription, Subscriptions},
};
use crate::{
    door::{Caller, StreamItem, StreamRequest},
    model::{Code, Cursor, Envelope, Fault},
};

/// Of what a client sends in one message.
pub const FRAME_BYTES_MAX: usize = 64 << 10;
const TOO_LARGE: &str = "a message has at most 64 KiB";
/// Buffers of one connection, for reading and for writing.
pub const SOCKET_BUFFER_BYTES: usize = 4 << 10;
/// Sent and not yet on its way; an event that is larger goes alone.
pub const IN_FLIGHT_BYTES_MAX: usize = 256 << 10;
/// Events in one frame.
pub const BATCH_EVENTS_MAX: usize = 1_000;
/// What is ready together goes out together, up to about this size. With the last one it still fits into 32 KiB,
/// and its buffer, which doubles, is no larger.
const CHUNK_BYTES: usize = 28 << 10;
/// Of the words in a frame that closes.
const REASON_BYTES_MAX: usize = 123;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A connection whose handshake is done.
pub struct Opening {
    pub api: Api,
    pub hub: String,
    pub asked: Parts,
    pub place: OwnedSemaphorePermit,
    pub lane: Arc<Lane>,
}

/// Why a connection ends.
enum End {
    /// There is nobody any more, or it said so.
    Gone,
    /// The hub closes.
    Closing,
    /// It did not read.
    Stopped,
    /// Nothing came from it.
    Silent,
    /// Who asks may not, or not any more.
    Denied(Fault),
    /// It speaks something else.
    Wrong(CloseCode, &'static str),
}

impl Opening {
    pub async fn run(mut self, upgraded: Upgraded) {
        let config = WebSocketConfig::default()
            .read_buffer_size(SOCKET_BUFFER_BYTES)
            .write_buffer_size(SOCKET_BUFFER_BYTES)
            .max_message_size(Some(FRAME_BYTES_MAX))
            .max_frame_size(Some(FRAME_BYTES_MAX));
        let mut socket =
            WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
        if let Err(end) = self.enter(&mut socket).await {
            return close(&mut socket, &end, Subscriptions::default()).await;
        }
        let extensions = &self.asked.extensions;
        let (Some(caller), Some(leave)) =
            (extensions.get::<Caller>().cloned(), extensions.get::<Leave>().cloned())
        else {
            tracing::error!("a socket that came past the gate");
            return;
        };
        let now = Instant::now();
        let Opening { api, hub, asked, place, lane } = self;
        // Its headers are slices of the buffer that the request was read into, which would live as long.
        drop(asked);
        let watching = Watching::new(api.attached.clone(), place);
        let mut session = Session {
            api,
            hub,
            caller,
            leave,
            lane,
            subscriptions: Subscriptions::default(),
            heard_at: now,
            beat_at: now,
            _watching: watching,
        };
        let Err(end) = session.serve(&mut socket).await;
        close(&mut socket, &end, session.subscriptions).await;
    }

    /// Who comes without a key says it first.
    async fn enter(&mut self, socket: &mut Socket) -> Result<(), End> {
        let Some(Later(needs)) = self.asked.extensions.get::<Later>().copied() else { return Ok(()) };
        let patience = self.api.patience.auth;
        let first = async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Text(text))) => return Ok(text),
                    Some(Ok(Message::Binary(_))) => return Err(End::Wrong(CloseCode::Unsupported, BINARY)),
                    other => return Err(broken(other)),
                }
            }
        };
        let denied = |message: String| {
            Fault::new(Code::Denied, message).hint("first comes `{\"op\":\"auth\",\"key\":KEY}`")
        };
        let first = tokio::select! {
            first = timeout(patience, first) => first.map_err(|_| {
                End::Denied(denied(format!("no key came within {patience:?}")))
            })??,
            () = self.api.token.cancelled() => return Err(End::Closing),
            () = self.lane.cut() => return Err(End::Stopped),
        };
        match Asked::parse(&first).map_err(End::Denied)? {
            Asked::Auth(auth) => let_in_later(needs, &mut self.asked, &auth.key)
                .await
                .map_err(|refusal| End::Denied(refusal.into_fault())),
            _ => Err(End::Denied(denied("this needs a key".to_owned()))),
        }
    }
}

const BINARY: &str = "frames are text";

struct Session {
    api: Api,
    hub: String,
    caller: Caller,
    leave: Leave,
    lane: Arc<Lane>,
    subscriptions: Subscriptions,
    /// When anything came last.
    heard_at: Instant,
    /// When the next sign of life is due.
    beat_at: Instant,
    _watching: Watching,
}

/// There is no other way out than an end.
type Never = std::convert::Infallible;

impl Session {
    async fn serve(&mut self, socket: &mut Socket) -> Result<Never, End> {
        let head = self.head().await.map_err(End::Denied)?;
        let ready = Said::Ready { protocol: PROTOCOL, hub: &self.hub, head }.text();
        self.send(socket, ready).await?;
        self.beat_at = Instant::now() + self.api.patience.heartbeat;
        loop {
            let due = self.beat_at.min(self.heard_at + self.api.patience.pong);
            // What came is heard before its sender is called silent, and signs of life go before events.
            tokio::select! {
                biased;
                ended = self.leave.over() => return Err(left(ended)),
                () = self.lane.cut() => return Err(End::Stopped),
                frame = socket.next() => self.hear(socket, frame).await?,
                () = sleep_until(due) => self.beat(socket).await?,
                (index, item) = poll_fn(|cx| self.subscriptions.poll_next(cx)) => {
                    self.deliver(socket, index, item).await?;
                }
            }
        }
    }

    async fn hear(&mut self, socket: &mut Socket, frame: Option<Result<Message, Error>>) -> Result<(), End> {
        let text = match frame {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                self.heard_at = Instant::now();
                return Ok(());
            }
            Some(Ok(Message::Binary(_))) => return Err(End::Wrong(CloseCode::Unsupported, BINARY)),
            other => return Err(broken(other)),
        };
        self.heard_at = Instant::now();
        let done = match Asked::parse(&text) {
            Ok(asked) => self.act(socket, asked).await?,
            Err(fault) => Err((None, fault)),
        };
        match done {
            Ok(()) => Ok(()),
            Err((sub, fault)) => {
                let problem = Problem::new(&fault);
                self.send(socket, Said::Err { sub: sub.as_deref(), problem }.text()).await
            }
        }
    }

    /// Inside: what was wrong, with the name of the subscription that it is about.
    async fn act(
        &mut self,
        socket: &mut Socket,
        asked: Asked,
    ) -> Result<Result<(), (Option<String>, Fault)>, End> {
        match asked {
            Asked::Auth(_) => {
                let fault = Fault::invalid("it is known already who asks here")
                    .hint("another key takes another connection");
                return Ok(Err((None, fault)));
            }
            Asked::Sub(sub) => {
                let id = sub.id.clone();
                return Ok(self.subscribe(*sub).await.map_err(|fault| (Some(id), fault)));
            }
            Asked::Unsub(Unsub { id }) => match self.subscriptions.end(&id) {
                Ok(ended) => {
                    let over = Said::Over { sub: &id, cursor: ended.place() }.text();
                    self.send(socket, over).await?;
                }
                Err(fault) => return Ok(Err((Some(id), fault))),
            },
            Asked::Ack(Ack { id, cursor }) => {
                let acknowledged = self.subscriptions.get(&id).and_then(|sub| sub.acknowledged(cursor));
                return Ok(acknowledged.map_err(|fault| (Some(id), fault)));
            }
            Asked::Ping(_) => self.say_beat(socket).await?,
        }
        Ok(Ok(()))
    }

    async fn subscribe(&mut self, sub: Sub) -> Result<(), Fault> {
        self.subscriptions.check(&sub.id)?;
        let request = StreamRequest { filter: sub.filter(), after: sub.after };
        let items = self.api.door.stream(&self.caller, request).await?;
        self.subscriptions.add(Subscription::new(sub.id, items, sub.acks));
        Ok(())
    }

    /// An item, and with an event those that are ready after it.
    async fn deliver(
        &mut self,
        socket: &mut Socket,
        index: usize,
        first: Option<Result<StreamItem, Fault>>,
    ) -> Result<(), End> {
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(item) = next {
            let (cursor, event) = match item {
                Some(Ok(StreamItem::Event { cursor, event })) => (cursor, Envelope::new(event, &self.hub)),
                other => {
                    self.send_batch(socket, index, &mut batch).await?;
                    return self.deliver_other(socket, index, other).await;
                }
            };
            let told = told(cursor, &event);
            if batch.events() > 0 && batch.bytes() + told.len() > IN_FLIGHT_BYTES_MAX {
                self.send_batch(socket, index, &mut batch).await?;
            }
            batch.push(cursor, &told);
            let subscription = self.subscriptions.at(index);
            subscription.sends(cursor, told.len());
            let goes_on =
                batch.bytes() < CHUNK_BYTES && batch.events() < BATCH_EVENTS_MAX && subscription.is_open();
            next = if goes_on { subscription.ready() } else { None };
        }
        self.send_batch(socket, index, &mut batch).await
    }

    async fn send_batch(&mut self, socket: &mut Socket, index: usize, batch: &mut Batch) -> Result<(), End> {
        let Some((frame, cursor)) = batch.take(&self.subscriptions.at(index).id) else { return Ok(()) };
        let begun = Instant::now();
        self.send(socket, frame).await?;
        self.subscriptions.at(index).sent(cursor);
        if begun.elapsed() < self.api.patience.lag {
            return Ok(());
        }
        let Ok(head) = self.head().await else { return Ok(()) };
        let behind = head.sequence.0.saturating_sub(cursor.sequence.0);
        let lag = Said::Lag { sub: &self.subscriptions.at(index).id, cursor, behind }.text();
        self.send(socket, lag).await
    }

    async fn deliver_other(
        &mut self,
        socket: &mut Socket,
        index: usize,
        item: Option<Result<StreamItem, Fault>>,
    ) -> Result<(), End> {
        let subscription = self.subscriptions.at(index);
        let sub = subscription.id.clone();
        let (frame, place) = match item {
            Some(Ok(StreamItem::Start { cursor })) => {
                (Said::Begun { sub: &sub, cursor }.text(), Some(cursor))
            }
            Some(Ok(StreamItem::CaughtUp { cursor })) => {
                (Said::CaughtUp { sub: &sub, cursor }.text(), Some(cursor))
            }
            Some(Ok(StreamItem::Gap { from, to, reason })) => {
                (Said::Gap { sub: &sub, from, to, reason: &reason }.text(), None)
            }
            // Where it is without an event, for the next sign of life.
            Some(Ok(StreamItem::Heartbeat { status })) => {
                subscription.sent(status.head);
                return Ok(());
            }
            Some(Ok(StreamItem::Event { .. })) => return Ok(()),
            Some(Err(fault)) => {
                if let Err(fault) = self.subscriptions.end(&sub) {
                    tracing::error!(%fault, "a subscription that failed is not there");
                }
                (Said::Err { sub: Some(&sub), problem: Problem::new(&fault) }.text(), None)
            }
            None => return Err(End::Closing),
        };
        self.send(socket, frame).await?;
        if let Some(place) = place {
            self.subscriptions.at(index).sent(place);
        }
        Ok(())
    }

    /// A sign of life, and whether there is one from the other end.
    async fn beat(&mut self, socket: &mut Socket) -> Result<(), End> {
        if self.heard_at.elapsed() >= self.api.patience.pong {
            return Err(End::Silent);
        }
        self.beat_at = Instant::now() + self.api.patience.heartbeat;
        self.put(socket, Message::Ping(Vec::new().into())).await?;
        self.say_beat(socket).await
    }

    async fn say_beat(&mut self, socket: &mut Socket) -> Result<(), End> {
        let beat = Said::Hb { time: self.api.clock.now(), subs: self.subscriptions.places() }.text();
        self.send(socket, beat).await
    }

    async fn head(&mut self) -> Result<Cursor, Fault> {
        Ok(self.api.door.status().await?.head)
    }

    async fn send(&mut self, socket: &mut Socket, frame: String) -> Result<(), End> {
        self.put(socket, Message::text(frame)).await
    }

    /// Until it is on its way. Who has to go goes, also while it does not get there.
    async fn put(&mut self, socket: &mut Socket, message: Message) -> Result<(), End> {
        tokio::select! {
            biased;
            ended = self.leave.over() => Err(left(ended)),
            () = self.lane.cut() => Err(End::Stopped),
            sent = socket.send(message) => sent.map_err(|_| End::Gone),
        }
    }
}

fn left(ended: Option<Fault>) -> End {
    ended.map_or(End::Closing, End::Denied)
}

/// What came instead of a message.
fn broken(frame: Option<Result<Message, Error>>) -> End {
    match frame {
        Some(Err(Error::Capacity(_))) => End::Wrong(CloseCode::Size, TOO_LARGE),
        Some(Err(Error::Utf8(_))) => End::Wrong(CloseCode::Invalid, "texts are UTF-8"),
        Some(Err(Error::Protocol(_))) => End::Wrong(CloseCode::Protocol, "that is no frame of RFC 6455"),
        _ => End::Gone,
    }
}

/// Says why, to a client that reads, and waits for its answer so that nothing of it is lost.
async fn close(socket: &mut Socket, end: &End, subscriptions: Subscriptions) {
    let place = subscriptions.first_place();
    let (bye, code, reason) = match end {
        End::Gone => return,
        End::Closing => (Some(closing()), CloseCode::Away, cursor_or(place, "the hub is closing")),
        End::Stopped => (None, CloseCode::Again, cursor_or(place, "nothing was read for too long")),
        End::Silent => (None, CloseCode::Policy, "nothing came for too long, not even a pong".to_owned()),
        End::Denied(fault) => (Some(fault.clone()), CloseCode::Policy, fault.message.clone()),
        End::Wrong(code, why) => (None, *code, (*why).to_owned()),
    };
    let bye = bye.map(|fault| {
        let problem = Problem::new(&fault);
        Said::Bye { problem, cursor: place, subs: subscriptions.places() }.text()
    });
    drop(subscriptions);
    let ending = async {
        if let Some(bye) = bye {
            socket.send(Message::text(bye)).await?;
        }
        let reason = reason.chars().scan(0, |bytes, c| {
            *bytes += c.len_utf8();
            (*bytes <= REASON_BYTES_MAX).then_some(c)
        });
        let reason = reason.collect::<String>().into();
        socket.close(Some(CloseFrame { code, reason })).await?;
        while socket.next().await.is_some_and(|frame| frame.is_ok()) {}
        Ok::<_, Error>(())
    };
    match timeout(STREAM_CLOSE_PATIENCE, ending).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a socket was gone before it was told why it ends"),
        Err(_) => tracing::debug!("a socket did not hear in time why it ends"),
    }
}

fn cursor_or(place: Option<Cursor>, words: &str) -> String {
    place.map_or_else(|| words.to_owned(), |place| place.to_string())
}
