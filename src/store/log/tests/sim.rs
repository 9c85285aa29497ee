//! The log and its cleaner on a disk that fails, and in a process that ends, at any call: by thousands of seeds, against
//! a plain list of what was acknowledged and of what of it was taken.
//!
//! `WHEELHOUSE_SIM_SEEDS` runs more of them, `WHEELHOUSE_SIM_SEED` begins there; alone it runs that one again.

mod disk;

use std::{
    collections::BTreeMap,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
};

use self::disk::{Contents, End, Lies, Numbers, SimDisk};
use super::{
    scan::{PATTERNS, Question, SUBJECTS, draft, everything},
    *,
};
use crate::{
    door::Order,
    model::{Class, Event, EventFilter, Projects},
    store::frame::Gone,
};

const SEEDS: u64 = 1_500;
/// Of those that seek one moment, whose lives are short.
const SOUGHT_SEEDS: u64 = 600;
/// Seeds of a control; a simulation that finds nothing in so many has not been tested.
const CONTROL_SEEDS: u64 = 100;
/// What one seed does.
const STEPS: usize = 40;
const BATCH_ENTRIES_MAX: usize = 8;
/// Rolls every few batches.
const SEGMENT_BYTES: u64 = 3 << 10;
/// One seed of so many has segments so large that room is made ahead in them.
const ROOMY_EVERY: u64 = 400;
const ROOMY_SEGMENT_BYTES: u64 = 4 << 20;
/// Of a hundred calls so many fail, while any do.
const FAULT_PERCENT: usize = 15;
/// A process ends within so many calls.
const CALLS_TO_END: usize = 14;
const CUT_STARTS_PERCENT: usize = 25;
const STARTS_MAX: usize = 50;
/// One start of so many is read from the beginning, of the others the last so many entries.
const WHOLE_EVERY: usize = 5;
const ENTRIES_JUDGED: usize = 12;
/// And one of so many is asked.
const QUESTION_EVERY: usize = 4;

/// How often something happened.
type Tally = BTreeMap<&'static str, usize>;

/// An open log.
struct Live {
    log: Arc<Log>,
    appender: Appender,
    closed: mpsc::Receiver<sidecars::Closed>,
}

/// An entry that was acknowledged, or shown after a start.
#[derive(Debug, Clone, PartialEq)]
struct Slot {
    entry: Arc<Entry>,
    /// The cleaner took it.
    gone: bool,
}

/// What must be true, said without a log.
#[derive(Default)]
struct Oracle {
    /// For good, but for the cleaner.
    kept: Vec<Slot>,
    /// A run of the cleaner that did not come to its end: from this slot on these may be there instead.
    cleaned: Option<(usize, Vec<Slot>)>,
    /// Batches of which nobody was told how they went: the first entries of one of them may be there.
    perhaps: Vec<Vec<Arc<Entry>>>,
    log_id: Option<LogId>,
}

struct Sim {
    numbers: Numbers,
    disk: SimDisk,
    dir: PathBuf,
    sidecars: PathBuf,
    segment_bytes: u64,
    /// Of a hundred starts so many are cut off.
    cut_starts_percent: usize,
    oracle: Oracle,
    /// What ends the process that runs, once the disk says that it has.
    end: End,
    /// Entries made so far: each is unlike every other.
    made: u64,
    tally: Tally,
    /// For who looks into a failure.
    steps: Vec<String>,
}

impl Sim {
    fn new(seed: u64, lies: Lies, sidecars: &Path) -> Sim {
        let mut numbers = Numbers::of(seed);
        let roomy = seed.is_multiple_of(ROOMY_EVERY);
        Sim {
            disk: SimDisk::new(Numbers::of(seed ^ (1 << 40)), lies),
            dir: PathBuf::from("/log"),
            sidecars: sidecars.to_owned(),
            segment_bytes: if roomy {
                ROOMY_SEGMENT_BYTES
            } else {
                SEGMENT_BYTES + numbers.below(4_096) as u64
            },
            numbers,
            cut_starts_percent: CUT_STARTS_PERCENT,
            oracle: Oracle::default(),
            end: End::Kill,
            made: 0,
            tally: Tally::new(),
            steps: Vec::new(),
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
        self.steps.push(what.to_owned());
    }

    fn run(&mut self) -> Result<(), String> {
        let mut live = self.start(None)?;
        for _ in 0..STEPS {
            match self.numbers.below(100) {
                0..50 => self.append(&mut live)?,
                50..60 => self.read(&live)?,
                60..65 => self.clean(&live)?,
                65..70 => drop(live.appender.probe()),
                70..76 => self.disk.set_faults(FAULT_PERCENT),
                76..82 => self.disk.set_faults(0),
                82..87 => live = self.close(live)?,
                _ => self.end_soon(),
            }
            if self.disk.has_ended() {
                live = self.start(Some(live))?;
            }
        }
        // Whatever happened, a sound disk is enough.
        self.disk.set_faults(0);
        self.end = End::PowerCut;
        let live = self.start(Some(live))?;
        let all = live.log.read(Sequence::ZERO, usize::MAX).map_err(|error| format!("reading: {error}"))?;
        self.oracle.take(0, &all)
    }

    /// The power goes in every append.
    fn run_torn(&mut self) -> Result<(), String> {
        let mut live = self.start(None)?;
        for _ in 0..STEPS / 4 {
            self.end = End::PowerCut;
            self.disk.end_in(self.numbers.below(4));
            self.append(&mut live)?;
            live = self.start(Some(live))?;
        }
        Ok(())
    }

    /// A process ends in every run of the cleaner, and soon after in the next start.
    fn run_cleaned(&mut self) -> Result<(), String> {
        self.segment_bytes = SEGMENT_BYTES;
        let mut live = self.start(None)?;
        while live.log.segments().len() < 4 {
            self.append(&mut live)?;
            if self.disk.has_ended() {
                live = self.start(Some(live))?;
            }
        }
        self.cut_starts_percent = 90;
        for _ in 0..STEPS / 8 {
            self.end_soon();
            self.clean(&live)?;
            live = self.start(Some(live))?;
        }
        Ok(())
    }

    fn end_soon(&mut self) {
        self.end = if self.numbers.below(3) == 0 { End::Kill } else { End::PowerCut };
        let calls = self.numbers.below(CALLS_TO_END);
        self.disk.end_in(calls);
        self.steps.push(format!("{:?} in {calls} calls", self.end));
    }

    // --- writing -----------------------------------------------------------------------------------------------------

    fn batch(&mut self, first: Sequence) -> Vec<Arc<Entry>> {
        let mut next = first;
        let entries = 1 + self.numbers.below(BATCH_ENTRIES_MAX);
        (0..entries)
            .map(|_| {
                self.made += 1;
                let text = [30, 200, 1_500][self.numbers.below(3)];
                let seed = (
                    self.numbers.below(SUBJECTS.len()),
                    self.numbers.below(60) as i64,
                    self.numbers.below(3),
                    self.numbers.below(8) as u8,
                    self.numbers.below(text),
                );
                let mut draft = draft(seed);
                draft.data.insert("made".to_owned(), self.made.into());
                let count = 1 + self.numbers.below(2) as u64;
                let events = (next.0..next.0 + count).map(|n| {
                    // A few events of one moment, and never back.
                    draft.clone().placed(Sequence(n), Time::from_unix_ms(next.0 as i64 / 7))
                });
                let events: Vec<_> = events.collect();
                next = Sequence(next.0 + count);
                Arc::new(Entry { events, changes: vec![], idempotency_key: None })
            })
            .collect()
    }

    fn append(&mut self, live: &mut Live) -> Result<(), String> {
        let next = self.oracle.next();
        if live.appender.next() != next {
            return Err(format!("the next number is {}, not {next}", live.appender.next()));
        }
        let entries = self.batch(next);
        let appended = live.appender.append(&batch(entries.clone()));
        match appended {
            Ok(()) => {
                self.count("acknowledged");
                self.oracle.keep(&entries);
                self.oracle.perhaps.clear();
            }
            // Nobody heard the answer.
            Err(_) if self.disk.has_ended() => {
                self.count("unheard");
                self.oracle.perhaps.push(entries);
            }
            Err(AppendError::Refused(_)) => self.count("refused"),
            Err(AppendError::Unknown(_)) => {
                self.count("unknown");
                self.oracle.perhaps = vec![entries];
            }
        }
        Ok(())
    }

    /// Writes a few closed segments anew, as the cleaner does.
    fn clean(&mut self, live: &Live) -> Result<(), String> {
        let segments = live.log.segments();
        // Of one unfinished run at a time it is known what may be there.
        if segments.len() < 2 || self.oracle.cleaned.is_some() {
            return Ok(());
        }
        // The moments that matter are few: they are sought.
        if self.numbers.below(2) == 0 {
            self.end_soon();
        }
        let from = self.numbers.below(segments.len() - 1);
        let to = segments.len().min(from + 2 + self.numbers.below(3)) - 1;
        let kept = &self.oracle.kept;
        let slot =
            |segment: usize| kept.partition_point(|slot| slot.entry.first() < segments[segment].header.first);
        let (slot, mut slots) = (slot(from), kept[slot(from)..slot(to)].to_vec());
        for slot in slots.iter_mut().filter(|slot| !slot.gone) {
            match self.numbers.below(8) {
                0 | 1 => slot.gone = true,
                2 => Arc::make_mut(&mut slot.entry).events.iter_mut().for_each(|event| event.data.clear()),
                _ => {}
            }
        }
        let mut unlike = None;
        let cleaned = live.log.rewrite(
            &segments[from..to],
            self.numbers.below(1 << 30) as u64,
            &mut |entry| match slots.iter().find(|slot| slot.entry.first() == entry.first()) {
                Some(slot) if slot.gone => Verdict::Drop(Class::Ops),
                Some(slot) if *slot.entry == *entry => Verdict::Keep,
                Some(slot) => Verdict::Instead((*slot.entry).clone()),
                None => {
                    unlike = Some(entry.clone());
                    Verdict::Keep
                }
            },
        );
        if let Some(entry) = unlike {
            return Err(format!("the cleaner came upon {}", brief([&Arc::new(entry)])));
        }
        self.count(if cleaned.is_ok() { "cleaned" } else { "cleaned in part" });
        // Who follows the log may be shown for a while what is gone; here that would not be told from a loss.
        live.log.forget_tail();
        self.oracle.cleaned = Some((slot, slots));
        if cleaned.is_ok() {
            self.oracle.take_cleaned();
        }
        Ok(())
    }

    fn close(&mut self, mut live: Live) -> Result<Live, String> {
        if live.appender.close().is_ok() {
            self.count("closed");
        }
        if !self.disk.has_ended() {
            self.end = [End::Kill, End::PowerCut][self.numbers.below(2)];
        }
        self.start(Some(live))
    }

    // --- beginning ---------------------------------------------------------------------------------------------------

    /// Recovers what the last process left, and holds it against the oracle. A start may fail or be cut off too.
    fn start(&mut self, last: Option<Live>) -> Result<Live, String> {
        if let Some(last) = last {
            self.leave(last);
        }
        self.disk.begin(self.end);
        for _ in 0..STARTS_MAX {
            self.count(match self.end {
                End::Kill => "start after a kill",
                End::PowerCut => "start after a power cut",
            });
            if self.numbers.percent(self.cut_starts_percent) {
                self.end_soon();
            }
            let before = self.disk.contents();
            match self.recover() {
                Ok(recovered) => {
                    if self.disk.has_ended() {
                        // It was about to be shown.
                        self.count("start cut off");
                        self.disk.begin(self.end);
                        continue;
                    }
                    return self.judge(&before, recovered);
                }
                Err(LogError::Io { .. }) if self.disk.has_ended() => {
                    self.count("start cut off");
                    self.disk.begin(self.end);
                }
                Err(LogError::Io { .. }) => {
                    self.count("start failed");
                    self.disk.set_faults(0);
                    self.end = End::Kill;
                    self.disk.begin(self.end);
                }
                Err(error) => return Err(format!("it does not open: {error}")),
            }
        }
        Err(format!("{STARTS_MAX} starts came to nothing"))
    }

    fn recover(&mut self) -> Result<Recovered, LogError> {
        let mut salts = Numbers::of(self.numbers.below(1 << 30) as u64);
        let salt = Box::new(move || ((salts.below(1 << 31) as u64) << 31) | salts.below(1 << 31) as u64);
        self.made += 1;
        let fresh = LogId(uuid::Uuid::from_u128(self.made.into()));
        recover(&self.dir, &self.sidecars, Arc::new(self.disk.clone()), self.segment_bytes, fresh, salt)
    }

    /// Of the sidecars some were written, and some of those did not last.
    fn leave(&mut self, last: Live) {
        let Live { log, appender, closed } = last;
        drop(appender);
        if self.numbers.below(2) == 0 {
            log.write_sidecars(&closed);
        }
        if self.numbers.below(4) == 0
            && let Ok(files) = fs::read_dir(&self.sidecars)
        {
            for file in files {
                if self.numbers.below(2) == 0 {
                    fs::remove_file(file.unwrap().path()).unwrap();
                }
            }
        }
    }

    fn judge(&mut self, before: &Contents, recovered: Recovered) -> Result<Live, String> {
        let Recovered { log, appender, notes, recorded_at, closed } = recovered;
        let faults = self.disk.suspend();
        // Most starts are judged by the end of what they show: reading all of it is most of the time there is.
        let unread = match self.numbers.below(WHOLE_EVERY) {
            0 => 0,
            _ if self.oracle.cleaned.is_some() => 0,
            _ => self.oracle.kept.len().saturating_sub(ENTRIES_JUDGED),
        };
        let after = unread.checked_sub(1).map_or(Sequence::ZERO, |last| self.oracle.kept[last].entry.last());
        let found = log.read(after, usize::MAX).map_err(|error| format!("reading: {error}"))?;
        self.oracle.take(unread, &found)?;
        self.why_gone(&log)?;
        self.notes(before, &log, &notes)?;
        if self.numbers.below(QUESTION_EVERY) == 0 {
            self.question(&log)?;
        }
        let last = self.oracle.kept.last().map_or(Time::default(), |last| last.entry.recorded_at());
        if recorded_at > last || log.cursor(log.head()).epoch != 1 {
            return Err(format!(
                "{recorded_at:?} after {last:?}, or another epoch: {:?}",
                log.cursor(log.head())
            ));
        }
        if log.head().next() != self.oracle.next() {
            return Err(format!(
                "the log ends at {}, and its last entry is {}",
                log.head(),
                brief(found.last())
            ));
        }
        if !found.is_empty() && *self.oracle.log_id.get_or_insert(log.id) != log.id {
            return Err("it is another log".to_owned());
        }
        self.disk.resume(faults);
        Ok(Live { log, appender, closed })
    }

    /// What is cut off is told, and nothing else is.
    fn notes(&mut self, before: &Contents, log: &Log, notes: &[Note]) -> Result<(), String> {
        let segments = log.segments();
        let open = segments.last().ok_or("no segment")?;
        let len = self.disk.contents().get(&open.path).map_or(0, Vec::len);
        if (len as u64) < open.len {
            return Err(format!("the open segment has {len} bytes, and {} count", open.len));
        }
        let left =
            before.get(&open.path).and_then(|content| content.get(open.len as usize..)).unwrap_or_default();
        let torn = left.iter().any(|byte| *byte != 0);
        let expected = torn.then(|| (open.name(), open.len, left.len() as u64));
        let told: Option<Vec<_>> = notes
            .iter()
            .map(|note| {
                (note.kind == "hub.truncated").then(|| {
                    let number = |name: &str| note.data[name].as_u64().unwrap_or_default();
                    (
                        note.data["file"].as_str().unwrap_or_default().to_owned(),
                        number("offset"),
                        number("bytes"),
                    )
                })
            })
            .collect();
        if torn {
            self.count("truncated");
        }
        match told {
            Some(told) if told == Vec::from_iter(expected.clone()) => Ok(()),
            _ => Err(format!("told: {notes:?}, cut off: {expected:?}")),
        }
    }

    // --- reading -----------------------------------------------------------------------------------------------------

    fn read(&mut self, live: &Live) -> Result<(), String> {
        if self.oracle.cleaned.is_some() {
            return Ok(());
        }
        let log = &live.log;
        let numbers = &mut self.numbers;
        let place = Sequence(numbers.below(self.oracle.next().0 as usize + 2) as u64);
        let events = 1 + numbers.below(20);
        let kept: Vec<_> = self.oracle.seen().collect();
        let after = kept.iter().filter(|entry| entry.last() > place);
        let before = kept.iter().rev().filter(|entry| entry.first() < place);
        let at = kept.iter().filter(|entry| entry.first() == place);
        // While reads fail, a reader is told; what is answered is right.
        let answers = [
            ("after", log.read(place, events).ok(), enough(after, events)),
            ("before", log.read_back(place, events).ok(), enough(before, events)),
            ("at", log.entry_at(place).ok().map(Vec::from_iter), enough(at, 1)),
        ];
        for (what, answer, expected) in answers {
            if answer.as_ref().is_some_and(|answer| *answer != expected) {
                let answer = answer.map(|answer| brief(&answer));
                return Err(format!("{what} {place}, {events} events: {answer:?}, not {}", brief(&expected)));
            }
        }
        Ok(())
    }

    /// Of a number that nothing bears, the log knows why.
    fn why_gone(&mut self, log: &Log) -> Result<(), String> {
        let kept = &self.oracle.kept;
        let Some(slot) = kept.get(self.numbers.below(kept.len() + 1)) else { return Ok(()) };
        let why = log.why_gone(&[slot.entry.last()]).map_err(|error| format!("why: {error}"))?[0];
        match why == slot.gone.then_some(Gone::Cleaned { class: Class::Ops }) {
            true => Ok(()),
            false => Err(format!("{} (gone: {}): gone because of {why:?}", brief([&slot.entry]), slot.gone)),
        }
    }

    /// A page through the sidecars is the filter on everything.
    fn question(&mut self, log: &Log) -> Result<(), String> {
        let numbers = &mut self.numbers;
        let last = self.oracle.next().0;
        let pattern = PATTERNS[numbers.below(PATTERNS.len())];
        let question = Question {
            filter: EventFilter {
                patterns: vec![pattern.parse().map_err(|error| format!("{error:?}"))?],
                since: (numbers.below(3) == 0).then(|| Time::from_unix_ms(numbers.below(60) as i64)),
                correlation: (numbers.below(3) == 0).then(|| Id::from_bytes([numbers.below(9) as u8; 16])),
                ..EventFilter::default()
            },
            wall: if numbers.below(3) == 0 {
                Projects::Only(vec![crate::model::Project::slug("b")])
            } else {
                Projects::All
            },
            after: numbers.below(last as usize) as u64 / 2,
            before: if numbers.below(2) == 0 { u64::MAX } else { numbers.below(last as usize + 3) as u64 },
            order: [Order::Asc, Order::Desc][numbers.below(2)],
            limit: 1 + numbers.below(30),
            ..everything()
        };
        let all: Vec<Event> = self.oracle.seen().flat_map(|entry| entry.events.clone()).collect();
        let mut expected = question.oracle(&all);
        expected.truncate(question.limit);
        let answer = log.scan(&question.scan()).map_err(|error| format!("a question: {error}"))?;
        if answer.events != expected {
            let numbers = |events: &[Event]| events.iter().map(|event| event.sequence.0).collect::<Vec<_>>();
            let (found, expected) = (numbers(&answer.events), numbers(&expected));
            return Err(format!("{question:?}: {found:?}, expected {expected:?}"));
        }
        Ok(())
    }
}

/// Of these, the first that hold so many events.
fn enough<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>, events: usize) -> Vec<Arc<Entry>> {
    let before = |held: &mut usize, entry: &'a Arc<Entry>| {
        let before = *held;
        *held += entry.events.len();
        (before < events).then(|| entry.clone())
    };
    entries.scan(0, before).collect()
}

/// Where they stand and which they are.
fn brief<'a>(entries: impl IntoIterator<Item = &'a Arc<Entry>>) -> String {
    let one = |entry: &Arc<Entry>| {
        let made = entry.events.first().and_then(|event| event.data.get("made"));
        format!("{}-{}: {}", entry.first(), entry.last(), made.cloned().unwrap_or_default())
    };
    let all: Vec<_> = entries.into_iter().map(one).collect();
    format!("[{}]", all.join(", "))
}

impl Oracle {
    fn next(&self) -> Sequence {
        self.kept.last().map_or(Sequence(1), |last| last.entry.last().next())
    }

    /// What a reader finds.
    fn seen(&self) -> impl Iterator<Item = Arc<Entry>> + '_ {
        self.kept.iter().filter(|slot| !slot.gone).map(|slot| slot.entry.clone())
    }

    fn keep(&mut self, entries: &[Arc<Entry>]) {
        self.kept.extend(entries.iter().map(|entry| Slot { entry: entry.clone(), gone: false }));
    }

    /// The cleaner came to its end.
    fn take_cleaned(&mut self) {
        if let Some((slot, slots)) = self.cleaned.take() {
            self.kept.splice(slot..slot + slots.len(), slots);
        }
    }

    /// Holds what a start shows, but for so many slots that were not read, against what was acknowledged. What it shows
    /// of the rest is from now on there for good.
    fn take(&mut self, unread: usize, found: &[Arc<Entry>]) -> Result<(), String> {
        let as_it_was = self.compare(unread, found);
        if as_it_was.is_err() && self.cleaned.is_some() {
            self.take_cleaned();
        } else {
            self.cleaned = None;
            as_it_was?;
        }
        let rest = self.compare(unread, found)?;
        if !rest.is_empty() && !self.perhaps.iter().any(|batch| batch.starts_with(rest)) {
            return Err(format!("never acknowledged, or refused: {}", brief(rest)));
        }
        self.keep(rest);
        self.perhaps.clear();
        Ok(())
    }

    /// What was found beyond all that was acknowledged.
    fn compare<'a>(&self, unread: usize, found: &'a [Arc<Entry>]) -> Result<&'a [Arc<Entry>], String> {
        let mut found = found.iter();
        for (i, slot) in self.kept.iter().enumerate().skip(unread).filter(|(_, slot)| !slot.gone) {
            let found = found.next();
            if found != Some(&slot.entry) {
                let count = self.kept.len();
                return Err(format!(
                    "entry {i} of {count}, acknowledged: {:?}, found: {found:?}",
                    slot.entry
                ));
            }
        }
        Ok(found.as_slice())
    }
}

// --- the seeds -------------------------------------------------------------------------------------------------------

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// What is done to a log.
type Life = fn(&mut Sim) -> Result<(), String>;

/// Runs these seeds, some in each of a few threads; answers what happened and what was found wrong, by seed.
fn run(seeds: Range<u64>, lies: Lies, life: Life) -> (Tally, BTreeMap<u64, String>) {
    let next = AtomicU64::new(seeds.start);
    let all = Mutex::new((Tally::new(), BTreeMap::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let place = memory_dir();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let mut sim = Sim::new(seed, lies, &place.path().join(seed.to_string()));
                    let ran = catch_unwind(AssertUnwindSafe(|| life(&mut sim)));
                    let mut all = sound(all.lock());
                    for (what, count) in sim.tally {
                        *all.0.entry(what).or_default() += count;
                    }
                    let wrong = ran.unwrap_or_else(|_| Err("it panicked".to_owned())).err();
                    all.1.extend(
                        wrong.map(|wrong| (seed, format!("{wrong}\n  after: {}", sim.steps.join(", ")))),
                    );
                }
            });
        }
    });
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Runs so many seeds, or those that the environment names; each has to find nothing.
fn hold(count: u64, life: Life) -> Tally {
    let (first, count) = match (number("WHEELHOUSE_SIM_SEED"), number("WHEELHOUSE_SIM_SEEDS")) {
        (Some(seed), count) => (seed, count.unwrap_or(1)),
        (None, more) => (u64::from(std::process::id()) << 20, more.unwrap_or(count)),
    };
    let (tally, wrong) = run(first..first + count, Lies::default(), life);
    println!("{count} seeds from {first}: {tally:?}");
    let told: Vec<_> =
        wrong.iter().take(3).map(|(seed, wrong)| format!("WHEELHOUSE_SIM_SEED={seed}: {wrong}")).collect();
    assert!(wrong.is_empty(), "{} of {count} seeds found something:\n{}", wrong.len(), told.join("\n"));
    tally
}

#[test]
fn no_seed_loses_what_was_acknowledged_or_brings_back_what_was_refused() {
    let tally = hold(SEEDS, Sim::run);
    let all = [
        "acknowledged",
        "unheard",
        "refused",
        "unknown",
        "closed",
        "truncated",
        "start cut off",
        "start failed",
        "cleaned",
        "cleaned in part",
    ];
    if number("WHEELHOUSE_SIM_SEED").is_none() {
        for what in all {
            assert!(tally.contains_key(what), "{what} happens: {tally:?}");
        }
    }
}

#[test]
fn what_was_torn_does_not_come_back_beside_what_was_written_instead() {
    hold(SOUGHT_SEEDS, Sim::run_torn);
}

#[test]
fn a_cleaner_that_was_cut_off_leaves_the_old_or_the_new() {
    hold(SOUGHT_SEEDS, Sim::run_cleaned);
}

#[test]
fn a_disk_that_lies_is_found_out() {
    for lies in [Lies { sync: true, sync_dir: false }, Lies { sync: false, sync_dir: true }] {
        let (_, wrong) = run(0..CONTROL_SEEDS, lies, Sim::run);
        println!("{lies:?}: {} of {CONTROL_SEEDS} seeds found it", wrong.len());
        assert!(!wrong.is_empty(), "{lies:?}");
    }
}
