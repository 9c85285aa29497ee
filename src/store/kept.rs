//! Reading the records beside memories.

use super::{
    Store,
    records::{DEAD, Kept, LIVE, NUMBERS, OF_JOB, UPDATED},
};
use crate::model::{
    Decision, DecisionNumber, Fault, Id, Key, Unique,
    job::{Job, JobState, Run},
};

impl Store {
    pub fn decision(&self, id: Id) -> Result<Option<Decision>, Fault> {
        self.kept(id)
    }

    pub fn decision_numbered(&self, number: DecisionNumber) -> Result<Option<Decision>, Fault> {
        self.holder(&Unique::Number(number))
    }

    /// The highest number of a decision so far.
    pub fn highest_decision(&self) -> Result<Option<DecisionNumber>, Fault> {
        let mut highest = None;
        self.walk(&[NUMBERS], None, &mut |_, decision: Decision| {
            highest = Some(decision.number);
            false
        })?;
        Ok(highest)
    }

    /// Decisions, last changed first, behind a place that was given with one before; `false` stops.
    pub fn decisions(
        &self,
        after: Option<&str>,
        each: &mut dyn FnMut(Place, Decision) -> bool,
    ) -> Result<(), Fault> {
        self.walk(&[UPDATED], after, each)
    }

    pub fn job(&self, id: Id) -> Result<Option<Job>, Fault> {
        self.kept(id)
    }

    pub fn job_called(&self, slug: &str) -> Result<Option<Job>, Fault> {
        self.holder(&Unique::Slug(slug.to_owned()))
    }

    /// Every job there is, oldest first.
    pub fn jobs(&self) -> Result<Vec<Job>, Fault> {
        let mut jobs = Vec::new();
        let view = self.core.complete_view()?;
        view.records.all_kept(&mut |job| jobs.push(job)).map_err(|error| self.core.unreadable(error))?;
        Ok(jobs)
    }

    /// Every key there is, oldest first.
    pub fn keys(&self) -> Result<Vec<Key>, Fault> {
        let mut keys = Vec::new();
        let view = self.core.complete_view()?;
        view.records.all_kept(&mut |key| keys.push(key)).map_err(|error| self.core.unreadable(error))?;
        Ok(keys)
    }

    /// Where the scheduler stands with a job.
    pub fn job_state(&self, job: Id) -> Result<Option<JobState>, Fault> {
        self.kept(job)
    }

    pub fn run(&self, id: Id) -> Result<Option<Run>, Fault> {
        self.kept(id)
    }

    /// Runs of a job, newest first, behind a place that was given with one before; `false` stops.
    pub fn runs(
        &self,
        job: Id,
        which: Runs,
        after: Option<&str>,
        each: &mut dyn FnMut(Place, Run) -> bool,
    ) -> Result<(), Fault> {
        let order = match which {
            Runs::All => OF_JOB,
            Runs::Live => LIVE,
            Runs::Dead => DEAD,
        };
        self.walk(&[&[order], &job.as_bytes()[..]].concat(), after, each)
    }

    fn kept<K: Kept>(&self, id: Id) -> Result<Option<K>, Fault> {
        let found = self.core.view()?.records.kept(id).map_err(|error| self.core.unreadable(error))?;
        self.or_absent(found)
    }

    fn holder<K: Kept>(&self, unique: &Unique) -> Result<Option<K>, Fault> {
        let found = self.core.view()?.records.holder(unique).map_err(|error| self.core.unreadable(error))?;
        self.or_absent(found)
    }

    /// What a view that is still being made does not hold may be in the log.
    fn or_absent<K>(&self, found: Option<K>) -> Result<Option<K>, Fault> {
        if found.is_none() {
            self.core.complete_view()?;
        }
        Ok(found)
    }

    fn walk<K: Kept>(
        &self,
        order: &[u8],
        after: Option<&str>,
        each: &mut dyn FnMut(Place, K) -> bool,
    ) -> Result<(), Fault> {
        let after = after.map(Place::bytes).transpose()?;
        let view = self.core.complete_view()?;
        view.records
            .walk(order, after.as_deref(), &mut |place, record| each(Place(place.to_owned()), record))
            .map_err(|error| self.core.unreadable(error))
    }
}

/// Which runs of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    All,
    /// Something is still to come of them.
    Live,
    /// Failed for good, and nobody has seen to them.
    Dead,
}

/// Where a record stands in an order; the next page begins behind it.
pub struct Place(Vec<u8>);

impl Place {
    fn bytes(text: &str) -> Result<Vec<u8>, Fault> {
        let digits = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(digits).collect();
        bytes.ok_or_else(|| {
            Fault::invalid(format!("{text:?} is no page of this list"))
                .hint("pass `next` back as the page before gave it")
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
