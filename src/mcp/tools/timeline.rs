//! The timeline: what happened, lately or around a moment.

use futures::FutureExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Effect, Tool, brief};
use crate::{
    door::{EventGap, EventPage, EventQuery, Order},
    mcp::{
        call::{Answer, Arguments, Call, Named, Words},
        schema::{count, flag, list, object, one_of, plain, text, texts},
    },
    model::{
        Actor, Code, DecisionRef, Event, EventFilter, Fault, Id, Pattern, Project, Sequence, Severity, Time,
    },
};

const EVENTS: usize = 20;
const EVENTS_MAX: usize = 200;
const TITLE_CHARS: usize = 100;
/// A rare filter is answered page by page; so many are looked through, a hundred thousand events and more.
const PAGES_MAX: usize = 8;

pub const TIMELINE: Tool = Tool {
    name: "timeline",
    title: "What happened",
    description: "What happened in the hub, newest first: what was saved, changed, decided, searched, and by whom. With `anchor` what \
                  happened around a moment or around a memory or decision. Use it to see what others did, or what led to something.",
    effect: Effect::Reads,
    input: || {
        object(
            [
                (
                    "anchor",
                    text("A moment (2026-11-21 14:02, 3h, yesterday), or an id: what happened around it"),
                ),
                (
                    "subject",
                    texts("Patterns, such as *.memory.> or *.decision.recorded: * is one token, > the rest"),
                ),
                ("since", text("From: 2026-11-21, 3d, \"last week\", yesterday")),
                ("until", text("Before")),
                ("actor", text("Of this one, such as user:ada/claude-code")),
                ("text", text("With this text in them")),
                ("correlation", text("What one call caused")),
                ("severity", one_of(&Severity::ALL.map(Severity::word), "At least this bad")),
                ("project", text("Else the one you work in")),
                ("all_projects", flag("From everywhere")),
                ("limit", count(1, EVENTS_MAX, "20 by default")),
            ],
            &[],
        )
    },
    output: || {
        let event = object(
            [
                ("time", plain("string")),
                ("type", plain("string")),
                ("title", plain("string")),
                ("id", text("Of the record it is about, for memory_get")),
                ("project", plain("string")),
                ("actor", plain("string")),
                ("severity", text("Where it is bad")),
                ("query", text("Of a search")),
                ("sequence", plain("integer")),
                ("correlation_id", plain("string")),
            ],
            &["time", "type", "project", "actor", "sequence", "correlation_id"],
        );
        object(
            [
                ("events", list(event, "")),
                ("order", one_of(&["newest_first", "oldest_first"], "")),
                ("incomplete", text("What is missing, and why")),
            ],
            &["events", "order"],
        )
    },
    run: |call, arguments| timeline(call, arguments).boxed(),
};

/// The arguments, by every name that other memory servers have for them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Asked {
    #[serde(alias = "around", alias = "id")]
    anchor: Option<String>,
    #[serde(alias = "subjects", alias = "pattern", alias = "patterns")]
    subject: Words,
    #[serde(alias = "after", alias = "dateStart", alias = "start_date", alias = "timeframe")]
    since: Option<String>,
    #[serde(alias = "before", alias = "dateEnd", alias = "end_date")]
    until: Option<String>,
    #[serde(alias = "user_id", alias = "agent_id")]
    actor: Option<Actor>,
    #[serde(alias = "query", alias = "q")]
    text: Option<String>,
    #[serde(alias = "correlation_id")]
    correlation: Option<Id>,
    severity: Option<Severity>,
    #[serde(alias = "project_id", alias = "project_name", alias = "group_id", alias = "namespace")]
    project: Option<Project>,
    all_projects: bool,
    #[serde(alias = "top_k", alias = "k", alias = "n", alias = "max_results", alias = "page_size")]
    limit: Option<usize>,
}

async fn timeline(call: &Call, arguments: Arguments) -> Result<Answer, Fault> {
    let asked: Asked = arguments.read()?;
    let limit = asked.limit.unwrap_or(EVENTS);
    if !(1..=EVENTS_MAX).contains(&limit) {
        return Err(Fault::invalid(format!("limit is {limit}, it goes from 1 to {EVENTS_MAX}"))
            .hint("`until` with the time of the last event gives those before it"));
    }
    let filter = filter(call, &asked)?;
    let Some(anchor) = &asked.anchor else {
        let query = EventQuery { filter, limit, ..EventQuery::default() };
        let found = read(call, query).await?;
        return Ok(answer(call, found, "newest_first", None));
    };
    let moment = moment(call, anchor).await?;
    let before = EventQuery {
        filter: filter.clone(),
        recorded_until: Some(moment),
        limit: limit.div_ceil(2),
        ..EventQuery::default()
    };
    let after = EventQuery {
        filter,
        recorded_since: Some(moment),
        order: Order::Asc,
        limit: (limit / 2).max(1),
        ..EventQuery::default()
    };
    let (mut found, after) = futures::try_join!(read(call, before), read(call, after))?;
    found.events.reverse();
    found.events.extend(after.events);
    found.gaps.extend(after.gaps);
    found.looked_back = found.looked_back.or(after.looked_back);
    Ok(answer(call, found, "oldest_first", Some(moment)))
}

fn filter(call: &Call, asked: &Asked) -> Result<EventFilter, Fault> {
    let pattern = |text: &String| {
        let wrong = |error| Fault::invalid(format!("`subject` cannot be {text:?}")).cause(error);
        text.parse::<Pattern>().map_err(wrong)
    };
    let patterns: Vec<Pattern> = asked.subject.0.iter().map(pattern).collect::<Result<_, _>>()?;
    let filter = EventFilter {
        patterns,
        projects: call.projects(asked.project.clone(), asked.all_projects),
        since: call.time("since", asked.since.as_deref())?,
        until: call.time("until", asked.until.as_deref())?,
        correlation: asked.correlation,
        actor: asked.actor.clone(),
        severity: asked.severity,
        text: asked.text.clone(),
        ..EventFilter::default()
    };
    filter.check().map_err(|error| Fault::invalid(error.to_string()))?;
    Ok(filter)
}

/// The moment that is meant: in words, or when a record was last changed.
async fn moment(call: &Call, anchor: &str) -> Result<Time, Fault> {
    if let Ok(time) = call.words().parse(anchor) {
        return Ok(time);
    }
    let none = || Fault::not_found(format!("{anchor:?} has no history"));
    let of_decision = async |decision| {
        let revisions = call.door.decision_history(&call.caller, decision).await?;
        revisions.first().map(|revision| revision.recorded_at).ok_or_else(none)
    };
    let named = call.named(anchor).await.map_err(|fault| match fault.code {
        Code::Invalid => Fault::invalid(format!("`anchor` cannot be {anchor:?}"))
            .hint("give a moment, such as 2026-11-21 14:02 or 3h, or an id that an answer gave"),
        _ => fault,
    })?;
    match named {
        Named::Decision(decision) => of_decision(decision).await,
        Named::Record(id) => match call.door.history(&call.caller, id).await {
            Ok(revisions) => revisions.first().map(|revision| revision.recorded_at).ok_or_else(none),
            Err(fault) if fault.code == Code::NotFound => of_decision(DecisionRef::Id(id)).await,
            Err(fault) => Err(fault),
        },
    }
}

#[derive(Default)]
struct Found {
    events: Vec<Event>,
    gaps: Vec<EventGap>,
    /// It was given up before the end of the log: how far it was read.
    looked_back: Option<Time>,
}

/// Pages until there are enough.
async fn read(call: &Call, mut query: EventQuery) -> Result<Found, Fault> {
    let mut found = Found::default();
    let limit = query.limit;
    for page in 1..=PAGES_MAX {
        query.limit = limit - found.events.len();
        let EventPage { events, gaps, next, reached, .. } =
            call.door.events(&call.caller, query.clone()).await?;
        found.events.extend(events);
        found.gaps.extend(gaps);
        let Some(next) = next.filter(|_| found.events.len() < limit) else { return Ok(found) };
        if page == PAGES_MAX {
            found.looked_back = reached;
        }
        match query.order {
            Order::Asc => query.after = Some(next),
            Order::Desc => query.before = Some(next),
        }
    }
    Ok(found)
}

fn answer(call: &Call, found: Found, order: &str, moment: Option<Time>) -> Answer {
    let unsearched = "".into();
    let (mut lines, mut events) = (Vec::new(), Vec::new());
    let mut marked = false;
    for event in &found.events {
        if let Some(moment) = moment.filter(|moment| !marked && event.recorded_at >= *moment) {
            marked = true;
            lines.push(format!("-- {moment}"));
        }
        let name = event.record().map(|id| call.session.known.show(id, &unsearched));
        lines.push(told(event, name.as_deref()));
        events.push(told_fields(event, name.as_deref()));
    }
    if found.events.is_empty() {
        lines.push("nothing happened there".to_owned());
    }
    let mut fields = json!({ "events": events, "order": order });
    if let Some(why) = incomplete(&found) {
        lines.push(why.clone());
        fields["incomplete"] = why.into();
    }
    Answer { text: lines.join("\n"), fields }
}

fn incomplete(found: &Found) -> Option<String> {
    let gone: u64 = found.gaps.iter().map(|gap| gap.missing).sum();
    let gone = (gone > 0).then(|| {
        let reason = found.gaps.first().map_or("", |gap| gap.reason.as_str());
        format!("{gone} events between them are gone ({reason})")
    });
    let stopped =
        found.looked_back.map(|time| format!("looked through as far as {time}; name a time to go on"));
    let why: Vec<String> = gone.into_iter().chain(stopped).collect();
    (!why.is_empty()).then(|| why.join("; "))
}

/// An event on a line; `name` is how its record is called.
fn told(event: &Event, name: Option<&str>) -> String {
    let mut line = format!("{} {}", event.recorded_at, event.kind);
    if event.severity > Severity::Info {
        line.push_str(&format!(" ({})", event.severity.word()));
    }
    if let Some(name) = name {
        line.push_str(&format!(" {name}"));
    }
    let about = event.text("title").or_else(|| event.text("query")).map(|text| brief(text, TITLE_CHARS));
    if let Some(about) = about {
        line.push_str(&format!("  {about}"));
    }
    line.push_str(&format!("  by {}", event.actor));
    line
}

/// The same in fields.
pub fn told_fields(event: &Event, name: Option<&str>) -> Value {
    let Sequence(sequence) = event.sequence;
    let mut fields = json!({
        "time": event.recorded_at, "type": event.kind, "project": event.subject.project(), "actor": event.actor,
        "sequence": sequence, "correlation_id": event.correlation_id,
    });
    for field in ["title", "query"] {
        if let Some(text) = event.text(field) {
            fields[field] = brief(text, TITLE_CHARS).into();
        }
    }
    if let Some(name) = name {
        fields["id"] = name.into();
    }
    if event.severity > Severity::Info {
        fields["severity"] = event.severity.word().into();
    }
    fields
}
