//! The backlog: texts in the index that have no vector yet, made one after the other in the background, newest first.
//!
//! Nothing of it is kept: what is missing is seen by looking, so it goes on where it was after a kill, and whoever opens
//! the hub next finishes it. It stands back behind everything else and sleeps without a timer when there is nothing to do.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    content::Content,
    erase,
    meaning::{Key, LearnError, Meaning, Slot, panic_words},
    shard::{IndexError, Seat},
    stand_back,
    writer::Shared,
};

/// Texts taken from the index at a time.
const BATCH: usize = 16;
/// Before it begins.
const PATIENCE: Duration = Duration::from_millis(300);
/// After a model or a disk that failed, the next try.
const RETRY: Duration = Duration::from_secs(30);
/// The rate is that of the last so many texts.
const RATE_OVER: usize = 64;

#[derive(Default)]
struct State {
    /// Something may have come.
    woken: bool,
    closed: bool,
    /// Texts are being read.
    busy: bool,
    /// Somebody keeps it from reading more.
    held: bool,
    /// Texts a second, while there is something to do.
    rate_per_s: f64,
    failure: Option<String>,
}

#[derive(Default)]
pub(super) struct Backlog {
    state: Mutex<State>,
    changed: Condvar,
}

impl Backlog {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks again.
    pub(super) fn wake(&self) {
        let mut state = self.state();
        if !std::mem::replace(&mut state.woken, true) {
            drop(state);
            self.changed.notify_all();
        }
    }

    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    pub(super) fn rate(&self) -> f64 {
        self.state().rate_per_s
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn is_held(&self) -> bool {
        self.state().held
    }

    /// Waits until no text is in hand; none is taken, and no vector made, as long as this is kept. One keeps it at a
    /// time.
    pub(super) fn hold(&self) -> Hold<'_> {
        let wait = |state, until: fn(&mut State) -> bool| {
            self.changed.wait_while(state, until).unwrap_or_else(PoisonError::into_inner)
        };
        let mut state = wait(self.state(), |state| state.held);
        state.held = true;
        drop(wait(state, |state| state.busy));
        Hold(self)
    }

    /// Begins to read, unless it closes first.
    fn begin(&self) {
        let state = self.state();
        let waited = self.changed.wait_while(state, |state| state.held && !state.closed);
        waited.unwrap_or_else(PoisonError::into_inner).busy = true;
    }

    fn end(&self) {
        self.state().busy = false;
        self.changed.notify_all();
    }

    /// For so long, or until it closes.
    fn rest(&self, patience: Duration) {
        let state = self.state();
        drop(self.changed.wait_timeout_while(state, patience, |state| !state.closed));
    }

    /// Until something may have come; `false` when it closes.
    fn wait(&self) -> bool {
        let mut state = self.state();
        while !state.woken && !state.closed {
            state = match state.failure {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(_) => {
                    let waited = self.changed.wait_timeout(state, RETRY);
                    let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                    state.woken |= timeout.timed_out();
                    state
                }
            };
        }
        state.woken = false;
        !state.closed
    }
}

/// Nothing is read meanwhile.
pub(super) struct Hold<'a>(&'a Backlog);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.held = false;
        state.woken = true;
        drop(state);
        self.0.changed.notify_all();
    }
}

/// Starts the thread; it ends when the backlog is closed.
pub(super) fn start(shared: &Arc<Shared>, meaning: Meaning) -> std::io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    std::thread::Builder::new().name("backlog".to_owned()).spawn(move || {
        stand_back();
        let mut pace = Pace::default();
        // A hub that is there for one command has no time for this, and loads no model.
        shared.backlog.rest(PATIENCE);
        if !shared.backlog.is_closed() {
            // So that the first question does not wait for it.
            meaning.load();
        }
        while shared.backlog.wait() {
            let mut going = true;
            while going && !shared.backlog.is_closed() {
                shared.backlog.begin();
                let stepped = catch_unwind(AssertUnwindSafe(|| step(&shared, &meaning, &mut pace)));
                shared.backlog.end();
                going = stepped.unwrap_or_else(|panic| {
                    tell(&shared, 0.0, Some(format!("it panicked: {}", panic_words(&*panic))));
                    false
                });
            }
            erase::shrink(&shared);
        }
    })
}

/// Works off a batch; answers whether to go on at once.
fn step(shared: &Shared, meaning: &Meaning, pace: &mut Pace) -> bool {
    // Where the index is damaged, whoever reads it next begins it anew, and wakes this.
    let Ok(batch) = missing(&shared.read(), BATCH) else { return false };
    if batch.is_empty() {
        *pace = Pace::default();
        tell(shared, 0.0, None);
        return false;
    }
    for (key, text) in &batch {
        if shared.backlog.is_closed() {
            return false;
        }
        if shared.backlog.is_held() {
            break;
        }
        if let Err(error) = meaning.learn(*key, text) {
            let why = match error {
                LearnError::Mute(mute) => format!("the model: {}", mute.0),
                LearnError::File(error) => format!("keeping vectors: {error}"),
            };
            tracing::warn!(why, "texts get no vectors");
            tell(shared, 0.0, Some(why));
            return false;
        }
        pace.learned();
    }
    let slots = meaning.slots(batch.iter().map(|(key, _)| key));
    let slots: HashMap<Key, Slot> =
        batch.iter().zip(slots).filter_map(|((key, _), slot)| Some((*key, slot?))).collect();
    publish(&shared.read().seats(), &slots);
    // After they are seen: an answer kept before that would otherwise pass for one that saw them.
    meaning.published();
    tell(shared, pace.rate(), None);
    true
}

fn tell(shared: &Shared, rate_per_s: f64, failure: Option<String>) {
    let mut state = shared.backlog.state();
    state.rate_per_s = rate_per_s;
    state.failure = failure;
    drop(state);
    shared.backlog_moved();
}

/// The newest live texts without a vector.
fn missing(content: &Content, max: usize) -> Result<Vec<(Key, String)>, IndexError> {
    let mut batch = Vec::new();
    for Seat { shard, dead } in content.seats().iter().rev() {
        let table = shard.table();
        for memory in (0..table.memories() as u32).rev().filter(|memory| !dead.has(*memory)) {
            for chunk in table.chunks_of(memory).filter(|chunk| table.slot(*chunk).is_none()) {
                batch.push((table.keys[chunk as usize], shard.shown(chunk)?.read()));
                if batch.len() == max {
                    return Ok(batch);
                }
            }
        }
    }
    Ok(batch)
}

/// Shows the new vectors to searches.
fn publish(seats: &[Seat<'_>], slots: &HashMap<Key, Slot>) {
    for Seat { shard, .. } in seats {
        let table = shard.table();
        for (chunk, key) in table.keys.iter().enumerate() {
            if table.slot(chunk as u32).is_none()
                && let Some(slot) = slots.get(key)
            {
                table.set_slot(chunk as u32, *slot);
            }
        }
    }
}

/// How fast it goes.
#[derive(Default)]
struct Pace(VecDeque<Instant>);

impl Pace {
    fn learned(&mut self) {
        if self.0.len() == RATE_OVER {
            self.0.pop_front();
        }
        self.0.push_back(Instant::now());
    }

    /// Texts a second.
    fn rate(&self) -> f64 {
        match (self.0.front(), self.0.back()) {
            (Some(first), Some(last)) if last > first => {
                (self.0.len() - 1) as f64 / last.duration_since(*first).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}
