//! Forgetting and keeping: what is erased is in no file, what is older than its class is kept is told as gone, and nothing
//! else changes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::StreamExt;
use wheelhouse::{
    door::{
        Door, EventQuery, Forgetting, ListRequest, MemoryPatch, NewMemory, Order, SearchRequest, StreamItem,
        StreamRequest, ViewName, ViewState,
    },
    model::{Code, Cursor, Id, Memory},
};

use crate::harness::{House, note, until};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Beginnings of words that only the secret's texts hold, in any case and by any stem.
const MARKS: [&str; 7] = ["grimblew", "flobbert", "quuxom", "tagmark", "zyxomark", "urlmark", "metamark"];

fn secret() -> NewMemory {
    NewMemory {
        title: "Grimblewicking plan".into(),
        content: "The flobbertwangled vault key.\n\n# Quuxomatic part\n\nIt hangs behind the door.".into(),
        tags: vec!["tagmarkish".into(), "shared".into()],
        url: Some("file:///urlmarkish.md".into()),
        metadata: serde_json::from_str(r#"{"where":"metamarkish"}"#).unwrap(),
        idempotency_key: Some("once".into()),
        ..NewMemory::default()
    }
}

async fn save(house: &House, new: NewMemory) -> Memory {
    house.door.add(&house.caller(), new).await.unwrap().memory
}

/// Saves it among others, changes it, finds and opens it.
async fn live(house: &House) -> (Memory, Vec<Memory>) {
    let mut others = Vec::new();
    for n in 0..40 {
        others.push(
            save(house, note(&format!("Ordinary note {n}\n\nThe pump of deck {} is shared.", n % 7))).await,
        );
    }
    let memory = save(house, secret()).await;
    let patch = MemoryPatch { content: Some("Zyxomarkering came later.".into()), ..MemoryPatch::default() };
    let memory = house.door.edit(&house.caller(), memory.id, patch, None).await.unwrap().memory;
    for n in 40..80 {
        others.push(
            save(house, note(&format!("Ordinary note {n}\n\nThe pump of deck {} is shared.", n % 7))).await,
        );
    }
    house.door.opened(&house.caller(), memory.id, "vault").await.unwrap();
    house.door.opened(&house.caller(), others[3].id, "pump").await.unwrap();
    until("the index", || async {
        let found = found(house, "zyxomarkering").await;
        (found == [memory.id]
            && house.door.status().await.unwrap().view(ViewName::Vectors)? == &ViewState::Ready)
            .then_some(())
    })
    .await;
    (memory, others)
}

async fn found(house: &House, query: &str) -> Vec<Id> {
    let request = SearchRequest { query: query.into(), as_you_type: true, ..SearchRequest::default() };
    let answer = house.door.search(&house.caller(), request).await.unwrap();
    answer.results.iter().map(|hit| hit.id).collect()
}

async fn cleaned(house: &House) {
    until("the cleaner", || async {
        let cleaning = house.door.status().await.unwrap().cleaning;
        assert!(cleaning.as_ref().is_none_or(|cleaning| cleaning.fault.is_none()), "{cleaning:?}");
        cleaning.is_none().then_some(())
    })
    .await;
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The marks that stand in a file of the directory, as they are or packed.
fn marks_in(dir: &Path) -> BTreeMap<PathBuf, Vec<&'static str>> {
    const ZSTD: [u8; 4] = 0xFD2F_B528u32.to_le_bytes();
    let mut all = BTreeMap::new();
    for path in files(dir) {
        let bytes = fs::read(&path).unwrap();
        let mut texts = vec![bytes.clone()];
        for at in (0..bytes.len().saturating_sub(4)).filter(|at| bytes[*at..*at + 4] == ZSTD) {
            let mut unpacked = Vec::new();
            let unpacker = zstd::stream::read::Decoder::with_buffer(&bytes[at..]).map(|d| d.single_frame());
            if unpacker.and_then(|mut unpacker| std::io::copy(&mut unpacker, &mut unpacked)).is_ok() {
                texts.push(unpacked);
            }
        }
        let holds = |mark: &&str| {
            texts.iter().any(|text| {
                text.to_ascii_lowercase().windows(mark.len()).any(|window| window == mark.as_bytes())
            })
        };
        let marks: Vec<_> = MARKS.into_iter().filter(holds).collect();
        if !marks.is_empty() {
            all.insert(path.strip_prefix(dir).unwrap().to_owned(), marks);
        }
    }
    all
}

/// What is told of everything that stays.
async fn told(house: &House, others: &[Memory]) -> Vec<(Memory, usize)> {
    let mut all = Vec::new();
    for other in others {
        let memory = house.door.get(&house.caller(), &[other.id]).await.unwrap().remove(0);
        let history = house.door.history(&house.caller(), other.id).await.unwrap();
        all.push((memory, history.len()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_in_no_file_and_the_rest_is_as_it_was() {
    let house = House::open().await;
    let data = house.dir.path().join("data");
    let (memory, others) = live(&house).await;
    let before = told(&house, &others).await;
    assert_eq!(
        marks_in(&data).values().flatten().collect::<std::collections::BTreeSet<_>>().len(),
        MARKS.len()
    );
    let pumps = found(&house, "pump deck").await;

    // Somebody had begun to change it, in an editor and in the console.
    fs::create_dir_all(data.join("drafts")).unwrap();
    for name in [format!("{}.md", memory.id), format!("edit-{}.json", memory.id), "new.json".into()] {
        let text = if name == "new.json" { "something else" } else { "Zyxomarkering came later, and more." };
        fs::write(data.join("drafts").join(name), text).unwrap();
    }

    let forgotten = house.remote.forget(&house.caller(), memory.id, Forgetting::Erase).await.unwrap();
    assert_eq!((forgotten.id, forgotten.state.as_str()), (memory.id, "being erased"));
    assert!(house.door.status().await.unwrap().cleaning.is_some(), "from the moment it was asked for");
    assert_eq!(house.door.get(&house.caller(), &[memory.id]).await.unwrap_err().code, Code::NotFound);
    assert_eq!(house.door.restore(&house.caller(), memory.id).await.unwrap_err().code, Code::NotFound);
    cleaned(&house).await;
    assert_eq!(marks_in(&data), BTreeMap::new(), "while the hub runs");
    assert_eq!(files(&data.join("drafts")), [data.join("drafts/new.json")]);
    assert_eq!(house.door.add(&house.caller(), secret()).await.unwrap_err().code, Code::NotFound);
    assert_eq!(
        (told(&house, &others).await, found(&house, "pump deck").await),
        (before.clone(), pumps.clone())
    );
    assert_eq!(found(&house, "zyxomarkering").await, []);

    // What happened is still told, without what it said.
    let query = EventQuery { order: Order::Asc, limit: 1_000, ..EventQuery::default() };
    let events = house.door.events(&house.caller(), query).await.unwrap().events;
    let of: Vec<_> = events.iter().filter(|event| event.record() == Some(memory.id)).collect();
    let kinds: Vec<_> = of.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["memory.saved", "memory.updated", "search.served", "memory.erased"]);
    assert!(of.iter().all(|event| event.data.len() == 1), "{of:?}");
    assert!(events.iter().any(|event| event.kind == "hub.cleaned" && event.data["erased"] == 1));

    let (clock, socket) = (house.clock.clone(), house.socket.clone());
    let dir = house.close().await;
    fs::remove_file(socket).unwrap();
    let house = House::open_in(dir, clock).await;
    until("the index", || async { (found(&house, "pump deck").await == pumps).then_some(()) }).await;
    assert_eq!(told(&house, &others).await, before);
    let report = house.door.fsck(&house.caller()).await.unwrap();
    assert_eq!(report.damage, vec![]);
    assert_eq!(marks_in(&data), BTreeMap::new(), "after a start");

    // Made anew from a log that has been written anew.
    house.door.reindex(&house.caller(), ViewName::Records).await.unwrap();
    until("the records", || async {
        (house.door.status().await.unwrap().view(ViewName::Records)? == &ViewState::Ready).then_some(())
    })
    .await;
    assert_eq!(told(&house, &others).await, before);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_hidden_is_erased_after_a_day_and_not_before() {
    let house = House::open().await;
    let data = house.dir.path().join("data");
    let (memory, others) = live(&house).await;
    let state = house.door.forget(&house.caller(), memory.id, Forgetting::Hide).await.unwrap().state;
    assert_eq!(state, "hidden, erased in 24 h");
    // Erasing another one is what makes the cleaner come by.
    house.clock.advance(DAY - Duration::from_secs(1));
    house.door.forget(&house.caller(), others[0].id, Forgetting::Erase).await.unwrap();
    cleaned(&house).await;
    assert!(marks_in(&data).len() > 1, "still there");
    house.door.restore(&house.caller(), memory.id).await.unwrap();
    house.door.forget(&house.caller(), memory.id, Forgetting::Hide).await.unwrap();
    house.clock.advance(DAY - Duration::from_secs(1));
    house.door.forget(&house.caller(), others[1].id, Forgetting::Erase).await.unwrap();
    cleaned(&house).await;
    assert!(marks_in(&data).len() > 1, "its day began anew");
    house.clock.advance(Duration::from_secs(2));
    house.door.forget(&house.caller(), others[2].id, Forgetting::Erase).await.unwrap();
    cleaned(&house).await;
    assert_eq!(marks_in(&data), BTreeMap::new());
    let hidden = ListRequest { forgotten: true, ..ListRequest::default() };
    assert_eq!(house.door.list(&house.caller(), hidden).await.unwrap().memories, vec![]);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_with_their_class_and_the_gap_says_so_and_uses_stay_counted() {
    let house = House::open().await;
    let (_, others) = live(&house).await;
    let before = told(&house, &others).await;
    assert_eq!((before[3].0.access_count, before[4].0.access_count), (1, 0));
    house.clock.advance(8 * DAY);
    house.door.opened(&house.caller(), others[3].id, "pump again").await.unwrap();
    until("the use", || async {
        let memory = house.door.get(&house.caller(), &[others[3].id]).await.unwrap().remove(0);
        (memory.access_count == 2).then_some(())
    })
    .await;
    house.door.forget(&house.caller(), others[0].id, Forgetting::Erase).await.unwrap();
    cleaned(&house).await;

    let head = house.door.status().await.unwrap().head;
    let after = Some(Cursor { sequence: wheelhouse::model::Sequence::ZERO, ..head });
    let request = StreamRequest { after, ..StreamRequest::default() };
    let mut stream = house.door.stream(&house.caller(), request).await.unwrap();
    let (mut served, mut gaps) = (Vec::new(), Vec::new());
    while let Some(item) = stream.next().await {
        match item.unwrap() {
            StreamItem::Event { event, .. } if event.kind == "search.served" => served.push(event),
            StreamItem::Gap { from, to, reason } => gaps.push((to.0 - from.0 + 1, reason)),
            StreamItem::CaughtUp { .. } => break,
            _ => {}
        }
    }
    assert_eq!(gaps, [(2, "cleaned".to_owned())], "two openings are eight days old");
    assert_eq!(served.len(), 1);

    // Pages of history tell the same, in both directions.
    for order in [Order::Asc, Order::Desc] {
        let mut query = EventQuery { order, limit: 7, ..EventQuery::default() };
        let (mut found, mut missing) = (0, 0);
        loop {
            let page = house.door.events(&house.caller(), query.clone()).await.unwrap();
            found += page.events.len() as u64;
            missing += page.gaps.iter().map(|gap| gap.missing).sum::<u64>();
            assert!(page.gaps.iter().all(|gap| gap.reason == "cleaned"), "{:?}", page.gaps);
            match (page.next, order) {
                (None, _) => break,
                (next, Order::Asc) => query.after = next,
                (next, Order::Desc) => query.before = next,
            }
        }
        assert_eq!((missing, found + missing), (2, head.sequence.0), "{order:?}");
    }

    house.door.reindex(&house.caller(), ViewName::Records).await.unwrap();
    until("the records", || async {
        (house.door.status().await.unwrap().view(ViewName::Records)? == &ViewState::Ready).then_some(())
    })
    .await;
    let memory = house.door.get(&house.caller(), &[others[3].id]).await.unwrap().remove(0);
    assert_eq!(memory.access_count, 2, "counted again before what told of it went");
    house.close().await;
}
