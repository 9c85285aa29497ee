//! Verbs, tables, JSON and exit statuses, over a door.
