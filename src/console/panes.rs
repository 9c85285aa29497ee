//! The deck's panes: each is one room with its state, its update and its view.

pub mod search;
pub mod timeline;
