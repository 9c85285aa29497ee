//! How the hub does, and where this client works.

use futures::FutureExt;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Effect, Tool};
use crate::{
    door::Writes,
    mcp::{
        call::{Answer, Arguments, Call},
        schema::{anything, object, plain, text},
    },
    model::Fault,
};

pub const STATUS: Tool = Tool {
    name: "hub_status",
    title: "How the hub does",
    description: "Whether the hub takes writes, how far its indexes are, how much it keeps, and which project you work in. Use it when \
                  an answer was incomplete or refused.",
    effect: Effect::Reads,
    input: || object([], &[]),
    output: || {
        object(
            [
                ("hub", plain("string")),
                ("version", plain("string")),
                ("writes", text("open, or why not")),
                ("views", anything("What each index is doing")),
                ("memories", plain("integer")),
                ("decisions", plain("integer")),
                ("data_dir", plain("string")),
                ("started_at", plain("string")),
                ("project", text("Where you work")),
                ("actor", text("Who you are to the hub")),
            ],
            &["hub", "version", "writes", "views", "project", "actor"],
        )
    },
    run: |call, arguments| status(call, arguments).boxed(),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

async fn status(call: &Call, arguments: Arguments) -> Result<Answer, Fault> {
    arguments.read::<Nothing>()?;
    let status = call.door.status().await?;
    let views: Map<String, Value> =
        status.views.iter().map(|view| (view.name.word().to_owned(), view.state.words().into())).collect();
    let writes = status.writes.words(status.time);
    let (project, actor) = (call.own_project(), &call.caller.actor);
    let mut fields = json!({
        "hub": status.hub, "version": status.version, "writes": writes, "views": views, "data_dir": status.data_dir,
        "started_at": status.started_at, "project": project, "actor": actor,
    });
    let mut kept = Vec::new();
    for (name, count) in [("memories", status.memories), ("decisions", status.decisions)] {
        if let Some(count) = count {
            fields[name] = count.into();
            kept.push(format!("{count} {name}"));
        }
    }
    let behind: Vec<String> = status
        .views
        .iter()
        .filter(|view| !view.state.is_ready())
        .map(|view| format!("{} {}", view.name.word(), view.state.words()))
        .collect();
    let mut lines = vec![format!("hub {}, wheelhouse {}, {}", status.hub, status.version, kept.join(", "))];
    lines.push(format!("writes {writes}"));
    if let Writes::Refused { fault, .. } = &status.writes {
        lines.extend(fault.hint.clone());
    }
    lines.push(if behind.is_empty() { "every index is ready".to_owned() } else { behind.join("; ") });
    lines.push(format!("you are {actor} and work in project {project}"));
    Ok(Answer { text: lines.join("\n"), fields })
}
