//! Two processes, one hub: whatever a face asks, it gets the same through the socket as in the hub's own process.

mod conformance;
mod home;
mod http;
mod streams;
