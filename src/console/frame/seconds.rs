//! The turn of every second, for the clock on screen, at the price of two wake-ups: this thread's and the loop's.
//!
//! Tokio's timers count in coarse wheels: one that is a second away wakes a worker twice or three times before it wakes
//! who waits. An idle console has no other timer, so that its clock has a thread of its own.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::sync::Notify;

use crate::tasks::Clock;

const SECOND_MS: i64 = 1_000;

/// Ends its thread when dropped.
pub struct Seconds {
    turned: Arc<Notify>,
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Seconds {
    /// `look` is called at every turn: what else must be looked at now and then needs no timer of its own.
    pub fn start(clock: Clock, look: impl Fn() + Send + 'static) -> io::Result<Seconds> {
        let turned = Arc::new(Notify::new());
        let (end, ended) = mpsc::channel();
        let tell = Arc::clone(&turned);
        let thread = std::thread::Builder::new().name("console-clock".into()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(rest(&clock)) {
                tell.notify_one();
                look();
            }
        })?;
        Ok(Seconds { turned, end: Some(end), thread: Some(thread) })
    }

    /// The next turn. One that was missed is told at once, however many they were.
    pub async fn next(&self) {
        self.turned.notified().await;
    }
}

/// What is left of this second.
fn rest(clock: &Clock) -> Duration {
    let left = SECOND_MS - clock.now().unix_ms().rem_euclid(SECOND_MS);
    Duration::from_millis(left as u64)
}

impl Drop for Seconds {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::debug!("the clock's thread panicked");
        }
    }
}
