//! What a person sees, before and after keys.
