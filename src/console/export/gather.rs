//! All rows of an answer, page by page through a door, up to a bound.

use std::sync::Arc;

use crate::{
    console::panes::search::{
        Row,
        merge::{self, Run},
    },
    door::{
        Caller, DecisionsRequest, Door, EVENTS_PAGE_MAX, EventQuery, LIST_PAGE_MAX, ListOrder, ListRequest,
        Order, SEARCH_LIMIT_MAX, SearchRequest,
    },
    model::{DecisionFilter, Envelope, Fault, Memory, MemoryFilter},
};

use super::{DecisionRow, EventRow, FleetRow, MemoryRow};

/// Rows of one export: more is what `wheelhouse export` is for.
pub const ROWS_MAX: usize = 10_000;

/// Rows, and whether there are more.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathered<R> {
    pub rows: Vec<R>,
    pub more: bool,
}

/// The hits of a query, best first.
pub async fn hits(
    door: &dyn Door,
    caller: &Caller,
    mut request: SearchRequest,
    limit: usize,
    mut tell: impl FnMut(u64),
) -> Result<Gathered<MemoryRow>, Fault> {
    let mut rows: Vec<MemoryRow> = Vec::new();
    loop {
        request.limit = SEARCH_LIMIT_MAX.min(limit - rows.len());
        let answer = door.search(caller, request.clone()).await?;
        let none = answer.results.is_empty();
        rows.extend(answer.results.into_iter().map(|hit| MemoryRow::from(Row::from(hit))));
        tell(rows.len() as u64);
        request.cursor = answer.cursor;
        if rows.len() >= limit || none || request.cursor.is_none() {
            return Ok(cut(rows, limit, request.cursor.is_some() && !none));
        }
    }
}

/// Memories in the order asked for.
pub async fn list(
    door: &dyn Door,
    caller: &Caller,
    filter: MemoryFilter,
    order: ListOrder,
    limit: usize,
    tell: impl FnMut(u64),
) -> Result<Gathered<MemoryRow>, Fault> {
    list_as(door, caller, (filter, order), limit, |memory| MemoryRow::from(Row::from(memory)), tell).await
}

async fn list_as<R>(
    door: &dyn Door,
    caller: &Caller,
    (filter, order): (MemoryFilter, ListOrder),
    limit: usize,
    row: impl Fn(Memory) -> R,
    mut tell: impl FnMut(u64),
) -> Result<Gathered<R>, Fault> {
    let mut request = ListRequest { filter, order, ..ListRequest::default() };
    let mut rows: Vec<R> = Vec::new();
    loop {
        request.limit = LIST_PAGE_MAX.min(limit - rows.len());
        let page = door.list(caller, request.clone()).await?;
        rows.extend(page.memories.into_iter().map(&row));
        tell(rows.len() as u64);
        request.after = page.next;
        if rows.len() >= limit || request.after.is_none() {
            return Ok(cut(rows, limit, request.after.is_some()));
        }
    }
}

/// Events in the order asked for.
pub async fn events(
    door: &dyn Door,
    caller: &Caller,
    mut query: EventQuery,
    limit: usize,
    mut tell: impl FnMut(u64),
) -> Result<Gathered<EventRow>, Fault> {
    let hub = door.status().await?.hub;
    let mut rows: Vec<EventRow> = Vec::new();
    loop {
        query.limit = EVENTS_PAGE_MAX.min(limit - rows.len());
        let page = door.events(caller, query.clone()).await?;
        rows.extend(page.events.into_iter().map(|event| EventRow(Envelope::new(event, &hub))));
        tell(rows.len() as u64);
        let next = page.next;
        if rows.len() >= limit || next.is_none() {
            return Ok(cut(rows, limit, next.is_some()));
        }
        match query.order {
            Order::Asc => query.after = next,
            Order::Desc => query.before = next,
        }
    }
}

/// The hits of several hubs as one list, as the pane merges them. Each hub is read to the bound.
pub async fn fleet_hits(
    doors: &[(String, Arc<dyn Door>)],
    caller: &Caller,
    request: SearchRequest,
    limit: usize,
    mut tell: impl FnMut(u64),
) -> Result<Gathered<FleetRow<MemoryRow>>, Fault> {
    let (mut hubs, mut before) = (Vec::new(), 0);
    for (name, door) in doors {
        let found = hits(&**door, caller, request.clone(), limit, |own| tell(before + own)).await?;
        before += found.rows.len() as u64;
        let rows = found.rows.into_iter().zip(1..).map(|(row, place)| (merge::worth(place), row));
        hubs.push((name, Gathered { rows: rows.collect(), more: found.more }));
    }
    Ok(merged(hubs, limit))
}

/// The memories of several hubs in the order asked for.
pub async fn fleet_list(
    doors: &[(String, Arc<dyn Door>)],
    caller: &Caller,
    (filter, order): (MemoryFilter, ListOrder),
    limit: usize,
    mut tell: impl FnMut(u64),
) -> Result<Gathered<FleetRow<MemoryRow>>, Fault> {
    let (mut hubs, mut before) = (Vec::new(), 0);
    for (name, door) in doors {
        let row = |memory| (merge::worth_listed(&memory, order), MemoryRow::from(Row::from(memory)));
        let wanted = (filter.clone(), order);
        let found = list_as(&**door, caller, wanted, limit, row, |own| tell(before + own)).await?;
        before += found.rows.len() as u64;
        hubs.push((name, found));
    }
    Ok(merged(hubs, limit))
}

fn merged(hubs: Vec<(&String, Gathered<(f64, MemoryRow)>)>, limit: usize) -> Gathered<FleetRow<MemoryRow>> {
    let more = hubs.iter().any(|(_, found)| found.more);
    let all: usize = hubs.iter().map(|(_, found)| found.rows.len()).sum();
    let runs = hubs.into_iter().map(|(name, found)| {
        let rows = found.rows.into_iter();
        let rows = rows.map(|(worth, row)| (worth, FleetRow { hub: name.clone(), row }));
        Run { rows: rows.collect(), next: None }
    });
    let mut runs: Vec<_> = runs.collect();
    let merged = merge::merge(&mut runs.iter_mut().collect::<Vec<_>>(), limit, |(worth, _)| *worth);
    Gathered { rows: merged.into_iter().map(|(_, row)| row).collect(), more: more || all > limit }
}

/// Events of several hubs in one order. Each is read to the bound, so that none of them is left out of it.
pub async fn fleet_events(
    doors: &[(String, Arc<dyn Door>)],
    caller: &Caller,
    query: EventQuery,
    limit: usize,
    mut tell: impl FnMut(u64),
) -> Result<Gathered<FleetRow<EventRow>>, Fault> {
    let (mut rows, mut more) = (Vec::new(), false);
    for (name, door) in doors {
        let before = rows.len() as u64;
        let found = events(&**door, caller, query.clone(), limit, |own| tell(before + own)).await?;
        more |= found.more;
        rows.extend(found.rows.into_iter().map(|row| FleetRow { hub: name.clone(), row }));
    }
    // What one hub has in order stays so.
    match query.order {
        Order::Asc => rows.sort_by_key(|row| row.row.0.recordedat),
        Order::Desc => rows.sort_by_key(|row| std::cmp::Reverse(row.row.0.recordedat)),
    }
    more |= rows.len() > limit;
    Ok(cut(rows, limit, more))
}

/// Decisions, the newest changed first.
pub async fn decisions(
    door: &dyn Door,
    caller: &Caller,
    filter: DecisionFilter,
    limit: usize,
    mut tell: impl FnMut(u64),
) -> Result<Gathered<DecisionRow>, Fault> {
    let mut request = DecisionsRequest { filter, ..DecisionsRequest::default() };
    let mut rows: Vec<DecisionRow> = Vec::new();
    loop {
        request.limit = LIST_PAGE_MAX.min(limit - rows.len());
        let page = door.decisions(caller, request.clone()).await?;
        rows.extend(page.decisions.into_iter().map(DecisionRow));
        tell(rows.len() as u64);
        request.after = page.next;
        if rows.len() >= limit || request.after.is_none() {
            return Ok(cut(rows, limit, request.after.is_some()));
        }
    }
}

fn cut<R>(mut rows: Vec<R>, limit: usize, more: bool) -> Gathered<R> {
    rows.truncate(limit);
    Gathered { rows, more }
}
