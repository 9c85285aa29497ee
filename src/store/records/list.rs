//! Lists: of the indexes that the filter offers one is walked, several stretches of it side by side where the filter
//! names several projects, types or statuses; the rest of the filter holds on what is found.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{Found, Records, RecordsError, keys, stretch::Stretch};
use crate::{
    door::{ListOrder, ListRequest},
    model::{Id, Memory, Project, Projects, Status},
};

/// What stands after the prefix in a list's key: a moment and an id.
const PLACE_BYTES: usize = 24;

/// A page and where the next one begins.
pub struct Page {
    pub found: Vec<Found>,
    pub next: Option<String>,
}

/// Stretches of the tree, walked together in the order of what follows their prefix.
struct Walk {
    /// Marks the pages of this order, so that no other list takes them.
    letter: char,
    prefixes: Vec<keys::Key>,
    /// The id is what the key leads to, not its end.
    id_in_value: bool,
}

impl Records {
    /// Records in the request's order, `limit` of them at most. A list by origin comes in the order of its urls.
    pub fn list(&self, request: &ListRequest, wall: &Projects, limit: usize) -> Result<Page, RecordsError> {
        let walk = walk(request, wall);
        let after = request.after.as_deref().map(|page| from_page(page, &walk)).transpose()?;
        let stretches = walk.prefixes.iter().map(|prefix| self.stretch(prefix, after.as_deref()));
        let mut stretches = stretches.collect::<Result<Vec<_>, _>>()?;
        let mut heads = BinaryHeap::new();
        for (i, prefix) in walk.prefixes.iter().enumerate() {
            heads.extend(step(&mut stretches[i], i, prefix, &walk)?);
        }
        let mut page = Page { found: Vec::new(), next: None };
        let mut last = Vec::new();
        while let Some(Reverse((place, i, id))) = heads.pop() {
            heads.extend(step(&mut stretches[i], i, &walk.prefixes[i], &walk)?);
            // A record that moved while it was walked over may stand in two stretches.
            if place == last {
                continue;
            }
            if page.found.len() == limit {
                page.next = Some(to_page(&last, &walk));
                return Ok(page);
            }
            last = place;
            let Some(record) = self.get(id)? else { continue };
            if record.stored.hidden == request.forgotten && seen(&record.stored.memory, request, wall) {
                page.found.push(record);
            }
        }
        Ok(page)
    }
}

type Head = Reverse<(Vec<u8>, usize, Id)>;

/// The next place of a stretch.
fn step(stretch: &mut Stretch, i: usize, prefix: &[u8], walk: &Walk) -> Result<Option<Head>, RecordsError> {
    for item in stretch {
        let (key, value) = item?;
        let id = keys::id_in(if walk.id_in_value { &value } else { &key });
        if let Some(id) = id {
            return Ok(Some(Reverse((key[prefix.len()..].to_vec(), i, id))));
        }
    }
    Ok(None)
}

fn seen(memory: &Memory, request: &ListRequest, wall: &Projects) -> bool {
    let due = request.order != ListOrder::Due || memory.expires_at.is_some();
    due && wall.see(&memory.project) && request.filter.matches(memory)
}

fn walk(request: &ListRequest, wall: &Projects) -> Walk {
    let filter = &request.filter;
    let one = |letter, prefix| Walk { letter, prefixes: vec![prefix], id_in_value: false };
    if let Some(origin) = &filter.origin {
        return Walk { id_in_value: true, ..one('u', keys::urls(origin)) };
    }
    if request.forgotten {
        return one('h', keys::hidden());
    }
    match request.order {
        ListOrder::Oldest => return one('c', keys::created()),
        ListOrder::Due => return one('d', keys::due()),
        ListOrder::Recent => {}
    }
    let mut prefixes = if let Some(tag) = filter.tags.first() {
        vec![keys::of_tag(tag)]
    } else if !filter.kinds.is_empty() {
        filter.kinds.iter().map(|kind| keys::of_type(kind)).collect()
    } else if let Some(projects) = both(wall, &filter.projects) {
        projects.into_iter().map(keys::of_project).collect()
    } else if filter.statuses.is_empty() {
        Status::ALL.into_iter().filter(|status| status.is_current()).map(keys::of_status).collect()
    } else {
        filter.statuses.iter().copied().map(keys::of_status).collect::<Vec<_>>()
    };
    prefixes.sort();
    prefixes.dedup();
    Walk { letter: 'r', prefixes, id_in_value: false }
}

/// The projects that both see; none is all.
fn both<'a>(wall: &'a Projects, filter: &'a Projects) -> Option<Vec<&'a Project>> {
    match (wall, filter) {
        (Projects::All, Projects::All) => None,
        (Projects::Only(only), other) | (other, Projects::Only(only)) => {
            Some(only.iter().filter(|project| other.see(project)).collect())
        }
    }
}

fn to_page(place: &[u8], walk: &Walk) -> String {
    place.iter().fold(walk.letter.to_string(), |page, byte| page + &format!("{byte:02x}"))
}

fn from_page(page: &str, walk: &Walk) -> Result<Vec<u8>, RecordsError> {
    let bad = || RecordsError::Page(page.to_owned());
    let hex = page.strip_prefix(walk.letter).filter(|hex| hex.is_ascii() && hex.len().is_multiple_of(2));
    let hex = hex.ok_or_else(bad)?;
    let place: Result<Vec<u8>, _> =
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16)).collect();
    place.ok().filter(|place| walk.id_in_value || place.len() == PLACE_BYTES).ok_or_else(bad)
}
