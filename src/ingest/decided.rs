//! Decisions of an export: read back with their links to each other, which go by the ids that they had there.

use std::collections::{HashMap, HashSet};

use crate::{
    door::{ImportedDecision, NewDecision},
    model::{Decision, DecisionRef, Id},
};

/// Decisions as they are to be imported.
#[derive(Debug, Default)]
pub struct Linked {
    pub items: Vec<ImportedDecision>,
    /// Links to what is not among them.
    pub lost: usize,
}

/// Their links by their places. To what is in the hub already under its old id, which is then `here`, a link that says no
/// more than that they are related holds too.
pub fn linked(decisions: Vec<Decision>, here: &HashSet<Id>) -> Linked {
    let places: HashMap<Id, usize> =
        decisions.iter().enumerate().map(|(place, decision)| (decision.id, place)).collect();
    let mut linked = Linked::default();
    for decision in decisions {
        let at = |ids: &[Id]| ids.iter().filter_map(|id| places.get(id).copied()).collect::<Vec<_>>();
        let supersedes = at(&decision.supersedes);
        let superseded_by = decision.superseded_by.and_then(|id| places.get(&id).copied());
        let related = at(&decision.related);
        let known: Vec<_> = decision.related.iter().filter(|id| here.contains(id)).copied().collect();
        linked.lost += decision.supersedes.len() - supersedes.len();
        linked.lost += usize::from(decision.superseded_by.is_some() && superseded_by.is_none());
        linked.lost += decision.related.len() - related.len() - known.len();
        let mut new = NewDecision::of(decision);
        new.related = known.into_iter().map(DecisionRef::Id).collect();
        linked.items.push(ImportedDecision { new, supersedes, superseded_by, related });
    }
    linked
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id(n: u8) -> Id {
        Id::from_bytes([n; 16])
    }

    fn decision(n: u8, links: serde_json::Value) -> Decision {
        let mut all = json!({
            "id": id(n), "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z", "revision": 3,
            "number": format!("D-{n:04}"), "title": "t",
        });
        all.as_object_mut().unwrap().extend(links.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn links_go_by_places_and_what_they_lose_is_counted() {
        let first = decision(1, json!({ "superseded_by": id(2), "related": [id(9), id(2), id(8)] }));
        let second = decision(2, json!({ "supersedes": [id(1), id(7)] }));
        let linked = linked(vec![first, second], &HashSet::from([id(9)]));
        let [first, second] = &linked.items[..] else { panic!("{linked:?}") };
        assert_eq!((first.superseded_by, first.related.as_slice()), (Some(1), &[1][..]));
        assert_eq!(first.new.related, [DecisionRef::Id(id(9))]);
        assert_eq!((second.supersedes.as_slice(), linked.lost), (&[0][..], 2));
        assert_eq!(second.new.number.unwrap().to_string(), "D-0002");
    }
}
