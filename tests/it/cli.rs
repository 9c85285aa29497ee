//! The verbs, as a person at a shell.
