//! The settings, in one file.
