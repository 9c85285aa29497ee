//! Room on the disk: told when it gets low, held back for the hub itself before it is gone.
//!
//! Looked at with every round of probes; within a second of a write, since a fast import fills a disk between two rounds;
//! and every two seconds while writes are refused, so that they resume by themselves.

use std::{sync::Arc, time::Duration};

use super::sound;
use crate::{
    hub::Hub,
    model::{Code, Fault},
    tasks::blocking,
};

const GB: u64 = 1_000_000_000;
/// Low: less than this is free, or of a smaller disk less than this part.
const LOW_BYTES: u64 = 10 * GB;
const LOW_PART: u64 = 10;
/// Critical: the hub stops taking writes.
const CRITICAL_BYTES: u64 = 5 * GB;
const CRITICAL_PART: u64 = 20;
/// After a write, the next look.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// While writes are refused.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

const _: () = assert!(CRITICAL_BYTES < LOW_BYTES && CRITICAL_PART > LOW_PART);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    #[default]
    Ample,
    Low,
    Critical,
}

impl Level {
    /// Left for a better one only with some to spare, so that it does not change with every file.
    fn of(free: u64, total: u64, before: Level) -> Level {
        let spare = |bound: u64, part: u64, held: bool| if held { bound + bound / part } else { bound };
        let critical = (total / CRITICAL_PART).min(CRITICAL_BYTES);
        let low = (total / LOW_PART).min(LOW_BYTES);
        if free < spare(critical, 5, before == Level::Critical) {
            Level::Critical
        } else if free < spare(low, 10, before >= Level::Low) {
            Level::Low
        } else {
            Level::Ample
        }
    }
}

/// What a look saw.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    pub free_bytes: u64,
    pub total_bytes: u64,
    pub level: Level,
}

impl Room {
    /// `41.2 GB free`, `190 MB of 2.0 GB free`.
    pub fn words(&self) -> String {
        let free = bytes(self.free_bytes);
        match self.level {
            Level::Ample => format!("{free} free"),
            Level::Low | Level::Critical => format!("{free} of {} free", bytes(self.total_bytes)),
        }
    }
}

fn bytes(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{} kB", n / 1_000),
        1_000_000..GB => format!("{} MB", n / 1_000_000),
        _ => format!("{:.1} GB", n as f64 / GB as f64),
    }
}

/// Looks, and holds room back or lets it go; none where the disk does not say.
pub fn look(hub: &Hub) -> Option<Room> {
    let found = rustix::fs::statvfs(&hub.data_dir).ok()?;
    let (free_bytes, total_bytes) = (found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize);
    // Over both, so that of two looks the later one holds.
    let mut level = sound(&hub.health.level);
    *level = Level::of(free_bytes, total_bytes, *level);
    let room = Room { free_bytes, total_bytes, level: *level };
    hub.store.hold((room.level == Level::Critical).then(|| refusal(&room)));
    Some(room)
}

fn refusal(room: &Room) -> Fault {
    Fault::new(Code::Full, "the disk is nearly full: nothing new is written")
        .cause(room.words())
        .hint("free some space; reads go on, `wheelhouse rm` works, and writes resume by themselves")
}

/// Starts the task; it ends with the hub.
pub fn start(hub: &Arc<Hub>) {
    let (watching, token) = (hub.clone(), hub.tasks.token());
    hub.tasks.spawn(async move {
        tokio::select! {
            () = token.cancelled() => {}
            () = watch(&watching) => {}
        }
    });
}

async fn watch(hub: &Arc<Hub>) {
    let (mut head, state) = (hub.store.head(), hub.store.state());
    loop {
        if state.borrow().held.is_some() {
            tokio::time::sleep(LOOK_AGAIN).await;
        } else if head.changed().await.is_err() {
            return;
        } else {
            tokio::time::sleep(LOOK_AFTER).await;
        }
        let looking = hub.clone();
        let looked = blocking(move || {
            look(&looking);
            Ok(())
        });
        if let Err(fault) = looked.await {
            hub.failed("looking for room", &fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    /// How the free megabytes of a disk are taken, one after the other.
    fn levels(total: u64, free_mb: &[u64]) -> Vec<Level> {
        let mut level = Level::Ample;
        let next = |free: &u64| {
            level = Level::of(free * MB, total, level);
            level
        };
        free_mb.iter().map(next).collect()
    }

    #[test]
    fn of_a_large_disk_bytes_count_and_of_a_small_one_its_part() {
        use Level::{Ample, Critical, Low};
        assert_eq!(levels(2_000 * GB, &[10_001, 9_999, 5_001, 4_999]), [Ample, Low, Low, Critical]);
        assert_eq!(levels(24 * MB, &[24, 3, 2, 1]), [Ample, Ample, Low, Critical]);
        assert_eq!(levels(252 * GB, &[30_000]), [Ample]);
        assert_eq!(levels(0, &[0]), [Ample], "what has no size has no bounds");
    }

    #[test]
    fn it_is_left_with_some_to_spare() {
        use Level::{Ample, Critical, Low};
        assert_eq!(
            levels(2_000 * GB, &[9_999, 10_001, 10_999, 11_000, 10_001]),
            [Low, Low, Low, Ample, Ample]
        );
        assert_eq!(
            levels(2_000 * GB, &[4_999, 5_001, 5_999, 6_000, 5_001]),
            [Critical, Critical, Critical, Low, Low]
        );
        assert_eq!(levels(2_000 * GB, &[4_999, 100_000]), [Critical, Ample]);
    }

    #[test]
    fn room_in_words() {
        let words = |free_bytes, level| Room { free_bytes, total_bytes: 2 * GB, level }.words();
        assert_eq!(words(41_240 * MB, Level::Ample), "41.2 GB free");
        assert_eq!(words(190 * MB, Level::Low), "190 MB of 2.0 GB free");
        assert_eq!(words(500_000, Level::Critical), "500 kB of 2.0 GB free");
    }
}
