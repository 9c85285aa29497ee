//! The terminal operations console, over doors.
