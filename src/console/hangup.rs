//! The terminal that goes away: a closed window, a broken SSH line.
//!
//! The library that reads keys loops for ever inside one read when its terminal has hung up, and the loop that would see
//! the signal never runs again. So the end is watched for from the side: the loop gets its chance, then the hub is closed
//! in order and the process ends.

use std::{sync::Arc, time::Duration};

use rustix::event::{PollFd, PollFlags, poll};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

use crate::home::Home;

/// How long the loop may take to end by itself.
const LOOP_PATIENCE: Duration = Duration::from_secs(1);
/// 128 and SIGHUP's number, as a shell says it.
const EXIT_STATUS: i32 = 129;

/// Until the terminal is gone or `token` is cancelled; does not return when the loop could not end by itself. `seen`:
/// someone looked and it was gone, for where no signal comes (a process that its parent shields from it).
pub async fn watch(homes: Vec<Arc<Home>>, seen: Arc<Notify>, token: CancellationToken) {
    tokio::select! {
        () = token.cancelled() => return,
        () = signalled() => {}
        () = seen.notified() => {}
    }
    tokio::select! {
        () = token.cancelled() => return,
        () = tokio::time::sleep(LOOP_PATIENCE) => {}
    }
    tracing::info!("the terminal is gone");
    for home in homes {
        home.close().await;
    }
    std::process::exit(EXIT_STATUS);
}

async fn signalled() {
    match signal(SignalKind::hangup()) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => std::future::pending().await,
    }
}

pub fn is_hung_up() -> bool {
    let stdin = std::io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}
