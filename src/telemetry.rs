//! The program's own log.
