//! Memories: saved, read in full, changed, forgotten.

use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::{Effect, Tool, brief, line};
use crate::{
    door::{Forgetting, MemoryPatch, NewMemory, Saved, id},
    mcp::{
        call::{Answer, Arguments, Call, Named, Words, words},
        schema::{anything, count, flag, list, object, one_of, plain, share, text, texts},
    },
    model::{Code, Decision, DecisionRef, Fault, Id, Memory, Status},
};

/// More would fill a model's memory, and an index has no more on a page.
const RECORDS_MAX: usize = 50;
/// Of each body, unless more is asked for.
const BODY_CHARS: usize = 20_000;
const BODY_CHARS_MAX: usize = 1 << 20;
/// Of a title, in words about it.
const TITLE_CHARS: usize = 100;

const ID: &[&str] = &["id", "memory_id"];
const IDS: &[&str] = &["ids", "id", "memory_ids", "memory_id"];

pub const ADD: Tool = Tool {
    name: "memory_add",
    title: "Save a memory",
    description: "Save something worth knowing again: a fact, a gotcha, a preference, how something is done here. One thing per \
                  memory, so that it can be found and changed alone. Search first; update what is there instead of saving it twice.",
    effect: Effect::Adds,
    input: || {
        object(
            [
                ("content", text("What is worth knowing, in Markdown")),
                ("title", text("A line that says what it is about; else made from the content")),
                ("type", text("note (the default), gotcha, howto, fact, preference or any other word")),
                ("tags", texts("")),
                ("project", text("Else the one you work in; `_` is none, seen from all")),
                ("importance", share("How much it matters; 0.5 by default")),
                ("status", statuses("hypothesis while it is not sure")),
                ("expires_at", text("When it stops being true, RFC 3339")),
                ("metadata", anything("")),
                ("idempotency_key", text("A retry with the same key answers the first one's memory")),
            ],
            &["content"],
        )
    },
    output: saved_schema,
    run: |call, arguments| add(call, arguments).boxed(),
};

pub const GET: Tool = Tool {
    name: "memory_get",
    title: "Read memories in full",
    description: "The whole text of memories and decisions that memory_search or timeline named, by their ids.",
    effect: Effect::Reads,
    input: || {
        object(
            [
                ("ids", texts("As an index gave them; D-0042 for a decision")),
                ("max_chars", count(100, BODY_CHARS_MAX, "Of each text; 20000 by default")),
            ],
            &["ids"],
        )
    },
    output: || {
        let record = object(
            [
                ("id", plain("string")),
                ("kind", one_of(&["memory", "decision"], "")),
                ("number", text("Of a decision")),
                ("title", plain("string")),
                ("content", plain("string")),
                ("content_chars", text_length()),
                ("type", plain("string")),
                ("project", plain("string")),
                ("tags", texts("")),
                ("status", plain("string")),
                ("importance", plain("number")),
                ("revision", plain("integer")),
                ("created_at", plain("string")),
                ("updated_at", plain("string")),
                ("expires_at", plain("string")),
                ("superseded_by", plain("string")),
                ("by", text("Who recorded it")),
                ("url", text("Where it came from")),
                ("metadata", anything("")),
            ],
            &["id", "kind", "title", "content", "project", "status", "revision", "updated_at"],
        );
        let missing = object([("id", plain("string")), ("why", plain("string"))], &["id", "why"]);
        object(
            [("records", list(record, "In the order asked")), ("missing", list(missing, ""))],
            &["records"],
        )
    },
    run: |call, arguments| get(call, arguments).boxed(),
};

pub const UPDATE: Tool = Tool {
    name: "memory_update",
    title: "Change a memory",
    description: "Change fields of a memory that is no longer right or complete; what is not given stays, and the revision before \
                  it is kept. Set status to archived for what no longer matters.",
    effect: Effect::Changes,
    input: || {
        object(
            [
                ("id", text("")),
                ("content", text("The whole new text")),
                ("title", text("")),
                ("type", text("")),
                ("tags", texts("All of them, not only new ones")),
                ("project", text("Moves it there")),
                ("importance", share("")),
                ("status", statuses("")),
                ("expires_at", text("RFC 3339")),
                ("metadata", anything("All of it")),
                ("revision", count(1, u32::MAX as usize, "Refuse when it is no longer this one")),
            ],
            &["id"],
        )
    },
    output: saved_schema,
    run: |call, arguments| update(call, arguments).boxed(),
};

pub const FORGET: Tool = Tool {
    name: "memory_forget",
    title: "Forget a memory",
    description: "Take a memory out of every answer, when it is wrong or was never to be kept. It can be brought back for a day \
                  (`wheelhouse restore`), then it is erased. For what only got old use memory_update.",
    effect: Effect::Removes,
    input: || object([("id", text(""))], &["id"]),
    output: || {
        object(
            [
                ("id", plain("string")),
                ("title", plain("string")),
                ("state", text("What becomes of its text")),
                ("applied", applied()),
            ],
            &["id", "title", "state"],
        )
    },
    run: |call, arguments| forget(call, arguments).boxed(),
};

fn statuses(what: &str) -> Value {
    one_of(&Status::ALL.map(Status::word), what)
}

fn text_length() -> Value {
    json!({ "type": "integer", "description": "Only where the content was cut: all there are" })
}

pub fn applied() -> Value {
    flag("false: it is on disk but not shown yet; do not repeat it")
}

fn saved_schema() -> Value {
    object(
        [
            ("id", plain("string")),
            ("title", plain("string")),
            ("project", plain("string")),
            ("revision", plain("integer")),
            ("duplicates", texts("Others that say the same")),
            ("applied", applied()),
        ],
        &["id", "title", "project", "revision"],
    )
}

async fn add(call: &Call, arguments: Arguments) -> Result<Answer, Fault> {
    let mut new: NewMemory = arguments.read()?;
    new.project.get_or_insert_with(|| call.own_project());
    let saved = call.door.add(&call.caller, new).await?;
    Ok(saved_answer(call, &saved, "saved"))
}

async fn update(call: &Call, mut arguments: Arguments) -> Result<Answer, Fault> {
    let typed: String = arguments.need(ID)?;
    let revision = arguments.take(&["revision"])?;
    let patch: MemoryPatch = arguments.read()?;
    if patch == MemoryPatch::default() {
        return Err(Fault::invalid("there is nothing to change").hint("give the fields that are to be other"));
    }
    let id = memory(call, &typed).await?;
    let saved = call.door.edit(&call.caller, id, patch, revision).await?;
    Ok(saved_answer(call, &saved, "changed"))
}

async fn forget(call: &Call, mut arguments: Arguments) -> Result<Answer, Fault> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    let typed: String = arguments.need(ID)?;
    arguments.read::<Nothing>()?;
    let id = memory(call, &typed).await?;
    let forgotten = call.door.forget(&call.caller, id, Forgetting::Hide).await?;
    let title = brief(&forgotten.title, TITLE_CHARS);
    let mut fields = json!({ "id": id, "title": title, "state": forgotten.state });
    let mut text = format!("forgotten {}  {title}  ({})", id::short(id), forgotten.state);
    say_applied(forgotten.applied, &mut text, &mut fields);
    Ok(Answer { text, fields })
}

/// The id of a memory; a decision is not changed like one.
async fn memory(call: &Call, typed: &str) -> Result<Id, Fault> {
    match call.named(typed).await? {
        Named::Record(id) => Ok(id),
        Named::Decision(_) => Err(Fault::invalid(format!("{typed} is a decision, not a memory")).hint(
            "a decision that was taken stays; record another one with `supersedes`, or its outcome with decision_outcome",
        )),
    }
}

fn saved_answer(call: &Call, saved: &Saved, did: &str) -> Answer {
    let memory = &saved.memory;
    let (none, title) = ("".into(), brief(&memory.title, TITLE_CHARS));
    let mut fields = json!({
        "id": memory.id, "title": title, "project": memory.project, "revision": memory.revision,
    });
    let short = call.session.known.show(memory.id, &none);
    let mut text = format!("{did} {short}  {title}  (project {})", memory.project);
    if !saved.duplicates.is_empty() {
        let others: Vec<String> =
            saved.duplicates.iter().map(|id| call.session.known.show(*id, &none)).collect();
        text.push_str(&format!("\nthe same is said by {}", others.join(", ")));
        fields["duplicates"] = others.into();
    }
    say_applied(saved.applied, &mut text, &mut fields);
    Answer { text, fields }
}

/// Tells a success that is not to be seen yet.
pub fn say_applied(applied: bool, text: &mut String, fields: &mut Value) {
    if !applied {
        text.push_str("\nit is on disk, but not shown yet: do not repeat it");
        fields["applied"] = false.into();
    }
}

async fn get(call: &Call, mut arguments: Arguments) -> Result<Answer, Fault> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Bounds {
        #[serde(default)]
        max_chars: Option<usize>,
    }
    let ids: Words = arguments.need(IDS)?;
    let chars = arguments.read::<Bounds>()?.max_chars.unwrap_or(BODY_CHARS).min(BODY_CHARS_MAX);
    if ids.0.is_empty() || ids.0.len() > RECORDS_MAX {
        return Err(Fault::invalid(format!("{} ids", ids.0.len())).hint(format!("give 1 to {RECORDS_MAX}")));
    }
    let (mut records, mut missing, mut texts, mut last) = (Vec::new(), Vec::new(), Vec::new(), None);
    for typed in &ids.0 {
        match record(call, typed, chars).await {
            Ok((fields, text)) => {
                records.push(fields);
                texts.push(text);
            }
            Err(fault) if matches!(fault.code, Code::NotFound | Code::Invalid) => {
                texts.push(words(&fault));
                missing.push(json!({ "id": typed, "why": fault.message }));
                last = Some(fault);
            }
            Err(fault) => return Err(fault),
        }
    }
    if let (true, Some(fault)) = (records.is_empty(), last) {
        return Err(fault);
    }
    let mut fields = json!({ "records": records });
    if !missing.is_empty() {
        fields["missing"] = missing.into();
    }
    Ok(Answer { text: texts.join("\n\n---\n\n"), fields })
}

/// One record in full. That it was read is told, with what had been searched for.
async fn record(call: &Call, typed: &str, chars: usize) -> Result<(Value, String), Fault> {
    let (id, shown) = match call.named(typed).await? {
        Named::Decision(number) => {
            let decision = call.door.decision(&call.caller, number).await?;
            (decision.id, decision_shown(&decision, chars))
        }
        Named::Record(id) => match call.door.get(&call.caller, &[id]).await {
            Ok(found) => {
                let [memory] = found.as_slice() else { return Err(Fault::bug("one id, not one memory")) };
                (id, memory_shown(memory, chars))
            }
            Err(fault) if fault.code == Code::NotFound => {
                let decision =
                    call.door.decision(&call.caller, DecisionRef::Id(id)).await.map_err(|_| fault)?;
                (id, decision_shown(&decision, chars))
            }
            Err(fault) => return Err(fault),
        },
    };
    let query = call.session.known.find(&id.to_string()).map(|shown| shown.query).unwrap_or_default();
    if let Err(fault) = call.door.opened(&call.caller, id, &query).await {
        tracing::debug!(%fault, "that a record was read is not told");
    }
    Ok(shown)
}

fn memory_shown(memory: &Memory, chars: usize) -> (Value, String) {
    let mut fields = json!({
        "id": memory.id, "kind": "memory", "title": memory.title, "type": memory.kind, "project": memory.project,
        "status": memory.status, "importance": memory.importance, "revision": memory.revision,
        "created_at": memory.created_at, "updated_at": memory.updated_at, "by": memory.origin.actor,
    });
    let map = fields.as_object_mut().expect("it was made one");
    if !memory.tags.is_empty() {
        map.insert("tags".to_owned(), json!(memory.tags));
    }
    if !memory.metadata.is_empty() {
        map.insert("metadata".to_owned(), json!(memory.metadata));
    }
    say(map, "expires_at", memory.expires_at.map(|time| json!(time)));
    say(map, "superseded_by", memory.superseded_by.map(|id| json!(id)));
    say(map, "url", memory.origin.url.as_ref().map(|url| json!(url)));
    let about = [&memory.kind, memory.status.word(), memory.project.as_str(), &memory.tags.join(", ")]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" · ");
    let content = cut(map, &memory.content, chars);
    let head = format!("# {}\nid {}, {about}, updated {}", line(&memory.title), memory.id, memory.updated_at);
    (fields, format!("{head}\n\n{content}"))
}

fn decision_shown(decision: &Decision, chars: usize) -> (Value, String) {
    let mut fields = json!({
        "id": decision.id, "kind": "decision", "number": decision.number, "title": decision.title,
        "project": decision.project, "status": decision.status, "revision": decision.revision,
        "created_at": decision.created_at, "updated_at": decision.updated_at, "by": decision.origin.actor,
    });
    let map = fields.as_object_mut().expect("it was made one");
    if !decision.tags.is_empty() {
        map.insert("tags".to_owned(), json!(decision.tags));
    }
    say(map, "superseded_by", decision.superseded_by.map(|id| json!(id)));
    let content = cut(map, &decision.text(), chars);
    let (status, project) = (decision.status.word(), &decision.project);
    let head = format!(
        "# {} {}\nid {}, decision · {status} · {project}, updated {}",
        decision.number,
        line(&decision.title),
        decision.id,
        decision.updated_at
    );
    (fields, format!("{head}\n\n{content}"))
}

fn say(map: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        map.insert(name.to_owned(), value);
    }
}

/// The text within its bound; that something is missing, and how much there is, is told in both forms of the answer.
fn cut(map: &mut Map<String, Value>, whole: &str, chars: usize) -> String {
    let Some((end, _)) = whole.char_indices().nth(chars) else {
        map.insert("content".to_owned(), whole.into());
        return whole.to_owned();
    };
    let all = whole.chars().count();
    map.insert("content".to_owned(), whole[..end].into());
    map.insert("content_chars".to_owned(), all.into());
    format!("{}\n\n[the first {chars} of {all} characters; ask with max_chars for more]", &whole[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_says_so() {
        let mut map = Map::new();
        assert_eq!(cut(&mut map, "äöü", 3), "äöü");
        assert_eq!(map, *json!({ "content": "äöü" }).as_object().unwrap());
        let text = cut(&mut map, "äöüx", 3);
        assert!(text.starts_with("äöü\n\n[the first 3 of 4"), "{text}");
        assert_eq!(map, *json!({ "content": "äöü", "content_chars": 4 }).as_object().unwrap());
    }
}
