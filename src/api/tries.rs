//! Bad tries, counted by where they come from, so that nobody tries keys for long.
//!
//! A key that holds is let in all the same: one client with an old key does not lock out the others behind its address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Bad tries of one address within [`WINDOW`]; the next ones hear that they are too many.
pub const TRIES_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses that are kept in mind; those of old windows go first, and with more than this at once all are new.
const ADDRESSES_MAX: usize = 4_096;

#[derive(Debug, Default)]
pub struct Tries(Mutex<HashMap<IpAddr, Window>>);

#[derive(Debug)]
struct Window {
    begun: Instant,
    bad: u32,
    /// Since it was told last that somebody was not let in.
    untold: u64,
    told: Option<Instant>,
}

/// What is to be done about somebody who was not let in.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    pub too_many: bool,
    /// To be told, with how many were not since the last time.
    pub tell: Option<u64>,
}

impl Tries {
    /// Somebody was not let in; a try is what might have been a key.
    pub fn count(&self, from: IpAddr, is_try: bool, now: Instant) -> Verdict {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ADDRESSES_MAX {
            all.retain(|_, window| now.duration_since(window.begun) < WINDOW);
            if all.len() >= ADDRESSES_MAX {
                all.clear();
            }
        }
        let window = all.entry(of(from)).or_insert(Window { begun: now, bad: 0, untold: 0, told: None });
        if now.duration_since(window.begun) >= WINDOW {
            (window.begun, window.bad) = (now, 0);
        }
        window.bad = window.bad.saturating_add(u32::from(is_try));
        let is_time = window.told.is_none_or(|told| now.duration_since(told) >= WINDOW);
        let tell = is_time.then(|| std::mem::take(&mut window.untold));
        match tell {
            Some(_) => window.told = Some(now),
            None => window.untold += 1,
        }
        Verdict { too_many: is_try && window.bad > TRIES_MAX, tell }
    }
}

/// A machine has a whole network of IPv6 addresses.
fn of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_a_minute_and_told_once() {
        let (tries, now) = (Tries::default(), Instant::now());
        let (here, there): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert_eq!(tries.count(here, true, now), Verdict { too_many: false, tell: Some(0) });
        for _ in 1..TRIES_MAX {
            assert_eq!(tries.count(here, true, now), Verdict { too_many: false, tell: None });
        }
        assert!(tries.count(here, true, now).too_many);
        assert!(!tries.count(here, false, now).too_many, "who brings no key tries none");
        assert!(!tries.count(there, true, now).too_many);
        let later = now + WINDOW;
        assert_eq!(tries.count(here, true, later), Verdict { too_many: false, tell: Some(11) });
    }

    #[test]
    fn a_network_is_one_and_memory_has_a_bound() {
        let (tries, now) = (Tries::default(), Instant::now());
        for n in 0..=TRIES_MAX {
            let address = format!("2001:db8:1:2::{n:x}").parse().unwrap();
            assert_eq!(tries.count(address, true, now).too_many, n == TRIES_MAX);
        }
        for n in 0..2 * ADDRESSES_MAX as u32 {
            tries.count(std::net::Ipv4Addr::from(n).into(), true, now);
        }
        assert!(tries.0.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
