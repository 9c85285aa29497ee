//! axum over a door: REST and SSE.
