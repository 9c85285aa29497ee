//! Where a face finds its door.
