//! How a fault is shown to people.
