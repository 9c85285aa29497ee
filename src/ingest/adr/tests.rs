//! Whole files: what comes in goes out, and comes in again as the same.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;
use crate::{
    door::ImportedDecision,
    model::{
        Adr, AdrForm, Consequences, Date, Decision, DecisionNumber, DecisionOption, DecisionStatus, Id,
        Origin, Outcome, OutcomeStatus, Time,
    },
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/adr");
/// A folder of real records to try as well.
const REAL: &str = "WHEELHOUSE_ADR_DIR";

fn id(place: usize) -> Id {
    Id::from_bytes((place as u128 + 1).to_be_bytes())
}

/// The decisions of an import, as a hub makes them.
fn decided(items: Vec<ImportedDecision>) -> Vec<Decision> {
    let decision = |(place, item): (usize, ImportedDecision)| {
        let number = item.new.number.unwrap_or(DecisionNumber(place as u32));
        let origin = Origin { url: item.new.url.clone(), ..Origin::default() };
        let related = item.related.iter().map(|there| id(*there)).collect();
        let mut decision =
            item.new.into_decision(id(place), number, origin, Id::NIL, related, Time::default());
        decision.supersedes = item.supersedes.iter().map(|there| id(*there)).collect();
        decision.superseded_by = item.superseded_by.map(id);
        decision
    };
    items.into_iter().enumerate().map(decision).collect()
}

fn loaded(dir: &Path) -> Loaded {
    load(&[dir.to_owned()], None).unwrap()
}

fn put(dir: &Path, files: &[AdrFile]) {
    for file in files {
        fs::write(dir.join(&file.name), &file.text).unwrap();
    }
}

/// Without what a file's place and time on disk say.
fn elsewhere(mut decision: Decision) -> Decision {
    decision.origin.url = None;
    if decision.adr.is_some() && read_again(&decision).new.created_at.is_none() {
        (decision.created_at, decision.updated_at) = (Time::default(), Time::default());
    }
    decision
}

fn read_again(decision: &Decision) -> Draft {
    let adr = decision.adr.as_ref().unwrap();
    read(&adr.source, &adr.file).unwrap()
}

/// Words of a file's body that a reader of the decision would not see.
fn unread(decision: &Decision) -> Vec<String> {
    let adr = decision.adr.as_ref().unwrap();
    let outline = outline::Outline::of(&adr.source);
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let mut seen = words(&decision.text());
    let of_status = |section: &&outline::Section| section.role == outline::Role::Status;
    let bodies = outline.sections.iter().filter(|section| !of_status(section));
    let mut missing = Vec::new();
    for word in bodies.flat_map(|section| words(&adr.source[section.body.clone()])) {
        match seen.iter().position(|other| *other == word) {
            Some(at) => drop(seen.swap_remove(at)),
            None => missing.push(word),
        }
    }
    missing
}

/// A folder's records go out as the files they came in, and come in again as the same records; written whole, as if
/// they had been made here, they read back with every field.
fn round_trip(dir: &Path) -> Loaded {
    let found = loaded(dir);
    let decisions = decided(found.items.clone());
    let written = files(&decisions);
    for (decision, file) in decisions.iter().zip(&written) {
        let adr = decision.adr.as_ref().unwrap();
        assert_eq!((&file.name, &file.text), (&adr.file, &adr.source));
    }
    for decision in &decisions {
        assert_eq!(unread(decision), Vec::<String>::new(), "{}", decision.title);
    }
    let out = tempfile::tempdir().unwrap();
    put(out.path(), &written);
    let again = decided(loaded(out.path()).items);
    let same = |decisions: Vec<Decision>| decisions.into_iter().map(elsewhere).collect::<Vec<_>>();
    assert_eq!(same(again), same(decisions.clone()));

    let made: Vec<Decision> =
        decisions.into_iter().map(|decision| Decision { adr: None, ..decision }).collect();
    let out = tempfile::tempdir().unwrap();
    put(out.path(), &files(&made));
    let again = decided(loaded(out.path()).items);
    assert_eq!(again.len(), made.len());
    for (again, made) in again.into_iter().zip(made) {
        let (again, made) = (Decision { adr: None, ..again }, made);
        assert_eq!(elsewhere(again), elsewhere(made));
    }
    found
}

#[test]
fn what_comes_in_goes_out() {
    let madr = round_trip(&Path::new(FIXTURES).join("madr"));
    assert_eq!((madr.items.len(), madr.skipped.len()), (3, 0));
    let nygard = round_trip(&Path::new(FIXTURES).join("nygard"));
    assert_eq!((nygard.items.len(), nygard.skipped.len()), (4, 0));
}

#[test]
fn real_records_go_out_as_they_came_in() {
    let Some(dir) = std::env::var_os(REAL) else {
        println!("skipped: {REAL} names no folder of records");
        return;
    };
    let found = round_trip(Path::new(&dir));
    let bound = found.items.iter().filter(|item| item.superseded_by.is_some()).count();
    let related: usize = found.items.iter().map(|item| item.related.len()).sum();
    println!(
        "{} records, {} skipped, {} other files, {bound} superseded by another, {related} links besides",
        found.items.len(),
        found.skipped.len(),
        found.others,
    );
    for said in found.skipped.iter().chain(&found.notes) {
        println!("{}: {}", said.path, said.why);
    }
}

fn fixture(name: &str) -> (Vec<Decision>, usize) {
    let folder = Path::new(FIXTURES).join(Path::new(name).parent().unwrap());
    let decisions = decided(loaded(&folder).items);
    let file = Path::new(name).file_name().unwrap().to_string_lossy().into_owned();
    let at = decisions.iter().position(|one| one.adr.as_ref().is_some_and(|adr| adr.file == file)).unwrap();
    (decisions, at)
}

#[test]
fn madr_is_read_into_fields() {
    let (all, at) = fixture("madr/0001-choose-a-store.md");
    let store = &all[at];
    let sled = "[sled](https://example.org/sled) 0.34 – an embedded store";
    assert_eq!(store.title, "Choose a `store`");
    assert_eq!((store.number, store.status), (DecisionNumber(1), DecisionStatus::Superseded));
    assert_eq!(store.created_at.to_string(), "2026-03-01T00:00:00.000Z");
    assert_eq!(store.informed, ["Barbara", "Liskov, B."]);
    assert_eq!(store.drivers, ["A crash loses nothing", "One binary,\nno server"]);
    assert_eq!(store.chosen_option.as_deref(), Some(sled));
    assert_eq!(store.rationale, "* it is Rust\n  * all of it\n* it is small");
    assert_eq!(
        store.options,
        [
            DecisionOption {
                pros: vec!["it is fast".into()],
                neutral: vec!["it is beta".into(), "needs a log".into()],
                ..DecisionOption::titled(sled)
            },
            DecisionOption::titled("SQLite"),
            DecisionOption {
                cons: vec!["it is a server".into()],
                ..DecisionOption::titled("\"PostgreSQL\"")
            },
        ]
    );
    assert_eq!(
        store.consequences,
        Consequences {
            good: vec!["there is no server.".into()],
            bad: vec!["its flush is no fsync.".into()],
            neutral: vec!["we\nwait and see.".into()],
        }
    );
    let kept: Vec<&str> =
        store.adr.iter().flat_map(|adr| &adr.sections).map(|kept| kept.heading.as_str()).collect();
    assert_eq!(kept, ["Considered Options", sled, "Rollout", "More Information", "Introduction"]);
    let text = store.text();
    assert!(
        text.contains("this is an example") && text.contains("In May.") && text.contains("Ticket: WH-12")
    );
    assert_eq!(text.matches("# not a heading").count(), 1);

    // Both ends of the bond, from the one file that tells of it; the example in code is no link.
    assert_eq!((store.superseded_by, &all[2].supersedes), (Some(id(2)), &vec![id(1)]));
    assert_eq!(store.related, [id(0)]);
    assert_eq!(
        (all[2].decision_makers.as_slice(), all[2].status),
        (&["Ada".to_owned()][..], DecisionStatus::Accepted)
    );
    assert_eq!(all[2].consequences.good, ["nothing is lost"]);
    let notes: Vec<String> =
        loaded(&Path::new(FIXTURES).join("madr")).notes.into_iter().map(|note| note.why).collect();
    assert_eq!(notes[0], "date \"2026-02-30\" is none: kept as it is");
}

#[test]
fn nygard_is_read_into_fields() {
    let (all, at) = fixture("nygard/0003-two-hosts.md");
    let two = &all[at];
    assert_eq!(
        (two.title.as_str(), two.number),
        ("Two hosts", DecisionNumber(3)),
        "the file's number, not 7"
    );
    assert_eq!(
        (two.status, two.rationale.as_str()),
        (DecisionStatus::Proposed, "We will have two.\n\n#### Deeper\n\nAnd more.")
    );
    assert_eq!(two.consequences.neutral, ["It costs more."]);
    assert_eq!((&two.supersedes, &two.related), (&vec![all[1].id], &vec![all[0].id]));
    assert_eq!((all[1].status, all[1].superseded_by), (DecisionStatus::Superseded, Some(two.id)));
    assert!(two.text().contains("## Definitions\n\nA *host* is a machine."));
    assert_eq!(all[3].context, "We need records.");
}

#[test]
fn a_bad_file_never_stops_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    put("0001-fine.md", b"# 1. Fine\n\n## Decision\n\nYes.\n");
    put("0002-not-text.md", b"# 2. Bad\n\n## Decision\n\n\xff\n");
    put("0003-readme.md", b"# Read me\n\n## Status\n\nFine.\n");
    put("0004-template.md", b"# {short title}\n\n## Decision\n\nx\n");
    put("0005-long.md", format!("# 5. Long\n\n## Decision\n\n{}\n", "x".repeat(300_000)).as_bytes());
    let odd = "* o\n* o\n* a  b\n  c\n\n  more\n\n## Decision Outcome\n\nChosen option: \"A b c\"";
    put("0006-options.md", format!("# O\n\n## Context\n\n## Considered Options\n\n{odd}").as_bytes());
    let many: String = (0..40).map(|n| format!("* {n}\n")).collect();
    put("0007-many.md", format!("# M\n\n## Context\n\n## Considered Options\n\n{many}").as_bytes());
    put("picture.png", b"");
    let found = loaded(dir.path());
    let titles: Vec<&str> = found.items.iter().map(|item| item.new.title.as_str()).collect();
    assert_eq!((titles, found.others), (vec!["Fine", "O"], 1));
    let options = &found.items[1].new;
    assert_eq!(options.options, [DecisionOption::titled("o"), DecisionOption::titled("a b c")]);
    assert_eq!(options.chosen_option.as_deref(), Some("a b c"));
    assert_eq!(options.adr.as_ref().unwrap().sections[0].text, "more");
    let why: Vec<&str> = found.skipped.iter().map(|skipped| skipped.why.as_str()).collect();
    assert_eq!(
        why,
        [
            "not UTF-8 text",
            "no decision record: it has neither a section Context nor a section Decision",
            "a template: its title is a placeholder",
            "300025 bytes, a record has at most 262144",
            "40 options, at most 32 fit",
        ]
    );
}

/// What a change does to a file: lines gone and lines come.
fn changed(name: &str, change: impl FnOnce(&mut Vec<Decision>, usize)) -> Vec<String> {
    let (mut all, at) = fixture(name);
    let before = all[at].adr.clone().unwrap().source;
    change(&mut all, at);
    let after = write(&all[at], &AdrNames::of(&all));
    // Read again, it says what the decision says.
    let mut again = read(&after, &all[at].adr.clone().unwrap().file).unwrap().new;
    let now = &all[at];
    assert_eq!(again.status, Some(now.status));
    again.adr = now.adr.clone();
    let again = again.into_decision(now.id, now.number, now.origin.clone(), Id::NIL, vec![], now.created_at);
    for part in crate::model::Part::ALL {
        let text = |decision: &Decision| {
            decision.blocks(now.form()).into_iter().find(|block| block.part == part).map(|block| block.text)
        };
        assert_eq!(text(&again), text(now));
    }
    assert_eq!(
        (&again.title, &again.review_on, &again.decision_makers, again.confidence),
        (&now.title, &now.review_on, &now.decision_makers, now.confidence)
    );
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let top = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = (old.len() - top).min(new.len() - top);
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let gone = old[top..old.len() - end].iter().map(|line| format!("-{line}"));
    gone.chain(new[top..new.len() - end].iter().map(|line| format!("+{line}"))).collect()
}

#[test]
fn a_change_touches_its_place_alone() {
    let status = |to: DecisionStatus| move |all: &mut Vec<Decision>, at: usize| all[at].status = to;
    assert_eq!(
        changed("madr/0000-keep-records.md", status(DecisionStatus::Deprecated)),
        ["-status: accepted", "+status: deprecated"]
    );
    assert_eq!(
        changed("madr/0002-write-a-log.md", status(DecisionStatus::Implemented)),
        ["-* Status: Accepted", "+* Status: implemented"]
    );
    assert_eq!(
        changed("nygard/0003-two-hosts.md", status(DecisionStatus::Accepted)),
        ["-Pending", "+Accepted"]
    );
    assert_eq!(
        changed("nygard/0004-line-ends.md", status(DecisionStatus::Deprecated)),
        ["-Accepted", "+Deprecated"]
    );
    let superseded = |all: &mut Vec<Decision>, at: usize| {
        all[at].status = DecisionStatus::Superseded;
        all[at].superseded_by = Some(all[at + 1].id);
    };
    assert_eq!(
        changed("nygard/0001-record-decisions.md", superseded),
        ["-Accepted", "+Superseded by [One host](0002-one-host.md)"]
    );
    let reviewed = |all: &mut Vec<Decision>, at: usize| {
        all[at].review_on = Some("2027-01-01".parse::<Date>().unwrap());
        all[at].decision_makers = vec!["Ada".into()];
    };
    assert_eq!(
        changed("madr/0000-keep-records.md", reviewed),
        [
            "-decision-makers: Ada, Grace",
            "-consulted: [Edsger]",
            "+decision-makers: Ada",
            "+consulted: [Edsger]",
            "+review-on: 2027-01-01",
        ]
    );
    let told = |all: &mut Vec<Decision>, at: usize| {
        all[at].outcome = Some(Outcome {
            status: OutcomeStatus::Partial,
            rating: Some(3),
            note: "So so.".into(),
            ..Outcome::default()
        });
    };
    assert_eq!(
        changed("nygard/0003-two-hosts.md", told),
        ["+", "+## Outcome", "+", "+* Status: partial", "+* Rating: 3", "+", "+So so."]
    );
    let weighed = |all: &mut Vec<Decision>, at: usize| {
        let mut more = DecisionOption::titled("redb");
        more.cons = vec!["too new".into()];
        all[at].options.push(more);
        all[at].options[1].pros = vec!["it is old".into()];
    };
    let lines = changed("madr/0001-choose-a-store.md", weighed);
    let come = |line: &str| lines.iter().any(|other| other == line);
    assert!(
        come("+* redb") && come("+* Bad, because too new") && come("+* Good, because it is old"),
        "{lines:#?}"
    );
    assert!(come("-# not a heading") == come("+# not a heading"), "prose stays");
    let titled = |all: &mut Vec<Decision>, at: usize| {
        all[at].title = "Three hosts".into();
        all[at].rationale = String::new();
        all[at].context = "New.".into();
    };
    let lines = changed("nygard/0003-two-hosts.md", titled);
    assert_eq!(
        (lines[0].as_str(), lines.iter().any(|line| line == "+# 7. Three hosts")),
        ("-# 7. Two hosts", true)
    );
    assert!(!lines.iter().any(|line| line == "+We will have two."));
}

/// A decision that says something in every field.
fn full() -> Decision {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let new: crate::door::NewDecision = serde_json::from_value(serde_json::json!({
        "title": "Use \"sled\": now", "status": "accepted", "type": "architecture", "category": "yes",
        "tags": ["store", "a b"], "context": "We need one.\n\n### Why\n\n```\n## x\n```",
        "constraints": ["one binary"], "assumptions": ["disks lie"], "chosen_option": "sled",
        "rationale": "1. fast\n2. small", "confidence": 0.85, "evidence": ["[bench](https://example.org/b.md)"],
        "affects": ["src/store", "* odd"], "decision_makers": ["Ada", "Liskov, B."], "consulted": ["Grace"],
        "review_on": "2027-05-01", "metadata": { "ticket": ["WH-1", { "n": 1.5 }], "a: b": null },
        "created_at": "2026-11-21T10:20:30.400Z",
    }))
    .unwrap();
    let origin = Origin::default();
    let made = new.into_decision(id(0), DecisionNumber(42), origin, Id::NIL, vec![], Time::default());
    let options = vec![
        DecisionOption {
            pros: texts(&["it is Rust\n\nall of it"]),
            cons: texts(&["its flush is no fsync"]),
            neutral: texts(&["it is beta"]),
            score: Some(0.75),
            ..DecisionOption::titled("sled")
        },
        DecisionOption {
            rejected_because: Some("it is SQL".into()),
            ..DecisionOption::titled("SQLite \"3\"")
        },
    ];
    Decision {
        drivers: texts(&["no server", "Good, because it is one"]),
        consequences: Consequences { good: texts(&["fast"]), neutral: texts(&["ours"]), bad: vec![] },
        risks: texts(&["format\n\n* changes"]),
        informed: texts(&["all"]),
        outcome: Some(Outcome {
            status: OutcomeStatus::Failed,
            rating: Some(1),
            note: "* a list\n* of words".into(),
            measured_at: Some("2027-01-01T00:00:00Z".parse().unwrap()),
            by: Some(crate::model::Actor("user:ada".into())),
        }),
        options,
        ..made
    }
}

#[test]
fn a_decision_made_here_reads_back_with_every_field() {
    let made = full();
    made.check().unwrap();
    let file = files(std::slice::from_ref(&made)).remove(0);
    assert_eq!(file.name, "0042-use-sled-now.md");
    for form in [AdrForm::Madr, AdrForm::Nygard] {
        // Nygard's form is chosen by what a decision lacks.
        let made = match form {
            AdrForm::Madr => made.clone(),
            AdrForm::Nygard => {
                Decision { options: vec![], chosen_option: None, drivers: vec![], ..made.clone() }
            }
        };
        assert_eq!(made.form(), form);
        let text = write(&made, &AdrNames::default());
        let draft = read(&text, &file.name).unwrap();
        assert_eq!(draft.new.adr.as_ref().map(|adr| (adr.form, adr.sections.len())), Some((form, 0)));
        let again =
            draft.new.into_decision(id(0), made.number, Origin::default(), Id::NIL, vec![], Time::default());
        assert_eq!(Decision { adr: None, ..again }, made, "{text}");
    }
}

#[test]
fn no_two_files_have_one_name() {
    let with = |place: usize, file: Option<&str>| {
        let adr = |file: &str| Adr {
            form: AdrForm::Madr,
            file: file.into(),
            source: String::new(),
            sections: vec![],
        };
        Decision { id: id(place), adr: file.map(adr), ..full() }
    };
    let all = [
        with(0, Some("0001-A.md")),
        with(1, Some("0001-a.md")),
        with(2, None),
        with(3, Some("../../etc/x.md")),
    ];
    let names: Vec<String> = files(&all).into_iter().map(|file| file.name).collect();
    assert_eq!(
        names,
        ["0001-A.md", "0042-use-sled-now.md", "0042-use-sled-now-2.md", "0042-use-sled-now-3.md"]
    );
}

/// Words in one or more lines, as Markdown has them inside an entry.
fn item() -> impl Strategy<Value = String> {
    let line = "[A-Za-z*_][a-z0-9 `*_#>.,:'\"-]{0,12}[a-z.]";
    let below = prop::option::of(prop::sample::select(vec![
        "\n\n* a\n* b",
        "\n\n```\n# x\n\n* y\n```",
        "\nmore",
        "\n\nmore",
    ]));
    (line, below).prop_map(|(line, below)| format!("{line}{}", below.unwrap_or_default()))
}

fn text() -> impl Strategy<Value = String> {
    let first = prop::sample::select(vec![
        "",
        "* one\n  * two\n\n",
        "1. one\n\n",
        "```\n## x\n```\n\n",
        "> ## q\n\n",
        "### Why\n\n",
    ]);
    (first, item()).prop_map(|(first, item)| format!("{first}{item}"))
}

#[test]
fn a_text_that_ends_in_open_code_swallows_nothing() {
    for (open, closed) in
        [("```rust\n# x", "```rust\n# x\n```"), ("~~~~\n```", "~~~~\n```\n~~~~"), ("<!-- x", "<!-- x\n-->")]
    {
        let made = Decision { context: open.into(), ..full() };
        let again = read(&write(&made, &AdrNames::default()), "0042-x.md").unwrap().new;
        assert_eq!((again.context.as_str(), again.rationale), (closed, made.rationale));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is read as a record goes out as it came in.
    #[test]
    fn any_record_goes_out_as_it_came_in(
        front in prop::option::of("(status: [a-z ]{0,12}|date: [0-9-]{0,10}|[a-z]{1,6}: [\\PC]{0,12}|\\PC{0,10})\n"),
        lines in prop::collection::vec(
            prop::sample::select(vec![
                "# 1. T", "## Context", "## Decision", "## Decision Outcome", "### Consequences", "## Status", "Accepted",
                "Superseded by [x](0002-x.md)", "Chosen option: \"A\", because b", "## Considered Options", "* A", "  * b",
                "## Pros and Cons of the Options", "### A", "* Good, because x", "```", "---", "", "", "text", "## Outcome",
                "* Status: failed", "1. x", "> ## q", "    code", "Date: 2026-01-01", "## Other", "[x]: y", "| a | b |",
            ]),
            0..30,
        ),
        windows in any::<bool>(),
    ) {
        let front = front.map(|front| format!("---\n{front}---\n")).unwrap_or_default();
        let text = format!("{front}{}", lines.join("\n"));
        let text = if windows { text.replace('\n', "\r\n") } else { text };
        if let Ok(draft) = read(&text, "0001-x.md") {
            let item = ImportedDecision { new: draft.new, supersedes: vec![], superseded_by: None, related: vec![] };
            let decision = decided(vec![item]).remove(0);
            prop_assert_eq!(write(&decision, &AdrNames::of([&decision])), text);
            // And any change of it can be written, and is read.
            let status = DecisionStatus::Deprecated;
            let changed = Decision { status, context: "New context.".into(), ..decision };
            let again = read(&write(&changed, &AdrNames::default()), "0001-x.md").unwrap();
            prop_assert_eq!((again.new.status, again.new.context.as_str()), (Some(status), "New context."));
        }
    }

    /// Whatever is recorded here reads back from the file it is written to.
    #[test]
    fn any_decision_reads_back(
        texts in prop::collection::vec(text(), 3),
        items in prop::collection::vec(item(), 10),
        names in prop::collection::vec("[A-Za-z]([a-z.,:#'\"-]{0,4} ?[a-z]){1,3}", 2),
        chosen in prop::option::of(0usize..2),
    ) {
        let list = |from: usize, to: usize| items[from..to].to_vec();
        let mut options = vec![DecisionOption::titled(format!("x{}", names[0])), DecisionOption::titled(format!("y{}", names[1]))];
        options[0].pros = list(0, 2);
        options[1].cons = list(2, 3);
        let chosen_option = chosen.map(|at| options[at].title.clone());
        let made = Decision {
            title: names[0].clone(),
            context: texts[0].clone(),
            rationale: texts[1].clone(),
            drivers: list(3, 5),
            risks: list(5, 6),
            consequences: Consequences { good: list(6, 7), bad: list(7, 8), neutral: list(8, 10) },
            decision_makers: names.clone(),
            tags: vec![names[1].clone()],
            options,
            chosen_option,
            ..full()
        };
        prop_assert_eq!(made.check(), Ok(()));
        let text = write(&made, &AdrNames::default());
        let new = read(&text, "0042-x.md").unwrap().new;
        let again = new.into_decision(id(0), made.number, Origin::default(), Id::NIL, vec![], Time::default());
        prop_assert_eq!(Decision { adr: None, ..again }, made, "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(---\n[\\PC\n]{0,30}---\n)?# [\\PC]{0,10}\n## (Context|Decision)\n[\\PC\n#*`>\"'|-]{0,120}") {
        if let Ok(draft) = read(&text, "x.md") {
            prop_assert_eq!(draft.new.check(), Ok(()));
        }
    }
}
