//! The terminal operations console, over doors.
//!
//! ```text
//! keys, mouse, paste, resize ─┐                        ┌─ Effect ─▶ work ─▶ Msg ─▶ …
//! the hub's feed (link)       ┼─▶ Msg ─▶ App::update ──┤
//! the clock, only if shown    ┘        (pure)          └─ changed ─▶ frame ─▶ draw(&App)
//! ```
//!
//! Invariant: nothing between a key and its frame touches disk, locks or the network. The console paints before the
//! store is open, and stays when the hub goes away.

pub mod about;
pub mod action;
pub mod app;
pub mod caps;
pub mod clip;
pub mod effect;
pub mod export;
pub mod frame;
mod hangup;
pub mod hyperlink;
pub mod keymap;
pub mod layout;
pub mod link;
pub mod markdown;
pub mod model;
pub mod msg;
pub mod overlay;
pub mod panes;
pub mod preferences;
pub mod run;
pub mod scene;
pub mod state;
pub mod term;
pub mod text;
pub mod theme;
pub mod widgets;
pub mod work;

pub use run::{Berth, ConsoleOptions, run};
