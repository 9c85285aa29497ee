//! Decisions: recorded when they are taken, and later what came of them.

use futures::FutureExt;
use serde_json::{Value, json};

use super::{
    Effect, Tool, line,
    memories::{applied, say_applied},
};
use crate::{
    door::{NewDecision, NewOutcome, SavedDecision},
    mcp::{
        call::{Answer, Arguments, Call},
        schema::{count, list, object, one_of, plain, share, text, texts},
    },
    model::{DecisionRef, DecisionStatus, Fault, OutcomeStatus, RATING_MAX},
};

const WHICH: &[&str] = &["id", "number", "decision_id", "decision"];

pub const RECORD: Tool = Tool {
    name: "decision_record",
    title: "Record a decision",
    description: "Record a choice that others will ask about: what was chosen, from which options, why, and how sure you are. Search \
                  for earlier decisions first. A settled one is not changed: record another with `supersedes`.",
    effect: Effect::Adds,
    input: || {
        let option = object(
            [("title", text("")), ("pros", texts("")), ("cons", texts("")), ("rejected_because", text(""))],
            &["title"],
        );
        let statuses = DecisionStatus::ALL.map(DecisionStatus::word);
        object(
            [
                ("title", text("What was decided, in a line")),
                ("context", text("What made it necessary")),
                ("options", list(option, "What could have been done")),
                ("chosen_option", text("The title of one of the options")),
                ("rationale", text("Why this one")),
                ("confidence", share("How likely it turns out well")),
                ("consequences", texts("What follows from it")),
                ("status", one_of(&statuses, "proposed by default; accepted when it is taken")),
                ("type", text("architecture, process or any other word")),
                ("tags", texts("")),
                ("affects", texts("Components, files, teams")),
                ("review_on", text("When to look at it again: 2027-01-31")),
                ("supersedes", text("The decision whose place it takes: D-0042")),
                ("project", text("Else the one you work in")),
                ("idempotency_key", text("A retry with the same key answers the first one's decision")),
            ],
            &["title"],
        )
    },
    output: saved_schema,
    run: |call, arguments| record(call, arguments).boxed(),
};

pub const OUTCOME: Tool = Tool {
    name: "decision_outcome",
    title: "Say how a decision turned out",
    description: "Record what came of a decision when you see it work or fail. Said again, it is corrected.",
    effect: Effect::Changes,
    input: || {
        object(
            [
                ("id", text("D-0042, or its id")),
                ("status", one_of(&OutcomeStatus::ALL.map(OutcomeStatus::word), "")),
                ("rating", count(1, usize::from(RATING_MAX), "5 is the best")),
                ("note", text("What was seen")),
                ("measured_at", text("When, RFC 3339; else now")),
            ],
            &["id", "status"],
        )
    },
    output: saved_schema,
    run: |call, arguments| outcome(call, arguments).boxed(),
};

fn saved_schema() -> Value {
    object(
        [
            ("id", plain("string")),
            ("number", plain("string")),
            ("title", plain("string")),
            ("status", plain("string")),
            ("outcome", plain("string")),
            ("project", plain("string")),
            ("revision", plain("integer")),
            ("applied", applied()),
        ],
        &["id", "number", "title", "status", "project", "revision"],
    )
}

async fn record(call: &Call, mut arguments: Arguments) -> Result<Answer, Fault> {
    let old: Option<DecisionRef> = arguments.take(&["supersedes"])?;
    let mut new: NewDecision = arguments.read()?;
    let saved = match old {
        // What is not said of its project stays as the old one has it.
        Some(old) => call.door.supersede_decision(&call.caller, old, new).await?,
        None => {
            new.project.get_or_insert_with(|| call.own_project());
            call.door.decide(&call.caller, new).await?
        }
    };
    let place = old.map(|old| format!(", in the place of {old}")).unwrap_or_default();
    let what = format!("{}{place}", saved.decision.status.word());
    Ok(answer(&saved, &what))
}

async fn outcome(call: &Call, mut arguments: Arguments) -> Result<Answer, Fault> {
    let which: DecisionRef = arguments.need(WHICH)?;
    let outcome: NewOutcome = arguments.read()?;
    let word = outcome.status.word();
    let saved = call.door.record_outcome(&call.caller, which, outcome).await?;
    Ok(answer(&saved, word))
}

fn answer(saved: &SavedDecision, what: &str) -> Answer {
    let decision = &saved.decision;
    let mut fields = json!({
        "id": decision.id, "number": decision.number, "title": decision.title, "status": decision.status,
        "project": decision.project, "revision": decision.revision,
    });
    if let Some(outcome) = &decision.outcome {
        fields["outcome"] = outcome.status.word().into();
    }
    let (title, project) = (line(&decision.title), &decision.project);
    let mut text = format!("{}  {title}  ({what}, project {project})", decision.number);
    say_applied(saved.applied, &mut text, &mut fields);
    Answer { text, fields }
}
