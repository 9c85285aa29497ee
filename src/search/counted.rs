//! A bounded cache that counts what it does.

use std::{
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use moka::{notification::RemovalCause, sync::Cache};

use crate::door::CacheStatus;

pub struct Counted<K, V> {
    cache: Cache<K, V>,
    hits: AtomicU64,
    misses: AtomicU64,
    evictions: Arc<AtomicU64>,
}

impl<K, V> Counted<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub fn new(entries_max: u64) -> Counted<K, V> {
        let evictions = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&evictions);
        let listener = move |_: Arc<K>, _: V, cause: RemovalCause| {
            if cause.was_evicted() {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        };
        Counted {
            cache: Cache::builder().max_capacity(entries_max).eviction_listener(listener).build(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            evictions,
        }
    }

    /// What is kept, where `holds` says it may still be used.
    pub fn get(&self, key: &K, holds: impl FnOnce(&V) -> bool) -> Option<V> {
        let found = self.cache.get(key).filter(holds);
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found
    }

    pub fn put(&self, key: K, value: V) {
        self.cache.insert(key, value);
    }

    pub fn remove(&self, key: &K) {
        self.cache.invalidate(key);
    }

    /// Lets go of everything.
    pub fn clear(&self) {
        self.cache.iter().for_each(|(key, _)| self.cache.invalidate(&*key));
        self.cache.run_pending_tasks();
    }

    pub fn status(&self, name: &str) -> CacheStatus {
        self.cache.run_pending_tasks();
        CacheStatus {
            name: name.to_owned(),
            entries: self.cache.entry_count(),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            evictions: self.evictions.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts() {
        let cache = Counted::new(2);
        assert_eq!(cache.get(&1, |_| true), None);
        cache.put(1, "one");
        assert_eq!((cache.get(&1, |_| true), cache.get(&1, |_| false)), (Some("one"), None));
        (2..10).for_each(|i| cache.put(i, "more"));
        let status = cache.status("c");
        assert_eq!((status.hits, status.misses, status.entries), (1, 2, 2));
        assert_eq!(status.evictions, 7);
        cache.clear();
        assert_eq!((cache.status("c").entries, cache.status("c").evictions), (0, 7));
    }
}
