//! Lists of decisions, each in its order.

use crate::{
    door::{DecisionOrder, DecisionPage, DecisionsRequest, LIST_PAGE_MAX},
    model::{Date, Decision, DecisionFilter, Fault, Projects},
    store::Store,
};

/// A list without a limit gets this many.
const PAGE_DEFAULT: usize = 100;

pub fn page(store: &Store, request: &DecisionsRequest, wall: &Projects) -> Result<DecisionPage, Fault> {
    let limit = match request.limit {
        0 => PAGE_DEFAULT,
        n if n <= LIST_PAGE_MAX => n,
        n => {
            return Err(Fault::invalid(format!("limit is {n}, at most {LIST_PAGE_MAX} fit in a page"))
                .hint("pass `next` back to read on"));
        }
    };
    match request.order {
        DecisionOrder::Recent => walked(store, request, wall, limit),
        _ => sorted(store, request, wall, limit),
    }
}

/// Every decision that both see, last changed first.
pub fn all(store: &Store, filter: &DecisionFilter, wall: &Projects) -> Result<Vec<Decision>, Fault> {
    let mut all = Vec::new();
    store.decisions(None, &mut |_, decision| {
        if wall.see(&decision.project) && filter.matches(&decision) {
            all.push(decision);
        }
        true
    })?;
    Ok(all)
}

/// As the store keeps them, read no further than the page goes.
fn walked(
    store: &Store,
    request: &DecisionsRequest,
    wall: &Projects,
    limit: usize,
) -> Result<DecisionPage, Fault> {
    let mut page = DecisionPage::default();
    let mut last = None;
    store.decisions(request.after.as_deref(), &mut |place, decision| {
        if !wall.see(&decision.project) || !request.filter.matches(&decision) {
            return true;
        }
        if page.decisions.len() == limit {
            page.next = last.take();
            return false;
        }
        last = Some(place.to_string());
        page.decisions.push(decision);
        true
    })?;
    Ok(page)
}

/// All of them put in order: decisions are few beside memories. A page goes on behind a number, which stays where a
/// count would not.
fn sorted(
    store: &Store,
    request: &DecisionsRequest,
    wall: &Projects,
    limit: usize,
) -> Result<DecisionPage, Fault> {
    let mut all = all(store, &request.filter, wall)?;
    let far = |day: Option<Date>| (day.is_none(), day);
    match request.order {
        DecisionOrder::Recent => {}
        DecisionOrder::Oldest => all.sort_by_key(|one| (one.created_at, one.number)),
        DecisionOrder::Number => all.sort_by_key(|one| std::cmp::Reverse(one.number)),
        DecisionOrder::Review => {
            all.retain(|one| one.review_on.is_some());
            all.sort_by_key(|one| (far(one.review_on), one.number));
        }
    }
    let from = match &request.after {
        None => 0,
        Some(after) => all.iter().position(|one| one.number.to_string() == *after).map_or_else(
            || {
                Err(Fault::invalid(format!("{after:?} is no page of this list"))
                    .hint("pass `next` back as the page before gave it"))
            },
            |at| Ok(at + 1),
        )?,
    };
    let more = all.len() > from + limit;
    let decisions: Vec<Decision> = all.into_iter().skip(from).take(limit).collect();
    let next = decisions.last().filter(|_| more).map(|last| last.number.to_string());
    Ok(DecisionPage { decisions, next })
}
