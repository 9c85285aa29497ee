//! Faults, counted by their code.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::model::Code;

#[derive(Default)]
pub struct Errors([AtomicU64; Code::ALL.len()]);

impl Errors {
    pub fn count(&self, code: Code) {
        self.0[code as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Those that came, by the code's word.
    pub fn by_code(&self) -> BTreeMap<String, u64> {
        let counts = Code::ALL.iter().map(|code| (code.word().to_owned(), self.of(*code)));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Those that are the hub's doing and not its caller's.
    pub fn of_the_hub(&self) -> u64 {
        use Code::{Bug, Busy, Damaged, Full, Timeout, Unavailable};
        [Busy, Unavailable, Timeout, Full, Damaged, Bug].iter().map(|code| self.of(*code)).sum()
    }

    fn of(&self, code: Code) -> u64 {
        self.0[code as usize].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_own_count() {
        let errors = Errors::default();
        for (times, code) in Code::ALL.into_iter().enumerate() {
            (0..times).for_each(|_| errors.count(code));
        }
        let counts = errors.by_code();
        assert_eq!(counts.len(), Code::ALL.len() - 1, "what did not come is not listed");
        for (times, code) in Code::ALL.into_iter().enumerate().skip(1) {
            assert_eq!(counts[code.word()], times as u64);
        }
        assert!(errors.of_the_hub() < counts.values().sum());
    }
}
