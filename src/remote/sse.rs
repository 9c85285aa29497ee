//! Server-sent events, read as the bytes come: any split of the stream gives the same frames.
//!
//! Unlike a browser it hands out a frame that has an id and no data: that is how a hub says where a stream starts.

/// One event of 256 KiB with its envelope, escaped, and some air. A longer frame is refused, so that a hub
/// gone wrong cannot fill this process.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

/// What stood between two empty lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    pub event: String,
    pub id: Option<String>,
    pub data: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame has more than {FRAME_BYTES_MAX} bytes")]
pub struct TooLong;

#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    /// The last byte was a CR: an LF after it belongs to the same line end.
    after_cr: bool,
    frame: Frame,
    data_lines: usize,
    begun: bool,
}

impl Parser {
    /// Takes the next bytes; the frames that they complete go to `out`.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<Frame>) -> Result<(), TooLong> {
        for &byte in bytes {
            let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => self.end_line(out),
                byte => self.line.push(byte),
            }
            if self.line.len() + self.frame.data.len() > FRAME_BYTES_MAX {
                return Err(TooLong);
            }
        }
        Ok(())
    }

    fn end_line(&mut self, out: &mut Vec<Frame>) {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        if line.is_empty() {
            self.data_lines = 0;
            if std::mem::take(&mut self.begun) {
                out.push(std::mem::take(&mut self.frame));
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.frame.event = value.to_owned(),
            "id" => self.frame.id = Some(value.to_owned()),
            "data" => {
                if self.data_lines > 0 {
                    self.frame.data.push('\n');
                }
                self.data_lines += 1;
                self.frame.data.push_str(value);
            }
            // A comment, `retry`, or what a newer hub adds.
            _ => return,
        }
        self.begun = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> Vec<Frame> {
        let mut out = Vec::new();
        Parser::default().feed(bytes, &mut out).unwrap();
        out
    }

    fn frame(event: &str, id: Option<&str>, data: &str) -> Frame {
        Frame { event: event.into(), id: id.map(str::to_owned), data: data.into() }
    }

    #[test]
    fn frames_end_at_an_empty_line() {
        assert_eq!(
            parse(b"retry: 2000\nid: c1\ndata:\n\n: still here\n\nevent: a.b\nid: c2\ndata: {}\n\ndata: cut"),
            [frame("", Some("c1"), ""), frame("a.b", Some("c2"), "{}")]
        );
    }

    #[test]
    fn every_line_end_and_lines_of_data() {
        assert_eq!(
            parse(b"event:e\r\ndata: 1\r\ndata:2\r\n\r\ndata: 3\rdata\r\r"),
            [frame("e", None, "1\n2"), frame("", None, "3\n")]
        );
    }

    #[test]
    fn a_frame_without_end_is_refused() {
        let mut parser = Parser::default();
        let mut out = Vec::new();
        assert_eq!(parser.feed(&vec![b'x'; FRAME_BYTES_MAX + 1], &mut out), Err(TooLong));
        let mut parser = Parser::default();
        let line = [b"data: ".as_slice(), &vec![b'x'; FRAME_BYTES_MAX / 4], b"\n"].concat();
        assert!((0..5).any(|_| parser.feed(&line, &mut out) == Err(TooLong)));
        assert_eq!(out, []);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_frames(
            lines in prop::collection::vec(
                prop::sample::select(vec![
                    "event: memory.saved", "id: w1.a.0.1", "data: {\"t\":\"ü€𝄞\"}", "data:", "data", "", "", "retry: 2000", ": c",
                ]),
                0..30,
            ),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r"]), 30),
            cuts in prop::collection::vec(0usize..40, 0..60),
        ) {
            let text: String = lines.iter().zip(&ends).map(|(line, end)| format!("{line}{end}")).collect();
            let mut parser = Parser::default();
            let mut out = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                parser.feed(now, &mut out).unwrap();
                rest = later;
            }
            parser.feed(rest, &mut out).unwrap();
            prop_assert_eq!(out, parse(text.as_bytes()));
        }
    }
}
