//! Every bound a client can meet, by name, so that none is a surprise.

use super::{REQUESTS_MAX, STREAMS_MAX, accept, body, gate, tries};
use crate::{
    door::{
        BATCH_BYTES_MAX, BATCH_MAX, EVENTS_PAGE_MAX, LIST_PAGE_MAX, Limit, SEARCH_LIMIT_MAX, SUGGEST_MAX,
        TOTAL_EXACT_MAX,
    },
    model::{
        CONTENT_BYTES_MAX, DECISION_BYTES_MAX, DECISION_TEXT_BYTES_MAX, ITEM_BYTES_MAX, ITEMS_MAX,
        METADATA_BYTES_MAX, OPTIONS_MAX, PATTERNS_MAX, SOURCE_BYTES_MAX, SUBJECT_BYTES_MAX, TAG_BYTES_MAX,
        TAGS_MAX, TITLE_BYTES_MAX, TOKEN_BYTES_MAX, TOKENS_MAX,
    },
    search::query::QUERY_BYTES_MAX,
    store::{FRAME_BYTES_MAX, QUEUE_BYTES_MAX},
};

/// The limits of the records and of the surface.
pub fn limits() -> Vec<Limit> {
    [
        ("memory.content", CONTENT_BYTES_MAX, "bytes"),
        ("memory.title", TITLE_BYTES_MAX, "bytes"),
        ("memory.tags", TAGS_MAX, "tags"),
        ("memory.tag", TAG_BYTES_MAX, "bytes"),
        ("memory.metadata", METADATA_BYTES_MAX, "bytes"),
        ("decision", DECISION_BYTES_MAX, "bytes"),
        ("decision.text", DECISION_TEXT_BYTES_MAX, "bytes"),
        ("decision.list", ITEMS_MAX, "entries"),
        ("decision.item", ITEM_BYTES_MAX, "bytes"),
        ("decision.options", OPTIONS_MAX, "options"),
        ("decision.source", SOURCE_BYTES_MAX, "bytes"),
        ("decision.import", BATCH_MAX, "decisions"),
        ("bulk.items", BATCH_MAX, "memories"),
        ("bulk.content", BATCH_BYTES_MAX, "bytes"),
        ("list.limit", LIST_PAGE_MAX, "memories"),
        ("search.query", QUERY_BYTES_MAX, "bytes"),
        ("search.limit", SEARCH_LIMIT_MAX, "results"),
        ("search.total_exact", TOTAL_EXACT_MAX, "results"),
        ("suggest.limit", SUGGEST_MAX, "suggestions"),
        ("events.limit", EVENTS_PAGE_MAX, "events"),
        ("events.patterns", PATTERNS_MAX, "patterns"),
        ("subject", SUBJECT_BYTES_MAX, "bytes"),
        ("subject.tokens", TOKENS_MAX, "tokens"),
        ("subject.token", TOKEN_BYTES_MAX, "bytes"),
        ("log.frame", FRAME_BYTES_MAX, "bytes"),
        ("writer.queue", QUEUE_BYTES_MAX, "bytes"),
        ("http.body.memory", body::MEMORY_BODY_BYTES_MAX, "bytes"),
        ("http.body.decision", body::DECISION_BODY_BYTES_MAX, "bytes"),
        ("http.body.bulk", body::BULK_BODY_BYTES_MAX, "bytes"),
        ("http.body.other", body::SMALL_BODY_BYTES_MAX, "bytes"),
        ("http.requests", REQUESTS_MAX, "requests at once"),
        ("http.streams", STREAMS_MAX, "streams at once"),
        ("http.connections", accept::CONNECTIONS_MAX, "connections at once"),
        ("http.connection.buffer", accept::CONNECTION_BUFFER_BYTES_MAX, "bytes"),
        ("http.bad_keys", tries::TRIES_MAX as usize, "a minute and address"),
        ("http.head.time", accept::HEAD_PATIENCE.as_secs() as usize, "seconds"),
        ("http.request.time", gate::REQUEST_PATIENCE.as_secs() as usize, "seconds"),
        ("http.close.time", accept::CLOSE_PATIENCE.as_secs() as usize, "seconds"),
    ]
    .map(|(name, value, unit)| Limit { name: name.to_owned(), value: value as u64, unit: unit.to_owned() })
    .to_vec()
}
