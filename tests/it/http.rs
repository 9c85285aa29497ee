//! HTTP as bytes: what a client that is not ours sends and gets.

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::harness::{PATIENCE, text};

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (header, value) = line.split_once(": ")?;
            header.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Sends one request; `headers` are whole lines.
pub async fn send(stream: &mut (impl AsyncWrite + Unpin), request: &str, headers: &[&str], body: &str) {
    let mut text = format!("{request} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        text.push_str(&format!("{header}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// The answer to its end, or its head where it has none.
pub async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> Answer {
    let reading = async {
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4_096]);
        loop {
            let count = stream.read(&mut chunk).await.unwrap_or(0);
            bytes.extend_from_slice(&chunk[..count]);
            let head = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            if count == 0 || head.is_some_and(|end| is_stream(&String::from_utf8_lossy(&bytes[..end]))) {
                return bytes;
            }
        }
    };
    let answer = text(&tokio::time::timeout(PATIENCE, reading).await.expect("an answer in time"));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked && !is_stream(head) { unchunked(body) } else { body.to_owned() };
    Answer { status, head: head.to_owned(), body }
}

fn is_stream(head: &str) -> bool {
    head.contains("text/event-stream")
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&rest[..size]);
        body = rest[size..].strip_prefix("\r\n").unwrap();
    }
    whole
}
