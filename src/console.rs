//! The terminal operations console, over doors.

pub mod action;
pub mod caps;
pub mod clip;
pub mod frame;
pub mod keymap;
pub mod markdown;
pub mod term;
pub mod text;
pub mod theme;
