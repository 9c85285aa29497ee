//! The loop: waits for a key, a message, a signal or a moment, lets `update` decide, does what it asks, and draws when
//! a frame is due. It holds no timer that nobody needs: with nothing going on it wakes for the clock's second alone.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crossterm::event::Event;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};

use super::{
    app::{App, Start},
    caps::{self, Caps},
    clip::{self, Way},
    effect::Effect,
    frame::{Frames, Seconds},
    hangup,
    keymap::{Keymap, Shipped},
    link::{Line, LinkTask},
    model::{At, Fleet, Seat},
    msg::{Answer, Msg},
    overlay::form::Field,
    panes::log::LogPlace,
    preferences::Given,
    state::{self, State},
    term::{self, Arrival, Input, Signal, Signals, Term},
    theme::{self, Choice, Looks, Mode, Themes},
    widgets::toast::Toast,
    work::Work,
};
use crate::{
    config::{Config, Links, Provenance},
    home::{HandedOver, Home},
    model::{CONTENT_BYTES_MAX, Fault},
    tasks::{Clock, Tasks, blocking},
    telemetry::{Ring, Taken},
};

/// Messages on their way to `update`; a hub that tells more waits.
const QUEUE_MAX: usize = 256;
/// Messages taken before a frame is looked at again.
const DRAIN_MAX: usize = 64;
/// Between two looks at the log while it is on screen: what looking itself may log does not keep it busy.
const LOG_PAUSE: Duration = Duration::from_millis(100);
/// How long the link is waited for at the end.
const END_PATIENCE: Duration = Duration::from_secs(2);

/// A hub to attach to, or to be.
pub struct Berth {
    pub home: Home,
    /// Short, and like no other's; none where it is the only one.
    pub name: Option<String>,
}

/// What the console is started with.
pub struct ConsoleOptions {
    pub config: Config,
    /// The file of a person's own keys, and its text, if there is one.
    pub keymap_path: PathBuf,
    pub own_keys: Option<String>,
    /// A person's own themes, each in a file of its name.
    pub themes_dir: PathBuf,
    /// What this program says to its own log, and where that goes.
    pub log: Arc<Ring>,
    pub log_place: LogPlace,
}

/// Runs the console until it is quit. Whatever happens, the terminal is as it was before, and the hub is closed in order.
/// All that it keeps for itself is kept with the first berth.
pub async fn run(berths: Vec<Berth>, options: ConsoleOptions) -> Result<Option<HandedOver>, Fault> {
    let seats = berths.iter().map(|berth| {
        let place = place(&berth.home);
        let seat = Seat::new(berth.name.clone().unwrap_or_else(|| place.clone()), place);
        Seat { elsewhere: berth.home.elsewhere().is_some(), ..seat }
    });
    let fleet = Fleet::new(seats.collect());
    let homes: Vec<Arc<Home>> = berths.into_iter().map(|berth| Arc::new(berth.home)).collect();
    let first = Arc::clone(&homes[0]);
    let mut console = Console::new(&first, fleet, &options)?;
    // Painted before anything is opened.
    console.draw()?;
    let link = Tasks::new();
    let (send, receive) = mpsc::channel(QUEUE_MAX);
    let mut lines = Vec::new();
    for (at, home) in homes.iter().enumerate() {
        let (door, current) = watch::channel(None);
        let retry = Arc::new(Notify::new());
        lines.push(Line { door: current, retry: Arc::clone(&retry) });
        let at = At(at as u16);
        let (home, send, token) = (Arc::clone(home), send.clone(), link.token());
        link.spawn(LinkTask { at, home, door, send, retry, token }.run());
    }
    let places = (first.data_dir(), options.keymap_path, &*options.themes_dir);
    let mut work = Work::new(lines, first.clock().clone(), send, places, Tasks::new());
    let watch = Tasks::new();
    let gone = Arc::new(Notify::new());
    watch.spawn(hangup::watch(homes.clone(), Arc::clone(&gone), watch.token()));
    let done = console.go(receive, &mut work, gone).await;
    work.perform(Effect::KeepState(console.app.state()));
    watch.end(END_PATIENCE).await;
    console.term.leave();
    link.end(END_PATIENCE).await;
    work.end().await;
    let mut handed = None;
    for home in &homes {
        handed = home.close().await.or(handed);
    }
    done.map(|()| handed)
}

struct Console {
    app: App,
    term: Term,
    frames: Frames,
    /// The terminal opens links.
    links: bool,
    clock: Clock,
    data_dir: PathBuf,
    log: Arc<Ring>,
    log_taken: Instant,
    /// A field that is to be edited, once everything else that has come is done.
    editing: Option<(Field, String)>,
}

impl Console {
    fn new(home: &Home, fleet: Fleet, options: &ConsoleOptions) -> Result<Console, Fault> {
        let caps = Caps::of_env();
        let config = &options.config;
        let ascii = match config.provenance("ascii") {
            Provenance::Default => caps.ascii.is_some(),
            _ => config.ascii,
        };
        let (themes, unread) = match Themes::read(&options.themes_dir) {
            Ok(themes) => (themes, None),
            Err(error) => (Themes::default(), Some(error)),
        };
        let mut given = Given::new(config, caps.depth);
        if let Some(locale) = caps.ascii {
            given.by_default("ascii", locale);
        }
        if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            given.without_colour();
        }
        let named = config.theme.clone().filter(|name| name != "auto");
        let looks = Looks {
            themes,
            depth: given.depth(),
            ascii,
            terminal: caps::seen_mode(home.data_dir()).unwrap_or(Mode::Dark),
            is_set: named.is_some(),
            choice: named.map_or_else(|| theme::kept(home.data_dir()), Choice::Named),
        };
        let (state, unread_state) = match state::read(home.data_dir()) {
            Ok(state) => (state, None),
            Err(why) => (State::default(), Some(why)),
        };
        let base = Shipped::named(&config.keymap).unwrap_or_default();
        let (keymap, problems) =
            Keymap::load(base, options.own_keys.as_deref().map(|text| (options.keymap_path.as_path(), text)));
        let clock = home.clock().clone();
        let term = Term::enter(config.mouse, ascii).map_err(no_terminal)?;
        let size = term.size();
        let start = Start {
            now: clock.now(),
            zones: clock.zones(),
            form: config.time,
            looks,
            keymap,
            keymap_base: base,
            keymap_path: options.keymap_path.clone(),
            fleet,
            mouse: config.mouse,
            given,
            state,
            log: options.log_place.clone(),
        };
        let mut app = App::new(start, size.width, size.height);
        if let Some(problem) = problems.first() {
            app.tell(Toast::warn(format!("keymap: {problem}")));
        }
        if let Some(error) = unread {
            app.tell(Toast::warn(format!("{} cannot be read: {error}", options.themes_dir.display())));
        }
        if let Some(wrong) = &config.choices_wrong {
            app.tell(Toast::warn(format!("what was chosen in the settings is forgotten: {wrong}")));
        }
        if let Some(why) = unread_state {
            app.tell(Toast::warn(format!("how the console was left is forgotten: {why}")));
        }
        let data_dir = home.data_dir().to_owned();
        let links = match config.links {
            Links::Auto => caps.links,
            Links::Always => true,
            Links::Never => false,
        };
        Ok(Console {
            app,
            term,
            frames: Frames::new(caps.over_ssh),
            links,
            clock,
            data_dir,
            log: Arc::clone(&options.log),
            log_taken: Instant::now(),
            editing: None,
        })
    }

    fn draw(&mut self) -> Result<(), Fault> {
        self.frames.drawn(std::time::Instant::now());
        if self.links {
            self.term.set_links(self.app.hyperlinks());
        }
        let began = Instant::now();
        self.term.draw(|frame| self.app.view(frame)).map_err(no_terminal)?;
        self.app.panes.health.frames.took(began.elapsed());
        Ok(())
    }

    async fn go(
        &mut self,
        mut messages: mpsc::Receiver<Msg>,
        work: &mut Work,
        gone: Arc<Notify>,
    ) -> Result<(), Fault> {
        let mut signals = Signals::listen().map_err(no_signals)?;
        self.term.ask().map_err(no_terminal)?;
        let mut input = Some(Input::asking().map_err(no_terminal)?);
        let look = move || {
            if hangup::is_hung_up() {
                gone.notify_one();
            }
        };
        let seconds = Seconds::start(self.clock.clone(), look)
            .map_err(|error| Fault::unavailable("the clock has no thread").cause(error))?;
        while !self.app.is_quitting() {
            if let Some((field, text)) = self.editing.take() {
                input = None;
                match self.edit(field, text, &mut signals, work).await? {
                    Some(answer) => self.update(Msg::Answer(answer), work)?,
                    None => return Ok(()),
                }
                continue;
            }
            let wake = self.wake();
            let reading = input.get_or_insert_with(Input::new);
            tokio::select! {
                biased;
                // First in the order: all that has come is taken before a frame is drawn.
                arrival = reading.next() => match arrival {
                    Ok(arrival) => self.arrived(arrival, work)?,
                    // The terminal is gone.
                    Err(_) => return Ok(()),
                },
                () = self.frames.wait() => self.draw()?,
                message = messages.recv() => {
                    let Some(message) = message else { return Ok(()) };
                    self.update(message, work)?;
                    for _ in 0..DRAIN_MAX {
                        let Ok(message) = messages.try_recv() else { break };
                        self.update(message, work)?;
                    }
                }
                () = seconds.next() => self.look_at_log(work)?,
                () = logged(&self.log, self.app.shows_log(), self.log_taken) => self.look_at_log(work)?,
                () = until(wake) => self.update(Msg::Tick, work)?,
                signal = signals.next() => match signal {
                    Signal::End | Signal::Interrupt => return Ok(()),
                    Signal::Stop => {
                        input = None;
                        if !self.stop(&mut signals, work).await? {
                            return Ok(());
                        }
                    }
                    Signal::Continued => {
                        self.term.enter_again().map_err(no_terminal)?;
                        self.came_back(work)?;
                    }
                },
            }
        }
        Ok(())
    }

    /// What the app waits for, beside the next second of the clock.
    fn wake(&self) -> Option<Instant> {
        Some(Instant::now() + self.app.wake()?.since(self.clock.now()))
    }

    /// What the log was told since the last look; nothing is a turn of the clock all the same.
    fn look_at_log(&mut self, work: &mut Work) -> Result<(), Fault> {
        self.log_taken = Instant::now();
        let taken = self.log.take();
        self.update(if taken == Taken::default() { Msg::Tick } else { Msg::Logged(taken) }, work)
    }

    fn arrived(&mut self, arrival: Arrival, work: &mut Work) -> Result<(), Fault> {
        let message = match arrival {
            Arrival::Event(Event::Key(key)) => Msg::Key(key),
            Arrival::Event(Event::Mouse(mouse)) => Msg::Mouse(mouse),
            Arrival::Event(Event::Paste(text)) => Msg::Paste(text),
            Arrival::Burst(text) => Msg::Burst(text),
            Arrival::Event(Event::Resize(width, height)) => {
                self.term.resize(width, height).map_err(no_terminal)?;
                Msg::Resize(width, height)
            }
            Arrival::Event(Event::FocusGained) => Msg::Focused,
            Arrival::Event(Event::FocusLost) => return Ok(()),
            Arrival::Answers(answers) => {
                self.term.learn(&answers).map_err(no_terminal)?;
                if let Some(mode) = answers.background {
                    self.background_is(mode);
                }
                return Ok(());
            }
        };
        self.update(message, work)
    }

    /// The terminal told whether it is dark or light; kept for the first frame of the next start.
    fn background_is(&mut self, mode: Mode) {
        if self.app.terminal_is(mode) {
            self.frames.touch();
        }
        if caps::seen_mode(&self.data_dir) != Some(mode)
            && let Err(error) = caps::see_mode(&self.data_dir, mode)
        {
            tracing::debug!(%error, "keeping the terminal's brightness");
        }
    }

    fn update(&mut self, message: Msg, work: &mut Work) -> Result<(), Fault> {
        let mut effects = self.app.update(self.clock.now(), message);
        self.frames.touch();
        while !effects.is_empty() {
            for effect in std::mem::take(&mut effects) {
                let answer = match effect {
                    Effect::Copy(text) => Some(self.copy(&text)),
                    Effect::CaptureMouse(on) => {
                        self.term.capture_mouse(on).map_err(no_terminal)?;
                        None
                    }
                    Effect::UseZone(zone) => {
                        self.clock.pick_zone(zone);
                        None
                    }
                    Effect::DrawAscii(ascii) => {
                        self.term.set_ascii(ascii);
                        None
                    }
                    // The signal comes to this process too.
                    Effect::Suspend => {
                        term::ask_to_stop().map_err(no_signals)?;
                        None
                    }
                    Effect::Edit { field, text } => {
                        self.editing = Some((field, text));
                        None
                    }
                    effect => {
                        work.perform(effect);
                        None
                    }
                };
                if let Some(answer) = answer {
                    effects.extend(self.app.update(self.clock.now(), Msg::Answer(answer)));
                }
            }
        }
        Ok(())
    }

    fn copy(&mut self, text: &str) -> Answer {
        let way = Way::of(|name| std::env::var(name).ok());
        let copied = clip::copy(&self.data_dir, text, way).and_then(|copied| {
            if let Some(sequence) = &copied.sequence {
                self.term.write(sequence.as_bytes())?;
            }
            Ok(copied)
        });
        copied.map_or_else(
            |error| Answer::Failed {
                what: "not copied",
                fault: Fault::unavailable("the text could not be kept").cause(error),
            },
            Answer::Copied,
        )
    }

    fn came_back(&mut self, work: &mut Work) -> Result<(), Fault> {
        let size = self.term.size();
        self.update(Msg::Resize(size.width, size.height), work)
    }

    /// The terminal is the shell's until SIGCONT says otherwise. `false`: the end was asked for meanwhile.
    async fn stop(&mut self, signals: &mut Signals, work: &mut Work) -> Result<bool, Fault> {
        if !term::has_shell() {
            self.app.tell(Toast::say("no shell is here that could bring the console back"));
            self.frames.touch();
            return Ok(true);
        }
        self.term.leave();
        term::stop().map_err(no_signals)?;
        loop {
            match signals.next().await {
                Signal::Continued => break,
                Signal::Stop => {}
                Signal::End | Signal::Interrupt => return Ok(false),
            }
        }
        self.term.enter_again().map_err(no_terminal)?;
        self.came_back(work)?;
        Ok(true)
    }

    /// The terminal is the editor's meanwhile; the console stands still and loses nothing. None: the end was asked for.
    async fn edit(
        &mut self,
        field: Field,
        text: String,
        signals: &mut Signals,
        work: &mut Work,
    ) -> Result<Option<Answer>, Fault> {
        self.term.leave();
        let dir = self.data_dir.join("drafts");
        let mut edited = std::pin::pin!(blocking(move || {
            let made = std::fs::create_dir_all(&dir).map_err(term::EditorError::from);
            let edited = made.and_then(|()| term::edit(&dir, "memory", &text, CONTENT_BYTES_MAX));
            edited.map_err(|error| Fault::unavailable(error.to_string()))
        }));
        let mut ends = false;
        let result = loop {
            tokio::select! {
                result = &mut edited => break result,
                signal = signals.next() => match signal {
                    // An editor that is stopped stops all that stand in the terminal with it.
                    Signal::Stop if term::has_shell() => term::stop().map_err(no_signals)?,
                    Signal::End => ends = true,
                    // Ctrl-C is the editor's.
                    Signal::Stop | Signal::Interrupt | Signal::Continued => {}
                },
            }
        };
        if ends {
            return Ok(None);
        }
        self.term.enter_again().map_err(no_terminal)?;
        self.came_back(work)?;
        Ok(Some(Answer::Edited { field, result }))
    }
}

/// Ends when there is something new in the log, while it is on screen, and not oftener than anyone reads.
async fn logged(log: &Ring, is_shown: bool, taken: Instant) {
    if !is_shown {
        return std::future::pending().await;
    }
    if log.is_empty() {
        log.arrived().await;
    }
    tokio::time::sleep_until(taken + LOG_PAUSE).await;
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn no_terminal(error: std::io::Error) -> Fault {
    Fault::unavailable("the terminal cannot be used").cause(error)
}

fn no_signals(error: std::io::Error) -> Fault {
    Fault::unavailable("cannot listen for signals").cause(error)
}

/// Where the hub is, in words.
fn place(home: &Home) -> String {
    home.elsewhere().map_or_else(|| home_shortened(home.data_dir()), ToString::to_string)
}

/// `~` for the home directory.
fn home_shortened(path: &std::path::Path) -> String {
    let home = std::env::home_dir().filter(|home| home.parent().is_some());
    match home.and_then(|home| path.strip_prefix(home).ok().map(ToOwned::to_owned)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}
