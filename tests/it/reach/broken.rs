//! A hub gone wrong: what tells frames in another order, twice, of another history, cut, endless or as no frames at all is
//! refused or healed, and never hangs or ends a client.

use futures::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};
use wheelhouse::{
    door::{Door, StreamItem, StreamRequest},
    model::{Code, Envelope, Fault, Id, Sequence, Time},
    remote::Remote,
};

use super::IMPATIENT;
use crate::{
    harness::{PATIENCE, clock, memory_saved},
    workload::Numbers,
};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
const LOG: &str = "00000000000000000000000000000007";
/// Streams that were sound and then changed somewhere.
const MUTATED: usize = 400;
const CHANGES_MAX: usize = 4;

/// Answers every request with these bytes; then ends the connection, or leaves it open and says nothing more.
async fn hub_that_says(bytes: Vec<u8>, ends: bool) -> Remote {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut open_ones = Vec::new();
        while let Ok((mut client, _)) = listener.accept().await {
            let (mut asked, mut chunk) = (Vec::new(), [0; 1_024]);
            while !asked.windows(4).any(|window| window == b"\r\n\r\n") {
                match client.read(&mut chunk).await {
                    Ok(count @ 1..) => asked.extend_from_slice(&chunk[..count]),
                    _ => break,
                }
            }
            // Who leaves in the middle has heard enough.
            client.write_all(&bytes).await.ok();
            if ends {
                client.shutdown().await.ok();
            }
            open_ones.push(client);
        }
    });
    Remote::at(address.parse().unwrap()).unwrap().with_patience(IMPATIENT)
}

/// A sound frame.
fn event(epoch: u32, sequence: u64) -> String {
    event_as(epoch, sequence, sequence)
}

fn event_as(epoch: u32, at: u64, sequence: u64) -> String {
    let event = memory_saved(Id::from_bytes([7; 16])).placed(Sequence(sequence), Time::from_unix_ms(9));
    let data = serde_json::to_string(&Envelope::new(event, "broken")).unwrap();
    format!("event: memory.saved\nid: w1.{LOG}.{epoch}.{at}\ndata: {data}\n\n")
}

fn begun(rest: &[&str]) -> Vec<u8> {
    let start = format!("{HEAD}retry: 2000\nid: w1.{LOG}.3.4\ndata:\n\n");
    [start.as_str()].iter().chain(rest).flat_map(|part| part.bytes()).collect()
}

/// The events that were handed out, and the fault that ended it, in time.
async fn heard(remote: &Remote) -> (Vec<u64>, Fault) {
    let hearing = async {
        let caller = wheelhouse::home::local_caller(&clock());
        let mut items = match remote.stream(&caller, StreamRequest::default()).await {
            Ok(items) => items,
            Err(fault) => return (Vec::new(), fault),
        };
        let mut events = Vec::new();
        loop {
            match items.next().await.expect("a fault ends it") {
                Ok(StreamItem::Event { event, .. }) => events.push(event.sequence.0),
                Ok(_) => {}
                Err(fault) => {
                    assert!(items.next().await.is_none(), "nothing after its end");
                    return (events, fault);
                }
            }
        }
    };
    timeout(PATIENCE, hearing).await.expect("nobody hangs")
}

#[tokio::test]
async fn what_a_broken_hub_says_is_refused_or_healed() {
    let (five, six, seven) = (&*event(3, 5), &*event(3, 6), &*event(3, 7));
    let other_log = six.replace(LOG, "00000000000000000000000000000008");
    let half = &six[..six.len() / 2];
    let endless = format!("event: memory.saved\ndata: {}", "x".repeat(3 << 20));
    let deep = format!("event: memory.saved\nid: w1.{LOG}.3.6\ndata: {}\n\n", "[".repeat(10_000));
    let bad_json = format!("event: memory.saved\nid: w1.{LOG}.3.6\ndata: {{\"id\":\n\n");
    let bare_data = six.lines().find(|line| line.starts_with("data:")).unwrap();
    let no_id = format!("event: memory.saved\n{bare_data}\n\n");
    let wide_id = format!("event: memory.saved\nid: w1.{LOG}.3.99999999999999999999999\n{bare_data}\n\n");
    let gone = Code::Unavailable;
    let wrong = Code::Unsupported;
    for (what, frames, told, code) in [
        ("one twice", vec![five, five, six, six, seven], vec![5, 6, 7], gone),
        ("in another order", vec![five, seven, six], vec![5, 7], wrong),
        ("of another epoch", vec![five, &event(4, 6), seven], vec![5], wrong),
        ("of an epoch before", vec![five, &event(2, 6)], vec![5], wrong),
        ("of another log", vec![five, &other_log], vec![5], wrong),
        ("not at its own place", vec![five, &event_as(3, 6, 60)], vec![5], wrong),
        ("before where it began", vec![&event(3, 2)], vec![], wrong),
        ("cut in a frame", vec![five, half], vec![5], gone),
        ("without end", vec![five, &endless], vec![5], wrong),
        ("no JSON", vec![five, &bad_json, seven], vec![5], wrong),
        ("JSON without end", vec![five, &deep], vec![5], wrong),
        ("no place", vec![five, &no_id], vec![5], wrong),
        ("a place out of bounds", vec![five, &wide_id], vec![5], wrong),
        ("a gap of nothing", vec![five, "event: gap\ndata: {}\n\n", seven], vec![5], wrong),
        ("a heartbeat of nothing", vec![five, "event: heartbeat\ndata: 7\n\n"], vec![5], wrong),
        ("an end of nothing", vec![five, "event: bye\ndata: later\n\n"], vec![5], wrong),
        ("what a newer one may say", vec![five, "event: weather\ndata: rain\n\n", six], vec![5, 6], gone),
        ("zeros", vec![five, "\0\0\0\n\0: \0\n\n", six], vec![5, 6], gone),
        ("a page", vec!["<html><body>Sign in</body></html>"], vec![], gone),
    ] {
        let (events, fault) = heard(&hub_that_says(begun(&frames), true).await).await;
        assert_eq!((events, fault.code), (told, code), "{what}: {fault:?}");
    }
    let no_text = [&begun(&[five]), &b"event: memory.saved\ndata: \xff\xfe\n\n"[..]].concat();
    let (events, fault) = heard(&hub_that_says(no_text, true).await).await;
    assert_eq!((events, fault.code), (vec![5], wrong), "no UTF-8: {fault:?}");
}

#[tokio::test]
async fn what_is_no_answer_is_a_fault_in_time() {
    let many = format!("HTTP/1.1 200 OK\r\n{}", "x-header: x\r\n".repeat(100_000));
    let short = HEAD.replace("connection: close", "content-length: 5");
    let chunked = HEAD.replace("connection: close", "transfer-encoding: chunked");
    for (what, said, ends, code) in [
        ("nothing", String::new(), true, Code::Unavailable),
        ("another protocol", "SSH-2.0-OpenSSH_9.9\r\n".to_owned(), true, Code::Unavailable),
        ("headers without end", many, true, Code::Unavailable),
        ("half a head", HEAD[..30].to_owned(), true, Code::Unavailable),
        ("half a head, held", HEAD[..30].to_owned(), false, Code::Timeout),
        ("silence", String::new(), false, Code::Timeout),
        ("silence after its head", HEAD.to_owned(), false, Code::Timeout),
        ("a length that is not so", format!("{short}{}", event(3, 5)), false, Code::Unavailable),
        ("chunks of no size", format!("{chunked}zz\r\n{}", event(3, 5)), false, Code::Unavailable),
        ("a chunk over all bounds", format!("{chunked}ffffffffffffffffff\r\nx"), false, Code::Unavailable),
        (
            "another place",
            "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n".to_owned(),
            false,
            Code::Unsupported,
        ),
        (
            "no problem of ours",
            "HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nnope".to_owned(),
            false,
            Code::Unavailable,
        ),
        (
            "a refusal without end",
            format!("HTTP/1.1 500 No\r\n\r\n{}", "x".repeat(2 << 20)),
            false,
            Code::Damaged,
        ),
    ] {
        let (events, fault) = heard(&hub_that_says(said.into_bytes(), ends).await).await;
        assert_eq!((events, fault.code), (vec![], code), "{what}: {fault:?}");
    }
    let remote =
        hub_that_says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"hub\":7}".to_vec(), false).await;
    let status = timeout(PATIENCE, remote.status()).await.expect("nobody hangs");
    assert_eq!(status.unwrap_err().code, Code::Unsupported);
}

/// Somewhere a few bytes are changed, left out, doubled or put in.
fn mutated(sound: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for _ in 0..=numbers.below(CHANGES_MAX) {
        let from = numbers.below(bytes.len());
        let to = (from + 1 + numbers.below(80)).min(bytes.len());
        let part = bytes[from..to].to_vec();
        match numbers.below(5) {
            0 => bytes[from] ^= 1 << numbers.below(8),
            1 => drop(bytes.drain(from..to)),
            2 => drop(bytes.splice(from..from, part)),
            3 => {
                let elsewhere = numbers.below(bytes.len());
                drop(bytes.splice(elsewhere..elsewhere, part));
            }
            _ => bytes.truncate(from.max(1)),
        }
    }
    bytes
}

#[tokio::test]
async fn a_stream_that_is_changed_anywhere_is_told_in_order_or_refused() {
    let frames: String = (5..25).map(|n| event(3, n)).collect();
    let sound = begun(&[&frames, "event: caught_up\n", &format!("id: w1.{LOG}.3.24\ndata: {{}}\n\n")]);
    let mut numbers = Numbers(7);
    let (mut whole, mut refused) = (0, 0);
    for _ in 0..MUTATED {
        let said = mutated(&sound, &mut numbers);
        let (events, fault) = heard(&hub_that_says(said, true).await).await;
        assert!(events.is_sorted_by(|one, next| one < next), "{events:?}");
        whole += usize::from(events.len() == 20);
        refused += usize::from(fault.code == Code::Unsupported);
    }
    println!("{MUTATED} streams changed somewhere: {whole} whole, {refused} refused");
    assert!(whole > 0 && refused > MUTATED / 10, "{whole} {refused}");
}
