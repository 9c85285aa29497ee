//! Taking decisions from files: all of a batch and the links between them in one commit.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{TRIES, caught_up, check, decision_event, next, origin};
use crate::{
    door::{BATCH_MAX, Caller, DecisionTaken, DecisionsTaken, ImportedDecision, UpsertedAs},
    hub::Hub,
    model::{
        Change, Code, Commit, Decision, DecisionNumber, Fault, Id, Lane, Precondition, Projects, Unique,
    },
};

pub async fn import(
    hub: &Arc<Hub>,
    caller: &Caller,
    batch: Vec<ImportedDecision>,
) -> Result<DecisionsTaken, Fault> {
    if batch.len() > BATCH_MAX {
        return Err(Fault::invalid(format!(
            "{} decisions, at most {BATCH_MAX} fit in one import",
            batch.len()
        )));
    }
    if let Some(item) = batch.iter().find(|item| item.new.url.is_none()) {
        return Err(Fault::invalid(format!("the imported decision {:?} has no url", item.new.title))
            .hint("say where it comes from: it is known by that when it is imported again"));
    }
    let mut places = HashSet::new();
    if let Some(twice) =
        batch.iter().filter_map(|item| item.new.url.as_deref()).find(|url| !places.insert(*url))
    {
        return Err(Fault::invalid(format!("the url {twice:?} is in this import twice"))
            .hint("a decision is known by its url when it is imported again"));
    }
    let mut related = Vec::with_capacity(batch.len());
    for item in &batch {
        related.push(super::ids(hub, caller, &item.new.related).await?);
    }
    let mut head = hub.store.head();
    for attempt in 1.. {
        head.borrow_and_update();
        let known = Known::read(hub, caller).await?;
        let (commit, items) = plan(hub, caller, &batch, &related, known)?;
        if commit.changes.is_empty() {
            return Ok(DecisionsTaken { items, applied: true });
        }
        match hub.store.commit(commit).await {
            Ok(committed) => return Ok(DecisionsTaken { items, applied: committed.applied }),
            Err(fault) if fault.code == Code::Conflict && attempt < TRIES => caught_up(&mut head).await,
            Err(fault) => return Err(fault),
        }
    }
    unreachable!("the last attempt returns")
}

/// The decisions there are: by where they came from, and their numbers.
struct Known {
    by_url: HashMap<String, Decision>,
    numbers: HashSet<DecisionNumber>,
    highest: DecisionNumber,
}

impl Known {
    async fn read(hub: &Arc<Hub>, caller: &Caller) -> Result<Known, Fault> {
        let wall: Projects = caller.projects.clone();
        hub.read(move |store| {
            let mut known = Known {
                by_url: HashMap::new(),
                numbers: HashSet::new(),
                highest: store.highest_decision()?.unwrap_or_default(),
            };
            store.decisions(None, &mut |_, decision| {
                known.numbers.insert(decision.number);
                if let Some(url) = decision.origin.url.clone().filter(|_| wall.see(&decision.project)) {
                    known.by_url.insert(url, decision);
                }
                true
            })?;
            Ok(known)
        })
        .await
    }

    /// The wish where it is free, else the next number.
    fn number(&mut self, wish: Option<DecisionNumber>) -> DecisionNumber {
        let number = wish.filter(|wish| !self.numbers.contains(wish)).unwrap_or(self.highest.next());
        self.numbers.insert(number);
        self.highest = self.highest.max(number);
        number
    }
}

/// One commit of what is new or another one now.
fn plan(
    hub: &Hub,
    caller: &Caller,
    batch: &[ImportedDecision],
    related: &[Vec<Id>],
    mut known: Known,
) -> Result<(Commit, Vec<DecisionTaken>), Fault> {
    let before: Vec<Option<Decision>> =
        batch.iter().map(|item| known.by_url.remove(item.new.url.as_deref()?)).collect();
    let ids: Vec<Id> =
        before.iter().map(|before| before.as_ref().map_or_else(|| hub.clock.id(), |one| one.id)).collect();
    let mut commit = Commit { lane: Lane::Bulk, ..Commit::default() };
    let mut taken = Vec::with_capacity(batch.len());
    for (((item, before), id), named) in batch.iter().zip(before).zip(&ids).zip(related) {
        let number = before.as_ref().map_or_else(|| known.number(item.new.number), |before| before.number);
        let fresh = linked(hub, caller, item, (*id, number), &ids, named)?;
        let (decision, outcome) = match &before {
            None => (fresh, UpsertedAs::Taken),
            Some(before) => {
                let after = as_in_file(before, fresh);
                match after == *before {
                    true => (after, UpsertedAs::Unchanged),
                    false => (next(hub, caller, before, after), UpsertedAs::Changed),
                }
            }
        };
        taken.push(DecisionTaken { id: *id, number, outcome });
        if outcome == UpsertedAs::Unchanged {
            continue;
        }
        check(caller, &decision)?;
        match before {
            None => commit.preconditions.extend([
                Precondition::Absent { id: *id },
                Precondition::Vacant { unique: Unique::Number(number) },
            ]),
            Some(before) => {
                commit.preconditions.push(Precondition::Revision { id: *id, revision: before.revision })
            }
        }
        let kind = if outcome == UpsertedAs::Taken { "decision.recorded" } else { "decision.updated" };
        commit.events.push(decision_event(hub, caller, &decision, kind));
        commit.changes.push(Change::Decide { decision: Box::new(decision) });
    }
    Ok((commit, taken))
}

/// Its first revision, with its links to the others of the batch and to those that it names besides.
fn linked(
    hub: &Hub,
    caller: &Caller,
    item: &ImportedDecision,
    (id, number): (Id, DecisionNumber),
    ids: &[Id],
    named: &[Id],
) -> Result<Decision, Fault> {
    let at = |place: &usize| {
        ids.get(*place).copied().ok_or_else(|| Fault::invalid(format!("place {place} is not in this import")))
    };
    let mut related = item.related.iter().map(at).collect::<Result<Vec<_>, _>>()?;
    related.extend(named);
    let mut decision = item.new.clone().into_decision(
        id,
        number,
        origin(caller, &item.new),
        caller.correlation,
        related,
        hub.clock.now(),
    );
    // Who said what came of it stands in the file.
    if let (Some(outcome), Some(told)) = (&mut decision.outcome, &item.new.outcome) {
        outcome.by.clone_from(&told.by);
    }
    decision.supersedes = item.supersedes.iter().map(at).collect::<Result<_, _>>()?;
    decision.superseded_by = item.superseded_by.as_ref().map(at).transpose()?;
    Ok(decision)
}

/// What its file says now, and what a file does not say as it was. What was recorded here since (an outcome, what came
/// after it) stays where the file is silent. Links to files of another import stay too: nothing says that they ended.
fn as_in_file(before: &Decision, fresh: Decision) -> Decision {
    let superseded_by = before.superseded_by.or(fresh.superseded_by);
    let supersedes = joined(&before.supersedes, &fresh.supersedes);
    let related = joined(&before.related, &fresh.related);
    if fresh.adr.is_some() && fresh.adr == before.adr {
        return Decision { superseded_by, supersedes, related, ..before.clone() };
    }
    // Superseded here, it is not accepted anew by a file that does not know of it.
    let status = if before.superseded_by.is_some() { before.status } else { fresh.status };
    Decision {
        status,
        superseded_by,
        supersedes,
        related,
        revision: before.revision,
        created_at: before.created_at,
        updated_at: before.updated_at,
        correlation_id: before.correlation_id,
        origin: before.origin.clone(),
        outcome: fresh.outcome.or_else(|| before.outcome.clone()),
        confidence: fresh.confidence.or(before.confidence),
        review_on: fresh.review_on.or(before.review_on),
        tags: if fresh.tags.is_empty() { before.tags.clone() } else { fresh.tags },
        ..fresh
    }
}

/// Those of both, each once.
fn joined(before: &[Id], fresh: &[Id]) -> Vec<Id> {
    let more = fresh.iter().filter(|id| !before.contains(id));
    before.iter().chain(more).copied().collect()
}
