//! Erasing from the index: nothing of what was deleted is in any of its files, nothing else is touched.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use tantivy::{
    Index, TantivyDocument,
    schema::{FieldType, Value},
};
use wheelhouse::{
    door::{Hit, SearchMode, SearchRequest, ViewState},
    model::{Change, Code, Memory, Projects, Sequence},
    search::{
        Lexical,
        meaning::{
            key,
            store::{Key, Store},
            vector::{DIMENSIONS, Vector},
        },
    },
};

use crate::{
    harness::until_blocking,
    search::{Log, ask, id, many, memory, of_interest, vectors_of, words},
    workload::{Numbers, say},
};

/// The one to be erased.
const SECRET: u64 = 5_000;
/// Of its words, beginnings that no stem and no case changes. No other text has them.
const MARKS: [&str; 9] =
    ["grimblew", "flobbert", "quuxom", "tagmark", "zyxomark", "snorfbl", "headmark", "vexillogr", "urlmark"];
/// What the model reads of it, of the older revision first.
const READ: [&str; 3] = [
    "Grimblewicking plan\nThe flobbertwangled vault key is quuxomatic.",
    "Zyxomarkering list\nSnorfblatting comes first.",
    "Zyxomarkering list\nHeadmarkish part\nVexillogrumping comes second.",
];

fn secret(revision: u32) -> Memory {
    let (title, content) = match revision {
        1 => READ[0].split_once('\n').unwrap(),
        _ => (
            "Zyxomarkering list",
            "Snorfblatting comes first.\n\n# Headmarkish part\n\nVexillogrumping comes second.",
        ),
    };
    let origin = serde_json::json!({ "actor": "user:ada", "url": "file:///urlmarkish.md" });
    Memory {
        revision,
        tags: vec!["Tagmarkish".into(), "shared".into()],
        origin: serde_json::from_value(origin).unwrap(),
        ..memory(SECRET, title, content)
    }
}

fn others(range: std::ops::Range<u64>) -> impl Iterator<Item = Memory> {
    const ABOUT: [&str; 7] = [
        "harbour crane",
        "bread recipe",
        "vault key",
        "migration lock",
        "deploy list",
        "wet winch",
        "first plan",
    ];
    range.map(|n| {
        let about = ABOUT[n as usize % ABOUT.len()];
        memory(n, &format!("Note {n} on the {about}"), &format!("Number {n} comes after {}: {about}.", n / 3))
    })
}

/// The log, and where in it an index was closed and opened again.
fn story() -> (Log, Vec<usize>) {
    let mut log = Log::new();
    let mut cuts = Vec::new();
    log.put(others(0..30));
    log.put(others(30..35).chain([secret(1)]).chain(others(35..40)));
    cuts.push(log.entries.len());
    log.put([secret(2)].into_iter().chain(others(40..60)));
    cuts.push(log.entries.len());
    log.put(others(60..70));
    log.commit(vec![Change::Forget { id: id(3) }]);
    cuts.push(log.entries.len());
    log.commit(vec![Change::Forget { id: id(SECRET) }]);
    log.put(others(70..75));
    cuts.push(log.entries.len());
    log.commit(vec![Change::Erase { id: id(SECRET) }]);
    (log, cuts)
}

/// The index of the story on disk, of several segments, every text with its vector; and the vectors of the secret.
fn built(dir: &Path) -> (Log, Vec<Vector>) {
    let (log, cuts) = story();
    for cut in cuts {
        let part = Log { entries: log.entries[..cut].to_vec() };
        let lexical = part.opened(dir);
        with_vectors(&lexical);
        lexical.close();
    }
    let store = Store::open(&vectors_of(dir)).unwrap();
    let records = store.records();
    let vectors = READ.map(|text| records.vector(store.slot(&key(text)).expect(text)).unwrap());
    (log, vectors.to_vec())
}

fn with_vectors(lexical: &Lexical) {
    until_blocking("the vectors", || (lexical.vectors() == ViewState::Ready).then_some(()));
}

/// None of them has to be made again.
fn others_keep_their_vectors(dir: &Path) {
    let store = Store::open(&vectors_of(dir)).unwrap();
    for memory in others(0..75).filter(|memory| memory.id != id(3)) {
        let text = format!("{}\n{}", memory.title, memory.content);
        assert!(store.slot(&key(&text)).is_some(), "{text}");
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

fn marks_in(bytes: &[u8]) -> impl Iterator<Item = &'static str> {
    let lower = String::from_utf8_lossy(bytes).to_lowercase();
    MARKS.into_iter().filter(move |mark| lower.contains(mark))
}

/// Every trace of the secret in the files, and what kind it is: bytes of any file, the terms and stored texts of the
/// segments as tantivy reads them, its id, its vectors. And files that are of no segment.
fn traces(dir: &Path, vectors: &[Vector]) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let index = Index::open_in_dir(dir).unwrap();
    let secret = id(SECRET);
    let low = u64::from_be_bytes(secret.as_bytes()[8..].try_into().unwrap());
    for segment in index.reader().unwrap().searcher().segment_readers() {
        for (field, entry) in index.schema().fields() {
            if matches!(entry.field_type(), FieldType::Str(_)) {
                let inverted = segment.inverted_index(field).unwrap();
                let mut terms = inverted.terms().stream().unwrap();
                while terms.advance() {
                    if marks_in(terms.key()).next().is_some() {
                        found.insert("term");
                    }
                    if terms.key() == format!("i{secret}").as_bytes() {
                        found.insert("id");
                    }
                }
            }
        }
        let ids = segment.fast_fields().u64("id_low").unwrap();
        if (0..segment.max_doc()).any(|doc| ids.first(doc) == Some(low)) {
            found.insert("column");
        }
        // Those deleted too.
        for document in segment.get_store_reader(1).unwrap().iter::<TantivyDocument>(None) {
            let document = document.unwrap();
            if document
                .field_values()
                .any(|(_, value)| value.as_bytes().is_some_and(|bytes| marks_in(bytes).next().is_some()))
            {
                found.insert("stored");
            }
        }
    }
    let segments: BTreeSet<String> =
        index.searchable_segment_ids().unwrap().iter().map(|segment| segment.uuid_string()).collect();
    for path in files(dir) {
        let bytes = fs::read(&path).unwrap();
        // Files of vectors are made as large as they will be.
        let bytes = &bytes[..bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)];
        let of_segment = path.file_name().unwrap().to_str().unwrap().split('.').next().unwrap().to_owned();
        if of_segment.len() == 32 && !segments.contains(&of_segment) {
            found.insert("file");
        }
        if marks_in(bytes).next().is_some() {
            found.insert("bytes");
        }
        for (vector, text) in vectors.iter().zip(READ) {
            let key: Key = key(text);
            if bytes.windows(DIMENSIONS).any(|at| at == vector.bytes())
                || bytes.windows(key.len()).any(|at| at == key)
            {
                found.insert("vector");
            }
        }
    }
    found
}

/// What others find, by words and by meaning.
fn answers(lexical: &Lexical) -> Vec<(usize, Vec<Hit>)> {
    let asked = [
        ("vault key", SearchMode::Hybrid),
        ("lifting machine by the water", SearchMode::Hybrid),
        ("list first", SearchMode::Lexical),
        ("number 17 comes", SearchMode::Hybrid),
        (&format!("like:{}", id(7)), SearchMode::Vector),
        ("zyxomarkering snorfblatting grimblewicking", SearchMode::Lexical),
        ("", SearchMode::Lexical),
    ];
    let answers = asked.iter().map(|(query, mode)| {
        let request = SearchRequest { mode: *mode, explain: true, limit: 50, ..ask(query) };
        let answer = lexical.search(&request, &Projects::All, words()).unwrap();
        (answer.total, answer.results)
    });
    answers.collect()
}

fn erase(lexical: &Lexical, to: Sequence) {
    lexical.erase(to, &|| false, &mut |_, _| {}).unwrap();
}

#[test]
fn of_what_is_erased_no_file_holds_anything_and_no_answer_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (log, vectors) = built(dir.path());
    assert_eq!(
        vectors.iter().filter(|vector| vector.bytes().iter().any(|byte| *byte != 0)).count(),
        READ.len()
    );
    let lexical = log.opened(dir.path());
    with_vectors(&lexical);
    let expected = answers(&lexical);
    assert!(expected[..5].iter().all(|(total, _)| *total > 0) && expected[5].0 == 0, "{expected:?}");
    assert_eq!(
        traces(dir.path(), &vectors),
        ["bytes", "column", "id", "stored", "term", "vector"].into(),
        "what is looked for below is there to be found"
    );

    // Searches go on, and answer the same.
    let over = AtomicBool::new(false);
    let mut steps = Vec::new();
    let searched = std::thread::scope(|scope| {
        let searching = scope.spawn(|| {
            let mut searched = 0;
            while !over.load(Ordering::Relaxed) {
                assert!(answers(&lexical) == expected, "while it erases");
                searched += 1;
            }
            searched
        });
        let erased = lexical.erase(log.head(), &|| false, &mut |done, of| steps.push((done, of)));
        over.store(true, Ordering::Relaxed);
        erased.unwrap();
        searching.join().unwrap()
    });
    assert!(searched > 0 && steps.last().is_some_and(|(done, of)| done == of), "{searched} {steps:?}");
    assert_eq!(traces(dir.path(), &vectors), [].into());
    assert!(answers(&lexical) == expected);
    assert_eq!(lexical.vectors(), ViewState::Ready);
    // Again, with nothing to do.
    erase(&lexical, log.head());
    lexical.close();
    assert_eq!(traces(dir.path(), &vectors), [].into());
    others_keep_their_vectors(dir.path());

    let lexical = log.opened(dir.path());
    with_vectors(&lexical);
    assert!(answers(&lexical) == expected, "opened again");
    lexical.close();
}

const SESSIONS: usize = 12;

/// What is saved and removed while it erases is found and gone at once, and is as if it had come at another time.
#[test]
fn the_feed_goes_on_meanwhile() {
    let mut log = many();
    let (dir, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // So many segments that tantivy merges some of them by itself, also while it erases.
    for part in 1..=SESSIONS {
        let lexical = Lexical::open(dir.path(), &vectors_of(dir.path()), crate::search::log());
        lexical.durable();
        lexical.apply(&log.entries[..log.entries.len() * part / SESSIONS]);
        lexical.close();
    }
    log.commit(vec![Change::Erase { id: id(40) }]);
    let lexical = log.opened(dir.path());
    let mut saved = 0;
    lexical
        .erase(log.head(), &|| false, &mut |_, _| {
            let marker = format!("latecomer{saved}");
            log.put([memory(9_000 + saved, "Late", &marker)]);
            log.commit(vec![Change::Erase { id: id(saved * 7) }]);
            log.feed(&lexical);
            assert_eq!(lexical.search(&ask(&marker), &Projects::All, words()).unwrap().total, 1);
            saved += 1;
        })
        .unwrap();
    assert!(saved > 0);
    let seen = of_interest(&lexical);
    erase(&lexical, log.head());
    assert!(of_interest(&lexical) == seen);
    let segments = Index::open_in_dir(dir.path()).unwrap().searchable_segment_metas().unwrap();
    assert!(segments.iter().all(|segment| !segment.has_deletes()), "{segments:?}");
    lexical.close();
    let built = log.opened(fresh.path());
    assert!(of_interest(&built) == seen, "as one that was fed it all at once");
    built.close();
}

#[test]
fn what_is_stopped_or_too_early_is_unavailable_and_works_when_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let (log, vectors) = built(dir.path());
    let lexical = log.opened(dir.path());
    let refused = |to: Sequence, stop: bool| {
        lexical.erase(to, &|| stop, &mut |_, _| {}).map_err(|fault| (fault.code, fault.message))
    };
    let (code, message) = refused(log.head().next(), false).unwrap_err();
    assert_eq!((code, message.contains("cannot erase yet")), (Code::Unavailable, true), "{message}");
    let (code, message) = refused(log.head(), true).unwrap_err();
    assert_eq!((code, message.contains("stopped")), (Code::Unavailable, true), "{message}");
    // In the middle, when a segment is done.
    let stopping = AtomicBool::new(false);
    let stop = || stopping.load(Ordering::Relaxed);
    let stopped = lexical.erase(log.head(), &stop, &mut |_, _| stopping.store(true, Ordering::Relaxed));
    assert_eq!(stopped.unwrap_err().code, Code::Unavailable);
    erase(&lexical, log.head());
    assert_eq!(traces(dir.path(), &vectors), [].into());
    lexical.reset();
    assert!(refused(log.head(), false).is_err());
    lexical.close();
    assert!(refused(log.head(), false).is_err(), "closed");
}

/// The texts of a log that was much larger before.
#[test]
fn the_vectors_of_texts_that_are_gone_give_their_space_back_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = built(dir.path());
    let vectors = vectors_of(dir.path());
    let vector_files = || {
        fs::read_dir(&vectors).unwrap().filter(|file| file.as_ref().unwrap().file_name() != "format").count()
    };
    let mut store = Store::open(&vectors).unwrap();
    let mut one = [0.0; DIMENSIONS];
    one[0] = 1.0;
    for n in 0..40_000_u128 {
        store.put((n + 1).to_le_bytes(), &Vector::of(&one).unwrap()).unwrap();
    }
    drop(store);
    assert_eq!(vector_files(), 3);
    let lexical = log.opened(dir.path());
    with_vectors(&lexical);
    let expected = answers(&lexical);
    until_blocking("a smaller store", || (vector_files() == 1).then_some(()));
    assert!(answers(&lexical) == expected);
    lexical.close();
    others_keep_their_vectors(dir.path());
    let lexical = log.opened(dir.path());
    with_vectors(&lexical);
    assert!(answers(&lexical) == expected, "opened again");
    lexical.close();
}

// --- killed ----------------------------------------------------------------------------------------------------------

/// Kills while it erases. More by `WHEELHOUSE_KILL_ROUNDS`.
const ROUNDS: usize = 10;
/// In the environment of a child: its directory.
const CHILD: &str = "WHEELHOUSE_ERASE_CHILD";

#[test]
#[ignore = "the child of the rounds, started by them"]
fn child() {
    let dir = PathBuf::from(std::env::var(CHILD).expect("started by the rounds"));
    let (log, _) = story();
    let lexical = log.opened(&dir);
    say("begins");
    lexical.erase(log.head(), &|| false, &mut |_, _| say("step")).unwrap();
    say("erased");
    lexical.close();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &to) } else { assert!(fs::copy(&path, &to).is_ok()) }
    }
}

/// Runs a child and kills it a while after it began; answers how long it took where it was faster.
fn killed_after(dir: &Path, after: Duration) -> Option<Duration> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["erase::child", "--exact", "--ignored", "--nocapture", "--quiet"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line.ends_with("begins")));
    let began = Instant::now();
    let took = if after == Duration::MAX {
        lines.by_ref().find(|line| line == "erased").map(|_| began.elapsed())
    } else {
        while began.elapsed() < after {
            std::hint::spin_loop();
        }
        None
    };
    child.kill().unwrap();
    let over = lines.any(|line| line == "erased");
    child.wait().unwrap();
    took.or(over.then(|| began.elapsed()))
}

#[test]
fn killed_at_any_moment_it_opens_and_erases_again() {
    let first = tempfile::tempdir().unwrap();
    let (log, vectors) = built(first.path());
    let lexical = log.opened(first.path());
    with_vectors(&lexical);
    let expected = answers(&lexical);
    lexical.close();
    let rounds = std::env::var("WHEELHOUSE_KILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let mut numbers = Numbers(u64::from(std::process::id()));
    let whole = tempfile::tempdir().unwrap();
    copy(first.path(), whole.path());
    let took = killed_after(whole.path(), Duration::MAX).expect("it ends by itself");
    let mut inside = 0;
    for _ in 0..rounds {
        let dir = tempfile::tempdir().unwrap();
        copy(first.path(), dir.path());
        let after = took.mul_f64(numbers.below(1_000) as f64 / 1_000.0);
        let over = killed_after(dir.path(), after).is_some();
        inside += usize::from(!over);
        let left = traces(dir.path(), &vectors);
        assert!(!over || left.is_empty(), "{left:?}");
        let lexical = log.opened(dir.path());
        // What was half erased is no answer less: a text that lost its vector gets it again.
        with_vectors(&lexical);
        assert!(answers(&lexical) == expected);
        erase(&lexical, log.head());
        assert_eq!(traces(dir.path(), &vectors), [].into());
        assert!(answers(&lexical) == expected);
        lexical.close();
    }
    assert!(inside > 0, "every kill came too late");
}
