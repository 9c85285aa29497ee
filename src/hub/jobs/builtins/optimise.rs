//! `memory_optimisation`: of memories that say the same the elder stays and takes the place of the others, and those whose
//! time has passed are archived. Each is an ordinary revision, in the memory's history, and named in the run's log. What says
//! nearly the same is only told, and the cleaner is asked to give back the room that is no longer needed.

mod near;

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use self::near::Near;

use super::clean;
use crate::{
    door::{Caller, MemoryPatch},
    hub::{Hub, jobs::attempt::Attempt, memories, told::hub_caller},
    model::{Code, Fault, Id, Memory, Status, Time, job::Progress},
    store::Store,
};

/// Changed in one run; the next goes on.
const CHANGES_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Real,
    /// Says what would be done.
    Dry,
}

/// What is to be done.
#[derive(Debug, Default)]
struct Plan {
    /// The younger, and the elder that says the same.
    equal: Vec<(Id, Id)>,
    expired: Vec<Id>,
    looked_at: u64,
}

pub async fn run(attempt: Arc<Attempt>, mode: Mode) -> Result<(), Fault> {
    let hub = &attempt.hub;
    let now = hub.clock.now();
    let asked = attempt.asked.clone();
    let plan = hub.read(move |store| plan(store, now, &|| !asked.is_cancelled())).await?;
    attempt.go_on()?;
    attempt.note(&format!(
        "{} memories looked at: {} say what an elder one says, {} have expired",
        plan.looked_at,
        plan.equal.len(),
        plan.expired.len()
    ));
    let gone: HashSet<Id> =
        plan.equal.iter().map(|(id, _)| *id).chain(plan.expired.iter().copied()).collect();
    let near =
        near::find(&attempt, move |memory| memory.status.is_current() && !gone.contains(&memory.id)).await?;
    suggest(&attempt, &near);
    let caller = Caller { correlation: attempt.run.id, ..hub_caller(hub) };
    let total = (plan.equal.len() + plan.expired.len()) as u64;
    let (mut done, mut left) = (0, 0);
    for (id, elder) in plan.equal {
        attempt.go_on()?;
        let said = format!("{id} is superseded by {elder}, which says the same");
        step(&attempt, mode, &said, memories::merge(hub, &caller, id, elder), &mut left).await?;
        done += 1;
        advance(&attempt, done, total).await;
    }
    for id in plan.expired {
        attempt.go_on()?;
        let said = format!("{id} is archived: it has expired");
        step(&attempt, mode, &said, archive(hub, &caller, id), &mut left).await?;
        done += 1;
        advance(&attempt, done, total).await;
    }
    let ending = match mode {
        Mode::Dry => "nothing was changed: this was a dry run".to_owned(),
        Mode::Real if left > 0 => {
            format!("{} changed, {left} left alone: they changed meanwhile", done - left)
        }
        Mode::Real => format!("{done} changed; `wheelhouse history ID` shows each as it was"),
    };
    attempt.note(&ending);
    match mode {
        Mode::Dry => attempt.note("the cleaner is asked for compaction by the job itself"),
        Mode::Real => {
            attempt.go_on()?;
            clean(&attempt).await?;
        }
    }
    Ok(())
}

/// What may say the same, for somebody to look at.
fn suggest(attempt: &Attempt, near: &Near) {
    near.pairs.iter().for_each(|pair| attempt.note(&pair.words()));
    let mut words = format!("{} of {} memories may say what an elder one says", near.found, near.looked_at);
    if near.found > near.pairs.len() {
        words.push_str(&format!("; the nearest {} are listed", near.pairs.len()));
    }
    if near.found > 0 {
        words.push_str("; none is merged by itself");
    }
    if near.not_by_meaning > 0 {
        words.push_str(&format!(
            "; {} elder ones were held against others by their words alone",
            near.not_by_meaning
        ));
    }
    if near.older > 0 {
        words.push_str(&format!("; {} elder ones were not looked at", near.older));
    }
    attempt.note(&words);
}

/// One change, unless this is a dry run. What somebody changed meanwhile is left alone.
async fn step(
    attempt: &Attempt,
    mode: Mode,
    said: &str,
    change: impl Future<Output = Result<(), Fault>>,
    left: &mut u64,
) -> Result<(), Fault> {
    if mode == Mode::Real {
        match change.await {
            Err(fault) if matches!(fault.code, Code::Conflict | Code::NotFound) => {
                *left += 1;
                return Ok(());
            }
            done => done?,
        }
    }
    attempt.note(said);
    Ok(())
}

async fn advance(attempt: &Attempt, done: u64, total: u64) {
    if done.is_multiple_of(50) || done == total {
        let progress =
            Progress { done, total: Some(total), unit: "memories".to_owned(), note: String::new() };
        attempt.progress(progress).await;
    }
}

async fn archive(hub: &Arc<Hub>, caller: &Caller, id: Id) -> Result<(), Fault> {
    let patch = MemoryPatch { status: Some(Status::Archived), ..MemoryPatch::default() };
    memories::edit(hub, caller, id, patch, None).await.map(drop)
}

fn plan(store: &Store, now: Time, go_on: &dyn Fn() -> bool) -> Result<Plan, Fault> {
    let mut plan = Plan::default();
    // Of every text the eldest so far, by when it was made.
    let mut eldest: HashMap<[u8; 16], (Time, Id)> = HashMap::new();
    store.scan(&mut |stored| {
        let memory = &stored.memory;
        plan.looked_at += 1;
        if stored.hidden || !memory.status.is_current() {
            return go_on();
        }
        if memory.expires_at.is_some_and(|at| at <= now) {
            plan.expired.push(memory.id);
            return go_on() && plan.equal.len() + plan.expired.len() < CHANGES_MAX;
        }
        let mine = (memory.created_at, memory.id);
        match eldest.entry(text(memory)) {
            Entry::Vacant(vacant) => drop(vacant.insert(mine)),
            Entry::Occupied(mut occupied) => {
                let other = *occupied.get();
                let (elder, younger) = if mine < other { (mine, other) } else { (other, mine) };
                occupied.insert(elder);
                plan.equal.push((younger.1, elder.1));
            }
        }
        go_on() && plan.equal.len() + plan.expired.len() < CHANGES_MAX
    })?;
    Ok(plan)
}

/// Equal for memories that say the same, of one kind, in one project.
fn text(memory: &Memory) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in [memory.project.as_str(), &memory.kind, &memory.content_hash] {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    let mut short = [0; 16];
    hasher.finalize_xof().fill(&mut short);
    short
}
