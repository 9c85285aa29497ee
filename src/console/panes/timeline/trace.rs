//! One correlation as a tree: every event that bears it, under the event that caused it, with the time between them.
//!
//! It begins with one event and grows both ways from there, by pages from every hub and by what arrives.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use super::{Stand, Timeline, history::Queries};
use crate::{
    console::{
        effect::{AskEach, Page, Toward},
        model::{At, Mark, Stretch},
        scene::{Out, Scene},
        text,
        widgets::list::{List, Step},
    },
    door::{EVENTS_PAGE_MAX, EventQuery, Order},
    model::{Event, EventFilter, Fault, Id, Time},
};

/// Of a correlation that has more, the nearest are shown.
pub const TRACE_MAX: usize = 5_000;
/// A leg that takes longer says how far it is.
const SLOW: Duration = Duration::from_millis(300);

/// One direction of the search.
#[derive(Debug, Clone, Default)]
struct Leg {
    generation: Option<u64>,
    queries: Queries,
    reached: Option<Time>,
}

#[derive(Debug)]
pub struct Trace {
    pub correlation: Id,
    events: BTreeMap<Mark, Arc<Event>>,
    rows: Vec<Node>,
    list: List,
    past: Leg,
    present: Leg,
    since: Option<Time>,
    pub fault: Option<Fault>,
}

/// A row of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    pub mark: Mark,
    pub event: Arc<Event>,
    /// For each level above, whether its line goes on below this row; the last is this row's own.
    pub lines: Vec<bool>,
    /// Since the event that caused it, or the one before where nothing did.
    pub after: Duration,
    /// Since the first of all.
    pub from_first: Duration,
}

impl Trace {
    fn new(at: At, event: &Arc<Event>) -> Trace {
        let mut trace = Trace {
            correlation: event.correlation_id,
            events: BTreeMap::new(),
            rows: Vec::new(),
            list: List::default(),
            past: Leg::default(),
            present: Leg::default(),
            since: None,
            fault: None,
        };
        trace.take(at, [event.clone()]);
        trace
    }

    fn leg(&mut self, toward: Toward) -> &mut Leg {
        match toward {
            Toward::Past => &mut self.past,
            Toward::Present => &mut self.present,
        }
    }

    /// Takes in what bears the correlation; what is selected stays selected.
    fn take(&mut self, at: At, events: impl IntoIterator<Item = Arc<Event>>) {
        let before = self.events.len();
        for event in events {
            if event.correlation_id == self.correlation && self.events.len() < TRACE_MAX {
                let mark = Mark { time: event.recorded_at, hub: at, sequence: event.sequence };
                self.events.insert(mark, event);
            }
        }
        if self.events.len() == before {
            return;
        }
        let selected = self.selected_mark();
        self.rows = tree(&self.events);
        self.list.set_len(self.rows.len());
        if let Some(row) = self.rows.iter().position(|node| Some(node.mark) == selected) {
            self.list.select(row);
        }
    }

    pub fn arrived(&mut self, at: At, events: &[Arc<Event>], now: Time) {
        self.take(at, events.iter().cloned());
        self.tick(now);
    }

    pub fn tick(&mut self, now: Time) {
        if self.is_looking() {
            self.since.get_or_insert(now);
        }
    }

    fn is_looking(&self) -> bool {
        self.past.generation.is_some() || self.present.generation.is_some()
    }

    pub fn selected(&self) -> Option<&Arc<Event>> {
        self.rows.get(self.list.selected()?).map(|node| &node.event)
    }

    pub fn selected_mark(&self) -> Option<Mark> {
        self.rows.get(self.list.selected()?).map(|node| node.mark)
    }

    pub fn step(&mut self, step: Step) {
        self.list.step(step);
    }

    /// Selects the row at a line; answers whether it was selected before.
    pub fn click(&mut self, line: usize) -> bool {
        let Some(row) = self.list.row_at(line, 1) else { return false };
        let again = self.list.selected() == Some(row);
        self.list.select(row);
        again
    }

    pub fn arrange(&mut self, height: u16) {
        self.list.set_height(height as usize);
    }

    /// The rows that are seen, and which of them is selected.
    pub fn visible(&self) -> impl Iterator<Item = (bool, &Node)> {
        let selected = self.list.selected();
        self.list.visible().map(move |row| (selected == Some(row), &self.rows[row]))
    }

    pub fn shown(&self) -> std::ops::Range<usize> {
        self.list.visible()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// `12 events over 1.2 s`, and how far the search for more is.
    pub fn words(&self, scene: &Scene) -> String {
        let mut said = text::counted(self.rows.len() as u64, "event", "events");
        let times = self.events.values().map(|event| event.recorded_at);
        if let (Some(first), Some(last)) = (times.clone().min(), times.max())
            && last > first
        {
            said.push_str(&format!(" over {}", text::span(last.since(first))));
        }
        let slow = self.since.is_some_and(|since| scene.now >= since.plus(SLOW));
        if self.events.len() >= TRACE_MAX {
            said.push_str(", the nearest of more");
        } else if let Some(fault) = &self.fault {
            said.push_str(&format!(", maybe more: {}", text::escape_line(&fault.message)));
        } else if self.is_looking() && slow {
            let reached = self.past.reached.or(self.present.reached);
            let reached = reached.map_or(String::new(), |time| format!(" {} so far", scene.at(time)));
            said.push_str(&format!(", looking for more{}{reached}", scene.theme.ellipsis()));
        }
        said
    }
}

/// The tree, a row an event: causes above what they caused, each in the order in which it was recorded.
fn tree(events: &BTreeMap<Mark, Arc<Event>>) -> Vec<Node> {
    let by_id: HashMap<Id, Mark> = events.iter().map(|(mark, event)| (event.id, *mark)).collect();
    let mut children: BTreeMap<Option<Mark>, Vec<Mark>> = BTreeMap::new();
    for (mark, event) in events {
        let cause = event.causation_id.and_then(|cause| by_id.get(&cause)).copied();
        // What claims to be caused by what came after it stands for itself: no circle can be.
        let cause = cause.filter(|cause| cause < mark);
        children.entry(cause).or_default().push(*mark);
    }
    let first = events.values().map(|event| event.recorded_at).min().unwrap_or_default();
    let mut rows = Vec::with_capacity(events.len());
    let mut stack: Vec<(Mark, Vec<bool>, Time)> = Vec::new();
    let push = |stack: &mut Vec<_>, cause: Option<Mark>, lines: &[bool]| {
        let Some(below) = children.get(&cause) else { return };
        let mut before = cause.map_or(first, |cause| events[&cause].recorded_at);
        let mut added = Vec::new();
        for (at, mark) in below.iter().enumerate() {
            let own = if cause.is_some() { [lines, &[at + 1 < below.len()]].concat() } else { Vec::new() };
            added.push((*mark, own, before));
            if cause.is_none() {
                before = events[mark].recorded_at;
            }
        }
        stack.extend(added.into_iter().rev());
    };
    push(&mut stack, None, &[]);
    while let Some((mark, lines, before)) = stack.pop() {
        let event = &events[&mark];
        push(&mut stack, Some(mark), &lines);
        rows.push(Node {
            mark,
            after: event.recorded_at.since(before),
            from_first: event.recorded_at.since(first),
            event: event.clone(),
            lines,
        });
    }
    rows
}

impl Timeline {
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// The tree of the selected event's correlation; from the tree, back to the list.
    pub fn toggle_trace(&mut self, out: &mut Out) {
        if self.trace.take().is_some() {
            self.open = false;
            self.reading = false;
            return self.arrange(self.area);
        }
        let (Some(event), Some(mark)) = (self.selected().cloned(), self.selected_mark()) else { return };
        if self.stand == Stand::Following {
            self.hold();
        }
        self.open = false;
        self.reading = false;
        self.trace = Some(Trace::new(mark.hub, &event));
        self.arrange(self.area);
        for toward in [Toward::Past, Toward::Present] {
            let filter = EventFilter { correlation: Some(event.correlation_id), ..EventFilter::default() };
            let mut query = EventQuery { filter, limit: EVENTS_PAGE_MAX, ..EventQuery::default() };
            if toward == Toward::Present {
                query.order = Order::Asc;
            }
            let mut queries = self.of_all(query);
            for (at, query) in &mut queries {
                let place = self.history.place(*at, event.sequence).filter(|_| *at == mark.hub);
                // Elsewhere what lies to the other side is looked for by its time: at the same moment by both.
                match toward {
                    Toward::Past if place.is_some() => query.before = place,
                    Toward::Past => query.recorded_until = Some(mark.time.plus(Duration::from_millis(1))),
                    Toward::Present if place.is_some() => query.after = place,
                    Toward::Present => query.recorded_since = Some(mark.time),
                }
            }
            self.ask_trace(toward, queries, out);
        }
    }

    fn ask_trace(&mut self, toward: Toward, queries: Queries, out: &mut Out) {
        let generation = self.history.next_trace();
        let Some(trace) = self.trace.as_mut().filter(|_| !queries.is_empty()) else { return };
        let leg = trace.leg(toward);
        leg.generation = Some(generation);
        leg.queries.clone_from(&queries);
        out.ask_each(AskEach::Events { generation, page: Page::Trace(toward), queries });
    }

    pub(super) fn traced(
        &mut self,
        generation: u64,
        toward: Toward,
        answers: Vec<(At, Result<Stretch, Fault>)>,
        now: Time,
        out: &mut Out,
    ) {
        let Some(trace) = &mut self.trace else { return };
        let leg = trace.leg(toward);
        if leg.generation != Some(generation) {
            return;
        }
        leg.generation = None;
        let asked = std::mem::take(&mut leg.queries);
        let mut further = Queries::new();
        for (at, answer) in answers {
            let stretch = match answer {
                Ok(stretch) => stretch,
                Err(fault) => {
                    trace.fault = Some(fault);
                    continue;
                }
            };
            let leg = trace.leg(toward);
            leg.reached = stretch.reached.or(leg.reached);
            trace.arrived(at, &stretch.events().cloned().collect::<Vec<_>>(), now);
            let place = stretch.next.and_then(|next| self.history.place(at, next));
            if let (Some(place), Some((_, query))) = (place, asked.iter().find(|(asked, _)| *asked == at)) {
                let mut query = query.clone();
                match toward {
                    Toward::Past => query.before = Some(place),
                    Toward::Present => query.after = Some(place),
                }
                further.push((at, query));
            }
        }
        if trace.events.len() < TRACE_MAX {
            self.ask_trace(toward, further, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Actor, Sequence, Severity};

    fn event(sequence: u64, cause: Option<u8>) -> (Mark, Arc<Event>) {
        let id = |n: u8| Id::from_bytes([n; 16]);
        let event = Event {
            id: id(sequence as u8),
            kind: "job.started".into(),
            subject: "_.job.started".parse().unwrap(),
            time: Time::from_unix_ms(0),
            sequence: Sequence(sequence),
            recorded_at: Time::from_unix_ms(sequence as i64 * 100),
            correlation_id: id(99),
            causation_id: cause.map(id),
            actor: Actor::hub(),
            severity: Severity::Info,
            sampled_rate: None,
            data: serde_json::Map::new(),
        };
        (Mark { time: event.recorded_at, hub: At(0), sequence: event.sequence }, Arc::new(event))
    }

    #[track_caller]
    fn check(events: &[(u64, Option<u8>)], rows: &[(u64, &[bool], u64, u64)]) {
        let events = events.iter().map(|(sequence, cause)| event(*sequence, *cause)).collect();
        let found = tree(&events);
        let found: Vec<_> = found
            .iter()
            .map(|node| {
                let ms = |span: Duration| span.as_millis() as u64;
                (node.event.sequence.0, node.lines.as_slice(), ms(node.after), ms(node.from_first))
            })
            .collect();
        assert_eq!(found, rows);
    }

    #[test]
    fn causes_stand_above_what_they_caused() {
        check(
            &[(1, None), (2, Some(1)), (3, None), (4, Some(2)), (5, Some(1))],
            &[
                (1, &[], 0, 0),
                (2, &[true], 100, 100),
                (4, &[true, false], 200, 300),
                (5, &[false], 400, 400),
                (3, &[], 200, 200),
            ],
        );
    }

    #[test]
    fn a_cause_that_is_not_here_or_came_later_is_none() {
        check(
            &[(4, Some(77)), (5, Some(6)), (6, Some(5))],
            &[(4, &[], 0, 0), (5, &[], 100, 100), (6, &[false], 100, 200)],
        );
    }
}
