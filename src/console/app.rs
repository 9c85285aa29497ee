//! The console's state and how a message changes it. `update` is pure: no file, no clock, no waiting; what is to be
//! done comes back as effects. Panes and overlays have their own rooms; here they are composed.

mod actions;
mod answers;
mod cells;
mod export;
mod facts;
mod input;
mod preferences;
mod session;
mod view;

use std::path::PathBuf;

use ratatui::layout::Rect;

use super::{
    action::{Action, Place},
    effect::{Ask, Effect},
    keymap::{Continuation, Key, Keymap, Shipped},
    layout::{Deck, PaneName},
    model::Hub,
    msg::{Link, Msg},
    overlay::{Above, Overlay, import::Importing},
    panes::{search::Search, timeline::Timeline},
    preferences::Given,
    scene::{Motion, Out, Scene, TimeForm},
    state::State,
    theme::{Looks, Mode, Theme, ThemeError},
    widgets::toast::{Toast, Toasts},
};
use crate::model::{Id, Project, Time, Zones};

/// What every part may read: the hub, the clock as last told, how things look.
pub struct Env {
    pub now: Time,
    pub zones: Zones,
    pub form: TimeForm,
    pub motion: Motion,
    pub hub: Hub,
    pub theme: Theme,
    pub keymap: Keymap,
    pub import: Option<Importing>,
    pub data_dir: PathBuf,
}

impl Env {
    pub fn scene(&self) -> Scene<'_> {
        Scene {
            now: self.now,
            zones: self.zones,
            form: self.form,
            motion: self.motion,
            hub: &self.hub,
            theme: &self.theme,
            keymap: &self.keymap,
            import: self.import.as_ref(),
        }
    }
}

/// A removal that `u` takes back.
struct Undo {
    id: Id,
    until: Time,
}

pub struct App {
    pub env: Env,
    /// What the setting says, or was picked since; and the file that may say otherwise.
    keymap_base: Shipped,
    keymap_path: PathBuf,
    looks: Looks,
    area: Rect,
    deck: Deck,
    focus: PaneName,
    zoomed: bool,
    pub search: Search,
    pub timeline: Timeline,
    overlay: Option<Overlay>,
    /// Keys of a sequence already pressed, and how it can go on.
    pending: Vec<Key>,
    ways: Vec<Continuation>,
    toasts: Toasts,
    undo: Option<Undo>,
    /// A removal on its way, and whether `u` was pressed before it was done.
    forgetting: Option<(Id, bool)>,
    mouse: bool,
    given: Given,
    /// As it was kept last, and when.
    state: State,
    state_kept: Time,
    recent_actions: Vec<Action>,
    quitting: bool,
}

/// What the console begins with.
pub struct Start {
    pub now: Time,
    pub zones: Zones,
    pub form: TimeForm,
    pub looks: Looks,
    pub keymap: Keymap,
    pub keymap_base: Shipped,
    pub keymap_path: PathBuf,
    pub data_dir: PathBuf,
    pub mouse: bool,
    /// Who else says what is preferred.
    pub given: Given,
    /// How it was left.
    pub state: State,
}

impl App {
    pub fn new(start: Start, width: u16, height: u16) -> App {
        let (theme, unusable) = start.looks.theme_or_shipped();
        let mut app = App {
            env: Env {
                now: start.now,
                zones: start.zones,
                form: start.form,
                motion: start.given.motion,
                hub: Hub::default(),
                theme,
                keymap: start.keymap,
                import: None,
                data_dir: start.data_dir,
            },
            keymap_base: start.keymap_base,
            keymap_path: start.keymap_path,
            looks: start.looks,
            area: Rect::new(0, 0, width, height),
            deck: Deck::default(),
            focus: PaneName::Search,
            zoomed: false,
            search: Search::default(),
            timeline: Timeline::default(),
            overlay: None,
            pending: Vec::new(),
            ways: Vec::new(),
            toasts: Toasts::default(),
            undo: None,
            forgetting: None,
            mouse: start.mouse,
            given: start.given,
            state: start.state,
            state_kept: start.now,
            recent_actions: Vec::new(),
            quitting: false,
        };
        if let Some(error) = unusable {
            app.tell(Toast::warn(error.to_string()));
        }
        app.restore();
        // Only what changes from here on is worth keeping.
        app.state = app.state();
        app.arrange();
        app.env.keymap.know(app.facts());
        app
    }

    /// The one way in. `now` is when the message came.
    pub fn update(&mut self, now: Time, msg: Msg) -> Vec<Effect> {
        self.env.now = self.env.now.max(now);
        let mut out = Out::default();
        match msg {
            Msg::Key(key) => self.key(key, &mut out),
            Msg::Mouse(mouse) => self.mouse(mouse, &mut out),
            Msg::Paste(text) => self.paste(&text, &mut out),
            Msg::Resize(width, height) => self.area = Rect::new(0, 0, width, height),
            Msg::Tick => {}
            // Whoever comes back may have been in an editor.
            Msg::Focused => out.effects.push(Effect::LookAtFiles),
            Msg::Link(link) => self.link(link, &mut out),
            Msg::Answer(answer) => self.answer(answer, &mut out),
        }
        self.tick(&mut out);
        self.settle(&mut out);
        self.keep_state(&mut out);
        self.arrange();
        self.env.keymap.know(self.facts());
        out.effects
    }

    /// What only time brings.
    fn tick(&mut self, out: &mut Out) {
        let now = self.env.now;
        self.toasts.tick(now);
        self.undo.take_if(|undo| now >= undo.until);
        self.search.tick(&self.env.scene(), out);
        self.timeline.tick(&self.env.scene(), out);
        if let Some(Overlay::Form(form)) = &mut self.overlay {
            form.tick(now, out);
        }
    }

    /// When something happens though nothing comes in; the clock's second apart.
    pub fn wake(&self) -> Option<Time> {
        let form = match &self.overlay {
            Some(Overlay::Form(form)) => form.wake(),
            _ => None,
        };
        let undo = self.undo.as_ref().map(|undo| undo.until);
        let search = self.search.wake().filter(|_| self.env.hub.is_live());
        let timeline = self.timeline.wake(self.env.now);
        [form, undo, search, timeline, self.toasts.wake()].into_iter().flatten().min()
    }

    /// What was wished for, as far as it is the app's to do.
    fn settle(&mut self, out: &mut Out) {
        // An action run from the palette may wish for more; twice is as deep as it goes.
        for _ in 0..3 {
            if std::mem::take(&mut out.close) {
                self.overlay = None;
            }
            if let Some(overlay) = out.open.take() {
                self.overlay = Some(overlay);
            }
            if let Some(project) = out.project.take() {
                self.set_project(project, out);
            }
            if let Some(wanted) = out.prefer.take() {
                self.prefer(wanted, out);
            }
            if let Some(query) = out.query.take() {
                self.focus(PaneName::Search, out);
                self.search.take_query(&query, &self.env.scene(), out);
            }
            if let Some(keymap) = out.keymap.take() {
                self.keymap_base = keymap;
                out.effects.push(Effect::ReadKeymap);
            }
            if let Some(choice) = out.theme.take() {
                self.looks.choice = choice;
                // It was read before it was offered; if it cannot be had after all, what is worn stays.
                if let Err(error) = self.wear() {
                    out.toast(Toast::warn(error.to_string()));
                }
            }
            self.note_choices(&out.effects);
            match out.act.take() {
                Some(action) => self.act(action, out),
                None => break,
            }
        }
        for toast in out.toasts.drain(..) {
            self.toasts.add(toast, self.env.now);
        }
        for effect in &out.effects {
            match effect {
                Effect::Import { path, .. } => {
                    self.env.import = Some(Importing {
                        path: path.display().to_string(),
                        started: self.env.now,
                        progress: Default::default(),
                        stopping: false,
                        report: None,
                    });
                }
                Effect::CancelImport => {
                    if let Some(import) = &mut self.env.import {
                        import.stopping = true;
                    }
                }
                Effect::Ask(Ask::Forget { id }) => self.forgetting = Some((*id, false)),
                Effect::KeepTheme(_) if self.looks.is_set => {
                    let said =
                        format!("theme {} until you quit; the settings name another", self.env.theme.name());
                    self.toasts.add(Toast::say(said), self.env.now);
                }
                Effect::Quit => self.quitting = true,
                _ => {}
            }
        }
    }

    fn set_project(&mut self, project: Option<Project>, out: &mut Out) {
        if self.search.project == project {
            return;
        }
        let said = project.as_ref().map_or("all projects".to_owned(), |project| format!("project {project}"));
        out.toast(Toast::say(said));
        self.search.project.clone_from(&project);
        self.search.ask(&self.env.scene(), out);
        self.timeline.set_project(project, &self.env.scene(), out);
    }

    /// Gives every part its place, and lays out what is open for it.
    fn arrange(&mut self) {
        self.deck = Deck::of(self.area, self.focus, self.zoomed);
        self.search.arrange(self.deck.search.unwrap_or_default());
        self.timeline.arrange(self.deck.timeline.unwrap_or_default());
        self.search.lay_out(&self.env.scene());
        self.timeline.lay_out(&self.env.scene());
        if let Some(overlay) = &mut self.overlay {
            overlay.arrange(above(self.area));
        }
    }

    fn link(&mut self, link: Link, out: &mut Out) {
        use super::model::Connection;
        match link {
            Link::Opening => self.env.hub.connection = Connection::Opening,
            Link::Up { owned, status } => {
                let was_away = matches!(self.env.hub.connection, Connection::Offline { .. });
                self.env.hub.connection = Connection::Live { owned };
                self.env.hub.status = Some(*status);
                if was_away {
                    out.toast(Toast::done(if owned {
                        "this console is the hub now"
                    } else {
                        "attached again"
                    }));
                }
                self.search.hub_is_there(&self.env.scene(), out);
                self.timeline.hub_is_there(out);
            }
            Link::Down { fault, retry_at } => {
                let since = match &self.env.hub.connection {
                    Connection::Offline { since, .. } => *since,
                    _ => self.env.now,
                };
                self.env.hub.connection = Connection::Offline { since, fault, retry_at };
            }
            Link::Status(status) => self.status(*status, out),
            Link::Begin(stretch) => self.timeline.begin(stretch, out),
            Link::Events(events) => {
                if events.iter().any(|event| event.domain() == "memory") {
                    self.search.memories_changed(&self.env.scene());
                }
                self.timeline.arrived(events, &self.env.scene());
            }
            Link::Gap { from, to, reason } => {
                out.toast(Toast::warn(format!("events {from} to {to} are not to be had here ({reason})")));
                self.timeline.gap(from, to, reason);
            }
        }
    }

    fn status(&mut self, status: crate::door::Status, out: &mut Out) {
        let readies = |hub: &Hub| {
            let status = hub.status.as_ref()?;
            Some(status.views.iter().filter(|view| view.state.is_ready()).count())
        };
        let before = readies(&self.env.hub);
        self.env.hub.status = Some(status);
        if readies(&self.env.hub) != before {
            self.search.hub_is_there(&self.env.scene(), out);
        }
    }

    /// Puts on the theme that is chosen.
    fn wear(&mut self) -> Result<(), ThemeError> {
        self.env.theme = self.looks.theme()?;
        self.look_anew();
        Ok(())
    }

    /// The terminal told whether it is dark or light. Answers whether that changes the screen.
    pub fn terminal_is(&mut self, mode: Mode) -> bool {
        let before = self.env.theme.name().to_owned();
        self.looks.terminal = mode;
        // What could not be had before the answer was told then.
        let (theme, _) = self.looks.theme_or_shipped();
        self.env.theme = theme;
        self.look_anew();
        self.arrange();
        before != self.env.theme.name()
    }

    /// Something to say before anything was asked.
    pub fn tell(&mut self, toast: Toast) {
        self.toasts.add(toast, self.env.now);
    }

    /// Where a key is looked up now, the most particular place first.
    pub fn places(&self) -> Vec<Place> {
        if let Some(overlay) = &self.overlay {
            return vec![overlay.place(), Place::Always];
        }
        let (typing, reading, text, pane) = match self.focus {
            PaneName::Search => (self.search.typing, self.search.reading, Place::Query, Place::Search),
            PaneName::Timeline => {
                (self.timeline.is_typing(), self.timeline.reading, Place::Filter, Place::Timeline)
            }
        };
        if typing {
            return vec![text, Place::Always];
        }
        let mut places = vec![pane, Place::Lists, Place::Global, Place::Always];
        if self.focus == PaneName::Search && self.search.chip.is_some() {
            places.insert(0, Place::Chips);
        }
        if reading {
            places.insert(0, Place::Detail);
        }
        places
    }

    /// Asked to end, and nothing stands in the way.
    pub fn is_quitting(&self) -> bool {
        self.quitting
    }

    pub fn has_mouse(&self) -> bool {
        self.mouse
    }
}

/// Where an overlay stands: above everything but the hints.
fn above(area: Rect) -> Rect {
    Rect { height: area.height.saturating_sub(1), ..area }
}

#[cfg(test)]
mod tests;
