//! Keys, mouse, pastes and sizes as they come; at the start also what the terminal says of itself.
//!
//! The answers are read by a thread of its own before crossterm reads anything, for a tenth of a second at most; keys
//! typed meanwhile come out first. What answers later is swallowed (`probe::Strays`). Dropping an `Input` ends the
//! reading: the terminal is free for an editor or for the shell.

use std::{
    collections::VecDeque,
    io,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crossterm::event::{Event, EventStream};
use futures::StreamExt;
use rustix::termios::{OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

use super::{
    burst::{Bursts, is_printed},
    while_entered,
};
use crate::console::caps::probe::{Answers, Reading, Strays};

/// How long answers are waited for. Nothing waits for them but keys.
const ANSWER_TIME: Duration = Duration::from_millis(100);
/// The same in the tenths of a second that a terminal counts in.
const ANSWER_TENTHS: u8 = 1;

/// Events taken at once; a paste may go on without end.
const READ_MAX: usize = 4_096;
/// How long it is looked for a key that was read with another: no time at all, unless this thread is put aside in the
/// middle of it, and so twice.
const LOOK: Duration = Duration::from_micros(100);
const LOOKS: usize = 2;

#[derive(Debug, Clone, PartialEq)]
pub enum Arrival {
    Event(Event),
    /// Keys at once, as what they print.
    Burst(String),
    /// The terminal answered, as far as it did; again when a late answer was understood.
    Answers(Answers),
}

type Asked = (Answers, Vec<Event>, Strays);

#[derive(Default)]
pub struct Input {
    waiting: VecDeque<Arrival>,
    asking: Option<oneshot::Receiver<Asked>>,
    reader: Option<JoinHandle<()>>,
    stream: Option<EventStream>,
    strays: Strays,
    bursts: Bursts,
    answers: Answers,
}

impl Input {
    /// Reads the terminal.
    pub fn new() -> Input {
        Input::default()
    }

    /// Reads the answers to [`super::Term::ask`] first.
    pub fn asking() -> io::Result<Input> {
        let (tell, asking) = oneshot::channel();
        let reader = std::thread::Builder::new().name("terminal-answers".into()).spawn(move || {
            let asked = read_answers().unwrap_or_else(|error| {
                tracing::debug!(%error, "the terminal could not be asked");
                Reading::default().end()
            });
            if tell.send(asked).is_err() {
                tracing::debug!("nobody waits for the terminal's answers any more");
            }
        })?;
        let mut input = Input::new();
        input.asking = Some(asking);
        input.reader = Some(reader);
        Ok(input)
    }

    /// The next thing that comes. Nothing is lost when this is dropped before it is ready.
    pub async fn next(&mut self) -> io::Result<Arrival> {
        loop {
            if let Some(arrival) = self.waiting.pop_front() {
                return Ok(arrival);
            }
            if let Some(asking) = &mut self.asking {
                let asked = asking.await;
                self.asking = None;
                let (answers, typed, strays) = asked.unwrap_or_default();
                (self.answers, self.strays) = (answers, strays);
                self.waiting.push_back(Arrival::Answers(answers));
                self.deliver(typed);
                continue;
            }
            let stream = self.stream.get_or_insert_with(EventStream::new);
            let first = stream.next().await.unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
            let mut read = vec![first];
            rest_of_read(&mut read);
            self.take(read);
        }
    }
}

impl Input {
    /// What was read at once.
    fn take(&mut self, read: Vec<Event>) {
        let mut typed = Vec::with_capacity(read.len());
        for event in read {
            let (events, background) = self.strays.pass(event);
            typed.extend(events);
            if background.is_some() {
                self.answers.background = background;
                self.waiting.push_back(Arrival::Answers(self.answers));
            }
        }
        self.deliver(typed);
    }

    fn deliver(&mut self, typed: Vec<Event>) {
        let typed = self.bursts.gather(typed, Instant::now());
        self.waiting.extend(typed);
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // The stream first: it wakes its thread, which lets go of the terminal.
        self.stream = None;
        if let Some(reader) = self.reader.take()
            && reader.join().is_err()
        {
            tracing::debug!("the reader of the terminal's answers panicked");
        }
    }
}

/// What came in one read with a printable key: the stream gives one event at a time, each by way of its thread.
fn rest_of_read(read: &mut Vec<Event>) {
    while read.len() < READ_MAX && read.last().is_some_and(is_printed) {
        let is_more = (0..LOOKS).any(|_| crossterm::event::poll(LOOK).unwrap_or(false));
        match is_more.then(crossterm::event::read) {
            Some(Ok(event)) => read.push(event),
            // A fault is the stream's to tell.
            Some(Err(_)) | None => return,
        }
    }
}

/// Reads until the device report, or until the time is up.
fn read_answers() -> io::Result<Asked> {
    let stdin = rustix::stdio::stdin();
    let before = tcgetattr(stdin)?;
    let mut timed: Termios = before.clone();
    // A read that answers with nothing when nothing comes.
    timed.special_codes[SpecialCodeIndex::VMIN] = 0;
    timed.special_codes[SpecialCodeIndex::VTIME] = ANSWER_TENTHS;
    set(&timed);
    let mut reading = Reading::default();
    let end = Instant::now() + ANSWER_TIME;
    let mut bytes = [0; 512];
    while !reading.answers.complete && Instant::now() < end {
        match rustix::io::read(stdin, &mut bytes) {
            Ok(0) => break,
            Ok(count) => reading.take(&bytes[..count]),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => {
                set(&before);
                return Err(error.into());
            }
        }
    }
    set(&before);
    Ok(reading.end())
}

/// Not when the terminal was given back meanwhile: it has its own modes then.
fn set(modes: &Termios) {
    while_entered(|| {
        if let Err(error) = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, modes) {
            tracing::debug!(%error, "the terminal keeps its read mode");
        }
    });
}
