//! Two processes, one hub.
