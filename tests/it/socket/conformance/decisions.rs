//! The same of decisions.

use serde_json::json;
use wheelhouse::{
    door::{
        Caller, DecisionOrder, DecisionPatch, DecisionsRequest, ImportedDecision, NewDecision, NewOutcome,
    },
    model::{
        Code, Consequences, DecisionFilter, DecisionNumber, DecisionOption, DecisionRef, DecisionStatus,
        Fault, Id, OutcomeStatus, Project, Projects,
    },
};

use super::Transcript;

fn titled(title: &str) -> NewDecision {
    NewDecision { title: title.into(), ..NewDecision::default() }
}

fn full() -> NewDecision {
    NewDecision {
        number: Some(DecisionNumber(7)),
        status: Some(DecisionStatus::Accepted),
        kind: "architecture".into(),
        category: "storage & more".into(),
        tags: vec!["a".into(), "with, comma".into(), "ü".into()],
        project: Some(Project::slug("team")),
        context: "# Ünïcode \u{1f512}\n\n\"quoted\", \t tabbed".into(),
        drivers: vec!["no loss".into()],
        constraints: vec!["one binary".into()],
        assumptions: vec!["one writer".into()],
        options: vec![
            DecisionOption {
                pros: vec!["Rust".into()],
                cons: vec!["beta".into()],
                neutral: vec!["small".into()],
                score: Some(0.5),
                ..DecisionOption::titled("sled")
            },
            DecisionOption {
                rejected_because: Some("a server".into()),
                ..DecisionOption::titled("PostgreSQL")
            },
        ],
        chosen_option: Some("sled".into()),
        rationale: "it is small".into(),
        consequences: Consequences { good: vec!["fast".into()], bad: vec!["ours".into()], neutral: vec![] },
        confidence: Some(0.7),
        evidence: vec!["a bench".into()],
        risks: vec!["its format".into()],
        affects: vec!["store".into()],
        decision_makers: vec!["Ada".into()],
        consulted: vec!["Bob".into()],
        informed: vec!["all".into()],
        review_on: Some("2026-11-21".parse().unwrap()),
        created_at: Some("2020-01-01".parse().unwrap()),
        url: Some("file:///a b/ü.md".into()),
        commit: Some("abc123".into()),
        session: Some("s-1".into()),
        metadata: json!({ "deep": [1, 2.5, null] }).as_object().unwrap().clone(),
        idempotency_key: Some("decision-1".into()),
        ..titled("All its fields")
    }
}

fn number(number: u32) -> DecisionRef {
    DecisionRef::Number(DecisionNumber(number))
}

pub async fn ask_everything(t: &mut Transcript) {
    let ids = writes(t).await;
    imports(t).await;
    reads(t, &ids).await;
    walls(t, ids[0]).await;
}

async fn writes(t: &mut Transcript) -> Vec<Id> {
    let door = t.door.clone();
    let first = door.decide(&t.caller(), full()).await;
    t.say("decide all fields", &first);
    t.say("decide again with the same key", &door.decide(&t.caller(), full()).await);
    let first = first.unwrap().decision;
    assert_eq!(first.number, DecisionNumber(7));
    let proposed =
        door.decide(&t.caller(), NewDecision { related: vec![number(7)], ..titled("proposed") }).await;
    t.say("decide with a title alone", &proposed);
    let proposed = proposed.unwrap().decision;
    assert_eq!((proposed.number, &proposed.related), (DecisionNumber(8), &vec![first.id]));
    let taken = NewDecision { number: Some(DecisionNumber(7)), ..titled("the number is taken") };
    let taken = door.decide(&t.caller(), taken).await;
    t.say("decide on a number that is taken", &taken);
    assert_eq!(taken.unwrap().decision.number, DecisionNumber(9));
    let free = NewDecision { number: Some(DecisionNumber(3)), ..titled("the number is free") };
    t.say("decide on a number that is free", &door.decide(&t.caller(), free).await);
    t.say("decide nothing", &door.decide(&t.caller(), titled(" ")).await);
    let sure = NewDecision { confidence: Some(7.0), ..titled("too sure") };
    t.say("decide too sure", &door.decide(&t.caller(), sure).await);
    let long = NewDecision { context: "x".repeat(70_000), ..titled("long") };
    t.say("decide at length", &door.decide(&t.caller(), long).await);
    let lost = NewDecision { related: vec![number(999)], ..titled("lost") };
    t.say("decide about nothing there", &door.decide(&t.caller(), lost).await);

    let patch = |title: &str| DecisionPatch { title: Some(title.into()), ..DecisionPatch::default() };
    let eight = DecisionRef::Id(proposed.id);
    t.say("edit", &door.edit_decision(&t.caller(), eight, patch("said better"), Some(1)).await);
    t.say("edit an old revision", &door.edit_decision(&t.caller(), eight, patch("x"), Some(1)).await);
    t.say("edit nothing there", &door.edit_decision(&t.caller(), number(999), patch("x"), None).await);
    let settled = door.edit_decision(&t.caller(), number(7), patch("x"), None).await;
    assert_eq!(settled.as_ref().map_err(|fault: &Fault| fault.code), Err(Code::Conflict));
    t.say("edit what is settled", &settled);
    let review = DecisionPatch { review_on: Some(None), ..DecisionPatch::default() };
    t.say("take away its review", &door.edit_decision(&t.caller(), number(7), review, None).await);

    let heir = door.supersede_decision(&t.caller(), number(7), titled("another choice")).await;
    t.say("supersede", &heir);
    let heir = heir.unwrap().decision;
    let old = door.decision(&t.caller(), number(7)).await;
    t.say("what was superseded", &old);
    let old = old.unwrap();
    assert_eq!((old.superseded_by, heir.supersedes.as_slice()), (Some(heir.id), &[old.id][..]));
    assert_eq!((old.status, &heir.project), (DecisionStatus::Superseded, &old.project));
    t.say("supersede again", &door.supersede_decision(&t.caller(), number(7), titled("x")).await);
    t.say("supersede nothing there", &door.supersede_decision(&t.caller(), number(999), titled("x")).await);

    let outcome = |status, rating| NewOutcome { status, rating, note: " so so ".into(), measured_at: None };
    for (asked, decision, outcome) in [
        ("an outcome", number(7), outcome(OutcomeStatus::Partial, Some(3))),
        ("a corrected outcome", number(7), outcome(OutcomeStatus::Failed, None)),
        ("an outcome off the scale", number(7), outcome(OutcomeStatus::Failed, Some(6))),
        ("an outcome of nothing there", number(999), outcome(OutcomeStatus::Failed, None)),
    ] {
        t.say(asked, &door.record_outcome(&t.caller(), decision, outcome).await);
    }
    vec![first.id, proposed.id, heir.id]
}

async fn imports(t: &mut Transcript) {
    let door = t.door.clone();
    let item = |name: &str, title: &str| ImportedDecision {
        new: NewDecision { url: Some(format!("file:///{name}.md")), ..titled(title) },
        supersedes: vec![],
        superseded_by: None,
        related: vec![],
    };
    let pair = |title: &str| {
        let mut old = item("old", "old");
        (old.superseded_by, old.new.status) = (Some(1), Some(DecisionStatus::Superseded));
        vec![old, ImportedDecision { supersedes: vec![0], ..item("new", title) }]
    };
    let taken = door.import_decisions(&t.caller(), pair("new")).await;
    t.say("import", &taken);
    let bound = door.decision(&t.caller(), DecisionRef::Id(taken.unwrap().items[0].id)).await;
    assert!(bound.as_ref().unwrap().superseded_by.is_some());
    t.say("import the same", &door.import_decisions(&t.caller(), pair("new")).await);
    t.say("import a change", &door.import_decisions(&t.caller(), pair("newer")).await);
    t.say("import one end alone", &door.import_decisions(&t.caller(), vec![item("old", "older")]).await);
    let old = door.decision(&t.caller(), DecisionRef::Id(bound.unwrap().id)).await;
    t.say("its other end", &old);
    let old = old.unwrap();
    assert!(old.superseded_by.is_some() && old.status == DecisionStatus::Superseded && old.title == "older");
    t.say("import nothing", &door.import_decisions(&t.caller(), vec![]).await);
    t.say("import too many", &door.import_decisions(&t.caller(), vec![item("x", "x"); 257]).await);
    t.say("import one twice", &door.import_decisions(&t.caller(), vec![item("x", "x"); 2]).await);
    let nowhere = ImportedDecision { new: titled("from nowhere"), ..item("x", "x") };
    t.say("import from nowhere", &door.import_decisions(&t.caller(), vec![nowhere]).await);
    let astray = ImportedDecision { related: vec![9], ..item("x", "x") };
    t.say("import a link astray", &door.import_decisions(&t.caller(), vec![astray]).await);
}

fn filters() -> Vec<(&'static str, DecisionFilter)> {
    let filter = DecisionFilter::default;
    let time = |text: &str| Some(text.parse().unwrap());
    vec![
        ("all", filter()),
        ("any status", DecisionFilter { any_status: true, ..filter() }),
        (
            "statuses",
            DecisionFilter { statuses: vec![DecisionStatus::Superseded, DecisionStatus::Draft], ..filter() },
        ),
        ("nothing seen", DecisionFilter { projects: Projects::Only(vec![]), any_status: true, ..filter() }),
        ("a project", DecisionFilter { projects: Projects::Only(vec![Project::slug("team")]), ..filter() }),
        ("tags", DecisionFilter { tags: vec!["with, comma".into()], any_status: true, ..filter() }),
        ("a type", DecisionFilter { kind: Some("Architecture".into()), any_status: true, ..filter() }),
        (
            "a category",
            DecisionFilter { category: Some("storage & more".into()), any_status: true, ..filter() },
        ),
        ("a review", DecisionFilter { review_before: Some("2026-11-22".parse().unwrap()), ..filter() }),
        ("an outcome", DecisionFilter { has_outcome: Some(true), any_status: true, ..filter() }),
        ("no outcome", DecisionFilter { has_outcome: Some(false), ..filter() }),
        ("text", DecisionFilter { text: Some("UNICODE & ü=ü".into()), any_status: true, ..filter() }),
        ("words", DecisionFilter { text: Some("another".into()), ..filter() }),
        ("times", DecisionFilter { since: time("2026-01-01"), until: time("2027-01-01"), ..filter() }),
    ]
}

async fn reads(t: &mut Transcript, ids: &[Id]) {
    let door = t.door.clone();
    t.say("a decision by id", &door.decision(&t.caller(), DecisionRef::Id(ids[1])).await);
    t.say("no decision by id", &door.decision(&t.caller(), DecisionRef::Id(Id::NIL)).await);
    t.say("no decision by number", &door.decision(&t.caller(), number(999)).await);
    let history = door.decision_history(&t.caller(), number(7)).await;
    t.say("its history", &history);
    let events: Vec<String> = history.unwrap().into_iter().map(|revision| revision.event).collect();
    let [recorded, updated, superseded, outcome] = ["recorded", "updated", "superseded", "outcome_recorded"];
    let expected = [outcome, outcome, superseded, updated, recorded].map(|name| format!("decision.{name}"));
    assert_eq!(events, expected);
    t.say("no history", &door.decision_history(&t.caller(), number(999)).await);
    for (name, filter) in filters() {
        let request = DecisionsRequest { filter: filter.clone(), ..DecisionsRequest::default() };
        t.say(&format!("decisions: {name}"), &door.decisions(&t.caller(), request).await);
        t.say(&format!("calibration: {name}"), &door.calibration(&t.caller(), filter).await);
    }
    for order in DecisionOrder::ALL {
        let mut request = DecisionsRequest { order, limit: 2, ..DecisionsRequest::default() };
        for page in 0..9 {
            let answer = door.decisions(&t.caller(), request.clone()).await;
            t.say(&format!("decisions {order:?} page {page}"), &answer);
            request.after = answer.unwrap().next;
            if request.after.is_none() {
                break;
            }
        }
        assert_eq!(request.after, None, "{order:?}");
        let wrong = DecisionsRequest { after: Some("no place".into()), ..request };
        t.say(&format!("decisions {order:?} after nonsense"), &door.decisions(&t.caller(), wrong).await);
    }
    let many = DecisionsRequest { limit: 5_000, ..DecisionsRequest::default() };
    t.say("decisions, too many", &door.decisions(&t.caller(), many).await);
}

/// Of project `team` nothing is seen, nothing changes, and nothing is told.
async fn walls(t: &mut Transcript, hidden: Id) {
    let door = t.door.clone();
    let caller = Caller { projects: Projects::Only(vec![Project::slug("other")]), ..t.caller() };
    let (hidden, seven) = (DecisionRef::Id(hidden), number(7));
    let all = DecisionsRequest {
        filter: DecisionFilter { any_status: true, ..DecisionFilter::default() },
        ..DecisionsRequest::default()
    };
    let listed = door.decisions(&caller, all.clone()).await;
    assert_eq!(listed.as_ref().unwrap().decisions, []);
    t.say("decisions behind a wall", &listed);
    let calibration = door.calibration(&caller, all.filter).await;
    assert_eq!(calibration.as_ref().unwrap().n, 0);
    t.say("calibration behind a wall", &calibration);
    let patch = DecisionPatch { status: Some(DecisionStatus::Accepted), ..DecisionPatch::default() };
    let related = NewDecision { related: vec![seven], project: Some(Project::slug("other")), ..titled("x") };
    let elsewhere = NewDecision { project: Some(Project::slug("team")), ..titled("x") };
    let answers = [
        ("a decision", door.decision(&caller, hidden).await.err()),
        ("its number", door.decision(&caller, seven).await.err()),
        ("its history", door.decision_history(&caller, seven).await.err()),
        ("a change", door.edit_decision(&caller, seven, patch, None).await.err()),
        ("a heir", door.supersede_decision(&caller, seven, titled("x")).await.err()),
        ("its outcome", door.record_outcome(&caller, seven, NewOutcome::default()).await.err()),
        ("a link", door.decide(&caller, related).await.err()),
    ];
    for (asked, fault) in answers {
        let fault = fault.unwrap_or_else(|| panic!("{asked} behind a wall"));
        assert_eq!(fault.code, Code::NotFound, "{asked}");
        t.say(&format!("{asked} behind a wall"), &Err::<(), Fault>(fault));
    }
    let denied = door.decide(&caller, elsewhere).await;
    assert_eq!(denied.as_ref().map_err(|fault| fault.code), Err(Code::Denied));
    t.say("a decision beyond a wall", &denied);
}
