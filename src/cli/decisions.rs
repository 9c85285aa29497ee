//! `decisions` and `review`: lists of decisions, one in full, and how it came to be so.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    Stop,
    args::{ByWhat, Decisions, DecisionsPage},
    decide::status,
    id,
    outcome::mark,
    text,
    verb::Ask,
};
use crate::{
    door::{DecisionOrder, DecisionRevision, DecisionsRequest, Door, LIST_PAGE_MAX},
    model::{Code, Date, Decision, DecisionFilter, DecisionRef, Fault, Id},
    report::{self, Paint},
};

/// A title in a list is cut no shorter than this.
const TITLE_COLUMNS_MIN: usize = 24;
/// What a list needs besides the titles.
const OTHER_COLUMNS: usize = 66;

pub async fn decisions(ask: &mut Ask, typed: Decisions) -> Result<(), Stop> {
    match (named(&typed.what), typed.history) {
        (Some(decision), true) => history(ask, decision).await,
        (Some(decision), false) => show(ask, decision).await,
        (None, true) => Err(Fault::invalid("--history is of one decision")
            .hint("name it: `wheelhouse decisions D-0042 --history`")
            .into()),
        (None, false) => {
            let request = request(ask, &typed)?;
            list(ask, request, typed.page.all_projects).await
        }
    }
}

pub async fn review(ask: &mut Ask, page: &DecisionsPage) -> Result<(), Stop> {
    let request = DecisionsRequest {
        filter: DecisionFilter {
            projects: ask.setup.projects(page.all_projects),
            review_before: Some(today(ask).next()),
            ..DecisionFilter::default()
        },
        order: DecisionOrder::Review,
        limit: limit(page)?,
        ..DecisionsRequest::default()
    };
    list(ask, request, page.all_projects).await
}

/// The one that is meant: bare digits are words to look for, such as a year.
pub fn named(what: &[String]) -> Option<DecisionRef> {
    let [one] = what else { return None };
    let digits = one.bytes().all(|byte| byte.is_ascii_digit());
    one.parse().ok().filter(|_| !digits)
}

fn limit(page: &DecisionsPage) -> Result<usize, Fault> {
    match page.limit {
        limit @ 1..=LIST_PAGE_MAX => Ok(limit),
        limit => Err(Fault::invalid(format!("--limit goes from 1 to {LIST_PAGE_MAX}, not {limit}"))),
    }
}

fn today(ask: &Ask) -> Date {
    let words = ask.words();
    Date::there(words.now, words.zone)
}

fn request(ask: &Ask, typed: &Decisions) -> Result<DecisionsRequest, Fault> {
    let text = typed.what.join(" ");
    let order = match typed.order {
        Some(ByWhat::Recent) => DecisionOrder::Recent,
        Some(ByWhat::Oldest) => DecisionOrder::Oldest,
        Some(ByWhat::Number) => DecisionOrder::Number,
        Some(ByWhat::Review) => DecisionOrder::Review,
        None if typed.review_due => DecisionOrder::Review,
        None => DecisionOrder::Recent,
    };
    Ok(DecisionsRequest {
        filter: DecisionFilter {
            projects: ask.setup.projects(typed.page.all_projects),
            statuses: typed.status.iter().map(|word| status(word)).collect::<Result<_, _>>()?,
            any_status: typed.all_statuses,
            tags: typed.tags.clone(),
            kind: typed.kind.clone(),
            review_before: typed.review_due.then(|| today(ask).next()),
            text: Some(text).filter(|text| !text.trim().is_empty()),
            ..DecisionFilter::default()
        },
        order,
        limit: limit(&typed.page)?,
        after: None,
    })
}

async fn list(ask: &mut Ask, request: DecisionsRequest, all_projects: bool) -> Result<(), Stop> {
    let page = ask.door().await?.decisions(&ask.caller, request).await?;
    if ask.out.manner.json {
        return ask.out.document(&page);
    }
    if page.decisions.is_empty() {
        let place = if all_projects { "" } else { "; --all-projects looks everywhere" };
        ask.out.remark(&format!("no such decisions{place}"));
        return Ok(());
    }
    let (paint, today) = (ask.out.paint(), today(ask));
    let titles = ask.out.manner.width.map(|all| all.saturating_sub(OTHER_COLUMNS).max(TITLE_COLUMNS_MIN));
    let rows: Vec<Vec<String>> = page
        .decisions
        .iter()
        .map(|decision| {
            let mut row = row(decision, today, titles);
            if all_projects {
                row.push(decision.project.to_string());
            }
            row.push(ask.moment(decision.updated_at));
            row
        })
        .collect();
    for line in text::table(&rows, |column, cell| styled(column, cell, paint)) {
        ask.out.line(&line)?;
    }
    if page.next.is_some() {
        let shown = page.decisions.len();
        ask.out.remark(&format!("the first {shown}, and there are more; -n shows them"));
    }
    ask.out.flush()
}

fn row(decision: &Decision, today: Date, titles: Option<usize>) -> Vec<String> {
    let due = if decision.review_is_due(today) { " due" } else { "" };
    vec![
        decision.number.to_string(),
        text::fit(&report::escape_line(&decision.title), titles),
        decision.status.word().to_owned(),
        decision.confidence.map_or_else(|| "-".to_owned(), |sure| format!("{:.0} %", sure * 100.0)),
        decision.outcome.as_ref().map_or_else(|| "-".to_owned(), |outcome| mark(outcome.status)),
        decision.review_on.map_or_else(|| "-".to_owned(), |day| format!("{day}{due}")),
    ]
}

fn styled(column: usize, cell: &str, paint: Paint) -> String {
    match (column, cell) {
        (0, _) => paint.cyan(cell),
        (4, cell) if cell.starts_with('✓') => paint.green(cell),
        (4, cell) if cell.starts_with('✗') => paint.red(cell),
        (5, cell) if cell.ends_with("due") => paint.yellow(cell),
        (1 | 2 | 4, cell) if cell != "-" => cell.to_owned(),
        _ => paint.dim(cell),
    }
}

async fn show(ask: &mut Ask, named: DecisionRef) -> Result<(), Stop> {
    let door = ask.door().await?;
    let decision = door.decision(&ask.caller, named).await?;
    print(ask, &door, &decision).await
}

/// The decision, unless there is none of that name.
pub async fn there(ask: &Ask, door: &Arc<dyn Door>, named: DecisionRef) -> Result<Option<Decision>, Fault> {
    match door.decision(&ask.caller, named).await {
        Err(fault) if fault.code == Code::NotFound && matches!(named, DecisionRef::Id(_)) => Ok(None),
        found => found.map(Some),
    }
}

pub async fn print(ask: &mut Ask, door: &Arc<dyn Door>, decision: &Decision) -> Result<(), Stop> {
    if ask.out.manner.json {
        return ask.out.document(decision);
    }
    if !ask.out.manner.quiet {
        head(ask, door, decision).await?;
    }
    ask.out.whole(&decision.text())
}

async fn head(ask: &mut Ask, door: &Arc<dyn Door>, decision: &Decision) -> Result<(), Stop> {
    let line = |text: &str| report::escape_line(text);
    let mut rows = vec![
        ("id", decision.id.to_string()),
        ("project", decision.project.to_string()),
        ("status", decision.status.word().to_owned()),
    ];
    let mut say = |name: &'static str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            rows.push((name, value));
        }
    };
    say("type", Some(line(&decision.kind)));
    say("category", Some(line(&decision.category)));
    say("tags", Some(line(&decision.tags.join(", "))));
    say("confidence", decision.confidence.map(|sure| sure.to_string()));
    say("outcome", decision.outcome.as_ref().map(|outcome| mark(outcome.status)));
    let due = if decision.review_is_due(today(ask)) { ", due" } else { "" };
    say("review", decision.review_on.map(|day| format!("{day}{due}")));
    say("created", Some(ask.moment(decision.created_at)));
    let updated = ask.moment(decision.updated_at);
    say("updated", Some(format!("{updated}, revision {}", decision.revision)));
    say("by", Some(line(&decision.origin.actor.0)));
    say("from", decision.origin.url.as_deref().map(line));
    let by: Vec<Id> = decision.superseded_by.into_iter().collect();
    for (name, ids) in
        [("supersedes", &decision.supersedes), ("superseded by", &by), ("related", &decision.related)]
    {
        say(name, Some(names(ask, door, ids).await?));
    }
    let paint = ask.out.paint();
    ask.out.line(&format!("{}  {}", decision.number, paint.bold(&line(&decision.title))))?;
    for row in text::fields(&rows, paint) {
        ask.out.line(&row)?;
    }
    ask.out.line("")
}

/// What people call these decisions; the id of one that this caller does not see.
async fn names(ask: &Ask, door: &Arc<dyn Door>, ids: &[Id]) -> Result<String, Fault> {
    let mut names = Vec::with_capacity(ids.len());
    for id in ids {
        names.push(match door.decision(&ask.caller, DecisionRef::Id(*id)).await {
            Ok(found) => format!("{} {}", found.number, report::escape_line(&found.title)),
            Err(fault) if fault.code == Code::NotFound => id::short(*id),
            Err(fault) => return Err(fault),
        });
    }
    Ok(names.join(", "))
}

async fn history(ask: &mut Ask, named: DecisionRef) -> Result<(), Stop> {
    let revisions = ask.door().await?.decision_history(&ask.caller, named).await?;
    if ask.out.manner.json {
        return ask.out.document(&json!({ "revisions": revisions }));
    }
    let rows: Vec<Vec<String>> = revisions
        .iter()
        .enumerate()
        .map(|(i, revision)| {
            let before = revisions[i + 1..].iter().find_map(|earlier| earlier.decision.as_ref());
            let number = revision.decision.as_ref().map(|decision| decision.revision.to_string());
            vec![
                number.unwrap_or_else(|| "-".to_owned()),
                ask.moment(revision.recorded_at),
                revision.event.trim_start_matches("decision.").replace('_', " "),
                report::escape_line(&revision.actor.0),
                what(revision, before),
            ]
        })
        .collect();
    ask.revisions(&rows)
}

/// The title of a first revision, the names of the fields that a later one changed.
fn what(revision: &DecisionRevision, before: Option<&Decision>) -> String {
    let Some(now) = &revision.decision else { return String::new() };
    let Some(before) = before else { return report::escape_line(&now.title) };
    changed(before, now).join(", ")
}

/// The fields that two revisions differ in, but for those that every revision has anew.
fn changed(before: &Decision, now: &Decision) -> Vec<String> {
    const ANEW: [&str; 3] = ["updated_at", "revision", "correlation_id"];
    let fields = |decision: &Decision| match serde_json::to_value(decision) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, now) = (fields(before), fields(now));
    let mut names: Vec<String> = before.keys().chain(now.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| !ANEW.contains(&name.as_str()) && before.get(name) != now.get(name));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DecisionNumber, DecisionStatus};

    fn decision() -> Decision {
        serde_json::from_value(json!({
            "id": Id::NIL, "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z",
            "revision": 1, "number": "D-0042", "title": "Use sled", "status": "accepted",
            "review_on": "2026-12-01", "confidence": 0.8, "outcome": { "status": "in_progress" },
        }))
        .unwrap()
    }

    #[test]
    fn one_is_named_and_words_are_looked_for() {
        let named = |what: &[&str]| super::named(&what.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(named(&["d-42"]), Some(DecisionRef::Number(DecisionNumber(42))));
        assert_eq!(named(&[&Id::NIL.to_string()]), Some(DecisionRef::Id(Id::NIL)));
        for words in [&["2026"][..], &["sled"], &["D-1", "D-2"], &[]] {
            assert_eq!(named(words), None, "{words:?}");
        }
    }

    #[test]
    fn a_row_says_how_sure_how_it_went_and_when_to_look_again() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let row = |today| row(&decision(), day(today), Some(6));
        assert_eq!(
            row("2026-11-30"),
            ["D-0042", "Use s…", "accepted", "80 %", "◔ in progress", "2026-12-01"]
        );
        assert_eq!(row("2026-12-01")[5], "2026-12-01 due");
    }

    #[test]
    fn a_change_is_told_by_its_fields() {
        let before = decision();
        let now = Decision { revision: 2, status: DecisionStatus::Validated, review_on: None, ..decision() };
        assert_eq!(changed(&before, &now), ["review_on", "status"]);
        assert_eq!(changed(&before, &before), [""; 0]);
    }
}
