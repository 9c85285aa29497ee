//! Some records and some entries of the index, chosen by the run's id, each looked for on the other side.
//!
//! Chosen are those whose ids, hashed with the seed, come first: the same for whoever chooses again, on either side.

use std::collections::BTreeMap;

use crate::{
    hub::{Hub, jobs::attempt::Attempt},
    model::{Fault, Id, Time},
    store::Store,
    tasks::blocking,
};

/// Of each side.
const SAMPLE: usize = 100;

/// Records by the order of their choice, and of when each is.
type Chosen = BTreeMap<([u8; 16], Id), Time>;

/// What was found on both sides.
#[derive(Debug, Default)]
pub struct Compared {
    pub records: usize,
    pub entries: usize,
    pub differing: Vec<Differing>,
}

/// What one side has otherwise than the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Differing {
    /// A record that no search finds.
    NotFound(Id),
    /// The index has a record that is not there, or is hidden.
    NoRecord(Id),
    /// The index has another revision of it.
    OtherRevision(Id),
}

impl Differing {
    pub fn words(self) -> String {
        match self {
            Differing::NotFound(id) => format!("{id} is a record, and not in the index"),
            Differing::NoRecord(id) => format!("{id} is in the index, and no record"),
            Differing::OtherRevision(id) => format!("{id} is in the index as it was at another time"),
        }
    }
}

pub async fn compare(attempt: &Attempt) -> Result<Compared, Fault> {
    let (hub, seed, asked) = (attempt.hub.clone(), attempt.run.id, attempt.asked.clone());
    let records = hub.read(move |store| of_records(store, seed, &|| !asked.is_cancelled())).await?;
    let looking = hub.clone();
    let (mut compared, entries) = blocking(move || {
        let differing = look_up(&looking, &records)?;
        let entries = of_entries(looking.lexical.live()?, seed);
        Ok((Compared { records: records.len(), entries: entries.len(), differing }, entries))
    })
    .await?;
    // What differs in its revision is seen from either side.
    for one in hub.read(move |store| look_back(store, &entries)).await? {
        if !compared.differing.contains(&one) {
            compared.differing.push(one);
        }
    }
    Ok(compared)
}

fn of_records(store: &Store, seed: Id, go_on: &dyn Fn() -> bool) -> Result<Chosen, Fault> {
    let mut chosen = Chosen::new();
    store.scan(&mut |stored| {
        if !stored.hidden {
            choose(&mut chosen, seed, stored.memory.id, stored.memory.updated_at);
        }
        go_on()
    })?;
    store.decisions(None, &mut |_, decision| {
        choose(&mut chosen, seed, decision.id, decision.updated_at);
        go_on()
    })?;
    Ok(chosen)
}

fn of_entries(entries: Vec<(Id, Time)>, seed: Id) -> Chosen {
    let mut chosen = Chosen::new();
    entries.into_iter().for_each(|(id, updated_at)| choose(&mut chosen, seed, id, updated_at));
    chosen
}

fn choose(chosen: &mut Chosen, seed: Id, id: Id, updated_at: Time) {
    let mut hasher = blake3::Hasher::new();
    hasher.update(seed.as_bytes()).update(id.as_bytes());
    let mut place = [0; 16];
    hasher.finalize_xof().fill(&mut place);
    chosen.insert((place, id), updated_at);
    if chosen.len() > SAMPLE {
        chosen.pop_last();
    }
}

/// Records that the index does not lead to, or to another revision.
fn look_up(hub: &Hub, records: &Chosen) -> Result<Vec<Differing>, Fault> {
    let ids: Vec<Id> = records.keys().map(|(_, id)| *id).collect();
    let found = hub.lexical.find(&ids)?;
    let differs = |((id, updated_at), found): ((Id, &Time), Option<Time>)| match found {
        None => Some(Differing::NotFound(id)),
        Some(found) if found != *updated_at => Some(Differing::OtherRevision(id)),
        Some(_) => None,
    };
    Ok(ids.iter().copied().zip(records.values()).zip(found).filter_map(differs).collect())
}

/// Entries of the index whose record is not there, or is another revision.
fn look_back(store: &Store, entries: &Chosen) -> Result<Vec<Differing>, Fault> {
    let mut differing = Vec::new();
    for ((_, id), updated_at) in entries {
        let memory = store.get(*id)?.filter(|stored| !stored.hidden).map(|stored| stored.memory.updated_at);
        let record = match memory {
            Some(found) => Some(found),
            None => store.decision(*id)?.map(|decision| decision.updated_at),
        };
        match record {
            None => differing.push(Differing::NoRecord(*id)),
            Some(found) if found != *updated_at => differing.push(Differing::OtherRevision(*id)),
            Some(_) => {}
        }
    }
    Ok(differing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(n: u64) -> Vec<(Id, Time)> {
        (0..n).map(|i| (Id::from_bytes(u128::from(i).to_be_bytes()), Time::default())).collect()
    }

    #[test]
    fn the_same_are_chosen_in_whatever_order_they_come_and_others_by_another_seed() {
        let all = ids(1_000);
        let seed = Id::from_bytes([7; 16]);
        let chosen = of_entries(all.clone(), seed);
        assert_eq!(chosen.len(), SAMPLE);
        assert_eq!(of_entries(all.iter().rev().copied().collect(), seed), chosen);
        let other = of_entries(all, Id::NIL);
        let both = chosen.keys().filter(|(_, id)| other.keys().any(|(_, known)| known == id)).count();
        assert!(both < SAMPLE / 2, "{both} of {SAMPLE}");
    }
}
