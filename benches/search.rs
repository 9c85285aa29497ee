//! Search beside SQLite FTS5 (porter stems, the words joined by OR) in the same run.
//!
//! Speed on generated texts, and where `WHEELHOUSE_BENCH_IR` names a folder of retrieval collections (each a folder
//! with `docs.jsonl`, `queries.jsonl`, `qrels.tsv`) also the quality of the ranking. `WHEELHOUSE_BENCH_SIZES` gives
//! the numbers of texts, else 10,000 and 100,000. They are made of English words and of compounds of them, drawn by
//! Zipf's law. Their vectors are generated too (the model would take an hour for them), those of the questions are the
//! model's own.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use serde_json::{Map, json};
use wheelhouse::{
    cli::bench::{Collection, judge},
    door::{SearchAnswer, SearchMode, SearchRequest, Step, ViewState},
    model::{
        Actor, Change, Entry, Event, Id, LogId, Memory, Project, Projects, Sequence, Severity, Time,
        TimeWords,
    },
    search::{
        Lexical,
        meaning::{
            key,
            store::Store,
            vector::{DIMENSIONS, Vector},
        },
    },
};

const NOW_MS: i64 = 1_795_000_000_000;
const BATCH: usize = 256;
const QUERIES: usize = 200;
const SAVES: usize = 200;

pub fn run() {
    if let Ok(folder) = std::env::var("WHEELHOUSE_BENCH_IR") {
        quality(Path::new(&folder));
    }
    let sizes = sizes();
    if sizes.is_empty() {
        return;
    }
    model();
    sizes.into_iter().for_each(speed);
    scan(1_000_000);
}

fn sizes() -> Vec<usize> {
    let sizes = std::env::var("WHEELHOUSE_BENCH_SIZES").unwrap_or_else(|_| "10000,100000".to_owned());
    sizes.split(',').filter_map(|size| size.trim().parse().ok()).collect()
}

// The feed.

fn log() -> LogId {
    serde_json::from_value(json!("00000000-0000-0000-0000-000000000007")).unwrap()
}

fn id(n: usize) -> Id {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&(n as u64).to_be_bytes());
    Id::from_parts(Time::from_unix_ms(NOW_MS), random)
}

fn words() -> TimeWords {
    TimeWords { now: Time::from_unix_ms(NOW_MS), zone: wheelhouse::model::Zone::UTC }
}

fn memory(n: usize, project: &str, title: &str, content: &str) -> Memory {
    serde_json::from_value(json!({
        "id": id(n), "created_at": Time::from_unix_ms(NOW_MS), "updated_at": Time::from_unix_ms(NOW_MS + n as i64),
        "revision": 1, "title": title, "content": content, "project": project,
    }))
    .unwrap()
}

struct Feed {
    lexical: Lexical,
    head: Sequence,
}

impl Feed {
    fn open(dir: &Path) -> Feed {
        let lexical = Lexical::open(&dir.join("lexical"), &dir.join("vectors"), log());
        let head = lexical.durable();
        Feed { lexical, head }
    }

    fn put(&mut self, memories: Vec<Memory>) {
        self.commit(memories.into_iter().map(|memory| Change::Put { memory }).collect());
    }

    fn commit(&mut self, changes: Vec<Change>) {
        let event = |(i, change): (usize, &Change)| Event {
            id: change.id(),
            kind: "memory.saved".into(),
            subject: "_.memory.saved".parse().unwrap(),
            time: Time::from_unix_ms(NOW_MS),
            sequence: Sequence(self.head.0 + 1 + i as u64),
            recorded_at: Time::from_unix_ms(NOW_MS),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor::hub(),
            severity: Severity::Info,
            sampled_rate: None,
            data: Map::new(),
        };
        let events: Vec<Event> = changes.iter().enumerate().map(event).collect();
        let last = Sequence(self.head.0 + events.len() as u64);
        self.lexical.apply(&[Arc::new(Entry { events, changes, idempotency_key: None })]);
        self.head = self.lexical.applied();
        assert_eq!(self.head, last);
    }

    fn wait_until_durable(&self) {
        while self.lexical.durable() < self.head {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn wait_for_vectors(&self) {
        while self.lexical.vectors() != ViewState::Ready {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn ids(&self, query: &str, wall: &Projects, limit: usize, as_you_type: bool) -> Option<Vec<Id>> {
        self.found(query, wall, limit, as_you_type, SearchMode::Lexical)
    }

    fn found(
        &self,
        query: &str,
        wall: &Projects,
        limit: usize,
        as_you_type: bool,
        mode: SearchMode,
    ) -> Option<Vec<Id>> {
        let answer = self.answer(query, wall, limit, as_you_type, mode)?;
        Some(answer.results.iter().map(|hit| hit.id).collect())
    }

    fn answer(
        &self,
        query: &str,
        wall: &Projects,
        limit: usize,
        as_you_type: bool,
        mode: SearchMode,
    ) -> Option<SearchAnswer> {
        let request = SearchRequest {
            query: query.to_owned(),
            limit,
            as_you_type,
            mode,
            // Each document is judged by itself, where the ranking puts it.
            without: vec![Step::Fold, Step::Diversity],
            ..SearchRequest::default()
        };
        self.lexical.search(&request, wall, words()).ok()
    }
}

/// The words of a text as FTS5 takes them.
fn fts_query(text: &str, prefix: bool) -> String {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| format!("\"{word}\""))
        .collect();
    format!("{}{}", words.join(" OR "), if prefix { "*" } else { "" })
}

fn fts_ids(db: &Connection, table: &str, query: &str, limit: usize) -> Vec<i64> {
    let sql = format!("SELECT rowid FROM {table} WHERE {table} MATCH ?1 ORDER BY rank LIMIT {limit}");
    let mut statement = db.prepare_cached(&sql).unwrap();
    let rows = statement.query_map([query], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

// Speed.

/// Numbers that are the same in every run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below
    }

    fn unit(&mut self) -> f64 {
        self.below(1 << 30) as f64 / f64::from(1 << 30)
    }
}

/// Words by rank, the n-th drawn 1/n as often as the first.
pub struct Zipf {
    words: Vec<String>,
    sums: Vec<f64>,
}

impl Zipf {
    /// The whole words of the model's vocabulary as they stand there, the frequent ones first; after them compounds of
    /// two, as code and rare English have: the model takes them in several pieces.
    pub fn new(numbers: &mut Numbers, len: usize) -> Zipf {
        let vocabulary = include_str!("../assets/model/vocab.txt");
        let whole = |word: &&str| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase());
        let mut words: Vec<String> = vocabulary.lines().filter(whole).take(len).map(str::to_owned).collect();
        let simple = words.len();
        let mut seen: HashSet<String> = words.iter().cloned().collect();
        while words.len() < len {
            let [first, second] = [(); 2].map(|()| &words[numbers.below(simple)]);
            let between = if numbers.below(2) == 0 { "" } else { "_" };
            let word = format!("{first}{between}{second}");
            if seen.insert(word.clone()) {
                words.push(word);
            }
        }
        let mut sum = 0.0;
        let sums = (1..=len).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Zipf { sums: sums.collect(), words }
    }

    pub fn draw(&self, numbers: &mut Numbers) -> &str {
        let at = numbers.unit() * self.sums.last().unwrap();
        &self.words[self.sums.partition_point(|sum| *sum < at).min(self.words.len() - 1)]
    }

    pub fn text(&self, numbers: &mut Numbers, bytes: usize) -> String {
        let mut text = String::new();
        while text.len() < bytes {
            text.push_str(self.draw(numbers));
            text.push(if numbers.below(12) == 0 { '\n' } else { ' ' });
        }
        text
    }
}

fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    (at(0.5), at(0.95))
}

fn timed<T>(cases: &[T], mut each: impl FnMut(&T)) -> (f64, f64) {
    percentiles(
        cases
            .iter()
            .map(|case| {
                let start = Instant::now();
                each(case);
                start.elapsed()
            })
            .collect(),
    )
}

fn anonymous_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap_or(f64::NAN) / 1024.0
}

fn folder_mb(dir: &Path) -> f64 {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().metadata().map_or(0, |meta| meta.len()));
    files.sum::<u64>() as f64 / 1e6
}

fn row(what: &str, ours: (f64, f64), theirs: (f64, f64)) {
    println!(
        "{what:<34} p50 {:>8.2} p95 {:>8.2} ms   FTS5 p50 {:>8.2} p95 {:>8.2} ms   p95 ratio {:.3}",
        ours.0,
        ours.1,
        theirs.0,
        theirs.1,
        ours.1 / theirs.1
    );
}

/// An index of so many texts, all with vectors.
fn build(dir: &Path, size: usize, zipf: &Zipf) -> Feed {
    generate_vectors(&dir.join("vectors"), size, zipf);
    let mut feed = Feed::open(dir);
    // As after `reindex lexical`: the log is there, and the index is behind it.
    feed.lexical.reset();
    feed.lexical.set_head(Sequence(size as u64));
    let mut generating = Duration::ZERO;
    let started = Instant::now();
    let mut texts = Numbers(7);
    for start in (0..size).step_by(BATCH) {
        let made = Instant::now();
        let batch = (start..size.min(start + BATCH))
            .map(|n| memory(n, "_", &zipf.text(&mut texts, 40), &zipf.text(&mut texts, 1_000)));
        let batch: Vec<_> = batch.collect();
        generating += made.elapsed();
        feed.put(batch);
    }
    let fed = started.elapsed() - generating;
    feed.wait_until_durable();
    feed.wait_for_vectors();
    let built = started.elapsed() - generating;
    println!(
        "build: applied in {:.1} s, durable in {:.1} s, {:.0} MB on disk",
        fed.as_secs_f64(),
        built.as_secs_f64(),
        folder_mb(&dir.join("lexical"))
    );
    feed
}

/// What erasing one memory takes, and what searches and saves meanwhile wait.
pub fn erase() {
    sizes().into_iter().for_each(erase_of);
}

fn erase_of(size: usize) {
    println!("\nerasing one of {size} generated texts of about 1 KiB");
    let mut numbers = Numbers(42);
    let zipf = Zipf::new(&mut numbers, 50_000);
    let dir = tempfile::tempdir().unwrap();
    let mut feed = build(dir.path(), size, &zipf);
    let mut queries = std::iter::repeat_with(|| {
        let len = 2 + numbers.below(3);
        (0..len).map(|_| zipf.draw(&mut numbers).to_owned()).collect::<Vec<_>>().join(" ")
    });
    let mut texts = Numbers(13);
    let mut saved = 0;
    let mut search = |feed: &Feed| {
        let query = queries.next().unwrap();
        let started = Instant::now();
        feed.answer(&query, &Projects::All, 20, false, SearchMode::Hybrid).unwrap();
        started.elapsed()
    };
    let mut save = |feed: &mut Feed| {
        let mark = format!("savedmark{saved}");
        let new =
            memory(size + saved, "_", "just saved", &format!("{mark} {}", zipf.text(&mut texts, 1_000)));
        saved += 1;
        let started = Instant::now();
        feed.put(vec![new]);
        while feed.ids(&mark, &Projects::All, 1, false).is_none_or(|ids| ids.is_empty()) {}
        started.elapsed()
    };
    let told = |what: &str, times: Vec<Duration>| {
        let (count, longest) = (times.len(), times.iter().max().copied().unwrap_or_default());
        let (p50, p95) = percentiles(times);
        let longest = longest.as_secs_f64() * 1e3;
        println!("{what:<34} p50 {p50:>8.2} p95 {p95:>8.2} longest {longest:>8.2} ms, {count} of them");
    };
    (0..40).for_each(|_| assert!(search(&feed) > Duration::ZERO));
    told("hybrid searches, quiet", (0..QUERIES).map(|_| search(&feed)).collect());
    for (what, busy) in [("alone", false), ("searched and fed meanwhile", true)] {
        let gone = id(if busy { size / 3 } else { size / 2 });
        feed.commit(vec![Change::Erase { id: gone }]);
        let (lexical, to) = (feed.lexical.clone(), feed.head);
        let erasing = std::thread::spawn(move || {
            let mut segments = 0;
            let started = Instant::now();
            lexical.erase(to, &|| false, &mut |done, _| segments = done).unwrap();
            (started.elapsed(), segments)
        });
        let (mut searched, mut saves) = (Vec::new(), Vec::new());
        while busy && !erasing.is_finished() {
            searched.push(search(&feed));
            if searched.len() % 8 == 0 {
                saves.push(save(&mut feed));
            }
        }
        let (took, segments) = erasing.join().unwrap();
        println!("erased, {what}: {:.2} s, {segments} segments rewritten", took.as_secs_f64());
        if busy {
            told("hybrid searches meanwhile", searched);
            told("saved to found meanwhile", saves);
        }
    }
    feed.lexical.close();
}

fn speed(size: usize) {
    println!("\n{size} generated texts of about 1 KiB, Zipfian words");
    let mut numbers = Numbers(42);
    let zipf = Zipf::new(&mut numbers, 50_000);
    let dir = tempfile::tempdir().unwrap();
    let before_mb = anonymous_mb();

    let mut feed = build(dir.path(), size, &zipf);
    let mut texts = Numbers(13);
    let db = Connection::open(dir.path().join("fts.db")).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;
         CREATE VIRTUAL TABLE t USING fts5(title, body, tokenize='porter unicode61'); BEGIN;",
    )
    .unwrap();
    let started = Instant::now();
    let mut same = Numbers(7);
    for n in 0..size {
        let (title, body) = (zipf.text(&mut same, 40), zipf.text(&mut same, 1_000));
        db.prepare_cached("INSERT INTO t(rowid, title, body) VALUES (?1, ?2, ?3)")
            .unwrap()
            .execute(rusqlite::params![n as i64, title, body])
            .unwrap();
    }
    db.execute_batch("COMMIT").unwrap();
    println!("FTS5 build (with generating) {:.1} s", started.elapsed().as_secs_f64());

    let queries = |numbers: &mut Numbers, least: usize, more: usize| -> Vec<String> {
        let query = |numbers: &mut Numbers| {
            let len = least + numbers.below(more);
            (0..len).map(|_| zipf.draw(numbers).to_owned()).collect::<Vec<_>>().join(" ")
        };
        (0..QUERIES).map(|_| query(numbers)).collect()
    };
    let short = queries(&mut numbers, 2, 3);
    let long = queries(&mut numbers, 5, 6);
    // Each as it stands after some letter of its last word.
    let typed: Vec<String> = queries(&mut numbers, 1, 4)
        .iter()
        .map(|query| {
            let last = query.rfind(' ').map_or(0, |space| space + 1);
            query[..last + 1 + numbers.below(query.len() - last)].to_owned()
        })
        .collect();
    for query in short.iter().chain(&typed).take(40) {
        feed.ids(query, &Projects::All, 20, false);
    }
    for (what, queries, as_you_type, mode) in [
        ("2 to 4 words, lexical", &short, false, SearchMode::Lexical),
        ("5 to 10 words, lexical", &long, false, SearchMode::Lexical),
        ("type-ahead, 1 to 4 words", &typed, true, SearchMode::Lexical),
        ("2 to 4 words, hybrid", &short, false, SearchMode::Hybrid),
        ("5 to 10 words, hybrid", &long, false, SearchMode::Hybrid),
    ] {
        let mut parts: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
        let ours = timed(queries, |query| {
            let answer = feed.answer(query, &Projects::All, 20, as_you_type, mode).unwrap();
            for (part, ms) in answer.parts_ms {
                parts.entry(part).or_default().push(Duration::from_secs_f64(ms / 1e3));
            }
        });
        let theirs = timed(queries, |query| {
            fts_ids(&db, "t", &fts_query(query, as_you_type), 20);
        });
        row(what, ours, theirs);
        for (part, times) in parts {
            let (p50, p95) = percentiles(times);
            println!("    of it {part:<24} p50 {p50:>8.2} p95 {p95:>8.2} ms");
        }
    }
    println!("anonymous memory: {:.0} MB more than before the index", anonymous_mb() - before_mb);

    let mut found = Vec::new();
    let mut pause = Numbers(3);
    for n in 0..SAVES {
        let mark = format!("savedmark{n}");
        let new = memory(size + n, "_", "just saved", &format!("{mark} {}", zipf.text(&mut texts, 1_000)));
        let start = Instant::now();
        feed.put(vec![new]);
        while feed.ids(&mark, &Projects::All, 1, false).is_none_or(|ids| ids.is_empty()) {}
        found.push(start.elapsed());
        // Over several commits of the writer.
        std::thread::sleep(Duration::from_millis(pause.below(100) as u64));
    }
    let (p50, p95) = percentiles(found);
    println!("applied to found, {SAVES} saves over several commits: p50 {p50:.2} p95 {p95:.2} ms");
    feed.lexical.close();
}

/// A vector for each text that will come, known by what the model would read.
fn generate_vectors(dir: &Path, size: usize, zipf: &Zipf) {
    let mut store = Store::open(dir).unwrap();
    let (mut texts, mut numbers) = (Numbers(7), Numbers(11));
    for _ in 0..size {
        let (title, text) = (zipf.text(&mut texts, 40), zipf.text(&mut texts, 1_000));
        store.put(key(&format!("{title}\n{}", text.trim_end())), &unit(&mut numbers)).unwrap();
    }
}

fn unit(numbers: &mut Numbers) -> Vector {
    let raw: Vec<f32> = (0..DIMENSIONS).map(|_| numbers.unit() as f32 - 0.5).collect();
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    Vector::of(&raw.iter().map(|x| x / length).collect::<Vec<_>>()).unwrap()
}

/// Texts of some 200 pieces that the model reads for its rate.
const EMBEDDED: usize = 200;
/// Memories saved one at a time while nothing else is to be read.
const SAVED_IDLE: usize = 20;

/// The model: what loading it takes, how fast it reads, and how soon what is saved is found by its meaning.
fn model() {
    println!("\nthe model, texts of about 1 KiB");
    let mut numbers = Numbers(42);
    let zipf = Zipf::new(&mut numbers, 50_000);
    let dir = tempfile::tempdir().unwrap();
    let mut feed = Feed::open(dir.path());
    let before_mb = anonymous_mb();
    let ask = |feed: &Feed, query: &str| {
        let started = Instant::now();
        let answer = feed.answer(query, &Projects::All, 1, false, SearchMode::Vector).unwrap();
        (started.elapsed().as_secs_f64() * 1e3, answer)
    };
    let (first_ms, _) = ask(&feed, "the first question loads it");
    let (second_ms, _) = ask(&feed, "another question of six words");
    println!(
        "first question {first_ms:.1} ms, another {second_ms:.1} ms, {:.0} MB of anonymous memory more",
        anonymous_mb() - before_mb
    );
    let mut texts = Numbers(7);
    let mut new = |n: usize| memory(n, "_", &zipf.text(&mut texts, 40), &zipf.text(&mut texts, 1_000));
    feed.put((0..EMBEDDED).map(&mut new).collect());
    let started = Instant::now();
    feed.wait_for_vectors();
    let rate = EMBEDDED as f64 / started.elapsed().as_secs_f64();
    println!("backlog of {EMBEDDED} texts, one core: {rate:.1} texts/s");
    let mut found = Vec::new();
    for n in EMBEDDED..EMBEDDED + SAVED_IDLE {
        let saved = new(n);
        // The text itself is the question, its vector made before: nothing is nearer to it.
        let (id, question) = (saved.id, saved.content.clone());
        ask(&feed, &question);
        let started = Instant::now();
        feed.put(vec![saved]);
        while ask(&feed, &question)
            .1
            .results
            .first()
            .is_none_or(|hit| hit.id != id || hit.legs.vector.is_none())
        {
            std::thread::sleep(Duration::from_millis(2));
        }
        found.push(started.elapsed());
    }
    let (p50, p95) = percentiles(found);
    println!("saved to found by meaning, idle, {SAVED_IDLE} saves: p50 {p50:.0} p95 {p95:.0} ms");
    feed.lexical.close();
}

/// Every one of so many generated vectors held against a question, beside reading their bytes.
fn scan(size: u32) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let mut numbers = Numbers(5);
    for n in 0..size {
        store.put(u128::from(n + 1).to_le_bytes(), &unit(&mut numbers)).unwrap();
    }
    let started = Instant::now();
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    println!("\n{size} generated vectors: opened and checked in {:.2} s", started.elapsed().as_secs_f64());
    let records = store.records();
    let asked: Vec<Vector> = (0..20).map(|_| unit(&mut numbers)).collect();
    let (p50, p95) = timed(&asked, |asked| {
        let best = (0..size).filter_map(|slot| records.dot(slot, asked)).fold(f32::MIN, f32::max);
        assert!(best < 1.0);
    });
    println!("flat scan: p50 {p50:.1} p95 {p95:.1} ms");
    let bytes: Vec<u8> = vec![1; size as usize * 408];
    let (p50, _) = timed(&asked, |_| {
        assert!(
            bytes.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).fold(0, u64::wrapping_add) > 0
        );
    });
    println!("reading as many bytes of memory once: p50 {p50:.1} ms");
}

// Quality.

/// The least and the greatest of 95 % of resampled mean differences: above 0, the first is better whatever queries came.
fn paired(differences: &[f64]) -> (f64, f64) {
    let mut numbers = Numbers(1);
    let n = differences.len();
    let mut means: Vec<f64> =
        (0..2_000).map(|_| (0..n).map(|_| differences[numbers.below(n)]).sum::<f64>() / n as f64).collect();
    means.sort_by(f64::total_cmp);
    (means[50], means[1_949])
}

fn quality(folder: &Path) {
    let mut dirs: Vec<_> = fs::read_dir(folder).unwrap().map(|dir| dir.unwrap().path()).collect();
    dirs.retain(|dir| dir.join("docs.jsonl").is_file());
    dirs.sort();
    let mut means = [0.0; 2];
    for dir in &dirs {
        let Collection { docs, queries } = Collection::read(dir).unwrap();
        let temp = tempfile::tempdir().unwrap();
        let mut feed = Feed::open(temp.path());
        let db = Connection::open_in_memory().unwrap();
        let mut tables: BTreeMap<Option<&str>, String> = BTreeMap::new();
        for doc in &docs {
            let len = tables.len();
            tables.entry(doc.group.as_deref()).or_insert_with(|| {
                let table = format!("t{len}");
                db.execute_batch(&format!(
                    "CREATE VIRTUAL TABLE {table} USING fts5(title, body, tokenize='porter unicode61')"
                ))
                .unwrap();
                table
            });
        }
        for (start, docs) in docs.chunks(BATCH).enumerate() {
            let memories = docs.iter().enumerate().map(|(i, doc)| {
                let new = doc.memory();
                let project = new.project.unwrap_or_else(|| Project::slug("_"));
                memory(start * BATCH + i, project.as_str(), &doc.title, &new.content)
            });
            feed.put(memories.collect());
        }
        feed.wait_for_vectors();
        for (n, doc) in docs.iter().enumerate() {
            let table = &tables[&doc.group.as_deref()];
            let sql = format!("INSERT INTO {table}(rowid, title, body) VALUES (?1, ?2, ?3)");
            db.execute(&sql, rusqlite::params![n as i64, doc.title, doc.text]).unwrap();
        }
        let by_id: HashMap<Id, usize> = (0..docs.len()).map(|n| (id(n), n)).collect();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for query in &queries {
            let ids = feed.found(&query.text, &query.projects(), 100, false, SearchMode::Hybrid).unwrap();
            let fts = fts_ids(&db, &tables[&query.group.as_deref()], &fts_query(&query.text, false), 100);
            let name = |n: usize| docs[n].id.as_str();
            let ids: Vec<_> = ids.iter().map(|id| name(by_id[id])).collect();
            let fts: Vec<_> = fts.iter().map(|n| name(*n as usize)).collect();
            ours.push(judge(&ids, &query.relevant));
            theirs.push(judge(&fts, &query.relevant));
        }
        let count = queries.len() as f64;
        let mean = |scores: &[[f64; 3]], which: usize| scores.iter().map(|s| s[which]).sum::<f64>() / count;
        println!(
            "{:<12} NDCG@10 {:.4} (FTS5 {:.4}, {:.2}x)  recall@10 {:.3} ({:.3})  MRR {:.3} ({:.3})  {count} queries",
            dir.file_name().unwrap().to_string_lossy(),
            mean(&ours, 0),
            mean(&theirs, 0),
            mean(&ours, 0) / mean(&theirs, 0),
            mean(&ours, 1),
            mean(&theirs, 1),
            mean(&ours, 2),
            mean(&theirs, 2),
        );
        let differences: Vec<f64> =
            ours.iter().zip(&theirs).map(|(ours, theirs)| ours[0] - theirs[0]).collect();
        let (least, most) = paired(&differences);
        println!("             NDCG@10 over FTS5's, paired bootstrap, 95 %: {least:+.4} to {most:+.4}");
        means[0] += mean(&ours, 0);
        means[1] += mean(&theirs, 0);
        feed.lexical.close();
    }
    let n = dirs.len() as f64;
    println!("mean         NDCG@10 {:.4} (FTS5 {:.4})", means[0] / n, means[1] / n);
}
