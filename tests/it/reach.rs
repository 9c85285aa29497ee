//! A hub elsewhere: asked by its address, through a way that is cut again and again.

#![expect(clippy::disallowed_methods, reason = "what this starts ends with the test's runtime")]

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use wheelhouse::{
    door::{StreamItem, StreamRequest},
    home::{Home, HomeOptions},
    model::{Cursor, Sequence},
    remote::Address,
};

use crate::{
    harness::{House, Program, note, text},
    workload::Numbers,
};

/// Cuts of one run; more by `WHEELHOUSE_CUTS`, which the seed is printed for.
const CUTS: usize = 100;
const WRITERS: usize = 8;

/// A way to a hub's socket by TCP, which can be cut, and shut.
pub struct Way {
    address: SocketAddr,
    cut: watch::Sender<u64>,
    shut: watch::Sender<bool>,
}

impl Way {
    pub async fn to(socket: PathBuf) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = watch::Sender::new(0);
        let shut = watch::Sender::new(false);
        let (cuts, is_shut) = (cut.clone(), shut.subscribe());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *is_shut.borrow() {
                    continue;
                }
                tokio::spawn(carry(near, socket.clone(), cuts.subscribe()));
            }
        });
        Way { address, cut, shut }
    }

    pub fn home(&self, house: &House) -> Home {
        let address: Address = format!("http://{}", self.address).parse().unwrap();
        Home::new(HomeOptions {
            data_dir: house.dir.path().join("face"),
            unsafe_filesystem: false,
            hub_name: "face".into(),
            clock: house.clock.clone(),
            retention: wheelhouse::store::Retention::default(),
            announce: false,
            jobs: wheelhouse::hub::JobOptions::default(),
            hub: Some(address),
            reach: Default::default(),
        })
    }

    pub fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    /// What is open is cut, and nobody comes through until it is opened.
    pub fn shut(&self, shut: bool) {
        self.shut.send_replace(shut);
        self.cut();
    }
}

async fn carry(mut near: TcpStream, socket: PathBuf, mut cut: watch::Receiver<u64>) {
    let Ok(mut far) = UnixStream::connect(socket).await else { return };
    tokio::select! {
        _ = cut.changed() => {}
        _ = copy_bidirectional(&mut near, &mut far) => {}
    }
}

/// Reads the events after `cursor` into `seen` until the stream ends, or one of this sequence came.
async fn read(
    home: &Home,
    house: &House,
    cursor: &mut Cursor,
    seen: &mut Vec<Sequence>,
    until: Sequence,
) -> bool {
    let Ok(opened) = home.door().await else { return false };
    let request = StreamRequest { after: Some(*cursor), ..StreamRequest::default() };
    let Ok(mut stream) = opened.door.stream(&house.caller(), request).await else { return false };
    while let Some(Ok(item)) = stream.next().await {
        match item {
            StreamItem::Event { cursor: at, event } => {
                *cursor = at;
                seen.push(event.sequence);
                if event.sequence >= until {
                    return true;
                }
            }
            StreamItem::Gap { from, to, reason } => panic!("a gap from {from} to {to}: {reason}"),
            _ => {}
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_is_cut_again_and_again_loses_nothing_and_keeps_the_order() {
    let cuts: usize = std::env::var("WHEELHOUSE_CUTS").ok().map_or(CUTS, |text| text.parse().unwrap());
    let house = Arc::new(House::open().await);
    let way = Arc::new(Way::to(house.socket.clone()).await);
    let home = way.home(&house);
    let start = house.door.status().await.unwrap().head;

    let (stop, stopped) = watch::channel(false);
    let writers: Vec<_> = (0..WRITERS)
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
        .collect();
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
    while !cutting.is_finished() {
        let to = Sequence(u64::MAX);
        assert!(!read(&home, &house, &mut cursor, &mut seen, to).await);
        ended += 1;
    }
    stop.send_replace(true);
    let mut saved = 0;
    for writer in writers {
        saved += writer.await.unwrap();
    }
    let head = house.door.status().await.unwrap().head.sequence;
    while cursor.sequence < head {
        read(&home, &house, &mut cursor, &mut seen, head).await;
    }
    let expected: Vec<Sequence> = (start.sequence.0 + 1..=head.0).map(Sequence).collect();
    assert_eq!(seen.len(), expected.len(), "{saved} saved, {ended} streams ended in {:?}", began.elapsed());
    assert!(seen == expected);
    assert!(ended > cuts / 4, "{ended} of {cuts} cuts ended a stream");
    println!("{cuts} cuts, {ended} streams, {} events in {:?}: none missing", seen.len(), began.elapsed());
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
