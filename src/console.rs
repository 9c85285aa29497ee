//! The terminal operations console, over doors.

pub mod action;
pub mod frame;
pub mod keymap;
pub mod markdown;
pub mod text;
pub mod theme;
