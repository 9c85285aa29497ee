//! Two processes, one hub: whatever a face asks, it gets the same through the socket as in the hub's own process.

mod conformance;
mod http;
mod streams;
