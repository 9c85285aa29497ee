//! `--headless`: a hub without a console, until it is told to end.
//!
//! The first SIGTERM or Ctrl-C lets requests in flight finish and streams say where they were; a second one ends at
//! once, which loses nothing acknowledged. SIGHUP reads the settings again.

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
    door::{Door, Status},
    home::Home,
    model::Fault,
    report,
    tasks::Tasks,
    telemetry::Guard,
};

/// What runs beside the hub has nothing to finish.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// Owns the data directory, or says who does; serves until a signal.
pub async fn run(setup: Setup, mut out: Out, typed: (&Global, &Alone), log: &Guard) -> Result<(), Stop> {
    let mut signals = Signals::listen()?;
    let notifier = Notifier::of_env();
    let clock = setup.clock();
    let home = Home::new(setup.home(clock.clone(), true, setup.reach(typed.1)?));
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
        beside.spawn(watch(door, notifier.clone(), period, beside.token()));
    }
    notifier.ready(&ready(&status));
    let mut running = reload::Running { setup, clock, typed, log, home: &home };
    while signals.next().await == Heard::HangUp {
        notifier.reloading();
        running.reload(&out);
        notifier.ready(&ready(&status));
    }
    notifier.stopping();
    tracing::info!("told to end");
    beside.end(END_PATIENCE).await;
    tokio::select! {
        () = home.close() => Ok(()),
        () = signals.end() => Err(Stop::Interrupted),
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
