//! The top line: whose hub it is, how it does, what is going on, what time it is. When not all of it has room, whole
//! parts go, the least needed first; only the hub's state is ever cut, and says so.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

use super::App;
use crate::{
    console::{
        action::{Action, Place},
        model::{Badge, Connection, Seat},
        scene::{Motion, Scene, TimeForm, age},
        text,
        theme::Role,
    },
    door::Refusal,
};

/// The data directory is not cut below this.
const DIR_MIN: usize = 12;

/// How much a part is needed, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Place,
    Dir,
    Decisions,
    Memories,
    Clock,
    Work,
    Project,
    /// Whose panes these are.
    Hub,
    Wrong,
    State,
    Name,
}

struct Part {
    need: Need,
    line: Line<'static>,
    /// What a click on it does.
    action: Option<Action>,
    fits: bool,
}

impl Part {
    fn new(need: Need, spans: Vec<Span<'static>>, action: Option<Action>) -> Part {
        Part { need, line: Line::from(spans), action, fits: false }
    }

    fn cut(&mut self, width: usize) {
        if self.width() > width {
            let said: String = self.line.spans.iter().map(|span| span.content.as_ref()).collect();
            let style = self.line.spans.first().map(|span| span.style).unwrap_or_default();
            self.line = Line::styled(text::cut(&said, width).into_owned(), style);
        }
    }

    fn width(&self) -> usize {
        self.line.width()
    }
}

impl App {
    pub(super) fn view_header(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        frame.render_widget(Block::new().style(scene.theme.style(Role::Header)), area);
        for (x, part) in self.header(area.width as usize, scene) {
            let at = Rect { x: area.x + x, width: part.width() as u16, ..area }.intersection(area);
            frame.render_widget(Paragraph::new(part.line), at);
        }
    }

    /// What a click on this column of the header does.
    pub(super) fn header_action(&self, x: u16, width: u16) -> Option<Action> {
        let parts = self.header(width as usize, &self.env.scene());
        let at = |(from, part): &(u16, Part)| (*from..*from + part.width() as u16).contains(&x);
        parts.into_iter().find(at).and_then(|(_, part)| part.action)
    }

    /// The parts that have room, and where each begins: the clock at the right end, the others from the left.
    fn header(&self, width: usize, scene: &Scene) -> Vec<(u16, Part)> {
        let mut parts = self.parts(width, scene);
        let mut by_need: Vec<usize> = (0..parts.len()).collect();
        by_need.sort_by_key(|at| std::cmp::Reverse(parts[*at].need));
        let mut room = width;
        for at in by_need {
            let part = &mut parts[at];
            if part.need == Need::State {
                part.cut(room);
            }
            part.fits = part.width() <= room;
            room -= if part.fits { part.width() } else { 0 };
        }
        parts.retain(|part| part.fits);
        let mut x = 0;
        let placed = parts.into_iter().map(|part| {
            let at = if part.need == Need::Clock { width - part.width() } else { x };
            x += part.width();
            (at as u16, part)
        });
        placed.collect()
    }

    fn parts(&self, width: usize, scene: &Scene) -> Vec<Part> {
        let theme = scene.theme;
        let styled = |text: String, role| Span::styled(text, theme.style(role));
        let mut parts =
            vec![Part::new(Need::Name, vec![styled(" wheelhouse ".into(), Role::HeaderName)], None)];
        let place = match &scene.hub.connection {
            // Whose panes these are says more.
            _ if scene.fleet.is_many() => "",
            Connection::Live { owned: true } => "local",
            Connection::Live { owned: false } => "attached",
            Connection::Opening | Connection::Stale { .. } | Connection::Offline { .. } => "",
        };
        if !place.is_empty() {
            parts.push(Part::new(Need::Place, vec![styled(format!(" {place} "), Role::Muted)], None));
        }
        let seat = scene.fleet.seat();
        let many = scene.fleet.is_many();
        let whose = text::escape_line(if many { &seat.name } else { &seat.place });
        let whose = format!(" {} ", text::cut_left(&whose, (width / 4).max(DIR_MIN)));
        let (need, role, leads) = match many {
            true => (Need::Hub, Role::EventHub, Some(Action::FocusHubs)),
            false => (Need::Dir, Role::Muted, None),
        };
        parts.push(Part::new(need, vec![styled(whose, role)], leads));
        parts.push(if many { fleet_state(scene) } else { hub_state(width, scene) });
        if let Some(memories) = scene.hub.memories() {
            let word = if memories == 1 { "memory" } else { "memories" };
            let spans = vec![
                styled(format!("  {} ", text::count(memories)), Role::Strong),
                styled(word.to_owned(), Role::Muted),
            ];
            parts.push(Part::new(Need::Memories, spans, Some(Action::FocusSearch)));
        }
        if let Some(decisions) = scene.hub.decisions().filter(|decisions| *decisions > 0) {
            let spans = vec![
                styled(format!("  {} ", text::count(decisions)), Role::Strong),
                styled(if decisions == 1 { "decision" } else { "decisions" }.to_owned(), Role::Muted),
            ];
            parts.push(Part::new(Need::Decisions, spans, Some(Action::FocusDecisions)));
        }
        if let Some(project) = &self.env.project {
            let said = styled(format!("   {project} "), Role::Project);
            parts.push(Part::new(Need::Project, vec![said], Some(Action::Project)));
        }
        parts.extend(self.wrong(scene));
        parts.extend(self.work(scene));
        parts.push(Part::new(Need::Clock, vec![styled(clock(scene), Role::Muted)], Some(Action::TimeForm)));
        parts
    }

    /// `◐ disk, 2 more !`: what is not as it should be, and the key that explains it.
    fn wrong(&self, scene: &Scene) -> Option<Part> {
        let wrongs = self.wrongs();
        let (first, rest) = wrongs.split_first()?;
        let more = if rest.is_empty() { String::new() } else { format!(", {} more", rest.len()) };
        let key =
            scene.key(Action::WhatIsWrong, Place::Global).map_or(String::new(), |key| format!(" {key}"));
        let glyph = scene.theme.glyph(first.role);
        let name = text::cut(&text::escape_line(&first.name), 20).into_owned();
        let spans = vec![
            Span::styled(format!("   {glyph} {name}{more}"), scene.theme.style(first.role)),
            Span::styled(format!("{key} "), scene.theme.style(Role::Muted)),
        ];
        Some(Part::new(Need::Wrong, spans, Some(Action::WhatIsWrong)))
    }

    /// What is being done and takes its time.
    fn work(&self, scene: &Scene) -> Vec<Part> {
        let theme = scene.theme;
        let part = |words: &str, action| {
            let said = format!("   {} {words} ", theme.glyph(Role::Busy));
            Part::new(Need::Work, vec![Span::styled(said, theme.style(Role::Busy))], action)
        };
        let import = scene.import.filter(|import| import.is_running()).map(|import| {
            let words = format!("importing {} %", (scene.progress(import.part()) * 100.0) as u64);
            part(&words, Some(Action::Import))
        });
        let hub = scene.hub.erasing().into_iter().chain(scene.hub.embedding());
        import.into_iter().chain(hub.map(|words| part(&words, None))).collect()
    }
}

/// `hubs 2/2 LIVE`, or what is worst, and whose it is.
fn fleet_state(scene: &Scene) -> Part {
    let fleet = scene.fleet;
    let counted = format!("hubs {}/{}", fleet.live(), fleet.len());
    let (role, said) = match fleet.worst(scene.now) {
        None => (Role::Live, format!("{counted} LIVE")),
        Some((seat, badge)) => {
            let (role, words) = badge_words(&badge, seat, 0, scene);
            (role, format!("{counted}  {} {words}", text::escape_line(&seat.name)))
        }
    };
    let said = format!("  {} {said} ", scene.theme.glyph(role));
    let style = scene.theme.style(role);
    Part::new(Need::State, vec![Span::styled(said, style)], Some(Action::FocusHubs))
}

fn hub_state(width: usize, scene: &Scene) -> Part {
    let (role, said) = badge_words(&scene.hub.badge(scene.now), scene.fleet.seat(), width, scene);
    let said = format!("  {} {said} ", scene.theme.glyph(role));
    let away = matches!(scene.hub.connection, Connection::Offline { .. });
    Part::new(Need::State, vec![Span::styled(said, scene.theme.style(role))], away.then_some(Action::Retry))
}

/// With a column of air before and behind it.
fn clock(scene: &Scene) -> String {
    let clock = scene.now.at(scene.zone());
    let clock = match scene.motion {
        Motion::Full => clock.format("%H:%M:%S"),
        Motion::Reduced => clock.format("%H:%M"),
    };
    match scene.form {
        TimeForm::Utc | TimeForm::Zone => format!(" {clock} {} ", scene.zone().letters(scene.now)),
        TimeForm::Relative | TimeForm::Local => format!(" {clock} "),
    }
}

/// A hub's state: how it looks, in words, fewer where there is less room. Among others that it is away is told louder.
pub(in crate::console) fn badge_words(
    badge: &Badge,
    seat: &Seat,
    width: usize,
    scene: &Scene,
) -> (Role, String) {
    let age = |since| age(scene.now, since);
    match badge {
        Badge::Live => (Role::Live, "LIVE".into()),
        Badge::Opening => (Role::Busy, "opening".into()),
        Badge::CatchingUp(words) | Badge::Rebuilding(words) => (Role::Busy, words.clone()),
        Badge::Failed(words) => (Role::Error, text::cut(words, 40).into_owned()),
        Badge::Stalled(words) if width < 100 => {
            (Role::Warn, words.split(':').next().unwrap_or_default().to_owned())
        }
        Badge::Stalled(words) => (Role::Warn, words.clone()),
        Badge::Refused(Refusal::ReadOnly) => (Role::Warn, Refusal::ReadOnly.words().into()),
        Badge::Refused(why) => (Role::Error, why.words().into()),
        Badge::Stale { since } => (Role::Warn, format!("STALE {}", age(*since))),
        Badge::Denied if scene.fleet.is_many() => (Role::Error, "DENIED".into()),
        Badge::Denied => (Role::Error, "denied".into()),
        Badge::Offline { since } if scene.fleet.is_many() => {
            let retry = match seat.hub.connection {
                Connection::Offline { retry_at, .. } if retry_at > scene.now => {
                    format!(", RETRY {} s", retry_at.since(scene.now).as_secs().max(1))
                }
                _ => String::new(),
            };
            (Role::Off, format!("OFFLINE {}{retry}", age(*since)))
        }
        Badge::Offline { since } => (Role::Off, format!("offline {}", age(*since))),
    }
}
