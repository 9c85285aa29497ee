//! Disk faults on the store.
