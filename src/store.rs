//! The log, the record view and what keeps them whole.
