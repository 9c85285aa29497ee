//! The resources: memories, decisions and the latest events, each under an address of its own.

use rmcp::model::{ListResourcesResult, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::json;

use super::{
    call::{Call, Named},
    tools::{line, told_fields},
};
use crate::{
    door::{DecisionsRequest, EventQuery, ListRequest},
    model::{DecisionFilter, DecisionRef, Fault, Id, MemoryFilter, Projects, title_of},
};

const SCHEME: &str = "wheelhouse://";
const RECENT: &str = "wheelhouse://events/recent";
const MARKDOWN: &str = "text/markdown";

/// Resources on a page of the list.
const PAGE: usize = 50;
/// Of the latest events.
const RECENT_EVENTS: usize = 50;
/// Where the decisions begin in the list: after the memories.
const DECISIONS: &str = "decisions";

/// What an address names.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    Memory(String),
    Decision(String),
    Recent,
}

impl Place {
    pub fn parse(uri: &str) -> Result<Place, Fault> {
        let parts = uri.strip_prefix(SCHEME).and_then(|path| path.split_once('/'));
        match parts {
            Some(("memory", id)) if !id.is_empty() => Ok(Place::Memory(id.to_owned())),
            Some(("decision", id)) if !id.is_empty() => Ok(Place::Decision(id.to_owned())),
            Some(("events", "recent")) => Ok(Place::Recent),
            _ => Err(Fault::not_found(format!("no resource {uri}"))
                .hint(format!("there are {SCHEME}memory/{{id}}, {SCHEME}decision/{{id}} and {RECENT}"))),
        }
    }

    /// The record it names, if it names one.
    pub async fn record(&self, call: &Call) -> Result<Option<Id>, Fault> {
        Ok(match self {
            Place::Recent => None,
            Place::Memory(typed) => {
                let id = call.memory_id(typed).await?;
                call.door.get(&call.caller, &[id]).await?;
                Some(id)
            }
            Place::Decision(typed) => {
                Some(call.door.decision(&call.caller, decision(call, typed).await?).await?.id)
            }
        })
    }
}

async fn decision(call: &Call, typed: &str) -> Result<DecisionRef, Fault> {
    // An id's last digits are known where they were shown.
    match typed.parse() {
        Ok(named) => Ok(named),
        Err(fault) => match call.named(typed).await {
            Ok(Named::Decision(named)) => Ok(named),
            Ok(Named::Record(id)) => Ok(DecisionRef::Id(id)),
            Err(_) => Err(fault),
        },
    }
}

pub fn templates() -> Vec<ResourceTemplate> {
    [("memory", "A memory", "By its id"), ("decision", "A decision", "By its number (D-0042) or its id")]
        .map(|(name, title, what)| {
            ResourceTemplate::new(format!("{SCHEME}{name}/{{id}}"), name)
                .with_title(title)
                .with_description(what)
                .with_mime_type(MARKDOWN)
        })
        .to_vec()
}

/// The latest events, then memories and decisions of where the client works, the newest first.
pub async fn list(call: &Call, cursor: Option<&str>) -> Result<ListResourcesResult, Fault> {
    let projects = call.projects(None, false);
    if let Some(after) = cursor.and_then(|cursor| cursor.strip_prefix(DECISIONS)) {
        return decisions(call, projects, after.strip_prefix(':').map(str::to_owned)).await;
    }
    let request = ListRequest {
        filter: MemoryFilter { projects, ..MemoryFilter::default() },
        after: cursor.map(str::to_owned),
        limit: PAGE,
        ..ListRequest::default()
    };
    let page = call.door.list(&call.caller, request).await?;
    let mut resources = Vec::new();
    if cursor.is_none() {
        resources.push(
            Resource::new(RECENT, "events")
                .with_title("What happened lately")
                .with_description("The latest events of every project, newest first")
                .with_mime_type("application/json"),
        );
    }
    resources.extend(page.memories.iter().map(|memory| {
        Resource::new(format!("{SCHEME}memory/{}", memory.id), line(&memory.title))
            .with_description(&*memory.kind)
            .with_mime_type(MARKDOWN)
            .with_size(memory.content.len() as u64)
    }));
    let mut result = ListResourcesResult::with_all_items(resources);
    result.next_cursor = Some(page.next.unwrap_or_else(|| DECISIONS.to_owned()));
    Ok(result)
}

async fn decisions(
    call: &Call,
    projects: Projects,
    after: Option<String>,
) -> Result<ListResourcesResult, Fault> {
    let request = DecisionsRequest {
        filter: DecisionFilter { projects, ..DecisionFilter::default() },
        after,
        limit: PAGE,
        ..DecisionsRequest::default()
    };
    let page = call.door.decisions(&call.caller, request).await?;
    let resources = page.decisions.iter().map(|decision| {
        let name = format!("{} {}", decision.number, line(&decision.title));
        Resource::new(format!("{SCHEME}decision/{}", decision.number), name)
            .with_description(format!("decision, {}", decision.status.word()))
            .with_mime_type(MARKDOWN)
    });
    let mut result = ListResourcesResult::with_all_items(resources.collect());
    result.next_cursor = page.next.map(|next| format!("{DECISIONS}:{next}"));
    Ok(result)
}

pub async fn read(call: &Call, uri: &str) -> Result<ReadResourceResult, Fault> {
    let place = Place::parse(uri)?;
    let (text, kind) = match &place {
        Place::Recent => (recent(call).await?, "application/json"),
        Place::Memory(typed) => {
            let id = call.memory_id(typed).await?;
            let found = call.door.get(&call.caller, &[id]).await?;
            let [memory] = found.as_slice() else { return Err(Fault::bug("one id, not one memory")) };
            // A title that was made from the text stands in it.
            let is_made = memory.title == title_of(&memory.content);
            let head = if is_made { String::new() } else { format!("# {}\n\n", line(&memory.title)) };
            (format!("{head}{}\n", memory.content), MARKDOWN)
        }
        Place::Decision(typed) => {
            let decision = call.door.decision(&call.caller, decision(call, typed).await?).await?;
            let (number, title, status) = (decision.number, line(&decision.title), decision.status.word());
            (format!("# {number} {title}\n\nStatus: {status}\n\n{}", decision.text()), MARKDOWN)
        }
    };
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(kind)]))
}

async fn recent(call: &Call) -> Result<String, Fault> {
    let query = EventQuery { limit: RECENT_EVENTS, ..EventQuery::default() };
    let page = call.door.events(&call.caller, query).await?;
    let unsearched = "".into();
    let events: Vec<_> = page
        .events
        .iter()
        .map(|event| {
            let name = event.record().map(|id| call.session.known.show(id, &unsearched));
            told_fields(event, name.as_deref())
        })
        .collect();
    serde_json::to_string_pretty(&json!({ "events": events }))
        .map_err(|error| Fault::bug("events do not go into JSON").cause(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_place() {
        let place = |uri| Place::parse(uri).ok();
        assert_eq!(place("wheelhouse://memory/1a2b3c4d"), Some(Place::Memory("1a2b3c4d".into())));
        assert_eq!(place("wheelhouse://decision/D-0042"), Some(Place::Decision("D-0042".into())));
        assert_eq!(place(RECENT), Some(Place::Recent));
        for no in
            ["wheelhouse://memory/", "wheelhouse://events/old", "file:///etc/passwd", "wheelhouse://x/y"]
        {
            assert_eq!(place(no), None, "{no}");
        }
    }
}
