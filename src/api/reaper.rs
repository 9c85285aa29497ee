//! Clients that stopped reading, found from outside of what writes to them.
//!
//! What writes is blocked in its write, so a deadline beside it in the same task never fires. Each connection notes here
//! since when its socket takes nothing, and one task of its own looks through the notes and cuts.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// A write that is not accepted for this long ends its connection.
pub const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// Looks in one patience: what is cut is cut at most so much of it later.
const LOOKS: u32 = 10;
/// A note that there is nothing to wait for.
const MOVES: u64 = 0;

/// All connections, and how long each may take nothing.
#[derive(Clone)]
pub struct Reaper(Arc<Watch>);

struct Watch {
    begun: Instant,
    patience: Duration,
    lanes: Mutex<Vec<Weak<Lane>>>,
}

/// What is known of one connection's writes.
pub struct Lane {
    begun: Instant,
    /// Milliseconds after `begun`, from when on nothing was taken.
    waits_since: AtomicU64,
    cut: CancellationToken,
}

impl Reaper {
    pub fn new(patience: Duration) -> Reaper {
        Reaper(Arc::new(Watch { begun: Instant::now(), patience, lanes: Mutex::default() }))
    }

    /// A lane for a new connection, looked at while it lives.
    pub fn lane(&self) -> Arc<Lane> {
        let lane = Arc::new(Lane {
            begun: self.0.begun,
            waits_since: AtomicU64::new(MOVES),
            cut: CancellationToken::new(),
        });
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&lane));
        lane
    }

    /// Looks until it is told to end.
    pub async fn run(self, end: CancellationToken) {
        let mut looks = interval((self.0.patience / LOOKS).max(Duration::from_millis(1)));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = looks.tick() => self.look(),
                () = end.cancelled() => return,
            }
        }
    }

    fn look(&self) {
        let mut lanes = self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.retain(|lane| {
            let Some(lane) = lane.upgrade() else { return false };
            let is_over = lane.waits().is_some_and(|waits| waits >= self.0.patience);
            if is_over {
                tracing::info!("a client that took nothing for {:?} is cut", self.0.patience);
                lane.cut.cancel();
            }
            !is_over
        });
    }
}

impl Lane {
    /// Until its client took nothing for too long.
    pub async fn cut(&self) {
        self.cut.cancelled().await;
    }

    /// How long its client has taken nothing of what is to be written.
    fn waits(&self) -> Option<Duration> {
        match self.waits_since.load(Ordering::Relaxed) {
            MOVES => None,
            since => Some(Duration::from_millis(self.now().saturating_sub(since))),
        }
    }

    fn now(&self) -> u64 {
        // Never the number that means something else.
        self.begun.elapsed().as_millis() as u64 + 1
    }

    fn note<T>(&self, poll: &Poll<io::Result<T>>) {
        if poll.is_ready() {
            self.waits_since.store(MOVES, Ordering::Relaxed);
        } else if self.waits_since.load(Ordering::Relaxed) == MOVES {
            self.waits_since.store(self.now(), Ordering::Relaxed);
        }
    }
}

/// A socket whose writes are noted.
pub struct Watched<S> {
    socket: S,
    lane: Arc<Lane>,
}

impl<S> Watched<S> {
    pub fn new(socket: S, lane: Arc<Lane>) -> Watched<S> {
        Watched { socket, lane }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.lane.note(&poll);
        poll
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.socket).poll_write_vectored(cx, parts);
        self.lane.note(&poll);
        poll
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.socket).poll_flush(cx);
        self.lane.note(&poll);
        poll
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.socket).poll_shutdown(cx);
        self.lane.note(&poll);
        poll
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// The clock runs ahead while nothing happens.
    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_cut_and_nobody_else() {
        let (reaper, end) = (Reaper::new(WRITE_PATIENCE), CancellationToken::new());
        let (slow, stopped) = (reaper.lane(), reaper.lane());
        let (mut reader, slow_end) = duplex(8);
        let (_unread, stopped_end) = duplex(8);
        let mut to_slow = Watched::new(slow_end, slow.clone());
        let mut to_stopped = Watched::new(stopped_end, stopped.clone());
        let begun = Instant::now();
        let looks = reaper.run(end.clone());
        let writes = async {
            let read_slowly = async {
                let mut byte = [0; 8];
                for _ in 0..8 {
                    tokio::time::sleep(WRITE_PATIENCE / 2).await;
                    reader.read_exact(&mut byte).await.unwrap();
                }
            };
            let (written, ()) = tokio::join!(to_slow.write_all(&[0; 64]), read_slowly);
            written.unwrap();
            end.cancel();
        };
        let cut = async {
            tokio::select! {
                written = to_stopped.write_all(&[0; 64]) => panic!("nobody reads: {written:?}"),
                () = stopped.cut() => begun.elapsed(),
            }
        };
        let ((), (), after) = tokio::join!(looks, writes, cut);
        assert!((WRITE_PATIENCE..WRITE_PATIENCE + WRITE_PATIENCE / 5).contains(&after), "{after:?}");
        assert!(!slow.cut.is_cancelled(), "it takes little, but it takes");
    }
}
