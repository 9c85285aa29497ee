//! Verbs: what is typed becomes requests to a door, and its answers become lines or JSON.
//!
//! Separate from the console because a verb asks once and ends. It works the same whether a hub is running or
//! not: `home` finds the door, and everything after that goes through it. What was typed (`args`) and what it means
//! (`setup`, the requests of the door) are two types.
//!
//! With `--json` standard output carries one document, or a line each for what is long, and nothing else; faults go to
//! standard error, and the exit status says which one it was.

mod add;
mod adr;
mod args;
pub mod bench;
mod calibration;
mod config;
mod decide;
mod decisions;
mod edit;
mod events;
mod fsck;
mod get;
mod headless;
mod health;
mod import;
mod jobs;
mod key;
mod keymap;
mod manual;
mod mcp;
mod out;
mod outcome;
mod plain;
mod reindex;
mod search;
mod setup;
mod status;
mod stop;
mod text;
mod verb;

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub use self::{args::Typed, out::Manner, stop::Stop};
use self::{
    args::{Alone, Bench, Events, Global, Jobs, Mcp, Verb},
    out::Out,
    setup::{IDLE_EXIT, Setup},
    verb::Ask,
};
use crate::{
    api::Reach,
    console::{self, ConsoleOptions, panes::log::LogPlace},
    door::id,
    home::{HandedOver, Home, Stay},
    model::Fault,
    tasks::Clock,
    telemetry::{self, LogOptions, Ring},
};

/// Threads that answer while a verb owns the hub; what blocks has threads of its own.
const WORKERS: usize = 2;
/// What still runs when everything was closed is left behind after this.
const END_PATIENCE: Duration = Duration::from_secs(1);

/// What was typed. A slip ends the program here, with clap's words and exit status 2.
pub fn parse() -> Typed {
    Typed::parse()
}

/// Does what was typed.
pub fn run(typed: Typed, manner: Manner) -> Result<(), Stop> {
    let mut out = Out::new(manner);
    let Typed { mut global, alone, mut verb } = typed;
    let mut attached = None;
    if let Some(Verb::Attach { hubs }) = verb {
        // One that is named is the hub of this run, as with `--hub`.
        match <[String; 1]>::try_from(hubs) {
            Ok([hub]) => global.hub = Some(hub),
            Err(hubs) => attached = Some(hubs),
        }
        verb = None;
    }
    let face = match verb {
        Some(_) if alone.given().is_some() => return Err(with_a_verb(&alone).into()),
        Some(verb) => match without_hub(&verb, &global, &mut out) {
            Some(done) => return done,
            None if matches!(verb, Verb::Mcp { .. }) => Face::Mcp,
            None => Face::Verb(verb),
        },
        // A cursor cannot be placed there: what a screen would show is told instead.
        None if alone.headless => Face::Headless,
        None if alone.plain || manner.stdout_is_terminal && console::caps::is_dumb() => Face::Plain,
        None if !manner.stdout_is_terminal => return Err(no_terminal().into()),
        None => Face::Console,
    };
    let keys = setup::keymap_path(&global)?;
    let mut setup = Setup::new(&global)?;
    if let Some(hubs) = attached {
        setup.attach(&hubs)?;
        if setup.is_of_many() && !matches!(face, Face::Console) {
            return Err(only_one().into());
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .map_err(|error| Fault::unavailable("cannot start the program's threads").cause(error))?;
    let log = |ring, to_stderr| {
        telemetry::start(LogOptions {
            data_dir: &setup.data_dir,
            level: &setup.config.log_level,
            format: setup.config.log_format,
            ring,
            to_stderr,
        })
    };
    let (done, _log) = match face {
        Face::Verb(verb) => {
            let log = log(None, false);
            (runtime.block_on(ask(verb, setup, out)), log)
        }
        Face::Mcp => {
            let log = log(None, false);
            (runtime.block_on(mcp::serve(setup, &out)), log)
        }
        Face::Plain => {
            let log = log(None, false);
            (runtime.block_on(plain_console(setup, out, &global, &alone)), log)
        }
        Face::Headless => {
            // A unit's standard error is the journal's.
            let is_kept = std::env::var_os("JOURNAL_STREAM").is_some();
            let log = log(None, manner.stderr_is_terminal || is_kept);
            (runtime.block_on(headless::run(setup, out, (&global, &alone), &log)), log)
        }
        Face::Console => {
            let ring = Arc::new(Ring::new(Clock::system()));
            let log = log(Some(Arc::clone(&ring)), false);
            (runtime.block_on(console(setup, &alone, keys, ring, log.is_written(), &out)), log)
        }
    };
    runtime.shutdown_timeout(END_PATIENCE);
    done
}

/// How the program is used.
enum Face {
    Verb(Verb),
    /// By an agent.
    Mcp,
    Plain,
    Headless,
    Console,
}

/// Does what needs no hub; none where it does.
fn without_hub(verb: &Verb, global: &Global, out: &mut Out) -> Option<Result<(), Stop>> {
    Some(match verb {
        Verb::Completions { shell } => manual::completions(*shell, out),
        Verb::Man => manual::man(out),
        Verb::Config { what } => config::run(*what, global, out),
        Verb::Keymap { what } => keymap::run(what.clone(), global, out),
        Verb::Jobs { what: Some(Jobs::Validate { files }) } => jobs::validate(files, out),
        Verb::Mcp { what: Some(Mcp::Install(place)) } => mcp::install(place, global, out),
        Verb::Mcp { what: Some(Mcp::Uninstall(place)) } => mcp::uninstall(place, global, out),
        _ => return None,
    })
}

/// The console, on the hub of this data directory or on those that were named.
async fn console(
    setup: Setup,
    alone: &Alone,
    keys: PathBuf,
    log: Arc<Ring>,
    is_written: bool,
    out: &Out,
) -> Result<(), Stop> {
    let berths = setup.berths(&setup.clock(), &setup.reach(alone)?);
    // Said before there is a screen.
    owned_where_asked(&berths[0].home, alone).await?;
    let own_keys = console::keymap::read(&keys)?;
    let themes_dir = keys.with_file_name("themes");
    let log_place =
        LogPlace { data_dir: is_written.then_some(setup.data_dir), level: setup.config.log_level.clone() };
    let options =
        ConsoleOptions { config: setup.config, keymap_path: keys, own_keys, themes_dir, log, log_place };
    if let Some(handed) = console::run(berths, options).await? {
        out.remark(&goes_on(handed));
    }
    Ok(())
}

fn goes_on(HandedOver { pid, attached }: HandedOver) -> String {
    let faces = text::counted(attached.into(), "face was", "faces were");
    let after = IDLE_EXIT.words();
    format!("{faces} attached: the hub goes on as process {pid}, until nobody was connected for {after}")
}

/// The console without a screen, until it is left.
async fn plain_console(setup: Setup, out: Out, global: &Global, alone: &Alone) -> Result<(), Stop> {
    let reach = setup.reach(alone)?;
    let stay = setup.handing_over(&reach);
    let mut ask = Ask::new(setup, out, CancellationToken::new(), stay, reach);
    owned_where_asked(&ask.home, alone).await?;
    // What was set for all programs of this person is not meant for ears.
    ask.out.manner = ask.out.manner.uncoloured();
    ask.hits = Some(Vec::new());
    let done = plain::run(&mut ask, global).await;
    if let Some(handed) = ask.home.close().await {
        ask.out.remark(&goes_on(handed));
    }
    done
}

fn only_one() -> Fault {
    Fault::invalid("several hubs are seen in the console alone").hint("name one of them")
}

/// Flags of the hub itself are for one of this process, or it is said that there is another.
async fn owned_where_asked(home: &Home, alone: &Alone) -> Result<(), Stop> {
    if !alone.is_of_hub() {
        return Ok(());
    }
    if let Err(fault) = home.own().await {
        home.close().await;
        return Err(fault.into());
    }
    Ok(())
}

/// Runs a verb, and closes the door behind it.
async fn ask(verb: Verb, setup: Setup, out: Out) -> Result<(), Stop> {
    let mut ask = Ask::new(setup, out, CancellationToken::new(), Stay::Verb, Reach::default());
    let done = until_interrupted(verb, &mut ask).await;
    ask.home.close().await;
    done
}

/// Runs a verb to its end or until it is interrupted.
async fn until_interrupted(verb: Verb, ask: &mut Ask) -> Result<(), Stop> {
    let token = ask.token.clone();
    let mut interrupted = std::pin::pin!(interrupted());
    // What it changes in steps ends by itself between two of them; everything else can be dropped anywhere.
    let ends_itself = match &verb {
        Verb::Import { .. } | Verb::Edit { .. } | Verb::Events { what: Events::Tail { .. } } => true,
        Verb::Jobs { what: Some(what) } => jobs::ends_itself(what),
        _ => false,
    };
    let mut done = std::pin::pin!(perform(verb, ask));
    tokio::select! {
        done = &mut done => done,
        () = &mut interrupted => {
            token.cancel();
            if ends_itself { done.await } else { Err(Stop::Interrupted) }
        }
    }
}

async fn perform(verb: Verb, ask: &mut Ask) -> Result<(), Stop> {
    match verb {
        Verb::Add { text, fields } => add::add(ask, &text, fields).await,
        Verb::Supersede { id, text, fields } => add::supersede(ask, &id, &text, fields).await,
        Verb::Search(what) => search::search(ask, what).await,
        Verb::Get { ids } => get::get(ask, &ids).await,
        Verb::History { id } => get::history(ask, &id).await,
        Verb::Edit { id, text, fields, move_to } => edit::edit(ask, &id, text, fields, move_to).await,
        Verb::Rm { ids, now: false } => edit::forget(ask, &ids).await,
        Verb::Rm { ids, now: true } => edit::erase(ask, &ids).await,
        Verb::Restore { ids } => edit::restore(ask, &ids).await,
        Verb::Import { paths } => import::import(ask, paths).await,
        Verb::Decide(typed) => decide::decide(ask, *typed).await,
        Verb::Decisions(typed) => decisions::decisions(ask, typed).await,
        Verb::Outcome(typed) => outcome::outcome(ask, typed).await,
        Verb::Review { page } => decisions::review(ask, &page).await,
        Verb::Calibration { tags, kind, all_projects } => {
            calibration::calibration(ask, tags, kind, all_projects).await
        }
        Verb::Adr { what } => adr::run(ask, what).await,
        Verb::Events { what } => events::run(ask, what).await,
        Verb::Jobs { what } => jobs::run(ask, what.unwrap_or(Jobs::Ls)).await,
        Verb::Health { component } => health::health(ask, component.as_deref()).await,
        Verb::Status => status::status(ask).await,
        Verb::Reindex { view } => reindex::reindex(ask, view).await,
        Verb::Fsck { repair: None } => fsck::fsck(ask).await,
        Verb::Fsck { repair: Some(to) } => fsck::repair(ask, &to).await,
        Verb::Bench { what: Bench::Search { collection, switches } } => {
            bench::search(ask, collection, switches).await
        }
        Verb::Key { what } => key::run(ask, what).await,
        Verb::Export => events::export(ask).await,
        Verb::Mcp { .. } => Err(Fault::invalid("an agent starts this by itself, not from here")
            .hint("`wheelhouse mcp install` enters it in an agent's settings")
            .into()),
        Verb::Attach { .. }
        | Verb::Config { .. }
        | Verb::Keymap { .. }
        | Verb::Completions { .. }
        | Verb::Man => Err(Fault::bug("this verb needs no hub").into()),
    }
}

/// Until someone wants this program to end. Listens from the call on, not only from when it is waited for.
fn interrupted() -> impl Future<Output = ()> {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
            // Without them a signal ends the process at once, which loses nothing acknowledged.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

fn no_terminal() -> Fault {
    Fault::invalid("the console needs a terminal, and standard output is none").hint(
        "`wheelhouse --plain` tells what happens in lines; `wheelhouse --help` lists the verbs for scripts, such as \
         `wheelhouse search QUERY --json`",
    )
}

fn with_a_verb(alone: &Alone) -> Fault {
    if alone.plain {
        return Fault::invalid("--plain opens the console without a screen, and goes with no verb")
            .hint("verbs print plain lines as they are; `--color never` takes the colours away");
    }
    let flag = alone.given().unwrap_or_default();
    Fault::invalid(format!("{flag} is for a hub that stays, and goes with no verb"))
        .hint("start `wheelhouse --headless` first; every verb finds it")
}
