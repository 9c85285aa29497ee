//! Composes store, search and events behind the door.
