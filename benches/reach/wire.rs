//! Clients as cheap as can be: requests are bytes made before, of answers the status and the length are read, and events
//! are counted by two bytes that stand once in each.

use std::{io, net::SocketAddr};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// Stands once in each event that is told here, and in nothing else that a stream says; the length of a frame has these
/// bytes once in 65,536.
const MARK: [u8; 2] = *b"`^";
const READ_BYTES: usize = 32 << 10;
/// Of a client that is to read nothing: little is taken for it.
const STOPPED_BUFFER_BYTES: u32 = 4 << 10;
pub const EVENT: &str = "deploy.finished";

pub fn get(at: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {at}\r\n\r\n").into_bytes()
}

pub fn post(at: SocketAddr, path: &str, body: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nhost: {at}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// What an event tells; each has the mark once.
pub fn event_data(n: usize) -> serde_json::Value {
    json!({ "mark": "`^", "build": n, "url": "https://ci.example/builds/main", "took_s": 74, "ok": true })
}

/// A request that tells so many events, in one commit.
pub fn publish(at: SocketAddr, from: usize, events: usize) -> Vec<u8> {
    let events: Vec<_> =
        (from..from + events).map(|n| json!({ "type": EVENT, "data": event_data(n) })).collect();
    post(at, "/api/v1/events", &json!({ "events": events }).to_string())
}

/// A connection that is kept open and asked again and again.
pub struct Http {
    stream: TcpStream,
    bytes: Vec<u8>,
    body_at: usize,
}

impl Http {
    pub async fn open(at: SocketAddr) -> io::Result<Http> {
        let stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        Ok(Http { stream, bytes: Vec::new(), body_at: 0 })
    }

    /// The status of the answer, which was read whole.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.answer().await
    }

    pub async fn answer(&mut self) -> io::Result<u16> {
        self.bytes.clear();
        let (status, length) = loop {
            self.more().await?;
            if let Some(head) = find(&self.bytes, b"\r\n\r\n") {
                self.body_at = head + 4;
                break read_head(&self.bytes[..head]);
            }
        };
        while self.bytes.len() < self.body_at + length {
            self.more().await?;
        }
        Ok(status)
    }

    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body_at..]
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.bytes).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// Status and length of an answer; this hub says the length of all that it does not stream.
fn read_head(head: &[u8]) -> (u16, usize) {
    let head = std::str::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    (status, length.map_or(0, |length| length.parse().unwrap()))
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// How events are told to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sse,
    WebSocket,
}

/// A stream that is caught up, or begins at a cursor.
pub struct Stream {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// The byte before those that are read next.
    before: u8,
    pub marks: usize,
    pub bytes: u64,
}

impl Stream {
    /// Open, and told that it is.
    pub async fn open(at: SocketAddr, kind: Kind, after: Option<&str>) -> Stream {
        let socket = TcpSocket::new_v4().unwrap();
        Stream::open_on(socket, at, kind, after).await
    }

    /// One that will not read.
    pub async fn open_stopped(at: SocketAddr, after: &str) -> Stream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(STOPPED_BUFFER_BYTES).unwrap();
        Stream::open_on(socket, at, Kind::Sse, Some(after)).await
    }

    async fn open_on(socket: TcpSocket, at: SocketAddr, kind: Kind, after: Option<&str>) -> Stream {
        let mut stream = Stream {
            stream: socket.connect(at).await.unwrap(),
            buffer: vec![0; READ_BYTES],
            before: 0,
            marks: 0,
            bytes: 0,
        };
        let (asks, begun): (Vec<u8>, &[u8]) = match (kind, after) {
            (Kind::Sse, None) => (get(at, "/api/v1/events/stream"), b"event: caught_up"),
            (Kind::Sse, Some(after)) => {
                (get(at, &format!("/api/v1/events/stream?after_cursor={after}")), b"retry: ")
            }
            (Kind::WebSocket, _) => (upgrade(at), b"\"op\":\"ready\""),
        };
        stream.stream.write_all(&asks).await.unwrap();
        stream.until(begun).await;
        if kind == Kind::WebSocket {
            let after = after.map_or(String::new(), |after| format!(",\"after\":\"{after}\""));
            let sub = format!("{{\"op\":\"sub\",\"id\":\"a\"{after}}}");
            stream.stream.write_all(&text_frame(sub.as_bytes())).await.unwrap();
            if after.is_empty() {
                stream.until(b"\"op\":\"caught_up\"").await;
            }
        }
        stream
    }

    async fn until(&mut self, said: &[u8]) {
        let mut seen = Vec::new();
        while find(&seen, said).is_none() {
            let count = self.read().await;
            assert!(count > 0, "no stream: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&self.buffer[..count]);
        }
    }

    /// Reads until it has seen so many marks, or the end.
    pub async fn count_to(&mut self, marks: usize) {
        while self.marks < marks && self.read().await > 0 {}
    }

    async fn read(&mut self) -> usize {
        let count = self.stream.read(&mut self.buffer).await.unwrap_or(0);
        self.bytes += count as u64;
        let read = &self.buffer[..count];
        if let (Some(first), Some(last)) = (read.first(), read.last()) {
            self.marks += usize::from([self.before, *first] == MARK);
            self.marks += read.iter().zip(&read[1..]).filter(|pair| [*pair.0, *pair.1] == MARK).count();
            self.before = *last;
        }
        count
    }
}

/// A stream of bytes that nobody encodes: read as the others are.
pub async fn bare(at: SocketAddr) -> Stream {
    let stream = TcpStream::connect(at).await.unwrap();
    Stream { stream, buffer: vec![0; READ_BYTES], before: 0, marks: 0, bytes: 0 }
}

fn upgrade(at: SocketAddr) -> Vec<u8> {
    format!(
        "GET /api/v1/events/ws HTTP/1.1\r\nhost: {at}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: wheelhouse.v1\r\n\r\n"
    )
    .into_bytes()
}

/// A whole text of a client, masked with zeros, which change nothing.
fn text_frame(text: &[u8]) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let mut frame = vec![0x81];
    if length < 126 {
        frame.push(0x80 | length);
    } else {
        frame.extend([0x80 | 126, 0, length]);
    }
    frame.extend([0; 4]);
    frame.extend_from_slice(text);
    frame
}
