//! Files into a real hub: once each, however often, whatever is among them.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wheelhouse::{
    door::{Door, EventQuery, Forgetting, ListRequest},
    ingest::{ImportReport, ImportRequest, Progress, import},
    model::{
        CONTENT_BYTES_MAX, Code, DecisionRef, Fault, Memory, MemoryFilter, Project, Projects, Status, Time,
    },
};

use crate::harness::{House, note};

/// A hub and a folder to import.
struct Desk {
    house: House,
    folder: PathBuf,
}

impl Desk {
    async fn new() -> Desk {
        let house = House::open().await;
        let folder = house.dir.path().canonicalize().unwrap().join("notes");
        fs::create_dir(&folder).unwrap();
        Desk { house, folder }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    async fn import(&self) -> ImportReport {
        self.import_of(vec![self.folder.clone()], None).await.unwrap()
    }

    async fn import_of(&self, paths: Vec<PathBuf>, project: Option<&str>) -> Result<ImportReport, Fault> {
        let request = ImportRequest { paths, project: project.map(Project::slug) };
        let (progress, token) = (watch::Sender::new(Progress::default()), CancellationToken::new());
        import(self.house.door.clone(), self.house.caller(), request, progress, token).await
    }

    /// Every memory, by title.
    async fn memories(&self) -> Vec<Memory> {
        let filter = MemoryFilter { statuses: Status::ALL.to_vec(), ..MemoryFilter::default() };
        let list = ListRequest { filter, limit: 1_000, ..ListRequest::default() };
        let mut memories = self.house.door.list(&self.house.caller(), list).await.unwrap().memories;
        memories.sort_by(|a, b| a.title.cmp(&b.title));
        memories
    }

    async fn titled(&self, title: &str) -> Memory {
        let memories = self.memories().await;
        memories.into_iter().find(|memory| memory.title == title).unwrap_or_else(|| panic!("no {title}"))
    }
}

#[track_caller]
fn check(report: &ImportReport, expected: Value) {
    assert_eq!(serde_json::to_value(report).unwrap(), expected);
}

fn counts(report: &ImportReport) -> (u64, u64, u64) {
    (report.taken, report.changed, report.unchanged)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_a_memory_with_all_it_says() {
    let desk = Desk::new().await;
    let path = desk.write(
        "deploy.md",
        "---\ntitle: Deploys\ntags: [ops, release]\ncreated: 2024-01-02\nupdated: 2024-02-03T10:00:00Z\n\
         type: howto\nstatus: verified\nimportance: 0.75\nauthor: ada\n---\n\n# Not the title\n\nRoll back first.\n",
    );
    let report = desk.import_of(vec![path.clone()], Some("team")).await.unwrap();
    check(&report, json!({"taken": 1, "changed": 0, "unchanged": 0, "removed": [], "skipped": []}));
    let memory = desk.titled("Deploys").await;
    assert_eq!(memory.content, "# Not the title\n\nRoll back first.\n");
    assert_eq!((memory.tags.join(" "), memory.kind.as_str()), ("ops release".into(), "howto"));
    assert_eq!((memory.status, memory.importance), (Status::Verified, 0.75));
    assert_eq!(memory.created_at, "2024-01-02".parse::<Time>().unwrap());
    assert_eq!(memory.updated_at, "2024-02-03T10:00:00Z".parse::<Time>().unwrap());
    assert_eq!(Value::Object(memory.metadata), json!({"author": "ada"}));
    assert_eq!(memory.project.as_str(), "team");
    assert_eq!(memory.origin.url, Some(format!("file://{}", path.display())));
}

#[tokio::test(flavor = "multi_thread")]
async fn importing_again_changes_only_what_changed() {
    let desk = Desk::new().await;
    for n in 0..600 {
        desk.write(&format!("{}/note-{n}.md", n % 7), format!("# Note {n}\n\nWords about {n}.\n"));
    }
    desk.write("lines.jsonl", "{\"id\":\"x\",\"text\":\"first\",\"title\":\"x\"}\n\n{\"text\":\"second\"}\n");
    assert_eq!(counts(&desk.import().await), (602, 0, 0));
    let head = desk.house.door.status().await.unwrap().head;
    assert_eq!(counts(&desk.import().await), (0, 0, 602));
    let told = desk.house.door.status().await.unwrap().head.sequence.0 - head.sequence.0;
    assert_eq!(told, 1, "only that it was done");

    desk.write("3/note-3.md", "# Note 3\n\nOther words.\n");
    desk.write("new.md", "# New\n");
    fs::remove_file(desk.folder.join("4/note-4.md")).unwrap();
    desk.write("lines.jsonl", "{\"id\":\"x\",\"text\":\"changed\",\"title\":\"x\"}\n");
    let report = desk.import().await;
    assert_eq!(counts(&report), (1, 2, 598));
    assert_eq!(report.removed, [desk.path("4/note-4.md"), desk.path("lines.jsonl#line-3")]);

    let changed = desk.titled("Note 3").await;
    assert_eq!((changed.content.as_str(), changed.revision), ("# Note 3\n\nOther words.\n", 2));
    let history = desk.house.door.history(&desk.house.caller(), changed.id).await.unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(desk.titled("Note 4").await.revision, 1, "never deleted");
    assert_eq!(desk.titled("x").await.content, "changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_is_told_and_stops_nothing() {
    let desk = Desk::new().await;
    desk.write("good.md", "# Good\n");
    desk.write("binary.txt", b"words\0words");
    desk.write("latin.txt", b"f\xfcr sp\xe4ter");
    desk.write("empty.md", " \n");
    desk.write("ignored.md", "# Ignored\n");
    desk.write(".gitignore", "ignored.md\n");
    desk.write(".hidden.md", "# Hidden\n");
    desk.write("tree/.git", "gitdir: /elsewhere/.git/worktrees/tree\n");
    desk.write("tree/twice.md", "# Twice\n");
    desk.write("code.rs", "fn main() {}\n");
    let locked = desk.write("locked.md", "# Locked\n");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o0)).unwrap();
    let closed = File::open(&locked).is_err();
    let report = desk.import().await;
    let mut skipped: Vec<_> = report.skipped.iter().map(|skipped| skipped.path.clone()).collect();
    skipped.sort();
    let mut expected: Vec<_> = ["binary.txt", "empty.md", "latin.txt"].map(|name| desk.path(name)).to_vec();
    // A superuser reads everything.
    expected.extend(closed.then(|| desk.path("locked.md")));
    assert_eq!(skipped, expected);
    assert_eq!(report.taken, if closed { 1 } else { 2 });
    assert!(report.skipped.iter().any(|skipped| skipped.why == "binary"), "{:?}", report.skipped);

    // Named by itself it is taken: whoever names it wants it.
    let named = desk.import_of(vec![desk.folder.join("ignored.md"), desk.folder.join("code.rs")], None).await;
    assert_eq!(counts(&named.unwrap()), (2, 0, 0));
    // What is there but ignored is not removed.
    assert_eq!(desk.import().await.removed, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_named_and_the_others_taken() {
    let desk = Desk::new().await;
    let lines = [
        r#"{"id": 1, "memory": "one", "memory_type": "howto", "tags": "a, b", "colour": "red"}"#,
        "{broken",
        "",
        r#"{"title": "nothing said"}"#,
        r#"{"record": "event", "type": "memory.saved", "sequence": 4}"#,
        r#"{"content": "two", "importance": 7, "status": "draft", "created_at": "2024-01-02"}"#,
    ];
    let path = desk.write("m.jsonl", lines.join("\n"));
    let report = desk.import().await;
    assert_eq!(counts(&report), (2, 0, 0));
    let skipped: Vec<_> = report
        .skipped
        .iter()
        .map(|skipped| (skipped.path.as_str(), skipped.why.split(':').next().unwrap()))
        .collect();
    let file = path.display().to_string();
    assert_eq!(skipped, [(file.as_str(), "line 2"), (file.as_str(), "line 4")]);
    let one = desk.titled("one").await;
    assert_eq!((one.kind.as_str(), one.tags.join(" ")), ("howto", "a b".into()));
    assert_eq!(one.origin.url, Some(format!("file://{file}#1")));
    let two = desk.titled("two").await;
    assert_eq!(Value::Object(two.metadata), json!({"importance": 7, "status": "draft"}));
    assert_eq!(two.created_at, "2024-01-02".parse::<Time>().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_read_back_by_another_hub() {
    let desk = Desk::new().await;
    desk.write("a.md", "---\ntags: [t]\n---\n# From a file\n");
    desk.import().await;
    let door = &desk.house.door;
    door.add(&desk.house.caller(), note("By hand")).await.unwrap();
    let gone = door.add(&desk.house.caller(), note("Gone")).await.unwrap();
    door.forget(&desk.house.caller(), gone.memory.id, Forgetting::Hide).await.unwrap();
    let mut export = door.export(&desk.house.caller()).await.unwrap();
    let mut lines = String::new();
    while let Some(line) = futures::StreamExt::next(&mut export).await {
        lines.push_str(&serde_json::to_string(&line.unwrap()).unwrap());
        lines.push('\n');
    }

    let other = Desk::new().await;
    let file = other.write("export.jsonl", &lines);
    let report = other.import().await;
    assert_eq!(counts(&report), (2, 0, 0));
    assert_eq!(report.skipped.len(), 1, "the removed one: {:?}", report.skipped);
    let plain = |memory: Memory| (memory.title, memory.content, memory.tags, memory.created_at);
    let here: Vec<_> = desk.memories().await.into_iter().map(plain).collect();
    let there: Vec<_> = other.memories().await.into_iter().map(plain).collect();
    assert_eq!(here, there);
    assert_eq!(counts(&other.import().await), (0, 0, 2));
    // Back in its own hub it is all known.
    assert_eq!(counts(&desk.import_of(vec![file], None).await.unwrap()), (0, 0, 2));
}

/// The decisions of an export, by their numbers: those are what ids stand for, and what a hub keeps for itself is left out.
async fn decisions_exported(house: &House) -> (String, Vec<Value>) {
    let mut export = house.door.export(&house.caller()).await.unwrap();
    let (mut text, mut decisions) = (String::new(), Vec::new());
    while let Some(line) = futures::StreamExt::next(&mut export).await {
        let line = serde_json::to_value(line.unwrap()).unwrap();
        text.push_str(&format!("{line}\n"));
        if line["record"] == "decision" {
            decisions.push(line);
        }
    }
    let numbers: Vec<(String, String)> = decisions
        .iter()
        .map(|one| (one["id"].as_str().unwrap().to_owned(), one["number"].as_str().unwrap().to_owned()))
        .collect();
    let mut plain: Vec<Value> = decisions
        .into_iter()
        .map(|mut one| {
            for kept in ["id", "revision", "correlation_id"] {
                one.as_object_mut().unwrap().remove(kept);
            }
            one["origin"].as_object_mut().unwrap().remove("url");
            let mut said = one.to_string();
            numbers.iter().for_each(|(id, number)| said = said.replace(id, number));
            serde_json::from_str(&said).unwrap()
        })
        .collect();
    plain.sort_by_key(|one| one["number"].as_str().unwrap().to_owned());
    (text, plain)
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_of_an_export_are_equal_in_the_hub_that_reads_it() {
    let desk = Desk::new().await;
    let (door, caller) = (&desk.house.door, desk.house.caller());
    let new = |value: Value| serde_json::from_value(value).unwrap();
    let first = json!({
        "title": "Use one log", "context": "Many writers.", "tags": ["store"], "confidence": 0.8, "project": "team",
        "options": [{ "title": "one log", "pros": ["simple"] }, { "title": "many" }], "chosen_option": "one log",
        "rationale": "It is simpler.", "review_on": "2027-01-01", "consequences": { "good": ["fast"] },
        "type": "architecture", "session": "s-1", "metadata": { "k": [1, 2] }, "number": "D-0007",
    });
    let first = door.decide(&caller, new(first)).await.unwrap().decision;
    desk.house.clock.advance(Duration::from_secs(60));
    let outcome = json!({ "status": "successful", "rating": 4, "note": "It held." });
    door.record_outcome(&caller, DecisionRef::Id(first.id), serde_json::from_value(outcome).unwrap())
        .await
        .unwrap();
    let second = json!({ "title": "Keep segments small", "related": ["D-0007"], "url": "file:///adr/2.md" });
    let second = door.decide(&caller, new(second)).await.unwrap().decision;
    desk.house.clock.advance(Duration::from_secs(60));
    let heir = json!({ "title": "Keep segments large", "chosen_option": "64 MiB" });
    door.supersede_decision(&caller, DecisionRef::Id(second.id), new(heir)).await.unwrap();
    let (text, there) = decisions_exported(&desk.house).await;
    assert_eq!(there.len(), 3);

    let other = Desk::new().await;
    let file = other.write("export.jsonl", &text);
    let report = other.import().await;
    assert_eq!((counts(&report), &report.skipped), ((3, 0, 0), &vec![]));
    let (_, here) = decisions_exported(&other.house).await;
    assert_eq!(here, there);
    // Once more nothing changes, nor does it in the hub that it is from.
    assert_eq!(counts(&other.import().await), (0, 0, 3));
    assert_eq!(decisions_exported(&other.house).await.1, there);
    assert_eq!(counts(&desk.import_of(vec![file], None).await.unwrap()), (0, 0, 3));
    assert_eq!(decisions_exported(&desk.house).await.1, there);

    // A number that is taken is not taken away: the decision has the next one.
    let taken = Desk::new().await;
    taken.house.clock.advance(Duration::from_secs(86_400));
    let own = json!({ "title": "Another", "number": "D-0007" });
    taken.house.door.decide(&taken.house.caller(), new(own)).await.unwrap();
    taken.write("export.jsonl", &text);
    assert_eq!(counts(&taken.import().await), (3, 0, 0));
    let numbers: Vec<String> = decisions_exported(&taken.house)
        .await
        .1
        .iter()
        .map(|one| format!("{} {}", one["number"].as_str().unwrap(), one["title"].as_str().unwrap()))
        .collect();
    assert_eq!(numbers.iter().filter(|one| one.starts_with("D-0007 ")).count(), 1, "{numbers:?}");
    assert!(numbers.iter().any(|one| one.ends_with(" Use one log")), "{numbers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_file_is_several_memories_with_every_byte() {
    let desk = Desk::new().await;
    let text: String =
        (0..40_000).map(|n| format!("Paragraph {n} with some words — and more.\n\n")).collect();
    let path = desk.write("huge.txt", &text);
    assert!(text.len() > CONTENT_BYTES_MAX);
    assert_eq!(counts(&desk.import().await), (2, 0, 0));
    let kept: String = desk.memories().await.into_iter().map(|memory| memory.content).collect();
    assert!(kept == text, "every byte, in order");
    assert_eq!(counts(&desk.import().await), (0, 0, 2));
    fs::write(&path, "short now").unwrap();
    let report = desk.import().await;
    assert_eq!((counts(&report), report.removed), ((0, 1, 0), vec![desk.path("huge.txt#part-2")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_marks_pass_through_the_socket() {
    let desk = Desk::new().await;
    let lines: String = (0..120)
        .map(|n| {
            let line = json!({"text": format!("note {n}"), "blob": "\u{1}".repeat(40_000)});
            format!("{line}\n")
        })
        .collect();
    let path = desk.write("m.jsonl", lines);
    let request = ImportRequest { paths: vec![path], project: None };
    let progress = watch::Sender::new(Progress::default());
    let door: Arc<dyn Door> = desk.house.remote.clone();
    let report = import(door, desk.house.caller(), request, progress.clone(), CancellationToken::new()).await;
    assert_eq!(counts(&report.unwrap()), (120, 0, 0));
    let progress = progress.borrow().clone();
    assert_eq!((progress.found, progress.done, progress.taken), (1, 1, 120));
    assert_eq!(progress.bytes, progress.bytes_found);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_there_is_refused_before_anything() {
    let desk = Desk::new().await;
    desk.write("a.md", "# A\n");
    let paths = vec![desk.folder.clone(), desk.folder.join("nowhere")];
    let fault = desk.import_of(paths, None).await.unwrap_err();
    assert_eq!(fault.code, Code::Invalid);
    assert!(fault.message.contains("nowhere") && fault.hint.is_some(), "{fault:?}");
    assert_eq!(desk.memories().await, vec![]);
    assert_eq!(desk.import_of(vec![], None).await.unwrap_err().code, Code::Invalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_reached_twice_is_taken_once() {
    let desk = Desk::new().await;
    let file = desk.write("in/a.md", "# A\n");
    std::os::unix::fs::symlink(&file, desk.folder.join("link.md")).unwrap();
    let paths = vec![file, desk.folder.join("in/../link.md"), desk.folder.clone(), desk.folder.join("in")];
    assert_eq!(counts(&desk.import_of(paths, None).await.unwrap()), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_project_behind_the_wall_is_passed_over() {
    let desk = Desk::new().await;
    let path = desk.write("m.jsonl", "{\"text\":\"theirs\",\"project\":\"other\"}\n{\"text\":\"ours\"}\n");
    let caller = desk.house.caller_in(Projects::Only(vec![Project::slug("team")]));
    let request = ImportRequest { paths: vec![path], project: Some(Project::slug("team")) };
    let progress = watch::Sender::new(Progress::default());
    let door = desk.house.door.clone();
    let report = import(door, caller, request, progress, CancellationToken::new()).await.unwrap();
    assert_eq!((counts(&report), report.skipped.len()), ((1, 0, 0), 1), "{report:?}");
    assert_eq!(desk.titled("ours").await.project.as_str(), "team");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_import_goes_on_when_it_is_run_again() {
    let desk = Desk::new().await;
    for n in 0..900 {
        desk.write(&format!("note-{n}.md"), format!("# Note {n}\n"));
    }
    let request = ImportRequest { paths: vec![desk.folder.clone()], project: None };
    let (progress, token) = (watch::Sender::new(Progress::default()), CancellationToken::new());
    let mut seen = progress.subscribe();
    let run = import(desk.house.door.clone(), desk.house.caller(), request, progress, token.clone());
    let stop = async {
        seen.wait_for(|progress| progress.taken > 0).await.unwrap();
        token.cancel();
    };
    let (report, ()) =
        tokio::time::timeout(Duration::from_secs(20), futures::future::join(run, stop)).await.unwrap();
    let report = report.unwrap();
    assert!(report.interrupted && report.taken > 0, "{report:?}");
    assert_eq!(report.removed, Vec::<String>::new(), "what was not looked at is not missing");
    let again = desk.import().await;
    assert_eq!((again.taken, again.unchanged), (900 - report.taken, report.taken));
    assert_eq!(serde_json::to_value(&again).unwrap().get("interrupted"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_end_is_told() {
    let desk = Desk::new().await;
    desk.write("a.md", "# A\n");
    desk.write("empty.md", "");
    desk.import().await;
    let page = desk.house.door.events(&desk.house.caller(), EventQuery::default()).await.unwrap();
    let [event, ..] = &page.events[..] else { panic!("{page:?}") };
    assert_eq!(event.kind, "source.synced");
    assert_eq!((&event.data["taken"], &event.data["skipped"]), (&json!(1), &json!(1)));
    assert_eq!(event.text("source"), Path::new(&desk.folder).to_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_memories_of_removed_files_are_known_too() {
    let desk = Desk::new().await;
    let file = desk.write("old.md", "---\nstatus: archived\n---\n# Old\n");
    assert_eq!(counts(&desk.import().await), (1, 0, 0));
    fs::remove_file(file).unwrap();
    assert_eq!(desk.import().await.removed, [desk.path("old.md")]);
}
