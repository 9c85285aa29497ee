//! Closed segments written anew: what stays is what was, what went is told, and a crash leaves one or the other.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{
    scan::{Question, SEGMENT, commits, everything, filled, many, questions, sidecars},
    *,
};
use crate::{
    door::Order,
    model::{Class, Event, EventFilter, Projects},
    store::{frame::Gone, log::Verdict, scan::Scan},
};

fn rewritten(log: &Log, segments: &[Segment], salt: u64, drop: &BTreeSet<u64>) {
    log.rewrite(segments, salt, &mut |entry| match drop.contains(&entry.first().0) {
        true => Verdict::Drop(Class::Ops),
        false => Verdict::Keep,
    })
    .unwrap();
}

/// All pages of all questions say what the filter says of what is left, newest first and oldest first.
fn agree(log: &Log, questions: &[Question], left: &[Event]) -> Result<(), TestCaseError> {
    for question in questions {
        prop_assert_eq!(question.ask(log), question.oracle(left), "{:?}", question);
    }
    let whole: Vec<_> = log.read(Sequence::ZERO, usize::MAX).unwrap();
    let whole: Vec<Event> = whole.iter().flat_map(|entry| entry.events.clone()).collect();
    prop_assert_eq!(&whole, left);
    let mut back: Vec<_> = log.read_back(log.head().next(), usize::MAX).unwrap();
    back.reverse();
    let back: Vec<Event> = back.iter().flat_map(|entry| entry.events.clone()).collect();
    prop_assert_eq!(&back, left);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_is_found_as_before_and_what_is_not_is_gone(
        commits in commits(),
        questions in prop::collection::vec(questions(), 1..8),
        dropped in prop::collection::btree_set(0usize..90, 0..60),
        together in 1usize..4,
        twice in any::<bool>(),
    ) {
        let dir = memory_dir();
        let mut left = filled(dir.path(), &commits);
        let Recovered { log, .. } = open(dir.path(), SEGMENT);
        let closed = log.closed();
        let end = closed.last().map_or(0, |_| log.open_segment().0.header.first.0);
        let mut first = 1;
        let mut gone = BTreeSet::new();
        for (i, commit) in commits.iter().enumerate() {
            let next = first + commit.len() as u64;
            if dropped.contains(&i) && first < end {
                gone.insert(first);
                left.retain(|event| !(first..next).contains(&event.sequence.0));
            }
            first = next;
        }
        for (i, group) in closed.chunks(together).enumerate() {
            rewritten(&log, group, 1_000 + i as u64, &gone);
        }
        if twice {
            for (i, segment) in log.closed().into_iter().enumerate() {
                rewritten(&log, &[segment], 2_000 + i as u64, &BTreeSet::new());
            }
        }
        agree(&log, &questions, &left)?;
        // Of every number between the events of a page, the page knows whether it is missing.
        let everything = everything();
        for order in [Order::Asc, Order::Desc] {
            let mut scan = Scan { order, limit: 5, ..everything.scan() };
            let mut told = Vec::new();
            loop {
                let page = log.scan(&scan).unwrap();
                let mut found: Vec<_> = page.events.iter().map(|event| event.sequence).collect();
                found.sort();
                let missing = log.missing(&scan, page.next, &found).unwrap();
                prop_assert!(missing.len() <= found.len() + 1);
                for stretch in missing {
                    prop_assert_eq!(stretch.count, stretch.to.0 - stretch.from.0 + 1);
                    told.extend(stretch.from.0..=stretch.to.0);
                }
                match (page.next, order) {
                    (None, _) => break,
                    (Some(next), Order::Asc) => scan.after = next,
                    (Some(next), Order::Desc) => scan.before = next,
                }
            }
            told.sort_unstable();
            let left: BTreeSet<u64> = left.iter().map(|event| event.sequence.0).collect();
            let lost: Vec<u64> = (1..=log.head().0).filter(|number| !left.contains(number)).collect();
            prop_assert_eq!(told, lost);
        }
        let numbers: Vec<Sequence> = (1..end).map(Sequence).collect();
        let reasons = log.why_gone(&numbers).unwrap();
        for (Sequence(number), why) in numbers.into_iter().zip(reasons) {
            let expected = (!left.iter().any(|event| event.sequence.0 == number)).then_some(Gone::Cleaned { class: Class::Ops });
            prop_assert_eq!(why, expected, "{}", number);
        }
        let Recovered { log, notes, .. } = open(dir.path(), SEGMENT);
        prop_assert!(notes.is_empty(), "{:?}", notes);
        agree(&log, &questions, &left)?;
        sidecars(dir.path()).iter().for_each(|file| fs::remove_file(file).unwrap());
        agree(&open(dir.path(), SEGMENT).log, &questions, &left)?;
    }
}

fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.is_file()).map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[test]
fn a_crash_at_any_step_leaves_the_old_or_the_new() {
    let before = memory_dir();
    let events = filled(before.path(), &many(90));
    let old = files(before.path());
    let after = memory_dir();
    old.iter()
        .for_each(|(path, bytes)| fs::write(after.path().join(path.file_name().unwrap()), bytes).unwrap());
    let Recovered { log, .. } = open(after.path(), SEGMENT);
    let closed = log.closed();
    assert!(closed.len() >= 3, "it rolled");
    rewritten(&log, &closed[..3], 9, &BTreeSet::new());
    let (_, new) = files(after.path()).remove(0);
    let all = everything();
    let holds = |what: &str, put: &dyn Fn(&Path)| {
        let dir = memory_dir();
        old.iter()
            .for_each(|(path, bytes)| fs::write(dir.path().join(path.file_name().unwrap()), bytes).unwrap());
        put(dir.path());
        for round in 0..2 {
            let Recovered { log, notes, .. } = open(dir.path(), SEGMENT);
            assert_eq!((all.ask(&log), notes), (all.oracle(&events), vec![]), "{what}, round {round}");
        }
        assert!(files(dir.path()).iter().all(|(path, _)| path.extension().unwrap() == "seg"), "{what}");
    };
    for cut in (0..=new.len()).step_by(97) {
        holds("half written", &|dir| fs::write(dir.join("0000000001.seg.new"), &new[..cut]).unwrap());
    }
    holds("named, and the others still there", &|dir| fs::write(the_segment(dir), &new).unwrap());
    holds("named, and one of the others gone", &|dir| {
        fs::write(the_segment(dir), &new).unwrap();
        fs::remove_file(dir.join("0000000002.seg")).unwrap();
    });
}

#[test]
fn the_log_goes_on_after_its_segments_were_rewritten() {
    let dir = memory_dir();
    filled(dir.path(), &many(60));
    let mut recovered = open(dir.path(), SEGMENT);
    recovered.appender.close_segment().unwrap();
    let closed = recovered.log.closed();
    rewritten(&recovered.log, &closed, 9, &BTreeSet::new());
    assert_eq!(recovered.log.segments().len(), 2, "one that holds all, and the open one");
    let next = recovered.log.head().next().0;
    recovered.appender.append(&batch(vec![entry(next, 1, "after")])).unwrap();
    drop(recovered);

    // The open one goes missing: what was rewritten is not written to, and no number is given twice in it.
    let last = files(dir.path()).pop().unwrap().0;
    fs::remove_file(last).unwrap();
    let Recovered { log, mut appender, .. } = open(dir.path(), SEGMENT);
    assert_eq!(log.head().next().0, next);
    appender.append(&batch(vec![entry(next, 1, "again")])).unwrap();
    drop(appender);
    let again = open(dir.path(), SEGMENT).log;
    assert_eq!(titles(&again).last().unwrap(), &(next, "again".to_owned()));
    assert_eq!(again.segments().len(), 2);
}

#[test]
fn what_cannot_be_read_is_told_as_gone_and_every_flip_of_a_packed_file_is_seen() {
    let dir = memory_dir();
    let events = filled(dir.path(), &many(60));
    let path = the_segment(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let Recovered { log, .. } = open(dir.path(), SEGMENT);
    let first = log.closed().remove(0);
    rewritten(&log, &[first], 9, &BTreeSet::new());
    let all = everything();
    let left = all.ask(&log);
    assert_eq!(left.len(), events.len() - 1, "one frame was hurt");
    let lost = events.iter().find(|event| !left.contains(event)).unwrap().sequence;
    assert_eq!(log.why_gone(&[lost]).unwrap(), [Some(Gone::Damaged)]);

    let whole = fs::read(&path).unwrap();
    for byte in 0..whole.len() {
        let mut hurt = whole.clone();
        hurt[byte] ^= 1 << (byte % 8);
        fs::write(&path, hurt).unwrap();
        let Recovered { log, notes, .. } = open(dir.path(), SEGMENT);
        let found = all.ask(&log);
        assert!(found.iter().all(|event| left.contains(event)), "byte {byte}: nothing is invented");
        let told = !notes.is_empty() || !log.take_hurts().is_empty();
        assert!(found.len() == left.len() || told, "byte {byte}: what is missing is told");
    }
}

#[test]
fn an_entry_that_says_less_keeps_its_numbers() {
    let dir = memory_dir();
    filled(dir.path(), &many(60));
    let Recovered { log, .. } = open(dir.path(), SEGMENT);
    let first = log.closed().remove(0);
    let rewrote = log
        .rewrite(&[first], 9, &mut |entry| {
            let mut less = entry.clone();
            less.events.iter_mut().for_each(|event| event.data.clear());
            Verdict::Instead(less)
        })
        .unwrap();
    assert!(rewrote.changed > 5 && rewrote.bytes_after < rewrote.bytes_before, "{rewrote:?}");
    let entries = log.read(Sequence::ZERO, usize::MAX).unwrap();
    let numbers: Vec<u64> = entries.iter().map(|entry| entry.first().0).collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
    let said = entries.iter().filter(|entry| entry.events[0].data.is_empty()).count();
    assert_eq!(said as u64, rewrote.changed);
    let page = Question { filter: EventFilter::default(), wall: Projects::All, limit: 3, ..everything() };
    assert_eq!(page.ask(&log).len(), 60);
}
