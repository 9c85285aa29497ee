//! How much one key may have at once, and how much of it in a second: nobody takes the hub from the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::model::{Code, Fault};

/// Connections that are open with one key.
pub const CONNECTIONS_OF_KEY_MAX: usize = 50;
/// Events that are published with one key, in the long run and at once.
pub const PUBLISHES_PER_S: u32 = 1_000;
pub const PUBLISHES_AT_ONCE: u32 = 2_000;
/// Keys whose use is kept in mind; a bucket that is full again says nothing and goes first.
const KEYS_MAX: usize = 4_096;

/// Connections by key.
#[derive(Clone, Default)]
pub struct Seats(Arc<Mutex<HashMap<String, usize>>>);

/// One connection of a key, while it lives.
pub struct Seat {
    key: String,
    seats: Seats,
}

impl Seats {
    /// The connection whose seat this is asks with this key.
    pub fn take(&self, seat: &Mutex<Option<Seat>>, key: &str) -> Result<(), Fault> {
        let mut seat = seat.lock().unwrap_or_else(PoisonError::into_inner);
        if seat.as_ref().is_some_and(|seat| seat.key == key) {
            return Ok(());
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(key.to_owned()).or_default();
        if *taken >= CONNECTIONS_OF_KEY_MAX {
            return Err(Fault::new(
                Code::Busy,
                format!("{CONNECTIONS_OF_KEY_MAX} connections are open with this key"),
            )
            .hint("close one, or make another key for another program"));
        }
        *taken += 1;
        drop(all);
        *seat = Some(Seat { key: key.to_owned(), seats: self.clone() });
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.key) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.key);
            }
        }
    }
}

/// What each key may still publish: a bucket that fills by so much a second and holds so much.
#[derive(Debug, Default)]
pub struct Rates(Mutex<HashMap<String, Bucket>>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn filled(self, now: Instant) -> Bucket {
        let more = now.duration_since(self.at).as_secs_f64() * f64::from(PUBLISHES_PER_S);
        Bucket { left: (self.left + more).min(f64::from(PUBLISHES_AT_ONCE)), at: now }
    }
}

impl Rates {
    /// Takes so many events out of the key's bucket, or none, and says when there will be enough.
    pub fn take(&self, key: &str, events: usize, now: Instant) -> Result<(), (Fault, Duration)> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEYS_MAX && !all.contains_key(key) {
            all.retain(|_, bucket| bucket.filled(now).left < f64::from(PUBLISHES_AT_ONCE));
        }
        let full = Bucket { left: f64::from(PUBLISHES_AT_ONCE), at: now };
        let bucket = all.entry(key.to_owned()).or_insert(full);
        *bucket = bucket.filled(now);
        let wanted = events as f64;
        if wanted <= bucket.left {
            bucket.left -= wanted;
            return Ok(());
        }
        let wait = Duration::from_secs_f64((wanted - bucket.left) / f64::from(PUBLISHES_PER_S));
        let fault = Fault::new(
            Code::Busy,
            format!("this key publishes over {PUBLISHES_PER_S} events a second"),
        )
        .hint(format!(
            "up to {PUBLISHES_AT_ONCE} at once are taken; ask again after the seconds in `Retry-After`"
        ));
        Err((fault, wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_so_many_connections_and_another_has_its_own() {
        let seats = Seats::default();
        let connections: Vec<Mutex<Option<Seat>>> =
            (0..=CONNECTIONS_OF_KEY_MAX).map(|_| Mutex::default()).collect();
        let (last, first) = connections.split_last().unwrap();
        for connection in first {
            seats.take(connection, "ci").unwrap();
            seats.take(connection, "ci").unwrap();
        }
        assert_eq!(seats.take(last, "ci").unwrap_err().code, Code::Busy);
        seats.take(last, "other").unwrap();
        assert_eq!(seats.take(last, "ci").unwrap_err().code, Code::Busy);
        drop(connections);
        assert!(seats.0.lock().unwrap().is_empty());
    }

    #[test]
    fn publishing_has_a_burst_and_a_rate() {
        let (rates, now) = (Rates::default(), Instant::now());
        rates.take("ci", 1_000, now).unwrap();
        rates.take("ci", 1_000, now).unwrap();
        let (fault, wait) = rates.take("ci", 500, now).unwrap_err();
        assert_eq!((fault.code, wait), (Code::Busy, Duration::from_millis(500)));
        rates.take("other", 1, now).unwrap();
        let later = now + wait;
        rates.take("ci", 500, later).unwrap();
        assert!(rates.take("ci", 1, later).is_err());
        // What was not used for long is not saved up.
        let much_later = later + Duration::from_secs(3_600);
        rates.take("ci", PUBLISHES_AT_ONCE as usize, much_later).unwrap();
        assert!(rates.take("ci", 1, much_later).is_err());
    }

    #[test]
    fn what_is_kept_in_mind_has_a_bound() {
        let (rates, now) = (Rates::default(), Instant::now());
        for n in 0..3 * KEYS_MAX {
            rates.take(&n.to_string(), 1, now + Duration::from_millis(n as u64)).unwrap();
        }
        assert!(rates.0.lock().unwrap().len() <= KEYS_MAX);
    }
}
