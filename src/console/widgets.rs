//! Parts that panes and overlays share: how a list stands, a line of text, toasts, boxes.

pub mod finder;
pub mod frame;
pub mod line;
pub mod list;
pub mod scroll;
pub mod spark;
pub mod tail;
pub mod toast;
pub mod which_key;
