//! Markdown folders, JSONL and plain text, through a door.
