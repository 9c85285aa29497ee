//! What a client was shown: ids by the short form it saw, and what it had searched for when it did.
//!
//! An agent calls a memory by the digits that an index gave it. They are looked up here first, because in a store of many a
//! short form alone means reading through the list.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{door::id, model::Id};

/// More than any conversation shows; then the map begins anew and short forms are looked up in the list.
const SHOWN_MAX: usize = 20_000;

#[derive(Debug, Clone)]
pub struct Shown {
    pub id: Id,
    /// Empty where it was not found by a search.
    pub query: Arc<str>,
}

#[derive(Debug, Default)]
pub struct Known(Mutex<HashMap<String, Shown>>);

impl Known {
    /// How it is called from now on: its short form, or the whole id where another is called so already.
    pub fn show(&self, id: Id, query: &Arc<str>) -> String {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= SHOWN_MAX {
            map.clear();
        }
        let short = id::short(id);
        match map.get_mut(&short) {
            Some(shown) if shown.id != id => id.to_string(),
            // Seen again elsewhere, it is still what that search found.
            Some(shown) => {
                if !query.is_empty() {
                    shown.query = query.clone();
                }
                short
            }
            None => {
                map.insert(short.clone(), Shown { id, query: query.clone() });
                short
            }
        }
    }

    /// By short form, or by whole id.
    pub fn find(&self, typed: &str) -> Option<Shown> {
        let typed = typed.trim().to_ascii_lowercase();
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match typed.parse::<Id>() {
            Ok(id) => map.get(&id::short(id)).filter(|shown| shown.id == id).cloned(),
            Err(_) => map.get(&typed).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_end_alike_are_told_apart() {
        let known = Known::default();
        let (mut a, mut b) = ([1; 16], [1; 16]);
        (a[0], b[0]) = (2, 3);
        let (a, b) = (Id::from_bytes(a), Id::from_bytes(b));
        let query = Arc::from("q");
        let short = known.show(a, &query);
        assert_eq!(short, "01010101");
        assert_eq!(known.show(b, &query), b.to_string());
        assert_eq!(known.show(a, &Arc::from("later")), short);
        assert_eq!(known.show(a, &Arc::from("")), short);
        let found = known.find(" 01010101 ").unwrap();
        assert_eq!((found.id, &*found.query), (a, "later"));
        assert_eq!(known.find(&a.to_string()).map(|shown| shown.id), Some(a));
        assert!(known.find(&b.to_string()).is_none() && known.find("02020202").is_none());
    }
}
