//! Moments and events that came: which of them get a run.

use std::collections::BTreeMap;

use super::{
    Draft, Wanted,
    standing::{JUST, moment},
};
use crate::{
    jobs::machine::{CATCH_UP_SLOTS_MAX, LATE_MAX},
    model::{
        Time,
        job::{Missed, Skipped, Slot, Trigger, Why},
    },
};

impl Draft<'_> {
    pub(super) fn moments(&mut self) {
        let (table, now, from) = (&self.lane.table, self.now.wall, self.state.considered);
        if self.is_left() || self.lane.slot_after(from).is_none_or(|slot| slot > now) {
            return;
        }
        let late = now.minus(LATE_MAX).minus(JUST).max(from);
        let timely = table.newest(late, now, CATCH_UP_SLOTS_MAX);
        let caught_up = self.catch_up(from, late, timely.is_empty());
        // What lies before the first that runs, and between the last that is made up for and the first that is timely.
        let first = caught_up.first().copied();
        let gone_until = first.map_or(late, |first| first.minus(JUST));
        self.skip_moments(from, gone_until, Why::Missed);
        if let Some(first) = timely.first() {
            self.skip_moments(late, first.minus(JUST), Why::Missed);
        }
        if let Some(last) = timely.last().or(caught_up.last()) {
            self.state.considered = *last;
        } else {
            self.state.considered = late;
        }
        self.changed = true;
        let caught_up = caught_up.into_iter().map(|slot| moment(slot, Trigger::CatchUp));
        let timely = timely.into_iter().map(|slot| moment(slot, Trigger::Schedule));
        self.admit_all(caught_up.chain(timely).collect());
    }

    /// The slots after `from` and up to `until` that are made up for. The newest has one that is timely before it.
    fn catch_up(&self, from: Time, until: Time, none_is_timely: bool) -> Vec<Time> {
        let policy = self.lane.job.catch_up;
        let oldest = self.now.wall.minus(policy.window.duration()).minus(JUST).max(from);
        let most = match policy.missed {
            Missed::None => 0,
            Missed::Latest => usize::from(none_is_timely),
            Missed::All => CATCH_UP_SLOTS_MAX,
        };
        self.lane.table.newest(oldest, until, most)
    }

    pub(super) fn events(&mut self) {
        if self.is_left() || self.flight.events > 0 {
            return;
        }
        let Some(last) = self.lane.events.back() else { return };
        let now = self.now.wall;
        if let Some((slots, gone)) = &self.lane.overflow {
            let since = gone.recorded_at;
            let skipped = Skipped { why: Why::QueueFull, since, slots: *slots, at_least: false };
            self.skip(&event(gone.sequence, gone.recorded_at, Trigger::Event), skipped);
            self.flight.overflow = *slots;
        }
        let wanted = self.lane.events.iter().map(|seen| {
            let late = now.since(seen.recorded_at) > LATE_MAX;
            event(seen.sequence, seen.recorded_at, if late { Trigger::CatchUp } else { Trigger::Event })
        });
        let (missed, timely): (Vec<Wanted>, Vec<Wanted>) =
            wanted.partition(|wanted| wanted.trigger == Trigger::CatchUp);
        let policy = self.lane.job.catch_up;
        let most = match policy.missed {
            Missed::None => 0,
            Missed::Latest => usize::from(timely.is_empty()),
            Missed::All => CATCH_UP_SLOTS_MAX,
        };
        let within = missed.iter().filter(|slot| now.since(slot.moment) <= policy.window.duration()).count();
        let gone = missed.len() - within.min(most);
        if let Some(last) = gone.checked_sub(1).map(|last| &missed[last]) {
            let since = missed[0].moment;
            self.skip(last, Skipped { why: Why::Missed, since, slots: gone as u64, at_least: false });
        }
        self.state.seen = last.sequence;
        self.flight.events = self.lane.events.len();
        self.admit_all(missed[gone..].iter().cloned().chain(timely).collect());
        // Also when none got a run: what was looked at once is not looked at again.
        self.changed = true;
    }

    /// Makes the runs of slots, oldest first; those that went the same way for nothing share a record.
    fn admit_all(&mut self, wanted: Vec<Wanted>) {
        let mut skipped: BTreeMap<u8, (Wanted, Skipped)> = BTreeMap::new();
        for wanted in wanted {
            if let Err(why) = self.admit(&wanted) {
                let none = Skipped { why, since: wanted.moment, slots: 0, at_least: false };
                let entry = skipped.entry(why as u8).or_insert_with(|| (wanted.clone(), none));
                entry.0 = wanted;
                entry.1.slots += 1;
            }
        }
        for (last, skipped) in skipped.into_values() {
            self.skip(&last, skipped);
        }
    }
}

fn event(sequence: crate::model::Sequence, recorded_at: Time, trigger: Trigger) -> Wanted {
    Wanted { slot: Slot::Event(sequence), trigger, moment: recorded_at, by: None, retry_of: None }
}
