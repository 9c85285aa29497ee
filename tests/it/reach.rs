//! A hub elsewhere: asked by its address, through a way that is cut, stalls, is narrow or dies without a word.

#![expect(clippy::disallowed_methods, reason = "what this starts ends with the test's runtime")]

mod broken;
mod way;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};
use wheelhouse::{
    door::{Door, StreamItem, StreamRequest},
    model::{Code, Cursor, Fault, Sequence},
    remote::Patience,
};

use self::way::Carries;
pub use self::way::Way;
use crate::{
    harness::{House, Program, note, text},
    workload::Numbers,
};

/// Cuts of one run; more by `WHEELHOUSE_CUTS`, which the seed is printed for.
const CUTS: usize = 100;
const WRITERS: usize = 8;
/// Times that a way stalls, or dies, in one run.
const BLOWS: usize = 25;
/// A client that waits so long for anything.
const IMPATIENT: Patience =
    Patience { answer: Duration::from_millis(300), silence: Duration::from_millis(300) };
/// Longer than anything here takes where nobody hangs.
const HANGS_AFTER: Duration = Duration::from_secs(90);
/// Events that are read in one stream where nothing ends it.
const SOME: u64 = 200;
/// Events of a flood.
const FLOOD: usize = 800;

/// Reads the events after `cursor` into `seen` until one of this sequence came, or says what ended the stream.
async fn read(
    door: &dyn Door,
    house: &House,
    cursor: &mut Cursor,
    seen: &mut Vec<Sequence>,
    until: Sequence,
) -> Result<(), Fault> {
    let request = StreamRequest { after: Some(*cursor), ..StreamRequest::default() };
    let mut stream = door.stream(&house.caller(), request).await?;
    loop {
        match stream.next().await.expect("a stream ends with a fault")? {
            StreamItem::Event { cursor: at, event } => {
                *cursor = at;
                seen.push(event.sequence);
                if event.sequence >= until {
                    return Ok(());
                }
            }
            StreamItem::Gap { from, to, reason } => panic!("a gap from {from} to {to}: {reason}"),
            _ => {}
        }
    }
}

/// Save notes until they are told to stop; each says how many.
fn writers(house: &Arc<House>, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<u64>> {
    (0..WRITERS)
        .map(|writer| {
            let (house, stopped) = (house.clone(), stopped.clone());
            tokio::spawn(async move {
                let mut saved = 0_u64;
                while !*stopped.borrow() {
                    let note = note(&format!("note {saved} of {writer}"));
                    house.door.add(&house.caller(), note).await.unwrap();
                    saved += 1;
                }
                saved
            })
        })
        .collect()
}

async fn all(writers: Vec<JoinHandle<u64>>) -> u64 {
    let mut saved = 0;
    for writer in writers {
        saved += writer.await.unwrap();
    }
    saved
}

fn between(start: Cursor, head: Sequence) -> Vec<Sequence> {
    (start.sequence.0 + 1..=head.0).map(Sequence).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_is_cut_again_and_again_loses_nothing_and_keeps_the_order() {
    let cuts: usize = std::env::var("WHEELHOUSE_CUTS").ok().map_or(CUTS, |text| text.parse().unwrap());
    let house = Arc::new(House::open().await);
    let way = Arc::new(Way::to(house.socket.clone()).await);
    let home = way.home(&house);
    let start = house.door.status().await.unwrap().head;

    let (stop, stopped) = watch::channel(false);
    let writers = writers(&house, &stopped);
    let cutting = tokio::spawn({
        let way = way.clone();
        async move {
            let mut numbers = Numbers(7);
            for _ in 0..cuts {
                tokio::time::sleep(Duration::from_millis(1 + numbers.below(30) as u64)).await;
                way.cut();
            }
        }
    });

    let began = Instant::now();
    let (mut cursor, mut seen, mut ended) = (start, Vec::new(), 0);
    let mut read_to = async |cursor: &mut Cursor, to: Sequence| {
        let opened = home.door().await?;
        read(&*opened.door, &house, cursor, &mut seen, to).await
    };
    // No further than a bit at a time: after the last cut no stream ends by itself.
    while !cutting.is_finished() {
        let some = Sequence(cursor.sequence.0 + SOME);
        ended += usize::from(read_to(&mut cursor, some).await.is_err());
    }
    stop.send_replace(true);
    let saved = all(writers).await;
    let head = house.door.status().await.unwrap().head.sequence;
    while cursor.sequence < head {
        read_to(&mut cursor, head).await.ok();
    }
    let expected = between(start, head);
    assert_eq!(seen.len(), expected.len(), "{saved} saved, {ended} streams ended in {:?}", began.elapsed());
    assert!(seen == expected);
    assert!(ended > cuts / 4, "{ended} of {cuts} cuts ended a stream");
    println!("{cuts} cuts, {ended} streams, {} events in {:?}: none missing", seen.len(), began.elapsed());
}

/// What happens on a way again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Nothing comes through for a while, and then all of it.
    Stalls,
    /// What is open is dead, in one direction or both, and no end of it is told.
    Dies,
}

impl Trouble {
    async fn befall(self, way: &Way, numbers: &mut Numbers) {
        let mut pause = |least: u64, more: usize| Duration::from_millis(least + numbers.below(more) as u64);
        match self {
            Trouble::Stalls => {
                sleep(pause(5, 150)).await;
                way.carry(Carries::Nothing);
                sleep(pause(20, 600)).await;
                way.carry(Carries::All);
            }
            Trouble::Dies => {
                sleep(pause(100, 400)).await;
                let (down, up) = [(true, true), (true, false), (false, true)][numbers.below(3)];
                way.kill(down, up);
            }
        }
    }
}

/// Follows a hub that is written to through a way with this trouble, and says what ended each stream. Nothing may be
/// missing, nothing come twice or in another order, and nobody hang.
async fn follows(trouble: Trouble) -> Vec<Code> {
    let house = Arc::new(House::open().await);
    let way = Arc::new(Way::to(house.socket.clone()).await);
    let remote = way.remote(IMPATIENT);
    let start = house.door.status().await.unwrap().head;
    let (stop, stopped) = watch::channel(false);
    let writers = writers(&house, &stopped);
    let befalling = tokio::spawn({
        let way = way.clone();
        async move {
            let mut numbers = Numbers(7);
            for _ in 0..BLOWS {
                trouble.befall(&way, &mut numbers).await;
            }
        }
    });
    let (mut cursor, mut seen, mut ends) = (start, Vec::new(), Vec::new());
    let following = async {
        while !befalling.is_finished() {
            let some = Sequence(cursor.sequence.0 + SOME);
            if let Err(fault) = read(&remote, &house, &mut cursor, &mut seen, some).await {
                ends.push(fault.code);
            }
        }
        stop.send_replace(true);
        let saved = all(writers).await;
        let head = house.door.status().await.unwrap().head.sequence;
        while cursor.sequence < head {
            read(&remote, &house, &mut cursor, &mut seen, head).await.ok();
        }
        (saved, head)
    };
    let (saved, head) = timeout(HANGS_AFTER, following).await.expect("nobody hangs");
    let expected = between(start, head);
    assert_eq!(seen.len(), expected.len(), "{saved} saved; {ends:?}");
    assert!(seen == expected);
    println!("{trouble:?} {BLOWS} times: {} streams ended, {} events: none missing", ends.len(), seen.len());
    drop(remote);
    // Also the hub's own end of what died.
    Arc::into_inner(house).expect("all who wrote are done").close().await;
    ends
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_stalls_is_waited_for_or_left_and_loses_nothing() {
    let ends = follows(Trouble::Stalls).await;
    let left = ends.iter().filter(|code| **code == Code::Timeout).count();
    assert!(left > 0, "some stalls are longer than the patience: {ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_dies_without_a_word_is_left_in_time_and_loses_nothing() {
    let ends = follows(Trouble::Dies).await;
    let left = ends.iter().filter(|code| **code == Code::Timeout).count();
    assert!(left >= BLOWS / 8, "no end was told, only silence: {ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_on_a_narrow_way_is_read_whole_in_one_stream() {
    let house = Arc::new(House::open().await);
    let way = Way::to(house.socket.clone()).await;
    way.carry(Carries::Little);
    let start = house.door.status().await.unwrap().head;
    let flood = (0..WRITERS).map(|writer| {
        let house = house.clone();
        tokio::spawn(async move {
            for n in 0..FLOOD / WRITERS {
                house.door.add(&house.caller(), note(&format!("note {n} of {writer}"))).await.unwrap();
            }
            0
        })
    });
    let flood: Vec<_> = flood.collect();
    let (mut cursor, mut seen) = (start, Vec::new());
    let to = Sequence(start.sequence.0 + FLOOD as u64);
    let remote = way.remote(Patience::default());
    let behind = async {
        all(flood).await;
        Instant::now()
    };
    let reading = async {
        read(&remote, &house, &mut cursor, &mut seen, to).await.expect("one stream, which is not cut");
        Instant::now()
    };
    let (told, heard) =
        timeout(HANGS_AFTER, async { tokio::join!(behind, reading) }).await.expect("nobody hangs");
    assert!(seen == between(start, to), "{} of {FLOOD}", seen.len());
    assert!(heard > told, "the way was narrower than the flood");
    println!("a flood of {FLOOD} events, the last heard {:?} after it was told", heard - told);
}

/// The head of an answer that never comes is not waited for either.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_does_not_begin_is_left_in_time() {
    let house = House::open().await;
    let way = Way::to(house.socket.clone()).await;
    way.carry(Carries::Nothing);
    let remote = way.remote(IMPATIENT);
    let caller = house.caller();
    let opening = remote.stream(&caller, StreamRequest::default());
    let opened = timeout(IMPATIENT.answer * 20, opening).await.expect("nobody hangs");
    assert_eq!(opened.err().map(|fault| fault.code), Some(Code::Timeout));
    way.carry(Carries::All);
    let mut stream = remote.stream(&caller, StreamRequest::default()).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(StreamItem::Start { .. }))));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_can_ask_a_hub_elsewhere() {
    let house = House::open().await;
    let way = Way::to(house.socket.clone()).await;
    let url = format!("http://{}", way.address);
    let program = Program::new();
    let config = program.dir.path().join("home/.config/wheelhouse/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(&config, format!("[hubs.prod]\nurl = {url:?}\n")).unwrap();
    let run = async |args: &[&str]| {
        let mut command = program.command(args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    run(&["add", "kept far away", "--hub", &url]).await;
    let found = run(&["search", "far", "--hub", "prod", "--json"]).await;
    assert!(found.contains("kept far away"), "{found}");
    let page = house.door.list(&house.caller(), Default::default()).await.unwrap();
    assert_eq!(page.memories.len(), 1);
    assert!(!program.data_dir().join("log").exists(), "no hub of its own was begun");
    let fails = |args: &[&str], status: i32, why: &str| {
        let output = program.command(args).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{said}");
        assert!(said.contains(why), "{said}");
    };
    fails(&["status", "--hub", "127.0.0.1:1"], 4, "no hub answers at http://127.0.0.1:1");
    fails(&["status", "--hub", "http://a/b"], 2, "is no address of a hub");
    std::fs::write(&config, "[hubs.prod]\nurl = \"host\"\nkey = \"wh_live_x\"\n").unwrap();
    fails(&["status"], 2, "a key does not belong here");
}
