//! What is asked of the hub, when, and what becomes of the answers.

use std::time::Duration;

use super::Health;
use crate::{
    console::{
        effect::{Ask, TrendsFrom},
        scene::{Out, Scene},
    },
    door::{Health as Found, TREND_POINTS_MAX, Trends},
    model::{Fault, Time},
};

/// While it is on screen.
const EVERY: Duration = Duration::from_secs(10);
/// Changes that come together are one.
const REFRESH: Duration = Duration::from_millis(250);

impl Health {
    pub(super) fn ask(&mut self, scene: &Scene, out: &mut Out) {
        if self.asked.is_some() || !scene.hub.is_live() {
            return;
        }
        self.stale_since = None;
        self.asked_at = Some(scene.now);
        self.generation += 1;
        self.asked = Some(self.generation);
        let trends = self.is_shown().then(|| match self.trends.points.last() {
            Some(last) => TrendsFrom::After(last.at),
            None => TrendsFrom::Start,
        });
        out.ask(Ask::Health { generation: self.generation, trends });
    }

    pub(super) fn came(
        &mut self,
        generation: u64,
        result: Result<(Box<Found>, Option<Trends>), Fault>,
        scene: &Scene,
    ) {
        if self.asked.take_if(|asked| *asked == generation).is_none() {
            return;
        }
        match result {
            Ok((found, trends)) => {
                let kept = self.selected().map(|(name, _)| name.clone());
                self.found = Some(found);
                self.found_at = Some(scene.now);
                self.fault = None;
                if let Some(trends) = trends {
                    self.join(trends);
                }
                self.settle();
                let place =
                    |name: &String| self.found.as_ref()?.components.keys().position(|key| key == name);
                if let Some(row) = kept.as_ref().and_then(place) {
                    self.list.select(row);
                }
            }
            Err(fault) => self.fault = Some(fault),
        }
    }

    /// Steps that are new, after those that are here.
    fn join(&mut self, fresh: Trends) {
        let last = self.trends.points.last().map(|point| point.at);
        let skip = fresh.points.iter().take_while(|point| last.is_some_and(|last| point.at <= last)).count();
        let before = self.trends.points.len();
        self.trends.step_ms = fresh.step_ms;
        self.trends.points.extend_from_slice(&fresh.points[skip..]);
        for (name, values) in &fresh.latencies_ms {
            let known = self.trends.latencies_ms.entry(name.clone()).or_default();
            known.resize(before, None);
            known.extend(values.iter().skip(skip));
        }
        let len = self.trends.points.len();
        let gone = len.saturating_sub(TREND_POINTS_MAX);
        self.trends.points.drain(..gone);
        for values in self.trends.latencies_ms.values_mut() {
            values.resize(len, None);
            values.drain(..gone);
        }
    }

    /// The door is there (again): another hub may have another past.
    pub(super) fn hub_is_there(&mut self, scene: &Scene, out: &mut Out) {
        self.asked = None;
        self.trends = Trends::default();
        self.ask(scene, out);
    }

    pub(super) fn changed(&mut self, scene: &Scene) {
        self.stale_since.get_or_insert(scene.now);
    }

    /// When it is to be asked for: after a change, and now and then while it is seen.
    pub(super) fn due(&self) -> Option<Time> {
        let next = |pause| self.asked_at.map_or(Time::from_unix_ms(0), |at| at.plus(pause));
        let stale = self.stale_since.map(|since| since.max(next(REFRESH)));
        let seen = self.is_shown().then(|| match self.trends.points.is_empty() {
            true => next(REFRESH * 8),
            false => next(EVERY),
        });
        stale.into_iter().chain(seen).min().filter(|_| self.asked.is_none())
    }

    pub(super) fn refresh(&mut self, scene: &Scene, out: &mut Out) {
        if self.due().is_some_and(|due| scene.now >= due) {
            self.ask(scene, out);
        }
    }

    /// How old what is shown is, where that is more than it should be.
    pub(super) fn age(&self, now: Time) -> Option<Duration> {
        self.found_at.map(|at| now.since(at)).filter(|age| *age >= EVERY * 2)
    }
}
