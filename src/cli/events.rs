//! `events` and `export`: what happened, as lines.

mod line;
mod publish;
mod tail;

pub use self::line::about;

use futures::StreamExt;
use serde::Serialize;

use super::{
    Stop,
    args::{Events, WhichEvents},
    setup::Setup,
    text,
    verb::{Ask, time},
};
use crate::{
    console::export::{self as rows, Format, ROWS_MAX, What},
    door::{EVENTS_PAGE_MAX, EventQuery, ExportLine, Order},
    model::{
        Actor, Decision, Envelope, Event, EventFilter, Fault, Memory, Pattern, Projects, Severity, TimeWords,
    },
};

pub async fn run(ask: &mut Ask, what: Events) -> Result<(), Stop> {
    match what {
        Events::Tail { follow, lines, which } => tail::tail(ask, follow, lines, &which).await,
        Events::Query { limit, oldest_first, format: None, which } => {
            query(ask, limit, oldest_first, &which).await
        }
        Events::Query { limit, oldest_first, format: Some(format), which } => {
            if !(1..=ROWS_MAX).contains(&limit) {
                return Err(Fault::invalid(format!("--limit goes from 1 to {ROWS_MAX}, not {limit}")).into());
            }
            let order = if oldest_first { Order::Asc } else { Order::Desc };
            let filter = filter(&which, &ask.setup, ask.words())?;
            let query = EventQuery { filter, order, ..EventQuery::default() };
            print_export(ask, What::Events(Box::new(query)), format, limit).await
        }
        Events::Publish { from: Some(path), .. } => publish::lines(ask, &path).await,
        Events::Publish { kind, name, data, severity, time, correlation, from: None } => {
            let kind = kind.unwrap_or_default();
            publish::one(
                ask,
                publish::Told { kind, name, data, severity: severity.into(), time, correlation },
            )
            .await
        }
        Events::Stats { which } => stats(ask, &which).await,
    }
}

async fn query(ask: &mut Ask, limit: usize, oldest_first: bool, which: &WhichEvents) -> Result<(), Stop> {
    let order = if oldest_first { Order::Asc } else { Order::Desc };
    let filter = filter(which, &ask.setup, ask.words())?;
    let hub = hub_name(ask).await?;
    let mut query = EventQuery { filter, order, ..EventQuery::default() };
    let mut left = limit;
    while left > 0 {
        query.limit = left.min(EVENTS_PAGE_MAX);
        let page = ask.door().await?.events(&ask.caller, query.clone()).await?;
        left -= page.events.len().min(left);
        for event in page.events {
            print(ask, event, &hub)?;
        }
        match (page.next, order) {
            (None, _) => break,
            (next, Order::Asc) => query.after = next,
            (next, Order::Desc) => query.before = next,
        }
    }
    ask.out.flush()
}

/// Rows in a form for elsewhere, the same as the console exports.
pub async fn print_export(ask: &mut Ask, what: What, format: Format, limit: usize) -> Result<(), Stop> {
    let door = ask.settled_door().await?;
    let (whole, count, more) = rows::text(&*door, &ask.caller, what, format, limit, |_| {}).await?;
    ask.out.whole(&whole)?;
    if more {
        ask.out.remark(&format!("the first {}, and there are more", text::counted(count, "row", "rows")));
    }
    Ok(())
}

async fn stats(ask: &mut Ask, which: &WhichEvents) -> Result<(), Stop> {
    let query = EventQuery { filter: filter(which, &ask.setup, ask.words())?, ..EventQuery::default() };
    let stats = ask.door().await?.event_stats(&ask.caller, query).await?;
    if ask.out.manner.json {
        return ask.out.document(&stats);
    }
    let mut counts: Vec<(&String, &u64)> = stats.counts.iter().collect();
    counts.sort_by_key(|(kind, count)| (std::cmp::Reverse(**count), (*kind).clone()));
    let rows: Vec<Vec<String>> =
        counts.into_iter().map(|(kind, count)| vec![kind.clone(), count.to_string()]).collect();
    for line in text::table(&rows, |_, cell| cell.to_owned()) {
        ask.out.line(&line)?;
    }
    if !ask.out.manner.quiet {
        let total = ask.out.paint().dim(&text::counted(stats.total, "event", "events"));
        ask.out.line(&total)?;
    }
    ask.out.flush()
}

/// Which events were meant. Of every project, unless one was named.
fn filter(which: &WhichEvents, setup: &Setup, words: TimeWords) -> Result<EventFilter, Fault> {
    let pattern = |text: &String| {
        text.parse::<Pattern>().map_err(|error| {
            Fault::invalid(format!("{text:?} is no pattern of subjects"))
                .cause(error)
                .hint("a subject is <project>.<domain>.<action>: try '*.memory.*' or 'myproject.>'")
        })
    };
    let id = |text: &String| text.parse();
    let filter = EventFilter {
        patterns: which.patterns.iter().map(pattern).collect::<Result<_, _>>()?,
        projects: if setup.project_flag {
            Projects::Only(vec![setup.project.clone()])
        } else {
            Projects::All
        },
        since: time(which.since.as_deref(), "--since", words)?,
        until: time(which.until.as_deref(), "--until", words)?,
        correlation: which.correlation.as_ref().map(id).transpose()?,
        causation: which.causation.as_ref().map(id).transpose()?,
        actor: which.actor.clone().map(Actor),
        severity: which.severity.map(Severity::from),
        text: which.text.clone(),
    };
    filter.check().map_err(|error| Fault::invalid("too many patterns").cause(error))?;
    Ok(filter)
}

fn print(ask: &mut Ask, event: Event, hub: &str) -> Result<(), Stop> {
    if ask.out.manner.json {
        return ask.out.json_line(&Envelope::new(event, hub));
    }
    let form = ask.setup.config.time;
    let line = line::of(&event, ask.clock.zones(), form, ask.out.paint(), ask.out.manner.width);
    ask.out.line(&line)
}

async fn hub_name(ask: &Ask) -> Result<String, Fault> {
    // Only envelopes name it.
    if !ask.out.manner.json {
        return Ok(String::new());
    }
    Ok(ask.door().await?.status().await?.hub)
}

/// A line of an export, in the surface's form of events.
#[derive(Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line {
    Memory {
        #[serde(flatten)]
        memory: Box<Memory>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        forgotten: bool,
    },
    Decision {
        #[serde(flatten)]
        decision: Box<Decision>,
    },
    Event {
        #[serde(flatten)]
        event: Box<Envelope>,
    },
}

pub async fn export(ask: &mut Ask) -> Result<(), Stop> {
    let door = ask.door().await?;
    let hub = door.status().await?.hub;
    let mut lines = door.export(&ask.caller).await?;
    let (mut records, mut events) = (0, 0);
    while let Some(line) = lines.next().await {
        let line = match line? {
            ExportLine::Memory { memory, forgotten } => {
                records += 1;
                Line::Memory { memory, forgotten }
            }
            ExportLine::Decision { decision } => {
                records += 1;
                Line::Decision { decision }
            }
            ExportLine::Event { event } => {
                events += 1;
                Line::Event { event: Box::new(Envelope::new(event, &hub)) }
            }
        };
        ask.out.json_line(&line)?;
    }
    ask.out.flush()?;
    if !ask.out.manner.stdout_is_terminal && ask.out.manner.stderr_is_terminal {
        let (records, events) =
            (text::counted(records, "record", "records"), text::counted(events, "event", "events"));
        ask.out.remark(&format!("{records}, {events}"));
    }
    Ok(())
}
