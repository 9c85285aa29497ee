//! The terminal operations console, over doors.

pub mod action;
pub mod keymap;
pub mod theme;
