//! A filtered reading beside the filter held against everything: whatever has become of the sidecars.

use proptest::prelude::*;

use super::*;
use crate::{
    door::Order,
    model::{Event, EventFilter, Projects},
    store::{
        scan::{Scan, Scanned},
        sidecar,
    },
};

pub(super) const SUBJECTS: [&str; 5] =
    ["a.memory.saved", "a.job.failed.nightly", "b.memory.saved", "_.hub.started", "b.job.started.nightly"];
pub(super) const PATTERNS: [&str; 5] = [">", "a.>", "*.memory.*", "b.job.started.nightly", "c.>"];
pub(super) const SEGMENT: u64 = 6 << 10;

/// What one event is made of: subject, time, severity, correlation, and how long its text is.
pub(super) type Seed = (usize, i64, usize, u8, usize);

pub(super) fn draft((subject, ms, severity, correlation, text): Seed) -> EventDraft {
    let subject = SUBJECTS[subject];
    EventDraft {
        id: Id::NIL,
        kind: subject.split('.').skip(1).take(2).collect::<Vec<_>>().join("."),
        subject: subject.parse().unwrap(),
        time: Time::from_unix_ms(ms),
        correlation_id: Id::from_bytes([correlation; 16]),
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::ALL[severity],
        sampled_rate: None,
        data: Map::from_iter([("title".to_owned(), "x".repeat(text).into())]),
    }
}

/// Appends commits of these events; answers them as they were placed.
pub(super) fn append(recovered: &mut Recovered, commits: &[Vec<Seed>]) -> Vec<Event> {
    let mut events = Vec::new();
    for commit in commits {
        let first = recovered.log.head().next().0;
        let placed = commit.iter().zip(first..).map(|(seed, n)| {
            // A few events of one moment, and never back.
            draft(*seed).placed(Sequence(n), Time::from_unix_ms(first as i64 / 7))
        });
        let entry = Entry { events: placed.collect(), changes: vec![], idempotency_key: None };
        events.extend(entry.events.clone());
        recovered.appender.append(&batch(vec![Arc::new(entry)])).unwrap();
    }
    events
}

/// What is asked, without the borrows.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) filter: EventFilter,
    pub(super) wall: Projects,
    pub(super) recorded: (Option<i64>, Option<i64>),
    pub(super) after: u64,
    pub(super) before: u64,
    pub(super) order: Order,
    pub(super) limit: usize,
    pub(super) looked_at_max: usize,
}

impl Question {
    pub(super) fn scan(&self) -> Scan<'_> {
        Scan {
            filter: &self.filter,
            wall: &self.wall,
            recorded_since: self.recorded.0.map(Time::from_unix_ms),
            recorded_until: self.recorded.1.map(Time::from_unix_ms),
            after: Sequence(self.after),
            before: Sequence(self.before),
            order: self.order,
            limit: self.limit,
            looked_at_max: self.looked_at_max,
        }
    }

    /// All pages, one after the other.
    pub(super) fn ask(&self, log: &Log) -> Vec<Event> {
        let mut scan = self.scan();
        let mut all = Vec::new();
        loop {
            let Scanned { events, next, .. } = log.scan(&scan).unwrap();
            assert!(events.len() <= scan.limit);
            all.extend(events);
            let Some(next) = next else { return all };
            let place = match scan.order {
                Order::Asc => &mut scan.after,
                Order::Desc => &mut scan.before,
            };
            assert_ne!(*place, next, "a page goes on");
            *place = next;
        }
    }

    pub(super) fn oracle(&self, all: &[Event]) -> Vec<Event> {
        let inside = |event: &&Event| event.sequence.0 > self.after && event.sequence.0 < self.before;
        let mut found: Vec<Event> =
            all.iter().filter(inside).filter(|event| self.scan().matches(event)).cloned().collect();
        if self.order == Order::Desc {
            found.reverse();
        }
        found
    }
}

pub(super) fn everything() -> Question {
    Question {
        filter: EventFilter::default(),
        wall: Projects::All,
        recorded: (None, None),
        after: 0,
        before: u64::MAX,
        order: Order::Asc,
        limit: usize::MAX,
        looked_at_max: usize::MAX,
    }
}

prop_compose! {
    pub(super) fn questions()(
        pattern in prop::option::of(prop::sample::select(PATTERNS.to_vec())),
        time in (prop::option::of(0i64..60), prop::option::of(0i64..60)),
        recorded in (prop::option::of(0i64..60), prop::option::of(0i64..60)),
        correlation in prop::option::of(0u8..9),
        severity in prop::option::of(prop::sample::select(Severity::ALL.to_vec())),
        walled in any::<bool>(),
        after in prop_oneof![4 => Just(0u64), 4 => 0u64..300, 1 => u64::MAX - 2..=u64::MAX],
        before in prop_oneof![Just(u64::MAX), 1u64..300],
        desc in any::<bool>(),
        limit in 1usize..40,
        looked_at_max in prop_oneof![Just(usize::MAX), 1usize..200],
    ) -> Question {
        Question {
            filter: EventFilter {
                patterns: pattern.iter().map(|pattern| pattern.parse().unwrap()).collect(),
                since: time.0.map(Time::from_unix_ms),
                until: time.1.map(Time::from_unix_ms),
                correlation: correlation.map(|n| Id::from_bytes([n; 16])),
                severity,
                ..EventFilter::default()
            },
            wall: if walled { Projects::Only(vec![crate::model::Project::slug("b")]) } else { Projects::All },
            recorded,
            after,
            before,
            order: if desc { Order::Desc } else { Order::Asc },
            limit,
            looked_at_max,
        }
    }
}

pub(super) fn commits() -> impl Strategy<Value = Vec<Vec<Seed>>> {
    let seed = (0..SUBJECTS.len(), 0i64..60, 0usize..3, 0u8..8, 0usize..400);
    prop::collection::vec(prop::collection::vec(seed, 1..5), 1..90)
}

/// What becomes of the sidecars before the log is opened again.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Kept,
    Deleted,
    Cut(usize),
    Flipped(usize),
    Exchanged,
}

fn fates() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Kept),
        Just(Fate::Deleted),
        (0usize..4_000).prop_map(Fate::Cut),
        (0usize..40_000).prop_map(Fate::Flipped),
        Just(Fate::Exchanged),
    ]
}

pub(super) fn sidecars(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir.join("sidecars")).into_iter().flatten();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn suffer(dir: &Path, fate: Fate) {
    let files = sidecars(dir);
    for (i, file) in files.iter().enumerate() {
        let mut bytes = fs::read(file).unwrap();
        match fate {
            Fate::Kept => continue,
            Fate::Deleted => {
                fs::remove_file(file).unwrap();
                continue;
            }
            Fate::Cut(len) => bytes.truncate(len % bytes.len()),
            Fate::Flipped(bit) => {
                let bit = bit % (bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            Fate::Exchanged if i + 1 < files.len() => bytes = fs::read(&files[i + 1]).unwrap(),
            Fate::Exchanged => continue,
        }
        fs::write(file, bytes).unwrap();
    }
}

/// Appends, rolls and closes, with the sidecars written as the store's thread writes them.
pub(super) fn filled(dir: &Path, commits: &[Vec<Seed>]) -> Vec<Event> {
    let mut recovered = open(dir, SEGMENT);
    let events = append(&mut recovered, commits);
    let Recovered { log, appender, closed, .. } = recovered;
    drop(appender);
    log.write_sidecars(&closed);
    events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_filtered_reading_is_the_filter_on_all(
        commits in commits(),
        more in commits(),
        questions in prop::collection::vec(questions(), 1..12),
        fate in fates(),
    ) {
        let dir = memory_dir();
        let mut events = filled(dir.path(), &commits);
        suffer(dir.path(), fate);
        // The first half only in files, the second in memory too.
        let mut recovered = open(dir.path(), SEGMENT);
        for question in &questions {
            prop_assert_eq!(question.ask(&recovered.log), question.oracle(&events), "{:?}", question);
        }
        events.extend(append(&mut recovered, &more));
        for question in &questions {
            prop_assert_eq!(question.ask(&recovered.log), question.oracle(&events), "{:?}", question);
        }
        let again = open(dir.path(), SEGMENT);
        for question in &questions {
            prop_assert_eq!(question.ask(&again.log), question.oracle(&events), "{:?}", question);
        }
    }
}

/// Commits enough for a few segments, each event unlike the one before.
pub(super) fn many(count: usize) -> Vec<Vec<Seed>> {
    (0..count).map(|n| vec![(n % SUBJECTS.len(), n as i64 / 4, n % 3, (n % 8) as u8, 100)]).collect()
}

#[test]
fn a_sidecar_flipped_at_any_byte_is_made_anew_and_changes_no_answer() {
    let dir = memory_dir();
    let events = filled(dir.path(), &many(60));
    let file = sidecars(dir.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    let question = Question {
        filter: EventFilter {
            patterns: vec!["a.>".parse().unwrap()],
            since: Some(Time::from_unix_ms(3)),
            until: Some(Time::from_unix_ms(9)),
            ..EventFilter::default()
        },
        ..everything()
    };
    let expected = question.oracle(&events);
    assert!(expected.len() > 5);
    for byte in 0..whole.len() {
        let mut hurt = whole.clone();
        hurt[byte] ^= 1 << (byte % 8);
        fs::write(&file, hurt).unwrap();
        assert_eq!(question.ask(&open(dir.path(), SEGMENT).log), expected, "byte {byte}");
        assert_eq!(fs::read(&file).unwrap(), whole, "byte {byte}: it was made anew");
    }
}

#[test]
fn what_is_no_sidecar_of_a_segment_is_cleared_away() {
    let dir = memory_dir();
    filled(dir.path(), &many(60));
    let kept = sidecars(dir.path());
    assert!(kept.len() > 1, "it rolled");
    for left in ["0000000001.idx.tmp", "0000000099.idx", "0000000099.idx.tmp"] {
        fs::write(dir.path().join("sidecars").join(left), "unfinished").unwrap();
    }
    open(dir.path(), SEGMENT);
    assert_eq!(sidecars(dir.path()), kept);
}

/// Counts the bytes that are read from segments.
#[derive(Default, Clone)]
struct Counting {
    bytes: Arc<std::sync::atomic::AtomicU64>,
}

struct CountingFile {
    file: Box<dyn crate::store::disk::DiskFile>,
    bytes: Arc<std::sync::atomic::AtomicU64>,
}

impl Disk for Counting {
    fn open(&self, path: &Path, create: bool) -> io::Result<Box<dyn crate::store::disk::DiskFile>> {
        let file = RealDisk.open(path, create)?;
        Ok(Box::new(CountingFile { file, bytes: self.bytes.clone() }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }
}

impl crate::store::disk::DiskFile for CountingFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.file.read_at(bytes, offset)?;
        self.bytes.fetch_add(read as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(read)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}

#[test]
fn a_page_reads_its_blocks_and_nothing_else_in_either_direction() {
    const WIDE: u64 = 1 << 20;
    let dir = memory_dir();
    let mut recovered = open(dir.path(), WIDE);
    // One rare event early, one late, in three segments of other ones.
    let mut seeds: Vec<Seed> = (0..9_000).map(|n| (0, n, 0, 1, 200)).collect();
    for rare in [2_000, 2_001, 7_000] {
        seeds[rare].0 = 3;
    }
    for chunk in seeds.chunks(50) {
        append(&mut recovered, &chunk.iter().map(|seed| vec![*seed]).collect::<Vec<_>>());
    }
    let Recovered { log, appender, closed, .. } = recovered;
    drop(appender);
    log.write_sidecars(&closed);
    assert!(log.segments().len() > 3);
    drop(log);

    let disk = Counting::default();
    let fresh = LogId(uuid::Uuid::from_u128(5));
    let Recovered { log, .. } = recover(
        dir.path(),
        &dir.path().join("sidecars"),
        Arc::new(disk.clone()),
        WIDE,
        fresh,
        Box::new(|| 7),
    )
    .unwrap();
    let opened = disk.bytes.load(std::sync::atomic::Ordering::Relaxed);
    let rare = EventFilter { patterns: vec!["_.hub.started".parse().unwrap()], ..EventFilter::default() };
    let numbers = |question: &Question| question.ask(&log).iter().map(|e| e.sequence.0).collect::<Vec<_>>();
    for (order, expected) in [(Order::Asc, [2_001, 2_002, 7_001]), (Order::Desc, [7_001, 2_002, 2_001])] {
        let before = disk.bytes.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(numbers(&Question { filter: rare.clone(), order, ..everything() }), expected);
        let read = disk.bytes.load(std::sync::atomic::Ordering::Relaxed) - before;
        assert!(read < 4 * (64 << 10), "{order:?}: {read} bytes for three events");
        // A page out of the middle, backwards or forwards.
        let before = disk.bytes.load(std::sync::atomic::Ordering::Relaxed);
        let (after, until) = if order == Order::Asc { (4_000, u64::MAX) } else { (0, 4_000) };
        let page = Question { after, before: until, order, limit: 10, ..everything() };
        assert_eq!(log.scan(&page.scan()).unwrap().events.len(), 10);
        let read = disk.bytes.load(std::sync::atomic::Ordering::Relaxed) - before;
        assert!(read < 3 * (64 << 10), "{order:?}: {read} bytes for a page");
    }
    assert!(opened < 2 * WIDE, "opening reads the last segment only");
}

#[test]
fn a_segment_with_damage_is_never_passed_over() {
    let dir = memory_dir();
    let events = filled(dir.path(), &many(60));
    let segment = the_segment(dir.path());
    let whole = fs::read(&segment).unwrap();
    let rare = Question {
        filter: EventFilter { patterns: vec!["c.>".parse().unwrap()], ..EventFilter::default() },
        ..everything()
    };
    let mut hurt = whole.clone();
    hurt[whole.len() / 2] ^= 1;
    fs::write(&segment, hurt).unwrap();
    let written = sidecars(dir.path()).remove(0);
    fs::remove_file(&written).unwrap();
    let Recovered { log, .. } = open(dir.path(), SEGMENT);
    assert_eq!(rare.ask(&log), []);
    let told: Vec<_> = log.take_hurts().iter().map(|note| note.kind).collect();
    assert_eq!(told, ["hub.damaged"], "a question that looks there is told");
    assert!(!written.exists(), "what was learned of a damaged file is not kept");
    // The file came back whole: everything is found again.
    fs::write(&segment, whole).unwrap();
    let all = everything();
    assert_eq!(all.ask(&open(dir.path(), SEGMENT).log), all.oracle(&events));
}

#[test]
fn a_sidecar_that_says_something_else_is_found_out_by_who_reads_everything() {
    let dir = memory_dir();
    filled(dir.path(), &many(60));
    let Recovered { log, .. } = open(dir.path(), SEGMENT);
    let segments = log.segments();
    let read = segments[0].outlined().unwrap();
    assert!(log.check_sidecar(&segments[0], &read));
    // Whole by its checksums, and of another segment's events.
    let other = segments[1].outlined().unwrap();
    let file = sidecars(dir.path()).remove(0);
    fs::write(&file, sidecar::encode(sidecar::Identity::of(&segments[0]), &other).unwrap()).unwrap();
    assert!(!log.check_sidecar(&segments[0], &read));
    assert!(!file.exists());
    assert!(log.check_sidecar(&segments[0], &read), "none is not a wrong one");
}
