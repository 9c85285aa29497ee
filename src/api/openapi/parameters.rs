//! Parameters by their names: one name means one thing everywhere.

use serde_json::{Value, json};

/// Name, type, and what it is; a name with a dot before it can be given more than once.
const PARAMETERS: &[(&str, &str, &str)] = &[
    ("id", "string", "a whole id, or for decisions their number (`D-0042`)"),
    ("key", "string", "the name of a key, or its short part"),
    ("job", "string", "the job's slug, `project/slug`, or its id"),
    ("component", "string", "a component that `/health` names"),
    ("ids", "list", "exactly these, in this order"),
    ("q", "string", "a query in the query language (docs/search.md)"),
    ("limit", "integer", "how many at most"),
    ("cursor", "string", "where the page before ended"),
    ("order", "string", "the order of the list"),
    ("project", "list", "only of these projects"),
    ("no_project", "boolean", "only what belongs to no project"),
    ("type", "list", "of one of these types"),
    ("tag", "list", "with this tag; each one that is given"),
    ("status", "list", "in one of these states"),
    ("actor", "string", "by this actor"),
    ("since", "string", "from then on: a date, a time, or words (`yesterday`, `7d`)"),
    ("until", "string", "before then"),
    ("origin", "string", "where it came from begins so"),
    ("forgotten", "boolean", "what `DELETE` hid, instead"),
    ("now", "boolean", "erased at once rather than after a day"),
    ("revision", "integer", "the revision that is meant"),
    ("mode", "string", "`auto`, `lexical`, `vector` or `hybrid`"),
    ("without", "list", "steps of ranking to leave out"),
    ("explain", "boolean", "why each result stands where it does"),
    ("as_you_type", "boolean", "the last word may be unfinished"),
    ("zone", "string", "the zone that words for times are meant in"),
    ("at", "integer", "where the cursor stands in the query, in bytes"),
    ("any_status", "boolean", "also those that were superseded or rejected"),
    ("category", "string", "of this category"),
    ("review_before", "string", "whose review comes before this date"),
    ("has_outcome", "boolean", "whether an outcome is recorded"),
    ("text", "string", "with this text, case ignored"),
    ("subject", "list", "patterns of subjects: `*` is one token, `>` the rest; at most 16"),
    ("correlation", "string", "of this request"),
    ("causation", "string", "caused by this event"),
    ("severity", "string", "at least `info`, `warn` or `error`"),
    ("after_cursor", "string", "only after this place"),
    ("before_cursor", "string", "only before this place"),
    ("recorded_since", "string", "by when it was recorded, from then on"),
    ("recorded_until", "string", "by when it was recorded, before then"),
    ("format", "string", "`json`, `ndjson` or `csv`"),
    ("by", "string", "`subject`"),
    ("buckets", "integer", "counts for so many spans between `recorded_since` and `recorded_until`"),
    ("count", "integer", "how many"),
    ("after", "string", "only after this one"),
    ("which", "string", "`all`, `live` or `dead`"),
];

pub fn parameter(name: &str) -> Value {
    let found = PARAMETERS.iter().find(|(known, _, _)| *known == name);
    let (_, kind, what) = found.unwrap_or_else(|| panic!("{name} is described nowhere"));
    let schema = match *kind {
        "list" => json!({ "type": "array", "items": { "type": "string" } }),
        "integer" => json!({ "type": "integer", "minimum": 0 }),
        kind => json!({ "type": kind }),
    };
    json!({ "in": "query", "name": name, "description": what, "schema": schema })
}
