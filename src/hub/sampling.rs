//! Which of the searches that are answered are told as events: each while they are few, one in so many when they are not.
//!
//! By correlation, so that of what belongs together either all is told or nothing. How many were answered is counted
//! elsewhere, and exactly.

use std::{
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::model::Id;

/// Searches of one second that are told each.
pub const TOLD_EACH_PER_S: u32 = 20;
const SECOND: Duration = Duration::from_secs(1);

/// One in how many is told beyond that; 1 tells each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneIn(pub NonZeroU32);

impl Default for OneIn {
    fn default() -> OneIn {
        OneIn(NonZeroU32::new(10).expect("not zero"))
    }
}

pub struct Sampler {
    one_in: OneIn,
    second: Mutex<Second>,
}

/// What was asked in the second that began then.
#[derive(Debug, Default)]
struct Second {
    began: Duration,
    asked: u32,
}

impl Sampler {
    pub fn new(one_in: OneIn) -> Sampler {
        Sampler { one_in, second: Mutex::default() }
    }

    /// Whether the one with this correlation is told, and for how many it then stands. `now` is that of a clock which
    /// never goes back.
    pub fn picks(&self, correlation: Id, now: Duration) -> Option<Option<NonZeroU32>> {
        let OneIn(n) = self.one_in;
        if n.get() == 1 || self.is_one_of_few(now) {
            return Some(None);
        }
        let [a, b, c, d, ..] = *blake3::hash(correlation.as_bytes()).as_bytes();
        (u32::from_le_bytes([a, b, c, d]) % n == 0).then_some(Some(n))
    }

    fn is_one_of_few(&self, now: Duration) -> bool {
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(second.began) >= SECOND {
            *second = Second { began: now, asked: 0 };
        }
        second.asked = second.asked.saturating_add(1);
        second.asked <= TOLD_EACH_PER_S
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Time, tasks::Clock};

    #[test]
    fn few_are_told_each_and_of_many_one_in_so_many() {
        let clock = Clock::fixed(Time::default());
        let ids: Vec<Id> = (0..10_000).map(|_| clock.id()).collect();
        let sampler = Sampler::new(OneIn::default());
        let now = Duration::from_millis(500);
        let told = |now| ids.iter().filter_map(|id| sampler.picks(*id, now)).collect::<Vec<_>>();
        let first = told(now);
        assert!(first[..20].iter().all(Option::is_none));
        assert!(first[20..].iter().all(|rate| rate.is_some_and(|rate| rate.get() == 10)));
        // 9,980 with a tenth each: 998, and 30 a standard deviation.
        assert!((850..1_150).contains(&first.len()), "{}", first.len());
        let again = told(now);
        assert_eq!(
            again.len(),
            ids.iter().filter(|id| sampler.picks(**id, now).is_some()).count(),
            "always the same"
        );
        let next = told(now + SECOND);
        assert!(next[..20].iter().all(Option::is_none), "another second");
        let each = Sampler::new(OneIn(NonZeroU32::MIN));
        assert!(ids.iter().all(|id| each.picks(*id, now) == Some(None)));
    }
}
