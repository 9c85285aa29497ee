//! Many records in parts that a hub takes at once, those that link to each other together.

use std::collections::HashMap;

use serde::Serialize;

use crate::{
    door::{BATCH_BYTES_MAX, BATCH_MAX, ImportedDecision},
    model::Fault,
};

/// Of a part as JSON: within what a body may have, and what one commit holds.
const BYTES_MAX: usize = 2 * BATCH_BYTES_MAX;

/// The records in parts of at most [`BATCH_MAX`], in their order. Links hold within a part, so records that link to each
/// other, over however many others, are in one; too many of these are refused.
pub fn batches(items: Vec<ImportedDecision>) -> Result<Vec<Vec<ImportedDecision>>, Fault> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let (mut room, mut bytes_left) = (0, 0);
    let sizes: Vec<usize> = items.iter().map(size).collect();
    for group in groups(&items) {
        let bytes = group.iter().map(|place| sizes[*place]).sum::<usize>();
        if group.len() > BATCH_MAX || bytes > BYTES_MAX {
            return Err(Fault::invalid(format!(
                "{} records of {bytes} bytes link to each other, at most {BATCH_MAX} of {BYTES_MAX} are taken together",
                group.len()
            ))
            .hint("import a part of the folder at a time; links between the parts are left out"));
        }
        if group.len() > room || bytes > bytes_left {
            batches.push(Vec::new());
            (room, bytes_left) = (BATCH_MAX, BYTES_MAX);
        }
        (room, bytes_left) = (room - group.len(), bytes_left - bytes);
        batches.last_mut().expect("one was begun").extend(group);
    }
    let mut items: Vec<Option<ImportedDecision>> = items.into_iter().map(Some).collect();
    Ok(batches
        .into_iter()
        .map(|mut places| {
            places.sort_unstable();
            moved(&places, &mut items)
        })
        .collect())
}

/// The records at these places, their links by the places they have now.
fn moved(places: &[usize], items: &mut [Option<ImportedDecision>]) -> Vec<ImportedDecision> {
    let now: HashMap<usize, usize> = places.iter().enumerate().map(|(now, before)| (*before, now)).collect();
    let at = |before: &usize| now.get(before).copied();
    places
        .iter()
        .filter_map(|place| items[*place].take())
        .map(|item| ImportedDecision {
            supersedes: item.supersedes.iter().filter_map(at).collect(),
            superseded_by: item.superseded_by.as_ref().and_then(at),
            related: item.related.iter().filter_map(at).collect(),
            new: item.new,
        })
        .collect()
}

/// Places of records that link to each other, by the first of them.
fn groups(items: &[ImportedDecision]) -> Vec<Vec<usize>> {
    let mut heads: Vec<usize> = (0..items.len()).collect();
    for (here, item) in items.iter().enumerate() {
        for there in item.supersedes.iter().chain(&item.superseded_by).chain(&item.related) {
            let (a, b) = (head(&heads, here), head(&heads, *there));
            heads[a.max(b)] = a.min(b);
        }
    }
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); items.len()];
    (0..items.len()).for_each(|place| groups[head(&heads, place)].push(place));
    groups.retain(|group| !group.is_empty());
    groups
}

fn head(heads: &[usize], mut place: usize) -> usize {
    while heads[place] != place {
        place = heads[place];
    }
    place
}

fn size(item: &impl Serialize) -> usize {
    serde_json::to_vec(item).map_or(0, |bytes| bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::NewDecision;

    fn records(count: usize) -> Vec<ImportedDecision> {
        let record = |n| ImportedDecision {
            new: NewDecision { title: format!("record {n}"), ..NewDecision::default() },
            supersedes: vec![],
            superseded_by: None,
            related: vec![],
        };
        (0..count).map(record).collect()
    }

    #[test]
    fn records_that_link_to_each_other_stay_together() {
        let mut items = records(BATCH_MAX + 2);
        items[1].related = vec![BATCH_MAX + 1];
        items[BATCH_MAX + 1].supersedes = vec![1];
        items[1].superseded_by = Some(BATCH_MAX + 1);
        let batches = batches(items).unwrap();
        let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
        assert_eq!(sizes, [BATCH_MAX, 2]);
        let one = &batches[0];
        assert_eq!(one.last().unwrap().new.title, format!("record {}", BATCH_MAX + 1));
        assert_eq!(
            (one.last().unwrap().supersedes.as_slice(), one[1].superseded_by),
            (&[1][..], Some(BATCH_MAX - 1))
        );
        assert_eq!(one[1].related, [BATCH_MAX - 1]);
    }

    #[test]
    fn too_many_that_link_to_each_other_are_refused() {
        let mut items = records(BATCH_MAX + 1);
        (0..BATCH_MAX).for_each(|place| items[place].related = vec![place + 1]);
        let fault = batches(items).unwrap_err();
        assert!(fault.message.starts_with("257 records of "), "{}", fault.message);
        let mut large = records(2);
        large[0].new.context = "x".repeat(BYTES_MAX);
        assert!(batches(large).is_err());
        assert_eq!(batches(vec![]), Ok(vec![]));
    }
}
