//! Search: an index of what was found, small enough to read in passing.

use std::sync::Arc;

use futures::{FutureExt, future::join_all};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Effect, Tool, brief};
use crate::{
    door::{Hit, RecordKind, SearchAnswer, SearchMode, SearchRequest},
    mcp::{
        call::{Answer, Arguments, Call, Words},
        schema::{count, flag, list, object, one_of, plain, text, texts},
    },
    model::{DecisionRef, Fault, MemoryFilter, Project, Projects, Zone},
    search::STILL_CHECKED,
};

const HITS: usize = 10;
const HITS_MAX: usize = 50;
/// Together with the rest of a line about 60 tokens.
const TITLE_CHARS: usize = 80;
const SNIPPET_CHARS: usize = 110;

pub const SEARCH: Tool = Tool {
    name: "memory_search",
    title: "Search memories and decisions",
    description: "Find what is known: memories and decisions, by words and by meaning. Use it before you start on something, when \
                  something fails, and before you decide or save. Gives an index; memory_get gives the texts.",
    effect: Effect::Reads,
    input: || {
        object(
            [
                ("query", text("Words or a question; \"a phrase\", -without, tag:x, type:x, since:3d")),
                ("limit", count(1, HITS_MAX, "10 by default")),
                ("type", texts("Only these types")),
                ("tags", texts("With all of these")),
                ("project", text("Else the one you work in")),
                ("all_projects", flag("Look everywhere")),
                ("since", text("Changed since: 2026-11-21, 3d, \"last week\", yesterday")),
                ("until", text("Changed before")),
                ("mode", one_of(&SearchMode::ALL.map(SearchMode::word), "auto by default")),
                ("cursor", text("The one of the page before")),
            ],
            &["query"],
        )
    },
    output: || {
        let hit = object(
            [
                ("id", text("For memory_get")),
                ("kind", one_of(&RecordKind::ALL.map(RecordKind::word), "")),
                ("title", plain("string")),
                ("snippet", plain("string")),
                ("age", plain("string")),
                ("type", text("Where it is no note")),
                ("tags", texts("")),
                ("project", text("Where it is another one")),
                ("status", text("Where it is not active")),
            ],
            &["id", "kind", "title", "age"],
        );
        object(
            [
                ("results", list(hit, "Best first")),
                ("total", plain("integer")),
                ("cursor", text("For the next page")),
                ("degraded", text("Why the answer may be incomplete")),
            ],
            &["results", "total"],
        )
    },
    run: |call, arguments| search(call, arguments).boxed(),
};

/// The arguments, by every name that other memory servers have for them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    #[serde(alias = "q", alias = "search", alias = "text")]
    query: String,
    #[serde(alias = "top_k", alias = "k", alias = "n", alias = "max_results", alias = "page_size")]
    #[serde(alias = "n_results")]
    limit: Option<usize>,
    #[serde(alias = "search_type")]
    mode: SearchMode,
    #[serde(rename = "type", alias = "memory_type", alias = "kind", alias = "category", alias = "obs_type")]
    kinds: Words,
    tags: Words,
    #[serde(alias = "project_id", alias = "project_name", alias = "group_id", alias = "namespace")]
    #[serde(alias = "dataset_name")]
    project: Option<Project>,
    all_projects: bool,
    #[serde(alias = "after", alias = "dateStart", alias = "start_date", alias = "timeframe")]
    since: Option<String>,
    #[serde(alias = "before", alias = "dateEnd", alias = "end_date")]
    until: Option<String>,
    cursor: Option<String>,
}

async fn search(call: &Call, arguments: Arguments) -> Result<Answer, Fault> {
    let asked: Search = arguments.read()?;
    if asked.query.trim().is_empty() {
        return Err(Fault::invalid("there is nothing to search for")
            .hint("say in `query` what you look for; timeline tells what happened lately"));
    }
    let limit = asked.limit.unwrap_or(HITS);
    if !(1..=HITS_MAX).contains(&limit) {
        return Err(Fault::invalid(format!("limit is {limit}, it goes from 1 to {HITS_MAX}"))
            .hint("`cursor` of an answer gives the next page"));
    }
    let query: Arc<str> = asked.query.as_str().into();
    let projects = call.projects(asked.project, asked.all_projects);
    let request = SearchRequest {
        query: asked.query,
        limit,
        mode: asked.mode,
        filter: MemoryFilter {
            projects: projects.clone(),
            kinds: asked.kinds.0,
            tags: asked.tags.0,
            since: call.time("since", asked.since.as_deref())?,
            until: call.time("until", asked.until.as_deref())?,
            ..MemoryFilter::default()
        },
        cursor: asked.cursor,
        // The hub may be of another zone.
        zone: call.session.clock().zones().picked.and_then(Zone::name).map(str::to_owned),
        ..SearchRequest::default()
    };
    let answer = call.door.search(&call.caller, request).await?;
    let own = match projects {
        Projects::Only(list) => list.into_iter().next(),
        Projects::All => None,
    };
    let names = join_all(answer.results.iter().map(|hit| name(call, hit, &query))).await;
    Ok(index(call, &answer, names, own.as_ref()))
}

/// How a hit is called from now on: a decision by its number, where it can be had.
async fn name(call: &Call, hit: &Hit, query: &Arc<str>) -> String {
    let short = call.session.known.show(hit.id, query);
    if hit.kind == RecordKind::Memory {
        return short;
    }
    let decision = call.door.decision(&call.caller, DecisionRef::Id(hit.id)).await;
    decision.map_or(short, |decision| decision.number.to_string())
}

fn index(call: &Call, answer: &SearchAnswer, names: Vec<String>, own: Option<&Project>) -> Answer {
    let (mut results, mut lines) = (Vec::new(), Vec::new());
    for (hit, name) in answer.results.iter().zip(names) {
        let (fields, line) = shown(hit, &name, &call.age(hit.updated_at), own);
        results.push(fields);
        lines.push(line);
    }
    let more = if answer.total_at_least { "at least " } else { "" };
    let head = match (results.len(), answer.total) {
        (0, _) => format!("nothing found in {}", own.map_or("any project", Project::as_str)),
        (shown, total) => format!("{shown} of {more}{total}; memory_get gives the texts"),
    };
    let mut fields = json!({ "results": results, "total": answer.total });
    lines.insert(0, head);
    if let Some(cursor) = &answer.cursor {
        fields["cursor"] = cursor.as_str().into();
    }
    if let Some(why) = degraded(answer) {
        lines.push(format!("the answer may be incomplete: {why}"));
        fields["degraded"] = why.into();
    }
    Answer { text: lines.join("\n"), fields }
}

/// Why the answer is not all that there is, where it is not.
fn degraded(answer: &SearchAnswer) -> Option<String> {
    let mode = answer.degraded_mode.as_ref()?;
    let reasons: Vec<&str> =
        answer.degraded_reasons.iter().map(String::as_str).filter(|why| *why != STILL_CHECKED).collect();
    Some(if reasons.is_empty() { mode.clone() } else { reasons.join("; ") })
}

/// A hit in fields and on a line or two. What is as one would think is not said.
fn shown(hit: &Hit, name: &str, age: &str, own: Option<&Project>) -> (Value, String) {
    let title = brief(&hit.title, TITLE_CHARS);
    let snippet = brief(&hit.snippet, SNIPPET_CHARS);
    let mut fields = json!({ "id": name, "kind": hit.kind, "title": title, "age": age });
    let mut about = Vec::new();
    if hit.kind == RecordKind::Decision {
        about.push("decision".to_owned());
    } else if hit.memory_type != "note" {
        fields["type"] = hit.memory_type.as_str().into();
        about.push(hit.memory_type.clone());
    }
    if own.is_none_or(|own| *own != hit.project) {
        fields["project"] = hit.project.as_str().into();
        about.push(format!("project {}", hit.project));
    }
    if !hit.status.is_current() {
        fields["status"] = hit.status.word().into();
        about.push(hit.status.word().to_owned());
    }
    if !hit.tags.is_empty() {
        fields["tags"] = hit.tags.clone().into();
        about.push(format!("#{}", hit.tags.join(" #")));
    }
    about.push(age.to_owned());
    let mut line = format!("{name}  {title}  ({})", about.join(", "));
    // A short text is its own title.
    if !snippet.is_empty() && !title.starts_with(snippet.trim_end_matches('…')) {
        line.push_str(&format!("\n  {snippet}"));
        fields["snippet"] = snippet.into();
    }
    (fields, line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Id, Status, Time};

    fn hit() -> Hit {
        serde_json::from_value(json!({
            "id": Id::NIL, "kind": "memory", "title": "Roll back before you restart workers",
            "snippet": "Roll back first: a restart takes the queue with it.", "score": 1.0,
            "legs": { "lexical": 1.0 }, "matched_terms": ["roll"], "type": "gotcha", "project": "shop",
            "tags": ["deploy"], "status": "active", "updated_at": Time::from_unix_ms(0),
        }))
        .unwrap()
    }

    #[test]
    fn a_hit_says_what_is_not_as_one_would_think() {
        let shop = Project::slug("shop");
        let (fields, line) = shown(&hit(), "1a2b3c4d", "3d", Some(&shop));
        assert_eq!(
            line,
            "1a2b3c4d  Roll back before you restart workers  (gotcha, #deploy, 3d)\n  Roll back first: a restart takes \
             the queue with it."
        );
        assert_eq!((&fields["type"], &fields["project"]), (&json!("gotcha"), &Value::Null));
        let plain = Hit {
            memory_type: "note".into(),
            tags: vec![],
            snippet: "Roll back before you".into(),
            status: Status::Archived,
            ..hit()
        };
        let (fields, line) = shown(&plain, "x", "3d", None);
        assert_eq!(line, "x  Roll back before you restart workers  (project shop, archived, 3d)");
        assert_eq!(
            fields,
            json!({ "id": "x", "kind": "memory", "title": plain.title, "age": "3d", "project": "shop", "status": "archived" })
        );
    }

    #[test]
    fn other_names_are_known() {
        let asked = json!({ "q": "x", "top_k": 3, "search_type": "semantic", "tags": "a,b", "group_id": "G", "timeframe": "7d" });
        let asked: Search = serde_json::from_value(asked).unwrap();
        assert_eq!((asked.limit, asked.mode, asked.tags.0.len()), (Some(3), SearchMode::Vector, 2));
        assert_eq!((asked.project, asked.since.as_deref()), (Some(Project::slug("g")), Some("7d")));
    }
}
