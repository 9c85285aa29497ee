//! Hubs as drawn: a row each, as many columns as there is room for, and all that is known of one beside them.

use std::time::Duration;

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{super::search::view_rule, Hubs};
use crate::{
    console::{
        app::header::badge_words,
        layout::{Rule, head, inside},
        model::{At, Badge, Connection, Seat},
        panes::Pane,
        scene::Scene,
        text,
        theme::Role,
        widgets::frame::row_as,
    },
    door::Overall,
};

/// Columns of a field's name in the detail.
const LABEL: usize = 12;
const NAME_MAX: usize = 20;
/// `OFFLINE 59 min, RETRY 30 s`, in a list of at least so many columns.
const STATE: usize = 26;
const ROOMY: usize = 60;
/// The place of the state among the spans of a row.
const STATE_SPAN: usize = 2;

/// The columns behind name and state, the most wanted first.
#[derive(Debug, Clone, Copy)]
enum Column {
    RoundTrip,
    Lag,
    Health,
    Memories,
    Decisions,
    Version,
    Place,
}

impl Column {
    const ALL: [Column; 7] = [
        Column::RoundTrip,
        Column::Lag,
        Column::Health,
        Column::Memories,
        Column::Decisions,
        Column::Version,
        Column::Place,
    ];

    fn title(self) -> &'static str {
        match self {
            Column::RoundTrip => "round trip",
            Column::Lag => "lag",
            Column::Health => "health",
            Column::Memories => "memories",
            Column::Decisions => "decisions",
            Column::Version => "version",
            Column::Place => "address",
        }
    }

    /// With the air before it.
    fn width(self) -> usize {
        match self {
            Column::RoundTrip | Column::Decisions => 12,
            Column::Lag => 9,
            Column::Health | Column::Memories => 11,
            Column::Version => 10,
            Column::Place => 24,
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Column::RoundTrip | Column::Lag | Column::Memories | Column::Decisions)
    }

    fn cell(self, seat: &Seat) -> String {
        let status = seat.hub.status.as_ref();
        let number = |number: Option<u64>| number.map(text::count).unwrap_or_default();
        match self {
            Column::RoundTrip => seat.round_trip.map(round_trip).unwrap_or_default(),
            Column::Lag => number(seat.lag()),
            // How it did before it went says nothing.
            Column::Health => {
                let health = seat.health.filter(|_| seat.hub.is_live());
                health.map(|health| health.word().to_owned()).unwrap_or_default()
            }
            Column::Memories => number(seat.hub.memories()),
            Column::Decisions => number(seat.hub.decisions()),
            Column::Version => status.map(|status| status.version.clone()).unwrap_or_default(),
            Column::Place => seat.place.clone(),
        }
    }

    fn role(self, seat: &Seat) -> Role {
        match self {
            // What is not fresh is of then.
            _ if !seat.hub.is_live() => Role::Off,
            Column::Health => seat.health.map_or(Role::Muted, health_role),
            Column::Lag if seat.lag().is_some_and(|lag| lag > 0) => Role::Warn,
            Column::Version | Column::Place => Role::Muted,
            _ => Role::Text,
        }
    }
}

/// What fits into a row.
struct Columns {
    name: usize,
    state: usize,
    others: Vec<Column>,
}

impl Columns {
    fn of(scene: &Scene, states: &[(Role, String)], width: usize) -> Columns {
        let names = scene.fleet.each().map(|(_, seat)| text::width(&seat.name));
        let name = names.max().unwrap_or(0).clamp(4, NAME_MAX).min(width / 2);
        let state = states.iter().map(|(_, words)| text::width(words)).max().unwrap_or(0).max(5);
        // What is counted down does not move the columns beside it.
        let state = if state > 5 && width >= ROOMY { state.max(STATE) } else { state };
        let mut room = width.saturating_sub(2 + name + 2 + state + 1);
        let others = Column::ALL.into_iter().take_while(|column| {
            let fits = column.width() <= room;
            room = room.saturating_sub(column.width());
            fits
        });
        Columns { name, state, others: others.collect() }
    }

    fn head(&self) -> String {
        let mut said = format!("  {}  {}", text::pad("hub", self.name), text::pad("state", self.state));
        for column in &self.others {
            said.push_str(&cell(*column, column.title()));
        }
        said
    }
}

fn cell(column: Column, said: &str) -> String {
    let room = column.width() - 2;
    let said =
        if matches!(column, Column::Place) { text::cut_left(said, room) } else { text::cut(said, room) };
    match column.is_number() {
        true => format!("  {}", text::pad_left(&said, room)),
        false => format!("  {}", text::pad(&said, room)),
    }
}

impl Hubs {
    pub(super) fn draw(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        let theme = scene.theme;
        let [top, _] = head(inside(self.area), 1);
        // No row touches the line beside it.
        let air = u16::from(matches!(self.split.rule, Some((_, Rule::Down))));
        let width = self.split.list.width.saturating_sub(air) as usize;
        let states: Vec<_> = scene.fleet.each().map(|(_, seat)| state(seat, scene)).collect();
        let columns = Columns::of(scene, &states, width);
        if self.split.list.height > 0 {
            let head = text::cut(&columns.head(), width).into_owned();
            let top = Rect { width: self.split.list.width, ..top };
            frame.render_widget(Paragraph::new(Line::styled(head, theme.style(Role::Placeholder))), top);
        }
        let rows = scene.fleet.each().zip(&states).skip(self.list.visible().start);
        let lines: Vec<_> = rows
            .take(self.split.list.height as usize)
            .map(|((at, seat), state)| {
                let chosen = (self.selected() == at).then_some(focused);
                let mut line = row(at, seat, state, &columns, scene);
                line.push_span(Span::raw(" ".repeat(width.saturating_sub(line.width()))));
                row_as(line, chosen, (STATE_SPAN, state.0), theme)
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), self.split.list);
        if let Some(track) = self.track() {
            track.view(frame, scene);
        }
        if let Some((area, rule)) = self.split.rule {
            view_rule(frame, area, rule, scene);
        }
        if let Some(seat) = self.seat(scene).filter(|_| !self.split.side.is_empty()) {
            let area = self.split.side;
            let area = Rect { x: area.x + 1.min(area.width), width: area.width.saturating_sub(2), ..area };
            let lines = detail(seat, area.width as usize, scene);
            frame.render_widget(Paragraph::new(lines), area);
        }
    }
}

fn state(seat: &Seat, scene: &Scene) -> (Role, String) {
    badge_words(&seat.hub.badge(scene.now), seat, 0, scene)
}

/// The mark is of the hub whose panes are shown.
fn row(
    at: At,
    seat: &Seat,
    (role, words): &(Role, String),
    columns: &Columns,
    scene: &Scene,
) -> Line<'static> {
    let theme = scene.theme;
    let chosen = scene.fleet.is_many() && scene.fleet.chosen() == at;
    let mark = if !chosen {
        " "
    } else if theme.ascii() {
        ">"
    } else {
        "▸"
    };
    let name = text::cut_left(&text::escape_line(&seat.name), columns.name).into_owned();
    let role_of_name = if seat.hub.is_live() { Role::Strong } else { Role::Off };
    let mut spans = vec![
        Span::styled(format!("{mark} "), theme.style(Role::Accent)),
        Span::styled(format!("{}  ", text::pad(&name, columns.name)), theme.style(role_of_name)),
        Span::styled(text::pad(&text::cut(words, columns.state), columns.state), theme.style(*role)),
    ];
    for column in &columns.others {
        let said = text::escape_line(&column.cell(seat)).into_owned();
        spans.push(Span::styled(cell(*column, &said), theme.style(column.role(seat))));
    }
    Line::from(spans)
}

/// All that is known of a hub.
fn detail(seat: &Seat, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let (role, words) = state(seat, scene);
    let name = text::escape_line(&seat.name).into_owned();
    let mut lines = vec![
        Line::styled(text::cut(&name, width).into_owned(), theme.style(Role::Strong)),
        Line::styled(theme.lines().0.repeat(width), theme.style(Role::Rule)),
    ];
    let mut field = |name: &str, value: &str, role: Role| {
        let room = width.saturating_sub(LABEL).max(1);
        for (at, part) in text::wrap(&text::escape_line(value), room).into_iter().enumerate() {
            lines.push(Line::from(vec![
                Span::styled(text::pad(if at == 0 { name } else { "" }, LABEL), theme.style(Role::Label)),
                Span::styled(part, theme.style(role)),
            ]));
        }
    };
    let glyph = theme.glyph(role);
    field("state", format!("{glyph} {words}").trim_start(), role);
    for (name, said, role) in why(seat, scene) {
        field(name, &said, role);
    }
    field("address", &seat.place, Role::Text);
    if let Some(trip) = seat.round_trip {
        field("round trip", &round_trip(trip), Role::Text);
    }
    if let Some(fault) = &seat.fault {
        field("round trip", &fault.message, Role::Error);
    }
    let Some(status) = &seat.hub.status else { return lines };
    let head = status.head.sequence.0;
    field("events", &text::count(head), Role::Text);
    match seat.lag() {
        Some(0) => field("lag", "none: all that it has is here", Role::Text),
        Some(lag) => {
            field("lag", &format!("{} not here yet", text::counted(lag, "event", "events")), Role::Warn)
        }
        None => {}
    }
    if let Some(health) = seat.health.filter(|_| seat.hub.is_live()) {
        field("health", health.word(), health_role(health));
    }
    let counts = [("memories", seat.hub.memories()), ("decisions", seat.hub.decisions())];
    for (name, count) in counts.into_iter().filter_map(|(name, count)| Some((name, count?))) {
        field(name, &text::count(count), Role::Text);
    }
    field("called", &status.hub, Role::Text);
    field("version", &status.version, Role::Text);
    field(
        "running",
        &format!("since {}, process {}", scene.local(status.started_at), status.pid),
        Role::Text,
    );
    field("store", &status.data_dir, Role::Text);
    lines
}

/// Why it is not there, and what is done about it.
fn why(seat: &Seat, scene: &Scene) -> Vec<(&'static str, String, Role)> {
    let mut said = Vec::new();
    match &seat.hub.connection {
        Connection::Offline { since, fault, retry_at } => {
            said.push(("why", fault.message.clone(), Role::Error));
            said.extend(fault.hint.clone().map(|hint| ("hint", hint, Role::Muted)));
            said.push(("since", scene.local(*since), Role::Text));
            let next = match retry_at.since(scene.now).as_secs() {
                0 => "now".to_owned(),
                seconds => format!("in {seconds} s"),
            };
            said.push(("tried again", next, Role::Text));
        }
        Connection::Stale { since } => {
            said.push(("why", "not a word from it though the connection is open".into(), Role::Warn));
            said.push(("since", scene.local(*since), Role::Text));
        }
        Connection::Opening | Connection::Live { .. } => {}
    }
    if let Badge::Failed(words) | Badge::Stalled(words) = seat.hub.badge(scene.now) {
        said.push(("why", words, Role::Warn));
    }
    said
}

fn health_role(health: Overall) -> Role {
    match health {
        Overall::Healthy => Role::HealthUp,
        Overall::Degraded => Role::HealthDegraded,
        Overall::Unhealthy => Role::HealthDown,
    }
}

fn round_trip(trip: Duration) -> String {
    match trip.as_secs_f64() * 1e3 {
        ms if ms < 9.95 => format!("{ms:.1} ms"),
        ms => format!("{ms:.0} ms"),
    }
}
