//! Lists: the most selective index that the filter offers is walked, the rest of the filter holds on what it finds.

use std::ops::Bound;

use super::{Found, Records, RecordsError, keys};
use crate::{
    door::{ListOrder, ListRequest},
    model::{Id, Memory, Projects},
};

/// A page and where the next one begins.
pub struct Page {
    pub found: Vec<Found>,
    pub next: Option<String>,
}

impl Records {
    /// Records in the request's order, `limit` of them at most. A list by origin comes in the order of its urls.
    pub fn list(&self, request: &ListRequest, wall: &Projects, limit: usize) -> Result<Page, RecordsError> {
        let prefix = prefix(request);
        let start = match &request.after {
            None => Bound::Included(prefix.clone()),
            Some(page) => Bound::Excluded(from_page(page, &prefix)?),
        };
        let by_url = prefix == keys::urls();
        let mut found = Vec::new();
        let mut last = Vec::new();
        for item in self.db.range((start, Bound::Unbounded)) {
            let (key, value) = item?;
            if !key.starts_with(&prefix) {
                break;
            }
            if by_url && !origin_may_match(&key, request) {
                continue;
            }
            if found.len() == limit {
                return Ok(Page { found, next: Some(to_page(&last)) });
            }
            let id: Option<Id> = keys::id_in(if by_url { &value } else { &key });
            let Some(record) = id.map(|id| self.get(id)).transpose()?.flatten() else { continue };
            if record.stored.hidden == request.forgotten && seen(&record.stored.memory, request, wall) {
                found.push(record);
            }
            last = key.to_vec();
        }
        Ok(Page { found, next: None })
    }
}

fn seen(memory: &Memory, request: &ListRequest, wall: &Projects) -> bool {
    let due = request.order != ListOrder::Due || memory.expires_at.is_some();
    due && wall.see(&memory.project) && request.filter.matches(memory)
}

fn prefix(request: &ListRequest) -> keys::Key {
    let filter = &request.filter;
    if filter.origin.is_some() {
        return keys::urls();
    }
    if request.forgotten {
        return keys::hidden();
    }
    match request.order {
        ListOrder::Oldest => return keys::created(),
        ListOrder::Due => return keys::due(),
        ListOrder::Recent => {}
    }
    match (&filter.tags[..], &filter.kinds[..], &filter.projects, &filter.statuses[..]) {
        ([tag, ..], ..) => keys::of_tag(tag),
        (_, [kind], ..) => keys::of_type(kind),
        (_, _, Projects::Only(only), _) if only.len() == 1 => keys::of_project(&only[0]),
        (_, _, _, [status]) => keys::of_status(*status),
        _ => keys::recent(),
    }
}

/// A cheap look at a url's key, before its record is read.
fn origin_may_match(key: &[u8], request: &ListRequest) -> bool {
    let Some(prefix) = &request.filter.origin else { return true };
    key.iter().position(|byte| *byte == 0).is_some_and(|nul| key[nul + 1..].starts_with(prefix.as_bytes()))
}

fn to_page(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_page(page: &str, prefix: &[u8]) -> Result<keys::Key, RecordsError> {
    let bad = || RecordsError::Page(page.to_owned());
    if !page.len().is_multiple_of(2) || !page.is_ascii() {
        return Err(bad());
    }
    let key: Result<Vec<u8>, _> =
        (0..page.len()).step_by(2).map(|i| u8::from_str_radix(&page[i..i + 2], 16)).collect();
    key.ok().filter(|key| key.starts_with(prefix)).ok_or_else(bad)
}
