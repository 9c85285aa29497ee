//! `--headless`: a hub without a console, until it is told to end.
//!
//! The first SIGTERM or Ctrl-C lets requests in flight and runs of jobs finish, and streams say where they were; a second
//! one ends at once, which loses nothing acknowledged. SIGHUP reads the settings again.

mod notify;
mod reload;

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{MissedTickBehavior, interval, timeout},
};

use self::notify::Notifier;
use super::{
    Stop,
    args::{Alone, Global},
    out::Out,
    setup::Setup,
    text,
};
use crate::{
    door::{Door, RUNS_PAGE_MAX, RunsRequest, Status, WhichRuns},
    home::{Home, Stay, local_caller},
    model::{
        Fault,
        job::{RunState, Span},
    },
    report,
    tasks::Tasks,
    telemetry::Guard,
};

/// What runs beside the hub has nothing to finish.
const END_PATIENCE: Duration = Duration::from_secs(1);
/// How long runs of jobs may go on once it is told to end.
const RUNS_PATIENCE: Duration = Duration::from_secs(30);

/// Owns the data directory, or says who does; serves until a signal.
pub async fn run(setup: Setup, mut out: Out, typed: (&Global, &Alone), log: &Guard) -> Result<(), Stop> {
    let mut signals = Signals::listen()?;
    let notifier = Notifier::of_env();
    let clock = setup.clock();
    let home = Home::new(setup.home(clock.clone(), Stay::Face, setup.reach(typed.1)?));
    let started = tokio::select! {
        started = start(&home) => Some(started),
        () = signals.end() => None,
    };
    let (door, status) = match started {
        Some(Ok(started)) => started,
        stopped => {
            home.close().await;
            return stopped.map_or(Ok(()), |failed| failed.map(drop).map_err(Stop::from));
        }
    };
    warn_of_open(&out, &status);
    if let Err(error) = say(&mut out, &status) {
        tracing::debug!(?error, "nobody reads what a start says");
    }
    let beside = Tasks::new();
    if let Some(period) = notifier.watchdog() {
        beside.spawn(watch(door.clone(), notifier.clone(), period, beside.token()));
    }
    notifier.ready(&ready(&status));
    let mut running = reload::Running { setup, clock, typed, log, home: &home };
    let idle = idle(&home, &*door, typed.1.idle_exit);
    tokio::pin!(idle);
    loop {
        tokio::select! {
            heard = signals.next() => match heard {
                Heard::End => {
                    tracing::info!("told to end");
                    break;
                }
                Heard::HangUp => {
                    notifier.reloading();
                    running.reload(&out);
                    notifier.ready(&ready(&status));
                }
            },
            () = &mut idle => {
                tracing::info!("nobody was connected for as long as was said");
                break;
            }
        }
    }
    notifier.stopping();
    beside.end(END_PATIENCE).await;
    tokio::select! {
        _ = home.end(RUNS_PATIENCE) => Ok(()),
        () = signals.end() => Err(Stop::Interrupted),
    }
}

/// Until nobody is connected, and no run is on its way, for this long.
async fn idle(home: &Home, door: &dyn Door, patience: Option<Span>) {
    let Some(patience) = patience else { return std::future::pending().await };
    loop {
        home.idle(patience.duration()).await;
        let live = RunsRequest { which: WhichRuns::Live, limit: RUNS_PAGE_MAX, ..RunsRequest::default() };
        match door.runs(&local_caller(home.clock()), live).await {
            Ok(page) if page.items.iter().any(|view| view.run.state == RunState::Running) => {}
            Ok(_) => return,
            Err(fault) => tracing::warn!(%fault, "whether something runs is not known; the hub stays"),
        }
    }
}

async fn start(home: &Home) -> Result<(Arc<dyn Door>, Status), Fault> {
    let door = home.own().await?;
    let status = door.status().await?;
    Ok((door, status))
}

/// What a start says on standard output: where it answers.
fn say(out: &mut Out, status: &Status) -> Result<(), Stop> {
    let Status { hub, version, pid, data_dir, socket, listeners, .. } = status;
    if out.manner.json {
        return out.document(&json!({
            "hub": hub, "version": version, "pid": pid, "data_dir": data_dir, "socket": socket,
            "listeners": listeners,
        }));
    }
    let mut rows = vec![
        ("hub", format!("{}, {version}", report::escape_line(hub))),
        ("process", format!("pid {pid}")),
        ("data", report::escape_line(data_dir)),
    ];
    rows.extend(socket.as_ref().map(|socket| ("socket", report::escape_line(socket))));
    rows.extend(listeners.iter().map(|listener| ("listens", listener.url.clone())));
    let paint = out.paint();
    for line in text::fields(&rows, paint) {
        out.line(&line)?;
    }
    out.flush()
}

/// Said again in every status.
fn warn_of_open(out: &Out, status: &Status) {
    let open: Vec<&str> =
        status.listeners.iter().filter(|listener| !listener.keys).map(|open| open.url.as_str()).collect();
    if !open.is_empty() {
        let banner =
            format!("NO KEYS: every program on this machine may do everything at {}", open.join(", "));
        out.manner.complain(&format!("{}\n", out.manner.stderr_paint.red(&banner)));
    }
}

/// A line for `systemctl status`.
fn ready(status: &Status) -> String {
    let urls = status.listeners.iter().map(|listener| listener.url.as_str());
    let places: Vec<&str> = status.socket.as_deref().into_iter().chain(urls).collect();
    format!("{} answers at {}", status.hub, places.join(", "))
}

/// Tells the watchdog that the hub lives, only as long as it answers.
async fn watch(
    door: Arc<dyn Door>,
    notifier: Notifier,
    period: Duration,
    token: tokio_util::sync::CancellationToken,
) {
    let mut beats = interval(period / 2);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beats.tick() => {}
            () = token.cancelled() => return,
        }
        match timeout(period / 4, door.status()).await {
            Ok(Ok(_)) => notifier.alive(),
            Ok(Err(fault)) => {
                tracing::error!(%fault, "the hub does not answer; the watchdog is not told that it lives")
            }
            Err(_) => {
                tracing::error!("the hub does not answer in its time; the watchdog is not told that it lives")
            }
        }
    }
}

#[derive(PartialEq)]
enum Heard {
    End,
    HangUp,
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> Result<Signals, Fault> {
        let listen =
            |kind| signal(kind).map_err(|error| Fault::unavailable("cannot listen for signals").cause(error));
        Ok(Signals {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Heard {
        tokio::select! {
            _ = self.interrupt.recv() => Heard::End,
            _ = self.terminate.recv() => Heard::End,
            _ = self.hang_up.recv() => Heard::HangUp,
        }
    }

    /// Until it is to end; while it starts or ends, settings are not read again.
    async fn end(&mut self) {
        while self.next().await != Heard::End {}
    }
}
