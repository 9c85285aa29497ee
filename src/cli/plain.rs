//! The console without a screen: for screen readers, pipes, and terminals that cannot place a cursor.
//!
//! What happens is told as it happens, a sentence a line, and every verb can be typed without its `wheelhouse`. Nothing
//! is drawn over, nothing is said by colour or place alone. While a verb answers, what happens waits, so that no answer
//! is broken into.

mod lines;
mod sentence;

use std::{
    collections::VecDeque,
    io::{IsTerminal, stdin},
    mem::discriminant,
    sync::Arc,
};

use clap::{CommandFactory, Parser, error::ErrorKind};
use futures::FutureExt;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::{Notify, mpsc, watch},
};
use tokio_util::sync::CancellationToken;

use self::lines::Lines;
use super::{
    END_PATIENCE, Stop,
    args::{Global, Typed, Verb},
    text,
    verb::Ask,
    without_hub,
};
use crate::{
    console::{
        link::LinkTask,
        model::{At, Badge, Connection, Hub},
        msg::{Link, Msg},
    },
    model::{Event, Fault, Id, Project},
    report,
    tasks::Tasks,
};

/// Messages on their way; a hub that tells more waits.
const QUEUE_MAX: usize = 256;
/// More events than this at once are told by their number: nobody listens to a thousand sentences.
const TOLD_ONE_BY_ONE_MAX: usize = 10;
/// Requests of one's own whose events are not told again: their answer was.
const OWN_MAX: usize = 64;

const WELCOME: &str = "Events are told as they happen. Type a command, or help, or quit.";

/// Runs until `quit`, the end of the input, or a signal.
pub async fn run(ask: &mut Ask, global: &Global) -> Result<(), Stop> {
    let (send, messages) = mpsc::channel(QUEUE_MAX);
    let tasks = Tasks::new();
    let link = LinkTask {
        at: At(0),
        home: Arc::new(ask.home.clone()),
        // Verbs find their door themselves.
        door: watch::channel(None).0,
        send,
        retry: Arc::new(Notify::new()),
        token: tasks.token(),
    };
    tasks.spawn(link.run());
    let mut plain = Plain {
        hub: Hub::default(),
        told: None,
        paused: None,
        own: VecDeque::new(),
        one_by_one: !ask.out.manner.stdout_is_terminal,
    };
    let done = plain.run(ask, global, messages).await;
    tasks.end(END_PATIENCE).await;
    done
}

struct Plain {
    hub: Hub,
    /// The state that was told last.
    told: Option<Badge>,
    /// Events that came since `pause`.
    paused: Option<u64>,
    own: VecDeque<Id>,
    /// A program listens: it gets each event, however many.
    one_by_one: bool,
}

/// What a typed line comes to.
enum Next {
    On,
    Quit,
}

impl Plain {
    async fn run(
        &mut self,
        ask: &mut Ask,
        global: &Global,
        mut messages: mpsc::Receiver<Msg>,
    ) -> Result<(), Stop> {
        let mut signals = Ends::listen()?;
        let mut lines = Lines::start()
            .map_err(|error| Fault::unavailable("standard input has no thread").cause(error))?;
        if stdin().is_terminal() {
            ask.out.line(WELCOME)?;
            ask.out.flush()?;
        }
        loop {
            tokio::select! {
                biased;
                line = lines.next() => match line {
                    Some(line) => match self.typed(ask, global, &line, &mut signals).await? {
                        Next::On => {}
                        Next::Quit => return Ok(()),
                    },
                    None => return Ok(()),
                },
                Some(Msg::Link(_, link)) = messages.recv() => self.link(ask, link)?,
                () = signals.any() => return Ok(()),
            }
        }
    }

    // ── what happens ────────────────────────────────────────────────────────────────────────────────────────────

    fn link(&mut self, ask: &mut Ask, link: Link) -> Result<(), Stop> {
        match link {
            Link::Up { owned, status } => {
                self.hub.connection = Connection::Live { owned };
                self.hub.status = Some(*status);
                ask.out.line(&sentence::arrived(&self.hub))?;
            }
            Link::Down { fault, retry_at } => {
                let now = ask.words().now;
                if !matches!(self.hub.connection, Connection::Offline { .. }) {
                    ask.out.line(&sentence::gone(&fault, retry_at.since(now)))?;
                }
                self.hub.connection = Connection::Offline { since: now, fault, retry_at };
            }
            Link::Stale { since } => self.hub.connection = Connection::Stale { since },
            Link::Status(status) => self.hub.status = Some(*status),
            // What was before this began is for `events tail`.
            Link::Begin { .. } => {}
            Link::Events(events) => self.events(ask, &events)?,
            Link::Gap { from, to, reason } => {
                let reason = report::escape_line(&reason);
                ask.out.line(&format!("Events {from} to {to} are not to be had: {reason}."))?;
            }
        }
        self.state(ask)?;
        ask.out.flush()
    }

    /// The hub's state, when it is another than before.
    fn state(&mut self, ask: &mut Ask) -> Result<(), Stop> {
        let badge = self.hub.badge(ask.words().now);
        let same = self.told.as_ref().is_some_and(|told| discriminant(told) == discriminant(&badge));
        // That the hub is gone has been told with its reason; that it opens is no news.
        if !same && !matches!(badge, Badge::Offline { .. } | Badge::Opening) {
            ask.out.line(&sentence::state(&badge))?;
        }
        self.told = Some(badge);
        Ok(())
    }

    fn events(&mut self, ask: &mut Ask, events: &[Arc<Event>]) -> Result<(), Stop> {
        let others: Vec<&Event> = events
            .iter()
            .map(|event| &**event)
            .filter(|event| !self.own.contains(&event.correlation_id))
            .collect();
        if let Some(paused) = &mut self.paused {
            *paused += others.len() as u64;
            return Ok(());
        }
        if others.len() > TOLD_ONE_BY_ONE_MAX && !self.one_by_one {
            return ask.out.line(&sentence::many(&others));
        }
        let (zones, form) = (ask.clock.zones(), ask.setup.config.time);
        for event in others {
            ask.out.line(&sentence::event(event, zones, form))?;
        }
        Ok(())
    }

    // ── what is typed ───────────────────────────────────────────────────────────────────────────────────────────

    async fn typed(
        &mut self,
        ask: &mut Ask,
        global: &Global,
        line: &str,
        signals: &mut Ends,
    ) -> Result<Next, Stop> {
        match line.trim() {
            "" => {}
            "quit" | "exit" | "q" => return Ok(Next::Quit),
            "help" | "?" => help(ask)?,
            "pause" => match self.paused {
                Some(count) => {
                    let events = text::counted(count, "event", "events");
                    ask.out.line(&format!("Paused already; {events} so far. Type follow to go on."))?;
                }
                None => {
                    self.paused = Some(0);
                    ask.out.line("Paused: what happens is counted. Type follow to go on.")?;
                }
            },
            "follow" => match self.paused.take() {
                Some(0) => ask.out.line("Following again; nothing happened meanwhile.")?,
                Some(count) => {
                    let events = text::counted(count, "event", "events");
                    ask.out.line(&format!(
                        "Following again; {events} meanwhile. `events tail -n {count}` tells them."
                    ))?;
                }
                None => ask.out.line("Following already.")?,
            },
            line => self.verb(ask, global, line, signals).await?,
        }
        ask.out.flush()?;
        Ok(if signals.has_ended() { Next::Quit } else { Next::On })
    }

    async fn verb(
        &mut self,
        ask: &mut Ask,
        global: &Global,
        line: &str,
        signals: &mut Ends,
    ) -> Result<(), Stop> {
        let Some(mut words) = shlex::split(line) else {
            ask.out.warn("a quote in this line has no end", None);
            return Ok(());
        };
        // As one would paste it.
        if words.first().is_some_and(|word| word == "wheelhouse") {
            words.remove(0);
        }
        ask.name_hits(&mut words);
        let typed = match Typed::try_parse_from(std::iter::once("wheelhouse".to_owned()).chain(words)) {
            Ok(typed) => typed,
            Err(said) if matches!(said.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
                return ask.out.line(said.to_string().trim_end());
            }
            Err(said) => {
                ask.out.manner.complain(&format!("{}\n", said.to_string().trim_end()));
                return Ok(());
            }
        };
        let Some(verb) = typed.verb else {
            ask.out.warn("there is no verb in this line", Some("type help for a list of them"));
            return Ok(());
        };
        let done = match for_this_line(ask, global, &typed.global) {
            Ok(usual) => {
                let global = Global {
                    json: typed.global.json,
                    quiet: typed.global.quiet,
                    project: typed.global.project.or_else(|| global.project.clone()),
                    ..global.clone()
                };
                let done = self.perform(ask, verb, &global).await;
                usual.restore(ask);
                done
            }
            Err(fault) => Err(fault.into()),
        };
        // Heard here, Ctrl-C stops the verb alone; some end by themselves then, as if they were done.
        let stopped = match ask.token.is_cancelled() {
            true => signals.came().await,
            false => signals.take_interrupt(),
        };
        match done {
            Ok(()) if !stopped => Ok(()),
            Ok(()) | Err(Stop::Interrupted) => ask.out.line("Stopped."),
            Err(Stop::ReaderGone) => Err(Stop::ReaderGone),
            Err(stop @ (Stop::Fault(_) | Stop::Failed(_))) => {
                ask.out.flush()?;
                let _status = stop.report(ask.out.manner);
                Ok(())
            }
        }
    }

    async fn perform(&mut self, ask: &mut Ask, verb: Verb, global: &Global) -> Result<(), Stop> {
        ask.begin_anew(CancellationToken::new());
        self.own.push_back(ask.caller.correlation);
        if self.own.len() > OWN_MAX {
            self.own.pop_front();
        }
        match without_hub(&verb, global, &mut ask.out) {
            Some(done) => done,
            None => super::until_interrupted(verb, ask).await,
        }
    }
}

fn help(ask: &mut Ask) -> Result<(), Stop> {
    ask.out.line("Every verb of the program, without its name; each with --help says more:")?;
    for verb in Typed::command().get_subcommands() {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        ask.out.line(&format!("{}: {about}.", verb.get_name()))?;
    }
    for line in [
        "pause: hold events back and count them.",
        "follow: tell events again.",
        "quit: end; so does the end of the input.",
        "Results of a search have numbers: `get 2` shows the second, and rm, edit, history, restore and supersede \
         take such a number too.",
    ] {
        ask.out.line(line)?;
    }
    Ok(())
}

/// What holds again after a line that had flags of its own.
struct Usual {
    manner: super::Manner,
    project: Project,
    project_flag: bool,
}

impl Usual {
    fn restore(self, ask: &mut Ask) {
        ask.out.manner = self.manner;
        ask.setup.project = self.project;
        ask.setup.project_flag = self.project_flag;
    }
}

/// A line may have flags of its own, but not move to another hub.
fn for_this_line(ask: &mut Ask, start: &Global, line: &Global) -> Result<Usual, Fault> {
    // What the environment names is in both.
    let other_config = line.config.is_some() && line.config != start.config;
    let moves = line.data_dir.is_some() || other_config || line.unsafe_filesystem || line.color.is_some();
    if moves {
        return Err(Fault::invalid(
            "--data-dir, --config, --color and --unsafe-filesystem are for the start",
        )
        .hint("quit, and give them to `wheelhouse --plain`"));
    }
    let usual = Usual {
        manner: ask.out.manner,
        project: ask.setup.project.clone(),
        project_flag: ask.setup.project_flag,
    };
    ask.out.manner.json |= line.json;
    ask.out.manner.quiet |= line.quiet;
    if let Some(project) = &line.project {
        ask.setup.project = Project::slug(project);
        ask.setup.project_flag = true;
    }
    Ok(usual)
}

/// What ends this face.
struct Ends {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    ended: bool,
}

impl Ends {
    fn listen() -> Result<Ends, Fault> {
        let listen =
            |kind| signal(kind).map_err(|error| Fault::unavailable("cannot listen for signals").cause(error));
        Ok(Ends {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            ended: false,
        })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }

    /// Takes in what stopped a verb: it is told to each listener by itself, and may come here a moment later. Left for
    /// later it would end the program.
    async fn came(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => self.ended = true,
        }
        true
    }

    /// Whether there was a Ctrl-C since it was asked last.
    fn take_interrupt(&mut self) -> bool {
        self.interrupt.recv().now_or_never().is_some()
    }

    /// Whether the program was told to end while a verb ran.
    fn has_ended(&mut self) -> bool {
        self.ended |= self.terminate.recv().now_or_never().is_some();
        self.ended |= self.hang_up.recv().now_or_never().is_some();
        self.ended
    }
}
