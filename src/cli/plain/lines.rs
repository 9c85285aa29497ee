//! Lines of standard input, one when it is asked for: what a verb reads itself (`add -`, an editor) is not taken from it.

use std::{
    io::{self, BufRead, Read},
    sync::mpsc as blocking,
    thread,
};

use tokio::sync::mpsc;

use crate::model::CONTENT_BYTES_MAX;

/// What is longer comes as several lines: twice the text that a memory may have.
const LINE_BYTES_MAX: u64 = 2 * CONTENT_BYTES_MAX as u64;

/// The reader's thread ends with the input, or with the program: a read that waits cannot be called back.
pub struct Lines {
    wish: blocking::Sender<()>,
    got: mpsc::Receiver<Option<String>>,
    asked: bool,
}

impl Lines {
    pub fn start() -> io::Result<Lines> {
        let (wish, wishes) = blocking::channel();
        let (send, got) = mpsc::channel(1);
        thread::Builder::new().name("input".into()).spawn(move || {
            while wishes.recv().is_ok() {
                let mut line = String::new();
                let line = match io::stdin().lock().take(LINE_BYTES_MAX).read_line(&mut line) {
                    Ok(1..) => Some(line),
                    // What is no text ends the input like its end does.
                    Ok(0) | Err(_) => None,
                };
                if send.blocking_send(line).is_err() {
                    return;
                }
            }
        })?;
        Ok(Lines { wish, got, asked: false })
    }

    /// The next line; none at the end of the input. Asked again after it was dropped, it goes on waiting.
    pub async fn next(&mut self) -> Option<String> {
        if !self.asked {
            self.wish.send(()).ok()?;
            self.asked = true;
        }
        let line = self.got.recv().await.flatten();
        self.asked = false;
        line
    }
}
