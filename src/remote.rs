//! The door over HTTP on a Unix socket.
