//! The console's state and how a message changes it. `update` is pure: no file, no clock, no waiting; what is to be
//! done comes back as effects. Panes and overlays have their own rooms; here they are composed.

mod actions;
mod answers;
mod cells;
mod export;
mod facts;
mod fleet;
pub(super) mod header;
mod hints;
mod input;
mod mouse;
mod preferences;
mod session;
mod view;

use std::{path::PathBuf, sync::Arc};

use ratatui::layout::Rect;

use self::mouse::Mouse;
use super::{
    action::{Action, Place},
    effect::{Ask, Effect},
    hyperlink::Hyperlinks,
    keymap::{Continuation, Key, Keymap, Shipped},
    layout::{self, Deck, Shares},
    model::Fleet,
    msg::Msg,
    overlay::{Overlay, import::Importing},
    panes::{
        PaneName, Panes,
        log::{Log, LogPlace},
    },
    preferences::Given,
    scene::{Motion, Out, Scene, TimeForm},
    state::State,
    theme::{Looks, Mode, Theme, ThemeError},
    widgets::toast::{Toast, Toasts},
};
use crate::model::{Id, Project, Time, Zones};

/// What every part may read: the hubs, the clock as last told, how things look.
pub struct Env {
    pub now: Time,
    pub zones: Zones,
    pub form: TimeForm,
    pub motion: Motion,
    pub fleet: Fleet,
    pub theme: Theme,
    pub keymap: Keymap,
    pub import: Option<Importing>,
    /// What is shown is of this project alone.
    pub project: Option<Project>,
}

impl Env {
    pub fn scene(&self) -> Scene<'_> {
        Scene {
            now: self.now,
            zones: self.zones,
            form: self.form,
            motion: self.motion,
            hub: self.fleet.hub(),
            fleet: &self.fleet,
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
    shares: Shares,
    given: Given,
    /// As it was kept last, and when.
    state: State,
    state_kept: Time,
    focus: PaneName,
    /// What had the focus before a pane that is not on the deck: `back` leads there.
    before: PaneName,
    zoomed: bool,
    pub panes: Panes,
    overlay: Option<Overlay>,
    /// Keys of a sequence already pressed, and how it can go on.
    pending: Vec<Key>,
    ways: Vec<Continuation>,
    toasts: Toasts,
    undo: Option<Undo>,
    /// A removal on its way, and whether `u` was pressed before it was done.
    forgetting: Option<(Id, bool)>,
    mouse: Mouse,
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
    pub fleet: Fleet,
    pub mouse: bool,
    /// Who else says what is preferred.
    pub given: Given,
    /// How it was left.
    pub state: State,
    pub log: LogPlace,
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
                fleet: start.fleet,
                theme,
                keymap: start.keymap,
                import: None,
                project: None,
            },
            keymap_base: start.keymap_base,
            keymap_path: start.keymap_path,
            looks: start.looks,
            area: Rect::new(0, 0, width, height),
            deck: Deck::default(),
            shares: start.state.get(layout::PART).unwrap_or_default(),
            focus: PaneName::ALL[0],
            before: PaneName::ALL[0],
            given: start.given,
            state: start.state,
            state_kept: start.now,
            zoomed: false,
            panes: Panes { log: Log::at(start.log), ..Panes::default() },
            overlay: None,
            pending: Vec::new(),
            ways: Vec::new(),
            toasts: Toasts::default(),
            undo: None,
            forgetting: None,
            mouse: Mouse::new(start.mouse),
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
            Msg::Burst(text) => self.burst(&text, &mut out),
            Msg::Resize(width, height) => self.resized(width, height),
            Msg::Tick => {}
            // Whoever comes back may have been in an editor.
            Msg::Focused => out.effects.push(Effect::LookAtFiles),
            Msg::Link(at, link) => self.link(at, &link, &mut out),
            Msg::Logged(taken) => self.panes.log.take(taken),
            Msg::Answer(answer) => self.answer(answer, &mut out),
            Msg::OfHub { at, turn, answer } => self.answer_of(at, turn, answer, &mut out),
        }
        self.tick(&mut out);
        self.settle(&mut out);
        self.tell_health();
        self.keep_state(&mut out);
        self.arrange();
        self.env.keymap.know(self.facts());
        out.effects
    }

    fn resized(&mut self, width: u16, height: u16) {
        self.area = Rect::new(0, 0, width, height);
        self.mouse.let_go();
    }

    /// What only time brings.
    fn tick(&mut self, out: &mut Out) {
        let now = self.env.now;
        self.toasts.tick(now);
        self.undo.take_if(|undo| now >= undo.until);
        let scene = self.env.scene();
        self.panes.each().for_each(|pane| pane.tick(&scene, out));
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
        let scene = self.env.scene();
        let panes = self.panes.all().filter_map(|(_, pane)| pane.wake(&scene));
        [form, undo, self.toasts.wake()].into_iter().flatten().chain(panes).min()
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
            if let Some((at, shows)) = out.choose.take() {
                self.choose(at, shows, out);
            }
            if let Some(wanted) = out.prefer.take() {
                self.prefer(wanted, out);
            }
            if let Some(query) = out.query.take() {
                self.focus(PaneName::Search, out);
                self.panes.search.take_query(&query, &self.env.scene(), out);
            }
            if let Some(moment) = out.moment.take() {
                self.panes.timeline.go_to_moment(moment, out);
            }
            if let Some(events) = out.events.take() {
                self.focus(PaneName::Timeline, out);
                self.panes.timeline.take_filter(&events, &self.env.scene(), out);
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

    /// Where the Timeline stands is marked in the charts; what is explained is as it is now.
    fn tell_health(&mut self) {
        self.panes.health.marked = self.panes.timeline.stands_at();
        let wrongs = self.wrongs();
        if let Some(Overlay::Wrong(shown)) = &mut self.overlay {
            shown.came(wrongs);
        }
    }

    fn set_project(&mut self, project: Option<Project>, out: &mut Out) {
        if self.env.project == project {
            return;
        }
        let said = project.as_ref().map_or("all projects".to_owned(), |project| format!("project {project}"));
        out.toast(Toast::say(said));
        self.env.project = project;
        let scene = self.env.scene();
        self.panes.each().for_each(|pane| pane.set_project(self.env.project.as_ref(), &scene, out));
    }

    /// Gives every part its place, and lays out what is open for it.
    fn arrange(&mut self) {
        self.deck = Deck::of(self.area, self.focus, self.zoomed, self.shares);
        let scene = self.env.scene();
        for name in PaneName::ALL {
            let pane = self.panes.get_mut(*name);
            let area = self.deck.pane(*name);
            pane.arrange(area.unwrap_or_default(), self.shares);
            pane.lay_out(&scene);
            self.deck.borders.extend(pane.split().border().filter(|_| area.is_some()));
        }
        if let Some(overlay) = &mut self.overlay {
            overlay.arrange(above(self.area), &scene);
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
        let pane = self.panes.get(self.focus);
        let mut places = pane.places();
        if !pane.is_typing() {
            places.extend([Place::Lists, Place::Global]);
        }
        places.push(Place::Always);
        places
    }

    /// Asked to end, and nothing stands in the way.
    pub fn is_quitting(&self) -> bool {
        self.quitting
    }

    /// Where the links lead that are on screen: those of Decisions while it has the focus, else those of Search.
    pub fn hyperlinks(&self) -> Arc<Hyperlinks> {
        match self.focus {
            PaneName::Decisions => self.panes.decisions.hyperlinks(),
            _ => self.panes.search.hyperlinks(),
        }
    }

    /// Whether the program's own log is on screen: only then what is said there matters at once.
    pub fn shows_log(&self) -> bool {
        self.deck.pane(PaneName::Log).is_some()
    }
}

/// Where an overlay stands: above everything but the hints.
fn above(area: Rect) -> Rect {
    Rect { height: area.height.saturating_sub(1), ..area }
}

#[cfg(test)]
mod tests;
