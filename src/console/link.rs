//! A hub's end of the console: finds a door, keeps it, finds another when it is gone.
//!
//! One task for each hub. It tells what it sees as messages, batched, through the one bounded queue: when the screen is slower than
//! the hub, the stream waits, and nothing is lost. It resumes by cursor, so a hub that went away and came back leaves
//! no hole and shows nothing twice.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    model::{At, EVENTS_MAX, Stretch},
    msg::{Link, Msg},
};
use crate::{
    door::{Door, EventQuery, Order, Status, StreamItem, StreamRequest},
    home::{Home, local_caller},
    model::{Cursor, Fault},
};

const BACKOFF_FIRST: Duration = Duration::from_millis(250);
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// The backoff begins anew after the hub was there this long.
const SETTLED: Duration = Duration::from_secs(5);
/// Events the Timeline begins with.
const FIRST_PAGE: usize = 500;
/// Events in one message.
const BATCH_MAX: usize = 512;
/// The header's counts are asked anew at most this often while memories change.
const STATUS_PAUSE: Duration = Duration::from_millis(400);
/// Two heartbeats and some air without a word: the connection may be open at this end alone.
const SILENCE_MAX: Duration = Duration::from_secs(32);

/// What the rest of the console holds of the link: the door, as long as there is one.
pub type CurrentDoor = watch::Receiver<Option<Arc<dyn Door>>>;

/// A hub as those see it who ask.
pub struct Line {
    pub door: CurrentDoor,
    /// Try now, not after the backoff.
    pub retry: Arc<Notify>,
}

pub struct LinkTask {
    /// Which hub it is.
    pub at: At,
    pub home: Arc<Home>,
    pub door: watch::Sender<Option<Arc<dyn Door>>>,
    pub send: mpsc::Sender<Msg>,
    /// Try now, not after the backoff.
    pub retry: Arc<Notify>,
    pub token: CancellationToken,
}

/// The queue's other end is gone: the console ends.
struct Ended;

/// Why a door is given up.
enum Lost {
    Fault(Fault),
    /// Not a word for too long.
    Silent,
}

impl From<mpsc::error::SendError<Msg>> for Ended {
    fn from(_: mpsc::error::SendError<Msg>) -> Ended {
        Ended
    }
}

impl LinkTask {
    pub async fn run(self) {
        let token = self.token.clone();
        tokio::select! {
            () = token.cancelled() => {}
            _ = self.keep() => {}
        }
    }

    async fn keep(&self) -> Result<(), Ended> {
        let mut cursor: Option<Cursor> = None;
        let mut backoff = BACKOFF_FIRST;
        loop {
            let began = Instant::now();
            let fault = match self.home.door().await {
                Ok(opened) => {
                    self.door.send_replace(Some(Arc::clone(&opened.door)));
                    let lost = self.live(&opened.door, &mut cursor).await?;
                    self.door.send_replace(None);
                    match lost {
                        Lost::Fault(fault) => fault,
                        // It may be there all the same: tried at once, and only when that fails after a pause.
                        Lost::Silent => {
                            let since = self.home.clock().now().minus(SILENCE_MAX);
                            self.tell(Link::Stale { since }).await?;
                            continue;
                        }
                    }
                }
                Err(fault) => fault,
            };
            if began.elapsed() >= SETTLED {
                backoff = BACKOFF_FIRST;
            }
            let wait = jittered(backoff, self.home.clock().id().as_bytes()[15]);
            backoff = (backoff * 2).min(BACKOFF_MAX);
            let retry_at = self.home.clock().now().plus(wait);
            self.tell(Link::Down { fault, retry_at }).await?;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.retry.notified() => backoff = BACKOFF_FIRST,
            }
        }
    }

    async fn tell(&self, link: Link) -> Result<(), Ended> {
        Ok(self.send.send(Msg::Link(self.at, link)).await?)
    }

    /// As long as the door answers. `Ok` is why it no longer does.
    async fn live(&self, door: &Arc<dyn Door>, cursor: &mut Option<Cursor>) -> Result<Lost, Ended> {
        let caller = local_caller(self.home.clock());
        let status = match door.status().await {
            Ok(status) => status,
            Err(fault) => return Ok(Lost::Fault(fault)),
        };
        let head = status.head;
        let settling = !is_ready(&status);
        let mut owned = self.home.owns();
        self.tell(Link::Up { owned, status: Box::new(status) }).await?;
        let near = |at: &Cursor| {
            at.log == head.log
                && at.epoch == head.epoch
                && at.sequence <= head.sequence
                && head.sequence.0 - at.sequence.0 < EVENTS_MAX as u64
        };
        let mut after = match cursor.filter(near) {
            Some(at) => at,
            None => {
                let query = EventQuery { limit: FIRST_PAGE, ..EventQuery::default() };
                let page = match door.events(&caller, query).await {
                    Ok(page) => page,
                    Err(fault) => return Ok(Lost::Fault(fault)),
                };
                let head = page.head;
                self.tell(Link::Begin(Stretch::of(page, Order::Desc))).await?;
                head
            }
        };
        *cursor = Some(after);
        let request = StreamRequest { after: Some(after), ..StreamRequest::default() };
        let mut stream = match door.stream(&caller, request).await {
            Ok(stream) => stream.ready_chunks(BATCH_MAX),
            Err(fault) => return Ok(Lost::Fault(fault)),
        };
        // Whoever had it may have gone between the first answer and the stream.
        if owned != self.home.owns()
            && let Ok(status) = door.status().await
        {
            self.tell_status(status, &mut owned).await?;
        }
        let mut ask_status_at = settling.then(|| Instant::now() + STATUS_PAUSE);
        loop {
            let silent_at = Instant::now() + SILENCE_MAX;
            let items = tokio::select! {
                items = stream.next() => items,
                () = tokio::time::sleep_until(silent_at) => return Ok(Lost::Silent),
                () = at(ask_status_at) => {
                    ask_status_at = None;
                    if let Ok(status) = door.status().await {
                        if !is_ready(&status) {
                            ask_status_at = Some(Instant::now() + STATUS_PAUSE);
                        }
                        self.tell_status(status, &mut owned).await?;
                    }
                    continue;
                }
            };
            let Some(items) = items else { return Ok(Lost::Fault(Fault::unavailable("the hub closed"))) };
            let mut events = Vec::new();
            for item in items {
                match item {
                    Ok(StreamItem::Event { cursor, event }) => {
                        after = cursor;
                        if matches!(event.domain(), "memory" | "decision") {
                            ask_status_at.get_or_insert(Instant::now() + STATUS_PAUSE);
                        }
                        events.push(Arc::new(event));
                    }
                    Ok(StreamItem::Start { cursor } | StreamItem::CaughtUp { cursor }) => after = cursor,
                    Ok(StreamItem::Heartbeat { status }) => {
                        if !is_ready(&status) {
                            ask_status_at.get_or_insert(Instant::now() + STATUS_PAUSE);
                        }
                        self.tell_status(*status, &mut owned).await?;
                    }
                    Ok(StreamItem::Gap { from, to, reason }) => {
                        if reason == "history_changed" {
                            *cursor = None;
                            let fault = Fault::unavailable("the hub's history changed; reading it anew");
                            return Ok(Lost::Fault(fault));
                        }
                        self.tell(Link::Gap { from, to, reason }).await?;
                    }
                    Err(fault) => return Ok(Lost::Fault(fault)),
                }
            }
            *cursor = Some(after);
            if !events.is_empty() {
                self.tell(Link::Events(events)).await?;
            }
        }
    }
}

impl LinkTask {
    /// How the hub does; and that it is this process's now, when a request has made it so.
    async fn tell_status(&self, status: Status, owned: &mut bool) -> Result<(), Ended> {
        let status = Box::new(status);
        let now = self.home.owns();
        let link = if std::mem::replace(owned, now) == now {
            Link::Status(status)
        } else {
            Link::Up { owned: now, status }
        };
        self.tell(link).await
    }
}

/// Whether nothing is on its way that only another status would tell.
fn is_ready(status: &Status) -> bool {
    status.views.iter().all(|view| view.state.is_ready())
}

async fn at(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}

/// Three quarters to five quarters of it, so that many consoles do not come back in the same moment.
fn jittered(span: Duration, random: u8) -> Duration {
    span * (192 + u32::from(random) / 2) / 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_near() {
        for random in [0, 17, 255] {
            let wait = jittered(BACKOFF_FIRST, random);
            assert!(wait >= BACKOFF_FIRST * 3 / 4 && wait <= BACKOFF_FIRST * 5 / 4, "{wait:?}");
        }
    }
}
