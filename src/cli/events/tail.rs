//! `events tail`: the newest events, and then each one as it happens, through every restart of the hub.

use std::time::Duration;

use futures::StreamExt;

use super::{filter, hub_name, print};
use crate::{
    cli::{Stop, args::WhichEvents, verb::Ask},
    door::{EVENTS_PAGE_MAX, EventQuery, Order, StreamItem, StreamRequest},
    model::{Cursor, Event, EventFilter, Fault},
};

/// Events a tail begins with at most; `events query` reads further back.
const LINES_MAX: usize = 10_000;
/// After a hub went away, before it is asked for again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

pub async fn tail(ask: &mut Ask, follow: bool, lines: usize, which: &WhichEvents) -> Result<(), Stop> {
    let filter = filter(which, &ask.setup, ask.words())?;
    if follow && filter.until.is_some() {
        return Err(Fault::invalid("--follow has no end, so it goes with no --until").into());
    }
    let hub = hub_name(ask).await?;
    let (events, head) = newest(ask, &filter, lines.min(LINES_MAX)).await?;
    for event in events {
        print(ask, event, &hub)?;
    }
    ask.out.flush()?;
    if follow { live(ask, filter, head, &hub).await } else { Ok(()) }
}

/// The newest events, oldest of them first, and the place after them. Given a moment, all since then.
async fn newest(ask: &Ask, filter: &EventFilter, lines: usize) -> Result<(Vec<Event>, Cursor), Fault> {
    let lines = if filter.since.is_some() { LINES_MAX } else { lines };
    let mut query = EventQuery { filter: filter.clone(), order: Order::Desc, ..EventQuery::default() };
    let (mut events, mut head): (Vec<Event>, _) = (Vec::new(), None);
    loop {
        // One more than none is asked for, because the page also says where the head is.
        query.limit = (lines - events.len()).clamp(1, EVENTS_PAGE_MAX);
        let page = ask.door().await?.events(&ask.caller, query.clone()).await?;
        let head = *head.get_or_insert(page.head);
        events.extend(page.events);
        if events.len() >= lines || page.next.is_none() {
            events.truncate(lines);
            events.reverse();
            return Ok((events, head));
        }
        query.before = page.next;
    }
}

/// Every event after a place, until Ctrl-C. A hub that goes away is found or opened anew, and nothing is missed.
async fn live(ask: &mut Ask, filter: EventFilter, head: Cursor, hub: &str) -> Result<(), Stop> {
    let token = ask.token.clone();
    let mut after = head;
    loop {
        let request = StreamRequest { filter: filter.clone(), after: Some(after) };
        let went = tokio::select! {
            went = stream(ask, request, &mut after, hub) => went,
            () = token.cancelled() => return Ok(()),
        };
        match went {
            Err(Stop::Fault(fault)) if !fault.code.is_transient() => return Err(fault.into()),
            Err(Stop::Fault(fault)) => tracing::info!(%fault, "the hub went away; asking again"),
            Err(stop) => return Err(stop),
            Ok(()) => tracing::info!("the hub went away; asking again"),
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN_AFTER) => {}
            () = token.cancelled() => return Ok(()),
        }
    }
}

/// Until the hub goes away.
async fn stream(ask: &mut Ask, request: StreamRequest, after: &mut Cursor, hub: &str) -> Result<(), Stop> {
    let mut items = ask.door().await?.stream(&ask.caller, request).await?;
    while let Some(item) = items.next().await {
        match item? {
            StreamItem::Event { cursor, event } => {
                *after = cursor;
                print(ask, event, hub)?;
                ask.out.flush()?;
            }
            StreamItem::Gap { from, to, reason } => {
                ask.out.warn(&format!("events {from} to {to} are not to be had: {reason}"), None);
            }
            StreamItem::Start { cursor } | StreamItem::CaughtUp { cursor } => *after = cursor,
            StreamItem::Heartbeat { status } => *after = status.head,
        }
    }
    Ok(())
}
